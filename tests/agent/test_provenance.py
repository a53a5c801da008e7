# SPDX-License-Identifier: Apache-2.0
"""Decision records: accepted as written, rejected when anything in them is changed."""

import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import choice
from agent.acts import approvals, provenance, rosters, verifying
from agent.acts.calls import calls_hash, calls_json, payment_call
from agent.acts.judging import evaluation_json
from agent.acts.policy import state_json
from agent.models import DecisionRecord, Request, Roster
from governance.chain import eip712
from governance.chain.address import checksum
from governance.models import Act
from policies.answer.evaluate import Allowed, Mode, PolicyState, evaluate
from policies.code import encoding
from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from tests.agent.acting import ABSTAINS, World, world  # noqa: F401

AGENT, OPERATOR = Account.from_key(b"\x01" * 32), Account.from_key(b"\x02" * 32)
TOKEN, MODULE, PAYEE = b"\x11" * 20, b"\x22" * 20, b"\x33" * 20
POLICY_ID = encoding.policy_id("payroll")
NOW = 1_795_000_000
NOVEMBER_S = 1_793_491_200  # the first second of November 2026, the month of NOW


ASKER = "0x" + "5" * 40


def sample(
    *, by: str = "model", is_roster: bool = True, approved: bool = False, answer: dict[str, str] | None = None
) -> dict[str, Any]:
    """A record as the executor writes it, made without chain or database."""
    said = json.dumps(answer or {"choice": "c1"})
    code = PolicyCode(
        agent=bytes.fromhex(AGENT.address[2:]),
        operator=bytes.fromhex(OPERATOR.address[2:]),
        start_s=NOW - NOW % 3600 - 7200,
        end_s=NOW - NOW % 3600 + 36_000,
        cooldown_s=60,
        objection_delay_s=3600,
        release_window_s=3600,
        objection_threshold_bps=500,
        document_hash=b"\x07" * 32,
        budgets=(Budget(Scope.POLICY, TOKEN, 0, 24 * 86_400, 600, 1200, b"payroll".ljust(32, b"\0")),),
        lists=(),
        rules=(
            Rule(
                TOKEN,
                bytes.fromhex("a9059cbb"),
                False,
                True,
                2,
                (Clause(0, Kind.EQUAL, int.from_bytes(PAYEE, "big")),),
                (Charge(0, Source.ARGUMENT, 1),),
            ),
        ),
    )
    raw = encoding.pack(code)
    state = PolicyState(POLICY_ID, 1, 4, NOW - 1000, code.end_s, False, {})
    calls = (payment_call(PAYEE, TOKEN, 100),)
    allowed = evaluate(code, state, calls, NOW, Mode.EXECUTE)
    assert isinstance(allowed, Allowed)
    actions = provenance.Actions(MODULE, POLICY_ID, encoding.codehash(raw), 5, False, calls)
    reference = b"\x09" * 32
    document = approvals.compose(
        chain_id=1,
        module=MODULE,
        policy_id=POLICY_ID,
        codehash=actions.policy_codehash,
        reference=reference,
        calls=calls_hash(calls),
        asked="pay ines",
        pays="100 to ines",
    )
    signature = OPERATOR.sign_typed_data(full_message=document).signature
    candidate = {
        "key": "c1",
        "label": "one payment",
        "is_roster": is_roster,
        "differences": [],
        "lines": [{"recipient": checksum(PAYEE), "asset": checksum(TOKEN), "amount": "100", "period": "2026-11"}],
        "calls": calls_json(calls),
    }
    sections = {
        "inputs": {
            "request": {
                "reference": "0x" + reference.hex(),
                "text": "pay ines",
                "requested_by": ASKER,
                "period": "2026-11",
                "act": None,
            },
            "quotes": [],
            "roster": {
                "digest": "0x" + "05" * 32,
                "serial": "1",
                "operator": OPERATOR.address,
                "signed_before_chain_s": str(NOVEMBER_S),
            },
            "policy": {"policy_id": "0x" + POLICY_ID.hex(), "version": "1", "code": "0x" + raw.hex()},
            "block": {"number": "7", "hash": "0x" + "06" * 32, "timestamp_chain_s": str(NOW)},
            "balances": {checksum(TOKEN): "100000"},
            "state": state_json(state),
            "candidates": [candidate],
        },
        "prompt": {"messages": [], "schema": choice.schema(["c1"])},
        "model": {"name": "m", "is_demo": True},
        "sampling": {"temperature": "0"},
        "output": {"text": said},
        "checks": {
            "chosen": {"candidate": "c1", "by": by},
            "asker": {
                "kind": "holder",
                "votes_token": checksum(TOKEN),
                "votes_call": "getVotes(address)",
                "votes": "0",
                "balance": "1",
            },
            "second_look": {"by": "model", "silent": None},
            "needs_approval": [],
            "approval": {"operator": OPERATOR.address, "pays": "100 to ines", "signature": "0x" + signature.hex()}
            if approved
            else None,
            "evaluation": evaluation_json(code, Mode.EXECUTE, allowed),
            "simulation": {"ok": True, "block": "7", "error": ""},
        },
    }
    return sign(sections, actions)


