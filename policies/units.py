# SPDX-License-Identifier: Apache-2.0
"""Which unit a budget counts in: 2^exponent base units, so that its limits are exact and its ring never overflows."""

from policies.ring import BUCKET_MAX

ROOMY_UNITS = 2**24  # leaves sixteen times room below the ring's 28 bits, for a later vote that raises the limit


class InexactLimit(ValueError):
    """No unit holds this amount exactly: the nearest amounts below and above that one does, in base units."""

    def __init__(self, amount: int, below: int, above: int) -> None:
        super().__init__(f"no unit holds {amount} exactly; the nearest are {below} and {above}")
        self.amount = amount
        self.below = below
        self.above = above


def choose_exponent(limit: int, instant_limit: int) -> int:
    """The smallest unit with room for the limit, or, when only that makes it exact, a smaller one with less room.

    Both limits in base units, 0 <= instant_limit <= limit, limit >= 1. Raises InexactLimit.
    """
    least = _exponent_for(limit, BUCKET_MAX)
    for exponent in range(_exponent_for(limit, ROOMY_UNITS), least - 1, -1):
        if not (limit | instant_limit) % 2**exponent:
            return exponent
    unit = 2**least
    amount = limit if limit % unit else instant_limit
    raise InexactLimit(amount, amount // unit * unit, (amount // unit + 1) * unit)


def _exponent_for(limit: int, most_units: int) -> int:
    exponent = max(0, limit.bit_length() - most_units.bit_length())
    return exponent if limit <= most_units << exponent else exponent + 1
