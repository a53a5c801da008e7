# SPDX-License-Identifier: Apache-2.0
"""Titles and headings: does what stands over an order name it, and say nothing else of it?

A heading over an order must be taken whole. A section's has words of a closed set, or of the order itself. A title may
have names and things that nobody knows; its verbs, counts, places and persons must be those of the effects.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts, LeftOver
from agent.understanding.gate.inert import are_plain
from agent.understanding.gate.inert_words import is_inert_word
from agent.understanding.gate.pieces import Piece, pieces
from agent.understanding.gate.second_acts import exceeds
from agent.understanding.mentions import languages
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.mentions.parties import Party
from agent.understanding.mentions.quantities import Quantity, Unit
from agent.understanding.moods import ActWord, is_imperative, level
from agent.understanding.orders import Read
from agent.understanding.passages import Shape

_EDITION = re.compile(
    r"\[[^\]]*\]|\b(?:ep|eip|aip|uip|prop|proposal|part|round|season|q|phase|v|term|action|step|transaction|call|payment|"
    r"transfer)[ -]?#?(?:\d[\d.]*|x{1,4})\b"
)
_COUNTS = re.compile(
    r"\b(?P<count>one|two|three|four|five|six|seven|eight|nine|ten|twelve|\d{1,3})\s+(?:[a-z]+ )?"
    r"(?:payments?|transfers?|grants?|calls?|transactions?|actions?|approvals?)\b"
)
_IN_UNIT = re.compile(r"\b(?:amounts?|figures?|numbers?|sums?|values?|prices?|units|times) (?:are )?in\b")
_OF_ORDERS = re.compile(
    r"\bof (?:the |this |our |these )?(?:payments?|transfers?|calls?|transactions?)\b"
)  # "Audit of the payment"
_ON_PLACE = re.compile(r"\b[Oo]n (?:the )?(?P<name>[A-Z][\w.]*)")
_DIRECTION = re.compile(
    r"\b(?:longer|shorter|higher|lower|faster|slower|bigger|smaller|larger|fewer|less|lengthen|shorten|extend|raise|"
    r"increase|decrease|reduce|double|halve|triple)(?:s|d|ed|ing)?\b"
)
_QUARTER = re.compile(r"\b(?:for|in) the (?:first|second|third|fourth|coming|current) (?:quarter|half)\b")
_OBJECTS = frozenset(
    ["the", "a", "an", "our", "its", "all", "any", "this", "that", "these", "those", "her", "his", "their", "each",
     "every", "us", "them", "it", "me", "him"]
)  # fmt: skip
_PARTICLES = frozenset(["out", "off", "back", "away"])


def heading_left_over(
    read: Read,
    facts: Facts,
    *,
    governs: bool = False,
    orders: frozenset[str] = frozenset(),
    body: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset()),
    has_old: bool = False,
) -> LeftOver | None:
    """A heading names what follows: no other amount, party, or act than those of the effects.

    `governs`: an order stands under it. `orders`: the words of the orders under it. `body`: the beginnings of the words
    of all sentences (`stem`). `has_old`: the text has the value before, which is held against the new one elsewhere.
    """
    passage, folded = read.passage, read.voice.folded
    if passage.leads or "\t" in passage.text:
        return None  # a table's header, whose names its rows have
    if _CORRECTS.search(folded) is not None:
        return _over(read, "words")
    if (over := _of_values(read, facts)) is not None:
        return over
    is_title = passage.is_title and not passage.title
    if governs and not is_title and (over := _of_section(read, facts, orders)) is not None:
        return over
    if not passage.is_title and passage.headings[:-1]:
        return None
    if (over := _of_verbs(read, facts)) is not None:
        return over
    if governs and is_title:
        return _of_title(read, facts, orders, has_old=has_old) or _of_unknown(read, facts, *body)
    if any(word in sets.RECURS for word in re.findall(r"[^\W\d_]+", folded)):
        return _over(read, "time")
    return None


def _over(read: Read, code: str, start: int = 0, end: int | None = None) -> LeftOver:
    passage = read.passage
    return LeftOver(code, passage.start + start, passage.start + (len(passage.text) if end is None else end))


def _of_values(read: Read, facts: Facts) -> LeftOver | None:
    """Amounts and parties of a heading."""
    folded = read.voice.folded
    editions = [match.span() for match in _EDITION.finditer(folded)]
    for quantity in read.quantities:
        is_edition = any(start <= quantity.start < end for start, end in editions)
        is_year = re.fullmatch(r"(?:19|20)\d\d", folded[quantity.start : quantity.end]) is not None
        is_first = quantity.unit is Unit.BARE and (
            quantity.start == 0 or not any(map(str.isalpha, folded[: quantity.start]))
        )
        if not (facts.uses(quantity) or is_edition or is_year or is_first):
            return _over(read, "amount", quantity.start, quantity.end)
    for party in read.parties:
        if party.addresses and not facts.takes_part(party):
            return _over(read, "party", party.start, party.end)
    return None


def _of_verbs(read: Read, facts: Facts) -> LeftOver | None:
    """Verbs by which a title or a heading of the first rank bids something else, and words that deny."""
    folded = read.voice.folded
    for act in read.voice.acts:
        if act.word == "delegate" and re.match(r" (?:compensation|rewards?|payments?|program\w*)", folded[act.end :]):
            continue
        is_other = act.tense is Tense.NOW and act.acts and not act.acts & facts.acts and act.word not in sets.GLUE
        if is_other and is_imperative(folded[: act.start]) and act.word not in _verbs(facts):
            return _over(read, "verb")
    if languages.compiled(languages.DENIALS).search(folded) is not None:
        return _over(read, "words")
    listed = pieces(read)
    for at, piece in enumerate(listed):
        is_first = at == 0 or listed[at - 1].text in ("and", "&", ",", ":", "-", "–", "—", "]", "to")
        if is_first and _bids(listed, at) and not _may_bid(piece, facts):
            return _over(read, "verb")
    return None


def _bids(listed: Sequence[Piece], at: int) -> bool:
    """Whether a word has an object behind it, as verbs do: "ask lea", "take back", "keep the treasury"."""
    piece = listed[at]
    if piece.kind not in ("word", "act") or piece.text in _OBJECTS or at + 1 >= len(listed):
        return False
    after = listed[at + 1]
    if piece.text in sets.OPENS or piece.text in _PREPOSITIONS:
        return False
    is_amount = isinstance(after.thing, Quantity) and after.thing.unit is not Unit.BARE
    is_object = after.kind == "party" or is_amount or after.text in _OBJECTS
    return is_object or after.text in _PARTICLES


def _may_bid(piece: Piece, facts: Facts) -> bool:
    if isinstance(piece.thing, ActWord) and piece.thing.acts & facts.acts:
        return True
    forms = {piece.text}
    for end in ("ing", "s", "es"):
        if piece.text.endswith(end):
            stem = piece.text.removesuffix(end)
            forms |= {stem, stem + "e", stem[:-1]}
    return bool(forms & _verbs(facts))


def _verbs(facts: Facts) -> frozenset[str]:
    """The verbs by which a title may bid what the effects do."""
    found: frozenset[str] = frozenset()
    if facts.is_some_money:
        found |= sets.TITLE_VERBS
    for act, verbs in sets.TITLE_VERBS_OF.items():
        if Act(act) in facts.acts and not (facts.is_all_money and act in ("grant", "set")):
            found |= verbs
    return found


_PREPOSITIONS = frozenset(
    [
        "for",
        "of",
        "to",
        "as",
        "and",
        "or",
        "with",
        "by",
        "from",
        "in",
        "at",
        "into",
        "than",
        "&",
        "re",
        "about",
        "what",
        "why",
        "how",
        "who",
        "where",
        "when",
        "which",
    ]
)


def _of_section(read: Read, facts: Facts, orders: frozenset[str]) -> LeftOver | None:
    """A section's heading over an order has words of a closed set, of the order, of the title or of the effects."""
    folded = _EDITION.sub(lambda match: " " * len(match[0]), level(read.passage.text))
    title = set(_LETTERS.findall(level(read.passage.title)))
    covered = [party for party in read.parties if party.addresses]
    if _WAS_DONE.search(folded) is not None or _FROM_OTHERS.search(folded) is not None:
        return _over(read, "words")
    if any(match["who"] not in title | orders for match in _OF_PERSONS.finditer(folded)):
        return _over(read, "party")
    if set(_LETTERS.findall(folded)) & _TIMES - facts.words:
        return _over(read, "time")
    for match in _LETTERS.finditer(folded):
        word = match[0].removesuffix("'s")
        if any(party.start <= match.start() < party.end for party in covered):
            continue
        is_known = word in sets.SECTIONS or word in sets.GLUE or word in facts.words or word in title | orders
        if not is_known:
            return _over(read, "words")
    return None


