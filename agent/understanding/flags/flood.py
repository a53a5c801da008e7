# SPDX-License-Identifier: Apache-2.0
"""One of many proposals that look the same."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity

MANY = 3  # others of the same text within `WITHIN_S`
WITHIN_S = 30 * 86_400


def find(case: Case) -> Iterator[Found]:
    if case.history is None:
        return
    since = case.history.created_chain_s - WITHIN_S
    same = [one for one in case.history.earlier if one.text == case.history.text and one.created_chain_s >= since]
    if len(same) >= MANY:
        yield Found({"count": len(same)})


RULE = Rule(
    code="flood",
    severity=Severity.WARNING,
    words={"flood": gettext_noop("{count} other proposals of the last 30 days have the same text.")},
    page=(
        f"Evidence: {MANY} or more proposals within 30 days before this one have the same text, whatever they "
        "call. Among many that do nothing, the one that pays is easily missed."
    ),
    find=find,
)
