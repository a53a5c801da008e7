# SPDX-License-Identifier: Apache-2.0
"""Many rows at once into PostgreSQL, by COPY. Identity columns may be left out; constraints hold as for any insert."""

import re
from collections.abc import Iterable, Sequence

import psycopg
from django.db import connection

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
    body = "\n".join(lines)
    if body:
        _copy(table, columns, (body + "\n").encode(), "text")


def copy_binary(table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Append rows in PostgreSQL's binary COPY format (each with its number of fields in front)."""
    body = b"".join(rows)
    if body:
        header = b"PGCOPY\n\xff\r\n\0" + bytes(8)
        _copy(table, columns, header + body + b"\xff\xff", "binary")


def _copy(table: str, columns: Sequence[str], body: bytes, how: str) -> None:
    connection.ensure_connection()
    # A cursor of psycopg's own: Django's knows no COPY.
    with (
        psycopg.Cursor(connection.connection) as sql,
        sql.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT {how})") as copy,
    ):
        copy.write(body)


def next_ids(table: str, count: int) -> Sequence[int]:
    """So many ids of a table, ascending, that nobody else will get."""
    with connection.cursor() as sql:
        # Nearly always they follow each other, and then the first one says all.
        sql.execute(
            """SELECT min(id), CASE WHEN max(id) - min(id) + 1 <> count(*) THEN array_agg(id ORDER BY id) END
               FROM (SELECT nextval(pg_get_serial_sequence(%s, 'id')::regclass) id
                     FROM generate_series(1, %s)) taken""",
            [table, count],
        )
        first, apart = sql.fetchone()
    if apart is not None:
        return apart
    return range(first, first + count) if count else ()
