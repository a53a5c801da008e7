# SPDX-License-Identifier: Apache-2.0
"""The page of a policy's roster: what of it is public, and where its operator composes, signs and hands in a new one.

Everybody may compose one and hand in a signature: only the operator's counts. Names are shown to the operator, to
auditors, and to each payee its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.http import require_http_methods

from agent.acts import roster_lines, rosters
from agent.acts.policy import NoPolicyInForce, PolicyInForce, chain_now_s, in_force
from agent.models import Roster
from governance.chain import eip712
from governance.chain.signatures import MOST_SIGNATURE_DIGITS
from governance.roles import Visitor
from governance.sentences import worded
from policies.code.encoding import DecodeError
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.dao_view import DaoView
from webapp import languages, roles, throttle
from webapp.agent.power import why_not_in_power
from webapp.api_input import RELAYED_AN_HOUR, bytes32
from webapp.rendering import render_page

_DAY_S = 86_400
MOST_TEXT = 40_000  # characters of the lines that somebody writes
MOST_DOCUMENT = 200_000  # of typed data that is handed in
MOST_DAYS = rosters.MAX_LIFE_S // _DAY_S
DAYS = 365
FORMS_AN_HOUR = 120
KINDS: Mapping[str, Promise] = {
    rosters.MONTHLY: gettext_lazy("paid each month"),
    rosters.NAMES: gettext_lazy("names for one-off payments, each of which the operator signs"),
}
MAY_ASK: Mapping[str, Promise] = {
    "delegate": gettext_lazy("delegates, who have votes"),
    "holder": gettext_lazy("holders of the votes token"),
    "roster": gettext_lazy("people on the roster"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@csrf_protect
@ensure_csrf_cookie
def roster(request: HttpRequest, slug: str, policy_id: str) -> HttpResponse:
    """The roster in use; sent as a form, what the operator would sign; with a signature, the new roster."""
    place = DaoView.of(slug)
    policy = policy_of(place, policy_id)
    if request.method != "POST":
        return _page(request, place, policy)
    if request.POST.get("what") == "signed":
        return _take_in(request, place, policy)
    if not throttle.allow("roster-form", throttle.who_asks(request), limit=FORMS_AN_HOUR, window=throttle.HOUR):
        return _page(request, place, policy, problem=gettext("Too many attempts. Try again in an hour."), status=429)
    try:
        proposed = _composed(request.POST, place, policy)
    except (rosters.RosterError, NoPolicyInForce) as error:
        return _page(request, place, policy, problem=worded(error.sentence), status=422)
    return _page(request, place, policy, proposed=proposed)


def policy_of(place: DaoView, policy_id: str) -> PolicyInForce:
    """The policy in force of an id in an address; 404 where there is none, or where its code can't be read."""
    try:
        return in_force(place.dao, bytes32(policy_id))
    except (NoPolicyInForce, DecodeError) as error:
        raise Http404("no policy of this id is known here") from error


def _composed(given: QueryDict, place: DaoView, policy: PolicyInForce) -> dict[str, Any]:
    """The typed data that the form asks for. Raises RosterError and NoPolicyInForce."""
    kind, days = given.get("kind", rosters.MONTHLY), given.get("days", "")
    if kind not in rosters.KINDS:
        raise rosters.RosterError(f"the kind must be one of: {', '.join(rosters.KINDS)}")
    if not (days.isascii() and days.isdigit() and len(days) < 4 and 0 < int(days) <= MOST_DAYS):
        raise rosters.RosterError(f"a roster may last 1 to {MOST_DAYS} days")
    text = given.get("lines", "")
    if len(text) > MOST_TEXT:
        raise rosters.RosterError(f"the lines have more than {MOST_TEXT} characters")
    rules = rosters.Rules(
        kind, given.get("first", "").strip(), given.get("last", "").strip(), frozenset(given.getlist("may_ask"))
    )
    if unclear := _unclear(text):
        raise rosters.RosterError(unclear)
    lines = roster_lines.read(text, tokens_of(place, policy), kind)
    expires = chain_now_s(place.dao) + int(days) * _DAY_S
    return rosters.typed_data(place.dao, policy.policy_id, lines, expires_chain_s=expires, rules=rules)


def _unclear(text: str) -> str:
    """Why an amount of the lines can't be taken on a page in this language; empty where all can."""
    for number, line in enumerate(text.splitlines(), 1):
        if unclear := languages.unclear_amount(line):
            return gettext("line %(number)s: %(problem)s") % {"number": number, "problem": unclear}
    return ""


def _take_in(request: HttpRequest, place: DaoView, policy: PolicyInForce) -> HttpResponse:
    """Keep a roster that the operator signed. A contract's signature is asked of the chain, so tries are counted."""
    proposed: dict[str, Any] | None = None
    text, signature = request.POST.get("document", ""), request.POST.get("signature", "").strip()
    if not throttle.allow("roster", throttle.who_asks(request), limit=RELAYED_AN_HOUR, window=throttle.HOUR):
        return _page(request, place, policy, problem=gettext("Too many attempts. Try again in an hour."), status=429)
    try:
        if len(text) > MOST_DOCUMENT or len(signature) > MOST_SIGNATURE_DIGITS:
            raise rosters.RosterError("the typed data or the signature is too long")
        document = read_json(text)
        rosters.parse(document)
        proposed = document
        rosters.accept(place.dao, {"typed_data": document, "signature": signature}, policy.policy_id)
    except (rosters.RosterError, NoPolicyInForce) as error:
        return _page(request, place, policy, proposed=proposed, problem=worded(error.sentence), status=422)
    messages.success(request, gettext("The roster is signed and in use."))
    return HttpResponseRedirect(reverse("roster", args=[place.dao.slug, hex_text(policy.policy_id)]))


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises RosterError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise rosters.RosterError("the typed data is not JSON") from error


