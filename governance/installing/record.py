# SPDX-License-Identifier: Apache-2.0
"""The record of a module's deployment: written before anything is sent, so that every run goes on from it.

    {"chain_id", "governor", "treasury", "owner", "guardian", "votes_token",
     "compiler": {"version", "input"},
     "creations": {"module": {"contract", "factory", "salt", "constructor_arguments", "creation_code_hash",
                              "transaction"}, ...},
     "contracts": {"module": "0x...", ...}, "code_hashes": {"module": "0x...", ...}}

`contracts` are the addresses that follow from the creations, `code_hashes` those of them that are on the chain;
`transaction` is null where another sender was faster. Nothing in it is secret.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.chain.address import BadAddress, checksum, to_bytes
from governance.installing.parts import MODULE, Part, create2_address
from governance.installing.situation import Situation
from governance.installing.words import NotInstalled
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.primitives import keccak

_ROOT = Path(__file__).resolve().parents[2]
TEST_CHAINS = (1337, 31337)
_MOST_BYTES = 1024 * 1024


@dataclass
class Record:
    """A record and where it lies."""

    path: Path
    content: dict[str, Any]

    @property
    def module(self) -> bytes:
        """The module's address."""
        return to_bytes(self.content["contracts"][MODULE])

    @property
    def is_complete(self) -> bool:
        """Whether every contract was seen on the chain."""
        return bool(set(self.content["code_hashes"]) == set(self.content["contracts"]))

    def party(self, name: str) -> bytes | None:
        """Return an address that the record names, None where it names nobody."""
        text = self.content[name]
        return None if text is None else to_bytes(text)

    def note(self, part: Part, code: bytes, transaction: bytes | None) -> None:
        """Note that a part is on the chain, and by which transaction of ours; written at once."""
        self.content["code_hashes"][part.name] = hex_text(keccak(code))
        if transaction is not None:
            self.content["creations"][part.name]["transaction"] = hex_text(transaction)
        self.write()

    def write(self) -> None:
        """Replace the file in one step; whoever is killed leaves the old one or the new one, whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self.path.parent, prefix=f".{self.path.name}.", delete=False) as half:
            half.write(json.dumps(self.content, indent=1) + "\n")
            half.flush()
            os.fsync(half.fileno())
        Path(half.name).chmod(0o644)
        Path(half.name).replace(self.path)


def default_path(chain_id: int) -> Path:
    """Return where a chain's record lies: in deployments/; that of a test chain, which nobody keeps, in .build/."""
    folder = _ROOT / ".build" / "deployments" if chain_id in TEST_CHAINS else _ROOT / "deployments"
    return folder / f"{chain_id}.json"


def begin(
    path: Path, found: Situation, parts: Sequence[Part], *, guardian: bytes | None, compiler: dict[str, str]
) -> Record:
    """Return the record to go on from, or write a new one.

    Raises:
        NotInstalled: the file is the record of another deployment, or can't be used.
    """
    wanted = {
        "chain_id": found.chain_id,
        "governor": None if found.governor is None else checksum(found.governor),
        "treasury": checksum(found.holder.address),
        "owner": checksum(found.owner),
        "guardian": None if guardian is None else checksum(guardian),
        "votes_token": checksum(found.votes.token),
    }
    contracts = {part.name: checksum(part.address) for part in parts}
    if path.exists():
        record = read(path)
        if any(record.content[name] != value for name, value in wanted.items()):
            raise NotInstalled("record_of_another", path=str(path))
        if record.content["contracts"] != contracts:
            raise NotInstalled("record_of_other_code", path=str(path))
        return record
    creations = {part.name: {**part.as_json(), "transaction": None} for part in parts}
    record = Record(
        path, {**wanted, "compiler": compiler, "creations": creations, "contracts": contracts, "code_hashes": {}}
    )
    record.write()
    return record


def read(path: Path) -> Record:
    """Read a record. Raises NotInstalled where it is not there, not one, or contradicts itself."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is larger than 1 MiB")
        content = json.loads(path.read_text())
        if not isinstance(content["chain_id"], int) or not isinstance(content["compiler"], dict):
            raise ValueError("chain_id is no number, or compiler no object")
        for name in ("governor", "treasury", "owner", "guardian", "votes_token"):
            if content[name] is not None:
                to_bytes(content[name])
        if MODULE not in content["contracts"] or set(content["contracts"]) != set(content["creations"]):
            raise ValueError("contracts and creations do not name the same contracts, the module among them")
        if not set(content["code_hashes"]) <= set(content["contracts"]):
            raise ValueError("code_hashes names contracts that are not recorded")
        for name, made in content["creations"].items():
            _check_address(name, made, content["contracts"][name])
    except FileNotFoundError:
        raise NotInstalled("no_record", path=str(path)) from None
    except OSError as error:
        raise NotInstalled("record_unusable", path=str(path), reason=str(error.strerror)) from None
    except (ValueError, KeyError, TypeError, AttributeError, BadAddress, RecursionError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise NotInstalled("record_unusable", path=str(path), reason=reason[:200]) from None
    return Record(path, content)


def _check_address(name: str, made: dict[str, Any], address: str) -> None:
    code_hash = hex_bytes(made["creation_code_hash"])
    # EIP-1014 asks for the hash of the creation code alone: the record need not hold the code to be checked.
    follows = keccak(b"\xff" + to_bytes(made["factory"]) + hex_bytes(made["salt"]) + code_hash)[12:]
    if follows != to_bytes(address):
        raise ValueError(f"the address of {name} is not what its creation leads to")


def created_by(made: dict[str, Any], creation_code: bytes) -> bytes:
    """Return the address at which a recorded creation puts this code."""
    return create2_address(to_bytes(made["factory"]), hex_bytes(made["salt"]), creation_code)
