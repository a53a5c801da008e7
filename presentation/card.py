# SPDX-License-Identifier: Apache-2.0
"""The card of a proposal: each effect beside the words that tell it, those that no word tells first.

Made of a stored summary, for page and mails alike. A row of an earlier version, whose findings were of another kind,
gives effects without an outcome of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext, gettext_noop, ngettext

from agent.models import Summary
from agent.understanding import effects as effects_module
from agent.understanding import finding_words
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
    (
        "told",
        gettext_noop(
            "The text names this effect: what, how much, to whom. Code found no words that take it back. Read the "
            "text: words that no rule knows may."
        ),
    ),
    ("told_in_part", gettext_noop("The text names it, but not all of it. What is missing is written beside it.")),
    ("not_told", gettext_noop("It moves money or power, and no sentence mentions it.")),
    ("differs", gettext_noop("The text names another amount, token or receiver.")),
    ("cant_be_checked", gettext_noop("Nobody can say what the call does; the reason is written beside it.")),
)  # fmt: skip
SIGNS = {"told": "✓", "part": "◐", "not": "!", "differs": "✗", "cant": "?", "none": "○"}
_FIRST = ("not_told", "differs", "opaque", "cant_be_checked", "told_in_part", "told", "")
ALARMS = frozenset({"not_told", "differs"})
RED = frozenset({"not", "differs"})  # the kinds of their tags


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


@dataclass(frozen=True)
class Words:
    """Words of the proposal's text, on one line and cut; `start` and `end` are their place in the text that the page
    shows, -1 where a row of an earlier version does not say it."""

    text: str
    start: int = -1
    end: int = -1

    @property
    def anchor(self) -> str:
        """The place's anchor in the text, as `webapp.markup` makes it; "" where the place is not known."""
        return f"said-{self.start}" if self.start >= 0 else ""


@dataclass
class EffectView:
    """An effect with its outcome, the words that tell it, and what is missing or other."""

    effect: Mapping[str, Any]
    outcome: str
    words: list[Words] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ids: tuple[str, ...] = ()  # of all effects that say the same

    @property
    def id(self) -> str:
        return str(self.effect["id"])

    @property
    def times(self) -> int:
        """How many effects of the card say the same."""
        return len(self.ids)

    @property
    def quotes(self) -> list[str]:
        return [words.text for words in self.words]

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
    """What a proposal does beside what it says. `promises` are orders that no call does; `doubts` are the words that
    keep the text from being a plain yes, or that a plain yes did not compare, each with what is said of it."""

    outcome: str
    effects: list[EffectView]
    promises: list[Words]
    doubts: list[tuple[str, Words]] = field(default_factory=list)

    @property
    def promised(self) -> list[str]:
        return [promise.text for promise in self.promises]

    @property
    def words(self) -> list[Words]:
        """All words of the text that it quotes."""
        of_effects = (words for view in self.effects for words in view.words)
        return [*of_effects, *self.promises, *(words for _, words in self.doubts)]

    @property
    def tag(self) -> Tag | None:
        return tag(self.outcome)

    @property
    def is_alarm(self) -> bool:
        return self.outcome in ALARMS

    @property
    def grouped(self) -> list[EffectView]:
        """Its effects with those that say the same put together."""
        return grouped(self.effects)

    @property
    def lead(self) -> str:
        """The one sentence that a member reads who reads only one."""
        if self.outcome == "no_calls":
            return gettext("The vote alone changes nothing on chain: the proposal has no calls.")
        wanted = "opaque" if self.outcome == "cant_be_checked" else self.outcome
        first = next((view for view in self.effects if view.outcome == wanted), None)
        if first is None and self.outcome == "differs" and self.promised:
            return gettext(
                "The text orders this, and no call that can be read does it, or not as often: “%(order)s”"
            ) % {"order": self.promised[0]}
        first = first or (self.effects[0] if self.effects else None)
        if first is None:
            return ""
        if len(self.effects) == 1:
            return first.sentence
        others = len(self.effects) - 1
        more = ngettext("And %(count)s thing more.", "And %(count)s things more.", others) % {"count": others}
        return f"{first.sentence} {more}"


@dataclass(frozen=True)
class LineView:
    """A sentence of the summary, with what it rests on: in words, and where the page shows it."""

    text: str
    quote: str
    source: str
    effect: str = ""  # the id of the effect that it tells
    words: Words | None = None  # the words of the text that it quotes

    @property
    def anchor(self) -> str:
        """Where the proposal's page shows what it rests on; "" where that is not known."""
        return self.effect or (self.words.anchor if self.words else "")


