# SPDX-License-Identifier: Apache-2.0
"""A rule of the governance changes."""

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.flag import Rule, Severity, of_effects

RULE = Rule(
    code="parameter_change",
    severity=Severity.NOTICE,
    words={
        "parameter_change": gettext_noop("Changes a rule of the governance itself."),
    },
    page=("Evidence: a call sets a delay, a period, a quorum, a threshold or another parameter."),
    find=of_effects(lambda effect: effect.kind is Kind.PARAMETER_CHANGE),
)
