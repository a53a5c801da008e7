# SPDX-License-Identifier: Apache-2.0
"""Finding proposals: by words of their text (PostgreSQL's full text, and where that finds nothing, words that are spelt
nearly so), by who made them, by how they ended.

Words are kept beside the proposals, not in them: a tally changes with each vote, and its row must stay cheap to write.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import category, normalize
from urllib.parse import urlencode

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import MD5
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from governance.models import Proposal, TimelockOperation
from governance.open_proposals import open_condition
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from presentation.proposals import ProposalRow, page_of_proposals, rows_of
from webapp.models import SearchText
from webapp.proposals import spelling
from webapp.proposals.spelling import Near

READ = 50_000  # characters of a text that are searched: what PostgreSQL holds of one text has an end
MOST_WORDS = 8
MOST_COUNTED = 1_000
_AT_A_TIME = 200
_LOOKED_AT = 5_000  # of what words find, where an outcome is asked for too
_LANGUAGE = "simple"  # words as they are: texts come in many languages
_NO_WORD = re.compile(r"[\W_]")

SHOWS: dict[str, Promise] = {
    "all": gettext_lazy("All"),
    "open": gettext_lazy("Open"),
    "executed": gettext_lazy("Executed"),
    "canceled": gettext_lazy("Canceled"),
    "ended": gettext_lazy("Not passed, or expired"),
}


@dataclass(frozen=True)
class Search:
    """What is looked for. `by`: who made it, 20 bytes."""

    words: str = ""
    show: str = "all"
    by: bytes | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is one of the two lists that need no search."""
        return not self.words and self.by is None and self.show in ("all", "open")

    def query(self, by_text: str = "") -> str:
        """It as the part of an address that follows a page's number; empty where all are shown."""
        asked = {"q": self.words, "show": "" if self.show == "all" else self.show, "by": by_text}
        found = urlencode({name: value for name, value in asked.items() if value})
        return f"&{found}" if found else ""


@dataclass(frozen=True)
class Found:
    """A page of what was found. `near`: what was looked for in place of words that no text has."""

    rows: list[ProposalRow]
    count: int
    near: Sequence[Near] = ()


def page_of(place: DaoView, search: Search, *, page: int = 1, size: int = PAGE) -> Found:
    """A page of what is found, newest first, and how many there are: MOST_COUNTED + 1 for more than MOST_COUNTED."""
    if search.is_plain:
        return Found(*page_of_proposals(place, only_open=search.show == "open", page=page, size=size))
    near: list[Near] = []
    numbers = _found(place, search)
    if not numbers and search.words and (near := spelling.near(place.dao, _asked(search.words))):
        numbers = _found(place, search, near)
    rows = rows_of(place, numbers[(page - 1) * size : page * size])
    return Found(rows, len(numbers), near if numbers else ())


def _found(place: DaoView, search: Search, near: Sequence[Near] = ()) -> list[int]:
    """The numbers (primary keys) of what is found, newest first. Rows of a DAO are made in the order of its chain."""
    most = MOST_COUNTED + 1
    if not search.words and search.by is None:
        shown = Proposal.objects.filter(_shows(place, search.show), dao=place.dao)
        return list(shown.order_by("-created_block", "-id").values_list("pk", flat=True)[:most])
    found = SearchText.objects.filter(dao=place.dao)
    if search.by is not None:
        found = found.filter(proposer=search.by)
    if search.words:
        found = found.filter(vector=query_of(search.words, near))
    numbers = found.order_by("-proposal").values_list("proposal", flat=True)
    if search.show == "all":
        return [*_numbered(place, search), *numbers[:most]][:most]
    among = [*_numbered(place, search), *numbers[:_LOOKED_AT]]
    shown = Proposal.objects.filter(_shows(place, search.show), pk__in=among)
    return list(shown.order_by("-id").values_list("pk", flat=True)[:most])


def _numbered(place: DaoView, search: Search) -> list[int]:
    """The proposal whose number was written, whatever its text."""
    if not search.words.isdecimal() or not search.words.isascii() or len(search.words) > 77:
        return []
    found = Proposal.objects.filter(dao=place.dao, proposal_id=int(search.words))
    if search.by is not None:
        found = found.filter(proposer=search.by)
    return list(found.exclude(search_text__vector=query_of(search.words)).values_list("pk", flat=True))


def _shows(place: DaoView, show: str) -> Q:
    operations = TimelockOperation.objects.filter(proposal=OuterRef("pk"))
    executed = Q(executed=True) | Exists(operations.filter(executed=True))
    canceled = Q(canceled=True) | Exists(operations.filter(canceled=True))
    match show:
        case "executed":
            return executed
        case "canceled":
            return canceled & ~Q(executed=True)
        case "open":
            return open_condition(place.dao, place.one("governor"), place.now)
    return ~executed & ~canceled & ~open_condition(place.dao, place.one("governor"), place.now)


def plain(text: str) -> str:
    """A text as words and spaces alone: of what is asked and of what is searched alike, so that PostgreSQL's parser
    sees no number with a sign, no host and no path in either. A mark belongs to its letter."""
    return _NO_WORD.sub(lambda found: found[0] if category(found[0])[0] == "M" else " ", normalize("NFC", text))


def _asked(words: str) -> list[str]:
    return plain(words).split()[:MOST_WORDS]


def query_of(words: str, near: Sequence[Near] = ()) -> SearchQuery:
    """A question for texts that have all of these words, each at least as the start of one, or in its place one of
    those that are spelt nearly so."""
    meant = {one.asked: " | ".join(one.words) for one in near}
    asked = [f"({meant[word.lower()]})" if word.lower() in meant else f"{word}:*" for word in _asked(words)]
    if not asked:
        return SearchQuery("", config=_LANGUAGE)
    return SearchQuery(" & ".join(asked), search_type="raw", config=_LANGUAGE)


def keep_words() -> int:
    """Keep the words of proposals that are new, or whose text changed. Returns for how many."""
    there = SearchText.objects.filter(proposal=OuterRef("pk"))
    new = list(Proposal.objects.filter(~Exists(there)).order_by("-pk").values_list("pk", flat=True)[:_AT_A_TIME])
    newest = Proposal.objects.order_by("-pk").values("pk")[:_AT_A_TIME]
    changed = SearchText.objects.filter(proposal__in=newest).annotate(now=MD5("proposal__description"))
    numbers = [*new, *changed.exclude(text_md5=F("now")).values_list("proposal", flat=True)]
    texts = dict(Proposal.objects.filter(pk__in=numbers).values_list("pk", "description"))
    digests = [hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts.values()]
    with connection.cursor() as sql:
        sql.execute(
            """INSERT INTO webapp_searchtext (dao_id, proposal_id, proposer, text_md5, vector)
               SELECT dao_id, id, proposer, digest, to_tsvector(%s::regconfig, words)
               FROM governance_proposal JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS t (id, digest, words)
               USING (id)
               ON CONFLICT (proposal_id) DO UPDATE SET text_md5 = excluded.text_md5, vector = excluded.vector""",
            [_LANGUAGE, list(texts), digests, [plain(text[:READ]) for text in texts.values()]],
        )
    spelling.keep(list(texts))
    return len(numbers)
