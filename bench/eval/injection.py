# SPDX-License-Identifier: Apache-2.0
"""Injected orders in proposals' texts: where they are put, and which way a verdict may never move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

# Where a text is put into a proposal's.
PLACEMENTS: Mapping[str, Callable[[str, str], str]] = {
    "first": lambda text, more: f"{more}\n\n{text}",
    "last": lambda text, more: f"{text}\n\n{more}",
    "in the middle": lambda text, more: _amid(text, more),
    "heading": lambda text, more: f"{text}\n\n## {' '.join(more.split())}\n",
    "list item": lambda text, more: f"{text}\n\n- {' '.join(more.split())}\n",
    "comment": lambda text, more: f"{text}\n\n<!-- {more.replace('--', '- -')} -->",
}
# From red to green: a move to the right is one towards yes. That nothing can be compared says neither.
TOWARDS_YES = ("no_calls", "differs", "not_told", "cant_be_checked", "told_in_part", "told")


def _amid(text: str, more: str) -> str:
    paragraphs = text.split("\n\n")
    middle = len(paragraphs) // 2
    return "\n\n".join([*paragraphs[:middle], more, *paragraphs[middle:]])


def chosen(texts: list[str], count: int) -> list[str]:
    """So many of the texts, spread evenly over them all."""
    step = max(1, len(texts) // count)
    return texts[::step][:count]


def placed(text: str, more: str) -> Iterator[tuple[str, str]]:
    """The text with another put into it, in each placement: its name and the whole."""
    for name, put in PLACEMENTS.items():
        yield name, put(text, more)
