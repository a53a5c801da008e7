# SPDX-License-Identifier: Apache-2.0
"""What a flag is, what it may look at, and how one is written down: `Flag`, `Case`, `Rule`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from agent.understanding.effects import Book, Effect
from agent.understanding.ingest import Document
from agent.understanding.live.facts import Facts
from governance.sentences import Sentence, Table


class Severity(StrEnum):
    """How much a flag should worry a voter. Set by how often honest proposals raise it (docs/flags.md)."""

    NOTICE = "notice"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True)
class Earlier:
    """An earlier proposal of the same DAO. `calls` and `text` are hashes of what it called and said."""

    number: str
    calls: bytes
    text: bytes
    created_chain_s: int
    state: str = ""  # how it ended: a value of governance.state.State, "" where that is not known


@dataclass(frozen=True)
class History:
    """What the mirror knows of the DAO before a proposal. `earlier` is sorted, the newest first. The proposer's voting
    power, in the votes token's base units, when it was proposed and a day before; None where it is not known."""

    calls: bytes
    text: bytes
    created_chain_s: int
    earlier: tuple[Earlier, ...] = ()
    power: int | None = None
    power_before: int | None = None


@dataclass(frozen=True)
class Case:
    """All that flags may look at. No model's output is among it, so no text can talk a flag away."""

    document: Document
    effects: Sequence[Effect]
    book: Book
    balances: Mapping[bytes, int] = field(default_factory=dict)  # what the treasury holds, base units by asset
    calls: int = 0  # how many calls the proposal has
    calldata: Sequence[bytes] | None = None  # the calls' data as it is executed, where it is at hand
    untold: frozenset[str] | None = None  # ids of effects that no word tells, by the verdict; None: not judged
    history: History | None = None
    facts: Facts | None = None  # what the chain said of the calls' accounts; None: it was not asked


@dataclass(frozen=True)
class Found:
    """One thing that a rule found: the values of its sentence, and the ids of the calls it is about."""

    values: Mapping[str, Any] = field(default_factory=dict)
    effects: tuple[str, ...] = ()
    says: str = ""  # the sentence's code where it is not the flag's own
    severity: Severity | None = None  # where it is not the rule's own


@dataclass(frozen=True)
class Rule:
    """A flag's own file: its code, its severity, the words for it, what `docs/flags.md` says of it, how it is found."""

    code: str
    severity: Severity
    words: Mapping[str, str]  # sentence code -> English template
    page: str  # evidence and meaning, as docs/flags.md shows it
    find: Callable[[Case], Iterator[Found]]
    as_written: Mapping[str, str] = field(default_factory=dict)  # of a code, the value that stands so in the text

    @cached_property
    def _table(self) -> Table:
        return Table(f"flag {self.code}", self.words, as_written=self.as_written)

    def flag(self, found: Found) -> Flag:
        """Return the flag that says what was found."""
        sentence = self._table.say(found.says or self.code, **found.values)
        return Flag(self.code, found.severity or self.severity, sentence, found.effects)


@dataclass(frozen=True)
class Flag:
    """A computed warning. `effects` are the ids of the calls it is about."""

    code: str
    severity: Severity
    sentence: Sentence
    effects: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The English text, which is stored and which the API shows."""
        return self.sentence.text

    def as_json(self) -> dict:
        return {
            "code": self.code, "severity": str(self.severity), "text": self.text, "effects": list(self.effects),
            "sentence": self.sentence.as_json(),
        }  # fmt: skip


def ids(effects: Sequence[Effect]) -> tuple[str, ...]:
    """The ids of effects, in their order."""
    return tuple(effect.id for effect in effects)


def at(case: Case, address: bytes, selector: bytes | None = None) -> tuple[str, ...]:
    """The ids of the effects that call an address (and a function there), or that put its code in place."""
    return ids(
        [
            effect
            for effect in case.effects
            if address in effect.addresses
            and (selector is None or (effect.target == address and effect.selector == selector))
        ]
    )


def of_effects(chosen: Callable[[Effect], bool], says: str = "") -> Callable[[Case], Iterator[Found]]:
    """A search for effects of one sort: one finding that names them all."""

    def find(case: Case) -> Iterator[Found]:
        if found := [effect for effect in case.effects if chosen(effect)]:
            yield Found(effects=ids(found), says=says)

    return find
