# SPDX-License-Identifier: Apache-2.0
"""What an account reads about itself beside the vote: what matters most, then sentences."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop, ngettext

from governance.chain import abi
from governance.models import Proposal, Vote
from governance.numbers import grouped
from governance.state import State
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line
from presentation import labels, words
from presentation.dao_view import DaoView, is_never
from presentation.mine import named
from presentation.power import delegators_at, fixed_elsewhere
from presentation.proposals import parts_in_words
from webapp.proposals.voter import Voter, overridable, votes_once

NAMED_DELEGATORS = 6  # that a sentence names
_REFUSALS = {
    "GovernorUnexpectedProposalState": gettext_noop("the proposal is not open for votes"),
    "GovernorAlreadyCastVote": gettext_noop("this account has voted on this proposal already"),
}


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
    if voter.is_unsettled and not voter.was_tried:
        differing = gettext(
            "The chain's answers about this proposal's state differ from the mirror's or from each other, and no trial "
            "said that the governor takes a vote: none is offered here until the chain is asked again."
        )
        return Told(
            gettext("Whether this proposal is open for votes is not known."), [differing, *sentences, _source(voter)]
        )
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
        % {"block": grouped(voter.chain.block)}
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
    if voter.is_unsettled and not voter.was_tried and not votes_once(voter.told):
        return [gettext("Whether another vote is taken now is not known: answers about the state differ.")]
    if votes_once(voter.told):
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
    if not overridable(voter.told):
        return []
    return [
        gettext(
            "This governor lets holders vote in place of their delegate (castOverrideVote). This page does not offer "
            "that."
        )
    ]


def _source(voter: Voter) -> str:
    if voter.chain is not None:
        return gettext("Asked of the chain at block %(block)s.") % {"block": grouped(voter.chain.block)}
    if voter.read_block is not None:
        return gettext("This is what was read of the chain up to block %(block)s.") % {
            "block": grouped(voter.read_block)
        }
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
