# SPDX-License-Identifier: Apache-2.0
"""What kind of contract an address is: by the book, else by an address that its makers publish."""

from agent.understanding import functions
from agent.understanding.effects.book import Book


def kind_of(address: bytes, book: Book) -> str:
    """The kind of a contract, or "" for one that isn't known. The book comes first."""
    if kind := book.kind(address):
        return kind
    found = functions.deployment(book.chain_id, address) if book.chain_id else None
    return found.kind if found else ""
