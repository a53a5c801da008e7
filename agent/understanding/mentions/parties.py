# SPDX-License-Identifier: Apache-2.0
"""Parties: addresses, the book's names, and names that the text itself gives to an address. One sentence at a time."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from governance.chain.address import checksum
from policies.notation.hexadecimal import hex_bytes

ADDRESS = re.compile(r"(?<![0-9A-Za-z])0x[0-9a-fA-F]{40}(?![0-9A-Za-z])")
_DOMAIN = re.compile(r"(?<![\w.-])(?:[\w-]{1,60}\.){1,6}eth(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True)
class Party:
    """One party that a text names at `[start:end]`: an address, a name, or both side by side.

    Several `addresses` mean that the words contradict each other. None: a name that nobody resolves.
    """

    start: int
    end: int
    addresses: tuple[bytes, ...]
    name: str = ""
    marker: str = ""  # "to", "from", "on", "by", "for", "of" or ""
    has_conflict: bool = False  # the book gives this name to another address, or a digit was mistyped
    is_own: bool = False  # the DAO itself, its treasury


@dataclass(frozen=True)
class Names:
    """Names by their folded form. A name of several addresses means none of them."""

    known: Mapping[str, frozenset[bytes]]  # of the book
    local: Mapping[str, frozenset[bytes]] = field(default_factory=dict)  # that the text itself gives
    tokens: Mapping[bytes, str] = field(default_factory=dict)  # the folded symbols of tokens
    own: frozenset[bytes] = frozenset()  # who makes the calls, and the treasuries

    def of(self, name: str) -> frozenset[bytes]:
        """Return the addresses of a name, the book's before the text's own."""
        return self.known.get(name) or self.local.get(name) or frozenset()


@lru_cache(maxsize=8_192)
def folded(name: str) -> str:
    """Return the form that names are compared in: small letters, no articles, dashes as blanks."""
    plain = unicodedata.normalize("NFKC", name).casefold().replace("’", "'").replace("'s", "")
    plain = re.sub(r"[\s_‐-―-]+", " ", plain).strip(" .,;:*`\"'()[]")
    return re.sub(r"^(?:the|our|its|a|an|el|la|le|der|die|das|o|new) ", "", plain)


@lru_cache(maxsize=8_192)
def skeleton(text: str) -> str:
    """The form in which names that look alike are equal: `ops team` and `ops-team`, `b8` and `bb`."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("rn", "m").replace("vv", "w")
    return "".join(filter(str.isalnum, plain)).translate(str.maketrans("l105289", "iioszbg"))


_PREPOSITIONS: Mapping[str, str] = {
    **dict.fromkeys(
        [
            "to",
            "into",
            "towards",
            "a",
            "al",
            "para",
            "hacia",
            "à",
            "au",
            "aux",
            "ao",
            "an",
            "zu",
            "nach",
            "vers",
            "给",
            "到",
            "至",
            "向",
        ],
        "to",
    ),
    **dict.fromkeys(["from", "desde", "depuis", "von", "aus", "从", "自", "由"], "from"),
    **dict.fromkeys(["on", "sur", "sobre", "auf", "at", "in", "of", "de", "del", "du", "des", "da", "do"], "on"),
    **dict.fromkeys(["by", "via", "through", "por", "par", "durch", "pelo"], "by"),
    **dict.fromkeys(["for", "pour", "für", "as", "with", "pro"], "for"),
}
# What may stand between a preposition and the party that it governs: no comma, no verb, a few words that call it.
_BETWEEN = re.compile(
    r"(?:(?<=[\s(])|^)(?P<preposition>[^\W\d_]{1,8})\s+(?P<label>(?:[^\W_][\w.'’/&#-]*\s*(?:\([\w.…-]{0,60}\s*)?){0,8})"
    r"(?:,\s?|:\s?|\(|→\s?|-\s|–\s|=\s?)?\(?$"
)
_HAN_BEFORE = re.compile(r"(给|到|至|向|从|由)\s*[^\s，。；、]{0,12}\s*$")
_VERBAL = re.compile(
    r"\b(?:contact|author|reviewer|signer|signers|auditor is|not|instead|whose|which|who|that|is|are|was|and|or|but|"
    r"for|to|from|by|cc|see|via|about|with|near|behalf|everybody|everyone|all|people|members|half|instead)\b|\d|"
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|many|several)\b"
)
_OWN = re.compile(
    r"(?<!\w)(?:(?:the|our|ens|its)\s)?(?:[\w'’-]{1,20}\s)?"
    r"(?:dao(?:['’]s)?(?:\s(?:treasury|wallet|timelock|multisig|funds))?|treasury(?:\swallet|\sfunds)?|tesorería|"
    r"trésorerie|tesouraria|schatzkammer|国库|金库)(?!\w)",
    re.IGNORECASE,
)


