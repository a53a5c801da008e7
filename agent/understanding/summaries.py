# SPDX-License-Identifier: Apache-2.0
"""A proposal's path: text, effects, verdict, flags, by code; then a model's choice of sentences. One summary per text.

What code alone computes is stored first and shown at once; a model's choice follows when the model is there. A worker
killed in the middle repeats harmlessly: the row is made once and finished once.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.crypto import salted_hmac
from eth_utils.crypto import keccak
from rfc8785 import dumps as canonical_json

from agent.llm import serving
from agent.llm.client import Model, ModelDown, ModelRefused, Usage
from agent.models import ChainFacts, OutboxCursor, Summary
from agent.understanding import finding_words, ingest, reader, writer
from agent.understanding import flags as flags_module
from agent.understanding.effects import Book, with_published_tokens
from agent.understanding.history import history_of
from agent.understanding.live import facts as chain
from agent.understanding.mirror_book import book_of
from agent.understanding.review import Review, review
from agent.understanding.words import say
from agent.work_names import FACTS_WORK
from governance import outbox, work
from governance.chain.call import call_of
from governance.chain_word import shown_state
from governance.models import Contract, Proposal, ProposalAction, Work
from governance.sentences import LEGACY, Sentence
from governance.state import is_final, now_of
from governance.treasury import balances_by_flows
from policies.notation.hexadecimal import hex_text

WORK = serving.SUMMARY_WORK
READER = "agent.summaries"
JUDGE_WORK = "agent.judge"
CHANGED = "proposal.judged"  # the outbox topic of an outcome that changed; its key is the number and the outcome
RULES = 10  # version of the verdict's rules: rows of an earlier one are judged again
_JUDGED_AT_ONCE = 50
_RETRY_FIRST_S, _RETRY_MOST_S = 3, 120
_BEGUN_AT_ONCE = 20  # of many new proposals at once, the newest: the others' effects come with their turn
# An abstention that is not the model's word on the text; in rows older than the codes, what its text begins with.
_UNREAD = ("text_not_taken", "answer_not_usable")
_UNREAD_IN_WORDS = "^the model server does not take this text|^the model's answer could not be used, twice"

# A text that any model can read, of the shape that proposals have: what even this gets no answer to is no fault of a
# proposal.
PLAIN_TEXT = """# Pay the gardener

