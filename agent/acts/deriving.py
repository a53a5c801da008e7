# SPDX-License-Identifier: Apache-2.0
"""The candidates of a request: from its words and the roster in use, or from a form's answer, with every reason why an
operator has to look at them. All of it is code's; no model is asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from agent.acts import askers, elsewhere, forms, quotes, rosters
from agent.acts.candidates import Draft, PayLine, derive
from agent.acts.grammar import Ask, parse
from agent.acts.judging import Words
from agent.acts.paid import UNRECORDED, by_form, lately, paid_chain_s, paid_lines, unrecorded_payees
from agent.acts.pieces import NotUnderstood
from agent.acts.rosters import Line
from agent.acts.situation import Situation
from agent.acts.tokens import left_out, read_tokens
from agent.acts.words import say
from agent.models import Request, Roster
from governance.chain.address import checksum
from governance.chain.native import native_token
from governance.chain.rpc import Rpc
from governance.sentences import Sentence
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_text

# The sentences that say which tokens are known here.
_LISTS_TOKENS = {
    "no_amount", "no_amount_currency", "no_amount_bare", "no_amount_unit", "no_amount_no_token", "word_with_digits",
}  # fmt: skip


def derive_words(known: Situation, rpc: Rpc) -> tuple[Roster, list[Draft], Words]:
    """The roster in use, the candidates that code derives, and what is lent to refusals of them.

    Raises RosterError, NotUnderstood, and RpcError.
    """
    request, policy = known.request, known.policy
    now_chain_s = known.pinned.now_chain_s  # while the mirror reads blocks again, its own time is an older one
    roster = rosters.current(policy, now_chain_s)
    terms = rosters.terms_of(roster)
    lines, rules = terms.lines, terms.rules
    assets = {line.asset for line in lines} | {budget.asset for budget in policy.code.budgets}
    tokens = read_tokens(rpc, assets)
    payees, may_ask = {line.recipient for line in lines}, askers.HAS_A_SAY if rules is None else rules.may_ask
    asker = askers.standing(policy, request, payees, rpc, known.pinned.block.hash, may_ask)
    try:
        ask = _understood(request.text, lines, tokens, now_chain_s, names=askers.reads_names(rules, asker))
    except NotUnderstood as error:
        raise _with_left_out(error, left_out(tokens, assets)) from error
    # The month that a request names is settled when it is first understood, whatever the clock says later.
    if request.period and ask.period != request.period:
        raise NotUnderstood(say("month_changed", period=request.period))
    only_names = rules is not None and rules.kind == rosters.NAMES
    if only_names and not ask.amounts:
        raise NotUnderstood(say("names_without_amount"))
    request.period = ask.period
    Request.objects.filter(pk=request.pk).update(period=ask.period)
    drafts = derive(ask, lines, tokens, paid_lines(policy, ask.period, request), now_chain_s)
    if only_names and any(line.provenance["amount"] == "operator" for draft in drafts for line in draft.lines):
        raise NotUnderstood(say("names_without_amount"))  # some of its names are given an amount, and some are not
    strange, since_s = unrecorded_payees(policy), elsewhere.since_s(ask.period, now_chain_s)
    doubts = [doubt for doubt in (asker.doubt, askers.early_doubt(roster, ask.period)) if doubt]
    doubts += askers.rule_doubts(rules, asker, ask.period)
    if only_names:
        drafts = [_of_names(draft) for draft in drafts]
    drafts = [
        replace(
            draft,
            differences=(
                *draft.differences,
                *doubts,
                *(_lately(request, draft, tokens, now_chain_s) if not ask.period else []),
                *_elsewhere(request, draft, tokens, since_s),
                *by_form({line.recipient for line in draft.lines}, ask.period, request),
                *([UNRECORDED] if any((line.recipient, line.asset) in strange for line in draft.lines) else []),
            ),
        )
        for draft in drafts
    ]
    return roster, drafts, Words(tokens, native_token(rpc.chain_id))


def _with_left_out(error: NotUnderstood, assets: Sequence[bytes]) -> NotUnderstood:
    """The error; where it speaks of the tokens known here, with those that no amount can be written in."""
    if not assets or error.sentence.code not in _LISTS_TOKENS:
        return error
    return NotUnderstood(say("tokens_left_out", why=error.sentence, assets=", ".join(map(checksum, assets))))


def _understood(text: str, lines: Sequence[Line], tokens: Sequence[Token], now_chain_s: int, *, names: bool) -> Ask:
    """What the words say. Without `names` those of the roster are words like any other that nobody knows, and which of
    them stand there is told by nothing. Raises NotUnderstood."""
    if names:
        return parse(text, lines, tokens, now_chain_s)
    try:
        ask = parse(text, [replace(line, name="") for line in lines], tokens, now_chain_s)
    except NotUnderstood as error:
        if error.sentence.code in ("nobody_named", "nobody_excluded", "word_beside_amount"):
            raise NotUnderstood(say("names_not_read")) from error
        raise
    is_plain = all(doubt.code != "words_unknown" for doubt in ask.doubts)
    return ask if is_plain else replace(ask, doubts=(*ask.doubts, say("names_not_read")))


def derive_act(known: Situation, rpc: Rpc) -> tuple[list[Draft], Words, list[dict[str, str]]]:
    """The one candidate of an act that was asked for in a form, what is lent to refusals of it, and the quotes that its
    minima come from. Raises NotPermitted, NoQuote, and RpcError."""
    request, policy, block = known.request, known.policy, known.pinned.block
    quoted = forms.quote(policy.code, request.act, rpc, block.hash, block.number)
    calls = forms.calls_of(policy.code, request.act, quoted)
    tokens = read_tokens(rpc, {budget.asset for budget in policy.code.budgets})
    source = dict.fromkeys(("recipient", "asset", "amount"), "request")
    paid = forms.payments_of(calls)
    lines = tuple(PayLine(one.recipient, one.asset, one.amount, "", "", source) for one in paid)
    asker = askers.standing_by_roster(policy, request, rpc, block.hash)
    strange = unrecorded_payees(policy)
    draft = Draft(forms.label(request.act, calls), lines, False, exactly=calls)
    whys = (
        say("by_calls" if forms.is_raw(request.act) else "by_form"),
        *([say("counts_for_no_month")] if lines else []),
        *_prices_said(known, forms.wanted(policy.code, request.act), quoted, rpc),
        *([asker.doubt] if asker.doubt else []),
        *_lately(request, draft, tokens, known.pinned.now_chain_s),
        *_elsewhere(request, draft, tokens, elsewhere.since_s("", known.pinned.now_chain_s)),
        *([UNRECORDED] if any((line.recipient, line.asset) in strange for line in lines) else []),
    )
    return [replace(draft, differences=whys)], Words(tokens, native_token(rpc.chain_id)), quoted


def _prices_said(
    known: Situation, wants: Sequence[quotes.Wanted], quoted: Sequence[dict[str, str]], rpc: Rpc
) -> list[Sentence]:
    """How far below which price each minimum is, and of when that price is."""
    tokens = {one.address: one for one in read_tokens(rpc, {want.token_out for want in wants})} if wants else {}
    found = []
    for want, quote in zip(wants, quoted, strict=True):
        below = Decimal(100) - Decimal(100) * int(quote["minimum"]) / int(quote["expected"])
        found.append(
            say(
                "least_from_quote",
                amount=_amount_said(tokens, want.token_out, int(quote["minimum"])),
                share=f"{below:.2f}",
                pool=quote["pool"],
                block=quote["block"],
                time=f"{datetime.fromtimestamp(known.pinned.now_chain_s, UTC):%Y-%m-%d %H:%M}",
            )
        )
    return found


def _amount_said(tokens: dict[bytes, Token], asset: bytes, amount: int) -> str:
    token = tokens.get(asset)
    return f"{token.text(amount)} ({checksum(asset)})" if token else f"{amount} base units of {checksum(asset)}"


def _of_names(draft: Draft) -> Draft:
    """A draft from a roster that holds names alone: there is no amount or whole that it could differ from."""
    kept = [one for one in draft.differences if one.code not in ("amounts_changed", "part_of_roster")]
    return replace(draft, is_roster=False, differences=(*kept, say("names_only")))


def _elsewhere(request: Request, draft: Draft, tokens: Sequence[Token], since_chain_s: int) -> list[Sentence]:
    """What the payees were paid since then by a vote, or by who else moves the treasury's tokens."""
    return elsewhere.said(request.dao, {line.recipient for line in draft.lines}, since_chain_s, tokens)


def _lately(request: Request, draft: Draft, tokens: Sequence[Token], now_chain_s: int) -> list[Sentence]:
    """What the payees of a one-off were paid in the last month, so that nobody signs the same payment twice unaware."""
    text_of = {token.address: token for token in tokens}
    found = []
    for act, payment in lately(request.dao, {line.recipient for line in draft.lines}, besides=request, most=5):
        at_s = paid_chain_s(act)
        if at_s > now_chain_s - elsewhere.LATELY_S:
            token = text_of.get(payment.asset)
            amount = (
                token.text(payment.amount) if token else f"{payment.amount} base units of {checksum(payment.asset)}"
            )
            code = "announced_lately" if act.status == act.Status.SCHEDULED else "paid_lately"
            day = f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d}"
            policy = hex_text(bytes(act.policy_id))[:10]
            payee = checksum(payment.recipient)
            found.append(say(code, payee=payee, amount=amount, number=act.number, policy=policy, day=day))
    return found
