#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation testing of the contracts: makes small mistakes in them and sees whether forge's tests notice.

    .venv/bin/python contracts/assurance/mutation.py [--sample N] [--seed N] [--files GLOB ...] [--minutes N] [--list]

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
import fcntl
import fnmatch
import hashlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "contracts" / "scripts"), str(ROOT / "contracts" / "assurance")]

import compile as contracts_compile  # noqa: E402
from mutants import Mutant, mutants_of  # noqa: E402
from schemata import NONE, Site, activate, schema_of, site_of, sites_of  # noqa: E402

PLACE = ROOT / ".build" / "mutation"
SURVIVORS = ROOT / "tests" / "contracts" / "survivors.toml"
RESULTS = ROOT / "bench" / "results" / "mutation.json"
MUTATED = (
    "contracts/src/Policy*.sol",
    "contracts/src/Treasury.sol",
    "contracts/src/Provenance*.sol",
    "contracts/src/adapters/*.sol",
    "contracts/src/libraries/*.sol",
)
GOAL = 0.95
CPU_SECONDS = 150  # of all threads together
CHUNK = 250  # mutants in one compilation
UNFIT = re.compile("InvariantTest:|:setUp")  # takes long, or can't be asked for by name
COMPILATIONS_PER_PROCESS = 60  # WebAssembly memory only grows
# What the tests deploy is compiled without the optimizer: half the time, and no less strict a test of the logic. (And
# mutants could not be switched on in optimized code.)
FAST = {"optimizer": {"enabled": False}}
FIXED = {
    "FOUNDRY_FUZZ_SEED": "0x4d616e64617465",
    "FOUNDRY_CODE_SIZE_LIMIT": "1000000",
    "FOUNDRY_PROFILE": "default",
    # A mutant that never ends runs out of gas, soon.
    "FOUNDRY_GAS_LIMIT": "300000000",
}
# For each fuzzed test forge gathers values from the bytecode of all contracts, which takes longer than to run the test:
# nine tenths of all the time.
NO_DICTIONARY = {"FOUNDRY_FUZZ_INCLUDE_PUSH_BYTES": "false", "FOUNDRY_FUZZ_INCLUDE_STORAGE": "false"}
# First what ends within a second or two. What survives it meets more runs, and the invariants.
SHORT = NO_DICTIONARY | {"FOUNDRY_FUZZ_RUNS": "3"}
SLOW = {"test_attack_spam_of_scheduled_acts_for_weeks"}  # a quarter of all the time; met with DEEP
DEEP = (
    NO_DICTIONARY | {"FOUNDRY_FUZZ_RUNS": "48", "FOUNDRY_INVARIANT_RUNS": "1", "FOUNDRY_INVARIANT_DEPTH": "40"},
    {"FOUNDRY_FUZZ_RUNS": "16", "FOUNDRY_INVARIANT_RUNS": "6", "FOUNDRY_INVARIANT_DEPTH": "120"},
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
                ["node", str(ROOT / "contracts" / "assurance" / "solc_server.js")],
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


def deployed_names(text: str) -> set[str]:
    """The contracts' files that a source of tests deploys, without their ending: `"A.sol:A"`, or `"A"` where it puts
    such names together."""
    named = set(re.findall(r'"(\w+)\.sol:\w+"', text))
    return named | set(re.findall(r'"(\w+)"', text)) if '".sol:"' in text else named


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
        self.trees: dict[str, Any] = {}
        self.deep = False  # whether survivors meet many fuzz runs
        self.reached = {name: self._reached(name) for name in tests}
        self.test_hashes = {name: self.test_hash(name) for name in tests}
        self.sources_hash = _hash(*(f"{name}\0{self.contents[name]}" for name in own))

    def _units(self, name: str, is_test: bool) -> Iterator[Unit]:
        closure = frozenset(contracts_compile.collect([name]))
        for contract in re.findall(r"^contract (\w+)", self.contents[name], re.MULTILINE):
            yield Unit(name, contract, is_test, closure)

    def _reached(self, suite: str) -> frozenset[str]:
        """Every source that the suite is compiled from, or that what it deploys by name is compiled from."""
        sources = contracts_compile.collect([suite])
        named = set().union(*(deployed_names(source["content"]) for source in sources.values()))
        deployed = [unit.closure for unit in self.units if not unit.is_test and Path(unit.source).stem in named]
        return frozenset(sources).union(*deployed)

    def suites_for(self, file: str) -> list[str]:
        """The suites that a mistake in the file could make fail. Raises MutationError where there is none."""
        found = [suite for suite, reached in self.reached.items() if file in reached]
        if not found:
            raise MutationError(f"no suite of tests is known to deploy {file}: its mutants would all survive")
        return found

    def test_hash(self, name: str) -> str:
        """Of a suite's file and the tests' own support files that it uses."""
        closure = contracts_compile.collect([name])
        return _hash(*(f"{unit}\0{closure[unit]['content']}" for unit in closure if unit.startswith("tests/")))

    def killer_hash(self, test: str) -> str:
        """Of one test, `file:Suite:test(...)`: its own text, and all that its suite has besides other tests."""
        suite, _, name = test.split(":")
        closure = contracts_compile.collect([suite])
        own = without_other_tests(closure[suite]["content"], name.partition("(")[0])
        support = (unit for unit in closure if unit.startswith("tests/") and unit != suite)
        return _hash(own, *(f"{unit}\0{closure[unit]['content']}" for unit in support))

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

    def compile(
        self, compiler: Compiler, units: list[Unit], settings: dict[str, Any], changed: dict[str, str]
    ) -> dict[Unit, dict[str, Any]]:
        if not units:
            return {}
        answer = compiler.run(self.input_for(units, settings, changed))
        for error in answer.get("errors", []):
            if error["severity"] == "error":
                raise Stillborn(error["message"])
        return {unit: answer["contracts"][unit.source][unit.contract]["evm"] for unit in units}

    def compiled(
        self, compiler: Compiler, units: list[Unit], settings: dict[str, Any], changed: dict[str, str]
    ) -> dict[Unit, dict[str, Any]]:
        """The same, kept on disk, unit by unit: a later run, and one with other tests, finds what has not changed."""
        files = {
            unit: PLACE / "compiled" / f"{_hash(json.dumps(self.input_for([unit], settings, changed)))}.json"
            for unit in units
        }
        missing = [unit for unit in units if not files[unit].exists()]
        for unit, code in self.compile(compiler, missing, settings, changed).items():
            kept = {name: {"object": code[name]["object"]} for name in ("bytecode", "deployedBytecode")}
            contracts_compile.write(files[unit], json.dumps(kept))
        return {unit: json.loads(files[unit].read_text()) for unit in units}

    def mutants(self, compiler: Compiler, patterns: list[str]) -> list[Mutant]:
        found = []
        matching = [name for pattern in patterns for name in self.files if fnmatch.fnmatch(name, f"*{pattern}*")]
        names = list(dict.fromkeys(matching))
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
            self.trees[name] = answer["sources"][name]["ast"]
            found += mutants_of(name, self.contents[name].encode(), answer["sources"][name]["ast"])
        return found


# ---------------------------------------------------------------- many mutants, one compilation


@dataclass
class Chunk:
    """Mutants that are compiled together: each file's text with all of its mutants, and each mutant's number. Without
    numbers, a mutant that is compiled alone."""

    mutants: list[Mutant]
    texts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)


