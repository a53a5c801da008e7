# SPDX-License-Identifier: Apache-2.0
"""The last gate before a plain "told": is every word beside the orders used, or of a kind that changes nothing?

The burden of proof is turned round here. Of the sentences that tell an effect one must be used word by word
(`clauses`). Sentences, rows and titles beside it must be orders of that kind too, or must not speak of the order, of
money, of who takes part or of what only calls change. What fits nothing makes the proposal told in part, and is shown.
"""

import re
from collections.abc import Mapping, Sequence

from agent.understanding import gate_words as sets
from agent.understanding.clauses import TAG, Facts, LeftOver, clause_left_over
from agent.understanding.described import Scope
from agent.understanding.mentions import languages as words
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.mentions.parties import parties
from agent.understanding.mentions.quantities import Quantity, Unit, quantities
from agent.understanding.moods import is_explicit, is_imperative, level
from agent.understanding.orders import Order, Read
from agent.understanding.passages import Field, Shape, key_of, unit_in_header

MAX_READ = 400  # passages; of a longer text only those in the sections of orders are weighed word by word


def left_over(
    reads: Sequence[Read],
    facts: Facts,
    orders: Mapping[str, Sequence[Order]],
    told_by: Mapping[str, Sequence[Scope]],
) -> list[LeftOver]:
    """Return what no rule uses in a text that tells all effects, in the text's order; nothing where all is used.

    `orders` and `told_by` are the sentences that tell each effect, by its id: of money, and of other effects.
    """
    by_place = {(read.passage.start, read.passage.end): read for read in reads}
    found: list[LeftOver] = []
    telling: dict[tuple[int, int], Read] = {}
    sections: set[int] = set()
    for effect in facts.effects:
        if not effect.moves and not effect.function:
            telling |= {(read.passage.start, read.passage.end): read
                        for scope in told_by.get(effect.id, ()) for read in scope.reads}  # fmt: skip
            telling |= {(o.passage.start, o.passage.end): by_place[(o.passage.start, o.passage.end)]
                        for o in orders.get(effect.id, ())}  # fmt: skip
            continue  # a call with nothing: no money and no data
        first: LeftOver | None = None
        chosen: list[Read] = []
        candidates = [[by_place[(o.passage.start, o.passage.end)]] for o in orders.get(effect.id, ())]
        candidates += [list(scope.reads) for scope in told_by.get(effect.id, ())]
        for group in candidates:
            over = _of_group(group, facts)
            first = first or over
            if over is None:
                chosen = group
                break
        if len(chosen) > 1:
            sections.add(chosen[-1].passage.section)  # a section tells together: each of its passages is weighed below
        elif chosen:
            telling |= {(read.passage.start, read.passage.end): read for read in chosen}
        elif first is not None:
            found.append(first)
    if found:
        return found
    sections |= {read.passage.section for read in telling.values()}
    groups = {read.passage.group for read in telling.values()}
    previous: Read | None = None
    for read in reads:
        place = (read.passage.start, read.passage.end)
        if place not in telling:
            is_after = previous is not None and (
                (previous.passage.start, previous.passage.end) in telling or previous.passage.section in sections - {read.passage.section}
            )
            over = _beside(read, facts, sections, groups, previous, is_after_order=is_after)
            if over is not None:
                found.append(over)
        previous = read
    return found


def _of_group(group: Sequence[Read], facts: Facts) -> LeftOver | None:
    """What a telling passage leaves over; of a section the passages that speak of the effects."""
    if len(group) == 1:
        return _of_telling(group[0], facts)
    return None  # each passage of a section that tells together is weighed beside the others


def _of_telling(read: Read, facts: Facts) -> LeftOver | None:
    if read.passage.shape in (Shape.ROW, Shape.RECORD):
        return _fields(read, facts)
    return clause_left_over(read, facts)


# --------------------------------------------------------------------------------------------------- rows and records


def _fields(read: Read, facts: Facts) -> LeftOver | None:
    """What the cells of a row or the values of a record have that nothing uses."""
    for one in read.passage.fields:
        if not one.text.strip(" -–—*"):
            continue
        if (code := _field(one, facts)) != "":
            return LeftOver(code, one.start, one.start + len(one.text))
    return None


