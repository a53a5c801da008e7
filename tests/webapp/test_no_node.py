# SPDX-License-Identifier: Apache-2.0
"""Every GET but the ballot's is answered from the database alone: with all outgoing sockets forbidden.

The addresses come from the URL resolver, so a new one is tried without being named here; a parameter that has no value
below must get one.
"""

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, get_resolver
from django.utils import timezone

import policies
from agent.acts.calls import calls_hash
from agent.models import Candidate, DecisionRecord, Plan, Refusal, Request, Roster
from governance.chain import abi
from governance.models import ChainReading, OnchainCheck, PolicyVersion, Proposal, SyncIncident, Work
from policies.code.encoding import codehash, encode, set_policy_calldata
from policies.document.document import load
from policies.notation.hexadecimal import hex_text
from presentation.words import address_text
from tests.webapp.conftest import CHAIN, DAY, NOW, UNIT, account
from webapp.drafts import saved
from webapp.drafts.actions import Draft
from webapp.mail import own, subscriptions
from webapp.models import PolicyText, Subscription

TEMPLATES = Path(policies.__file__).parent / "templates"
API = "api/v1/daos/<slug>/proposals/<proposal_id>/"
# The ballot, in its two halves: what the voter's wallet is about to sign, and what the voter may do now. Both are asked
# of the chain's newest block: a vote cast a moment ago must not be offered again. Nothing else belongs here.
OF_THE_BALLOT = {API + "ballot", API + "voters/<account>"}
# Of the local test chain alone; where there is none they refuse, as on every real site.
LOCAL = {"local/", "local/people"}
# For keepers of the site alone (tests/webapp/test_roles.py opens them as one).
KEEPERS = {"river/operations/log/", "river/operations/log.json", "river/operations/subscribers/"}
PAYMENT = f"?asset=0x{'11' * 20}&to=0x{'22' * 20}&amount=1"
QUERIES = {
    "api/v1/daos/<slug>/delegates/<account>/statement": ["?signed_at_s=1&text_hash=0x" + "00" * 32],
    "api/v1/daos/<slug>/requests/<request_id>/approval": ["?candidate=c1"],
    "api/v1/daos/<slug>/proposals": ["", "?show=open"],
    "api/v1/daos/<slug>/policies/<policy_id>/payment": [PAYMENT],
    "<slug:slug>/policies/": ["", f"{PAYMENT}&policy=0x{'01' * 32}"],
    "<slug:slug>/proposals/": ["", "?show=open"],
    "<slug:slug>/proposals/<proposal_id:proposal_id>/": ["", "?account=0x" + "11" * 20],
}


@dataclass
class Network:
    """Whom Python's sockets tried to reach. PostgreSQL's library has its own."""

    tried: list[Any] = field(default_factory=list)

    def refuse(self, *arguments: Any, **_named: Any) -> None:
        self.tried.append(arguments[-1])
        raise OSError("no socket may be opened here")


@pytest.fixture
def network(monkeypatch, settings) -> Network:
    """Nodes are configured, so that whoever asks one is caught."""
    found = Network()
    settings.RPC_URLS = {CHAIN: ["http://127.0.0.1:9"]}
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, found.refuse)
    monkeypatch.setattr(socket, "getaddrinfo", found.refuse)
    return found


