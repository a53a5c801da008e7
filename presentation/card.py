# SPDX-License-Identifier: Apache-2.0
"""The card of a proposal: each effect beside the words that tell it, those that no word tells first.

Made of a stored summary, for page and mails alike. A row of an earlier version, whose findings were of another kind,
gives effects without an outcome of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext, gettext_noop

from agent.models import Summary
from agent.understanding import effects as effects_module
from agent.understanding.words import shown

# Outcome -> its tag, as a page, a list and a mail's subject show it; the class names its colour and its sign.
TAGS: Mapping[str, tuple[str, str]] = {
    "told": (gettext_noop("Told"), "told"),
    "told_in_part": (gettext_noop("Told in part"), "part"),
    "not_told": (gettext_noop("NOT TOLD"), "not"),
    "differs": (gettext_noop("Differs"), "differs"),
    "cant_be_checked": (gettext_noop("Can't be checked"), "cant"),
    "opaque": (gettext_noop("Can't be checked"), "cant"),
    "no_calls": (gettext_noop("No calls"), "none"),
    # Of summaries that were computed before the verdict read every sentence.
    "matches": (gettext_noop("Not compared yet"), "none"),
    "unmatched": (gettext_noop("Not compared yet"), "none"),
    "unread": (gettext_noop("Not compared yet"), "none"),
}
MEANINGS: tuple[tuple[str, str], ...] = (
    ("told", gettext_noop("The text names this effect: what, how much, to whom.")),
    ("told_in_part", gettext_noop("The text names it, but not all of it. What is missing is written beside it.")),
    ("not_told", gettext_noop("It moves money or power, and no sentence mentions it.")),
    ("differs", gettext_noop("The text names another amount, token or receiver.")),
    ("cant_be_checked", gettext_noop("Nobody can say what the call does; the reason is written beside it.")),
)  # fmt: skip
SIGNS = {"told": "✓", "part": "◐", "not": "!", "differs": "✗", "cant": "?", "none": "○"}
_FIRST = ("not_told", "differs", "opaque", "cant_be_checked", "told_in_part", "told", "")
ALARMS = frozenset({"not_told", "differs"})


@dataclass(frozen=True)
class Tag:
    """An outcome in words, with the sign and the class that show it without a colour."""

    words: str
    kind: str
    sign: str


def tag(outcome: str) -> Tag | None:
    """The tag of an outcome; None for one that this version does not know."""
    known = TAGS.get(outcome)
    return Tag(gettext(known[0]), known[1], SIGNS[known[1]]) if known else None


def meanings() -> list[tuple[Tag | None, str]]:
    """What the five outcomes mean."""
    return [(tag(outcome), gettext(words)) for outcome, words in MEANINGS]


@dataclass
class EffectView:
    """An effect with its outcome, the words that tell it, and what is missing or other."""

    effect: Mapping[str, Any]
    outcome: str
    quotes: list[dict[str, str]] = field(default_factory=list)  # {"span", "text"}
    notes: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.effect["id"])

    @property
    def sentence(self) -> str:
        """What the call does, in the reader's language."""
        return effects_module.shown(self.effect)

    @property
    def tag(self) -> Tag | None:
        return tag(self.outcome)

    @property
    def is_alarm(self) -> bool:
        return self.outcome in ALARMS


@dataclass
class Card:
    """What a proposal does beside what it says. `promised` are orders that no call does."""

    outcome: str
    effects: list[EffectView]
    promised: list[str]

    @property
    def tag(self) -> Tag | None:
        return tag(self.outcome)

    @property
    def is_alarm(self) -> bool:
        return self.outcome in ALARMS

    @property
    def lead(self) -> str:
        """The one sentence that a member reads who reads only one."""
        first = self.effects[0] if self.effects else None
        if self.outcome == "no_calls":
            return gettext("The vote alone changes nothing on chain: the proposal has no calls.")
        if first is None:
            return ""
        if len(self.effects) == 1:
            return first.sentence
        others = len(self.effects) - 1
        return gettext("%(sentence)s And %(count)s more.") % {"sentence": first.sentence, "count": others}


def card_of(summary: Summary) -> Card:
    """The card of a stored summary. Effects that move something untold come first, then the others as they are done."""
    by_effect: dict[str, list[Mapping[str, Any]]] = {}
    promised = []
    for finding in summary.findings:
        if finding.get("effect"):
            by_effect.setdefault(finding["effect"], []).append(finding)
        elif finding.get("kind") == "claimed_not_done":
            promised.append(_quote(finding) or shown(finding.get("sentence"), finding.get("text", "")))
    effects = [_view(effect, by_effect.get(effect["id"], [])) for effect in summary.effects]
    effects.sort(key=lambda view: _FIRST.index(view.outcome) if view.outcome in _FIRST else len(_FIRST))
    return Card(summary.verdict, effects, promised)


def _view(effect: Mapping[str, Any], findings: list[Mapping[str, Any]]) -> EffectView:
    outcomes = [str(finding["kind"]) for finding in findings if finding.get("kind") in TAGS]
    view = EffectView(effect, min(outcomes, key=_FIRST.index) if outcomes else "")
    for finding in findings:
        if quote := _quote(finding):
            view.quotes.append({"span": str(finding.get("span", {}).get("id", "")), "text": quote})
        if finding.get("kind") != "told":
            view.notes.append(shown(finding.get("sentence"), finding.get("text", "")))
    return view


def _quote(finding: Mapping[str, Any]) -> str:
    span = finding.get("span")
    return " ".join(str(span.get("text", "")).split()) if isinstance(span, Mapping) else ""
