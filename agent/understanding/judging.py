# SPDX-License-Identifier: Apache-2.0
"""Does the text say what the calls do? Code reads every sentence that the page shows; no model takes part.

`judge` is pure: document, effects and book in, outcome and findings out. A wrong yes costs members money, a missing yes
costs them a look: where the words leave a doubt, an effect counts as told in part.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from agent.understanding.described import as_code, calldata_of, tell, whole_scopes
from agent.understanding.doubts import Doubt, doubts_of
from agent.understanding.effects import MAX_EFFECTS, Book, Effect
from agent.understanding.gate import Facts, LeftOver, facts_of, left_over, not_whole
from agent.understanding.ingest import Document
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.mentions.quantities import Unit
from agent.understanding.moods import Mood, is_explicit, level, mood_of
from agent.understanding.naming import names_of, symbols_of
from agent.understanding.orders import MAX_ORDERS, Order, Read, orders_in, read_passage
from agent.understanding.passages import MAX_CHARS, MAX_PASSAGES, Shape, passages
from agent.understanding.permissions import is_permission
from agent.understanding.scopes import Scope, scopes
from agent.understanding.steps import step_of, tell_steps
from agent.understanding.telling import (
    MAX_PAIRS,
    Context,
    Level,
    Telling,
    Told,
    acts_for,
    compare,
    is_money,
    recipients_by_place,
)
from agent.understanding.twins import unsure
from governance.chain.address import checksum
from policies.notation.amounts import base_units
from policies.notation.hexadecimal import hex_text

_SAMPLE = 300  # characters of a quoted sentence


class Outcome(StrEnum):
    """What comes of comparing text and calls, worst first."""

    NO_CALLS = "no_calls"
    DIFFERS = "differs"
    NOT_TOLD = "not_told"
    CANT_BE_CHECKED = "cant_be_checked"
    TOLD_IN_PART = "told_in_part"
    TOLD = "told"


class Status(StrEnum):
    """How the text speaks of one effect, or (not done) what the calls make of one order."""

    DIFFERS = "differs"
    NOT_TOLD = "not_told"
    OPAQUE = "opaque"
    IN_PART = "told_in_part"
    TOLD = "told"
    NOT_DONE = "not_done"
    DOUBT = "doubt"  # of the whole text
    NOT_COMPARED = "not_compared"  # beside a plain "told": sentences that were taken for reasons


@dataclass(frozen=True)
class Quote:
    """A place in the text that the page shows: `document.text[start:end]`, cut."""

    start: int
    end: int
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "text": self.text}


@dataclass(frozen=True)
class Finding:
    """One comparison. `codes` say what is missing or differs, in order; `effect` is an effect's id, "" for an order.
    `count`: of how many sentences it is, where it is of several, the first of which is quoted."""

    status: Status
    effect: str = ""
    codes: tuple[str, ...] = ()
    quote: Quote | None = None
    count: int = 0


@dataclass(frozen=True)
class Verdict:
    """Whether the text tells the calls, and on what that rests: a finding for each effect, then the orders not done."""

    outcome: Outcome
    findings: tuple[Finding, ...]
    orders_not_done: tuple[Quote, ...] = ()

    def of(self, effect_id: str) -> Finding | None:
        """Return the finding about an effect."""
        return next((finding for finding in self.findings if finding.effect == effect_id), None)


@dataclass
class _Text:
    """A document with all that was read in it."""

    document: Document
    reads: list[Read]
    orders: list[Order]
    scopes: list[Scope]
    doubts: list[Doubt] = field(default_factory=list)
    left_over: list[LeftOver] = field(default_factory=list)  # words that no rule uses
    reasons: list[LeftOver] = field(default_factory=list)  # sentences that are free and not compared
    small: str = ""  # the text in small letters, of the same length
    is_cut: bool = False  # not all of it was read: what comes after may say anything

    def quote(self, start: int, end: int) -> Quote:
        return Quote(start, end, " ".join(self.document.text[start:end][: 4 * _SAMPLE].split())[:_SAMPLE])


def judge(document: Document, effects: Sequence[Effect], book: Book) -> Verdict:
    """Compare every sentence that the page shows with every effect. Never raises, whatever the text holds."""
    symbols, by_symbol = symbols_of(book)
    names = names_of(document, book)
    found, _ = passages(document)
    reads = [read_passage(passage, names, symbols) for passage in found]
    orders: list[Order] = []
    for read in reads:
        orders += orders_in(read, names, symbols)
        if len(orders) > MAX_ORDERS:
            break
    text = _Text(document, reads, orders, scopes(reads))
    text.small = document.text.lower() if len(document.text.lower()) == len(document.text) else level(document.text)
    is_long = any(len(one.text) > MAX_CHARS and one.shape is not Shape.CODE for one in found)
    is_many = len(found) >= MAX_PASSAGES or len(orders) > MAX_ORDERS or len(orders) * len(effects) > MAX_PAIRS
    text.is_cut = document.truncated or is_long or is_many
    tokens = frozenset(book.tokens)
    groups, sections = recipients_by_place(reads, tokens | names.own)
    named = {
        (read.passage.start, read.passage.end): frozenset(one for party in read.parties for one in party.addresses)
        for read in reads
    }
    context = Context(book, by_symbol, names.own, groups, sections, tokens, named)
    money = compare(orders, effects, context)
    steps = set(map(id, tell_steps(orders, effects, money.of, context)))
    for listed in (money.not_done, money.less_often, money.more):
        listed[:] = [order for order in listed if id(order) not in steps]
    text.doubts = doubts_of(reads, orders, money.more, effects, names)
    findings = [_of_effect(effect, money, text, book) for effect in effects]
    findings = _once(_denied_by_only(findings, effects, text), effects)
    findings = _beside_orders(findings, effects, text, book, money)
    findings = _twice(findings, effects, reads)
    not_done = _not_done(money, text, effects)
    findings = _gated(findings, effects, text, facts_of(effects, book, names, symbols, by_symbol), money)
    return _verdict(text, effects, findings, not_done)


def _twice(findings: list[Finding], effects: Sequence[Effect], reads: Sequence[Read]) -> list[Finding]:
    """Keep no plain "told" of two calls where words that tell the one may hide the other."""
    told = {one.effect: (one.quote.start, one.quote.end) for one in findings if one.quote and one.status is Status.TOLD}
    twins = unsure(effects, told, reads)
    return [
        replace(finding, status=Status.IN_PART, codes=("doubt_both",)) if finding.effect in twins else finding
        for finding in findings
    ]


def _gated(findings: list[Finding], effects: Sequence[Effect], text: _Text, facts: Facts, money: Told) -> list[Finding]:
    """Keep a plain "told" only where no word is left over: in the text where all is told, else in an effect's words."""
    told = {finding.effect for finding in findings if finding.status is Status.TOLD}
    if not told:
        return findings
    described = {
        effect.id: whole_scopes(effect, text.scopes, facts.book)
        for effect in effects
        if effect.id in told and effect.id not in money.whole
    }
    orders = {effect: found for effect, found in money.whole.items() if effect in told}
    if len(told) == len(findings):
        text.left_over, text.reasons = left_over(text.reads, facts, orders, described)
        partly = told if text.left_over else set()
    else:
        partly = set(not_whole(text.reads, facts, orders, described))
    return [
        replace(finding, status=Status.IN_PART, codes=("left_over",)) if finding.effect in partly else finding
        for finding in findings
    ]


