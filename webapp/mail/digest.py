# SPDX-License-Identifier: Apache-2.0
"""What a digest says: for each decision its state, the summary's sentences with their sources, and one link to it.

One summary per proposal is shared by all; per delegate only order and the line about their own vote differ.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from agent.acts.words import reason_of
from agent.understanding.words import shown
from governance.models import Act, Proposal, Vote
from governance.numbers import grouped
from governance.sentences import worded
from governance.state import State
from policies.notation.visible import one_line
from presentation import hanging, unanswered, unpaid, words
from presentation.acts import confirmed_objections, counted_as_of_now, doubt_about_end, doubt_about_start, objectable
from presentation.calls import call_words
from presentation.card import RED, Tag, card_of, is_by_model, lines_of
from presentation.dao_view import DaoView, is_never
from presentation.power import powers_at_snapshots
from presentation.proposals import page_of_proposals, proposal_row, summary_of, without_doubts
from webapp.mail.kinds import Topic
from webapp.models import Reader

_MOST_EFFECTS = 12
T = TypeVar("T")


@dataclass
class Item:
    """One decision: hostile texts have passed `one_line`, templates escape them for their format."""

    title: str
    link: str
    lines: list[str]
    verdict: str = ""
    tag: Tag | None = None  # the outcome of text against calls, for the subject and beside the title
    promised: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    sentences: list[dict[str, str]] = field(default_factory=list)
    model: str = ""
    own_vote: str = ""
    has_voted: bool = False
    written: dict[str, SafeString] = field(default_factory=dict, compare=False)  # parts that are the same for all

    def _part(self, name: str) -> SafeString:
        """A part of what a mail says of it, which names no reader: written once for all mails that share it."""
        if name not in self.written:
            self.written[name] = render_to_string(f"mail/_item_{name}", {"item": self})
        return self.written[name]

    @property
    def head_txt(self) -> SafeString:
        return self._part("head.txt")

    @property
    def rest_txt(self) -> SafeString:
        return self._part("rest.txt")

    @property
    def head_html(self) -> SafeString:
        return self._part("head.html")

    @property
    def rest_html(self) -> SafeString:
        return self._part("rest.html")


@dataclass
class Mail:
    """A digest ready to be sent."""

    subject: str
    text: str
    html: str


_DOT = re.compile(r"(?<=\w)[.．](?=[^\W\d_]{2,})")  # as in a host's name, and in an address of e-mail


def told(text: str, limit: int) -> str:
    """A stranger's words for a mail: on one line, and no word that a mail program makes a link of."""
    line = one_line(text, limit).replace("://", "[:]//")
    return _DOT.sub("[.]", re.sub(r"(?i)\bwww\.", "www[.]", line))


def of_proposal(place: DaoView, proposal: Proposal, delegate: bytes | None) -> Item:
    """A proposal as an item. Its summary must have been read with it (`presentation.proposals` does)."""
    row, summary = without_doubts(place, proposal_row(place, proposal)), summary_of(proposal)
    lines = [gettext("State: %(state)s.") % {"state": row.state_text}]
    if row.state is State.ACTIVE:
        left = place.until_text(row.facts.deadline)
        until = {"left": left, "end": place.clock_text(row.facts.deadline)}
        if is_never(row.facts.deadline):
            lines.append(gettext("The vote has no end."))
        else:
            lines.append(gettext("%(left)s left to vote (until %(end)s).") % until if left else gettext("Closing now."))
    elif row.state is State.PENDING and is_never(proposal.snapshot):
        lines.append(gettext("Voting never starts."))
    elif row.state is State.PENDING:
        lines.append(gettext("Voting starts %(start)s.") % {"start": place.clock_text(proposal.snapshot)})
    lines.append(
        gettext("For %(for)s, against %(against)s, abstain %(abstain)s.")
        % {
            "for": place.votes_asset.text(row.for_votes, 2),
            "against": place.votes_asset.text(row.against_votes, 2),
            "abstain": place.votes_asset.text(row.abstain_votes, 2),
        }
    )
    lines += row.notes
    own, voted = "", False
    if delegate is not None:
        voted = Vote.objects.filter(proposal=proposal, voter=delegate, log__unconfirmed=None).exists()
        own = _of_voter(place, proposal, delegate, voted)
    item = Item(
        told(row.title, 200),
        settings.ORIGIN + reverse("proposal", args=[place.dao.slug, proposal.proposal_id]),
        lines,
        own_vote=own,
        has_voted=voted,
    )
    if summary is None:
        item.lines.append(gettext("What its calls do is not computed yet."))
        return item
    card = card_of(summary)
    item.verdict, item.tag = gettext("%(verdict)s.") % {"verdict": words.verdict(summary.verdict)}, card.tag
    item.promised = [told(promise, 300) for promise in card.promised[:_MOST_EFFECTS]]
    item.lines += [told(f"{note} “{quote.text}”", 400) for note, quote in card.doubts[:_MOST_EFFECTS]]
    item.flags = [told(shown(flag.get("sentence"), flag["text"]), 300) for flag in summary.flags]
    # As on the page: what no word tells comes first, each with its outcome in front.
    item.effects = [
        told(f"{view.tag.words}: {view.sentence}" if view.tag else view.sentence, 300)
        for view in card.effects[:_MOST_EFFECTS]
    ]
    if (more := len(summary.effects) - _MOST_EFFECTS) > 0:
        shown_elsewhere = ngettext(
            "And %(count)s more, which only the proposal's page shows.",
            "And %(count)s more, which only the proposal's page shows.",
            more,
        )
        item.effects.append(shown_elsewhere % {"count": more})
    item.sentences = [
        {
            "text": told(line.text, 600), "quote": told(line.quote, 600), "source": line.source,
            "link": f"{item.link}#{told(line.anchor, 40)}" if line.anchor else "",
        }
        for line in lines_of(summary)
    ]  # fmt: skip
    if is_by_model(summary):
        item.model = told(summary.model_name, 80)
        if summary.model_is_demo:
            item.model = gettext("%(model)s (demo model)") % {"model": item.model}
    return item


