# SPDX-License-Identifier: Apache-2.0
"""Fetch npm packages at pinned versions and read their files, without installing or running anything of them."""

import json
import subprocess
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Key -> name@version. Where two packages name a parameter differently, the first one's name is kept. The keys stand in
# every line of the fact files, so a new version of a package keeps its key.
PACKAGES = {
    "oz5": "@openzeppelin/contracts@5.7.0",
    "oz5u": "@openzeppelin/contracts-upgradeable@5.7.0",
    "oz4": "@openzeppelin/contracts@4.9.6",
    "oz4u": "@openzeppelin/contracts-upgradeable@4.9.6",
    "oz3": "@openzeppelin/contracts@3.4.2",
    "roles": "zodiac-roles-sdk@3.4.8",
    "zodiac": "@gnosis-guild/zodiac@5.0.1",
    "zodiac4": "@gnosis.pm/zodiac@4.0.3",
    "safe": "@safe-global/safe-deployments@1.37.63",
    "safe-modules": "@safe-global/safe-modules-deployments@3.0.10",
    "safe14": "@safe-global/safe-contracts@1.4.1",
    "safe13": "@gnosis.pm/safe-contracts@1.3.0",
    "superfluid": "@superfluid-finance/ethereum-contracts@1.15.2",
    "superfluid-networks": "@superfluid-finance/metadata@1.6.4",
    "sablier": "sablier@4.1.0",
    "sablier-v1": "@sablier/v2-core@1.2.0",
    "sablier-periphery": "@sablier/v2-periphery@1.2.0",
    "ens": "@ensdomains/contracts@0.0.3",
    "ens-registry": "@ensdomains/ens@0.6.2",
    "ens-resolver": "@ensdomains/resolver@0.3.1",
    "ens-dns": "@ensdomains/dnsregistrar@0.4.0",
    "ensjs": "@ensdomains/ensjs@4.3.1",
    "compound": "@compound-finance/compound-js@0.6.2",
    "aave": "@aave-dao/aave-address-book@4.68.1",
    "aave3": "@aave/core-v3@1.19.3",
    "aave3-periphery": "@aave/periphery-v3@3.0.1",
    "aave2": "@aave/protocol-v2@1.0.1",
    "aave-gov2": "@aave/governance-v2@1.0.0",
    "uniswap-gov": "@uniswap/governance@1.0.2",
    "uniswap2": "@uniswap/v2-core@1.0.1",
    "uniswap2-periphery": "@uniswap/v2-periphery@1.1.0-beta.0",
    "uniswap3": "@uniswap/v3-core@1.0.1",
    "uniswap3-periphery": "@uniswap/v3-periphery@1.4.4",
    "uniswap3-staker": "@uniswap/v3-staker@1.0.2",
    "uniswap4": "@uniswap/v4-core@1.0.2",
    "uniswap-merkle": "@uniswap/merkle-distributor@1.0.1",
    "uniswap-permit2": "@uniswap/permit2-sdk@1.4.0",
    "uniswap-sdk": "@uniswap/sdk-core@7.19.4",
    "uniswap-tokens": "@uniswap/default-token-list@22.21.0",
    "arbitrum": "@arbitrum/sdk@4.1.0",
    "arbitrum-nitro": "@arbitrum/nitro-contracts@3.2.0",
    "arbitrum-bridge": "@arbitrum/token-bridge-contracts@1.2.5",
    "optimism": "@eth-optimism/contracts-ts@0.17.2",
    "optimism-bedrock": "@eth-optimism/contracts-bedrock@0.17.3",
    "optimism-legacy": "@eth-optimism/contracts@0.6.0",
    "polygon": "@maticnetwork/meta@2.4.59",
    "hop": "@hop-protocol/core@0.0.1-beta.236",
    "across": "@across-protocol/contracts@5.0.27",
    "layerzero": "@layerzerolabs/oft-evm@4.0.1",
    "chainlink": "@chainlink/contracts@1.5.0",
    "lido": "@lidofinance/lido-ethereum-sdk@4.9.0",
    "curve": "@curvefi/api@2.70.1",
    "balancer": "@balancer-labs/v2-deployments@3.2.0",
    "maker": "@makerdao/dai-plugin-mcd@1.8.5",
    "maker-core": "@makerdao/dai@0.42.4",
    "morpho": "@morpho-org/blue-sdk-viem@5.2.1",
    "nouns": "@nouns/sdk@1.2.0",
    "nouns-core": "@nouns/contracts@0.3.0",
    "aragon": "@aragon/os@4.4.0",
    "aragon-osx": "@aragon/osx-ethers@1.4.0",
    "tlds": "tlds@1.261.0",
    "eas": "@ethereum-attestation-service/eas-contracts@1.9.0",
}


class BadPackage(Exception):
    """A package can't be had, or is not what its reader knows; the message says which and why."""


@dataclass(frozen=True)
class Package:
    """A fetched package: its files are read from the archive, never unpacked."""

    key: str
    spec: str  # name@version
    archive: Path
    integrity: str

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The package's data and source files by path."""
        kept = (".json", ".js", ".mjs", ".cjs", ".ts")
        with tarfile.open(self.archive) as archive:
            return {
                member.name.partition("/")[2]: archive.extractfile(member).read()  # type: ignore[union-attr]
                for member in archive
                if member.isfile() and member.name.endswith(kept) and not member.name.endswith(".d.ts")
            }

    def text(self, path: str) -> str:
        """A file's text. Raises BadPackage."""
        if path not in self.files:
            raise BadPackage(f"{self.spec} has no file {path}")
        return self.files[path].decode("utf-8", "replace")

    def json(self, path: str) -> dict:
        """A JSON file. Raises BadPackage."""
        return json.loads(self.text(path))

    @property
    def licence(self) -> str:
        """What its package.json says, on one word."""
        said = self.json("package.json").get("license") or "none given"
        return str(said).replace(" ", "-")


def fetch(folder: Path, key: str) -> Package:
    """Fetch a package of PACKAGES into a folder, with npm as it is set up on this machine. Raises BadPackage."""
    spec = PACKAGES[key]
    done = subprocess.run(
        ["npm", "pack", "--json", "--ignore-scripts", "--pack-destination", str(folder), spec],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise BadPackage(f"npm has no {spec}: {done.stderr.strip()[-300:]}")
    packed = json.loads(done.stdout)[0]
    return Package(key, spec, folder / Path(packed["filename"]).name, packed["integrity"])
