# SPDX-License-Identifier: Apache-2.0
"""A call of a function that the contract does not have."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity, at
from governance.chain.address import checksum
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line


def find(case: Case) -> Iterator[Found]:
    for address, code in sorted(case.facts.codes.items()) if case.facts else ():
        for selector in code.lacks:
            about = at(case, address, selector)
            names = [effect.function for effect in case.effects if effect.id in about and effect.function]
            called = one_line(names[0], 80) if names else hex_text(selector)
            yield Found({"address": checksum(address), "function": called}, about)


RULE = Rule(
    code="no_function",
    severity=Severity.WARNING,
    words={
        "no_function": gettext_noop(
            "The contract {address} has no function {function} in its code: the call fails, or does something else."
        )
    },
    page=(
        "Evidence: the code that is called has the first four bytes of the call nowhere, and that code runs no "
        "other (it has no DELEGATECALL). So a signature that the proposal gives is disproved. The reverse proves "
        "nothing: code that has these bytes may do anything. Not raised where no node was asked."
    ),
    find=find,
)
