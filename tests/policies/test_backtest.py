# SPDX-License-Identifier: Apache-2.0
"""Past payments against a policy: verdicts, reasons, the fullest periods, and files that are no history."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.answer.evaluate import Observation, Observations
from policies.code.call import Call
from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.notation.amounts import Token
from policies.notation.primitives import checksum
from policies.trial.backtest import PastAct, Verdict, acts_of, backtest, fullest
from policies.trial.history import HistoryError, Transfer, read_history
from tests.policies.strategies import AGENT, OPERATOR

USDC = Token("USDC", b"\x70" * 20, 6)
INES, JON = b"\x11" * 20, b"\x22" * 20
DAY_S = 86_400
TOKENS, PEOPLE = {"USDC": USDC}, {"ines": INES, "jon": JON}
HEADER = "time,token,to,amount\n"


def payroll() -> PolicyCode:
    """12,000 USDC in any 24 days to ines, 6,000 of it at once, at most 5,000 an act, ten minutes apart."""
    budget = Budget(Scope.POLICY, USDC.address, 9, 24 * DAY_S, 6, 12, b"pay".ljust(32, b"\0"))
    clauses = (Clause(0, Kind.EQUAL, int.from_bytes(INES, "big")), Clause(1, Kind.CAP, 5_000_000_000))
    rule = Rule(USDC.address, bytes.fromhex("a9059cbb"), False, True, 2, clauses, (Charge(0, Source.ARGUMENT, 1),))
    return PolicyCode(
        AGENT, OPERATOR, 2_000_001_600, 2_100_002_400 // 3600 * 3600, 600, 3600, 3600, 500, bytes(32), (budget,),
        (), (rule,),
    )  # fmt: skip


def pay(day: float, usdc: int, to: bytes = INES) -> Transfer:
    return Transfer(int(day * DAY_S), USDC.address, to, usdc * 10**6, "test")


def test_verdicts_in_order() -> None:
    history = [
        pay(100, 4_000),
        pay(101, 4_000),
        pay(102, 4_000),
        pay(103, 1_000),
        pay(104, 1_000, JON),
        pay(140, 6_000),
    ]
    found = backtest(payroll(), acts_of(history))
    assert [outcome.verdict for outcome in found.outcomes] == [
        Verdict.AT_ONCE, Verdict.ANNOUNCED, Verdict.ANNOUNCED, Verdict.REFUSED, Verdict.REFUSED, Verdict.REFUSED,
    ]  # fmt: skip
    errors = [outcome.reasons[0].error for outcome in found.outcomes if outcome.verdict is Verdict.REFUSED]
    assert errors == ["OverBudget", "ClauseFailed", "OverCap"]
    assert found.count(Verdict.REFUSED) == 3
    (use,) = found.budgets
    assert (use.permitted.units, use.permitted.from_s) == (12, 100 * DAY_S)
    assert use.asked.units == 13


def test_what_the_history_does_not_tell_is_a_condition() -> None:
    """A call that calls anything, in a measured budget: what it took is not in its bytes."""
    code = payroll()
    (budget,) = code.budgets
    measured = replace(code, budgets=(replace(budget, measured=True),))
    act = acts_of([pay(100, 1_000)])
    assert backtest(code, act).outcomes[0].conditions == ()
    (left,) = backtest(measured, act).outcomes[0].conditions
    assert (left.error, left.amount) == ("OverInstant", 6_000 * 10**6)
    observed = replace(act[0], observed=Observations([Observation(changes={USDC.address: -1_000 * 10**6})]))
    assert backtest(measured, [observed]).outcomes[0].conditions == ()


def test_calls_of_one_moment_pass_or_fail_together() -> None:
    found = backtest(payroll(), acts_of([pay(100, 3_000), pay(100, 3_000), pay(101, 3_000)]))
    assert [outcome.verdict for outcome in found.outcomes] == [Verdict.REFUSED, Verdict.AT_ONCE]
    assert found.outcomes[0].act.origin == "test and 1 more"


def test_the_policy_s_own_time_is_left_aside_and_its_cooldown_is_not() -> None:
    found = backtest(payroll(), acts_of([pay(1, 1), Transfer(DAY_S + 599, USDC.address, INES, 1, "soon")]))
    assert [reason.error for reason in found.outcomes[1].reasons] == ["Cooling"]
    with pytest.raises(ValueError, match="order of time"):
        backtest(payroll(), [PastAct(2, (), ""), PastAct(1, (), "")])


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)), max_size=12), st.integers(1, 30))
def test_the_fullest_period_is_the_fullest(charges: list[tuple[int, int]], period_s: int) -> None:
    charges.sort()
    sums = [sum(units for when, units in charges if begin <= when < begin + period_s) for begin in range(-31, 61)]
    found = fullest(charges, period_s)
    assert found.units == max(sums)
    assert found.units == sum(units for when, units in charges if found.from_s <= when < found.from_s + period_s)


def test_reads_csv_and_json_alike() -> None:
    csv = HEADER + f"2026-01-02T00:00Z,USDC,ines,1200.50\n1767225600,ETH,{checksum(JON)},0.5\n"
    json = (
        '[{"time": "2026-01-02T00:00Z", "token": "USDC", "to": "ines", "amount": "1,200.50"},'
        f'{{"time": 1767225600, "token": "ETH", "to": "{JON.hex()}", "base_units": "1"}}]'
    ).replace(JON.hex(), "0x" + JON.hex())
    first = read_history(csv, source="a.csv", tokens=TOKENS, addresses=PEOPLE)
    assert first[0] == Transfer(1767225600, bytes(20), JON, 5 * 10**17, "a.csv:3")
    assert first[1] == Transfer(1767312000, USDC.address, INES, 1_200_500_000, "a.csv:2")
    second = read_history(json, source="a.json", tokens=TOKENS, addresses=PEOPLE)
    assert [transfer.base_units for transfer in second] == [1, 1_200_500_000]
    assert first[0].call == Call(JON, 5 * 10**17, b"")
    assert first[1].call.data == bytes.fromhex("a9059cbb") + INES.rjust(32, b"\0") + (1_200_500_000).to_bytes(32, "big")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "a.csv:1: the header must be"),
        ("time,token,to,amount,base_units\n", "a.csv:1: the header must be"),
        (HEADER, "a.csv: there are no payments and no calls"),
        (HEADER + "soon,USDC,ines,1\n", 'a.csv:2: "soon" is not a time in UTC'),
        (HEADER + "9999999999,USDC,ines,1\n", "is past what the chain's clock counts"),
        (HEADER + "1,DAI,ines,1\n", 'a.csv:2: "DAI" is not known'),
        (HEADER + "1,USDC,mallory,1\n", 'a.csv:2: "mallory" is not known'),
        (HEADER + "1,USDC,ines,1.0000001\n", "has 7 decimals and USDC has 6"),
        (HEADER + "1,USDC,ines\n", "is not an amount"),
        (HEADER + f"1,USDC,ines,1{'0' * 78}\n", "more than any token can have"),
        (HEADER + f"1,{checksum(JON)},ines,1\n", "the decimals of this token are not known"),
        (HEADER + f"1,USDC,{checksum(bytes(range(20, 40))).swapcase().replace('X', 'x')},1\n", "no valid checksum"),
        ('time,token,to,base_units\n1,USDC,ines,"1\n', "this is not CSV"),
        ("time,token,to,base_units\n1,USDC,ines,1e3\n", "is not a whole number of base units"),
        ("[1]", "write a list of objects"),
        ("[{]", "a.csv:1: this is not JSON"),
        ('[{"time": 1.5, "token": "USDC", "to": "ines", "amount": "1"}]', "transfer 1: `time` is missing"),
        ('[{"time": "1", "token": "USDC", "to": "ines", "base_units": 1e3}]', "transfer 1"),
    ],
)
def test_says_what_is_wrong_with_a_file(text: str, line: str) -> None:
    with pytest.raises(HistoryError) as error:
        read_history(text, source="a.csv", tokens=TOKENS, addresses=PEOPLE)
    assert line in error.value.lines[0]
    assert "\n" not in error.value.lines[0]


def test_stops_after_twenty_problems() -> None:
    with pytest.raises(HistoryError) as error:
        read_history(HEADER + "x,USDC,ines,1\n" * 50, source="a.csv", tokens=TOKENS, addresses=PEOPLE)
    assert len(error.value.lines) == 20
