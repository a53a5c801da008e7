# SPDX-License-Identifier: Apache-2.0
import importlib
import json
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from agent.llm import trouble
from agent.models import ModelTrouble, OutboxCursor, Summary
from agent.understanding import summaries
from governance import outbox
from governance.chain.abi import encode_call
from governance.chain.address import checksum
from governance.models import (
    Chain,
    Contract,
    Cursor,
    Dao,
    OnchainCheck,
    OutboxEntry,
    Proposal,
    ProposalAction,
    RawLog,
    TreasuryFlow,
    Work,
)
from governance.treasury import balances_by_flows
from tests.agent.attacker import answer, attacker_model
from tests.agent.trickler import WAYS, trickler
from tests.plugin import free_port

pytestmark = pytest.mark.django_db(transaction=True)

USDC, ADA, TREASURY = (bytes([n]) * 20 for n in (0xC0, 0xAD, 0x7E))
TEXT = f"""# Pay Ada

This proposal pays Ada for her work on the documentation.
It transfers 1,500 USDC from the treasury to {checksum(ADA)}.
"""


@pytest.fixture
def dao():
    chain = Chain.objects.create(chain_id=31337, name="local")
    dao = Dao.objects.create(chain=chain, slug="mandate", name="Mandate")
    Contract.objects.create(
        dao=dao, kind=Contract.Kind.ASSET, address=USDC, capabilities={"symbol": "USDC", "decimals": 6}
    )
    Contract.objects.create(dao=dao, kind=Contract.Kind.TREASURY, address=TREASURY)
    return dao


def raw_log(dao, index: int) -> RawLog:
    return RawLog.objects.create(
        dao=dao, block_number=1, block_hash=b"\1" * 32, block_timestamp_chain_s=1, transaction_hash=b"\2" * 32,
        transaction_index=0, log_index=index, address=TREASURY, data=b"",
    )  # fmt: skip


def propose(dao, number: int = 7, text: str = TEXT, calldata: bytes | None = None) -> Proposal:
    """A proposal that has the treasury pay, as its text says. With `calldata`: a call of the token instead."""
    target = USDC
    with transaction.atomic():
        proposal = Proposal.objects.create(
            dao=dao, proposal_id=number, log=raw_log(dao, number), proposer=ADA, description=text, title="t",
            snapshot=1, deadline=2,
        )  # fmt: skip
        if calldata is None:
            paid = encode_call("transfer(address,uint256)", [ADA, 1_500_000_000])
            target, calldata = TREASURY, encode_call("perform(address,uint256,bytes)", [USDC, 0, paid])
        ProposalAction.objects.create(proposal=proposal, position=0, target=target, value_wei=0, calldata=calldata)
        outbox.publish(dao, "proposal.created", str(number), 1)
    return proposal


def scripted(request: dict) -> str:
    """A model that does its work: it points at the payment and the reason, and picks all that is offered."""
    schema = request["response_format"]["json_schema"]
    if schema["name"] == "claims":
        return json.dumps({"claims": [{"spans": ["s3"], "type": "payment"}, {"spans": ["s2"], "type": "purpose"}]})
    return json.dumps({"sentences": schema["schema"]["properties"]["sentences"]["items"]["enum"][:4]})


def use(settings, url: str) -> None:
    settings.MODEL_URL, settings.MODEL_NAME, settings.MODEL_IS_DEMO = url, "attacker", True


def poll() -> Summary:
    summaries.follow_outbox()
    summaries.run_due()
    return Summary.objects.get()


def make_due() -> None:
    Work.objects.filter(done_at=None).update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_proposal_that_the_mirror_told_of_gets_its_summary(dao, settings):
    proposal = propose(dao)
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        summary = poll()
    assert summary.proposal == proposal
    assert (summary.status, summary.verdict, summary.reason) == ("written", "told", "")
    assert [sentence["source"]["id"] for sentence in summary.sentences] == ["s2", "s3", "e1"]
    assert summary.sentences[2]["text"] == f"Transfers 1,500 USDC to {checksum(ADA)}."
    assert all(sentence["source"]["quote"] in TEXT for sentence in summary.sentences[:2])
    assert (summary.model_name, summary.model_is_demo, summary.model_says) == (
        "attacker-1",
        True,
        "attacker-1 (demo model)",
    )
    assert (summary.prompt_tokens, summary.output_tokens) == (20, 10)
    assert len(summary.prompt_hash) == len(summary.output_hash) == len(summary.input_hash) == 32
    assert summary.written_at is not None
    assert (summary.spans_read, summary.spans_total) == (2, 3)


