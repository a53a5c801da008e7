# SPDX-License-Identifier: Apache-2.0
"""Schedules: when a rule comes due in its zone, and that each time is asked for once, in the operator's name."""

import contextlib
from datetime import UTC, datetime
from itertools import islice

import pytest

from agent.acts import schedules
from agent.acts.calendar import BadRule, Rule, check, due_after
from agent.acts.grammar import month_of
from agent.acts.schedules import PAYROLL, ScheduleError
from agent.models import Request, Schedule, ScheduledTime
from tests.agent.acting import POLICY_ID, USDC, World, payroll, world  # noqa: F401
from tests.conftest import DAY_S

BERLIN = "Europe/Berlin"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def dues(rule: Rule, after: str, count: int) -> list[str]:
    found = islice(due_after(rule, at(after)), count)
    return [f"{datetime.fromtimestamp(due.at_s, UTC):%Y-%m-%dT%H:%M} {due.month}" for due in found]


@pytest.mark.parametrize(
    ("rule", "after", "wanted"),
    [
        # A shorter month has it on its last day, a leap year's February on the 29th.
        (Rule("UTC", "09:00", 31), "2027-01-31T09:00", ["2027-02-28T09:00 2027-02", "2027-03-31T09:00 2027-03"]),
        (Rule("UTC", "09:00", 30), "2028-01-31T00:00", ["2028-02-29T09:00 2028-02", "2028-03-30T09:00 2028-03"]),
        # Nine in Berlin is eight UTC in winter and seven in summer: the month in which the clocks change has both.
        (Rule(BERLIN, "09:00", 28), "2026-03-01T00:00", ["2026-03-28T08:00 2026-03", "2026-04-28T07:00 2026-04"]),
        # 29 March 2026 has no 02:30 in Berlin: it comes due an hour later by the clock, 03:30.
        (Rule(BERLIN, "02:30", 29), "2026-03-01T00:00", ["2026-03-29T01:30 2026-03", "2026-04-29T00:30 2026-04"]),
        # 25 October 2026 has two: the first counts, once.
        (Rule(BERLIN, "02:30", 25), "2026-10-01T00:00", ["2026-10-25T00:30 2026-10", "2026-11-25T01:30 2026-11"]),
        # The first of a month in Auckland is the last day of the month before in UTC, by which payments go: it waits
        # until the month that it is for has begun there too.
        (Rule("NZ", "09:00", 1), "2026-11-29T00:00", ["2026-12-01T00:00 2026-12", "2027-01-01T00:00 2027-01"]),
        (Rule("NZ", "09:00", 1), "2026-12-01T00:00", ["2027-01-01T00:00 2027-01"]),
        (Rule("NZ", "09:00", 1, back=1), "2026-11-29T00:00", ["2026-11-30T20:00 2026-11"]),
        (Rule("America/Los_Angeles", "20:00", 31), "2026-12-31T00:00", ["2027-01-01T04:00 2026-12"]),
        # For the month before, over the year's end.
        (Rule("UTC", "00:00", 1, back=1), "2026-12-31T12:00", ["2027-01-01T00:00 2026-12"]),
        # Dates that are over come no more.
        (Rule("UTC", "12:00", dates=("2026-12-15", "2027-02-28")), "2026-12-15T12:00", ["2027-02-28T12:00 2027-02"]),
    ],
)  # fmt: skip
def test_a_rule_comes_due_in_its_zone(rule: Rule, after: str, wanted: list[str]) -> None:
    check(rule)
    assert dues(rule, after, len(wanted)) == wanted


@pytest.mark.parametrize("zone", ["Australia/Sydney", "NZ", "Pacific/Kiritimati", "America/Los_Angeles", BERLIN, "UTC"])
@pytest.mark.parametrize("back", [0, 1])
def test_a_payroll_day_is_never_for_a_month_that_needs_a_signature_for_its_own_sake(zone: str, back: int) -> None:
    """`candidates.derive` has the operator sign for a month that is neither this one nor the last by UTC."""
    seen = 0
    for day in (1, 2, 15, 30, 31):
        for hour in ("00:00", "09:00", "23:59"):
            rule = Rule(zone, hour, day, back=back)
            with contextlib.suppress(BadRule):
                check(rule)
                for due in islice(due_after(rule, at("2027-01-15T00:00")), 14):
                    assert due.month in (month_of(due.at_s), month_of(due.at_s, 1)), rule
                    seen += 1
    assert seen > 14 * 8, "most days and hours are good"


