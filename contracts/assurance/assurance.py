#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs what checks the contracts (slither, halmos) into .venv-assurance, which is no part of the product.

.venv/bin/python contracts/assurance/assurance.py           install; nothing to do the second time
.venv/bin/python contracts/assurance/assurance.py --lock    resolve requirements/assurance.in anew
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from dao.local.install import content_hash, uv_environment  # noqa: E402

PLACE = ROOT / ".venv-assurance"
UV = ROOT / ".venv" / "bin" / "uv"
LOCK = ROOT / "requirements" / "assurance.txt"


def uv(*arguments: str | Path) -> None:
    done = subprocess.run(
        [UV, *arguments], cwd=ROOT, env=os.environ | uv_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"assurance: uv {arguments[0]} failed: {done.stderr.strip()[-400:]}")


def install() -> None:
    stamp = PLACE / "stamp"
    inputs = content_hash(LOCK)
    if stamp.is_file() and stamp.read_text() == inputs:
        return
    print("Installing slither and halmos (about 250 MB) ...", file=sys.stderr, flush=True)
    uv("venv", "--quiet", "--clear", "--python", sys.executable, PLACE)
    uv("pip", "sync", "--python", PLACE / "bin" / "python", "--require-hashes", "--strict", LOCK)
    stamp.write_text(inputs)


def lock() -> None:
    uv("pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header",
       "--universal", "--python-version", "3.11", "--output-file", "requirements/assurance.txt",
       "requirements/assurance.in")  # fmt: skip


if __name__ == "__main__":
    lock() if sys.argv[1:] == ["--lock"] else install()
