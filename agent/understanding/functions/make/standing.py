# SPDX-License-Identifier: Apache-2.0
"""python -m agent.understanding.functions.make.standing [--check]: write policies/code/standing.tsv again.

It is the list, by selector, of the known functions of other people's contracts whose effect goes on after the act:
those of functions.tsv that a family has (policies/code/families.py), and those that were judged by hand. No network is
asked. `--check` writes nothing and exits with 1 where the file would change.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from agent.understanding.functions.lines import rows
from agent.understanding.functions.table import Input, parse
from governance.chain import abi
from policies.code import families

POLICIES = Path(families.__file__).parent
MADE, BY_HAND = POLICIES / "standing.tsv", POLICIES / "standing_by_hand.tsv"
_HEAD = (
    "# Functions whose effect goes on after the act: selector, family, signature, source. Made by\n"
    "# python -m agent.understanding.functions.make.standing; don't edit. Keys are those of packages.py; `hand` is\n"
    "# standing_by_hand.tsv.\n"
)


def main(arguments: list[str] | None = None) -> int:
    """Return 0, or 1 where, with --check, the file is not as it would be written."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing; exit with 1 where the file would change")
    chosen = options.parse_args(arguments)
    text = _HEAD + "".join(f"{line}\n" for line in lines())
    if MADE.is_file() and MADE.read_text(encoding="utf-8") == text:
        print(f"{MADE.name}: as before")
        return 0
    print(f"{MADE.name}: changed")
    if not chosen.check:
        MADE.write_text(text, encoding="utf-8")
    return 1 if chosen.check else 0


def lines() -> list[str]:
    """Return the file's lines, sorted by selector."""
    found = {signature: (family, source) for signature, family, source in _known()}
    found |= {signature: (family, "hand") for signature, family, _ in by_hand()}
    return sorted(
        f"{abi.selector(signature).hex()}\t{family}\t{signature}\t{source}"
        for signature, (family, source) in found.items()
    )


def by_hand() -> Iterator[tuple[str, str, str]]:
    """Return signature, family (`-` for none) and reason of each line that was judged by hand."""
    for line in BY_HAND.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            signature, family, why = line.split("\t")
            yield signature, family, why


def _known() -> Iterator[tuple[str, str, str]]:
    for file in ("functions.tsv", "functions_by_hand.tsv"):
        for _, text, source in rows(file):
            name, inputs = parse(text)
            family = families.family_of(name, list(flat(inputs)))
            if family is not None:
                signature = f"{name}({','.join(one.type for one in inputs)})"
                yield signature, family.name, source if file == "functions.tsv" else "hand"


def flat(inputs: tuple[Input, ...]) -> Iterator[tuple[str, str]]:
    """Return the types and names of parameters, of tuples those of their members."""
    for one in inputs:
        if one.parts:
            yield from flat(one.parts)
        else:
            yield one.type, one.name


if __name__ == "__main__":
    sys.exit(main())
