# SPDX-License-Identifier: Apache-2.0
"""Policy code: round trips, canonical bytes only, and a decoder that refuses with an offset and never crashes."""

import os
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.code.encoding import Chain, DecodeError, codehash, decode, pack, policy_id, set_policy_calldata
from policies.code.policy_code import Budget, Charge, Clause, Dynamic, Income, Kind, PolicyCode, Rule, Scope, Source
from policies.code.signatures import APPROVE
from policies.notation.primitives import keccak
from tests.policies.strategies import AGENT, OPERATOR, SELECTORS, TARGETS, code_pool, mutated_code, policies

FUZZ = int(os.environ.get("MANDATE_DECODER_FUZZ", "20000"))


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


def test_noise_and_mutated_code_are_refused_or_read_back_the_same() -> None:
    """`MANDATE_DECODER_FUZZ` inputs (default 20,000): noise, and valid code with a few things wrong."""
    random, pool, outcomes = Random(2), code_pool(200), Counter[str]()
    for _ in range(FUZZ):
        raw = mutated_code(random, random.choice(pool)) if random.random() < 0.9 else _noise(random)
        outcomes[_reads_back_or_refuses(raw)] += 1
    assert outcomes["read"] > FUZZ / 20
    assert len(outcomes) > 25 or FUZZ < 20_000, outcomes


def _noise(random: Random) -> bytes:
    raw = random.randbytes(random.randrange(400))
    return b"\2" + raw[1:] if random.random() < 0.5 else raw


def _reads_back_or_refuses(raw: bytes) -> str:
    """What became of it: "read", or the problem."""
    policy, refusal = _decoded(raw)
    if refusal is not None:
        assert 0 <= refusal.offset <= len(raw)
        assert str(refusal.offset) in str(refusal)
        assert 0 < len(refusal.problem.encode("ascii")) <= 32
        return refusal.problem
    assert policy is not None
    assert pack(policy) == raw
    return "read"


def _decoded(raw: bytes) -> tuple[PolicyCode | None, DecodeError | None]:
    try:
        return decode(raw), None
    except DecodeError as refusal:
        return None, refusal


def _plain() -> PolicyCode:
    budgets = (
        Budget(Scope.POLICY, bytes(20), 10, 700, 1, 2, b"ether".ljust(32, b"\0")),
        Budget(Scope.POLICY, TARGETS[0], 10, 700, 1, 2, b"a".ljust(32, b"\0")),
        Budget(Scope.POLICY, TARGETS[0], 10, 700, 1, 2, b"b".ljust(32, b"\0"), measured=True),
    )
    clauses = (
        Clause(0, Kind.IN_LIST, 0),
        Clause(1, Kind.CAP, 500, 1),
        Clause(1, Kind.AT_MOST, 9, 2),
        Clause(2, Kind.EQUAL, 5, 1),
    )
    rules = tuple(
        Rule(target, SELECTORS[1], False, True, 3, clauses, (), dynamics=(Dynamic(1, 2), Dynamic(2, 0)))
        for target in TARGETS[:2]
    )
    return PolicyCode(AGENT, OPERATOR, 5, 7200, 0, 60, 60, 500, bytes(32), budgets, ((1, 2),), rules)


def _charged() -> bytes:
    charges = (Charge(0, Source.VALUE, 0), Charge(1, Source.ARGUMENT, 1, 1), Charge(2, Source.ARGUMENT, 0))
    incomes = (Income(bytes(20), 1, 1, 2), Income(TARGETS[1], 2, 3, 4))
    policy = _plain()
    return pack(replace(policy, rules=tuple(replace(rule, charges=charges, incomes=incomes) for rule in policy.rules)))


BUDGETS = 100
HEADS = BUDGETS + 3 * 67
LISTS = HEADS + 2 * 32
BODY = LISTS + 2 + 64
CLAUSES = BODY + 2 * 2
CHARGES = CLAUSES + 4 * 35
INCOMES = CHARGES + 3 * 4
NEXT = INCOMES + 2 * 53


