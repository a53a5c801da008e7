#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which lines and branches of the policy module the tests reach; fails where one is missed.

    .venv/bin/python contracts/assurance/line_coverage.py

forge coverage sees a contract that tests deploy from its artifact only if tests and contracts are compiled alike, so
this builds a copy of the project in .build/coverage without the tests' own compiler profile, all by the IR pipeline
without the optimizer. Gas and code sizes mean nothing there. The IR pipeline's source maps don't reach into inline
assembly, so forge takes each line of it for not reached: those lines are counted apart, and what holds for them is
shown by the mutants in them (mutation.py).

A test that fails in that build is a failure, whatever it reaches. (The IR pipeline takes block.timestamp for constant
within a function: a test that reads it, warps and reads it again fails there only. Such a test counts from T0.)

tests/contracts/uncovered.toml explains, one by one, the places that run although forge does not see them. An
explanation fails the run as soon as its place is seen, or is no more.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "contracts" / "scripts"))

import compile as contracts_compile  # noqa: E402

PLACE = ROOT / ".build" / "coverage"
RESULTS = ROOT / "bench" / "results" / "coverage.json"
# Tests of other things, and what the IR pipeline has too few places on the stack for without the optimizer.
LEFT_OUT = ("symbolic", "invariants", "Provenance*.t.sol", "__pycache__")
UNCOVERED = ROOT / "tests" / "contracts" / "uncovered.toml"
COVERED = re.compile(r"contracts/src/(Policy(Module|Checker|Lens)\.sol|(libraries|adapters)/\w+\.sol)$")


def copy_sources(place: Path) -> None:
    """Puts contracts and tests, and what those import from elsewhere, into the folder in which forge is to run."""
    for folder in ("contracts", "tests/contracts"):
        shutil.rmtree(place / folder, ignore_errors=True)
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for unit in contracts_compile.from_elsewhere():
        contracts_compile.write(place / unit, (ROOT / unit).read_text())


def lcov() -> str:
    """Runs forge coverage in the copy; returns its report."""
    (forge,) = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin/forge"))
    copy_sources(PLACE)
    settings = (ROOT / "foundry.toml").read_text()
    (PLACE / "foundry.toml").write_text(
        re.sub(r"^(additional_compiler_profiles|compilation_restrictions).*\n", "", settings, flags=re.MULTILINE)
    )
    (PLACE / ".build").mkdir(exist_ok=True)
    for link, target in (("node_modules", ROOT / "node_modules"), (".build/solc", ROOT / ".build" / "solc")):
        if not (PLACE / link).exists():
            (PLACE / link).symlink_to(target)
    report = PLACE / "lcov.info"
    report.unlink(missing_ok=True)
    command = [forge, "coverage", "--ir-minimum", "--report", "lcov", "--report-file", report]
    environment = os.environ | {
        "FOUNDRY_PROFILE": "default",
        "FOUNDRY_FUZZ_RUNS": "32",
        "FOUNDRY_INVARIANT_RUNS": "4",
        "FOUNDRY_CODE_SIZE_LIMIT": "1000000",
    }
    done = subprocess.run(command, cwd=PLACE, env=environment, capture_output=True, text=True, check=False)
    if not report.exists():
        raise SystemExit(f"coverage: forge did not report: {(done.stdout + done.stderr)[-800:]}")
    (PLACE / "forge.log").write_text(done.stdout + done.stderr)
    # forge reports all the same; but what only a failing test reaches is not shown to work.
    failing = sorted(set(re.findall(r"^\[FAIL.*\] (\w+)\(", done.stdout, re.MULTILINE)))
    if done.returncode != 0:
        raise SystemExit(f"coverage: tests fail when built for coverage: {', '.join(failing) or done.stderr[-800:]}")
    return report.read_text()


def assembly_lines(source: str) -> set[int]:
    """The lines of inline assembly blocks, counted from 1, without the line that opens one."""
    found: set[int] = set()
    depth = 0
    for number, line in enumerate(source.splitlines(), 1):
        code = line.partition("//")[0]
        if depth == 0:
            opening = re.search(r"\bassembly\b[^{]*", code)
            code = code[opening.end() :] if opening else ""
        else:
            found.add(number)
        depth += code.count("{") - code.count("}")
    return found


def missed(report: str) -> dict[str, dict[str, object]]:
    """File -> how many lines and branches there are, and which are not reached."""
    files: dict[str, dict[str, object]] = {}
    for record in report.split("end_of_record"):
        source = re.search(r"^SF:(.*)$", record, re.MULTILINE)
        if source is None or not COVERED.search(source[1]):
            continue
        lines = re.findall(r"^DA:(\d+),(\d+)", record, re.MULTILINE)
        branches = re.findall(r"^BRDA:(\d+),(\d+),(\d+),(\d+|-)", record, re.MULTILINE)
        path = ROOT / source[1]
        unseen = assembly_lines(path.read_text()) if path.exists() else set()
        in_assembly = [line for line, _ in lines if int(line) in unseen]
        lines = [(line, hits) for line, hits in lines if int(line) not in unseen]
        branches = [branch for branch in branches if int(branch[0]) not in unseen]
        files[source[1]] = {
            "lines": len(lines),
            "lines_missed": [int(line) for line, hits in lines if hits == "0"],
            "branches": len(branches),
            "assembly_lines": len(in_assembly),
            "branches_missed": [f"{line}.{path}" for line, _, path, hits in branches if hits in ("0", "-")],
        }
    return files


