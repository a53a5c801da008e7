# SPDX-License-Identifier: Apache-2.0
"""Somebody may take tokens without limit."""

from django.utils.translation import gettext_noop

from agent.understanding.effects import UNLIMITED, Kind
from agent.understanding.flags.flag import Rule, Severity, of_effects

RULE = Rule(
    code="unlimited_approval",
    severity=Severity.WARNING,
    words={
        "unlimited_approval": gettext_noop("Lets somebody take tokens without limit."),
    },
    page=("Evidence: an approval of 2**255 base units or more. Whoever holds it can take all tokens, now and later."),
    find=of_effects(lambda effect: effect.kind is Kind.APPROVE and (effect.amount or 0) >= UNLIMITED),
)
