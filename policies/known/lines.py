# SPDX-License-Identifier: Apache-2.0
"""Read a fact file: tab-separated lines, with a head of `# key name@version licence integrity` lines."""

from collections.abc import Iterator
from pathlib import Path


def rows(path: Path) -> Iterator[list[str]]:
    """Return the cells of each line of a fact file, without its head."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def sources(path: Path) -> dict[str, str]:
    """Return what a fact file's head names: a package's key -> `name@version`."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        parts = line[1:].split()
        if len(parts) >= 3 and "@" in parts[1]:
            found[parts[0]] = parts[1]
    return found
