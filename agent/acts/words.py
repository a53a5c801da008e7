# SPDX-License-Identifier: Apache-2.0
"""The sentences about requests: each is kept as a code with its values, and worded here alone. Pure.

Tables keep the text of their time beside the code, since what was signed over it must never change.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

LEGACY = "legacy"  # of a row older than the codes: its only value is its text
Values = Mapping[str, Any]


class Sentence(str):
    """A sentence with its code and the values that it shows (plain JSON), from which any language can be made."""

    code: str
    values: Values

    def __new__(cls, code: str, values: Values) -> "Sentence":
        """Raises KeyError for a code or a value that the table does not know."""
        made = super().__new__(cls, _worded(code, values))
        made.code, made.values = code, values
        return made

    def as_json(self) -> dict[str, Any]:
        """What is stored beside the text."""
        return {"code": self.code, "values": dict(self.values)}


def say(code: str, **values: Any) -> Sentence:
    """Return the sentence of a code with its values."""
    return Sentence(code, values)


def legacy(text: str) -> Sentence:
    """Return the sentence of a row that is older than the codes."""
    return Sentence(LEGACY, {"text": text})


def read(stored: Values) -> Sentence:
    """Return the sentence from the JSON that `as_json` made, in the words of today."""
    return Sentence(stored["code"], stored["values"])


def codes(sentences: Iterable[Sentence]) -> list[dict[str, Any]]:
    """Return what is stored beside the text of several sentences."""
    return [sentence.as_json() for sentence in sentences]


class Stated(Exception):
    """An error whose message is a sentence of this module."""

    def __init__(self, sentence: Sentence):
        self.sentence = sentence
        super().__init__(sentence)


def _worded(code: str, values: Values) -> str:
    sentence = SENTENCES[code]
    return sentence.format_map(values) if isinstance(sentence, str) else sentence(values)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _words_unknown(values: Values) -> str:
    words: Sequence[str] = values["words"]
    return "the request has words that were not understood: " + ", ".join(words[:8])


def _with_digits(values: Values) -> str:
    known = ", ".join(values["tokens"]) or "none"
    return (
        f'"{values["word"]:.30}" was not understood: write a month as 2026-11, an amount as digits and then a token '
        f"(known here: {known})"
    )


def _no_amount(values: Values) -> str:
    tokens: Sequence[str] = values["tokens"]
    return (
        f'"{values["piece"]:.40}" is not understood as an amount: write digits and a token, e.g. 500 {tokens[0]} '
        f"(tokens known here: {', '.join(tokens)})"
    )


def _amounts_changed(values: Values) -> str:
    return f"{_count(values['count'], 'amount')} other than on the roster"


def _candidate(values: Values) -> str:
    who = "the whole roster" if values["is_roster"] else _count(values["payments"], "payment")
    return f"{values['period'] or 'one-off'}: {who}, {read(values['how'])}; {' + '.join(values['totals'])} altogether"


SENTENCES: dict[str, str | Callable[[Values], str]] = {
    LEGACY: "{text}",
    # The grammar stops: what to write instead.
    "digit_not_ascii": '"{character}" is not one of the digits 0 to 9: write amounts with these',
    "invisible_beside_number": "an invisible character stands beside a number: write the number again",
    "turned": 'a request with "{word}" in it is not acted on: say plainly who is paid for which month',
    "question": 'this is a question, and the agent only takes orders to pay: begin with "pay"',
    "who_pays_whom": 'it is not clear who pays whom: begin with "pay", and then say who is paid',
    "word_with_digits": _with_digits,
    "other_order": '"{word}" is not something that the agent can do: it only pays',
    "over": '"{word}" tells of something that is over: say what is to be paid',
    "vague_amount": '"{word}" makes the amount unclear: write exactly what each is paid',
    "salary_or_on_top": "it is not clear whether the amount is the salary or comes on top: write what each is paid",
    "not_from_treasury": "the agent only pays from the treasury: say who is paid",
    "not_english": '"{word:.30}" was not understood: write in English and begin with "pay", e.g. '
    '"pay the contributors for 2026-11"',
    "checksum": "{address} is mistyped: its checksum is wrong",
    "excluded_stranger": "{address} is to be left out, but it is not on the roster",
    "year_or_amount": "{digits} can be read as a year and as an amount: write the month as 2026-11",
    "sign_beside_amount": '"{sign}" beside {amount} was not understood: write the amount without it',
    "word_beside_amount": '"{word:.30}" beside {amount} was not understood: leave it out, or say what it is for '
    'behind "for"',
    "month_in_slashes": '"{piece}" is not understood: write a month as 2026-11',
    "no_amount": _no_amount,
    "no_amount_no_token": '"{piece:.40}" is not understood as an amount: no token is known here',
    "comma_in_amount": "{digits:.80} can be read in two ways: write it without a comma",
    "point_in_amount": "{digits} can be read in two ways: write {plain}, or {digits}0",
    "leading_zero": "{digits:.80} begins with a zero: write the amount without it",
    "too_many_digits": "{digits:.80} {token} has more digits than {token} can hold",
    "amount_zero": "an amount of zero pays nobody",
    "per": '"per {word:.30}" is not understood: name one amount for one month',
    "token_without_amount": '"{word}" has no amount in digits before it: write e.g. 500 {word}',
    "nobody_excluded": "somebody is to be left out, but nobody on the roster is named",
    "one_month": "name one month, e.g. 2026-11",
    "several_months": "name one month, not several",
    "nobody_named": 'nobody to pay is named: say "the contributors", or names from the roster',
    "no_month": "name the month that is paid, e.g. 2026-11",
    "everyone_and_single": "the request names both everyone and single people: say one or the other",
    "excluding_from_whom": 'leaving somebody out needs "the contributors except ..."',
    "in_total": '"in total" needs one amount that is divided: leave "each" and other amounts out',
    "whose_amount": 'it is not clear which amount belongs to whom: write "<name> <amount> <token>" for each',
    "named_twice_with_amount": "somebody is named twice: name each once, with what is paid",
    "stranger_without_amount": "{address} is not on the roster and no amount is named",
    "count": "the request counts {asked} payments, the roster gives {given}",
    "not_divisible": "{amount} can't be divided among {payees} exactly: write what each is paid",
    "all_paid": "everybody named was already paid for {period}, or is being paid",
    # Why somebody must look at a candidate.
    "invisible": "the request holds invisible characters",
    "words_unknown": _words_unknown,
    "not_plain": "the request is not one of the plain orders to pay: look what it says",
    "named_twice": "somebody is named twice, and would be paid once",
    "one_off": "a one-off payment: no month is named",
    "other_month": "{period} is neither this month nor the last",
    "each_or_alone": "can be read in two ways: {amount} to each, or {amount} to {payee} and the others as on the "
    "roster",
    "each_or_total": "can be read in two ways: {amount} to each, or {amount} in total",
    "each_or_total_not_divisible": "can be read in two ways: {amount} to each, or {amount} in total, which can't be "
    "divided among {payees} exactly",
    "not_on_roster": "{payee} is not on the roster",
    "amounts_changed": _amounts_changed,
    "left_out_as_paid": "already paid or being paid for this month, and left out: {count}",
    "part_of_roster": "pays {payments} of the {roster} on the roster",
    # A candidate's label.
    "candidate": _candidate,
    "as_on_roster": "as on the roster",
    "as_requested": "with the amounts of the request",
    "each": "{amount} each",
    "total": "{amount} in total, in equal parts",
    "alone": "{amount} to {payee}, the others as on the roster",
}
