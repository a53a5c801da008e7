# SPDX-License-Identifier: Apache-2.0
"""Who is at the browser, with their roles, and the answer to who may not do something. `governance.roles` decides."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from ninja.errors import HttpError

from governance.models import Dao
from governance.roles import Do, Role, Visitor, may_do, visitor
from webapp.account import signin

NAMES: Mapping[Role, Promise] = {
    Role.OPERATOR: gettext_lazy("operator of a policy"),
    Role.LAPSED: gettext_lazy("operator of a policy that may not be in force any more"),
    Role.GUARDIAN: gettext_lazy("guardian of the policy module"),
    Role.OWNER: gettext_lazy("owner of the policy module"),
    Role.AGENT: gettext_lazy("agent of a policy"),
    Role.AUDITOR: gettext_lazy("auditor of rosters"),
    Role.KEEPER: gettext_lazy("keeper of this site"),
}


def visitor_of(request: HttpRequest, dao: Dao | None = None) -> Visitor:
    """Return who sent a request, with the roles towards the site, and the DAO where one is given."""
    account, chain_id = signin.signed_in(request)
    return visitor(account, dao, chain_id)


def names_of(who: Visitor) -> list[str]:
    """Return the roles that are more than everybody's, in words."""
    return [str(NAMES[role]) for role in NAMES if role in who.roles]


def denial(who: Visitor, what: Do) -> str:
    """Return why somebody may not do something, and who may; empty where they may."""
    if who.may(what):
        return ""
    if who.account is None:
        return gettext("Sign in with your wallet first.")
    if Role.ACCOUNT in may_do(what):
        return gettext(
            "This account is a contract that signed in on another chain than this DAO's. Choose the DAO's chain in "
            "your wallet and sign in again."
        )
    able = ", ".join(str(NAMES[role]) for role in NAMES if role in may_do(what))
    return gettext("This account may not do this. Who may: %(roles)s.") % {"roles": able}


def require_in_api(who: Visitor, what: Do) -> None:
    """Raise HttpError where somebody may not do something: 401 for who has not signed in, 403 for who may not."""
    if not who.may(what):
        raise HttpError(401 if who.account is None else 403, denial(who, what))
