# SPDX-License-Identifier: Apache-2.0
"""`manage.py review <proposal id>`: what a proposal's calls do, what its text claims, whether they match, the flags."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent.llm.client import ModelDown
from agent.understanding import summaries
from governance.models import Proposal
from policies.notation.visible import visible


class Command(BaseCommand):
    """Reads the mirror; with `--read` it asks the model too, where that was not done yet."""

    help = "Review a mirrored proposal: its effects, claims, verdict and flags."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("proposal", help="the proposal's id on chain")
        parser.add_argument("--dao", help="the DAO's slug, where several have a proposal with this id")
        parser.add_argument("--read", action="store_true", help="have the model read the text now, if it has not yet")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *_args: Any, **options: Any) -> None:
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
            "effects": [effect.as_json() for effect in facts.effects],
            # A stored summary may carry one more flag than code alone finds: that of a leaked canary.
            "flags": summary.flags if summary else [flag.as_json() for flag in facts.flags],
            "status": summary.status if summary else "not read",
            "reason": summary.reason if summary else "",
            "model": summary.model_says if summary else "",
            "verdict": summary.verdict if summary else "unread",
            "claims": summary.claims if summary else [],
            "findings": summary.findings if summary else [],
            "sentences": summary.sentences if summary else [],
        }
        if options["json"]:
            self.stdout.write(json.dumps(body, ensure_ascii=False, indent=2))
            return
        for line in _lines(body):
            # No control character of a stranger reaches a terminal.
            self.stdout.write(visible(line.replace("\n", " "))[:2_000])


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
    lines += [
        f"  {' '.join(filter(None, (finding['effect'], finding['claim'])))}  {finding['text']}"
        for finding in body["findings"]
    ]
    return lines
