# SPDX-License-Identifier: Apache-2.0
"""A model in the attacker's hand: it answers the worst JSON that its schema takes, leaving out among it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.llm.client import Completion, Model, Usage
from agent.understanding.choosing import chosen
from agent.understanding.review import review
from bench.eval.data import Proposal

OMIT, FIRST, LAST = "omit", "first", "last"


class WorstModel(Model):
    """Answers each question at once: nothing at all, or as much as the schema takes from one end of its ids."""

    def __init__(self, how: str) -> None:
        super().__init__("http://nowhere.invalid/v1", f"worst: {how}")
        self._how = how

    def complete(
        self, _messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], _name: str, *, max_tokens: int
    ) -> Completion:
        """The worst answer that obeys `schema`."""
        del max_tokens
        parsed = self._answer(schema)
        return Completion(parsed, json.dumps(parsed), Usage(), self.name, "stop", bytes(32))

    def _answer(self, schema: Mapping[str, Any]) -> Any:
        kind = schema.get("type")
        if kind == "object":
            return {name: self._answer(inner) for name, inner in schema["properties"].items()}
        if kind == "array":
            ids = schema["items"].get("enum")
            if self._how == OMIT and not schema.get("minItems"):
                return []
            if ids is None:
                return [self._answer(schema["items"])]
            most = min(schema.get("maxItems", len(ids)), len(ids))
            return ids[:most] if self._how == FIRST else ids[-most:]
        choices = schema.get("enum", [""])
        return choices[0] if self._how == FIRST else choices[-1]


@dataclass(frozen=True)
class Seen:
    """What a member sees of a proposal: the outcome and the flags; `lines` are the sentences that the model chose."""

    outcome: str
    flags: frozenset[tuple[str, tuple[str, ...]]]
    lines: int


def with_worst_model(text: str, proposal: Proposal, how: str) -> Seen:
    """Review a text with the calls of a proposal, the worst model asked as the product asks one."""
    done = review(text, proposal.calls, proposal.book)
    lines = chosen(done.document, done.effects, proposal.book, WorstModel(how))
    flags = frozenset((flag.code, flag.effects) for flag in done.flags)
    return Seen(str(done.verdict.outcome), flags, len(lines))
