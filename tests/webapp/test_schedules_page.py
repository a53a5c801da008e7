# SPDX-License-Identifier: Apache-2.0
"""The calendar of a policy: its operator sets it up and ends it, everybody reads what comes and what came."""

from html import unescape
from types import SimpleNamespace

import pytest
from django.utils import timezone

from agent.acts import policy
from agent.acts import schedules as rules
from agent.acts.calendar import Rule
from agent.models import Schedule, ScheduledTime
from governance.chain import abi
from governance.models import ChainReading, Cursor, ModuleState, PolicyVersion
from policies.code.encoding import decode
from tests.webapp.conftest import CHAIN, DAY, NOW, Made, account
from tests.webapp.test_act_form import in_force  # noqa: F401
from tests.webapp.test_api import MEMBER, sign_in
from tests.webapp.test_roles import _client
from webapp.agent import power

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
    for gone in (payroll.pk, "9" * 30, "x"):
        assert client.post(PAGE, {"what": "end", "schedule": gone}).status_code == 422
    assert "ended by hand" in client.get(PAGE).content.decode()
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


def test_what_comes_is_no_promise_that_the_policy_doesnt_keep(client, in_force: Made):  # noqa: F811
    Cursor.objects.filter(dao=in_force.dao).update(head_timestamp_chain_s=NOW)
    module = in_force.contracts["module"]
    operator = bytes.fromhex(MEMBER.address[2:])
    made = rules.make(in_force.dao, b"\1" * 32, Rule("UTC", "09:00", 20), rules.PAYROLL, operator)
    roster = PAGE.replace("schedules", "roster")
    api = f"/api/v1/daos/river/policies/0x{'01' * 32}/roster"

    def said() -> list[str]:
        return [unescape(client.get(path).content.decode()) for path in (PAGE, roster, api)]

    assert not any("paused" in text for text in said())
    ModuleState.objects.update_or_create(module=module, defaults={"paused": True})
    assert ["module is paused" in text for text in said()] == [True, False, False], "no roster, which comes first"
    assert power.why_not_in_power(policy.in_force(in_force.dao, b"\1" * 32), NOW) == [
        "The policy module is paused: nothing is paid while it is."
    ]
    ModuleState.objects.update(paused=False)
    code = decode(bytes(PolicyVersion.objects.get().code))
    found = policy.in_force(in_force.dao, b"\1" * 32)
    assert power.why_not_in_power(found, code.end_s - 1) == []
    assert power.why_not_in_power(found, code.end_s) == ["The policy has ended: nothing is paid under it."]
    types = ["address", "uint16", "uint24", "uint32", "uint40"]
    ChainReading.objects.create(
        dao=in_force.dao, kind="policy", address=bytes(module.address), key=b"\1" * 32, block_number=500,
        value=abi.encode(types, [account(9), 1, 3, NOW - DAY, NOW - 1]), block_hash=b"\5" * 32,
        block_timestamp_chain_s=NOW, read_at=timezone.now(),
    )  # fmt: skip
    assert "At block 500 a node said that this policy was ended early" in said()[0]
    # By another operator's code the schedule is told to end, and nothing as coming.
    assert "20 Jan 2027, 09:00 UTC" in said()[0]
    Schedule.objects.update(made_by=account(77))
    page = said()[0]
    assert "20 Jan 2027" not in page
    assert "it ends when that vote is final" in page
    Schedule.objects.filter(pk=made.pk).update(ended_at=timezone.now(), ended_because="policy_ended")
    assert "ended with its policy" in said()[0]
