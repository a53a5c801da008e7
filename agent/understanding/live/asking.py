# SPDX-License-Identifier: Apache-2.0
"""Ask a node what a proposal's accounts were at the block in which it was made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from agent.understanding import functions
from agent.understanding.effects import Book, Effect, Kind, effects_of
from agent.understanding.effects import Contract as Known
from agent.understanding.live import code as codes
from agent.understanding.live import names as ens_names
from agent.understanding.live.facts import Code, Facts
from governance.chain import ens
from governance.chain.call import ProposedCall
from governance.chain.rpc import Rpc, RpcError
from policies.notation.primitives import keccak

MOST_ACCOUNTS = 40  # whose code is asked
_ROUNDS = 3  # a Safe that is found shows calls to further accounts
_FIRST_ORDINARY = 2**16  # below it lie precompiles and chains' own contracts, which have code of no kind
# Hashes of what stands at a Safe's address: SafeProxy of @safe-global/safe-contracts@1.4.1 (its deployedBytecode).
SAFE_PROXIES = frozenset({bytes.fromhex("d7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c")})


def ask(rpc: Rpc, text: str, calls: Sequence[ProposedCall], book: Book, block_hash: bytes, before: int | None) -> Facts:
    """Return what the chain says of names in the text and of accounts in the calls, at the block with this hash.
    `before` is a block `facts.NEW_DAYS` earlier, where it is known.

    Raises:
        RpcError: the node failed, or lacks the state of this block.
    """
    facts = Facts()
    for _ in range(_ROUNDS):
        effects = effects_of(calls, with_facts(book, facts))
        found = _codes(rpc, effects, book, facts, block_hash, before)
        facts = replace(facts, codes={**facts.codes, **found})
        if not any(code.is_safe for code in found.values()):
            break
    if book.chain_id in ens.CHAINS:
        paid = dict.fromkeys(address for effect in effects for address in _named(effect))
        facts = replace(facts, names=ens_names.agreed(rpc, ens_names.names_in(text), list(paid), block_hash))
    return facts


def with_facts(book: Book, facts: Facts) -> Book:
    """Return the book with what the chain said: names that are anybody's to claim, and Safes. The book comes first."""
    taken = {name.casefold() for name in book.addresses}
    fresh = {address: name for address, name in facts.names.items() if name.casefold() not in taken}
    safes = {address: Known("safe") for address, code in facts.codes.items() if code.is_safe}
    return replace(
        book,
        names={**fresh, **book.names},
        also={**{name: address for address, name in fresh.items() if address in book.names}, **book.also},
        contracts={**safes, **book.contracts},
        claimed=book.claimed | (fresh.keys() - book.names.keys()),
        missing=tuple(one for one in book.missing if one != "ens"),
    )


def _named(effect: Effect) -> Iterable[bytes]:
    """Whom an effect pays or calls; nothing of what happens on another chain."""
    return () if effect.chain else tuple(one for one in (effect.recipient, effect.target) if one is not None)


def _codes(
    rpc: Rpc, effects: Sequence[Effect], book: Book, known: Facts, block_hash: bytes, before: int | None
) -> dict[bytes, Code]:
    called: dict[bytes, set[bytes]] = {}
    for effect in effects:
        if effect.chain or effect.along:
            continue
        if effect.selector or effect.kind is Kind.EXECUTE:
            called.setdefault(effect.target, set()).add(effect.selector)
        if effect.kind is Kind.UPGRADE:  # the code that is put in place
            for argument in effect.arguments:
                if argument.type == "address":
                    called.setdefault(argument.value, set())
    asked = [one for one in called if int.from_bytes(one, "big") >= _FIRST_ORDINARY and one not in known.codes]
    asked = asked[: max(0, MOST_ACCOUNTS - len(known.codes))]
    found: dict[bytes, Code] = {}
    earlier = rpc.codes(asked, before) if before is not None else [None] * len(asked)
    for address, code, old in zip(asked, rpc.codes(asked, block_hash), earlier, strict=True):
        if isinstance(code, RpcError):
            raise code
        lacks = tuple(sorted(one for one in called[address] if len(one) == 4 and codes.lacks(code, one)))
        found[address] = Code(
            size=len(code),
            is_new=not old if code and isinstance(old, bytes) else None,  # most nodes lack the state of that block
            destroys_itself=codes.can_destroy_itself(code),
            lacks=lacks,
            is_safe=_is_safe(rpc, address, code, book.chain_id, block_hash),
        )
    return found


def _is_safe(rpc: Rpc, address: bytes, code: bytes, chain_id: int | None, block_hash: bytes) -> bool:
    """Whether this is a Safe's proxy that runs code which Safe publishes for this chain."""
    if chain_id is None or keccak(code) not in SAFE_PROXIES:
        return False
    behind = functions.deployment(chain_id, rpc.storage(address, 0, block_hash)[12:])
    return behind is not None and behind.kind == "safe_code"
