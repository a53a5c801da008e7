# SPDX-License-Identifier: Apache-2.0
"""What a deployment's record says of how its contracts came about, so that a stranger can make every byte again.

Beside the addresses and code hashes a record (docs/deployments.md) holds

    "deployer": "0x...",
    "compiler": {"version": "0.8.37+commit.6706e56e", "input": "inputs/<sha256>.json"},
    "creations": {"module": {"contract": "PolicyModule", "nonce": 4, "transaction": "0x...",
                             "constructor_arguments": "0x..."}, ...}

The compiler's input is a file named by its own hash, so that records share it and none can be changed unseen.
"""

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import compile as contracts_compile  # the script beside this one

HASH = re.compile(r"0x[0-9a-f]{64}")
DATA = re.compile(r"0x(?:[0-9a-f]{2})*")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_INPUT = re.compile(r"inputs/([0-9a-f]{64})\.json")
_MAX_BYTES = 16 * 2**20


class RecordError(Exception):
    """The record can't be used. The message says why and what to do."""


@dataclass(frozen=True)
class Creation:
    """How one contract was made: by a plain creation transaction of the deployer."""

    name: str
    contract: str
    address: bytes
    code_hash: bytes
    nonce: int
    transaction: bytes
    constructor_arguments: bytes


@dataclass(frozen=True)
class Record:
    """A deployment as recorded. `creations` are in the order of their nonces."""

    chain_id: int
    deployer: bytes
    compiler_version: str
    compiler_input: dict[str, Any]
    creations: tuple[Creation, ...]


def compiler_version() -> str:
    """Version and commit of the installed compiler, such as 0.8.37+commit.6706e56e."""
    try:
        said = subprocess.run(
            [str(contracts_compile.compiler()), "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        raise RecordError("the compiler is not installed; run `make install`") from None
    return said.strip().rpartition("Version: ")[2].partition(".Emscripten")[0]


def compiler_input_file(standard_input: dict[str, Any]) -> tuple[str, str]:
    """The file that holds a compiler's standard JSON input: its path beside the record, and its text."""
    text = json.dumps(standard_input, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    return f"inputs/{hashlib.sha256(text.encode()).hexdigest()}.json", text


def read(path: Path) -> Record:
    """Reads a record and the compiler input that it names. Raises RecordError with one line."""
    raw = json_of(path, "the record")
    try:
        compiler, names = raw["compiler"], sorted(raw["contracts"])
        if not names or names != sorted(raw["creations"]) or names != sorted(raw["code_hashes"]):
            raise RecordError(f"{path}: contracts, code_hashes and creations don't name the same contracts")
        creations = [
            Creation(
                name,
                text_of(raw["creations"][name]["contract"]),
                bytes_of(raw["contracts"][name], ADDRESS),
                bytes_of(raw["code_hashes"][name], HASH),
                whole(raw["creations"][name]["nonce"]),
                bytes_of(raw["creations"][name]["transaction"], HASH),
                bytes_of(raw["creations"][name]["constructor_arguments"], DATA),
            )
            for name in names
        ]
        return Record(
            whole(raw["chain_id"]),
            bytes_of(raw["deployer"], ADDRESS),
            text_of(compiler["version"]),
            compiler_input_of(path, compiler),
            tuple(sorted(creations, key=lambda creation: creation.nonce)),
        )
    except KeyError as error:
        raise RecordError(f"{path} has no {error}: it is no record of a deployment that can be rebuilt") from None
    except (TypeError, ValueError) as error:
        raise RecordError(f"{path} is not a record of a deployment: {error}") from None


def require_compiler(recorded: str) -> None:
    """Raise RecordError unless this checkout has the compiler that was recorded."""
    installed = compiler_version()
    if recorded != installed:
        raise RecordError(
            f"the record was compiled with solc {recorded}, this checkout has {installed}: "
            "check out the commit that added the record"
        )


def compiled(compiler_input: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a recorded compiler input compiles to, by the contract's name. Raises RecordError, CompileError."""
    settings = compiler_input.get("settings")
    if not isinstance(settings, dict):
        raise RecordError("the compiler input has no settings")
    wanted = {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}}
    return contracts_compile.compile_contracts(compiler_input | {"settings": settings | {"outputSelection": wanted}})


def compiler_input_of(path: Path, compiler: dict[str, Any]) -> dict[str, Any]:
    """The compiler's input that the record at `path` names. Raises RecordError."""
    found = _INPUT.fullmatch(text_of(compiler["input"]))
    if found is None:
        raise RecordError(f"{path}: the compiler input is not a file inputs/<sha256>.json beside the record")
    return _compiler_input(path.parent / found[0], found[1])


def _compiler_input(path: Path, sha256: str) -> dict[str, Any]:
    """Raises RecordError when the file is not what its name says."""
    found = json_of(path, "the compiler input")
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise RecordError(f"{path} was changed: its SHA-256 is not its name; take it from the commit that recorded it")
    return found


def json_of(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON object from a file of bounded size. Raises RecordError; `what` names it."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RecordError(f"{what} {path} is larger than 16 MiB")
        found = json.loads(path.read_text())
    except OSError as error:
        raise RecordError(f"can't read {what}: {error.strerror}: {path}") from None
    except (ValueError, RecursionError):
        raise RecordError(f"{what} {path} is not JSON") from None
    if not isinstance(found, dict):
        raise RecordError(f"{what} {path} is not a JSON object")
    return found


def text_of(value: Any) -> str:
    """Return a text on one line. Raises ValueError."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{value!r} is not a text")
    return value


def bytes_of(value: Any, form: re.Pattern[str]) -> bytes:
    """Return the bytes of hexadecimal text of a form. Raises ValueError."""
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError(f"{str(value)[:80]!r} is not of the form {form.pattern}")
    return bytes.fromhex(value[2:])


def whole(value: Any) -> int:
    """Return a whole number that is not below zero. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError(f"{value!r} is not a whole number")
    return value


def main() -> int:
    """Compile if anything changed, write the compiler's input under its hash into the folder that is named, and print
    what a record says of both."""
    try:
        contracts_compile.build()
        name, text = compiler_input_file(contracts_compile.compiler_input())
        contracts_compile.write(Path(sys.argv[1]) / name, text)
        print(json.dumps({"version": compiler_version(), "input": name}))
    except (RecordError, contracts_compile.CompileError) as error:
        print(str(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
