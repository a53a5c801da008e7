# SPDX-License-Identifier: Apache-2.0
"""A function's meaning as one row: its kind, which parameter is what, and the sentence that says it.

A row names the function as Solidity does, with the names that its sentence uses:

    Meaning(
        "setSupplyCap(address asset,uint256 newSupplyCap)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sets the supply cap of {asset} in {target} to {newSupplyCap} whole tokens."),
        subject="supply cap",
        new_value="newSupplyCap",
    )

In a sentence `{target}` is the called contract and every other name a parameter, or a part of a struct. Addresses show
as parties and numbers with separators; `forms` shows a parameter in another way (FORMS).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding import functions
from agent.understanding.effects.act import Act, Made, make
from agent.understanding.effects.book import ETHER, UNLIMITED, Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.known import kind_of
from agent.understanding.effects.wording import TABLE
from agent.understanding.functions import Input, candidates
from agent.understanding.functions.table import parse
from governance.chain import abi
from governance.chain.address import checksum
from governance.sentences import Sentence
from policies.notation.amounts import units
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line

_MOST_SHOWN = 120  # characters of a text in a sentence
_MOST_ROWS = 100  # entries of lists that are told one by one
_MOST_LISTED = 20  # parts of a list in a sentence
_NO_QUOTES = str.maketrans("“”", "''")  # so that no text ends the quotation that it stands in
_LAST_TIME = 253_402_300_799  # the end of the year 9999, in Unix time

COMMON = {
    "zero_token": gettext_noop(
        "Calls {function} on {target} with the zero address as the token: nobody can say what it does with that."
    ),
    "unequal_rows": gettext_noop("Calls {function} on {target} with lists of unequal length: it would fail."),
    "many_rows": gettext_noop(
        "Calls {function} on {target} with lists of {count} entries: more than {most} are not read one by one."
    ),
    "no_rows": gettext_noop("Calls {function} on {target} with empty lists: nothing happens."),
    "and_more": gettext_noop("and {count} more"),
    "without_limit": gettext_noop("an unlimited amount of {token}"),
    "a_function": gettext_noop("{signature} ({selector})"),
    "known_node": gettext_noop("“{name}” (node {hash})"),
    "unknown_node": gettext_noop("with node {hash}"),
    "known_label": gettext_noop("“{name}” (label hash {hash})"),
    "unknown_label": gettext_noop("with label hash {hash}"),
    "same_block": gettext_noop("the end of the block that executes it"),
    "yes": gettext_noop("yes"),
    "no": gettext_noop("no"),
}
say = TABLE.add(COMMON)


@dataclass(frozen=True)
class Case:
    """Another sentence where a parameter has one value, and what it moves then, if that is not the row's."""

    parameter: str
    value: Any
    says: str
    moves: str | None = None
    kind: Kind | None = None


@dataclass(frozen=True)
class Meaning:
    """What a function means. `asset`, `amount`, `recipient`, `sender`, `new_value` name parameters.

    `asset`, `recipient` and `sender` may be "target" (the called contract), `asset` also "ether". `subject` is text, or
    `{parameter}`. `each` names lists of one length: every place of them is an effect of its own. `moves` is "money",
    "power" or ""; None leaves it to the kind. A target of a kind in `pays_itself` is the sender, and `says_itself` the
    sentence then.
    """

    function: str
    kind: Kind
    says: str
    asset: str = ""
    amount: str = ""
    recipient: str = ""
    sender: str = ""
    subject: str = ""
    new_value: str = ""
    moves: str | None = None
    forms: Mapping[str, str] = field(default_factory=dict)
    each: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    pays_itself: tuple[str, ...] = ()
    says_itself: str = ""

    def __post_init__(self) -> None:
        name, inputs = parse(self.function)
        if "target" in (part.name for part in inputs):
            raise ValueError(
                f"{self.function}: a sentence's target is the called contract; name the parameter otherwise"
            )
        object.__setattr__(self, "_inputs", inputs)
        object.__setattr__(self, "_signature", f"{name}({','.join(part.type for part in inputs)})")

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self._inputs  # type: ignore[attr-defined,no-any-return]

    @property
    def signature(self) -> str:
        """The canonical signature."""
        return self._signature  # type: ignore[attr-defined,no-any-return]

    @property
    def name(self) -> str:
        return self.signature.partition("(")[0]

    @property
    def sentences(self) -> dict[str, str]:
        """The row's sentences by code."""
        others = {f"{self.signature}#{number}": case.says for number, case in enumerate(self.cases, start=1)}
        itself = {f"{self.signature}#itself": self.says_itself} if self.says_itself else {}
        return {self.signature: self.says, **others, **itself}


