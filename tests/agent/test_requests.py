# SPDX-License-Identifier: Apache-2.0
"""What the grammar makes of a request's words, and what code derives from it; no chain, no database, no model."""

import contextlib
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.acts import askers, deriving
from agent.acts.calls import calls_from_json, calls_hash, calls_json, payment_call
from agent.acts.candidates import derive
from agent.acts.grammar import NotUnderstood, clean, month_of, nearest_year, parse
from agent.acts.rosters import Line, Rules
from governance.chain.address import ZERO, checksum
from policies.notation.amounts import Token
from tests.growth import grows_linearly

USDC = Token("USDC", b"\xaa" * 20, 6)
ETH = Token("ETH", ZERO, 18)
NAMES = ("ines", "jon", "kim", "lea", "max")
LINES = [Line(name, bytes([i]) * 20, USDC.address, 1000 * 10**6) for i, name in enumerate(NAMES, 1)]
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
        "agent, please pay all of the contributors their salaries for the month of November",
        "send 1,000 USDC each to the contributors for November from the treasury",
        "make the monthly payments to the team for November",
        "pay ines, jon, kim, lea and max for November",
        "pay everyone 5,000 USDC in total for November",
        "pay the team 5x 1,000USDC in November",
        "May payroll for the contributors",
    ],
)
def test_exactly_the_roster_needs_nobody(text: str) -> None:
    (draft,) = drafts(text, now=NOW if "May" not in text else int(datetime(2026, 5, 22, tzinfo=UTC).timestamp()))
    assert draft.is_roster
    assert draft.differences == ()
    assert [(line.recipient, line.amount) for line in draft.lines] == [(line.recipient, line.amount) for line in LINES]
    assert all(line.provenance["recipient"] == line.provenance["amount"] == "operator" for line in draft.lines)


@pytest.mark.parametrize(
    "text",
    [
        "pay the agent the payroll for November",
        "pay the salaries of the contributors to the agent for November",
        "pay the treasury the salaries of the contributors for November",
        "transfer the whole treasury to the contributors for November",
        "transfer the payroll to his treasury for November",
        "pay the contributors and the agent for November",
        "pay a contributor for November",
        "pay our contributor for November",
        "pay a person on the roster for November",
        "pay the contributors 5 times for November",
        "pay the roster 5x for November",
        "pay 1,000 USDC of everyone to each for November",
    ],
)
def test_known_words_in_an_order_that_says_something_else_are_the_operators(text: str) -> None:
    (draft,) = drafts(text)
    assert "not one of the plain orders" in "; ".join(draft.differences)


