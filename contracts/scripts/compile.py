#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles the contracts: `.build/abi/<Name>.json` (plain ABI) and `.build/contracts/<Name>.json` (ABI and bytecode).

Standard library only, so that the install can run it before anything else works. The compiler is npm's solc, reached
through the shim that the install puts at `.build/solc/`; the settings are those of foundry.toml, so that what is
deployed is what forge tests. Nothing is done when the sources, the settings and the compiler are unchanged.

Exit status: 0 done or nothing to do, 1 with one line (or the compiler's messages) on stderr.
"""

import argparse
import hashlib
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
SOURCES = ROOT / "contracts" / "src"
# Contracts of OpenZeppelin that are deployed or called as they are.
FROM_OPENZEPPELIN = ("@openzeppelin/contracts/governance/TimelockController.sol",)
IMPORT = re.compile(r'^\s*(?:import|\}\s*from)\s[^;"]*"([^"]+)"\s*;|^\s*import\s+"([^"]+)"', re.MULTILINE)


class CompileError(Exception):
    """The contracts could not be compiled. The message says why and what to do."""


def path_of(unit: str) -> Path:
    """Where a source unit lies: `@...` in node_modules, everything else under the project's root."""
    return ROOT / "node_modules" / unit if unit.startswith("@") else ROOT / unit


def collect(units: list[str]) -> dict[str, dict[str, str]]:
    """The given source units and all that they import, as the compiler's `sources`."""
    found: dict[str, dict[str, str]] = {}
    waiting = list(units)
    while waiting:
        unit = waiting.pop()
        if unit in found:
            continue
        try:
            content = path_of(unit).read_text()
        except FileNotFoundError:
            raise CompileError(f"{unit} is missing; run `make install` (npm ci brings the libraries)") from None
        found[unit] = {"content": content}
        for from_name, bare in IMPORT.findall(content):
            imported = from_name or bare
            if imported.startswith("."):
                imported = posixpath.normpath(posixpath.join(posixpath.dirname(unit), imported))
            waiting.append(imported)
    return dict(sorted(found.items()))


def from_elsewhere() -> list[str]:
    """Our sources in other folders that the contracts' tests import: a copy of contracts and tests needs them too."""
    folders = ("contracts/", "tests/contracts/")
    own = [path.relative_to(ROOT).as_posix() for folder in folders for path in sorted((ROOT / folder).rglob("*.sol"))]
    return [unit for unit in collect(own) if not unit.startswith(folders) and (ROOT / unit).is_file()]


def compiler_input() -> dict[str, Any]:
    """The compiler's standard JSON input. It determines every deployed byte."""
    profile = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
    own = [path.relative_to(ROOT).as_posix() for path in sorted(SOURCES.rglob("*.sol"))]
    return {
        "language": "Solidity",
        "sources": collect([*own, *FROM_OPENZEPPELIN]),
        "settings": {
            "evmVersion": profile["evm_version"],
            "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
            "viaIR": profile["via_ir"],
            "metadata": {"bytecodeHash": profile["bytecode_hash"], "appendCBOR": profile["cbor_metadata"]},
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
        },
    }


def compiler() -> Path:
    """The shim over npm's solc; made here when the install has not made it yet, or has made it for another place."""
    version = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]["solc"]
    shim = ROOT / version
    text = '#!/bin/sh\nexec node "$(dirname "$0")/../../contracts/assurance/solc.js" "$@"\n'
    if not shim.exists() or shim.read_text() != text:
        shim.parent.mkdir(parents=True, exist_ok=True)
        write(shim, text)
        shim.chmod(0o755)
    return shim


def compile_contracts(standard_input: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Runs the compiler; returns name -> {"abi", "bytecode", "deployedBytecode"} of the contracts to deploy."""
    if shutil.which("node") is None:
        raise CompileError("node is not on PATH; install Node.js 20 or later")
    done = subprocess.run(
        [str(compiler()), "--standard-json"],
        input=json.dumps(standard_input),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode != 0:
        raise CompileError(f"the compiler failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    output = json.loads(done.stdout)
    problems = [e["formattedMessage"] for e in output.get("errors", []) if e["severity"] == "error"]
    if problems:
        raise CompileError("\n".join(problems))
    for warning in output.get("errors", []):
        if warning["severity"] == "warning" and not str(warning.get("sourceLocation", {}).get("file")).startswith("@"):
            print(warning["formattedMessage"], file=sys.stderr)
    artifacts = {}
    for unit, contracts in output["contracts"].items():
        if unit.startswith("@") and unit not in FROM_OPENZEPPELIN:
            continue
        for name, made in contracts.items():
            runtime = made["evm"]["deployedBytecode"]["object"]
            if len(runtime) // 2 > 24_576:
                raise CompileError(f"{name} is {len(runtime) // 2} bytes; the chain takes at most 24,576 (EIP-170)")
            artifacts[name] = {
                "abi": made["abi"],
                "bytecode": "0x" + made["evm"]["bytecode"]["object"],
                "deployedBytecode": "0x" + runtime,
            }
    return artifacts


def write(path: Path, text: str) -> None:
    """Replaces a file in one step, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, prefix=f".{path.name}.") as half:
        half.write(text)
    os.chmod(half.name, 0o644)
    os.replace(half.name, path)


def build(force: bool = False) -> int:
    """Compiles if anything changed. Returns how many contracts were written; 0 when nothing was to do."""
    standard_input = compiler_input()
    digest = hashlib.sha256(json.dumps(standard_input, sort_keys=True).encode())
    digest.update(Path(__file__).read_bytes())
    solc_package = ROOT / "node_modules" / "solc" / "package.json"
    if not solc_package.exists():
        raise CompileError("node_modules/solc is missing; run `make install`")
    digest.update(solc_package.read_bytes())
    stamp_file = BUILD / "contracts.stamp"
    stamp = json.loads(stamp_file.read_text()) if stamp_file.exists() else {}
    present = all(
        (BUILD / kind / f"{n}.json").exists() for n in stamp.get("names", []) for kind in ("abi", "contracts")
    )
    if not force and present and stamp.get("input") == digest.hexdigest():
        return 0
    artifacts = compile_contracts(standard_input)
    for name, artifact in artifacts.items():
        write(BUILD / "contracts" / f"{name}.json", json.dumps(artifact))
        write(BUILD / "abi" / f"{name}.json", json.dumps(artifact["abi"], indent=1))
    for name in set(stamp.get("names", [])) - set(artifacts):
        for kind in ("abi", "contracts"):
            (BUILD / kind / f"{name}.json").unlink(missing_ok=True)
    write(stamp_file, json.dumps({"input": digest.hexdigest(), "names": sorted(artifacts)}))
    return len(artifacts)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile the contracts into .build/abi and .build/contracts.")
    parser.add_argument("--force", action="store_true", help="compile even when nothing changed")
    parser.add_argument("--print-input", action="store_true", help="print the compiler's standard JSON input and stop")
    options = parser.parse_args()
    try:
        if options.print_input:
            print(json.dumps(compiler_input()))
            return 0
        written = build(options.force)
    except CompileError as error:
        print(f"compile: {error}", file=sys.stderr)
        return 1
    print(f"compile: {written} contracts written to .build/" if written else "compile: nothing changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
