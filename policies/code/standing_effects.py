# SPDX-License-Identifier: Apache-2.0
"""Functions whose effect outlasts the act, or that no argument bounds: no policy written here may permit them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from policies.code.families import Family, family_of
from policies.notation.primitives import selector as _selector

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
    "approve(uint256,address,uint256)": "lets another account spend later",
    "setOperator(address,uint48)": "lets another account spend everything later",
    "setOperator(bytes19,address,uint256)": "lets another account spend everything later",
    "setAccountOperator(address,address,bool)": "lets another account spend everything later",
    "setOperators((address,bool)[])": "lets another account spend everything later",
    "setRelayerApproval(address,address,bool)": "lets another account spend everything later",
    "authorizeOperatorByPartition(bytes32,address)": "lets another account spend everything later",
    "cdpAllow(uint256,address,uint256)": "lets another account spend everything later",
    "registerAllowedOrderSigner(address,bool)": "lets another account sign for this one later",
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
    "safeTransferFrom(address,address,uint256,bytes)": "moves one NFT: its number is no amount",
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)": "can do anything",
}
_UNBOUNDED_NAMES = {signature.partition("(")[0]: why for signature, why in UNBOUNDED.items()}
_UNBOUNDED_SELECTORS = {_selector(signature): (signature, why) for signature, why in UNBOUNDED.items()}
# What PolicyChecker refuses in any rule but an approval: contracts/src/libraries/StandingEffects.sol is written from
# the same file.
OUTLIVING = frozenset(
    _selector(line.split("\t")[1])
    for line in Path(__file__).with_name("outliving.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)
TRANSFER = _selector("transfer(address,uint256)")
APPROVE = _selector("approve(address,uint256)")


_FILE = Path(__file__).with_name("standing.tsv")
_EXCEPTION = "-"


def why_unbounded(name: str, signature: str, selector: bytes, arguments: Sequence[tuple[str, str]] = ()) -> str | None:
    """Why no policy may permit the function, or None.

    First by its selector (names can be made to collide), then by its name, then by its family: its name's words and the
    types and names of its `arguments`, those of tuples one by one. A listed exception is one by selector and signature.
    """
    listed = _listed().get(selector)
    if listed == (signature, _EXCEPTION):
        return None
    if (known := known_unbounded(selector)) is not None:
        signature_there, why = known
        return why if signature == signature_there else f"is {signature_there} under another name, which {why}"
    if (by_name := _UNBOUNDED_NAMES.get(name)) is not None:
        return by_name
    family = family_of(name, arguments)
    return family.value if family else None


def known_unbounded(selector: bytes) -> tuple[str, str] | None:
    """The signature of, and the reason against, a function that outlasts its act: for explaining foreign code."""
    if (known := _UNBOUNDED_SELECTORS.get(selector)) is not None:
        return known
    signature, family = _listed().get(selector, ("", _EXCEPTION))
    return None if family == _EXCEPTION else (signature, Family[family].value)


@cache
def _listed() -> Mapping[bytes, tuple[str, str]]:
    """The functions of other people's contracts by selector: signature, and family or that they are an exception."""
    found = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            selector, family, signature, _ = line.split("\t")
            found[bytes.fromhex(selector)] = (signature, family)
    return found
