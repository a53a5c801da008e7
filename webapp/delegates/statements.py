# SPDX-License-Identifier: Apache-2.0
"""What a delegate says of itself: signed as EIP-712 typed data over the text's hash, so that nobody else can say it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from governance import asked_power
from governance.audit_log import Action, record
from governance.chain import eip712
from governance.chain.rpc import Rpc
from governance.chain.signatures import BadSignature, of_key, signed_by
from governance.models import AccountPower
from governance.numbers import grouped
from governance.sentences import worded
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak
from presentation import words
from presentation.dao_view import DaoView
from webapp.models import DelegateStatement

MOST_CHARS = 2_000
FRESH_S = 600  # how far a signature's time may be from this site's clock
NAME = "Mandate statement of a delegate"
TYPES = {
    "Statement": [
        {"name": "account", "type": "address"},
        {"name": "textHash", "type": "bytes32"},
        {"name": "signedAt", "type": "uint256"},
    ]
}


class NotTaken(Exception):
    """Why a statement is not published, in words for who signed it."""


def is_text(text: str) -> bool:
    """Return whether UTF-8 can write a text: JSON may hold halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_hash(text: str) -> bytes:
    """Return what is signed of a text: keccak256 of its UTF-8."""
    return keccak(text.encode())


def typed_data(place: DaoView, account: bytes, hash_: bytes, signed_at_s: int) -> dict[str, Any]:
    """Return what the account signs. The governor's address says of which DAO."""
    message = {"account": words.address_text(account), "textHash": hex_text(hash_), "signedAt": str(signed_at_s)}
    governor = words.address_text(place.governor.address)
    return eip712.document(TYPES, "Statement", NAME, place.dao.chain_id, governor, message)


def publish(place: DaoView, account: bytes, text: str, signed_at_s: int, signature: bytes) -> DelegateStatement | None:
    """Keep what an account says of itself in place of what it said before; an empty text takes it back (None).

    Raises:
        NotTaken: without voting power, too long, too old, older than what is kept, or not signed by the account.
        RpcError: the chain had to be asked whether a contract account signed, and could not be.
    """
    if len(text) > MOST_CHARS:
        raise NotTaken(gettext("A statement has at most %(count)s characters.") % {"count": grouped(MOST_CHARS)})
    if abs(time.time() - signed_at_s) > FRESH_S:
        raise NotTaken(gettext("The signature is too old, or this device's clock is wrong. Sign again."))
    if text and not _has_power(place, account):
        raise NotTaken(gettext("Only an account with voting power can publish a statement."))
    message = eip712.signable(typed_data(place, account, text_hash(text), signed_at_s))
    block = None
    try:
        of_key(message, account, signature)
    except BadSignature:
        told = signed_by(message, account, signature, Rpc.for_chain(place.dao.chain_id))
        if not told.is_signed:
            why = worded(told.problem) if told.problem else ""
            raise NotTaken(gettext("The account did not sign this: %(why)s.") % {"why": why}) from None
        block = told.block.number if told.block else None
    with transaction.atomic():
        kept = DelegateStatement.objects.select_for_update().filter(dao=place.dao, account=account).first()
        if kept is not None and kept.signed_at_s >= signed_at_s:
            raise NotTaken(gettext("A statement that was signed later is published already."))
        values = {"text": text, "signed_at_s": signed_at_s, "signature": signature, "block_number": block}
        # An empty text is kept too: what was signed before it must not come back.
        found, _ = DelegateStatement.objects.update_or_create(dao=place.dao, account=account, defaults=values)
        said = {"text_hash": hex_text(text_hash(text)), "is_taken_back": not text, "signed_at_s": signed_at_s}
        record(Action.STATEMENT_PUBLISHED, place.dao, account=account, **said)
    return found if text else None


def _has_power(place: DaoView, account: bytes) -> bool:
    if asked_power.degraded(place.dao) is not None:
        asked = asked_power.newest_asked(place.dao, account)
        return asked is not None and bool(asked.power)
    return AccountPower.objects.filter(dao=place.dao, account=account, power__gt=0).exists()


def statements(place: DaoView, accounts: Sequence[bytes]) -> dict[bytes, DelegateStatement]:
    """Return what these accounts say of themselves. One query."""
    found = DelegateStatement.objects.filter(dao=place.dao, account__in=accounts).exclude(text="")
    return {bytes(row.account): row for row in found}
