# SPDX-License-Identifier: Apache-2.0
"""Reading a document's tree: known keys only, plain values, and every problem reported where it stands."""

import difflib
import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Mapping_
from types import MappingProxyType
from typing import TypeVar

from policies.document.yaml_tree import Mapping, Node, Sequence, Text
from policies.notation import amounts
from policies.notation.amounts import ETHER, Unclear
from policies.notation.hexadecimal import hex_bytes
from policies.notation.problems import Place, Problems, shown

MAX_SECONDS = 2**32 - 1
MIN_PERIOD_S = 7

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _.-]{0,31}")
# Keys that are for code found on chain alone: nobody is told to write them.
_NOT_WRITTEN = ("found hash", "name in the code")
# What people write from other languages, and what it is called here. Only keys that the mapping has are offered.
_OTHER_WORDS = {
    "max": ("at most", "limit"), "maximum": ("at most", "limit"), "<=": ("at most",), "lte": ("at most",),
    "up to": ("at most",), "min": ("at least",), "minimum": ("at least",), ">=": ("at least",), "gte": ("at least",),
    "is": ("equals",), "==": ("equals",), "=": ("equals",), "eq": ("equals",), "in": ("one of",), "any of": ("one of",),
    "list": ("one of", "lists"), "!=": ("not",), "total": ("cap",), "sum": ("cap",), "amount": ("limit",),
    "budget": ("charge",),
    "instant": ("without objection",), "unopposed": ("without objection",), "per": ("period",), "every": ("period",),
    "window": ("period", "release within"), "interval": ("period",), "function": ("call",), "method": ("call",),
    "target": ("on",), "contract": ("on",), "token": ("tokens", "on"), "args": ("where",), "arguments": ("where",),
    "params": ("where",), "conditions": ("where",), "quorum": ("threshold",), "title": ("name",),
    "start": ("from",), "begin": ("from",), "begins": ("from",), "since": ("from",), "end": ("until",),
    "ends": ("until",), "to": ("until",), "description": ("summary",), "people": ("addresses",),
    "policies": ("rules",), "expiry": ("valid",),
}  # fmt: skip
# Keys that hold others.
_HOLDERS = ("valid", "objection", "tokens", "addresses", "lists", "budgets", "where", "charge", "income")
# Rules and budgets hold as long as the policy does: what to do for a raise in July.
_TWO_POLICIES = (
    "rules and budgets have no dates: write a second policy with a `valid` of its own for what holds later (one vote "
    "can set both), or a rule with the later amount, in the part of its budget that members may object to"
)
_DATES = ("from", "until", "valid", "start", "end", "starts", "ends", "date", "after", "before")
NO_DATES = MappingProxyType(dict.fromkeys(_DATES, _TWO_POLICIES))
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,15}")
T = TypeVar("T")


