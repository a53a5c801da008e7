# SPDX-License-Identifier: Apache-2.0
"""The drawing of the module's storage, in PolicyModule's comment, is what the compiler lays out."""

import re
import shutil
import sys
from typing import Any

import pytest

from tests.conftest import ROOT

sys.path[:0] = [str(ROOT / "contracts" / "scripts"), str(ROOT / "contracts" / "assurance")]

import compile as contracts_compile  # noqa: E402
import mutation  # noqa: E402

MODULE = "contracts/src/PolicyModule.sol"
STATE = "contracts/src/libraries/PolicyState.sol"


@pytest.fixture(scope="module")
def layout() -> dict[str, Any]:
    """The compiler's storage layout of the module."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    compiler = mutation.Compiler()
    try:
        answer = compiler.run(
            {
                "language": "Solidity",
                "sources": contracts_compile.collect([MODULE]),
                "settings": {
                    "evmVersion": "prague",
                    "outputSelection": {MODULE: {"PolicyModule": ["storageLayout", "transientStorageLayout"]}},
                },
            }
        )
    finally:
        compiler.close()
    found: dict[str, Any] = answer["contracts"][MODULE]["PolicyModule"]
    return found


@pytest.fixture(scope="module")
def drawing() -> dict[str, str]:
    """Slot -> what the comment draws there, its lines joined."""
    text = (ROOT / MODULE).read_text()
    comment = text[text.index("/// Storage, slot by slot:") : text.index("\ncontract PolicyModule")]
    drawn: dict[str, str] = {}
    slot = ""
    for line in comment.splitlines()[1:]:
        content = line.removeprefix("///").strip()
        if begins := re.match(r"(transient \d+|\d+)(?:, (\d+))?\s+(.*)", content):
            slot = begins[1]
            drawn[slot] = begins[3]
            if begins[2]:
                drawn[begins[2]] = begins[3]
        else:
            drawn[slot] += " " + content
    return drawn


def fields(drawn: str) -> list[tuple[str, int]]:
    """The drawn fields as (name, bits), from the lowest bits up: the drawing has these on the right."""
    return [(name.strip(), int(bits)) for name, bits in re.findall(r"\|([^|()]+)\((\d+)\)", drawn)][::-1]


def members(layout: dict[str, Any], struct: str, slot: int) -> list[tuple[str, int]]:
    """A struct's members in one of its slots, as (name, bits), from the lowest bits up. Nothing lies between two."""
    types = layout["storageLayout"]["types"]
    (found,) = [kind["members"] for name, kind in types.items() if name.startswith(f"t_struct({struct})")]
    end, told = 0, []
    for member in found:
        if int(member["slot"]) != slot:
            continue
        size = int(types[member["type"]]["numberOfBytes"])
        assert member["offset"] == end
        end += size
        told.append((member["label"], 8 * size))
    return told


def widths(told: list[tuple[str, int]]) -> list[int]:
    return [bits for _, bits in told]


def first_words(told: list[tuple[str, int]]) -> list[str]:
    """Of each name, the first of its words in lower case: `releasableAt` is drawn as `releasable`."""
    return [re.split(r"[ ,]|(?=[A-Z])", name)[0].lower() for name, _ in told]


def test_every_variable_has_the_drawn_slot(layout: dict[str, Any], drawing: dict[str, str]) -> None:
    found: dict[str, list[str]] = {}
    for variable in layout["storageLayout"]["storage"]:
        found.setdefault(variable["slot"], []).append(variable["label"])
    assert found == {
        "0": ["_nameFallback"],
        "1": ["_versionFallback"],
        "2": ["guardian", "paused", "pauseEpoch"],
        "3": ["_states"],
        "4": ["ring"],
        "5": ["_places"],
        "6": ["_objections"],
        "7": ["hasObjected"],
        "8": ["_petitions"],
        "9": ["signedPetition"],
    }
    (lock,) = layout["transientStorageLayout"]["storage"]
    assert (lock["label"], lock["slot"]) == ("_locked", "0")
    assert [slot for slot in drawing if slot.isdigit()] == list(found)
    assert drawing["transient 0"].startswith("the lock")
    begins = {"3": "policyId ->", "4": "ring key ->", "5": "policyId ->", "6": "actId ->", "7": "actId -> account ->"}
    begins |= {"8": "policyId ->", "9": "policyId -> account ->"}
    for slot, key in begins.items():
        assert drawing[slot].startswith(key)


def test_the_packed_slots_are_drawn_as_they_are(layout: dict[str, Any], drawing: dict[str, str]) -> None:
    sizes = {name: int(kind["numberOfBytes"]) for name, kind in layout["storageLayout"]["types"].items()}
    top = [variable for variable in layout["storageLayout"]["storage"] if variable["slot"] == "2"]
    assert [variable["offset"] for variable in top] == [0, 20, 21]
    assert [8 * sizes[variable["type"]] for variable in top] == widths(fields(drawing["2"]))
    for slot, struct in (("5", "PendingAct"), ("8", "Petition")):
        first = members(layout, struct, 0)
        drawn = fields(drawing[slot])[-len(first) :]  # the second slot is drawn below, so comes first from the right
        assert widths(first) == widths(drawn)
        assert first_words(first) == first_words(drawn)
        assert widths(members(layout, struct, 1)) == [256]


def test_what_the_libraries_pack_fills_a_word(drawing: dict[str, str]) -> None:
    assert widths(fields(drawing["3"])) == [160, 16, 24, 32, 24]
    assert sum(widths(fields(drawing["3"]))) == 256
    library = (ROOT / STATE).read_text()
    shifts = {"pointer": 0, "version": 160, "number": 176, "lastAct": 200, "endHours": 232}
    for name, shift in shifts.items():
        body = library[library.index(f"function {name}(") :].partition("}")[0]
        assert f"state >> {shift})" in body if shift else "uint160(state)" in body
    assert drawing["4"] == "ring key -> | newest segment (32) | eight buckets (8 x 28) |"
    assert 32 + 8 * 28 == 256
