# SPDX-License-Identifier: Apache-2.0
"""A DAO with a payroll policy in force on a real anvil, its mirror, and a model server that says what a test tells it.

The model server is a stand-in (named so): what a model answers is an input of these tests, the worst it could say most
of all. Everything else is real: contracts, chain, mirror, journal, signatures.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from eth_account import Account

from agent.acts import approvals, due, rosters, submitting
from agent.acts.shown import shown
from agent.models import Request, Roster
from governance import work
from governance.chain.rpc import Rpc
from governance.models import Act, Dao, Work
from governance.register import add_dao
from governance.sync import sync_once
from policies.code import encoding
from policies.document import document
from tests.conftest import CHAIN_ID, DAY_S, Deployed

USDC = 10**6
POLICY_ID = encoding.policy_id("payroll")
CONTRIBUTORS = ("ines", "jon", "kim", "lea", "max")


class ScriptedModel:
    """An OpenAI-compatible server whose answers a test writes: a stand-in for a model, friendly or hostile.

    `say` is the next answers' text, or a function of the request's body; `down` makes it answer 503, `status` another.
    """

    def __init__(self) -> None:
        self.say: str | Callable[[dict[str, Any]], str] = first_candidate
        self.finish_reason = "stop"
        self.down = False
        self.status = 200
        self.asked: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body)
                text = outer.say if isinstance(outer.say, str) else outer.say(body)
                answer = {
                    "id": "1", "object": "chat.completion", "created": 0, "model": "scripted-model",
                    "choices": [{"index": 0, "finish_reason": outer.finish_reason,
                                 "message": {"role": "assistant", "content": text}}],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
                }  # fmt: skip
                status = 503 if outer.down else outer.status
                sent = json.dumps(answer if status == 200 else {"error": "no"}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def choices_of(body: dict[str, Any]) -> list[str]:
    """What the schema that was sent lets the model choose."""
    return body["response_format"]["json_schema"]["schema"]["properties"]["choice"]["enum"]


def first_candidate(body: dict[str, Any]) -> str:
    return json.dumps({"choice": choices_of(body)[0]})


ABSTAINS = json.dumps({"choice": "abstain: ambiguous"})


@dataclass
class World:
    """A DAO that is mirrored, its people, its agent's model."""

    suite: Deployed
    dao: Dao
    rpc: Rpc
    model: ScriptedModel
    code: bytes
    count: int = field(default=0)

    def address(self, who: str) -> bytes:
        return self.suite.address(who)

    def balance(self, who: str) -> int:
        return self.suite.read("usdc", "balanceOf", self.address(who))

    def balances(self) -> list[int]:
        return [self.balance(name) for name in CONTRIBUTORS]

    @property
    def number(self) -> int:
        """The number of the last act on chain."""
        return self.suite.read("module", "policyState", POLICY_ID)[2]

    def sync(self) -> None:
        sync_once(self.dao, self.rpc)

    def wind(self, seconds: int) -> None:
        self.suite.anvil.wind(seconds)
        self.sync()

    def lines(self, amount: int = 1000 * USDC) -> list[rosters.Line]:
        return [rosters.Line(n, self.address(n), self.address("usdc"), amount) for n in CONTRIBUTORS]

    def sign(self, who: str, typed_data: dict[str, Any]) -> str:
        return "0x" + self.suite.accounts[who].sign_typed_data(full_message=typed_data).signature.hex()

    def sign_roster(self, lines: list[rosters.Line] | None = None, by: str = "olga", **terms: Any) -> Roster:
        """A roster, as `sign_roster_this_month`; of the first one the next month begins: it is older than that."""
        roster = self.sign_roster_this_month(lines, by, **terms)
        if roster.serial == 1:
            self.begin_next_month()
        return roster

    def begin_next_month(self) -> None:
        """Wind the chain's clock to the first second of the next month, UTC."""
        now = datetime.fromtimestamp(max(self.suite.anvil.now, int(time.time())), UTC)
        begins = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
        self.wind(int(begins.timestamp()) - self.suite.anvil.now)

    def sign_roster_this_month(self, lines: list[rosters.Line] | None = None, by: str = "olga", **terms: Any) -> Roster:
        """A roster that the operator signs now: the month that runs began before it."""
        typed_data = rosters.typed_data(
            self.dao,
            POLICY_ID,
            self.lines() if lines is None else lines,
            **{"expires_chain_s": self.suite.anvil.now + 300 * DAY_S} | terms,
        )
        return rosters.accept(self.dao, {"typed_data": typed_data, "signature": self.sign(by, typed_data)})

    def ask(self, text: str, key: str | None = None, by: str = "ada", **how: Any) -> Request:
        self.count += 1
        how = {"signed_in": True} | how
        return submitting.submit(self.dao, POLICY_ID, text, self.address(by), key or f"request-{self.count}", **how)

    def approve(self, request: Request, candidate: str = "c1", by: str = "olga") -> None:
        typed_data = approvals.typed_data(request, request.candidates.get(key=candidate))
        approvals.accept(request, candidate, self.sign(by, typed_data))

    def step(self) -> None:
        """The mirror reads on, and all that waits is due at once: what a beat would do, without its pauses."""
        self.sync()
        Work.objects.filter(done_at=None).update(due_at=timezone.now())
        due.run_due()
        self.sync()

    def rest(self, request: Request, steps: int = 6) -> Request:
        """Let the agent work; the request as it stands then."""
        for _ in range(steps):
            self.step()
        request.refresh_from_db()
        return request

    def settle(self, request: Request, steps: int = 8) -> Request:
        """As `rest`, with the operator signing whatever needs her."""
        for _ in range(steps):
            self.step()
            request.refresh_from_db()
            if request.status == Request.Status.NEEDS_APPROVAL:
                self.approve(request, shown(request)["approval"]["candidate"])
        request.refresh_from_db()
        return request

    def acts(self) -> list[Act]:
        return list(Act.objects.filter(dao=self.dao).order_by("number"))

    def november(self) -> str:
        """A request for the month that the chain's clock shows, whatever year the tests run in."""
        return f"pay the contributors for {datetime.fromtimestamp(self.suite.anvil.now, UTC):%Y-%m}"