class Fields:
    """A mapping with a known set of keys: reports unknown and missing ones, hands out the rest."""

    def __init__(
        self,
        problems: Problems,
        node: Node | None,
        what: str,
        keys: str,
        instead: Mapping_[str, str] = MappingProxyType({}),
    ) -> None:
        """`keys` are separated by `|`, those that may be missing end in `?`. `instead` has what to do in place of keys
        that people look for here and that belong elsewhere."""
        self._problems, self._what = problems, what
        self._known = [key.strip("?") for key in keys.split("|")]
        self._entries: dict[str, Node] = {}
        self.place = node.place if node else Place(1, 1)
        self.keys: dict[str, Place] = {}
        if not isinstance(node, Mapping):
            if node is not None:
                problems.add(node.place, f"{what} must be a mapping", f"write keys: {', '.join(self._written)}")
            return
        entries = self._moved_in(node)
        there = {key.text for key, _ in entries}
        unknown: list[Text] = []
        for key, value in entries:
            # A key that was meant for another is read as that one: what refers to it is not wrong as well.
            name = key.text if key.text in self._known else self._meant(key, instead, there, unknown)
            if name is not None:
                self._entries[name], self.keys[name] = value, key.place
        missing = [name for name in keys.split("|") if not name.endswith("?") and name not in self._entries]
        needed = ", ".join(f"`{name}`" for name in missing)
        for key in unknown:
            self._report(key, f"the keys are: {', '.join(self._written)}" + (f"; add {needed}" if missing else ""))
            missing = []
        if missing:
            problems.add(node.place, f"{what} has no {needed}", f"add {', '.join(f'`{name}:`' for name in missing)}")

    @property
    def _written(self) -> list[str]:
        return [key for key in self._known if key not in _NOT_WRITTEN]

    def _moved_in(self, node: Mapping) -> list[tuple[Text, Node]]:
        """The entries. Unknown keys right below one that has nothing, and should have keys, are read as its own."""
        moved: list[tuple[Text, Node]] = []
        own: list[tuple[Text, Node]] = []
        for key, value in node.entries:
            above = moved[-1] if moved else None
            if above and above[0].text in _HOLDERS and above[1] == Text(above[1].place, "") and self._is_no_key(key):
                if not own:
                    self._problems.add(
                        key.place,
                        f"{shown(key.text)} begins too far out to be part of `{above[0].text}`",
                        f"write all that is part of `{above[0].text}` two blanks further in than that",
                    )
                own.append((key, value))
                continue
            if own:
                moved[-1] = (moved[-1][0], Mapping(moved[-1][1].place, tuple(own)))
                own = []
            moved.append((key, value))
        if own:
            moved[-1] = (moved[-1][0], Mapping(moved[-1][1].place, tuple(own)))
        return moved

    def _is_no_key(self, key: Text) -> bool:
        return key.text not in self._known and not self._near(key)

    def _near(self, key: Text) -> list[str]:
        return difflib.get_close_matches(key.text.strip().lower()[:40].replace("_", " "), self._written, 1)

    def _meant(self, key: Text, instead: Mapping_[str, str], there: set[str], unknown: list[Text]) -> str | None:
        """The known key that was surely meant, after that was reported; where none was, the key is `unknown`."""
        text = key.text.strip().lower()
        if text in instead:
            self._report(key, instead[text])
            return None
        others = self._near(key) or [word for word in _OTHER_WORDS.get(text, ()) if word in self._known]
        if not others:
            unknown.append(key)
            return None
        self._report(key, f"write `{others[0]}`")
        return others[0] if others[0] not in there and others[0] not in self._entries else None

    def _report(self, key: Text, suggestion: str) -> None:
        self._problems.add(key.place, f"{self._what} has no key {shown(key.text)}", suggestion)

    def get(self, key: str) -> Node | None:
        return self._entries.get(key)

    def place_of(self, key: str) -> Place:
        """Where the key stands, or, if it is missing, where the mapping begins."""
        return self.keys.get(key, self.place)


