# SPDX-License-Identifier: Apache-2.0
"""A policy as members read it: three lines for all of it, a table of budgets, sentences, and each address whole, once.

In the lines and sentences an address is a name with a short form. Two addresses whose short forms are alike are never
shortened: such pairs are made to be mistaken for each other.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policies.code.policy_code import Kind, PolicyCode
from policies.code.signatures import Function
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import checksum
from policies.words.explain import lent, sentences
from policies.words.together import Row, shown_cases, table, together
from policies.words.wording import FEW, AddressNames, Vocabulary, are_addresses

if TYPE_CHECKING:
    from policies.document.document import PolicyDocument

_REST = re.compile(
    r"(?:, |; )(?P<rest>of which|nothing of it|together with announced|only to|for |this policy does not)"
)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}(?![0-9a-fA-F])")


@dataclass(frozen=True, slots=True)
class Explanation:
    """`together` is the three lines, `table` a row for each budget, `below` the lists and addresses in full."""

    together: tuple[str, str, str]
    table: tuple[Row, ...]
    sentences: tuple[str, ...]
    below: tuple[str, ...]

    @property
    def leads(self) -> tuple[tuple[str, str], ...]:
        """The three lines, each in two: what to read first, and the rest. Where several assets count, nothing is left
        for later, so that nobody takes one of them for all.
        """
        one_asset = len({row.asset for row in self.table}) < 2
        return tuple(_split(line) if one_asset else (line, "") for line in self.together)

    @property
    def lines(self) -> list[str]:
        """Everything but the table, which says nothing that the lines don't."""
        return [*self.together, *self.sentences, *self.below]


def explanation(
    policy: PolicyCode,
    names: AddressNames,
    tokens: Mapping[bytes, Token],
    functions: Mapping[bytes, Function] | None = None,
    *,
    document: "PolicyDocument | None" = None,
    texts: Mapping[int, str] | None = None,
) -> Explanation:
    """Explain the policy. What is lent counts as in `policies.words.explain.explain`."""
    words = lent(policy, Vocabulary(names, tokens, functions or {}, texts or {}, lists_below=True), document)
    first = together(policy, words)
    cases = shown_cases(policy, words)
    rows = table(policy, words, cases)
    body = sentences(policy, words, cases, document)
    listed = _lists(policy, words)
    cells = [text for row in rows for text in (row.budget, row.whom, row.at_once, row.in_a_period, row.in_time)]
    short = _short_forms([*first, *body, *cells], listed)
    return Explanation(
        tuple(_shortened(line, short) for line in first),  # type: ignore[arg-type]
        tuple(
            replace(
                row,
                whom=_shortened(row.whom, short),
                at_once=_shortened(row.at_once, short),
                in_a_period=_shortened(row.in_a_period, short),
                in_time=_shortened(row.in_time, short),
            )
            for row in rows
        ),
        tuple(_shortened(line, short) for line in body),
        (*listed, *_in_full(short, listed, words)),
    )


def _split(line: str) -> tuple[str, str]:
    """The line before and from its first condition or semicolon on, each ended like a sentence."""
    found = _REST.search(line)
    if found is None:
        return line, ""
    rest = line[found.end() - len(found["rest"]) :]
    return f"{line[: found.start()].rstrip('.')}.", f"{rest[:1].upper()}{rest[1:]}"


def _lists(policy: PolicyCode, words: Vocabulary) -> list[str]:
    """Each long list of addresses, whole, in the order of their names, so that people can look for one."""
    numbers = {
        clause.operand
        for rule in policy.rules
        for clause in rule.clauses
        if clause.kind is Kind.IN_LIST
        and len(policy.lists[clause.operand]) > FEW
        and are_addresses(policy, rule, (clause.word, clause.column), policy.lists[clause.operand], words)
    }
    return [
        f"List {number + 1}, {len(policy.lists[number]):,} addresses: "
        + ", ".join(sorted((words.address(item.to_bytes(20, "big")) for item in policy.lists[number]), key=_by_name))
        + "."
        for number in sorted(numbers)
    ]


def _by_name(shown: str) -> list[tuple[int, int, str]]:
    """Names before addresses alone, numbers in names by what they count: `v2` stands before `v10`."""
    parts = re.findall(r"[0-9]+|[^0-9]+", shown) if shown.startswith("“") else [shown]
    first = [(0 if shown.startswith("“") else 1, 0, "")]
    return first + [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts]


def _short_forms(lines: Sequence[str], listed: Sequence[str]) -> dict[str, str]:
    """Each address that stands in the lines, in order, by its short form; those that could be mistaken stay whole."""
    found = dict.fromkeys(address for line in lines for address in _ADDRESS.findall(line))
    forms: dict[str, set[str]] = {}
    for address in [*found, *(other for line in listed for other in _ADDRESS.findall(line))]:
        forms.setdefault(_short(address).lower(), set()).add(address)
    return {address: _short(address) if len(forms[_short(address).lower()]) == 1 else address for address in found}


def _short(address: str) -> str:
    return f"{address[:6]}…{address[-4:]}"


def _shortened(line: str, short: Mapping[str, str]) -> str:
    return _ADDRESS.sub(lambda match: short[match[0]], line)


def _in_full(short: Mapping[str, str], listed: Sequence[str], words: Vocabulary) -> list[str]:
    whole = {address for line in listed for address in _ADDRESS.findall(line)}
    said = []
    for address, form in short.items():
        if address in whole or form == address:
            continue
        name = words.address(hex_bytes(address)).removesuffix(f" ({checksum(hex_bytes(address))})")
        said.append(f"{form if name == address else name} is {address}")
    names = "Names in quotation marks are only names; the addresses count"
    if any(one.lower().startswith("“treasury”") for one in said):
        names += ": compare that of “treasury” with the treasury's own, which no policy shows"
    return [f"{names}. Addresses in full: {'; '.join(said)}."] if said else []