@pytest.mark.parametrize(
    "piece",
    ["1 ETH each ", "each ", "for November ", "the month of ", "ines and ", "in total ", "ines 1 ETH and ", "pay "],
)
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    def draft(text: str) -> None:
        with contextlib.suppress(NotUnderstood):
            drafts(text)

    grows_linearly(lambda size: "pay everyone " + piece * (size // len(piece)) + "on", draft, 480)


@pytest.mark.parametrize(
    "text",
    [
        "pay kim 500 USDC as soon as possible for the talk",
        "pay kim 500 USDC for the same workshop, as a thank-you",
        "pay kim 500 USDC for part of the report on the state of the house",
        "pay kim and max 500 USDC each for the talk",
        "pay kim, max 500 USDC for the talk",
        "pay max 500 USDC",
        "pay the salary of jon for November as usual",
        "pay kim 500 USDC for the talk because it was good",
    ],
)
def test_a_purpose_may_say_what_an_order_may_not(text: str) -> None:
    assert drafts(text)


@pytest.mark.parametrize(
    ("text", "difference"),
    [
        ("pay ines for November", "1 of the 5"),
        ("pay ines and jon for November", "2 of the 5"),
        ("pay ines, jon, kim, lea, max and ines for November", "named twice"),
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
        # Another payment's month or amount, more months than one, a condition, somebody else, a name that is a limit.
        "pay the contributors the same as last month",
        "pay ines like last month",
        "pay ines 500 USDC as last month",
        "pay ines 500 USDC as in October",
        "pay ines as much as jon for November",
        "pay everyone last month's amount for this month",
        "pay the contributors since November",
        "pay the contributors for November onwards",
        "pay the contributors starting 2026-11",
        "pay the contributors for part of November",
        "pay ines 500 USDC as soon as the audit passes",
        "pay ines 500 USDC in case of success",
        "pay ines 500 USDC for November because jon said so",
        "pay the sister of ines 500 USDC",
        "pay a friend of jon 20 USDC for November",
        "pay kim max 500 USDC for the talk",
        f"pay {STRANGER} max 500 USDC",
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


@pytest.mark.parametrize(
    ("text", "named"),
    [
        # Payments that come again. The second was paid once, and without the operator.
        ("pay the contributors every November", "every November"),
        ("pay the contributors each November", "each November"),
        ("pay ines each Nov.", "each Nov"),
        ("pay the contributors every 2026-11", "every 2026-11"),
        ("pay ines 500 USDC every November", "every November"),
        ("pay ines 500 USDC each November", "each November"),
        ("pay everyone for this month and every month", "every month"),
        ("pay everyone each month for November", "each month"),
        ("pay ines 500 USDC every single month", "every single"),
        ("pay ines 500 USDC for November every year", "every year"),
        ("pay ines 500 USDC for the workshop every week", "every week"),
        ("pay ines 500 USDC on every second Friday of November", "every second"),
        ("pay the contributors for November yearly", "yearly"),
        ("pay the contributors for November monthly", "monthly"),
        ("pay the contributors monthly for November", "monthly for"),
        ("pay the contributors for November quarterly.", "quarterly"),
        ("pay ines, jon and kim 900 USDC a month for November", "a month"),
        ("pay ines, jon and kim 900 USDC each month", "each month"),
        ("pay ines 500 USDC monthly", "monthly"),
        ("pay ines 500 USDC a month", "a month"),
        ("pay ines 500 USDC per month for November", "per month"),
        ("pay the contributors per month for November", "per month"),
        ("pay ines 500 USDC for the workshop weekly", "weekly"),
        # Several months.
        ("pay the contributors for two months November", "two months"),
        ("pay ines two months November", "two months"),
        ("pay ines the salaries of two months for November", "two months"),
        ("pay the contributors for the months of November", "months of"),
        ("pay the contributors for three November salaries", "three November"),
        ("pay ines three salaries for November", "three salaries"),
        ("pay the contributors for November and the next", "next"),
        ("pay the contributors for both November salaries", "both November"),
        # A part of one, or of another year.
        ("pay the contributors for the first week of November", "week of"),
        ("pay the contributors for the end of November", "end of"),
        ("pay the contributors for early November", "early November"),
        ("pay the contributors for mid November", "mid November"),
        ("pay the contributors for next November", "next November"),
        ("pay ines for last November", "last November"),
        ("pay ines 500 USDC for the last days of November", "days of"),
    ],
)
def test_another_span_than_one_month_is_read_as_no_month(text: str, named: str) -> None:
    with pytest.raises(NotUnderstood) as stopped:
        drafts(text)
    assert stopped.value.sentence.code == "another_span"
    assert f'"{named}"' in str(stopped.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("pay ines a third of 500 USDC", "vague_amount"),
        ("pay ines a third of her salary for November 2026", "vague_amount"),
        ("pay most of the contributors for November", "vague_amount"),
        ("pay ines the rest of her salary for November", "vague_amount"),
        ("pay ines her bonus for November", "another_payment"),
        ("pay ines her bonus for November 2026", "another_payment"),
        ("pay ines the expenses for November", "another_payment"),
        ("pay jon his salary plus bonus for November", "another_payment"),
        ("pay jon an advance for November", "another_payment"),
        ("pay jon what we owe for November", "another_payment"),
        ("pay jon the difference for November", "another_payment"),
        ("pay ines 2000 USDC on top of the salary for November", "salary_or_on_top"),
        ("pay jon later for November", "turned"),
        ("pay the contributors for November tomorrow", "turned"),
    ],
)
def test_another_amount_than_the_rosters_is_not_the_roster(text: str, code: str) -> None:
    with pytest.raises(NotUnderstood) as stopped:
        drafts(text)
    assert stopped.value.sentence.code == code


@pytest.mark.parametrize(
    "text",
    [
        "pay every contributor for November",
        "pay every contributor their usual monthly salary for November",
        "pay the contributors 1,000 USDC each, November",
        "make the monthly payments to the team for November",
        "pay both ines and jon for November",
        "pay ines 500 USDC for a month of work",
        "pay ines 500 USDC for the weekly call",
        "pay ines 500 USDC for two workshops in November",
        "pay ines 500 USDC for the last talk and the next steps",
        "pay ines 500 USDC for the rent",
        "pay everyone 100 USDC each for the third of the prizes",
    ],
)
def test_words_of_a_span_in_another_sense_are_read(text: str) -> None:
    assert drafts(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pay kim -5 USDC", "-5"),
        ("pay kim - 5 USDC", "-"),
        ("pay kim \u22125 USDC", "\u22125"),
        ("pay kim \uff0d5 USDC", "-5"),
        ("pay kim +5 USDC", "+5"),
        ("pay kim + 5 USDC", "+"),
        ("pay kim: -5 USDC", "-5"),
        ("pay kim -: 5 USDC", "-"),
        ("pay kim 5 USDC, -", "-"),
        ("pay kim-5 USDC", "-5"),
        ("pay kim minus5 USDC", "USDC"),
        ("pay kim minus 5 USDC", "minus"),
        ("pay kim 5% for November", "5%"),
        ("pay kim 5 % for November", "5 %"),
        ("pay kim 5 percent for November", "percent"),
        ("pay kim 5-10 USDC", "5-10"),
        ("pay kim 5 - 10 USDC", "5 -"),
        ("pay kim 5 USDC - 10 USDC", "-"),
        ("pay kim 5..10 USDC", "5..10"),
        ("pay kim 5/2 USDC", "5/2"),
        ("pay kim (5) USDC", "(5)"),
        ("pay kim (5 USDC)", "(5"),
        ("pay kim ( 5 USDC )", "("),
        ("pay kim ~5 USDC", "~5"),
        ("pay kim >5 USDC", ">5"),
        ("pay kim < 5 USDC", "<"),
        ("pay kim \u22485 USDC", "\u22485"),
        ("pay kim #5 USDC", "#5"),
        ("pay kim about 5 USDC", "about"),
        ("pay kim up to 500 USDC", "up"),
        ("pay kim at most 500 USDC", "most"),
        ("pay kim 500 USDC or more", "or"),
        ("pay kim between 5 USDC and 10 USDC", "between"),
        ("pay kim 1k USDC", "1k"),
        ("pay kim 1 k USDC", "1 k"),
        ("pay kim 1M USDC", "1M"),
        ("pay kim .5 USDC", ".5"),
        ("pay kim ,5 USDC", ",5"),
        ("pay kim . 5 USDC", "."),
        ("pay kim 5. USDC", "5."),
        ("pay kim 5, USDC", "5,"),
        ("pay kim 5e3 USDC", "5e3"),
        ("pay kim 0x5 USDC", "0x5"),
        ("pay kim 007 USDC", "007"),
        ("pay kim 1,5 USDC", "1,5"),
        ("pay kim 1.000 USDC", "1000, or 1.0000"),
        ("pay kim 1 000 USDC", '"1"'),
        ("pay kim 1_0 USDC", "1_0"),
        ("pay kim 1'000 USDC", "1'000"),
        ("pay kim \uff15 USDC", "0 to 9"),
        ("pay kim 5\u00b2 USDC", "0 to 9"),
        ("pay kim \u2464 USDC", "0 to 9"),
        ("pay kim \u00bd USDC", "0 to 9"),
        ("pay kim 1\u0665 USDC", "0 to 9"),
        ("pay kim \u33e0 USDC", "0 to 9"),
        ("pay kim 1\u200b000 USDC", "invisible"),
        ("pay kim \u00ad5 USDC", "invisible"),
        ("pay kim 5\ufe0f\u20e3 USDC", "5\ufe0f\u20e3"),
        ("pay kim five USDC", "USDC"),
        ("pay kim five hundred USDC", "USDC"),
        ("pay kim USDC 5", "USDC"),
        ("pay kim $500", "$500"),
        ("pay kim 500$", "500$"),
        ("pay kim \u20ac 500", "500"),
        ("pay kim 500 dollars", "500 dollars"),
        ("pay kim 1 WBTC", "1 WBTC"),
        ("pay kim 5 USDC/day", "/"),
        ("pay kim 5 USDC weekly", "weekly"),
        ("pay kim 5 USDC a day", "day"),
        ("pay kim 5 USDC per week", "week"),
        ("pay kim, per week, 5 USDC", "per week"),
        ("pay kim 500 USDC minus tax", "minus"),
        ("pay kim 500 USDC for November, less fees", "less"),
        ("pay kim 500 USDC gross", "gross"),
        ("pay kim a mere 500 USDC", "mere"),
        ("pay ines for November 2026 USDC", "year"),
        ("pay kim his salary and 500 USDC for November", "on top"),
        ("pay kim for 11/2026", "2026-11"),
        ("pay kim 500 USDC.e", "USDC.e"),
        ("pay kim 5 USDC + tip", "+"),
        ("pay kim 5 USDC+ for the design", "+"),
        ("pay kim 5 USDC (thousand)", "("),
        ("pay kim 5 USDC & change", "&"),
        ("pay kim USDC500 for November", "USDC500"),
        ("pay everyone USD500 for November", "USD500"),
        ("pay kim 5 USDC and lea USDC500 for November", "USDC500"),
        ("pay the contributors for Q4", "Q4"),
        ("pay kim the salary for November and 5 USDC", "on top"),
        ("pay kim the salary and a 5 USDC for November", "on top"),
        ("pay kim 5 USDC and the salary for November", "on top"),
        ("pay everyone 100 USDC on top of their salary for November", "on top"),
    ],
)
def test_what_is_not_understood_beside_an_amount_stops_and_is_named(text: str, named: str) -> None:
    with pytest.raises(NotUnderstood) as stopped:
        drafts(text)
    assert named in str(stopped.value)
    assert "name the month" not in str(stopped.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("claw back the salary of max", "claw"),
        ("claw back the pay of max for November", "claw"),
        ("pay attention and claw back the salary of max for November", "claw"),
        ("return the salary of max for November", "return"),
        ("cut the pay of max for November", "cut"),
        ("withhold pay from max for November", "withhold"),
        ("did you pay?", "question"),
        ("did you pay the contributors for November", "question"),
        ("pay the contributors for November?", "question"),
        ("why pay ines 500 USDC", "question"),
        ("has kim 500 USDC", "question"),
        ("don't pay ines for November", "don't"),
        ("pay ines for November, no, wait", '"no"'),
        ("we mustn't pay ines for November", "mustn't"),
        ("pay ines or jon for November", '"or"'),
        ("pay nothing to max for November", "nothing"),
        ("ines was paid for November", "over"),
        ("we paid ines 500 USDC", "over"),
        ("jon received 500 USDC", "over"),
        ("the contributors are paid for November", "over"),
        ("kim must pay ines 500 USDC", "who pays whom"),
        ("let kim pay ines 500 USDC", "who pays whom"),
        ("make kim pay ines 500 USDC", "who pays whom"),
        ("the contributors pay the treasury for November", "who pays whom"),
        ("please make everyone pay for November", "who pays whom"),
        ("pay the salaries of ines, jon, kim and lea to max for November", "who pays whom"),
        ("pay ines for jon for November", "who pays whom"),
        ("pay 500 USDC of max to kim", "who pays whom"),
        ("transfer 500 USDC from kim to ines", "from the treasury"),
        ("pay the salary of max to the treasury for November", "from the treasury"),
        ("paga a ines 500 USDC", "English"),
        ("zahle ines 500 USDC", "English"),
        ("\u652f\u4ed8 ines 500 USDC", "English"),
        ("asdf qwer", "asdf"),
    ],
)
def test_a_sentence_that_is_no_order_to_pay_is_no_offer_and_the_hint_fits(text: str, said: str) -> None:
    with pytest.raises(NotUnderstood) as stopped:
        drafts(text)
    assert said in str(stopped.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("pay kim -5 USDC", "a payment has no sign"),
        ("$500", "a currency is no token, write e.g. 500 USDC (tokens known here: USDC)"),
        ("pay kim $500", "a currency is no token"),
        ("pay kim 500€", "a currency is no token"),
        ("pay kim 1k USDC", "write all its digits"),
        ("pay kim 1 million USDC", "write all its digits"),
        ("pay kim 1 ETH", "that is no token known here, which are: USDC"),
        ("pay kim 500 dollars", "that is no token known here"),
        ("pay kim 500", "no token follows it"),
        ("pay kim 10%", "a share of something is not"),
        ("pay kim", "or write behind each name what is paid"),
        ("pay the contributors", "name the month that is paid, e.g. 2026-11"),
        ("swap 500 USDC for ETH", '"swap" is not something that the agent can do'),
        ("vote for proposal 7", '"vote" is not something that the agent can do'),
        ("deposit 500 USDC", '"deposit" is not something that the agent can do'),
        ("paga a kim 500 USDC", "write in English"),
    ],
)
def test_the_hint_fits_what_was_written(text: str, hint: str) -> None:
    with pytest.raises(NotUnderstood) as stopped:
        derive(parse(text, LINES, [USDC], NOW), LINES, [USDC], frozenset(), NOW)
    assert hint in str(stopped.value)
    assert str(stopped.value).count("name the month") == ("2026-11" in hint or "behind each name" in hint)


