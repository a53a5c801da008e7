# SPDX-License-Identifier: Apache-2.0
"""The page on which a proposal is drafted. It works without JavaScript, up to the calldata that is sent by hand."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.http import require_http_methods

from governance.chain.rpc import Rpc, RpcUnreachable
from governance.models import PolicyVersion
from policies.code.encoding import policy_id
from policies.code.lowering import lower
from policies.document.examples import warnings_of
from policies.notation.hexadecimal import hex_text
from policies.words.diff import diff
from policies.words.explanation import explanation
from presentation import words
from presentation.card import card_of, flags_of, meanings
from presentation.dao_view import DaoView
from presentation.policies import decode_version
from webapp import throttle
from webapp.drafts import endings, look, saved, starts, treasuries, values
from webapp.drafts.actions import (
    KINDS,
    MOST_ACTIONS,
    Action,
    Draft,
    compose,
    make_policy,
    read,
    tokens_by_symbol,
)
from webapp.drafts.modules import Modules
from webapp.drafts.revival import revival
from webapp.models import SavedDraft
from webapp.node import node
from webapp.rendering import render_page

PER_ASKER_AN_HOUR = 120
KEPT_AN_HOUR = 30
FORMS_AN_HOUR = 600  # looks, and each action added or removed
LOOKS_AN_HOUR = 600  # at drafts that are kept: comparing two versions takes time
CHECKS_AN_HOUR = 600  # of policies while they are written: they use up nothing of the others


@csrf_protect
@ensure_csrf_cookie
@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HttpRequest, slug: str, token: str | None = None) -> HttpResponse:
    """Write a proposal, see what its calls do beside what it says, and send it. Nothing is kept but what the author
    keeps under a link (`token`)."""
    answer = _draft(request, DaoView.of(slug), token)
    if token is not None:
        answer["Referrer-Policy"] = "same-origin"  # the address is the key to the draft
        answer["Cache-Control"] = "no-store"
    return answer


def _draft(request: HttpRequest, place: DaoView, token: str | None) -> HttpResponse:
    if token is not None and not throttle.allow(
        "draft-kept", throttle.who_asks(request), limit=LOOKS_AN_HOUR, window=throttle.HOUR
    ):
        text = gettext("Too many looks at kept drafts in an hour: try again later.")
        return HttpResponse(text, content_type="text/plain; charset=utf-8", status=429)
    kept = _kept(request, place, token) if token is not None else {}
    if request.method != "POST":
        if token is not None:
            return _page(request, place, saved.as_draft(kept["version"]), **kept)
        first = request.GET.get("kind", "")
        return _page(request, place, Draft("", [Action(first, {})] if first in KINDS else []))
    live = request.POST.get("live", "")
    if live and not throttle.allow(
        "draft-check", throttle.who_asks(request), limit=CHECKS_AN_HOUR, window=throttle.HOUR
    ):
        return render(request, "webapp/_draft_check.html", {"too_many": True})
    if live:
        return _checked(request, place, read(request.POST.dict()), live)
    # Reading fields takes time too, whatever is pressed.
    if not throttle.allow("draft-form", throttle.who_asks(request), limit=FORMS_AN_HOUR, window=throttle.HOUR):
        text = gettext("Too many changes in an hour. Go back, your browser keeps what you wrote, and try again later.")
        return HttpResponse(text, content_type="text/plain; charset=utf-8", status=429)
    written = read(request.POST.dict())
    if request.POST.get("keep"):
        return _keep(request, place, written, token, kept)
    if (added := request.POST.get("add", "")) in KINDS:
        written.actions = [*written.actions, Action(added, {})][:MOST_ACTIONS]
        return _page(request, place, written, **kept)
    if started := request.POST.get("start", ""):
        _start(written, started)
        return _page(request, place, written, **kept)
    removed = request.POST.get("remove", "")
    if removed.isdecimal() and removed.isascii() and len(removed) < 4:
        written.actions = [action for n, action in enumerate(written.actions) if n != int(removed)]
        return _page(request, place, written, **kept)
    if not throttle.allow("draft", throttle.who_asks(request), limit=PER_ASKER_AN_HOUR, window=throttle.HOUR):
        written.problems.append(gettext("Too many looks in an hour: try again later. Nothing you wrote is lost."))
        return _page(request, place, written, status=429, **kept)
    return _page(request, place, written, **kept, **_looked_at(place, written))


def _kept(request: HttpRequest, place: DaoView, token: str) -> dict[str, Any]:
    """What the page shows of a draft that is kept: its versions, the one that is asked for (the newest where none is),
    and what changed in it. Raises Http404."""
    try:
        versions = saved.versions_of(place.dao, token)
    except SavedDraft.DoesNotExist as error:
        raise Http404("no draft is kept under this link") from error
    asked = request.GET.get("version", "")
    version = next((one for one in versions if str(one.number) == asked), None)
    if version is None and asked:
        raise Http404("the draft has no version of this number")
    version = version or versions[0]
    before = next((one for one in versions if one.number == version.number - 1), None)
    return {
        "version": version,
        "versions": saved.listed(versions, version),
        "is_compared": before is not None,
        "differences": saved.differences(before, version) if before else [],
        "link": settings.ORIGIN + reverse("kept_draft", args=[place.dao.slug, token]),
        "token": token,
    }


def _keep(
    request: HttpRequest, place: DaoView, written: Draft, token: str | None, kept: dict[str, Any]
) -> HttpResponse:
    """Keep what is written as a version, and show it."""
    if not throttle.allow("draft-keep", throttle.who_asks(request), limit=KEPT_AN_HOUR, window=throttle.HOUR):
        written.problems.append(gettext("Too many versions in an hour: try again later. Nothing you wrote is lost."))
        return _page(request, place, written, status=429, **kept)
    try:
        token, number = saved.keep(place.dao, written, token, throttle.who_asks(request))
    except saved.NotKept as error:
        written.problems.append(str(error))
        return _page(request, place, written, status=422, **kept)
    return redirect(f"{reverse('kept_draft', args=[place.dao.slug, token])}?version={number}#kept")


def _checked(request: HttpRequest, place: DaoView, written: Draft, live: str) -> HttpResponse:
    """What stands below a policy while it is written; empty where there is none. Asks no node."""
    policies = {str(n): action for n, action in enumerate(written.actions) if action.kind == "policy"}
    action = policies.get(live)
    if action is None or not action.fields.get("yaml", "").strip():
        return HttpResponse("")
    make_policy(place, Modules.of(place), action)
    context = {"action": action, "policy": None if action.policy is None else _policy_words(action)}
    return render(request, "webapp/_draft_check.html", context)


def _start(written: Draft, asked: str) -> None:
    """Put a template into an action's empty field: `asked` is the action's number, a colon, the template's name."""
    number, _, name = asked.partition(":")
    for n, action in enumerate(written.actions):
        if str(n) == number and action.kind == "policy" and not action.fields.get("yaml", "").strip():
            action.fields["yaml"] = starts.text_of(name)


