# SPDX-License-Identifier: Apache-2.0
"""A call of an address where there is no contract."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity, at
from governance.chain.address import checksum


def find(case: Case) -> Iterator[Found]:
    for address, code in sorted(case.facts.codes.items()) if case.facts else ():
        if code.size == 0:
            yield Found({"address": checksum(address)}, at(case, address))


RULE = Rule(
    code="no_code",
    severity=Severity.WARNING,
    words={"no_code": gettext_noop("There was no contract at {address} when this was proposed.")},
    page=(
        "Evidence: an address that is called with data, or put in place by an upgrade, had no code in the block of the "
        "proposal. The call does nothing, or somebody puts code there before it runs, which nobody can read before. "
        " Not raised where no node was asked."
    ),
    find=find,
)
