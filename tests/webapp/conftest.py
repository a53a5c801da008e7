# SPDX-License-Identifier: Apache-2.0
"""A DAO as the mirror would hold it, made of rows: no chain is asked."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from agent.models import Summary
from governance.models import (
    Act,
    ActCall,
    Chain,
    Contract,
    Cursor,
    Dao,
    Delegation,
    ModuleState,
    PowerCheckpoint,
    Proposal,
    ProposalAction,
    ProposalTransition,
    RawLog,
    RefusedAct,
    TreasuryFlow,
    Vote,
)
from governance.projections import power_now
from webapp import relaying, throttle

CHAIN = 990_001  # nobody's chain: no endpoint is configured for it
NOW = 1_800_000_000
DAY = 86_400
UNIT = 10**18


def account(number: int) -> bytes:
    return number.to_bytes(20, "big")


@dataclass
class Made:
    """The DAO and ways to put more into it."""

    dao: Dao
    contracts: dict[str, Contract]
    _serial: itertools.count = field(default_factory=lambda: itertools.count(1))

    def log(self) -> RawLog:
        number = next(self._serial)
        return RawLog.objects.create(
            dao=self.dao,
            block_number=number,
            block_hash=number.to_bytes(32, "big"),
            block_timestamp_chain_s=NOW - DAY + number,
            transaction_hash=(number + 10**6).to_bytes(32, "big"),
            transaction_index=0,
            log_index=0,
            address=account(1),
            data=b"",
        )

    def proposal(self, number: int = 7, *, description: str = "# Pay ines\n\nPay 5 USDC.", **values) -> Proposal:
        log = self.log()
        fields = {
            "title": description.splitlines()[0].lstrip("# ") if description else "",
            "snapshot": NOW - DAY,
            "deadline": NOW + DAY,
            "quorum_votes": 40_000 * UNIT,
            **values,
        }
        made = Proposal.objects.create(
            dao=self.dao,
            proposal_id=number,
            log=log,
            created_block=log.block_number,
            proposer=account(100),
            description=description,
            **fields,
        )
        usdc = bytes(self.contracts["asset"].address)
        ProposalAction.objects.create(
            proposal=made,
            position=0,
            target=usdc,
            value_wei=0,
            calldata=bytes.fromhex("a9059cbb") + account(200).rjust(32, b"\0") + (5_000_000).to_bytes(32, "big"),
        )
        ProposalTransition.objects.create(proposal=made, kind="created", log=log)
        return made

    def vote(self, proposal: Proposal, voter: int, support: int = 1, weight: int = UNIT, reason: str = "") -> Vote:
        return Vote.objects.create(
            dao=self.dao,
            proposal=proposal,
            onchain_proposal_id=proposal.proposal_id,
            log=self.log(),
            voter=account(voter),
            support=support,
            weight=weight,
            reason=reason,
        )

    def summary(self, proposal: Proposal, **values) -> Summary:
        fields = {
            "status": "written",
            "verdict": "told",
            "model_name": "small-model",
            "model_is_demo": True,
            "sentences": [
                {"text": "It pays ines.", "source": {"kind": "span", "id": "s1", "quote": "Pay 5 USDC."}},
                {"text": "5 USDC leave.", "source": {"kind": "effect", "id": "e1", "quote": "Transfers 5 USDC"}},
            ],
            "effects": [{"id": "e1", "position": 0, "kind": "transfer", "sentence": "Transfers 5 USDC to 0x00"}],
            "findings": [
                {
                    "status": "told",
                    "effect": "e1",
                    "codes": [],
                    "quote": {"start": 0, "end": 11, "text": "Pay 5 USDC."},
                    "text": "The text names all of it.",
                    "sentence": {"code": "told", "values": {}},
                }
            ],
            **values,
        }
        return Summary.objects.create(proposal=proposal, input_hash=next(self._serial).to_bytes(32, "big"), **fields)

    def act(self, number: int = 1, **values) -> Act:
        fields = {"status": "executed", "decision": number.to_bytes(32, "big"), **values}
        made = Act.objects.create(
            dao=self.dao,
            module=self.contracts["module"],
            policy_id=b"\x01" * 32,
            version=1,
            number=number,
            agent=account(50),
            log=self.log(),
            **fields,
        )
        ActCall.objects.create(
            act=made,
            position=0,
            target=bytes(self.contracts["asset"].address),
            value_wei=0,
            calldata=bytes.fromhex("a9059cbb") + account(200).rjust(32, b"\0") + (5_000_000).to_bytes(32, "big"),
        )
        return made

    def refusal(self, **values) -> RefusedAct:
        number = next(self._serial)
        fields = {"reason": "OverCap(0, 1, 5001000000)", "clause": "at most 5,000 USDC an act", **values}
        return RefusedAct.objects.create(
            dao=self.dao,
            module=self.contracts["module"],
            transaction_hash=number.to_bytes(32, "big"),
            block_number=number,
            block_hash=number.to_bytes(32, "big"),
            block_timestamp_chain_s=NOW,
            sender=account(50),
            calldata=b"",
            **fields,
        )

    def power(self, who: int, power: int, delegator: int | None = None) -> None:
        PowerCheckpoint.objects.create(
            dao=self.dao, log=self.log(), account=account(who), timepoint=NOW - DAY, previous_power=0, power=power
        )
        Delegation.objects.create(
            dao=self.dao,
            log=self.log(),
            delegator=account(delegator or who),
            from_delegate=bytes(20),
            to_delegate=account(who),
        )
        power_now.make_again(self.dao, ({account(who)}, {account(delegator or who)}))

    def flow(self, amount: int, outgoing: bool = False) -> None:
        TreasuryFlow.objects.create(
            dao=self.dao,
            log=self.log(),
            asset=bytes(self.contracts["asset"].address),
            counterparty=account(200),
            amount=amount,
            outgoing=outgoing,
        )


@pytest.fixture(autouse=True)
def _no_window_ends(monkeypatch) -> None:
    """No hour or day for which something is counted ends in the midst of a test: its limit would begin anew."""
    real, began, day = throttle.start_of, {}, relaying.day_began()
    monkeypatch.setattr(throttle, "start_of", lambda window: began.setdefault(window, real(window)))
    monkeypatch.setattr(relaying, "day_began", lambda: day)


@pytest.fixture
def made(db) -> Made:
    chain = Chain.objects.create(chain_id=CHAIN, name="Testnet")
    dao = Dao.objects.create(chain=chain, slug="river", name="River DAO")
    told = {
        "governor": {"clock": "timestamp", "quorum_counts": "for,abstain", "family": "openzeppelin"},
        "votes_token": {"symbol": "MAND", "decimals": 18},
        "asset": {"symbol": "USDC", "decimals": 6},
    }
    contracts = {
        kind: Contract.objects.create(
            dao=dao, kind=kind, address=account(1000 + i), capabilities=told.get(kind, {}), start_block=0
        )
        for i, kind in enumerate(("governor", "votes_token", "timelock", "treasury", "module", "asset"))
    }
    ModuleState.objects.create(module=contracts["module"], guardian=account(60))
    Cursor.objects.create(dao=dao, next_block=501, head_timestamp_chain_s=NOW, node_head_block=500)
    return Made(dao, contracts)
