# SPDX-License-Identifier: Apache-2.0
"""What each kind of news says in a mail: its heading, and the decision it is about."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from governance.models import Act, Proposal
from policies.notation.hexadecimal import hex_bytes
from presentation import titles
from presentation.acts import MAY_BE_STOPPED
from presentation.ballots import ballots_of
from presentation.dao_view import DaoView
from presentation.mine import named
from presentation.proposals import proposal_of
from webapp.mail import digest, facts
from webapp.mail.kinds import OF_ACTS, OF_MODULES, OF_PROPOSALS, Kind

_OF_PROPOSALS: Mapping[Kind, str] = {
    Kind.CREATED: gettext_noop("new proposal: %(title)s"),
    Kind.JUDGED: gettext_noop("text and calls were compared again: %(title)s"),
    Kind.OPENED: gettext_noop("the vote is open: %(title)s"),
    Kind.LAST_DAY: gettext_noop("the vote ends soon: %(title)s"),
    Kind.QUORUM: gettext_noop("the quorum is reached: %(title)s"),
    Kind.PASSED: gettext_noop("passed: %(title)s"),
    Kind.FAILED: gettext_noop("did not pass: %(title)s"),
    Kind.QUEUED: gettext_noop("queued: %(title)s"),
    Kind.EXECUTED: gettext_noop("executed: %(title)s"),
    Kind.CANCELED: gettext_noop("canceled: %(title)s"),
    Kind.VETOED: gettext_noop("vetoed: %(title)s"),
    Kind.MAY_QUEUE: gettext_noop("you can queue it: %(title)s"),
    Kind.MAY_EXECUTE: gettext_noop("you can execute it: %(title)s"),
    Kind.DELEGATE_VOTED: gettext_noop("your delegate voted: %(title)s"),
}
_OF_ACTS: Mapping[Kind, str] = {
    Kind.ACT_SCHEDULED: gettext_noop("the agent wants to perform act %(number)s"),
    Kind.ACT_EXECUTED: gettext_noop("the agent performed act %(number)s"),
    Kind.ACT_RELEASED: gettext_noop("the agent performed act %(number)s after its delay"),
    Kind.ACT_KILLED: gettext_noop("objections stopped act %(number)s"),
    Kind.ACT_VETOED: gettext_noop("act %(number)s was vetoed"),
    Kind.ACT_VOIDED: gettext_noop("act %(number)s was voided"),
    Kind.MAY_VETO: gettext_noop("you may veto act %(number)s"),
}
_TITLES: Mapping[Kind, str] = {
    Kind.ACT_SCHEDULED: gettext_noop("The agent wants to perform act %(number)s"),
    Kind.MAY_VETO: gettext_noop("The agent wants to perform act %(number)s"),
    Kind.ACT_EXECUTED: gettext_noop("The agent performed act %(number)s"),
    Kind.ACT_RELEASED: gettext_noop("The agent performed act %(number)s after its delay"),
    Kind.ACT_KILLED: gettext_noop("Objections stopped act %(number)s"),
    Kind.ACT_VETOED: gettext_noop("Act %(number)s was vetoed"),
    Kind.ACT_VOIDED: gettext_noop("Act %(number)s was voided"),
}
_CORRECTIONS: Mapping[Kind, tuple[str, str]] = {
    Kind.CREATED: (
        gettext_noop("correction: a proposal was removed"),
        gettext_noop(
            "A reorganisation of the chain removed a proposal that we wrote to you about. It may come back."
        ),
    ),
    Kind.ACT_SCHEDULED: (
        gettext_noop("correction: an act of the agent was removed"),
        gettext_noop(
            "A reorganisation of the chain removed an act of the agent that we wrote to you about. It may come back."
        ),
    ),
}  # fmt: skip


class Gone(Exception):
    """What news are about is not in the mirror any more."""


def letter(place: DaoView, kind: Kind, key: str, account: bytes | None) -> tuple[str, digest.Item]:
    """The heading of news and the decision they are about. What a text says of its calls must have been read."""
    if kind in OF_PROPOSALS:
        proposal = proposal_of(place, facts.number_of(kind, key))
        item = digest.of_proposal(place, proposal, account)
        if kind is Kind.DELEGATE_VOTED:
            item.lines.insert(0, _delegates_vote(place, proposal, key))
        return gettext(_OF_PROPOSALS[kind]) % {"title": item.title}, item
    if kind in OF_ACTS:
        act = facts.acts_of(place, key).first()
        if act is None:
            raise Gone
        return gettext(_OF_ACTS[kind]) % {"number": act.number}, _act(place, kind, act)
    assert kind in OF_MODULES
    return _pause(place, kind)


def _act(place: DaoView, kind: Kind, act: Act) -> digest.Item:
    waits = Act.objects.filter(MAY_BE_STOPPED, pk=act.pk).exists()
    item = digest.of_act(place, act, waits=waits)
    item.title = gettext(_TITLES[kind]) % {"number": act.number}
    return item


def _pause(place: DaoView, kind: Kind) -> tuple[str, digest.Item]:
    link = settings.ORIGIN + reverse("agent", args=[place.dao.slug])
    if kind is Kind.PAUSED:
        title = gettext("The agent is paused")
        text = gettext("No act of its can be paid until a vote lifts the pause. Acts that were announced are void.")
        return gettext("the agent is paused"), digest.Item(title, link, [text])
    title = gettext("The pause of the agent is lifted")
    text = gettext("It may perform acts again, within the policies that are in force.")
    return gettext("the pause of the agent is lifted"), digest.Item(title, link, [text])


def _delegates_vote(place: DaoView, proposal: Proposal, key: str) -> str:
    """How a delegate voted, in words."""
    delegate = hex_bytes(key.partition(":")[2])
    found = ballots_of(place, delegate, [proposal]).get(proposal.pk)
    values = {"who": named(place, delegate)}
    if found is None or not found.is_confirmed:
        return gettext("Your delegate %(who)s voted on it.") % values
    values |= {"choice": found.choice, "power": place.votes_asset.text(found.weight, 2)}
    return gettext("Your delegate %(who)s voted: %(choice)s, with %(power)s.") % values


def correction(place: DaoView, kind: Kind, key: str) -> tuple[str, digest.Item]:
    """What is written where news that we sent are not so any more."""
    page = "proposals" if kind in OF_PROPOSALS else "agent"
    link = settings.ORIGIN + reverse(page, args=[place.dao.slug])
    if kind in _CORRECTIONS:
        heading, text = (gettext(words) for words in _CORRECTIONS[kind])
        return heading, digest.Item(gettext("Correction"), link, [text])
    said = heading_of(place, kind, key)
    # No quotation: of a proposal that is gone, the title that we wrote is not known any more.
    text = gettext(
        "We wrote to you that this is so: %(said)s. As the chain is now, it is not. It may come to be so again."
    )
    heading = gettext("correction: not so any more: %(said)s") % {"said": said}
    return heading, digest.Item(gettext("Correction"), link, [text % {"said": said}])


def heading_of(place: DaoView, kind: Kind, key: str) -> str:
    """The heading that news had, also of a proposal that is gone."""
    if kind in OF_MODULES:
        return _pause(place, kind)[0]
    if kind in OF_ACTS:
        return gettext(_OF_ACTS[kind]) % {"number": title_of(place, kind, key)}
    return gettext(_OF_PROPOSALS[kind]) % {"title": title_of(place, kind, key)}


def title_of(place: DaoView, kind: Kind, key: str) -> str:
    """How news name what they are about: an act's number, or a proposal's title."""
    if kind in OF_ACTS:
        return key.rpartition(":")[2]
    number = facts.number_of(kind, key)
    row = facts.row_of(place, number)
    if row is None:
        return gettext("proposal %(number)s") % {"number": titles.short_number(number)}
    return digest.told(row.title, 120)
