# SPDX-License-Identifier: Apache-2.0
"""Webhooks: news posted to an address that a member gave, in order, at least once, each with an id that stays.

Signed as Standard Webhooks says. What is sent is decided when it is sent, as with mails: news that are not so any more
are not told, what was told and is not so any more is corrected, and what one node alone shows waits. News about one
thing come in their order; news about another may come before those that wait. A message that is not taken holds up all
later ones of its webhook, and is tried again.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import random
import secrets
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.http import Http404
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Signer

from agent.models import AgentHalt
from governance import power, work
from governance.audit_log import Action, record
from governance.models import Dao, Work
from presentation.dao_view import DaoView
from presentation.proposals import proposal_of, summary_of
from webapp.mail import alerts, facts, hook_words, letters, outbound
from webapp.mail.hook_words import News
from webapp.mail.kinds import NEED_ADDRESS, OF_MODULES, OF_PROPOSALS, TOPICS, Kind, Topic, kind_of
from webapp.mail.send import (
    NOTHING,
    PERHAPS_SENT,
    REFUSED,
    SENT,
    UNDONE,
    wait_for_depth,
    wait_for_mirror,
    wait_for_summary,
)
from webapp.mail.words import say
from webapp.models import Webhook, WebhookEvent

WEBHOOK_WORK = "webapp.webhook"
OFFERED = tuple(topic for topic in Topic.values if topic not in NEED_ADDRESS)
FIRST = "webhook.added"
PER_OWNER = 3  # of one DAO
PER_DAO = 200
KEPT = datetime.timedelta(days=30)  # what was sent; and so long a receiver may be away
_ANSWERS_WITHIN = datetime.timedelta(days=1)
_NEWS_FOR = datetime.timedelta(days=2)
_A_TURN, _TURN_S = 1_000, 5.0
# Whose attempt took longer goes after all others for so long (`webapp.mail.posting`).
_SLOW_S, _SLOW_FOR = 2.0, datetime.timedelta(hours=1)
_BACKOFF_FIRST_S, _BACKOFF_MOST_S = 5, 6 * 3600
# What a receiver has against one message, and not against us or the moment.
_OF_MESSAGE = frozenset({400, 413, 414, 415, 422})
_REFUSALS, _REFUSED_FOR = 6, datetime.timedelta(hours=1)  # at least so often, and over so long


class TooMany(Exception):
    """An account, or a DAO, has as many webhooks as it may. `is_dao`: the DAO, and none of them makes room."""

    def __init__(self, *, is_dao: bool):
        self.is_dao = is_dao
        super().__init__()


def secret_of(hook: Webhook) -> str:
    """The secret that signs a webhook's messages, as receivers are told it: the same as long as the site's key is."""
    text = f"webhook:{hook.pk}:{hook.salt}"
    key = hmac.digest(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256)
    return "whsec_" + base64.b64encode(key).decode()


def active(dao: Dao | None = None) -> QuerySet[Webhook]:
    """Webhooks that have not ended."""
    found = Webhook.objects.filter(ended_at=None)
    return found.filter(dao=dao) if dao else found


def add(dao: Dao, owner: bytes, url: str, form: str, topics: list[str]) -> Webhook:
    """Add a webhook; its first message says so. Where the DAO has as many as it may, one of the account with the least
    voting power makes room, if that is less than this account's. Raises BadTarget and TooMany."""
    outbound.target_of(url)
    with transaction.atomic():
        Dao.objects.select_for_update().get(pk=dao.pk)  # counted by one at a time
        if active(dao).filter(owner=owner).count() >= PER_OWNER:
            raise TooMany(is_dao=False)
        _make_room(dao, owner)
        hook = Webhook.objects.create(
            dao=dao,
            owner=owner,
            url=url,
            form=form,
            topics=topics,
            salt=secrets.token_hex(16),
            from_block=facts.next_block(dao),
        )
        _append([hook], FIRST, FIRST, None)
        record(Action.WEBHOOK_ADDED, dao, account=owner, webhook=hook.pk, form=form)
    return hook


