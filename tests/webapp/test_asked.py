# SPDX-License-Identifier: Apache-2.0
"""The list of requests and the page of one: nothing falls off, what waits for somebody is first, all said is so."""

import json
import re
from datetime import UTC, datetime
from functools import partial
from html import unescape

import pytest

from agent.acts import elsewhere, life
from agent.acts.words import say
from agent.models import Candidate, DecisionRecord, Plan, Refusal, Request, Roster
from governance.models import OutgoingTransaction, PolicyVersion, Proposal, ProposalTransition, RawLog, TreasuryFlow
from policies.code.encoding import codehash, decode
from presentation.words import address_text
from tests.webapp.conftest import NOW, Made, account
from tests.webapp.states import policy_code
from tests.webapp.test_api import MEMBER, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
PAYEE, ANOTHER = account(200), account(201)


def ask(made: Made, number: int = 1, status: str = "received", by: bytes | None = None, **values) -> Request:
    asked = Request.objects.create(
        module=made.contracts["module"], dao=made.dao, policy_id=b"\1" * 32, reference=number.to_bytes(32, "big"),
        idempotency_key=f"a:{number}", text=f"pay number {number}", requested_by=by or account(3), status=status,
        **values,
    )  # fmt: skip
    life.received(asked)
    return asked


def roster_of(made: Made) -> Roster:
    return Roster.objects.get_or_create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, serial=1,
        defaults={"policy_version": 1, "expires_chain_s": NOW, "operator": account(70), "digest": bytes(32),
                  "signature": b"", "typed_data": {}},
    )[0]  # fmt: skip


def give(made: Made, asked: Request, key: str = "c1", recipient: bytes = PAYEE, **values) -> Candidate:
    asset = address_text(made.contracts["asset"].address)
    fields = {
        "label": f"label {key}", "is_roster": False, "calls": [], "calls_hash": bytes(32), "allowed": True,
        "lines": [{"recipient": address_text(recipient), "asset": asset, "amount": "900000000", "period": "",
                   "name": "", "provenance": {"amount": "request"}}],
    } | values  # fmt: skip
    return Candidate.objects.create(request=asked, key=key, roster=roster_of(made), **fields)


