# SPDX-License-Identifier: Apache-2.0
"""New tokens are created."""

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.flag import Rule, Severity, of_effects

RULE = Rule(
    code="mint",
    severity=Severity.WARNING,
    words={
        "mint": gettext_noop("Creates new tokens."),
    },
    page=("Evidence: a call creates tokens. Compare the amount with the supply: new votes can outvote everybody."),
    find=of_effects(lambda effect: effect.kind is Kind.MINT),
)
