# SPDX-License-Identifier: Apache-2.0
"""A real Safe's owners stop an act, through our adapter. `make bench-gas` installs the Safe's package."""

import json
from dataclasses import replace

import pytest
from eth_abi import encode
from eth_utils import keccak

from bench.gas import field
from policies.code.encoding import pack
from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from tests.conftest import ROOT, ChainError, Deployed

USDC = 10**6
POLICY_ID = keccak(text="payroll")
TRANSFER = keccak(text="transfer(address,uint256)")[:4]
DAY_S = 86_400
HALF_BPS = 5000


def _create(d: Deployed, key: str, code: bytes, types: list[str], *arguments: object) -> bytes:
    receipt = d.send_raw("deployer", None, code + encode(types, arguments))
    d.addresses[key] = bytes.fromhex(receipt["contractAddress"][2:])
    return d.addresses[key]


def _ours(d: Deployed, key: str, name: str, *arguments: bytes) -> bytes:
    artifact = json.loads((ROOT / ".build" / "contracts" / f"{name}.json").read_text())
    d.abis[key] = artifact["abi"]
    return _create(d, key, bytes.fromhex(artifact["bytecode"][2:]), ["address"] * len(arguments), *arguments)


@pytest.fixture
def safe(deployed: Deployed) -> bytes:
    """A Safe 1.4.1 behind its proxy, of Ada, Ben and Chloe; two of them sign."""
    if not (field.PACKAGES / field.SAFE).exists():
        pytest.skip("the Safe's package comes by `make packages`")
    d = deployed
    code, d.abis["safe"] = field._safe_artifact("Safe")
    singleton = _create(d, "singleton", code, [])
    proxy, _ = field._safe_artifact("proxies/SafeProxy")
    made = _create(d, "safe", proxy, ["address"], singleton)
    owners = [d.address(name) for name in ("ada", "ben", "chloe")]
    d.send("ada", "safe", "setup", owners, 2, bytes(20), b"", bytes(20), bytes(20), 0, bytes(20))
    return made


def test_owners_of_a_real_safe_stop_an_act(deployed: Deployed, safe: bytes) -> None:
    d = deployed
    adapter = _ours(d, "adapter", "SafeOwnersAdapter", safe)
    parties = [d.addresses[name] for name in ("timelock", "governor", "treasury")]
    module = _ours(d, "safe_module", "PolicyModule", *parties, adapter, d.address("gus"))
    d.send_as("timelock", "treasury", "enableModule", module)
    now_s = d.anvil.now
    budget = Budget(Scope.POLICY, d.addresses["usdc"], 3, DAY_S, 10 * USDC // 1000, 5000 * USDC // 1000, bytes(32))
    clauses, charges = (Clause(1, Kind.AT_MOST, 5000 * USDC),), (Charge(0, Source.ARGUMENT, 1),)
    policy = PolicyCode(
        agent=d.address("agent"), operator=d.address("olga"), start_s=now_s - 10,
        end_s=(now_s // 3600 + 24 * 365) * 3600, cooldown_s=0, objection_delay_s=3600, release_window_s=DAY_S,
        objection_threshold_bps=HALF_BPS, document_hash=bytes(32), budgets=(budget,), lists=(),
        rules=(Rule(d.addresses["usdc"], TRANSFER, False, True, 2, clauses, charges),),
    )  # fmt: skip
    code = pack(policy)
    d.send_as("timelock", "safe_module", "setPolicy", POLICY_ID, code)
    pays = TRANSFER + encode(["address", "uint256"], [d.address("ines"), 1000 * USDC])
    code_hash, calls = keccak(b"\0" + code), [(d.addresses["usdc"], 0, pays)]
    d.send("agent", "safe_module", "schedule", POLICY_ID, code_hash, calls, 1, b"\1" * 32)
    act_id = d.read("safe_module", "pendingActs", POLICY_ID)[0][7]

    # Chloe's seat goes to Dana: owners count as of now.
    d.send_as("safe", "safe", "swapOwner", d.address("ben"), d.address("chloe"), d.address("dana"))
    for who in ("chloe", "mallory"):
        with pytest.raises(ChainError) as powerless:
            d.send(who, "safe_module", "object", POLICY_ID, [act_id])
        assert d.error_name(powerless.value.data) == "NoPower"
    d.send("dana", "safe_module", "object", POLICY_ID, [act_id])
    assert d.read("safe_module", "pending", POLICY_ID, act_id) == (1, False)  # half of three, rounded down, is one

    swaps = Rule(safe, keccak(text="swapOwner(address,address,address)")[:4], False, False, 3, (), ())
    rules = tuple(sorted((*policy.rules, swaps), key=lambda rule: rule.target))
    forbidden = pack(replace(policy, rules=rules))
    with pytest.raises(ChainError) as refused:
        d.send_as("timelock", "safe_module", "setPolicy", POLICY_ID, forbidden)
    assert d.error_name(refused.value.data) == "BadPolicy"
    assert refused.value.data[-32:].rstrip(b"\0") == b"votes token: only transfer"
