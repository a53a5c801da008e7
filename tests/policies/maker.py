# SPDX-License-Identifier: Apache-2.0
"""Small policies, changes of them, and acts, from one seed.

They are small on purpose: few values, few limits, so that what one policy permits and another refuses is often hit.
"""

import random
from dataclasses import replace

from policies.answer.evaluate import Observation, Observations, PolicyState
from policies.code.call import Call
from policies.code.policy_code import (
    Budget,
    Charge,
    Clause,
    Dynamic,
    Income,
    Kind,
    PlaceKind,
    PolicyCode,
    Rule,
    Scope,
    Source,
)
from policies.code.ring import Ring
from policies.notation.primitives import keccak, selector, word

START_S = 2_000_000_000
END_S = (START_S // 3600 + 100) * 3600
AGENT, OPERATOR, ID = b"\xa9" * 20, b"\x0b" * 20, b"\x1d" * 32
ETHER, TOKENS = bytes(20), (b"\x70" * 20, b"\x71" * 20)
APPROVE = selector("approve(address,uint256)")
SELECTORS = (b"\1\1\1\1", b"\2\2\2\2")
TEXTS = (b"", b"a", b"b" * 33)
HASHES = [int.from_bytes(keccak(text), "big") for text in TEXTS]
FORMS: tuple[tuple[int, tuple[Dynamic, ...]], ...] = (
    (1, ()),
    (2, ()),
    (1, (Dynamic(0, 1),)),
    (2, (Dynamic(0, 1), Dynamic(1, 2))),
    (2, (Dynamic(1, 0),)),
)


class Maker:
    """Draws policies, changes and acts from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    # Policies

    def policy(self) -> PolicyCode:
        budgets = self.budgets()
        lists = tuple(self.items() for _ in range(2))
        rules = [self.rule(budgets) for _ in range(self.random.randint(1, 3))]
        if self.random.random() < 0.4:
            rules = [self.twin(rules[0], budgets) for _ in range(self.random.randint(1, 3))]
        return PolicyCode(
            agent=AGENT,
            operator=OPERATOR,
            start_s=START_S,
            end_s=END_S,
            cooldown_s=self.random.choice([0, 0, 5]),
            objection_delay_s=self.random.choice([0, 60, 60]),
            release_window_s=60,
            objection_threshold_bps=500,
            document_hash=bytes(32),
            budgets=budgets,
            lists=lists,
            rules=ordered(rules),
        )

    def budgets(self) -> tuple[Budget, ...]:
        made = {budget.ring: budget for budget in (self.budget() for _ in range(self.random.randint(1, 3)))}
        return tuple(made.values())

    def budget(self) -> Budget:
        limit = self.random.randint(1, 6)
        return Budget(
            scope=self.random.choice(list(Scope)),
            asset=self.random.choice([ETHER, *TOKENS]),
            exponent=self.random.choice([0, 0, 1]),
            period_s=self.random.choice([7, 8, 14]),
            instant_limit=self.random.choice([limit, limit, self.random.randint(0, limit)]),
            limit=limit,
            name=self.random.choice([b"a", b"b"]).ljust(32, b"\0"),
            measured=self.random.random() < 0.3,
        )

    def items(self) -> tuple[int, ...]:
        return tuple(sorted(self.random.sample(range(4), self.random.randint(1, 3))))

    def rule(self, budgets: tuple[Budget, ...]) -> Rule:
        chosen = self.random.random()
        if chosen < 0.1:
            rule = Rule(TOKENS[0], bytes(4), True, False, 0, (), ())
        elif chosen < 0.2:
            rule = Rule(TOKENS[0], APPROVE, False, False, 2, (), (), approval=True)
        else:
            words, dynamics = self.random.choice(FORMS[:2] if chosen < 0.5 else FORMS)
            target, function = self.random.choice(TOKENS), self.random.choice(SELECTORS)
            rule = Rule(target, function, False, self.random.random() < 0.3, words, (), (), dynamics=dynamics)
        return self.with_incomes(self.with_charges(self.with_clauses(rule), budgets), budgets)

    def twin(self, rule: Rule, budgets: tuple[Budget, ...]) -> Rule:
        """Another alternative for the same function, mostly with the same charges."""
        twin = self.with_clauses(rule)
        return twin if self.random.random() < 0.7 else self.with_charges(twin, budgets)

    def with_clauses(self, rule: Rule) -> Rule:
        clauses = {self.clause(rule) for _ in range(self.random.randint(0, 3))} if rule.words else set()
        return replace(rule, clauses=tuple(sorted(clauses, key=repr)))

    def clause(self, rule: Rule) -> Clause:
        word_, column = self.random.choice(places(rule))
        if rule.place(word_, column) is PlaceKind.HASH:
            return Clause(word_, self.random.choice([Kind.EQUAL, Kind.NOT_EQUAL]), self.random.choice(HASHES), column)
        kind = self.random.choice(list(Kind))
        return Clause(word_, kind, self.random.randint(0, 1 if kind is Kind.IN_LIST else 4), column)

    def with_charges(self, rule: Rule, budgets: tuple[Budget, ...]) -> Rule:
        numbers = self.random.sample(range(len(budgets)), self.random.randint(0, len(budgets)))
        charges = [self.charge(rule, number, budgets[number]) for number in sorted(numbers)]
        return replace(rule, charges=tuple(charge for charge in charges if charge))

    def charge(self, rule: Rule, number: int, budget: Budget) -> Charge | None:
        chargeable = [at for at in places(rule) if rule.place(*at) in (PlaceKind.WORD, PlaceKind.COLUMN)]
        if budget.asset == ETHER and (not chargeable or self.random.random() < 0.5):
            return Charge(number, Source.VALUE, 0)
        return Charge(number, Source.ARGUMENT, *self.random.choice(chargeable)) if chargeable else None

    def with_incomes(self, rule: Rule, budgets: tuple[Budget, ...]) -> Rule:
        known = {charge.budget for charge in rule.charges} | {i for i, b in enumerate(budgets) if b.measured}
        if not known or self.random.random() < 0.7:
            return replace(rule, incomes=())
        number = self.random.choice(sorted(known))
        asset = self.random.choice([a for a in (ETHER, *TOKENS) if a != budgets[number].asset])
        ratio = self.random.choice([(1, 2), (1, 1), (2, 1), (3, 2)])
        return replace(rule, incomes=(Income(asset, number, *ratio),))

    # Changes

    def changed(self, policy: PolicyCode) -> PolicyCode:
        for _ in range(self.random.randint(1, 2)):
            ways = [self._times, self._lists, *[self._rule_changed] * 4, self._rules]
            policy = self.random.choice([*ways, self._budget_changed] if policy.budgets else ways)(policy)
        return policy

    def _times(self, policy: PolicyCode) -> PolicyCode:
        name, values = self.random.choice(
            [
                ("start_s", [START_S, START_S + 10]),
                ("end_s", [END_S, END_S - 3600]),
                ("cooldown_s", [0, 5, 9]),
                ("objection_delay_s", [0, 60, 90]),
                ("release_window_s", [0, 60, 90]),
            ]
        )
        return replace(policy, **{name: self.random.choice(values)})

    def _budget_changed(self, policy: PolicyCode) -> PolicyCode:
        number = self.random.randrange(len(policy.budgets))
        if self.random.random() < 0.2:
            return without_budget(policy, number)
        was, other = policy.budgets[number], self.budget()
        names = self.random.choice(
            [["limit", "instant_limit"], ["instant_limit"], ["measured"], ["period_s"], ["name"]]
        )
        changed = replace(was, **{name: getattr(other, name) for name in names})
        changed = replace(changed, instant_limit=min(changed.limit, changed.instant_limit))
        budgets = tuple(changed if index == number else one for index, one in enumerate(policy.budgets))
        unique = len({budget.ring for budget in budgets}) == len(budgets)
        return replace(policy, budgets=budgets) if unique else policy

    def _lists(self, policy: PolicyCode) -> PolicyCode:
        return replace(policy, lists=tuple(self.random.choice([items, self.items()]) for items in policy.lists))

    def _rule_changed(self, policy: PolicyCode) -> PolicyCode:
        number = self.random.randrange(len(policy.rules))
        rule = self._with_something_else(policy.rules[number], policy.budgets)
        return replace(policy, rules=ordered([*policy.rules[:number], rule, *policy.rules[number + 1 :]]))

    def _with_something_else(self, rule: Rule, budgets: tuple[Budget, ...]) -> Rule:
        chosen = self.random.randrange(6)
        if chosen == 0:
            return replace(rule, must_return_true=not rule.must_return_true)
        if chosen == 1:
            return self.with_incomes(self.with_charges(rule, budgets), budgets)
        if chosen == 2:
            return self.with_incomes(rule, budgets)
        if chosen == 3 and rule.clauses:
            return replace(rule, clauses=tuple(self.random.sample(rule.clauses, len(rule.clauses) - 1)))
        if chosen == 4 and rule.words:
            return replace(rule, clauses=tuple(sorted({*rule.clauses, self.clause(rule)}, key=repr)))
        return self.with_clauses(rule)

    def _rules(self, policy: PolicyCode) -> PolicyCode:
        rules = list(policy.rules)
        chosen = self.random.randrange(5)
        if chosen == 4:
            rules = self._merged(rules)
        elif chosen == 0 and len(rules) > 1:
            rules.pop(self.random.randrange(len(rules)))
        elif chosen == 1:
            rules.append(self.rule(policy.budgets))
        elif chosen == 2:
            rules.insert(0, self.with_clauses(self.random.choice(rules)))
        else:
            self.random.shuffle(rules)
        return replace(policy, rules=ordered(rules))

    def _merged(self, rules: list[Rule]) -> list[Rule]:
        """One rule in place of all: with the clauses of only one of them, or of none."""
        clauses = self.random.choice([(), self.with_clauses(rules[0]).clauses])
        return [replace(rules[0], clauses=clauses)]

    # Acts

    def act(self, policy: PolicyCode) -> tuple[list[Call], Observations]:
        calls = [self.call(self.random.choice(policy.rules)) for _ in range(self.random.choice([1, 1, 2, 3]))]
        seen = [
            Observation(None, self.random.random() < 0.7, {a: self.random.randint(-4, 4) for a in (ETHER, *TOKENS)})
            for _ in calls
        ]
        if self.random.random() < 0.5:
            seen = [Observation() for _ in calls]
        spenders = [word(value)[12:] for value in range(4)]
        left = {(TOKENS[0], spender): self.random.choice([0, 0, 0, 1]) for spender in spenders}
        return calls, Observations(seen, left)

    def call(self, rule: Rule) -> Call:
        value = self.random.choice([0, 1, 3]) if any(c.source is Source.VALUE for c in rule.charges) else 0
        data = b"" if rule.no_selector else rule.selector + self.arguments(rule)
        return Call(rule.target, value, data)

    def arguments(self, rule: Rule) -> bytes:
        head, tails = b"", b""
        for index in range(rule.words):
            width = rule.width(index)
            if width is None:
                head += word(self.random.randint(0, 4))
                continue
            head += word(32 * rule.words + len(tails))
            tails += self.tail(width)
        return head + tails

    def tail(self, width: int) -> bytes:
        if not width:
            text = self.random.choice(TEXTS)
            return word(len(text)) + text + bytes(-len(text) % 32)
        count = self.random.choice([1, 1, 2, 3])
        return word(count) + b"".join(word(self.random.randint(0, 3)) for _ in range(count * width))

    def moment(self) -> int:
        return self.random.choice([START_S, START_S + 9, START_S + 10, END_S - 3600, END_S - 1, *[START_S + 50] * 6])

    def state(self, policies: tuple[PolicyCode, ...], now_s: int) -> PolicyState:
        rings = {}
        for policy in policies:
            for budget in policy.budgets:
                spent = self.random.choice([0, 0, 1, 3])
                rings[budget.key(ID, policy.agent)] = Ring().charged(budget.segment_s, now_s, spent).pack()
        last_s = now_s - self.random.choice([0, 4, 5, 8, 9, 100])
        return PolicyState(ID, 1, 1, last_s, 0, paused=False, rings=rings, release_window_s=(0, 2**40))


def ordered(rules: list[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda rule: rule.key))


def places(rule: Rule) -> list[tuple[int, int]]:
    return [(w, c) for w in range(rule.words) for c in range(3) if rule.place(w, c) is not None]


def without_budget(policy: PolicyCode, number: int) -> PolicyCode:
    def kept(rule: Rule) -> Rule:
        charges = [replace(c, budget=c.budget - (c.budget > number)) for c in rule.charges if c.budget != number]
        incomes = [replace(i, budget=i.budget - (i.budget > number)) for i in rule.incomes if i.budget != number]
        return replace(rule, charges=tuple(charges), incomes=tuple(incomes))

    budgets = tuple(budget for index, budget in enumerate(policy.budgets) if index != number)
    return replace(policy, budgets=budgets, rules=tuple(map(kept, policy.rules)))
