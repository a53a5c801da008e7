# SPDX-License-Identifier: Apache-2.0
"""Did this account sign? An account with a key shows it by the signature, a contract account says so (ERC-1271)."""

from dataclasses import dataclass

from eth_account import Account
from eth_account.messages import SignableMessage
from eth_keys.exceptions import BadSignature as BadKeySignature
from eth_utils.exceptions import ValidationError

from governance.chain import abi
from governance.chain.address import BadAddress, to_bytes
from governance.chain.rpc import Answered, CallReverted, Header, Rpc
from governance.words import say
from policies.notation.primitives import keccak

_IS_VALID_SIGNATURE = "isValidSignature(bytes32,bytes)"
_MAGIC = abi.selector(_IS_VALID_SIGNATURE)  # what a contract answers that accepts a signature


class BadSignature(ValueError):
    """The signature is not 65 bytes, or nobody's."""


@dataclass(frozen=True)
class Signed:
    """Whether an account signed. `block` is where the chain was asked; None where the signature alone shows it, which
    no block can change. What a contract accepts in one block it may refuse in the next."""

    is_signed: bool
    block: Header | None = None


def digest_of(message: SignableMessage) -> bytes:
    """Return what is signed of a message (ERC-191): keccak256 of 0x19, its version, header and body."""
    return keccak(b"\x19" + message.version + message.header + message.body)


def recover(message: SignableMessage, signature: bytes) -> bytes:
    """Return the address of the key that signed. Raises BadSignature. Contract accounts have none: see `signed_by`."""
    if len(signature) != 65:
        raise BadSignature("a signature has 65 bytes")
    try:
        return to_bytes(Account.recover_message(message, signature=signature))
    except (ValueError, TypeError, BadAddress, BadKeySignature, ValidationError) as error:
        raise BadSignature("the signature is not valid") from error


def signed_by(message: SignableMessage, account: bytes, signature: bytes, rpc: Rpc) -> Signed:
    """Tell whether the account signed: by its key, or, where code stands at its address, by what that code says in the
    newest block.

    Raises:
        RpcError: the chain had to be asked, and could not be.
    """
    try:
        if recover(message, signature) == account:
            return Signed(True)
    except BadSignature:
        pass  # of no key; a contract has signatures of its own kind
    head = rpc.block("latest")
    if head is None:
        raise Answered(None, say("latest_block_missing"))
    if not rpc.get_code(account, head.hash):
        return Signed(False, head)
    try:
        answer = rpc.eth_call(account, abi.encode_call(_IS_VALID_SIGNATURE, [digest_of(message), signature]), head.hash)
    except CallReverted:
        return Signed(False, head)
    return Signed(len(answer) == 32 and answer[:4] == _MAGIC, head)
