# SPDX-License-Identifier: Apache-2.0
"""The exported schema takes every document that the reader takes, and marks what has a wrong shape."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

from agent.llm.answer_schema import problems
from policies.code.encoding import decode, encode
from policies.document import document, json_schema
from policies.document.from_code import document_of
from policies.notation.problems import PolicyError
from tests.policies.strategies import policies

TEMPLATES = sorted((Path(__file__).resolve().parents[2] / "policies" / "templates").glob("*.yaml"))


class _Core(SafeConstructor):
    """YAML 1.2's core schema, which editors' language servers read: a time is text there."""


_Core.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def as_editors_see(text: str) -> Any:
    """YAML with types, as an editor's language server reads it."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Core
    return yaml.load(text)


def marked(value: Any) -> list[str]:
    schema = json_schema.document_schema()
    del schema["$schema"]
    return problems(value, schema)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_takes_the_templates(template: Path) -> None:
    assert marked(as_editors_see(template.read_text())) == []


def test_takes_times_that_stand_without_quotes() -> None:
    times = as_editors_see("{from: 2033-05-18T03:33:20Z, until: 2033-05-18T04:00:00Z}")
    text = TEMPLATES[0].read_text()
    assert marked({**as_editors_see(text), "valid": times}) == []


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies(), st.data())
def test_takes_whatever_the_reader_takes(policy, data: st.DataObject) -> None:
    """Documents are generated from generated codes; one key is then dropped or renamed, or nothing is."""
    text = document_of(policy)
    tree = as_editors_see(text)
    tree.pop("found hash", None)
    lines = [line for line in text.splitlines() if not line.startswith("found hash")]
    broken = data.draw(st.sampled_from(["nothing", "cooldown", "valid", "rules", "agent"]))
    if broken != "nothing":
        tree[broken + "s"] = tree.pop(broken)
        lines = [line.replace(f"{broken}:", f"{broken}s:", 1) if line.startswith(broken) else line for line in lines]
    readable = _readable("\n".join(lines) + "\n")
    if broken != "nothing":
        assert not readable
        assert marked(tree) != []
    elif readable:
        assert marked(tree) == []


def _readable(text: str) -> bool:
    try:
        decode(encode(document.load(text)))
    except PolicyError:
        return False
    return True


def payroll(**changes: Any) -> Any:
    tree = as_editors_see(next(path for path in TEMPLATES if path.stem == "payroll").read_text())
    return {**tree, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"name": "-"},
        {"more": 1},
        {"cooldown": "soon"},
        {"valid": {"from": "2026-01-01T00:00Z"}},
        {"objection": {"delay": "2 days", "release within": "2 days", "threshold": "5"}},
        {"tokens": {"USDC": {"address": "0x", "decimals": 99}}},
        {"lists": {"people": []}},
        {"budgets": {"pay": {"limit": 12000, "period": "24 days", "without objection": "1 USDC"}}},
        {"budgets": {"pay": {"limit": "1 USDC", "period": "1 month", "without objection": "1 USDC"}}},
        {"rules": []},
        {"rules": [{"call": "f()", "on": "USDC", "charges": "all"}]},
        {"rules": [{"call": "f()", "on": "USDC", "where": {"to": {"below": 1}}}]},
        {"rules": [{"send": "USDC", "to": "ines"}]},
        {"rules": [{"call": "f()", "on": "USDC", "income": {"pay": "more"}}]},
    ],
)
def test_marks_what_can_t_be_right(changes: dict[str, Any]) -> None:
    assert marked(payroll()) == []
    assert marked(payroll(**changes)) != []


def test_a_period_may_be_the_whole_policy() -> None:
    budget = {"limit": "1 USDC", "without objection": "1 USDC"}
    assert marked(payroll(budgets={"pay": {**budget, "period": "whole policy"}})) == []
    assert marked(payroll(budgets={"pay": {**budget, "period": "whole year"}})) != []


def test_a_key_that_only_one_side_knows_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_schema, "BUDGET_KEYS", json_schema.BUDGET_KEYS + "|colour?")
    with pytest.raises(AssertionError, match="colour"):
        json_schema.document_schema()
