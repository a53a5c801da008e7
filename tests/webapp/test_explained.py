# SPDX-License-Identifier: Apache-2.0
"""A policy is explained once for the same code, names and tokens, and anew where one of them is another."""

from dataclasses import replace
from pathlib import Path

import pytest

import policies
from policies.code.encoding import decode, encode
from policies.document.document import load
from policies.words.explanation import explanation
from presentation import explained

DOCUMENT = load((Path(policies.__file__).parent / "templates" / "payroll.yaml").read_text())
CODE = decode(encode(DOCUMENT))
NAMES = {address: name for name, address in DOCUMENT.addresses}
TOKENS = {token.address: token for token in DOCUMENT.tokens}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was explained, not found among what was kept."""
    asked: list[object] = []
    monkeypatch.setattr(explained, "explanation", lambda *given: asked.append(given) or explanation(*given))
    monkeypatch.setattr(explained, "_kept", type(explained._kept)())
    return asked


def test_the_same_is_explained_once(made: list[object]) -> None:
    first = explained.explained(CODE, NAMES, TOKENS)
    assert first == explanation(CODE, NAMES, TOKENS)
    assert explained.explained(decode(encode(DOCUMENT)), dict(reversed(NAMES.items())), dict(TOKENS)) is first
    assert len(made) == 1


def test_another_name_token_or_code_is_explained_anew(made: list[object]) -> None:
    explained.explained(CODE, NAMES, TOKENS)
    (token,) = TOKENS.values()
    others = [
        (replace(CODE, end_s=CODE.end_s + 3_600), NAMES, TOKENS),
        (CODE, {**NAMES, DOCUMENT.addresses[0][1]: "mallory"}, TOKENS),
        (CODE, NAMES, {token.address: replace(token, decimals=18)}),
    ]
    for number, other in enumerate(others, 2):
        assert explained.explained(*other) == explanation(*other)
        assert len(made) == number


def test_only_so_many_are_kept(made: list[object]) -> None:
    for number in range(explained.MOST_KEPT + 2):
        explained.explained(replace(CODE, end_s=CODE.end_s + 3_600 * number), NAMES, TOKENS)
    assert len(explained._kept) == explained.MOST_KEPT
    explained.explained(CODE, NAMES, TOKENS)
    assert len(made) == explained.MOST_KEPT + 3
