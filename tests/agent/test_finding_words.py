# SPDX-License-Identifier: Apache-2.0
"""A finding in words: what is missing or other, in the reader's language, and true also of a code without words."""

import pytest

from agent.understanding import finding_words
from agent.understanding.finding_words import PARTS, as_json, sentence_of, shown
from agent.understanding.judging import Finding, Quote, Status
from tests import pseudo


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (Finding(Status.TOLD, "e1"), "The text names all of it."),
        (Finding(Status.NOT_TOLD, "e1", ("money",)), "No sentence of the text mentions it."),
        (Finding(Status.DIFFERS, "e1", ("amount", "recipient")),
         "The text says something else of this: the amount; the receiver."),
        (Finding(Status.DIFFERS, "e1", ("nobody knows",)), "The text says something else."),
        (Finding(Status.IN_PART, "e1", ("recipient_name",)),
         "The text speaks of it, but leaves this out: the receiver, by an address or a known name."),
        (Finding(Status.IN_PART, "e1", ("doubt_unheard_of",)),
         "The text speaks of it, but not in a way that code can compare whole."),
        (Finding(Status.IN_PART, "e1", ("not_mentioned",)),
         "No sentence of the text mentions it. It moves neither money nor power."),
        (Finding(Status.IN_PART, "e1", ("code_only",)), "The text has it only as code, not in words."),
        (Finding(Status.OPAQUE, "e1", ("opaque",)), "Nobody can tell from the call what it does."),
        (Finding(Status.OPAQUE, "e1", ("delegatecall",)),
         "It runs foreign code as the caller itself: nobody can tell what that does."),
        (Finding(Status.NOT_DONE, "", ("order",)), "The text orders this, and no call that can be read does it."),
        (Finding(Status.NOT_DONE, "", ("less_often",)), "The text orders this more often than the calls do it."),
    ],
)  # fmt: skip
def test_a_finding_says_what_is_missing_or_other(finding, text):
    assert sentence_of(finding).text == text


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("codes", [(), ("amount",), ("unheard of",), tuple(PARTS)])
def test_every_finding_is_stored_in_english_and_shown_in_the_readers_language(status, codes):
    with pseudo.spoken():
        stored = as_json(Finding(status, "e1", codes, Quote(3, 9, "We pay")))
        assert stored["text"] == finding_words.TABLE.of_json(stored["sentence"]).text
        assert shown(stored) != stored["text"]
    assert shown(stored) == stored["text"]
    assert stored["quote"] == {"start": 3, "end": 9, "text": "We pay"}


def test_a_finding_of_a_newer_version_is_shown_by_its_text():
    assert shown({"sentence": {"code": "newer", "values": {}}, "text": "As it was."}) == "As it was."
