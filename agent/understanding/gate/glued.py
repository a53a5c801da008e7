# SPDX-License-Identifier: Apache-2.0
"""Words that every order may have, where they make another order: another payer, one more thing or receiver, a count.

"The treasury", "members", "the Safe" are words of orders. As what is transferred, as one more receiver, or as who pays
in place of the DAO they say something that no call does.
"""

import re

from agent.understanding.gate.facts import Facts
from agent.understanding.gate.inert import are_plain
from agent.understanding.gate.words import LEADS, words_of
from agent.understanding.mentions import languages
from agent.understanding.mentions.languages import Act
from agent.understanding.mentions.quantities import Unit
from agent.understanding.orders import Read
from agent.understanding.telling import is_money

_OTHERS = r"(?:members|community|recipients?|receivers?|team|contributors|people|you|they|he|she|everyone|delegates)"
_MOVES = (
    r"(?:transfers?|sends?|pays?|gives?|grants?|donates?|disburses?|mints?|approves?|delegates?|executes?|makes?|revokes?|"
    r"sets?|adds?)"
)
_PAYS_INSTEAD = re.compile(
    rf"^\W*(?:the |our |all |its )?(?:{_OTHERS}|i)\s+(?:will |would |shall |must |should |can |also |then |"
    rf"now |each )*{_MOVES}\b|"
    rf"\b(?:asks?|asking|invites?|tells?|lets?)\s+(?:the |our |all )?{_OTHERS}\s+to\b|\bfrom (?:the |our |"
    rf"all )?{_OTHERS}\b"
)
_SAFE_PAYS = re.compile(r"^\W*(?:the |our |its )(?:\w+ )?(?:safe|multisig)\s+(?:will |shall )?" + _MOVES + r"\b")
_THINGS = (
    r"(?:treasury|tokens|coins|members|multisig|safe|wallet|timelock|governor|community|team|contract|total|dao|"
    r"executor)"
)
_ONE_MORE = re.compile(
    rf"(?:\band|&|,)\s+(?:then |finally |also )*(?:to )?(?:the|our|its|her|his|their|all)\s+(?:\w+ )?{_THINGS}\b"
    r"(?! (?:of|at|which|that|will|shall|is|are|'s|sends?|pays?|transfers?|grants?|executes?|makes?|"
    r"approves?|mints?)\b)"
)
_MOVED = re.compile(
    rf"\b(?:transfers?|sends?|gives?|hands?|transferring|sending|pays?)\s+(?:over )?(?:the|our|"
    rf"its)\s+{_THINGS}\b(?! (?:transfer|payment|of)\b)|"
    r"\b(?:transfer|payment|handover) of (?:the |our )(?:treasury|safe|multisig|timelock|governor|dao)\b|"
    r"\b(?:treasury|safe|multisig|timelock|governor|dao) (?:is|are|will be|gets) (?:transferred|sent|"
    r"given|handed|paid)\b|"
    r"\b(?:tokens|coins|total|funds|balance|all) of (?:the|our) (?:treasury|dao|safe|timelock)\b|"
    r"\bby an? (?:\w+ )?(?:multisig|safe|wallet|account|team)\b"
)
# Who wanted it, another payer, and a part of something, which no call has.
_FRAMED = re.compile(
    rf"\b(?:on|at|upon|by|in|as) (?:the |an? )?(?:[a-z]+'s? )?(?:request|order|orders|vote|action|proposal|"
    rf"call) (?:of|by|from) (?:the |our )?{_OTHERS}|\bas (?:the |our )?{_OTHERS}\b|\bin order of\b|"
    r"\b(?:of|from) the (?:total|sum)(?! of\b)|\bfrom the (?:new|old|other|contract|account|address|recipient)\b"
    r"(?! (?:of|at|multisig|safe|0x)\b)(?! ?0x)(?! ?\()"
)
# "Grant the treasury and CANCELLER_ROLE": one more thing that is given.
_OBJECTS = re.compile(rf"\b{_MOVES}\s+(?:the |our |its |all )?{_THINGS}\s*(?:,|and\b|&)")
_NAMES = re.compile(r"(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.eth\b\s*(?:,|and|&|, and)\s*(?:of )?[\w-]+(?:\.[\w-]+)*\.eth\b")


