# SPDX-License-Identifier: Apache-2.0
"""The calls that move a proposal on, of OpenZeppelin's Governor (v4 and v5): by its actions and its text's hash."""

from collections.abc import Sequence

from governance.chain import abi
from policies.primitives import keccak

_ACTIONS = "(address[],uint256[],bytes[],bytes32)"


def _call(name: str, targets: Sequence[bytes], values: Sequence[int], data: Sequence[bytes], description: str) -> bytes:
    return abi.encode_call(name + _ACTIONS, [targets, values, data, keccak(description.encode())])


def queue_call(targets: Sequence[bytes], values: Sequence[int], data: Sequence[bytes], description: str) -> bytes:
    """Calldata of `queue`. `values` are wei; `description` is exactly the text in ProposalCreated."""
    return _call("queue", targets, values, data, description)


def execute_call(targets: Sequence[bytes], values: Sequence[int], data: Sequence[bytes], description: str) -> bytes:
    """Calldata of `execute`. `values` are wei; `description` is exactly the text in ProposalCreated."""
    return _call("execute", targets, values, data, description)
