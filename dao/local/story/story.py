# SPDX-License-Identifier: Apache-2.0
"""The story: the whole product, played through the code paths that people use, each step with its evidence.

Wallets sign real transactions against the embedded chain; pages and the JSON API are read over HTTP; what the chain
says is asked from the node directly (`dao.local.wallet.Node`), never through the code under test. A step that sees
something else than it must raises `StepFailed` with what it saw.
"""

import contextlib
import json
import os
import re
import stat
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy as mail_policy
from email.message import EmailMessage
from email.parser import BytesParser
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from eth_utils import keccak

from dao.local import founding
from dao.local.governor import EXECUTE, HASH_PROPOSAL, PROPOSE, QUEUE, Proposal, ProposalOnChain
from dao.local.paths import ROOT
from dao.local.stack import Stack
from dao.local.state_folder import forget
from dao.local.wallet import ChainError, Node, Reverted, Wallet, argument_types, calldata
from embedded.supervisor import StackError

SHARED_PROPOSAL = ROOT.parent / "shared" / "data" / "proposals" / "ens" / "ep-5-16"
USDC = 10**6  # base units of the test USDC
DAY = 86_400
POLICY_ID = "payroll"
PREFIX = "mandate-story-"  # of the temporary places that stories are played in
CONTRIBUTORS = ("ines", "jon", "kim", "lea", "max")

COOLDOWN_S = 600  # the payroll template's, in seconds
RESTING = ("executed", "scheduled", "refused", "stopped", "failed", "abstained")
POWER_CHANGED = keccak(text="DelegateVotesChanged(address,uint256,uint256)")
MODULE_EXECUTE = "execute(bytes32,bytes32,(address,uint256,bytes)[],uint24,bytes32)"
KILLED_ERROR = "NotPending"  # what the module says of an act that members objected to
MODULE_RELEASE = "release(bytes32,uint24,(address,uint256,bytes)[],bytes32)"


class StepFailed(Exception):
    """A step did not see what it must; the text says what it saw."""


@dataclass
class StepReport:
    """What one step showed."""

    number: int
    title: str
    seconds: float = 0.0
    done: bool = False
    evidence: list[tuple[str, str]] = field(default_factory=list)


