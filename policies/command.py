# SPDX-License-Identifier: Apache-2.0
"""What can be done with policies in files: one implementation, with a chain to ask or without.

`python -m policies` runs them offline, `manage.py policy` lends them a node. Exit status: 0 good, 1 refused or
different, 2 wrong usage. A reader that goes away (`| head`) is no error and does not change the status.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, NoReturn

from policies import trial_actions
from policies.code import encoding
from policies.document.examples import warnings_of
from policies.files import Loaded
from policies.notation.hexadecimal import hex_text
from policies.notation.problems import Problem
from policies.session import Finding, Session, WrongUsage, add_parameters, plain_problem, vocabulary

if TYPE_CHECKING:  # words are imported where they are used: `check` and `compile` start without them
    from policies.words.diff import Change
    from policies.words.together import Row

PROGRAM = "python -m policies"
ACTIONS = {
    "check": "what is wrong with a policy document, and what is unwise",
    "compile": "policy document -> policy code, code hash and policy id",
    "explain": "the sentences that members vote on",
    "diff": "what changes from one policy to another, each change marked wider or tighter",
}
_OFFLINE = {**ACTIONS, **trial_actions.ACTIONS}
_NEED_A_CHAIN = {"rpc": "--rpc URL", "module": "--rpc URL --module ADDRESS", "dao": "--dao SLUG"}


# ----------------------------------------------------------------------------------------------------- the actions


def check(session: Session, on_chain: Callable[[Loaded], Sequence[Finding]] | None = None) -> int:
    """Print the warnings of a document, and what a chain shows if the caller can ask one."""
    file, loaded = session.options["file"], session.load_document()
    policy = loaded.document
    assert policy is not None
    warnings = warnings_of(policy)
    findings = on_chain(loaded) if on_chain else ()
    problems = [finding.text for finding in findings if finding.is_problem]
    if session.options["json"]:
        session.print_json(
            {
                "ok": not problems,
                "name": policy.name,
                "code_bytes": len(loaded.raw),
                "warnings": [plain_problem(one) for one in warnings],
                "chain": [{"problem": one.is_problem, "text": one.text} for one in findings],
            }
        )
    else:
        for warning in warnings:
            session.out(f"{file}:{_warning(warning)}")
        for finding in findings:
            (session.err if finding.is_problem else session.out)(f"{file}: {finding}")
        count = len(warnings) + len(findings) - len(problems)
        if not problems:
            counts = "no warnings" if not count else f"{count} warning{'s' * (count > 1)}"
            session.out(f"{file}: ok, {len(loaded.raw)} bytes of policy code, {counts}")
    return 1 if problems else 0


def compile_(session: Session) -> int:
    """Print the code of a document and what names it."""
    file, loaded = session.options["file"], session.load_document()
    policy = loaded.document
    assert policy is not None
    id_ = encoding.policy_id(policy.name)
    fields = {
        "policy_id": hex_text(id_),
        "codehash": hex_text(encoding.codehash(loaded.raw)),
        "document_hash": hex_text(policy.document_hash),
        "code": hex_text(loaded.raw),
    }
    if session.options["calldata"]:
        fields["calldata"] = hex_text(encoding.set_policy_calldata(id_, loaded.raw))
    if session.options["document"]:
        fields["document"] = policy.content.decode("utf-8")
    if session.options["json"]:
        warnings = [plain_problem(one) for one in policy.warnings]
        session.print_json({"ok": True, "name": policy.name, **fields, "warnings": warnings})
        return 0
    for name, value in fields.items():
        session.out(f"{name}: {value}")
    for warning in policy.warnings:
        session.err(f"{file}:{_warning(warning)}")
    return 0


def explain(session: Session) -> int:
    """Print the sentences that members would vote on."""
    from policies.words import explain as words
    from policies.words.explanation import explanation

    found = session.load(session.options["file"])
    lent = session.lent() if session.options["lent"] else vocabulary(found)
    said = explanation(found.code, lent.names, lent.tokens, lent.functions, texts=lent.texts)
    if session.options["json"]:
        rules = list(words.not_known_to_end(found.code, lent))
        session.print_json(
            {
                "ok": True,
                "together": said.together,
                "budgets": [asdict(row) for row in said.table],
                "sentences": said.sentences,
                "addresses": said.below,
                "rules_not_known_to_end": rules,
            }
        )
        return 0
    for line in (*said.together, *map(_row, said.table), *said.sentences, *said.below):
        session.out(line)
    return 0


def _row(row: "Row") -> str:
    """A budget as a line of the table."""
    right_away = f"{row.at_once} right away without an announcement"
    return f"| {row.budget} | {row.whom} | {right_away} | {row.in_a_period} | {row.in_time} | {row.charged_by} |"


def diff(session: Session) -> int:
    """Print what changes from one policy to another; two that differ end in 1."""
    from policies.words import diff as words

    options = session.options
    if options["old"] == options["new"] == "-":
        raise WrongUsage("only one of the two can be standard input")
    old, new = (session.load(options[which]) for which in ("old", "new"))
    changes = words.diff(
        old.code, new.code, {**old.names, **new.names}, {**old.tokens, **new.tokens},
        {**old.functions, **new.functions},
    )  # fmt: skip
    changes = [*_another_id(old, new), *changes]
    if options["json"]:
        plain = [{"mark": str(change.mark), "text": change.text} for change in changes]
        session.print_json({"ok": not changes, "changes": plain})
    else:
        for change in changes:
            session.out(str(change))
    return 1 if changes else 0


def add_arguments(parser: argparse.ArgumentParser, action: str) -> None:
    """Add what an action of `ACTIONS` takes, wherever it runs."""
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
    if action == "diff":
        parser.add_argument("old", help="the policy before")
        parser.add_argument("new", help="the policy after")
    else:
        parser.add_argument("file", help="policy document (or code, in hexadecimal); - is standard input")
    if action != "diff":
        add_parameters(parser)
    if action == "compile":
        parser.add_argument("--calldata", action="store_true", help="also the calldata of setPolicy")
        parser.add_argument("--document", action="store_true", help="also the document that the hash is of")
        parser.add_argument(
            "--read-back", action="store_true", help="the document is one that `decode` wrote: give the same code again"
        )
    if action == "explain":
        add_lent(parser)


def add_lent(parser: argparse.ArgumentParser) -> None:
    """Add `--with`, which lends code the names and tokens of a document."""
    parser.add_argument("--with", dest="lent", metavar="DOCUMENT", help="take names and tokens from this document")


def _warning(warning: Problem) -> str:
    place = warning.place
    return f"{place.line}:{place.column}: warning: {warning.problem}; {warning.suggestion}"


def _another_id(old: Loaded, new: Loaded) -> list["Change"]:
    """Policies of two names don't replace each other; code by itself has no name."""
    from policies.words.diff import Change, Mark

    if old.document is None or new.document is None or old.document.name == new.document.name:
        return []
    text = (
        f"The new policy is called {new.document.name} and not {old.document.name}: it does not replace the old one. "
        "Until members remove that, the agent may do what either permits, and budgets of the policy count apart."
    )
    return [Change(Mark.WIDER, text)]


