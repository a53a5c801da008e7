# SPDX-License-Identifier: Apache-2.0
"""Sentences that people read are ones that somebody would say aloud: none has a phrase of the list.

Looked at are all templates, all strings of the pages' TypeScript, and every string literal of the product that is no
docstring: whatever becomes an error, a flag, a mail or a line of output begins as one.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("policies", "embedded", "governance", "agent", "replay", "presentation", "webapp", "dao")

# Each with what to write in its place.
BANNED = {
    r"\b(?:is|are|was|were|be|been|being|isn't|aren't|wasn't|weren't) told\b(?! to\b)": "say who says what to whom",
    r"\b(?<!a )(?<!take a )stands?\b(?! for\b|-ins?\b)": "is",  # a stand-in is a noun
    r"\bwho has not\b": "somebody without",
    r"\bwhat is so\b": "the truth",
    r"\bof late\b": "recently",
    r"\bso many (?:days|hours|blocks|calls|times)\b": "how many, or too many",
    r"\bheld against\b": "checked against",
    r"\bcaught\b(?! up\b)": "gave a false answer",
    r"\bso nobody can say\b": "so this can't be checked",
    r"\bthat are many\b": "too many",
    r"\ball it does\b": "the limit is reached",
    r"\bone that does\b": "name it",
    r"\bthe mirror (?:met|had it)\b": "sync incidents; as of block",
    r"\bhides\b.*\bthat no page shows\b": "the page shows it: say what other sites do",
}  # fmt: skip
# What may have them, and why.
EXEMPT = {
    "agent/understanding/doubts.py": "patterns of words that texts of others hold",
    "agent/understanding/gate/reasons.py": "patterns of words that texts of others hold",
    "dao/local/demo.py": "proposals that the demo's members wrote",
}


def in_python(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each string literal that is no docstring; of an f-string the parts, a gap between them."""
    tree = ast.parse(path.read_text())
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inner.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "X" for part in node.values]
            inner |= {id(part) for part in node.values}
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, node.value


def in_template(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text between tags, in tags' attributes, and in what is translated."""
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    text = re.sub(r"\{% translate (?:\"([^\"]*)\"|'([^']*)') %\}", lambda found: found[1] or found[2], text)
    for number, line in enumerate(text.split("\n"), 1):
        for quoted in re.findall(r"\b_\(\"([^\"]*)\"\)", line):
            yield number, quoted
    for number, line in enumerate(re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "X", text).split("\n"), 1):
        for piece in re.split(r"</?[a-z][^>]*?\s(?=\w+=)|<[^>]*>|\"", line):
            yield number, piece


def in_typescript(path: Path) -> Iterator[tuple[int, str]]:
    text = re.sub(
        r"/\*.*?\*/|(?m:^\s*//[^\n]*$)", lambda found: "\n" * found[0].count("\n"), path.read_text(), flags=re.DOTALL
    )
    for number, line in enumerate(text.split("\n"), 1):
        for quoted in re.findall(r"\"[^\"\n]*\"|`[^`\n]*`", line):
            yield number, re.sub(r"\$\{[^}]*\}", "X", quoted)


def strings() -> Iterator[tuple[str, int, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if name in EXEMPT or {"node_modules", "migrations", "static", "__pycache__"} & set(path.parts):
                continue
            if path.suffix == ".py":
                found = in_python(path)
            elif "templates" in path.parts and path.suffix in (".html", ".txt"):
                found = in_template(path)
            elif path.suffix == ".ts":
                found = in_typescript(path)
            else:
                continue
            yield from ((name, line, text) for line, text in found if " " in text)


def is_banned(text: str) -> str | None:
    line = " ".join(text.split())
    return next((instead for phrase, instead in BANNED.items() if re.search(phrase, line, re.IGNORECASE)), None)


def test_no_sentence_has_a_phrase_that_nobody_says():
    found = [(*where, text, instead) for *where, text in strings() if (instead := is_banned(text)) is not None]
    assert found == []


def test_sentences_are_found_where_they_are_written():
    seen = {text for _, _, text in strings()}
    for sentence in (
        "Too many requests. Try again in an hour.",  # an error of the API
        "The text says something else than the calls do",  # a page's word for a code
        "The text has control characters ({count}). Mandate shows each by its number.",  # a flag
        "list which kill switches are on, and why",
    ):  # a command's help
        assert sentence in seen
    pages = " ".join(text for name, _, text in strings() if name.endswith((".html", ".txt", ".ts")))
    for words in ("Sync incidents", "As of block", "Nothing was sent."):
        assert words in pages


@pytest.mark.parametrize(
    "text",
    ["Not every call is told in the text that was read", "No other: all stand above.", "Held against the chain",
     "that are many requests; wait an hour", "the sign-in message never expires; one that does is asked for",
     "the relayer has done all it does in a day; vote by transaction, or tomorrow", "What the mirror met",
     "Some calls can't be decoded, so nobody can say", "The text hides comments that no page shows",
     "Every endpoint left was caught answering what is not so."],
)  # fmt: skip
def test_sentences_that_were_riddles_are_banned(text):
    assert is_banned(text) is not None


@pytest.mark.parametrize("text", ["Several members told us.", "an address it stands for", "rent a stand", "caught up"])
def test_plain_words_are_not_banned(text):
    assert is_banned(text) is None
