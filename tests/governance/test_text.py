# SPDX-License-Identifier: Apache-2.0
"""What the page renders is what model and verdict read, character by character."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.understanding import ingest
from governance import text
from governance.text import BlockKind
from tests.growth import grows_linearly
from webapp.markup import render

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "proposals"
ACCOUNT = "0x690F0581eCecCf8389c223170778cD9D029606F2"
BLOCKS = {"blockquote", "br", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "table", "td", "th", "tr", "ul"}


class Page(HTMLParser):
    """The text nodes of rendered HTML, apart where a browser begins a new line or cell."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, _attrs):
        if tag in BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag):
        if tag in BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data):
        self.pieces.append(data)


def words(shown: str) -> list[str]:
    return shown.split()


def on_page(source: str) -> list[str]:
    return words("".join(Page(render(source)).pieces))


def assert_page_and_reader_agree(source: str) -> None:
    shown = text.read(source)
    assert words(shown.text) == on_page(source)
    document = ingest.read(source)
    assert document.text == shown.text
    ends, letters = 0, 0
    for block in shown.blocks:
        assert ends <= block.start < block.end <= len(shown.text)
        assert not shown.text[ends : block.start].strip()
        ends = block.end
        assert 0 <= block.lines[0] < block.lines[1] <= shown.source.count("\n") + 1
        for start, end in block.targets:
            assert shown.text[start:end].startswith(" (")
            assert shown.text[start:end].endswith(")")
        letters += sum(map(str.isalnum, shown.text[block.start : block.end]))
    assert letters == sum(map(str.isalnum, shown.text))


PIECES = [
    "Pay", "5,000 USDC", ACCOUNT, "*", "**", "_", "~~", "`", "``", "[", "]", "(", ")", "!", "<", ">", "\\", "&amp;",
    "&#x200b;", "&lt;b&gt;", "&nbsp;", "&#0;", "\n", "\n\n", "\r\n", "\r", "    ", "\t", " ", "  \n", "\\\n", "- ",
    "1. ",
    "7) ", "> ", "# ", "===\n", "---\n", "```", "~~~ js two\n", "| a | b |\n|---|---|\n| c | d |", "|", "<!--", "-->",
    "<b>", "<div hidden>", "</div>", "<script>", "[x](https://evil.test)", f"[lea](https://scan.test/address/{ACCOUNT})",
    "[1]: https://a.test 'title'\n", "[x][1]", "[1]", "![alt words](x.png)", "<https://a.test/b?c=d&e>", "<a@b.test>",
    "\0", "\u200b", "\u202e", "\u200d", "\ufe0f", "👩", "\ufeff", "\ud800", "\u2028", "\x0c", "\x85", "é", "Ｐ", "中",
    "http://a.test", "www.a.test", "javascript:x", "[a](javascript:x)", "<![CDATA[x]]>", "<?php", "$x$", "[^1]",
    "- [ ] ",
]  # fmt: skip
MARKDOWN = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=20).map("".join),
)


@given(MARKDOWN)
@settings(max_examples=1_000)
def test_the_reader_gets_each_visible_character_of_the_page_and_no_other(source):
    assert_page_and_reader_agree(source)


@given(st.text(max_size=300))
def test_of_any_text_the_reader_gets_what_the_page_shows(source):
    assert_page_and_reader_agree(source)


@pytest.mark.parametrize("depth", [1, 9, 10, 11, 18, 19, 20, 21, 40])
@pytest.mark.parametrize("mark", ["> ", "- ", "1. ", "> - "])
def test_nothing_is_too_deep_to_be_shown(mark, depth):
    source = f"Before.\n\n{mark * depth}Pay Mallory\n\nAfter."
    assert_page_and_reader_agree(source)
    assert "Pay Mallory" in text.read(source).text


