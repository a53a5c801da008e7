# SPDX-License-Identifier: Apache-2.0
"""EIP-712 typed data: one digest, one recovery, for rosters, approvals, decision records and ballots alike."""

import json
from typing import Any

from eth_abi.exceptions import EncodingError, ParseError
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils.exceptions import ValidationError

from governance.chain import signatures
from governance.chain.signatures import BadSignature
from governance.words import say
from policies.notation.hexadecimal import hex_bytes

DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


class BadTypedData(ValueError):
    """The values do not fit their types."""


def document(
    types: dict[str, list[dict[str, str]]],
    primary: str,
    name: str,
    chain_id: int,
    contract: str,
    message: dict[str, Any],
    *,
    version: str = "1",
) -> dict[str, Any]:
    """Make the typed data as wallets take it (`eth_signTypedData_v4`). `contract` is the verifying contract's
    address."""
    return {
        "types": {"EIP712Domain": DOMAIN_TYPE, **types},
        "primaryType": primary,
        "domain": {"name": name, "version": version, "chainId": chain_id, "verifyingContract": contract},
        "message": message,
    }


def signable(typed_data: dict[str, Any]) -> SignableMessage:
    """Return the message that a wallet signs for the typed data. Raises BadTypedData."""
    try:
        return encode_typed_data(full_message=json.loads(json.dumps(typed_data)))  # the library edits what it is given
    except (EncodingError, ParseError, ValidationError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise BadTypedData(f"the values do not fit their types: {str(error)[:120]}") from error


def digest(typed_data: dict[str, Any]) -> bytes:
    """Return keccak256(0x1901 ‖ domain separator ‖ struct hash): what is signed. Raises BadTypedData."""
    return signatures.digest_of(signable(typed_data))


def recover(typed_data: dict[str, Any], signature: bytes) -> bytes:
    """Return the address whose key signed. Raises BadSignature and BadTypedData."""
    return signatures.recover(signable(typed_data), signature)


def signature_bytes(text: Any) -> bytes:
    """Read a 0x-prefixed signature, in whatever form. Raises BadSignature."""
    if not isinstance(text, str) or not text.startswith("0x"):
        raise BadSignature(say("signature_digits"))
    try:
        return hex_bytes(text)
    except ValueError as error:
        raise BadSignature(say("signature_digits")) from error
