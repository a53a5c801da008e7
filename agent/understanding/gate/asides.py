# SPDX-License-Identifier: Apache-2.0
"""Sentences in sections of their own, of reasons, people and plans: may one of them turn an order elsewhere?

Such prose is free, as long as it does not come back to the order. Where it speaks of the payment, the role or the text,
it must do so in one of a few forms; who takes part does nothing in it that only calls do; half sentences are no prose.
"""

import re

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts, LeftOver
from agent.understanding.gate.inert import are_plain
from agent.understanding.mentions import languages
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.mentions.quantities import Unit
from agent.understanding.moods import level
from agent.understanding.orders import Read
from agent.understanding.passages import Shape

_OF_ORDER = "|".join(sorted(sets.OF_ORDER, key=len, reverse=True))
_DEFINITE = re.compile(
    rf"\b(?:the|this|that|these|those|its|her|his|their|such) (?P<kind>(?!of\b)[a-z]+ )?(?P<noun>{_OF_ORDER})\b"
)
# With a word between they are other things: "the weekly call", "the last vote"; and so is "the number of readers".
_OTHER_THING = frozenset(
    ["call", "calls", "vote", "draft", "version", "text", "budget", "item", "items", "line", "lines", "numbers"]
)
_OF_OTHERS = re.compile(rf"^ of (?:the |our |its |all |his |her |their )?(?!{_OF_ORDER})[a-z]{{3,}}\b")
# What the order may be said to be, or to have been, without becoming another.
_PREDICATE = re.compile(
    r"^\s*(?:\([^)]*\)\s*)?(?:will |would )?(?:be |is |are |was |were |has been |have been )?"
    rf"(?:{'|'.join(sorted(sets.OF_ORDER_SAID, key=len, reverse=True))}|pays? for)\b"
)
_DONE_WITH = re.compile(
    rf"\b(?:{'|'.join(sorted(sets.WITH_ORDER, key=len, reverse=True))})\s+(?:with|of|to|for|on|about|in|by|at|)\s?$"
)
_TURNS = re.compile(
    r"\b(?:if|unless|until|till|only|once|not|no|never|nothing|nobody|otherwise|instead|other|another|without|back|"
    r"half|later|except|void|cancel\w*|withdr\w*|replac\w*|revers\w*|drop\w*|reject\w*|moot|scrap\w*)\b"
)
_BARE = re.compile(
    r"(?:\b(?:this|it|they|these|those|everything)|(?:^|[.;:,] |\band |\bbut )\W*(?:that|so))"
    r"(?=\s*(?:[.,;:!?)]|$|(?:is|are|was|were|will|would|has|had|have|may|can|could|down|up|off|out|by|in|on|to|from|"
    r"for|until|if|when|only|also|too|as|does|do|did|never|not|home|back|over|away)\b))"
)
_ANTECEDENT = re.compile(r",|;|\band\b|\bbut\b|\bbecause\b|\bwhich\b|\bthat\b|\bso\b|\bwhen\b|\bif\b|\bwho\b|\bhow\b")
_EDITOR = re.compile(r"^\W*(?:n\.? ?b|p\.? ?s|edit|update|erratum|errata|correction|postscript)\b\W*")
_MOVES = frozenset({Act.TRANSFER, Act.APPROVE, Act.MINT, Act.BURN})
_MONEY = frozenset({Act.TRANSFER, Act.APPROVE, Act.MINT, Act.BURN, Act.STREAM, Act.GRANT, Act.REVOKE, Act.DELEGATE})
_FRAME = re.compile(
    r"\b(?:propos\w+|asks?|asking|seeks?|request\w*|recommend\w*|support\w*|wants?|would like|vote[sd]? (?:for|to)|"
    r"(?:it is |it's )?time|aims?|in order|asked|agreed|decided|wish\w*|hope\w*)\s+"
    r"(?:that |to |for |the dao |us |you )*\W*$"
)
_CLOSED = frozenset(
    [
        "status",
        "result",
        "results",
        "outcome",
        "network",
        "chain",
        "note",
        "notes",
        "update",
        "updates",
        "units",
        "nota",
    ]
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|may|might|must|should|do|does|did|'s|'re|[a-z]{3,}ed|"
    r"[a-z]{3,}s)\b"
)


