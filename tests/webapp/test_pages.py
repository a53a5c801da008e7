# SPDX-License-Identifier: Apache-2.0
"""Given these rows in the mirror, this is what a member sees, without JavaScript."""

import itertools
import os
import re
import socket
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

import policies
from agent.models import Candidate, ModelTrouble, Plan, Request, Roster, Summary
from agent.understanding import finding_words, ingest
from agent.understanding.judging import Finding, Quote, Status
from governance.models import Contract, Cursor, OnchainCheck, PolicyVersion, Proposal, SyncIncident, TimelockOperation
from governance.state import is_final
from policies.code.encoding import codehash, encode, policy_id, set_policy_calldata
from policies.document.document import load
from presentation.acts import objectable
from presentation.card import card_of
from presentation.dao_view import DaoView
from presentation.proposals import page_of_proposals
from presentation.words import address_text, percent
from tests.webapp.conftest import CHAIN, DAY, NOW, UNIT, account
from webapp.delegates import api as delegates_api
from webapp.delegates import page as delegates_page
from webapp.delegates import read as delegates
from webapp.mail import digest

TEMPLATES = Path(policies.__file__).parent / "templates"
HOSTILE = (
    "# <script>alert(1)</script> \u202egnp.exe\n\n"
    "[free money](javascript:alert(1)) <img src=x onerror=alert(2)> ![spy](https://evil.test/pixel.png)\n\n"
    '<a href="https://evil.test" onclick="x()">here</a>\n\n[data](data:text/html;base64,xxxx)'
)


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.content[:300]
    return answer.content.decode()


def test_one_dao_is_the_first_page(client, made):
    assert client.get("/").headers["Location"] == "/river/"


def test_no_dao_yet_says_so(client, db):
    assert "None yet" in page(client, "/")


def test_home_shows_what_needs_a_decision(client, made):
    made.vote(made.proposal(7), 3)
    made.act(4, status="scheduled", act_id=b"\x04" * 32, releasable_chain_s=NOW + 3600, expires_chain_s=NOW + DAY)
    made.flow(100_000_000_000)
    made.flow(1_000_000, outgoing=True)
    text = page(client, "/river/")
    assert "Pay ines" in text
    assert "act 4" in text
    assert "99,999 USDC" in text
    assert "the balance on chain is not known yet" in text


def test_home_says_what_stands_where(client, made):
    assert "No proposal yet." in page(client, "/river/")
    made.proposal(7)
    text = page(client, "/river/")
    assert "No proposal yet." not in text
    assert "No other proposals." in text
    headings = re.findall(r"<h2[^>]*>([^<]*)", text)  # a phone shows them in this order
    assert headings == ["You", "Needs you now", "Treasury", "The agent's budgets", "Latest proposals", "Activity"]


@pytest.mark.parametrize(
    ("family", "timelock", "expected"),
    [
        ("openzeppelin", True, "Anybody may queue it in the timelock."),
        ("openzeppelin", False, "The vote has carried. Anybody may execute it."),
        ("bravo", True, None),
    ],
)
def test_the_next_step_is_one_that_the_chain_takes(client, made, family, timelock, expected):
    governor = made.contracts["governor"]
    governor.capabilities |= {"family": family}
    governor.save()
    if not timelock:
        made.contracts["timelock"].delete()
    made.proposal(7, deadline=NOW - 1, for_votes=50_000 * UNIT)
    text = page(client, "/river/proposals/7/")
    assert ("Next step" in text) is (expected is not None)
    assert expected is None or expected in text
    assert "The timelock is over" not in text


@pytest.mark.parametrize("path", ["", "proposals/", "proposals/7/", "delegates/", "policies/", "agent/", "subscribe/"])
def test_every_page_of_another_chain_says_unaudited(client, made, path):
    made.proposal(7)
    assert "unaudited" in page(client, f"/river/{path}")


def test_proposal_page_without_javascript(client, made):
    proposal = made.proposal(7, for_votes=300_000 * UNIT, against_votes=UNIT)
    made.summary(proposal)
    made.vote(proposal, 3, 1, 300_000 * UNIT, "good work")
    OnchainCheck.objects.create(
        dao=made.dao,
        subject="proposal:7:votes",
        block_number=499,
        block_hash=bytes(32),
        chain_says="a",
        mirror_says="a",
        matched=True,
    )
    text = page(client, "/river/proposals/7/")
    for expected in (
        "It pays ines.", "Pay 5 USDC.", "Transfers 5 USDC", "small-model", "demo model", "300,000 MAND", "good work",
        "transfer", "1 day left to vote", "Tally: checked against the chain at block 499",
        "State: not checked against the chain yet", address_text(account(3)), "reached",
    ):  # fmt: skip
        assert expected in text, expected
    assert "noscript" in text


