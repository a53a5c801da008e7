# SPDX-License-Identifier: Apache-2.0
"""The local chain's wallet says why a transaction reverted."""

import pytest

from dao.local.wallet import Node, Reverted, Wallet
from governance.chain.address import checksum


def test_a_revert_names_its_reason(deployed):
    node = Node(deployed.url)
    mallory = Wallet.from_key("mallory", deployed.accounts["mallory"].key, node)
    module = checksum(deployed.addresses["module"])
    with pytest.raises(Reverted, match=r"reverted: eth_call: .*revert"):
        mallory.invoke(module, "unpause()", [])


def test_who_delegates_and_proposes_in_one_second_has_no_votes_yet(deployed):
    """Why the demo winds the clock between the two: the governor counts the votes of a second before."""
    node = Node(deployed.url)
    wallet = Wallet.from_key("ada", deployed.accounts["ada"].key, node)
    token, governor = (checksum(deployed.addresses[name]) for name in ("votes_token", "governor"))
    wallet.invoke(token, "delegate(address)", [wallet.address])
    told = node.time()
    node.request("evm_setNextBlockTimestamp", told)
    propose = "propose(address[],uint256[],bytes[],string)"
    arguments = [[token], [0], [b""], "now"]
    with pytest.raises(Reverted):
        wallet.invoke(governor, propose, arguments)
    node.advance(2)
    wallet.invoke(governor, propose, arguments)
