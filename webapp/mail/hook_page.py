# SPDX-License-Identifier: Apache-2.0
"""The page of webhooks: a signed-in account adds one, sees how its own are doing, and ends them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_POST

from governance.models import Work
from governance.roles import Do
from presentation.dao_view import DaoView
from webapp import throttle
from webapp.mail import hook_words, outbound, webhooks
from webapp.mail.kinds import Topic
from webapp.mail.send import REFUSED
from webapp.mail.words import TABLE
from webapp.models import Webhook
from webapp.rendering import render_page
from webapp.roles import denial, names_of, visitor_of

ADDED_AN_HOUR = 10


def label_of(topic: Topic) -> str | Promise:
    """Return what a topic's switch says: a channel's readers have no address of which something is known."""
    return gettext_lazy("A day is left to vote") if topic is Topic.LAST_DAY else topic.label


class WebhookForm(forms.Form):
    """A wish to have news posted to an address."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=outbound.MOST_URL,
        help_text=gettext_lazy(
            "It begins with https://. Discord and Slack show theirs where you add a webhook to a channel. Telegram's "
            "is https://api.telegram.org/bot<token>/sendMessage?chat_id=<chat>."
        ),
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    form = forms.ChoiceField(
        label=gettext_lazy("What is sent"), choices=Webhook.Form.choices, initial=Webhook.Form.STANDARD
    )
    topics = forms.MultipleChoiceField(
        label=gettext_lazy("What messages tell"),
        choices=[(topic.value, label_of(topic)) for topic in Topic if topic in webhooks.OFFERED],
        initial=webhooks.OFFERED,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        text = self.cleaned_data["url"]
        try:
            outbound.target_of(text)
        except outbound.BadTarget as error:
            raise forms.ValidationError(str(error)) from error
        return text

    def clean(self) -> dict[str, Any]:
        chosen = super().clean() or self.cleaned_data
        is_telegram = chosen.get("form") == Webhook.Form.TELEGRAM
        if is_telegram and chosen.get("url") and not hook_words.chat_of(chosen["url"]):
            self.add_error("url", gettext("Name the chat at the end of the address: ?chat_id= and its number."))
        return chosen


@require_http_methods(["GET", "HEAD", "POST"])
@ensure_csrf_cookie
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """The account's webhooks and the form; a POST adds one, and its answer alone shows the secret."""
    place = DaoView.of(slug)
    who = visitor_of(request, place.dao)
    problem = denial(who, Do.ASK)
    form = WebhookForm(request.POST or None)
    if request.method != "POST":
        return _shown(request, place, form)
    if problem:
        return _shown(request, place, form, problem=problem, status=403)
    if not form.is_valid():
        return _shown(request, place, form, status=422)
    if not throttle.allow("webhook", throttle.who_asks(request), limit=ADDED_AN_HOUR, window=throttle.HOUR):
        form.add_error(None, gettext("Too many webhooks were added from one place. Try again in an hour."))
        return _shown(request, place, form, status=429)
    chosen = form.cleaned_data
    topics = [topic for topic in webhooks.OFFERED if topic in chosen["topics"]]
    assert who.account is not None
    try:
        hook = webhooks.add(place.dao, who.account, chosen["url"], chosen["form"], topics)
    except webhooks.TooMany as error:
        form.add_error(None, _too_many(error))
        return _shown(request, place, form, status=422)
    secret = webhooks.secret_of(hook) if hook.form == Webhook.Form.STANDARD else ""
    return _shown(request, place, WebhookForm(), added=hook, secret=secret)


def _too_many(error: webhooks.TooMany) -> str:
    if not error.is_dao:
        return gettext("An account may have %(most)s webhooks of a DAO: end one first.") % {"most": webhooks.PER_OWNER}
    return gettext(
        "This DAO has %(most)s webhooks, as many as it may. One makes room where its account has less voting power "
        "than this one; by the last block read, none has."
    ) % {"most": webhooks.PER_DAO}


@require_POST
def end(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """End a webhook of the account that is signed in."""
    place = DaoView.of(slug)
    who = visitor_of(request, place.dao)
    if problem := denial(who, Do.ASK):
        return _shown(request, place, WebhookForm(), problem=problem, status=403)
    hook = Webhook.objects.select_related("dao").filter(pk=number, dao=place.dao, owner=who.account).first()
    if hook is None:
        raise Http404("this account has no such webhook")
    webhooks.end(hook, "hook_by_owner")
    return redirect("webhooks", slug=slug)


def _shown(
    request: HttpRequest, place: DaoView, form: WebhookForm, *, status: int = 200, problem: str = "", **more: Any
) -> HttpResponse:
    who = visitor_of(request, place.dao)
    answer = render_page(
        request, "webhooks.html", place, "subscribe", form=form, problem=problem, account=who.account,
        may_add=not denial(who, Do.ASK), why_not=denial(who, Do.ASK), roles=names_of(who),
        held=_held(place, who.here), days=webhooks.KEPT.days, **more,
    )  # fmt: skip
    answer.status_code = status
    answer["Cache-Control"] = "no-store"  # the secret stands in one of them
    return answer


def _held(place: DaoView, account: bytes | None) -> list[dict[str, Any]]:
    """An account's webhooks of a DAO with how they are doing, the newest first."""
    if account is None:
        return []
    hooks = list(Webhook.objects.filter(dao=place.dao, owner=account).order_by("-pk")[:20])
    works = Work.objects.filter(name=webhooks.WEBHOOK_WORK, key__in=[str(hook.pk) for hook in hooks], done_at=None)
    by_hook = {work.key: work for work in works}
    return [
        {
            "row": hook,
            "host": urlsplit(hook.url).hostname or "",
            "form": hook.get_form_display(),
            "topics": [label_of(Topic(topic)) for topic in hook.topics if topic in webhooks.OFFERED],
            "waiting": hook.events.filter(done_at=None).count(),
            "refused": hook.events.filter(outcome=REFUSED).count(),
            "why": _why(by_hook.get(str(hook.pk))) if hook.failures else "",
            "again_at": work.due_at if (work := by_hook.get(str(hook.pk))) else None,
            "ended": TABLE.shown({"code": hook.ended_code, "values": {}}, "") if hook.ended_at else "",
        }
        for hook in hooks
    ]


def _why(work: Work | None) -> str:
    """Why the last attempt failed, where that is why the next one waits: other reasons are of no attempt."""
    code = "" if work is None else (work.last_error_code or {}).get("code", "")
    return TABLE.shown(work.last_error_code, "") if work is not None and code in outbound.REASONS else ""
