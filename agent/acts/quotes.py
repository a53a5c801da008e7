# SPDX-License-Identifier: Apache-2.0
"""What a swap may bring at least, from a price that code reads on the chain: who asks says how much worse it may be.

The price is that of the pool itself at one block, less the pool's fee, and the pool's word alone: whoever set up a pool
that a policy leaves open chose its price. What the swap moves the price counts as worse, and whether it is within what
was asked the simulation of the exact calls says; for an act that is announced first, only at its release. Beside that
stands the ratio that members voted, which no quote can widen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.acts.words import Stated, say
from governance.chain import abi
from governance.chain.address import ZERO, checksum, to_bytes
from governance.chain.rpc import BlockId, CallReverted, Rpc
from policies.answer.slots import slots
from policies.code.policy_code import PolicyCode
from policies.code.signatures import Function

SLIPPAGE = "slippage_bps"
WHOLE_BPS = 10_000
MOST_MOVED_BPS = 50  # that a price may get better before a minimum from the one before lets too much through
_FEE_PARTS = 1_000_000
_SQUARE = 2**192


@dataclass(frozen=True, slots=True)
class Places:
    """Which words of a swap's arguments hold what."""

    token_in: int
    token_out: int
    fee: int
    amount_in: int
    minimum: int


# exactInputSingle of Uniswap's V3 routers: the first, and the one that left the deadline out.
SWAPS: Mapping[bytes, Places] = {
    bytes.fromhex("414bf389"): Places(0, 1, 2, 5, 6),
    bytes.fromhex("04e45aaf"): Places(0, 1, 2, 4, 5),
}


class NoQuote(Stated, ValueError):
    """No price can be read for a swap."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A minimum that is to come from a quote: of which call and argument, and what is swapped. Base units."""

    call: int
    argument: str
    router: bytes
    token_in: bytes
    token_out: bytes
    fee: int
    amount_in: int
    slippage_bps: int

    def minimum(self, expected: int) -> int:
        return expected * (WHOLE_BPS - self.slippage_bps) // WHOLE_BPS

    def is_too_little(self, minimum: int, expected: int) -> bool:
        """Whether a minimum that was set before is further below a new price than was asked for: by as much again, but
        by no more than `MOST_MOVED_BPS`."""
        slack_bps = min(self.slippage_bps, MOST_MOVED_BPS)
        return self.minimum(expected) * (WHOLE_BPS - slack_bps) // WHOLE_BPS > minimum


def minimum_name(policy: PolicyCode, number: int, function: Function | None) -> str:
    """The argument of a rule's function that is a swap's minimum; empty where the function is no known swap."""
    rule = policy.rules[number]
    places = SWAPS.get(rule.selector)
    return slots(policy, rule, function)[places.minimum].name if places else ""


def wanted(policy: PolicyCode, functions: Mapping[bytes, Function], numbers: list[int], act: Any) -> Iterator[Wanted]:
    """The minima of an act that are to come from quotes; `numbers` are the rules of its calls. Raises NoQuote for one
    at a place that is no swap's minimum, and ValueError, KeyError or TypeError for what is no act."""
    for position, (number, call) in enumerate(zip(numbers, act["calls"], strict=True)):
        rule = policy.rules[number]
        for name, value in call.get("arguments", {}).items():
            if not isinstance(value, dict) or SLIPPAGE not in value:
                continue
            if minimum_name(policy, number, functions.get(rule.selector)) != name or set(value) != {SLIPPAGE}:
                raise NoQuote(say("no_quote_place", argument=name))
            places, names = SWAPS[rule.selector], [
                slot.name for slot in slots(policy, rule, functions.get(rule.selector))
            ]  # fmt: skip
            bps, said = int(value[SLIPPAGE]), call["arguments"]
            if str(bps) != value[SLIPPAGE] or not 1 <= bps < WHOLE_BPS:
                raise NoQuote(say("no_quote_share"))
            yield Wanted(
                position,
                name,
                rule.target,
                to_bytes(said[names[places.token_in]]),
                to_bytes(said[names[places.token_out]]),
                int(said[names[places.fee]]),
                int(said[names[places.amount_in]]),
                bps,
            )


def read(rpc: Rpc, want: Wanted, block: BlockId, number: int) -> dict[str, str]:
    """The quote of a swap at a block, as it stands in a decision record. Raises NoQuote, and RpcError: ask again."""
    try:
        factory = _address(rpc.eth_call(want.router, abi.encode_call("factory()", []), block))
        question = abi.encode_call("getPool(address,address,uint24)", [want.token_in, want.token_out, want.fee])
        pool = _address(rpc.eth_call(factory, question, block))
        price = 0 if pool == ZERO else _word(rpc.eth_call(pool, abi.encode_call("slot0()", []), block))
        # Anybody can set a pool's price while nothing lies in it.
        price = price if price and _word(rpc.eth_call(pool, abi.encode_call("liquidity()", []), block)) else 0
    except (CallReverted, ValueError):
        raise NoQuote(say("no_quote", router=checksum(want.router))) from None
    if not price:
        raise NoQuote(say("no_quote", router=checksum(want.router)))
    given = want.amount_in * (_FEE_PARTS - want.fee) // _FEE_PARTS
    if want.token_in < want.token_out:
        expected = given * price * price // _SQUARE
    else:
        expected = given * _SQUARE // (price * price)
    if not want.minimum(expected):
        raise NoQuote(say("no_quote", router=checksum(want.router)))
    return {
        "call": str(want.call),
        "argument": want.argument,
        "pool": checksum(pool),
        "block": str(number),
        "expected": str(expected),
        "minimum": str(want.minimum(expected)),
    }


def _word(answer: bytes) -> int:
    if len(answer) < 32:
        raise ValueError("no answer")
    return int.from_bytes(answer[:32], "big")


def _address(answer: bytes) -> bytes:
    word = _word(answer)
    if word >= 2**160:
        raise ValueError("no address")
    return word.to_bytes(20, "big")
