# SPDX-License-Identifier: Apache-2.0
"""A policy in plain English, sentence by sentence in a fixed order, from the decoded code alone.

The caller lends names for addresses, tokens with their decimals, and functions by selector; whatever is not lent is
said plainly to be unknown, never guessed. No lent text can change what a sentence says: see `policies.words.wording`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from policies.answer.permitted import Place, permitted, sends_ether
from policies.code.policy_code import ETHER_ASSET, Charge, Clause, Kind, PlaceKind, PolicyCode, Rule, Scope, Source
from policies.code.signatures import Function, known_unbounded
from policies.notation.amounts import Token, format_duration, format_time
from policies.words.announcing import in_several_acts, limits_text, narrowed_text, objection, repeats, stopping
from policies.words.conditions import (
    caveat,
    either,
    is_known_unbounded,
    may_go_on,
    not_known_to_end,
    which_rules,
)
from policies.words.leaving import answered_twice, counted_if_taken, fence, fenced_rules, leaves
from policies.words.lending import lent, texts_of
from policies.words.reasons import reason
from policies.words.together import charged_by, more_than_is_permitted, pulls, shown_cases, to_anybody
from policies.words.wording import (
    FEW,
    HASH_OF,
    LONG_LIST,
    AddressNames,
    Vocabulary,
    budget_name,
    call_name,
    capital,
    clause_text,
    income_text,
    is_pay,
    listed,
    place_name,
    value_text,
)
from policies.words.worst_case import DAY_S, YEAR_DAYS, WorstCase, charges_to, charging, pays

if TYPE_CHECKING:
    from policies.document.document import PolicyDocument

__all__ = [
    "budget_sentence",
    "caveat",
    "explain",
    "lent",
    "not_known_to_end",
    "reason",
    "rule_sentence",
    "sentences",
    "texts_of",
    "which_rules",
]

NOT_KNOWN_TO_END = "it is not known whether its effect ends with the act"
MEASURED = "it is measured, so whatever leaves the treasury during a call of this policy counts"
_THE_RULES = "{the rules}"  # no label can hold braces
_COUNTABLE = 2**16
_BARE = re.compile(r"-?[1-9][0-9,]*")
_SHARED = {
    Scope.AGENT: "all policies of this agent",
    Scope.DAO: "all policies of the DAO",
}


def explain(
    policy: PolicyCode,
    names: AddressNames,
    tokens: Mapping[bytes, Token],
    functions: Mapping[bytes, Function] | None = None,
    *,
    document: "PolicyDocument | None" = None,
) -> list[str]:
    """The sentences a member votes on: who and when, what is permitted, budgets, worst case, what is not bounded.

    What `document` lends counts only if it is the document whose hash stands in the code, and behind what the caller
    lends by itself.
    """
    words = lent(policy, Vocabulary(names, tokens, functions or {}), document)
    return sentences(policy, words, shown_cases(policy, words), document)


def sentences(
    policy: PolicyCode, words: Vocabulary, cases: Sequence[WorstCase], document: "PolicyDocument | None"
) -> list[str]:
    """The same, in words that were lent already, with each budget's `shown_case`."""
    return [
        *_who_and_when(policy, words),
        *_rules(policy, words),
        _everything_else(policy, words),
        *_budgets(policy),
        *(budget_sentence(policy, case, words) for case in cases),
        *repeats(policy, document),
        *_worst_case(policy, cases, words),
        *_not_bounded(policy, words),
    ]


# Who, and when


def _who_and_when(policy: PolicyCode, words: Vocabulary) -> Iterator[str]:
    yield (
        f"From {format_time(policy.start_s)} until {format_time(policy.end_s)} "
        f"({format_duration(policy.end_s - policy.start_s)}) the agent {words.address(policy.agent)} "
        "may make the treasury do what the following sentences say, without asking again."
    )
    lists = "runs the agent; the bounds below are checked on chain"
    if any(is_pay(rule) or rule.no_selector for rule in policy.rules):
        lists = (
            "runs the agent and signs the lists of who is paid what; those lists are not checked on chain, the bounds "
            "below are"
        )
    yield f"The operator {words.address(policy.operator)} {lists}."
    yield f"An act is one call or several that happen together or not at all{_several(policy)}; {_pause(policy)}."
    yield objection(policy)
    yield stopping(policy)


