# SPDX-License-Identifier: Apache-2.0
"""The gas bench fails when a bar is missed or a system lets something through, and measures acts that happened."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_abi import encode
from eth_utils import keccak

from bench.gas import __main__ as command
from bench.gas import chain as chains
from bench.gas import field as others
from bench.gas import mandate, systems
from bench.gas.chain import BenchError, Chain, Contract, Refused
from bench.gas.systems import Field, Row
from policies.code import encoding
from tests.conftest import ROOT

FOLDER = ROOT / "bench" / "gas"
needs_packages = pytest.mark.skipif(
    not (others.PACKAGES / others.SAFE).exists(), reason="other systems' packages are installed by `make bench-gas`"
)


@pytest.fixture(scope="module")
def node(compiled: None) -> Iterator[Chain]:
    with chains.chain() as node:
        yield node


@pytest.fixture
def token(node: Chain) -> Contract:
    return node.deploy(node.accounts[0], *others.token_artifact())


# ------------------------------------------------------------------------------------------------------ the bars


def rows(**changed: int) -> list[Row]:
    return [
        Row(act, system, changed.get(system.replace("-", "_"), most)) for (act, system), most in command.BARS.items()
    ]


def test_a_bar_holds_up_to_what_it_says() -> None:
    assert all(bar["holds"] for bar in command.verdicts(rows(), {"PolicyModule": 24_576}))


def test_one_gas_more_misses_a_bar() -> None:
    missed = [bar for bar in command.verdicts(rows(mandate_treasury=69_001), {}) if not bar["holds"]]
    assert [(bar["bar"], bar["is"], bar["most"]) for bar in missed] == [
        ("transfer by mandate-treasury", 69_001, 69_000)
    ]


def test_one_byte_more_misses_a_bar() -> None:
    (missed,) = [bar for bar in command.verdicts(rows(), {"PolicyModule": 24_577}) if not bar["holds"]]
    assert missed["bar"] == "runtime of PolicyModule"


def test_an_act_that_was_not_measured_holds_no_bar() -> None:
    with pytest.raises(KeyError):
        command.verdicts(rows()[1:], {})


def test_the_sizes_are_of_what_is_deployed(compiled: None) -> None:
    sizes = command.runtime_sizes()
    artifact = json.loads((ROOT / ".build" / "contracts" / "Treasury.json").read_text())
    assert sizes["Treasury"] == len(bytes.fromhex(artifact["deployedBytecode"][2:])) > 1000
    assert {"PolicyModule", "MandateGovernor", "VotesToken"} <= set(sizes)
    assert not {"Ring", "ITreasury"} & set(sizes)


def test_the_table_names_every_act_and_system() -> None:
    text = command.table([Row("transfer", "eoa", 34_124), Row("batch5", "mandate-safe", 150_000)])
    assert text.splitlines() == [
        "gas           eoa  mandate-safe",
        "transfer   34,124             -",
        "batch5          -       150,000",
    ]


# ------------------------------------------------------------------------------------------- what is measured happened


def test_a_transaction_that_fails_raises_with_its_reason(node: Chain, token: Contract) -> None:
    stranger = node.accounts[2]
    with pytest.raises(Refused) as refused:
        node.transact(stranger, token, "mint", stranger, 1)
    assert token.error_name(refused.value.data) == "NotMinter"


def test_a_revert_with_a_text_is_named_by_it(token: Contract) -> None:
    data = keccak(text="Error(string)")[:4] + encode(["string"], ["GS104"])
    assert token.error_name(data) == "GS104"


@needs_packages
def test_a_payment_that_does_not_arrive_is_no_measurement(node: Chain) -> None:
    with node.undone():
        found = Field(node)
        silent = found.token.calldata("balanceOf", found.agent)
        with pytest.raises(BenchError, match="what was measured is no payment"):
            found.pay(found.agent, found.token.address, silent, [found.payment])


@needs_packages
def test_a_system_that_lets_something_through_fails_the_run(node: Chain) -> None:
    with node.undone():
        found = Field(node)
        data = mandate.transfer(*found.payment)
        with pytest.raises(BenchError, match="eoa allowed a stranger"):
            found.refuses("eoa", "a stranger", found.token, "Any", found.agent, found.token.address, data)


@needs_packages
def test_a_refusal_for_another_reason_fails_the_run(node: Chain) -> None:
    with node.undone():
        found = Field(node)
        data = mandate.transfer(found.recipients[0], 10**30)
        with pytest.raises(BenchError, match="with ERC20InsufficientBalance, not with OverCap"):
            found.refuses("eoa", "more", found.token, "OverCap", found.agent, found.token.address, data)


@needs_packages
def test_acts_that_never_settle_have_no_figure(node: Chain) -> None:
    with node.undone():
        found, costs = Field(node), iter(range(100))
        with pytest.raises(BenchError, match="has no steady state"):
            found.measure("transfer", "eoa", lambda: next(costs))
        assert found.rows == []


@needs_packages
def test_a_plain_transfer_costs_what_it_costs_everywhere(node: Chain) -> None:
    """The floor of all figures; the stored field (issue 3) was measured on another EVM: 34,164."""
    with node.undone():
        found = Field(node)
        systems._accounts(found)
    assert {row.act for row in found.rows} == {"transfer", "batch5"}
    assert 33_500 < found.rows[0].gas < 35_000


@needs_packages
def test_our_module_is_measured_and_refuses(node: Chain) -> None:
    with node.undone():
        found = Field(node)
        systems._mandate(found, "mandate-treasury", in_safe=False)
    acts = {row.act: row.gas for row in found.rows}
    assert {"transfer", "batch5", "schedule", "release", "schedule+release", "set-policy", "first-use"} <= set(acts)
    assert {"transfer-20-rules", "transfer-parent-budget", "transfer-measured"} <= set(acts)
    assert acts["schedule+release"] == acts["schedule"] + acts["release"]
    assert acts["transfer"] < acts["first-use"] < acts["batch5"] < 5 * acts["transfer"]
    assert acts["transfer"] < acts["transfer-parent-budget"]
    refused = {attempt.attempt: attempt.refused_with for attempt in found.attempts}
    assert {"more than the cap", "another recipient", "a stranger", "within the cooldown", "after the end"} <= set(
        refused
    )


def test_the_policy_is_the_one_that_people_would_write() -> None:
    terms = mandate.Terms(b"\1" * 20, b"\2" * 20, tuple(bytes([n]) * 20 for n in range(3, 8)))
    policy = encoding.decode(terms.code())
    assert policy.agent == terms.agent
    assert (policy.cooldown_s, policy.objection_delay_s) == (mandate.COOLDOWN_S, mandate.OBJECTION_DELAY_S)
    assert policy.end_s - policy.start_s == mandate.VALID_S
    (budget,), (rule,) = policy.budgets, policy.rules
    assert (budget.period_s, rule.target, len(policy.lists[0])) == (mandate.PERIOD_S, terms.token, 5)


# ------------------------------------------------------------------------------------------------------- the command


@needs_packages
def test_the_whole_run_writes_what_it_prints(compiled: None, tmp_path: Path) -> None:
    out = tmp_path / "gas.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench.gas", "--out", str(out)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert out.exists(), done.stderr
    result: dict[str, Any] = json.loads(out.read_text())
    assert done.returncode == (0 if all(bar["holds"] for bar in result["bars"]) else 1)
    found = {(row["act"], row["system"]): row["gas"] for row in result["rows"]}
    assert len(found) == len(result["rows"])
    assert all(f"{gas:,}" in done.stdout for gas in found.values())
    # What others cost does not depend on us: as measured elsewhere, within the token's own differences.
    assert abs(found["transfer", "zodiac-roles-v2.1"] - 130_474) < 500
    assert abs(found["transfer", "zodiac-roles-v2.1-proxy"] - 133_200) < 500
    assert abs(found["transfer", "safe-bare"] - 47_217) < 200
    assert abs(found["schedule", "zodiac-roles-v2.1+delay"] - 165_492) < 1000
    assert found["transfer", "mandate-safe"] < found["transfer", "zodiac-roles-v2.1"]
    refused = {(attempt["system"], attempt["attempt"]) for attempt in result["refused"]}
    for system in ("zodiac-roles-v2.1", "zodiac-roles-v2.1-proxy", "mandate-safe", "mandate-treasury"):
        for attempt in ("more than the cap", "another recipient", "a stranger", "more than the budget"):
            assert (system, attempt) in refused


def test_a_missing_package_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, compiled: None
) -> None:
    monkeypatch.setattr(others, "PACKAGES", tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench.gas", "--out", str(tmp_path / "gas.json")])
    assert command.main() == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is not installed; run `make bench-gas`" in error
    assert not (tmp_path / "gas.json").exists()


def test_the_lock_names_no_registry_and_what_is_asked_for() -> None:
    lock = (FOLDER / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert "registry" not in lock
    asked = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    assert json.loads(lock)["packages"][""]["dependencies"] == asked


def test_the_products_install_brings_none_of_these_packages() -> None:
    product = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert not [name for name in product if others.SAFE in name or others.ZODIAC in name]
