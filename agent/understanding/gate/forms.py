# SPDX-License-Identifier: Apache-2.0
"""Forms by which a sentence makes another order of the words it has: sums, directions, pretence, acts of no call."""

import re
from functools import lru_cache
from itertools import pairwise

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts
from agent.understanding.mentions.languages import Act
from agent.understanding.mentions.quantities import Unit
from agent.understanding.orders import Read

_UP = re.compile(
    r"\b(?:raise|increase|extend|lengthen|prolong|grow|expand|longer|higher|larger|bigger|double|triple|up)"
    r"(?:s|d|ed|ing)?\b"
)
_DOWN = re.compile(
    r"\b(?:lower|reduce|decrease|shorten|cut|drop|halve|shrink|shorter|smaller|fewer|less|down)(?:s|d|ed|ing|ting)?\b"
)
_CHANGES = re.compile(
    r"\b(?:raise|increase|extend|lengthen|lower|reduce|decrease|shorten|cut|drop|add)(?:s|d|ed|ing)?\b"
)


def is_sum(read: Read) -> bool:
    """Whether numbers beside one another make a third one, or a range: "1/2 ETH", "500 + 500 USDC", "1-2 ETH"."""
    folded = read.voice.folded
    if not read.quantities:
        return False
    for one, two in pairwise(read.quantities):
        between = folded[one.end : two.start]
        if len(between) <= 5 and one.unit is Unit.BARE and between.strip() in _MARKS_OF_SUMS:
            return True
    for one in read.quantities:
        if _PART.search(folded[: one.start]) is not None and one.unit is Unit.TOKEN:
            return True
        if one.unit is Unit.TOKEN and folded[one.end : one.end + 3].lstrip().startswith("*"):
            return True  # the mark of a note that is nowhere
    return False


_AS_ONE = re.compile(r"\s?(?:tokens?\s?)?(?:[(=/]|,?\s?(?:equals?|equal to|which is|that is|i\.?e\.?,?)\b)\s?")


def is_in_two_tokens(read: Read, facts: Facts) -> bool:
    """Whether an amount stands beside one of a token that no call moves, as if they were equal: "10 WETH (100 UNI)"."""
    amounts = [one for one in read.quantities if one.unit is Unit.TOKEN]
    for one, two in pairwise(amounts):
        if one.symbol != two.symbol and _AS_ONE.fullmatch(read.voice.folded[one.end : two.start]) is not None:
            return True
    if not facts.is_some_money or not any(facts.uses(one) for one in amounts):
        return False
    return any(one.is_known and not facts.moves(one.symbol) and one.readings != (0,) for one in amounts)


_MARKS_OF_SUMS = frozenset(["/", "*", "+", "×", "·", "÷", "^", "-", "–", "—", "−"])
_PART = re.compile(r"(?<![\w.])\d[\d.,]*\s?(?:[/*+×·÷^]|[-–—−])\s?$")


def turns_direction(read: Read, facts: Facts) -> bool:
    """Whether a sentence calls a change a rise or a fall and its numbers go the other way, or gives the difference."""
    folded = read.voice.folded
    if facts.is_all_money or not read.quantities:
        return False
    is_up, is_down = _UP.search(folded) is not None or _adds(folded, facts), _DOWN.search(folded) is not None
    if is_up == is_down:
        return False
    numbers = [
        one for one in read.quantities if one.unit in (Unit.BARE, Unit.TIME, Unit.PERCENT, Unit.BLOCKS, Unit.BPS)
    ]
    for old, new in pairwise(numbers):
        is_from = re.search(r"\bfrom (?:the current )?$", folded[: old.start]) is not None
        if is_from and re.fullmatch(r"[^.;:]{0,20}\bto\s+", folded[old.end : new.start]) and old.unit is new.unit:
            return (new.readings[0] > old.readings[0]) != is_up
    if _ADDS_TO.search(folded) is not None and is_up and any(facts.uses(one) for one in numbers):
        return True
    match = _CHANGES.search(folded)
    first = next((one for one in numbers if match is not None and one.start > match.end() and facts.uses(one)), None)
    return first is not None and _TO.search(folded[match.end() if match else 0 : first.start]) is None


