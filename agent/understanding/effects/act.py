# SPDX-License-Identifier: Apache-2.0
"""A call on its way to be understood, and how a handler makes effects of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from agent.understanding.effects.book import Book
from agent.understanding.effects.effect import MONEY, POWER, Argument, Effect, Kind
from governance.chain import abi
from governance.sentences import Sentence


@dataclass(frozen=True)
class Act:
    """A call with where it comes from. `through` as in Effect."""

    target: bytes
    value_wei: int
    calldata: bytes
    position: int
    path: tuple[str, ...] = ()
    delegatecall: bool = False
    signature: bytes = b""  # the function's text, where the proposal gives it apart from its arguments
    through: tuple[bytes, ...] = ()
    besides: tuple[Sentence, ...] = ()
    chain: str = ""  # another chain, by name
    initialises: bool = False  # run in code that was just put in place, which nobody knows
    # How the call was decoded, once it is.
    source: str = ""
    arguments: tuple[Argument, ...] = ()

    def inside(
        self,
        container: str,
        target: bytes,
        value_wei: int,
        data: bytes,
        *,
        maker: bytes | None = None,
        delegatecall: bool = False,
        signature: bytes = b"",
        besides: tuple[Sentence, ...] = (),
        chain: str = "",
    ) -> "Act":
        """A call that this one makes. `maker`: who makes it, where it is not this call's target."""
        return Act(
            target,
            0 if delegatecall else value_wei,  # a delegatecall carries no value
            data,
            self.position,
            (*self.path, container),
            delegatecall,
            signature,
            (*self.through, self.target if maker is None else maker),
            (*self.besides, *besides),
            chain or self.chain,
        )

    def initial(self, container: str, proxy: bytes, data: bytes) -> "Act":
        """Call data that is run in code that this call puts in place at `proxy`."""
        maker = self.through[-1] if self.through else self.target
        return replace(self.inside(container, proxy, 0, data, maker=maker), initialises=True)


@dataclass(frozen=True)
class Made:
    """What a call does: its own effects, the first of which is the main one, and the calls that it makes.

    `beside` are effects that the call has besides all that, a refund for example.
    """

    effects: tuple[Effect, ...] = ()
    inside: tuple[Act, ...] = ()
    beside: tuple[Effect, ...] = ()
    takes_value: bool = False  # the native currency of the call is part of the effects already


Handler = Callable[[Act, Book, str, tuple[Any, ...]], Effect | Made]


def addresses_within(value: Any, of: abi.Type) -> Iterable[bytes]:
    """Every address among an argument's values, lists and structs included."""
    if of.kind == "address":
        yield value
    elif of.items and "address" in of.text:
        kinds = of.items if of.kind == "tuple" else of.items * len(value)
        for one, kind in zip(value, kinds, strict=True):
            yield from addresses_within(one, kind)


def make(act: Act, kind: Kind, sentence: Sentence, function: str = "", **fields: Any) -> Effect:
    """An effect of a call. `fields` are Effect's; `others` are further addresses that take part.

    What it moves follows from its kind where `moves` is not given.
    """
    addresses: dict[bytes, None] = {act.target: None}
    for name in ("recipient", "sender", "asset"):
        if address := fields.get(name):
            addresses[address] = None
    for address in fields.pop("others", ()):
        addresses[address] = None
    for argument in act.arguments:
        addresses |= dict.fromkeys(addresses_within(argument.value, abi.parse_type(argument.type)))
    if "moves" not in fields:
        fields["moves"] = moved_by(kind, fields.get("amount"))
    return Effect(
        id="",
        position=act.position,
        path=act.path,
        kind=kind,
        target=act.target,
        selector=act.calldata[:4],
        function=function,
        sentence=sentence,
        arguments=fields.pop("arguments", act.arguments),
        source=fields.pop("source", act.source),
        delegatecall=fields.pop("delegatecall", act.delegatecall),
        through=act.through,
        chain=act.chain,
        besides=(*act.besides, *fields.pop("besides", ())),
        addresses=tuple(addresses),
        **fields,
    )


def moved_by(kind: Kind, amount: int | None) -> str:
    """What an effect of this kind moves: "money", "power" or "". An amount of nothing moves nothing."""
    if kind in MONEY:
        return "" if amount == 0 else "money"
    return "power" if kind in POWER else ""
