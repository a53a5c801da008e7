# SPDX-License-Identifier: Apache-2.0
"""Read the addresses that makers publish for their contracts, and the tokens of published lists.

A package's contracts are named as the package names them. `kind` says more only where a rule of KINDS does: the kinds
of contracts that are opened, or that carry a call to another chain.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from agent.understanding.functions.make.literals import assigned
from agent.understanding.functions.make.packages import BadPackage, Package

# The chains that are kept, with the names that packages call them by.
CHAINS = {
    1: ("mainnet", "ethereum", "Ethereum"),
    10: ("optimism", "Optimism"),
    56: ("bsc", "BNB"),
    100: ("gnosis", "Gnosis"),
    130: ("unichain", "Unichain"),
    137: ("polygon", "Polygon"),
    324: ("zksync", "ZkSync"),
    480: ("worldchain",),
    1101: ("zkevm", "polygon-zkevm"),
    5000: ("mantle", "Mantle"),
    8453: ("base", "Base"),
    42161: ("arbitrum", "Arbitrum"),
    42170: ("arbitrum-nova",),
    42220: ("celo", "Celo"),
    43114: ("avalanche", "Avalanche"),
    59144: ("linea", "Linea"),
    534352: ("scroll", "Scroll"),
    11155111: ("sepolia", "Sepolia"),
}
_CHAIN_OF = {name: chain for chain, names in CHAINS.items() for name in names}
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")

# Kinds that only addresses_by_hand.tsv has beside `contract`: permit2, gnosis_amb, multicall.
# (package, pattern of the contract's name) -> kind. The first that fits counts.
KINDS = [
    ("safe", r"MultiSendCallOnly", "multisend_call_only"),
    ("safe", r"MultiSend", "multisend"),
    ("safe", r".*ProxyFactory|.*proxy_factory", "safe_factory"),
    ("safe", r".*(FallbackHandler|DefaultCallbackHandler).*", "safe_fallback_handler"),
    ("safe", r"(Gnosis)?Safe(L2)?", "safe_code"),
    ("arbitrum", r".*\binbox", "arbitrum_inbox"),
    ("arbitrum", r".*parentGatewayRouter", "arbitrum_gateway_router"),
    ("optimism", r"l1CrossDomainMessenger", "optimism_messenger"),
    ("optimism", r"optimismPortal", "optimism_portal"),
    ("optimism", r"l1StandardBridge", "optimism_bridge"),
    ("optimism", r"l2CrossDomainMessenger", "optimism_messenger"),
    ("polygon", r".*FxRoot", "polygon_fx_root"),
    ("polygon", r".*StateSender", "polygon_state_sender"),
    ("superfluid-networks", r"host", "superfluid_host"),
    ("superfluid-networks", r"cfaV1", "superfluid_streams"),
    ("superfluid-networks", r"cfaV1Forwarder", "superfluid_forwarder"),
    ("uniswap-sdk", r"TIMELOCK", "timelock"),
    ("uniswap-sdk", r"GOVERNANCE.*", "governor"),
    ("compound", r"GovernorBravo", "governor"),
    ("compound", r"Timelock", "timelock"),
    ("ensjs", r"ensRegistry", "ens_registry"),
    ("aave", r".*\.COLLECTOR", "aave_collector"),
]

Found = tuple[int, str, str]  # chain id, address, name


def kind_of(key: str, name: str) -> str:
    """Return the kind of a package's contract: `contract` where no rule says more."""
    for package, pattern, kind in KINDS:
        if package == key and re.fullmatch(pattern, name):
            return kind
    return "contract"


def addresses(package: Package) -> Iterator[Found]:
    """Return the package's published addresses on the chains that are kept. Raises BadPackage."""
    reader = _READERS.get(package.key)
    found = [] if reader is None else [one for one in reader(package) if one[0] in CHAINS and int(one[1], 16)]
    if reader is not None and not found:
        raise BadPackage(f"{package.spec}: none of its addresses can be read any more")
    yield from found


def tokens(package: Package) -> Iterator[tuple[int, str, str, int]]:
    """Return chain id, address, symbol and decimals of a package's token list."""
    path = _TOKEN_LISTS.get(package.key)
    for one in package.json(path)["tokens"] if path else ():
        symbol = one["symbol"]
        if one["chainId"] in CHAINS and symbol.isascii() and symbol.isprintable() and " " not in symbol:
            yield one["chainId"], one["address"], symbol, int(one["decimals"])


def top_level_domains(package: Package) -> Iterator[str]:
    """Return the domains of a package that lists them, without those in other scripts."""
    if package.key == "tlds":
        yield from (label for label in package.json("index.json") if re.fullmatch(r"[a-z0-9]+", label))