def aside_left_over(read: Read, facts: Facts, *, heading: str, is_first: bool) -> LeftOver | None:
    """What a passage in another section than the orders leaves over. `is_first`: nothing stands before it there."""
    passage, folded = read.passage, _without_own(read.voice.folded, facts)
    if not read.quantities and all(party.is_own for party in read.parties if party.addresses):
        folded = _NOT_OF_IT.sub(" ", folded)
    whole = LeftOver("words", passage.start, passage.end)
    if _EDITOR.match(folded):
        return whole
    if _restates(read, facts) or is_choice(folded, facts, own_names(read, facts)):
        return None
    if _orders_itself(read, facts):
        return LeftOver("verb", passage.start, passage.end)
    if (over := _of_fragment(read, facts, heading)) is not None:
        return over
    if _speaks_of_order(folded) or _ABOVE.search(folded) is not None:
        return whole
    if _is_bound(read, facts) or _does_what_calls_do(read, facts):
        return LeftOver("verb", passage.start, passage.end)
    if _BIDS.search(folded) is not None:
        return whole
    bare = _BARE.search(folded) if is_first or passage.shape is Shape.ITEM else _EVERYTHING.search(folded)
    if bare is not None and _ANTECEDENT.search(folded[: bare.start()]) is None and bare.start() > 0:
        return whole
    return None


_NOT_OF_IT = re.compile(
    r"\(not [a-z]+ (?:in|by) this proposal\)"
)  # of what stands before it, and is no receiver or amount


def _without_own(folded: str, facts: Facts) -> str:
    """A sentence without the words of the effects' own subjects, which turn nothing: "reverse" of a reverse record."""
    return _TURNS.sub(lambda match: " " * len(match[0]) if match[0] in facts.words else match[0], folded)


_BIDS = re.compile(
    r"(?:^|, |; |: )(?:better|best|rather|just|simply|let's|let us|please|do) (?!to\b)[a-z]+ (?:it|this|that)\b"
)
_EVERYTHING = re.compile(r"\b(?:everything|all of it|none of it|half of it) (?:home|back|over|away)\b")


_COUNTED = frozenset(["number", "numbers", "amount", "amounts", "sum", "role", "text", "version", "line", "item"])
_SAME = frozenset(
    ["whole", "total", "proposed", "requested", "full", "above", "first", "second", "entire", "same", "on"]
)
_AS_NOUN = re.compile(
    r"\b(?:without|of|for|the|a|an|her|his|their|our|its|no|in|on|by|with|from|any|more|much|each|these|those)\s+$"
)


def _of_fragment(read: Read, facts: Facts, heading: str) -> LeftOver | None:
    """A few words that are no sentence: a value under its heading, as "Status / obsolete"."""
    passage, folded = read.passage, read.voice.folded
    said = re.findall(r"[^\W\d_]+", folded)
    if not said or len(said) > 5 or (_FINITE.search(folded) is not None and passage.text.rstrip()[-1:] in ".!?"):
        return None
    names = set(re.findall(r"[^\W\d_]+", level(heading)))
    over = LeftOver("words", passage.start, passage.end)
    if names & _CLOSED:
        return None if all(word in sets.PLAIN_STATUS | sets.PLAIN_CHAIN | sets.GLUE for word in said) else over
    if passage.shape is not Shape.SENTENCE:
        return None
    binds = (sets.BINDING | sets.ASIDE_TURNS) - sets.FREE_IN_TITLES - facts.words
    return over if any(word in binds for word in said) else None


