# SPDX-License-Identifier: Apache-2.0
"""Rows, records, headings and code: what they have that no effect has."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from agent.understanding.described import HASH_OF, namehash
from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts, LeftOver
from agent.understanding.mentions import languages
from agent.understanding.mentions.parties import parties
from agent.understanding.mentions.quantities import Quantity, Unit, quantities
from agent.understanding.moods import level
from agent.understanding.orders import Read
from agent.understanding.passages import Field, Shape, key_of, unit_in_header
from agent.understanding.telling import is_money
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak

_ORDERED = frozenset(
    [
        "amount",
        "recipient",
        "payer",
        "token",
        "spender",
        "role",
        "contract",
        "function",
        "new",
        "old",
        "parameter",
        "holder",
        "calldata",
    ]
)
_CLOSED = {  # columns whose values are a few words
    "status": sets.PLAIN_STATUS,
    "network": sets.PLAIN_CHAIN,
    "chain": sets.PLAIN_CHAIN,
    "frequency": sets.PLAIN_FREQUENCY,
}
_NAME = re.compile(r"#|[^\W\d_][\w'’-]*")
_VALUE = re.compile(r"[^\W\d_][\w'’-]*(?:\.\w+)*")


def fields_left_over(read: Read, facts: Facts) -> LeftOver | None:
    """What the cells of a row or the values of a record have that nothing uses."""
    for one in read.passage.fields:
        if one.text.strip(" -–—*") and (over := field_left_over(one, facts)) is not None:
            return over
    return None


def field_left_over(one: Field, facts: Facts, *, is_line: bool = False) -> LeftOver | None:
    """What one cell or value has that nothing uses, or its column says. `is_line`: it stands apart from the orders."""
    code = _of_name(one, facts) or _of_value(one, facts, is_line=is_line)
    return LeftOver(code, one.start, one.start + len(one.text)) if code else None


def _names(one: Field) -> list[str]:
    return _NAME.findall(level(re.sub(r"\([^)]*\)", " ", one.name)))


def _symbol_of_name(one: Field, facts: Facts) -> str:
    return next((s for s in map(facts.symbols.of, _NAME.findall(one.name)) if s), "")


def _of_name(one: Field, facts: Facts) -> str:
    """A column that says more than what its values are: "Amount per month", "Paid on", "(thousands)"."""
    if set(re.findall(r"[^\W\d_]+|%", level(one.name).partition("(")[2])) & sets.SCALES:
        return "column"
    symbol = _symbol_of_name(one, facts).casefold()
    allowed = sets.PLAIN_NAMES | sets.GLUE | sets.FIELD_NAMES | facts.words
    return "" if all(word in allowed or word == symbol for word in _names(one)) else "column"


def _of_value(one: Field, facts: Facts, *, is_line: bool) -> str:
    names, value = _names(one), level(one.text)
    if languages.compiled(languages.DENIALS).search(value) is not None:
        return "words"
    if not is_line and one.key not in _ORDERED and set(names) & (sets.REMARKS - {"status", "memo"}):
        return "words"  # a note beside the order may say anything of it
    closed = next((_CLOSED[name] for name in names if name in _CLOSED), None)
    if closed is not None:
        return "" if all(word in closed for word in re.findall(r"[\w-]+", value)) else "words"
    if one.key == "calldata" or re.fullmatch(r"(?:0x)?[0-9a-f]{8,}", value):
        return ""
    found_parties = parties(one.text, facts.names)
    if any(party.addresses and not facts.takes_part(party) for party in found_parties):
        return "party"
    if one.key == "payer" and not any(party.addresses for party in found_parties):
        return "party"  # a payer whom nobody knows
    paid = {effect.recipient for effect in facts.effects if is_money(effect)}
    for party in found_parties:
        is_source = party.marker == "from" or value[: party.start].endswith("from ")
        if is_source and not party.is_own and one.key != "payer" and set(party.addresses) & paid:
            return "party"  # "refund from lea"
    symbol = _symbol_of_name(one, facts)
    is_code = re.match(r"^[a-z_]\w*\(", value) is not None
    found = quantities(one.text, facts.symbols, unit_in_header(one.name) or symbol)
    for quantity in found:
        is_free = quantity.is_conversion or is_code or _is_harmless_number(quantity, one)
        if not is_free and not facts.uses(quantity):
            return "amount"
        value = value[: quantity.start] + " " * (quantity.end - quantity.start) + value[quantity.end :]
    is_known = one.key in _ORDERED or bool(symbol) or all(word in facts.words for word in names)
    return _of_words(one, value, facts, is_line=is_line, is_amount=is_known and one.key in ("amount", "token"))


def _of_words(one: Field, value: str, facts: Facts, *, is_line: bool, is_amount: bool) -> str:
    """Words of a value that bind it to something, name another token or, beside an amount, are unknown."""
    for match in _VALUE.finditer(value):
        plain = re.split("['’]", match[0])[0]
        symbol = facts.symbols.of(one.text[match.start() : match.start() + len(plain)])
        is_name = re.match(r"\s[^\W\d_]", one.text[match.end() :]) is not None  # "ENS Labs"
        if symbol is not None and not is_name and not facts.moves(symbol):
            return "token"
        if plain in sets.BINDING - (sets.FREE_IN_LINES if is_line else frozenset()) and plain not in facts.words:
            return "words"
        if is_amount and symbol is None and plain not in sets.GLUE | sets.UNITS | facts.words:
            return "words"
    return ""


_IN_MONTH = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|in|of|through|until) $"
)


def _is_harmless_number(quantity: Quantity, one: Field) -> bool:
    """A number that counts or dates, in a cell that is no amount; or the decimals beside base units."""
    said = one.text[quantity.start : quantity.end]
    if re.fullmatch(r"20\d\d", said) and _IN_MONTH.search(level(one.text[: quantity.start])):
        return True
    if one.key in ("amount", "new", "old"):
        is_units = any(word in level(one.text) for word in ("decimal", "base unit"))
        return one.key == "old" or quantity.readings[0] == 0 or (is_units and quantity.unit is Unit.BARE)
    return quantity.unit is Unit.BARE or quantity.readings[0] == 0


def named_value(read: Read) -> Field | None:
    """An item "Purpose: the handbook" as a name and its value."""
    match = re.match(r"^(?P<name>[^\W\d_][^:\n]{0,30}):\s+(?P<value>\S.*)$", read.passage.text, re.DOTALL)
    if match is None or len(match["name"].split()) > 3:
        return None
    return Field(key_of(match["name"]), match["name"], match["value"], read.passage.start + match.start("value"))


def is_plain_name(one: Field) -> bool:
    """Whether a line's name is that of a fact about the proposal: "Author: ...", "Title: ..."."""
    names = _names(one)
    return all(word in sets.PLAIN_NAMES | sets.META for word in names) and not set(names) & sets.REMARKS


