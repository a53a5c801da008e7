# SPDX-License-Identifier: Apache-2.0
"""Functions whose effect outlasts the act, or that no argument bounds: no policy written here may permit them."""

from pathlib import Path

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
_UNBOUNDED_NAMES = {signature.partition("(")[0]: why for signature, why in UNBOUNDED.items()} | {
    "permitTransferFrom": "lets another account spend",
    "createStream": "starts a stream that nobody in this policy ends",
    "createFlow": "starts a stream that nobody in this policy ends",
    "increaseFlow": "starts a stream that nobody in this policy ends",
    "updateFlow": "starts a stream that nobody in this policy ends",
    "multicall": "can do anything",
    "execute": "can do anything",
    "upgradeToAndCall": "replaces the code behind an address",
}
_UNBOUNDED_SELECTORS = {_selector(signature): (signature, why) for signature, why in UNBOUNDED.items()}
# What PolicyChecker refuses in any rule but an approval, by family. contracts/src/libraries/StandingEffects.sol is
# written from the same file.
_FAMILIES = {
    "allowance": "lets another account spend later",
    "operator": "lets another account spend everything later",
    "signature": "signs for something that happens later",
    "power": "hands voting power away until it is called again",
    "stream": "starts a stream that nobody in this policy ends",
    "debt": "makes debts, which somebody may collect later",
    "control": "hands control away for ever",
}
_ON_CHAIN = {
    _selector(signature): (signature, _FAMILIES[family])
    for family, signature, _ in (
        line.split("\t")
        for line in Path(__file__).with_name("outliving.tsv").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
}
OUTLIVING = frozenset(_ON_CHAIN)
_UNBOUNDED_SELECTORS = _ON_CHAIN | _UNBOUNDED_SELECTORS
TRANSFER = _selector("transfer(address,uint256)")
APPROVE = _selector("approve(address,uint256)")


def why_unbounded(name: str, signature: str, selector: bytes) -> str | None:
    """Why no policy may permit the function, by its name or its selector (names can be made to collide), or None."""
    if selector in _UNBOUNDED_SELECTORS:
        known, why = _UNBOUNDED_SELECTORS[selector]
        return why if signature == known else f"is {known} under another name, which {why}"
    return _UNBOUNDED_NAMES.get(name)


def known_unbounded(selector: bytes) -> tuple[str, str] | None:
    """The signature of, and the reason against, a function that outlasts its act: for explaining foreign code."""
    return _UNBOUNDED_SELECTORS.get(selector)
