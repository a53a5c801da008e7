# SPDX-License-Identifier: Apache-2.0
"""Generated policies: every canonical code of few budgets, lists and rules, biased to boundaries."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policies.code.encoding import pack, pack_budget, pack_charge, pack_clause, pack_income
from policies.code.policy_code import (
    Budget,
    Charge,
    Clause,
    Dynamic,
    Income,
    Kind,
    PlaceKind,
    PolicyCode,
    Rule,
    Scope,
    Source,
)
from policies.code.signatures import APPROVE
from policies.notation.primitives import keccak

AGENT = bytes.fromhex("a9" * 20)
OPERATOR = bytes.fromhex("0b" * 20)
ETHER = bytes(20)
# What the policies may call; the differential test puts a contract at these addresses, which is also their token.
TARGETS = tuple(bytes([0x70 + i]) * 20 for i in range(3))
EMPTY_ACCOUNT = b"\x7e" * 20  # has no code: ether can be sent there, and nothing called
ASSETS = (ETHER, TARGETS[0], TARGETS[1])
SELECTORS = (bytes(4), bytes.fromhex("a9059cbb"), b"\xff" * 4)
START_S = 2_000_000_000

BYTES = (b"", b"\1" * 4, b"\2" * 32, b"\3" * 33)
HASHES = tuple(int.from_bytes(keccak(content), "big") for content in BYTES)

words = st.one_of(
    st.integers(0, 9),
    st.sampled_from([*HASHES, 2**28, 2**32, 2**160 - 1, 2**255, 2**256 - 2, 2**256 - 1]),
    st.integers(0, 2**256 - 1),
)


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    limit = draw(st.one_of(st.integers(1, 12), st.integers(1, 2**28 - 1), st.just(2**28 - 1)))
    instant = draw(st.one_of(st.just(limit), st.integers(0, limit), st.just(0)))
    return Budget(
        scope=draw(st.sampled_from(Scope)),
        asset=draw(st.sampled_from(ASSETS)),
        exponent=draw(st.sampled_from([0, 0, 0, 1, 3, 38, 67, 68])),
        measured=draw(st.booleans()),
        period_s=draw(
            st.one_of(st.sampled_from([7, 8, 13, 14, 50, 604_800, 2_073_600, 2**32 - 1]), st.integers(7, 200))
        ),
        instant_limit=instant,
        limit=limit,
        name=draw(st.sampled_from([b"", b"pay", b"a b", b"~" * 32])).ljust(32, b"\0"),
    )


def lists() -> st.SearchStrategy[tuple[int, ...]]:
    return st.sets(words, min_size=1, max_size=5).map(lambda items: tuple(sorted(items)))


@st.composite
def rules(draw: st.DrawFn, some: tuple[Budget, ...], list_count: int) -> Rule:
    """A rule that charges and demands only what the budgets allow."""
    measured = [budget.asset for budget in some if budget.measured and any(budget.asset)]
    if measured and draw(st.integers(0, 2)) == 0:
        head = Rule(draw(st.sampled_from(measured)), APPROVE, False, draw(st.booleans()), 2, (), (), approval=True)
    else:
        head = draw(_heads())
    clauses = draw(_clauses(head, list_count))
    charges = draw(_charges(head, some))
    rule = replace(head, clauses=clauses, charges=charges)
    return replace(rule, incomes=draw(_incomes(rule, some)))


@st.composite
def _heads(draw: st.DrawFn) -> Rule:
    no_selector = draw(st.integers(0, 4)) == 0
    count = 0 if no_selector else draw(st.sampled_from([0, 1, 2, 2, 2, 3, 3, 4, 32]))
    at = draw(st.sets(st.integers(0, min(count, 4) - 1), max_size=2)) if count else set()
    return Rule(
        target=draw(st.sampled_from((*TARGETS, EMPTY_ACCOUNT) if no_selector else TARGETS)),
        selector=bytes(4) if no_selector else draw(st.sampled_from(SELECTORS)),
        no_selector=no_selector,
        must_return_true=draw(st.booleans()),
        words=count,
        clauses=(),
        charges=(),
        dynamics=tuple(Dynamic(index, draw(st.sampled_from([0, 0, 1, 1, 2, 3]))) for index in sorted(at)),
    )


def places(rule: Rule, kinds: Iterable[PlaceKind] = PlaceKind) -> list[tuple[int, int]]:
    """The rule's places of these kinds, in its first four words."""
    wanted = set(kinds)
    every = [(index, column) for index in range(min(rule.words, 4)) for column in range(5)]
    return [place for place in every if rule.place(*place) in wanted]


@st.composite
def _clauses(draw: st.DrawFn, rule: Rule, list_count: int) -> tuple[Clause, ...]:
    if not rule.words:
        return ()
    return tuple(sorted(draw(st.lists(_clause(rule, list_count), max_size=4, unique=True)), key=pack_clause))


@st.composite
def _clause(draw: st.DrawFn, rule: Rule, list_count: int) -> Clause:
    index, column = draw(st.sampled_from(places(rule)))
    hashed = rule.place(index, column) is PlaceKind.HASH
    kinds = [kind for kind in Kind if (kind is not Kind.IN_LIST or list_count) and not (kind is Kind.CAP and hashed)]
    kind = draw(st.sampled_from(kinds))
    values = st.sampled_from(HASHES) if hashed else words
    operand = draw(st.integers(0, list_count - 1)) if kind is Kind.IN_LIST else draw(values)
    return Clause(index, kind, operand, column)


