# SPDX-License-Identifier: Apache-2.0
"""From the document people read to the values the chain enforces: units, list numbers and the canonical order."""

from collections.abc import Mapping

from policies.code.document_model import DocumentBudget, DocumentClause, DocumentRule, PolicyDocument
from policies.code.policy_code import Budget, Charge, Clause, Income, Kind, PolicyCode, Rule

Lists = tuple[tuple[int, ...], ...]


def lower(document: PolicyDocument) -> PolicyCode:
    """The document's policy code, in canonical order. Rules with equal keys keep the document's order."""
    lists = _lists(document)
    numbers = _list_numbers(document)
    budgets = sorted(((_budget(budget), budget.name) for budget in document.budgets), key=lambda pair: _order(pair[0]))
    places = {name: index for index, (_, name) in enumerate(budgets)}
    rules = sorted((_rule(rule, lists, numbers, places) for rule in document.rules), key=lambda rule: rule.key)
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
        budgets=tuple(budget for budget, _ in budgets),
        lists=lists,
        rules=tuple(rules),
    )


def _lists(document: PolicyDocument) -> Lists:
    """Every list that a clause uses, in ascending order; of code found on chain, the lists as they stand there."""
    used = {clause.values for rule in document.rules for clause in rule.clauses if clause.kind is Kind.IN_LIST}
    if document.found_hash is None:
        return tuple(sorted(used))
    named = tuple(words for _, words in document.lists)
    return (*named, *sorted(used - set(named)))


def _list_numbers(document: PolicyDocument) -> dict[str, int]:
    """The numbers of lists that are known by their names alone, because two may be alike."""
    if document.found_hash is None:
        return {}
    return {name: number for number, (name, _) in enumerate(document.lists)}


def _budget(budget: DocumentBudget) -> Budget:
    unit = 10**budget.exponent
    return Budget(
        scope=budget.scope,
        asset=budget.token.address,
        exponent=budget.exponent,
        period_s=budget.period_s,
        instant_limit=budget.instant_limit // unit,
        limit=budget.limit // unit,
        name=budget.code_name.encode("ascii").ljust(32, b"\0"),
        measured=budget.measured,
    )


def _order(budget: Budget) -> tuple[object, ...]:
    return (
        budget.scope,
        budget.asset,
        budget.exponent,
        budget.measured,
        budget.period_s,
        budget.instant_limit,
        budget.limit,
        budget.name,
    )


def _rule(rule: DocumentRule, lists: Lists, numbers: Mapping[str, int], budgets: Mapping[str, int]) -> Rule:
    clauses = {_clause(clause, lists, numbers) for clause in rule.clauses}
    charges = [Charge(budgets[one.budget], one.source, one.word, one.column) for one in rule.charges]
    incomes = {Income(one.asset, budgets[one.budget], one.numerator, one.denominator) for one in rule.incomes}
    return Rule(
        target=rule.target,
        selector=rule.function.selector if rule.function else bytes(4),
        no_selector=rule.function is None,
        must_return_true=rule.must_return_true,
        approval=rule.approval,
        words=rule.function.words if rule.function else 0,
        dynamics=rule.function.dynamics if rule.function else (),
        clauses=tuple(sorted(clauses, key=lambda one: (one.word, one.column, one.kind, one.operand))),
        charges=tuple(sorted(charges, key=lambda one: one.budget)),
        incomes=tuple(sorted(incomes, key=lambda one: (one.asset, one.budget, one.numerator, one.denominator))),
    )


def _clause(clause: DocumentClause, lists: Lists, numbers: Mapping[str, int]) -> Clause:
    if clause.kind is not Kind.IN_LIST:
        operand = clause.values[0]
    else:
        operand = numbers.get(clause.list_name, lists.index(clause.values))
    return Clause(clause.word, clause.kind, operand, clause.column)
