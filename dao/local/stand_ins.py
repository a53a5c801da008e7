# SPDX-License-Identifier: Apache-2.0
"""Our stand-ins for what the policy templates call (StandIns.sol), compiled when somebody wants one."""

import fcntl
import functools
import hashlib
import importlib.util
import json
from types import ModuleType
from typing import Any

from dao.local.paths import ROOT

SOURCE = "dao/local/StandIns.sol"


@functools.cache
def compiled(source: str = SOURCE) -> dict[str, dict[str, Any]]:
    """Name -> ABI and bytecode. Compiled once, with the settings of all contracts; kept for the other processes."""
    compiler = _compiler()
    wanted = compiler.compiler_input()
    wanted["sources"] = compiler.collect([source])
    text = json.dumps(wanted, sort_keys=True)
    kept = ROOT / ".build" / f"stand-ins-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    kept.parent.mkdir(exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = kept.with_suffix(".new")
            made.write_text(json.dumps(compiler.compile_contracts(json.loads(text))))
            made.rename(kept)
        found: dict[str, dict[str, Any]] = json.loads(kept.read_text())
    return found


def _compiler() -> ModuleType:
    path = ROOT / "contracts" / "scripts" / "compile.py"
    specification = importlib.util.spec_from_file_location("mandate_stand_ins_compile", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
