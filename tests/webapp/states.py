# SPDX-License-Identifier: Apache-2.0
"""A DAO in as many states as its pages and mails tell apart, and the addresses of all pages.

Everything that people wrote is in Greek letters, so that each Latin letter on a page is a word of ours.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

import policies
from agent.llm.trouble import Trouble
from agent.llm.words import say as llm_say
from agent.models import Candidate, DecisionRecord, ModelTrouble, Plan, Refusal, Request, Roster
from agent.understanding import finding_words
from agent.understanding.words import SENTENCES
from governance.chain import abi
from governance.incidents import Kind
from governance.models import (
    Act,
    ChainReading,
    Cursor,
    Dao,
    ModuleState,
    Objection,
    OnchainCheck,
    PolicyVersion,
    Proposal,
    ProposalTransition,
    SyncIncident,
)
from policies.code.encoding import codehash, decode, encode, policy_id, set_policy_calldata
from policies.document.document import load
from policies.notation.hexadecimal import hex_text
from presentation.words import address_text
from tests.webapp.conftest import DAY, NOW, UNIT, Made, account
from webapp.mail import subscriptions
from webapp.models import Subscription

TEMPLATES = Path(policies.__file__).parent / "templates"
HIDDEN = ("comment", "element", "attribute", "alt", "definition", "title", "language", "cell", "zero-width",
          "bidirectional", "tag", "control")  # fmt: skip
STATUSES = ("told", "told_in_part", "not_told", "differs", "opaque")
REASONS: list[dict[str, Any]] = [
    {"reason": "επειδή"},  # of a row that is older than the codes
    {"reason": "Stored in English.", "reason_code": "because", "reason_values": {"because": [
        {"code": "not_exactly_roster", "values": {}}, {"code": "model_abstained", "values": {
            "word": {"choice": "abstain", "reason": "suspicious"}}}]}},
]  # fmt: skip
TEXT = "# Πληρωμή\n\nΠληρώστε [εδώ](https://example.org/x)."


def policy_code(made: Made, name: str = "grants") -> bytes:
    """A template's code, for the token that the DAO holds."""
    text = (TEMPLATES / f"{name}.yaml").read_text()
    usdc = address_text(bytes(made.contracts["asset"].address))
    return encode(load(text.replace("0x5c0000000000000000000000000000000000dEAD", usdc)))


def set_policies(made: Made) -> None:
    """Policies with and without budgets, and two whose code can't be shown."""
    codes = [policy_code(made, "grants"), policy_code(made, "swaps"), b"", b"\1\2"]
    for number, code in enumerate(codes, 1):
        PolicyVersion.objects.create(
            dao=made.dao, module=made.contracts["module"], policy_id=bytes([number]) * 32, version=1,
            agent=account(50), codehash=codehash(code) if number != 2 else bytes(32), code=code, log=made.log(),
        )  # fmt: skip


def readings(made: Made) -> None:
    """What the chain said of the treasury and of two policies, one of which has ended."""
    module, usdc = bytes(made.contracts["module"].address), bytes(made.contracts["asset"].address)
    told: list[tuple[str, bytes, bytes, bytes]] = [
        ("balance", usdc, bytes(32), (7_000_000).to_bytes(32, "big")),
        ("balance", bytes(20), bytes(32), UNIT.to_bytes(32, "big")),
    ]
    for policy, end in ((b"\1" * 32, NOW + DAY), (b"\2" * 32, NOW - 1)):
        types = ["address", "uint16", "uint24", "uint32", "uint40"]
        told.append(("policy", module, policy, abi.encode(types, [account(9), 1, 3, NOW - DAY, end])))
        code = decode(bytes(PolicyVersion.objects.get(policy_id=policy).code))
        told += [("ring", module, budget.key(policy, code.agent), bytes(32)) for budget in code.budgets]
    for kind, address, key, value in told:
        ChainReading.objects.create(
            dao=made.dao, kind=kind, address=address, key=key, value=value, block_number=500, block_hash=b"\5" * 32,
            block_timestamp_chain_s=NOW, read_at=timezone.now(),
        )  # fmt: skip


