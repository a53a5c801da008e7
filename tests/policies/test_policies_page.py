# SPDX-License-Identifier: Apache-2.0
"""docs/policies.md: every command on it gives what the page shows, every refusal is what the reader says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from policies.document import document
from policies.document.budget_reading import BUDGET_KEYS
from policies.document.clause_reading import KINDS
from policies.document.document import POLICY_KEYS
from policies.document.rule_reading import CALL_KEYS, SEND_KEYS
from policies.notation.problems import PolicyError

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "policies.md").read_text()
TEMPLATES = ROOT / "policies" / "templates"
# Sentences are the explainer's own, and its tests hold them; here their figures must be those of the page.
SENTENCES = ("policy explain", "policy diff", "policy backtest")
FIGURES = re.compile(r"[0-9][0-9,.]* (?:v?USDC|WETH|days|minutes)")


def shown() -> list[tuple[str, str]]:
    """Each command of the page with the output that is shown below it."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output.rstrip("\n")))
    return found


def rows() -> list[tuple[str, str, str, str]]:
    """Template, what is replaced, by what (empty: the line is left out), and what is said."""
    row = re.compile(r"^\| ([a-z]+) \| `(.+?)` \| (?:`(.+?)`|nothing) \| (.+) \|$", re.MULTILINE)
    return [match.groups(default="") for match in row.finditer(PAGE)]  # type: ignore[misc]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The templates and the page's history, side by side."""
    made = tmp_path_factory.mktemp("page")
    for template in TEMPLATES.glob("*.yaml"):
        shutil.copy(template, made)
    history = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert history is not None
    (made / "history.csv").write_text(history[1])
    return made


def test_the_commands_give_what_is_shown(folder: Path) -> None:
    commands = shown()
    assert len(commands) > 10
    manage = f"{sys.executable} {ROOT / 'manage.py'} policy"
    module = f"PYTHONPATH={ROOT} {sys.executable} -m policies"
    for command, output in commands:
        real = command.replace("manage.py policy", manage).replace("python -m policies", module) + " 2>&1"
        done = subprocess.run(
            ["bash", "-c", real], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
        if any(sentence in command for sentence in SENTENCES):
            assert set(FIGURES.findall(output)) <= set(FIGURES.findall(done.stdout)), command
        else:
            assert done.stdout.rstrip("\n") == output, command


def test_there_are_enough_refusals() -> None:
    assert len(rows()) > 50


@pytest.mark.parametrize(("template", "old", "new", "said"), rows())
def test_a_refusal_is_what_the_page_says(template: str, old: str, new: str, said: str) -> None:
    text = (TEMPLATES / f"{template}.yaml").read_text()
    assert old in text
    changed = text.replace(old, new, 1) if new else "".join(
        line for line in text.splitlines(keepends=True) if line.strip() != old
    )  # fmt: skip
    try:
        problems = document.load(changed).warnings
    except PolicyError as error:
        problems = error.problems
    assert said in [f"{problem.problem}; {problem.suggestion}" for problem in problems]


@pytest.mark.parametrize("keys", [POLICY_KEYS, BUDGET_KEYS, CALL_KEYS, SEND_KEYS, "|".join(KINDS)])
def test_every_key_of_the_document_is_on_the_page(keys: str) -> None:
    only_on_chain = {"found hash", "name in the code"}
    known = {key.strip("?") for key in keys.split("|")} - only_on_chain
    assert {key for key in known if f"`{key}`" not in PAGE and f"{key}:" not in PAGE} == set()


def test_every_template_is_on_the_page() -> None:
    assert {path.name for path in TEMPLATES.glob("*.yaml") if f"`{path.name}`" not in PAGE} == set()
