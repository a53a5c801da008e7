# SPDX-License-Identifier: Apache-2.0
"""Small policies whose worst case can be found by trying everything, and the bound that is said of them.

`python -m tests.policies.small_policies` holds the bound against the exact worst case of generated small policies, and
against the greedy adversary on larger ones, and prints the figures as JSON; how far it is goes to stderr. Policy N of a
run is made of the seed plus N, so `--from N` goes on where a run was stopped.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.code.signatures import APPROVE, TRANSFER
from policies.notation.amounts import Token
from policies.notation.primitives import selector
from policies.trial.stolen_key import simulate, simulate_together
from policies.words.together import totals
from policies.words.wording import Vocabulary
from policies.words.worst_case import charges, in_all, unopposed
from tests.policies.exact import SmallBudget, SmallPolicy, SmallRule
from tests.policies.exact_quick import most_taken_quickly
from tests.policies.maker import TOKENS, Maker, ordered

TOKEN, AGENT, OPERATOR = b"\x70" * 20, b"\xa9" * 20, b"\x0b" * 20
START_S = 2_000_000_000 // 3600 * 3600
WITHDRAW = selector("withdraw(uint256)")
WORDS = Vocabulary({}, {token: Token(f"T{number}", token, 0) for number, token in enumerate(TOKENS)}, {})


def generated(seed: int) -> tuple[SmallPolicy, int]:
    """A policy of at most three shared budgets and four rules, and a duration in seconds."""
    draw = random.Random(seed)
    count = draw.choice([1, 2, 2, 3])
    budgets = tuple(SmallBudget(draw.choice([1, 1, 2, 2, 3]), draw.choice([1, 1, 2])) for _ in range(count))
    rules = []
    for _ in range(draw.randint(1, 4)):
        several = draw.choice([1, 2, 2]) if count > 1 else 1
        rules.append(SmallRule(tuple(sorted(draw.sample(range(count), several))), draw.choice([None, None, 1, 2])))
    return SmallPolicy(budgets, tuple(rules), draw.choice([0, 0, 0, 2, 5])), draw.randint(1, 18)


def as_code(small: SmallPolicy) -> PolicyCode:
    """The same policy as the chain would have it: each rule pays another recipient."""
    budgets = tuple(
        Budget(Scope.POLICY, TOKEN, 0, 7 * one.segment_s, one.limit, one.limit, bytes([65 + number]).ljust(32, b"\0"))
        for number, one in enumerate(small.budgets)
    )
    rules = tuple(_rule(number, one) for number, one in enumerate(small.rules))
    end_s = START_S + 3600
    return PolicyCode(
        AGENT, OPERATOR, START_S, end_s, small.cooldown_s, 0, 0, 500, bytes(32), budgets, (), rules,
    )  # fmt: skip


def _rule(number: int, small: SmallRule) -> Rule:
    clauses = [Clause(0, Kind.EQUAL, 0xA11CE + number)]
    if small.cap is not None:
        clauses.append(Clause(1, Kind.CAP, small.cap))
    charged = tuple(Charge(budget, Source.ARGUMENT, 1) for budget in small.budgets)
    return Rule(TOKEN, TRANSFER, False, True, 2, tuple(clauses), charged)


def charges_two(small: SmallPolicy) -> bool:
    return any(len(rule.budgets) > 1 for rule in small.rules)


def bound_and_exact(small: SmallPolicy, duration_s: int, wanted: list[int]) -> tuple[int, int]:
    """What is said to be the most that the wanted rules take, and what they take. Raises AssertionError: it is more."""
    code = as_code(small)
    chosen = [charged for charged in charges(code) if charged.rule in wanted]
    bound, exact = in_all(code, chosen, duration_s), most_taken_quickly(small, duration_s, wanted)
    assert exact <= bound, f"{small} in {duration_s} s: {exact} is taken and {bound} is said to be the most"
    (whole,) = totals(replace(code, end_s=START_S + duration_s), WORDS)
    assert exact <= whole.joint.in_time[-1][2], f"{small} in {duration_s} s: {exact} is taken, more than all together"
    assert unopposed(code, chosen, duration_s) == bound  # all of each budget is free of objection here
    return bound, exact


def _told(count: int, what: str) -> Iterator[int]:
    """The numbers below `count`; every ten seconds stderr says how many are done."""
    told_s = time.monotonic()
    for number in range(count):
        if time.monotonic() - told_s > 10:
            told_s = time.monotonic()
            print(f"{what}: {number} of {count}", file=sys.stderr, flush=True)
        yield number


def against_everything(count: int, seed: int) -> dict[str, object]:
    """The bound against the exact worst case of `count` policies: of all rules, and of those that charge a budget."""
    gaps, two = [], 0
    for number in _told(count, "exact"):
        small, duration_s = generated(seed + number)
        two += charges_two(small)
        budget = number % len(small.budgets)
        for wanted in (
            list(range(len(small.rules))),
            [at for at, rule in enumerate(small.rules) if budget in rule.budgets],
        ):
            bound, exact = bound_and_exact(small, duration_s, wanted)
            gaps.append((bound - exact) / exact if exact else float(bound > 0))
    gaps.sort()
    return {
        "policies": count,
        "with_a_rule_that_charges_two": two,
        "bounds": len(gaps),
        "bounds_that_are_exact": sum(gap == 0 for gap in gaps),
        "median_gap": statistics.median(gaps),
        "gap_of_99_in_100": gaps[len(gaps) * 99 // 100],
        "largest_gap": gaps[-1],
    }


def against_the_greedy(count: int, seed: int) -> dict[str, object]:
    """The bound against the greedy adversary on `count` larger policies."""
    budgets = reached = 0
    for number in _told(count, "greedy"):
        for found in simulate(Maker(seed + number).policy(), 1, most_acts=60):
            budgets += 1
            reached += found.in_all == found.bound
            assert found.unopposed <= found.unopposed_bound, f"seed {seed + number}: {found}"
            assert found.in_all <= found.bound, f"seed {seed + number}: {found}"
    return {"policies": count, "budgets": budgets, "budgets_that_reach_the_bound": reached}


def with_allowances(policy: PolicyCode) -> PolicyCode:
    """The same with functions that are understood, as far as their form fits, and an allowance of each token."""
    approvals = [Rule(token, APPROVE, False, False, 2, (), (), approval=True) for token in TOKENS]
    rules = [
        replace(rule, selector=WITHDRAW) if (rule.words, rule.dynamics, rule.no_selector) == (1, (), False) else rule
        for rule in policy.rules
        if not rule.approval
    ]
    return replace(policy, rules=ordered([*rules, *approvals]))


def together_against_the_greedy(count: int, seed: int) -> dict[str, object]:
    """All that is said to leave of an asset against the greedy adversary, who lets a contract use every allowance."""
    budgets = pulled = several = reached = 0
    for number in _told(count, "together"):
        policy = with_allowances(Maker(seed + number).policy())
        joint = {total.asset: total for total in totals(policy, WORDS)}
        for found in simulate(policy, 1000, most_acts=60):
            total = joint[policy.budgets[found.budget].asset]
            _, alone, both = total.joint.in_time[-1]
            budgets += 1
            pulled += bool(total.pulling)
            assert found.unopposed <= alone, f"seed {seed + number}: {found}, {total}"
            assert found.in_all <= both, f"seed {seed + number}: {found}, {total}"
        for whole in simulate_together(policy, 1000, most_acts=60):
            _, alone, both = joint[whole.asset].joint.in_time[-1]
            several += 1
            assert whole.unopposed <= alone, f"seed {seed + number}: {whole}, {joint[whole.asset]}"
            assert whole.in_all <= both, f"seed {seed + number}: {whole}, {joint[whole.asset]}"
            reached += whole.in_all == both
    return {
        "policies": count,
        "budgets": budgets,
        "budgets_that_an_allowance_can_empty": pulled,
        "assets_of_several_budgets": several,
        "assets_that_reach_the_bound": reached,
    }


FEW = 100  # of fewer than that no share says anything


def _hold_to_what_is_promised(figures: Mapping[str, dict[str, object]]) -> None:
    """Raises AssertionError where the bounds are too loose, or where the adversary is one that takes nothing."""
    exact, greedy = figures.get("exact"), figures.get("greedy")
    if exact and (count := int(str(exact["policies"]))) >= FEW:
        assert float(str(exact["median_gap"])) <= 0.1, exact
        assert int(str(exact["with_a_rule_that_charges_two"])) * 2 >= count, exact
    if greedy and int(str(greedy["policies"])) >= FEW:
        assert int(str(greedy["budgets_that_reach_the_bound"])) > 0, greedy


def main(arguments: list[str] | None = None) -> int:
    """Print the figures. A bound that is too low ends in an AssertionError that names the policy."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--exact", type=int, default=10_000, help="how many small policies")
    options.add_argument("--greedy", type=int, default=100_000, help="how many larger ones")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--from", dest="begin", type=int, default=0, help="leave out so many policies of each kind")
    chosen = options.parse_args(arguments)
    seed = chosen.seed + chosen.begin
    parts: list[tuple[str, Callable[[int, int], dict[str, object]], int]] = [
        ("exact", against_everything, chosen.exact),
        ("greedy", against_the_greedy, chosen.greedy),
        ("together", together_against_the_greedy, chosen.greedy // 10),
    ]
    figures: dict[str, dict[str, object]] = {
        name: hold(count - chosen.begin, seed) for name, hold, count in parts if count > chosen.begin
    }
    _hold_to_what_is_promised(figures)
    print(json.dumps({"seed": chosen.seed, "from": chosen.begin, **figures}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
