# SPDX-License-Identifier: Apache-2.0
"""Money or power moves in a DAO where nobody has voted for long."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.flag import Case, Found, Rule, Severity

DORMANT_S = 180 * 86_400
RECENT_S = 30 * 86_400  # what came just before may be of the same hand: a flood of proposals wakes no DAO
_MOVES = frozenset(Kind) - {Kind.PARAMETER_CHANGE, Kind.PAUSE}


def find(case: Case) -> Iterator[Found]:
    history = case.history
    if history is None or not any(effect.kind in _MOVES for effect in case.effects):
        return
    since = history.created_chain_s - RECENT_S
    recent = [one.created_chain_s for one in history.earlier if one.created_chain_s > since]
    before = [one.created_chain_s for one in history.earlier if one.created_chain_s <= since]
    if not before:
        return
    idle_s = min([history.created_chain_s, *recent]) - max(before)
    if idle_s >= DORMANT_S:
        yield Found({"days": idle_s // 86_400}, says="dormant_before" if recent else "")


RULE = Rule(
    code="dormant",
    severity=Severity.WARNING,
    words={
        "dormant": gettext_noop("Nobody had proposed anything in this DAO for {days} days before."),
        "dormant_before": gettext_noop(
            "Before the last 30 days nobody had proposed anything in this DAO for {days} days."
        ),
    },
    page=(
        "Evidence: before this proposal, or before those of the 30 days before it, nobody proposed anything for "
        "180 days or longer, and this one does more than set a parameter. Where nobody looks, few votes are "
        "enough for a theft."
    ),
    find=find,
)
