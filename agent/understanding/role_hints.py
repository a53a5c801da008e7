# SPDX-License-Identifier: Apache-2.0
"""Roles that a text tells by what they let somebody do: "may mint GLD" for MINTER_ROLE, "cancels" for CANCELLER_ROLE.

Such words tell a role in part: they name who, where and which way, and not the role.
"""

import re
from collections.abc import Sequence
from enum import IntEnum

from agent.understanding.effects import Book, Effect
from agent.understanding.mentions.quantities import Unit
from agent.understanding.orders import Read
from agent.understanding.passages import Shape
from agent.understanding.scopes import Scope
from agent.understanding.telling import Level, Telling
from governance.chain.address import ZERO
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak

_CONSTANT = re.compile(r"(?P<name>[A-Z]+(?:_[A-Z]+)*)_ROLE")
_TAKES = re.compile(
    r"\b(?:remov\w*|revok\w*|no longer|los(?:es?|ing)|renounc\w*|g(?:ives?|iving|ave) up|steps? down|strip\w*|"
    r"dismiss\w*|replac\w*|retir\w*|tak(?:es?|en|ing) away|withdraw\w*|ends?|ended|ending|mov(?:es?|ed|ing)|"
    r"transfer\w*|hand\w* over|leav(?:es?|ing)|takes? the place of|place of|nobody|no one|dissolv\w*|retire\w*)\b"
)
_TAKES_IT = re.compile(
    r"\b(?:and|then) tak(?:es?|ing) (?:it|them|(?:this|that|the) (?:role|right)) (?:away |back )?from\b"
)
_GIVES = re.compile(
    r"\b(?:grant\w*|g(?:ives?|iving|iven)(?! up)|assign\w*|add(?:s|ed|ing)?|appoint\w*|allow\w*|mak(?:es?|ing)|made|"
    r"becom\w*|receiv\w*|mov(?:es?|ed|ing)|replac\w*|set(?:s|ting)?|establish\w*|can|able|may|elect\w*|name[sd]?|"
    r"authori[sz]\w*|enabl\w*|empower\w*|transfer\w*|hand\w*(?: [\w()]+){0,3} over|lets?|veto|will|"
    r"takes? (?:over|the place)|accept\w*|tak(?:es?|ing) over|join\w*|sets up|set up)\b"
)
_SHAPES = (Shape.SENTENCE, Shape.ITEM, Shape.HEADING)


# What a text may call a power that a function other than grantRole gives: beginnings of words.
_STEMS = {
    "owner": ("own", "control", "hand", "take over", "takes over", "accept"),
    "admin": ("admin", "control", "accept"),
    "signer": ("signer", "signat", "owner", "keyholder", "member", "place of", "leave", "join", "add"),
    "minter": ("mint", "issu"),
    "guardian": ("guardian", "paus", "veto"),
    "controller": ("controller", "issu", "regist"),
    "module": ("module",),
    "guard": ("guard",),
    "timelock": ("timelock",),
}
_VERBS = {"cancel": ("veto",), "paus": ("halt", "freez", "stop"), "mint": ("issu",), "propos": ("schedul",)}


def hinted_role(effect: Effect, found: Sequence[Scope], book: Book, target_words: Sequence[str]) -> Telling | None:
    """Return the sentence that says what a power lets its holder do; None where none does.

    Who holds it stands in the sentence, or elsewhere in the text by address; or the sentence names the role itself and
    nobody whom the book knows, as in "the canceller role goes to the Security Council".
    """
    if str(effect.kind) != "role_change":
        return None
    takes = _takes(effect)
    is_elsewhere = effect.recipient is not None and any(effect.recipient in scope.spelled for scope in found)
    best: Telling | None = None
    for scope in found:
        read = scope.reads[0]
        passage = read.passage
        if passage.shape is Shape.CODE and not scope.is_section and _is_code_of(effect, scope):
            return Telling(Level.PART, ("code_only",), scope.start, scope.end)
        if scope.is_section or passage.shape not in _SHAPES or passage.is_quoted or passage.is_struck:
            continue
        if any(quantity.unit in (Unit.TOKEN, Unit.MONEY) for quantity in read.quantities):
            continue
        named = _names_role(effect, scope)
        if named is _Named.NOT or not _names_target(effect, scope, book, target_words):
            continue
        is_held = effect.recipient is None or effect.recipient in scope.addresses
        others = {a for party in read.parties for a in party.addresses if not party.is_own} - {effect.target}
        if not is_held and (others or not (is_elsewhere or named is _Named.ROLE)):
            continue
        if not (_is_taken(effect, read) if takes else _is_given(effect, read)):
            continue
        if is_held:
            return Telling(Level.PART, ("role",), scope.start, scope.end)
        best = best or Telling(Level.PART, ("holder",), scope.start, scope.end)
    return best


