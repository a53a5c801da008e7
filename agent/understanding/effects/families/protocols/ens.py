# SPDX-License-Identifier: Apache-2.0
"""ENS: who holds a name, and what it points at. Contracts know names by hashes alone: of the name (a node), or of its
last label."""

from dataclasses import replace

from django.utils.translation import gettext_noop

from agent.understanding.effects.effect import Kind
from agent.understanding.effects.families.protocols.meaning import Case, Meaning
from governance.chain.address import ZERO

_HASHES = {"node": "node", "parentNode": "node", "label": "label", "labelhash": "label", "id": "label"}

_ROWS = [
    # The registry.
    Meaning(
        "setSubnodeOwner(bytes32 node,bytes32 label,address owner)",
        Kind.NAME,
        gettext_noop("Makes {owner} the owner of the name {label} under the name {node} in {target}."),
        recipient="owner",
        subject="owner of a name",
        moves="power",
    ),
    Meaning(
        "setSubnodeRecord(bytes32 node,bytes32 label,address owner,address resolver,uint64 ttl)",
        Kind.NAME,
        gettext_noop(
            "Makes {owner} the owner and {resolver} the resolver of the name {label} under the name {node} in {target}."
        ),
        recipient="owner",
        subject="owner and resolver of a name",
        new_value="resolver",
        moves="power",
    ),
    Meaning(
        "setRecord(bytes32 node,address owner,address resolver,uint64 ttl)",
        Kind.NAME,
        gettext_noop("Makes {owner} the owner and {resolver} the resolver of the name {node} in {target}."),
        recipient="owner",
        subject="owner and resolver of a name",
        new_value="resolver",
        moves="power",
    ),
    Meaning(
        "setOwner(bytes32 node,address owner)",
        Kind.NAME,
        gettext_noop("Makes {owner} the owner of the name {node} in {target}."),
        recipient="owner",
        subject="owner of a name",
        moves="power",
    ),
    Meaning(
        "setResolver(bytes32 node,address resolver)",
        Kind.NAME,
        gettext_noop("Makes {resolver} the resolver of the name {node} in {target}."),
        subject="resolver",
        new_value="resolver",
        moves="power",
        cases=(Case("resolver", ZERO, gettext_noop("Leaves the name {node} in {target} without a resolver.")),),
    ),
    Meaning(
        "setTTL(bytes32 node,uint64 ttl)",
        Kind.NAME,
        gettext_noop("Lets answers about the name {node} in {target} be kept for {ttl}."),
        subject="time to live",
        new_value="ttl",
        moves="",
        forms={"ttl": "seconds"},
    ),
    Meaning(
        "setApprovalForAll(address operator,bool approved)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Lets {operator} act for whoever makes this call with everything that it has in {target}: tokens or names."
        ),
        recipient="operator",
        subject="operator",
        new_value="approved",
        cases=(
            Case(
                "approved",
                False,
                gettext_noop("Ends the right of {operator} to act for whoever makes this call in {target}."),
                moves="power",
            ),
        ),
    ),
    # The root and the registrars.
    Meaning(
        "setSubnodeOwner(bytes32 label,address owner)",
        Kind.NAME,
        gettext_noop("Makes {owner} the owner of the top-level name {label}, by {target}."),
        recipient="owner",
        subject="owner of a name",
        moves="power",
    ),
    Meaning(
        "setResolver(address resolver)",
        Kind.NAME,
        gettext_noop("Makes {resolver} the resolver of {target}."),
        subject="resolver",
        new_value="resolver",
        moves="power",
    ),
    Meaning(
        "lock(bytes32 label)",
        Kind.NAME,
        gettext_noop("Locks the name {label} in {target} (in ENS's root: it can't be given to anybody any more)."),
        subject="lock of a name",
        new_value="label",
        moves="power",
    ),
    Meaning(
        "register(uint256 id,address owner,uint256 duration)",
        Kind.NAME,
        gettext_noop("Registers the name {id} in {target} for {owner}, for {duration}."),
        recipient="owner",
        subject="registration of a name",
        new_value="duration",
        moves="power",
        forms={"duration": "seconds"},
    ),
    Meaning(
        "register(string name,address owner,uint256 duration,bytes32 secret)",
        Kind.NAME,
        gettext_noop("Registers the name “{name}” by {target} for {owner}, for {duration}."),
        recipient="owner",
        subject="registration of a name",
        new_value="name",
        moves="power",
        forms={"duration": "seconds"},
    ),
    Meaning(
        "renew(string name,uint256 duration)",
        Kind.NAME,
        gettext_noop("Renews the name “{name}” by {target} for {duration}."),
        subject="renewal of a name",
        new_value="name",
        moves="",
        forms={"duration": "seconds"},
    ),
    Meaning(
        "renew(uint256 id,uint256 duration)",
        Kind.NAME,
        gettext_noop("Renews the name {id} in {target} for {duration}."),
        subject="renewal of a name",
        new_value="id",
        moves="",
        forms={"duration": "seconds"},
    ),
    Meaning(
        "renewAll(string[] names,uint256 duration)",
        Kind.NAME,
        gettext_noop("Renews these names by {target} for {duration}: {names}."),
        subject="renewal of names",
        new_value="names",
        moves="",
        forms={"duration": "seconds"},
    ),
    Meaning(
        "reclaim(uint256 id,address owner)",
        Kind.NAME,
        gettext_noop("Makes {owner} the owner in the registry of the name {id}, by {target}."),
        recipient="owner",
        subject="owner of a name",
        moves="power",
    ),
    Meaning(
        "proveAndClaim(bytes name,bytes input,bytes proof)",
        Kind.NAME,
        gettext_noop("Claims the DNS name {name} by {target} for the owner that its DNS records name."),
        subject="owner of a name",
        new_value="name",
        moves="power",
    ),
    Meaning(
        "setPublicSuffixList(address _suffixes)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Makes {_suffixes} the list of DNS suffixes under which {target} gives names."),
        subject="public suffix list",
        new_value="_suffixes",
    ),
    Meaning(
        "setAlgorithm(uint8 id,address algo)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Makes {algo} check the DNSSEC signatures of algorithm {id} for {target}."),
        subject="DNSSEC algorithm",
        new_value="algo",
    ),
    Meaning(
        "setDigest(uint8 id,address digest)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Makes {digest} compute the DNSSEC digests of type {id} for {target}."),
        subject="DNSSEC digest",
        new_value="digest",
    ),
    Meaning(
        "setPriceOracle(address newPriceOracle)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Makes {newPriceOracle} the price oracle of {target}."),
        subject="price oracle",
        new_value="newPriceOracle",
    ),
    # Resolvers.
    Meaning(
        "setAddr(bytes32 node,address addr)",
        Kind.NAME,
        gettext_noop("Points the name {node} at {addr}, in the resolver {target}."),
        recipient="addr",
        subject="address of a name",
        new_value="addr",
        moves="power",
    ),
    Meaning(
        "setAddr(bytes32 node,uint256 coinType,bytes a)",
        Kind.NAME,
        gettext_noop("Points the name {node} at {a} for coin type {coinType}, in the resolver {target}."),
        subject="address of a name",
        new_value="a",
        moves="power",
        forms={"coinType": "plain"},
    ),
    Meaning(
        "setText(bytes32 node,string key,string value)",
        Kind.NAME,
        gettext_noop("Sets the text record “{key}” of the name {node} to “{value}”, in the resolver {target}."),
        subject="text record",
        new_value="value",
        moves="",
    ),
    Meaning(
        "setContenthash(bytes32 node,bytes hash)",
        Kind.NAME,
        gettext_noop("Sets the content hash (the website) of the name {node} to {hash}, in the resolver {target}."),
        subject="content hash",
        new_value="hash",
        moves="power",
    ),
    Meaning(
        "setInterface(bytes32 node,bytes4 interfaceID,address implementer)",
        Kind.NAME,
        gettext_noop(
            "Names {implementer} as the contract that implements interface {interfaceID} for the name "
            "{node}, in "
            "the resolver {target}."
        ),
        subject="interface of a name",
        new_value="implementer",
        moves="power",
    ),
    Meaning(
        "setDNSRecords(bytes32 node,bytes data)",
        Kind.NAME,
        gettext_noop("Sets DNS records of the name {node} in the resolver {target}: {data}."),
        subject="DNS records",
        new_value="data",
        moves="power",
    ),
    Meaning(
        "setPubkey(bytes32 node,bytes32 x,bytes32 y)",
        Kind.NAME,
        gettext_noop("Sets the public key of the name {node} in the resolver {target} to ({x}, {y})."),
        subject="public key of a name",
        new_value="x",
        moves="power",
    ),
    Meaning(
        "clearRecords(bytes32 node)",
        Kind.NAME,
        gettext_noop("Deletes all records of the name {node} in the resolver {target}."),
        subject="records of a name",
        new_value="node",
        moves="power",
    ),
    Meaning(
        "setName(bytes32 node,string _name)",
        Kind.NAME,
        gettext_noop("Sets “{_name}” as what the name {node} stands for, in the resolver {target}."),
        subject="reverse name",
        new_value="_name",
        moves="",
    ),
    # Reverse registrars.
    Meaning(
        "setName(string name)",
        Kind.NAME,
        gettext_noop("Sets “{name}” as a name by {target} (in ENS: of whoever makes this call)."),
        subject="reverse name",
        new_value="name",
        moves="",
    ),
    Meaning(
        "setNameForAddr(address addr,address owner,address resolver,string name)",
        Kind.NAME,
        gettext_noop(
            "Names {addr} “{name}” by {target}, with {owner} as the owner of that record and {resolver} as its "
            "resolver."
        ),
        recipient="addr",
        subject="reverse name",
        new_value="name",
        moves="",
    ),
    Meaning(
        "setDefaultResolver(address _resolver)",
        Kind.NAME,
        gettext_noop("Makes {_resolver} the resolver that {target} gives new names."),
        subject="default resolver",
        new_value="_resolver",
        moves="power",
    ),
    Meaning(
        "claim(address owner)",
        Kind.NAME,
        gettext_noop(
            "Claims by {target} for {owner} (in ENS: it becomes the owner of the reverse record of whoever makes this "
            "call)."
        ),
        recipient="owner",
        subject="owner of a reverse record",
        moves="power",
    ),
    # The name wrapper.
    Meaning(
        "setFuses(bytes32 node,uint16 ownerControlledFuses)",
        Kind.NAME,
        gettext_noop(
            "Gives up the rights with number {ownerControlledFuses} over the name {node} in {target}: this "
            "can't "
            "be undone before the name expires."
        ),
        subject="fuses",
        new_value="ownerControlledFuses",
        moves="power",
    ),
    Meaning(
        "setChildFuses(bytes32 parentNode,bytes32 labelhash,uint32 fuses,uint64 expiry)",
        Kind.NAME,
        gettext_noop(
            "Takes the rights with number {fuses} over the name {labelhash} under the name {parentNode} in "
            "{target} from its owner, until {expiry}."
        ),
        subject="fuses",
        new_value="fuses",
        moves="power",
        forms={"expiry": "time"},
    ),
    Meaning(
        "setSubnodeOwner(bytes32 parentNode,string label,address owner,uint32 fuses,uint64 expiry)",
        Kind.NAME,
        gettext_noop(
            "Makes {owner} the owner of the name “{label}” under the name {parentNode} in {target}, until {expiry}."
        ),
        recipient="owner",
        subject="owner of a name",
        new_value="label",
        moves="power",
        forms={"expiry": "time"},
    ),
    Meaning(
        "unwrapETH2LD(bytes32 labelhash,address registrant,address controller)",
        Kind.NAME,
        gettext_noop(
            "Takes the .eth name {labelhash} out of {target}: {registrant} gets the name, {controller} its records."
        ),
        recipient="registrant",
        subject="owner of a name",
        new_value="controller",
        moves="power",
    ),
    Meaning(
        "setMetadataService(address _metadataService)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Makes {_metadataService} the metadata service of {target}."),
        subject="metadata service",
        new_value="_metadataService",
    ),
    Meaning(
        "setUpgradeContract(address _upgradeAddress)",
        Kind.UPGRADE,
        gettext_noop("Makes {_upgradeAddress} the contract to which names of {target} can be moved."),
        recipient="_upgradeAddress",
        subject="code",
    ),
]


def _with_names(row: Meaning) -> Meaning:
    """The row with its hashes shown as the names that they stand for, where those are known."""
    hashes = {part.name: _HASHES[part.name] for part in row.inputs if part.name in _HASHES and part.type != "string"}
    return replace(row, forms={**hashes, **row.forms})


ROWS = [_with_names(row) for row in _ROWS]