def proposals(made: Made) -> None:
    """A proposal in each state, with each kind of call, summary, check and vote."""
    plain = made.proposal(7, description=TEXT, for_votes=300_000 * UNIT, against_votes=UNIT)
    made.summary(
        plain,
        sentences=[
            {"text": "Πληρώνει.", "source": {"kind": "span", "id": "s1", "quote": "Πληρώστε."}},
            {"text": "Φεύγουν 5.", "source": {"kind": "effect", "id": "e1", "quote": "Στέλνει 5"}},
        ],
        claims=[{"id": "c1", "quotes": ["Πληρώστε"]}],
        effects=[{"id": "e1", "position": 0, "kind": "transfer", "sentence": "Στέλνει 5"}],
        findings=[
            {"kind": "done_not_claimed", "text": "Δεν λέγεται.", "claim": None, "effect": "e1"},
            {"kind": "claimed_not_done", "text": "Δεν γίνεται.", "claim": "c1", "effect": None},
        ],
        flags=[
            {"code": "σημαία", "severity": "danger", "text": "Κίνδυνος.", "effects": []},
            {"code": "σημαία", "severity": "notice", "text": "Προσοχή.", "effects": []},
        ],
        model_name="μοντέλο",
        hidden=[{"kind": kind, "count": 2, "sample": "ναι"} for kind in HIDDEN],
    )
    for voter, support in enumerate((0, 1, 2, 7), 3):
        made.vote(plain, voter, support, 5 * UNIT, "επειδή")
    for kind in ("queued", "executed", "canceled", "extended"):
        ProposalTransition.objects.create(proposal=plain, kind=kind, log=made.log())
    for what, matched in (("votes", True), ("state", False)):
        OnchainCheck.objects.create(
            dao=made.dao, subject=f"proposal:7:{what}", block_number=499, block_hash=bytes(32), chain_says="1",
            mirror_says="2", matched=matched,
        )  # fmt: skip
    voter = {"proposal_id": "7", "voter": address_text(account(3)), "support": 1, "weight": "1"}
    for kind, facts in (
        (Kind.REORG, {"dropped_votes": [voter]}),
        (Kind.REORG, {"dropped_votes": [voter, {**voter, "voter": address_text(account(4))}]}),
        (Kind.MISSED_LOGS, {"dropped_proposals": ["7"]}),
    ):
        SyncIncident.objects.create(dao=made.dao, kind=kind, detail="κάτι έγινε", facts=facts)

    many = made.proposal(8, description="", deadline=NOW + 3600)
    calls: list[dict[str, Any]] = [
        {"calldata": b"", "value_wei": UNIT},
        {"calldata": b"\1\2\3", "value_wei": 0},
        {"calldata": b"\1\2\3\4" + bytes(32), "value_wei": 5},
        {"calldata": bytes(32), "value_wei": 0, "signature": "pay(address)"},
        {"calldata": bytes(31), "value_wei": 0, "signature": "pay(address)"},
        {"calldata": bytes(31), "value_wei": 0, "signature": "πληρωμή"},
        {"calldata": account(3).rjust(32, b"\0") + (7).to_bytes(32, "big"), "value_wei": 0,
         "signature": "transfer(address,uint256)"},
    ]  # fmt: skip
    for position, call in enumerate(calls, 1):
        many.actions.create(position=position, target=account(200), **call)
    many.actions.create(
        position=90, target=bytes(made.contracts["module"].address), value_wei=0,
        calldata=set_policy_calldata(policy_id("grants"), policy_code(made)),
    )  # fmt: skip
    bad = made.proposal(9, description="Κακή", deadline=NOW)
    bad.actions.update(
        target=bytes(made.contracts["module"].address), calldata=set_policy_calldata(policy_id("x"), b"\1\2")
    )
    sentences = [
        {"code": code, "values": dict.fromkeys(re.findall(r"{(\w+)}", text), 5)} for code, text in SENTENCES.items()
    ]
    words: dict[str, Any] = {"sentences": [], "effects": [], "findings": [], "model_name": "μοντέλο"}
    made.summary(
        many, status="abstained", verdict="opaque", reason="Stored in English.", reason_code="text_not_taken",
        reason_values={"http_status": 400},
        flags=[{"code": "σημαία", "severity": "warning", "text": "Stored in English.", "effects": [],
                "sentence": sentence} for sentence in sentences],
        **words,
    )  # fmt: skip
    made.summary(bad, status="failed", verdict="differs", reason="λάθος", **words)
    waiting = made.proposal(10, description="Μία", snapshot=NOW + 3600, deadline=NOW + DAY)
    made.summary(waiting, status="pending", verdict="unread", reason="περιμένει", **words)
    second = made.proposal(11, description="Δύο", snapshot=NOW, deadline=NOW + DAY)
    made.summary(
        second,
        verdict="differs",
        **{
            **words,
            "findings": [
                {
                    "status": status,
                    "effect": f"e{number}",
                    "codes": [],
                    "quote": {"text": "Πληρώστε."},
                    "text": "Stored in English.",
                    "sentence": {"code": code, "values": values},
                }
                for number, (status, code) in enumerate(itertools.product(STATUSES, finding_words.SENTENCES))
                for values in [{"parts": [{"code": "part_amount", "values": {}}] * 2, "count": 2}]
            ]
            + [{"status": "not_done", "effect": "", "codes": ["order"], "quote": {"text": "Πληρώστε."}, "text": ""}],
            "effects": [
                {"id": f"e{number}", "position": 0, "kind": "transfer", "sentence": "Στέλνει 5"}
                for number in range(300)
            ],
        },
    )
    numbers = itertools.count(20)
    for values in (
        {"deadline": NOW - 1, "for_votes": 50_000 * UNIT},
        {"deadline": NOW - 1, "for_votes": 50_000 * UNIT, "queued": True, "eta_chain_s": NOW + 7200},
        {"deadline": NOW - 1, "for_votes": 50_000 * UNIT, "queued": True, "eta_chain_s": NOW - 5},
        {"deadline": NOW - 1, "against_votes": 50_000 * UNIT},
        {"deadline": NOW - 1, "executed": True},
        {"deadline": NOW - 1, "canceled": True},
        {"deadline": NOW - 1, "for_votes": 5, "quorum_votes": None},
        {"deadline": NOW - 1, "for_votes": 9, "extra": {"objection_until": NOW + 3600}},
        {"snapshot": NOW + 5, "deadline": NOW + DAY, "extra": {"updatable_until": NOW + 3}},
        {"for_votes": 5, "quorum_votes": 10},
        {"deadline": NOW + 1},
    ):
        made.proposal(next(numbers), description="Τρία", **values)
    for number in range(60, 75):  # more than a page shows of each kind
        made.proposal(number, description=f"Πολλά {number}", deadline=NOW + DAY)
        made.proposal(number + 100, description="Μετά", snapshot=NOW + 60, deadline=NOW + DAY)
        made.proposal(number + 200, description="Έτοιμη", deadline=NOW - 1, for_votes=50_000 * UNIT)


