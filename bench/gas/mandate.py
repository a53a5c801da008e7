# SPDX-License-Identifier: Apache-2.0
"""Our own module for the bench: policies written as people write them, compiled by `policies`, put in force, used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from eth_utils import keccak, to_checksum_address

from bench.gas.chain import GENESIS_S, Chain, Contract
from bench.gas.field import own_artifact
from policies.code import encoding
from policies.document import document

DECISION = keccak(text="a decision record")
COOLDOWN_S = 600
OBJECTION_DELAY_S = 2 * 86_400
PERIOD_S = 7 * 86_400
VALID_S = 365 * 86_400

CAP = 5_000 * 10**6
INSTANT = 40_000 * 10**6
LIMIT = 80_000 * 10**6

Payment = tuple[bytes, int]
Call = tuple[bytes, int, bytes]


@dataclass(frozen=True)
class Terms:
    """What a policy of the bench says, beside the plain rule: `transfer` of the token to one of five, capped."""

    agent: bytes
    token: bytes
    recipients: tuple[bytes, ...]
    name: str = "payroll"
    other_targets: tuple[bytes, ...] = ()
    """Further contracts with a rule of their own each."""
    parent: bool = False
    """The payments are charged to a budget of the whole DAO, too."""
    act_cap: bool = False
    """The cap is on the sum of an act's payments in place of each payment."""
    measured: bool = False
    """What the treasury's balance falls by is measured and charged."""

    def yaml(self) -> str:
        """The document that members would vote on."""
        budgets = f"""
  payroll:
    limit: {LIMIT // 10**6:,} USDC
    period: 7 days
    without objection: {INSTANT // 10**6:,} USDC
"""
        if self.measured:
            budgets += "    measured: yes\n"
        charge = "payroll: amount"
        if self.parent:
            charge += ", everything: amount"
            budgets += f"""
  everything:
    limit: {2 * LIMIT // 10**6:,} USDC
    period: 7 days
    without objection: {2 * LIMIT // 10**6:,} USDC
    shared by: dao
"""
        names = "".join(f'  person {n}: "{to_checksum_address(who)}"\n' for n, who in enumerate(self.recipients))
        names += "".join(f'  target {n}: "{to_checksum_address(who)}"\n' for n, who in enumerate(self.other_targets))
        others = "".join(
            f"""
  - call: setLevel(uint256 level)
    on: target {n}
    where: {{level: {{at most: "5"}}}}
    charges: nothing
"""
            for n in range(len(self.other_targets))
        )
        people = ", ".join(f"person {n}" for n in range(len(self.recipients)))
        return f"""
version: 1
name: {self.name}
agent: "{to_checksum_address(self.agent)}"
operator: "{to_checksum_address(keccak(text="operator of the gas bench")[12:])}"
valid:
  from: {_time(GENESIS_S)}
  until: {_time(GENESIS_S + VALID_S)}
cooldown: {COOLDOWN_S} seconds
objection:
  delay: {OBJECTION_DELAY_S} seconds
  release within: 5 days
  threshold: 5 %
tokens:
  USDC: {{address: "{to_checksum_address(self.token)}", decimals: 6}}
addresses:
{names}
lists:
  contributors: [{people}]
budgets:{budgets}
rules:
  - call: transfer(address to, uint256 amount)
    on: USDC
    where:
      to: {{one of: contributors}}
      amount: {{{"cap" if self.act_cap else "at most"}: "{CAP // 10**6:,} USDC"}}
    charge: {{{charge}}}
{others}"""

    def code(self) -> bytes:
        """The policy code that is voted in."""
        return encoding.encode(document.load(self.yaml()))


def _time(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%MZ")


@dataclass(frozen=True)
class Module:
    """The policy module over a treasury or a Safe, owned by one account in the timelock's place."""

    chain: Chain
    owner: bytes
    contract: Contract

    @classmethod
    def create(cls, chain: Chain, owner: bytes, governor: bytes, treasury: bytes, votes_token: bytes) -> "Module":
        code, abi = own_artifact("PolicyModule")
        return cls(chain, owner, chain.deploy(owner, code, abi, owner, governor, treasury, votes_token, owner))

    @property
    def address(self) -> bytes:
        return self.contract.address

    def policy(self, terms: Terms) -> "Policy":
        """The policy with these terms; not yet in force."""
        return Policy(self, terms, encoding.policy_id(terms.name), encoding.codehash(terms.code()))

    def number(self, policy_id: bytes) -> int:
        """The next act's."""
        return int(self.chain.call(self.contract, "policyState", policy_id)[2]) + 1


@dataclass(frozen=True)
class Policy:
    """A policy in force, and the calldata of acts under it."""

    module: Module
    terms: Terms
    policy_id: bytes
    codehash: bytes

    def set_calldata(self) -> bytes:
        return self.module.contract.calldata("setPolicy", self.policy_id, self.terms.code())

    def calls(self, payments: Sequence[Payment]) -> list[Call]:
        return [(self.terms.token, 0, transfer(to, amount)) for to, amount in payments]

    def execute(self, payments: Sequence[Payment], **changed: Any) -> bytes:
        """Calldata of an act that is performed at once. `changed` puts other values in an argument's place."""
        return self._act("execute", payments, changed)

    def schedule(self, payments: Sequence[Payment], **changed: Any) -> bytes:
        return self._act("schedule", payments, changed)

    def release(self, payments: Sequence[Payment], number: int, **changed: Any) -> bytes:
        return self._act("release", payments, {"number": number, **changed})

    def _act(self, function: str, payments: Sequence[Payment], changed: dict[str, Any]) -> bytes:
        contract = self.module.contract
        values = {
            "policyId": self.policy_id,
            "codehash": self.codehash,
            "number": changed["number"] if "number" in changed else self.module.number(self.policy_id),
            "calls": self.calls(payments),
            "decision": DECISION,
            **changed,
        }
        names = [item["name"] for item in contract.function(function)["inputs"]]
        return contract.calldata(function, *(values[name] for name in names))


def transfer(to: bytes, amount: int) -> bytes:
    """Calldata of an ERC-20 transfer."""
    return keccak(text="transfer(address,uint256)")[:4] + to.rjust(32, b"\0") + amount.to_bytes(32, "big")
