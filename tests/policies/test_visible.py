# SPDX-License-Identifier: Apache-2.0
"""One rule for what people can see."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.notation.visible import Kind, hidden, is_hidden, is_plain_line, kind_of, one_line, visible, without_hidden
from tests.growth import grows_linearly

# Default_Ignorable_Code_Point of Unicode: a program may draw nothing for these.
IGNORABLE = [
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip


def test_whatever_unicode_lets_a_program_not_draw_is_hidden():
    assert [hex(c) for first, last in IGNORABLE for c in range(first, last + 1) if not is_hidden(chr(c))] == []


@pytest.mark.parametrize("character", "\0\x07\x1b\x7f\x85\r\u2028\u2029\ue000\ud800\ufff9\u2800\ufffc\U0001d159\u0378")
def test_what_acts_or_is_blank_or_drawn_by_nobody_is_hidden(character):
    assert is_hidden(character)
    assert visible(f"a{character}b") == f"a[U+{ord(character):04X}]b"


@pytest.mark.parametrize("character", " \n\t\u00a0\u3000a\u00e9\u4e2d\u0301\u0600\ufffd\U0001f680\U0001fae8<\u20ac")
def test_what_people_see_is_not_hidden(character):
    assert kind_of(character) is None
    assert visible(character) == character


@pytest.mark.parametrize(
    ("character", "kind"),
    [
        ("\u200b", Kind.ZERO_WIDTH), ("\ufe0f", Kind.ZERO_WIDTH), ("\u00ad", Kind.ZERO_WIDTH),
        ("\u202e", Kind.BIDIRECTIONAL), ("\u2066", Kind.BIDIRECTIONAL), ("\u061c", Kind.BIDIRECTIONAL),
        ("\U000e0041", Kind.TAG), ("\x1b", Kind.CONTROL), ("\ue000", Kind.CONTROL), ("\u2028", Kind.CONTROL),
    ],
)  # fmt: skip
def test_each_kind(character, kind):
    assert kind_of(character) is kind


@pytest.mark.parametrize(
    "text",
    ["Thanks 👩‍💻 and ❤️!", "❤️‍🔥 👩🏽‍🚀 1️⃣ ▶︎ ↔️", "می‌خواهم پرداخت کنم", "क्‍ष", "שָׁלוֹם", "Naïve café, 5 µg", "提案：資金"],
)
def test_joiners_and_styles_that_belong_to_a_spelling_are_left(text):
    assert visible(text) == text
    assert list(hidden(text)) == []


@pytest.mark.parametrize(
    "text",
    ["5\ufe0f000", "+\ufe0f", "a\u200db", "\u200dक", "ا\u200c\u200cب", "❤\ufe0f\ufe0f", "🏴\U000e0067", "x\ufe00",
     "\ufe0f"],
)  # fmt: skip
def test_joiners_and_styles_that_belong_to_nothing_are_shown(text):
    assert "[U+" in visible(text)
    assert any(True for _ in hidden(text))


@given(st.text(max_size=200))
def test_nothing_that_is_left_acts(text):
    shown = visible(text)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert not {unicodedata.category(c) for c in shown if c not in "\n\t"} & {"Cc", "Cs", "Co", "Zl", "Zp"}
    assert visible(shown) == shown
    assert "\n" not in one_line(text)


@given(st.text(max_size=200))
def test_what_is_left_without_hidden_characters_is_all_that_is_seen(text):
    left = without_hidden(text)
    places = {place for place, _ in hidden(text)}
    assert left == "".join(character for place, character in enumerate(text) if place not in places)


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [("a b", True), ("", True), ("a\nb", False), ("a\tb", False), ("a\u00a0b", False), ("a\u200bb", False),
     ("می‌خواهم", True), ("❤️", True)],
)  # fmt: skip
def test_a_plain_line(text, is_plain):
    assert is_plain_line(text) is is_plain


@given(st.text(max_size=100), st.integers(1, 60))
def test_a_line_has_a_limit(text, limit):
    assert len(one_line(text, limit)) <= limit


def test_it_is_linear():
    grows_linearly(lambda size: "\u200bab" * size, visible, 100_000)
    grows_linearly(lambda size: "a" * size, visible, 300_000)


def test_one_line_of_a_long_text_is_its_beginning():
    assert one_line("a" * 200) == "a" * 200
    assert one_line("a" * 201) == "a" * 199 + "…"
    assert one_line("\u202e" * 10**6, 20) == "[U+202E][U+202E][U+…"
    assert one_line("a" + " " * 10**6 + "b", 20) == "a…"
    assert one_line("a" + " " * 100 + "b", 20) == "a b"
