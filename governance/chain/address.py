# SPDX-License-Identifier: Apache-2.0
"""Addresses: 20 bytes inside, EIP-55 checksummed text outside."""

import re
from functools import lru_cache

from cchecksum import to_checksum_address
from django.utils.translation import gettext

from policies.notation.hexadecimal import hex_bytes, hex_text

ZERO = bytes(20)
_HEX = re.compile(r"0x[0-9a-fA-F]{40}")


class BadAddress(ValueError):
    """The text is not an address: `problem` says why."""

    def __init__(self, problem: str):
        self.problem = problem
        super().__init__(problem)


def checksum(address: bytes) -> str:
    """The EIP-55 text of a 20-byte address."""
    if not isinstance(address, bytes | bytearray | memoryview) or len(address) != 20:
        raise BadAddress(gettext("an address has 20 bytes"))
    return _checksum(bytes(address))


@lru_cache(maxsize=8_192)
def _checksum(address: bytes) -> str:
    return str(to_checksum_address(hex_text(address)))


def to_bytes(text: str) -> bytes:
    """The 20 bytes of a hexadecimal address. Mixed case must be a valid EIP-55 checksum: a mistyped digit is refused.

    Raises:
        BadAddress: not 40 hexadecimal digits behind `0x`, or a wrong checksum.
    """
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise BadAddress(gettext("an address is 0x and 40 hexadecimal digits"))
    raw = hex_bytes(text)
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and text != checksum(raw):
        raise BadAddress(gettext("the checksum of %(text)s is wrong: a digit was mistyped") % {"text": text})
    return raw