def _field(one: Field, facts: Facts) -> str:
    name = [word for word in re.findall(r"[#]|[^\W\d_][\w'’-]*", level(re.sub(r"\([^)]*\)", " ", one.name)))]
    if any(word in _SCALES for word in level(one.name).split("(")[-1].split()):
        return "column"
    value = level(one.text)
    has_order = one.key in ("amount", "recipient", "payer", "token", "spender", "role", "contract", "function", "new",
                            "old", "parameter", "holder", "calldata")  # fmt: skip
    symbols = [facts.symbols.of(word) for word in re.findall(r"[^\W\d_][\w'’-]*", one.name)]
    symbol = next((found for found in symbols if found), "")
    known = has_order or bool(symbol) or all(word in facts.words for word in name)
    allowed = sets.PLAIN_NAMES | sets.GLUE | sets.FIELD_NAMES | facts.words
    if not all(word in allowed or word == symbol.casefold() for word in name):
        return "column"
    if "status" in name:
        return "" if all(word in sets.PLAIN_STATUS for word in re.findall(r"\w+", value)) else "words"
    if {"network", "chain"} & set(name):
        return "" if all(word in sets.PLAIN_CHAIN for word in re.findall(r"\w+", value)) else "words"
    if "frequency" in name:
        return "" if all(word in sets.PLAIN_FREQUENCY for word in re.findall(r"[\w-]+", value)) else "words"
    if one.key == "calldata" or re.fullmatch(r"(?:0x)?[0-9a-f]{8,}", value):
        return ""
    unit = unit_in_header(one.name) or symbol
    is_code = "(" in value and re.match(r"^[a-z_]\w*\(", value) is not None
    for party in parties(one.text, facts.names):
        if party.addresses and not facts.takes_part(party):
            return "party"
    for quantity in quantities(one.text, facts.symbols, unit):
        if not (facts.uses(quantity) or quantity.is_conversion or is_code or _is_harmless_number(quantity, one, facts)):
            return "amount"
    for quantity in quantities(one.text, facts.symbols, unit):
        value = value[: quantity.start] + " " * (quantity.end - quantity.start) + value[quantity.end :]
    for match in re.finditer(r"[^\W\d_][\w'’-]*(?:\.\w+)*", value):
        plain = re.split("['’]", match[0])[0]
        found = facts.symbols.of(one.text[match.start() : match.start() + len(plain)])
        is_name = re.match(r"\s[^\W\d_]", one.text[match.end() :]) is not None  # "ENS Labs"
        if found is not None and not is_name and not any(e.asset in facts.by_symbol.get(found, ()) for e in facts.effects):
            return "token"
        if plain in sets.BINDING and plain not in facts.words:
            return "words"
        if known and one.key in ("amount", "token") and not (
            plain in sets.GLUE | sets.UNITS or found is not None or plain in facts.words
        ):  # fmt: skip
            return "words"
    return ""


_SCALES = frozenset("thousand thousands million millions k m cents percent %) thousands) millions) k) m) %".split())


def _is_harmless_number(quantity: Quantity, one: Field, facts: Facts) -> bool:
    """A number that counts or dates, in a cell that is no amount; or the decimals beside base units."""
    if re.search(r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|in|of|"
                 r"through|until) $", level(one.text[: quantity.start])) and re.fullmatch(
                     r"20\d\d", one.text[quantity.start : quantity.end]):
        return True
    if one.key in ("amount", "new", "old"):
        is_units = any(word in level(one.text) for word in ("decimal", "base unit"))
        return one.key == "old" or quantity.readings[0] == 0 or (is_units and quantity.unit is Unit.BARE)
    return quantity.unit is Unit.BARE or quantity.readings[0] == 0


# ------------------------------------------------------------------------------------------- what stands beside orders


