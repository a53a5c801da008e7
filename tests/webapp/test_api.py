# SPDX-License-Identifier: Apache-2.0
"""The JSON API: shapes, errors in one line, and who may change what."""

import csv
import datetime
import gzip
import io
import json
import re

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from eth_account import Account
from eth_account.messages import encode_defunct

from agent.models import Candidate, Request, Roster
from governance.chain.signatures import BadSignature, Signed, of_key
from governance.models import Chain, OnchainCheck, UnconfirmedLog
from presentation.words import address_text
from tests.webapp.conftest import CHAIN, NOW, UNIT, account
from webapp import tasks, throttle
from webapp.account import signin
from webapp.api import api
from webapp.exports import read
from webapp.models import Throttle

MEMBER = Account.from_key("0x" + "11" * 32)


def test_a_proposal_with_everything(client, made):
    proposal = made.proposal(7, for_votes=2**200)
    made.summary(proposal)
    made.vote(proposal, 3, 1, 2**200)
    seen = client.get("/api/v1/daos/river/proposals/7").json()
    assert seen["state"] == "Active"
    assert seen["tally"] == {"against": "0", "for": str(2**200), "abstain": "0"}
    assert seen["votes"][0]["voter"] == address_text(account(3))
    action = seen["actions"][0]
    assert action["decoded"]["name"] == "transfer"
    assert action["effect"]["sentence"] == "Transfers 5 USDC to 0x00"
    assert seen["summary"]["model_is_demo"] is True
    assert seen["verdict"] == "told"
    assert seen["transitions"][0]["kind"] == "created"


def test_the_dao(client, made):
    made.power(3, UNIT)
    seen = client.get("/api/v1/daos/river").json()
    assert seen["contracts"]["governor"] == address_text(account(1000))
    assert seen["mirror"]["block"] == 500
    assert client.get("/api/v1/daos/river/acts").json() == []
    assert client.get("/api/v1/daos/river/requests").json() == []
    assert client.get("/api/v1/daos/river/policies").json() == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/daos/nobody", 404),
        ("/api/v1/daos/river/proposals/99", 404),
        ("/api/v1/daos/river/proposals/abc", 404),
        ("/api/v1/daos/river/proposals?page=x", 422),
        ("/api/v1/daos/river/requests/1", 404),
        ("/api/v1/daos/river/requests/" + "9" * 30, 404),
        ("/api/v1/daos/river/proposals/" + "9" * 78, 404),
        ("/api/v1/daos/%00", 404),
    ],
)
def test_errors_are_one_line(client, made, path, status):
    answer = client.get(path)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("path", ["proposals?page=", "acts?page=", "proposals/7?votes_page="])
def test_a_page_beyond_every_number_is_empty(client, made, path):
    made.vote(made.proposal(7), 3)
    answer = client.get(f"/api/v1/daos/river/{path}{'9' * 30}")
    assert answer.status_code == 200
    seen = answer.json()
    assert (seen if isinstance(seen, list) else seen["votes"] if "votes" in path else seen["proposals"]) == []


def test_names_on_the_roster_are_not_told(client, made):
    roster = Roster.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=bytes(32), policy_version=1, serial=1,
        expires_chain_s=NOW, operator=account(70), digest=bytes(32), signature=b"", typed_data={},
    )  # fmt: skip
    asked = Request.objects.create(
        module=made.contracts["module"],
        dao=made.dao,
        policy_id=bytes(32),
        reference=bytes(32),
        text="pay",
        requested_by=account(3),
    )
    Candidate.objects.create(
        request=asked,
        key="c1",
        label="one-off",
        roster=roster,
        is_roster=True,
        calls=[],
        calls_hash=bytes(32),
        lines=[{"recipient": address_text(account(200)), "amount": "5", "name": "Ines Example"}],
    )
    for path in ("/api/v1/daos/river/requests", f"/api/v1/daos/river/requests/{asked.pk}", "/river/agent/"):
        assert b"Ines" not in client.get(path).content
    assert client.get(f"/api/v1/daos/river/requests/{asked.pk}").json()["candidates"][0]["lines"] == [
        {"recipient": address_text(account(200)), "amount": "5"}
    ]


