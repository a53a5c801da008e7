# SPDX-License-Identifier: Apache-2.0
"""The sentences that the wallet's script shows lie in one module, so that another language is one more object there."""

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "webapp" / "wallet" / "src"
# What contracts, standards and style sheets call something.
NO_SENTENCE = re.compile(
    r"(?:function|error) \w+\(.*|status (?:small|small bad|X)|small quiet|(?:second )?slim"
    r"|\.vote .*|form#vote, form#request"  # selectors
    r"|X wants you to sign in with your Ethereum account:"  # EIP-4361
    r"|(?:URI|Version|Chain ID|Nonce|Issued At|Expiration Time): (?:X|1)"
)


def sentences(text: str) -> list[str]:
    """String literals with a space between two words; values in templates as X."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", re.sub(r"https?://", "", text), flags=re.DOTALL)
    literals = re.findall(r"\"([^\"\n]*)\"|`([^`]*)`", code)
    found = [re.sub(r"\$\{[^}]*\}", "X", plain or template) for plain, template in literals]
    return [text for text in found if re.search(r"[A-Za-z]{2,}\W* \W*\w", text) and not NO_SENTENCE.fullmatch(text)]


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.ts")), ids=lambda path: path.name)
def test_only_words_has_sentences(path):
    found = sentences(path.read_text())
    assert (len(found) > 50) if path.name in ("words.ts", "german.ts") else (found == [])


def test_sentences_are_found():
    code = 'tell("Nothing was sent."); `Mined in block ${block}.`; // "no sentence"\nelement("p", "status small")'
    assert sentences(code) == ["Nothing was sent.", "Mined in block X."]


def values_by_name(text: str) -> dict[str, set[str]]:
    """What each sentence of a language puts in, by the sentence's name."""
    whole = text.partition("= {")[2].partition("\n};")[0]
    entries = re.split(r"^ +(?=\[?-?\w+\]?:(?: |$))", whole, flags=re.MULTILINE)
    return {entry.partition(":")[0]: set(re.findall(r"\$\{(\w+)\}", entry)) for entry in entries[1:]}


def test_german_puts_the_same_values_into_each_sentence():
    english, german = (values_by_name((SOURCES / name).read_text()) for name in ("words.ts", "german.ts"))
    assert len(english) > 90
    assert english == german