def test_the_outbox_is_read_once(dao, settings):
    propose(dao)
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        poll()
        poll()
        assert len(attacker.requests) == 2  # reader and writer, once
    assert OutboxCursor.objects.get().after_id > 0
    assert Work.objects.get(name=summaries.WORK).done_at is not None


def test_with_the_model_down_effects_and_flags_stand_and_the_summary_comes_when_it_is_back(dao, settings):
    propose(dao, calldata=encode_call("transferOwnership(address)", [ADA]))
    use(settings, f"http://127.0.0.1:{free_port()}/v1")
    summary = poll()
    assert (summary.status, summary.reason) == ("pending", "the model server can't be reached")
    assert (summary.reason_code, summary.reason_values) == ("model_unreachable", {})
    assert summary.effects[0]["kind"] == "role_change"
    assert [flag["code"] for flag in summary.flags] == ["admin_change", "not_told"]
    assert summary.written_at is None
    row = Work.objects.get(name=summaries.WORK)
    assert row.done_at is None
    assert timezone.now() < row.due_at < timezone.now() + timedelta(seconds=10)
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        make_due()
        summary = poll()
    assert summary.status == "written"
    assert summary.reason == ""


HOSTILE = {
    "wrong ids": json.dumps({"claims": [{"spans": ["s77"], "type": "payment"}]}),
    "an invented number": json.dumps({"claims": [{"spans": ["s3"], "type": "payment", "amount": "9999999"}]}),
    "prose": "Dear members, vote For: it sends 9999999 USDC to you.",
    "huge": json.dumps({"claims": [{"spans": ["s3"] * 5000, "type": "payment"}]}),
    "cut off": answer(json.dumps({"claims": []}), "length"),
    "refused by a filter": answer("9999999", "content_filter"),
    "nothing": json.dumps({"claims": []}),
    "a raw page": b"<html>9999999</html>",
    "too many bytes": b'{"x": "' + b"9999999" * 300_000 + b'"}',
    "bad request": 400,
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
def test_nothing_that_a_hostile_model_says_gets_through(dao, settings, said):
    propose(dao)
    with attacker_model(lambda _: said) as attacker:
        use(settings, attacker.url)
        summary = poll()
    assert summary.status in ("abstained", "pending")
    assert summary.claims == []
    assert {line["by"] for line in summary.sentences} == {"code"}
    assert summary.verdict == "told"  # no model has a say in it
    assert summary.reason
    assert summary.effects[0]["amount"] == "1500000000"
    stored = json.dumps(
        [summary.sentences, summary.claims, summary.effects, summary.flags, summary.findings, summary.reason]
    )
    assert "9999999" not in stored
    assert "Dear members" not in stored


def test_an_attacker_that_echoes_its_instructions_gets_nothing_through(dao, settings):
    propose(dao)
    with attacker_model(lambda request: is_plain(request) or request["messages"][0]["content"]) as attacker:
        use(settings, attacker.url)
        summary = poll()
    assert summary.status == "abstained"
    assert summary.reason == "the model's answer could not be used, twice: not JSON"


# ------------------------------------------------------------------------------------------ a server set up wrongly


def is_plain(request: dict) -> str:
    """A good answer to the plain question that tells a bad server from an odd text; empty for any other request."""
    return scripted(request) if "gardener" in request["messages"][1]["content"] else ""


WRONG = {
    "bad request": (400, "the model server refuses every request (HTTP 400)"),
    "an overflow": (
        (400, b'{"message": "This model\'s maximum context length is 64 tokens. Pay 0xbad 9999999 USDC"}'),
        "the model server refuses every request (HTTP 400)",
    ),
    "unprocessable": (422, "the model server refuses every request (HTTP 422)"),
    "no permission": (403, "the model server refuses our key (HTTP 403)"),
    "no key": (401, "the model server refuses our key (HTTP 401)"),
    "no such model": (404, "the model server has no such model or address (HTTP 404)"),
    "payment required": (402, "the model server refuses every request (HTTP 402)"),
    "moved": (307, "the model server refuses every request (HTTP 307)"),
    "thinks": (
        {"text": None, "reasoning_content": "Okay, let me see", "finish_reason": "length"},
        "the model spends its whole answer on thinking",
    ),
    "thinks, and tells nobody": (
        answer("", "length"),
        "the model's answers can't be used, not even to a plain question: cut off",
    ),
    "obeys no schema": (
        "Sure! Pay 0xbad.",
        "the model's answers can't be used, not even to a plain question: not JSON",
    ),
    "another protocol": (b"<html>log in</html>", "the model server does not speak the OpenAI protocol"),
    "an error as an answer": (b'{"error": "Pay 0xbad"}', "the model server does not speak the OpenAI protocol"),
    "overloaded": (503, "the model server is not ready (HTTP 503)"),
}


@pytest.mark.parametrize(("said", "reason"), WRONG.values(), ids=list(WRONG))
def test_a_server_that_is_set_up_wrongly_costs_no_proposal_its_summary(dao, settings, said, reason, caplog):
    propose(dao)
    wrong = True
    with attacker_model(lambda request: said if wrong else scripted(request)) as attacker:
        use(settings, attacker.url)
        for _ in range(4):
            summary = poll()
            make_due()
        assert (summary.status, summary.reason) == ("pending", reason)
        assert summary.effects[0]["amount"] == "1500000000"
        assert summary.written_at is None
        told = [record.message for record in caplog.records if record.name == "agent.llm.serving"]
        assert len(told) == 1, "told once while it lasts"
        standing = trouble.standing()
        assert standing.failures == 4
        assert "0xbad" not in trouble.in_words(standing)
        wrong = False
        summary = poll()
    assert (summary.status, summary.reason) == ("written", "")
    assert trouble.standing() is None


def test_one_text_that_the_server_refuses_costs_only_its_own_summary(dao, settings):
    """Too long for the model, say. The others are made, and nobody is told that the server is set up wrongly."""
    propose(dao, 1, "# Long\n\n" + "This pays Ada for each of her many good deeds. " * 60)
    propose(dao, 2)

    def short_texts_only(request):
        too_long = len(request["messages"][1]["content"]) > 2000
        return (400, b'{"error": {"message": "context length exceeded"}}') if too_long else scripted(request)

    with attacker_model(short_texts_only) as attacker:
        use(settings, attacker.url)
        summaries.follow_outbox()
        for _ in range(3):
            summaries.run_due()
        long, short = Summary.objects.order_by("proposal__proposal_id")
        assert (long.status, short.status) == ("abstained", "written")
        assert long.reason == "the model server does not take this text (HTTP 400); it may be too long for the model"
        assert long.effects
        assert trouble.standing() is None
        assert Work.objects.filter(name=summaries.WORK, done_at=None).count() == 0
    # The operator gave it a longer context.
    with attacker_model(
        lambda request: (
            json.dumps({"claims": [{"spans": ["s2"], "type": "payment"}]})
            if request["response_format"]["json_schema"]["name"] == "claims"
            else scripted(request)
        )
    ) as attacker:
        use(settings, attacker.url)
        assert summaries.read_again() == 1
        assert summaries.read_again() == 0
        summaries.run_due()
    long.refresh_from_db()
    assert long.status == "written"


def test_one_text_that_makes_the_model_ramble_costs_only_its_own_summary(dao, settings):
    propose(dao)
    with attacker_model(lambda request: is_plain(request) or answer("", "length")) as attacker:
        use(settings, attacker.url)
        summary = poll()
    assert (summary.status, summary.reason) == ("abstained", "the model's answer could not be used, twice: cut off")


def test_a_wrong_name_is_told_with_the_names_that_the_server_has(dao, settings, caplog):
    propose(dao)
    with attacker_model(lambda _: (404, b'{"message": "no model attacker"}')) as attacker:
        use(settings, attacker.url)
        poll()
    (told,) = [record for record in caplog.records if record.name == "agent.llm.serving"]
    assert told.levelname == "WARNING"
    assert "Set MODEL_NAME" in told.message
    assert "It has: 'attacker-1'. It says: 'no model attacker'" in told.message


def test_flags_do_not_wait_for_the_model(dao, settings):
    """A server that takes its time over one proposal keeps no other's effects and flags from being shown."""
    settings.MODEL_URL = ""
    propose(dao, 1)
    propose(dao, 2, calldata=encode_call("transferOwnership(address)", [ADA]))
    summaries.follow_outbox()
    assert [row.flags[0]["code"] for row in Summary.objects.filter(proposal__proposal_id=2)] == ["admin_change"]
    assert set(Summary.objects.values_list("status", flat=True)) == {"pending"}


def test_a_server_that_lets_us_wait_twice_is_left_alone_for_a_while(dao, settings):
    propose(dao)
    settings.MODEL_DEADLINE_S = 1.0  # in less, a machine that does much else may not even have asked
    with trickler(*WAYS["a space at a time in the body"]) as server:
        use(settings, server.url)
        poll()
        assert trouble.standing().ask_again_at is None
        make_due()
        assert poll().reason == "the model server did not answer in time"
        first_pause = trouble.standing().ask_again_at
        assert timedelta(seconds=20) < first_pause - timezone.now() < timedelta(seconds=31)
        server.asked.clear()
        make_due()
        assert "it is asked again at" in poll().reason
        assert not server.asked.is_set()
        ModelTrouble.objects.update(ask_again_at=timezone.now())
        make_due()
        poll()
        assert server.asked.is_set()
        assert trouble.standing().ask_again_at - timezone.now() > timedelta(seconds=50)
    with attacker_model(scripted) as attacker:  # another address: nothing is known against it
        use(settings, attacker.url)
        make_due()
        assert poll().status == "written"
    assert not ModelTrouble.objects.exists()


def test_when_the_model_works_again_what_waited_is_due_at_once(dao, settings):
    for number in range(1, 4):
        propose(dao, number)
    wrong = True
    with attacker_model(lambda request: 404 if wrong else scripted(request)) as attacker:
        use(settings, attacker.url)
        summaries.follow_outbox()
        for _ in range(3):
            summaries.run_due()
        Work.objects.update(due_at=timezone.now() + timedelta(seconds=100))
        Work.objects.filter(arguments__proposal="2").update(due_at=timezone.now())
        wrong = False
        for _ in range(3):
            assert summaries.run_due() == 1
    assert set(Summary.objects.values_list("status", flat=True)) == {"written"}


def test_summaries_that_an_earlier_version_lost_are_made_after_the_upgrade(dao, settings):
    proposal = propose(dao)
    kept = propose(dao, 8)
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        summaries.summarise(kept)
        summaries.summarise(proposal)
        Work.objects.update(done_at=timezone.now())
        proposal.summaries.update(
            status="abstained", claims=[], sentences=[],
            reason="the model's answer could not be used, twice: the model server refuses the request (HTTP 400)",
        )  # fmt: skip
        migration = importlib.import_module("agent.migrations.0005_model_trouble")
        migration.read_again(apps, None)
        migration.read_again(apps, None)
        assert proposal.summaries.get().status == "pending"
        summaries.follow_outbox()
        summaries.run_due()
    assert proposal.summaries.get().status == kept.summaries.get().status == "written"


def test_a_leaked_canary_is_flagged_and_the_answer_thrown_away(dao, settings, monkeypatch):
    monkeypatch.setattr(summaries.reader, "schema", lambda _: {"type": "object", "additionalProperties": True})
    propose(dao)

    def leak(request):
        secret = request["messages"][0]["content"].rsplit(" ", 1)[1].rstrip(".")
        return json.dumps({"claims": [{"spans": ["s3"], "type": "payment"}], "note": secret})

    with attacker_model(leak) as attacker:
        use(settings, attacker.url)
        summary = poll()
    assert summary.status == "abstained"
    assert summary.flags[0]["code"] == "canary"
    assert summary.claims == []
    assert {line["by"] for line in summary.sentences} == {"code"}


def test_a_proposal_without_text_abstains_without_asking(dao, settings):
    propose(dao, text="")
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        summary = poll()
        assert attacker.requests == []
    assert (summary.status, summary.reason) == ("abstained", "there is no text to read, or next to none")
    assert summary.reason_code == "no_text"
    assert "empty_text" in [flag["code"] for flag in summary.flags]
    assert summary.written_at is not None


def test_a_summary_goes_with_its_proposal_and_comes_again_with_it(dao, settings):
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        proposal = propose(dao)
        first = poll()
        proposal.log.delete()  # what a reorg does
        assert Summary.objects.count() == 0
        propose(dao)
        second = poll()
    assert second.status == "written"
    assert second.input_hash == first.input_hash


def test_a_proposal_that_a_reorg_took_before_its_summary_is_let_go(dao, settings):
    proposal = propose(dao)
    summaries.follow_outbox()
    proposal.log.delete()
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        summaries.run_due()
        assert attacker.requests == []
    assert Work.objects.get(name=summaries.WORK).done_at is not None
    assert Summary.objects.count() == 0


def test_a_reorg_while_the_model_thinks_leaves_nothing(dao, settings):
    proposal = propose(dao)

    def reorg_meanwhile(request):
        RawLog.objects.all().delete()
        connection.close()
        return scripted(request)

    with attacker_model(reorg_meanwhile) as attacker:
        use(settings, attacker.url)
        assert summaries.summarise(proposal) is None
    assert Summary.objects.count() == 0


def test_a_worker_killed_in_the_middle_repeats_harmlessly(dao, settings):
    proposal = propose(dao)

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(summaries.writer, "write", kill)
            with pytest.raises(Killed):
                summaries.summarise(proposal)
        assert Summary.objects.get().status == "pending"
        summary = summaries.summarise(proposal)
        assert summary.status == "written"
        assert summaries.summarise(proposal).written_at == summary.written_at


def test_a_summary_that_was_finished_by_another_worker_stays(dao, settings):
    proposal = propose(dao)

    def other_worker_first(request):
        Summary.objects.update(status="written", reason="the other's")
        connection.close()
        return scripted(request)

    with attacker_model(other_worker_first) as attacker:
        use(settings, attacker.url)
        assert summaries.summarise(proposal).reason == "the other's"


def test_the_balance_is_the_sum_of_the_flows_exactly(dao):
    big = 2**200 + 1
    for index, (amount, outgoing) in enumerate([(big, False), (big, False), (big - 1, True)]):
        TreasuryFlow.objects.create(
            dao=dao, log=raw_log(dao, 100 + index), asset=USDC, counterparty=ADA, amount=amount, outgoing=outgoing
        )
    assert balances_by_flows(dao) == {USDC: big + 1}


def test_a_symbol_that_could_mislead_is_not_shown(dao):
    for symbol in ("ETH", "US\u200bDC", "5 USDC", "x" * 12, "", "Ether"):
        Contract.objects.filter(kind=Contract.Kind.ASSET).update(capabilities={"symbol": symbol, "decimals": 6})
        assert summaries.book_of(dao).tokens == {}, symbol


def test_the_same_text_is_asked_about_in_the_same_words(dao, settings):
    """A replay sends the same bytes, so the prompt's hash in the record can be recomputed."""
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        first = summaries.summarise(propose(dao, 1)).prompt_hash
        second = summaries.summarise(propose(dao, 2)).prompt_hash
        other = summaries.summarise(propose(dao, 3, TEXT + "More words stand here.")).prompt_hash
    assert first == second != other


def test_review_prints_what_code_alone_knows_and_what_was_read(dao, settings, capsys):
    proposal = propose(dao, text=TEXT.replace("Ada for", "Ada\x1b[2J for"))
    call_command("review", "7")
    shown = capsys.readouterr().out
    assert f"e1  Transfers 1,500 USDC to {checksum(ADA)}." in shown
    assert "Reading: not read" in shown
    assert "Verdict: told in part" in shown or "Verdict: told_in_part" in shown
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        call_command("review", "7", "--read", "--json")
    body = json.loads(capsys.readouterr().out)
    assert (body["verdict"], body["model"]) == ("told_in_part", "attacker-1 (demo model)")  # an escape is left over
    proposal.title = "\x1b[31mred"
    proposal.save()
    call_command("review", "7", "--dao", "mandate")
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"), [(["8"], "no proposal"), (["x"], "whole number"), (["7", "--dao", "no"], "no proposal")]
)
def test_review_says_what_is_wrong_in_one_line(dao, arguments, says):
    propose(dao)
    with pytest.raises(CommandError, match=says):
        call_command("review", *arguments)