_ADDS = re.compile(r"\badd(?:s|ed|ing)?\b")
_ADDS_TO = re.compile(r"\badd(?:s|ed|ing)? to\b")  # "Add to the voting period 5 days"
_ADDS_NUMBER = re.compile(r"\badd(?:s|ed|ing)? (?=\d)(?!0x)")


def _adds(folded: str, facts: Facts) -> bool:
    """Whether a sentence adds to a number, and not an owner, as a call does: "Add 5 days to the voting period"."""
    pattern = _ADDS_NUMBER if any(one.function.startswith("add") for one in facts.effects) else _ADDS
    return pattern.search(folded) is not None


_TO = re.compile(r"\b(?:to|at|is|be|becomes|from)\b|[:=→(]")


_PRETENCES = (
    r"(?:experiment|demo|demonstration|prototype|trial|test|rehearsal|exercise|simulation|story|tale|dream|game|joke|"
    r"hoax|prank|mock-up|mockup|mock|sketch|drill|draft|sample|example|template|parody|satire|fiction|fantasy)"
)
_PRETENDED = re.compile(
    rf"\b(?:this|it|that|these|they|everything|proposal|payment|transfer|vote|grant|request|all|here)\s+(?:is|was|are|"
    rf"were|remains?|becomes?)\s+(?:\w+ ){{0,3}}{_PRETENCES}s?\b"
)


_SHOWS = frozenset(re.findall(r"[a-z]{4,}", _PRETENCES)) | {f"{one}s" for one in re.findall(r"[a-z]{4,}", _PRETENCES)}


@lru_cache(maxsize=2_048)
def said_of(folded: str) -> frozenset[str]:
    """The words of a sentence."""
    return frozenset(re.findall(r"[a-z]+", folded))


def is_pretence(folded: str) -> bool:
    """Whether a sentence calls the order, or "this", a mere show: "This is an experiment"."""
    return not said_of(folded).isdisjoint(_SHOWS) and _PRETENDED.search(folded) is not None


# Verbs by which a sentence in the present does something itself, if it is the DAO that does it: "We appoint Lea".
_DOING = (
    r"(?:allow|enable|empower|permit|authori[sz]e|entrust|trust|appoint|elect|nominate|name|choose|select|register|deploy|"
    r"dedicate|hire|fire|dismiss|sell|buy|merge|dissolve|give|lend|borrow|hand|pass|assign|grant|transfer|move|swap|"
    r"exchange|convert|become|stop|end|close|cancel|freeze|pause|install|launch|commit|pledge|donate|waive|forgive|"
    r"license|rent|lease|invest|burn|mint|upgrade|migrate|return|refund|reserve|raise|lower|split|distribute|leave|join|"
    r"test|try|set aside)"
)
_DOES = re.compile(
    rf"^\W*(?:(?:with this|hereby|so|now|then|also|in addition|furthermore),? )?"
    rf"(?:we|(?:the|our) (?:dao|treasury|community|council|members|delegates|committee|protocol))\s+"
    rf"(?:also |hereby |now |then |therefore |jointly )*(?P<verb>{_DOING}(?:s|es)?)\b(?!-)"
)
_HOLDS = "|".join(
    sorted(sets.ON_CHAIN - {"delegate", "delegates", "period", "delay", "domain", "pool", "supply", "mandate"})
)
_CONTROLS = re.compile(
    rf"\b(?:operates?|controls?|owns?|runs?|holds?|manages?|governs?|commands?|administers?)\s+(?:the |our |its |this )"
    rf"(?:{_HOLDS})\b"
)
_BLAMES = sets.words_of(
    "thief thieves criminal criminals fraud frauds scam scams scammer scammers hacker hackers "
    "attacker attackers impostor impostors imposter imposters launderer launderers crook crooks "
    "threat threats danger liar liars spy spies bot bots attack exploit exploiter puppet puppets "
    "strawman strawmen front"
)
_CRIMINAL = re.compile(
    rf"\b(?:is|was|are|were|as|being)\s+(?:\w+ ){{0,4}}(?:{'|'.join(sorted(_BLAMES, key=len, reverse=True))})\b"
)
_NOT_WHO = re.compile(
    r"\b(?:author|recipient|receiver|applicant|grantee|payee|beneficiary|vendor|contractor|writer|developer|auditor|team)s?"
    r"\s+(?:is|are|was|were) (?:not|never|no)\b"
)