def _beside(
    read: Read, facts: Facts, sections: set[int], groups: set[int], previous: Read | None, *, is_after_order: bool
) -> LeftOver | None:
    passage = read.passage
    whole = LeftOver("words", passage.start, passage.end)
    if passage.shape is Shape.CODE:
        return _code(read, facts)
    if passage.shape is Shape.HEADING:
        return _heading(read, facts)
    if clause_left_over(read, facts) is None:
        return None
    if passage.shape in (Shape.ROW, Shape.RECORD):
        if passage.group in groups or not _is_aside(read, sections):
            over = _row_beside(read, facts)
            is_apart = bool(passage.headings) and passage.section not in sections and passage.group not in groups
            return None if over is not None and is_apart and over.code == "words" else over
        return None
    if passage.shape is Shape.ITEM and (named := _named_value(read)) is not None and passage.group in groups:
        code = _field(named, facts)
        return None if not code else whole
    if passage.group in groups and passage.shape is Shape.ITEM and not (_orders_nothing(read) or _is_in_token(read, facts)):
        return clause_left_over(read, facts)
    if _is_courtesy(read) or _is_link(read):
        return None
    is_whole = passage.text.rstrip()[-1:] != ":"
    if passage.shape is Shape.SENTENCE and is_whole and not _is_english(read):
        return LeftOver("language", passage.start, passage.end)
    folded = read.voice.folded
    if _is_in_token(read, facts) or _COVERS.match(folded) or _ENDORSES.search(folded):
        return None
    if _is_about_order(read, facts) or _is_fragment(read):
        return whole
    if _orders_nothing(read):
        return None
    if _is_aside(read, sections):
        return None
    is_apart = bool(passage.headings) and passage.section not in sections and not is_after_order
    strict = _strictly(read, facts, previous, is_after_order=is_after_order, is_apart=is_apart)
    is_order = any(act.tense is Tense.NOW and act.acts & facts.acts for act in read.voice.acts) and read.quantities
    return clause_left_over(read, facts) if strict is not None and is_order else strict


def _is_aside(read: Read, sections: set[int]) -> bool:
    """Whether a passage stands in a section of its own, under a heading of reasons or people."""
    passage = read.passage
    if passage.section in sections or not (passage.headings or passage.title):
        return False
    heading = set(re.findall(r"[^\W\d_]+", level((passage.headings or (passage.title,))[-1])))
    return bool(heading & sets.ASIDE)


_LINKED = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\S+")


def _is_link(read: Read) -> bool:
    """Whether a passage is a link with its name: "Forum: https://..."."""
    text = read.passage.text
    rest = _LINKED.sub(" ", text)
    return (rest != text and len(rest.split()) <= 3) or _TO_SITE.search(text) is not None


_TO_SITE = re.compile(r"^[^.!?;:]{1,60} \([\w-]+(?:\.[\w-]+)+\)$")


def _orders_nothing(read: Read) -> bool:
    """Whether the only amount of a passage is zero."""
    amounts = [q for q in read.quantities if q.unit in (Unit.TOKEN, Unit.MONEY)]
    return bool(amounts) and all(q.readings == (0,) for q in amounts)


def _named_value(read: Read) -> Field | None:
    """An item "Purpose: the handbook" as a name and its value."""
    match = re.match(r"^(?P<name>[^\W\d_][^:\n]{0,30}):\s+(?P<value>\S.*)$", read.passage.text, re.DOTALL)
    if match is None or len(match["name"].split()) > 3:
        return None
    return Field(key_of(match["name"]), match["name"], match["value"], read.passage.start + match.start("value"))


def _is_courtesy(read: Read) -> bool:
    said = re.findall(r"[^\W\d_]+", read.voice.folded)
    if not said or len(said) > 8:
        return not said
    free = [word for word in said if word not in sets.COURTESY]
    return len(free) < len(said) and len(free) <= 1 and not any(word in sets.BINDING for word in free)


def _is_english(read: Read) -> bool:
    said = re.findall(r"[^\W\d_]+", read.voice.folded)
    if sum(not word.isascii() for word in said) * 2 > len(said):
        return False
    if len(said) < 2 or len(re.findall(r"[^\W\d_]+", TAG.sub(" ", read.voice.folded))) < 2:
        return True
    if read.voice.language != "en":
        return False
    return any(word in sets.ENGLISH for word in said)


_SUBJECT = re.compile(
    r"^\W*(?:(?:the|this|that|these|those|all|any|some|both|our|its|each)\s+)*(?P<noun>[^\W\d_]+)\s+"
    r"(?:\w+\s+){0,2}?(?:is|are|was|were|means?|stands?|reads?|refers?|denotes?|counts?|lies|lie|comes?|has|have|had)\b"
)


