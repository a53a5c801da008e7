# SPDX-License-Identifier: Apache-2.0
"""Sentences that say how things are before power is taken away, and what follows from it.

"The old multisig still has the controller role" is why the role is revoked. It is held against the calls: of the role
that they take, and of nobody who takes no part. "This means that it could ..." behind it says what may happen today.
"""

import re

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts
from agent.understanding.gate.forms import said_of
from agent.understanding.mentions.languages import Act
from agent.understanding.orders import Read
from agent.understanding.passages import Shape

_STILL = re.compile(r"\b(?:still|currently|presently|today|at present)\s+(?:has|have|holds?|is|are|retains?)\b")
_FOLLOWS = re.compile(
    r"^\W*(?:this|that|which) (?:means?|would mean|implies)\b[^.;:]*\b(?:could|can|may|might)\b|"
    r"^\W*(?:this|that) (?:allows|lets|enables)\b"
)
_LATER = sets.words_of(
    "until unless once after afterwards later again back restore restored restores return returns keep "
    "keeps remain remains "
    "stays instead temporarily temporary pending never if when till before soon next regain regains "
    "reinstate reinstated "
    "vote proposal call fail fails same new other's grant grants granted add adds added give gives given"
)
_BEFORE = sets.words_of("before was created originally dao")


def is_before(read: Read, facts: Facts) -> bool:
    """Whether a sentence says that who loses a role has it as yet, of that role and of nobody else."""
    folded = read.voice.folded
    if not _is_plain(read, facts) or _STILL.search(folded) is None:
        return False
    roles = {word for one in facts.effects for word in re.findall(r"[a-z]{5,}", one.subject.casefold())}
    return not (said_of(folded) & (_LATER - _BEFORE)) and bool(said_of(folded) & roles)


def follows_before(read: Read, facts: Facts) -> bool:
    """Whether a sentence behind such a one says what could happen: "This means that its keyholders could ..."."""
    folded = read.voice.folded
    is_free = _is_plain(read, facts) and not said_of(folded) & _LATER
    return is_free and _FOLLOWS.search(folded) is not None


def _is_plain(read: Read, facts: Facts) -> bool:
    """Whether all calls take a role away, and a sentence has no number and nobody besides."""
    if not facts.effects or read.passage.shape is not Shape.SENTENCE or read.quantities or Act.REVOKE not in facts.acts:
        return False
    is_taking = all(str(one.kind) == "role_change" and _takes(one.new_value, one.function) for one in facts.effects)
    return is_taking and all(not party.addresses or facts.takes_part(party) for party in read.parties)


def _takes(new_value: str, function: str) -> bool:
    name = re.match(r"_?(?:revoke|remove|disable|renounce|deny)", function)
    return name is not None or new_value == "false"