def test_an_abstention_is_shown_as_one(client, made):
    made.summary(made.proposal(7), status="abstained", sentences=[], reason="nothing survived the source checks")
    text = page(client, "/river/proposals/7/")
    assert "The model abstained." in text
    assert "Transfers 5 USDC" in text


def test_a_reorg_that_took_a_vote_is_told(client, made):
    made.proposal(7)
    made.proposal(8)
    SyncIncident.objects.create(
        dao=made.dao,
        kind="reorg",
        detail="The chain replaced 2 blocks",
        facts={"dropped_votes": [{"proposal_id": "7", "voter": address_text(account(3)), "support": 1, "weight": "1"}]},
    )
    text = page(client, "/river/proposals/7/")
    assert "reorganisation of the chain removed a vote" in text
    assert address_text(account(3)) in text
    assert "reorganisation" not in page(client, "/river/proposals/8/")


@pytest.mark.parametrize("grace_s", [None, 0, DAY])
@pytest.mark.parametrize("counts", ["for", "for,abstain"])
def test_open_is_what_no_state_calls_final(client, made, grace_s, counts):
    """The database's filter against governance.state, over every mix of facts that decides a state."""
    governor = made.contracts["governor"]
    governor.capabilities |= {"quorum_counts": counts, "grace_period_s": grace_s}
    governor.save()
    number = itertools.count(1)
    for deadline, (yes, no, abstain), quorum, eta, operation, flag in itertools.product(
        (NOW - 1, NOW, NOW + 1),
        ((0, 0, 0), (2, 1, 0), (2, 1, 3), (1, 2, 9)),
        (None, 2, 4),
        (None, NOW - 2 * DAY, NOW + DAY),
        (None, {}, {"executed": True}, {"canceled": True}),
        ({}, {"executed": True}, {"canceled": True}),
    ):
        if (operation is not None and not eta) or (flag and operation is not None):
            continue
        proposal = Proposal.objects.create(
            dao=made.dao, proposal_id=next(number), log=made.log(), proposer=account(1), snapshot=NOW - DAY,
            deadline=deadline, for_votes=yes, against_votes=no, abstain_votes=abstain, quorum_votes=quorum,
            eta_chain_s=eta, **flag,
        )  # fmt: skip
        if operation is not None:
            TimelockOperation.objects.create(
                dao=made.dao, operation_id=next(number).to_bytes(32, "big"), proposal=proposal, log=made.log(),
                ready_chain_s=eta, **operation,
            )  # fmt: skip
    place = DaoView(made.dao)
    rows, count = page_of_proposals(place, size=10_000)
    expected = {row.proposal.pk for row in rows if not is_final(row.state)}
    assert 10 < len(expected) < count
    shown, open_count = page_of_proposals(place, only_open=True, size=10_000)
    assert {row.proposal.pk for row in shown} == expected
    assert open_count == len(expected)


@pytest.mark.parametrize("path", ["/river/", "/river/proposals/", "/river/proposals/7/"])
def test_hostile_text_cannot_act(client, made, path):
    proposal = made.proposal(7, description=HOSTILE)
    made.vote(proposal, 3, reason="<script>alert(3)</script>\u202e")
    made.summary(
        proposal, sentences=[{"text": "<b>x</b>", "source": {"kind": "span", "id": "s1", "quote": "<img src=y>"}}]
    )
    text = page(client, path)
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "[U+202E]" in text
    assert "javascript:" not in re.findall(r'href="([^"]*)"', text)
    assert not re.search(r"<img|onerror=(?!alert\(2\)&gt;)|href=\"(javascript|data):", text)
    assert "&lt;a href=" in text or path != "/river/proposals/7/"


def test_what_some_readers_do_not_see_is_shown_beside_the_verdict(client, made):
    """Also for summaries of older versions, which don't say whether our page shows it."""
    proposal = made.proposal(7, description="Pay ines.<!-- and jon -->\n\n[//]: # (and lea)")
    found = [notice.as_json() for notice in ingest.read(proposal.description).hidden]
    made.summary(proposal, hidden=[*found, {"kind": "tag", "count": 3, "sample": "yes"}, {"kind": "new", "count": 1}])
    text = unescape(page(client, "/river/proposals/7/"))
    for line in ("HTML comment, hidden by other sites (1): “and jon”",
                 "Link definition that no page shows (1): “[//]: # (and lea)”",
                 "Invisible characters that spell words (3): “yes”", "new (1)"):  # fmt: skip
        assert line in text
    assert client.get("/api/v1/daos/river/proposals/7").json()["summary"]["hidden"][:2] == found


