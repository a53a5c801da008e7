# SPDX-License-Identifier: Apache-2.0
"""Measure how long a chain's blocks take by its own clock."""

from itertools import pairwise
from statistics import median

from governance.models import Block

_HEADERS = 16


def block_s(chain_id: int) -> float | None:
    """Return the seconds that one of the last blocks took; None where too few were read."""
    times = list(
        Block.objects.filter(dao__chain=chain_id)
        .order_by("-number")
        .values_list("number", "timestamp_chain_s")[:_HEADERS]
    )
    gaps = [(late - early) / (newer - older) for (newer, late), (older, early) in pairwise(times) if newer > older]
    return median(gaps) if gaps else None  # not the mean: a clock that was wound on makes one gap of days