class Story:
    """Plays the steps in order on a running stack. `say` is told of each step as it ends."""

    def __init__(self, stack: Stack, say: Callable[[StepReport], None]):
        self.stack = stack
        self.say = say
        self.node = Node(stack.rpc_url)
        self.site = Site(stack.web_url)
        self.wallets = {name: Wallet.from_key(name, person.key, self.node) for name, person in stack.people.items()}
        self.contracts: dict[str, str] = {}
        self.slug = "story"
        self.olga_signed: set[int] = set()  # the requests that waited for her signature
        self.shown: list[tuple[str, str]] = []

    @property
    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("The DAO is deployed with Ape and registered in the mirror", self.deploy),
            ("Members delegate; the mirror shows the power that the chain has", self.delegate),
            ("A real proposal appears on the page, its calls decoded", self.propose_real),
            ("The model drafts a summary; code quotes its sources", self.read_summary),
            ("An operator's policy is compiled, explained and proposed", self.propose_policy),
            ("Members vote by transaction and by signature", self.vote),
            ("The policy is queued, executed and in force, decoded from the chain", self.enforce),
            ("The agent pays five contributors; the record verifies", self.pay),
            ("What is outside the bounds is refused twice: by the planner and by the chain", self.refuse),
            ("A scheduled act meets an objection and can never be released", self.object),
            ("A reorganisation of the chain removes a vote, and the page says so", self.reorganise),
            ("A worker is killed in a sync and in a payment: nothing lost, nothing doubled", self.kill),
            ("A subscribed delegate gets a digest by e-mail", self.digest),
            ("A guardian pauses; only a vote brings the agent back", self.pause),
        ]

    def play(self) -> None:
        for number, (title, step) in enumerate(self.steps, 1):
            report = StepReport(number, title)
            self.shown = report.evidence
            started = time.monotonic()
            try:
                step()
                report.done = True
            finally:
                report.seconds = time.monotonic() - started
                self.say(report)

    # What steps are made of

    def show(self, label: str, value: Any) -> None:
        self.shown.append((label, str(value)))

    def must(self, holds: bool, what: str, saw: Any) -> None:
        if not holds:
            raise StepFailed(f"{what}; saw {saw}")

    def until(
        self, what: str, look: Callable[[], Any], wanted: Callable[[Any], bool] = bool, seconds: float = 20
    ) -> Any:
        """Look until `wanted` holds of what is seen; the last sight is the failure's text."""
        deadline = time.monotonic() + seconds
        while True:
            saw = look()
            if wanted(saw):
                return saw
            if time.monotonic() > deadline:
                raise StepFailed(
                    f"{what} did not come within {seconds:.0f} s; saw {json.dumps(saw, default=str)[:600]}"
                )
            time.sleep(0.2)

    def api(self, path: str = "") -> Any:
        return self.site.json(f"/api/v1/daos/{self.slug}{path}")

    def proposal_on_page(self, proposal: ProposalOnChain) -> dict[str, Any] | None:
        return self.site.json_or_none(f"/api/v1/daos/{self.slug}/proposals/{proposal.id}")

    def propose(self, who: str, calls: list[tuple[str, int, str]], description: str) -> ProposalOnChain:
        proposal, governor = Proposal(tuple(calls), description), self.contracts["governor"]
        receipt = self.wallets[who].invoke(governor, PROPOSE, proposal.arguments)
        return ProposalOnChain(
            proposal.calls,
            proposal.text,
            self.node.call(governor, HASH_PROPOSAL, proposal.hashed, ["uint256"]),
            int(receipt["blockNumber"], 16),
            receipt["transactionHash"],
        )

    def governor(self, signature: str, arguments: list[Any], returns: list[str]) -> Any:
        return self.node.call(self.contracts["governor"], signature, arguments, returns)

    def open_voting(self, proposal: ProposalOnChain) -> None:
        snapshot = self.governor("proposalSnapshot(uint256)", [proposal.id], ["uint256"])
        self.node.advance(max(0, snapshot - self.node.time()) + 2)
        self.until("the page that lets people vote", lambda: (self.proposal_on_page(proposal) or {}).get("state"),
                   lambda state: state == "Active")  # fmt: skip

    def pass_and_execute(self, proposal: ProposalOnChain, voters: tuple[str, ...] = ("ada", "ben")) -> str:
        """Vote for, wait out the vote, queue, wait out the timelock, execute: returns the last transaction's hash."""
        governor = self.contracts["governor"]
        self.open_voting(proposal)
        for voter in voters:
            if not self.governor("hasVoted(uint256,address)", [proposal.id, self.wallets[voter].address], ["bool"]):
                self.wallets[voter].invoke(governor, "castVote(uint256,uint8)", [proposal.id, 1])
        deadline = self.governor("proposalDeadline(uint256)", [proposal.id], ["uint256"])
        self.node.advance(max(0, deadline - self.node.time()) + 2)
        self.wallets["ada"].invoke(governor, QUEUE, proposal.hashed)
        eta = self.governor("proposalEta(uint256)", [proposal.id], ["uint256"])
        self.node.advance(max(0, eta - self.node.time()) + 2)
        return self.wallets["ada"].invoke(governor, EXECUTE, proposal.hashed)["transactionHash"]

    def balance(self, address: str) -> int:
        """In base units of the test USDC, from the chain."""
        return self.node.call(self.contracts["usdc"], "balanceOf(address)", [address], ["uint256"])

    def policy_state(self) -> tuple[str, int, int, int, int]:
        """(pointer, version, number, last act, end) of the payroll policy, from the chain."""
        return self.node.call(
            self.contracts["module"],
            "policyState(bytes32)",
            [keccak(text=POLICY_ID)],
            ["address", "uint16", "uint24", "uint32", "uint40"],
        )

    def codehash(self) -> bytes:
        code = self.node.request("eth_getCode", self.policy_state()[0], "latest")
        return keccak(hexstr=code)

    # 1 to 3

    def deploy(self) -> None:
        self.contracts = founding.deploy(self.stack, self.slug, "Story DAO")["contracts"]
        for name in ("votes_token", "governor", "timelock", "treasury", "module", "usdc"):
            code = self.node.request("eth_getCode", self.contracts[name], "latest")
            self.must(len(code) > 2, f"{name} must have code at {self.contracts[name]}", code)
            self.show(name, self.contracts[name])
        treasury = self.contracts["treasury"]
        self.must(self.balance(treasury) > 0, "the treasury must hold test USDC", self.balance(treasury))
        self.show("treasury holds", f"{self.balance(treasury)} base units of USDC and "
                  f"{int(self.node.request('eth_getBalance', treasury, 'latest'), 16)} wei")  # fmt: skip
        self.check_what_was_deployed()
        seen = self.until("the DAO in the API", self.api)
        self.must(
            seen["contracts"]["governor"] == self.contracts["governor"], "the mirror must name the governor", seen
        )
        self.show("page", f"{self.stack.web_url}/{self.slug}/")

    def check_what_was_deployed(self) -> None:
        """The deployment against its parameters, asked of the chain."""
        wanted, zero = founding.PARAMETERS, "0x" + 40 * "0"
        facts = [
            ("votes_token", "CLOCK_MODE()", "string", "mode=timestamp"),
            ("votes_token", "nonces(address)", "uint256", 0),  # of permit
            ("governor", "votingDelay()", "uint256", wanted["voting_delay_s"]),
            ("governor", "votingPeriod()", "uint256", wanted["voting_period_s"]),
            ("governor", "proposalThreshold()", "uint256", wanted["proposal_threshold_mand"] * founding.MAND),
            ("governor", "COUNTING_MODE()", "string", "support=bravo&quorum=for,abstain"),
            ("governor", "quorumNumerator()", "uint256", wanted["quorum_percent"]),
            ("governor", "lateQuorumVoteExtension()", "uint48", wanted["late_quorum_extension_s"]),
            ("governor", "timelock()", "address", self.contracts["timelock"]),
            ("governor", "token()", "address", self.contracts["votes_token"]),
            ("timelock", "getMinDelay()", "uint256", wanted["timelock_delay_s"]),
        ]
        for contract, signature, kind, value in facts:
            arguments = [zero] if "(address)" in signature else []
            saw = self.node.call(self.contracts[contract], signature, arguments, [kind])
            same = saw.lower() == value.lower() if isinstance(saw, str) else saw == value
            self.must(same, f"{contract}.{signature} must say {value}", saw)
        has_role = "hasRole(bytes32,address)"
        for role, name, holds in (
            ("PROPOSER_ROLE", "governor", True), ("EXECUTOR_ROLE", "governor", True), ("", "deployer", False)
        ):  # fmt: skip
            address = self.contracts[name] if name in self.contracts else self.wallets[name].address
            key = keccak(text=role) if role else bytes(32)  # the administrator's is zero
            saw = self.node.call(self.contracts["timelock"], has_role, [key, address], ["bool"])
            self.must(saw is holds, f"{name} {'must' if holds else 'must not'} hold {role or 'the admin role'}", saw)
        self.show("as wanted", f"{len(facts)} settings of token, governor and timelock; the deployer keeps no role")

    def delegate(self) -> None:
        token = self.contracts["votes_token"]
        for member, to in (("ada", "ada"), ("ben", "ben"), ("chloe", "dana")):
            receipt = self.wallets[member].invoke(token, "delegate(address)", [self.wallets[to].address])
            self.show(f"{member} delegates to {to}", receipt["transactionHash"])
        expected = {
            self.wallets[name].address: str(
                self.node.call(token, "getVotes(address)", [self.wallets[name].address], ["uint256"])
            )
            for name in ("ada", "ben", "dana")
        }
        self.until(
            "the power that the chain has, in the mirror",
            lambda: {row["account"]: row["power"] for row in self.api("/delegates")},
            lambda saw: all(saw.get(account) == power for account, power in expected.items()),
        )
        held = founding.PARAMETERS["holders_mand"]
        for name, member in (("ada", "ada"), ("ben", "ben"), ("dana", "chloe")):
            power = expected[self.wallets[name].address]
            self.must(power == str(held[member] * founding.MAND), f"{name} must have the votes of {member}", power)
        page = self.site.text(f"/{self.slug}/delegates/")
        for account, power in expected.items():
            self.must(f"{int(power) // founding.MAND:,}" in page, f"the page must show the power of {account}", power)
            self.must(account in page, f"the delegates page must show {account}", page[:300])
            self.show(account, f"{power} base units of MAND, on chain and on the page")

    def propose_real(self) -> None:
        self.node.advance(2)  # who proposes must have held the votes a second ago
        description, calls, source = real_proposal(self.contracts, self.wallets["dana"].address)
        self.real = self.propose("ada", calls, description)
        self.until("the proposal's page", lambda: self.proposal_on_page(self.real))
        late = self.node.block_number() - self.real.block_number
        self.must(late <= 2, "the page must show the proposal within two blocks", f"{late} blocks")
        shown = self.proposal_on_page(self.real)
        self.must(
            all(action["decoded"] for action in shown["actions"]), "the calls must be shown decoded", shown["actions"]
        )
        self.must(len(shown["actions"]) == len(calls), "each call must be shown", shown["actions"])
        page = self.site.text(f"/{self.slug}/proposals/{self.real.id}/")
        for action, (target, _, data) in zip(shown["actions"], calls, strict=True):
            signature, parts = action["decoded"]["signature"], action["decoded"]["args"]
            again = calldata(signature, [of_json(kind, part["value"])
                             for kind, part in zip(argument_types(signature), parts, strict=True)])  # fmt: skip
            self.must(again == data.lower(), "what is shown must be what is called", action["decoded"])
            self.must(action["target"].lower() == target.lower(), f"the call must go to {target}", action)
            name = signature.partition("(")[0]
            self.must(name in strip_tags(page), f"the page must name the call {name}", strip_tags(page)[:500])
        self.show("text and calls", source)
        self.show("proposed in", f"{self.real.transaction_hash}, block {self.real.block_number}")
        self.show("on the page after", f"{late} blocks")
        for action in shown["actions"]:
            arguments = ", ".join(f"{a['name']} = {a['value']}" for a in action["decoded"]["args"])
            self.show("decoded", f"{action['decoded']['signature']}: {arguments}"[:300])

    # 4: the model drafts while the other steps go on; it is asked for here

    def read_summary(self) -> None:
        shown = self.until(
            "a summary by the model",
            lambda: self.proposal_on_page(self.real),
            lambda saw: saw["summary"] is not None and saw["summary"]["status"] in ("written", "abstained"),
            seconds=90,
        )
        summary = shown["summary"]
        page = self.site.text(f"/{self.slug}/proposals/{self.real.id}/")
        self.must("demo model" in page.lower(), 'the page must say "demo model"', page[:300])
        self.must(summary["model"] in page, "the page must name the model", summary["model"])
        self.must(
            shown["actions"][0]["effect"] is not None, "the decoded effects must stand beside it", shown["actions"]
        )
        self.show("model", f"{summary['model']} (demo model)")
        if summary["status"] == "abstained":
            self.must("abstain" in page.lower(), "an abstention must be shown as one", page[:300])
            self.show("the model abstained", summary.get("reason", ""))
        else:
            self.must(bool(summary["sentences"]), "a written summary must have sentences", summary)
        log = (self.stack.state_dir / "logs" / "model.log").read_text(errors="replace")
        self.must("processing task" in log, "the model server must have been asked", log[-300:])
        for sentence in summary["sentences"]:
            source = sentence["source"]
            in_page = normal(sentence["text"]) in normal(strip_tags(page))
            self.must(in_page, "each sentence must stand on the page", sentence["text"])
            if source["kind"] == "span":
                found = normal(source["quote"]) in normal(self.real.text)
                self.must(found, "each quote must stand in the proposal word for word", source["quote"])
            self.show(f"quoted from {source['kind']} {source['id']}", sentence["text"][:160])

    # 5 to 7

    def propose_policy(self) -> None:
        self.policy_file = self.stack.state_dir / "payroll.yaml"
        self.policy_file.write_text(self.payroll_document())
        compiled = self.manage("policy", "compile", str(self.policy_file), "--json")
        explained = self.manage("policy", "explain", str(self.policy_file), "--json")
        code = bytes.fromhex(compiled["code"].removeprefix("0x"))
        sentences = explained["sentences"]
        self.policy_codehash = compiled["codehash"]
        stored = "0x" + keccak(b"\0" + code).hex()  # it is stored as a contract's code behind a STOP
        self.must(stored == self.policy_codehash, f"the code must have the hash {stored}", self.policy_codehash)
        bounds = ["12,000 USDC", "6,000 USDC", "5,000 USDC", "24 days"]
        for bound in bounds + [self.wallets[name].address for name in CONTRIBUTORS]:
            self.must(any(bound in sentence for sentence in sentences), f"the words must give {bound}", sentences)
        text = "# Put the payroll policy in force\n\n" + "\n".join(f"- {sentence}" for sentence in sentences)
        call = calldata("setPolicy(bytes32,bytes)", [keccak(text=POLICY_ID), code])
        self.policy = self.propose("ada", [(self.contracts["module"], 0, call)], text)
        self.show("policy code", f"{len(code)} bytes, codehash {compiled['codehash']}")
        for sentence in sentences[:6]:
            self.show("in words", sentence)
        shown = self.until("the proposal of the policy, on its page", lambda: self.proposal_on_page(self.policy))
        decoded = [action["decoded"] for action in shown["actions"]]
        self.must(len(decoded) == 1 and bool(decoded[0]) and decoded[0]["signature"] == "setPolicy(bytes32,bytes)",
                  "the page must decode the call", decoded)  # fmt: skip
        self.must(decoded[0]["args"][1]["value"] == "0x" + code.hex(), "with the compiled code", decoded)
        page = strip_tags(self.site.text(f"/{self.slug}/proposals/{self.policy.id}/"))
        self.must("The policy it puts in force" in page, "the page must say what the policy is", page[:400])
        for bound in bounds:
            self.must(bound in page, f"the page must give {bound}", page[:400])
        self.show("proposed in", self.policy.transaction_hash)

    def payroll_document(self) -> str:
        """The operator's document: the shipped template with this DAO's addresses and dates filled in."""
        hour = self.node.time() // 3600 * 3600
        return founding.payroll_document(
            contracts=self.contracts,
            addresses={name: wallet.address for name, wallet in self.wallets.items()},
            start_chain_s=hour,
            end_chain_s=hour + 365 * DAY,
        )

    def vote(self) -> None:
        self.until("the policy's proposal", lambda: self.proposal_on_page(self.policy))
        self.open_voting(self.policy)
        receipt = self.wallets["ada"].invoke(
            self.contracts["governor"],
            "castVoteWithReason(uint256,uint8,string)",
            [self.policy.id, 1, "Bounded, and the chain holds the bounds."],
        )
        self.show("ada votes by transaction", receipt["transactionHash"])
        signed = self.vote_by_signature("ben", self.policy, 1)["transaction_hash"]
        sender = self.node.request("eth_getTransactionByHash", signed)["from"]
        relayer = self.wallets["relayer"].address
        self.must(sender.lower() == relayer.lower(), "the relayer must have sent ben's vote", sender)
        self.show("ben votes by signature, sent by the relayer", signed)
        receipt = self.wallets["dana"].invoke(
            self.contracts["governor"], "castVote(uint256,uint8)", [self.policy.id, 2]
        )
        self.show("dana abstains by transaction", receipt["transactionHash"])

        def tallies() -> dict[str, list[str]]:
            chain = self.governor("proposalVotes(uint256)", [self.policy.id], ["uint256", "uint256", "uint256"])
            tally = self.proposal_on_page(self.policy)["tally"]
            return {
                "chain": [str(votes) for votes in chain],
                "page": [tally["against"], tally["for"], tally["abstain"]],
            }

        saw = self.until(
            "the tally on the page equal to proposalVotes()",
            tallies,
            lambda saw: saw["chain"] == saw["page"] and len([v for v in saw["page"] if v != "0"]) == 2,
        )
        self.show("tally (against, for, abstain)", f"page {saw['page']} == proposalVotes() {saw['chain']}")

    def vote_by_signature(self, who: str, proposal: ProposalOnChain, support: int) -> dict[str, Any]:
        wallet = self.wallets[who]
        nonce = self.governor("nonces(address)", [wallet.address], ["uint256"])
        name = self.governor("name()", [], ["string"])
        ballot = {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "Ballot": [
                    {"name": "proposalId", "type": "uint256"},
                    {"name": "support", "type": "uint8"},
                    {"name": "voter", "type": "address"},
                    {"name": "nonce", "type": "uint256"},
                ],
            },
            "primaryType": "Ballot",
            "domain": {
                "name": name,
                "version": "1",
                "chainId": int(self.node.request("eth_chainId"), 16),
                "verifyingContract": self.contracts["governor"],
            },
            "message": {"proposalId": proposal.id, "support": support, "voter": wallet.address, "nonce": nonce},
        }
        path = f"/api/v1/daos/{self.slug}/proposals/{proposal.id}/vote-by-signature"
        body = {"voter": wallet.address, "support": support, "signature": wallet.sign_typed_data(ballot)}
        self.site.post(path, body)
        has_voted = "hasVoted(uint256,address)"
        self.until(
            f"{who}'s signed vote on chain", lambda: self.governor(has_voted, [proposal.id, wallet.address], ["bool"])
        )
        votes = self.until(
            f"{who}'s signed vote on the page",
            lambda: [vote for vote in self.proposal_on_page(proposal)["votes"] if vote["voter"] == wallet.address],
        )
        return votes[0]

    def enforce(self) -> None:
        self.show("executed in", self.pass_and_execute(self.policy))
        state = self.governor("state(uint256)", [self.policy.id], ["uint8"])
        self.must(state == 7, "the governor must call the proposal executed", state)
        seen = self.until("the policy on the page", lambda: self.api("/policies"))
        in_force = "0x" + self.codehash().hex()
        self.must(in_force == self.policy_codehash, "the code that was voted for must be in force", in_force)
        self.must(seen[0]["codehash"] == "0x" + self.codehash().hex(), "the page must name the code in force", seen[0])
        page = self.site.text(f"/{self.slug}/policies/")
        for sentence in seen[0]["sentences"]:
            self.must(normal(sentence) in normal(strip_tags(page)), "each sentence must stand on the page", sentence)
        self.must(any("12,000" in s for s in seen[0]["sentences"]), "the page decodes the limit", seen[0]["sentences"])
        self.show("in force", f"version {seen[0]['version']}, codehash {seen[0]['codehash']}")
        self.show("read from the chain", seen[0]["sentences"][0])

    # 8 to 10

    def ask(self, text: str, key: str, *, until: tuple[str, ...] = RESTING) -> dict[str, Any]:
        """Ask the agent as the operator, signing whatever approval it wants; returns the request when it rests."""
        self.node.advance(COOLDOWN_S)
        self.site.sign_in(self.wallets["olga"])
        asked = self.site.post(f"/api/v1/daos/{self.slug}/requests", {"text": text, "key": key})

        def look() -> dict[str, Any]:
            request = self.api(f"/requests/{asked['id']}")
            if request["status"] == "needs_approval" and "needs_approval" not in until:
                typed_data = request["approval"]["typed_data"]
                signature = self.wallets["olga"].sign_typed_data(typed_data)
                self.site.post(
                    f"/api/v1/daos/{self.slug}/requests/{asked['id']}/approve",
                    {"candidate": request["approval"]["candidate"], "signature": signature},
                )
                self.note_signature(request)
            return request

        return self.until(f"an end of the request {text!r}", look, lambda saw: saw["status"] in until, seconds=90)

    def note_signature(self, request: dict[str, Any]) -> None:
        """olga signed for the request: say so once, with the reason why it waited for her."""
        if request["id"] not in self.olga_signed:
            self.olga_signed.add(request["id"])
            self.show("olga signs, since", request["approval"]["reason"])

    def show_the_models_word(self, request: dict[str, Any]) -> None:
        """What the model said, which must stand on the page too, and on whose word the payment rests."""
        said, signed = request["model_said"], request["id"] in self.olga_signed
        if said is None:
            self.must(signed, "what no model was asked about must rest on olga's signature", request)
            self.show("the model", "was not asked")
            return
        page = strip_tags(self.site.text(f"/{self.slug}/agent/"))
        self.must(f"The model said: {said['text']}" in page, "the page must tell the model's word", page[-2000:])
        self.must(said["agrees"] or signed, "a model that says no must leave it to olga", request)
        self.show("the model said", f"{said['text']} ({said['model']}{', demo model' if said['is_demo'] else ''})")
        self.show("paid on the word of", "olga's signature" if signed else "the roster that olga signed")

    def sign_roster(self) -> None:
        entries = [
            {"name": name, "address": self.wallets[name].address, "amount": str(1000 * USDC)} for name in CONTRIBUTORS
        ]
        founding.sign_roster(self.stack, self.slug, self.contracts, POLICY_ID, entries, self.wallets["olga"])
        self.roster_signed_s = self.node.time()
        self.show("roster signed by olga", f"{len(entries)} contributors, 1,000 USDC each a month")

    def pay(self) -> None:
        self.sign_roster()
        contributors = [self.wallets[name].address for name in CONTRIBUTORS]
        before = [self.balance(address) for address in contributors]
        request = self.ask("pay the contributors for November", "november")
        self.must(request["status"] == "executed", "the agent must pay", request)
        # November began before the roster was signed: whatever the model says, that month is olga's to release.
        self.must(request["id"] in self.olga_signed, "a month from before the roster must wait for olga", request)
        self.show_the_models_word(request)
        paid = [self.balance(address) - held for address, held in zip(contributors, before, strict=True)]
        self.must(paid == [1000 * USDC] * 5, "each contributor must have received 1,000 USDC", paid)
        act = self.until("the act in the mirror", lambda: self.act_of(request))
        self.must(act["status"] == "executed", "the mirror must show the act as executed", act)
        chosen = next(row for row in request["candidates"] if row["key"] == request["choice"])
        self.must(chosen["is_roster"], "what was paid must be derived from the roster", chosen)
        self.must(sorted(call["calldata"].lower() for call in act["calls"])
                  == sorted(calldata("transfer(address,uint256)", [to, 1000 * USDC]) for to in contributors),
                  "the act must be five transfers", act["calls"])  # fmt: skip
        self.show("candidate", f"{chosen['key']}: {chosen['label']}; chosen by: {request['chosen_by']}")
        self.show("paid in", act["transaction_hash"])
        self.show("balances moved by", f"{paid} base units of USDC")
        self.show("decision record", f"{self.stack.web_url}/records/{act['decision']}.json")
        verified = self.manage_text("verify_record", act["decision"])
        self.show("verify_record", verified.strip().splitlines()[-1])
        record = self.site.bytes(f"/records/{act['decision']}.json")
        downloaded = self.stack.state_dir / "record.json"
        downloaded.write_bytes(record)
        checks = {
            check["check"]: check
            for check in self.manage("verify_record", str(downloaded), "--rpc", "--json")["checks"]
        }
        self.must(checks["act on chain"]["ok"] is True, "the chain must have the act of this record", checks)
        self.show("the chain says", checks["act on chain"]["detail"])
        other = record.replace(b"1000000000", b"1000000001", 1)
        self.must(other != record, "the record must hold the amounts", record[:300])
        downloaded.write_bytes(other)
        self.must(self.is_refused("verify_record", str(downloaded)), "a changed record must be rejected", "accepted")
        self.show("verify_record of the record with one amount changed", "rejected")
        self.pay_a_difference()

    def pay_a_difference(self) -> None:
        """What is not the roster waits for the operator's signature, and nobody else's will do."""
        ines = self.wallets["ines"].address
        held = self.balance(ines)
        asked = self.ask("pay ines 900 USDC as a bonus", "bonus", until=("needs_approval", *RESTING))
        self.must(asked["status"] == "needs_approval", "a difference must wait for the operator", asked)
        approve = f"/api/v1/daos/{self.slug}/requests/{asked['id']}/approve"
        forged = self.wallets["mallory"].sign_typed_data(asked["approval"]["typed_data"])
        answer = self.site.answer_to(approve, {"candidate": asked["approval"]["candidate"], "signature": forged})
        self.must(400 <= answer.status_code < 500, "a stranger's signature must be refused", answer.status_code)
        self.must(self.balance(ines) == held, "nothing may be paid before the operator signs", self.balance(ines))
        self.show("mallory signs the difference", f"refused: {answer.text[:160]}")
        paid = self.ask("pay ines 900 USDC as a bonus", "bonus")
        self.must(paid["status"] == "executed", "what olga signed must be paid at once", paid)
        self.must(self.balance(ines) == held + 900 * USDC, "ines must have 900 USDC more", self.balance(ines) - held)

    def act_of(self, request: dict[str, Any]) -> dict[str, Any] | None:
        acts = [act for act in self.api("/acts") if act["decision"] == request["decision"]]
        return acts[0] if acts else None

    def send_with_the_agents_key(self, payments: list[tuple[str, int]], error: str) -> dict[str, Any]:
        """What a thief of the agent's key would do: the call straight to the module. Returns the refusal."""
        receipt = self.wallets["agent"].invoke(
            self.contracts["module"],
            MODULE_EXECUTE,
            [
                keccak(text=POLICY_ID),
                self.codehash(),
                [
                    (self.contracts["usdc"], 0, bytes.fromhex(calldata("transfer(address,uint256)", list(p))[2:]))
                    for p in payments
                ],
                self.policy_state()[2] + 1,
                keccak(text="no decision at all"),
            ],
            must_succeed=False,
        )
        return self.refused_by_the_chain(receipt, error)

    def refused_by_the_chain(self, receipt: dict[str, Any], error: str) -> dict[str, Any]:
        """The refusal of a transaction to the module, as the page shows it: it must be for this error of the module."""
        sent = receipt["transactionHash"]
        self.must(int(receipt["status"], 16) == 0, f"the chain must refuse it with {error}", f"{sent} succeeded")
        refused = self.until(
            "the refusal in the API",
            lambda: [row for row in self.api("/refusals") if row["transaction_hash"] == sent],
        )[0]
        self.must(refused["reason"].startswith(error), f"the chain's reason must be {error}", refused)
        page = self.site.text(f"/{self.slug}/agent/")
        self.must(f"transaction {sent}" in page, "the page must name the refused transaction", sent)
        said = normal(refused["clause"] or refused["reason"])
        self.must(said in normal(strip_tags(page)), "the page must say why", refused)
        return refused

    def refuse(self) -> None:
        ines, mallory = self.wallets["ines"].address, self.wallets["mallory"].address
        # 5,900 are spent. To stand at the rolling limit, first spend 5,000 more, after the objection delay.
        large = self.ask("pay jon 5,000 USDC for the audit", "audit")
        self.must(large["status"] == "scheduled", "what passes 6,000 must be scheduled", large)
        self.node.advance(self.objection_delay() + 2)
        self.until(
            "the release of the scheduled act",
            lambda: self.act_of(large),
            lambda act: act is not None and act["status"] == "released",
            seconds=40,
        )
        self.show("spent so far", "5,000 + 900 at once, 5,000 after its objection delay")
        cases = [
            ("over the cap", "pay ines 5,001 USDC as a bonus", [(ines, 5001 * USDC)], "OverCap", "at most 5,000 USDC"),
            ("to a stranger", f"pay {mallory} 100 USDC", [(mallory, 100 * USDC)], "ClauseFailed", "one of these 5"),
            (
                "over the rolling budget", "pay ines 1,200 USDC for travel", [(ines, 1200 * USDC)],
                "OverBudget", "12,000 USDC in any 24 days",
            ),
        ]  # fmt: skip
        for what, text, payments, error, clause in cases:
            asked = self.ask(text, what)
            self.must(asked["status"] == "refused", f"the planner must refuse an act {what}", asked)
            self.must(clause in asked["refusal"], f"and say that it breaks {clause}", asked["refusal"])
            self.show(f"{what}: the planner says", asked["refusal"])
            held = self.balance(payments[0][0])
            refused = self.send_with_the_agents_key(payments, error)
            self.must(self.balance(payments[0][0]) == held, "no balance may move", refused)
            self.must(clause in refused["clause"], f"the clause must be the one of {clause}", refused)
            self.show(f"{what}: the chain says", f"{refused['reason']} in {refused['transaction_hash']}")
            self.show(f"{what}: the page says", refused["clause"])

    def objection_delay(self) -> int:
        return founding.PARAMETERS["objection_delay_s"]

    def object(self) -> None:
        request = self.ask("pay kim 500 USDC for the design", "design")
        self.must(request["status"] == "scheduled", "an act that would pass the 6,000 must be scheduled", request)
        act = self.until("the pending act on the page", lambda: self.act_of(request))
        self.show("scheduled", f"act {act['number']}, id {act['act_id']}")
        module, act_id = self.contracts["module"], bytes.fromhex(act["act_id"][2:])
        receipt = self.wallets["ada"].invoke(module, "object(bytes32,bytes32[])", [keccak(text=POLICY_ID), [act_id]])
        self.show("ada objects", receipt["transactionHash"])
        killed = self.until("the act as killed", lambda: self.act_of(request), lambda saw: saw["status"] == "killed")
        self.show("objected", f"{killed['objection_power']} of {killed['objection_threshold']} needed, on the page")
        self.node.advance(self.objection_delay() + 2)
        held = self.balance(self.wallets["kim"].address)
        calls = [(call["target"], int(call["value_wei"]), bytes.fromhex(call["calldata"][2:])) for call in act["calls"]]
        released = [keccak(text=POLICY_ID), act["number"], calls, bytes.fromhex(act["decision"][2:])]
        receipt = self.wallets["agent"].invoke(module, MODULE_RELEASE, released, must_succeed=False)
        refused = self.refused_by_the_chain(receipt, KILLED_ERROR)
        self.must(self.balance(self.wallets["kim"].address) == held, "no balance may move", held)
        self.show(
            "released with the agent's key, after the delay", f"{refused['reason']} in {refused['transaction_hash']}"
        )

    # 11 to 14

    def reorganise(self) -> None:
        description = (
            "# Publish the treasury's figures every month\n\nA text that asks for no call but a note on chain."
        )
        token = self.contracts["votes_token"]
        self.note = self.propose("ben", [(token, 0, calldata("delegate(address)", [self.contracts["timelock"]]))],
                                 description)  # fmt: skip
        self.open_voting(self.note)
        self.wallets["ben"].invoke(self.contracts["governor"], "castVote(uint256,uint8)", [self.note.id, 1])
        receipt = self.wallets["dana"].invoke(self.contracts["governor"], "castVote(uint256,uint8)", [self.note.id, 0])
        dana = self.wallets["dana"].address
        voted = self.until(
            "dana's vote on the page",
            lambda: [vote for vote in self.proposal_on_page(self.note)["votes"] if vote["voter"] == dana],
        )
        self.show("dana's vote, on the page", voted[0]["transaction_hash"])
        depth = 0
        for _ in range(3):  # a block may be mined between the count and the reorganisation: then count again
            if not self.governor("hasVoted(uint256,address)", [self.note.id, dana], ["bool"]):
                break
            depth = self.node.block_number() - int(receipt["blockNumber"], 16) + 1
            self.node.request("anvil_reorg", depth, [])
        has_voted = self.governor("hasVoted(uint256,address)", [self.note.id, dana], ["bool"])
        self.must(not has_voted, "the reorganised chain must not know the vote", has_voted)
        self.until(
            "the page without the vote",
            lambda: [vote["voter"] for vote in self.proposal_on_page(self.note)["votes"]],
            lambda voters: dana not in voters,
        )
        notice = self.until(
            "the page's word on the reorganisation",
            lambda: re.search(
                r"[^<>]*reorgani[sz]ation[^<>]*", self.site.text(f"/{self.slug}/proposals/{self.note.id}/")
            ),
        )
        chain = self.governor("proposalVotes(uint256)", [self.note.id], ["uint256", "uint256", "uint256"])
        tally = self.proposal_on_page(self.note)["tally"]
        self.must([tally["against"], tally["for"], tally["abstain"]] == [str(votes) for votes in chain],
                  "the tally must equal proposalVotes() again", tally)  # fmt: skip
        self.show("reorganised", f"{depth} blocks")
        self.show("the page says", " ".join(notice.group(0).split())[:200])

    def kill(self) -> None:
        self.kill_in_a_sync()
        self.kill_in_a_payment()

    def kill_in_a_sync(self) -> None:
        """The worker's insert of logs is made to wait on a lock of ours; then the worker is killed as it waits."""
        token, ada = self.contracts["votes_token"], self.wallets["ada"]
        with self.table_locked("governance_rawlog"):
            receipts = [
                ada.invoke(token, "transfer(address,uint256)", [self.wallets[name].address, 10**18])
                for name in ("ben", "chloe", "jon", "kim")
            ]
            self.wait_for_a_blocked("governance_rawlog")
            self.kill_the_worker()
        self.show("worker killed in a sync", f"while it stored {len(receipts)} transfers")
        powers = {
            name: str(self.node.call(token, "getVotes(address)", [self.wallets[name].address], ["uint256"]))
            for name in ("ada", "ben", "dana")
        }
        rows = self.until(
            "the power after the kill, in the mirror",
            lambda: {row["account"]: row["power"] for row in self.api("/delegates")},
            lambda saw: all(saw.get(self.wallets[name].address) == power for name, power in powers.items()),
            seconds=40,
        )
        logs = self.node.request(
            "eth_getLogs",
            {
                "address": token,
                "topics": ["0x" + POWER_CHANGED.hex()],
                "fromBlock": receipts[0]["blockNumber"],
                "toBlock": "latest",
            },
        )
        with self.stack.database() as connection:
            stored = connection.execute(
                "select count(*) from governance_rawlog where address = %s and topic0 = %s and block_number >= %s",
                [bytes.fromhex(token[2:]), POWER_CHANGED, int(receipts[0]["blockNumber"], 16)],
            ).fetchone()[0]
        self.must(stored == len(logs), "each log must be stored exactly once", f"{stored} stored, {len(logs)} on chain")
        self.show("after it", f"{stored} logs stored of {len(logs)}, {len(rows)} delegates' power as on chain")

    def kill_in_a_payment(self) -> None:
        # The budget's ring turns, what was spent before has left the window, and a month begins that the roster is
        # older than.
        signed = datetime.fromtimestamp(self.roster_signed_s, UTC)
        begins = datetime(signed.year + signed.month // 12, signed.month % 12 + 1, 1, tzinfo=UTC)
        self.node.advance(max(28 * DAY, int(begins.timestamp()) - self.node.time() + 1))
        month = datetime.fromtimestamp(self.node.time(), UTC)
        text, key = f"pay the contributors for {month:%B %Y}", f"month-{month:%Y-%m}"
        contributors = [self.wallets[name].address for name in CONTRIBUTORS]
        before = [self.balance(address) for address in contributors]
        number = self.policy_state()[2]
        with self.table_locked("governance_outgoingtransaction"):
            self.site.sign_in(self.wallets["olga"])
            path = f"/api/v1/daos/{self.slug}/requests"
            self.site.post(path, {"text": text, "key": key})
            self.approve_until_blocked(key, "governance_outgoingtransaction")
            self.kill_the_worker()
        request = self.ask(text, key)
        self.must(request["status"] == "executed", "the payment must be made after all", request)
        paid = [self.balance(address) - held for address, held in zip(contributors, before, strict=True)]
        self.must(paid == [1000 * USDC] * 5, "each must be paid exactly once", paid)
        acts = self.policy_state()[2] - number
        self.must(acts == 1, "the chain must have seen one act", acts)
        self.show("worker killed in a payment", f"as it wrote the transaction of {text!r} to its journal")
        self.show_the_models_word(request)
        self.show("after it", f"one act on chain, balances moved by {paid}")

    def kill_the_worker(self) -> None:
        """Kill all of it, and see that another one is started."""
        was = self.stack.pids["worker"]
        self.stack.kill("worker")
        self.until("another worker", lambda: self.stack.pids.get("worker"), lambda now: now not in (None, was))

    def approve_until_blocked(self, key: str, table: str) -> None:
        """Sign what the request needs until the executor waits on our lock."""

        def look() -> bool:
            request = next(row for row in self.api("/requests") if row["key"] == key)
            if request["status"] == "needs_approval":
                signature = self.wallets["olga"].sign_typed_data(request["approval"]["typed_data"])
                body = {"candidate": request["approval"]["candidate"], "signature": signature}
                self.site.post(f"/api/v1/daos/{self.slug}/requests/{request['id']}/approve", body)
                self.note_signature(request)
            return self.blocked_on(table)

        self.until("the executor at its journal", look, seconds=90)

    @contextlib.contextmanager
    def table_locked(self, table: str) -> Iterator[None]:
        """Nobody can write to `table` within: how a step stops a worker at an exact place."""
        with self.stack.database() as connection:
            connection.execute(f"lock table {table} in share mode")
            yield
            connection.rollback()

    def blocked_on(self, table: str) -> bool:
        """Whether somebody waits for our lock to insert into `table`."""
        with self.stack.database() as connection:
            waiting = connection.execute(
                "select count(*) from pg_locks join pg_stat_activity using (pid)"
                " where not granted and relation = %s::regclass and query ~* '^\\s*(insert|copy)'",
                [table],
            ).fetchone()
        return waiting[0] > 0

    def wait_for_a_blocked(self, table: str) -> None:
        self.until(f"a worker that waits to write to {table}", lambda: self.blocked_on(table))

    def digest(self) -> None:
        address = "dana@example.org"
        self.subscribe(address, "dana")
        self.subscribe("ben@example.org", "ben")
        digest = self.propose(
            "ada",
            [(self.contracts["module"], 0, calldata("unpause()", []))],
            "# Let the agent work again after a pause\n\nIf the guardian has paused the agent, it may work again.",
        )
        self.unpause = digest
        mail = self.until(
            "the digest's e-mail",
            lambda: [mail for mail in self.mails_to(address) if "Let the agent work again" in text_part(mail)],
            seconds=60,
        )[-1]
        html = mail.get_body(preferencelist=("html",))
        self.must(html is not None, "the digest must have an HTML part", mail.get_content_type())
        for part, content in (("HTML", html.get_content()), ("text", text_part(mail))):
            linked = f"{self.stack.web_url}/{self.slug}/proposals/{digest.id}/" in content
            self.must(linked, f"its {part} must link to the vote", content[:400])
        unsubscribe = mail["List-Unsubscribe"]
        self.must(bool(unsubscribe), "it must say how to unsubscribe", dict(mail.items()))
        self.must(mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click", "in one click (RFC 8058)",
                  mail["List-Unsubscribe-Post"])  # fmt: skip
        self.show("digest", f"{mail['Subject']!r}, text and HTML, in {self.stack.mail_dir}")
        self.site.unsubscribe(re.search(r"<(https?://[^>]+)>", unsubscribe).group(1))
        self.show("unsubscribed", "in one click")
        had = len(self.mails_to(address))
        self.propose("ada", [(self.contracts["module"], 0, calldata("pause()", []))], "# Rest the agent in August")
        self.until(
            "a later digest to somebody who is subscribed",
            lambda: [mail for mail in self.mails_to("ben@example.org") if "Rest the agent" in text_part(mail)],
            seconds=60,
        )
        time.sleep(3)  # the mails of one event go out together; one to dana would be there by now
        self.must(len(self.mails_to(address)) == had, "who unsubscribed must get no more mail", self.mails_to(address))
        self.show("after it", "the next digest went to ben and not to dana")

    def subscribe(self, address: str, delegate: str) -> None:
        """Subscribe, and press the confirmation's button; before that nothing but the confirmation is sent."""
        self.site.post(
            f"/api/v1/daos/{self.slug}/subscriptions",
            {"email": address, "delegate": self.wallets[delegate].address, "frequency": "immediate"},
        )
        mail = self.until("the confirmation's e-mail", lambda: self.mails_to(address))[-1]
        link = re.search(r"https?://\S+/subscriptions/\S+", text_part(mail))
        self.must(link is not None, "the mail must hold the link that confirms", text_part(mail)[:400])
        assert link is not None
        self.site.confirm(link[0])
        self.show("confirmed", f"{address} by {link[0].split('/subscriptions/')[0]}/subscriptions/...")

    def mails_to(self, address: str) -> list[EmailMessage]:
        """All mails to `address` in the local mailbox, oldest first."""
        parser = BytesParser(policy=mail_policy.default)
        files = sorted(self.stack.mail_dir.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        mails = [parser.parsebytes(path.read_bytes()) for path in files]
        return [mail for mail in mails if address in str(mail["To"])]

    def pause(self) -> None:
        module = self.contracts["module"]
        receipt = self.wallets["gus"].invoke(module, "pause()", [])
        self.show("gus pauses", receipt["transactionHash"])
        self.until("the pause on the page", lambda: self.api("/policies")[0]["paused"], seconds=15)
        self.node.advance(COOLDOWN_S)  # so that nothing but the pause can refuse it
        refused = self.send_with_the_agents_key([(self.wallets["ines"].address, 1)], "IsPaused")
        self.show("the agent tries", f"{refused['reason']} in {refused['transaction_hash']}")
        asked = self.ask("pay ines 100 USDC for books", "books", until=("waiting", *RESTING))
        self.must(asked["status"] in ("waiting", "refused"), "the planner must not act while paused", asked)
        self.must("pause" in asked["reason"].lower(), "and say that it is paused", asked["reason"])
        self.show("the planner says", asked["reason"])
        for who in ("gus", "agent", "olga", "ada"):
            refused = self.wallets[who].invoke(module, "unpause()", [], must_succeed=False)
            self.must(int(refused["status"], 16) == 0, f"{who} must not be able to unpause", refused["transactionHash"])
        self.show("unpause by guardian, agent, operator, member", "each refused by the chain")
        self.show("the vote that lets it work again", self.pass_and_execute(self.unpause))
        self.until("the page without the pause", lambda: not self.api("/policies")[0]["paused"], seconds=15)
        paid = self.ask("pay ines 100 USDC for more books", "more-books")
        self.must(paid["status"] == "executed", "after the vote the agent must be able to pay", paid)
        self.show("paid again in", self.act_of(paid)["transaction_hash"])

    # Commands, as an operator would run them

    def manage(self, *arguments: str) -> Any:
        return json.loads(self.manage_text(*arguments))

    def manage_text(self, *arguments: str) -> str:
        return self.stack.manage(*arguments, seconds=60)

    def is_refused(self, *arguments: str) -> bool:
        try:
            self.manage_text(*arguments)
        except StackError as error:
            return "Traceback" not in str(error)
        return False


class Site:
    """The web app as a browser without JavaScript and a script over its JSON API see it."""

    def __init__(self, url: str):
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30, follow_redirects=True)

    def _get(self, path: str) -> httpx.Response:
        answer = self._http.get(path)
        if answer.status_code >= 500:
            raise StepFailed(f"GET {path} answered {answer.status_code}: {strip_tags(answer.text)[:300]}")
        return answer

    def json(self, path: str) -> Any:
        answer = self._get(path)
        if answer.status_code != 200:
            raise StepFailed(f"GET {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def json_or_none(self, path: str) -> Any:
        answer = self._get(path)
        return answer.json() if answer.status_code == 200 else None

    def text(self, path: str) -> str:
        return self._get(path).text

    def bytes(self, path: str) -> bytes:
        return self._get(path).content

    def answer_to(self, path: str, body: dict[str, Any]) -> httpx.Response:
        token = next((cookie.value for cookie in self._http.cookies.jar if cookie.name.endswith("_csrf")), "")
        return self._http.post(path, json=body, headers={"X-CSRFToken": token, "Referer": self.url + "/"})

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.answer_to(path, body)
        if answer.status_code >= 400:
            raise StepFailed(f"POST {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    def sign_in(self, wallet: Wallet) -> None:
        """Sign-in with Ethereum (EIP-4361)."""
        begun = self.json("/auth/nonce")
        domain = self.url.split("://", 1)[1]
        now = datetime.now(UTC)
        issued, expires = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (now, now + timedelta(minutes=5)))
        chain_id = int(wallet.node.request("eth_chainId"), 16)
        message = (
            f"{domain} wants you to sign in with your Ethereum account:\n{wallet.address}\n\nSign in to Mandate.\n\n"
            f"URI: {self.url}\nVersion: 1\nChain ID: {chain_id}\nNonce: {begun['nonce']}\nIssued At: {issued}\n"
            f"Expiration Time: {expires}"
        )
        self.post("/auth/verify", {"message": message, "signature": wallet.sign_text(message)})

    def confirm(self, link: str) -> None:
        """Open the confirmation's page and press its button."""
        page = self._http.get(link)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        answer = self._http.post(
            str(page.url), data={"csrfmiddlewaretoken": token.group(1) if token else ""}, headers={"Referer": link}
        )
        if answer.status_code != 200:
            raise StepFailed(f"the confirmation answered {answer.status_code}: {strip_tags(answer.text)[:300]}")

    def unsubscribe(self, link: str) -> None:
        """As a mail program does in one click (RFC 8058): a POST without cookies or a page."""
        answer = httpx.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=30)
        if answer.status_code not in (200, 202, 204):
            raise StepFailed(f"one-click unsubscribe answered {answer.status_code}: {answer.text[:300]}")


def real_proposal(contracts: dict[str, str], recipient: str) -> tuple[str, list[tuple[str, int, str]], str]:
    """Text and calls of an ENS proposal from the shared data; where it is absent, one that we wrote."""
    if SHARED_PROPOSAL.is_dir():
        text = (SHARED_PROPOSAL / "proposalDescription.md").read_text()
        calls = json.loads((SHARED_PROPOSAL / "proposalCalldata.json").read_text())["executableCalls"]
        return text, [(call["target"], int(call["value"]), call["calldata"]) for call in calls], "ENS EP 5.16"
    text = (
        "# Pay for the security review of the vote page\n\n"
        "## Summary\nThis proposal pays 2,500 USDC from the treasury for the security review of the vote page.\n\n"
        "## Background\nThe page was reviewed in October. The report was published and its findings were mended.\n\n"
        f"## Specification\nTransfer 2,500 USDC (2500000000 base units) from the treasury to {recipient}.\n"
    )
    transfer = calldata("transfer(address,uint256)", [recipient, 2500 * USDC])
    return text, [(contracts["usdc"], 0, transfer)], "written for the story (the shared data is absent)"


def of_json(kind: str, value: Any) -> Any:
    """An argument as the API shows it (numbers as text), for encoding."""
    return int(value) if kind.startswith(("uint", "int")) else value


def strip_tags(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html))


