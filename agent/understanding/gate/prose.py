# SPDX-License-Identifier: Apache-2.0
"""Sentences and items beside the orders: do they speak of them, of money, of who takes part, of what calls change?"""

import re
import unicodedata
from collections.abc import Sequence

from agent.understanding.gate import words as sets
from agent.understanding.gate.clauses import clause_left_over
from agent.understanding.gate.facts import Facts, LeftOver
from agent.understanding.gate.forms import blames
from agent.understanding.gate.inert import are_plain
from agent.understanding.gate.pieces import TAG
from agent.understanding.gate.purposes import is_free, is_name_of_thing
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.mentions.quantities import Unit
from agent.understanding.moods import is_explicit, is_imperative, level
from agent.understanding.orders import Read
from agent.understanding.passages import Shape

_LINKED = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\S+")
_TO_SITE = re.compile(r"^(?P<label>[^.!?;:]{1,60}) \([\w-]+(?:\.[\w-]+)+\)$")
_LINKS = sets.words_of(
    "forum discussion thread snapshot temp tally agora github etherscan tenderly simulation temperature check poll "
    "link here full report audit read more source discourse notion docs spreadsheet details profile"
)


def _is_link(read: Read, facts: Facts) -> bool:
    """Whether a passage is a link with a plain name: "Forum: https://..."."""
    text = read.passage.text
    rest = _LINKED.sub(" ", text)
    match = _TO_SITE.search(text)
    if match is None and (rest == text or len(rest.split()) > 3):
        return False
    label = match["label"] if match is not None else rest
    return are_plain(_PLAIN_WORD.findall(label), facts, sets.SECTIONS | sets.META | sets.READS | _LINKS)


_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def _is_mark(read: Read) -> bool:
    """Whether a passage is nothing but HTML, which pages show as it stands."""
    rest = TAG.sub(" ", read.voice.folded)
    return rest != read.voice.folded and sum(map(str.isalpha, rest)) <= 2


def _is_courtesy(read: Read) -> bool:
    said = re.findall(r"[^\W\d_]+", read.voice.folded)
    if not said or len(said) > 8:
        return not said and not any(unicodedata.category(one) == "So" for one in read.passage.text)
    free = [word for word in said if word not in sets.COURTESY]
    greets = any(word in sets.GREETINGS for word in said)
    named = re.fullmatch(r".*[^\W\d_]\W+(?P<name>[A-Z]\w+)\W*", read.passage.text.strip(), re.DOTALL)
    is_signed = named is not None and free == [level(named["name"])]
    return greets and (not free or is_signed or free == ["proposal"]) and not set(free) & sets.BINDING


def _is_english(read: Read) -> bool:
    said = re.findall(r"[^\W\d_]+", read.voice.folded)
    if sum(not word.isascii() for word in said) * 2 > len(said):
        return False
    if len(said) < 2 or len(re.findall(r"[^\W\d_]+", TAG.sub(" ", read.voice.folded))) < 2:
        return True
    if read.voice.language != "en":
        return False
    stems = {form for word in said for form in (word, word.removesuffix("d"), word.removesuffix("ed"))}
    return bool(stems & (sets.ENGLISH | sets.DESCRIBES | sets.AIMS))


_SUBJECT = re.compile(
    r"^\W*(?:(?:the|this|that|these|those|all|any|some|both|our|its|each)\s+)*(?P<noun>[^\W\d_]+)\s+"
    r"(?:\w+\s+){0,2}?(?:is|are|was|were|means?|stands?|reads?|refers?|denotes?|counts?|lies|lie|comes?|has|have|had)\b"
)
_DEFINED = re.compile(r"^\W*(?:[Tt]he )?(?P<noun>[^\W\d_][\w.]*)\s+(?:is|are|was|means?|reads|refers|denotes)\b")


def _is_about_order(read: Read, facts: Facts) -> bool:
    """Whether a sentence's subject is the order, its text, token or address: "Amounts are in cents"."""
    folded = read.voice.folded
    match = _SUBJECT.match(folded)
    if match is not None and match["noun"] in sets.OF_TEXT:
        return True
    defined = _DEFINED.match(read.passage.text)
    if defined is not None and facts.symbols.of(defined["noun"]) is not None:
        return True
    return re.match(r"^\W*0x[0-9a-f]{40}\b", folded) is not None and not _is_of_contact(folded)


def _is_of_contact(folded: str) -> bool:
    return re.search(r"\b(?:contact|author|address of the author)\b", folded) is not None


