# SPDX-License-Identifier: Apache-2.0
"""The web app's addresses."""

from django.urls import URLPattern, URLResolver, path, register_converter

from webapp import health, languages
from webapp.account import views as account
from webapp.agent import acting, records, requests, roster, schedules
from webapp.agent import page as agent
from webapp.api import api
from webapp.delegates import page as delegates
from webapp.drafts import page as drafts
from webapp.home import feed, info
from webapp.home import page as home
from webapp.mail import hook_page, own_page
from webapp.mail import views as mail
from webapp.operations import keepers
from webapp.operations import page as operations
from webapp.policies import page as policies
from webapp.proposals import page as proposals
from webapp.treasury import page as treasury


class ProposalIdConverter:
    """A proposal's number: up to 78 decimal digits, too long for Django's `int` to be worth a limit of its own."""

    regex = "[0-9]{1,78}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(ProposalIdConverter, "proposal_id")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.daos, name="daos"),
    path("health", health.health, name="health"),
    path("language", languages.choose, name="set_language"),
    path("api/v1/", api.urls),
    path("auth/nonce", account.nonce, name="nonce"),
    path("auth/verify", account.verify, name="verify"),
    path("auth/sign-out", account.sign_out, name="sign_out"),
    path("records/<str:name>.json", records.record, name="record"),
    path("policies/<str:name>.yaml", policies.document, name="policy_document"),
    path("subscriptions/confirm/<str:token>/", mail.confirm, name="confirm"),
    path("subscriptions/unsubscribe/<str:token>/", mail.unsubscribe, name="unsubscribe"),
    path("subscriptions/own/", own_page.ask, name="own"),
    path("subscriptions/own/<str:token>/", own_page.data, name="own_data"),
    path("subscriptions/own/<str:token>/data.json", own_page.export, name="own_export"),
    path("<slug:slug>/", home.home, name="home"),
    path("<slug:slug>/feed.atom", feed.feed, name="feed"),
    path("<slug:slug>/votes.ics", feed.votes, name="votes_calendar"),
    path("<slug:slug>/info/", info.info, name="info"),
    path("<slug:slug>/proposals/", proposals.proposals, name="proposals"),
    path("<slug:slug>/propose/", drafts.draft, name="propose"),
    path("<slug:slug>/propose/<str:token>/", drafts.draft, name="kept_draft"),
    path("<slug:slug>/proposals/<proposal_id:proposal_id>/", proposals.proposal, name="proposal"),
    path("<slug:slug>/delegates/", delegates.delegates, name="delegates"),
    path("<slug:slug>/delegates/<str:account>/", delegates.delegate, name="delegate"),
    path("<slug:slug>/treasury/", treasury.treasury, name="treasury"),
    path("<slug:slug>/policies/", policies.policies, name="policies"),
    path("<slug:slug>/agent/", agent.agent, name="agent"),
    path("<slug:slug>/agent/act/<str:policy_id>/", acting.act, name="act"),
    path("<slug:slug>/agent/roster/<str:policy_id>/", roster.roster, name="roster"),
    path("<slug:slug>/agent/schedules/<str:policy_id>/", schedules.schedules, name="schedules"),
    path("<slug:slug>/agent/requests/", requests.requests, name="requests"),
    path("<slug:slug>/agent/requests/<int:request_id>/", requests.one, name="request"),
    path("<slug:slug>/agent/requests/<int:request_id>/meant", requests.mean, name="request_meant"),
    path("<slug:slug>/agent/requests/<int:request_id>/end", requests.end, name="request_end"),
    path("<slug:slug>/operations/", operations.operations, name="operations"),
    path("<slug:slug>/operations/stop", operations.stop, name="agent_stop"),
    path("<slug:slug>/operations/start", operations.start, name="agent_start"),
    path("<slug:slug>/operations/log/", keepers.log, name="audit_log"),
    path("<slug:slug>/operations/log.<str:form>", keepers.export, name="audit_log_export"),
    path("<slug:slug>/operations/subscribers/", keepers.subscribers, name="subscribers"),
    path("<slug:slug>/subscribe/", mail.subscribe, name="subscribe"),
    path("<slug:slug>/subscribe/webhooks/", hook_page.page, name="webhooks"),
    path("<slug:slug>/subscribe/webhooks/<int:number>/end", hook_page.end, name="webhook_end"),
]
