# SPDX-License-Identifier: Apache-2.0
"""A roster's page: a key and a contract sign there, and its names are held back from everybody else."""

import json
from html import unescape
from types import SimpleNamespace

import pytest
from django.utils import timezone

from agent.acts import rosters
from agent.acts.roster_lines import left_out, read, written
from agent.acts.rosters import RosterError
from agent.models import DecisionRecord, Request, Roster
from governance.chain.address import ZERO, checksum
from governance.models import AuditEntry
from governance.roles import visitor as visitor_as
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_text
from presentation.dao_view import DaoView
from tests.agent.acting import CONTRIBUTORS, POLICY_ID, USDC, World, payroll, world  # noqa: F401
from tests.agent.test_contract_operators import become_a_team, signed
from tests.webapp.conftest import CHAIN, NOW, Made, account
from tests.webapp.test_act_form import in_force  # noqa: F401
from tests.webapp.test_api import MEMBER
from tests.webapp.test_roles import _client
from webapp.agent import roster

PAGE = f"/acting/agent/roster/{hex_text(POLICY_ID)}/"
MEMBER_ACCOUNT = bytes.fromhex(MEMBER.address[2:])
API = f"/api/v1/daos/acting/policies/{hex_text(POLICY_ID)}/roster"
TOKENS = {"USDC": Token("USDC", b"\xaa" * 20, 6), "ETH": Token("ETH", ZERO, 18)}
KIM = checksum(b"\x0b" * 20)


