# SPDX-License-Identifier: Apache-2.0
"""The addresses that the templates made up: nobody is known to hold their keys."""

from policies.code.document_model import PolicyDocument
from policies.notation.primitives import checksum
from policies.notation.problems import Place, Problem, listed

# A test holds them against policies/templates.
EXAMPLES = frozenset(
    bytes.fromhex(digits)
    for digits in (
        "e3e5ba07da92ad9c5f6ecc7d9b29ac5bb0c9a1d4",  # the agent
        "a1c40d9b6d8b0b3e1c2d3f40516273849506a7b8",  # the operator
        "1000000000000000000000000000000000000001",
        "2000000000000000000000000000000000000002",
        "3000000000000000000000000000000000000003",
        "4000000000000000000000000000000000000004",
        "5000000000000000000000000000000000000005",
        "5c0000000000000000000000000000000000dead",  # tokens and contracts
        "6e00000000000000000000000000000000000001",
        "7a00000000000000000000000000000000000001",
        "8b00000000000000000000000000000000000001",
        "9a00000000000000000000000000000000000001",
        "9b00000000000000000000000000000000000002",
        "ab00000000000000000000000000000000000001",
    )
)


def warnings_of(document: PolicyDocument) -> tuple[Problem, ...]:
    """Return the document's warnings, first whether addresses are still in it that a template made up."""
    named = {document.agent: "the agent", document.operator: "the operator"}
    named |= {token.address: token.symbol for token in document.tokens}
    named |= {address: name for name, address in document.addresses}
    for rule in document.rules:
        named.setdefault(rule.target, checksum(rule.target))
        for value in (value for clause in rule.clauses for value in clause.values if value < 2**160):
            address = value.to_bytes(20, "big")
            if address in EXAMPLES:
                named.setdefault(address, checksum(address))
    found = [name for address, name in named.items() if address in EXAMPLES]
    if not found:
        return document.warnings
    made_up = f"addresses that a template made up are still here: {listed(found)}"
    return Problem(Place(1, 1), made_up, "write your own: nobody is known to hold their keys"), *document.warnings
