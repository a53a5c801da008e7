# SPDX-License-Identifier: Apache-2.0
"""Words of a DAO's texts that are spelt nearly like one that no text has.

PostgreSQL's trigrams (pg_trgm) name what may be meant, the number of mistakes decides. Where the database has no such
extension, only another way to write accents and sharp s is forgiven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from governance.models import Dao

# A word without its accents, as both sides are compared; one letter may be taken apart into 18, so it is cut.
FOLDED = "left(regexp_replace(normalize(replace(lower({0}), 'ß', 'ss'), NFKD), '[\u0300-\u036f]', '', 'g'), 200)"
_SHORTEST, _LONGEST = 4, 30  # letters of a word that is corrected, and of one that is kept to correct others
_MOST_ASKED = 2  # words of one question that are corrected
_CANDIDATES = 20  # of each
_MOST_NEAR = 5
_LIKE_ENOUGH = "0.25"  # of 1, by trigrams: what two mistakes in a word of eight leave
_SHORT, _LIKE_ENOUGH_IF_SHORT = 6, "0.2"  # letters; two of five changed about leave no more


@dataclass(frozen=True)
class Near:
    """A word that no text of the DAO has (`asked`), and words of its texts that are spelt nearly so."""

    asked: str
    words: tuple[str, ...]


def keep(numbers: Sequence[int]) -> None:
    """Keep the words of these proposals, by the vectors that search has of them."""
    with connection.cursor() as sql:
        sql.execute(
            f"""INSERT INTO webapp_searchword (dao_id, word, folded)
                SELECT DISTINCT dao_id, word, {FOLDED.format("word")}
                FROM webapp_searchtext, unnest(tsvector_to_array(vector)) word
                WHERE proposal_id = ANY(%s) AND length(word) BETWEEN %s AND %s AND word !~ '[0-9]'
                ON CONFLICT DO NOTHING""",  # noqa: S608 -- ours
            [list(numbers), _SHORTEST, _LONGEST],
        )


def near(dao: Dao, asked: Sequence[str]) -> list[Near]:
    """Return those of the words that no text of the DAO begins a word with, each with what may be meant; without those
    for which that is nothing. Three queries at most."""
    kept = [word.lower() for word in asked if _SHORTEST <= len(word) <= _LONGEST and word.isalpha()]
    looked_at = list(dict.fromkeys(kept))
    if not looked_at:
        return []
    found = [Near(word, _meant(folded, candidates)) for word, folded, candidates in _candidates(dao, looked_at)]
    return [one for one in found if one.words]


def _candidates(dao: Dao, asked: Sequence[str]) -> list[tuple[str, str, list[list[str]]]]:
    """The words that are in no text, each folded, and with pairs of a word of the texts and that folded."""
    is_like, order = ("kept.folded = asked.folded", "kept.word")
    with transaction.atomic(), connection.cursor() as sql:
        if has_trigrams():
            like = _LIKE_ENOUGH_IF_SHORT if min(map(len, asked)) <= _SHORT else _LIKE_ENOUGH
            sql.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [like])
            is_like, order = ("kept.folded %% asked.folded", "similarity(kept.folded, asked.folded) DESC, kept.word")
        sql.execute(
            f"""SELECT word, asked.folded, (
                    SELECT coalesce(json_agg(json_build_array(one.word, one.folded)), '[]') FROM (
                        SELECT kept.word, kept.folded FROM webapp_searchword kept
                        WHERE kept.dao_id = %s AND {is_like}
                            AND abs(length(kept.folded) - length(asked.folded)) <= 2 ORDER BY {order} LIMIT %s) one)
                FROM unnest(%s::text[]) word, LATERAL (SELECT {FOLDED.format("word")} folded OFFSET 0) asked
                WHERE NOT EXISTS (
                    SELECT FROM webapp_searchtext text
                    WHERE text.dao_id = %s AND text.vector @@ to_tsquery('simple', quote_literal(word) || ':*'))
                LIMIT %s""",  # noqa: S608 -- ours
            [dao.pk, _CANDIDATES, list(asked), dao.pk, _MOST_ASKED],
        )
        return sql.fetchall()


def has_trigrams() -> bool:
    """Whether the database has pg_trgm where this site looks for functions (another application may have made it in a
    schema of its own)."""
    with connection.cursor() as sql:
        sql.execute("SELECT to_regprocedure('similarity(text,text)') IS NOT NULL")
        return bool(sql.fetchone()[0])


def _meant(asked: str, candidates: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The words with the fewest mistakes first, and none with more than the length of what was asked forgives."""
    most = 1 if len(asked) < 8 else 2
    rated = [(mistakes(asked, folded, most), number) for number, (_, folded) in enumerate(candidates)]
    meant = sorted(found for found in rated if found[0] <= most)
    return tuple(candidates[number][0] for _, number in meant[:_MOST_NEAR])


def mistakes(one: str, other: str, most: int) -> int:
    """How many letters are wrong, missing, too many, or changed about with their neighbour; `most + 1` for more than
    `most` (optimal string alignment)."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            cost = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
