# SPDX-License-Identifier: Apache-2.0
"""The payroll policy's answers: what is allowed, in which band, and every reason for what is not, in words too."""

from dataclasses import replace
from pathlib import Path

import pytest

from policies.answer.evaluate import (
    Allowed,
    Call,
    ClockError,
    Condition,
    Headroom,
    Mode,
    Observation,
    Observations,
    PolicyState,
    Reason,
    Refused,
    evaluate,
    headroom,
)
from policies.code.encoding import decode, encode, policy_id
from policies.code.policy_code import Budget, Charge, Clause, Dynamic, Income, Kind, PolicyCode, Rule, Scope, Source
from policies.code.ring import Ring
from policies.code.signatures import APPROVE
from policies.document.document import load
from policies.notation.primitives import UINT256_MAX, keccak, word
from policies.words.explain import reason

DOCUMENT = load((Path(__file__).resolve().parents[2] / "policies" / "templates" / "payroll.yaml").read_text())
POLICY = decode(encode(DOCUMENT))
NAMES = {address: name for name, address in DOCUMENT.addresses}
TOKENS = {token.address: token for token in DOCUMENT.tokens}
PEOPLE = dict(DOCUMENT.addresses)
USDC = DOCUMENT.tokens[0].address
UNIT = 10**6
ID = policy_id("payroll")
(KEY,) = (budget.key(ID, POLICY.agent) for budget in POLICY.budgets)
NOW = POLICY.start_s + 1000
FRESH = PolicyState(ID, 1, 0, 0, POLICY.end_s, paused=False)


def pay(to: bytes, usdc: int | float) -> Call:
    return Call(USDC, 0, bytes.fromhex("a9059cbb") + to.rjust(32, b"\0") + word(round(usdc * UNIT)))


def spent(usdc: int, at_s: int = NOW) -> PolicyState:
    budget = POLICY.budgets[0]
    ring = Ring().charged(budget.segment_s, at_s, budget.units(usdc * UNIT))
    return replace(FRESH, rings={KEY: ring.pack()})


def why(calls: list[Call], state: PolicyState = FRESH, mode: Mode = Mode.EXECUTE, now_s: int = NOW) -> list[str]:
    answer = evaluate(POLICY, state, calls, now_s, mode)
    assert isinstance(answer, Refused), answer
    return [reason(one, POLICY, NAMES, TOKENS) for one in answer.reasons]


def errors(calls: list[Call], state: PolicyState = FRESH, mode: Mode = Mode.EXECUTE, now_s: int = NOW) -> list[str]:
    answer = evaluate(POLICY, state, calls, now_s, mode)
    return [one.error for one in answer.reasons] if isinstance(answer, Refused) else []


def test_five_people_at_once_are_paid() -> None:
    answer = evaluate(POLICY, FRESH, [pay(who, 1000) for who in PEOPLE.values()], NOW, Mode.EXECUTE)
    assert isinstance(answer, Allowed)
    budget = POLICY.budgets[0]
    units = budget.units(5000 * UNIT)
    assert (answer.band, answer.charges) == ("instant", {0: units})
    assert answer.headroom == (Headroom(0, budget.instant_limit - units, budget.limit - units),)
    assert answer.conditions == tuple(Condition("NotTrue", call, USDC) for call in range(5))


def test_over_the_cap_is_refused_however_it_is_split() -> None:
    ines = PEOPLE["ines"]
    assert "5,000.000001 USDC" in why([pay(ines, 5000.000001)])[0]
    assert errors([pay(ines, 2500), pay(ines, 2500), pay(ines, 0.000001)]) == ["OverCap"]
    answer = evaluate(POLICY, FRESH, [pay(ines, 4000), pay(ines, 1001)], NOW, Mode.EXECUTE)
    assert isinstance(answer, Refused)
    assert answer.reasons[0].arguments == (1, 0, 1, 1001 * UNIT, 1000 * UNIT)


def test_a_stranger_is_refused_by_name_of_the_clause() -> None:
    stranger = bytes.fromhex("57" * 20)
    (text,) = why([pay(stranger, 10)])
    assert "0x5757575757575757575757575757575757575757" in text
    assert "ines" in text


