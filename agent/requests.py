# SPDX-License-Identifier: Apache-2.0
"""Requests: what somebody asks for, in words, and the candidates that code derives from them.

No model reads a request to find an address or an amount: a small grammar does, and what it does not understand it says.
Every value of a candidate carries where it came from. A candidate that is exactly the roster, for the month now or the
month before, needs nobody; everything else needs the operator's signature, whatever the model says.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import rfc8785
from django.db import transaction
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.models import Request
from agent.policy import in_force
from agent.rosters import Line
from agent.tokens import Token
from governance import work
from governance.chain.address import ZERO, checksum
from governance.fields import UINT256_MAX
from governance.models import Dao

MAX_TEXT = 500
PLAN_WORK, EXECUTE_WORK, RELEASE_WORK = "agent.plan", "agent.execute", "agent.release"
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
    "ignore",
}  # fmt: skip
_PLAIN = {
    "pay", "please", "the", "a", "an", "for", "to", "of", "in", "and", "month", "month's", "salary", "salaries",
    "wages", "their", "our", "amount", "amounts", "each", "every", "whole", "full", "usual", "monthly", "on", "from",
    "treasury", "agent", "as", "usually", "payment", "payments", "make", "send", "x", "per", "person",
} | _EVERYONE  # fmt: skip

_TOKEN = re.compile(
    r"(?P<address>0x[0-9a-fA-F]{40}(?![0-9a-zA-Z]))"
    r"|(?P<period>\b20\d\d-(?:0[1-9]|1[0-2])(?![\d-]))"
    r"|(?P<number>\d[\d,_]*(?:\.\d+)?)"
    r"|(?P<name>\x00\d+\x00)"
    r"|(?P<word>[^\W\d_](?:[\w'-]*\w)?)"
    r"|(?P<mark>[.,;:!()&+×])"
    r"|(?P<other>\S)"
)


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

    Raises NotUnderstood when there is no month, nobody to pay, a number without a token, or a word such as "not" or
    "if" that turns the meaning round.
    """
    shown, hidden = clean(text)
    doubts = ["the request holds invisible characters"] if hidden else []
    marked = _mark_names(shown, lines)
    found = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(marked)]

    periods: set[str] = set()
    months: set[int] = set()
    years: set[int] = set()
    everyone = each = False
    excluding = False
    named: list[int] = []
    excluded: list[int] = []
    order: list[int | bytes] = []
    amounts: list[tuple[bytes, int]] = []
    shape: list[str] = []  # "payee" and "amount" in the order of the text
    count: int | None = None
    unknown: list[str] = []
    by_symbol = {token.symbol.casefold(): token for token in tokens}
    by_address = {line.recipient: position for position, line in reversed(list(enumerate(lines)))}
    skip = -1
    for i, (kind, piece) in enumerate(found):
        if i <= skip:
            continue
        following = found[i + 1] if i + 1 < len(found) else ("", "")
        word = piece.casefold()
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
            elif payee not in order:
                order.append(payee)
                shape.append("payee")
        elif kind == "number":
            if following[1].casefold() in by_symbol:
                token = by_symbol[following[1].casefold()]
                amounts.append((token.asset, _amount(piece, token)))
                shape.append("amount")
                skip = i + 1
            elif following[1].casefold() in ("x", "×", "times") and piece.isdigit():
                count, each = int(piece), True
                skip = i + 1
            elif len(piece) == 4 and piece.startswith("20") and piece.isdigit():
                years.add(int(piece))
            else:
                known = ", ".join(sorted(token.symbol for token in tokens)) or "none"
                raise NotUnderstood(f"the number {piece} has no token behind it (known here: {known})")
        elif kind == "word":
            if word in _EXCEPT and following[0] in ("name", "address", "word"):
                excluding = True
            elif word in _TURNING:
                raise NotUnderstood(
                    f'a request with "{word}" in it is not acted on: say plainly who is paid for which month'
                )
            elif word in _MONTH_BY_WORD:
                months.add(_MONTH_BY_WORD[word])
            elif word in ("this", "last") and following[1].casefold() == "month":
                periods.add(month_of(now_chain_s, 0 if word == "this" else 1))
                skip = i + 1
            elif word in _EVERYONE:
                everyone = True
            elif word == "each" or word == "per":
                each = True
            elif word not in _PLAIN:
                unknown.append(piece[:30])
        elif kind == "other":
            unknown.append(piece)
    named = [payee for payee in order if isinstance(payee, int)]
    strangers = [payee for payee in order if isinstance(payee, bytes)]

    if unknown:
        doubts.append("the request has words that were not understood: " + ", ".join(unknown[:8]))
    if excluding and not excluded:
        raise NotUnderstood("somebody is to be left out, but nobody on the roster is named")
    if len(years) > 1 or (years and not months):
        raise NotUnderstood("name one month, e.g. 2026-11")
    periods |= {f"{min(years) if years else nearest_year(month, now_chain_s):04d}-{month:02d}" for month in months}
    if len(periods) > 1:
        raise NotUnderstood("name one month, not several")
    if not periods and not amounts:
        raise NotUnderstood("name the month that is paid, e.g. 2026-11")
    if not everyone and not order:
        raise NotUnderstood('nobody to pay is named: say "the contributors", or names from the roster')
    if everyone and order:
        # "pay the team: ines and jon" can be read both ways, and guessing costs money.
        raise NotUnderstood("the request names both everyone and single people: say one or the other")
    if excluded and not everyone:
        raise NotUnderstood('leaving somebody out needs "the contributors except ..."')
    if len(amounts) > 1 and (everyone or shape != ["payee", "amount"] * len(order)):
        raise NotUnderstood('it is not clear which amount belongs to whom: write "<name> <amount> <token>" for each')
    if strangers and not amounts:
        raise NotUnderstood(f"{checksum(strangers[0])} is not on the roster and no amount is named")
    return Ask(
        period=periods.pop() if periods else "",
        everyone=everyone,
        named=tuple(named),
        excluded=tuple(sorted(set(excluded))),
        strangers=tuple(strangers),
        amounts=tuple(amounts),
        each=each or len(amounts) > 1,
        count=count,
        order=tuple(order),
        doubts=tuple(doubts),
    )


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
    if "," in digits and not re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits):
        raise NotUnderstood(f"{digits} can be read in two ways: write it without a comma")
    whole, _, fraction = plain.partition(".")
    if len(whole) > 60 or len(fraction.rstrip("0")) > token.decimals:
        raise NotUnderstood(f"{digits[:80]} {token.symbol} has more digits than {token.symbol} can hold")
    amount = int(Decimal(whole or "0")) * 10**token.decimals + int(
        (fraction.rstrip("0") or "0").ljust(token.decimals, "0")
    )
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
    readings: list[tuple[str, list[tuple[bytes, int] | None]]] = []
    if not ask.amounts:
        readings.append(("as on the roster", [None] * len(chosen)))
    elif len(ask.amounts) > 1:
        readings.append(("with the amounts of the request", list(ask.amounts)))
    else:
        asset, amount = ask.amounts[0]
        readings.append((f"{_text(text_of, asset, amount)} each", [(asset, amount)] * len(chosen)))
        if not ask.each and len(chosen) > 1 and amount % len(chosen) == 0:
            share = amount // len(chosen)
            readings.append(
                (f"{_text(text_of, asset, amount)} in total, in equal parts", [(asset, share)] * len(chosen))
            )
    drafts: list[Draft] = []
    for how, wanted in readings:
        draft = _draft(how, chosen, wanted, ask.period, lines, text_of, paid, common)
        if draft is not None:
            drafts.append(draft)
    if not drafts:
        raise NotUnderstood(f"everybody named was already paid for {ask.period}, or is being paid")
    return drafts


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
    dao: Dao, policy_id: bytes, text: str, requested_by: bytes, idempotency_key: str, *, signed_in: bool = True
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
