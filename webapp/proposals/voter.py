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

from django.utils.translation import gettext, gettext_noop, ngettext

from governance import asked_power
from governance.capabilities import BY_NUMBER
from governance.chain import abi
from governance.chain.governor import CAST_VOTE, FOR, HAS_VOTED
from governance.chain.rpc import CallReverted, Rpc, RpcError
from governance.chain_word import shown_state
from governance.models import Proposal, Vote
from governance.state import State
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line
from presentation import labels, words
from presentation.dao_view import DaoView, is_never
from presentation.mine import named
from presentation.power import delegators_at, fixed_elsewhere, mirrored_power
from presentation.proposals import parts_in_words
from webapp.node import node

T = TypeVar("T")

NAMED_DELEGATORS = 6  # that a sentence names
_MOST_VOTES = 20  # shown of one account: where votes may be split, it could cast thousands
_OVERRIDE = abi.topic("OverrideVoteCast(address,uint256,uint8,uint256,string)")
_REFUSALS = {
    "GovernorUnexpectedProposalState": gettext_noop("the proposal is not open for votes"),
    "GovernorAlreadyCastVote": gettext_noop("this account has voted on this proposal already"),
}


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
        """Whether a vote is offered. False only on the chain's word, or for a second vote where only one is taken."""
        if self.state is not State.ACTIVE or self.counts_nothing:
            return False
        if self.chain is not None and self.chain.refused is not None:
            return False
        tried = self.chain is not None and self.chain.counted is not None
        return tried or not (self.has_voted and _votes_once(self.told))


def counts_nothing(told: dict[str, Any], power: int | None, counted: int | None) -> bool:
    """Whether a vote is worth 0 to a governor of capabilities `told`: by the power at the snapshot, unless it counts
    otherwise and, when the vote is tried, counts something. What is not known (None) is no 0."""
    return (power == 0 and not counted) or (counted == 0 and _overridable(told))


def _overridable(told: dict[str, Any]) -> bool:
    """Whether holders may vote in place of their delegate, whose vote then counts that much less."""
    return "override" in (told.get("counting_mode") or "")


def look(place: DaoView, proposal: Proposal, account: bytes, *, asks_chain: bool = True) -> Voter:
    """What is known of an account and a proposal. Asks the node, for `node.PATIENCE_S` a question at the most; not
    where `asks_chain` is False: for a page, which takes no vote by itself."""
    state = shown_state(place.dao, place.governor, place.now, proposal)
    # Their numbers first and in no order: with one, all votes are read in that order until this account's are met.
    cast = sorted(Vote.objects.filter(proposal=proposal, voter=account).values_list("pk", flat=True))[:_MOST_VOTES]
    rows = list(Vote.objects.filter(pk__in=cast).select_related("log__unconfirmed").order_by("id"))
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
    )


def _asked_before(place: DaoView, proposal: Proposal, account: bytes) -> ChainSays | None:
    """What workers asked of the chain about the account's power at the snapshot, where no log says it."""
    row = asked_power.asked(place.dao, account, proposal.snapshot) if proposal.snapshot < place.clock_now else None
    return ChainSays(block=row.block_number, power=row.power) if row is not None else None


def _votes_once(told: dict[str, Any]) -> bool:
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


# --- in words


@dataclass(frozen=True)
class Told:
    """What the voter reads: what matters most, then sentences."""

    lead: str
    sentences: list[str]


