# SPDX-License-Identifier: Apache-2.0
"""Print what a site shows of everything in its database, as JSON: API answers, pages' text, and checks of records.

    DATABASE_URL=... python tests/upgrade/capture.py

Run on the database as an older commit left it (with that commit's code) and again after an upgrade (with today's), so
that the two can be compared. No node is asked: MANDATE_RPC_URLS must be empty.
"""

import contextlib
import json
import os
import re
import sys
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["DJANGO_SETTINGS_MODULE"] = "dao.settings"

import django

django.setup()

from django.apps import apps  # noqa: E402  (only after django.setup)
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402


def text_of(html: str) -> str:
    """The text of a page, without its head, scripts and tags, with single spaces."""
    body = html[html.find("<body") :]
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", body, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def paths() -> list[str]:
    """The addresses of all API answers and pages that there are, found from the database."""
    found = ["/", "/api/v1/daos"]
    for dao in apps.get_model("governance", "Dao").objects.order_by("pk"):
        api, page = f"/api/v1/daos/{dao.slug}", f"/{dao.slug}"
        found += [api, f"{api}/proposals?size=100", f"{api}/delegates", f"{api}/policies", f"{api}/acts?size=100"]
        found += [f"{api}/refusals", f"{api}/requests"]
        found += [f"{page}/", f"{page}/proposals/", f"{page}/delegates/", f"{page}/policies/", f"{page}/agent/"]
        proposals = apps.get_model("governance", "Proposal").objects.filter(dao=dao).order_by("pk")
        for number in proposals.values_list("proposal_id", flat=True):
            found += [f"{api}/proposals/{number}", f"{page}/proposals/{number}/"]
        requests = apps.get_model("agent", "Request").objects.filter(dao=dao).order_by("pk")
        found += [f"{api}/requests/{number}" for number in requests.values_list("pk", flat=True)]
    records = apps.get_model("agent", "DecisionRecord").objects.order_by("pk")
    return found + [f"/records/0x{bytes(digest).hex()}.json" for digest in records.values_list("hash", flat=True)]


def answer(client: Client, path: str) -> dict[str, Any]:
    """The status and the content that a GET of this path is answered with."""
    response = client.get(path)
    content = response.content.decode()
    is_json = response["Content-Type"].startswith("application/json")
    return {"status": response.status_code, "json" if is_json else "text": content if is_json else text_of(content)}


def verified(digest: str) -> list[dict[str, Any]]:
    """What `manage.py verify_record` says of one record, without asking a node."""
    out = StringIO()
    with contextlib.suppress(SystemExit):  # a rejected record's exit status; its checks are printed all the same
        call_command("verify_record", digest, "--json", stdout=out)
    return json.loads(out.getvalue())["checks"]


def main() -> None:
    client = Client(SERVER_NAME=urlsplit(settings.ORIGIN).hostname)
    records = apps.get_model("agent", "DecisionRecord").objects.order_by("pk").values_list("hash", flat=True)
    rows = {model._meta.label: model.objects.count() for model in apps.get_models() if model._meta.managed}
    print(
        json.dumps(
            {
                "answers": {path: answer(client, path) for path in paths()},
                "records": {f"0x{bytes(digest).hex()}": verified(f"0x{bytes(digest).hex()}") for digest in records},
                "rows": rows,
            },
            indent=1,
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
