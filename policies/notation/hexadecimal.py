# SPDX-License-Identifier: Apache-2.0
"""Bytes as hexadecimal text, the way Ethereum writes them: `0x`, and two lower-case digits for each byte."""


def hex_text(value: bytes | bytearray | memoryview) -> str:
    """Write bytes as text: `0x` alone for none."""
    return "0x" + value.hex()


def hex_bytes(text: str) -> bytes:
    """Read text that `hex_text` wrote, or that has upper-case digits. Raises ValueError for any other text."""
    if text[:2] != "0x":
        raise ValueError("hexadecimal text begins with 0x")
    return bytes.fromhex(text[2:])
