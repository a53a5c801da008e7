# SPDX-License-Identifier: Apache-2.0
"""Requests: what somebody asks for, in words, and the candidates that code derives from them.

No model reads a request to find an address or an amount: a small grammar does, and what it does not understand it says.
Every value of a candidate carries where it came from. Only a candidate that is exactly the roster, for the month now or
the month before, from words that can be read in one way, has no difference here; every other one needs the operator's
signature, whatever the model says. What else can need it (who asks, when the roster was signed) the planner adds.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import rfc8785
from django.db import transaction
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.acts.policy import in_force
from agent.acts.rosters import Line
from agent.acts.tokens import Token
from agent.models import Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.chain.address import ZERO, checksum
from governance.fields import UINT256_MAX
from governance.models import Dao

MAX_TEXT = 500
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH_BY_WORD = {name: i for i, name in enumerate(_MONTHS, 1)} | {name[:3]: i for i, name in enumerate(_MONTHS, 1)}
_MONTH_BY_WORD["sept"] = 9
_EVERYONE = {"contributors", "contributor", "everyone", "everybody", "all", "team", "roster", "payroll"}
_EXCEPT = {"except", "without", "excluding"}
# Words that turn a request round or make it conditional: nothing is derived from a text that holds one.
_TURNING = {
    "not", "don't", "dont", "never", "no", "none", "nobody", "stop", "cancel", "unless", "if", "when", "instead",
    "only", "twice", "double", "again", "half", "except", "without", "excluding", "but", "until", "after", "before",
    "ignore", "cannot", "cant", "wont", "neither", "nor", "or", "either", "refuse", "avoid", "rather",
    "nothing", "nil", "zero",
}  # fmt: skip
# What the agent can't do: it only pays. The first wherever it stands; the others where they stand for the order.
_REVERSING = {
    "claw", "clawback", "reclaim", "revoke", "reverse", "withhold", "deduct", "undo", "withdraw", "confiscate",
}  # fmt: skip
_OTHER_ORDERS = _REVERSING | {
    "refund", "recover", "repay", "return", "reduce", "cut", "charge", "invoice", "collect", "back", "void", "reject",
    "skip", "hold", "suspend", "freeze", "postpone", "delay", "defer", "borrow", "lend", "owe", "owes", "owed", "take",
}  # fmt: skip
# Words that make an amount another one. The others do so only before the purpose: "for the work over the weekend".
_CHANGING = {"minus", "plus", "less", "percent"}
_VAGUE = _CHANGING | {
    "about", "around", "approximately", "approx", "roughly", "circa", "ca", "nearly", "almost", "up", "most", "least",
    "minimum", "maximum", "between", "more", "over", "under", "negative",
}  # fmt: skip
_ASKING = {
    "did", "do", "does", "has", "have", "had", "was", "were", "is", "are", "am", "will", "would", "could", "can",
    "should", "shall", "might", "who", "whom", "whose", "what", "when", "where", "why", "how", "which",
}  # fmt: skip
_OVER = {"paid", "already"}  # of something that happened, wherever it stands
_OVER_BEFORE_THE_ORDER = _OVER | {
    "was", "were", "been", "did", "had", "sent", "transferred", "received", "got", "yesterday", "ago", "pays", "paying",
}  # fmt: skip
_ORDERS = {"pay", "send", "transfer", "remit", "disburse"}
# What may stand before the order without making it another sentence. It still has a person look.
_OPENING = {
    "hi", "hello", "hey", "dear", "kindly", "now", "today", "i", "we", "you", "it", "it's", "is", "should", "must",
    "need", "want", "would", "like", "let's", "lets", "us", "time", "have", "go", "ahead", "and",
}  # fmt: skip
_PLAIN = {
    "pay", "please", "the", "a", "an", "for", "to", "of", "in", "and", "month", "month's", "salary", "salaries",
    "wages", "their", "our", "her", "his", "amount", "amounts", "each", "every", "whole", "full", "usual", "monthly",
    "on", "from", "treasury", "agent", "as", "usually", "payment", "payments", "make", "send", "transfer", "x", "per",
    "person",
} | _EVERYONE  # fmt: skip
_TOTAL = {"total", "together", "altogether", "overall", "combined"}
_LIST_WORDS = {"and", "the", "each", "every"}  # between two payees or a payee and an amount, of one list
_PER_PAYEE = {"person", "head", "payee"} | _EVERYONE
_ARTICLES = {"a", "an", "per", "each", "every", "the"}
_SALARY, _ADDING = {"salary", "salaries", "wages", "roster", "payroll"}, {"and", "&", "+", ","}
_ON_TOP = {"and", "&", "+", "top", "addition", "besides", "beside", "extra", "additional", "with", "including"}
_CROWD = {"contributors", "contributor", "everyone", "everybody", "team"}  # who may be meant to pay, before the order
_TIMES = ("x", "×", "times")
_DIGITS = "0123456789"

_TOKEN = re.compile(
    r"(?P<address>0x[0-9a-fA-F]{40}(?![0-9a-zA-Z]))"
    r"|(?P<period>\b20\d\d-(?:0[1-9]|1[0-2])(?![\w-]))"
    r"|(?P<name>\x00\d+\x00)"
    r"|(?P<word>[^\W\d_](?:[\w'.-]*\w)?)"  # USDC.e is another token than USDC
    r"|(?P<number>[^\s\x00:;]*\d[^\s\x00]*)"  # whatever is written in one with a digit: a sign, a unit, a range
    r"|(?P<mark>[.,;:!()&+×])"
    r"|(?P<other>\S)"
)
# An order that can be meant in one way only, each piece of the text by its kind (`_kind`) or as the word it is. Known
# words in another order ("the contributors pay the treasury", "pay the agent the salaries") say something else.
_WHO = (
    r"(?:(?:all )?(?:of )?(?:the |our )?(?:whole )?(?:contributors|team|roster|payroll)|everyone|everybody|all"
    r"|(?:each|every) contributor|name(?: (?:and |& )?name)*)"
)
_PAID, _SHARE = r"(?:(?:number times )?number unit)", r"(?:each|to each|per person|per contributor|in total)"
_WHEN = r"(?:(?:for |in )?(?:(?:the )?month of )?when(?: year)?)"
_THEIRS = r"(?:(?:(?:the|their|her|his) )?(?:(?:full|usual|monthly) )?(?:salary|salaries|wages|payments?|amounts?))"
_PLAIN_ORDER = re.compile(
    rf"(?:agent )?(?:please )?(?:"
    rf"(?:pay|send|transfer|remit|disburse)(?:(?: to)? {_WHO}(?: {_THEIRS})?"
    rf"| {_THEIRS} (?:of|to|for) {_WHO}| {_PAID}(?: {_SHARE})? to {_WHO}"
    rf"|(?: to)? name {_PAID}(?: (?:and |& )?(?:to )?name {_PAID})*)"
    rf"|make (?:the |a )?(?:monthly )?payments?(?: of {_PAID})?(?: {_WHEN})? (?:to|for) {_WHO}"
    rf"|(?:{_WHEN} )?(?:the )?payroll(?: for {_WHO})?)"
    # One way through, or a long text would try them all.
    rf"(?: (?:{_PAID}|{_SHARE}|{_WHEN}|from (?:the |our )?treasury|as usual|in full|please))*"
)
_NUMBER = re.compile(r"(?P<digits>[0-9][0-9,_]*(?:\.[0-9]+)?)(?P<unit>[A-Za-z][A-Za-z0-9]*)?(?P<end>[.,;:!)]*)")
_Piece = tuple[str, str]  # (kind, text)
_PAYEE_KINDS = ("name", "address")


class NotUnderstood(ValueError):
    """Nothing can be derived from the request; the message says what to write instead."""


class RequestError(ValueError):
    """The request can't be taken: empty, too long, or its key was used for another."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the words of a request say, as far as the grammar understands them."""

    period: str  # empty for a one-off payment: amounts, and no month
    everyone: bool
    named: tuple[int, ...] = ()  # positions on the roster, in the order of the text
    excluded: tuple[int, ...] = ()
    strangers: tuple[bytes, ...] = ()  # addresses that stand in the text and not on the roster
    # One amount for all payees, or one for each in the order they stand in the text (asset, base units).
    amounts: tuple[tuple[bytes, int], ...] = ()
    each: bool = False
    in_total: bool = False
    # The place in `order` of the one payee for whom the only amount may be meant, the others as on the roster.
    alone: int | None = None
    count: int | None = None  # "5 x 1,000 USDC"
    order: tuple[int | bytes, ...] = ()  # named and strangers, in the order of the text
    doubts: tuple[str, ...] = ()  # why a person must look: words that were not understood, hidden characters


