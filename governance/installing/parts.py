# SPDX-License-Identifier: Apache-2.0
"""The contracts that a DAO needs for its policy module, and the addresses at which CREATE2 puts them.

An address follows from factory, salt and creation code with its arguments. So code at such an address was created by
exactly that code with these arguments, whoever sent the transaction; a second transaction can't create it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from governance import builds
from governance.chain import abi
from governance.chain.address import ZERO, checksum
from governance.installing.situation import FACTORY, Adapter, Kind, Situation
from governance.installing.words import NotInstalled
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.primitives import keccak

MODULE, ADAPTER = "module", "votes_adapter"  # names in the record
DEFAULT_SALT = "mandate"


@dataclass(frozen=True)
class Part:
    """A contract to create: its name in the record, the contract's, its encoded arguments, its whole creation code."""

    name: str
    contract: str
    arguments: bytes
    creation_code: bytes
    salt: bytes

    @property
    def address(self) -> bytes:
        """Where the factory puts it (EIP-1014)."""
        return create2_address(FACTORY, self.salt, self.creation_code)

    @property
    def calldata(self) -> bytes:
        """What the factory is sent."""
        return self.salt + self.creation_code

    def as_json(self) -> dict[str, str]:
        """Return how the part is recorded before it is created."""
        return {
            "contract": self.contract,
            "factory": checksum(FACTORY),
            "salt": hex_text(self.salt),
            "constructor_arguments": hex_text(self.arguments),
            "creation_code_hash": hex_text(keccak(self.creation_code)),
        }


def create2_address(factory: bytes, salt: bytes, creation_code: bytes) -> bytes:
    """Return the address of a contract that a factory creates with CREATE2 (EIP-1014)."""
    return keccak(b"\xff" + factory + salt + keccak(creation_code))[12:]


def salt_of(text: str) -> bytes:
    """Return the salt that a text stands for, 32 bytes."""
    return keccak(b"mandate policy module\0" + text.encode())


def part(name: str, contract: str, arguments: bytes, salt: bytes) -> Part:
    """Return a part made of this checkout's code. Raises NotInstalled where nothing is compiled."""
    file = builds.COMPILED / f"{contract}.json"
    if not file.is_file():
        raise NotInstalled("not_compiled", contract=contract)
    code = hex_bytes(json.loads(file.read_text())["bytecode"])
    return Part(name, contract, arguments, code + arguments, salt)


def parts_of(found: Situation, *, guardian: bytes | None, salt: bytes) -> list[Part]:
    """Return what is to be created for a DAO, in order: the adapter where its votes need one, then the module.

    Raises:
        NotInstalled: no module can serve this DAO as it is; the message says why.
    """
    if found.holder.kind is Kind.ITSELF:
        raise NotInstalled("money_in_timelock", holder=checksum(found.holder.address))
    if found.holder.kind is Kind.OTHER:
        raise NotInstalled("holder_unknown", holder=checksum(found.holder.address))
    if found.votes.adapter is None:
        raise NotInstalled("no_past_votes", token=checksum(found.votes.token))
    made, votes = [], found.votes.token
    if found.votes.adapter is not Adapter.NONE:
        adapter = part(ADAPTER, found.votes.adapter.value, abi.encode(["address"], [votes]), salt)
        made.append(adapter)
        votes = adapter.address
    # A Safe without a governor rules its module itself.
    values = [found.owner, found.governor or found.owner, found.holder.address, votes, guardian or ZERO]
    made.append(part(MODULE, "PolicyModule", abi.encode(["address"] * 5, values), salt))
    return made
