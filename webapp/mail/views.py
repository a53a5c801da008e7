# SPDX-License-Identifier: Apache-2.0
"""The pages of subscriptions: ask, confirm by pressing a button, end with one click."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from governance.chain.address import BadAddress, to_bytes
from presentation.dao_view import DaoView
from webapp import throttle
from webapp.mail import subscriptions
from webapp.models import Subscription


class SubscribeForm(forms.Form):
    """A wish for a digest."""

    email = forms.EmailField(label=gettext_lazy("Your e-mail address"), max_length=254)
    frequency = forms.ChoiceField(
        label=gettext_lazy("How often"), choices=Subscription.Frequency.choices, initial=Subscription.Frequency.DAILY
    )
    delegate = forms.CharField(
        label=gettext_lazy("Your voting address (optional)"),
        required=False,
        max_length=42,
        help_text=gettext_lazy("Then the digest tells which votes you have not cast yet."),
    )

    def clean_delegate(self) -> bytes | None:
        text = self.cleaned_data["delegate"]
        try:
            return to_bytes(text) if text else None
        except BadAddress as error:
            raise forms.ValidationError(str(error)) from error


@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, and taking it."""
    place = DaoView.of(slug)
    form = SubscribeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        try:
            subscriptions.ask(
                place.dao, chosen["email"], chosen["frequency"], chosen["delegate"], throttle.who_asks(request)
            )
        except subscriptions.TooOften as error:
            form.add_error(None, str(error))
            return render(
                request, "webapp/subscribe.html", {"place": place, "here": "subscribe", "form": form}, status=429
            )
        return _say(
            request,
            place,
            gettext("Look into your mailbox"),
            gettext("We have sent a message with a link. Open it and press the button."),
        )
    status = 200 if request.method != "POST" else 422
    return render(request, "webapp/subscribe.html", {"place": place, "here": "subscribe", "form": form}, status=status)


def _say(
    request: HttpRequest, place: DaoView | None, heading: str, text: str, status: int = 200, **more: str
) -> HttpResponse:
    answer = render(
        request, "webapp/message.html", {"place": place, "heading": heading, "text": text, **more}, status=status
    )
    answer["Referrer-Policy"] = "no-referrer"  # the address of the page is a token
    answer["Cache-Control"] = "no-store"
    return answer


@csrf_exempt  # the token in the address is the permission; it came by mail to whoever presses the button
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button (following the link confirms nothing), and the button's POST."""
    try:
        if request.method == "POST":
            subscription = subscriptions.confirm(token)
            return _say(
                request,
                DaoView(subscription.dao),
                gettext("Subscribed"),
                gettext("From now on the digest comes to you."),
            )
        subscription, choice = subscriptions.of_confirm_token(token)
    except subscriptions.BadLink as error:
        return _say(request, None, gettext("This link does nothing"), str(error), 410)
    how = Subscription.Frequency(choice["f"]).label.lower()
    return _say(
        request,
        DaoView(subscription.dao),
        gettext("Subscribe to the digest?"),
        gettext("The decisions of %(dao)s, %(frequency)s, to the mailbox this link came to.")
        % {"dao": subscription.dao.name, "frequency": how},
        button=gettext("Yes, subscribe"),
        action=request.path,
    )


@csrf_exempt  # RFC 8058: a mail program posts here in one click, without cookies
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """One click from the mail program (POST), or the page with a button (GET), which ends nothing by itself."""
    try:
        if request.method == "POST":
            subscription = subscriptions.unsubscribe(token)
            return _say(
                request, DaoView(subscription.dao), gettext("Unsubscribed"), gettext("No digest comes any more.")
            )
        subscription = subscriptions.of_unsubscribe_token(token)
    except subscriptions.BadLink as error:
        return _say(request, None, gettext("This link does nothing"), str(error), 404)
    if subscription.unsubscribed_at is not None:
        return _say(request, DaoView(subscription.dao), gettext("Unsubscribed"), gettext("No digest comes any more."))
    return _say(
        request,
        DaoView(subscription.dao),
        gettext("Unsubscribe?"),
        gettext("The digest of %(dao)s would not come any more.") % {"dao": subscription.dao.name},
        button=gettext("Unsubscribe"),
        action=request.path,
    )
