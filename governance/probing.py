# SPDX-License-Identifier: Apache-2.0
"""Ask a governor again what it is: after events that change its code or its rules, and in each audit, for some changes
have no event. What differs is kept, raised as an incident, and changes how votes are counted from then on.
"""

from typing import Any

from django.db import transaction
from django.db.models import Max

from governance import incidents
from governance.capabilities import probe_governor
from governance.chain.abi import encode_call
from governance.chain.rpc import CallReverted, Rpc
from governance.clocks import CLOCK_SOURCE
from governance.counting import COUNTED_BEFORE
from governance.models import Contract, Cursor, Dao, RawLog
from governance.projections import events
from governance.projections.tallies import count_all_votes
from governance.words import say

# What ordinary votes change; it is kept anew, and is no incident.
_SETTINGS = {
    "voting_delay", "voting_period", "proposal_threshold", "quorum_numerator", "quorum_denominator",
    "late_quorum_extension", "timelock_delay_s",
}  # fmt: skip
_PROBED_BLOCK = "probed_block"
_SILENT = {"silent": True}  # the facts of the incident of a governor that answers no more


def probe_again(dao: Dao, rpc: Rpc, governor: Contract, *, code_changed_at: int | None = None) -> list[str]:
    """Ask the governor what it is, at the block that the mirror has read, and keep what differs. Returns the names of
    what differs; `governor` has the new capabilities afterwards.

    `code_changed_at` is the newest block in which a log said that its code changed: an incident even where nothing
    that is asked differs, or nothing is answered any more, once for each such block. An answer that is no governor's
    changes nothing that is kept.

    Raises:
        RpcError: the node failed; nothing is kept.
    """
    cursor = Cursor.objects.get(dao=dao)
    if cursor.head_hash is None:
        return []
    found = probe_governor(rpc, governor.address, cursor.head_hash)
    is_silent = found["family"] == "unknown" and _is_silent(rpc, governor, cursor.head_hash)
    if found["clock_mode"] == governor.capabilities.get("clock_mode"):
        # It was held against the chain (governance.clock_check), which counts more than what a mode says.
        found["clock"] = governor.capabilities.get("clock", found["clock"])
    if found["family"] == "unknown":
        if code_changed_at is not None and code_changed_at > _probed_before(governor.capabilities):
            incidents.note_once(
                dao,
                incidents.Kind.GOVERNOR_CHANGED,
                about={"block": code_changed_at, "changes": {}},
                detail=say("governor_code_unknown", block=code_changed_at),
                first_block=code_changed_at,
            )
        elif is_silent:
            _note_silence(dao, cursor)
        return []
    with transaction.atomic():
        held = Cursor.objects.select_for_update().get(dao=dao)
        if held.head_hash != cursor.head_hash:
            return []
        incidents.resolve(dao, incidents.Kind.GOVERNOR_CHANGED, facts=_SILENT)
        row = Contract.objects.get(pk=governor.pk)
        before = row.capabilities
        changed = sorted(name for name, value in found.items() if before.get(name) != value)
        told = [name for name in changed if name not in _SETTINGS and name in before]
        block_number = cursor.next_block - 1
        row.capabilities = {**before, **found, _PROBED_BLOCK: block_number}
        is_new_code = code_changed_at is not None and code_changed_at > _probed_before(before)
        if "counting_mode" in told:
            # Votes from before were counted as they were. From which block on another way counts, a log may say; where
            # none does, it is taken to be so since the governor was asked last.
            changed_block = code_changed_at if is_new_code else _probed_before(before) + 1
            earlier = [*before.get(COUNTED_BEFORE, ()), [changed_block, before["counting_mode"]]]
            row.capabilities[COUNTED_BEFORE] = earlier
        row.save(update_fields=["capabilities"])
        if told or is_new_code:
            _note(dao, before, found, told, code_changed_at if is_new_code else None, block_number)
        if "counting_mode" in told:
            count_all_votes(dao)
    governor.capabilities = row.capabilities
    return changed


