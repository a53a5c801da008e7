# SPDX-License-Identifier: Apache-2.0
"""The exact worst case of a small policy, by trying everything: a measure for the bound, with no code in common.

Money is whole units, rules pay and charge the amount to each of their budgets, time is seconds. Second by second (or,
where acts need no pause, from one edge of a segment to the next) every state that can be reached is kept with the most
that was taken on the way to it. A budget is remembered as what was charged in each of its last eight segments.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

WINDOW = 8

Window = tuple[tuple[int, int], ...]  # (segment, units), the oldest first, no zeros
Act = tuple[tuple[int, ...], int]  # what each budget is charged, and what is paid


@dataclass(frozen=True)
class SmallBudget:
    limit: int
    segment_s: int


@dataclass(frozen=True)
class SmallRule:
    """A rule that charges what it pays to each of its budgets; `cap` is the most in one act, None for no cap."""

    budgets: tuple[int, ...]
    cap: int | None


@dataclass(frozen=True)
class SmallPolicy:
    budgets: tuple[SmallBudget, ...]
    rules: tuple[SmallRule, ...]
    cooldown_s: int


def most_taken(policy: SmallPolicy, duration_s: int, wanted: Sequence[int]) -> int:
    """The most that the wanted rules pay in any `duration_s` seconds, wherever they begin in the segments."""
    turn_s = _least_common_multiple(policy)
    return max(_from(policy, begin_s, duration_s, frozenset(wanted)) for begin_s in range(turn_s))


def _least_common_multiple(policy: SmallPolicy) -> int:
    turn_s = 1
    while any(turn_s % budget.segment_s for budget in policy.budgets):
        turn_s += 1
    return turn_s


def _from(policy: SmallPolicy, begin_s: int, duration_s: int, wanted: frozenset[int]) -> int:
    paying = [rule for number, rule in enumerate(policy.rules) if number in wanted]
    best: dict[tuple[tuple[Window, ...], int], int] = {(((),) * len(policy.budgets), -policy.cooldown_s): 0}
    before: tuple[int, ...] | None = None
    for now_s in range(begin_s, begin_s + duration_s):
        segments = tuple(now_s // budget.segment_s for budget in policy.budgets)
        if segments == before and not policy.cooldown_s:
            continue  # acts in one segment can all be made at its beginning
        before = segments
        best = _after(policy, paying, now_s - begin_s, segments, best)
    return max(best.values())


def _after(
    policy: SmallPolicy,
    paying: Sequence[SmallRule],
    now_s: int,
    segments: tuple[int, ...],
    best: dict[tuple[tuple[Window, ...], int], int],
) -> dict[tuple[tuple[Window, ...], int], int]:
    reached: dict[tuple[tuple[Window, ...], int], int] = {}
    for (windows, last_s), taken in best.items():
        now = tuple(
            tuple(entry for entry in window if entry[0] > segment - WINDOW)
            for window, segment in zip(windows, segments, strict=True)
        )
        rooms = tuple(
            budget.limit - sum(units for _, units in window) for budget, window in zip(policy.budgets, now, strict=True)
        )
        ready = not policy.cooldown_s or now_s - last_s >= policy.cooldown_s
        for charged, paid in _acts(tuple(paying), rooms, bool(policy.cooldown_s)) if ready else (((0,) * len(now), 0),):
            after = tuple(
                _with(window, segment, units) for window, segment, units in zip(now, segments, charged, strict=True)
            )
            key = after, (now_s if any(charged) else last_s) if policy.cooldown_s else 0
            if reached.get(key, -1) < taken + paid:
                reached[key] = taken + paid
    return reached


def _with(window: Window, segment: int, units: int) -> Window:
    if not units:
        return window
    if window and window[-1][0] == segment:
        return (*window[:-1], (segment, window[-1][1] + units))
    return (*window, (segment, units))


@cache
def _acts(
    rules: tuple[SmallRule, ...], rooms: tuple[int, ...], capped: bool
) -> tuple[tuple[tuple[int, ...], int], ...]:
    """What one act can charge to each budget, and the most that it pays for it. Without a pause caps bind nothing."""
    found: dict[tuple[int, ...], int] = {}
    for charged, paid in _payments(rules, rooms, capped):
        found[charged] = max(found.get(charged, 0), paid)
    return tuple(found.items())


def _payments(
    rules: tuple[SmallRule, ...], rooms: tuple[int, ...], capped: bool
) -> Iterator[tuple[tuple[int, ...], int]]:
    if not rules:
        yield (0,) * len(rooms), 0
        return
    first, *rest = rules
    most = min(rooms[number] for number in first.budgets)
    if capped and first.cap is not None:
        most = min(most, first.cap)
    for amount in range(most + 1):
        mine = tuple(amount * (number in first.budgets) for number in range(len(rooms)))
        left = tuple(room - units for room, units in zip(rooms, mine, strict=True))
        for charged, paid in _payments(tuple(rest), left, capped):
            yield tuple(a + b for a, b in zip(mine, charged, strict=True)), paid + amount