@dataclass(frozen=True, slots=True)
class PayLine:
    """One payment, and where each of its values came from: `operator` (the signed roster) or `request` (untrusted)."""

    recipient: bytes
    asset: bytes
    amount: int
    period: str
    name: str
    provenance: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the treasury would make."""

    to: bytes
    value_wei: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A candidate: a complete list of calls. `differences` is why the operator must approve it; empty for nobody."""

    label: str
    lines: tuple[PayLine, ...]
    is_roster: bool
    differences: tuple[str, ...] = field(default=())

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(payment_call(line.recipient, line.asset, line.amount) for line in self.lines)


# ------------------------------------------------------------------------------------------------------ pure parsing


def clean(text: str) -> tuple[str, bool]:
    """The text in normal form (NFKC) without invisible characters, and whether it held any."""
    normal = unicodedata.normalize("NFKC", text).replace("’", "'")
    shown = "".join(
        c if unicodedata.category(c)[0] not in "CZ" else (" " if c in " \t\r\n\u00a0" else "") for c in normal
    )
    hidden = any(unicodedata.category(c)[0] in "CZ" and c not in " \t\r\n\u00a0" for c in normal)
    return " ".join(shown.split()), hidden


def month_of(chain_s: int, back: int = 0) -> str:
    """The month (UTC) of a chain time, or `back` months before it, as `2026-11`."""
    moment = datetime.fromtimestamp(chain_s, UTC)
    months = moment.year * 12 + moment.month - 1 - back
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def nearest_year(month: int, now_chain_s: int) -> int:
    """The year that a bare month's name means: up to two months ahead, else the last one that was."""
    now = datetime.fromtimestamp(now_chain_s, UTC)
    ahead = (month - now.month) % 12
    return (now.year * 12 + now.month - 1 + (ahead if ahead <= 2 else ahead - 12)) // 12