def _make_room(dao: Dao, owner: bytes) -> None:
    """Let strangers, who cost nothing, keep nobody out who has power. Raises TooMany where nobody has less."""
    held = list(active(dao).order_by("pk"))
    if len(held) < PER_DAO:
        return
    powers = power.powers_now(dao, list({bytes(hook.owner) for hook in held} | {owner}))
    least = min(reversed(held), key=lambda hook: powers.get(bytes(hook.owner), 0))  # of equal ones, the newest
    if powers.get(bytes(least.owner), 0) >= powers.get(owner, 0):
        raise TooMany(is_dao=True)
    end(least, "hook_made_room")


def end(hook: Webhook, code: str, because: str = "") -> None:
    """End a webhook, delete its address and what was not sent; one that has ended stays as it is. `because`: what the
    audit log says beside the code, of who ended another's."""
    with transaction.atomic():
        ended = active().filter(pk=hook.pk).update(ended_at=timezone.now(), ended_code=code, url="")
        if ended:
            hook.events.filter(done_at=None).delete()
            more = {"because": because} if because else {}
            record(Action.WEBHOOK_ENDED, hook.dao, webhook=hook.pk, why=code, **more)


def plan(dao: Dao, kind: Kind, topic: str, block: int | None, is_new: Q) -> None:
    """Have news, or (the topic says so) their correction, posted to whoever wants them. To be called in the transaction
    that notes that they were read: then none is lost. A correction is planned for all; who was told nothing gets none.
    `is_new`: to which webhooks what happened is new.
    """
    if TOPICS[kind] in NEED_ADDRESS:
        return
    wanted = active(dao)
    if UNDONE not in topic.partition(":")[0]:
        wanted = wanted.filter(is_new, topics__contains=[TOPICS[kind]])
    # One at a time: messages are seen in the order of their numbers.
    hooks = list(wanted.select_for_update().order_by("pk"))
    _append(hooks, topic, _about(topic), block)


def plan_switches() -> None:
    """Tell that the agent was stopped or started on this site, as mails do."""
    since = timezone.now() - _NEWS_FOR
    stopped = AgentHalt.objects.filter(happened_at__gt=since).select_related("dao")
    started = AgentHalt.objects.filter(cleared_at__gt=since).select_related("dao")
    for kind, halts in ((alerts.STOPPED, stopped), (alerts.STARTED, started)):
        for halt in halts:
            topic = f"{kind}:{halt.pk}"
            at = halt.happened_at if kind == alerts.STOPPED else halt.cleared_at
            wanted = active(halt.dao).filter(topics__contains=[Topic.PAUSED], created_at__lt=at)
            with transaction.atomic():
                told = WebhookEvent.objects.filter(webhook=OuterRef("pk"), topic=topic)
                hooks = list(wanted.exclude(Exists(told)).select_for_update().order_by("pk"))
                _append(hooks, topic, topic, None)


def _append(hooks: list[Webhook], topic: str, about: str, block: int | None) -> None:
    WebhookEvent.objects.bulk_create(
        [
            WebhookEvent(
                webhook=hook, topic=topic, about=about, message_id=f"msg_{secrets.token_hex(16)}", block_number=block
            )
            for hook in hooks
        ],
        ignore_conflicts=True,
    )


def _about(topic: str) -> str:
    kind, _, rest = topic.partition(":")
    return f"{kind.removesuffix(UNDONE)}:{rest.partition('@')[0]}"


def wake() -> None:
    """Make due the sending to each webhook that has something to be sent and is not waited for. One query, and two for
    each of these."""
    waits = WebhookEvent.objects.filter(webhook=OuterRef("pk"), done_at=None)
    planned = Work.objects.filter(name=WEBHOOK_WORK, key=OuterRef("name"), done_at=None)
    named = active().annotate(name=Cast("pk", CharField()))
    for pk in named.filter(Exists(waits)).exclude(Exists(planned)).values_list("pk", flat=True):
        work.enqueue(WEBHOOK_WORK, str(pk), renew=True)


def forget_old() -> None:
    """Delete what was sent long ago, and what is left of webhooks that ended."""
    before = timezone.now() - KEPT
    WebhookEvent.objects.filter(done_at__lt=before).delete()
    Webhook.objects.filter(ended_at__lt=before).delete()


