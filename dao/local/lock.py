# SPDX-License-Identifier: Apache-2.0
"""Resolves requirements/base.in into requirements/base.txt (hashes, no registry addresses), or checks it.

.venv/bin/python -m dao.local.lock            resolve anew
.venv/bin/python -m dao.local.lock --check    no network: the lock names the hash of what it was made from
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from dao.local.install import uv_environment
from dao.local.paths import ROOT

NOTE = "# Made by `make lock` from requirements/base.in with sha256 "


def problems(root: Path = ROOT) -> list[str]:
    """What is not current, in a line each."""
    found = []
    requirements = root / "requirements"
    first, _, _ = (requirements / "base.txt").read_text().partition("\n")
    if first != NOTE + _hash(requirements / "base.in"):
        found.append("requirements/base.txt was not made from this requirements/base.in: run `make lock`.")
    package = json.loads((root / "package.json").read_text())
    locked = json.loads((root / "package-lock.json").read_text())["packages"][""]
    kinds = ("dependencies", "optionalDependencies", "devDependencies")
    if any(package.get(kind, {}) != locked.get(kind, {}) for kind in kinds):
        found.append("package-lock.json was not made from this package.json: run `npm install --package-lock-only`.")
    if '"resolved"' in (root / "package-lock.json").read_text():
        found.append(
            "package-lock.json holds registry addresses: .npmrc leaves them out, run `npm install` in this folder."
        )
    return found


def resolve(root: Path = ROOT) -> None:
    """Write the lock file whole or not at all."""
    output = root / "requirements" / "base.txt"
    subprocess.run(
        [root / ".venv" / "bin" / "uv", "pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url",
         "--no-emit-find-links", "--no-header", "--universal", "--python-version", "3.11",
         "--output-file", "requirements/base.txt", "requirements/base.in"],
        cwd=root, check=True, env=os.environ | uv_environment(),
    )  # fmt: skip
    body = "".join(line for line in output.read_text().splitlines(keepends=True) if not line.startswith(NOTE))
    half = output.with_suffix(".half")
    half.write_text(f"{NOTE}{_hash(root / 'requirements' / 'base.in')}\n{body}")
    half.replace(output)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        resolve()
    found = problems()
    for problem in found:
        print(f"lock: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
