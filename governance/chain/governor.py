# SPDX-License-Identifier: Apache-2.0
"""OpenZeppelin's Governor (v4 and v5) as it is called: its functions, and the ballots that members sign (v5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from governance.chain import abi, eip712
from governance.chain.address import checksum
from governance.chain.call import ProposedCall
from governance.chain.rpc import CallReverted, Rpc
from policies.notation.primitives import keccak

PROPOSE = "propose(address[],uint256[],bytes[],string)"
PROPOSE_BY_NUMBER = "propose(address[],uint256[],string[],bytes[],string)"  # Compound's, and all that grew out of it
QUEUE = "queue(address[],uint256[],bytes[],bytes32)"
EXECUTE = "execute(address[],uint256[],bytes[],bytes32)"
CANCEL = "cancel(address[],uint256[],bytes[],bytes32)"
HASH_PROPOSAL = "hashProposal(address[],uint256[],bytes[],bytes32)"
CAST_VOTE = "castVote(uint256,uint8)"
CAST_VOTE_WITH_REASON = "castVoteWithReason(uint256,uint8,string)"
CAST_VOTE_BY_SIG = "castVoteBySig(uint256,uint8,address,bytes)"
HAS_VOTED = "hasVoted(uint256,address)"
PROPOSAL_VOTES = "proposalVotes(uint256)"
STATE = "state(uint256)"
NONCES = "nonces(address)"
EIP712_DOMAIN = "eip712Domain()"  # EIP-5267
BALLOT_TYPEHASH = "BALLOT_TYPEHASH()"
AGAINST, FOR, ABSTAIN = range(3)

BALLOT = {
    "Ballot": [
        {"name": "proposalId", "type": "uint256"},
        {"name": "support", "type": "uint8"},
        {"name": "voter", "type": "address"},
        {"name": "nonce", "type": "uint256"},
    ]
}
# What OpenZeppelin's v5 has signed. v4's ballot names neither voter nor nonce: signed as v5's, every vote would fail.
BALLOT_V5 = keccak(b"Ballot(uint256 proposalId,uint8 support,address voter,uint256 nonce)")


def propose_call(calls: Sequence[ProposedCall], text: str, *, by_number: bool) -> bytes:
    """Return the calldata of `propose`; `by_number` for Compound's governors and those that grew out of them."""
    columns = [[call.target for call in calls], [call.value_wei for call in calls]]
    if by_number:
        # Without a function's text the governor makes the call with the data as it is.
        return abi.encode_call(PROPOSE_BY_NUMBER, [*columns, ["" for _ in calls], [c.calldata for c in calls], text])
    return abi.encode_call(PROPOSE, [*columns, [call.calldata for call in calls], text])


def queue_call(calls: Sequence[ProposedCall], description: bytes) -> bytes:
    """Return the calldata of `queue`. `description` is the text in ProposalCreated, byte for byte."""
    return _by_hash(QUEUE, calls, description)


def execute_call(calls: Sequence[ProposedCall], description: bytes) -> bytes:
    """Return the calldata of `execute`. `description` is the text in ProposalCreated, byte for byte."""
    return _by_hash(EXECUTE, calls, description)


def cancel_call(calls: Sequence[ProposedCall], description: bytes) -> bytes:
    """Return the calldata of `cancel`. `description` is the text in ProposalCreated, byte for byte."""
    return _by_hash(CANCEL, calls, description)


def proposal_hash(calls: Sequence[ProposedCall], description: bytes) -> int:
    """Return the number that OpenZeppelin's governors give a proposal: the hash of its calls and of its text."""
    return int.from_bytes(keccak(_by_hash(HASH_PROPOSAL, calls, description)[4:]), "big")


def _by_hash(signature: str, calls: Sequence[ProposedCall], description: bytes) -> bytes:
    columns = [[call.target for call in calls], [call.value_wei for call in calls], [call.calldata for call in calls]]
    return abi.encode_call(signature, [*columns, keccak(description)])


class NoSignedBallots(Exception):
    """A governor whose ballots can't be signed here, in words that end a sentence about it."""


@dataclass(frozen=True)
class SigningDomain:
    """What the governor on chain says of itself: its EIP-712 domain."""

    name: str
    version: str
    chain_id: int
    address: bytes

    def typed_data(self, proposal_id: int, support: int, voter: bytes, nonce: int) -> dict[str, Any]:
        """Make the Ballot that a member signs, for `eth_signTypedData_v4`."""
        message = {"proposalId": proposal_id, "support": support, "voter": checksum(voter), "nonce": nonce}
        return eip712.document(
            BALLOT, "Ballot", self.name, self.chain_id, checksum(self.address), message, version=self.version
        )


def signing_domain(rpc: Rpc, governor: bytes, chain_id: int) -> SigningDomain:
    """Ask the chain for the domain in which the governor's ballots are signed.

    Raises:
        NoSignedBallots: it takes none, or of another kind. RpcError: the chain could not be asked.
    """
    try:
        answer = rpc.eth_call(governor, abi.encode_call(EIP712_DOMAIN))
        _fields, name, version, claimed_chain, contract, _salt, _extensions = abi.decode(
            ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"], answer, canonical=False
        )
        # A proxy's governor may have become another since it was probed.
        ballot_typehash = rpc.eth_call(governor, abi.encode_call(BALLOT_TYPEHASH))
    except (CallReverted, abi.NotCanonical) as error:
        raise NoSignedBallots(gettext("this governor takes no votes by signature")) from error
    if ballot_typehash != BALLOT_V5:
        raise NoSignedBallots(gettext("this governor's ballots are of another kind than can be signed here"))
    if claimed_chain != chain_id or contract != governor:
        raise NoSignedBallots(gettext("the governor's signing domain names another contract"))
    return SigningDomain(name, version, claimed_chain, governor)


def ballot_nonce(rpc: Rpc, governor: bytes, voter: bytes) -> int:
    """Ask the chain for the nonce of the voter's next ballot."""
    return int.from_bytes(rpc.eth_call(governor, abi.encode_call(NONCES, [voter])), "big")


def has_voted(rpc: Rpc, governor: bytes, proposal_id: int, voter: bytes) -> bool:
    """Ask the chain whether the account voted on the proposal."""
    return rpc.eth_call(governor, abi.encode_call(HAS_VOTED, [proposal_id, voter]))[-1:] == b"\1"
