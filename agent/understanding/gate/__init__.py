# SPDX-License-Identifier: Apache-2.0
"""The last gate before a plain "told": is every word beside the orders used, or of a kind that changes nothing?

The burden of proof is turned round here. Of the sentences that tell an effect one must be used word by word
(`clauses`). Sentences beside it must be orders of that kind too, or free by all of their words (`inert`, `prose`); rows
and titles must have nothing that no call has (`fields`, `headings`). Reasons under headings of their own are free as
far as they don't come back to the order (`asides`): nobody compares them, and each is counted, for members to read.
What fits nothing makes the proposal told in part, and is shown.
Pure, and linear in the text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.understanding.effects import Effect
from agent.understanding.gate import words as sets
from agent.understanding.gate.asides import aside_left_over, is_choice, is_other_choice, own_names
from agent.understanding.gate.before import is_before
from agent.understanding.gate.clauses import clause_left_over
from agent.understanding.gate.facts import Facts, LeftOver, facts_of
from agent.understanding.gate.fields import (
    adding_up,
    code_left_over,
    decides,
    field_left_over,
    fields_left_over,
    is_parameter,
    is_plain_name,
    named_value,
    row_left_over,
)
from agent.understanding.gate.glued import is_lead
from agent.understanding.gate.headings import asides, heading_left_over, stem
from agent.understanding.gate.inert import is_inert, is_label
from agent.understanding.gate.inert_words import is_inert_word
from agent.understanding.gate.people import against_left_over
from agent.understanding.gate.prose import (
    is_contact,
    is_harmless,
    is_lead_of_others,
    is_of_text,
    sentence_left_over,
    wants_of_others,
)
from agent.understanding.gate.reasons import reason_left_over
from agent.understanding.gate.second_acts import pays_again
from agent.understanding.moods import level
from agent.understanding.orders import Order, Read
from agent.understanding.passages import Passage, Shape
from agent.understanding.scopes import Scope

__all__ = ["REASONS", "Facts", "LeftOver", "facts_of", "left_over", "not_whole"]

_Place = tuple[int, int]
REASONS = "reasons"  # the code of a sentence that is free and not compared


def left_over(
    reads: Sequence[Read],
    facts: Facts,
    orders: Mapping[str, Sequence[Order]],
    told_by: Mapping[str, Sequence[Scope]],
) -> tuple[list[LeftOver], list[LeftOver]]:
    """Return what no rule uses in a text, in the text's order (nothing where all is used); and the reasons, which are
    free though code knows not all of their words.

    `orders` and `told_by` are the sentences that tell each effect whole, by its id: of money, and of other effects.
    """
    by_place = {_place(read.passage): read for read in reads}
    telling: set[_Place] = set()
    sections: set[int] = set()
    found: list[LeftOver] = []
    reasons: list[LeftOver] = []
    for effect in facts.effects:
        candidates = _candidates(effect, by_place, orders, told_by)
        if not effect.moves and not effect.function:  # a call with nothing: no money and no data
            telling |= {_place(read.passage) for group in candidates for read in group}
            continue
        chosen, over = _chosen(candidates, facts)
        if len(chosen) > 1:
            sections.add(chosen[-1].passage.section)  # a section tells together: each of its passages is weighed below
        elif chosen:
            telling.add(_place(chosen[0].passage))
        elif over is not None:
            found.append(over)
    if found:
        return found, []
    around = _around([by_place[place] for place in telling], sections, facts, reads)
    previous: Passage | None = None
    for read in reads:
        if _place(read.passage) not in telling:
            is_after = previous is not None and (
                _place(previous) in telling or previous.section in around.sections - {read.passage.section}
            )
            over = _beside(read, around, previous, is_after_order=is_after)
            if over is not None and not read.passage.is_quoted and is_before(read, facts):
                over = LeftOver(REASONS, over.start, over.end)
            if over is not None:
                (reasons if over.code == REASONS else found).append(over)
        previous = read.passage
    return found, reasons


@dataclass(frozen=True)
class _Around:
    """Where the orders of a text stand, and what stands over them."""

    facts: Facts
    sections: frozenset[int]
    groups: frozenset[int]
    leads: frozenset[str]
    headings: frozenset[str]
    said: frozenset[str]  # the words of the orders
    body: tuple[frozenset[str], frozenset[str]]  # the beginnings of the words of all that is no heading
    topics: frozenset[str]  # the beginnings of what the orders and the title are about
    adding: frozenset[_Place]  # lists of what the money is spent on, which add up to it
    rows: frozenset[int]  # the groups that have rows
    asides: frozenset[int]  # sections of their own, under a heading of reasons or people
    has_old: bool  # the orders have the value before


def _around(telling: Sequence[Read], sections: set[int], facts: Facts, reads: Sequence[Read]) -> _Around:
    passages = [read.passage for read in telling]
    names = {one.key for passage in passages for one in passage.fields}
    return _Around(
        facts,
        frozenset(sections | {passage.section for passage in passages}),
        frozenset(passage.group for passage in passages),
        frozenset(lead for passage in passages for lead in passage.leads),
        frozenset(heading for passage in passages for heading in passage.headings),
        frozenset(word for read in telling for word in re.findall(r"[^\W\d_]+", read.voice.folded)),
        _body(telling, reads),
        _topics(telling, reads),
        adding_up(reads, facts) if facts.is_some_money else frozenset(),
        frozenset(read.passage.group for read in reads if read.passage.shape is Shape.ROW),
        asides(reads) - sections - {passage.section for passage in passages},
        "old" in names or any(re.search(r"\bfrom \d", read.voice.folded) for read in telling),
    )


def _body(telling: Sequence[Read], reads: Sequence[Read]) -> tuple[frozenset[str], frozenset[str]]:
    """The beginnings of words by which a text's titles are tied to it: all of the orders', and of other sentences the
    names, the years and the words that change nothing; then all words of other sentences. A word that may change
    something, right before what a title calls the order, is not freed by being said twice: "Imaginary grant"."""
    other: set[str] = set()
    words = {word for read in telling for word in _BODY.findall(read.voice.folded)}
    for read in reads:
        if read.passage.shape in (Shape.HEADING, Shape.CODE) or read.passage.is_quoted:
            continue
        for match in _BODY.finditer(read.passage.text):
            word = level(match[0])
            is_name = match[0][:1].isupper() and any(map(str.isalpha, read.passage.text[: match.start()]))
            if is_name or word.isdigit() or is_inert_word(word) or word in sets.TOPICS or word in sets.COSTS:
                words.add(word)
            other.add(word)
    return frozenset(map(stem, words)), frozenset(map(stem, other))


_BODY = re.compile(r"[^\W\d_]+|(?<!\w)(?:19|20)\d\d(?!\w)")


def _topics(telling: Sequence[Read], reads: Sequence[Read]) -> frozenset[str]:
    titles = (read for read in reads if read.passage.shape is Shape.HEADING and read.passage.is_title)
    return frozenset(
        stem(word)
        for read in (*telling, *titles)
        for word in re.findall(r"[^\W\d_]{5,}", read.voice.folded)
        if word not in sets.GLUE and word not in sets.GENERAL
    )


def not_whole(
    reads: Sequence[Read],
    facts: Facts,
    orders: Mapping[str, Sequence[Order]],
    told_by: Mapping[str, Sequence[Scope]],
) -> dict[str, LeftOver]:
    """Return what the sentences that tell an effect leave over, by its id: of effects that no sentence tells fully."""
    by_place = {_place(read.passage): read for read in reads}
    found: dict[str, LeftOver] = {}
    for effect in facts.effects:
        chosen, over = _chosen(_candidates(effect, by_place, orders, told_by), facts)
        if not chosen and over is not None:
            found[effect.id] = over
    return found


def _candidates(
    effect: Effect,
    by_place: Mapping[_Place, Read],
    orders: Mapping[str, Sequence[Order]],
    told_by: Mapping[str, Sequence[Scope]],
) -> list[Sequence[Read]]:
    found: list[Sequence[Read]] = [(by_place[_place(order.passage)],) for order in orders.get(effect.id, ())]
    return found + [scope.reads for scope in told_by.get(effect.id, ())]


def _place(passage: Passage) -> _Place:
    return passage.start, passage.end


def _chosen(candidates: Sequence[Sequence[Read]], facts: Facts) -> tuple[Sequence[Read], LeftOver | None]:
    """The first stretch of text that tells an effect with nothing left over; else what the first one leaves over."""
    first: LeftOver | None = None
    for group in candidates:
        over = _of_telling(group[0], facts) if len(group) == 1 else None
        if over is None:
            return group, None
        first = first or over
    return (), first


def _of_telling(read: Read, facts: Facts) -> LeftOver | None:
    if read.passage.shape in (Shape.ROW, Shape.RECORD):
        return fields_left_over(read, facts)
    return clause_left_over(read, facts)


def _beside(read: Read, around: _Around, previous: Passage | None, *, is_after_order: bool) -> LeftOver | None:
    """What a passage that tells no effect leaves over; `REASONS` is the code of one that is free and not compared."""
    passage, facts = read.passage, around.facts
    if passage.shape is Shape.CODE:
        return code_left_over(read, facts, is_apart=passage.section not in around.sections)
    if passage.shape is Shape.HEADING:
        if "\t" in passage.text and passage.group not in around.rows:
            return (
                None
                if is_label(read, facts) or is_inert(read, facts)
                else LeftOver("words", passage.start, passage.end)
            )
        governs = passage.is_title or " ".join(passage.text.split()) in around.headings
        return heading_left_over(
            read, facts, governs=governs, orders=around.said, body=around.body, has_old=around.has_old
        )
    if (over := is_lead_of_others(read)) is not None:
        return over
    if is_lead(read, facts):
        return None
    if is_other_choice(read, facts) or (" ".join(passage.text.split()) in around.leads and wants_of_others(read)):
        return LeftOver("words", passage.start, passage.end)
    if clause_left_over(read, facts) is None and pays_again(read, facts, around.said):
        return LeftOver("words", passage.start, passage.end)
    if _place(passage) in around.adding or clause_left_over(read, facts) is None or is_parameter(read, facts):
        return None
    if (over := against_left_over(read, facts, around.topics)) is not None:
        return over
    is_listed = passage.group in around.groups  # in the list or table of the orders
    is_aside = passage.section in around.asides
    is_elsewhere = bool(passage.headings) and passage.section not in around.sections
    if (is_aside or is_elsewhere) and (over := reason_left_over(read, facts)) is not None:
        return over
    if passage.shape in (Shape.ROW, Shape.RECORD):
        if not is_listed and not decides(read):
            if is_aside:
                return _uncompared(read, facts)
            over = row_left_over(read, facts)
            return _uncompared(read, facts) if over is not None and over.code == "words" and is_elsewhere else over
        return row_left_over(read, facts)
    if passage.shape is Shape.ITEM and is_listed:
        if (named := named_value(read)) is not None:
            return field_left_over(named, facts)
        if not is_harmless(read, facts):
            return clause_left_over(read, facts)
    if is_harmless(read, facts):
        return None
    if _AS_CODE.match(passage.text):
        return code_left_over(read, facts)
    named = named_value(read)
    if named is not None and is_plain_name(named) and field_left_over(named, facts, is_line=True) is None:
        return None
    if (over := is_of_text(read, facts)) is not None:
        return over
    if is_aside or (is_elsewhere and not is_after_order):
        heading = (passage.headings or (passage.title,))[-1]
        is_first = previous is None or previous.shape is Shape.HEADING or previous.section != passage.section
        over = aside_left_over(read, facts, heading=heading, is_first=is_first)
        if over is not None or is_aside:
            return over or _uncompared(read, facts)
    more = sets.LEADS if passage.text.rstrip().endswith(":") else frozenset()
    is_vote = is_choice(read.voice.folded, facts, own_names(read, facts))
    if is_vote or is_contact(read) or clause_left_over(read, facts, more) is None:
        return None
    over = sentence_left_over(
        read,
        facts,
        is_apart=is_elsewhere and not is_after_order,
        governs=" ".join(passage.text.split()) in around.leads,
        follows_reasons=previous is not None and not is_after_order,
    )
    if over is not None or is_inert(read, facts) or is_label(read, facts):
        return over
    return LeftOver("words", passage.start, passage.end)


def _uncompared(read: Read, facts: Facts) -> LeftOver | None:
    return None if is_inert(read, facts) else LeftOver(REASONS, read.passage.start, read.passage.end)


_AS_CODE = re.compile(r"^(?:[a-z]\w*\(|\{\s*\"\w+\":)")  # a call, or an object of one
