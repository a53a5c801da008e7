# SPDX-License-Identifier: Apache-2.0
"""Without a model server everything else works, and what it owes comes when it is there."""

import subprocess
import sys
import time

import httpx
import pytest

from dao.local import founding, state_folder
from dao.local.paths import ROOT
from dao.local.stack import Stack
from dao.local.wallet import Node, Wallet, calldata
from embedded.process import die_with_parent

TEXT = "# Pay jon for the handbook\n\nThis pays 2,500 USDC from the treasury to jon for the delegates' handbook.\n"


@pytest.fixture
def running(tmp_path):
    """A whole stack but for the model: nobody listens where it should be."""
    with Stack(tmp_path / "state", model=False) as instance:
        yield instance
    state_folder.forget(tmp_path / "state")


def until(look, what: str, seconds: float):
    give_up = time.monotonic() + seconds
    while not (saw := look()):
        assert time.monotonic() < give_up, f"not within {seconds} s: {what}"
        time.sleep(0.3)
    return saw


def test_all_else_works_and_the_summary_comes_when_the_model_is_there(running):
    contracts = founding.deploy(running, "dao", "DAO")["contracts"]
    node = Node(running.rpc_url)
    ada = Wallet.from_key("ada", running.people["ada"].key, node)
    ada.invoke(contracts["votes_token"], "delegate(address)", [ada.address])
    node.advance(2)
    transfer = bytes.fromhex(calldata("transfer(address,uint256)", [running.people["jon"].address, 2500 * 10**6])[2:])
    call = [[contracts["usdc"]], [0], [transfer]]
    governor = contracts["governor"]
    ada.invoke(governor, "propose(address[],uint256[],bytes[],string)", [*call, TEXT])
    hashed = [*call, founding.keccak(text=TEXT)]
    number = node.call(governor, "hashProposal(address[],uint256[],bytes[],bytes32)", hashed, ["uint256"])
    node.advance(founding.PARAMETERS["voting_delay_s"] + 5)
    ada.invoke(governor, "castVote(uint256,uint8)", [number, 1])

    def shown() -> dict:
        answer = httpx.get(f"{running.web_url}/api/v1/daos/dao/proposals/{number}", timeout=60)
        return answer.json() if answer.status_code == 200 else {}

    voted = until(lambda: shown().get("tally", {}).get("for", "0") != "0" and shown(), "the vote on the page", 120)
    assert voted["actions"][0]["decoded"]["signature"] == "transfer(address,uint256)"
    waiting = until(lambda: (shown()["summary"] or {}).get("reason") and shown()["summary"], "word of the model", 120)
    assert waiting["status"] == "pending"
    assert "A model has not read it yet." in httpx.get(f"{running.web_url}/dao/proposals/{number}/", timeout=60).text

    model = subprocess.Popen(
        [sys.executable, "-m", "dao.local.model_server", "--port", str(running._ports["model"]),
         "--api-key-file", str(running.state_dir / "model_api_key")],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent(),
    )  # fmt: skip
    try:
        until(lambda: shown()["summary"]["status"] in ("written", "abstained"), "the summary", 240)
        page = httpx.get(f"{running.web_url}/dao/proposals/{number}/", timeout=60).text
        assert "demo model" in page
        assert "has not read it yet" not in page
    finally:
        model.terminate()
        model.wait(20)
