# SPDX-License-Identifier: Apache-2.0
"""The calendar of a policy: its operator sets it up and ends it, everybody reads what comes and what came."""

from html import unescape
from types import SimpleNamespace

import pytest

from agent.acts import schedules as rules
from agent.models import Schedule, ScheduledTime
from governance.models import Cursor
from tests.webapp.conftest import CHAIN, DAY, NOW, Made
from tests.webapp.test_act_form import in_force  # noqa: F401
from tests.webapp.test_api import MEMBER, sign_in
from tests.webapp.test_roles import _client

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = f"/river/agent/schedules/{'01' * 32}/"
PAYROLL = {"what": "payroll", "day": "31", "hour": "09:00", "zone": "Europe/Berlin", "back": "1"}
DATES = {"what": "dates", "text": "pay kim 5 USDC for a talk", "hour": "09:00", "zone": "UTC"}


@pytest.fixture(autouse=True)
def _our_clock(monkeypatch):
    """It shows what the chain's does."""
    monkeypatch.setattr(rules, "time", SimpleNamespace(time=lambda: float(NOW)))


def test_the_operator_makes_and_ends_schedules_that_everybody_reads(client, in_force: Made):  # noqa: F811
    Cursor.objects.filter(dao=in_force.dao).update(head_timestamp_chain_s=NOW)  # 15 January 2027
    page = unescape(client.get(PAGE).content.decode())
    assert "Only the operator of this policy" in page
    assert "Set it up" not in page
    assert client.post(PAGE, PAYROLL).status_code == 403
    sign_in(client)
    assert client.post(PAGE, PAYROLL).status_code == 302
    assert client.post(PAGE, {**DATES, "dates": "2027-02-28, 2027-03-31"}).status_code == 302
    for wrong, said in (
        ({**PAYROLL, "day": "0x1"}, "1 to 31"), ({**PAYROLL, "zone": "Berlin"}, "no time zone"),
        ({**DATES, "dates": "2027-02-30"}, "in no calendar"), ({**DATES, "dates": "2020-01-01"}, "are over"),
        ({**DATES, "dates": "2027-02-28", "text": " "}, "write what is asked for"),
        ({**DATES, "dates": "x" * 9000}, "at most 60 dates"),
    ):  # fmt: skip
        answer = client.post(PAGE, wrong)
        assert (answer.status_code, said in unescape(answer.content.decode())) == (422, True), wrong
    payroll, dates = Schedule.objects.order_by("pk")
    ScheduledTime.objects.create(schedule=dates, due_chain_s=NOW - DAY, month="2027-01", outcome="missed")
    client.cookies.clear()
    page = unescape(client.get(PAGE).content.decode())
    for part in (
        "31 Jan 2027, 08:00 UTC", "for 2026-12", "28 Feb 2027, 08:00 UTC", "31 Mar 2027, 07:00 UTC", "Europe/Berlin",
        "pay kim 5 USDC for a talk", "28 Feb 2027, 09:00 UTC", "nobody was asked",
    ):  # fmt: skip
        assert part in page, part
    assert client.post(PAGE, {"what": "end", "schedule": payroll.pk}).status_code == 403
    sign_in(client)
    assert client.post(PAGE, {"what": "end", "schedule": payroll.pk}).status_code == 302
    assert client.post(PAGE, {"what": "end", "schedule": "9" * 30}).status_code == 302
    assert list(Schedule.objects.filter(ended_at=None)) == [dates]
    assert f'href="{PAGE}"' in client.get("/river/agent/").content.decode()


def test_another_chains_contract_at_the_operators_address_sets_nothing_up(in_force: Made):  # noqa: F811
    operator = bytes.fromhex(MEMBER.address[2:])
    Cursor.objects.filter(dao=in_force.dao).update(head_timestamp_chain_s=NOW)
    there, here = _client(operator, CHAIN + 1), _client(operator, CHAIN)
    answer = there.post(PAGE, PAYROLL)
    assert (answer.status_code, "signed in on another chain" in unescape(answer.content.decode())) == (403, True)
    assert not answer.context["is_operator"]
    assert not Schedule.objects.exists()
    assert here.post(PAGE, PAYROLL).status_code == 302
    made = Schedule.objects.get()
    assert there.post(PAGE, {"what": "end", "schedule": made.pk}).status_code == 403
    assert Schedule.objects.get().ended_at is None
