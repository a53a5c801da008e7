# SPDX-License-Identifier: Apache-2.0
"""Given a page that writes 1.500 for fifteen hundred: a typed 1,500 is refused by one line with both readings, in every
field; on an English page, and by the API, it is taken as ever."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import translation

from agent.acts import roster_lines, rosters
from agent.acts import words as request_words
from agent.models import Request, Schedule
from governance.models import Cursor
from governance.sentences import worded
from policies.notation.amounts import Token
from tests.webapp.conftest import NOW, Made
from tests.webapp.test_act_form import FORM, PAGE, in_force  # noqa: F401 -- a fixture
from tests.webapp.test_api import sign_in
from tests.webapp.test_drafts import LOOK, TRANSFER, paid, sent  # noqa: F401 -- a fixture
from tests.webapp.test_schedules_page import DATES, _our_clock  # noqa: F401 -- a fixture
from tests.webapp.test_would_pass import ID, INES, policy  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db(transaction=True)
GERMAN, ENGLISH = {"accept-language": "de"}, {"accept-language": "en"}
LINE = "„1,500“ kann auf zwei Arten gelesen werden: schreiben Sie 1500 oder 1.5"


def shown(
    client: Client, path: str, data: dict[str, object] | None, language: dict[str, str], status: int = 200
) -> str:
    answer = client.get(path, headers=language) if data is None else client.post(path, data, headers=language)
    assert answer.status_code == status, answer.content[:400]
    return unescape(answer.content.decode())


def test_in_the_sentence_of_a_request(client, in_force):  # noqa: F811
    sign_in(client)
    body = {"text": f"pay {INES} 1,500 USDC", "policy_id": "0x" + "01" * 32}
    asked = lambda **headers: client.post(  # noqa: E731
        "/api/v1/daos/river/requests", body, content_type="application/json", headers=headers
    )
    refused = asked(**{"mandate-language": "de"})
    assert (refused.status_code, refused.json()["error"]) == (422, LINE)
    assert not Request.objects.exists()
    assert asked(**GERMAN).status_code == 201, "a program's"
    body["text"] = f"pay {INES} 1,500.00 USDC"
    assert asked(**{"mandate-language": "de"}).status_code == 201
    assert "Auf Englisch, mit Beträgen wie 1,000.50 USDC" in shown(client, "/river/agent/", None, GERMAN)


def test_a_decimal_comma_is_refused_with_what_to_write():
    """Without the comma 1,5 would be 15."""
    said = request_words.say("comma_in_amount", digits="1,5")
    assert said == "1,5 can be read in two ways: write decimals behind a point, and no comma"
    with translation.override("de"):
        assert worded(said).endswith("schreiben Sie Dezimalen hinter einen Punkt, und kein Komma")


def test_in_the_form_of_an_act(client, in_force):  # noqa: F811
    (bill,) = [
        rule
        for rule in client.get(FORM).json()["rules"]
        if rule["fields"][0]["choices"] and not rule["fields"][0]["fixed"]
    ]
    to, amount = (f"{bill['number']}:{field['key']}" for field in bill["fields"])
    filled = {"rule": bill["number"], to: bill["fields"][0]["choices"][0], amount: "1,500", "purpose": "1,500 things"}
    sign_in(client)
    text = shown(client, PAGE, filled, GERMAN, 422)
    assert LINE in text
    assert "Ein Betrag wie 1,000.50, höchstens 1.500 USDC." in text
    assert not Request.objects.exists()
    assert client.post(PAGE, filled | {amount: "1,500.00", "key": "a"}, headers=GERMAN).status_code == 302
    assert client.post(PAGE, filled | {"key": "b"}, headers=ENGLISH).status_code == 302
    assert Request.objects.count() == 2


def test_in_the_words_of_a_schedule(client, in_force, _our_clock):  # noqa: F811, PT019
    Cursor.objects.filter(dao=in_force.dao).update(head_timestamp_chain_s=NOW)
    sign_in(client)
    page = f"/river/agent/schedules/{'01' * 32}/"
    given = {**DATES, "dates": "2027-02-28", "text": "pay kim 1,500 USDC for a talk"}
    assert LINE in shown(client, page, given, GERMAN, 422)
    assert not Schedule.objects.exists()
    assert client.post(page, given, headers=ENGLISH).status_code == 302


def test_in_a_rosters_lines(client, in_force):  # noqa: F811
    page = f"/river/agent/roster/{'01' * 32}/"
    given = {"what": "compose", "kind": "monthly", "days": "9", "lines": f"ben {INES} 7 USDC\nkim {INES} 1,500 USDC"}
    assert f"Zeile 2: {LINE}" in shown(client, page, given, GERMAN, 422)
    assert "can be read in two ways" not in shown(client, page, given, ENGLISH, 422), "the address is named twice"


def test_a_rosters_lines_are_written_as_the_page_takes_them():
    token = Token("USDC", bytes([9]) * 20, 6)
    lines = [rosters.Line("Doe, kim", bytes([8]) * 20, token.address, 1_234_500_500_000)]
    text = roster_lines.written(lines, {"USDC": token}, apart=False)
    assert re.search(r"Doe, kim 0x\w{40} 1234500\.50* USDC$", text)
    assert roster_lines.read(text, {"USDC": token}, rosters.MONTHLY) == lines


def test_in_a_draft(client, paid):  # noqa: F811
    form = {**LOOK, **TRANSFER, "amount-0": "1,500"}
    assert LINE in shown(client, "/river/propose/", form, GERMAN)
    assert sent(shown(client, "/river/propose/", form, ENGLISH))
    assert sent(shown(client, "/river/propose/", form | {"amount-0": "1500"}, GERMAN))
    call = {**LOOK, "kind-0": "call", "target-0": INES, "function-0": "a()", "arguments-0": "", "value-0": "1,500"}
    assert LINE in shown(client, "/river/propose/", call, GERMAN)


def test_in_a_policys_values(client, paid):  # noqa: F811
    start = shown(client, "/river/propose/", {"kind-0": "policy", "yaml-0": "", "start": "0:payroll"}, GERMAN)
    yaml = re.search(r'name="yaml-0"[^>]*>(.*?)</textarea>', start, re.DOTALL)[1]
    fields = dict(re.findall(r'name="(value-0-\d+)"[^>]*value="([^"]*)"', start))
    mark = re.search(r'name="mark-0" value="(\w+)"', start)[1]
    limit = next(name for name, value in fields.items() if value == "12,000 USDC")
    form = {**LOOK, "kind-0": "policy", "yaml-0": yaml, "mark-0": mark, **fields}
    assert sent(shown(client, "/river/propose/", form, GERMAN)), "what was not changed is the policy's own"
    text = shown(client, "/river/propose/", form | {limit: "1,500 USDC"}, GERMAN)
    assert LINE in text
    assert f'name="{limit}" autocomplete="off" spellcheck="false" value="12,000 USDC"' in text, "it is not taken"
    assert "1,500 USDC" in re.search(
        r'name="yaml-0"[^>]*>(.*?)</textarea>',
        shown(client, "/river/propose/", form | {limit: "1,500 USDC"}, ENGLISH), re.DOTALL,
    )[1]  # fmt: skip


def test_where_a_payment_is_tried(client, made: Made, policy):  # noqa: F811
    asset = "0x" + bytes(made.contracts["asset"].address).hex()
    path = f"/river/policies/?policy=0x{ID.hex()}&to={INES}&asset={asset}&amount="
    text = shown(client, path + "1,500", None, GERMAN)
    assert LINE in text
    assert "Wie viel, etwa 1,000.50" in text
    text = shown(client, path + "1500", None, GERMAN)
    assert re.search(r"payroll: dann .*5\.500 USDC", text), "what is left is written as the page writes numbers"
    assert re.search(r'lang="en">The budget “payroll”: the act takes 1,500 USDC', text)
    assert "Only after an announcement" in shown(client, path + "1,500", None, ENGLISH)
    api = f"/api/v1/daos/river/policies/0x{ID.hex()}/payment?to={INES}&asset={asset}&amount=1,500"
    assert client.get(api, headers=GERMAN).json()["amount"] == "1500000000"