def _joins_names(folded: str) -> bool:
    """Whether two names stand side by side, where one call changes one: "owner of a.eth, vote.a.eth"."""
    return _NAMES.search(folded) is not None


_BY_OTHERS = re.compile(
    r"\b(?:on|at|by|upon) (?:the )?(?:request|proposal|order|suggestion|behalf|wish) of (?:the )?$|"
    r"\b(?:proposed|requested|suggested|ordered) by (?:the )?$|\b(?:request|proposal|order) (?:by|of) (?:the )?$|"
    r"\b(?:through|via|with) (?:the )?$"
)
_COUNTS = re.compile(
    r"\b(?P<count>\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|twelve) (?:equal |separate |single "
    r")?(?:transfers|"
    r"payments|transactions|calls|grants|approvals)\b"
)
_PEOPLE = words_of("votes voters members delegates people persons addresses wallets holders points")
_OWNERS = re.compile(r"\bvotes of (?:the |our )?(?P<whose>\w+)")
_BOTH = re.compile(r"\bowner and (?:the )?resolver\b|\bresolver and (?:the )?owner\b")


def is_glued(read: Read, facts: Facts) -> bool:
    """Whether words of orders make one here that no call carries out."""
    folded = read.voice.folded
    if not any(act.acts & facts.acts for act in read.voice.acts):
        return _counts_people(read, facts)
    if _is_of_many(folded, facts):
        return True
    if _PAYS_INSTEAD.search(folded) is not None:
        return True
    if _SAFE_PAYS.match(folded) is not None and not _is_of_safe(facts):
        return True
    is_one = len({effect.position for effect in facts.effects}) == 1
    if is_one and _ONE_MORE.search(folded) is not None:
        return True
    if facts.is_all_money and _MOVED.search(folded) is not None:
        return True
    if facts.is_all_money and (_FRAMED.search(folded) is not None or ("both" in folded and len(facts.effects) < 2)):
        return True
    if _OBJECTS.search(folded) is not None or (is_one and _joins_names(folded)):
        return True
    if Act.MINT in facts.acts and re.search(r"\bout of\b", folded) is not None:
        return True
    match = _OWNERS.search(folded)
    if Act.DELEGATE in facts.acts and match is not None and match["whose"] not in _OWN:
        symbol = facts.symbols.of(read.passage.text[match.start("whose") : match.end("whose")])
        if symbol is None or not facts.moves(symbol):
            return True
    if _BOTH.search(folded) is not None and not any("ecord" in effect.function for effect in facts.effects) and is_one:
        return True
    return (
        miscounts(folded, facts)
        or _has_two_values(read, facts)
        or _counts_people(read, facts)
        or _by_others(read, facts)
    )


_LEAD = re.compile(
    r"^\W*(?:(?:the|this|our) (?:dao|treasury|proposal|timelock|vote)|we|it)\s+(?:will )?(?P<verb>pays?|"
    r"sends?|transfers?|"
    r"funds?|grants?|approves?|makes?|executes?)\s+(?:to )?(?:(?:its|our|the|these|a|an|following|each|of|"
    r"two|three|four|five|"
    r"six)\s+){0,3}(?P<rest>[a-z ]{0,40}):\W*$"
)
_ASKS = re.compile(
    r"^\W*(?:we ask the dao|this proposal asks the dao|we propose|the proposal asks us) to do "
    r"(?P<count>two|three|four|five|"
    r"six|the following)(?: things)?[.:]\W*$"
)