@pytest.mark.parametrize(
    ("at", "bytes_", "offset", "problem"),
    [
        (0, b"\1", 0, "unknown format"),
        (1, bytes(20), 1, "no agent"),
        (21, bytes(20), 21, "no operator"),
        (41, (7200).to_bytes(5, "big"), 46, "end is not after start"),
        (46, (7201).to_bytes(5, "big"), 46, "end is not a whole hour"),
        (46, (2**32 // 3600 * 3600 + 3600).to_bytes(5, "big"), 46, "end too late"),
        (55, bytes(4), 55, "no objection delay"),
        (59, bytes(4), 59, "no release window"),
        (63, bytes(2), 63, "threshold not 1 to 10000 bps"),
        (63, (10_001).to_bytes(2, "big"), 63, "threshold not 1 to 10000 bps"),
        (99, b"\0", 99, "no rules"),
        (BUDGETS, b"\3", BUDGETS, "unknown scope"),
        (BUDGETS + 21, b"\x4e", BUDGETS + 21, "unit too large"),
        (BUDGETS + 22, b"\2", BUDGETS + 22, "unknown budget flag"),
        (BUDGETS + 23, (6).to_bytes(4, "big"), BUDGETS + 23, "period too short"),
        (BUDGETS + 27, (3).to_bytes(4, "big"), BUDGETS + 27, "instant limit above limit"),
        (BUDGETS + 31, bytes(4), BUDGETS + 31, "limit not 1 to 2^28 - 1"),
        (BUDGETS + 31, (2**28).to_bytes(4, "big"), BUDGETS + 31, "limit not 1 to 2^28 - 1"),
        (BUDGETS + 35, b"\n", BUDGETS + 35, "name not printable ASCII"),
        (BUDGETS + 35, b"\0a", BUDGETS + 35, "name not printable ASCII"),
        (BUDGETS, b"\1", BUDGETS + 67, "budgets not ascending"),
        (BUDGETS + 67 + 22, b"\1", BUDGETS + 134, None),
        (HEADS, TARGETS[2], HEADS + 32, "rules not ascending"),
        (HEADS + 24, b"\x08", HEADS + 24, "unknown flag"),
        (HEADS + 24, b"\1", HEADS + 20, "selector given for none"),
        (HEADS + 20, bytes(4) + b"\1", HEADS + 25, "arguments without selector"),
        (HEADS + 25, b"\x21", HEADS + 25, "too many arguments"),
        (HEADS + 26, b"\4", HEADS + 26, "too many dynamic arguments"),
        (HEADS + 20, bytes.fromhex("095ea7b3"), HEADS + 20, "outlives every budget"),
        (HEADS + 24, b"\4", HEADS + 20, "approval of another form"),
        (HEADS + 31, b"\0", HEADS + 30, "body lies elsewhere"),
        (HEADS + 63, b"\0", HEADS + 62, "body lies elsewhere"),
        (LISTS, bytes(2), LISTS, "empty list"),
        (LISTS + 2 + 32, (1).to_bytes(32, "big"), LISTS + 2 + 32, "list not ascending"),
        (BODY, b"\3", BODY, "no such argument"),
        (BODY + 2, b"\1", BODY + 2, "dynamic arguments not ascending"),
        (CLAUSES, b"\3", CLAUSES, "no such argument"),
        (CLAUSES + 1, b"\1", CLAUSES + 1, "no such column"),
        (CLAUSES + 2, b"\7", CLAUSES + 2, "unknown clause"),
        (CLAUSES + 2, b"\0", CLAUSES + 2, "unknown clause"),
        (CLAUSES + 3, (1).to_bytes(32, "big"), CLAUSES + 3, "no such list"),
        (CLAUSES + 105 + 2, b"\6", CLAUSES + 105 + 2, "cap on a hash"),
        (CLAUSES, b"\1\1\6" + (501).to_bytes(32, "big"), CLAUSES + 35, "clauses not ascending"),
        (CHARGES, b"\3", CHARGES, "no such budget"),
        (CHARGES + 4, b"\0\1\0\0", CHARGES + 4, "charges not ascending"),
        (CHARGES + 1, b"\2", CHARGES + 1, "unknown source"),
        (CHARGES + 2, b"\1", CHARGES + 2, "argument of value"),
        (CHARGES + 3, b"\1", CHARGES + 2, "argument of value"),
        (CHARGES + 4, b"\1\1\0\0", CHARGES + 4, "value charges another asset"),
        (CHARGES + 4 + 3, b"\2", CHARGES + 7, "charge of no amounts"),
        (CHARGES + 4 + 3, b"\3", CHARGES + 5, "no such column"),
        (CHARGES + 4 + 2, b"\2\0", CHARGES + 7, "charge of no amounts"),
        (INCOMES + 20, b"\3", INCOMES + 20, "no such budget"),
        (INCOMES + 20, b"\0", INCOMES, "income of what is spent"),
        (INCOMES + 21, bytes(16), INCOMES + 21, "income of nothing"),
        (INCOMES + 37, bytes(16), INCOMES + 37, "no denominator"),
        (INCOMES, TARGETS[2], INCOMES + 53, "incomes not ascending"),
    ],
)  # fmt: skip
def test_what_is_not_canonical_is_refused_with_its_offset(
    at: int, bytes_: bytes, offset: int, problem: str | None
) -> None:
    code = _charged()
    decode(code)
    wrong = code[:at] + bytes_ + code[at + len(bytes_) :]
    if problem is None:
        assert decode(wrong) != decode(code)
        return
    with pytest.raises(DecodeError) as refused:
        decode(wrong)
    assert (refused.value.offset, refused.value.problem) == (offset, problem)
    assert len(problem) <= 32


def test_the_layout_above_is_the_layout() -> None:
    code = _charged()
    assert int.from_bytes(code[HEADS + 30 : HEADS + 32], "big") == BODY
    assert int.from_bytes(code[HEADS + 62 : HEADS + 64], "big") == NEXT
    assert len(code) == 2 * NEXT - BODY


def test_two_budgets_on_one_ring_are_refused() -> None:
    policy = decode(_charged())
    same = replace(policy.budgets[0], limit=3)
    with pytest.raises(DecodeError) as refused:
        decode(pack(replace(policy, budgets=(policy.budgets[0], same, *policy.budgets[1:]))))
    assert (refused.value.offset, refused.value.problem) == (BUDGETS + 67, "two budgets share a ring")


def test_a_budget_that_nothing_charges_is_refused() -> None:
    with pytest.raises(DecodeError) as refused:
        decode(pack(_plain()))
    assert refused.value.problem == "budget never charged"


def test_an_income_for_what_is_neither_charged_nor_measured_is_refused() -> None:
    policy = decode(_charged())
    first, second = policy.rules
    unpaid = replace(first, charges=first.charges[:1], incomes=(Income(bytes(20), 1, 1, 2),))
    with pytest.raises(DecodeError) as refused:
        decode(pack(replace(policy, rules=(unpaid, second))))
    assert refused.value.problem == "income for no charge"


def _approving(**changes: object) -> bytes:
    rule = Rule(TARGETS[0], APPROVE, False, True, 2, (), (), approval=True)
    budget = Budget(Scope.POLICY, TARGETS[0], 0, 700, 2, 2, bytes(32), measured=True)
    return pack(replace(_plain(), budgets=(budget,), lists=(), rules=(replace(rule, **changes),)))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"words": 3}, "approval of another form"),
        ({"dynamics": (Dynamic(1, 1),)}, "approval of another form"),
        ({"selector": SELECTORS[1]}, "approval of another form"),
        ({"target": TARGETS[1]}, "approval is not measured"),
    ],
)
def test_an_approval_is_of_a_measured_token(changes: dict[str, object], problem: str) -> None:
    assert decode(_approving()).rules[0].approval
    with pytest.raises(DecodeError) as refused:
        decode(_approving(**changes))
    assert refused.value.problem == problem


