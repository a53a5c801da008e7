# SPDX-License-Identifier: Apache-2.0
"""Plays the story in a temporary place and tells of it, in lines or as one JSON document."""

import contextlib
import json
import os
import stat
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from dao.local.founding import FoundingError
from dao.local.stack import Stack
from dao.local.state_folder import forget
from dao.local.story.must import StepFailed
from dao.local.story.scene import Scene
from dao.local.story.story import StepReport, Story
from dao.local.wallet import ChainError, Reverted
from embedded.supervisor import StackError

PREFIX = "mandate-story-"  # of the temporary places that stories are played in


def run(
    *, as_json: bool, out: Callable[[str], None], begin_end: Callable[[], None] = lambda: None, keep: Path | None = None
) -> int:
    """Play the story in a temporary place, told to `out` in lines or one JSON document; returns the exit status.

    begin_end: called before the stack is stopped, so that no signal breaks that off. keep: an empty folder for the
    state that is not deleted at the end, to look at what went wrong.
    """
    reports: list[StepReport] = []
    started = time.monotonic()

    def say(report: StepReport) -> None:
        reports.append(report)
        if not as_json:
            out(f"\n{report.number:2}. {report.title} ({report.seconds:.1f} s)")
            for label, value in report.evidence:
                out(f"      {label}: {value}")

    failure, status, peak = "", 0, 0
    remove_left_behind(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as place:
        stack = Stack(keep or Path(place) / "state", say=None if as_json else out)
        try:
            if keep and keep.exists() and any(keep.iterdir()):
                raise StackError(f"{keep} is not empty: the story needs an empty folder, or one that is not there yet.")
            stack.start()
            Story(Scene.of(stack), say).play()
        except KeyboardInterrupt:
            begin_end()
            failure, status = "interrupted", 130
        except Exception as error:  # noqa: BLE001 -- whatever a step meets is its failure, told in one line
            begin_end()
            failure, status = what_it_saw(error), 1
        finally:
            begin_end()
            if stack.pids:
                peak = stack.peak_memory_bytes()
            stack.stop()
    if failure:
        at = f"step {reports[-1].number}, {reports[-1].title!r}" if reports and not reports[-1].done else "the start"
        failure = f"{at}: {failure}"
    done = sum(report.done for report in reports)
    seconds = time.monotonic() - started
    if as_json:
        out(json.dumps({
            "steps": [{"number": r.number, "title": r.title, "seconds": round(r.seconds, 2), "done": r.done,
                       "evidence": [{"label": label, "value": value} for label, value in r.evidence]} for r in reports],
            "done": done, "of": 14, "seconds": round(seconds, 1), "peak_memory_bytes": peak, "failure": failure or None,
        }, indent=1))  # fmt: skip
    else:
        out("")
        if failure:
            out(f"failed at {failure}")
        out(f"{seconds:.0f} s, peak memory {peak / 2**20:.0f} MiB")
        out(f"story: {done}/14 steps")
    return status


def what_it_saw(error: Exception) -> str:
    """An error in words; of one that no step foresaw, the kind and the place in the story too."""
    if isinstance(error, StepFailed | Reverted | ChainError | StackError | FoundingError):
        return str(error)
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    places = [f"{file.name}, line {line}" for file, line in frames if file.parent == Path(__file__).parent]
    return f"{type(error).__name__}: {' '.join(str(error).split())[:600]} ({places[-1]})"


def remove_left_behind(folder: Path) -> None:
    """States of stories of ours that were killed; one that still plays holds its state's lock."""
    for place in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(StackError, OSError):
            facts = place.lstat()
            if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and forget(place / "state"):
                place.rmdir()
