# SPDX-License-Identifier: Apache-2.0
"""A policy in plain English, sentence by sentence in a fixed order, from the decoded code alone.

The caller lends names for addresses, tokens with their decimals, and functions by selector; whatever is not lent is
said plainly to be unknown, never guessed. Lent names only stand beside the address, never in its place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from policies.amounts import ETHER, Token, format_amount, format_duration, format_share, format_time
from policies.code import Budget, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.evaluate import Reason
from policies.primitives import checksum
from policies.ring import BUCKETS
from policies.signatures import TRANSFER, Argument, Function, known_unbounded

AddressNames = Mapping[bytes, str]
_TRANSFER = Function("transfer", (Argument("address", "to"), Argument("uint256", "amount")))
_LONG_LIST = 50
_SCOPE_WORDS = {
    Scope.POLICY: "",
    Scope.AGENT: ", shared by all policies of this agent",
    Scope.DAO: ", shared by all policies of the DAO",
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the caller knows: names and tokens by address, functions by selector (wrong ones are ignored)."""

    names: AddressNames = field(default_factory=dict)
    tokens: Mapping[bytes, Token] = field(default_factory=dict)
    functions: Mapping[bytes, Function] = field(default_factory=dict)

    def address(self, address: bytes) -> str:
        """`ines (0x…)`, or the address alone."""
        name = self.names.get(address) or getattr(self.tokens.get(address), "symbol", None)
        return f"{printable(name)} ({checksum(address)})" if name else checksum(address)

    def token(self, asset: bytes) -> Token | None:
        return ETHER if asset == ETHER.address else self.tokens.get(asset)

    def amount(self, base_units: int, asset: bytes) -> str:
        """An amount with its token; base units where the token's decimals are unknown."""
        token = self.token(asset)
        if token is None:
            return f"{base_units:,} base units of the unknown token {checksum(asset)}"
        return format_amount(base_units, Token(printable(token.symbol), token.address, token.decimals))

    def function(self, rule: Rule) -> Function | None:
        """The rule's function, where it is known and has as many arguments as the rule checks."""
        function = self.functions.get(rule.selector, _TRANSFER if rule.selector == TRANSFER else None)
        if rule.no_selector or function is None or function.selector != rule.selector:
            return None
        return function if len(function.arguments) == rule.words else None