# ----------------------------------------------------------------------------------------------------- offline


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m policies`. Returns the exit status; argparse ends the program itself on wrong usage."""
    options = vars(_parser().parse_args(arguments))
    # A file's name may be no valid text; a line that names it is still printed.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    session = Session(PROGRAM, options, sys.stdout or StringIO(), sys.stderr or StringIO())
    try:
        return session.run(lambda: _offline(session))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Works on policies in files, offline: " + ", ".join(_OFFLINE) + ".",
        epilog="With a chain, and for decode, simulate and schema: manage.py policy.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="{" + ",".join(_OFFLINE) + "}")
    for action, text in _OFFLINE.items():
        sub = actions.add_parser(action, help=text, description=text)
        (add_arguments if action in ACTIONS else trial_actions.add_arguments)(sub, action)
        if action == "backtest":
            sub.add_argument("history", help=trial_actions.HISTORY)
        for option in _NEED_A_CHAIN if action == "check" else ("rpc",):
            sub.add_argument(f"--{option}", help=argparse.SUPPRESS)
    return parser


def _offline(session: Session) -> int:
    action = session.options["action"]
    for option, written in _NEED_A_CHAIN.items():
        if session.options.get(option):
            _refuse_offline(f"--{option}", f"manage.py policy {action} ... {written}")
    acts = {
        "check": check,
        "compile": compile_,
        "explain": explain,
        "diff": diff,
        "test": trial_actions.test,
        "authorize": trial_actions.authorize,
        "backtest": trial_actions.backtest,
        "fmt": trial_actions.fmt,
    }
    return acts[action](session)


def _refuse_offline(option: str, instead: str) -> NoReturn:
    raise WrongUsage(f"{option} needs a chain, and this runs offline; use `{instead}`")
