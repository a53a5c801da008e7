# SPDX-License-Identifier: Apache-2.0
"""Tests that stand beside a policy: acts, when they are made and after which others, and what the module answers.

tests:
  - name: ines gets no more than 5,000 USDC in one act
    at: 2026-12-01T09:00Z                              # left out: when the policy begins
    after:                                             # acts that were made before
      - {at: 2026-11-30T09:00Z, do: {pay: "1,000 USDC", to: jon}}
    do: {pay: "5,001 USDC", to: ines}
    expect: refused                                    # or: allowed, scheduled
    because: cap amount                                # left out: for whatever reason
    left: {payroll: "11,000 USDC"}                     # of a budget, when the test is over
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from itertools import pairwise

from policies.answer.evaluate import (
    Allowed,
    Condition,
    Mode,
    Observation,
    Observations,
    PolicyState,
    Reason,
    Refused,
    evaluate,
    headroom,
)
from policies.answer.state_after import performed, scheduled
from policies.code.policy_code import PolicyCode
from policies.code.signatures import Function
from policies.document import yaml_tree
from policies.document.fields import Fields, Reader, moment
from policies.document.yaml_tree import Node
from policies.document.yaml_tree import Sequence as SequenceNode
from policies.notation.amounts import Unclear, parse_supply_amount
from policies.notation.problems import Place, PolicyError, Problems, shown
from policies.trial.calls import CallReader, WrittenCall
from policies.words.wording import Vocabulary

MOST_TESTS = 1000
_KEYS = "name|at?|after?|do|expect|because?|left?"
# What people write behind `because`, and the module's error. The errors' own names are understood too.
BECAUSE = {
    "no rule": "NoRule",
    "argument": "ClauseFailed",
    "cap": "OverCap",
    "budget": "OverBudget",
    "form": "BadCalldata",
    "ether": "ValueNotCharged",
    "not started": "NotStarted",
    "ended": "Ended",
    "cooldown": "Cooling",
    "no objection window": "NotSchedulable",
    "ends too soon": "EndsTooSoon",
    "time": "BadTime",
    "call failed": "CallFailed",
    "not true": "NotTrue",
    "income": "TooLittleIncome",
    "allowance": "AllowanceLeft",
}


class Expected(Enum):
    """What a test expects of the module."""

    ALLOWED = "allowed"
    SCHEDULED = "scheduled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class TimedAct:
    """Calls that are made together at a moment of the chain's clock."""

    at_s: int
    calls: tuple[WrittenCall, ...]

    @property
    def observed(self) -> Observations | None:
        """What the calls did; None where the test says it of none."""
        if all(call.observed is None for call in self.calls):
            return None
        return Observations([call.observed or Observation() for call in self.calls])


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test. `because` is the error that is expected and the budget or argument it names, each empty for any."""

    place: Place
    name: str
    before: tuple[TimedAct, ...]
    act: TimedAct
    expected: Expected
    because: tuple[str, str]
    left: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a test. `problem` is empty where all is as expected; `reasons` are those of a refusal.

    `conditions` is what an act that is allowed leaves open, because only its calls show it.
    """

    test: PolicyTest
    found: Expected
    reasons: tuple[Reason, ...]
    conditions: tuple[Condition, ...]
    problem: str

    @property
    def is_as_expected(self) -> bool:
        return not self.problem


def read_tests(text: str, source: str, policy: PolicyCode, reader: CallReader) -> tuple[PolicyTest, ...]:
    """The tests of a file. Raises PolicyError with every problem."""
    problems = Problems()
    tree = yaml_tree.parse(text, source)
    found = Fields(problems, tree, "the file of tests", "tests")
    reading = _Reading(policy, reader, problems)
    items = Reader(problems).items(found.get("tests"), "`tests`")
    if len(items) > MOST_TESTS:
        problems.add(items[MOST_TESTS].place, f"there are more than {MOST_TESTS} tests", "write several files")
    tests = [reading.test(item) for item in items[:MOST_TESTS]]
    if problems:
        raise PolicyError(source, problems.in_order())
    return tuple(test for test in tests if test is not None)


def read_acts(text: str, source: str, reader: CallReader) -> tuple[TimedAct, ...]:
    """The acts of a file `history:`, each with `at` and `do`, in order of time. Raises PolicyError."""
    problems = Problems()
    read = Reader(problems)
    found = Fields(problems, yaml_tree.parse(text, source), "the history", "history")
    acts = []
    for item in read.items(found.get("history"), "`history`"):
        act = Fields(problems, item, "an act", "at|do")
        at_s = read.text(act.get("at"), "the time", moment)
        calls = reader.act(act.get("do"), problems)
        acts += [TimedAct(at_s, calls)] if at_s is not None and calls else []
    if problems:
        raise PolicyError(source, problems.in_order())
    return tuple(sorted(acts, key=lambda act: act.at_s))


