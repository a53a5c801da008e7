# SPDX-License-Identifier: Apache-2.0
"""A policy held against a chain: are its targets there, are its tokens what it says, would the module take it?

Everything is asked at one block. What contracts answer is hostile: lengths are limited and text is made printable.
"""

from collections.abc import Iterator

from governance import builds
from governance.chain import abi
from governance.chain.address import checksum, to_bytes
from governance.chain.module import CHECKER
from governance.chain.proxies import answers_as_token, find_proxy
from governance.chain.rpc import Answered, BlockId, CallReverted, Rpc, RpcError
from governance.delegated_votes import Delegated
from policies.code.policy_code import PolicyCode
from policies.files import Loaded
from policies.notation.amounts import Token, format_share
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import selector
from policies.notation.visible import one_line
from policies.session import Finding

_MOST_TEXT = 64


def check_on_chain(rpc: Rpc, loaded: Loaded, module: bytes | None, delegated: Delegated | None = None) -> list[Finding]:
    """What differs between the policy and the chain at its newest block; `module` is asked whether it would take it.

    Raises RpcError when the node fails.
    """
    block = rpc.head_number()
    return [
        *(_objection(loaded.code, delegated) if delegated is not None else ()),
        *(_owners(rpc, loaded.code, module, block) if module is not None else ()),
        *_targets(rpc, loaded, block),
        *(finding for token in loaded.tokens.values() for finding in _token(rpc, token, block)),
        *(_module(rpc, loaded, module, block) if module is not None else ()),
    ]


def _targets(rpc: Rpc, loaded: Loaded, block: BlockId) -> Iterator[Finding]:
    for target in dict.fromkeys(rule.target for rule in loaded.code.rules if not rule.no_selector):
        code = rpc.get_code(target, block)
        if not code:
            yield Finding(True, f"{_called(loaded, target)} has no code; check the address and the chain")
            continue
        called = next(rule.selector for rule in loaded.code.rules if rule.target == target and not rule.no_selector)
        yield from _proxy(rpc, loaded, target, code, block, called)
        decimals = None if target in loaded.tokens else answers_as_token(rpc, target, block)
        if decimals is not None:
            yield Finding(
                False,
                f"{_called(loaded, target)} answers as a token with {decimals} decimals: name it under `tokens`, so "
                "that what moves it is bounded or refused",
            )


def _proxy(rpc: Rpc, loaded: Loaded, target: bytes, code: bytes, block: BlockId, called: bytes) -> Iterator[Finding]:
    """The code that a target runs in place of its own, and, behind a proxy that is fixed, in place of that."""
    found = find_proxy(rpc, target, code, block, called)
    if found is None:
        return
    name = _called(loaded, target)
    if not found.is_fixed:
        yield Finding(
            False,
            f"{name} is {found.kind}; behind it: {checksum(found.behind)}. Whoever controls it can put other code "
            "there after the vote",
        )
        return
    yield Finding(False, f"{name} is {found.kind} and always runs the code at {checksum(found.behind)}: read that code")
    again = find_proxy(rpc, found.behind, rpc.get_code(found.behind, block), block, called)
    if again is not None and not again.is_fixed:
        yield Finding(
            False,
            f"the code at {checksum(found.behind)} is itself {again.kind}: whoever controls that can put other code "
            "there after the vote",
        )