def is_lead(read: Read, facts: Facts) -> bool:
    """Whether a line only introduces the orders, in words of theirs and of no other: "The DAO pays its reviewers:"."""
    folded = read.voice.folded
    match = _ASKS.match(folded)
    if match is not None:
        positions = {len(facts.effects), len({effect.position for effect in facts.effects})}
        return languages.NUMBER_WORDS.get(match["count"], len(facts.effects)) in positions
    match = _LEAD.match(folded)
    if (
        match is None
        or read.quantities
        or read.voice.denials
        or not any(act.acts & facts.acts for act in read.voice.acts)
    ):
        return False
    counted = [word for word in re.findall(r"[a-z]+", folded) if languages.NUMBER_WORDS.get(word, 0) > 1]
    if any(languages.NUMBER_WORDS[word] != len(facts.effects) for word in counted):
        return False
    if _is_of_many(folded, facts) or (len(facts.effects) < 2 and match["rest"].strip().endswith("s")):
        return False  # "its writers", where one alone is paid
    return are_plain(match["rest"].split(), facts, LEADS)


def _is_of_many(folded: str, facts: Facts) -> bool:
    """Whether a line introduces a list of many, and there is one effect: "We grant each of the members:"."""
    return len(facts.effects) < 2 and folded.rstrip().endswith(":") and bool(set(re.findall(r"[a-z]+", folded)) & _MANY)


_MANY = words_of("each all both community team members people")


_OWN = words_of("treasury dao timelock governor executor safe multisig wallet tokens token govt")


def _is_of_safe(facts: Facts) -> bool:
    """Whether a Safe makes the calls, or pays."""
    payers = {effect.sender for effect in facts.effects if effect.sender is not None} | {facts.book.executor}
    return any(
        one in facts.book.contracts and facts.book.contracts[one].kind == "safe" for one in payers if one
    ) or any(effect.through for effect in facts.effects)


def miscounts(folded: str, facts: Facts) -> bool:
    """Whether "12 transfers" counts what there are not so many of."""
    match = _COUNTS.search(folded)
    if match is None:
        return False
    count = int(match["count"]) if match["count"].isdigit() else languages.NUMBER_WORDS[match["count"]]
    effects = facts.effects
    kinds = {sum(str(one.kind) == str(other.kind) for one in effects) for other in effects}
    counts = {len(effects), len({one.position for one in effects}), sum(map(is_money, effects)), *kinds}
    return count not in counts and facts.is_all_money


def _has_two_values(read: Read, facts: Facts) -> bool:
    """Whether one setting has two times here that calls set: "Set the voting period (3 days) to 5 days"."""
    times = [one for one in read.quantities if one.unit is Unit.TIME and facts.uses(one)]
    settings = [one for one in facts.effects if str(one.kind) == "parameter_change"]
    is_twin = len({one.subject for one in settings}) < len(settings)
    return is_twin and len({one.readings for one in times}) > 1


def _counts_people(read: Read, facts: Facts) -> bool:
    """Whether a small number that is set counts votes or people: "Set the quorum to 4 votes" of four per cent."""
    folded = read.voice.folded
    if facts.is_all_money:
        return False
    for one in read.quantities:
        after = re.match(r"\s([a-z]+)", folded[one.end :])
        if one.unit is Unit.BARE and after is not None and after[1] in _PEOPLE and facts.uses(one):
            return one.readings[0] < 1_000 and "threshold" not in " ".join(e.subject for e in facts.effects)
    return False


def _by_others(read: Read, facts: Facts) -> bool:
    """Whether who gets something in one call is named only as who asked for another: "on request of Ben"."""
    got = {effect.recipient for effect in facts.effects if effect.recipient is not None} - facts.names.own
    folded = read.voice.folded
    return any(
        set(party.addresses) & got and not party.is_own and _BY_OTHERS.search(folded[: party.start]) is not None
        for party in read.parties
        if len(got) > 1
    )
