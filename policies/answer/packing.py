# SPDX-License-Identifier: Apache-2.0
"""The most that flows can carry together where each passes several limits, with a proof.

A flow passes some limits, and what all flows carry past one limit is at most that limit. The most that chosen flows
carry is a linear program (a fractional packing). Its dual gives each limit a weight, and weights under which every flow
passes at least 1 in all prove that no more than their weighted sum can be carried. The answer is that sum, rounded
down, after the weights were checked: whatever happened on the way to them, the answer is no less than the truth.
Where the best weights take too long to find, quicker ones are used: the answer may then be more than the truth.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

Limit = int  # the number of a limit
MOST_WORK = 20_000  # entries of a table that are reckoned for one proof: some milliseconds


@dataclass(frozen=True, slots=True)
class Flow:
    """What passes the limits `through`; `most` is what it can carry by itself at most, None where nothing says so."""

    through: frozenset[Limit]
    most: int | None = None


def most_carried(flows: Sequence[Flow], limits: Mapping[Limit, int]) -> int | None:
    """The most that the flows carry together, in whole units; None where a flow has neither a limit nor a most.

    Raises ValueError for a limit below zero.
    """
    if any(limit < 0 for limit in limits.values()):
        raise ValueError("a limit is below zero")
    if any(not flow.through and flow.most is None for flow in flows):
        return None
    return sum(_of_component(component, limits) for component in _components(_simplified(flows, limits)))


def _simplified(flows: Iterable[Flow], limits: Mapping[Limit, int]) -> list[Flow]:
    """The same flows, fewer: a limit that one flow alone passes is its most, and flows with the same limits are one."""
    now = _merged(flows)
    while True:
        passing: dict[Limit, int] = {}
        for flow in now:
            for limit in flow.through:
                passing[limit] = passing.get(limit, 0) + 1
        fewer = _merged(
            Flow(
                frozenset(limit for limit in flow.through if passing[limit] > 1),
                min(
                    [limits[limit] for limit in flow.through if passing[limit] == 1]
                    + ([flow.most] if flow.most is not None else []),
                    default=None,
                ),
            )
            for flow in now
        )
        if len(fewer) == len(now) and all(flow in now for flow in fewer):
            return fewer
        now = fewer


def _merged(flows: Iterable[Flow]) -> list[Flow]:
    mosts: dict[frozenset[Limit], int | None] = {}
    for flow in flows:
        before = mosts.get(flow.through, 0)
        mosts[flow.through] = None if before is None or flow.most is None else before + flow.most
    return [Flow(through, most) for through, most in mosts.items()]


def _components(flows: Sequence[Flow]) -> list[list[Flow]]:
    """Flows that share limits, directly or through others, together."""
    groups: list[tuple[set[Limit], list[Flow]]] = []
    for flow in flows:
        limits, members = set(flow.through), [flow]
        apart = []
        for group in groups:
            if group[0] & limits:
                limits |= group[0]
                members += group[1]
            else:
                apart.append(group)
        groups = [*apart, (limits, members)]
    return [members for _, members in groups]


def _of_component(flows: Sequence[Flow], limits: Mapping[Limit, int]) -> int:
    shared = sorted({limit for flow in flows for limit in flow.through})
    rows = [[int(limit in flow.through) for flow in flows] for limit in shared]
    sides = [limits[limit] for limit in shared]
    for number, flow in enumerate(flows):
        if flow.most is not None:
            rows.append([int(other == number) for other in range(len(flows))])
            sides.append(flow.most)
    found = _weights(rows, sides)
    if found is None:
        return _at_most(flows, limits, shared)
    weights, scale = found
    if any(weight < 0 for weight in weights) or any(
        sum(weight for weight, row in zip(weights, rows, strict=True) if row[number]) < scale
        for number in range(len(flows))
    ):
        raise ArithmeticError("the weights of the limits prove nothing")
    return sum(weight * side for weight, side in zip(weights, sides, strict=True)) // scale


def _at_most(flows: Sequence[Flow], limits: Mapping[Limit, int], shared: Iterable[Limit]) -> int:
    """A bound that is quick to find: each flow by its own smallest limit, or all limits together if that is less."""
    alone = [
        min([limits[limit] for limit in flow.through] + ([] if flow.most is None else [flow.most])) for flow in flows
    ]
    outside = sum(flow.most or 0 for flow in flows if not flow.through)
    return min(sum(alone), sum(limits[limit] for limit in shared) + outside)


def _weights(rows: Sequence[Sequence[int]], sides: Sequence[int]) -> tuple[list[int], int] | None:
    """The dual optimum of: the largest sum of x >= 0 with rows x <= sides, as numerators and their denominator.

    Dantzig's simplex by Bland's rule, in whole numbers over one denominator. None where that takes too much work.
    """
    height, width = len(rows), len(rows[0])
    table = [
        [*row, *(int(number == other) for other in range(height)), side]
        for number, (row, side) in enumerate(zip(rows, sides, strict=True))
    ]
    table.append([-1] * width + [0] * (height + 1))  # what one more of each flow gains
    basis = list(range(width, width + height))
    work, scale = 0, 1
    while (entering := next((at for at, gain in enumerate(table[-1][:-1]) if gain < 0), None)) is not None:
        work += len(table) * len(table[0])
        if work > MOST_WORK:
            return None
        ratios = [
            (Fraction(row[-1], row[entering]), basis[number], number)
            for number, row in enumerate(table[:-1])
            if row[entering] > 0
        ]
        leaving = min(ratios)[2]  # every flow is bounded, so there is one
        pivot_row = table[leaving]
        pivot = pivot_row[entering]
        for number, row in enumerate(table):
            if number != leaving:
                times = row[entering]
                table[number] = [
                    (value * pivot - times * other) // scale for value, other in zip(row, pivot_row, strict=True)
                ]
        scale = pivot
        basis[leaving] = entering
    return table[-1][width : width + height], scale
