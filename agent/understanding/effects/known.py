# SPDX-License-Identifier: Apache-2.0
"""What kind of contract an address is: by the book, else by an address at which everybody deploys the same code."""

from agent.understanding.effects.book import Book
from governance.chain.address import to_bytes

# Safe's MultiSend, at the same address on every chain; facts from the package @safe-global/safe-deployments.
_EVERYWHERE = {
    to_bytes(address): kind
    for address, kind in {
        "0x40A2aCCbd92BCA938b02010E17A5b8929b49130D": "multisend_call_only",  # 1.3.0
        "0xA1dabEF33b3B82c7814B6D82A79e50F4AC44102B": "multisend_call_only",  # 1.3.0, by EIP-155
        "0x9641d764fc13c8B624c04430C7356C1C7C8102e2": "multisend_call_only",  # 1.4.1
        "0xA238CBeb142c10Ef7Ad8442C6D1f9E89e07e7761": "multisend",  # 1.3.0
        "0x998739BFdAAdde7C933B942a68053933098f9EDa": "multisend",  # 1.3.0, by EIP-155
        "0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526": "multisend",  # 1.4.1
    }.items()
}


def kind_of(address: bytes, book: Book) -> str:
    """The kind of a contract, or "" for one that isn't known. The book comes first."""
    return book.kind(address) or _EVERYWHERE.get(address, "")