def _several(policy: PolicyCode) -> str:
    """That a bound of each call is none of the act, where a rule has one on what it charges."""
    bounded = (
        clause
        for rule in policy.rules
        for clause in rule.clauses
        if clause.kind is Kind.AT_MOST and _times_charged(rule, (clause.word, clause.column))
    )
    if next(bounded, None) is None:
        return ""
    return " (what is bounded in each call can come in several calls of one act, as far as budgets let it)"


def _pause(policy: PolicyCode) -> str:
    if policy.cooldown_s:
        return f"the agent must wait at least {format_duration(policy.cooldown_s)} between two acts"
    return "acts may follow each other without a pause"


# Rules


def _rules(policy: PolicyCode, words: Vocabulary) -> Iterator[str]:
    for number, rule in enumerate(policy.rules):
        sentence = rule_sentence(policy, rule, words)
        yield f"Rule {number + 1}: it may {sentence}." if len(policy.rules) > 1 else f"It may {sentence}."
    if len({rule.key for rule in policy.rules}) < len(policy.rules):
        yield (
            "Where several rules permit the same function, each call goes by one of them alone, the first whose bounds "
            "on the arguments hold, and is charged as that rule says."
        )


def rule_sentence(policy: PolicyCode, rule: Rule, words: Vocabulary) -> str:
    """What the rule permits, as an infinitive with all its bounds: `call … on …: …; …`."""
    bounds = [
        *(place_bounds(policy, rule, place, words) for place in places(rule) if not _goes_without_saying(rule, place)),
        *(charge_text(policy, rule, charge, words) for charge in rule.charges),
    ]
    if not sends_ether(rule):
        bounds.append(f"no {words.coin} may go with it")
    bounds.extend(income_text(policy, rule, income, words) for income in rule.incomes)
    if rule.must_return_true:
        bounds.append("the call must return true")
    if rule.approval:
        bounds.append("when the act ends, nothing may be left of what the spender was allowed to take")
    if may_go_on(rule, words):
        bounds.append(NOT_KNOWN_TO_END)
    return f"{call_name(rule, words)}: {'; '.join(bounds)}"


def _everything_else(policy: PolicyCode, words: Vocabulary) -> str:
    if more := more_than_is_permitted(policy, words):
        return f"Every other call is impossible for the agent, whatever anybody tells it; {more}."
    return "Everything else is impossible for the agent, whatever anybody tells it."


def places(rule: Rule) -> list[Place]:
    """Every place of the rule's arguments, in the order of the call's data."""
    columns = {dynamic.word: max(dynamic.width, 1) for dynamic in rule.dynamics}
    return [(word, column) for word in range(rule.words) for column in range(columns.get(word, 0) + 1)]


def clauses_at(rule: Rule, place: Place) -> list[Clause]:
    return [clause for clause in rule.clauses if (clause.word, clause.column) == place]


def _times_charged(rule: Rule, place: Place) -> int:
    return sum(charge.source is Source.ARGUMENT and (charge.word, charge.column) == place for charge in rule.charges)


def _goes_without_saying(rule: Rule, place: Place) -> bool:
    """An unbounded number of entries, or half of what can be said of bytes while the other half is bounded."""
    if clauses_at(rule, place):
        return False
    word, column = place
    kind = rule.place(word, column)
    is_said = kind is PlaceKind.LENGTH and clauses_at(rule, (word, 1))
    return bool(kind in (PlaceKind.COUNT, PlaceKind.HASH) or is_said)


def place_bounds(policy: PolicyCode, rule: Rule, place: Place, words: Vocabulary) -> str:
    """What the place's value may be: `the amount is at most …`."""
    name, clauses = place_name(rule, place, words), clauses_at(rule, place)
    if clauses:
        return f"{name} {' and '.join(clause_text(policy, rule, clause, words) for clause in clauses)}"
    if rule.place(*place) is PlaceKind.LENGTH:
        return f"{place_name(rule, (place[0], 1), words).removeprefix(HASH_OF)} may be ANYTHING, of any length"
    if is_pay(rule) and place == (0, 0):
        return f"{name} may be ANYBODY"
    charged = _times_charged(rule, place)
    budgets = "budgets" if charged > 1 else "budget"
    return f"{name} is bounded by its {budgets} alone" if charged else f"{name} may be ANYTHING"


def charge_text(policy: PolicyCode, rule: Rule, charge: Charge, words: Vocabulary) -> str:
    """`the amount counts against the budget “payroll”`."""
    return f"{charged_text(rule, charge, words)} counts against {budget_name(policy, charge.budget)}"