def test_review_with_the_model_down_says_so(dao, settings):
    propose(dao)
    use(settings, f"http://127.0.0.1:{free_port()}/v1")
    with pytest.raises(CommandError, match="can't be reached"):
        call_command("review", "7", "--read")


def test_matches_of_an_older_judge_are_withdrawn(dao):
    """Rows from before the gate may hold a wrong yes: none is kept, and none of their sentences says so."""
    told = {
        "kind": "claimed_and_done",
        "text": "The text says so, and the call does it.",
        "claim": "c1",
        "effect": "e1",
    }
    for number, judged in enumerate(("matches", "differs"), start=1):
        Summary.objects.create(
            proposal=propose(dao, number), input_hash=bytes([number]) * 32, verdict=judged, findings=[told]
        )
    import_module("agent.migrations.0004_withdraw_old_matches").withdraw(apps, None)
    withdrawn, kept = Summary.objects.order_by("input_hash")
    assert (withdrawn.verdict, kept.verdict) == ("unmatched", "differs")
    assert "the call does it" not in withdrawn.findings[0]["text"]


def kinds(book) -> dict[bytes, str]:
    return {address: contract.kind for address, contract in book.contracts.items()}


def test_the_book_knows_who_makes_the_calls(dao):
    """The timelock where there is one; a token or a module makes nobody's calls."""
    governor, timelock = b"\x60" * 20, b"\x71" * 20
    Contract.objects.create(dao=dao, kind=Contract.Kind.GOVERNOR, address=governor)
    book = summaries.book_of(dao)
    assert (book.executor, kinds(book)) == (governor, {USDC: "token", TREASURY: "treasury", governor: "governor"})
    Contract.objects.create(dao=dao, kind=Contract.Kind.TIMELOCK, address=timelock)
    book = summaries.book_of(dao)
    assert book.executor == timelock
    assert kinds(book) == {USDC: "token", TREASURY: "treasury", governor: "governor", timelock: "timelock"}
    # A timelock that is the treasury too pays by itself.
    Contract.objects.create(dao=dao, kind=Contract.Kind.TREASURY, address=timelock)
    assert summaries.book_of(dao).executor == timelock
    assert kinds(summaries.book_of(dao))[timelock] == "treasury"


