# SPDX-License-Identifier: Apache-2.0
"""Given text and actions, the page of drafts makes the calls that are meant, or says in one line why not."""

import datetime
import html
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

import policies
from governance.chain import abi
from governance.chain.call import ProposedCall
from governance.chain.rpc import Answered, CallReverted, Rpc, RpcLimited, RpcUnreachable
from governance.models import ChainReading, Contract, ModuleState, PolicyVersion
from policies.code.encoding import decode, encode, policy_id
from policies.document.document import load
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import checksum
from policies.notation.problems import PolicyError
from presentation.dao_view import DaoView
from presentation.words import address_text
from tests.agent.test_live import node as ens_node
from tests.webapp.conftest import NOW, account
from webapp.drafts import page as drafts
from webapp.drafts import treasuries, values
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

    def balance(self, _address, _block):
        return 10**20

    def codes(self, addresses, _block):
        return [b"\1" for _ in addresses]


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
    batch = json.loads(re.search(r"<pre[^>]*>(\{.*?\})</pre>", shown, re.DOTALL)[1])
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


@pytest.mark.parametrize("file", sorted(TEMPLATE.parent.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_value_of_a_template_is_a_field_that_changes_it_alone(file):
    text = file.read_text()
    shown = values.values_of(text)
    paths = {value.path for value in shown}
    assert {("agent",), ("operator",), ("valid", "from"), ("valid", "until"), ("objection", "delay")} <= paths
    assert values.filled(text, [value.text for value in shown]) == text, "what is as it was stays as it is written"
    another = {"agent": "0x" + "12" * 20, "until": "2027-02-03T00:00Z", "delay": "4 days", "limit": "1,234.5 USDC"}
    given = [another.get(value.path[-1], value.text) for value in shown]
    made = values.filled(text, given)
    assert [value.text for value in values.values_of(made)] == given
    assert [line.partition("#")[2] for line in made.splitlines()] == [
        line.partition("#")[2] for line in text.splitlines()
    ]
    if "streams" not in file.stem:
        assert load(values.filled(text, [another["agent"] if v.path == ("agent",) else v.text for v in shown]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "a",
        "- a",
        "agent: {a: b}",
        "budgets: [1]",
        "rules: 3",
        "agent: &a |\n  x",
        "x: *a",
        "%YAML 1.12\n---\nagent: x",
        f"agent: x\n#{'x' * values.MOST_CHARACTERS}",
    ],
)
def test_a_text_without_values_has_no_fields_and_stays(text):
    assert values.values_of(text) == []
    assert values.filled(text, ["x"]) == text


@pytest.mark.parametrize(
    "written", ["a: b", "#x", "'", '"', "{", "x, y", "- x", "*a", "2026-01-01T00:00Z", "Ω", "\\", ""]
)
def test_whatever_is_written_into_a_field_is_one_value(written):
    made = values.filled("agent: x\nvalid: {from: y, until: z}\n", [written, written, written])
    assert [value.text for value in values.values_of(made)] == [written] * 3


@pytest.mark.django_db
def test_fields_are_made_of_so_much_text_together_and_none_is_lost_unsaid(client, made):
    text = "agent: x\n#" + "x" * 8_000
    marked = {f"{name}-{n}": value for n in range(3) for name, value in (
        ("kind", "policy"), ("yaml", text), ("mark", values.mark_of(text)), ("value", ""))}  # fmt: skip
    marked |= {f"value-{n}-0": "other" for n in range(3)}
    shown = html.unescape(client.post("/river/propose/", marked | {"add": "policy"}).content.decode())
    assert (shown.count("agent: other"), shown.count("agent: x")) == (2, 1)
    assert "What you wrote into the fields is not in the policy" in shown


@pytest.mark.django_db
def test_pressing_any_button_is_limited(client, made, monkeypatch):
    monkeypatch.setattr(drafts, "FORMS_AN_HOUR", 1)
    answers = [client.post("/river/propose/", {"add": "policy"}).status_code for _ in range(2)]
    assert answers == [200, 429]


def test_a_policy_of_no_version_of_yaml_is_told_as_such():
    with pytest.raises(PolicyError, match="this is not YAML"):
        load("%YAML 1.12\n---\nagent: x")


@pytest.mark.django_db
def test_a_templates_fields_become_the_vote(client, paid):
    form = {"text": "# Pay people", "kind-0": "policy", "yaml-0": "", "start": "0:payroll"}
    answer = html.unescape(client.post("/river/propose/", form).content.decode())
    yaml = re.search(r'name="yaml-0"[^>]*>(.*?)</textarea>', answer, re.DOTALL)[1]
    fields = dict(re.findall(r'name="(value-0-\d+)"[^>]*value="([^"]*)"', answer))
    mark = re.search(r'name="mark-0" value="(\w+)"', answer)[1]
    limit = next(name for name, value in fields.items() if value == "12,000 USDC")
    form = {"text": "# Pay people", "kind-0": "policy", "yaml-0": yaml, "mark-0": mark, **fields, limit: "11,000 USDC"}
    _, shown = look(client, **form)
    first = sent(shown)[2]
    assert "at most 11,000 USDC" in shown
    assert "# 24 days, not 30" in shown, "comments stay"
    _, shown = look(client, **{**form, "yaml-0": yaml.replace("12,000 USDC", "10,000 USDC")})
    assert 'value="10,000 USDC"' in shown, "the YAML was changed by hand: it counts"
    assert "at most 10,000 USDC" in shown
    assert sent(shown)[2] != first


@pytest.mark.django_db
def test_a_policy_in_yaml_becomes_the_vote_that_sets_it(client, paid):
    form = {"kind-0": "policy", "yaml-0": TEMPLATE.read_text(), "text": "# Put payroll in force\n\nAs below."}
    _, shown = look(client, **form)
    targets, _, datas, _ = sent(shown)
    assert list(targets) == [bytes(paid.contracts["module"].address)]
    _name, code = abi.decode(["bytes32", "bytes"], datas[0][4:])
    assert decode(code).rules
    assert "The policy “payroll” in words" in shown
    assert "addresses that a template made up are still here: the agent, the operator, USDC, ines" in shown
    others = re.compile("0x..([0-9a-fA-F]{38})")
    own = others.sub(lambda found: checksum(bytes.fromhex("77" + found[1])), TEMPLATE.read_text())
    _, shown = look(client, **{**form, "yaml-0": own})
    assert "The policy “payroll” in words" in shown
    assert "made up" not in shown


@pytest.mark.django_db
def test_a_policy_that_replaces_one_says_what_changes(client, paid):
    put_in_force(paid)
    wider = TEMPLATE.read_text()
    form = {"kind-0": "policy", "yaml-0": wider, "text": "# Again\n\nThe same."}
    _, shown = look(client, **form)
    assert "What changes against version 3, which it replaces" in shown
    delay = re.search(r"delay: (\d+) days", wider)
    _, shown = look(client, **{**form, "yaml-0": wider.replace(delay[0], f"delay: {int(delay[1]) - 1} days", 1)})
    assert "wider: " in shown


TESTS = (TEMPLATE.parent / "tests" / "payroll.yaml").read_text()


@pytest.mark.django_db
def test_tests_beside_a_policy_are_played(client, paid):
    form = {"kind-0": "policy", "yaml-0": TEMPLATE.read_text(), "tests-0": TESTS}
    _, shown = look(client, **form)
    assert "10 tests, 0 not as expected" in shown
    assert "about 50,000 gas" in shown
    _, shown = look(client, **{**form, "yaml-0": form["yaml-0"].replace("limit: 12,000 USDC", "limit: 20,000 USDC")})
    assert "10 tests, 3 not as expected" in shown
    assert "12,000 USDC a month and no more: expected refused, found scheduled" in shown
    assert "data-calldata" in shown  # the author may go on
    _, shown = look(client, **{**form, "tests-0": "tests:\n  - name: x\n    do: {pay: 1 USDC}\n    expect: allowed\n"})
    assert "data-calldata" not in shown
    assert field_of(shown, "tests-0").startswith("tests:")
    assert re.search(r'<p class="check no" role="alert">[^<]*\b3:', shown)


@pytest.mark.django_db
def test_a_policy_is_checked_while_it_is_written(client, paid, monkeypatch):
    monkeypatch.setattr(drafts, "node", None)  # it is not asked
    form = {"kind-0": "transfer", "kind-1": "policy", "yaml-1": TEMPLATE.read_text(), "live": "1", "look": ""}
    _, shown = look(client, **form)
    assert "The policy is in order." in shown
    assert "A stolen key of the agent can take at most: without an announcement 6,000 USDC right away" in shown
    assert "<form" not in shown
    _, shown = look(client, **{**form, "yaml-1": form["yaml-1"].replace("budgets:", "budgest:")})
    assert "The policy is in order." not in shown
    assert '"budgest"' in shown
    _, shown = look(client, **{**form, "tests-1": "tests: 7"})
    assert "The policy is in order." not in shown
    for other in ("0", "7", "x", "-1"):
        assert look(client, **{**form, "live": other})[1] == ""
    _, shown = look(client, **{**form, "yaml-1": form["yaml-1"].replace("12,000", "20,000"), "tests-1": TESTS})
    assert "3 not as expected" in shown
    assert "The policy is in order." not in shown
    # What is checked while somebody writes uses up nothing of the looks, nor the other way round.
    monkeypatch.setattr(drafts, "FORMS_AN_HOUR", 0)
    assert "The policy is in order." in look(client, **form)[1]
    monkeypatch.setattr(drafts, "CHECKS_AN_HOUR", 0)
    assert "Not checked: too many checks in an hour." in look(client, **form)[1]


@pytest.mark.django_db
def test_a_policy_is_ended_earlier(client, paid):
    version = put_in_force(paid)
    module_said(paid, version, NOW + 100 * 3600)
    form = {"kind-0": "end", "text": "# End payroll\n\nNobody needs it."}
    key = f"{address_text(bytes(version.module.address))}:0x{bytes(version.policy_id).hex()}"
    _, shown = look(client, **form)
    assert f'<option value="{key}"' in shown
    assert "choose the policy that ends" in shown
    _, shown = look(client, **form, **{"policy-0": key, "until-0": "2026-13-01T00:00Z"})
    assert "is in no calendar" in shown
    end = NOW + 50 * 3600
    written = datetime.datetime.fromtimestamp(end, datetime.UTC).strftime("%Y-%m-%dT%H:%MZ")
    _, shown = look(client, **form, **{"policy-0": key, "until-0": written})
    targets, _, datas, _ = sent(shown)
    assert list(targets) == [bytes(version.module.address)]
    assert datas[0][:4] == abi.selector("shorten(bytes32,uint40)")
    assert abi.decode(["bytes32", "uint40"], datas[0][4:]) == (bytes(version.policy_id), end // 60 * 60)
    late = datetime.datetime.fromtimestamp(NOW + 100 * 3600, datetime.UTC).strftime("%Y-%m-%dT%H:%MZ")
    _, shown = look(client, **form, **{"policy-0": key, "until-0": late})
    assert "write an earlier hour" in shown
    assert "data-calldata" not in shown


@pytest.mark.django_db
def test_a_policy_that_has_ended_is_not_offered(client, paid):
    module_said(paid, put_in_force(paid), NOW - 1)
    _, shown = look(client, **{"kind-0": "end"})
    assert "No policy is known here that has not ended." in shown
    assert "choose the policy that ends" in shown


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


def field_of(shown, name):
    return re.search(rf'<textarea id="{name}"[^>]*>(.*?)</textarea>', shown, re.DOTALL)[1]


@pytest.mark.django_db
def test_long_calldata_is_sent_whole(client, paid):
    code = "0x" + "ab" * 24_576  # the largest contract's
    _, shown = look(client, **{"kind-0": "raw", "target-0": INES, "calldata-0": code})
    assert sent(shown)[2] == (hex_bytes(code),)


LONG = {
    "calldata": ({"kind-0": "raw", "target-0": INES}, "calldata-0", "0x" + "ab" * 50_000, "The calldata"),
    "arguments": (
        {"kind-0": "call", "target-0": INES, "function-0": "f(bytes)"},
        "arguments-0",
        "0x" + "ab" * 50_000,
        "The arguments",
    ),
    "a policy": ({"kind-0": "policy"}, "yaml-0", "# " + "a" * 100_000, "The policy"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("case", LONG)
@pytest.mark.parametrize("press", [{"look": "1"}, {"add": "unpause"}, {"remove": "1"}])
def test_what_is_too_long_is_a_problem_and_is_not_cut(client, paid, case, press):
    form, name, value, called = LONG[case]
    answer = client.post("/river/propose/", {"text": "# T", **form, name: value, "kind-1": "unpause", **press})
    shown = html.unescape(answer.content.decode())
    assert field_of(shown, name) == value
    assert "data-calldata" not in shown
    assert (f"{called} has more than 100,000 characters." in shown) == ("look" in press)


@pytest.mark.django_db
def test_lines_that_a_browser_ends_with_two_characters_lose_nothing(client, paid):
    lines = "\n".join(["b" * 9] * 9_999)  # 99,989 characters, and as browsers send it 109,987
    _, shown = look(client, **{**TRANSFER, "text": f"# Pay\r\n{lines}".replace("\n", "\r\n").replace("\r\r", "\r")})
    assert sent(shown)[3] == f"# Pay\n{lines}"


@pytest.mark.django_db
def test_policies_that_are_too_long_together_are_not_read(client, paid, monkeypatch):
    monkeypatch.setattr("webapp.drafts.actions.load", lambda _text: pytest.fail("a policy was read"))
    yaml = "# " + "a" * 60_000
    _, shown = look(client, **{"kind-0": "policy", "yaml-0": yaml, "kind-1": "policy", "yaml-1": yaml})
    assert "The policies have more than 100,000 characters together." in shown
    assert "data-calldata" not in shown


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


# --- what the node says to a trial


@pytest.mark.django_db
def test_a_real_node_tells_calls_that_would_fail_from_one_that_would_not(made, deployed):
    rpc = Rpc([deployed.url], 31337, attempts=1)
    place, poor = DaoView(made.dao), account(1)
    calls = [
        ProposedCall(account(200), 10**30, b"", b""),
        ProposedCall(deployed.addresses["votes_token"], 0, b"", abi.encode_call("totalSupply()", [])),
        ProposedCall(account(201), 0, b"", abi.encode_call("totalSupply()", [])),
        ProposedCall(deployed.addresses["votes_token"], 0, b"", abi.encode_call("mint(address,uint256)", [poor, 1])),
    ]
    trials, block = drafts.look.tried(place, rpc, poor, calls)
    assert block is not None
    assert trials[0].problem == "who makes it has 0 native units"
    assert trials[1].is_tried
    assert not trials[1].problem
    assert trials[2].problem == "there is no contract at this address"
    assert trials[3].problem


class Refuses(Node):
    """Answers the second call with an error, and lets each of the others through."""

    def __init__(self, error, seconds=None):
        super().__init__()
        self._error, self._seconds, self.asked = error, seconds, 0

    def estimate_gas(self, *_call, **_how):
        self.asked += 1
        if self._seconds is not None:
            self._seconds[0] += 6
        if self.asked == 2:
            raise self._error
        return 50_000


def three(client, **form):
    names = {f"{name[:-1]}{n}": value for n in range(3) for name, value in TRANSFER.items()}
    return look(client, **names, **form)[1]


@pytest.mark.django_db
def test_an_error_that_is_no_revert_is_the_nodes_word_about_that_call_alone(client, paid, monkeypatch):
    node = Refuses(Answered(-32000, "insufficient funds for transfer"))
    monkeypatch.setattr(drafts, "node", lambda _place: node)
    shown = three(client)
    assert "the chain's node would not run it: insufficient funds for transfer" in shown
    assert shown.count("would not fail</p>") == 2
    assert "could not be asked" not in shown


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error", [RpcUnreachable("away"), RpcLimited(429, "too many"), Answered(-32601, "no such method")]
)
def test_what_the_node_did_not_try_is_not_known(client, paid, monkeypatch, error):
    node = Refuses(error)
    monkeypatch.setattr(drafts, "node", lambda _place: node)
    shown = three(client)
    assert "would not run it" not in shown
    is_answer = isinstance(error, Answered)
    assert shown.count("the node gave no answer to this") == (1 if is_answer else 2)
    assert shown.count("would not fail</p>") == (2 if is_answer else 1)


@pytest.mark.django_db
def test_all_trials_of_a_draft_have_one_deadline(client, paid, monkeypatch):
    seconds = [0.0]
    node = Refuses(None, seconds)
    node.estimate_gas = lambda *_call, **_how: seconds.__setitem__(0, seconds[0] + 6)
    monkeypatch.setattr(drafts, "node", lambda _place: node)
    monkeypatch.setattr(drafts.look.time, "monotonic", lambda: seconds[0])
    shown = three(client)
    assert seconds[0] == 12
    assert shown.count("would not fail</p>") == 2
    assert shown.count("the node gave no answer to this") == 1


# --- symbols that amounts can't be written with


@pytest.mark.django_db
def test_a_payment_in_a_token_of_an_odd_symbol_and_in_an_unlisted_coin(client, paid):
    asset = paid.contracts["asset"]
    asset.capabilities = {**asset.capabilities, "symbol": "USD₮0"}
    asset.save()
    _, shown = look(client, **{**TRANSFER, "asset-0": "USD₮0"})
    assert abi.decode(["address", "uint256", "bytes"], sent(shown)[2][0][4:])[0] == bytes(asset.address)
    _, shown = look(client, **{**TRANSFER, "asset-0": "USD₮0", "amount-0": "0.0000001"})
    assert "USD₮0 has 6" in shown
    assert "StandIn" not in shown
    _, shown = look(client, **{"kind-0": "raw", "target-0": INES, "calldata-0": "0x", "value-0": "1.5"})
    assert sent(shown)[1] == (15 * 10**17,)
    _, shown = look(client, **{**TRANSFER, "asset-0": "native units"})
    assert abi.decode(["address", "uint256", "bytes"], sent(shown)[2][0][4:])[1] == 5 * 10**18


# --- several policy modules, and versions that were ended


def put_in_force(paid, *, module=None, version=3, text=None):
    before = load(text or TEMPLATE.read_text())
    return PolicyVersion.objects.create(
        dao=paid.dao, module=module or paid.contracts["module"], policy_id=policy_id(before.name), version=version,
        agent=before.agent, codehash=bytes(32), code=encode(before), log=paid.log(),
    )  # fmt: skip


def module_said(paid, version, end, *, block=400, at=NOW):
    ChainReading.objects.create(
        dao=paid.dao, kind="policy", address=bytes(version.module.address), key=bytes(version.policy_id),
        value=abi.encode(["address", "uint16", "uint24", "uint32", "uint40"], [account(9), version.version, 1, 0, end]),
        block_number=block, block_hash=bytes(32), block_timestamp_chain_s=at, read_at=timezone.now(),
    )  # fmt: skip


AGAIN = {"kind-0": "policy", "yaml-0": TEMPLATE.read_text(), "text": "# Again\n\nThe same."}


@pytest.mark.django_db
def test_a_policy_that_was_ended_is_said_to_come_back(client, paid):
    module_said(paid, put_in_force(paid), NOW - 100)
    _, shown = look(client, **AGAIN)
    assert "wider: version 3 was ended at" in shown
    assert "as the policy module said at block 400; this puts the policy in force again, until" in shown
    assert "Nothing." not in shown


@pytest.mark.django_db
def test_a_policy_whose_end_was_brought_forward_gets_its_time_back(client, paid):
    module_said(paid, put_in_force(paid), NOW + 100)
    assert "wider: version 3 is set to end at" in look(client, **AGAIN)[1]


@pytest.mark.django_db
def test_a_policy_that_ends_as_its_code_says_changes_nothing_when_it_is_set_again(client, paid):
    module_said(paid, put_in_force(paid), load(TEMPLATE.read_text()).end_s)
    shown = look(client, **AGAIN)[1]
    assert "Nothing." in shown
    assert "in force again" not in shown


@pytest.mark.django_db
@pytest.mark.parametrize("is_of_another_version", [False, True])
def test_an_end_that_was_not_read_is_not_known(client, paid, is_of_another_version):
    version = put_in_force(paid)
    if is_of_another_version:
        module_said(paid, put_in_force(paid, version=2), NOW - 100)
    shown = look(client, **AGAIN)[1]
    assert "Not known: whether version 3 was ended before the end in its code." in shown
    assert "Nothing." not in shown
    assert "Nothing in its code." in shown
    assert version.version == 3


def second_module(paid):
    made = Contract.objects.create(
        dao=paid.dao, kind="module", address=account(1100), capabilities={}, start_block=0,
    )  # fmt: skip
    ModuleState.objects.create(module=made, guardian=account(60))
    return made


def is_not_enabled(paid, module):
    module.capabilities = {**module.capabilities, "treasury": address_text(account(1003))}
    module.save()
    ChainReading.objects.create(
        dao=paid.dao, kind="enabled", address=bytes(module.address), value=bytes(32), block_number=400,
        block_hash=bytes(32), block_timestamp_chain_s=NOW, read_at=timezone.now(),
    )  # fmt: skip


@pytest.mark.django_db
def test_a_policy_goes_to_the_module_that_is_in_power_and_is_compared_there(client, paid):
    old, new = paid.contracts["module"], second_module(paid)
    is_not_enabled(paid, old)
    put_in_force(paid, version=7)
    put_in_force(paid, module=new, version=2)
    _, shown = look(client, **AGAIN)
    assert list(sent(shown)[0]) == [bytes(new.address)]
    assert "What changes against version 2, which it replaces" in shown
    assert "version 7" not in shown


@pytest.mark.django_db
def test_of_two_modules_in_power_the_author_chooses(client, paid):
    new = second_module(paid)
    _, shown = look(client, **AGAIN)
    assert "choose the policy module" in shown
    assert "data-calldata" not in shown
    assert shown.count(f"<option>{address_text(bytes(new.address))}</option>") == 1
    _, shown = look(client, **AGAIN, **{"module-0": address_text(bytes(new.address))})
    assert list(sent(shown)[0]) == [bytes(new.address)]
    _, shown = look(client, **AGAIN, **{"module-0": INES})
    assert "choose the policy module" in shown


@pytest.mark.django_db
def test_the_pause_that_is_lifted_is_that_of_the_module_that_is_paused(client, paid):
    new = second_module(paid)
    ModuleState.objects.filter(module=new).update(paused=True)
    _, shown = look(client, **{"kind-0": "unpause"})
    assert list(sent(shown)[0]) == [bytes(new.address)]
    is_not_enabled(paid, new)
    _, shown = look(client, **{"kind-0": "unpause"})
    assert list(sent(shown)[0]) == [bytes(new.address)]
    assert "is not enabled: nothing can be paid from it through this module" in shown


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


def test_text_in_quotes_can_be_empty_and_have_line_breaks():
    given = r'""' + "\n" + r'"two\nlines "' + "\n" + '"half'
    values = abi.decode(["string"] * 3, calldata("f(string,string,string)", given)[4:])
    assert values == ("", "two\nlines ", '"half')
    with pytest.raises(BadArgument, match="in quotes as JSON"):
        calldata("f(string)", '"a" and "b"')


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


# --- names of ENS


@pytest.mark.django_db
@pytest.mark.parametrize(("back", "outcome"), [("ines.eth", "told"), ("eve.eth", "told_in_part")])
def test_a_draft_names_a_receiver_by_ens_as_the_proposal_will_where_both_directions_agree(made, back, outcome):
    place, ines = DaoView(made.dao), bytes(range(200, 220))
    place.dao.chain_id = 1
    rpc = ens_node({"ines.eth": ines}, {ines: back})
    rpc.block = lambda _tag: SimpleNamespace(hash=b"\1" * 32)
    usdc = bytes(made.contracts["asset"].address)
    paid = ProposedCall(usdc, 0, b"", abi.encode_call("transfer(address,uint256)", [ines, 5_000_000]))
    text = "# Pay Ines\n\nThis proposal transfers 5 USDC to ines.eth."
    assert drafts.look.reviewed(place, text, [paid], rpc).verdict == outcome
    assert drafts.look.reviewed(place, text, [paid]).verdict == "told_in_part"  # where no node is asked
