# SPDX-License-Identifier: Apache-2.0
"""Text and calls in, everything that code says of them out. Pure: no database, no network, no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agent.understanding import flags as flags_module
from agent.understanding import gist, ingest, judging
from agent.understanding.effects import Book, Effect, effects_of
from agent.understanding.flags import Flag
from agent.understanding.ingest import Document
from agent.understanding.judging import Finding, Verdict
from governance.chain.call import Call


@dataclass(frozen=True)
class Review:
    """A proposal as code sees it."""

    document: Document
    effects: tuple[Effect, ...]
    verdict: Verdict
    flags: tuple[Flag, ...]

    @cached_property
    def summary(self) -> tuple[gist.Line, ...]:
        return gist.written(self.document, self.effects, self.verdict, self.flags)

    def as_json(self) -> dict[str, Any]:
        """What `manage.py review --json` prints."""
        return {
            "outcome": str(self.verdict.outcome),
            "findings": [_finding(finding) for finding in self.verdict.findings],
            "effects": [
                {**effect.as_json(), "outcome": gist.status_of(self.verdict, effect.id)} for effect in self.effects
            ],
            "flags": [flag.as_json() for flag in self.flags],
            "summary": [line.as_json() for line in self.summary],
            "orders_not_done": [quote.as_json() for quote in self.verdict.orders_not_done],
        }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "status": str(finding.status),
        "effect": finding.effect,
        "codes": list(finding.codes),
        "quote": finding.quote.as_json() if finding.quote else None,
    }


def untold(verdict: Verdict) -> frozenset[str]:
    """The ids of the effects that no word of the text tells."""
    return frozenset(finding.effect for finding in verdict.findings if finding.status == "not_told")


def review(text: str, calls: Sequence[Call], book: Book) -> Review:
    """Review a proposal. Total: whatever text and calls hold, a review comes out."""
    document = ingest.read(text)
    effects = tuple(effects_of(calls, book))
    verdict = judging.judge(document, effects, book)
    flags = flags_module.flags(
        document,
        effects,
        book,
        actions=len(calls),
        calldata=[call.calldata for call in calls],
        untold=untold(verdict),
    )
    return Review(document, effects, verdict, tuple(flags))
