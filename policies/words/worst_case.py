# SPDX-License-Identifier: Apache-2.0
"""The most that an agent which obeys nobody can take under a policy, by arithmetic and not by trying.

What a budget is charged in any eight segments in a row is at most its limit, and an interval of Y seconds touches at
most floor((Y - 2) / S) + 2 segments of S seconds. The same holds for the instant limit and what is charged without an
announcement. tests/policies/test_worst_case.py holds this against a spender who tries everything.
"""

from dataclasses import dataclass

from policies.answer.permitted import permitted
from policies.code.policy_code import PolicyCode, Rule, Source
from policies.code.ring import worst_case_units
from policies.code.signatures import TRANSFER

DAY_S = 86_400
YEAR_DAYS = 365
ADDRESSES = 2**160


@dataclass(frozen=True, slots=True)
class WorstCase:
    """What can be charged to budget number `budget`, in base units of its asset.

    `at_once`: by a stolen key in one moment, unopposed. `in_a_period`: in any one period if nobody objects. `unopposed`
    and `in_all`: the same two in any `duration_s` seconds. `recipients` are the only addresses that can get it, or None
    where the policy's code does not say who gets it.
    """

    budget: int
    duration_s: int
    at_once: int
    in_a_period: int
    unopposed: int
    in_all: int
    recipients: tuple[bytes, ...] | None


def worst_case(policy: PolicyCode, days: int) -> tuple[WorstCase, ...]:
    """For each budget the most in any `days` days, of which none before the policy's start or after its end count.

    The numbers hold for what is charged; what a call really moves can be more where a budget is not measured.
    """
    duration_s = min(days * DAY_S, policy.end_s - policy.start_s)
    return tuple(_of_budget(policy, number, duration_s) for number in range(len(policy.budgets)))


def _of_budget(policy: PolicyCode, number: int, duration_s: int) -> WorstCase:
    budget = policy.budgets[number]
    return WorstCase(
        budget=number,
        duration_s=duration_s,
        at_once=budget.base_units(budget.instant_limit),
        in_a_period=budget.base_units(budget.limit),
        unopposed=budget.base_units(worst_case_units(budget.instant_limit, budget.segment_s, duration_s)),
        in_all=budget.base_units(worst_case_units(budget.limit, budget.segment_s, duration_s)),
        recipients=recipients(policy, number),
    )


def recipients(policy: PolicyCode, number: int) -> tuple[bytes, ...] | None:
    """Who can get what is charged to the budget, ascending; None where a call of a rule could bring it elsewhere."""
    if policy.budgets[number].measured:
        return None
    found: set[bytes] = set()
    for rule in charging(policy, number):
        paid = _paid_by(policy, rule, number)
        if paid is None:
            return None
        found |= paid
    return tuple(sorted(found))


def charging(policy: PolicyCode, number: int) -> tuple[Rule, ...]:
    """The rules that charge the budget, without what is measured."""
    return tuple(rule for rule in policy.rules if any(charge.budget == number for charge in rule.charges))


def pays(policy: PolicyCode, rule: Rule, number: int) -> bool:
    """Whether what the rule charges the budget is exactly what it pays: ether sent, or a transfer of the asset."""
    charge = next(charge for charge in rule.charges if charge.budget == number)
    asset = policy.budgets[number].asset
    if rule.no_selector:
        return charge.source is Source.VALUE
    is_transfer = rule.selector == TRANSFER and rule.words == 2 and not rule.dynamics
    return is_transfer and rule.target == asset and (charge.source, charge.word) == (Source.ARGUMENT, 1)


def _paid_by(policy: PolicyCode, rule: Rule, number: int) -> set[bytes] | None:
    if not pays(policy, rule, number):
        return None
    if rule.no_selector:
        return {rule.target}
    values = permitted(rule, policy).at((0, 0)).listed(most=sum(map(len, policy.lists)) + len(rule.clauses))
    if values is None or any(value >= ADDRESSES for value in values):
        return None
    return {value.to_bytes(20, "big") for value in values}
