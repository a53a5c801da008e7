# SPDX-License-Identifier: Apache-2.0
"""The list of proposals, and the page of one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from governance import asked_power
from governance.capabilities import takes_signed_ballots
from governance.chain.address import BadAddress, to_bytes
from governance.models import Proposal
from policies.notation.visible import one_line
from presentation import words
from presentation.calls import action_views, grouped
from presentation.card import Card, LineView, card_of, flags_of, is_by_model, lines_of, meanings
from presentation.checks import checks_of
from presentation.dao_view import DaoView
from presentation.mine import mine
from presentation.paging import PAGE
from presentation.proposals import ProposalRow, proposal_of, proposal_row, summary_of
from webapp import markup
from webapp.proposals import new_power, search, voter_words, votes
from webapp.proposals import voter as voters
from webapp.proposals.discussion import discussion_in
from webapp.proposals.next_step import cancel_step, next_step
from webapp.proposals.read import names_of_ens, policy_in, reorgs_of, timeline
from webapp.rendering import account_asked_for, own_votes, page_number, render_page


@require_safe
@ensure_csrf_cookie
def proposals(request: HttpRequest, slug: str) -> HttpResponse:
    """All proposals, newest first; of the open ones what ends first; or what is looked for."""
    place = DaoView.of(slug)
    page = page_number(request)
    asked, problem = _asked(request)
    found = search.page_of(place, asked, page=page)
    rows, count = found.rows, found.count
    own = own_votes(request, place, rows)
    account = f"&account={words.address_text(own['me']['account'])}" if "me" in own else ""
    return render_page(
        request,
        "proposals.html",
        place,
        "proposals",
        rows=rows,
        search=asked,
        by=words.address_text(asked.by) if asked.by else "",
        by_problem=problem,
        shows=list(search.SHOWS.items()),
        most_counted=search.MOST_COUNTED,
        count=count,
        near=found.near,
        page=page,
        pages=max(1, -(-min(count, search.MOST_COUNTED) // PAGE) if not asked.is_plain else -(-count // PAGE)),
        query=asked.query(words.address_text(asked.by) if asked.by else "") + account,
        **own,
    )


def _asked(request: HttpRequest) -> tuple[search.Search, str]:
    """What is looked for, and what is wrong with the address that was written, in words."""
    by, problem = None, ""
    if written := request.GET.get("by", "").strip():
        try:
            by = to_bytes(written)
        except BadAddress as error:
            problem = gettext("That is no address: %(problem)s.") % {"problem": one_line(str(error))}
    show = request.GET.get("show", "all")
    asked = one_line(request.GET.get("q", "").replace("\0", ""), 200).strip()
    return search.Search(asked, show if show in search.SHOWS else "all", by), problem


@require_safe
@ensure_csrf_cookie
def proposal(request: HttpRequest, slug: str, proposal_id: int) -> HttpResponse:
    """One proposal: text beside effects, summary with its sources, tally, votes, and what can be done now."""
    place = DaoView.of(slug)
    row_proposal = proposal_of(place, proposal_id)
    row, summary = proposal_row(place, row_proposal), summary_of(row_proposal)
    calls = action_views(place, row_proposal, summary)
    card, lines = card_of(summary) if summary else None, lines_of(summary)
    text, heavy = _text(row_proposal, card, lines), votes.heaviest(place, row_proposal)
    return render_page(
        request,
        "proposal.html",
        place,
        "proposals",
        row=row,
        summary=summary,
        card=card,
        dangers=flags_of(summary, dangers=True),
        warnings=flags_of(summary, dangers=False),
        meanings=meanings(),
        lines=lines,
        by_model=is_by_model(summary),
        ens_names=names_of_ens(place, row_proposal),
        calls=grouped(calls),
        calls_count=len(calls),
        text=text,
        discussion=discussion_in(text.links),
        policy=policy_in(place, calls),
        checks=checks_of(place, f"proposal:{proposal_id}:"),
        reorgs=reorgs_of(place, row_proposal),
        degraded=asked_power.degraded(place.dao),
        timeline=timeline(place, row),
        transaction=next_step(place, row, calls),
        cancel=cancel_step(place, row, calls),
        relayer=bool(settings.RELAYER_KEYSTORE) and takes_signed_ballots(place.governor.capabilities),
        **votes.context(request, place, row, page_number(request), heavy),
        new_power=new_power.of_votes_for(place, row, heavy),
        **voter_asked_for(request, place, row),
    )


def _text(proposal: Proposal, card: Card | None, lines: list[LineView]) -> markup.Rendered:
    """The proposal's text, with an anchor where it has words that the card or the summary quotes."""
    words = [*(card.words if card else ()), *(line.words for line in lines if line.words)]
    quotes = {markup.Quote(one.start, one.end, one.text): None for one in words if one.start >= 0}
    return markup.rendered(proposal.description, tuple(quotes))


def voter_asked_for(request: HttpRequest, place: DaoView, row: ProposalRow) -> dict[str, Any]:
    """The account that a reader without JavaScript asked about (`?account=0x...`), with its power and votes as
    they were read; the ballot's own answer asks the chain."""
    account, problem = account_asked_for(request)
    if account is None:
        return {"voter_problem": problem} if problem else {}
    row.mine = mine(place, account, [row])[row.proposal.pk].in_words(place)
    seen = voters.look(place, row.proposal, account, asks_chain=False)
    return {"voter": seen, "voter_words": voter_words.in_words(place, row.proposal, seen)}
