# SPDX-License-Identifier: Apache-2.0
"""A contract is paused, or its pause ends."""

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.flag import Rule, Severity, of_effects

RULE = Rule(
    code="pause",
    severity=Severity.NOTICE,
    words={
        "pause": gettext_noop("Pauses a contract or ends its pause."),
    },
    page=("Evidence: a call pauses a contract or ends a pause. While a contract is paused, nobody can use it."),
    find=of_effects(lambda effect: effect.kind is Kind.PAUSE),
)
