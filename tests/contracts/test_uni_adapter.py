# SPDX-License-Identifier: Apache-2.0
"""UNI, as Uniswap published it, behind our adapter: its holders stop an act. `make lives` installs the package."""

import json
from typing import Any

import pytest
from eth_abi import encode
from eth_utils import keccak

from policies.code.encoding import pack
from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from tests.conftest import ROOT, ChainError, Deployed
from tests.governance.governors import compound

USDC = 10**6
UNI = 10**18
POLICY_ID = keccak(text="payroll")
TRANSFER = keccak(text="transfer(address,uint256)")[:4]
DELEGATE = keccak(text="delegate(address)")[:4]
DAY_S = 86_400


def _deploy(d: Deployed, key: str, bytecode: str, types: list[str], *arguments: Any) -> bytes:
    data = bytes.fromhex(bytecode.removeprefix("0x")) + encode(types, arguments)
    d.addresses[key] = bytes.fromhex(d.send_raw("deployer", None, data)["contractAddress"][2:])
    return d.addresses[key]


def _ours(d: Deployed, key: str, name: str, *arguments: Any) -> bytes:
    artifact = json.loads((ROOT / ".build" / "contracts" / f"{name}.json").read_text())
    d.abis[key] = artifact["abi"]
    return _deploy(d, key, artifact["bytecode"], ["address"] * len(arguments), *arguments)


def _policy(d: Deployed, *rules: Rule) -> bytes:
    now_s = d.anvil.now
    budget = Budget(Scope.POLICY, d.addresses["usdc"], 3, DAY_S, 10 * USDC // 1000, 5000 * USDC // 1000, bytes(32))
    pay = Rule(
        d.addresses["usdc"], TRANSFER, False, True, 2, (Clause(1, Kind.AT_MOST, 5000 * USDC),),
        (Charge(0, Source.ARGUMENT, 1),),
    )  # fmt: skip
    return pack(
        PolicyCode(
            agent=d.address("agent"), operator=d.address("olga"), start_s=now_s - 10,
            end_s=(now_s // 3600 + 24 * 365) * 3600, cooldown_s=0, objection_delay_s=3600, release_window_s=DAY_S,
            objection_threshold_bps=1000, document_hash=bytes(32), budgets=(budget,), lists=(),
            rules=tuple(sorted((pay, *rules), key=lambda rule: (rule.target, rule.selector))),
        )
    )  # fmt: skip


@pytest.fixture
def uni(deployed: Deployed) -> bytes:
    """A billion UNI in Ada's hands; nothing is minted yet."""
    if not compound.installed():
        pytest.skip("UNI's package comes by `make packages`")
    artifact = compound.PACKAGES / "@uniswap" / "governance" / "build" / "Uni.json"
    ada, minting_from_s = deployed.address("ada"), deployed.anvil.now + DAY_S
    types = ["address", "address", "uint256"]
    return _deploy(deployed, "uni", json.loads(artifact.read_text())["bytecode"], types, ada, ada, minting_from_s)


@pytest.fixture
def module(deployed: Deployed, uni: bytes) -> bytes:
    """A module that counts UNI by the adapter, enabled on the treasury, with a policy in force."""
    d = deployed
    parties = [d.addresses[name] for name in ("timelock", "governor", "treasury")]
    adapter = _ours(d, "adapter", "PriorVotesAdapter", uni)
    made = _ours(d, "uni_module", "PolicyModule", *parties, adapter, d.address("gus"))
    d.send_as("timelock", "treasury", "enableModule", made)
    d.send_as("timelock", "uni_module", "setPolicy", POLICY_ID, _policy(d))
    return made


def test_no_module_counts_uni_without_the_adapter(deployed: Deployed, uni: bytes) -> None:
    d = deployed
    parties = [d.addresses[name] for name in ("timelock", "governor", "treasury")]
    with pytest.raises(ChainError) as refused:
        _ours(d, "bare", "PolicyModule", *parties, uni, d.address("gus"))
    assert d.error_name(refused.value.data) == "NoPastVotes"


def test_holders_of_uni_stop_an_act(deployed: Deployed, uni: bytes, module: bytes) -> None:
    d = deployed
    # A tenth of all goes to somebody who never delegates: it counts in the threshold alone.
    d.send_raw("ada", uni, DELEGATE + encode(["address"], [d.address("ada")]))
    d.send_raw("ada", uni, TRANSFER + encode(["address", "uint256"], [d.address("ben"), 100_000_000 * UNI]))
    calls = [(d.addresses["usdc"], 0, TRANSFER + encode(["address", "uint256"], [d.address("ines"), 1000 * USDC]))]
    pointer = d.read("uni_module", "policyState", POLICY_ID)[0]
    code_hash = keccak(bytes.fromhex(d.anvil.call("eth_getCode", pointer, "latest")[2:]))
    d.send("agent", "uni_module", "schedule", POLICY_ID, code_hash, calls, 1, b"\1" * 32)
    act = d.read("uni_module", "pendingActs", POLICY_ID)[0]
    snapshot, act_id = act[0], act[7]
    assert d.read("uni_module", "threshold", POLICY_ID, snapshot) == 100_000_000 * UNI
    with pytest.raises(ChainError) as powerless:
        d.send("ben", "uni_module", "object", POLICY_ID, [act_id])
    assert d.error_name(powerless.value.data) == "NoPower"
    d.send("ada", "uni_module", "object", POLICY_ID, [act_id])
    assert d.read("uni_module", "pending", POLICY_ID, act_id) == (900_000_000 * UNI, False)


def test_no_policy_moves_the_votes_of_uni(deployed: Deployed, uni: bytes, module: bytes) -> None:
    d = deployed
    moves = _policy(d, Rule(uni, b"\1\2\3\4", False, False, 1, (), ()))
    with pytest.raises(ChainError) as refused:
        d.send_as("timelock", "uni_module", "setPolicy", POLICY_ID, moves)
    assert d.error_name(refused.value.data) == "BadPolicy"
    assert refused.value.data[-32:].rstrip(b"\0") == b"votes token: only transfer"
    d.send_as(
        "timelock", "uni_module", "setPolicy", POLICY_ID, _policy(d, Rule(uni, TRANSFER, False, False, 2, (), ()))
    )
