# SPDX-License-Identifier: Apache-2.0
"""From the document people read to the values the chain enforces: units, list numbers and the canonical order."""

from collections.abc import Mapping

from policies.code import Budget, Charge, Clause, Kind, PolicyCode, Rule
from policies.document import DocumentBudget, DocumentClause, DocumentRule, PolicyDocument


def lower(document: PolicyDocument) -> PolicyCode:
    """The document's policy code, in canonical order. Rules with equal keys keep the document's order."""
    lists = tuple(
        sorted({clause.values for rule in document.rules for clause in rule.clauses if clause.kind is Kind.IN_LIST})
    )
    named = sorted(((_budget(budget), budget.name) for budget in document.budgets), key=lambda pair: _order(pair[0]))
    numbers = {name: index for index, (_, name) in enumerate(named)}
    rules = sorted((_rule(rule, lists, numbers) for rule in document.rules), key=lambda rule: rule.key)
    return PolicyCode(
        agent=document.agent,
        operator=document.operator,
        start_s=document.start_s,
        end_s=document.end_s,
        cooldown_s=document.cooldown_s,
        objection_delay_s=document.objection_delay_s,
        release_window_s=document.release_window_s,
        objection_threshold_bps=document.objection_threshold_bps,
        document_hash=document.document_hash,
        budgets=tuple(budget for budget, _ in named),
        lists=lists,
        rules=tuple(rules),
    )


def _budget(budget: DocumentBudget) -> Budget:
    return Budget(
        scope=budget.scope,
        asset=budget.token.address,
        exponent=budget.exponent,
        period_s=budget.period_s,
        instant_limit=budget.instant_limit // 10**budget.exponent,
        limit=budget.limit // 10**budget.exponent,
        name=budget.name.encode("ascii").ljust(32, b"\0"),
    )


def _order(budget: Budget) -> tuple[object, ...]:
    return (
        budget.scope,
        budget.asset,
        budget.exponent,
        budget.period_s,
        budget.instant_limit,
        budget.limit,
        budget.name,
    )


def _rule(rule: DocumentRule, lists: tuple[tuple[int, ...], ...], budgets: Mapping[str, int]) -> Rule:
    clauses = {_clause(clause, lists) for clause in rule.clauses}
    charges = [Charge(budgets[charge.budget], charge.source, charge.word) for charge in rule.charges]
    return Rule(
        target=rule.target,
        selector=rule.function.selector if rule.function else bytes(4),
        no_selector=rule.function is None,
        must_return_true=rule.must_return_true,
        words=len(rule.function.arguments) if rule.function else 0,
        clauses=tuple(sorted(clauses, key=lambda clause: (clause.word, clause.kind, clause.operand))),
        charges=tuple(sorted(charges, key=lambda charge: charge.budget)),
    )


def _clause(clause: DocumentClause, lists: tuple[tuple[int, ...], ...]) -> Clause:
    operand = lists.index(clause.values) if clause.kind is Kind.IN_LIST else clause.values[0]
    return Clause(clause.word, clause.kind, operand)
