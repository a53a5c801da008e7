# SPDX-License-Identifier: Apache-2.0
"""Acts that members may still object to."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from governance.models import Act
from presentation.dao_view import DaoView


def objectable(place: DaoView, limit: int = 20) -> list[Act]:
    """Acts that members may still object to, by when they can be released: scheduled, and not past that window."""
    return list(_objectable(place).order_by("releasable_chain_s", "id")[:limit])


def objectable_count(place: DaoView) -> int:
    """How many acts members may still object to."""
    return _objectable(place).count()


def _objectable(place: DaoView) -> QuerySet[Act]:
    return (
        Act.objects.filter(dao=place.dao, status=Act.Status.SCHEDULED)
        .filter(Q(expires_chain_s=None) | Q(expires_chain_s__gte=place.now_chain_s))
        .select_related("log", "module")
        .prefetch_related("calls", "objections")
    )