def normal(text: str) -> str:
    """Without the differences that rendering makes: letters and digits only, in one case."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def text_part(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("plain",))
    if part is None:
        raise StepFailed(f"the mail {mail['Subject']!r} has no plain-text part")
    return part.get_content()


def run(
    *, as_json: bool, out: Callable[[str], None], begin_end: Callable[[], None] = lambda: None, keep: Path | None = None
) -> int:
    """Play the story in a temporary place, told to `out` in lines or one JSON document; returns the exit status.

    begin_end: called before the stack is stopped, so that no signal breaks that off. keep: an empty folder for the
    state that is not deleted at the end, to look at what went wrong.
    """
    reports: list[StepReport] = []
    started = time.monotonic()

    def say(report: StepReport) -> None:
        reports.append(report)
        if not as_json:
            out(f"\n{report.number:2}. {report.title} ({report.seconds:.1f} s)")
            for label, value in report.evidence:
                out(f"      {label}: {value}")

    failure, status, peak = "", 0, 0
    remove_left_behind(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as place:
        stack = Stack(keep or Path(place) / "state", say=None if as_json else out)
        try:
            if keep and keep.exists() and any(keep.iterdir()):
                raise StackError(f"{keep} is not empty: the story needs an empty folder, or one that is not there yet.")
            stack.start()
            Story(stack, say).play()
        except KeyboardInterrupt:
            begin_end()
            failure, status = "interrupted", 130
        except Exception as error:  # noqa: BLE001 -- whatever a step meets is its failure, told in one line
            begin_end()
            failure, status = what_it_saw(error), 1
        finally:
            begin_end()
            if stack.pids:
                peak = stack.peak_memory_bytes()
            stack.stop()
    if failure:
        at = f"step {reports[-1].number}, {reports[-1].title!r}" if reports and not reports[-1].done else "the start"
        failure = f"{at}: {failure}"
    done = sum(report.done for report in reports)
    seconds = time.monotonic() - started
    if as_json:
        out(json.dumps({
            "steps": [{"number": r.number, "title": r.title, "seconds": round(r.seconds, 2), "done": r.done,
                       "evidence": [{"label": label, "value": value} for label, value in r.evidence]} for r in reports],
            "done": done, "of": 14, "seconds": round(seconds, 1), "peak_memory_bytes": peak, "failure": failure or None,
        }, indent=1))  # fmt: skip
    else:
        out("")
        if failure:
            out(f"failed at {failure}")
        out(f"{seconds:.0f} s, peak memory {peak / 2**20:.0f} MiB")
        out(f"story: {done}/14 steps")
    return status


def what_it_saw(error: Exception) -> str:
    """An error in words; of one that no step foresaw, the kind and the place in this file too."""
    if isinstance(error, StepFailed | Reverted | ChainError | StackError | founding.FoundingError):
        return str(error)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == __file__]
    return f"{type(error).__name__}: {' '.join(str(error).split())[:600]} (story.py, line {lines[-1] if lines else 0})"


def remove_left_behind(folder: Path) -> None:
    """States of stories of ours that were killed; one that still plays holds its state's lock."""
    for place in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(StackError, OSError):
            facts = place.lstat()
            if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and forget(place / "state"):
                place.rmdir()
