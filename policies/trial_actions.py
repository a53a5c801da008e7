# SPDX-License-Identifier: Apache-2.0
"""`test`, `authorize`, `backtest` and `fmt`: what an author does with a policy before members vote on it, offline."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.files import FileProblem, Loaded, read_text
from policies.notation.amounts import Unclear, format_time
from policies.session import Refusal, Session, WrongUsage, add_parameters, vocabulary

if TYPE_CHECKING:
    from policies.answer.evaluate import Allowed, Condition, Headroom, Reason, Refused
    from policies.code.policy_code import Budget
    from policies.trial.backtest import Backtest, PastAct, Window
    from policies.trial.calls import CallReader, WrittenCall
    from policies.trial.clauses import RuleChecked
    from policies.trial.policy_tests import Result
    from policies.words.wording import Vocabulary

ACTIONS = {
    "test": "run the tests beside a policy",
    "authorize": "what a policy says to one act, every clause of it",
    "backtest": "what a policy would have refused of the past",
    "fmt": "write a document in the one form, with its comments",
}
HISTORY = "what was done: payments or calls in CSV or JSON, or acts in YAML"
_MOST_LINES = 50


def add_arguments(parser: argparse.ArgumentParser, action: str) -> None:
    """Add what an action of `ACTIONS` takes, wherever it runs."""
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
    parser.add_argument("file", help="policy document (or code, in hexadecimal); - is standard input")
    if action != "fmt":
        add_parameters(parser)
    if action == "test":
        parser.add_argument("--tests", metavar="FILE", help="the tests (default: tests/NAME beside the policy)")
    if action == "authorize":
        parser.add_argument("act", help="the act: YAML as in tests, or JSON of Safe's transaction builder")
        parser.add_argument("--at", metavar="TIME", help="when, such as 2026-11-01T00:00Z (default: now, or its start)")
    if action == "fmt":
        parser.add_argument("--write", action="store_true", help="write the file again in place of printing it")
        parser.add_argument("--check", action="store_true", help="print nothing; end in 1 where the form is another")


def call_reader(loaded: Loaded) -> CallReader:
    """Reads calls by what the policy's document lends."""
    from policies.trial.calls import CallReader

    if loaded.document is not None:
        functions = [(rule.target, rule.function) for rule in loaded.document.rules if rule.function]
    else:
        functions = [
            (rule.target, loaded.functions[rule.selector])
            for rule in loaded.code.rules
            if rule.selector in loaded.functions
        ]
    return CallReader(loaded.names, loaded.tokens, functions)


# Tests


def test(session: Session) -> int:
    """Run the tests beside a policy: one line for each, and what was found where it is not what was expected."""
    loaded = session.load(session.options["file"])
    file = session.options["tests"] or _tests_beside(session.options["file"])
    results = results_of(loaded, read_text(file), file)
    failed = [one for one in results if not one.is_as_expected]
    if session.options["json"]:
        plain = [_plain_result(one, loaded, vocabulary(loaded)) for one in results]
        session.print_json({"ok": not failed, "tests": plain, "failed": len(failed)})
        return 1 if failed else 0
    for one in results:
        for line in result_lines(one, file, loaded):
            session.out(line)
    session.out(f"{file}: {len(results)} test{'s' * (len(results) != 1)}, {len(failed)} not as expected")
    return 1 if failed else 0


def _tests_beside(file: str) -> str:
    if file == "-":
        raise WrongUsage("a policy from standard input has no tests beside it; name them with --tests FILE")
    path = Path(file)
    beside = path.parent / "tests" / path.name
    if not beside.is_file():
        raise FileProblem(f"{beside}: there are no tests; write some there, or name a file with --tests FILE")
    return str(beside)


def results_of(loaded: Loaded, text: str, source: str) -> list[Result]:
    """Play the tests of a file on a policy. Raises PolicyError with every problem of the file."""
    from policies.code import encoding
    from policies.trial.policy_tests import read_tests, run

    policy_id = encoding.policy_id(loaded.document.name) if loaded.document else bytes(32)
    tests, words = read_tests(text, source, loaded.code, call_reader(loaded)), vocabulary(loaded)
    return [run(loaded.code, policy_id, loaded.functions, one, words) for one in tests]


