# SPDX-License-Identifier: Apache-2.0
"""Roles that a text tells by what they let somebody do: "may mint GLD" for MINTER_ROLE, "cancels" for CANCELLER_ROLE.

Such words tell a role in part: they name who, where and which way, and not the role.
"""

import re
from collections.abc import Sequence

from agent.understanding.effects import Book, Effect
from agent.understanding.mentions.quantities import Unit
from agent.understanding.orders import Read
from agent.understanding.passages import Shape
from agent.understanding.scopes import Scope
from agent.understanding.telling import Level, Telling
from policies.notation.primitives import keccak

_CHANGES_ROLE = re.compile(r"(?P<takes>revoke|renounce)?(?:grant)?Role\(")
_CONSTANT = re.compile(r"(?P<name>[A-Z]+(?:_[A-Z]+)*)_ROLE")
_TAKES = re.compile(
    r"\b(?:remov\w*|revok\w*|no longer|los(?:es?|ing)|renounc\w*|g(?:ives?|iving|ave) up|steps? down|strip\w*|"
    r"dismiss\w*|replac\w*|retir\w*|tak(?:es?|en|ing) away|withdraw\w*|ends?|ended|ending|mov(?:es?|ed|ing)|"
    r"transfer\w*|hand\w* over)\b"
)
_GIVES = re.compile(
    r"\b(?:grant\w*|g(?:ives?|iving|iven)(?! up)|assign\w*|add(?:s|ed|ing)?|appoint\w*|allow\w*|mak(?:es?|ing)|made|"
    r"becom\w*|receiv\w*|mov(?:es?|ed|ing)|replac\w*|set(?:s|ting)?|establish\w*|can|able|may|elect\w*|name[sd]?|"
    r"authori[sz]\w*|enabl\w*|empower\w*|transfer\w*|hand\w* over|lets?)\b"
)
_SHAPES = (Shape.SENTENCE, Shape.ITEM, Shape.HEADING)


def hinted_role(effect: Effect, found: Sequence[Scope], book: Book, target_words: Sequence[str]) -> Telling | None:
    """Return the sentence that says of a role's holder what the role lets them do; None where none does."""
    change = _CHANGES_ROLE.match(effect.function)
    if change is None or effect.recipient is None or str(effect.kind) != "role_change":
        return None
    takes = bool(change["takes"])
    for scope in found:
        read = scope.reads[0]
        passage = read.passage
        if scope.is_section or passage.shape not in _SHAPES or passage.is_quoted or passage.is_struck:
            continue
        if effect.recipient not in scope.addresses or any(q.unit in (Unit.TOKEN, Unit.MONEY) for q in read.quantities):
            continue
        if not _names_role(effect, scope) or not _names_target(effect, scope, book, target_words):
            continue
        if _is_taken(effect, read) if takes else _is_given(effect, read):
            return Telling(Level.PART, ("role",), scope.start, scope.end)
    return None


def _names_role(effect: Effect, scope: Scope) -> bool:
    """Whether a sentence has the role's noun, or the verb that it is made of: "mints" for MINTER_ROLE."""
    constant = _CONSTANT.search(effect.subject)
    if constant is None:
        role = next((a.value for a in effect.arguments if a.type == "bytes32"), None)
        said = re.findall(r"[a-z]{4,20}", scope.folded)[:200]
        return any(keccak(f"{word.upper()}_ROLE".encode()) == role for word in said)
    noun = constant["name"].casefold().replace("_", " ")
    stem = re.sub(r"(?:er|or)$", "", noun) if " " not in noun else noun
    stem = stem[:-1] if stem.endswith(("ll", "tt", "rr", "nn")) else stem  # cancel, canceller
    return len(stem) >= 3 and re.search(rf"(?<![^\W_]){re.escape(stem)}", scope.folded) is not None


def _names_target(effect: Effect, scope: Scope, book: Book, target_words: Sequence[str]) -> bool:
    """Whether a sentence, or what it stands under, names the contract; the DAO's own timelock goes without saying."""
    if effect.target in scope.addresses or effect.target == book.executor:
        return True
    passage = scope.reads[0].passage
    around = " ".join((scope.folded, *passage.headings, passage.title)).casefold()
    names = (*target_words, book.symbol(effect.target).casefold())
    return any(name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", around) for name in names)


def _is_taken(effect: Effect, read: Read) -> bool:
    """Whether the words take power from the holder, and not give it in another's place."""
    markers = {party.marker for party in read.parties if effect.recipient in party.addresses}
    return _TAKES.search(read.voice.folded) is not None and not markers & {"to", "by", "with"}


def _is_given(effect: Effect, read: Read) -> bool:
    folded = read.voice.folded
    denies = any(not folded.startswith("cancel", place) for place in read.voice.denials)  # a canceller may cancel
    if _GIVES.search(folded) is None or denies or read.voice.has_condition or read.voice.remembers:
        return False
    markers = {party.marker for party in read.parties if effect.recipient in party.addresses}
    if _TAKES.search(folded) is None:
        return "from" not in markers
    return bool(markers & {"to", "by", "with"})  # "replace Ana by Ben", "move the role from Ana to Ben"
