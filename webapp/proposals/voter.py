# SPDX-License-Identifier: Apache-2.0
"""What one account can do about one proposal: its power at the snapshot, whether it voted, whether a vote would count.

For the ballot the chain's node is asked at its newest block; where it does not answer, and on a page that takes no vote
by itself, the mirror's own rows are shown as such. Only the chain's word takes the vote away from somebody: a power
that is not known is not 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs

from governance import asked_power
from governance.capabilities import BY_NUMBER
from governance.chain import abi
from governance.chain.governor import CAST_VOTE, FOR, HAS_VOTED
from governance.chain.rpc import CallReverted, Rpc, RpcError
from governance.chain_word import shown_of
from governance.models import Proposal, Vote
from governance.state import State
from presentation.dao_view import DaoView
from presentation.power import mirrored_power
from webapp.node import node

T = TypeVar("T")

_MOST_VOTES = 20  # shown of one account: where votes may be split, it could cast thousands
_OVERRIDE = abi.topic("OverrideVoteCast(address,uint256,uint8,uint256,string)")


@dataclass(frozen=True)
class ChainSays:
    """What the node answered at its newest block, None where it did not. Amounts: base units of the votes token."""

    block: int
    power: int | None = None  # at the snapshot
    has_voted: bool | None = None
    counted: int | None = None  # what a vote from this page, tried and not sent, would count
    refused: bytes | None = None  # the revert data of that vote, where the governor would refuse it
    power_now: int | None = None
    held: int | None = None
    delegate: bytes | None = None  # 20 zero bytes: nobody


@dataclass(frozen=True)
class Voter:
    """An account as a proposal sees it. Amounts: base units of the votes token; None: not known."""

    account: bytes
    state: State
    chain: ChainSays | None  # None: the node did not answer, or has read less of the chain than the mirror
    mirrored_power: int  # at the snapshot, by the checkpoints that the mirror has read
    votes: list[Vote]  # cast with the power delegated to the account, as the mirror has read them
    overrides: list[Vote]  # cast in place of the account's delegate
    told: dict[str, Any]  # the governor's capabilities
    read_block: int | None = None  # the mirror's newest, where the chain was not to be asked
    # The chain's answers differ from the mirror's state or from each other, and do not say what is so now.
    is_unsettled: bool = False

    @property
    def power(self) -> int | None:
        """Power at the snapshot: the chain's word, else what the mirror has read. Rows that are missing are no 0."""
        if self.chain is not None and self.chain.power is not None:
            return self.chain.power
        return self.mirrored_power or None

    @property
    def power_from(self) -> str | None:
        """Who says `power`: "chain", "mirror" or nobody."""
        if self.chain is not None and self.chain.power is not None:
            return "chain"
        return "mirror" if self.mirrored_power else None

    @property
    def has_voted(self) -> bool | None:
        """The chain's word, else the mirror's where it has a vote, and not by one node alone; None: not known."""
        if self.chain is not None and self.chain.has_voted is not None:
            return self.chain.has_voted
        return True if any(not hasattr(vote.log, "unconfirmed") for vote in self.votes) else None

    @property
    def counts_nothing(self) -> bool:
        """Whether the chain says that a vote would count 0."""
        return self.chain is not None and counts_nothing(self.told, self.chain.power, self.chain.counted)

    @property
    def may_vote(self) -> bool:
        """Whether a vote is offered. False only on the chain's word, for a second vote where only one is taken, and
        where answers about the state differ and no trial says that a vote is taken."""
        if self.state is not State.ACTIVE or self.counts_nothing:
            return False
        if self.chain is not None and self.chain.refused is not None:
            return False
        return self.was_tried or not (self.is_unsettled or (self.has_voted and votes_once(self.told)))

    @property
    def was_tried(self) -> bool:
        """Whether the governor would take a vote: it was tried at the node's newest block, and not sent."""
        return self.chain is not None and self.chain.counted is not None


def counts_nothing(told: dict[str, Any], power: int | None, counted: int | None) -> bool:
    """Whether a vote is worth 0 to a governor of capabilities `told`: by the power at the snapshot, unless it counts
    otherwise and, when the vote is tried, counts something. What is not known (None) is no 0."""
    return (power == 0 and not counted) or (counted == 0 and overridable(told))


def overridable(told: dict[str, Any]) -> bool:
    """Whether holders may vote in place of their delegate, whose vote then counts that much less."""
    return "override" in (told.get("counting_mode") or "")


def look(place: DaoView, proposal: Proposal, account: bytes, *, asks_chain: bool = True) -> Voter:
    """What is known of an account and a proposal. Asks the node, for `node.PATIENCE_S` a question at the most; not
    where `asks_chain` is False: for a page, which takes no vote by itself."""
    shown = shown_of(place.dao, place.governor, place.now, [proposal])[proposal.pk]
    state = shown.state
    # Their numbers first and in no order: with one, all votes are read in that order until this account's are met.
    cast = sorted(Vote.objects.filter(proposal=proposal, voter=account).values_list("pk", flat=True))[:_MOST_VOTES]
    rows = list(Vote.objects.filter(pk__in=cast).select_related("log__unconfirmed").order_by("pk"))
    overrides = [vote for vote in rows if vote.log.topic0 is not None and bytes(vote.log.topic0) == _OVERRIDE]
    return Voter(
        account=account,
        state=state,
        chain=(_ask(place, proposal, account, state) if asks_chain else None)
        or _asked_before(place, proposal, account),
        mirrored_power=mirrored_power(place, proposal, account),
        votes=[vote for vote in rows if vote not in overrides],
        overrides=overrides,
        told=place.governor.capabilities,
        read_block=None if asks_chain else place.block,
        is_unsettled=shown.is_unsettled,
    )


