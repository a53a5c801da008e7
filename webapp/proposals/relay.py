# SPDX-License-Identifier: Apache-2.0
"""Votes by signature: a member signs OpenZeppelin's Ballot (EIP-712), the relayer's key brings it on chain and pays.

The relayer can neither change a vote nor vote itself: the governor checks the signature again. Here it is checked first
so that nobody can make the relayer pay for transactions that fail, and there is a cap per voter and day.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from governance.audit_log import Action, record
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
from governance.chain.rpc import CallReverted, Rpc, RpcError
from governance.chain.send import KeyConflict, send_once
from governance.chain.signatures import has_delegated_code, signed_by
from governance.chain_word import shown_state
from governance.locks import LockClass, transaction_lock
from governance.models import OutgoingTransaction, Proposal
from governance.numbers import grouped
from governance.sentences import worded
from governance.state import State
from governance.words import say
from policies.notation.primitives import keccak
from presentation.dao_view import DaoView
from webapp.models import RelayedVote
from webapp.node import node
from webapp.proposals import voter as voters
from webapp.proposals import voter_words
from webapp.relaying import Caps, RelayRefused, Share, is_reserved, signer

CAPS = Caps(account=10, everybody=500, reserved=250)
MAX_GAS = 500_000  # a vote takes 100,000; a voter that is a contract could burn any amount while it checks


def governor_of(place: DaoView, rpc: Rpc) -> SigningDomain:
    """Ask the chain for the governor's EIP-712 domain. Raises RelayRefused where it takes no ballots that are signed
    here."""
    try:
        return signing_domain(rpc, bytes(place.governor.address), place.dao.chain_id)
    except NoSignedBallots as error:
        raise RelayRefused(gettext("%(why)s; vote by transaction") % {"why": error}) from error


def ballot(place: DaoView, rpc: Rpc, proposal: Proposal, support: int, voter: bytes) -> dict[str, Any]:
    """The typed data that `voter` would sign now, with the nonce that the governor expects.

    Raises RelayRefused where the chain says that the vote would count 0, RpcError where it can't be asked.
    """
    governor = governor_of(place, rpc)
    _refuse_worthless(place, rpc, proposal, support, voter)
    return governor.typed_data(proposal.proposal_id, support, voter, ballot_nonce(rpc, governor.address, voter))


def _refuse_worthless(place: DaoView, rpc: Rpc, proposal: Proposal, support: int, voter: bytes) -> None:
    """Raise RelayRefused where the chain says that the vote would count 0; a power it does not tell is no 0."""
    told, address = place.governor.capabilities, bytes(place.governor.address)
    power, counted = voters.worth(rpc, address, proposal, support, voter)
    if not voters.counts_nothing(told, power, counted):
        return
    why = gettext("this vote would count 0: those who delegated to the account have voted themselves")
    if power == 0:
        why = gettext("this vote would count 0: the account had no voting power at the snapshot (%(snapshot)s)") % {
            "snapshot": place.clock_text(proposal.snapshot)
        }
    raise RelayRefused(why, 403)


def relay(place: DaoView, proposal: Proposal, support: int, voter: bytes, signature: bytes) -> OutgoingTransaction:
    """Check a signed ballot against the chain and send it once. Asking again returns what was sent.

    Raises:
        RelayRefused: with the reason in words. RpcError: the node could not be asked; nothing was sent.
    """
    sender = signer()
    if support not in (0, 1, 2):
        raise RelayRefused(gettext("a vote is 0 (against), 1 (for) or 2 (abstain)"))
    rpc = node(place)
    governor = governor_of(place, rpc)
    proposal_id = proposal.proposal_id
    prefix = f"vote:{governor.chain_id}:{governor.address.hex()[:16]}:{short_hash(proposal_id)}:{voter.hex()}:"
    sent = OutgoingTransaction.objects.filter(key__startswith=prefix).exclude(status="failed").order_by("-id").first()
    if sent is not None and _still_stands(rpc, governor.address, proposal_id, voter, sent):
        if int.from_bytes(bytes(sent.calldata)[36:68], "big") != support:
            raise RelayRefused(
                gettext("another choice of this account is on its way already; a vote can't be changed"), 409
            )
        return sent
    nonce = ballot_nonce(rpc, governor.address, voter)
    message = eip712.signable(governor.typed_data(proposal_id, support, voter, nonce))
    signed = signed_by(message, voter, signature, rpc)
    if signed.problem is not None:
        text = gettext("the signature does not fit this vote of this account: %(problem)s")
        raise RelayRefused(text % {"problem": worded(signed.problem)}, 403)
    if not signed.is_deployed:
        raise RelayRefused(worded(say("signature_needs_contract", account=checksum(voter))), 403)
    if shown_state(place.dao, place.governor, place.now, proposal) is not State.ACTIVE:
        raise RelayRefused(gettext("this proposal is not open for votes now"), 409)
    _refuse_worthless(place, rpc, proposal, support, voter)
    calldata = abi.encode_call(CAST_VOTE_BY_SIG, [proposal_id, support, voter, signed.signature])
    # A transaction that failed left the voter's nonce where it was: the next attempt is one of its own.
    failed = OutgoingTransaction.objects.filter(key__startswith=f"{prefix}{nonce}:", status="failed").count()
    key = f"{prefix}{nonce}:{failed}"
    try:
        rpc.eth_call(governor.address, calldata)
        gas = rpc.estimate_gas(governor.address, calldata, sender=sender.address) * 6 // 5 + 5_000
    except CallReverted as error:
        decoded = abi.decode_error(error.data)
        is_signature = decoded is not None and decoded.name == "GovernorInvalidSignature"
        if is_signature and signed.block is None and has_delegated_code(rpc, voter):
            refused = say("signature_refused_by_delegated_code", account=checksum(voter))
            raise RelayRefused(worded(refused), 409) from error
        why = gettext("the governor would refuse this vote: %(why)s") % {"why": voter_words.revert_words(error.data)}
        raise RelayRefused(why, 409) from error
    if gas > MAX_GAS:
        text = gettext("this vote needs %(needed)s gas, the relayer pays for %(paid)s; vote by transaction")
        raise RelayRefused(text % {"needed": grouped(gas), "paid": grouped(MAX_GAS)}, 403)
    _count(place, proposal_id, voter, support, key, _share(place, rpc, proposal, voter))
    try:
        return send_once(
            key, Rpc.for_chain(place.dao.chain_id), place.chain, sender, governor.address, calldata, gas=gas
        )
    except KeyConflict as error:
        raise RelayRefused(gettext("another ballot of this account is on its way already"), 409) from error


def short_hash(proposal_id: int) -> str:
    """A proposal's number short enough for a key. Hashed: governors that count from 1 share all but the last digits."""
    return keccak(proposal_id.to_bytes(32, "big")).hex()[:24]


