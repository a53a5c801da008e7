# SPDX-License-Identifier: Apache-2.0
"""Python and the chain give the same answer, the same error and the same values, on generated policies and acts.

A case is one question to the real module: a generated policy in a generated state, a moment, an act, and targets that
do with the treasury's balances what a script says. Python's answer is compared with the chain's, error and values, and
where the act is done, everything that is stored afterwards. `MANDATE_DIFFERENTIAL_CASES` sets how many (default 2,000),
and `MANDATE_DIFFERENTIAL_PART` which lives, so that a long run is made in parts.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from policies.answer import evaluate as evaluate_module
from policies.answer.evaluate import ClockError
from policies.code import arguments as arguments_module
from policies.code import policy_code as code_module
from policies.code import ring as ring_module
from policies.code.encoding import Chain, DecodeError, decode, pack, set_policy_calldata
from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.code.ring import Ring
from policies.code.signatures import OUTLIVING
from policies.notation.primitives import selector, word
from tests.policies.chain import GOVERNOR, OWNER, POLICY_ID, STAGE, PolicyChain, Question, Reverted
from tests.policies.histories import MOST_ROUNDS, Life
from tests.policies.strategies import (
    AGENT,
    EMPTY_ACCOUNT,
    SELECTORS,
    START_S,
    TARGETS,
    code_pool,
    mutated_code,
    policies,
    window_policies,
)

CASES = int(os.environ.get("MANDATE_DIFFERENTIAL_CASES", "2000"))
PART = int(os.environ.get("MANDATE_DIFFERENTIAL_PART", "0"))  # other lives for each number
STEPS = 10
SLOW = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.function_scoped_fixture,
    HealthCheck.large_base_example,
]
ONCE = {"deadline": None, "database": None, "suppress_health_check": SLOW, "report_multiple_bugs": False}


def _as_it_is(asked: Question) -> Question:
    return asked


def play(
    chain: PolicyChain,
    policy: PolicyCode,
    seed: int,
    spoil: Callable[[Question], Question] = _as_it_is,
    module_code: bytes | None = None,
) -> Counter[str]:
    """One life of a policy. Returns what happened; AssertionError where Python and the chain differ."""
    steps = list(Life(chain, policy, Random(seed)).steps(STEPS))
    answers = chain.answers([spoil(step.question) for step in steps], module_code)
    for number, (step, answer) in enumerate(zip(steps, answers, strict=True)):
        difference = step.differs(answer)
        assert difference is None, f"step {number} ({step.kind}) at {step.question.now_s}: {difference}"
    return Counter(step.kind for step in steps)


def search(
    chain: PolicyChain,
    cases: int,
    spoil: Callable[[Question], Question] = _as_it_is,
    module_code: bytes | None = None,
    *,
    others: int = 0,
) -> Counter[str]:
    """Plays lives until so many cases were compared; `others`: other ones for each number. Returns what happened."""
    seen: Counter[str] = Counter()

    @settings(max_examples=max(1, cases // STEPS), derandomize=not others, phases=[Phase.generate], **ONCE)  # type: ignore[arg-type]
    @given(st.one_of(policies(), policies(), policies(), window_policies()), st.integers(0, 2**32))
    def lives(policy: PolicyCode, number: int) -> None:
        seen.update(play(chain, policy, number, spoil, module_code))

    (seed(others)(lives) if others else lives)()
    return seen


# What the cases must reach, or they show nothing.
ALL_ANSWERS = {
    "execute", "schedule", "release",
    "IsPaused", "NotStarted", "Ended", "Cooling", "BadTime", "NoCalls",
    "BadCalldata", "NoRule", "ClauseFailed", "OverCap", "ValueNotCharged", "OverBudget", "OverInstant",
    "CallFailed", "NotTrue", "TooLittleIncome", "AllowanceLeft",
    "NotSchedulable", "EndsTooSoon", "Quiet", "TooManyPending", "Voided", "NotYet", "Expired",
}  # fmt: skip


def test_python_and_the_chain_agree(policy_chain: PolicyChain) -> None:
    seen = search(policy_chain, CASES, others=PART)
    for number in range(1, MOST_ROUNDS):
        if CASES >= 2000 and not set(seen) >= ALL_ANSWERS:
            seen += search(policy_chain, CASES, others=PART + number)
    print(sum(seen.values()), "cases:", dict(seen.most_common()))
    assert sum(seen.values()) >= CASES * 0.9
    missing = ALL_ANSWERS - set(seen)
    assert not missing or CASES < 2000, sorted(missing)


# Planted faults: on Python's side, then on the chain's


def _floor_units(self: code_module.Budget, amount: int) -> int:
    return amount // self.unit


def _floor_segment(period_s: int) -> int:
    return max(1, period_s // 7)


def _floor_income(self: code_module.Income, charged: int) -> int:
    return charged * self.numerator // self.denominator


def _seven_buckets(self: Ring, segment_s: int, now_s: int) -> int:
    turned = self.turned(segment_s, now_s)
    return sum(turned.buckets) - turned.buckets[(turned.index + 1) % 8]


def _one_less(self: object, index: int) -> int:
    return max(0, self._budgets[index].limit - self._spent[index] - 1)  # type: ignore[attr-defined]


def _never(*_: object) -> tuple[()]:
    return ()


def _first_only(self: arguments_module.Arguments, place: int, column: int) -> list[int]:
    return _VALUES(self, place, column)[:1]


def _at_most_is_below(clause: Clause, value: int, members: tuple[frozenset[int], ...]) -> bool:
    return value < clause.operand if clause.kind is Kind.AT_MOST else _HOLDS(clause, value, members)


def _netted(policy: PolicyCode, observation: evaluate_module.Observation) -> list[tuple[int, int]]:
    return [
        (index, fall)
        for index, fall in _FALLS(policy, observation)
        if not any(rise > 0 for rise in observation.changes.values())
    ]


def _any_padding(data: bytes, at: int, width: int) -> arguments_module.Tail | None:
    return _TAIL(data, at, width) or _TAIL(bytes(data[: at + 32]) + bytes(len(data)), at, width)


_VALUES, _HOLDS = arguments_module.Arguments.values, evaluate_module.holds
_FALLS, _TAIL = evaluate_module._falls, arguments_module._tail
FAULTS = {
    "units rounded down": (code_module.Budget, "units", _floor_units),
    "segment rounded down": (code_module, "segment_seconds", _floor_segment),
    "income rounded down": (code_module.Income, "least", _floor_income),
    "seven buckets": (ring_module.Ring, "spent", _seven_buckets),
    "limit off by one": (evaluate_module._Budgets, "_left", _one_less),
    "caps forgotten": (evaluate_module._Matching, "_cap", _never),
    "the first element alone": (arguments_module.Arguments, "values", _first_only),
    "below for at most": (evaluate_module, "holds", _at_most_is_below),
    "falls forgotten where something rose": (evaluate_module, "_falls", _netted),
    "incomes forgotten": (evaluate_module, "_income_refusals", _never),
    "allowances forgotten": (evaluate_module, "_allowance_refusals", _never),
    "scheduling when quiet or full": (evaluate_module, "_docket", _never),
    "padding not looked at": (arguments_module, "_tail", _any_padding),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_python_is_caught(policy_chain: PolicyChain, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr(*FAULTS[fault])
    with pytest.raises((AssertionError, ClockError)):
        search(policy_chain, 25 * max(CASES, 2000))  # it stops at the first difference; the rarest take thousands


def _ring_forgotten(asked: Question) -> Question:
    return replace(asked, stored=replace(asked.stored, rings={}))


def _another_limit(asked: Question) -> Question:
    """The chain holds a policy whose first budget has one unit more, if it has one."""
    policy = decode(asked.stored.code)
    if not policy.budgets or policy.budgets[0].limit == 2**28 - 1:
        return asked
    roomier = replace(policy.budgets[0], limit=policy.budgets[0].limit + 1)
    code = pack(replace(policy, budgets=(roomier, *policy.budgets[1:])))
    return replace(asked, stored=replace(asked.stored, code=code))


def _later(asked: Question) -> Question:
    return replace(asked, now_s=asked.now_s + 1)


@pytest.mark.parametrize("spoil", [_ring_forgotten, _another_limit, _later], ids=["ring lost", "code changed", "late"])
def test_a_fault_in_the_chains_state_is_caught(
    policy_chain: PolicyChain, spoil: Callable[[Question], Question]
) -> None:
    with pytest.raises(AssertionError):
        search(policy_chain, CASES, spoil=spoil)


COMPARISONS = {0x10: 0x11, 0x11: 0x10, 0x14: 0x18}  # LT and GT changed for each other; EQ becomes XOR


def test_faults_in_the_modules_bytecode_are_caught(policy_chain: PolicyChain) -> None:
    """Turns comparisons round that acts really run through, one at a time."""
    chosen = Random(5).sample(sorted(_executed_comparisons(policy_chain)), 12)
    caught = 0
    for at in chosen:
        code = bytearray(policy_chain.runtime)
        code[at] = COMPARISONS[code[at]]
        try:
            search(policy_chain, CASES, module_code=bytes(code))
        except AssertionError:
            caught += 1
    assert caught >= 10, f"{caught} of 12"


def _executed_comparisons(chain: PolicyChain) -> set[int]:
    """Where in the module's code a comparison was made in one of some acts."""
    lives_ = [Life(chain, policy, Random(seed)) for seed, policy in enumerate([_one_rule_policy()] * 4)]
    questions = [step.question for life in lives_ for step in life.steps(4)]
    return {at for question in questions for at in chain.executed(question) if chain.runtime[at] in COMPARISONS}