def sign(sections: dict[str, Any], actions: provenance.Actions, key: Any = AGENT) -> dict[str, Any]:
    def signed(document: dict[str, Any]) -> tuple[bytes, bytes]:
        return bytes.fromhex(key.address[2:]), bytes(key.sign_typed_data(full_message=document).signature)

    return provenance.compose(
        sections, actions, chain_id=1, governor=b"\x44" * 20, prev_record=bytes(32), created_at_s=NOW, sign=signed
    )


def failures(record: dict[str, Any]) -> list[str]:
    return [check.name for check in verifying.verify_document(record, provenance.canonical(record)) if not check.ok]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path


def changed(record: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copied = copy.deepcopy(record)
    place = copied
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copied


def test_the_type_is_the_published_one() -> None:
    assert provenance.TYPEHASH.hex().startswith("212b22e7")


@pytest.mark.parametrize("approved", [False, True])
def test_a_record_is_accepted_as_written(approved: bool) -> None:
    record = sample(approved=approved)
    assert failures(record) == []
    assert provenance.load(provenance.canonical(record)) == record


def test_every_single_leaf_of_a_record_is_covered() -> None:
    """Changing any value anywhere is noticed, and the section that was changed is named."""
    record = sample(approved=True)
    for path in leaves(record):
        value = record
        for step in path:
            value = value[step]
        other = (not value) if isinstance(value, bool) else f"{value}0" if isinstance(value, str) else "0"
        found = failures(changed(record, path, other))
        assert found, path
        named = {"message": {"message", "hash", "kind", "policyHash", "domain", "actions", *provenance.SECTIONS}}
        assert set(found) & named.get(path[0], {path[0]}), (path, found)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_no_change_of_any_kind_is_accepted(data: st.DataObject) -> None:
    record = sample(approved=data.draw(st.booleans()))
    path = data.draw(st.sampled_from(list(leaves(record))))
    value = data.draw(
        st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(), st.lists(st.text()))
    )
    tampered = changed(record, path, value)
    if tampered != record or json.dumps(tampered) != json.dumps(record):
        assert failures(tampered), (path, value)


def test_a_record_with_a_key_more_or_less_is_rejected() -> None:
    record = sample()
    assert failures({**record, "note": "and also"}) == ["format"]
    for key in record:
        assert failures({k: v for k, v in record.items() if k != key}) == ["format"]


