# SPDX-License-Identifier: Apache-2.0
"""EIP-712 typed data: one digest, one recovery, for rosters, approvals and decision records alike."""

import json
from typing import Any

from eth_abi.exceptions import EncodingError, ParseError
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_keys.exceptions import BadSignature as BadKeySignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from governance.chain.address import BadAddress, to_bytes

DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


class BadSignature(ValueError):
    """The signature is not 65 bytes, or nobody's."""


class BadTypedData(ValueError):
    """The values do not fit their types."""


def document(
    types: dict[str, list[dict[str, str]]],
    primary: str,
    name: str,
    chain_id: int,
    contract: str,
    message: dict[str, Any],
) -> dict[str, Any]:
    """The typed data as wallets take it (`eth_signTypedData_v4`). `contract` is the verifying contract's address."""
    return {
        "types": {"EIP712Domain": DOMAIN_TYPE, **types},
        "primaryType": primary,
        "domain": {"name": name, "version": "1", "chainId": chain_id, "verifyingContract": contract},
        "message": message,
    }


def _signable(typed_data: dict[str, Any]) -> SignableMessage:
    try:
        return encode_typed_data(full_message=json.loads(json.dumps(typed_data)))  # the library edits what it is given
    except (EncodingError, ParseError, ValidationError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise BadTypedData(f"the values do not fit their types: {str(error)[:120]}") from error


def digest(typed_data: dict[str, Any]) -> bytes:
    """keccak256(0x1901 ‖ domain separator ‖ struct hash): what is signed. Raises BadTypedData."""
    message = _signable(typed_data)
    return keccak(b"\x19" + message.version + message.header + message.body)


def recover(typed_data: dict[str, Any], signature: bytes) -> bytes:
    """The address that signed. Raises BadSignature and BadTypedData. Contract accounts (ERC-1271) are not recovered."""
    if len(signature) != 65:
        raise BadSignature("a signature has 65 bytes")
    message = _signable(typed_data)
    try:
        return to_bytes(Account.recover_message(message, signature=signature))
    except (ValueError, TypeError, BadAddress, BadKeySignature, ValidationError) as error:
        raise BadSignature("the signature is not valid") from error


def signature_bytes(text: Any) -> bytes:
    """The 65 bytes of a 0x-prefixed signature. Raises BadSignature."""
    if not isinstance(text, str) or not text.startswith("0x") or len(text) != 132:
        raise BadSignature("a signature is 0x and 130 hexadecimal digits")
    try:
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise BadSignature("a signature is 0x and 130 hexadecimal digits") from error