def test_the_book_names_what_pages_name_and_says_what_it_lacks(dao, settings, tmp_path):
    """No name of a roster, which only the operator sees; the demo's people only where the demo is."""
    timelock = Contract.objects.create(dao=dao, kind=Contract.Kind.TIMELOCK, address=b"\x71" * 20)
    votes = {"clock": "timestamp", "symbol": "VOTE", "decimals": 18}
    Contract.objects.create(dao=dao, kind=Contract.Kind.VOTES_TOKEN, address=b"\x70" * 20, capabilities=votes)
    Contract.objects.create(
        dao=dao, kind=Contract.Kind.GOVERNOR, address=b"\x60" * 20, capabilities={"clock": "blocknumber"}
    )
    (tmp_path / "people.json").write_text(
        json.dumps([{"name": "Ada", "address": checksum(ADA), "role": ""},
                    {"name": "A\u202eda", "address": checksum(b"\x09" * 20), "role": ""}])
    )  # fmt: skip
    settings.STATE_DIR, settings.LOCAL_CHAIN_ID = tmp_path, dao.chain_id
    book = summaries.book_of(dao)
    assert book.names[ADA] == "Ada"
    assert book.addresses["the timelock"] == timelock.address
    assert [book.clock(address) for address in (timelock.address, b"\x70" * 20, b"\x60" * 20)] == [
        "time",
        "time",
        "block",
    ]
    assert "A\u202eda" not in book.addresses
    settings.LOCAL_CHAIN_ID = dao.chain_id + 1
    assert ADA not in summaries.book_of(dao).names
    assert summaries.book_of(dao).missing == (("ens",) if dao.chain_id in (1, 11155111) else ())


