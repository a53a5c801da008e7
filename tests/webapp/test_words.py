# SPDX-License-Identifier: Apache-2.0
from decimal import Decimal, localcontext

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from policies.notation.amounts import units
from policies.notation.visible import visible
from presentation import words
from webapp.markup import render


@given(st.integers(0, 2**256 - 1), st.integers(0, 30))
def test_amounts_are_exact(base_units, decimals):
    with localcontext() as context:
        context.prec = 120
        shown = Decimal(units(base_units, decimals).replace(",", ""))
        assert shown == Decimal(base_units).scaleb(-decimals)


def test_a_cut_amount_says_so():
    assert units(1_234_567_891, 9, places=2) == "1.23…"
    assert units(12_500_000, 6) == "12.5"
    assert units(1, 18, places=2) == "0…"


def test_percent_never_rounds_up():
    assert words.percent(4996, 10000) == "49.9 %"
    assert words.percent(1, 0) == "0 %"


def test_a_share_in_basis_points_is_whole():
    assert [words.basis_points(share) for share in (1, 10, 3333, 5000, 9950, 10000)] == [
        "0.01 %", "0.1 %", "33.33 %", "50 %", "99.5 %", "100 %",
    ]  # fmt: skip
    with translation.override("de"):
        assert words.basis_points(3333) == "33,33 %"


def test_durations():
    assert words.duration(3 * 86400 + 4 * 3600 + 59) == "3 days 4 hours"
    assert words.duration(61) == "1 minute 1 second"
    assert words.duration(-5) == "0 seconds"


def test_times_outside_every_calendar():
    assert words.moment(2**60) == f"Unix time {2**60}"


@given(st.text(max_size=400))
def test_nothing_hidden_survives(text):
    shown = visible(text)
    assert not any(c in shown for c in "\u202e\u200b\u2066\ufeff\x00\x1b")


@given(st.text(alphabet="<>[]()!`*_#&;:/ \n\"'javscriptdb=x", max_size=300))
def test_markdown_makes_no_active_html(text):
    html = render(text).lower()
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[https://app.example.org](https://evil.test/x)", "</a> (evil.test)"),
        ("[a](https://app.example.org@evil.test/)", "</a> (evil.test)"),
        ("[write](mailto:a@evil.test)", "</a> (a@evil.test)"),
        ("<https://evil.test/a>", "</a> (evil.test)"),
        ("[here](#text)", "</a> (this page)"),
        ("| a |\n|-|\n| [x](https://evil.test) |", "</a> (evil.test)"),
        (f"[lea](https://scan.test/address/0x{'ab' * 20})", f"</a> (scan.test, 0x{'ab' * 20})"),
    ],
)
def test_a_link_is_followed_by_where_it_leads(text, told):
    html = render(text)
    assert told in html
