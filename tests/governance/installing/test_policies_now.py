# SPDX-License-Identifier: Apache-2.0
"""`module check` says which policies are set and whether they run; and what sends nothing needs no database."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import OperationalError
from eth_utils import to_checksum_address

from governance.chain.rpc import Answered, Rpc
from governance.models import Contract, OutgoingTransaction
from tests.conftest import DAY_S, Deployed
from tests.governance.installing import houses
from tests.governance.installing.conftest import parsed
from tests.governance.installing.test_plays import POLICY_ID, Play, policy_file, unhex


@pytest.fixture(autouse=True)
def no_database(monkeypatch) -> None:
    """None answers; without the mark for it, whoever asks in another way fails."""

    def none(**_: object) -> None:
        raise OperationalError("connection refused")

    for model in (Contract, OutgoingTransaction):
        monkeypatch.setattr(model.objects, "filter", none)


@pytest.fixture
def on(run, keystore, deployed: Deployed, tmp_path: Path) -> Play:
    return Play(run, houses.with_treasury(deployed), keystore, tmp_path)


def printed(said: str) -> list[dict[str, str]]:
    """The transactions; what is said of them is on the other stream, before them."""
    return parsed(said[said.index("[") :])


def deployed_by_hand(on: Play) -> None:
    """As the guide says it of another wallet: the transactions are printed, somebody sends them."""
    arguments = ("--guardian", on.guardian, "--as-transactions")
    for one in printed(on.act("deploy", *arguments)[1]):
        on.chain.send_raw("mallory", unhex(one["to"]), unhex(one["data"]))
    assert printed(on.act("deploy", *arguments)[1]) == []
    kept = json.loads(on.file.read_text())
    on.chain.addresses["made"] = unhex(kept["contracts"]["module"])
    on.chain.abis["made"] = on.chain.abis["module"]


def in_force_by_hand(on: Play) -> Path:
    deployed_by_hand(on)
    file = policy_file(on.chain, on.folder)
    on.house.carry("ada", unhex(on.propose("--policy", file)["calldata"]))
    return file


def in_years(on: Play, years: int) -> str:
    moment = datetime.fromtimestamp(on.chain.anvil.now + years * 366 * DAY_S, UTC)
    return moment.strftime("%Y-%m-%dT00:00Z")


def told(on: Play, *arguments: object) -> tuple[int, dict[str, dict]]:
    status, said = on.act("check", "--json", *arguments)
    return status, {one["code"]: one for one in parsed(said)["findings"] if one["subject"] == "policies"}


def test_a_vote_is_made_and_checked_without_a_database(on: Play):
    """The plan alone asks the mirror, and says where none answers."""
    status, said = on.act("plan", "--guardian", on.guardian)
    assert status == 0, said
    assert "not known  deployment: whether a site's mirror follows a module for this treasury already" in said
    file = in_force_by_hand(on)
    assert told(on, "--policy", file)[0] == 0


def test_check_says_whether_the_policy_of_a_file_runs(on: Play):
    deployed_by_hand(on)
    file = policy_file(on.chain, on.folder)
    status, found = told(on)
    assert (status, list(found)) == (0, ["policies_none_logged"])
    status, found = told(on, "--policy", file)
    assert (status, list(found)) == (1, ["policy_not_set"])
    on.house.carry("ada", unhex(on.propose("--policy", file)["calldata"]))
    assert list(told(on, "--policy", file)[1]) == ["policy_as_file", "policy_runs"]
    status, found = told(on)
    assert (status, list(found)) == (0, ["policy_runs"])
    assert found["policy_runs"]["values"]["policy"] == "0x" + POLICY_ID.hex()
    assert found["policy_runs"]["values"]["agent"] == to_checksum_address(on.chain.address("agent"))
    other = on.folder / "other.yaml"
    other.write_text(file.read_text().replace("3,000 USDC", "3,500 USDC"))
    status, found = told(on, "--policy", other)
    assert (status, list(found)) == (1, ["policy_other_code", "policy_runs"])
    # The guardian brings the end forward: it has ended, though the file says otherwise.
    on.chain.send("gus", "made", "shorten", POLICY_ID, on.chain.anvil.now + 3600)
    on.chain.anvil.wind(2 * 3600)
    status, found = told(on, "--policy", file)
    assert (status, list(found)) == (1, ["policy_as_file", "policy_ended", "policy_file_not_running"])
    said = on.act("check", "--policy", file)[1]
    assert f"differences from {on.file} and {file} or problems: 1; not known: " in said


def test_a_policy_that_begins_later_does_not_run_yet(on: Play):
    deployed_by_hand(on)
    file = policy_file(on.chain, on.folder)
    later = on.folder / "later.yaml"
    later.write_text(
        re.sub(r"from: \S+\n  until: \S+", f"from: {in_years(on, 1)}\n  until: {in_years(on, 2)}", file.read_text())
    )
    on.house.carry("ada", unhex(on.propose("--policy", later)["calldata"]))
    status, found = told(on, "--policy", later)
    assert (status, list(found)) == (1, ["policy_as_file", "policy_later", "policy_file_not_running"])


def test_what_the_node_does_not_tell_is_not_known(on: Play, monkeypatch):
    file = in_force_by_hand(on)
    logs, code = Rpc.logs, Rpc.get_code

    def without_past(self, addresses=(), topics=(), **blocks):
        if bytes(on.chain.addresses["made"]) in addresses:
            raise Answered(-32000, "pruned")
        return logs(self, addresses, topics, **blocks)

    monkeypatch.setattr(Rpc, "logs", without_past)
    assert list(told(on)[1]) == ["policies_unknown"]
    status, found = told(on, "--policy", file)
    assert (status, list(found)) == (0, ["policies_unknown", "policy_as_file", "policy_runs"]), "asked of the module"
    monkeypatch.setattr(Rpc, "logs", logs)
    pointer = on.chain.read("made", "policyState", POLICY_ID)[0]
    monkeypatch.setattr(
        Rpc, "get_code", lambda self, at, *block: b"" if at == unhex(pointer) else code(self, at, *block)
    )
    assert list(told(on)[1]) == ["policy_unknown"]
    status, found = told(on, "--policy", file)
    assert (status, list(found)) == (1, ["policy_file_unknown"]), "not known is no yes"


def test_the_same_policy_again_is_told_so_and_its_text_has_no_gap(on: Play):
    file = in_force_by_hand(on)
    status, said = on.act("propose", "--policy", file)
    assert status == 0
    assert "the policy “small payments” is set with this very code already" in said
    assert said.startswith(
        "# Put the policy “small payments” in force\n\nIt puts the policy “small payments” in force in "
    )
    other = on.folder / "other.yaml"
    other.write_text(file.read_text().replace("3,000 USDC", "3,500 USDC"))
    assert "this very code already" not in on.act("propose", "--policy", other)[1]