def _is_fragment(read: Read) -> bool:
    """Whether a whole line of prose is no sentence: "On the day of the conference."."""
    passage = read.passage
    said = re.findall(r"[^\W\d_]+", read.voice.folded)
    if passage.shape is not Shape.SENTENCE or not said or "," in passage.text or passage.text.rstrip()[-1:] == ":":
        return False
    return said[0] in sets.OPENS and len(said) <= 8 and not any(word in sets.VERBS for word in said)


def is_harmless(read: Read, facts: Facts) -> bool:
    """Whether a passage is a greeting, a link, or says of the order only what it is for, or that somebody is for it."""
    folded = read.voice.folded
    return (
        _is_mark(read)
        or _is_courtesy(read)
        or _is_link(read, facts)
        or _is_in_token(read, facts)
        or _sends_on(read, facts)
        or _WAIVER.fullmatch(folded) is not None
        or _has_plain_rest(_COVERS.match(folded), read, facts)
        or _endorses(read, facts)
    )


def _sends_on(read: Read, facts: Facts) -> bool:
    """Whether a sentence only sends readers on: "See the forum for details"; to a link in a few more words."""
    text = read.passage.text
    rest = _SITE.sub(" ", _LINKED.sub(" ", text))
    said = _PLAIN_WORD.findall(rest)
    if said and level(said[0]) == "please":
        said = said[1:]
    if not said or read.quantities or level(said[0]) not in sets.READS - {"more", "note", "thank", "thanks"}:
        return False
    return are_plain(said, facts, sets.READS if rest == text else sets.SECTIONS | sets.READS | _LINKS)


_WAIVER = re.compile(
    r"\W*copyright(?: and related rights)? waived via (?:\[?cc0\]?|creative commons zero)[^.]{0,20}\W*", re.IGNORECASE
)
_SITE = re.compile(r"\([\w-]+(?:\.[\w-]+)+\)")


def _has_plain_rest(match: re.Match[str] | None, read: Read, facts: Facts) -> bool:
    """Whether what stands behind a beginning says only what a payment is for: "This payment covers the travel"."""
    if match is None or any(quantity.unit is not Unit.BARE for quantity in read.quantities):
        return False
    if any(party.addresses and not facts.takes_part(party) for party in read.parties):
        return False
    rest = _DOMAIN.sub(" ", read.passage.text[match.end() :])
    return are_plain(_PLAIN_WORD.findall(rest), facts, sets.COSTS | sets.KINDS | _COST | {"fees"})


_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_COST = sets.words_of(
    "cost costs expense expenses invoice invoices finished delivered all total final litigation lawsuit court related "
    "quarter season first second third fourth"
)


def _endorses(read: Read, facts: Facts) -> bool:
    """Whether a sentence only says who is for the proposal: "The stewards support this proposal"."""
    match = _ENDORSES.search(read.voice.folded)
    if (
        read.voice.denials
        or blames(f"is {read.voice.folded}")
        or re.match(r"\W*(?:no|few|nobody|hardly|none|one)\b", read.voice.folded)
    ):
        return False
    said = _PLAIN_WORD.findall(read.passage.text[: match.start("verb")]) if match is not None else []
    is_short = len(said) <= 5 and not {"and", "because", "which", "that", "who"} & set(map(level, said[1:-1]))
    return match is not None and is_short and all(word[:1].isupper() or are_plain((word,), facts) for word in said)


def is_of_text(read: Read, facts: Facts) -> LeftOver | None:
    """What leaves a doubt wherever it stands: another language, half a sentence, words about the text's own words."""
    passage = read.passage
    if passage.shape is Shape.SENTENCE and passage.text.rstrip()[-1:] != ":" and not _is_english(read):
        return LeftOver("language", passage.start, passage.end)
    if _is_about_order(read, facts) or _is_fragment(read) or is_of_another_text(read) or _is_of_wallet(read):
        return LeftOver("words", passage.start, passage.end)
    return None


_OTHERS = re.compile(r"\b(?:other|another|others')\b")
_OF_WALLET = re.compile(r"['’]s (?:wallet|address|account|keys?|multisig) (?:is|was|has|were|are|got)\b")
_TEXTS = r"(?:texts?|versions?|documents?|pdf|links?|files?|wording|translations?|details?|amounts?|terms?)"
_PREVAILS = (
    r"(?:binding|authoritative|definitive|prevails?|precedence|supersed\w+|differ(?:s|ing|ent)?|overrid\w+|replaces?|"
    r"governs?|counts?|corrected|amended)"
)
_ANOTHER_TEXT = re.compile(rf"\b{_TEXTS}\b[^.;]{{0,40}}\b{_PREVAILS}\b|\b{_PREVAILS}\b[^.;]{{0,40}}\b{_TEXTS}\b")


