# SPDX-License-Identifier: Apache-2.0
"""What people write for one argument's value, read by the argument's type into the word that the chain compares."""

import re
from dataclasses import dataclass

from policies.code.policy_code import PlaceKind
from policies.code.signatures import WORD_TYPE, Leaf
from policies.document.fields import yes_or_no
from policies.document.naming import Names
from policies.notation import amounts
from policies.notation.amounts import Token, Unclear
from policies.notation.primitives import keccak
from policies.notation.problems import shown

_RAW = re.compile(r"0x[0-9a-f]{64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,77}")
_NO_AMOUNTS = ("uint8", "uint16", "uint24", "uint32")  # too narrow for an amount of any token worth a word
_HEX = re.compile(r"0x((?:[0-9a-fA-F]{2})*)")


@dataclass(frozen=True, slots=True)
class ValueReader:
    """Reads values in one document. With `read_back`, any argument may be given as its raw word of 64 digits."""

    names: Names
    read_back: bool

    def word(self, text: str, leaf: Leaf, token: Token | None) -> tuple[int, str]:
        """The word, and the text to freeze for it. `token` is what the value counts, where that is known."""
        if leaf.type == "address":
            if self.read_back and _RAW.fullmatch(text):
                return int(text, 16), text
            address, frozen = self.names.address(text)
            return int.from_bytes(address, "big"), frozen
        return self._plain(text, leaf, token), text

    def _plain(self, text: str, leaf: Leaf, token: Token | None) -> int:
        if (self.read_back or leaf.type == WORD_TYPE) and _RAW.fullmatch(text):
            return int(text, 16)
        if leaf.kind in (PlaceKind.COUNT, PlaceKind.LENGTH):
            return _whole_number(text)
        if leaf.type == "bool":
            return int(yes_or_no(text))
        if leaf.type.startswith("bytes"):
            return _fixed_bytes(text, int(leaf.type[5:]))
        if leaf.type.startswith("int"):
            return _signed(text, int(leaf.type[3:]))
        value = self._number(text, token, leaf.type)
        leaf.argument.check(value)
        return value

    def _number(self, text: str, token: Token | None, type_: str) -> int:
        if _NUMBER.fullmatch(text) and token is None:
            return _whole_number(text)
        _refuse_times(text, token)
        if token is None and type_ in _NO_AMOUNTS:
            return _whole_number(text)
        value, written = amounts.parse_supply_amount(text, self.names.tokens)
        if token is not None and written != token:
            raise Unclear(f"this argument counts {token.symbol}", f"write the amount in {token.symbol}")
        return value


def _refuse_times(text: str, token: Token | None) -> None:
    """An argument is a number: which unit of time it counts, if any, only the called contract knows."""
    for read, what in ((amounts.parse_duration, "seconds"), (amounts.parse_time, "seconds since 1970")):
        try:
            number = read(text)
        except Unclear:
            continue
        if token is not None:
            raise Unclear(f"{shown(text)} is a time, and this argument counts {token.symbol}", "write an amount of it")
        raise Unclear(
            f"{shown(text)} is a time, and an argument of a call is a number",
            f"write {number}, if the called contract counts {what}",
        )


def hash_of_content(text: str, type_: str) -> int:
    """The hash of bytes written in hexadecimal, or of a string as it is."""
    if type_ == "string":
        return int.from_bytes(keccak(text.encode("utf-8")), "big")
    match = _HEX.fullmatch(text)
    if match is None:
        raise Unclear(f"{shown(text)} is not bytes", "write 0x and two hexadecimal digits for each, or `empty`")
    return int.from_bytes(keccak(bytes.fromhex(match[1])), "big")


def _whole_number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or int(text) >= 2**256:
        raise Unclear(f"{shown(text)} is not a whole number", "write digits only, such as 20")
    return int(text)


def _fixed_bytes(text: str, size: int) -> int:
    if not re.fullmatch(rf"0x[0-9a-fA-F]{{{2 * size}}}", text):
        raise Unclear(f"{shown(text)} is not {size} bytes", f"write 0x and {2 * size} hexadecimal digits")
    return int(text, 16) << 8 * (32 - size)


def _signed(text: str, bits: int) -> int:
    if not re.fullmatch(r"0|-?[1-9][0-9]{0,77}", text) or not -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1):
        raise Unclear(f"{shown(text)} is not an int{bits}", "write a whole number that fits")
    return int(text) % 2**256
