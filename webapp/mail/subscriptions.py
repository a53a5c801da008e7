# SPDX-License-Identifier: Apache-2.0
"""Subscriptions with confirmed opt-in: asking sends one message with a link; only pressing the button there subscribes.

What was chosen travels in the signed link, so that asking for another's address changes nothing of theirs. The link
scanner of a mail server that follows the link confirms nothing either: a page with a button answers it.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from governance import work
from governance.audit_log import Action, record
from governance.models import Dao
from webapp import throttle
from webapp.mail import facts
from webapp.mail.kinds import Topic
from webapp.models import Reader, Subscription

CONFIRM_WORK = "webapp.confirmation"
CONFIRM_WITHIN = datetime.timedelta(days=7)
PER_ADDRESS_AN_HOUR = 3
PER_ASKER_AN_HOUR = 30
_SIGNER = "webapp.subscription"


class TooOften(Exception):
    """Somebody asks too often; the text is for them."""


class BadLink(Exception):
    """A link that confirms or ends nothing; the text is for whoever followed it."""


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True)
class Choice:
    """What somebody wants to be told, how often, and of whose votes. `zone`: IANA's name. `phrase`: stands in each
    mail to this reader. `language`: of mails. All three are the reader's, of all DAOs: empty, they stay what they
    are."""

    frequency: str
    delegate: bytes | None = None
    topics: tuple[str, ...] = tuple(Topic.values)
    zone: str = ""
    phrase: str = ""
    language: str = ""


@cache  # hundreds of files are looked at
def zones() -> tuple[str, ...]:
    """The time zones that may be chosen, by their names."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


def zone_of(name: str) -> ZoneInfo:
    """The zone of a name; UTC where it is none, as after a zone was taken from the list."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def ask(dao: Dao, email: str, choice: Choice, asker: str) -> None:
    """Take a wish and have the confirmation sent. `email` has been validated. Raises TooOften.

    Tells nobody whether the address is subscribed already.
    """
    email = email.strip().lower()
    if not throttle.allow("subscribe-asker", asker, limit=PER_ASKER_AN_HOUR, window=throttle.HOUR):
        raise TooOften(gettext("Too many subscriptions from one place. Try again in an hour."))
    if not throttle.allow("subscribe", f"{dao.pk}:{email}", limit=PER_ADDRESS_AN_HOUR, window=throttle.HOUR):
        raise TooOften(
            gettext("This address was entered several times. Look for our message, or try again in an hour.")
        )
    # Not around the counts above: what is refused is counted all the same.
    with transaction.atomic():
        _ask(dao, email, choice)


def _ask(dao: Dao, email: str, wish: Choice) -> None:
    reader, _ = Reader.objects.get_or_create(
        email=email, defaults={"zone": wish.zone or "UTC", "language": wish.language or "en"}
    )
    subscription, _ = Subscription.objects.get_or_create(
        dao=dao, reader=reader, defaults={"frequency": wish.frequency, "delegate": wish.delegate}
    )
    choice = {
        "s": subscription.pk,
        "f": wish.frequency,
        "d": wish.delegate.hex() if wish.delegate else "",
        "n": secrets.token_hex(16),
        "t": list(wish.topics),
        "z": wish.zone,
        "p": wish.phrase,
        "l": wish.language,
    }
    Subscription.objects.filter(pk=subscription.pk).update(
        confirm_token_hash=_hash(confirm_token(choice)), confirm_sent_at=timezone.now()
    )
    # The row holds the choice, not the token: without the site's key nobody can confirm from the database.
    work.enqueue(CONFIRM_WORK, f"{subscription.pk}:{choice['n'][:12]}", arguments=choice)
    record(Action.SUBSCRIPTION_ASKED, dao, subscription=subscription.pk, frequency=wish.frequency)


def confirm_token(choice: dict) -> str:
    """The token of a choice: always the same for the same choice, and only with the site's key."""
    # In a fixed order: the database gives a JSON object's keys back in another. Links of before had four parts.
    kept = {key: choice[key] for key in "dflnpstz" if key in choice}
    return signing.Signer(salt=_SIGNER).sign_object(kept, compress="t" in kept)


def confirm_link(token: str) -> str:
    return settings.ORIGIN + reverse("confirm", args=[token])


