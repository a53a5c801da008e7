# SPDX-License-Identifier: Apache-2.0
"""What a function does to power or code, as far as its name tells. A name proves nothing: it can only raise a flag."""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from itertools import product

from agent.understanding.effects import Effect, Kind
from agent.understanding.flags.flag import Case, Found, of_effects
from governance.chain import abi
from policies.notation.visible import one_line

_VERBS = (
    "set", "transfer", "change", "accept", "claim", "propose", "nominate", "update", "replace", "swap", "renounce",
    "add", "remove", "grant", "revoke", "appoint", "assign", "enable", "disable", "push", "pull", "commit", "apply",
)  # fmt: skip
_HOLDERS = (
    "owner", "owners", "ownership", "admin", "administrator", "admins", "governance", "governor", "gov", "authority",
    "guardian", "controller", "timelock", "manager", "operator", "minter", "pauser", "keeper", "executor", "dao",
    "module", "guard", "fallback handler", "signer", "role", "proxy admin", "root", "ward", "strategist", "proposer",
    "vault", "access control", "access manager", "emergency admin", "super admin", "relayer", "whitelister",
)  # fmt: skip
_CODE = (
    "implementation", "implementations", "logic", "beacon", "code", "master copy", "singleton", "facet", "facets",
    "implementation address", "target implementation",
)  # fmt: skip
_BEFORE = ("pending", "new", "next", "future", "proposed", "default", "the")  # `setPendingAdmin`
_WHOLE = {"rely": "power", "deny": "power", "diamondcut": "code", "upgradeto": "code", "upgradetoandcall": "code",
          "abdicate": "power", "nominatenewowner": "power", "setgov": "power"}  # fmt: skip
_PARAMETERS = ("", "address", "address,bool", "address,address", "address,uint256", "bytes32,address", "address,bytes")
_NAMES_CODE = re.compile(r"address|bytes|string")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class Meaning(StrEnum):
    """What a function changes by its name."""

    POWER = "power"
    CODE = "code"


def meaning_of(name: str) -> Meaning | None:
    """What a function of this name changes; None where the name says nothing of power or code."""
    if whole := _WHOLE.get(name.lower().strip("_")):
        return Meaning(whole)
    said = [word.lower() for word in _WORD.findall(name[:80])]
    if not said or said[0] not in _VERBS:
        return ("upgrade" in said[:1] and Meaning.CODE) or None
    while len(said) > 2 and said[1] in _BEFORE:
        del said[1]
    # The last words say what is set; what comes before them says of what (`setTreasuryOwner`).
    for length in (2, 1):
        what = " ".join(said[-length:])
        if len(said) > length and what in _HOLDERS:
            return Meaning.POWER
        if len(said) > length and what in _CODE:
            return Meaning.CODE
    return None


@cache
def _by_selector() -> dict[bytes, str]:
    """Names of such functions with the parameters that they mostly have, by selector: for calls that nobody decodes."""
    names = set(_WHOLE)
    names |= {"rely", "deny", "diamondCut"}
    for verb, holder, before in product(_VERBS[:9], (*_HOLDERS, *_CODE), ("", "pending", "new")):
        tail = "".join(word.capitalize() for word in f"{before} {holder}".split())
        names |= {f"{verb}{tail}", f"_{verb}{tail}"}
    found = {}
    for name, parameters in product(sorted(names), _PARAMETERS):
        found[abi.selector(f"{name}({parameters})")] = name
    found[abi.selector("diamondCut((address,uint8,bytes4[])[],address,bytes)")] = "diamondCut"
    return found


def speaks_of(effect: Effect) -> Meaning | None:
    """What an effect's function changes by its name, or by a name that its selector is known to have.

    What takes numbers alone names no code: `upgrade(uint256)` of a wrapped token wraps an amount.
    """
    meaning = meaning_of(_name(effect))
    parameters = effect.function.partition("(")[2].rstrip(")")
    if meaning is Meaning.CODE and parameters and not _NAMES_CODE.search(parameters):
        return None
    return meaning


def known_or_by_name(kind: Kind, meaning: Meaning, says: str) -> Callable[[Case], Iterator[Found]]:
    """Return a search for effects of a kind, in one finding, and for each other call that by its name does the same;
    `says` is the code of the sentence about those."""

    def find(case: Case) -> Iterator[Found]:
        yield from of_effects(lambda effect: effect.kind is kind)(case)
        for effect in case.effects:
            if effect.kind is not kind and speaks_of(effect) is meaning:
                yield Found({"function": shown_name(effect)}, (effect.id,), says=says)

    return find


def shown_name(effect: Effect) -> str:
    """The function's name on one line: it may be the proposal's own word."""
    return one_line(_name(effect), 60)


def _name(effect: Effect) -> str:
    return effect.function.partition("(")[0] or _by_selector().get(effect.selector, "")