def test_openapi_and_no_page_of_a_third_party(client, db):
    assert client.get("/api/v1/openapi.json").json()["info"]["title"] == "Mandate"
    assert client.get("/api/v1/docs").status_code == 404


def test_another_sites_page_changes_nothing(client, made):
    path = "/api/v1/daos/river/subscriptions"
    body = {"email": "a@example.org"}
    answer = client.post(path, body, content_type="application/json", headers={"Origin": "https://evil.test"})
    assert answer.status_code == 403
    assert client.post(path, body).status_code in (400, 415)


def test_a_vote_without_a_relayer_is_refused_in_words(client, made, settings):
    settings.RELAYER_KEYSTORE = ""
    made.proposal(7)
    body = {"voter": address_text(account(3)), "support": 1, "signature": "0x00"}
    path = "/api/v1/daos/river/proposals/7/vote-by-signature"
    answer = client.post(path, body, content_type="application/json")
    assert answer.status_code == 503
    assert "no relayer" in answer.json()["error"]
    assert client.post(path, {**body, "support": 3}, content_type="application/json").status_code == 422
    assert client.post(path, {**body, "voter": "0x12"}, content_type="application/json").status_code == 422


def test_who_is_not_signed_in_asks_for_nothing(client, made):
    answer = client.post("/api/v1/daos/river/requests", {"text": "pay"}, content_type="application/json")
    assert answer.status_code == 401


def test_one_account_asks_for_nothing_in_the_session_of_another(client, made, settings):
    settings.ORIGIN, settings.ALLOWED_HOSTS = "http://testserver", ["testserver"]
    _, answer = sign_in(client)
    assert answer.status_code == 200, answer.content
    url, body = "/api/v1/daos/river/requests", {"text": "pay", "policy_id": "0x" + "01" * 32}
    answer = client.post(url, {**body, "account": address_text(account(3))}, content_type="application/json")
    assert answer.status_code == 403
    assert f"{MEMBER.address} is signed in here, not {address_text(account(3))}" in answer.json()["error"]
    assert client.post(url, {**body, "account": "0x12"}, content_type="application/json").status_code == 422
    for mine in (MEMBER.address, MEMBER.address.lower(), ""):
        answer = client.post(url, {**body, "account": mine}, content_type="application/json")
        assert answer.status_code == 409  # it is asked, and no policy is in force
    assert not Request.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "pay", "key": "\0"}, 422),
        ({"text": "pay", "key": "\ud800"}, 422),
        ({"text": "\0pay"}, 409),
        ({"text": "\ud800 pay"}, (409, 422)),
    ],
)
def test_what_no_database_takes_is_refused(client, made, monkeypatch, body, status):
    monkeypatch.setattr(signin, "signed_in", lambda _request: (account(3), None))
    sent = json.dumps({"policy_id": "0x" + "01" * 32, **body})
    answer = client.post("/api/v1/daos/river/requests", sent, content_type="application/json")
    assert answer.status_code in (status if isinstance(status, tuple) else (status,)), answer.content


# --- sign-in


def sign_in(client, *, domain="testserver", nonce=None, uri="http://testserver", key=MEMBER, chain=CHAIN, **more):
    """`form` makes another form of the signature's 65 bytes."""
    begun = client.get("/auth/nonce").json()
    now = datetime.datetime.now(datetime.UTC)
    expires = more.get("expires", now + datetime.timedelta(minutes=5))
    ends = f"\nExpiration Time: {expires:%Y-%m-%dT%H:%M:%SZ}" if expires else ""
    message = (
        f"{domain} wants you to sign in with your Ethereum account:\n{MEMBER.address}\n\nSign in.\n\n"
        f"URI: {uri}\nVersion: 1\nChain ID: {chain}\nNonce: {nonce or begun['nonce']}\n"
        f"Issued At: {now:%Y-%m-%dT%H:%M:%SZ}{ends}"
    )
    signature = more.get("form", bytes)(key.sign_message(encode_defunct(text=message)).signature)
    body = {"message": message, "signature": "0x" + signature.hex()}
    return body, client.post("/auth/verify", body, content_type="application/json")


