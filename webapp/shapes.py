# SPDX-License-Identifier: Apache-2.0
"""JSON shapes that more than one subject uses."""

from __future__ import annotations

from typing import Any

from governance import asked_power
from governance.models import ChainReading, Dao, OnchainCheck
from policies.notation.hexadecimal import hex_text
from presentation import words

Json = dict[str, Any]


def address_json(value: bytes | None) -> str | None:
    return None if value is None else words.address_text(value)


def reading_json(reading: ChainReading | None) -> Json:
    """When the chain was asked: the block's number and hash, and the wall clock's time; null where it was not yet."""
    return {
        "read_at_block": reading.block_number if reading else None,
        "read_at_block_hash": hex_text(reading.block_hash) if reading else None,
        "read_at": reading.read_at.isoformat() if reading else None,
    }


def power_reading_json(dao: Dao) -> Json:
    """How voting power is known: from the votes token's events, or degraded, with what that means and as of when the
    chain was asked."""
    found = asked_power.degraded(dao)
    return {
        "standing": "events" if found is None else "degraded",
        "words": None if found is None else found.words,
        "asked_timepoint": found.asked_timepoint if found else None,
        "asked_block": found.asked_block if found else None,
    }


def check_json(check: OnchainCheck | None) -> Json | None:
    if check is None:
        return None
    return {
        "subject": check.subject,
        "block": check.block_number,
        "block_hash": hex_text(check.block_hash),
        "matched": check.matched,
        "chain_says": check.chain_says,
        # What a second node answered in place of it; null where none did.
        "other_node_says": check.other_says or None,
        "mirror_says": check.mirror_says,
    }


def sides_json(sides: tuple[int, int, int]) -> Json:
    """What votes in parts added to each side; `sides`: against, for, abstain, in base units."""
    return {name: str(added) for name, added in zip(("against", "for", "abstain"), sides, strict=True)}
