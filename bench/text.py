# SPDX-License-Identifier: Apache-2.0
"""How long reading a proposal's text takes: `python -m bench.text` prints bench/results/text.json.

Texts of 200 kB, as long as any that is read: ordinary ones, and some that are made to be slow. `read_s` is the parsing
for page and model, `elsewhere_s` the search for what other sites hide; seconds of processor time, the least of three.
Ordinary texts must take less than a second of each; the exit status says whether they do.
"""

import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from governance import text

RESULTS = Path(__file__).resolve().parent / "results" / "text.json"
BOUND_S = 1.0  # of an ordinary text
SIZE = 200_000
_PARAGRAPH = "Pay the team 5,000 USDC in **November**, as [agreed](https://a.test). It is *due* `now` &amp; here.\n\n"
ORDINARY = {
    "paragraphs": ("", _PARAGRAPH),
    "list": ("", "- Pay lea 5 USDC\n"),
    "table": ("| a | b |\n|---|---|\n", "| lea | 5 USDC |\n"),
    "html": ("", "<b>Pay</b> <!-- not --> lea. "),
    "hidden characters": ("", "x\u200by "),
}
HOSTILE = {
    repr(piece): ("", piece) for piece in ("[", "![", "[a](", "*a", "`", "<a ", "<!--", "- ", "> ", "|", "&#x200b;")
}


def seconds(work: Callable[[], object]) -> float:
    """The least time of three runs."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return round(min(taken), 3)


def measured(name: str, before: str, piece: str) -> dict[str, Any]:
    """The times of one text."""
    source = before + piece * ((SIZE - len(before)) // len(piece))
    shown = text.read(source)
    read_s, elsewhere_s = seconds(lambda: text.read(source)), seconds(lambda: text.elsewhere(shown))
    return {"text": name, "characters": len(source), "read_s": read_s, "elsewhere_s": elsewhere_s}


def main() -> int:
    ordinary = [measured(name, *pieces) for name, pieces in ORDINARY.items()]
    hostile = [measured(name, *pieces) for name, pieces in HOSTILE.items()]
    late = [row["text"] for row in ordinary if max(row["read_s"], row["elsewhere_s"]) > BOUND_S]
    result = {
        "python": platform.python_version(), "machine": platform.machine(), "bound_s": BOUND_S, "ordinary": ordinary,
        "hostile": hostile,
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(RESULTS.read_text(), end="")
    print(f"too slow: {', '.join(late)}" if late else "all within their bounds", file=sys.stderr)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