def of_confirm_token(token: str) -> tuple[Subscription, dict]:
    """The subscription that a link would confirm, and the choice in it. Raises BadLink."""
    try:
        choice = signing.Signer(salt=_SIGNER).unsign_object(token)
    except signing.BadSignature as error:
        raise BadLink(gettext("This link is incomplete or was changed on its way.")) from error
    subscription = (
        Subscription.objects.select_related("dao__chain", "reader")
        .filter(pk=choice["s"], confirm_token_hash=_hash(token), confirm_sent_at__gt=timezone.now() - CONFIRM_WITHIN)
        .first()
    )
    if subscription is None:
        raise BadLink(gettext("This link was used already, is older than a week, or a newer one was sent."))
    return subscription, choice


def confirm(token: str) -> Subscription:
    """Subscribe. The link is spent. An address that rested is written to again: its owner has read our message. Raises
    BadLink."""
    subscription, choice = of_confirm_token(token)
    reader = subscription.reader
    reader.zone, reader.phrase = choice.get("z") or reader.zone, choice.get("p") or reader.phrase
    reader.language = choice.get("l") or reader.language
    reader.refusals, reader.rests_since, reader.rests_until = 0, None, None
    reader.unsubscribe_token_hash = _hash(unsubscribe_all_token(reader))
    subscription.topics = choice.get("t", Topic.values)
    subscription.frequency = choice["f"]
    subscription.delegate = bytes.fromhex(choice["d"]) if choice["d"] else None
    if subscription.confirmed_at is None or subscription.unsubscribed_at is not None:
        subscription.from_block = facts.next_block(subscription.dao)
    subscription.confirmed_at, subscription.unsubscribed_at = timezone.now(), None
    subscription.confirm_token_hash = None
    subscription.unsubscribe_token_hash = _hash(unsubscribe_token(subscription))
    with transaction.atomic():
        reader.save()
        subscription.save()
        record(Action.SUBSCRIPTION_CONFIRMED, subscription.dao, subscription=subscription.pk)
    return subscription


def unsubscribe_token(subscription: Subscription) -> str:
    """The token in each digest's unsubscribe link; stays the same, so that links in old mails work."""
    text = f"unsubscribe:{subscription.pk}:{subscription.created_at.isoformat()}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def unsubscribe_link(subscription: Subscription) -> str:
    return settings.ORIGIN + reverse("unsubscribe", args=[unsubscribe_token(subscription)])


def unsubscribe_all_token(reader: Reader) -> str:
    """The token in the unsubscribe link of mails about several DAOs; stays the same."""
    text = f"unsubscribe all:{reader.pk}:{reader.created_at.isoformat()}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def unsubscribe_all_link(reader: Reader) -> str:
    """The link that ends all of a reader's subscriptions."""
    token = unsubscribe_all_token(reader)
    Reader.objects.filter(pk=reader.pk, unsubscribe_token_hash=None).update(unsubscribe_token_hash=_hash(token))
    return settings.ORIGIN + reverse("unsubscribe", args=[token])


@dataclass(frozen=True)
class Ended:
    """What an unsubscribe link is about: one subscription, or all of a reader's."""

    held: list[Subscription]
    is_all: bool

    @property
    def is_over(self) -> bool:
        return all(one.unsubscribed_at is not None for one in self.held)


def of_unsubscribe_token(token: str) -> Ended:
    """What a link would end. Raises BadLink."""
    rows = Subscription.objects.select_related("dao__chain").order_by("pk")
    if one := rows.filter(unsubscribe_token_hash=_hash(token)).first():
        return Ended([one], is_all=False)
    if found := Reader.objects.filter(unsubscribe_token_hash=_hash(token)).first():
        return Ended(list(rows.filter(reader=found)), is_all=True)
    raise BadLink(
        gettext("There is no subscription behind this link. If mails still come, tell the operator of this site.")
    )


def unsubscribe(token: str) -> Ended:
    """End it; ending it twice is fine. Raises BadLink."""
    found = of_unsubscribe_token(token)
    for one in found.held:
        end(one)
    return found


def end(one: Subscription) -> None:
    """End a subscription; one that is over stays so."""
    with transaction.atomic():
        if Subscription.objects.filter(pk=one.pk, unsubscribed_at=None).update(unsubscribed_at=timezone.now()):
            record(Action.SUBSCRIPTION_ENDED, one.dao, subscription=one.pk)


def active(dao: Dao | None = None):
    """Confirmed subscriptions that were not ended, of readers whose address does not rest."""
    awake = Q(reader__rests_since=None) | Q(reader__rests_until__lte=timezone.now())
    found = Subscription.objects.filter(awake, confirmed_at__isnull=False, unsubscribed_at__isnull=True)
    return found.filter(dao=dao) if dao else found
