# SPDX-License-Identifier: Apache-2.0
"""The grammar of requests: what somebody asks for, in words, as far as it is understood. Pure: text in, values out.

No model reads a request to find an address or an amount: this grammar does, and what it does not understand it says.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from agent.acts.pieces import (
    EVERYONE,
    EXCEPT,
    MONTH_BY_WORD,
    NO_PIECE,
    NUMBER,
    ORDERS,
    PAYEE_KINDS,
    PLAIN,
    TIMES,
    TOTAL,
    YEAR,
    NotUnderstood,
    Piece,
    clean,
    hint_beside_amount,
    is_strange,
    pieces_of,
    with_names,
)
from agent.acts.rosters import Line
from agent.acts.speech import check_digits, check_speech, is_plain_order
from agent.acts.words import say
from governance.chain.address import checksum
from governance.sentences import Sentence
from policies.notation.amounts import Token, base_units

_LIST_WORDS = {"and", "the", "each", "every"}  # between two payees or a payee and an amount, of one list
_PER_PAYEE = {"person", "head", "payee"} | EVERYONE
_LIMITS = {"max", "min"}
_ARTICLES = {"a", "an", "per", "each", "every", "the"}


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
    doubts: tuple[Sentence, ...] = ()  # why a person must look: words that were not understood, hidden characters


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
    try:
        return _parse(text, lines, tokens, now_chain_s)
    except NotUnderstood as error:
        raise NotUnderstood(with_names(error.sentence, lines)) from error


def _parse(text: str, lines: Sequence[Line], tokens: Sequence[Token], now_chain_s: int) -> Ask:
    shown, hidden = clean(text)
    check_digits(text)
    found = pieces_of(shown, lines)
    by_symbol = {token.symbol.casefold(): token for token in tokens}
    check_speech(shown, found, by_symbol)
    reading = _Reading(found, lines, tokens, by_symbol, now_chain_s)
    reading.read_all()
    for is_unclear, why in _UNCLEAR:
        if is_unclear(reading):
            raise NotUnderstood(why(reading) if callable(why) else say(why))
    alone = _alone_payee(reading)
    periods = reading.all_periods
    return Ask(
        period=min(periods, default=""),
        everyone=reading.everyone,
        named=tuple(payee for payee in reading.order if isinstance(payee, int)),
        excluded=tuple(sorted(set(reading.excluded))),
        strangers=tuple(reading.strangers),
        amounts=tuple(reading.amounts),
        each=reading.each or len(reading.amounts) > 1,
        in_total=reading.in_total,
        alone=alone,
        count=reading.count,
        order=tuple(reading.order),
        doubts=tuple(_doubts(reading, hidden)),
    )


def _doubts(reading: "_Reading", hidden: bool) -> list[Sentence]:
    """Why a person must look at the request, though it was understood."""
    doubts = [say("invisible")] if hidden else []
    if reading.unknown:
        doubts.append(say("words_unknown", words=reading.unknown))
    elif not is_plain_order(reading.pieces, reading.by_symbol):
        doubts.append(say("not_plain"))
    if reading.is_named_twice:
        doubts.append(say("named_twice"))
    return doubts


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as it is written, and the words behind it that may be its token."""

    digits: str
    unit: str | None
    end: str
    behind: str
    length: int  # pieces of `behind` that follow