def in_words(place: DaoView, proposal: Proposal, voter: Voter) -> Told:
    """What `voter` reads about itself beside the vote."""
    if voter.state in (State.PENDING, State.UPDATABLE):
        return _before(place, proposal, voter)
    sentences = [*_votes_in_words(place, voter), *_overrides_in_words(place, voter)]
    snapshot = place.clock_text(proposal.snapshot)
    if voter.state is not State.ACTIVE:
        return Told(_without_a_vote(place, proposal, voter), [*sentences, _source(voter)])
    if voter.has_voted:
        lead = sentences.pop(0)
        return Told(lead, [*sentences, *_another_vote(place, voter), _source(voter)])
    sentences = [*_not_voted(voter), *sentences]
    if voter.counts_nothing and voter.power:
        return Told(
            gettext("A vote from this account would count 0."),
            [
                gettext("Those who delegated to you have voted themselves, so no vote is offered."),
                *sentences,
                _source(voter),
            ],
        )
    if voter.counts_nothing:
        return Told(
            gettext("You had no voting power at the snapshot (%(snapshot)s).") % {"snapshot": snapshot},
            [
                gettext(
                    "A vote from this account would count 0, so no vote is offered. Tokens delegated after the "
                    "snapshot do not count for this proposal."
                ),
                *_delegation(place, voter),
                *_may_override(voter),
                *sentences,
                _source(voter),
            ],
        )
    if voter.chain is not None and voter.chain.refused is not None:
        lead = gettext("The governor would refuse a vote from this account now.")
        reason = gettext("A vote was tried, not sent: %(why)s.") % {"why": revert_words(voter.chain.refused)}
        return Told(lead, [reason, *sentences, _source(voter)])
    if voter.power is None:
        return Told(
            gettext("Your voting power at the snapshot is not known."),
            [
                gettext(
                    "The snapshot was at %(snapshot)s. You may vote: your wallet tries the vote first, and tells you "
                    "if the governor would refuse it."
                )
                % {"snapshot": snapshot},
                *sentences,
                _source(voter),
            ],
        )
    power, counted = _amount(place, voter.power), voter.chain.counted if voter.chain else None
    if counted and counted != voter.power:  # a governor that counts otherwise, or whose voters may be overridden
        lead = gettext("Your vote would count %(votes)s.") % {"votes": _amount(place, counted)}
        fixed = gettext("Your voting power is %(power)s at the snapshot (%(snapshot)s).")
    else:
        lead = gettext("You vote with %(power)s.") % {"power": power}
        fixed = gettext("That is your voting power at the snapshot (%(snapshot)s).")
    fixed = fixed % {"power": power, "snapshot": snapshot}
    return Told(lead, [fixed, *_whose(place, proposal, voter), *sentences, _source(voter)])


def _whose(place: DaoView, proposal: Proposal, voter: Voter) -> list[str]:
    """Who had delegated to the voter at the snapshot, as far as that was read."""
    found = delegators_at(place, proposal, voter.account)
    if found is None or not (found.own or found.others):
        return []
    names = [gettext("yourself")] if found.own else []
    names += [named(place, who) for who in found.others[: NAMED_DELEGATORS - len(names)]]
    more = len(found.others) + found.own - len(names)
    text = gettext("Delegated to you then by %(names)s.")
    if found.is_cut:
        text = gettext("Delegated to you then by %(names)s, and perhaps others.")
    elif more:
        text = ngettext(
            "Delegated to you then by %(names)s and %(more)s more.",
            "Delegated to you then by %(names)s and %(more)s more.",
            more,
        )
    return [text % {"names": ", ".join(names), "more": more}]


def _before(place: DaoView, proposal: Proposal, voter: Voter) -> Told:
    if fixed_elsewhere(place):
        return Told(
            gettext("Voting has not started."),
            [gettext("This page does not know when this governor fixes voting power.")],
        )
    if is_never(proposal.snapshot):
        snapshot = {"snapshot": place.moment_text(proposal.snapshot)}
        return Told(gettext("Voting never starts."), [gettext("The snapshot is at %(snapshot)s.") % snapshot])
    left = place.until_text(proposal.snapshot)
    when = {"snapshot": place.clock_text(proposal.snapshot), "left": left}
    if left:
        lead = gettext("Your power is fixed at the snapshot (%(snapshot)s, in %(left)s).") % when
    else:
        lead = gettext("Your power is fixed at the snapshot (%(snapshot)s).") % when
    chain = voter.chain
    if chain is None or chain.power_now is None:
        if voter.read_block is not None:
            return Told(lead, [gettext("Your voting power now is not known here."), _source(voter)])
        return Told(lead, [gettext("Your voting power now is not known: the chain could not be asked.")])
    if chain.power_now:
        now = gettext("You have %(power)s of voting power now. What changes before the snapshot counts.") % {
            "power": _amount(place, chain.power_now)
        }
    else:
        now = gettext("You have no voting power now. What is delegated to you by the snapshot counts.")
    return Told(lead, [now, *([] if chain.power_now else _delegation(place, voter)), _source(voter)])


def _without_a_vote(place: DaoView, proposal: Proposal, voter: Voter) -> str:
    """What comes first where this page takes no vote: not that it is over, where it is not or may not be."""
    if voter.has_voted:
        return gettext("You voted.")
    if voter.state is State.OBJECTION_PERIOD:
        return gettext(
            "Only votes against are taken now. This page does not offer them: call castVote of the governor."
        )
    if voter.state is State.UNKNOWN and proposal.deadline >= place.clock_now:
        return gettext("Whether this proposal is open for votes is not known.")
    return gettext("You did not vote.") if _denied(voter) else gettext("The vote is over.")


def _denied(voter: Voter) -> bool:
    """Whether the chain says that the account cast no vote, and the mirror has none either."""
    return voter.chain is not None and voter.chain.has_voted is False and not voter.votes and not voter.overrides


