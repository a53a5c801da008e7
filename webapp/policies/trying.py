# SPDX-License-Identifier: Apache-2.0
"""Would a payment pass? Answered by the code that the module follows, from what was read of the module at one block.

What was not read makes the answer "not known": nothing here is guessed in favour of a payment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext

from governance import standing
from governance.chain import module
from governance.chain.address import BadAddress, to_bytes
from governance.models import Act, ChainReading, PolicyVersion
from governance.numbers import if_grouped
from governance.readings import balance_key
from policies.answer.evaluate import Allowed, Mode, PolicyState, Refused, amounts, evaluate
from policies.answer.paying import paid_asset
from policies.answer.permitted import permitted
from policies.code.call import Call
from policies.code.policy_code import ETHER_ASSET, PolicyCode, Rule
from policies.code.signatures import TRANSFER
from policies.notation.amounts import Token, Unclear, parse_amount
from policies.notation.primitives import UINT256_MAX, word
from policies.notation.visible import one_line
from policies.trial.clauses import Line, act_checked
from policies.words.reasons import condition, reason
from policies.words.wording import Vocabulary
from presentation import words
from presentation.as_of import as_of
from presentation.dao_view import DaoView
from presentation.policies import decode_version, vocabulary
from webapp import languages
from webapp.policies.read import PolicyView

MOST_CHOICES = 60
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
MOST_TEXT = 80  # characters of an amount or an address that somebody types


class Verdict(StrEnum):
    """What becomes of a payment that is asked for now."""

    AT_ONCE = "at_once"
    ANNOUNCED = "announced"  # it passes if members let it
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Payment:
    """A payment that somebody asks about; `amount` in base units of the asset (20 zero bytes: native currency)."""

    asset: bytes
    to: bytes
    amount: int


@dataclass(frozen=True)
class Tried:
    """The answer: its verdict, why, each clause that was looked at, and what is left afterwards, a sentence each.

    Why it is so is in the reader's language (`around`), but for what the policy itself says, and its conditions, which
    are in English.
    """

    payment: Payment
    verdict: Verdict
    around: list[str]
    by_policy: list[str]
    lines: list[Line]
    left: list[str]
    conditions: list[str]
    as_of: str
    delay_s: int
    notes: list[str]

    @property
    def reasons(self) -> list[str]:
        return self.around + self.by_policy

    @property
    def lead(self) -> str:
        match self.verdict:
            case Verdict.AT_ONCE:
                return gettext("Yes, at once.")
            case Verdict.ANNOUNCED:
                shown = {"duration": words.duration(self.delay_s)}
                return gettext("Only after an announcement of %(duration)s, if members let it pass.") % shown
            case Verdict.REFUSED:
                return gettext("No.")
        return gettext("Not known.")


@dataclass(frozen=True)
class Choices:
    """What the form offers: assets as (address, name); recipients as (address, name), none where it can be many."""

    assets: list[tuple[str, str]]
    recipients: list[tuple[str, str]]


class BadPayment(ValueError):
    """What somebody asks about is no payment: one line that says why."""


def read_payment(place: DaoView, asset: str, to: str, amount: str) -> Payment:
    """The payment from what was typed: two addresses, and an amount in whole tokens as policies write it. In base units
    where the token's decimals are not known. Raises BadPayment."""
    try:
        asset_address, recipient = to_bytes(asset.strip()[:MOST_TEXT]), to_bytes(to.strip()[:MOST_TEXT])
    except BadAddress as error:
        raise BadPayment(one_line(str(error), 200)) from None
    text = amount.strip()
    if len(text) > MOST_TEXT:
        raise BadPayment(gettext("the amount is too long to be one"))
    if unclear := languages.unclear_amount(text):
        raise BadPayment(unclear)
    known = place.asset(asset_address)
    if not known.known:
        if not (text.isascii() and text.isdigit()):
            raise BadPayment(gettext("the token's decimals are not known: write its base units, digits alone"))
        return Payment(asset_address, recipient, _within_a_word(int(text)))
    symbol = known.symbol if _SYMBOL.fullmatch(known.symbol) else "TOKEN"
    try:
        written = f"{text.removesuffix(symbol).strip()} {symbol}"
        base_units, _ = parse_amount(written, {symbol: Token(symbol, asset_address, known.decimals)})
    except Unclear as unclear:
        raise BadPayment(one_line(str(unclear), 200)) from None
    return Payment(asset_address, recipient, _within_a_word(base_units))


def _within_a_word(base_units: int) -> int:
    if base_units > UINT256_MAX:
        raise BadPayment(gettext("no token has so much"))
    return base_units


def choices(place: DaoView, code: PolicyCode) -> Choices | None:
    """What a payment by this policy can be of and to; None where no rule pays."""
    assets: dict[bytes, None] = {}
    recipients: dict[bytes, None] | None = {}
    for rule in code.rules:
        asset = paid_asset(rule)
        if asset is None:
            continue
        assets[asset] = None
        paid = _recipients(code, rule)
        recipients = None if paid is None or recipients is None else recipients | dict.fromkeys(paid)
    if not assets:
        return None
    listed = recipients if recipients is not None and len(recipients) <= MOST_CHOICES else {}
    return Choices(
        [(words.address_text(one), place.asset(one).name) for one in assets],
        [(words.address_text(one), place.names.get(one, "")) for one in listed],
    )


