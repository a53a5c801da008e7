# SPDX-License-Identifier: Apache-2.0
"""Calls of proposals, made by hand."""

from governance.chain.call import ProposedCall


def plain_call(target: bytes, value_wei: int = 0, calldata: bytes = b"", signature: str = "") -> ProposedCall:
    """Return a call; `signature` is the function's text, as governors of Compound's kind take it."""
    return ProposedCall(target, value_wei, signature.encode(), calldata)