# ---------------------------------------------------------------------------------------------------------- the effects


def _of_effect(effect: Effect, money: Told, text: _Text, book: Book) -> Finding:
    if effect.is_opaque or effect.delegatecall:
        return Finding(Status.OPAQUE, effect.id, ("delegatecall",) if effect.delegatecall else ("opaque",))
    telling = money.of.get(effect.id) if is_money(effect) else None
    if telling is None or telling.level <= Level.OFF:
        other = None if is_money(effect) and str(effect.kind) != "refund" else tell(effect, text.scopes, book)
        if other is not None and (telling is None or other.level > telling.level):
            telling = other
    if telling is not None and telling.level is Level.WHOLE:
        return _whole(effect, telling, text)
    if telling is not None and telling.level is Level.PART:
        return Finding(Status.IN_PART, effect.id, telling.codes, text.quote(telling.start, telling.end))
    code = as_code(effect, text.small)
    if code is not None:
        if not effect.moves and str(effect.kind) != "call":
            return _whole(effect, Telling(Level.WHOLE, (), *code), text)
        if telling is None:
            return Finding(Status.IN_PART, effect.id, ("code_only",), text.quote(*code))
    if telling is not None:
        return Finding(Status.DIFFERS, effect.id, telling.codes, text.quote(telling.start, telling.end))
    if effect.moves:
        return Finding(Status.NOT_TOLD, effect.id, (effect.moves,))
    is_call = str(effect.kind) == "call"  # its function is known, and not what it does
    return Finding(Status.IN_PART, effect.id, ("call_not_mentioned" if is_call else "not_mentioned",))


