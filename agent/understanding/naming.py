# SPDX-License-Identifier: Apache-2.0
"""What words may stand for: the symbols of tokens and the names of accounts, by the book and by the text itself."""

import re
from collections.abc import Mapping

from agent.understanding.effects import ETHER, Book
from agent.understanding.ingest import Document
from agent.understanding.mentions.parties import Names, folded, local_names, skeleton
from agent.understanding.mentions.quantities import Symbols


def symbols_of(book: Book) -> tuple[Symbols, Mapping[str, tuple[bytes, ...]]]:
    """The symbols by their small letters, and what each may mean: all assets whose symbols look alike."""
    spelled: dict[str, str] = {book.ether.casefold(): book.ether}
    if book.ether == "ETH":
        spelled |= {"ether": "ETH", "ethers": "ETH"}
    alike: dict[str, list[bytes]] = {skeleton(book.ether): [ETHER]}
    for address, token in book.tokens.items():
        spelled.setdefault(token.symbol.casefold(), token.symbol)
        alike.setdefault(skeleton(token.symbol), []).append(address)
    return Symbols(spelled), {symbol: tuple(alike[skeleton(symbol)]) for symbol in spelled.values()}


def names_of(document: Document, book: Book) -> Names:
    """The names by which a text may call accounts: the book's, kinds that one contract alone has, tokens, and those
    of the text."""
    known: dict[str, set[bytes]] = {}
    whole: dict[str, set[bytes]] = {}  # by the form in which names that look alike are equal
    for name, address in (*((name, address) for address, name in book.names.items()), *book.also.items()):
        known.setdefault(folded(name), set()).add(address)
        whole.setdefault(skeleton(name), set()).add(address)
    by_kind: dict[str, set[bytes]] = {}
    for address, contract in book.contracts.items():
        by_kind.setdefault(contract.kind.replace("_", " "), set()).add(address)
    for kind, addresses in by_kind.items():
        if len(addresses) == 1 and kind in ("timelock", "governor", "treasury") and kind not in known:
            known[kind] = addresses
    for address, token in book.tokens.items():
        for form in (f"{token.symbol} contract", f"{token.symbol} token contract"):
            known.setdefault(form.casefold(), set()).add(address)
    own = {address for address, contract in book.contracts.items() if contract.kind in ("timelock", "treasury")}
    if book.executor is not None:
        own.add(book.executor)
    alike: dict[str, set[bytes]] = {}
    for name, addresses in known.items():
        alike.setdefault(skeleton(name), set()).update(addresses | whole.get(skeleton(name), set()))
    fixed = {name: frozenset(alike[skeleton(name)]) for name in known if name and not _NO_NAMES.search(name)}
    texts = [document.text[block.start : block.end] for block in document.blocks]
    tokens = {address: token.symbol.casefold() for address, token in book.tokens.items()}
    return Names(fixed, local_names(texts, fixed), tokens, frozenset(own))


_NO_NAMES = re.compile(
    r"\b(?:or|and|via|for|from|to|by|not|everyone|everybody|nobody|all|any|it|us|them|members|recipient|address)\b|0x"
)
