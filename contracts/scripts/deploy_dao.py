#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deploys a whole DAO with Ape and leaves the deployer without any role.

Usage: deploy_dao.py --rpc URL --keystore FILE --password-file FILE --params FILE --out FILE

`--params` is JSON; amounts are strings in base units, durations seconds:

    {"chain_id": 31337,
     "token": {"name": "Mandate", "symbol": "MAND", "holders": {"0x...": "300000...", "treasury": "300000..."}},
     "governor": {"name": "Mandate DAO", "voting_delay_s": 3600, "voting_period_s": 259200,
                  "proposal_threshold": "10000...", "quorum_percent": 4, "late_quorum_extension_s": 86400},
     "timelock_delay_s": 86400,
     "guardian": "0x...",                (or null)
     "test_usdc": "100000000000",        (optional: a test dollar is deployed and this much minted to the treasury)
     "treasury_wei": "10000000000000000000"}   (optional: ether from the deployer)

The holder "treasury" means the treasury that is being deployed. `--out` gets

    {"chain_id", "start_block",
     "contracts": {"votes_token", "governor", "timelock", "treasury", "module", "provenance_registry", "usdc"?,
                   "policy_lens"},
     "code_hashes": {...the same names...},
     "deployer", "compiler": {"version", "input"}, "creations": {...the same names...}}

and `inputs/<sha256>.json` beside it the compiler's input: verify_deployment.py makes every byte again from both.

Contracts that need each other's addresses get them in advance (an address follows from deployer and nonce), so nobody
ever needs a temporary role. The end checks on chain that it came out so. Exit status 1 with one line on any failure.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "contracts" / "scripts"))

import compile as contracts_compile  # noqa: E402  (the scripts beside this one)
import deployment_record  # noqa: E402

ALIAS = "deployer"
NETWORK = "target"
# An estimate is made for the block at hand, the transaction runs in a later one: the module's constructor looks past
# votes up, which costs more once the token's first votes lie a second back. What isn't used is given back.
GAS_HEADROOM = 1.2


class DeployError(Exception):
    """The DAO could not be deployed. The message says why and what to do; it never holds the endpoint's URL."""


@dataclass(frozen=True)
class Parameters:
    """What the DAO is to be. Amounts in base units, durations in seconds."""

    chain_id: int
    token_name: str
    token_symbol: str
    holders: dict[str, int]
    governor_name: str
    voting_delay_s: int
    voting_period_s: int
    proposal_threshold: int
    quorum_percent: int
    late_quorum_extension_s: int
    timelock_delay_s: int
    guardian: str | None
    test_usdc: int | None
    treasury_wei: int

    @classmethod
    def read(cls, path: Path) -> "Parameters":
        """From a JSON file. Raises DeployError naming what is missing or wrong."""
        try:
            raw = json.loads(path.read_text())
            return cls(
                chain_id=_integer(raw["chain_id"], 2**64 - 1),
                token_name=str(raw["token"]["name"]),
                token_symbol=str(raw["token"]["symbol"]),
                holders={
                    holder if holder == "treasury" else _address(holder): _amount(amount)
                    for holder, amount in raw["token"]["holders"].items()
                },
                governor_name=str(raw["governor"]["name"]),
                voting_delay_s=_integer(raw["governor"]["voting_delay_s"], 2**48 - 1),
                voting_period_s=_integer(raw["governor"]["voting_period_s"], 2**32 - 1),
                proposal_threshold=_amount(raw["governor"]["proposal_threshold"]),
                quorum_percent=_integer(raw["governor"]["quorum_percent"], 100),
                late_quorum_extension_s=_integer(raw["governor"]["late_quorum_extension_s"], 2**48 - 1),
                timelock_delay_s=_integer(raw["timelock_delay_s"], 2**48 - 1),
                guardian=None if raw["guardian"] is None else _address(raw["guardian"]),
                test_usdc=None if raw.get("test_usdc") is None else _amount(raw["test_usdc"]),
                treasury_wei=_amount(raw.get("treasury_wei", "0")),
            )
        except OSError as error:
            raise DeployError(f"can't read the parameters: {error.strerror}: {path}") from None
        except KeyError as error:
            raise DeployError(f"the parameters in {path} have no {error}") from None
        except (ValueError, TypeError, AttributeError) as error:
            raise DeployError(f"the parameters in {path} are not usable: {error}") from None


