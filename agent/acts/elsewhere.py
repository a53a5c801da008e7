# SPDX-License-Identifier: Apache-2.0
"""What the treasury paid people by other hands than the agent's: by a vote, by a Safe's owners. As the mirror read it:
transfers out of the treasury of the tokens that it follows. What another wallet pays is not in it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.acts.askers import month_begins_s
from agent.acts.paid import payment_of
from agent.acts.words import say
from agent.models import Candidate
from governance.chain.address import checksum
from governance.models import Act, Dao, RawLog, TreasuryFlow, chain_order
from governance.sentences import Sentence
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_bytes, hex_text

_MOST_READ = 200  # newest transfers to the same people that are looked through


@dataclass(frozen=True, slots=True)
class Transfer:
    """A token transfer out of the treasury that no act of the agent accounts for, in base units of `asset`."""

    recipient: bytes
    asset: bytes
    amount: int
    at_chain_s: int
    transaction: bytes


def transfers(dao: Dao, payees: Collection[bytes], since_chain_s: int, most: int = 10) -> list[Transfer]:
    """Return what the treasury paid these people since then, but by acts of the agent, the newest first."""
    found = TreasuryFlow.objects.filter(
        dao=dao, outgoing=True, counterparty__in=list(payees), log__block_timestamp_chain_s__gte=since_chain_s
    )
    flows = list(found.select_related("log").order_by(*chain_order("log__", newest_first=True))[:_MOST_READ])
    paid = [
        Transfer(
            bytes(flow.counterparty), bytes(flow.asset), int(flow.amount), flow.log.block_timestamp_chain_s,
            bytes(flow.log.transaction_hash),
        )
        for flow in flows
    ]  # fmt: skip
    by_acts = _by_acts(dao, {flow.log.block_number for flow in flows})
    return [one for one in paid if (one.transaction, one.recipient, one.asset, one.amount) not in by_acts][:most]


def _by_acts(dao: Dao, blocks: Collection[int]) -> set[tuple[bytes, bytes, bytes, int]]:
    """What acts paid in these blocks: transaction, recipient, asset and amount of each plain payment."""
    logs = RawLog.objects.filter(dao=dao, block_number__in=list(blocks))
    hashes = {pk: bytes(hash_) for pk, hash_ in logs.values_list("pk", "transaction_hash")}
    acts = Act.objects.filter(dao=dao).prefetch_related("calls")
    executed = [(act, act.log_id) for act in acts.filter(status=Act.Status.EXECUTED, log__in=list(hashes))]
    released = [(act, act.final_log_id) for act in acts.filter(status=Act.Status.RELEASED, final_log__in=list(hashes))]
    return {
        (hashes[log_id], payment.recipient, payment.asset, payment.amount)
        for act, log_id in (*executed, *released)
        if log_id is not None
        for payment in map(payment_of, act.calls.all())
        if payment is not None
    }


def said(dao: Dao, payees: Collection[bytes], since_chain_s: int, tokens: Sequence[Token]) -> list[Sentence]:
    """Say what the treasury paid these people since then, but by acts of the agent."""
    return [_said(one, tokens) for one in transfers(dao, payees, since_chain_s)]


def _said(one: Transfer, tokens: Sequence[Token]) -> Sentence:
    token = next((token for token in tokens if token.address == one.asset), None)
    return say(
        "paid_elsewhere",
        payee=checksum(one.recipient),
        amount=token.text(one.amount) if token else f"{one.amount} base units of {checksum(one.asset)}",
        day=f"{datetime.fromtimestamp(one.at_chain_s, UTC):%Y-%m-%d}",
        transaction=hex_text(one.transaction),
    )


def unwarned(candidate: Candidate, period: str, tokens: Sequence[Token]) -> list[Sentence]:
    """Say what the treasury paid somebody of the candidate since the month began, and the operator was not told."""
    if not period:
        return []
    told = {item["values"]["transaction"] for item in candidate.difference_codes if item["code"] == "paid_elsewhere"}
    payees = {hex_bytes(line["recipient"]) for line in candidate.lines}
    found = transfers(candidate.request.dao, payees, month_begins_s(period))
    return [_said(one, tokens) for one in found if hex_text(one.transaction) not in told]
