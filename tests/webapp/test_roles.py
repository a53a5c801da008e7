# SPDX-License-Identifier: Apache-2.0
"""Who may do what: each role against each page and action, by what the mirror has of the chain."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from django.conf import settings as site_settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils import timezone

from agent.acts import halts
from agent.acts.words import reason_of
from agent.models import AgentHalt
from governance import roles, site_keys
from governance.chain import abi
from governance.chain.address import checksum
from governance.models import (
    AuditEntry,
    ChainReading,
    Contract,
    Cursor,
    ModuleState,
    PolicyVersion,
    RawLog,
    UnconfirmedLog,
)
from governance.projections import events
from governance.roles import Do, Role
from policies.code.encoding import codehash, decode, pack
from presentation.dao_view import DaoView
from tests.webapp import states
from tests.webapp.conftest import CHAIN, DAY, NOW, Made, account
from webapp.account import signin
from webapp.operations import keepers, read

pytestmark = pytest.mark.django_db

OPERATOR, OTHER_OPERATOR, AGENT, GUARDIAN, OWNER, KEEPER, STRANGER = (account(n) for n in range(61, 68))
PEOPLE = {
    "nobody": None, "stranger": STRANGER, "agent": AGENT, "operator": OPERATOR, "guardian": GUARDIAN, "owner": OWNER,
    "keeper": KEEPER,
}  # fmt: skip


def _policy(made: Made, key: int, operator: bytes, *, end_s: int = NOW + DAY, version: int = 1) -> PolicyVersion:
    code = pack(replace(decode(states.policy_code(made)), operator=operator, agent=AGENT, start_s=0, end_s=end_s))
    return PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=bytes([key]) * 32, version=version, agent=AGENT,
        codehash=codehash(code), code=code, log=made.log(),
    )  # fmt: skip


def _reading(made: Made, kind: str, key: bytes, value: bytes, address: bytes | None = None) -> ChainReading:
    return ChainReading.objects.create(
        dao=made.dao, kind=kind, address=address or bytes(made.contracts["module"].address), key=key, value=value,
        block_number=5, block_hash=bytes(32), block_timestamp_chain_s=NOW, read_at=timezone.now(),
    )  # fmt: skip


def _guardian_set(made: Made, guardian: bytes) -> RawLog:
    log = made.log()
    log.address, log.topic0 = bytes(made.contracts["module"].address), events.GUARDIAN_SET[0]
    log.data = guardian.rjust(32, b"\0")
    log.save()
    return log


@pytest.fixture
def house(made, settings) -> Made:
    """A DAO with somebody in each role."""
    settings.KEEPERS = frozenset({KEEPER})
    settings.SECRET_KEY = "a key of this test, long enough"
    settings.ORIGIN = "http://testserver"
    settings.RPC_URLS = {}
    Cursor.objects.filter(dao=made.dao).update(head_timestamp_chain_s=NOW)
    ModuleState.objects.update_or_create(
        module=made.contracts["module"], defaults={"guardian": GUARDIAN, "log": made.log()}
    )
    _guardian_set(made, GUARDIAN)
    _policy(made, 1, OPERATOR)
    made.contracts["governor"].capabilities["timelock"] = checksum(OWNER)
    made.contracts["governor"].save()
    _reading(made, "owner", bytes(32), OWNER.rjust(32, b"\0"))
    return made


def _client(who: bytes | None, chain_id: int | None = None) -> Client:
    client = Client()
    if who is not None:
        session = SessionStore()
        session[signin._ACCOUNT] = {"address": who.hex(), "until": time.time() + 600, "chain": chain_id}
        session.save()
        client.cookies[site_settings.SESSION_COOKIE_NAME] = session.session_key
    return client


def _roles(made: Made, who: bytes | None) -> set[Role]:
    return set(roles.visitor(who, made.dao).roles) - {Role.ANYONE, Role.ACCOUNT}


def test_roles_are_what_the_chain_and_the_settings_say(house) -> None:
    found = {name: _roles(house, who) for name, who in PEOPLE.items()}
    assert found == {
        "nobody": set(), "stranger": set(), "agent": {Role.AGENT}, "operator": {Role.OPERATOR},
        "guardian": {Role.GUARDIAN}, "owner": {Role.OWNER}, "keeper": {Role.KEEPER},
    }  # fmt: skip
    assert roles.visitor(OPERATOR).roles == {Role.ANYONE, Role.ACCOUNT}, "towards the site alone"


def test_a_role_ends_with_what_gave_it(house) -> None:
    policy = PolicyVersion.objects.get()
    Cursor.objects.filter(dao=house.dao).update(head_timestamp_chain_s=NOW + DAY)
    assert _roles(house, OPERATOR) == set(), "the policy has ended"
    Cursor.objects.filter(dao=house.dao).update(head_timestamp_chain_s=NOW)
    types = ["address", "uint16", "uint24", "uint32", "uint40"]
    shortened = _reading(house, "policy", bytes(policy.policy_id), abi.encode(types, [account(9), 1, 0, 0, NOW]))
    assert _roles(house, OPERATOR) == {Role.LAPSED}, "the guardian has shortened it, as one node says"
    shortened.delete()
    _policy(house, 1, OTHER_OPERATOR, version=2)
    assert (_roles(house, OPERATOR), _roles(house, OTHER_OPERATOR)) == (set(), {Role.OPERATOR}), "it was replaced"


def test_what_one_node_alone_shows_gives_nobody_a_role(house) -> None:
    lie = _policy(house, 1, STRANGER, version=2)
    UnconfirmedLog.objects.create(dao=house.dao, log=lie.log)
    assert (_roles(house, STRANGER), _roles(house, OPERATOR)) == (set(), {Role.OPERATOR})
    UnconfirmedLog.objects.create(dao=house.dao, log=ModuleState.objects.get().log)
    assert _roles(house, GUARDIAN) == {Role.GUARDIAN}, "a pause in doubt takes nobody the role"
    UnconfirmedLog.objects.create(dao=house.dao, log=_guardian_set(house, STRANGER))
    assert (_roles(house, STRANGER), _roles(house, GUARDIAN)) == (set(), {Role.GUARDIAN})
    _guardian_set(house, STRANGER)
    assert (_roles(house, STRANGER), _roles(house, GUARDIAN)) == ({Role.GUARDIAN}, set())


def test_the_operator_of_a_module_that_is_not_in_power_may_stop_and_not_start(house) -> None:
    ChainReading.objects.filter(kind="owner").update(value=STRANGER.rjust(32, b"\0"))
    assert _roles(house, OPERATOR) == {Role.LAPSED}
    client = _client(OPERATOR)
    assert client.post("/river/operations/stop", {"because": ""}).status_code == 302
    sent = {"because": "somebody looked at all of it", "halt": [AgentHalt.objects.get().pk]}
    assert client.post("/river/operations/start", sent).status_code == 403


def test_a_contract_account_has_roles_on_the_chain_that_accepted_its_signature_and_is_no_keeper(house, settings):
    settings.KEEPERS = frozenset({KEEPER, OPERATOR})
    found = roles.visitor(OPERATOR, house.dao, CHAIN).roles
    assert (Role.OPERATOR in found, Role.KEEPER in found) == (True, False)
    assert roles.visitor(OPERATOR, house.dao, CHAIN + 1).roles == {Role.ANYONE}
    here, elsewhere = _client(OPERATOR, CHAIN), _client(OPERATOR, CHAIN + 1)
    assert [one.post("/river/operations/stop", {}).status_code for one in (here, elsewhere)] == [302, 403]
    assert here.get("/river/operations/log/").status_code == 403
    body = json.dumps({"text": "pay", "policy_id": "0x" + "ee" * 32})
    answer = elsewhere.post("/api/v1/daos/river/requests", body, content_type="application/json")
    assert (answer.status_code, "another chain" in answer.json()["error"]) == (403, True)


def test_a_policy_whose_code_can_not_be_read_names_nobody(house) -> None:
    PolicyVersion.objects.update(code=b"\1\2")
    assert _roles(house, OPERATOR) == set()


# What each person gets. `200` and the like are statuses; a redirect (302) is an action that was done.
PAGES = {
    "/river/operations/": dict.fromkeys(PEOPLE, 200),
    "/river/operations/log/": {**dict.fromkeys(PEOPLE, 403), "keeper": 200},
    "/river/operations/log.json": {**dict.fromkeys(PEOPLE, 403), "keeper": 200},
    "/river/operations/log.csv": {**dict.fromkeys(PEOPLE, 403), "keeper": 200},
    "/river/operations/subscribers/": {**dict.fromkeys(PEOPLE, 403), "keeper": 200},
    "/river/agent/": dict.fromkeys(PEOPLE, 200),
    "/river/policies/": dict.fromkeys(PEOPLE, 200),
    "/api/v1/daos/river/operations": dict.fromkeys(PEOPLE, 200),
}
_STOP = {"nobody": 403, "stranger": 403, "agent": 403, "operator": 302, "guardian": 302, "owner": 302, "keeper": 302}
_START = {**dict.fromkeys(PEOPLE, 403), "operator": 302, "keeper": 302}


@pytest.mark.parametrize("person", PEOPLE)
def test_each_role_against_each_page(house, person) -> None:
    client = _client(PEOPLE[person])
    assert {path: client.get(path).status_code for path in PAGES} == {path: who[person] for path, who in PAGES.items()}


@pytest.mark.parametrize("person", PEOPLE)
def test_each_role_against_stopping_and_starting(house, person) -> None:
    client = _client(PEOPLE[person])
    assert client.post("/river/operations/stop", {"because": ""}).status_code == _STOP[person]
    assert AgentHalt.objects.filter(cleared_at=None).exists() is (_STOP[person] == 302)
    halts.stop(house.dao, None, "by the test")
    sent = {"because": "somebody looked at all of it", "halt": [halt.pk for halt in halts.standing(house.dao)]}
    assert client.post("/river/operations/start", sent).status_code == _START[person]
    assert AgentHalt.objects.filter(cleared_at=None).exists() is (_START[person] != 302)
    AgentHalt.objects.all().delete()
    to_api = {302: 200, 403: 401 if person == "nobody" else 403}
    answer = client.post("/api/v1/daos/river/agent/stop", "{}", content_type="application/json")
    assert answer.status_code == to_api[_STOP[person]]
    halt = halts.stop(house.dao, None, "by the test")
    body = json.dumps({"because": "somebody looked at all of it", "halts": [halt.pk]})
    answer = client.post("/api/v1/daos/river/agent/start", body, content_type="application/json")
    assert answer.status_code == to_api[_START[person]]


@pytest.mark.parametrize("person", PEOPLE)
def test_asking_takes_an_account(house, person) -> None:
    body = json.dumps({"text": "pay", "policy_id": "0x" + "ee" * 32})
    answer = _client(PEOPLE[person]).post("/api/v1/daos/river/requests", body, content_type="application/json")
    assert answer.status_code == (401 if person == "nobody" else 409)


def test_every_deed_has_roles_and_every_role_is_used() -> None:
    assert all(roles.may_do(what) for what in Do)
    assert roles.may_do(Do.SEE_LOG) == roles.may_do(Do.SEE_SUBSCRIBERS) == {Role.KEEPER}
    assert Role.GUARDIAN not in roles.may_do(Do.START_AGENT), "guardians only tighten"


def test_facts_of_a_halt_are_for_those_who_may_see_them(house) -> None:
    AgentHalt.objects.create(dao=house.dao, reason="they differ", facts={"calls_hash": "0xfeed"})
    told = {name: "0xfeed" in _client(who).get("/river/operations/").content.decode() for name, who in PEOPLE.items()}
    assert {name for name, is_told in told.items() if is_told} == {"operator", "guardian", "owner", "keeper"}


def test_a_start_clears_what_was_seen_and_says_why(house) -> None:
    client = _client(OPERATOR)
    seen = halts.stop(house.dao, None, "seen")
    later = AgentHalt.objects.create(dao=house.dao, reason="came since")
    assert client.post("/river/operations/start", {"because": "short", "halt": [seen.pk]}).status_code == 422
    sent = {"because": "somebody looked at all of it", "halt": [str(seen.pk), "x", "9" * 30]}
    page = client.post("/river/operations/start", sent, follow=True).content.decode()
    assert "the agent stays stopped" in page
    assert list(AgentHalt.objects.filter(cleared_at=None)) == [later]
    assert AgentHalt.objects.get(pk=seen.pk).cleared_because == "somebody looked at all of it"
    actions = [json.loads(row.body) for row in AuditEntry.objects.order_by("id")]
    assert [(one["action"], one["by"]["name"]) for one in actions] == [
        ("agent_stopped", ""),
        ("agent_started", "agent_start"),
    ]
    assert actions[1]["by"]["account"].lower() == "0x" + OPERATOR.hex()


def test_a_second_stop_is_one_of_its_own_which_a_start_does_not_clear_unseen(house) -> None:
    seen = halts.stop(house.dao, OPERATOR, "maintenance")
    client = _client(GUARDIAN)
    assert "Stop the agent now" in client.get("/river/operations/").content.decode()
    client.post("/river/operations/stop", {"because": "an attack is under way"})
    halts.start(house.dao, OPERATOR, "maintenance is over", [seen.pk])
    assert [str(reason_of(one)) for one in halts.standing(house.dao)] == ["stopped by hand: “an attack is under way”"]
    stopped = [row for row in AuditEntry.objects.order_by("id") if json.loads(row.body)["action"] == "agent_stopped"]
    assert len(stopped) == 2


def test_who_was_operator_in_a_module_of_before_sees_no_roster_of_the_new_one(house) -> None:
    moved = Contract.objects.create(dao=house.dao, kind=Contract.Kind.MODULE, address=account(77))
    new = _policy(house, 1, OTHER_OPERATOR, version=2)
    PolicyVersion.objects.filter(pk=new.pk).update(module=moved, version=1)
    found = read.rosters_of(DaoView.of("river"), roles.visitor(OPERATOR, house.dao))
    assert [one.operator for one in found] == [OTHER_OPERATOR]


def test_another_site_can_not_stop_for_somebody(house) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = _client(OPERATOR).cookies
    assert client.post("/river/operations/stop", {}).status_code == 403
    assert client.post("/river/operations/start", {}).status_code == 403
    answer = client.post(
        "/api/v1/daos/river/agent/stop",
        "{}",
        content_type="application/json",
        headers={"origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    assert not AgentHalt.objects.exists()


def test_an_export_that_is_cut_says_so(house, monkeypatch) -> None:
    client = _client(KEEPER)
    assert "?from=" not in client.get("/river/operations/log/").content.decode()
    monkeypatch.setattr(keepers, "MOST_EXPORTED", 1)
    monkeypatch.setattr(keepers.stored, "head", lambda: (2, bytes(32)))
    assert "?from=2" in client.get("/river/operations/log/").content.decode()


# --- accounts that pay for gas


def test_an_account_below_its_floor_or_above_its_cap_or_empty_is_an_alarm(house, settings, caplog) -> None:
    key = site_keys.key_of(site_keys.What.AGENT)
    reading = _reading(house, "gas", key, (5 * 10**17).to_bytes(32, "big"), AGENT)
    client = _client(None)

    def shown() -> tuple[str | None, str]:
        found = client.get("/api/v1/daos/river/operations").json()["accounts"]
        assert [(one["what"], one["balance_wei"]) for one in found] == [("agent", str(site_keys.wei_of(reading)))]
        return found[0]["alarm"], client.get("/river/operations/").content.decode()

    alarm, page = shown()
    assert alarm is None
    assert "No floor is set." in page
    settings.KEY_FLOORS_WEI, settings.KEY_CAPS_WEI = {CHAIN: 10**18}, {CHAIN: 2 * 10**18}
    assert shown()[0] == "below_floor"
    for wei, expected in ((0, "empty"), (10**18, None), (2 * 10**18, None), (2 * 10**18 + 1, "above_cap")):
        before = {site_keys.name_of(reading): site_keys.wei_of(reading)}
        reading.value = wei.to_bytes(32, "big")
        reading.save()
        caplog.clear()
        site_keys.tell(house.dao, before, [reading])
        assert [row.levelname for row in caplog.records] == (
            ["WARNING"] if expected else ["INFO"] if before and wei == 10**18 else []
        )
        alarm, page = shown()
        assert alarm == expected
        assert ("alarm" in page) is (expected is not None)


def test_an_agent_that_was_never_asked_about_is_said_to_be_unknown(house) -> None:
    assert "What it holds was not read yet." in _client(None).get("/river/operations/").content.decode()
