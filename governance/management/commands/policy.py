# SPDX-License-Identifier: Apache-2.0
"""`manage.py policy`: compile, decode, explain, diff, check, backtest and simulate policies, and export schemas.

Exit status: 0 good, 1 refused or different, 2 wrong usage. A reader that goes away (`| head`) is no error.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

from governance.chain.address import BadAddress, checksum, to_bytes
from governance.chain.native import native_token
from governance.chain.rpc import Rpc, RpcError
from governance.models import Contract, Dao, PolicyVersion, TreasuryFlow
from governance.policy_checks import check_on_chain
from governance.policy_files import FileProblem, Loaded, code_bytes, load, load_document, read_text
from policies.answer.act_schema import act_schema
from policies.code import encoding
from policies.code.as_json import as_plain
from policies.code.policy_code import Budget
from policies.document.document import Problem
from policies.document.from_code import document_of
from policies.document.json_schema import document_schema
from policies.notation.amounts import format_time
from policies.notation.primitives import selector
from policies.notation.problems import PolicyError
from policies.trial.backtest import Backtest, PastAct, Verdict, Window, acts_of, backtest
from policies.trial.history import HistoryError, Transfer, read_history
from policies.trial.stolen_key import MOST_ACTS, Reached, simulate
from policies.words import diff, explain
from policies.words.wording import Vocabulary

_MOST_DAYS = 3650
_MOST_LINES = 50
_ACTIONS = {
    "compile": "policy document -> policy code, code hash and policy id",
    "decode": "policy code (a file of hexadecimal digits, or from the chain) -> the document that makes it",
    "explain": "the sentences that members vote on",
    "diff": "what changes from one policy to another, each change marked wider or tighter",
    "check": "what is wrong with a policy document, and what is unwise; with --rpc also on chain",
    "backtest": "what a policy would have refused of past payments",
    "simulate": "how much an agent takes that wants it all, beside the bound",
    "schema": "JSON Schema of policy documents, for editors; with a policy: of the acts that it permits",
}


class Refusal(Exception):
    """What is wrong, line by line; `problems` where they have a place in a document."""

    def __init__(self, lines: Sequence[str], problems: Sequence[Problem] = ()) -> None:
        super().__init__("\n".join(lines))
        self.lines, self.problems = lines, problems


class Command(BaseCommand):
    help = "Works on policies: " + ", ".join(_ACTIONS) + "."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="{" + ",".join(_ACTIONS) + "}")
        subs = {action: actions.add_parser(action, help=text, description=text) for action, text in _ACTIONS.items()}
        for action, sub in subs.items():
            sub.add_argument("--json", action="store_true", help="print JSON, for machines")
            if action in ("compile", "explain", "check", "backtest", "simulate"):
                sub.add_argument("file", help="policy document (or code, in hexadecimal); - is standard input")
            if action != "schema":
                sub.add_argument("--rpc", metavar="URL", help="the node to ask: for ENS names, and for the chain")
        subs["decode"].add_argument("file", nargs="?", help="policy code in hexadecimal; - is standard input")
        subs["decode"].add_argument("--pointer", metavar="ADDRESS", help="the contract that holds the code")
        subs["schema"].add_argument("file", nargs="?", help="a policy, for the schema of its acts")
        subs["diff"].add_argument("old", help="the policy before")
        subs["diff"].add_argument("new", help="the policy after")
        subs["compile"].add_argument("--calldata", action="store_true", help="also the calldata of setPolicy")
        subs["compile"].add_argument("--document", action="store_true", help="also the document that the hash is of")
        subs["check"].add_argument(
            "--module", metavar="ADDRESS", help="ask this policy module whether it would take it"
        )
        subs["backtest"].add_argument("history", nargs="?", help="CSV or JSON of payments: time, token, to, amount")
        subs["simulate"].add_argument("--days", type=int, default=30, help="for so many days (default: 30)")
        for action in ("decode", "check", "backtest"):
            subs[action].add_argument("--dao", metavar="SLUG", help="a DAO in the mirror")
        for action in ("decode", "explain"):
            sub = subs[action]
            sub.add_argument("--with", dest="lent", metavar="DOCUMENT", help="take names and tokens from this document")
        subs["compile"].add_argument(
            "--read-back", action="store_true", help="the document is one that `decode` wrote: give the same code again"
        )
        subs["decode"].add_argument("--name", metavar="NAME", help="which of the DAO's policies, by its name")

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        try:
            try:
                getattr(self, f"_{action}")(options)
            except Refusal as refusal:
                self._fail(options, refusal.lines, refusal.problems)
            except PolicyError as error:
                self._fail(options, [f"{error.source}:{problem}" for problem in error.problems], error.problems)
            except encoding.DecodeError as error:
                self._fail(options, [f"{_file(options)}: this is no policy code: {error}"])
            except (FileProblem, RpcError, BadAddress) as error:
                self._fail(options, [str(error)])
            except HistoryError as error:
                self._fail(options, error.lines)
            finally:
                self.stdout.flush()
        except BrokenPipeError:
            # Whoever read this has seen enough. What Python would still write at its end goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _fail(self, options: Mapping[str, Any], lines: Sequence[str], problems: Sequence[Problem] = ()) -> NoReturn:
        if options["json"]:
            self._print_json(
                {"ok": False, "errors": list(lines), "problems": [_plain_problem(one) for one in problems]}
            )
        else:
            for line in lines:
                self.stderr.write(line)
        raise SystemExit(1)

    def _usage(self, line: str) -> NoReturn:
        self.stderr.write(f"manage.py policy: {line}")
        raise SystemExit(2)

    def _print_json(self, value: object) -> None:
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False))

    # ------------------------------------------------------------------------------------------------- what is read

    def _load(self, options: Mapping[str, Any], file: str) -> Loaded:
        found = load(read_text(file), file, _node(options))
        for note in found.notes:
            self.stderr.write(f"{file}: note: {note}")
        return found

    def _load_document(self, options: Mapping[str, Any]) -> Loaded:
        file = options["file"]
        found = load_document(read_text(file), file, _node(options), read_back=options.get("read_back", False))
        for note in found.notes:
            self.stderr.write(f"{file}: note: {note}")
        return found

    def _lent(self, options: Mapping[str, Any]) -> Vocabulary:
        """Names, tokens and functions from the document that the user trusts; code has none."""
        if not options["lent"]:
            return Vocabulary()
        found = load_document(read_text(options["lent"]), options["lent"], _node(options))
        return Vocabulary(found.names, found.tokens, found.functions)

    # ------------------------------------------------------------------------------------------------- the actions

    def _compile(self, options: Mapping[str, Any]) -> None:
        file, loaded = options["file"], self._load_document(options)
        policy = loaded.document
        assert policy is not None
        id_ = encoding.policy_id(policy.name)
        fields = {
            "policy_id": "0x" + id_.hex(),
            "codehash": "0x" + encoding.codehash(loaded.raw).hex(),
            "document_hash": "0x" + policy.document_hash.hex(),
            "code": "0x" + loaded.raw.hex(),
        }
        if options["calldata"]:
            fields["calldata"] = "0x" + encoding.set_policy_calldata(id_, loaded.raw).hex()
        if options["document"]:
            fields["document"] = policy.content.decode("utf-8")
        if options["json"]:
            warnings = [_plain_problem(one) for one in policy.warnings]
            self._print_json({"ok": True, "name": policy.name, **fields, "warnings": warnings})
            return
        for name, value in fields.items():
            self.stdout.write(f"{name}: {value}")
        for warning in policy.warnings:
            self.stderr.write(f"{file}:{_warning(warning)}")

    def _decode(self, options: Mapping[str, Any]) -> None:
        given = [name for name in ("file", "pointer", "dao") if options[name]]
        if len(given) != 1:
            self._usage("decode takes a file, --pointer with --rpc, or --dao with --name: one of them")
        name = options["name"] or "policy"
        if given == ["file"]:
            raw = code_bytes(read_text(options["file"]), options["file"])
        elif given == ["pointer"]:
            if not options["rpc"]:
                self._usage("--pointer needs --rpc URL")
            raw = _code_at(_node(options), to_bytes(options["pointer"]))
        else:
            raw = self._code_of_dao(options)
        policy, lent = encoding.decode(raw), self._lent(options)
        codehash = "0x" + encoding.codehash(raw).hex()
        text = document_of(policy, name=name, names=lent.names, tokens=lent.tokens, functions=lent.functions)
        if options["json"]:
            self._print_json({"ok": True, "codehash": codehash, **as_plain(policy), "document": text})
            return
        self.stdout.write(f"# codehash: {codehash}\n{text}", ending="")

    def _code_of_dao(self, options: Mapping[str, Any]) -> bytes:
        """The code in force, read on chain; the mirror only says where the module is."""
        if not options["name"]:
            self._usage("--dao needs --name, the policy's name")
        dao = self._dao(options)
        id_ = encoding.policy_id(options["name"])
        known = (
            PolicyVersion.objects.filter(dao=dao, policy_id=id_).select_related("module").order_by("-log_id").first()
        )
        if known is None:
            raise Refusal([f"{dao.slug}: no policy {options['name']} was ever in force; check its name"])
        rpc = _node(options) or Rpc.for_chain(dao.chain_id)
        state = rpc.eth_call(bytes(known.module.address), selector("policyState(bytes32)") + id_)
        if len(state) < 32 or not any(state[12:32]):
            raise Refusal([f"{dao.slug}: the policy {options['name']} is not in force any more"])
        return _code_at(rpc, state[12:32])

    def _explain(self, options: Mapping[str, Any]) -> None:
        found = self._load(options, options["file"])
        lent = self._lent(options) if options["lent"] else Vocabulary(found.names, found.tokens, found.functions)
        sentences = explain.explain(found.code, lent.names, lent.tokens, lent.functions)
        if options["json"]:
            rules = list(explain.not_known_to_end(found.code, lent))
            self._print_json({"ok": True, "sentences": sentences, "rules_not_known_to_end": rules})
            return
        for sentence in sentences:
            self.stdout.write(sentence)

    def _diff(self, options: Mapping[str, Any]) -> None:
        if options["old"] == options["new"] == "-":
            self._usage("only one of the two can be standard input")
        old, new = (self._load(options, options[which]) for which in ("old", "new"))
        changes = diff.diff(
            old.code, new.code, {**old.names, **new.names}, {**old.tokens, **new.tokens},
            {**old.functions, **new.functions},
        )  # fmt: skip
        changes = [*_another_id(old, new), *changes]
        if options["json"]:
            plain = [{"mark": str(change.mark), "text": change.text} for change in changes]
            self._print_json({"ok": not changes, "changes": plain})
        else:
            for change in changes:
                self.stdout.write(str(change))
        if changes:
            raise SystemExit(1)

    def _check(self, options: Mapping[str, Any]) -> None:
        file, loaded = options["file"], self._load_document(options)
        policy = loaded.document
        assert policy is not None
        findings = []
        if options["rpc"] or options["module"] or options["dao"]:
            rpc, module = self._chain(options)
            findings = check_on_chain(rpc, loaded, module)
        problems = [finding.text for finding in findings if finding.is_problem]
        if options["json"]:
            self._print_json(
                {
                    "ok": not problems,
                    "name": policy.name,
                    "code_bytes": len(loaded.raw),
                    "warnings": [_plain_problem(one) for one in policy.warnings],
                    "chain": [{"problem": one.is_problem, "text": one.text} for one in findings],
                }
            )
        else:
            for warning in policy.warnings:
                self.stdout.write(f"{file}:{_warning(warning)}")
            for finding in findings:
                (self.stderr if finding.is_problem else self.stdout).write(f"{file}: {finding}")
            count = len(policy.warnings) + len(findings) - len(problems)
            if not problems:
                counts = "no warnings" if not count else f"{count} warning{'s' * (count > 1)}"
                self.stdout.write(f"{file}: ok, {len(loaded.raw)} bytes of policy code, {counts}")
        if problems:
            raise SystemExit(1)

    def _chain(self, options: Mapping[str, Any]) -> tuple[Rpc, bytes | None]:
        """The node to ask, and the module whose answer counts."""
        module = to_bytes(options["module"]) if options["module"] else None
        rpc = _node(options)
        if options["dao"]:
            dao = self._dao(options)
            rpc = rpc or Rpc.for_chain(dao.chain_id)
            contract = Contract.objects.filter(dao=dao, kind=Contract.Kind.MODULE).order_by("-start_block").first()
            module = module or (bytes(contract.address) if contract else None)
        if rpc is None:
            self._usage("--module needs --rpc URL, or --dao")
        return rpc, module

    def _backtest(self, options: Mapping[str, Any]) -> None:
        if bool(options["history"]) == bool(options["dao"]):
            self._usage("backtest takes a file of payments, or --dao: one of them")
        loaded = self._load(options, options["file"])
        if options["dao"]:
            acts = _mirrored(self._dao(options))
        else:
            acts = acts_of(
                read_history(
                    read_text(options["history"]),
                    source=options["history"],
                    tokens={token.symbol: token for token in loaded.tokens.values()},
                    addresses={name: address for address, name in loaded.names.items()},
                )
            )
        found = backtest(loaded.code, acts)
        if options["dao"]:
            native = native_token(self._dao(options).chain_id)
            loaded = replace(loaded, tokens={**loaded.tokens, native.address: native})
        words = Vocabulary(loaded.names, loaded.tokens, loaded.functions)
        if options["json"]:
            self._print_json(_plain_backtest(found, loaded, words))
        else:
            self._print_backtest(found, loaded, words)
        if found.count(Verdict.REFUSED):
            raise SystemExit(1)

    def _print_backtest(self, found: Backtest, loaded: Loaded, words: Vocabulary) -> None:
        refused = [outcome for outcome in found.outcomes if outcome.verdict is Verdict.REFUSED]
        for outcome in refused[:_MOST_LINES]:
            why = explain.reason(outcome.reasons[0], loaded.code, loaded.names, loaded.tokens, loaded.functions)
            self.stdout.write(f"{outcome.act.origin}: {format_time(outcome.act.time_s)}: refused: {why}")
        if len(refused) > _MOST_LINES:
            self.stdout.write(f"... and {len(refused) - _MOST_LINES} more refused (--json has all)")
        self.stdout.write(
            f"{len(found.outcomes)} acts: {found.count(Verdict.AT_ONCE)} at once, "
            f"{found.count(Verdict.ANNOUNCED)} after an objection window, {len(refused)} refused"
        )
        for use in found.budgets:
            budget = loaded.code.budgets[use.budget]
            limit = words.amount(budget.base_units(budget.limit), budget.asset)
            self.stdout.write(
                f'budget "{budget.label}": fullest {_window(budget, use.permitted, words)} of {limit}; '
                f"asked for {_window(budget, use.asked, words)}"
            )

    def _simulate(self, options: Mapping[str, Any]) -> None:
        if not 1 <= options["days"] <= _MOST_DAYS:
            self._usage(f"--days is 1 to {_MOST_DAYS}")
        loaded = self._load(options, options["file"])
        words = Vocabulary(loaded.names, loaded.tokens, loaded.functions)
        found = simulate(loaded.code, options["days"])
        caveat = explain.caveat(loaded.code, words)
        only = f", {caveat}" if caveat else ""
        if options["json"]:
            plain = [_plain_reached(loaded.code.budgets[one.budget], one, caveat) for one in found]
            self._print_json({"ok": True, "days": options["days"], "budgets": plain})
            return
        if not found:
            self.stdout.write("no budget counts anything: whatever a rule permits can be done again and again")
        for one in found:
            budget = loaded.code.budgets[one.budget]
            texts = [
                words.amount(amount, budget.asset)
                for amount in (one.unopposed, one.unopposed_bound, one.in_all, one.bound)
            ]
            self.stdout.write(
                f'budget "{budget.label}" in {options["days"]} days{only}: '
                f"unopposed {texts[0]} (at most {texts[1]}); "
                f"if nobody objects {texts[2]} (at most {texts[3]}); {one.acts} acts"
                + ("" if one.complete else f"; cut off after {MOST_ACTS} acts")
            )

    def _schema(self, options: Mapping[str, Any]) -> None:
        if not options["file"]:
            self._print_json(document_schema())
            return
        loaded = load(read_text(options["file"]), options["file"])
        self._print_json(act_schema(loaded.code, loaded.functions))

    def _dao(self, options: Mapping[str, Any]) -> Dao:
        dao = Dao.objects.filter(slug=options["dao"]).first()
        if dao is None:
            known = ", ".join(Dao.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none"
            raise Refusal([f"{options['dao']}: no such DAO in the mirror; there are: {known}"])
        return dao


def _another_id(old: Loaded, new: Loaded) -> list[diff.Change]:
    """Policies of two names don't replace each other; code by itself has no name."""
    if old.document is None or new.document is None or old.document.name == new.document.name:
        return []
    text = (
        f"The new policy is called {new.document.name} and not {old.document.name}: it does not replace the old one. "
        "Until members remove that, the agent may do what either permits, and budgets of the policy count apart."
    )
    return [diff.Change(diff.Mark.WIDER, text)]


