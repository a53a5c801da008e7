# SPDX-License-Identifier: Apache-2.0
"""A part of the text that other sites or no readers see."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity
from policies.notation import visible


def find(case: Case) -> Iterator[Found]:
    for hidden in case.document.hidden:
        # What every reader of our page sees is compared with the calls like the rest, and is no reason to worry.
        if not hidden.is_shown or hidden.kind in list(visible.Kind):
            yield Found({"count": hidden.count}, says=f"hidden_{hidden.kind}")


RULE = Rule(
    code="hidden_text",
    severity=Severity.WARNING,
    words={
        # The first four are of rows of before: what the page shows raises no flag any more.
        "hidden_comment": gettext_noop(
            "The text has HTML comments ({count}). Other sites hide them; Mandate shows them as text."
        ),
        "hidden_element": gettext_noop("The text has HTML that other sites hide ({count}). Mandate shows it as text."),
        "hidden_attribute": gettext_noop(
            "HTML tags in the text have words inside ({count}). Other sites hide them; Mandate shows them."
        ),
        "hidden_alt": gettext_noop(
            "The text describes pictures in words ({count}). Other sites show the pictures; Mandate shows the words."
        ),
        "hidden_definition": gettext_noop(
            "The text has link definitions ({count}) that no page shows. They were not compared with the calls."
        ),
        "hidden_title": gettext_noop(
            "Links have titles ({count}) that no page prints. They were not compared with the calls."
        ),
        "hidden_language": gettext_noop(
            "Code in the text names its language in words ({count}) that no page shows. They were not compared."
        ),
        "hidden_cell": gettext_noop(
            "Rows of a table have more cells than columns ({count}). No page shows them. They were not compared."
        ),
        "hidden_zero-width": gettext_noop(
            "The text has characters that nobody sees ({count}). Mandate shows each by its number."
        ),
        "hidden_bidirectional": gettext_noop(
            "The text has characters that turn the writing around ({count}). Mandate shows them by number."
        ),
        "hidden_tag": gettext_noop(
            "The text has invisible characters that spell words ({count}). Mandate shows each by its number."
        ),
        "hidden_control": gettext_noop("The text has control characters ({count}). Mandate shows each by its number."),
    },
    page=(
        "Evidence: link definitions, titles, cells beyond a table's last column, and characters that nobody sees. "
        "The page shows a sample of each. HTML that other sites hide is shown here as text and compared with the "
        "calls, so it raises no flag; the page lists it all the same."
    ),
    find=find,
)