def test_policy_headers(client, made):
    answer = client.get("/river/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    text = answer.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert " style=" not in text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


def test_the_agent_page_shows_acts_refusals_and_the_stop(client, made):
    made.act(1)
    made.refusal()
    text = page(client, "/river/agent/")
    assert "pays 5 USDC" in text
    assert "at most 5,000 USDC an act" in text
    assert "OverCap" in text
    assert "0x8456cb59" in text  # pause()
    made.contracts["module"].module_state.__class__.objects.update(paused=True)
    assert "The agent is paused." in page(client, "/river/agent/")


@pytest.mark.parametrize(
    ("code", "told", "never"),
    [
        (b"", "could not be read from the chain yet", "do not trust"),
        (b"rubbish", "is not a policy of format 1", "the chain yet"),
    ],
)
def test_a_policy_that_cannot_be_shown_says_why(client, made, code, told, never):
    PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, version=1, agent=account(50),
        codehash=bytes(32), code=code, log=made.log(),
    )  # fmt: skip
    text = page(client, "/river/policies/")
    assert told in text
    assert never not in text
    assert "in force</span>" not in text  # nobody asked the chain yet
    assert "whether it still holds is not known yet" in text


def test_a_policy_says_of_which_rules_it_is_not_known_whether_their_effect_ends(client, made):
    """On the page, in the API, and on the page of the proposal that would put it in force."""
    text = (Path(policies.__file__).parent / "templates" / "swaps.yaml").read_text()
    usdc = address_text(bytes(made.contracts["asset"].address))
    code = encode(load(text.replace("0x5c0000000000000000000000000000000000dEAD", usdc)))
    PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, version=1, agent=account(50),
        codehash=codehash(code), code=code, log=made.log(),
    )  # fmt: skip
    proposal = made.proposal(7)
    proposal.actions.update(
        target=bytes(made.contracts["module"].address), calldata=set_policy_calldata(policy_id("swaps"), code)
    )
    (listed,) = client.get("/api/v1/daos/river/policies").json()
    on_pages = [unescape(page(client, f"/river/{path}/")) for path in ("policies", "proposals/7")]
    for shown in (*on_pages, "\n".join(listed["sentences"])):
        assert shown.count("it is not known whether its effect ends with the act") == 2  # the rule's, and of all such
        assert "Worst case for the budget “to swap”, true only if the effect of rule 2 ends with the act and " in shown
        assert "whatever anybody tells it; but what calls under rule 2 begin, or allow others to do" in shown


def test_approving_is_for_the_operator_that_the_policy_names(client, made):
    text = (TEMPLATES / "grants.yaml").read_text()
    PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, version=1, agent=account(50),
        codehash=bytes(32), code=encode(load(text)), log=made.log(),
    )  # fmt: skip
    roster = Roster.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, policy_version=1, serial=1,
        expires_chain_s=NOW, operator=account(70), digest=bytes(32), signature=b"", typed_data={},
    )  # fmt: skip
    for number, asked_of in enumerate((b"\1" * 32, b"\2" * 32)):  # of the second no version is known
        asked = Request.objects.create(
            module=made.contracts["module"], dao=made.dao, policy_id=asked_of, reference=bytes([number]) * 32,
            idempotency_key=str(number), text=f"pay {number}", requested_by=account(3), status="needs_approval",
        )  # fmt: skip
        Candidate.objects.create(
            request=asked,
            key="c1",
            label="one-off",
            roster=roster,
            is_roster=False,
            calls=[],
            calls_hash=bytes(32),
            lines=[],
            allowed=True,
        )
    shown = page(client, "/river/agent/")
    assert re.findall(r'data-operator="([^"]*)"', shown) == ["0xA1c40d9B6D8B0B3E1c2D3F40516273849506a7B8"]
    assert shown.count("Only the operator that the policy names may approve.") == 2


@pytest.mark.parametrize(
    ("adapter", "who", "as_of_now"),
    [
        (
            "PriorVotesAdapter",
            "Anybody who had voting power when the act was announced",
            "total supply counts as of now",
        ),
        ("SafeOwnersAdapter", f"is an owner of the Safe {'0x' + '5a' * 20} when they object", "never less than one"),
        ("unknown", "Anybody with voting power may object, once. As of when it counts", "whose code is not"),
    ],
)
def test_votes_that_count_as_of_now_are_named(client, made, adapter, who, as_of_now):
    made.act(4, status="scheduled", act_id=b"\x04" * 32, releasable_chain_s=NOW + 3600, expires_chain_s=NOW + DAY)
    assert "as of now" not in page(client, "/river/agent/")
    Contract.objects.filter(kind=Contract.Kind.MODULE).update(
        capabilities={"votes_adapter": adapter, "adapted_token": "0x" + "5a" * 20}
    )
    shown = page(client, "/river/agent/")
    assert who in shown
    assert as_of_now in shown
    place = DaoView.of("river")
    (item,) = [digest.of_act(place, act) for act in objectable(place)]
    assert as_of_now in item.lines[-1]


