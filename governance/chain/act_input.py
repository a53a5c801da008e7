# SPDX-License-Identifier: Apache-2.0
"""The calldata of the policy module's functions that act: `execute` and `schedule`."""

from dataclasses import dataclass

from governance.chain import abi

EXECUTE = "execute(bytes32,bytes32,(address,uint256,bytes)[],uint24,bytes32)"
SCHEDULE = "schedule(bytes32,bytes32,(address,uint256,bytes)[],uint24,bytes32)"
_TYPES = ["bytes32", "bytes32", "(address,uint256,bytes)[]", "uint24", "bytes32"]


@dataclass(frozen=True)
class ActInput:
    """The arguments of `execute` or `schedule`, as sent to the module."""

    policy_id: bytes
    codehash: bytes
    calls: tuple[tuple[bytes, int, bytes], ...]  # target, value in wei, calldata
    number: int
    decision: bytes


def act_input(calldata: bytes) -> ActInput | None:
    """Read what a transaction to the module asked for; None where it calls another function or its words don't read."""
    if calldata[:4] not in (abi.selector(EXECUTE), abi.selector(SCHEDULE)):
        return None
    try:
        return ActInput(*abi.decode(_TYPES, calldata[4:], canonical=False))
    except abi.NotCanonical:
        return None
