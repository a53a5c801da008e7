# SPDX-License-Identifier: Apache-2.0
"""What docs/provenance-registry.md says of ids and signatures, done in Python with ordinary tools, holds on a chain."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils import keccak, to_checksum_address

from tests.conftest import CHAIN_ID, ROOT, ChainError, Deployed

RECORDING = keccak(text="recording")
TEXT = "We were in this recording and agree that it is published. «ünïcödé»"
STATEMENT = ("contentHash", "openedAt", "completedAt", "threshold", "signatures", "signed", "declined", "parties")


def documented_types() -> dict[str, Any]:
    """The typed data's types, read from the page that integrators copy them from."""
    page = (ROOT / "docs" / "provenance-registry.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    types: dict[str, Any] = json.loads(block)
    return types


@pytest.fixture
def registry(deployed: Deployed) -> Iterator[Deployed]:
    """The suite, with a registry that belongs to the timelock."""
    artifact = json.loads((ROOT / ".build" / "contracts" / "ProvenanceRegistry.json").read_text())
    data = bytes.fromhex(artifact["bytecode"][2:]) + encode(["address"], [deployed.address("timelock")])
    receipt = deployed.send_raw("deployer", None, data)
    deployed.abis["registry"] = artifact["abi"]
    deployed.addresses["registry"] = bytes.fromhex(receipt["contractAddress"][2:])
    yield deployed
    del deployed.abis["registry"], deployed.addresses["registry"]


@pytest.fixture
def people(registry: Deployed) -> list[LocalAccount]:
    """Three who were in the recording, ascending by address."""
    return sorted((registry.accounts[name] for name in ("ada", "ben", "chloe")), key=lambda a: int(a.address, 16))


def typed_data(registry: Deployed, people: list[LocalAccount], party: str, threshold: int) -> dict[str, Any]:
    return {
        "types": documented_types(),
        "primaryType": "CoSignature",
        "domain": {
            "name": "Mandate provenance registry",
            "version": "1",
            "chainId": CHAIN_ID,
            "verifyingContract": to_checksum_address(registry.addresses["registry"]),
        },
        "message": {
            "party": party,
            "statement": {
                "contentHash": "0x" + RECORDING.hex(),
                "text": TEXT,
                "parties": [person.address for person in people],
                "threshold": threshold,
            },
        },
    }


def statement_id(people: list[LocalAccount], threshold: int) -> bytes:
    """As the page says: computed without asking the chain."""
    words = b"".join(bytes(12) + bytes.fromhex(person.address[2:]) for person in people)
    typehash = keccak(text="Statement(bytes32 contentHash,string text,address[] parties,uint256 threshold)")
    return keccak(typehash + RECORDING + keccak(text=TEXT) + keccak(words) + threshold.to_bytes(32, "big"))


def signature(registry: Deployed, people: list[LocalAccount], signer: LocalAccount, threshold: int) -> bytes:
    message = encode_typed_data(full_message=typed_data(registry, people, signer.address, threshold))
    return bytes(Account.sign_message(message, signer.key).signature)


def statement(registry: Deployed, id: bytes) -> dict[str, Any]:
    return dict(zip(STATEMENT, registry.read("registry", "statement", id), strict=True))


def open_statement(registry: Deployed, people: list[LocalAccount], threshold: int) -> bytes:
    addresses = [person.address for person in people]
    registry.send("mallory", "registry", "open", RECORDING, TEXT, addresses, threshold)
    return statement_id(people, threshold)


def test_everyone_in_a_recording_signs_and_a_relayer_sends_it(registry: Deployed, people: list[LocalAccount]) -> None:
    signatures = [(i, signature(registry, people, person, 3)) for i, person in enumerate(people)]
    id = open_statement(registry, people, 3)
    registry.send("relayer", "registry", "sign", id, signatures[:2])
    assert not registry.read("registry", "isComplete", id)
    registry.send("relayer", "registry", "sign", id, signatures)
    assert registry.read("registry", "isComplete", id)
    seen = statement(registry, id)
    assert (seen["contentHash"], seen["signed"], seen["completedAt"]) == (RECORDING, 0b111, registry.anvil.now)
    assert list(seen["parties"]) == [person.address.lower() for person in people]


def test_the_documented_typed_data_is_what_the_contract_hashes(registry: Deployed, people: list[LocalAccount]) -> None:
    addresses = [person.address for person in people]
    id = statement_id(people, 2)
    assert registry.read("registry", "idOf", RECORDING, TEXT, addresses, 2) == id
    signable = encode_typed_data(full_message=typed_data(registry, people, addresses[0], 2))
    digest = keccak(b"\x19" + signable.version + signable.header + signable.body)
    assert registry.read("registry", "digest", id, addresses[0]) == digest


def test_a_signature_for_other_terms_is_refused(registry: Deployed, people: list[LocalAccount]) -> None:
    id = open_statement(registry, people, 3)
    with pytest.raises(ChainError) as refused:
        registry.send("relayer", "registry", "sign", id, [(0, signature(registry, people, people[0], 2))])
    assert registry.error_name(refused.value.data) == "InvalidSignature"
    assert statement(registry, id)["signatures"] == 0


def test_only_a_vote_registers_a_model(registry: Deployed) -> None:
    model = keccak(text="manifest")
    with pytest.raises(ChainError) as refused:
        registry.send("deployer", "registry", "register", model, 1, "ipfs://manifest")
    assert registry.error_name(refused.value.data) == "NotOwner"
    registry.send_as("timelock", "registry", "register", model, 1, "ipfs://manifest")
    assert registry.read("registry", "isInForce", model)
    registered_at = registry.anvil.now
    registry.anvil.wind(10)
    registry.send_as("timelock", "registry", "withdraw", model)
    registry.anvil.wind(10)
    assert registry.read("registry", "wasInForce", model, registered_at)
    assert not registry.read("registry", "isInForce", model)
