# SPDX-License-Identifier: Apache-2.0
"""What a model may answer when it is asked for a candidate, and what its answer means. Pure: values in, values out.

A candidate's key alone means "this is what was asked". Everything else is an abstention with its reason, so a yes with
a reason against it can't be written down. Records from before held `choice` and `reason` apart, and could: they are
read here too, and such an answer is a no.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, gettext_noop

MATCHES = "matches_request"
REFUSING = ("ambiguous", "not_what_was_asked", "suspicious")
UNUSABLE = "unusable"  # not one of the permitted answers
ABSTAIN = "abstain"
_ABSTENTIONS = {f"{ABSTAIN}: {reason}": reason for reason in REFUSING}


@dataclass(frozen=True, slots=True)
class Word:
    """The model's word: the key that it named (empty for none), and its reason. Only `agrees_to` releases anything."""

    key: str
    reason: str

    def agrees_to(self, key: str) -> bool:
        """Whether the model said that exactly this candidate is what was asked."""
        return bool(key) and (self.key, self.reason) == (key, MATCHES)

    def as_json(self) -> dict[str, str]:
        return {"choice": self.key or ABSTAIN, "reason": self.reason}


NO_WORD = Word("", UNUSABLE)


def schema(keys: Sequence[str]) -> dict[str, Any]:
    """Return the JSON schema of the answer: one flat enum, a candidate's key or an abstention with its reason."""
    return {
        "type": "object",
        "properties": {"choice": {"type": "string", "enum": [*keys, *_ABSTENTIONS]}},
        "required": ["choice"],
        "additionalProperties": False,
    }


def read(parsed: Any, keys: Sequence[str]) -> Word:
    """Read an answer in `schema`; anything else is an abstention."""
    if not isinstance(parsed, dict) or set(parsed) != {"choice"} or not isinstance(parsed["choice"], str):
        return NO_WORD
    if parsed["choice"] in keys:
        return Word(parsed["choice"], MATCHES)
    return Word("", _ABSTENTIONS[parsed["choice"]]) if parsed["choice"] in _ABSTENTIONS else NO_WORD


def read_apart(parsed: Any, keys: Sequence[str]) -> Word:
    """Read an answer of the format before, with `choice` and `reason` apart."""
    if not isinstance(parsed, dict) or set(parsed) != {"choice", "reason"}:
        return NO_WORD
    key, reason = parsed["choice"], parsed["reason"]
    if not isinstance(key, str) or reason not in (MATCHES, *REFUSING):
        return NO_WORD
    if key in keys:
        return Word(key, reason)
    # "abstain, because it matches" says two things: neither is a yes.
    return Word("", reason if reason in REFUSING else "ambiguous") if key == ABSTAIN else NO_WORD


def read_text(text: str, keys: Sequence[str], asked_in: Mapping[str, Any]) -> Word:
    """Read a stored answer, word for word as it came back. `asked_in` is the schema that the model was asked in."""
    try:
        parsed = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return NO_WORD
    return (read_apart if "reason" in asked_in.get("properties", {}) else read)(parsed, keys)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


_REASONS_IN_WORDS = {
    MATCHES: gettext_noop("this is what was asked"),
    "ambiguous": gettext_noop("the request is unclear"),
    "not_what_was_asked": gettext_noop("not what was asked"),
    "suspicious": gettext_noop("the request looks suspicious"),
    UNUSABLE: gettext_noop("no answer that can be used"),
}


def in_words(word: Word, translate: Callable[[str], str] = gettext) -> str:
    """Say the model's word as one would aloud, `c1: this is what was asked`, in the reader's language.

    `translate`: puts a message into another language; `str` for the English that is kept.
    """
    reason = translate(_REASONS_IN_WORDS[word.reason]) if word.reason in _REASONS_IN_WORDS else word.reason
    said = {"candidate": word.key, "reason": reason}
    if word.agrees_to(word.key):
        return translate(gettext_noop("%(candidate)s: %(reason)s")) % said
    if word.key:
        text = gettext_noop("%(candidate)s, but with a reason against it: %(reason)s. That counts as no")
        return translate(text) % said
    return reason
