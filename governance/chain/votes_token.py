# SPDX-License-Identifier: Apache-2.0
"""A votes token as it is called to delegate: OpenZeppelin's Votes, and Compound's COMP before it."""

from dataclasses import dataclass

from governance.chain import abi
from governance.chain.rpc import Header, Rpc, RpcError
from governance.chain.trial import trial

DELEGATE = "delegate(address)"
DELEGATES = "delegates(address)"
DELEGATE_BY_SIG = "delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)"


@dataclass(frozen=True)
class Standing:
    """What the token says of an account in one block; None where it does not. Amounts: base units of the token."""

    held: int | None
    supply: int | None
    delegate: bytes | None  # 20 zero bytes: nobody
    nonce: int | None  # of the next signed delegation


def standing(rpc: Rpc, token: bytes, account: bytes, block: Header) -> Standing:
    """Ask the token about an account at a block. Raises RpcError where the node can't be asked."""
    questions = [("balanceOf(address)", [account]), ("totalSupply()", []), (DELEGATES, [account])]
    questions.append(("nonces(address)", [account]))
    answers = rpc.eth_calls([(token, abi.encode_call(what, values)) for what, values in questions], block.hash)
    held, supply, delegate, nonce = (
        None if isinstance(answer, RpcError) or len(answer) != 32 else answer for answer in answers
    )
    return Standing(
        None if held is None else int.from_bytes(held, "big"),
        None if supply is None else int.from_bytes(supply, "big"),
        None if delegate is None or any(delegate[:12]) else delegate[12:],
        None if nonce is None else int.from_bytes(nonce, "big"),
    )


def delegates_after(rpc: Rpc, token: bytes, calldata: bytes, account: bytes, block: Header) -> bytes | None:
    """Return to whom an account would delegate after a call of the token by anybody; None where that is not known.

    Nothing else shows whose signature a signed delegation carries: bytes that do not fit delegate for an account that
    nobody has the key of. Raises RpcError.
    """
    answer = rpc.eth_create(trial(token, calldata, token, abi.encode_call(DELEGATES, [account])), block.hash)
    if len(answer) != 64 or int.from_bytes(answer[:32], "big") != 1 or any(answer[32:44]):
        return None
    return answer[44:]
