# SPDX-License-Identifier: Apache-2.0
"""The difference of two policies: exact words for pairs made by hand, and "no wider line" held against the evaluator.

Each planted fault shows that the property would notice.
"""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.answer import containment, permitted
from policies.answer.evaluate import Allowed, Mode, Observation, Observations, PolicyState, evaluate
from policies.code.call import Call
from policies.code.policy_code import Budget, Charge, Clause, Dynamic, Income, Kind, PolicyCode, Rule, Scope, Source
from policies.code.signatures import parse_function
from policies.notation.amounts import Token
from policies.notation.primitives import checksum, selector, word
from policies.words import diff as diff_module
from policies.words.diff import Change, Mark, diff
from tests.policies.maker import AGENT, END_S, OPERATOR, SELECTORS, START_S, Maker, ordered, without_budget

ACTS_A_PAIR = 60


def is_wider(changes: list[Change]) -> bool:
    return any(change.mark is Mark.WIDER for change in changes)


def lets_through(
    policy: PolicyCode, state: PolicyState, act: tuple[list[Call], Observations], now_s: int, mode: Mode
) -> bool:
    """Whether the policy allows the act. Scheduling observes nothing, so its conditions are left open."""
    calls, observed = act
    seen = None if mode is Mode.SCHEDULE else observed
    return isinstance(evaluate(policy, replace(state, end_s=policy.end_s), calls, now_s, mode, seen), Allowed)


def an_act_only_the_new_allows(seed: int) -> str | None:
    """A pair without a wider line and yet an act that only the new policy allows, in words; None if there is none."""
    maker = Maker(seed)
    old = maker.policy()
    new = maker.changed(old)
    changes = diff(old, new, {}, {})
    if is_wider(changes):
        return None
    for _ in range(ACTS_A_PAIR):
        now_s, mode, act = maker.moment(), maker.random.choice(list(Mode)), maker.act(new)
        state = maker.state((old, new), now_s)
        if lets_through(new, state, act, now_s, mode) and not lets_through(old, state, act, now_s, mode):
            return f"{old}\n{new}\n{changes}\n{act}\n{now_s} {mode}"
    return None


@settings(max_examples=int(os.environ.get("MANDATE_DIFF_CASES", "800")), deadline=None)
@given(st.integers(0, 2**64))
def test_without_a_wider_line_nothing_is_allowed_that_was_refused(seed: int) -> None:
    found = an_act_only_the_new_allows(seed)
    assert found is None, found


def tightened(maker: Maker, policy: PolicyCode) -> PolicyCode:
    """The policy with something taken away, where each function has one rule."""
    first, *others = policy.rules
    ways = [
        replace(policy, cooldown_s=policy.cooldown_s + 1),
        replace(policy, start_s=policy.start_s + 1),
        replace(policy, budgets=tuple(replace(budget, limit=budget.instant_limit or 1) for budget in policy.budgets)),
        replace(policy, budgets=tuple(replace(budget, measured=True) for budget in policy.budgets)),
        replace(policy, rules=(replace(first, must_return_true=True), *others)),
        replace(policy, lists=tuple(items[:1] for items in policy.lists)),
    ]
    if others:
        ways.append(replace(policy, rules=tuple(others)))
    if first.words:
        clauses = tuple(sorted({*first.clauses, maker.clause(first)}, key=repr))
        ways.append(replace(policy, rules=(replace(first, clauses=clauses), *others)))
    return maker.random.choice(ways)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**64))
def test_what_only_takes_away_has_no_wider_line(seed: int) -> None:
    maker = Maker(seed)
    policy = maker.policy()
    unique = {rule.key: rule for rule in policy.rules}
    policy = replace(policy, rules=ordered(list(unique.values())))
    assert not is_wider(diff(policy, tightened(maker, policy), {}, {}))


# Planted faults: each must be noticed


FAULTS: dict[str, tuple[object, str, object]] = {
    "a charge is forgotten": (containment.Loosened, "_charges_as_much", lambda *_: True),
    "an income is forgotten": (containment.Loosened, "_brings_as_much", lambda *_: True),
    "caps are forgotten": (containment.Containment, "_caps_hold", lambda *_: True),
    "no bound is compared": (containment.Containment, "_bounds_as_tightly", lambda *_: True),
    "what is left over is forgotten": (
        containment.Containment,
        "_without",
        lambda _, parts, removed: [part for part in parts if not part.may_meet(removed)],
    ),
    "a set lies within any that it meets": (permitted.Values, "__le__", lambda a, b: bool(a & b)),
    "later ends and shorter cooldowns are tighter": (diff_module, "_mark", lambda *_: Mark.TIGHTER),
    "a budget that is gone is tighter": (
        diff_module._Budgets,
        "_is_gone",
        lambda *_: Change(Mark.TIGHTER, "gone"),
    ),
    "objections are forgotten": (diff_module, "_objections", lambda *_: ()),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*FAULTS[fault])
    assert any(an_act_only_the_new_allows(seed) for seed in range(1000))


