# SPDX-License-Identifier: Apache-2.0
"""`make stolen-key`: who has the agent's key tries by real transactions to get out more than the policy allows.

STOLEN_KEY_ATTEMPTS (10,000) attempts in many lives of a payroll policy on a real chain; at least half lie within one
unit of a bound (an amount, a moment, a number, a length). What left the treasury is judged by a ledger of its own, from
the chain's logs and balances alone and by the document's numbers, not by our evaluator. Printed by revert reason and
written to bench/results/stolen-key.json. Then the same run must find each of some planted faults: policies on chain
that are looser than the document by one unit, and a module that forgets. Not collected by `make test`.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from eth_abi import decode as abi_decode

from agent.acts.calls import payment_call
from agent.acts.simulate import act_calldata, release_calldata
from bench.eval.score import Rate
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.module import RING
from policies.code import encoding
from policies.code.call import Call
from policies.code.ring import Ring
from policies.document import document
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.primitives import keccak, selector, word
from tests.agent.acting import CONTRIBUTORS, USDC, payroll_text
from tests.conftest import DAY_S, ROOT, ChainError, Deployed

ATTEMPTS = int(os.environ.get("STOLEN_KEY_ATTEMPTS", "10000"))
FAULT_ATTEMPTS = int(os.environ.get("STOLEN_KEY_FAULT_ATTEMPTS", "2500"))
A_LIFE = 60
POLICY_ID = encoding.policy_id("payroll")
DECISION = b"\7" * 32
TRANSFER = keccak(b"Transfer(address,address,uint256)")
APPROVAL = keccak(b"Approval(address,address,uint256)")
RINGS_SLOT, LAST_ACT_SHIFT = 2, 200  # as tests/policies/chain.py reads them back

# What the document says, for the ledger alone.
CAP, LIMIT, INSTANT = 5_000 * USDC, 12_000 * USDC, 6_000 * USDC
PERIOD_S, COOLDOWN_S, DELAY_S, WINDOW_S = 24 * DAY_S, 60, 2 * DAY_S, 5 * DAY_S


@dataclass
class Ledger:
    """What left the treasury in one life, and how much of it the document does not allow, in base units."""

    suite: Deployed
    start_s: int
    end_s: int
    paid: list[tuple[int, int]] = field(default_factory=list)  # (time, base units)
    announced: dict[bytes, list[int]] = field(default_factory=dict)  # hash of the calls -> times
    last_act_s: int = 0
    outside: int = 0
    why: Counter[str] = field(default_factory=Counter)

    def took(self, receipt: dict[str, Any], at_s: int, calls: tuple[Call, ...], kind: str) -> None:
        """Judge what a mined transaction did."""
        treasury, usdc = self.suite.address("treasury").rjust(32, b"\0"), self.suite.address("usdc")
        friends = {self.suite.address(name) for name in CONTRIBUTORS}
        moved = 0
        for log in receipt["logs"]:
            topics = [hex_bytes(topic) for topic in log["topics"]]
            if topics[0] == APPROVAL and topics[1] == treasury and int(log["data"], 16):
                self._outside(int(log["data"], 16), "an allowance was given")
            if topics[0] != TRANSFER or topics[1] != treasury:
                continue
            amount = int(log["data"], 16)
            if hex_bytes(log["address"]) != usdc:
                self._outside(amount, "another token left")
            elif topics[2][12:] not in friends:
                self._outside(amount, "somebody else was paid")
            else:
                moved += amount
        if kind == "schedule":
            self._begun(at_s)
            self.announced.setdefault(_hash(calls), []).append(at_s)
            self._outside(moved, "an announcement paid")
            return
        if not moved:
            return
        self.paid.append((at_s, moved))
        window = sum(amount for when, amount in self.paid if at_s - PERIOD_S < when <= at_s)
        self._outside(max(0, moved - CAP), "over the cap of one act")
        self._outside(max(0, window - LIMIT), "over the limit of the window")
        self._outside(moved if not self.start_s <= at_s < self.end_s else 0, "outside of its time")
        if kind == "release":
            times = self.announced.get(_hash(calls), [])
            in_time = [when for when in times if DELAY_S <= at_s - when < DELAY_S + WINDOW_S]
            if in_time:
                times.remove(in_time[0])  # the same calls may have been announced twice
            self._outside(0 if in_time else moved, "released otherwise than announced")
        else:
            self._outside(max(0, window - INSTANT), "over what may be paid at once")
            self._begun(at_s, moved)

    def _begun(self, at_s: int, moved: int = 1) -> None:
        self._outside(moved if self.last_act_s and at_s - self.last_act_s < COOLDOWN_S else 0, "too soon")
        self.last_act_s = at_s

    def _outside(self, amount: int, why: str) -> None:
        if amount:
            self.outside += amount
            self.why[why] += 1


def _hash(calls: tuple[Call, ...]) -> bytes:
    return keccak(b"".join(keccak(call.to + word(call.value_wei) + call.data) for call in calls))


@dataclass
class Thief:
    """Who has the agent's key, on one policy in one life of the chain. `random` decides."""

    suite: Deployed
    code: bytes
    valid: tuple[int, int]
    random: Random
    spoil: Callable[["Thief"], None]
    ledger: Ledger = field(init=False)
    seen: Counter[str] = field(default_factory=Counter)
    near: int = 0
    made: int = 0
    now_s: int = 0
    number: int = 0
    is_patient: bool = False  # in this life: announces and waits, to fill the limit
    pending: list[tuple[int, tuple[Call, ...], int]] = field(default_factory=list)  # number, calls, announced at

    def __post_init__(self) -> None:
        self.policy = encoding.decode(self.code)
        self.ledger = Ledger(self.suite, 0, 0)

    # One life

    def live(self, attempts: int) -> None:
        """Attempts from a fresh state; all that they did is undone."""
        snapshot = self.suite.anvil.call("evm_snapshot")
        now = self.suite.anvil.now
        self.ledger = Ledger(self.suite, *self.valid)
        self.now_s, self.number, self.pending = now, 0, []
        self.is_patient = self.random.random() < 0.4
        if self.random.random() < 0.15:
            self.now_s = self.policy.end_s - self.random.choice([3, 65, 2 * DAY_S + 61])
        before = self._held()
        for _ in range(attempts):
            self._attempt()
            self.spoil(self)
        paid = sum(amount for _, amount in self.ledger.paid)
        after = self._held()
        if after != (before[0] - paid, *before[1:]) and not self.ledger.outside:
            self.ledger._outside(1, "a balance that no log explains")
        assert self.suite.anvil.call("evm_revert", snapshot)

    def _held(self) -> tuple[int, int, int]:
        treasury = self.suite.address("treasury")
        ether = int(self.suite.anvil.call("eth_getBalance", hex_text(treasury), "latest"), 16)
        tokens = [self.suite.read(name, "balanceOf", treasury) for name in ("usdc", "votes_token")]
        return tokens[0], tokens[1], ether

    # One attempt

    def _attempt(self) -> None:
        attempt = self.random.choice(_PATIENT if self.is_patient else _ATTEMPTS)
        is_near, kind, calls, data, to, wait_s = attempt(self)
        self.made += 1
        self.near += is_near
        at_s = max(self.now_s + 1, self.now_s + wait_s)
        self.suite.anvil.call("evm_setNextBlockTimestamp", at_s)
        self.now_s = at_s
        sent = {"from": hex_text(self.suite.address("agent")), "to": hex_text(to), "data": hex_text(data),
                "gas": hex(3_000_000)}  # fmt: skip
        transaction = self.suite.anvil.call("eth_sendTransaction", sent)
        receipt = self.suite.anvil.call("eth_getTransactionReceipt", transaction)
        while receipt is None:
            receipt = self.suite.anvil.call("eth_getTransactionReceipt", transaction)
        if receipt["status"] != "0x1":
            self.seen[self._why(transaction)] += 1
            return
        self.seen["done: " + kind] += 1
        if kind == "release":
            self.pending = [one for one in self.pending if one[1] != calls]
        self.ledger.took(receipt, at_s, calls, kind)
        if kind in ("execute", "schedule"):
            self.number += 1
        if kind == "schedule":
            self.pending.append((self.number, calls, at_s))

    def _why(self, transaction: str) -> str:
        trace = self.suite.anvil.call("debug_traceTransaction", transaction, {"tracer": "callTracer"})
        raw = hex_bytes(trace.get("output") or "0x")
        return self.suite.error_name(raw) or (f"0x{raw[:4].hex()}" if raw else "no reason")

    # What is tried

    def left(self, *, at_once: bool) -> int:
        """Base units that the module's own ring leaves, for the thief to aim at."""
        (budget,) = self.policy.budgets
        key = budget.key(POLICY_ID, self.policy.agent)
        question = {"to": hex_text(self.suite.address("module")), "data": hex_text(abi.encode_call(RING, [key]))}
        ring = Ring.unpack(abi_decode(["uint256"], hex_bytes(self.suite.anvil.call("eth_call", question, "latest")))[0])
        units = budget.instant_limit if at_once else budget.limit
        return max(0, budget.base_units(max(0, units - ring.spent(budget.segment_s, self.now_s))))

    def pay(self, *amounts: int, to: bytes | None = None) -> tuple[Call, ...]:
        names = self.random.sample(CONTRIBUTORS, min(len(amounts), 5))
        return tuple(
            payment_call(to or self.suite.address(names[place % 5]), self.suite.address("usdc"), amount)
            for place, amount in enumerate(amounts)
        )

    def act(self, calls: tuple[Call, ...], *, scheduled: bool = False, number: int = 0, codehash: bytes = b"") -> bytes:
        hash_ = codehash or encoding.codehash(self.code)
        return act_calldata(scheduled, POLICY_ID, hash_, number or self.number + 1, calls, DECISION)


