# SPDX-License-Identifier: Apache-2.0
"""Tokens that a book lacks and published lists have, for the calls at hand."""

from collections.abc import Sequence
from dataclasses import replace

from agent.understanding import functions
from agent.understanding.effects.book import Book
from agent.understanding.effects.effect import Effect
from agent.understanding.effects.opening import effects_of
from governance.chain.call import ProposedCall
from policies.notation.amounts import Token


def with_published_tokens(calls: Sequence[ProposedCall], book: Book) -> Book:
    """Return the book with those tokens of the calls that it lacks and a published list of its chain has.

    A token whose symbol the book has already is left out: the DAO's own word counts, and whoever reads the symbol
    means its token.
    """
    return _widened(effects_of(calls, book), book)


def _widened(effects: Sequence[Effect], book: Book) -> Book:
    if book.chain_id is None:
        return book
    taken = {book.ether.casefold(), *(token.symbol.casefold() for token in book.tokens.values())}
    found: dict[bytes, Token] = {}
    for effect in effects:
        asset = effect.asset
        if asset is None or effect.chain or asset in book.tokens or asset in found:
            continue
        listed = functions.token(book.chain_id, asset)
        if listed is not None and _is_plain(listed.symbol) and listed.symbol.casefold() not in taken:
            found[asset] = Token(listed.symbol, asset, listed.decimals)
    # Two of one symbol are told apart by nobody: neither is named.
    symbols = [token.symbol.casefold() for token in found.values()]
    found = {asset: token for asset, token in found.items() if symbols.count(token.symbol.casefold()) == 1}
    return replace(book, tokens={**book.tokens, **found}) if found else book


def _is_plain(symbol: str) -> bool:
    return 1 <= len(symbol) <= 11 and symbol.isascii() and symbol.isalnum() and symbol[0].isalpha()
