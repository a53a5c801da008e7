# SPDX-License-Identifier: Apache-2.0
"""A DAO's contracts, the rules of its votes, who may stop its agent, and how much of its tokens votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from governance import asked_power
from governance.numbers import grouped
from governance.power import totals
from presentation import labels, words
from presentation.dao_view import DaoView
from webapp.rendering import render_page


@dataclass(frozen=True)
class Rules:
    """What the governor said of itself when it was looked at in block `probed_block`; None: it did not say. Lengths of
    time are in the governor's clock, amounts base units of the votes token."""

    clock: str
    voting_delay: int | None
    voting_period: int | None
    late_quorum_extension: int | None
    proposal_threshold: int | None
    quorum_numerator: int | None
    quorum_denominator: int | None
    timelock_delay_s: int | None
    probed_block: int | None


def rules_of(told: dict[str, Any], clock: str) -> Rules:
    """Read them from a governor's capabilities."""

    def whole(name: str) -> int | None:
        value = told.get(name)
        return None if value is None else int(value)

    names = (
        "voting_delay", "voting_period", "late_quorum_extension", "proposal_threshold", "quorum_numerator",
        "quorum_denominator", "timelock_delay_s", "probed_block",
    )  # fmt: skip
    return Rules(clock, *(whole(name) for name in names))


def clock_of(place: DaoView) -> str:
    """What the governor's clock counts, as the API says it."""
    return "l1_block" if place.counts_l1_blocks else "block" if place.counts_blocks else "timestamp"


def in_words(place: DaoView, rules: Rules) -> list[tuple[str, str]]:
    """The rules as (what, how much) in words; what is not known is said so."""
    unknown = gettext("not known here")

    def length(value: int | None) -> str:
        if value is None:
            return unknown
        if rules.clock == "timestamp":
            return words.duration(value)
        return ngettext("%(count)s block", "%(count)s blocks", value) % {"count": grouped(value)}

    threshold = rules.proposal_threshold
    if rules.quorum_numerator is None or not rules.quorum_denominator:
        quorum = gettext("not told as a share: each proposal shows its own")
    else:
        share = words.percent(rules.quorum_numerator, rules.quorum_denominator)
        quorum = gettext("%(share)s of the supply at a proposal's snapshot") % {"share": share}
    found = [
        (gettext("Wait before a vote begins"), length(rules.voting_delay)),
        (gettext("Length of a vote"), length(rules.voting_period)),
        (gettext("Quorum"), quorum),
        (
            gettext("Votes that a proposal takes"),
            unknown if threshold is None else place.votes_asset.text(threshold, 2),
        ),
    ]
    if rules.late_quorum_extension is not None:
        found.append((gettext("More time where the quorum comes late"), length(rules.late_quorum_extension)))
    if place.one("timelock"):
        delay = rules.timelock_delay_s
        found.append((gettext("Wait in the timelock"), unknown if delay is None else words.duration(delay)))
    return found


@require_safe
@ensure_csrf_cookie
def info(request: HttpRequest, slug: str) -> HttpResponse:
    """What the DAO is made of."""
    place = DaoView.of(slug)
    governor, token = place.one("governor"), place.one("votes_token")
    rules = rules_of(governor.capabilities, clock_of(place)) if governor else None
    supply = token.capabilities.get("total_supply") if token else None
    power = None if asked_power.degraded(place.dao) is not None else totals(place.dao)
    return render_page(
        request,
        "info.html",
        place,
        "info",
        contracts=[
            (str(labels.CONTRACTS.get(kind) or place.asset(bytes(contract.address)).name), contract)
            for kind, contracts in place.contracts.items()
            for contract in contracts
        ],
        rules=in_words(place, rules) if rules else [],
        probed_block=rules.probed_block if rules else None,
        modules=[
            (module, place.module_states.get(module.pk), place.doubt_about_pause(module.pk))
            for module in place.contracts["module"]
        ],
        power=power,
        supply=None if supply is None else int(supply),
    )
