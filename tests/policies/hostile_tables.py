# SPDX-License-Identifier: Apache-2.0
"""Documents with tables and parameters, and their tables, damaged on purpose: each must end in a clear answer.

`python -m tests.policies.hostile_tables 200000` reads so many of them; the tests read a few hundred.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from random import Random
from time import perf_counter

from policies.code.document_model import Sources, TableRow
from policies.document.table_text import read_table
from tests.policies.hostile_documents import LETTERS, TEMPLATES, VALUES, answer, damaged, outcome_of, read, report
from tests.policies.test_tables import EACH, HEAD, NAMES, address, people, written_out

PARAMETERS = 'parameters: {share: 5 %, pause: 10 minutes, most: "4,500", token: USDC}\n'
CAPS = (
    "addresses: {for each people: {$name: $address}}\ntables: {people: {file: people.csv}}\n"
    "lists: {all: {file: people.txt}}\n"
    'budgets: {pay: {limit: "40,000 $token", period: 24 days, without objection: "$most $token"}}\n'
    'rules:\n  - for each: people\n    call: "transfer(address to, uint256 amount)"\n    on: $token\n'
    '    where: {to: [{equals: $name}, {one of: all}], amount: {cap: "$amount ${token}"}}\n    charge: {pay: amount}\n'
)
TWO = EACH.replace("tables: {", "tables: {others: {file: others.csv}, ").replace(
    "addresses: {", "addresses: {for each others: {x_$name: $address}, "
)
TEXTS = (
    HEAD + EACH,
    HEAD + TWO,
    HEAD.replace("5 %", "$share").replace("10 minutes", "$pause") + PARAMETERS + CAPS,
    HEAD.replace("{", "{\n  ").replace(", ", ",\n  ") + EACH.replace(", ", ",\n    "),
    written_out().replace("threshold: 5 %", "threshold: $share") + "parameters: {share: 5 %}\n",
)
CELLS = (
    "", " ", "name", "$name", "$$", "${name}", "$", "$0", "a,b", "4,500", "4.500", "0", "-1", "1e9", "9" * 200,
    "9" * 201, "x" * 32, "x" * 33, "people", "USDC", "ETH", "ines", "INES", "ines.eth", "anyone", "anything", "[a, b]",
    "{a: b}",
    "# x", "'", "''", "\\", "=1+1", "@x", "0x", "0x" + "0" * 40, address(1), address(1).lower(), address(9),
    "2026-11-01", "5 %", "\u202e", "\u200b", "\ufeff", "\x00", "\ud800", "\u0085", "\u2028", "é", "٣", "a\nb",
    "for each people",
)  # fmt: skip
OTHERS = f"name,address\nquin,{address(10)}\nrosa,{address(11)}\n"
MOST_ROWS = 2100


def damaged_table(random: Random) -> str:
    """A table of people, damaged in up to three places; now and then a large one, or none at all."""
    rows = [["name", "address", "amount"], *([name, address(n), f"{n}500"] for n, name in enumerate(NAMES, 1))]
    for _ in range(random.choice((0, 0, 1, 1, 1, 2))):
        row = rows[random.randrange(len(rows))] if rows else []
        match random.randrange(9):
            case 0 | 1 | 2 if row:
                row[random.randrange(len(row))] = random.choice((*CELLS, *VALUES))
            case 3:
                row.append(random.choice(CELLS))
            case 4 if row:
                del row[random.randrange(len(row))]
            case 5:
                rows.insert(random.randrange(len(rows) + 1), list(row))
            case 6:
                random.shuffle(rows)
            case 7 if rows:
                del rows[random.randrange(len(rows))]
            case 8 if random.random() < 0.02:
                rows += [[f"n{n}", address(n % 15 + 1), str(n)] for n in range(random.randrange(MOST_ROWS))]
            case _:
                rows.append([])
    return _written(random, rows)


def _written(random: Random, rows: list[list[str]]) -> str:
    """The rows as text: mostly CSV as spreadsheets write it, sometimes with a character that was put in or left out."""
    separator, end = random.choice(",,,;\t|"), random.choice(("\n", "\n", "\r\n", "\r"))
    quoted = random.choice((True, True, False))
    text = end.join(separator.join(_cell(cell, separator, quoted) for cell in row) for row in rows)
    if random.random() < 0.2:
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(LETTERS) + text[at + random.randrange(2) :]
    return random.choice(("", "", "", "\ufeff")) + text + random.choice((end, "", end * 3))


def _cell(text: str, separator: str, quoted: bool) -> str:
    return '"' + text.replace('"', '""') + '"' if quoted and (separator in text or '"' in text) else text


def whole_sources() -> Sources:
    """What the texts find outside themselves when nothing is damaged."""
    return _sources(people(), NAMES, {})


def damaged_sources(random: Random) -> tuple[Sources, str]:
    """What the document finds outside itself, and the table's text."""
    table = people() if random.random() < 0.3 else damaged_table(random)
    names = ("share", "pause", "most", "token", "other")
    parameters = {random.choice(names): random.choice((*VALUES, *CELLS)) for _ in range(random.choice((0, 0, 0, 1, 2)))}
    items = NAMES if random.random() < 0.8 else (*NAMES, random.choice(CELLS))
    return _sources(table, items, parameters), table


def _sources(table: str, items: Sequence[str], parameters: Mapping[str, str]) -> Sources:
    def rows(name: str) -> tuple[TableRow, ...]:
        if name not in ("people.csv", "others.csv"):
            raise FileNotFoundError(2, "No such file or directory")
        return read_table(table if name == "people.csv" else OTHERS)

    return Sources(read_list=lambda _: items, read_table=rows, parameters=parameters)


def search(count: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """Each damaged document and its table with what became of it, as `hostile_documents.search` names it."""
    random = Random(seed)
    texts = [*TEXTS, *(text + PARAMETERS for text in read(TEMPLATES))]
    for _ in range(count):
        text = random.choice(TEXTS) if random.random() < 0.4 else damaged(random, texts)
        sources, table = damaged_sources(random)
        shown = f"{text}\n-- people.csv\n{table}\n-- {dict(sources.parameters)}"
        began_s = perf_counter()
        try:
            document = answer(text, sources=sources)
        except Exception as error:  # noqa: BLE001 whatever it is, it is what is looked for
            yield f"{type(error).__name__}: {error}"[:100], shown
        else:
            yield outcome_of(document, began_s, partial(answer, text, sources=sources)), shown


if __name__ == "__main__":
    raise SystemExit(report(search(int(sys.argv[1]), int(sys.argv[2], 0) if len(sys.argv) > 2 else 1)))
