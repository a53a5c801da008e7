# SPDX-License-Identifier: Apache-2.0
"""A damaged document is refused in clear lines, or read by everything that reads one; nothing else comes out.

`MANDATE_HOSTILE_CASES` sets how many of each kind are read (default 400). By command more are:
`python -m tests.policies.hostile_documents 200000`, and so `hostile_tables` and `hostile_trees`.
"""

import os
from collections import Counter

import pytest

from policies.document import fields, table_text, yaml_tree
from tests.policies import hostile_documents, hostile_tables, hostile_trees
from tests.policies.hostile_documents import TEMPLATES, answer, read, search

CASES = int(os.environ.get("MANDATE_HOSTILE_CASES", "400"))


def test_nothing_but_a_clear_answer_comes_out() -> None:
    assert {outcome for outcome, _ in search(CASES, read(TEMPLATES))} == {"read", "refused"}


def test_nothing_but_a_clear_answer_comes_out_of_tables_and_parameters() -> None:
    found = Counter(outcome for outcome, _ in hostile_tables.search(CASES))
    assert set(found) == {"read", "refused"}
    assert found["read"] > CASES // 20


def test_nothing_but_a_clear_answer_comes_out_of_damaged_trees() -> None:
    found = Counter(outcome for outcome, _ in hostile_trees.search(CASES, texts=read(TEMPLATES)))
    assert set(found) == {"read", "refused"}
    assert found["read"] > CASES // 50


def test_the_search_in_trees_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "seconds_or_none", lambda _: 1 // 0)
    assert any(outcome.startswith("ZeroDivision") for outcome, _ in hostile_trees.search(20, texts=read(TEMPLATES)))


@pytest.mark.parametrize("text", hostile_tables.TEXTS, ids=range(len(hostile_tables.TEXTS)))
def test_what_is_damaged_for_many_was_good_before(text: str) -> None:
    assert answer(text, sources=hostile_tables.whole_sources())


def test_the_search_in_tables_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_text, "MOST_CELL", "planted")
    assert any(outcome.startswith("TypeError") for outcome, _ in hostile_tables.search(50))


def test_what_takes_too_long_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile_documents, "SLOW_S", 0.0)
    assert {outcome for outcome, _ in search(3, read(TEMPLATES))} == {"slow"}


def test_the_search_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The errors of YAML's scanner, let through as another one."""
    monkeypatch.setattr(yaml_tree, "_too_large", lambda *_: ZeroDivisionError("planted"))
    assert any(outcome == "ZeroDivisionError: planted" for outcome, _ in search(5_000, read(TEMPLATES)))


def test_what_is_damaged_was_good_before() -> None:
    texts = read(TEMPLATES)
    assert len(texts) == 16
    assert all(answer(text) for text in texts)
