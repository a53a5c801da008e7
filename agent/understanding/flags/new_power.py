# SPDX-License-Identifier: Apache-2.0
"""A proposer who got its voting power just before."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity

_OLD_S = 30 * 86_400  # in a younger DAO everybody's power is new


def find(case: Case) -> Iterator[Found]:
    history = case.history
    if history is None or history.power is None or history.power_before is None or not case.effects:
        return
    is_old = any(one.created_chain_s <= history.created_chain_s - _OLD_S for one in history.earlier)
    if is_old and history.power > 0 and 2 * history.power_before < history.power:
        yield Found()


RULE = Rule(
    code="new_power",
    severity=Severity.WARNING,
    words={"new_power": gettext_noop("The proposer got most of its voting power within the day before.")},
    page=(
        "Evidence: by the logs, the proposer had less than half of its voting power a day before it proposed. Whoever "
        "buys or borrows votes for a theft proposes at once. Not raised in a DAO whose first proposal is younger than "
        "30 days, or whose token does not log power."
    ),
    find=find,
)
