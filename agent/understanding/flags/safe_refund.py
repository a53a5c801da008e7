# SPDX-License-Identifier: Apache-2.0
"""A Safe pays whoever executes, or somebody that the call names."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import Effect, Kind
from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids


def _pays(effect: Effect) -> bool:
    # Where nobody knows that the target is a Safe, its call still asks for the refund.
    asks = {argument.name: argument.value for argument in effect.arguments}.get("gasPrice", 0)
    return effect.kind is Kind.REFUND or (effect.kind is Kind.UNKNOWN and bool(asks))


def find(case: Case) -> Iterator[Found]:
    if found := [effect for effect in case.effects if _pays(effect)]:
        yield Found(effects=ids(found))


RULE = Rule(
    code="safe_refund",
    severity=Severity.DANGER,
    words={
        "safe_refund": gettext_noop(
            "A Safe pays a refund for gas on top of its call. The call sets its price and who gets it."
        )
    },
    page=(
        "Evidence: an `execTransaction` with a gas price above zero. The refund has no upper bound but the price "
        "that the call itself names: it can empty a Safe while the call seems to do nothing."
    ),
    find=find,
)
