# SPDX-License-Identifier: Apache-2.0
"""The cases of a wrong yes, and real proposals that a person has read effect by effect, against the verdict."""

import json
from collections import Counter
from pathlib import Path

import pytest

from agent.understanding import ingest
from agent.understanding.effects import Book, effects_of
from agent.understanding.judging import Outcome, judge
from tests.acceptance.test_understanding import ENS, proposals
from tests.agent.test_told import NAMED, case_book, case_calls, outcome

SHARED = Path(__file__).resolve().parents[3] / "shared" / "cases"
pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not (SHARED / "verdict.json").is_file(), reason="../shared/cases is not here"),
]


def test_every_shared_case_has_the_outcome_that_is_right():
    shared = json.loads((SHARED / "verdict.json").read_text())
    wrong = {}
    for case in shared["cases"]:
        wanted = [case["want"]] if isinstance(case["want"], str) else case["want"]
        found = outcome(case["text"], *case_calls(case), book=case_book(case, shared))
        if found not in {one for want in wanted for one in NAMED.get(want, (want,))}:
            wrong[case["name"]] = str(found)
    assert wrong == {}


@pytest.mark.skipif(not ENS.is_dir(), reason="../shared/data is not here")
def test_no_real_proposal_is_told_that_a_person_reads_as_not_told_or_differing():
    read = json.loads((SHARED / "honest26.json").read_text())
    book = Book.from_json(json.dumps(read["book"]))
    found = {
        name: judge(ingest.read(text), effects_of(calls, book), book).outcome
        for name, (text, calls) in proposals().items()
    }
    told = {name for name, outcome in found.items() if outcome is Outcome.TOLD}
    print(f"{len(told)} of {len(found)} real proposals are told:", dict(Counter(map(str, found.values()))))  # with -s
    assert told <= {name for name, each in read["proposals"].items() if each["outcome"] == "told"}
