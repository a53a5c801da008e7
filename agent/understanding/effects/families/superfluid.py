# SPDX-License-Identifier: Apache-2.0
"""Superfluid's host: it passes calls on to its agreements, and batches of operations to its tokens."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, Handler, Made, make
from agent.understanding.effects.book import Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.wording import TABLE
from governance.chain import abi
from governance.chain.address import ZERO

SENTENCES = {
    "no_such_batch": gettext_noop(
        "Has {target} do an operation of type {type} on {on}, whose data can't be read: nobody can say what it does."
    )
}
say = TABLE.add(SENTENCES)

_HOST = frozenset({"superfluid_host"})


def _call_of(signature: str) -> Callable[[tuple[Any, ...]], bytes]:
    return lambda values: abi.encode_call(signature, values)


# Operations of a batch by their number: the types of their data, and the call that the host makes of it. An approval
# and a payment are made by the token in the name of who calls the host, as the token's own functions do.
_OPERATIONS: dict[int, tuple[list[str], Callable[[tuple[Any, ...]], bytes]]] = {
    1: (["address", "uint256"], _call_of("approve(address,uint256)")),
    2: (["address", "address", "uint256"], _call_of("transferFrom(address,address,uint256)")),
    101: (["uint256"], _call_of("upgrade(uint256)")),
    102: (["uint256"], _call_of("downgrade(uint256)")),
    201: (["bytes", "bytes"], lambda values: bytes(values[0])),  # a call of an agreement, and data for an app
}


def _maker(act: Act, book: Book) -> bytes:
    """The host acts in the name of who calls it."""
    return act.through[-1] if act.through else book.executor or ZERO


def _call_agreement(act: Act, book: Book, _function: str, a: tuple[Any, ...]) -> Made:
    return Made(inside=(act.inside("callAgreement", a[0], 0, a[1], maker=_maker(act, book)),))


def _batch(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect | Made:
    inside = []
    for kind, target, data in a[0]:
        known = _OPERATIONS.get(kind)
        try:
            values = abi.decode(known[0], data) if known else None
        except abi.NotCanonical:
            values = None
        if known is None or values is None:
            why = say("no_such_batch", target=book.party(act.target), type=f"{kind}", on=book.party(target))
            return make(act, Kind.UNKNOWN, why, function, why=why)
        inside.append(act.inside(function.split("(")[0], target, 0, known[1](values), maker=_maker(act, book)))
    return Made(inside=tuple(inside))


CONTAINERS: dict[str, tuple[frozenset[str], Handler]] = {
    "callAgreement(address,bytes,bytes)": (_HOST, _call_agreement),
    "batchCall((uint32,address,bytes)[])": (_HOST, _batch),
    "forwardBatchCall((uint32,address,bytes)[])": (_HOST, _batch),
}
