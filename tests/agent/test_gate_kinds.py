# SPDX-License-Identifier: Apache-2.0
"""The last gate before a plain "told", on names, settings, roles, approvals and several calls as DAOs write them.

gate_kinds.json has texts that are told and texts that are not, beside the calls that stand here.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from agent.understanding.described import namehash
from agent.understanding.effects import Contract
from agent.understanding.judging import Outcome, Status, Verdict
from policies.notation.amounts import Token
from tests.agent import test_gate as gate
from tests.agent.test_gate import GOVERNOR, PROXY, SAFE, TIMELOCK, USDC, VOTES, WETH, call
from tests.calls import plain_call

TEXTS = json.loads((Path(__file__).parent / "gate_kinds.json").read_text())
REGISTRY, RESOLVER, ROOT, TEAM, OTHERS, LABS, WRAPPED = (
    bytes([n]) * 20 for n in (0xE1, 0xE2, 0xE3, 0xA1, 0xA2, 0xAB, 0x5F)
)
PLACES = {
    **gate.PLACES, "A": TEAM, "D": OTHERS, "S": SAFE, "R": REGISTRY, "E": RESOLVER, "O": ROOT, "N": LABS, "Y": VOTES,
    "M": WRAPPED,
}  # fmt: skip
BOOK = replace(
    gate.BOOK,
    names={**gate.BOOK.names, LABS: "coldwallet.ens.eth", REGISTRY: "registry.ens.eth"},
    tokens={**gate.BOOK.tokens, WRAPPED: Token("USDCx", WRAPPED, 18)},
    contracts={**gate.BOOK.contracts, REGISTRY: Contract("ens_registry"), ROOT: Contract("ens_root"),
               WRAPPED: Contract("token")},
)  # fmt: skip
NODE = namehash("dao.eth")
CALLS = {
    **gate.CALLS,
    "T1": call(USDC, "transfer(address,uint256)", TEAM, 120_000 * 10**6),
    "T2": call(USDC, "transfer(address,uint256)", OTHERS, 45_500 * 10**6),
    "T3": call(USDC, "transfer(address,uint256)", LABS, 300_000 * 10**6),
    "W1": call(WETH, "transfer(address,uint256)", TEAM, 5 * 10**18),
    "GV": call(VOTES, "transfer(address,uint256)", OTHERS, 10_000 * 10**18),
    "E10": plain_call(SAFE, 10 * 10**18),
    "AT": call(USDC, "approve(address,uint256)", TEAM, 80_000 * 10**6),
    "VD": call(GOVERNOR, "setVotingDelay(uint48)", 86_400),
    "VP7": call(GOVERNOR, "setVotingPeriod(uint32)", 604_800),
    "PT": call(GOVERNOR, "setProposalThreshold(uint256)", 25_000 * 10**18),
    "QN": call(GOVERNOR, "updateQuorumNumerator(uint256)", 4),
    "TD": call(TIMELOCK, "updateDelay(uint256)", 172_800),
    "GC": call(TIMELOCK, "grantRole(bytes32,address)", keccak(text="CANCELLER_ROLE"), SAFE),
    "GP": call(TIMELOCK, "grantRole(bytes32,address)", keccak(text="PROPOSER_ROLE"), TEAM),
    "RPD": call(TIMELOCK, "revokeRole(bytes32,address)", keccak(text="PROPOSER_ROLE"), OTHERS),
    "GM": call(VOTES, "grantRole(bytes32,address)", keccak(text="MINTER_ROLE"), TEAM),
    "MT": call(VOTES, "mint(address,uint256)", TEAM, 50_000 * 10**18),
    "DG": call(VOTES, "delegate(address)", TEAM),
    "AO": call(SAFE, "addOwnerWithThreshold(address,uint256)", TEAM, 3),
    "AO2": call(SAFE, "addOwnerWithThreshold(address,uint256)", OTHERS, 3),
    "RA": call(PROXY, "rely(address)", TEAM),
    "RD": call(PROXY, "rely(address)", OTHERS),
    "SR": call(REGISTRY, "setResolver(bytes32,address)", NODE, RESOLVER),
    "SO": call(REGISTRY, "setOwner(bytes32,address)", NODE, TEAM),
    "SS": call(ROOT, "setSubnodeOwner(bytes32,address)", keccak(b"ceo"), TIMELOCK),
    "SSR": call(REGISTRY, "setSubnodeRecord(bytes32,bytes32,address,address,uint64)", NODE, keccak(b"app"), TEAM,
                RESOLVER, 0),
    "TX": call(RESOLVER, "setText(bytes32,string,string)", NODE, "url", "https://dao.org"),
    "UPX": call(PROXY, "upgradeTo(address)", RESOLVER),
    "CO": call(PROXY, "setController(address,bool)", TEAM, True),
    "TO": call(PROXY, "transferOwnership(address)", SAFE),
}  # fmt: skip


def judged(text: str, calls: str) -> Verdict:
    return gate.judged(text, calls, PLACES, CALLS, BOOK)


@pytest.mark.parametrize(
    ("calls", "text"),
    [pytest.param(*one, id=f"{kind}: {one[1][:60]}") for kind, listed in TEXTS["lies"].items() for one in listed],
)
def test_a_text_that_says_something_else_is_no_plain_yes(calls, text):
    assert judged(text, calls).outcome is not Outcome.TOLD


@pytest.mark.parametrize(("calls", "text"), TEXTS["in_part"])
def test_a_plain_text_with_a_word_that_no_list_has_is_told_in_part(calls, text):
    assert judged(text, calls).outcome is Outcome.TOLD_IN_PART


@pytest.mark.parametrize(("calls", "text"), TEXTS["told"])
def test_an_honest_text_of_its_kind_is_told(calls, text):
    assert judged(text, calls).outcome is Outcome.TOLD


@pytest.mark.parametrize(
    ("calls", "text"),
    [
        ("TO", "Transfer the ownership of {S} to {X}."),
        ("UPX", "Upgrade the proxy at {E} to the implementation at {X}."),
        ("SSR", "Set the subnode record app of dao.eth on the registry {R}: owner {E}, resolver {A}, ttl 0."),
    ],
)
def test_addresses_in_each_others_places_are_what_differs(calls, text):
    verdict = judged(text, calls)
    assert verdict.outcome is Outcome.DIFFERS
    assert verdict.findings[0].status is Status.DIFFERS


@pytest.mark.parametrize(
    "role", ["PROPOSER_ROLE and ", "the role and ", f"0x{keccak(text='PROPOSER_ROLE').hex()} and ", ""]
)
def test_a_call_by_name_does_not_stand_for_another_role_or_none(role):
    text = f"Call grantRole on the timelock {{T}}, passing in {role}{{S}}."
    assert judged(text, "GC").outcome is not Outcome.TOLD


@pytest.mark.parametrize(
    ("parts", "outcome"), [((70_000, 50_000), Outcome.TOLD), ((70_000, 40_000), Outcome.TOLD_IN_PART)]
)
def test_a_list_of_costs_is_no_other_order_where_it_adds_up_to_what_is_paid(parts, outcome):
    listed = "\n".join(f"- {name}: {part:,} USDC" for name, part in zip(("Events", "Tools"), parts, strict=True))
    assert judged(f"{listed}\n\n## Specification\n\nTransfer 120,000 USDC to {{A}}.", "T1").outcome is outcome


@pytest.mark.parametrize("flag", ["", ", false", ", true or false"])
def test_a_call_by_name_that_says_not_which_way_its_switch_goes_is_not_told(flag):
    assert judged(f"Call setController on {{X}}, passing in {{A}}{flag}.", "CO").outcome is not Outcome.TOLD
