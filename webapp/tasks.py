# SPDX-License-Identifier: Apache-2.0
"""What beat wakes: thin, the work is done by `webapp.mail` and rows with leases."""

import logging
import time
from importlib import import_module

from celery import shared_task
from django.conf import settings

from governance import work
from governance.chain.rpc import RpcError
from webapp import relaying, throttle
from webapp.drafts import saved
from webapp.mail import plan, posting, webhooks
from webapp.mail.own import OWN_WORK
from webapp.mail.send import DIGEST_WORK, PERIOD_WORK, sharing
from webapp.mail.subscriptions import CONFIRM_WORK
from webapp.mail.transport import one_connection
from webapp.policies import texts
from webapp.proposals import search

_AT_ONCE = (CONFIRM_WORK, OWN_WORK, DIGEST_WORK)
_DIGESTS_A_TURN = 5
_SENDS_S = 5

logger = logging.getLogger(__name__)


@shared_task
def poll() -> None:
    """Settle what was relayed, read the outbox, look at votes, plan the digests that are due, and send due mails.

    Webhooks have a task of their own: no mail waits for a stranger's receiver.
    """
    try:
        relaying.settle_sent()
    except RpcError as error:  # the node is away: it is settled when the node is back, mail goes out meanwhile
        logger.warning("what was relayed waits: %s", error)
    plan.follow_outbox()
    plan.look_at_votes()
    plan.plan_alerts()
    plan.plan_periods()
    send_due()


def send_due() -> None:
    """Send due mails, confirmations and news before digests, of which thousands fall due in one moment; for some
    seconds, so that the next look at votes does not wait for all of them."""
    until_s = time.monotonic() + _SENDS_S
    with sharing(), one_connection():
        while work.run_due(*_AT_ONCE) + work.run_due(PERIOD_WORK, limit=_DIGESTS_A_TURN) and time.monotonic() < until_s:
            pass


@shared_task
def post_webhooks() -> None:
    """Post to webhooks what is due, for some seconds."""
    posting.post_due()


@shared_task
def keep_words() -> None:
    """Keep the words of new proposals, for search."""
    search.keep_words()


@shared_task
def find_policy_texts() -> None:
    """Keep the policy documents that stand in proposals."""
    texts.find_in_proposals()


@shared_task
def tidy() -> None:
    """Delete expired sessions, counts of requests that no limit asks for any more, and drafts that nobody changes."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    throttle.forget_old()
    saved.forget_old()
    webhooks.forget_old()
