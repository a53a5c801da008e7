# SPDX-License-Identifier: Apache-2.0
"""Function signatures with named arguments, the values their words hold, and the functions no policy may permit."""

import re
from dataclasses import dataclass

from policies.amounts import Unclear
from policies.primitives import selector as _selector
from policies.problems import shown

_SIGNATURE = re.compile(r"([A-Za-z_$][A-Za-z0-9_$]{0,63}) ?\((.{0,1000})\)")
_ARGUMENT = re.compile(r"([a-z]+[0-9]{0,3}) +([A-Za-z_][A-Za-z0-9_]{0,63})")
_STATIC = re.compile(r"address|bool|u?int(?P<bits>[0-9]{1,3})|bytes(?P<size>[0-9]{1,2})")
MAX_ARGUMENTS = 32

# What these do outlasts the act, hands control away, or moves what no argument shows: no budget can bound them.
UNBOUNDED = {
    "approve(address,uint256)": "lets another account spend later",
    "increaseAllowance(address,uint256)": "lets another account spend later",
    "increaseApproval(address,uint256)": "lets another account spend later",
    "decreaseAllowance(address,uint256)": "changes what another account may spend later",
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)": "lets another account spend later",
    "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)": "lets another account spend later",
    "approve(address,address,uint160,uint48)": "lets another account spend later",
    "approve(address,uint256,uint256)": "lets another account spend later",
    "approveAndCall(address,uint256)": "lets another account spend later",
    "approveAndCall(address,uint256,bytes)": "lets another account spend later",
    "temporaryApprove(address,uint256)": "lets another account spend",
    "approveDelegation(address,uint256)": "lets another account borrow on this one's credit",
    "setOperator(address,bool)": "lets another account spend everything later",
    "allow(address,bool)": "lets another account spend everything later",
    "hope(address)": "lets another account spend everything later",
    "setAuthorization(address,bool)": "lets another account spend everything later",
    "permit(address,address,uint256,uint256,bytes)": "lets another account spend later",
    "setPreSignature(bytes,bool)": "signs for something that happens later",
    "signMessage(bytes)": "signs for something that happens later",
    "delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)": "hands voting power away until it is called again",
    "setApprovalForAll(address,bool)": "lets another account spend everything later",
    "approveHash(bytes32)": "signs for something that happens later",
    "authorizeOperator(address)": "lets another account spend everything later",
    "delegate(address)": "hands voting power away until it is called again",
    "transferFrom(address,address,uint256)": "moves what belongs to another account",
    "safeTransferFrom(address,address,uint256)": "moves one NFT: its number is no amount",
    "transferOwnership(address)": "hands control away for ever",
    "renounceOwnership()": "gives control up for ever",
    "grantRole(bytes32,address)": "hands a role away for ever",
    "revokeRole(bytes32,address)": "takes a role for ever",
    "renounceRole(bytes32,address)": "gives a role up for ever",
    "setOwner(address)": "hands control away for ever",
    "changeAdmin(address)": "hands control away for ever",
    "upgradeTo(address)": "replaces the code behind an address",
    "enableModule(address)": "lets another contract spend everything",
    "disableModule(address,address)": "changes which contracts may spend",
    "addOwnerWithThreshold(address,uint256)": "changes who controls a Safe",
    "setGuard(address)": "changes who controls a Safe",
    "setFallbackHandler(address)": "changes who controls a Safe",
}
_UNBOUNDED_NAMES = {signature.partition("(")[0]: why for signature, why in UNBOUNDED.items()} | {
    "permitTransferFrom": "lets another account spend",
    "createStream": "starts a stream that nobody in this policy ends",
    "multicall": "can do anything",
    "execute": "can do anything",
    "upgradeToAndCall": "replaces the code behind an address",
}
_UNBOUNDED_SELECTORS = {_selector(signature): (signature, why) for signature, why in UNBOUNDED.items()}
# Those of them that the module itself refuses in any rule (contracts/src/libraries/StandingEffects.sol).
OUTLIVING = frozenset(
    _selector(signature)
    for signature in (
        "approve(address,uint256)",
        "increaseAllowance(address,uint256)",
        "increaseApproval(address,uint256)",
        "approve(address,uint256,uint256)",
        "approve(address,address,uint160,uint48)",
        "approveAndCall(address,uint256)",
        "approveAndCall(address,uint256,bytes)",
        "temporaryApprove(address,uint256)",
        "approveDelegation(address,uint256)",
        "setApprovalForAll(address,bool)",
        "setOperator(address,bool)",
        "authorizeOperator(address)",
        "allow(address,bool)",
        "hope(address)",
        "setAuthorization(address,bool)",
        "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
        "permit(address,address,uint256,uint256,bytes)",
        "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
        "approveHash(bytes32)",
        "setPreSignature(bytes,bool)",
        "signMessage(bytes)",
        "delegate(address)",
        "delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)",
    )
)
TRANSFER = _selector("transfer(address,uint256)")
APPROVE = _selector("approve(address,uint256)")


