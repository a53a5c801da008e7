# SPDX-License-Identifier: Apache-2.0
"""`fmt`: one form, the same document, no comment lost, and the form of the form is itself."""

import re
from pathlib import Path
from random import Random

import pytest

from policies.command import main
from policies.document import yaml_tree
from policies.document.formatting import formatted
from policies.document.yaml_tree import Frozen
from policies.notation.problems import PolicyError
from tests.policies.hostile_documents import TEMPLATES, damaged, read

MESSY = """\
# head
version:   1


name: {a:  1 ,b:   [1 ,2,
     3],   c:   "x, y"}   # of the name
rules:
- call:   f(address to)
  on:  x
  # inside
  where:
      to: {equals: "a"}
      summary: >
        folded
          more
-   - a
    - b\t
text: one
   two
# end
"""
TIDY = """\
# head
version: 1

name: {a: 1, b: [1, 2,
    3], c: "x, y"}        # of the name
rules:
  - call: f(address to)
    on: x
    # inside
    where:
      to: {equals: "a"}
      summary: >
        folded
          more
  - - a
    - b
text: one
   two
# end
"""


def comments(text: str) -> list[str]:
    return re.findall(r"(?:^|\s)(#.*?)\s*$", text, re.MULTILINE)


def test_one_form() -> None:
    assert formatted(MESSY.replace("\t", ""), "m") == TIDY
    assert formatted(TIDY, "m") == TIDY
    assert formatted(TIDY.replace("\n", "\r\n"), "m") == TIDY


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.glob("**/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_templates_have_it(path: Path) -> None:
    assert formatted(path.read_text(), path.name) == path.read_text()


def test_damaged_documents_stay_what_they_are_or_are_refused_in_a_line() -> None:
    """Whatever is formatted is the same document, with its comments, and formatting it again changes nothing."""
    random, texts, made = Random(7), read(TEMPLATES), 0
    for _ in range(150):
        text = damaged(random, texts)
        if len(text) > 20_000:
            continue
        try:
            tidy = formatted(text, "d")
        except PolicyError as error:
            assert len(error.problems) == 1  # noqa: PT017 either is right
            continue
        made += 1
        assert yaml_tree.as_json(yaml_tree.parse(tidy, "d"), Frozen()) == yaml_tree.as_json(
            yaml_tree.parse(text, "d"), Frozen()
        )
        assert comments(tidy) == comments(text)
        assert formatted(tidy, "d") == tidy
    assert made > 50


@pytest.mark.parametrize("text", ["? a\n: b\n", "a: 'x\n\n  y'\n", "a: |2\n    x\n", "a: [1,\n  # c\n  2]\n"])
def test_odd_ways_to_write_are_kept_or_refused(text: str) -> None:
    try:
        tidy = formatted(text, "t")
    except PolicyError as error:
        assert "formatting would change" in str(error)  # noqa: PT017 either is right
    else:
        assert yaml_tree.as_json(yaml_tree.parse(tidy, "t"), Frozen()) == yaml_tree.as_json(
            yaml_tree.parse(text, "t"), Frozen()
        )
        assert comments(tidy) == comments(text)


def test_the_command_prints_checks_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(MESSY.replace("\t", ""))
    assert main(["fmt", str(file)]) == 0
    assert capsys.readouterr().out == TIDY
    assert main(["fmt", "--check", str(file)]) == 1
    assert "is not in the one form; run fmt --write" in capsys.readouterr().err
    assert main(["fmt", "--write", str(file)]) == 0
    assert file.read_text() == TIDY
    assert main(["fmt", "--check", str(file)]) == 0
    file.write_text("a: [")
    assert main(["fmt", "--write", str(file)]) == 1
    assert file.read_text() == "a: ["
    assert main(["fmt", "--write", "-"]) == 2
