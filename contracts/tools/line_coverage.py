#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which lines and branches of the policy module the tests reach; fails where one is missed.

    .venv/bin/python contracts/tools/line_coverage.py

forge coverage sees a contract that tests deploy from its artifact only if tests and contracts are compiled alike, so
this builds a copy of the project in .build/coverage without the tests' own compiler profile, all by the IR pipeline
without the optimizer. Gas and code sizes mean nothing there. The IR pipeline's source maps don't reach into inline
assembly, so forge takes each line of it for not reached: those lines are counted apart, and what holds for them is
shown by the mutants in them (mutation.py).
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".build" / "coverage"
RESULTS = ROOT / "bench" / "results" / "coverage.json"
COVERED = re.compile(r"contracts/src/(Policy(Module|Checker|Lens)\.sol|libraries/\w+\.sol)$")


def lcov() -> str:
    """Runs forge coverage in the copy; returns its report."""
    (forge,) = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin/forge"))
    for folder in ("contracts", "tests/contracts"):
        shutil.rmtree(PLACE / folder, ignore_errors=True)
        shutil.copytree(ROOT / folder, PLACE / folder, ignore=shutil.ignore_patterns("symbolic", "__pycache__"))
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


def main() -> int:
    files = missed(lcov())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "contracts" / "src").rglob("*.sol")
        if COVERED.search(path.relative_to(ROOT).as_posix())
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(files, indent=1) + "\n")
    wrong = [f"forge reports nothing of {name}" for name in sorted(wanted - files.keys())]
    for name, found in sorted(files.items()):
        for kind in ("lines", "branches"):
            gaps = found[f"{kind}_missed"]
            assert isinstance(gaps, list)
            total = found[kind]
            assert isinstance(total, int)
            apart = f", {found['assembly_lines']} in assembly apart" if kind == "lines" else ""
            print(f"coverage: {name}: {total - len(gaps)} of {total} {kind}{apart}")
            if gaps:
                wrong.append(f"{name}: {kind} not reached: {', '.join(map(str, gaps))}")
    for line in wrong:
        print(f"coverage: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
