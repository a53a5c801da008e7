# SPDX-License-Identifier: Apache-2.0
"""The cases of a wrong yes, and real proposals that a person has read effect by effect, against the verdict."""

import json
from collections import Counter
from pathlib import Path

import pytest

from agent.understanding import ingest, reader, verdict
from agent.understanding.effects import Book, effects_of
from agent.understanding.verdict import Outcome
from tests.acceptance.test_understanding import ENS, proposals
from tests.agent.test_told import MATCHING, case_book, case_calls, outcomes

SHARED = Path(__file__).resolve().parents[3] / "shared" / "cases"
pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not (SHARED / "verdict.json").is_file(), reason="../shared/cases is not here"),
]


def test_no_reader_can_make_a_shared_case_match_that_should_not():
    shared = json.loads((SHARED / "verdict.json").read_text())
    matching = {
        case["name"]
        for case in shared["cases"]
        if Outcome.MATCHES in outcomes(case["text"], case_calls(case), case_book(case, shared))
    }
    assert matching <= {case["name"] for case in shared["cases"] if case["want"] == "matches"}
    assert matching >= MATCHING


@pytest.mark.skipif(not ENS.is_dir(), reason="../shared/data is not here")
def test_no_real_proposal_matches_that_a_person_reads_as_not_told_or_differing():
    read = json.loads((SHARED / "honest26.json").read_text())
    book = Book.from_json(json.dumps(read["book"]))
    found = {}
    for name, (text, calls) in proposals().items():
        document, effects = ingest.read(text), effects_of(calls, book)
        typed = [(span, reader.type_in(span, book)) for span in document.spans]
        claims = [
            reader.claim(f"c{n}", kind, (span,), book) for n, (span, kind) in enumerate(typed) if kind is not None
        ]
        found[name] = verdict.judge(document, claims, effects, book).outcome
    matching = {name for name, outcome in found.items() if outcome is Outcome.MATCHES}
    print(f"{len(matching)} of {len(found)} real proposals match:", dict(Counter(map(str, found.values()))))  # with -s
    assert matching <= {name for name, each in read["proposals"].items() if each["outcome"] == "told"}
