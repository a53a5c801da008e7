# SPDX-License-Identifier: Apache-2.0
"""Made-up lives of a policy: acts at awkward moments with awkward arguments, and targets that do awkward things.

Everything is drawn from one seed. Values are chosen where an answer may turn: at a clause's operand, at what is left of
a budget or cap, at a segment's edge, at an income's least, and one beside each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from policies.answer import evaluate as evaluate_module
from policies.answer.evaluate import Allowed, Mode, Observation, Observations, PolicyState, Refused, evaluate
from policies.code.arguments import read
from policies.code.call import Call
from policies.code.calldata import Value, pack_call
from policies.code.encoding import codehash, pack, pack_budget
from policies.code.policy_code import Charge, Clause, Kind, PolicyCode, Rule, Source
from policies.code.ring import Ring
from policies.code.signatures import APPROVE
from policies.notation.primitives import UINT256_MAX, keccak, word
from tests.policies.chain import (
    POLICY_ID,
    Answer,
    Part,
    Place,
    PolicyChain,
    Question,
    Script,
    Stored,
    act_id,
    encode_act,
    encode_release,
)
from tests.policies.strategies import ASSETS, BYTES, EMPTY_ACCOUNT, ETHER, TARGETS

MOST_VALUE = 2**240
LAST_S = 2**32 - 1
TEMPERS = {
    "spender": ["execute"] * 8 + ["schedule", "release"],
    "announcer": ["execute"] + ["schedule"] * 8 + ["release"],
    "steady": ["execute", "schedule"] * 2 + ["release"] * 4,
}
YES = word(1)
ANSWERS = (YES,) * 12 + (word(0), word(2), b"", b"", YES[:31], YES + bytes(32), word(2**255 + 1))
FORMS = ("none",) * 60 + (
    "stranger",
    "cut",
    "longer",
    "bit",
    "offset",
    "selector only",
    "three bytes",
    "value",
    "value",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One question, and what Python says: the module's error, or "" and what is stored afterwards."""

    question: Question
    kind: str
    error: str
    arguments: tuple[object, ...]
    after: Stored

    def differs(self, answer: Answer) -> str | None:
        """How the chain's answer is another, or None."""
        if (answer.error, answer.arguments) != (self.error, self.arguments):
            return f"Python: {self.error or 'done'}{self.arguments}; chain: {answer.error or 'done'}{answer.arguments}"
        stored = (self.after.version, self.after.number, self.after.last_act_s, self.after.end_s)
        if answer.state != stored:
            return f"policyState: Python {stored}, chain {answer.state}"
        if answer.places != self.after.places:
            return f"pending acts: Python {self.after.places}, chain {answer.places}"
        rings = {key: self.after.rings.get(key, 0) for key in self.question.keys}
        return None if answer.rings == rings else f"rings: Python {rings}, chain {answer.rings}"


# How often more lives are drawn where some answer was not met. One life or two of a thousand cases meet the rarest, and
# which lives are drawn depends on what else this process imported: Hypothesis takes constants from it.
MOST_ROUNDS = 10


