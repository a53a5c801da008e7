# SPDX-License-Identifier: Apache-2.0
"""What a reader who is no programmer asked of the explanations: one phrase for one thing, nothing taken back."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies.answer.evaluate import Allowed, Call, Mode, PolicyState, Refused, evaluate
from policies.code.encoding import decode, encode, policy_id
from policies.code.policy_code import PolicyCode, Rule
from policies.code.ring import segment_seconds
from policies.code.signatures import parse_function
from policies.document.document import load
from policies.notation.primitives import word
from policies.words.explain import explain
from policies.words.explanation import Explanation, explanation
from policies.words.together import shown_case, totals
from policies.words.wording import Vocabulary
from tests.policies.maker import Maker
from tests.policies.test_explain import POLICY, TOKENS
from tests.policies.test_ten_questions import milestones, payroll_of_eight, streams, three_vaults, vendors

TEMPLATES = Path(__file__).resolve().parents[2] / "policies" / "templates"
DOCUMENTS = {path.stem: path.read_text() for path in sorted(TEMPLATES.glob("*.yaml"))} | {
    f"need {need.__name__}": need()[0] for need in (payroll_of_eight, milestones, three_vaults, vendors, streams)
}
HOUR_S, DAY_S = 3600, 86_400


def explained(name: str) -> Explanation:
    document = load(DOCUMENTS[name])
    return explanation(decode(encode(document)), {}, {}, document=document)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_one_phrase_says_what_needs_no_announcement(name: str) -> None:
    text = "\n".join(explained(name).lines)
    assert not re.search(r"\bat once\b|unopposed|before anybody can object|nearly|do nothing else, unless", text)
    assert "without an announcement" in text or name == "metagovernance"


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_no_amount_of_a_token_is_said_twice_of_what_a_thief_takes(name: str) -> None:
    """Two lists of numbers for one token were read as their sum."""
    thief = explained(name).together[2]
    document = load(DOCUMENTS[name])
    for token in document.tokens:
        assert thief.count(f" {token.symbol} right away") <= 1, token.symbol
    assert thief.count("true only if") <= 1
    otherwise = (
        "; otherwise it can be MORE)",
        "; otherwise ANOTHER token can go, as much as the treasury allowed before)",
    )
    assert sum(map(thief.count, otherwise)) == thief.count(" (true only if ")


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_what_is_said_to_be_impossible_is_the_same_at_the_top_and_below(name: str) -> None:
    said = explained(name)
    (below,) = (line for line in said.sentences if "is impossible for the agent" in line)
    _, begins, exception = below.partition("; but ")
    assert said.together[0].endswith(
        f"; and make no other call; but {exception}" if begins else "; and do nothing else."
    )
    assert not begins or "may take from the treasury or do in its name more than is said here, and" in exception


def test_which_recipient_is_not_limited_is_said_with_the_reason() -> None:
    assert "what a contract that is called under rule 2 does with it is not bounded" in explained("streams").together[2]
    assert "in the end: rule 3 has no list of who can be paid" in explained("bounties").together[2]


def test_a_measured_budget_is_not_said_to_count_what_leaves_after_the_call() -> None:
    """A stream goes on paying later: that no budget counts that stands below, and the budget's own line agrees."""
    lines = explained("need streams").sentences
    (budget,) = (line for line in lines if line.startswith("The budget “deposits” counts"))
    assert "whatever leaves the treasury during a call of this policy counts" in budget


def test_a_contract_that_may_take_what_its_call_does_not_charge_is_the_reason() -> None:
    """Shares of one vault can go as the price of another's: the deposit there charges no budget of them."""
    said = explained("need three_vaults")
    why = (
        "who gets it in the end: the calls under rules 3 and 5 charge no budget with it, but the called contract may "
        "take some, which is measured, and what it does with that is not bounded"
    )
    (worst,) = (line for line in said.sentences if line.startswith("Worst case for budget 1 “out vB”"))
    assert why in worst
    assert why in said.together[2]
    assert "charge no budget with it" not in "\n".join(explained("streams").lines)  # the deposit is charged


