# SPDX-License-Identifier: Apache-2.0
"""Given a stored sentence about a proposal: what is shown of it, in whatever language, and from whatever version."""

import re

import pytest

from agent.llm import words as llm_words
from agent.understanding import flags as flags_module
from agent.understanding import ingest, words
from agent.understanding.effects import Book
from tests import pseudo

VALUES = {"amount": "5 USDC", "held": "9 USDC", "address": "0x1", "other": "0x2", "count": 3, "most": 20}


def test_the_stored_text_is_english_whatever_language_is_spoken():
    with pseudo.spoken():
        (flag, _) = flags_module.flags(ingest.read(""), [], Book({}, {}))
        stored = flag.as_json()
        assert stored["text"] == "The text has fewer than 20 letters."
        assert words.shown(stored["sentence"], stored["text"]) == pseudo.in_pseudo(stored["text"])


@pytest.mark.parametrize("code", words.SENTENCES)
def test_what_is_shown_is_what_was_stored(code):
    named = re.findall(r"{(\w+)}", words.SENTENCES[code])
    sentence = words.say(code, **{name: VALUES.get(name, 400) for name in named})
    assert "{" not in sentence.text
    assert words.shown(sentence.as_json(), "never shown") == sentence.text


@pytest.mark.parametrize("stored", [None, {}, {"code": "", "values": {}}, {"code": "legacy", "values": {}},
                                    {"code": "of a newer version", "values": {"a": 1}}])  # fmt: skip
def test_what_no_code_says_is_shown_as_it_was_written(stored):
    with pseudo.spoken():
        assert words.shown(stored, "As it was.") == "As it was."


def test_a_sentence_that_the_table_does_not_know_is_not_stored():
    with pytest.raises(KeyError):
        words.say("nonsense")


@pytest.mark.parametrize("code", [code for code in llm_words.SENTENCES if code.startswith("model_")])
def test_why_the_model_is_down_reads_the_same_beside_a_proposal(code):
    """A summary keeps code and values; its own table makes the sentence of them again."""
    named = re.findall(r"{(\w+)}", llm_words.SENTENCES[code])
    values = {"problem": llm_words.say("answer_constant", name="NaN"), "http_status": 503, "at": "10:00:00"}
    why = llm_words.say(code, **{name: values[name] for name in named})
    assert words.TABLE.read(why.as_json(), "never shown") == why
    with pseudo.spoken():
        assert words.shown(why.as_json(), "") != why.text