def _is_about_order(read: Read, facts: Facts) -> bool:
    """Whether a sentence's subject is the order, its text, token or address: "Amounts are in cents"."""
    folded = read.voice.folded
    match = _SUBJECT.match(folded)
    if match is not None and match["noun"] in _OF_TEXT:
        return True
    defined = _DEFINED.match(read.passage.text)
    if defined is not None and facts.symbols.of(defined["noun"]) is not None:
        return True
    return re.match(r"^\W*0x[0-9a-f]{40}\b", folded) is not None and not _is_contact(folded)


_DEFINED = re.compile(
    r"^\W*(?:[Tt]he )?(?P<noun>[^\W\d_][\w.]*)\s+(?:is|are|was|means?|stands|reads|refers|denotes)\b"
)
_OF_TEXT = frozenset(
    "amount amounts figure figures number numbers recipient recipients wallet wallets address addresses line lines text "
    "sentence sentences paragraph list table row order orders item wording sum sums payment payments transfer transfers "
    "section".split()
)


def _is_contact(folded: str) -> bool:
    return re.search(r"\b(?:contact|author|address of the author)\b", folded) is not None


_OPENS = frozenset("on in at under during by upon with without after before until since for from".split())


def _is_fragment(read: Read) -> bool:
    """Whether a whole line of prose is no sentence: "On the day of the conference."."""
    passage = read.passage
    said = re.findall(r"[^\W\d_]+", read.voice.folded)
    if passage.shape is not Shape.SENTENCE or not said or "," in passage.text or passage.text.rstrip()[-1:] == ":":
        return False
    return said[0] in _OPENS and len(said) <= 8 and not any(word in _VERBS for word in said)


_VERBS = frozenset("is are was were be been has have had will would can could do does did may must".split())


def _strictly(read: Read, facts: Facts, previous: Read | None, *, is_after_order: bool, is_apart: bool) -> LeftOver | None:
    """A sentence in the section of orders, or before any heading: nothing in it may mean the orders."""
    passage, folded = read.passage, read.voice.folded
    text = passage.text
    if _CONTACT.match(folded):
        return None

    def over(code: str, start: int = 0, end: int | None = None) -> LeftOver:
        return LeftOver(code, passage.start + start, passage.start + (len(text) if end is None else end))

    if text.rstrip().endswith(":") and clause_left_over(read, facts, sets.LEADS) is None:
        return None
    for quantity in read.quantities:
        if is_apart and not any(act.tense is Tense.NOW and act.acts & facts.acts for act in read.voice.acts):
            continue
        if quantity.unit in (Unit.TOKEN, Unit.MONEY, Unit.PERCENT, Unit.BPS) and not facts.uses(quantity):
            return over("amount", quantity.start, quantity.end)
        if not is_apart and len(folded.split()) <= 6 and not facts.uses(quantity):
            return over("amount", quantity.start, quantity.end)
    for party in read.parties:
        if party.addresses and not facts.takes_part(party):
            return over("party", party.start, party.end)
    for act in read.voice.acts:
        is_listed = passage.shape is Shape.ITEM and act.word.endswith("s") and act.acts & facts.acts - _MOVES
        if is_listed:
            continue
        if act.tense is Tense.NOW and is_imperative(folded[: act.start]) and not act.word.endswith("ing"):
            return over("verb")
        if act.word in sets.GLUE:
            continue
        if act.tense is Tense.NOW and not act.acts & facts.acts and is_explicit(read.voice, act) and read.quantities:
            return over("verb")
    said = _SAID.findall(folded)
    if _may_change_a_place(read, facts, said):
        return over("place")
    for place, word in enumerate(_SAID.findall(text)):
        symbol = facts.symbols.of(word)
        if symbol is None:
            continue
        is_unit = place and said[place - 1] in ("in", "as", "for", "into", "with") and not _is_paid(symbol, facts)
        if is_unit or set(said[place + 1 : place + 4]) & _DEFINES:
            return over("token")
    if any(word in sets.CHAINS for word in said):
        return over("place")
    folded = _AIM.sub(" ", folded)
    if is_apart:
        return over("words") if _POINTS.search(folded) is not None else None
    if previous is not None and not is_after_order:
        folded = re.sub(r"^\W*(?:it|they)\b", " ", folded)  # means what the sentence before is about
    if _REFERS.search(folded) is not None or _BARE.search(folded) is not None:
        return over("words")
    if _DURATION.search(folded) is not None:
        return over("time")
    return None


