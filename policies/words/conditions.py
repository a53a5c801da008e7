# SPDX-License-Identifier: Apache-2.0
"""Under which conditions a worst case in numbers is true: rules of which more can come than is counted."""

from collections.abc import Iterator, Sequence

from policies.code.policy_code import PolicyCode, Rule
from policies.code.signatures import known_unbounded
from policies.words.leaving import counted_if_taken, uncounted, understood
from policies.words.wording import Vocabulary


def not_known_to_end(policy: PolicyCode, words: Vocabulary) -> tuple[int, ...]:
    """The numbers, from 1, of the rules of whose effect it is not known whether it ends with the act."""
    return tuple(number for number, rule in enumerate(policy.rules, 1) if may_go_on(rule, words))


def may_go_on(rule: Rule, words: Vocabulary) -> bool:
    """Whether the rule's function is none that is understood, and none that is known to outlast the act."""
    return not is_known_unbounded(rule) and not understood(rule, words)


def is_known_unbounded(rule: Rule) -> bool:
    return not rule.no_selector and not rule.approval and known_unbounded(rule.selector) is not None


def not_bounded_rules(policy: PolicyCode, words: Vocabulary) -> tuple[int, ...]:
    """The numbers, from 1, of the rules that let out what no budget bounds. People can't write them; code can."""
    taking = {number for number, _ in uncounted(policy, words)}
    return tuple(
        number + 1
        for number, rule in enumerate(policy.rules)
        if is_known_unbounded(rule) or number in taking or counted_if_taken(policy, rule, words) == ()
    )


def _taking_for_shares(policy: PolicyCode, words: Vocabulary) -> dict[tuple[bytes, ...], list[int]]:
    """The numbers, from 1, of the rules that take an unnamed token for shares, by the tokens that are counted then."""
    found: dict[tuple[bytes, ...], list[int]] = {}
    for number, rule in enumerate(policy.rules, 1):
        if counted := counted_if_taken(policy, rule, words):
            found.setdefault(counted, []).append(number)
    return found


def either(assets: Sequence[bytes], words: Vocabulary) -> str:
    return " or ".join(words.asset(asset) for asset in assets)


def caveat(policy: PolicyCode, words: Vocabulary) -> str:
    """Under which condition a worst case in numbers is true, or what it leaves out; empty where it holds as it is."""
    unknown, unbounded = not_known_to_end(policy, words), not_bounded_rules(policy, words)
    conditions = []
    if unknown:
        conditions.append(
            f"true only if the effect of {which_rules(unknown, policy)} ends with the act and takes no more "
            "than is counted, which is not known"
        )
    conditions.extend(_shares(policy, words))
    if unbounded:
        conditions.append(f"leaving out what {which_rules(unbounded, policy)} lets happen, which no budget bounds")
    return ", ".join(conditions)


def doubt(policy: PolicyCode, words: Vocabulary, asset: bytes) -> str:
    """What is said behind each amount of the asset that is true on a condition only; empty where none is needed.

    The condition stands before the numbers once: readers took a number from the middle of the line without it.
    """
    if any(may_go_on(rule, words) or is_known_unbounded(rule) for rule in policy.rules):
        return " or MORE"
    for_shares = (rule for rule in policy.rules if counted_if_taken(policy, rule, words))
    charged = {policy.budgets[charge.budget].asset for rule in for_shares for charge in rule.charges}
    return " (or ANOTHER token, not limited here)" if asset in charged else ""


def otherwise(policy: PolicyCode, words: Vocabulary) -> str:
    """What else can be, where the `caveat` says on which condition numbers are true; or empty."""
    if not_known_to_end(policy, words):
        return "; otherwise it can be MORE"
    more = "; otherwise ANOTHER token can go, as much as the treasury allowed before"
    return more if _taking_for_shares(policy, words) else ""


def way_to_more(policy: PolicyCode, words: Vocabulary) -> tuple[int, ...]:
    """The numbers, from 1, of the rules whose calls can let happen what no rule permits."""
    return tuple(sorted({*not_known_to_end(policy, words), *not_bounded_rules(policy, words)}))


def _shares(policy: PolicyCode, words: Vocabulary) -> Iterator[str]:
    """Of which tokens it is assumed that shares are bought with them; of several such rules once for all of them."""
    found = _taking_for_shares(policy, words)
    numbers = sorted(number for several in found.values() for number in several)
    taken = f"what is taken for shares by {which_rules(numbers, policy)}" if numbers else ""
    if len(found) == 1:
        yield f"true only if {taken} is {either(next(iter(found)), words)}, which is not known"
    elif found:
        yield f"true only if {taken} is a token that a budget counts under that rule, which is not known"


def which_rules(numbers: Sequence[int], policy: PolicyCode, *, alone: str = "the only rule") -> str:
    """`rules 2, 3 and 5`, or what a rule is called that is alone."""
    if len(policy.rules) == 1:
        return alone
    *first, last = map(str, numbers)
    return f"rules {', '.join(first)} and {last}" if first else f"rule {last}"
