# SPDX-License-Identifier: Apache-2.0
"""What a chain said of a proposal's accounts, as the book and the flags read it. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.chain.address import checksum, to_bytes
from policies.notation.hexadecimal import hex_bytes, hex_text

NEW_DAYS = 7


@dataclass(frozen=True)
class Code:
    """What is known of the code at an address. `is_new`: it was not there `NEW_DAYS` before; None: not known."""

    size: int  # bytes; 0 where there is none
    is_new: bool | None = None
    destroys_itself: bool = False
    lacks: tuple[bytes, ...] = ()  # selectors that the proposal calls, and that this code has not for sure
    is_safe: bool = False  # a Safe's proxy, by the hash of its code and the published code behind it

    def as_json(self) -> dict[str, Any]:
        return {
            "size": self.size, "new": self.is_new, "destroys_itself": self.destroys_itself,
            "lacks": [hex_text(selector) for selector in self.lacks], "safe": self.is_safe,
        }  # fmt: skip

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Code:
        lacks = tuple(hex_bytes(selector) for selector in body["lacks"])
        return cls(body["size"], body["new"], body["destroys_itself"], lacks, body["safe"])


@dataclass(frozen=True)
class Facts:
    """Names that agree in both directions, and code, by address."""

    names: Mapping[bytes, str] = field(default_factory=dict)
    codes: Mapping[bytes, Code] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "names": {checksum(address): name for address, name in self.names.items()},
            "codes": {checksum(address): code.as_json() for address, code in self.codes.items()},
        }

    @classmethod
    def from_json(cls, names: Mapping[str, str], codes: Mapping[str, Any]) -> Facts:
        return cls(
            {to_bytes(address): name for address, name in names.items()},
            {to_bytes(address): Code.from_json(code) for address, code in codes.items()},
        )
