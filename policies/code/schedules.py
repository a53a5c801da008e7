# SPDX-License-Identifier: Apache-2.0
"""How often something is to be paid, and whether a budget's strict window lets it through each time.

What was spent comes back after at most eight segments of ceil(period / 7) seconds: that must have passed before the
next payment is due. Between two payments on a schedule of dates the time can be less than between the dates: the first
may be made late in its day, and the second early.
"""

from policies.code.ring import BUCKETS, segment_seconds

DAY_S = 86_400
# The shortest time between two payments on such a schedule, each at the same time of its day (or minute of its hour).
SHORTEST_GAP_S = {
    "hourly": 3600,
    "daily": DAY_S,
    "weekly": 7 * DAY_S,
    "every 2 weeks": 14 * DAY_S,
    "every 4 weeks": 28 * DAY_S,
    "monthly": 28 * DAY_S,  # February
    "quarterly": 90 * DAY_S,
    "every 6 months": 181 * DAY_S,
    "yearly": 365 * DAY_S,
}


def comes_back_within_s(period_s: int) -> int:
    """After how many seconds, at the latest, all that was spent can be spent again."""
    return BUCKETS * segment_seconds(period_s)


def in_time(period_s: int, schedule: str) -> bool:
    """Whether a budget with this period is whole again whenever a payment is due, at the same time of day each time."""
    return comes_back_within_s(period_s) <= SHORTEST_GAP_S[schedule]


def at_any_time(period_s: int, schedule: str) -> bool:
    """Whether it is so at whatever time of the day (in an hourly schedule: minute of the hour) each payment is made."""
    play_s = 3600 if schedule == "hourly" else DAY_S
    return comes_back_within_s(period_s) <= SHORTEST_GAP_S[schedule] - play_s


def longest_period_s(schedule: str) -> int:
    """The longest period that is never late, in whole days where it has one, or else in whole hours or minutes."""
    most = SHORTEST_GAP_S[schedule] // BUCKETS * (BUCKETS - 1)
    unit = next(unit for unit in (DAY_S, 3600, 60) if most >= unit)
    return most // unit * unit


def suspected(period_s: int) -> str | None:
    """The schedule that a period was probably meant for, though it would make every payment late."""
    meant = {7: "weekly", 14: "every 2 weeks", 28: "monthly", 30: "monthly", 31: "monthly", 90: "quarterly"}
    meant |= {91: "quarterly", 92: "quarterly", 365: "yearly", 366: "yearly"}
    days, rest = divmod(period_s, DAY_S)
    return None if rest else meant.get(days)
