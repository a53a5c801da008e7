# SPDX-License-Identifier: Apache-2.0
"""Permissions of Zodiac Roles against the text: what a role may call, token by token and function by function.

A text lists uses ("deposit and withdraw USDC"), not calls: such words tell a permission in part, never whole.
"""

import re
from collections.abc import Sequence
from itertools import takewhile

from agent.understanding import functions
from agent.understanding.arguments import flat
from agent.understanding.effects import Book, Effect
from agent.understanding.passages import Shape
from agent.understanding.scopes import Scope
from agent.understanding.telling import Level, Telling

_PERMISSION = re.compile(r"^(?:scope|allow|revoke|unscope)(?:Target|Function)\(|^scopeFunctionExecutionOptions\(")
_TAKES_PERMISSION = re.compile(r"^(?:revoke|unscope)")
_GIVES = re.compile(r"\bpermissions?\b")
_TAKEN = re.compile(r"\b(?:remov|revok|disabl|drop|delet|retir|withdrawn|no longer|wind(?:s|ing)? down|wound down)")
_INNER = re.compile(r"\bcall (?P<name>\w+)\(")
_LISTED = (Shape.ITEM, Shape.ROW, Shape.SENTENCE)


def is_permission(effect: Effect) -> bool:
    """Whether a call changes what a role may call."""
    return str(effect.kind) == "role_change" and _PERMISSION.search(effect.function) is not None


def tell_permission(effect: Effect, found: Sequence[Scope], book: Book) -> Telling | None:
    """The list item that speaks of what a permission allows or takes away, in a text that changes permissions.

    What a role may call is many calls for one sentence ("deposit and withdraw"): such a sentence tells them in part.
    What is taken away is told only by words of taking away, and a known token only where the words name it.
    """
    about = [scope for scope in found if not scope.is_section and _gives(scope)]
    takes = _TAKES_PERMISSION.search(effect.function) is not None
    if takes:
        about = [scope for scope in about if _is_of_taking(scope)]
    if not about:
        return None
    token = _token_of_permission(effect, book)
    inner = _INNER.search(str(effect.sentence))
    if inner is None:  # the target as a whole, whose functions have effects of their own
        return Telling(Level.PART, ("arguments",), about[0].start, about[0].end)
    verb, noun = _verb_and_noun(inner["name"])
    of_token = re.compile(rf"(?<![^\W_]){re.escape(token)}(?![^\W_])") if token else None
    if of_token is not None and not any(of_token.search(one.folded) and _is_of_taking(one) == takes for one in found):
        return None
    if inner["name"] == "approve":  # goes with every use of the token; nobody speaks of it by its name
        said = next((s for s in found if of_token is not None and of_token.search(s.folded) and not s.is_section), None)
        at = said or about[0]
        return Telling(Level.PART, ("arguments",), at.start, at.end)
    listed = [scope for scope in found if _is_listed(scope) and _is_of_taking(scope) == takes]
    if noun and not any(_says(noun, scope.folded) for scope in listed):
        return None  # "withdraw" says nothing of gaugeWithdraw where no word speaks of a gauge
    for scope in listed:
        if _says(verb, scope.folded) or (not verb and _says(noun, scope.folded)):
            return Telling(Level.PART, ("arguments",), scope.start, scope.end)
    return None


def _gives(scope: Scope) -> bool:
    return scope.once("permission", lambda: _GIVES.search(scope.folded) is not None)


def _is_listed(scope: Scope) -> bool:
    passage = scope.reads[0].passage
    return not scope.is_section and passage.shape in _LISTED and not passage.is_quoted


