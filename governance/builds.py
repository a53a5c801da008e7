# SPDX-License-Identifier: Apache-2.0
"""Whether code on chain is that of a contract of ours, as compiled here or from earlier sources."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from governance.capabilities import ask
from governance.chain.address import checksum
from governance.chain.rpc import Rpc
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.primitives import keccak

COMPILED = Path(__file__).resolve().parents[1] / ".build" / "contracts"
# Builds that were compiled from earlier sources and that chains may have: the contract (PolicyModule where none is
# named), the commit, the code's length, where its immutables lie (words), and the hash of the code with zeros there.
EARLIER_BUILDS = Path(__file__).with_name("earlier_builds.json")
# Where the compiler leaves room for an immutable: PUSH32 with nothing in it.
_IMMUTABLE = re.compile(rb"\x7f\x00{32}", re.DOTALL)
PRIOR_VOTES, SAFE_OWNERS = "PriorVotesAdapter", "SafeOwnersAdapter"
UNKNOWN_ADAPTER = "unknown"  # it answers as an adapter, and its code is none of ours that is known here


def is_policy_module(code: bytes) -> bool:
    """Whether code on chain is the policy module's, but for its immutables, whose values the module itself answers.
    False where none is compiled here."""
    return is_build(code, "PolicyModule")


def is_build(code: bytes, contract: str) -> bool:
    """Whether code on chain is a contract of ours, as compiled here or from earlier sources, but for its immutables."""
    return is_compiled(code, contract) or any(
        build.get("contract", "PolicyModule") == contract
        and len(code) == build["length"]
        and hex_text(keccak(_masked(code, build["immutables"]))) == build["keccak256"]
        for build in json.loads(EARLIER_BUILDS.read_text())
    )


def is_compiled(code: bytes, contract: str) -> bool:
    """Whether code on chain is what `contract` compiles to here, but for immutables. False where none is compiled."""
    artifact = COMPILED / f"{contract}.json"
    if not code or not artifact.is_file():
        return False
    compiled = hex_bytes(json.loads(artifact.read_text())["deployedBytecode"])
    return _masked(code, immutables_of(compiled)) == compiled


def immutables_of(compiled: bytes) -> list[int]:
    """Where the words of immutables begin in compiled code."""
    return [place.start() + 1 for place in _IMMUTABLE.finditer(compiled)]


def votes_adapter(rpc: Rpc, votes_token: bytes) -> dict[str, Any]:
    """Which adapter of ours a module's votes token is (`votes_adapter`; UNKNOWN_ADAPTER where it answers as one and its
    code is not known), and whose votes it counts (`adapted_token`); None for both where it is none.

    Raises:
        RpcError: the node failed.
    """
    code = rpc.get_code(votes_token)
    kind = next((name for name in (PRIOR_VOTES, SAFE_OWNERS) if is_build(code, name)), None)
    answer = ask(rpc, votes_token, {"adapted": ("adaptedToken()", [], ["address"])}, "latest", whole=True)["adapted"]
    if kind is None and answer:
        kind = UNKNOWN_ADAPTER
    return {"votes_adapter": kind, "adapted_token": checksum(answer[0]) if answer else None}


def _masked(code: bytes, immutables: Iterable[int]) -> bytes:
    """The code with zeros where its immutables lie."""
    masked = bytearray(code)
    for start in immutables:
        if start + 32 <= len(code):
            masked[start : start + 32] = bytes(32)
    return bytes(masked)
