# SPDX-License-Identifier: Apache-2.0
"""The chain that policies are held against."""

import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.process import die_with_parent, free_port
from tests.policies.chain import ANVIL_FLAGS, PolicyChain

ROOT = Path(__file__).resolve().parents[2]
MACHINES = {"x86_64": "amd64", "arm64": "arm64", "aarch64": "arm64"}


@pytest.fixture(scope="session")
def policy_chain(compiled: None) -> Iterator[PolicyChain]:
    """An anvil of its own (tests/conftest.py's mines by itself; this one's clock stands until it is told)."""
    package = f"anvil-{sys.platform}-{MACHINES[platform.machine()]}"
    binary = ROOT / "node_modules" / "@foundry-rs" / package / "bin" / "anvil"
    if not binary.exists():
        pytest.skip("anvil is not installed; run `npm ci`")
    port = free_port()
    flags = ("--host", "127.0.0.1", "--port", str(port), "--prune-history", "128", "--quiet", *ANVIL_FLAGS)
    node = subprocess.Popen([str(binary), *flags], preexec_fn=die_with_parent())
    try:
        yield _connected(port, node)
    finally:
        node.kill()
        node.wait()


def _connected(port: int, node: subprocess.Popen[bytes]) -> PolicyChain:
    for _ in range(200):
        try:
            return PolicyChain(f"http://127.0.0.1:{port}")
        except ConnectionRefusedError:
            assert node.poll() is None, "anvil ended at once"
            time.sleep(0.05)
    raise RuntimeError("anvil did not answer within 10 s")
