# SPDX-License-Identifier: Apache-2.0
"""How the opaque calls of proposals are counted."""

import pytest

from agent.understanding.effects import Book, Contract
from bench.eval import data, opaque
from governance.chain import abi
from governance.chain.address import to_bytes
from governance.chain.call import ProposedCall

ADA, SAFE = b"\xad" * 20, b"\x5a" * 20
AMB = to_bytes("0x4C36d2919e407f0Cc2Ee3c993ccF8ac26d9CE64e")  # only known by a line that a person wrote
PAID = abi.encode_call("transfer(address,uint256)", [ADA, 1])
PACKAGED = abi.encode_call("setContractURIHash(string)", ["x"])
BY_HAND = abi.encode_call("revokePlans(uint256[])", [[1]])
UNKNOWN = b"\xfe\xed\xfa\xce"


def counted(*calls: ProposedCall) -> dict:
    book = Book(contracts={SAFE: Contract("safe")})
    return opaque.opaque_share([data.Proposal("one", "", calls, book), data.Proposal("empty", "", (), book)])


def call(calldata: bytes, value_wei: int = 0, signature: bytes = b"", target: bytes = ADA) -> ProposedCall:
    return ProposedCall(target, value_wei, signature, calldata)


def test_each_call_counts_once_whatever_goes_along():
    found = counted(call(PAID, 5), call(PACKAGED), call(UNKNOWN))
    assert (found["proposals"], found["calls"], found["in_all"], found["blind"]) == (2, 3, 1, 1)
    assert (found["proposals_with_opaque"], found["why"]) == (1, {"unknown_function": 1})


def test_inner_calls_count_in_place_of_the_one_that_holds_them():
    inner = ["0x" + "ad" * 20, 0, UNKNOWN, 0, 0, 0, 0, bytes(20), bytes(20), b""]
    outer = abi.encode_call(
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)", inner
    )
    found = counted(call(outer, target=SAFE))
    assert (found["calls"], found["in_all"]) == (1, 1)


@pytest.mark.parametrize(
    "known_by_hand",
    [
        call(BY_HAND),
        call(abi.encode_call("requireToPassMessage(address,bytes,uint256)", [ADA, PAID, 1]), target=AMB),
    ],
)
def test_what_a_person_added_counts_as_opaque_when_blind(known_by_hand):
    found = counted(known_by_hand)
    assert (found["in_all"], found["blind"], found["proposals_with_opaque_blind"]) == (0, 1, 1)


def test_a_proposals_own_words_are_counted_apart():
    found = counted(ProposedCall(ADA, 0, b"setMood(uint8)", (3).to_bytes(32, "big")))
    assert (found["in_all"], found["by_its_own_words"], found["blind"]) == (0, 1, 1)


def test_a_bound_that_is_missed_is_named():
    counts = {"calls": 100, "blind": 4, "in_all": 3, "proposals_with_opaque": 3}
    assert opaque.missed(counts) == []
    counts = {"calls": 100, "blind": 5, "in_all": 4, "proposals_with_opaque": 4}
    assert [text.split(":")[0] for text in opaque.missed(counts)] == [
        "blind", "in_all", "4 proposals have an opaque call, more than 3",
    ]  # fmt: skip


@pytest.mark.acceptance
@pytest.mark.skipif(not data.is_here(), reason="the proposals are not here")
def test_of_the_calls_of_real_proposals_hardly_any_is_opaque():
    assert opaque.missed(opaque.opaque_share(data.honest())) == []
