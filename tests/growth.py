# SPDX-License-Identifier: Apache-2.0
"""Hold that work grows about linearly with its input, on a machine that does much else too.

Nothing here is bounded in seconds: speed is measured in bench/. The same work is done on an input and on one eight
times as long, in processor time of this process. Linear work takes 8 times as long, quadratic work 64 times; the bound
lies between, and noise has to spoil each of several tries to break it.
"""

import gc
import time
from collections.abc import Callable
from typing import Any

TIMES = 8
BOUND = 24.0  # between 8 (linear) and 64 (quadratic), as far from the one as from the other
_TRIES = 5
_TOO_SHORT_S = 0.25  # in less than this, caches and clocks say more than the way it grows


def grows_linearly(make: Callable[[int], Any], work: Callable[[Any], object], size: int) -> None:
    """Assert that `work(make(size))` takes about eight times as long as `work(make(size // 8))`."""
    small, large = make(size // TIMES), make(size)
    work(small)
    least_small = least_large = float("inf")
    for _ in range(_TRIES):
        least_small = min(least_small, _seconds(work, small))
        least_large = min(least_large, _seconds(work, large))
        if least_large < max(BOUND * least_small, _TOO_SHORT_S):
            return
    raise AssertionError(f"{TIMES} times the input took {least_large / least_small:.0f} times as long")


def _seconds(work: Callable[[Any], object], value: Any) -> float:
    gc.disable()  # what it costs depends on everything else that was made before
    try:
        began = time.process_time()
        work(value)
        return time.process_time() - began
    finally:
        gc.enable()