# By hand

OTHER, ANOTHER = b"\1" * 20, b"\2" * 20
USDC, DAI, VAULT = b"\xcc" * 20, b"\xda" * 20, b"\x44" * 20
BOB, CAT, ANN = 0xB0B, 0xCA7, 0xA11CE
KNOWN = {USDC: Token("USDC", USDC, 6), DAI: Token("DAI", DAI, 18)}
LABELS = {value.to_bytes(20, "big"): name for value, name in ((BOB, "bob"), (CAT, "cat"), (ANN, "ann"))}
SWAP = parse_function("swap(uint256 amount, bytes data)")
BUDGET = Budget(Scope.POLICY, USDC, 3, 24 * 86_400, 6_000_000, 12_000_000, b"payroll".ljust(32, b"\0"))
SAYS_WHO, CAPPED = Clause(0, Kind.IN_LIST, 0), Clause(1, Kind.CAP, 5_000 * 10**6)
PAY = Rule(
    USDC, selector("transfer(address,uint256)"), False, True, 2, (SAYS_WHO, CAPPED), (Charge(0, Source.ARGUMENT, 1),)
)
TRADE = Rule(
    VAULT,
    SWAP.selector,
    False,
    False,
    2,
    (Clause(0, Kind.AT_MOST, 10**9),),
    (Charge(0, Source.ARGUMENT, 0),),
    dynamics=(Dynamic(1, 0),),
    incomes=(Income(DAI, 0, 9 * 10**11, 1),),
)
OLD = PolicyCode(
    AGENT, OPERATOR, START_S, END_S, 600, 172_800, 432_000, 500, bytes(32), (BUDGET,), ((CAT, ANN),), (TRADE, PAY)
)
PAYING = f"Pay in the token USDC ({checksum(USDC)}), by calling `transfer(address,uint256)`: "
MAY_PAY = f"{PAYING[0].lower()}{PAYING[1:]}"
TRADING = f"Call `swap(uint256,bytes)` (selector 0x{SWAP.selector.hex()}) on {checksum(VAULT)}: "
AS_BEFORE = (
    "of which 6,000 USDC, by all acts together, may be taken without an announcement; what goes beyond must be "
    "announced and can be objected to"
)
CHARGED = "rules 1 and 2 charge it"
COUNTS = f"The budget “payroll” counts the token USDC ({checksum(USDC)})"
IN_AN_ACT = "in one act, all its calls under this rule added up"
RECEIVES = "the treasury must receive at least {} for each 1 USDC that the call counts against the budget “payroll”"
THE_REST = "the amount counts against the budget “payroll”; no ether may go with it; the call must return true"
ETHER_BUDGET = replace(BUDGET, asset=bytes(20))
CAT_SHOWN = f"“cat” ({checksum(CAT.to_bytes(20, 'big'))})"
BOB_SHOWN = f"“bob” ({checksum(BOB.to_bytes(20, 'big'))})"
ANN_SHOWN = f"“ann” ({checksum(ANN.to_bytes(20, 'big'))})"


def rules(*some: Rule) -> PolicyCode:
    return replace(OLD, rules=ordered(list(some)))


def paying(*clauses: Clause, **changes: object) -> PolicyCode:
    return rules(TRADE, replace(PAY, clauses=clauses or PAY.clauses, **changes))


def trading(**changes: object) -> PolicyCode:
    return rules(replace(TRADE, **changes), PAY)


def budget(**changes: object) -> PolicyCode:
    return replace(OLD, budgets=(replace(BUDGET, **changes),))


MEASURED = budget(measured=True)
TWO = replace(
    OLD,
    budgets=(BUDGET, replace(BUDGET, name=b"swaps".ljust(32, b"\0"))),
    rules=(replace(TRADE, charges=(Charge(1, Source.ARGUMENT, 0),), incomes=()), PAY),
)
ONLY_PAY = without_budget(replace(TWO, rules=(PAY,)), 1)

