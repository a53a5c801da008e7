# SPDX-License-Identifier: Apache-2.0
"""`manage.py review`: what a proposal's calls do, whether its text tells it, the flags. Of a mirrored proposal by its
number; of a text and calls in files (`--text`, `--calls`); of a folder of such (`--batch`). Files need no database.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent.llm.client import Model, ModelDown, ModelRefused
from agent.understanding import choosing, finding_words, given, summaries
from agent.understanding import review as reviews
from agent.understanding.effects import BadBook, Book, with_published_tokens
from governance.chain.native import symbol_of
from governance.models import Proposal
from policies.notation.visible import visible


class Command(BaseCommand):
    """Reads the mirror, or files; with `--read` it asks the model too, where that was not done yet."""

    help = "Review a proposal: its effects, verdict and flags. Of the mirror by its id, or of files."
    requires_system_checks = ()  # files need neither database nor settings of a site

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("proposal", nargs="?", help="the proposal's id on chain")
        parser.add_argument("--dao", help="the DAO's slug, where several have a proposal with this id")
        parser.add_argument("--read", action="store_true", help="have the model read the text now, if it has not yet")
        parser.add_argument("--text", type=Path, metavar="FILE", help="a proposal's text, in Markdown")
        parser.add_argument(
            "--calls", type=Path, metavar="FILE",
            help="its calls: executableCalls, a batch of Safe's transaction builder, or the calldata of propose",
        )  # fmt: skip
        parser.add_argument("--book", type=Path, metavar="FILE", help="names, tokens and contracts that the DAO knows")
        parser.add_argument("--batch", type=Path, metavar="DIR", help="review every text with calls in a folder")
        parser.add_argument("--no-model", action="store_true", help="ask no model, also where one is set up")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *_args: Any, **options: Any) -> None:
        chosen = [name for name in ("proposal", "text", "batch") if options[name]]
        if len(chosen) != 1:
            raise _bad("give one of these: a proposal's id, --text FILE with --calls FILE, --batch DIR")
        for name in _USELESS[chosen[0]]:
            if options[name]:
                raise _bad(f"--{name} is of no use with {_NAMED[chosen[0]]}")
        if chosen == ["proposal"]:
            self._of_mirror(options)
        elif chosen == ["text"]:
            if options["calls"] is None:
                raise _bad("--text needs --calls FILE: a text without calls is reviewed with an empty list of them")
            body = self._reviewed(options["text"], options["calls"], options["book"], options)
            self._print(body, options["json"], _file_lines)
        else:
            self._of_folder(options)

    def _print(self, body: dict, as_json: bool, lines: Any) -> None:
        if as_json:
            self.stdout.write(json.dumps(body, ensure_ascii=False, indent=2))
            return
        for line in lines(body):
            # No control character of a stranger reaches a terminal.
            self.stdout.write(visible(line.replace("\n", " "))[:2_000])

    def _of_folder(self, options: dict[str, Any]) -> None:
        folder = options["batch"]
        if not folder.is_dir():
            raise _bad(f"--batch: {folder} is no folder")
        found = list(_pairs(folder))
        if not found:
            raise _bad(f"--batch: {folder} has no text with calls (text.md and calls.json, or NAME.md and NAME.json)")
        bodies, problems = {}, []
        for name, text, calls, book in found:
            try:
                bodies[name] = self._reviewed(text, calls, book or options["book"], options)
            except CommandError as problem:
                problems.append(f"{name}: {problem}")
        if options["json"]:
            self.stdout.write(json.dumps(bodies, ensure_ascii=False, indent=2))
        else:
            for name, body in bodies.items():
                lead = next((line["text"] for line in body["summary"]), "")
                self.stdout.write(visible(f"{body['outcome']:16} {name}: {lead}".replace("\n", " "))[:300])
        if problems:
            raise _bad("; ".join(problems)[:2_000])

    def _reviewed(self, text: Path, calls: Path, book_file: Path | None, options: dict[str, Any]) -> dict:
        words = _content(text, "--text")
        try:
            read = given.read(_content(calls, "--calls"))
        except given.BadCalls as problem:
            raise _bad(f"--calls: {problem}") from None
        if read.text is not None and read.text.split() != words.split():
            note = "the calldata of propose has another text than --text, and only that of --text is reviewed"
            self.stderr.write(f"{text.name}: {note}")
        book = with_published_tokens(read.calls, _book(book_file, read.chain_id))
        review = reviews.review(words, read.calls, book)
        body = review.as_json()
        if settings.MODEL_URL and not options["no_model"]:
            try:
                chosen = choosing.chosen(review.document, review.effects, book, Model.from_settings())
            except (ModelDown, ModelRefused):
                chosen = ()  # the summary by code stays
            body["summary"] = [{**one.as_json(), "by": "model"} for one in chosen] or body["summary"]
        return body

    def _of_mirror(self, options: dict[str, Any]) -> None:
        proposal = _find(options["proposal"], options["dao"])
        facts = summaries.facts_of(proposal)
        if options["read"]:
            try:
                summaries.summarise(proposal)
            except ModelDown as down:
                raise CommandError(f"{down}. Without --read the review shows what code alone knows.") from down
        summary = proposal.summaries.filter(input_hash=facts.input_hash).first()
        body = {
            "proposal": str(proposal.proposal_id),
            "dao": proposal.dao.slug,
            "title": proposal.title,
            "effects": [effect.as_json() for effect in facts.review.effects],
            # A stored summary may carry one more flag than code alone finds: that of a leaked canary.
            "flags": summary.flags if summary else [flag.as_json() for flag in facts.review.flags],
            "status": summary.status if summary else "not read",
            "reason": summary.reason if summary else "",
            "model": summary.model_says if summary else "",
            "verdict": str(facts.review.verdict.outcome),
            "claims": summary.claims if summary else [],
            "findings": [finding_words.as_json(finding) for finding in facts.review.verdict.findings],
            "sentences": summary.sentences if summary else [],
        }
        self._print(body, options["json"], _lines)


def _bad(problem: str) -> CommandError:
    return CommandError(problem, returncode=2)


def _content(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise _bad(f"{what}: {path} can't be read: {problem.strerror or problem}") from None
    except UnicodeDecodeError:
        raise _bad(f"{what}: {path} is no UTF-8 text") from None


def _book(path: Path | None, chain_id: int | None) -> Book:
    """The book of a file, or an empty one, for the chain that the calls are for."""
    if path is None:
        return Book(ether=symbol_of(chain_id or 1), chain_id=chain_id or 1)
    try:
        book = Book.load(path, chain_id or 1)
    except BadBook as problem:
        raise _bad(f"--book: {problem}") from None
    if chain_id is not None and chain_id != book.chain_id:
        raise _bad(f"--book is of chain {book.chain_id}, and --calls are for chain {chain_id}")
    return book


_NAMED = {"proposal": "a proposal's id", "text": "--text", "batch": "--batch"}
_USELESS = {"proposal": ("calls", "book"), "text": ("dao", "read"), "batch": ("dao", "read", "calls")}
_TEXTS = ("text.md", "text.txt", "proposalDescription.md", "description.md")
_CALLS = ("calls.json", "calls.hex", "calls.txt", "proposalCalldata.json", "batch.json")


def _pairs(folder: Path) -> Iterator[tuple[str, Path, Path, Path | None]]:
    """Name, text, calls and book of each proposal in a folder: folders with one each, and files of the same name."""
    for inner in sorted(path for path in (folder, *folder.iterdir()) if path.is_dir()):
        text = next((inner / name for name in _TEXTS if (inner / name).is_file()), None)
        calls = next((inner / name for name in _CALLS if (inner / name).is_file()), None)
        if text is None or calls is None:
            continue
        book = next((path for path in (inner / "book.json", folder / "book.json") if path.is_file()), None)
        yield inner.name, text, calls, book
    for text in sorted(path for path in folder.iterdir() if path.suffix in (".md", ".txt") and path.is_file()):
        calls = next((path for path in map(text.with_suffix, (".json", ".hex")) if path.is_file()), None)
        if calls is not None and text.name not in _TEXTS:
            books = (folder / f"{text.stem}.book.json", folder / "book.json")
            yield text.stem, text, calls, next((path for path in books if path.is_file()), None)


def _file_lines(body: dict) -> Iterator[str]:
    yield f"Verdict: {body['outcome']}"
    for line in body["summary"]:
        yield f"  {line['text']}"
    yield ""
    yield "What the calls do:"
    for effect in body["effects"]:
        yield f"  {effect['id']} [{effect.get('outcome', '')}] {effect['sentence']}"
    if not body["effects"]:
        yield "  There are no calls."
    for finding in body["findings"]:
        if finding["status"] != "told":
            quoted = f" “{finding['quote']['text']}”" if finding["quote"] else ""
            yield f"  {finding['effect']} {finding['text']}{quoted}".replace("   ", "  ")
    yield ""
    yield "Flags:"
    for flag in body["flags"]:
        yield f"  {flag['severity']}: {flag['text']} {' '.join(flag['effects'])}".rstrip()
    if not body["flags"]:
        yield "  none"


def _find(proposal_id: str, slug: str | None) -> Proposal:
    if not (proposal_id.isascii() and proposal_id.isdecimal() and len(proposal_id) <= 78):
        raise CommandError(f"{proposal_id[:100]!r} is no proposal id: a whole number is.")
    found = Proposal.objects.filter(proposal_id=int(proposal_id)).select_related("dao")
    if slug:
        found = found.filter(dao__slug=slug)
    candidates = list(found[:2])
    if not candidates:
        raise CommandError("The mirror has no proposal with this id.")
    if len(candidates) > 1:
        raise CommandError("Several DAOs have a proposal with this id: say which with --dao.")
    return candidates[0]


def _lines(body: dict) -> list[str]:
    lines = [f"{body['title']}  ({body['dao']}, {body['proposal']})", "", "What the calls do:"]
    lines += [f"  {effect['id']}  {effect['sentence']}" for effect in body["effects"]] or ["  There are no calls."]
    lines += ["", "Flags:"]
    lines += [
        f"  {flag['severity']}: {flag['text']} {' '.join(flag['effects'])}".rstrip() for flag in body["flags"]
    ] or ["  none"]
    lines += ["", f"Reading: {body['status']}" + (f", by {body['model']}" if body["model"] else "")]
    if body["reason"]:
        lines.append(f"  {body['reason']}")
    for claim in body["claims"]:
        lines += [f"  {claim['id']}  {claim['type']}: “{' '.join(quote.split())}”" for quote in claim["quotes"]]
    lines += ["", f"Verdict: {body['verdict']}"]
    lines += [f"  {finding['effect']} {finding['text']}".rstrip() for finding in body["findings"]]
    return lines
