# SPDX-License-Identifier: Apache-2.0
"""A table of people as CSV: a header, then a row for each. Spreadsheets write it in many ways; nothing is guessed.

What separates the cells is the comma, the semicolon or the tab that stands in the header.
"""

import csv
import io
import re
from typing import Any

from policies.code.document_model import TableRow
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import checksum, is_hex_address
from policies.notation.problems import shown
from policies.notation.visible import hidden

MOST_ROWS = 2000
MOST_CELL = 200
MOST_PROBLEMS = 20
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


def read_table(text: str) -> tuple[TableRow, ...]:
    """The rows of a table. Raises ValueError, a line for each thing that is wrong: what, and after `; ` what to do."""
    text = text.removeprefix("\ufeff")
    header_line = text.partition("\n")[0]
    separator = next((one for one in ";\t" if one in header_line), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return _rows(reader)
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: this is not CSV ({error}); mind the quotes") from None


def _rows(reader: Any) -> tuple[TableRow, ...]:
    header = [cell.strip() for cell in next(reader, [])]
    _check_header(header)
    rows: list[TableRow] = []
    problems: list[str] = []
    names: dict[str, int] = {}
    lengths: set[int] = set()
    for cells in reader:
        line = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        problem = _wrong_row(header, [cell.strip() for cell in cells], names, line)
        if problem:
            problems.append(f"line {line}: {problem}")
        lengths.add(len(cells))
        rows.append(TableRow(line, dict(zip(header, (cell.strip() for cell in cells), strict=False))))
        if len(rows) > MOST_ROWS:
            raise ValueError(f"has more than {MOST_ROWS} rows; write several tables")
        if len(problems) >= MOST_PROBLEMS:
            break
    if len(rows) > 1 and len(lengths) == 1 and lengths != {len(header)}:
        raise ValueError(
            f"line 1: the header names {len(header)} columns, and each row has {min(lengths)} cells; name each column"
        )
    if problems:
        raise ValueError("\n".join(problems))
    if not rows:
        raise ValueError("has no rows; write one below the header for each")
    return tuple(rows)


def _check_header(header: list[str]) -> None:
    if not any(header):
        raise ValueError("is empty; begin with a header such as name,address,amount")
    wrong = next((cell for cell in header if _COLUMN.fullmatch(cell) is None), None)
    if wrong is not None:
        raise ValueError(f"line 1: {shown(wrong)} is no name of a column; write letters, digits and _, such as amount")
    twice = next((cell for cell in header if header.count(cell) > 1), None)
    if twice is not None:
        raise ValueError(f"line 1: two columns are called {twice}; give each its own name")


def _wrong_row(header: list[str], cells: list[str], names: dict[str, int], line: int) -> str | None:
    if len(cells) != len(header):
        return f"{len(cells)} cells below {len(header)} columns; put a cell with a comma in quotes"
    for column, cell in zip(header, cells, strict=True):
        if not cell:
            return f"nothing is written under {column}; write it, or leave the row out"
        if len(cell) > MOST_CELL or any(True for _ in hidden(cell)) or not cell.isprintable():
            return f"what is written under {column} is too long, or has characters that nobody sees; write it plainly"
        if is_hex_address(cell) and cell != (right := checksum(hex_bytes(cell))):
            return f"{cell} has no valid checksum (EIP-55); copy it again, and only if it is right write {right}"
    if "name" in header:
        name = cells[header.index("name")]
        if name.lower() in names:
            return f"{shown(name)} is in line {names[name.lower()]} as well; give each row its own name"
        names[name.lower()] = line
    return None
