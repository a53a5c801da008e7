# SPDX-License-Identifier: Apache-2.0
"""What the chain itself answered about a DAO, beside what the mirror has."""

from __future__ import annotations

from governance.chain_word import Shown
from governance.models import OnchainCheck
from presentation.dao_view import DaoView


def checks_of(place: DaoView, prefix: str) -> dict[str, OnchainCheck]:
    """What the chain itself answered about a subject, by what was asked (`state`, `votes`, ...)."""
    found = OnchainCheck.objects.filter(dao=place.dao, subject__startswith=prefix)
    return {check.subject.removeprefix(prefix): check for check in found}


_WHAT = {"state": "state", "votes": "tally (against/for/abstain)", "quorum": "quorum"}


def chain_notes(shown: Shown) -> list[str]:
    """Sentences that say what of a proposal is the chain's word in place of the mirror's, and at which block."""
    notes = [
        f"The {_WHAT[what]} shown is the chain's word at block {word.block_number:,}: {word.says}. The mirror makes it "
        f"{word.mirror_says}. ({word.whose.capitalize()}.)"
        for what, word in shown.words.items()
    ]
    notes += [
        f"Nodes contradict each other about the {_WHAT[what]} at block {word.block_number:,}: one says {word.says}, "
        f"another {word.other_says}. The mirror's is shown."
        for what, word in shown.disputed.items()
    ]
    if shown.facts.counted_by_governor:
        notes.append(
            "This governor counts votes in a way that is not known here. "
            + (
                "It was not asked for its tally yet: the sums shown may be wrong."
                if shown.facts.tally_block is None
                else f"The tally is the governor's own, as of block {shown.facts.tally_block:,}."
            )
        )
    if shown.is_unsettled and "state" not in shown.disputed:
        notes.append(
            "The chain's state differed from the mirror's when it was asked last, and time has passed since. This "
            "page offers no next step until the chain is asked again."
        )
    return notes
