# SPDX-License-Identifier: Apache-2.0
"""How much an endpoint may be asked: learned from its refusals, because no provider's limits can be asked for.

Nothing is held back until an endpoint refuses. Then its rate is half of what was asked in that second; it grows while
nothing is refused, slowly near what was refused last, and is cut again where it was too much. A request counts as one,
a batch as many as it has: that is how providers count.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

_WINDOW_S = 1.0  # over which providers are taken to count
_CUT = 0.7
_LEAST = 1.0  # requests in a window
_LEAST_GUESS = 5.0
_MOST = 2_000.0  # nothing here asks more: then nothing is held back
_FEW = 10
_DOUBT_WINDOWS = 5
_GROWTH = 1.1  # for a window without a refusal
_SLOW_GROWTH = 1.01  # near the rate that was refused last
_NEAR = (0.85, 1.1)
_USED = 0.4  # of the rate, for it to grow
_ONE_REFUSAL = 0.2  # of a window: refusals of requests that were under way together are one
_PAUSE = 0.5  # of a window, after a refusal
_BATCH = 0.5  # of a window's requests in one batch: a provider's second may begin at any moment


class Pace:
    """One endpoint's rate: `rate_per_s`, requests; None where no limit is known. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: deque[tuple[float, int]] = deque()  # (when, how many), of the last window
        self._next_at = 0.0
        self._grown_at = 0.0
        self._cut_at = float("-inf")
        self._doubted_at = float("-inf")
        self._refused_per_s = 0.0
        self.rate_per_s: float | None = None

    def portion(self, count: int) -> int:
        """How many of `count` requests the rate allows in one batch; at least 1."""
        rate = self.rate_per_s
        return max(1, count if rate is None else min(count, int(rate * _WINDOW_S * _BATCH)))

    def wait_s(self) -> float:
        """How long a request would wait now."""
        return 0.0 if self.rate_per_s is None else max(0.0, self._next_at - self._clock())

    def note(self, count: int) -> None:
        """So many are asked at once, whatever the rate."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            self._asked.append((now, count))

    def take(self, count: int, most_wait_s: float) -> float | None:
        """Take the place of a batch of `count` in the queue: the seconds to wait before it is sent; None, and no place
        is taken, where they were more than `most_wait_s`."""
        with self._lock:
            now = self._clock()
            wait_s = 0.0
            if self.rate_per_s is not None:
                wait_s = max(0.0, self._next_at - now)
                if wait_s > most_wait_s:
                    return None
                self._next_at = now + wait_s + count / self.rate_per_s
            self._forget(now)
            self._asked.append((now + wait_s, count))
            return wait_s

    def refused(self, count: int) -> None:
        """A batch of `count` was refused because of the rate."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            tried = sum(asked for _, asked in self._asked)  # in a window, this batch too: more than the limit
            self._next_at = max(self._next_at, now + _PAUSE * _WINDOW_S)
            if now - self._cut_at < _WINDOW_S * (1.0 if tried > count else _ONE_REFUSAL):
                return  # of the same window as the last one, if anything got through
            if self.rate_per_s is None:
                if tried <= _FEW and now - self._doubted_at > _DOUBT_WINDOWS * _WINDOW_S:
                    self._doubted_at = now  # others may use the same key, or the node is busy: once is no limit
                    return
                self._refused_per_s = tried / _WINDOW_S
                self.rate_per_s = max(tried / 2, _LEAST_GUESS) / _WINDOW_S
            else:
                self._refused_per_s = self.rate_per_s
                self.rate_per_s = max(_LEAST / _WINDOW_S, self.rate_per_s * _CUT)
            self._cut_at = self._grown_at = now

    def answered(self) -> None:
        """Something was answered. The rate grows only where it is used: else nothing says that more would be."""
        if self.rate_per_s is None:
            return
        with self._lock:
            now = self._clock()
            self._forget(now)
            if self.rate_per_s is None or sum(n for _, n in self._asked) < _USED * self.rate_per_s * _WINDOW_S:
                return
            if now - self._grown_at >= _WINDOW_S:
                self._grown_at = now
                near = _NEAR[0] * self._refused_per_s <= self.rate_per_s <= _NEAR[1] * self._refused_per_s
                rate = self.rate_per_s * (_SLOW_GROWTH if near else _GROWTH)
                self.rate_per_s = None if rate > _MOST / _WINDOW_S else rate

    def _forget(self, now: float) -> None:
        while self._asked and self._asked[0][0] <= now - _WINDOW_S:
            self._asked.popleft()
