# SPDX-License-Identifier: Apache-2.0
"""A roster's rules: its kind, its months, and who may have it paid by asking. The operator may sign past them."""

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from agent.acts import askers, rosters
from agent.acts.rosters import RosterError, Rules, compose, parse
from agent.models import DecisionRecord, Request, Roster
from governance.chain import eip712
from governance.chain.address import checksum
from tests.agent.acting import USDC, World, work_errors, world  # noqa: F401
from tests.agent.test_rosters import entry, terms

database = pytest.mark.django_db(transaction=True)
ALL = frozenset(rosters.MAY_ASK)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(),
        Rules(first_month="2026-11", last_month="2027-03"),
        Rules(may_ask=frozenset()),
        Rules(may_ask=frozenset({"roster", "delegate"})),
    ],
)
def test_rules_are_read_as_they_were_signed(rules: Rules) -> None:
    signed = replace(terms(), rules=rules)
    assert parse(compose(signed)) == signed
    assert parse(json.loads(json.dumps(compose(signed)))) == signed


def test_a_roster_of_names_has_no_amounts_and_another_has_some() -> None:
    names = replace(terms(entry(amount=0)), rules=Rules(kind="names"))
    assert parse(compose(names)) == names
    with pytest.raises(RosterError, match="no amounts"):
        parse(compose(replace(names, lines=(entry(amount=5),))))
    with pytest.raises(RosterError, match="positive"):
        parse(compose(replace(names, rules=Rules())))


def test_a_roster_without_rules_is_signed_as_before() -> None:
    """Its digest is what wallets signed before there were rules: nobody has to sign again."""
    assert set(compose(terms())["message"]) == {"policyId", "policyVersion", "serial", "expires", "period", "entries"}
    assert eip712.digest(compose(terms())) != eip712.digest(compose(replace(terms(), rules=Rules())))


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("kind", "weekly", "kind must be one of"),
        ("kind", 1, "must be text"),
        ("firstMonth", "2026-13", "firstMonth must be a month"),
        ("firstMonth", "November", "firstMonth must be a month"),
        ("lastMonth", "2026-1", "lastMonth must be a month"),
        ("lastMonth", "2026-10", "after the last"),
        ("mayAsk", "everybody", "mayAsk names everybody"),
        ("mayAsk", "roster,delegate", "message is not"),  # in another order: not what `compose` writes
        ("mayAsk", "delegate,delegate", "message is not"),
        ("period", "month", "message is not"),
    ],
)
def test_rules_that_nobody_could_follow_are_refused(place: str, value: Any, problem: str) -> None:
    document = compose(replace(terms(), rules=Rules(first_month="2026-11")))
    document["message"][place] = value
    with pytest.raises(RosterError, match=problem):
        parse(document)


def test_months_and_askers_outside_the_rules_are_named() -> None:
    asked = {kind: askers.Standing(kind) for kind in ("operator", "roster", "delegate", "holder", "stranger")}
    rules = Rules(first_month="2026-11", last_month="2026-12", may_ask=frozenset({"delegate"}))
    assert askers.rule_doubts(None, asked["holder"], "2026-01") == []
    assert askers.rule_doubts(rules, asked["delegate"], "2026-11") == []
    assert askers.rule_doubts(rules, asked["operator"], "2026-12") == []
    (early,) = askers.rule_doubts(rules, asked["delegate"], "2026-10")
    assert early == "2026-10 is before the roster's first month, 2026-11"
    (late,) = askers.rule_doubts(rules, asked["delegate"], "2027-01")
    assert late == "2027-01 is after the roster's last month, 2026-12"
    (other,) = askers.rule_doubts(rules, asked["holder"], "2026-11")
    assert other == (
        "asked by one of: holders of votes; the roster is paid only when one of these asks: the operator, delegates"
    )
    assert askers.rule_doubts(rules, asked["stranger"], "2026-11") == []  # that nobody knows them is said elsewhere


@database
def test_only_who_the_roster_names_has_it_paid_by_asking(world: World) -> None:  # noqa: F811
    world.sign_roster(rules=Rules(may_ask=frozenset({"roster"})))
    holder = world.rest(world.ask(world.november(), by="ada"), 2)
    assert (holder.status, world.number) == (Request.Status.NEEDS_APPROVAL, 0)
    assert "the roster is paid only when one of these asks: the operator, people on it" in holder.reason
    request = world.rest(world.ask(world.november(), by="ines"))
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    call_command("verify_record", DecisionRecord.objects.get().hash.hex())


@database
def test_before_its_first_month_a_roster_is_paid_by_the_operator_alone(world: World) -> None:  # noqa: F811
    world.sign_roster(rules=Rules(first_month="2099-01"))
    request = world.rest(world.ask(world.november()), 2)
    assert (request.status, world.number) == (Request.Status.NEEDS_APPROVAL, 0)
    assert "is before the roster's first month, 2099-01" in request.reason
    world.approve(request)
    assert world.rest(request).status == Request.Status.EXECUTED


@database
def test_a_roster_of_names_pays_nobody_each_month_and_lets_one_offs_be_asked_for(world: World) -> None:  # noqa: F811
    world.sign_roster([replace(line, amount=0) for line in world.lines()], rules=Rules(kind="names"))
    monthly = world.rest(world.ask(world.november(), by="olga"), 2)
    assert (monthly.status, world.number) == (Request.Status.ABSTAINED, 0)
    assert "the roster holds names and no amounts" in monthly.reason
    for text in ("pay ines, jon and kim 900 USDC", f"pay ines for {world.november()[-7:]} and lea 250 USDC"):
        request = world.rest(world.ask(text), 2)
        zero = [line for one in request.candidates.all() for line in one.lines if line["amount"] == "0"]
        assert zero == [], (text, request.status, request.reason)
    assert (request.status, request.reason) == (monthly.status, monthly.reason)
    request = world.rest(world.ask("pay lea 250 USDC"), 2)
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "each of which the operator signs" in request.reason
    assert "other than on the roster" not in request.reason
    world.approve(request)
    assert world.rest(request).status == Request.Status.EXECUTED
    assert world.balance("lea") == 250 * USDC


@database
def test_rules_that_are_changed_in_the_database_are_found(world: World) -> None:  # noqa: F811
    roster = world.sign_roster(rules=Rules(may_ask=frozenset()))
    roster.typed_data["message"]["mayAsk"] = "delegate,holder,roster"
    Roster.objects.filter(pk=roster.pk).update(typed_data=roster.typed_data)
    request = world.rest(world.ask(world.november(), by="ada"), 2)
    assert (request.status, world.number) == (Request.Status.ABSTAINED, 0)
    assert "it was changed in the database" in request.reason


@database
def test_the_command_composes_rules(world: World, tmp_path: Any) -> None:  # noqa: F811
    entries = tmp_path / "entries.json"
    entries.write_text(json.dumps([{"name": "ines", "address": checksum(world.address("ines")), "amount": "5"}]))
    out = StringIO()
    given = ("acting", "payroll", str(entries), "--asset", checksum(world.address("usdc")))
    call_command("sign_roster", *given, "--first-month", "2026-11", "--may-ask", "none", stdout=out)
    assert parse(json.loads(out.getvalue())).rules == Rules(first_month="2026-11", may_ask=frozenset())
    out = StringIO()
    call_command("sign_roster", *given, stdout=out)
    assert parse(json.loads(out.getvalue())).rules is None
