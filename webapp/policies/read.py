# SPDX-License-Identifier: Apache-2.0
"""A policy as the pages show it: decoded from the code on chain, in words, with its spending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from governance.chain import module
from governance.models import ChainReading, PolicyVersion
from policies.code.encoding import codehash
from policies.code.policy_code import PolicyCode
from policies.notation.hexadecimal import hex_text
from policies.words.explanation import Explanation
from policies.words.together import Row
from presentation import words
from presentation.acts import counted_as_of_now
from presentation.as_of import as_of
from presentation.budgets import BudgetView, budgets_of, module_readings
from presentation.dao_view import DaoView
from presentation.policies import decode_version, explained
from webapp.policies.versions import DocumentView, VersionView, document_of, versions_of


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
    place: DaoView

    @cached_property
    def document(self) -> DocumentView | None:
        """The document that the code names; None where the code can't be shown. A query, made where it is asked for."""
        return document_of(self.code) if self.code else None

    @cached_property
    def versions(self) -> list[VersionView]:
        """The versions so far. Two queries, made where they are asked for."""
        return versions_of(self.place, self.version)

    @property
    def name(self) -> str:
        """Its name in the document whose hash is in its code; empty where that is not known."""
        return self.document.policy_name(bytes(self.version.policy_id)) if self.document else ""

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
    readings = module_readings(place)
    found: list[PolicyView] = []
    for version in versions:
        code, problem = decode_version(version)
        address, policy_id = bytes(version.module.address), bytes(version.policy_id)
        budgets = budgets_of(place, policy_id, code, address, readings) if code else []
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
                place,
            )
        )
    return found