@pytest.fixture
def filled(made, settings) -> dict[str, str]:
    """A DAO with something on every page; returns what its addresses need."""
    settings.LOCAL_CHAIN_ID = None
    module, usdc = made.contracts["module"], bytes(made.contracts["asset"].address)
    text = (TEMPLATES / "swaps.yaml").read_text()
    code = encode(load(text.replace("0x5c0000000000000000000000000000000000dEAD", address_text(usdc))))
    PolicyVersion.objects.create(
        dao=made.dao, module=module, policy_id=b"\1" * 32, version=1, agent=account(50), codehash=codehash(code),
        code=code, log=made.log(),
    )  # fmt: skip
    proposal = made.proposal(7)
    made.summary(proposal)
    made.vote(proposal, 3, reason="yes")
    made.proposal(8, deadline=NOW - 1, for_votes=100_000 * UNIT)
    setting = made.proposal(9)
    setting.actions.update(target=bytes(module.address), calldata=set_policy_calldata(b"\1" * 32, code))
    made.act(4, status="scheduled", act_id=b"\4" * 32, releasable_chain_s=NOW + 3600, expires_chain_s=NOW + DAY)
    made.act(3)
    made.refusal()
    made.power(3, 10 * UNIT)
    made.flow(5_000_000)
    SyncIncident.objects.create(dao=made.dao, kind="reorg", detail="replaced", facts={"dropped_votes": []})
    OnchainCheck.objects.create(
        dao=made.dao, subject="proposal:7:state", block_number=500, block_hash=bytes(32), chain_says="Active",
        mirror_says="Active", matched=True,
    )  # fmt: skip
    state = abi.encode(["address", "uint16", "uint24", "uint32", "uint40"], [account(9), 1, 3, NOW - DAY, NOW + DAY])
    for kind, address, key, value in (
        ("balance", usdc, bytes(32), (7_000_000).to_bytes(32, "big")),
        ("policy", bytes(module.address), b"\1" * 32, state),
    ):
        ChainReading.objects.create(
            dao=made.dao, kind=kind, address=address, key=key, value=value, block_number=500, block_hash=b"\5" * 32,
            block_timestamp_chain_s=NOW, read_at=timezone.now(),
        )  # fmt: skip
    roster = Roster.objects.create(
        dao=made.dao, module=module, policy_id=b"\1" * 32, policy_version=1, serial=1, expires_chain_s=NOW + DAY,
        operator=account(70), digest=bytes(32), signature=b"", typed_data={},
    )  # fmt: skip
    asked = Request.objects.create(
        dao=made.dao, module=module, policy_id=b"\1" * 32, reference=bytes(32), idempotency_key="a", text="pay",
        requested_by=account(3), status="needs_approval",
    )  # fmt: skip
    candidate = Candidate.objects.create(
        request=asked, key="c1", label="one-off", roster=roster, is_roster=False, calls=[], calls_hash=calls_hash([]),
        lines=[], allowed=True,
    )  # fmt: skip
    Plan.objects.create(request=asked, candidate=candidate, chosen_by="model")
    Refusal.objects.create(
        request=asked, candidate_key="c2", label="too much", calls=[], policy_codehash=codehash(code), block_number=500,
        block_hash=bytes(32), reasons=[{"code": "OverCap", "text": "too much"}],
    )  # fmt: skip
    DecisionRecord.objects.create(
        dao=made.dao, request=asked, hash=b"\4" * 32, prev_hash=bytes(32), body="{}", signer=account(50)
    )
    PolicyText.objects.create(document_hash=b"\4" * 32, text="version: 1\n")
    subscriptions.ask(made.dao, "a@example.org", subscriptions.Choice("daily"), "here")
    subscription = Subscription.objects.get()
    choice = {"s": subscription.pk, "f": "daily", "d": "", "n": "0" * 32}
    subscription.confirm_token_hash = subscriptions._hash(subscriptions.confirm_token(choice))
    subscription.unsubscribe_token_hash = subscriptions._hash(subscriptions.unsubscribe_token(subscription))
    subscription.save()
    draft_token, _ = saved.keep(made.dao, Draft("# A draft", []), None, "here")
    own.ask("a@example.org", "here")
    own_token = own._token(Work.objects.get(name=own.OWN_WORK).arguments)
    return {
        "slug": "river", "proposal_id": "7", "account": address_text(account(3)), "request_id": str(asked.pk),
        "table": "treasury", "form": "json", "number": "1",
        "policy_id": hex_text(b"\1" * 32),
        "name": hex_text(b"\4" * 32), "confirm token": subscriptions.confirm_token(choice),
        "own_data token": own_token, "kept_draft token": draft_token, "own_export token": own_token,
        "unsubscribe token": subscriptions.unsubscribe_token(subscription),
    }  # fmt: skip


def routes(resolver: Any = None, before: str = "") -> Iterator[tuple[str, str]]:
    """Every address of the site as (route, name)."""
    for one in (resolver or get_resolver()).url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route, one.name
        else:
            yield from routes(one, route)


