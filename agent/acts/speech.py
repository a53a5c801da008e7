# SPDX-License-Identifier: Apache-2.0
"""Whether a request's sentence is an order to pay at all, and one that can be meant in one way only. Pure."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agent.acts.pieces import (
    DIGITS,
    EXCEPT,
    MONTH_BY_WORD,
    NUMBER,
    ORDERS,
    PAYEE_KINDS,
    TIMES,
    TURNING,
    YEAR,
    NotUnderstood,
    Piece,
    is_strange,
)
from agent.acts.spans import is_another_span
from agent.acts.words import say
from governance.sentences import Sentence
from policies.notation.amounts import Token
from policies.notation.visible import hidden

# What the agent can't do: it only pays. The first wherever it stands; the others where they stand for the order.
_REVERSING = {
    "claw", "clawback", "reclaim", "revoke", "reverse", "withhold", "deduct", "undo", "withdraw", "confiscate",
}  # fmt: skip
_OTHER_ORDERS = _REVERSING | {
    "refund", "recover", "repay", "return", "reduce", "cut", "charge", "invoice", "collect", "back", "void", "reject",
    "skip", "hold", "suspend", "freeze", "postpone", "delay", "defer", "borrow", "lend", "owe", "owes", "owed", "take",
    "swap", "exchange", "convert", "buy", "sell", "trade", "stake", "unstake", "deposit", "vote", "delegate", "stream",
    "mint", "burn", "approve", "bridge", "invest",
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
# Words that mean another payment's amount or month, or more months than the one named; behind "as", only before these.
_COMPARING = {"same", "like", "than", "since", "onwards", "onward", "starting", "beginning", "through", "till", "part"}
_BEHIND_AS = {"in", "last", "this", "much", "many", "soon", "long"}
# Parts of an amount, before "of"; and what is no salary, where no amount says how much it is.
_FRACTIONS = {
    "third", "quarter", "fifth", "tenth", "fraction", "portion", "share", "percentage", "piece", "bit", "some", "most",
    "rest", "remainder", "multiple", "two-thirds", "majority",
}  # fmt: skip
_OTHER_PAYMENTS = {
    "bonus", "bonuses", "expense", "expenses", "rent", "reimbursement", "fee", "fees", "invoice", "invoices", "tip",
    "tips", "advance", "arrears", "remainder", "difference", "balance", "rest", "deposit", "grant", "loan", "debt",
    "debts", "commission", "severance", "overtime", "raise", "gift", "prize", "reward", "refund", "tax", "taxes",
    "pension", "owe", "owes", "owed",
}  # fmt: skip
_NOT_NOW = {"later", "tomorrow", "eventually", "afterwards", "someday"}
# What may stand before the order without making it another sentence. It still has a person look.
_OPENING = {
    "hi", "hello", "hey", "dear", "kindly", "now", "today", "i", "we", "you", "it", "it's", "is", "should", "must",
    "need", "want", "would", "like", "let's", "lets", "us", "time", "have", "go", "ahead", "and",
}  # fmt: skip
_SALARY, _ADDING = {"salary", "salaries", "wages", "roster", "payroll"}, {"and", "&", "+", ","}
_ON_TOP = {"and", "&", "+", "top", "addition", "besides", "beside", "extra", "additional", "with", "including"}
_CROWD = {"contributors", "contributor", "everyone", "everybody", "team"}  # who may be meant to pay, before the order
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


def check_digits(text: str) -> None:
    """Raise NotUnderstood for digits that are not 0 to 9 (fullwidth, superscript, circled), and for invisible
    characters beside one: what a person sees there is not what would be read."""
    for character in text:
        is_a_number = unicodedata.category(character)[0] == "N" or any(
            digit in unicodedata.normalize("NFKC", character) for digit in DIGITS
        )
        if is_a_number and character not in DIGITS:
            raise NotUnderstood(say("digit_not_ascii", character=character))
    odd = {text[place] for place, _ in hidden(text)} | set(filter(str.isspace, text))
    odd -= set(" \t\r\n\u00a0")
    for one, other in pairwise(text):
        for digit, beside in ((one, other), (other, one)):
            if digit in DIGITS and beside in odd:
                raise NotUnderstood(say("invisible_beside_number"))


@dataclass(frozen=True, slots=True)
class _Speech:
    """A sentence and its landmarks, as places of pieces; the text's end for what it has not."""

    pieces: Sequence[Piece]
    by_symbol: Mapping[str, Token]
    has_order: bool
    begins: int  # where the order begins
    has_numbers: bool
    purpose: int  # where the purpose begins, behind the last number

    def word(self, i: int) -> str:
        return self.pieces[i][1].casefold()