def _file(options: Mapping[str, Any]) -> str:
    return str(options.get("file") or options.get("pointer") or options.get("dao") or options.get("old"))


def _node(options: Mapping[str, Any]) -> Rpc | None:
    return Rpc([options["rpc"]], None, attempts=1) if options.get("rpc") else None


def _code_at(rpc: Rpc | None, pointer: bytes) -> bytes:
    """The policy code in a contract, without its leading STOP byte."""
    assert rpc is not None
    code = rpc.get_code(pointer)
    if code[:1] != b"\0":
        raise Refusal([f"{checksum(pointer)} holds no policy; name the pointer that the module's PolicySet names"])
    return code[1:]


def _mirrored(dao: Dao) -> tuple[PastAct, ...]:
    """What left the treasury, as the mirror has it: flows of one moment are one act."""
    flows = TreasuryFlow.objects.filter(dao=dao, outgoing=True).select_related("log")
    return acts_of(
        Transfer(
            flow.log.block_timestamp_chain_s,
            bytes(flow.asset),
            bytes(flow.counterparty),
            int(flow.amount),
            f"block {flow.log.block_number}",
        )
        for flow in flows
    )


def _window(budget: Budget, window: Window, words: Vocabulary) -> str:
    amount = words.amount(budget.base_units(window.units), budget.asset)
    return f"{amount} from {format_time(window.from_s)}" if window.units else amount


