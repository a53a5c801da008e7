# SPDX-License-Identifier: Apache-2.0
"""The proposal says next to nothing."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity


def find(case: Case) -> Iterator[Found]:
    if case.document.is_empty:
        yield Found()


RULE = Rule(
    code="empty_text",
    severity=Severity.WARNING,
    words={"empty_text": gettext_noop("The text has fewer than 20 letters.")},
    page="Evidence: the text as the page shows it, without marks and spaces.",
    find=find,
)