_ACCOUNT = r"(?:accounts?|address(?:es)?|wallets?|multisigs?|keys?|money|funds)"
_OF_ACCOUNT = re.compile(
    rf"\b{_ACCOUNT}\b[^.;]{{0,30}}\b(?:held|controlled|owned|run|operated|managed|used|kept|shared) by\b|"
    rf"\b(?:controls?|holds?|owns?|runs?|manages?|keeps?|shares?)\s+(?:the|this|that|its|her|his|their|both)?\s?"
    rf"(?:{_ACCOUNT}|it)\b|\b(?:receives?|gets?|collects?|pockets?|keeps?)\s+(?:what|the money|the funds|"
    rf"the payment|it "
    rf"all|everything|most|half)\b"
)
_SHARE = re.compile(
    r"\b(?:percent|per cent|half|third|quarter|rest|remainder|part|%)\s+(?:of (?:it|this|that) )?(?:goes|"
    r"go|belongs?|is "
    r"(?:for|due)|falls?)\b|\d ?%\s+(?:goes|go|belongs?|is for)\b"
)
_FROM_NOW = re.compile(
    r"\bfrom now on\b|\bfrom (?:january|february|march|april|may|june|july|august|september|october|november|december)"
    r"(?: \d+)? on\b|\b(?:as of|effective|starting|beginning) (?:from |in |on )?(?:today|tomorrow|now|january|february|"
    r"march|april|may|june|july|august|september|october|november|december)\b|\bfrom then on\b|\bhenceforth\b"
)
_BECOMES = re.compile(
    r"\bbecomes?\s+(?:an?|the|our|one of)\b|\b(?:threshold|quorum|period|delay|supply|limit)\b[^.;]{0,30}\b(?:halves|"
    r"doubles|triples|falls|rises|drops|grows|shrinks|ends|changes)\b|\bvotes? (?:last|take|run|count)s?\b|"
    r"\btakes? over the\b|\b(?:moves|passes|goes|falls) (?:over )?to the\b"
)
_VOTING = re.compile(
    r"^\W*(?:by (?:voting|passing|approving|supporting|agreeing)|passing|voting|a vote|a yes|if you)\b(?P<rest>.*)$"
)
_AGREES = re.compile(r"\b(?:means?|dissolves?|ends?|elects?|agrees?|accepts?|you|binds?|makes?|gives?|appoints?)\b")
_ON_PLACE = re.compile(r"\b(?:this|it|payment|transfer|vote|proposal) (?:is|happens|runs|takes place|goes) on [A-Za-z]")
_NOTHING = re.compile(
    r"\b(?:does not|doesn't|do not|don't|did not|didn't) exist\b|\bnever (?:been )?(?:done|delivered|written|finished|"
    r"started|happened|published)\b|\b(?:is|are) free\b(?! (?:and open|software|to use))|\bexists? already\b|\balready "
    r"exists?\b|\b(?:not|n't|nobody|unknown) (?:know|knows|knew)? ?who\b"
)