def _safe(package: Package) -> Iterator[Found]:
    for path in sorted(package.files):
        if not path.startswith("dist/") or "/v" not in path or not path.endswith(".json"):
            continue
        raw = package.json(path)
        if "networkAddresses" not in raw:
            continue
        for chain, named in raw["networkAddresses"].items():
            for deployed in [named] if isinstance(named, str) else named:
                address = deployed if _ADDRESS.fullmatch(deployed) else raw["deployments"][deployed]["address"]
                yield int(chain), address, raw["contractName"]


def _arbitrum(package: Package) -> Iterator[Found]:
    """Arbitrum's own networks: contracts on the parent chain, and on the child chain."""
    source = package.text("dist/lib/dataEntities/networks.js")
    bridge = assigned(source, "mainnetTokenBridge")
    ethereum = assigned(source, "mainnetETHBridge")
    for name, address in {**bridge, **ethereum}.items():
        if isinstance(address, str) and _ADDRESS.fullmatch(address):
            yield (42161 if name.startswith("child") else 1), address, name


def _optimism(package: Package) -> Iterator[Found]:
    source = package.text("src/constants.ts")
    for name in re.findall(r"^export const (\w+)Address = \{$", source, re.MULTILINE):
        for chain, address in assigned(source, f"{name}Address").items():
            yield int(chain), address, name


def _polygon(package: Package) -> Iterator[Found]:
    raw = package.json("network/mainnet/v1/index.json")
    for part, chain in (("Main", 1), ("Matic", 137)):
        for name, address in _leaves(raw[part]):
            yield chain, address, name


def _superfluid(package: Package) -> Iterator[Found]:
    for network in package.json("networks.json"):
        for name, address in _leaves(network["contractsV1"]):
            yield network["chainId"], address, name


def _compound(package: Package) -> Iterator[Found]:
    for chain, named in assigned(package.text("dist/nodejs/constants.js"), "exports.address").items():
        for name, address in _leaves(named):
            yield _CHAIN_OF.get(chain, 0), address, name
    comet = package.json("dist/nodejs/comet-artifacts/comet-constants.json")
    for chain, named in comet["address"].items():
        for name, address in _leaves(named):
            yield _CHAIN_OF.get(chain, 0), address, name


def _aave(package: Package) -> Iterator[Found]:
    for path in sorted(package.files):
        named = re.fullmatch(r"dist/((?:AaveV[23]|GovernanceV3|Misc|AaveSafety|Gho)\w*)\.mjs", path)
        if not named:
            continue
        source = package.text(path)
        chain = re.search(r"^var CHAIN_ID = (\d+);", source, re.MULTILINE)
        for name, address in re.findall(r"^var (\w+) = \"(0x[0-9a-fA-F]{40})\";", source, re.MULTILINE):
            yield int(chain[1]) if chain else 0, address, f"{named[1]}.{name}"


def _ensjs(package: Package) -> Iterator[Found]:
    for chain, named in assigned(package.text("src/contracts/consts.ts"), "addresses").items():
        for name, held in named.items():
            yield _CHAIN_OF.get(chain.removesuffix(".id"), 0), held["address"], name


def _uniswap(package: Package) -> Iterator[Found]:
    source = package.text("dist/cjs/src/addresses.js")
    for name in ("GOVERNANCE_ALPHA_V1", "GOVERNANCE_BRAVO", "MERKLE_DISTRIBUTOR"):
        text = source.partition(f"exports.{name}_ADDRESS")[2]
        found = re.match(r"(?:ES)? = \{\s*\[chains_1\.ChainId\.MAINNET\]: '(0x[0-9a-fA-F]{40})'", text)
        if found:
            yield 1, found[1], name
    for name in ("GOVERNANCE_ALPHA_V0", "TIMELOCK", "UNI"):
        found = re.search(rf"exports\.{name}_ADDRESSES = constructSameAddressMap\('(0x[0-9a-fA-F]{{40}})'", source)
        if found:
            yield 1, found[1], name


def _balancer(package: Package) -> Iterator[Found]:
    for chain, name in ((chain, name) for chain, names in CHAINS.items() for name in names):
        path = f"dist/addresses/{name}.json"
        if path in package.files:
            for address, held in package.json(path).items():
                yield chain, address, held["name"]


def _leaves(raw: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every address in nested objects, with the keys that lead to it."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield from _leaves(value, f"{name}.{key}" if name else key)
    elif isinstance(raw, str) and _ADDRESS.fullmatch(raw):
        yield name, raw


_READERS: dict[str, Callable[[Package], Iterator[Found]]] = {
    "safe": _safe,
    "safe-modules": _safe,
    "arbitrum": _arbitrum,
    "optimism": _optimism,
    "polygon": _polygon,
    "superfluid-networks": _superfluid,
    "compound": _compound,
    "aave": _aave,
    "ensjs": _ensjs,
    "uniswap-sdk": _uniswap,
    "balancer": _balancer,
}
_TOKEN_LISTS = {
    "uniswap-tokens": "build/uniswap-default.tokenlist.json",
    "aave": "tokenlist.json",
}
