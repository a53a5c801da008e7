# SPDX-License-Identifier: Apache-2.0
"""A budget's rolling window at a block: when what counts was spent, and when it can be spent again."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from policies.code.policy_code import Budget
from policies.code.ring import BUCKETS, Ring
from presentation import words
from presentation.assets import Asset

WIDTH, HEIGHT = 1000, 100  # of the drawing


@dataclass(frozen=True)
class Return:
    """What can be spent again from a moment on; `counts` is what counts from then, if nothing more is spent. Both in
    base units of the budget's asset. It was spent from `spent_from_chain_s` on and before `spent_before_chain_s`."""

    at_chain_s: int
    amount: int
    counts: int
    spent_from_chain_s: int
    spent_before_chain_s: int


@dataclass(frozen=True)
class Window:
    """What counts against a budget from `now_chain_s` on, if nothing more is spent."""

    budget: Budget
    asset: Asset
    now_chain_s: int
    spent: int
    returns: tuple[Return, ...]

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """Since when it was spent, when it comes back, how much, and what counts from then, in words."""
        return [
            (
                words.moment(one.spent_from_chain_s),
                words.moment(one.at_chain_s),
                self.asset.text(one.amount),
                self.asset.text(one.counts),
            )
            for one in self.returns
        ]

    @property
    def text(self) -> str:
        """The drawing in one sentence."""
        last = self.returns[-1]
        shown = {
            "spent": self.asset.text(self.spent),
            "limit": self.asset.text(self.budget.base_units(self.budget.limit)),
            "first": words.moment(self.returns[0].at_chain_s),
            "last": words.moment(last.at_chain_s),
        }
        return (
            gettext(
                "%(spent)s of %(limit)s count now; the first part comes back at %(first)s, the last at %(last)s, if "
                "nothing more is spent. Before now the line shows of what counts now when it was spent."
            )
            % shown
        )

    @property
    def path(self) -> str:
        """The steps of what counts now, as a path of SVG: up where it was spent, and down where it comes back."""
        parts, built = [f"M0 {HEIGHT}"], 0
        for one in self.returns:
            built += one.amount
            parts.append(f"H{self._x(one.spent_from_chain_s)}V{self._y(built)}")
        parts += (f"H{self._x(one.at_chain_s)}V{self._y(one.counts)}" for one in self.returns)
        return "".join([*parts, f"H{WIDTH}"])

    @property
    def now_mark(self) -> int:
        """Where now lies, from the left."""
        return self._x(self.now_chain_s)

    def _x(self, chain_s: int) -> int:
        """From the first segment that can count to a little after the last return."""
        begin_s = (self.now_chain_s // self.budget.segment_s - BUCKETS + 1) * self.budget.segment_s
        end_s = self.returns[-1].at_chain_s + self.budget.segment_s
        return (chain_s - begin_s) * WIDTH // (end_s - begin_s)

    @property
    def bounds(self) -> list[int]:
        """Where the lines of the limit and of what may be spent at once lie, from the top."""
        limit, instant = (self.budget.base_units(units) for units in (self.budget.limit, self.budget.instant_limit))
        return list(dict.fromkeys((self._y(limit), self._y(instant))))

    def _y(self, base_units: int) -> int:
        limit = self.budget.base_units(self.budget.limit)
        return HEIGHT - min(HEIGHT, base_units * HEIGHT // limit)


def window_of(budget: Budget, asset: Asset, ring: Ring, now_chain_s: int) -> Window | None:
    """What a ring says of the time from a moment on; None where nothing counts. Raises RingError: see `Ring.turned`."""
    now = ring.turned(budget.segment_s, now_chain_s)
    counts = spent = budget.base_units(sum(now.buckets))
    returns = []
    for segment in range(now.index - BUCKETS + 1, now.index + 1):
        amount = budget.base_units(now.buckets[segment % BUCKETS])
        if amount:
            counts -= amount
            begin_s, end_s = segment * budget.segment_s, (segment + 1) * budget.segment_s
            returns.append(Return((segment + BUCKETS) * budget.segment_s, amount, counts, begin_s, end_s))
    return Window(budget, asset, now_chain_s, spent, tuple(returns)) if returns else None