def _not_voted(voter: Voter) -> list[str]:
    if voter.has_voted is None:
        return [gettext("Whether you have voted is not known; this page has read no vote of yours.")]
    if not voter.votes:
        return [gettext("You have not voted.")]
    assert voter.chain is not None  # it alone says no where the mirror has votes
    return [
        gettext(
            "This page has read a vote of yours that the chain does not have at block %(block)s: a reorganisation may "
            "have removed it."
        )
        % {"block": f"{voter.chain.block:,}"}
    ]


def _votes_in_words(place: DaoView, voter: Voter) -> list[str]:
    if not voter.has_voted:
        return []
    if not voter.votes:
        return [gettext("You have voted. The mirror has not read your vote yet.")]
    return [text for vote in voter.votes for text in (_voted(place, vote), _where(vote))]


def _overrides_in_words(place: DaoView, voter: Voter) -> list[str]:
    found = []
    for vote in voter.overrides:
        values = {"choice": _choice(vote), "power": _amount(place, vote.weight)}
        found += [gettext("You overrode your delegate's vote: %(choice)s with %(power)s.") % values, _where(vote)]
    return found


def _voted(place: DaoView, vote: Vote) -> str:
    power = _amount(place, vote.weight)
    if parts := parts_in_words(place, vote):
        return gettext("You voted with %(power)s. %(parts)s") % {"power": power, "parts": parts}
    return gettext("You voted %(choice)s with %(power)s.") % {"choice": _choice(vote), "power": power}


def _choice(vote: Vote) -> str:
    if vote.support in labels.CHOICES:
        return labels.choice(vote.support)
    return gettext("option %(number)s") % {"number": vote.support}


def _where(vote: Vote) -> str:
    transaction = words.short(hex_text(vote.log.transaction_hash))
    when = words.moment(vote.log.block_timestamp_chain_s)
    return gettext("In transaction %(transaction)s, %(moment)s.") % {"transaction": transaction, "moment": when}


def _another_vote(place: DaoView, voter: Voter) -> list[str]:
    """Whether who has voted may vote again, as far as that is known."""
    if voter.may_vote:
        if voter.chain is not None and voter.chain.counted:
            counted = {"votes": _amount(place, voter.chain.counted)}
            return [gettext("You may vote again: another vote would count %(votes)s.") % counted]
        return [gettext("This governor may take another vote from you: your wallet tries it first.")]
    if _votes_once(voter.told):
        return [gettext("This governor takes one vote from each account.")]
    return [gettext("The governor would refuse another vote from this account.")]


def _delegation(place: DaoView, voter: Voter) -> list[str]:
    """What who has no power and holds tokens may do for the next vote. Words only."""
    chain = voter.chain
    if chain is None or not chain.held or chain.delegate is None:
        return []
    held = {"tokens": _amount(place, chain.held)}
    if not any(chain.delegate):
        text = gettext(
            "You hold %(tokens)s and have delegated them to nobody. Delegate them, to yourself or to somebody else, "
            "and they count from the next snapshot on."
        )
        return [text % held]
    if chain.delegate == voter.account:
        text = gettext("You hold %(tokens)s and have delegated them to yourself: they count from the next snapshot on.")
        return [text % held]
    return [gettext("Your tokens are delegated to %(delegate)s now.") % {"delegate": named(place, chain.delegate)}]


def _may_override(voter: Voter) -> list[str]:
    if not _overridable(voter.told):
        return []
    return [
        gettext(
            "This governor lets holders vote in place of their delegate (castOverrideVote). This page does not offer "
            "that."
        )
    ]


def _source(voter: Voter) -> str:
    if voter.chain is not None:
        return gettext("Asked of the chain at block %(block)s.") % {"block": f"{voter.chain.block:,}"}
    if voter.read_block is not None:
        return gettext("This is what was read of the chain up to block %(block)s.") % {"block": f"{voter.read_block:,}"}
    return gettext("The chain could not be asked just now; this is what the mirror has read.")


def revert_words(data: bytes) -> str:
    """A revert in words: the reason where it is known, else the decoded error, or its bytes."""
    decoded = abi.decode_error(data)
    if decoded is None:
        return hex_text(data[:36]) if data else gettext("no reason given")
    known = _REFUSALS.get(decoded.name)
    return gettext(known) if known else one_line(str(decoded), 200)


def _amount(place: DaoView, base_units: int) -> str:
    """Voting power with its symbol, cut at two decimals; whole where nothing else would be left of it."""
    shown = place.votes_asset.text(base_units, 2)
    return place.votes_asset.text(base_units, None) if base_units and shown.startswith("0…") else shown
