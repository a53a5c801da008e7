# SPDX-License-Identifier: Apache-2.0
"""One run of a policy command: its options, where it writes, what it loads, and how it ends.

Exit status: 0 good, 1 refused or different, 2 wrong usage. A reader that goes away (`| head`) is no error and does not
change the status.
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from policies.files import FileProblem, Loaded, Resolve, load, load_document, read_text
from policies.notation.problems import PolicyError, Problem

if TYPE_CHECKING:  # words are imported where they are used: `check` and `compile` start without them
    from policies.words.wording import Vocabulary


class Refusal(Exception):
    """What is wrong, line by line."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class WrongUsage(Exception):
    """Options or arguments that don't go together: one line."""


@dataclass(frozen=True)
class Finding:
    """One thing that a chain shows. A problem makes the policy useless or refused; a warning is for members."""

    is_problem: bool
    text: str

    def __str__(self) -> str:
        return self.text if self.is_problem else f"warning: {self.text}"


class Stream(Protocol):
    """Where text goes: a standard stream, or Django's wrapper of one."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


@dataclass(frozen=True)
class Session:
    """One run: the program's name, its options, where it writes, and how ENS names are resolved if they can be."""

    program: str
    options: Mapping[str, Any]
    stdout: Stream
    stderr: Stream
    resolve: Resolve | None = None

    def out(self, line: str) -> None:
        _unbroken(lambda: self.stdout.write(_ended(line)), 1)

    def err(self, line: str) -> None:
        _unbroken(lambda: self.stderr.write(_ended(line)), 2)

    def print_json(self, value: object) -> None:
        self.out(json.dumps(value, indent=2, ensure_ascii=False))

    def load(self, file: str) -> Loaded:
        """The policy in a file; what was found on a chain for its names is noted on stderr."""
        return self._noted(file, load(read_text(file), file, self.resolve, parameters=self._parameters()))

    def load_document(self) -> Loaded:
        """The document that the option `file` names; noted as by `load`."""
        file, read_back = self.options["file"], self.options.get("read_back", False)
        return self._noted(
            file, load_document(read_text(file), file, self.resolve, read_back=read_back, parameters=self._parameters())
        )

    def _parameters(self) -> dict[str, str]:
        """What `--set NAME=VALUE` sets. Raises WrongUsage."""
        found = {}
        for one in self.options.get("parameters") or ():
            name, equals, value = one.partition("=")
            if not equals or not name.strip():
                raise WrongUsage(f"--set {one}: write it as NAME=VALUE")
            found[name.strip()] = value.strip()
        return found

    def lent(self) -> "Vocabulary":
        """Names, tokens and functions from the document that the user trusts; nothing where none is named."""
        from policies.words.wording import Vocabulary

        file = self.options["lent"]
        return vocabulary(load_document(read_text(file), file, self.resolve)) if file else Vocabulary()

    def run(self, act: Callable[[], int]) -> int:
        """Run an action; what is wrong goes to stderr, with --json to stdout. Returns the exit status."""
        try:
            status = act()
        except WrongUsage as error:
            self.err(f"{self.program}: {error}")
            status = 2
        except PolicyError as error:
            status = self._refused([f"{error.source}:{problem}" for problem in error.problems], error.problems)
        except FileProblem as error:
            status = self._refused([str(error)])
        except Refusal as refusal:
            status = self._refused(refusal.lines)
        _unbroken(self.stdout.flush, 1)
        return status

    def _refused(self, lines: Sequence[str], problems: Sequence[Problem] = ()) -> int:
        if self.options["json"]:
            self.print_json({"ok": False, "errors": list(lines), "problems": [plain_problem(one) for one in problems]})
        else:
            for line in lines:
                self.err(line)
        return 1

    def _noted(self, file: str, found: Loaded) -> Loaded:
        for note in found.notes:
            self.err(f"{file}: note: {note}")
        return found


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Add `--set`, for a document with parameters."""
    parser.add_argument(
        "--set", dest="parameters", metavar="NAME=VALUE", action="append", help="set a parameter of the document"
    )


def vocabulary(loaded: Loaded) -> "Vocabulary":
    """The names, tokens and functions of a policy's own document."""
    from policies.words.explain import texts_of
    from policies.words.wording import Vocabulary

    texts = texts_of(loaded.document) if loaded.document else {}
    return Vocabulary(loaded.names, loaded.tokens, loaded.functions, texts)


def plain_problem(problem: Problem) -> dict[str, str | int]:
    """A problem for machines."""
    return {
        "line": problem.place.line,
        "column": problem.place.column,
        "problem": problem.problem,
        "suggestion": problem.suggestion,
    }


def _ended(line: str) -> str:
    return line if line.endswith("\n") else line + "\n"


def _unbroken(write: Callable[[], object], stream: int) -> None:
    """Write to a standard stream; once its reader is gone, what else would be written there goes nowhere."""
    try:
        write()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream)
        os.close(nowhere)