_MOVES = frozenset({Act.TRANSFER, Act.APPROVE, Act.MINT, Act.BURN, Act.STREAM})


def _is_in_token(read: Read, facts: Facts) -> bool:
    """Whether a sentence only says in which token a payment is made, the one of the calls, and why."""
    match = _IN_TOKEN.match(level(read.passage.text).rstrip(" ."))
    if match is None or any(quantity.unit is not Unit.BARE for quantity in read.quantities):
        return False
    symbol = facts.symbols.of(read.passage.text[match.start("token") : match.end("token")])
    is_paid = symbol is not None and any(e.asset in facts.by_symbol.get(symbol, ()) for e in facts.effects)
    why = set(re.findall(r"[^\W\d_]+", match["why"] or ""))
    return is_paid and not why & _TURNS


_TURNS = frozenset("not no never if unless until when once only after before but later cancelled void".split())


_SAID = re.compile(r"(?<![.\w])[^\W\d_]+(?:\.\w+)*")
_DEFINES = frozenset("is are was means mean meant read reads denotes denote stands stand refers refer here throughout".split())


def _is_paid(symbol: str, facts: Facts) -> bool:
    assets = facts.by_symbol.get(symbol, ())
    return any(effect.asset in assets or effect.target in assets for effect in facts.effects)


def _may_change_a_place(read: Read, facts: Facts, said: Sequence[str]) -> bool:
    """Whether a sentence may say what becomes of something that only calls change: it is the subject, or stands beside a
    verb of such a change."""
    if not any(word in sets.ON_CHAIN for word in said):
        return False
    first = said[: 5 if said[0] in _DETERMINERS else 1]
    if any(word in sets.ON_CHAIN for word in first):
        return True
    folded = read.voice.folded
    for act in read.voice.acts:
        if re.search(r"\bhow\b", folded[: act.start]) or act.word == "delegates":
            continue
        is_now = act.tense is Tense.NOW and act.acts and not act.acts & facts.acts and not act.word.endswith("ing") and act.word not in sets.GLUE
        if is_now and re.search(r"\b(?:could|might|can't|cannot)\b", folded[: act.start]) is None:
            return True
    return False


_DETERMINERS = frozenset("the this that these those our its all both any each every a an no".split())
_CONTACT = re.compile(r"^\W*(?:the )?(?:contact|author|reach)\b")
_NOUNS = "|".join(sorted(sets.REFERS))
_REFERS = re.compile(rf"\b(?:the|this|that|these|those|its|her|his|their|whole|such|any|all|no|every|two|three|four|five|six|seven|eight|nine|ten|twelve|\d+)\s+(?:[a-z]+ )?(?:{_NOUNS})\b")
_BARE = re.compile(
    r"(?:\b(?:this|it|they|these|those|same)|(?:^|[.;:,] |\band |\bbut )\W*(?:that|so))(?=\s*(?:[.,;:!?)]|$|(?:is|are|was|were|will|would|has|had|have|may|"
    r"can|could|down|up|off|out|by|in|on|to|from|for|until|if|when|only|also|too|as|does|do|did|never|not)\b))"
)
_DURATION = re.compile(
    r"\b(?:for|within|in|after|until|every|each|per|by) (?:the )?(?:next |first |last )?(?:\w+ )?(?:days?|weeks?|"
    r"months?|years?|quarters?|seasons?|hours?)\b"
)
_IN_TOKEN = re.compile(
    r"^\W*(?:this|the) (?:transfer|payment|grant) is (?:done|made|sent|paid) in (?P<token>[a-z][\w.]*)"
    r"(?: (?:rather than|instead of|and not) [a-z][\w.]*)?(?: (?:to|because|as|for|since) (?P<why>.*))?$"
)
_AIM = re.compile(
    rf"\bto (?:{'|'.join(sorted(sets.AIMS))})\b(?!.*\b(?:if|unless|until|till|once|only|when|void|not|never)\b)[^.;]*"
)
_POINTS = re.compile(rf"\b(?:this|these|that|those|above|below)\s+(?:[a-z]+ )?(?:{_NOUNS})\b|\b(?:above|below)\b")
_ENDORSES = re.compile(
    r"^(?!.*\b(?:if|unless|once|until|when|but|not|only)\b).*\b(?:recommend|support|endorse|welcome|favou?r|back)(?:s|ed)? "
    r"(?:this|the) (?:proposal|vote|grant|payment|request)\W*$"
)
_COVERS = re.compile(
    r"^\W*(?:the|this|that) (?:total |requested )?(?:payment|amount|grant|funding|sum|budget|request) "
    r"(?:covers|represents|pays for|reflects|is for|will cover|compensates)\b(?!.*\b(?:if|until|unless|only|when|once|"
    r"per|each|every|half|not|first|part)\b)"
)


