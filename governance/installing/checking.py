# SPDX-License-Identifier: Apache-2.0
"""Hold a module's record against the chain: is it our code with these parties, is it enabled, who else moves the money?

The address of a contract made with CREATE2 follows from its creation code and arguments. So where this checkout's code
leads to the recorded address and there is code, nobody made that contract otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from governance.capabilities import ask, probe_module
from governance.chain import abi
from governance.chain.address import ZERO, checksum
from governance.chain.rpc import Rpc, RpcError
from governance.discovery import ENABLED
from governance.installing.parts import MODULE, Part, parts_of
from governance.installing.record import Record
from governance.installing.situation import Kind, Situation, shown
from governance.installing.words import Level, NotInstalled, Told, say
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.primitives import keccak

GOOD, CAREFUL, UNKNOWN, PROBLEM = Level.GOOD, Level.CAREFUL, Level.UNKNOWN, Level.PROBLEM
NO_RULE = ("timelock_other", "control_no_governor", "compound_other_admin")  # where votes rule nothing, or may not
DIFFERS = ("guardian_changed",)  # no problem for a vote, and not as recorded all the same
# With these unknown no vote is made: nobody could say what it would let act, and for whom.
UNSOUND = ("made_of_other", "holder_unknown", "timelock_other")


def check(rpc: Rpc, found: Situation, kept: Record) -> list[Told]:
    """Return what is as recorded, what is not, and who else can move the money, at the block of `found`.

    Raises RpcError when the node fails.
    """
    told = [*_about_asked(found, kept), *_about_code(rpc, found, kept)]
    if any(one.level is Level.PROBLEM for one in told):
        return told
    told += _about_parties(rpc, found, kept)
    told += _about_enabling(rpc, found, kept)
    told += _about_others(rpc, found, kept)
    return told


def _about_asked(found: Situation, kept: Record) -> Iterator[Told]:
    """Whether the record is of the DAO that was asked: all else would be said of another treasury than the module's."""
    asked = {
        "chain": (str(found.chain_id), str(kept.content["chain_id"])),
        "governor": (_named(found.governor), _named(kept.party("governor"))),
        "treasury": (_named(found.holder.address), _named(kept.party("treasury"))),
    }
    for party, (named, recorded) in asked.items():
        if named != recorded:
            yield Told(PROBLEM, "record", say("record_of_other", party=party, named=named, recorded=recorded))


def _named(address: bytes | None) -> str:
    return "nobody" if address is None else checksum(address)


def differences(told: Sequence[Told]) -> list[Told]:
    """Return what is not as recorded."""
    return [one for one in told if one.level is PROBLEM or one.sentence.code in DIFFERS]


def hindrance(told: Sequence[Told]) -> Told | None:
    """Return the first finding for which no vote is made, None where nothing hinders."""
    return next((one for one in told if one.level is PROBLEM or one.sentence.code in UNSOUND), None)


def _about_code(rpc: Rpc, found: Situation, kept: Record) -> Iterator[Told]:
    for name, text in kept.content["contracts"].items():
        made = kept.content["creations"][name]
        code = rpc.get_code(hex_bytes(text), found.block)
        if not code:
            yield Told(PROBLEM, name, say("not_there", contract=made["contract"], address=text))
        elif hex_text(keccak(code)) != kept.content["code_hashes"].get(name, hex_text(keccak(code))):
            yield Told(PROBLEM, name, say("other_code", contract=made["contract"], address=text))
    guardian = kept.party("guardian")
    wanted = {part.name: part for part in _parts(found, kept, guardian)}
    for name, text in kept.content["contracts"].items():
        made = kept.content["creations"][name]
        part = wanted.get(name)
        if part is not None and hex_text(keccak(part.creation_code)) == made["creation_code_hash"]:
            yield Told(GOOD, name, say("made_of_this", contract=part.contract, address=text))
        else:
            yield Told(UNKNOWN, name, say("made_of_other", contract=made["contract"], address=text))


def _parts(found: Situation, kept: Record, guardian: bytes | None) -> list[Part]:
    salt = hex_bytes(kept.content["creations"][MODULE]["salt"])
    try:
        return parts_of(found, guardian=guardian, salt=salt)
    except NotInstalled:
        return []  # the DAO is another now: its code can't be made again, which the caller says


def _about_parties(rpc: Rpc, found: Situation, kept: Record) -> Iterator[Told]:
    module = kept.module
    probed = probe_module(rpc, module, found.block)
    votes = kept.content["contracts"].get("votes_adapter", kept.content["votes_token"])
    expected = {
        "owner": kept.content["owner"],
        "governor": kept.content["governor"] or kept.content["owner"],
        "treasury": kept.content["treasury"],
        "votesToken": votes,
    }
    for name, address in expected.items():
        if probed[name] == address:
            yield Told(GOOD, "module", say("party", party=name, address=address))
        else:
            other = probed[name] or "nobody"
            yield Told(PROBLEM, "module", say("other_party", party=name, address=other, expected=address))
    guardian, recorded = probed["guardian"], kept.content["guardian"]
    if guardian == recorded:
        yield Told(GOOD, "module", say("guardian_as_recorded", guardian=guardian or "nobody"))
    else:
        names = {"guardian": guardian or "nobody", "recorded": recorded or "nobody"}
        yield Told(CAREFUL, "module", say("guardian_changed", **names))
    if probed["paused"]:
        yield Told(CAREFUL, "module", say("is_paused"))
    if found.owner != kept.party("owner"):
        yield Told(PROBLEM, "module", say("votes_act_elsewhere", owner=checksum(found.owner)))


