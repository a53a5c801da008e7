# SPDX-License-Identifier: Apache-2.0
"""A token moves that the book doesn't know."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import ETHER
from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids


def find(case: Case) -> Iterator[Found]:
    if found := [
        e for e in case.effects if e.asset and e.asset != ETHER and e.amount and e.asset not in case.book.tokens
    ]:
        yield Found(effects=ids(found))


RULE = Rule(
    code="unknown_token",
    severity=Severity.NOTICE,
    words={
        "unknown_token": gettext_noop(
            "Moves a token that this DAO's book doesn't know: its amount is shown in base units."
        )
    },
    page=(
        "Evidence: a token that is neither the DAO's own nor set by the site's keeper. A token may call itself "
        "whatever it likes, so its name and decimals are not taken from it."
    ),
    find=find,
)
