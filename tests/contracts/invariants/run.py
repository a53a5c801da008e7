#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The long form of the policy module's stateful invariants, and the proof that they can fail.

    .venv/bin/python tests/contracts/invariants/run.py [--calls N] [--depth N] [--seed HEX]
    .venv/bin/python tests/contracts/invariants/run.py --mutants [WORD ...] [--minutes N]

The first makes at least 200,000 calls and prints what was accepted and what refused. The second compiles each named
mistake of mutants.py (those whose name has one of the words in it) and runs the invariants against it until one breaks;
it prints which of the properties 1 to 8 caught which, and the score. What was found under the same sources is
remembered in .build/invariants, so a run that was stopped goes on. Both work in a copy of the contracts, so the tree
stays as it is.

Exit status: 0; 1 when an invariant fails, when fewer than 95 % of the mutants that are not explained are caught, an
explanation is wrong, a property catches nothing, or something can't be run.
"""

import argparse
import collections
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "contracts" / "scripts"), str(ROOT / "contracts" / "assurance")]

import compile as contracts_compile  # noqa: E402
import mutation  # noqa: E402

from tests.contracts.invariants.mutants import MUTANTS, SOURCES, Mutant  # noqa: E402

PLACE = ROOT / ".build" / "invariants"
TESTS = Path("tests") / "contracts" / "invariants"
SUITE = TESTS / "Policy.invariant.t.sol"
MODULE = "contracts/src/PolicyModule.sol"
COUNTS = "counts.jsonl"
IN_PLACE = PLACE / "a mutant is in place"
SUITES = 2
MUTANT_RUNS, MUTANT_DEPTH = 40, 150  # a suite: 12,000 calls for a mutant, at most
MUTANT_SEED = "0x4d616e64617465"
GOAL = 0.95


class RunError(Exception):
    """What can't be run, in one line."""


def say(line: str) -> None:
    print(line, flush=True)