def test_a_measured_budget_from_which_only_a_list_is_paid_names_the_list() -> None:
    measured = replace(POLICY, budgets=(replace(POLICY.budgets[0], measured=True),))
    said = explanation(measured, {}, TOKENS)
    (worst,) = (line for line in said.sentences if line.startswith("Worst case"))
    assert "; to these 5 only, in any shares: 0x1000" in worst
    assert "; only to 0x1000" in said.together[2]
    assert "not limited" not in said.table[0].whom
    any_token = "\n".join(explain(measured, {}, {}))  # the rule's own token is not known: it is called all the same
    assert "to these 5 only" in any_token


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**64))
def test_one_budget_s_recipients_are_limited_where_those_of_all_are(seed: int) -> None:
    policy: PolicyCode = Maker(seed).policy()
    words = Vocabulary()
    for total in totals(policy, words):
        if total.recipients is None:
            continue
        if total.fenced.in_time[-1][2] or total.pulling:  # the list limits only some: what goes past it is said, too
            assert re.search("something must come in|and to anybody, if", explanation(policy, {}, {}).together[2])
            continue
        for number, budget in enumerate(policy.budgets):
            if budget.asset == total.asset:
                case = shown_case(policy, number, words)
                assert set(case.recipients or ()) <= set(total.recipients)
                assert case.recipients is not None or not case.in_all  # of nothing nobody gets anything


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**64))
def test_no_sentence_ends_before_what_it_announces(seed: int) -> None:
    policy = Maker(seed).policy()
    for line in explanation(policy, {}, {}).lines:
        assert not re.search(r"[:;,(] *[.;)]| \.|  ", line), line


def test_numbers_without_a_unit_are_named() -> None:
    (said,) = (line for line in explained("swaps").sentences if line.startswith("NUMBERS WITHOUT A UNIT, under rule 2"))
    assert "the bounds of `params.fee` (argument 3) and `params.amountOutMinimum` (argument 7)" in said
    assert "sqrtPriceLimitX96" not in said  # nothing of whatever it is
    assert not any("NUMBERS WITHOUT A UNIT" in line for line in explained("payroll").sentences)


def test_the_price_is_said_the_other_way_round_where_that_is_exact() -> None:
    text = "\n".join(explained("swaps").lines)
    assert "against the budget “to swap” (at most 4,000 USDC for each 1 WETH)" in text
    assert "for each 1 vUSDC)" not in "\n".join(explained("yield").lines)


def test_what_a_call_counts_that_charges_no_budget_is_what_leaves_by_it() -> None:
    """The withdrawal of the vault says its assets; the shares that go for them are measured."""
    (charges, measures) = (
        next(line for line in explained("yield").sentences if line.startswith(f"Rule {number}:")) for number in (2, 3)
    )
    assert "for each 1 USDC that the call counts against budget 1" in charges
    assert (
        "at least 0.99 USDC for each 1 vUSDC that leaves by the call, as budget 2 “out of the vault” measures it"
        in (measures)
    )
    assert "counts against" not in measures


def test_the_treasury_s_name_is_not_taken_for_its_address() -> None:
    compare = (
        "the addresses count: compare that of “treasury” with the treasury's own, which no policy shows. Addresses in"
    )
    assert compare in explained("swaps").below[-1]
    assert "compare that of" not in explained("payroll").below[-1]


def test_alike_budgets_come_back_in_one_sentence() -> None:
    lines = [line for line in explained("need payroll_of_eight").sentences if line.startswith("What is spent from")]
    assert len(lines) == 1
    assert all(f"“p{number}”" in lines[0] for number in range(8))


def test_what_a_schedule_fits_is_said_of_the_budget_alone() -> None:
    """Grants of 20,000 a month end at 52,000, and stages of 25,000 a quarter at 60,000: other budgets hold no more."""
    grants, stages = ("\n".join(explained(name).sentences) for name in ("grants", "need milestones"))
    assert (
        "is meant to be paid out in full monthly, which it always can as far as this budget alone goes if payments are "
        "announced in time and at least 28 days apart."
    ) in grants
    assert ". As far as this budget alone goes, paying out the whole of it quarterly always fits if payments" in stages
    eight = "\n".join(explained("need payroll_of_eight").sentences)
    assert "As far as each of these budgets alone goes, paying out the whole of it monthly always fits" in eight


def test_announcements_are_spoken_of_where_something_must_be_announced() -> None:
    for name, must, can_go_without in (
        ("metagovernance", False, True),
        ("grants", True, False),
        ("payroll", True, True),
    ):
        text = "\n".join(explained(name).sentences)
        assert ("and voids what was announced" in text) is must
        assert ("can also void a single announced act" in text) is must
        assert ("once the part that needs no announcement is spent" in text) is (must and can_go_without)
        assert ("What it takes counts, too." in text) is (must and not can_go_without)


def test_members_pause_by_a_petition_as_the_module_has_it() -> None:
    """In another week, or by votes got since, what members sign does not add up."""
    contract = (TEMPLATES.parents[1] / "contracts" / "src" / "PolicyModule.sol").read_text()
    (days,) = re.findall(r"PETITION_TIME = (\d+) days;", contract)
    by_petition = f"who sign one petition within {days} days (votes count as they were just before it began)"
    assert f"or by members with at least 5 % of all votes together {by_petition}" in "\n".join(
        explained("payroll").lines
    )
    by_one_vote = "\n".join(explain(replace(POLICY, objection_threshold_bps=0), {}, TOKENS))
    assert "by its owner, or by any voter;" in by_one_vote


