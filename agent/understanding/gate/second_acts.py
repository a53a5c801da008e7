# SPDX-License-Identifier: Apache-2.0
"""Where the words of an order make another one beside it: "and make her executor", "use the treasury and 600 DAI".

Each of these words is of the closed sets that an order is made of, and changes nothing in its own place. Joined to the
order by "and", "then" or a mark it bids an act, or names a thing, that no effect has. Pure, and linear in the sentence
but for the words between a verb and the order behind it.
"""

import re
from collections.abc import Sequence

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts
from agent.understanding.gate.inert_words import is_inert_word
from agent.understanding.gate.pieces import Piece
from agent.understanding.mentions.quantities import Unit
from agent.understanding.orders import Read

_BIDS = sets.words_of(
    "make makes making perform performs execute executes implement implements initiate initiates authorize authorizes "
    "authorise authorises direct directs instruct instructs request requests propose proposes seek seeks ask asks want "
    "spend use uses take takes draw draws be let"
)
_MOVES = sets.words_of("transfer transfers send sends award delegate")  # the same, where there is but one call
_JOINS = frozenset({"and", "&", "then", "so", "which", "who", ",", ";", ":", "through"})
_LINKS = frozenset({"and", "&", "then", ":", ";"})  # no comma: ", transferring 600 DAI" says again what was framed
_OPENS = sets.words_of("she he it we i they to also now will would the a an team treasury dao then")
_OBJECTS = sets.words_of(
    "treasury governor timelock executor account accounts contract contracts safe multisig permission roles role votes "
    "power supply recipient recipients receiver tokens token donation grant award"
)
_NOUNS = _OBJECTS | sets.words_of("payments payment transfers transfer grants team members her him them it community")
_SPEAKS = sets.words_of("be let request requests propose proposes seek seeks ask asks want use uses")
_CALLED = sets.words_of("contract contracts recipient recipients receiver account accounts it")
_IN_GROUP = sets.words_of("the a an our its their her his all of these both")
_HOLDS = sets.words_of("take use spend draw of to")
_MOST = sets.words_of("unlimited infinite maximum")
_LIMITLESS = 2**255  # from here on an allowance is one without a limit


def bids_behind(said: Sequence[Piece], at: int, facts: Facts) -> bool:
    """Whether a verb that only frames an order is joined to one that has begun: "and make her executor"."""
    if said[at].text not in (_BIDS | _MOVES if len(facts.effects) == 1 else _BIDS):
        return False
    before = at - 1
    while before > 0 and said[before].text in _OPENS - {"then"}:
        before -= 1
    return before >= 0 and said[before].text in _JOINS


def bids_before(said: Sequence[Piece], at: int, facts: Facts) -> bool:
    """Whether a verb that only frames an order has an object of its own, and the order is joined to it behind: "Make
    payments and grant"."""
    if said[at].text not in _BIDS:
        return False
    has_object = False
    for place in range(at + 1, len(said)):
        piece = said[place]
        if piece.kind in ("quantity", "hex"):
            return False
        if piece.kind == "act" and not has_object and piece.text not in _BIDS and _is_of(piece, facts):
            return False
        if piece.text in _LINKS:
            if has_object and any(one.kind == "quantity" or _is_of(one, facts) for one in said[place + 1 : place + 5]):
                return True
        elif piece.kind == "party" or piece.text in _NOUNS:
            has_object = True
    return False


def bids_alone(said: Sequence[Piece], facts: Facts) -> Piece | None:
    """The verb by which a sentence that has no verb and no amount of the effects bids an act of its own: "Make her
    executor of the treasury"; None where it only speaks of the order: "Execute the call"."""
    if any(_is_of(piece, facts) and piece.text not in _BIDS for piece in said):
        return None
    at = next((place for place, piece in enumerate(said) if piece.text in _BIDS - _SPEAKS), None)
    if at is None or not any(piece.text in _NOUNS - _CALLED or piece.kind == "party" for piece in said[at + 1 :]):
        return None
    return said[at]


def joins_object(said: Sequence[Piece], at: int, facts: Facts) -> bool:
    """Whether a place, a right or a token without an amount is joined to what an order is about, on either side of it:
    "the voting period and governor", "use the treasury and 600 DAI"."""
    if at < 2:
        return False
    if said[at].kind == "party":
        is_one = len(facts.effects) == 1 and at + 1 < len(said) and said[at + 1].kind != "act"
        return is_one and said[at - 1].text in ("and", "&") and said[at].text.split()[-1] in _OBJECTS
    if said[at].text not in _OBJECTS:
        return False
    before = at - 1
    while before > 0 and (said[before].text in _IN_GROUP | _OBJECTS or said[before].text.endswith(("'s", "’s"))):
        before -= 1
    behind = said[at + 1 : at + 4]
    if before > 0 and said[before].text in ("and", "&", "then"):
        return not behind or behind[0].kind != "act"
    if len(behind) < 2 or behind[0].text not in ("and", "&"):
        return False
    after = behind[2] if len(behind) > 2 and behind[1].text in _IN_GROUP else behind[1]
    if said[before].text == "," or (after.kind == "word" and after.text in facts.words and not facts.is_all_money):
        return True
    return said[before].text in _HOLDS and after.kind in ("quantity", "act")


def exceeds(text: str, facts: Facts) -> bool:
    """Whether a word says that an allowance has no limit, and none of the effects gives such a one."""
    return text in _MOST and not any((effect.amount or 0) >= _LIMITLESS for effect in facts.effects)


def pays_again(read: Read, facts: Facts, orders: frozenset[str]) -> bool:
    """Whether an order with an amount that is moved once says that it is a further one, or is for something else than
    the order that tells it. `orders`: the words of the orders that tell the effects."""
    if not any(quantity.unit is Unit.TOKEN and facts.times_of(quantity) == 1 for quantity in read.quantities):
        return False
    if _AGAIN.search(read.voice.folded) is not None:
        return True
    here, there = _purposes(_WORD.findall(read.voice.folded)), _purposes(orders)
    return len(facts.effects) == 1 and bool(here - there) and bool(there - here)


def _purposes(said: Sequence[str] | frozenset[str]) -> frozenset[str]:
    """Which words tell of work or things, and frame no order."""
    return frozenset(word for word in said if is_inert_word(word) and word not in sets.GLUE | sets.SMALL | sets.PURPOSE)


_WORD = re.compile(r"[^\W\d_]+")
_AGAIN = re.compile(r"^\W*then\b|\b(?:also|second|again|another|next|as well|too|additionally|finally)\b")


def _is_of(piece: Piece, facts: Facts) -> bool:
    return piece.kind == "act" and bool(getattr(piece.thing, "acts", frozenset()) & facts.acts)
