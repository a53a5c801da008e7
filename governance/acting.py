# SPDX-License-Identifier: Apache-2.0
"""What acts just now: a page, the API, a command or a task. Each way in says so once; the audit log asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Via(StrEnum):
    """The way in. Entries of the audit log keep these texts."""

    PAGE = "page"
    API = "api"
    COMMAND = "command"
    TASK = "task"
    CODE = "code"  # none of them: a shell, a test


def _nobody() -> bytes | None:
    return None


@dataclass(frozen=True)
class Acting:
    """The way in, its name (a route, a command, a task), and how to learn who is signed in there. A name may be a
    function where it is known later than the way in."""

    via: Via
    name: str | Callable[[], str]
    account: Callable[[], bytes | None] = _nobody


_BY_ITSELF = Acting(Via.CODE, "")
_acting: ContextVar[Acting] = ContextVar("acting", default=_BY_ITSELF)


def now_acting() -> Acting:
    """Return what acts just now."""
    return _acting.get()


@contextmanager
def acting(via: Via, name: str | Callable[[], str], account: Callable[[], bytes | None] = _nobody) -> Iterator[None]:
    """For the block, say what acts. Functions are asked only where something is recorded."""
    token = _acting.set(Acting(via, name, account))
    try:
        yield
    finally:
        _acting.reset(token)
