# SPDX-License-Identifier: Apache-2.0
"""Votes by signature: a member signs OpenZeppelin's Ballot (EIP-712), the relayer's key brings it on chain and pays.

The relayer can neither change a vote nor vote itself: the governor checks the signature again. Here it is checked first
so that nobody can make the relayer pay for transactions that fail, and there is a cap per voter and day.
"""

from __future__ import annotations

import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance.chain import abi, eip712
from governance.chain.address import checksum
from governance.chain.governor import (
    CAST_VOTE_BY_SIG,
    NoSignedBallots,
    SigningDomain,
    ballot_nonce,
    has_voted,
    signing_domain,
)
from governance.chain.keys import Signer, signer_of
from governance.chain.rpc import CallReverted, Rpc, RpcError
from governance.chain.send import KeyConflict, send_once, settle
from governance.chain.signatures import has_delegated_code, signed_by
from governance.chain_word import shown_state
from governance.locks import LockClass, transaction_lock
from governance.models import OutgoingTransaction, Proposal
from governance.sentences import worded
from governance.state import State
from governance.words import say
from policies.notation.primitives import keccak
from presentation.dao_view import DaoView
from webapp.models import RelayedVote
from webapp.proposals import voter as voters

PER_VOTER_A_DAY = 10
IN_ALL_A_DAY = 500
MAX_GAS = 500_000  # a vote takes 100,000; a voter that is a contract could burn any amount while it checks


class VoteRefused(Exception):
    """Why a vote is not relayed, in words for the voter. `status` is the HTTP status that fits."""

    def __init__(self, message: str, status: int = 400):
        self.status = status
        super().__init__(message)


def governor_of(place: DaoView, rpc: Rpc) -> SigningDomain:
    """Ask the chain for the governor's EIP-712 domain. Raises VoteRefused where it takes no ballots that are signed
    here."""
    try:
        return signing_domain(rpc, bytes(place.governor.address), place.dao.chain_id)
    except NoSignedBallots as error:
        raise VoteRefused(gettext("%(why)s; vote by transaction") % {"why": error}) from error


def ballot(place: DaoView, rpc: Rpc, proposal: Proposal, support: int, voter: bytes) -> dict[str, Any]:
    """The typed data that `voter` would sign now, with the nonce that the governor expects.

    Raises VoteRefused where the chain says that the vote would count 0, RpcError where it can't be asked.
    """
    governor = governor_of(place, rpc)
    _refuse_worthless(place, rpc, proposal, support, voter)
    return governor.typed_data(proposal.proposal_id, support, voter, ballot_nonce(rpc, governor.address, voter))


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
    nonce = ballot_nonce(rpc, governor.address, voter)
    message = eip712.signable(governor.typed_data(proposal_id, support, voter, nonce))
    signed = signed_by(message, voter, signature, rpc)
    if signed.problem is not None:
        text = gettext("the signature does not fit this vote of this account: %(problem)s")
        raise VoteRefused(text % {"problem": worded(signed.problem)}, 403)
    if not signed.is_deployed:
        raise VoteRefused(worded(say("signature_needs_contract", account=checksum(voter))), 403)
    if shown_state(place.dao, place.governor, place.now, proposal) is not State.ACTIVE:
        raise VoteRefused(gettext("this proposal is not open for votes now"), 409)
    _refuse_worthless(place, rpc, proposal, support, voter)
    calldata = abi.encode_call(CAST_VOTE_BY_SIG, [proposal_id, support, voter, signed.signature])
    # A transaction that failed left the voter's nonce where it was: the next attempt is one of its own.
    failed = OutgoingTransaction.objects.filter(key__startswith=f"{prefix}{nonce}:", status="failed").count()
    key = f"{prefix}{nonce}:{failed}"
    try:
        rpc.eth_call(governor.address, calldata)
        gas = rpc.estimate_gas(governor.address, calldata, sender=_relayer().address) * 6 // 5 + 5_000
    except CallReverted as error:
        decoded = abi.decode_error(error.data)
        is_signature = decoded is not None and decoded.name == "GovernorInvalidSignature"
        if is_signature and signed.block is None and has_delegated_code(rpc, voter):
            refused = say("signature_refused_by_delegated_code", account=checksum(voter))
            raise VoteRefused(worded(refused), 409) from error
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
    return has_voted(rpc, governor, proposal_id, voter)


def _count(place: DaoView, proposal_id: int, voter: bytes, support: int, key: str) -> None:
    """Note the vote and hold it against the caps, one request at a time; the same vote asked for twice counts once."""
    day = timezone.now() - datetime.timedelta(days=1)
    with transaction.atomic():
        transaction_lock(LockClass.RELAYED_VOTES)
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


__all__ = ["RpcError", "VoteRefused", "ballot", "governor_of", "relay"]
