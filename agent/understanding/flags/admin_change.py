# SPDX-License-Identifier: Apache-2.0
"""Power over a contract goes to somebody else."""

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.by_name import Meaning, known_or_by_name
from agent.understanding.flags.flag import Rule, Severity

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
    find=known_or_by_name(Kind.ROLE_CHANGE, Meaning.POWER, "admin_by_name"),
)
