# SPDX-License-Identifier: Apache-2.0
"""Power over a contract goes to somebody else."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.by_name import Meaning, shown_name, speaks_of
from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids


def find(case: Case) -> Iterator[Found]:
    known = [effect for effect in case.effects if effect.kind is Kind.ROLE_CHANGE]
    if known:
        yield Found(effects=ids(known))
    for effect in case.effects:
        if effect.kind is not Kind.ROLE_CHANGE and speaks_of(effect) is Meaning.POWER:
            yield Found({"function": shown_name(effect)}, (effect.id,), says="admin_by_name")


RULE = Rule(
    code="admin_change",
    severity=Severity.WARNING,
    words={
        "admin_change": gettext_noop("Changes who has power over a contract."),
        "admin_by_name": gettext_noop("Calls {function}, which by its name changes who has power over a contract."),
    },
    page=(
        "Evidence: a call changes a role, an owner, an admin, a signer, a module or a guardian; or its function's "
        "name says so (`setGovernance`, `setPendingAdmin`, `rely`, ...), also where the meaning of that function "
        "is not known."
    ),
    find=find,
)
