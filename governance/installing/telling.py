# SPDX-License-Identifier: Apache-2.0
"""Say what was found of a DAO, in the order in which an operator needs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from governance.chain.address import checksum
from governance.chain.native import DECIMALS, symbol_of
from governance.installing.costs import Cost
from governance.installing.parts import Part
from governance.installing.proposing import Trial
from governance.installing.situation import FACTORY, Adapter, Holder, Kind, Safe, Situation, Timelock, shown
from governance.installing.words import Level, Told, say
from policies.notation.amounts import format_duration, units

GOOD, CAREFUL, UNKNOWN, PROBLEM = Level.GOOD, Level.CAREFUL, Level.UNKNOWN, Level.PROBLEM


def plan(found: Situation, parts: Sequence[Part], cost: Cost | None, guardian: bytes | None) -> list[Told]:
    """Return everything that `module plan` says; without parts and cost where a problem forbids them."""
    told = [*about(found), *_about_guardian(guardian)]
    if parts and cost is not None:
        told += about_cost(found, parts, cost)
        told += _about_way_back(found, parts)
    return told


def about(found: Situation) -> list[Told]:
    """Return what the DAO, what holds its money and its chain are."""
    told = [Told(GOOD, "chain", say("block", chain=found.chain_id, block=found.block))]
    if found.governor is None:
        told.append(Told(CAREFUL, "governor", say("no_votes", safe=checksum(found.owner))))
    else:
        name = found.name or "without a name"
        told.append(
            Told(GOOD, "governor", say("governor", governor=checksum(found.governor), name=name, family=found.family))
        )
        told += _about_timelock(found, found.timelock)
    told += _about_holder(found, found.holder)
    told.append(_about_votes(found))
    told += _about_chain(found)
    return told


# ------------------------------------------------------------------------------------------------------- the timelock


def _about_timelock(found: Situation, timelock: Timelock | None) -> Iterator[Told]:
    owner = checksum(found.owner)
    if timelock is None:
        yield Told(GOOD, "timelock", say("owner_is_governor", owner=owner))
        return
    if timelock.kind == "other":
        yield Told(UNKNOWN, "timelock", say("timelock_other", timelock=owner))
        return
    yield Told(GOOD, "timelock", say(timelock.kind, timelock=owner, delay=format_duration(timelock.delay_s or 0)))
    if timelock.kind == "compound":
        yield from _about_compound(timelock)
        return
    if timelock.governor_proposes:
        yield Told(GOOD, "timelock", say("control_governor"))
    else:
        yield Told(PROBLEM, "timelock", say("control_no_governor"))
    if timelock.is_open:
        yield Told(GOOD, "timelock", say("control_open"))
    if timelock.holders is None:
        yield Told(UNKNOWN, "timelock", say("roles_unknown"))
        return
    others = [account for account in timelock.holders["proposer"] if account != found.governor]
    admins = [account for account in timelock.holders["admin"] if account != found.owner]
    if others:
        yield Told(CAREFUL, "timelock", say("control_other_proposers", holders=shown(others)))
    if admins:
        yield Told(CAREFUL, "timelock", say("control_admins", holders=shown(admins)))
    for role in ("executor", "canceller"):
        accounts = [account for account in timelock.holders[role] if any(account)]
        if accounts:
            yield Told(GOOD, "timelock", say("control_roles", role=role, holders=shown(accounts)))


def _about_compound(timelock: Timelock) -> Iterator[Told]:
    if timelock.governor_proposes:
        yield Told(GOOD, "timelock", say("compound_admin"))
    else:
        yield Told(PROBLEM, "timelock", say("compound_other_admin", admin=checksum(timelock.admin or bytes(20))))
    if timelock.pending_admin and any(timelock.pending_admin):
        yield Told(CAREFUL, "timelock", say("compound_pending", pending=checksum(timelock.pending_admin)))


# --------------------------------------------------------------------------------------------- what holds the money


def _about_holder(found: Situation, holder: Holder) -> Iterator[Told]:
    address = checksum(holder.address)
    if holder.kind is Kind.TREASURY:
        yield Told(GOOD, "treasury", say("treasury_ours", holder=address))
        owner = checksum(holder.owner or bytes(20))
        if holder.owner == found.owner:
            yield Told(GOOD, "treasury", say("treasury_owned", owner=owner))
        else:
            expected = checksum(found.owner)
            yield Told(PROBLEM, "treasury", say("treasury_other_owner", owner=owner, expected=expected))
    elif holder.safe is not None:
        version = holder.safe.version or "unknown"
        yield Told(GOOD, "treasury", say("safe", holder=address, version=version))
        yield from _about_safe(found, holder.safe)
    elif holder.kind is Kind.ITSELF:
        yield Told(PROBLEM, "treasury", say("money_in_timelock", holder=address))
    else:
        yield Told(PROBLEM, "treasury", say("holder_unknown", holder=address))


def _about_safe(found: Situation, safe: Safe) -> Iterator[Told]:
    subject, owner = "treasury", checksum(found.owner)
    owners = shown(safe.owners)
    yield Told(GOOD, subject, say("safe_owners", threshold=safe.threshold, count=len(safe.owners), owners=owners))
    if found.governor is None:
        yield Told(CAREFUL, subject, say("safe_alone", threshold=safe.threshold))
    elif not found.vote_moves_safe:
        yield Told(CAREFUL, subject, say("safe_of_owners", threshold=safe.threshold))
    elif found.other_owners:
        others = shown(found.other_owners)
        yield Told(CAREFUL, subject, say("safe_of_vote_and_others", owner=owner, others=others))
    else:
        yield Told(GOOD, subject, say("safe_of_vote", owner=owner))
    if safe.modules is None:
        yield Told(UNKNOWN, subject, say("safe_modules_unknown"))
    elif safe.modules:
        yield Told(CAREFUL, subject, say("safe_modules", modules=shown(safe.modules)))
    else:
        yield Told(GOOD, subject, say("safe_no_modules"))
    if safe.modules is not None and not safe.is_whole_list:
        yield Told(UNKNOWN, subject, say("safe_more_modules"))
    if safe.guard is None or safe.module_guard is None:
        yield Told(UNKNOWN, subject, say("safe_guard_unknown"))
        return
    if any(safe.guard):
        yield Told(CAREFUL, subject, say("safe_guard", guard=checksum(safe.guard)))
    if any(safe.module_guard):
        yield Told(CAREFUL, subject, say("safe_module_guard", guard=checksum(safe.module_guard)))
    if not any(safe.guard) and not any(safe.module_guard):
        yield Told(GOOD, subject, say("safe_no_guard"))


def _about_votes(found: Situation) -> Told:
    votes = found.votes
    token, symbol = checksum(votes.token), votes.symbol or "(no symbol)"
    if votes.adapter is None:
        return Told(PROBLEM, "votes", say("votes_none", token=token, symbol=symbol))
    if votes.adapter is Adapter.SAFE_OWNERS:
        return Told(CAREFUL, "votes", say("votes_safe", token=token))
    if votes.adapter is Adapter.PRIOR_VOTES:
        return Told(CAREFUL, "votes", say("votes_prior", token=token, symbol=symbol))
    return Told(GOOD, "votes", say("votes_past", token=token, symbol=symbol))


# --------------------------------------------------------------------------------------------- chain, cost, way back


def _about_chain(found: Situation) -> Iterator[Told]:
    for level, code, is_so in ((GOOD, "features", True), (PROBLEM, "features_missing", False)):
        names = [name for name, has in found.features.items() if has is is_so]
        if names:
            yield Told(level, "chain", say(code, features=", ".join(names)))
    unknown = [name for name, has in found.features.items() if has is None]
    if unknown:
        yield Told(UNKNOWN, "chain", say("features_unknown", features=", ".join(unknown)))
    factory = checksum(FACTORY)
    if found.has_factory:
        yield Told(GOOD, "chain", say("factory", factory=factory))
    else:
        yield Told(PROBLEM, "chain", say("factory_missing", factory=factory))
    yield Told(UNKNOWN, "explorer", say("explorer"))


def _about_guardian(guardian: bytes | None) -> Iterator[Told]:
    if guardian is None:
        yield Told(CAREFUL, "guardian", say("guardian_none"))
    else:
        yield Told(GOOD, "guardian", say("guardian", guardian=checksum(guardian)))


def about_cost(found: Situation, parts: Sequence[Part], cost: Cost) -> Iterator[Told]:
    for part in parts:
        gas, address = cost.gas[part.name], checksum(part.address)
        if gas == 0:
            yield Told(GOOD, "deployment", say("part_there", contract=part.contract, address=address))
        else:
            text = "not known" if gas is None else f"{gas:,}"
            yield Told(GOOD, "deployment", say("part", contract=part.contract, address=address, gas=text))
    symbol = symbol_of(found.chain_id)
    if cost.total_gas is None or cost.most_wei is None:
        yield Told(UNKNOWN, "cost", say("cost_unknown"))
    elif cost.total_gas == 0:
        yield Told(GOOD, "cost", say("cost_none"))
    else:
        least = "an unknown amount of" if cost.least_wei is None else units(cost.least_wei, DECIMALS)
        gas_text, most = f"{cost.total_gas:,}", units(cost.most_wei, DECIMALS)
        yield Told(GOOD, "cost", say("cost", gas=gas_text, least=least, most=most, symbol=symbol))
    yield Told(CAREFUL, "cost", say("cost_vote"))


def _about_way_back(found: Situation, parts: Sequence[Part]) -> Iterator[Told]:
    yield Told(GOOD, "way back", say("way_back_deploy"))
    if found.holder.kind is Kind.TREASURY:
        yield Told(GOOD, "way back", say("way_back_treasury", module=checksum(parts[-1].address)))
    elif found.vote_moves_safe:
        yield Told(GOOD, "way back", say("way_back_safe_vote"))
    else:
        yield Told(GOOD, "way back", say("way_back_safe_owners"))


def trial_words(trial: Trial) -> str:
    """Return what trying a proposal's calls showed, in one sentence."""
    if any(trial.problems):
        return str(say("tried_fails", block=trial.block))
    if not trial.together:
        return str(say("tried_alone", block=trial.block))
    return str(say("tried_together", block=trial.block))