def _amount(value: Any) -> int:
    """A base-unit amount: a decimal string, never a JSON number, which readers may round."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit():
        raise ValueError(f"an amount is a string of digits, not {value!r}")
    return _integer(int(value), 2**208 - 1)  # what votes tokens can hold


def _integer(value: Any, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is not a whole number of 0 to {most}")
    return value


def _address(value: Any) -> str:
    from eth_utils import is_address, is_checksum_formatted_address, to_checksum_address

    if not isinstance(value, str) or not is_address(value):
        raise ValueError(f"{value!r} is not an address")
    if is_checksum_formatted_address(value) and value != to_checksum_address(value):
        raise ValueError(f"the address {value} is mistyped: its checksum is wrong")
    return to_checksum_address(value)


def deploy(rpc_url: str, keystore: Path, password: str, parameters: Parameters) -> dict[str, Any]:
    """Deploys, wires and checks everything. Returns the deployment as `--out` gets it."""
    contracts_compile.build()
    _check_chain(rpc_url, parameters.chain_id)
    # Ape keeps state in its data folder and reads networks from it: one of our own needs no home, meets no other run.
    with tempfile.TemporaryDirectory(prefix="mandate-ape-") as folder:
        _prepare_ape(Path(folder), keystore, parameters.chain_id)
        return _deploy_with_ape(rpc_url, password, parameters)


def _check_chain(rpc_url: str, expected: int) -> None:
    import httpx

    try:
        answer = httpx.post(
            rpc_url, json={"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}, timeout=10
        )
        chain_id = int(answer.json()["result"], 16)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DeployError(f"the RPC endpoint can't be reached ({type(error).__name__}); check --rpc") from None
    except (ValueError, KeyError, TypeError):
        raise DeployError("the RPC endpoint does not answer eth_chainId as a node does; check --rpc") from None
    if chain_id != expected:
        raise DeployError(f"wrong chain: the endpoint serves chain id {chain_id}, the parameters say {expected}")


def _prepare_ape(folder: Path, keystore: Path, chain_id: int) -> None:
    os.environ["APE_DATA_FOLDER"] = str(folder)
    # Ad-hoc URLs get wrong chain ids in Ape: the network has a name and its chain id here. The URL, which may hold a
    # secret, is passed in memory.
    network = {
        "name": NETWORK,
        "chain_id": chain_id,
        "ecosystem": "ethereum",
        "base_ecosystem_plugin": "ethereum",
        "default_provider": "node",
    }
    headroom = {"gas_limit": {"auto": {"multiplier": GAS_HEADROOM}}}
    settings = {"networks": {"custom": [network]}, "ethereum": {NETWORK: headroom}}
    (folder / "ape-config.yaml").write_text(json.dumps(settings))  # JSON is YAML
    accounts = folder / "accounts"
    accounts.mkdir()
    try:
        shutil.copyfile(keystore, accounts / f"{ALIAS}.json")
    except OSError as error:
        raise DeployError(f"can't read the keystore: {error.strerror}: {keystore}") from None


def _deploy_with_ape(rpc_url: str, password: str, parameters: Parameters) -> dict[str, Any]:
    handler = signal.getsignal(signal.SIGINT)  # Ape replaces it on import
    import ape
    import requests
    from ape.exceptions import ApeException
    from ape.logging import LogLevel, logger
    from web3.exceptions import Web3Exception

    signal.signal(signal.SIGINT, handler)
    logger.set_level(LogLevel.ERROR)
    try:
        account = ape.accounts.load(ALIAS)
        account.set_autosign(True, passphrase=password)
        with ape.networks.parse_network_choice(
            f"ethereum:{NETWORK}:node", provider_settings={"uri": rpc_url}, disconnect_on_exit=False
        ) as provider:
            return _Deployment(ape, account, provider, parameters).run()
    except requests.RequestException as error:
        raise DeployError(f"the RPC endpoint went away ({type(error).__name__}); start again") from None
    except (ApeException, Web3Exception) as error:
        first_line = str(error).replace(rpc_url, "<rpc>").partition("\n")[0]
        raise DeployError(f"{type(error).__name__}: {first_line}") from None


class _Deployment:
    """One deployment in progress, on Ape's connected network."""

    def __init__(self, ape: Any, account: Any, provider: Any, parameters: Parameters) -> None:
        self.ape, self.account, self.provider, self.parameters = ape, account, provider, parameters
        self.first_nonce = account.nonce
        self.creations: dict[str, dict[str, Any]] = {}  # by address

    def run(self) -> dict[str, Any]:
        parameters = self.parameters
        start_block = self.provider.get_block("latest").number + 1
        # The order of the deployments below, from which addresses follow in advance.
        governor_address, treasury_address, module_address = (self._address(n) for n in (2, 3, 4))

        holders = {treasury_address if h == "treasury" else h: a for h, a in parameters.holders.items()}
        token = self._deploy(
            "VotesToken", parameters.token_name, parameters.token_symbol, list(holders), list(holders.values())
        )
        # The governor alone proposes, cancels and executes; there is no admin, so roles change by vote only.
        timelock = self._deploy(
            "TimelockController",
            parameters.timelock_delay_s,
            [governor_address],
            [governor_address],
            "0x" + "00" * 20,
        )
        settings = (
            parameters.voting_delay_s,
            parameters.voting_period_s,
            parameters.proposal_threshold,
            parameters.quorum_percent,
            parameters.late_quorum_extension_s,
        )
        governor = self._deploy("MandateGovernor", parameters.governor_name, token.address, timelock.address, settings)
        treasury = self._deploy("Treasury", timelock.address, [module_address])
        guardian = parameters.guardian or "0x" + "00" * 20
        module = self._deploy(
            "PolicyModule", timelock.address, governor.address, treasury.address, token.address, guardian
        )
        contracts = {
            "votes_token": token,
            "governor": governor,
            "timelock": timelock,
            "treasury": treasury,
            "module": module,
            "provenance_registry": self._deploy("ProvenanceRegistry", timelock.address),
        }
        if parameters.test_usdc is not None:
            contracts["usdc"] = self._deploy("TestUSDC")
            contracts["usdc"].mint(
                treasury.address, parameters.test_usdc, sender=self.account, required_confirmations=0
            )
        contracts["policy_lens"] = self._deploy("PolicyLens")
        if parameters.treasury_wei:
            self.account.transfer(treasury.address, parameters.treasury_wei, required_confirmations=0)

        self._check(contracts, start_block)
        return {
            "chain_id": parameters.chain_id,
            "start_block": start_block,
            "contracts": {name: contract.address for name, contract in contracts.items()},
            "code_hashes": {name: self._code_hash(contract.address) for name, contract in contracts.items()},
            "deployer": self.account.address,
            "creations": {name: self.creations[contract.address] for name, contract in contracts.items()},
        }

    def _address(self, deployment: int) -> str:
        """The address of the n-th contract that the deployer makes from here on."""
        import rlp
        from eth_utils import keccak, to_canonical_address, to_checksum_address

        origin = [to_canonical_address(self.account.address), self.first_nonce + deployment]
        return to_checksum_address(keccak(rlp.encode(origin))[12:])

    def _deploy(self, name: str, *arguments: Any) -> Any:
        from ape.contracts import ContractContainer
        from ethpm_types import ContractType

        artifact = json.loads((ROOT / ".build" / "contracts" / f"{name}.json").read_text())
        kind = ContractType.model_validate(
            {
                "contractName": name,
                "abi": artifact["abi"],
                "deploymentBytecode": {"bytecode": artifact["bytecode"]},
                "runtimeBytecode": {"bytecode": artifact["deployedBytecode"]},
            }
        )
        nonce = self.account.nonce
        contract = self.account.deploy(ContractContainer(kind), *arguments, required_confirmations=0)
        sent = bytes(self.provider.get_receipt(contract.txn_hash).data)
        code = bytes.fromhex(artifact["bytecode"][2:])
        if not sent.startswith(code):
            raise DeployError(f"{name} was created with other code than was compiled; deploy again")
        self.creations[contract.address] = {
            "contract": name,
            "nonce": nonce,
            "transaction": contract.txn_hash,
            "constructor_arguments": "0x" + sent[len(code) :].hex(),
        }
        return contract

    def _code_hash(self, address: str) -> str:
        from eth_utils import keccak

        return "0x" + keccak(bytes(self.provider.get_code(address))).hex()

    def _check(self, contracts: dict[str, Any], start_block: int) -> None:
        """Asks the chain that every role lies where it must and the deployer has none. Raises DeployError."""
        deployer = self.account.address
        timelock, governor, treasury, module = (contracts[n] for n in ("timelock", "governor", "treasury", "module"))
        expected_roles = {
            (bytes(timelock.DEFAULT_ADMIN_ROLE()), timelock.address),
            (bytes(timelock.PROPOSER_ROLE()), governor.address),
            (bytes(timelock.CANCELLER_ROLE()), governor.address),
            (bytes(timelock.EXECUTOR_ROLE()), governor.address),
        }
        granted = {(bytes(log.role), log.account) for log in timelock.RoleGranted.range(start_block, self._head() + 1)}
        checks: list[tuple[str, Callable[[], bool]]] = [
            ("the timelock's roles are the governor's and its own", lambda: granted == expected_roles),
            *(
                (f"the deployer holds timelock role 0x{role.hex()[:8]}", lambda role=role: not self._has(role))
                for role, _ in expected_roles
            ),
            ("the governor acts through the timelock", lambda: governor.timelock() == timelock.address),
            ("the governor counts the votes token", lambda: governor.token() == contracts["votes_token"].address),
            ("the treasury belongs to the timelock", lambda: treasury.owner() == timelock.address),
            ("the module is enabled on the treasury", lambda: treasury.isModuleEnabled(module.address)),
            ("the deployer is no module", lambda: not treasury.isModuleEnabled(deployer)),
            ("the module belongs to the timelock", lambda: module.owner() == timelock.address),
            ("the module knows the governor", lambda: module.governor() == governor.address),
            ("the module serves the treasury", lambda: module.treasury() == treasury.address),
            ("the deployer is not the guardian", lambda: module.guardian() != deployer),
            (
                "the provenance registry belongs to the timelock",
                lambda: contracts["provenance_registry"].owner() == timelock.address,
            ),
        ]
        self._timelock = timelock
        for what, holds in checks:
            if not holds():
                raise DeployError(f"the deployment is not safe to use: not true: {what}. Don't fund it; deploy again.")

    def _has(self, role: bytes) -> bool:
        return bool(self._timelock.hasRole(role, self.account.address))

    def _head(self) -> int:
        return int(self.provider.get_block("latest").number)


