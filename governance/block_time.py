# SPDX-License-Identifier: Apache-2.0
"""Measure how long a chain's blocks take by its own clock."""

from itertools import pairwise
from statistics import median

from governance.models import Block, Dao

_HEADERS = 16


_SPAN = 4096


def l1_block_s(dao: Dao) -> float | None:
    """Return the seconds that one block of the chain below took, on average over the headers that are kept near the
    head; None where too few of its blocks passed."""
    rows = Block.objects.filter(dao=dao, l1_block__isnull=False).order_by("-number")
    seen = list(rows.values_list("l1_block", "timestamp_chain_s")[:_SPAN])
    if not seen:
        return None
    (newest, newest_s), (oldest, oldest_s) = seen[0], seen[-1]
    return (newest_s - oldest_s) / (newest - oldest) if newest - oldest >= 2 else None


def block_s(chain_id: int) -> float | None:
    """Return the seconds that one of the last blocks took; None where too few were read."""
    times = list(
        Block.objects.filter(dao__chain=chain_id)
        .order_by("-number")
        .values_list("number", "timestamp_chain_s")[:_HEADERS]
    )
    gaps = [(late - early) / (newer - older) for (newer, late), (older, early) in pairwise(times) if newer > older]
    return median(gaps) if gaps else None  # not the mean: a clock that was wound on makes one gap of days
