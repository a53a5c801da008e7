# SPDX-License-Identifier: Apache-2.0
"""The form of a policy's rules: what is asked for and what is only shown, and what a filled-in one becomes."""

import json
from dataclasses import replace
from html import unescape

import pytest

from agent.acts.calls import calls_from_json, calls_hash
from agent.models import Candidate, Request
from governance.models import PolicyVersion
from policies.code.encoding import codehash, decode, pack
from policies.notation.hexadecimal import hex_text
from presentation.words import address_text
from tests.webapp.conftest import Made, account
from tests.webapp.states import TEMPLATES, policy_code
from tests.webapp.test_api import MEMBER, sign_in
from webapp.models import PolicyText

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = f"/river/agent/act/{'01' * 32}/"
FORM = f"/api/v1/daos/river/policies/0x{'01' * 32}/act-form"
KIM = "0x2000000000000000000000000000000000000002"


@pytest.fixture
def in_force(made: Made, settings) -> Made:
    """Small payments to suppliers, under a policy whose operator is the member who signs in."""
    settings.ORIGIN = "http://testserver"
    code = pack(replace(decode(policy_code(made, "operations")), operator=bytes.fromhex(MEMBER.address[2:])))
    PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, version=1, agent=account(50),
        codehash=codehash(code), code=code, log=made.log(),
    )  # fmt: skip
    return made


def page_of(client, status: int = 200, data: dict[str, object] | None = None) -> str:
    answer = client.get(PAGE) if data is None else client.post(PAGE, data)
    assert answer.status_code == status, answer.content[:300]
    return unescape(answer.content.decode())


def test_the_page_asks_for_what_the_policy_leaves_open_and_shows_the_rest(client, in_force):
    text = page_of(client)
    for part in (
        "transfer", "the policy leaves nothing else", "at most 1,500 USDC", KIM,
        "Sign in first", "signs exactly these calls or none", "No model is asked",
    ):  # fmt: skip
        assert part in text, part
    assert "Exact calls" not in text, "they are the operator's"
    assert f'href="{PAGE}"' in client.get("/river/agent/").content.decode()
    assert client.get(f"/river/agent/act/{'02' * 32}/").status_code == 404


def test_names_are_those_of_the_document_that_members_voted_on(client, in_force):
    code = decode(policy_code(in_force, "operations"))
    text = (TEMPLATES / "operations.yaml").read_text()
    usdc = address_text(bytes(in_force.contracts["asset"].address))
    row = PolicyText.objects.create(
        document_hash=code.document_hash, text=text.replace("0x5c0000000000000000000000000000000000dEAD", usdc)
    )
    text = page_of(client)
    assert "hosting (0x1000000000000000000000000000000000000001)" in text
    assert ">amount<" in text, "as the document calls it, not as published code does"
    row.delete()
    assert "hosting" not in page_of(client)


def test_a_filled_in_form_becomes_a_request_once(client, in_force):
    form = client.get(FORM).json()
    (bill,) = [rule for rule in form["rules"] if rule["fields"][0]["choices"] and not rule["fields"][0]["fixed"]]
    to, amount = (f"{bill['number']}:{field['key']}" for field in bill["fields"])
    supplier = bill["fields"][0]["choices"][0]
    filled = {"rule": bill["number"], to: supplier, amount: "99.50", "purpose": "hosting of November", "key": "once"}
    assert "Sign in with your wallet" in page_of(client, 403, filled)
    sign_in(client)
    for change, status, problem in (
        ({amount: "99.5000001"}, 422, "at most 6 decimals"),
        ({amount: ""}, 422, "nothing is written here"),
        ({amount: "1501"}, 409, "is not permitted by the rule"),
        ({to: KIM}, 422, "none of those that the policy names"),
        ({"rule": ""}, 422, "choose at least one"),
        ({"purpose": ""}, 409, "the request is empty"),
        ({"rule": "99"}, 422, "choose at least one"),
        ({"key": "a\0b"}, 409, "the idempotency key"),
    ):
        text = page_of(client, status, filled | change)
        assert problem in text, (change, problem)
    assert "hosting of November" in page_of(client, 422, filled | {amount: "x"}), "what was typed stays"
    assert not Request.objects.exists()
    for _ in range(2):
        answer = client.post(PAGE, filled)
        asked = Request.objects.get()
        assert answer["Location"] == f"/river/agent/requests/{asked.pk}/"
    (call,) = asked.act["calls"]
    assert call["arguments"] == {bill["fields"][0]["key"]: supplier, bill["fields"][1]["key"]: "99500000"}
    assert asked.act["functions"] == form["functions"]
    shown = client.get(f"/api/v1/daos/river/requests/{asked.pk}").json()
    assert shown["act"] == asked.act
    body = {"text": "the same by the API", "policy_id": form["policy_id"], "calls": asked.act["calls"]}
    made = client.post("/api/v1/daos/river/requests", body, content_type="application/json")
    assert (made.status_code, made.json()["act"]) == (201, asked.act)
    nested: list = []
    for _ in range(600):  # below what a JSON reader stops at, and above what a copy does
        nested = [nested]
    for wrong in (nested, 5):
        body["calls"][0]["arguments"][bill["fields"][1]["key"]] = wrong
        assert client.post("/api/v1/daos/river/requests", body, content_type="application/json").status_code == 409
    body["calls"][0]["arguments"][bill["fields"][1]["key"]] = 5
    assert client.post("/api/v1/daos/river/requests", body, content_type="application/json").status_code == 409


def test_exact_calls_are_taken_from_the_operator_alone(client, in_force):
    usdc = address_text(bytes(in_force.contracts["asset"].address))
    data = hex_text(bytes.fromhex("a9059cbb") + account(7).rjust(32, b"\0") + (5).to_bytes(32, "big"))
    batch = json.dumps({"transactions": [{"to": usdc, "value": "0", "data": data}]})
    sent = {"what": "batch", "batch": batch, "purpose": "from the Safe"}
    sign_in(client)
    assert "Exact calls" in page_of(client)
    assert "delegatecall" in page_of(client, 422, sent | {"batch": batch.replace('"to"', '"operation": 1, "to"')})
    assert "neither JSON nor" in page_of(client, 422, sent | {"batch": "{"})
    assert "for the chain 10, and" in page_of(
        client, 422, sent | {"batch": batch.replace("{", '{"chainId": "10", ', 1)}
    )
    here = json.dumps({"chainId": str(in_force.dao.chain_id)} | json.loads(batch))
    assert client.post(PAGE, sent | {"batch": here}).status_code == 302
    asked = Request.objects.get()
    assert asked.act == {
        "raw": [{"to": usdc, "value_wei": "0", "data": data}], "functions": ["transfer(address to, uint256 value)"],
    }  # fmt: skip
    page = f"/river/agent/requests/{asked.pk}/"
    assert "Nothing was made of what was filled in." in client.get(page).content.decode()
    Candidate.objects.create(
        request=asked, key="c1", label="as asked", is_roster=False, lines=[], calls=asked.act["raw"],
        calls_hash=calls_hash(calls_from_json(asked.act["raw"])), allowed=True,
    )  # fmt: skip
    in_full = f"transfer(to {address_text(account(7))}, value 5) on {usdc}"
    assert in_full in client.get(page).content.decode()
    code = policy_code(in_force, "operations")
    PolicyVersion.objects.update(code=code, codehash=codehash(code))
    assert "only the policy's operator" in page_of(client, 409, sent)
    assert "Exact calls" not in page_of(client)