BY_HAND: dict[str, tuple[PolicyCode, PolicyCode, list[str]]] = {
    "nothing": (OLD, OLD, []),
    "who": (
        OLD,
        replace(OLD, agent=OTHER, operator=ANOTHER),
        [
            f"wider: The agent is {checksum(OTHER)} instead of {checksum(AGENT)}.",
            f"wider: The operator is {checksum(ANOTHER)} instead of {checksum(OPERATOR)}.",
        ],
    ),
    "when": (
        OLD,
        replace(OLD, start_s=START_S + 60, end_s=END_S + 3600, cooldown_s=60),
        [
            "tighter: The policy begins at 2033-05-18 03:34:20 UTC instead of 2033-05-18 03:33:20 UTC.",
            "wider: The policy ends at 2033-05-22 08:00 UTC instead of 2033-05-22 07:00 UTC.",
            "wider: Between two acts the agent must wait 1 minute instead of 10 minutes.",
        ],
    ),
    "objections": (
        OLD,
        replace(OLD, objection_delay_s=86_400, release_window_s=86_400, objection_threshold_bps=1_000),
        [
            "wider: An announced act waits 1 day for objections instead of 2 days.",
            "tighter: An announced act must be made within 1 day after the wait instead of 5 days.",
            "wider: Objections from at least 10 % of all votes (their number is rounded down) stop an announced act "
            "instead of 5 %.",
        ],
    ),
    "announcing ends": (
        OLD,
        replace(OLD, objection_delay_s=0),
        [
            "tighter: No act can be announced any more, which could be with a wait of 2 days, then 5 days to make "
            "them, and void if members with at least 5 % of all votes (their number is rounded down) object."
        ],
    ),
    "announcing begins": (
        replace(OLD, release_window_s=0),
        OLD,
        [
            "wider: Acts can be announced, which none could be, with a wait of 2 days, then 5 days to make them, "
            "and void if members with at least 5 % of all votes (their number is rounded down) object."
        ],
    ),
    "an announcement that can't be is changed": (
        replace(OLD, release_window_s=0),
        replace(OLD, release_window_s=0, objection_delay_s=1),
        ["same: What is said about announced acts changes, and still none can be announced."],
    ),
    "a recipient more and one less": (
        OLD,
        replace(OLD, lists=((BOB, ANN),)),
        [
            f"wider: {PAYING}the recipient may now be {BOB_SHOWN}.",
            f"tighter: {PAYING}the recipient may no longer be {CAT_SHOWN}.",
        ],
    ),
    "the same recipients in other words": (
        OLD,
        paying(SAYS_WHO, Clause(0, Kind.NOT_EQUAL, BOB), CAPPED),
        [
            f"same: {PAYING}the recipient must be one of these 2: {CAT_SHOWN}, {ANN_SHOWN} and must not be "
            f"{BOB_SHOWN}, instead of: the recipient must be one of these 2: {CAT_SHOWN}, {ANN_SHOWN}."
        ],
    ),
    "a larger cap": (
        OLD,
        paying(SAYS_WHO, replace(CAPPED, operand=6_000 * 10**6)),
        [
            f"wider: {PAYING}the amount comes to at most 6,000 USDC {IN_AN_ACT}, instead of: "
            f"the amount comes to at most 5,000 USDC {IN_AN_ACT}."
        ],
    ),
    "a smaller cap": (
        OLD,
        paying(SAYS_WHO, replace(CAPPED, operand=4_000 * 10**6)),
        [
            f"tighter: {PAYING}the amount comes to at most 4,000 USDC {IN_AN_ACT}, instead of: "
            f"the amount comes to at most 5,000 USDC {IN_AN_ACT}."
        ],
    ),
    "a bound on each call in place of a cap": (
        OLD,
        paying(SAYS_WHO, Clause(1, Kind.AT_MOST, 5_000 * 10**6)),
        [
            f"wider: {PAYING}the amount is at most 5,000 USDC in each call, instead of: "
            f"the amount comes to at most 5,000 USDC {IN_AN_ACT}."
        ],
    ),
    "a cap in place of a bound on each call": (
        paying(SAYS_WHO, Clause(1, Kind.AT_MOST, 5_000 * 10**6)),
        OLD,
        [
            f"tighter: {PAYING}the amount comes to at most 5,000 USDC {IN_AN_ACT}, instead of: "
            "the amount is at most 5,000 USDC in each call."
        ],
    ),
    "anybody": (
        OLD,
        paying(CAPPED),
        [
            f"wider: {PAYING}the recipient may be ANYBODY, instead of: "
            f"the recipient must be one of these 2: {CAT_SHOWN}, {ANN_SHOWN}."
        ],
    ),
    "a budget no longer charged": (
        OLD,
        paying(charges=()),
        [f"wider: {PAYING}the amount no longer counts against the budget “payroll”."],
    ),
    "a budget now charged": (
        paying(charges=()),
        OLD,
        [f"tighter: {PAYING}now the amount counts against the budget “payroll”."],
    ),
    "a worse price": (
        OLD,
        trading(incomes=(Income(DAI, 0, 8 * 10**11, 1),)),
        [
            f"wider: {TRADING}{RECEIVES.format('0.8 DAI')} (at most 1.25 USDC for each 1 DAI), instead of: "
            f"{RECEIVES.format('0.9 DAI')}."
        ],
    ),
    "a better price": (
        OLD,
        trading(incomes=(Income(DAI, 0, 95 * 10**10, 1),)),
        [f"tighter: {TRADING}now {RECEIVES.format('0.95 DAI')}."],
    ),
    "the same price": (OLD, trading(incomes=(Income(DAI, 0, 18 * 10**11, 2),)), []),
    "no price": (
        OLD,
        trading(incomes=()),
        [f"wider: {TRADING}no longer demanded: {RECEIVES.format('0.9 DAI')}."],
    ),
    "true no more": (
        OLD,
        paying(must_return_true=False),
        [f"wider: {PAYING}the call need not return true any more."],
    ),
    "true": (paying(must_return_true=False), OLD, [f"tighter: {PAYING}the call must return true."]),
    "a larger limit": (
        OLD,
        budget(limit=15_000_000),
        [
            f"wider: The budget “payroll”: at most 15,000 USDC in any 24 days, {AS_BEFORE}, "
            f"instead of at most 12,000 USDC in any 24 days, {AS_BEFORE}."
        ],
    ),
    "a larger limit, and all of it announced": (
        OLD,
        budget(limit=15_000_000, instant_limit=0),
        [
            "wider: The budget “payroll”: at most 15,000 USDC in any 24 days, all of which must be announced and can "
            f"be objected to, instead of at most 12,000 USDC in any 24 days, {AS_BEFORE}."
        ],
    ),
    "a smaller limit": (
        OLD,
        budget(limit=7_000_000),
        [
            f"tighter: The budget “payroll”: at most 7,000 USDC in any 24 days, {AS_BEFORE}, "
            f"instead of at most 12,000 USDC in any 24 days, {AS_BEFORE}."
        ],
    ),
    "a period of the same segment": (
        OLD,
        budget(period_s=24 * 86_400 + 3),
        [
            "same: The budget “payroll”: its period is called 24 days 3 seconds instead of 24 days, "
            "and the chain counts both in the same segments."
        ],
    ),
    "a longer period": (
        OLD,
        budget(period_s=30 * 86_400, exponent=6, instant_limit=6_000, limit=12_000),
        [
            f"wider: {COUNTS}: at most 12,000 USDC in any 30 days, {AS_BEFORE}; what an act counts in all is rounded "
            f"up to whole steps of 1 USDC; {CHARGED}. Before: {COUNTS}: at most 12,000 USDC in any 24 days, "
            f"{AS_BEFORE}; what an act counts in all is rounded up to whole steps of 0.001 USDC; {CHARGED}. To the "
            "chain it is another budget, which starts empty: at first the agent may spend old and new, which together "
            "is 24,000 USDC."
        ],
    ),
    "measured": (OLD, MEASURED, ["tighter: The budget “payroll” now measures how far the treasury's balance falls."]),
    "measured no more": (
        MEASURED,
        OLD,
        ["wider: The budget “payroll” no longer measures how far the treasury's balance falls."],
    ),
    "a rule less": (OLD, rules(PAY), [f"tighter: It may no longer {TRADING[0].lower()}{TRADING[1:-2]}."]),
    "a rule more": (
        rules(PAY),
        OLD,
        [
            f"wider: Not permitted so before: it may {TRADING[0].lower()}{TRADING[1:]}`amount` (argument 1) is at most "
            "1,000 USDC in each call; `data` (argument 2) may be ANYTHING, of any length; `amount` (argument 1) "
            f"counts against the budget “payroll”; no ether may go with it; {RECEIVES.format('0.9 DAI')}; "
            "it is not known whether its effect ends with the act."
        ],
    ),
    "a rule less with its budget": (
        TWO,
        ONLY_PAY,
        [
            f"tighter: It may no longer {TRADING[0].lower()}{TRADING[1:-2]}.",
            "tighter: The old policy's budget 2 “swaps” is gone, and so is all that was paid from it.",
        ],
    ),
    "the budget alone is gone": (
        TWO,
        without_budget(TWO, 1),
        [
            f"wider: {TRADING}`amount` (argument 1) no longer counts against budget 2 “swaps”.",
            "wider: Nothing counts against the old policy's budget 2 “swaps” any more: at most 12,000 USDC in any "
            f"24 days, {AS_BEFORE}.",
        ],
    ),
    "another argument charged": (
        OLD,
        paying(charges=(Charge(0, Source.ARGUMENT, 0),)),
        [
            f"wider: {PAYING}the amount no longer counts against the budget “payroll”.",
            f"tighter: {PAYING}now the recipient counts against the budget “payroll”.",
        ],
    ),
    "ether in place of none": (
        replace(OLD, budgets=(ETHER_BUDGET,), rules=(replace(PAY, charges=()),)),
        replace(OLD, budgets=(ETHER_BUDGET,), rules=(replace(PAY, charges=(Charge(0, Source.VALUE, 0),)),)),
        [
            f"wider: {PAYING}ether may go with it, which none could.",
        ],
    ),
    "no ether any more": (
        replace(OLD, budgets=(ETHER_BUDGET,), rules=(replace(PAY, charges=(Charge(0, Source.VALUE, 0),)),)),
        replace(OLD, budgets=(ETHER_BUDGET,), rules=(replace(PAY, charges=()),)),
        [
            f"tighter: {PAYING}no ether may go with it any more.",
        ],
    ),
    "an allowance that may stay": (
        paying(approval=True),
        OLD,
        [f"wider: {PAYING}the spender may go on taking after the act has ended."],
    ),
    "an allowance that must go": (
        OLD,
        paying(approval=True),
        [f"tighter: {PAYING}when the act ends, nothing may be left of what the spender was allowed to take."],
    ),
    "one amount in place of another, both capped": (
        paying(Clause(1, Kind.EQUAL, 10**6), CAPPED),
        paying(Clause(1, Kind.EQUAL, 2 * 10**6), CAPPED),
        [
            f"wider: {PAYING}the amount must be 2 USDC and comes to at most 5,000 USDC {IN_AN_ACT}, instead of: "
            f"the amount must be 1 USDC and comes to at most 5,000 USDC {IN_AN_ACT}."
        ],
    ),
    "one amount in place of another, now capped": (
        paying(Clause(1, Kind.EQUAL, 10**6)),
        paying(Clause(1, Kind.EQUAL, 10**6), CAPPED),
        [
            f"tighter: {PAYING}the amount must be 1 USDC and comes to at most 5,000 USDC {IN_AN_ACT}, instead of: "
            "the amount must be 1 USDC."
        ],
    ),
    "bounds that leave nothing": (
        OLD,
        paying(Clause(0, Kind.EQUAL, BOB), SAYS_WHO),
        [
            f"tighter: Permitted before, within looser or other bounds: it may {MAY_PAY}"
            f"the recipient must be {BOB_SHOWN} and must be one of these 2: {CAT_SHOWN}, {ANN_SHOWN}; the amount is "
            "bounded by its budget alone; the amount counts against the budget “payroll”; no ether may go with it; "
            "the call must return true.",
            f"tighter: Gone: that it may {MAY_PAY}the recipient must be one of these 2: "
            f"{CAT_SHOWN}, {ANN_SHOWN}; the amount comes to at most 5,000 USDC {IN_AN_ACT}; {THE_REST}.",
        ],
    ),
    "two rules in place of one": (
        rules(PAY),
        rules(replace(PAY, clauses=(Clause(0, Kind.EQUAL, CAT), CAPPED)), replace(PAY, clauses=(SAYS_WHO,))),
        [
            f"wider: Not permitted so before: it may {MAY_PAY}the recipient must be {CAT_SHOWN}; "
            f"the amount comes to at most 5,000 USDC {IN_AN_ACT}; {THE_REST}.",
            f"wider: Not permitted so before: it may {MAY_PAY}the recipient must be one of these 2: "
            f"{CAT_SHOWN}, {ANN_SHOWN}; the amount is bounded by its budget alone; {THE_REST}.",
            f"same: Gone, while other rules permit the same: that it may {MAY_PAY}the recipient must be one of these "
            f"2: {CAT_SHOWN}, {ANN_SHOWN}; the amount comes to at most 5,000 USDC {IN_AN_ACT}; {THE_REST}.",
        ],
    ),
    "another document": (
        OLD,
        replace(OLD, document_hash=b"\1" * 32),
        ["other: The document that people read, by its hash in the code, is another one."],
    ),
}