def _verb_and_noun(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stems by which a text may call the first verb of a function's name, and what the verb is about; () for none.

    What stands behind "with", "one" or the like is a variant of the same: remove_liquidity_one_coin.
    """
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    head = list(takewhile(lambda word: word.casefold() not in _VARIANT, words))
    stems = [word.casefold()[:6] for word in head if word.casefold() not in _EMPTY_WORDS]
    verb = next((stem for stem in stems if stem in _VERB_STEMS), "")
    noun = next((stem for stem in stems if stem not in _VERB_STEMS), "")
    return _alike(verb), _alike(noun)


def _alike(stem: str) -> tuple[str, ...]:
    return (stem, *_SAME_STEMS.get(stem, ())) if stem else ()


def _says(stems: Sequence[str], folded: str) -> bool:
    return any(re.search(rf"\b(?:un)?{re.escape(stem)}", folded) for stem in stems)


def _is_of_taking(scope: Scope) -> bool:
    """Whether words, or what they stand under, speak of taking permissions away."""
    return scope.once("taking", lambda: _speaks_of_taking(scope))


def _speaks_of_taking(scope: Scope) -> bool:
    passage = scope.reads[0].passage
    above = (*passage.headings[-1:], *passage.leads)
    said = _USE.sub(" ", scope.folded)  # liquidity that may be removed is a use
    return _TAKEN.search(said) is not None or any(_TAKEN.search(one.casefold()) for one in above)


_USE = re.compile(
    r"\bremov\w* (?:the |our |its )?(?:liquidity|collateral|stake|deposits?|positions?|lp)\b|"
    r"\badd\w*(?:,| and| or|/| &) ?remov\w*"
)


def _token_of_permission(effect: Effect, book: Book) -> str:
    """The symbol, in small letters, of the token that a permission lets the role call; "" where it is no known one."""
    target = next((argument.value for argument in effect.arguments if argument.type == "address"), None)
    return _symbol(target, book).casefold() if isinstance(target, bytes) else ""


def _symbol(address: bytes, book: Book) -> str:
    if address in book.tokens:
        return book.tokens[address].symbol
    listed = functions.token(book.chain_id, address) if book.chain_id else None
    return listed.symbol if listed else ""


_VARIANT = frozenset(
    ["with", "from", "for", "by", "to", "into", "and", "one", "on", "imbalance", "v", "single", "exact"]
)
_EMPTY_WORDS = frozenset(["all", "multi", "batch", "execute", "get", "set", "relayed", "the", "my", "user"])
_SAME_STEMS = {
    "mint": ("claim",), "exchan": ("swap", "trade"), "join": ("deposi",), "exit": ("withdr",),
    "deposi": ("stak", "suppl", "provid"), "supply": ("deposi", "provid", "lend"),
    "withdr": ("unstak", "redeem", "remov"), "add": ("deposi", "provi", "suppl"), "remove": ("withdr",),
    "stake": ("stak", "deposi"), "unstak": ("withdr",), "redeem": ("withdr",), "harves": ("claim",),
    "collec": ("claim",), "reques": ("reques",), "borrow": ("loan",), "repay": ("loan",), "claim": ("harves", "collec"),
    "submit": ("stak",), "outbou": ("bridg",), "swap": ("exchan", "trad"), "wrap": ("deposi",),
    "reward": ("reward", "claim"), "liquid": ("liq",), "permis": ("permis",), "eth": ("eth", "ether", "weth"),
}  # fmt: skip
_VERB_STEMS = frozenset(
    [
        "submit", "outbou", "mint", "exchan", "join", "exit", "deposi", "supply", "withdr", "add", "remove", "stake",
        "unstak", "redeem",
        "harves", "collec", "reques", "borrow", "repay", "swap", "claim", "wrap", "unwrap", "burn", "approv",
        "transf", "delega", "enable", "disabl", "create", "cancel", "increa", "decrea", "buy", "sell", "lock",
        "unlock", "vote", "update", "upgrad", "send", "pay", "open", "close", "start", "stop", "migrat", "permit",
    ]
)  # fmt: skip


# ------------------------------------------------------------------------------------------------------ lists of tokens


_SWAPS = re.compile(r"swap|exchange|trade|order|exact(?:in|out)put", re.IGNORECASE)
_LIST_OF_TOKENS = re.compile(r"\btokens? (?P<side>in|out)\b|\b(?P<verb>sell|buy)[a-z]* tokens?\b", re.IGNORECASE)


def beyond_lists(effect: Effect, found: Sequence[Scope], book: Book) -> Telling | None:
    """Where the text lists which tokens may be swapped for which, and a permission's conditions have one more.

    That is no lie for certain: the call writes the whole list anew, and the text may tell only what is added.
    """
    inner = _INNER.search(str(effect.sentence))
    is_other = inner is not None and _SWAPS.search(inner["name"]) is None  # of other uses these lists say nothing
    if is_other or _TAKES_PERMISSION.search(effect.function) is not None:
        return None
    allowed = _tokens_of_conditions(effect, book)
    if len(allowed) < 3:
        return None  # any two may be one pair of the lists
    sides: dict[str, set[str]] = {"in": set(), "out": set()}
    last: Scope | None = None
    for scope in found:
        if not _is_listed(scope) or _is_of_taking(scope):
            continue
        passage = scope.reads[0].passage
        match = _LIST_OF_TOKENS.search(scope.text) or _LIST_OF_TOKENS.search((passage.leads or ("",))[-1])
        if match is None:
            continue
        side = (match["side"] or {"sell": "in", "buy": "out"}[match["verb"].casefold()]).casefold()
        sides[side] |= {_plain(word) for word in re.findall(r"[^\W_]+", scope.text)}
        last = scope
    listed = sides["in"] | sides["out"]
    if last is None or not (allowed & sides["in"] and allowed & sides["out"]) or allowed <= listed:
        return None
    return Telling(Level.PART, ("tokens",), last.start, last.end)


def _tokens_of_conditions(effect: Effect, book: Book) -> set[str]:
    """The symbols of the known tokens that the conditions on a permission's arguments name."""
    found = set()
    for _name, _kind, value in flat(effect):
        if isinstance(value, bytes) and len(value) == 32 and not any(value[:12]) and any(value[12:16]):
            symbol = _symbol(value[12:], book)
            found |= {_plain(symbol)} if symbol else set()
    return found


def _plain(symbol: str) -> str:
    """A symbol by which ether and its wrapped form are one: lists of swaps mean both."""
    small = symbol.casefold()
    return "eth" if small in ("weth", "ether") else small
