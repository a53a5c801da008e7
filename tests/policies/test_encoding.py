# SPDX-License-Identifier: Apache-2.0
"""Policy code: round trips, canonical bytes only, and a decoder that refuses with an offset and never crashes."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.encoding import DecodeError, codehash, decode, pack, policy_id, set_policy_calldata
from policies.primitives import keccak
from tests.policies.strategies import AGENT, OPERATOR, TARGETS, policies

FUZZ = int(os.environ.get("MANDATE_DECODER_FUZZ", "500"))


@given(policies())
def test_decode_is_the_inverse_of_pack(policy: PolicyCode) -> None:
    code = pack(policy)
    assert decode(code) == policy
    assert pack(decode(code)) == code


@given(policies(), st.data())
def test_every_cut_is_refused_at_its_end(policy: PolicyCode, data: st.DataObject) -> None:
    code = pack(policy)
    cut = code[: data.draw(st.integers(0, len(code) - 1))]
    with pytest.raises(DecodeError) as refused:
        decode(cut)
    assert refused.value.offset <= len(cut)


@given(policies(), st.binary(min_size=1, max_size=200))
def test_bytes_too_many_are_refused_where_they_begin(policy: PolicyCode, tail: bytes) -> None:
    code = pack(policy)
    with pytest.raises(DecodeError) as refused:
        decode(code + tail)
    assert refused.value.offset == len(code)


@settings(max_examples=FUZZ)
@given(st.one_of(st.binary(max_size=400), st.binary(min_size=100, max_size=400).map(lambda raw: b"\1" + raw[1:])))
def test_noise_is_refused_or_reads_back_the_same(raw: bytes) -> None:
    _reads_back_or_refuses(raw)


@settings(max_examples=FUZZ)
@given(policies(), st.data())
def test_mutated_code_is_refused_or_reads_back_the_same(policy: PolicyCode, data: st.DataObject) -> None:
    raw = bytearray(pack(policy))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    _reads_back_or_refuses(bytes(raw))


def _reads_back_or_refuses(raw: bytes) -> None:
    policy, refusal = _decoded(raw)
    if policy is not None:
        assert pack(policy) == raw
    if refusal is not None:
        assert 0 <= refusal.offset <= len(raw)
        assert str(refusal.offset) in str(refusal)


def _decoded(raw: bytes) -> tuple[PolicyCode | None, DecodeError | None]:
    try:
        return decode(raw), None
    except DecodeError as refusal:
        return None, refusal


def _plain() -> PolicyCode:
    budgets = tuple(Budget(Scope.POLICY, TARGETS[0], 10, 700, 1, 2, name.ljust(32, b"\0")) for name in (b"a", b"b"))
    clauses = (Clause(0, Kind.IN_LIST, 0), Clause(1, Kind.CAP, 500))
    rules = tuple(Rule(target, b"\xa9\x05\x9c\xbb", False, True, 2, clauses, ()) for target in TARGETS[:2])
    return PolicyCode(AGENT, OPERATOR, 5, 7200, 0, 60, 60, 500, bytes(32), budgets, ((1, 2),), rules)


def _charged() -> bytes:
    charges = (Charge(0, Source.ARGUMENT, 1), Charge(1, Source.ARGUMENT, 1))
    policy = _plain()
    return pack(replace(policy, rules=tuple(replace(rule, charges=charges) for rule in policy.rules)))


BUDGETS, LISTS = 100, 100 + 2 * 66
RULES = LISTS + 2 + 64
CLAUSES = RULES + 28
CHARGES = CLAUSES + 2 * 34


@pytest.mark.parametrize(
    ("at", "bytes_", "offset", "words"),
    [
        (0, b"\2", 0, "format"),
        (1, bytes(20), 1, "agent"),
        (21, bytes(20), 21, "operator"),
        (41, (7200).to_bytes(5, "big"), 46, "after the start"),
        (46, (7201).to_bytes(5, "big"), 46, "whole hour"),
        (46, (2**24 * 3600).to_bytes(5, "big"), 46, "last hour"),
        (55, bytes(4), 55, "delay"),
        (59, bytes(4), 59, "window"),
        (63, bytes(2), 63, "threshold"),
        (63, (10_001).to_bytes(2, "big"), 63, "threshold"),
        (99, b"\0", 99, "no rule"),
        (BUDGETS, b"\3", BUDGETS, "scope"),
        (BUDGETS + 21, b"\xe5", BUDGETS + 21, "unit"),
        (BUDGETS + 22, (6).to_bytes(4, "big"), BUDGETS + 22, "period"),
        (BUDGETS + 26, (3).to_bytes(4, "big"), BUDGETS + 26, "instant"),
        (BUDGETS + 30, bytes(4), BUDGETS + 30, "limit"),
        (BUDGETS + 30, (2**28).to_bytes(4, "big"), BUDGETS + 30, "limit"),
        (BUDGETS + 34, b"\n", BUDGETS + 34, "ASCII"),
        (BUDGETS + 34, b"\0a", BUDGETS + 34, "ASCII"),
        (BUDGETS + 34, b"b", BUDGETS + 66, "ascending"),
        (BUDGETS + 34, b"c", BUDGETS + 66, "ascending"),
        (BUDGETS + 66 + 22, (701).to_bytes(4, "big") + (1).to_bytes(4, "big"), None, ""),
        (LISTS, bytes(2), LISTS, "empty"),
        (LISTS + 2 + 32, (1).to_bytes(32, "big"), LISTS + 2 + 32, "ascending"),
        (RULES, TARGETS[2], RULES + 28 + 68 + 6, "order"),
        (RULES + 24, b"\4", RULES + 24, "flag"),
        (RULES + 24, b"\3", RULES + 20, "selector"),
        (RULES + 25, b"\x21", RULES + 25, "arguments"),
        (CLAUSES, b"\2", CLAUSES, "argument 2 of 2"),
        (CLAUSES + 1, b"\7", CLAUSES + 1, "kind"),
        (CLAUSES + 1, b"\0", CLAUSES + 1, "kind"),
        (CLAUSES + 2, (1).to_bytes(32, "big"), CLAUSES + 2, "list"),
        (CLAUSES, b"\1\7", CLAUSES + 1, "kind"),
        (CLAUSES, b"\1\6" + (501).to_bytes(32, "big"), CLAUSES + 34, "ascending"),
        (CHARGES, b"\2", CHARGES, "budget"),
        (CHARGES, b"\1", CHARGES + 3, "ascending"),
        (CHARGES + 1, b"\2", CHARGES + 1, "source"),
        (CHARGES + 1, b"\1", CHARGES + 2, "value"),
        (CHARGES + 2, b"\2", CHARGES + 2, "argument"),
    ],
)  # fmt: skip
def test_what_is_not_canonical_is_refused_with_its_offset(
    at: int, bytes_: bytes, offset: int | None, words: str
) -> None:
    code = _charged()
    decode(code)
    wrong = code[:at] + bytes_ + code[at + len(bytes_) :]
    if offset is None:
        decode(wrong)
        return
    with pytest.raises(DecodeError, match=words) as refused:
        decode(wrong)
    assert refused.value.offset == offset


def test_two_budgets_on_one_ring_are_refused() -> None:
    policy = decode(_charged())
    same = replace(policy.budgets[0], limit=3)
    with pytest.raises(DecodeError, match="share a ring") as refused:
        decode(pack(replace(policy, budgets=(policy.budgets[0], same))))
    assert refused.value.offset == BUDGETS + 66


def test_a_budget_that_nothing_charges_is_refused() -> None:
    with pytest.raises(DecodeError, match="no rule charges"):
        decode(pack(_plain()))


def test_code_larger_than_a_contract_is_refused_at_once() -> None:
    with pytest.raises(DecodeError) as refused:
        decode(b"\1" * 100_000)
    assert refused.value.offset == 24_575


def test_names_and_hashes_are_those_of_the_chain() -> None:
    code = _charged()
    assert codehash(code) == keccak(b"\0" + code)
    assert policy_id("payroll") == keccak(b"payroll")
    calldata = set_policy_calldata(policy_id("payroll"), code)
    assert len(calldata) % 32 == 4
    assert calldata[4:36] == keccak(b"payroll")
    assert int.from_bytes(calldata[68:100], "big") == len(code)
    assert calldata[100 : 100 + len(code)] == code
    assert not any(calldata[100 + len(code) :])
