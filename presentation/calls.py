# SPDX-License-Identifier: Apache-2.0
"""Calls of proposals and acts: decoded, with their arguments, and in one line of words."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from django.utils.translation import gettext

from agent.models import Summary
from agent.understanding.effects import shown
from governance.chain import abi
from governance.chain.call import ProposedCall, call_of
from governance.models import Proposal, ProposalAction
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line
from presentation import words
from presentation.dao_view import DaoView


@dataclass
class ArgumentView:
    """An argument as a page shows it; `note` adds a time or an amount in words where the name of the function tells."""

    name: str
    type: str
    text: str
    address: bytes | None
    note: str = ""


def arguments(place: DaoView, target: bytes, decoded: abi.DecodedCall | None) -> list[ArgumentView]:
    """The arguments of a decoded call; amounts of a known token's transfer also in its units."""
    found = []
    asset = place.assets.get(target)
    for argument in decoded.args if decoded else ():
        note = ""
        if asset and decoded and argument.type == "uint256" and decoded.name in ("transfer", "transferFrom", "approve"):
            note = asset.text(argument.value, None)
        found.append(_argument(argument, note))
    return found


def _argument(argument: abi.Argument, note: str = "") -> ArgumentView:
    shown = abi.json_value(abi.parse_type(argument.type), argument.value)
    return ArgumentView(
        argument.name or gettext("(unnamed)"),
        argument.type,
        shown if isinstance(shown, str) else json.dumps(shown),
        argument.value if argument.type == "address" else None,
        note,
    )


def inner_calls(place: DaoView, decoded: abi.DecodedCall | None) -> list[str]:
    """Calls that the arguments carry, as `perform(address to, uint256 value, bytes data)` does, each in one line."""
    found, values = [], list(decoded.args) if decoded else []
    for to, value, data in zip(values, values[1:], values[2:], strict=False):
        if (to.type, value.type, data.type) == ("address", "uint256", "bytes"):
            found.append(call_words(place, to.value, value.value, data.value))
    return found


def call_words(place: DaoView, target: bytes, value_wei: int, calldata: bytes) -> str:
    """A call in one line: `pays 1,000 USDC to ines (0x12…ab)`, or the decoded function. `calldata` is the executed."""

    def name(address: bytes) -> str:
        known = place.names.get(address)
        text = words.short(words.address_text(address))
        return f"{known} ({text})" if known else text

    values = {"value": place.native.text(value_wei, None), "target": name(target)}
    if not calldata:
        return gettext("pays %(amount)s to %(recipient)s") % {"amount": values["value"], "recipient": values["target"]}
    decoded = decode_call(place, target, calldata)
    if decoded and decoded.signature == "transfer(address,uint256)" and not value_wei:
        to, base_units = decoded.values
        paid = place.asset(target).text(base_units, None)
        return gettext("pays %(amount)s to %(recipient)s") % {"amount": paid, "recipient": name(to)}
    if decoded:
        values["call"] = one_line(str(decoded), 160)
        known = gettext("%(call)s on %(target)s with %(value)s") if value_wei else gettext("%(call)s on %(target)s")
        return known % values
    values["selector"] = hex_text(calldata[:4])
    if value_wei:
        return gettext("calls %(selector)s (unknown function) on %(target)s with %(value)s") % values
    return gettext("calls %(selector)s (unknown function) on %(target)s") % values


@dataclass
class ActionView:
    """A call of a proposal beside what it means."""

    position: int
    call: ProposedCall
    decoded: abi.DecodedCall | None
    arguments: list[ArgumentView] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)  # calls inside its arguments, in words
    effects: list[dict] = field(default_factory=list)
    times: int = 1  # how many calls in a row of the list are the same

    @property
    def told(self) -> list[str]:
        """What the call does, a sentence each, in the reader's language."""
        return [shown(effect) for effect in self.effects]

    @property
    def target(self) -> bytes:
        return self.call.target

    @property
    def value_wei(self) -> int:
        return self.call.value_wei

    @cached_property
    def calldata(self) -> bytes:
        """What the chain executes, whatever form the proposal gives it in."""
        return self.call.calldata

    @property
    def claim(self) -> str:
        """A sentence about the function that the proposal names as text; empty where nothing need be said."""
        return self.call.what_the_text_says(self.decoded.signature if self.decoded else "")

    @property
    def claimed_arguments(self) -> list[ArgumentView]:
        """The arguments by the proposal's own text, where no interface of ours knows the function."""
        return [] if self.decoded else [_argument(argument) for argument in self.call.arguments or ()]


def action_views(place: DaoView, proposal: Proposal, summary: Summary | None) -> list[ActionView]:
    """The proposal's calls in order, each with its decoded call and the effects that were computed from it."""
    by_call: dict[int, list[dict]] = defaultdict(list)
    found = []
    for effect in summary.effects if summary else []:
        by_call[effect["position"]].append(effect)
    for action in ProposalAction.objects.filter(proposal=proposal).order_by("position"):
        call = call_of(action)
        decoded = decode_call(place, call.target, call.calldata)
        found.append(
            ActionView(
                action.position,
                call,
                decoded,
                arguments(place, call.target, decoded),
                inner_calls(place, decoded),
                by_call.get(action.position, []),
            )
        )
    return found


def grouped(views: Sequence[ActionView]) -> list[ActionView]:
    """Calls with those that are the same, byte for byte, and follow each other put together."""
    found: list[ActionView] = []
    for view in views:
        if found and found[-1].call == view.call and found[-1].told == view.told:
            found[-1] = replace(found[-1], times=found[-1].times + 1)
        else:
            found.append(view)
    return found


def decode_call(place: DaoView, target: bytes, calldata: bytes) -> abi.DecodedCall | None:
    """The call by name and arguments, where an ABI we hold knows the function and the bytes are its canonical form."""
    return abi.decode_call(calldata, *place.abi_kinds(target))
