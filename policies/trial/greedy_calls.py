# SPDX-License-Identifier: Apache-2.0
"""Calls that take as much from one budget as a rule lets them: what the simulated adversary makes its acts of."""

from collections.abc import Mapping, Sequence

from policies.answer.permitted import Values, cap_of
from policies.answer.slots import Shape, Slot, sent_wei, slots
from policies.code.call import Call
from policies.code.calldata import Row, Value, pack_call
from policies.code.policy_code import PolicyCode, Source
from policies.notation.primitives import UINT256_MAX, keccak
from policies.words.worst_case import pays_only

MOST_CALLS = 50
MOST_ROWS = 50
MOST_BYTES = 4096

Rooms = Mapping[int, int]


class Starved(Exception):
    """No call under this rule satisfies its clauses within the rooms."""


class HungryRule:
    """One rule, seen by an agent that wants budget number `wanted` emptied.

    `takes_more`: whether the called contract can take more of the budget's asset than the call says, which is measured.
    """

    def __init__(self, policy: PolicyCode, number: int, wanted: int) -> None:
        self._rule = policy.rules[number]
        self._wanted = wanted
        self._slots = slots(policy, self._rule, None)
        self._wei = sent_wei(policy, self._rule)
        self._paid_in_wei = [charge.budget for charge in self._rule.charges if charge.source is Source.VALUE]
        self.charges_wanted = any(charge.budget == wanted for charge in self._rule.charges)
        budget = policy.budgets[wanted]
        self.takes_more = budget.measured and not pays_only(policy, self._rule, budget.asset)

    def act(self, rooms: Rooms) -> list[Call]:
        """Calls that together take as much as rooms (base units by the budget's number) and caps allow; perhaps none.

        A rule that doesn't charge the wanted budget gives one call, for a measured fall.
        """
        calls: list[Call] = []
        left, capped = dict(rooms), 0
        while len(calls) < (MOST_CALLS if self.charges_wanted else 1):
            try:
                call, taken, used = self._call(left, capped)
            except Starved:
                break
            if self.charges_wanted and not taken:
                break
            calls.append(call)
            capped += taken
            left = {budget: room - used.get(budget, 0) for budget, room in left.items()}
        return calls

    def _call(self, rooms: Rooms, capped: int) -> tuple[Call, int, dict[int, int]]:
        """A call, what it takes of the wanted budget, and what of each; `capped` is what calls before it took."""
        used: dict[int, int] = {}
        count = self._rows(rooms, capped)
        values = [self._fill(slot, rooms, capped, count, used) for slot in self._slots]
        value_wei = 0
        if self._paid_in_wei:
            room = min(rooms[budget] for budget in self._paid_in_wei)
            value_wei = _largest(self._wei, room) if self._wanted in self._paid_in_wei else 0
            for budget in self._paid_in_wei:
                used[budget] = used.get(budget, 0) + value_wei
        call = Call(self._rule.target, value_wei, pack_call(self._rule, values))
        return call, used.get(self._wanted, 0), used

    def _fill(self, slot: Slot, rooms: Rooms, capped: int, count: int, used: dict[int, int]) -> Value:
        if slot.shape is Shape.BYTES:
            return _bytes(slot)
        if slot.shape is Shape.VALUE:
            return self._word(slot, 0, rooms, capped, 1, used)
        rows = _nearest(slot.sizes, count)
        row: Row = [self._word(slot, column, rooms, capped, rows, used) for column in range(len(slot.fields))]
        return [row] * rows

    def _word(self, slot: Slot, column: int, rooms: Rooms, capped: int, rows: int, used: dict[int, int]) -> int:
        """The value of a field in each of so many rows: what is wanted as large as it may be, all else as small."""
        field = slot.fields[column]
        room = min((rooms[budget] for budget in field.budgets), default=UINT256_MAX)
        if self._wanted in field.budgets:
            item = _largest(field.values, self._share(slot.word, column, room, capped, rows))
        else:
            item = _smallest(field.values, room // rows)
        for budget in field.budgets:
            used[budget] = used.get(budget, 0) + item * rows
        return item

    def _share(self, word: int, column: int, room: int, capped: int, rows: int) -> int:
        cap = cap_of(self._rule, (word, column))
        return (room if cap is None else min(room, cap - capped)) // rows

    def _rows(self, rooms: Rooms, capped: int) -> int:
        """How many rows empty the room, where rows are what is charged."""
        for slot in self._slots:
            for column, field in enumerate(slot.fields):
                if slot.shape is Shape.ROWS and self._wanted in field.budgets and field.values.highest:
                    room = self._share(slot.word, column, min(rooms[budget] for budget in field.budgets), capped, 1)
                    return min(max(1, -(-room // field.values.highest)), MOST_ROWS)
        return 1


def _largest(values: Values, most: int) -> int:
    """The largest of the values that is at most `most`. Raises Starved."""
    found = values & Values.between(0, most)
    if not found:
        raise Starved
    return found.highest


def _smallest(values: Values, most: int) -> int:
    """The smallest of the values, if it is at most `most`. Raises Starved."""
    if not values or values.intervals[0][0] > most:
        raise Starved
    return values.intervals[0][0]


def _nearest(sizes: Values, wanted: int) -> int:
    """The permitted number of rows: the largest up to what is wanted, or else the smallest. Raises Starved."""
    below = sizes & Values.between(1, wanted)
    if below:
        return below.highest
    if not sizes or sizes.intervals[0][0] > MOST_ROWS:
        raise Starved
    return sizes.intervals[0][0]


def _bytes(slot: Slot) -> bytes:
    """The shortest zeros that the slot permits; a hash it demands can't be met by trying. Raises Starved."""
    if not slot.sizes:
        raise Starved
    zeros = bytes(min(slot.sizes.intervals[0][0], MOST_BYTES))
    if len(zeros) not in slot.sizes or int.from_bytes(keccak(zeros), "big") not in slot.hashes:
        raise Starved
    return zeros


def hungry_rules(policy: PolicyCode, wanted: int) -> Sequence[HungryRule]:
    """The rules through which the budget can be emptied: those that charge it, and, where it is measured, those by
    which more than they say can leave.
    """
    rules = [HungryRule(policy, number, wanted) for number in range(len(policy.rules))]
    return [rule for rule in rules if rule.charges_wanted or rule.takes_more]