def parse(text: str, lines: Sequence[Line], tokens: Sequence[Token], now_chain_s: int) -> Ask:
    """What the words say. Deterministic: the same words, roster and month give the same answer.

    Raises NotUnderstood when there is no month, nobody to pay, anything beside an amount that is not understood, or a
    sentence that is no order to pay: a question, a negation, a condition, something that is over.
    """
    shown, hidden = clean(text)
    doubts = ["the request holds invisible characters"] if hidden else []
    _check_digits(text)
    marked = _mark_names(shown, lines)
    found = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(marked)]
    by_symbol = {token.symbol.casefold(): token for token in tokens}
    _check_speech(shown, found, by_symbol)

    periods: set[str] = set()
    months: set[int] = set()
    years: set[int] = set()
    everyone = each = in_total = is_named_twice = False
    excluding = False
    excluded: list[int] = []
    order: list[int | bytes] = []
    amounts: list[tuple[bytes, int]] = []
    shape: list[str] = []  # "payee", "amount", "to" and "break" (another word between them), as in the text
    count: int | None = None
    unknown: list[str] = []
    by_address = {line.recipient: position for position, line in reversed(list(enumerate(lines)))}
    skip = -1
    for i, (kind, piece) in enumerate(found):
        if i <= skip:
            continue
        following = found[i + 1] if i + 1 < len(found) else ("", "")
        word = piece.casefold()
        if kind in ("period", "other") or (kind == "word" and word not in _LIST_WORDS):
            shape.append("to" if word == "to" else "break")
        if kind == "period":
            periods.add(piece)
        elif kind in ("name", "address"):
            if kind == "name":
                payee: int | bytes = int(piece.strip("\x00"))
            else:
                raw = bytes.fromhex(piece[2:])
                if piece[2:] not in (piece[2:].lower(), piece[2:].upper()) and checksum(raw) != piece:
                    raise NotUnderstood(f"{piece} is mistyped: its checksum is wrong")
                payee = by_address.get(raw, raw)
            if excluding:
                if isinstance(payee, bytes):
                    raise NotUnderstood(f"{checksum(payee)} is to be left out, but it is not on the roster")
                excluded.append(payee)
            elif payee in order:
                is_named_twice = True
            else:
                order.append(payee)
                shape.append("payee")
        elif kind == "number":
            number = _NUMBER.fullmatch(piece)
            if number is None:
                raise _no_amount(piece, tokens)
            digits, unit, end = number["digits"], number["unit"], number["end"]
            behind, length = (unit, 0) if unit else ("" if end else following[1], 1)
            # A symbol has one word, or two: the coin of a chain that nobody listed is called "native units".
            two = " ".join(word for _, word in found[i + 1 : i + 3])
            if not unit and not end and two.casefold() in by_symbol:
                behind, length = two, 2
            if behind.casefold() in by_symbol:
                if re.fullmatch(r"20[0-9][0-9]", digits) and i and found[i - 1][1].casefold() in _MONTH_BY_WORD:
                    raise NotUnderstood(f"{digits} can be read as a year and as an amount: write the month as 2026-11")
                token = by_symbol[behind.casefold()]
                skip = i + length
                _check_beside_amount(
                    found, i, skip, was_counted=count is not None and found[i - 1][1].casefold() in _TIMES
                )
                amounts.append((token.asset, _amount(digits, token)))
                shape.append("amount")
            elif behind.casefold() in _TIMES and digits.isdigit() and not end:
                count, each = int(digits[:9]), True
                skip = i if unit else i + 1
            elif unit is None and re.fullmatch(r"20[0-9][0-9]", digits):
                years.add(int(digits))
                shape.append("break")
            else:
                is_beside = following[0] in ("word", "other") and unit is None and not end
                beside = f"{piece} {following[1]}" if is_beside else piece
                raise _no_amount(beside, tokens)
        elif kind == "word":
            if word in _EXCEPT and following[0] in ("name", "address", "word"):
                excluding = True
            elif word in _MONTH_BY_WORD:
                months.add(_MONTH_BY_WORD[word])
            elif word in ("this", "last") and following[1].casefold() == "month":
                periods.add(month_of(now_chain_s, 0 if word == "this" else 1))
                skip = i + 1
            elif word in _EVERYONE:
                everyone = True
            elif word in ("each", "per"):
                of = following[1].casefold()
                if word == "per" and of not in _PER_PAYEE | {"month"}:
                    raise NotUnderstood(f'"per {following[1][:30]}" is not understood: name one amount for one month')
                each = each or of != "month"  # "900 USDC each month" does not say to whom
            elif word in _TOTAL:
                in_total = True
            elif word in by_symbol and word not in _PLAIN:
                raise NotUnderstood(f'"{piece}" has no amount in digits before it: write e.g. 500 {piece}')
            elif word not in _PLAIN and word not in _ORDERS:
                unknown.append(piece[:30])
        elif kind == "other":
            unknown.append(piece)
    named = [payee for payee in order if isinstance(payee, int)]
    strangers = [payee for payee in order if isinstance(payee, bytes)]

    if unknown:
        doubts.append("the request has words that were not understood: " + ", ".join(unknown[:8]))
    elif not _is_plain_order(found, by_symbol):
        doubts.append("the request is not one of the plain orders to pay: look what it says")
    if is_named_twice:
        doubts.append("somebody is named twice, and would be paid once")
    if excluding and not excluded:
        raise NotUnderstood("somebody is to be left out, but nobody on the roster is named")
    if len(years) > 1 or (years and not months):
        raise NotUnderstood("name one month, e.g. 2026-11")
    periods |= {f"{min(years) if years else nearest_year(month, now_chain_s):04d}-{month:02d}" for month in months}
    if len(periods) > 1:
        raise NotUnderstood("name one month, not several")
    if not everyone and not order:
        raise NotUnderstood('nobody to pay is named: say "the contributors", or names from the roster')
    if not periods and not amounts:
        raise NotUnderstood("name the month that is paid, e.g. 2026-11")
    if everyone and order:
        # "pay the team: ines and jon" can be read both ways, and guessing costs money.
        raise NotUnderstood("the request names both everyone and single people: say one or the other")
    if excluded and not everyone:
        raise NotUnderstood('leaving somebody out needs "the contributors except ..."')
    if in_total and (each or len(amounts) != 1):
        raise NotUnderstood('"in total" needs one amount that is divided: leave "each" and other amounts out')
    if len(amounts) > 1 and (
        everyone or [part for part in shape if part in ("payee", "amount")] != ["payee", "amount"] * len(order)
    ):
        raise NotUnderstood(_WHOSE)
    if is_named_twice and amounts:
        raise NotUnderstood("somebody is named twice: name each once, with what is paid")
    if strangers and not amounts:
        raise NotUnderstood(f"{checksum(strangers[0])} is not on the roster and no amount is named")
    alone = None
    if len(amounts) == 1 and len(order) > 1 and not each and not in_total:
        alone = _alone(shape)
        if alone is not None and (
            not periods or any(isinstance(payee, bytes) for i, payee in enumerate(order) if i != alone)
        ):
            raise NotUnderstood(_WHOSE)  # the others can't be meant to be paid as on the roster
    return Ask(
        period=periods.pop() if periods else "",
        everyone=everyone,
        named=tuple(named),
        excluded=tuple(sorted(set(excluded))),
        strangers=tuple(strangers),
        amounts=tuple(amounts),
        each=each or len(amounts) > 1,
        in_total=in_total,
        alone=alone,
        count=count,
        order=tuple(order),
        doubts=tuple(doubts),
    )