def _whole(effect: Effect, telling: Telling, text: _Text) -> Finding:
    quote = text.quote(telling.start, telling.end)
    if effect.source == "proposal":
        return Finding(Status.IN_PART, effect.id, ("proposals_word",), quote)
    if text.is_cut:
        return Finding(Status.IN_PART, effect.id, ("doubt_truncated",), quote)
    if text.doubts:
        return Finding(Status.IN_PART, effect.id, (f"doubt_{text.doubts[0].code}",), quote)
    if effect.chain or str(effect.kind) == "bridge":
        return Finding(Status.IN_PART, effect.id, ("other_chain",), quote)
    return Finding(Status.TOLD, effect.id, (), quote)


def _once(findings: list[Finding], effects: Sequence[Effect]) -> list[Finding]:
    """Of equal calls that no orders count, a mention tells the first."""
    seen: set[tuple] = set()
    once = []
    for finding, effect in zip(findings, effects, strict=True):
        same = (effect.function, effect.target, effect.path, effect.through, tuple(map(repr, effect.arguments)))
        is_counted = is_money(effect) or effect.along or not effect.function
        if not is_counted and same in seen and finding.status in (Status.TOLD, Status.IN_PART):
            status = Status.NOT_TOLD if effect.moves else Status.IN_PART
            once.append(Finding(status, effect.id, ("more_often",), finding.quote))
            continue
        seen.add(same)
        once.append(finding)
    return once


_ONLY = re.compile(
    r"\b(?:this(?: (?:proposal|vote|call|transaction))?|it|we|the (?:proposal|call|vote))\s+(?:will\s+)?"
    r"(?:only|just|merely|simply|solely)\s+(?P<verb>[^\W\d_]+)|\bnothing but\b|\bno (?:funds|money|tokens|payments?) "
    r"(?:are|is|move|moves|will)\b|\bmoves? no (?:funds|money|tokens)\b|\bdoes not move (?:any )?(?:funds|money|"
    r"tokens)\b"
)
_PAYS = ("pay", "send", "transfer", "fund", "grant", "reimburse", "compensate", "approve", "mint", "disburse")


def _denied_by_only(findings: list[Finding], effects: Sequence[Effect], text: _Text) -> list[Finding]:
    """ "This only renews a domain": the words deny every effect of money or power that they do not tell."""
    denying = None
    for read in text.reads:
        if read.passage.shape is Shape.CODE or read.passage.is_quoted:
            continue
        plain = read.passage.text.casefold()
        match = _ONLY.search(plain)
        says_so = match is not None and not (match["verb"] or "").startswith(_PAYS)
        if says_so or ("nothing else" in plain and not any(word in plain for word in _PAYS)):
            denying = read
            break
    if denying is None:
        return findings
    moves = {effect.id: effect.moves for effect in effects}
    quote = text.quote(denying.passage.start, denying.passage.end)
    return [
        Finding(Status.DIFFERS, finding.effect, ("only",), quote)
        if moves.get(finding.effect) and finding.status is Status.IN_PART and "code_only" in finding.codes
        else finding
        for finding in findings
    ]