def result_lines(one: Result, source: str, loaded: Loaded) -> list[str]:
    """What became of a test: a line with its place, and more with what it leaves open or why it was refused."""
    where, name = f"{source}:{one.test.place.line}", _plain(one.test.name)
    if one.is_as_expected:
        open_ = [f"     if {_condition(each, vocabulary(loaded))}" for each in one.conditions]
        return [f"{where}: ok: {name}", *open_]
    return [f"{where}: FAILED: {name}: {one.problem}", *(f"     {_why(each, loaded)}" for each in one.reasons)]


def _plain_result(one: Result, loaded: Loaded, words: Vocabulary) -> dict[str, Any]:
    return {
        "line": one.test.place.line,
        "name": one.test.name,
        "ok": one.is_as_expected,
        "expected": one.test.expected.value,
        "found": one.found.value,
        "problem": one.problem,
        "reasons": _plain_reasons(one.reasons, loaded),
        "conditions": [_condition(each, words) for each in one.conditions],
    }


def _plain(text: str) -> str:
    from policies.notation.visible import one_line

    return one_line(text, 120)


def _why(reason: Reason, loaded: Loaded) -> str:
    from policies.words.reasons import reason as words

    return words(reason, loaded.code, loaded.names, loaded.tokens, loaded.functions)


def _plain_reasons(reasons: Sequence[Reason], loaded: Loaded) -> list[dict[str, str]]:
    return [{"error": reason.error, "text": _why(reason, loaded)} for reason in reasons]


def _condition(left: Condition, words: Vocabulary) -> str:
    from policies.words.reasons import condition

    return condition(left, words)


# One act


def authorize(session: Session) -> int:
    """Print what the policy says to an act: each call, each rule that could permit it, each clause; then the answer."""
    from policies.answer.evaluate import Allowed, Mode, Observation, Observations, PolicyState, evaluate
    from policies.trial.calls import read_act
    from policies.trial.clauses import act_checked

    options = session.options
    if options["file"] == options["act"] == "-":
        raise WrongUsage("only one of the two can be standard input")
    loaded = session.load(options["file"])
    words, policy = vocabulary(loaded), loaded.code
    try:
        written = read_act(read_text(options["act"]), options["act"], call_reader(loaded))
        at_s = _moment(options["at"], policy.start_s, policy.end_s)
    except Unclear as unclear:
        raise Refusal([f"{options['act']}: {unclear.problem}; {unclear.suggestion}"]) from None
    calls = [one.call for one in written]
    observed = None
    if any(one.observed for one in written):
        observed = Observations([one.observed or Observation() for one in written])
    state = PolicyState(bytes(32), 1, 0, 0, policy.end_s, paused=False)
    at_once = evaluate(policy, state, calls, at_s, Mode.EXECUTE, observed)
    answer, verdict = at_once, "allowed"
    if not isinstance(at_once, Allowed):
        verdict = "refused"
        if all(reason.error == "OverInstant" for reason in at_once.reasons):
            answer = evaluate(policy, state, calls, at_s, Mode.SCHEDULE)
            verdict = "scheduled" if isinstance(answer, Allowed) else "refused"
    checked = act_checked(policy, calls, words)
    if options["json"]:
        session.print_json(_plain_answer(verdict, at_s, checked, answer, at_once, loaded, words))
    else:
        for line in _answer_lines(verdict, at_s, written, checked, answer, at_once, loaded, words):
            session.out(line)
    return 1 if verdict == "refused" else 0


def _moment(text: str | None, start_s: int, end_s: int) -> int:
    """The moment that is named; else now, or, before a policy begins and after it ended, its start."""
    from policies.document.fields import moment

    if text is not None:
        return moment(text)
    now_s = int(time.time())
    return now_s if start_s <= now_s < end_s else start_s


