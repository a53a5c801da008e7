# SPDX-License-Identifier: Apache-2.0
"""The same calls as an earlier proposal of the DAO."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity
from governance.state import State

_FAILED = frozenset({State.CANCELED, State.DEFEATED, State.EXPIRED, State.VETOED})


def find(case: Case) -> Iterator[Found]:
    if case.history is None or not case.effects:
        return
    same = [one for one in case.history.earlier if one.calls == case.history.calls]
    if failed := [one for one in same if one.state in _FAILED]:
        yield Found({"number": failed[0].number}, says="resubmitted_after_failure")
    elif same:
        yield Found({"number": same[0].number})


RULE = Rule(
    code="resubmitted",
    severity=Severity.WARNING,
    words={
        "resubmitted": gettext_noop("An earlier proposal makes exactly the same calls: number {number}."),
        "resubmitted_after_failure": gettext_noop(
            "An earlier proposal with exactly the same calls failed: number {number}."
        ),
    },
    page=(
        "Evidence: target, value and data of every call are those of an earlier proposal that the mirror knows. A "
        "theft that failed once is tried again when fewer people look."
    ),
    find=find,
)