def parties(text: str, names: Names) -> list[Party]:
    """Return the parties of one sentence, item or cell, in order; adjacent name and address are one party."""
    places: list[tuple[int, int, frozenset[bytes], str, bool]] = []
    taken = bytearray(len(text) + 1)

    def take(start: int, end: int) -> bool:
        if any(taken[start:end]):
            return False
        taken[start:end] = b"\1" * (end - start)
        return True

    for match in ADDRESS.finditer(text):
        take(*match.span())
        places.append((match.start(), match.end(), frozenset({hex_bytes(match[0])}), "", False))
    plain = _plain(text)
    found = [(start, end, names.of(name), name, name in names.known) for start, end, name in _named(plain, names)]
    found += [(*match.span(), frozenset(), match[0].casefold(), False) for match in _DOMAIN.finditer(text)]
    found += [(*match.span(), names.own, match[0], False) for match in _OWN.finditer(text)]
    places += [place for place in found if take(place[0], place[1])]
    places.sort()
    return _merged(text, places, names)


def _plain(text: str) -> str:
    """The text with small letters, dashes and quotes levelled, of the same length."""
    small = text.casefold()
    if len(small) != len(text):
        small = "".join(one if len(one) == 1 else old for old, one in zip(text, map(str.casefold, text), strict=True))
    return small.translate(_LEVELLED)


_LEVELLED = {**dict.fromkeys(map(ord, "-‐‑‒–—_\u00a0\n\t"), " "), ord("’"): "'"}


def _named(plain: str, names: Names) -> Iterable[tuple[int, int, str]]:
    """The places of names, the longest first. Looks words up in a table: linear in the text."""
    table = _table(names)
    words = [(match.start(), match.end()) for match in re.finditer(r"[^\s()\[\]{},;:\"“”|→=]+", plain)]
    for index, (start, _) in enumerate(words):
        first = plain[start : words[index][1]].rstrip(".!?'")
        first = first.removesuffix("'s")
        for length, name in table.get(first, ()):
            if index + length > len(words):
                continue
            end = words[index + length - 1][1]
            piece = plain[start:end]
            stripped = piece.rstrip(".!?'")
            stripped = stripped.removesuffix("'s")
            if " ".join(stripped.replace("'s", "").split()) == name:
                yield start, start + len(stripped), name
                break


_tables: dict[int, tuple[Names, dict[str, list[tuple[int, str]]]]] = {}


def _table(names: Names) -> dict[str, list[tuple[int, str]]]:
    kept = _tables.get(id(names))
    if kept is not None and kept[0] is names:
        return kept[1]
    table: dict[str, list[tuple[int, str]]] = {}
    for name in (*names.known, *names.local):
        if len(name) > 1:
            words = name.split()
            table.setdefault(words[0], []).append((len(words), name))
    for entries in table.values():
        entries.sort(reverse=True)
    _tables.clear()  # one text at a time
    _tables[id(names)] = (names, table)
    return table


_ADJACENT = re.compile(r"[\s,:–—→=|(-]{0,4}(?:(?:at|address|account|wallet|\((?:[\w.…-]{1,80}, ?)?)\s?){0,2}\(?")


def _merged(text: str, places: Sequence[tuple[int, int, frozenset[bytes], str, bool]], names: Names) -> list[Party]:
    found: list[Party] = []
    for start, end, addresses, name, _is_known in places:
        is_own = bool(addresses) and addresses <= names.own
        is_mistyped = not name and not _is_well_typed(text[start:end])
        last = found[-1] if found else None
        if last is not None and start - last.end <= 90 and _joins(text, last, start, addresses, name, names):
            both = dict.fromkeys((*last.addresses, *addresses))
            agree = set(last.addresses) & addresses
            merged = tuple(sorted(agree)) if agree else tuple(both)
            conflict = bool(last.addresses) and bool(addresses) and not agree
            found[-1] = Party(
                last.start, end, merged, last.name or name, last.marker,
                conflict or last.has_conflict or is_mistyped,
                bool(merged) and set(merged) <= names.own,
            )  # fmt: skip
            continue
        found.append(
            Party(start, end, tuple(sorted(addresses)), name, _marker(text, start), is_mistyped, is_own=is_own)
        )
    return found


def _is_well_typed(written: str) -> bool:
    """Whether an address has no checksum, or the right one; of other words nothing is known."""
    digits = written[2:]
    if ADDRESS.fullmatch(written) is None or digits in (digits.lower(), digits.upper()):
        return True
    return written == checksum(hex_bytes(written))


