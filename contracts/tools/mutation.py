#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation testing of the contracts: makes small mistakes in them and sees whether forge's tests notice.

    .venv/bin/python contracts/tools/mutation.py [--sample N] [--seed N] [--files GLOB ...] [--minutes N] [--list]

A mutant is compiled by one long-lived compiler and put over the artifact that the tests deploy, so forge compiles
nothing again: seconds per mutant. It is *killed* when a test fails, *equivalent* when its optimized bytecode is the
original's, a *timeout* when the tests do not end (counted as killed), *stillborn* when it does not compile (not
counted).
A mutant that only changes what is logged counts apart. Results are kept in .build/mutation and used again as long as
the sources and the test that killed the mutant are the same, so a run that was stopped goes on.

Survivors that are no gap of the tests are explained, one by one, in tests/contracts/survivors.toml.
Exit status: 0, or 1 when less than 95 % of the others are killed or an explanation has nothing left to explain.
"""

import argparse
import fnmatch
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "contracts" / "scripts"), str(ROOT / "contracts" / "tools")]

import compile as contracts_compile  # noqa: E402
from mutants import Mutant, mutants_of  # noqa: E402

PLACE = ROOT / ".build" / "mutation"
SURVIVORS = ROOT / "tests" / "contracts" / "survivors.toml"
RESULTS = ROOT / "bench" / "results" / "mutation.json"
MUTATED = (
    "contracts/src/Policy*.sol",
    "contracts/src/Treasury.sol",
    "contracts/src/Provenance*.sol",
    "contracts/src/libraries/*.sol",
)
GOAL = 0.95
TEST_SECONDS = 240
COMPILATIONS_PER_PROCESS = 60  # WebAssembly memory only grows
# What the tests deploy is compiled without the optimizer: half the time, and no less strict a test of the logic.
FAST = {"optimizer": {"enabled": False}}
# First the tests that end soon; what survives them meets the rest.
SUITES = (
    {"FOUNDRY_FUZZ_RUNS": "8", "FOUNDRY_INVARIANT_RUNS": "1", "FOUNDRY_INVARIANT_DEPTH": "40"},
    {"FOUNDRY_FUZZ_RUNS": "64", "FOUNDRY_INVARIANT_RUNS": "12", "FOUNDRY_INVARIANT_DEPTH": "120"},
)


class MutationError(Exception):
    """Why nothing can be measured, and what to do."""


# ---------------------------------------------------------------- compiling


class Compiler:
    """npm's solc in a process of its own, kept warm."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._left = 0

    def run(self, standard_input: dict[str, Any]) -> dict[str, Any]:
        if self._process is None or self._left == 0:
            self.close()
            self._process = subprocess.Popen(
                ["node", str(ROOT / "contracts" / "tools" / "solc_server.js")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._left = COMPILATIONS_PER_PROCESS
        self._left -= 1
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(standard_input) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:  # the compiler ran out of memory or crashed on this input
            self.close()
            return {"errors": [{"severity": "error", "message": "the compiler crashed"}]}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass(frozen=True)
class Unit:
    """One artifact that the tests use: a contract that they deploy, or a suite of tests itself."""

    source: str
    contract: str
    is_test: bool
    closure: frozenset[str]  # every source it is compiled from

    @property
    def artifact(self) -> str:
        return f".build/forge/out/{Path(self.source).name}/{self.contract}.json"


class Project:
    """The sources, and which artifacts hang on which of them."""

    def __init__(self) -> None:
        profile = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
        self.settings: dict[str, Any] = {
            "evmVersion": profile["evm_version"],
            "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
            "viaIR": profile["via_ir"],
            "metadata": {"bytecodeHash": profile["bytecode_hash"], "appendCBOR": profile["cbor_metadata"]},
        }
        self.test_settings = self.settings | {"viaIR": False} | FAST
        own = [path.relative_to(ROOT).as_posix() for path in sorted(contracts_compile.SOURCES.rglob("*.sol"))]
        tests = [
            path.relative_to(ROOT).as_posix()
            for path in sorted((ROOT / "tests" / "contracts").rglob("*.t.sol"))
            if "symbolic" not in path.parts
        ]
        self.contents = {unit: source["content"] for unit, source in contracts_compile.collect([*own, *tests]).items()}
        self.files = [name for name in own if any(fnmatch.fnmatch(name, pattern) for pattern in MUTATED)]
        self.units = [unit for name in own for unit in self._units(name, False)]
        self.units += [unit for name in tests for unit in self._units(name, True)]
        self.sources_hash = _hash(*(f"{name}\0{self.contents[name]}" for name in own))

    def _units(self, name: str, is_test: bool) -> Iterator[Unit]:
        closure = frozenset(contracts_compile.collect([name]))
        for contract in re.findall(r"^contract (\w+)", self.contents[name], re.MULTILINE):
            yield Unit(name, contract, is_test, closure)

    def test_hash(self, name: str) -> str:
        """Of a suite's file and the tests' own support files that it uses."""
        closure = contracts_compile.collect([name])
        return _hash(*(f"{unit}\0{closure[unit]['content']}" for unit in closure if unit.startswith("tests/")))

    def input_for(self, units: list[Unit], settings: dict[str, Any], changed: dict[str, str]) -> dict[str, Any]:
        wanted: dict[str, dict[str, list[str]]] = {}
        for unit in units:
            wanted.setdefault(unit.source, {})[unit.contract] = ["evm.bytecode", "evm.deployedBytecode"]
        names = sorted(set().union(*(unit.closure for unit in units)))
        return {
            "language": "Solidity",
            "sources": {name: {"content": changed.get(name, self.contents[name])} for name in names},
            "settings": settings | {"outputSelection": wanted},
        }

    def mutants(self, compiler: Compiler, patterns: list[str]) -> list[Mutant]:
        found = []
        names = [name for name in self.files if any(fnmatch.fnmatch(name, f"*{pattern}*") for pattern in patterns)]
        sources = {unit: source for name in names for unit, source in contracts_compile.collect([name]).items()}
        answer = compiler.run(
            {
                "language": "Solidity",
                "sources": sources,
                "settings": self.settings | {"outputSelection": {name: {"": ["ast"]} for name in names}},
            }
        )
        for name in names:
            if "ast" not in answer.get("sources", {}).get(name, {}):
                messages = [error["message"] for error in answer.get("errors", []) if error["severity"] == "error"]
                raise MutationError(f"the sources do not compile: {(messages or [name])[0]}")
            found += mutants_of(name, self.contents[name].encode(), answer["sources"][name]["ast"])
        return found


# ---------------------------------------------------------------- testing


class Stillborn(Exception):
    """The mutant does not compile."""


@dataclass
class Outcome:
    """What became of a mutant. `by` is the test that killed it and `by_hash` the hash of that test's sources."""

    status: str  # killed, survived, equivalent, timeout, stillborn
    by: str = ""
    by_hash: str = ""
    seconds: float = 0.0


class Worker:
    """A copy of the project, built once, in which mutants' artifacts take the originals' place."""

    def __init__(self, number: int, project: Project) -> None:
        self.project = project
        self.compiler = Compiler()
        self.place = PLACE / f"worker{number}"
        self.forge = _forge()
        self.originals: dict[Unit, dict[str, Any]] = {}
        self.optimized: dict[Unit, str] = {}
        self.skipped: set[str] = set()
        self.skipped_suites: set[str] = set()

    def prepare(self) -> None:
        """Builds, replaces what is deployed by the fast build of it, and sees that the tests pass with it."""
        for folder in ("contracts", "tests/contracts"):
            shutil.rmtree(self.place / folder, ignore_errors=True)
            shutil.copytree(
                ROOT / folder, self.place / folder, ignore=shutil.ignore_patterns("symbolic", "__pycache__")
            )
        shutil.rmtree(self.place / "cache", ignore_errors=True)
        for name in ("node_modules", "docs"):
            if not (self.place / name).exists():
                (self.place / name).symlink_to(ROOT / name)
        shutil.copyfile(ROOT / "foundry.toml", self.place / "foundry.toml")
        (self.place / ".build" / "solc").mkdir(parents=True, exist_ok=True)
        shutil.copy(contracts_compile.compiler(), self.place / ".build" / "solc")
        shutil.rmtree(self.place / ".build" / "forge", ignore_errors=True)  # holds mutants
        built = self._run([str(self.forge), "build", "--offline"], {})
        if built.returncode != 0:
            raise MutationError(f"the contracts or tests do not compile: {built.stdout[-500:]}{built.stderr[-500:]}")
        deployed = [unit for unit in self.project.units if not unit.is_test]
        for unit in self.project.units:
            self.originals[unit] = json.loads((self.place / unit.artifact).read_text())
        for unit, code in self._compile(deployed, self.project.settings | FAST, {}).items():
            self.originals[unit] = _with(self.originals[unit], code)
            self._put(unit, self.originals[unit])
        failing = self._failing(SUITES[0], fail_fast=False)
        if failing is None:
            raise MutationError(f"the tests do not end within {TEST_SECONDS} s without any mutant")
        for name in failing:  # file:Suite:test(...); of a suite that can't be set up nothing can be used
            _, suite, test = name.split(":")
            (self.skipped_suites if test.startswith("setUp") else self.skipped).add(
                suite if test.startswith("setUp") else test.partition("(")[0]
            )
        if len(failing) > 12:
            raise MutationError(f"the tests fail without any mutant: {failing[0]} and {len(failing) - 1} more")
        if failing and self._failing(SUITES[0], fail_fast=True) != []:
            raise MutationError(f"the tests fail without any mutant, also without {', '.join(failing)}")

    def judge(self, mutant: Mutant) -> Outcome:
        """Compiles and tests one mutant."""
        began = time.monotonic()
        changed = {mutant.file: mutant.apply(self.project.contents[mutant.file].encode()).decode()}
        units = [unit for unit in self.project.units if mutant.file in unit.closure]
        try:
            outcome = self._judge(units, changed)
        except Stillborn:
            outcome = Outcome("stillborn")
        outcome.seconds = round(time.monotonic() - began, 1)
        return outcome

    def _judge(self, units: list[Unit], changed: dict[str, str]) -> Outcome:
        deployed = [unit for unit in units if not unit.is_test]
        suites = [unit for unit in units if unit.is_test]
        built = self._compile(deployed, self.project.settings | FAST, changed)
        built |= self._compile(suites, self.project.test_settings, changed)
        differing = {
            unit: code for unit, code in built.items() if _with(self.originals[unit], code) != self.originals[unit]
        }
        if not differing:
            return Outcome("equivalent")
        try:
            for unit, code in differing.items():
                self._put(unit, _with(self.originals[unit], code))
            for environment in SUITES:
                failing = self._failing(environment, fail_fast=True)
                if failing is None:
                    return Outcome("timeout")
                if failing:
                    suite = failing[0].partition(":")[0]
                    return Outcome("killed", failing[0], self.project.test_hash(suite))
        finally:
            for unit in differing:
                self._put(unit, self.originals[unit])
        if not any(unit.is_test for unit in differing) and self._same_optimized(list(differing), changed):
            return Outcome("equivalent")
        return Outcome("survived")

    def _same_optimized(self, units: list[Unit], changed: dict[str, str]) -> bool:
        for unit in units:
            if unit not in self.optimized:
                code = self._compile([unit], self.project.settings, {})[unit]
                self.optimized[unit] = code["bytecode"]["object"]
        mutated = self._compile(units, self.project.settings, changed)
        return all(mutated[unit]["bytecode"]["object"] == self.optimized[unit] for unit in units)

    def _compile(
        self, units: list[Unit], settings: dict[str, Any], changed: dict[str, str]
    ) -> dict[Unit, dict[str, Any]]:
        if not units:
            return {}
        answer = self.compiler.run(self.project.input_for(units, settings, changed))
        if any(error["severity"] == "error" for error in answer.get("errors", [])):
            raise Stillborn
        return {unit: answer["contracts"][unit.source][unit.contract]["evm"] for unit in units}

    def _put(self, unit: Unit, artifact: dict[str, Any]) -> None:
        (self.place / unit.artifact).write_text(json.dumps(artifact))

    def _failing(self, environment: dict[str, str], fail_fast: bool) -> list[str] | None:
        """The failing tests as `file:Suite:test`; None when the tests do not end."""
        command = [str(self.forge), "test", "--offline", "--json", *(["--fail-fast"] if fail_fast else [])]
        if self.skipped:
            command += ["--no-match-test", f"^({'|'.join(sorted(self.skipped))})([(]|$)"]
        if self.skipped_suites:
            command += ["--no-match-contract", f"^({'|'.join(sorted(self.skipped_suites))})$"]
        done = self._run(command, environment)
        if done is None:
            return None
        start = done.stdout.find('{"')
        if start < 0:
            raise MutationError(f"forge did not run the tests: {(done.stdout + done.stderr)[-500:]}")
        suites = json.loads(done.stdout[start:].splitlines()[0])
        return [
            f"{suite}:{name}"
            for suite, results in sorted(suites.items())
            for name, result in sorted(results["test_results"].items())
            if result["status"] == "Failure"
        ]

    def _run(self, command: list[str], environment: dict[str, str]) -> Any:
        fixed = {
            "FOUNDRY_FUZZ_SEED": "0x4d616e64617465",
            "FOUNDRY_CODE_SIZE_LIMIT": "1000000",
            "FOUNDRY_PROFILE": "default",
        }
        process = subprocess.Popen(
            command,
            cwd=self.place,
            env=os.environ | fixed | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=TEST_SECONDS if command[1] == "test" else 1200)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _with(artifact: dict[str, Any], code: dict[str, Any]) -> dict[str, Any]:
    """The artifact with other code. Library references are all internal: nothing is linked."""
    changed = dict(artifact)
    for name in ("bytecode", "deployedBytecode"):
        changed[name] = artifact[name] | {"object": "0x" + code[name]["object"], "sourceMap": ""}
    return changed


# ---------------------------------------------------------------- results


class Kept:
    """Outcomes of earlier runs, a line each. One holds while the sources and its killing test are what they were."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.file = PLACE / "results.jsonl"
        self.tests_hash = _hash(
            *(f"{unit.source}\0{project.test_hash(unit.source)}" for unit in project.units if unit.is_test)
        )
        self.found: dict[str, Outcome] = {}
        hashes: dict[str, str] = {}
        for line in self.file.read_text().splitlines() if self.file.exists() else []:
            row = json.loads(line)
            if row["sources"] != project.sources_hash:
                continue
            outcome = Outcome(**row["outcome"])
            if outcome.status == "killed":
                suite = outcome.by.partition(":")[0]
                if suite not in hashes:
                    hashes[suite] = project.test_hash(suite) if (ROOT / suite).exists() else ""
                current = hashes[suite] == outcome.by_hash
            else:
                current = outcome.status in ("equivalent", "stillborn") or row["tests"] == self.tests_hash
            if current:
                self.found[row["key"]] = outcome

    def add(self, mutant: Mutant, outcome: Outcome) -> None:
        self.found[mutant.key] = outcome
        row = {
            "key": mutant.key,
            "sources": self.project.sources_hash,
            "tests": self.tests_hash,
            "outcome": vars(outcome),
        }
        with self.file.open("a") as file:
            file.write(json.dumps(row) + "\n")


def explanations() -> dict[tuple[str, ...], str]:
    """survivors.toml: (file, function, before, after) -> why no test can or need tell it from the original."""
    if not SURVIVORS.exists():
        return {}
    found = {}
    for entry in tomllib.loads(SURVIVORS.read_text()).get("survivor", []):
        try:
            key = tuple(entry[name] for name in ("file", "function", "before", "after"))
            why = entry["why"].strip()
        except KeyError as missing:
            raise MutationError(f"{SURVIVORS.name}: an entry has no {missing}") from None
        if not why:
            raise MutationError(f"{SURVIVORS.name}: the entry for `{key[2]}` does not say why")
        found[key] = why
    return found


def place_of(mutant: Mutant) -> tuple[str, ...]:
    return (mutant.file, mutant.function, mutant.before, mutant.after)


def report(mutants: list[Mutant], total: int, kept: Kept, skipped: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what is wrong (empty when all is well)."""
    explained = explanations()
    judged = [mutant for mutant in mutants if mutant.key in kept.found]
    groups: dict[str, Counter[str]] = {"logic": Counter(), "events": Counter()}
    by_file: dict[str, Counter[str]] = {}
    survivors, used = [], set()
    for mutant in judged:
        status = kept.found[mutant.key].status
        if status == "survived":
            why = explained.get(place_of(mutant), "")
            used.add(place_of(mutant))
            status = "explained" if why else status
            survivors.append(
                {
                    "where": f"{mutant.file}:{mutant.line}",
                    "function": mutant.function,
                    "operator": mutant.operator,
                    "before": mutant.before,
                    "after": mutant.after,
                    "events_only": mutant.events_only,
                    "why": why,
                }
            )
        groups["events" if mutant.events_only else "logic"][status] += 1
        by_file.setdefault(mutant.file, Counter())[status] += 1
    figures = {
        "mutants": total,
        "tried": len(judged),
        "goal": GOAL,
        **{name: _score(counts) for name, counts in groups.items()},
        "files": {name: _score(counts) for name, counts in sorted(by_file.items())},
        "tests_not_used": skipped,
        "survivors": survivors,
    }
    wrong = []
    score = figures["logic"]["score"]
    if judged and score < GOAL:
        wrong.append(f"score {score:.1%} is below {GOAL:.0%}: write tests, or explain survivors in {SURVIVORS.name}")
    known = {place_of(mutant) for mutant in mutants}
    tried = {place_of(mutant) for mutant in judged}
    for key in explained:
        if key not in known and len(mutants) == total:
            wrong.append(f"{SURVIVORS.name}: explains what no mutant is any more: {key[1]}: {key[3]}")
        elif key in tried and key not in used:
            wrong.append(f"{SURVIVORS.name}: explains a mutant that does not survive: {key[1]}: {key[3]}")
    return figures, wrong


def _score(counts: Counter[str]) -> dict[str, Any]:
    """Killed of all that compile and differ from the original and are not explained."""
    killed = counts["killed"] + counts["timeout"]
    of = killed + counts["survived"]
    return {"score": round(killed / of, 4) if of else 1.0, **{name: counts[name] for name in sorted(counts)}}


# ---------------------------------------------------------------- running


def run(mutants: list[Mutant], kept: Kept, project: Project, jobs: int, deadline: float | None) -> list[str]:
    """Judges what is not known yet. Returns the tests that could not be used."""
    waiting = [mutant for mutant in mutants if mutant.key not in kept.found]
    say(f"{len(mutants)} mutants, {len(mutants) - len(waiting)} known from earlier runs, {len(waiting)} to try")
    if not waiting:
        return []
    workers: Queue[Worker] = Queue()
    everyone = [Worker(number, project) for number in range(min(jobs, len(waiting)))]
    try:
        for worker in everyone:
            worker.prepare()
            workers.put(worker)
        skipped = sorted(everyone[0].skipped | everyone[0].skipped_suites)
        if skipped:
            say(f"not used, since they fail on the fast build: {', '.join(skipped)}")

        def judge(mutant: Mutant) -> tuple[Mutant, Outcome | None]:
            if deadline is not None and time.monotonic() > deadline:
                return mutant, None
            worker = workers.get()
            try:
                return mutant, worker.judge(mutant)
            finally:
                workers.put(worker)

        done = 0
        with ThreadPoolExecutor(len(everyone)) as pool:
            for mutant, outcome in pool.map(judge, waiting):
                if outcome is None:
                    continue
                done += 1
                kept.add(mutant, outcome)
                if outcome.status == "survived":
                    note = "event " if mutant.events_only else ""
                    say(f"{note}survivor {mutant.file}:{mutant.line} {mutant.function} [{mutant.operator}]")
                    say(f"    - {mutant.before}\n    + {mutant.after}")
                if done % 25 == 0:
                    say(f"{done} of {len(waiting)} tried")
        if done < len(waiting):
            say(f"the time is over: {len(waiting) - done} not tried; run again to go on")
    finally:
        for worker in everyone:
            worker.compiler.close()
    return skipped


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in sorted(parts):
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()[:16]


def _forge() -> Path:
    found = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin/forge"))
    if not found:
        raise MutationError("forge is not installed: run `make install`")
    return found[0]


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutation testing of the contracts.")
    parser.add_argument("--sample", type=int, help="this many mutants, drawn evenly over the files")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default 1)")
    parser.add_argument("--files", nargs="*", default=[""], help="only files whose path has one of these in it")
    parser.add_argument("--function", help="only functions whose name has this in it")
    parser.add_argument("--minutes", type=float, help="stop then; a later run goes on")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="only print the mutants")
    options = parser.parse_args()
    deadline = None if options.minutes is None else time.monotonic() + 60 * options.minutes
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        PLACE.mkdir(parents=True, exist_ok=True)
        project = Project()
        compiler = Compiler()
        try:
            every = project.mutants(compiler, options.files)
        finally:
            compiler.close()
        chosen = [mutant for mutant in every if (options.function or "") in mutant.function]
        if options.sample is not None and options.sample < len(chosen):
            # A seeded shuffle: the sample of 100 is a part of the sample of 200.
            random.Random(options.seed).shuffle(chosen)  # noqa: S311
            chosen = chosen[: options.sample]
        if options.list:
            for mutant in chosen:
                print(f"{mutant.file}:{mutant.line} {mutant.function} [{mutant.operator}]")
                print(f"- {mutant.before}\n+ {mutant.after}")
            print(f"{len(chosen)} mutants of {len(every)}")
            return 0
        kept = Kept(project)
        skipped = run(chosen, kept, project, options.jobs, deadline)
        figures, wrong = report(chosen, len(every), kept, skipped)
    except (MutationError, contracts_compile.CompileError) as error:
        say(f"mutation: {error}")
        return 1
    except KeyboardInterrupt:
        say("mutation: stopped; run again to go on")
        return 130
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    contracts_compile.write(RESULTS, json.dumps(figures, indent=1) + "\n")
    for name in ("logic", "events"):
        counts = figures[name]
        say(f"{name}: " + ", ".join(f"{key} {value}" for key, value in counts.items()))
    for line in wrong:
        say(f"mutation: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