The members want the garden to be in order before the summer begins.
It transfers 100 USDC from the treasury to the gardener.
"""

log = logging.getLogger(__name__)


# ------------------------------------------------------------------------------------------------------ the outbox


def follow_outbox() -> int:
    """Enqueue a summary for each proposal that the mirror told of since last time. Returns how many.

    What code alone knows of them is stored here and now: flags don't wait until the model has read what came before.
    """
    told: list[tuple[int, int]] = []
    with transaction.atomic():
        OutboxCursor.objects.get_or_create(reader=READER)
        cursor = OutboxCursor.objects.select_for_update().get(reader=READER)
        enqueued = 0
        while entries := outbox.read("proposal.created", after_id=cursor.after_id):
            for entry in entries:
                if entry.topic == "proposal.created":
                    # The entry's id makes each occurrence its own: after a reorg the proposal is read anew.
                    key = f"{entry.dao.slug}:{entry.id}"
                    arguments = {"dao": entry.dao_id, "proposal": entry.key}
                    enqueued += work.enqueue(WORK, key, arguments=arguments)
                    work.enqueue(FACTS_WORK, key, arguments=arguments)
                    told.append((entry.dao_id, int(entry.key)))
            cursor.after_id = entries[-1].id
        cursor.save(update_fields=["after_id"])
    for dao_id, number in told[: -_BEGUN_AT_ONCE - 1 : -1]:
        proposal = Proposal.objects.filter(dao_id=dao_id, proposal_id=number).first()
        if proposal is not None:
            _begin(proposal, facts_of(proposal))  # what goes wrong here goes wrong again, and is kept, in its own row
    return enqueued


@work.worker(WORK)
def _summarise(_key: str, arguments: dict) -> None:
    proposal = Proposal.objects.filter(dao_id=arguments["dao"], proposal_id=int(arguments["proposal"])).first()
    if proposal is None:
        raise work.Abandon(say("proposal_gone"))
    try:
        summarise(proposal)
    except ModelDown as down:
        waited_s = (timezone.now() - _oldest_pending(proposal)).total_seconds()
        retry_s = min(max(waited_s / 4, _RETRY_FIRST_S), _RETRY_MOST_S)  # the longer it has been down, the rarer
        raise work.Again(timezone.now() + timedelta(seconds=retry_s), down.why) from down


def _oldest_pending(proposal: Proposal) -> datetime:
    summary = proposal.summaries.filter(status=Summary.Status.PENDING).order_by("created_at").first()
    return summary.created_at if summary else timezone.now()


def run_due() -> int:
    """Do the summary that is due longest. Returns how many were begun (at most one: a model may take a minute)."""
    return work.run_due(WORK, limit=1)


# ------------------------------------------------------------------------------------------- rows of earlier rules


def judge_due() -> int:
    """Have rows judged again that earlier rules judged, the newest first. Returns how many were begun."""
    begun = Work.objects.filter(name=JUDGE_WORK, key=Concat(Cast(OuterRef("pk"), CharField()), Value(f":{RULES}")))
    # Those whose work fails again and again have a row of work already: the rest must not wait behind them.
    old = Summary.objects.filter(~Exists(begun), rules__lt=RULES).order_by("-pk").values_list("pk", flat=True)
    for pk in old[:_JUDGED_AT_ONCE]:
        work.enqueue(JUDGE_WORK, f"{pk}:{RULES}", arguments={"summary": pk})
    return work.run_due(JUDGE_WORK, limit=_JUDGED_AT_ONCE)


@work.worker(JUDGE_WORK)
def _judge(_key: str, arguments: dict) -> None:
    summary = Summary.objects.select_related("proposal__dao").filter(pk=arguments["summary"], rules__lt=RULES).first()
    if summary is not None:
        judge_again(summary)


def judge_again(summary: Summary) -> None:
    """Judge a row by the rules of today and what the chain said meanwhile, and tell of an outcome that changes while
    something can still be decided."""
    proposal = summary.proposal
    facts = facts_of(proposal)
    if facts.input_hash != summary.input_hash:
        Summary.objects.filter(pk=summary.pk).update(rules=RULES)  # of a text or calls that are no more
        return
    columns = columns_of(facts.review)
    with transaction.atomic():
        if not Proposal.objects.select_for_update(no_key=True).filter(pk=proposal.pk).exists():
            return
        before = Summary.objects.select_for_update().get(pk=summary.pk)  # a model may have finished it meanwhile
        columns["flags"] += [flag for flag in before.flags if flag["code"] == flags_module.canary.RULE.code]
        are_others = _are_of_other_effects(before.sentences, before.effects, columns["effects"])
        if before.status == Summary.Status.WRITTEN and are_others:
            columns |= {"status": Summary.Status.PENDING, "written_at": None}
            arguments = {"dao": proposal.dao_id, "proposal": str(proposal.proposal_id)}
            work.enqueue(WORK, f"{proposal.dao.slug}:again:{summary.pk}", arguments=arguments, renew=True)
        if before.status != Summary.Status.WRITTEN or are_others:
            columns["sentences"] = [line.as_json() for line in facts.review.summary]
        Summary.objects.filter(pk=summary.pk).update(**columns)
        changed = _SAME.get(before.verdict, before.verdict) != columns["verdict"]
        if changed and is_undecided(proposal):
            key = f"{proposal.proposal_id}:{columns['verdict']}"
            outbox.publish(proposal.dao, CHANGED, key, proposal.created_block)


# What an outcome of the rules before is called now; the others said only that nothing was compared.
_SAME = {"matches": "told", "opaque": "cant_be_checked"}


def _are_of_other_effects(sentences: list[dict], before: list[dict], now: list[dict]) -> bool:
    """Whether sentences name effects by ids that are those of other effects now: they would say something else."""
    named = {sentence["source"].get("id") for sentence in sentences if sentence["source"]["kind"] == "effect"}
    return _acts(before, named) != _acts(now, named)


def _acts(effects: list[dict], ids: set) -> list[tuple]:
    keys = ("id", "kind", "target", "selector")
    return [tuple(effect.get(key) for key in keys) for effect in effects if effect.get("id") in ids]


def is_undecided(proposal: Proposal) -> bool:
    """Whether something about a proposal can still be decided, by the chain's word where it differs."""
    dao = proposal.dao
    governor = dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()
    return governor is not None and not is_final(shown_state(dao, governor, now_of(dao, governor), proposal))


# ------------------------------------------------------------------------------------------------------- one proposal


@dataclass(frozen=True)
class Facts:
    """What code alone knows of a proposal, before any model."""

    review: Review
    input_hash: bytes


