# SPDX-License-Identifier: Apache-2.0
"""Whether a passage orders what it names, or denies, remembers, quotes or makes it conditional."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

from agent.understanding.forms import is_odd
from agent.understanding.mentions import languages as words
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.passages import MAX_TITLE, Passage, Shape

_QUOTE_MARKS = '"“”„«»「」'


class Mood(StrEnum):
    """How a passage speaks of an act. Only an ORDER tells an effect."""

    ORDER = "order"
    DOUBT = "doubt"  # it may order, and has words that code can't weigh
    DENIED = "denied"
    PAST = "past"
    CONDITION = "condition"
    QUOTED = "quoted"


@dataclass(frozen=True)
class ActWord:
    """One verb or noun of action at `[start:end]` of a passage's folded text."""

    start: int
    end: int
    acts: frozenset[Act]
    tense: Tense
    word: str


@dataclass(frozen=True)
class Voice:
    """A passage's words as far as all of its acts share them."""

    folded: str  # small letters, the same length as the passage; harmless phrases blanked
    language: str
    acts: tuple[ActWord, ...]
    governed: Mood  # by headings and introductions
    denials: tuple[int, ...]  # places of words that deny
    has_condition: bool
    opens_with_condition: bool
    remembers: bool
    reports: bool
    asks: bool
    is_aside: bool  # under reasons or background


@cache
def _harmless() -> re.Pattern[str]:
    return re.compile("|".join(words.HARMLESS))


def level(text: str) -> str:
    """Small letters and plain quotes and blanks, of the same length."""
    small = text.lower()
    if len(small) != len(text):
        small = "".join(one if len(one) == 1 else original for original in text for one in (original.lower(),))
    return small.translate(_LEVEL)


_LEVEL = {ord("’"): "'", 0xA0: " ", 0x202F: " ", ord("\n"): " ", ord("\t"): " ", ord("‑"): "-"}


def blanked(folded: str) -> str:
    """The text with its harmless phrases as blanks."""
    if not any(word in folded for word in _IN_HARMLESS):
        return folded
    return _harmless().sub(lambda match: " " * len(match[0]), folded)


# Each harmless phrase has one of these.
_IN_HARMLESS = (
    "nothing",
    "no ",
    "proposal",
    "vote",
    "approv",
    "execut",
    "pass",
    "agreed",
    "discussed",
    "ratified",
    "authori",
    "whether",
    "than usdc",
    "grant",
    "hesitate",
)


_DENIES = words.compiled(words.DENIALS)
_FIRM_CONDITION = re.compile(
    r"^\W*(?:if|unless|once|when|whenever|should|provided|in case|assuming|only if|only when|si|cuando|falls|"
    r"wenn|sofern|"
    r"sobald|lorsque|quand|caso|quando)\b|\b(?:only if|only when|unless|provided that|providing that|subject to|"
    r"contingent|on condition|conditional on|in the event|if and only|,? if )\b|[如若假当]果?"
)


@cache
def _conditions(language: str) -> words.Listed:
    return words.compiled(words.CONDITIONS, more=words.CONDITIONS_IN.get(language, ""))


def voice_of(passage: Passage) -> Voice:
    """Read a passage's small words. Linear in its length."""
    folded = blanked(level(passage.text))
    language = words.language_of(folded)
    found = list(_acts(folded, language))
    if language != "en":
        places = {(act.start, act.end) for act in found}
        found += [act for act in _acts(folded, "en") if not any(s < act.end and act.start < e for s, e in places)]
        found.sort(key=lambda act: act.start)
    denials = tuple(match.start() for match in _DENIES.finditer(folded))
    condition = _conditions(language).search(_IN_MAY.sub("    ", folded)) is not None
    return Voice(
        folded,
        language,
        tuple(found),
        governed_by(passage),
        denials,
        condition,
        condition and _FIRM_CONDITION.search(folded) is not None,
        words.compiled(words.REMEMBRANCE).search(folded) is not None or _dated(folded),
        words.compiled(words.REPORTS).search(folded) is not None,
        passage.text.rstrip(" \"'”)*_").endswith(("?", "？"))
        or folded.startswith(("should ", "shall we", "do we ", "what if")),
        any(_governs(words.GOVERNS_ASIDE, heading) for heading in (*passage.headings[-1:], *_introductions(passage))),
    )


def _introductions(passage: Passage) -> tuple[str, ...]:
    """What introduces a passage, a table's own header aside."""
    return passage.leads[:-1] if passage.shape is Shape.ROW else passage.leads


_DATED = re.compile(
    r"\b(?:in|since|during|as of|on|back in) (?:early |late |mid-?)?(?:(?:january|february|march|april|may|june|"
    r"july|august|"
    r"september|october|november|december|q[1-4])(?: \d{1,2},?)?(?: (?:of )?(?:19|20)\d\d)?|(?:19|20)\d\d)\b"
)