def _speaks_of_order(folded: str) -> bool:
    """Whether a sentence speaks of the order or the text in another form than those that change nothing of it."""
    for match in _DEFINITE.finditer(folded):
        before, after = folded[: match.start()], folded[match.end() :]
        if match["kind"] and match["noun"] in _OTHER_THING and match["kind"].strip() not in _SAME:
            continue
        if match["noun"] in _COUNTED and _OF_OTHERS.match(after) is not None:
            continue
        if _DONE_WITH.search(before) is not None and _TURNS.search(after) is None and _TURNS.search(before) is None:
            continue
        if match["noun"] in ("proposal", "vote", "executable") and _tells_of_itself(after):
            if _DOES_ORDER.match(after) is not None:
                return False  # what stands behind is what it does
            if match["noun"] in ("proposal", "executable") or not _ELECTS.search(after):
                continue
        if _PREDICATE.match(after) is not None and _TURNS.search(after) is None and _TURNS.search(before) is None:
            continue
        return True
    return False


_ABOVE = re.compile(r"\b(?:above|below)\b")
_ELECTS = re.compile(
    r"^\s*(?:also |then |now )?(?!\w*(?:is|was|covers|seeks|asks|aims|follows|builds|continues)\b)\w+s\b"
)
_ITSELF = re.compile(
    r"\b(?:this|the) (?:executable |on-?chain )?(?:proposal|vote)(?: will)?\s+$|\bwe (?:propose|ask|want) to\s+$"
)
_FREE = sets.FREE_IN_AIMS | frozenset(["their", "its", "we", "us", "he", "she", "her", "his", "two", "three", "every"])


def _restates(read: Read, facts: Facts) -> bool:
    """Whether a sentence says in general what an effect does: "This proposal pays two contributors for their work"."""
    folded = read.voice.folded
    act = next((act for act in read.voice.acts if act.tense is Tense.NOW and act.acts & facts.acts), None)
    if act is None or _ITSELF.search(folded[: act.start]) is None:
        return False
    if any(party.addresses and not facts.takes_part(party) for party in read.parties):
        return False
    if any(not facts.uses(quantity) for quantity in read.quantities if quantity.unit is not Unit.BARE):
        return False
    rest = set(re.findall(r"[^\W\d_]+", folded[act.end :]))
    counts = rest & set(languages.NUMBER_WORDS) - {"one"}
    if _orders_itself(read, facts):
        return False
    is_counted = all(languages.NUMBER_WORDS[word] == len(facts.effects) for word in counts)
    return is_counted and not rest & (sets.BINDING - _FREE - facts.words) and _TURNS.search(folded[act.end :]) is None


def _orders_itself(read: Read, facts: Facts) -> bool:
    """Whether a sentence says that this proposal pays somebody, or in a token, that no call names."""
    folded = read.voice.folded
    act = next((act for act in read.voice.acts if act.tense is Tense.NOW and act.acts & _MOVES), None)
    if act is None or _ITSELF.search(folded[: act.start]) is None:
        return False
    known = {word for party in read.parties for word in re.findall(r"\w+", party.name)}
    for word in _NAME.findall(read.passage.text[act.end :]):
        symbol = facts.symbols.of(word)
        if symbol is not None and not facts.moves(symbol):
            return True
        is_name = word[:1].isupper() and symbol is None and level(word) not in known
        if is_name and not are_plain((word,), facts, sets.TOPICS):
            return True
    return False


_NAME = re.compile(r"[^\W\d_]+")
_CHOICE = re.compile(
    r"^\W*(?:a )?(?:vote |voting )?[\"']?(?P<side>for|yes|yea|in favou?r|against|no|nay|abstain)\b[\"']?(?:\W|$)"
)


_KEEPS = re.compile(
    r"\b(?:keeps?|stays?|remains?|reject\w*|oppos\w*|against|unpaid|refus\w*|stops?|cancel\w*|withh\w*)\b"
)