def _about_enabling(rpc: Rpc, found: Situation, kept: Record) -> Iterator[Told]:
    holder, answer = found.holder.address, _is_enabled(rpc, found, kept.module)
    if answer is True:
        yield Told(GOOD, "treasury", say("is_enabled", holder=checksum(holder)))
    elif answer is False:
        yield Told(CAREFUL, "treasury", say("is_not_enabled", holder=checksum(holder)))
    else:
        yield Told(UNKNOWN, "treasury", say("enabled_unknown", holder=checksum(holder)))


def _is_enabled(rpc: Rpc, found: Situation, module: bytes) -> bool | None:
    asked = {"enabled": ("isModuleEnabled(address)", [module], ["bool"])}
    answer = ask(rpc, found.holder.address, asked, found.block)["enabled"]
    return None if answer is None else bool(answer[0])


def _about_others(rpc: Rpc, found: Situation, kept: Record) -> Iterator[Told]:
    """Who can move the money besides the agent, within its policy."""
    safe = found.holder.safe
    told_of_timelock = list(_about_timelock(found))
    votes_rule = not any(one.sentence.code in NO_RULE for one in told_of_timelock)
    if safe is not None:
        if found.governor is None:
            yield Told(CAREFUL, "who else", say("owners_bypass", threshold=safe.threshold, owners=shown(safe.owners)))
        elif found.vote_moves_safe:
            level = GOOD if votes_rule else UNKNOWN
            yield Told(level, "who else", say("votes_move", owner=checksum(found.owner)))
            if found.other_owners:
                yield Told(CAREFUL, "who else", say("owners_bypass", threshold=1, owners=shown(found.other_owners)))
        else:
            yield Told(CAREFUL, "who else", say("owners_bypass", threshold=safe.threshold, owners=shown(safe.owners)))
        yield from _about_modules(found, kept)
    elif found.holder.kind is Kind.TREASURY:
        owner = found.holder.owner or ZERO
        level = PROBLEM if owner != found.owner else GOOD if votes_rule else UNKNOWN
        yield Told(level, "who else", say("owner_moves", owner=checksum(owner)))
        yield from _about_listed(rpc, found, kept)
    else:
        yield Told(UNKNOWN, "who else", say("holder_unknown", holder=checksum(found.holder.address)))
    yield from told_of_timelock


def _about_timelock(found: Situation) -> Iterator[Told]:
    """Whether votes make it act at all, and who else can."""
    timelock = found.timelock
    if timelock is None:
        return
    if timelock.kind == "other":
        yield Told(UNKNOWN, "who else", say("timelock_other", timelock=checksum(found.owner)))
    elif timelock.kind == "control":
        if not timelock.governor_proposes:
            yield Told(PROBLEM, "who else", say("control_no_governor"))
        yield from _about_proposers(found)
    else:
        if not timelock.governor_proposes:
            yield Told(PROBLEM, "who else", say("compound_other_admin", admin=checksum(timelock.admin or ZERO)))
        if timelock.pending_admin and any(timelock.pending_admin):
            yield Told(CAREFUL, "who else", say("compound_pending", pending=checksum(timelock.pending_admin)))


def _about_modules(found: Situation, kept: Record) -> Iterator[Told]:
    safe = found.holder.safe
    assert safe is not None
    if safe.modules is None or not safe.is_whole_list:
        yield Told(UNKNOWN, "who else", say("safe_modules_unknown"))
    others = [module for module in safe.modules or () if module != kept.module]
    if others:
        yield Told(CAREFUL, "who else", say("safe_modules", modules=shown(others)))


def _about_listed(rpc: Rpc, found: Situation, kept: Record) -> Iterator[Told]:
    """Our Treasury keeps no list of its modules: its logs name them, and it confirms each."""
    holder = found.holder.address
    try:
        logs = rpc.logs([holder], [list(ENABLED)], first_block=0, last_block=found.block)
    except RpcError:
        yield Told(UNKNOWN, "who else", say("treasury_modules_unknown"))
        return
    named = sorted({(log.topics[1] if len(log.topics) > 1 else log.data)[12:32] for log in logs})
    asked = [(holder, abi.encode_call("isModuleEnabled(address)", [module])) for module in named]
    answers = list(rpc.eth_calls(asked, found.block))
    words = {m: a for m, a in zip(named, answers, strict=True) if isinstance(a, bytes) and len(a) == 32}
    others = [module for module, word in words.items() if any(word) and module != kept.module]
    # A node that lost the past gives no error. It is known to have it where it gave the timelock's, or this module's.
    gives_past = found.timelock is not None and found.timelock.holders is not None
    misses_ours = kept.module not in words and _is_enabled(rpc, found, kept.module) is not False
    if len(words) < len(named) or misses_ours or not (named or gives_past):
        yield Told(UNKNOWN, "who else", say("treasury_modules_unknown"))
    if others:
        yield Told(CAREFUL, "who else", say("safe_modules", modules=shown(others)))


def _about_proposers(found: Situation) -> Iterator[Told]:
    timelock = found.timelock
    assert timelock is not None
    if timelock.holders is None:
        yield Told(UNKNOWN, "who else", say("roles_unknown"))
        return
    others = [account for account in timelock.holders["proposer"] if account != found.governor]
    admins = [account for account in timelock.holders["admin"] if account != found.owner]
    if others:
        yield Told(CAREFUL, "who else", say("control_other_proposers", holders=shown(others)))
    if admins:
        yield Told(CAREFUL, "who else", say("control_admins", holders=shown(admins)))