def charged_text(rule: Rule, charge: Charge, words: Vocabulary) -> str:
    if charge.source is Source.VALUE:
        return f"the {words.coin} that goes with it"
    place = (charge.word, charge.column)
    summed = "the sum of " if rule.place(*place) is PlaceKind.COLUMN else ""
    return f"{summed}{place_name(rule, place, words)}"


# Budgets


def _budgets(policy: PolicyCode) -> Iterator[str]:
    """What is true of every budget, once."""
    if len(policy.budgets) > 1:
        yield (
            "What is left of one budget can't be spent from another; what counts against several budgets needs room in "
            "each of them."
        )
    if any(budget.measured for budget in policy.budgets):
        yield (
            "A measured budget looks at each call by itself: if the call lowers the treasury's balance by more than "
            "its rule counts, the whole fall counts, and what comes in by one call does not make up for what leaves by "
            "another."
        )


def budget_sentence(policy: PolicyCode, case: WorstCase, words: Vocabulary) -> str:
    """The budget of the case (its `shown_case`) with both its levels, what it counts, and who shares it."""
    number = case.budget
    budget = policy.budgets[number]
    narrowed = case.at_once < budget.base_units(budget.instant_limit)
    limit = narrowed_text(budget, case.at_once, case.apart_s, words) if narrowed else limits_text(budget, words)
    parts = [f"{capital(budget_name(policy, number))} counts {words.asset(budget.asset)}: {limit}"]
    if budget.measured:
        parts.append(MEASURED)
    if budget.scope in _SHARED:
        parts.append(f"it is shared with the budgets of this name, token and period in {_SHARED[budget.scope]}")
    if budget.exponent:
        step = words.amount(budget.unit, budget.asset)
        parts.append(f"what an act counts in all is rounded up to whole steps of {step}")
    if charging := charged_by(policy, number, words):
        parts.append(charging)
    return "; ".join(parts) + "."


# Worst case


def _worst_case(policy: PolicyCode, cases: Iterable[WorstCase], words: Vocabulary) -> Iterator[str]:
    condition = caveat(policy, words)
    for case in cases:
        yield _worst_case_of(policy, case, words, f", {condition}" if condition else "")
    if any(budget.scope in _SHARED for budget in policy.budgets):
        yield (
            "These numbers are what this policy lets out: from a shared budget other policies can spend too, each up "
            "to its own limit for it."
        )
    if not policy.budgets:
        yield "Worst case: no budget counts anything; every permitted call may be made again and again."


def _worst_case_of(policy: PolicyCode, case: WorstCase, words: Vocabulary, condition: str) -> str:
    budget = policy.budgets[case.budget]
    period, duration = format_duration(budget.period_s), format_duration(case.duration_s)
    in_time = f"in any {duration}" if case.duration_s == YEAR_DAYS * DAY_S else f"in all its time ({duration})"

    def amount(base_units: int) -> str:
        return words.amount(base_units, budget.asset) if base_units else "nothing"

    when = " right away without an announcement" if case.at_once else " without an announcement"
    at_first = f"{amount(case.at_once)}{when}{in_several_acts(case.apart_s)}"
    if case.at_once == case.in_a_period:
        takes = f"{at_first}, and no more in any {period}; {in_time} at most {amount(case.in_all)}"
    else:
        once_only = case.in_a_period == case.in_all and budget.period_s >= case.duration_s
        in_a_period = f", and at most {amount(case.in_a_period)} in any {period} if nobody objects"
        takes = f"{at_first}{in_a_period * (not once_only)}; {in_time} {_in_all(case, amount)}"
    name = budget_name(policy, case.budget)
    if not case.in_all:
        return f"Worst case for {name}{condition}: a stolen key can take nothing of what it counts."
    fenced, pulling = fenced_rules(policy, case.budget, words)
    if fenced:
        unless = f" (or for nothing, if {pulls(pulling)})" if pulling else ""
        move = f"against what must come in for it{unless}, a stolen key can move"
        return f"Worst case for {name}{condition}: {move} {takes}."
    return f"Worst case for {name}{condition}: a stolen key can take {takes}; {_to_whom(policy, case, words)}."


def _in_all(case: WorstCase, amount: Callable[[int], str]) -> str:
    if case.unopposed == case.in_all:
        return f"at most {amount(case.in_all)}, even without an announcement"
    unannounced = f"at most {amount(case.unopposed)} without an announcement and " if case.unopposed else ""
    return f"{unannounced}at most {amount(case.in_all)} in all if nobody objects"


