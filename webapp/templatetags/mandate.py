# SPDX-License-Identifier: Apache-2.0
"""How templates write chain values. Everything here escapes what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from agent.models import Summary
from agent.understanding.words import shown
from governance import incidents, sentences
from governance.models import Act, Proposal, SyncIncident, Vote
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line, visible
from presentation import card, labels, titles, words
from presentation.acts import doubt_about_end, doubt_about_start
from presentation.dao_view import DaoView, is_never
from presentation.proposals import parts_in_words
from webapp import markup

register = template.Library()

register.filter("visible", visible)
register.filter("one_line", one_line)
register.filter("hidden_words", words.hidden)
register.filter("markdown", markup.render)
register.filter("reason_markdown", markup.reason)
register.filter("address", words.address_text)
register.filter("hash", hex_text)
register.filter("short", words.short)
register.filter("moment", words.moment)
register.filter("when", words.when)
register.filter("choice", labels.choice)
register.filter("incident_kind", labels.incident)
register.filter("severity", labels.severity)
register.filter("iso", words.iso)
register.filter("duration", words.duration)


@register.filter
def incident_words(incident: SyncIncident) -> str:
    """What went wrong while the chain was read, in the reader's language."""
    return sentences.worded(incidents.words_of(incident))


@register.filter
def worded(item: Mapping[str, Any]) -> str:
    """A flag's sentence in the reader's language."""
    return shown(item.get("sentence"), item["text"])


@register.simple_tag
def outcome(verdict: str) -> card.Tag | None:
    """The tag of an outcome of text against calls."""
    return card.tag(verdict)


@register.filter
def title_of(proposal: Proposal) -> str:
    """One line that names a proposal; never empty."""
    return titles.title_of(proposal.description, proposal.proposal_id)


@register.filter
def reason(summary: Summary) -> str:
    """Why a summary is not written, in the reader's language."""
    return shown({"code": summary.reason_code, "values": summary.reason_values}, summary.reason)


@register.simple_tag
def who(place: DaoView, address: bytes | None) -> SafeString:
    """An account: its name where we have one, and its address, whole in the title and for who copies it."""
    if address is None:
        return format_html('<span class="quiet">{}</span>', gettext("nobody"))
    text = words.address_text(address)
    name = place.names.get(bytes(address))
    if name:
        return format_html(
            '<span class="who"><bdi>{}</bdi> <code title="{}">{}</code></span>', name, text, words.short(text)
        )
    return format_html('<span class="who"><code title="{}">{}</code></span>', text, words.short(text))


@register.simple_tag
def people(place: DaoView, accounts: Sequence[bytes], themselves: bytes | None = None) -> SafeString:
    """Several accounts, one behind the other; `themselves` is who the sentence is about."""
    names = ((gettext("themselves") if account == themselves else who(place, account),) for account in accounts)
    return format_html_join(", ", "{}", names)


@register.simple_tag
def tx(value: bytes) -> SafeString:
    """A transaction's hash."""
    text = hex_text(value)
    title = gettext("transaction %(hash)s") % {"hash": text}
    return format_html('<code class="tx" title="{}">{}</code>', title, words.short(text))


@register.simple_tag
def units(place: DaoView, asset: bytes, base_units: int) -> str:
    """An amount of an asset, with its symbol."""
    return place.asset(asset).text(base_units)


@register.simple_tag
def votes(place: DaoView, base_units: int) -> str:
    """Voting power, with the token's symbol."""
    return place.votes_asset.text(base_units, 2)


@register.simple_tag
def vote_parts(place: DaoView, vote: Vote) -> str:
    """What a vote in parts added to each side; empty for other votes."""
    return parts_in_words(place, vote)


@register.simple_tag
def act_doubts(act: Act) -> list[str]:
    """Sentences that say what of an act one node alone shows."""
    doubts = [doubt_about_start(act), doubt_about_end(act)]
    if any(hasattr(objection.log, "unconfirmed") for objection in act.objections.all()):
        doubts.append(gettext("One node alone shows some of the objections: they are counted here, not confirmed."))
    return [doubt for doubt in doubts if doubt]


@register.simple_tag
def share(part: int, whole: int) -> str:
    """`part` of `whole` in per cent."""
    return words.percent(part, whole)


@register.filter
def bps(share: int) -> str:
    """A share in basis points in per cent."""
    return words.basis_points(share)


@register.simple_tag
def mark(part: int, whole: int) -> int:
    """`part` of `whole` on a line of 1000, for the bars."""
    return min(1000, max(0, part * 1000 // whole)) if whole else 0


@register.simple_tag
def moment_of(place: DaoView, point: int) -> SafeString:
    """A timepoint of the governor's clock: a time, or a block."""
    if place.counts_blocks or is_never(point):
        return format_html("{}", place.clock_text(point))
    return format_html('<time datetime="{}">{}</time>', words.iso(point), words.moment(point))


@register.filter
def never(point: int) -> bool:
    """Whether a timepoint of a clock never comes."""
    return is_never(point)


@register.simple_tag
def left_until(place: DaoView, point: int) -> str:
    """How long until a timepoint of the governor's clock; empty when it has passed."""
    return place.until_text(point)


@register.simple_tag
def voting_left(place: DaoView, point: int) -> str:
    """How long votes are taken until a timepoint of the governor's clock."""
    return place.voting_left(point)


@register.simple_tag
def voting_starts(place: DaoView, point: int) -> str:
    """When voting starts, where it does after a timepoint of the governor's clock."""
    return place.voting_starts(point)


@register.simple_tag
def left_until_time(place: DaoView, chain_s: int | None) -> str:
    """How long until a chain time; empty when it has passed."""
    return words.duration(chain_s - place.now_chain_s) if chain_s and chain_s > place.now_chain_s else ""