def _answer_lines(
    verdict: str,
    at_s: int,
    written: Sequence[WrittenCall],
    checked: Sequence[Sequence[RuleChecked]],
    answer: Allowed | Refused,
    at_once: Allowed | Refused,
    loaded: Loaded,
    words: Vocabulary,
) -> list[str]:
    from policies.answer.evaluate import Allowed
    from policies.notation.hexadecimal import hex_text

    lines = []
    for number, (one, rules) in enumerate(zip(written, checked, strict=True), 1):
        selector = hex_text(one.call.data[:4]) if one.call.data else "no data"
        lines.append(f"call {number}: {words.address(one.call.to)}, {selector}")
        if not rules:
            lines.append("  no rule permits this function on this target")
        for rule in rules:
            lines.append(f"  rule {rule.rule + 1}: {rule.name}")
            lines += [f"    {'yes' if line.holds else 'NO '} {line.text}" for line in rule.lines]
    if isinstance(answer, Allowed):
        for room in answer.headroom:
            budget = loaded.code.budgets[room.budget]
            taken, left = answer.charges.get(room.budget, 0), words.amount(budget.base_units(room.units), budget.asset)
            amount = words.amount(budget.base_units(taken), budget.asset)
            lines.append(f'budget "{budget.label}": takes {amount}, and {left} are left')
        lines += [f"only if {_condition(one, words)}" for one in answer.conditions]
    told = {
        "allowed": "allowed at once",
        "scheduled": "must be announced, and members may object",
        "refused": "REFUSED",
    }
    lines.append(f"at {format_time(at_s)}, with nothing spent before: {told[verdict]}")
    reasons = () if isinstance(at_once, Allowed) else at_once.reasons
    if verdict == "refused" and not isinstance(answer, Allowed):
        reasons = answer.reasons
    return [*lines, *(f"  {_why(one, loaded)}" for one in reasons)]


def _plain_answer(
    verdict: str,
    at_s: int,
    checked: Sequence[Sequence[RuleChecked]],
    answer: Allowed | Refused,
    at_once: Allowed | Refused,
    loaded: Loaded,
    words: Vocabulary,
) -> dict[str, Any]:
    from policies.answer.evaluate import Allowed

    allowed = answer if isinstance(answer, Allowed) else None
    return {
        "ok": verdict != "refused",
        "verdict": verdict,
        "at_s": at_s,
        "calls": [
            [
                {
                    "rule": rule.rule,
                    "name": rule.name,
                    "clauses": [{"holds": line.holds, "text": line.text} for line in rule.lines],
                }
                for rule in rules
            ]
            for rules in checked
        ],
        "reasons": [] if isinstance(at_once, Allowed) else _plain_reasons(at_once.reasons, loaded),
        "conditions": [_condition(one, words) for one in allowed.conditions] if allowed else [],
        "budgets": [_plain_room(room, allowed, loaded) for room in allowed.headroom] if allowed else [],
    }


def _plain_room(room: Headroom, answer: Allowed, loaded: Loaded) -> dict[str, str]:
    """A budget after the act, in base units."""
    budget = loaded.code.budgets[room.budget]
    return {
        "name": budget.label,
        "taken": str(budget.base_units(answer.charges.get(room.budget, 0))),
        "left": str(budget.base_units(room.units)),
    }


# The past


def past_acts(file: str, loaded: Loaded) -> tuple[PastAct, ...]:
    """The acts of a history: payments or calls in CSV or JSON, or acts in YAML. Raises HistoryError, PolicyError."""
    from policies.trial.backtest import PastAct, acts_of
    from policies.trial.history import read_history
    from policies.trial.policy_tests import read_acts

    text = read_text(file)
    if any(line.startswith("history:") for line in text.splitlines()):
        acts = read_acts(text, file, call_reader(loaded))
        return tuple(
            PastAct(one.at_s, tuple(call.call for call in one.calls), f"{file}: act {number}", one.observed)
            for number, one in enumerate(acts, 1)
        )
    return acts_of(
        read_history(
            text,
            source=file,
            tokens={token.symbol: token for token in loaded.tokens.values()},
            addresses={name: address for address, name in loaded.names.items()},
        )
    )


def backtest(session: Session) -> int:
    """Run a history from a file through a policy."""
    from policies.trial.history import HistoryError

    loaded = session.load(session.options["file"])
    try:
        acts = past_acts(session.options["history"], loaded)
    except HistoryError as error:
        raise Refusal(error.lines) from None
    return show_backtest(session, loaded, acts)