_WHO_PAYS_WHOM = 'it is not clear who pays whom: begin with "pay", and then say who is paid'
_WHOSE = 'it is not clear which amount belongs to whom: write "<name> <amount> <token>" for each'


def _check_digits(text: str) -> None:
    """Raise NotUnderstood for digits that are not 0 to 9 (fullwidth, superscript, circled), and for invisible
    characters beside one: what a person sees there is not what would be read."""
    for character in text:
        is_a_number = unicodedata.category(character)[0] == "N" or any(
            digit in unicodedata.normalize("NFKC", character) for digit in _DIGITS
        )
        if is_a_number and character not in _DIGITS:
            raise NotUnderstood(f'"{character}" is not one of the digits 0 to 9: write amounts with these')
    for one, other in pairwise(text):
        for digit, beside in ((one, other), (other, one)):
            if digit in _DIGITS and unicodedata.category(beside)[0] in "CZ" and beside not in " \t\r\n\u00a0":
                raise NotUnderstood("an invisible character is beside a number: write the number again")


def _check_speech(shown: str, found: Sequence[_Piece], by_symbol: Mapping[str, Token]) -> None:
    """Raise NotUnderstood unless the sentence is an order to pay."""
    for i, (kind, piece) in enumerate(found):
        word, following = piece.casefold(), found[i + 1][0] if i + 1 < len(found) else ""
        leaves_out = word in _EXCEPT and following in ("name", "address", "word")
        if kind == "word" and not leaves_out and (word in _TURNING or word.endswith("n't")):
            raise NotUnderstood(
                f'a request with "{word}" in it is not acted on: say plainly who is paid for which month'
            )
    greeting = ("please", "agent", "hi", "hello", "hey", "dear", ",")
    first = next((piece.casefold() for _, piece in found if piece.casefold() not in greeting), "")
    if any(mark in shown for mark in "?¿؟") or first in _ASKING:
        raise NotUnderstood('this is a question, and the agent only takes orders to pay: begin with "pay"')
    orders = [i for i, piece in enumerate(found) if _is_order(found, i)]
    begins = orders[0] if orders else len(found)
    numbers = [i for i, (kind, _) in enumerate(found) if kind == "number"]
    purpose = next(
        (i for i, (_, piece) in enumerate(found) if numbers and i > numbers[-1] and piece.casefold() in ("for", "as")),
        len(found),
    )
    for i, (kind, piece) in enumerate(found):
        word = piece.casefold()
        if kind != "word":
            behind = found[i + 1 : i + 3]  # "jon for ines", "the salary of jon to ines"
            is_for_another = (
                len(behind) == 2 and behind[0][1].casefold() in ("to", "for", "of") and behind[1][0] in _PAYEE_KINDS
            )
            if kind in _PAYEE_KINDS and ((i < begins and orders) or is_for_another):
                raise NotUnderstood(_WHO_PAYS_WHOM)
            continue
        if word in _CROWD and i < begins and orders:
            raise NotUnderstood(_WHO_PAYS_WHOM)
        if any(digit in word for digit in _DIGITS) and (not numbers or any(map(word.startswith, by_symbol))):
            known = ", ".join(sorted(token.symbol for token in by_symbol.values()))
            raise NotUnderstood(
                f'"{piece[:30]}" was not understood: write a month as 2026-11, an amount as digits and then a token '
                f"(known here: {known or 'none'})"
            )
        if word in _REVERSING or (word in _OTHER_ORDERS and i < begins):
            raise NotUnderstood(f'"{word}" is not something that the agent can do: it only pays')
        if word in _OVER or (word in _OVER_BEFORE_THE_ORDER and i < begins):
            raise NotUnderstood(f'"{word}" tells of something that is over: say what is to be paid')
        if numbers and (word in _CHANGING or (word in _VAGUE and i < purpose)):
            raise NotUnderstood(f'"{word}" makes the amount unclear: write exactly what each is paid')
        if word in _SALARY and _has_an_amount_on_top(found, i):
            raise NotUnderstood(
                "it is not clear whether the amount is the salary or comes on top: write what each is paid"
            )
        if word in ("from", "to", "into") and (word == "from") != _is_the_treasury(found[i + 1 : i + 3]):
            raise NotUnderstood("the agent only pays from the treasury: say who is paid")
    strange = [piece for i, piece in enumerate(found) if _is_strange(piece, by_symbol) and i < begins]
    strange = [piece for piece in strange if not orders or piece[1].casefold() not in _OPENING]
    if strange:
        raise NotUnderstood(
            f'"{strange[0][1][:30]}" was not understood: write in English and begin with "pay", e.g. '
            '"pay the contributors for 2026-11"'
        )


