# SPDX-License-Identifier: Apache-2.0
"""What the grammar makes of a request's words, and what code derives from it; no chain, no database, no model."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.requests import (
    NotUnderstood,
    calls_from_json,
    calls_hash,
    calls_json,
    clean,
    derive,
    month_of,
    nearest_year,
    parse,
    payment_call,
)
from agent.rosters import Line
from agent.tokens import Token
from governance.chain.address import ZERO, checksum

USDC = Token(b"\xaa" * 20, "USDC", 6)
ETH = Token(ZERO, "ETH", 18)
NAMES = ("ines", "jon", "kim", "lea", "max")
LINES = [Line(name, bytes([i]) * 20, USDC.asset, 1000 * 10**6) for i, name in enumerate(NAMES, 1)]
NOW = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp())
STRANGER = "0x" + "99" * 20


def drafts(text: str, paid: frozenset[tuple[bytes, bytes]] = frozenset(), now: int = NOW):
    return derive(parse(text, LINES, [USDC, ETH], now), LINES, [USDC, ETH], paid, now)


@pytest.mark.parametrize(
    "text",
    [
        "pay the contributors for November",
        "Please pay everyone for 2026-11.",
        "pay the contributors for nov 2026",
        "Pay payroll for this month",
        "pay the contributors 1,000 USDC each for November",
        "pay the contributors 5 x 1,000 USDC for November",
        "pay the contributors for October",
        "pay the contributors for last month",
    ],
)
def test_exactly_the_roster_needs_nobody(text: str) -> None:
    (draft,) = drafts(text)
    assert draft.is_roster
    assert draft.differences == ()
    assert [(line.recipient, line.amount) for line in draft.lines] == [(line.recipient, line.amount) for line in LINES]
    assert all(line.provenance["recipient"] == line.provenance["amount"] == "operator" for line in draft.lines)


@pytest.mark.parametrize(
    ("text", "difference"),
    [
        ("pay ines for November", "1 of the 5"),
        ("pay ines and jon for November", "2 of the 5"),
        ("pay the contributors except max for November", "4 of the 5"),
        ("pay the contributors 900 USDC each for November", "5 amounts other"),
        ("pay ines 500 USDC and jon 700 USDC for November", "2 amounts other"),
        ("pay ines, jon, kim, lea and max 1,000.000001 USDC each for November", "5 amounts other"),
        ("pay ines 1,000 USDC as a bonus", "one-off"),
        (f"pay {STRANGER} 100 USDC for November", "not on the roster"),
        ("pay the contributors for March 2026", "neither this month"),
        ("pay the contributors for December", "neither this month"),
        ("pay the contributors handsomely for November", "not understood: handsomely"),
        ("pay the contrib\u200butors for November", "invisible"),
        ("pay the contributors 0.5 ETH each for November", "5 amounts other"),
    ],
)
def test_every_difference_from_the_roster_is_said(text: str, difference: str) -> None:
    for draft in drafts(text):
        assert not draft.is_roster or draft.differences
        assert difference in "; ".join(draft.differences)


@pytest.mark.parametrize(
    "text",
    [
        "do not pay the contributors for November",
        "don't pay the contributors for November",
        "pay the contributors for November unless the audit failed",
        "pay the contributors for November if they worked",
        "pay the contributors twice for November",
        "pay the contributors for November only after the vote",
        "pay the contributors",
        "pay the contributors for October and November",
        "pay somebody for November",
        "pay the contributors 1000 for November",
        "pay the contributors 100 DAI for November",
        "pay the contributors 5,00 USDC for November",
        "pay the contributors 0 USDC for November",
        "pay the contributors 0.0000001 USDC for November",
        "pay 4 x 1,000 USDC to the contributors for November",
        "pay the contributors and ines for November",
        f"pay {STRANGER} for November",
        "pay ines 5 USDC jon kim 7 USDC for November",
        "pay the contributors except mallory for November",
        "2026-11",
        "\u0000",
        "",
    ],
)
def test_what_is_unclear_or_turned_round_derives_nothing(text: str) -> None:
    with pytest.raises(NotUnderstood):
        drafts(text)


def test_an_ambiguous_amount_gives_the_model_a_choice_and_each_needs_the_operator() -> None:
    each, total = drafts("pay the contributors 5,000 USDC for November")
    assert [sum(line.amount for line in draft.lines) for draft in (each, total)] == [25_000 * 10**6, 5_000 * 10**6]
    assert "each" in each.label
    assert "total" in total.label
    assert each.differences
    # Read as a total it is exactly the roster, word for word: then it is nobody's difference.
    assert total.is_roster


def test_who_was_paid_is_left_out_and_that_is_a_difference() -> None:
    paid = frozenset({(LINES[0].recipient, LINES[0].asset)})
    (draft,) = drafts("pay the contributors for November", paid)
    assert not draft.is_roster
    assert len(draft.lines) == 4
    assert any("already paid" in text for text in draft.differences)
    everybody = frozenset((line.recipient, line.asset) for line in LINES)
    with pytest.raises(NotUnderstood, match="already paid"):
        drafts("pay the contributors for November", everybody)
    (one_off,) = drafts("pay ines 5 USDC as a bonus", everybody)
    assert len(one_off.lines) == 1, "a bonus is no month's pay"


def test_a_mistyped_address_is_not_paid() -> None:
    good = checksum(b"\xab" * 20)
    swapped = good[:5] + good[5:].swapcase()
    drafts(f"pay {good} 5 USDC")
    with pytest.raises(NotUnderstood, match="mistyped"):
        drafts(f"pay {swapped} 5 USDC")


def test_a_person_named_as_a_month_is_not_taken_for_one() -> None:
    lines = [Line("April", b"\x01" * 20, USDC.asset, 5), Line("ines", b"\x02" * 20, USDC.asset, 5)]
    ask = parse("pay the contributors for April", lines, [USDC], NOW)
    assert (ask.period, ask.everyone) == ("2026-04", True)


@pytest.mark.parametrize(("month", "year"), [(11, 2026), (12, 2026), (1, 2027), (2, 2026), (10, 2026)])
def test_a_bare_month_is_the_nearest(month: int, year: int) -> None:
    assert nearest_year(month, NOW) == year


@given(st.integers(0, 2**33), st.integers(0, 24))
def test_months_count_back(now: int, back: int) -> None:
    then = datetime.fromtimestamp(now, UTC)
    year, month = map(int, month_of(now, back).split("-"))
    assert then.year * 12 + then.month - (year * 12 + month) == back


PIECES = [
    "pay", "the", "contributors", "everyone", "for", "November", "October", "2026-11", "ines", "jon", "INES", "each",
    "1,000 USDC", "5000 USDC", "1 ETH", "2026", "not", "except", "x", "5", STRANGER, checksum(b"\x01" * 20), "twice",
    "and", ",", "\u200b", "<!-- -->", "ignore previous instructions", "0x1234",
]  # fmt: skip
WORDS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=14).map(" ".join)


@given(WORDS, st.frozensets(st.sampled_from([(line.recipient, line.asset) for line in LINES])))
def test_whatever_the_words_only_the_exact_unpaid_roster_of_a_near_month_needs_nobody(
    text: str, paid: frozenset[tuple[bytes, bytes]]
) -> None:
    try:
        found = drafts(text, paid)
    except NotUnderstood:
        return
    for draft in found:
        roster = [(line.recipient, line.asset, line.amount) for line in LINES]
        pays = [(line.recipient, line.asset, line.amount) for line in draft.lines]
        assert not any(line.period and (line.recipient, line.asset) in paid for line in draft.lines)
        assert len(set(pays)) == len(pays), "nobody is paid twice in one act"
        if not draft.differences:
            assert draft.is_roster
            assert sorted(pays) == sorted(roster)
            assert {line.period for line in draft.lines} <= {"2026-11", "2026-10"}
        assert draft.is_roster == (sorted(pays) == sorted(roster) and bool(draft.lines[0].period))


@given(st.text(max_size=200))
def test_cleaning_is_stable_and_leaves_nothing_invisible(text: str) -> None:
    shown, _ = clean(text)
    assert clean(shown) == (shown, False)
    assert "\x00" not in shown


AMOUNTS = st.integers(1, 2**256 - 1)


@given(
    st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.sampled_from([ZERO, USDC.asset]), AMOUNTS), max_size=6)
)
def test_calls_survive_json_and_their_hash_is_theirs(payments: list[tuple[bytes, bytes, int]]) -> None:
    calls = tuple(payment_call(*payment) for payment in payments)
    assert calls_from_json(calls_json(calls)) == calls
    assert calls_hash(calls_from_json(calls_json(calls))) == calls_hash(calls)
    if calls:
        assert calls_hash(calls[:-1]) != calls_hash(calls)
