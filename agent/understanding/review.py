# SPDX-License-Identifier: Apache-2.0
"""Text and calls in, everything that code says of them out. Pure: no database, no network, no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agent.understanding import finding_words, gist, ingest, judging
from agent.understanding import flags as flags_module
from agent.understanding.effects import Book, Effect, effects_of
from agent.understanding.flags import Flag, History
from agent.understanding.ingest import Document
from agent.understanding.judging import Verdict
from agent.understanding.live.facts import Facts
from governance.chain.call import ProposedCall


@dataclass(frozen=True)
class Review:
    """A proposal as code sees it."""

    document: Document
    effects: tuple[Effect, ...]
    book: Book
    verdict: Verdict
    flags: tuple[Flag, ...]

    @cached_property
    def summary(self) -> tuple[gist.Line, ...]:
        return gist.written(self.document, self.effects, self.verdict, self.flags)

    def as_json(self) -> dict[str, Any]:
        """What `manage.py review --json` prints."""
        return {
            "outcome": str(self.verdict.outcome),
            "findings": [finding_words.as_json(finding) for finding in self.verdict.findings],
            "effects": [
                {**effect.as_json(), "outcome": gist.status_of(self.verdict, effect.id)} for effect in self.effects
            ],
            "flags": [flag.as_json() for flag in self.flags],
            "summary": [line.as_json() for line in self.summary],
            "orders_not_done": [quote.as_json() for quote in self.verdict.orders_not_done],
        }


def untold(verdict: Verdict) -> frozenset[str]:
    """The ids of the effects that no word of the text tells, or that it tells less often than the calls do them."""
    return frozenset(
        finding.effect
        for finding in verdict.findings
        if finding.effect and (finding.status == "not_told" or {"beside", "hidden", "more_often"} & set(finding.codes))
    )


def review(
    text: str,
    calls: Sequence[ProposedCall],
    book: Book,
    balances: Mapping[bytes, int] | None = None,
    history: History | None = None,
    facts: Facts | None = None,
) -> Review:
    """Review a proposal. Total: whatever text and calls hold, a review comes out.

    `balances` is what the treasury holds by asset, base units; `history` what was proposed before, `facts` what
    the chain said of the calls' accounts; where known.
    """
    document = ingest.read(text)
    effects = tuple(effects_of(calls, book))
    verdict = judging.judge(document, effects, book)
    flags = flags_module.flags(
        document,
        effects,
        book,
        balances,
        actions=len(calls),
        calldata=[call.calldata for call in calls],
        untold=untold(verdict),
        history=history,
        facts=facts,
    )
    return Review(document, effects, book, verdict, tuple(flags))