@pytest.fixture
def _site(settings, db):
    settings.ORIGIN = "http://testserver"
    Chain.objects.get_or_create(chain_id=CHAIN, defaults={"name": "Testnet"})


@pytest.mark.usefixtures("_site")
def test_sign_in_once(client):
    body, answer = sign_in(client)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"address": MEMBER.address}
    assert client.post("/auth/verify", body, content_type="application/json").status_code == 403  # the nonce is spent


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize(
    ("form", "says"),
    [
        (lambda s: s[:64] + bytes([s[64] - 27]), ""),
        (lambda s: s[:32] + (int.from_bytes(s[32:64], "big") | (s[64] - 27) << 255).to_bytes(32, "big"), ""),
        (lambda s: s[:64] + bytes([s[64] + 4]), "prefix of eth_sign"),
        (lambda s: s * 10, "this one has 650"),
        (lambda s: s * 40, "this one has 2600"),  # as long as those of wallets with passkeys that are not deployed yet
        (lambda s: s * 154, "too long"),
    ],
)
def test_forms_of_a_signature_sign_in_or_say_what_is_wrong(client, settings, monkeypatch, form, says):
    def nobody(message, account, signature, rpc):
        with pytest.raises(BadSignature) as refused:
            of_key(message, account, signature)
        return Signed(False, problem=refused.value.sentence)

    settings.RPC_URLS = {CHAIN: ["http://127.0.0.1:9"]}
    monkeypatch.setattr(signin, "signed_by", nobody)  # no contract is there
    _, answer = sign_in(client, form=form)
    assert answer.status_code == (403 if says else 200), answer.content
    assert says in answer.json().get("error", "")


@pytest.mark.usefixtures("_site")
def test_where_the_chain_cannot_be_asked_a_contract_is_told_to_try_again(client, settings):
    settings.RPC_URLS = {}
    _, answer = sign_in(client, form=lambda signature: signature * 10)
    assert answer.status_code == 403
    assert "the chain could not be asked" in answer.json()["error"]


WRONG_MESSAGES = [
    {"domain": "evil.test"},
    {"uri": "http://evil.test"},
    {"nonce": "abcdefghijk"},
    {"chain": 5},
    {"expires": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)},
    {"expires": None},
]
OTHERS_KEY = Account.from_key("0x" + "22" * 32)


def named(wrong):
    return "-".join(f"{key}={value}" for key, value in wrong.items()) if "key" not in wrong else "key"


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("wrong", WRONG_MESSAGES, ids=named)
def test_no_smart_wallet_mends_a_wrong_message(client, monkeypatch, wrong):
    """A contract that accepts every signature signs in its own account, with a message that is right otherwise."""
    monkeypatch.setattr(signin, "_signed", lambda *_: (None, False))
    _, answer = sign_in(client, key=OTHERS_KEY, **wrong)
    assert answer.status_code == 403
    _, answer = sign_in(client, key=OTHERS_KEY)
    assert answer.status_code == 200


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("wrong", [*WRONG_MESSAGES, {"key": OTHERS_KEY}], ids=named)
def test_sign_in_that_is_refused(client, wrong):
    _, answer = sign_in(client, **wrong)
    assert answer.status_code == 403
    assert answer.json()["error"]


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize(
    ("seconds", "status"), [(-120, 403), (-30, 200), (0, 200), (590, 200), (602, 403), (86_400, 403)]
)
def test_a_nonce_grows_old(client, monkeypatch, seconds, status):
    asked_at = signin._now()
    monkeypatch.setattr(signin, "_now", lambda: asked_at + datetime.timedelta(seconds=seconds))
    monkeypatch.setattr(signin, "fresh_nonce", aged(signin.fresh_nonce, monkeypatch, asked_at))
    _, answer = sign_in(client, expires=asked_at + datetime.timedelta(days=2))
    assert answer.status_code == status, answer.content
    assert status == 200 or "too old" in answer.json()["error"]


