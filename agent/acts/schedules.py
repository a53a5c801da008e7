# SPDX-License-Identifier: Apache-2.0
"""Ask by a calendar: what the operator set up is asked for in the operator's name when its time comes, once each time.

The clock is the chain's, which the policy follows too, as the mirror has read it; what a node says from far ahead of
our own clock counts for nothing. Nothing is paid because a schedule says so: a request goes the way of every other. One
that comes due while this site does not run, or while no policy can be read, is asked for late, up to a week; after that
it was missed, and is told as that.
"""

import logging
import time
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agent.acts import submitting
from agent.acts.askers import month_begins_s
from agent.acts.calendar import BadRule, Due, Rule, check, due_after
from agent.acts.policy import NoPolicyInForce, PolicyInForce, chain_now_s, finalized, in_force
from agent.acts.words import NOTHING, Stated, say
from agent.models import Request, Schedule, ScheduledTime
from governance.audit_log import Action, record
from governance.chain.address import checksum
from governance.models import Cursor, Dao, PolicyVersion, chain_order
from governance.sentences import Sentence
from policies.code.encoding import DecodeError
from policies.notation.hexadecimal import hex_text

MONTH = "{month}"
PAYROLL = "pay the contributors for {month}"
MOST_TEXT = 400
MOST_SCHEDULES = 20  # of one policy, that have not ended
LATE_S = 7 * 86_400
_MOST_AT_ONCE = 24  # times of one schedule in one go
_AHEAD_S = 600  # by which a chain's clock may be ahead of ours

log = logging.getLogger(__name__)


class ScheduleError(Stated, ValueError):
    """The schedule can't be made or ended so; the sentence says why."""


def make(dao: Dao, policy_id: bytes, rule: Rule, text: str, account: bytes) -> Schedule:
    """Set a schedule up. `account` is signed in; only the policy's operator may. It begins now, by the chain's clock.

    Raises ScheduleError and `policy.NoPolicyInForce`.
    """
    policy = in_force(dao, policy_id)
    if account != policy.code.operator:
        raise ScheduleError(say("schedule_by_operator", operator=checksum(policy.code.operator)))
    text = " ".join(text.split())
    if not text or len(text) > MOST_TEXT or not text.isprintable():
        raise ScheduleError(say("schedule_text", most=MOST_TEXT))
    try:
        check(rule)
        first = next(due_after(rule, _clock_s(dao.chain_id, chain_now_s(dao))), None)
    except BadRule as error:
        raise ScheduleError(say("schedule_rule", problem=str(error))) from error
    if first is None:
        raise ScheduleError(say("schedule_is_over"))
    with transaction.atomic():
        Dao.objects.select_for_update(no_key=True).get(pk=dao.pk)
        standing = Schedule.objects.filter(module=policy.contract, policy_id=policy_id, ended_at=None)
        if standing.count() >= MOST_SCHEDULES:
            raise ScheduleError(say("schedules_too_many", most=MOST_SCHEDULES))
        made = Schedule.objects.create(
            dao=dao, module=policy.contract, policy_id=policy_id, made_by=account, text=text, zone=rule.zone,
            hour=rule.hour, day=rule.day, dates=list(rule.dates), back=rule.back, next_due_chain_s=first.at_s,
            next_month=first.month,
        )  # fmt: skip
        about = {"schedule": made.pk, "policy_id": hex_text(policy_id)}
        record(Action.SCHEDULE_MADE, dao, account=account, **about)
    return made


def end(schedule: Schedule, account: bytes) -> None:
    """End a schedule; what it asked for before goes on. The policy's operator may, and who made it. Raises
    ScheduleError and `policy.NoPolicyInForce`."""
    operator = in_force(schedule.dao, bytes(schedule.policy_id)).code.operator
    if account not in (operator, bytes(schedule.made_by)):
        raise ScheduleError(say("schedule_by_operator", operator=checksum(operator)))
    with transaction.atomic():
        if Schedule.objects.filter(pk=schedule.pk, ended_at=None).update(ended_at=timezone.now()):
            record(Action.SCHEDULE_ENDED, schedule.dao, account=account, schedule=schedule.pk, reason="by_hand")


def rule_of(schedule: Schedule) -> Rule:
    return Rule(schedule.zone, schedule.hour, schedule.day, tuple(schedule.dates), schedule.back)


def coming(schedule: Schedule, most: int, end_s: int) -> list[Due]:
    """The next times at which a schedule comes due before `end_s`, the policy's end; none of one that has ended, or
    whose zone is not known here."""
    if schedule.ended_at is not None or schedule.next_due_chain_s is None:
        return []
    found: list[Due] = []
    try:
        for due in due_after(rule_of(schedule), schedule.next_due_chain_s - 1):
            if len(found) == most or due.at_s >= end_s:
                break
            found.append(due)
    except BadRule:
        return []
    return found


def ask_due() -> int:
    """Ask for what is due by the clocks of all chains. Returns how many times came due. Doing it again is harmless; a
    schedule that can't be followed is logged, and keeps no other from being."""
    count = 0
    heads = Cursor.objects.values_list("dao_id", "dao__chain_id", "head_timestamp_chain_s")
    for dao_id, chain_id, head_chain_s in heads:
        now_chain_s = _clock_s(chain_id, head_chain_s or 0)
        due = Schedule.objects.filter(dao_id=dao_id, ended_at=None, next_due_chain_s__lte=now_chain_s)
        for key in due.order_by("next_due_chain_s").values_list("pk", flat=True):
            try:
                count += _ask(key, now_chain_s)
            except Exception:
                log.exception("schedule %s could not be followed", key)
    return count


