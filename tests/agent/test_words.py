# SPDX-License-Identifier: Apache-2.0
"""What is said of a request is kept as code and values beside its text, and worded in one module."""

import ast
import json
import re
from string import Formatter

import pytest
from django.utils import translation

from agent.acts.candidates import derive
from agent.acts.grammar import parse
from agent.acts.life import Status
from agent.acts.words import SENTENCES, TABLE, reason_of, say
from agent.models import AgentHalt, Plan, Refusal, Request
from governance.sentences import Sentence, worded
from governance.words import SENTENCES as MIRRORS
from tests import pseudo
from tests.agent.acting import ABSTAINS, World, work_errors, world  # noqa: F401
from tests.agent.test_requests import ETH, LINES, NOW, USDC
from tests.conftest import ROOT


def said_in_the_source() -> list[tuple[str, set[str]]]:
    """Each code that a file of agent/acts says outright, and the names of the values that it gives with it."""
    found = []
    for path in (ROOT / "agent" / "acts").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_say = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"
            if is_say and isinstance(node.args[0], ast.Constant):
                found.append((node.args[0].value, {word.arg or "" for word in node.keywords}))
    return found


def test_each_code_that_is_said_has_its_sentence_and_its_values():
    said = said_in_the_source()
    assert len(said) > 80
    for code, values in said:
        sentence = (SENTENCES if code in SENTENCES else MIRRORS)[code]
        if isinstance(sentence, str):
            wanted = {field.partition(":")[0] for _, field, _, _ in Formatter().parse(sentence) if field}
            assert wanted == values, code


def test_each_sentence_is_said_somewhere():
    sources = (
        "".join(path.read_text() for path in (ROOT / "agent" / "acts").glob("*.py") if path.name != "words.py")
        + (ROOT / "agent/acts/words.py").read_text().partition("SENTENCES: dict")[0]
    )
    assert [code for code in SENTENCES if f'"{code}"' not in sources] == []


def test_a_sentence_is_its_text_and_remembers_its_code_and_values():
    sentence = say("other_month", period="2026-03")
    assert sentence == "2026-03 is neither this month nor the last"
    assert sentence.as_json() == {"code": "other_month", "values": {"period": "2026-03"}}
    with pytest.raises(KeyError):
        say("nobody says this")
    with pytest.raises(KeyError):
        say("other_month")


HELD = {"code": "other_month", "values": {"period": "2"}}


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_page_says_it_in_the_readers_language(code: str) -> None:
    values = {"words": ["5"], "tokens": ["5"], "is_roster": False, "payments": 2, "period": "", "how": HELD,
              "totals": ["5"], "status": "5", "reasons": [], "because": [HELD], "count": 3, "signed_chain_s": 5,
              "word": {"choice": "5", "reason": "ambiguous"}, "reason": HELD, "why": HELD, "before": HELD,
              "kind": "holder", "may_ask": ["delegate"], "what": ["5"]}  # fmt: skip
    template = SENTENCES[code]
    if isinstance(template, str):
        values = {field.partition(":")[0]: "5" for _, field, _, _ in Formatter().parse(template) if field}
    else:
        plain = "piece attempts number error operator amount share pool block time"
        values |= dict.fromkeys(plain.split(), "5")
        values["word"] = "5" if code == "word_with_digits" else values["word"]
    sentence = say(code, **values)
    assert worded(sentence) == sentence
    with pseudo.spoken():
        assert re.search("[A-Za-z]", re.sub(r"<\w+>", "", worded(sentence))) is None
        assert say(code, **values) == sentence  # what is stored is English, whatever the reader speaks


def test_a_value_that_looks_like_a_place_for_one_stays_as_it_is():
    assert say("turned", word="{word}") == (
        'a request with "{word}" in it is not acted on: say plainly who is paid for which month'
    )


@pytest.mark.parametrize(
    "text",
    [
        "pay the contributors for November",
        "pay ines, jon and kim 900 USDC",
        "pay ines for November and lea 250 USDC",
        "pay the contributors handsomely in March 2026",
        "pay the contributors except max for 2026-11",
    ],
)
def test_what_is_kept_gives_the_same_words_again(text: str):
    for draft in derive(parse(text, LINES, [USDC, ETH], NOW), LINES, [USDC, ETH], frozenset(), NOW):
        for sentence in (draft.label, *draft.differences):
            assert TABLE.of_json(json.loads(json.dumps(sentence.as_json()))) == sentence


def test_a_row_older_than_the_codes_reads_as_legacy_with_its_text():
    for sentence in (
        TABLE.read({}, "in words of then"),
        TABLE.read({"code": "of a later version", "values": {}}, "in words of then"),
        TABLE.read({"code": "halted", "values": {"reason": {"code": "later", "values": {}}}}, "in words of then"),
        TABLE.read({"code": "bound", "values": {"act": 4}}, "in words of then"),
        TABLE.read({"code": "candidate", "values": {"period": None, "is_roster": False}}, "in words of then"),
        *TABLE.read_all([], ["in words of then"]),
        reason_of(Request(reason="in words of then")),
        reason_of(Request(reason="in words of then", reason_code="legacy")),
        reason_of(AgentHalt(reason="in words of then")),
    ):
        assert (sentence, sentence.code) == ("in words of then", "legacy")
        assert isinstance(sentence, Sentence)


@pytest.mark.django_db(transaction=True)
def test_every_text_that_is_stored_stands_beside_its_code(world: World) -> None:  # noqa: F811
    world.sign_roster()
    paid = world.rest(world.ask(world.november()))
    assert paid.status == Status.EXECUTED, (paid.reason, work_errors())
    world.wind(120)
    world.model.say = ABSTAINS
    world.rest(world.ask("pay ines, jon and kim 900 USDC"), 1)
    world.rest(world.ask("pay ines 100 USDC for books"), 1)
    world.rest(world.ask("pay ines 5,001 USDC as a bonus"), 1)
    world.rest(world.ask("do not pay ines"), 1)
    requests = list(Request.objects.all())
    assert {request.reason_code for request in requests} == {"paid", "because", "policy_refuses", "turned"}
    for request in requests:
        assert reason_of(request)[:400] == request.reason
        for candidate in request.candidates.all():
            assert TABLE.of_json(candidate.label_code)[:300] == candidate.label
            assert [TABLE.of_json(code) for code in candidate.difference_codes] == candidate.differences
    for plan in Plan.objects.all():
        assert [TABLE.of_json(code) for code in plan.approval_codes] == plan.needs_approval
    refusal = Refusal.objects.get()
    assert TABLE.of_json(refusal.label_code) == refusal.label
    assert refusal.module_code
    assert refusal.module_says.startswith(refusal.module_code)


def test_a_swaps_minimum_is_said_with_the_numbers_of_the_language():
    said = say(
        "least_from_quote", amount=f"1,234.5 USDC (0x{'12' * 20})", share="0.50", pool="0x" + "34" * 20, block="7",
        time="2026-11-30 12:00",
    )  # fmt: skip
    assert f"1,234.5 USDC (0x{'12' * 20}): 0.50 % below" in said
    with translation.override("de"):
        assert f"1.234,5 USDC (0x{'12' * 20}): 0,50 % unter" in worded(said)


def test_reasons_in_the_words_of_policies_are_said_to_be_english_in_another_language():
    said = say("policy_refuses", reasons=[{"text": "Call 1: {x}."}, {"text": "The act has no calls."}])
    assert said == "Call 1: {x}. The act has no calls."
    with translation.override("de"):
        assert worded(said) == "die Gründe, auf Englisch: Call 1: {x}. The act has no calls."
