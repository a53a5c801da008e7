# SPDX-License-Identifier: Apache-2.0
"""The sentences about requests: each is kept as a code with its values, and worded here alone. Pure.

Tables keep the text of their time beside the code, since what was signed over it must never change.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from agent import choice

LEGACY = "legacy"  # of a row older than the codes: its only value is its text
Values = Mapping[str, Any]


class Reasoned(Protocol):
    """A row that keeps a reason in three columns: agent.models.Request and AgentHalt."""

    reason: Any
    reason_code: Any
    reason_values: Any


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


def stored_sentence(stored: Values, text: str) -> Sentence:
    """Return the sentence of a row; its text, where the row is older than the codes, or of a newer version, which may
    have other codes, other values of the same code, or either in a sentence inside."""
    if stored.get("code", "") in ("", LEGACY):
        return legacy(text)
    try:
        return read(stored)
    except (KeyError, TypeError, ValueError):
        return legacy(text)


def reason_of(row: Reasoned) -> Sentence:
    """Return why a request stands where it stands, or a kill switch stands."""
    return stored_sentence({"code": row.reason_code, "values": row.reason_values}, row.reason)


def stored_sentences(stored: Sequence[Values], texts: Sequence[str]) -> list[Sentence]:
    """Return the sentences of a row's lists of codes and of texts, which are of one length unless it is older."""
    if len(stored) != len(texts):
        return [legacy(text) for text in texts]
    return [stored_sentence(item, text) for item, text in zip(stored, texts, strict=True)]


def because(sentences: Iterable[Sentence]) -> Sentence:
    """Return several reasons as one, each only once."""
    return say("because", because=codes(dict.fromkeys(sentences)))


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


def _nothing_to_approve(values: Values) -> str:
    return f"there is nothing to approve: the request is {values['status'].replace('_', ' ')}"


def _policy_refuses(values: Values) -> str:
    return " ".join(reason["text"] for reason in values["reasons"])


def _because(values: Values) -> str:
    return "; ".join(read(item) for item in values["because"])


def _model_abstained(values: Values) -> str:
    return f"the model abstained: {_word(values['word'])}"


def _model_did_not_agree(values: Values) -> str:
    said = "nothing" if values["word"] is None else _word(values["word"])
    return f"the model did not say that this is what was asked; it said: {said}"


def _word(stored_word: Values) -> str:
    key = "" if stored_word["choice"] == choice.ABSTAIN else stored_word["choice"]
    return choice.in_words(choice.Word(key, stored_word["reason"]))


def _month_before_roster(values: Values) -> str:
    signed = datetime.fromtimestamp(values["signed_chain_s"], UTC)
    return f"{values['period']} began before the roster was signed (taken in on {signed:%Y-%m-%d %H:%M} UTC)"


def _with(key: str, template: str) -> Callable[[Values], str]:
    """A sentence that holds another one, stored under `key` as its code and values."""
    return lambda values: template.format_map({**values, key: read(values[key])})


SENTENCES: dict[str, str | Callable[[Values], str]] = {
    "": "",
    LEGACY: "{text}",
    # The grammar stops: what to write instead.
    "digit_not_ascii": '"{character}" is not one of the digits 0 to 9: write amounts with these',
    "invisible_beside_number": "an invisible character is beside a number: write the number again",
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
    # Who asks, for which month, from which roster.
    "asked_by_stranger": "asked by an account without votes: it holds none, is no delegate and is not on the roster",
    "asked_by_unknown": "it is not known whether who asked has a say in the DAO",
    "roster_date_unknown": "it is not known when the roster was signed",
    "month_before_roster": _month_before_roster,
    "unrecorded": "the agent's key paid one of these without a decision record known here",
    "roster_unreadable": "{problem}",
    "no_roster": "the operator has signed no roster for this policy yet",
    "roster_of_earlier_policy": "the roster was signed for an earlier version of the policy: the operator must sign a "
    "new one",
    "roster_expired": "the roster has expired: the operator must sign a new one",
    "roster_changed": "the stored roster is not what the operator signed: it was changed in the database",
    "roster_signature_changed": "the stored roster's signature is not its operator's: it was changed in the database",
    # A request or an approval that is not taken.
    "request_empty": "the request is empty",
    "request_not_plain_text": "the request is not plain text",
    "request_too_long": "a request has at most {most} characters",
    "key_length": "the idempotency key has 1 to 120 characters",
    "key_used": "this idempotency key was used for another request",
    "candidate_of_another": "the candidate belongs to another request",
    "calls_changed": "the stored calls do not have their hash: they were changed in the database",
    "no_such_candidate": "the request has no such candidate",
    "nothing_to_approve": _nothing_to_approve,
    "outside_policy": "the policy refuses this candidate: no approval can change that, only a vote",
    "bad_signature": "{problem}",
    "not_signed_by_operator": "signed by {signer}; only the policy's operator {operator} can approve",
    # Where a request stands, and why.
    "no_policy": "no policy {policy_id} is in force in {dao}",
    "policy_copy_broken": "the mirror's copy of policy {policy_id} does not have its hash: rebuild the mirror",
    "policy_refuses": _policy_refuses,
    "because": _because,
    "chain_refuses": "The chain refuses it: {error}",
    "halted": _with("reason", "the agent is halted: {reason}"),
    "disagreement": "evaluator and module disagree: the evaluator {evaluator}, the module {module}",
    "signed_before": "an act given up as never signed is in the journal",
    "mirror_behind": "the mirror is behind the chain: another policy is in force there",
    "month_changed": "the month changed while the request waited: it was understood as {period}",
    "model_asked": "the model is being asked; the operator may approve a candidate without it",
    "model_awaited": "waiting for the model ({problem}); the operator may approve a candidate without it",
    "model_abstained": _model_abstained,
    "model_did_not_agree": _model_did_not_agree,
    "not_exactly_roster": "it is not exactly the roster",
    "agreed": "exactly the roster, and the model says that it is what was asked",
    "approved": "approved by the operator",
    "approval_missing": "the operator's approval is missing, or was for another version of the policy",
    "roster_replaced": "the roster was replaced since this was planned",
    "other_month_planned": "the month of the request is not the one that its payments are planned for",
    "no_candidate": "no candidate is chosen",
    "other_module": "the policy is in another policy module now: ask again",
    "unrecorded_since_approved": "since it was approved, the agent's key paid one of these without a decision record "
    "known here: look, and ask again",
    "somebody_paid": "somebody of it was already paid for {period}, or is being paid",
    "bound": "bound to act {number}",
    "overtaken": "act {number} was consumed by another decision: planned again",
    "chain_moved": "the chain moved before anything was signed: planned again",
    "reverted": _with("why", "sent {attempts} times and reverted: {why}"),
    "chain_refused": "the chain refused it",
    "gone_from_chain": "its act is gone from the chain (a reorganisation): sent again",
    "paid": "paid as act {number}",
    "paid_after_delay": "paid after its objection delay as act {number}",
    "waits_out_delay": "act {number} waits out its objection delay",
    "killed": "stopped: members objected with enough power (act {number})",
    "vetoed": "stopped: vetoed (act {number})",
    "voided": "stopped: void, since the policy was replaced or ended, or everything was paused (act {number})",
    "not_released_in_time": _with("before", "not released in time: {before}"),
    "paid_by_another_request": "somebody of it was paid for {period} by another request",
    "release_not_authorised": _with("why", "not released: {why}; it lapses, and can be asked for again"),
    "release_ended": "can't be released any more: {error}",
    "release_refused": _with("why", "can't be released now: {why}"),
}

NOTHING = Sentence("", {})