def test_over_the_instant_part_must_be_scheduled_and_over_the_limit_is_impossible() -> None:
    act = [pay(PEOPLE["kim"], 3000)]
    (text,) = why(act, spent(4000))
    assert all(part in text for part in ("3,000 USDC", "2,000 USDC", "6,000 USDC", "24 days", "must be scheduled"))
    scheduled = evaluate(POLICY, spent(4000), act, NOW, Mode.SCHEDULE)
    assert isinstance(scheduled, Allowed)
    assert scheduled.band == "objection"
    assert errors(act, spent(10_000), Mode.SCHEDULE) == ["OverBudget"]
    assert errors(act, spent(10_000)) == ["OverBudget"]
    assert errors(act, spent(10_000, NOW - 29 * 86_400)) == []


def test_an_act_is_rounded_up_once_and_never_given_back() -> None:
    # A unit is 0.001 USDC: what six payments of 0.0001 USDC take is rounded up once; an act of its own each, six times.
    assert POLICY.budgets[0].exponent == 3
    six = evaluate(POLICY, FRESH, [pay(PEOPLE["kim"], 0.0001)] * 6, NOW, Mode.EXECUTE)
    assert isinstance(six, Allowed)
    assert six.charges == {0: 1}
    assert errors([pay(PEOPLE["kim"], 1000)], spent(5000)) == []
    assert errors([pay(PEOPLE["kim"], 1000.0001)], spent(5000)) == ["OverInstant"]


def test_all_reasons_are_given_and_the_modules_comes_first() -> None:
    stranger = bytes.fromhex("57" * 20)
    state = replace(spent(12_000), paused=True)
    assert errors([pay(stranger, 1), pay(PEOPLE["lea"], 6000), Call(USDC, 1, b"")], state) == [
        "IsPaused", "ClauseFailed", "OverCap", "NoRule", "OverBudget",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "now_s", "mode", "error", "words"),
    [
        (replace(FRESH, paused=True), NOW, Mode.EXECUTE, "IsPaused", "until a vote"),
        (FRESH, POLICY.start_s - 1, Mode.EXECUTE, "NotStarted", "2026-11-01 00:00 UTC"),
        (FRESH, POLICY.end_s, Mode.EXECUTE, "Ended", "2027-11-01 00:00 UTC"),
        (replace(FRESH, end_s=NOW), NOW, Mode.RELEASE, "Voided", "ended"),
        (replace(FRESH, void=True), NOW, Mode.RELEASE, "Voided", ""),
        (replace(FRESH, number=1, last_act_s=NOW - 599), NOW, Mode.EXECUTE, "Cooling", "00:16:41"),
        (replace(FRESH, number=1, last_act_s=NOW - 599), NOW, Mode.RELEASE, None, ""),
        (replace(FRESH, release_window_s=(NOW + 1, NOW + 9)), NOW, Mode.RELEASE, "NotYet", "from"),
        (replace(FRESH, release_window_s=(NOW - 9, NOW)), NOW, Mode.RELEASE, "Expired", "until"),
        (replace(FRESH, end_s=NOW + POLICY.objection_delay_s), NOW, Mode.SCHEDULE, "EndsTooSoon", "never be released"),
        (replace(FRESH, end_s=NOW + POLICY.objection_delay_s), NOW, Mode.EXECUTE, None, ""),
        (replace(FRESH, end_s=NOW + POLICY.objection_delay_s + 1), NOW, Mode.SCHEDULE, None, ""),
        (replace(FRESH, end_s=NOW), NOW, Mode.SCHEDULE, "Ended", "ended"),
        (replace(FRESH, quiet_until_s=NOW + 1), NOW, Mode.SCHEDULE, "Quiet", "stopped an act"),
        (replace(FRESH, pending_expiries_s=(NOW + 1,) * 4), NOW, Mode.SCHEDULE, "TooManyPending", "pending"),
        (replace(FRESH, pending_expiries_s=(NOW,) * 4), NOW, Mode.SCHEDULE, None, ""),
    ],
)
def test_the_moment(state: PolicyState, now_s: int, mode: Mode, error: str | None, words: str) -> None:
    act = [pay(PEOPLE["max"], 1)]
    assert errors(act, state, mode, now_s) == ([error] if error else [])
    if error:
        assert words in why(act, state, mode, now_s)[0]


def test_a_cap_of_all_ones_is_not_escaped_by_wrapping_round() -> None:
    # The differential test found this: a sum past 2^256 is over every cap, as the module says.
    rule = replace(POLICY.rules[0], clauses=(Clause(1, Kind.CAP, UINT256_MAX),), charges=())
    policy = replace(POLICY, budgets=(), lists=(), rules=(rule,))
    most = Call(USDC, 0, rule.selector + bytes(32) + word(UINT256_MAX))
    once = evaluate(policy, FRESH, [most], NOW, Mode.EXECUTE)
    twice = evaluate(policy, FRESH, [most, most], NOW, Mode.EXECUTE)
    assert isinstance(once, Allowed)
    assert isinstance(twice, Refused)
    assert (twice.reasons[0].error, twice.reasons[0].arguments) == ("OverCap", (1, 0, 0, UINT256_MAX, 0))


