# SPDX-License-Identifier: Apache-2.0
"""The page of what is asked for by a calendar under a policy: what comes when, what became of it, and the form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.http import require_http_methods

from agent.acts import schedules as rules
from agent.acts.calendar import MOST_DATES, Rule, zones
from agent.acts.policy import NoPolicyInForce, PolicyInForce
from agent.acts.words import TABLE, say
from agent.models import Schedule, ScheduledTime
from governance.roles import Do
from governance.sentences import worded
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line
from presentation import labels, words
from presentation.dao_view import DaoView
from presentation.unpaid import WHY_ENDED
from webapp import languages, roles
from webapp.agent.power import why_not_in_power
from webapp.agent.roster import policy_of
from webapp.rendering import render_page

_COMING = 3
_PAST = 20
_ENDED = 10
_LONGEST = MOST_DATES * 12


@require_http_methods(["GET", "HEAD", "POST"])
@csrf_protect
@ensure_csrf_cookie
def schedules(request: HttpRequest, slug: str, policy_id: str) -> HttpResponse:
    """The calendar of a policy; the operator, signed in, makes and ends its schedules."""
    place = DaoView.of(slug)
    policy = policy_of(place, policy_id)
    if request.method != "POST":
        return _page(request, place, policy)
    visitor = roles.visitor_of(request, place.dao)
    account = visitor.here
    if account is None:
        return _page(request, place, policy, roles.denial(visitor, Do.ASK), 403)
    try:
        if request.POST.get("what") == "end":
            done = _end(request, place, policy, account)
        else:
            rules.make(place.dao, policy.policy_id, _rule(request), _text(request), account)
            done = gettext("The schedule is set up.")
    except rules.ScheduleError as error:
        status = 403 if error.sentence.code == "schedule_by_operator" else 422
        return _page(request, place, policy, worded(error.sentence), status)
    except NoPolicyInForce as error:
        return _page(request, place, policy, worded(error.sentence), 409)
    messages.success(request, done)
    return HttpResponseRedirect(reverse("schedules", args=[slug, hex_text(policy.policy_id)]))


def _end(request: HttpRequest, place: DaoView, policy: PolicyInForce, account: bytes) -> str:
    key = request.POST.get("schedule", "")
    found = Schedule.objects.filter(dao=place.dao, policy_id=policy.policy_id, ended_at=None).select_related("dao")
    row = found.filter(pk=int(key)).first() if key.isascii() and key.isdigit() and len(key) < 18 else None
    if row is None:
        raise rules.ScheduleError(say("schedule_not_standing"))
    rules.end(row, account)
    return gettext("The schedule has ended. What it asked for before goes on.")


def _text(request: HttpRequest) -> str:
    """What is to be asked for. Raises ScheduleError for an amount that can't be taken on this page."""
    if request.POST.get("what") == "payroll":
        return rules.PAYROLL
    text = request.POST.get("text", "")
    if unclear := languages.unclear_amount(text):
        raise rules.ScheduleError(say("schedule_rule", problem=unclear))
    return text


def _rule(request: HttpRequest) -> Rule:
    """The rule that a form means. Raises ScheduleError; what is in no calendar is refused where it is made."""
    given = request.POST
    zone, hour = given.get("zone", "").strip(), given.get("hour", "").strip()
    if given.get("what") != "payroll":
        if len(given.get("dates", "")) > _LONGEST:
            raise rules.ScheduleError(say("schedule_rule", problem=f"write at most {MOST_DATES} dates"))
        return Rule(zone, hour, dates=rules.read_dates(given.get("dates", "")))
    day, back = given.get("day", ""), given.get("back", "0")
    is_number = day.isascii() and day.isdigit() and len(day) < 3 and back in ("0", "1")
    return Rule(zone, hour, int(day) if is_number else 99, back=int(back) if is_number else 0)


def _page(
    request: HttpRequest, place: DaoView, policy: PolicyInForce, problem: str = "", status: int = 200
) -> HttpResponse:
    visitor = roles.visitor_of(request, place.dao)
    ended = Schedule.objects.filter(dao=place.dao, policy_id=policy.policy_id).exclude(ended_at=None)
    times = ScheduledTime.objects.filter(schedule__dao=place.dao, schedule__policy_id=policy.policy_id)
    page = render_page(
        request,
        "schedules.html",
        place,
        "agent",
        policy_id=policy.policy_id,
        operator=policy.code.operator,
        is_operator=visitor.here == policy.code.operator,
        account=visitor.account,
        roles=roles.names_of(visitor),
        standing=[_view(row, policy) for row in rules.standing(place.dao, policy.policy_id)],
        why_not=why_not_in_power(policy, place.now_chain_s),
        ended=[_ended_view(row) for row in ended.order_by("-ended_at")[:_ENDED]],
        past=[_time_view(row) for row in times.select_related("schedule", "request").order_by("-id")[:_PAST]],
        given=request.POST.dict(),
        zones=sorted(zones()),
        late=words.duration(rules.LATE_S),
        problem=problem,
    )
    page.status_code = status
    return page


def _view(row: Schedule, policy: PolicyInForce) -> dict[str, Any]:
    """A schedule in words, with the next times at which it comes due."""
    is_in_force = bytes(row.made_by) == policy.code.operator and row.module_id == policy.contract.pk
    return {
        "pk": row.pk,
        "text": _text_of(row),
        "by": bytes(row.made_by),
        "rule": _in_words(row),
        "is_in_force": is_in_force,
        "coming": [
            {"at": words.moment(due.at_s), "month": due.month, "is_monthly": bool(row.day)}
            for due in (rules.coming(row, _COMING, policy.code.end_s) if is_in_force else ())
        ],
    }


def _ended_view(row: Schedule) -> dict[str, Any]:
    return {
        "text": _text_of(row),
        "by": bytes(row.made_by),
        "at": words.when(row.ended_at) if row.ended_at else "",
        "why": str(WHY_ENDED.get(row.ended_because, row.ended_because)),
    }


def _text_of(row: Schedule) -> str:
    return one_line(row.text.replace(rules.MONTH, gettext("[the month]")), rules.MOST_TEXT)


def _in_words(row: Schedule) -> str:
    values = {"day": row.day, "hour": row.hour, "zone": row.zone, "dates": ", ".join(row.dates)}
    if row.dates:
        return gettext("on %(dates)s at %(hour)s, %(zone)s") % values
    text = gettext("on day %(day)s of each month at %(hour)s, %(zone)s, or a shorter month's last day, for %(which)s")
    return text % {**values, "which": gettext("the month before") if row.back else gettext("that month")}


def _time_view(row: ScheduledTime) -> dict[str, Any]:
    why = worded(TABLE.read({"code": row.reason_code, "values": row.reason_values}, "")) if row.reason_code else ""
    return {
        "at": words.moment(row.due_chain_s),
        "outcome": row.outcome,
        "request": row.request_id,
        "became": labels.request_status(row.request.status) if row.request else "",
        "text": one_line(row.schedule.text.replace(rules.MONTH, row.month), rules.MOST_TEXT),
        "why": why,
    }