def _of_voter(place: DaoView, proposal: Proposal, account: bytes, voted: bool) -> str:
    """What the reader's address did about a proposal, and with how much power it votes."""
    power = None if voted else powers_at_snapshots(place, account, [proposal]).get(proposal.pk)
    return _in_words(place, account, voted, power)


def _in_words(place: DaoView, account: bytes, voted: bool, power: int | None) -> str:
    who = {"account": words.short(words.address_text(account))}
    if voted:
        return gettext("%(account)s has voted.") % who
    if power is None:
        return gettext("%(account)s has not voted yet. Its voting power for this is not known here.") % who
    if not power:
        return gettext("%(account)s has not voted yet. No voting power of it was read for this vote.") % who
    who["power"] = place.votes_asset.text(power, 2)
    return gettext("%(account)s has not voted yet. It votes with %(power)s.") % who


def of_act(place: DaoView, act: Act, *, waits: bool = True) -> Item:
    """An act of the agent. `waits`: for objections."""
    lines = [
        told(call_words(place, bytes(call.target), call.value_wei, bytes(call.calldata)), 300)
        for call in act.calls.all()
    ]
    lines += [doubt for doubt in (doubt_about_start(act), doubt_about_end(act)) if doubt]
    if not waits:
        return Item("", link_of(place, act), lines)
    if act.releasable_chain_s:
        lines.append(gettext("Not before %(moment)s.") % {"moment": words.moment(act.releasable_chain_s)})
    if act.objection_threshold:
        lines.append(
            gettext("Objections so far %(power)s of the %(threshold)s that stop it.")
            % {
                "power": place.votes_asset.text(confirmed_objections(act), 2),
                "threshold": place.votes_asset.text(act.objection_threshold, 2),
            }
        )
        lines.append(gettext("Whoever has voting power for it can object on its page, by the link here."))
    if as_of_now := counted_as_of_now(act.module):
        lines.append(as_of_now)
    title = gettext("The agent wants to perform act %(number)s") % {"number": act.number}
    return Item(title, link_of(place, act), lines)


def link_of(place: DaoView, act: Act) -> str:
    return settings.ORIGIN + reverse("agent", args=[place.dao.slug]) + f"#act-{act.pk}"


def of_waiting(place: DaoView, one: unanswered.Waiting) -> Item:
    """A request that waits for its operator."""
    lines = [
        gettext("Since %(since)s nobody has signed it.") % {"since": words.when(one.since)},
        gettext("Asked: “%(text)s”.") % {"text": told(one.request.text, 300)},
        gettext("Why it needs the operator: %(why)s.") % {"why": told(worded(reason_of(one.request)), 400)},
    ]
    title = gettext("Request %(number)s waits for the operator") % {"number": one.request.pk}
    return Item(title, settings.ORIGIN + reverse("request", args=[place.dao.slug, one.request.pk]), lines)


def of_hanging(place: DaoView, one: hanging.Hanging) -> Item:
    """A request that does not get on."""
    lines = [
        gettext("Asked: “%(text)s”.") % {"text": told(one.request.text, 300)},
        gettext("It is under way since %(since)s, and nobody has to sign it.") % {"since": words.when(one.since)},
        gettext("Why: %(why)s.") % {"why": told(one.why, 400)},
        one.advice,
    ]
    return Item(
        told(one.title, 200), settings.ORIGIN + reverse("request", args=[place.dao.slug, one.request.pk]), lines
    )


def of_unpaid(place: DaoView, one: unpaid.Unpaid) -> Item:
    """What was due or decided, and was not carried out."""
    lines = [
        gettext("Asked for: “%(text)s”.") % {"text": told(one.asked, 300)},
        gettext("Why: %(why)s.") % {"why": told(one.why, 400)},
        gettext(
            "It is not asked for again by itself. The operator, or who asked, may ask again; whether it was paid in "
            "another way since is to be looked at first."
        ),
    ]
    page, its = one.route
    return Item(told(one.title, 200), settings.ORIGIN + reverse(page, args=[place.dao.slug, its]), lines)


