# SPDX-License-Identifier: Apache-2.0
"""Which unit a budget counts in: 10^exponent base units, so that its limits are exact and its ring never overflows."""

from policies.code.ring import BUCKET_MAX

ROOM = 16  # a later vote may multiply a limit by this and keep its unit; another unit is another, empty, ring
ROOMY_UNITS = BUCKET_MAX // ROOM
MAX_EXPONENT = 68  # so that 2^256 - 1 base units, where sums saturate, are over every limit


class InexactLimit(ValueError):
    """The unit doesn't hold this amount exactly: the nearest amounts below and above that it does, in base units."""

    def __init__(self, amount: int, below: int, above: int) -> None:
        super().__init__(f"the unit does not hold {amount} exactly; the nearest are {below} and {above}")
        self.amount = amount
        self.below = below
        self.above = above


class UnitTooSmall(ValueError):
    """A limit of more than 2^28 - 1 units: `least` is the smallest exponent that holds it."""

    def __init__(self, least: int) -> None:
        super().__init__(f"the limit has too many units; the smallest unit that holds it is 10^{least}")
        self.least = least


def choose_exponent(limit: int, instant_limit: int) -> int:
    """The smallest unit that leaves sixteen times room above the limit, which a later vote may need.

    Both limits in base units, 0 <= instant_limit <= limit, limit >= 1. Raises InexactLimit.
    """
    exponent = least_exponent(limit, ROOMY_UNITS)
    check_exact(limit, instant_limit, exponent)
    return exponent


def check_exponent(limit: int, instant_limit: int, exponent: int) -> None:
    """Whether a unit that somebody chose holds both limits. Raises UnitTooSmall and InexactLimit."""
    if limit > BUCKET_MAX * 10**exponent:
        raise UnitTooSmall(least_exponent(limit, BUCKET_MAX))
    check_exact(limit, instant_limit, exponent)


def least_exponent(limit: int, most_units: int) -> int:
    """The smallest exponent at which the limit is at most so many units, rounded up."""
    exponent = 0
    while -(-limit // 10**exponent) > most_units:
        exponent += 1
    return exponent


def check_exact(limit: int, instant_limit: int, exponent: int) -> None:
    """Raises InexactLimit unless both are whole units, and the limit at least one."""
    unit = 10**exponent
    for amount in (limit, instant_limit):
        if amount % unit:
            raise InexactLimit(amount, amount // unit * unit, (amount // unit + 1) * unit)