_CORRECTS = re.compile(
    r"\b(?:corrections?|corrigend(?:um|a)|errat(?:um|a)|retractions?|cancellations?|withdrawal of|disclaimers? of)\b"
)
_WAS_DONE = re.compile(
    r"\b(?:we|it|they|dao|team|members|who|what) (?:have |has |was |were )?(?:made|sent|paid|transferred|did|done|"
    r"gave)\b"
)
_FROM_OTHERS = re.compile(
    r"\bfrom (?:the |our |its |all )?(?!treasury|dao|timelock|safe|multisig|wallet|executor)[a-z]"
)
_OF_PERSONS = re.compile(
    r"\b(?:of|by|from|what|which|how|who|to) (?:the |our |its |all |each |these |two |three )*(?P<who>applicants?|"
    r"contributors?|delegates?|members|community|team|recipients?|receivers?|people|beneficiar(?:y|ies)|grantees?)\b"
)
_TIMES = sets.words_of("after before until when once if unless milestone milestones later during upon pending")
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def _of_title(read: Read, facts: Facts, orders: frozenset[str], *, has_old: bool) -> LeftOver | None:
    """What a title over an order has that may make another order of it."""
    passage, folded = read.passage, _EDITION.sub(lambda match: " " * len(match[0]), read.voice.folded)
    for quantity in read.quantities:  # what the effects have binds nothing: "Voting delay of two days"
        if quantity.unit is not Unit.BARE and facts.uses(quantity):
            folded = folded[: quantity.start] + " " * (quantity.end - quantity.start) + folded[quantity.end :]
    folded = _QUARTER.sub(lambda match: " " * len(match[0]), folded)
    said = [word.split("'")[0] for word in _LETTERS.findall(folded)]
    if any(word in sets.RECURS for word in said):
        return _over(read, "time")
    strange = any(not word.isascii() and word not in facts.words for word in said)
    is_other = strange or (read.voice.language != "en" and not sets.ENGLISH & set(said))
    if is_other and all(map(str.isascii, orders)):
        return _over(read, "language")
    for word in said:
        binds = word in sets.BINDING - sets.FREE_IN_TITLES
        if binds and word not in facts.words:
            return _over(read, "place" if word in sets.CHAINS else "words")
    if any(exceeds(word, facts) or (word in _POWERS and word not in facts.words | orders) for word in said):
        return _over(read, "verb")  # another power or setting than those of the effects
    match = _COUNTS.search(folded)
    if match is not None:
        count = int(match["count"]) if match["count"].isdigit() else languages.NUMBER_WORDS[match["count"]]
        if count not in (len(facts.effects), len({effect.position for effect in facts.effects})):
            return _over(read, "amount")
    if _IN_UNIT.search(folded) is not None or _OF_ORDERS.search(folded) is not None:
        return _over(read, "words")
    place = _ON_PLACE.search(passage.text)
    if place is not None and level(place["name"]) not in facts.words and not _is_named(place["name"], facts):
        return _over(read, "place")
    if not facts.is_all_money and not has_old and _DIRECTION.search(folded) is not None:
        return _over(read, "words")  # nobody knows the value before
    if Act.REVOKE in facts.acts and Act.GRANT not in facts.acts and "new" in said:
        return _over(read, "words")
    return _of_persons(read, facts)


