# SPDX-License-Identifier: Apache-2.0
"""Votes by signature: a member signs OpenZeppelin's Ballot (EIP-712), the relayer's key brings it on chain and pays.

The relayer can neither change a vote nor vote itself: the governor checks the signature again. Here it is checked first
so that nobody can make the relayer pay for transactions that fail, and there is a cap per voter and day.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from governance.capabilities import BALLOT_V5
from governance.chain import abi
from governance.chain.keys import Signer, signer_of
from governance.chain.rpc import CallReverted, Rpc, RpcError
from governance.chain.send import KeyConflict, send_once, settle
from governance.models import OutgoingTransaction, Proposal
from governance.state import State, state_of
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import keccak
from presentation import words
from presentation.dao_view import DaoView
from webapp.models import RelayedVote
from webapp.proposals import voter as voters

PER_VOTER_A_DAY = 10
IN_ALL_A_DAY = 500
MAX_GAS = 500_000  # a vote takes 100,000; a voter that is a contract could burn any amount while it checks
_COUNTING = 0x4D414E44564F5445  # of PostgreSQL's advisory locks: votes are held against the caps one after the other
_CAST = "castVoteBySig(uint256,uint8,address,bytes)"
BALLOT = {
    "Ballot": [
        {"name": "proposalId", "type": "uint256"},
        {"name": "support", "type": "uint8"},
        {"name": "voter", "type": "address"},
        {"name": "nonce", "type": "uint256"},
    ]
}


class VoteRefused(Exception):
    """Why a vote is not relayed, in words for the voter. `status` is the HTTP status that fits."""

    def __init__(self, message: str, status: int = 400):
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Governor:
    """What the governor on chain says of itself: its EIP-712 domain (EIP-5267)."""

    name: str
    version: str
    chain_id: int
    address: bytes

    def typed_data(self, proposal_id: int, support: int, voter: bytes, nonce: int) -> dict[str, Any]:
        """The Ballot that a member signs, for `eth_signTypedData_v4`."""
        return {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                **BALLOT,
            },
            "primaryType": "Ballot",
            "domain": {
                "name": self.name,
                "version": self.version,
                "chainId": self.chain_id,
                "verifyingContract": words.address_text(self.address),
            },
            "message": {
                "proposalId": proposal_id,
                "support": support,
                "voter": words.address_text(voter),
                "nonce": nonce,
            },
        }


def governor_of(place: DaoView, rpc: Rpc) -> Governor:
    """The governor's EIP-712 domain, asked of the chain. Raises VoteRefused where it does not tell."""
    address = bytes(place.governor.address)
    try:
        answer = rpc.eth_call(address, abi.encode_call("eip712Domain()"))
        _fields, name, version, chain_id, contract, _salt, _extensions = abi.decode(
            ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"], answer, canonical=False
        )
        # A proxy's governor may have become another since it was probed.
        ballot_typehash = rpc.eth_call(address, abi.encode_call("BALLOT_TYPEHASH()"))
    except (CallReverted, abi.NotCanonical) as error:
        raise VoteRefused(gettext("this governor takes no votes by signature; vote by transaction")) from error
    if ballot_typehash != BALLOT_V5:
        raise VoteRefused(
            gettext("this governor's ballots are of another kind than can be signed here; vote by transaction")
        )
    if chain_id != place.dao.chain_id or contract != address:
        raise VoteRefused(gettext("the governor's signing domain names another contract; vote by transaction"))
    return Governor(name, version, chain_id, address)


def ballot(place: DaoView, rpc: Rpc, proposal: Proposal, support: int, voter: bytes) -> dict[str, Any]:
    """The typed data that `voter` would sign now, with the nonce that the governor expects.

    Raises VoteRefused where the chain says that the vote would count 0, RpcError where it can't be asked.
    """
    governor = governor_of(place, rpc)
    _refuse_worthless(place, rpc, proposal, support, voter)
    return governor.typed_data(proposal.proposal_id, support, voter, _nonce(rpc, governor.address, voter))


def _refuse_worthless(place: DaoView, rpc: Rpc, proposal: Proposal, support: int, voter: bytes) -> None:
    """Raise VoteRefused where the chain says that the vote would count 0; a power it does not tell is no 0."""
    told, address = place.governor.capabilities, bytes(place.governor.address)
    power, counted = voters.worth(rpc, address, proposal, support, voter)
    if not voters.counts_nothing(told, power, counted):
        return
    why = gettext("this vote would count 0: those who delegated to the account have voted themselves")
    if power == 0:
        why = gettext("this vote would count 0: the account had no voting power at the snapshot (%(snapshot)s)") % {
            "snapshot": place.clock_text(proposal.snapshot)
        }
    raise VoteRefused(why, 403)


def _nonce(rpc: Rpc, governor: bytes, voter: bytes) -> int:
    return int.from_bytes(rpc.eth_call(governor, abi.encode_call("nonces(address)", [voter])), "big")


