# SPDX-License-Identifier: Apache-2.0
"""The mirror's sentences: what is stored beside them makes them again, and the code writes none of them by hand."""

import ast
import json
import re
import string
from pathlib import Path

import pytest

from governance import incidents
from governance.incidents import Kind
from governance.models import Chain, Dao, SyncIncident
from governance.sentences import LEGACY, Sentence, worded
from governance.words import PLAIN, SENTENCES, TABLE, said, say
from tests import pseudo

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = {
    "block": 7, "from_block": 7, "to_block": 9, "first_block": 7, "last_block": 9, "answered": 8, "logs": 3, "votes": 2,
    "proposals": 1, "pause_s": 300.0, "seconds": 15.0, "number": None, "count": 2, "log_index": 1,
}  # fmt: skip


def read(code, values, text):
    return TABLE.read({"code": code, "values": values}, text)


def example(code: str) -> Sentence:
    """The sentence with values for whatever it asks for."""

    class Filled(dict):
        def __missing__(self, name):
            self[name] = NUMBERS.get(name, f"<{name}>")
            return self[name]

    text, filled = SENTENCES[code], Filled()
    if callable(text):
        text(filled, str)
    else:
        for _, name, _, _ in string.Formatter().parse(text):
            if name:
                filled[name]
    return say(code, **filled)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_what_is_stored_makes_the_sentence_again(code):
    sentence = example(code)
    assert len(code) <= 40
    assert code != LEGACY
    stored = json.loads(json.dumps(sentence.values_json()))
    again = read(sentence.code, stored, str(sentence))
    assert (again, again.code, again.values_json()) == (sentence, code, stored)


@pytest.mark.parametrize("code", sorted({*SENTENCES} - {PLAIN}))
def test_a_page_says_it_in_the_readers_language(code):
    assert worded(example(code)) == str(example(code))  # in English
    with pseudo.spoken():
        shown = re.sub(r"<\w+>", "", worded(example(code)))
        assert str(example(code)) == str(read(code, example(code).values_json(), ""))  # what is stored stays English
    assert shown
    assert re.search("[A-Za-z]", shown) is None


def test_a_sentence_in_another_is_in_the_readers_language_too():
    why = say("logs_disproved", block=7, lacking=1, there=2, invented=0)
    with pseudo.spoken():
        shown = worded(say("false_answer", endpoint="//", pause_s=300.0, reason=why))
    assert "300" in shown
    assert re.search("[A-Za-z]", shown) is None


def test_a_sentence_in_another_is_stored_with_its_own_code():
    why = say("logs_disproved", block=7, lacking=1, there=2, invented=0)
    sentence = say("false_answer", endpoint="http://node", pause_s=300.0, reason=why)
    assert str(sentence).startswith("http://node is not asked for 300 s: its logs of block 7 lack 1 of 2")
    stored = json.loads(json.dumps(sentence.values_json()))
    assert stored["reason"]["code"] == "logs_disproved"
    assert read("false_answer", stored, "") == sentence
    assert read("false_answer", stored, "").values["reason"].code == "logs_disproved"


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("legacy", {}),
        ("of_a_newer_version", {"a": 1}),
        ("chain_parted_below_final", {}),
        ("false_answer", {"reason": {"code": "x"}}),
    ],
)
def test_what_is_not_understood_keeps_its_text(code, values):
    assert read(code, values, "As it was written.") == "As it was written."


def test_text_of_others_is_plain():
    assert said("{braces} of a node").code == PLAIN
    assert said("{braces} of a node") == "{braces} of a node"
    assert said(sentence := say("lagging")) is sentence


@pytest.mark.django_db
class TestIncidents:
    @pytest.fixture
    def dao(self):
        return Dao.objects.create(chain=Chain.objects.create(chain_id=77, name="made up"), slug="d", name="D")

    @pytest.mark.parametrize("raise_it", ["note", "note_once", "note_many", "word"])
    def test_each_way_to_raise_one_keeps_code_and_values(self, dao, raise_it):
        detail = say("chain_parted_below_final", block=7)
        if raise_it == "note_many":
            incidents.note_many(dao, Kind.DEEP_REORG, [{"detail": detail}])
        elif raise_it == "word":
            incident = incidents.note(dao, Kind.DEEP_REORG, detail="another one")
            incidents.word(incident, detail)
            incident.save()
        else:
            getattr(incidents, raise_it)(dao, Kind.DEEP_REORG, detail=detail)
        found = SyncIncident.objects.get()
        assert (found.detail, found.detail_code, found.detail_values) == (
            str(detail),
            "chain_parted_below_final",
            {"block": 7},
        )
        assert incidents.words_of(found) == detail

    def test_one_from_before_the_codes_reads_as_it_was_written(self, dao):
        found = SyncIncident.objects.create(dao=dao, kind="reorg", detail="The chain was another one.")
        assert found.detail_code == "legacy"
        assert incidents.words_of(found) == "The chain was another one."


def english_in(source: str) -> list[int]:
    """Lines that hand a text of their own to what keeps or raises sentences."""
    taken = {
        "Answered": 1,
        "RpcUnreachable": 0,
        "RpcLimited": 1,
        "Distrusted": 1,
        "distrust": 0,
        "note_disagreement": 1,
    }

    def is_text(node: ast.AST) -> bool:
        if isinstance(node, ast.BinOp):
            return is_text(node.left) or is_text(node.right)
        return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))

    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        place = taken.get(name)
        if place is not None and len(node.args) > place and is_text(node.args[place]):
            found.append(node.lineno)
        found += [node.lineno for keyword in node.keywords if keyword.arg == "detail" and is_text(keyword.value)]
    return found


def test_nobody_writes_such_a_sentence_by_hand():
    found = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "governance").rglob("*.py")
        if (lines := english_in(path.read_text()))
    }
    # Caught where it is raised, and never kept or shown.
    assert {name: len(lines) for name, lines in found.items()} == {"governance/policy_checks.py": 1}, found


def test_what_is_written_by_hand_is_found():
    for line in ('raise Answered(None, f"no {a}")', 'rpc.distrust("it lied")', 'note(dao, kind, detail="a" + b)'):
        assert english_in(line) == [1]
    assert english_in('raise Answered(None, say("lagging"))') == []