@st.composite
def _charges(draw: st.DrawFn, rule: Rule, some: tuple[Budget, ...]) -> tuple[Charge, ...]:
    chosen = draw(st.sets(st.integers(0, len(some) - 1), max_size=3)) if some else set()
    made = (draw(_charge(index, rule, some[index])) for index in sorted(chosen))
    return tuple(charge for charge in made if charge is not None)


@st.composite
def _charge(draw: st.DrawFn, index: int, rule: Rule, budget: Budget) -> Charge | None:
    """None where the rule has nothing that the budget can be charged with."""
    found = [Charge(index, Source.ARGUMENT, *place) for place in places(rule, (PlaceKind.WORD, PlaceKind.COLUMN))]
    value = [Charge(index, Source.VALUE, 0)] if not any(budget.asset) else []
    if not found and not value:
        return None
    return draw(st.sampled_from(found + value * max(1, len(found))))


@st.composite
def _incomes(draw: st.DrawFn, rule: Rule, some: tuple[Budget, ...]) -> tuple[Income, ...]:
    charged = {charge.budget for charge in rule.charges}
    usable = [index for index, budget in enumerate(some) if budget.measured or index in charged]
    if not usable or draw(st.integers(0, 3)):
        return ()
    incomes = draw(st.lists(_income(usable, some), min_size=1, max_size=2, unique=True))
    return tuple(sorted(incomes, key=pack_income))


@st.composite
def _income(draw: st.DrawFn, usable: list[int], some: tuple[Budget, ...]) -> Income:
    index = draw(st.sampled_from(usable))
    asset = draw(st.sampled_from([asset for asset in ASSETS if asset != some[index].asset]))
    ratio = st.sampled_from([1, 1, 2, 3, 199, 200, 10**12, 2**128 - 1])
    return Income(asset, index, draw(ratio), draw(ratio))


@st.composite
def policies(draw: st.DrawFn) -> PolicyCode:
    """A canonical policy. Budgets that no generated rule charges are measured."""
    some = draw(
        st.lists(budgets(), max_size=3, unique_by=lambda one: one.ring).map(
            lambda all_: tuple(sorted(all_, key=pack_budget))
        )
    )
    some_lists = tuple(draw(st.lists(lists(), max_size=2)))
    some_rules = draw(st.lists(rules(some, len(some_lists)), min_size=1, max_size=4))
    some, some_rules = measure_unused(some, some_rules)
    needs_window = any(budget.instant_limit < budget.limit for budget in some)
    delay = draw(st.sampled_from([1, 60, 172_800] if needs_window else [0, 60, 172_800]))
    window = draw(st.sampled_from([1, 60, 432_000] if needs_window else [0, 60, 432_000]))
    return PolicyCode(
        agent=AGENT,
        operator=OPERATOR,
        start_s=START_S + draw(st.sampled_from([0, 0, 0, 5])),
        end_s=draw(st.sampled_from([*(START_S + hours * 3600 for hours in (1, 24, 10_000)), *[2**32] * 3]))
        // 3600
        * 3600,
        cooldown_s=draw(st.sampled_from([0, 0, 0, 1, 30])),
        objection_delay_s=delay,
        release_window_s=window,
        objection_threshold_bps=draw(st.sampled_from([1, 500, 10_000])),
        document_hash=draw(st.binary(min_size=32, max_size=32)),
        budgets=some,
        lists=some_lists,
        rules=tuple(sorted(some_rules, key=lambda rule: rule.key)),
    )


def measure_unused(some: tuple[Budget, ...], made: list[Rule]) -> tuple[tuple[Budget, ...], list[Rule]]:
    """Budgets that no rule charges measured, and everything in its place again (the flag is part of the order)."""
    charged = {charge.budget for rule in made for charge in rule.charges}
    changed = [replace(budget, measured=budget.measured or index not in charged) for index, budget in enumerate(some)]
    order = sorted(range(len(changed)), key=lambda index: pack_budget(changed[index]))
    place = {index: now for now, index in enumerate(order)}
    moved = []
    for rule in made:
        charges = (replace(charge, budget=place[charge.budget]) for charge in rule.charges)
        incomes = (replace(income, budget=place[income.budget]) for income in rule.incomes)
        charges_, incomes_ = tuple(sorted(charges, key=pack_charge)), tuple(sorted(incomes, key=pack_income))
        moved.append(replace(rule, charges=charges_, incomes=incomes_))
    return tuple(changed[index] for index in order), moved


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


def code_pool(size: int) -> list[bytes]:
    """Some valid codes, always the same."""
    found: list[bytes] = []

    @settings(
        max_examples=size,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(policies())
    def collect(policy: PolicyCode) -> None:
        found.append(pack(policy))

    collect()
    return found


def mutated_code(random: Random, code: bytes) -> bytes:
    """The code with one or a few of its bytes wrong."""
    raw = bytearray(code)
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        at = random.randrange(len(raw))
        match random.randrange(7):
            case 0 | 1:
                raw[at] ^= 1 << random.randrange(8)
            case 2:
                raw[at] = random.choice([0, 1, 2, 4, 6, 7, 32, 33, 77, 78, 255])
            case 3:
                raw[at:at] = random.randbytes(random.choice([1, 2, 32]))
            case 4:
                del raw[at : at + random.choice([1, 2, 4, 32, 35, 67])]
            case 5:
                size = random.choice([2, 4, 32, 35])
                other = random.randrange(len(raw))
                raw[at : at + size] = raw[other : other + size]
            case _:
                raw[at : at + 32] = bytes(32)
        if not raw:
            return b""
    return bytes(raw)