_CLAIMS: tuple[tuple[frozenset[Act], frozenset[str], str, str], ...] = (
    # Acts, kinds of effects that fulfil them, words of functions that do, and nouns that make it a claim about a call.
    (frozenset({Act.MINT}), frozenset({"mint"}), "mint|issue", r"\btokens?\b|\bsupply\b|\d"),
    (frozenset({Act.BURN}), frozenset({"burn"}), "burn", r"\btokens?\b|\bsupply\b|\d"),
    (frozenset({Act.UPGRADE}), frozenset({"upgrade"}), "upgrade|implementation|code|migrate",
     r"\bproxy\b|\bimplementation\b|0x[0-9a-f]{40}"),
    (frozenset({Act.PAUSE}), frozenset({"pause"}), "pause|halt",
     r"\bcontract\b|\bbridge\b|\bprotocol\b|0x[0-9a-f]{40}"),
    (frozenset({Act.UNPAUSE}), frozenset({"pause"}), "unpause|resume", r"\bcontract\b|\bbridge\b|0x[0-9a-f]{40}"),
    (frozenset({Act.DELEGATE}), frozenset({"delegate"}), "delegate", r"\bvot(?:es|ing)\b|\btokens?\b|0x[0-9a-f]{40}"),
    (frozenset({Act.CREATE, Act.STREAM}), frozenset({"stream"}), "stream|flow|vest", r"\bstreams?\b|\bvesting\b"),
    (frozenset({Act.CLAIM}), frozenset({"stream"}), "withdraw|claim|sweep|redeem|collect|unwrap|downgrade|harvest",
     r"\bbalance\b|\bfunds\b|\brewards?\b|\btokens?\b|\beth\b"),
    (frozenset({Act.RENEW}), frozenset({"name"}), "renew", r"\bdomain\b|\bname\b|\.eth\b|\blease\b"),
    (frozenset({Act.REVOKE}), frozenset({"taken"}), "revoke|remove|disable|renounce|swap",
     r"_role\b|\brole\b|\bowner\b|\bsigner\b|\bcontroller\b|\bmodule\b|\bguardian\b|\badmin\b"),
    (frozenset({Act.GRANT}), frozenset({"given"}), "swap|assign|allow|scope",
     r"_role\b|\b\w+ role\b|\bowner of\b|\bas (?:a |the )?(?:signer|owner|controller|module|guardian|admin)\b"),
)  # fmt: skip
_WILL_BE = re.compile(r"\b(?:(?:will|shall|must|should) be|is to be|are to be)\s+$")
_IS_PARAMETER = re.compile(
    r"\b(?:voting period|voting delay|proposal threshold|quorum|timelock delay|voting window)\b.{0,60}\bto\b|"
    r"\b(?:voting period|voting delay|proposal threshold|quorum|timelock delay|voting window) becomes\b"
)


def _not_done(money: Told, text: _Text, effects: Sequence[Effect]) -> list[tuple[str, Quote]]:
    """What the text orders and no call does, with a code each."""
    found: dict[tuple[int, int], tuple[str, Quote]] = {}
    for order in money.not_done:
        passage = order.passage
        found[(passage.start, passage.end)] = ("order", text.quote(passage.start, passage.end))
    for order in money.less_often:
        passage = order.passage
        found.setdefault((passage.start, passage.end), ("less_often", text.quote(passage.start, passage.end)))
    for order in text.orders:
        passage = order.passage
        if effects and _pays_nobody(order, effects):
            found.setdefault((passage.start, passage.end), ("order", text.quote(passage.start, passage.end)))
    kinds = {str(effect.kind) for effect in effects} | _directions(effects)
    allows = any(map(is_permission, effects))
    functions = " ".join(effect.function.split("(")[0].casefold() for effect in effects)
    for read in text.reads:
        passage = read.passage
        if (
            passage.shape in (Shape.CODE, Shape.RECORD, Shape.ROW)
            or passage.is_quoted
            or (passage.start, passage.end) in found
        ):
            continue
        if allows and any("permission" in one.casefold() for one in (*passage.leads, *passage.headings[-1:])):
            continue  # it lists what a role may do
        code = _claim(read, kinds, functions, effects)
        if code:
            found[(passage.start, passage.end)] = (code, text.quote(passage.start, passage.end))
    for start, end in _calldata_of_no_call(text, effects):
        found.setdefault((start, end), ("calldata", text.quote(start, end)))
    return list(found.values())


_CALLDATA = re.compile(r"(?<![0-9a-zA-Z])0x[0-9a-fA-F]{8}(?:[0-9a-fA-F]{64}){1,400}(?![0-9a-zA-Z])")


def _calldata_of_no_call(text: _Text, effects: Sequence[Effect]) -> list[tuple[int, int]]:
    """Where a text that lists its calls' data has data that no call has: it lists a call that is not made."""
    made = [calldata_of(effect) for effect in effects if effect.function and not effect.along]
    if not made or None in made:
        return []  # a call's data can't be made again, so it may be what is listed
    known = {hex_text(data) for data in made if data}
    shown = text.document.text
    found = [
        (match.start(), match.end(), match[0].lower())
        for read in text.reads
        if not read.passage.is_quoted
        for match in _CALLDATA.finditer(shown, read.passage.start, read.passage.end)
    ]
    if not any(data in known for *_, data in found):
        return []  # it does not list them
    inner = [data[2:] for data in known]
    return [
        (start, end)
        for start, end, data in found[:_MOST_LISTED]
        if data not in known and not any(one in data for one in inner)  # a container's data has those of its calls
    ]


