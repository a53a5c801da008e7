# SPDX-License-Identifier: Apache-2.0
"""Money or power moves, and the text does not speak of it."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids


def find(case: Case) -> Iterator[Found]:
    if case.untold and (found := [effect for effect in case.effects if effect.id in case.untold]):
        yield Found(effects=ids(found))


RULE = Rule(
    code="not_told",
    severity=Severity.DANGER,
    words={"not_told": gettext_noop("Moves money or power that no sentence of the text mentions.")},
    page=(
        "Evidence: the verdict found no sentence for an effect that moves money or power. What hides itself in a "
        "friendly text is the usual form of a theft by vote."
    ),
    find=find,
)
