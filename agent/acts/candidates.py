# SPDX-License-Identifier: Apache-2.0
"""Candidates: the complete lists of calls that code derives from what a request's words say and from the roster.

Every value of a candidate carries where it came from. Only a candidate that is exactly the roster, for the month now or
the month before, from words that can be read in one way, has no difference here; every other one needs the operator's
signature, whatever the model says. What else can need it (who asks, when the roster was signed) the planner adds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.acts.calls import payment_call
from agent.acts.grammar import Ask, month_of
from agent.acts.pieces import NotUnderstood
from agent.acts.rosters import Line
from agent.acts.words import say
from governance.chain.address import checksum
from governance.sentences import Sentence
from policies.code.call import Call
from policies.notation.amounts import Token


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
class Draft:
    """A candidate: a complete list of calls. `differences` is why the operator must approve it; empty for nobody."""

    label: Sentence
    lines: tuple[PayLine, ...]
    is_roster: bool
    differences: tuple[Sentence, ...] = field(default=())
    exactly: tuple[Call, ...] = ()  # asked for as such; empty: the calls are those that pay the lines

    @property
    def calls(self) -> tuple[Call, ...]:
        if self.exactly:
            return self.exactly
        return tuple(payment_call(line.recipient, line.asset, line.amount) for line in self.lines)


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
    text_of = {token.address: token for token in tokens}
    common = list(ask.doubts)
    if not ask.period:
        common.append(say("one_off"))
    elif ask.period not in (month_of(now_chain_s), month_of(now_chain_s, 1)):
        common.append(say("other_month", period=ask.period))
    chosen: list[int | bytes] = (
        [position for position in range(len(lines)) if position not in ask.excluded]
        if ask.everyone
        else list(ask.order)
    )
    if ask.count is not None and ask.count != len(chosen):
        raise NotUnderstood(say("count", asked=ask.count, given=len(chosen)))
    readings, ambiguity = _readings(ask, chosen, lines, text_of)
    common += [ambiguity] if ambiguity is not None else []
    drafts: list[Draft] = []
    for how, wanted in readings:
        draft = _draft(how, chosen, wanted, ask.period, lines, text_of, paid, common)
        if draft is not None:
            drafts.append(draft)
    if not drafts:
        raise NotUnderstood(say("all_paid", period=ask.period))
    return drafts


_Reading = tuple[Sentence, list[tuple[bytes, int] | None]]  # in words, and each payee's pay; None: as on the roster


def _readings(
    ask: Ask, chosen: Sequence[int | bytes], lines: Sequence[Line], text_of: Mapping[bytes, Token]
) -> tuple[list[_Reading], Sentence | None]:
    """What the amounts can mean, and, where that is more than one thing, what to tell the operator who picks."""
    many = len(chosen)
    if not ask.amounts:
        return [(say("as_on_roster"), [None] * many)], None
    if len(ask.amounts) > 1:
        return [(say("as_requested"), list(ask.amounts))], None
    asset, amount = ask.amounts[0]
    text = _text(text_of, asset, amount)
    each: _Reading = (say("each", amount=text), [(asset, amount)] * many)
    total: _Reading = (say("total", amount=text), [(asset, amount // many)] * many)
    if ask.in_total and many > 1:
        if amount % many:
            raise NotUnderstood(say("not_divisible", amount=text, payees=many))
        return [total], None
    if ask.each or many == 1:
        return [each], None
    if ask.alone is not None:
        payee = chosen[ask.alone]
        who = checksum(payee if isinstance(payee, bytes) else lines[payee].recipient)
        as_signed = [(lines[p].asset, lines[p].amount) if isinstance(p, int) else None for p in chosen]
        only: _Reading = (
            say("alone", amount=text, payee=who),
            [(asset, amount) if i == ask.alone else None for i in range(many)],
        )
        if all((asset, amount) == pay for i, pay in enumerate(as_signed) if i != ask.alone):
            return [each], None  # both come to the same payments
        return [each, only], say("each_or_alone", amount=text, payee=who)
    if amount % many:
        return [each], say("each_or_total_not_divisible", amount=text, payees=many)
    return [each, total], say("each_or_total", amount=text)


def _draft(
    how: Sentence,
    chosen: Sequence[int | bytes],
    wanted: Sequence[tuple[bytes, int] | None],
    period: str,
    lines: Sequence[Line],
    text_of: Mapping[bytes, Token],
    paid: frozenset[tuple[bytes, bytes]],
    common: Sequence[Sentence],
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
            differences.append(say("not_on_roster", payee=checksum(recipient)))
        if period and (recipient, asset) in paid:
            already.append(checksum(recipient))
            continue
        if isinstance(payee, int) and same:
            as_signed.add(payee)
        pay.append(PayLine(recipient, asset, amount, period, name, source | {"period": "request"}))
    if not pay:
        return None
    if changed:
        differences.append(say("amounts_changed", count=changed))
    is_roster = bool(period) and len(as_signed) == len(lines) == len(pay)
    if already:
        differences.append(say("left_out_as_paid", count=len(already)))
    elif len(as_signed) < len(lines) and len(pay) < len(lines):
        differences.append(say("part_of_roster", payments=len(pay), roster=len(lines)))
    totals: dict[bytes, int] = {}
    for line_ in pay:
        totals[line_.asset] = totals.get(line_.asset, 0) + line_.amount
    label = say(
        "candidate",
        period=period,
        is_roster=is_roster,
        payments=len(pay),
        how=how,
        totals=[_text(text_of, asset, amount) for asset, amount in totals.items()],
    )
    return Draft(label, tuple(pay), is_roster, tuple(differences))


def _text(tokens: Mapping[bytes, Token], asset: bytes, amount: int) -> str:
    token = tokens.get(asset)
    return token.text(amount) if token else f"{amount} base units of {checksum(asset)}"