class Schemata:
    """Puts mutants into chunks. What the compiler said is kept on disk, here and in `Project.compiled`."""

    def __init__(self, project: Project, compiler: Compiler) -> None:
        self.project, self.compiler = project, compiler
        self.sites: dict[str, list[Site]] = {}

    def chunks(self, mutants: list[Mutant]) -> list[Chunk]:
        """In the order of `mutants`: the chunks, then the mutants that no schema can express, each alone."""
        fitting = [mutant for mutant in mutants if site_of(mutant, self._sites(mutant.file))]
        chunks, fit = [], set()
        for start in range(0, len(fitting), CHUNK):
            part = fitting[start : start + CHUNK]
            names = dict.fromkeys(mutant.file for mutant in part)
            taken = {key for name in names for key in self._fitting(name, [m for m in part if m.file == name])}
            fit |= taken
            chunks.append(self._chunk([mutant for mutant in part if mutant.key in taken]))
        alone = [Chunk([mutant]) for mutant in mutants if mutant.key not in fit]
        return [chunk for chunk in chunks if chunk.mutants] + alone

    def _chunk(self, mutants: list[Mutant]) -> Chunk:
        chunk = Chunk(mutants)
        for name in dict.fromkeys(mutant.file for mutant in mutants):
            here = [mutant for mutant in mutants if mutant.file == name]
            source = self.project.contents[name].encode()
            schema = schema_of(source, self._sites(name), here, len(chunk.numbers) + 1)
            chunk.texts[name] = schema.text.decode()
            chunk.numbers |= schema.numbers
        return chunk

    def _sites(self, file: str) -> list[Site]:
        if file not in self.sites:
            self.sites[file] = sites_of(self.project.contents[file].encode(), self.project.trees[file])
        return self.sites[file]

    def _fitting(self, file: str, mutants: list[Mutant]) -> list[str]:
        """What `_analysed` says, by keys."""
        source, sites = self.project.contents[file].encode(), self._sites(file)
        text = schema_of(source, sites, mutants).text.decode()
        closure = contracts_compile.collect([file])
        kept = PLACE / "compiled" / f"fits-{_hash(text, *(closure[name]['content'] for name in closure))}.json"
        if not kept.exists():
            keys = [mutant.key for mutant in self._analysed(file, source, sites, mutants)]
            contracts_compile.write(kept, json.dumps(keys))
        found: list[str] = json.loads(kept.read_text())
        return found

    def _analysed(self, file: str, source: bytes, sites: list[Site], mutants: list[Mutant]) -> list[Mutant]:
        """Those of the mutants that the compiler takes; no code is made. Errors that lie in no mutant's own text (say,
        of a constant that has become no number) are found by halving."""
        while mutants:
            schema = schema_of(source, sites, mutants)
            errors = self._errors(file, schema.text.decode())
            if not errors:
                return mutants
            spans = [error.get("sourceLocation", {"start": 0, "end": 0}) for error in errors]
            wrong = {
                key
                for key, (start, end) in schema.ranges.items()
                if any(start <= span["start"] <= end for span in spans)
            }
            # A constant with a choice in it is no length of an array, and not for assembly: the error lies at its use.
            named = {schema.text[span["start"] : span["end"]].decode() for span in spans}
            wrong |= {
                mutant.key
                for mutant in mutants
                if (site := site_of(mutant, sites)) and site.kind == "constant" and site.node["name"] in named
            }
            if wrong:
                mutants = [mutant for mutant in mutants if mutant.key not in wrong]
            elif len(mutants) == 1:
                return []
            else:
                half = len(mutants) // 2
                parts = [self._analysed(file, source, sites, part) for part in (mutants[:half], mutants[half:])]
                together = parts[0] + parts[1]
                if len(together) == len(mutants):
                    return parts[0]  # each half by itself is well, both are not: the rest goes alone
                mutants = together
        return []

    def _errors(self, file: str, text: str) -> list[dict[str, Any]]:
        names = contracts_compile.collect([file])
        answer = self.compiler.run(
            {
                "language": "Solidity",
                "sources": {name: {"content": text if name == file else self.project.contents[name]} for name in names},
                "settings": self.project.settings | {"outputSelection": {file: {"": ["ast"]}}},
            }
        )
        return [error for error in answer.get("errors", []) if error["severity"] == "error"]

    def split(self, chunk: Chunk) -> list[Chunk]:
        """For a chunk that is too much for the compiler's code generator."""
        half = len(chunk.mutants) // 2
        if half == 0:
            return [Chunk(chunk.mutants)]
        return [self._chunk(chunk.mutants[:half]), self._chunk(chunk.mutants[half:])]


