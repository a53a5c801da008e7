# SPDX-License-Identifier: Apache-2.0
"""Times and thresholds that each can be read, and together leave nobody the time or the votes to do something."""

from dataclasses import dataclass

from policies.document.budget_reading import BudgetReader
from policies.document.fields import Fields
from policies.document.reading_context import ReadingContext
from policies.notation.amounts import format_duration, format_share

SHORT_DELAY_S = 12 * 3600
SHORT_RELEASE_S = 3600
MOST_LIKELY_BPS = 5000


@dataclass(frozen=True, slots=True)
class Objection:
    """When and by whom an announced act is stopped: seconds, and basis points of all votes."""

    delay_s: int
    release_s: int
    threshold_bps: int


def check_objection(
    context: ReadingContext, policy: Fields, objection: Objection, life_s: int | None, budgets: BudgetReader
) -> None:
    """Refuse an objection window in which nothing can be announced, and warn of one that nobody can use.

    `life_s` is how long the policy holds. Nothing is said where no budget has a part that must be announced.
    """
    if not (objection.delay_s and objection.release_s):
        return
    if all(one.instant_limit == one.limit for one in budgets.budgets.values()):
        return
    node = policy.get("objection")
    place = node.place if node is not None else policy.place
    delay, release = (format_duration(seconds) for seconds in (objection.delay_s, objection.release_s))
    warn = context.warnings.add
    if life_s is not None and objection.delay_s >= life_s:
        context.unsafe(
            place,
            f"nothing can ever be announced: it would wait {delay}, and the policy lasts {format_duration(life_s)}",
            "write a shorter delay, or a longer `valid`",
        )
    elif life_s is not None and objection.delay_s + objection.release_s > life_s:
        warn(
            place,
            f"the policy ends before an announced act has its full time: {delay} to wait and {release} to be made, in "
            f"{format_duration(life_s)}",
            "write shorter times, or a longer `valid`",
        )
    if objection.delay_s < SHORT_DELAY_S:
        warn(place, f"members have {delay} to object", "write a delay in which they notice, such as `2 days`")
    if objection.release_s < SHORT_RELEASE_S:
        warn(
            place,
            f"the agent has {release} to make an announced act, which is void after that",
            "write a longer `release within`, such as `2 days`",
        )
    if objection.threshold_bps > MOST_LIKELY_BPS:
        warn(
            place,
            f"stopping an announced act takes {format_share(objection.threshold_bps)} of all votes, and only those "
            "that are delegated count",
            "write a share that can come together in that time, such as `5 %`",
        )


def check_cooldown(
    context: ReadingContext, policy: Fields, cooldown_s: int, life_s: int | None, budgets: BudgetReader
) -> None:
    """Warn of a cooldown that leaves one act in the policy's life, or one in each period of a budget."""
    place, cooldown = policy.place_of("cooldown"), format_duration(cooldown_s)
    if life_s is not None and cooldown_s >= life_s:
        context.warnings.add(
            place,
            f"the agent acts once and never again: it waits {cooldown}, and the policy lasts {format_duration(life_s)}",
            "write a shorter cooldown, unless one act is meant",
        )
        return
    slower = next((one for one in budgets.budgets.values() if one.period_s < cooldown_s), None)
    if slower is not None:
        context.warnings.add(
            place,
            f"the cooldown ({cooldown}) is longer than the period of the budget {slower.name} "
            f"({format_duration(slower.period_s)}): each period sees one act at most",
            "write a shorter cooldown, unless that is meant",
        )