def tokens_of(place: DaoView, policy: PolicyInForce) -> dict[str, Token]:
    """The tokens that the policy has budgets for, by symbol; those that share one have none."""
    assets = [place.asset(address) for address in dict.fromkeys(budget.asset for budget in policy.code.budgets)]
    times = Counter(asset.symbol for asset in assets)
    return {
        asset.symbol: Token(asset.symbol, asset.address, asset.decimals)
        for asset in assets
        if asset.known and not asset.shared and times[asset.symbol] == 1
    }


def in_use(policy: PolicyInForce, now_chain_s: int) -> tuple[Roster | None, rosters.Terms | None, str]:
    """The roster that the policy pays by, with its terms; else the newest there is. With why it pays nobody."""
    try:
        found = rosters.current(policy, now_chain_s)
        return found, rosters.terms_of(found), " ".join(why_not_in_power(policy, now_chain_s))
    except rosters.RosterError as error:
        newest = Roster.objects.filter(module=policy.contract, policy_id=policy.policy_id).order_by("-serial").first()
        try:
            return newest, None if newest is None else rosters.terms_of(newest), worded(error.sentence)
        except rosters.RosterError:
            return newest, None, worded(error.sentence)


def _page(
    request: HttpRequest, place: DaoView, policy: PolicyInForce, *, proposed: dict[str, Any] | None = None,
    problem: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    visitor = roles.visitor_of(request, place.dao)
    operator, tokens = policy.code.operator, tokens_of(place, policy)
    held, terms, why_not = in_use(policy, place.now_chain_s)
    # Who is operator now sees what it signed itself: names of one before were promised to that one.
    signer = operator if held is None else bytes(held.operator)
    sees_names = visitor.may_see_roster_of(operator) and visitor.may_see_roster_of(signer)
    page = render_page(
        request,
        "roster.html",
        place,
        "agent",
        policy_id=policy.policy_id,
        policy=policy,
        operator=operator,
        agent=policy.code.agent,
        is_operator=visitor.here == operator,
        account=visitor.account,
        roles=roles.names_of(visitor),
        roster=held,
        why_not=why_not,
        terms=None if terms is None else _terms_view(place, terms, visitor, all_names=sees_names),
        sees_names=sees_names,
        auditors=sorted(settings.AUDITORS),
        tokens=list(tokens),
        form=_form(request, terms if sees_names else None, tokens),
        left_out=_left_out(request, terms, tokens) if terms is not None and sees_names else [],
        most_days=MOST_DAYS,
        proposed=None if proposed is None else _proposed(place, proposed, visitor),
        problem=problem,
    )
    page.status_code = status
    page["Cache-Control"] = "private, no-store"  # what it shows depends on who looks
    return page


def _form(request: HttpRequest, terms: rosters.Terms | None, tokens: Mapping[str, Token]) -> dict[str, Any]:
    """The form's inputs: what was sent, else the roster in use as far as the visitor may see it."""
    given = request.POST if "lines" in request.POST else None
    rules = (None if terms is None else terms.rules) or rosters.Rules()
    asked = rules.may_ask if given is None else frozenset(given.getlist("may_ask"))
    kind = rules.kind if given is None else given.get("kind", "")
    text = "" if terms is None else roster_lines.written(terms.lines, tokens, apart=languages.current() == "en")
    return {
        "kinds": [{"value": name, "text": text_, "is_chosen": name == kind} for name, text_ in KINDS.items()],
        "may_ask": [{"value": name, "text": text_, "is_chosen": name in asked} for name, text_ in MAY_ASK.items()],
        "first": rules.first_month if given is None else given.get("first", "")[:10],
        "last": rules.last_month if given is None else given.get("last", "")[:10],
        "days": str(DAYS) if given is None else given.get("days", "")[:4],
        "lines": text if given is None else given.get("lines", "")[:MOST_TEXT],
    }


def _left_out(request: HttpRequest, terms: rosters.Terms, tokens: Mapping[str, Token]) -> list[str]:
    """Who is on the roster and not in the form that begins with it."""
    if "lines" in request.POST:
        return []
    return [line.name for line in roster_lines.left_out(terms.lines, tokens)]


def _proposed(place: DaoView, document: dict[str, Any], visitor: Visitor) -> dict[str, Any]:
    """What somebody composed, and may sign, as it is shown: who has it before them sees all of it."""
    return {
        "document": json.dumps(document, indent=1, ensure_ascii=False),
        "digest": eip712.digest(document),
        "terms": _terms_view(place, rosters.parse(document), visitor, all_names=True),
    }


def _terms_view(place: DaoView, terms: rosters.Terms, visitor: Visitor, *, all_names: bool) -> dict[str, Any]:
    """A roster's terms in words. Without `all_names` a line has its name and amount for its payee alone."""
    rules = terms.rules or rosters.Rules()
    return {
        "serial": terms.serial,
        "version": terms.policy_version,
        "expires": words.moment(terms.expires_chain_s),
        "kind": KINDS[rules.kind],
        "first": rules.first_month,
        "last": rules.last_month,
        "is_monthly": rules.kind == rosters.MONTHLY,
        "may_ask": [str(MAY_ASK[name]) for name in rosters.MAY_ASK if name in rules.may_ask],
        "lines": [
            {
                "recipient": line.recipient,
                "name": line.name if all_names or line.recipient == visitor.here else "",
                "amount": place.asset(line.asset).text(line.amount, None)
                if line.amount and (all_names or line.recipient == visitor.here)
                else "",
            }
            for line in terms.lines
        ],
    }
