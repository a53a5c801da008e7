# SPDX-License-Identifier: Apache-2.0
"""A call of an act: what the treasury is asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an act. A proposal's call, which may name its function apart, is a `governance.chain.call.Call`."""

    to: bytes
    value_wei: int
    data: bytes