def test_beside_each_stop_it_says_who_may(client, made):
    made.act(4, status="scheduled", act_id=b"\x04" * 32, releasable_chain_s=NOW + 3600, expires_chain_s=NOW + DAY)
    shown = page(client, "/river/agent/")
    assert "Anybody who had voting power when the act was announced may object, once." in shown
    assert "Only the guardian or the owner may veto." in shown
    assert "Only the guardian or the owner may pause." in shown


SAYS_NOTHING = "can do nothing"


@pytest.mark.parametrize("path", ["/river/", "/river/policies/", "/river/agent/"])
@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("no_module", "No policy module is known for this DAO"),
        ("not_read", "Whether a policy is in force is not known yet"),
        ("no_policy", "No policy is in force, by all that was read of the policy module"),
    ],
)
def test_what_is_said_of_policies_is_what_was_read(client, made, path, state, says):
    module = made.contracts["module"]
    if state == "no_module":
        module.delete()
    elif state == "not_read":
        Cursor.objects.update(node_head_block=900)
    shown = page(client, path)
    assert says in shown
    assert SAYS_NOTHING not in shown
    assert client.get("/api/v1/daos/river").json()["policies"]["standing"] == state
    name, governor = address_text(module.address), address_text(made.contracts["governor"].address)
    assert (f"add_dao {governor} --slug river --module 0x" in shown) == (state == "no_module")
    assert (name in shown) == (state != "no_module")


@pytest.mark.parametrize("path", ["/river/", "/river/policies/", "/river/agent/"])
def test_a_policy_without_a_budget_that_can_be_shown_is_a_policy(client, made, path):
    PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, version=1, agent=account(50),
        codehash=bytes(32), code=b"rubbish", log=made.log(),
    )  # fmt: skip
    shown = page(client, path)
    assert "No policy is in force" not in shown
    assert "No policy module is known" not in shown
    assert SAYS_NOTHING not in shown
    told = client.get("/api/v1/daos/river").json()["policies"]
    assert told["standing"] == "policies"
    assert told["words"].startswith("One policy is set in the policy module")


def test_delegates(client, made):
    made.power(3, 150_000 * UNIT, delegator=4)
    text = page(client, "/river/delegates/")
    assert address_text(account(3)) in text
    assert address_text(account(4)) in text
    assert "150,000 MAND" in text


def test_power_that_was_delegated_away_is_not_shown(client, made):
    made.power(3, 150_000 * UNIT, delegator=4)
    made.power(5, 150_000 * UNIT, delegator=4)
    rows = client.get("/api/v1/daos/river/delegates").json()
    assert {row["account"]: row["delegators"] for row in rows} == {
        address_text(account(3)): [],
        address_text(account(5)): [address_text(account(4))],
    }


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"symbol": "SEAT", "decimals": 0}, "3 SEAT"),
        ({"symbol": "SEAT"}, "3 base units of 0x"),
        ({}, "3 base units of"),
    ],
)
def test_votes_are_counted_in_the_units_of_their_token(client, made, told, shown):
    """Of an ERC-721 whole tokens; where nobody said the decimals, none are made up."""
    made.contracts["votes_token"].capabilities = told
    made.contracts["votes_token"].save()
    made.power(3, 3)
    made.vote(made.proposal(7, for_votes=3), 3, weight=3)
    for path in ("/river/delegates/", "/river/proposals/7/"):
        assert shown in page(client, path), path


def test_two_tokens_of_one_symbol_have_two_names(made):
    one = made.contracts["asset"].address
    other = Contract.objects.create(
        dao=made.dao, kind="asset", address=account(77), capabilities={"symbol": "usdc", "decimals": 6}, start_block=0
    ).address
    names = DaoView(made.dao).names
    assert address_text(one) in names[bytes(one)]
    assert address_text(other) in names[bytes(other)]
    assert DaoView(made.dao).asset(one).text(5_000_000) == f"5 USDC ({address_text(one)})"


