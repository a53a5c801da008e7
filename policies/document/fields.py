# SPDX-License-Identifier: Apache-2.0
"""Reading a document's tree: known keys only, plain values, and every problem reported where it stands."""

import difflib
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from policies.document.yaml_tree import Mapping, Node, Sequence, Text
from policies.notation import amounts
from policies.notation.amounts import ETHER, Unclear
from policies.notation.hexadecimal import hex_bytes
from policies.notation.problems import Place, Problems, shown

MAX_SECONDS = 2**32 - 1
MIN_PERIOD_S = 7

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _.-]{0,31}")
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,15}")
T = TypeVar("T")


class Fields:
    """A mapping with a known set of keys: reports unknown and missing ones, hands out the rest."""

    def __init__(self, problems: Problems, node: Node | None, what: str, keys: str) -> None:
        self._problems, self._what = problems, what
        self._known = [key.strip("?") for key in keys.split("|")]
        self._entries: dict[str, Node] = {}
        self.place = node.place if node else Place(1, 1)
        self.keys: dict[str, Place] = {}
        if not isinstance(node, Mapping):
            if node is not None:
                problems.add(node.place, f"{what} must be a mapping", f"write keys: {', '.join(self._known)}")
            return
        for key, value in node.entries:
            if key.text in self._known:
                self._entries[key.text], self.keys[key.text] = value, key.place
            else:
                self._unknown(key)
        for name in keys.split("|"):
            if not name.endswith("?") and name not in self._entries:
                problems.add(node.place, f"{what} has no `{name}`", f"add `{name}:`")

    def _unknown(self, key: Text) -> None:
        near = difflib.get_close_matches(key.text[:40], self._known, 1)
        self._problems.add(
            key.place,
            f"{self._what} has no key {shown(key.text)}",
            f"write `{near[0]}`" if near else f"the keys are: {', '.join(self._known)}",
        )

    def get(self, key: str) -> Node | None:
        return self._entries.get(key)

    def place_of(self, key: str) -> Place:
        """Where the key stands, or, if it is missing, where the mapping begins."""
        return self.keys.get(key, self.place)


class Reader:
    """Reads plain values out of nodes. Methods return None or nothing for what they refused and reported."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def text(self, node: Node | None, what: str, read: Callable[[str], T]) -> T | None:
        """The value that `read` makes of a scalar."""
        if node is None:
            return None
        if not isinstance(node, Text):
            self.problems.add(node.place, f"{what} must be one value", "write it on one line")
            return None
        return self.clear(node.place, lambda: read(node.text))

    def clear(self, place: Place, read: Callable[[], T]) -> T | None:
        """What `read` returns; if it finds something unclear, that is reported here."""
        try:
            return read()
        except Unclear as unclear:
            self.problems.add(place, unclear.problem, unclear.suggestion)
            return None

    def entries(self, node: Node | None, what: str) -> Iterator[tuple[Text, Node]]:
        if node is None:
            return
        if not isinstance(node, Mapping) or not node.entries:
            self.problems.add(
                node.place, f"{what} must be a mapping with entries", "write `name: ...` on each line, or leave it out"
            )
            return
        yield from node.entries

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is None:
            return ()
        if not isinstance(node, Sequence) or not node.items:
            self.problems.add(node.place, f"{what} must be a list with items", "write `- ...` on each line")
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
