# SPDX-License-Identifier: Apache-2.0
"""`manage.py policy`: compile, decode, explain and check policies. Reads files only; no chain, no database."""

import json
import re
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

from policies import document, encoding, explain
from policies.amounts import Token
from policies.code import PolicyCode
from policies.document import PolicyDocument, PolicyError, Problem
from policies.plain import as_plain
from policies.signatures import Function

MAX_FILE_BYTES = 1024 * 1024
_HEX = re.compile(r"\s*(0x)?([0-9a-fA-F\s]*)")


class Command(BaseCommand):
    help = "Works on policies: `compile` to policy code, `decode` code, `explain` in words, `check` a document."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        texts = {
            "compile": "policy document -> policy code, code hash and policy id",
            "decode": "policy code (hex) -> its fields",
            "explain": "policy document or policy code -> the sentences that members vote on",
            "check": "what is wrong with a policy document, and what is unwise",
        }
        for action, text in texts.items():
            sub = actions.add_parser(action, help=text)
            sub.add_argument("file", help="the file; - is standard input")
            sub.add_argument("--json", action="store_true", help="print JSON, for machines")
            if action == "compile":
                sub.add_argument("--calldata", action="store_true", help="print the calldata of setPolicy too")

    def handle(self, *_: Any, action: str, file: str, **options: Any) -> None:
        text = self._read(file)
        run = {"compile": self._compile, "decode": self._decode, "explain": self._explain, "check": self._check}
        try:
            run[action](text, file, options)
        except PolicyError as error:
            self._fail(options, [f"{file}:{problem}" for problem in error.problems], error.problems)
        except encoding.DecodeError as error:
            self._fail(options, [f"{file}: this is no policy code: {error}"], ())

    def _read(self, file: str) -> str:
        try:
            with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
                raw = stream.read(MAX_FILE_BYTES + 1)
            if len(raw) > MAX_FILE_BYTES:
                self._fail({}, [f"{file}: the file is larger than {MAX_FILE_BYTES} bytes; write a shorter policy"], ())
            return raw.decode("utf-8")
        except OSError as error:
            self._fail({}, [f"{file}: can't be read ({error.strerror}); name an existing file"], ())
        except UnicodeDecodeError as error:
            self._fail({}, [f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8 text"], ())

    def _fail(self, options: Mapping[str, Any], lines: list[str], problems: tuple[Problem, ...]) -> NoReturn:
        if options.get("json"):
            self._print_json({"ok": False, "errors": lines, "problems": [_plain_problem(one) for one in problems]})
        else:
            for line in lines:
                self.stderr.write(line)
        raise SystemExit(1)

    def _print_json(self, value: object) -> None:
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False))

    def _compile(self, text: str, file: str, options: Mapping[str, Any]) -> None:
        policy = document.load(text, source=file)
        code = encoding.encode(policy)
        id_ = encoding.policy_id(policy.name)
        fields = {
            "policy_id": "0x" + id_.hex(),
            "codehash": "0x" + encoding.codehash(code).hex(),
            "document_hash": "0x" + policy.document_hash.hex(),
            "code": "0x" + code.hex(),
        }
        if options["calldata"]:
            fields["calldata"] = "0x" + encoding.set_policy_calldata(id_, code).hex()
        if options["json"]:
            warnings = [_plain_problem(one) for one in policy.warnings]
            self._print_json({"ok": True, "name": policy.name, **fields, "warnings": warnings})
            return
        for name, value in fields.items():
            self.stdout.write(f"{name}: {value}")
        for warning in policy.warnings:
            self.stderr.write(f"{file}:{warning.place.line}:{warning.place.column}: warning: {warning.problem}")

    def _decode(self, text: str, file: str, options: Mapping[str, Any]) -> None:
        code = self._code(text, file, options)
        plain = {"codehash": "0x" + encoding.codehash(code).hex(), **as_plain(encoding.decode(code))}
        if options["json"]:
            self._print_json({"ok": True, **plain})
            return
        for name, value in plain.items():
            shown = value if isinstance(value, str | int) else json.dumps(value, indent=2)
            self.stdout.write(f"{name}: {shown}")

    def _explain(self, text: str, file: str, options: Mapping[str, Any]) -> None:
        if _is_code(text):
            policy = encoding.decode(self._code(text, file, options))
            sentences = explain.explain(policy, {}, {})
        else:
            policy, names, tokens, functions = vocabulary(document.load(text, source=file))
            sentences = explain.explain(policy, names, tokens, functions)
        if options["json"]:
            self._print_json({"ok": True, "sentences": sentences})
            return
        for sentence in sentences:
            self.stdout.write(sentence)

    def _check(self, text: str, file: str, options: Mapping[str, Any]) -> None:
        policy = document.load(text, source=file)
        size = len(encoding.encode(policy))
        if options["json"]:
            warnings = [_plain_problem(one) for one in policy.warnings]
            self._print_json({"ok": True, "name": policy.name, "code_bytes": size, "warnings": warnings})
            return
        for warning in policy.warnings:
            self.stdout.write(f"{file}:{warning.place.line}:{warning.place.column}: warning: {warning.problem}")
        counts = f"{len(policy.warnings)} warnings" if policy.warnings else "no warnings"
        self.stdout.write(f"{file}: ok, {size} bytes of policy code, {counts}")

    def _code(self, text: str, file: str, options: Mapping[str, Any]) -> bytes:
        match = _HEX.fullmatch(text)
        digits = "".join(match[2].split()) if match else ""
        if not digits or len(digits) % 2:
            self._fail(options, [f"{file}: this is no policy code; write it in hexadecimal, 0x first"], ())
        return bytes.fromhex(digits)


def vocabulary(
    policy: PolicyDocument,
) -> tuple[PolicyCode, dict[bytes, str], dict[bytes, Token], dict[bytes, Function]]:
    """The document's code, decoded again, and the names, tokens and functions that the document lends to explain it."""
    functions = {rule.function.selector: rule.function for rule in policy.rules if rule.function}
    return (
        encoding.decode(encoding.encode(policy)),
        {address: name for name, address in policy.addresses},
        {token.address: token for token in policy.tokens},
        functions,
    )


def _is_code(text: str) -> bool:
    return text.lstrip().startswith("0x") and _HEX.fullmatch(text) is not None


def _plain_problem(problem: Problem) -> dict[str, str | int]:
    return {
        "line": problem.place.line,
        "column": problem.place.column,
        "problem": problem.problem,
        "suggestion": problem.suggestion,
    }
