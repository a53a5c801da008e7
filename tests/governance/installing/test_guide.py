# SPDX-License-Identifier: Apache-2.0
"""docs/put-it-on-your-dao.md, followed to the letter: each of its commands runs, in order, and does what it says."""

import json
import re
import shlex
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from eth_utils import to_checksum_address

from governance.installing import record
from governance.models import Contract
from tests.conftest import ROOT, Deployed
from tests.governance.installing import houses
from tests.governance.installing.test_plays import Play, policy_file, unhex
from webapp.models import PolicyText

pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = (ROOT / "docs" / "put-it-on-your-dao.md").read_text()
# What the reader alone has (addresses, a password, a database); the test has its own.
NOT_RUN = [
    ".venv/bin/python manage.py migrate",
    ".venv/bin/ape accounts generate agent",
    "export RPC=https://...     GOVERNOR=0x...     TREASURY=0x...     GUARDIAN=0x...     TOKEN=0x...",
]
MARK = ".venv/bin/python manage.py "


def commands() -> list[str]:
    """The lines of the guide's code blocks, in order."""
    return [line for line in lines() if line not in NOT_RUN]


def lines() -> list[str]:
    blocks = re.findall(r"^ *```\n(.*?)^ *```$", GUIDE, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines()]


def said_by(command: str, variables: dict[str, str]) -> str:
    """Run a command of the guide in this process; what it says."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    assert command.startswith(MARK), command
    out = StringIO()
    try:
        call_command(*shlex.split(command.removeprefix(MARK)), stdout=out, stderr=out)
    except (SystemExit, CommandError) as error:
        raise AssertionError(f"{command}: {error}: {out.getvalue()}") from None
    return out.getvalue()


def test_what_is_not_run_is_marked_and_counted():
    assert [line for line in lines() if line in NOT_RUN] == NOT_RUN
    before = [part.rstrip().rpartition("\n")[2] for part in re.split(r"^ *```\n", GUIDE, flags=re.MULTILINE)[::2]]
    marked = [line for line in before if "not run by the test" in line]
    assert len(marked) == len(NOT_RUN), before
    # And the demo, which `make story` plays.
    assert GUIDE.count("not run by the test") == len(NOT_RUN) + 2, "each place, and the sentence that counts them"
    assert "there are four such places" in GUIDE


def test_a_stranger_follows_the_guide(run, keystore, deployed: Deployed, tmp_path: Path, monkeypatch, capsys):
    house = houses.with_safe_of_timelock(deployed)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "_ROOT", tmp_path)
    for name in ("deployer", "proposer"):
        (tmp_path / f"{name}.json").write_text((tmp_path / "ada.json").read_text())
        (tmp_path / f"{name}.password").write_text((tmp_path / "password").read_text())
    policy_file(deployed, tmp_path)
    variables = {
        "RPC": deployed.url,
        "GOVERNOR": to_checksum_address(house.governor),
        "TREASURY": to_checksum_address(house.treasury),
        "GUARDIAN": to_checksum_address(deployed.address("gus")),
        "TOKEN": to_checksum_address(deployed.addresses["usdc"]),
    }
    said: dict[str, str] = {}
    for command in commands():
        if " module check " in command:
            # Members vote in between, with the very calldata that was printed and sent.
            printed = next(text for words, text in said.items() if words.endswith("--policy policy.yaml"))
            calldata = unhex(re.search(r"to propose, send to \S+: (0x[0-9a-f]+)", printed)[1])
            house.carry_sent("ada", calldata)
        said[command] = said_by(command, variables) + capsys.readouterr().out
    asked = {command.split()[3] for command in said if " module " in command}
    assert asked == {"plan", "deploy", "propose", "check"}
    checked = next(text for words, text in said.items() if " module check " in words)
    assert "policies: “small payments” is set with the very code of policy.yaml" in checked
    assert "“small payments”, version 1, runs from " in checked
    sent = next(text for words, text in said.items() if " --send " in words)
    assert f"proposed by {to_checksum_address(deployed.address('ada'))}: transaction 0x" in sent
    assert "to propose, send to" not in sent
    followed = next(text for words, text in said.items() if " add_dao " in words)
    assert re.search(r"policy module 0x\w{40} was found and is followed", followed), followed
    assert "no token of the treasury but the votes token is followed" not in followed
    # The site finds the names of people and tokens in the text that was voted on.
    found = StringIO()
    call_command("policy_document", "find", stdout=found)
    assert found.getvalue() == "1 new documents\n"
    (kept_text,) = PolicyText.objects.values_list("text", flat=True)
    assert "name: small payments" in kept_text
    assert dict(Contract.objects.filter(kind="asset").values_list("address", "capabilities__symbol")) == {
        deployed.addresses["usdc"]: "USDC", deployed.addresses["votes_token"]: "MAND",
    }  # fmt: skip
    on = Play(run, house, keystore, tmp_path)
    on.file = tmp_path / ".build" / "deployments" / "31337.json"
    kept = json.loads(on.file.read_text())
    deployed.addresses["made"] = unhex(kept["contracts"]["module"])
    deployed.abis["made"] = deployed.abis["module"]
    on.acts_and_is_stopped()
    assert json.loads((tmp_path / "batch.json").read_text())["transactions"][0]["to"] == variables["GOVERNOR"]


def test_the_guides_other_words_are_true():
    assert "--record deployments/1-name.json" in GUIDE
    for option in set(re.findall(r"(?<!-)--[a-z][a-z-]+", GUIDE)):
        text = "".join(
            (ROOT / "governance" / "management" / "commands" / f"{name}.py").read_text()
            for name in ("module", "policy", "add_dao")
        )
        assert f'"{option}"' in text, option
