# SPDX-License-Identifier: Apache-2.0
"""The pages of subscriptions: ask, look at what would come, confirm by pressing a button, end with one click."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from governance.chain.address import BadAddress, to_bytes
from policies.notation.visible import one_line
from presentation import words
from presentation.dao_view import DaoView
from webapp import languages, throttle
from webapp.mail import digest, periods, subscriptions
from webapp.mail.kinds import Topic, tells_nothing
from webapp.models import Reader, Subscription

_PREVIEWED = datetime.timedelta(days=7)


class SubscribeForm(forms.Form):
    """A wish to be told of decisions."""

    email = forms.EmailField(label=gettext_lazy("Your e-mail address"), max_length=254)
    frequency = forms.ChoiceField(
        label=gettext_lazy("How often"), choices=Subscription.Frequency.choices, initial=Subscription.Frequency.DAILY
    )
    topics = forms.MultipleChoiceField(
        label=gettext_lazy("What mails tell you"),
        choices=Topic.choices,
        initial=Topic.values,
        widget=forms.CheckboxSelectMultiple,
    )
    delegate = forms.CharField(
        label=gettext_lazy("Your voting address (optional)"),
        required=False,
        max_length=42,
        help_text=gettext_lazy(
            "Then mails tell your power and which votes you have not cast yet, and what waits for you."
        ),
    )
    zone = forms.CharField(
        label=gettext_lazy("Your time zone"),
        required=False,
        max_length=64,
        help_text=gettext_lazy(
            "Digests come at seven in the morning there. Weekly ones on Mondays. Left empty, it is the one that you "
            "chose before, or else UTC."
        ),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
    )
    phrase = forms.CharField(
        label=gettext_lazy("A phrase of yours (optional)"),
        required=False,
        max_length=80,
        help_text=gettext_lazy(
            "Each notice of ours shows it. A notice without it is not from us. Left empty, the one that you chose "
            "before stays."
        ),
    )

    def clean_delegate(self) -> bytes | None:
        text = self.cleaned_data["delegate"]
        try:
            return to_bytes(text) if text else None
        except BadAddress as error:
            raise forms.ValidationError(str(error)) from error

    def clean_zone(self) -> str:
        text = self.cleaned_data["zone"]
        if text and text not in subscriptions.zones():
            raise forms.ValidationError(gettext("That is no time zone. Write one such as Europe/Berlin or UTC."))
        return text

    def clean_phrase(self) -> str:
        return one_line(self.cleaned_data["phrase"], 80)

    def clean(self) -> dict[str, Any]:
        chosen = super().clean() or self.cleaned_data
        topics = chosen.get("topics")
        if topics and "delegate" in chosen and tells_nothing(topics, chosen["delegate"]):
            self.add_error(
                "delegate", gettext("What you chose is about your voting address: enter it, or choose more.")
            )
        return chosen

    def choice(self) -> subscriptions.Choice:
        """What was chosen, of a form that is valid."""
        chosen = self.cleaned_data
        topics = tuple(topic for topic in Topic.values if topic in chosen["topics"])
        return subscriptions.Choice(
            chosen["frequency"], chosen["delegate"], topics, chosen["zone"], chosen["phrase"], languages.current()
        )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, a look at what would come, and taking it."""
    place = DaoView.of(slug)
    form = SubscribeForm(request.POST or None)
    if request.method != "POST":
        return _form(request, place, form)
    if "preview" in request.POST:
        form.fields["email"].required = False
    if not form.is_valid():
        return _form(request, place, form, status=422)
    if "preview" in request.POST:
        return _form(request, place, form, preview=preview(place, form.choice()), is_preview=True)
    try:
        subscriptions.ask(place.dao, form.cleaned_data["email"], form.choice(), throttle.who_asks(request))
    except subscriptions.TooOften as error:
        form.add_error(None, str(error))
        return _form(request, place, form, status=429)
    return _say(
        request,
        place,
        gettext("Look into your mailbox"),
        gettext("We have sent a message with a link. Open it and press the button."),
    )


def _form(request: HttpRequest, place: DaoView, form: SubscribeForm, status: int = 200, **more: Any) -> HttpResponse:
    context = {"place": place, "here": "subscribe", "form": form, "zones": subscriptions.zones(), **more}
    return render(request, "webapp/subscribe.html", context, status=status)


def preview(place: DaoView, choice: subscriptions.Choice) -> digest.Mail | None:
    """The digest of the last seven days, as this choice would have it; None where there is nothing to say."""
    reader = Reader(zone=choice.zone or "UTC", phrase=choice.phrase)
    one = Subscription(dao=place.dao, reader=reader, delegate=choice.delegate, topics=list(choice.topics))
    since = timezone.now() - _PREVIEWED
    return periods.compose(reader, [one], {one.pk: place}, since, "")


def _say(
    request: HttpRequest, place: DaoView | None, heading: str, text: str, status: int = 200, **more: Any
) -> HttpResponse:
    answer = render(
        request, "webapp/message.html", {"place": place, "heading": heading, "text": text, **more}, status=status
    )
    return private(answer)


def private(answer: HttpResponse) -> HttpResponse:
    """An answer whose address is a token: no other site is told it, and nobody keeps it."""
    answer["Referrer-Policy"] = "no-referrer"
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
    how = Subscription.Frequency(choice["f"]).in_sentence
    return _say(
        request,
        DaoView(subscription.dao),
        gettext("Subscribe to the digest?"),
        gettext("The decisions of %(dao)s, %(frequency)s, to the mailbox this link came to.")
        % {"dao": subscription.dao.name, "frequency": how},
        points=_chosen(choice, subscription.reader),
        button=gettext("Yes, subscribe"),
        action=request.path,
    )


def _chosen(choice: dict[str, Any], reader: Reader) -> list[str]:
    """What a link would have the reader told of, for whose address, and when: somebody else may have asked."""
    points = [str(Topic(topic).label) for topic in choice.get("t", Topic.values) if topic in Topic.values]
    if choice["d"]:
        points.append(
            gettext("Voting address: %(address)s") % {"address": words.address_text(bytes.fromhex(choice["d"]))}
        )
    points.append(gettext("Time zone: %(zone)s") % {"zone": choice.get("z") or reader.zone})
    if phrase := choice.get("p") or reader.phrase:
        points.append(gettext("Your phrase: %(phrase)s") % {"phrase": one_line(phrase, 80)})
    return points


@csrf_exempt  # RFC 8058: a mail program posts here in one click, without cookies
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """One click from the mail program (POST), or the page with a button (GET), which ends nothing by itself."""
    try:
        end = subscriptions.unsubscribe if request.method == "POST" else subscriptions.of_unsubscribe_token
        found = end(token)
    except subscriptions.BadLink as error:
        return _say(request, None, gettext("This link does nothing"), str(error), 404)
    place = None if found.is_all or not found.held else DaoView(found.held[0].dao)
    if request.method == "POST" or found.is_over:
        return _say(request, place, gettext("Unsubscribed"), gettext("No digest comes any more."))
    names = ", ".join(one_line(one.dao.name, 80) for one in found.held)
    return _say(
        request,
        place,
        gettext("Unsubscribe?"),
        gettext("The digest of %(dao)s would not come any more.") % {"dao": names},
        button=gettext("Unsubscribe"),
        action=request.path,
    )