def show_backtest(session: Session, loaded: Loaded, acts: Sequence[PastAct]) -> int:
    """Run acts through a policy and print what became of them. One that is refused ends in 1."""
    from policies.trial.backtest import Verdict
    from policies.trial.backtest import backtest as tried

    found = tried(loaded.code, acts)
    words = vocabulary(loaded)
    if session.options["json"]:
        session.print_json(_plain_backtest(found, loaded, words))
    else:
        _print_backtest(session, found, loaded, words)
    return 1 if found.count(Verdict.REFUSED) else 0


def _print_backtest(session: Session, found: Backtest, loaded: Loaded, words: Vocabulary) -> None:
    from policies.trial.backtest import Verdict

    refused = [outcome for outcome in found.outcomes if outcome.verdict is Verdict.REFUSED]
    for outcome in refused[:_MOST_LINES]:
        why = _why(outcome.reasons[0], loaded)
        session.out(f"{outcome.act.origin}: {format_time(outcome.act.time_s)}: refused: {why}")
    if len(refused) > _MOST_LINES:
        session.out(f"... and {len(refused) - _MOST_LINES} more refused (--json has all)")
    session.out(
        f"{len(found.outcomes)} acts: {found.count(Verdict.AT_ONCE)} at once, "
        f"{found.count(Verdict.ANNOUNCED)} after an objection window, {len(refused)} refused"
    )
    if doubtful := sum(bool(outcome.conditions) for outcome in found.outcomes):
        session.out(
            f"{doubtful} of those that pass do so only if what the history does not tell was as it must be: what came "
            "in, what measured budgets counted, what was left of allowances (--json says which)"
        )
    for use in found.budgets:
        budget = loaded.code.budgets[use.budget]
        limit = words.amount(budget.base_units(budget.limit), budget.asset)
        session.out(
            f'budget "{budget.label}": fullest {_window(budget, use.permitted, words)} of {limit}; '
            f"asked for {_window(budget, use.asked, words)}"
        )


def _window(budget: Budget, window: Window, words: Vocabulary) -> str:
    amount = words.amount(budget.base_units(window.units), budget.asset)
    return f"{amount} from {format_time(window.from_s)}" if window.units else amount


def _plain_window(budget: Budget, window: Window) -> dict[str, str | int]:
    return {"from_s": window.from_s, "base_units": str(budget.base_units(window.units))}


def _plain_backtest(found: Backtest, loaded: Loaded, words: Vocabulary) -> Mapping[str, Any]:
    from policies.trial.backtest import Verdict

    return {
        "ok": not found.count(Verdict.REFUSED),
        "acts": [
            {
                "origin": outcome.act.origin,
                "time_s": outcome.act.time_s,
                "verdict": outcome.verdict.value,
                "reasons": _plain_reasons(outcome.reasons, loaded),
                "conditions": [_condition(one, words) for one in outcome.conditions],
            }
            for outcome in found.outcomes
        ],
        "budgets": [
            {
                "name": loaded.code.budgets[use.budget].label,
                "permitted": _plain_window(loaded.code.budgets[use.budget], use.permitted),
                "asked": _plain_window(loaded.code.budgets[use.budget], use.asked),
            }
            for use in found.budgets
        ],
    }


# The form


def fmt(session: Session) -> int:
    """Print a document in the one form, write it so, or say whether it has it."""
    from policies.document.formatting import formatted

    file, options = session.options["file"], session.options
    if options["write"] and (options["check"] or file == "-"):
        raise WrongUsage("--write needs a file, and goes without --check")
    text = read_text(file)
    made = formatted(text, file)
    changes = made != text
    if options["write"]:
        if changes:
            try:
                Path(file).write_text(made, encoding="utf-8", newline="\n")
            except OSError as error:
                raise FileProblem(f"{file}: can't be written ({error.strerror}); nothing changed") from None
        session.err(f"{file}: {'written' if changes else 'already in the one form'}")
        return 0
    if options["json"]:
        session.print_json({"ok": not (options["check"] and changes), "changes": changes, "text": made})
    elif options["check"]:
        session.err(f"{file}: {'is not in the one form; run fmt --write' if changes else 'ok'}")
    else:
        session.out(made)
    return 1 if options["check"] and changes else 0