def last_line(new: PolicyCode) -> list[str]:
    """What every difference ends with, where the new policy calls what is no token: nobody knows what goes on there."""
    numbers = [str(number) for number, rule in enumerate(new.rules, 1) if rule.target not in KNOWN]
    if not numbers:
        return []
    which = f"rule{'s' * (len(numbers) > 1)} {' and '.join(numbers)}" if len(new.rules) > 1 else "the only rule"
    return [
        f"other: Of a call under {which} of the new policy it is not known whether its effect ends with the act: "
        "if it does not, more may leave the treasury than any limit says."
    ]


@pytest.mark.parametrize("case", BY_HAND)
def test_by_hand(case: str) -> None:
    old, new, lines = BY_HAND[case]
    changes = [str(change) for change in diff(old, new, LABELS, KNOWN, {SWAP.selector: SWAP})]
    assert changes == [*lines, *(last_line(new) if lines else [])]


def marks(old: PolicyCode, new: PolicyCode) -> list[Mark]:
    """The mark of each change that bounds something."""
    return [change.mark for change in diff(old, new, {}, {}) if change.mark is not Mark.OTHER]


def test_one_rule_in_place_of_two_is_covered_by_their_union() -> None:
    one_each = rules(TRADE, *(replace(PAY, clauses=(Clause(0, Kind.EQUAL, who), CAPPED)) for who in (CAT, ANN)))
    assert Mark.WIDER not in marks(one_each, OLD)
    assert Mark.WIDER in marks(one_each, paying(CAPPED))