class _Reading:
    """Reads the tests of one file. What is wrong is added to the problems."""

    def __init__(self, policy: PolicyCode, reader: CallReader, problems: Problems) -> None:
        self._policy, self._calls, self._problems = policy, reader, problems
        self._read = Reader(problems)
        self._budgets = {budget.label: index for index, budget in enumerate(policy.budgets)}

    def test(self, node: Node) -> PolicyTest | None:
        found = Fields(self._problems, node, "the test", _KEYS)
        name = self._read.text(found.get("name"), "the name", str)
        expected = self._read.text(found.get("expect"), "what is expected", _expected)
        because = self._read.text(found.get("because"), "the reason", self._because) or ("", "")
        if expected is not Expected.REFUSED and "because" in found.keys:
            self._problems.add(found.keys["because"], "only a refusal has a reason", "remove `because`")
        after = found.get("after")
        acts = after.items if isinstance(after, SequenceNode) else () if after is None else (after,)
        before = [self._timed(item) for item in acts]
        act = self._timed(node, found)
        left = tuple(self._left(found.get("left")))
        if name is None or expected is None or act is None or None in before:
            return None
        times = [one for one in (*before, act) if one is not None]
        if any(later.at_s < earlier.at_s for earlier, later in pairwise(times)):
            self._problems.add(found.place_of("after"), "the acts are not in order of time", "write the earliest first")
        return PolicyTest(node.place, name, tuple(times[:-1]), act, expected, because, left)

    def _timed(self, node: Node, found: Fields | None = None) -> TimedAct | None:
        fields = found or Fields(self._problems, node, "an act before", "at|do")
        at = fields.get("at")
        at_s = self._policy.start_s if at is None else self._read.text(at, "the time", moment)
        calls = self._calls.act(fields.get("do"), self._problems)
        return TimedAct(at_s, calls) if calls and at_s is not None else None

    def _because(self, text: str) -> tuple[str, str]:
        known = {**BECAUSE, **{error: error for error in BECAUSE.values()}}
        words = max((word for word in known if text == word or text.startswith(f"{word} ")), key=len, default=None)
        if words is None:
            raise Unclear(f"{shown(text)} is no reason", f"write one of: {', '.join(BECAUSE)}")
        return known[words], text[len(words) :].strip()

    def _left(self, node: Node | None) -> Sequence[tuple[int, int]]:
        found = []
        for key, value in self._read.entries(node, "`left`"):
            index = self._budgets.get(key.text)
            if index is None:
                known = ", ".join(self._budgets) or "none"
                self._problems.add(key.place, f"there is no budget {shown(key.text)}", f"the budgets are: {known}")
                continue
            amount = self._read.text(value, "the amount", partial(self._of_budget, index=index))
            found += [] if amount is None else [(index, amount)]
        return found

    def _of_budget(self, text: str, index: int) -> int:
        amount, token = parse_supply_amount(text, self._calls.names.tokens)
        if token.address != self._policy.budgets[index].asset:
            raise Unclear(f"the budget counts another token than {token.symbol}", "write the amount in its token")
        return amount


def _expected(text: str) -> Expected:
    if text not in (one.value for one in Expected):
        raise Unclear(f"{shown(text)} can't be expected", f"write {', '.join(one.value for one in Expected)}")
    return Expected(text)


# Running


def run(
    policy: PolicyCode, policy_id: bytes, functions: Mapping[bytes, Function], test: PolicyTest, words: Vocabulary
) -> Result:
    """Play a test's acts through the policy, one after the other, from an unused start. `words` name amounts.

    An act is made at once if that is possible, else it is announced if that is, and made as soon as its wait is over:
    then it is charged, after the acts that were made meanwhile.
    """
    game = _Game(policy, policy_id)
    for number, act in enumerate(test.before, 1):
        if late := game.wait_until(act.at_s):
            return Result(test, Expected.REFUSED, late.reasons, (), late.problem)
        found, answer = game.make(act, number)
        if isinstance(answer, Refused):
            return Result(test, found, answer.reasons, (), f"the act {number} before it is refused")
    if late := game.wait_until(test.act.at_s):
        return Result(test, Expected.REFUSED, late.reasons, (), late.problem)
    found, answer = game.make(test.act, None)
    if found is Expected.SCHEDULED:
        late = game.wait_until(test.act.at_s + policy.objection_delay_s)
        if late and late.number is not None:
            return Result(test, Expected.REFUSED, late.reasons, (), late.problem)
        found, answer = (Expected.REFUSED, Refused(late.reasons)) if late else (found, game.last)
    reasons = answer.reasons if isinstance(answer, Refused) else ()
    conditions = answer.conditions if isinstance(answer, Allowed) else ()
    problem = "" if found is test.expected else f"expected {test.expected.value}, found {found.value}"
    if not problem and found is Expected.REFUSED and not _has(policy, functions, reasons, test.because):
        problem = f"refused, but not because of {' '.join(filter(None, test.because))}"
    return Result(test, found, reasons, conditions, problem or _wrong_left(policy, game, test, words))


