# SPDX-License-Identifier: Apache-2.0
"""When a rule in a time zone comes due: a day of each month, or named dates, at an hour. Pure: values in, values out.

The zone is IANA's. A month without the day has it on its last one. Where clocks go forward past the hour, it comes due
as much later as they went (02:30 at 03:30); where they go back past it, at the first of the two. What is paid goes by
months in UTC: a time in a zone where its month began already comes due when it begins there too.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

MONTHLY, DATES = "monthly", "dates"
MOST_DATES = 60
_IN_2026_S = 1_767_225_600
_LAST_YEAR = 2105  # chain times have 32 bits
_HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_DATE = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")


class BadRule(ValueError):
    """A rule by which nothing could come due; the message says why, in words for who wrote it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A day of the month (1 to 31; a shorter month's last), or dates such as `2026-12-15`, at `hour` (`09:00`) of a
    zone. `back`: how many months before its own the due month is (0 or 1)."""

    zone: str
    hour: str
    day: int = 0
    dates: tuple[str, ...] = ()
    back: int = 0

    @property
    def kind(self) -> str:
        return DATES if self.dates else MONTHLY


@dataclass(frozen=True, slots=True)
class Due:
    """One time at which a rule comes due: Unix seconds, and the month that it is for, `2026-11`."""

    at_s: int
    month: str


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """The names of all zones, without those of the machine's own."""
    return frozenset(name for name in available_timezones() if name not in ("localtime", "posixrules", "Factory"))


def check(rule: Rule) -> None:
    """Raise BadRule for a rule that no calendar has."""
    if rule.zone not in zones():
        raise BadRule(f"no time zone is called {rule.zone[:40]!r}: write it as Europe/Berlin, or UTC")
    if not _HOUR.fullmatch(rule.hour):
        raise BadRule("write the hour as 09:00")
    if rule.back not in (0, 1):
        raise BadRule("it is for its own month, or the one before")
    if bool(rule.dates) == bool(rule.day):
        raise BadRule("write a day of the month, or dates")
    if rule.day and not 1 <= rule.day <= 31:
        raise BadRule("a day of the month is a number from 1 to 31")
    if len(rule.dates) > MOST_DATES:
        raise BadRule(f"write at most {MOST_DATES} dates")
    for text in rule.dates:
        _date(text)
    if list(rule.dates) != sorted(set(rule.dates)):
        raise BadRule("write each date once, the earliest first")
    # A payment for the month before the last needs a signature each time. A year has every case but the leap day.
    if rule.day and any(
        _month_utc(due.at_s) - _months(due.month) > 1 for due in islice(due_after(rule, _IN_2026_S), 24)
    ):
        raise BadRule(
            "at this hour of this zone the next month has begun by UTC, which payments go by, so that the month before "
            "is two back: take an earlier hour or day"
        )


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise BadRule(f"{text[:20]!r} is not a date as 2026-12-15")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRule(f"{text} is in no calendar") from None


def due_after(rule: Rule, after_s: int) -> Iterator[Due]:
    """Yield the times after `after_s` (Unix seconds) at which the rule comes due, in order. Raises BadRule."""
    for day in _days(rule, datetime.fromtimestamp(after_s, UTC)):
        months = day.year * 12 + day.month - 1 - rule.back
        begins = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
        at_s = max(_moment_s(day, rule), int(begins.timestamp()))
        if at_s > after_s:
            yield Due(at_s, f"{months // 12:04d}-{months % 12 + 1:02d}")


def _months(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _month_utc(at_s: int) -> int:
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment.year * 12 + moment.month - 1


def _days(rule: Rule, after: datetime) -> Iterator[date]:
    if rule.dates:
        yield from map(_date, rule.dates)
        return
    # From the month before: a zone may be in another month than UTC.
    for months in range(after.year * 12 + after.month - 2, (_LAST_YEAR + 1) * 12):
        year, month = months // 12, months % 12 + 1
        yield date(year, month, min(rule.day, calendar.monthrange(year, month)[1]))


def _moment_s(day: date, rule: Rule) -> int:
    """Unix seconds of the rule's hour on a day; of two, the first (`fold=0`, which reads a missing hour as it was
    before the clocks went forward)."""
    try:
        zone = ZoneInfo(rule.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:  # of a row whose zone this machine has lost
        raise BadRule(f"no time zone is called {rule.zone[:40]!r} here") from error
    return int(datetime.combine(day, time.fromisoformat(rule.hour), tzinfo=zone).timestamp())