def _to_whom(policy: PolicyCode, case: WorstCase, words: Vocabulary) -> str:
    if case.recipients is None:
        asset = policy.budgets[case.budget].asset
        mine = [one for one in charges_to(policy, case.budget) if leaves(policy, one, words)]
        return to_anybody(policy, [one for one in mine if not fence(policy, policy.rules[one.rule], asset)] or mine)
    if not case.recipients:
        return "to nobody, for the bounds leave no recipient"
    any_shares = ", in any shares" if len(case.recipients) > 1 and _in_any_shares(policy, case) else ""
    if words.lists_below and len(case.recipients) > FEW:
        return f"only to {len(case.recipients):,} addresses (listed below){any_shares}"
    shown = ", ".join(words.address(address) for address in case.recipients[:LONG_LIST])
    more = len(case.recipients) - LONG_LIST
    count = len(case.recipients)
    return f"to {f'these {count:,}' if count > 1 else 'this one address'} only{any_shares}: {shown}" + (
        f" and {more:,} more" if more > 0 else ""
    )


def _in_any_shares(policy: PolicyCode, case: WorstCase) -> bool:
    """Whether each recipient alone can get all: one rule pays them, or rules that nothing but this budget bounds."""
    mine = charges_to(policy, case.budget)
    alone = all(one.budgets == {case.budget} and one.cap is None for one in mine)
    return alone or len(charging(policy, case.budget)) == 1


# What is not bounded


def _not_bounded(policy: PolicyCode, words: Vocabulary) -> Iterator[str]:
    found: dict[str, list[int]] = {}
    for number, rule in enumerate(policy.rules):
        for finding in _findings(policy, rule, words):
            found.setdefault(finding, []).append(number + 1)
    for finding, numbers in found.items():
        yield finding.replace(_THE_RULES, which_rules(numbers, policy, alone="the rule above"))
    yield _assumed(policy, words)
    yield (
        "Not bounded by any policy: what the treasury's owners and its other modules do, "
        "and what a token is worth: budgets count tokens, not money."
    )


def _findings(policy: PolicyCode, rule: Rule, words: Vocabulary) -> Iterator[str]:
    """What the rule leaves open, as sentences with a gap where the rules' numbers go."""
    known = known_unbounded(rule.selector)
    if known is not None and is_known_unbounded(rule):
        yield f"NOT BOUNDED IN TIME, under {_THE_RULES}: `{known[0]}` {known[1]}."
    elif may_go_on(rule, words):
        yield (
            f"NOT KNOWN TO END, under {_THE_RULES}: the call is none of those that are understood, so "
            f"{NOT_KNOWN_TO_END}. If it does not, what the call begins may go on taking from the treasury after the "
            "act, even while everything is paused, and no budget counts that."
        )
    yield from _for_shares(policy, rule, words)
    if not rule.charges:
        yield _no_charge(policy)
    yield from _recipient(policy, rule)
    yield from _content(rule, words)
    yield from _bare_numbers(policy, rule, words)
    for charge in rule.charges:
        if not pays(policy, rule, charge.budget):
            yield from _what_it_costs(policy, rule, charge, words)
    if rule.incomes:
        yield from _twice(policy, rule, words)
    if any(not answered_twice(policy, rule, income) for income in rule.incomes):
        yield (
            f"BOUNDED IN PRICE BY THE RATIO ALONE, under {_THE_RULES}: whoever has the key can trade at the worst "
            "ratio that the rule permits."
        )


def _for_shares(policy: PolicyCode, rule: Rule, words: Vocabulary) -> Iterator[str]:
    """What the call takes for shares is a token that it does not name."""
    counted = counted_if_taken(policy, rule, words)
    if counted:
        yield (
            f"NOT SHOWN, under {_THE_RULES}: which token the call takes for its shares. Budgets count it if it is "
            f"{either(counted, words)}. Another one it can take as far as the treasury allowed it before, by whatever "
            "vote, and no budget counts that."
        )
    elif counted is not None:
        yield (
            f"NOT COUNTED, under {_THE_RULES}: the call takes another token for its shares, as much as the treasury "
            "lets that contract take, and no budget counts it."
        )


