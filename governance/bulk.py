# SPDX-License-Identifier: Apache-2.0
"""Many rows at once into PostgreSQL, by COPY. Identity columns may be left out; constraints hold as for any insert."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice

import psycopg
from django.db import connection

_AT_ONCE = 500  # rows, or pieces of them
_SPECIAL = re.compile(r"[\\\t\n\r]")
_NAMES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def field(value: object) -> str:
    """A value as COPY's text format has it: int, bool, bytes, text without NUL, or None."""
    if value is None:
        return r"\N"
    if isinstance(value, bytes):
        return r"\\x" + value.hex()
    if isinstance(value, str):
        return _SPECIAL.sub(lambda found: _NAMES[found[0]], value)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not for COPY")


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Append rows, each with a value for every column."""
    copy_lines(table, columns, ("\t".join(map(field, row)) for row in rows))


def copy_lines(table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
    """Append rows that are written already: `field`s with tabs between them."""
    _copy(table, columns, "text", (line.encode() + b"\n" for line in lines))


def copy_binary(table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Append rows in PostgreSQL's binary COPY format (each with its number of fields in front)."""
    _copy(table, columns, "binary", rows, b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff")


def _copy(
    table: str, columns: Sequence[str], how: str, rows: Iterable[bytes], header: bytes = b"", trailer: bytes = b""
) -> None:
    pieces = iter(rows)
    part = list(islice(pieces, _AT_ONCE))
    if not part:
        return
    connection.ensure_connection()
    # A cursor of psycopg's own: Django's knows no COPY.
    with (
        psycopg.Cursor(connection.connection) as sql,
        sql.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT {how})") as copy,
    ):
        copy.write(header)
        while part:  # the server stores one part while we write the next one
            copy.write(b"".join(part))
            part = list(islice(pieces, _AT_ONCE))
        copy.write(trailer)


def next_ids(table: str, count: int) -> Sequence[int]:
    """So many ids of a table, ascending, that nobody else will get."""
    with connection.cursor() as sql:
        # The sequence stands there as a constant: as an expression it would be looked up for every single id.
        # Nearly always the ids follow each other, and then the first one says all.
        sql.execute(
            """SELECT min(id), CASE WHEN max(id) - min(id) + 1 <> count(*) THEN array_agg(id ORDER BY id) END
               FROM (SELECT nextval(%s::regclass) id FROM generate_series(1, %s)) taken""",
            [_sequence(table), count],
        )
        first, apart = sql.fetchone()
    if apart is not None:
        return apart
    return range(first, first + count) if count else ()


@lru_cache(maxsize=16)
def _sequence(table: str) -> str:
    with connection.cursor() as sql:
        sql.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        return sql.fetchone()[0]
