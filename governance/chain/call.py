# SPDX-License-Identifier: Apache-2.0
"""What a call of a proposal is: the one place that says which bytes the chain executes, and how they may be shown.

Compound's governors take a function's signature as text beside its arguments, and so do all that grew out of them.
Their timelocks execute `abi.encodePacked(bytes4(keccak256(bytes(signature))), data)`, and `data` alone where the text
is empty (Compound's Timelock.executeTransaction). OpenZeppelin's GovernorCompatibilityBravo does the same when it is
asked to propose: its ProposalCreated holds the calldata that is executed, and empty texts.

The text is whatever the proposer wrote. It decides the selector, byte for byte, and proves nothing about the contract.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from django.utils.translation import gettext

from governance.chain import abi
from policies.notation.primitives import keccak
from policies.notation.visible import numbered

SHOWN = 120  # characters of a signature that are shown
_SIGNATURE = re.compile(rb"[A-Za-z_$][A-Za-z0-9_$]*\([A-Za-z0-9,()\[\]]*\)")
_MOST_PARSED = 2000  # bytes; a longer signature is shown, and not read
_MOST_BRACKETS = 64  # no honest signature nests as deep; types are parsed by recursion


def executed_calldata(signature: bytes, data: bytes) -> bytes:
    """Return the calldata that is executed for a call given as a function's signature (may be empty) and its data."""
    return keccak(signature)[:4] + data if signature else data


def shown_signature(signature: bytes, limit: int = SHOWN) -> str:
    """Return a proposer's signature as printable ASCII of about `limit` characters, so that nothing in it can act or
    pass for another letter: `[U+202E]` for characters, `[0xFF]` for bytes that are no UTF-8; cut with an ellipsis.

    A space is shown as such between two other characters only: a browser leaves out the others.
    """
    text = signature[: 4 * limit + 4].decode("utf-8", "surrogateescape")
    pieces, length = [], 0
    for before, character, after in zip(" " + text, text, text[1:] + " ", strict=False):
        piece = numbered(character) if character == " " in (before, after) else _shown(character)
        length += len(piece)
        if length > limit:
            return f"{''.join(pieces)}… ({len(signature):,} bytes)"
        pieces.append(piece)
    return "".join(pieces)


def _shown(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    return f"[0x{code - 0xDC00:02X}]" if 0xDC80 <= code <= 0xDCFF else numbered(character)


@dataclass(frozen=True)
class ProposedCall:
    """A call as a proposal gives it. `signature` is the function's text as bytes, just as in the log; mostly empty.

    `operation` is 1 for a delegatecall, which a Safe's proposals can ask for; governors only make plain calls (0).
    """

    target: bytes
    value_wei: int
    signature: bytes
    data: bytes
    operation: int = 0

    @property
    def calldata(self) -> bytes:
        """The calldata that the chain executes."""
        return executed_calldata(self.signature, self.data)

    @property
    def shown_signature(self) -> str:
        """The signature, harmless to show; empty where there is none."""
        return shown_signature(self.signature)

    @cached_property
    def types(self) -> tuple[str, ...] | None:
        """The parameter types that the signature names; None where it has not the form `name(type,type)`."""
        brackets = self.signature.count(b"(") + self.signature.count(b"[")
        if len(self.signature) > _MOST_PARSED or brackets > _MOST_BRACKETS or not _SIGNATURE.fullmatch(self.signature):
            return None
        try:
            return tuple(abi.signature_types(self.signature.decode("ascii")))
        except abi.BadAbi:
            return None

    @cached_property
    def arguments(self) -> tuple[abi.Argument, ...] | None:
        """The arguments by the proposer's own text; None where the data is not exactly their encoding."""
        if self.types is None:
            return None
        try:
            values: tuple[Any, ...] = abi.decode(self.types, self.data)
        except abi.NotCanonical:
            return None
        return tuple(abi.Argument("", kind, value) for kind, value in zip(self.types, values, strict=True))

    def what_the_text_says(self, known: str = "") -> str:
        """Return a sentence about the signature for a page or a mail, or "" where nothing need be said: there is none,
        or it is `known`, the signature of the known function that the executed calldata calls."""
        if not self.signature or self.signature == known.encode():
            return ""
        said = {"signature": self.shown_signature, "known": known}
        if known:
            text = gettext(
                "The proposal calls this function “%(signature)s”. The chain computes from this text the selector of "
                "%(known)s, which is what is called."
            )
        elif self.types is None:
            text = gettext(
                "The proposal calls this function “%(signature)s”, which can't be read as a function's signature. The "
                "selector is computed from it all the same."
            )
        elif self.arguments is None:
            text = gettext(
                "The proposal calls this function “%(signature)s”, and the call's data does not fit that text. Nothing "
                "of it is checked against the contract."
            )
        else:
            text = gettext(
                "The proposal calls this function “%(signature)s”. These are the proposal's own words, not checked "
                "against the contract."
            )
        return text % said


class StoredCall(Protocol):
    """A row that keeps a proposal's call: governance.models.ProposalAction."""

    target: Any
    value_wei: Any
    signature: Any
    signature_raw: Any
    calldata: Any


def call_of(row: StoredCall) -> ProposedCall:
    """Return the call that a row keeps, with the signature's own bytes where they are not its text's UTF-8."""
    signature = row.signature.encode() if row.signature_raw is None else bytes(row.signature_raw)
    return ProposedCall(bytes(row.target), row.value_wei, signature, bytes(row.calldata))
