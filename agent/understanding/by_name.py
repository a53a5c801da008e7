# SPDX-License-Identifier: Apache-2.0
"""Calls that a text bids by their function's name, and arguments that it calls by another's name or place."""

import re

from agent.understanding.effects import Effect
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.moods import ActWord, Mood, mood_of
from agent.understanding.passages import Shape
from agent.understanding.permissions import is_permission
from agent.understanding.scopes import Scope


def bids_call(effect: Effect, name: str, scope: Scope) -> tuple[ActWord, Mood, str] | None:
    """Where words bid to call a function that changes a name, role or parameter: "Call setOwner on the registry with".

    The function's name is verb and subject. Which argument is which such words leave open: of two addresses, none.
    """
    if str(effect.kind) not in ("name", "role_change", "parameter_change") or is_permission(effect):
        return None
    addresses = {argument.value for argument in effect.arguments if argument.type == "address"}
    bids = re.compile(rf"\bcall(?:s|ing)? (?:the )?(?:function |method )?[`\"]?{re.escape(name)}(?!\w)")
    if (
        len(addresses - {effect.target}) > 1
        or len(bids.findall(scope.folded)) != 1
        or len(_BIDS_CALL.findall(scope.folded)) > 1
    ):
        return None
    flags = {str(argument.value).casefold() for argument in effect.arguments if argument.type == "bool"}
    if flags and set(_FLAGS.findall(scope.folded)) != flags:
        return None  # no verb says which way
    for read in scope.reads:
        match = bids.search(read.voice.folded)
        if match is not None and read.passage.shape is not Shape.CODE:
            act = ActWord(match.start(), match.start() + 4, frozenset({Act.CALL}), Tense.NOW, "call")
            mood, doubt = mood_of(read.voice, act, act.start, read.passage)
            return act, mood, doubt
    return None


def swaps_target(effect: Effect, holder: bytes | None, scope: Scope) -> bool:
    """Whether a sentence gives the target to the holder: "transfer the ownership of (the Safe) to (the proxy)"."""
    holders = {holder} if holder is not None else set()
    if str(effect.kind) == "upgrade":
        holders |= {argument.value for argument in effect.arguments[:1] if argument.type == "address"}
    if not holders or scope.is_section or effect.target in holders:
        return False
    target: set[bool] = set()
    held: set[bool] = set()
    for read in scope.reads:
        end = 0
        for party in read.parties:
            is_behind = _TO.search(read.voice.folded[end : party.start]) is not None
            end = party.end
            if party.addresses == (effect.target,):
                target.add(is_behind)
            elif len(party.addresses) == 1 and party.addresses[0] in holders:
                held.add(is_behind)
    return target == {True} and held == {False}


def swaps_arguments(effect: Effect, scope: Scope) -> bool:
    """Whether a scope calls an address by the name of an argument that is another: "owner 0x..., resolver 0x..."."""
    named = {
        one.name.casefold().strip("_"): one.value for one in effect.arguments if one.type == "address" and one.name
    }
    if len(set(named.values())) < 2:
        return False
    label = re.compile(
        rf"\b(?P<name>{'|'.join(map(re.escape, named))})\b[^\w]{{0,4}}(?:(?:is|to|as|of|the|new|address)\W+){{0,3}}$"
    )
    for read in scope.reads:
        for party in read.parties:
            before = read.voice.folded[max(0, party.start - 60) : party.start]
            match = label.search(before)
            if match is None or len(party.addresses) != 1 or party.addresses[0] not in named.values():
                continue
            if named[match["name"]] != party.addresses[0]:
                return True
    return False


_BIDS_CALL = re.compile(r"\bcall(?:s|ing)? (?:the )?(?:function |method )?[`\"]?[a-z]+(?:\(| on\b)")
_FLAGS = re.compile(r"\b(?:true|false)\b")
_TO = re.compile(r"\b(?:to|into)\b(?! (?:be|set|become|change|call|upgrade|point|make|use|give|grant|transfer|add)\b)")