@dataclass(slots=True)
class Life:
    """One policy on one module, step by step; `random` decides."""

    chain: PolicyChain
    policy: PolicyCode
    random: Random
    stored: Stored = field(init=False)
    now_s: int = 0
    announced: dict[int, Sequence[Call]] = field(default_factory=dict)
    _temper: str = ""

    def __post_init__(self) -> None:
        number = self.random.choice([0, 0, 7, 2**24 - 12])
        self.stored = Stored(pack(self.policy), 1, number, 0, self.policy.end_s, False, self.random.choice([0, 3]), {})
        self._temper = self.random.choice(list(TEMPERS))
        self.now_s = self.policy.start_s + self.random.choice([-1, 0, 0, 5, 777])
        if self.policy.end_s == LAST_S // 3600 * 3600 and self.random.random() < 0.3:
            self._temper = "announcer"
            self.now_s = self.policy.end_s - self.random.choice([1, 60, 61, 119, 120, 600])

    # What happens between acts

    def steps(self, count: int) -> Iterator[Step]:
        for _ in range(count):
            self.now_s += self._move()
            self._happen()
            yield self._act()

    def _move(self) -> int:
        """How much time passes: seconds when acts are to pile up, otherwise often to some edge."""
        if self._temper == "announcer":
            return self.random.choice(
                [self.policy.cooldown_s] * 9 + [self.policy.cooldown_s + 1, self.policy.objection_delay_s]
            )
        return self.random.choice([0, 1, 1, *self._moves()])

    def _moves(self) -> list[int]:
        moves = [0, 1, 59, 60, self.policy.cooldown_s, self.policy.cooldown_s - 1, self.policy.objection_delay_s]
        for budget in self.policy.budgets:
            s = budget.segment_s
            rest = s - self.now_s % s  # to the next segment's first second
            moves += [rest - 1, rest, s, 7 * s, rest + 6 * s, rest + 7 * s - 1, rest + 7 * s, budget.period_s]
        return [move for move in moves if 0 <= move <= 10_000_000]

    def _happen(self) -> None:
        stored, random = self.stored, self.random
        if stored.paused:
            self.stored = replace(stored, paused=random.random() < 0.3)
            return
        if self.now_s >= stored.end_s and random.random() < 0.7:
            self._replace()
            return
        match random.choice(["", "", "", "", "", "", "", "", "", "replace", "shorten", "pause", "kill", "veto"]):
            case "replace":
                self._replace()
            case "shorten":
                end_s = (self.now_s // 3600 + random.choice([0, 1])) * 3600
                self.stored = replace(stored, end_s=min(stored.end_s, end_s))
            case "pause":
                self.stored = replace(stored, paused=True, epoch=stored.epoch + 1)
            case "kill" if any(place.expires_s for place in stored.places):
                self._end_one(self.now_s + self.policy.objection_delay_s)
            case "veto" if any(place.expires_s for place in stored.places):
                self._end_one(stored.places[0].quiet_until_s)

    def _replace(self) -> None:
        """Another version with other limits on the same rings."""
        budgets = []
        for budget in self.policy.budgets:
            limit = self.random.randint(1, budget.limit)
            same = budget.limit == budget.instant_limit
            budgets.append(replace(budget, limit=limit, instant_limit=limit if same else self.random.randint(0, limit)))
        if sorted(budgets, key=pack_budget) == budgets:
            self.policy = replace(self.policy, budgets=tuple(budgets))
        if self.policy.end_s <= self.now_s < LAST_S // 3600 * 3600:
            self.policy = replace(self.policy, end_s=min(self.now_s // 3600 + 20_000, LAST_S // 3600) * 3600)
        stored = self.stored
        self.stored = replace(stored, code=pack(self.policy), version=stored.version + 1, end_s=self.policy.end_s)

    def _end_one(self, quiet_until_s: int) -> None:
        """A pending act is killed or vetoed."""
        found = list(self.stored.places)
        index = self.random.choice([index for index, place in enumerate(found) if place.expires_s])
        found[index] = replace(found[index], expires_s=0)
        found[0] = replace(found[0], quiet_until_s=min(quiet_until_s, LAST_S))
        self.stored = replace(self.stored, places=tuple(found))

    # Acts

    def _act(self) -> Step:
        waiting = [place for place in self.stored.places if place.expires_s]
        kind = self.random.choice(TEMPERS[self._temper])
        if kind == "release" and not waiting:
            kind = "schedule"
        if kind == "release":
            place = self.random.choice(waiting)
            moments = [place.releasable_s, place.releasable_s - 1, place.expires_s - 1, place.expires_s]
            self.now_s = max(self.now_s, self.random.choice([*moments, *moments[:2], moments[0]]))
            return self._ask(Mode.RELEASE, self.announced[place.number], place)
        if kind == "schedule" and self.announced and self.random.random() < 0.6:
            return self._ask(Mode.SCHEDULE, self.random.choice(list(self.announced.values())), None)
        count = self.random.choice([1, 1, 1, 2, 2, 3, 0 if self.random.random() < 0.1 else 1])
        return self._ask(Mode(kind), [self._call() for _ in range(count)], None)

    def _ask(self, mode: Mode, calls: Sequence[Call], place: Place | None) -> Step:
        state = self._state(place)
        script, observed = self._play(calls)
        answer = evaluate(self.policy, state, calls, self.now_s, mode, observed)
        if place is not None:
            data = encode_release(place.number, calls)
        else:
            data = encode_act(mode.value, codehash(self.stored.code), self.stored.number + 1, calls)
        keys = tuple(budget.key(POLICY_ID, self.policy.agent) for budget in self.policy.budgets)
        question = Question(self.stored, self.now_s, data, script, keys)
        if isinstance(answer, Refused):
            first = answer.reasons[0]
            return Step(question, first.error, first.error, first.arguments, self.stored)
        self.stored = self._after(mode, calls, answer, place)
        return Step(question, mode.value, "", (), self.stored)

    def _state(self, place: Place | None) -> PolicyState:
        stored = self.stored
        ours = [one for one in stored.places if (one.version, one.epoch) == (stored.version, stored.epoch)]
        return PolicyState(
            policy_id=POLICY_ID,
            version=stored.version,
            number=stored.number,
            last_act_s=stored.last_act_s,
            end_s=stored.end_s,
            paused=stored.paused,
            rings=stored.rings,
            quiet_until_s=stored.places[0].quiet_until_s,
            pending_expiries_s=tuple(one.expires_s for one in ours if one.expires_s),
            release_window_s=(place.releasable_s, place.expires_s) if place else None,
            void=place is not None and place not in ours,
        )

    def _after(self, mode: Mode, calls: Sequence[Call], answer: Allowed, place: Place | None) -> Stored:
        stored = self.stored
        found = list(stored.places)
        if place is not None:
            found[found.index(place)] = replace(place, expires_s=0)
            return replace(stored, places=tuple(found), rings=self._charged(answer))
        number = stored.number + 1
        stored = replace(stored, number=number, last_act_s=self.now_s)
        if mode is Mode.EXECUTE:
            return replace(stored, rings=self._charged(answer))
        index = next(index for index, one in enumerate(found) if self._is_free(one))
        releasable_s = self.now_s + self.policy.objection_delay_s
        found[index] = Place(
            act_id=act_id(self.chain, stored.version, number, calls),
            snapshot=self.now_s - 1,
            epoch=stored.epoch,
            version=stored.version,
            number=number,
            releasable_s=releasable_s,
            expires_s=releasable_s + self.policy.release_window_s,
        )
        self.announced[number] = calls
        return replace(stored, places=tuple(found))

    def _is_free(self, place: Place) -> bool:
        ours = (place.version, place.epoch) == (self.stored.version, self.stored.epoch)
        return self.now_s >= place.expires_s or not ours

    def _charged(self, answer: Allowed) -> Mapping[bytes, int]:
        rings = dict(self.stored.rings)
        for index, units in answer.charges.items():
            budget = self.policy.budgets[index]
            key = budget.key(POLICY_ID, self.policy.agent)
            rings[key] = Ring.unpack(rings.get(key, 0)).charged(budget.segment_s, self.now_s, units).pack()
        return rings

    # Calls

    def _call(self) -> Call:
        random = self.random
        rule = random.choice(self.policy.rules)
        form = random.choice(FORMS)
        if form == "stranger":
            return Call(
                random.choice([*TARGETS, EMPTY_ACCOUNT]),
                random.choice([0, 1]),
                random.randbytes(random.choice([0, 3, 4, 36])),
            )
        data = pack_call(rule, [self._argument(rule, index) for index in range(rule.words)])
        data = self._deformed(data, form)
        sent = [charge.budget for charge in rule.charges if charge.source is Source.VALUE]
        value = 0
        if sent:
            value = min(random.choice([0, 1, *self._amounts(sent[0])]), MOST_VALUE)
        elif form == "value":
            value = 1
        return Call(rule.target, value, data)

    def _deformed(self, data: bytes, form: str) -> bytes:
        if not data or form in ("none", "value"):
            return data
        at = self.random.randrange(len(data))
        words = (len(data) - 4) // 32
        match form:
            case "cut":
                return data[: self.random.choice([at, -1, -32])]
            case "longer":
                return data + self.random.choice([b"\0", b"\1", bytes(32), bytes(31)])
            case "bit":
                return data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1 :]
            case "offset" if words:
                first = 4 + 32 * self.random.randrange(words)
                value = int.from_bytes(data[first : first + 32], "big") + self.random.choice([-32, 1, 32, 64, 2**255])
                return data[:first] + word(value % 2**256) + data[first + 32 :]
            case "selector only":
                return data[:4]
            case "three bytes":
                return data[: self.random.choice([1, 3])]
            case _:
                return data

    def _argument(self, rule: Rule, index: int) -> Value:
        width = rule.width(index)
        if width is None:
            return self._value(rule, index, 0)
        if width == 0:
            return self._bytes(rule, index)
        counts = self._fitting(rule, index, width, range(1, 5)) or [1]
        rows = [
            [self._value(rule, index, column) for column in range(width)] for _ in range(self.random.choice(counts))
        ]
        for column in range(width):
            self._share(rows, column)
        return rows

    def _share(self, rows: list[list[int]], column: int) -> None:
        """Makes the rows add up, now and then, to the first one's value."""
        if len(rows) > 1 and self.random.random() < 0.4:
            whole = rows[0][column]
            part = self.random.choice([0, 1, whole // 2])
            rows[0][column], rows[1][column] = whole - min(part, whole), min(part, whole)
            for row in rows[2:]:
                row[column] = 0

    def _bytes(self, rule: Rule, index: int) -> bytes:
        hashes = {int.from_bytes(keccak(content), "big"): content for content in BYTES}
        contents = [hashes[value] for value in self._fitting(rule, index, 1, hashes)]
        lengths = set(self._fitting(rule, index, 0, range(100)))
        both = [content for content in contents if len(content) in lengths]
        if both and self.random.random() < 0.9:
            return self.random.choice(both)
        return (
            bytes(self.random.choice(sorted(lengths) or [0]))
            if self.random.random() < 0.5
            else self.random.choice(BYTES)
        )

    def _value(self, rule: Rule, index: int, column: int) -> int:
        candidates = [0, 1, 2, UINT256_MAX, self.random.getrandbits(256)]
        for clause in self._clauses(rule, index, column):
            items = self.policy.lists[clause.operand] if clause.kind is Kind.IN_LIST else (clause.operand,)
            candidates += [number for item in items for number in _near(item)]
            if clause.kind is Kind.CAP:
                candidates += [*_near(clause.operand), *_near(clause.operand // 2), clause.operand // 3]
        for charge in rule.charges:
            if charge.source is Source.ARGUMENT and (charge.word, charge.column) == (index, column):
                candidates += self._amounts(charge.budget) * 2
        if rule.selector == APPROVE and index == 0:
            candidates += [int.from_bytes(target, "big") for target in TARGETS]
        fitting = self._fitting(rule, index, column, candidates)
        return self.random.choice(fitting if fitting and self.random.random() < 0.93 else candidates)

    def _clauses(self, rule: Rule, index: int, column: int) -> list[Clause]:
        return [clause for clause in rule.clauses if (clause.word, clause.column) == (index, column)]

    def _fitting(
        self, rule: Rule, index: int, column: int, candidates: Sequence[int] | Mapping[int, bytes] | range
    ) -> list[int]:
        clauses = self._clauses(rule, index, column)
        members = self.policy.members
        return [value for value in candidates if all(evaluate_module.holds(one, value, members) for one in clauses)]

    def _amounts(self, index: int) -> list[int]:
        """Amounts at which the budget's answer may turn."""
        budget = self.policy.budgets[index]
        key = budget.key(POLICY_ID, self.policy.agent)
        spent = Ring.unpack(self.stored.rings.get(key, 0)).spent(budget.segment_s, self.now_s)
        left = [max(0, budget.instant_limit - spent), max(0, budget.limit - spent)]
        units = [part for whole in left for part in (whole, whole // 2, max(0, whole - 1))]
        return [number for part in units for number in _near(min(budget.base_units(part), UINT256_MAX))]

    # What the targets do

    def _play(self, calls: Sequence[Call]) -> tuple[Script, Observations]:
        """A script for the calls, and what it will show, whether or not they will be made."""
        random = self.random
        before = {asset: self._balance() for asset in ASSETS if asset != ETHER}
        balances = dict(before)
        parts: list[Part] = []
        seen: list[Observation] = []
        for call in calls:
            if call.to == EMPTY_ACCOUNT:
                seen.append(Observation(is_true=False, changes={ETHER: -call.value_wei}))
                continue
            changes = self._changes(call, balances)
            back = max(0, call.value_wei + changes.pop(ETHER, -call.value_wei))
            for asset, change in changes.items():
                balances[asset] += change
            answer = random.choice(ANSWERS)
            fails = random.random() < 0.02
            parts.append(Part(fails, back, answer, {asset: balances[asset] for asset in changes}))
            is_true = not answer or (len(answer) >= 32 and answer[:32] == YES)
            changed = {**changes, ETHER: back - call.value_wei}
            seen.append(Observation(answer if fails else None, is_true, changed))
        allowances = self._allowances(calls)
        return Script(parts, before, allowances), Observations(seen, allowances)

    def _balance(self) -> int:
        return self.random.choice([2**128] * 5 + [0, 1, 10**6, UINT256_MAX, 2**255])

    def _changes(self, call: Call, balances: Mapping[bytes, int]) -> dict[bytes, int]:
        """How far the treasury's balances rise and fall in the call, at the edges of what is demanded."""
        rule = self._rule_of(call)
        changes: dict[bytes, int] = {}
        if rule is None or self.random.random() < 0.1:
            return {asset: self._clamped(self.random.choice([-1, 0, 1]), balances.get(asset)) for asset in ASSETS[1:]}
        charged = {charge.budget: self._charged_by(charge, rule, call) for charge in rule.charges}
        for index, budget in enumerate(self.policy.budgets):
            if budget.measured and budget.asset not in changes:
                fall = self._fall(index, charged.get(index, 0))
                change = self._clamped(-fall, balances.get(budget.asset, call.value_wei))
                changes[budget.asset] = change
                charged[index] = max(charged.get(index, 0), -change)
        for income in rule.incomes:
            if income.asset not in changes or self.random.random() < 0.5:
                least = min(income.least(charged.get(income.budget, 0)), UINT256_MAX)
                rise = self.random.choice([least, least, least, least + 1, max(0, least - 1), 0])
                changes[income.asset] = self._clamped(rise, balances.get(income.asset, 0))
        return changes

    def _fall(self, index: int, charged: int) -> int:
        near = self._amounts(index)
        beyond = [charged + self.random.choice(near)]
        return self.random.choice(
            [0, 0, charged, charged, charged, max(0, charged - 1), charged + 1, *near, *beyond, -5]
        )

    def _clamped(self, change: int, balance: int | None) -> int:
        """The change as far as the balance can change; of ether, as far as the treasury and the target have some."""
        balance = balance or 0
        return max(-balance, min(change, UINT256_MAX - balance, 2**239 if balance <= MOST_VALUE else UINT256_MAX))

    def _rule_of(self, call: Call) -> Rule | None:
        key = (call.to, call.data[:4].ljust(4, b"\0"), not call.data)
        fitting = (rule for _, rule in self.policy.alternatives.get(key, ()) if read(rule, call.data))
        return next(fitting, None)

    def _charged_by(self, charge: Charge, rule: Rule, call: Call) -> int:
        arguments = read(rule, call.data)
        return evaluate_module._amount(charge, call, arguments) if arguments else 0

    def _allowances(self, calls: Sequence[Call]) -> dict[tuple[bytes, bytes], int]:
        found = {}
        for call in calls:
            if call.data[:4] == APPROVE and len(call.data) >= 36 and self.random.random() < 0.3:
                found[call.to, call.data[16:36]] = self.random.choice([1, UINT256_MAX])
        return found


def _near(value: int) -> list[int]:
    return [number for number in (value - 1, value, value + 1) if 0 <= number <= UINT256_MAX]
