# SPDX-License-Identifier: Apache-2.0
"""Given a draft that is kept under a link: its versions stand as they were written, for whoever has the link alone."""

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import AuditEntry, Chain, Dao
from presentation.words import address_text
from tests.webapp.conftest import account
from webapp.drafts import page as drafts
from webapp.drafts import saved
from webapp.models import DraftVersion, SavedDraft

INES = address_text(account(200))
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _origin(settings):
    settings.ORIGIN = "http://testserver"


def form(text="# Pay ines\n\nPay 5 USDC.", amount="5"):
    return {"text": text, "kind-0": "transfer", "asset-0": "USDC", "to-0": INES, "amount-0": amount, "keep": "1"}


def kept(client, path="/river/propose/", **values):
    answer = client.post(path, form(**values))
    assert answer.status_code == 302
    return answer["Location"].partition("?")[0], answer["Location"]


def shown(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_versions_stand_as_they_were_written_with_what_changed(made, client):
    link, first = kept(client)
    assert "Version 1, kept" in shown(client, first)
    _, second = kept(client, link, text="# Pay ines\n\nPay 7 USDC. <b>Now</b>", amount="7")
    page = shown(client, second)
    for line in ("- Pay 5 USDC.", "+ Pay 7 USDC. <b>Now</b>", "- amount: 5", "+ amount: 7"):
        assert f"<code>{line}</code>" in page, line
    assert "to: 0x" not in page, "what stayed is no difference"
    assert "<code>+ Pay 7 USDC. <b>Now" not in client.get(second).content.decode(), "as text, not as marks"
    assert 'value="7"' in shown(client, link), "the newest is shown"
    assert 'value="5"' in shown(client, f"{link}?version=1")
    assert client.get(f"{link}?version=3").status_code == 404
    kept(client, link, text="# Pay ines\n\nPay 7 USDC. <b>Now</b>", amount="7")
    assert DraftVersion.objects.count() == 2, "the same again is no version"


def test_the_link_alone_opens_it_and_gives_it_to_no_other_site(made, client):
    link, _ = kept(client)
    answer = client.get(link)
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"
    token = re.fullmatch(r"/river/propose/([\w-]{32})/", link)[1]
    assert token not in str(list(SavedDraft.objects.values()) + list(AuditEntry.objects.values_list("body")))
    other = "B" if token.endswith("A") else "A"
    assert client.get(f"/river/propose/{token[:-1]}{other}/").status_code == 404
    Dao.objects.create(chain=Chain.objects.get(), slug="lake", name="Lake DAO")
    assert client.get(f"/lake/propose/{token}/").status_code == 404
    assert client.post(f"/lake/propose/{token}/", form()).status_code == 404
    assert link not in shown(client, "/river/proposals/")


def test_what_is_no_whole_draft_is_kept_as_it_is_and_looking_keeps_nothing(made, client, monkeypatch):
    link, _ = kept(client, text="half\u0000 x\\u0000", amount="five?")
    assert DraftVersion.objects.get().body["text"] == "half x\\u0000", "six characters that were typed stay"
    assert 'value="five?"' in shown(client, link)
    monkeypatch.setattr(drafts, "_node", lambda _place: None)
    looked = client.post(link, {key: value for key, value in form(amount="9").items() if key != "keep"} | {"look": "1"})
    assert looked.status_code == 200
    assert "Version 1, kept" in looked.content.decode()
    assert DraftVersion.objects.count() == 1


def test_there_are_limits_in_words(made, client, monkeypatch):
    monkeypatch.setattr(saved, "MOST_VERSIONS", 1)
    link, _ = kept(client)
    full = client.post(link, form(amount="6"))
    assert full.status_code == 422
    assert "as many versions as it may have" in full.content.decode()
    monkeypatch.setattr(saved, "MOST_BYTES_IN_ALL", DraftVersion.objects.get().size * 2 - 1)
    assert "as many drafts as it has room for" in client.post("/river/propose/", form()).content.decode()
    monkeypatch.setattr(saved, "BYTES_A_DAY", DraftVersion.objects.get().size * 3)
    assert "Too much was kept from here in a day" in client.post("/river/propose/", form()).content.decode()
    assert DraftVersion.objects.count() == 1
    monkeypatch.setattr(saved, "MOST_BYTES", 10)
    assert "too long to be kept" in client.post("/river/propose/", form()).content.decode()
    monkeypatch.setattr(drafts, "KEPT_AN_HOUR", 0)
    assert client.post("/river/propose/", form()).status_code == 429


def test_who_looks_too_often_is_stopped_before_a_draft_is_read_and_old_bodies_are_not(made, client, monkeypatch):
    link, _ = kept(client)
    for amount in ("6", "7", "8"):
        kept(client, link, amount=amount)
    with CaptureQueriesContext(connection) as seen:
        assert 'value="8"' in shown(client, link)
    assert sum('"webapp_draftversion"."body"' in query["sql"] for query in seen) == 2, "it and the one before"
    monkeypatch.setattr(drafts, "LOOKS_AN_HOUR", 0)
    monkeypatch.setattr(saved, "versions_of", None)
    for answer in (client.get(link), client.post(link, form())):
        assert answer.status_code == 429
        assert "try again later" in answer.content.decode()


def test_a_draft_that_nobody_changes_is_forgotten(made, client):
    link, _ = kept(client)
    saved.forget_old()
    assert client.get(link).status_code == 200
    SavedDraft.objects.update(changed_at=SavedDraft.objects.get().changed_at - saved.KEPT)
    saved.forget_old()
    assert client.get(link).status_code == 404


def test_a_long_draft_is_compared_in_time_or_said_to_be_too_long(made):
    draft = SavedDraft.objects.create(dao=made.dao, token_hash=b"\1" * 32)
    old, new = (
        DraftVersion(
            draft=draft, number=number, body={"text": "\n".join(f"{sign}{n % 7}" for n in range(lines)), "actions": []}
        )
        for number, sign, lines in ((1, "a", 490), (2, "b", 490))
    )
    found = saved.differences(old, new)
    assert found is not None
    assert found[-1].text.startswith("and ")
    old.body["text"] = "\n" * 600
    assert saved.differences(old, new) is None