def aged(fresh_nonce, monkeypatch, at):
    """The same, as if it was asked for at that time."""

    def nonce(browser):
        with monkeypatch.context() as then:
            then.setattr(signin, "_now", lambda: at)
            return fresh_nonce(browser)

    return nonce


def rows_written():
    return Session.objects.count(), Throttle.objects.count()


def test_nothing_is_written_before_somebody_has_signed_in(made, settings, monkeypatch):
    settings.ORIGIN = "http://testserver"
    visitor = Client()
    made.proposal(7)
    for path in [
        "/", "/river/", "/river/proposals/", "/river/proposals/7/", "/river/agent/", "/river/subscribe/", "/health",
        "/api/v1/daos", "/auth/nonce", "/auth/nonce",
    ]:  # fmt: skip
        assert visitor.get(path).status_code in (200, 302), path
    assert "mandate" not in visitor.cookies  # the session's
    for wrong in [{"nonce": "abcdefghijk"}, {"key": OTHERS_KEY}, {"chain": 5}]:
        assert sign_in(visitor, **wrong)[1].status_code == 403
    assert visitor.post("/auth/sign-out", {}, content_type="application/json").status_code == 200
    assert rows_written() == (0, 0)
    assert sign_in(visitor)[1].status_code == 200
    assert rows_written() == (1, 1)


@pytest.mark.usefixtures("_site")
def test_a_message_signs_in_one_browser_once():
    first, tab_of_another = Client(), Client()
    body, answer = sign_in(first)
    assert answer.status_code == 200
    tab_of_another.get("/auth/nonce")
    stolen = Client()
    stolen.cookies = first.cookies.copy()
    del stolen.cookies["mandate"]
    for replay in (first, tab_of_another, stolen, Client()):
        assert replay.post("/auth/verify", body, content_type="application/json").status_code == 403
    assert Session.objects.count() == 1


@pytest.mark.usefixtures("_site")
def test_a_message_that_another_browser_asked_for_signs_nobody_in():
    """Else whoever makes a browser send a message would sign it in to an account of theirs."""
    attacker, victim = Client(), Client()
    body, _ = sign_in(attacker, chain=5)  # refused, so its nonce is not spent
    right = body["message"].replace("Chain ID: 5", f"Chain ID: {CHAIN}")
    signature = "0x" + MEMBER.sign_message(encode_defunct(text=right)).signature.hex()
    sent = {"message": right, "signature": signature}
    victim.get("/auth/nonce")
    assert victim.post("/auth/verify", sent, content_type="application/json").status_code == 403
    assert attacker.post("/auth/verify", sent, content_type="application/json").status_code == 200


@pytest.mark.usefixtures("_site")
def test_two_tabs_sign_in_with_a_nonce_each(client):
    early = client.get("/auth/nonce").json()["nonce"]
    _, answer = sign_in(client)
    assert answer.status_code == 200
    _, answer = sign_in(client, nonce=early)
    assert answer.status_code == 200


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("cookie", ["", "x", "0" * 31, "G" * 32, "0" * 5000, "é" * 32, '"; Path=/'])
def test_a_cookie_that_was_not_made_here_is_replaced(client, cookie):
    client.cookies["mandate_signin"] = cookie
    _, answer = sign_in(client)
    assert answer.status_code == 200
    assert re.fullmatch("[0-9a-f]{32}", client.cookies["mandate_signin"].value)


