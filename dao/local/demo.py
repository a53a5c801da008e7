# SPDX-License-Identifier: Apache-2.0
"""Fills a demo's DAO with a life: delegates, a policy by vote, a roster, and proposals in different states.

Everything is done by signed transactions, as people would. Whether a step is done already is read from the chain, so a
demo that was interrupted goes on where it stopped.
"""

import json
import time
from collections.abc import Callable

from eth_utils import keccak

from dao.local import founding
from dao.local.founding import DAY_S, OTHER_VERSION, USDC, FoundingError, same_contracts
from dao.local.governor import (
    Proposal,
)
from dao.local.people import CONTRIBUTORS
from dao.local.stack import Stack
from dao.local.voting import Voting
from dao.local.wallet import Node, Wallet, calldata
from governance.chain.governor import (
    ABSTAIN,
    AGAINST,
    FOR,
)
from governance.chain.module import SET_POLICY
from policies.notation.hexadecimal import hex_bytes

SLUG = "mandate"
NAME = "Mandate DAO"

POLICY_TEXT = """# Put the payroll policy in force

Five people keep this DAO running. Until now each monthly payment needed a vote of its own, and each was three days
late.

This proposal lets the agent pay them within the bounds below, which the policy module enforces. The agent can do
nothing else, and a thief of its key could take no more than they say.

## The bounds

{sentences}

## How it can be stopped

The guardian (gus) may pause it at any time. Members with 5 % of the votes together may object to any payment that
waits. Only another vote can loosen it.
"""

MARKETING_TEXT = """# Rent a stand at three conferences in 2027

The growth group asks for 24,000 USDC to rent a stand at three conferences next year, paid now to the group's lead
(jon).

- Stands and travel: 18,000 USDC
- Printing and shipping: 4,000 USDC
- Reserve: 2,000 USDC

Unspent money comes back to the treasury by the end of 2027.
"""

AUDIT_TEXT = """# Pay the first half of the contracts' review

Our policy module has had no outside review. kim asked two reviewers for offers and the one that the members
preferred in the forum's poll takes 16,000 USDC, half of it in advance.

This proposal pays the first half, 8,000 USDC, to kim, who passes it on when the agreement is signed. The second
half needs a proposal of its own, after the report is public.
"""

GRANTS_TEXT = """# Give lea a grant for the delegates' handbook

lea has written four chapters of a handbook for new delegates: how to read a proposal's calls, how quorum works,
how to object to a payment, how to leave. She asks for a grant of 2,500 USDC to finish the other six and to keep it
current for a year.

What we get: the text under CC BY 4.0, a page for each chapter, and a review by two delegates before publication.

The call below transfers 2,500 USDC from the treasury to lea and does nothing else.
"""

PERIOD_TEXT = """# Lengthen the voting period from three days to five

Two of the last proposals closed over a weekend, and several members told us that they saw them too late. Five days
would always include at least three working days.

The call changes the governor's voting period to 432,000 seconds. Proposals that are already up for a vote keep
their deadline.
"""


