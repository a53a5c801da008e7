# SPDX-License-Identifier: Apache-2.0
"""What the operations page shows. Asks no node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from agent.acts import halts, rosters
from agent.acts.policy import NoPolicyInForce, PolicyInForce, chain_now_s, in_force
from agent.acts.words import reason_of
from agent.llm import trouble
from agent.models import AgentHalt
from governance import site_keys
from governance.models import ChainReading, OutgoingTransaction, SyncIncident
from governance.numbers import grouped
from governance.roles import Do, Visitor, policies_named
from governance.sentences import Sentence, worded
from governance.site_keys import Alarm, What
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.as_of import as_of
from presentation.dao_view import DaoView

MOST_POLICIES = 20
NEWEST_INCIDENTS = 10
_UNMINED = (OutgoingTransaction.Status.SIGNED, OutgoingTransaction.Status.SENT)

ALARMS: Mapping[Alarm, Promise] = {
    Alarm.EMPTY: gettext_lazy("It holds nothing: it can pay for no transaction. Send it some."),
    Alarm.BELOW_FLOOR: gettext_lazy("It holds less than it should: send it some, or what it sends will get stuck."),
    Alarm.ABOVE_CAP: gettext_lazy("It holds more than it should: whoever steals its key gets it. Move some away."),
}
WHAT: Mapping[What, Promise] = {
    What.AGENT: gettext_lazy("Agent"),
    What.RELAYER: gettext_lazy("Relayer"),
}
_TO_DO: Mapping[str, Promise] = {
    "disagreement": gettext_lazy(
        "This site and the policy module answer differently to the same calls: one of them has a fault, and nothing "
        "was sent for them. Keep the facts, report them, and start again only when it is known which one is wrong, and "
        "mended."
    ),
    "stopped_by_hand": gettext_lazy("Somebody stopped it here. Ask why before you start it again."),
}
_ASK_FIRST = gettext_lazy("Find out what this is about before you start it again.")


@dataclass(frozen=True)
class Halt:
    """A halt of the agent that stands."""

    number: int
    reason: str
    to_do: str
    since: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Account:
    """An account that pays for gas."""

    what: str
    code: str
    address: bytes
    holds: str  # with the currency; empty where the chain was not asked yet
    wei: int | None
    floor: str
    cap: str
    alarm: str
    alarm_code: str | None
    as_of: str
    lasts: str
    waiting: int  # transactions that were signed and are not mined


@dataclass(frozen=True)
class RosterOf:
    """The roster of a policy, or why there is none to pay by."""

    policy_id: str
    operator: bytes
    problem: str
    serial: int | None
    expires: str
    expires_chain_s: int | None
    count: int
    lines: tuple[Mapping[str, Any], ...]  # empty for who may not see them


def halts_of(place: DaoView, visitor: Visitor) -> list[Halt]:
    """The halts that stand, `halts.MOST_SHOWN` of them; the facts of each for those who may see them."""
    may_see = visitor.may(Do.SEE_HALT_FACTS)
    return [
        Halt(
            row.pk, worded(reason_of(row)), str(_TO_DO.get(row.reason_code, _ASK_FIRST)), words.when(row.happened_at),
            row.facts if may_see else {},
        )
        for row in halts.standing(place.dao, halts.MOST_SHOWN)
    ]  # fmt: skip


def cleared(place: DaoView, limit: int = 5) -> list[dict[str, str]]:
    """The newest halts that were cleared."""
    rows = AgentHalt.objects.filter(dao=place.dao).exclude(cleared_at=None).order_by("-cleared_at")[:limit]
    return [
        {
            "reason": worded(reason_of(row)), "since": words.when(row.happened_at),
            "until": words.when(row.cleared_at) if row.cleared_at else "", "because": row.cleared_because,
        }
        for row in rows
    ]  # fmt: skip


def accounts(place: DaoView) -> list[Account]:
    """The accounts that pay for gas, those with an alarm first. An agent whose balance was not read yet is among them;
    of the relayer this process may not know."""
    rows = ChainReading.objects.filter(dao=place.dao, kind=ChainReading.Kind.GAS)
    readings = {site_keys.name_of(row): row for row in rows}
    # A key that was replaced stays no longer than the next reading; agents stand in the policies.
    names = dict.fromkeys([*site_keys.accounts_of(place.dao), *readings])
    found = [_account(place, what, address, readings.get((what, address))) for what, address in names]
    return sorted(found, key=lambda one: (not one.alarm, one.code))


def _account(place: DaoView, what: What, address: bytes, reading: ChainReading | None) -> Account:
    chain_id, native = place.dao.chain_id, place.native
    wei = None if reading is None else site_keys.wei_of(reading)
    alarm = None if wei is None else site_keys.alarm(chain_id, wei)
    floor, cap = site_keys.floor_wei(chain_id), site_keys.cap_wei(chain_id)
    sent = OutgoingTransaction.objects.filter(chain=chain_id, sender=address)
    return Account(
        what=str(WHAT[what]),
        code=what.value,
        address=address,
        holds="" if wei is None else native.text(wei),
        wei=wei,
        floor="" if floor is None else native.text(floor),
        cap="" if cap is None else native.text(cap),
        alarm="" if alarm is None else str(ALARMS[alarm]),
        alarm_code=None if alarm is None else alarm.value,
        as_of=as_of(reading),
        lasts="" if wei is None else _lasts(wei, sent.order_by("-nonce").first()),
        waiting=sent.filter(status__in=_UNMINED).count(),
    )


def _lasts(wei: int, last: OutgoingTransaction | None) -> str:
    """For how many more transactions a balance is enough, by the most that the last one could have cost."""
    most = 0 if last is None else last.gas * last.max_fee_wei + last.value_wei
    if not most:
        return ""
    count = wei // most
    if not count:
        return gettext("Not enough for one more like its last, at the most that one could have cost.")
    shown = {"number": grouped(min(count, 1000)) if count < 1000 else gettext("more than 1,000")}
    return gettext("Enough for %(number)s like its last, at the most that one could have cost.") % shown


def rosters_of(place: DaoView, visitor: Visitor) -> list[RosterOf]:
    """What each policy that has not ended pays by; who is on it for those who may see that."""
    found = []
    for row, named in list(policies_named(place.dao))[:MOST_POLICIES]:
        key = hex_text(bytes(row.policy_id))
        try:
            policy = in_force(place.dao, bytes(row.policy_id))
        except NoPolicyInForce as error:
            found.append(_without(key, named.operator, error.sentence))
            continue
        if policy.contract.pk != row.module_id:
            continue  # a newer module has the policy, with an operator of its own: its roster is none of this one's
        found.append(_roster_of(place, policy, visitor.may_see_roster_of(policy.code.operator)))
    return found


def _without(key: str, operator: bytes, why: Sentence) -> RosterOf:
    return RosterOf(key, operator, worded(why), None, "", None, 0, ())


def _roster_of(place: DaoView, policy: PolicyInForce, may_see: bool) -> RosterOf:
    key, operator = hex_text(policy.policy_id), policy.code.operator
    try:
        roster = rosters.current(policy, chain_now_s(place.dao))
        lines = rosters.lines_of(roster)
    except rosters.RosterError as error:
        return _without(key, operator, error.sentence)
    shown = (
        tuple(
            {
                "name": line.name, "recipient": line.recipient,
                "amount": place.asset(line.asset).text(line.amount) if line.amount else "",
            }
            for line in lines
        )
        if may_see
        else ()
    )  # fmt: skip
    expires = words.moment(roster.expires_chain_s)
    return RosterOf(key, operator, "", roster.serial, expires, roster.expires_chain_s, len(lines), shown)


def model() -> dict[str, Any]:
    """What is known of the model. That nothing is known to be wrong does not say that it works."""
    now_wrong = trouble.standing()
    if now_wrong is not None:
        since = words.when(now_wrong.since)
        return {"is_bad": True, "text": trouble.in_words(now_wrong), "since": since}
    if not settings.MODEL_URL:
        text = gettext("No model is set for this process, and nothing is known to be wrong with one.")
    else:
        text = gettext("Nothing is known to be wrong with it since it was asked last.")
    return {"is_bad": False, "text": text, "since": ""}


def mirror(place: DaoView) -> dict[str, Any]:
    """How far the mirror is behind its node, and when it last read."""
    synced_at = place.cursor.synced_at if place.cursor else None
    age_s = None if synced_at is None else int((timezone.now() - synced_at).total_seconds())
    return {
        "block": place.block,
        "node_head": place.node_head,
        "behind": place.behind,
        "age": "" if age_s is None else words.duration(max(age_s, 0)),
        "nodes": place.nodes,
    }


def open_incidents(place: DaoView) -> list[SyncIncident]:
    """The incidents that stand, newest first, some at most."""
    return list(SyncIncident.objects.filter(dao=place.dao, resolved_at=None).order_by("-id")[:NEWEST_INCIDENTS])
