# SPDX-License-Identifier: Apache-2.0
"""Show a vote that was made: as lines for people, as JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from governance.chain.address import checksum
from governance.chain.call import ProposedCall
from governance.installing.proposing import Composed, Trial
from governance.installing.situation import Situation
from governance.installing.telling import trial_words
from governance.installing.words import say
from policies.notation.hexadecimal import hex_text
from policies.session import Finding


@dataclass(frozen=True)
class Shown:
    """A vote: its calls, what trying them showed, what the chain shows of its policy, its text, and its `propose`."""

    found: Situation
    composed: Composed
    trial: Trial
    findings: Sequence[Finding]
    text: str
    calldata: bytes | None

    @property
    def way_back_by(self) -> str:
        """Whose calls undo it."""
        return "vote" if self.composed.way_back_is_voted else "the Safe's owners"

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        trial, composed, governor = self.trial, self.composed, self.found.governor
        return {
            "ok": not any(trial.problems) and not any(one.is_problem for one in self.findings),
            "text": self.text,
            "to": None if governor is None else checksum(governor),
            "calldata": None if self.calldata is None else hex_text(self.calldata),
            "voted": [_plain(call) for call in composed.voted],
            "signed_by_the_safes_owners": [_plain(call) for call in composed.signed],
            "trial": {
                "block": trial.block,
                "together": trial.together,
                "problems": list(trial.problems),
                "module_enabled": trial.is_enabled,
                "policy_in_force": trial.in_force,
            },
            "policy_findings": [str(one) for one in self.findings],
            "way_back": {"by": self.way_back_by, "calls": [_plain(call) for call in composed.way_back]},
        }

    def lines(self, *, is_sent: bool = False) -> Iterator[str]:
        """Return it for people, a fact a line. `is_sent`: it is sent right after, and needs no other wallet."""
        yield self.text
        yield from map(str, self.findings)
        for who, calls in (("by vote", self.composed.voted), ("signed by the Safe's owners", self.composed.signed)):
            for call in calls:
                yield f"{who}: {_in_words(call)}"
        yield trial_words(self.trial)
        for call in self.composed.way_back:
            yield f"way back, by {self.way_back_by}: {_in_words(call)}"
        if is_sent:
            return
        if self.calldata is not None and self.found.governor is not None:
            yield f"to propose, send to {checksum(self.found.governor)}: {hex_text(self.calldata)}"
        elif self.composed.voted:
            yield str(say("propose_unknown"))


def _plain(call: ProposedCall) -> dict[str, str]:
    return {"to": checksum(call.target), "value": str(call.value_wei), "data": hex_text(call.calldata)}


def _in_words(call: ProposedCall) -> str:
    return f"call {checksum(call.target)} with {hex_text(call.calldata)}"