def test_other_functions_targets_lengths_and_ether_are_refused() -> None:
    call = pay(PEOPLE["jon"], 1)
    approve = replace(call, data=bytes.fromhex("095ea7b3") + call.data[4:])
    assert "the function 0x095ea7b3" in why([approve])[0]
    assert errors([replace(call, to=PEOPLE["jon"])]) == ["NoRule"]
    assert errors([replace(call, data=b"")]) == ["NoRule"]
    assert errors([replace(call, data=call.data + b"\0")]) == ["BadCalldata"]
    assert errors([replace(call, data=call.data[:3])]) == ["BadCalldata"]
    assert "it sends 0.000000000000000001 ETH" in why([replace(call, value_wei=1)])[0]
    assert errors([]) == ["NoCalls"]


def test_upper_bits_of_an_address_word_do_not_slip_through() -> None:
    call = pay(PEOPLE["jon"], 1)
    assert errors([replace(call, data=call.data[:4] + b"\1" + call.data[5:])]) == ["ClauseFailed"]


def test_headroom_comes_back_within_eight_sevenths_of_a_period() -> None:
    budget = POLICY.budgets[0]
    state = spent(12_000)
    assert headroom(POLICY, state, NOW)[0].units == 0
    assert headroom(POLICY, state, NOW + budget.period_s - 1)[0].units == 0
    assert headroom(POLICY, state, NOW + 8 * budget.segment_s)[0] == Headroom(0, budget.instant_limit, budget.limit)


def test_a_clock_before_the_state_is_an_error_not_an_answer() -> None:
    with pytest.raises(ClockError):
        headroom(POLICY, spent(1), NOW - 86_400 * 30)


# Arguments without fixed size

TARGET, OUT, IN = (bytes([n]) * 20 for n in (0x71, 0x72, 0x73))
BATCH = Rule(
    TARGET,
    b"\1\2\3\4",
    False,
    False,
    2,
    (
        Clause(0, Kind.AT_MOST, 9, 1),
        Clause(0, Kind.CAP, 20, 1),
        Clause(0, Kind.AT_MOST, 3, 2),
        Clause(1, Kind.EQUAL, 0, 1),
    ),
    (Charge(0, Source.ARGUMENT, 0, 1),),
    dynamics=(Dynamic(0, 2), Dynamic(1, 0)),
)
MEASURED = Budget(Scope.POLICY, OUT, 0, 700, 100, 1000, bytes(32), measured=True)


def _policy(*rules: Rule, budgets: tuple[Budget, ...] = (MEASURED,)) -> PolicyCode:
    return replace(POLICY, budgets=budgets, lists=(), rules=rules)


def _batch(amounts: list[int], note: bytes) -> Call:
    rows = b"".join(word(7) + word(amount) for amount in amounts)
    tail = word(len(amounts)) + rows
    data = word(64) + word(64 + len(tail)) + tail + word(len(note)) + note + bytes(-len(note) % 32)
    return Call(TARGET, 0, BATCH.selector + data)


def _reasons(policy: PolicyCode, calls: list[Call], seen: Observations | None = None) -> tuple[Reason, ...]:
    answer = evaluate(policy, FRESH, calls, NOW, Mode.EXECUTE, seen)
    return answer.reasons if isinstance(answer, Refused) else ()


def _noted(note: bytes) -> PolicyCode:
    clauses = (*BATCH.clauses[:3], Clause(1, Kind.EQUAL, int.from_bytes(keccak(note), "big"), 1))
    return _policy(replace(BATCH, clauses=clauses))


def test_every_element_meets_the_clause_and_their_sum_is_charged() -> None:
    policy = _noted(b"pay")
    answer = evaluate(policy, FRESH, [_batch([9, 9], b"pay")], NOW, Mode.EXECUTE)
    assert isinstance(answer, Allowed)
    assert answer.charges == {0: 18}
    (one,) = _reasons(policy, [_batch([9, 10], b"pay")])
    assert (one.error, one.clause, one.element, one.value, one.limit) == ("ClauseFailed", 0, 1, 10, 9)
    (two,) = _reasons(policy, [_batch([9, 9], b"pay"), _batch([3], b"pay")])
    assert two.arguments == (1, 0, 1, 3, 2)
    assert [one.clause for one in _reasons(policy, [_batch([1] * 4, b"pry")])] == [2, 3]