Attempt = tuple[bool, str, tuple[Call, ...], bytes, bytes, int]
NEXT_S = 61


def _beside(thief: Thief, bound: int) -> int:
    unit = thief.policy.budgets[0].unit
    return max(0, bound + thief.random.choice([-unit, -1, 0, 0, 1, unit]))


def _of(thief: Thief, is_near: bool, kind: str, calls: tuple[Call, ...], data: bytes, wait_s: int = NEXT_S) -> Attempt:
    return is_near, kind, calls, data, thief.suite.address("module"), wait_s


def at_cap(thief: Thief) -> Attempt:
    calls = thief.pay(_beside(thief, thief.random.choice([_cap(thief), thief.left(at_once=True)])))
    return _of(thief, True, "execute", calls, thief.act(calls), thief.random.choice([NEXT_S, NEXT_S, 4 * DAY_S]))


def _cap(thief: Thief) -> int:
    return max(clause.operand for rule in thief.policy.rules for clause in rule.clauses if clause.kind.name == "CAP")


def split(thief: Thief) -> Attempt:
    whole = _beside(thief, thief.random.choice([_cap(thief), thief.left(at_once=True)]))
    part = thief.random.randint(0, whole)
    calls = thief.pay(part, whole - part)
    return _of(thief, True, "execute", calls, thief.act(calls), thief.random.choice([NEXT_S, 24 * DAY_S // 7]))


def around_the_windows_edge(thief: Thief) -> Attempt:
    wait = PERIOD_S // 7 - thief.now_s % (PERIOD_S // 7) + thief.random.choice([-1, 0, 1])
    calls = thief.pay(min(_cap(thief), max(1, thief.left(at_once=True) + thief.random.choice([-1, 0, 1]))))
    return _of(thief, True, "execute", calls, thief.act(calls), max(NEXT_S, wait))


def announced(thief: Thief) -> Attempt:
    # What waits already is meant to be paid too: the last piece is to fill the limit exactly, or one unit more.
    waits = sum(int.from_bytes(one.data[-32:], "big") for _, calls, _ in thief.pending for one in calls)
    left = max(0, thief.left(at_once=False) - waits)
    calls = thief.pay(min(_beside(thief, left), _cap(thief) + thief.random.choice([0, 0, 0, 1])))
    return _of(thief, True, "schedule", calls, thief.act(calls, scheduled=True))


def released(thief: Thief) -> Attempt:
    if not thief.pending:
        return announced(thief)
    number, calls, at_s = thief.random.choice(thief.pending)
    delay, window = thief.policy.objection_delay_s, thief.policy.release_window_s
    moment = at_s + thief.random.choice([delay, delay, delay + window]) + thief.random.choice([-1, 0, 1])
    other = thief.random.random()
    if other < 0.2:
        calls = tuple(Call(one.to, one.value_wei, one.data[:-1] + bytes([one.data[-1] ^ 1])) for one in calls)
    elif other < 0.3:
        number += thief.random.choice([-1, 1])
    data = release_calldata(POLICY_ID, max(0, number), calls, DECISION)
    return _of(thief, True, "release", calls, data, moment - thief.now_s)


def too_soon(thief: Thief) -> Attempt:
    calls = thief.pay(thief.random.randint(1, 50) * USDC)
    last = thief.ledger.last_act_s or thief.now_s
    wait = last + thief.policy.cooldown_s + thief.random.choice([-1, 0, 1]) - thief.now_s
    return _of(thief, True, "execute", calls, thief.act(calls), wait)


def another_number(thief: Thief) -> Attempt:
    calls = thief.pay(USDC)
    number = max(1, thief.number + 1 + thief.random.choice([-1, 1]))
    return _of(thief, True, "execute", calls, thief.act(calls, number=number))


def at_the_end(thief: Thief) -> Attempt:
    calls = thief.pay(USDC)
    edge = thief.policy.end_s + thief.random.choice([-1, 0, 1])
    if edge - thief.now_s > 2 * DAY_S + 600:
        return too_soon(thief)
    return _of(thief, True, "execute", calls, thief.act(calls), edge - thief.now_s)


def deformed(thief: Thief) -> Attempt:
    (call,) = thief.pay(thief.random.randint(1, 100))
    data = thief.random.choice(
        [call.data + b"\0", call.data[:-1], call.data[:36], call.data + bytes(32), call.data[:3]]
    )
    calls = (Call(call.to, thief.random.choice([0, 0, 1]), data),)
    return _of(thief, True, "execute", calls, thief.act(calls))


def dirty_words(thief: Thief) -> Attempt:
    (call,) = thief.pay(USDC)
    at = thief.random.randrange(4, 16)
    calls = (Call(call.to, 0, call.data[:at] + b"\1" + call.data[at + 1 :]),)
    return _of(thief, False, "execute", calls, thief.act(calls))


def to_a_stranger(thief: Thief) -> Attempt:
    friend = bytearray(thief.suite.address(thief.random.choice(CONTRIBUTORS)))
    friend[thief.random.randrange(20)] ^= 1 << thief.random.randrange(8)
    to = thief.random.choice([bytes(friend), thief.suite.address("mallory"), thief.suite.address("agent")])
    calls = (*thief.pay(1), *thief.pay(thief.random.randint(1, 4_000) * USDC, to=to))
    return _of(thief, False, "execute", calls, thief.act(calls))


def another_function(thief: Thief) -> Attempt:
    me, usdc = thief.suite.address("agent").rjust(32, b"\0"), thief.suite.address("usdc")
    treasury = thief.suite.address("treasury").rjust(32, b"\0")
    data = thief.random.choice([
        selector("approve(address,uint256)") + me + word(2**256 - 1),
        selector("increaseAllowance(address,uint256)") + me + word(2**255),
        selector("transferFrom(address,address,uint256)") + treasury + me + word(USDC),
    ])  # fmt: skip
    target = thief.random.choice([usdc, usdc, thief.suite.address("votes_token")])
    calls = (Call(target, 0, data),)
    return _of(thief, False, "execute", calls, thief.act(calls))


def ether(thief: Thief) -> Attempt:
    calls = (Call(thief.suite.address(thief.random.choice(["agent", "kim"])), thief.random.choice([1, 10**18]), b""),)
    return _of(thief, False, "execute", calls, thief.act(calls))


def another_code(thief: Thief) -> Attempt:
    calls = thief.pay(USDC)
    hash_ = bytearray(encoding.codehash(thief.code))
    hash_[thief.random.randrange(32)] ^= 1
    return _of(thief, False, "execute", calls, thief.act(calls, codehash=bytes(hash_)))


def past_the_module(thief: Thief) -> Attempt:
    suite, mine = thief.suite, thief.suite.address("agent")
    contract, function, arguments = thief.random.choice([
        ("treasury", "perform", [mine, 10**18, b""]),
        ("treasury", "enableModule", [mine]),
        ("treasury", "execTransactionFromModule", [mine, 10**18, b"", 0]),
        ("treasury", "execTransactionFromModule", [suite.address("usdc"), 0, thief.pay(USDC, to=mine)[0].data, 1]),
        ("module", "setPolicy", [POLICY_ID, thief.code]),
        ("module", "setGuardian", [mine]),
        ("module", "unpause", []),
        ("module", "shorten", [POLICY_ID, 2**32 // 3600 * 3600]),
        ("usdc", "transferFrom", [suite.address("treasury"), mine, USDC]),
    ])  # fmt: skip
    data = suite.calldata(contract, function, *arguments)
    return False, "another way", (), data, suite.address(contract), 1


def honest(thief: Thief) -> Attempt:
    calls = thief.pay(thief.random.randint(1, 900) * USDC)
    return _of(thief, False, "execute", calls, thief.act(calls), thief.random.choice([NEXT_S, DAY_S]))


_ATTEMPTS: tuple[Callable[[Thief], Attempt], ...] = (
    at_cap, at_cap, split, split, around_the_windows_edge, announced, released, released, too_soon, too_soon,
    another_number, at_the_end, deformed, dirty_words, to_a_stranger, another_function, ether, another_code,
    past_the_module, honest,
)  # fmt: skip

_PATIENT = (announced, announced, announced, released, released, released, at_cap, too_soon)


def _valid(suite: Deployed) -> tuple[int, int]:
    """When the document says that the policy begins and ends: from the text, whatever stands on the chain."""
    valid = document.load(payroll_text(suite))
    return valid.start_s, valid.end_s


def run(suite: Deployed, attempts: int, text: str, spoil: Callable[[Thief], None], seed: int = 1) -> Thief:
    """Attempts under the policy of a document text, set as a vote sets it. Stops early once value went outside."""
    thief = Thief(suite, encoding.encode(document.load(text)), _valid(suite), Random(seed), spoil)
    suite.set_policy(POLICY_ID, thief.code)
    outside, why = 0, Counter[str]()
    while thief.made < attempts:
        thief.live(min(A_LIFE, attempts - thief.made))
        outside, why = outside + thief.ledger.outside, why + thief.ledger.why
        if outside:
            break
    thief.ledger.outside, thief.ledger.why = outside, why
    return thief


def _sound(_thief: Thief) -> None:
    return


def _forget(kind: str) -> Callable[[Thief], None]:
    """The module forgets something after each attempt: what was spent, or when it last acted."""

    def spoil(thief: Thief) -> None:
        module, (budget,) = hex_text(thief.suite.address("module")), thief.policy.budgets
        base = _first_slot(thief.suite)
        if kind == "spending":
            key = budget.key(POLICY_ID, thief.policy.agent)
            slot, value = keccak(key + word(base + RINGS_SLOT)), 0
        else:
            slot = keccak(POLICY_ID + word(base + 1))
            held = int(thief.suite.anvil.call("eth_getStorageAt", module, hex_text(slot), "latest"), 16)
            value = held & ~((2**32 - 1) << LAST_ACT_SHIFT)
        thief.suite.anvil.call("anvil_setStorageAt", module, hex_text(slot), hex_text(word(value)))

    return spoil


def _first_slot(suite: Deployed) -> int:
    """Where the guardian is stored: the module's own storage begins there."""
    module, guardian = hex_text(suite.address("module")), int.from_bytes(suite.address("gus"), "big")
    for slot in range(8):
        if int(suite.anvil.call("eth_getStorageAt", module, hex(slot), "latest"), 16) & (2**160 - 1) == guardian:
            return slot
    raise AssertionError("the guardian is not among the first slots")


def test_no_value_leaves_outside_of_the_policy(deployed: Deployed) -> None:
    thief = run(deployed, ATTEMPTS, payroll_text(deployed), _sound)
    rate = Rate(0 if not thief.ledger.outside else 1, thief.made)
    found = {
        "attempts": thief.made,
        "within_one_unit_of_a_bound": thief.near,
        "value_outside_the_policy_base_units": str(thief.ledger.outside),
        "why_outside": dict(thief.ledger.why),
        "attempts_outside": rate.as_json(),
        "by_answer": dict(thief.seen.most_common()),
    }
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    (results / "stolen-key.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    assert thief.ledger.outside == 0, thief.ledger.why
    assert thief.made >= ATTEMPTS
    assert thief.near * 2 >= thief.made
    assert {"OverCap", "OverInstant", "Cooling"} <= set(thief.seen) or ATTEMPTS < 1000, thief.seen


FAULTS: dict[str, tuple[Callable[[Deployed], str], Callable[[Thief], None]]] = {
    "cap one unit higher": (lambda suite: payroll_text(suite, cap="5,000.000001 USDC"), _sound),
    "at once one unit more": (lambda suite: payroll_text(suite, instant="6,000.001 USDC"), _sound),
    "limit one unit higher": (lambda suite: payroll_text(suite, limit="12,000.001 USDC"), _sound),
    "pause one second shorter": (lambda suite: payroll_text(suite, cooldown="59 seconds"), _sound),
    "objection an hour shorter": (
        lambda suite: payroll_text(suite).replace("delay: 2 days", "delay: 47 hours"),
        _sound,
    ),
    "one recipient another": (
        lambda suite: payroll_text(suite).replace(checksum(suite.address("max")), checksum(suite.address("mallory"))),
        _sound,
    ),
    "spending forgotten": (payroll_text, _forget("spending")),
    "last act forgotten": (payroll_text, _forget("last act")),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(deployed: Deployed, fault: str) -> None:
    text, spoil = FAULTS[fault]
    try:
        thief = run(deployed, FAULT_ATTEMPTS, text(deployed), spoil, seed=2)
    except ChainError as error:
        raise AssertionError(f"{fault}: {deployed.error_name(error.data)}") from error
    print(f"{fault}: found after {thief.made} attempts: {dict(thief.ledger.why)}")
    assert thief.ledger.outside > 0, (fault, thief.seen)
