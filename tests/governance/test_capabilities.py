# SPDX-License-Identifier: Apache-2.0
"""Which of a governor's functions decides, found by what it answers."""

import pytest
from eth_utils import keccak

from governance import capabilities
from governance.chain import abi
from governance.chain.rpc import CallReverted

QUORUM, QUORUM_VOTES = "quorum(uint256)", "quorumVotes()"


class Answering:
    """A node whose only contract answers these functions; the node can't exist here with Bravo's own governor."""

    def __init__(self, **answers: bytes):
        self.answers = {keccak(text=signature)[:4]: raw for signature, raw in answers.items()}

    def eth_calls(self, calls, _block):
        return [self.answers.get(data[:4], CallReverted(b"")) for _, data in calls]


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


ALPHA = keccak(text="Ballot(uint256 proposalId,bool support)")
BRAVO = keccak(text="Ballot(uint256 proposalId,uint8 support)")
ADDRESS = abi.encode(["address"], [b"\x02" * 20])
WORD = abi.encode(["uint256"], [5])
OPTIMISM = abi.encode(["string"], ["support=bravo&quorum=against,for,abstain&params=modules"])


@pytest.mark.parametrize(
    ("answers", "family", "quorum"),
    [
        ({QUORUM_VOTES: WORD, "BALLOT_TYPEHASH()": ALPHA}, "alpha", QUORUM_VOTES),
        ({QUORUM_VOTES: WORD, "BALLOT_TYPEHASH()": BRAVO}, "bravo", QUORUM_VOTES),
        ({QUORUM_VOTES: WORD, "nouns()": ADDRESS, "vetoer()": ADDRESS}, "nouns", "proposals(uint256)"),
        ({"nouns()": ADDRESS, "vetoer()": ADDRESS}, "nouns", "proposals(uint256)"),
        # Optimism's quorum has OpenZeppelin's selector and is asked by the proposal's number: asked by the snapshot it
        # answers for another proposal, or for none.
        ({QUORUM: WORD, "COUNTING_MODE()": OPTIMISM, "PROPOSAL_TYPES_CONFIGURATOR()": ADDRESS}, "agora",
         "quorum(proposal)"),
        ({"votingPeriod()": WORD}, "unknown", None),
    ],
)  # fmt: skip
def test_whose_governor_it_is(answers, family, quorum):
    found = capabilities.probe_governor(Answering(**answers), b"\x01" * 20)
    assert (found["family"], found["quorum"]) == (family, quorum)


@pytest.mark.parametrize("name", ["token", "comp", "uni", "nouns"])
def test_governors_name_their_votes_token_each_in_their_own_way(name):
    found = capabilities.probe_governor(Answering(**{QUORUM_VOTES: WORD, f"{name}()": ADDRESS}), b"\x01" * 20)
    assert found["token"] == "0x" + "02" * 20