def _dated(folded: str) -> bool:
    """Whether a sentence begins with a date, as history does: "In March the DAO ..."."""
    match = _DATED.search(folded)
    return match is not None and match.start() <= 2


def _acts(folded: str, language: str) -> list[ActWord]:
    pattern, meanings = words.acts_of(language)
    found = []
    for match in pattern.finditer(folded):
        forms = meanings.get(match[0], ())
        tenses = {tense for _, tense in forms}
        tense = Tense.DONE if tenses == {Tense.DONE} else Tense.NOW
        acts = frozenset(act for act, of in forms if of is tense)
        if tense is Tense.DONE and _is_ordered(folded, match.start()):
            tense = Tense.NOW
        elif (
            tense is Tense.NOW
            and match[0] == "set"
            and _REMEMBERED.search(folded[max(0, match.start() - 24) : match.start()])
        ):
            tense = Tense.DONE
        found.append(ActWord(match.start(), match.end(), acts, tense, match[0]))
    return found


_ORDERED = re.compile(
    rf"(?:{words.compiled(words.ORDERS_DONE).pattern.pattern})(?:\s+(?:then|hereby|each|all|both|only|directly))?\s+$"
)
_REMEMBERED = re.compile(rf"(?:{words.compiled(words.REMEMBERS).pattern.pattern})\s+(?:\w+\s+)?$")


def _is_ordered(folded: str, start: int) -> bool:
    before = folded[max(0, start - 40) : start]
    return _ORDERED.search(before) is not None and _REMEMBERED.search(before) is None


def governed_by(passage: Passage) -> Mood:
    """What headings, introductions and captions make of a passage."""
    if _STRUCK.search(passage.text):
        return Mood.DENIED
    if passage.is_quoted or passage.is_struck:
        return Mood.QUOTED if passage.is_quoted else Mood.DENIED
    for heading in passage.headings:
        if (mood := _mood_of_heading(heading)) is not Mood.ORDER:
            return mood
    for lead in passage.leads:
        if (mood := _mood_of_heading(lead)) is not Mood.ORDER:
            return mood
    return Mood.ORDER


_STRUCK = re.compile(r"<(?:del|s|strike|template|script|style)\b", re.IGNORECASE)


@lru_cache(maxsize=4_096)
def _governs(listed: str, heading: str) -> bool:
    return words.compiled(listed).search(blanked(level(heading))) is not None


@lru_cache(maxsize=4_096)
def _mood_of_heading(heading: str) -> Mood:
    plain = blanked(re.sub(r"<[^<>]*>", " ", level(heading)))  # a tag of HTML says nothing
    past = words.compiled(words.GOVERNS_PAST)
    other = words.compiled(words.GOVERNS_OTHER)
    for match in past.finditer(plain):
        if not _is_ordered(plain, match.start()):
            return Mood.PAST
    if _DATED.search(plain) is not None and re.search(r"\b(?:paid|spent|sent|done|executed|transferred)\b", plain):
        return Mood.PAST
    found = other.search(plain)
    if found is not None:
        return Mood.CONDITION if found[0] in ("if", "unless", "hypothetical") else Mood.DENIED
    return Mood.ORDER


_SELF = re.compile(rf"(?:^|[\s,;:(]){words.SELF}\b")


def is_explicit(voice: Voice, act: ActWord) -> bool:
    """Whether the proposal itself is the subject: "This proposal transfers", "We propose to pay", "It will send"."""
    before = voice.folded[max(0, act.start - 90) : act.start]
    clause = re.split(r"[.;:]", before)[-1]
    return _SELF.search(f" {clause}") is not None


_LABELLED = re.compile(
    r"^[\W\d_]*(?:(?:please|then|and|also|finally|next|first|second|third|hereby|now|so|thus)\b[\W\d_]*)*$"
)
_BY_NUMBER = re.compile(r"\b(?:ep|eip|proposal|prop|vote|aip|uip)[ -]?#?\d[\d.]*\s+(?:will |shall |then )?$")
_RELATIVE = re.compile(r"\b(?:that|which|who|whom|whose|where)\s*$")
_NOUNS = frozenset(
    [
        "payment",
        "payments",
        "disbursement",
        "donation",
        "reimbursement",
        "compensation",
        "distribution",
        "payout",
        "allocation",
        "issuance",
        "withdrawal",
        "approval",
        "allowance",
        "delegation",
        "addition",
        "removal",
    ]
)
_EITHER = frozenset(
    [
        "transfer",
        "transfers",
        "grant",
        "grants",
        "award",
        "awards",
        "refund",
        "refunds",
        "mint",
        "stream",
        "swap",
        "fund",
        "funds",
        "burn",
    ]
)
_DETERMINED = re.compile(
    r"\b(?:a|an|the|this|that|these|one|two|three|four|five|each|single|following|our|its|direct)\s+(?:[\w-]+\s+){0,2}$"
)
_BECOMES = frozenset({"becomes", "become", "go", "goes"})  # its subject is what changes, and changes nothing itself
_PASSIVE = re.compile(r"\b(?:is|are|be|being|gets?)\s+(?:\w+\s+)?$")


