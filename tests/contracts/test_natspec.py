# SPDX-License-Identifier: Apache-2.0
"""Every function, event and error of the contracts that hold or spend money says what it is."""

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ROOT

sys.path[:0] = [str(ROOT / "contracts" / "scripts"), str(ROOT / "contracts" / "assurance")]

import compile as contracts_compile  # noqa: E402
import mutation  # noqa: E402

SOURCES = [f"contracts/src/{name}.sol" for name in ("PolicyModule", "PolicyLens", "Treasury")]
SOURCES += [f"contracts/src/adapters/{name}Adapter.sol" for name in ("PriorVotes", "SafeOwners")]
# What OpenZeppelin's EIP712 brings into the module's ABI has OpenZeppelin's documentation.
NOT_OURS = {"eip712Domain()", "EIP712DomainChanged()", "InvalidShortString()", "StringTooLong(string)"}
KINDS = {"function": "methods", "event": "events", "error": "errors"}


@pytest.fixture(scope="module")
def contracts() -> dict[str, Any]:
    """Name -> ABI and what the compiler gathered from the comments, inherited ones included."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    return _compiled(contracts_compile.collect(SOURCES))


def _compiled(sources: dict[str, dict[str, str]]) -> dict[str, Any]:
    compiler = mutation.Compiler()
    try:
        answer = compiler.run(
            {
                "language": "Solidity",
                "sources": sources,
                "settings": {"outputSelection": {"*": {"*": ["abi", "userdoc", "devdoc"]}}},
            }
        )
    finally:
        compiler.close()
    return {
        name: contract
        for source, found in answer["contracts"].items()
        if source.startswith("contracts/src/")
        for name, contract in found.items()
    }


def _signature(entry: dict[str, Any]) -> str:
    def name(argument: dict[str, Any]) -> str:
        if not argument["type"].startswith("tuple"):
            return str(argument["type"])
        return f"({','.join(map(name, argument['components']))}){argument['type'].removeprefix('tuple')}"

    return f"{entry['name']}({','.join(map(name, entry['inputs']))})"


def _silent(contract: dict[str, Any]) -> Iterator[str]:
    """What of the contract's ABI has no @notice."""
    for entry in contract["abi"]:
        if entry["type"] not in KINDS or _signature(entry) in NOT_OURS:
            continue
        said = contract["userdoc"].get(KINDS[entry["type"]], {}).get(_signature(entry))
        texts = said if isinstance(said, list) else [said]  # errors of one name in several contracts: a list
        if not any(text and text.get("notice") for text in texts):
            yield f"{entry['type']} {_signature(entry)}"


@pytest.mark.parametrize(
    "name",
    [
        "PolicyModule",
        "IPolicyModule",
        "PolicyChecker",
        "PolicyLens",
        "IPolicyLens",
        "Treasury",
        "ITreasury",
        "PriorVotesAdapter",
        "SafeOwnersAdapter",
    ],
)
def test_everything_external_has_a_notice(contracts: dict[str, Any], name: str) -> None:
    assert contracts[name]["userdoc"].get("notice")
    assert list(_silent(contracts[name])) == []


def test_a_missing_notice_is_found() -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    text = (ROOT / "contracts/src/ITreasury.sol").read_text()
    source = text.replace("/// @notice Whether `module` may make the treasury act.", "")
    assert source != text
    found = _compiled({"contracts/src/ITreasury.sol": {"content": source}})
    assert list(_silent(found["ITreasury"])) == ["function isModuleEnabled(address)"]
