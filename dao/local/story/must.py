# SPDX-License-Identifier: Apache-2.0
"""How a step insists on what it must see: `must` at once, `until` within some seconds."""

import json
import time
from collections.abc import Callable
from typing import Any


class StepFailed(Exception):
    """A step did not see what it must; the text says what it saw."""


def must(holds: bool, what: str, saw: Any) -> None:
    if not holds:
        raise StepFailed(f"{what}; saw {saw}")


def until(what: str, look: Callable[[], Any], wanted: Callable[[Any], bool] = bool, seconds: float = 20) -> Any:
    """Look until `wanted` holds of what is seen; the last sight is the failure's text."""
    deadline = time.monotonic() + seconds
    while True:
        saw = look()
        if wanted(saw):
            return saw
        if time.monotonic() > deadline:
            raise StepFailed(f"{what} did not come within {seconds:.0f} s; saw {json.dumps(saw, default=str)[:600]}")
        time.sleep(0.2)
