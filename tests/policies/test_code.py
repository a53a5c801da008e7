# SPDX-License-Identifier: Apache-2.0
"""A policy's values: what a budget counts, which ring it has, and what stands at a place."""

from dataclasses import replace

import pytest
from faster_eth_abi import encode as abi_encode
from hypothesis import given
from hypothesis import strategies as st

from policies.code.policy_code import Budget, Dynamic, Income, PlaceKind, Rule, Scope
from policies.notation.primitives import keccak
from tests.policies.strategies import AGENT, TARGETS, budgets, policies

BUDGET = Budget(Scope.POLICY, TARGETS[0], 3, 2_073_600, 6, 12, b"pay".ljust(32, b"\0"))
ID = b"\x1d" * 32


@given(budgets(), st.integers(0, 2**256 - 1))
def test_units_are_the_least_that_hold_the_amount(budget: Budget, amount: int) -> None:
    units = budget.units(amount)
    assert budget.base_units(units) >= amount
    assert units == 0 or budget.base_units(units - 1) < amount


@given(budgets())
def test_the_rings_key_is_that_of_the_format(budget: Budget) -> None:
    scope_id = {Scope.POLICY: ID, Scope.AGENT: AGENT.rjust(32, b"\0"), Scope.DAO: bytes(32)}[budget.scope]
    types = ["uint8", "bytes32", "address", "uint8", "uint32", "bytes32"]
    values = [budget.scope, scope_id, "0x" + budget.asset.hex(), budget.exponent, budget.segment_s, budget.name]
    assert budget.key(ID, AGENT) == keccak(abi_encode(types, values))


def test_limits_and_measuring_leave_the_ring_and_all_else_makes_another() -> None:
    key = BUDGET.key(ID, AGENT)
    for same in ({"limit": 99}, {"instant_limit": 0}, {"measured": True}, {"period_s": 2_073_599}):
        assert replace(BUDGET, **same).key(ID, AGENT) == key
    others = (
        {"asset": TARGETS[1]},
        {"exponent": 4},
        {"period_s": 2_073_604},
        {"name": bytes(32)},
        {"scope": Scope.DAO},
    )
    for other in others:
        assert replace(BUDGET, **other).key(ID, AGENT) != key
    assert BUDGET.key(bytes(32), AGENT) != key
    assert BUDGET.key(ID, bytes(20)) == key
    shared = replace(BUDGET, scope=Scope.AGENT)
    assert shared.key(bytes(32), AGENT) == shared.key(ID, AGENT) != shared.key(ID, bytes(20))


@pytest.mark.parametrize(("charged", "least"), [(0, 0), (1, 2), (2, 3), (3, 5), (4, 6)])
def test_an_income_is_rounded_up(charged: int, least: int) -> None:
    assert Income(TARGETS[1], 0, 3, 2).least(charged) == least


def test_what_stands_at_a_place() -> None:
    rule = Rule(TARGETS[0], b"\1\2\3\4", False, False, 3, (), (), dynamics=(Dynamic(1, 2), Dynamic(2, 0)))
    assert [rule.place(0, column) for column in (0, 1)] == [PlaceKind.WORD, None]
    assert [rule.place(1, column) for column in range(4)] == [
        PlaceKind.COLUMN,
        PlaceKind.COLUMN,
        PlaceKind.COUNT,
        None,
    ]
    assert [rule.place(2, column) for column in range(3)] == [PlaceKind.LENGTH, PlaceKind.HASH, None]
    assert rule.place(3, 0) is None


def test_a_budgets_label_shows_what_is_not_printable() -> None:
    assert BUDGET.label == "pay"
    assert replace(BUDGET, name=b"\n\xff".ljust(32, b"\0")).label.isprintable()


@given(policies())
def test_alternatives_are_all_rules_in_their_order(policy: object) -> None:
    found = [pair for pairs in policy.alternatives.values() for pair in pairs]  # type: ignore[attr-defined]
    assert found == list(enumerate(policy.rules))  # type: ignore[attr-defined]
