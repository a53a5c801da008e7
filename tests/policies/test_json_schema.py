# SPDX-License-Identifier: Apache-2.0
"""The exported schema takes every document that the reader takes, and marks what has a wrong shape."""

from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

from policies.code.document_model import Sources
from policies.code.encoding import decode, encode
from policies.document import document, json_schema
from policies.document.from_code import document_of
from policies.document.table_text import read_table
from policies.notation.problems import PolicyError
from tests.policies.hostile_documents import damaged
from tests.policies.hostile_tables import TEXTS, damaged_sources
from tests.policies.strategies import policies
from tests.policies.test_tables import HEAD, people

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
    """What an editor would mark, by a validator of JSON Schema that others keep."""
    return [str(error.message) for error in validator().iter_errors(value)]


@cache
def validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json_schema.document_schema())


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


CASES = sorted((Path(__file__).resolve().parents[3] / "shared" / "cases" / "policies").glob("*.yaml"))  # the workshop's


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_takes_the_cases_whose_shape_is_right(case: Path) -> None:
    """What is wrong with them is what they permit, which no schema sees."""
    assert marked(as_editors_see(case.read_text())) == []


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_takes_documents_that_are_written_for_many(text: str) -> None:
    assert marked(as_editors_see(text)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tables: {people: {file: people.csv}}", "tables: {}"),
        ("tables: {people: {file: people.csv}}", "tables: {people: people.csv}"),
        ("tables: {people: {file: people.csv}}", "tables: {people: {files: people.csv}}"),
        ("tables: {people: {file: people.csv}}", "parameters: {a-b: 1}"),
        ("tables: {people: {file: people.csv}}", "parameters: {a: [1]}"),
        ("limit: $amount", "limt: $amount"),
        ("limit: $amount USDC, ", ""),
        ("limit: $amount USDC", "limit: amount USDC"),
        ("{for each people: {$name: $address}}", "{for each people: x}"),
        ("for each: people,", "for each people: {colour: red},"),
        ("for each: people,", "for every: people,"),
        ("cooldown: 10 minutes", ""),
    ],
)
def test_marks_what_can_t_be_right_in_one_for_many(old: str, new: str) -> None:
    assert old in TEXTS[0]
    assert marked(as_editors_see(TEXTS[0])) == []
    text = TEXTS[0].replace(old, new)
    assert marked(as_editors_see(text)) != []
    with pytest.raises(PolicyError):
        document.load(text, sources=Sources(read_table=lambda _: read_table(people())))


def test_for_each_and_placeholders_are_marked_where_no_table_and_no_parameter_gives_them() -> None:
    for text in (TEXTS[0].replace("tables: {people: {file: people.csv}}\n", ""), HEAD.replace("5 %", "$share")):
        assert marked(as_editors_see(text)) != []


def test_takes_every_damaged_document_that_the_reader_still_takes() -> None:
    """Tables, parameters and text are damaged; what an editor reads as no text (`name: 5`) is left out."""
    random, taken = Random(14), 0
    texts = [*TEXTS, *(path.read_text() for path in TEMPLATES)]
    for number in range(400):
        text = TEXTS[number % len(TEXTS)] if number % 4 == 0 else damaged(random, texts)
        sources, _table = damaged_sources(random)
        try:
            document.load(text, sources=sources)
        except PolicyError:
            continue
        taken += 1
        assert marked(as_editors_see(text)) == [], text
    assert taken > 40