@pytest.mark.acceptance
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")
def test_of_every_real_proposal_the_reader_gets_what_the_page_shows():
    found = sorted(DATA.glob("**/*.md"))
    assert len(found) > 26
    for path in found:
        source = path.read_text()
        assert_page_and_reader_agree(source)
        assert_page_and_reader_agree(source.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a\nb", "a\nb"),
        ("a  \nb\\\nc", "a\nb\nc"),
        ("# a\nb", "a\n\nb"),
        ("- a\n- b\n  - c", "a\n\nb\n\nc"),
        ("| a | b |\n|---|---|\n| `c|` | d |\n| e \\| | f |", "a\tb\n\n`c\t`\n\ne |\tf"),
        ("`` a ` b ``", "a ` b"),
        ("    code <b>\n\tmore", "code <b>\nmore"),
        ("```\n a\n\n b\n```", " a\n\n b"),
        ("&lt;b&gt; &#65; &notaword; \\&amp;", "<b> A &notaword; &amp;"),
        ("`&amp;` \\*no\\*", "&amp; *no*"),
        ("**a _b_** ~~c~~", "a b c"),
        ("<!-- a --> <b>b</b>", "<!-- a --> <b>b</b>"),
        ("[a](https://b.test/c)", "a (b.test)"),
        ("[a *b*](<https://b.test> 'title')", "a b (b.test)"),
        ("[a][1]\n\n[1]: https://b.test", "a (b.test)"),
        ("[[a](https://b.test)](https://c.test)", "[a (b.test)](https://c.test)"),
        ("![a](https://b.test/c.png)", "!a (b.test)"),
        ("<https://b.test/c>", "https://b.test/c (b.test)"),
        ("[](https://b.test)", " (b.test)"),
        (f"[lea](https://scan.test/address/{ACCOUNT})", f"lea (scan.test, {ACCOUNT})"),
        (f"[lea](https://scan.test/address/{ACCOUNT.lower()}?to={ACCOUNT})", "lea (scan.test, {}, {})"),
        (f"[{ACCOUNT}](https://scan.test/address/{ACCOUNT})", f"{ACCOUNT} (scan.test)"),
        (f"[lea](https://scan.test/%30x{ACCOUNT[2:]})", f"lea (scan.test, {ACCOUNT})"),
        (f"[lea](ethereum:{ACCOUNT})", f"lea ({ACCOUNT})"),
        (f"[lea](https://scan.test/tx/{ACCOUNT}00)", "lea (scan.test)"),
        (f"[{ACCOUNT}ff](https://scan.test/{ACCOUNT})", f"{ACCOUNT}ff (scan.test, {ACCOUNT})"),
        (f"[lea](https://scan.test.{'a' * 90}.evil.test/c)", f"lea (…{'a' * 69}.evil.test)"),
        ("[a](https://scan.test@evil.test)", "a (evil.test)"),
        ("[a](https://\u0430pple.test)", "a (xn--pple-43d.test)"),
        ("a\0b", "a\ufffdb"),
        ("\u200b: https://a.test", "[U+200B]: https://a.test"),
        ("a\u202eb", "a[U+202E]b"),
        ("[a]: b", ""),
        ("~~~\ud800 \u202e\na", "a"),
        ("", ""),
    ],
)
def test_what_a_text_shows(source, shown):
    assert text.read(source).text == shown.format(ACCOUNT.lower(), ACCOUNT)
    assert_page_and_reader_agree(source)


def test_blocks_say_what_they_are_and_where_they_were_written():
    source = (
        "# Pay\n\nfirst\nsecond\n\n- item\n\n> quoted\n> - so\n\n| a | b |\n|---|---|\n| c | d |\n\n```\ncode\n```\n"
    )
    shown = text.read(source)
    assert [(block.kind, shown.text[block.start : block.end], block.lines) for block in shown.blocks] == [
        (BlockKind.HEADING, "Pay", (0, 1)),
        (BlockKind.PARAGRAPH, "first\nsecond", (2, 4)),
        (BlockKind.ITEM, "item", (5, 6)),
        (BlockKind.QUOTATION, "quoted", (7, 8)),
        (BlockKind.QUOTATION, "so", (8, 9)),
        (BlockKind.ROW, "a\tb", (10, 11)),
        (BlockKind.ROW, "c\td", (12, 13)),
        (BlockKind.CODE, "code", (14, 17)),
    ]


