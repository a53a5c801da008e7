# SPDX-License-Identifier: Apache-2.0
"""The most that flows can carry together where each passes several limits: exact, with a proof.

A flow passes some limits, and what all flows carry past one limit is at most that limit. The most that chosen flows
carry is a linear program (a fractional packing). Its dual gives each limit a weight, and weights under which every flow
passes at least 1 in all prove that no more than their weighted sum can be carried. The answer is that sum, rounded
down, after the weights were checked: whatever happened on the way to them, the answer is no less than the truth.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

Limit = int  # the number of a limit


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
    weights = _weights(rows, sides)
    if any(weight < 0 for weight in weights) or any(
        sum((weight for weight, row in zip(weights, rows, strict=True) if row[number]), Fraction(0)) < 1
        for number in range(len(flows))
    ):
        raise ArithmeticError("the weights of the limits prove nothing")
    return int(sum((weight * side for weight, side in zip(weights, sides, strict=True)), Fraction(0)) // 1)


def _weights(rows: Sequence[Sequence[int]], sides: Sequence[int]) -> list[Fraction]:
    """The dual optimum of: the largest sum of x >= 0 with rows x <= sides. Dantzig's simplex by Bland's rule."""
    height, width = len(rows), len(rows[0])
    table = [
        [*map(Fraction, row), *(Fraction(int(number == other)) for other in range(height)), Fraction(side)]
        for number, (row, side) in enumerate(zip(rows, sides, strict=True))
    ]
    gains = [Fraction(-1)] * width + [Fraction(0)] * (height + 1)
    basis = list(range(width, width + height))
    while (entering := next((at for at, gain in enumerate(gains[:-1]) if gain < 0), None)) is not None:
        ratios = [
            (row[-1] / row[entering], basis[number], number) for number, row in enumerate(table) if row[entering] > 0
        ]
        leaving = min(ratios)[2]  # every flow is bounded, so there is one
        pivot = table[leaving][entering]
        table[leaving] = [value / pivot for value in table[leaving]]
        for number, row in enumerate(table):
            if number != leaving and row[entering]:
                table[number] = _less(row, table[leaving], row[entering])
        gains = _less(gains, table[leaving], gains[entering])
        basis[leaving] = entering
    return gains[width : width + height]


def _less(row: Sequence[Fraction], pivot_row: Sequence[Fraction], times: Fraction) -> list[Fraction]:
    return [value - times * other for value, other in zip(row, pivot_row, strict=True)]
