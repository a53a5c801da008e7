# SPDX-License-Identifier: Apache-2.0
"""Given text and actions, the page of drafts makes the calls that are meant, or says in one line why not."""

import html
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from governance.chain import abi
from governance.chain.rpc import CallReverted, RpcUnreachable
from governance.models import PolicyVersion
from policies.code.encoding import decode, encode, policy_id
from policies.document.document import load
from policies.notation.hexadecimal import hex_bytes
from presentation.dao_view import DaoView
from presentation.words import address_text
from tests.webapp.conftest import account
from webapp.drafts import page as drafts
from webapp.drafts import treasuries
from webapp.drafts.actions import MOST_ACTIONS, MOST_TEXT
from webapp.drafts.arguments import BadArgument, calldata
from webapp.drafts.treasuries import Pays, payment

INES = address_text(account(200))
TEMPLATE = Path(policies.__file__).parent / "templates" / "payroll.yaml"
LOOK = {"look": "1", "text": "# Pay ines\n\nPay 5 USDC to ines."}


class Node:
    """Stands for the node where what it answers is not what a test is about: every call goes through, or reverts."""

    def __init__(self, reverts: bytes | None = None, *, is_away: bool = False):
        self._reverts, self._is_away = reverts, is_away

    def block(self, _block):
        if self._is_away:
            raise RpcUnreachable("no node")
        return type("Head", (), {"number": 77})

    def estimate_gas(self, *_call, **_how):
        if self._reverts is not None:
            raise CallReverted(self._reverts)
        return 50_000

    def get_code(self, _address, _block):
        return b"\1"


@pytest.fixture
def paid(monkeypatch, made):
    """The DAO pays through its treasury, and its node answers."""
    treasury, timelock = (bytes(made.contracts[kind].address) for kind in ("treasury", "timelock"))
    found = Pays(timelock, treasury, "treasury")
    monkeypatch.setattr(treasuries, "pays", lambda _place, _rpc: found)
    monkeypatch.setattr(drafts, "node", lambda _place: Node())
    return made


def look(client, **form):
    answer = client.post("/river/propose/", {**LOOK, **form})
    return answer, html.unescape(answer.content.decode())


def sent(shown):
    """The calldata of `propose` that the page offers, decoded."""
    data = hex_bytes(re.search(r'data-calldata="(0x[0-9a-f]+)"', shown)[1])
    assert data[:4] == abi.selector("propose(address[],uint256[],bytes[],string)")
    return abi.decode(["address[]", "uint256[]", "bytes[]", "string"], data[4:])


TRANSFER = {"kind-0": "transfer", "asset-0": "USDC", "amount-0": "5", "to-0": INES}


@pytest.mark.django_db
def test_a_payment_goes_through_the_treasury_and_is_compared_with_the_text(client, paid):
    answer, shown = look(client, **TRANSFER)
    assert answer.status_code == 200
    targets, values, datas, text = sent(shown)
    assert list(targets) == [bytes(paid.contracts["treasury"].address)]
    assert list(values) == [0]
    to, value, data = abi.decode(["address", "uint256", "bytes"], datas[0][4:])
    assert (to, value) == (bytes(paid.contracts["asset"].address), 0)
    assert abi.decode(["address", "uint256"], data[4:]) == (account(200), 5_000_000)
    assert text == LOOK["text"]
    assert "would not fail" in shown
    assert "at block 77" in shown
    batch = json.loads(re.search(r"<pre>(\{.*?\})</pre>", shown, re.DOTALL)[1])
    assert batch["transactions"][0]["to"] == address_text(bytes(paid.contracts["governor"].address))


@pytest.mark.django_db
def test_a_payment_that_the_text_does_not_mention_is_red_before_it_is_sent(client, paid):
    _, shown = look(client, **{**TRANSFER, "text": "# Rename the newsletter\n\nNothing else changes."})
    assert 'data-outcome="not_told"' in shown