# Canonical bytes: setPolicy accepts exactly what decode accepts


BATCH = 50


def _code(random: Random, chain: PolicyChain, code: bytes) -> bytes:
    """Valid code, code with a few bytes wrong, or with a party of the module's in place of some address."""
    parties = [chain.module, chain.checker, chain.treasury, chain.votes_token, OWNER, GOVERNOR]
    match random.randrange(8):
        case 0 | 1:
            return code
        case 2:
            address = random.choice([*TARGETS, AGENT, EMPTY_ACCOUNT])
            return code.replace(address, random.choice(parties))
        case _:
            return mutated_code(random, code)


def _python_says(chain: PolicyChain, code: bytes) -> tuple[int, str] | None:
    """Where and why Python finds code wrong, or None."""
    contracts = {*TARGETS, chain.module, chain.checker, chain.treasury, chain.votes_token, AGENT, STAGE}
    forbidden = {chain.module, chain.checker, chain.treasury, OWNER, GOVERNOR}
    try:
        policy = decode(code, Chain(forbidden, chain.votes_token, contracts.__contains__))
    except DecodeError as error:
        return error.offset, error.problem
    assert pack(policy) == code
    return None


def _chain_says(chain: PolicyChain, codes: list[bytes]) -> list[tuple[int, str] | None]:
    said: list[tuple[int, str] | None] = []
    for error, arguments in chain.ask_all(
        OWNER, chain.module, [set_policy_calldata(POLICY_ID, code) for code in codes]
    ):
        assert error in ("", "BadPolicy"), (error, arguments)
        said.append((arguments[0], arguments[1].rstrip(b"\0").decode("ascii")) if error else None)
    return said