def printable(name: str) -> str:
    """A lent name as it may stand in a sentence: whatever could hide or turn text round is replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)[:64]


def explain(
    policy: PolicyCode,
    names: AddressNames,
    tokens: Mapping[bytes, Token],
    functions: Mapping[bytes, Function] | None = None,
) -> list[str]:
    """The sentences a member votes on: who and when, what is permitted, budgets, worst case, what is not bounded."""
    words = Vocabulary(names, tokens, functions or {})
    return [
        *_who_and_when(policy, words),
        *(_rule(policy, rule, words) for rule in policy.rules),
        "Everything else is impossible for the agent, whatever it is told.",
        *(_budget(budget, words) for budget in policy.budgets),
        *_worst_case(policy, words),
        *_not_bounded(policy, words),
    ]


def worst_case_units(limit: int, segment_s: int, duration_s: int) -> int:
    """The most that a budget of `limit` units lets out in any `duration_s` seconds: limit x ceil(segments / 8).

    An interval of Y whole seconds touches at most floor((Y - 2) / S) + 2 segments, and eight in a row hold one limit.
    """
    if duration_s <= 0:
        return 0
    segments = (duration_s - 2) // segment_s + 2
    return limit * -(-segments // BUCKETS)


def _who_and_when(policy: PolicyCode, words: Vocabulary) -> Iterator[str]:
    yield (
        f"The agent {words.address(policy.agent)} may act from {format_time(policy.start_s)} "
        f"until {format_time(policy.end_s)} ({format_duration(policy.end_s - policy.start_s)})."
    )
    yield f"The operator {words.address(policy.operator)} runs the agent and signs who is paid what."
    if policy.cooldown_s:
        yield f"Between two acts at least {format_duration(policy.cooldown_s)} pass."
    else:
        yield "Acts may follow each other without a pause."
    if any(budget.instant_limit < budget.limit for budget in policy.budgets):
        yield (
            f"An act that goes over a budget's part without objection is announced and waits "
            f"{format_duration(policy.objection_delay_s)}; it is void when members with "
            f"{format_share(policy.objection_threshold_bps)} of all votes object, "
            f"and must then be made within {format_duration(policy.release_window_s)}."
        )
    else:
        yield "No act has an objection window."


def _rule(policy: PolicyCode, rule: Rule, words: Vocabulary) -> str:
    if rule.no_selector:
        sentence = f"It may send ether, without data, to {words.address(rule.target)}"
    else:
        sentence = f"It may call {_function_name(rule, words)} on {words.address(rule.target)}"
    bounds = [_argument_bounds(policy, rule, index, words) for index in range(rule.words)]
    charges = [_charge(policy, charge.budget, charge.source, charge.word, rule, words) for charge in rule.charges]
    if not any(charge.source is Source.VALUE for charge in rule.charges):
        charges.append("no ether may go with it")
    if rule.must_return_true:
        charges.append("the call must return true")
    return f"{sentence}: {'; '.join([*bounds, *charges])}."


def _function_name(rule: Rule, words: Vocabulary) -> str:
    function = words.function(rule)
    if function is not None:
        return function.signature
    known = known_unbounded(rule.selector)
    name = f"{known[0]}, which {known[1]}," if known else "an unknown function"
    return f"{name} (selector 0x{rule.selector.hex()}, {rule.words} arguments)"


def _argument_name(rule: Rule, index: int, words: Vocabulary) -> str:
    function = words.function(rule)
    return f"`{function.arguments[index].name}`" if function else f"argument {index + 1}"


def _argument_bounds(policy: PolicyCode, rule: Rule, index: int, words: Vocabulary) -> str:
    name = _argument_name(rule, index, words)
    clauses = [clause for clause in rule.clauses if clause.word == index]
    if not clauses:
        charged = any(charge.source is Source.ARGUMENT and charge.word == index for charge in rule.charges)
        return f"{name} is bounded by its budget alone" if charged else f"{name} may be ANYTHING"
    return " and ".join(_bound(policy, rule, clause, name, words) for clause in clauses)


def _bound(policy: PolicyCode, rule: Rule, clause: Clause, name: str, words: Vocabulary) -> str:
    if clause.kind is Kind.IN_LIST:
        items = policy.lists[clause.operand]
        shown = ", ".join(_value(policy, rule, clause.word, item, words) for item in items[:_LONG_LIST])
        more = f" and {len(items) - _LONG_LIST} more" if len(items) > _LONG_LIST else ""
        return (
            f"{name} must be one of these {len(items)}: {shown}{more}" if len(items) > 1 else f"{name} must be {shown}"
        )
    value = _value(policy, rule, clause.word, clause.operand, words)
    return {
        Kind.EQUAL: f"{name} must be {value}",
        Kind.NOT_EQUAL: f"{name} must not be {value}",
        Kind.AT_MOST: f"{name} is at most {value} a call",
        Kind.AT_LEAST: f"{name} is at least {value} a call",
        Kind.CAP: f"{name} is at most {value} an act, all its calls under this rule together",
    }[clause.kind]


def _value(policy: PolicyCode, rule: Rule, index: int, value: int, words: Vocabulary) -> str:
    """An argument's word as people read it: by its type where that is known, as an amount where a budget counts it."""
    function = words.function(rule)
    kind = function.arguments[index].type if function else ""
    if kind == "address":
        return words.address(value.to_bytes(32, "big")[12:]) if value < 2**160 else f"the word 0x{value:064x}"
    for charge in rule.charges:
        if charge.source is Source.ARGUMENT and charge.word == index:
            return words.amount(value, policy.budgets[charge.budget].asset)
    if kind == "bool" and value < 2:
        return "true" if value else "false"
    if kind.startswith("int") and value >= 2**255:
        return f"{value - 2**256:,}"
    if kind.startswith("bytes"):
        return f"0x{value:064x}"[: 2 + 2 * int(kind[5:])]
    return f"{value:,}" if kind or value < 2**64 else f"the word 0x{value:064x}"


def _charge(policy: PolicyCode, budget: int, source: Source, index: int, rule: Rule, words: Vocabulary) -> str:
    what = "the ether sent" if source is Source.VALUE else _argument_name(rule, index, words)
    return f'{what} counts against the budget "{policy.budgets[budget].label}"'


def _budget(budget: Budget, words: Vocabulary) -> str:
    period = format_duration(budget.period_s)
    limit, instant = _limits(budget, words)
    sentence = f'Budget "{budget.label}": at most {limit} in any {period}{_SCOPE_WORDS[budget.scope]}'
    if budget.instant_limit == budget.limit:
        free = "all of it"
    elif budget.instant_limit == 0:
        free = "nothing of it"
    else:
        free = f"of which {instant}"
    step = words.amount(budget.base_units(1), budget.asset)
    steps = f"; amounts count in steps of {step}, each call rounded up" if budget.exponent else ""
    return f"{sentence}, {free} without an objection window; more is impossible{steps}."


def _limits(budget: Budget, words: Vocabulary) -> tuple[str, str]:
    return (
        words.amount(budget.base_units(budget.limit), budget.asset),
        words.amount(budget.base_units(budget.instant_limit), budget.asset),
    )


