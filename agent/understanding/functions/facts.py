# SPDX-License-Identifier: Apache-2.0
"""Look up well-known deployments and tokens: who an address is, on which chains, and how many decimals a token has."""

import functools
from dataclasses import dataclass

from agent.understanding.functions.lines import rows, sources
from governance.chain.address import to_bytes
from policies.known.tokens import KnownToken, token, tokens

__all__ = ["Deployment", "KnownToken", "deployment", "deployments", "token", "tokens"]

_DEPLOYMENTS = ("addresses.tsv", "addresses_by_hand.tsv")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A contract that its makers publish the address of."""

    address: bytes
    chain_ids: frozenset[int]
    kind: str  # `contract`, or one of the kinds in make/kinds.py: multisend, arbitrum_inbox, timelock, ...
    name: str
    source: str


def deployments(address: bytes) -> tuple[Deployment, ...]:
    """Return all published deployments at an address, on whatever chain."""
    return _deployments().get(bytes(address), ())


def deployment(chain_id: int, address: bytes) -> Deployment | None:
    """Return the published deployment at an address of a chain, or None."""
    for found in deployments(address):
        if chain_id in found.chain_ids:
            return found
    return None


@functools.cache
def _deployments() -> dict[bytes, tuple[Deployment, ...]]:
    found: dict[bytes, tuple[Deployment, ...]] = {}
    for file in _DEPLOYMENTS:
        named = sources(file)
        for address, chains, kind, name, source in rows(file):
            key = to_bytes(address)
            one = Deployment(key, frozenset(map(int, chains.split(","))), kind, name, named.get(source, source))
            found[key] = (*found.get(key, ()), one)
    return found
