# SPDX-License-Identifier: Apache-2.0
"""A contract whose code can destroy itself."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity, at
from governance.chain.address import checksum


def find(case: Case) -> Iterator[Found]:
    for address, code in sorted(case.facts.codes.items()) if case.facts else ():
        if code.destroys_itself:
            yield Found({"address": checksum(address)}, at(case, address))


RULE = Rule(
    code="self_destruct",
    severity=Severity.WARNING,
    words={
        "self_destruct": gettext_noop(
            "The contract {address} may be able to destroy itself: its ether goes then, and on some chains other code "
            "can take its place."
        )
    },
    page=(
        "Evidence: the code of an address that is called has SELFDESTRUCT at a place that may be reached. It "
        "may never be. Code behind a proxy is not looked at. Not raised where no node was asked."
    ),
    find=find,
)
