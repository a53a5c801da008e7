#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes contracts/src/libraries/StandingEffects.sol from policies/code/outliving.tsv: one list for chain and compiler.

Usage: standing_effects.py [--check]

Standard library only. Exit status: 0 written, or nothing to write; 1 with one line where the list can't be read or,
with --check, where the contract is not what the list says.
"""

import argparse
import re
import sys
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "policies" / "code" / "outliving.tsv"
CONTRACT = ROOT / "contracts" / "src" / "libraries" / "StandingEffects.sol"
_ROW = re.compile(r"([a-z]+)\t([a-zA-Z_]\w*\([a-z0-9,()\[\]]*\))\t([ -~]*)")
_HEAD = """\
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title StandingEffects
/// @notice Functions that authorise somebody to take value *later*, past every budget, or that give control away. No
/// rule may name one, but for an ERC-20's `approve` under a rule that demands the allowance back to zero at the end of
/// the act.
/// @dev A list can't be complete: any contract may have such a function under another name. It catches what is known;
/// the people who vote see target and selector of the rest, and the explanation says that foreign code is not bounded
/// in time. Written by contracts/scripts/standing_effects.py from policies/code/outliving.tsv, which the compiler of
/// policies reads too: change the list there.
library StandingEffects {
    /// @notice Whether the selector is one of the known ones.
    function has(bytes4 selector) internal pure returns (bool) {
        return """


class ListError(Exception):
    """The list can't be read. The message names the line."""


def rows(text: str) -> list[tuple[str, str, str]]:
    """Family, signature and note of each function. Raises ListError; families stand together, nothing stands twice."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            continue
        row = _ROW.fullmatch(line)
        if row is None:
            raise ListError(f"line {number} is not a family, a signature and a note, with tabs between")
        found.append((row[1], row[2], row[3]))
    families = [family for family, _ in groupby(family for family, _, _ in found)]
    if len(set(families)) != len(families) or len({signature for _, signature, _ in found}) != len(found):
        raise ListError("a family stands in two places, or a signature twice")
    return found


def contract(found: list[tuple[str, str, str]]) -> str:
    """The library's source."""
    groups = [(family, list(members)) for family, members in groupby(found, key=lambda row: row[0])]
    calls = "\n            || ".join(f"_{family}(selector)" for family, _ in groups)
    return _HEAD + f"{calls};\n    }}\n" + "".join(_function(family, members) for family, members in groups) + "}\n"


def _function(family: str, members: list[tuple[str, str, str]]) -> str:
    lines = []
    for place, (_, signature, note) in enumerate(members):
        begin = "        return " if place == 0 else "            || "
        end = ";" if place == len(members) - 1 else ""
        comment = f" // {note}" if note else ""
        lines.append(f'{begin}s == bytes4(keccak256("{signature}")){end}{comment}')
    body = "\n".join(lines)
    return f"\n    function _{family}(bytes4 s) private pure returns (bool) {{\n{body}\n    }}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write StandingEffects.sol from policies/code/outliving.tsv.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the contract differs")
    options = parser.parse_args()
    try:
        wanted = contract(rows(LIST.read_text()))
    except (OSError, ListError) as error:
        print(f"standing_effects: {LIST.relative_to(ROOT)}: {error}", file=sys.stderr)
        return 1
    if wanted == CONTRACT.read_text():
        return 0
    if options.check:
        print(
            "standing_effects: StandingEffects.sol differs; run contracts/scripts/standing_effects.py", file=sys.stderr
        )
        return 1
    CONTRACT.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