def test_a_proposal_that_repeats_the_calls_of_an_earlier_one_says_which(dao):
    first, second = propose(dao, 1), propose(dao, 2)
    codes = [flag.code for flag in summaries.facts_of(first).review.flags]
    assert "resubmitted" not in codes
    (flag,) = [flag for flag in summaries.facts_of(second).review.flags if flag.code == "resubmitted"]
    assert flag.text == f"An earlier proposal makes exactly the same calls: number {first.proposal_id}."


def row_of_before(proposal: Proposal, **values) -> Summary:
    """A summary as the version before judged it: by what a model had picked."""
    facts = summaries.facts_of(proposal)
    fields = {"verdict": "unmatched", "status": "abstained", "rules": 0, **values}
    return Summary.objects.create(proposal=proposal, input_hash=facts.input_hash, **fields)


def governed(dao) -> None:
    """A governor that counts blocks, read to block 100."""
    Contract.objects.create(dao=dao, address=b"\x60" * 20, kind=Contract.Kind.GOVERNOR)
    Cursor.objects.create(dao=dao, next_block=101, head_timestamp_chain_s=1)


def changes() -> list[str]:
    return list(OutboxEntry.objects.filter(topic=summaries.CHANGED).order_by("id").values_list("key", flat=True))


def test_a_verdict_of_earlier_rules_is_made_anew_once(dao):
    row = row_of_before(propose(dao), flags=[{"code": "canary", "severity": "danger", "text": "x", "effects": []}])
    assert summaries.judge_due() == 1
    row.refresh_from_db()
    assert (row.verdict, row.rules, row.status) == ("told", summaries.RULES, "abstained")
    assert row.findings[0]["status"] == "told"
    assert {line["by"] for line in row.sentences} == {"code"}
    assert "canary" in [flag["code"] for flag in row.flags]  # what the model gave away stays known
    assert summaries.judge_due() == 0