def main() -> int:
    parser = argparse.ArgumentParser(description="Deploy a DAO: token, governor, timelock, treasury, policy module.")
    parser.add_argument("--rpc", required=True, help="JSON-RPC endpoint")
    parser.add_argument("--keystore", required=True, type=Path, help="the deployer's keystore file")
    parser.add_argument("--password-file", required=True, type=Path)
    parser.add_argument("--params", required=True, type=Path, help="what to deploy; see this file's head")
    parser.add_argument("--out", required=True, type=Path, help="where to write the deployment")
    options = parser.parse_args()
    try:
        try:
            password = options.password_file.read_text().strip()
        except OSError as error:
            raise DeployError(f"can't read the password file: {error.strerror}: {options.password_file}") from None
        parameters = Parameters.read(options.params)
        input_file, input_text = deployment_record.compiler_input_file(contracts_compile.compiler_input())
        compiler = {"version": deployment_record.compiler_version(), "input": input_file}
        deployment = deploy(options.rpc, options.keystore, password, parameters) | {"compiler": compiler}
        contracts_compile.write(options.out.parent / input_file, input_text)
        contracts_compile.write(options.out, json.dumps(deployment, indent=1) + "\n")
    except (DeployError, deployment_record.RecordError, contracts_compile.CompileError) as error:
        print(f"deploy_dao: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("deploy_dao: stopped; what was deployed so far is of no use, start again", file=sys.stderr)
        return 130
    print(f"deploy_dao: DAO deployed with Ape on chain {deployment['chain_id']}, the deployer holds no role")
    return 0


if __name__ == "__main__":
    sys.exit(main())
