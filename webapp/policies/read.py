# SPDX-License-Identifier: Apache-2.0
"""A policy as the pages show it: decoded from the code on chain, in words, its spending read from the module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance.chain.rpc import RpcError
from governance.models import PolicyVersion
from policies.code.encoding import codehash
from policies.code.policy_code import Budget, PolicyCode
from policies.code.ring import Ring, RingError
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import selector
from policies.notation.visible import one_line
from presentation import words
from presentation.assets import Asset
from presentation.dao_view import DaoView
from presentation.policies import decode_version, in_words
from webapp.node import node

_RING = selector("ring(bytes32)")
_POLICY_STATE = selector("policyState(bytes32)")


@dataclass(frozen=True)
class BudgetView:
    """A budget with what is spent of it, in base units of its asset. `spent` is None where the chain was not asked."""

    budget: Budget
    asset: Asset
    spent: int | None

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
    sentences: list[str]
    budgets: list[BudgetView]
    problem: str
    codehash_matches: bool
    paused: bool
    end_chain_s: int | None  # the module's own answer, which a guardian may have brought forward
    ended: bool
    read_at_block: int | None  # None: the chain could not be asked now

    @property
    def title(self) -> str:
        return f"{words.short(hex_text(self.version.policy_id))}"


def policy_views(place: DaoView, versions: Sequence[PolicyVersion]) -> list[PolicyView]:
    """Each policy in words, and its budgets' spending asked of the module in one batch at the mirror's block."""
    decoded = [(version, *decode_version(version)) for version in versions]
    questions: list[tuple[bytes, bytes]] = []
    for version, code, _ in decoded:
        module = bytes(version.module.address)
        questions.append((module, _POLICY_STATE + bytes(version.policy_id)))
        if code:
            keys = (budget.key(bytes(version.policy_id), code.agent) for budget in code.budgets)
            questions.extend((module, _RING + key) for key in keys)
    answers = iter(_ask(place, questions))
    found: list[PolicyView] = []
    for version, code, problem in decoded:
        state = next(answers)
        budgets = []
        for budget in code.budgets if code else ():
            word = next(answers)
            spent = None
            if word is not None and len(word) == 32:
                spent = _spent(budget, int.from_bytes(word, "big"), place.now_chain_s)
            budgets.append(BudgetView(budget, place.asset(budget.asset), spent))
        module_state = place.module_states.get(version.module_id)
        end = int.from_bytes(state[128:160], "big") if state is not None and len(state) >= 160 else None
        found.append(
            PolicyView(
                version,
                code,
                in_words(place, code) if code else [],
                budgets,
                problem,
                codehash(bytes(version.code)) == bytes(version.codehash),
                module_state.paused if module_state else False,
                end,
                end is not None and end <= place.now_chain_s,
                place.block if state is not None else None,
            )
        )
    return found


def _spent(budget: Budget, packed: int, now_chain_s: int) -> int | None:
    """Base units that still count at the mirror's block; None where the ring is newer than it (a block just came)."""
    try:
        return budget.base_units(Ring.unpack(packed).spent(budget.segment_s, now_chain_s))
    except RingError:
        return None


def _ask(place: DaoView, questions: list[tuple[bytes, bytes]]) -> list[bytes | None]:
    """The answers at the mirror's block; None for each that the node did not give."""
    if not questions:
        return []
    try:
        answers = node(place).eth_calls(questions, block=place.block)
    except RpcError:
        return [None] * len(questions)  # the page says that the chain could not be asked
    return [answer if isinstance(answer, bytes) else None for answer in answers]
