# SPDX-License-Identifier: Apache-2.0
"""A call that nobody can decode."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids


def find(case: Case) -> Iterator[Found]:
    found = [effect for effect in case.effects if effect.kind is Kind.UNKNOWN]
    if len(found) == 1:
        yield Found(effects=ids(found))
    elif found:
        yield Found({"count": len(found)}, ids(found), says="unknown_calls")


RULE = Rule(
    code="unknown_call",
    severity=Severity.WARNING,
    words={
        "unknown_call": gettext_noop("One call can't be decoded."),
        "unknown_calls": gettext_noop("{count} calls can't be decoded."),
    },
    page=(
        "Evidence: a call whose function neither the DAO's own contracts nor the table of known functions has, or "
        "whose data does not fit. The page says why for each. Ask the proposer what the call does before you "
        "vote."
    ),
    find=find,
)