@pytest.mark.parametrize(
    "piece",
    ["a\n\n", "# a\n", "[a](b) ", "**a*", "<http://a>", "| a | b |\n", "[a]: b\n", "~~a~~ ", "- a\n"],
)
def test_a_text_of_nothing_but_marks_is_cut_before_parsing_it_costs_too_much(piece):
    source = piece * (text.MAX_CHARS // len(piece))
    shown = text.read(source)
    assert shown.is_cut
    assert source.startswith(shown.source)
    assert shown.source == source[: len(shown.source) // len(piece) * len(piece)]


def test_a_table_of_many_columns_costs_as_many_cells_in_each_row_as_its_header_has():
    rows = "|b\n" * 1_000
    for columns, is_cut in ((10, False), (200, True)):
        header = "|" + "a|" * columns + "\n|" + "-|" * columns + "\n"
        assert text.read(header + rows).is_cut is is_cut


def test_a_long_text_is_cut_openly_for_page_and_reader():
    source = "Pay the team. " * 20_000
    shown = text.read(source)
    assert shown.is_cut
    assert len(shown.text) <= text.MAX_CHARS
    assert "longer than this page shows" in render(source)
    assert "longer than this page shows" not in render(source[: text.MAX_CHARS])


def test_a_numbered_list_begins_where_its_author_began():
    assert '<ol start="2500">' in render("2500. USDC to lea")


@pytest.mark.parametrize(
    "paragraph",
    ["Pay the team 5,000 USDC in **November**, as [agreed](https://a.test). It is *due* `now` &amp; here.\n\n",
     "- Pay lea 5 USDC\n", "| lea | 5 USDC |\n", "<b>Pay</b> <!-- not --> lea. ", "x\u200by "],
    ids=lambda paragraph: paragraph[:8],
)  # fmt: skip
def test_reading_takes_linear_time(paragraph):
    """How long 200 kB take is measured by bench/text.py."""

    def source(size: int) -> str:
        return "| a | b |\n|---|---|\n" * paragraph.startswith("|") + paragraph * (size // len(paragraph))

    grows_linearly(source, text.read, 200_000)
    grows_linearly(lambda size: text.read(source(size)), text.elsewhere, 200_000)


@given(st.lists(st.sampled_from(["[", "]", "![", "(", ")", "a", "`", "\\", "<", ">", ": ", "\n", "*", "https://b.test"]),
                max_size=25).map("".join))  # fmt: skip
@settings(deadline=None)
def test_brackets_are_parsed_as_without_the_short_cut(source):
    for ours, plain in (
        (text._MARKDOWN, text._parser(html=False).disable("image")), (text._ELSEWHERE, text._parser(html=True))
    ):  # fmt: skip
        assert ours.render(source) == plain.render(source)


@pytest.mark.parametrize(
    "piece", ["<div hidden>", "<div hidden><i>", "</div><div hidden>", "<a \"'", "<!-- x -->", "[a]: b 'c'\n"]
)
def test_reports_take_linear_time(piece):
    assert_reports_soon(lambda size: piece * (size // len(piece)) + "</x>" * (size // 2_000))


@pytest.mark.parametrize(
    "piece", ["data-", "aria-", "data- ", "title ", "a = ", "alt='", "rgba(", "color:rgba(,", "=="]
)
@pytest.mark.parametrize("tag", ["<a {}>b</a>", '<a style="{}">b</a>', "<div {}\n>"])
def test_one_long_tag_takes_linear_time(tag, piece):
    assert_reports_soon(lambda size: tag.format(piece * (size // len(piece))))


def assert_reports_soon(source) -> None:
    grows_linearly(lambda size: text.read(source(size)), text.elsewhere, 199_000)