@dataclass(frozen=True, slots=True)
class Argument:
    """A named static argument: one 32-byte word."""

    type: str
    name: str

    def check(self, value: int) -> None:
        """Raises Unclear when an unsigned number doesn't fit the type."""
        if self.is_unsigned and value >= 2 ** int(self.type[4:]):
            raise Unclear(f"{value} does not fit {self.type}", "write a smaller number")

    @property
    def is_unsigned(self) -> bool:
        return self.type.startswith("uint")


@dataclass(frozen=True, slots=True)
class Function:
    """A function as a rule names it."""

    name: str
    arguments: tuple[Argument, ...]

    @property
    def signature(self) -> str:
        """The canonical form, such as `transfer(address,uint256)`."""
        return f"{self.name}({','.join(argument.type for argument in self.arguments)})"

    @property
    def selector(self) -> bytes:
        return _selector(self.signature)

    @property
    def text(self) -> str:
        """With the arguments' names, as people write it."""
        return f"{self.name}({', '.join(f'{argument.type} {argument.name}' for argument in self.arguments)})"

    def index(self, name: str) -> int | None:
        """The word that the named argument stands in."""
        return next((i for i, argument in enumerate(self.arguments) if argument.name == name), None)


def parse_function(text: str) -> Function:
    """`transfer(address to, uint256 amount)` with static arguments only. Raises Unclear."""
    match = _SIGNATURE.fullmatch(text)
    if match is None:
        raise Unclear(f"{shown(text)} is not a function", "write it such as `transfer(address to, uint256 amount)`")
    parts = [part.strip() for part in match[2].split(",")] if match[2].strip() else []
    arguments = tuple(_argument(part) for part in parts)
    if len(arguments) > MAX_ARGUMENTS:
        raise Unclear(
            f"{match[1]} has {len(arguments)} arguments", f"only functions with at most {MAX_ARGUMENTS} can be bounded"
        )
    names = [argument.name for argument in arguments]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Unclear(f"the argument name {twice} stands twice", "give each argument its own name")
    return Function(match[1], arguments)


def _argument(text: str) -> Argument:
    match = _ARGUMENT.fullmatch(text)
    if match is None:
        if re.search(r"\[|\(|^(?:bytes|string)\b", text):
            raise Unclear(
                f"the argument {shown(text)} has no fixed size",
                "only functions whose arguments are single words can be bounded",
            )
        raise Unclear(f"{shown(text)} is not an argument with a type and a name", "write it such as `address to`")
    kind, name = match.groups()
    if kind in ("uint", "int"):
        raise Unclear(f"{kind} has two spellings", f"write {kind}256")
    if kind in ("bytes", "string"):
        raise Unclear(
            f"the argument {name} has no fixed size", "only functions whose arguments are single words can be bounded"
        )
    static = _STATIC.fullmatch(kind)
    bits, size = (int(static["bits"] or 8), int(static["size"] or 1)) if static else (0, 0)
    if not (8 <= bits <= 256 and bits % 8 == 0 and 1 <= size <= 32):
        raise Unclear(
            f"{shown(kind)} is not a type", "write address, bool, uint256, int256 or bytes32 (or a smaller one)"
        )
    return Argument(kind, name)


def why_unbounded(function: Function) -> str | None:
    """Why no policy may permit the function, by its name or its selector (names can be made to collide), or None."""
    if function.selector in _UNBOUNDED_SELECTORS:
        signature, why = _UNBOUNDED_SELECTORS[function.selector]
        return why if function.signature == signature else f"is {signature} under another name, which {why}"
    return _UNBOUNDED_NAMES.get(function.name)


def known_unbounded(selector: bytes) -> tuple[str, str] | None:
    """The signature of, and the reason against, a function that outlasts its act: for explaining foreign code."""
    return _UNBOUNDED_SELECTORS.get(selector)
