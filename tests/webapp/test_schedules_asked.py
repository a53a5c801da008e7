# SPDX-License-Identifier: Apache-2.0
"""What becomes of a schedule where the mirror, a node or a policy is not as it should be: nothing is lost for good."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from agent import tasks
from agent.acts import due, policy, schedules, submitting
from agent.acts.calendar import Rule
from agent.models import Request, Schedule, ScheduledTime
from governance.models import Cursor, PolicyVersion
from policies.code.encoding import codehash, decode, pack
from tests.webapp.conftest import DAY, NOW, Made, account
from tests.webapp.test_act_form import in_force  # noqa: F401
from tests.webapp.test_api import MEMBER

pytestmark = pytest.mark.django_db
OPERATOR = bytes.fromhex(MEMBER.address[2:])
POLICY_ID = b"\1" * 32
RULE = Rule("UTC", "09:00", 20)


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """Our own clock: `now` is what it says."""
    ours = SimpleNamespace(now=NOW)
    monkeypatch.setattr(schedules, "time", SimpleNamespace(time=lambda: float(ours.now)))
    return ours


@pytest.fixture
def made_one(in_force: Made, clock) -> Schedule:  # noqa: F811
    """A payroll day that comes due in five days."""
    Cursor.objects.filter(dao=in_force.dao).update(head_timestamp_chain_s=NOW)
    return schedules.make(in_force.dao, POLICY_ID, RULE, schedules.PAYROLL, OPERATOR)


def asked_at(clock, chain_s: int, ours: int | None = None) -> tuple[int, list[str]]:
    """How many times came due, and what became of all so far."""
    clock.now = chain_s if ours is None else ours
    Cursor.objects.update(head_timestamp_chain_s=chain_s)
    return schedules.ask_due(), list(ScheduledTime.objects.order_by("id").values_list("outcome", flat=True))


def another_version(made: Made, **changes) -> PolicyVersion:
    row = PolicyVersion.objects.latest("version")
    code = pack(replace(decode(bytes(row.code)), **changes))
    return PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=POLICY_ID, version=row.version + 1, agent=account(50),
        codehash=codehash(code), code=code, log=made.log(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "reason"), [(b"", "policy_copy_broken"), (b"\xff", "policy_unreadable")], ids=["not-read", "not-decoded"]
)
def test_a_policy_that_cant_be_read_for_a_while_loses_no_months_pay(made_one, clock, code, reason) -> None:
    row = PolicyVersion.objects.get()
    whole, due_s = bytes(row.code), made_one.next_due_chain_s
    PolicyVersion.objects.update(code=code, codehash=codehash(code) if code else row.codehash)
    assert asked_at(clock, due_s) == (0, [])
    PolicyVersion.objects.update(code=whole, codehash=row.codehash)
    assert asked_at(clock, due_s + 5) == (1, ["asked"])
    PolicyVersion.objects.update(code=code, codehash=codehash(code) if code else row.codehash)
    made_one.refresh_from_db()
    assert asked_at(clock, made_one.next_due_chain_s + schedules.LATE_S) == (0, ["asked"])
    assert asked_at(clock, made_one.next_due_chain_s + schedules.LATE_S + 1) == (1, ["asked", "refused"])
    assert ScheduledTime.objects.latest("id").reason_code == reason


def test_a_node_far_ahead_of_our_clock_has_nothing_asked_or_missed(made_one, clock) -> None:
    assert asked_at(clock, NOW + 400 * DAY, ours=NOW) == (0, [])
    made_one.refresh_from_db()
    assert made_one.next_due_chain_s < NOW + 6 * DAY
    other = schedules.make(made_one.dao, POLICY_ID, RULE, schedules.PAYROLL, OPERATOR)
    assert other.next_due_chain_s == made_one.next_due_chain_s, "nor does what is set up then begin a year later"
    assert asked_at(clock, made_one.next_due_chain_s) == (2, ["asked", "asked"])


def test_another_operator_ends_a_schedule_once_that_is_final(in_force: Made, made_one, clock) -> None:  # noqa: F811
    row = another_version(in_force, operator=account(77))
    deep = row.log.block_number + in_force.dao.chain.depth_blocks
    Cursor.objects.update(next_block=deep)
    assert asked_at(clock, made_one.next_due_chain_s) == (0, [])
    assert Schedule.objects.get().ended_at is None
    assert not policy.finalized(in_force.dao, row.log.block_number)
    row.delete()  # as by a reorganisation
    assert asked_at(clock, made_one.next_due_chain_s) == (1, ["asked"])
    another_version(in_force, operator=account(77))
    Cursor.objects.update(next_block=deep + 10)
    made_one.refresh_from_db()
    assert asked_at(clock, made_one.next_due_chain_s) == (0, ["asked"])
    assert Schedule.objects.get().ended_because == "operator_changed"


def test_a_row_that_came_due_before_its_month_by_utc_waits_for_it(made_one, clock) -> None:
    february = 1_801_440_000
    Schedule.objects.update(next_due_chain_s=february - 3600, next_month="2027-02")
    assert asked_at(clock, february - 3600) == (0, [])
    assert asked_at(clock, february - 1) == (0, [])
    assert asked_at(clock, february) == (1, ["asked"])


def test_a_schedule_ends_with_its_policy(in_force: Made, made_one, clock) -> None:  # noqa: F811
    end_s = made_one.next_due_chain_s + 36 * DAY
    row = another_version(in_force, end_s=end_s)
    assert [one.at_s - made_one.next_due_chain_s for one in schedules.coming(made_one, 5, end_s)] == [0, 31 * DAY]
    Cursor.objects.update(next_block=row.log.block_number + in_force.dao.chain.depth_blocks + 1)
    assert asked_at(clock, end_s) == (2, ["missed", "asked"])
    assert asked_at(clock, end_s + 90 * DAY) == (0, ["missed", "asked"])
    assert Schedule.objects.get().ended_because == "policy_ended"


def test_what_stops_one_schedule_stops_neither_another_nor_payments(made_one, clock, monkeypatch) -> None:
    schedules.make(made_one.dao, POLICY_ID, RULE, "pay kim 5 USDC for a talk", OPERATOR)
    submit = submitting.submit

    def fails(dao, policy_id, text, *args, **more) -> Request:
        if text.startswith("pay the contributors"):
            raise RuntimeError("no")
        return submit(dao, policy_id, text, *args, **more)

    monkeypatch.setattr(submitting, "submit", fails)
    assert asked_at(clock, made_one.next_due_chain_s) == (1, ["asked"])
    done = []
    monkeypatch.setattr(due, "pay_due", lambda: done.append("paid"))
    monkeypatch.setattr(due, "ask_due", lambda: done.append("asked"))
    tasks.act()
    assert done == ["paid", "asked"]


def test_a_requests_page_says_that_the_calendar_asked(made_one, clock, client) -> None:
    asked_at(clock, made_one.next_due_chain_s)
    page = f"/river/agent/requests/{Request.objects.get().pk}/"
    link = f'Asked by the <a href="/river/agent/schedules/{"01" * 32}/">calendar</a>'
    assert link in client.get(page).content.decode()
    ScheduledTime.objects.all().delete()
    assert "Asked by the" not in client.get(page).content.decode()
