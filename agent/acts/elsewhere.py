# SPDX-License-Identifier: Apache-2.0
"""What the treasury paid people by other hands than the agent's: by a vote, by a Safe's owners. As the mirror read it:
transfers out of the treasury of the tokens that it follows. What another wallet pays is not in it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from agent.acts.askers import month_begins_s
from agent.acts.paid import payment_of
from agent.acts.words import say
from agent.models import Candidate, Plan
from governance.chain.address import checksum
from governance.models import Act, Dao, RawLog, TreasuryFlow, chain_order
from governance.sentences import Sentence
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_bytes, hex_text

LATELY_S = 31 * 86_400  # how far back from its plan a one-off's payees are looked at
_AT_ONCE = 200  # transfers that are read at once


@dataclass(frozen=True, slots=True)
class Transfer:
    """A token transfer out of the treasury that no act of the agent accounts for, in base units of `asset`."""

    recipient: bytes
    asset: bytes
    amount: int
    at_chain_s: int
    transaction: bytes


def transfers(dao: Dao, payees: Collection[bytes], since_chain_s: int) -> Iterator[Transfer]:
    """Yield what the treasury paid these people since then, but by acts of the agent, the newest first.

    Transfers of nothing are none: a token lets anybody move 0 of what is another's, in the treasury's name.
    """
    found = (
        TreasuryFlow.objects.filter(dao=dao, outgoing=True, counterparty__in=list(payees), amount__gt=0)
        .filter(at_chain_s__gte=since_chain_s)
        .select_related("log")
        .order_by(*chain_order("log__", newest_first=True))
    )
    for begin in count(0, _AT_ONCE):
        flows = list(found[begin : begin + _AT_ONCE])
        by_acts = _by_acts(dao, {flow.log.block_number for flow in flows})
        for flow in flows:
            transaction, asset = bytes(flow.log.transaction_hash), bytes(flow.asset)
            payment = transaction, bytes(flow.counterparty), asset
            if payment not in by_acts.payments and transaction not in by_acts.others:
                yield Transfer(payment[1], asset, int(flow.amount), flow.at_chain_s, transaction)
        if len(flows) < _AT_ONCE:
            return


@dataclass(frozen=True, slots=True)
class _ByActs:
    """What acts did: transaction, recipient and asset of each plain payment, whatever a token made of its amount; and
    the transactions of acts with other calls, any of which may move what the treasury allowed."""

    payments: set[tuple[bytes, bytes, bytes]]
    others: set[bytes]


def _by_acts(dao: Dao, blocks: Collection[int]) -> _ByActs:
    """What acts did in these blocks."""
    logs = RawLog.objects.filter(dao=dao, block_number__in=list(blocks))
    hashes = {pk: bytes(hash_) for pk, hash_ in logs.values_list("pk", "transaction_hash")}
    acts = Act.objects.filter(dao=dao).prefetch_related("calls")
    executed = [(act, act.log_id) for act in acts.filter(status=Act.Status.EXECUTED, log__in=list(hashes))]
    released = [(act, act.final_log_id) for act in acts.filter(status=Act.Status.RELEASED, final_log__in=list(hashes))]
    found = _ByActs(set(), set())
    for act, log_id in (*executed, *released):
        assert log_id is not None  # it was found by it
        for payment in map(payment_of, act.calls.all()):
            if payment is None:
                found.others.add(hashes[log_id])
            else:
                found.payments.add((hashes[log_id], payment.recipient, payment.asset))
    return found


def since_s(period: str, planned_chain_s: int) -> int:
    """Return since when the payees of a request of this month (empty for a one-off) are looked at."""
    return month_begins_s(period) if period else planned_chain_s - LATELY_S


def said(dao: Dao, payees: Collection[bytes], since_chain_s: int, tokens: Sequence[Token]) -> list[Sentence]:
    """Say what the treasury paid each of these people since then, but by acts of the agent: of each token the newest
    transfer, and how many there were before it."""
    found: dict[tuple[bytes, bytes], list[Transfer]] = {}
    for one in transfers(dao, payees, since_chain_s):
        found.setdefault((one.recipient, one.asset), []).append(one)
    return [_said(newest, len(older), tokens) for newest, *older in found.values()]


def _said(newest: Transfer, older: int, tokens: Sequence[Token]) -> Sentence:
    token = next((token for token in tokens if token.address == newest.asset), None)
    return say(
        "paid_elsewhere_often" if older else "paid_elsewhere",
        payee=checksum(newest.recipient),
        asset=checksum(newest.asset),
        amount=token.text(newest.amount) if token else f"{newest.amount} base units of {checksum(newest.asset)}",
        day=f"{datetime.fromtimestamp(newest.at_chain_s, UTC):%Y-%m-%d}",
        transaction=hex_text(newest.transaction),
        older=older,
    )


def unwarned(plan: Plan, candidate: Candidate, tokens: Sequence[Token]) -> list[Sentence]:
    """Say what the treasury paid somebody of the candidate, in the time that was looked at when it was planned and
    since, of which the operator was not told."""
    told = {
        (item["values"]["transaction"], item["values"]["payee"], item["values"].get("asset"))
        for item in candidate.difference_codes
        if item["code"] in ("paid_elsewhere", "paid_elsewhere_often")
    }
    payees = {hex_bytes(line["recipient"]) for line in candidate.lines}
    # A plan of a site before this was kept has its row's time alone.
    planned_chain_s = int(plan.inputs.get("at_chain_s", plan.created_at.timestamp()))
    request = candidate.request
    found = said(request.dao, payees, since_s(request.period, planned_chain_s), tokens)
    return [one for one in found if (one.values["transaction"], one.values["payee"], one.values["asset"]) not in told]
