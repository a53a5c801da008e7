# SPDX-License-Identifier: Apache-2.0
"""The tests that a draft's author writes beside a policy, played."""

from __future__ import annotations

from dataclasses import dataclass

from policies.files import load_document
from policies.trial_actions import result_lines, results_of

_SOURCE = "-"


@dataclass(frozen=True)
class Tested:
    """Each test of a policy in one or more lines; `failed` counts those that came out otherwise than expected."""

    lines: list[str]
    count: int
    failed: int


def tested(yaml: str, tests: str) -> Tested:
    """Play tests, written as in a file of tests, on a policy's document, of which it is known that it is in order.

    Raises:
        PolicyError: the tests are no tests; it names the line.
    """
    loaded = load_document(yaml, _SOURCE)
    results = results_of(loaded, tests, _SOURCE)
    lines = [line.removeprefix(f"{_SOURCE}:") for one in results for line in result_lines(one, _SOURCE, loaded)]
    return Tested(lines, len(results), sum(not one.is_as_expected for one in results))
