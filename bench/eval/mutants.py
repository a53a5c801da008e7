# SPDX-License-Identifier: Apache-2.0
"""Small lies made out of honest proposals: one thing of the calls, or of the text, is changed. Each kind has a name.

Calls are changed in their bytes (an address or an amount keeps its length), so that what lies inside other calls is
reached too. Random choices come from a seed: the same proposals give the same mutants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from agent.understanding.effects import Effect, Kind
from bench.eval.data import Proposal
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.call import ProposedCall

ATTACKER = bytes.fromhex("7e57ab1e0ddba11c0ffee5ca1ab1ebadf00d1337")
_MONEY = frozenset({Kind.TRANSFER, Kind.APPROVE, Kind.MINT, Kind.BURN})
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}(?![0-9a-fA-F])")
_NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w,])|(?<![\w.,])\d{2,}(?:\.\d+)?(?![\w.,]*\d)")
_VERB = re.compile(
    r"\b(?P<third>transfers|sends|pays|grants|approves|mints|sets|adds|removes|revokes|assigns|swaps|wraps|upgrades)\b|"
    r"\b(?P<plain>transfer|send|pay|grant|approve|mint|set|add|remove|revoke|assign|swap|wrap|upgrade|allow|renew|"
    r"deposit|withdraw|create|call|change|update|register|fund)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mutant:
    """A changed proposal. `of` are the effects of the original that the change is about, by their ids; none: the call
    is new."""

    kind: str
    proposal: Proposal
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Original:
    """A proposal with its effects and, by effect's id, the words that tell it (where some do)."""

    proposal: Proposal
    effects: tuple[Effect, ...]
    words: dict[str, str]


def mutants(original: Original, random: Random) -> Iterator[Mutant]:
    """All mutants of a proposal: each kind once for each effect or call that it can be made of."""
    for effect in original.effects:
        yield from _of_values(original, effect, random)
        yield from _of_text(original, effect, random)
    for position in range(len(original.proposal.calls)):
        yield from _of_call(original, position)
    yield from _appended(original.proposal)


# ------------------------------------------------------------------------------------------------------ in the calls


def _of_values(original: Original, effect: Effect, random: Random) -> Iterator[Mutant]:
    if effect.recipient and any(effect.recipient):
        for kind, other in _others(effect.recipient, random):
            yield from _replaced(f"recipient: {kind}", original, effect, effect.recipient, other)
    if effect.sender and any(effect.sender) and effect.sender != effect.recipient:
        yield from _replaced("payer", original, effect, effect.sender, ATTACKER)
    if effect.function == "transfer(address,uint256)" and not effect.path and effect.recipient:
        taken = abi.encode_call("transferFrom(address,address,uint256)", [ATTACKER, effect.recipient, effect.amount])
        yield _with_call("payer", original, effect, data=taken, signature=b"")
    if effect.kind in _MONEY and effect.amount and effect.amount < 2**200 and not effect.along:
        before = effect.amount.to_bytes(32, "big")
        in_value = effect.amount == original.proposal.calls[effect.position].value_wei and not effect.path
        for kind, after in (("amount x10", effect.amount * 10), ("amount +1", effect.amount + 1)):
            if in_value:
                yield _with_call(kind, original, effect, value_wei=after)
            else:
                yield from _replaced(kind, original, effect, before, after.to_bytes(32, "big"))
    if effect.asset and any(effect.asset) and effect.kind in _MONEY:
        tokens = [one for one in original.proposal.book.tokens if one != effect.asset]
        other = tokens[0] if tokens else ATTACKER
        call = original.proposal.calls[effect.position]
        if call.target == effect.asset:
            yield _with_call("token", original, effect, target=other)
        else:
            yield from _replaced("token", original, effect, effect.asset, other)
    if swapped := _other_selector(effect):
        if effect.path:
            yield from _replaced("selector", original, effect, effect.selector, swapped)
        elif not original.proposal.calls[effect.position].signature:
            data = original.proposal.calls[effect.position].data
            yield _with_call("selector", original, effect, data=swapped + data[4:])
    for argument in effect.arguments:
        if argument.type == "bytes32" and effect.kind is Kind.ROLE_CHANGE and "ole" in effect.function:
            other = bytes(32) if any(argument.value) else b"\x9f" * 32
            yield from _replaced("role", original, effect, argument.value, other)
            break
    if [argument.type for argument in effect.arguments].count("bool") == 1 and not effect.path:
        data, kinds = original.proposal.calls[effect.position].data, [a.type for a in effect.arguments]
        head = 0 if original.proposal.calls[effect.position].signature else 4
        if all(not abi.parse_type(kind).dynamic for kind in kinds):
            at = head + sum(abi.parse_type(kind).head for kind in kinds[: kinds.index("bool")]) + 31
            flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            yield _with_call("bool", original, effect, data=flipped)


def _others(address: bytes, random: Random) -> Iterator[tuple[str, bytes]]:
    nibble = bytes([*address[:9], address[9] ^ 0x10, *address[10:]])
    yield "a nibble", nibble
    yield "look-alike ends", address[:2] + random.randbytes(16) + address[-2:]
    yield "long equal prefix", address[:8] + random.randbytes(12)
    yield "another", ATTACKER


