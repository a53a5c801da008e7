# SPDX-License-Identifier: Apache-2.0
"""The code of a contract is replaced."""

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.by_name import Meaning, known_or_by_name
from agent.understanding.flags.flag import Rule, Severity

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
    find=known_or_by_name(Kind.UPGRADE, Meaning.CODE, "upgrade_by_name"),
)