def _objection(policy: PolicyCode, delegated: Delegated) -> Iterator[Finding]:
    """Whether those who can object have the votes for it: only delegated votes count."""
    if all(budget.instant_limit == budget.limit for budget in policy.budgets):
        return
    needed = max(1, delegated.supply * policy.objection_threshold_bps // 10_000)
    share = format_share(policy.objection_threshold_bps)
    if delegated.power < needed:
        yield Finding(
            False,
            f"nobody can stop an announced act: that takes {share} of all votes, and of them "
            f"{_share(delegated.power, delegated.supply)} are delegated (block {delegated.block:,}); write a lower "
            "threshold, or have members delegate",
        )
    elif 2 * needed > delegated.power:
        yield Finding(
            False,
            f"stopping an announced act takes {share} of all votes, which is {_share(needed, delegated.power)} of "
            f"those that are delegated (block {delegated.block:,}); think about a lower threshold",
        )


def _owners(rpc: Rpc, policy: PolicyCode, module: bytes, block: int) -> Iterator[Finding]:
    """How many of a Safe's owners stop an announced act, where they are whose votes the module counts."""
    if all(budget.instant_limit == budget.limit for budget in policy.budgets):
        return
    try:
        votes = rpc.eth_call(module, selector("votesToken()"), block)
        known = builds.votes_adapter(rpc, votes[12:]) if len(votes) == 32 else {}
        if known.get("votes_adapter") != builds.SAFE_OWNERS or known["adapted_token"] is None:
            return
        safe = to_bytes(known["adapted_token"])
        answer = rpc.eth_call(safe, selector("getOwners()"), block)
    except (CallReverted, Answered):
        return  # no module, which is said elsewhere, or no Safe any more
    count = int.from_bytes(answer[32:64], "big")
    needed = max(1, count * policy.objection_threshold_bps // 10_000)
    share = format_share(policy.objection_threshold_bps)
    yield Finding(
        False,
        f"{needed:,} of the {count:,} owners that the Safe {checksum(safe)} has now stop an announced act: {share} of "
        "them, rounded down, and at least one",
    )


def _share(part: int, whole: int) -> str:
    """A share in percent, rounded down to two decimals."""
    return format_share(part * 10_000 // whole if whole else 0)


def _token(rpc: Rpc, token: Token, block: BlockId) -> Iterator[Finding]:
    name = f"{token.symbol} ({checksum(token.address)})"
    decimals = _number(rpc, token.address, "decimals()", block)
    if decimals is None:
        yield Finding(False, f"{name} does not say its decimals; compare them with its documentation")
    elif decimals != token.decimals:
        yield Finding(True, f"{name} has {decimals} decimals, not {token.decimals}; write `decimals: {decimals}`")
    symbol = _symbol(rpc, token.address, block)
    if symbol is not None and symbol != token.symbol:
        yield Finding(False, f"{name} calls itself {symbol!r}; check that it is the token you mean")


def _module(rpc: Rpc, loaded: Loaded, module: bytes, block: BlockId) -> Iterator[Finding]:
    """What the module's own checker says, word for word what `setPolicy` would."""
    try:
        checker = rpc.eth_call(module, selector(CHECKER), block)
        if len(checker) != 32 or not any(checker):
            raise Answered(None, "no checker")
    except RpcError:
        yield Finding(True, f"{checksum(module)} is no policy module of this format; name the module's address")
        return
    try:
        rpc.eth_call(checker[12:], abi.encode_call("check(address,bytes)", [module, loaded.raw]), block)
    except CallReverted as reverted:
        yield Finding(True, f"the module refuses it: {_refusal(reverted.data)}")


def _refusal(data: bytes) -> str:
    if data[:4] == selector("BadPolicy(uint256,bytes32)") and len(data) == 68:
        problem = one_line(data[36:68].rstrip(b"\0").decode("ascii", "replace"))
        return f"{problem} (byte {int.from_bytes(data[4:36], 'big')} of the code)"
    return f"{hex_text(data[:4])}"


def _number(rpc: Rpc, to: bytes, signature: str, block: BlockId) -> int | None:
    try:
        answer = rpc.eth_call(to, selector(signature), block)
    except CallReverted:
        return None
    return int.from_bytes(answer, "big") if len(answer) == 32 and not any(answer[:31]) else None


def _symbol(rpc: Rpc, to: bytes, block: BlockId) -> str | None:
    """A token's symbol as it gives it, text or (older ones) 32 bytes; None where it gives none."""
    try:
        answer = rpc.eth_call(to, selector("symbol()"), block)[:4096]
    except CallReverted:
        return None
    if len(answer) == 32:
        return one_line(answer.rstrip(b"\0").decode("utf-8", "replace"), _MOST_TEXT)
    size = int.from_bytes(answer[32:64], "big") if len(answer) >= 64 else 0
    return one_line(answer[64 : 64 + min(size, _MOST_TEXT)].decode("utf-8", "replace"), _MOST_TEXT) or None


def _called(loaded: Loaded, address: bytes) -> str:
    token = loaded.tokens.get(address)
    name = loaded.names.get(address) or (token.symbol if token else None)
    return f"{name} ({checksum(address)})" if name else checksum(address)