class Demo(Voting):
    """Fills the DAO of a running stack. `say` gets one line for each thing that is done."""

    def __init__(self, stack: Stack, say: Callable[[str], None]) -> None:
        self._stack = stack
        node = Node(stack.rpc_url)
        wallets = {name: Wallet.from_key(name, person.key, node) for name, person in stack.people.items()}
        super().__init__(node, wallets, "", say)
        self._journal = stack.state_dir / "demo.json"

    def fill(self) -> None:
        """Deploy and fill, or go on where an earlier run stopped, or see that all is done."""
        if self._is_filled():
            if not same_contracts(self._stack.state_dir / f"deployment-{SLUG}.json"):
                raise FoundingError(OTHER_VERSION)
            return
        started = time.monotonic()
        self._say("Founding the DAO: deploying its contracts with Ape ...")
        contracts = founding.deploy(self._stack, SLUG, NAME)["contracts"]
        self.token, self.governor, self.module = contracts["votes_token"], contracts["governor"], contracts["module"]
        self.treasury, self.usdc, self.contracts = contracts["treasury"], contracts["usdc"], contracts
        self._say(f"  governor at {self.governor}")

        for member, delegate in (("ada", "ada"), ("ben", "ben"), ("chloe", "dana")):
            self._delegate(member, delegate)
        self._node.advance(2)  # who proposes must have held the votes a second ago, by the chain's clock

        policy, stands = self._policy(), self._payment("jon", 24_000, MARKETING_TEXT)
        self.propose("ada", policy)
        self.propose("ben", stands)
        self.open(stands)
        self.vote(policy, {"ada": (FOR, "Bounded, and anybody can stop it."), "ben": (FOR, ""), "dana": (ABSTAIN, "")})
        self.vote(stands, {"ben": (FOR, ""), "ada": (AGAINST, "No budget for each event, and no way to get it back."),
                            "dana": (AGAINST, "Come back with one conference.")})  # fmt: skip
        self.carry_out(policy)
        self._sign_roster()

        audit = self._payment("kim", 8_000, AUDIT_TEXT)
        self.propose("ada", audit)
        self.open(audit)
        self.vote(
            audit, {"ada": (FOR, ""), "dana": (FOR, "Needed before more money goes through it."), "ben": (FOR, "")}
        )
        self.queue(audit)

        handbook = self._payment("lea", 2_500, GRANTS_TEXT)
        self.propose("ben", handbook)
        self.open(handbook)
        self.vote(handbook, {"dana": (FOR, "I would have needed this a year ago.")})
        period = calldata("setVotingPeriod(uint32)", [5 * DAY_S])
        self.propose("ada", Proposal(((self.governor, 0, period),), PERIOD_TEXT))

        self._stack.wait_chain_saved()
        half = self._journal.with_suffix(".half")
        half.write_text(json.dumps({"filled": True, "governor": self.governor}))
        half.replace(self._journal)
        self._say(f"The DAO is filled, in {time.monotonic() - started:.0f} s.")

    def _is_filled(self) -> bool:
        if not self._journal.exists():
            return False
        return self._stack.rpc("eth_getCode", json.loads(self._journal.read_text())["governor"], "latest") != "0x"

    # What is proposed

    def _policy(self) -> Proposal:
        file = self._stack.state_dir / "payroll.yaml"
        if not file.exists():  # its dates are a part of the proposal's identity: written once
            hour = self._node.time() // 3600 * 3600
            text = founding.payroll_document(
                contracts=self.contracts,
                addresses={name: account.address for name, account in self._stack.people.items()},
                start_chain_s=hour,
                end_chain_s=hour + 365 * DAY_S,
            )
            half = file.with_suffix(".half")
            half.write_text(text)
            half.replace(file)
        compiled = json.loads(self._stack.manage("policy", "compile", str(file), "--json"))
        explained = json.loads(self._stack.manage("policy", "explain", str(file), "--json"))
        lines = [*explained["together"], *explained["sentences"], *explained["addresses"]]
        sentences = "\n".join(f"- {sentence}" for sentence in lines)
        code = hex_bytes(compiled["code"])
        call = calldata(SET_POLICY, [keccak(text="payroll"), code])
        return Proposal(((self.module, 0, call),), POLICY_TEXT.format(sentences=sentences))

    def _payment(self, who: str, usdc: int, text: str) -> Proposal:
        transfer = calldata("transfer(address,uint256)", [self._wallets[who].address, usdc * USDC])
        call = calldata("perform(address,uint256,bytes)", [self.usdc, 0, hex_bytes(transfer)])
        return Proposal(((self.treasury, 0, call),), text)

    # Steps; each looks first whether it is done

    def _delegate(self, member: str, delegate: str) -> None:
        wanted = self._wallets[delegate].address
        has = self._node.call(self.token, "delegates(address)", [self._wallets[member].address], ["address"])
        if has.lower() != wanted.lower():
            self._wallets[member].invoke(self.token, "delegate(address)", [wanted])
            self._say(f"  {member} delegates to {delegate}")

    def _sign_roster(self) -> None:
        people = self._stack.people
        entries = [{"name": who, "address": people[who].address, "amount": str(1_000 * USDC)} for who in CONTRIBUTORS]
        founding.sign_roster(self._stack, SLUG, self.contracts, "payroll", entries, self._wallets["olga"])
        self._say("  olga, the operator, signs the roster")


def greeting(stack: Stack) -> str:
    """What a newcomer reads when the demo is ready: where to look, and who to be."""
    facts = json.loads((stack.state_dir / "people.json").read_text())
    width = max(len(person["name"]) for person in facts)
    people = "\n".join(f"  {person['name']:<{width}}  {person['address']}  {person['role']}" for person in facts)
    return (
        f"\nOpen {stack.web_url}/{SLUG}/\n\n"
        "Vote, object and pause with the built-in test wallet (local chain only). Who to be:\n"
        f"{people}\n\n"
        f"The local chain: {stack.rpc_url} (chain id 31337). E-mails: {stack.mail_dir}.\n"
        f"Wind the clock: {stack.web_url}/local/\n"
        f"A shell for manage.py commands: . {stack.state_dir / 'env'}\n"
        "In it, `.venv/bin/python manage.py demo_act swaps` acts a policy template out, on stand-ins.\n"
        "Ctrl-C stops everything and keeps the data; `make demo-reset` forgets it.\n"
    )