def is_noun(voice: Voice, act: ActWord) -> bool:
    """Whether a word of action is a noun here: "a payment of", "the transfer of", "transfer: "."""
    if act.word in _NOUNS:
        return True
    after = voice.folded[act.end : act.end + 5]
    before = voice.folded[max(0, act.start - 40) : act.start]
    return act.word in _EITHER and (after.startswith(" of ") or _DETERMINED.search(before) is not None)


def is_imperative(clause: str) -> bool:
    """Whether nothing but "please", "then", a number and the like stands before a verb."""
    return _LABELLED.match(clause) is not None


def is_others(voice: Voice, act: ActWord) -> bool:
    """Whether this proposal may not be the one that acts: "Signers will swap", "they regret the payment of"."""
    if voice.language != "en" or act.word[0] > "z":
        return False
    before = voice.folded[: act.start]
    clause = re.split(r"[.;:](?=\s)", before)[-1]
    if _BY_NUMBER.search(clause) is not None:
        return True
    if _RELATIVE.search(clause) is not None:
        return True
    if is_noun(voice, act):
        plain = _DETERMINED.sub("", clause).strip()
        return re.search(r"[^\W\d_]", plain) is not None and words.compiled(words.MAKES).search(plain) is None
    if is_imperative(clause):
        return act.word.endswith("ing")  # "paying 100 USDC is ..." speaks about it
    infinitive = re.search(r"\bto\s+(?:[\w]+ly\s+)?$", clause)
    if infinitive is not None:
        stem = clause[: infinitive.start()]
        return re.search(r"[^\W\d_]", stem) is not None and words.compiled(words.SETS_OUT).search(stem) is None
    if _SELF.search(f" {clause}") is not None:
        return False
    if _PASSIVE.search(clause) is not None or Act.RECEIVE in act.acts or act.word in _BECOMES:
        return False
    return re.search(r"[^\W\d_]{2,}", clause) is not None


def mood_of(voice: Voice, act: ActWord | None, place: int, passage: Passage) -> tuple[Mood, str]:
    """Return how a passage speaks of the act that governs what stands at `place`, and a code for a doubt, if any."""
    if voice.governed is Mood.QUOTED or _is_in_quotes(passage.text, place):
        return Mood.QUOTED, "quoted"
    if voice.governed is not Mood.ORDER:
        if act is not None and act.tense is Tense.NOW and passage.shape is Shape.SENTENCE and is_explicit(voice, act):
            return Mood.DOUBT, "section"
        return voice.governed, str(voice.governed)
    if act is not None and act.tense is Tense.DONE:
        return Mood.PAST, "past"
    if voice.reports:
        is_ours = act is not None and act.tense is Tense.NOW and is_explicit(voice, act)
        return (Mood.DOUBT if is_ours else Mood.QUOTED), "quoted"  # "The quote was 3,000 USDC, and we pay 2,500 USDC"
    reference = act.start if act is not None else place
    denials = [at for at in voice.denials if _THEREFORE.search(voice.folded, at, reference) is None]
    if denials:
        near = [at for at in denials if at < reference and len(voice.folded[at:reference].split()) <= 6]
        if near or (
            place > min(denials)
            and re.match(r"(?:no|not|kein\w*|ningún|nenhum\w*|aucun\w*)\b", voice.folded[min(denials) :])
        ):
            return Mood.DENIED, "denied"
        return Mood.DOUBT, "denial"
    if voice.opens_with_condition:
        return Mood.CONDITION, "condition"
    if voice.has_condition:
        return Mood.DOUBT, "condition"
    if voice.remembers:
        return (Mood.PAST, "past") if act is None or not is_explicit(voice, act) else (Mood.DOUBT, "past")
    is_about = act is not None and (is_imperative(voice.folded[: act.start]) or is_noun(voice, act))
    if act is not None and is_about and _WAS.search(voice.folded, act.end) is not None:
        return Mood.DOUBT, "past"  # "Transfer 100 USDC to Ana was done in May"
    if passage.shape is Shape.ROW and any(_IS_DATE.match(one.text) for one in passage.fields):
        return Mood.DOUBT, "past"
    is_above = passage.shape is Shape.ROW and len(passage.introduction.split()) <= 14
    if is_above and _mood_of_heading(passage.introduction) is not Mood.ORDER:
        return Mood.DOUBT, "introduction"  # "The following sums were sent in 2024." above a table
    if act is not None and is_noun(voice, act) and _is_object_of_the_past(voice, act):
        return Mood.DOUBT, "past"
    if voice.asks:
        return Mood.DOUBT, "question"
    if re.search(r"\bwould\b", voice.folded[:place]) and (act is None or not is_explicit(voice, act)):
        return Mood.DOUBT, "condition"
    if act is not None and is_others(voice, act):
        return Mood.DOUBT, "others"
    is_named = act is not None and is_explicit(voice, act)
    if passage.introduction and introduces(passage.introduction) and not (act is not None and _says_itself(voice, act)):
        return Mood.DOUBT, "introduction"
    if not is_named and _is_bare_under(passage):
        return Mood.DOUBT, "heading"
    if (title := _title_doubt(passage.title)) and (title == "denied" or act is None or not is_explicit(voice, act)):
        return Mood.DOUBT, "title"
    if (
        voice.is_aside
        and passage.shape in (Shape.ROW, Shape.RECORD, Shape.ITEM)
        and (act is None or not is_explicit(voice, act))
    ):
        return Mood.DOUBT, "aside"
    is_prose = passage.shape in (Shape.SENTENCE, Shape.ITEM, Shape.HEADING)
    if (
        act is not None
        and is_prose
        and (voice.language == "en" or act.word in words.acts_of("en")[1])
        and is_odd(voice.folded, act.start, act.end, is_first=act.start <= voice.acts[0].start)
    ):
        return Mood.ORDER, "form"  # it stays an order that must be done, and tells in part at most
    return Mood.ORDER, ""


