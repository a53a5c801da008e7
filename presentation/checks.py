# SPDX-License-Identifier: Apache-2.0
"""What the chain itself answered about a DAO, beside what the mirror has."""

from __future__ import annotations

from governance.models import OnchainCheck
from presentation.dao_view import DaoView


def checks_of(place: DaoView, prefix: str) -> dict[str, OnchainCheck]:
    """What the chain itself answered about a subject, by what was asked (`state`, `votes`, ...)."""
    found = OnchainCheck.objects.filter(dao=place.dao, subject__startswith=prefix)
    return {check.subject.removeprefix(prefix): check for check in found}