def test_two_caps_in_place_of_one_add_up() -> None:
    """Each alternative alone keeps the old cap; both together take twice of it in one act."""
    one_each = rules(TRADE, *(replace(PAY, clauses=(Clause(0, Kind.EQUAL, who), CAPPED)) for who in (CAT, ANN)))
    assert Mark.WIDER in marks(OLD, one_each)
    half = replace(CAPPED, operand=CAPPED.operand // 2)
    halves = rules(TRADE, *(replace(PAY, clauses=(Clause(0, Kind.EQUAL, who), half)) for who in (CAT, ANN)))
    assert Mark.WIDER not in marks(OLD, halves)


def test_two_alternatives_of_a_column_do_not_cover_a_list_that_mixes_them() -> None:
    """All entries 1, or all entries 2, were permitted: not a list of a 1 and a 2."""
    array = Rule(VAULT, SELECTORS[0], False, False, 1, (), (), dynamics=(Dynamic(0, 1),))
    apart = replace(
        OLD, budgets=(), rules=tuple(replace(array, clauses=(Clause(0, Kind.EQUAL, value),)) for value in (1, 2))
    )
    mixed = replace(
        OLD, budgets=(), rules=(replace(array, clauses=(Clause(0, Kind.AT_LEAST, 1), Clause(0, Kind.AT_MOST, 2))),)
    )
    assert Mark.WIDER in marks(apart, mixed)
    data = SELECTORS[0] + word(32) + word(2) + word(1) + word(2)
    act = ([Call(VAULT, 0, data)], Observations([Observation()]))
    state = Maker(0).state((apart,), START_S)
    assert lets_through(mixed, state, act, START_S, Mode.RELEASE)
    assert not lets_through(apart, state, act, START_S, Mode.RELEASE)


def test_another_form_of_the_same_function_is_not_proven() -> None:
    """Static words can spell an array: the same data may have both forms."""
    static = Rule(VAULT, SELECTORS[0], False, False, 3, (), ())
    array = Rule(VAULT, SELECTORS[0], False, False, 1, (), (), dynamics=(Dynamic(0, 1),))
    old, new = (replace(OLD, budgets=(), rules=(rule,)) for rule in (static, array))
    assert Mark.WIDER in marks(old, new)
    assert Mark.WIDER in marks(new, old)


def test_data_that_has_two_forms_is_held_against_both() -> None:
    """An array of one element is spelt as three static words: the old policy's first rule demanded true of it."""
    static = Rule(VAULT, SELECTORS[0], False, True, 3, (), ())
    array = Rule(VAULT, SELECTORS[0], False, False, 1, (), (), dynamics=(Dynamic(0, 1),))
    old, new = replace(OLD, budgets=(), rules=(static, array)), replace(OLD, budgets=(), rules=(array,))
    assert Mark.WIDER in marks(old, new)
    act = ([Call(VAULT, 0, SELECTORS[0] + word(32) + word(1) + word(9))], Observations([Observation(is_true=False)]))
    state = Maker(0).state((old,), START_S)
    assert lets_through(new, state, act, START_S, Mode.RELEASE)
    assert not lets_through(old, state, act, START_S, Mode.RELEASE)


def test_static_forms_of_different_lengths_never_meet() -> None:
    short, long = (Rule(VAULT, SELECTORS[0], False, demands, n, (), ()) for n, demands in ((1, True), (2, False)))
    old, new = replace(OLD, budgets=(), rules=(short, long)), replace(OLD, budgets=(), rules=(long,))
    assert Mark.WIDER not in marks(old, new)


def test_an_alternative_that_is_never_reached_bounds_nothing() -> None:
    """What held for Bob alone is no bound on paying Ann."""
    for_bob = replace(PAY, clauses=(Clause(0, Kind.EQUAL, BOB),), charges=())
    for_ann = replace(PAY, clauses=(Clause(0, Kind.EQUAL, ANN), CAPPED), must_return_true=False)
    old = rules(TRADE, for_bob, for_ann)
    assert Mark.WIDER not in marks(old, rules(TRADE, for_ann))
    assert Mark.WIDER not in marks(
        old, rules(TRADE, replace(for_ann, clauses=(*for_ann.clauses, Clause(1, Kind.AT_LEAST, 1))))
    )
    assert Mark.WIDER in marks(old, rules(TRADE, replace(for_ann, clauses=(Clause(0, Kind.AT_LEAST, BOB), CAPPED))))


def test_every_part_of_what_a_rule_is_left_with_is_compared() -> None:
    """The new second rule is left with others than Bob, and with Bob above 10: the others' old bounds are lost."""
    only_bob, not_bob = Clause(0, Kind.EQUAL, BOB), Clause(0, Kind.NOT_EQUAL, BOB)
    to_bob = replace(PAY, clauses=(only_bob,), must_return_true=False)
    few_to_bob = replace(to_bob, clauses=(only_bob, Clause(1, Kind.AT_MOST, 10)))
    anybody = replace(to_bob, clauses=())
    demanding = replace(PAY, clauses=(not_bob,))
    capped = replace(to_bob, clauses=(not_bob, CAPPED))
    for bound in (demanding, capped):
        assert Mark.WIDER in marks(rules(bound, to_bob), rules(few_to_bob, anybody))
        assert Mark.WIDER not in marks(rules(bound, to_bob), rules(few_to_bob, bound))


def test_a_value_that_is_always_zero_adds_nothing_to_caps_and_budgets() -> None:
    nothing, at_most_one = Clause(1, Kind.EQUAL, 0), Clause(1, Kind.AT_MOST, 1)
    for old in (paying(replace(CAPPED, operand=0)), paying(CAPPED)):
        assert Mark.WIDER not in marks(old, paying(nothing))
        assert Mark.WIDER in marks(old, paying(at_most_one))
    assert Mark.WIDER not in marks(OLD, paying(SAYS_WHO, nothing, charges=()))
    assert Mark.WIDER in marks(OLD, paying(SAYS_WHO, replace(CAPPED, operand=1), charges=()))


@pytest.mark.parametrize(
    ("was", "is_", "mark"),
    [
        ((1, 2), (1, 3), Mark.WIDER),
        ((1, 2), (2, 3), Mark.TIGHTER),
        ((2, 3), (5, 7), Mark.TIGHTER),
        ((5, 7), (2, 3), Mark.WIDER),
    ],
)
def test_ratios_are_compared_exactly(was: tuple[int, int], is_: tuple[int, int], mark: Mark) -> None:
    old, new = (trading(incomes=(Income(DAI, 0, *ratio),)) for ratio in (was, is_))
    assert marks(old, new) == [mark]


def test_a_budget_is_wider_if_one_of_its_rules_is() -> None:
    """Gone or new, it is charged by two rules, of which only one permits more."""
    both = (Charge(0, Source.ARGUMENT, 1), Charge(1, Source.ARGUMENT, 1))
    charging = replace(TWO, rules=(TWO.rules[0], replace(PAY, charges=both)))
    gone = without_budget(replace(charging, rules=charging.rules[1:]), 1)
    assert marks(charging, gone) == [Mark.TIGHTER, Mark.WIDER, Mark.WIDER]
    assert marks(ONLY_PAY, charging) == [Mark.WIDER, Mark.TIGHTER, Mark.WIDER]
    assert marks(ONLY_PAY, replace(charging, rules=charging.rules[1:])) == [Mark.TIGHTER, Mark.TIGHTER]


def test_an_income_of_another_asset_or_budget_is_none() -> None:
    two = replace(TWO, rules=(TRADE, PAY))
    for other in (Income(bytes(20), 0, 9 * 10**11, 1), Income(DAI, 1, 9 * 10**11, 1)):
        assert Mark.WIDER in marks(two, replace(two, rules=(replace(TRADE, incomes=(other,)), PAY)))


def test_of_two_caps_the_smaller_counts() -> None:
    smaller = replace(CAPPED, operand=CAPPED.operand - 1)
    both = paying(SAYS_WHO, smaller, CAPPED)
    only = paying(SAYS_WHO, smaller)
    assert marks(both, only) == marks(only, both) == [Mark.SAME]
    assert marks(OLD, both) == [Mark.TIGHTER]
    assert marks(both, OLD) == [Mark.WIDER]


def test_the_order_of_alternatives_matters_only_where_they_overlap() -> None:
    loose = replace(PAY, charges=())
    for_ann = replace(PAY, clauses=(Clause(0, Kind.EQUAL, ANN),))
    first, last = rules(TRADE, for_ann, loose), rules(TRADE, loose, for_ann)
    assert Mark.WIDER in marks(first, last)
    apart = [replace(PAY, clauses=(Clause(0, Kind.EQUAL, who),)) for who in (ANN, BOB)]
    assert marks(rules(*apart), rules(*reversed(apart))) == [Mark.TIGHTER]


def test_a_changed_agent_starts_the_agents_shared_budgets_anew() -> None:
    shared = budget(scope=Scope.AGENT)
    text = " ".join(map(str, diff(shared, replace(shared, agent=b"\1" * 20), LABELS, KNOWN)))
    assert "which starts empty: at first the agent may spend old and new, which together is 24,000 USDC." in text


def test_a_policy_made_to_keep_people_waiting_is_answered() -> None:
    """255 alternatives that all overlap: no proof within the steps, so wider, and soon."""
    words = 16
    rule = Rule(VAULT, SELECTORS[0], False, False, words, (), ())
    many = tuple(
        replace(rule, clauses=(Clause(i % words, Kind.NOT_EQUAL, i), Clause((i * 7) % words, Kind.NOT_EQUAL, i + 1)))
        for i in range(255)
    )
    old = replace(OLD, budgets=(), rules=many)
    assert Mark.WIDER in marks(old, replace(old, rules=tuple(reversed(many))))


@given(st.integers(0, 2**64))
def test_nothing_changes_between_a_policy_and_itself(seed: int) -> None:
    policy = Maker(seed).policy()
    assert diff(policy, policy, {}, {}) == []


values = st.builds(
    lambda items, whole: permitted.Values.of(items) if whole else permitted.Values.of(items).complement(),
    st.lists(st.one_of(st.integers(0, 12), st.integers(2**256 - 3, 2**256 - 1))),
    st.booleans(),
)


@given(values, values)
def test_sets_of_values_are_sets(a: permitted.Values, b: permitted.Values) -> None:
    for value in (*range(15), *range(2**256 - 5, 2**256)):
        assert (value in a & b) == (value in a and value in b)
        assert (value in a - b) == (value in a and value not in b)
        assert (value in a.complement()) != (value in a)
    assert (a <= b) == (not a - b)
    assert a.complement().complement() == a
    assert a.highest == max((value for value in (*range(15), *range(2**256 - 5, 2**256)) if value in a), default=0)


def test_a_set_lists_its_words_up_to_so_many() -> None:
    found = permitted.Values.of([7, 3, 4])
    assert found.intervals == ((3, 4), (7, 7))
    assert found.listed(3) == (3, 4, 7)
    assert found.listed(2) is None
    assert permitted.Values.between(5, 4).intervals == ()
