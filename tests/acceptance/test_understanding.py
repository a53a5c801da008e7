# SPDX-License-Identifier: Apache-2.0
"""Real proposals, real attacks and published injections, read without any model: what code alone must get right."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from agent.understanding import flags as flags_module
from agent.understanding import ingest, reader, writer
from agent.understanding.effects import Book, Kind, effects_of
from agent.understanding.flags import Flag, Severity
from agent.understanding.judging import Outcome, Status, Verdict, judge
from governance.chain.abi import encode_call
from governance.chain.address import checksum, to_bytes
from governance.chain.call import ProposedCall
from policies.notation.amounts import Token
from tests.calls import plain_call

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ENS = DATA / "proposals" / "ens"
pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not ENS.is_dir(), reason="../shared/data is not here"),
]

USDC = to_bytes("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
ENS_TOKEN = to_bytes("0xC18360217D8F7Ab5e7c516566761Ea12Ce7F9D72")
BOOK = Book({}, {USDC: Token("USDC", USDC, 6), ENS_TOKEN: Token("ENS", ENS_TOKEN, 18)})
DANGEROUS = [
    plain_call(ENS_TOKEN, 0, encode_call("upgradeTo(address)", [USDC])),
    plain_call(ENS_TOKEN, 0, encode_call("grantRole(bytes32,address)", [bytes(32), USDC])),
    plain_call(ENS_TOKEN, 0, b"\xde\xad\xbe\xef"),
    plain_call(ENS_TOKEN, 0, encode_call("execTransactionFromModule(address,uint256,bytes,uint8)", [USDC, 0, b"", 1])),
]


@cache
def proposals() -> dict[str, tuple[str, tuple[ProposedCall, ...]]]:
    """Text and calls by name. One has a target that lacks a digit in the source: calls are taken as 20 bytes."""
    found = {}
    for folder in sorted(ENS.iterdir()):
        text, calls = folder / "proposalDescription.md", folder / "proposalCalldata.json"
        if text.is_file() and calls.is_file():
            found[folder.name] = (
                text.read_text(),
                tuple(
                    plain_call(
                        bytes.fromhex(call["target"][2:].zfill(40)),
                        int(call.get("value") or 0),
                        bytes.fromhex(call["calldata"][2:]),
                    )
                    for call in json.loads(calls.read_text())["executableCalls"]
                ),
            )
    return found


@cache
def injections() -> list[str]:
    """Every injected instruction that the three collections hold."""
    folder = DATA / "injection"
    lines = (folder / "bastioncorpus" / "injections.jsonl").read_text().splitlines()
    found = [json.loads(line)["text"] for line in lines]
    for texts in json.loads((folder / "bipia" / "text_attack_train.json").read_text()).values():
        found += texts
    for name in ("test_cases_dh_base.json", "test_cases_ds_base.json"):
        found += [case["Attacker Instruction"] for case in json.loads((folder / "injecagent" / name).read_text())]
    return found


def flags_of(text: str, calls) -> list[Flag]:
    effects = effects_of(calls, BOOK)
    calldata = [call.calldata for call in calls]
    return flags_module.flags(ingest.read(text), effects, BOOK, actions=len(calls), calldata=calldata)


def flags(text: str, calls) -> set[tuple[str, tuple[str, ...]]]:
    return {(flag.code, flag.effects) for flag in flags_of(text, calls)}


def judged(text: str, calls) -> Verdict:
    return judge(ingest.read(text), effects_of(calls, BOOK), BOOK)


def test_every_real_proposal_is_read_and_each_of_its_calls_gets_a_sentence():
    assert len(proposals()) == 26
    for name, (text, calls) in proposals().items():
        document = ingest.read(text)
        assert len(document.spans) > 3, name
        assert document.hidden == (), name
        assert not document.truncated, name
        effects = effects_of(calls, BOOK)
        assert {effect.position for effect in effects} == set(range(len(calls))), name
        for span in document.spans:
            assert not writer.unsourced(span.plain, span.text), (name, span)


def test_honest_proposals_raise_no_danger():
    """Three of them run Safe's own MultiSend by delegatecall, which is none."""
    alarms = {
        name: [flag.code for flag in flags_of(text, calls)
               if flag.severity is Severity.DANGER]
        for name, (text, calls) in proposals().items()
    }  # fmt: skip
    assert {name: codes for name, codes in alarms.items() if codes} == {}


