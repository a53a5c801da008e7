# SPDX-License-Identifier: Apache-2.0
"""What can leave the treasury by a rule, what must come in for it, and what leaves that no budget counts.

A function that is understood (policies.code.understood) takes nothing but what its standard says. Whether a contract
keeps to the standard no code shows. It could take another token only by an allowance, so what such a call takes where
the policy permits an approval of that token is told apart: it is *pulled*.
"""

from collections.abc import Iterator
from enum import Enum, auto

from policies.answer.permitted import sends_ether
from policies.code.policy_code import ETHER_ASSET, Income, PolicyCode, Rule, Source
from policies.code.understood import DEPOSIT, TAKING_ANOTHER_TOKEN, TAKING_ITS_OWN, is_understood
from policies.notation.amounts import ETHER
from policies.words.wording import Vocabulary
from policies.words.worst_case import Charged, charges_to, pays


class Leaving(Enum):
    """How a charge leaves: not at all, as the call says, or by an allowance that the call should not use."""

    NOT = auto()
    BY_CALL = auto()
    PULLED = auto()


def leaving(policy: PolicyCode, charged: Charged, words: Vocabulary) -> Leaving:
    """How the charged asset can leave by the charge's rule."""
    rule = policy.rules[charged.rule]
    if not charged.is_fall or not understood(rule, words):
        return Leaving.BY_CALL
    if rule.approval and rule.target == charged.asset:
        return Leaving.NOT  # nothing leaves by an approval; what takes it is another call
    if not rule.approval and not rule.no_selector:
        takes_own = rule.selector not in TAKING_ANOTHER_TOKEN
        if takes_own == (charged.asset == rule.target):
            return Leaving.BY_CALL
    return Leaving.PULLED if charged.asset in policy.allowances else Leaving.NOT


def leaves(policy: PolicyCode, charged: Charged, words: Vocabulary) -> bool:
    """Whether anything can leave by the charge, against the function's standard or not."""
    return leaving(policy, charged, words) is not Leaving.NOT


def understood(rule: Rule, words: Vocabulary) -> bool:
    """Whether it is known what a call under the rule does, given the tokens that are known."""
    on_token = rule.target != ETHER.address and words.token(rule.target) is not None
    if not on_token and not rule.no_selector:
        return False  # asked of each rule for each token that is measured, and most rules are on no token
    return is_understood(
        None if rule.no_selector else rule.selector,
        rule.words,
        rule.dynamics,
        on_token=on_token,
        approval=rule.approval,
        sends_ether=sends_ether(rule),
    )


# What a vault takes for its shares


def counted_if_taken(policy: PolicyCode, rule: Rule, words: Vocabulary) -> tuple[bytes, ...] | None:
    """Of which assets budgets count what the rule takes for shares; None where the rule is no such call.

    The call doesn't say which token it takes. A measured budget counts it if it is the budget's, and so does a budget
    that is charged with the assets that are deposited; a token of none of these goes uncounted.
    """
    if rule.no_selector or rule.selector not in TAKING_ANOTHER_TOKEN or not understood(rule, words):
        return None
    charged = {charge.budget for charge in rule.charges if (charge.source, charge.word) == (Source.ARGUMENT, 0)}
    return tuple(
        dict.fromkeys(
            budget.asset
            for number, budget in enumerate(policy.budgets)
            if budget.asset not in (rule.target, ETHER_ASSET)
            and (budget.measured or (rule.selector == DEPOSIT and number in charged))
        )
    )


# What must come in


def fence(policy: PolicyCode, rule: Rule, asset: bytes) -> Income | None:
    """What must come in for all of the asset that leaves by the rule, and for nothing else; or None."""
    return next(
        (
            income
            for income in rule.incomes
            if _covers(policy, rule, income, asset) and not answered_twice(policy, rule, income)
        ),
        None,
    )


def answered_twice(policy: PolicyCode, rule: Rule, income: Income) -> bool:
    """Whether the same rise is demanded for another asset as well: each is held against it apart, not their sum."""
    asset = policy.budgets[income.budget].asset
    return any(
        other.asset == income.asset and other.numerator and policy.budgets[other.budget].asset != asset
        for other in rule.incomes
    )


def _covers(policy: PolicyCode, rule: Rule, income: Income, asset: bytes) -> bool:
    """Whether the income is demanded for whatever leaves: what it is reckoned on is measured, or ether that is sent."""
    budget = policy.budgets[income.budget]
    if budget.asset != asset or income.numerator == 0:
        return False
    return budget.measured or (asset == ETHER_ASSET and any(one.budget == income.budget for one in rule.charges))


def fenced_rules(policy: PolicyCode, number: int, words: Vocabulary) -> tuple[bool, tuple[int, ...]]:
    """Whether something must come in for all that the budget lets out as its calls say, and which rules could besides
    let a contract pull it (from 1).
    """
    asset = policy.budgets[number].asset
    mine = charges_to(policy, number)
    by_call = [one for one in mine if leaving(policy, one, words) is Leaving.BY_CALL]
    pulled = [one for one in mine if leaving(policy, one, words) is Leaving.PULLED]
    fenced = bool(by_call) and all(fence(policy, policy.rules[one.rule], asset) for one in by_call)
    return fenced, unfenced(policy, pulled)


def unfenced(policy: PolicyCode, pulled: list[Charged]) -> tuple[int, ...]:
    """The numbers, from 1, of the rules of the charges for which nothing must come in."""
    return tuple(dict.fromkeys(one.rule + 1 for one in pulled if not fence(policy, policy.rules[one.rule], one.asset)))


# What no budget counts


def uncounted(policy: PolicyCode, words: Vocabulary) -> Iterator[tuple[int, bytes]]:
    """The rules, by their number from 0, that let out an asset which no budget counts there, and the asset.

    People can't write them; code can.
    """
    for number, rule in enumerate(policy.rules):
        if rule.no_selector:
            continue  # the code can't send ether that no budget counts
        if _allows_uncounted(policy, rule) if rule.approval else _takes_uncounted(policy, rule, words):
            yield number, rule.target


def _allows_uncounted(policy: PolicyCode, rule: Rule) -> bool:
    """Whether a contract that is called can use the allowance, and no budget counts what is allowed or what leaves."""
    charged = {charge.budget for charge in rule.charges if (charge.source, charge.word) == (Source.ARGUMENT, 1)}
    return any(not other.approval for other in policy.rules) and not any(
        budget.asset == rule.target and (budget.measured or number in charged)
        for number, budget in enumerate(policy.budgets)
    )


def _takes_uncounted(policy: PolicyCode, rule: Rule, words: Vocabulary) -> bool:
    """Whether the call moves the token that it calls, and no budget counts what it moves.

    That it moves it is known of functions that are understood, and possible where budgets count the token elsewhere.
    """
    counting = [number for number, budget in enumerate(policy.budgets) if budget.asset == rule.target]
    if not counting:
        return understood(rule, words) and rule.selector in TAKING_ITS_OWN
    charged = {charge.budget for charge in rule.charges}
    return not any(
        policy.budgets[number].measured or (number in charged and pays(policy, rule, number)) for number in counting
    )
