# SPDX-License-Identifier: Apache-2.0
"""Drafts that are kept under a link: whoever has the link reads every version and may add one; none is changed.

The link alone gives the draft away: it is stored hashed, stands in no list, and is told to no other site.
"""

from __future__ import annotations

import datetime
import difflib
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext

from governance.audit_log import Action, record
from governance.models import Dao
from policies.notation.visible import one_line
from webapp import throttle
from webapp.drafts.actions import KINDS, Draft
from webapp.drafts.actions import Action as DraftedAction
from webapp.models import DraftVersion, SavedDraft

MOST_VERSIONS = 100
MOST_BYTES = 600_000  # of one version: a text, policies and calldata as long as a draft may have them
BYTES_A_DAY = 5_000_000  # of one asker
MOST_BYTES_IN_ALL = 2_000_000_000  # of all drafts of this site
KEPT = datetime.timedelta(days=180)  # after its last version
_MOST_LINES = 400  # of differences shown
_MOST_COMPARED = 1_000  # lines of both versions: comparing takes time by their square


class NotKept(Exception):
    """A version that is not kept; the text is for whoever wrote it."""


@dataclass(frozen=True)
class Difference:
    """A line of what changed: `sign` is `+`, `-`, or empty for what an action is about."""

    sign: str
    text: str


def keep(dao: Dao, written: Draft, token: str | None, asker: str) -> tuple[str, int]:
    """Keep a version, of a new draft where `token` is None; its link's token and its number. Raises NotKept, and
    SavedDraft.DoesNotExist."""
    body = _body_of(written)
    size = len(json.dumps(body))
    if size > MOST_BYTES:
        raise NotKept(gettext("This is too long to be kept under a link."))
    if not throttle.allow("draft-bytes", asker, limit=BYTES_A_DAY, window=throttle.DAY, count=size):
        raise NotKept(gettext("Too much was kept from here in a day: try again tomorrow."))
    if (DraftVersion.objects.aggregate(sum=Sum("size"))["sum"] or 0) + size > MOST_BYTES_IN_ALL:
        raise NotKept(gettext("This site keeps as many drafts as it has room for: copy what you wrote."))
    with transaction.atomic():
        if token is None:
            token = secrets.token_urlsafe(24)
            draft = SavedDraft.objects.create(dao=dao, token_hash=_hash(token))
        else:
            draft = SavedDraft.objects.select_for_update().get(dao=dao, token_hash=_hash(token))
        newest = draft.versions.order_by("-number").first()
        if newest is not None and newest.body == body:
            return token, newest.number
        number = newest.number + 1 if newest else 1
        if number > MOST_VERSIONS:
            raise NotKept(gettext("This draft has as many versions as it may have. Keep it under a new link."))
        DraftVersion.objects.create(draft=draft, number=number, body=body, size=size)
        SavedDraft.objects.filter(pk=draft.pk).update(changed_at=timezone.now())
        record(Action.DRAFT_KEPT, dao, draft=draft.pk, version=number)
    return token, number


def _body_of(written: Draft) -> dict[str, Any]:
    """What is kept of a draft. A database's text has no zero character."""
    return {
        "text": written.text.replace("\0", ""),
        "actions": [
            {"kind": one.kind, "fields": {name: value.replace("\0", "") for name, value in one.fields.items()}}
            for one in written.actions
        ],
    }


def versions_of(dao: Dao, token: str) -> list[DraftVersion]:
    """All versions of a draft, the newest first, their bodies not read. Raises SavedDraft.DoesNotExist."""
    draft = SavedDraft.objects.get(dao=dao, token_hash=_hash(token))
    return list(draft.versions.order_by("-number").defer("body"))


def as_draft(version: DraftVersion) -> Draft:
    """A version as the form shows it. A kind of action that this site no longer knows is left out."""
    body = version.body
    actions = []
    for one in body["actions"]:
        if one["kind"] in KINDS:
            fields = {name: str(one["fields"].get(name, "")) for name in KINDS[one["kind"]][1]}
            actions.append(DraftedAction(one["kind"], fields))
    return Draft(str(body["text"]), actions)


def differences(before: DraftVersion, after: DraftVersion) -> list[Difference] | None:
    """What changed from one version to the other, line by line; None where they are too long to be compared here."""
    old, new = _lines(before), _lines(after)
    if len(old) + len(new) > _MOST_COMPARED:
        return None
    found = [
        Difference(line[0], one_line(line[1:], 500))
        for line in list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]  # behind the names of the two
        if line[0] in "+-"
    ]
    if len(found) > _MOST_LINES:
        left = len(found) - _MOST_LINES
        found = [*found[:_MOST_LINES], Difference("", gettext("and %(count)s more lines") % {"count": left})]
    return found


def _lines(version: DraftVersion) -> list[str]:
    written = as_draft(version)
    found = written.text.split("\n")
    for number, action in enumerate(written.actions, 1):
        found.append(f"{number}. {action.name}")
        for name, value in action.fields.items():
            found += [f"{name}: {line}" for line in value.split("\n") if line]
    return found


def forget_old() -> None:
    """Delete drafts that got no version for long."""
    SavedDraft.objects.filter(changed_at__lt=timezone.now() - KEPT).delete()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def listed(versions: list[DraftVersion], shown: DraftVersion) -> list[dict[str, Any]]:
    """Versions as the page lists them."""
    return [{"number": one.number, "kept_at": one.kept_at, "is_shown": one.pk == shown.pk} for one in versions]