def test_delegates_come_in_pages_with_all_power_as_the_whole(client, made, monkeypatch):
    for number in range(100, 160):
        made.power(number, number * UNIT)
    first, second, third = (page(client, f"/river/delegates/?page={n}") for n in (1, 2, 3))
    assert "Page 2 of 3" in second
    assert address_text(account(159)) in first
    assert address_text(account(134)) in second
    assert address_text(account(100)) in third
    assert f"{percent(159, 7_770)} of all voting power" in first  # also where other pages hold the rest
    rows = client.get("/api/v1/daos/river/delegates?page=2&size=50").json()
    assert [row["account"] for row in rows] == [address_text(account(n)) for n in range(109, 99, -1)]
    assert client.get("/api/v1/daos/river/delegates?page=3&size=50").json() == []
    behind = client.get(f"/api/v1/daos/river/delegates?after={address_text(account(103))}").json()
    assert [row["account"] for row in behind] == [address_text(account(n)) for n in (102, 101, 100)]
    assert client.get(f"/api/v1/daos/river/delegates?after={address_text(account(7))}").json() == []
    assert len(client.get("/api/v1/daos/river/delegates?size=1000").json()) == 50
    monkeypatch.setattr(delegates_page, "MOST_LISTED", 50)
    monkeypatch.setattr(delegates_api, "MOST_LISTED", 50)
    assert "Page 2 of 2" in (last := page(client, "/river/delegates/?page=9"))
    assert "60 accounts hold voting power. The 50 that hold the most are listed here" in last
    assert client.get("/api/v1/daos/river/delegates?page=3").status_code == 422
    assert client.get("/api/v1/daos/river/power").json() == {
        "holders": 60,
        "power": str(7_770 * UNIT),
        "confirmed": True,
    }


def test_of_many_delegators_some_are_named_and_all_are_in_pages(client, made):
    for delegator in range(300, 430):
        made.power(6, UNIT, delegator=delegator)
    assert "and 118 more" in page(client, "/river/delegates/")
    (row,) = client.get("/api/v1/daos/river/delegates").json()
    assert (row["delegators_count"], len(row["delegators"])) == (130, 100)
    path = f"/api/v1/daos/river/delegates/{address_text(account(6))}/delegators"
    begun = client.get(path).json()
    rest = client.get(f"{path}?after={begun['next']}").json()
    assert [(one["count"], len(one["delegators"])) for one in (begun, rest)] == [(130, 100), (130, 30)]
    assert rest["next"] is None
    assert begun["delegators"] + rest["delegators"] == [address_text(account(n)) for n in range(300, 430)]
    exactly = client.get(f"{path}?size=30&after={begun['next']}").json()
    assert (len(exactly["delegators"]), exactly["next"]) == (30, None)
    other = path.replace(address_text(account(6)), address_text(account(5)))
    assert client.get(other).json() == {"count": 0, "delegators": [], "delegations": [], "next": None}
    assert client.get(path.replace("0x", "0z")).status_code == 422


def test_votes_beyond_what_is_counted_are_said_to_be_more(client, made, monkeypatch):
    monkeypatch.setattr(delegates, "MOST_VOTES", 3)
    made.power(3, UNIT)
    for number in range(10, 13):
        made.vote(made.proposal(number), 3)
    assert "voted on 3 proposals" in page(client, "/river/delegates/")
    made.vote(made.proposal(13), 3)
    assert "voted on at least 3 proposals" in page(client, "/river/delegates/")
    (row,) = client.get("/api/v1/daos/river/delegates").json()
    assert (row["votes_cast"], row["voted_on_more"]) == (3, True)