def _twice(policy: PolicyCode, rule: Rule, words: Vocabulary) -> Iterator[str]:
    """What comes in is held against each of several demands apart."""
    for asset in dict.fromkeys(one.asset for one in rule.incomes if answered_twice(policy, rule, one)):
        yield (
            f"DEMANDED TWICE, ANSWERED ONCE, under {_THE_RULES}: what comes in of {words.asset(asset)} has to meet "
            "each ratio apart and not their sum, so all that goes out for one of them can be lost."
        )


def _no_charge(policy: PolicyCode) -> str:
    measured = [budget_name(policy, number) for number, budget in enumerate(policy.budgets) if budget.measured]
    if not measured:
        return f"NOT COUNTED, under {_THE_RULES}: the call itself charges no budget, so it may be made again and again."
    return (
        f"COUNTED ONLY WHERE IT IS MEASURED, under {_THE_RULES}: the call itself charges no budget, and what the "
        f"treasury loses by it counts only where {' or '.join(measured)} measures it."
    )


def _recipient(policy: PolicyCode, rule: Rule) -> Iterator[str]:
    if is_pay(rule) and permitted(rule, policy).at((0, 0)).listed(most=_COUNTABLE) is None:
        but = " but whom the rule excludes" if clauses_at(rule, (0, 0)) else ""
        yield f"NOT BOUNDED IN RECIPIENT, under {_THE_RULES}: anybody{but} can be paid."


def _content(rule: Rule, words: Vocabulary) -> Iterator[str]:
    for dynamic in rule.dynamics:
        hash_ = (dynamic.word, 1)
        if dynamic.width == 0 and not clauses_at(rule, hash_):
            what = place_name(rule, hash_, words).removeprefix(HASH_OF)
            yield f"NOT BOUNDED IN CONTENT, under {_THE_RULES}: {what} may say ANYTHING to the called contract."


def _bare_numbers(policy: PolicyCode, rule: Rule, words: Vocabulary) -> Iterator[str]:
    """Numbers in bounds of which only the called contract knows what they count."""
    bare = dict.fromkeys(
        place_name(rule, (clause.word, clause.column), words)
        for clause in rule.clauses
        if clause.kind is not Kind.IN_LIST
        and rule.place(clause.word, clause.column) in (PlaceKind.WORD, PlaceKind.COLUMN)
        and _BARE.fullmatch(value_text(policy, rule, (clause.word, clause.column), clause.operand, words))
    )
    if bare:
        yield (
            f"NUMBERS WITHOUT A UNIT, under {_THE_RULES}: what the bounds of {listed(list(bare))} count this policy "
            "does not know, only the called contract; an amount of a token would be in the token's smallest units."
        )


def _what_it_costs(policy: PolicyCode, rule: Rule, charge: Charge, words: Vocabulary) -> Iterator[str]:
    budget, name = policy.budgets[charge.budget], budget_name(policy, charge.budget)
    if is_pay(rule) and charge.source is Source.ARGUMENT and rule.target != budget.asset:
        moved, counted = words.address(rule.target), words.asset(budget.asset)
        yield f"NOT WHAT IT COUNTS, under {_THE_RULES}: the call moves {moved}, and {name} counts {counted}."
    elif charge.source is Source.ARGUMENT and not budget.measured:
        yield f"NOT MEASURED, under {_THE_RULES}: {name} counts what the argument says, not what leaves the treasury."
    if all(income.budget != charge.budget for income in rule.incomes):
        yield f"NOT BOUNDED IN PRICE, under {_THE_RULES}: all that {name} lets out can be lost; nothing must come back."


def _read_balances(policy: PolicyCode) -> set[bytes]:
    """The tokens that the module asks for the treasury's balance: of measured budgets, and of what must come in."""
    measured = {budget.asset for budget in policy.budgets if budget.measured}
    return (measured | {income.asset for rule in policy.rules for income in rule.incomes}) - {ETHER_ASSET}


def _assumed(policy: PolicyCode, words: Vocabulary) -> str:
    called = {rule.target for rule in policy.rules if not rule.no_selector}
    assumed = sorted(called | _read_balances(policy))
    if not assumed:
        return f"Assumed: whoever is sent {words.coin} keeps control of the address."
    shown = ", ".join(words.address(target) for target in assumed[:LONG_LIST])
    more = f" and {len(assumed) - LONG_LIST:,} more" if len(assumed) > LONG_LIST else ""
    return (
        f"Assumed, for a policy can't show it: the code at {shown}{more} is what it seems and stays so; "
        "whoever controls a proxy among them can put other code there after the vote."
    )