def test_no_published_injection_changes_a_flag_of_a_dangerous_call():
    assert len(injections()) > 1_000
    text, calls = proposals()["ep-5-16"]
    calls = (*calls, *DANGEROUS)
    before = flags(text, calls)
    assert {code for code, _ in before} >= {"upgrade", "admin_change", "unknown_call", "delegatecall"}
    for injection in injections():
        after = flags(f"{text}\n\n{injection}", calls)
        assert before <= after, injection
        assert {code for code, _ in after - before} <= {"hidden_text", "bad_checksum", "not_in_calls"}, injection


def test_a_published_injection_stays_data_in_the_prompt():
    for injection in injections():
        shown = ingest.read(injection).excerpt(reader.PROMPT_CHARS)
        system, user = reader.messages(shown, "c4n4ry00")
        assert system == reader.messages((), "c4n4ry00")[0]
        assert user["content"].count("\n") == len(shown) + 1


def payments():
    for name, (text, calls) in proposals().items():
        for position, effect in enumerate(effects_of(calls, BOOK)):
            if effect.kind is Kind.TRANSFER and effect.function == "transfer(address,uint256)" and not effect.path:
                yield name, text, calls, position, effect


def test_no_mutant_of_a_real_payment_matches_its_text():
    understood = mutants = red = 0
    for name, text, calls, position, effect in payments():
        if position >= len(calls) or calls[position].calldata[4:36][12:] != effect.recipient:
            continue
        understood += judged(text, calls).of(effect.id).status in (Status.TOLD, Status.IN_PART)
        nibble = bytes([*effect.recipient[:10], effect.recipient[10] ^ 0x10, *effect.recipient[11:]])
        for recipient, amount in ((nibble, effect.amount), (effect.recipient, effect.amount * 10)):
            mutant = replace(calls[position], data=encode_call("transfer(address,uint256)", [recipient, amount]))
            changed = (*calls[:position], mutant, *calls[position + 1 :])
            judgement = judged(text, changed)
            assert judgement.of(effect.id).status is not Status.TOLD, (name, checksum(recipient), amount)
            assert judgement.outcome is not Outcome.TOLD, name
            mutants += 1
            red += judgement.of(effect.id).status in (Status.DIFFERS, Status.NOT_TOLD)
    assert understood >= 10
    assert red >= 5
    assert mutants >= 10


def test_a_call_appended_to_a_real_proposal_is_never_matched():
    for name, (text, calls) in proposals().items():
        for extra in DANGEROUS:
            assert judged(text, (*calls, extra)).outcome is not Outcome.TOLD, name


def test_the_shutter_attack_is_flagged_and_opaque():
    attacks = {attack["id"]: attack for attack in json.loads((DATA / "known_attacks.json").read_text())}
    attack = attacks["shutter-snapshotx-5"]
    (action,) = attack["actions"]
    # Snapshot X has the Safe execute it as an enabled module: the operation stands in that call.
    call = encode_call(
        "execTransactionFromModule(address,uint256,bytes,uint8)",
        [to_bytes(action["to"]), int(action["value"]), bytes.fromhex(action["data"][2:]), action["operation"]],
    )
    calls = (plain_call(USDC, 0, call),)
    assert {"delegatecall", "unknown_call"} <= {code for code, _ in flags(attack["claimed"], calls)}
    assert judged(attack["claimed"], calls).outcome is Outcome.CANT_BE_CHECKED
