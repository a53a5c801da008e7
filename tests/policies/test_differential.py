# SPDX-License-Identifier: Apache-2.0
"""Python and the chain give the same answer, the same error and the same values, on generated policies and acts.

Each case puts a generated policy in force on the real module, then makes a generated history of acts, with the clock
moved between them; before each step Python says what the module will answer. `MANDATE_DIFFERENTIAL_CASES` sets how many
cases are tried (default 300).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policies import code as code_module
from policies import evaluate as evaluate_module
from policies import ring as ring_module
from policies.code import Kind, PolicyCode, Rule, Source
from policies.encoding import DecodeError, codehash, decode, pack, refuse_targets, set_policy_calldata
from policies.evaluate import Allowed, Call, ClockError, Mode, PolicyState, evaluate
from policies.primitives import UINT256_MAX, keccak, selector, word
from policies.ring import Ring
from policies.signatures import OUTLIVING
from tests.policies.chain import GOVERNOR, OWNER, PolicyChain, Reverted, encode_act, encode_release
from tests.policies.strategies import AGENT, START_S, TARGETS, policies, window_policies

CASES = int(os.environ.get("MANDATE_DIFFERENTIAL_CASES", "300"))
POLICY_ID = b"\x1d" * 32
SLOW = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.function_scoped_fixture,
    HealthCheck.large_base_example,
]
MOST_VALUE = 2**240
ACT_SCHEDULED = (
    "0x"
    + keccak(
        b"ActScheduled(bytes32,address,bytes32,bytes32,uint24,uint16,uint40,uint40,uint48,uint256,(address,uint256,bytes)[])"
    ).hex()
)
PERFORMING = {"CallFailed", "NotTrue"}


@dataclass
class World:
    """One case: the module on the chain, and beside it the state that Python believes."""

    chain: PolicyChain
    policy: PolicyCode
    now_s: int
    state: PolicyState
    waiting: list[tuple[bytes, Sequence[Call], int, int]] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, chain: PolicyChain, policy: PolicyCode) -> "World":
        state = PolicyState(POLICY_ID, 0, 0, 0, policy.end_s, paused=False)
        world = cls(chain, policy, START_S - 10, state)
        world.set_policy(policy)
        return world

    def set_policy(self, policy: PolicyCode) -> None:
        self.policy = policy
        self.chain.send(OWNER, self.chain.module, _set_policy(pack(policy)), self.now_s)
        self.waiting.clear()
        version = self.state.version + 1
        self.state = replace(self.state, version=version, end_s=policy.end_s, pending_expiries_s=(), quiet_until_s=0)

    def keys(self) -> list[bytes]:
        return [budget.key(POLICY_ID, self.policy.agent) for budget in self.policy.budgets]

    def left(self, index: int, *, instant: bool) -> int:
        """Units left now, for biasing amounts only."""
        budget, key = self.policy.budgets[index], self.keys()[index]
        spent = Ring.unpack(self.state.rings.get(key, 0)).spent(budget.segment_s, self.now_s)
        return max(0, (budget.instant_limit if instant else budget.limit) - spent)

    def answer(self, data: bytes) -> tuple[str, tuple[object, ...]]:
        """The chain's answer: ("", ()) or its error."""
        try:
            self.chain.ask(AGENT, self.chain.module, data, self.now_s)
        except Reverted as reverted:
            return reverted.error, reverted.arguments
        return "", ()

    def step(self, mode: Mode, calls: Sequence[Call], released: tuple[bytes, Sequence[Call], int, int] | None) -> None:
        """Compares the two answers, then makes the act if it is allowed."""
        if released is not None:
            data = encode_release(released[0], calls)
            state = replace(self.state, release_window_s=(released[2], released[3]))
        else:
            data = encode_act(mode.value, POLICY_ID, codehash(pack(self.policy)), self.state.number + 1, calls)
            state = self.state
        said = evaluate(self.policy, state, calls, self.now_s, mode)
        error, arguments = self.answer(data)
        if isinstance(said, Allowed):
            assert error in ("", *PERFORMING), (error, arguments, said)
            assert mode is not Mode.EXECUTE or said.band == "instant"
        else:
            assert (error, arguments) == (said.reasons[0].error, said.reasons[0].arguments)
        self.outcomes.append(error or mode.value)
        if error == "":
            assert isinstance(said, Allowed)
            self._perform(mode, calls, data, said, released)

    def _perform(
        self, mode: Mode, calls: Sequence[Call], data: bytes, said: Allowed,
        released: tuple[bytes, Sequence[Call], int, int] | None,
    ) -> None:  # fmt: skip
        receipt = self.chain.send(AGENT, self.chain.module, data, self.now_s)
        rings = dict(self.state.rings)
        if mode is not Mode.SCHEDULE:
            for index, units in said.charges.items():
                budget, key = self.policy.budgets[index], self.keys()[index]
                if units:
                    rings[key] = Ring.unpack(rings.get(key, 0)).charged(budget.segment_s, self.now_s, units).pack()
        if mode is Mode.SCHEDULE:
            log = next(log for log in receipt["logs"] if log["topics"][0] == ACT_SCHEDULED)
            first = self.now_s + self.policy.objection_delay_s
            end = first + self.policy.release_window_s
            self.waiting.append((bytes.fromhex(log["data"][2:66]), calls, first, end))
        if released is not None:
            self.waiting.remove(released)
        number = self.state.number + (released is None)
        last = self.state.last_act_s if released is not None else self.now_s
        self.state = replace(
            self.state, rings=rings, number=number, last_act_s=last,
            pending_expiries_s=tuple(end for _, _, _, end in self.waiting),
        )  # fmt: skip
        assert {key: self.chain.ring(key) for key in self.keys()} == {key: rings.get(key, 0) for key in self.keys()}
        assert self.chain.policy_state(POLICY_ID) == (
            self.state.version, self.state.number, self.state.last_act_s, self.state.end_s,
        )  # fmt: skip


