# SPDX-License-Identifier: Apache-2.0
"""Sentences that say how things are before power is taken away: "Lea still has the proposer role on the timelock".

It is why the role is revoked. The form is closed: who loses the role, that it is had as yet, and the role in words of
the calls. One more clause, or one more word, and the sentence leaves a doubt: it may order what no call does.
"""

import re

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts
from agent.understanding.mentions.parties import Party
from agent.understanding.orders import Read
from agent.understanding.passages import Shape

_WHO = re.compile(r"\W*(?:(?:the|our) )?(?:(?:old|previous|first) )?")
_HAS = re.compile(
    r"(?:'s (?:multisig|safe|wallet|account))?\W*\b(?:(?:still|currently|presently) (?:has|have|holds?|is|are)|"
    r"(?:is|are) (?:still|currently|presently)) (?P<what>[^.;:,()]*)\W*"
)
_PLAIN = sets.words_of("a an the of on in for at role roles power account address")


def is_before(read: Read, facts: Facts) -> bool:
    """Whether a sentence says only that who loses a role has it as yet."""
    if read.passage.shape is not Shape.SENTENCE or read.quantities or not _are_all_taken(facts):
        return False
    losing = {effect.recipient for effect in facts.effects if effect.recipient is not None}
    return any(set(who.addresses) <= losing and _says_what_it_has(who, read, facts) for who in read.parties)


def _says_what_it_has(who: Party, read: Read, facts: Facts) -> bool:
    """Whether a party opens the sentence, and all behind it is that it still has what the calls take."""
    folded = read.voice.folded
    match = _HAS.fullmatch(folded[who.end :])
    if match is None or not who.addresses or _WHO.fullmatch(folded[: who.start]) is None:
        return False
    start, what = who.end + match.start("what"), match["what"]
    for party in read.parties:
        if party.start >= start and facts.takes_part(party):
            what = what[: party.start - start] + " " * (party.end - party.start) + what[party.end - start :]
    said = set(re.findall(r"[^\W_]+", what))
    roles = {word for one in facts.effects for word in re.findall(r"[a-z]{5,}", one.subject.casefold())}
    return bool(said & roles) and said <= facts.words | _PLAIN


def _are_all_taken(facts: Facts) -> bool:
    """Whether all calls take a role away."""
    return bool(facts.effects) and all(
        str(one.kind) == "role_change" and _takes(one.new_value, one.function) for one in facts.effects
    )


def _takes(new_value: str, function: str) -> bool:
    name = re.match(r"_?(?:revoke|remove|disable|renounce|deny)", function)
    return name is not None or new_value == "false"
