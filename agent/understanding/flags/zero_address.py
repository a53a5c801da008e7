# SPDX-License-Identifier: Apache-2.0
"""Something goes to the zero address."""

from django.utils.translation import gettext_noop

from agent.understanding.effects import Effect, Kind
from agent.understanding.flags.flag import Rule, Severity, of_effects
from governance.chain.address import ZERO

_MOVING = frozenset({Kind.TRANSFER, Kind.MINT, Kind.APPROVE, Kind.ROLE_CHANGE, Kind.DELEGATE})


def _is_lost(effect: Effect) -> bool:
    something = effect.amount is None or bool(effect.amount)
    return effect.kind in _MOVING and effect.recipient == ZERO and something


RULE = Rule(
    code="zero_address",
    severity=Severity.WARNING,
    words={"zero_address": gettext_noop("Names the zero address, which nobody controls.")},
    page="Evidence: a recipient, spender, owner or delegate is the zero address. What goes there is lost.",
    find=of_effects(_is_lost),
)