def _has_an_amount_on_top(found: Sequence[_Piece], salary: int) -> bool:
    """Whether an amount may come on top of the salary at this place: nobody is named between them, and they are joined
    ("the salary for November and 500 USDC", "500 USDC on top of the salary")."""
    if [kind for kind, _ in found[salary + 2 : salary + 3]] == ["number"] and found[salary + 1][1] in _ADDING:
        return True
    for side in (found[salary + 1 :], list(reversed(found[:salary]))):
        joined = False
        for kind, piece in side:
            if kind in _PAYEE_KINDS:
                break
            if kind == "number" and not re.fullmatch(r"20[0-9][0-9]", piece):
                if joined:
                    return True
                break
            joined = joined or piece.casefold() in _ON_TOP
    return False


def _is_order(found: Sequence[_Piece], i: int) -> bool:
    """Whether the order to pay begins here: `pay ...`, `make the payment ...`."""
    kind, piece = found[i]
    if kind != "word":
        return False
    return piece.casefold() in _ORDERS or (
        piece.casefold() == "make" and any(other.casefold().startswith("payment") for _, other in found[i + 1 : i + 3])
    )


def _is_plain_order(found: Sequence[_Piece], by_symbol: Mapping[str, Token]) -> bool:
    """Whether the pieces stand in an order that can be meant in one way only."""
    kinds = [_kind(piece, by_symbol) for piece in found]
    text = " ".join(kind for kind in kinds if kind)
    for words, kind in [
        ("this month", "when"),
        ("last month", "when"),
        *((s, "unit") for s in by_symbol if " " in s),
    ]:
        text = text.replace(words, kind)
    return _PLAIN_ORDER.fullmatch(text) is not None


def _kind(piece: _Piece, by_symbol: Mapping[str, Token]) -> str:
    """How a piece stands in `_PLAIN_ORDER`; empty for a mark that ends or parts a sentence."""
    kind, text = piece[0], piece[1].casefold()
    if kind in _PAYEE_KINDS:
        return "name"
    if kind == "number":
        number = _NUMBER.fullmatch(text)
        unit = (number["unit"] or "") if number else ""
        if unit:
            return f"number {_kind(('word', unit), by_symbol)}"
        return "year" if number and re.fullmatch(r"20[0-9][0-9]", number["digits"]) else "number"
    if text in _TIMES:
        return "times"
    if kind == "mark":
        return "" if text in ".,;:!" else text
    if kind == "period" or text in _MONTH_BY_WORD:
        return "when"
    return "unit" if text in by_symbol else text