def _joins(text: str, last: Party, start: int, addresses: frozenset[bytes], name: str, names: Names) -> bool:
    """Whether what begins at `start` is another word for the same party: right behind it, or in brackets."""
    between = text[last.end : start]
    if between.strip(" ") in (",", "\t") and _are_two(last, addresses, name, names):
        return False  # "Ana, Ben and Lea", or two cells of a row
    if re.fullmatch(r"\s?\(?(?:[\w.-]{1,80}, ?)?\(?", between) and "(" in between:
        return True
    if (
        re.fullmatch(r"['’]s\s?|\s?(?:,|:|–|-|→|=|at|wallet|address|multisig|safe)?\s?(?:at |address )?", between)
        is None
    ):
        return False
    # Two addresses one behind the other are two parties; a name and an address are one.
    return not (last.addresses and addresses and not name and not last.name)


def _are_two(last: Party, addresses: frozenset[bytes], name: str, names: Names) -> bool:
    """Whether both are names of the book, for parties that have no address in common."""
    is_known = name in names.known and last.name in names.known
    return is_known and bool(addresses) and bool(last.addresses) and not set(last.addresses) & addresses


_TO_EACH = re.compile(r"\bto (?:each|both|all)(?: of)?(?: the following| these)?:? \(?$")


def _marker(text: str, start: int) -> str:
    before = text[max(0, start - 110) : start]
    if (han := _HAN_BEFORE.search(before)) is not None:
        return "from" if han[1] in "从由" else "to"
    before = before.casefold()
    if _TO_EACH.search(before) is not None:
        return "to"
    # The nearest preposition, with only a name's words between.
    tail = before
    for match in reversed(list(re.finditer(r"[^\W\d_]+", tail))):
        word = match[0]
        between = tail[match.end() :]
        if len(between) > 90:
            return ""
        if word in _PREPOSITIONS and re.match(r"\s", between or " "):
            if _is_label(between):
                return _PREPOSITIONS[word]
            return ""
    return ""


def _is_label(between: str) -> bool:
    """Whether the words between a preposition and a party only call the party something."""
    label = re.sub(r"\((?:[\w.…-]*,?\s?){0,4}\(?$", "", between.strip())
    label = re.sub(r"(?:,|:|→|=|-|–)\s*\(?$", "", label.strip())
    label = re.sub(r"0x[0-9a-f]{2,6}(?:…|\.\.\.)[0-9a-f]{2,6}", "", label)
    if re.search(r"[,;:()]", label):
        return False
    return len(label.split()) <= 8 and _VERBAL.search(label) is None


_LABEL = re.compile(
    r"(?P<label>[^\W_][\w.'’&/-]*(?: [\w.'’&/#-]+){0,6}) ?(?:\(|,|:|at|→|–|-|"
    r"=)\s?(?:address )?\(?(?:[\w.…-]{1,80}, ?)?\(?$"
)
# The end of such a label alone, so that most addresses are passed over fast.
_MAY_END_LABEL = re.compile(r"(?:[(,:→–=-]|at)\s?(?:address )?\(?(?:[\w.…-]{1,80}, ?)?\(?$")
_MOST_LABELS = 1_000
_STARTS_LABEL = re.compile(
    r".*\b(?:to|from|of|on|by|for|with|the|a|an|and|or|is|are|in|at|our|its|new|new_|call|via|calls)\s", re.DOTALL
)
_VAGUE = set(
    [
        "address",
        "recipient",
        "wallet",
        "account",
        "safe",
        "multisig",
        "contract",
        "contracts",
        "token",
        "proxy",
        "implementation",
        "target",
        "here",
        "link",
        "author",
        "contact",
        "owner",
        "beneficiary",
        "payee",
        "destination",
        "to",
        "from",
        "new",
        "old",
        "proposal",
        "treasury",
        "dao",
        "it",
        "this",
        "that",
        "calldata",
        "value",
        "etherscan",
        "market",
        "resolver",
        "controller",
        "label",
        "node",
    ]
)


def local_names(texts: Iterable[str], known: Mapping[str, frozenset[bytes]]) -> dict[str, frozenset[bytes]]:
    """Return the names that a text itself gives to addresses: `the audit team (0x...)`, `Recipient: Ana, 0x...`."""
    found: dict[str, set[bytes]] = {}
    looked_at = 0
    for text in texts:
        for match in ADDRESS.finditer(text):
            before = text[max(0, match.start() - 140) : match.start()]
            if _MAY_END_LABEL.search(before[-100:]) is None:
                continue
            looked_at += 1
            if looked_at > _MOST_LABELS:
                return {}  # a name of the rest could be one of these with another address: so none is believed
            label = _LABEL.search(before)
            if label is None:
                continue
            words = label["label"]
            start = _STARTS_LABEL.match(words + " ")
            if start is not None and start.end() < len(words):
                words = words[start.end() :]
            name = folded(words)
            parts = name.split()
            if len(name) < 3 or all(part in _VAGUE for part in parts) or len(parts) > 6 or _VERBAL.search(name):
                continue
            found.setdefault(name, set()).add(hex_bytes(match[0]))
    return {
        name: frozenset(addresses) for name, addresses in found.items() if len(addresses) == 1 and name not in known
    }
