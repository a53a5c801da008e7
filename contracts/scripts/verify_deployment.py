#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes every byte of a deployment again and compares it with the record and with the chain.

Usage: verify_deployment.py RECORD [--rpc URL]

RECORD is a chain id (then deployments/<chain id>.json) or a file as deploy_dao.py writes it. The recorded compiler
input is compiled, and the recorded creations are repeated, in order, on an empty chain of this machine that has the
same chain id. So each contract comes out with its own immutables, at its own address. Without --rpc the code must have
the recorded hashes. With --rpc the chain must have the same code at the addresses, byte for byte, and the creating
transactions must be the recorded ones: code alone does not say what a constructor wrote into storage. Contracts that
these contracts create in their constructors are compared, too.

The record of a policy module for a DAO that exists (`manage.py module deploy` writes it) needs no chain to be repeated
on: its addresses follow from the code that it compiles to (module_record.py).

Exit status: 0 when all is equal, 1 with one line that names the first difference or what is missing.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "contracts" / "scripts"), str(ROOT)]

import compile as contracts_compile  # noqa: E402  (the scripts beside this one)
import deployment_record  # noqa: E402
import module_record  # noqa: E402
import rlp  # noqa: E402
from deployment_record import Creation, Record, RecordError  # noqa: E402
from eth_utils import keccak, to_checksum_address  # noqa: E402

from embedded.process import die_with_parent, free_port  # noqa: E402
from governance.chain.rpc import Rpc, RpcError, Transaction  # noqa: E402

GAS_LIMIT = 30_000_000
_NODE_ANSWERS_WITHIN_S = 20


class Different(Exception):
    """The record, what it compiles to, and the chain are not the same. The message names the first difference."""


@dataclass(frozen=True)
class Made:
    """A contract as its record makes it: `code` as deployed, with immutables; `creation` is the transaction's input."""

    name: str
    address: bytes
    code: bytes
    creation: Creation | None
    creation_input: bytes


def create_address(creator: bytes, nonce: int) -> bytes:
    """Where a contract comes to lie that `creator` creates with its `nonce`."""
    return keccak(rlp.encode([creator, nonce]))[12:]


def rebuild(record: Record) -> list[Made]:
    """Compiles and repeats the creations; every contract, those too that contracts create.

    Raises:
        Different: the record contradicts itself or what it compiles to.
        RecordError: the compiler is another one.
        CompileError: the compiler input can't be compiled.
    """
    deployment_record.require_compiler(record.compiler_version)
    for creation in record.creations:
        if create_address(record.deployer, creation.nonce) != creation.address:
            raise Different(
                f"{creation.name}: {_shown(creation.address)} is not what the deployer creates with "
                f"nonce {creation.nonce}"
            )
    artifacts = deployment_record.compiled(record.compiler_input)
    with _empty_chain(record.chain_id) as node:
        made = _repeat(record, artifacts, node)
    for found in made:
        if found.creation is not None and keccak(found.code) != found.creation.code_hash:
            raise Different(f"{found.name}: what the record compiles to does not have the recorded code hash")
    return made


def _repeat(record: Record, artifacts: dict[str, dict[str, Any]], node: Rpc) -> list[Made]:
    deployer = "0x" + record.deployer.hex()
    node.call("anvil_setBalance", [deployer, hex(10**24)])
    node.call("anvil_impersonateAccount", [deployer])
    made = []
    for creation in record.creations:
        if creation.contract not in artifacts:
            raise Different(f"{creation.name}: the compiler input has no contract {creation.contract!r}")
        try:
            code = bytes.fromhex(artifacts[creation.contract]["bytecode"][2:])
        except ValueError:
            raise Different(f"{creation.name}: {creation.contract} needs a library that is not linked") from None
        creation_input = code + creation.constructor_arguments
        node.call("anvil_setNonce", [deployer, hex(creation.nonce)])
        request = {"from": deployer, "data": "0x" + creation_input.hex(), "gas": hex(GAS_LIMIT)}
        try:
            sent = node.call("eth_sendTransaction", [request])
        except RpcError as error:
            raise Different(f"{creation.name}: its creation can't be repeated: {error.message}") from None
        receipt = _mined(node, bytes.fromhex(sent[2:]))
        if not receipt.succeeded or receipt.contract_address != creation.address:
            raise Different(f"{creation.name}: its creation fails when it is repeated with the recorded arguments")
        made.append(Made(creation.name, creation.address, node.get_code(creation.address), creation, creation_input))
        made += _children(node, creation.name, creation.address)
    return made


def _children(node: Rpc, name: str, creator: bytes) -> Iterator[Made]:
    """Contracts that a constructor created; a contract's own nonces begin with 1 (EIP-161)."""
    for nonce in range(1, node.nonce(creator)):
        address = create_address(creator, nonce)
        yield Made(f"{name}'s contract {nonce}", address, node.get_code(address), None, b"")


def _mined(node: Rpc, transaction: bytes) -> Any:
    end = time.monotonic() + _NODE_ANSWERS_WITHIN_S
    while (receipt := node.receipt(transaction)) is None:
        if time.monotonic() > end:
            raise RecordError("this machine's own chain does not mine; start again")
        time.sleep(0.02)
    return receipt