def is_of_another_text(read: Read) -> bool:
    """Whether a sentence says that another text counts: "The binding version is at ...", "The PDF differs"."""
    return _ANOTHER_TEXT.search(read.voice.folded) is not None


def is_lead_of_others(read: Read) -> LeftOver | None:
    """What introduces a list as somebody else's: "The other DAO's calls:"."""
    passage = read.passage
    is_lead = passage.text.rstrip().endswith(":") and _OTHERS.search(read.voice.folded) is not None
    return LeftOver("words", passage.start, passage.end) if is_lead else None


def is_contact(read: Read) -> bool:
    """Whether a sentence begins as one that says where the author is to be found."""
    match = _CONTACT.match(read.voice.folded)
    if match is None or read.quantities:
        return False
    rest = _LINKED.sub(" ", read.passage.text[match.end() :])
    said = _PLAIN_WORD.findall(_SITE.sub(" ", re.sub(r"@[\w.]+|0x\w+|[\w-]+(?:\.[\w-]+)+", " ", rest)))
    names = [word for word in said if word[:1].isupper()]
    return len(names) <= 4 and all(level(word) in _REACHED for word in said if word not in names)


_REACHED = sets.words_of(
    "at on in by via the a our us me and or forum discord telegram twitter mail email e-mail github "
    "handle is are of team "
    "author server channel dm site website x farcaster lens signal contact"
)
_WANTS = re.compile(r"\b(?:wants?|asks?|seeks?|requests?|demands?|proposes?|suggests?)\b")


def wants_of_others(read: Read) -> bool:
    """Whether what introduces orders says what others want: "Applicants want:"."""
    match = _WANTS.search(read.voice.folded)
    before = read.voice.folded[: match.start()] if match is not None else ""
    return any(map(str.isalpha, before)) and re.search(r"\b(?:we|proposal|vote|it|i)\s*$", before) is None


def _is_of_wallet(read: Read) -> bool:
    """Whether a sentence says what became of a wallet: "Lea's wallet was stolen"."""
    return _OF_WALLET.search(read.voice.folded) is not None


def sentence_left_over(
    read: Read, facts: Facts, *, is_apart: bool, governs: bool, follows_reasons: bool
) -> LeftOver | None:
    """What a sentence leaves over in the section of the orders, before any heading, or (`is_apart`) elsewhere.

    `governs`: it introduces an order. `follows_reasons`: the sentence before is no order, so "it" means none.
    """
    strict = _strict(read, facts, is_apart=is_apart, governs=governs, follows_reasons=follows_reasons)
    is_order = any(act.tense is Tense.NOW and act.acts & facts.acts for act in read.voice.acts) and read.quantities
    return clause_left_over(read, facts) if strict is not None and is_order else strict


def _strict(read: Read, facts: Facts, *, is_apart: bool, governs: bool, follows_reasons: bool) -> LeftOver | None:
    passage, folded = read.passage, read.voice.folded
    whole = (passage.start, passage.end)
    if is_contact(read):
        return None
    if passage.text.rstrip().endswith(":") and clause_left_over(read, facts, sets.LEADS) is None:
        return None
    if (over := _of_others(read, facts, is_apart=is_apart)) is not None:
        return over
    if _EDITOR.match(folded) is not None:
        return LeftOver("words", *whole)
    if _may_order(read, facts):
        return LeftOver("verb", *whole)
    said = _SAID.findall(folded)
    if _may_change_a_place(read, facts, said):
        return LeftOver("place", *whole)
    if _is_of_token(read, facts):
        return LeftOver("token", *whole)
    if any(word in sets.CHAINS for word in said):
        return LeftOver("place", *whole)
    is_whole = governs or passage.text.rstrip()[-1:] != ":"
    if not is_apart and passage.shape is Shape.SENTENCE and is_whole and not _describes(folded):
        return LeftOver("words", *whole)
    folded = _AIM.sub(" ", folded)
    if is_apart:
        return None
    if follows_reasons:
        folded = re.sub(r"^\W*(?:it|they)\b", " ", folded)  # means what the sentence before is about
    if _REFERS.search(folded) is not None or _BARE.search(folded) is not None:
        return LeftOver("words", *whole)
    return LeftOver("time", *whole) if _DURATION.search(folded) is not None else None


