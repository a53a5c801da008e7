# SPDX-License-Identifier: Apache-2.0
"""Money or power moves in a DAO where nobody has voted for long."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.flag import Case, Found, Rule, Severity

DORMANT_S = 180 * 86_400
_MOVES = frozenset(Kind) - {Kind.PARAMETER_CHANGE, Kind.PAUSE}


def find(case: Case) -> Iterator[Found]:
    history = case.history
    if history is None or not history.earlier or not any(effect.kind in _MOVES for effect in case.effects):
        return
    idle_s = history.created_chain_s - max(one.created_chain_s for one in history.earlier)
    if idle_s >= DORMANT_S:
        yield Found({"days": idle_s // 86_400})


RULE = Rule(
    code="dormant",
    severity=Severity.WARNING,
    words={"dormant": gettext_noop("Nobody had proposed anything in this DAO for %(days)s days before.")},
    page=(
        f"Evidence: the last proposal before this one is {DORMANT_S // 86_400} days old or older, and this one "
        "does more than set a parameter. Where nobody looks, few votes are enough for a theft."
    ),
    find=find,
)