def test_a_validly_signed_record_that_contradicts_itself_is_rejected() -> None:
    record = sample()
    sections = {name: record[name] for name in provenance.SECTIONS}
    actions = provenance.Actions.from_json(record["actions"])
    assert failures(sign(sections, actions, OPERATOR)) == ["agent"], "signed by somebody who is not the agent"
    other = changed(sections, ("output", "text"), json.dumps({"choice": "abstain: ambiguous"}))
    assert failures(sign(other, actions)) == ["choice"], "the model did not choose it"
    listed = changed(sections, ("inputs", "candidates", 0, "lines", 0, "recipient"), checksum(TOKEN))
    assert failures(sign(listed, actions)) == ["lines"], "it says it pays somebody else"
    unapproved = changed(sections, ("inputs", "candidates", 0, "is_roster"), False)
    assert failures(sign(unapproved, actions)) == ["approval"], "it needed an approval"
    spent = changed(sections, ("inputs", "state", "paused"), True)
    assert failures(sign(spent, actions)) == ["evaluation"], "the policy would have refused it"
    calls = (payment_call(PAYEE, TOKEN, 101),)
    richer = provenance.Actions(MODULE, POLICY_ID, actions.policy_codehash, 5, False, calls)
    assert failures(sign(sections, richer)) == ["candidate"], "the calls are nobody's candidate"


def before(answer: dict[str, str], *, approved: bool = False, by: str = "model") -> dict[str, Any]:
    """A record of the format before: choice and reason apart, and nothing of who asked."""
    record = sample(answer=answer, approved=approved, by=by)
    sections = copy.deepcopy({name: record[name] for name in provenance.SECTIONS})
    sections["prompt"]["schema"] = {"properties": {"choice": {}, "reason": {}}}
    del (
        sections["checks"]["second_look"],
        sections["checks"]["asker"],
        sections["inputs"]["roster"]["signed_before_chain_s"],
        sections["inputs"]["quotes"],
        sections["inputs"]["request"]["act"],
    )
    signed = sign(sections, provenance.Actions.from_json(record["actions"]))
    return {**signed, "format": provenance.FORMAT_BEFORE}


def test_a_record_of_the_format_before_stands_where_its_model_agreed() -> None:
    record = before({"choice": "c1", "reason": "matches_request"})
    assert [c.name for c in verifying.verify_document(record) if c.ok is False] == []
    unknown = [check.name for check in verifying.verify_document(record) if check.ok is None]
    assert unknown == ["asker", "roster's month"], "what it does not carry is said not to be checked"


@pytest.mark.parametrize("reason", ["not_what_was_asked", "ambiguous", "suspicious"])
def test_a_record_of_the_format_before_that_paid_past_the_models_no_is_rejected(reason: str) -> None:
    record = before({"choice": "c1", "reason": reason})
    (failed,) = [check for check in verifying.verify_document(record) if check.ok is False]
    assert failed.name == "choice"
    assert "counts as no" in failed.detail
    approved = before({"choice": "c1", "reason": reason}, approved=True)
    assert failures(approved) == [], "the operator's signature is an authority of its own"


def of_format_2() -> dict[str, Any]:
    """A record of the format that did not say whether a model looked."""
    record = sample()
    sections = copy.deepcopy({name: record[name] for name in provenance.SECTIONS})
    del sections["checks"]["second_look"], sections["inputs"]["quotes"], sections["inputs"]["request"]["act"]
    return {**sign(sections, provenance.Actions.from_json(record["actions"])), "format": provenance.FORMAT_ASKED}


def silent(**look: Any) -> dict[str, Any]:
    """A record of a payment that no model looked at."""
    record = sample(by="roster")
    sections = copy.deepcopy({name: record[name] for name in provenance.SECTIONS})
    sections |= dict.fromkeys(("prompt", "model", "sampling", "output"))
    sections["checks"]["second_look"] = {"by": "nobody", "silent": "no second look: no model is configured"} | look
    return sign(sections, provenance.Actions.from_json(record["actions"]))


def test_a_record_of_the_second_format_is_verified_as_it_was_signed() -> None:
    assert failures(of_format_2()) == []
    assert failures({**of_format_2(), "format": provenance.FORMAT}) == ["format"]
    assert failures({**sample(), "format": provenance.FORMAT_ASKED}) == ["format"]


