# SPDX-License-Identifier: Apache-2.0
"""A calendar of when votes end (RFC 5545): one event a vote, by its UID; a SEQUENCE that rises where its end moved.

Written by hand: a dozen properties. What has a time of its own on chain is exact; an end that counts blocks is about.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext

from governance.models import Proposal
from governance.open_proposals import open_proposals
from policies.notation.visible import one_line
from presentation.dao_view import DaoView, is_never
from presentation.proposals import ProposalRow, rows_of, without_doubts
from webapp.models import VoteEnd

_MOST = 200
_KEPT_S = 60 * 86_400  # after a vote's end: a calendar that looks rarely learns that it was canceled


def calendar(place: DaoView) -> str:
    """The calendar of a DAO's votes, as text with the line ends that the standard asks for."""
    host = urlsplit(settings.ORIGIN).hostname or "localhost"
    name = gettext("Votes of %(dao)s") % {"dao": one_line(place.dao.name, 80)}
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Mandate//Votes//EN", "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{_text(name)}", "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]  # fmt: skip
    for row, end in _votes(place):
        lines += _event(place, row, end, host)
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _votes(place: DaoView) -> Iterator[tuple[ProposalRow, VoteEnd]]:
    """The votes that end, or ended lately, with their ends as they were noted, so that a sequence never falls. What one
    node alone shows is no entry, and changes none."""
    governor = place.one("governor")
    if governor is None:
        return
    noted = VoteEnd.objects.filter(dao=place.dao)
    newest = list(noted.order_by("-pk").values_list("onchain_proposal_id", flat=True)[:_MOST])
    found = open_proposals(place.dao, governor, place.now)
    known = Proposal.objects.filter(dao=place.dao, proposal_id__in=newest).values_list("pk", flat=True)
    numbers = list(dict.fromkeys([*found.voting[:_MOST], *found.coming[:_MOST], *known]))
    rows = [without_doubts(place, row) for row in rows_of(place, numbers) if not row.is_doubted]
    ids = [row.proposal.proposal_id for row in rows]
    ends = {one.onchain_proposal_id: one for one in noted.filter(onchain_proposal_id__in=ids)}
    for row in rows:
        # What is not noted yet the next look notes.
        end = ends.get(row.proposal.proposal_id) or VoteEnd(ends_at=row.ends_at, is_over=row.is_called_off)
        if not is_never(end.ends_at) and place.seconds_until(end.ends_at) > -_KEPT_S:
            yield row, end


def _event(place: DaoView, row: ProposalRow, end: VoteEnd, host: str) -> list[str]:
    link = settings.ORIGIN + reverse("proposal", args=[place.dao.slug, row.proposal.proposal_id])
    ends_s = place.now_chain_s + int(place.seconds_until(end.ends_at))
    about = gettext("%(title)s: voting ends (about)") if place.counts_blocks else gettext("%(title)s: voting ends")
    said = gettext("As of block %(block)s: %(state)s.") % {"block": f"{place.block:,}", "state": row.state_text}
    try:
        moment, stamp = _moment(ends_s), _moment(place.now_chain_s)
    except (OverflowError, ValueError, OSError):
        return []  # no calendar has this day
    return [
        "BEGIN:VEVENT",
        f"UID:proposal-{row.proposal.proposal_id}-{place.dao.slug}@{host}",
        f"SEQUENCE:{end.sequence * 2 + end.is_over}",
        f"DTSTAMP:{stamp}",
        f"DTSTART:{moment}",
        f"SUMMARY:{_text(about % {'title': one_line(row.title, 150)})}",
        f"DESCRIPTION:{_text(said)}",
        f"URL:{link}",
        f"STATUS:{'CANCELLED' if end.is_over else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _moment(chain_s: int) -> str:
    return datetime.datetime.fromtimestamp(chain_s, tz=datetime.UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(words: str) -> str:
    """A value of type TEXT: one line, with what the standard gives a meaning escaped."""
    return re.sub(r"([\\;,])", r"\\\1", one_line(words))


def _folded(line: str) -> str:
    """A line in pieces of at most 75 octets, none cut inside a character."""
    pieces, piece = [], b""
    for character in line:
        encoded = character.encode()
        if len(piece) + len(encoded) > (75 if not pieces else 74):
            pieces.append(piece)
            piece = b""
        piece += encoded
    return "\r\n ".join(part.decode() for part in [*pieces, piece])