def acts(made: Made) -> None:
    """An act in each status, what was refused, and requests in each status."""
    for number, status in enumerate(Act.Status.values, 1):
        scheduled = {"act_id": bytes([number]) * 32, "releasable_chain_s": NOW + 3600, "expires_chain_s": NOW + DAY,
                     "objection_threshold": 100 * UNIT} if status == "scheduled" else {}  # fmt: skip
        act = made.act(number, status=status, final_log=made.log() if status == "released" else None, **scheduled)
        Objection.objects.create(act=act, account=account(3), power=UNIT, log=made.log())
    for number in range(30, 43):
        made.act(
            number, status="scheduled", act_id=bytes([number]) * 32, releasable_chain_s=NOW - 1 + number % 2,
            expires_chain_s=NOW + DAY,
        )  # fmt: skip
    first = Act.objects.order_by("pk")[0]
    DecisionRecord.objects.create(
        dao=made.dao, hash=bytes(first.decision), prev_hash=bytes(32), body="{}", signer=account(50)
    )
    made.refusal(clause="όριο")
    roster = Roster.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, policy_version=1, serial=1,
        expires_chain_s=NOW, operator=account(70), digest=bytes(32), signature=b"", typed_data={},
    )  # fmt: skip
    answers = [
        ('{"choice": "c1", "reason": "not_what_was_asked"}', {"choice": {}, "reason": {}}),
        ('{"choice": "abstain: suspicious"}', {"choice": {}}),
        ('{"choice": "abstain: ambiguous"}', {"choice": {}}),
        ('{"choice": "c1"}', {"choice": {}}),
        ("ποτέ", {"choice": {}}),
    ]
    for number, status in enumerate(Request.Status.values):
        asked = Request.objects.create(
            module=made.contracts["module"], dao=made.dao, policy_id=b"\1" * 32, reference=bytes([number]) * 32,
            idempotency_key=str(number), text="πληρωμή", requested_by=account(3), status=status, **REASONS[number % 2],
        )  # fmt: skip
        Candidate.objects.create(
            request=asked, key="c1", label="μία", roster=roster, is_roster=False, calls=[], calls_hash=bytes(32),
            lines=[], allowed=True, differences=["διαφορά", "Stored in English."][number % 2 :][:1],
            difference_codes=[{"code": "words_unknown", "values": {"words": ["ναι"]}}] if number % 2 else [],
        )  # fmt: skip
        output, properties = answers[number % len(answers)]
        Plan.objects.create(
            request=asked, chosen_by="operator", output=output, prompt={"schema": {"properties": properties}},
            model={"name": "μοντέλο", "is_demo": True},
            silence={"code": "no_second_look_none", "values": {}, "text": "In English."} if number % 2 else {},
        )  # fmt: skip
        Refusal.objects.create(
            request=asked, candidate_key="c1", label="μία", calls=[], policy_codehash=bytes(32), block_number=400,
            block_hash=bytes(32), reasons=[{"code": "OverCap", "text": "όριο"}],
        )  # fmt: skip