@dataclass(frozen=True, slots=True)
class _Announced:
    """An act that waits until `first_s`; `number` is its place among the acts before, from 1, None for the last."""

    act: TimedAct
    number: int | None
    first_s: int


@dataclass(frozen=True, slots=True)
class _Late:
    """An announced act that is refused when its wait is over."""

    number: int | None
    reasons: tuple[Reason, ...]

    @property
    def problem(self) -> str:
        return f"the act {self.number} before it was announced, and is refused when its wait is over"


class _Game:
    """The module's state while acts are played, and what waits. `now_s` is when the last act was made or tried."""

    def __init__(self, policy: PolicyCode, policy_id: bytes) -> None:
        self._policy = policy
        self.state = PolicyState(policy_id, 1, 0, 0, policy.end_s, paused=False)
        self._waiting: list[_Announced] = []
        self.now_s = policy.start_s
        self.last: Allowed | Refused = Refused(())

    def make(self, act: TimedAct, number: int | None) -> tuple[Expected, Allowed | Refused]:
        """Make the act at its time, or announce it."""
        self.now_s = act.at_s
        calls = [call.call for call in act.calls]
        answer = evaluate(self._policy, self.state, calls, act.at_s, Mode.EXECUTE, act.observed)
        if isinstance(answer, Allowed):
            self.state = performed(self._policy, self.state, answer.charges, act.at_s)
            return Expected.ALLOWED, answer
        if any(reason.error != "OverInstant" for reason in answer.reasons):
            return Expected.REFUSED, answer
        announced = evaluate(self._policy, self.state, calls, act.at_s, Mode.SCHEDULE)
        if isinstance(announced, Refused):
            return Expected.REFUSED, announced
        self.state = scheduled(self._policy, self.state, act.at_s)
        self._waiting.append(_Announced(act, number, act.at_s + self._policy.objection_delay_s))
        return Expected.SCHEDULED, announced

    def wait_until(self, now_s: int) -> _Late | None:
        """Make the announced acts whose wait is over by then; the first that is refused, or None."""
        while self._waiting and self._waiting[0].first_s <= now_s:
            one = self._waiting.pop(0)  # all wait as long, so they are in order
            self.now_s, end_s = one.first_s, one.first_s + self._policy.release_window_s
            state = replace(self.state, release_window_s=(one.first_s, end_s))
            calls = [call.call for call in one.act.calls]
            self.last = evaluate(self._policy, state, calls, one.first_s, Mode.RELEASE, one.act.observed)
            if isinstance(self.last, Refused):
                return _Late(one.number, self.last.reasons)
            expiries = list(self.state.pending_expiries_s)
            expiries.remove(end_s)
            self.state = performed(
                self._policy,
                replace(self.state, pending_expiries_s=tuple(expiries)),
                self.last.charges,
                one.first_s,
                released=True,
            )
        return None


def _has(
    policy: PolicyCode, functions: Mapping[bytes, Function], reasons: Sequence[Reason], because: tuple[str, str]
) -> bool:
    error, what = because
    return not error or any(
        reason.error == error and (not what or what in _about(policy, functions, reason)) for reason in reasons
    )


def _about(policy: PolicyCode, functions: Mapping[bytes, Function], reason: Reason) -> set[str]:
    """The budget and the argument that a reason names."""
    found = set() if reason.budget is None else {policy.budgets[reason.budget].label}
    if reason.rule is not None and reason.clause is not None:
        rule = policy.rules[reason.rule]
        clause, function = rule.clauses[reason.clause], functions.get(rule.selector)
        leaf = function.leaf_at(clause.word, clause.column) if function else None
        found |= {leaf.path, leaf.path.removesuffix(".hash")} if leaf else set()
    return found


def _wrong_left(policy: PolicyCode, game: _Game, test: PolicyTest, words: Vocabulary) -> str:
    rooms = {room.budget: room.units for room in headroom(policy, game.state, game.now_s)}
    for index, wanted in test.left:
        budget = policy.budgets[index]
        left = budget.base_units(rooms[index])
        if left != wanted:
            is_left, was_wanted = (words.amount(amount, budget.asset) for amount in (left, wanted))
            return f"of {budget.label} {is_left} are left, not {was_wanted}"
    return ""