def text_of(client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content[:300]
    return unescape(answer.content.decode())


def listed(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="title" href="/river/agent/requests/(\d+)/"', text)]


def test_nothing_falls_off_the_list_and_what_waits_for_somebody_is_first(client, made):
    waiting = ask(made, 1, "needs_approval")
    running = ask(made, 2, "planned")
    rest = [ask(made, number, "executed") for number in range(3, 60)]
    seen = [number for page in (1, 2, 3) for number in listed(text_of(client, f"/river/agent/requests/?page={page}"))]
    assert seen == [waiting.pk, running.pk, *(row.pk for row in reversed(rest))]
    assert listed(text_of(client, "/river/agent/"))[0] == waiting.pk  # though it is older than all others
    rows = [row["id"] for page in (1, 2) for row in client.get(f"/api/v1/daos/river/requests?page={page}").json()]
    assert sorted(rows) == sorted(seen)


def test_the_list_is_narrowed_by_where_requests_stand_and_by_who_asked(client, made):
    by_status = {status: ask(made, n, status, account(3 + n % 2)) for n, status in enumerate(Request.Status.values)}
    groups = {name: listed(text_of(client, f"/river/agent/requests/?show={name}")) for name in (
        "somebody", "under-way", "paid", "not-paid")}  # fmt: skip
    assert set(groups["somebody"]) == {by_status["needs_approval"].pk, by_status["scheduled"].pk}
    assert groups["paid"] == [by_status["executed"].pk]
    assert sorted(number for numbers in groups.values() for number in numbers) == sorted(
        row.pk for row in by_status.values()
    ), "each request is in exactly one group"
    narrowed = listed(text_of(client, f"/river/agent/requests/?asked_by={address_text(account(4))}"))
    assert set(narrowed) == {row.pk for row in by_status.values() if bytes(row.requested_by) == account(4)}
    assert "No request of this kind." in text_of(client, f"/river/agent/requests/?show=paid&asked_by=0x{'9' * 40}")
    text_of(client, "/river/agent/requests/?asked_by=nobody", 404)


def test_the_page_of_a_request_tells_all_that_is_known_of_it(client, made):
    asked = ask(made, 1, period="2026-11")
    give(made, asked, differences=["a thing"])
    give(made, asked, "c2", allowed=False)
    Plan.objects.create(request=asked, chosen_by="nobody", asker_means="c1")
    Refusal.objects.create(
        request=asked, candidate_key="c2", label="two", calls=[], policy_codehash=bytes(32), block_number=44,
        block_hash=bytes(32), reasons=[{"code": "OverCap", "text": "more than one act may pay"}],
    )  # fmt: skip
    life.move(asked, life.Status.NEEDS_APPROVAL, life.Who.PLANNER, say("one_off"))
    text = text_of(client, f"/river/agent/requests/{asked.pk}/")
    for part in (
        "pay number 1", "Needs Approval", "a one-off payment: no month is named", "Understood as the month 2026-11",
        "label c1", "label c2", "900 USDC", "the words of who asked", "the operator must sign: a thing",
        "meant by who asked", "more than one act may pay", "Not allowed when it was looked at", "by code",
        "The model is not asked.", "the agent has not signed anything for this request",
    ):  # fmt: skip
        assert part in text, part
    assert text.count('data-approve="') == 1


def test_who_asked_picks_a_reading_on_the_page_and_nobody_else_can(client, made, settings):
    settings.ORIGIN = "http://testserver"
    asked = ask(made, 1, "needs_approval", bytes.fromhex(MEMBER.address[2:]))
    for key in ("c1", "c2"):
        give(made, asked, key)
    Plan.objects.create(request=asked, chosen_by="nobody")
    path = f"/river/agent/requests/{asked.pk}/"
    assert "I meant" not in text_of(client, path)
    assert client.post(f"{path}meant", {"candidate": "c2"}).status_code == 403
    sign_in(client)
    assert "I meant c2" in text_of(client, path)
    assert client.post(f"{path}meant", {"candidate": "c2"}).status_code == 302
    asked.refresh_from_db()
    assert (asked.plan.asker_means, asked.status) == ("c2", "needs_approval")
    assert "who asked means c2" in text_of(client, path)
    another = ask(made, 2, "needs_approval")
    refused = client.post(f"/river/agent/requests/{another.pk}/meant", {"candidate": "c1"})
    assert refused.status_code == 409
    assert "only who asked" in refused.content.decode()
    assert client.get(f"{path}meant").status_code == 405


@pytest.mark.parametrize("number", ["999", str(2**63), "9" * 40])
def test_a_request_that_is_not_there(client, made, number):
    text_of(client, f"/river/agent/requests/{number}/", 404)
    assert client.post(f"/river/agent/requests/{number}/meant", {"candidate": "c1"}).status_code == 404


def test_payments_to_the_same_people_are_shown_whatever_led_to_them(client, made):
    made.act(4)  # 5 USDC to account 200, without a request or a record
    made.act(5, status="killed", act_id=b"\5" * 32)
    mine, other = ask(made, 1, "needs_approval"), ask(made, 2, "needs_approval")
    give(made, mine)
    give(made, other, recipient=ANOTHER)
    text = re.sub("<[^>]*>", "", text_of(client, f"/river/agent/requests/{mine.pk}/"))
    assert re.search(r"5 USDC to \S+, by act 4 of", text)
    assert "act 5" not in text, "what was stopped paid nobody"
    assert "None of the agent's newest acts" in text_of(client, f"/river/agent/requests/{other.pk}/")


def test_a_pause_between_acts_is_no_refusal(client, made):
    asked = ask(made, 1, "waiting")
    give(made, asked, allowed=False)
    fields = {"request": asked, "candidate_key": "c1", "label": "one", "calls": [], "policy_codehash": bytes(32),
              "block_number": 1, "block_hash": bytes(32)}  # fmt: skip
    Refusal.objects.create(**fields, reasons=[{"code": "Cooling", "text": "the pause of ten minutes"}])
    assert "the pause of ten minutes" not in text_of(client, "/river/agent/")
    assert "Nothing has been refused." in text_of(client, "/river/agent/")
    page = text_of(client, f"/river/agent/requests/{asked.pk}/")
    assert "the pause of ten minutes" in page
    assert "not yet" in page
    Refusal.objects.create(
        **fields, reasons=[{"code": "Cooling", "text": "a"}, {"code": "OverCap", "text": "too much"}]
    )
    assert "too much" in text_of(client, "/river/agent/")


def test_an_act_says_its_total_month_asker_and_vote(client, made):
    vote = made.proposal(7, description="# Pay the team")
    made.proposal(8)
    act = made.act(3)
    second = made.act(6)
    act.calls.create(
        position=1, target=bytes(made.contracts["asset"].address), value_wei=0,
        calldata=bytes.fromhex("a9059cbb") + ANOTHER.rjust(32, b"\0") + (7_000_000).to_bytes(32, "big"),
    )  # fmt: skip
    version = made.dao.policy_versions.create(
        module=made.contracts["module"], policy_id=b"\1" * 32, version=1, agent=account(50), codehash=bytes(32),
        code=b"", log=made.log(),
    )  # fmt: skip
    ProposalTransition.objects.create(proposal=vote, kind="executed", log=version.log)
    asked = ask(made, 1, "executed", period="2026-11")
    DecisionRecord.objects.create(
        dao=made.dao, request=asked, hash=bytes(act.decision), prev_hash=bytes(32), body="{}", signer=account(50)
    )
    text = " ".join(re.sub("<[^>]*>", "", text_of(client, "/river/agent/")).split())
    assert "12 USDC altogether" in text
    assert re.search(r"For 2026-11, asked for by \S+", text)
    assert text.count("Allowed by the vote Pay the team.") == 2
    assert "Act 3 of policy 0x0101" in text
    # Two proposals executed in that transaction: which of them set the policy is not said.
    other = Proposal.objects.get(proposal_id=8)
    ProposalTransition.objects.create(proposal=other, kind="executed", log=version.log)
    assert "Allowed by the vote" not in text_of(client, "/river/agent/")
    assert second.number == 6


def test_a_record_is_told_in_words_with_the_json_behind(client, made):
    asked = ask(made, 1, "executed")
    code = policy_code(made)
    body = {
        "inputs": {"block": {"number": "77"}, "policy": {"version": "2", "code": "0x" + code.hex()}},
        "checks": {"chosen": {"candidate": "c1", "by": "roster"}, "approval": None,
                   "simulation": {"ok": True, "block": "78"},
                   "evaluation": {"left_after": [{"budget": "no such budget", "left": "5"}]}},
    }  # fmt: skip
    record = DecisionRecord.objects.create(
        dao=made.dao, request=asked, hash=b"\7" * 32, prev_hash=bytes(32), body=json.dumps(body), signer=account(50)
    )
    made.act(9, decision=bytes(record.hash))
    text = text_of(client, f"/river/agent/requests/{asked.pk}/")
    assert "candidate c1, under version 2 of the policy, as the chain stood at block 77" in text
    assert "It rests on the roster that the operator signed." in text
    assert "The exact calls passed in a simulation at block 78" in text
    body["checks"]["evaluation"]["mode"] = "schedule"
    DecisionRecord.objects.filter(pk=record.pk).update(body=json.dumps(body))
    announced = text_of(client, f"/river/agent/requests/{asked.pk}/")
    assert "The exact calls passed" not in announced, "an announcement makes none of them"
    assert "Announcing it passed in a simulation at block 78" in announced
    assert f"/records/{'07' * 32}.json" in text
    assert "Act 9 of policy" in text
    assert datetime.now(UTC).strftime("%Y") in text


@pytest.mark.parametrize("status", ["received", "waiting", "planned", "needs_approval", "executing", "executed"])
def test_the_operator_ends_on_its_page_what_nothing_was_signed_for_and_nobody_else_does(client, made, settings, status):
    settings.ORIGIN = "http://testserver"
    asked = ask(made, 1, status)
    path = f"/river/agent/requests/{asked.pk}/"
    assert client.post(f"{path}end").status_code == 403
    assert client.get(f"{path}end").status_code == 405
    assert client.post("/river/agent/requests/999/end").status_code == 404
    sign_in(client)
    assert client.post(f"{path}end").status_code == 409, "no policy in force names an operator"
    raw = policy_code(made)
    put_in_force(made, raw)
    assert "End this request" not in text_of(client, path)
    assert client.post(f"{path}end").status_code == 403
    put_in_force(made, raw.replace(decode(raw).operator, bytes.fromhex(MEMBER.address[2:])))
    may_end = status in ("received", "waiting", "planned", "executing")
    assert ("End this request" in text_of(client, path)) is may_end
    assert client.post(f"{path}end").status_code == (302 if may_end else 409)
    asked.refresh_from_db()
    assert asked.status == ("refused" if may_end else status)
    if may_end:
        text = text_of(client, path)
        assert "ended by the operator" in text
        assert "End this request" not in text
        assert client.post(f"{path}end").status_code == 409


def test_the_operator_ends_by_the_api_what_the_page_lets_her_end_and_nobody_else_does(client, made, settings):
    settings.ORIGIN = "http://testserver"
    asked, waiting = ask(made, 1, "planned"), ask(made, 2, "needs_approval")
    post = partial(client.post, content_type="application/json")
    path = f"/api/v1/daos/river/requests/{asked.pk}/end"
    assert post(path).status_code == 401
    assert client.get(path).status_code == 405
    assert post("/api/v1/daos/river/requests/999/end").status_code == 404
    sign_in(client)
    assert post(path).status_code == 409, "no policy in force names an operator"
    raw = policy_code(made)
    put_in_force(made, raw)
    answer = post(path)
    assert (answer.status_code, "only the policy's operator" in answer.json()["error"]) == (403, True)
    put_in_force(made, raw.replace(decode(raw).operator, bytes.fromhex(MEMBER.address[2:])))
    assert post(path, headers={"origin": "https://evil.example"}).status_code == 403
    asked.refresh_from_db()
    assert asked.status == "planned"
    answer = post(path).json()
    assert (answer["status"], answer["reason"]) == ("refused", "ended by the operator")
    assert post(path).status_code == 409
    assert post(f"/api/v1/daos/river/requests/{waiting.pk}/end").status_code == 409
    waiting.refresh_from_db()
    assert waiting.status == "needs_approval"


@pytest.mark.parametrize("status", ["executing", "scheduled"])
def test_the_page_tells_the_operator_that_what_is_signed_or_announced_can_not_be_ended(client, made, settings, status):
    settings.ORIGIN = "http://testserver"
    asked = ask(made, 1, status)
    record = DecisionRecord.objects.create(
        dao=made.dao, request=asked, hash=b"\7" * 32, prev_hash=bytes(32), body="{}", signer=account(50)
    )
    made.act(9, decision=bytes(record.hash), status="scheduled", act_id=b"\5" * 32)
    sign_in(client)
    path, raw = f"/river/agent/requests/{asked.pk}/", policy_code(made)
    put_in_force(made, raw.replace(decode(raw).operator, bytes.fromhex(MEMBER.address[2:])))
    why = "its act is announced on the chain, and is stopped there: by members who object in time"
    if status == "executing":
        assert "No transaction that could still pay is signed for it." in text_of(client, path)
        OutgoingTransaction.objects.create(
            key=f"act:0x{'07' * 32}:1", chain=made.dao.chain, sender=account(50), nonce=1, to=account(51), calldata=b"",
            signed=b"", transaction_hash=bytes(32),
        )  # fmt: skip
        why = "a transaction was signed for its act, and can't be taken back; once the chain has refused it for good"
    text = text_of(client, path)
    assert f"You can't end this request: {why}" in text
    assert "End this request" not in text
    assert client.post(f"{path}end").status_code == 409
    client.cookies.clear()
    assert "can't end this request" not in text_of(client, path), "who is not its operator is told nothing of it"


def put_in_force(made: Made, raw: bytes) -> None:
    PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32,
        version=PolicyVersion.objects.count() + 1, agent=account(50), codehash=codehash(raw), code=raw, log=made.log(),
    )  # fmt: skip


def paid_by_act(made, calldata: bytes, amount: int) -> None:
    """An act with this call of the asset, in whose transaction the treasury pays account 200."""
    act = made.act()
    act.calls.update(calldata=calldata)
    made.flow(amount, outgoing=True)
    flow = TreasuryFlow.objects.latest("id")
    RawLog.objects.filter(pk=flow.log_id).update(
        transaction_hash=act.log.transaction_hash, block_number=act.log.block_number, log_index=7
    )


PAYS = bytes.fromhex("a9059cbb") + account(200).rjust(32, b"\0") + (5_000_000).to_bytes(32, "big")


@pytest.mark.parametrize(
    ("calldata", "amount", "is_elsewhere"),
    [
        (PAYS, 5_000_000, False),
        (PAYS, 4_950_000, False),  # a token that keeps a fee
        (bytes.fromhex("aabbccdd"), 5_000_000, False),  # a call that spends what the treasury allowed
        (PAYS.replace(account(200), account(201)), 5_000_000, True),  # somebody else's payment
    ],
)
def test_what_an_act_paid_in_any_way_is_not_said_to_be_paid_by_others(made, calldata, amount, is_elsewhere):
    paid_by_act(made, calldata, amount)
    assert bool(list(elsewhere.transfers(made.dao, [account(200)], 0))) is is_elsewhere