class Handler:
    """Makes a row's effects."""

    def __init__(self, meaning: Meaning):
        self.meaning = meaning

    def __call__(self, act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect | Made:
        values = dict(flat(self.meaning.inputs, a))
        if not self.meaning.each:
            return self._one(act, book, function, values)
        lists = [values[name][1] for name in self.meaning.each]
        said = {"function": self.meaning.name, "target": book.party(act.target)}
        if not any(lists):
            return make(act, Kind.CALL, say("no_rows", **said), function)
        if len({len(one) for one in lists}) > 1:
            return _unread(act, say("unequal_rows", **said), function)
        if len(lists[0]) > _MOST_ROWS:
            count, most = _grouped(len(lists[0])), f"{_MOST_ROWS}"
            return _unread(act, say("many_rows", **said, count=count, most=most), function)
        kinds = [abi.parse_type(values[name][0]).items[0].text for name in self.meaning.each]
        rows = (
            dict(zip(self.meaning.each, zip(kinds, row, strict=True), strict=True)) for row in zip(*lists, strict=True)
        )
        return Made(tuple(self._one(act, book, function, {**values, **row}) for row in rows))

    def _one(self, act: Act, book: Book, function: str, values: dict[str, tuple[str, Any]]) -> Effect:
        meaning = self.meaning
        code, kind, moves = meaning.signature, meaning.kind, meaning.moves
        for number, case in enumerate(meaning.cases, start=1):
            if values[case.parameter][1] == case.value:
                code, kind = f"{code}#{number}", case.kind or kind
                moves = case.moves if case.moves is not None else moves
                break
        asset = self._asset(act, values)
        if asset == ETHER and meaning.asset != "ether":  # some code takes it for the coin, and some fails
            return _unread(act, say("zero_token", function=meaning.name, target=book.party(act.target)), function)
        shown = {
            name: form(meaning.forms.get(name, ""), of, value, book, asset) for name, (of, value) in values.items()
        }
        fields: dict[str, Any] = {} if moves is None else {"moves": moves}
        amount = values[meaning.amount][1] if meaning.amount else None
        if isinstance(amount, int) and amount >= 0:
            fields["amount"] = amount
        for field_name in ("recipient", "sender"):
            if source := getattr(meaning, field_name):
                fields[field_name] = act.target if source == "target" else values[source][1]
        if meaning.says_itself and kind_of(act.target, book) in meaning.pays_itself:
            code, fields["sender"] = f"{meaning.signature}#itself", act.target
        if meaning.new_value:
            fields["new_value"] = plain(*values[meaning.new_value])
        if meaning.subject.startswith("{"):
            fields["subject"] = str(shown[meaning.subject[1:-1]])
        else:
            fields["subject"] = meaning.subject
        sentence = say(code, **{**shown, "target": book.party(act.target)})
        return make(act, kind, sentence, function, asset=asset, **fields)

    def _asset(self, act: Act, values: dict[str, tuple[str, Any]]) -> bytes | None:
        asset = self.meaning.asset
        if not asset:
            return None
        return {"target": act.target, "ether": ETHER}.get(asset) or bytes(values[asset][1])


def _unread(act: Act, why: Sentence, function: str) -> Effect:
    return make(act, Kind.UNKNOWN, why, function, why=why)


def flat(inputs: tuple[Input, ...], values: tuple[Any, ...]) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Every parameter by name with its type and value; those of a struct beside the others."""
    for part, value in zip(inputs, values, strict=True):
        if part.parts and part.type.endswith(")"):
            yield from flat(part.parts, value)
        else:
            yield part.name, (part.type, value)


# ------------------------------------------------------------------------------------------------ values as shown


def _grouped(number: int) -> str:
    return f"{number:,}"


def share(number: int, decimals: int) -> str:
    """A part of 10**decimals in percent, exact: share(825, 3) == "82.5%"."""
    return f"{units(number, decimals - 2)}%"


def _moment(number: int) -> str:
    """Unix time as UTC; the bare number where it is no time that people write."""
    if not 0 < number <= _LAST_TIME:
        return _grouped(number)
    return f"{datetime.fromtimestamp(number, UTC):%Y-%m-%d %H:%M:%S} UTC"


def in_ascii(value: bytes) -> str:
    """Text that is kept in a word, zeros behind it; hexadecimal text where it is no plain text."""
    raw = bytes(value).rstrip(b"\x00")
    if raw and all(0x21 <= byte < 0x7F for byte in raw):
        return raw.decode("ascii")
    return hex_text(bytes(value))


def selector(value: bytes) -> Any:
    """A selector with the function that the table knows by it; the bare selector where it knows none, or several."""
    known = candidates(value)
    if len(known) != 1:
        return hex_text(bytes(value))
    return say("a_function", signature=known[0].signature, selector=hex_text(bytes(value)))


def _name(of: str, value: bytes, book: Book) -> Sentence:
    """A hash with the name that it stands for, if that is a known one or one of the book's."""
    known = functions.names_by_hash(tuple(book.addresses))
    name = (known.nodes if of == "node" else known.labels).get(value)
    if name is None:
        return say(f"unknown_{of}", hash=hex_text(value))
    return say(f"known_{of}", name=name, hash=hex_text(value))


FORMS: dict[str, Callable[[int], Any]] = {
    "seconds": lambda number: {"seconds": str(number)},
    "blocks": lambda number: {"blocks": str(number)},
    "time": _moment,
    "percent18": lambda number: share(number, 18),  # 10**18 is the whole
    "percent27": lambda number: share(number, 27),
    "percent4": lambda number: share(number, 4),  # basis points
    "percent6": lambda number: share(number, 6),  # hundredths of a basis point
    "plain": str,
    # Permit2 reads no time as the time of the block that the approval is in.
    "time_or_block": lambda number: _moment(number) if number else say("same_block"),
}


def form(name: str, of: str, value: Any, book: Book, asset: bytes | None) -> Any:
    """A parameter's value as a sentence shows it.

    `name` is one of FORMS, or "money", "ether", "ascii", "selector", "node", "label".
    """
    if name == "money" and asset is not None and value >= 0:
        return say("without_limit", token=book.unit(asset)) if value >= UNLIMITED else book.money(asset, value)
    if name == "ether":
        return book.money(ETHER, value)
    if name == "ascii":
        return in_ascii(value)
    if name == "selector":
        return selector(value)
    if name in ("node", "label"):
        return _name(name, value if isinstance(value, bytes) else value.to_bytes(32, "big"), book)
    if name in FORMS:
        return FORMS[name](value)
    return _by_type(abi.parse_type(of), value, book)


def _by_type(of: abi.Type, value: Any, book: Book) -> Any:
    if of.kind == "address":
        return book.party(value)
    if of.kind == "bool":
        return say("yes" if value else "no")
    if of.kind in ("uint", "int"):
        return _grouped(value)
    if of.kind == "array":
        shown = [_by_type(of.items[0], one, book) for one in value[:_MOST_LISTED]]
        more = len(value) - len(shown)
        return [*shown, say("and_more", count=_grouped(more))] if more else shown
    return one_line(plain(of.text, value), _MOST_SHOWN)


def plain(of: str, value: Any) -> str:
    """A value as plain text: integers in digits, addresses checksummed, bytes in hexadecimal."""
    if of == "address":
        return checksum(value)
    if of == "bool":
        return "true" if value else "false"
    if of == "string":
        return one_line(value.translate(_NO_QUOTES), _MOST_SHOWN)
    if isinstance(value, bytes):
        return one_line(hex_text(value), _MOST_SHOWN)
    return one_line(str(abi.json_value(abi.parse_type(of), value)), _MOST_SHOWN)
