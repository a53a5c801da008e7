# SPDX-License-Identifier: Apache-2.0
"""What the parts of the fold share while logs are applied: the DAO, the batch, and what the handlers leave behind."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from django.db.models import Model, QuerySet

from governance import incidents
from governance.models import Contract, Dao
from governance.projections.batch import Batch, Source
from governance.projections.events import Event, Undecodable
from governance.projections.rows import LogRow
from governance.sentences import Sentence
from governance.words import say

_Row = TypeVar("_Row", bound=Model)

# Applies one event. It may raise Undecodable, where the event's values are none that a table can hold.
Handler = Callable[[Contract, LogRow, Event], None]


class Part(Protocol):
    """A subject's part of the fold."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handler of each event that this part applies, by the event's name."""


@dataclass
class Unread:
    """What could not be understood: known events that don't decode, and events that nothing here knows."""

    undecodable: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unknown: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class OnePass:
    """One pass over logs of one DAO, inside the caller's transaction.

    `touched` holds the ids of the rows that handlers wrote, by model; `recount` the numbers of the proposals whose
    votes are summed again when the batch ends.

    `anew`: the logs are folded once more, and rows of the pass before are still there. Then only what this pass has
    touched itself is seen, as in a mirror that reads these logs for the first time.
    """

    def __init__(self, dao: Dao, *, anew: bool):
        self.dao, self.anew = dao, anew
        self.source = Source(dao, dao.contracts.all())
        self.contracts = self.source.contracts
        self.batch = Batch(self.source)
        self.unread = Unread()
        self.touched: dict[type, set[int]] = defaultdict(set)
        self.recount: set[int] = set()
        self._news: list[tuple[tuple[int, int, int], tuple[str, str, int]]] = []

    @property
    def news(self) -> list[tuple[str, str, int]]:
        """Return the outbox entries (topic, key, block number) of what happened, in chain order."""
        return [entry for _, entry in self.news_by_place]

    @property
    def news_by_place(self) -> list[tuple[tuple[int, int, int], tuple[str, str, int]]]:
        """Return the same with the place of the log that tells each."""
        return sorted(self._news, key=itemgetter(0))

    def publish(self, topic: str, key: str, log: LogRow) -> None:
        """Add an outbox entry for what a log says."""
        self._news.append((log.place, (topic, key, log.block_number)))

    def end_batch(self) -> Batch:
        """Return the batch, its outbox entries taken over, and begin an empty one."""
        batch, self.batch = self.batch, Batch(self.source)
        self._news += batch.news
        return batch

    def seen(self, rows: QuerySet[_Row]) -> QuerySet[_Row]:
        """Return these rows; when folding anew, those of them that this pass has touched."""
        return rows.filter(pk__in=self.touched[rows.model]) if self.anew else rows

    def note_undecodable(self, contract: Contract, log: LogRow, error: Undecodable) -> None:
        """Count a log that can't be read, and raise an incident for it."""
        self.unread.undecodable[f"{contract}: {error}"] += 1
        self.note_incident(
            incidents.Kind.UNDECODABLE,
            say("log_undecodable", contract=str(contract), reason=str(error)),
            {"contract": contract.pk, "log": "{}:{}:{}".format(*log.place)},
            log.block_number,
        )

    def note_incident(self, kind: incidents.Kind, detail: Sentence, facts: dict[str, Any], block_number: int) -> None:
        """Raise an incident, where none of this kind with these facts is open."""
        incidents.note_once(self.dao, kind, about=facts, detail=detail, first_block=block_number)