def test_the_cookie_of_a_sign_in_is_for_this_site_alone(client, settings):
    settings.SESSION_COOKIE_SECURE = True
    cookie = client.get("/auth/nonce").cookies["mandate_signin"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Strict")
    assert (cookie["path"], cookie["max-age"]) == ("/auth/", signin.NONCE_VALID_S)


@pytest.mark.usefixtures("_site")
def test_what_is_over_is_deleted(client):
    assert sign_in(client)[1].status_code == 200
    throttle.allow("subscribe", "somebody", limit=1, window=throttle.HOUR)
    tasks.tidy()
    assert rows_written() == (1, 2)
    ends = Session.objects.get().expire_date - timezone.now()
    assert abs(ends.total_seconds() - signin.SIGNED_IN_S) < 60
    Session.objects.update(expire_date=timezone.now() - datetime.timedelta(seconds=1))
    Throttle.objects.update(window_start=timezone.now() - datetime.timedelta(days=3))
    tasks.tidy()
    assert rows_written() == (0, 0)


@pytest.mark.parametrize("path", ["/auth/verify", "/local/wallet"])
@pytest.mark.parametrize("body", [b"[" * 100_000, b"[]", b"null", b'"x"'])
def test_malformed_json_is_refused_in_words(client, db, path, body):
    answer = client.post(path, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("signature", ["0x" + "ff" * 65, "0x" + "00" * 65, "0x12", "no hex", ""])
def test_bytes_that_are_no_signature_are_refused(client, monkeypatch, signature):
    body, _ = sign_in(client)
    nonce = client.get("/auth/nonce").json()["nonce"]
    message = body["message"].replace(body["message"].split("Nonce: ")[1].split("\n")[0], nonce)
    answer = client.post("/auth/verify", {"message": message, "signature": signature}, content_type="application/json")
    assert answer.status_code == 403
    assert "signature" in answer.json()["error"]


# ------------------------------------------------------------------------------------------------------------- exports


def test_an_export_has_a_transaction_in_each_row(client, made):
    made.proposal(7)
    made.vote(made.proposal(8), 3, weight=2 * UNIT)
    answer = client.get("/api/v1/daos/river/exports/proposals")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["id"] for row in rows] == ["7", "8"]
    assert all(re.fullmatch("0x[0-9a-f]{64}", row["transaction_hash"]) for row in rows)
    seen = client.get("/api/v1/daos/river/exports/proposals?format=json").json()
    told = [{name: "" if value is None else str(value) for name, value in row.items()} for row in seen["rows"]]
    assert told == rows
    [vote] = client.get("/api/v1/daos/river/proposals/8/votes?format=json").json()["rows"]
    assert (vote["voter"], vote["weight"]) == (address_text(account(3)), str(2 * UNIT))
    assert client.get("/api/v1/daos/river/exports/voters").status_code == 422


def test_exports_go_on_where_they_ended_and_lose_no_row(client, made, monkeypatch):
    monkeypatch.setattr(read, "MOST_ROWS", 2)
    proposal = made.proposal(7)
    for number in range(5):
        made.vote(proposal, 3 + number, weight=UNIT if number < 3 else 2 * UNIT)
    for number in range(8, 12):
        made.proposal(number)
    for path, what, expected in (
        ("/api/v1/daos/river/proposals/7/votes", "voter", {address_text(account(3 + n)) for n in range(5)}),
        ("/api/v1/daos/river/exports/proposals", "id", {"7", "8", "9", "10", "11"}),
    ):
        found, after = [], ""
        while after is not None:
            page = client.get(path, {"format": "json", "after": after} if after else {"format": "json"}).json()
            assert len(page["rows"]) <= 2
            found += [row[what] for row in page["rows"]]
            after = page["next"]
        assert sorted(found) == sorted(expected)
        link = client.get(path)["Link"]
        second = client.get(link[1 : link.index(">")]).content.decode()
        assert [row[what] for row in csv.DictReader(io.StringIO(second))] == found[2:4]


def test_an_export_of_votes_that_was_begun_before_they_had_other_numbers_is_refused(client, made):
    """Going on from there would leave votes of that weight out, or have them twice, and nobody would see it."""
    made.vote(made.proposal(7), 3)
    answer = client.get("/api/v1/daos/river/proposals/7/votes", {"after": f"{UNIT}.1"})
    assert answer.status_code == 422
    assert answer.json() == {"error": "after: this export was begun before the site's upgrade; begin it again"}


def test_a_spreadsheet_carries_nothing_out_that_a_voter_wrote(client, made):
    made.vote(made.proposal(7), 3, reason='=HYPERLINK("https://evil.example","win")')
    [row] = csv.DictReader(io.StringIO(client.get("/api/v1/daos/river/proposals/7/votes").content.decode()))
    assert row["reason"].startswith("'=")


def test_an_export_tells_the_chains_word_and_what_is_not_confirmed(client, made):
    proposal = made.proposal(7, for_votes=UNIT)
    vote = made.vote(proposal, 3)
    UnconfirmedLog.objects.create(dao=made.dao, log=vote.log, news=[])
    subject = {"dao": made.dao, "block_number": 500, "block_hash": b"\5" * 32, "matched": False}
    OnchainCheck.objects.create(
        subject="proposal:7:votes", chain_says=f"{5 * UNIT}/{UNIT}/0", mirror_says=f"0/{UNIT}/0", **subject
    )
    [row] = client.get("/api/v1/daos/river/exports/proposals?format=json").json()["rows"]
    listed = client.get("/api/v1/daos/river/proposals").json()["proposals"][0]
    assert (row["against"], row["chain_word_block"]) == (str(5 * UNIT), 500)
    assert {side: row[side] for side in ("against", "for", "abstain")} == listed["tally"]
    assert (row["state"], row["confirmed"]) == (listed["state"], True)
    assert [
        row["confirmed"] for row in client.get("/api/v1/daos/river/proposals/7/votes?format=json").json()["rows"]
    ] == [False]


def test_an_export_asks_as_much_for_many_proposals_as_for_few(client, made):
    path, counts = "/api/v1/daos/river/exports/proposals", []
    for number in range(7, 37):
        made.proposal(number)
        if number in (8, 36):
            with CaptureQueriesContext(connection) as asked:
                client.get(path)
            counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_schema_is_made_once_and_pages_are_packed(client, made):
    first, second = (client.get("/api/v1/openapi.json").json() for _ in range(2))
    assert first == second
    assert api.get_openapi_schema(path_prefix="/api/v1/") is api.get_openapi_schema(path_prefix="/api/v1/")
    page = client.get("/river/proposals/", headers={"accept-encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"
    assert len(page.content) < len(client.get("/river/proposals/").content) / 2


@pytest.mark.parametrize("packed", ["gzip", "identity"])
def test_who_has_a_static_file_is_not_sent_it_again(client, made, packed):
    def get(**headers):
        answer = client.get("/static/webapp/mandate.css", headers={"accept-encoding": packed, **headers})
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer, gzip.decompress(body) if answer.get("Content-Encoding") == "gzip" else body

    first, css = get()
    assert first.status_code == 200
    assert (first.get("Content-Encoding") == "gzip") == (packed == "gzip")
    assert b":root" in css
    tag = first["ETag"]
    assert tag.startswith("W/") == (packed == "gzip")
    for held in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again, nothing = get(**{"if-none-match": held})
        assert (again.status_code, nothing) == (304, b""), held
        assert again["ETag"].removeprefix("W/") == tag.removeprefix("W/")
        assert "Content-Encoding" not in again
    for held in ('"other"', "W/", "", tag[:-2] + '"'):
        assert get(**{"if-none-match": held})[0].status_code == 200, held
    assert get(**{"if-modified-since": first["Last-Modified"]})[0].status_code == 304
    part, whole = get(range="bytes=0-9")
    assert (part.status_code, whole) == (200, css), "what is packed on the way is sent whole"
    assert client.post("/static/webapp/mandate.css").status_code == 405