def _is_code_of(effect: Effect, scope: Scope) -> bool:
    """Whether code has the function's name and each of its addresses and hashes."""
    name = effect.function.split("(")[0].casefold()
    words = [hex_text(a.value) for a in effect.arguments if isinstance(a.value, bytes) and len(a.value) in (20, 32)]
    return bool(words) and name in scope.folded and all(word in scope.folded for word in words)


def _takes(effect: Effect) -> bool:
    if re.match(r"(?:revoke|renounce|remove|disable)", effect.function) is not None:
        return True
    return effect.new_value == "false" or effect.recipient == ZERO


class _Named(IntEnum):
    """How a sentence names a power."""

    NOT = 0
    USE = 1  # by what it lets somebody do
    ROLE = 2  # by its noun, its constant or its hash


def _names_role(effect: Effect, scope: Scope) -> _Named:
    """Whether a sentence has the role's noun, or the verb that it is made of: "mints" for MINTER_ROLE."""
    folded = scope.folded
    if not re.match(r"(?:grant|revoke|renounce)Role\(", effect.function):
        stems = _STEMS.get(effect.subject, ())
        return _Named.USE if _has_any(stems, folded) else _Named.NOT
    role = next((a.value for a in effect.arguments if isinstance(a.value, bytes) and len(a.value) == 32), b"")
    if role and hex_text(role) in folded:
        return _Named.ROLE
    constant = _CONSTANT.search(effect.subject)
    if constant is None:
        said = re.findall(r"[a-z]{4,20}", folded)[:200]
        is_it = any(keccak(f"{word.upper()}_ROLE".encode()) == role for word in said)
        return _Named.ROLE if is_it else _Named.NOT
    noun = constant["name"].casefold().replace("_", " ")
    if _has_any((noun,), folded):
        return _Named.ROLE
    stem = re.sub(r"(?:er|or)$", "", noun) if " " not in noun else noun
    stem = stem[:-1] if stem.endswith(("ll", "tt", "rr", "nn")) else stem  # cancel, canceller
    stems = (stem, *_VERBS.get(stem, ())) if len(stem) >= 3 else ()
    if any(re.search(rf"\b(?:power|right|authority|ability) (?:to|of) {re.escape(one)}", folded) for one in stems):
        return _Named.ROLE
    return _Named.USE if _has_any(stems, folded) else _Named.NOT


def _has_any(stems: Sequence[str], folded: str) -> bool:
    return any(re.search(rf"(?<![^\W_]){re.escape(stem)}", folded) for stem in stems)


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
    if effect.recipient in (None, ZERO):
        return _TAKES.search(read.voice.folded) is not None
    markers = {party.marker for party in read.parties if effect.recipient in party.addresses}
    if "from" in markers and _TAKES_IT.search(read.voice.folded) is not None:
        return True  # "give it to Ana and take it from Ben"
    return _TAKES.search(read.voice.folded) is not None and not markers & {"to", "by", "with"}


def _is_given(effect: Effect, read: Read) -> bool:
    folded = read.voice.folded
    denies = any(not folded.startswith(("cancel", "veto"), at) for at in read.voice.denials)  # a canceller may cancel
    if _GIVES.search(folded) is None or denies or _IF.search(folded) or read.voice.remembers:
        return False
    markers = {party.marker for party in read.parties if effect.recipient in party.addresses}
    if _TAKES.search(folded) is None:
        return "from" not in markers
    if follows := _FOLLOWS.search(folded):
        return any(p.end <= follows.start() for p in read.parties if effect.recipient in p.addresses)
    return bool(markers & {"to", "by", "with"})  # "replace Ana by Ben", "move the role from Ana to Ben"


_IF = re.compile(r"\b(?:if|unless|until|once|provided|when|subject to)\b")
_FOLLOWS = re.compile(r"\b(?:takes? the place of|replaces|succeeds|will replace)\b")