def is_other_choice(read: Read, facts: Facts) -> bool:
    """Whether a line in a list says of a vote what no rule knows: "For: Marco Ruiz is paid"."""
    match = re.match(r"^\W*(?:vote |voting )?(?:for|yes|against|no|abstain)\W*[:–—=]", read.voice.folded)
    heading = level((read.passage.headings or ("",))[-1])
    is_vote = re.search(r"\b(?:vot(?:e|es|ing)|options?|choices?|outcomes?)\b", heading) is not None
    return (
        match is not None
        and (is_vote or _KEEPS.search(read.voice.folded) is not None)
        and not is_choice(read.voice.folded, facts, own_names(read, facts))
    )


def own_names(read: Read, facts: Facts) -> frozenset[str]:
    """The words by which a sentence names who takes part."""
    own = (party for party in read.parties if party.is_own or facts.takes_part(party))
    return frozenset(word for party in own for word in re.findall(r"[^\W\d_]+", party.name))


def is_choice(folded: str, facts: Facts, own: frozenset[str] = frozenset()) -> bool:
    """Whether a line says what a vote means: for, that it is done; against, that it is not.

    `own`: the words of names of who takes part.
    """
    match = _CHOICE.match(folded)
    if match is None:
        return False
    rest = folded[match.end() :]
    said = set(re.findall(r"[^\W\d_]+", rest))
    denies = languages.compiled(languages.DENIALS).search(rest) is not None or _KEEPS.search(rest) is not None
    if not said <= _OF_CHOICE | _OF_MONEY | own or _does_other(said, facts):
        return False  # "For: mint", where nothing is minted
    if said & _KEEPS_ON and said & _DONE and not said & {"not", "no"}:
        return False  # "keep her paid" denies nothing
    if match["side"] in ("for", "yes", "yea", "in favour", "in favor"):
        return not denies and not said & _OF_REFUSAL
    return denies or not said & (_OF_ACTS | _OF_MONEY)


def _does_other(said: set[str], facts: Facts) -> bool:
    """Whether what a choice says is done is no act of the effects: money, a grant, another act."""
    if said & (_OF_MONEY | _PAID) and not facts.totals:
        return True
    has_role = any(effect.function.startswith("grantRole(") for effect in facts.effects)
    if said & _GRANTS and not (facts.totals or has_role):
        return True
    return any(said & words and not acts & facts.acts for words, acts in _VERBS_OF)


_PAID = sets.words_of("payment payments unpaid")
_GRANTS = sets.words_of("grant grants granted")
_KEEPS_ON = sets.words_of("keep keeps stay stays remain remains")
_DONE = sets.words_of("paid made sent funded granted")
_OF_MONEY = sets.words_of(
    "pay pays paid transfer transfers send sends sent fund funds funded money reimburse reimburses reimbursed award "
    "awards awarded sponsor sponsors compensate reward"
)
_VERBS_OF: tuple[tuple[frozenset[str], frozenset[Act]], ...] = (
    (_OF_MONEY, _MONEY),
    (sets.words_of("mint mints"), frozenset({Act.MINT})),
    (sets.words_of("delegate delegates"), frozenset({Act.DELEGATE})),
    (sets.words_of("upgrade upgrades upgraded"), frozenset({Act.UPGRADE})),
    (sets.words_of("renew renews"), frozenset({Act.RENEW})),
    (sets.words_of("set update"), frozenset({Act.SET, Act.UPGRADE})),
)
_OF_REFUSAL = sets.words_of("keep keeps status quo unchanged you stays stop current treasury nothing nobody set moves")
_OF_ACTS = sets.words_of(
    "pay pays paid transfer transfers send sends sent made make makes mint mints grant grants approve "
    "approves fund funds "
    "funded granted upgrade upgraded upgrades delegate delegates execute executes implement implements "
    "proceed pass passes "
    "renew renews update set do done move moves agree agrees accept accepts support supports yes favour favor happens"
)
_OF_CHOICE = sets.words_of(
    "it the this a an of to in for and or is are be will do does not no none nothing i we you it with from approve "
    "approves support supports agree agrees accept accepts pass passes execute executes implement implements proceed "
    "make makes payment payments transfer transfers grant request proposal vote action change changes reject rejects "
    "oppose opposes disagree keep keeps stays remains stop as current status quo abstain opinion neutral against "
    "favour favor yes pay pays fund funds upgrade set update made paid sent done move moves money treasury dao "
    "upgraded funded granted send sends mint mints renew renews delegate delegates unchanged unpaid happens stay "
    "remain"
)