def _asked_before(place: DaoView, proposal: Proposal, account: bytes) -> ChainSays | None:
    """What workers asked of the chain about the account's power at the snapshot, where no log says it."""
    row = asked_power.asked(place.dao, account, proposal.snapshot) if proposal.snapshot < place.clock_now else None
    return ChainSays(block=row.block_number, power=row.power) if row is not None else None


def votes_once(told: dict[str, Any]) -> bool:
    """Whether a governor of these capabilities is known to refuse a second vote of an account."""
    if told.get("family") in BY_NUMBER:
        return True
    mode = parse_qs(told.get("counting_mode") or "")
    return mode.get("support") in (["bravo"], ["bravo,override"]) and "params" not in mode


# --- the chain's word


@dataclass(frozen=True)
class _Question:
    name: str
    to: bytes
    calldata: bytes
    read: Callable[[bytes], Any]


def _ask(place: DaoView, proposal: Proposal, account: bytes, state: State) -> ChainSays | None:
    """Everything at one block, the node's newest: a vote cast a moment ago must not be offered again."""
    try:
        rpc = node(place)
        head = rpc.block("latest")
        if head is None or head.number < place.block:
            return None  # it has not yet seen what this page shows
        questions = _questions(place, proposal, account, state)
        answers = rpc.eth_calls([(q.to, q.calldata) for q in questions], head.hash, sender=account)
    except RpcError:
        return None  # the page says that the chain could not be asked
    said: dict[str, Any] = {}
    for question, answer in zip(questions, answers, strict=True):
        if question.name == "counted" and isinstance(answer, CallReverted):
            said["refused"] = answer.data
        elif not isinstance(answer, RpcError) and said.get(question.name) is None:
            said[question.name] = question.read(answer)
    return ChainSays(block=head.number, **said)


def _questions(place: DaoView, proposal: Proposal, account: bytes, state: State) -> list[_Question]:
    """What to ask; of two questions of one name the first that is answered counts."""
    governor, token = bytes(place.governor.address), place.one("votes_token")
    family, number, snapshot = place.governor.capabilities.get("family"), proposal.proposal_id, proposal.snapshot
    asked = [
        # A governor's own word counts whatever its token is; Compound's has none and asks the token.
        _Question("power", governor, abi.encode_call("getVotes(address,uint256)", [account, snapshot]), _number),
        _Question("has_voted", governor, abi.encode_call(HAS_VOTED, [number, account]), _truth),
    ]
    if family in BY_NUMBER:
        asked.append(
            _Question("has_voted", governor, abi.encode_call("getReceipt(uint256,address)", [number, account]), _truth)
        )
    if state is State.ACTIVE:
        asked.append(_Question("counted", governor, abi.encode_call(CAST_VOTE, [number, FOR]), _number))
    if token is None:
        return asked
    address, now = bytes(token.address), token.capabilities.get("votes_call", "getVotes(address)")
    if family in ("alpha", "bravo"):
        past = ("getPriorVotes" if now == "getCurrentVotes(address)" else "getPastVotes") + "(address,uint256)"
        asked.append(_Question("power", address, abi.encode_call(past, [account, snapshot]), _number))
    return [
        *asked,
        _Question("power_now", address, abi.encode_call(now, [account]), _number),
        _Question("held", address, abi.encode_call("balanceOf(address)", [account]), _number),
        _Question("delegate", address, abi.encode_call("delegates(address)", [account]), _address),
    ]


def _decoded(type_: str, answer: bytes) -> Any:
    """The first word of an answer; None where it is no such value."""
    try:
        return abi.decode([type_], answer, canonical=False)[0] if answer else None
    except abi.NotCanonical:
        return None


def _number(answer: bytes) -> int | None:
    return _decoded("uint256", answer)


def _truth(answer: bytes) -> bool | None:
    return _decoded("bool", answer)


def _address(answer: bytes) -> bytes | None:
    return _decoded("address", answer)


def worth(rpc: Rpc, governor: bytes, proposal: Proposal, support: int, voter: bytes) -> tuple[int | None, int | None]:
    """(power at the snapshot, what a vote would count when tried), base units of the votes token; None: not known.

    Raises RpcError where the node can't be asked.
    """
    power = abi.encode_call("getVotes(address,uint256)", [voter, proposal.snapshot])
    tried = abi.encode_call(CAST_VOTE, [proposal.proposal_id, support])
    answers = rpc.eth_calls([(governor, power), (governor, tried)], sender=voter)
    first, second = (None if isinstance(answer, RpcError) else _number(answer) for answer in answers)
    return first, second