@pytest.mark.parametrize("at", range(4, 4 + 7 * 32, 32))
def test_only_the_canonical_form_fits(at: int) -> None:
    policy = _noted(b"pay")
    data = _batch([5], b"pay").data
    changed = bytearray(data)
    changed[at + 30] ^= 1
    reasons = _reasons(policy, [Call(TARGET, 0, bytes(changed))])
    recipient = 4 + 3 * 32  # the one word that nothing bounds
    assert not reasons if at == recipient else reasons[0].error in ("BadCalldata", "ClauseFailed")
    for wrong in (data[:-1], data + b"\0", data[:-32], data + bytes(32), data[:-1] + b"\1"):
        assert [one.error for one in _reasons(policy, [Call(TARGET, 0, wrong)])] == ["BadCalldata"]


def test_an_array_has_at_least_one_element() -> None:
    assert [one.error for one in _reasons(_noted(b"pay"), [_batch([], b"pay")])] == ["BadCalldata"]


# What only the calls show

SWAP = Rule(TARGET, b"\5\6\7\x08", False, True, 1, (), (Charge(0, Source.ARGUMENT, 0),), incomes=(Income(IN, 0, 3, 2),))


def _swap(amount: int) -> Call:
    return Call(TARGET, 0, SWAP.selector + word(amount))


def test_what_is_left_open_is_said() -> None:
    answer = evaluate(_policy(SWAP), FRESH, [_swap(11)], NOW, Mode.EXECUTE)
    assert isinstance(answer, Allowed)
    assert answer.conditions == (
        Condition("NotTrue", 0, TARGET),
        Condition("TooLittleIncome", 0, IN, 0, 17),
        Condition("OverInstant", None, OUT, 0, 100),
    )


@pytest.mark.parametrize(
    ("seen", "error", "arguments"),
    [
        (Observation(changes={OUT: -11, IN: 17}), None, ()),
        (Observation(changes={OUT: -11, IN: 16}), "TooLittleIncome", (0, IN, 16, 17)),
        (Observation(changes={OUT: -12, IN: 17}), "TooLittleIncome", (0, IN, 17, 18)),
        (Observation(changes={OUT: -12, IN: 18}), None, ()),
        (Observation(changes={OUT: -100, IN: 150}), None, ()),
        (Observation(changes={OUT: -101, IN: 152}), "OverInstant", (101, 100)),
        (Observation(changes={OUT: -1001, IN: 1502}), "OverBudget", (1001, 1000)),
        (Observation(changes={OUT: 5, IN: -1}), "TooLittleIncome", (0, IN, 0, 17)),
        (Observation(reverted=b"no"), "CallFailed", (0, b"no")),
        (Observation(is_true=False, changes={IN: 17}), "NotTrue", (0,)),
    ],
)
def test_what_the_call_showed_is_judged(seen: Observation, error: str | None, arguments: tuple[object, ...]) -> None:
    reasons = _reasons(_policy(SWAP), [_swap(11)], Observations([seen]))
    if error is None:
        assert reasons == ()
    else:
        assert reasons[0].error == error
        assert reasons[0].arguments[-len(arguments) :] == arguments


def test_a_rise_in_one_call_never_makes_up_for_a_fall_in_another() -> None:
    seen = Observations([Observation(changes={OUT: -60, IN: 99}), Observation(changes={OUT: 60, IN: 99})])
    answer = evaluate(_policy(SWAP), FRESH, [_swap(11), _swap(11)], NOW, Mode.EXECUTE, seen)
    assert isinstance(answer, Allowed)
    assert answer.charges == {0: 71}
    assert answer.conditions == ()


def test_an_allowance_is_back_to_zero_when_the_act_ends() -> None:
    approve = Rule(OUT, APPROVE, False, False, 2, (), (), approval=True)
    call = Call(OUT, 0, APPROVE + IN.rjust(32, b"\0") + word(5))
    answer = evaluate(_policy(approve), FRESH, [call], NOW, Mode.EXECUTE)
    assert isinstance(answer, Allowed)
    assert answer.conditions[-1] == Condition("AllowanceLeft", 0, OUT, spender=IN)
    seen = Observations([Observation()], {(OUT, IN): 5})
    assert _reasons(_policy(approve), [call], seen)[0].arguments == (0, IN, 5)
    assert _reasons(_policy(approve), [call], Observations([Observation()])) == ()
