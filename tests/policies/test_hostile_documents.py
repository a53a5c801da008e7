# SPDX-License-Identifier: Apache-2.0
"""A damaged document is refused in clear lines, or read by everything that reads one; nothing else comes out.

`MANDATE_HOSTILE_CASES` sets how many are read (default 400); `python -m tests.policies.hostile_documents 200000` reads
more of them by command.
"""

import os

import pytest

from policies.document import yaml_tree
from tests.policies.hostile_documents import TEMPLATES, answer, read, search

CASES = int(os.environ.get("MANDATE_HOSTILE_CASES", "400"))


def test_nothing_but_a_clear_answer_comes_out() -> None:
    assert {outcome for outcome, _ in search(CASES, read(TEMPLATES))} == {"read", "refused"}


def test_the_search_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The errors of YAML's scanner, let through as another one."""
    monkeypatch.setattr(yaml_tree, "_too_large", lambda *_: ZeroDivisionError("planted"))
    assert any(outcome == "ZeroDivisionError: planted" for outcome, _ in search(5_000, read(TEMPLATES)))


def test_what_is_damaged_was_good_before() -> None:
    texts = read(TEMPLATES)
    assert len(texts) == 16
    assert all(answer(text) for text in texts)
