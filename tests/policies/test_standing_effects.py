# SPDX-License-Identifier: Apache-2.0
"""The functions that outlive an act stand in two lists, the contract's and ours: they are the same."""

import re
from pathlib import Path

import pytest
from eth_utils import keccak

from policies.code.standing_effects import APPROVE, OUTLIVING, why_unbounded

SOURCE = Path(__file__).resolve().parents[2] / "contracts" / "src" / "libraries" / "StandingEffects.sol"
ON_CHAIN = re.findall(r'keccak256\("([^"]+)"\)', SOURCE.read_text())


def test_the_contract_and_the_compiler_know_the_same_functions() -> None:
    assert len(ON_CHAIN) == len(set(ON_CHAIN)) > 20
    assert {keccak(text=signature)[:4] for signature in ON_CHAIN} == OUTLIVING


@pytest.mark.parametrize("signature", [s for s in ON_CHAIN if keccak(text=s)[:4] != APPROVE])
def test_what_the_chain_refuses_is_refused_before_anybody_votes_on_it(signature: str) -> None:
    assert why_unbounded(signature.partition("(")[0], signature, keccak(text=signature)[:4])
