# SPDX-License-Identifier: Apache-2.0
"""The sentences about requests, by their codes (`governance.sentences`).

Tables keep the text of their time beside the code, since what was signed over it must never change.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from django.utils.translation import gettext_noop

from agent import choice
from governance.numbers import if_grouped, in_language
from governance.sentences import Sentence, Table, Template, Translate, Values


class Reasoned(Protocol):
    """A row that keeps a reason in three columns: agent.models.Request and AgentHalt."""

    reason: Any
    reason_code: Any
    reason_values: Any


class Stated(Exception):
    """An error whose message is a sentence of this module."""

    def __init__(self, sentence: Sentence):
        self.sentence = sentence
        super().__init__(sentence)


def reason_of(row: Reasoned) -> Sentence:
    """Return why a request stands where it stands, or a kill switch stands."""
    return TABLE.read({"code": row.reason_code, "values": row.reason_values}, row.reason)


def because(sentences: Iterable[Sentence]) -> Sentence:
    """Return several reasons as one, each only once."""
    return say("because", because=list(dict.fromkeys(sentences)))


def codes(sentences: Iterable[Sentence]) -> list[dict[str, Any]]:
    """Return what is stored beside the text of several sentences."""
    return [sentence.as_json() for sentence in sentences]


def _words_unknown(values: Values, translate: Translate) -> str:
    words: Sequence[str] = values["words"]
    text = translate(gettext_noop("the request has words that were not understood: {words}"))
    return text.format(words=", ".join(words[:8]))


def _stopped_by_hand(values: Values, translate: Translate) -> str:
    if not values["because"]:
        return translate(gettext_noop("stopped by hand, without a reason given"))
    return translate(gettext_noop("stopped by hand: “{because}”")).format(because=values["because"])


def _with_digits(values: Values, translate: Translate) -> str:
    text = gettext_noop(
        '"{word:.30}" was not understood: write a month as 2026-11, an amount as digits and then a token (known here: '
        "{known})"
    )
    known = ", ".join(values["tokens"]) or translate(gettext_noop("none"))
    return translate(text).format(word=values["word"], known=known)


def _no_amount(values: Values, translate: Translate) -> str:
    tokens: Sequence[str] = values["tokens"]
    text = gettext_noop(
        '"{piece:.40}" is not understood as an amount: write digits and a token, e.g. 500 {token} (tokens known here: '
        "{known})"
    )
    return translate(text).format(piece=values["piece"], token=tokens[0], known=", ".join(tokens))


def _amounts_changed(values: Values, translate: Translate) -> str:
    one, many = (
        gettext_noop("{count} amount other than on the roster"),
        gettext_noop("{count} amounts other than on the roster"),
    )
    return translate(one if values["count"] == 1 else many).format_map(values)


def _candidate(values: Values, translate: Translate) -> str:
    who = translate(gettext_noop("the whole roster"))
    if not values["is_roster"]:
        one, many = gettext_noop("{payments} payment"), gettext_noop("{payments} payments")
        who = translate(one if values["payments"] == 1 else many).format_map(values)
    return translate(gettext_noop("{period}: {who}, {how}; {totals} altogether")).format(
        period=values["period"] or translate(gettext_noop("one-off")),
        who=who,
        how=values["how"],
        totals=" + ".join(if_grouped(total, translate) for total in values["totals"]),
    )


def _act_label(values: Values, translate: Translate) -> str:
    return translate(gettext_noop("as asked: {what}")).format(what=", ".join(values["what"]))


def _nothing_to_approve(values: Values, translate: Translate) -> str:
    text = translate(gettext_noop("there is nothing to approve: the request is {status}"))
    return text.format(status=values["status"].replace("_", " "))


def _policy_refuses(values: Values, translate: Translate) -> str:
    # The reasons are in the words of `policies`, which are English in every language: another language says so.
    return translate(gettext_noop("{reasons}")).format(reasons=" ".join(reason["text"] for reason in values["reasons"]))


def _least_from_quote(values: Values, translate: Translate) -> str:
    text = gettext_noop(
        "the swap's minimum is {amount}: {share} % below what the pool {pool} would give by its price at block "
        "{block}, {time} UTC; that price is the word of this pool alone, which whoever set it up may have chosen"
    )
    amount, share = if_grouped(values["amount"], translate), in_language(values["share"], translate)
    return translate(text).format_map({**values, "amount": amount, "share": share})


def _model_abstained(values: Values, translate: Translate) -> str:
    text = translate(gettext_noop("the model abstained: {word}"))
    return text.format(word=_word(values["word"], translate))


def _model_did_not_agree(values: Values, translate: Translate) -> str:
    said = translate(gettext_noop("nothing")) if values["word"] is None else _word(values["word"], translate)
    text = gettext_noop("the model did not say that this is what was asked; it said: {said}")
    return translate(text).format(said=said)


def _word(stored_word: Values, translate: Translate) -> str:
    key = "" if stored_word["choice"] == choice.ABSTAIN else stored_word["choice"]
    return choice.in_words(choice.Word(key, stored_word["reason"]), translate)


def _month_before_roster(values: Values, translate: Translate) -> str:
    text = gettext_noop("{period} began before the roster was signed (taken in on {signed} UTC)")
    signed = datetime.fromtimestamp(values["signed_chain_s"], UTC)
    return translate(text).format(period=values["period"], signed=f"{signed:%Y-%m-%d %H:%M}")


_ASKERS = {
    "operator": gettext_noop("the operator"),
    "roster": gettext_noop("people on it"),
    "delegate": gettext_noop("delegates"),
    "holder": gettext_noop("holders of votes"),
}


def _asker_not_let(values: Values, translate: Translate) -> str:
    text = gettext_noop("asked by one of: {kind}; the roster is paid only when one of these asks: {may_ask}")
    let = ["operator", *values["may_ask"]]
    kind = translate(_ASKERS[values["kind"]])
    return translate(text).format(kind=kind, may_ask=", ".join(translate(_ASKERS[one]) for one in let))


SENTENCES: Mapping[str, Template] = {
    # The grammar stops: what to write instead.
    "digit_not_ascii": gettext_noop('"{character}" is not one of the digits 0 to 9: write amounts with these'),
    "invisible_beside_number": gettext_noop("an invisible character is beside a number: write the number again"),
    "turned": gettext_noop('a request with "{word}" in it is not acted on: say plainly who is paid for which month'),
    "question": gettext_noop('this is a question, and the agent only takes orders to pay: begin with "pay"'),
    "who_pays_whom": gettext_noop('it is not clear who pays whom: begin with "pay", and then say who is paid'),
    "word_with_digits": _with_digits,
    "other_order": gettext_noop('"{word}" is not something that the agent can do: it only pays'),
    "over": gettext_noop('"{word}" tells of something that is over: say what is to be paid'),
    "vague_amount": gettext_noop('"{word}" makes the amount unclear: write exactly what each is paid'),
    "salary_or_on_top": gettext_noop(
        "it is not clear whether the amount is the salary or comes on top: write what each is paid"
    ),
    "not_from_treasury": gettext_noop("the agent only pays from the treasury: say who is paid"),
    "not_english": gettext_noop(
        '"{word:.30}" was not understood: write in English and begin with "pay", e.g. "pay the contributors for'
        ' 2026-11"'
    ),
    "checksum": gettext_noop("{address} is mistyped: its checksum is wrong"),
    "excluded_stranger": gettext_noop("{address} is to be left out, but it is not on the roster"),
    "year_or_amount": gettext_noop("{digits} can be read as a year and as an amount: write the month as 2026-11"),
    "sign_beside_amount": gettext_noop('"{sign}" beside {amount} was not understood: write the amount without it'),
    "word_beside_amount": gettext_noop(
        '"{word:.30}" beside {amount} was not understood: leave it out, or say what it is for behind "for"'
    ),
    "month_in_slashes": gettext_noop('"{piece}" is not understood: write a month as 2026-11'),
    "no_amount": _no_amount,
    "no_amount_sign": gettext_noop(
        '"{piece:.40}" is not understood as an amount: a payment has no sign, write digits and a token, '
        "e.g. 500 {token}"
    ),
    "no_amount_currency": gettext_noop(
        '"{piece:.40}" is not understood as an amount: a currency is no token, write e.g. 500 {token} '
        "(tokens known here: {tokens})"
    ),
    "no_amount_share": gettext_noop(
        '"{piece:.40}" is not understood as an amount: a share of something is not, write what each is paid, e.g. '
        "500 {token}"
    ),
    "no_amount_short": gettext_noop(
        '"{piece:.40}" is not understood as an amount: write all its digits and a token, e.g. 1,000 {token}'
    ),
    "no_amount_bare": gettext_noop(
        '"{piece:.40}" is not understood as an amount: no token follows it, write e.g. 500 {token} (tokens known '
        "here: {tokens})"
    ),
    "no_amount_unit": gettext_noop(
        '"{piece:.40}" is not understood as an amount: that is no token known here, which are: {tokens}'
    ),
    "no_amount_no_token": gettext_noop('"{piece:.40}" is not understood as an amount: no token is known here'),
    "tokens_left_out": gettext_noop(
        "{why}. No amount can be written in {assets}: the token says no plain symbol and decimals, or a symbol that is "
        "another's too"
    ),
    "comma_in_amount": gettext_noop(
        "{digits:.80} can be read in two ways: write decimals behind a point, and no comma"
    ),
    "point_in_amount": gettext_noop("{digits} can be read in two ways: write {plain}, or {digits}0"),
    "leading_zero": gettext_noop("{digits:.80} begins with a zero: write the amount without it"),
    "too_many_digits": gettext_noop("{digits:.80} {token} has more digits than {token} can hold"),
    "amount_zero": gettext_noop("an amount of zero pays nobody"),
    "per": gettext_noop('"per {word:.30}" is not understood: name one amount for one month'),
    "token_without_amount": gettext_noop('"{word}" has no amount in digits before it: write e.g. 500 {word}'),
    "nobody_excluded": gettext_noop("somebody is to be left out, but nobody on the roster is named"),
    "one_month": gettext_noop("name one month, e.g. 2026-11"),
    "another_span": gettext_noop(
        '"{words}" asks for more than one payment, or for a part of a month: ask for one payment, or for one month, '
        "e.g. 2026-11. For payments that come again the operator sets up a calendar"
    ),
    "another_payment": gettext_noop('"{word}" is not on the roster: write behind each name what is paid'),
    "several_months": gettext_noop("name one month, not several"),
    "nobody_named": gettext_noop('nobody to pay is named: say "the contributors", or names from the roster'),
    "no_month": gettext_noop("name the month that is paid, e.g. 2026-11"),
    "no_month_or_amount": gettext_noop(
        "name the month that is paid, e.g. 2026-11, or write behind each name what is paid"
    ),
    "everyone_and_single": gettext_noop("the request names both everyone and single people: say one or the other"),
    "excluding_from_whom": gettext_noop('leaving somebody out needs "the contributors except ..."'),
    "in_total": gettext_noop('"in total" needs one amount that is divided: leave "each" and other amounts out'),
    "whose_amount": gettext_noop(
        'it is not clear which amount belongs to whom: write "<name> <amount> <token>" for each'
    ),
    "named_twice_with_amount": gettext_noop("somebody is named twice: name each once, with what is paid"),
    "stranger_without_amount": gettext_noop("{address} is not on the roster and no amount is named"),
    "count": gettext_noop("the request counts {asked} payments, the roster gives {given}"),
    "not_divisible": gettext_noop("{amount} can't be divided among {payees} exactly: write what each is paid"),
    "all_paid": gettext_noop("everybody named was already paid for {period}, or is being paid"),
    # Why somebody must look at a candidate.
    "invisible": gettext_noop("the request holds invisible characters"),
    "words_unknown": _words_unknown,
    "not_plain": gettext_noop("the request is not one of the plain orders to pay: look what it says"),
    "named_twice": gettext_noop("somebody is named twice, and would be paid once"),
    "one_off": gettext_noop("a one-off payment: no month is named"),
    "other_month": gettext_noop("{period} is neither this month nor the last"),
    "each_or_alone": gettext_noop(
        "can be read in two ways: {amount} to each, or {amount} to {payee} and the others as on the roster"
    ),
    "each_or_total": gettext_noop("can be read in two ways: {amount} to each, or {amount} in total"),
    "each_or_total_not_divisible": gettext_noop(
        "can be read in two ways: {amount} to each, or {amount} in total, which can't be divided among {payees} exactly"
    ),
    "not_on_roster": gettext_noop("{payee} is not on the roster"),
    "amounts_changed": _amounts_changed,
    "left_out_as_paid": gettext_noop("already paid or being paid for this month, and left out: {count}"),
    "part_of_roster": gettext_noop("pays {payments} of the {roster} on the roster"),
    "paid_lately": gettext_noop("{payee} was paid {amount} on {day}, by act {number} of policy {policy}"),
    "announced_lately": gettext_noop("act {number} of policy {policy}, announced on {day}, is to pay {payee} {amount}"),
    # What is asked for in a form of the policy's rules, or as exact calls.
    "form_unreadable": gettext_noop("the form's answer can't be read: {problem}"),
    "form_not_permitted": gettext_noop("{path}: {problem}"),
    "form_calls": gettext_noop("an act has 1 to {most} calls"),
    "raw_by_operator": gettext_noop("only the policy's operator {operator}, signed in, may ask for exact calls"),
    "by_form": gettext_noop("asked for in a form: no roster says what it should be, and no model looks at it"),
    "by_calls": gettext_noop("asked for as exact calls: no form was filled in, and no model looks at them"),
    "counts_for_no_month": gettext_noop("it counts for no month: the same people may be paid again by the roster"),
    "paid_by_form": gettext_noop(
        "since {period} began somebody of it was paid, or is to be, by what was asked for in a form or as exact calls, "
        "which counts for no month: request {requests}"
    ),
    "paid_elsewhere": gettext_noop(
        "{payee} was paid {amount} by the treasury on {day}, not by an act of this agent: transaction {transaction}"
    ),
    "paid_elsewhere_often": gettext_noop(
        "{payee} was paid {amount} by the treasury on {day}, not by an act of this agent: transaction {transaction}; "
        "transfers of the same token to them before that, in the time that was looked at: {older}"
    ),
    "form_since_approved": gettext_noop("not known when it was approved: {why}. Look, and ask again"),
    "least_from_quote": _least_from_quote,
    "price_moved": gettext_noop(
        "the price of the swap moved: by that of block {block} it would have to bring {least} base units of {token} at "
        "least, where its minimum is {before}"
    ),
    "ask_again_as": gettext_noop("{why}: ask again"),
    "policy_changed_ask_again": gettext_noop(
        "under the policy in force now this can't be asked for as it was: ask again"
    ),
    "no_quote": gettext_noop("no price of this swap can be read through the router {router}: write the minimum itself"),
    "no_quote_place": gettext_noop("{argument} is not the minimum of a swap that is known here: write a number"),
    "no_quote_share": gettext_noop("how much worse than the price a swap may be is above 0 % and below 100 %"),
    "act_label": _act_label,
    "act_call": gettext_noop("{name} on {to}"),
    "act_ether": gettext_noop("native currency to {to}"),
    # A candidate's label.
    "candidate": _candidate,
    "as_on_roster": gettext_noop("as on the roster"),
    "as_requested": gettext_noop("with the amounts of the request"),
    "each": gettext_noop("{amount} each"),
    "total": gettext_noop("{amount} in total, in equal parts"),
    "alone": gettext_noop("{amount} to {payee}, the others as on the roster"),
    # Who asks, for which month, from which roster.
    "asked_by_stranger": gettext_noop(
        "asked by an account without votes: it holds none, is no delegate and is not on the roster"
    ),
    "asked_by_unknown": gettext_noop("it is not known whether who asked has a say in the DAO"),
    "asker_not_let": _asker_not_let,
    "before_first_month": gettext_noop("{period} is before the roster's first month, {month}"),
    "after_last_month": gettext_noop("{period} is after the roster's last month, {month}"),
    "names_only": gettext_noop("the roster holds names for one-off payments, each of which the operator signs"),
    "names_without_amount": gettext_noop("the roster holds names and no amounts: write behind each name what is paid"),
    "roster_date_unknown": gettext_noop("it is not known when the roster was signed"),
    "month_before_roster": _month_before_roster,
    "unrecorded": gettext_noop("the agent's key paid one of these without a decision record known here"),
    "roster_unreadable": "{problem}",
    "no_roster": gettext_noop("the operator has signed no roster for this policy yet"),
    "roster_of_earlier_policy": gettext_noop(
        "the roster was signed for an earlier version of the policy: the operator must sign a new one"
    ),
    "roster_expired": gettext_noop("the roster has expired: the operator must sign a new one"),
    "roster_changed": gettext_noop("the stored roster is not what the operator signed: it was changed in the database"),
    "roster_block_gone": gettext_noop(
        "the operator's contract account confirmed the roster at block {block}, which a reorganisation took: have it "
        "signed again"
    ),
    "operator_withdrew": gettext_noop(
        "the operator's contract account does not confirm what it signed any more: have it signed again. {signature}"
    ),
    "roster_signature_changed": gettext_noop(
        "the stored roster's signature is not its operator's: it was changed in the database"
    ),
    # A request or an approval that is not taken.
    "schedule_by_operator": gettext_noop("only the policy's operator, {operator}, may do this"),
    "schedule_not_standing": gettext_noop("there is no schedule of this number: it may have ended before"),
    "schedule_text": gettext_noop("write what is asked for, in 1 to {most} characters on one line"),
    "schedule_rule": "{problem}",
    "schedule_is_over": gettext_noop("all of its dates are over by the chain's clock"),
    "schedules_too_many": gettext_noop("a policy has at most {most} schedules: end one first"),
    "request_empty": gettext_noop("the request is empty"),
    "request_not_plain_text": gettext_noop("the request is not plain text"),
    "request_too_long": gettext_noop("a request has at most {most} characters"),
    "key_length": gettext_noop("the idempotency key has 1 to 120 characters, all of them printable ASCII"),
    "key_used": gettext_noop("this idempotency key was used for another request"),
    "candidate_of_another": gettext_noop("the candidate belongs to another request"),
    "calls_changed": gettext_noop("the stored calls do not have their hash: they were changed in the database"),
    "asker_means": gettext_noop("who asked means {candidate}"),
    "only_asker_means": gettext_noop("only who asked, signed in with the same account, can say what was meant"),
    "nothing_to_mean": gettext_noop("there is nothing to pick: the request is not waiting with several readings"),
    "only_operator_ends": gettext_noop("only the policy's operator, {operator}, can end a request"),
    "nothing_to_end": gettext_noop(
        "there is nothing to end: the request has ended, or waits for the operator's signature, without which nothing "
        "is paid"
    ),
    "act_is_signed": gettext_noop(
        "a transaction was signed for its act, and can't be taken back; once the chain has refused it for good, the "
        "agent signs another where the policy allows the act then"
    ),
    "act_is_announced": gettext_noop(
        "its act is announced on the chain, and is stopped there: by members who object in time, by a veto or by a "
        "pause"
    ),
    "was_ended": gettext_noop("the request was ended, and nothing is signed for it any more"),
    "ended_by_operator": gettext_noop("ended by the operator"),
    "ended_at_console": gettext_noop("ended at the server's console"),
    "no_such_candidate": gettext_noop("the request has no such candidate"),
    "nothing_to_approve": _nothing_to_approve,
    "outside_policy": gettext_noop("the policy refuses this candidate: no approval can change that, only a vote"),
    "not_signed_by_operator": gettext_noop("only the policy's operator {operator} can approve. {signature}"),
    # Where a request stands, and why.
    "policy_unreadable": gettext_noop("the code of policy {policy_id} can't be read by this release"),
    "policy_not_final": gettext_noop("a newer version of the policy is not final by the chain"),
    "names_not_read": gettext_noop(
        "names on the roster are read only from its operator and from who may have it paid by asking: write addresses "
        'instead, or "the contributors"'
    ),
    "no_policy": gettext_noop("no policy {policy_id} is in force in {dao}"),
    "policy_copy_broken": gettext_noop(
        "the mirror's copy of policy {policy_id} does not have its hash: rebuild the mirror"
    ),
    "policy_refuses": _policy_refuses,
    "because": "{because}",
    "chain_refuses": gettext_noop("The chain refuses it: {error}"),
    "target_refuses": gettext_noop("Call {call} fails in the contract that it calls, which answers {said}"),
    "target_refuses_silently": gettext_noop("Call {call} fails in the contract that it calls, which says nothing"),
    "halted": gettext_noop("the agent is halted: {reason}"),
    "stopped_by_hand": _stopped_by_hand,
    "start_needs_reason": gettext_noop("say in {least} characters or more why it is safe to start again"),
    "disagreement": gettext_noop("evaluator and module disagree: the evaluator {evaluator}, the module {module}"),
    "signed_before": gettext_noop("an act given up as never signed is in the journal"),
    "mirror_behind": gettext_noop("the mirror is behind the chain: another policy is in force there"),
    "month_changed": gettext_noop("the month changed while the request waited: it was understood as {period}"),
    "model_asked": gettext_noop("the model is being asked; the operator may approve a candidate without it"),
    "model_awaited": gettext_noop(
        "waiting for the model ({problem}), until {until} UTC at least if it says nothing; the operator may approve a "
        "candidate without it"
    ),
    "no_second_look": gettext_noop("no second look: the model said nothing for {minutes} minutes ({problem})"),
    "no_second_look_none": gettext_noop("no second look: no model is configured"),
    "model_said_no_before": gettext_noop("the model said no to the same payments before, in request {request}"),
    "exactly_roster": gettext_noop("exactly the roster; {look}"),
    "model_abstained": _model_abstained,
    "model_did_not_agree": _model_did_not_agree,
    "not_exactly_roster": gettext_noop("it is not exactly the roster"),
    "agreed": gettext_noop("exactly the roster, and the model says that it is what was asked"),
    "approved": gettext_noop("approved by the operator"),
    "approval_missing": gettext_noop("the operator's approval is missing, or was for another version of the policy"),
    "roster_replaced": gettext_noop("the roster was replaced since this was planned"),
    "other_month_planned": gettext_noop("the month of the request is not the one that its payments are planned for"),
    "no_candidate": gettext_noop("no candidate is chosen"),
    "other_module": gettext_noop("the policy is in another policy module now: ask again"),
    "unrecorded_since_approved": gettext_noop(
        "since it was approved, the agent's key paid one of these without a decision record known here: look, "
        "and ask again"
    ),
    "somebody_paid": gettext_noop("somebody of it was already paid for {period}, or is being paid"),
    "bound": gettext_noop("bound to act {number}"),
    "overtaken": gettext_noop("act {number} was consumed by another decision: planned again"),
    "chain_moved": gettext_noop("the chain moved before anything was signed: planned again"),
    "reverted": gettext_noop("sent {attempts} times and reverted: {why}"),
    "chain_refused": gettext_noop("the chain refused it"),
    "gone_from_chain": gettext_noop("its act is gone from the chain (a reorganisation): sent again"),
    "paid": gettext_noop("paid as act {number}"),
    "paid_after_delay": gettext_noop("paid after its objection delay as act {number}"),
    "waits_out_delay": gettext_noop("act {number} waits out its objection delay"),
    "killed": gettext_noop("stopped: members objected with enough power (act {number})"),
    "vetoed": gettext_noop("stopped: vetoed (act {number})"),
    "voided": gettext_noop(
        "stopped: void, since the policy was replaced or ended, or everything was paused (act {number})"
    ),
    "not_released_in_time": gettext_noop("not released in time: {before}"),
    "paid_by_another_request": gettext_noop("somebody of it was paid for {period} by another request"),
    "release_not_authorised": gettext_noop("not released: {why}; it lapses, and can be asked for again"),
    "release_ended": gettext_noop("can't be released any more: {error}"),
    "release_refused": gettext_noop("can't be released now: {why}"),
    # Why a step looks again later: kept with the due work, while the request stands where it stood.
    "changed_meanwhile": gettext_noop("what the model was asked about has changed meanwhile"),
    "moved_meanwhile": gettext_noop("request {request} is {status} now"),
    "another_act_made": gettext_noop("another act of this DAO is being made"),
    "act_on_its_way": gettext_noop("on its way"),
    "stop_in_doubt": gettext_noop(
        "one node alone shows that act {number} was stopped: nothing is done before that is confirmed"
    ),
    "not_final_yet": gettext_noop("read back, and not final yet"),
    "other_key": gettext_noop("the configured key is {key}; the policy's agent is {agent}"),
    "last_act_unread": gettext_noop("the mirror is behind the chain: it has not read the last act yet"),
    "pending_refuses": gettext_noop("the pending block refuses it: {error}"),
    "gas_estimate_reverted": gettext_noop("the gas estimate reverted: {problem}"),
    "reverted_refused_now": gettext_noop("reverted; refused for the moment"),
    "reverted_number_consumed": gettext_noop("reverted: the act number was consumed; waiting until that is final"),
    "reverted_not_final": gettext_noop("reverted; waiting until that is final"),
    "objection_delay_runs": gettext_noop("waiting out the objection delay"),
    "release_reverted": gettext_noop("the release reverted"),
    "pending_refuses_release": gettext_noop("the pending block refuses the release: {error}"),
    "release_on_its_way": gettext_noop("the release is on its way"),
}

TABLE = Table("requests", SENTENCES, as_written={"sign_beside_amount": "amount", "word_beside_amount": "amount"})
say = TABLE.say
NOTHING = TABLE.say("")
