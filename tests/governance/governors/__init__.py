# SPDX-License-Identifier: Apache-2.0
"""Governors composed of OpenZeppelin's own modules (v5 and v4.9), compiled once into `.build/governors.json`.

Only tests use them. The compiler is the project's, and so are its settings but for the optimizer's runs.
"""

import fcntl
import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SOURCES = tuple(
    f"tests/governance/governors/{name}.sol"
    for name in ("V5", "V4", "Odd5", "Wallets", "Numbered", "Layered5", "Silent5", "Owned", "Split")
)
TIMELOCK = "@openzeppelin/contracts/governance/TimelockController.sol"


def compiled() -> dict[str, Any]:
    """Name -> {"abi", "bytecode"} of the governors, their tokens and timelocks."""
    cache = ROOT / ".build" / "governors.json"
    cache.parent.mkdir(exist_ok=True)
    with (cache.parent / "governors.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        compiler = _compiler()
        standard_input = {
            "language": "Solidity",
            "sources": compiler.collect([*SOURCES, TIMELOCK]),
            "settings": {
                "evmVersion": "cancun",
                "optimizer": {"enabled": True, "runs": 1},
                "outputSelection": {
                    "*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]},
                },
            },
        }
        digest = hashlib.sha256(json.dumps(standard_input, sort_keys=True).encode()).hexdigest()
        if cache.exists():
            found = json.loads(cache.read_text())
            if found["input"] == digest:
                return found["contracts"]
        contracts = compiler.compile_contracts(standard_input)
        compiler.write(cache, json.dumps({"input": digest, "contracts": contracts}))
        return contracts


def _compiler() -> Any:
    specification = importlib.util.spec_from_file_location(
        "mandate_governors_compile", ROOT / "contracts" / "scripts" / "compile.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