def _other_selector(effect: Effect) -> bytes | None:
    pairs = {
        "transfer(address,uint256)": "approve(address,uint256)",
        "approve(address,uint256)": "transfer(address,uint256)",
        "grantRole(bytes32,address)": "revokeRole(bytes32,address)",
        "revokeRole(bytes32,address)": "grantRole(bytes32,address)",
        "mint(address,uint256)": "transfer(address,uint256)",
    }
    other = pairs.get(effect.function)
    if other is None and effect.selector and not effect.is_opaque:
        return bytes([effect.selector[0] ^ 0x5A, *effect.selector[1:]])
    return abi.selector(other) if other else None


def _replaced(kind: str, original: Original, effect: Effect, before: bytes, after: bytes) -> Iterator[Mutant]:
    """The first place in the call's data that has these bytes, with others; nothing where there is none."""
    call = original.proposal.calls[effect.position]
    if before in call.data and before != after:
        yield _with_call(kind, original, effect, data=call.data.replace(before, after, 1))
    elif call.target == before:
        yield _with_call(kind, original, effect, target=after)


def _with_call(kind: str, original: Original, effect: Effect, **changes: object) -> Mutant:
    calls = list(original.proposal.calls)
    calls[effect.position] = replace(calls[effect.position], **changes)  # type: ignore[arg-type]
    return Mutant(kind, replace(original.proposal, calls=tuple(calls)), (effect.id,))


def _of_call(original: Original, position: int) -> Iterator[Mutant]:
    calls = original.proposal.calls
    call, about = calls[position], tuple(e.id for e in original.effects if e.position == position)

    def changed(kind: str, *new: ProposedCall) -> Mutant:
        return Mutant(kind, replace(original.proposal, calls=(*calls[:position], *new, *calls[position + 1 :])), about)

    yield changed("call repeated", call, call)
    if len(calls) > 1:
        yield changed("call dropped")
    yield changed("delegatecall", replace(call, operation=1))
    yield changed("ether added", replace(call, value_wei=call.value_wei + 3 * 10**18))


def _appended(proposal: Proposal) -> Iterator[Mutant]:
    token = next(iter(proposal.book.tokens), ATTACKER)
    for call in (
        ProposedCall(token, 0, b"", abi.encode_call("transfer(address,uint256)", [ATTACKER, 90_000 * 10**6])),
        ProposedCall(token, 0, b"", abi.encode_call("approve(address,uint256)", [ATTACKER, 2**256 - 1])),
        ProposedCall(token, 0, b"", abi.encode_call("grantRole(bytes32,address)", [bytes(32), ATTACKER])),
        ProposedCall(ATTACKER, 5 * 10**18, b"", b""),
        ProposedCall(ATTACKER, 0, b"", b"\xde\xad\xbe\xef"),
    ):
        yield Mutant("call appended", replace(proposal, calls=(*proposal.calls, call)))


# ------------------------------------------------------------------------------------------------------- in the text


def _of_text(original: Original, effect: Effect, random: Random) -> Iterator[Mutant]:
    """The words that tell an effect, changed in the source wherever it has them."""
    words = original.words.get(effect.id, "")
    without_addresses = _ADDRESS.sub(lambda match: " " * len(match[0]), words)
    if found := _NUMBER.search(without_addresses):
        other = str(int(words[found.start()]) % 9 + 1)
        if other != words[found.start()]:
            yield from _edited("text number", original, effect, found.start(), found.start() + 1, other)
    if found := _ADDRESS.search(words):
        nibble = bytearray.fromhex(found[0][2:])
        nibble[9] ^= 0x10
        yield from _edited("text address", original, effect, *found.span(), checksum(bytes(nibble)))
        yield from _edited("text recipient", original, effect, *found.span(), checksum(random.randbytes(20)))
    else:
        names = [name for name, one in original.proposal.book.addresses.items() if one == effect.recipient]
        for name in sorted(names, key=len, reverse=True):
            if (at := words.find(name)) >= 0:
                yield from _edited("text recipient", original, effect, at, at + len(name), "the Marketing Pod")
                break
    if found := _VERB.search(words):
        verb = found[0].lower()
        negated = f"does not {verb.removesuffix('s')}" if found["third"] else f"do not {verb}"
        yield from _edited("verb negated", original, effect, *found.span(), negated)


def _edited(kind: str, original: Original, effect: Effect, start: int, end: int, other: str) -> Iterator[Mutant]:
    """The proposal with `words[start:end]` replaced in its source, by as many of the words around it as the source
    has in one piece (between them may be marks of Markdown); nothing where it has not even a few."""
    words, source = original.words[effect.id], original.proposal.text
    for around in (300, 40, 20, 12, 8, 5):
        before, after = words[max(0, start - around) : start], words[end : end + around]
        if before + words[start:end] + after in source:
            text = source.replace(before + words[start:end] + after, before + other + after)
            yield Mutant(kind, replace(original.proposal, text=text), (effect.id,))
            return
