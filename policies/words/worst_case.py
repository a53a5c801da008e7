# SPDX-License-Identifier: Apache-2.0
"""The most that an agent which obeys nobody can take under a policy, by arithmetic and not by trying.

What a budget is charged in any eight segments in a row is at most its limit, and an interval of Y seconds touches at
most floor((Y - 2) / S) + 2 segments of S seconds. The same holds for the instant limit and what is charged without an
announcement. What a rule charges to several budgets is one flow that each of them limits, so the most that all flows
carry together is a packing (policies.answer.packing). A rule's cap limits it too where acts can't follow at once.

tests/policies/test_worst_case.py and test_exact_worst_case.py hold this against spenders who try everything.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from policies.answer.evaluate import MAX_PENDING
from policies.answer.packing import Flow, most_carried
from policies.answer.permitted import cap_of, permitted
from policies.code.policy_code import ETHER_ASSET, Budget, PolicyCode, Rule, Source
from policies.code.ring import worst_case_units
from policies.code.signatures import TRANSFER

DAY_S = 86_400
YEAR_DAYS = 365
ADDRESSES = 2**160

LimitOf = Callable[[Budget], int]


@dataclass(frozen=True, slots=True)
class WorstCase:
    """What can be charged to budget number `budget`, in base units of its asset, whatever other budgets it shares.

    `at_once`: by a stolen key in one moment, unopposed, and no more than in a day; `apart_s` is how far apart the acts
    for it are at least, 0 where one act could take it or none must wait. `in_a_period`: in any one period if
    nobody objects. `unopposed` and `in_all`: the same two in any `duration_s` seconds. `recipients` are the only
    addresses that can get it, or None where the policy's code does not say who gets it.
    """

    budget: int
    duration_s: int
    at_once: int
    in_a_period: int
    unopposed: int
    in_all: int
    recipients: tuple[bytes, ...] | None
    apart_s: int


@dataclass(frozen=True, slots=True)
class Charged:
    """What one rule takes from budgets in one place of its calls: the same amount from each, in base units of `asset`.

    `rule` is the rule's number. `is_fall` marks what a measured budget counts: whatever leaves by the rule's calls.
    `cap` is what the rule lets through in one act at most.
    """

    rule: int
    asset: bytes
    budgets: frozenset[int]
    is_fall: bool
    cap: int | None


@lru_cache(maxsize=8)
def worst_case(policy: PolicyCode, days: int) -> tuple[WorstCase, ...]:
    """For each budget the most in any `days` days, of which none before the policy's start or after its end count.

    The numbers hold for what is charged; what a call really moves can be more where a budget is not measured.
    """
    return tuple(worst_of(policy, number, days, charges_to(policy, number)) for number in range(len(policy.budgets)))


def worst_of(policy: PolicyCode, number: int, days: int, mine: Sequence[Charged]) -> WorstCase:
    """The same for one budget, by the given charges to it alone."""
    duration_s = min(days * DAY_S, policy.end_s - policy.start_s)
    budget = policy.budgets[number]
    period_s = min(budget.period_s, policy.end_s - policy.start_s)
    return WorstCase(
        budget=number,
        duration_s=duration_s,
        at_once=at_once(policy, mine),
        in_a_period=in_all(policy, mine, period_s),
        unopposed=unopposed(policy, mine, duration_s),
        in_all=in_all(policy, mine, duration_s),
        recipients=recipients(policy, number),
        apart_s=apart_s(policy, mine),
    )


@lru_cache(maxsize=8)
def charges(policy: PolicyCode) -> tuple[Charged, ...]:
    """All that the policy's rules take from its budgets.

    A measured budget is charged with what an argument says or with what leaves, whichever is more: where a rule does
    more than to pay, both are listed, and their sum is no less.
    """
    return tuple(charged for number, rule in enumerate(policy.rules) for charged in _of_rule(policy, number, rule))


def charges_of(policy: PolicyCode, asset: bytes) -> Sequence[Charged]:
    """All that the policy's rules take of the asset."""
    return _by_asset(policy).get(asset, ())


def charges_to(policy: PolicyCode, number: int) -> Sequence[Charged]:
    """All that the policy's rules take of the budget's asset from it."""
    return [one for one in charges_of(policy, policy.budgets[number].asset) if number in one.budgets]


@lru_cache(maxsize=8)
def _by_asset(policy: PolicyCode) -> Mapping[bytes, Sequence[Charged]]:
    found: dict[bytes, list[Charged]] = {}
    for one in charges(policy):
        found.setdefault(one.asset, []).append(one)
    return found


def _of_rule(policy: PolicyCode, number: int, rule: Rule) -> Iterator[Charged]:
    places: dict[tuple[Source, int, int], set[int]] = {}
    for charge in rule.charges:
        places.setdefault((charge.source, charge.word, charge.column), set()).add(charge.budget)
    measured: dict[bytes, set[int]] = {}
    for index, budget in enumerate(policy.budgets):
        if budget.measured:
            measured.setdefault(budget.asset, set()).add(index)
    for place, budgets in places.items():
        cap = cap_of(rule, place[1:]) if place[0] is Source.ARGUMENT else None
        for asset in sorted({policy.budgets[index].asset for index in budgets}):
            counting = {index for index in budgets if policy.budgets[index].asset == asset}
            if all(_pays(policy, rule, index) for index in counting):
                yield Charged(number, asset, frozenset(budgets | measured.get(asset, set())), False, cap)
            else:
                yield Charged(number, asset, frozenset(budgets), False, cap)
    for asset, budgets in measured.items():
        if not pays_only(policy, rule, asset):
            yield Charged(number, asset, frozenset(budgets), True, None)