def _is_strange(piece: _Piece, by_symbol: Mapping[str, Token]) -> bool:
    """Whether the grammar does not know the piece."""
    kind, text = piece
    known = _PLAIN | _ORDERS | _EXCEPT | _TOTAL | _MONTH_BY_WORD.keys() | by_symbol.keys() | {"this", "last"}
    return kind == "other" or (kind == "word" and text.casefold() not in known)


def _is_the_treasury(pieces: Sequence[_Piece]) -> bool:
    words = [piece.casefold() for _, piece in pieces]
    return words[:1] == ["treasury"] or (words[:1] in (["the"], ["our"]) and words[1:] == ["treasury"])


def _check_beside_amount(found: Sequence[_Piece], first: int, last: int, *, was_counted: bool) -> None:
    """Raise NotUnderstood for a sign, mark or word beside the amount at `first` to `last` that is not understood."""
    amount = " ".join(piece for _, piece in found[first : last + 1])
    before = [] if was_counted else list(reversed(found[:first]))
    for beside, is_before in ((before, True), (list(found[last + 1 :]), False)):
        at = next((piece for piece in beside if piece[1].casefold() not in _ARTICLES), ("", ""))
        kind, text = at
        if kind == "mark" and text in ",;:!":  # a word behind it is another matter, a sign is not
            behind = next((piece for piece in beside if piece[0] != "mark"), ("", ""))
            kind, text = behind if behind[0] == "other" else at
        sign = kind == "other" or (is_before and kind == "mark" and text not in ",;:!")
        if kind == "mark" and not is_before and text in "(&+×":  # what they join to the amount must be understood
            behind = next((p for p in beside[1:] if p[1].casefold() not in _ARTICLES), ("", ""))
            sign = behind[0] not in _PAYEE_KINDS and (text in "+×" or _is_strange(behind, {}))
        if sign:
            raise NotUnderstood(f'"{text}" beside {amount} was not understood: write the amount without it')
        if _is_strange(at, {}):
            raise NotUnderstood(
                f'"{text[:30]}" beside {amount} was not understood: leave it out, or say what it is for behind "for"'
            )


def _no_amount(piece: str, tokens: Sequence[Token]) -> NotUnderstood:
    if re.fullmatch(r"[0-9]{1,2}[/.-]20[0-9]{2}|20[0-9]{2}[/.-][0-9]{1,2}", piece):
        return NotUnderstood(f'"{piece}" is not understood: write a month as 2026-11')
    known = ", ".join(sorted(token.symbol for token in tokens))
    if not known:
        return NotUnderstood(f'"{piece[:40]}" is not understood as an amount: no token is known here')
    example = min(token.symbol for token in tokens)
    return NotUnderstood(
        f'"{piece[:40]}" is not understood as an amount: write digits and a token, e.g. 500 {example} '
        f"(tokens known here: {known})"
    )


def _alone(shape: Sequence[str]) -> int | None:
    """The place of the one payee beside the only amount, where other payees stand apart from it; None where all stand
    in one list, so that the amount is for all. Raises NotUnderstood when several stand beside it, and others apart."""
    groups: list[list[int]] = [[]]
    places: list[int | None] = []  # of the payee at each position of the shape
    for part in shape:
        places.append(sum(map(len, groups)) if part == "payee" else None)
        if part == "payee":
            groups[-1].append(sum(map(len, groups)))
        elif part != "to" and groups[-1]:
            groups.append([])
    groups = [group for group in groups if group]
    if len(groups) == 1:
        return None
    at = shape.index("amount")
    ahead = places[at + 1 :]
    if list(shape[at + 1 : at + 3]) == ["to", "payee"]:
        owner = ahead[1]
    elif at and shape[at - 1] == "payee":
        owner = places[at - 1]
    else:  # those that come next, else those that came last
        owner = next((place for place in [*ahead, *reversed(places[:at])] if place is not None), None)
    beside = next(group for group in groups if owner in group)
    if len(beside) > 1:
        raise NotUnderstood(_WHOSE)
    return beside[0]


def _mark_names(text: str, lines: Sequence[Line]) -> str:
    """The text with each roster name replaced by its position. Longest first; a name that is also a word of the grammar
    (a person called April) is left: the month wins, and the person can be named by address."""
    taken = _PLAIN | _TURNING | set(_MONTH_BY_WORD) | {"this", "last"}
    names = sorted(enumerate(lines), key=lambda item: -len(item[1].name))
    pattern = "|".join(
        f"(?P<n{position}>{re.escape(line.name)})" for position, line in names if line.name.casefold() not in taken
    )
    if not pattern:
        return text
    return re.sub(
        rf"(?<!\w)(?:{pattern})(?!\w)",
        lambda match: f"\x00{(match.lastgroup or 'n')[1:]}\x00",
        text,
        flags=re.IGNORECASE,
    )


