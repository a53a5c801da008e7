# SPDX-License-Identifier: Apache-2.0
"""The few Ethereum primitives that policies need: keccak256, checksummed addresses (EIP-55), selectors, words."""

import re

from eth_hash.auto import keccak as _keccak

WORD = 32
UINT256_MAX = 2**256 - 1

_HEX_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def keccak(data: bytes) -> bytes:
    """keccak256 as Ethereum uses it (not NIST SHA-3)."""
    return bytes(_keccak(data))


def checksum(address: bytes) -> str:
    """The 20 bytes of an address as EIP-55 text."""
    digits = address.hex()
    digest = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit for digit, nibble in zip(digits, digest, strict=False)
    )


def is_hex_address(text: str) -> bool:
    """Whether the text has an address's shape, whatever its upper and lower case."""
    return _HEX_ADDRESS.fullmatch(text) is not None


def selector(signature: str) -> bytes:
    """The 4-byte selector of a canonical signature such as `transfer(address,uint256)`."""
    return keccak(signature.encode("ascii"))[:4]


def word(value: int) -> bytes:
    """An unsigned integer as one 32-byte word."""
    return value.to_bytes(WORD, "big")
