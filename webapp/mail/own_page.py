# SPDX-License-Identifier: Apache-2.0
"""The pages of what is kept of a reader."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from policies.notation.visible import one_line
from presentation import words
from webapp import throttle
from webapp.languages import known
from webapp.mail import own, subscriptions
from webapp.mail.kinds import Topic
from webapp.mail.views import private
from webapp.models import Reader, Subscription


class OwnForm(forms.Form):
    """Whose data is asked for."""

    email = forms.EmailField(label=gettext_lazy("Your e-mail address"), max_length=254)


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for the link. The answer is the same whether or not something is kept."""
    form = OwnForm(request.POST or None)
    status, is_sent = 200, False
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                own.ask(form.cleaned_data["email"], throttle.who_asks(request))
                status, is_sent = 200, True
            except subscriptions.TooOften as error:
                form.add_error(None, str(error))
                status = 429
    return render(request, "webapp/own_ask.html", {"form": form, "is_sent": is_sent}, status=status)


@csrf_exempt  # the token in the address is the permission; it came by mail to whoever presses the button
@require_http_methods(["GET", "HEAD", "POST"])
def data(request: HttpRequest, token: str) -> HttpResponse:
    """What is kept, and (POST) deleting it."""
    try:
        reader = own.of_token(token)
    except subscriptions.BadLink as error:
        return _message(request, gettext("This link does nothing"), str(error), 410)
    if request.method == "POST":
        own.forget(reader)
        text = gettext("Nothing of you is kept here any more, and no mail comes. Mails that you got are yours.")
        return _message(request, gettext("Deleted"), text)
    answer = render(
        request,
        "webapp/own.html",
        {
            "reader": reader,
            "phrase": one_line(reader.phrase, 80),
            "mails_language": dict(settings.LANGUAGES)[known(reader.language)],
            "held": [_shown(one) for one in reader.subscriptions.select_related("dao").order_by("dao__name", "pk")],
            "sent": reader.digests.count(),
            "token": token,
        },
    )
    return private(answer)


@require_safe
def export(_request: HttpRequest, token: str) -> HttpResponse:
    """What is kept, as a file."""
    try:
        kept = own.data_of(own.of_token(token))
    except subscriptions.BadLink as error:
        return private(JsonResponse({"error": str(error)}, status=410))
    answer = JsonResponse(kept, json_dumps_params={"indent": 1})
    answer["Content-Disposition"] = 'attachment; filename="what-mandate-keeps.json"'
    return private(answer)


def _shown(one: Subscription) -> dict[str, object]:
    """A subscription in words."""
    return {
        "row": one,
        "often": one.get_frequency_display(),
        "topics": [Topic(topic).label for topic in one.topics if topic in Topic.values],
        "address": words.address_text(bytes(one.delegate)) if one.delegate else "",
        "state": state_of(one, one.reader),
    }


def state_of(one: Subscription, reader: Reader) -> str:
    """Where a subscription stands, in words."""
    if one.unsubscribed_at is not None:
        return gettext("ended")
    if one.confirmed_at is None:
        return gettext("not confirmed yet")
    return gettext("rests: the mail server takes nothing for it") if reader.is_resting else gettext("confirmed")


def _message(request: HttpRequest, heading: str, text: str, status: int = 200) -> HttpResponse:
    return private(
        render(request, "webapp/message.html", {"place": None, "heading": heading, "text": text}, status=status)
    )
