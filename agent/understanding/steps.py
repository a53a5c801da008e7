# SPDX-License-Identifier: Apache-2.0
"""Approvals that a text tells by what they are for: "deposit 100 USDC into the vault", "fund the Safe by an allowance".

Such words tell an approval of exactly that amount in part: who may take it is named, and not that it is an approval.
Which call then takes it is compared by itself. An approval of more than the words say stays what differs.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from agent.understanding.effects import UNLIMITED, Effect
from agent.understanding.moods import Mood
from agent.understanding.orders import Order
from agent.understanding.telling import Context, Level, Telling
from governance.chain.address import ZERO
from policies.notation.amounts import base_units

_SAYS_APPROVAL = re.compile(
    r"\b(?:approv\w*|allowances?|allows?|allowed|permits?|permitted|spend(?:er|ing)?|pull|draw|take)\b"
)
_TAKES_BACK = re.compile(r"\b(?:revok|remov|cancel|reduc|decreas|lower|withdraw|end(?:s|ing)? )\w*")


def tell_steps(
    orders: Sequence[Order], effects: Sequence[Effect], of: dict[str, Telling], context: Context
) -> list[Order]:
    """Tell approvals in part by the orders that they are steps of. Returns those orders: they are not undone."""
    called = {one.target for one in effects if (one.function or one.is_opaque) and str(one.kind) != "approve"}
    by_place: dict[tuple[int, int], list[Order]] = {}
    for order in orders:
        if order.mood in (Mood.ORDER, Mood.DOUBT) and order.quantity is not None:
            by_place.setdefault((order.passage.start, order.passage.end), []).append(order)
    found: list[Order] = []
    for effect in effects:
        best = of.get(effect.id)
        if not _is_exact_approval(effect) or (best is not None and best.level >= Level.PART):
            continue
        for place, beside in by_place.items():
            if not _is_amount(beside, effect, context) or not _is_for(beside, place, effect, called, context):
                continue
            of[effect.id] = Telling(Level.PART, ("verb",), *place, beside[0])
            found += beside
            break
    return found


def _is_exact_approval(effect: Effect) -> bool:
    is_some = effect.amount is not None and 0 < effect.amount < UNLIMITED
    return str(effect.kind) == "approve" and is_some and effect.recipient not in (None, ZERO)


def _is_amount(beside: Sequence[Order], effect: Effect, context: Context) -> bool:
    """Whether one of a passage's amounts, or all of them together, is what the approval is of."""
    token = context.book.tokens.get(effect.asset or b"")
    if token is None:
        return False
    of_token = [
        order.quantity.readings[0]
        for order in beside
        if order.quantity is not None
        and len(order.quantity.readings) == 1
        and effect.asset in context.symbols.get(order.quantity.symbol, ())
    ]
    amounts = {base_units(number, token.decimals) for number in (*of_token, sum(of_token, Decimal(0)))}
    return effect.amount in amounts


def _is_for(
    beside: Sequence[Order],
    place: tuple[int, int],
    effect: Effect,
    called: set[bytes],
    context: Context,
) -> bool:
    """Whether a passage names who may take the money, or names nobody where the calls use that contract."""
    said = beside[0].passage.text
    if _TAKES_BACK.search(said.casefold()):
        return False
    symbol = context.book.symbol(effect.recipient or b"")  # "wrap 100 USDC into USDCx"
    is_token = bool(symbol) and re.search(rf"(?<!\w){re.escape(symbol)}(?!\w)", said) is not None
    is_named = is_token or effect.recipient in context.named.get(place, ())
    if is_named and _SAYS_APPROVAL.search(said.casefold()):
        return True
    if effect.recipient not in called:
        return False
    names_nobody = not any(order.recipients or order.recipient_name for order in beside)
    return is_named or (names_nobody and context.book.knows(effect.recipient or b""))


def step_of(effect: Effect, effects: Sequence[Effect], of: Mapping[str, Telling]) -> Telling | None:
    """What tells the approval that a call of money uses: the same amount, and the contract that may take it."""
    values = {argument.value for argument in effect.arguments if isinstance(argument.value, int)}
    for approval in effects:
        telling = of.get(approval.id)
        if (
            telling is not None
            and telling.level >= Level.PART
            and _is_exact_approval(approval)
            and approval.recipient == effect.target
            and approval.amount in values
        ):
            return telling
    return None
