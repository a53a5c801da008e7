# SPDX-License-Identifier: Apache-2.0
"""What else in a text may take an order back, or give one more, in words that no order can be compared with.

Each doubt makes every effect told in part at most. Rules are about a sentence's place beside the orders and about a few
words, so that reasons, thanks and background leave no doubt.
"""

import re
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from agent.understanding.effects import Effect
from agent.understanding.mentions import languages as words
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.mentions.parties import Names
from agent.understanding.mentions.quantities import Unit
from agent.understanding.moods import Mood, is_explicit
from agent.understanding.orders import Order, Read, is_given_to
from agent.understanding.passages import Shape
from agent.understanding.telling import is_money


@dataclass(frozen=True)
class Doubt:
    """A code, and the passage that leaves the doubt."""

    code: str
    read: Read


_BACK = words.compiled(words.POINTS_BACK)
_TAKES = words.compiled(words.TAKES_BACK)
_SHORT = words.compiled(words.SHORT_TAKES_BACK)
_ALONE = words.compiled(words.TAKES_BACK_ALONE)
_DENIES = words.compiled(words.DENIALS)
_PRONOUN = re.compile(
    r"^\W*(?:it|this|that|these|those|they|none|nothing|all of (?:it|this)|which)\s+(?:is|are|was|were|will|has|"
    r"have|had|does|"
    r"do|did|depends?|takes?|happens?|happened|waits?|reads?|stands?|comes?|came|goes|went|of|line|text|words?|"
    r"sentence|isn't)\b|"
    r"^\W*(?:davon|dies|das|rien|cela|ceci|esto|eso|nada|isso|isto|ce)\b|^[这此]"
)
_UNDOES = words.compiled(words.UNDOES)
_THANKS = re.compile(
    r"\b(?:thank|thanks|cheers|regards|gracias|merci|danke|obrigad[oa]|best|sincerely|yours|hello|hi)\b|谢谢"
)
_OTHER_SCRIPT = re.compile(
    "[\u0370-\u052f\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\uac00-\ud7af]"
)
_COUNT = re.compile(
    r"\b(?:this proposal|it|we|the proposal|this vote)(?: will)? (?:makes?|do(?:es)?|performs?|contains?|has|"
    r"have|executes?)"
    r" (?:exactly |only )?(?P<count>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
    r" (?:separate |token )?(?P<what>payments?|transfers?|calls?|transactions?|actions?)\b(?!\()"
)
_SOLE = re.compile(r"\b(?:the|this) only (?:call|payment|transaction|transfer|action)\b")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_PLACE = re.compile(
    r"^\W*(?:call|transaction|step|payment|action) (?P<digits>\d{1,3})\s?[:.)-]|"
    rf"\b(?:the )?(?P<word>{'|'.join(_ORDINALS)}) (?:call|transaction|payment|action)\b"
)


def doubts_of(
    reads: Sequence[Read], orders: Sequence[Order], not_done: Sequence[Order], effects: Sequence[Effect], names: Names
) -> list[Doubt]:
    """Return what leaves a doubt about every order of a text, in the text's order."""
    found: list[Doubt] = []
    ordering = {
        (order.passage.start, order.passage.end)
        for order in orders
        if order.mood is Mood.ORDER and order.quantity is not None
    }
    money_sections = {
        order.passage.section for order in orders if order.mood is Mood.ORDER and order.quantity is not None
    }
    previous: Read | None = None
    for read in reads:
        passage = read.passage
        if passage.shape is Shape.CODE or passage.is_quoted:
            continue
        is_order = (passage.start, passage.end) in ordering
        after_order = previous is not None and (previous.passage.start, previous.passage.end) in ordering
        code = (
            ""
            if is_order and passage.shape is Shape.ROW
            else _code(read, is_order=is_order, after_order=after_order, effects=effects)
        )
        if not code and not is_order and passage.section in money_sections:
            code = _more(read, names, effects) or _of_others(read, names, effects)
        if code:
            found.append(Doubt(code, read))
        previous = read
    if (other := _other_title(reads, orders)) is not None:
        found.append(Doubt("title", other))
    by_place = {(read.passage.start, read.passage.end): read for read in reads}
    for order in not_done:
        read = by_place.get((order.passage.start, order.passage.end))
        if read is not None:
            found.append(Doubt("more", read))
    return found


