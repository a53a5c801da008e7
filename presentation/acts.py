# SPDX-License-Identifier: Apache-2.0
"""Acts that members may still object to."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from governance import builds
from governance.models import Act, Contract
from presentation.dao_view import DaoView


def objectable(place: DaoView, limit: int = 20) -> list[Act]:
    """Acts that members may still object to, by when they can be released: not past that window, and not over, or over
    by one node's word alone."""
    return list(_objectable(place).order_by("releasable_chain_s", "id")[:limit])


def objectable_count(place: DaoView) -> int:
    """How many acts members may still object to."""
    return _objectable(place).count()


# Acts that may still be stopped: what wait, and what were announced and are over by one node's word alone. Objecting is
# withdrawn on nobody's word that is not confirmed.
MAY_BE_STOPPED = Q(status=Act.Status.SCHEDULED) | Q(act_id__isnull=False, final_log__unconfirmed__isnull=False)


def is_end_in_doubt(act: Act) -> bool:
    """Whether one node alone shows that an announced act is over."""
    return bool(act.act_id) and act.final_log is not None and hasattr(act.final_log, "unconfirmed")


def doubt_about_end(act: Act) -> str:
    """A sentence where one node alone shows that an announced act is over; empty for others."""
    if not is_end_in_doubt(act):
        return ""
    return gettext("One node alone shows that this act is over. It may still be waiting, and may be stopped.")


def doubt_about_start(act: Act) -> str:
    """A sentence where one node alone shows that there is this act; empty for others."""
    if not hasattr(act.log, "unconfirmed"):
        return ""
    return gettext("One node alone shows this act: it is not confirmed.")


def confirmed_objections(act: Act) -> int:
    """The voting power of the objections without those that one node alone shows, base units of the votes token."""
    doubted = sum(row.power for row in act.objections.all() if hasattr(row.log, "unconfirmed"))
    return max(0, act.objection_power - doubted)


def who_may_object(module: Contract) -> str:
    """Return whose objections the module counts, and of when, in the reader's language."""
    match module.capabilities.get("votes_adapter"):
        case builds.SAFE_OWNERS:
            text = gettext("Whoever is an owner of the Safe %(safe)s when they object may object, once, with one vote.")
            return text % {"safe": module.capabilities.get("adapted_token") or gettext("behind the module's votes")}
        case builds.UNKNOWN_ADAPTER:
            return gettext("Anybody with voting power may object, once. As of when it counts is not known.")
    return gettext("Anybody who had voting power when the act was announced may object, once.")


def counted_as_of_now(module: Contract) -> str:
    """Return what of the votes counts as of now and not of when an act was announced, or that it is not known; empty
    where nothing is known to."""
    match module.capabilities.get("votes_adapter"):
        case builds.PRIOR_VOTES:
            return gettext(
                "The total supply counts as of now, for the votes token keeps no past one: tokens that are minted or "
                "burned after an act was announced change how many objections stop it."
            )
        case builds.SAFE_OWNERS:
            return gettext(
                "Owners count as of now, for a Safe keeps no past ones: an owner who was removed since an act was "
                "announced can't object to it, and one who was added can. The share of all votes that stops an act is "
                "one of the owners that the Safe has when somebody objects: rounded down to whole owners, and never "
                "less than one."
            )
        case builds.UNKNOWN_ADAPTER:
            text = gettext(
                "The module counts the votes of %(token)s by another contract, whose code is not known here: as of "
                "when votes and their total count is not known."
            )
            return text % {"token": module.capabilities.get("adapted_token") or gettext("a token")}
    return ""


def _objectable(place: DaoView) -> QuerySet[Act]:
    return (
        Act.objects.filter(MAY_BE_STOPPED, dao=place.dao)
        .filter(Q(expires_chain_s=None) | Q(expires_chain_s__gte=place.now_chain_s))
        .select_related("log__unconfirmed", "final_log__unconfirmed", "module")
        .prefetch_related("calls", "objections__log__unconfirmed")
    )