def test_what_one_act_cannot_take_goes_in_several() -> None:
    """6,000 USDC go without an announcement, and 5,000 in one act; acts that need not wait are one moment."""
    apart = "(in several acts, at least 10 minutes apart)"
    said = explained("payroll")
    assert f"of which 6,000 USDC right away without an announcement {apart}." in said.together[1]
    assert f"6,000 USDC right away {apart} and, if nobody stops it" in said.together[2]
    assert said.table[0].at_once == f"6,000 USDC {apart}"
    assert f"can take 6,000 USDC right away without an announcement {apart}, and" in "\n".join(said.sentences)
    for bounds in ({"cooldown_s": 0}, {"rules": (replace(POLICY.rules[0], clauses=POLICY.rules[0].clauses[:1]),)}):
        quick = explanation(replace(POLICY, **bounds), {}, TOKENS)
        assert "several acts" not in "\n".join([*quick.lines, quick.table[0].at_once]), bounds


def test_no_rest_is_spoken_of_where_all_goes_right_away() -> None:
    """All its limit needs no announcement and does not come back: nothing is left to go later."""
    (budget,) = POLICY.budgets
    once = replace(budget, instant_limit=budget.limit, period_s=POLICY.end_s - POLICY.start_s)
    for period_s, has_rest in ((once.period_s, False), (budget.period_s, True)):
        policy = replace(POLICY, budgets=(replace(once, period_s=period_s),))
        assert ("and the rest needs none either" in explanation(policy, {}, TOKENS).together[1]) is has_rest


def test_calls_of_a_thief_are_many_in_one_act() -> None:
    vote = parse_function("vote(uint256 proposal)")
    policy = replace(POLICY, budgets=(), rules=(Rule(b"\5" * 20, vote.selector, False, False, 1, (), ()),))
    patient, quick = (explanation(replace(policy, cooldown_s=wait), {}, {}).together[1] for wait in (300, 0))
    assert "acts are at least 5 minutes apart, but one act can hold any number of calls" in patient
    assert quick.startswith("At most: no budget counts anything; one act can hold any number of calls")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**64))
def test_a_thief_s_amount_of_each_asset_is_the_most_in_all(seed: int) -> None:
    """What goes for nothing and what goes for something are no more than the one list of numbers that is said."""
    policy: PolicyCode = Maker(seed).policy()
    for total in totals(policy, Vocabulary()):
        for part in (total.taken, total.fenced, total.pulled):
            assert part.at_once <= total.joint.at_once
            for (_, alone, all_), (_, most_alone, most) in zip(part.in_time, total.joint.in_time, strict=True):
                assert alone <= most_alone
                assert all_ <= most


# Schedules