def _speech_of(pieces: Sequence[Piece], by_symbol: Mapping[str, Token]) -> _Speech:
    end = len(pieces)
    orders = [i for i in range(end) if _is_order(pieces, i)]
    numbers = [i for i, (kind, _) in enumerate(pieces) if kind == "number"]
    purposes = [i for i, (_, text) in enumerate(pieces) if text.casefold() in ("for", "as")]
    purpose = next((i for i in purposes if numbers and i > numbers[-1]), end)
    return _Speech(pieces, by_symbol, bool(orders), orders[0] if orders else end, bool(numbers), purpose)


@dataclass(frozen=True, slots=True)
class _Stop:
    """A piece of these kinds at a place where the sentence is no order to pay, and what is said of it."""

    kinds: tuple[str, ...]
    stops: Callable[[_Speech, int], bool]
    why: Callable[[_Speech, int], Sentence]


def _why(code: str) -> Callable[[_Speech, int], Sentence]:
    return lambda _speech, _i: say(code)


def _why_this(code: str) -> Callable[[_Speech, int], Sentence]:
    return lambda speech, i: say(code, word=speech.word(i))


def _why_digits(speech: _Speech, i: int) -> Sentence:
    return say(
        "word_with_digits",
        word=speech.pieces[i][1],
        tokens=sorted(token.symbol for token in speech.by_symbol.values()),
    )


def _pays_or_is_paid_for_another(speech: _Speech, i: int) -> bool:
    """Whether a payee stands before the order, or as in "jon for ines", "the salary of jon to ines"."""
    behind = speech.pieces[i + 1 : i + 3]
    is_for_another = len(behind) == 2 and behind[0][1].casefold() in ("to", "for", "of") and behind[1][0] in PAYEE_KINDS
    return is_for_another or (speech.has_order and i < speech.begins)


def _is_a_crowd_that_pays(speech: _Speech, i: int) -> bool:
    return speech.has_order and i < speech.begins and speech.word(i) in _CROWD


def _has_digits(speech: _Speech, i: int) -> bool:
    word = speech.word(i)
    is_a_mistake = not speech.has_numbers or any(map(word.startswith, speech.by_symbol))
    return is_a_mistake and any(digit in word for digit in DIGITS)


def _is_another_order(speech: _Speech, i: int) -> bool:
    return speech.word(i) in _REVERSING or (speech.word(i) in _OTHER_ORDERS and i < speech.begins)


def _is_over(speech: _Speech, i: int) -> bool:
    return speech.word(i) in _OVER or (speech.word(i) in _OVER_BEFORE_THE_ORDER and i < speech.begins)


def _is_vague(speech: _Speech, i: int) -> bool:
    word = speech.word(i)
    return speech.has_numbers and (word in _CHANGING or (word in _VAGUE and i < speech.purpose))


def _is_a_salary_with_more(speech: _Speech, i: int) -> bool:
    return speech.word(i) in _SALARY and _has_an_amount_on_top(speech, i)


def _is_not_from_the_treasury(speech: _Speech, i: int) -> bool:
    word = speech.word(i)
    return word in ("from", "to", "into") and (word == "from") != _is_the_treasury(speech.pieces[i + 1 : i + 3])


