# SPDX-License-Identifier: Apache-2.0
"""A call of an act: what the treasury is asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an act. Proposals have calls of their own, which may name the function apart (ProposedCall)."""

    to: bytes
    value_wei: int
    data: bytes
