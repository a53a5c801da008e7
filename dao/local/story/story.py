# SPDX-License-Identifier: Apache-2.0
"""The fourteen steps in their order, and how they are played."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from dao.local.story.founding import delegate, deploy
from dao.local.story.kills import kill
from dao.local.story.mail import digest
from dao.local.story.pausing import pause
from dao.local.story.paying import pay
from dao.local.story.refusing import object_to, refuse
from dao.local.story.reorg import reorganise
from dao.local.story.scene import Scene
from dao.local.story.summarising import propose_real, read_summary
from dao.local.story.voting import enforce, propose_policy, vote

STEPS = [
    ("The DAO is deployed with Ape and registered in the mirror", deploy),
    ("Members delegate; the mirror shows the power that the chain has", delegate),
    ("A real proposal appears on the page, its calls decoded", propose_real),
    ("The model drafts a summary; code quotes its sources", read_summary),
    ("An operator's policy is compiled, explained and proposed", propose_policy),
    ("Members vote by transaction and by signature", vote),
    ("The policy is queued, executed and in force, decoded from the chain", enforce),
    ("The agent pays five contributors; the record verifies", pay),
    ("What is outside the bounds is refused twice: by the planner and by the chain", refuse),
    ("A scheduled act meets an objection and can never be released", object_to),
    ("A reorganisation of the chain removes a vote, and the page says so", reorganise),
    ("A worker is killed in a sync and in a payment: nothing lost, nothing doubled", kill),
    ("A subscribed delegate gets a digest by e-mail", digest),
    ("A guardian pauses; only a vote brings the agent back", pause),
]


@dataclass
class StepReport:
    """What one step showed."""

    number: int
    title: str
    seconds: float = 0.0
    done: bool = False
    evidence: list[tuple[str, str]] = field(default_factory=list)


class Story:
    """Plays the steps in order on a running stack. `say` is told of each step as it ends."""

    def __init__(self, scene: Scene, say: Callable[[StepReport], None]):
        self.scene = scene
        self.say = say

    @property
    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [(title, partial(step, self.scene)) for title, step in STEPS]

    def play(self) -> None:
        for number, (title, step) in enumerate(self.steps, 1):
            report = StepReport(number, title)
            self.scene.evidence = report.evidence
            started = time.monotonic()
            try:
                step()
                report.done = True
            finally:
                report.seconds = time.monotonic() - started
                self.say(report)
