# SPDX-License-Identifier: Apache-2.0
"""Rows, records, headings and code: what they have that no effect has."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from agent.understanding.described import HASH_OF, namehash
from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts, LeftOver
from agent.understanding.gate.glued import miscounts
from agent.understanding.gate.inert import are_plain
from agent.understanding.gate.purposes import ends_on_receiver
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
    """A column that says more than what its values are: "Amount per month", "Paid on", "(thousands)", "('000)"."""
    for inside in _IN_BRACKETS.findall(_EDITION.sub("", one.name)):
        if not all(_is_plain_in_brackets(word, facts) for word in inside.split()):
            return "column"
    if re.search(r"\d|decimal|\braw\b", _IN_BRACKETS.sub(" ", level(one.name)).lstrip("0123456789. ")):
        return "column"
    symbol = _symbol_of_name(one, facts).casefold()
    allowed = sets.PLAIN_NAMES | sets.GLUE | sets.FIELD_NAMES | facts.words
    return "" if all(word in allowed or word == symbol for word in _names(one)) else "column"


_EDITION = re.compile(r"(?i)\b(?:ep|eip|aip)[ -]?\d[\d.]*")
_IN_COLUMN = sets.words_of("usd $ in 0x address s multisig safe wallet mainnet ethereum l1 ep eip")
_IN_BRACKETS = re.compile(r"\(([^)]*)\)?")


def _is_plain_in_brackets(word: str, facts: Facts) -> bool:
    """Whether a word in a column's brackets says only in which token, or that an address stands below."""
    plain = word.strip(".,:;*'")
    symbol = facts.symbols.of(plain)
    return (symbol is not None and facts.moves(symbol)) or level(plain) in _IN_COLUMN


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
    if miscounts(value, facts):
        return "amount"  # "Two payments"
    found_parties = parties(one.text, facts.names)
    if any(party.addresses and not facts.takes_part(party) for party in found_parties):
        return "party"
    if one.key in _PARTIES and re.search(r"\w", value) and not any(party.addresses for party in found_parties):
        return "party"  # somebody whom nobody knows
    paid = {effect.recipient for effect in facts.effects if is_money(effect)}
    for party in found_parties:
        is_source = party.marker == "from" or value[: party.start].endswith("from ")
        if is_source and not party.is_own and one.key != "payer" and set(party.addresses) & paid:
            return "party"  # "refund from lea"
    symbol = _symbol_of_name(one, facts)
    if set(names) & _SAID and ends_on_receiver(re.findall(r"[^\W\d_]+", value)):
        return "words"
    if set(names) & (_PEOPLE | {"project"}) and (
        facts.is_called_after_another(value) or _has_unknown_domain(one, value, facts)
    ):
        return "party"
    is_code = re.match(r"^[a-z_]\w*\(", value) is not None
    found = quantities(one.text, facts.symbols, unit_in_header(one.name) or symbol)
    for quantity in found:
        is_nothing = quantity.readings == (0,) and any(facts.uses(other) for other in found if other is not quantity)
        is_free = quantity.is_conversion or is_code or is_nothing or _is_harmless_number(quantity, one)
        if set(names) & _WORTHS and quantity.unit in (Unit.BARE, Unit.MONEY) and not facts.has_number(quantity):
            return "amount"
        if set(names) & _COUNTED and quantity.unit is Unit.BARE and quantity.readings[0] > len(facts.effects):
            return "amount"
        if not is_free and not facts.uses(quantity):
            return "amount"
        value = value[: quantity.start] + " " * (quantity.end - quantity.start) + value[quantity.end :]
    is_known = one.key in _ORDERED or bool(symbol) or all(word in facts.words for word in names)
    if one.key not in _ORDERED and not _is_free(one, names) and not _is_reference(one, names):
        words = set(re.findall(r"[^\W\d_]+", value))
        if not words <= facts.words | sets.GLUE:
            return "words"  # a type, date or decision, which may say anything of the order
    return _of_words(one, value, facts, is_line=is_line, is_amount=is_known and one.key in ("amount", "token"))


def _has_unknown_domain(one: Field, value: str, facts: Facts) -> bool:
    """Whether a cell calls somebody by a domain that leads nowhere: nobody knows whose address it is."""
    known = [party.name for party in parties(one.text, facts.names) if party.addresses]
    return any(name not in known and not facts.is_own_name(name) for name in _DOMAIN.findall(value))