def facts_of(proposal: Proposal) -> Facts:
    """Text and calls read and compared, flags computed. Reads the database, asks no model."""
    actions = list(proposal.actions.all())
    calls = [call_of(action) for action in actions]
    facts = chain_facts_of(proposal)
    book = with_published_tokens(calls, book_of(proposal.dao, facts))
    done = review(
        proposal.description,
        calls,
        book,
        balances_by_flows(proposal.dao),
        history_of(proposal),
        facts,
    )
    return Facts(done, input_hash(proposal.description_bytes, actions, book.ether))


def chain_facts_of(proposal: Proposal) -> chain.Facts | None:
    """What the chain said of a proposal's accounts; None where it was not asked, or had no answer."""
    row = ChainFacts.objects.filter(proposal=proposal, is_answered=True).first()
    return chain.Facts.from_json(row.names, row.codes) if row else None


def input_hash(text: bytes, actions: list[ProposalAction], native: str) -> bytes:
    """keccak256 of text, calls and the native currency's symbol in canonical JSON: what a summary is of."""
    calls = []
    for action in actions:
        call = {
            "target": hex_text(action.target),
            "value_wei": str(action.value_wei),
            "signature": action.signature,
            "calldata": hex_text(action.calldata),
        }
        if action.signature_raw is not None:
            call["signature_raw"] = hex_text(action.signature_raw)
        calls.append(call)
    # Text from a chain may hold code points that no JSON can carry: its own hash stands for it.
    inputs = {"text": hex_text(keccak(text)), "calls": calls}
    return keccak(canonical_json(inputs if native == "ETH" else {**inputs, "native": native}))


def summarise(proposal: Proposal, model: Model | None = None) -> Summary | None:
    """The summary of a proposal's text, made if there is none yet. None when the proposal has gone (a reorg).

    `model`: the one of the settings where None. Raises ModelDown (also for what is set up wrongly); the row is then
    pending, with effects and flags, and is finished when the model works.
    """
    before = chain_facts_of(proposal)
    facts = facts_of(proposal)
    summary = _begin(proposal, facts)
    if summary is None or summary.status != Summary.Status.PENDING:
        return summary
    try:
        serving.may_ask()
        model = model or Model.from_settings()
        outcome = _understand(facts, model)
        if not facts.review.document.is_empty:  # else nobody was asked
            serving.works()
    except ModelDown as down:
        serving.note(down)
        Summary.objects.filter(pk=summary.pk, status=Summary.Status.PENDING).update(**_because(down.why))
        raise
    # Finished once: of two workers that both got here, the first one's words stay.
    Summary.objects.filter(pk=summary.pk, status=Summary.Status.PENDING).update(
        **outcome, model_is_demo=model.is_demo, written_at=timezone.now()
    )
    finished = Summary.objects.filter(pk=summary.pk).first()
    if finished is not None and chain_facts_of(proposal) != before:
        judge_again(finished)  # the chain answered while the model read
        finished.refresh_from_db()
    return finished


def _begin(proposal: Proposal, facts: Facts) -> Summary | None:
    """The row with what code alone knows. Holds the proposal's row, so that a reorg waits or has already won."""
    with transaction.atomic():
        if not Proposal.objects.select_for_update(no_key=True).filter(pk=proposal.pk).exists():
            return None
        summary, _ = Summary.objects.get_or_create(
            proposal_id=proposal.pk,
            input_hash=facts.input_hash,
            defaults={
                **columns_of(facts.review),
                "sentences": [line.as_json() for line in facts.review.summary],
                "model_name": settings.MODEL_NAME[:200],
                "model_is_demo": settings.MODEL_IS_DEMO,
            },
        )
        return summary


def columns_of(done: Review) -> dict:
    """The columns that code alone fills, and that no model changes."""
    return {
        "effects": [effect.as_json() for effect in done.effects],
        "flags": [flag.as_json() for flag in done.flags],
        "verdict": str(done.verdict.outcome),
        "findings": [finding_words.as_json(finding) for finding in done.verdict.findings],
        "hidden": [hidden.as_json() for hidden in done.document.hidden],
        "spans_total": len(done.document.spans),
        "rules": RULES,
    }


def _because(sentence: Sentence) -> dict:
    """The columns of a summary's reason."""
    return {"reason": sentence.text[:300], "reason_code": sentence.code, "reason_values": sentence.values_json()}