def dates(schedule: str, count: int) -> Iterator[datetime]:
    day = datetime(2027, 1, 31 if schedule == "daily" else 1, tzinfo=UTC)
    months = {"monthly": 1, "quarterly": 3, "every 6 months": 6, "yearly": 12}.get(schedule)
    steps = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
    steps |= {"every 2 weeks": timedelta(weeks=2), "every 4 weeks": timedelta(weeks=4)}
    for number in range(count):
        if months:
            index = months * number
            yield day.replace(year=2027 + index // 12, month=index % 12 + 1)
        else:
            yield day + number * steps[schedule]


class EarlyAndLate:
    """Draws the latest time of the day and the earliest in turn."""

    def __init__(self) -> None:
        self.early = True

    def randint(self, least: int, most: int) -> int:
        self.early = not self.early
        return least if self.early else most


@settings(max_examples=200, deadline=None)
@given(st.integers(HOUR_S // 2, 400 * DAY_S), st.integers(0, 2**32), st.randoms())
@example(30 * DAY_S, 0, None)
@example(32 * DAY_S, 0, None)
@example(24 * DAY_S, 23 * HOUR_S, EarlyAndLate())
@example(26 * DAY_S, 0, EarlyAndLate())
@example(6 * DAY_S, 0, EarlyAndLate())
@example(3000, 0, EarlyAndLate())
def test_a_schedule_that_never_fits_never_does_and_one_that_always_fits_does(period_s, offset_s, random) -> None:
    """By the ring itself: the whole limit comes back eight segments after the one in which it was spent."""
    text = "\n".join(explain(replace(POLICY, end_s=POLICY.start_s + 4000 * DAY_S, budgets=(
        replace(POLICY.budgets[0], period_s=period_s),
    )), {}, TOKENS))  # fmt: skip
    found = re.search(
        r"the whole of it (?:(?P<always>[a-z0-9 ]+) always fits"
        r"(?: if payments are (?:announced in time)?(?: and )?(?P<apart>at least [^,.]+ apart)?)?(?:, )?)?"
        r"(?:(?P<late>[a-z0-9 ]+) (?P<how>never fits|does not always fit))?\.",
        text,
    )
    if found is None:
        assert "does not come back" in text or "As far as this budget" not in text
        return
    segment_s = segment_seconds(period_s)
    for schedule, at_any_time in ((found["always"], not found["apart"]), (found["late"], True)):
        if schedule is None:
            continue
        spread_s = (HOUR_S if schedule == "hourly" else DAY_S) - 1 if at_any_time and random else 0
        times = [
            int(one.timestamp()) + offset_s + (random.randint(0, spread_s) if spread_s else 0)
            for one in dates(schedule, 9)
        ]
        free = [later >= (earlier // segment_s + 8) * segment_s for earlier, later in pairwise(times)]
        if schedule == found["always"]:
            assert all(free), schedule
        elif found["how"] == "never fits":
            assert not any(free), schedule


def test_a_long_list_is_in_the_order_of_its_names() -> None:
    """People look for a vendor by its name; code keeps a list in the order of addresses."""
    (line,) = (one for one in explained("need vendors").lines if one.startswith("List 1, 200 addresses"))
    assert re.findall(r"“vendor(\d+)”", line) == [str(number) for number in range(200)]


def test_in_any_shares_is_said_where_nothing_else_bounds_a_share() -> None:
    assert "to these 2 only, in any shares: “triage”" in "\n".join(explained("bounties").sentences)
    for name in ("grants", "need milestones"):  # budgets of their own hold each back
        assert "in any shares" not in "\n".join(explained(name).sentences)


def test_that_lists_of_who_is_paid_are_signed_is_said_where_somebody_is_paid() -> None:
    for name in DOCUMENTS:
        lists = "signs the lists of who is paid what" in explained(name).sentences[1]
        assert lists == ("may pay " in explained(name).together[0]), name


def _stream_of(policy: PolicyCode, deposit: int) -> Allowed | Refused:
    """The module's answer to a stream of so much without an announcement, under the template's second rule."""
    rule = policy.rules[1]
    recipient, token = policy.lists[0][0], int.from_bytes(policy.budgets[0].asset, "big")
    data = rule.selector + b"".join(map(word, (recipient, deposit, token, 0, 0)))
    state = PolicyState(policy_id("streams"), 1, 0, 0, policy.end_s, paused=False)
    return evaluate(policy, state, [Call(rule.target, 0, data)] * 3, policy.start_s + DAY_S, Mode.EXECUTE)


@pytest.mark.parametrize(
    ("bound", "zero_goes", "said"),
    [
        (
            '{at most: "30,000 USDC"}',
            True,
            "calls for an amount of 0 under rule 2 and with calls under rule 1, which charge no budget by themselves.",
        ),
        (
            '{at least: "0.000001 USDC", at most: "30,000 USDC"}',
            False,
            "calls under rule 1, which charge no budget by themselves.",
        ),
    ],
)
def test_calls_that_count_nothing_are_said_to_need_no_announcement(bound: str, zero_goes: bool, said: str) -> None:
    """All of the budget must be announced, and yet streams with a deposit of 0 go at once, any number of them."""
    written = DOCUMENTS["streams"].replace('deposit: {at most: "30,000 USDC"}', f"deposit: {bound}")
    document = load(written)
    policy = decode(encode(document))
    assert isinstance(_stream_of(policy, 1), Refused)
    assert isinstance(_stream_of(policy, 0), Allowed) == zero_goes
    text = "\n".join(explanation(policy, {}, {}, document=document).lines)
    nothing = "Calls that count nothing against any budget need no announcement, however many they are"
    assert text.count(nothing) == 1
    assert f"{nothing}: so it can be with {said}" in text


def test_where_each_call_must_count_something_nothing_is_said_of_calls_that_count_nothing() -> None:
    payroll = DOCUMENTS["payroll"]
    at_least = payroll.replace("amount: {", 'amount: {at least: "1 USDC", ', 1)
    assert at_least != payroll
    policies = [decode(encode(load(written))) for written in (payroll, at_least)]
    assert ["Calls that count nothing" in "\n".join(explain(policy, {}, TOKENS)) for policy in policies] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("swaps", {"USDC", "WETH"}),  # WETH is called by no rule: its balance shows what must come in
        ("yield", {"USDC", "vUSDC"}),
        ("need three_vaults", {"USDC", "vA", "vB", "vC"}),  # nor is USDC here: a budget measures it
        ("need streams", {"USDC"}),
        ("payroll", {"USDC"}),
    ],
)
def test_each_token_whose_balance_bounds_rest_on_is_among_what_is_assumed(name: str, symbols: set[str]) -> None:
    (assumed,) = (line for line in explained(name).sentences if line.startswith("Assumed, for a policy can't show it"))
    assert set(re.findall(r"the token (\w+) \(", assumed)) == symbols
