# SPDX-License-Identifier: Apache-2.0
"""Two addresses that people take for one."""

import operator
from collections.abc import Iterator, Mapping, Sequence

from django.utils.translation import gettext_noop

from agent.understanding import functions
from agent.understanding.effects import Book
from agent.understanding.flags.flag import Case, Found, Rule, Severity
from agent.understanding.reader import addresses_in
from governance.chain.address import checksum

NEAR_DIGITS = 3  # addresses that differ in so few hexadecimal digits are not two honest addresses
BOTH_ENDS = 4  # digits at each end that people compare
ONE_END = 6  # digits at one end that agree by chance in one of 16 million pairs
SEEN = 4  # digits other than zero among the equal ones: precompiles and predeploys are mostly zeros
_MOST_TOLD = 10  # pairs that get a line of their own: a hundred of them would bury the rest
_MOST = 400  # addresses of a text that are compared: a hostile one has thousands


def looks_alike(one: bytes, other: bytes) -> bool:
    """Whether two different addresses agree at both ends, for long at one end, or but for a few digits."""
    is_near = one[:3] == other[:3] or one[-3:] == other[-3:] or (one[:2], one[-2:]) == (other[:2], other[-2:])
    if one == other or not (is_near or sum(map(operator.ne, one, other)) <= NEAR_DIGITS):
        return False
    a, b = one.hex(), other.hex()
    same = [x == y for x, y in zip(a, b, strict=True)]
    head = same.index(False)
    tail = same[::-1].index(False)
    if same.count(False) <= NEAR_DIGITS:
        return _seen("".join(x for x, is_equal in zip(a, same, strict=True) if is_equal))
    if head >= BOTH_ENDS and tail >= BOTH_ENDS:
        return _seen(a[:head] + a[40 - tail :])
    # The fill of zeros that many contracts have in front is no likeness.
    front, back = a[:head].lstrip("0"), a[40 - tail :].rstrip("0")
    return any(len(end) >= ONE_END and _seen(end) for end in (front, back))


def _seen(digits: str) -> bool:
    return len(digits) - digits.count("0") >= SEEN


def _is_published(address: bytes, book: Book) -> bool:
    """Whether its makers publish this address: a factory and its token may well begin alike."""
    chain_id = book.chain_id
    return chain_id is not None and bool(functions.deployment(chain_id, address) or functions.token(chain_id, address))


def find(case: Case) -> Iterator[Found]:
    in_text = list(dict.fromkeys(addresses_in(case.document.text)))[:_MOST]
    used = {address: effect.id for effect in reversed(case.effects) for address in effect.addresses}
    in_book = case.book.vouched
    others = list(dict.fromkeys([*sorted(in_book), *in_text, *used]))
    known = in_book | {one for one in {*in_text, *used} if _is_published(one, case.book)}
    pairs = {
        tuple(sorted((mine, other)))
        for mine in used
        for other in others
        if looks_alike(mine, other) and not (mine in known and other in known)
    }
    found = sorted(pairs)
    for first, second in found[:_MOST_TOLD]:
        yield Found({"address": checksum(first), "other": checksum(second)}, _about([(first, second)], used))
    if rest := found[_MOST_TOLD:]:
        yield Found({"count": len(rest)}, _about(rest, used), says="lookalike_more")


def _about(pairs: Sequence[tuple[bytes, ...]], used: Mapping[bytes, str]) -> tuple[str, ...]:
    return tuple(sorted({used[address] for pair in pairs for address in pair if address in used}))


RULE = Rule(
    code="lookalike_address",
    severity=Severity.DANGER,
    words={
        "lookalike_address": gettext_noop("{address} looks like {other}, and is another address."),
        "lookalike_more": gettext_noop("Pairs of addresses more that look alike: {count}."),
    },
    page=(
        "Evidence: an address of the calls and another one of the calls, the text or the book agree in the first "
        f"and last {BOTH_ENDS} digits, in {ONE_END} or more at one end, or in all but {NEAR_DIGITS}. Zeros do not "
        "count. Two addresses that the book has, or that their makers publish, are not compared with each other. "
        "Compare every digit."
    ),
    find=find,
)
