# SPDX-License-Identifier: Apache-2.0
"""The named mistakes are mistakes in the contracts as they are now. Whether they are noticed, run.py shows."""

import pytest

from tests.contracts.invariants.mutants import MUTANTS, SOURCES, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mistake_has_its_place(mutant: Mutant) -> None:
    text = (SOURCES / mutant.file).read_text()
    assert mutant.apply(text) != text


def test_names_are_names() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_a_place_that_moved_is_told() -> None:
    with pytest.raises(ValueError, match="holds 0 times"):
        Mutant("gone", "PolicyModule.sol", "what is not there", "").apply("something else")
    with pytest.raises(ValueError, match="holds 2 times"):
        Mutant("twice", "PolicyModule.sol", "a", "b").apply("aa")