_MOST_LISTED = 300


def _pays_nobody(order: Order, effects: Sequence[Effect]) -> bool:
    """Whether an order without an amount pays somebody known whom no call pays: a title "Pay Ben"."""
    if order.quantity is not None or order.mood is not Mood.ORDER or len(order.recipients) != 1 or order.is_unlimited:
        return False
    if not order.acts & {Act.TRANSFER, Act.MINT} or order.passage.shape not in _SENTENCES:
        return False
    before = order.passage.text[: order.start - order.passage.start].casefold()
    if any(map(str.isalpha, before)) and not re.search(r"\b(?:this proposal|it|we)\b[^.]{0,20}$", before):
        return False
    if _GOES.match(order.passage.text[order.start - order.passage.start :].casefold()):
        return False
    return not any(order.recipients[0] in effect.addresses for effect in effects)


# Nothing that could be paid stands between the verb and whom it goes to: "Move to the new governor".
_GOES = re.compile(
    r"^(?:moves?|moving|transfers?|transferring|switch|migrate|go|goes|send|release) (?:over )?(?:to|into)\b"
)
_SENTENCES = (Shape.HEADING, Shape.SENTENCE, Shape.ITEM)


def _directions(effects: Sequence[Effect]) -> set[str]:
    """Whether power is given or taken by any of the effects."""
    found = set()
    for effect in effects:
        if str(effect.kind) in ("role_change", "call", "name"):
            taken = re.match(r"_?(?:revoke|remove|disable|renounce|swap|deny|diss|delete)", effect.function) is not None
            found.add("taken" if taken or effect.new_value == "false" else "given")
    return found


def _claim(read: Read, kinds: set[str], functions: str, effects: Sequence[Effect]) -> str:
    plain = read.voice.folded
    for act in read.voice.acts:
        if act.tense is not Tense.NOW:
            continue
        before = plain[: act.start]
        is_first = not any(map(str.isalpha, before)) and not act.word.endswith("ing")
        if not (is_first or is_explicit(read.voice, act)):
            continue
        mood, _ = mood_of(read.voice, act, act.start, read.passage)
        if mood is not Mood.ORDER:
            continue
        for acts, fulfilling, names, nouns in _CLAIMS:
            if not act.acts & acts or re.search(nouns, plain[act.end :]) is None:
                continue
            if act.acts & {Act.TRANSFER} and any(q.unit in (Unit.TOKEN, Unit.MONEY) for q in read.quantities):
                continue
            if act.word.startswith("replac") and {"given", "taken"} <= kinds:
                continue  # a holder of a role by another
            if not (kinds & fulfilling or re.search(names, functions)):
                return f"claim_{sorted(acts)[0]}"
    if _IS_PARAMETER.search(plain) and any(act.acts & {Act.SET} and act.tense is Tense.NOW for act in read.voice.acts):
        act = next(one for one in read.voice.acts if one.acts & {Act.SET} and one.tense is Tense.NOW)
        mood, _ = mood_of(read.voice, act, act.start, read.passage)
        plainly = (
            not any(map(str.isalpha, plain[: act.start]))
            or is_explicit(read.voice, act)
            or "becomes" in plain
            or _WILL_BE.search(plain[: act.start]) is not None
        )
        if (
            mood is Mood.ORDER
            and read.quantities
            and plainly
            and not any(str(effect.kind) in ("parameter_change", "call") for effect in effects)
        ):
            return "claim_set"
    return ""


def _of_unknown_token(finding: Finding, effects: Sequence[Effect], text: _Text, book: Book) -> Order | None:
    """An order whose verb and amount are those of a call to a known contract that moves a token which the call does not
    name: "Deposit 100 USDC into the vault"."""
    effect = next(effect for effect in effects if effect.id == finding.effect)
    if effect.asset is not None or not effect.amount or effect.along or not book.knows(effect.target):
        return None
    for order in text.orders:
        quantity = order.quantity
        if order.mood is not Mood.ORDER or quantity is None or quantity.unit is not Unit.TOKEN:
            continue
        decimals = [t.decimals for t in book.tokens.values() if t.symbol == quantity.symbol]
        is_said = effect.target in order.recipients or not (order.recipients or order.recipient_name)
        is_equal = len(decimals) == 1 and base_units(quantity.readings[0], decimals[0]) == effect.amount
        if order.acts & acts_for(effect) and is_said and is_equal:
            return order
    return None


