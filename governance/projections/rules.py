# SPDX-License-Identifier: Apache-2.0
"""What the chain alone knows of a proposal (its quorum and other rules): asked by the sync, kept raw and with it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from governance.models import ChainAnswer, Dao, Proposal

# The name in `Proposal.extra` -> the answer's key, short enough for its column together with the proposal's number in
# hexadecimal.
_KEYS = {
    "super_quorum_votes": "super", "quorum_supply": "supply", "quorum_least_bps": "least", "quorum_most_bps": "most",
    "quorum_coefficient": "coefficient", "approval_threshold_bps": "approval", "module_state": "module",
    "tally_against": "against", "tally_for": "for", "tally_abstain": "abstain", "tally_block": "counted",
}  # fmt: skip


def rule_key(name: str, proposal_id: int) -> str:
    """Return the key of the chain's answer about a rule of a proposal (`capabilities.Rule.name`); its kind is
    `quorum`."""
    return str(proposal_id) if name == "quorum" else f"{_KEYS[name]}:{proposal_id:x}"


def answered_rules(dao: Dao, proposal_ids: Iterable[int], *, since_block: int = 0) -> dict[int, dict[str, int]]:
    """Return what the chain answered about proposals at `since_block` or later: proposal id -> rule's name ->
    number."""
    names = ("quorum", *_KEYS)
    keys = {rule_key(name, number): (number, name) for number in proposal_ids for name in names}
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for answer in ChainAnswer.objects.filter(
        dao=dao, kind=ChainAnswer.Kind.QUORUM, key__in=list(keys), block_number__gte=since_block
    ):
        number, name = keys[answer.key]
        found[number][name] = int.from_bytes(answer.value, "big")
    return found


def note_rules(dao: Dao, proposal: Proposal, answers: dict[str, int], block_number: int, block_hash: bytes) -> None:
    """Keep what the chain answered about a proposal's rules at a block, raw and with the proposal."""
    for name, value in answers.items():
        ChainAnswer.objects.update_or_create(
            dao=dao, kind=ChainAnswer.Kind.QUORUM, key=rule_key(name, proposal.proposal_id),
            defaults={"value": value.to_bytes(32, "big"), "block_number": block_number, "block_hash": block_hash},
        )  # fmt: skip
    extra = {name: str(value) for name, value in answers.items() if name != "quorum"}
    changes: dict[str, Any] = {"extra": {**proposal.extra, **extra}} if extra else {}
    if "quorum" in answers:
        changes["quorum_votes"] = answers["quorum"]
    Proposal.objects.filter(pk=proposal.pk).update(**changes)
