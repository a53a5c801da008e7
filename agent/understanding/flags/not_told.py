# SPDX-License-Identifier: Apache-2.0
"""Money or power moves, and the text does not speak of it."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids


def find(case: Case) -> Iterator[Found]:
    untold = [effect for effect in case.effects if effect.id in (case.untold or ())]
    if money := [effect for effect in untold if effect.moves == "money"]:
        yield Found(effects=ids(money), severity=Severity.DANGER)
    if power := [effect for effect in untold if effect.moves != "money"]:
        yield Found(effects=ids(power), says="power_not_told")


RULE = Rule(
    code="not_told",
    severity=Severity.WARNING,
    words={
        "not_told": gettext_noop("Moves money, and no sentence of the text mentions it."),
        "power_not_told": gettext_noop("Changes who may do what, and no sentence of the text mentions it."),
    },
    page=(
        "Evidence: the verdict found no sentence for an effect that moves money or power. Money is a danger: what "
        "hides itself in a friendly text is the usual form of a theft by vote. Power is a warning, since honest "
        "proposals of many calls sometimes leave a permission out."
    ),
    find=find,
)
