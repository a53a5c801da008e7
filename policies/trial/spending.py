# SPDX-License-Identifier: Apache-2.0
"""What counts against each budget of a policy while time passes: a ring is turned when something falls out of it."""

from collections.abc import Mapping, Sequence

from policies.code.policy_code import Budget
from policies.code.ring import Ring

Spent = tuple[int, ...]  # units of each budget, by its number
_NEVER_S = 2**64


class Spending:
    """The rings of a policy's budgets at a moment that only goes on."""

    def __init__(self, budgets: Sequence[Budget]) -> None:
        self._segments_s = [budget.segment_s for budget in budgets]
        self._rings = [Ring() for _ in budgets]
        self._returns_s = [_NEVER_S for _ in budgets]
        self.spent: Spent = (0,) * len(budgets)
        self.next_return_s = _NEVER_S  # past every clock where nothing counts

    def turn(self, now_s: int) -> None:
        """To this moment, which is not before the last one."""
        if now_s >= self.next_return_s:
            self._set({number: self._rings[number].turned(segment_s, now_s) for number, segment_s in self._due(now_s)})

    def charge(self, charges: Mapping[int, int], now_s: int) -> None:
        """Units by the budget's number, at the moment that was turned to."""
        self._set(
            {
                number: self._rings[number].charged(self._segments_s[number], now_s, units)
                for number, units in charges.items()
            }
        )

    def _due(self, now_s: int) -> list[tuple[int, int]]:
        return [(number, self._segments_s[number]) for number, at_s in enumerate(self._returns_s) if at_s <= now_s]

    def _set(self, rings: Mapping[int, Ring]) -> None:
        spent = list(self.spent)
        for number, ring in rings.items():
            self._rings[number] = ring
            spent[number] = sum(ring.buckets)
            returns_s = ring.returns_s(self._segments_s[number])
            self._returns_s[number] = _NEVER_S if returns_s is None else returns_s
        self.spent = tuple(spent)
        self.next_return_s = min(self._returns_s, default=_NEVER_S)