def _recipients(code: PolicyCode, rule: Rule) -> list[bytes] | None:
    if rule.no_selector:
        return [rule.target]
    values = permitted(rule, code).at((0, 0)).listed(MOST_CHOICES)
    return None if values is None else [(value % 2**160).to_bytes(20, "big") for value in values]


def tried(place: DaoView, view: PolicyView, payment: Payment, known: standing.Known) -> Tried | None:
    """Whether the payment would pass; None where the policy's code can't be read. Asks no node."""
    code = view.code
    if code is None:
        return None
    reading, state = view.reading, None
    unknown = _not_known(view)
    if not unknown:
        state = _state(view, code)
    if unknown or state is None or reading is None:
        return Tried(payment, Verdict.UNKNOWN, unknown, [], [], [], [], as_of(reading), 0, _notes(view, known))
    now_s = reading.block_timestamp_chain_s
    call = _call(payment)
    lent = vocabulary(place)
    rules = act_checked(code, [call], lent)[0]
    nearest = min(rules, key=lambda rule: sum(not line.holds for line in rule.lines), default=None)
    lines = list(nearest.lines) if nearest else []
    stopped, doubts = _of_treasury(place, view, payment, reading)
    answer = evaluate(code, state, [call], now_s, Mode.EXECUTE)
    reasons = [] if isinstance(answer, Allowed) else answer.reasons
    verdict, at_once = Verdict.AT_ONCE, answer
    if isinstance(answer, Refused):
        verdict = Verdict.REFUSED
        if all(one.error == "OverInstant" for one in answer.reasons):
            answer = evaluate(code, state, [call], now_s, Mode.SCHEDULE)
            verdict = Verdict.ANNOUNCED if isinstance(answer, Allowed) else Verdict.REFUSED
            reasons = answer.reasons if isinstance(answer, Refused) else at_once.reasons  # type: ignore[union-attr]
    if stopped:
        verdict = Verdict.REFUSED
    elif doubts and verdict is not Verdict.REFUSED:  # what the policy forbids is refused, whatever was not read
        return Tried(payment, Verdict.UNKNOWN, doubts, [], lines, [], [], as_of(reading), 0, _notes(view, known))
    said = [reason(one, code, lent.names, lent.tokens) for one in reasons]
    allowed = answer if isinstance(answer, Allowed) and verdict is not Verdict.REFUSED else None
    return Tried(
        payment,
        verdict,
        stopped,
        said,
        lines,
        _left(view, code, allowed, lent) if allowed else [],
        [condition(one, lent) for one in allowed.conditions] if allowed else [],
        as_of(reading),
        code.objection_delay_s,
        _notes(view, known),
    )


def _notes(view: PolicyView, known: standing.Known) -> list[str]:
    """Whom the module answers to, where votes do not rule it: no payment passes or is refused for that."""
    module_address = bytes(view.version.module.address)
    return [one.words for one in known.stopped if one.module == module_address and one.owner is not None]


def _call(payment: Payment) -> Call:
    if payment.asset == ETHER_ASSET:
        return Call(payment.to, payment.amount, b"")
    return Call(payment.asset, 0, TRANSFER + payment.to.rjust(32, b"\0") + word(payment.amount))


def _not_known(view: PolicyView) -> list[str]:
    """What has to be read first, a sentence each."""
    found = []
    if not view.codehash_matches:
        found.append(gettext("The policy's code does not hash to what the policy module logged of it."))
    if view.reading is not None and view.ended and (view.end_chain_s or 0) > view.reading.block_timestamp_chain_s:
        found.append(gettext("The policy has ended since the policy module was read last; ask again in a moment."))
    blocks = {bytes(one.reading.block_hash) if one.reading else b"" for one in view.budgets}
    if view.reading is None:
        found.append(gettext("Whether the policy still holds was not read from the policy module yet."))
    elif b"" in blocks or any(one.spent is None for one in view.budgets):
        found.append(gettext("What is spent of its budgets was not read from the policy module yet."))
    elif blocks - {bytes(view.reading.block_hash)}:
        found.append(gettext("What is spent of its budgets was read at another block than the policy's state."))
    elif Act.objects.filter(
        module=view.version.module_id, log__block_number__gt=view.reading.block_number
    ).exists() or Act.objects.filter(
        module=view.version.module_id, final_log__block_number__gt=view.reading.block_number
    ).exists():  # fmt: skip
        found.append(gettext("The agent acted since the policy module was read last; ask again in a moment."))
    if view.doubt_about_pause:
        found.append(view.doubt_about_pause)
    return found