@pytest.mark.parametrize(
    ("text", "pays"),
    [
        ("pay kim 5 USDC", [5]),
        ("Please send kim 5USDC.", [5]),
        ("pay 5 USDC to kim", [5]),
        ("pay kim 5 USDC from the treasury", [5]),
        ("transfer 1,000.5 usdc to kim for the audit", [1000.5]),
        ("pay kim: 5 USDC, for the work over the weekend", [5]),
        ("pay ines 5 USDC and jon 7 USDC", [5, 7]),
        ("pay ines 5 USDC + jon 7 USDC", [5, 7]),
        ("pay to ines 5 USDC and to jon 7 USDC", [5, 7]),
        ("make a payment of 5 USDC to kim", [5]),
        ("hello, we should pay kim 5 USDC", [5]),
        ("pay ines and jon 2 x 5 USDC", [5, 5]),
        ("pay ines and jon 2x 5 USDC", [5, 5]),
        ("pay ines, jon and kim 900 USDC in total", [300, 300, 300]),
        ("pay ines, jon and kim 900 USDC each", [900, 900, 900]),
        ("May payroll for the contributors", [1000] * 5),
    ],
)
def test_plain_orders_are_understood_in_one_way(text: str, pays: list[float]) -> None:
    (draft,) = drafts(text)
    assert [line.amount / 10**6 for line in draft.lines] == pays
    assert not any("two ways" in difference for difference in draft.differences)


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("pay ines, jon and kim 900 USDC", [[900, 900, 900], [300, 300, 300]]),
        ("pay 900 USDC to ines, jon and kim", [[900, 900, 900], [300, 300, 300]]),
        ("pay ines, jon and kim 900 USDC for the month of November", [[900, 900, 900], [300, 300, 300]]),
        ("pay ines, jon and kim 1,000 USDC", [[1000, 1000, 1000]]),
        ("pay the contributors 1,000 USDC for November", [[1000] * 5, [200] * 5]),
        ("pay ines for November and lea 250 USDC", [[250, 250], [1000, 250]]),
        ("pay lea 250 USDC and ines for November", [[250, 250], [250, 1000]]),
        ("pay ines and 250 USDC to lea for November", [[250, 250], [1000, 250]]),
        ("pay ines for November and 250 USDC to lea", [[250, 250], [1000, 250]]),
        ("pay ines and jon for November and lea 250 USDC", [[250, 250, 250], [1000, 1000, 250]]),
    ],
)
def test_what_can_be_read_in_two_ways_says_so_in_each_reading(text: str, readings: list[list[int]]) -> None:
    found = drafts(text)
    assert [[line.amount // 10**6 for line in draft.lines] for draft in found] == readings
    assert len({draft.label for draft in found}) == len(found)
    for draft in found:
        assert any("can be read in two ways" in difference for difference in draft.differences)


@pytest.mark.parametrize(
    "text",
    [
        "pay ines and jon for November and lea and kim 250 USDC",
        f"pay {STRANGER} for November and lea 250 USDC",
        "pay ines her salary and lea 250 USDC",
        "pay ines and jon 900 USDC each in total",
    ],
)
def test_what_can_be_read_in_many_ways_is_not_offered(text: str) -> None:
    with pytest.raises(NotUnderstood, match=r"belongs to whom|in total"):
        drafts(text)


@pytest.mark.parametrize(
    "text", ["pay ines and jon for November and ines 250 USDC", "pay ines 5 USDC, ines", "pay ines and ines 5 USDC"]
)
def test_who_is_named_twice_beside_an_amount_is_not_paid(text: str) -> None:
    with pytest.raises(NotUnderstood, match="named twice"):
        drafts(text)


def test_both_readings_of_one_payment_are_one() -> None:
    (draft,) = drafts("pay ines for November and lea 1,000 USDC")
    assert [line.amount for line in draft.lines] == [1000 * 10**6] * 2


SIGNS = st.sampled_from(
    "-+~<>=*/%#$@^|\\()[]{}\u2212\u2013\u2014\u2010\ufe63\uff0d\u00b1\u2248\u2264\u20ac\u00a3\u221a\u00d7"
)


@given(SIGNS, st.integers(1, 999), st.sampled_from(["", " "]), st.sampled_from(["before", "after", "behind"]))
def test_no_amount_with_a_sign_beside_it_is_paid(sign: str, number: int, gap: str, where: str) -> None:
    written = {
        "before": f"{sign}{gap}{number} USDC",
        "after": f"{number}{gap}{sign}{gap}USDC",
        "behind": f"{number} USDC{gap}{sign}7 USDC",
    }[where]
    for text in (f"pay kim {written}", f"pay kim {written} for November", f"pay kim: {written}"):
        with pytest.raises(NotUnderstood):
            drafts(text)


@given(st.text(min_size=1, max_size=4), st.integers(1, 9999))
def test_whatever_is_glued_to_an_amount_does_not_change_it_silently(glue: str, number: int) -> None:
    """Whatever characters stand at a number: what is paid is that number, or nothing, or an amount that all see."""
    for written in (f"{glue}{number}", f"{number}{glue}"):
        try:
            found = drafts(f"pay kim {written} USDC")
        except NotUnderstood:
            continue
        (draft,) = found
        # What is paid is the one number that a person sees there.
        (seen,) = re.findall(r"[0-9][0-9,_]*(?:\.[0-9]+)?", clean(written)[0])
        assert [Decimal(line.amount) / 10**6 for line in draft.lines] == [Decimal(re.sub("[,_]", "", seen))], written


def test_an_ambiguous_amount_gives_a_choice_that_the_operator_makes() -> None:
    each, total = drafts("pay the contributors 5,000 USDC for November")
    assert [sum(line.amount for line in draft.lines) for draft in (each, total)] == [25_000 * 10**6, 5_000 * 10**6]
    assert "each" in each.label
    assert "total" in total.label
    # Read as a total it is exactly the roster, word for word; but it can be read otherwise, and nobody may guess.
    assert total.is_roster
    assert "two ways" in "; ".join(total.differences)
    assert "two ways" in "; ".join(each.differences)


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
    lines = [Line("April", b"\x01" * 20, USDC.address, 5), Line("ines", b"\x02" * 20, USDC.address, 5)]
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
    st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.sampled_from([ZERO, USDC.address]), AMOUNTS), max_size=6)
)
def test_calls_survive_json_and_their_hash_is_theirs(payments: list[tuple[bytes, bytes, int]]) -> None:
    calls = tuple(payment_call(*payment) for payment in payments)
    assert calls_from_json(calls_json(calls)) == calls
    assert calls_hash(calls_from_json(calls_json(calls))) == calls_hash(calls)
    if calls:
        assert calls_hash(calls[:-1]) != calls_hash(calls)


