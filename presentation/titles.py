# SPDX-License-Identifier: Apache-2.0
"""Name a proposal by the first line of its text that shows something to read.

Not by the first line: that may be `---`, a comment, a picture or characters that nobody sees, and a link without words
can't be followed. The Markdown is parsed as it is for the page, but for raw HTML and pictures, which name nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from django.utils.translation import gettext

from governance.text import naming_lines
from policies.notation.visible import is_hidden, one_line

_LIMIT = 300  # characters
_READ = 2_000  # characters of the text: a title that comes later is none
_COMMENTS = re.compile(r"[\s\ufeff]*(?:<!--.*?-->\s*)*", re.DOTALL)
_NO_TEXT = "\ufffd"  # stands for bytes that were no text


def title_of(description: str, proposal_id: int) -> str:
    """Return one line that names a proposal, at most 300 characters; never an empty one."""
    return _title(_start(description)) or gettext("Untitled proposal %(number)s") % {
        "number": short_number(proposal_id)
    }


def short_number(proposal_id: int) -> str:
    """Return a proposal's number, a long one by its first and last four digits: `1059...8770`."""
    digits = str(proposal_id)
    return digits if len(digits) <= 12 else f"{digits[:4]}...{digits[-4:]}"


def _start(description: str) -> str:
    """Return the start of a text, without the comments that stand before everything else."""
    comments = _COMMENTS.match(description)
    begins = comments.end() if comments else 0
    return description[begins : begins + _READ].replace("\0", "")


@lru_cache(maxsize=1024)  # lists show the same proposals again and again
def _title(text: str) -> str:
    lines = [one_line(line, _LIMIT) for line in naming_lines(text) if _shows(line, words_only=False)]
    with_words = (line for line in lines if _shows(line, words_only=True))
    return next(with_words, lines[0] if lines else "")


def _shows(line: str, *, words_only: bool) -> bool:
    """Say whether a line has a letter or a digit that can be seen, or (not `words_only`) a picture like an emoji."""
    return any(
        not is_hidden(character)
        and (
            unicodedata.category(character)[0] in "LN"
            or (not words_only and unicodedata.category(character) == "So" and character != _NO_TEXT)
        )
        for character in line
    )