def _of_treasury(
    place: DaoView, view: PolicyView, payment: Payment, reading: ChainReading
) -> tuple[list[str], list[str]]:
    """What stops every payment of this kind, whatever the policy says, and what of that is not known, a sentence each.

    Both were read at the block of the policy's state, or are not known.
    """
    stops, doubts = [], []
    rows = ChainReading.objects.filter(dao=place.dao, block_hash=bytes(reading.block_hash))
    enabled = rows.filter(kind=ChainReading.Kind.ENABLED, address=bytes(view.version.module.address)).first()
    if enabled is None:
        doubts.append(gettext("Whether the treasury lets the policy module act was not read at the same block."))
    elif not any(bytes(enabled.value)):
        stops.append(gettext("The policy module is not in power: nothing can be paid through it."))
    paid_by, first = view.version.module.capabilities.get("treasury"), place.one("treasury")
    key = balance_key(to_bytes(paid_by), bytes(first.address) if first else None) if paid_by else None
    held = rows.filter(kind=ChainReading.Kind.BALANCE, address=payment.asset, key=key).first() if key else None
    if held is None:
        doubts.append(gettext("What the policy module's treasury holds of it was not read at the same block."))
    elif module.read_word(bytes(held.value)) < payment.amount:
        shown = {
            "amount": place.asset(payment.asset).text(module.read_word(bytes(held.value)), None),
            "as_of": as_of(held),
            "treasury": paid_by,
        }
        if key == bytes(32):
            stops.append(gettext("The treasury had no more than %(amount)s at %(as_of)s.") % shown)
        else:
            stops.append(gettext("The treasury %(treasury)s had no more than %(amount)s at %(as_of)s.") % shown)
    return stops, doubts


def _state(view: PolicyView, code: PolicyCode) -> PolicyState | None:
    """The module's state for the policy, as it was read."""
    if view.reading is None:
        return None
    on_chain = module.read_policy(bytes(view.reading.value))
    policy_id = bytes(view.version.policy_id)
    acts = Act.objects.filter(module=view.version.module_id, policy_id=policy_id)
    waiting = acts.filter(status=Act.Status.SCHEDULED, expires_chain_s__isnull=False)
    return PolicyState(
        policy_id=policy_id,
        version=on_chain.version,
        number=on_chain.number,
        last_act_s=on_chain.last_act_chain_s,
        end_s=on_chain.end_chain_s,
        paused=view.paused,
        rings={
            budget.key(policy_id, code.agent): module.read_word(bytes(one.reading.value))
            for budget, one in zip(code.budgets, view.budgets, strict=True)
            if one.reading is not None
        },
        quiet_until_s=_quiet_until_s(view),
        pending_expiries_s=tuple(one.expires_chain_s or 0 for one in waiting),
    )


def _quiet_until_s(view: PolicyView) -> int:
    """Until when nothing is announced, because members stopped an act: the delay that was in force then, from then."""
    killed = (
        Act.objects.filter(
            module=view.version.module_id,
            policy_id=bytes(view.version.policy_id),
            status=Act.Status.KILLED,
            final_log__isnull=False,
        )
        .select_related("final_log")
        .order_by("-final_log__block_number")
        .first()
    )
    if killed is None or killed.final_log is None:
        return 0
    in_force = (
        PolicyVersion.objects.filter(
            module=view.version.module_id,
            policy_id=bytes(view.version.policy_id),
            log__block_number__lte=killed.final_log.block_number,
        )
        .order_by("-version")
        .first()
    )
    code = decode_version(in_force)[0] if in_force else view.code
    delay_s = (code or view.code).objection_delay_s if (code or view.code) else 0  # type: ignore[union-attr]
    return killed.final_log.block_timestamp_chain_s + delay_s


def _left(view: PolicyView, code: PolicyCode, answer: Allowed, lent: Vocabulary) -> list[str]:
    """What each budget that is charged has left after the payment, and after what is announced is paid too."""
    announced = _announced(view, code)
    found = []
    for room in answer.headroom:
        if room.budget not in answer.charges:
            continue
        budget = code.budgets[room.budget]
        waiting = budget.units(announced.get(room.budget, 0))
        shown = {
            "budget": view.budgets[room.budget].name,
            "at_once": if_grouped(lent.amount(budget.base_units(room.instant_units), budget.asset)),
            "left": if_grouped(lent.amount(budget.base_units(room.units), budget.asset)),
        }
        found.append(gettext("%(budget)s: then %(at_once)s are left at once, %(left)s in all.") % shown)
        if waiting > room.units:
            found.append(gettext("It does not fit any more if what is announced is paid first."))
        elif waiting:
            shown["left"] = if_grouped(lent.amount(budget.base_units(room.units - waiting), budget.asset))
            found.append(gettext("%(left)s in all if what is announced is paid as well.") % shown)
    return found


def _announced(view: PolicyView, code: PolicyCode) -> Mapping[int, int]:
    """What the announced acts of this version would take from each budget, in base units."""
    found: dict[int, int] = {}
    acts = Act.objects.filter(
        module=view.version.module_id,
        policy_id=bytes(view.version.policy_id),
        version=view.version.version,
        status=Act.Status.SCHEDULED,
    ).prefetch_related("calls")
    for act in acts:
        calls = [Call(bytes(one.target), one.value_wei, bytes(one.calldata)) for one in act.calls.all()]
        for budget, amount in amounts(code, calls).items():
            found[budget] = found.get(budget, 0) + amount
    return found
