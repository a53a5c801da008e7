# SPDX-License-Identifier: Apache-2.0
"""Prose that changes nothing of an order, because each of its words is known to say nothing of one.

A sentence beside an order is free by all of its words, not by one: of people, work, things and praise. A word that
nobody listed here may deny, date, limit, rename or recount what is ordered, so it leaves a doubt. Names of persons and
things are free where none of the order's own names stands beside them.
"""

import re
from collections.abc import Iterable

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts
from agent.understanding.gate.forms import blames, comes_again, does_itself, has_others, is_pretence
from agent.understanding.gate.inert_words import SMALL, is_inert_word
from agent.understanding.mentions.quantities import Quantity, Unit
from agent.understanding.moods import level
from agent.understanding.orders import Read

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_HOW = re.compile(r"\bhow [^,;:.!?]*")  # a question in a sentence says nothing: "explains how to read calls"
_LINK = re.compile(r"https?://\S+|\S+@\S+\.\S+|\([\w-]+(?:\.[\w-]+)+\)")


def is_inert(read: Read, facts: Facts) -> bool:
    """Whether every word of a sentence is known to change nothing."""
    folded = read.voice.folded
    if is_pretence(folded) or does_itself(folded, facts) or blames(folded):
        return False
    if comes_again(folded) or has_others(folded):
        return False
    text = _HOW.sub(" ", _LINK.sub(" ", read.passage.text))
    if any(not _is_plain_number(one.unit, one.per_s) or not _counts(one, folded, facts) for one in read.quantities):
        return False
    strange = False
    more = sets.SECTIONS if text.rstrip().endswith(":") else frozenset()
    for match in _WORD.finditer(text):
        word = level(match[0])
        if is_inert_word(word) or word in facts.words or word in more or word in _SETTINGS:
            continue
        symbol = facts.symbols.of(match[0])
        if symbol is not None and facts.moves(symbol) and not _is_in_name(text, match):
            return False
        is_first = not any(map(str.isalpha, text[: match.start()]))
        if is_first or not all(part[:1].isupper() for part in match[0].split("-")):
            if not _names_participant(read, facts, match):
                return False
            continue
        strange = strange or not _names_participant(read, facts, match)
    return not (strange and any(party.addresses and facts.takes_part(party) for party in read.parties))


_SETTINGS = sets.SETTING_NOUNS | sets.words_of("registrar registry effect effects establishes")


def are_plain(words: Iterable[str], facts: Facts, more: frozenset[str] = frozenset()) -> bool:
    """Whether words, as they stand in the text, are all inert, of the effects or of `more`: no name among them."""
    return all(is_inert_word(level(word)) or level(word) in facts.words or level(word) in more for word in words)


def is_label(read: Read, facts: Facts) -> bool:
    """Whether a line is no sentence, and has only words that head sections: "Encoded calldata:"."""
    said = _WORD.findall(_LINK.sub(" ", read.passage.text))
    if len(said) > 8 or read.quantities:
        return False
    own = {level(word) for party in read.parties if party.is_own for word in _WORD.findall(party.name)}
    free = (sets.SECTIONS | sets.TOPICS | own | _LABELS) - _ORDINALS
    symbols = {level(word) for word in said if (s := facts.symbols.of(word)) is not None and not facts.moves(s)}
    return all(level(word) in free or level(word) in facts.words or level(word) in symbols for word in said)


_LABELS = sets.words_of("encoded decoded raw effect effects batch full execution link")
_ORDINALS = sets.words_of("second third new old previous draft follows following want")


def _is_plain_number(unit: Unit, per_s: int) -> bool:
    """Whether a number counts things, or is a year: no amount, share, time or rate."""
    return unit is Unit.BARE and not per_s


def _counts(one: Quantity, folded: str, facts: Facts) -> bool:
    """Whether a number counts the things that are named behind it, dates something, or is small: "120 people"."""
    if not facts.is_some_money or one.readings[0] < 13 or 1900 <= one.readings[0] <= 2100:
        return True
    after = re.match(r"\s?%?\+?[ -]([a-z]+)", folded[one.end :])
    return after is not None and after[1] not in sets.SMALL and is_inert_word(after[1]) and after[1] not in SMALL


def _is_in_name(text: str, match: re.Match[str]) -> bool:
    """Whether a symbol is part of a longer name: "the ENS DAO"."""
    return re.match(r"\s[A-Z]", text[match.end() :]) is not None


def _names_participant(read: Read, facts: Facts, match: re.Match[str]) -> bool:
    return any(
        party.start <= match.start() < party.end and (party.is_own or facts.takes_part(party)) for party in read.parties
    )
