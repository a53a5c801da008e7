# SPDX-License-Identifier: Apache-2.0
"""A policy as the pages show it: decoded from the code on chain, in words, with its spending."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from governance.chain import module
from governance.models import ChainReading, PolicyVersion
from policies.code.encoding import codehash
from policies.code.policy_code import Budget, PolicyCode
from policies.code.ring import Ring, RingError
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line
from policies.words.explanation import Explanation
from policies.words.together import Row
from presentation import words
from presentation.acts import counted_as_of_now
from presentation.as_of import as_of
from presentation.assets import Asset
from presentation.dao_view import DaoView
from presentation.policies import decode_version, explained
from webapp.policies.versions import DocumentView, VersionView, document_of, versions_of
from webapp.policies.window import Window, window_of


@dataclass(frozen=True)
class BudgetView:
    """A budget with what is spent of it, in base units of its asset, at the block of `reading`; None: not known."""

    budget: Budget
    asset: Asset
    spent: int | None
    reading: ChainReading | None

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

    # For the gauge, drawn on a line of 1000.
    @property
    def spent_mark(self) -> int:
        return 0 if not self.spent else min(1000, max(4, self.spent * 1000 // self.limit))

    @property
    def instant_mark(self) -> int:
        return min(1000, self.instant_limit * 1000 // self.limit)


@dataclass(frozen=True)
class PolicyView:
    """A policy version. `problem` stands in place of words where the code can't be shown as a policy."""

    version: PolicyVersion
    code: PolicyCode | None
    explained: Explanation | None
    budgets: list[BudgetView]
    problem: str
    codehash_matches: bool
    paused: bool  # the mirror's word
    doubt_about_pause: str  # a sentence where that is not confirmed
    end_chain_s: int | None  # the module's own answer, which a guardian may have brought forward
    ended: bool
    reading: ChainReading | None  # the module's answer about this version; None: it was not asked yet
    counted_as_of_now: str  # what of the votes that stop an act counts as of now; empty where nothing is known to
    document: DocumentView | None  # None where the code can't be shown, and so names none
    versions: list[VersionView]

    @property
    def as_of(self) -> str:
        """The block at which the module was asked, and how long ago; empty where it was not."""
        return as_of(self.reading)

    @property
    def sentences(self) -> list[str]:
        """Every line about the policy; none where its code can't be shown."""
        return self.explained.lines if self.explained else []

    @property
    def table(self) -> list[tuple[Row, BudgetView]]:
        """Each budget in words, beside what is spent of it."""
        return list(zip(self.explained.table, self.budgets, strict=True)) if self.explained else []

    @property
    def title(self) -> str:
        return f"{words.short(hex_text(self.version.policy_id))}"


def policy_views(place: DaoView, versions: Sequence[PolicyVersion]) -> list[PolicyView]:
    """Each policy in words, with what the module said of it when it was asked last. Asks no node."""
    readings = {
        (row.kind, bytes(row.address), bytes(row.key)): row
        for row in ChainReading.objects.filter(
            dao=place.dao, kind__in=(ChainReading.Kind.POLICY, ChainReading.Kind.RING)
        )
    }
    found: list[PolicyView] = []
    for version in versions:
        code, problem = decode_version(version)
        address, policy_id = bytes(version.module.address), bytes(version.policy_id)
        budgets = (
            [
                _budget(place, budget, readings.get((ChainReading.Kind.RING, address, key)))
                for budget, key in zip(code.budgets, module.budget_keys(policy_id, code), strict=True)
            ]
            if code
            else []
        )
        reading = readings.get((ChainReading.Kind.POLICY, address, policy_id))
        on_chain = module.read_policy(bytes(reading.value)) if reading else None
        if on_chain is not None and on_chain.version != version.version:
            reading = on_chain = None  # what was read is of the version before
        module_state = place.module_states.get(version.module_id)
        end = on_chain.end_chain_s if on_chain else None
        found.append(
            PolicyView(
                version,
                code,
                explained(place, code) if code else None,
                budgets,
                problem,
                codehash(bytes(version.code)) == bytes(version.codehash),
                module_state.paused if module_state else False,
                place.doubt_about_pause(version.module_id),
                end,
                end is not None and end <= place.now_chain_s,
                reading,
                counted_as_of_now(version.module),
                document_of(code) if code else None,
                versions_of(place, version),
            )
        )
    return found


def _budget(place: DaoView, budget: Budget, reading: ChainReading | None) -> BudgetView:
    spent = None
    if reading is not None:
        ring = Ring.unpack(module.read_word(bytes(reading.value)))
        with suppress(RingError):  # a ring that is newer than its block: no chain says that
            spent = budget.base_units(ring.spent(budget.segment_s, reading.block_timestamp_chain_s))
    return BudgetView(budget, place.asset(budget.asset), spent, reading)
