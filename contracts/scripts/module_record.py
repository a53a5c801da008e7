# SPDX-License-Identifier: Apache-2.0
"""The record of a policy module for a DAO that exists, as `manage.py module deploy` writes it, checked without the DAO.

Its contracts are created through a CREATE2 factory: an address is a hash of the factory, the salt and the creation code
with its arguments (EIP-1014). So nothing has to be repeated on a chain: where the code that the record compiles to
leads to the recorded address, whatever lies there was created by exactly this code with exactly these arguments.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deployment_record
from deployment_record import ADDRESS, DATA, HASH, RecordError, bytes_of, text_of, whole
from eth_utils import keccak, to_checksum_address


class NotTheSame(Exception):
    """The record, what it compiles to, and the chain are not the same. The message names the first difference."""


@dataclass(frozen=True)
class Part:
    """A recorded contract: `code_hash` is what its deployer saw on the chain, None where it saw nothing."""

    name: str
    contract: str
    address: bytes
    factory: bytes
    salt: bytes
    arguments: bytes
    creation_hash: bytes
    code_hash: bytes | None


@dataclass(frozen=True)
class ModuleRecord:
    chain_id: int
    compiler_version: str
    compiler_input: dict[str, Any]
    parts: tuple[Part, ...]


def is_one(path: Path) -> bool:
    """Whether the file looks like the record of a module and not of a whole DAO."""
    try:
        creations = json.loads(path.read_text())["creations"].values()
        return bool(creations) and all("factory" in made for made in creations)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False  # the reader of whole records says what is wrong


def read(path: Path) -> ModuleRecord:
    """Read the record and the compiler input that it names. Raises RecordError with one line."""
    raw = deployment_record.json_of(path, "the record")
    try:
        if not raw["contracts"] or set(raw["contracts"]) != set(raw["creations"]):
            raise RecordError(f"{path}: contracts and creations don't name the same contracts")
        return ModuleRecord(
            whole(raw["chain_id"]),
            text_of(raw["compiler"]["version"]),
            deployment_record.compiler_input_of(path, raw["compiler"]),
            tuple(_part(raw, name) for name in sorted(raw["contracts"])),
        )
    except KeyError as error:
        raise RecordError(f"{path} has no {error}: it is no record of a module that can be rebuilt") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path} is not a record of a module: {error}") from None


def _part(raw: dict[str, Any], name: str) -> Part:
    made, seen = raw["creations"][name], raw["code_hashes"].get(name)
    return Part(
        name,
        text_of(made["contract"]),
        bytes_of(raw["contracts"][name], ADDRESS),
        bytes_of(made["factory"], ADDRESS),
        bytes_of(made["salt"], HASH),
        bytes_of(made["constructor_arguments"], DATA),
        bytes_of(made["creation_code_hash"], HASH),
        None if seen is None else bytes_of(seen, HASH),
    )


def rebuild(record: ModuleRecord) -> list[str]:
    """Compile the record's sources and follow each to its address. Returns a line for each contract.

    Raises:
        NotTheSame: the record contradicts itself or what it compiles to.
        RecordError: the compiler is another one.
        CompileError: the compiler input can't be compiled.
    """
    deployment_record.require_compiler(record.compiler_version)
    artifacts = deployment_record.compiled(record.compiler_input)
    lines = []
    for part in record.parts:
        if part.contract not in artifacts:
            raise NotTheSame(f"{part.name}: the compiler input has no contract {part.contract!r}")
        try:
            code = bytes.fromhex(artifacts[part.contract]["bytecode"][2:]) + part.arguments
        except ValueError:
            raise NotTheSame(f"{part.name}: {part.contract} needs a library that is not linked") from None
        if keccak(code) != part.creation_hash:
            raise NotTheSame(f"{part.name}: what the record compiles to does not have the recorded creation code hash")
        if keccak(b"\xff" + part.factory + part.salt + keccak(code))[12:] != part.address:
            raise NotTheSame(f"{part.name}: {_shown(part.address)} is not where the factory puts this code")
        lines.append(f"{part.name}: {_shown(part.address)} follows from {len(code):,} bytes of creation code")
    return lines


def compare(record: ModuleRecord, chain: Any) -> None:
    """Raises NotTheSame unless the chain has every contract, and the code that its deployer saw."""
    for part in record.parts:
        code = chain.get_code(part.address)
        if not code:
            raise NotTheSame(f"{part.name}: the chain's code at {_shown(part.address)} is empty: there is no contract")
        if part.code_hash is not None and keccak(code) != part.code_hash:
            raise NotTheSame(f"{part.name}: the chain's code at {_shown(part.address)} has not the recorded hash")


def _shown(address: bytes) -> str:
    return str(to_checksum_address(address))
