# SPDX-License-Identifier: Apache-2.0
"""The vote changes nothing on chain."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity


def find(case: Case) -> Iterator[Found]:
    if not case.calls and not case.effects:
        yield Found(says="text_only")


RULE = Rule(
    code="no_calls",
    severity=Severity.NOTICE,
    words={"text_only": gettext_noop("The proposal has no calls: the vote alone changes nothing on chain.")},
    page="Evidence: no calls. Whatever the text promises, somebody has to do it by hand.",
    find=find,
)