def addresses(filled: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every address with its parameters filled in, as (route, path). Of proposals each kind is opened."""
    for route, name in dict(routes()).items():
        numbers = ("7", "8", "9") if "proposal_id" in route else ("7",)
        for number in numbers:
            values = {**filled, "proposal_id": number}

            def value(found: re.Match[str], values: dict[str, str] = values, name: str = name) -> str:
                return values.get(f"{name} {found[1]}") or values[found[1]]

            path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, route)
            yield from ((route, path + query) for query in QUERIES.get(route, [""]))


def test_every_get_but_the_ballots_opens_no_socket(client, filled, network):
    answered = {}
    for route, path in addresses(filled):
        if route in OF_THE_BALLOT:
            continue
        answered[path] = client.get(path).status_code
        assert network.tried == [], path
    refused = {path for path, status in answered.items() if status == 403}
    assert refused == {f"/{route}" for route in LOCAL | KEEPERS}
    assert answered["/"] == 302  # to the only DAO
    assert {path for path, status in answered.items() if status not in (200, 302, 403, 405)} == {"/api/v1/"}
    assert len([status for status in answered.values() if status == 200]) >= 25
    # What changes something is no GET.
    changes = {path.rpartition("/")[2] for path, status in answered.items() if status == 405}
    assert changes == {
        "wallet",
        "vote-by-signature",
        "delegate-by-signature",
        "subscriptions",
        "language",
        "approve",
        "stop",
        "end",
        "start",
        "meant",
        "verify",
        "sign-out",
    }


@pytest.mark.parametrize("snapshot", [None, NOW + DAY])
def test_who_has_no_javascript_reads_what_was_read(client, filled, made, network, snapshot):
    if snapshot is not None:
        Proposal.objects.filter(proposal_id=7).update(snapshot=snapshot)
    shown = client.get("/river/proposals/7/", {"account": filled["account"]}).content.decode()
    assert "This is what was read of the chain up to block" in shown
    assert ("Your voting power now is not known here." in shown) is (snapshot is not None)
    assert "could not be asked" not in shown
    assert network.tried == []


def test_the_local_chains_pages_are_answered_without_its_node(client, filled, network, settings, tmp_path):
    settings.LOCAL_CHAIN_ID, settings.STATE_DIR = CHAIN, tmp_path
    person = {"name": "ada", "address": filled["account"], "role": "member"}
    (tmp_path / "people.json").write_text(json.dumps([person]))
    clock = client.get("/local/")
    assert clock.status_code == 200
    assert "the newest that was read" in clock.content.decode()
    assert client.get("/local/people").json() == {"people": [person], "chainId": hex(CHAIN)}
    (tmp_path / "people.json").unlink()
    assert client.get("/local/people").json() == {"people": [], "chainId": hex(CHAIN)}
    assert network.tried == []
    client.post("/local/", {"to": "hour"})
    assert network.tried  # who winds it asks the node first


def test_pages_that_show_the_chains_word_name_its_block_and_age(client, filled, network):
    home = client.get("/river/").content.decode()
    assert re.search(r"7 USDC.{0,80}Read from the chain at block 500, \d+ seconds? ago", home, re.DOTALL)
    assert "do not add up to it" in home  # 5 USDC came in by the movements that were read
    shown = client.get("/river/policies/").content.decode()
    assert re.search(r"Whether it still holds was read from the policy module at block 500, \d+ seconds? ago", shown)
    assert "What is spent of it is not known yet" in shown  # no answer about the budget
    (policy,) = client.get("/api/v1/daos/river/policies").json()
    assert (policy["read_at_block"], policy["read_at_block_hash"]) == (500, "0x" + "05" * 32)
    assert policy["end_chain_s"] == NOW + DAY
    assert {budget["spent"] for budget in policy["budgets"]} == {None}
    assert {budget["read_at_block"] for budget in policy["budgets"]} == {None}
    (balance,) = client.get("/api/v1/daos/river").json()["treasury"]
    assert (balance["amount"], balance["read_at_block"]) == ("7000000", 500)
    assert network.tried == []


def test_an_asset_that_is_gone_without_a_movement_is_shown(client, filled, network):
    """By the movements that were read it has 5 USDC, by the chain none: that is no treasury without USDC."""
    ChainReading.objects.filter(kind="balance").update(value=bytes(32))
    assert re.search(r">0 USDC.{0,120}do not add up to it", client.get("/river/").content.decode(), re.DOTALL)


def test_what_was_read_of_the_version_before_says_nothing_of_this_one(client, filled, made):
    """A vote replaced the policy a moment ago: whether the new version holds was not asked yet."""
    old = PolicyVersion.objects.get()
    PolicyVersion.objects.create(
        dao=made.dao, module=old.module, policy_id=old.policy_id, version=2, agent=old.agent, codehash=old.codehash,
        code=old.code, log=made.log(),
    )  # fmt: skip
    (policy,) = client.get("/api/v1/daos/river/policies").json()
    assert (policy["version"], policy["read_at_block"], policy["end_chain_s"]) == (2, None, None)
    assert "voted; whether it still holds is not known yet" in client.get("/river/policies/").content.decode()


def test_the_guard_catches_who_asks(client, filled, network):
    """The ballot's own answers ask the chain's newest block, so the guard sees them."""
    asking = [path for route, path in addresses(filled) if route in OF_THE_BALLOT]
    for path in asking:
        network.tried.clear()
        client.get(path, {"voter": filled["account"], "support": 1})
        assert network.tried, path