def compare(made: list[Made], record: Record, chain: Rpc) -> None:
    """Raises Different unless the chain has exactly this code and it was created exactly so."""
    for found in made:
        code = chain.get_code(found.address)
        where = f"{found.name}: the chain's code at {_shown(found.address)}"
        if not code:
            raise Different(f"{where} is empty: there is no contract")
        if len(code) != len(found.code):
            raise Different(f"{where} has {len(code):,} bytes and not {len(found.code):,} as rebuilt")
        if code != found.code:
            first = next(i for i, (a, b) in enumerate(zip(code, found.code, strict=True)) if a != b)
            raise Different(f"{where} differs from what was rebuilt, first at byte {first:,} of {len(code):,}")
        if found.creation is not None:
            _compare_creation(found, found.creation, record, chain.transaction(found.creation.transaction))


def _compare_creation(found: Made, creation: Creation, record: Record, sent: Transaction | None) -> None:
    shown = "0x" + creation.transaction.hex()
    if sent is None:
        raise Different(f"{found.name}: the endpoint does not know the creating transaction {shown}; try another one")
    if sent.block_number is None:
        raise Different(f"{found.name}: the creating transaction {shown} is not in a block yet")
    if sent.to is not None or sent.sender != record.deployer or sent.nonce != creation.nonce:
        raise Different(f"{found.name}: the transaction {shown} did not create it")
    if sent.calldata != found.creation_input:
        raise Different(f"{found.name}: it was created by other code or with other arguments than the record says")


@contextmanager
def _empty_chain(chain_id: int) -> Iterator[Rpc]:
    binaries = sorted((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    if not binaries:
        raise RecordError("anvil, on which the deployment is repeated, is not installed; run `make install`")
    port = free_port()
    command = [str(binaries[0]), "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain_id)]
    command += ["--hardfork", "prague", "--gas-limit", str(2 * GAS_LIMIT), "--prune-history", "128", "--quiet"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent())
        node = Rpc([f"http://127.0.0.1:{port}"], chain_id, timeout_s=60, attempts=1, aside_s=0)
        try:
            end = time.monotonic() + _NODE_ANSWERS_WITHIN_S
            while True:
                try:
                    node.head_number()
                    break
                except RpcError:
                    if process.poll() is not None or time.monotonic() > end:
                        log.seek(0)
                        said = log.read().decode(errors="replace").strip().splitlines()[-1:]
                        raise RecordError(f"this machine's own chain does not start: {said}") from None
                    time.sleep(0.05)
            yield node
        finally:
            node.close()
            process.kill()
            process.wait()


def _shown(address: bytes) -> str:
    return str(to_checksum_address(address))


def sources_changed(compiler_input: dict[str, Any]) -> list[str]:
    """Source units that are not as in this checkout, or not there."""
    recorded = compiler_input.get("sources", {})
    here = contracts_compile.compiler_input()["sources"]
    return sorted(unit for unit in recorded if here.get(unit) != recorded[unit])


def record_path(text: str) -> Path:
    """A chain id's record in this repository, or a file."""
    return ROOT / "deployments" / f"{text}.json" if text.isascii() and text.isdigit() else Path(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Rebuild a deployment and compare it byte for byte.")
    parser.add_argument("record", help="a chain id (deployments/<chain id>.json) or a record's file")
    parser.add_argument("--rpc", help="JSON-RPC endpoint of the chain; without it the record alone is checked")
    options = parser.parse_args()
    path = record_path(options.record)
    verify = _verified_module if module_record.is_one(path) else _verified_dao
    try:
        lines, compiler_input, result = verify(path, options.rpc)
        changed = sources_changed(compiler_input)
    except (Different, module_record.NotTheSame, RecordError, contracts_compile.CompileError) as error:
        print(f"verify_deployment: {str(error).strip().splitlines()[0]}", file=sys.stderr)
        return 1
    except RpcError as error:
        print(f"verify_deployment: {error}", file=sys.stderr)
        return 1
    for line in lines:
        print(line)
    print(f"sources that differ from this checkout: {', '.join(changed) if changed else 'none'}")
    print(f"verify_deployment: {result}")
    return 0


def _verified_dao(path: Path, url: str | None) -> tuple[list[str], dict[str, Any], str]:
    """A line for each contract, the compiler's input, and what was found."""
    record = deployment_record.read(path)
    made = rebuild(record)
    if url:
        compare(made, record, Rpc([url], record.chain_id))
    against = f"chain {record.chain_id} has this code, created as recorded" if url else "no chain was asked"
    lines = [f"{found.name}: {_shown(found.address)}, {len(found.code):,} bytes" for found in made]
    return lines, record.compiler_input, f"{len(made)} contracts rebuilt with the recorded hashes; {against}"


def _verified_module(path: Path, url: str | None) -> tuple[list[str], dict[str, Any], str]:
    """The same of a module for a DAO that exists."""
    record = module_record.read(path)
    lines = module_record.rebuild(record)
    if url:
        module_record.compare(record, Rpc([url], record.chain_id))
    against = f"chain {record.chain_id} has contracts there" if url else "no chain was asked"
    named = " and ".join(part.name for part in record.parts)
    return lines, record.compiler_input, f"rebuilt {named}: the code leads to the recorded addresses; {against}"


if __name__ == "__main__":
    sys.exit(main())