def _beside_orders(
    findings: list[Finding], effects: Sequence[Effect], text: _Text, book: Book, money: Told
) -> list[Finding]:
    """Money that no word tells, in a text that orders other money, or that only words which no page shows tell: such a
    text says something else. "Not told" is left for a text that speaks of no payment at all."""
    ordered = next((order for order in text.orders if order.mood is Mood.ORDER and order.quantity), None)
    by_id = {effect.id: effect for effect in effects}
    hides = any(not notice.is_shown for notice in text.document.hidden)
    source = text.document.source.casefold() if hides else ""

    def worded(finding: Finding) -> Finding:
        if finding.status is not Status.NOT_TOLD:
            return finding
        if (order := _of_unknown_token(finding, effects, text, book)) is not None:
            passage = order.passage
            return Finding(Status.IN_PART, finding.effect, ("token",), text.quote(passage.start, passage.end))
        if (step := step_of(by_id[finding.effect], effects, money.of)) is not None:
            return Finding(Status.IN_PART, finding.effect, ("verb",), text.quote(step.start, step.end))
        effect = by_id[finding.effect]
        if is_money(effect) and (twin := _twin(effect, findings, by_id)) is not None:
            return Finding(Status.DIFFERS, finding.effect, ("more_often",), twin.quote)
        if ordered and "money" in finding.codes:
            passage = ordered.passage
            return Finding(Status.DIFFERS, finding.effect, ("beside",), text.quote(passage.start, passage.end))
        recipient = by_id[finding.effect].recipient
        if hides and recipient and checksum(recipient).casefold() in source:
            return Finding(Status.DIFFERS, finding.effect, ("hidden",))
        return finding

    return [worded(finding) for finding in findings]


def _twin(effect: Effect, findings: Sequence[Finding], by_id: Mapping[str, Effect]) -> Finding | None:
    """The finding of an equal effect that a sentence tells: that sentence then mentions the one, and not the other."""
    what = _what(effect)
    told = (finding for finding in findings if finding.status in (Status.TOLD, Status.IN_PART) and finding.quote)
    return next((finding for finding in told if _what(by_id[finding.effect]) == what), None)


def _what(effect: Effect) -> tuple:
    """What is equal of two effects that no words could tell apart."""
    return (str(effect.kind), effect.asset, effect.amount, effect.recipient, effect.sender, effect.chain)


# ---------------------------------------------------------------------------------------------------------- the outcome


def _verdict(
    text: _Text,
    effects: Sequence[Effect],
    findings: Iterable[Finding],
    not_done: Sequence[tuple[str, Quote]],
) -> Verdict:
    listed = list(findings)
    quotes = tuple(quote for _, quote in not_done)
    orders = [Finding(Status.NOT_DONE, "", (code,), quote) for code, quote in not_done]
    doubts = [
        Finding(Status.DOUBT, "", (one.code,), text.quote(one.read.passage.start, one.read.passage.end))
        for one in text.doubts[:3]
    ]
    doubts += [
        Finding(Status.DOUBT, "", (f"left_{one.code}",), text.quote(one.start, one.end)) for one in text.left_over[:3]
    ]
    if not effects:
        return Verdict(Outcome.NO_CALLS, (*orders, *doubts), quotes)
    statuses = {finding.status for finding in listed}
    is_opaque = Status.OPAQUE in statuses
    # An order may be what a call does that nobody can read; what contradicts an effect that is read stays red.
    unfulfilled = bool(orders) and not is_opaque
    if Status.DIFFERS in statuses or unfulfilled:
        outcome = Outcome.DIFFERS
    elif Status.NOT_TOLD in statuses:
        outcome = Outcome.NOT_TOLD
    elif is_opaque:
        outcome = Outcome.CANT_BE_CHECKED
    elif Status.IN_PART in statuses or len(effects) >= MAX_EFFECTS:
        outcome = Outcome.TOLD_IN_PART
    else:
        outcome = Outcome.TOLD
        if text.reasons:
            first = text.quote(text.reasons[0].start, text.reasons[0].end)
            doubts.append(Finding(Status.NOT_COMPARED, quote=first, count=len(text.reasons)))
    return Verdict(outcome, (*listed, *orders, *doubts), quotes)
