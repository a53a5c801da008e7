# SPDX-License-Identifier: Apache-2.0
"""The contracts that templates call, compiled from tests/contracts/support/TemplateTargets.sol and put on a chain."""

import fcntl
import functools
import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from eth_abi import encode

from tests.conftest import Deployed

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "tests/contracts/support/TemplateTargets.sol"


@functools.cache
def compiled_targets() -> dict[str, dict[str, Any]]:
    """Name -> ABI and bytecode. Compiled once, with the settings of all contracts; kept for the other processes."""
    compiler = _compiler()
    wanted = compiler.compiler_input()
    wanted["sources"] = compiler.collect([SOURCE])
    text = json.dumps(wanted, sort_keys=True)
    kept = ROOT / ".build" / f"template-targets-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    kept.parent.mkdir(exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = kept.with_suffix(".new")
            made.write_text(json.dumps(compiler.compile_contracts(json.loads(text))))
            made.rename(kept)
        found: dict[str, dict[str, Any]] = json.loads(kept.read_text())
    return found


def put(deployed: Deployed, key: str, name: str, *arguments: Any) -> bytes:
    """Deploys one of them as `key` of the suite and returns its address."""
    artifact = compiled_targets()[name]
    inputs = next((entry["inputs"] for entry in artifact["abi"] if entry["type"] == "constructor"), [])
    data = bytes.fromhex(artifact["bytecode"].removeprefix("0x")) + encode([i["type"] for i in inputs], arguments)
    receipt = deployed.send_raw("deployer", None, data)
    deployed.abis[key] = artifact["abi"]
    deployed.addresses[key] = bytes.fromhex(receipt["contractAddress"][2:])
    return deployed.addresses[key]


def _compiler() -> ModuleType:
    path = ROOT / "contracts" / "scripts" / "compile.py"
    specification = importlib.util.spec_from_file_location("mandate_targets_compile", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
