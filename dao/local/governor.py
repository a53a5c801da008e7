# SPDX-License-Identifier: Apache-2.0
"""What demo and story call the governor with: a proposal's arguments, and the states that it answers."""

from dataclasses import dataclass
from typing import Any

from eth_utils import keccak

from policies.notation.hexadecimal import hex_bytes

PENDING, ACTIVE, CANCELED, DEFEATED, SUCCEEDED, QUEUED, EXPIRED, EXECUTED = range(8)  # as in OpenZeppelin's IGovernor


@dataclass(frozen=True)
class Proposal:
    """What is proposed: calls as (target, value in wei, calldata) and the text, whose first line is the title."""

    calls: tuple[tuple[str, int, str], ...]
    text: str

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].lstrip("# ")

    @property
    def _lists(self) -> tuple[list[str], list[int], list[bytes]]:
        targets, values = [call[0] for call in self.calls], [call[1] for call in self.calls]
        return targets, values, [hex_bytes(call[2]) for call in self.calls]

    @property
    def arguments(self) -> list[Any]:
        """For `propose`."""
        return [*self._lists, self.text]

    @property
    def hashed(self) -> list[Any]:
        """For `hashProposal`, `queue` and `execute`."""
        return [*self._lists, keccak(text=self.text)]


@dataclass(frozen=True)
class ProposalOnChain(Proposal):
    """A proposal that was made: its id, and where the chain has it."""

    id: int
    block_number: int
    transaction_hash: str
