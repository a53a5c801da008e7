# SPDX-License-Identifier: Apache-2.0
"""Generated policies: every canonical code of few budgets, lists and rules, biased to boundaries."""

from dataclasses import replace

from hypothesis import strategies as st

from policies.code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.encoding import pack_budget, pack_clause

AGENT = bytes.fromhex("a9" * 20)
OPERATOR = bytes.fromhex("0b" * 20)
# What the policies may call; the differential test puts code at these addresses.
TARGETS = tuple(bytes([0x70 + i]) * 20 for i in range(3))
ASSETS = (bytes(20), TARGETS[0])
SELECTORS = (bytes(4), bytes.fromhex("a9059cbb"), b"\xff" * 4)
START_S = 2_000_000_000

words = st.one_of(
    st.integers(0, 9),
    st.sampled_from([2**28, 2**32, 2**160 - 1, 2**255, 2**256 - 2, 2**256 - 1]),
    st.integers(0, 2**256 - 1),
)


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    limit = draw(st.one_of(st.integers(1, 12), st.integers(1, 2**28 - 1), st.just(2**28 - 1)))
    instant = draw(st.one_of(st.just(limit), st.integers(0, limit), st.just(0)))
    return Budget(
        scope=draw(st.sampled_from(Scope)),
        asset=draw(st.sampled_from(ASSETS)),
        exponent=draw(st.sampled_from([0, 0, 1, 3, 10, 128, 227, 228])),
        period_s=draw(
            st.one_of(st.sampled_from([7, 8, 13, 14, 50, 604_800, 2_073_600, 2**32 - 1]), st.integers(7, 200))
        ),
        instant_limit=instant,
        limit=limit,
        name=draw(st.sampled_from([b"", b"pay", b"a b", b"~" * 32])).ljust(32, b"\0"),
    )


def _ring(budget: Budget) -> tuple[object, ...]:
    return (budget.scope, budget.asset, budget.exponent, budget.segment_s, budget.name)


def lists() -> st.SearchStrategy[tuple[int, ...]]:
    return st.sets(words, min_size=1, max_size=5).map(lambda items: tuple(sorted(items)))


@st.composite
def rules(draw: st.DrawFn, budget_count: int, list_count: int) -> Rule:
    no_selector = draw(st.integers(0, 4)) == 0
    count = 0 if no_selector else draw(st.sampled_from([0, 1, 2, 2, 3, 32]))
    clauses = draw(st.lists(_clause(count, list_count), max_size=4, unique=True)) if count else []
    charged = draw(st.sets(st.integers(0, budget_count - 1), max_size=3)) if budget_count else set()
    return Rule(
        target=draw(st.sampled_from(TARGETS)),
        selector=bytes(4) if no_selector else draw(st.sampled_from(SELECTORS)),
        no_selector=no_selector,
        must_return_true=draw(st.booleans()),
        words=count,
        clauses=tuple(sorted(clauses, key=pack_clause)),
        charges=tuple(draw(_charge(index, count)) for index in sorted(charged)),
    )


@st.composite
def _clause(draw: st.DrawFn, count: int, list_count: int) -> Clause:
    kinds = [kind for kind in Kind if kind is not Kind.IN_LIST or list_count]
    kind = draw(st.sampled_from(kinds))
    operand = draw(st.integers(0, list_count - 1)) if kind is Kind.IN_LIST else draw(words)
    return Clause(draw(st.integers(0, min(count, 3) - 1)), kind, operand)


@st.composite
def _charge(draw: st.DrawFn, budget: int, count: int) -> Charge:
    if count and draw(st.integers(0, 3)):
        return Charge(budget, Source.ARGUMENT, draw(st.integers(0, min(count, 3) - 1)))
    return Charge(budget, Source.VALUE, 0)


@st.composite
def policies(draw: st.DrawFn) -> PolicyCode:
    """A canonical policy. Budgets that no generated rule charges are charged by the last rule."""
    some = draw(
        st.lists(budgets(), max_size=3, unique_by=_ring).map(lambda found: tuple(sorted(found, key=pack_budget)))
    )
    some_lists = tuple(draw(st.lists(lists(), max_size=2)))
    some_rules = draw(st.lists(rules(len(some), len(some_lists)), min_size=1, max_size=4))
    charged = {charge.budget for rule in some_rules for charge in rule.charges}
    missing = [Charge(index, Source.VALUE, 0) for index in range(len(some)) if index not in charged]
    last = some_rules.pop()
    some_rules.append(replace(last, charges=tuple(sorted([*last.charges, *missing], key=lambda one: one.budget))))
    needs_window = any(budget.instant_limit < budget.limit for budget in some)
    delay = draw(st.sampled_from([1, 60, 172_800] if needs_window else [0, 1, 60]))
    window = draw(st.sampled_from([1, 60, 432_000] if needs_window else [0, 1, 60]))
    return PolicyCode(
        agent=AGENT,
        operator=OPERATOR,
        start_s=START_S + draw(st.sampled_from([0, 0, 0, 5])),
        end_s=(START_S // 3600 + draw(st.sampled_from([1, 24, 10_000, 10_000]))) * 3600 + 3600,
        cooldown_s=draw(st.sampled_from([0, 0, 0, 1, 30])),
        objection_delay_s=delay,
        release_window_s=window,
        objection_threshold_bps=draw(st.sampled_from([1, 500, 10_000])),
        document_hash=draw(st.binary(min_size=32, max_size=32)),
        budgets=some,
        lists=some_lists,
        rules=tuple(sorted(some_rules, key=lambda rule: rule.key)),
    )


@st.composite
def window_policies(draw: st.DrawFn) -> PolicyCode:
    """One short budget and one rule that any amount passes: for histories that walk round the ring."""
    limit = draw(st.integers(1, 12))
    budget = Budget(
        scope=draw(st.sampled_from(Scope)),
        asset=TARGETS[0],
        exponent=draw(st.sampled_from([0, 1, 3])),
        period_s=draw(st.integers(7, 60)),
        instant_limit=draw(st.sampled_from([limit, limit, limit // 2])),
        limit=limit,
        name=b"window".ljust(32, b"\0"),
    )
    rule = Rule(TARGETS[0], SELECTORS[1], False, True, 1, (), (Charge(0, Source.ARGUMENT, 0),))
    end_s = (START_S // 3600 + 10_000) * 3600
    return PolicyCode(AGENT, OPERATOR, START_S, end_s, 0, 1, 60, 500, bytes(32), (budget,), (), (rule,))
