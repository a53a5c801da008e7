# SPDX-License-Identifier: Apache-2.0
"""The functions that outlive an act are one list: the contract is written from the file that the compiler reads."""

import re
import sys
from pathlib import Path

import pytest
from eth_utils import keccak

from policies.code.standing_effects import APPROVE, OUTLIVING, why_unbounded

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "contracts" / "scripts")]

import standing_effects  # noqa: E402  (the script of contracts/scripts)

SOURCE = ROOT / "contracts" / "src" / "libraries" / "StandingEffects.sol"
ON_CHAIN = re.findall(r'keccak256\("([^"]+)"\)', SOURCE.read_text())


def test_the_contract_is_what_the_list_says() -> None:
    assert standing_effects.contract(standing_effects.rows(standing_effects.LIST.read_text())) == SOURCE.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "allowance\tapprove(address,uint256)\n",  # no note
        "allowance\tapprove(address, uint256)\t\n",  # no canonical signature: another selector
        'allowance\tapprove(address)\t"; // and code\u00e9\n',
        "power\ta()\t\ndebt\tb()\t\npower\tc()\t\n",
        "power\ta()\t\npower\ta()\t\n",
    ],
)
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(standing_effects.ListError):
        standing_effects.rows(text)


def test_the_contract_and_the_compiler_know_the_same_functions() -> None:
    assert len(ON_CHAIN) == len(set(ON_CHAIN)) > 20
    assert {keccak(text=signature)[:4] for signature in ON_CHAIN} == OUTLIVING


@pytest.mark.parametrize("signature", [s for s in ON_CHAIN if keccak(text=s)[:4] != APPROVE])
def test_what_the_chain_refuses_is_refused_before_anybody_votes_on_it(signature: str) -> None:
    assert why_unbounded(signature.partition("(")[0], signature, keccak(text=signature)[:4])