def row_left_over(read: Read, facts: Facts) -> LeftOver | None:
    """A row or record that tells nothing: a total of what is paid, or facts about the proposal."""
    over = fields_left_over(read, facts)
    if over is None:
        return None
    first = read.passage.fields[0] if read.passage.fields else None
    names = set(re.findall(r"[^\W\d_]+", level(f"{first.name} {first.text}"))) if first else set()
    is_author = bool(names & {"author", "authors"})
    return None if names & sets.META and (is_author or over.code not in ("party", "amount")) else over


def code_left_over(read: Read, facts: Facts) -> LeftOver | None:
    """Code may repeat the calls. Words alone in its place, or another's address, are no code of them."""
    text = read.passage.text
    if re.search(r"[(){}\[\]=;$]|0x|_|//", text) is None:
        return LeftOver("words", read.passage.start, read.passage.end)
    for match in re.finditer(r"(?<![0-9A-Za-z])0x([0-9a-fA-F]{40})(?![0-9A-Za-z])", text):
        if bytes.fromhex(match[1]) not in facts.parties:
            return LeftOver("party", read.passage.start + match.start(), read.passage.start + match.end())
    return None


def adding_up(reads: Sequence[Read], facts: Facts) -> frozenset[tuple[int, int]]:
    """The rows and items of lists whose amounts add up to what is paid: what it is spent on. Where they stand."""
    groups: dict[int, list[tuple[Read, Quantity]]] = {}
    for read in reads:
        if read.passage.shape not in (Shape.ROW, Shape.ITEM) or read.passage.is_quoted:
            continue
        amounts = [one for one in read.quantities if one.unit is Unit.TOKEN and not one.is_conversion]
        if len(amounts) == 1 and len(amounts[0].readings) == 1 and facts.moves(amounts[0].symbol):
            groups.setdefault(read.passage.group, []).append((read, amounts[0]))
    found: set[tuple[int, int]] = set()
    for listed in groups.values():
        parts = [(read, one) for read, one in listed if not facts.uses(one)]
        total = sum((one.readings[0] for _, one in parts), Decimal(0))
        is_one_token = len({one.symbol for _, one in parts}) == 1
        if len(parts) > 1 and is_one_token and facts.uses(replace(parts[0][1], readings=(total,))):
            found |= {(r.passage.start, r.passage.end) for r, _ in parts if _is_plain_part(r)}
    return frozenset(found)


_DATED = sets.words_of(
    "january february march april may june july august september october november december spent left received already "
    "saved earned burn swap sold old previous"
)


def _is_plain_part(read: Read) -> bool:
    """Whether a part of a sum has no party, date, rate or word that binds it."""
    said = set(
        re.findall(r"[^\W\d_]+", level(" ".join([read.passage.text, *(one.name for one in read.passage.fields)])))
    )
    return not (said & (sets.BINDING | sets.AGAINST | _DATED) or any(party.addresses for party in read.parties))


_PARAMETER = re.compile(r"^(?:bytes\d*|address|u?int\d*|string|bool)(?:\[\])? \w+: ", re.IGNORECASE)
_HEX = re.compile(r"0x[0-9a-f]{2,}")


def is_parameter(read: Read, facts: Facts) -> bool:
    """Whether a line gives an argument of the calls as code does, `uint64 ttl: 0`, and nothing besides."""
    match = _PARAMETER.match(read.passage.text)
    if match is None or "\n" in read.passage.text:
        return False
    given = {hex_text(a.value) for one in facts.effects for a in one.arguments if isinstance(a.value, bytes)}
    given |= {hex_text(party) for party in facts.parties}
    value = read.voice.folded[match.end() :]
    for party in read.parties:
        if party.addresses and not facts.takes_part(party):
            return False
    hashed = HASH_OF.search(read.passage.text)
    if hashed is not None:
        name = hashed["name"].casefold()
        found = keccak(name.encode()) if hashed["kind"].casefold() == "label" else namehash(name)
        if hex_text(found) not in given:
            return False
        value = value.replace(hashed[0].lower(), " ")
    if any(one not in given for one in _HEX.findall(value)):
        return False
    names = {word for party in read.parties if party.addresses for word in re.findall(r"\w+", party.name)}
    rest = re.findall(r"\w+", _HEX.sub(" ", value))
    return all(
        word in facts.words
        or word in names
        or word in ("true", "false")
        or (word.isdigit() and int(word) in facts.numbers)
        for word in rest
    )