def test_a_record_of_the_third_format_is_verified_as_it_was_signed() -> None:
    record = sample()
    sections = copy.deepcopy({name: record[name] for name in provenance.SECTIONS})
    del sections["inputs"]["quotes"], sections["inputs"]["request"]["act"]
    signed = sign(sections, provenance.Actions.from_json(record["actions"]))
    assert failures({**signed, "format": provenance.FORMAT_LOOKED}) == []
    assert failures(signed) == ["format"]
    assert failures({**record, "format": provenance.FORMAT_LOOKED}) == ["format"]


def test_a_form_needs_the_operator_and_its_calls_are_its_answer() -> None:
    record = sample(by="operator", is_roster=False, approved=True)
    actions = provenance.Actions.from_json(record["actions"])
    rule = f"1: 0xa9059cbb on {checksum(TOKEN)}"
    call = {"rule": rule, "arguments": {"argument 1": str(int.from_bytes(PAYEE, "big")), "argument 2": "100"}}

    def asked(**act: Any) -> dict[str, Any]:
        sections = copy.deepcopy({name: record[name] for name in provenance.SECTIONS})
        sections["inputs"]["request"]["act"] = {"calls": [call], "functions": []} | act
        return sections

    assert failures(sign(asked(), actions)) == []
    less = call | {"arguments": call["arguments"] | {"argument 2": "99"}}
    assert failures(sign(asked(calls=[less]), actions)) == ["act asked for"]
    assert failures(sign(asked(calls=[call, call]), actions)) == ["act asked for"]
    unsigned = asked()
    unsigned["checks"]["approval"] = None
    unsigned["inputs"]["candidates"][0]["is_roster"] = True
    unsigned["checks"]["chosen"]["by"] = "model"
    assert "approval" in failures(sign(unsigned, actions)), "a form never rests on the roster"


def test_a_silence_is_told_as_the_agents_word_and_proved_by_nothing() -> None:
    checks = {check.name: check for check in verifying.verify_document(silent())}
    assert [name for name, check in checks.items() if check.ok is not True] == ["second look"]
    assert checks["second look"].ok is None
    assert "That it was silent is the agent's word" in checks["second look"].detail


def test_a_record_that_claims_a_silence_holds_no_word_and_says_why() -> None:
    assert failures(silent(by="model")) == ["second look"]
    assert failures(silent(silent=None)) == ["second look"]
    record = sample(by="roster")  # a model's word is in it
    assert "second look" in failures(record)
    older = copy.deepcopy({name: of_format_2()[name] for name in provenance.SECTIONS})
    older["checks"]["chosen"]["by"] = "roster"
    signed = sign(older, provenance.Actions.from_json(record["actions"]))
    assert failures({**signed, "format": provenance.FORMAT_ASKED}) == ["approval"], "no silence was let go on then"


def test_no_format_takes_the_other_ones_answers() -> None:
    """The format's name is not under the signature: it can't be changed to have less checked."""
    assert failures({**sample(), "format": provenance.FORMAT_BEFORE}) == ["format"]
    assert failures({**before({"choice": "c1", "reason": "matches_request"}), "format": provenance.FORMAT}) == [
        "format"
    ]
    assert failures(sample(answer={"choice": "c1", "reason": "matches_request"})) == ["choice"]


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("checks", "asker", "balance"), "0", "asker"),
        (("checks", "asker", "kind"), "stranger", "asker"),
        (("checks", "asker", "kind"), "unknown", "asker"),
        (("checks", "asker", "kind"), "operator", "asker"),
        (("checks", "asker", "kind"), "roster", "asker"),
        (("checks", "asker", "kind"), "delegate", "asker"),
        (("checks", "asker", "votes_token"), None, "asker"),
        (("checks", "asker", "votes_call"), None, "asker"),
        (("checks", "asker", "votes_call"), "pay(address)", "asker"),
        (("inputs", "roster", "signed_before_chain_s"), str(NOVEMBER_S + 1), "roster's month"),
        (("inputs", "roster", "signed_before_chain_s"), None, "roster's month"),
        (("inputs", "request", "period"), "2027-01", "roster's month"),
        (("inputs", "request", "period"), "", "contents"),
        (("checks", "asker", "votes"), None, ""),
    ],
)
def test_a_record_whose_asker_or_month_needed_the_operator_is_rejected(
    path: tuple[str, ...], value: Any, named: str
) -> None:
    record = sample()
    sections = {name: record[name] for name in provenance.SECTIONS}
    actions = provenance.Actions.from_json(record["actions"])
    assert failures(sign(changed(sections, path, value), actions)) == ([named] if named else [])
    approved = sample(approved=True)
    sections = {name: approved[name] for name in provenance.SECTIONS}
    assert failures(sign(changed(sections, path, value), actions)) == []


