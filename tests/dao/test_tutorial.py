# SPDX-License-Identifier: Apache-2.0
"""docs/tutorial.md, followed to the letter: each command runs, in order, in one shell, and says what the page shows."""

import re
import subprocess

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
LEFT_OUT = "[...]"
# What waits for a person, or for the running demo; `make story` plays it.
NOT_RUN = [
    "make demo",
    ". .mandate/env",
    ".venv/bin/python manage.py doctor",
    ".venv/bin/python manage.py audit mandate",
]


def shown() -> list[tuple[str, str]]:
    """Each command of the console blocks, with what it is said to print."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if (document := re.search(r"<<'(\w+)'$", command)) is not None:
                body, _, output = output.partition(f"\n{document[1]}\n")
                command = f"{command}\n{body}\n{document[1]}"
            found.append((command, output))
    return found


def fits(wanted: str, printed: str) -> bool:
    """Whether it is what was printed, with anything where something is left out."""
    pattern = ".*?".join(re.escape(part) for part in wanted.split(LEFT_OUT))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


def test_a_stranger_follows_the_tutorial() -> None:
    commands = shown()
    assert len(commands) > 12
    end = "-- end of this command --"
    script = "".join(f"{command}\necho '{end}'\n" for command, _ in commands)
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}rm -r \"$T\""], cwd=ROOT, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    printed = done.stdout.split(f"{end}\n")
    assert len(printed) == len(commands) + 1, done.stdout
    for (command, wanted), said in zip(commands, printed, strict=False):
        assert fits(wanted, said), f"{command}\n{said}"
    assert printed[-1] == ""


def test_what_is_not_run_is_marked_and_counted() -> None:
    outside = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert [line.strip() for line in re.findall(r"^ {4}\S.*$", outside, re.MULTILINE)] == NOT_RUN
    assert PAGE.count("not run by the test") == 2