def _is_compared(speech: _Speech, i: int) -> bool:
    """Whether the word takes amount or month from elsewhere ("the same as last month", "as in October", "since
    November"), or gives a condition or a reason ("as soon as the audit passes", "because jon said so")."""
    word, behind = speech.word(i), [text.casefold() for _, text in speech.pieces[i + 1 : i + 4]]
    following = behind[0] if behind else ""
    if word == "as":
        is_a_hurry = behind == ["soon", "as", "possible"]
        kind = speech.pieces[i + 1][0] if behind else ""
        is_month = kind == "period" or following in MONTH_BY_WORD
        return not is_a_hurry and (following in _BEHIND_AS or kind in PAYEE_KINDS or is_month)
    if word == "because":  # whoever is named behind it is not paid
        return any(kind in PAYEE_KINDS for kind, _ in speech.pieces[i + 1 :])
    if word == "last":
        return following == "month's"
    if word == "in":
        return following == "case"
    is_before_a_month = any(kind == "period" or text.casefold() in MONTH_BY_WORD for kind, text in
                            speech.pieces[i + 1 : i + 3])  # fmt: skip
    return word in _COMPARING and (i < speech.purpose or is_before_a_month)


def _is_somebody_else(speech: _Speech, i: int) -> bool:
    """Whether it is not the named one who is paid, but who is called something "of" them: "the sister of ines"."""
    of, who = speech.pieces[i + 1 : i + 2], speech.pieces[i + 2 : i + 3]
    is_of = [text.casefold() for _, text in of] == ["of"] and [kind for kind, _ in who if kind in PAYEE_KINDS] != []
    return is_of and i < speech.purpose and is_strange(speech.pieces[i], speech.by_symbol)


def _spans_otherwise(speech: _Speech, i: int) -> bool:
    return is_another_span(speech.pieces, i, is_purpose=i > speech.purpose)


def _why_span(speech: _Speech, i: int) -> Sentence:
    following = speech.pieces[i + 1][1] if i + 1 < len(speech.pieces) else ""
    return say("another_span", words=f"{speech.pieces[i][1]} {following}".rstrip(" .,;:!"))


def _is_a_fraction(speech: _Speech, i: int) -> bool:
    of = [text.casefold() for _, text in speech.pieces[i + 1 : i + 2]]
    return speech.word(i) in _FRACTIONS and of == ["of"] and i < speech.purpose


def _is_another_payment(speech: _Speech, i: int) -> bool:
    is_said = any(not _is_year(speech.pieces, n, speech.by_symbol) for n in _numbers(speech.pieces))
    return speech.word(i) in _OTHER_PAYMENTS and not is_said


def _numbers(pieces: Sequence[Piece]) -> list[int]:
    return [i for i, (kind, _) in enumerate(pieces) if kind == "number"]


def _is_year(pieces: Sequence[Piece], i: int, by_symbol: Mapping[str, Token]) -> bool:
    """Whether the number at `i` is a year: 2026, and not 2026 USDC."""
    behind = [text.casefold() for _, text in pieces[i + 1 : i + 3]]
    is_of_a_token = " ".join(behind[:1]) in by_symbol or " ".join(behind) in by_symbol
    return YEAR.fullmatch(pieces[i][1]) is not None and not is_of_a_token


def _is_not_now(speech: _Speech, i: int) -> bool:
    return speech.word(i) in _NOT_NOW and i < speech.purpose


# Piece by piece, each held against these in this order.
_STOPS = (
    _Stop(PAYEE_KINDS, _pays_or_is_paid_for_another, _why("who_pays_whom")),
    _Stop(("word",), _is_a_crowd_that_pays, _why("who_pays_whom")),
    _Stop(("word",), _has_digits, _why_digits),
    _Stop(("word",), _is_a_fraction, _why_this("vague_amount")),
    _Stop(("word",), _spans_otherwise, _why_span),
    _Stop(("word",), _is_compared, _why_this("turned")),
    _Stop(("word",), _is_not_now, _why_this("turned")),
    _Stop(("word",), _is_another_payment, _why_this("another_payment")),
    _Stop(("word",), _is_somebody_else, _why("who_pays_whom")),
    _Stop(("word",), _is_another_order, _why_this("other_order")),
    _Stop(("word",), _is_over, _why_this("over")),
    _Stop(("word",), _is_vague, _why_this("vague_amount")),
    _Stop(("word",), _is_a_salary_with_more, _why("salary_or_on_top")),
    _Stop(("word",), _is_not_from_the_treasury, _why("not_from_treasury")),
)


