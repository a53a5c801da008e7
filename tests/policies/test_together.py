# SPDX-License-Identifier: Apache-2.0
"""The three lines about all of a policy: never less than what can go, and no asset left out."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies.code.encoding import decode, pack
from policies.code.policy_code import Budget, Charge, Clause, Income, Kind, PolicyCode, Rule, Scope, Source
from policies.code.signatures import APPROVE, TRANSFER
from policies.notation.amounts import Token
from policies.notation.primitives import checksum, selector
from policies.trial.stolen_key import simulate
from policies.words.explain import explain
from policies.words.explanation import explanation
from policies.words.leaving import fence
from policies.words.together import shown_case, totals
from policies.words.wording import Vocabulary
from policies.words.worst_case import worst_case

AGENT, OPERATOR = b"\xa9" * 20, b"\x0b" * 20
USDC, DAI, FIRST, SECOND = b"\x70" * 20, b"\xda" * 20, b"\x71" * 20, b"\x72" * 20
START_S, DAY_S = 2_000_000_000 // 3600 * 3600, 86_400
TOKENS = {
    address: Token(symbol, address, 6)
    for symbol, address in (("USDC", USDC), ("DAI", DAI), ("vA", FIRST), ("vB", SECOND))
}
WITHDRAW, DEPOSIT = selector("withdraw(uint256)"), selector("deposit(uint256,address)")
ALLOWANCE = Rule(USDC, APPROVE, False, False, 2, (), (), approval=True)
UNWRAP = Rule(FIRST, WITHDRAW, False, False, 1, (), ())


def budget(asset: bytes = USDC, limit: int = 1_000_000 * 10**6, **changes: object) -> Budget:
    made = Budget(Scope.POLICY, asset, 0, 30 * DAY_S, limit, limit, b"pay".ljust(32, b"\0"))
    return replace(made, **changes)  # type: ignore[arg-type]


def policy_of(budgets: tuple[Budget, ...], *rules: Rule, days: int = 30, **changes: object) -> PolicyCode:
    made = PolicyCode(
        AGENT, OPERATOR, START_S, START_S + days * DAY_S, 0, 60, 60, 500, bytes(32), budgets, (),
        tuple(sorted(rules, key=lambda rule: rule.key)),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def stolen(policy: PolicyCode) -> str:
    return explanation(policy, {}, TOKENS).together[2]


def test_what_a_contract_takes_by_an_allowance_against_its_standard_is_said() -> None:
    """`withdraw(uint256)` takes no USDC from WETH; a contract that only looks like it takes all that it is allowed."""
    policy = policy_of((budget(limit=1_000_000, exponent=6, measured=True),), ALLOWANCE, UNWRAP)
    assert decode(pack(policy)) == policy
    (found,) = simulate(policy, 30)
    (total,) = totals(policy, Vocabulary({}, TOKENS, {}))
    assert found.unopposed == total.joint.at_once == 1_000_000 * 10**6
    said = stolen(policy)
    broken = "this only if the contract that is called under rule 2 breaks its standard and uses an allowance, such"
    taken = "as one given in the same act, to take what such a call should not take; then for nothing, and this policy"
    assert f"{broken} {taken} does not limit" in said
    assert "1,000,000 USDC right away" in said
    assert "takes nothing that a budget counts" not in said
    without = stolen(policy_of((budget(measured=True),), UNWRAP))
    assert "takes nothing that a budget counts (leaving out what the only rule lets happen" in without
    assert "and WITHOUT ANY BOUND all that may leave by rule 1 of the token vA" in without


@pytest.mark.parametrize(
    "function", ["transfer(address,uint256)", "redeem(uint256,address,address)", "withdraw(uint256)"]
)
def test_a_token_that_no_budget_counts_is_named_as_unbounded(function: str) -> None:
    pay = Rule(USDC, TRANSFER, False, True, 2, (Clause(0, Kind.EQUAL, 7),), (Charge(0, Source.ARGUMENT, 1),))
    leak = Rule(DAI, selector(function), False, False, function.count(",") + 1, (), ())
    policy = policy_of((budget(),), pay, leak)
    said = stolen(policy)
    assert "WITHOUT ANY BOUND" in said
    assert f"all that may leave by rule 2 of the token DAI ({checksum(DAI)[:6]}" in said
    assert "can take at most" not in said
    assert "leaving out what rule 2 lets happen, which no budget bounds" in said
    assert "but what calls under rule 2 begin, or allow others to do" in "\n".join(explain(policy, {}, TOKENS))
    assert "WITHOUT ANY BOUND" not in stolen(policy_of((budget(),), pay))


def test_an_allowance_that_no_budget_counts_is_named_as_unbounded() -> None:
    assert "rule 1 of the token USDC" in stolen(policy_of((budget(DAI),), ALLOWANCE, UNWRAP))
    counted = replace(ALLOWANCE, charges=(Charge(0, Source.ARGUMENT, 1),))
    assert "rule 1 of the token USDC" not in stolen(policy_of((budget(),), counted, UNWRAP))
    assert "rule 1 of the token USDC" not in stolen(policy_of((budget(DAI),), ALLOWANCE))


def test_the_weakest_ratio_bounds_what_is_lost() -> None:
    """Whoever has the key takes the way that loses most."""
    ways = [
        Rule(vault, DEPOSIT, False, False, 2, (), (Charge(0, Source.ARGUMENT, 0),), incomes=(Income(vault, 0, *ratio),))
        for vault, ratio in ((FIRST, (999, 1000)), (SECOND, (9, 10)))
    ]
    said = stolen(policy_of((budget(measured=True),), *ways))
    assert "at most 1 in 10 of it is lost if 1 vA is worth no less than 1 USDC and 1 vB is worth no less than" in said
    assert "1 in 1,000" not in said
    half_known = explanation(policy_of((budget(measured=True),), *ways), {}, {USDC: TOKENS[USDC], FIRST: TOKENS[FIRST]})
    assert "of it is lost" not in half_known.together[2]


def test_a_period_that_is_longer_than_a_year_counts_whole() -> None:
    """1,000 in each of the 34 acts that fit into 1,000 days."""
    pay = Rule(USDC, TRANSFER, False, True, 2, (Clause(1, Kind.CAP, 1_000),), (Charge(0, Source.ARGUMENT, 1),))
    long = policy_of(
        (budget(limit=50_000, period_s=1_000 * DAY_S),),
        pay, days=3 * 365, cooldown_s=30 * DAY_S, objection_delay_s=0, release_window_s=0,
    )  # fmt: skip
    (case,) = worst_case(long, 365)
    (reached,) = simulate(long, 1_000)
    assert reached.unopposed == case.in_a_period == 34_000
    assert case.at_once == 1_000  # one act: the next waits a month
    (total,) = totals(long, Vocabulary({}, TOKENS, {}))
    assert (total.taken.at_once, total.taken.in_time[-1][1]) == (1_000, 37_000)


# What is taken for shares, and what comes in for two


def test_a_vault_whose_token_no_budget_counts_takes_it_without_any_bound() -> None:
    """An allowance that an earlier vote gave: the shares are measured, and what is taken for them is another token."""
    for function in ("mint(uint256,address)", "deposit(uint256,address)"):
        take = Rule(FIRST, selector(function), False, False, 2, (), ())
        policy = policy_of((budget(FIRST, limit=9, measured=True),), take)
        assert decode(pack(policy)) == policy
        said = explanation(policy, {}, TOKENS)
        assert (
            "and WITHOUT ANY BOUND all that may leave by rule 1 of the token that is taken for shares"
            in said.together[2]
        )
        assert "leaving out what the only rule lets happen, which no budget bounds" in said.together[1]
        (row,) = said.table
        assert (row.at_once, row.charged_by) == ("0 vA", "nothing takes from it")
        (worst,) = [line for line in said.sentences if line.startswith("Worst case for")]
        assert worst.endswith(
            "leaving out what the only rule lets happen, which no budget bounds: a stolen key can take "
            "nothing of what it counts."
        )


@pytest.mark.parametrize("charges", [(), (Charge(0, Source.ARGUMENT, 0),)])
@pytest.mark.parametrize("measured", [False, True])
def test_a_budget_bounds_what_is_taken_for_shares_only_if_it_is_its_token(
    charges: tuple[Charge, ...], measured: bool
) -> None:
    """Which token a vault takes no code shows; 1,000 DAI in base units are any amount of USDC."""
    take = Rule(FIRST, DEPOSIT, False, False, 2, (), charges)
    for line in explanation(policy_of((budget(DAI, measured=measured),), take), {}, TOKENS).together[1:]:
        if charges or measured:
            assert "(true only if what is taken for shares by the only rule is the token DAI" in line
        else:
            assert "leaving out what the only rule lets happen, which no budget bounds" in line


ratios = st.tuples(st.integers(0, 3), st.integers(1, 3))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([FIRST, SECOND]), ratios), min_size=2, max_size=2))
def test_what_is_said_to_come_in_comes_in_for_all_that_goes_out(demands: list[tuple[bytes, tuple[int, int]]]) -> None:
    """Each demand is met by the same rise. What is said of the assets in turn can't be more than that in all."""
    budgets = (budget(measured=True), budget(DAI, measured=True))
    incomes = tuple(Income(asset, number, *ratio) for number, (asset, ratio) in enumerate(demands))
    swap = Rule(b"\5" * 20, b"\1\2\3\4", False, False, 1, (), (), incomes=incomes)
    policy, goes_out = policy_of(budgets, swap), 6_000
    rises = {asset: max(one.least(goes_out) for one in incomes if one.asset == asset) for asset, _ in demands}
    said: dict[bytes, int] = {}
    for asset in (USDC, DAI):
        if (income := fence(policy, swap, asset)) is not None:
            said[income.asset] = said.get(income.asset, 0) + income.least(goes_out)
    assert all(amount <= rises[asset] for asset, amount in said.items())


