# SPDX-License-Identifier: Apache-2.0
"""Who asks, as the chain knows them at one block: only who has a say in the DAO has the roster paid by asking.

For anybody else's request the operator must sign. The same goes for a month that began before the roster was signed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agent.acts import rosters
from agent.acts.policy import PolicyInForce, chain_now_s
from agent.acts.rosters import Rules
from agent.acts.words import say
from agent.models import Request, Roster
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.rpc import BlockId, CallReverted, Rpc, RpcError
from governance.models import Contract
from governance.sentences import Sentence

OPERATOR, ROSTER, DELEGATE, HOLDER, STRANGER, UNKNOWN = (
    "operator", "roster", "delegate", "holder", "stranger", "unknown",
)  # fmt: skip
VOTES_CALLS = ("getVotes(address)", "getCurrentVotes(address)")
HAS_A_SAY = frozenset({OPERATOR, ROSTER, DELEGATE, HOLDER})


@dataclass(frozen=True, slots=True)
class Standing:
    """What an asker is in the DAO. Votes and balance are base units of the votes token; None where not read."""

    kind: str
    votes_token: bytes = b""
    votes_call: str = ""  # what was asked for the votes: tokens differ
    votes: int | None = None  # delegated to the asker
    balance: int | None = None

    @property
    def doubt(self) -> Sentence | None:
        """Why the operator must sign for the asker; None where nobody needs to."""
        if self.kind in HAS_A_SAY:
            return None
        return say("asked_by_stranger" if self.kind == STRANGER else "asked_by_unknown")

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "votes_token": checksum(self.votes_token) if self.votes_token else None,
            "votes_call": self.votes_call or None,
            "votes": None if self.votes is None else str(self.votes),
            "balance": None if self.balance is None else str(self.balance),
        }


def standing(
    policy: PolicyInForce, request: Request, payees: Collection[bytes], rpc: Rpc, at: BlockId,
    may_ask: Collection[str] = HAS_A_SAY,
) -> Standing:  # fmt: skip
    """Ask the chain at a block what the request's asker is. `payees` are the signed roster's recipients.

    Who is several things is told as one that the roster lets ask (`may_ask`), where there is one.

    Raises RpcError when the node fails; a token that does not answer leaves the standing unknown.
    """
    asker = bytes(request.requested_by)
    if not request.asker_signed_in:  # somebody on the server's console wrote the address: nobody proved to be it
        return Standing(UNKNOWN)
    if asker == policy.code.operator:
        return Standing(OPERATOR)
    if asker in payees and ROSTER in may_ask:
        return Standing(ROSTER)
    token = Contract.objects.filter(dao=policy.dao, kind=Contract.Kind.VOTES_TOKEN).first()
    if token is None:
        return Standing(ROSTER if asker in payees else UNKNOWN)
    votes_call = token.capabilities.get("votes_call", "getVotes(address)")
    votes, balance = read_votes(rpc, token.address, votes_call, asker, at)
    if votes and (DELEGATE in may_ask or not (balance and HOLDER in may_ask)):
        kind = DELEGATE
    elif balance:
        kind = HOLDER
    elif asker in payees:
        return Standing(ROSTER)
    else:
        kind = UNKNOWN if votes is None or balance is None else STRANGER
    return Standing(kind, bytes(token.address), votes_call, votes, balance)


def standing_by_roster(policy: PolicyInForce, request: Request, rpc: Rpc, at: BlockId) -> Standing:
    """As `standing`, with the payees and the rules of the roster in use, if there is one."""
    try:
        terms = rosters.terms_of(rosters.current(policy, chain_now_s(policy.dao)))
    except rosters.RosterError:
        return standing(policy, request, (), rpc, at)
    may_ask = HAS_A_SAY if terms.rules is None else terms.rules.may_ask
    return standing(policy, request, {line.recipient for line in terms.lines}, rpc, at, may_ask)


def read_votes(rpc: Rpc, token: bytes, votes_call: str, account: bytes, at: BlockId) -> tuple[int | None, int | None]:
    """Read (votes, balance) of an account at a block, base units of the votes token; None for what it does not answer.

    Raises RpcError when the node fails.
    """
    calls = [(token, abi.encode_call(name, [account])) for name in (votes_call, "balanceOf(address)")]
    votes, balance = (_number(answer) for answer in rpc.eth_calls(calls, at))
    return votes, balance


def _number(answer: bytes | RpcError) -> int | None:
    """The number in a token's answer; None where the token has no such function."""
    if isinstance(answer, CallReverted):
        return None
    if isinstance(answer, RpcError):
        raise answer
    return int.from_bytes(answer[:32], "big") if len(answer) >= 32 else None


def has_a_say(recorded: Mapping[str, Any], asker: str, operator: str, payees: Collection[str]) -> bool:
    """Whether a recorded standing holds together and is one that needs no signature. Of votes in which token, and
    asked how, is a part of it: without that nobody could hold them against the chain."""
    kind = recorded["kind"]
    told = recorded["votes_token"] is not None and recorded["votes_call"] in VOTES_CALLS
    return set(recorded) == set(Standing(UNKNOWN).as_json()) and (
        (kind == OPERATOR and asker == operator)
        or (kind == ROSTER and asker in payees)
        or (kind == DELEGATE and told and int(recorded["votes"]) > 0)
        or (kind == HOLDER and told and int(recorded["balance"]) > 0)
    )


def rule_doubts(rules: Rules | None, asker: Standing, period: str) -> list[Sentence]:
    """Why the operator must sign by the rules that the roster was signed with; none where it has none."""
    if rules is None:
        return []
    doubts = []
    if asker.doubt is None and asker.kind not in {OPERATOR, *rules.may_ask}:
        doubts.append(say("asker_not_let", kind=asker.kind, may_ask=sorted(rules.may_ask)))
    if period and period < rules.first_month:
        doubts.append(say("before_first_month", period=period, month=rules.first_month))
    if period and rules.last_month and period > rules.last_month:
        doubts.append(say("after_last_month", period=period, month=rules.last_month))
    return doubts


def reads_names(rules: Rules | None, asker: Standing) -> bool:
    """Whether names on the roster are read from this asker's words: what is derived from them is public, and would tell
    everybody else whose address a name has. `rules` are the roster's."""
    may_ask = HAS_A_SAY if rules is None else {OPERATOR, *rules.may_ask}
    return asker.doubt is None and asker.kind in may_ask


def early_doubt(roster: Roster, period: str) -> Sentence | None:
    """Why the operator must sign for the month: it began before she signed the roster. None otherwise."""
    if not period:
        return None  # a one-off payment needs her anyway
    if roster.accepted_chain_s is None:
        return say("roster_date_unknown")
    if month_begins_s(period) >= roster.accepted_chain_s:
        return None
    return say("month_before_roster", period=period, signed_chain_s=roster.accepted_chain_s)


def month_begins_s(period: str) -> int:
    """The first second of a month such as `2026-11`, Unix seconds, UTC. Raises ValueError for what is no month."""
    return int(datetime.strptime(period, "%Y-%m").replace(tzinfo=UTC).timestamp())
