#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The long stateful run: every invariant of tests/contracts under at least this many calls, then the policy module's
against all its adversaries as often again (tests/contracts/invariants/run.py), then the Python fuzzers of the policy
code and of policy documents, then the worst case that policies say of themselves against 10,000 small policies' exact
one and against the greedy adversary on 100,000 larger ones (tests/policies/small_policies.py).

    .venv/bin/python contracts/assurance/fuzz.py [--calls 200000] [--seed HEX] [--without-python]

Prints, for each invariant, its calls, reverts and result; writes bench/results/fuzz.json. Exit status 1 when one broke,
or fewer calls were made than asked for.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results" / "fuzz.json"
# The policies' own fuzzers, each told by its environment variable how much to do.
PYTHON = {"MANDATE_DECODER_FUZZ": "200000", "MANDATE_DIFFERENTIAL_CASES": "100000"}
# These have runs of their own length, and a long form that counts what was accepted.
ADVERSARIES = "tests/contracts/invariants"
WORST_CASES = "tests.policies.small_policies"
PYTHON_TESTS = ("tests/policies/test_encoding.py", "tests/policies/test_differential.py")
# Read by the reader of policies: a clear line or a policy, and never a traceback.
DAMAGED_DOCUMENTS = {
    "tests.policies.hostile_documents": "50000",
    "tests.policies.hostile_tables": "50000",
    "tests.policies.hostile_trees": "900000",
}


def forge() -> Path:
    (found,) = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin/forge"))
    return found


def invariants() -> list[str]:
    """All `Suite.invariant_...` of the tests, without building them twice."""
    done = subprocess.run(
        [forge(), "test", "--list", "--json", "--match-test", "^invariant", "--no-match-path", f"{ADVERSARIES}/*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    start = done.stdout.find("{")
    if done.returncode != 0 or start < 0:
        raise SystemExit(f"fuzz: the tests do not compile: {(done.stdout + done.stderr)[-600:]}")
    listed = json.loads(done.stdout[start:])
    return [f"{suite}.{name}" for suites in listed.values() for suite, names in suites.items() for name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description="The long fuzzing run.")
    parser.add_argument("--calls", type=int, default=200_000, help="at least this many over all invariants")
    parser.add_argument("--seed", default="0x" + secrets.token_hex(16), help="to repeat a run (default: a new one)")
    parser.add_argument("--without-python", action="store_true")
    options = parser.parse_args()
    names = invariants()
    depth = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]["invariant"]["depth"]
    runs = -(-options.calls // (depth * max(1, len(names))))
    print(f"fuzz: {len(names)} invariants, {runs} runs of {depth} calls each, seed {options.seed}", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        [
            *(forge(), "test", "--json", "--match-test", "^invariant", "--fuzz-seed", options.seed),
            *("--no-match-path", f"{ADVERSARIES}/*"),
        ],
        cwd=ROOT,
        env=os.environ | {"FOUNDRY_INVARIANT_RUNS": str(runs)},
        capture_output=True,
        text=True,
        check=False,
    )
    start = done.stdout.find('{"')
    if start < 0:
        raise SystemExit(f"fuzz: forge did not run: {(done.stdout + done.stderr)[-600:]}")
    rows, calls, wrong = [], 0, 0
    for suite, results in json.loads(done.stdout[start:].splitlines()[0]).items():
        for name, result in results["test_results"].items():
            counts = result["kind"].get("Invariant", {})
            good = result["status"] == "Success"
            wrong += not good
            calls += counts.get("calls", 0)
            rows.append({"invariant": f"{suite.partition(':')[2]}.{name}", "holds": good, **counts})
            told = f"{counts.get('calls', 0)} calls, {counts.get('reverts', 0)} reverts"
            print(f"fuzz: {'holds' if good else 'BROKEN'} {rows[-1]['invariant']}: {told}")
            if not good:
                print(f"    {result['reason']}")
    print(f"fuzz: {calls} calls in {time.monotonic() - began:.0f} s")
    if calls < options.calls:
        print(f"fuzz: fewer calls than the {options.calls} asked for", file=sys.stderr)
        wrong += 1
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    invariants_ = [{name: value for name, value in row.items() if name != "metrics"} for row in rows]
    figures = {"calls": calls, "seed": options.seed, "invariants": invariants_}
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n")
    command = [sys.executable, f"{ADVERSARIES}/run.py", "--calls", str(options.calls), "--seed", options.seed]
    wrong += subprocess.run(command, cwd=ROOT, check=False).returncode != 0
    tests = [name for name in PYTHON_TESTS if (ROOT / name).exists()]
    if tests and not options.without_python:
        command = [sys.executable, "-m", "pytest", "-q", "-s", *tests]
        wrong += subprocess.run(command, cwd=ROOT, env=os.environ | PYTHON, check=False).returncode != 0
        for damaged, number in DAMAGED_DOCUMENTS.items():
            command = [sys.executable, "-m", damaged, number, options.seed]
            wrong += subprocess.run(command, cwd=ROOT, check=False).returncode != 0
        command = [sys.executable, "-m", WORST_CASES, "--seed", str(int(options.seed, 16) % 2**32)]
        wrong += subprocess.run(command, cwd=ROOT, check=False).returncode != 0
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