class CoverageError(Exception):
    """Why the explanations can't be used, and what to do."""


def function_at(source: str, number: int) -> str:
    """Contract.function that the line lies in."""
    contract = function = ""
    for line in source.splitlines()[:number]:
        if opened := re.match(r"(?:abstract )?(?:contract|library|interface) (\w+)", line):
            contract, function = opened[1], ""
        elif opened := re.match(r"    (?:function|modifier) (\w+)|    (constructor|receive|fallback)\b", line):
            function = opened[1] or opened[2]
    return f"{contract}.{function}" if function else contract


def gaps_of(name: str, found: dict[str, object], source: str) -> dict[tuple[str, ...], str]:
    """What is missed in one file: (file, function, what, the line with its spaces squeezed) -> how to name it.

    Of equal lines in one function, the second that is missed has " #2" behind it, and so on.
    """
    lines = source.splitlines()
    gaps: dict[tuple[str, ...], str] = {}
    for kind in ("lines", "branches"):
        missing = found[f"{kind}_missed"]
        assert isinstance(missing, list)
        for gap in missing:
            number, _, outcome = str(gap).partition(".")
            what = f"branch {outcome}" if outcome else "line"
            text = " ".join(lines[int(number) - 1].split())
            function = function_at(source, int(number))
            nth = 1 + sum(key[:3] == (name, function, what) and key[3].partition(" #")[0] == text for key in gaps)
            key = (name, function, what, text if nth == 1 else f"{text} #{nth}")
            gaps[key] = f"{name}:{number}: {what} of {function} not reached: {text}"
    return gaps


def explanations(text: str) -> dict[tuple[str, ...], str]:
    """uncovered.toml: (file, function, what, line) -> why the place runs although forge does not see it."""
    found = {}
    for entry in tomllib.loads(text).get("uncovered", []):
        try:
            key = tuple(entry[name] for name in ("file", "function", "what", "line"))
            why = entry["why"].strip()
        except KeyError as missing:
            raise CoverageError(f"{UNCOVERED.name}: an entry has no {missing}") from None
        if not why:
            raise CoverageError(f"{UNCOVERED.name}: the entry for `{key[3]}` does not say why")
        if key in found:
            raise CoverageError(f"{UNCOVERED.name}: explains `{key[3]}` of {key[1]} twice")
        found[key] = why
    return found


def unexplained(gaps: dict[tuple[str, ...], str], explained: dict[tuple[str, ...], str]) -> list[str]:
    """What is missed and not explained, and what is explained and not missed."""
    wrong = [said for key, said in gaps.items() if key not in explained]
    for file, function, what, line in explained.keys() - gaps.keys():
        wrong.append(f"{UNCOVERED.name}: explains what is reached, or no more: {file}: {what} of {function}: {line}")
    return sorted(wrong)


def has_code(source: str) -> bool:
    """Whether the file has more than interfaces, of which forge reports nothing."""
    return re.search(r"^(abstract )?(contract|library) ", source, re.MULTILINE) is not None


def main() -> int:
    try:
        explained = explanations(UNCOVERED.read_text())
    except (CoverageError, OSError, tomllib.TOMLDecodeError) as error:
        print(f"coverage: {error}", file=sys.stderr)
        return 1
    files = missed(lcov())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "contracts" / "src").rglob("*.sol")
        if COVERED.search(path.relative_to(ROOT).as_posix()) and has_code(path.read_text())
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(files, indent=1) + "\n")
    wrong = [f"forge reports nothing of {name}" for name in sorted(wanted - files.keys())]
    missing: dict[tuple[str, ...], str] = {}
    for name, found in sorted(files.items()):
        for kind in ("lines", "branches"):
            gaps = found[f"{kind}_missed"]
            assert isinstance(gaps, list)
            total = found[kind]
            assert isinstance(total, int)
            apart = f", {found['assembly_lines']} in assembly apart" if kind == "lines" else ""
            print(f"coverage: {name}: {total - len(gaps)} of {total} {kind}{apart}")
        missing |= gaps_of(name, found, (ROOT / name).read_text())
    waived = missing.keys() & explained.keys()
    if waived:
        print(f"coverage: {len(waived)} of what is not reached is explained in {UNCOVERED.relative_to(ROOT)}")
    wrong += unexplained(missing, explained)
    for line in wrong:
        print(f"coverage: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
