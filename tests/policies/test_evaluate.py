# SPDX-License-Identifier: Apache-2.0
"""The payroll policy's answers: what is allowed, in which band, and every reason for what is not, in words too."""

from dataclasses import replace
from pathlib import Path

import pytest

from policies.code import Clause, Kind
from policies.document import load
from policies.encoding import decode, encode, policy_id
from policies.evaluate import Allowed, Call, ClockError, Headroom, Mode, PolicyState, Refused, evaluate, headroom
from policies.explain import reason
from policies.primitives import UINT256_MAX, word
from policies.ring import Ring

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
    budget = POLICY.budgets[0]
    units = 5 * budget.units(1000 * UNIT)  # each call is rounded up by itself
    assert answer == Allowed("instant", {0: units}, (Headroom(0, budget.instant_limit - units, budget.limit - units),))


def test_over_the_cap_is_refused_however_it_is_split() -> None:
    ines = PEOPLE["ines"]
    assert why([pay(ines, 5000.000001)])[0] == (
        "Call 1: `amount` comes to 5,000.000001 USDC in this act, "
        "but `amount` is at most 5,000 USDC an act, all its calls under this rule together."
    )
    assert errors([pay(ines, 2500), pay(ines, 2500), pay(ines, 0.000001)]) == ["OverCap"]


def test_a_stranger_is_refused_by_name_of_the_clause() -> None:
    stranger = bytes.fromhex("57" * 20)
    (text,) = why([pay(stranger, 10)])
    assert text.startswith(
        "Call 1: `to` is 0x5757575757575757575757575757575757575757, but `to` must be one of these 5: ines"
    )


def test_over_the_instant_part_must_be_scheduled_and_over_the_limit_is_impossible() -> None:
    act = [pay(PEOPLE["kim"], 3000)]
    assert why(act, spent(4000)) == [
        'Budget "payroll": the act takes 3,000.000512 USDC, and 2,000 USDC are left of the 6,000 USDC in any 24 days'
        " without an objection window; it must be scheduled."
    ]  # fmt: skip
    scheduled = evaluate(POLICY, spent(4000), act, NOW, Mode.SCHEDULE)
    assert isinstance(scheduled, Allowed)
    assert scheduled.band == "objection"
    assert errors(act, spent(10_000), Mode.SCHEDULE) == ["OverBudget"]
    assert errors(act, spent(10_000)) == ["OverBudget"]
    assert errors(act, spent(10_000, NOW - 29 * 86_400)) == []


def test_what_is_rounded_up_is_never_given_back() -> None:
    # A unit is 1,024 base units: payments of 5,000 and 1,000 USDC take one unit more than 6,000 USDC.
    assert POLICY.budgets[0].exponent == 10
    assert errors([pay(PEOPLE["kim"], 1000)], spent(5000)) == ["OverInstant"]
    assert errors([pay(PEOPLE["kim"], 999.99)], spent(5000)) == []


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
        (replace(FRESH, number=1, last_act_s=NOW - 599), NOW, Mode.EXECUTE, "Cooling", "00:16:41"),
        (replace(FRESH, number=1, last_act_s=NOW - 599), NOW, Mode.RELEASE, None, ""),
        (replace(FRESH, release_window_s=(NOW + 1, NOW + 9)), NOW, Mode.RELEASE, "NotYet", "from"),
        (replace(FRESH, release_window_s=(NOW - 9, NOW)), NOW, Mode.RELEASE, "Expired", "until"),
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
    assert (twice.reasons[0].error, twice.reasons[0].arguments) == ("OverCap", (0, 0, UINT256_MAX))


def test_other_functions_targets_lengths_and_ether_are_refused() -> None:
    call = pay(PEOPLE["jon"], 1)
    approve = replace(call, data=bytes.fromhex("095ea7b3") + call.data[4:])
    assert "the function 0x095ea7b3" in why([approve])[0]
    assert errors([replace(call, to=PEOPLE["jon"])]) == ["NoRule"]
    assert errors([replace(call, data=b"")]) == ["NoRule"]
    assert errors([replace(call, data=call.data + b"\0")]) == ["BadLength"]
    assert errors([replace(call, data=call.data[:3])]) == ["BadLength"]
    assert "it sends 0.000000000000000001 ETH" in why([replace(call, value=1)])[0]
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