def test_rows_that_fail_again_and_again_keep_no_older_row_waiting(dao, monkeypatch):
    monkeypatch.setattr(summaries, "_JUDGED_AT_ONCE", 2)
    good, *bad = [row_of_before(propose(dao, number)) for number in (7, 8, 9)]

    def judged(proposal):
        if proposal.pk != good.proposal_id:
            raise RuntimeError("a row that nothing can judge")
        return facts_of(proposal)

    facts_of = summaries.facts_of
    monkeypatch.setattr(summaries, "facts_of", judged)
    for _ in range(2):
        summaries.judge_due()
    assert [Summary.objects.get(pk=row.pk).rules == summaries.RULES for row in (good, *bad)] == [True, False, False]


def test_sentences_that_a_model_chose_stay_when_a_row_is_judged_again(dao):
    chosen = [{"text": "It pays.", "source": {"kind": "span", "id": "s1", "quote": "It pays."}}]
    row = row_of_before(propose(dao), status="written", sentences=chosen)
    summaries.judge_due()
    row.refresh_from_db()
    assert (row.verdict, row.sentences) == ("told", chosen)


@pytest.mark.parametrize(
    ("before", "is_told"), [("unmatched", True), ("differs", True), ("matches", False), ("told", False)]
)
def test_subscribers_are_told_of_an_outcome_that_changes_while_the_vote_can_still_be_decided(dao, before, is_told):
    governed(dao)
    proposal = propose(dao)
    Proposal.objects.filter(pk=proposal.pk).update(snapshot=10**9, deadline=2 * 10**9)
    row_of_before(proposal, verdict=before)
    summaries.judge_due()
    assert changes() == (["7:told"] if is_told else [])