def _warning(warning: Problem) -> str:
    place = warning.place
    return f"{place.line}:{place.column}: warning: {warning.problem}; {warning.suggestion}"


def _plain_problem(problem: Problem) -> dict[str, str | int]:
    return {
        "line": problem.place.line,
        "column": problem.place.column,
        "problem": problem.problem,
        "suggestion": problem.suggestion,
    }


def _plain_window(budget: Budget, window: Window) -> dict[str, str | int]:
    return {"from_s": window.from_s, "base_units": str(budget.base_units(window.units))}


def _plain_backtest(found: Backtest, loaded: Loaded, words: Vocabulary) -> dict[str, Any]:
    return {
        "ok": not found.count(Verdict.REFUSED),
        "acts": [
            {
                "origin": outcome.act.origin,
                "time_s": outcome.act.time_s,
                "verdict": outcome.verdict.value,
                "reasons": [
                    {
                        "error": reason.error,
                        "text": explain.reason(reason, loaded.code, words.names, words.tokens, words.functions),
                    }
                    for reason in outcome.reasons
                ],
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


def _plain_reached(budget: Budget, one: Reached, caveat: str) -> dict[str, Any]:
    """The numbers, and under which condition they are true: an empty `caveat` where they are without any."""
    return {
        "name": budget.label,
        "caveat": caveat,
        "unopposed": str(one.unopposed),
        "unopposed_bound": str(one.unopposed_bound),
        "in_all": str(one.in_all),
        "bound": str(one.bound),
        "acts": one.acts,
        "complete": one.complete,
    }
