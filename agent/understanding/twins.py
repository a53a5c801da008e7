# SPDX-License-Identifier: Apache-2.0
"""Two calls of one function on one contract: words that tell the one may hide the other.

Where both set the same thing to different values, only the last one holds, and no sentence tells both. Where both add
somebody, a sentence tells both only if it joins them: "to Lea and Ben", not "to Lea on request of Ben".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from agent.understanding.effects import Effect
from agent.understanding.orders import Read

_ADDS = re.compile(
    r"_?(?:grant|revoke|add|remove|enable|disable|allow|deny|rely|authori[sz]e|support|whitelist|assign|set\w*(?:Role|Controller|Record|Text|Addr))"
)
_JOINED = re.compile(
    r"\)?\s*(?:\([^)]*\)|0x[0-9a-f]{40})?\s*(?:,|and|&|, and|as well as|und|y|et|e)\s*(?:also )?(?:to )?(?:from )?"
    r"(?:the |our )?\(?\s*"
)
# In what somebody beside the other is called, these say that it gets nothing: "Lea, the request of (0x...)".
_TURNS = re.compile(r"\b(?:of|by|on|via|through|with|for|from|as|at|request\w*|propos(?:al|ed)|suggest\w*|behalf)\b")


def unsure(effects: Sequence[Effect], told_at: Mapping[str, tuple[int, int]], reads: Sequence[Read]) -> set[str]:
    """Return the ids of effects that a plain "told" says too much of. `told_at`: where each told effect is told."""
    found: set[str] = set()
    for one, two in _twins([effect for effect in effects if effect.id in told_at]):
        is_listed = _ADDS.match(one.function) is not None
        is_apart = told_at[one.id] != told_at[two.id] or _joins(one, two, told_at[one.id], reads)
        if not (is_listed and is_apart) or _encloses(told_at[one.id], told_at[two.id]):
            found |= {one.id, two.id}
    return found


def _encloses(one: tuple[int, int], two: tuple[int, int]) -> bool:
    """Whether one is told by a sentence, and the other only by the section around it."""
    return one != two and ((one[0] <= two[0] and two[1] <= one[1]) or (two[0] <= one[0] and one[1] <= two[1]))


def _twins(effects: Sequence[Effect]) -> Iterator[tuple[Effect, Effect]]:
    """Pairs of effects of power by one function of one contract, about the same thing, that differ in the rest."""
    groups: dict[tuple, list[tuple[Effect, tuple[str, ...]]]] = {}
    for effect in effects:
        if effect.moves == "power" and effect.function:
            key = (effect.function, effect.target, effect.path, effect.subject)
            groups.setdefault(key, []).append((effect, _values(effect)))
    for group in groups.values():
        for (one, values), (two, others) in combinations(group, 2):
            is_same_thing = len(values) < 2 or values[:1] == others[:1] or _ADDS.match(one.function) is not None
            if values != others and is_same_thing:
                yield one, two


def _values(effect: Effect) -> tuple[str, ...]:
    return tuple(repr(argument.value) for argument in effect.arguments)


def _joins(one: Effect, two: Effect, place: tuple[int, int], reads: Sequence[Read]) -> bool:
    """Whether the words there name whom both are about side by side; or the two are about the same one."""
    if one.recipient is None or one.recipient == two.recipient:
        return True
    inside = [read for read in reads if read.passage.start >= place[0] and read.passage.end <= place[1]]
    if len(inside) != 1:
        return True  # a section, in which each has a sentence of its own
    places = {
        holder: [party for party in inside[0].parties if holder in party.addresses]
        for holder in (one.recipient, two.recipient)
    }
    if not all(places.values()):
        return False  # who isn't named there is joined to nobody
    folded = inside[0].voice.folded
    spans = sorted((min(p.start for p in named), max(p.end for p in named)) for named in places.values() if named)
    named = sorted((party for party in inside[0].parties if party.addresses), key=lambda party: party.start)
    chain = [party for party in named if spans[0][0] <= party.start <= spans[-1][0]]
    if _TURNS.search(folded[spans[0][0] : spans[-1][1]]) is not None:
        return False
    return all(
        _JOINED.fullmatch(folded[a.end : b.start]) is not None
        or (a.addresses == b.addresses and folded[a.end : b.start].strip() == "(")  # "0x... (Lea)"
        for a, b in pairwise(chain)
    )