def payroll(suite: Deployed, **changes: str) -> bytes:
    return encoding.encode(document.load(payroll_text(suite, **changes)))


def payroll_text(suite: Deployed, **changes: str) -> str:
    """The story's policy: 5 recipients, 5,000 USDC an act, 12,000 in any 24 days, of which 6,000 without objection."""
    now = suite.anvil.now - suite.anvil.now % 3600
    moment = "{:%Y-%m-%dT%H:%MZ}".format
    values = {
        "cooldown": "1 minute", "cap": "5,000 USDC", "limit": "12,000 USDC", "instant": "6,000 USDC",
        "from": moment(datetime.fromtimestamp(now, UTC)),
        "until": moment(datetime.fromtimestamp(now + 360 * DAY_S, UTC)),
    } | changes  # fmt: skip
    return suite_document(suite, values)


def suite_document(suite: Deployed, values: dict[str, str]) -> str:
    def checksummed(who: str) -> str:
        from governance.chain.address import checksum

        return checksum(suite.address(who))

    people = "\n".join(f'  {name}: "{checksummed(name)}"' for name in CONTRIBUTORS)
    return f"""
version: 1
name: payroll
summary: Monthly pay of the five contributors.
agent: "{checksummed("agent")}"
operator: "{checksummed("olga")}"
valid: {{from: {values["from"]}, until: {values["until"]}}}
cooldown: {values["cooldown"]}
objection: {{delay: 2 days, release within: 5 days, threshold: 5 %}}
tokens:
  USDC: {{address: "{checksummed("usdc")}", decimals: 6}}
addresses:
{people}
lists:
  contributors: [{", ".join(CONTRIBUTORS)}]
budgets:
  payroll:
    limit: {values["limit"]}
    period: 24 days
    without objection: {values["instant"]}
rules:
  - call: transfer(address to, uint256 amount)
    on: USDC
    where:
      to: {{one of: contributors}}
      amount: {{cap: "{values["cap"]}"}}
    charge: {{payroll: amount}}
"""


@pytest.fixture
def world(deployed: Deployed, transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[World]:
    """The DAO with its policy in force and mirrored; no roster yet."""
    password, keystore = tmp_path / "password", tmp_path / "agent.json"
    password.write_text("a password of the tests")
    encrypted = Account.encrypt(deployed.accounts["agent"].key, password.read_text(), kdf="pbkdf2", iterations=1_000)
    keystore.write_text(json.dumps(encrypted))
    settings.RPC_URLS = {CHAIN_ID: [deployed.url]}
    settings.LOCAL_CHAIN_ID = CHAIN_ID
    settings.AGENT_KEYSTORE, settings.AGENT_PASSWORD_FILE = str(keystore), str(password)
    model = ScriptedModel()
    settings.MODEL_URL, settings.MODEL_NAME, settings.MODEL_IS_DEMO = model.url, "scripted-model", True
    settings.MODEL_API_KEY_FILE = ""
    for member in ("ada", "ben"):
        deployed.send(member, "votes_token", "delegate", deployed.address(member))
    code = payroll(deployed)
    deployed.set_policy(POLICY_ID, code)
    rpc = Rpc([deployed.url], CHAIN_ID)
    dao = add_dao(
        rpc,
        deployed.address("governor"),
        slug="acting",
        name="Acting DAO",
        module=deployed.address("module"),
        treasury=deployed.address("treasury"),
        assets=[deployed.address("usdc")],
        start_block=deployed.start_block,
    )
    world = World(deployed, dao, rpc, model, code)
    world.sync()
    with contextlib.closing(rpc):
        yield world
    model.stop()


def work_errors() -> list[str]:
    """What due work failed with; work that only waits says so too."""
    return [row.last_error for row in Work.objects.exclude(last_error="")]


__all__ = ["ABSTAINS", "CONTRIBUTORS", "POLICY_ID", "USDC", "ScriptedModel", "World", "work", "world"]
