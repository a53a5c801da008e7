# SPDX-License-Identifier: Apache-2.0
"""A proposal always has a name that can be read and followed, whatever its text is."""

import re

import pytest

from presentation.dao_view import DaoView
from presentation.titles import short_number, title_of
from tests.growth import grows_linearly
from webapp.mail import digest

NUMBER = 105971234567890123456789012345678901234567890123456789012345678901234567898770
UNTITLED = "Untitled proposal 1059...8770"
NOTHING_TO_READ = [
    "", " ", "\n\n", " \t\r\n\u00a0\u3000", "\u200b\u200e\u2060", "\x00\x01\x7f", "\u3164\u115f", "\u00ad", "\ufe0f",
    "\u2800", "\ufffd\ufffd", "---", "***", "===", "___\n\n---", "#", "# \n##", ">", "- ", "* *", "1.", "```\n```",
    "<!-- draft -->", "<!-- two\nlines -->\n", "<!-- never closed\n# Title", "<b></b>", "<br>", "<img src='x' alt='y'>",
    "<!doctype html>", "![logo](https://evil.test/x.png)", "[![badge](a)](b)", "[](https://evil.test)",
    "[ref]: https://evil.test", "&nbsp;", "&#8203;&zwnj;", "\\", "!?", "$$", "~~~", "\u0301", "\ue000", "| | |\n|-|-|",
]  # fmt: skip


@pytest.mark.parametrize("text", NOTHING_TO_READ, ids=repr)
def test_a_text_that_shows_nothing_is_named_by_its_number(text):
    assert title_of(text, NUMBER) == UNTITLED


@pytest.mark.parametrize("text", [text for text in NOTHING_TO_READ if "closed" not in text], ids=repr)
def test_the_first_line_that_shows_something_is_the_title(text):
    assert title_of(f"{text}\n\nPay ines\n\nAnd more.", NUMBER) == "Pay ines"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Pay ines\n\nPay 5 USDC.", "Pay ines"),
        ("## **Pay** _ines_ ~~not~~ `now`", "Pay ines not now"),
        ("Pay ines\n========", "Pay ines"),
        ("Pay\nines", "Pay"),
        ("#NoSpace", "#NoSpace"),
        ("\ufeff# With a mark", "With a mark"),
        ("<!-- a --> <!-- b -->\n\n# Pay ines", "Pay ines"),
        ("<h1 align=center>Pay ines</h1>", "Pay ines"),
        ("<p align=center><img src=x></p>\n\nPay ines", "Pay ines"),
        ("[Pay ines](https://evil.test)", "Pay ines"),
        ("<https://forum.test/1>", "https://forum.test/1"),
        ("1. Pay ines\n2. Pay jon", "Pay ines"),
        ("> Pay ines", "Pay ines"),
        ("    indented", "indented"),
        ("提案：資金", "提案：資金"),
        ("5", "5"),
        ("🚀🚀", "🚀🚀"),
        ("🚀\n\nPay ines", "Pay ines"),
        ("Pay \u202egnp.exe", "Pay [U+202E]gnp.exe"),
        ("Pay\tines  \x07", "Pay ines [U+0007]"),
        ("a &lt;b&gt; c", "a <b> c"),
        ("x" * 1000, "x" * 299 + "…"),
    ],
)
def test_a_title_is_what_the_line_shows(text, title):
    assert title_of(text, NUMBER) == title


@pytest.mark.parametrize(
    ("number", "short"),
    [
        (0, "0"),
        (7, "7"),
        (123_456_789_012, "123456789012"),
        (1_234_567_890_123, "1234...0123"),
        (NUMBER, "1059...8770"),
    ],
)
def test_a_short_number_is_whole(number, short):
    assert short_number(number) == short


@pytest.mark.parametrize("piece", ["[", "![", "*a ", "\n", "<!---->", "<!--", "|", "\u200b", "a**b", "&#", "- "])
def test_a_hostile_text_takes_no_time(piece):
    assert len(title_of(piece * 10**6, NUMBER)) <= 300
    grows_linearly(lambda size: piece * size, lambda text: title_of(text, NUMBER), 10**6)


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "---", "<!-- draft -->", "![x](y)", "#", "<b></b>", "[a]: b"])
def test_its_page_opens_from_every_list_and_takes_votes(client, made, text):
    made.proposal(NUMBER, description=text, title="")
    link = f"/river/proposals/{NUMBER}/"
    for path in ("/river/", "/river/proposals/", "/river/proposals/?show=open"):
        shown = client.get(path).content.decode()
        assert re.search(rf'<a class="title" href="{link}"><bdi>{re.escape(UNTITLED)}</bdi></a>', shown), path
    answer = client.get(link)
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert f"<h1><bdi>{UNTITLED}</bdi></h1>" in shown
    assert re.search(rf'<form id="vote" data-governor="0x[0-9a-fA-F]{{40}}" data-proposal="{NUMBER}"', shown)
    assert client.get(f"/api/v1/daos/river/proposals/{NUMBER}").json()["title"] == UNTITLED
    place = DaoView(made.dao)
    assert [item.title for item in digest.open_items(place, None)] == [UNTITLED]


@pytest.mark.parametrize("text", ["", "\n", "#", "---", "[a]: https://b.test"])
def test_a_text_without_words_is_said_to_have_none(client, made, text):
    made.proposal(7, description=text)
    assert "the proposal's text is empty, or shows no words" in client.get("/river/proposals/7/").content.decode()


@pytest.mark.parametrize("text", ["Pay.", "🚀", "<!-- draft -->", "\u200b", "```\ncode\n```"])
def test_a_text_that_shows_something_is_shown(client, made, text):
    made.proposal(7, description=text)
    assert "shows no words" not in client.get("/river/proposals/7/").content.decode()