@pytest.mark.parametrize(
    "rule",
    [
        Rule("Berlin", "09:00", 1), Rule("../etc/passwd", "09:00", 1), Rule("UTC", "9:00", 1), Rule("UTC", "24:00", 1),
        Rule("UTC", "09:00", 0), Rule("UTC", "09:00", 32), Rule("UTC", "09:00", 1, ("2026-12-15",)),
        Rule("America/New_York", "20:00", 31, back=1), Rule("America/Los_Angeles", "16:00", 30, back=1),
        Rule("UTC", "09:00", dates=("2026-02-30",)), Rule("UTC", "09:00", dates=("2026-12-15", "2026-12-15")),
        Rule("UTC", "09:00", dates=("2027-01-01", "2026-12-15")), Rule("UTC", "09:00", 1, back=2),
        Rule("UTC", "09:00", dates=tuple(f"2026-{m:02}-{d:02}" for m in (1, 3, 5) for d in range(1, 32))),
    ],
)  # fmt: skip
def test_what_is_in_no_calendar_is_refused(rule: Rule) -> None:
    with pytest.raises(BadRule):
        check(rule)


@pytest.mark.django_db(transaction=True)
def test_a_payroll_day_is_asked_for_once_by_the_chains_clock_and_paid(world: World) -> None:  # noqa: F811
    olga = world.address("olga")
    world.sign_roster()
    with pytest.raises(ScheduleError, match="only the policy's operator"):
        schedules.make(world.dao, POLICY_ID, Rule("UTC", "09:00", 15), PAYROLL, world.address("ada"))
    with pytest.raises(ScheduleError, match="dates are over"):
        schedules.make(world.dao, POLICY_ID, Rule("UTC", "09:00", dates=("2020-01-01",)), PAYROLL, olga)
    made = schedules.make(world.dao, POLICY_ID, Rule("Europe/Berlin", "09:00", 15), PAYROLL, olga)
    dates = ("2030-12-15",)
    ended = schedules.make(world.dao, POLICY_ID, Rule("UTC", "09:00", dates=dates), "pay kim 5 USDC for a talk", olga)
    schedules.end(ended, olga)
    world.step()
    assert schedules.ask_due() == 0
    due = made.next_due_chain_s
    assert due is not None
    world.wind(due - world.suite.anvil.now - 1)
    assert schedules.ask_due() == 0, "a second early"
    world.wind(1)
    assert [schedules.ask_due(), schedules.ask_due()] == [1, 0]
    (time,) = ScheduledTime.objects.all()
    assert (time.outcome, time.due_chain_s) == ("asked", due)
    request = world.rest(time.request)
    assert (request.status, bytes(request.requested_by)) == (Request.Status.EXECUTED, olga), request.reason
    assert request.text == f"pay the contributors for {time.month}"
    assert world.balance("kim") == 1000 * USDC
    # Seven days and a second late it was missed: nobody is paid for a month that nobody thinks of any more.
    made.refresh_from_db()
    assert made.next_due_chain_s is not None
    world.wind(made.next_due_chain_s + schedules.LATE_S + 1 - world.suite.anvil.now)
    assert schedules.ask_due() == 1
    assert ScheduledTime.objects.latest("id").outcome == "missed"
    # Under another operator nobody asks in the name of the one who left.
    code = payroll(world.suite).replace(olga, world.address("ben"))
    world.suite.set_policy(POLICY_ID, code)
    made.refresh_from_db()
    assert made.next_due_chain_s is not None
    world.wind(made.next_due_chain_s + DAY_S - world.suite.anvil.now)
    assert schedules.ask_due() == 0
    made.refresh_from_db()
    assert made.ended_at is None, "a reorganisation may still take the vote"
    world.suite.anvil.mine(70)
    world.sync()
    assert schedules.ask_due() == 0
    made.refresh_from_db()
    assert (made.ended_because, Schedule.objects.filter(ended_at=None).count()) == ("operator_changed", 0)
    assert Request.objects.count() == 1