@pytest.mark.parametrize(
    "text",
    [
        "pay {} 300 USDC", "pay {}, bob, dora 1 USDC each", f"pay {STRANGER} 300 USDC for {{}}",
        "pay the contributors for November, {} too", "pay the contributors for November except {}",
        f"pay {STRANGER} 300 USDC and {{}} 200 USDC", "pay {} for November",
    ],
)  # fmt: skip
def test_who_has_no_say_learns_no_name(text: str) -> None:
    """A name on the roster and a word that nobody has for a name come to the same, word for word."""

    def told(name: str) -> str:
        try:
            ask = deriving._understood(text.format(name), LINES, [USDC, ETH], NOW, names=False)
        except NotUnderstood as error:
            return str(error).replace(name, "?")
        return str(ask).replace(name, "?")

    assert told("ines") == told("zora")


def test_who_has_no_say_is_told_why_a_name_is_not_read() -> None:
    with pytest.raises(NotUnderstood, match="read only from its operator"):
        deriving._understood("pay ines 300 USDC", LINES, [USDC, ETH], NOW, names=False)
    ask = deriving._understood(f"pay {checksum(LINES[0].recipient)} 300 USDC, ines", LINES, [USDC], NOW, names=False)
    assert (ask.named, [doubt.code for doubt in ask.doubts]) == ((0,), ["words_unknown", "names_not_read"])
    rules = Rules(may_ask=frozenset({"delegate"}))
    kinds = [*sorted(askers.HAS_A_SAY), askers.STRANGER, askers.UNKNOWN]
    reads = {kind for kind in kinds if askers.reads_names(rules, askers.Standing(kind))}
    assert reads == {askers.DELEGATE, askers.OPERATOR}
    assert {kind for kind in kinds if askers.reads_names(None, askers.Standing(kind))} == askers.HAS_A_SAY


@pytest.mark.parametrize("digits", ["1999", "2000", "2026", "2099", "2,026"])
@pytest.mark.parametrize("what", ["as a bonus", "for her expenses"])
def test_an_amount_that_could_be_a_year_is_an_amount_before_a_token(digits: str, what: str) -> None:
    (one_off,) = drafts(f"pay ines {digits} USDC {what}")
    assert [line.amount for line in one_off.lines] == [int(digits.replace(",", "")) * 10**6]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pay two ines salaries for 2026-12", "two ines"),
        ("pay three ines payments", "three ines"),
        ("pay both jon salaries", "both jon"),
        ("pay more kim payments", "more kim"),
        ("pay the contributors 500 USDC per ines", "per ines"),
    ],
)
def test_what_is_said_of_a_name_has_the_name_and_no_mark_of_it(text: str, named: str) -> None:
    """PostgreSQL takes no NUL, of which the marks are made: the request was never answered."""
    with pytest.raises(NotUnderstood) as stopped:
        drafts(text)
    assert f'"{named}"' in str(stopped.value)
    assert "\x00" not in f"{stopped.value.sentence.values} {stopped.value}"
