# SPDX-License-Identifier: Apache-2.0
"""What a model may answer about candidates: a yes with a reason against it can't be said, and is a no where it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import choice
from agent.llm import answer_schema as json_schema

KEYS = ["c1", "c2"]
APART = {"properties": {"choice": {}, "reason": {}}}  # as the format before asked
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([*KEYS, "abstain", *choice.REFUSING]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["choice", "reason", "x"]), inner),
    max_leaves=6,
)


@given(JSON)
def test_only_a_candidates_key_alone_agrees(parsed: Any) -> None:
    word = choice.read(parsed, KEYS)
    for key in KEYS:
        assert word.agrees_to(key) == (parsed == {"choice": key})


@given(JSON)
def test_what_the_schema_permits_is_what_is_read(parsed: Any) -> None:
    assert (choice.read(parsed, KEYS) != choice.NO_WORD) == (not json_schema.problems(parsed, choice.schema(KEYS)))


@given(JSON)
def test_of_the_format_before_only_a_matching_reason_agrees(parsed: Any) -> None:
    word = choice.read_apart(parsed, KEYS)
    for key in KEYS:
        assert word.agrees_to(key) == (parsed == {"choice": key, "reason": "matches_request"})


def test_the_schema_leaves_no_other_choice_and_is_flat() -> None:
    schema = choice.schema(["c1"])
    assert schema["properties"] == {
        "choice": {
            "type": "string",
            "enum": ["c1", "abstain: ambiguous", "abstain: not_what_was_asked", "abstain: suspicious"],
        }
    }
    assert schema["additionalProperties"] is False


def test_llama_cpp_makes_a_grammar_of_the_schema_that_holds_no_contradiction() -> None:
    xllamacpp = pytest.importorskip("xllamacpp", reason="the embedded model server is not installed")
    grammar = xllamacpp.json_schema_to_grammar(json.dumps(choice.schema(KEYS)))
    assert "c1" in grammar
    assert "abstain: suspicious" in grammar
    assert "reason" not in grammar


@pytest.mark.parametrize("text", ["", "{", "c1", "[" * 10_000, '{"choice": "c1", "choice": "c2"}', "null", "NaN"])
@pytest.mark.parametrize("asked_in", [choice.schema(KEYS), APART, {}])
def test_text_that_is_no_answer_is_no_word(text: str, asked_in: dict[str, Any]) -> None:
    assert choice.read_text(text, KEYS, asked_in) == choice.NO_WORD


def test_an_answer_counts_only_in_the_format_that_was_asked_for() -> None:
    old, new = json.dumps({"choice": "c1", "reason": "matches_request"}), json.dumps({"choice": "c1"})
    assert choice.read_text(old, KEYS, APART).agrees_to("c1")
    assert choice.read_text(new, KEYS, choice.schema(KEYS)).agrees_to("c1")
    assert choice.read_text(new, KEYS, APART) == choice.NO_WORD
    assert choice.read_text(old, KEYS, choice.schema(KEYS)) == choice.NO_WORD


@pytest.mark.parametrize("reason", choice.REFUSING)
def test_a_refusing_reason_is_said_in_words_and_counts_as_no(reason: str) -> None:
    word = choice.read_apart({"choice": "c1", "reason": reason}, KEYS)
    assert not word.agrees_to("c1")
    assert "counts as no" in choice.in_words(word)
    assert "this is what was asked" not in choice.in_words(word)