def _code(read: Read, *, is_order: bool, after_order: bool, effects: Sequence[Effect]) -> str:
    passage, folded = read.passage, read.voice.folded
    count = len(folded.split())
    if passage.shape is Shape.SENTENCE and count <= 4 and _SHORT.search(folded):
        return "taken_back"
    if passage.shape is not Shape.ROW and _takes_back(folded):
        return "taken_back"
    if _ALONE.search(folded) is not None and not is_order:
        return "taken_back"
    if _OTHER_SCRIPT.search(folded) is not None:
        return "language"
    if (code := _counts(folded, effects)) != "":
        return code
    if is_order or passage.shape is not Shape.SENTENCE:
        return ""
    if read.voice.language != "en" and _PRONOUN.search(folded) and _DENIES.search(folded) is not None:
        return "taken_back"
    if after_order and _PRONOUN.search(folded) and (_UNDOES.search(folded) or _DENIES.search(folded)):
        return "taken_back"
    if (
        after_order
        and count <= 3
        and folded[-1:] in ".!?…"
        and not _THANKS.search(folded)
        and any(map(str.isalpha, folded))
    ):
        return "fragment"
    return ""


_NEAR = 6  # words; what stands farther apart the gate weighs, word by word


def _takes_back(folded: str) -> bool:
    """Whether words that take something back stand near words for the order: "the payment above is void"."""
    backs = [match.span() for match in _BACK.finditer(folded)]
    for match in _TAKES.finditer(folded) if backs else ():
        at = bisect(backs, match.span())
        before = folded[backs[at - 1][1] : match.start()] if at else None
        after = folded[match.end() : backs[at][0]] if at < len(backs) else None
        if any(between is not None and len(between.split()) <= _NEAR for between in (before, after)):
            return True
    return False


def _counts(folded: str, effects: Sequence[Effect]) -> str:
    """Whether a sentence counts the calls in another way than there are."""
    calls = len({effect.position for effect in effects})
    transfers = sum(str(effect.kind) == "transfer" for effect in effects)
    match = _COUNT.search(folded)
    if match is not None:
        count = int(match["count"]) if match["count"].isdigit() else words.NUMBER_WORDS[match["count"]]
        if count not in (calls, transfers, len(effects)):
            return "count"
    if _SOLE.search(folded) and calls > 1:
        return "count"
    place = _PLACE.search(folded)
    if place is not None:
        number = int(place["digits"]) if place["digits"] else _ORDINALS.index(place["word"]) + 1
        if not 1 <= number <= max(calls, len(effects)):
            return "count"
    return ""


_GOES = re.compile(r"\b(?:go|goes|gets?|receives?|follows?|is to have|are to have)\b")
_REPEATS = re.compile(
    r"^\W*(?:then )?(?:do|repeat) (?:this|it|that|the same)\b|\bgets? (?:the same|one too|as much)\b|\bhave as much\b"
)
# A sentence beside orders that tells somebody to do something, whatever the verb: "Deploy a vault".
_BIDS = re.compile(
    r"^(?:then |and |also |finally,? |next,? |after that,? )*(?P<verb>[a-z]{3,})\s+"
    r"(?:the|a|an|all|every|any|our|its|both|this|these|0x[0-9a-f]+)\b"
)
_ALSO = re.compile(
    r"\b(?:we|it|this proposal|this vote|the proposal|the dao)\s+(?:will |would )?(?:also|then|further|in addition)\s+"
    r"[a-z]{3,}"
)
_REST = re.compile(r"\b(?:the|all) (?:rest|remainder|remaining|leftovers?)\b")
_NO_BID = frozenset(
    [
        "see", "read", "visit", "note", "thank", "thanks", "find", "join", "watch", "contact", "check", "view",
        "the", "this", "that", "these", "those", "all", "any", "every", "each", "both", "what", "when", "while",
        "where", "which", "who", "why", "how", "with", "without", "from", "for", "into", "onto", "over", "under",
        "after", "before", "during", "since", "until", "because", "although", "though", "despite", "given", "once",
        "upon", "within", "about", "across", "among", "between", "beyond", "against", "along", "and", "but", "not",
        "nor", "yet", "its", "our", "your", "their", "his", "her", "some", "such", "here", "there", "having",
        "being", "using", "including", "following", "per", "via", "like", "unlike", "only", "even", "just", "either",
        "neither", "whether", "than", "then", "also",
    ]
)  # fmt: skip


_OF_MONEY = frozenset({Act.TRANSFER, Act.APPROVE, Act.MINT, Act.BURN})


