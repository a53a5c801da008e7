# SPDX-License-Identifier: Apache-2.0
"""Money or power moves, and the text does not speak of it."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids


def find(case: Case) -> Iterator[Found]:
    untold = [effect for effect in case.effects if effect.id in (case.untold or ())]
    if money := [effect for effect in untold if effect.moves == "money"]:
        yield Found(effects=ids(money), severity=Severity.DANGER)
    power = [effect for effect in untold if effect.moves != "money"]
    # Of a function without a known meaning its name alone speaks, and a name proves nothing.
    if sure := [effect for effect in power if effect.kind is not Kind.CALL]:
        yield Found(effects=ids(sure), says="power_not_told")
    if named := [effect for effect in power if effect.kind is Kind.CALL]:
        yield Found(effects=ids(named), says="named_not_told")


RULE = Rule(
    code="not_told",
    severity=Severity.WARNING,
    words={
        "not_told": gettext_noop("Moves money that no sentence of the text accounts for."),
        "named_not_told": gettext_noop(
            "Calls a function that by its name changes power or makes other calls, and no sentence accounts for it."
        ),
        "power_not_told": gettext_noop("Changes who may do what, and no sentence of the text accounts for it."),
    },
    page=(
        "Evidence: the verdict found no sentence for an effect that moves money or power, or one sentence for two "
        "such effects. Money is a danger: what "
        "hides itself in a friendly text is the usual form of a theft by vote. Power is a warning, since honest "
        "proposals of many calls sometimes leave a permission out."
    ),
    find=find,
)