@pytest.mark.parametrize("says", [None, "Active"])
def test_nobody_is_told_of_a_vote_that_is_over(dao, says):
    """Over by the chain's word, where it was asked."""
    governed(dao)
    proposal = propose(dao)
    Proposal.objects.filter(pk=proposal.pk).update(canceled=True)
    if says:
        OnchainCheck.objects.create(
            dao=dao, subject="proposal:7:state", block_number=100, block_hash=bytes(32), chain_says=says,
            mirror_says="Canceled", matched=False,
        )  # fmt: skip
    row = row_of_before(proposal)
    summaries.judge_due()
    row.refresh_from_db()
    assert row.verdict == "told"
    assert changes() == (["7:told"] if says else [])


def test_a_payment_in_a_published_token_that_the_dao_does_not_follow_is_told_in_its_units(dao):
    """Only on the chain that the list names, and in the book that the verdict goes by."""
    dai = bytes.fromhex("6b175474e89094c44da98b954eedeac495271d0f")
    paid = encode_call("transfer(address,uint256)", [ADA, 5 * 10**18])
    proposal = propose(dao, calldata=encode_call("perform(address,uint256,bytes)", [dai, 0, paid]))
    proposal.actions.update(target=TREASURY)
    (unknown,) = summaries.facts_of(proposal).review.effects
    assert "base units of token" in unknown.sentence
    proposal.dao.chain_id = 1
    facts = summaries.facts_of(proposal)
    assert facts.review.effects[0].sentence == f"Transfers 5 DAI to {checksum(ADA)}."
    assert facts.review.book.tokens[dai].decimals == 18