_DOMAIN = re.compile(r"(?<![\w@.-])[\w-]+(?:\.[\w-]+)*\.(?:eth|xyz|com|org|io|dao|box|crypto|id|net|limo)\b")
# Columns whose values are no names: each of their words, with a capital too, must be known to change nothing.
_SAID = sets.words_of("title purpose description reason memo activity task work for category what why")
_FREE_IN_CELLS = frozenset().union(
    sets.MONEY_NOUNS, sets.AIMS, sets.TITLE_VERBS, sets.GLUE, sets.COSTS, sets.KINDS, sets.TOPICS, sets.BINDING,
    sets.SETTING_NOUNS, sets.PLAIN_STATUS, sets.META, sets.words_of("text texts page pages cc"),
) - sets.words_of("refund refunds return returns repay repayment loan")  # fmt: skip
_PEOPLE = sets.words_of("name names contributor grantee payee person member team delegate who recipient vendor")
_WORTHS = sets.words_of("usd eur dollars euros value worth")
_COUNTED = sets.words_of(
    "payments transfers times count number members recipients people instalments installments calls"
)
_PARTIES = ("recipient", "payer", "spender")
# Columns of what an amount is for. Their values are held against the words that bind, as purposes are.
_WHAT_FOR = sets.words_of(
    "# no purpose description item project team contributor name names delegate working group wg work for task "
    "activity what grantee position service services role role recipient's contributor's category we get you memo "
    "topic title reason why order action step call transaction"
)
_REFERENCE = sets.words_of("author authors discussion thread forum snapshot link links id reference")


def _is_free(one: Field, names: Sequence[str]) -> bool:
    return bool(names) and set(names) <= _WHAT_FOR | {"of", "the", "for", "and", "to", "a"} and one.name.strip() != ""


def _is_reference(one: Field, names: Sequence[str]) -> bool:
    """Whether a value is a link, a number or a name of somebody who wrote the proposal."""
    if not set(names) & _REFERENCE:
        return False
    words = re.findall(r"[^\W\d_][\w.'-]*", re.sub(r"\S+[./@]\S+", " ", one.text))
    return all(word[:1].isupper() for word in words) and len(words) <= 6


def _of_words(one: Field, value: str, facts: Facts, *, is_line: bool, is_amount: bool) -> str:
    """Words of a value that bind it to something, name another token or, beside an amount, are unknown."""
    for match in _VALUE.finditer(value):
        if value[: match.start()].endswith("0") and re.match(r"x[0-9a-f]+$", match[0]):
            continue  # an address or data, which is compared elsewhere
        plain = re.split("['’]", match[0])[0]
        symbol = facts.symbols.of(one.text[match.start() : match.start() + len(plain)])
        is_name = re.match(r"\s[^\W\d_]", one.text[match.end() :]) is not None  # "ENS Labs"
        if symbol is not None and not is_name and not facts.moves(symbol):
            return "token"
        is_named = one.text[match.start()].isupper() and not set(_names(one)) & _SAID
        is_said = not is_amount and one.key not in _ORDERED and not is_named and symbol is None and "." not in plain
        if is_said and not are_plain((plain,), facts, _FREE_IN_CELLS) and not _is_reference(one, _names(one)):
            return "words"
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
        is_nothing = quantity.readings[0] == 0 and "value" in level(one.name)  # no ether along
        return one.key == "old" or is_nothing or (is_units and quantity.unit is Unit.BARE)
    if quantity.readings[0] == 0:
        return True
    return quantity.unit is Unit.BARE and re.search(r"\d[.,'’ \u00a0]\d{3}|\d\s?[a-z]", said) is None


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
    if _decides_otherwise(read):
        return over
    return None if names & sets.META and (is_author or over.code not in ("party", "amount")) else over


_DECISIONS = sets.words_of("status decision result outcome vote verdict approved state")


def _decides_otherwise(read: Read) -> bool:
    """Whether a cell of a decision, under its column or behind its label, has other words than of an open proposal."""
    plain = sets.PLAIN_STATUS | sets.META | sets.words_of("pending temp check thread")
    fields = read.passage.fields
    label = fields[0].text if fields else ""
    is_label = bool(set(re.findall(r"[^\W\d_]+", level(label))) & _DECISIONS)
    return any(
        not set(re.findall(r"[^\W\d_]+", level(re.sub(r"\([^)]*\)", " ", one.text)))) <= plain
        for place, one in enumerate(fields)
        if set(_names(one)) & _DECISIONS or (is_label and place)
    )


def decides(read: Read) -> bool:
    """Whether a row or record names who gets or pays something, or what was decided: never free, wherever it stands."""
    return any(
        one.key in (*_PARTIES, "holder", "role", "new", "calldata") or set(_names(one)) & _DECISIONS
        for one in read.passage.fields
    )


