# SPDX-License-Identifier: Apache-2.0
"""The local chain: anvil's command line, its JSON-RPC, and its state file, which survives a kill -9."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from dao.local.paths import ROOT
from dao.local.people import NAMES
from embedded.loopback import fetch
from embedded.supervisor import StackError

LOCAL_CHAIN_ID = 31337


class LocalChain:
    """The chain whose state lies in `folder`. say: gets what happens to it, one line at a time."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._state = folder / "state.json"
        self._good = folder / "good.json"  # the last copy that is whole
        self._say = say
        self._saved = 0.0
        self._saved_block = -1
        self._mtime = 0.0
        self._disk_full_said = False

    def command(self, port: int, mnemonic: str) -> list[str]:
        """Anvil's command line. It has an account for each of the instance's people."""
        command = [str(anvil_binary()), "--host", "127.0.0.1", "--port", str(port)]
        command += ["--chain-id", str(LOCAL_CHAIN_ID), "--block-time", "2", "--mixed-mining", "--no-cors", "--quiet"]
        command += [
            "--prune-history",
            "128",
            "--slots-in-an-epoch",
            "1",
            "--state",
            str(self._state),
            "--state-interval",
            "2",
        ]
        # Whoever sees this command line can reach the chain's port too, where every account may be impersonated.
        command += ["--mnemonic", mnemonic, "--accounts", str(len(NAMES))]
        if self._state.exists():
            # A restarted anvil forgets how far its clock was wound: go on as if it had run all the time.
            last_s = int(orjson.loads(self._state.read_bytes())["block"]["timestamp"], 16)
            elapsed_s = max(0, int(time.time() - self._state.stat().st_mtime))
            command += ["--timestamp", str(last_s + 1 + elapsed_s)]
        return command

    def mend(self) -> None:
        """After a kill -9 the state file can be empty or half written: then the last good copy takes its place."""
        state, good = self._state, self._good
        if _is_chain_state(state):
            return
        if _is_chain_state(good):
            self._say("The local chain was cut off while it saved itself; its last blocks (some seconds) are lost.")
            half = state.with_suffix(".half")
            shutil.copy2(good, half)
            half.replace(state)
        elif state.exists() and state.stat().st_size > 0 and good.exists():
            raise StackError("The local chain's saved state is damaged: `make demo-reset` forgets it and starts anew.")
        else:
            state.unlink(missing_ok=True)

    def keep(self) -> None:
        """Keep a copy of each complete state that anvil saves; seldom, when the file is large."""
        try:
            self._keep()
        except OSError as error:
            if not self._disk_full_said:
                self._say(f"The local chain's state can't be kept: {error.strerror}; free some space.")
            self._disk_full_said = True

    def _keep(self) -> None:
        try:
            facts = self._state.stat()
        except FileNotFoundError:
            return
        pause_s = max(2.0, facts.st_size / 2_000_000)
        if facts.st_mtime == self._mtime or time.monotonic() - self._saved < pause_s:
            return
        content = self._state.read_bytes()
        try:
            block_number = int(orjson.loads(content)["block"]["number"], 16)
        except (orjson.JSONDecodeError, KeyError):
            return  # being written just now
        half = self._good.with_suffix(".half")
        half.write_bytes(content)
        os.utime(half, (facts.st_atime, facts.st_mtime))
        half.replace(self._good)
        self._mtime, self._saved = facts.st_mtime, time.monotonic()
        self._saved_block = block_number

    def wait_saved(self, block_number: int) -> None:
        """Wait until a block is safe on disk, also against a kill -9 of the chain."""
        give_up = time.monotonic() + 30
        while self._saved_block < block_number:
            if time.monotonic() > give_up:
                raise StackError("The local chain does not save its state: is the disk full?")
            time.sleep(0.1)


def answers(url: str) -> bool:
    """Whether the chain's node answers at this address."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []})
    return hex(LOCAL_CHAIN_ID).encode() in fetch(url, body)


def request(url: str, method: str, *params: Any) -> Any:
    """One JSON-RPC request to the local chain; raises StackError with the node's words."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    answer = fetch(url, body)
    if not answer:
        raise StackError("The local chain does not answer.")
    fields = orjson.loads(answer)
    if "error" in fields:
        raise StackError(f"The local chain refused {method}: {fields['error'].get('message')}")
    return fields["result"]


def anvil_binary() -> Path:
    """The native binary; the package's own wrapper would add a node process."""
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(os.uname().machine, os.uname().machine)
    path = ROOT / "node_modules" / "@foundry-rs" / f"anvil-{sys.platform}-{machine}" / "bin" / "anvil"
    if not path.exists():
        raise StackError("The local chain's program (anvil) is not installed: run `python3.11 dao/local/install.py`.")
    return path


def _is_chain_state(path: Path) -> bool:
    try:
        return isinstance(orjson.loads(path.read_bytes()).get("block"), dict)
    except (FileNotFoundError, orjson.JSONDecodeError):
        return False
