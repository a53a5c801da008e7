# SPDX-License-Identifier: Apache-2.0
"""What the relayer's key sends for members who only sign: votes and delegations. One key, and caps that are fair.

A day's free sends have two halves. One is open to all, first come, first served. Of the other, each account has a part
of its own, as large as its share of all tokens, that nobody else can use up: a thousand accounts with a crumb each
leave a holder's part alone. So that tokens which move from account to account give no second part, a share is taken as
of a moment that is over: when the day began, or a vote's snapshot. Days are UTC's.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext

from governance.chain.keys import Signer, signer_of
from governance.chain.rpc import Rpc
from governance.chain.send import settle
from governance.models import Dao, OutgoingTransaction

KEYS = ("vote:", "delegation:")  # how the journal's keys of what is relayed begin


class RelayRefused(Exception):
    """Why something signed is not relayed, in words for who signed. `status` is the HTTP status that fits."""

    def __init__(self, message: str, status: int = 400):
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Caps:
    """The most sends of a kind in a day: of one account, and of all; `reserved` of these by share of tokens."""

    account: int
    everybody: int
    reserved: int


@dataclass(frozen=True)
class Share:
    """How many of all tokens an account has, both in base units at one moment."""

    held: int
    supply: int

    def of(self, count: int) -> int:
        """Return the account's part of `count`, rounded down: all parts together are no more than `count`."""
        return count * min(self.held, self.supply) // self.supply if self.supply > 0 else 0


def signer() -> Signer:
    """The relayer's key. Raises RelayRefused where the site has none."""
    if not settings.RELAYER_KEYSTORE:
        raise RelayRefused(gettext("this site has no relayer; send a transaction from your wallet"), 503)
    return signer_of(settings.RELAYER_KEYSTORE, settings.RELAYER_PASSWORD_FILE)


def day_began() -> datetime.datetime:
    """Return when the present day began, in UTC."""
    return timezone.now().astimezone(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def is_reserved(model: type[Model], dao: Dao, of: dict[str, bytes], share: Share, caps: Caps) -> bool:
    """Hold one more send of an account against the caps; tells whether it is of the account's own part.

    `model` keeps the sends (`dao`, `is_reserved`, `created_at`, and the account by the field in `of`). To be called,
    and the row written, under one lock.

    Raises:
        RelayRefused: the account's limit, or everybody's, is reached.
    """
    recent = model._default_manager.filter(dao=dao, created_at__gte=day_began())
    own, of_shares = recent.filter(**of), recent.filter(is_reserved=True)
    if own.count() >= caps.account:
        raise RelayRefused(gettext("Your limit for today is reached: try again tomorrow, or send a transaction."), 429)
    # All parts together may be more than all: votes on several proposals count shares at several snapshots.
    if own.filter(is_reserved=True).count() < share.of(caps.reserved) and of_shares.count() < caps.reserved:
        return True
    if recent.filter(is_reserved=False).count() < caps.everybody - caps.reserved:
        return False
    raise RelayRefused(
        gettext("Today's limit for free sends is reached: try again tomorrow, or send a transaction."), 429
    )


def settle_sent() -> None:
    """Bring what was relayed and is not final one step further: rebroadcast, replace what is stuck, note receipts."""
    if not settings.RELAYER_KEYSTORE:
        return
    waiting = OutgoingTransaction.objects.filter(final=False).select_related("chain")
    chains = {row.chain for start in KEYS for row in waiting.filter(key__startswith=start)}
    for chain in chains:
        settle(Rpc.for_chain(chain.pk), chain, signer())