def _worst_case(policy: PolicyCode, words: Vocabulary) -> Iterator[str]:
    duration_s = policy.end_s - policy.start_s
    for budget in policy.budgets:
        limit, instant = _limits(budget, words)
        whole = worst_case_units(budget.limit, budget.segment_s, duration_s)
        unopposed = worst_case_units(budget.instant_limit, budget.segment_s, duration_s)
        yield (
            f'Worst case for "{budget.label}": in any {format_duration(budget.period_s)}, '
            f"a stolen key can take {instant} unopposed, and {limit} if nobody objects; over the policy's whole time, "
            f"{words.amount(budget.base_units(unopposed), budget.asset)} unopposed and "
            f"{words.amount(budget.base_units(whole), budget.asset)} in all."
        )
    if not policy.budgets:
        yield "Worst case: no budget counts anything; every permitted call may be made again and again."


def _not_bounded(policy: PolicyCode, words: Vocabulary) -> Iterator[str]:
    for rule in policy.rules:
        where = f"{_function_name(rule, words)} on {words.address(rule.target)}"
        known = known_unbounded(rule.selector) if not rule.no_selector else None
        if known is not None:
            yield f"NOT BOUNDED IN TIME: {where} ({known[0]}) {known[1]}."
        elif not rule.no_selector and words.function(rule) is None:
            yield f"NOT KNOWN: what {where} does, and whether its effect ends with the act."
        if not rule.charges:
            yield f"NOT COUNTED: {where} charges no budget."
    yield ("Not bounded by any policy: what a target's own code does, and what its owners change in it after the vote.")


def reason(
    refusal: Reason,
    policy: PolicyCode,
    names: AddressNames,
    tokens: Mapping[bytes, Token],
    functions: Mapping[bytes, Function] | None = None,
) -> str:
    """Why an act is refused, in one sentence: the clause, the value, the limit and what is left."""
    words = Vocabulary(names, tokens, functions or {})
    if refusal.budget is not None:
        return _over_budget(refusal, policy.budgets[refusal.budget], words)
    if refusal.rule is not None and refusal.clause is not None:
        return _failed_clause(refusal, policy, words)
    call = f"Call {refusal.call + 1}" if refusal.call is not None else "The act"
    match refusal.error:
        case "NoRule":
            target, selector = bytes_of(refusal.arguments[1]), bytes_of(refusal.arguments[2])
            what = f"the function 0x{selector.hex()}" if any(selector) else "plain ether"
            return f"{call}: the policy permits no such call ({what} on {words.address(target)})."
        case "BadLength":
            return f"{call}: the calldata has {refusal.value} bytes; the permitted function has {refusal.limit}."
        case "ValueNotCharged":
            return f"{call}: it sends {words.amount(refusal.value or 0, ETHER.address)}, and its rule permits none."
    return _moment(refusal)


def bytes_of(argument: int | bytes) -> bytes:
    """An error's argument that is an address or a selector."""
    if isinstance(argument, int):
        raise TypeError("an address or selector was expected")
    return argument


def _moment(refusal: Reason) -> str:
    until = format_time(refusal.limit or 0)
    texts = {
        "IsPaused": "Everything is paused until a vote ends the pause.",
        "NoCalls": "The act has no calls.",
        "NotStarted": f"The policy is in force from {until}.",
        "Ended": f"The policy ended at {until}.",
        "Voided": f"The policy ended at {until}, and the announced act with it.",
        "NotYet": f"The announced act can be released from {until}.",
        "Expired": f"The announced act could be released until {until}.",
        "Cooling": f"The next act is possible at {until}.",
        "NotSchedulable": "The policy has no objection window, so nothing can be scheduled.",
        "TooManyPending": f"As many acts as permitted are pending; the first expires at {until}.",
        "Quiet": f"Members stopped an act; nothing is scheduled before {until}.",
    }
    return texts.get(refusal.error, f"The module refuses it: {refusal.error}.")


def _over_budget(refusal: Reason, budget: Budget, words: Vocabulary) -> str:
    asked = words.amount(budget.base_units(refusal.value or 0), budget.asset)
    left = words.amount(budget.base_units(refusal.limit or 0), budget.asset)
    limit, instant = _limits(budget, words)
    period = format_duration(budget.period_s)
    if refusal.error == "OverInstant":
        return (
            f'Budget "{budget.label}": the act takes {asked}, and {left} are left of the {instant} in any {period} '
            "without an objection window; it must be scheduled."
        )
    return f'Budget "{budget.label}": the act takes {asked}, and {left} are left of the {limit} in any {period}.'


def _failed_clause(refusal: Reason, policy: PolicyCode, words: Vocabulary) -> str:
    rule = policy.rules[refusal.rule or 0]
    clause = rule.clauses[refusal.clause or 0]
    name = _argument_name(rule, clause.word, words)
    value = _value(policy, rule, clause.word, refusal.value or 0, words)
    bound = _bound(policy, rule, clause, name, words)
    call = f"Call {refusal.call + 1}: " if refusal.call is not None else ""
    if refusal.error == "OverCap":
        return f"{call}{name} comes to {value} in this act, but {bound}."
    return f"{call}{name} is {value}, but {bound}."
