# SPDX-License-Identifier: Apache-2.0
"""What may be taken without an announcement, who can stop it, and when what was spent can be spent again.

One phrase says it everywhere, *without an announcement*; *right away* is what can go in one moment. What is spent
counts in one place, whether it was announced or not: an unannounced act is refused once all that counts is more than
the part of the budget that needs no announcement (PolicyModule, `_chargeBudget`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policies.answer.permitted import permitted
from policies.code.policy_code import Budget, PolicyCode, Rule, Source
from policies.code.ring import worst_case_units
from policies.code.schedules import SHORTEST_GAP_S, at_any_time, comes_back_within_s, in_time
from policies.notation.amounts import format_duration, format_share
from policies.words.conditions import which_rules
from policies.words.lending import is_its_document
from policies.words.wording import Vocabulary, budget_name, capital, limits, listed

if TYPE_CHECKING:
    from policies.document.document import PolicyDocument

_DAY_S = 86_400
MONTH_S, YEAR_S = 31 * _DAY_S, 365 * _DAY_S  # the longest month: what is said of a month is true of March, too
_PETITION_S = 7 * _DAY_S  # PolicyModule, `PETITION_TIME`
# The longest time between two payments on a schedule of dates, the time of day left open: an hour more, or a day.
_LONGEST_GAP_S = {
    "hourly": 2 * 3600,
    "daily": 2 * _DAY_S,
    "weekly": 8 * _DAY_S,
    "every 2 weeks": 15 * _DAY_S,
    "every 4 weeks": 29 * _DAY_S,
    "monthly": 32 * _DAY_S,
    "quarterly": 93 * _DAY_S,
    "every 6 months": 185 * _DAY_S,
    "yearly": 367 * _DAY_S,
}


# Who can object, and who can stop it


def objection(policy: PolicyCode) -> str:
    """Which acts must be announced, for how long, and who voids them."""
    if not _must_announce(policy):
        return (
            "Nothing has to wait for objections: whatever is permitted, the agent may do without an announcement, so "
            "members can't object to a single act and can only stop the agent as a whole."
        )
    return (
        "An act that takes more of a budget than may be taken without an announcement must be announced and waits "
        f"{format_duration(policy.objection_delay_s)}; it is void if members with at least "
        f"{format_share(policy.objection_threshold_bps)} of all votes, rounded down, object in that time or before it "
        f"is made, and it must be made within {format_duration(policy.release_window_s)} after the wait. An announced "
        "act may take all that is left of a budget, as far as its rules permit. What it takes counts, too"
        f"{_spent(policy)}.{_counting_nothing(policy)}"
    )


def _spent(policy: PolicyCode) -> str:
    """What that means for unannounced acts, where there can be any that take something."""
    if not any(budget.instant_limit for budget in policy.budgets):
        return ""
    return (
        ": once the part that needs no announcement is spent, by whatever acts, nothing more goes without one until it "
        "comes back"
    )


def _counting_nothing(policy: PolicyCode) -> str:
    """Which calls need no announcement, whatever is left: the module charges no budget with an amount of 0."""
    zero = [number for number, rule in enumerate(policy.rules, 1) if rule.charges and _may_count_nothing(policy, rule)]
    free = [number for number, rule in enumerate(policy.rules, 1) if not rule.charges]
    such = []
    if zero:
        such.append(f"calls for an amount of 0 under {which_rules(zero, policy)}")
    if free:
        such.append(f"calls under {which_rules(free, policy)}, which charge no budget by themselves")
    if not such:
        return ""
    return (
        " Calls that count nothing against any budget need no announcement, however many they are: so it can be with "
        f"{' and with '.join(such)}."
    )


def _may_count_nothing(policy: PolicyCode, rule: Rule) -> bool:
    """Whether the rule permits a call that charges nothing. Arrays have an entry at least, so each of them counts."""
    calls = permitted(rule, policy)
    charged = ((charge.word, charge.column) for charge in rule.charges if charge.source is Source.ARGUMENT)
    return not calls.empty and all(0 in calls.at(place) for place in charged)


def _must_announce(policy: PolicyCode) -> bool:
    """Whether anything must be announced."""
    return any(budget.instant_limit < budget.limit for budget in policy.budgets)


def stopping(policy: PolicyCode) -> str:
    """Who can stop the agent, and how; the module's contract says so, whatever the policy is."""
    share = format_share(policy.objection_threshold_bps)
    members = "any voter"  # for one vote is enough
    if policy.objection_threshold_bps:
        members = (
            f"members with at least {share} of all votes together who sign one petition within "
            f"{format_duration(_PETITION_S)} (votes count as they were just before it began)"
        )
    voids, single = "", ""
    if _must_announce(policy):
        voids = ", and voids what was announced"
        single = "; the guardian and the owner can also void a single announced act"
    return (
        f"A pause stops the agent, also one whose key is stolen{voids}; it lasts until the module's owner ends it. It "
        f"can be paused at any time by the module's guardian, by its owner, or by {members}{single}. Who they are this "
        "policy does not say."
    )


def limits_text(budget: Budget, words: Vocabulary) -> str:
    """`at most 12,000 USDC in any 24 days, of which 6,000 USDC …`."""
    return f"{_limit(budget, words)}, {_levels(budget, limits(budget, words)[1])}"