def test_two_demands_for_one_token_bound_neither_loss() -> None:
    incomes = tuple(Income(FIRST, number, 999, 1000) for number in (0, 1))
    swap = Rule(b"\5" * 20, b"\1\2\3\4", False, False, 1, (), (), incomes=incomes)
    said = explanation(policy_of((budget(measured=True), budget(DAI, measured=True)), swap), {}, TOKENS)
    assert "something must come in" not in said.together[2]
    assert "of it is lost" not in said.together[2]
    assert sum(line.startswith("DEMANDED TWICE, ANSWERED ONCE, under the rule above: ") for line in said.sentences) == 1
    assert not any(line.startswith("BOUNDED IN PRICE BY THE RATIO ALONE") for line in said.sentences)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40 * DAY_S), st.integers(1, 9), st.integers(1, 30), st.integers(1, 400), st.integers(1, 60))
def test_at_once_is_no_more_than_in_any_longer_time(
    cooldown_s: int, cap: int, limit: int, days: int, period_days: int
) -> None:
    """And no less than what one act takes."""
    pay = Rule(USDC, TRANSFER, False, True, 2, (Clause(1, Kind.CAP, cap),), (Charge(0, Source.ARGUMENT, 1),))
    policy = policy_of((budget(limit=limit, period_s=period_days * DAY_S),), pay, days=days, cooldown_s=cooldown_s)
    (total,) = totals(policy, Vocabulary({}, TOKENS, {}))
    (case,) = worst_case(policy, 365)
    one_act = min(cap, limit)
    for at_once in (total.joint.at_once, case.at_once):
        assert at_once == (
            one_act
            if cooldown_s >= DAY_S
            else min(limit, cap * (-(-DAY_S // cooldown_s or DAY_S)))
            if cooldown_s
            else limit
        )
        assert one_act <= at_once <= min(alone for _, alone, _ in total.joint.in_time)
    assert case.at_once <= case.in_a_period


def test_what_takes_only_what_leaves_is_not_said_to_be_charged() -> None:
    row = explanation(
        policy_of((budget(measured=True),), Rule(FIRST, DEPOSIT, False, False, 2, (), ())), {}, TOKENS
    ).table[0]
    assert row.charged_by == "whatever leaves by rule 1 counts too"


# To whom it goes


@st.composite
def payments_beside_vaults(draw: st.DrawFn) -> PolicyCode:
    """Listed payments, vaults and calls that share budgets of two tokens and a vault's shares."""
    assets = draw(st.lists(st.sampled_from([USDC, USDC, DAI, FIRST]), min_size=1, max_size=3))
    limits, levels = st.sampled_from([5, 1_000_000]), st.sampled_from([0, 5])
    budgets = tuple(
        budget(asset, draw(limits), instant_limit=draw(levels), measured=draw(st.booleans()), name=b"%031d" % place)
        for place, asset in enumerate(assets)
    )
    charges = st.lists(st.integers(0, len(budgets) - 1), unique=True, max_size=2)
    incomes = st.lists(
        st.builds(
            Income, st.sampled_from([USDC, DAI, FIRST]), st.integers(0, len(budgets) - 1), st.just(9), st.just(10)
        ),
        max_size=1,
    )
    rules = []
    for target, function in draw(st.lists(st.sampled_from(WAYS), min_size=1, max_size=4, unique=True)):
        count, source = function.count(",") + 1, int(function.startswith("transfer"))
        rule = Rule(target, selector(function), False, False, count, (), ())
        charged = tuple(Charge(place, Source.ARGUMENT, source) for place in sorted(draw(charges)))
        rules.append(replace(rule, charges=charged, incomes=tuple(draw(incomes)), approval=function.startswith("appr")))
        if function.startswith("transfer") and draw(st.booleans()):
            rules[-1] = replace(rules[-1], clauses=(Clause(0, Kind.EQUAL, draw(st.integers(1, 2))),))
    return policy_of(budgets, *rules)


WAYS = [
    (USDC, "transfer(address,uint256)"),
    (DAI, "transfer(address,uint256)"),
    (USDC, "approve(address,uint256)"),
    (FIRST, "deposit(uint256,address)"),
    (FIRST, "redeem(uint256,address,address)"),
    (SECOND, "deposit(uint256,address)"),
    (b"\5" * 20, "call(uint256)"),
]
VAULT = Rule(
    FIRST, DEPOSIT, False, False, 2, (), (Charge(0, Source.ARGUMENT, 0),), incomes=(Income(FIRST, 0, 9, 10),)
)  # fmt: skip
LISTED = Rule(USDC, TRANSFER, False, False, 2, (Clause(0, Kind.EQUAL, 7),), (Charge(0, Source.ARGUMENT, 1),))
IN_ANOTHER_WAY = "for what goes in another way something must come in: at most 1 in 10 of it is lost"
TO_ANYBODY = "but all of it can go for nothing, and to anybody, if the contract that is called under rule"


@settings(max_examples=400, deadline=None)
@given(payments_beside_vaults())
@example(policy_of((budget(measured=True),), LISTED, VAULT))
@example(policy_of((budget(measured=True),), LISTED, ALLOWANCE, UNWRAP))
@example(policy_of((budget(measured=True),), LISTED, ALLOWANCE, replace(UNWRAP, incomes=(Income(DAI, 0, 1, 1),))))
def test_a_list_is_said_to_limit_who_gets_it_only_with_what_goes_past_it(policy: PolicyCode) -> None:
    words = Vocabulary({}, TOKENS, {})
    counted = stolen(policy).partition(", and WITHOUT ANY BOUND")[0]
    parts = re.split(r"(?:: |\. )[oO]f the token (\w+) \(", counted)
    symbols = parts[1::2] or [words.symbol(policy.budgets[0].asset)]
    for symbol, text in zip(symbols, parts[2::2] or [counted], strict=True):
        if "only to " not in text:
            continue
        for number, one in enumerate(policy.budgets):
            if words.symbol(one.asset) != symbol:
                continue
            paid = shown_case(policy, number, words).recipients
            if paid is None:
                assert "something must come in" in text or "to anybody, if the contract" in text, text
            else:
                assert all(f"{checksum(address)[:6]}…{checksum(address)[-4:]}" in text for address in paid), text


def test_a_payment_that_shares_its_budget_with_a_vault_limits_only_itself() -> None:
    """One list could take all of the budget: that the same may go into the vault, or to anybody, was left out."""
    beside_a_vault = stolen(policy_of((budget(measured=True),), LISTED, VAULT))
    assert f"; for nothing it can go only to 0x0000…0007; {IN_ANOTHER_WAY}" in beside_a_vault
    assert "to anybody" not in beside_a_vault
    beside_an_allowance = stolen(policy_of((budget(measured=True),), LISTED, ALLOWANCE, VAULT, UNWRAP))
    kept = "something must come in as long as what is called keeps to its standard: "
    assert IN_ANOTHER_WAY.replace("something must come in: ", kept) in beside_an_allowance
    assert TO_ANYBODY in beside_an_allowance
    assert "; only to 0x0000…0007." in stolen(policy_of((budget(measured=True),), LISTED))


def test_what_is_pulled_against_something_is_told_as_what_goes_against_something() -> None:
    unwrap = replace(UNWRAP, incomes=(Income(DAI, 0, 9, 10),))
    said = stolen(policy_of((budget(measured=True),), ALLOWANCE, unwrap))
    assert "1,000,000 USDC right away" in said
    assert "for all of it something must come in: at most 1 in 10 of it is lost if 1 DAI" in said
