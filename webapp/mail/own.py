# SPDX-License-Identifier: Apache-2.0
"""What is kept of a reader, for the reader alone: shown, given as a file, and deleted, by a link to the mailbox."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from governance import work
from governance.audit_log import Action, record
from governance.models import Work
from presentation import words
from webapp import throttle
from webapp.languages import known
from webapp.mail import subscriptions
from webapp.mail.send import DIGEST_WORK, PERIOD_WORK, message_id
from webapp.mail.transport import MailRefused, deliver
from webapp.mail.words import say
from webapp.models import Reader

OWN_WORK = "webapp.own"
WITHIN = datetime.timedelta(days=1)
PER_ADDRESS_AN_HOUR = 3
_SIGNER = "webapp.own"


def ask(email: str, asker: str) -> None:
    """Have the link sent to an address, if something is kept of it. Raises TooOften.

    Tells nobody whether something is.
    """
    email = email.strip().lower()
    limit = subscriptions.PER_ASKER_AN_HOUR
    if not throttle.allow("own-asker", asker, limit=limit, window=throttle.HOUR):
        raise subscriptions.TooOften(gettext("Too many requests from one place. Try again in an hour."))
    if not throttle.allow("own", email, limit=PER_ADDRESS_AN_HOUR, window=throttle.HOUR):
        raise subscriptions.TooOften(
            gettext("This address was entered several times. Look for our message, or try again in an hour.")
        )
    reader = Reader.objects.filter(email=email).first()
    if reader is None:
        return
    choice = {"r": reader.pk, "n": secrets.token_hex(16)}
    with transaction.atomic():
        Reader.objects.filter(pk=reader.pk).update(own_token_hash=_hash(_token(choice)), own_sent_at=timezone.now())
        work.enqueue(OWN_WORK, f"{reader.pk}:{choice['n'][:12]}", arguments=choice)


@work.worker(OWN_WORK)
def send_link(_key: str, choice: dict[str, Any]) -> None:
    """Send the link. Doing it again sends the same message."""
    reader = Reader.objects.filter(pk=choice["r"]).first()
    if reader is None:
        raise work.Abandon(say("subscription_gone"))
    link = settings.ORIGIN + reverse("own_data", args=[_token(choice)])
    headers = {"Message-ID": message_id("own", reader, str(choice["n"])), "Auto-Submitted": "auto-generated"}
    with translation.override(known(reader.language)):
        text = render_to_string("mail/own.txt", {"link": link, "phrase": reader.phrase})
        subject = gettext("What we keep of you")
    try:
        deliver(reader.email, subject, text, None, headers)
    except MailRefused as error:
        raise work.Abandon(say("refused_for_good")) from error


def of_token(token: str) -> Reader:
    """Whose data a link shows. Raises BadLink."""
    found = Reader.objects.filter(own_token_hash=_hash(token), own_sent_at__gt=timezone.now() - WITHIN).first()
    if found is None:
        raise subscriptions.BadLink(gettext("This link is older than a day, or a newer one was sent."))
    return found


def data_of(reader: Reader) -> dict[str, Any]:
    """All that is kept of a reader, but for the site's own marks (hashes of links, counts of requests)."""
    held = reader.subscriptions.select_related("dao").order_by("pk")
    return {
        "email": reader.email,
        "time_zone": reader.zone,
        "language": reader.language,
        "phrase": reader.phrase,
        "since": reader.created_at.isoformat(),
        "rests_since": reader.rests_since.isoformat() if reader.rests_since else None,
        "rests_until": reader.rests_until.isoformat() if reader.rests_until else None,
        "subscriptions": [
            {
                "dao": one.dao.slug,
                "frequency": one.frequency,
                "topics": one.topics,
                "voting_address": words.address_text(bytes(one.delegate)) if one.delegate else None,
                "asked": one.created_at.isoformat(),
                "confirmed": one.confirmed_at.isoformat() if one.confirmed_at else None,
                "ended": one.unsubscribed_at.isoformat() if one.unsubscribed_at else None,
            }
            for one in held
        ],
        "messages": [
            {"about": topic, "at": at.isoformat() if at else None, "outcome": outcome}
            for topic, at, outcome in reader.digests.order_by("pk").values_list("topic", "sent_at", "outcome")
        ],
    }


def forget(reader: Reader) -> None:
    """Delete all that is kept of a reader: subscriptions, messages, what is still to be sent, and the address.

    The audit log keeps that subscriptions of these numbers were there, with no address.
    """
    with transaction.atomic():
        held = list(reader.subscriptions.select_related("dao"))
        for one in held:
            subscriptions.end(one)
        planned(reader).delete()
        number = reader.pk
        reader.delete()
        record(Action.READER_FORGOTTEN, None, reader=number)


def planned(reader: Reader) -> QuerySet[Work]:
    """The messages to a reader that are due or were sent: rows of work, which hold what was chosen."""
    held = list(reader.subscriptions.values_list("pk", flat=True))
    return Work.objects.filter(
        Q(name=subscriptions.CONFIRM_WORK, arguments__s__in=held)
        | Q(name=DIGEST_WORK, arguments__subscription__in=held)
        | Q(name=PERIOD_WORK, arguments__reader=reader.pk)
        | Q(name=OWN_WORK, arguments__r=reader.pk)
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _token(choice: dict[str, Any]) -> str:
    return signing.Signer(salt=_SIGNER).sign_object({key: choice[key] for key in "nr"})