def until_asked_again(before: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return the capabilities of a governor that is taken in again. What it was before stands, with how votes were
    counted then, until the next step asks it by the block that the mirror has read, and tells what differs; how its
    clock counts was held against the chain just now."""
    clock = {name: found[name] for name in ("clock", CLOCK_SOURCE) if name in found}
    return {**found, **before, **clock}


def notice_silence(dao: Dao, rpc: Rpc) -> None:
    """Ask the governor again what it is where questions about its proposals were left open.

    Raises:
        RpcError: the node failed; nothing is kept.
    """
    governor = dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()
    cursor = Cursor.objects.get(dao=dao)
    if governor is None or cursor.head_hash is None or governor.capabilities.get("family", "unknown") == "unknown":
        return
    if _is_silent(rpc, governor, cursor.head_hash):
        _note_silence(dao, cursor)
    else:
        incidents.resolve(dao, incidents.Kind.GOVERNOR_CHANGED, facts=_SILENT)


def _is_silent(rpc: Rpc, governor: Contract, block_hash: bytes) -> bool:
    """Whether the contract itself, and not the node, leaves open all that tells a governor from other contracts."""
    calls = [(governor.address, encode_call(view)) for view in ("COUNTING_MODE()", "quorumVotes()")]
    answers = rpc.eth_calls(calls, block_hash)
    return all(answer == b"" or isinstance(answer, CallReverted) for answer in answers)


def _note_silence(dao: Dao, cursor: Cursor) -> None:
    """Raise an incident for a governor that answers no more, once, with no log that says why."""
    with transaction.atomic():
        held = Cursor.objects.select_for_update().get(dao=dao)
        # Where its code was changed, that is told already.
        if held.head_hash != cursor.head_hash or incidents.is_open(dao, incidents.Kind.GOVERNOR_CHANGED):
            return
        block_number = cursor.next_block - 1
        incidents.note(
            dao, incidents.Kind.GOVERNOR_CHANGED, facts=_SILENT, detail=say("governor_silent", block=block_number),
            first_block=block_number,
        )  # fmt: skip


def forget_probes(dao: Dao, above: int) -> None:
    """Take the governor as asked at this block at the latest: blocks above it are gone. Where its code changed twice
    and only the later change was told, which is gone, it is taken as asked before the change that is left."""
    for governor in dao.contracts.filter(kind=Contract.Kind.GOVERNOR, capabilities__probed_block__gt=above):
        told = governor.capabilities
        told[_PROBED_BLOCK] = above
        changes = RawLog.objects.filter(dao=dao, address=governor.address, topic0__in=events.CHANGES_CODE)
        left = changes.filter(block_number__lte=above).aggregate(newest=Max("block_number"))["newest"]
        if left is not None and not incidents.is_open(dao, incidents.Kind.GOVERNOR_CHANGED, first_block=left):
            told[_PROBED_BLOCK] = left - 1
        gone = [entry for entry in told.get(COUNTED_BEFORE, ()) if entry[0] > above]
        if gone:
            told["counting_mode"] = gone[0][1]
            told[COUNTED_BEFORE] = [entry for entry in told[COUNTED_BEFORE] if entry not in gone]
        governor.save(update_fields=["capabilities"])


def rules_logs(dao: Dao, first_block: int, last_block: int) -> set[int]:
    """Return the governor's logs of these blocks that change its rules, or may do so for all that is known here."""
    governor = dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()
    if governor is None:
        return set()
    harmless = {topic for topic, _ in events.layouts(Contract.Kind.GOVERNOR)}.difference(events.CHANGES_RULES)
    logs = RawLog.objects.filter(dao=dao, address=governor.address, block_number__range=(first_block, last_block))
    return set(logs.exclude(topic0__in=list(harmless)).exclude(topic0=None).values_list("pk", flat=True))


def note_late(dao: Dao, cursor: Cursor, late: set[int]) -> None:
    """Have the governor, and all that is decided, asked again because of these logs (`rules_logs`), which were found
    after later blocks were read. The caller saves the cursor."""
    logs = RawLog.objects.filter(dao=dao, pk__in=late)
    cursor.rules_below = Cursor.FROM_THE_NEWEST
    code = logs.filter(topic0__in=events.CHANGES_CODE).order_by("-block_number").first()
    if code is None:
        return
    changes = RawLog.objects.filter(dao=dao, address=code.address, topic0__in=events.CHANGES_CODE)
    if changes.filter(block_number__gt=code.block_number).exists():
        return  # a later change is told already, and the governor was asked since
    for governor in dao.contracts.filter(
        kind=Contract.Kind.GOVERNOR, capabilities__probed_block__gte=code.block_number
    ):
        governor.capabilities[_PROBED_BLOCK] = code.block_number - 1  # so that the change of code is told
        governor.save(update_fields=["capabilities"])


def _probed_before(before: dict[str, Any]) -> int:
    """The block at which the governor was asked last: `add_dao` asks at the node's head."""
    return int(before.get(_PROBED_BLOCK, -1))


def _note(
    dao: Dao, before: dict[str, Any], found: dict[str, Any], told: list[str], code_block: int | None, block_number: int
) -> None:
    changes = {name: [before.get(name), found[name]] for name in told}
    shown = "; ".join(f"{name} was {_text(old)}, is {_text(new)}" for name, (old, new) in changes.items())
    code = "governor_differs" if code_block is None else "governor_code_changed" if told else "governor_code_alike"
    detail = say(code, block=code_block or block_number, changes=shown)
    first_block = code_block or block_number
    facts = {"block": first_block, "changes": changes}
    incidents.note_once(dao, incidents.Kind.GOVERNOR_CHANGED, about=facts, detail=detail, first_block=first_block)


def _text(value: Any) -> str:
    return "not answered" if value is None else str(value)[:120]
