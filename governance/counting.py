# SPDX-License-Identifier: Apache-2.0
"""How a governor counts a vote, by its COUNTING_MODE (IGovernor): by support, or in parts. Pure.

With `params=fractional` a vote's 48 bytes of params are three uint128, whatever its support says: OpenZeppelin's
GovernorCountingFractional asks support 255 for it, ScopeLift's flexible voting takes 0 to 2. Their order is against,
for, abstain. Flexible voting from before it said `quorum=for,abstain` had them as for, against, abstain, under a mode
that does not tell which: that one, and every mode that is not known here, is counted by `proposalVotes()` alone.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs

PARTS_BYTES = 48
# The capability that names earlier modes: [[the block from which on another one counted, the mode before it], ...].
COUNTED_BEFORE = "counted_before"
PARAMETERS = 255  # VoteType.Parameters of GovernorCountingFractional
_SUPPORTS = {"bravo", "bravo,fractional", "bravo,override"}
_IN_QUORUM = {"for", "against", "abstain"}  # what may count towards the quorum; `bravo` is `for` alone
_PARAMS = {None, "fractional", "modules"}  # `modules`: Optimism's and Agora's, which count by support beside them


@dataclass(frozen=True)
class Counting:
    """How votes are counted. `in_parts`: 48 bytes of params are parts, whatever support says. `is_known`: whether the
    sums made here are the governor's. `by_parameters`: support 255 means parts (where no mode was told)."""

    mode: str | None
    in_parts: bool
    by_parameters: bool
    is_known: bool

    def counts_in_parts(self, support: int, params: bytes) -> bool:
        """Return whether a vote is counted in parts rather than by its support."""
        return len(params) == PARTS_BYTES and (self.in_parts or (self.by_parameters and support == PARAMETERS))

    def parts(self, support: int, weight: int, params: bytes) -> tuple[int, int, int]:
        """Return what a vote adds, as (against, for, abstain), in base units of the votes token."""
        if self.counts_in_parts(support, params):
            against, in_favour, abstain = (int.from_bytes(params[i : i + 16], "big") for i in (0, 16, 32))
            return against, in_favour, abstain
        return (
            weight if support == 0 else 0,
            weight if support == 1 else 0,
            weight if support == 2 else 0,
        )


@cache
def _counting(mode: str | None) -> Counting:
    if mode is None:
        # Compound's and Nouns', which say nothing of it; or contracts that nobody asked, from a recording.
        return Counting(None, in_parts=False, by_parameters=True, is_known=True)
    told = parse_qs(mode, keep_blank_values=True)
    support, params, quorums = told.get("support", []), told.get("params", [None]), told.get("quorum", [])
    in_parts = params == ["fractional"]
    is_known = len(support) == len(params) == len(quorums) == 1 and support[0] in _SUPPORTS and params[0] in _PARAMS
    # Votes for count towards it in all modes that are counted here.
    is_known = is_known and (quorums == ["bravo"] or {"for"} <= set(quorums[0].split(",")) <= _IN_QUORUM)
    if in_parts and support == ["bravo"] and quorums == ["bravo"]:
        is_known = False  # the order of the parts is not told
    return Counting(mode, in_parts, by_parameters=False, is_known=is_known)


UNTOLD = _counting(None)


def counting_of(capabilities: dict[str, Any]) -> Counting:
    """Return how a governor of these capabilities counts."""
    return _counting(capabilities.get("counting_mode"))


def counting_at(capabilities: dict[str, Any], block_number: int) -> Counting:
    """Return how the governor counted in a block: its way may have been another one before its code was changed."""
    for changed_block, mode in capabilities.get(COUNTED_BEFORE, ()):
        if block_number < changed_block:
            return _counting(mode)
    return counting_of(capabilities)


def counted_here_from(capabilities: dict[str, Any]) -> int | None:
    """Return the first block from which on proposals were created whose votes are all counted here (0: all of them are;
    None: none is). Of those from before, votes were or may have been counted in a way that is not known here, and what
    the governor is now says nothing of how: the tally is its own."""
    if not counting_of(capabilities).is_known:
        return None
    changes = capabilities.get(COUNTED_BEFORE, ())
    return max((block for block, mode in changes if not _counting(mode).is_known), default=0)


def is_counted_here(capabilities: dict[str, Any], created_block: int) -> bool:
    """Return whether all votes on a proposal that was created in this block are counted here."""
    first_block = counted_here_from(capabilities)
    return first_block is not None and created_block >= first_block


def may_be_in_parts(capabilities: dict[str, Any]) -> bool:
    """Return whether the governor counts, or once counted, 48 bytes of params in parts whatever support says."""
    modes = [mode for _, mode in capabilities.get(COUNTED_BEFORE, ())]
    counts = [_counting(mode) for mode in modes]
    return any(counting.in_parts for counting in (*counts, counting_of(capabilities)))
