# SPDX-License-Identifier: Apache-2.0
"""Words by which a request means another span than the one month that it names: payments that come again, several
months, or a part of one. Pure."""

from collections.abc import Sequence

from agent.acts.pieces import MONTH_BY_WORD, PLAIN, Piece

_SPANS = {
    "month", "months", "week", "weeks", "weekend", "weekends", "day", "days", "year", "years", "quarter", "quarters",
    "fortnight", "hour", "hours", "time", "payday", "sprint", "semester", "monday", "tuesday", "wednesday", "thursday",
    "friday", "saturday", "sunday",
}  # fmt: skip
_PARTS = {
    "week", "weeks", "half", "halves", "day", "days", "fortnight", "quarter", "third", "end", "start", "middle", "rest",
    "remainder", "weekend", "weekends",
}  # fmt: skip
_OFTEN = {
    "daily", "weekly", "biweekly", "bi-weekly", "fortnightly", "monthly", "bimonthly", "bi-monthly", "quarterly",
    "yearly", "annually", "regularly", "repeatedly", "always", "forever", "thrice",
}  # fmt: skip
_COUNTS = {
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "both", "several",
    "multiple", "many", "few", "couple", "more",
}  # fmt: skip
_WHICH = {"early", "mid", "late", "last", "next", "previous", "coming", "following", "all", "both", "half", "another"}
_PAYS = {"salary", "salaries", "wages", "payment", "payments"}
# What a word like "monthly" may stand before and still say how often; before another it is part of a name: "the weekly
# call", "the monthly payments".
_JOINING = {"", "for", "in", "to", "from", "of", "on", "and", "please", "as", "at", "by", "per", "each", "the", "with"}


def is_another_span(pieces: Sequence[Piece], i: int, *, is_purpose: bool) -> bool:
    """Whether the word at `i` means payments that come again, several months, or a part of one. `is_purpose`: it stands
    behind what says what the payment is for, where "a month of work" is no span of the payment."""
    word, behind = pieces[i][1].casefold(), list(pieces[i + 1 : i + 4])
    words = [text.casefold() for _, text in behind]
    following = words[0] if words else ""
    if word in ("each", "every"):  # also "every single month", "every second Friday", and not "every contributor"
        is_one = following in PLAIN or not behind or behind[0][0] != "word"
        return any(_is_month(piece) or piece[1].casefold() in _SPANS for piece in behind[: 1 if is_one else 2])
    if word in ("per", "a", "an"):
        return following in _SPANS - {"time"} and (word == "per" or not is_purpose)
    if word in _OFTEN:
        kind = behind[0][0] if behind else ""
        return kind not in ("word", "name", "address") or following in _JOINING or _is_month(behind[0])
    if is_purpose and not any(map(_is_month, behind)):
        return False
    if word in _COUNTS:
        return any(one in _PAYS or one == "months" for one in words[:2]) or any(map(_is_month, behind[:1]))
    if word in _WHICH:
        return any(map(_is_month, behind[:1])) or (word == "next" and following in _JOINING | {"month", "one"})
    if word in _PARTS:
        return following == "of" and any(map(_is_month, behind[1:]))
    return word == "months"


def _is_month(piece: Piece) -> bool:
    return piece[0] == "period" or piece[1].casefold() in MONTH_BY_WORD