def _node(place: DaoView) -> Rpc | None:
    try:
        return node(place)
    except RpcUnreachable:
        return None  # none is configured: the page says that nothing was tried


def _looked_at(place: DaoView, written: Draft) -> dict[str, Any]:
    """What the page shows of a draft that is whole; only its problems where it is not."""
    rpc = _node(place)
    pays, modules = treasuries.pays(place, rpc), Modules.of(place)
    compose(place, written, pays, modules)
    if not written.is_whole:
        return {}
    summary = look.reviewed(place, written.text, written.calls, rpc)
    trials, block = look.tried(place, rpc, pays.maker, written.calls)
    calldata = look.propose_calldata(place, written.text, written.calls)
    return {
        "summary": summary,
        "card": card_of(summary),
        "dangers": flags_of(summary, dangers=True),
        "warnings": flags_of(summary, dangers=False),
        "meanings": meanings(),
        "trials": trials,
        "tried_at": block,
        "policies": [_policy_words(action) for action in written.actions if action.policy is not None],
        "module_notes": modules.notes_of([action.module for action in written.actions if action.module is not None]),
        "to": words.address_text(place.governor.address),
        "calldata": hex_text(calldata) if calldata is not None else "",
        "batch": look.safe_batch(place, calldata) if calldata is not None else "",
    }


def _policy_words(action: Action) -> dict[str, Any]:
    """A policy of the draft in words, with what its author should look at again, and how it differs from the version
    that it would replace (None where the mirror has none of that name in this module)."""
    document, module = action.policy, action.module
    assert document is not None
    assert module is not None
    code = lower(document)
    names = {address: name for name, address in document.addresses}
    tokens = {token.address: token for token in document.tokens}
    functions = {rule.function.selector: rule.function for rule in document.rules if rule.function}
    versions = PolicyVersion.objects.filter(module=module, policy_id=policy_id(document.name))
    newest = versions.select_related("module").order_by("-version").first()
    before = decode_version(newest)[0] if newest else None
    told = explanation(code, names, tokens, functions, document=document)
    return {
        "name": document.name,
        "tested": action.tested,
        "leads": told.leads,
        "lines": [*told.sentences, *told.below],  # the three lines stand above
        "warnings": [str(problem) for problem in warnings_of(document)],
        "module": words.address_text(bytes(module.address)),
        "replaces": newest,
        "revival": revival(newest, before, code) if newest else None,
        "changes": None if before is None else [str(change) for change in diff(before, code, names, tokens, functions)],
    }


def _modules(modules: Modules, action: Action) -> list[str]:
    """The addresses of the modules that the author chooses among; none where there is no choice."""
    offered = [words.address_text(bytes(module.address)) for module in modules.offered(action.kind)]
    return offered if len(offered) > 1 or action.fields.get("module", "") not in ("", *offered) else []


def _page(request: HttpRequest, place: DaoView, written: Draft, *, status: int = 200, **context: Any) -> HttpResponse:
    modules = Modules.of(place)
    rooms = values.with_room([action.fields.get("yaml", "") for action in written.actions])
    answer = render_page(
        request,
        "draft.html",
        place,
        "proposals",
        draft=written,
        actions=[
            (
                action,
                _modules(modules, action) if "module" in KINDS[action.kind][1] else [],
                values.values_of(action.fields.get("yaml", "")) if has_room else [],
                values.mark_of(action.fields.get("yaml", "")),
            )
            for action, has_room in zip(written.actions, rooms, strict=True)
        ],
        kinds=[(kind, name) for kind, (name, _) in KINDS.items()],
        assets=sorted(tokens_by_symbol(list(place.assets.values()))),
        templates=list(starts.TEMPLATES.items()),
        endings=endings.offered(place) if any(action.kind == "end" for action in written.actions) else [],
        has_room=len(written.actions) < MOST_ACTIONS,
        **context,
    )
    answer.status_code = status
    return answer
