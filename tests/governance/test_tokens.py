# SPDX-License-Identifier: Apache-2.0
"""What a token is: its decimals are its own word, and those of tokens with a number each are none."""

import pytest

from governance.capabilities import probe_token
from governance.chain.rpc import Rpc
from tests.governance.conftest import CHAIN_ID
from tests.governance.governors import compiled


@pytest.mark.parametrize(
    ("contract", "symbol", "decimals"), [("NumberedVotes", "SEAT", 0), ("SilentVotes", "HUSH", None)]
)
def test_votes_without_decimals(local_chain, contract, symbol, decimals):
    code = bytes.fromhex(compiled()[contract]["bytecode"].removeprefix("0x"))
    token = bytes.fromhex(local_chain.send_raw("mallory", None, code)["contractAddress"][2:])
    found = probe_token(Rpc([local_chain.url], CHAIN_ID, attempts=1), token)
    assert (found["symbol"], found["decimals"], found["votes"]) == (symbol, decimals, True)


def test_a_token_that_knows_no_interfaces_has_the_decimals_that_it_says(local_chain):
    rpc = Rpc([local_chain.url], CHAIN_ID, attempts=1)
    assert probe_token(rpc, local_chain.addresses["usdc"])["decimals"] == 6
    assert probe_token(rpc, local_chain.addresses["votes_token"])["decimals"] == 18
