# SPDX-License-Identifier: Apache-2.0
"""Random chains, reorgs, faults, killed and competing workers: whatever happened, the mirror is in the end what a fresh
index of the canonical chain is, byte for byte in every table, and the outbox has told exactly that.

Hypothesis draws plans (tests/governance/runs.py) and makes one that fails smaller. In batches, each with a seed of its
own, which decides its plans:

    MANDATE_MODEL_RUNS=500 .venv/bin/python -m pytest -q -s tests/governance/test_model_based.py

is the long form, in batches of fifty runs (add `-k seed3` for one of them); it also holds that all of
`runs.MUST_HAPPEN` happened. A run that fails prints its batch's seed and itself, `MANDATE_MODEL_RUN='{...}'`, which put
before the same command plays that run alone, ten times over: how threads and processes interleave no plan decides.
That the runs can fail is shown by tests/governance/planted.py.
"""

import json
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings

from tests.governance.runs import MUST_HAPPEN, MUST_HAPPEN_IN_500, Plan, live, plans

pytestmark = pytest.mark.django_db(transaction=True)

_SHORT_RUNS = 8
_BATCH = 50
_TIMES = 10
_RUNS = int(os.environ.get("MANDATE_MODEL_RUNS", _SHORT_RUNS))
# Making a failing plan smaller takes minutes, and tests/governance/planted.py only wants to know that it fails.
_PHASES = (Phase.generate, Phase.shrink) if os.environ.get("MANDATE_MODEL_SHRINK") != "0" else (Phase.generate,)
_ALONE = os.environ.get("MANDATE_MODEL_RUN")


def explore(number: int, count: int, play) -> None:
    """Have `count` plans played that follow from the seed `number`, and one that fails made smaller (minutes)."""
    begun: set[tuple[int, int]] = set()
    failed = False

    @seed(number)
    @settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=_PHASES,
        report_multiple_bugs=False,
    )  # fmt: skip
    @given(plans())
    def played(plan: Plan) -> None:
        nonlocal failed
        if not failed:
            # Hypothesis draws likenesses of each plan, which differ from it in a step or two: of fifty plans ten were
            # others. What makes a failing one smaller draws such ones too, and they are wanted there.
            assume((plan.salt, plan.faults) not in begun)
            begun.add((plan.salt, plan.faults))
        try:
            play(plan)
        except BaseException:
            failed = True
            raise

    played()


@pytest.fixture(scope="module")
def happened() -> Counter[str]:
    """What happened in all batches of this process, and how many runs they were."""
    return Counter()


@pytest.mark.skipif(_ALONE is not None, reason="one run is played alone")
@pytest.mark.parametrize("number", range(-(-_RUNS // _BATCH)), ids=lambda number: f"seed{number}")
def test_the_mirror_is_what_a_fresh_index_is(number, happened):
    in_batch: Counter[str] = Counter()

    def play(plan: Plan) -> None:
        in_batch["runs"] += 1
        try:
            live(plan, in_batch)
        except BaseException:
            print(f"batch seed {number}, run {in_batch['runs']}")
            raise

    explore(number, min(_BATCH, _RUNS - number * _BATCH), play)
    happened.update(in_batch)
    print(f"\nseed {number}: {in_batch['runs']} runs, in all of them the mirror was right in the end")
    print(json.dumps(in_batch, sort_keys=True))


@pytest.mark.skipif(_RUNS < 2 * _BATCH, reason="the long form")
def test_all_of_it_happened(happened):
    """So that the runs can't become trivial unseen."""
    if not happened:
        pytest.skip("no batch was run, or the first failed")
    for what in ("runs", *sorted(MUST_HAPPEN | MUST_HAPPEN_IN_500)):
        print(f"{happened[what]:7} {what}")
    must = MUST_HAPPEN | MUST_HAPPEN_IN_500 if happened["runs"] >= 500 else MUST_HAPPEN
    missing = sorted(what for what in must if not happened[what])
    assert not missing, f"in {happened['runs']} runs never: {missing}"


@pytest.mark.skipif(_ALONE is None, reason="MANDATE_MODEL_RUN names no run")
def test_one_run_again():
    for _ in range(_TIMES):
        live(Plan.read(_ALONE))
