# SPDX-License-Identifier: Apache-2.0
"""Each language is complete: every sentence of code and templates, in every plural, with the same values and marks."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.utils import translation

from dao.local import languages
from governance.numbers import grouped, in_language
from policies.notation.amounts import units
from tests.conftest import ROOT

FILES = sorted(languages.SOURCES.glob("*.po"))
# Values of both ways to put them in, with their formats; marks of HTML; what a reader types or looks up as it is.
_KEPT = re.compile(
    r"%\(\w+\)[sd]|%%|\{\w*(?:[:!][^{}]*)?\}|</?\w[^<>]*>|&\w+;|`[^`]+`|https?://[\w.]+|\b0x\w*"
    r"|\b[A-Z]+(?:_[A-Z]+)+\b|\bmanage\.py [\w-]+|\beth_\w+|\bEIP-\d+|\bERC-\d+"
)
_DATES = "date format"


def of(message: Message) -> list[tuple[str, str]]:
    """A message's forms, each with its translation; a plural's first may name its number or not."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return list(zip(message.id, message.string, strict=True))


def wrong_with(message: Message) -> list[str]:
    """What is missing or lost in a translation."""
    found = []
    for english, translated in of(message):
        if not translated.strip():
            found.append(f"not translated: {english}")
        elif Counter(_KEPT.findall(english)) != Counter(_KEPT.findall(translated)):
            found.append(f"other values or marks: {english} -> {translated}")
        elif message.context != _DATES and (
            english[:1].isspace() != translated[:1].isspace() or english.count("\n") != translated.count("\n")
        ):
            found.append(f"other lines: {english}")
    return found


@pytest.fixture(scope="module")
def sentences() -> Catalog:
    return languages.gathered()


def keys(catalog: Catalog) -> set[tuple[str | None, object]]:
    return {(message.context, message.id) for message in catalog if message.id}


def test_there_is_a_second_language():
    assert [path.stem for path in FILES] == ["de"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_language_has_every_sentence_and_no_other(path: Path, sentences: Catalog):
    """If this fails: `.venv/bin/python -m dao.local.languages --gather`, then translate what came in empty."""
    catalog = languages.read(path)
    assert len(keys(sentences)) > 2000
    assert keys(catalog) ^ keys(sentences) == set()
    assert not catalog.obsolete
    assert [message.id for message in catalog if message.id and message.fuzzy] == []
    assert [problem for message in catalog if message.id for problem in wrong_with(message)] == []
    assert catalog.num_plurals == 2
    assert {len(message.string) for message in catalog if not isinstance(message.id, str)} == {catalog.num_plurals}


@pytest.mark.parametrize(
    ("english", "translated"),
    [
        ("By %(who)s", "Von %(wer)s"),
        ("By %(who)s", "Von jemandem"),
        ("By {who:.30}", "Von {who}"),
        ("<b>By</b>", "Von"),
        ("Run `manage.py check_model`", "Führen Sie es aus"),
        ("By hand", ""),
        ("One\n\nTwo", "Eins Zwei"),
        (("%(n)s vote", "%(n)s votes"), ("%(n)s Stimme", "")),
        (("%(n)s vote", "%(n)s votes"), ("%(n)s Stimme", "Stimmen")),
    ],
)
def test_what_is_missing_or_lost_is_found(english, translated):
    assert wrong_with(Message(english, translated)) != []


def test_sentences_are_gathered_from_code_and_templates_but_not_of_the_command_line(sentences: Catalog):
    assert sentences.get("Skip to the content") is not None
    assert sentences.get("the request is empty") is not None
    assert sentences.get("tried at block {block:,}: not all calls would go through") is None


def test_what_is_compiled_is_what_is_written(tmp_path, monkeypatch):
    (tmp_path / "de.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Home"\nmsgstr "Start"\n'
    )
    monkeypatch.setattr(languages, "SOURCES", tmp_path)
    monkeypatch.setattr(languages, "COMPILED", tmp_path / "made")
    languages.compile_all()
    assert b"Start" in (tmp_path / "made" / "de" / "LC_MESSAGES" / "django.mo").read_bytes()
    languages.gather()
    with (tmp_path / "de.po").open("rb") as source:
        gathered = read_po(source)
    assert gathered.get("Home").string == "Start"
    assert gathered.get("Skip to the content").string == ""


def test_two_that_compile_at_once_each_write_whole_files(tmp_path, monkeypatch):
    """As two test runs in one checkout do: the second begins and ends while the first writes."""
    (tmp_path / "de.po").write_bytes((languages.SOURCES / "de.po").read_bytes())
    made = tmp_path / "made"
    monkeypatch.setattr(languages, "SOURCES", tmp_path)
    monkeypatch.setattr(languages, "COMPILED", made)
    write, seen = languages.write_mo, []

    def slowly(target, catalog):
        target.write(b"half")
        target.flush()
        another = (
            "import sys; from pathlib import Path; from dao.local import languages as one; "
            "one.SOURCES, one.COMPILED = map(Path, sys.argv[1:]); one.compile_all()"
        )
        subprocess.run([sys.executable, "-c", another, str(tmp_path), str(made)], check=True, cwd=ROOT)
        seen.append((made / "de" / "LC_MESSAGES" / "django.mo").read_bytes())
        target.seek(0)
        write(target, catalog)

    monkeypatch.setattr(languages, "write_mo", slowly)
    languages.compile_all()
    folder = made / "de" / "LC_MESSAGES"
    assert seen == [(folder / "django.mo").read_bytes()]
    assert [path.name for path in folder.iterdir()] == ["django.mo"]


def test_numbers_are_written_as_the_language_writes_them():
    """1,000 is one with three decimals to who reads German."""
    assert grouped(1_234_567) == "1,234,567"
    with translation.override("de"):
        assert grouped(1_234_567) == "1.234.567"
        assert in_language(units(1_234_567_890, 6)) == "1.234,56789"
        assert grouped(1_234, str) == "1,234"
