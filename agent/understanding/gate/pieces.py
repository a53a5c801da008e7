# SPDX-License-Identifier: Apache-2.0
"""A passage as its quantities, parties and verbs, and the words and marks between them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.understanding.mentions.parties import Party
from agent.understanding.mentions.quantities import Quantity
from agent.understanding.moods import ActWord
from agent.understanding.orders import Read

# HTML of a name that people know, bare: pages show it as it stands, and other words in angle brackets are words.
TAG = re.compile(
    r"<!-+|-+>|</?(?:a|b|br|center|code|del|details|div|em|h[1-6]|hr|i|img|ins|li|ol|p|pre|s|script|small|span|strong|sub|"
    r"summary|sup|table|tbody|td|th|thead|tr|u|ul)\s?/?>"
)
_TOKEN = re.compile(
    r"(?P<word>[^\W\d_][^\W_]*(?:['’.-][^\W_]+)*(?:_[^\W_]+)*)|(?P<hex>0x[0-9a-f]+)|(?P<number>\d[\d.,]*\w*)|(?P<mark>\S)"
)


@dataclass(frozen=True)
class Piece:
    """One word, mark, quantity, party or verb of a passage."""

    kind: str  # "word", "mark", "number", "quantity", "party", "act"
    text: str  # in small letters
    start: int
    end: int
    thing: Quantity | Party | ActWord | None = None


def pieces(read: Read, given: Iterable[str] = ()) -> list[Piece]:
    """A passage as its quantities, parties, verbs, and the words and marks between them, without the texts `given`."""
    folded = TAG.sub(lambda match: " " * len(match[0]), read.voice.folded)
    things: list[Piece] = [Piece("quantity", folded[q.start : q.end], q.start, q.end, q) for q in read.quantities]
    things += [Piece("party", folded[p.start : p.end], p.start, p.end, p) for p in read.parties]
    things += [Piece("act", a.word, a.start, a.end, a) for a in read.voice.acts]
    for text in given:
        place = folded.find(text)
        while place >= 0:
            end = place + len(text)
            if not (folded[:place][-1:].isalnum() or folded[end:][:1].isalnum()):
                things = [one for one in things if one.end <= place or one.start >= end]
                folded = folded[:place] + " " * len(text) + folded[end:]
            place = folded.find(text, end)
    order = {"quantity": 0, "party": 1, "act": 2}
    taken: list[Piece] = []
    for thing in sorted(things, key=lambda one: (one.start, order[one.kind])):
        last = taken[-1] if taken else None
        if last is not None and thing.start < last.end:
            if order[thing.kind] < order[last.kind]:
                taken[-1] = thing
            continue
        taken.append(thing)
    found: list[Piece] = []
    place = 0
    for thing in (*taken, None):
        stop = thing.start if thing is not None else len(folded)
        for match in _TOKEN.finditer(folded, place, stop):
            kind = match.lastgroup or "mark"
            found.append(Piece("word" if kind == "word" else kind, match[0], match.start(), match.end()))
        if thing is not None:
            found.append(thing)
            place = thing.end
    return found