@pytest.mark.django_db
def test_a_call_that_would_fail_says_why(client, paid, monkeypatch):
    revert = abi.selector("Error(string)") + abi.encode(["string"], ["not enough"])
    monkeypatch.setattr(drafts, "node", lambda _place: Node(revert))
    _, shown = look(client, **TRANSFER)
    assert "would fail: " in shown
    assert "not enough" in shown
    monkeypatch.setattr(drafts, "node", lambda _place: Node(is_away=True))
    _, shown = look(client, **TRANSFER)
    assert "whether the calls go through is not known" in shown
    assert "would not fail</p>" not in shown


@pytest.mark.django_db
def test_a_policy_starts_from_a_template_and_no_template_overwrites_one(client, paid):
    shown = client.get("/river/propose/?kind=policy").content.decode()
    offered = re.findall(r'name="start" value="0:([a-z]+)"', shown)
    assert offered == sorted(file.stem for file in TEMPLATE.parent.glob("*.yaml"))

    def started(asked, yaml=""):
        form = {"text": "# Pay people", "kind-0": "policy", "yaml-0": yaml, "start": asked}
        answer = html.unescape(client.post("/river/propose/", form).content.decode())
        return re.search(r'name="yaml-0"[^>]*>(.*?)</textarea>', answer, re.DOTALL)[1].strip()

    for name in offered:
        written = started(f"0:{name}")
        assert written == (TEMPLATE.parent / f"{name}.yaml").read_text().strip()
        load(written)
    assert started("0:payroll", "name: mine") == "name: mine"
    for asked in ("0:../document/document", "0:", "1:payroll", "x", "0:nothing"):
        assert started(asked) == ""


@pytest.mark.django_db
def test_a_policy_in_yaml_becomes_the_vote_that_sets_it(client, paid):
    form = {"kind-0": "policy", "yaml-0": TEMPLATE.read_text(), "text": "# Put payroll in force\n\nAs below."}
    _, shown = look(client, **form)
    targets, _, datas, _ = sent(shown)
    assert list(targets) == [bytes(paid.contracts["module"].address)]
    _name, code = abi.decode(["bytes32", "bytes"], datas[0][4:])
    assert decode(code).rules
    assert "The policy “payroll” in words" in shown


@pytest.mark.django_db
def test_a_policy_that_replaces_one_says_what_changes(client, paid):
    before = load(TEMPLATE.read_text())
    PolicyVersion.objects.create(
        dao=paid.dao, module=paid.contracts["module"], policy_id=policy_id(before.name), version=3, agent=before.agent,
        codehash=bytes(32), code=encode(before), log=paid.log(),
    )  # fmt: skip
    wider = TEMPLATE.read_text()
    form = {"kind-0": "policy", "yaml-0": wider, "text": "# Again\n\nThe same."}
    _, shown = look(client, **form)
    assert "What changes against version 3, which it replaces" in shown
    assert "Nothing." in shown
    delay = re.search(r"delay: (\d+) days", wider)
    _, shown = look(client, **{**form, "yaml-0": wider.replace(delay[0], f"delay: {int(delay[1]) - 1} days", 1)})
    assert "wider: " in shown


@pytest.mark.django_db
def test_what_is_wrong_with_a_policy_is_told_with_its_line(client, paid):
    broken = TEMPLATE.read_text().replace("budgets:", "budgest:")
    _, shown = look(client, **{"kind-0": "policy", "yaml-0": broken})
    assert re.search(r"\d+:\d+: .*budgest", shown)
    assert "data-calldata" not in shown
    assert "budgest" in re.search(r"<textarea[^>]*yaml-0.*?</textarea>", shown, re.DOTALL)[0]


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["file", "abi"])
def test_a_policy_reads_no_files_of_the_server(client, paid, key):
    text = TEMPLATE.read_text().replace("budgets:", f"lists: {{people: {{{key}: /etc/passwd}}}}\nbudgets:", 1)
    _, shown = look(client, **{"kind-0": "policy", "yaml-0": text})
    assert "root:" not in shown
    assert "data-calldata" not in shown