def test_a_record_of_a_month_that_had_not_begun_needed_the_operator() -> None:
    record = sample()
    sections = {name: record[name] for name in provenance.SECTIONS}
    for path in (("inputs", "request"), ("inputs", "candidates", 0, "lines", 0)):
        sections = changed(sections, (*path, "period"), "2026-12")
    assert failures(sign(sections, provenance.Actions.from_json(record["actions"]))) == ["roster's month"]


def test_amounts_that_no_call_can_carry_are_rejected_without_a_traceback() -> None:
    record = sample()
    for amount in ("-1", str(2**256)):
        assert "actions" in failures(changed(record, ("actions", "calls", 0, "value_wei"), amount))
        assert failures(changed(record, ("inputs", "candidates", 0, "lines", 0, "amount"), amount))


def test_somebody_elses_approval_is_rejected() -> None:
    record = sample(by="operator", approved=True)
    assert failures(record) == []
    sections = {name: copy.deepcopy(record[name]) for name in provenance.SECTIONS}
    sections["checks"]["approval"]["pays"] = "1 to ines"
    assert failures(sign(sections, provenance.Actions.from_json(record["actions"]))) == ["approval"]


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_record_is_said_to_be_none(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_bytes(text)
    with pytest.raises(CommandError):
        call_command("verify_record", str(file), "--offline")


def verify(what: str, *options: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("verify_record", what, *options, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_an_auditor_without_our_database_checks_a_file_against_the_chain(world: World, tmp_path: Path) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    file = tmp_path / "record.json"
    file.write_text(DecisionRecord.objects.get().body)

    def no_query(_execute: Any, sql: str, *_rest: Any) -> None:
        raise AssertionError(sql)

    with connection.execute_wrapper(no_query):
        status, said = verify(str(file), "--offline", "--rpc")
    assert (status, "act on chain: act 1 made exactly these calls" in said) == (0, True), said
    other = json.loads(file.read_text())
    other["actions"]["number"] = "2"
    file.write_bytes(provenance.canonical(other))
    assert verify(str(file), "--offline", "--rpc")[0] == 1


@pytest.mark.django_db(transaction=True)
def test_the_command_accepts_what_was_paid_and_rejects_what_was_not(world: World, tmp_path: Path) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    world.model.say = ABSTAINS
    world.wind(120)
    request = world.settle(world.ask("pay ines 900 USDC as a bonus"))
    assert request.status == Request.Status.EXECUTED
    world.wind(120)
    request = world.settle(world.ask("pay jon 2,000 USDC for the audit"))
    assert request.status == Request.Status.SCHEDULED
    first, second, third = DecisionRecord.objects.order_by("id")
    assert [bytes(r.prev_hash) for r in (first, second, third)] == [bytes(32), bytes(first.hash), bytes(second.hash)]
    for record in (first, second, third):
        status, said = verify("0x" + bytes(record.hash).hex(), "--rpc")
        assert status == 0, said
        assert "act on chain" in said
        assert "not checked" not in said
        assert "accepted" in said.splitlines()[-1]
    published = provenance.public_json(bytes(first.hash))
    assert published is not None
    file = tmp_path / "record.json"
    file.write_bytes(published)
    assert verify(str(file))[0] == 0
    assert provenance.public_json(b"\x01" * 32) is None
    with pytest.raises(CommandError, match="no record"):
        verify("0x" + "01" * 32)

    tampered = json.loads(published)
    tampered["inputs"]["request"]["text"] = "pay mallory"
    file.write_bytes(provenance.canonical(tampered))
    status, said = verify(str(file))
    assert status == 1
    assert "REJECTED: inputs" in said

    # An act on chain with our decision and other calls: what the record says is not what was done.
    Act.objects.get(decision=bytes(first.hash)).calls.all().delete()
    status, said = verify("0x" + bytes(first.hash).hex())
    assert status == 1
    assert "REJECTED: act" in said
    Act.objects.filter(decision=bytes(second.hash)).delete()
    status, said = verify("0x" + bytes(second.hash).hex())
    assert status == 1
    assert "no act with this decision" in said


@pytest.mark.django_db(transaction=True)
def test_a_record_signed_by_a_thief_of_the_agents_key_is_rejected_for_what_it_leans_on(
    world: World,  # noqa: F811
    tmp_path: Path,
) -> None:
    world.sign_roster()
    world.rest(world.ask(world.november()))
    (true,) = DecisionRecord.objects.all()
    record = json.loads(true.body)
    sections = {name: record[name] for name in provenance.SECTIONS}
    actions = provenance.Actions.from_json(record["actions"])
    agent = world.suite.accounts["agent"]

    def said_of(sections: dict[str, Any], previous: bytes) -> str:
        forged = provenance.compose(
            sections,
            actions,
            chain_id=int(record["message"]["chainId"]),
            governor=bytes.fromhex(record["message"]["governor"][2:]),
            prev_record=previous,
            created_at_s=NOW,
            sign=lambda typed_data: (
                bytes.fromhex(agent.address[2:]),
                bytes(agent.sign_typed_data(full_message=typed_data).signature),
            ),
        )
        file = tmp_path / "forged.json"
        file.write_bytes(provenance.canonical(forged))
        status, said = verify(str(file))
        assert status == 1
        return said.splitlines()[-1]

    assert "prevRecord" in said_of(sections, bytes(32)), "another record is the first one"
    assert "prevRecord" not in said_of(sections, bytes(true.hash))

    # A roster with the same payments, truly signed, but by mallory and for a policy of her own.
    good = Roster.objects.get()
    terms = rosters.Terms(
        world.dao.chain_id, world.address("module"), b"\x07" * 32, 1, 1, good.expires_chain_s, rosters.lines_of(good)
    )
    document = rosters.compose(terms)
    Roster.objects.create(
        dao=world.dao,
        module=good.module,
        policy_id=terms.policy_id,
        policy_version=1,
        serial=1,
        expires_chain_s=terms.expires_chain_s,
        operator=world.address("mallory"),
        digest=eip712.digest(document),
        signature=bytes.fromhex(world.sign("mallory", document)[2:]),
        typed_data=document,
    )
    foreign = changed(sections, ("inputs", "roster", "digest"), "0x" + eip712.digest(document).hex())
    assert "roster" in said_of(foreign, bytes(true.hash))
    assert "roster" not in said_of(sections, bytes(true.hash))
    del foreign["inputs"]["roster"]
    assert "roster" in said_of(foreign, bytes(true.hash))


@pytest.mark.django_db(transaction=True)
def test_a_record_stands_for_one_act_under_one_policy_version(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    name = "0x" + bytes(DecisionRecord.objects.get().hash).hex()
    assert verify(name)[0] == 0
    Act.objects.update(version=2)
    assert "REJECTED: act policy" in verify(name)[1]
    act = Act.objects.get()
    act.pk, act.number, act.version = None, act.number + 1, 1
    act.save()
    status, said = verify(name)
    assert status == 1
    assert "2 acts name this decision" in said