def _clock_s(chain_id: int, head_chain_s: int) -> int:
    """The chain's time by its newest block, but not one far ahead of ours: a time that was passed does not come again.
    A test chain is wound ahead on purpose."""
    if chain_id == settings.LOCAL_CHAIN_ID:
        return head_chain_s
    return min(head_chain_s, int(time.time()) + _AHEAD_S)


def _ask(key: int, now_chain_s: int) -> int:
    """Take each time of one schedule that has come, in one transaction each, so that of two workers one does it."""
    for done in range(_MOST_AT_ONCE):
        with transaction.atomic():
            locked = Schedule.objects.select_for_update(skip_locked=True, of=("self",)).select_related("dao", "module")
            schedule = locked.filter(pk=key, ended_at=None, next_due_chain_s__lte=now_chain_s).first()
            if schedule is None or schedule.next_due_chain_s is None:
                return done
            due = Due(schedule.next_due_chain_s, schedule.next_month)
            if due.at_s < month_begins_s(due.month):  # a row of a release that did not wait for this
                schedule.next_due_chain_s = month_begins_s(due.month)
                schedule.save(update_fields=["next_due_chain_s"])
                return done
            if not _take(schedule, due, now_chain_s):
                return done
            following = _following(schedule, due)
            schedule.next_due_chain_s = None if following is None else following.at_s
            schedule.next_month = "" if following is None else following.month
            schedule.save(update_fields=["next_due_chain_s", "next_month"])
    return _MOST_AT_ONCE


def _following(schedule: Schedule, due: Due) -> Due | None:
    try:
        return next(due_after(rule_of(schedule), due.at_s), None)
    except BadRule:  # the zone is not known to this machine any more
        return None


def _take(schedule: Schedule, due: Due, now_chain_s: int) -> bool:
    """Ask for one time, or write why not. Returns False, and writes no time, where the schedule ends now, and where
    what it needs may come yet: a policy whose code is not read yet, an operator whose vote is not final."""
    waits: Sentence | None = None
    try:
        policy = in_force(schedule.dao, bytes(schedule.policy_id))
        if why := _over_because(policy, schedule, due):
            if _is_final(policy):
                schedule.ended_at, schedule.ended_because = timezone.now(), why
                schedule.save(update_fields=["ended_at", "ended_because"])
                record(Action.SCHEDULE_ENDED, schedule.dao, schedule=schedule.pk, reason=why)
                return False
            waits = say("policy_not_final")
    except NoPolicyInForce as error:
        waits = error.sentence
    except DecodeError:
        waits = say("policy_unreadable", policy_id=hex_text(bytes(schedule.policy_id)))
    is_late = now_chain_s - due.at_s > LATE_S
    if waits is not None and not is_late:
        return False
    request, outcome, reason = None, ScheduledTime.Outcome.MISSED, NOTHING
    if waits is not None:
        outcome, reason = ScheduledTime.Outcome.REFUSED, waits
    elif not is_late:
        request, outcome, reason = _asked(schedule, due)
    ScheduledTime.objects.create(
        schedule=schedule, due_chain_s=due.at_s, month=due.month, outcome=outcome, request=request,
        reason_code=reason.code, reason_values=reason.values_json(),
    )  # fmt: skip
    return True


def _over_because(policy: PolicyInForce, schedule: Schedule, due: Due) -> str:
    """Why nothing is asked by a schedule any more; empty where it goes on. Nobody asks in the name of who left."""
    if policy.code.operator != bytes(schedule.made_by) or policy.contract.pk != schedule.module_id:
        return "operator_changed"
    return "policy_ended" if due.at_s >= policy.code.end_s else ""


def _is_final(policy: PolicyInForce) -> bool:
    """Whether no reorganisation can take the version in force any more."""
    found = PolicyVersion.objects.filter(module=policy.contract, policy_id=policy.policy_id, log__unconfirmed=None)
    newest = found.order_by(*chain_order("log__", newest_first=True)).values_list("log__block_number", flat=True)
    block = newest.first()
    return block is not None and finalized(policy.dao, block)


def _asked(schedule: Schedule, due: Due) -> tuple[Request | None, ScheduledTime.Outcome, Sentence]:
    key = f"schedule:{schedule.pk}:{due.at_s}"
    try:
        request = submitting.submit(
            schedule.dao, bytes(schedule.policy_id), schedule.text.replace(MONTH, due.month), bytes(schedule.made_by),
            key, signed_in=True,
        )  # fmt: skip
    except submitting.RequestError as error:
        return None, ScheduledTime.Outcome.REFUSED, error.sentence
    return request, ScheduledTime.Outcome.ASKED, NOTHING


def read_dates(text: str) -> tuple[str, ...]:
    """The dates in a text, one a line or with commas between."""
    return tuple(text.replace(",", " ").split())


def standing(dao: Dao, policy_id: bytes | None = None) -> Sequence[Schedule]:
    """The schedules that have not ended, the next due first."""
    found = Schedule.objects.filter(dao=dao, ended_at=None)
    if policy_id is not None:
        found = found.filter(policy_id=policy_id)
    return list(found.order_by("next_due_chain_s", "pk")[: 5 * MOST_SCHEDULES])
