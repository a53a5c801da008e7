# SPDX-License-Identifier: Apache-2.0
"""The contracts that templates call, compiled from tests/contracts/support/TemplateTargets.sol and put on a chain."""

from typing import Any

from eth_abi import encode

from dao.local import stand_ins
from tests.conftest import Deployed

SOURCE = "tests/contracts/support/TemplateTargets.sol"


def compiled_targets() -> dict[str, dict[str, Any]]:
    """Name -> ABI and bytecode."""
    return stand_ins.compiled(SOURCE)


def put(deployed: Deployed, key: str, name: str, *arguments: Any) -> bytes:
    """Deploys one of them as `key` of the suite and returns its address."""
    artifact = compiled_targets()[name]
    inputs = next((entry["inputs"] for entry in artifact["abi"] if entry["type"] == "constructor"), [])
    data = bytes.fromhex(artifact["bytecode"].removeprefix("0x")) + encode([i["type"] for i in inputs], arguments)
    receipt = deployed.send_raw("deployer", None, data)
    deployed.abis[key] = artifact["abi"]
    deployed.addresses[key] = bytes.fromhex(receipt["contractAddress"][2:])
    return deployed.addresses[key]