def _set_policy(code: bytes) -> bytes:
    return set_policy_calldata(POLICY_ID, code)


def _near(value: int) -> list[int]:
    return [number for number in (value - 1, value, value + 1) if 0 <= number <= UINT256_MAX]


def _interesting(world: World, rule: Rule, index: int) -> list[int]:
    """Values of an argument at which the answer may turn."""
    found = [0, 1, UINT256_MAX]
    for clause in rule.clauses:
        if clause.word == index:
            items = world.policy.lists[clause.operand] if clause.kind is Kind.IN_LIST else (clause.operand,)
            found += [number for item in items for number in _near(item)]
    for charge in rule.charges:
        if charge.source is Source.ARGUMENT and charge.word == index:
            found += _amounts(world, charge.budget)
    return found


def _satisfying(world: World, rule: Rule, index: int) -> list[int]:
    """Values that meet all word clauses, if the candidates hold any."""
    candidates = _interesting(world, rule, index)
    clauses = [clause for clause in rule.clauses if clause.word == index]
    return [
        value for value in candidates if all(evaluate_module._holds(one, value, world.policy.lists) for one in clauses)
    ] or candidates


def _amounts(world: World, index: int) -> list[int]:
    exponent = world.policy.budgets[index].exponent
    left = [world.left(index, instant=True), world.left(index, instant=False)]
    units = [part for units in left for part in (units, units // 2, max(0, units - 1))]
    return [number for part in units for number in _near(min(part << exponent, UINT256_MAX))]


@st.composite
def calls(draw: st.DrawFn, world: World) -> Call:
    rule = draw(st.sampled_from(world.policy.rules))
    twist = draw(st.sampled_from(TWISTS))
    if twist == "stranger":
        return Call(draw(st.sampled_from([*TARGETS, GOVERNOR])), draw(st.integers(0, 1)), draw(st.binary(max_size=40)))
    values = []
    for index in range(rule.words):
        propose = draw(st.sampled_from([_satisfying] * 7 + [_interesting]))
        values.append(draw(st.sampled_from(propose(world, rule, index))))
    data = b"" if rule.no_selector else rule.selector + b"".join(map(word, values))
    if twist == "length":
        data = draw(st.sampled_from([data[:-1], data + b"\0", data[:4], data[:3], data + bytes(32), b""]))
    sent = [charge.budget for charge in rule.charges if charge.source is Source.VALUE]
    value = 0
    if sent:
        value = min(draw(st.sampled_from([0, 1, *_amounts(world, sent[0])])), MOST_VALUE)
    elif twist == "value":
        value = 1
    return Call(rule.target, value, data)


def _moves(world: World) -> list[int]:
    moves = [0, 1, 1, 59, 60, world.policy.cooldown_s, world.policy.objection_delay_s]
    for budget in world.policy.budgets:
        s = budget.segment_s
        rest = s - world.now_s % s  # to the next segment's first second
        moves += [rest - 1, rest, s, 7 * s, rest + 6 * s, rest + 7 * s - 1, rest + 7 * s, budget.period_s]
    return [move for move in moves if 0 <= move <= 10_000_000]


def play(chain: PolicyChain, data: st.DataObject) -> list[str]:
    """One case. Returns what happened, for the test of the test."""
    snapshot = chain.rpc("evm_snapshot")
    try:
        if data.draw(st.sampled_from(["any policy", "any policy", "window"]), label="case") == "window":
            return _play_window(chain, data)
        world = World.begin(chain, data.draw(policies(), label="policy"))
        world.now_s = data.draw(st.sampled_from([START_S + 5, START_S + 777, START_S]), label="begin")
        for _ in range(data.draw(st.sampled_from([6, 4, 2]), label="steps")):
            if world.state.paused and world.outcomes[-1:] == ["IsPaused"]:
                break
            world.now_s += max(1, data.draw(st.sampled_from([1, *_moves(world)]), label="move"))
            _step(world, data)
        return world.outcomes
    finally:
        chain.rpc("evm_revert", snapshot)


def _play_window(chain: PolicyChain, data: st.DataObject) -> list[str]:
    """Spends one short budget again and again, as much as is left and one more, at the seams of its segments."""
    policy = data.draw(window_policies(), label="policy")
    world = World.begin(chain, policy)
    world.now_s = START_S
    (rule,), (budget,) = policy.rules, policy.budgets
    for _ in range(10):
        world.now_s += max(1, data.draw(st.sampled_from(_moves(world)), label="move"))
        left = world.left(0, instant=True)
        units = data.draw(st.sampled_from([left, left + 1, 1, (left + 1) // 2]), label="units")
        amount = word(units << budget.exponent)
        world.step(Mode.EXECUTE, [Call(rule.target, 0, rule.selector + amount)], None)
    return world.outcomes


STEPS = (*["execute"] * 9, *["schedule"] * 9, "lower limits", "shorten", "no calls", "pause")
TWISTS = (*["none"] * 24, "stranger", "length", "value")


def _step(world: World, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([*STEPS, *["release"] * (30 if world.waiting else 0)]), label="step")
    if kind == "pause" and not world.state.paused:
        world.chain.send(OWNER, world.chain.module, selector("pause()"), world.now_s)
        world.state = replace(world.state, paused=True)
    elif kind == "lower limits" and world.policy.budgets:
        _lower_limits(world, data)
    elif kind == "shorten":
        _shorten(world)
    elif kind == "release" and not world.state.paused:
        released = data.draw(st.sampled_from(world.waiting), label="released")
        moments = [released[2], released[2] - 1, released[3] - 1, released[3]]
        world.now_s = max(world.now_s, data.draw(st.sampled_from(moments), label="moment"))
        world.step(Mode.RELEASE, released[1], released)
    else:
        mode = Mode.SCHEDULE if kind == "schedule" else Mode.EXECUTE
        some = [] if kind == "no calls" else data.draw(st.lists(calls(world), min_size=1, max_size=3), label="calls")
        world.step(mode, some, None)


def _lower_limits(world: World, data: st.DataObject) -> None:
    """A new version of the policy with other limits on the same rings."""
    budgets = []
    for budget in world.policy.budgets:
        limit = data.draw(st.integers(1, budget.limit), label="limit")
        instant = limit if budget.limit == budget.instant_limit else data.draw(st.integers(0, limit), label="instant")
        budgets.append(replace(budget, limit=limit, instant_limit=instant))
    world.set_policy(replace(world.policy, budgets=tuple(budgets)))


def _shorten(world: World) -> None:
    end_s = (world.now_s // 3600 + 1) * 3600
    if end_s < world.state.end_s:
        data = selector("shorten(bytes32,uint40)") + POLICY_ID + word(end_s)
        world.chain.send(OWNER, world.chain.module, data, world.now_s)
        world.state = replace(world.state, end_s=end_s)


def _search(chain: PolicyChain, cases: int, seen: list[str] | None = None) -> None:
    @settings(
        max_examples=cases, deadline=None, database=None, suppress_health_check=SLOW, derandomize=True,
        phases=[Phase.generate], report_multiple_bugs=False,
    )  # fmt: skip
    @given(st.data())
    def search(data: st.DataObject) -> None:
        outcomes = play(chain, data)
        if seen is not None:
            seen.extend(outcomes)

    search()


def test_python_and_the_chain_agree(policy_chain: PolicyChain) -> None:
    seen: list[str] = []
    _search(policy_chain, CASES, seen)
    # The cases must reach all kinds of answers, or they show nothing.
    wanted = {
        "execute", "schedule", "release", "NoCalls", "NoRule", "BadLength", "ClauseFailed", "OverCap", "OverInstant",
        "OverBudget", "ValueNotCharged", "Cooling", "IsPaused", "NotStarted", "Ended", "NotSchedulable", "Expired",
    }  # fmt: skip
    assert not wanted - set(seen), sorted(wanted - set(seen))


def _floor_units(self: code_module.Budget, amount: int) -> int:
    return amount >> self.exponent


def _floor_segment(period_s: int) -> int:
    return max(1, period_s // 7)


def _seven_buckets(self: Ring, segment_s: int, now_s: int) -> int:
    turned = self.turned(segment_s, now_s)
    return sum(turned.buckets) - turned.buckets[(turned.index + 1) % 8]


def _off_by_one(self: object, limit: int, index: int) -> int:
    return max(0, limit - self._spent[index] - 1)  # type: ignore[attr-defined]


def _always(*_: object) -> bool:
    return True


@pytest.mark.parametrize(
    ("place", "name", "fault"),
    [
        (code_module.Budget, "units", _floor_units),
        (code_module, "segment_seconds", _floor_segment),
        (ring_module.Ring, "spent", _seven_buckets),
        (evaluate_module._Budgets, "_left", _off_by_one),
        (evaluate_module._Matching, "_charges_value", _always),
        (evaluate_module, "_holds", _always),
    ],
    ids=["units rounded down", "segment rounded down", "seven buckets", "limit off by one", "value free", "no clauses"],
)
def test_a_planted_fault_is_caught(
    policy_chain: PolicyChain, monkeypatch: pytest.MonkeyPatch, place: object, name: str, fault: Callable[..., object]
) -> None:
    monkeypatch.setattr(place, name, fault)
    with pytest.raises((AssertionError, ClockError)):
        _search(policy_chain, 1000)


# Canonical bytes: setPolicy accepts exactly what decode accepts


@st.composite
def mutated(draw: st.DrawFn, chain: PolicyChain) -> bytes:
    """Valid code, or code with one or two of its bytes wrong."""
    raw = bytearray(pack(draw(policies())))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.one_of(st.integers(0, len(raw) - 1), st.integers(0, min(len(raw), 166) - 1)))
        match draw(st.integers(0, 6)):
            case 0:
                raw[at] ^= 1 << draw(st.integers(0, 7))
            case 1:
                raw[at] = draw(st.sampled_from([0, 1, 2, 3, 6, 7, 32, 33, 127, 229, 255]))
            case 2:
                raw.insert(at, draw(st.integers(0, 255)))
            case 3:
                del raw[at]
            case 4:
                raw = raw[:at] or bytearray(b"\1")
            case 5:
                raw += draw(st.binary(min_size=1, max_size=70))
            case _:
                size = draw(st.sampled_from([4, 20, 32, 34, 66]))
                special = draw(st.sampled_from([chain.module, chain.treasury, chain.votes_token, OWNER, bytes(20)]))
                chosen = special if size == 20 else bytes(size)
                raw[at : at + size] = chosen
    return bytes(raw)


def _python_offset(chain: PolicyChain, code: bytes) -> int | None:
    """Where Python finds code wrong, or None."""
    with_code = {*TARGETS, chain.module, chain.treasury, chain.votes_token}
    try:
        policy = decode(code)
        refuse_targets(
            policy,
            forbidden={chain.module, chain.treasury, OWNER, GOVERNOR},
            votes_token=chain.votes_token,
            has_code=with_code.__contains__,
        )
    except DecodeError as error:
        return error.offset
    assert pack(policy) == code
    return None


def _chain_offset(chain: PolicyChain, code: bytes) -> int | None:
    try:
        chain.ask(OWNER, chain.module, _set_policy(code))
    except Reverted as reverted:
        if reverted.error != "BadPolicy":
            raise
        return int(reverted.arguments[0])
    return None


def test_the_module_accepts_exactly_what_decode_accepts(policy_chain: PolicyChain) -> None:
    answers = {True: 0, False: 0}

    @settings(max_examples=2 * CASES, deadline=None, database=None, suppress_health_check=SLOW, derandomize=True)
    @given(st.data())
    def search(data: st.DataObject) -> None:
        code = data.draw(mutated(policy_chain), label="code")
        offset = _python_offset(policy_chain, code)
        assert _chain_offset(policy_chain, code) == offset
        answers[offset is None] += 1

    search()
    assert answers[True] > CASES / 4
    assert answers[False] > CASES / 4


def test_functions_that_outlive_the_budget_are_the_same_on_both_sides(policy_chain: PolicyChain) -> None:
    template = _one_rule_policy()
    for chosen in [
        *sorted(OUTLIVING),
        selector("transfer(address,uint256)"),
        selector("transferFrom(address,address,uint256)"),
    ]:
        rule = replace(template.rules[0], selector=chosen)
        code = pack(replace(template, rules=(rule,)))
        assert _chain_offset(policy_chain, code) == _python_offset(policy_chain, code)
        assert (_python_offset(policy_chain, code) is not None) == (chosen in OUTLIVING)


def _one_rule_policy() -> PolicyCode:
    rule = Rule(TARGETS[0], bytes(4), False, False, 0, (), ())
    return PolicyCode(AGENT, OWNER, START_S, 3600 * (START_S // 3600 + 9), 0, 0, 0, 1, bytes(32), (), (), (rule,))