# ---------------------------------------------------------------- testing


class Stillborn(Exception):
    """The mutant does not compile."""


@dataclass
class Outcome:
    """What became of a mutant. `by` is the test that killed it and `by_hash` the hash of that test's sources; `passed`
    says which suites it survived, as they were then, and `deep` whether with many fuzz runs."""

    status: str  # killed, survived, equivalent, timeout, stillborn
    by: str = ""
    by_hash: str = ""
    seconds: float = 0.0
    passed: dict[str, str] = field(default_factory=dict)
    deep: bool = False


class Worker:
    """A copy of the project, built once, in which mutants' artifacts take the originals' place."""

    def __init__(self, number: int, project: Project) -> None:
        self.project = project
        self.compiler = Compiler()
        self.schemata = Schemata(project, self.compiler)
        self.place = PLACE / f"worker{number}"
        self.forge = _forge()
        self.originals: dict[Unit, dict[str, Any]] = {}
        self.optimized: dict[Unit, str] = {}
        self.present: dict[Unit, dict[str, Any]] = {}  # what lies there in place of the original
        self.skipped: set[str] = set()  # tests that fail on the fast build without any mutant
        self.all_skipped: set[str] = set()
        self.killers: dict[str, Counter[str]] = defaultdict(Counter)  # of a function's mutants, and of a file's

    def prepare(self) -> None:
        """Builds, replaces what is deployed by the fast build of it, and sees that the tests pass with it."""
        built = self._built()
        for folder in {"contracts", "tests", ".build/forge", *_folders(contracts_compile.from_elsewhere())}:
            shutil.rmtree(self.place / folder, ignore_errors=True)
            shutil.copytree(built / folder, self.place / folder)
        _link(self.place)
        shutil.copyfile(ROOT / "foundry.toml", self.place / "foundry.toml")
        # Nothing is compiled here. All that forge asks the compiler at each start is its version.
        shim = self.place / ".build" / "solc" / contracts_compile.compiler().name
        version = subprocess.run(
            [contracts_compile.compiler(), "--version"], capture_output=True, text=True, check=True
        )
        contracts_compile.write(
            shim, f"#!/bin/sh\n[ \"$1\" = --version ] || exit 1\ncat <<'EOF'\n{version.stdout.strip()}\nEOF\n"
        )
        shim.chmod(0o755)
        # forge reads every artifact at every start; it needs little of them.
        for path in (self.place / ".build" / "forge" / "out").rglob("*.json"):
            if path.parent.name != "build-info":
                path.write_text(json.dumps(_slim(json.loads(path.read_text()))))
        for unit in self.project.units:
            self.originals[unit] = json.loads((self.place / unit.artifact).read_text())
        deployed = [unit for unit in self.project.units if not unit.is_test]
        for unit, code in self.project.compiled(self.compiler, deployed, self.project.settings | FAST, {}).items():
            self.originals[unit] = _with(self.originals[unit], code)
            self._put(unit, self.originals[unit])
        self._baseline()

    def _built(self) -> Path:
        """The folder in which forge itself has built contracts and tests: never touched by a mutant."""
        place = PLACE / "built"
        copy_sources(place)
        _link(place)
        shutil.copyfile(ROOT / "foundry.toml", place / "foundry.toml")
        (place / ".build" / "solc").mkdir(parents=True, exist_ok=True)
        shutil.copy(contracts_compile.compiler(), place / ".build" / "solc")
        built = self._run([str(self.forge), "build", "--offline"], {}, place)
        if built.returncode != 0:
            raise MutationError(f"the contracts or tests do not compile: {built.stdout[-500:]}{built.stderr[-500:]}")
        return place

    def _baseline(self) -> None:
        """Notes the tests that fail without any mutant, as things lie: they would say nothing."""
        self.skipped = set()
        failing = self._failing(SHORT, fail_fast=False)
        if failing is None:
            raise MutationError(f"the tests need more than {CPU_SECONDS} s without any mutant")
        self.skipped = {name for name in failing}
        self.all_skipped |= self.skipped
        if len(failing) > 12 or any(":setUp" in name for name in failing):
            raise MutationError(f"the tests fail without any mutant: {failing[0]} and {len(failing) - 1} more")
        if failing and self._failing(SHORT, fail_fast=True) != []:
            raise MutationError(f"the tests fail without any mutant, also without {', '.join(failing)}")

    def chunk(self, chunk: Chunk, wanted: dict[str, Outcome | None]) -> Iterator[tuple[Mutant, Outcome]]:
        """Judges the wanted mutants of a chunk, each with what is known of it from earlier runs."""
        if not chunk.numbers:
            for mutant in chunk.mutants:
                yield mutant, self.judge_alone(mutant, wanted[mutant.key])
            return
        try:
            built = self._build(chunk.texts)
        except Stillborn as why:
            say(f"{len(chunk.mutants)} mutants are too many for the compiler, so in halves: {why}")
            for part in self.schemata.split(chunk):
                if any(mutant.key in wanted for mutant in part.mutants):
                    yield from self.chunk(part, wanted)
            return
        codes = {unit: _with(self.originals[unit], code) for unit, code in built.items()}
        codes = {unit: code for unit, code in codes.items() if NONE.hex() in code["bytecode"]["object"]}
        try:
            for unit, code in codes.items():
                self._put(unit, code)
            self._baseline()
            for mutant in chunk.mutants:
                if mutant.key in wanted:
                    began = time.monotonic()
                    number = chunk.numbers[mutant.key]
                    mutated = {
                        unit: _activated(code, number) if mutant.file in unit.closure else code
                        for unit, code in codes.items()
                    }
                    outcome = self._test(mutant, mutated, wanted[mutant.key])
                    outcome.seconds = round(time.monotonic() - began, 1)
                    yield mutant, outcome
        finally:
            self._restore()
            self.skipped = set()

    def judge_alone(self, mutant: Mutant, known: Outcome | None = None) -> Outcome:
        """Compiles and tests one mutant."""
        began = time.monotonic()
        try:
            built = self._build(self._changed(mutant))
            mutated = {unit: _with(self.originals[unit], code) for unit, code in built.items()}
            mutated = {unit: code for unit, code in mutated.items() if code != self.originals[unit]}
            outcome = self._test(mutant, mutated, known) if mutated else Outcome("equivalent")
        except Stillborn:
            outcome = Outcome("stillborn")
        finally:
            self._restore()
        outcome.seconds = round(time.monotonic() - began, 1)
        return outcome

    def _changed(self, mutant: Mutant) -> dict[str, str]:
        return {mutant.file: mutant.apply(self.project.contents[mutant.file].encode()).decode()}

    def _build(self, changed: dict[str, str]) -> dict[Unit, dict[str, Any]]:
        units = [unit for unit in self.project.units if unit.closure & changed.keys()]
        deployed = [unit for unit in units if not unit.is_test]
        suites = [unit for unit in units if unit.is_test]
        built = self.project.compiled(self.compiler, deployed, self.project.settings | FAST, changed)
        try:
            return built | self.project.compiled(self.compiler, suites, self.project.test_settings, changed)
        except Stillborn as why:
            # A choice takes a place on the stack, of which the pipeline for tests has few. The other has enough, and a
            # test that fails only because of it is left out (`_baseline`).
            if "Stack too deep" not in str(why):
                raise
            return built | self.project.compiled(self.compiler, suites, self.project.settings | FAST, changed)

    def _test(self, mutant: Mutant, mutated: dict[Unit, dict[str, Any]], known: Outcome | None) -> Outcome:
        for unit, code in mutated.items():
            self._put(unit, code)
        passed = dict(known.passed) if known else {}
        hashes = self.project.test_hashes
        suites = self.project.suites_for(mutant.file)
        unmet = [suite for suite in suites if passed.get(suite) != hashes[suite]]
        if unmet:
            likely = [name for name in self._likely(mutant) if name.partition(":")[0] in hashes]
            found = None if passed else self._verdict(SHORT, [name.partition(":")[0] for name in likely], likely)
            found = found or self._verdict(SHORT, unmet)
            if found:
                return found
        if not self.project.deep:
            return Outcome("survived", passed=dict(hashes))
        for environment in DEEP:
            found = self._verdict(environment, suites)
            if found:
                return found
        if not any(unit.is_test for unit in mutated) and self._same_optimized(list(mutated), self._changed(mutant)):
            return Outcome("equivalent")
        return Outcome("survived", passed=dict(hashes), deep=True)

    def learn(self, mutant: Mutant, outcome: Outcome) -> None:
        if outcome.status == "killed":
            self.killers[mutant.function][outcome.by] += 1
            self.killers[mutant.file][outcome.by] += 1

    def _likely(self, mutant: Mutant) -> list[str]:
        """The tests that killed the most of the mutants nearby. A few tests alone take a third of the time of all."""
        near = [name for name, _ in self.killers[mutant.function].most_common(40)]
        near += [name for name, _ in self.killers[mutant.file].most_common(60)]
        return [
            name
            for name in dict.fromkeys(near)
            if not UNFIT.search(name) and name not in self.skipped and not SLOW & {name.split(":")[2].partition("(")[0]}
        ]

    def _verdict(
        self, environment: dict[str, str], suites: list[str], tests: list[str] | None = None
    ) -> Outcome | None:
        if tests is not None and not tests:
            return None
        failing = self._failing(environment, fail_fast=True, suites=suites, tests=tests)
        if failing is None:  # by the processor's time, so not because the machine was busy; and once more to be sure
            failing = self._failing(environment, fail_fast=True, suites=suites, tests=tests)
        if failing is None:
            return Outcome("timeout")
        if failing:
            return Outcome("killed", failing[0], self.project.killer_hash(failing[0]))
        return None

    def _same_optimized(self, units: list[Unit], changed: dict[str, str]) -> bool:
        for unit in units:
            if unit not in self.optimized:
                code = self.project.compiled(self.compiler, [unit], self.project.settings, {})[unit]
                self.optimized[unit] = code["bytecode"]["object"]
            mutated = self.project.compile(self.compiler, [unit], self.project.settings, changed)
            if mutated[unit]["bytecode"]["object"] != self.optimized[unit]:
                return False
        return True

    def _put(self, unit: Unit, artifact: dict[str, Any]) -> None:
        if self.present.get(unit) is artifact:
            return
        (self.place / unit.artifact).write_text(json.dumps(artifact))
        self.present[unit] = artifact

    def _restore(self) -> None:
        for unit, artifact in list(self.present.items()):
            if artifact is not self.originals[unit]:
                self._put(unit, self.originals[unit])

    def _failing(
        self,
        environment: dict[str, str],
        fail_fast: bool,
        suites: list[str] | None = None,
        tests: list[str] | None = None,
    ) -> list[str] | None:
        """The failing tests as `file:Suite:test(...)`; None when the tests do not end."""
        names = [unit.contract for unit in self.project.units if unit.is_test]
        if suites is not None:
            names = [unit.contract for unit in self.project.units if unit.is_test and unit.source in suites]
        if environment is SHORT:
            names = [name for name in names if not name.endswith("InvariantTest")]
        if not names:
            return []
        command = [str(self.forge), "test", "--offline", "--json", *(["--fail-fast"] if fail_fast else [])]
        command += ["--match-contract", f"^({'|'.join(names)})$"]
        if tests is not None:
            wanted = sorted({name.split(":")[2].partition("(")[0] for name in tests})
            command += ["--match-test", f"^({'|'.join(wanted)})([(]|$)"]
        skipped = sorted(
            {name.split(":")[2].partition("(")[0] for name in self.skipped} | (SLOW if environment is SHORT else set())
        )
        if skipped:
            command += ["--no-match-test", f"^({'|'.join(skipped)})([(]|$)"]
        done = self._run(command, environment, self.place)
        if done is None:
            return None
        start = done.stdout.find('{"')
        if start < 0:
            raise MutationError(f"forge did not run the tests: {(done.stdout + done.stderr)[-500:]}")
        found = json.loads(done.stdout[start:].splitlines()[0])
        return [
            f"{suite}:{name}"
            for suite, results in sorted(found.items())
            for name, result in sorted(results["test_results"].items())
            if result["status"] == "Failure"
        ]

    def _run(self, command: list[str], environment: dict[str, str], place: Path) -> Any:
        """None when the tests took more of the processor's time than they may; a busy machine takes none."""
        limited = command[1] == "test"
        process = subprocess.Popen(
            ["sh", "-c", f'ulimit -t {CPU_SECONDS} && exec "$@"', "sh", *command] if limited else command,
            cwd=place,
            env=os.environ | FIXED | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            output, errors = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        if limited and process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return None
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _folders(units: list[str]) -> set[str]:
    """The topmost folders of sources."""
    return {Path(unit).parts[0] for unit in units}


def copy_sources(place: Path) -> None:
    """Puts contracts and tests, and what those import from elsewhere, into the folder; what is there already stays."""
    for folder in ("contracts", "tests/contracts"):
        _mirror(ROOT / folder, place / folder)
    for unit in contracts_compile.from_elsewhere():
        content = (ROOT / unit).read_text()
        if not (place / unit).exists() or (place / unit).read_text() != content:
            contracts_compile.write(place / unit, content)


def _mirror(source: Path, target: Path) -> None:
    """Makes the target like the source, and leaves alone what is like it already, so that forge compiles no more than
    what changed."""
    sources = [path for path in source.rglob("*") if path.suffix in (".sol", ".js") and "symbolic" not in path.parts]
    wanted = {path.relative_to(source) for path in sources}
    for path in list(target.rglob("*")):
        if path.is_file() and path.relative_to(target) not in wanted:
            path.unlink()
    for name in wanted:
        content = (source / name).read_bytes()
        if not (target / name).exists() or (target / name).read_bytes() != content:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(content)


def _link(place: Path) -> None:
    """Gives the folder this project's libraries. A build folder that was copied from another checkout has links into
    that one, by which forge would find other files than those it compiled, and compile anew."""
    for name in ("node_modules", "docs"):
        link = place / name
        if not link.is_symlink() or link.readlink() != ROOT / name:
            link.unlink(missing_ok=True)
            link.symlink_to(ROOT / name)


def _slim(artifact: dict[str, Any]) -> dict[str, Any]:
    """Without the source maps, which only coverage and traces need. (Without other fields forge would compile anew.)"""
    for name in ("bytecode", "deployedBytecode"):
        if name in artifact:
            artifact[name]["sourceMap"] = ""
    return artifact


def _activated(artifact: dict[str, Any], number: int) -> dict[str, Any]:
    changed = dict(artifact)
    for name in ("bytecode", "deployedBytecode"):
        changed[name] = artifact[name] | {"object": activate(artifact[name]["object"], number)}
    return changed


def without_other_tests(source: str, test: str) -> str:
    """A suite's text with no test but one: to write another test beside it changes nothing of what that one says."""

    def kept(found: re.Match[str]) -> str:
        return found[0] if found[1] == test else ""

    return re.sub(r"^    function (test\w*)\(.*?^    }\n", kept, source, flags=re.MULTILINE | re.DOTALL)


def _with(artifact: dict[str, Any], code: dict[str, Any]) -> dict[str, Any]:
    """The artifact with other code. Library references are all internal: nothing is linked."""
    changed = dict(artifact)
    for name in ("bytecode", "deployedBytecode"):
        changed[name] = artifact[name] | {"object": "0x" + code[name]["object"], "sourceMap": ""}
    return changed


# ---------------------------------------------------------------- results


class Kept:
    """Outcomes of earlier runs, a line each. One holds while the sources and its killing test are what they were; a
    survivor's says which suites it need not meet again."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.file = PLACE / "results.jsonl"
        self.found: dict[str, Outcome] = {}
        self.partly: dict[str, Outcome] = {}  # survivors that have not met the suites of today
        self.before: set[str] = set()  # all of which anything was ever known, with these sources
        hashes: dict[str, str] = {}
        for line in self.file.read_text().splitlines() if self.file.exists() else []:
            row = json.loads(line)
            if row["sources"] != project.sources_hash:
                continue
            outcome = Outcome(**row["outcome"])
            self.before.add(row["key"])
            self.found.pop(row["key"], None)
            if outcome.status == "killed":
                if outcome.by not in hashes:
                    there = (ROOT / outcome.by.partition(":")[0]).exists()
                    hashes[outcome.by] = project.killer_hash(outcome.by) if there else ""
                current = outcome.by_hash in (hashes[outcome.by], project.test_hashes.get(outcome.by.partition(":")[0]))
            elif outcome.status == "survived":
                current = all(outcome.passed.get(suite) == now for suite, now in project.test_hashes.items())
                self.partly[row["key"]] = outcome
            else:
                current = True
            if current:
                self.found[row["key"]] = outcome

    def add(self, mutant: Mutant, outcome: Outcome) -> None:
        self.found[mutant.key] = outcome
        row = {"key": mutant.key, "sources": self.project.sources_hash, "outcome": vars(outcome)}
        with self.file.open("a") as file:
            file.write(json.dumps(row) + "\n")


def explanations() -> dict[tuple[str, ...], str]:
    """survivors.toml: (file, function, before, after) -> why no test can or need tell it from the original. An entry is
    for one mutant (`before` and `after`) or for several of a function with one reason (`mutants`, a list of both)."""
    if not SURVIVORS.exists():
        return {}
    found: dict[tuple[str, ...], str] = {}
    for entry in tomllib.loads(SURVIVORS.read_text()).get("survivor", []):
        try:
            pairs = entry.get("mutants") or [(entry["before"], entry["after"])]
            keys = [(entry["file"], entry["function"], before, after) for before, after in pairs]
            why = entry["why"].strip()
        except KeyError as missing:
            raise MutationError(f"{SURVIVORS.name}: an entry has no {missing}") from None
        if not why:
            raise MutationError(f"{SURVIVORS.name}: the entry for `{keys[0][2]}` does not say why")
        found |= dict.fromkeys(keys, why)
    return found


def place_of(mutant: Mutant) -> tuple[str, ...]:
    return (mutant.file, mutant.function, mutant.before, mutant.after)


def report(mutants: list[Mutant], total: int, kept: Kept, skipped: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what is wrong (empty when all is well)."""
    explained = explanations()
    judged = [mutant for mutant in mutants if mutant.key in kept.found]
    groups: dict[str, Counter[str]] = {"logic": Counter(), "events": Counter()}
    by_file: dict[str, Counter[str]] = defaultdict(Counter)
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
        by_file[mutant.file][status] += 1
    figures = {
        "mutants": total,
        "tried": len(judged),
        "goal": GOAL,
        **{name: _score(counts) for name, counts in groups.items()},
        "files": {
            name: {"mutants": number, "tried": by_file[name].total()} | _score(by_file[name])
            for name, number in Counter(mutant.file for mutant in mutants).items()
        },
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
        if key not in known and len(mutants) == total and any(mutant.file == key[0] for mutant in mutants):
            wrong.append(f"{SURVIVORS.name}: explains what no mutant is any more: {key[1]}: {key[3]}")
        elif key in tried and key not in used:
            wrong.append(f"{SURVIVORS.name}: explains a mutant that does not survive: {key[1]}: {key[3]}")
    return figures, wrong


def wilson(part: int, of: int) -> tuple[float, float]:
    """The interval that holds the share in the whole with 95 %, where `part` of `of` drawn at random have it."""
    if of == 0:
        return 0.0, 1.0
    z, share = 1.959964, part / of
    middle, half = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)


def described(name: str, counts: dict[str, Any], partly: bool) -> str:
    """A line of the report. Where not all was tried, with the interval in which the whole's score lies."""
    low, high = counts["interval"]
    interval = f" ({low:.1%} to {high:.1%})" if partly else ""
    rest = ", ".join(f"{key} {value}" for key, value in counts.items() if key not in ("score", "interval"))
    return f"{name}: {counts['score']:.1%}{interval}: {rest}"


def _score(counts: Counter[str]) -> dict[str, Any]:
    """Killed of all that compile and differ from the original and are not explained."""
    killed = counts["killed"] + counts["timeout"]
    of = killed + counts["survived"]
    low, high = wilson(killed, of)
    # The interval says what a part that was tried tells of the whole; of a whole that was tried the score is the score.
    score = {"score": round(killed / of, 4) if of else 1.0, "interval": [round(low, 4), round(high, 4)]}
    return score | {name: counts[name] for name in sorted(counts)}


# ---------------------------------------------------------------- running


def run(
    mutants: list[Mutant],
    every: list[Mutant],
    kept: Kept,
    project: Project,
    seed: int,
    jobs: int,
    deadline: float | None,
) -> list[str]:
    """Judges what is not known yet of `mutants` in a seeded order over all files: what has been tried at any moment is
    a fair sample of every file, but for what must be compiled alone, which comes last. Returns the tests that could not
    be used."""
    explained = explanations()
    wanted: dict[str, Outcome | None] = {}
    for mutant in mutants:
        known = kept.found.get(mutant.key)
        again = known and known.status == "survived" and project.deep and not known.deep
        if known is None or (again and place_of(mutant) not in explained):
            wanted[mutant.key] = kept.partly.get(mutant.key)
    say(f"{len(mutants)} mutants, {len(mutants) - len(wanted)} known from earlier runs, {len(wanted)} to try")
    if not wanted:
        return []
    everyone = [Worker(number, project) for number in range(min(jobs, len(wanted)))]
    done, skipped = 0, set()
    stopped = threading.Event()

    def over() -> bool:
        return stopped.is_set() or (deadline is not None and time.monotonic() > deadline)

    try:
        for worker in everyone:
            worker.prepare()
            for mutant in every:
                if mutant.key in kept.found:
                    worker.learn(mutant, kept.found[mutant.key])
        waiting: Queue[Chunk] = Queue()
        # The same chunks in every run with the same options, so that what was compiled for one is found by the next.
        for chunk in everyone[0].schemata.chunks(shuffled(mutants, seed)):
            if any(mutant.key in wanted for mutant in chunk.mutants):
                waiting.put(chunk)

        def work(worker: Worker) -> None:
            nonlocal done
            while not over():
                try:
                    chunk = waiting.get_nowait()
                except Empty:
                    return
                for mutant, outcome in worker.chunk(chunk, wanted):
                    kept.add(mutant, outcome)
                    worker.learn(mutant, outcome)
                    done += 1
                    if outcome.status == "survived":
                        note = "event " if mutant.events_only else ""
                        say(f"{note}survivor {mutant.file}:{mutant.line} {mutant.function} [{mutant.operator}]")
                        say(f"    - {mutant.before}\n    + {mutant.after}")
                    if done % 25 == 0:
                        say(f"{done} of {len(wanted)} tried")
                    if over():
                        break

        with ThreadPoolExecutor(len(everyone)) as pool:
            working = [pool.submit(work, worker) for worker in everyone]
            try:
                for each in working:
                    each.result()
            finally:
                stopped.set()
        if done < len(wanted):
            say(f"the time is over: {len(wanted) - done} not tried; run again to go on")
        for worker in everyone:
            skipped |= worker.all_skipped
        if skipped:
            say(f"not used, since they fail on the fast build: {', '.join(sorted(skipped))}")
    finally:
        for worker in everyone:
            worker.compiler.close()
    return sorted(skipped)


def shuffled(mutants: list[Mutant], seed: int) -> list[Mutant]:
    """A seeded order in which no mutant's place hangs on the others: a sample of 100 is a part of that of 200."""
    return sorted(mutants, key=lambda mutant: _hash(f"{seed}\0{mutant.key}"))


def cross_check(mutants: list[Mutant], kept: Kept, project: Project, count: int, seed: int) -> list[str]:
    """Judges so many of the mutants that a schema told of once more, each compiled by itself. Returns what differs."""
    sites = {file: sites_of(project.contents[file].encode(), project.trees[file]) for file in project.trees}
    told = [
        mutant
        for mutant in mutants
        if mutant.key in kept.found
        and kept.found[mutant.key].status != "stillborn"
        and site_of(mutant, sites[mutant.file])
    ]
    worker, wrong = Worker(0, project), []
    try:
        worker.prepare()
        for mutant in shuffled(told, seed + 1)[:count]:
            first = kept.found[mutant.key].status
            second = worker.judge_alone(mutant).status
            same = first == second or {first, second} == {"equivalent", "survived"}
            say(f"{'same' if same else 'OTHER'}: {first}, alone {second}: {mutant.file}:{mutant.line} {mutant.after}")
            if not same:
                wrong.append(f"{mutant.file}:{mutant.line} {mutant.after}: {first} in a schema, {second} alone")
    finally:
        worker.compiler.close()
    say(f"{min(count, len(told))} mutants judged twice, {len(wrong)} differ")
    return wrong


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
    parser.add_argument(
        "--seed", type=int, default=1, help="of the order in which a file's mutants are tried (default 1)"
    )
    parser.add_argument("--files", nargs="*", default=[""], help="only files whose path has one of these in it")
    parser.add_argument("--function", nargs="*", default=[""], help="only functions whose name has one of these in it")
    parser.add_argument("--operator", help="only mistakes of this kind, say 'drop modifier'")
    parser.add_argument("--minutes", type=float, help="stop then; a later run goes on")
    parser.add_argument(
        "--deep", action="store_true", help="survivors that are not explained meet many fuzz runs and the invariants"
    )
    parser.add_argument("--cross-check", type=int, metavar="N", help="judge N mutants again, each compiled by itself")
    parser.add_argument("--again", action="store_true", help="only what was judged before tests were changed")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="only print the mutants")
    parser.add_argument("--report", action="store_true", help="only print what is known")
    options = parser.parse_args()
    deadline = None if options.minutes is None else time.monotonic() + 60 * options.minutes
    for one in (signal.SIGTERM, signal.SIGINT):  # a shell starts background jobs with SIGINT ignored
        signal.signal(one, signal.default_int_handler)
    try:
        PLACE.mkdir(parents=True, exist_ok=True)
        alone = (PLACE / "lock").open("w")  # two runs in one folder would judge each other's mutants
        try:
            fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MutationError("another run is at work in .build/mutation") from None
        project = Project()
        compiler = Compiler()
        try:
            every = project.mutants(compiler, options.files)
        finally:
            compiler.close()
        chosen = [
            mutant
            for mutant in every
            if any(part in mutant.function for part in options.function) and (options.operator or "") in mutant.operator
        ]
        kept = Kept(project)
        if options.again:
            chosen = [mutant for mutant in chosen if mutant.key in kept.before and mutant.key not in kept.found]
        if options.sample is not None:
            chosen = shuffled(chosen, options.seed)[: options.sample]
        if options.list:
            for mutant in chosen:
                print(f"{mutant.file}:{mutant.line} {mutant.function} [{mutant.operator}]")
                print(f"- {mutant.before}\n+ {mutant.after}")
            print(f"{len(chosen)} mutants of {len(every)}")
            return 0
        project.deep = options.deep
        if options.cross_check is not None:
            return 1 if cross_check(chosen, kept, project, options.cross_check, options.seed) else 0
        skipped = [] if options.report else run(chosen, every, kept, project, options.seed, options.jobs, deadline)
        figures, wrong = report(chosen, len(every), kept, skipped)
    except (MutationError, contracts_compile.CompileError) as error:
        say(f"mutation: {error}")
        return 1
    except KeyboardInterrupt:
        say("mutation: stopped; run again to go on")
        return 130
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    contracts_compile.write(RESULTS, json.dumps(figures, indent=1) + "\n")
    for name, counts in figures["files"].items():
        say(described(name.removeprefix("contracts/src/"), counts, counts["tried"] < counts["mutants"]))
    for name in ("logic", "events"):
        say(described(name, figures[name], figures["tried"] < figures["mutants"]))
    for line in wrong:
        say(f"mutation: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
