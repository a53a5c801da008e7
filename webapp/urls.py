# SPDX-License-Identifier: Apache-2.0
"""The web app's addresses."""

from django.urls import URLPattern, URLResolver, path, register_converter

from webapp import pages
from webapp.account import views as account
from webapp.agent import records
from webapp.api import api
from webapp.mail import views as mail


class ProposalIdConverter:
    """A proposal's number: up to 78 decimal digits, too long for Django's `int` to be worth a limit of its own."""

    regex = "[0-9]{1,78}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(ProposalIdConverter, "proposal_id")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.daos, name="daos"),
    path("health", pages.health, name="health"),
    path("api/v1/", api.urls),
    path("auth/nonce", account.nonce, name="nonce"),
    path("auth/verify", account.verify, name="verify"),
    path("auth/sign-out", account.sign_out, name="sign_out"),
    path("records/<str:name>.json", records.record, name="record"),
    path("subscriptions/confirm/<str:token>/", mail.confirm, name="confirm"),
    path("subscriptions/unsubscribe/<str:token>/", mail.unsubscribe, name="unsubscribe"),
    path("<slug:slug>/", pages.home, name="home"),
    path("<slug:slug>/proposals/", pages.proposals, name="proposals"),
    path("<slug:slug>/proposals/<proposal_id:proposal_id>/", pages.proposal, name="proposal"),
    path("<slug:slug>/delegates/", pages.delegates, name="delegates"),
    path("<slug:slug>/policies/", pages.policies, name="policies"),
    path("<slug:slug>/agent/", pages.agent, name="agent"),
    path("<slug:slug>/subscribe/", mail.subscribe, name="subscribe"),
]