def _understand(facts: Facts, model: Model) -> dict:
    """What the row becomes: claims and sentences, or an abstention with its reason. Raises ModelDown.

    Neither verdict nor findings are among it: no model has a say in them, and it can only add a flag.

    A refusal becomes the proposal's own abstention only where the model reads a plain text well.
    """
    if facts.review.document.is_empty:
        return {
            "status": Summary.Status.ABSTAINED,
            **_because(say("no_text")),
            "model_name": model.name[:200],
        }
    # The same for the same text, so that a replay sends the same bytes; nobody without our secret key can know it.
    canary = salted_hmac("agent.canary", facts.input_hash).hexdigest()[:8]
    started = time.monotonic()
    hashes: list[bytes] = []
    outputs: list[str] = []
    usage, name = Usage(), model.name
    claims: tuple[reader.Claim, ...] = ()
    sentences: tuple[writer.Sentence, ...] = ()
    shown, leaked = 0, False
    why: dict = _because(say(""))
    try:
        reading = reader.read(facts.review.document, model, facts.review.book, canary)
        usage, name, shown = usage + reading.completion.usage, reading.completion.model, reading.shown
        hashes.append(reading.completion.prompt_hash)
        outputs.append(reading.completion.text)
        claims = reading.claims
        if not claims:
            why = _because(say("no_sentence_found"))
            if reading.dropped:
                why = _because(say("no_sentences"))
        else:
            writing = writer.write(claims, facts.review.effects, model, canary)
            if writing.completion is not None:
                usage = usage + writing.completion.usage
                hashes.append(writing.completion.prompt_hash)
                outputs.append(writing.completion.text)
            sentences = writing.sentences
            if not sentences:
                why = _because(say("nothing_may_be_shown"))
    except ModelRefused as refused:
        _blame(refused, model, canary)
        usage, name = usage + refused.usage, refused.model or name
        outputs.append(refused.text)
        why = _because(say("answer_not_usable", problem=refused.problem))
        if refused.http_status is not None:
            why = _because(say("text_not_taken", http_status=refused.http_status))
            log.warning("a proposal's text is refused (HTTP %d); it says: %r", refused.http_status, refused.said)
    except reader.CanaryLeaked as leak:
        usage, name = usage + leak.completion.usage, leak.completion.model
        hashes.append(leak.completion.prompt_hash)
        outputs.append(leak.completion.text)
        # It may have obeyed the text from the start: nothing it said is kept.
        claims, sentences, leaked, why = (), (), True, _because(say("canary_repeated"))
        log.warning("canary seen in the output of %s", name)
    flags = list(facts.review.flags)
    if leaked:
        flags.insert(0, flags_module.canary.flag())
    # Where the model chose nothing, the sentences of code stay as they are.
    chosen = {"sentences": [{**one.as_json(), "by": "model"} for one in sentences]} if sentences else {}
    return {
        "status": Summary.Status.WRITTEN if sentences else Summary.Status.ABSTAINED,
        **why,
        "claims": [claim.as_json() for claim in claims],
        **chosen,
        "flags": [flag.as_json() for flag in flags],
        "model_name": name[:200],
        "prompt_hash": keccak(b"".join(hashes)) if hashes else None,
        "output_hash": keccak("\n".join(outputs).encode("utf-8", "surrogatepass")),
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "duration_ms": int((time.monotonic() - started) * 1000),
        "spans_read": shown,
    }


def _blame(refused: ModelRefused, model: Model, canary: str) -> None:
    """Find out whose fault a refusal is. Raises ModelMisconfigured if the model can't read a plain text either.

    Without this a server that is set up wrongly would cost every proposal its summary for good; and if each refusal
    were the server's fault, one odd text could keep all others waiting.
    """
    try:
        read_plain(model, canary)
    except ModelRefused as plain:
        raise plain.of_the_setup() from refused


def read_plain(model: Model, canary: str = "") -> reader.Reading:
    """Have the model read a text that any model can read. Raises as `reader.read` does."""
    canary = canary or salted_hmac("agent.canary", PLAIN_TEXT).hexdigest()[:8]
    return reader.read(ingest.read(PLAIN_TEXT), model, Book({}, {}), canary)


def read_again() -> int:
    """Have the model read again what it gave no usable answer to. Returns how many summaries are pending for that."""
    lost = Summary.objects.filter(
        Q(reason_code__in=_UNREAD) | Q(reason_code=LEGACY, reason__regex=_UNREAD_IN_WORDS),
        status=Summary.Status.ABSTAINED,
    )
    again = 0
    for summary in lost.select_related("proposal__dao"):
        proposal = summary.proposal
        with transaction.atomic():
            again += Summary.objects.filter(pk=summary.pk, status=Summary.Status.ABSTAINED).update(
                status=Summary.Status.PENDING, written_at=None, **_because(say(""))
            )
            arguments = {"dao": proposal.dao_id, "proposal": str(proposal.proposal_id)}
            work.enqueue(WORK, f"{proposal.dao.slug}:again:{summary.pk}", arguments=arguments, renew=True)
    return again