def _pays(policy: PolicyCode, rule: Rule, number: int) -> bool:
    """Whether what the rule charges the budget is what leaves: then a measured budget counts the same."""
    charge = next(charge for charge in rule.charges if charge.budget == number)
    if policy.budgets[number].asset == ETHER_ASSET:
        return charge.source is Source.VALUE
    return pays(policy, rule, number)


def pays_only(policy: PolicyCode, rule: Rule, asset: bytes) -> bool:
    """Whether all of the asset that leaves by the rule is what it pays. Ether leaves with a call's value alone, so none
    leaves by a rule that sends none.
    """
    if asset == ETHER_ASSET:
        return True
    return any(
        policy.budgets[charge.budget].asset == asset and pays(policy, rule, charge.budget) for charge in rule.charges
    )


def unopposed(policy: PolicyCode, chosen: Iterable[Charged], duration_s: int | None) -> int:
    """The most that a stolen key takes by the chosen charges without an announcement, in base units of one asset.

    In any `duration_s` seconds; with None as far as budgets alone bound it in one moment.
    """
    if duration_s is None:
        return _most(policy, chosen, lambda budget: budget.instant_limit, None)
    acts = _acts(policy, duration_s)
    return _most(
        policy, chosen, lambda budget: worst_case_units(budget.instant_limit, budget.segment_s, duration_s), acts
    )


def at_once(policy: PolicyCode, chosen: Sequence[Charged]) -> int:
    """The most that a stolen key takes in one moment: no more than in a day, where acts or budgets need longer."""
    life_s = policy.end_s - policy.start_s
    return min(unopposed(policy, chosen, None), unopposed(policy, chosen, min(DAY_S, life_s)))


def apart_s(policy: PolicyCode, chosen: Sequence[Charged]) -> int:
    """How far apart the acts are at least by which a stolen key takes that; 0 where one could, or none must wait."""
    in_one_act = _most(policy, chosen, lambda budget: budget.instant_limit, 1)
    return policy.cooldown_s if in_one_act < at_once(policy, chosen) else 0


def in_all(policy: PolicyCode, chosen: Iterable[Charged], duration_s: int) -> int:
    """The most that the agent takes by the chosen charges in any `duration_s` seconds if nobody objects."""
    acts = _acts(policy, duration_s)
    if acts is not None and policy.objection_delay_s and policy.release_window_s:
        acts += MAX_PENDING  # announced before
    return _most(policy, chosen, lambda budget: worst_case_units(budget.limit, budget.segment_s, duration_s), acts)


def _acts(policy: PolicyCode, duration_s: int) -> int | None:
    """How many acts can be begun in so many seconds; None where they need no pause."""
    return (duration_s - 1) // policy.cooldown_s + 1 if policy.cooldown_s and duration_s else None


def _most(policy: PolicyCode, chosen: Iterable[Charged], limit_of: LimitOf, acts: int | None) -> int:
    caps: dict[frozenset[int], int | None] = {}  # what each passes, and the most in an act of all that pass the same
    for one in chosen:
        before = caps.get(one.budgets, 0)
        caps[one.budgets] = None if before is None or one.cap is None else before + one.cap
    caps.pop(frozenset(), None)
    flows = {budgets: None if cap is None or acts is None else cap * acts for budgets, cap in caps.items()}
    limits = {
        number: policy.budgets[number].base_units(limit_of(policy.budgets[number]))
        for number in sorted(frozenset().union(*flows))
    }
    return _carried(frozenset(flows.items()), tuple(limits.items()))


@lru_cache(maxsize=1024)
def _carried(flows: frozenset[tuple[frozenset[int], int | None]], limits: tuple[tuple[int, int], ...]) -> int:
    """Several sentences ask for the same flows."""
    return most_carried([Flow(*flow) for flow in flows], dict(limits)) or 0


def recipients(policy: PolicyCode, number: int) -> tuple[bytes, ...] | None:
    """Who can get what is charged to the budget, ascending; None where a call of a rule could bring it elsewhere."""
    if policy.budgets[number].measured:
        return None
    found: set[bytes] = set()
    for rule in charging(policy, number):
        paid = paid_by(policy, rule, number)
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


def paid_by(policy: PolicyCode, rule: Rule, number: int) -> set[bytes] | None:
    """Whom the rule can pay what it charges the budget; None where that is not limited, or it does not pay."""
    if not pays(policy, rule, number):
        return None
    if rule.no_selector:
        return {rule.target}
    values = permitted(rule, policy).at((0, 0)).listed(most=sum(map(len, policy.lists)) + len(rule.clauses))
    if values is None or any(value >= ADDRESSES for value in values):
        return None
    return {value.to_bytes(20, "big") for value in values}
