# SPDX-License-Identifier: Apache-2.0
"""The code of a contract is replaced."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.by_name import Meaning, shown_name, speaks_of
from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids


def find(case: Case) -> Iterator[Found]:
    known = [effect for effect in case.effects if effect.kind is Kind.UPGRADE]
    if known:
        yield Found(effects=ids(known))
    for effect in case.effects:
        if effect.kind is not Kind.UPGRADE and speaks_of(effect) is Meaning.CODE:
            yield Found({"function": shown_name(effect)}, (effect.id,), says="upgrade_by_name")


RULE = Rule(
    code="upgrade",
    severity=Severity.DANGER,
    words={
        "upgrade": gettext_noop("Replaces the code of a contract."),
        "upgrade_by_name": gettext_noop("Calls {function}, which by its name replaces the code of a contract."),
    },
    page=(
        "Evidence: a call replaces a contract's code, or its function's name says so (`diamondCut`, "
        "`setImplementation`, ...). After it, the contract does whatever the new code does."
    ),
    find=find,
)