def check_speech(shown: str, found: Sequence[Piece], by_symbol: Mapping[str, Token]) -> None:
    """Raise NotUnderstood unless the sentence is an order to pay."""
    _check_not_turned(found)
    greeting = ("please", "agent", "hi", "hello", "hey", "dear", ",")
    first = next((text.casefold() for _, text in found if text.casefold() not in greeting), "")
    if any(mark in shown for mark in "?¿؟") or first in _ASKING:
        raise NotUnderstood(say("question"))
    speech = _speech_of(found, by_symbol)
    for i, (kind, _) in enumerate(found):
        for stop in _STOPS:
            if kind in stop.kinds and stop.stops(speech, i):
                raise NotUnderstood(stop.why(speech, i))
    for piece in found[: speech.begins]:
        is_opening = speech.has_order and piece[1].casefold() in _OPENING
        if is_strange(piece, by_symbol) and not is_opening:
            raise NotUnderstood(say("not_english", word=piece[1]))


def _check_not_turned(found: Sequence[Piece]) -> None:
    """Raise NotUnderstood for a word that turns the request round or makes it conditional."""
    for i, (kind, text) in enumerate(found):
        word, following = text.casefold(), found[i + 1][0] if i + 1 < len(found) else ""
        leaves_out = word in EXCEPT and following in ("name", "address", "word")
        if kind == "word" and not leaves_out and (word in TURNING or word.endswith("n't")):
            raise NotUnderstood(say("turned", word=word))


def _has_an_amount_on_top(speech: _Speech, salary: int) -> bool:
    """Whether an amount may come on top of the salary at this place: nobody is named between them, and they are joined
    ("the salary for November and 500 USDC", "500 USDC on top of the salary")."""
    found = speech.pieces
    if [kind for kind, _ in found[salary + 2 : salary + 3]] == ["number"] and found[salary + 1][1] in _ADDING:
        return True
    for side in (range(salary + 1, len(found)), range(salary - 1, -1, -1)):
        joined = False
        for i in side:
            kind, piece = found[i]
            if kind in PAYEE_KINDS:
                break
            if kind == "number" and not _is_year(found, i, speech.by_symbol):
                if joined:
                    return True
                break
            joined = joined or piece.casefold() in _ON_TOP
    return False


def _is_order(found: Sequence[Piece], i: int) -> bool:
    """Whether the order to pay begins here: `pay ...`, `make the payment ...`."""
    kind, piece = found[i]
    if kind != "word":
        return False
    return piece.casefold() in ORDERS or (
        piece.casefold() == "make" and any(other.casefold().startswith("payment") for _, other in found[i + 1 : i + 3])
    )


def is_plain_order(found: Sequence[Piece], by_symbol: Mapping[str, Token]) -> bool:
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


def _kind(piece: Piece, by_symbol: Mapping[str, Token]) -> str:
    """How a piece stands in `_PLAIN_ORDER`; empty for a mark that ends or parts a sentence."""
    kind, text = piece[0], piece[1].casefold()
    if kind in PAYEE_KINDS:
        return "name"
    if kind == "number":
        number = NUMBER.fullmatch(text)
        unit = (number["unit"] or "") if number else ""
        if unit:
            return f"number {_kind(('word', unit), by_symbol)}"
        return "year" if number and YEAR.fullmatch(number["digits"]) else "number"
    if text in TIMES:
        return "times"
    if kind == "mark":
        return "" if text in ".,;:!" else text
    if kind == "period" or text in MONTH_BY_WORD:
        return "when"
    return "unit" if text in by_symbol else text


def _is_the_treasury(pieces: Sequence[Piece]) -> bool:
    words = [piece.casefold() for _, piece in pieces]
    return words[:1] == ["treasury"] or (words[:1] in (["the"], ["our"]) and words[1:] == ["treasury"])