def code_left_over(read: Read, facts: Facts, *, is_apart: bool = False) -> LeftOver | None:
    """Code may repeat the calls. Words alone in its place, or another's address, are no code of them.

    `is_apart`: it stands in another section than the orders, where it may show anything but prose.
    """
    text = read.passage.text
    if re.search(r"[(){}\[\]=;$]|0x|_|//", text) is None:
        return LeftOver("words", read.passage.start, read.passage.end)
    is_other = is_apart and _PROSE.search(text) is None  # source code, or what one types: it has words of its own
    is_long = text.count("\n") > _FEW_LINES
    for match in () if is_other and is_long else _CODE_WORD.finditer(text):
        if not (is_other and not _may_turn(match[0], facts)) and not _is_code_of_calls(match[0], facts):
            return LeftOver("words", read.passage.start + match.start(), read.passage.start + match.end())
    for match in re.finditer(r"(?<![0-9A-Za-z])0x([0-9a-fA-F]{40})(?![0-9A-Za-z])", text):
        if bytes.fromhex(match[1]) not in facts.parties:
            return LeftOver("party", read.passage.start + match.start(), read.passage.start + match.end())
    return None


_FEW_LINES = 7  # source code has more; a few lines may look like the calls
_TURNS = (
    sets.CHAINS | sets.ASIDE_TURNS | sets.words_of("void null none false true revert reverts cancelled canceled if")
)


def _may_turn(word: str, facts: Facts) -> bool:
    """Whether a word of a few lines of code has a number, a token, a name of the book, or denies what is called."""
    small = level(word)
    if word.replace("_", "").isdigit() or facts.symbols.of(word) is not None or small in _TURNS:
        return True
    return any(small in re.findall(r"[^\W\d_]+", name) for name in facts.names.known) and small not in sets.HOLDERS


_PROSE = re.compile(r"//|/\*|^\s*#\s|(?:\b[a-z]{2,}\b[ ,]+){4}", re.MULTILINE)
_CODE_WORD = re.compile(r"(?<![\w.])(?:[^\W\d]\w*|\d[\d_]*(?!\w))")
_OF_CODE = sets.words_of(
    "target targets value values calldata calldatas data signature signatures signed unsigned uint int bytes address "
    "addresses string bool true false function method selector arg args argument arguments param params operation to "
    "from call interface external public payable view pure returns memory contract import const new abi encode packed "
    "with selector json name type types inputs outputs internal description eth ether wei token tokens transactions "
    "meta verified chain id version tx builder created at checksum label node root hash of for the and on in a an "
    "keccak keccak256 namehash labelhash sha3 null none hex raw wallet safe multisig timelock governor dao treasury "
    "u256 u8"
) - {"null", "none", "false", "true"}


def _is_code_of_calls(word: str, facts: Facts) -> bool:
    """Whether a name or number in code is one of the calls, or of the language that they are written in."""
    if word in ("true", "false"):
        return any(argument.value is (word == "true") for one in facts.effects for argument in one.arguments)
    if word.replace("_", "").isdigit():
        number = int(word.replace("_", "")) if len(word) < 80 else -1
        return number in facts.numbers or number <= len(facts.effects) or number in (256, 160, 32, 20, 18, 6)
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", word)
    if level(word) in facts.words or level(word) in _OF_CODE | sets.SETTING_NOUNS or level(word).startswith("0x"):
        return True
    if facts.symbols.of(word) is not None and facts.moves(facts.symbols.of(word) or ""):
        return True
    return bool(parts) and all(
        level(part) in facts.words or level(part) in _OF_CODE or part.isdigit() for part in parts
    )


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
            found |= {(r.passage.start, r.passage.end) for r, _ in parts if _is_plain_part(r, facts)}
    return frozenset(found)


_RECEIVE = sets.words_of("recipient recipients receiver receivers payee payees beneficiary beneficiaries paid payments")
_DATED = sets.words_of(
    "january february march april may june july august september october november december spent left received already "
    "saved earned burn swap sold old previous"
)


def _is_plain_part(read: Read, facts: Facts) -> bool:
    """Whether a part of a sum has no party, name, date, rate or word that binds it, and is of what is bought."""
    words = re.findall(r"[^\W\d_]+", read.passage.text)
    free = sets.COSTS | sets.MONEY_NOUNS | sets.GLUE | sets.TOPICS
    if ends_on_receiver([level(word) for word in words if facts.symbols.of(word) is None]):
        return False
    if not all(facts.symbols.of(word) or are_plain((word,), facts, free) for word in words):
        return False
    if any(
        set(re.findall(r"[^\W\d_]+", level(one))) & _RECEIVE for one in (*read.passage.headings, *read.passage.leads)
    ):
        return False
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
