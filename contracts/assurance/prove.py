#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves the ring's properties for every input (tests/contracts/symbolic), and that each proof can fail.

    .venv/bin/python contracts/assurance/prove.py [--only PREFIX] [--without-mistakes]

Three parts: contracts/assurance/arithmetic.py (z3 over the integers), halmos on the library as it is, and halmos on
copies with one planted mistake each, for which it must find a counterexample. Everything is compiled in .build/prove,
apart from forge's own output. Exit status 1 when something is not proven, or a mistake is not found.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "contracts" / "scripts"))

import compile as contracts_compile  # noqa: E402

PLACE = ROOT / ".build" / "prove"
ENVIRONMENT = ROOT / ".venv-assurance" / "bin"
PROOFS = "tests/contracts/symbolic/Ring.symbolic.sol"
CONTRACT = "RingSymbolic"
RING = "contracts/src/libraries/Ring.sol"
QUERY_SECONDS = 300
PROOF_SECONDS = 1500
FOUNDRY = """[profile.default]
src = "contracts/src"
test = "tests/contracts"
out = "out"
libs = []
solc = "{solc}"
offline = true
evm_version = "prague"
optimizer = false
"""


@dataclass(frozen=True)
class Mistake:
    """One wrong line in the ring, and the check that has to see it."""

    name: str
    right: str
    wrong: str
    seen_by: str


MISTAKES = (
    Mistake("segment rounded down", "(period + 6) / 7", "period / 7", "check_index_segment"),
    Mistake("seven buckets", "BUCKETS = 8", "BUCKETS = 7", "check_window_turn_moves"),
    Mistake("old buckets not emptied", "buckets = word & ALL & ~gone", "buckets = word & ALL", "check_turn_is_exact"),
    Mistake("one bucket too many emptied", "(BITS * passed)) - 1", "(BITS * (passed + 1))) - 1", "check_turn_is_exact"),
    Mistake("emptied from the wrong place", "((last + 1) % BUCKETS)", "(last % BUCKETS)", "check_turn_is_exact"),
    Mistake("forgotten a segment early", "if (passed < BUCKETS)", "if (passed < BUCKETS - 1)", "check_turn_is_exact"),
    Mistake("charged to another bucket", "% BUCKETS)));", "% (BUCKETS - 1))));", "check_add_is_exact"),
    Mistake("one bucket not in the sum", "(word & ALL) * ONES", "(word & (ALL >> BITS)) * ONES", "check_sum_is_exact"),
    Mistake("the ring may go back", "newest < last || ", "", "check_turn_refuses"),
    Mistake("units rounded down", "if (units * unit != amount) ++units;", "", "check_units"),
    Mistake("window too short, head on", "if (passed < BUCKETS)", "if (passed < BUCKETS - 5)", "check_sequence"),
)


class ProofError(Exception):
    """Why nothing can be proven, and what to do."""


def project(name: str, mistake: Mistake | None) -> Path:
    """A small forge project of the library and its proofs, with the mistake in it."""
    place = PLACE / name
    shutil.rmtree(place, ignore_errors=True)
    for unit, source in contracts_compile.collect([PROOFS]).items():
        content = source["content"]
        if mistake is not None and unit == RING:
            if content.count(mistake.right) != 1:
                raise ProofError(f"the planted mistake `{mistake.name}` fits {RING} no more; mend MISTAKES")
            content = content.replace(mistake.right, mistake.wrong)
        (place / unit).parent.mkdir(parents=True, exist_ok=True)
        (place / unit).write_text(content)
    (place / "foundry.toml").write_text(FOUNDRY.format(solc=contracts_compile.compiler()))
    return place


def halmos(place: Path, check: str, early_exit: bool) -> dict[str, str]:
    """Check -> what halmos says: PASS, FAIL (a counterexample), or anything else (not proven)."""
    answer = place / "halmos.json"
    command = [str(ENVIRONMENT / "halmos"), "--root", str(place), "--contract", CONTRACT, "--function", check]
    command += ["--loop", "10", "--solver", "z3", "--solver-timeout-assertion", str(QUERY_SECONDS * 1000)]
    command += ["--json-output", str(answer), "--minimal-json-output", "--no-status"]
    command += ["--early-exit"] if early_exit else []
    (forge,) = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin"))
    path = os.pathsep.join([str(ENVIRONMENT), str(forge), os.environ["PATH"]])
    process = subprocess.Popen(
        command,
        env=os.environ | {"PATH": path, "FOUNDRY_PROFILE": "default"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=PROOF_SECONDS)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            return {check: "TIMEOUT"}
        raise
    if not answer.exists():
        raise ProofError(f"halmos did not run: {output[-600:]}")
    results = json.loads(answer.read_text())["test_results"]
    words = {0: "PASS", 1: "FAIL"}
    return {test["name"]: words.get(test["exitcode"], "UNKNOWN") for tests in results.values() for test in tests}


def main() -> int:
    parser = argparse.ArgumentParser(description="Prove the ring's properties with halmos.")
    parser.add_argument("--only", default="check_", help="only checks that begin so")
    parser.add_argument("--without-mistakes", action="store_true", help="leave out the planted mistakes")
    options = parser.parse_args()
    wrong = 0

    def say(good: bool, line: str, began: float) -> None:
        nonlocal wrong
        wrong += not good
        print(f"prove: {line}{'' if good else ' (!)'} [{time.monotonic() - began:.0f} s]", flush=True)

    try:
        if not (ENVIRONMENT / "halmos").exists():
            raise ProofError("halmos is not installed: run `make prove`")
        began = time.monotonic()
        done = subprocess.run([ENVIRONMENT / "python", Path(__file__).with_name("arithmetic.py")], check=False)
        say(done.returncode == 0, "facts of arithmetic", began)
        place = project("right", None)
        source = (ROOT / PROOFS).read_text()
        names = [line.split("function ")[1].split("(")[0] for line in source.splitlines() if "function check_" in line]
        for name in (name for name in names if name.startswith(options.only)):
            began = time.monotonic()
            for test, word in halmos(place, name, False).items():
                say(word == "PASS", f"{word} {test}", began)
        for number, mistake in enumerate(() if options.without_mistakes else MISTAKES):
            if not mistake.seen_by.startswith(options.only):
                continue
            began = time.monotonic()
            found = halmos(project(f"wrong{number}", mistake), mistake.seen_by, True)
            say("FAIL" in found.values(), f"counterexample wanted for `{mistake.name}`: {found}", began)
    except (ProofError, contracts_compile.CompileError) as error:
        print(f"prove: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"prove: {'all as it should be' if not wrong else f'{wrong} not as it should be'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
