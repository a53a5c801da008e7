# SPDX-License-Identifier: Apache-2.0
"""Word why a call would fail, as far as the contract says."""

from django.utils.translation import gettext

from governance.chain import abi
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line


def revert_words(data: bytes) -> str:
    """Return the error that revert data is; its first bytes where it is not known."""
    decoded = abi.decode_error(data)
    if decoded is None:
        return hex_text(data[:36]) if data else gettext("it gives no reason")
    return one_line(str(decoded), 200)