@work.worker(WEBHOOK_WORK)
def deliver(key: str, _arguments: dict[str, Any]) -> None:
    """Send what is due to one webhook, oldest first, for some seconds; to a slow one, one message."""
    hook = active().select_related("dao__chain").filter(pk=int(key)).first()
    if hook is None:
        raise work.Abandon(say("hook_ended"))
    place = DaoView(hook.dao)
    until, is_begun, is_shorter = time.monotonic() + _TURN_S, False, False
    held: dict[str, work.Again] = {}
    is_behind: work.Again | None = None
    try:
        wait_for_mirror(place)
    except work.Again as waits:
        is_behind = waits
    due = list(hook.events.filter(done_at=None).order_by("pk")[:_A_TURN])
    for event in due:
        if time.monotonic() > until or (is_begun and hook.is_slow(timezone.now())):
            raise work.Again(timezone.now(), say("hook_more"))
        subject = _subject(event.about)
        if subject in held:
            continue
        if is_behind and not _is_of_this_site(event):
            held[subject] = is_behind
            continue
        try:
            news = _news(hook, place, event)
        except work.Again as waits:
            held[subject] = waits
            continue
        if news is None:
            _close(event, PERHAPS_SENT if event.perhaps_told else NOTHING)
        else:
            _send(hook, event, news)
            is_begun = True
        is_shorter = True
    if len(due) == _A_TURN and is_shorter:
        raise work.Again(timezone.now(), say("hook_more"))
    if held:
        raise min(held.values(), key=lambda waits: waits.due_at)


def _is_of_this_site(event: WebhookEvent) -> bool:
    """Whether it says nothing of the chain: then it does not wait while blocks of long ago are read."""
    return event.about.partition(":")[0] in (FIRST, *alerts.KINDS)


def _subject(about: str) -> str:
    """What news are about: their order among each other counts."""
    name, _, key = about.partition(":")
    kind = kind_of(name)
    if kind in OF_PROPOSALS:
        return f"proposal:{facts.number_of(kind, key)}"
    return f"module:{key.rpartition(':')[0]}" if kind in OF_MODULES else f"act:{key}"


def _news(hook: Webhook, place: DaoView, event: WebhookEvent) -> News | None:
    """What a message says as things are now; None where there is nothing to say (any more). Raises work.Again where
    that is not known yet."""
    name, _, key = event.about.partition(":")
    if name == FIRST:
        return hook_words.first(place)
    if name in alerts.KINDS:
        written = alerts.letter(place, name, key, None)
        return None if written is None else News.of(place, name, key, written)
    kind = kind_of(name)
    if kind is None:
        return None
    wait_for_depth(place, event.block_number)
    is_correction = event.topic.startswith(kind + UNDONE)
    if kind is Kind.JUDGED:
        return None if is_correction else _judged(place, key)
    is_so = facts.happened(place, kind, key)
    if is_correction:
        if is_so or not _may_be_believed(hook, event):
            return None
        return News.of(place, kind, key, letters.correction(place, kind, key), undone=True)
    if not is_so or _is_told(hook, event) or TOPICS[kind] not in hook.topics:
        return None
    if facts.doubt(place, kind, key):
        raise work.Again(timezone.now() + datetime.timedelta(seconds=30), say("one_node_alone"))
    is_current = facts.is_current(place, kind, key, None)
    if not is_current and hook.form != Webhook.Form.STANDARD:
        return None  # people read it as being so now
    if kind is Kind.CREATED:
        wait_for_summary(place, int(key), event.created_at)
    try:
        return News.of(place, kind, key, letters.letter(place, kind, key, None), is_current=is_current)
    except (letters.Gone, Http404):
        return None


def _judged(place: DaoView, key: str) -> News | None:
    number, _, outcome = key.partition(":")
    if not facts.happened(place, Kind.CREATED, number):
        return None
    summary = summary_of(proposal_of(place, int(number)))
    if summary is None or summary.verdict != outcome:
        return None
    return News.of(place, Kind.JUDGED, key, letters.letter(place, Kind.JUDGED, key, None))


def _told(hook: Webhook, event: WebhookEvent) -> Iterator[tuple[bool, bool]]:
    """Yield what may have been read about it before, the newest first: whether it said that it happened, and whether it
    is certain that it was taken."""
    before = hook.events.filter(Q(outcome=SENT) | Q(perhaps_told=True), about=event.about, pk__lt=event.pk)
    for topic, outcome in before.order_by("-pk").values_list("topic", "outcome"):
        yield UNDONE not in topic.partition(":")[0], outcome == SENT