_DOES = re.compile(r"^\s*(?:\([^)]*\)\s*)?(?:also |then |now )?(?P<verb>[a-z]+[^s\W]s)\b(?P<rest>.*)")
_DOES_ORDER = re.compile(
    r"^\s*(?:\([^)]*\)\s*)?(?:also |then |now )?(?:(?:seeks|aims|proposes|asks|requests|wants) |executes|implements|"
    r"resumes|restarts|reactivates|aggregates|bundles|combines|covers|continues|renews|funds|supports|completes|fulfils|"
    r"fulfills|ratifies|enacts|makes|provides|introduces|transfers|pays|sends|distributes)\b"
    r"(?!.*\b(?:in|on|by|from|after) (?:january|february|march|april|may|june|july|august|september|october|november|"
    r"december|20\d\d)\b)"
)
_GOES_WRONG = frozenset(
    ["is", "was", "has", "does", "loses", "fails", "lapses", "expires", "ends", "lacks", "misses", "waits", "depends",
     "stands", "falls", "remains", "stays", "becomes", "turns", "dies", "closes", "reads", "means", "binds", "lies",
     "keeps", "needs", "requires", "goes", "comes", "assumes", "counts"]
)  # fmt: skip


def _tells_of_itself(after: str) -> bool:
    """Whether a proposal says what it does: "This proposal resumes the streams that were interrupted"."""
    match = _DOES.match(after)
    if match is None or match["verb"] in _GOES_WRONG:
        return False
    denies = languages.compiled(languages.DENIALS).search(match["verb"]) is not None
    return not denies and _TURNS.search(match["rest"]) is None


_MUST = re.compile(r"^(?:'s \w+)? (?:\w+ )?(?:must|should|shall|ought|has to|have to|needs to|need to)\b")


def _is_bound(read: Read, facts: Facts) -> bool:
    """Whether who takes part must do something first, or declined: "Lea must win the contest"."""
    folded = read.voice.folded
    denials = languages.compiled(languages.DENIALS)
    for party in read.parties:
        if not party.addresses or party.is_own or not facts.takes_part(party):
            continue
        after = folded[party.end :]
        near = re.match(r"(?:\W+[\w']+){0,2}", after)
        if _MUST.match(after) is not None or (near is not None and denials.search(near[0]) is not None):
            return True
    return False


def _does_what_calls_do(read: Read, facts: Facts) -> bool:
    """Whether somebody who takes part gives, gets or loses something here that no order of the text says."""
    folded = read.voice.folded
    named = [party for party in read.parties if party.addresses and not party.is_own and facts.takes_part(party)]
    for act in read.voice.acts:
        if not act.acts & _MONEY or act.word in sets.GLUE - sets.MOVING:
            continue
        before = folded[: act.start]
        if _FRAME.search(before) is not None or _AS_NOUN.search(before) is not None:
            continue
        has_object = re.match(r"\s+(?:it|everything|them|all|half|the money|the rest)\b", folded[act.end :]) is not None
        is_now = act.tense is Tense.NOW and not act.word.endswith("ing")
        if is_now and (has_object or any(party.end <= act.start for party in named)):
            return True
        if act.word.endswith("ing") and any(party.start >= act.end and party.start - act.end < 8 for party in named):
            return True
    return False
