#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs slither over the contracts and holds its findings against contracts/assurance/slither.toml.

    .venv/bin/python contracts/assurance/slither_check.py

Exit status 1 when a finding has no explanation there, or an explanation has no finding.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-assurance" / "bin"
WAIVERS = Path(__file__).with_name("slither.toml")
OUTPUT = ROOT / ".build" / "slither.json"
OUT = ".build/slither/out"


def findings() -> list[dict[str, Any]]:
    """What slither says of contracts/src. It builds in a place of its own, so that no other build is disturbed."""
    (forge,) = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin"))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.unlink(missing_ok=True)
    environment = os.environ | {
        "PATH": os.pathsep.join([str(ENVIRONMENT), str(forge), os.environ["PATH"]]),
        "FOUNDRY_PROFILE": "default",
        "FOUNDRY_OUT": OUT,
        "FOUNDRY_CACHE_PATH": ".build/slither/cache",
    }
    command = [ENVIRONMENT / "slither", ".", "--foundry-out-directory", OUT, "--filter-paths", "node_modules|tests/"]
    done = subprocess.run(
        [*command, "--json", OUTPUT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if not OUTPUT.exists():
        raise SystemExit(f"slither did not run: {done.stderr[-800:]}")
    answer = json.loads(OUTPUT.read_text())
    if not answer["success"]:
        raise SystemExit(f"slither did not run: {answer['error']}")
    found: list[dict[str, Any]] = answer["results"].get("detectors", [])
    return found


def place_of(finding: dict[str, Any]) -> str:
    """Contract.name of the innermost function, event or variable that the finding begins with."""
    element = finding["elements"][0]
    while True:
        parent = element.get("type_specific_fields", {}).get("parent")
        if parent is None or element["type"] == "contract":
            return str(element["name"])
        if element["type"] in ("function", "event") or parent["type"] == "contract":
            return f"{parent['name']}.{element['name']}"
        element = parent


def main() -> int:
    waivers = tomllib.loads(WAIVERS.read_text())["waiver"]
    explained = {(waiver["detector"], where): waiver["why"].strip() for waiver in waivers for where in waiver["where"]}
    found = findings()
    used, wrong = set(), []
    for finding in found:
        place = place_of(finding)
        key = next((k for k in ((finding["check"], place), (finding["check"], "*")) if explained.get(k)), None)
        if key is None:
            first = finding["description"].splitlines()[0]
            wrong.append(f"not explained: {finding['impact']} {finding['check']} at {place}: {first}")
        else:
            used.add(key)
    wrong += [f"explains nothing any more: {detector} at {place}" for detector, place in explained.keys() - used]
    for line in sorted(wrong):
        print(f"slither: {line}", file=sys.stderr)
    print(f"slither: {len(found)} findings, {len(explained)} explanations, {len(wrong)} not in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