class Reader:
    """Reads plain values out of nodes. Methods return None or nothing for what they refused and reported."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.refused_names: set[str] = set()  # whose own definition was refused, or that were said to be unknown
        self.unread: set[str] = set()  # what could not be read at all, so that no name is known to be none of its own

    def text(self, node: Node | None, what: str, read: Callable[[str], T]) -> T | None:
        """The value that `read` makes of a scalar."""
        if node is None:
            return None
        if not isinstance(node, Text):
            self.problems.add(node.place, f"{what} must be one value", "write a single value here")
            return None
        return self.clear(node.place, lambda: read(node.text))

    def clear(self, place: Place, read: Callable[[], T]) -> T | None:
        """What `read` returns; if it finds something unclear, that is reported here."""
        try:
            return read()
        except Unclear as unclear:
            missing = unclear.unknown is not None and bool(self.unread & {"`tokens`", "`addresses`"})
            if not missing and unclear.unknown not in self.refused_names:
                self.problems.add(place, unclear.problem, unclear.suggestion)
            if unclear.unknown is not None and unclear.meant is None:
                self.refused_names.add(unclear.unknown)  # it is missing once, however often it is used
            return None

    def entries(self, node: Node | None, what: str) -> Iterator[tuple[Text, Node]]:
        if node is None:
            return
        if not isinstance(node, Mapping) or not node.entries:
            self.unread.add(what)
            self.problems.add(
                node.place, f"{what} must be a mapping with entries", "write `name: ...` on each line, or leave it out"
            )
            return
        yield from node.entries

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is None:
            return ()
        if not isinstance(node, Sequence) or not node.items:
            inline = isinstance(node, Text) and "," in node.text and len(node.text) <= 60 and node.text.isprintable()
            how = f"write `[{node.text}]`" if inline and isinstance(node, Text) else "write `- ...` on each line"
            self.problems.add(node.place, f"{what} must be a list with items", how)
            return ()
        return node.items


def name(text: str) -> str:
    if _NAME.fullmatch(text) is None or text != text.strip():
        raise Unclear(
            f"{shown(text)} is not a name", "write 1 to 32 letters, digits, spaces or .-_ beginning with a letter"
        )
    return text


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and text == text.strip()


def is_symbol(text: str) -> bool:
    return _SYMBOL.fullmatch(text) is not None


def symbol(text: str) -> str:
    if not is_symbol(text):
        raise Unclear(f"{shown(text)} is not a token's symbol", "write letters and digits, such as USDC")
    return text


def decimals(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text) or int(text) > 36:
        raise Unclear(
            f"{shown(text)} is not a number of decimals", "write what the token's decimals() answers, such as 6"
        )
    return int(text)


def seconds(text: str) -> int:
    found = amounts.parse_duration(text)
    if found > MAX_SECONDS:
        raise Unclear(f"{shown(text)} is longer than fits", "write at most 136 years")
    return found


def seconds_or_none(text: str) -> int:
    return 0 if text == "none" else seconds(text)


def some_time(text: str) -> int:
    """A time of an objection window; `none` for a policy that has none."""
    found = seconds_or_none(text)
    if found == 0 and text != "none":
        raise Unclear("no time at all lets nobody object", "write a duration, such as `2 days`, or `none`")
    return found


def period(text: str) -> int:
    found = seconds(text)
    if found < MIN_PERIOD_S:
        raise Unclear(f"a period has at least {MIN_PERIOD_S} seconds", "write a longer one, such as `24 days`")
    return found


def moment(text: str) -> int:
    found = amounts.parse_time(text)
    if not 0 <= found <= MAX_SECONDS:
        when = "earlier" if found < 0 else "later"
        raise Unclear(f"{shown(text)} is {when} than a chain's clock counts", "write a time from 1970 to 2105")
    return found


def whole_hour(text: str) -> int:
    found = moment(text)
    if found % 3600:
        raise Unclear("a policy ends at a whole hour", f"write {amounts.format_time(found - found % 3600)}")
    return found


def ether(text: str) -> str:
    if text != ETHER.symbol and text.endswith(f" {ETHER.symbol}"):
        raise Unclear("`send` names what is sent, and the budget says how much", f"write `send: {ETHER.symbol}`")
    if text != ETHER.symbol:
        raise Unclear(
            "only ether is sent without a call", "write `call: transfer(address to, uint256 amount)` for tokens"
        )
    return text


def exactly(wanted: str, otherwise: str) -> Callable[[str], bool]:
    """Reads one fixed word."""

    def read(text: str) -> bool:
        if text != wanted:
            raise Unclear(f"{shown(text)} is not `{wanted}`", otherwise)
        return True

    return read


def yes_or_no(text: str) -> bool:
    if text not in ("yes", "no", "true", "false"):
        raise Unclear(f"{shown(text)} is neither yes nor no", "write yes or no")
    return text in ("yes", "true")


def hash_(text: str) -> bytes:
    if not re.fullmatch(r"0x[0-9a-f]{64}", text):
        raise Unclear(f"{shown(text)} is not a hash", "write 0x and 64 hexadecimal digits")
    return hex_bytes(text)


def one_of(choices: dict[str, T], what: str) -> Callable[[str], T]:
    """Reads one of the given words."""

    def read(text: str) -> T:
        if text not in choices:
            raise Unclear(f"{shown(text)} {what}", f"write one of: {', '.join(choices)}")
        return choices[text]

    return read
