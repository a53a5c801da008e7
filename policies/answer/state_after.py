# SPDX-License-Identifier: Apache-2.0
"""The module's state after an act, for those who play acts through in Python (backtest and simulate)."""

from collections.abc import Mapping
from dataclasses import replace

from policies.answer.evaluate import PolicyState
from policies.code.policy_code import Budget, PolicyCode
from policies.code.ring import Ring

MOST_END_S = (2**24 - 1) * 3600


def performed(
    policy: PolicyCode, state: PolicyState, charges: Mapping[int, int], now_s: int, *, released: bool = False
) -> PolicyState:
    """The state after an act that `evaluate` allowed at `now_s` with these charges (units by the budget's number).

    A release takes no number and starts no cooldown: its scheduling did.
    """
    rings = dict(state.rings)
    for index, units in charges.items():
        budget = policy.budgets[index]
        key = budget.key(state.policy_id, policy.agent)
        rings[key] = Ring.unpack(rings.get(key, 0)).charged(budget.segment_s, now_s, units).pack()
    if released:
        return replace(state, rings=rings)
    return replace(state, rings=rings, number=state.number + 1, last_act_s=now_s)


def scheduled(policy: PolicyCode, state: PolicyState, now_s: int) -> PolicyState:
    """The state after an act was scheduled at `now_s`: charged is only what leaves, so no ring changes."""
    expiry_s = now_s + policy.objection_delay_s + policy.release_window_s
    waiting = tuple(expiry for expiry in state.pending_expiries_s if expiry > now_s)
    return replace(state, number=state.number + 1, last_act_s=now_s, pending_expiries_s=(*waiting, expiry_s))


def next_return_s(budget: Budget, packed: int, now_s: int) -> int | None:
    """When the oldest of what counts at `now_s` stops counting; None where nothing does."""
    return Ring.unpack(packed).turned(budget.segment_s, now_s).returns_s(budget.segment_s)