def test_the_checker_accepts_exactly_what_decode_accepts(policy_chain: PolicyChain) -> None:
    random, pool, answers = Random(3), code_pool(150), Counter[str]()
    for _ in range(max(1, CASES // BATCH)):
        codes = [_code(random, policy_chain, random.choice(pool)) for _ in range(BATCH)]
        for code, chain_says in zip(codes, _chain_says(policy_chain, codes), strict=True):
            python_says = _python_says(policy_chain, code)
            assert chain_says == python_says, code.hex()
            answers[python_says[1] if python_says else ""] += 1
    print(sum(answers.values()), "codes:", dict(answers.most_common()))
    assert answers[""] > CASES / 6
    assert len(answers) > 30 or CASES < 2000, sorted(answers)


def test_functions_that_outlive_the_budget_are_the_same_on_both_sides(policy_chain: PolicyChain) -> None:
    template = _one_rule_policy()
    harmless = [selector("transfer(address,uint256)"), selector("transferFrom(address,address,uint256)")]
    for chosen in [*sorted(OUTLIVING), *harmless]:
        code = pack(replace(template, rules=(replace(template.rules[0], selector=chosen),)))
        assert _chain_says(policy_chain, [code]) == [_python_says(policy_chain, code)]
        assert (_python_says(policy_chain, code) is not None) == (chosen in OUTLIVING)


def _one_rule_policy() -> PolicyCode:
    """Every kind of comparison in one rule that most acts pass."""
    clauses = (Clause(0, Kind.AT_MOST, 2**255), Clause(1, Kind.NOT_EQUAL, 3), Clause(1, Kind.CAP, 2**255))
    rule = Rule(TARGETS[0], SELECTORS[1], False, True, 2, clauses, (Charge(0, Source.ARGUMENT, 1),))
    budget = Budget(Scope.POLICY, TARGETS[1], 0, 700, 50, 100, bytes(32), measured=True)
    end_s = 3600 * (START_S // 3600 + 10_000)
    return PolicyCode(AGENT, OWNER, START_S, end_s, 0, 5, 60, 1, bytes(32), (budget,), (), (rule,))


def test_what_is_stored_lies_where_the_questions_put_it(policy_chain: PolicyChain) -> None:
    """The overrides are only as good as the storage layout they assume: so it is read back from real transactions."""
    snapshot = policy_chain.rpc("evm_snapshot")
    try:
        policy = _one_rule_policy()
        policy_chain.send(OWNER, policy_chain.module, set_policy_calldata(POLICY_ID, pack(policy)), START_S)
        policy_chain.send(OWNER, policy_chain.module, selector("pause()"), START_S + 1)
        assert policy_chain.policy_state(POLICY_ID) == (1, 0, 0, policy.end_s)
        with pytest.raises(Reverted, match="IsPaused"):
            policy_chain.ask(OWNER, policy_chain.module, selector("pause()"))
        end_s = policy.end_s - 3600
        shorten = selector("shorten(bytes32,uint40)") + POLICY_ID + word(end_s)
        policy_chain.send(OWNER, policy_chain.module, shorten, START_S + 2)
        assert policy_chain.policy_state(POLICY_ID) == (1, 0, 0, end_s)
    finally:
        policy_chain.rpc("evm_revert", snapshot)
