# SPDX-License-Identifier: Apache-2.0
"""Many rows at once into PostgreSQL, by COPY. Identity columns may be left out; constraints hold as for any insert."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import psycopg
from django.db import connection

_AT_ONCE = 1000  # lines
NULL = r"\N"
_SPECIAL = re.compile(r"[\\\t\n\r]")
_NAMES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def field(value: object) -> str:
    """A value as COPY's text format has it: int, bool, bytes, text without NUL, or None."""
    if value is None:
        return NULL
    if isinstance(value, bytes):
        return r"\\x" + value.hex()
    if isinstance(value, str):
        return _SPECIAL.sub(lambda found: _NAMES[found[0]], value)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not for COPY")


def array(values: Iterable[bytes | int]) -> str:
    """Return an array as PostgreSQL writes it, for a parameter with its type behind: `%s::bytea[]`.

    The driver's own way looks at each value in Python, and costs a sync a tenth of its time.
    """
    return (
        "{" + ",".join([rf'"\\x{value.hex()}"' if isinstance(value, bytes) else str(value) for value in values]) + "}"
    )


def copy_lines(table: str, columns: Sequence[str], lines: Sequence[str]) -> None:
    """Append rows that are written already: `field`s with tabs between them."""
    if lines:
        _copy(table, columns, "text", ("\n".join([*lines[i : i + _AT_ONCE], ""]).encode() for i in _starts(lines)))


def copy_binary(table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Append rows in PostgreSQL's binary COPY format (each with its number of fields in front), in pieces of any
    size."""
    _copy(table, columns, "binary", (b"PGCOPY\n\xff\r\n\0" + bytes(8), *rows, b"\xff\xff"))


def _starts(lines: Sequence[str]) -> range:
    return range(0, len(lines), _AT_ONCE)


def _copy(table: str, columns: Sequence[str], how: str, pieces: Iterable[bytes]) -> None:
    connection.ensure_connection()
    # A cursor of psycopg's own: Django's knows no COPY.
    with (
        psycopg.Cursor(connection.connection) as sql,
        sql.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT {how})") as copy,
    ):
        for piece in pieces:  # the server stores one while we write the next one
            copy.write(piece)


def next_ids(table: str, count: int) -> Sequence[int]:
    """So many ids of a table, ascending, that nobody else will get."""
    if not count:
        return ()
    # The sequence stands there as a constant: as an expression it would be looked up for every single id.
    taken = "FROM (SELECT nextval(%s::regclass) AS id FROM generate_series(1, %s)) AS taken"
    with connection.cursor() as sql:
        sql.execute(f"SELECT min(id), max(id) {taken}", [_sequence(table), count])
        first, last = sql.fetchone()
        if last - first + 1 == count:  # nearly always they follow each other, and then the ends say all
            return range(first, last + 1)
        sql.execute(f"SELECT array_agg(id) {taken}", [_sequence(table), count])
        return sorted(sql.fetchone()[0])


@lru_cache(maxsize=16)
def _sequence(table: str) -> str:
    with connection.cursor() as sql:
        sql.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        return sql.fetchone()[0]
