# SPDX-License-Identifier: Apache-2.0
"""Read the fact files of this folder, and name the packages that all facts come from."""

from collections.abc import Iterator
from pathlib import Path

from policies.known import lines, tokens

FOLDER = Path(__file__).parent


def rows(name: str) -> Iterator[list[str]]:
    """Return the cells of each line of a fact file, without its head."""
    return lines.rows(FOLDER / name)


def sources(name: str) -> dict[str, str]:
    """Return what a fact file's head names: a package's key -> `name@version`."""
    return lines.sources(FOLDER / name)


def packages() -> frozenset[str]:
    """Return every `name@version` that the facts come from."""
    files = [FOLDER / name for name in ("functions.tsv", "addresses.tsv", "labels.tsv")] + [tokens.FILE]
    return frozenset(spec for file in files for spec in lines.sources(file).values())