def _asks_for_more(read: Read, effects: Sequence[Effect]) -> bool:
    """Whether a sentence asks for something that no call can be: by a verb that no rule knows, or by one that moves no
    money where all calls move money. Other verbs are held against the calls elsewhere."""
    plain = read.voice.folded.strip(" *_-•.)0123456789")
    if _REST.search(plain) is not None:
        return True
    known = [act for act in read.voice.acts if act.acts and act.tense is Tense.NOW]
    if known and (any(act.acts & _OF_MONEY for act in known) or not all(map(is_money, effects))):
        return False
    bids = _BIDS.match(plain)
    if bids is not None and bids["verb"] not in _NO_BID and bids["verb"][-3:] != "ing" and bids["verb"][-2:] != "ly":
        return True
    return _ALSO.search(plain) is not None


_OBJECT = re.compile(r"^\s+(?:the |our |what |for )?[^\W\d_]{2,}")


def _more(read: Read, names: Names, effects: Sequence[Effect]) -> str:
    """Whether a sentence beside orders may order more: a payment without an amount, an amount without a verb."""
    passage, folded = read.passage, read.voice.folded
    if passage.shape not in (Shape.SENTENCE, Shape.ITEM):
        return ""
    if _REPEATS.search(folded) or _asks_for_more(read, effects):
        return "more"
    shares = any(quantity.unit is Unit.PERCENT for quantity in read.quantities)
    if _GOES.search(folded) and (
        shares or re.search(r"\brest\b|\bremainder\b|\bpayment\b|\bdollars\b|\beuros?\b", folded)
    ):
        return "more"
    if (
        len(folded.split()) <= 4
        and any(party.addresses and not party.is_own for party in read.parties)
        and not any(act.acts for act in read.voice.acts)
    ):
        taking_part = {address for effect in effects for address in effect.addresses}
        named = any(party.name in names.known and not set(party.addresses) <= taking_part for party in read.parties)
        if named and ":" not in folded[:-1] and _SIGNS.match(folded) is None:
            return "more"
    if read.quantities or passage.shape is Shape.ITEM:
        return ""
    for act in read.voice.acts:
        is_first = not any(map(str.isalpha, folded[: act.start].replace("then", "").replace("and", "")))
        if (
            act.tense is Tense.NOW
            and is_first
            and act.acts & {Act.TRANSFER, Act.BURN, Act.UPGRADE}
            and act.word[-3:] != "ing"
        ):
            if _CAPTION.match(folded[act.end :]):
                return ""  # "Transfers made by this proposal:"
            return "more" if _OBJECT.match(folded[act.end :]) and not is_explicit(read.voice, act) else ""
    return ""


_CAPTION = re.compile(r"^\s(?:made|done|listed|proposed|requested|executed)\b[^.;]*:\s*$")
_SIGNS = re.compile(r"^\W*(?:best|cheers|regards|thanks|yours|sincerely|kind regards|best regards)\b\W*\S*\W*$")
_POWERS = frozenset({Act.TRANSFER, Act.APPROVE, Act.GRANT, Act.MINT, Act.DELEGATE})


def _of_others(read: Read, names: Names, effects: Sequence[Effect]) -> str:
    """Whether a sentence beside orders gives something to a party that no effect has to do with."""
    passage = read.passage
    taking_part = {address for effect in effects for address in effect.addresses} | names.own | set(names.tokens)
    strangers = [p for p in read.parties if p.name in names.known and not set(p.addresses) & taking_part]
    if strangers and any(quantity.unit is Unit.BARE for quantity in read.quantities) and passage.shape is not Shape.ROW:
        return "more"
    acts = [act for act in read.voice.acts if act.acts & _POWERS and act.tense is Tense.NOW]
    if not acts or passage.shape not in (Shape.SENTENCE, Shape.ITEM):
        return ""
    others = [party for party in read.parties if party.addresses and not set(party.addresses) & taking_part]
    return "more" if any(is_given_to(party, act, read) for party in others for act in acts) else ""


def _other_title(reads: Sequence[Read], orders: Sequence[Order]) -> Read | None:
    """A title or first sentence that pays somebody by name, where the orders pay another name."""
    by_place = {(read.passage.start, read.passage.end): read for read in reads}
    paid = [order for order in orders if order.mood is Mood.ORDER and order.quantity is not None and order.recipients]
    if not paid:
        return None
    beside = by_place.get((paid[0].passage.start, paid[0].passage.end))
    named = {party.name for party in beside.parties if party.name and not party.is_own} if beside is not None else set()
    for order in orders:
        name = order.recipient_name
        is_before = order.passage.start <= paid[0].passage.start and order.quantity is None
        if (
            named
            and name
            and is_before
            and Act.TRANSFER in order.acts
            and not any(name in n or n in name for n in named)
        ):
            return by_place.get((order.passage.start, order.passage.end))
    return None
