# SPDX-License-Identifier: Apache-2.0
"""A contract that was put on the chain just before the proposal."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity, at
from agent.understanding.live.facts import NEW_DAYS
from governance.chain.address import checksum


def find(case: Case) -> Iterator[Found]:
    for address, code in sorted(case.facts.codes.items()) if case.facts else ():
        if code.is_new:
            yield Found({"address": checksum(address), "days": NEW_DAYS}, at(case, address))


RULE = Rule(
    code="new_code",
    severity=Severity.NOTICE,
    words={"new_code": gettext_noop("The contract {address} was not there {days} days before this was proposed.")},
    page=(
        f"Evidence: an address that is called has code in the block of the proposal, and had none {NEW_DAYS} days "
        "before. A notice, for honest proposals too put a contract on the chain to be called once. Not raised where no "
        "node was asked, or where it lacks the state of that block, as most nodes do."
    ),
    find=find,
)
