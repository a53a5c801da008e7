# SPDX-License-Identifier: Apache-2.0
"""A policy's budgets, with what is left of each as the module was read last. Asks no node."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from django.utils.translation import gettext

from governance.chain import module
from governance.models import ChainReading
from policies.answer.forecast import forecast
from policies.code.policy_code import Budget, PolicyCode
from policies.code.ring import Ring, RingError
from policies.notation.visible import one_line
from presentation import words
from presentation.as_of import as_of
from presentation.assets import Asset
from presentation.dao_view import DaoView
from presentation.window import Window, window_of

Readings = Mapping[tuple[str, bytes, bytes], ChainReading]


@dataclass(frozen=True)
class BudgetView:
    """A budget with what is spent of it, in base units of its asset, at the block of `reading`; None: not known."""

    budget: Budget
    asset: Asset
    spent: int | None
    reading: ChainReading | None
    end_s: int = 0  # of the policy, by its code

    @property
    def as_of(self) -> str:
        """The block at which the module was asked, and how long ago; empty where it was not."""
        return as_of(self.reading)

    @property
    def name(self) -> str:
        return one_line(self.budget.label, 40)

    @property
    def limit(self) -> int:
        return self.budget.base_units(self.budget.limit)

    @property
    def instant_limit(self) -> int:
        return self.budget.base_units(self.budget.instant_limit)

    @property
    def left(self) -> int | None:
        return None if self.spent is None else max(0, self.limit - self.spent)

    @property
    def left_instant(self) -> int | None:
        return None if self.spent is None else max(0, self.instant_limit - self.spent)

    @property
    def period_text(self) -> str:
        return words.duration(self.budget.period_s)

    @property
    def limit_text(self) -> str:
        return self.asset.text(self.limit)

    @property
    def instant_text(self) -> str:
        return self.asset.text(self.instant_limit)

    @property
    def spent_text(self) -> str:
        return "" if self.spent is None else self.asset.text(self.spent)

    @property
    def left_text(self) -> str:
        return "" if self.left is None else self.asset.text(self.left)

    @property
    def left_instant_text(self) -> str:
        return "" if self.left_instant is None else self.asset.text(self.left_instant)

    @property
    def window(self) -> Window | None:
        """The rolling window from the block that was read; None where nothing counts, or that is not known."""
        if not self.spent or self.reading is None:
            return None
        ring = Ring.unpack(module.read_word(bytes(self.reading.value)))
        return window_of(self.budget, self.asset, ring, self.reading.block_timestamp_chain_s)

    @property
    def forecast_text(self) -> str:
        """When it is used up at the pace so far, in words, with the pace; empty where nothing counts."""
        if not self.spent or self.reading is None:
            return ""
        ring = Ring.unpack(module.read_word(bytes(self.reading.value)))
        found = forecast(self.budget, ring, self.reading.block_timestamp_chain_s, self.end_s)
        if found is None:
            return ""
        pace = {
            "since": words.moment(found.since_s),
            "pace": self.asset.text(self.budget.base_units(int(found.units_a_day)), 2),
        }
        if found.used_up_s is not None:
            text = gettext("Used up on %(day)s, if it goes on as since %(since)s (%(pace)s a day).")
            return text % {**pace, "day": words.day(found.used_up_s)}
        text = gettext("Not used up before %(day)s, if it goes on as since %(since)s (%(pace)s a day).")
        return text % {**pace, "day": words.day(found.until_s)}

    # For the gauge, drawn on a line of 1000.
    @property
    def spent_mark(self) -> int:
        return 0 if not self.spent else min(1000, max(4, self.spent * 1000 // self.limit))

    @property
    def instant_mark(self) -> int:
        return min(1000, self.instant_limit * 1000 // self.limit)


def module_readings(place: DaoView) -> Readings:
    """What the DAO's policy modules answered last, by what was asked, of which module, about which key."""
    kinds = (ChainReading.Kind.POLICY, ChainReading.Kind.RING)
    rows = ChainReading.objects.filter(dao=place.dao, kind__in=kinds)
    return {(row.kind, bytes(row.address), bytes(row.key)): row for row in rows}


def budgets_of(
    place: DaoView, policy_id: bytes, code: PolicyCode, address: bytes, readings: Readings
) -> list[BudgetView]:
    """Each budget of a policy in the module at `address`, in the order of its code."""
    return [
        _budget(place, budget, readings.get((ChainReading.Kind.RING, address, key)), code.end_s)
        for budget, key in zip(code.budgets, module.budget_keys(policy_id, code), strict=True)
    ]


def _budget(place: DaoView, budget: Budget, reading: ChainReading | None, end_s: int) -> BudgetView:
    spent = None
    if reading is not None:
        ring = Ring.unpack(module.read_word(bytes(reading.value)))
        with suppress(RingError):  # a ring that is newer than its block: no chain says that
            spent = budget.base_units(ring.spent(budget.segment_s, reading.block_timestamp_chain_s))
    return BudgetView(budget, place.asset(budget.asset), spent, reading, end_s)