WRONG = {
    "no receiver": ({**TRANSFER, "to-0": ""}, "40 hexadecimal digits"),
    "a mistyped receiver": ({**TRANSFER, "to-0": "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266"}, "mistyped"),
    "nothing": ({**TRANSFER, "amount-0": "0"}, "the amount is 0"),
    "two readings": ({**TRANSFER, "amount-0": "1.000"}, "can be read as"),
    "too fine": ({**TRANSFER, "amount-0": "0.0000001"}, "decimals"),
    "negative": ({**TRANSFER, "amount-0": "-5"}, "-5"),
    "another token": ({**TRANSFER, "asset-0": "FAKE"}, "choose what is paid"),
    "to nobody": ({**TRANSFER, "to-0": "0x" + "00" * 20}, "zero address"),
    "to the token": ({**TRANSFER, "to-0": address_text(account(1005))}, "own contract"),
    "no function": ({"kind-0": "call", "target-0": INES, "function-0": "pause"}, "name(type,type)"),
    "too few": (
        {"kind-0": "call", "target-0": INES, "function-0": "f(uint8,bool)", "arguments-0": "1"},
        "takes 2 arguments",
    ),
    "too large": ({"kind-0": "call", "target-0": INES, "function-0": "f(uint8)", "arguments-0": "256"}, "uint8"),
    "odd digits": ({"kind-0": "raw", "target-0": INES, "calldata-0": "0x123"}, "pairs of hexadecimal digits"),
    "no digits": ({"kind-0": "raw", "target-0": INES, "calldata-0": "123"}, "pairs of hexadecimal digits"),
    "no text": ({**TRANSFER, "text": "  "}, "Write the text"),
    "no action": ({}, "takes no proposal without a call"),
    "too long": ({**TRANSFER, "text": "a" * (MOST_TEXT + 1)}, "more than 100,000 characters"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_line_and_nothing_is_lost(client, paid, case):
    form, why = WRONG[case]
    answer, shown = look(client, **form)
    assert answer.status_code == 200
    assert shown.count('role="alert"') == 1
    assert why in re.search(r'role="alert">(.*?)</(?:p>)?(?:</div>)?', shown, re.DOTALL)[0]
    assert "data-calldata" not in shown
    for name, value in form.items():
        if name.startswith(("to-", "amount-", "function-", "calldata-", "arguments-")):
            assert value in shown


@pytest.mark.django_db
def test_actions_are_added_and_removed_without_a_script(client, made):
    added = client.post("/river/propose/", {"text": "# T", "add": "call"})
    assert 'name="kind-0" value="call"' in added.content.decode()
    form = {"text": "# T", **TRANSFER, "kind-1": "call", "target-1": INES, "remove": "0"}
    shown = client.post("/river/propose/", form).content.decode()
    assert 'name="kind-0" value="call"' in shown
    assert INES in shown
    full = {f"kind-{n}": "unpause" for n in range(MOST_ACTIONS + 5)}
    shown = client.post("/river/propose/", {**full, "add": "call"}).content.decode()
    assert shown.count('type="hidden" name="kind-') == MOST_ACTIONS
    assert client.get("/river/propose/?kind=unpause").content.decode().count('value="unpause"') == 2


@pytest.mark.django_db
def test_looking_is_limited_and_keeps_what_was_written(client, paid, monkeypatch):
    monkeypatch.setattr(drafts, "PER_ASKER_AN_HOUR", 1)
    assert look(client, **TRANSFER)[0].status_code == 200
    answer, shown = look(client, **TRANSFER)
    assert answer.status_code == 429
    assert INES in shown
    assert "data-calldata" not in shown


@pytest.mark.django_db
def test_another_sites_form_is_refused(made):
    from django.test import Client

    assert Client(enforce_csrf_checks=True).post("/river/propose/", LOOK).status_code == 403


@pytest.mark.django_db
def test_hostile_words_stay_words(client, paid):
    hostile = '"><script>alert(1)</script>'
    for form in ({**TRANSFER, "to-0": hostile, "text": hostile}, {"kind-0": "policy", "yaml-0": hostile}, TRANSFER):
        raw = client.post("/river/propose/", {**LOOK, "text": hostile, **form}).content.decode()
        assert "&lt;script&gt;alert" in raw
        assert "<script>alert" not in raw


@pytest.mark.django_db
def test_a_governor_that_counts_from_one_gets_its_own_form(client, paid):
    governor = paid.contracts["governor"]
    governor.capabilities = {**governor.capabilities, "family": "bravo"}
    governor.save()
    _, shown = look(client, **TRANSFER)
    data = hex_bytes(re.search(r'data-calldata="(0x[0-9a-f]+)"', shown)[1])
    assert data[:4] == abi.selector("propose(address[],uint256[],string[],bytes[],string)")
    governor.capabilities["family"] = "unknown"
    governor.save()
    assert "is not known here" in look(client, **TRANSFER)[1]


# --- how a treasury pays


def test_a_payment_is_made_as_the_treasury_takes_it():
    maker, payer, usdc = account(1), account(2), account(3)
    plain = payment(Pays(maker, maker, "itself"), usdc, account(4), 7)
    assert plain.target == usdc
    coin = payment(Pays(maker, maker, "itself"), bytes(20), account(4), 7)
    assert (coin.target, coin.value_wei, coin.data) == (account(4), 7, b"")
    safe = payment(Pays(maker, payer, "safe"), usdc, account(4), 7)
    assert safe.target == payer
    assert safe.data.endswith(maker.rjust(32, b"\0") + bytes(32) + b"\1" + bytes(31))
    with pytest.raises(BadArgument, match="could not be read from the chain"):
        payment(Pays(maker, payer, "unknown"), usdc, account(4), 7)


@pytest.mark.django_db
def test_who_pays_is_asked_of_the_chain(made):
    place, word = DaoView(made.dao), lambda value: value.rjust(32, b"\0")
    timelock = bytes(made.contracts["timelock"].address)

    class Asked:
        def __init__(self, *answers):
            self._answers = answers

        def eth_calls(self, _calls):
            return [word(a) if isinstance(a, bytes) else a for a in self._answers]

    no = CallReverted(b"")
    assert treasuries.pays(place, Asked(timelock, no, no)).how == "treasury"
    assert treasuries.pays(place, Asked(no, b"\1", b"\1")).how == "safe"
    assert treasuries.pays(place, Asked(no, b"\1", b"\2")).how == "unknown"  # two owners must sign
    assert treasuries.pays(place, Asked(no, b"", b"\1")).how == "unknown"  # people own it
    assert treasuries.pays(place, Asked(account(66), no, no)).how == "unknown"


# --- arguments


def test_arguments_are_read_by_their_types():
    signature = "f(uint256,int8,address,bool,string,bytes4,uint256[],(address,bool)[2])"
    nested = json.dumps([[INES, True], [INES, False]])
    text = f'1000\n-128\n{INES}\ntrue\na "word"\n0x01020304\n["1", 2]\n{nested}'
    values = abi.decode(abi.signature_types(signature), calldata(signature, text)[4:])
    assert values[:4] == (1000, -128, account(200), True)
    assert values[4:6] == ('a "word"', b"\1\2\3\4")
    assert list(values[6]) == [1, 2]


@pytest.mark.parametrize(
    ("type_", "line"),
    [("uint256", "1e3"), ("uint256", "1,000"), ("uint256", "-1"), ("uint256", "0x10"), ("uint256", "٣"),
     ("uint256", "007"),
     ("int8", "128"), ("bool", "yes"), ("bool", "1"), ("address", "ines.eth"), ("bytes", "0x1"), ("bytes32", "0x01"),
     ("uint256[]", "1"), ("uint256[]", "[1.5]"), ("uint256[]", "[true]"), ("uint256[2]", "[1]"), ("(bool)", "{}"),
     ("uint256[]", "[" * 5000), ("address[]", '["0x12"]')],
)  # fmt: skip
def test_what_is_no_value_of_the_type_is_refused(type_, line):
    with pytest.raises(BadArgument) as refused:
        calldata(f"f({type_})", line)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


@given(st.text(max_size=60), st.text(max_size=200))
def test_whatever_is_written_gives_calldata_or_one_line(signature, text):
    try:
        found = calldata(signature, text)
    except BadArgument as error:
        found = str(error).encode()
    assert len(found) >= 4