@pytest.mark.parametrize(
    "path",
    [
        "/river/nowhere/",
        "/nobody/",
        "/river/proposals/99/",
        "/river/proposals/" + "9" * 78 + "/",
        "/records/zz.json",
        "/records/" + "0" * 64 + ".json",
    ],
)
def test_what_is_not_there_is_told_in_words(client, made, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert b"There is no page at this address" in answer.content


def test_local_tools_do_not_exist_elsewhere(client, made):
    assert client.get("/local/").status_code == 403
    answer = client.post("/local/wallet", {"method": "eth_accounts"}, content_type="application/json")
    assert answer.status_code == 403
    assert "local test chain only" in answer.json()["error"]["message"]
    assert "Clock" not in page(client, "/river/")
    assert "unaudited" in page(client, "/river/")


@pytest.mark.parametrize(("chain", "starts"), [("1", False), ("10", False), ("31337", True), ("", True)])
def test_no_real_chain_can_be_named_the_local_one(chain, starts):
    done = subprocess.run(
        [sys.executable, "-c", "import dao.settings"],
        env={**os.environ, "MANDATE_LOCAL_CHAIN": chain}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is starts
    assert starts or "exist on test chains only" in done.stderr


@pytest.mark.parametrize("path", ["", "policies/"])
def test_a_node_that_never_answers_keeps_no_page_waiting(client, made, settings, path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.RPC_URLS = {CHAIN: [f"http://127.0.0.1:{silent.getsockname()[1]}"]}
        made.flow(5_000_000)
        text = page(client, f"/river/{path}")
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()  # nobody called
    assert path or "the balance on chain is not known yet" in text


def test_forms_need_their_token(made):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/river/subscribe/", {"email": "a@example.org", "frequency": "daily"})
    assert answer.status_code == 403
    assert b"The form is too old" in answer.content
    assert strict.post("/local/wallet", b"{}", content_type="application/json").status_code == 403


@pytest.mark.parametrize(
    "path", ["/river/", "/river/proposals/", "/river/delegates/", "/river/agent/", "/api/v1/daos/river/proposals"]
)
def test_query_counts_do_not_grow_with_rows(client, made, path, django_assert_max_num_queries):
    def fill(numbers):
        for number in numbers:
            proposal = made.proposal(number)
            made.summary(proposal)
            made.vote(proposal, number)
            made.power(number, UNIT)
            made.act(number)

    def count():
        with django_assert_max_num_queries(40) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    fill(range(10, 12))
    client.get(path)
    few = count()
    fill(range(20, 32))
    assert count() == few


def test_the_proposal_page_counts_constant_queries(client, made, django_assert_max_num_queries):
    proposal = made.proposal(7)
    made.vote(proposal, 1)
    with django_assert_max_num_queries(25) as few:
        client.get("/river/proposals/7/")
    for voter in range(2, 30):
        made.vote(proposal, voter)
    with django_assert_max_num_queries(25) as many:
        client.get("/river/proposals/7/")
    assert len(few) == len(many)


def test_health(client, db):
    assert client.get("/health").json() == {"status": "ok"}


def found(status: str, effect: str = "", quote: str = "", codes: tuple[str, ...] = ()) -> dict:
    """A finding as a summary stores it."""
    cut = Quote(0, len(quote), quote) if quote else None
    return finding_words.as_json(Finding(Status(status), effect, codes, cut))


TWO_EFFECTS = [
    {"id": "e1", "position": 0, "kind": "transfer", "sentence": "Pays ines."},
    {"id": "e2", "position": 1, "kind": "transfer", "sentence": "Pays mallory."},
]


def test_each_effect_stands_beside_the_words_that_tell_it_and_the_untold_ones_come_first(client, made):
    made.summary(
        made.proposal(7),
        verdict="not_told",
        effects=TWO_EFFECTS,
        findings=[found("told", "e1", "We pay ines."), found("not_told", "e2"), found("not_done", "", "We pay bob.")],
        flags=[{"code": "not_told", "severity": "danger", "text": "Money moves.", "effects": ["e2"]}],
    )
    text = page(client, "/river/proposals/7/")
    gist = text[text.index("gist alarm") : text.index("grid two")]
    assert "NOT TOLD" in gist
    assert "Pays mallory. And 1 thing more." in gist
    assert "Money moves." in gist
    card = text[text.index('aria-labelledby="does"') :]
    assert card.index('id="e2" data-outcome="not_told"') < card.index('id="e1" data-outcome="told"')
    assert "No sentence of the text mentions it." in card
    assert "<q>We pay ines.</q>" in card
    assert "The text orders this, and no call that can be read does it, or not as often: <q>We pay bob.</q>" in card


@pytest.mark.parametrize("status", ["doubt", "not_compared"])
def test_words_that_nobody_compared_stand_on_the_card_with_what_is_said_of_them(client, made, status):
    findings = [found("told", "e1", "We pay ines."), found(status, "", "Hedgehogs <b>sleep</b>.")]
    summary = made.summary(made.proposal(7), verdict="told", effects=TWO_EFFECTS[:1], findings=findings)
    text = page(client, "/river/proposals/7/")
    card = text[text.index('aria-labelledby="does"') :]
    assert "<q>Hedgehogs &lt;b&gt;sleep&lt;/b&gt;.</q>" in card
    ((note, quote),) = card_of(summary).doubts
    assert quote.text == "Hedgehogs <b>sleep</b>."
    assert note in unescape(card)


@pytest.mark.parametrize(
    ("outcome", "words_and_sign", "is_alarm"),
    [
        ("told", "✓</span>Told<", False),
        ("told_in_part", "◐</span>Told in part<", False),
        ("not_told", "!</span>NOT TOLD<", True),
        ("differs", "✗</span>Differs<", True),
        ("cant_be_checked", "?</span>Can&#x27;t be checked<", False),
        ("no_calls", "○</span>No calls<", False),
    ],
)
def test_an_outcome_has_words_and_a_sign_in_page_list_and_api_not_a_colour_alone(
    client, made, outcome, words_and_sign, is_alarm
):
    made.summary(made.proposal(7), verdict=outcome, findings=[])
    text = page(client, "/river/proposals/7/")
    assert words_and_sign in text[text.index('class="gist') : text.index("grid two")]
    assert ('class="gist alarm"' in text) is is_alarm
    assert words_and_sign in page(client, "/river/proposals/")
    (row,) = client.get("/api/v1/daos/river/proposals").json()["proposals"]
    assert row["verdict"] == outcome


def test_the_one_line_speaks_of_what_makes_the_outcome(client, made):
    def lead(*findings: dict) -> str:
        Summary.objects.all().delete()
        proposal = Proposal.objects.filter(proposal_id=7).first() or made.proposal(7)
        made.summary(proposal, verdict="differs", effects=TWO_EFFECTS, findings=list(findings))
        return re.search(r'<p class="lead">(.*?)</p>', page(client, "/river/proposals/7/")).group(1)

    assert lead(found("not_told", "e1"), found("differs", "e2")) == "Pays mallory. And 1 thing more."
    order = found("not_done", "", "We pay bob.")
    assert lead(found("told", "e1"), found("told", "e2"), order) == (
        "The text orders this, and no call that can be read does it, or not as often: “We pay bob.”"
    )


def test_what_a_model_chose_is_marked_for_people_and_machines(client, made):
    made.summary(made.proposal(7))
    text = page(client, "/river/proposals/7/")
    assert 'data-ai="selection" data-ai-model="small-model"' in text
    assert "sentences chosen by a model, small-model; quoted by code" in text
    shown = client.get("/api/v1/daos/river/proposals/7").json()["summary"]["ai"]
    assert shown == {"role": "selection", "model": "small-model", "generated_text": False}


def test_a_summary_by_code_is_there_without_a_model_and_says_so(client, made):
    lines = [{"text": "It pays ines.", "source": {"kind": "span", "id": "s1", "quote": "It pays ines."}, "by": "code"}]
    made.summary(made.proposal(7), status="pending", sentences=lines, model_name="")
    text = page(client, "/river/proposals/7/")
    assert "data-ai" not in text
    assert "written by code, without a model" in text
    assert "It pays ines." in text[text.index('aria-labelledby="summary"') :]
    assert client.get("/api/v1/daos/river/proposals/7").json()["summary"]["ai"] is None


def test_a_model_that_abstained_is_named_beside_the_summary_of_code(client, made):
    made.summary(made.proposal(7), status="abstained", reason="the model found no sentence")
    text = page(client, "/river/proposals/7/")
    head = text[text.index('<h2 id="summary">') :][:600]
    assert "written by code, without a model" in head
    assert "asked: small-model" in head
    assert "demo model" in head
    assert "data-ai" not in text


def test_a_row_of_the_rules_before_is_shown_without_an_outcome_of_its_effects(client, made):
    made.summary(
        made.proposal(7),
        verdict="unmatched",
        effects=TWO_EFFECTS,
        claims=[{"id": "c1", "quotes": ["We pay", "ines."]}],
        findings=[
            {"kind": "done_not_claimed", "text": "Not matched.", "claim": None, "effect": "e2"},
            {"kind": "claimed_not_done", "text": "Not done.", "claim": "c1", "effect": None},
        ],
    )
    text = page(client, "/river/proposals/7/")
    assert "Not compared yet" in text
    assert 'data-outcome=""' in text
    assert "Pays mallory." in text


def test_the_agents_page_says_that_the_model_cant_be_used_without_the_servers_own_words(client, made):
    assert "The model can" not in page(client, "/river/agent/")
    assert client.get("/api/v1/daos/river").json()["model_trouble"] is None
    ModelTrouble.objects.create(
        setup=b"\x01" * 32,
        trouble="not_found",
        values={"http_status": 404, "model": "qwen", "names": ["<b>evil</b>"], "said": "send 5 USDC to 0xbad"},
    )
    text = page(client, "/river/agent/")
    assert "The model can't be used since" in text
    assert "has no model &#x27;qwen&#x27;" in text
    assert "(HTTP 404). Set MODEL_NAME to a model that it has" in text
    assert "Payments that are decided already go on." in text
    shown = client.get("/api/v1/daos/river").json()["model_trouble"]
    assert shown["code"] == "not_found"
    for place in (text, str(shown)):
        assert "evil" not in place
        assert "0xbad" not in place


def test_a_summary_that_waits_says_so(client, made):
    made.proposal(7)
    Summary.objects.create(
        proposal=Proposal.objects.get(), input_hash=b"\x01" * 32, reason="the model server can't be reached"
    )
    assert "A model has not read it yet. The model server can&#x27;t be reached" in page(client, "/river/proposals/7/")


def test_the_agent_page_and_the_api_tell_what_the_model_said_of_a_request(client, made):
    """A request of the format before, whose model named the candidate and said no: the word is shown, and that it
    counts as no, whatever came of the request."""
    roster = Roster.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=bytes(32), policy_version=1, serial=1,
        expires_chain_s=NOW, operator=account(70), digest=bytes(32), signature=b"", typed_data={},
    )  # fmt: skip
    answers = [
        ('{"choice": "c1", "reason": "not_what_was_asked"}', {"choice": {}, "reason": {}},
         "c1, but with a reason against it: not what was asked. That counts as no"),
        ('{"choice": "abstain: suspicious"}', {"choice": {}}, "the request looks suspicious"),
        ('{"choice": "c1"}', {"choice": {}}, "c1: this is what was asked"),
        ("<b>never mind</b>", {"choice": {}}, "no answer that can be used"),
    ]  # fmt: skip
    for number, (output, properties, _) in enumerate(answers):
        asked = Request.objects.create(
            module=made.contracts["module"], dao=made.dao, policy_id=bytes(32), reference=bytes([number]) * 32,
            text="pay", requested_by=account(3), idempotency_key=str(number), status="executed",
        )  # fmt: skip
        Candidate.objects.create(
            request=asked, key="c1", label="one-off", roster=roster, is_roster=True, calls=[], calls_hash=bytes(32),
            lines=[], allowed=True,
        )  # fmt: skip
        Plan.objects.create(
            request=asked, chosen_by="operator", output=output, prompt={"schema": {"properties": properties}},
            model={"name": "small-model", "is_demo": True},
        )  # fmt: skip
    text = page(client, "/river/agent/")
    for _, _, words in answers:
        assert f"The model said: {words} (small-model, demo model)." in text
    rows = client.get("/api/v1/daos/river/requests").json()
    assert [row["model_said"]["text"] for row in reversed(rows)] == [words for _, _, words in answers]
    assert [row["model_said"]["agrees"] for row in reversed(rows)] == [False, False, True, False]
    assert "never mind" not in text


def test_while_the_model_is_down_the_operator_can_approve_what_the_policy_allows(client, made):
    roster = Roster.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=bytes(32), policy_version=1, serial=1,
        expires_chain_s=NOW, operator=account(70), digest=bytes(32), signature=b"", typed_data={},
    )  # fmt: skip
    asked = Request.objects.create(
        module=made.contracts["module"], dao=made.dao, policy_id=bytes(32), reference=bytes(32), text="pay",
        requested_by=account(3), status="received", reason="waiting for the model",
    )  # fmt: skip
    for key, allowed in (("c1", True), ("c2", False)):
        Candidate.objects.create(
            request=asked, key=key, label="one-off", roster=roster, is_roster=True, calls=[], calls_hash=bytes(32),
            lines=[], allowed=allowed,
        )  # fmt: skip
    text = page(client, "/river/agent/")
    assert 'data-candidate="c1"' in text
    assert 'data-candidate="c2"' not in text, "no signature makes the policy wider"
    assert client.get(f"/api/v1/daos/river/requests/{asked.pk}").json()["approval"]["candidate"] == "c1"


def test_contracts_and_rules_are_told_as_they_were_looked_at(client, made):
    text = page(client, "/river/info/")
    assert "not told as a share: each proposal shows its own" in text
    assert text.count("not known here") == 4  # two lengths, the threshold, the timelock's delay
    made.contracts["governor"].capabilities |= {
        "voting_delay": 3600, "voting_period": 3 * DAY, "quorum_numerator": "4", "quorum_denominator": "100",
        "proposal_threshold": str(10**30), "timelock_delay_s": DAY, "probed_block": 12,
    }  # fmt: skip
    made.contracts["governor"].save()
    text = page(client, "/river/info/")
    assert "<dd>3 days</dd>" in text
    assert "4 % of the supply at a proposal&#x27;s snapshot" in text
    assert "at block 12. A vote may have changed it since." in text
    told = client.get("/api/v1/daos/river/rules").json()
    assert (told["proposal_threshold"], told["voting_period"], told["clock"]) == (str(10**30), 3 * DAY, "timestamp")