def _amount(digits: str, token: Token) -> int:
    """Base units of an amount as people write it. Raises NotUnderstood for what the token can't hold exactly."""
    plain = digits.replace(",", "").replace("_", "")
    if plain != digits and not re.fullmatch(r"\d{1,3}((,\d{3})+|(_\d{3})+)(\.\d+)?", digits):
        raise NotUnderstood(f"{digits[:80]} can be read in two ways: write it without a comma")
    whole, _, fraction = plain.partition(".")
    if plain == digits and re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", digits):
        raise NotUnderstood(f"{digits} can be read in two ways: write {whole}{fraction}, or {digits}0")
    if whole.startswith("0") and whole != "0":
        raise NotUnderstood(f"{digits[:80]} begins with a zero: write the amount without it")
    if len(whole) > 60 or len(fraction.rstrip("0")) > token.decimals:
        raise NotUnderstood(f"{digits[:80]} {token.symbol} has more digits than {token.symbol} can hold")
    amount = int(Decimal(whole)) * 10**token.decimals + int((fraction.rstrip("0") or "0").ljust(token.decimals, "0"))
    if amount == 0:
        raise NotUnderstood("an amount of zero pays nobody")
    return amount


# ------------------------------------------------------------------------------------------------------ pure drafting


def derive(
    ask: Ask,
    lines: Sequence[Line],
    tokens: Sequence[Token],
    paid: frozenset[tuple[bytes, bytes]],
    now_chain_s: int,
) -> list[Draft]:
    """The candidates of an ask. `paid` are the (recipient, asset) that were paid for its month, or are being paid.

    Raises NotUnderstood when nothing is left to pay.
    """
    text_of = {token.asset: token for token in tokens}
    common = list(ask.doubts)
    if not ask.period:
        common.append("a one-off payment: no month is named")
    elif ask.period not in (month_of(now_chain_s), month_of(now_chain_s, 1)):
        common.append(f"{ask.period} is neither this month nor the last")
    chosen: list[int | bytes] = (
        [position for position in range(len(lines)) if position not in ask.excluded]
        if ask.everyone
        else list(ask.order)
    )
    if ask.count is not None and ask.count != len(chosen):
        raise NotUnderstood(f"the request counts {ask.count} payments, the roster gives {len(chosen)}")
    readings, ambiguity = _readings(ask, chosen, lines, text_of)
    common += [ambiguity] if ambiguity else []
    drafts: list[Draft] = []
    for how, wanted in readings:
        draft = _draft(how, chosen, wanted, ask.period, lines, text_of, paid, common)
        if draft is not None:
            drafts.append(draft)
    if not drafts:
        raise NotUnderstood(f"everybody named was already paid for {ask.period}, or is being paid")
    return drafts


_Reading = tuple[str, list[tuple[bytes, int] | None]]  # in words, and each payee's pay; None: as on the roster


