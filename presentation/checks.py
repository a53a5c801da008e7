# SPDX-License-Identifier: Apache-2.0
"""What the chain itself answered about a DAO, beside what the mirror has."""

from __future__ import annotations

from django.utils.translation import gettext, pgettext_lazy

from governance.chain_word import ChainWord, Shown
from governance.models import NOT_TOLD, OnchainCheck
from governance.numbers import grouped
from presentation import labels
from presentation.dao_view import DaoView


def checks_of(place: DaoView, prefix: str) -> dict[str, OnchainCheck]:
    """What the chain itself answered about a subject, by what was asked (`state`, `votes`, ...)."""
    found = OnchainCheck.objects.filter(dao=place.dao, subject__startswith=prefix)
    return {check.subject.removeprefix(prefix): check for check in found}


_WHAT = {
    "state": pgettext_lazy("asked of the chain", "state"),
    "votes": pgettext_lazy("asked of the chain", "tally (against/for/abstain)"),
    "quorum": pgettext_lazy("asked of the chain", "quorum"),
}


def chain_notes(shown: Shown) -> list[str]:
    """Sentences that say what of a proposal is the chain's word in place of the mirror's, and at which block."""
    notes = [_of_the_chain(what, word) for what, word in shown.words.items()]
    notes += [_disputed(what, word) for what, word in shown.disputed.items()]
    if shown.facts.counted_by_governor:
        unknown = gettext("Votes on this proposal are counted, or once were, in a way that is not known here.")
        if shown.facts.tally_block is None:
            tally = gettext("It was not asked for its tally yet: the sums shown may be wrong.")
        else:
            tally = gettext("The tally is the governor's own, as of block %(block)s.") % {
                "block": grouped(shown.facts.tally_block)
            }
        notes.append(f"{unknown} {tally}")
    if shown.is_inferred:
        notes.append(
            gettext(
                "By the nodes' answers about tally and quorum the state may be another one than by the mirror's own "
                "logs, and the chain was not asked for the state itself since. This page offers no next step until it "
                "is."
            )
        )
    elif shown.is_unsettled and "state" not in shown.disputed:
        notes.append(
            gettext(
                "The chain's state differed from the mirror's when it was asked last, and time has passed since. This "
                "page offers no next step until the chain is asked again."
            )
        )
    return notes


def _of_the_chain(what: str, word: ChainWord) -> str:
    if word.mirror_says == NOT_TOLD:
        said = gettext(
            "The %(what)s shown is the chain's word at block %(block)s: %(chain)s. The mirror alone can't tell it."
        )
    else:
        said = gettext(
            "The %(what)s shown is the chain's word at block %(block)s: %(chain)s. The mirror makes it %(mirror)s."
        )
    said %= {
        "what": _WHAT[what],
        "block": grouped(word.block_number),
        "chain": _says(what, word.says),
        "mirror": _says(what, word.mirror_says),
    }  # fmt: skip
    if word.endpoints > 1:
        return f"{said} {gettext('Two nodes say so.')}"
    return f"{said} {gettext('It is one node’s word, which no second node confirmed.')}"


def _disputed(what: str, word: ChainWord) -> str:
    return gettext(
        "Nodes contradict each other about the %(what)s at block %(block)s: one says %(one)s, another %(other)s. The "
        "mirror's is shown."
    ) % {
        "what": _WHAT[what],
        "block": grouped(word.block_number),
        "one": _says(what, word.says),
        "other": _says(what, word.other_says),
    }  # fmt: skip


def _says(what: str, text: str) -> str:
    """An answer as it is shown: a state by its name in the reader's language."""
    return str(labels.STATES.get(text, text)) if what == "state" else text
