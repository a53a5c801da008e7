# SPDX-License-Identifier: Apache-2.0
"""How much an endpoint is asked at once: learned from its refusals, because no provider's rate can be asked for.

Nothing is held back until an endpoint refuses because of the rate. A batch counts as many as it has, which is how
providers count: so the next one has half as many, and each that is answered makes the next one a quarter larger.
Between them an endpoint that refused is set aside (`Rpc`). No endpoint is believed to take less than a handful: some
refuse now and then for other reasons, and many small batches fail more often than one.
"""

import threading

_LEAST = 8
_GROWTH = 1.25
_ENOUGH = 200  # more is asked nowhere: then nothing is held back


class Pace:
    """One endpoint's: `most`, requests that the next batch may have; None where nothing is held back. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.most: int | None = None

    def portion(self, count: int) -> int:
        """How many of `count` requests may go in one batch."""
        most = self.most
        return count if most is None else min(count, most)

    def refused(self, count: int) -> None:
        """A batch of `count` was refused because of the rate. Of a handful nothing is learned: the rate was used up
        already, and smaller batches would not change that."""
        if count <= _LEAST:
            return
        with self._lock:
            self.most = max(_LEAST, min(count, self.most or count) // 2)

    def answered(self, count: int) -> None:
        """A batch of `count` was answered."""
        if self.most is None:
            return
        with self._lock:
            if self.most is not None and count >= self.most:
                more = int(self.most * _GROWTH) + 1
                self.most = None if more > _ENOUGH else more
