# SPDX-License-Identifier: Apache-2.0
"""Delegations by signature: a member signs the votes token's Delegation (EIP-712), the relayer brings it on chain.

The relayer can't change what was signed. It pays only for what a trial shows to work: that after it the account's
tokens vote with whom it named. The trial, not a signature check of ours, counts: tokens sign in domains of their own.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext

from governance.audit_log import Action, record
from governance.chain import abi
from governance.chain.rpc import CallReverted, Header, Rpc
from governance.chain.send import KeyConflict, send_once
from governance.chain.signatures import BadSignature, normal
from governance.chain.votes_token import DELEGATE_BY_SIG, Standing, delegates_after, standing
from governance.locks import LockClass, transaction_lock
from governance.models import OutgoingTransaction
from governance.numbers import grouped
from governance.sentences import worded
from presentation.dao_view import DaoView
from webapp.delegates.share import share_of_today
from webapp.models import RelayedDelegation
from webapp.node import node
from webapp.relaying import Caps, RelayRefused, Share, is_reserved, signer

CAPS = Caps(account=3, everybody=200, reserved=100)
MAX_GAS = 500_000  # a delegation takes about 100,000
# An estimate in the second of the last checkpoint overwrites it; a block later two are begun, each with two new words.
_NEW_CHECKPOINTS_GAS = 100_000
_MOST = 2**256 - 1


def relay(
    place: DaoView, delegator: bytes, delegate: bytes, nonce: int, expiry_chain_s: int, signature: bytes
) -> OutgoingTransaction:
    """Check a signed delegation against the chain and send it once. Asking again returns what was sent.

    `delegate`: 20 zero bytes for nobody. `expiry_chain_s`: Unix seconds until which the token takes it.

    Raises:
        RelayRefused: with the reason in words. RpcError: the node could not be asked; nothing was sent.
    """
    sender, token = signer(), place.one("votes_token")
    if token is None:
        raise RelayRefused(gettext("this DAO has no votes token that is known here"), 404)
    if not (0 <= nonce <= _MOST and 0 <= expiry_chain_s <= _MOST):
        raise RelayRefused(gettext("nonce and expiry are numbers from 0 to 2^256 - 1"))
    try:
        packed = normal(signature)
    except BadSignature as error:
        raise RelayRefused(worded(error.sentence), 403) from error
    r, s, v = packed[:32], packed[32:64], packed[64]
    calldata = abi.encode_call(DELEGATE_BY_SIG, [delegate, nonce, expiry_chain_s, v, r, s])
    address = bytes(token.address)
    prefix = f"delegation:{place.dao.chain_id}:{address.hex()[:16]}:{delegator.hex()}:{nonce}:"
    known = OutgoingTransaction.objects.filter(key__startswith=prefix)
    if (sent := known.exclude(status="failed").order_by("-id").first()) is not None and bytes(
        sent.calldata
    ) == calldata:
        return sent
    rpc = node(place)
    block = rpc.block("latest")
    if block is None:
        raise RelayRefused(gettext("the chain's node knows no newest block; try again in a moment"), 503)
    told = standing(rpc, address, delegator, block)
    _refuse_useless(told, delegate, nonce, expiry_chain_s, block)
    gas = _tried(rpc, address, calldata, delegator, delegate, block, sender.address)
    key = f"{prefix}{known.filter(status='failed').count()}"
    _count(place, delegator, delegate, key, share_of_today(rpc, address, delegator, told, block))
    sending = Rpc.for_chain(place.dao.chain_id)  # more patient than who only asks
    try:
        return send_once(key, sending, place.chain, sender, address, calldata, gas=gas)
    except KeyConflict as error:
        raise RelayRefused(gettext("another delegation of this account is on its way already"), 409) from error


def _refuse_useless(told: Standing, delegate: bytes, nonce: int, expiry_chain_s: int, block: Header) -> None:
    if told.delegate is None or told.nonce is None:
        raise RelayRefused(
            gettext("this votes token takes no delegations that can be relayed here; delegate by transaction")
        )
    if not told.held:
        raise RelayRefused(gettext("this account holds no tokens, so the relayer does not pay for it"), 403)
    if told.delegate == delegate:
        raise RelayRefused(gettext("the account's tokens vote as this asks already"), 409)
    if told.nonce != nonce:
        raise RelayRefused(
            gettext("another delegation of this account came first (its next number is %(next)s): sign again")
            % {"next": told.nonce},
            409,
        )
    if expiry_chain_s < block.timestamp_chain_s:
        raise RelayRefused(gettext("the time to use this signature is over: sign again"), 409)


def _tried(
    rpc: Rpc, token: bytes, calldata: bytes, delegator: bytes, delegate: bytes, block: Header, sender: bytes
) -> int:
    """Return the gas that a delegation takes which works in a trial. Raises RelayRefused for any other."""
    if delegates_after(rpc, token, calldata, delegator, block) != delegate:
        raise RelayRefused(
            gettext("the signature does not fit this delegation of this account: the token would not follow it"), 403
        )
    try:
        estimated = rpc.estimate_gas(token, calldata, sender=sender) * 6 // 5
    except CallReverted as error:
        raise RelayRefused(gettext("the votes token would refuse this delegation now"), 409) from error
    if estimated > MAX_GAS:
        text = gettext("this delegation needs %(needed)s gas, the relayer pays for %(paid)s; delegate by transaction")
        raise RelayRefused(text % {"needed": grouped(estimated), "paid": grouped(MAX_GAS)}, 403)
    return estimated + _NEW_CHECKPOINTS_GAS


def _count(place: DaoView, delegator: bytes, delegate: bytes, key: str, share: Share) -> None:
    """Note the delegation and hold it against the caps, one request at a time; the same asked for twice counts once."""
    with transaction.atomic():
        transaction_lock(LockClass.RELAYED_VOTES)
        if RelayedDelegation.objects.filter(outgoing_key=key).exists():
            return  # noted by the attempt before this one, which did not come to send
        reserved = is_reserved(RelayedDelegation, place.dao, {"delegator": delegator}, share, CAPS)
        RelayedDelegation.objects.create(
            dao=place.dao, delegator=delegator, delegate=delegate, is_reserved=reserved, outgoing_key=key
        )
        record(Action.DELEGATION_RELAYED, place.dao, account=delegator, key=key)