_IN_MAY = re.compile(r"(?<=\b(?:in|of) )may\b|(?<=\bfor )may\b|(?<=\bsince )may\b")  # the month
_THEREFORE = re.compile(r", (?:so|therefore|thus|hence),? ")  # what is denied before is the reason for the order


def _is_object_of_the_past(voice: Voice, act: ActWord) -> bool:
    """Whether a noun of action belongs to a verb of the past: "the DAO approved a transfer of 2 ETH"."""
    for earlier in voice.acts:
        if earlier.start < act.start and earlier.tense is Tense.DONE and earlier.acts:
            between = voice.folded[earlier.end : act.start]
            if re.search(r"[.;:]\s|,", between) is None and len(between.split()) <= 4:
                return True
    return False


_ITSELF = re.compile(r"\b(?:this (?:executable )?(?:proposal|vote)|the dao|the treasury|the timelock|we)\b")
_YEAR = re.compile(r"\b(?:of|in|for|during) (?:19|20)\d\d\b|\bseason \d|\b(?:19|20)\d\d:?\s*$|^\s*(?:19|20)\d\d\b")


def _says_itself(voice: Voice, act: ActWord) -> bool:
    """Whether a sentence says by itself that this proposal acts, whatever stands before it."""
    clause = re.split(r"[.;:](?=\s)", voice.folded[: act.start])[-1]
    return _ITSELF.search(clause) is not None


def _is_bare_under(passage: Passage) -> bool:
    """Whether the nearest heading does not say that orders follow."""
    if not passage.headings or passage.shape is Shape.HEADING:
        return False
    heading = level(passage.headings[-1])
    if _YEAR.search(heading):
        return True
    return not any(words.compiled(words.ORDER_HEADINGS).search(level(one)) for one in passage.headings)


@lru_cache(maxsize=4_096)
def introduces(text: str) -> bool:
    """Whether a sentence before a bare order may make it somebody else's, or another time's."""
    plain = level(text)
    return len(plain.split()) <= 14 and words.compiled(words.INTRODUCES).search(plain) is not None


_WAS = re.compile(r"\b(?:was|were|has been|have been|had been)\b")
_IS_DATE = re.compile(r"^\s*(?:[A-Z][a-z]+ )?(?:19|20)\d\d(?:-\d\d-\d\d)?\s*$")


@lru_cache(maxsize=4_096)
def _title_doubt(title: str) -> str:
    """What a title makes of the orders under it: "denied", "past" or ""."""
    plain = blanked(level(title))
    if len(title) >= MAX_TITLE or words.compiled(words.TITLE_DOUBTS).search(plain) is not None:
        return "denied"
    return "past" if _mood_of_heading(title) is not Mood.ORDER else ""


def _is_in_quotes(text: str, place: int) -> bool:
    """Whether a place lies inside quotation marks, whose words may be others'."""
    before = text[:place]
    plain = before.count('"') + before.count("「") + before.count("」")
    return plain % 2 == 1 or sum(before.count(a) for a in "“„«") > sum(before.count(z) for z in "”»")
