# SPDX-License-Identifier: Apache-2.0
"""The pieces of a request's text: words by what they mean, names of the roster, addresses, numbers, signs. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from agent.acts.rosters import Line
from agent.acts.words import Stated, say
from governance.sentences import Sentence
from policies.notation.amounts import Token
from policies.notation.visible import hidden, without_hidden

MAX_TEXT = 500
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MONTH_BY_WORD = {name: i for i, name in enumerate(_MONTHS, 1)} | {name[:3]: i for i, name in enumerate(_MONTHS, 1)}
MONTH_BY_WORD["sept"] = 9
EVERYONE = {"contributors", "contributor", "everyone", "everybody", "all", "team", "roster", "payroll"}
EXCEPT = {"except", "without", "excluding"}
# Words that turn a request round or make it conditional: nothing is derived from a text that holds one.
TURNING = {
    "not", "don't", "dont", "never", "no", "none", "nobody", "stop", "cancel", "unless", "if", "when", "instead",
    "only", "twice", "double", "again", "half", "except", "without", "excluding", "but", "until", "after", "before",
    "ignore", "cannot", "cant", "wont", "neither", "nor", "or", "either", "refuse", "avoid", "rather",
    "nothing", "nil", "zero",
}  # fmt: skip
ORDERS = {"pay", "send", "transfer", "remit", "disburse"}
PLAIN = {
    "pay", "please", "the", "a", "an", "for", "to", "of", "in", "and", "month", "month's", "salary", "salaries",
    "wages", "their", "our", "her", "his", "amount", "amounts", "each", "every", "whole", "full", "usual", "monthly",
    "on", "from", "treasury", "agent", "as", "usually", "payment", "payments", "make", "send", "transfer", "x", "per",
    "person",
} | EVERYONE  # fmt: skip
TOTAL = {"total", "together", "altogether", "overall", "combined"}
TIMES = ("x", "×", "times")
DIGITS = "0123456789"
_TOKEN = re.compile(
    r"(?P<address>0x[0-9a-fA-F]{40}(?![0-9a-zA-Z]))"
    r"|(?P<period>\b20\d\d-(?:0[1-9]|1[0-2])(?![\w-]))"
    r"|(?P<name>\x00\d+\x00)"
    r"|(?P<word>[^\W\d_](?:[\w'.-]*\w)?)"  # USDC.e is another token than USDC
    r"|(?P<number>[^\s\x00:;]*\d[^\s\x00]*)"  # whatever is written in one with a digit: a sign, a unit, a range
    r"|(?P<mark>[.,;:!()&+×])"
    r"|(?P<other>\S)"
)
NUMBER = re.compile(r"(?P<digits>[0-9][0-9,_]*(?:\.[0-9]+)?)(?P<unit>[A-Za-z][A-Za-z0-9]*)?(?P<end>[.,;:!)]*)")
YEAR = re.compile(r"20[0-9][0-9]")
Piece = tuple[str, str]  # (kind, text)
NO_PIECE: Piece = ("", "")  # where the text ends
PAYEE_KINDS = ("name", "address")


class NotUnderstood(Stated, ValueError):
    """Nothing can be derived from the request; the sentence says what to write instead."""


def clean(text: str) -> tuple[str, bool]:
    """Return the text in normal form (NFKC) without hidden characters, and whether it had any."""
    normal = unicodedata.normalize("NFKC", text).replace("’", "'").replace("\r", "\n")
    return " ".join(without_hidden(normal).split()), next(hidden(normal), None) is not None


def pieces_of(shown: str, lines: Sequence[Line]) -> list[Piece]:
    """The pieces of a clean text, each with its kind, in their order; blanks are none."""
    return [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(_mark_names(shown, lines))]


def with_names(sentence: Sentence, lines: Sequence[Line]) -> Sentence:
    """Return the sentence with each name that stands in it as its mark (`pieces_of`) written out."""
    if "\x00" not in sentence:
        return sentence

    def written(value: Any) -> Any:
        if isinstance(value, list):
            return [written(one) for one in value]
        if not isinstance(value, str) or isinstance(value, Sentence):
            return value
        return re.sub(r"\x00(\d+)\x00", lambda mark: lines[int(mark[1])].name, value)

    return say(sentence.code, **{name: written(value) for name, value in sentence.values.items()})


def is_strange(piece: Piece, by_symbol: Mapping[str, Token]) -> bool:
    """Whether the grammar does not know the piece."""
    kind, text = piece
    known = PLAIN | ORDERS | EXCEPT | TOTAL | MONTH_BY_WORD.keys() | by_symbol.keys() | {"this", "last"}
    return kind == "other" or (kind == "word" and text.casefold() not in known)


# What is written where an amount should be, and the code of the hint that fits it.
_HINTS = (
    (re.compile(r"[-+~<>=*/#@^|\\\u2212\u2013\u2014\u00b1\u2248\u2264].*"), "no_amount_sign"),
    (re.compile(r"[$\u20ac\u00a3\u00a5].*|.*[0-9][$\u20ac\u00a3\u00a5]"), "no_amount_currency"),
    (re.compile(r".*[0-9]\s*%"), "no_amount_share"),
    (
        re.compile(r"[0-9][0-9,._]*\s?(?:k|m|mm|mn|mio|mil|tsd|thousand|million|hundred|grand)", re.IGNORECASE),
        "no_amount_short",
    ),
    (re.compile(r"[0-9][0-9,._]*"), "no_amount_bare"),
    (re.compile(r"[0-9][0-9,._]* ?[A-Za-z][A-Za-z0-9.]*"), "no_amount_unit"),
)


def hint_beside_amount(piece: str) -> str:
    """Return the code of what to write instead of a piece that is no amount."""
    return next((code for pattern, code in _HINTS if pattern.fullmatch(piece)), "no_amount")


def _mark_names(text: str, lines: Sequence[Line]) -> str:
    """The text with each roster name replaced by its position. Longest first; a name that is also a word of the grammar
    (a person called April) is left, and an empty one: the month wins, and the person can be named by address."""
    taken = PLAIN | TURNING | set(MONTH_BY_WORD) | {"this", "last"}
    names = sorted(enumerate(lines), key=lambda item: -len(item[1].name))
    pattern = "|".join(
        f"(?P<n{position}>{re.escape(line.name)})"
        for position, line in names
        if line.name and line.name.casefold() not in taken
    )
    if not pattern:
        return text
    return re.sub(
        rf"(?<!\w)(?:{pattern})(?!\w)",
        lambda match: f"\x00{(match.lastgroup or 'n')[1:]}\x00",
        text,
        flags=re.IGNORECASE,
    )
