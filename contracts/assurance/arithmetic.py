#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The facts of arithmetic that tests/contracts/symbolic takes for granted, proven over all integers by z3.

Solvers can't reason about the product or quotient of two unknown 256-bit words. Over the integers, which have no size,
they can. An EVM word is the integer as long as nothing wraps, and in these facts nothing does: each product that occurs
is at most one of the numbers given (a quotient times its divisor is at most what was divided).

Run by `make prove`, in .venv-assurance. Exit status 1 when a fact is not proven, or when a false one is.
"""

import sys

from z3 import And, BoolRef, Implies, Int, Not, Or, Solver, unsat

n, m, s, q, r = (Int(name) for name in "nmsqr")


def is_quotient(q: Int, n: Int, s: Int) -> BoolRef:
    """q is n divided by s, rounded down: the definition, as the EVM's DIV has it."""
    return And(q * s <= n, n - q * s < s)


NATURAL = And(n >= 0, m >= 0, s >= 1, q >= 0, r >= 0)
FACTS: dict[str, BoolRef] = {
    "1: z3's integer division is the quotient of the definition": Implies(
        And(n >= 0, s >= 1), And(is_quotient(n / s, n, s), n / s >= 0)
    ),
    "1: a quotient is at most what was divided": Implies(And(NATURAL, is_quotient(q, n, s)), q <= n),
    "2: multiplication is distributive": (q - r) * s == q * s - r * s,
    "3: multiplication is monotonic": Implies(And(NATURAL, q >= r), q * s >= r * s),
    "3: more than 7 segments are at least 8": Implies(And(NATURAL, q - r > 7), (q - r) * s >= 8 * s),
    "3: a segment or more is at least one": Implies(And(NATURAL, q > r), (q - r) * s >= s),
    "4: only 1 leaves a number as it is": Implies(And(NATURAL, is_quotient(q, n, s)), Or(s == 1, q < n, n == 0)),
    "4: and 1 leaves nothing over": Implies(And(NATURAL, is_quotient(q, n, s), s == 1), q * s == n),
}
# Statements that are false, so that a proof of everything would be noticed.
FALSE: dict[str, BoolRef] = {
    "rounding the segment down covers the period": Implies(And(NATURAL, n >= 7, is_quotient(q, n, 7)), 7 * q >= n),
    "more than 7 segments are at least 9": Implies(And(NATURAL, q - r > 7), (q - r) * s >= 9 * s),
    "a quotient times its divisor is what was divided": Implies(And(NATURAL, is_quotient(q, n, s)), q * s == n),
}


def is_proven(fact: BoolRef) -> bool:
    solver = Solver()
    solver.set("timeout", 60_000)
    solver.add(Not(fact))
    return solver.check() == unsat


def main() -> int:
    wrong = 0
    for expected, statements in ((True, FACTS), (False, FALSE)):
        for name, statement in statements.items():
            proven = is_proven(statement)
            wrong += proven != expected
            word = "proven" if proven else "not proven"
            print(f"arithmetic: {word}{'' if proven == expected else ' (!)'}: {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