def _still_stands(rpc: Rpc, governor: bytes, proposal_id: int, voter: bytes, sent: OutgoingTransaction) -> bool:
    """A vote that was sent counts until it is mined and gone again (a reorg took it): then a new one may be sent."""
    if sent.status != OutgoingTransaction.Status.MINED:
        return True
    return has_voted(rpc, governor, proposal_id, voter)


def _share(place: DaoView, rpc: Rpc, proposal: Proposal, voter: bytes) -> Share:
    """The voter's part of all tokens at the proposal's snapshot, where no later move of tokens changes it; nothing
    where the token or the governor does not tell."""
    token, held = place.one("votes_token"), voters.worth(rpc, bytes(place.governor.address), proposal, 1, voter)[0]
    if token is None or not held:
        return Share(0, 0)
    try:
        supply = rpc.eth_call(bytes(token.address), abi.encode_call("getPastTotalSupply(uint256)", [proposal.snapshot]))
    except CallReverted:
        return Share(0, 0)
    return Share(held, int.from_bytes(supply[:32], "big"))


def _count(place: DaoView, proposal_id: int, voter: bytes, support: int, key: str, share: Share) -> None:
    """Note the vote and hold it against the caps, one request at a time; the same vote asked for twice counts once."""
    with transaction.atomic():
        transaction_lock(LockClass.RELAYED_VOTES)
        if RelayedVote.objects.filter(outgoing_key=key).exists():
            return  # noted by the attempt before this one, which did not come to send
        reserved = is_reserved(RelayedVote, place.dao, {"voter": voter}, share, CAPS)
        RelayedVote.objects.create(
            dao=place.dao, onchain_proposal_id=proposal_id, voter=voter, support=support, is_reserved=reserved,
            outgoing_key=key,
        )  # fmt: skip
        record(Action.VOTE_RELAYED, place.dao, account=voter, proposal=proposal_id, key=key)


__all__ = ["RpcError", "ballot", "governor_of", "relay"]