def _describes(folded: str) -> bool:
    """Whether a sentence tells how things are or were, by one of the verbs that do so and change nothing.

    Of what will be, is done to something, or asks, code can't know whether a call has to do it.
    """
    said = re.findall(r"[^\W\d_]+", folded.replace("other than", " "))
    if folded.rstrip(" *_)\"'").endswith("?"):
        return False
    if set(said) & sets.TURNED or (said and said[0] in ("that", "those")):
        return False  # "That offer has lapsed.", "The members had other ideas."
    for place, word in enumerate(said[1:12], 1):
        if word in ("will", "shall", "must", "may", "should", "would", "becomes", "become", "goes", "gets"):
            return False
        if word in ("is", "are"):
            return not any(one in sets.PARTICIPLES or one.endswith("ed") for one in said[place + 1 : place + 3])
        if word in sets.DESCRIBES or (word.endswith("ed") and len(word) > 4):
            return True
    return False


def _of_others(read: Read, facts: Facts, *, is_apart: bool) -> LeftOver | None:
    """An amount or a party that no effect has."""
    start = read.passage.start
    pays = any(act.tense is Tense.NOW and act.acts & facts.acts for act in read.voice.acts)
    is_short = not is_apart and len(read.voice.folded.split()) <= 6 and not _describes(read.voice.folded)
    for quantity in () if is_apart and not pays else read.quantities:
        is_amount = quantity.unit in (Unit.TOKEN, Unit.MONEY, Unit.PERCENT, Unit.BPS)
        is_token = quantity.unit is Unit.TOKEN and not is_apart  # a sentence with an amount is an order, or none here
        if is_token or ((is_amount or is_short) and not facts.uses(quantity)):
            code = "words" if facts.uses(quantity) else "amount"
            return LeftOver(code, start + quantity.start, start + quantity.end)
    for party in read.parties:
        if party.addresses and not facts.takes_part(party):
            return LeftOver("party", start + party.start, start + party.end)
    return None


def _may_order(read: Read, facts: Facts) -> bool:
    """Whether a sentence tells somebody to do something, or says that the proposal does something with a number."""
    folded = read.voice.folded
    for act in read.voice.acts:
        is_listed = read.passage.shape is Shape.ITEM and act.word.endswith("s") and act.acts & facts.acts - _MOVES
        if act.tense is not Tense.NOW or is_listed or (act.word == "delegates" and not read.parties):
            continue
        is_noun = re.match(r"\s+(?:are|were|is|was|have|has)\b", folded[act.end :]) is not None
        if is_imperative(folded[: act.start]) and not act.word.endswith("ing") and not is_noun:
            return True
        is_other = act.word not in sets.GLUE and not act.acts & facts.acts
        if is_other and is_explicit(read.voice, act) and read.quantities:
            return True
    return False


def _is_of_token(read: Read, facts: Facts) -> bool:
    """Whether a sentence says what a symbol means, or counts in a token that no effect moves."""
    said = _SAID.findall(read.passage.text)
    for place, word in enumerate(said):
        symbol = facts.symbols.of(word)
        if symbol is None:
            continue
        before = said[place - 1].casefold() if place else ""
        if place + 1 < len(said) and (
            said[place + 1][:1].isupper() and f"{word} {said[place + 1]}" in read.passage.text
        ):
            continue  # part of a name: "the ENS DAO"
        if before in ("in", "as", "for", "into", "with") and not facts.moves(symbol):
            return True
        if {one.casefold() for one in said[place + 1 : place + 4]} & sets.DEFINES:
            return True
    return False


_MOVES = frozenset({Act.TRANSFER, Act.APPROVE, Act.MINT, Act.BURN, Act.STREAM})


def _is_in_token(read: Read, facts: Facts) -> bool:
    """Whether a sentence only says in which token a payment is made, the one of the calls, and why."""
    match = _IN_TOKEN.match(level(read.passage.text).rstrip(" ."))
    if match is None or any(quantity.unit is not Unit.BARE for quantity in read.quantities):
        return False
    symbol = facts.symbols.of(read.passage.text[match.start("token") : match.end("token")])
    is_paid = symbol is not None and facts.moves(symbol)
    why = read.passage.text[match.start("why") : match.end("why")] if match["why"] else ""
    said = [level(word) for word in _PLAIN_WORD.findall(why)]
    if re.search(r"\b(?:for|with|by|from|that|of|as) [A-Z]\w+\s*(?:$|[.,])", why) or set(said) & (
        sets.BINDING - {"all"}
    ):
        return False  # for whom, by whom, of whom
    named = _PLAIN_WORD.findall(why)
    return is_paid and all(
        is_free(word, facts) or (is_name_of_thing(one, before) and facts.symbols.of(one) is None)
        for word, one, before in zip(said, named, ["", *said], strict=False)
    )


