# SPDX-License-Identifier: Apache-2.0
"""Claims against effects, and the flags. No model: nothing that a text says or a model answers can take one away.

`flags` sees the text as code sees it and the calls as they decode, never a model's output. `judge` compares what the
quoted sentences claim with what the calls do; an effect that no claim matches always blocks "matches", and so does
whatever `agent.understanding.told` finds when it reads every sentence without any model.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from agent.understanding.effects import ETHER, MAX_EFFECTS, UNLIMITED, Book, Effect, Kind
from agent.understanding.ingest import Document
from agent.understanding.reader import SPEAKS_OF, Claim, ClaimType, addresses_in, amounts_in, matches_amount, names_in
from agent.understanding.told import Told, told
from agent.understanding.words import say
from governance.chain.address import ZERO, checksum
from governance.sentences import Sentence
from policies.notation import visible
from policies.notation.hexadecimal import hex_bytes

LARGE_SHARE_BPS = 1_000  # a tenth of what the treasury holds of an asset
NEAR_NIBBLES = 3  # addresses that differ in so few hexadecimal digits are not two honest addresses
_TINY = 2**32  # precompiles and the zero address resemble each other honestly


class Severity(StrEnum):
    NOTICE = "notice"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True)
class Flag:
    """A computed warning. `effects` are the ids of the calls it is about."""

    code: str
    severity: Severity
    sentence: Sentence
    effects: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.sentence.text

    def as_json(self) -> dict:
        return {
            "code": self.code, "severity": str(self.severity), "text": self.text, "effects": list(self.effects),
            "sentence": self.sentence.as_json(),
        }  # fmt: skip


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


# ---------------------------------------------------------------------------------------------------------- flags


def flags(
    document: Document,
    effects: Sequence[Effect],
    book: Book,
    balances: Mapping[bytes, int] | None = None,
    *,
    actions: int | None = None,
) -> list[Flag]:
    """The warnings that text and calls give by themselves.

    `balances` is what the treasury holds by asset, base units, where known. `actions` is how many calls the proposal
    has (for the case that not all were decoded).
    """
    found = [
        *_of_calls(effects, book),
        *_of_amounts(effects, book, balances or {}),
        *_of_addresses(document, effects, book),
        *_of_text(document),
    ]
    if len(effects) >= MAX_EFFECTS or (actions is not None and actions > MAX_EFFECTS):
        found.append(Flag("too_many_calls", Severity.DANGER, say("too_many_calls", most=MAX_EFFECTS)))
    order = [Severity.DANGER, Severity.WARNING, Severity.NOTICE]
    return sorted(found, key=lambda flag: (order.index(flag.severity), flag.code, flag.text))


def _of_calls(effects: Sequence[Effect], book: Book) -> Iterable[Flag]:
    def ids(chosen: Iterable[Effect]) -> tuple[str, ...]:
        return tuple(effect.id for effect in chosen)

    def where(kind: Kind) -> list[Effect]:
        return [effect for effect in effects if effect.kind is kind]

    if chosen := [effect for effect in effects if effect.delegatecall]:
        yield Flag("delegatecall", Severity.DANGER, say("delegatecall"), ids(chosen))
    if chosen := where(Kind.UPGRADE):
        yield Flag("upgrade", Severity.DANGER, say("upgrade"), ids(chosen))
    if chosen := where(Kind.ROLE_CHANGE):
        yield Flag("admin_change", Severity.WARNING, say("admin_change"), ids(chosen))
    if chosen := where(Kind.UNKNOWN):
        sentence = say("unknown_call") if len(chosen) == 1 else say("unknown_calls", count=len(chosen))
        yield Flag("unknown_call", Severity.WARNING, sentence, ids(chosen))
    if chosen := where(Kind.MINT):
        yield Flag("mint", Severity.WARNING, say("mint"), ids(chosen))
    if chosen := where(Kind.PARAMETER_CHANGE):
        yield Flag("parameter_change", Severity.NOTICE, say("parameter_change"), ids(chosen))
    if chosen := where(Kind.POLICY_SET):
        yield Flag("policy_change", Severity.NOTICE, say("policy_change"), ids(chosen))
    if chosen := where(Kind.PAUSE):
        yield Flag("pause", Severity.NOTICE, say("pause"), ids(chosen))
    if chosen := [e for e in effects if e.kind is Kind.APPROVE and (e.amount or 0) >= UNLIMITED]:
        yield Flag("unlimited_approval", Severity.WARNING, say("unlimited_approval"), ids(chosen))
    moving = {Kind.TRANSFER, Kind.MINT, Kind.APPROVE, Kind.ROLE_CHANGE, Kind.DELEGATE}
    if chosen := [e for e in effects if e.kind in moving and e.recipient == ZERO and (e.amount is None or e.amount)]:
        yield Flag("zero_address", Severity.WARNING, say("zero_address"), ids(chosen))
    into_itself = [e for e in effects if e.kind is Kind.TRANSFER and e.recipient == e.asset and e.asset != ETHER]
    if into_itself:
        yield Flag("token_to_itself", Severity.WARNING, say("token_to_itself"), ids(into_itself))
    if chosen := [e for e in effects if e.asset and e.asset != ETHER and e.amount and e.asset not in book.tokens]:
        yield Flag("unknown_token", Severity.NOTICE, say("unknown_token"), ids(chosen))


def _of_amounts(effects: Sequence[Effect], book: Book, balances: Mapping[bytes, int]) -> Iterable[Flag]:
    by_asset: defaultdict[bytes, list[Effect]] = defaultdict(list)
    for effect in effects:
        # What leaves or may be taken. An unlimited approval has a flag of its own.
        if effect.kind in {Kind.TRANSFER, Kind.APPROVE} and effect.asset is not None and effect.amount:
            if effect.amount < UNLIMITED:
                by_asset[effect.asset].append(effect)
        elif effect.value_wei:
            by_asset[ETHER].append(effect)
    for asset, chosen in by_asset.items():
        balance = balances.get(asset)
        if balance is None:
            continue
        total = sum(e.amount or 0 if e.asset == asset else e.value_wei for e in chosen)
        if total * 10_000 >= balance * LARGE_SHARE_BPS:
            ids = tuple(effect.id for effect in chosen)
            code = "more_than_held" if total > balance else "large_share"
            sentence = say(code, amount=book.amount(asset, total), held=book.amount(asset, balance))
            yield Flag("large_share", Severity.WARNING, sentence, ids)


def _of_addresses(document: Document, effects: Sequence[Effect], book: Book) -> Iterable[Flag]:
    in_text = addresses_in(document.text)
    used = {address: effect.id for effect in reversed(effects) for address in effect.addresses}
    others = list(dict.fromkeys([*book.names, *book.tokens, *in_text, *used]))
    pairs = {
        tuple(sorted((mine, other)))
        for mine in used
        for other in others
        if mine != other and _look_alike(mine, other) and not (mine in book.names and other in book.names)
    }
    for first, second in sorted(pairs):
        ids = tuple(sorted({used[address] for address in (first, second) if address in used}))
        sentence = say("lookalike_address", address=checksum(first), other=checksum(second))
        yield Flag("lookalike_address", Severity.DANGER, sentence, ids)
    for match in re.finditer(r"(?<![0-9A-Za-z])0x[0-9a-fA-F]{40}(?![0-9a-fA-F])", document.text):
        digits = match[0][2:]
        mixed = digits not in (digits.lower(), digits.upper())
        if mixed and match[0] != checksum(hex_bytes(match[0])):
            yield Flag("bad_checksum", Severity.WARNING, say("bad_checksum", address=match[0]))


def _look_alike(one: bytes, other: bytes) -> bool:
    """The same four first and last digits, which is what people compare, or only a few digits apart."""
    a, b = int.from_bytes(one, "big"), int.from_bytes(other, "big")
    if a < _TINY or b < _TINY:
        return False
    if one[:2] == other[:2] and one[-2:] == other[-2:]:
        return True
    return 40 - f"{a ^ b:040x}".count("0") <= NEAR_NIBBLES


def _of_text(document: Document) -> Iterable[Flag]:
    if document.is_empty:
        yield Flag("empty_text", Severity.WARNING, say("empty_text"))
    for hidden in document.hidden:
        is_seen = hidden.is_shown and hidden.kind not in list(visible.Kind)  # by readers of our page, without effort
        severity = Severity.NOTICE if is_seen else Severity.WARNING
        yield Flag("hidden_text", severity, say(f"hidden_{hidden.kind}", count=hidden.count))
    if document.truncated:
        yield Flag("long_text", Severity.WARNING, say("long_text"))


# -------------------------------------------------------------------------------------------------------- verdict


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
