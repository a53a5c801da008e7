# SPDX-License-Identifier: Apache-2.0
"""`manage.py review` of files: what it prints, without a database, and one line for what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from agent.understanding import given
from agent.understanding.effects import Book
from agent.understanding.review import review, untold
from governance.chain.abi import encode_call
from governance.chain.address import checksum
from governance.chain.call import ProposedCall
from tests.agent.attacker import attacker_model
from tests.agent.proposals import BEN, BOOK, GOLD, STRANGER, pays

ROOT = Path(__file__).resolve().parents[2]
TEXT = f"# Pay Ben\n\nThis proposal transfers 2,500 GLD to {checksum(BEN)} for the handbook."
BOOK_JSON = {
    "tokens": {"GLD": [checksum(GOLD), 6]},
    "names": {"ben": checksum(BEN)},
    "contracts": {},
}
KEYS = ["outcome", "findings", "effects", "flags", "summary", "orders_not_done"]


def executable(*calls) -> str:
    listed = [{"target": checksum(c.target), "value": str(c.value_wei), "calldata": "0x" + c.data.hex()} for c in calls]
    return json.dumps({"executableCalls": listed})


@pytest.fixture
def files(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "text.md").write_text(TEXT)
    (tmp_path / "one" / "calls.json").write_text(executable(pays()))
    (tmp_path / "book.json").write_text(json.dumps(BOOK_JSON))
    return tmp_path


def run(capsys, *arguments) -> dict | str:
    call_command("review", *map(str, arguments))
    out = capsys.readouterr().out
    return json.loads(out) if "--json" in arguments else out


def of_one(files: Path) -> list:
    return ["--text", files / "one" / "text.md", "--calls", files / "one" / "calls.json", "--book", files / "book.json"]


def test_json_has_exactly_what_is_promised(files, capsys):
    body = run(capsys, *of_one(files), "--json")
    assert list(body) == KEYS
    assert body["outcome"] == "told"
    assert [(e["id"], e["outcome"], e["amount"]) for e in body["effects"]] == [("e1", "told", "2500000000")]
    assert body["orders_not_done"] == []


def test_text_and_calls_that_differ_are_named_with_the_effect(files, capsys):
    (files / "one" / "calls.json").write_text(executable(pays(), pays(90_000, STRANGER)))
    body = run(capsys, *of_one(files), "--json")
    assert body["outcome"] == "differs"
    assert "not_told" in {flag["code"] for flag in body["flags"]}
    assert {finding["effect"]: finding["status"] for finding in body["findings"]}["e2"] != "told"
    shown = run(capsys, *of_one(files))
    assert f"Verdict: {body['outcome']}" in shown
    assert checksum(STRANGER) in shown


def test_an_order_that_no_call_does_is_printed_once(files, capsys):
    (files / "one" / "text.md").write_text(f"{TEXT}\n\nTransfer 9,000 GLD to {checksum(STRANGER)}.")
    shown = run(capsys, *of_one(files))
    assert shown.count("Transfer 9,000 GLD to") == 1
    assert "no call that can be read does it" in shown


def test_a_token_that_the_book_lacks_is_read_by_the_published_list(files, capsys):
    dai = bytes.fromhex("6b175474e89094c44da98b954eedeac495271d0f")
    calldata = encode_call("transfer(address,uint256)", [BEN, 25 * 10**17])
    (files / "one" / "text.md").write_text(f"# Pay\n\nTransfer 2.5 DAI to {checksum(BEN)}.")
    (files / "one" / "calls.json").write_text(executable(ProposedCall(dai, 0, b"", calldata)))
    assert run(capsys, *of_one(files), "--json")["outcome"] == "told"
    (files / "one" / "text.md").write_text(f"# Pay\n\nTransfer 25 DAI to {checksum(BEN)}.")
    assert run(capsys, *of_one(files), "--json")["outcome"] == "differs"


@pytest.mark.parametrize("with_book", [True, False])
def test_calls_are_read_by_the_tokens_and_the_coin_of_the_chain_that_their_file_names(files, capsys, with_book):
    """That of Polygon is POL; and the DAI of Ethereum's main chain is nobody's there."""
    dai = bytes.fromhex("6b175474e89094c44da98b954eedeac495271d0f")
    paid = ProposedCall(dai, 0, b"", encode_call("transfer(address,uint256)", [BEN, 25 * 10**17]))
    for chain_id, sentence in ((1, "Transfers 2.5 DAI"), ("137", "base units of token")):
        calls = json.loads(executable(ProposedCall(BEN, 10**18, b"", b""), paid))
        (files / "one" / "calls.json").write_text(json.dumps({**calls, "chainId": chain_id}))
        (files / "one" / "text.md").write_text(f"# Pay\n\nTransfer 1 ETH to {checksum(BEN)}.")
        coin, token = run(capsys, *(of_one(files) if with_book else of_one(files)[:4]), "--json")["effects"]
        assert sentence in token["sentence"]
        assert coin["sentence"].startswith(f"Transfers 1 {'ETH' if chain_id == 1 else 'POL'}")
        assert (coin["outcome"] == "told") is (chain_id == 1)


def test_calldata_of_propose_with_another_text_says_so(files, capsys):
    call = pays()
    for text, is_said in ((TEXT + "\n", False), ("Another text.", True)):
        arguments = [[call.target], [0], [call.data], text]
        calldata = encode_call("propose(address[],uint256[],bytes[],string)", arguments)
        (files / "one" / "calls.json").write_text("0x" + calldata.hex())
        call_command("review", *map(str, of_one(files)), "--json")
        printed = capsys.readouterr()
        assert json.loads(printed.out)["outcome"] == "told"
        assert ("has another text than --text" in printed.err) is is_said


def test_each_sentence_of_the_summary_names_its_source(files, capsys):
    body = run(capsys, *of_one(files), "--json")
    assert [line["source"]["kind"] for line in body["summary"]] == ["span", "effect"]
    assert body["summary"][0]["text"].startswith("This proposal transfers 2,500 GLD")
    assert {line["by"] for line in body["summary"]} == {"code"}


def test_no_calls_is_said_first(files, capsys):
    (files / "one" / "calls.json").write_text('{"executableCalls": []}')
    body = run(capsys, *of_one(files), "--json")
    assert body["outcome"] == "no_calls"
    assert body["summary"][0]["source"] == {"kind": "verdict", "id": "no_calls", "quote": ""}
    assert f"This proposal transfers 2,500 GLD to {checksum(BEN)} for the handbook." in {
        order["text"] for order in body["orders_not_done"]
    }


def test_a_folder_is_reviewed_whole_and_what_is_wrong_is_named(files, capsys):
    (files / "two.md").write_text("Nothing is said here of what the call below does.")
    (files / "two.json").write_text(executable(pays(7)))
    bodies = run(capsys, "--batch", files, "--json")
    assert {name: body["outcome"] for name, body in bodies.items()} == {"one": "told", "two": "not_told"}
    (files / "two.json").write_text("{}")
    with pytest.raises(CommandError, match=r"two: --calls: .*executableCalls") as raised:
        call_command("review", "--batch", str(files))
    assert raised.value.returncode == 2
    assert "told" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("one/calls.json", "{", "--calls: neither JSON"),
        ("one/calls.json", None, "--calls: .* can't be read"),
        ("one/text.md", None, "--text: .* can't be read"),
        ("one/text.md", b"\xff\xfe", "no UTF-8"),
        ("book.json", "[]", "--book: the book is no JSON object"),
        ("book.json", '{"tokens": {"GLD": ["0x12", 6]}}', "--book: tokens"),
        ("book.json", '{"names": {"a": 1, "a": 2}}', "--book: 'a' is given twice"),
        pytest.param("book.json", "[" * 100_000, "--book: .*nested too deeply", id="deep"),
        ("one/calls.json", '{"chainId": "x", "executableCalls": []}', "--calls: chainId"),
        ("book.json", '{"chain_id": 10}', None),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_status_2(files, name, content, problem):
    path = files / name
    if problem is None:
        calls = json.loads((files / "one/calls.json").read_text())
        (files / "one/calls.json").write_text(json.dumps({**calls, "chainId": "137"}))
        problem = "--book is of chain 10, and --calls are for chain 137"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CommandError, match=problem) as raised:
        call_command("review", *map(str, of_one(files)))
    assert raised.value.returncode == 2
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--text", "x"],
        ["7", "--batch", "x"],
        ["--batch", "/nowhere"],
        ["7", "--book", "x"],
        ["7", "--calls", "x"],
        ["--batch", "/", "--calls", "x"],
        ["--text", "x", "--calls", "x", "--read"],
    ],
)
def test_what_cannot_be_meant_is_refused(arguments):
    with pytest.raises(CommandError) as raised:
        call_command("review", *arguments)
    assert raised.value.returncode == 2


def test_neither_a_database_nor_a_model_is_needed(files):
    ran = subprocess.run(
        [sys.executable, "manage.py", "review", *map(str, of_one(files)), "--no-model", "--json"],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "DATABASE_URL": "postgres://x@127.0.0.1:1/x", "MODEL_URL": "http://127.0.0.1:1/v1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["outcome"] == "told"


def test_a_model_chooses_the_summary_and_nothing_else(files, capsys, settings):
    def answer(request: dict) -> str:
        asked = request["response_format"]["json_schema"]["schema"]["properties"]
        ids = asked.get("sentences", {}).get("items", {}).get("enum")
        if ids:
            return json.dumps({"sentences": ids[:1]})
        spans = asked["claims"]["items"]["properties"]["spans"]["items"]["enum"]
        return json.dumps({"claims": [{"spans": spans[:1], "type": "payment"}]})

    without = run(capsys, *of_one(files), "--no-model", "--json")
    with attacker_model(answer) as attacker:
        settings.MODEL_URL, settings.MODEL_NAME = attacker.url, "scripted"
        with_model = run(capsys, *of_one(files), "--json")
    assert [line["by"] for line in with_model["summary"]] == ["model"]
    assert {key: with_model[key] for key in KEYS if key != "summary"} == {
        key: without[key] for key in KEYS if key != "summary"
    }


def test_a_model_that_is_down_leaves_the_summary_of_code(files, capsys, settings):
    settings.MODEL_URL, settings.MODEL_NAME = "http://127.0.0.1:1/v1", "away"
    assert {line["by"] for line in run(capsys, *of_one(files), "--json")["summary"]} == {"code"}


def test_money_that_no_word_tells_is_flagged():
    told = review(TEXT, [pays()], BOOK)
    assert "not_told" not in {flag.code for flag in told.flags}
    stolen = review("# Rename the newsletter\n\nIts new name is The Mandate Letter.", [pays(90_000, STRANGER)], BOOK)
    (flag,) = [flag for flag in stolen.flags if flag.code == "not_told"]
    assert (str(flag.severity), flag.effects) == ("danger", ("e1",))
    assert stolen.summary[0].id == "not_told"
    assert encode_call("transfer(address,uint256)", [STRANGER, 90_000 * 10**6])[:4] == stolen.effects[0].selector


def test_no_summary_quotes_words_that_the_card_beside_it_says_are_not_there():
    """Of all cases: where no sentence is said to mention an effect, the summary quotes none that names its receiver."""
    cases = json.loads((ROOT / "tests" / "agent" / "verdict_cases.json").read_text())
    book = Book.from_json(json.dumps({key: cases[key] for key in ("tokens", "names", "contracts")}))
    seen = 0
    for case in cases["cases"]:
        done = review(case["text"], given.read(json.dumps({"executableCalls": case["calls"]})).calls, book)
        quoted = [line.quote.lower() for line in done.summary if line.kind == "span"]
        for finding in done.verdict.findings:
            if finding.status == "not_told":
                seen += 1
                effect = next(one for one in done.effects if one.id == finding.effect)
                named = [checksum(effect.recipient).lower()] if effect.recipient else []
                assert not any(name in quote for name in named for quote in quoted), case["name"]
        if case["name"] == "paid twice":  # the one sentence tells the first payment: it can't be said to be absent
            assert untold(done.verdict) == {"e2"}
            assert "Moves money that no sentence of the text accounts for." in [flag.text for flag in done.flags]
            seen += 1
    assert seen >= 2
