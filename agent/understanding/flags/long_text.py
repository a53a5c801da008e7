# SPDX-License-Identifier: Apache-2.0
"""The text is longer than anything that is read."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity


def find(case: Case) -> Iterator[Found]:
    if case.document.truncated:
        yield Found()


RULE = Rule(
    code="long_text",
    severity=Severity.WARNING,
    words={"long_text": gettext_noop("The text is so long that only its beginning was looked at.")},
    page="Evidence: the text was cut before it was compared with the calls.",
    find=find,
)
