# SPDX-License-Identifier: Apache-2.0
"""Why the module refuses an act, in one sentence for each reason that `policies.answer.evaluate` gives."""

from collections.abc import Mapping

from policies.answer.evaluate import Condition, Reason
from policies.code.policy_code import Budget, PolicyCode
from policies.code.signatures import Function
from policies.notation.amounts import ETHER, Token, format_duration, format_time
from policies.notation.hexadecimal import hex_text
from policies.words.wording import (
    AddressNames,
    Vocabulary,
    budget_name,
    capital,
    clause_text,
    income_text,
    limits,
    place_name,
    value_text,
)


def reason(
    refusal: Reason,
    policy: PolicyCode,
    names: AddressNames,
    tokens: Mapping[bytes, Token],
    functions: Mapping[bytes, Function] | None = None,
) -> str:
    """Why an act is refused, in one sentence: the clause, the value, the limit and what is left."""
    words = Vocabulary(names, tokens, functions or {})
    if refusal.error in ("OverBudget", "OverInstant") and refusal.budget is not None:
        return _over_budget(refusal, policy, refusal.budget, words)
    if refusal.error in ("ClauseFailed", "OverCap") and refusal.rule is not None and refusal.clause is not None:
        return _failed_clause(refusal, policy, refusal.rule, refusal.clause, words)
    return _of_call(refusal, policy, words) or _moment(refusal)


def condition(left: Condition, words: Vocabulary) -> str:
    """What only the calls show, as the end of a sentence that begins with `if`."""
    call = f"call {left.call + 1}" if left.call is not None else "the act"
    amount = words.amount(left.amount, left.asset)
    match left.error:
        case "NotTrue":
            return f"{call} returns true"
        case "TooLittleIncome":
            return f"{call} brings in at least {amount}"
        case "AllowanceLeft":
            spender, token = words.address(left.spender), words.address(left.asset)
            return f"nothing is left of what {spender} may take of {token}"
    return f"the treasury's balance of {words.address(left.asset)} falls by at most {amount} over the act"


def bytes_of(argument: int | bytes) -> bytes:
    """An error's argument that is an address or a selector."""
    if isinstance(argument, int):
        raise TypeError("an address or selector was expected")
    return argument


def _of_call(refusal: Reason, policy: PolicyCode, words: Vocabulary) -> str | None:
    call = f"Call {refusal.call + 1}" if refusal.call is not None else "The act"
    match refusal.error:
        case "NoRule":
            target, selector = bytes_of(refusal.arguments[1]), bytes_of(refusal.arguments[2])
            what = f"the function {hex_text(selector)}" if any(selector) else f"plain {words.coin}"
            return f"{call}: the policy permits no such call ({what} on {words.address(target)})."
        case "BadCalldata":
            return f"{call}: its data does not have the form that the permitted function has."
        case "ValueNotCharged":
            return f"{call}: it sends {words.amount(refusal.value or 0, ETHER.address)}, and its rule permits none."
        case "CallFailed":
            return f"{call}: the called contract refused it."
        case "NotTrue":
            return f"{call}: the called contract did not answer true, as the policy demands."
        case "TooLittleIncome":
            return f"{call}: {_too_little_income(refusal, policy, words)}."
        case "AllowanceLeft":
            return f"{call}: when the act ended, the spender could still take tokens; nothing may be left."
    return None


def _too_little_income(refusal: Reason, policy: PolicyCode, words: Vocabulary) -> str:
    asset = bytes_of(refusal.arguments[1])
    came, least = (words.amount(amount or 0, asset) for amount in (refusal.value, refusal.limit))
    found = f"the treasury received {came}, and had to receive {least}"
    rule = policy.rules[refusal.rule] if refusal.rule is not None else None
    if rule is None or refusal.income is None:
        return found
    return f"{found}, for {income_text(policy, rule, rule.incomes[refusal.income], words)}"


def _moment(refusal: Reason) -> str:
    until = format_time(refusal.limit or 0)
    texts = {
        "IsPaused": "Everything is paused until a vote ends the pause.",
        "NoCalls": "The act has no calls.",
        "BadTime": "The clock of the chain is outside what the module can count.",
        "NotStarted": f"The policy is in force from {until}.",
        "Ended": f"The policy ended at {until}.",
        "Voided": f"The announced act is void: the policy ended at {until}, was replaced, or everything was paused.",
        "NotYet": f"The announced act can be released from {until}.",
        "Expired": f"The announced act could be released until {until}.",
        "Cooling": f"The next act is possible at {until}.",
        "NotSchedulable": "The policy has no objection window, so nothing can be scheduled.",
        "EndsTooSoon": f"The policy ends at {until}, and members may object until {format_time(refusal.value or 0)}: "
        "the act could never be released.",
        "TooManyPending": f"As many acts as permitted are pending; the first expires at {until}.",
        "Quiet": f"Members stopped an act; nothing is scheduled before {until}.",
    }
    return texts.get(refusal.error, f"The module refuses it: {refusal.error}.")


def _over_budget(refusal: Reason, policy: PolicyCode, number: int, words: Vocabulary) -> str:
    budget = policy.budgets[number]
    name = capital(budget_name(policy, number))
    asked, left = (_units(budget, units or 0, words) for units in (refusal.value, refusal.limit))
    limit, instant = limits(budget, words)
    period = format_duration(budget.period_s)
    if refusal.error == "OverInstant":
        return (
            f"{name}: the act takes {asked}, and {left} are left of the {instant} in any {period} "
            "without an objection window; it must be scheduled."
        )
    return f"{name}: the act takes {asked}, and {left} are left of the {limit} in any {period}."


def _units(budget: Budget, units: int, words: Vocabulary) -> str:
    return words.amount(budget.base_units(units), budget.asset)


def _failed_clause(refusal: Reason, policy: PolicyCode, rule_number: int, number: int, words: Vocabulary) -> str:
    rule = policy.rules[rule_number]
    clause = rule.clauses[number]
    place = (clause.word, clause.column)
    name, bound = place_name(rule, place, words), clause_text(policy, rule, clause, words)
    value = value_text(policy, rule, place, refusal.value or 0, words)
    call = f"Call {refusal.call + 1}: " if refusal.call is not None else ""
    if refusal.error == "OverCap":
        left = value_text(policy, rule, place, refusal.limit or 0, words)
        return f"{call}{name} adds {value}, and {left} are left in this act: {name} {bound}."
    entry = f" (entry {refusal.element + 1})" if refusal.element else ""
    return f"{call}{name}{entry} is {value}, but {bound}."
