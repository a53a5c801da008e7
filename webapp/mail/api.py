# SPDX-License-Identifier: Apache-2.0

"""The API: a wish for a digest."""

from __future__ import annotations

from typing import Literal

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from policies.notation.visible import one_line
from presentation.dao_view import DaoView
from webapp import throttle
from webapp.answers import answers
from webapp.api_input import parse_address, refuse_other_sites
from webapp.mail import subscriptions
from webapp.mail.answers import Asked
from webapp.mail.kinds import Topic, tells_nothing
from webapp.shapes import Json

router = Router()


class Subscribe(Schema):
    """A wish for a digest by e-mail; nothing is sent but the confirmation until it is confirmed."""

    email: str = Field(max_length=254)
    frequency: Literal["immediate", "daily", "weekly"] = "daily"
    delegate: str = ""
    topics: list[Topic] = Field(default_factory=lambda: list(Topic), min_length=1, max_length=len(Topic))
    zone: str = Field(default="", max_length=64, description="An IANA time zone: digests come at seven there.")
    phrase: str = Field(default="", max_length=80, description="Each mail shows it, so that a forged one lacks it.")
    # Both are the reader's, of all DAOs: empty, they stay what they are.


@router.post("/daos/{slug}/subscriptions", response=answers(Asked, 400, 403, 404, 415, 422, 429, status=202))
def subscribe(request: HttpRequest, slug: str, payload: Subscribe) -> Status[Json]:
    """Ask for a digest. The answer is the same whether or not the address was known."""
    refuse_other_sites(request)
    place = DaoView.of(slug)
    try:
        validate_email(payload.email)
    except DjangoValidationError as error:
        raise HttpError(422, "email: not an e-mail address") from error
    delegate = parse_address(payload.delegate, "delegate") if payload.delegate else None
    if payload.zone and payload.zone not in subscriptions.zones():
        raise HttpError(422, "zone: not a time zone's name")
    topics = tuple(topic for topic in Topic.values if topic in payload.topics)
    if tells_nothing(topics, delegate):
        raise HttpError(422, "delegate: these topics are about it")
    wish = subscriptions.Choice(payload.frequency, delegate, topics, payload.zone, one_line(payload.phrase, 80))
    try:
        subscriptions.ask(place.dao, payload.email, wish, throttle.who_asks(request))
    except subscriptions.TooOften as error:
        raise HttpError(429, str(error)) from error
    return Status(202, {"status": "a message with a link to confirm is on its way"})