def test_lines_are_read_as_they_are_written() -> None:
    lines = read(f"kim lee {KIM} 1,000.50 USDC\n\n max,{checksum(bytes([12]) * 20)}, 2 ETH", TOKENS, rosters.MONTHLY)
    assert [(line.name, line.asset, line.amount) for line in lines] == [
        ("kim lee", b"\xaa" * 20, 1_000_500_000), ("max", ZERO, 2 * 10**18),
    ]  # fmt: skip
    assert read(written(lines, TOKENS), TOKENS, rosters.MONTHLY) == lines
    (name,) = read(f"kim {KIM}", TOKENS, rosters.NAMES)
    assert (name.amount, name.asset) == (0, b"\xaa" * 20)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kim 1,000 USDC", "line 1: write a name"),
        (f"\nkim {KIM}", "line 2: no amount"),
        (f"kim {KIM} 1.000 USDC", "can be read as"),
        (f"kim {KIM} 5 DAI", "no budget in DAI: write one of ETH, USDC"),
        (f"kim {KIM.lower()} 5 USDC", "not checksummed"),
        (f"kim {KIM[:-1]} 5 USDC", "40 hexadecimal"),
        (f"kim {KIM} 5 USDC and {KIM} 6 USDC", "not an amount"),
        ("\n".join([f"kim {KIM} 5 USDC"] * 201), "at most 200"),
        (f"{'a' * 300} {KIM} 5 USDC", "line 1 has more than 300"),
        ("," * 40_000, "line 1 has more than 300"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_by_line(text: str, problem: str) -> None:
    with pytest.raises(RosterError, match=problem):
        read(text, TOKENS, rosters.MONTHLY)


def test_a_line_is_looked_over_once() -> None:
    """What no address follows was tried anew at each of its commas: the number of steps, not the time, is the bar."""
    words = ",; " * 95
    (line,) = read(f"kim,;lee{words[:50]}{KIM}{words[:50]}5 USDC", TOKENS, rosters.MONTHLY)
    assert (line.name, line.amount) == ("kim,;lee", 5_000_000)
    with pytest.raises(RosterError, match="line 1: write a name"):
        read(words, TOKENS, rosters.MONTHLY)


def test_who_has_no_line_in_the_form_is_named() -> None:
    monthly = [rosters.Line("kim", b"\x0b" * 20, b"\xaa" * 20, 5), rosters.Line("max", b"\x0c" * 20, b"\xbb" * 20, 5)]
    assert (written(monthly, TOKENS), [line.name for line in left_out(monthly, TOKENS)]) == (
        f"kim {KIM} 0.000005 USDC", ["max"],
    )  # fmt: skip
    # A name alone was signed with some token, and is paid in any.
    names = [rosters.Line("kim", b"\x0b" * 20, b"\xbb" * 20, 0)]
    assert (written(names, TOKENS), left_out(names, TOKENS)) == (f"kim {KIM}", [])


@pytest.mark.django_db
def test_the_form_says_who_is_left_out_to_who_sees_names(in_force: Made, monkeypatch) -> None:  # noqa: F811
    lines = (rosters.Line("kim-secret", account(70), b"\xbb" * 20, 5),)
    terms = rosters.Terms(CHAIN, account(1), b"\1" * 32, 1, 1, NOW, lines)
    held = SimpleNamespace(
        operator=MEMBER_ACCOUNT, digest=bytes(32), signed_block_number=None, accepted_at=timezone.now()
    )
    monkeypatch.setattr(rosters, "current", lambda *_: held)
    monkeypatch.setattr(rosters, "terms_of", lambda *_: terms)
    page = f"/river/agent/roster/{'01' * 32}/"
    shown = [unescape(_client(who).get(page).content.decode()) for who in (None, MEMBER_ACCOUNT)]
    assert ["not in this form" in text for text in shown] == [False, True]
    assert ["kim-secret" in text for text in shown] == [False, True]


def test_a_document_of_any_depth_is_refused_and_no_failure() -> None:
    terms = rosters.Terms(CHAIN, b"\1" * 20, b"\1" * 32, 1, 1, NOW, (rosters.Line("kim", b"\x0b" * 20, ZERO, 5),))
    document = rosters.compose(terms)
    assert rosters.parse(document) == terms
    deep: object = []
    for _ in range(5_000):
        deep = [deep]
    for part in (
        {"types": deep},
        {"types": {**document["types"], "Entry": deep}},
        {"domain": {**document["domain"], "x": deep}},
    ):
        with pytest.raises(RosterError, match="is not what a roster"):
            rosters.parse(document | part)


def seen_by(account: bytes | None) -> str:
    answer = _client(account).get(PAGE)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
    return unescape(answer.content.decode())


@pytest.mark.django_db
def test_composing_has_a_limit_of_its_own(in_force: Made, client, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setattr(roster, "FORMS_AN_HOUR", 2)
    page = f"/river/agent/roster/{'01' * 32}/"
    given = {"what": "compose", "kind": "monthly", "days": "9", "lines": "x"}
    assert [client.post(page, given).status_code for _ in range(3)] == [422, 422, 429]


@pytest.mark.django_db
def test_another_chains_contract_at_a_payees_address_is_not_the_payee(in_force: Made) -> None:  # noqa: F811
    line = rosters.Line("kim-secret", account(70), bytes(in_force.contracts["asset"].address), 5)
    terms = rosters.Terms(CHAIN, account(1), b"\1" * 32, 1, 1, NOW, (line,))
    place = DaoView.of("river")
    for chain_id, name in ((None, "kim-secret"), (CHAIN, "kim-secret"), (CHAIN + 1, "")):
        visitor = visitor_as(account(70), in_force.dao, chain_id)
        assert roster._terms_view(place, terms, visitor, all_names=False)["lines"][0]["name"] == name


def form(world: World, **changes) -> dict[str, object]:  # noqa: F811
    lines = "\n".join(f"{name}-secret {checksum(world.address(name))} 1,000 USDC" for name in CONTRIBUTORS)
    return {"what": "compose", "kind": "monthly", "lines": lines, "days": "300", "may_ask": ["holder", "delegate"]} | (
        changes
    )


def composed(client, values: dict[str, object]) -> tuple[str, str]:
    """The page that shows what is signed, and the typed data on it."""
    page = client.post(PAGE, values)
    assert page.status_code == 200, unescape(page.content.decode())
    return unescape(page.content.decode()), page.context["proposed"]["document"]


@pytest.mark.django_db(transaction=True)
def test_a_roster_is_composed_signed_and_seen_by_who_may(world: World, client, settings) -> None:  # noqa: F811
    settings.ORIGIN = "http://testserver"
    world.wind(0)
    olga, kim, ada, auditor = (world.address(name) for name in ("olga", "kim", "ada", "ben"))
    settings.AUDITORS, settings.KEEPERS = frozenset({auditor}), frozenset({ada})
    # A key signs.
    page, document = composed(client, form(world))
    assert "kim-secret" in page
    for said in ("Names are shown to the operator who signs", "owners of then sign it anew", "version 1 of the policy"):
        assert said in page, said
    assert not Roster.objects.exists()
    forged = {"what": "signed", "document": document, "signature": world.sign("mallory", json.loads(document))}
    refused = client.post(PAGE, forged)
    assert (refused.status_code, "operator is" in unescape(refused.content.decode())) == (422, True)
    assert client.post(PAGE, forged | {"document": "{"}).status_code == 422
    sent = forged | {"signature": world.sign("olga", json.loads(document))}
    assert client.post(PAGE, sent).status_code == 302
    assert [one.body for one in AuditEntry.objects.all() if "roster_accepted" in str(one.body)]

    # A contract account signs the next one, and the block is kept and told.
    become_a_team(world)
    document = composed(client, form(world))[1]
    sent = {"typed_data": json.loads(document), "signature": signed(json.loads(document))}
    answer = client.post(API, json.dumps(sent), content_type="application/json")
    assert answer.status_code == 201, answer.content
    held = Roster.objects.get(serial=2)
    told = client.get(API).json()
    assert told == answer.json()
    assert (told["hash"], told["signed_at_block"]) == (hex_text(bytes(held.digest)), held.signed_block_number)
    assert set(told["addresses"]) == {checksum(world.address(name)) for name in CONTRIBUTORS}
    assert told["may_ask"] == ["delegate", "holder"]
    become_a_team(world, owners=0)
    document = composed(client, form(world))[1]
    sent = {"typed_data": json.loads(document), "signature": signed(json.loads(document))}
    answer = client.post(API, json.dumps(sent), content_type="application/json")
    assert (answer.status_code, "does not accept" in answer.json()["error"]) == (409, True)
    become_a_team(world)

    # Who sees which names.
    pages = {who: seen_by(account) for who, account in
             {"nobody": None, "olga": olga, "kim": kim, "keeper": ada, "auditor": auditor}.items()}  # fmt: skip
    shown = {who: {name for name in CONTRIBUTORS if f"{name}-secret" in page} for who, page in pages.items()}
    everybody = set(CONTRIBUTORS)
    assert shown == {"nobody": set(), "olga": everybody, "kim": {"kim"}, "keeper": set(), "auditor": everybody}
    assert "1,000 USDC" in pages["kim"]
    assert f"at block {held.signed_block_number}" in pages["nobody"]

    # A request is paid by it: neither pages, API, record nor the audit log tell a name.
    world.begin_next_month()
    request = world.rest(world.ask(world.november()))
    assert request.status == Request.Status.EXECUTED, request.reason
    refused_one = world.rest(world.ask("pay kim-secret 9,000 USDC as a bonus"))
    assert refused_one.status == Request.Status.REFUSED, refused_one.reason
    world.suite.anvil.mine()
    told_words = refused_one.text
    public = [
        f"/acting/agent/requests/{request.pk}/", "/acting/agent/", "/acting/operations/", API,
        f"/api/v1/daos/acting/requests/{request.pk}", "/acting/policies/",
        f"/records/{DecisionRecord.objects.get().hash.hex()}.json",
        f"/acting/agent/requests/{refused_one.pk}/", f"/api/v1/daos/acting/requests/{refused_one.pk}",
    ]  # fmt: skip
    for path in public:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "secret" not in unescape(answer.content.decode()).replace(told_words, ""), path
    assert "secret" not in str(list(AuditEntry.objects.values()))
    # The operator of another vote sees no name that was told to the one before, who sees none any more either.
    world.suite.set_policy(POLICY_ID, payroll(world.suite).replace(olga, world.address("dana")))
    world.sync()
    for who, sees in ((world.address("dana"), False), (olga, False), (auditor, True)):
        assert ("kim-secret" in seen_by(who)) == sees
    assert world.balance("kim") == 1000 * USDC
