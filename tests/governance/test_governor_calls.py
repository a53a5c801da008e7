# SPDX-License-Identifier: Apache-2.0
"""The governor's functions and ballots, as they are named here, are those of the contract that is built."""

import json
from pathlib import Path

import pytest

from governance.chain import governor
from governance.chain.rpc import Rpc
from policies.notation.primitives import keccak

ROOT = Path(__file__).resolve().parents[2]
OF_COMPOUND = {"PROPOSE_BY_NUMBER"}  # tests/governance/installing plays it on a governor of that kind
NAMED = {
    name: value
    for name, value in vars(governor).items()
    if isinstance(value, str) and value.endswith(")") and name not in OF_COMPOUND
}


@pytest.fixture(scope="module")
def built(compiled) -> set[str]:
    abi = json.loads((ROOT / ".build" / "abi" / "MandateGovernor.json").read_text())
    return {f"{f['name']}({','.join(i['type'] for i in f['inputs'])})" for f in abi if f["type"] == "function"}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_each_function_is_one_of_the_built_governor(name, built):
    assert NAMED[name] in built


def test_the_ballot_is_the_type_that_its_hash_is_of():
    fields = ",".join(f"{field['type']} {field['name']}" for field in governor.BALLOT["Ballot"])
    assert keccak(f"Ballot({fields})".encode()) == governor.BALLOT_V5


def test_the_signing_domain_is_what_the_chain_answers(local_chain):
    rpc, address = Rpc([local_chain.url], 31337, attempts=1), local_chain.addresses["governor"]
    domain = governor.signing_domain(rpc, address, 31337)
    assert (domain.version, domain.chain_id, domain.address) == ("1", 31337, address)
    with pytest.raises(governor.NoSignedBallots, match="another contract"):
        governor.signing_domain(rpc, address, 1)
    with pytest.raises(governor.NoSignedBallots, match="takes no votes by signature"):
        governor.signing_domain(rpc, local_chain.addresses["module"], 31337)
    assert governor.ballot_nonce(rpc, address, local_chain.address("ada")) == 0
    assert not governor.has_voted(rpc, address, 7, local_chain.address("ada"))
