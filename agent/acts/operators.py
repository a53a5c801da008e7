# SPDX-License-Identifier: Apache-2.0
"""Did the policy's operator sign? By a key for good; by a contract account (ERC-1271, a Safe) as of a block.

A contract says in each block anew whether it signed: owners come and go. So its signature is verified once at the
chain's newest block, and that block (number and hash) is kept with it. It counts from then on, unless a reorg took the
block; and before money moves the executor asks the contract again (`confirm`). Where it does not accept the signature
any more, because its owners changed, nothing is paid until it signs again.
"""

from dataclasses import dataclass
from typing import Any

from governance.chain import eip712, signatures
from governance.chain.address import checksum
from governance.chain.rpc import Header, Rpc, RpcError
from governance.models import Block, Dao
from governance.sentences import Sentence
from governance.words import say


@dataclass(frozen=True)
class OperatorSignature:
    """A signature that was verified: `signature` as it is kept; `block_number` and `block_hash` where a contract
    confirmed it, None where a key made it."""

    signature: bytes
    block_number: int | None = None
    block_hash: bytes | None = None


def by_key(document: dict[str, Any], operator: bytes, given: str) -> OperatorSignature:
    """Return the signature of the operator's key over typed data. Asks no node.

    Raises:
        eip712.BadSignature: it is none of its key's, with the reason.
    """
    return OperatorSignature(signatures.of_key(eip712.signable(document), operator, eip712.signature_bytes(given)))


def by_contract(
    dao: Dao, document: dict[str, Any], operator: bytes, given: str, bad: signatures.BadSignature
) -> OperatorSignature:
    """Return the signature that the operator's contract account accepts at the newest block; `bad` says why it is no
    key's.

    Raises:
        eip712.BadSignature: the contract does not accept it, there is none, or the chain can't be asked.
    """
    raw = eip712.signature_bytes(given)
    try:
        found = signatures.signed_by(eip712.signable(document), operator, raw, Rpc.for_chain(dao.chain_id))
    except RpcError as error:
        is_key_sized = len(raw) in (64, 65)
        raise eip712.BadSignature(bad.sentence if is_key_sized else say("signature_not_asked")) from error
    if not found.is_signed:
        raise eip712.BadSignature(found.problem or bad.sentence)
    if not found.is_deployed:
        raise eip712.BadSignature(say("signature_not_deployed", account=checksum(operator)))
    if found.block is None:
        return OperatorSignature(found.signature)
    return OperatorSignature(found.signature, found.block.number, found.block.hash)


def holds(
    dao: Dao, document: dict[str, Any], operator: bytes, signature: bytes, block_number: int | None,
    block_hash: bytes | None,
) -> bool:  # fmt: skip
    """Whether a signature that is kept still counts, without asking a node: a key's is verified again; a contract's
    counts unless the mirror has another block at that height."""
    if block_number is None or block_hash is None:
        try:
            signatures.of_key(eip712.signable(document), operator, signature)
        except eip712.BadSignature:
            return False
        return True
    return not Block.objects.filter(dao=dao, number=block_number).exclude(hash=block_hash).exists()


def confirm(
    rpc: Rpc, document: dict[str, Any], operator: bytes, signature: bytes, block_number: int | None, at: Header
) -> Sentence | None:
    """Ask a contract account again, before money moves, whether it signed, as of block `at`; None where it did, or
    where a key made the signature, else the reason.

    Raises:
        RpcError: the chain can't be asked.
    """
    if block_number is None:
        return None
    found = signatures.signed_by(eip712.signable(document), operator, signature, rpc, at=at)
    if found.is_signed and found.is_deployed:
        return None
    return found.problem or say("signature_not_deployed", account=checksum(operator))
