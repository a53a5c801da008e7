# SPDX-License-Identifier: Apache-2.0
"""What keepers of the site alone see: the audit log, with its exports, and who subscribes."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from governance.audit_log import Action, bundle, record, stored
from governance.audit_log.bundle import Entry
from governance.numbers import grouped
from governance.roles import Do
from policies.notation.hexadecimal import hex_bytes, hex_text
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from webapp import roles
from webapp.models import Subscription
from webapp.operations.words import action_text, via_text
from webapp.rendering import page_number, render_page

MOST_EXPORTED = 100_000


def _denied(request: HttpRequest, place: DaoView, what: Do) -> HttpResponse | None:
    """The page for who may not see this, with the way to sign in; None for who may."""
    who = roles.visitor_of(request, place.dao)
    if who.may(what):
        return None
    shown = {"account": who.account, "problem": roles.denial(who, what)}
    answer = render_page(request, "keepers_only.html", place, "operations", **shown)
    answer.status_code = 403
    return answer


@require_safe
@ensure_csrf_cookie
def log(request: HttpRequest, slug: str) -> HttpResponse:
    """The audit log of the whole site, newest first."""
    place = DaoView.of(slug)
    if denied := _denied(request, place, Do.SEE_LOG):
        return denied
    before = request.GET.get("before", "")
    below = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
    entries = stored.page(below, PAGE)
    number, head = stored.head()
    answer = render_page(
        request,
        "audit_log.html",
        place,
        "operations",
        entries=[_shown(entry) for entry in entries],
        older=entries[-1].number if entries and entries[-1].number > 1 else None,
        number=number,
        head=head,
        next_part=MOST_EXPORTED + 1 if number > MOST_EXPORTED else None,
        most_exported=grouped(MOST_EXPORTED),
    )
    return _private(answer)


def _shown(entry: Entry) -> dict[str, Any]:
    body = json.loads(entry.body)
    by = body["by"]
    return {
        "number": entry.number,
        "at": body["at"].replace("T", " ")[:19],
        "action": action_text(body["action"]),
        "dao": (body["dao"] or {}).get("slug", ""),
        "via": via_text(by["via"]),
        "name": by["name"],
        "account": hex_bytes(by["account"]) if by["account"] else None,
        "values": json.dumps(body["values"], ensure_ascii=False),
        "hash": hex_text(entry.hash),
    }


@require_safe
def export(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    """The audit log as a bundle that can be checked elsewhere, or as a table. That it was exported is in it."""
    if form not in ("json", "csv"):
        raise Http404("no such form")
    if denied := _denied(request, DaoView.of(slug), Do.SEE_LOG):
        return denied
    asked = request.GET.get("from", "")
    first = max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 18 else 1
    if request.method == "GET":
        record(Action.LOG_EXPORTED, first=first, format=form)
    entries = list(stored.entries(first, first + MOST_EXPORTED - 1))
    if form == "csv":
        answer = HttpResponse(bundle.as_csv(entries), content_type="text/csv; charset=utf-8")
    else:
        answer = JsonResponse(bundle.as_bundle(entries), json_dumps_params={"indent": 1})
    answer["Content-Disposition"] = f'attachment; filename="audit-log-{first}.{form}"'
    return _private(answer)


@require_safe
@ensure_csrf_cookie
def subscribers(request: HttpRequest, slug: str) -> HttpResponse:
    """Who subscribes to the DAO's digests."""
    place = DaoView.of(slug)
    if denied := _denied(request, place, Do.SEE_SUBSCRIBERS):
        return denied
    found = Subscription.objects.filter(dao=place.dao)
    active = Q(confirmed_at__isnull=False, unsubscribed_at__isnull=True)
    counts = found.aggregate(all=Count("pk"), active=Count("pk", filter=active))
    page = page_number(request)
    rows = list(found.select_related("reader").order_by("-id")[(page - 1) * PAGE : page * PAGE])
    answer = render_page(
        request,
        "subscribers.html",
        place,
        "operations",
        rows=[{"row": row, "state": _state(row), "often": row.get_frequency_display()} for row in rows],
        count=counts["active"],
        page=page,
        pages=max(1, -(-counts["all"] // PAGE)),
        query="",
    )
    return _private(answer)


def _state(row: Subscription) -> str:
    if row.unsubscribed_at is not None:
        return gettext("ended")
    if row.confirmed_at is None:
        return gettext("not confirmed yet")
    return gettext("rests: the mail server takes nothing for it") if row.reader.is_resting else gettext("confirmed")


def _private(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "no-store"
    return answer
