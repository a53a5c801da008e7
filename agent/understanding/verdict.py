# SPDX-License-Identifier: Apache-2.0
"""Claims against effects: what the quoted sentences say against what the calls do, compared by code.

An effect that no claim matches always blocks "matches", and so does whatever `agent.understanding.told` finds when it
reads every sentence without any model. The warnings are apart from it: `agent.understanding.flags`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from agent.understanding.effects import Book, Effect, Kind
from agent.understanding.ingest import Document
from agent.understanding.reader import SPEAKS_OF, Claim, ClaimType, addresses_in, amounts_in, matches_amount, names_in
from agent.understanding.told import Told, told
from agent.understanding.words import say
from governance.sentences import Sentence


class FindingKind(StrEnum):
    CLAIMED_AND_DONE = "claimed_and_done"
    CLAIMED_NOT_DONE = "claimed_not_done"
    DONE_NOT_CLAIMED = "done_not_claimed"
    PARAMETER_DIFFERS = "parameter_differs"
    NOT_COMPARED = "not_compared"  # described, but not in a way that code can compare
    OPAQUE = "opaque"


@dataclass(frozen=True)
class Finding:
    """One comparison and its outcome."""

    kind: FindingKind
    sentence: Sentence
    claim: str = ""
    effect: str = ""

    @property
    def text(self) -> str:
        return self.sentence.text

    def as_json(self) -> dict:
        return {
            "kind": str(self.kind), "text": self.text, "claim": self.claim, "effect": self.effect,
            "sentence": self.sentence.as_json(),
        }  # fmt: skip


class Outcome(StrEnum):
    """See agent.models.Summary.Verdict."""

    MATCHES = "matches"
    DIFFERS = "differs"
    UNMATCHED = "unmatched"
    OPAQUE = "opaque"
    UNREAD = "unread"


@dataclass(frozen=True)
class Verdict:
    """Whether the text matches the calls, and on what that rests."""

    outcome: Outcome
    findings: tuple[Finding, ...]


def judge(document: Document, claims: Sequence[Claim], effects: Sequence[Effect], book: Book) -> Verdict:
    """Whether the text, as far as the claims go, says what the calls do."""
    claims_of_calls = [claim for claim in claims if claim.type is not ClaimType.PURPOSE]
    in_text = set(addresses_in(document.text)) | set(names_in(document.text, book))
    findings: list[Finding] = []
    used: set[str] = set()
    for effect in effects:
        finding = _of_effect(effect, claims_of_calls, in_text, book)
        findings.append(finding)
        # One sentence may speak of several calls, and several sentences of one call.
        used |= {claim.id for claim in claims_of_calls if _compare(effect, claim, in_text, book) is not None}
    findings += [
        Finding(FindingKind.CLAIMED_NOT_DONE, say("claimed_not_done"), claim=claim.id)
        for claim in claims_of_calls
        if claim.id not in used and _is_specific(claim) and not _tells_a_policy(claim, effects, book)
    ]
    outcome = _outcome(findings, bool(claims))
    gate = told(document, effects, book)
    findings = [_worded(finding, gate) for finding in findings]
    if outcome is Outcome.MATCHES and not gate.is_whole(effects):
        outcome = Outcome.UNMATCHED
        findings += [Finding(FindingKind.NOT_COMPARED, problem) for problem in gate.problems]
        if not gate.problems:
            findings += [
                Finding(FindingKind.NOT_COMPARED, say("no_order"), effect=effect.id)
                for effect in effects
                if effect.id not in gate.effects
            ]
    return Verdict(outcome, tuple(findings))


def _worded(finding: Finding, gate: Told) -> Finding:
    """The finding with words that are true of it: only the gate knows whether a sentence orders the call."""
    if finding.kind is FindingKind.CLAIMED_AND_DONE and finding.effect not in gate.effects:
        return replace(finding, sentence=say("numbers_only"))
    return finding


def _outcome(findings: Sequence[Finding], read: bool) -> Outcome:
    kinds = {finding.kind for finding in findings}
    if FindingKind.OPAQUE in kinds:
        return Outcome.OPAQUE
    if not read:
        return Outcome.UNREAD
    if kinds & {FindingKind.PARAMETER_DIFFERS, FindingKind.CLAIMED_NOT_DONE}:
        return Outcome.DIFFERS
    if kinds - {FindingKind.CLAIMED_AND_DONE}:
        return Outcome.UNMATCHED
    return Outcome.MATCHES


def _is_specific(claim: Claim) -> bool:
    """Holds something that a call could have done: an address, or an amount of a known token."""
    return bool(claim.recipients) or any(amount.asset is not None for amount in claim.amounts)


def _tells_a_policy(claim: Claim, effects: Sequence[Effect], book: Book) -> bool:
    """Whether every address and number of the claim stands in the words of a policy that is set.

    A proposal for a policy says what the agent may pay; no call of the proposal itself pays it.
    """
    for effect in effects:
        if effect.kind is not Kind.POLICY_SET:
            continue
        words = " ".join(effect.details)
        addresses = {effect.target, *addresses_in(words), *names_in(words, book)}
        numbers = {amount.number for amount in amounts_in(words, book)}
        if {*claim.recipients, *claim.names} <= addresses and {amount.number for amount in claim.amounts} <= numbers:
            return True
    return False


def _of_effect(effect: Effect, claims: Sequence[Claim], in_text: set[bytes], book: Book) -> Finding:
    if effect.is_opaque or effect.delegatecall:
        return Finding(FindingKind.OPAQUE, say("opaque"), effect=effect.id)
    compared = [(claim, _compare(effect, claim, in_text, book)) for claim in claims]
    said = {
        FindingKind.CLAIMED_AND_DONE: say("claimed_and_done"),
        FindingKind.PARAMETER_DIFFERS: say("parameter_differs"),
        FindingKind.NOT_COMPARED: say("not_compared"),
    }
    for kind, sentence in said.items():
        for claim, outcome in compared:
            if outcome is kind:
                return Finding(kind, sentence, claim=claim.id, effect=effect.id)
    return Finding(FindingKind.DONE_NOT_CLAIMED, say("done_not_claimed"), effect=effect.id)


def _compare(effect: Effect, claim: Claim, in_text: set[bytes], book: Book) -> FindingKind | None:
    """How one claim stands to one effect; None when it speaks of something else."""
    if effect.kind not in SPEAKS_OF[claim.type]:
        return None
    in_claim = {*claim.recipients, *claim.names}
    if effect.kind in {Kind.TRANSFER, Kind.APPROVE, Kind.MINT, Kind.BURN}:
        return _compare_amount(effect, claim, in_claim, in_text, book)
    if effect.kind in {Kind.ROLE_CHANGE, Kind.UPGRADE, Kind.DELEGATE} and effect.recipient is not None:
        if effect.recipient in in_claim and effect.target in in_text:
            return FindingKind.CLAIMED_AND_DONE
        aside = in_claim - {effect.target}
        if aside and effect.recipient not in in_text:
            return FindingKind.PARAMETER_DIFFERS
        return FindingKind.NOT_COMPARED
    if effect.kind is Kind.POLICY_SET:
        words = " ".join(span.text for span in claim.spans).casefold()
        if effect.new_value and effect.new_value in words and effect.recipient in in_text:
            return FindingKind.CLAIMED_AND_DONE
        return FindingKind.NOT_COMPARED
    return FindingKind.NOT_COMPARED


def _compare_amount(
    effect: Effect, claim: Claim, in_claim: set[bytes], in_text: set[bytes], book: Book
) -> FindingKind | None:
    assert effect.amount is not None
    of_asset = [amount for amount in claim.amounts if amount.asset in (effect.asset, None)]
    exact = any(matches_amount(amount, effect.asset, effect.amount, book.tokens) for amount in of_asset)
    # A bare number says nothing about which unit it is in: it can agree, not contradict.
    contradicted = not exact and any(amount.asset == effect.asset for amount in claim.amounts)
    people = in_claim - {effect.target}
    named = effect.recipient is None or effect.recipient in in_claim
    stated = named or effect.recipient in in_text
    if exact and stated:
        return FindingKind.CLAIMED_AND_DONE
    if exact:
        return FindingKind.PARAMETER_DIFFERS if people else FindingKind.NOT_COMPARED
    if contradicted:
        if named:
            return FindingKind.PARAMETER_DIFFERS
        if people:
            return None  # it speaks of somebody else
        # An approval of another amount than what is said to be paid is usual (a stream): not comparable.
        return FindingKind.PARAMETER_DIFFERS if effect.kind is Kind.TRANSFER else FindingKind.NOT_COMPARED
    return FindingKind.NOT_COMPARED if named and effect.recipient is not None else None
