# SPDX-License-Identifier: Apache-2.0

"""The API: exports."""

from __future__ import annotations

import csv
import io
from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from ninja import Query, Router
from ninja.errors import HttpError

from presentation.dao_view import DaoView
from webapp.answers import Answer, answers
from webapp.exports import read
from webapp.proposals.api import proposal_at
from webapp.shapes import Json

router = Router()
_CSV = {"responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}}
# A spreadsheet takes what begins so for a formula, and would carry it out.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Export(Answer):
    """Up to 200 rows. `next` is what to give as `after` for those behind them, null at the end; of CSV the header
    `Link` has the address."""

    rows: list[read.Row]
    next: str | None


@router.get("/daos/{slug}/exports/{table}", response=answers(Export, 404, 422), openapi_extra=_CSV)
def export(
    request: HttpRequest,
    slug: str,
    table: Literal["proposals", "treasury", "acts"],
    format: Literal["csv", "json"] = "csv",
    after: int = Query(0, ge=0, lt=2**63),
) -> Json | HttpResponse:
    """All proposals, movements of the treasury or acts, in the order in which they were read, each with its
    transaction. Amounts are base units. In CSV, text that a spreadsheet would carry out begins with an apostrophe."""
    rows, more = read.table(DaoView.of(slug), table, after)
    return _answer(request, rows, None if more is None else str(more), format)


@router.get("/daos/{slug}/proposals/{proposal_id}/votes", response=answers(Export, 404, 422), openapi_extra=_CSV)
def export_votes(
    request: HttpRequest,
    slug: str,
    proposal_id: str,
    format: Literal["csv", "json"] = "csv",
    after: str = Query("", pattern=r"^([0-9]{1,78}[-.][0-9]{1,18})?$"),
) -> Json | HttpResponse:
    """All votes on a proposal, the heaviest first, each with its transaction; as `exports` has other tables."""
    if "." in after:
        # From before governance migration 0028: votes had other numbers, by which some would be left out in silence.
        raise HttpError(422, gettext("after: this export was begun before the site's upgrade; begin it again"))
    weight, _, number = after.partition("-")
    rows, more = read.votes(*proposal_at(slug, proposal_id), (int(weight), int(number)) if after else None)
    return _answer(request, rows, None if more is None else f"{more[0]}-{more[1]}", format)


def _answer(request: HttpRequest, rows: list[read.Row], more: str | None, format: str) -> Json | HttpResponse:
    if format == "json":
        return {"rows": rows, "next": more}
    written = io.StringIO()
    if rows:
        writer = csv.DictWriter(written, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    answer = HttpResponse(written.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="export.csv"'
    if more is not None:
        query = request.GET.copy()
        query["after"] = more
        answer["Link"] = f'<{request.path}?{query.urlencode()}>; rel="next"'
    return answer


def _cell(value: str | int | bool | None) -> str | int | bool | None:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