def does_itself(folded: str, facts: Facts) -> bool:
    """Whether a sentence says that the DAO does something now that no call does, or who has what only calls give."""
    match = _DOES.match(folded)
    if match is not None:
        verb = match["verb"]
        known = {str(act) for act in facts.acts}
        return (
            not any(verb.startswith(act[:5]) for act in known)
            and verb.rstrip("s") not in facts.words - sets.OF_KIND["transfer"]
        )
    said = said_of(folded)
    if not said.isdisjoint(sets.CHAINS) and _ON_PLACE.search(folded) is not None and _CHAIN.search(folded) is not None:
        return True
    match = _VOTING.match(folded)
    if match is not None and _AGREES.search(match["rest"]) is not None and not folded.startswith("by approving"):
        return True
    if any(not said.isdisjoint(words) and form.search(folded) is not None for form, words in _TURNING):
        return True
    if facts.is_all_money and not said.isdisjoint(_CHANGING) and _BECOMES.search(folded) is not None:
        return True
    return Act.REVOKE not in facts.acts and not said.isdisjoint(_RULES) and _CONTROLS.search(folded) is not None


# Words of which each form has one: most sentences have none, and need no search.
_TURNING = (
    (_OF_ACCOUNT, sets.words_of("account accounts address addresses wallet wallets multisig multisigs key keys money "
                                "funds it what payment everything most half all")),
    (_SHARE, sets.words_of("goes go belong belongs is falls fall")),
    (_FROM_NOW, sets.words_of("from then henceforth as effective starting beginning")),
    (_NOTHING, sets.words_of("exist exists never free who")),
)  # fmt: skip
_CHANGING = sets.words_of(
    "become becomes halves doubles triples falls rises drops grows shrinks ends changes last lasts take "
    "takes run runs count "
    "counts moves passes goes"
)
_RULES = sets.words_of(
    "operate operates control controls own owns run runs hold holds manage manages govern governs command commands "
    "administer administers"
)
_CHAIN = re.compile(rf"\b(?:{'|'.join(sorted(sets.CHAINS - {'base'}))})\b")


def blames(folded: str) -> bool:
    """Whether a sentence calls somebody what nobody would pay: "The founder is a thief", "The writer is no person"."""
    said = said_of(folded)
    if said.isdisjoint(_COPULAS):
        return False
    is_denied = not said.isdisjoint(_DENYING) and _NOT_WHO.search(folded) is not None
    return is_denied or (not said.isdisjoint(_BLAMES) and _CRIMINAL.search(folded) is not None)


_COPULAS = sets.words_of("is was are were as being")
_DENYING = sets.words_of("not never no")


_EVERY = re.compile(
    r"\b(?:weekly|monthly|yearly|daily|quarterly|(?:each|every) (?:day|week|month|quarter|year|season))\b"
)
_OFTEN = sets.words_of("weekly monthly yearly daily quarterly each every")
_PAID = re.compile(r"\b(?:payments?|transfers?|grants?|amounts?|sums?|money|funds|funding|paid|pays?|salary)\b")


_COMES_AGAIN = re.compile(
    r"\b(?:weekly|monthly|yearly|daily|quarterly|annually)\b(?!-? ?(?!(?:and|or|for|in|to|as|by|with)\b)[a-z])|"
    r"\b(?:each|every) (?:day|week|month|quarter|year|season)\b"
)
_ONE_OF_MANY = re.compile(
    r"\beach (?:of (?:them|these) )?(?:has|have|had|gets?|got|needs?|wants?) (?:one|it|them|the same)\b"
)
_SUCH = re.compile(r"\bsuch (?!as\b|an?\b)[a-z]+s\b")


def comes_again(folded: str) -> bool:
    """Whether a sentence says that something is done again and again: "We do this every week"."""
    return not said_of(folded).isdisjoint(_OFTEN) and _COMES_AGAIN.search(folded) is not None


def each_has(folded: str) -> bool:
    """Whether a sentence says that others have the same: "There are ten teams, and each has one"."""
    return "each" in folded and _ONE_OF_MANY.search(folded) is not None


def has_others(folded: str) -> bool:
    """Whether a sentence says that there are more of what an order is about: "There are ten such teams"."""
    return each_has(folded) or ("such" in folded and _SUCH.search(folded) is not None)


def recurs(folded: str) -> bool:
    """Whether a sentence says of a payment that it comes again: "The payment covers a year of work, weekly"."""
    said = said_of(folded)
    if said.isdisjoint(_OFTEN):
        return False
    return _EVERY.search(folded) is not None and _PAID.search(folded) is not None
