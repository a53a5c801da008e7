# SPDX-License-Identifier: Apache-2.0
"""A summary that code writes: why, what it does, how text and calls agree, what to worry about. Each with its source.

It is there for every proposal, at once and without a model. Where a model is set up it may choose other sentences of
the text and of the calls in its place (`agent.understanding.writer`); it writes none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.understanding.effects import Effect
from agent.understanding.flags import Flag, Severity
from agent.understanding.ingest import Document, Span
from agent.understanding.judging import Outcome, Verdict
from agent.understanding.words import say
from agent.understanding.writer import has_link, placed

MOST_EFFECTS = 3
_MIN_WORDS = 5
_LOOKED_AT = 60  # spans from the beginning in which a purpose is looked for
_UNDER = re.compile(r"\b(abstract|summary|purpose|overview|tl;?dr|motivation|proposal|objective|goal)\b", re.IGNORECASE)
_FIELD = re.compile(r"^\W*[\w .'-]{1,30}\W*[:|]")  # "Author: ...", "| Status | Active |"
_WORST_FIRST = ("not_told", "differs", "opaque", "told_in_part", "told")


@dataclass(frozen=True)
class Line:
    """A sentence of the summary. `kind` says what it rests on: "span", "effect", "verdict" or "flag". `place` is where
    a span stands in the text that pages show."""

    text: str
    kind: str
    id: str = ""
    quote: str = ""
    said: Mapping[str, Any] | None = None
    place: tuple[int, int] | None = None

    def as_json(self) -> dict[str, Any]:
        source = {"kind": self.kind, "id": self.id, "quote": self.quote, **placed(self.place)}
        found = {"text": self.text, "source": source, "by": "code"}
        return {**found, "said": dict(self.said)} if self.said else found


def status_of(verdict: Verdict, effect_id: str) -> str:
    """How the text speaks of an effect: "told", "told_in_part", "not_told", "differs" or "opaque"."""
    finding = verdict.of(effect_id)
    return str(finding.status) if finding else "told_in_part"


def purpose_of(document: Document) -> Span | None:
    """The sentence that most likely says what the proposal is for: the first whole one under a heading like
    "Abstract", else the first whole one. None where the text has none, or only ones with links."""
    first: Span | None = None
    is_under = False
    for span in document.spans[:_LOOKED_AT]:
        if span.heading:
            is_under = bool(_UNDER.search(span.text))
        elif _is_whole(span):
            if is_under:
                return span
            first = first or span
    return first


def _is_whole(span: Span) -> bool:
    words = span.plain.split()
    return (
        len(words) >= _MIN_WORDS and not has_link(span.text) and not _FIELD.match(span.plain) and "\t" not in span.text
    )


def written(document: Document, effects: Sequence[Effect], verdict: Verdict, flags: Sequence[Flag]) -> tuple[Line, ...]:
    """The summary by code. Effects that no word tells come first; of many, the first are told and the rest counted."""
    lines: list[Line] = []
    if verdict.outcome is not Outcome.TOLD:
        said = say(f"gist_{verdict.outcome}")
        lines.append(Line(said.text, "verdict", str(verdict.outcome), said=said.as_json()))
    if purpose := purpose_of(document):
        lines.append(Line(purpose.plain, "span", purpose.id, purpose.text, place=(purpose.start, purpose.end)))
    ranked = sorted(effects, key=lambda effect: _WORST_FIRST.index(status_of(verdict, effect.id)))
    for effect in ranked[:MOST_EFFECTS]:
        text = str(effect.sentence)
        lines.append(Line(text, "effect", effect.id, text))
    if (more := len(ranked) - MOST_EFFECTS) > 0:
        said = say("gist_more", count=more)
        lines.append(Line(said.text, "effect", said=said.as_json()))
    dangers = (flag for flag in flags if flag.severity is Severity.DANGER)
    return (*lines, *(Line(f.text, "flag", f.code, said=f.as_json()["sentence"]) for f in dangers))