def _readings(
    ask: Ask, chosen: Sequence[int | bytes], lines: Sequence[Line], text_of: Mapping[bytes, Token]
) -> tuple[list[_Reading], str]:
    """What the amounts can mean, and, where that is more than one thing, what to tell the operator who picks."""
    many = len(chosen)
    if not ask.amounts:
        return [("as on the roster", [None] * many)], ""
    if len(ask.amounts) > 1:
        return [("with the amounts of the request", list(ask.amounts))], ""
    asset, amount = ask.amounts[0]
    text = _text(text_of, asset, amount)
    each: _Reading = (f"{text} each", [(asset, amount)] * many)
    total: _Reading = (f"{text} in total, in equal parts", [(asset, amount // many)] * many)
    if ask.in_total and many > 1:
        if amount % many:
            raise NotUnderstood(f"{text} can't be divided among {many} exactly: write what each is paid")
        return [total], ""
    if ask.each or many == 1:
        return [each], ""
    if ask.alone is not None:
        payee = chosen[ask.alone]
        who = checksum(payee if isinstance(payee, bytes) else lines[payee].recipient)
        as_signed = [(lines[p].asset, lines[p].amount) if isinstance(p, int) else None for p in chosen]
        only: _Reading = (
            f"{text} to {who}, the others as on the roster",
            [(asset, amount) if i == ask.alone else None for i in range(many)],
        )
        if all((asset, amount) == pay for i, pay in enumerate(as_signed) if i != ask.alone):
            return [each], ""  # both come to the same payments
        ambiguity = f"can be read in two ways: {text} to each, or {text} to {who} and the others as on the roster"
        return [each, only], ambiguity
    ambiguity = f"can be read in two ways: {text} to each, or {text} in total"
    if amount % many:
        return [each], f"{ambiguity}, which can't be divided among {many} exactly"
    return [each, total], ambiguity


def _draft(
    how: str,
    chosen: Sequence[int | bytes],
    wanted: Sequence[tuple[bytes, int] | None],
    period: str,
    lines: Sequence[Line],
    text_of: Mapping[bytes, Token],
    paid: frozenset[tuple[bytes, bytes]],
    common: Sequence[str],
) -> Draft | None:
    differences = list(common)
    pay: list[PayLine] = []
    as_signed: set[int] = set()
    already: list[str] = []
    changed = 0
    for payee, ask in zip(chosen, wanted, strict=True):
        if isinstance(payee, int):
            line = lines[payee]
            asset, amount = ask or (line.asset, line.amount)
            same = (asset, amount) == (line.asset, line.amount)
            name, recipient = line.name, line.recipient
            source = {"recipient": "operator"} | dict.fromkeys(("asset", "amount"), "operator" if same else "request")
            changed += not same
        else:
            assert ask is not None  # parse() refuses a stranger without an amount
            (asset, amount), name, recipient, same = ask, "", payee, False
            source = dict.fromkeys(("recipient", "asset", "amount"), "request")
            differences.append(f"{checksum(recipient)} is not on the roster")
        if period and (recipient, asset) in paid:
            already.append(checksum(recipient))
            continue
        if isinstance(payee, int) and same:
            as_signed.add(payee)
        pay.append(PayLine(recipient, asset, amount, period, name, source | {"period": "request"}))
    if not pay:
        return None
    if changed:
        differences.append(f"{changed} amount{'s' if changed != 1 else ''} other than on the roster")
    is_roster = bool(period) and len(as_signed) == len(lines) == len(pay)
    if already:
        differences.append(f"already paid or being paid for this month, and left out: {len(already)}")
    elif len(as_signed) < len(lines) and len(pay) < len(lines):
        differences.append(f"pays {len(pay)} of the {len(lines)} on the roster")
    totals: dict[bytes, int] = {}
    for line_ in pay:
        totals[line_.asset] = totals.get(line_.asset, 0) + line_.amount
    total = " + ".join(_text(text_of, asset, amount) for asset, amount in totals.items())
    who = "the whole roster" if is_roster else f"{len(pay)} payment{'s' if len(pay) != 1 else ''}"
    return Draft(f"{period or 'one-off'}: {who}, {how}; {total} altogether", tuple(pay), is_roster, tuple(differences))


def _text(tokens: Mapping[bytes, Token], asset: bytes, amount: int) -> str:
    token = tokens.get(asset)
    return token.text(amount) if token else f"{amount} base units of {checksum(asset)}"


def payment_call(recipient: bytes, asset: bytes, amount: int) -> Call:
    """The call that pays: `transfer(address,uint256)` on a token, or plain ether."""
    if asset == ZERO:
        return Call(recipient, amount, b"")
    return Call(asset, 0, bytes.fromhex("a9059cbb") + encode(["address", "uint256"], [recipient, amount]))


def calls_hash(calls: Sequence[Call]) -> bytes:
    """keccak256(abi.encode(Call[])): the name of exactly these calls, in approvals and decision records."""
    return keccak(encode(["(address,uint256,bytes)[]"], [[(call.to, call.value_wei, call.data) for call in calls]]))


def calls_json(calls: Sequence[Call]) -> list[dict[str, str]]:
    """The calls as they stand in JSON: checksummed addresses, decimal amounts, hexadecimal data."""
    return [
        {"to": checksum(call.to), "value_wei": str(call.value_wei), "data": "0x" + call.data.hex()} for call in calls
    ]


def calls_from_json(items: Sequence[Mapping[str, Any]]) -> tuple[Call, ...]:
    """The inverse of `calls_json`. Raises ValueError or KeyError for anything else."""
    calls = tuple(
        Call(bytes.fromhex(item["to"][2:]), int(item["value_wei"]), bytes.fromhex(item["data"][2:])) for item in items
    )
    if calls_json(calls) != [dict(item) for item in items] or any(not 0 <= c.value_wei <= UINT256_MAX for c in calls):
        raise ValueError("calls are not in their canonical form")
    return calls


# ------------------------------------------------------------------------------------------------------- the database


def submit(
    dao: Dao, policy_id: bytes, text: str, requested_by: bytes, idempotency_key: str, *, signed_in: bool
) -> Request:
    """Take a request; asking again with the same key gives the same request back.

    Raises RequestError (empty, too long, the key used for other words) and `policy.NoPolicyInForce`. `signed_in`: the
    caller has authenticated `requested_by`. Who asks can only ask: what is paid, the roster, operator and policy say.
    """
    shown, _ = clean(text)
    if not shown:
        raise RequestError("the request is empty")
    if any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in text):
        raise RequestError("the request is not plain text")
    if len(text) > MAX_TEXT:
        raise RequestError(f"a request has at most {MAX_TEXT} characters")
    if not 0 < len(idempotency_key) <= 120:
        raise RequestError("the idempotency key has 1 to 120 characters")
    policy = in_force(dao, policy_id)
    reference = keccak(
        rfc8785.dumps(
            {
                "chain_id": str(policy.chain_id),
                "module": checksum(policy.module),
                "policy_id": "0x" + policy_id.hex(),
                "key": idempotency_key,
                "text": text,
                "requested_by": checksum(requested_by),
                "dao": dao.slug,
            }
        )
    )
    with transaction.atomic():
        request, created = Request.objects.get_or_create(
            dao=dao,
            idempotency_key=idempotency_key,
            defaults={
                "module": policy.contract,
                "policy_id": policy_id,
                "reference": reference,
                "text": text,
                "requested_by": requested_by,
                "asker_signed_in": signed_in,
            },
        )
        if not created and request.reference != reference:
            raise RequestError("this idempotency key was used for another request")
        if created:
            work.enqueue(PLAN_WORK, str(request.pk))
    return request
