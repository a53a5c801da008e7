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

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from governance import work
from governance.audit_log import Action, record
from governance.models import Dao
from webapp import throttle
from webapp.models import Subscription

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


def ask(dao: Dao, email: str, frequency: str, delegate: bytes | None, asker: str) -> None:
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
        _ask(dao, email, frequency, delegate)


def _ask(dao: Dao, email: str, frequency: str, delegate: bytes | None) -> None:
    subscription, _ = Subscription.objects.get_or_create(
        dao=dao, email=email, defaults={"frequency": frequency, "delegate": delegate}
    )
    choice = {
        "s": subscription.pk,
        "f": frequency,
        "d": delegate.hex() if delegate else "",
        "n": secrets.token_hex(16),
    }
    Subscription.objects.filter(pk=subscription.pk).update(
        confirm_token_hash=_hash(confirm_token(choice)), confirm_sent_at=timezone.now()
    )
    # The row holds the choice, not the token: without the site's key nobody can confirm from the database.
    work.enqueue(CONFIRM_WORK, f"{subscription.pk}:{choice['n'][:12]}", arguments=choice)
    record(Action.SUBSCRIPTION_ASKED, dao, subscription=subscription.pk, frequency=frequency)


def confirm_token(choice: dict) -> str:
    """The token of a choice: always the same for the same choice, and only with the site's key."""
    # In a fixed order: the database gives a JSON object's keys back in another.
    return signing.Signer(salt=_SIGNER).sign_object({key: choice[key] for key in "dfns"}, compress=False)


def confirm_link(token: str) -> str:
    return settings.ORIGIN + reverse("confirm", args=[token])


def of_confirm_token(token: str) -> tuple[Subscription, dict]:
    """The subscription that a link would confirm, and the choice in it. Raises BadLink."""
    try:
        choice = signing.Signer(salt=_SIGNER).unsign_object(token)
    except signing.BadSignature as error:
        raise BadLink(gettext("This link is incomplete or was changed on its way.")) from error
    subscription = (
        Subscription.objects.select_related("dao__chain")
        .filter(pk=choice["s"], confirm_token_hash=_hash(token), confirm_sent_at__gt=timezone.now() - CONFIRM_WITHIN)
        .first()
    )
    if subscription is None:
        raise BadLink(gettext("This link was used already, is older than a week, or a newer one was sent."))
    return subscription, choice


def confirm(token: str) -> Subscription:
    """Subscribe. The link is spent. Raises BadLink."""
    subscription, choice = of_confirm_token(token)
    subscription.frequency = choice["f"]
    subscription.delegate = bytes.fromhex(choice["d"]) if choice["d"] else None
    subscription.confirmed_at, subscription.unsubscribed_at = timezone.now(), None
    subscription.confirm_token_hash = None
    subscription.unsubscribe_token_hash = _hash(unsubscribe_token(subscription))
    with transaction.atomic():
        subscription.save()
        record(Action.SUBSCRIPTION_CONFIRMED, subscription.dao, subscription=subscription.pk)
    return subscription


def unsubscribe_token(subscription: Subscription) -> str:
    """The token in each digest's unsubscribe link; stays the same, so that links in old mails work."""
    text = f"unsubscribe:{subscription.pk}:{subscription.created_at.isoformat()}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def unsubscribe_link(subscription: Subscription) -> str:
    return settings.ORIGIN + reverse("unsubscribe", args=[unsubscribe_token(subscription)])


def of_unsubscribe_token(token: str) -> Subscription:
    """The subscription that a link would end. Raises BadLink."""
    found = Subscription.objects.select_related("dao__chain").filter(unsubscribe_token_hash=_hash(token)).first()
    if found is None:
        raise BadLink(
            gettext("There is no subscription behind this link. If mails still come, tell the operator of this site.")
        )
    return found


def unsubscribe(token: str) -> Subscription:
    """End it; ending it twice is fine. Raises BadLink."""
    subscription = of_unsubscribe_token(token)
    if subscription.unsubscribed_at is None:
        with transaction.atomic():
            Subscription.objects.filter(pk=subscription.pk).update(unsubscribed_at=timezone.now())
            record(Action.SUBSCRIPTION_ENDED, subscription.dao, subscription=subscription.pk)
    return subscription


def active(dao: Dao | None = None):
    """Confirmed subscriptions that were not ended."""
    found = Subscription.objects.filter(confirmed_at__isnull=False, unsubscribed_at__isnull=True)
    return found.filter(dao=dao) if dao else found