_SOURCES: Mapping[str, str] = {
    "span": gettext_noop("the proposal's words"),
    "effect": gettext_noop("what the calls do"),
    "verdict": gettext_noop("text and calls compared"),
    "flag": gettext_noop("a flag"),
}


def lines_of(summary: Summary | None) -> list[LineView]:
    """The summary's sentences: those that a model chose, else those of code."""
    if summary is None:
        return []
    by_id = {effect["id"]: effect for effect in summary.effects}
    found = []
    for sentence in summary.sentences:
        source = sentence["source"]
        text = shown(sentence.get("said"), sentence["text"])
        if source["kind"] == "effect" and source.get("id") in by_id:
            text = effects_module.shown(by_id[source["id"]])
        named = _SOURCES.get(source["kind"])
        found.append(
            LineView(
                text,
                source.get("quote", ""),
                gettext(named) if named else str(source["kind"]),
                source.get("id", "") if source["kind"] == "effect" and source.get("id") in by_id else "",
                _words({**source, "text": source.get("quote", "")}) if source["kind"] == "span" else None,
            )
        )
    return found


def is_by_model(summary: Summary | None) -> bool:
    """Whether a model chose the summary's sentences: pages, mails and the API say so."""
    return summary is not None and summary.status == Summary.Status.WRITTEN


def flags_of(summary: Summary | None, *, dangers: bool) -> list[Mapping[str, Any]]:
    """A summary's flags: those that are dangers, or the others."""
    listed = summary.flags if summary else []
    return [flag for flag in listed if (flag["severity"] in ("danger", "high")) is dangers]


def card_of(summary: Summary) -> Card:
    """The card of a stored summary. Effects that move something untold come first, then the others as they are done."""
    by_effect: dict[str, list[Mapping[str, Any]]] = {}
    promises, doubts = [], []
    for finding in summary.findings:
        if finding.get("effect"):
            by_effect.setdefault(finding["effect"], []).append(finding)
        elif _status(finding) in ("not_done", "claimed_not_done"):
            promises.append(_quote(finding) or Words(_note(finding)))
        elif _status(finding) in ("doubt", "not_compared") and (quote := _quote(finding)) is not None:
            doubts.append((_note(finding), quote))
    effects = [_view(effect, by_effect.get(effect["id"], [])) for effect in summary.effects]
    effects.sort(key=lambda view: _FIRST.index(view.outcome) if view.outcome in _FIRST else len(_FIRST))
    return Card(summary.verdict, effects, promises, doubts)


def grouped(effects: Sequence[EffectView]) -> list[EffectView]:
    """The effects of a card with those that say the same put together, each where its first stands: 60 times one
    sentence is read as one."""
    found: dict[tuple[Any, ...], EffectView] = {}
    for view in effects:
        details = tuple(str(detail) for detail in view.effect.get("details") or ())
        key = (view.sentence, view.outcome, tuple(view.quotes), tuple(view.notes), details)
        if key in found:
            found[key].ids += view.ids
        else:
            found[key] = replace(view)
    return list(found.values())


def _view(effect: Mapping[str, Any], findings: list[Mapping[str, Any]]) -> EffectView:
    outcomes = [_status(finding) for finding in findings if _status(finding) in _FIRST]
    view = EffectView(effect, min(outcomes, key=_FIRST.index) if outcomes else "", ids=(str(effect["id"]),))
    for finding in findings:
        if quote := _quote(finding):
            view.words.append(quote)
        if _status(finding) != "told":
            view.notes.append(_note(finding))
    return view


def _note(finding: Mapping[str, Any]) -> str:
    if "status" in finding:
        return finding_words.shown(finding)
    return shown(finding.get("sentence"), finding.get("text", ""))


def _status(finding: Mapping[str, Any]) -> str:
    return str(finding.get("status") or finding.get("kind") or "")


def _quote(finding: Mapping[str, Any]) -> Words | None:
    return _words(finding.get("quote"))


def _words(quote: Any) -> Words | None:
    text = " ".join(str(quote.get("text", "")).split()) if isinstance(quote, Mapping) else ""
    if not text:
        return None
    start, end = quote.get("start"), quote.get("end")
    return Words(text, start, end) if type(start) is int and type(end) is int else Words(text)