@dataclass(slots=True)
class _Reading:
    """What the pieces read so far say. `at` is the piece that is read now."""

    pieces: Sequence[Piece]
    lines: Sequence[Line]
    tokens: Sequence[Token]
    by_symbol: Mapping[str, Token]
    now_chain_s: int
    at: int = 0
    periods: set[str] = field(default_factory=set)
    months: set[int] = field(default_factory=set)
    years: set[int] = field(default_factory=set)
    everyone: bool = False
    each: bool = False
    in_total: bool = False
    is_named_twice: bool = False
    excluding: bool = False
    excluded: list[int] = field(default_factory=list)
    order: list[int | bytes] = field(default_factory=list)
    amounts: list[tuple[bytes, int]] = field(default_factory=list)
    shape: list[str] = field(default_factory=list)  # "payee", "amount", "to", "break" (another word), as in the text
    count: int | None = None
    unknown: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.pieces[self.at][0]

    @property
    def text(self) -> str:
        return self.pieces[self.at][1]

    @property
    def word(self) -> str:
        return self.text.casefold()

    @property
    def following(self) -> Piece:
        return self.pieces[self.at + 1] if self.at + 1 < len(self.pieces) else NO_PIECE

    @property
    def is_behind_a_month(self) -> bool:
        return self.at > 0 and self.pieces[self.at - 1][1].casefold() in MONTH_BY_WORD

    @property
    def number(self) -> _Number | None:
        """The piece as a number; None where it is not written as one."""
        written = NUMBER.fullmatch(self.text)
        if written is None:
            return None
        digits, unit, end = written["digits"], written["unit"], written["end"]
        if unit:
            return _Number(digits, unit, end, unit.casefold(), 0)
        if end:
            return _Number(digits, unit, end, "", 1)
        # A symbol has one word, or two: the coin of a chain that nobody listed is called "native units".
        two = " ".join(text for _, text in self.pieces[self.at + 1 : self.at + 3]).casefold()
        if two in self.by_symbol:
            return _Number(digits, unit, end, two, 2)
        return _Number(digits, unit, end, self.following[1].casefold(), 1)

    @property
    def strangers(self) -> list[bytes]:
        return [payee for payee in self.order if isinstance(payee, bytes)]

    @property
    def all_periods(self) -> set[str]:
        """The months that are named, by number or by name."""
        return self.periods | {
            f"{min(self.years) if self.years else nearest_year(month, self.now_chain_s):04d}-{month:02d}"
            for month in self.months
        }

    def read_all(self) -> None:
        """Have each piece taken by the first rule that fits it. Raises NotUnderstood."""
        while self.at < len(self.pieces):
            if self.kind in ("period", "other") or (self.kind == "word" and self.word not in _LIST_WORDS):
                self.shape.append("to" if self.word == "to" else "break")
            rule = next(rule for rule in _RULES if self.kind in rule.kinds and rule.fits(self))
            self.at += 1 + rule.take(self)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a piece means that is of these kinds and fits. `take` returns how many of the next pieces it read too."""

    kinds: tuple[str, ...]
    fits: Callable[[_Reading], bool]
    take: Callable[[_Reading], int]


def _any(_reading: _Reading) -> bool:
    return True


def _word_in(*groups: set[str] | Mapping[str, int]) -> Callable[[_Reading], bool]:
    return lambda reading: any(reading.word in group for group in groups)


def _is_an_amount(reading: _Reading) -> bool:
    return reading.number is not None and reading.number.behind in reading.by_symbol


def _is_a_count(reading: _Reading) -> bool:
    number = reading.number
    return number is not None and number.behind in TIMES and number.digits.isdigit() and not number.end


def _is_a_year(reading: _Reading) -> bool:
    number = reading.number
    return number is not None and number.unit is None and YEAR.fullmatch(number.digits) is not None


def _leaves_out(reading: _Reading) -> bool:
    return reading.word in EXCEPT and reading.following[0] in ("name", "address", "word")


def _is_this_or_last_month(reading: _Reading) -> bool:
    return reading.word in ("this", "last") and reading.following[1].casefold() == "month"


def _is_a_bare_token(reading: _Reading) -> bool:
    return reading.word in reading.by_symbol and reading.word not in PLAIN


def _take_nothing(_reading: _Reading) -> int:
    return 0


def _take_period(reading: _Reading) -> int:
    reading.periods.add(reading.text)
    return 0


def _take_payee(reading: _Reading) -> int:
    payee = _payee(reading)
    if reading.excluding:
        if isinstance(payee, bytes):
            raise NotUnderstood(say("excluded_stranger", address=checksum(payee)))
        reading.excluded.append(payee)
    elif payee in reading.order:
        reading.is_named_twice = True
    else:
        reading.order.append(payee)
        reading.shape.append("payee")
    return 0


def _payee(reading: _Reading) -> int | bytes:
    """The place on the roster of who is named, or the address where it does not stand there."""
    if reading.kind == "name":
        return int(reading.text.strip("\x00"))
    digits = reading.text[2:]
    raw = bytes.fromhex(digits)
    if digits not in (digits.lower(), digits.upper()) and checksum(raw) != reading.text:
        raise NotUnderstood(say("checksum", address=reading.text))
    return next((position for position, line in enumerate(reading.lines) if line.recipient == raw), raw)


def _take_amount(reading: _Reading) -> int:
    number = reading.number
    assert number is not None  # _is_an_amount
    if YEAR.fullmatch(number.digits) and reading.is_behind_a_month:
        raise NotUnderstood(say("year_or_amount", digits=number.digits))
    token = reading.by_symbol[number.behind]
    was_counted = reading.count is not None and reading.pieces[reading.at - 1][1].casefold() in TIMES
    _check_beside_amount(reading.pieces, reading.at, reading.at + number.length, was_counted=was_counted)
    reading.amounts.append((token.address, _amount(number.digits, token)))
    reading.shape.append("amount")
    return number.length


def _take_count(reading: _Reading) -> int:
    number = reading.number
    assert number is not None  # _is_a_count
    reading.count, reading.each = int(number.digits[:9]), True
    return 0 if number.unit else 1


def _take_year(reading: _Reading) -> int:
    number = reading.number
    assert number is not None  # _is_a_year
    reading.years.add(int(number.digits))
    reading.shape.append("break")
    return 0


def _take_no_amount(reading: _Reading) -> int:
    """A number that is no amount, count or year. Raises NotUnderstood with what stands beside it, always."""
    number, piece = reading.number, reading.text
    if number is not None and number.unit is None and not number.end and reading.following[0] in ("word", "other"):
        piece = f"{piece} {reading.following[1]}"
    if re.fullmatch(r"[0-9]{1,2}[/.-]20[0-9]{2}|20[0-9]{2}[/.-][0-9]{1,2}", piece):
        raise NotUnderstood(say("month_in_slashes", piece=piece))
    if not reading.tokens:
        raise NotUnderstood(say("no_amount_no_token", piece=piece))
    known = sorted(token.symbol for token in reading.tokens)
    raise NotUnderstood(say(hint_beside_amount(piece), piece=piece, tokens=known, token=known[0]))


def _take_except(reading: _Reading) -> int:
    reading.excluding = True
    return 0


def _take_month(reading: _Reading) -> int:
    reading.months.add(MONTH_BY_WORD[reading.word])
    return 0


def _take_this_or_last_month(reading: _Reading) -> int:
    reading.periods.add(month_of(reading.now_chain_s, 0 if reading.word == "this" else 1))
    return 1


def _take_everyone(reading: _Reading) -> int:
    reading.everyone = True
    return 0


def _take_each(reading: _Reading) -> int:
    of = reading.following[1].casefold()
    if reading.word == "per" and of not in _PER_PAYEE | {"month"}:
        raise NotUnderstood(say("per", word=reading.following[1]))
    reading.each = reading.each or of != "month"  # "900 USDC each month" does not say to whom
    return 0


def _take_total(reading: _Reading) -> int:
    reading.in_total = True
    return 0


def _take_bare_token(reading: _Reading) -> int:
    raise NotUnderstood(say("token_without_amount", word=reading.text))


def _take_unknown(reading: _Reading) -> int:
    reading.unknown.append(reading.text[:30])
    return 0


# The first rule of a piece's kind that fits takes it.
_RULES = (
    _Rule(("period",), _any, _take_period),
    _Rule(PAYEE_KINDS, _any, _take_payee),
    _Rule(("number",), _is_an_amount, _take_amount),
    _Rule(("number",), _is_a_count, _take_count),
    _Rule(("number",), _is_a_year, _take_year),
    _Rule(("number",), _any, _take_no_amount),
    _Rule(("word",), _leaves_out, _take_except),
    _Rule(("word",), _word_in(MONTH_BY_WORD), _take_month),
    _Rule(("word",), _is_this_or_last_month, _take_this_or_last_month),
    _Rule(("word",), _word_in(EVERYONE), _take_everyone),
    _Rule(("word",), _word_in({"each", "per"}), _take_each),
    _Rule(("word",), _word_in(TOTAL), _take_total),
    _Rule(("word",), _is_a_bare_token, _take_bare_token),
    _Rule(("word",), _word_in(PLAIN, ORDERS), _take_nothing),
    _Rule(("word", "other"), _any, _take_unknown),
    _Rule(("mark",), _any, _take_nothing),
)


def _whose_is_unclear(reading: _Reading) -> bool:
    """Whether several amounts stand otherwise than each behind the one who is paid it."""
    parts = [part for part in reading.shape if part in ("payee", "amount")]
    return reading.everyone or parts != ["payee", "amount"] * len(reading.order)


def _names_a_limit(reading: _Reading) -> bool:
    """Whether somebody's name may as well be a word for a limit: "pay kim max 500 USDC", without "and" or a comma."""
    kinds = [kind for kind, _ in reading.pieces]
    return any(
        kinds[i - 1 : i + 2] in (["name", "name", "number"], ["address", "name", "number"])
        and reading.lines[int(text.strip("\x00"))].name.casefold() in _LIMITS
        for i, (_, text) in enumerate(reading.pieces)
        if i
    )