def _row_beside(read: Read, facts: Facts) -> LeftOver | None:
    """A row or record that tells nothing: a total of what is paid, or facts about the proposal."""
    over = _fields(read, facts)
    if over is None:
        return None
    first = read.passage.fields[0] if read.passage.fields else None
    names = set(re.findall(r"[^\W\d_]+", level(f"{first.name} {first.text}"))) if first else set()
    is_author = bool(names & {"author", "authors"})
    return None if names & sets.META and (is_author or over.code not in ("party", "amount")) else over


def _code(read: Read, facts: Facts) -> LeftOver | None:
    """Code may repeat the calls. Words alone in its place, or another's address, are no code of them."""
    text = read.passage.text
    if re.search(r"[(){}\[\]=;$]|0x|_|//", text) is None:
        return LeftOver("words", read.passage.start, read.passage.end)
    for match in re.finditer(r"(?<![0-9A-Za-z])0x([0-9a-fA-F]{40})(?![0-9A-Za-z])", text):
        if bytes.fromhex(match[1]) not in facts.parties:
            return LeftOver("party", read.passage.start + match.start(), read.passage.start + match.end())
    return None


# --------------------------------------------------------------------------------------------------------- headings


_EDITION = re.compile(r"\[[^\]]*\]|\b(?:ep|eip|aip|uip|prop|proposal|part|round|season|q|phase|v|term|action|step|transaction|call|payment|transfer) ?#?\d[\d.]*\b")


def _heading(read: Read, facts: Facts) -> LeftOver | None:
    """A heading names what follows: no other amount, party, or act than those of the effects."""
    passage, folded = read.passage, read.voice.folded

    def over(code: str, start: int = 0, end: int | None = None) -> LeftOver:
        return LeftOver(code, passage.start + start, passage.start + (len(passage.text) if end is None else end))

    if passage.leads or "\t" in passage.text:
        return None  # a table's header, whose names its rows have
    editions = [match.span() for match in _EDITION.finditer(folded)]
    for quantity in read.quantities:
        is_edition = any(start <= quantity.start < end for start, end in editions)
        is_year = re.fullmatch(r"(?:19|20)\d\d", folded[quantity.start : quantity.end]) is not None
        is_first = quantity.start == 0 or not any(map(str.isalpha, folded[: quantity.start]))
        if not (facts.uses(quantity) or is_edition or is_year or is_first):
            return over("amount", quantity.start, quantity.end)
    for party in read.parties:
        if party.addresses and not facts.takes_part(party):
            return over("party", party.start, party.end)
    if not passage.is_title and passage.headings[:-1]:
        return None
    for act in read.voice.acts:
        if act.tense is Tense.NOW and act.acts and not act.acts & facts.acts and is_imperative(folded[: act.start]):
            if act.word not in sets.GLUE:
                return over("verb")
    if words.compiled(words.DENIALS).search(folded) is not None:
        return over("words")
    said = re.findall(r"[^\W\d_]+", folded)
    if any(word in _RECURS for word in said):
        return over("time")
    match = re.search(r"\b(?:to|for|pay|pays)\s+([A-Z][\w’']+)\s*$", passage.text)
    if match is not None and passage.is_title and not _is_named(match[1], facts):
        return over("party")
    return None


def _is_named(name: str, facts: Facts) -> bool:
    small = level(name).removesuffix("'s")
    found = [known for known in (*facts.names.known, *facts.names.local) if small in known.split()]
    return not found and False or any(facts.names.of(known) <= facts.parties for known in found)


_RECURS = frozenset("monthly weekly yearly annual annually quarterly recurring month week every each".split())