def stem(word: str) -> str:
    """The beginning of a word by which "translators" and "translation" are the same."""
    return word[:5]


def _of_unknown(read: Read, facts: Facts, sure: frozenset[str], body: frozenset[str]) -> LeftOver | None:
    """A word of a title that no set has, and that no sentence of the text says again.

    What a title is about stands in the text too. A title alone that calls the whole another thing, a satire or a
    budget of another year, is no title of these orders.
    """
    folded = _EDITION.sub(lambda match: " " * len(match[0]), read.voice.folded)
    covered = [(one.start, one.end) for one in (*read.parties, *read.quantities)]
    first = next(iter(re.findall(r"[^\W\d_]+", folded)), "")
    bids = first in _verbs(facts) and not _is_noun_first(
        read, first
    )  # "Pay the printers": whoever or whatever it is for, it says what is done
    if not bids and not _is_tied(read, facts, body, folded):
        return _over(read, "words")
    for match in _WORDS.finditer(folded):
        word = match[0].removesuffix("'s").removesuffix("’s")
        if any(start <= match.start() < end for start, end in covered if not match[0].isdigit()):
            continue
        if any(one.start() <= match.start() < one.end() for one in _QUARTER.finditer(folded)):
            continue
        if _DIRECTION.fullmatch(word) is not None or (word == "inactive" and Act.REVOKE in facts.acts):
            continue  # held against the value before elsewhere
        if word.isdigit() and _is_year_of_name(read, match.start(), body):
            continue
        if word in sets.SETTING_NOUNS and not facts.is_all_money:
            continue
        if bids and _is_stranger(read, facts, match, body):
            return _over(read, "party", match.start(), match.end())
        if not word.isdigit() and (bids or word in _TITLE_WORDS or word in facts.words or word in _verbs(facts)):
            continue
        after = re.match(r"\W+([^\W\d_]+)", folded[match.end() :])
        is_before = after is not None and after[1] in sets.MONEY_NOUNS | sets.SETTING_NOUNS
        said = sure if is_before else body
        if facts.symbols.of(read.passage.text[match.start() : match.end()]) is not None or stem(word) in said:
            continue
        return _over(read, "time" if word.isdigit() else "words", match.start(), match.end())
    return None