# What leaves the whole unclear, in this order, and the code of what to write instead.
_UNCLEAR: tuple[tuple[Callable[[_Reading], bool], str | Callable[[_Reading], Sentence]], ...] = (
    (lambda r: r.excluding and not r.excluded, "nobody_excluded"),
    (lambda r: len(r.years) > 1 or (bool(r.years) and not r.months), "one_month"),
    (lambda r: len(r.all_periods) > 1, "several_months"),
    (lambda r: not r.everyone and not r.order, "nobody_named"),
    (lambda r: not r.all_periods and not r.amounts and r.everyone, "no_month"),
    (lambda r: not r.all_periods and not r.amounts, "no_month_or_amount"),
    # "pay the team: ines and jon" can be read both ways, and guessing costs money.
    (lambda r: r.everyone and bool(r.order), "everyone_and_single"),
    (lambda r: bool(r.excluded) and not r.everyone, "excluding_from_whom"),
    (lambda r: r.in_total and (r.each or len(r.amounts) != 1), "in_total"),
    (_names_a_limit, "whose_amount"),
    (lambda r: len(r.amounts) > 1 and _whose_is_unclear(r), "whose_amount"),
    (lambda r: r.is_named_twice and bool(r.amounts), "named_twice_with_amount"),
    (
        lambda r: bool(r.strangers) and not r.amounts,
        lambda r: say("stranger_without_amount", address=checksum(r.strangers[0])),
    ),
)


