# SPDX-License-Identifier: Apache-2.0
"""What a policy says to one act, clause by clause: what holds of each rule that could permit a call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies.answer.evaluate import holds
from policies.code.arguments import SELECTOR, Arguments, read
from policies.code.call import Call
from policies.code.policy_code import Clause, Kind, PolicyCode, Rule, Source
from policies.words.wording import Vocabulary, call_name, capital, clause_text, place_name, value_text


@dataclass(frozen=True, slots=True)
class Line:
    """One demand of a rule on a call, in words, and whether the call meets it."""

    holds: bool
    text: str


@dataclass(frozen=True, slots=True)
class RuleChecked:
    """A rule for the call's target and function, with each of its demands."""

    rule: int
    name: str
    lines: tuple[Line, ...]


def act_checked(policy: PolicyCode, calls: Sequence[Call], words: Vocabulary) -> list[tuple[RuleChecked, ...]]:
    """For each call every rule for its target and function, in the order in which the module tries them.

    Caps count what the calls before it add under the rule that applies to them, as the module's do.
    """
    checking = _Checking(policy, words)
    return [tuple(checking.rules(call)) for call in calls]


class _Checking:
    """Checks the calls of one act in order."""

    def __init__(self, policy: PolicyCode, words: Vocabulary) -> None:
        self._policy, self._words = policy, words
        self._added: dict[tuple[int, int], int] = {}

    def rules(self, call: Call) -> Iterator[RuleChecked]:
        if 0 < len(call.data) < SELECTOR:
            return
        selector = call.data[:SELECTOR].ljust(SELECTOR, b"\0")
        applied = False
        for index, rule in self._policy.alternatives.get((call.to, selector, not call.data), ()):
            arguments = read(rule, call.data)
            bounds = list(self._bounds(rule, arguments))
            applies = not applied and all(line.holds for line in bounds)
            caps = list(self._caps(index, rule, arguments, applies)) if arguments else []
            applied = applied or applies
            name = capital(call_name(rule, self._words))
            yield RuleChecked(index, name, (*bounds, *caps, *self._ether(rule, call)))

    def _bounds(self, rule: Rule, arguments: Arguments | None) -> Iterator[Line]:
        """What decides whether the rule applies."""
        yield Line(arguments is not None, "the data has the form of the function")
        for clause in rule.clauses if arguments else ():
            if arguments is None or clause.kind is Kind.CAP:
                continue
            values = arguments.values(clause.word, clause.column)
            failing = [value for value in values if not holds(clause, value, self._policy.members)]
            place = (clause.word, clause.column)
            shown = [value_text(self._policy, rule, place, value, self._words) for value in (failing or values)[:3]]
            more = ", ..." if len(failing or values) > 3 else ""
            yield Line(not failing, f"{self._said(rule, clause)}; it is {', '.join(shown)}{more}")

    def _caps(self, index: int, rule: Rule, arguments: Arguments, applies: bool) -> Iterator[Line]:
        for number, clause in enumerate(rule.clauses):
            if clause.kind is not Kind.CAP:
                continue
            place = (clause.word, clause.column)
            total = self._added.get((index, number), 0) + sum(arguments.values(*place))
            if applies:
                self._added[index, number] = total
            amount = value_text(self._policy, rule, place, total, self._words)
            yield Line(total <= clause.operand, f"{self._said(rule, clause)}; up to this call it comes to {amount}")

    def _ether(self, rule: Rule, call: Call) -> Iterator[Line]:
        if any(charge.source is Source.VALUE for charge in rule.charges):
            yield Line(True, f"the {self._words.coin} that goes with it counts against a budget")
        else:
            yield Line(not call.value_wei, f"no {self._words.coin} goes with it")

    def _said(self, rule: Rule, clause: Clause) -> str:
        name = place_name(rule, (clause.word, clause.column), self._words)
        return f"{name} {clause_text(self._policy, rule, clause, self._words)}"