def prepare() -> None:
    """A copy of contracts and invariants, where forge may write a file and no annotation shortens the runs."""
    for folder in (Path("contracts"), TESTS):
        shutil.rmtree(PLACE / folder, ignore_errors=True)
        shutil.copytree(ROOT / folder, PLACE / folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    shutil.copytree(ROOT / "contracts" / "assurance", PLACE / "contracts" / "assurance", dirs_exist_ok=True)
    suite = (PLACE / SUITE).read_text()
    (PLACE / SUITE).write_text(re.sub(r"^\s*/// forge-config:.*\n", "", suite, flags=re.MULTILINE))
    if not (PLACE / "node_modules").exists():
        (PLACE / "node_modules").symlink_to(ROOT / "node_modules")
    settings = (ROOT / "foundry.toml").read_text()
    allowed = 'fs_permissions = [{ access = "read-write", path = "." }]\n'
    (PLACE / "foundry.toml").write_text(settings.replace("offline = true\n", "offline = true\n" + allowed, 1))
    (PLACE / ".build" / "solc").mkdir(parents=True, exist_ok=True)
    shutil.copy(contracts_compile.compiler(), PLACE / ".build" / "solc")
    if IN_PLACE.exists():  # a run was killed before it could put the original back
        shutil.rmtree(PLACE / ".build" / "forge", ignore_errors=True)
        IN_PLACE.unlink()


def forge(runs: int, depth: int, shrink: int, seed: str, *options: str) -> tuple[dict[str, str], int]:
    """Runs the invariants. The reason of each suite that failed, and how many calls were made."""
    shutil.rmtree(PLACE / "cache", ignore_errors=True)  # what failed before would be played again first
    (PLACE / COUNTS).unlink(missing_ok=True)
    environment = os.environ | {
        "FOUNDRY_PROFILE": "default",
        "FOUNDRY_CODE_SIZE_LIMIT": "1000000",  # mutants are compiled without the optimizer
        "FOUNDRY_INVARIANT_RUNS": str(runs),
        "FOUNDRY_INVARIANT_DEPTH": str(depth),
        "FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT": str(shrink),
        # Every step takes a seed and nothing else, so values seen on chain are worth nothing.
        "FOUNDRY_INVARIANT_DICTIONARY_WEIGHT": "0",
        "FOUNDRY_INVARIANT_INCLUDE_STORAGE": "false",
        "FOUNDRY_INVARIANT_INCLUDE_PUSH_BYTES": "false",
        "MANDATE_INVARIANT_COUNTS": COUNTS,
    }
    command = [str(mutation._forge()), "test", "--offline", "--json", "--match-path", str(SUITE), "--fuzz-seed", seed]
    command += options
    done = subprocess.run(command, cwd=PLACE, env=environment, capture_output=True, text=True, check=False)
    start = done.stdout.find('{"tests/')
    if start < 0:
        raise RunError(f"forge did not run the invariants: {(done.stdout + done.stderr)[-500:]}")
    suites: dict[str, Any] = json.loads(done.stdout[start:].splitlines()[0])
    failed, calls = {}, 0
    for suite, results in suites.items():
        for result in results["test_results"].values():
            calls += result["kind"].get("Invariant", {}).get("calls", 0)
            if result["status"] == "Failure":
                failed[suite.rpartition(":")[2]] = result["reason"] or "failed"
    return failed, calls


def long_run(calls: int, depth: int, seed: str) -> int:
    """At least so many calls over all suites; prints what was accepted and refused."""
    runs = -(-calls // (SUITES * depth))
    began = time.monotonic()
    failed, made = forge(runs, depth, 5000, seed)
    counts: collections.Counter[str] = collections.Counter()
    written = PLACE / COUNTS
    for line in written.read_text().splitlines() if written.exists() else ():
        counts.update(json.loads(line))
    del counts["runs"]
    say(f"{made:,} calls in {time.monotonic() - began:,.0f} s: {SUITES} treasuries, runs of {depth} calls, seed {seed}")
    for name, count in counts.items():
        say(f"  {name:22}{count:>9,}")
    for suite, reason in sorted(failed.items()):
        say(f"{suite} failed: {reason}")
    return 1 if failed or made < calls else 0


def mutants_run(words: list[str], minutes: float | None) -> int:
    """Each named mistake against the invariants, until the time is over; then the score."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    if not chosen:
        raise RunError(f"no mutant's name has one of these words: {' '.join(words)}")
    kept = PLACE / "mutants.json"
    found: dict[str, str | None] = json.loads(kept.read_text()) if kept.exists() else {}
    keys = {mutant.name: _key(mutant) for mutant in chosen}
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    compiler = mutation.Compiler()
    try:
        for mutant in chosen:
            key = keys[mutant.name]
            if key in found:
                continue
            if deadline is not None and time.monotonic() > deadline:
                break
            began = time.monotonic()
            found[key] = _try(mutant, compiler)
            kept.write_text(json.dumps(found, indent=1))
            say(f"{_told(mutant, found[key])} ({time.monotonic() - began:.0f} s)")
    finally:
        compiler.close()
    return _score({mutant: found[keys[mutant.name]] for mutant in chosen if keys[mutant.name] in found}, chosen)


def _told(mutant: Mutant, reason: str | None) -> str:
    if reason is not None:
        return f"caught    {mutant.name}: {reason}"
    return f"explained {mutant.name}: {mutant.why}" if mutant.why else f"SURVIVES  {mutant.name}"


def _score(tried: dict[Mutant, str | None], chosen: list[Mutant]) -> int:
    """Prints what was caught by which property. 1 where the aim is missed or an explanation explains nothing."""
    caught = {mutant: reason for mutant, reason in tried.items() if reason is not None}
    explained = [mutant for mutant in tried if mutant not in caught and mutant.why]
    survivors = [mutant for mutant in tried if mutant not in caught and not mutant.why]
    wrong = [f"{mutant.name} is caught, so its explanation is wrong" for mutant in caught if mutant.why]
    by = collections.defaultdict(list)
    for mutant, reason in caught.items():
        by[reason.partition(":")[0] if re.match(r"P[1-8]:", reason) else "otherwise"].append(mutant.name)
    for name, names in sorted(by.items()):
        say(f"{name} catches {len(names)}: {', '.join(names)}")
    for mutant in explained + survivors:
        say(_told(mutant, None))
    judged = len(caught) + len(survivors)
    score = len(caught) / judged if judged else 1.0
    say(
        f"{len(caught)} of {judged} caught, {score:.1%}; {len(explained)} more survive and are explained; "
        f"{len(chosen) - len(tried)} of {len(chosen)} not tried"
    )
    if len(tried) == len(MUTANTS):
        wrong += [f"P{number} has caught nothing" for number in range(1, 9) if f"P{number}" not in by]
    for line in wrong:
        say(line)
    return 1 if wrong or score < GOAL or len(tried) < len(chosen) else 0


def _sources(mutant: Mutant) -> dict[str, dict[str, str]]:
    """What the module is compiled from, with the mistake in it."""
    sources: dict[str, dict[str, str]] = contracts_compile.collect([MODULE])
    sources[f"contracts/src/{mutant.file}"] = {"content": mutant.apply((SOURCES / mutant.file).read_text())}
    return sources


def _key(mutant: Mutant) -> str:
    """Changes with the mutant, the contracts, the invariants and how long they run; not with what comments say."""
    texts = [source["content"] for source in _sources(mutant).values()]
    texts += [path.read_text() for path in sorted((ROOT / TESTS).glob("*.sol"))]
    code = [re.sub(r"//[^\n]*|/\*.*?\*/|\s+", " ", text, flags=re.DOTALL) for text in texts]
    told = json.dumps([code, MUTANT_RUNS, MUTANT_DEPTH, MUTANT_SEED])
    return f"{mutant.name} {hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _try(mutant: Mutant, compiler: mutation.Compiler) -> str | None:
    """Compiles the mutant in the original's place. How it was caught; None if it was not."""
    answer = compiler.run(
        {
            "language": "Solidity",
            "sources": _sources(mutant),
            "settings": {
                "evmVersion": "prague",
                "viaIR": True,
                "optimizer": {"enabled": False},
                "metadata": {"bytecodeHash": "none", "appendCBOR": False},
                "outputSelection": {MODULE: {"PolicyModule": ["evm.bytecode", "evm.deployedBytecode"]}},
            },
        }
    )
    errors = [error["message"] for error in answer.get("errors", []) if error["severity"] == "error"]
    if errors:
        raise RunError(f"{mutant.name} does not compile: {errors[0]}")
    artifact = PLACE / ".build" / "forge" / "out" / "PolicyModule.sol" / "PolicyModule.json"
    original = artifact.read_text()
    evm = answer["contracts"][MODULE]["PolicyModule"]["evm"]
    built = json.loads(original) | {"bytecode": evm["bytecode"], "deployedBytecode": evm["deployedBytecode"]}
    try:
        IN_PLACE.touch()
        artifact.write_text(json.dumps(built))
        failed, _ = forge(MUTANT_RUNS, MUTANT_DEPTH, 0, MUTANT_SEED, "--fail-fast")
    finally:
        artifact.write_text(original)
        IN_PLACE.unlink()
    return sorted(failed.values())[0] if failed else None


def main() -> int:
    parser = argparse.ArgumentParser(description="The policy module's stateful invariants, at length.")
    parser.add_argument("--calls", type=int, default=200_000, help="at least so many (default 200,000)")
    parser.add_argument("--depth", type=int, default=200, help="calls of a run (default 200)")
    parser.add_argument("--seed", default="0x" + secrets.token_hex(16), help="to repeat a run (default: a new one)")
    parser.add_argument("--mutants", nargs="*", metavar="WORD", help="run named mistakes; all, or those with a word")
    parser.add_argument("--minutes", type=float, help="start no mutant after so many minutes")
    options = parser.parse_args()
    try:
        prepare()
        if options.mutants is None:
            return long_run(options.calls, options.depth, options.seed)
        failed, _ = forge(2, 40, 0, MUTANT_SEED)  # builds, and sees that nothing fails without a mistake
        if failed:
            raise RunError(f"the invariants fail without any mistake: {sorted(failed.values())[0]}")
        return mutants_run(options.mutants, options.minutes)
    except (RunError, mutation.MutationError, contracts_compile.CompileError, ValueError) as error:
        print(f"invariants: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