def _alone_payee(reading: _Reading) -> int | None:
    """The place of the one payee for whom the only amount may be meant; None where it is for all."""
    if len(reading.amounts) != 1 or len(reading.order) < 2 or reading.each or reading.in_total:
        return None
    alone = _alone(reading.shape)
    if alone is None:
        return None
    others = [payee for place, payee in enumerate(reading.order) if place != alone]
    if not reading.all_periods or any(isinstance(payee, bytes) for payee in others):
        raise NotUnderstood(say("whose_amount"))  # the others can't be meant to be paid as on the roster
    return alone


def _check_beside_amount(found: Sequence[Piece], first: int, last: int, *, was_counted: bool) -> None:
    """Raise NotUnderstood for a sign, mark or word beside the amount at `first` to `last` that is not understood."""
    amount = " ".join(text for _, text in found[first : last + 1])
    before = [] if was_counted else list(reversed(found[:first]))
    for beside, is_before in ((before, True), (list(found[last + 1 :]), False)):
        at = next((piece for piece in beside if piece[1].casefold() not in _ARTICLES), NO_PIECE)
        kind, text = at
        if kind == "mark" and text in ",;:!":  # a word behind it is another matter, a sign is not
            behind = next((piece for piece in beside if piece[0] != "mark"), NO_PIECE)
            kind, text = behind if behind[0] == "other" else at
        sign = kind == "other" or (is_before and kind == "mark" and text not in ",;:!")
        if kind == "mark" and not is_before and text in "(&+×":  # what they join to the amount must be understood
            behind = next((piece for piece in beside[1:] if piece[1].casefold() not in _ARTICLES), NO_PIECE)
            sign = behind[0] not in PAYEE_KINDS and (text in "+×" or is_strange(behind, {}))
        if sign:
            raise NotUnderstood(say("sign_beside_amount", sign=text, amount=amount))
        if is_strange(at, {}):
            raise NotUnderstood(say("word_beside_amount", word=text, amount=amount))


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
        raise NotUnderstood(say("whose_amount"))
    return beside[0]


def _amount(digits: str, token: Token) -> int:
    """Base units of an amount as people write it. Raises NotUnderstood for what the token can't hold exactly."""
    plain = digits.replace(",", "").replace("_", "")
    if plain != digits and not re.fullmatch(r"\d{1,3}((,\d{3})+|(_\d{3})+)(\.\d+)?", digits):
        raise NotUnderstood(say("comma_in_amount", digits=digits))
    whole, _, fraction = plain.partition(".")
    if plain == digits and re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", digits):
        raise NotUnderstood(say("point_in_amount", digits=digits, plain=whole + fraction))
    if whole.startswith("0") and whole != "0":
        raise NotUnderstood(say("leading_zero", digits=digits))
    amount = base_units(Decimal(plain), token.decimals) if len(whole) <= 60 else None
    if amount is None:
        raise NotUnderstood(say("too_many_digits", digits=digits, token=token.symbol))
    if amount == 0:
        raise NotUnderstood(say("amount_zero"))
    return amount
