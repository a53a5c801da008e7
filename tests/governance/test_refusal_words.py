# SPDX-License-Identifier: Apache-2.0
"""A refused act is kept with the error's code and values, and worded where it is shown, in the reader's language."""

import re

import pytest

from governance.chain import abi
from governance.chain.address import checksum
from governance.models import RefusedAct
from governance.refusal_words import OWNERS, SENTENCES, TABLE, UNKNOWN, shown
from policies.notation.hexadecimal import hex_text
from tests import pseudo

AGENT = bytes(range(1, 21))


def refused(revert: bytes, code: str, clause: str = "as it was worded then") -> RefusedAct:
    return RefusedAct(
        reason=f"{code}(...)", clause=clause, reason_code=code, reason_values={"revert": hex_text(revert)}
    )


def reverts() -> dict[str, bytes]:
    """What the module reverts with, for each error that has a sentence of its own."""
    items = [item for each in abi.registry().errors.values() for item in each]
    found = {item.name: item for item in items if item.owner in OWNERS and item.name in SENTENCES}
    assert found.keys() == {*SENTENCES} - {UNKNOWN}
    return {
        code: item.selector
        + abi.encode([part.type for part in item.inputs], [_some(part.type) for part in item.inputs])
        for code, item in found.items()
    }


def _some(kind: str) -> object:
    return AGENT if kind == "address" else bytes(32) if kind.startswith("bytes") else 7


def test_each_error_is_worded_in_the_readers_language():
    for code, revert in reverts().items():
        row = refused(revert, code)
        assert shown(row) != "as it was worded then", code
        with pseudo.spoken():
            assert re.search("[A-Za-z]", shown(row).replace(checksum(AGENT), "")) is None, code


def test_a_reason_that_nobody_knows_is_worded_too():
    row = RefusedAct(reason="reason unknown", reason_code=UNKNOWN)
    assert shown(row) == "reason unknown"
    with pseudo.spoken():
        assert shown(row) == pseudo.in_pseudo("reason unknown")


@pytest.mark.parametrize(
    ("code", "values"),
    [("legacy", {}), ("OverCap", {"revert": "0x1234"}), ("NotAgent", {}), ("NotAgent", {"revert": "0xzz"}),
     ("NotAgent", {"revert": None})],
)  # fmt: skip
def test_what_is_older_or_in_a_policys_own_words_keeps_its_text(code, values):
    row = RefusedAct(reason="OverCap(0)", clause="at most 5 USDC", reason_code=code, reason_values=values)
    with pseudo.spoken():
        assert shown(row) == "at most 5 USDC"
    row.clause = ""
    assert shown(row) == "OverCap(0)"


def test_the_text_that_is_kept_is_english():
    with pseudo.spoken():
        assert TABLE.say("WrongNumber", expected=4) == "The next act has number 4."
