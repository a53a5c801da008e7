# SPDX-License-Identifier: Apache-2.0
"""There are more calls than anybody looks at."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import MAX_EFFECTS
from agent.understanding.flags.flag import Case, Found, Rule, Severity


def find(case: Case) -> Iterator[Found]:
    if len(case.effects) >= MAX_EFFECTS or case.calls > MAX_EFFECTS:
        yield Found({"most": MAX_EFFECTS})


RULE = Rule(
    code="too_many_calls",
    severity=Severity.DANGER,
    words={"too_many_calls": gettext_noop("More than {most} calls: not all were looked at.")},
    page=f"Evidence: more than {MAX_EFFECTS} calls, those inside others counted. What comes after them is not shown.",
    find=find,
)
