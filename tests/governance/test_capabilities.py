# SPDX-License-Identifier: Apache-2.0
"""Which of a governor's functions decides, found by what it answers."""

import pytest
from eth_utils import keccak

from governance import capabilities
from governance.chain import abi
from governance.chain.rpc import RpcError

QUORUM, QUORUM_VOTES = "quorum(uint256)", "quorumVotes()"


class Answering:
    """A node whose only contract answers these functions; the node can't exist here with Bravo's own governor."""

    def __init__(self, **answers: bytes):
        self.answers = {keccak(text=signature)[:4]: raw for signature, raw in answers.items()}

    def eth_calls(self, calls, _block):
        return [self.answers.get(data[:4], RpcError(3, "execution reverted")) for _, data in calls]


@pytest.mark.parametrize(
    ("functions", "expected"),
    [
        ([QUORUM_VOTES], QUORUM_VOTES),  # Compound's own
        # OpenZeppelin's GovernorCompatibilityBravo counts by the snapshot's quorum; quorumVotes() is the newest one.
        ([QUORUM_VOTES, QUORUM], QUORUM),
        ([QUORUM], None),  # neither Bravo nor OpenZeppelin: it says nothing of its counting
    ],
)
def test_which_quorum_decides(functions, expected):
    word = abi.encode(["uint256"], [5])
    found = capabilities.probe_governor(Answering(**dict.fromkeys(functions, word)), b"\x01" * 20)
    assert found["quorum"] == expected
    assert not found["super_quorum"]


def test_a_super_quorum_is_found():
    word = abi.encode(["uint256"], [5])
    mode = abi.encode(["string"], ["support=bravo&quorum=for,abstain"])
    node = Answering(**{QUORUM: word, "superQuorum(uint256)": word, "COUNTING_MODE()": mode})
    assert capabilities.probe_governor(node, b"\x01" * 20)["super_quorum"]