def _is_stranger(read: Read, facts: Facts, match: re.Match[str], body: frozenset[str]) -> bool:
    """Whether a title that bids names somebody or a token that no sentence names again: "Donate to Unicef"."""
    text = read.passage.text
    said = text[match.start() : match.end()]
    if not said[:1].isupper() or not any(map(str.isalpha, text[: match.start()])):
        return False
    symbol = facts.symbols.of(said)
    if symbol is not None:
        after = re.match(r"\s([A-Za-z]+)", text[match.end() :])
        is_in_name = after is not None and level(after[1]) not in _BEHIND_TOKENS  # "the ENS multisig"
        return not facts.moves(symbol) and not is_in_name
    return stem(level(said)) not in body and not are_plain((said,), facts, _TITLE_WORDS | sets.COSTS | _verbs(facts))


_BEHIND_TOKENS = frozenset(
    ["token", "tokens", "coin", "coins", "to", "from", "for", "and", "or", "in", "on", "at", "by"]
)


def _is_noun_first(read: Read, first: str) -> bool:
    """Whether a title's first word, a noun or a verb, is a noun: "Grant dispute", not "Grant 5 USDC to"."""
    if first not in sets.KINDS | {"transfer", "support", "design", "audit", "research", "test", "book", "rent"}:
        return False
    listed = pieces(read)
    after = next((two for one, two in pairwise(listed) if one.text == first), None)
    return after is None or not (after.kind in ("party", "quantity") or after.text in _OBJECTS)


def _is_tied(read: Read, facts: Facts, body: frozenset[str], folded: str) -> bool:
    """Whether a title has anything of these orders: a verb, party, amount or noun of theirs, or a word of the text."""
    if any(act.acts & facts.acts for act in read.voice.acts) or read.parties:
        return True
    if any(facts.uses(quantity) for quantity in read.quantities):
        return True
    said = {word.removesuffix("'s").removesuffix("’s") for word in _LETTERS.findall(folded)}
    if said <= sets.PLAIN_HEADINGS:
        return True
    nouns = sets.MONEY_NOUNS if facts.is_some_money else frozenset()
    untied = sets.UNTIED if facts.is_all_money else sets.UNTIED_EVER
    if not facts.is_all_money:
        nouns |= sets.SETTING_NOUNS
    if said & ((facts.words | nouns) - untied) or (not facts.is_all_money and _DIRECTION.search(folded) is not None):
        return True
    return any(stem(word) in body for word in said if len(word) > 3 and word not in untied)


def _is_year_of_name(read: Read, start: int, body: frozenset[str]) -> bool:
    """Whether a year belongs to a name that the text says again: "Sponsor ETHLisbon 2025"; never to "Budget 2035"."""
    before = re.search(r"([A-Z][\w]+) $", read.passage.text[:start])
    word = level(before[1]) if before is not None else ""
    return bool(word) and word not in _TITLE_WORDS and stem(word) in body


