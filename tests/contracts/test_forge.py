# SPDX-License-Identifier: Apache-2.0
"""The contracts' own tests (Solidity, fuzzed) run as part of the suite."""

import json
import platform
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

MACHINE = {"x86_64": "amd64", "arm64": "arm64", "aarch64": "arm64"}[platform.machine()]
FORGE = ROOT / "node_modules" / "@foundry-rs" / f"forge-{sys.platform}-{MACHINE}" / "bin" / "forge"


@pytest.mark.skipif(not FORGE.exists() or shutil.which("node") is None, reason="forge and node are not installed")
def test_forge(compiled: None) -> None:
    done = subprocess.run([str(FORGE), "test", "--json"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout, done.stderr[-2000:]
    suites = json.loads(done.stdout[done.stdout.index('{"') :])
    failed = {
        f"{suite}:{name}": result["reason"]
        for suite, results in suites.items()
        for name, result in results["test_results"].items()
        if result["status"] != "Success"
    }
    assert not failed
    assert sum(len(results["test_results"]) for results in suites.values()) > 400
    assert done.returncode == 0