def test_what_only_the_chain_knows_is_checked_when_it_is_asked() -> None:
    code = _charged()
    chain = Chain(forbidden=(), votes_token=b"\1" * 20, has_code=TARGETS.__contains__)
    assert decode(code, chain) == decode(code)
    for changed, offset, problem in (
        (replace(chain, forbidden=TARGETS[1:2]), HEADS + 32, "forbidden target"),
        (replace(chain, has_code=TARGETS[1:].__contains__), BUDGETS + 134 + 1, "asset has no code"),
        (replace(chain, has_code=TARGETS[:1].__contains__), INCOMES + 53, "asset has no code"),
    ):
        with pytest.raises(DecodeError) as refused:
            decode(code, changed)
        assert (refused.value.offset, refused.value.problem) == (offset, problem)


def test_a_target_without_code_has_no_function() -> None:
    policy = decode(_charged())
    poor = pack(replace(policy, rules=tuple(replace(rule, incomes=()) for rule in policy.rules)))
    with pytest.raises(DecodeError) as refused:
        decode(poor, Chain(forbidden=(), votes_token=b"\1" * 20, has_code=TARGETS[:1].__contains__))
    assert (refused.value.offset, refused.value.problem) == (HEADS + 32, "target has no code")


def test_of_the_votes_token_only_transfer_is_permitted() -> None:
    code = _charged()
    chain = Chain(forbidden=(), votes_token=TARGETS[0], has_code=TARGETS.__contains__)
    decode(code, chain)
    other = code[: HEADS + 20] + b"\1\2\3\4" + code[HEADS + 24 :]
    with pytest.raises(DecodeError, match="votes token"):
        decode(other, chain)
    behind = Chain((), b"\1" * 20, TARGETS.__contains__, adapted_token=TARGETS[0])
    decode(code, behind)
    with pytest.raises(DecodeError, match="votes token"):
        decode(other, behind)


def test_code_larger_than_a_contract_is_refused_at_once() -> None:
    with pytest.raises(DecodeError) as refused:
        decode(b"\2" * 100_000)
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