def narrowed_text(budget: Budget, at_once: int, apart_s: int, words: Vocabulary) -> str:
    """The same where other bounds let less of it go right away than the budget alone would."""
    most = f"at most {words.amount(at_once, budget.asset)}" if at_once else "nothing"
    alone = limits(budget, words)[1]
    return (
        f"{_limit(budget, words)}, of which {most} may be taken right away{in_several_acts(apart_s)} without an "
        f"announcement (this budget alone would allow {alone}, but other budgets or bounds of its rules do not)"
    )


def in_several_acts(apart_s: int) -> str:
    """What delays it, where one act can't take all that goes right away; empty where nothing does."""
    return f" (in several acts, at least {format_duration(apart_s)} apart)" if apart_s else ""


def _limit(budget: Budget, words: Vocabulary) -> str:
    return f"at most {limits(budget, words)[0]} in any {format_duration(budget.period_s)}"


def _levels(budget: Budget, instant: str) -> str:
    if budget.instant_limit == budget.limit:
        return "all of which may be taken without an announcement"
    if budget.instant_limit == 0:
        return "all of which must be announced and can be objected to"
    return (
        f"of which {instant}, by all acts together, may be taken without an announcement; what goes beyond must be "
        "announced and can be objected to"
    )


# When it can be spent again


def repeats(policy: PolicyCode, document: "PolicyDocument | None") -> Iterator[str]:
    """When what is spent can be spent again, budgets of which the same is true together, and what each is for."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for number, budget in enumerate(policy.budgets):
        alike.setdefault(_comes_back(policy, budget), []).append(budget_name(policy, number))
    for (comes_back, at_most, fits), names in alike.items():
        several = len(names) > 1
        alone = "each of these budgets alone" if several else "this budget alone"
        often = f", not each time at the earliest: the whole of {'each' if several else 'it'} can go {at_most}"
        schedules = f". As far as {alone} goes, paying out the whole of it {fits}" if fits else ""
        yield f"What is spent from {listed(names)} {comes_back}{often * bool(at_most)}{schedules}."
    for number in range(len(policy.budgets)):
        yield from _due(policy, number, document)


def _comes_back(policy: PolicyCode, budget: Budget) -> tuple[str, str, str]:
    """When, how often in a month, a year and all the policy's time, and which schedules that fits."""
    if worst_case_units(1, budget.segment_s, policy.end_s - policy.start_s) == 1:
        return "does not come back while this policy lasts", "", ""
    return (
        f"can be spent again after {format_duration(budget.period_s)} at the earliest and "
        f"{format_duration(comes_back_within_s(budget.period_s))} at the latest",
        _how_often(policy, budget),
        _schedules(budget),
    )


def _how_often(policy: PolicyCode, budget: Budget) -> str:
    """Why a month, a year or all the policy's time has the worst case that it has: the same count stands behind it."""
    life_s = policy.end_s - policy.start_s
    counts = [
        f"{times(worst_case_units(1, budget.segment_s, time_s))} {in_time_text(policy, time_s)}"
        for time_s in [*(one for one in (MONTH_S, YEAR_S) if one < life_s), life_s]
    ]
    part = ", and so can the part that needs no announcement" if 0 < budget.instant_limit < budget.limit else ""
    return f"at most {listed(counts)}{part}"


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def in_time_text(policy: PolicyCode, time_s: int) -> str:
    """`in any 31 days`, or `in all its time (182 days)` where the policy lasts no longer."""
    if time_s == policy.end_s - policy.start_s:
        return f"in all its time ({format_duration(time_s)})"
    return f"in any {format_duration(time_s)}"


def _schedules(budget: Budget) -> str:
    """The most frequent schedule that the budget fits, and the next one that it does not."""
    latest_s = comes_back_within_s(budget.period_s)
    fitting = [gap_s for gap_s in SHORTEST_GAP_S.values() if gap_s >= latest_s]
    late = [gap_s for gap_s in SHORTEST_GAP_S.values() if gap_s < latest_s]
    names = {gap_s: name for name, gap_s in SHORTEST_GAP_S.items()}
    answers = []
    if fitting:
        most_often = names[min(fitting)]
        answers.append(f"{most_often} always fits{_provided(budget, most_often)}")
    if late:
        name = names[max(late)]
        never = _LONGEST_GAP_S[name] < budget.period_s
        answers.append(f"{name} {'never fits' if never else 'does not always fit'}")
    return ", ".join(answers)


def _provided(budget: Budget, schedule: str) -> str:
    """The conditions: what must be announced, and where a schedule is not kept at whatever time of its day each
    payment is made; or empty.
    """
    conditions = []
    if budget.instant_limit < budget.limit:
        conditions.append("announced in time")
    if not at_any_time(budget.period_s, schedule):
        conditions.append(f"at least {format_duration(SHORTEST_GAP_S[schedule])} apart")
    return f" if payments are {' and '.join(conditions)}" if conditions else ""


def _due(policy: PolicyCode, number: int, document: "PolicyDocument | None") -> Iterator[str]:
    """The schedule that the document says the budget is for, and whether it can be kept."""
    budget = policy.budgets[number]
    for written in document.budgets if document and is_its_document(policy, document) else ():
        name = written.code_name.encode("ascii").ljust(32, b"\0")
        same = (name, written.token.address, written.scope) == (budget.name, budget.asset, budget.scope)
        if same and written.due in SHORTEST_GAP_S:
            # Other budgets, its rules' bounds, and who objects or stops the agent can keep it from that.
            kept = (
                f"which it always can as far as this budget alone goes{_provided(budget, written.due)}"
                if in_time(budget.period_s, written.due)
                else "for which it can come too late"
            )
            yield f"{capital(budget_name(policy, number))} is meant to be paid out in full {written.due}, {kept}."
            return
