# SPDX-License-Identifier: Apache-2.0
"""Decide which characters people can see, and write the others so that they can be seen and can't act.

The one rule for pages, mails, terminals, error messages, policies, rosters and the reader of proposals. A character is
hidden if Unicode lets a program draw nothing for it (the property Default_Ignorable_Code_Point), if it controls how
the text around it is drawn (categories Cc, Cf, Zl, Zp), if nobody knows what is drawn for it (Cs, Co, Cn), or if its
picture is blank though it counts as a letter or a sign. Such a character can carry a message past a reader, make two
names look equal, or turn a line around. Not hidden are:

- line feed and tab, and spaces of any width: people see a gap;
- signs of category Cf that are drawn (Arabic number signs), and places that Unicode keeps for new pictographs: a newer
  emoji is no secret;
- a joiner between two letters of a script that is spelled with joiners, or between two emoji; a selector of the emoji
  style right behind its emoji: without them Persian is misspelled and a family falls apart.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum


class Kind(StrEnum):
    """What a hidden character is."""

    CONTROL = "control"  # controls a device, or nobody knows what is drawn for it
    ZERO_WIDTH = "zero-width"  # nothing is drawn for it
    BIDIRECTIONAL = "bidirectional"  # turns the direction of what follows
    TAG = "tag"  # spells ASCII that nobody sees


_ZWNJ, _ZWJ = "\u200c", "\u200d"
_TEXT_STYLE, _EMOJI_STYLE, _KEYCAP = "\ufe0e", "\ufe0f", "\u20e3"
_BIDIRECTIONAL = frozenset(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
# Default_Ignorable_Code_Point without the characters of category Cf, which the category finds.
_IGNORABLE = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164, *range(0xFE00, 0xFE10), 0xFFA0,
              *range(0xE0100, 0xE01F0)))
)  # fmt: skip
_BLANK = frozenset("\u2800\ufffc\U0001d159")  # Braille without a dot, what stands for an object, a note without a head
_DRAWN = frozenset(
    map(chr, (*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD))
)  # of category Cf (Prepended_Concatenation_Mark)
_MORE_EMOJI = frozenset("\u203c\u2049\u2139\u3030")  # emoji that count as letters or punctuation


def kind_of(character: str) -> Kind | None:
    """Return what a hidden character is, or None for one that can be seen. Knows nothing of what stands around it."""
    if " " <= character <= "~" or character in "\n\t" or character in _DRAWN:
        return None
    if "\U000e0000" <= character <= "\U000e007f":
        return Kind.TAG
    if character in _BIDIRECTIONAL:
        return Kind.BIDIRECTIONAL
    if character in _IGNORABLE or character in _BLANK:
        return Kind.ZERO_WIDTH
    category = unicodedata.category(character)
    if category == "Cf":
        return Kind.ZERO_WIDTH
    if category == "Cn" and "\U0001f000" <= character <= "\U0001faff":
        return None  # kept for pictographs
    return Kind.CONTROL if category in ("Cc", "Co", "Cs", "Cn", "Zl", "Zp") else None


def hidden(text: str) -> Iterator[tuple[int, Kind]]:
    """Find each hidden character of a text: its place and its kind. Linear in the text's length."""
    suspects = {character: kind for character in set(text) if (kind := kind_of(character)) is not None}
    if suspects:
        for found in re.finditer(f"[{re.escape(''.join(suspects))}]", text):
            if not _belongs(text, found.start()):
                yield found.start(), suspects[found[0]]


def is_hidden(character: str) -> bool:
    """Return whether a character, by itself, can't be seen or changes how the rest of its line reads."""
    return kind_of(character) is not None


def visible(text: str) -> str:
    """Return the text with each hidden character written as `[U+202E]`, so that it is seen and can't act."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    pieces, end = [], 0
    for place, _ in hidden(text):
        pieces += [text[end:place], numbered(text[place])]
        end = place + 1
    return "".join((*pieces, text[end:])) if pieces else text


def without_hidden(text: str) -> str:
    """Return the text without its hidden characters: for a few words that nobody compares with anything."""
    pieces, end = [], 0
    for place, _ in hidden(text):
        pieces.append(text[end:place])
        end = place + 1
    return "".join((*pieces, text[end:]))


def numbered(character: str) -> str:
    """Return a character's number as it is shown: `[U+202E]`."""
    return f"[U+{ord(character):04X}]"


def is_plain_line(text: str) -> bool:
    """Return whether a text is one line without hidden characters, and its only blanks are spaces."""
    return not any(character.isspace() and character != " " for character in text) and next(hidden(text), None) is None


def one_line(text: str, limit: int = 200) -> str:
    """Return `visible` on one line, cut at `limit` characters with an ellipsis. Reads no more of a long text than that
    can need."""
    beginning = text[: 8 * limit]
    line = " ".join(visible(beginning).split())
    is_whole = len(beginning) == len(text) and len(line) <= limit
    return line if is_whole else line[: limit - 1] + "…"


def _belongs(text: str, place: int) -> bool:
    """Whether the joiner or selector at this place is part of how its neighbours are spelled."""
    before, character, after = text[place - 1 : place] if place else "", text[place], text[place + 1 : place + 2]
    if not before:
        return False
    if character in (_ZWNJ, _ZWJ) and after and _joins(before) and _joins(after):
        return True
    if character == _ZWJ and after:
        return (_is_emoji(before) or before == _EMOJI_STYLE) and _is_emoji(after)
    if character in (_TEXT_STYLE, _EMOJI_STYLE):
        return _is_emoji(before) or (before in "#*0123456789" and after == _KEYCAP)
    return False


def _joins(character: str) -> bool:
    """Whether it is a letter or a mark of a script that is spelled with joiners: Arabic's kin, and those of India."""
    if unicodedata.category(character)[0] not in "LM":
        return False
    is_indic = "\u0900" <= character <= "\u0dff"
    is_arabic = "\u0600" <= character <= "\u08ff" or "\ufb50" <= character <= "\ufeff"
    return is_indic or is_arabic or unicodedata.bidirectional(character) in ("R", "AL")


def _is_emoji(character: str) -> bool:
    category = unicodedata.category(character)
    return (
        category == "So"
        or (category == "Sm" and character >= "\u2190")  # arrows; not "+"
        or character in _MORE_EMOJI
        or "\U0001f000" <= character <= "\U0001faff"
    )
