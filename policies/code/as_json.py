# SPDX-License-Identifier: Apache-2.0
"""A decoded policy as plain values for JSON: field names of docs/policy-code.md, amounts as strings, bytes as hex."""

from typing import Any

from policies.code.policy_code import Budget, PolicyCode, Rule
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import checksum

Plain = dict[str, Any]


def as_plain(policy: PolicyCode) -> Plain:
    """The policy for JSON. Limits are base units in decimal; times and durations are seconds."""
    return {
        "agent": checksum(policy.agent),
        "operator": checksum(policy.operator),
        "start_s": policy.start_s,
        "end_s": policy.end_s,
        "cooldown_s": policy.cooldown_s,
        "objection_delay_s": policy.objection_delay_s,
        "release_window_s": policy.release_window_s,
        "objection_threshold_bps": policy.objection_threshold_bps,
        "document_hash": hex_text(policy.document_hash),
        "budgets": [_budget(budget) for budget in policy.budgets],
        "lists": [[f"0x{item:064x}" for item in items] for items in policy.lists],
        "rules": [_rule(rule) for rule in policy.rules],
    }


def _budget(budget: Budget) -> Plain:
    return {
        "name": budget.label,
        "scope": budget.scope.name.lower(),
        "asset": checksum(budget.asset),
        "unit_exponent": budget.exponent,
        "unit": str(budget.unit),
        "measured": budget.measured,
        "period_s": budget.period_s,
        "segment_s": budget.segment_s,
        "instant_limit": str(budget.base_units(budget.instant_limit)),
        "limit": str(budget.base_units(budget.limit)),
    }


def _rule(rule: Rule) -> Plain:
    return {
        "target": checksum(rule.target),
        "selector": "" if rule.no_selector else hex_text(rule.selector),
        "must_return_true": rule.must_return_true,
        "approval": rule.approval,
        "arguments": rule.words,
        "dynamic": [{"argument": dynamic.word, "width": dynamic.width} for dynamic in rule.dynamics],
        "clauses": [
            {
                "argument": clause.word,
                "column": clause.column,
                "kind": clause.kind.name.lower(),
                "operand": f"0x{clause.operand:064x}",
            }
            for clause in rule.clauses
        ],
        "charges": [
            {
                "budget": charge.budget,
                "source": charge.source.name.lower(),
                "argument": charge.word,
                "column": charge.column,
            }
            for charge in rule.charges
        ],
        "incomes": [
            {
                "asset": checksum(income.asset),
                "budget": income.budget,
                "numerator": str(income.numerator),
                "denominator": str(income.denominator),
            }
            for income in rule.incomes
        ],
    }
