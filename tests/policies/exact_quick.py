# SPDX-License-Identifier: Apache-2.0
"""The exact worst case of tests.policies.exact, found much sooner: fewer rules, budgets and states, nothing left out.

It shares no line with the bound that it measures; test_exact_worst_case.py holds it against trying everything. Why what
it leaves out takes nothing away:

- Rules that charge the same budgets are one, with their caps added up. A rule that charges all that another charges,
  and perhaps more, is left out where no cap binds that other: what it pays the other could pay.
- A budget is left out where another with the same segments is no larger and is charged by at least the same rules: the
  other is full before.
- Without a pause between acts, budgets and rules that nothing connects are counted apart, and added up.
- A rule with one budget pays all it can in each act that is made. If it paid a unit less, that unit could be paid now
  and the next one that the budget is charged left out: each window with the new one that was full has the next one too.
- Of what was charged only what comes back before the end is remembered, by the segment in which it does.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.policies.exact import WINDOW, SmallPolicy, SmallRule

Back = tuple[tuple[int, int], ...]  # (segment in which they can be spent again, units), the next first
State = tuple[tuple[tuple[int, Back], ...], int]  # what is left of each budget and what comes back; seconds to wait


@dataclass(frozen=True)
class _Group:
    """Budgets by limit and length of segment, and rules by their budgets and what they pay at most in an act."""

    limits: tuple[int, ...]
    segments_s: tuple[int, ...]
    rules: tuple[tuple[tuple[int, ...], int | None], ...]


def most_taken_quickly(policy: SmallPolicy, duration_s: int, wanted: Sequence[int]) -> int:
    """The most that the wanted rules pay in any `duration_s` seconds, as `most_taken` finds it."""
    rules = _fewer_rules([policy.rules[number] for number in wanted], bool(policy.cooldown_s))
    groups = [_group(policy, part) for part in ([rules] if policy.cooldown_s else _apart(rules))]
    turn_s = _turn(segment_s for group in groups for segment_s in group.segments_s)
    return max(
        sum(_from(group, policy.cooldown_s, begin_s, begin_s + duration_s) for group in groups)
        for begin_s in range(turn_s)
    )


def _turn(segments_s: Iterable[int]) -> int:
    """After so many seconds all segments begin together again."""
    lengths = set(segments_s)
    turn_s = 1
    while any(turn_s % segment_s for segment_s in lengths):
        turn_s += 1
    return turn_s


def _fewer_rules(wanted: Sequence[SmallRule], capped: bool) -> list[tuple[frozenset[int], int | None]]:
    most: dict[frozenset[int], int | None] = {}
    for rule in wanted:
        budgets = frozenset(rule.budgets)
        cap, before = rule.cap if capped else None, most.get(budgets, 0)
        most[budgets] = None if cap is None or before is None else before + cap
    return [
        (budgets, cap)
        for budgets, cap in most.items()
        if not any(other < budgets and most[other] is None for other in most)
    ]


def _apart(rules: list[tuple[frozenset[int], int | None]]) -> list[list[tuple[frozenset[int], int | None]]]:
    parts: list[list[tuple[frozenset[int], int | None]]] = []
    for rule in rules:
        touched = [part for part in parts if any(rule[0] & other for other, _ in part)]
        parts = [part for part in parts if part not in touched]
        parts.append([rule, *(one for part in touched for one in part)])
    return parts


def _group(policy: SmallPolicy, rules: list[tuple[frozenset[int], int | None]]) -> _Group:
    by_budget: dict[int, frozenset[int]] = {
        budget: frozenset(at for at, (budgets, _) in enumerate(rules) if budget in budgets)
        for budget in frozenset().union(*(budgets for budgets, _ in rules))
    }

    def covers(one: int, other: int) -> bool:
        mine, theirs = policy.budgets[one], policy.budgets[other]
        return (
            mine.segment_s == theirs.segment_s
            and by_budget[one] >= by_budget[other]
            and (mine.limit, -len(by_budget[one]), one) < (theirs.limit, -len(by_budget[other]), other)
        )

    kept = [budget for budget in by_budget if not any(covers(one, budget) for one in by_budget)]
    charged = sorted(
        (tuple(at for at, budget in enumerate(kept) if budget in budgets), cap or 0, cap is None)
        for budgets, cap in rules
    )
    # Those with one budget last: they pay what the others leave.
    charged.sort(key=lambda rule: len(rule[0]) == 1)
    return _Group(
        tuple(policy.budgets[budget].limit for budget in kept),
        tuple(policy.budgets[budget].segment_s for budget in kept),
        tuple((budgets, None if uncapped else cap) for budgets, cap, uncapped in charged),
    )


def _from(group: _Group, cooldown_s: int, begin_s: int, end_s: int) -> int:
    best: dict[State, int] = {(tuple((limit, ()) for limit in group.limits), 0): 0}
    for now_s in _moments(group, cooldown_s, begin_s, end_s):
        reached: dict[State, int] = {}
        for (budgets, wait_s), taken in best.items():
            now = tuple(
                _come_back(budget, now_s // segment_s)
                for budget, segment_s in zip(budgets, group.segments_s, strict=True)
            )
            if wait_s:
                _keep(reached, (now, wait_s - 1), taken)
                continue
            if cooldown_s:
                _keep(reached, (now, 0), taken)  # a later act may find more
            for paid in _payments(group.rules, [room for room, _ in now]):
                after = tuple(
                    _spent(budget, now_s // segment_s, segment_s, end_s, units)
                    for budget, segment_s, units in zip(now, group.segments_s, paid[0], strict=True)
                )
                _keep(reached, (after, cooldown_s - 1 if cooldown_s and paid[1] else 0), taken + paid[1])
        best = reached
    return max(best.values())


def _moments(group: _Group, cooldown_s: int, begin_s: int, end_s: int) -> Iterator[int]:
    """When acts are worth a thought: each second, and where they need no pause each time that a segment begins."""
    yield begin_s
    for before_s, now_s in pairwise(range(begin_s, end_s)):
        if cooldown_s or any(before_s // segment_s != now_s // segment_s for segment_s in group.segments_s):
            yield now_s


def _keep(reached: dict[State, int], state: State, taken: int) -> None:
    if reached.get(state, -1) < taken:
        reached[state] = taken


def _come_back(budget: tuple[int, Back], segment: int) -> tuple[int, Back]:
    room, back = budget
    while back and back[0][0] <= segment:
        room, back = room + back[0][1], back[1:]
    return room, back


def _spent(budget: tuple[int, Back], segment: int, segment_s: int, end_s: int, units: int) -> tuple[int, Back]:
    room, back = budget
    again = segment + WINDOW
    if units and again * segment_s < end_s:
        last = back[-1:] if back and back[-1][0] == again else ()
        back = (*back[: len(back) - len(last)], (again, units + sum(before for _, before in last)))
    return room - units, back


def _payments(
    rules: tuple[tuple[tuple[int, ...], int | None], ...], rooms: list[int]
) -> Iterator[tuple[tuple[int, ...], int]]:
    """What one act can charge to each budget, and pay."""
    if not rules:
        yield (0,) * len(rooms), 0
        return
    (budgets, cap), *rest = rules
    most = min((rooms[budget] for budget in budgets), default=cap or 0)
    most = most if cap is None else min(most, cap)
    for amount in (most,) if len(budgets) == 1 else range(most + 1):
        left = [room - amount * (at in budgets) for at, room in enumerate(rooms)]
        for charged, paid in _payments(tuple(rest), left):
            yield tuple(units + amount * (at in budgets) for at, units in enumerate(charged)), paid + amount