_SAID = re.compile(r"(?<![.\w])[^\W\d_]+(?:\.\w+)*")


def _may_change_a_place(read: Read, facts: Facts, said: Sequence[str]) -> bool:
    """Whether a sentence may say what becomes of something that only calls change: it is the subject, or stands
    beside a verb of such a change."""
    if not any(word in sets.ON_CHAIN for word in said):
        return False
    if _WORKS.search(read.voice.folded) is not None:
        return False
    if said[0] == "delegates" and said[1:2] and said[1] in sets.DESCRIBES:
        return False  # people
    first = said[: 5 if said[0] in sets.DETERMINERS else 1]
    if any(word in sets.ON_CHAIN for word in first):
        return True
    folded = read.voice.folded
    for act in read.voice.acts:
        if re.search(r"\bhow\b", folded[: act.start]) or act.word == "delegates":
            continue
        is_now = (
            act.tense is Tense.NOW
            and act.acts
            and not act.acts & facts.acts
            and not act.word.endswith("ing")
            and act.word not in sets.GLUE
        )
        if is_now and re.search(r"\b(?:could|might|can't|cannot)\b", folded[: act.start]) is None:
            return True
    return False


_EDITOR = re.compile(r"^\W*(?:n\. ?b|p\. ?s|nb|ps|edit|update|erratum|errata|correction|postscript)\b\W")
_WORKS = re.compile(  # what code does or what was looked at, and changes nothing
    r"^\W*(?:the|its|our) (?:new |old |current )?[a-z]+ (?:passes|works|compiles|emits|(?:was|were|has been|have been) "
    r"(?:audited|reviewed|tested|verified))\b(?!.*\b(?:if|unless|until|only|but|not|no)\b)"
)
_CONTACT = re.compile(r"^\W*(?:the )?(?:contact|author|reach)(?: of the author| us| me)?(?::| is | at )")
_NOUNS = "|".join(sorted(sets.REFERS))
_NUMBERS = "two|three|four|five|six|seven|eight|nine|ten|twelve|\\d+"
_REFERS = re.compile(
    rf"\b(?:the|this|that|these|those|its|her|his|their|whole|such|any|all|no|every|{_NUMBERS})\s+(?:[a-z]+ )?"
    rf"(?:{_NOUNS})\b"
)
_AFTER_BARE = (
    "is|are|was|were|will|would|has|had|have|may|can|could|down|up|off|out|by|in|on|to|from|for|until|if|when|only|also|"
    "too|as|does|do|did|never|not"
)
_BARE = re.compile(  # "this", "it" and the like that stand for something by themselves
    r"(?:\b(?:this|it|they|these|those|same)|(?:^|[.;:,] |\band |\bbut )\W*(?:that|so))"
    rf"(?=\s*(?:[.,;:!?)]|$|(?:{_AFTER_BARE})\b))"
)
_DURATION = re.compile(
    r"\b(?:for|within|in|after|until|every|each|per|by) (?:the )?(?:next |first |last )?(?:\w+ )?(?:days?|weeks?|"
    r"months?|years?|quarters?|seasons?|hours?)\b"
)
_IN_TOKEN = re.compile(
    r"^\W*(?:this|the) (?:transfer|payment|grant) is (?:done|made|sent|paid) in (?P<token>[a-z][\w.]*)"
    r"(?: (?:rather than|instead of|and not) [a-z][\w.]*)?(?: (?:in order )?to (?P<why>.*))?$"
)
_AIM = re.compile(
    rf"\bto (?:{'|'.join(sorted(sets.AIMS))})\b(?!.*\b(?:if|unless|until|till|once|only|when|void|not|never)\b)[^.;]*"
)
_ENDORSES = re.compile(
    r"^(?!.*\b(?:if|unless|once|until|when|but|not|only)\b).*\b(?P<verb>(?:recommend|support|endorse|welcome|favou?r|back)"
    r"(?:s|ed)?) (?:this|the) (?:proposal|vote|grant|payment|request)\W*$"
)
_COVERS = re.compile(
    r"^\W*(?:the|this|that) (?:total |requested )?(?:payment|amount|grant|funding|sum|budget|request) "
    r"(?:covers|represents|pays for|reflects|is for|will cover|compensates)\b(?!.*\b(?:if|until|unless|only|when|once|"
    r"per|each|every|half|not|first|part|(?:quarter|third|fourth|fifth|tenth|season) of)\b)"
)
