# SPDX-License-Identifier: Apache-2.0
"""Tokens go to their own contract."""

from django.utils.translation import gettext_noop

from agent.understanding.effects import ETHER, Kind
from agent.understanding.flags.flag import Rule, Severity, of_effects

RULE = Rule(
    code="token_to_itself",
    severity=Severity.WARNING,
    words={
        "token_to_itself": gettext_noop("Sends tokens to their own contract, where they are lost."),
    },
    page=("Evidence: a transfer whose recipient is the token's own contract."),
    find=of_effects(
        lambda effect: effect.kind is Kind.TRANSFER and effect.recipient == effect.asset and effect.asset != ETHER
    ),
)
