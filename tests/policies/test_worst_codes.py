# SPDX-License-Identifier: Apache-2.0
"""The codes that take longest to explain: whoever proposes one can't keep the pages' workers busy."""

import random
import time

import pytest

from policies.answer import packing
from policies.answer.packing import Flow, most_carried
from policies.code.encoding import decode, pack, pack_budget
from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.code.signatures import TRANSFER
from policies.notation.amounts import Token
from policies.words.explanation import explanation

AGENT, OPERATOR, USDC = b"\xa9" * 20, b"\x0b" * 20, b"\x70" * 20
START_S, DAY_S = 2_000_000_000 // 3600 * 3600, 86_400
MOST_CPU_S = 1.0


def shared(budgets: int, rules: int, most: int) -> PolicyCode:
    """Payments that each charge many budgets of one token, drawn so that nothing can be left out."""
    draw = random.Random(1)
    made = [
        Budget(
            Scope.POLICY, USDC, 0, DAY_S * draw.randint(1, 40), draw.randint(1, 10**6), draw.randint(10**6, 10**8),
            (b"b%d" % number).ljust(32, b"\0"),
        )
        for number in range(budgets)
    ]  # fmt: skip
    payments = []
    for number in range(rules):
        several = {number % budgets, *draw.sample(range(budgets), draw.randint(1, min(budgets, most)))}
        charged = tuple(Charge(budget, Source.ARGUMENT, 1) for budget in sorted(several))
        clauses = (Clause(0, Kind.EQUAL, 1_000 + number), Clause(1, Kind.CAP, draw.randint(1, 10**7)))
        payments.append(Rule(USDC, TRANSFER, False, True, 2, clauses, charged))
    return policy_of(made, payments)


def wide(budgets: int, rules: int) -> PolicyCode:
    """A measured budget for each of many tokens, and calls by which all of them can leave."""
    made = [
        Budget(Scope.POLICY, bytes([1 + number]) * 20, 0, DAY_S, 10, 20, b"b".ljust(32, b"\0"), True)
        for number in range(budgets)
    ]
    return policy_of(
        made, [Rule(number.to_bytes(20, "big"), b"\1\2\3\4", False, False, 1, (), ()) for number in range(1, rules)]
    )


def policy_of(budgets: list[Budget], rules: list[Rule]) -> PolicyCode:
    return PolicyCode(
        AGENT, OPERATOR, START_S, START_S + 730 * DAY_S, 3600, 60, 60, 500, bytes(32),
        tuple(sorted(budgets, key=pack_budget)), (), tuple(rules),
    )  # fmt: skip


@pytest.mark.parametrize(
    "policy",
    [shared(8, 60, 8), shared(16, 100, 16), shared(32, 120, 2), shared(100, 110, 3), wide(120, 200)],
    ids=["8 budgets, 60 rules", "16 and 100", "32 and 120", "100 and 110", "120 tokens, 200 rules"],
)
def test_the_worst_codes_are_explained_in_a_second(policy: PolicyCode) -> None:
    assert decode(pack(policy)) == policy
    assert any(cpu_s(policy) < MOST_CPU_S for _ in range(5))  # noise has to spoil each of them


def cpu_s(policy: PolicyCode) -> float:
    began_s = time.process_time()
    explanation(policy, {}, {USDC: Token("USDC", USDC, 6)})
    return time.process_time() - began_s


def test_what_takes_too_much_work_has_a_bound_that_is_no_less(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(7)
    for _ in range(200):
        limits = {number: draw.randint(0, 9) for number in range(draw.randint(1, 5))}
        flows = [
            Flow(frozenset(draw.sample(sorted(limits), draw.randint(1, len(limits)))), draw.choice([None, 1, 5]))
            for _ in range(draw.randint(1, 6))
        ]
        monkeypatch.setattr(packing, "MOST_WORK", 10**9)
        best = most_carried(flows, limits)
        monkeypatch.setattr(packing, "MOST_WORK", 0)
        quick = most_carried(flows, limits)
        assert best is not None
        assert quick is not None
        assert best <= quick <= sum(min(limits[one] for one in flow.through) for flow in flows)