def rest(made: Made) -> None:
    """Power, the treasury's movements, incidents, and a second asset of the same symbol."""
    made.power(3, 150_000 * UNIT)
    made.power(4, 5 * UNIT, delegator=5)
    for delegator in range(300, 315):
        made.power(6, UNIT, delegator=delegator)
    OnchainCheck.objects.create(
        dao=made.dao, subject=f"power:{address_text(account(3))}", block_number=499, block_hash=bytes(32),
        chain_says="1", mirror_says="1", matched=True,
    )  # fmt: skip
    made.flow(100_000_000_000)
    made.flow(1_000_000, outgoing=True)
    for kind in Kind:
        SyncIncident.objects.create(
            dao=made.dao, kind=kind, detail="Stored in English.", detail_code="all_distrusted",
            detail_values={"chain_id": 5}, resolved_at=timezone.now(),
        )  # fmt: skip


def fill(made: Made) -> None:
    """Put all of it into one DAO."""
    Dao.objects.update(name="Ποταμός")
    made.dao.chain.__class__.objects.update(name="Δίκτυο")
    made.dao.refresh_from_db()
    set_policies(made)
    proposals(made)
    acts(made)
    rest(made)
    readings(made)
    Cursor.objects.update(node_head_block=900)
    ModuleState.objects.update(paused=True)


def troubles() -> Iterator[Trouble]:
    """Each way in which the model can't be used, one after the other, with the values that its words name."""
    for trouble in Trouble:
        ModelTrouble.objects.all().delete()
        ModelTrouble.objects.create(
            setup=bytes(32), trouble=trouble,
            values={"http_status": 404, "seconds": 5, "problem": llm_say("answer_empty").as_json(), "model": "μοντέλο"},
        )  # fmt: skip
        yield trouble


def subscription(made: Made, frequency: str = "immediate") -> tuple[Subscription, dict[str, Any]]:
    """A confirmed subscription, and the choice of one that is still to be confirmed."""
    subscriptions.ask(made.dao, f"{frequency}@example.org", subscriptions.Choice(frequency, account(3)), "1.2.3.4")
    held = Subscription.objects.get(reader__email=f"{frequency}@example.org")
    choice = {"s": held.pk, "f": frequency, "d": account(3).hex(), "n": "ab" * 16}
    Subscription.objects.filter(pk=held.pk).update(
        confirm_token_hash=subscriptions._hash(subscriptions.confirm_token(choice))
    )
    return held, choice


def pages(made: Made, tokens: dict[str, list[str]]) -> Iterator[str]:
    """The address of every page that the site's routes have, with every value that a parameter may take here.

    A route with a parameter that is not named here raises KeyError: then say what it may be.
    """
    values: dict[str, list[str]] = {
        "slug": [made.dao.slug],
        "proposal_id": [str(number) for number in Proposal.objects.values_list("proposal_id", flat=True)],
        "name": [hex_text(record) for record in DecisionRecord.objects.values_list("hash", flat=True)],
        "account": [address_text(account(3)), address_text(account(77))],
        "form": ["json", "csv"],
        # The one whose functions' and arguments' names the test knows as such: a form is made of little else.
        "policy_id": [hex_text(row.policy_id) for row in PolicyVersion.objects.filter(policy_id=b"\1" * 32)],
        "request_id": [str(number) for number in Request.objects.values_list("pk", flat=True)],
        "number": ["1"],  # of a webhook
    }
    for route, name, parameters in routes(get_resolver()):
        of_route = {**values, "token": tokens.get(name, [])}
        for chosen in itertools.product(*(of_route[parameter] for parameter in parameters)):
            yield "/" + route % dict(zip(parameters, chosen, strict=True))


def routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Each route as a format string, its name and its parameters; none of the JSON API, whose text is not worded."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if route.startswith("api/"):
            continue
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        elif isinstance(entry, URLPattern):
            pieces = route.replace("<", ">").split(">")
            names = [piece.rpartition(":")[2] for piece in pieces[1::2]]
            shown = "".join(
                piece if i % 2 == 0 else f"%({piece.rpartition(':')[2]})s" for i, piece in enumerate(pieces)
            )
            yield shown, entry.name or "", names