def _is_told(hook: Webhook, event: WebhookEvent) -> bool:
    """Whether it is certain that the last word about it was that it happened: then it isn't told again."""
    for says_so, is_certain in _told(hook, event):
        if not says_so:
            return False
        if is_certain:
            return True
    return False


def _may_be_believed(hook: Webhook, event: WebhookEvent) -> bool:
    """Whether the last word about it may have been that it happened: then it has to be corrected."""
    for says_so, is_certain in _told(hook, event):
        if says_so:
            return True
        if is_certain:
            return False
    return False


def _close(event: WebhookEvent, outcome: str) -> None:
    WebhookEvent.objects.filter(pk=event.pk).update(done_at=timezone.now(), outcome=outcome)


def _send(hook: Webhook, event: WebhookEvent, news: News) -> None:
    """Post one message, and note what came of it. Raises work.Again where it was not taken, and Abandon where the
    webhook has ended."""
    if not active().filter(pk=hook.pk).exists():
        raise work.Abandon(say("hook_ended"))
    # Said before: whoever is killed after it gets no word in, and a correction may be due.
    mine = WebhookEvent.objects.filter(pk=event.pk)
    mine.update(attempts=F("attempts") + 1, perhaps_told=True)
    now = timezone.now()
    body = hook_words.body(hook, event, news)
    headers = {
        "Content-Type": "application/json", "webhook-id": event.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(secret_of(hook)).sign(event.message_id, now, body),
    }  # fmt: skip
    begun_s = time.monotonic()
    try:
        outbound.post(hook_words.address(hook), body.encode(), headers)
    except outbound.BadTarget as error:
        end(hook, "hook_address")
        raise work.Abandon(say("hook_address")) from error
    except outbound.NotTaken as error:
        _note_time(hook, time.monotonic() - begun_s)
        if error.is_known and not event.perhaps_told:  # by no attempt before either
            mine.update(perhaps_told=False)
        _not_taken(hook, event, error)
        return
    _note_time(hook, time.monotonic() - begun_s)
    _close(event, SENT)
    active().filter(pk=hook.pk).update(failures=0, last_taken_at=timezone.now())
    hook.failures, hook.last_taken_at = 0, timezone.now()


def _note_time(hook: Webhook, took_s: float) -> None:
    """Let others go before a receiver that took so long."""
    if took_s > _SLOW_S:
        hook.slow_until = timezone.now() + _SLOW_FOR
        active().filter(pk=hook.pk).update(slow_until=hook.slow_until)


def _not_taken(hook: Webhook, event: WebhookEvent, error: outbound.NotTaken) -> None:
    """Have a message tried again later, or give it up where the receiver refuses that message alone."""
    if error.status == 410:
        end(hook, "hook_gone")
        raise work.Abandon(say("hook_gone"))
    now = timezone.now()
    if error.status in _OF_MESSAGE:
        refusals, since = event.refusals + 1, event.refused_since or now
        if refusals >= _REFUSALS and now - since >= _REFUSED_FOR and hook.last_taken_at is not None:
            _close(event, REFUSED)
            return
        WebhookEvent.objects.filter(pk=event.pk).update(refusals=refusals, refused_since=since)
    for since, longest, code in (
        (None if hook.last_taken_at else hook.created_at, _ANSWERS_WITHIN, "hook_never_answered"),
        (hook.last_taken_at, KEPT, "hook_dead"),
    ):
        if since is not None and now - max(since, event.created_at) > longest:
            end(hook, code)
            raise work.Abandon(say(code))
    failures = hook.failures + 1
    active().filter(pk=hook.pk).update(failures=failures)
    wait_s = min(_BACKOFF_FIRST_S * 2 ** min(failures - 1, 20), _BACKOFF_MOST_S)
    wait_s = max(wait_s, min(error.again_after_s, _BACKOFF_MOST_S)) * random.uniform(1.0, 1.2)  # noqa: S311 -- no secret
    raise work.Again(now + datetime.timedelta(seconds=wait_s), error.why) from None
