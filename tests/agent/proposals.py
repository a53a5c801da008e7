# SPDX-License-Identifier: Apache-2.0
"""Texts and calls of made-up proposals, for tests of the verdict: a book, and calls as effects."""

from agent.understanding import ingest
from agent.understanding.effects import Book, Contract, Effect, Token, effects_of
from agent.understanding.judging import Verdict, judge
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.call import ProposedCall


def address(number: int) -> bytes:
    """An address with its digits spread, so that no two look alike."""
    return bytes((number * 37 + place * 11 + 0x51) % 256 for place in range(20))


ANA, BEN, CAROL = address(1), address(2), address(3)
GOLD, SILVER, ODD = address(11), address(12), address(13)
TREASURY, GOVERNOR, SAFE, STRANGER, PROXY, CODE = (address(number) for number in range(21, 27))

BOOK = Book(
    names={ANA: "ana", TREASURY: "the timelock", GOVERNOR: "the governor", SAFE: "the grants Safe"},
    tokens={GOLD: Token("GLD", GOLD, 6), SILVER: Token("SLV", SILVER, 18)},
    contracts={
        TREASURY: Contract("timelock", "time"),
        GOVERNOR: Contract("governor", "time"),
        SAFE: Contract("safe"),
    },
    executor=TREASURY,
)


def call(target: bytes, signature: str, *values: object, wei: int = 0) -> ProposedCall:
    """A call of a function by its signature."""
    return ProposedCall(target, wei, b"", abi.encode_call(signature, values))


def pays(amount: int = 2_500, who: bytes = BEN, token: bytes = GOLD, decimals: int = 6) -> ProposedCall:
    """A token's transfer of whole units."""
    return call(token, "transfer(address,uint256)", who, amount * 10**decimals)


def ether(amount_wei: int, who: bytes = BEN) -> ProposedCall:
    return ProposedCall(who, amount_wei, b"", b"")


def verdict(text: str, *calls: ProposedCall, book: Book = BOOK) -> Verdict:
    return judge(ingest.read(text), effects(*calls, book=book), book)


def effects(*calls: ProposedCall, book: Book = BOOK) -> list[Effect]:
    return effects_of(calls, book)


def text_of(who: bytes) -> str:
    return checksum(who)