# Roles, settings and limits: a title has none that neither an effect nor its order has.
_POWERS = sets.words_of(
    "proposer proposers canceller cancellers executor executors minter minters delay period quorum threshold steward "
    "stewards owner owners signer signers admin admins guardian guardians veto safe"
)
_TITLE_WORDS = sets.SECTIONS | sets.TOPICS | sets.PURPOSE | sets.FREE_IN_TITLES | _PREPOSITIONS | _OBJECTS
_WORDS = re.compile(r"(?<![\w.,])(?:[^\W\d_]+(?:['’][^\W\d_]+)?|(?:19|20)\d\d)(?![\w])")


def _of_persons(read: Read, facts: Facts) -> LeftOver | None:
    """Who does something in a title: only the DAO, and what it does must be done by an effect."""
    listed = pieces(read)
    own = [piece for piece in listed if isinstance(piece.thing, Party) and piece.thing.is_own]
    for piece in own if facts.is_all_money else ():
        if re.search(r"\b(?:to|for|buy|rent|get|sell|give|bring) (?:the |our )?$", read.voice.folded[: piece.start]):
            return _over(
                read, "party"
            )  # "A letter to the DAO", "A refund for the treasury", "Buy the treasury a house"
    if _ASKS_ONLY.search(read.voice.folded) is not None:
        return _over(read, "words")
    for at, piece in enumerate(listed):
        party = piece.thing
        after = listed[at + 1] if at + 1 < len(listed) else None
        if not isinstance(party, Party) or after is None or after.kind not in ("word", "act"):
            continue
        if piece.text.endswith(("'s", "’s")) or after.text in ("s", "'s"):
            continue  # "the treasury's votes"
        if party.is_own:
            does = after.text.endswith("s") and not after.text.endswith("ss")
            if does and not _may_bid(after, facts) and after.text not in sets.GLUE | sets.KINDS:
                return _over(read, "verb")
        elif at == 0 and after.text not in ("and", "for", "as"):
            receives = isinstance(after.thing, ActWord) and Act.RECEIVE in after.thing.acts and facts.is_all_money
            if not receives and not _is_noun_of(after.text, facts):
                return _over(read, "party")
    match = re.search(r"\b(?:to|for|pay|pays)\s+([A-Z][\w’']+)\s*$", read.passage.text)
    if match is not None and facts.is_paid_by_name and not _is_named(match[1], facts):
        return _over(read, "party")
    return None


_ASKS_ONLY = re.compile(
    r"\b(?:request|get|ask for|seek) (?:an? |the )?(?:\w+ )?(?:quotes?|offers?|bids?|comments?|feedback|opinions?|"
    r"information|estimates?|advice)\b"
)


def _is_noun_of(word: str, facts: Facts) -> bool:
    return (
        word in sets.KINDS | sets.SETTING_NOUNS
        or word in facts.words
        or word in ("payment", "team", "wallet", "proposal")
    )


def _is_named(name: str, facts: Facts) -> bool:
    """Whether a name in a title is that of somebody who takes part."""
    small = level(name).removesuffix("'s")
    found = [known for known in (*facts.names.known, *facts.names.local) if small in known.split()]
    return any(facts.names.of(known) <= facts.parties for known in found)


def asides(reads: Sequence[Read]) -> frozenset[int]:
    """The sections under a heading of reasons or people: its own, or that of a section around it, under plain words
    that are no money's and none of the orders'.
    """
    found: set[int] = set()
    kinds: list[bool] = []  # of the headings around, outermost first: whether it is of reasons
    for read in reads:
        passage = read.passage
        if passage.shape is not Shape.HEADING or "\t" in passage.text or passage.leads:
            is_titled = not passage.headings and bool(set(_LETTERS.findall(level(passage.title))) & sets.ASIDE)
            if is_titled or (kinds and kinds[-1]):
                found.add(passage.section)
            continue
        if passage.is_title:
            kinds = []
            continue
        depth = len(passage.headings)
        kinds = kinds[:depth]
        is_named = bool(set(_LETTERS.findall(level(passage.text))) & sets.ASIDE)
        is_plain = all(map(_is_plain_in_asides, _LETTERS.findall(level(passage.text))))
        kinds += [False] * (depth - len(kinds)) + [is_named or (is_plain and any(kinds))]
    return frozenset(found)


_PLAIN_IN_ASIDES = (sets.TOPICS | sets.ASIDE) - sets.SETTING_NOUNS


def _is_plain_in_asides(word: str) -> bool:
    return word in _PLAIN_IN_ASIDES or (is_inert_word(word) and word not in sets.MONEY_NOUNS)