def relay(place: DaoView, proposal: Proposal, support: int, voter: bytes, signature: bytes) -> OutgoingTransaction:
    """Check a signed ballot against the chain and send it once. Asking again returns what was sent.

    Raises:
        VoteRefused: with the reason in words. RpcError: the node could not be asked; nothing was sent.
    """
    if not settings.RELAYER_KEYSTORE:
        raise VoteRefused(gettext("this site has no relayer; vote by transaction"), 503)
    if support not in (0, 1, 2):
        raise VoteRefused(gettext("a vote is 0 (against), 1 (for) or 2 (abstain)"))
    rpc = Rpc.for_chain(place.dao.chain_id)
    governor = governor_of(place, rpc)
    proposal_id = proposal.proposal_id
    prefix = f"vote:{governor.chain_id}:{governor.address.hex()[:16]}:{short_hash(proposal_id)}:{voter.hex()}:"
    sent = OutgoingTransaction.objects.filter(key__startswith=prefix).exclude(status="failed").order_by("-id").first()
    if sent is not None and _still_stands(rpc, governor.address, proposal_id, voter, sent):
        if int.from_bytes(bytes(sent.calldata)[36:68], "big") != support:
            raise VoteRefused(
                gettext("another choice of this account is on its way already; a vote can't be changed"), 409
            )
        return sent
    nonce = _nonce(rpc, governor.address, voter)
    if not signed_by(governor.typed_data(proposal_id, support, voter, nonce), voter, signature, rpc):
        raise VoteRefused(
            gettext("the signature does not fit: another account, another choice, or an old one; sign again"), 403
        )
    if state_of(proposal, place.now, place.governor) is not State.ACTIVE:
        raise VoteRefused(gettext("this proposal is not open for votes now"), 409)
    _refuse_worthless(place, rpc, proposal, support, voter)
    calldata = abi.encode_call(_CAST, [proposal_id, support, voter, signature])
    # A transaction that failed left the voter's nonce where it was: the next attempt is one of its own.
    failed = OutgoingTransaction.objects.filter(key__startswith=f"{prefix}{nonce}:", status="failed").count()
    key = f"{prefix}{nonce}:{failed}"
    try:
        rpc.eth_call(governor.address, calldata)
        gas = rpc.estimate_gas(governor.address, calldata, sender=_relayer().address) * 6 // 5 + 5_000
    except CallReverted as error:
        why = gettext("the governor would refuse this vote: %(why)s") % {"why": voters.revert_words(error.data)}
        raise VoteRefused(why, 409) from error
    if gas > MAX_GAS:
        text = gettext("this vote needs %(needed)s gas, the relayer pays for %(paid)s; vote by transaction")
        raise VoteRefused(text % {"needed": f"{gas:,}", "paid": f"{MAX_GAS:,}"}, 403)
    _count(place, proposal_id, voter, support, key)
    try:
        return send_once(key, rpc, place.chain, _relayer(), governor.address, calldata, gas=gas)
    except KeyConflict as error:
        raise VoteRefused(gettext("another ballot of this account is on its way already"), 409) from error


def settle_sent() -> None:
    """Bring relayed votes that are not final one step further: rebroadcast, replace what is stuck, note receipts."""
    if not settings.RELAYER_KEYSTORE:
        return
    open_votes = OutgoingTransaction.objects.filter(key__startswith="vote:", final=False).select_related("chain")
    for chain in {row.chain for row in open_votes}:
        settle(Rpc.for_chain(chain.pk), chain, _relayer())


def _relayer() -> Signer:
    return signer_of(settings.RELAYER_KEYSTORE, settings.RELAYER_PASSWORD_FILE)


def short_hash(proposal_id: int) -> str:
    """A proposal's number short enough for a key. Hashed: governors that count from 1 share all but the last digits."""
    return keccak(proposal_id.to_bytes(32, "big")).hex()[:24]


def _still_stands(rpc: Rpc, governor: bytes, proposal_id: int, voter: bytes, sent: OutgoingTransaction) -> bool:
    """A vote that was sent counts until it is mined and gone again (a reorg took it): then a new one may be sent."""
    if sent.status != OutgoingTransaction.Status.MINED:
        return True
    voted = rpc.eth_call(governor, abi.encode_call("hasVoted(uint256,address)", [proposal_id, voter]))
    return voted[-1:] == b"\1"


def signed_by(typed_data: Mapping[str, Any], voter: bytes, signature: bytes, rpc: Rpc) -> bool:
    """Whether `voter` signed: by its key, or, where code stands at the address, by EIP-1271."""
    signable = encode_typed_data(full_message=dict(typed_data))
    if len(signature) == 65:
        try:
            if hex_bytes(Account.recover_message(signable, signature=signature)) == voter:
                return True
        except (ValueError, BadSignature, ValidationError):
            pass  # no signature of any key; a contract may still take it
    if not rpc.get_code(voter):
        return False
    from eth_account.messages import _hash_eip191_message

    digest = _hash_eip191_message(signable)
    try:
        answer = rpc.eth_call(voter, abi.encode_call("isValidSignature(bytes32,bytes)", [digest, signature]))
    except CallReverted:
        return False
    return len(answer) == 32 and answer[:4] == bytes.fromhex("1626ba7e")


def _count(place: DaoView, proposal_id: int, voter: bytes, support: int, key: str) -> None:
    """Note the vote and hold it against the caps, one request at a time; the same vote asked for twice counts once."""
    day = timezone.now() - datetime.timedelta(days=1)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_COUNTING])
        if RelayedVote.objects.filter(outgoing_key=key).exists():
            return  # noted by the attempt before this one, which did not come to send
        recent = RelayedVote.objects.filter(dao=place.dao, created_at__gt=day)
        if recent.filter(voter=voter).count() >= PER_VOTER_A_DAY or recent.count() >= IN_ALL_A_DAY:
            raise VoteRefused(
                gettext("Today's limit for free votes is reached. Vote by transaction, or try again tomorrow."), 429
            )
        RelayedVote.objects.create(
            dao=place.dao, onchain_proposal_id=proposal_id, voter=voter, support=support, outgoing_key=key
        )


__all__ = ["BALLOT", "RpcError", "VoteRefused", "ballot", "governor_of", "relay"]
