# SPDX-License-Identifier: Apache-2.0
"""An address of the text has a wrong checksum."""

import re
from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Found, Rule, Severity
from governance.chain.address import checksum
from policies.notation.hexadecimal import hex_bytes

_ADDRESS = re.compile(r"(?<![0-9A-Za-z])0x[0-9a-fA-F]{40}(?![0-9a-fA-F])")
_MOST_TOLD = 10  # that get a line of their own: a hundred of them would bury the rest


def find(case: Case) -> Iterator[Found]:
    found = [address for address in dict.fromkeys(_ADDRESS.findall(case.document.text)) if _is_wrong(address)]
    for address in found[:_MOST_TOLD]:
        yield Found({"address": address})
    if (more := len(found) - _MOST_TOLD) > 0:
        yield Found({"count": more}, says="bad_checksums_more")


def _is_wrong(address: str) -> bool:
    digits = address[2:]
    is_mixed = digits not in (digits.lower(), digits.upper())
    return is_mixed and address != checksum(hex_bytes(address))


RULE = Rule(
    code="bad_checksum",
    severity=Severity.WARNING,
    words={
        "bad_checksum": gettext_noop(
            "The text's address {address} has a wrong checksum: a digit was mistyped or changed."
        ),
        "bad_checksums_more": gettext_noop("Addresses more with a wrong checksum: {count}."),
    },
    page=(
        "Evidence: an address in mixed case whose capitals are not those of its checksum (EIP-55). One line for "
        f"each address, however often the text has it, for the first {_MOST_TOLD}."
    ),
    find=find,
)
