# SPDX-License-Identifier: Apache-2.0
"""An address of the text has a wrong checksum."""

import re
from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity
from governance.chain.address import checksum
from policies.notation.hexadecimal import hex_bytes

_ADDRESS = re.compile(r"(?<![0-9A-Za-z])0x[0-9a-fA-F]{40}(?![0-9a-fA-F])")


def find(case: Case) -> Iterator[Found]:
    for address in dict.fromkeys(_ADDRESS.findall(case.document.text)):
        digits = address[2:]
        is_mixed = digits not in (digits.lower(), digits.upper())
        if is_mixed and address != checksum(hex_bytes(address)):
            yield Found({"address": address})


RULE = Rule(
    code="bad_checksum",
    severity=Severity.WARNING,
    words={
        "bad_checksum": gettext_noop(
            "The text's address {address} has a wrong checksum: a digit was mistyped or changed."
        )
    },
    page=(
        "Evidence: an address in mixed case whose capitals are not those of its checksum (EIP-55). One line for "
        "each address, however often the text has it."
    ),
    find=find,
)
