# SPDX-License-Identifier: Apache-2.0
"""A delegate's statement is its own word: signed over the text's hash, and no older one comes back."""

import json
import time

import pytest
from eth_account import Account
from eth_utils import keccak

from governance.models import AuditEntry
from tests.webapp.conftest import UNIT
from webapp.models import DelegateStatement

KEY = "0x" + "11" * 32
ACCOUNT = Account.from_key(KEY).address
URL = f"/api/v1/daos/river/delegates/{ACCOUNT}/statement"


@pytest.fixture
def delegate(made, settings):
    """The DAO of rows, in which the key's account has power."""
    settings.RPC_URLS = {}
    made.power(int(ACCOUNT, 16), 5 * UNIT)
    return made


def sign(client, text, *, at=None, key=KEY):
    at = int(time.time()) if at is None else at
    asked = client.get(f"{URL}?text_hash=0x{keccak(text=text).hex()}&signed_at_s={at}")
    assert asked.status_code == 200, asked.content
    signed = Account.sign_typed_data(key, full_message=asked.json())
    return {"text": text, "signed_at_s": at, "signature": "0x" + signed.signature.hex()}


def post(client, payload):
    return client.post(URL, json.dumps(payload), content_type="application/json")


def test_a_statement_is_shown_with_its_signature_and_can_be_taken_back(client, delegate):
    at = int(time.time()) - 5
    answer = post(client, payload := sign(client, "I vote on **each** proposal. <b>x</b>", at=at))
    assert answer.status_code == 200, answer.content
    assert client.get(f"/api/v1/daos/river/delegates/{ACCOUNT}").json()["statement"] == answer.json()
    assert answer.json()["signature"] == payload["signature"]
    text = client.get(f"/river/delegates/{ACCOUNT}/").content.decode()
    assert "I vote on <strong>each</strong> proposal. &lt;b&gt;x&lt;/b&gt;" in text
    assert post(client, sign(client, "", at=at + 1)).json() is None
    assert "It has published no statement here." in client.get(f"/river/delegates/{ACCOUNT}/").content.decode()
    # What was signed before does not come back, whoever sends it.
    assert post(client, payload).status_code == 409
    assert DelegateStatement.objects.get().text == ""
    logged = [json.loads(row.body) for row in AuditEntry.objects.order_by("id")]
    assert [(one["action"], one["values"]["is_taken_back"]) for one in logged] == [
        ("statement_published", False), ("statement_published", True)
    ]  # fmt: skip
    assert {one["by"]["account"] for one in logged} == {ACCOUNT}


def test_only_the_accounts_own_fresh_word_is_taken(client, delegate):
    good = sign(client, "Mine")
    other = sign(client, "Mine", key="0x" + "22" * 32)
    assert post(client, {**good, "text": "Yours"}).status_code in (409, 503)
    assert post(client, other).status_code in (409, 503)
    assert post(client, {**good, "signed_at_s": good["signed_at_s"] + 1}).status_code in (409, 503)
    old = post(client, sign(client, "Mine", at=int(time.time()) - 3600))
    assert old.json()["error"].startswith("The signature is too old")
    assert post(client, {**good, "text": "x" * 2001}).status_code == 422
    assert post(client, {**good, "text": "\0"}).status_code == 422
    assert post(client, {**good, "text": "\ud800"}).status_code == 422
    assert not DelegateStatement.objects.exists()
    assert post(client, good).status_code == 200


def test_who_has_no_power_publishes_nothing(client, made, settings):
    settings.RPC_URLS = {}
    made.power(3, UNIT)
    answer = post(client, sign(client, "Spam"))
    assert answer.json()["error"] == "Only an account with voting power can publish a statement."