_OF_VOTES = frozenset({Topic.CREATED, Topic.OPENED, Topic.LAST_DAY})


def open_items(place: DaoView, delegate: bytes | None, topics: Collection[str] = Topic.values) -> list[Item]:
    """Everything of these topics that needs a decision now: acts first (they end soonest), then votes, those not cast
    yet first."""
    acts = of_all(place, "acts", _acts) if Topic.SCHEDULED in topics else []
    late = of_all(place, "late", _late) if Topic.NEEDS_YOU in topics else []
    return [*acts, *(_open_votes(place, delegate) if _OF_VOTES & set(topics) else []), *late]


_kept: WeakKeyDictionary[DaoView, dict[str, Any]] = WeakKeyDictionary()


def of_all(place: DaoView, name: str, make: Callable[[DaoView], T]) -> T:
    """What is the same for all readers of a DAO, made once for each view of it: as long as one lives, it is of one
    block."""
    kept = _kept.setdefault(place, {})
    if name not in kept:
        kept[name] = make(place)
    return kept[name]


def _acts(place: DaoView) -> list[Item]:
    return [of_act(place, act) for act in objectable(place)]


def _late(place: DaoView) -> list[Item]:
    late = [of_waiting(place, one) for one in unanswered.unanswered(place.dao)]
    late += [of_hanging(place, one) for one in hanging.left_hanging(place.dao)]
    return late + [of_unpaid(place, one) for one in unpaid.left_undone(place.dao)]


def _votes(place: DaoView) -> list[tuple[Proposal, Item]]:
    rows, _ = page_of_proposals(place, only_open=True, size=50)
    return [
        (row.proposal, of_proposal(place, row.proposal, None))
        for row in (without_doubts(place, row) for row in rows if not row.is_doubted)
        if row.state in (State.PENDING, State.ACTIVE, State.SUCCEEDED, State.QUEUED)
    ]


def _open_votes(place: DaoView, delegate: bytes | None) -> list[Item]:
    """What needs a vote or a step, for one reader: two queries."""
    votes = of_all(place, "votes", _votes)
    if delegate is None:
        return [item for _, item in votes]
    proposals = [proposal for proposal, _ in votes]
    cast = Vote.objects.filter(proposal__in=proposals, voter=delegate, log__unconfirmed=None)
    voted = set(cast.values_list("proposal_id", flat=True))
    powers = powers_at_snapshots(place, delegate, proposals)
    own = [
        replace(
            item, own_vote=_in_words(place, delegate, proposal.pk in voted, powers.get(proposal.pk)),
            has_voted=proposal.pk in voted,
        )
        for proposal, item in votes
    ]  # fmt: skip
    return sorted(own, key=lambda item: item.has_voted)


@dataclass
class Section:
    """What a mail says of one DAO: decisions, and (`news`: text and link) what happened since the digest before."""

    place: DaoView
    items: list[Item]
    news: list[tuple[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return told(self.place.dao.name, 80)

    @property
    def block(self) -> str:
        """The last block that was read: all this is of it."""
        return grouped(self.place.block)

    @property
    def at(self) -> str:
        """The block's moment."""
        return words.moment(self.place.now_chain_s)


def compose(reader: Reader, sections: list[Section], heading: str, unsubscribe: str) -> Mail:
    """The mail of these sections, text and HTML saying the same."""
    first = sections[0]
    name = first.name if len(sections) == 1 else gettext("%(name)s and others") % {"name": first.name}
    items = [item for section in sections for item in section.items]
    context = {
        "heading": heading,
        "title": _titled(name, heading),
        "sections": sections,
        "is_of_several": len(sections) > 1,
        "phrase": told(reader.phrase, 80),
        "unsubscribe": unsubscribe,
        "own": settings.ORIGIN + reverse("own"),
    }
    subject = one_line(_titled(name, _with_outcome(heading, items)), 140)
    return Mail(subject, render_to_string("mail/digest.txt", context), render_to_string("mail/digest.html", context))


def _with_outcome(heading: str, items: list[Item]) -> str:
    """A subject that begins with what is wrong: one proposal's outcome, or how many of several are red."""
    tags = [item.tag for item in items if item.tag]
    if len(items) == 1 and tags:
        return gettext("%(outcome)s: %(heading)s") % {"outcome": tags[0].words, "heading": heading}
    counts = Counter(tag.words for tag in tags if tag.kind in RED)
    return ", ".join([*(f"{count} {words}" for words, count in counts.items()), heading])


def _titled(dao: str, heading: str) -> str:
    return gettext("%(dao)s: %(heading)s") % {"dao": dao, "heading": heading}
