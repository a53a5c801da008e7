# SPDX-License-Identifier: Apache-2.0
"""Approvals and roles as DAOs write of them: no honest text is red, and none of the lies beside them turns grey."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent.understanding.effects import Contract
from agent.understanding.judging import Outcome
from governance.chain.address import checksum
from policies.notation.primitives import keccak
from tests.agent import proposals
from tests.agent.proposals import BOOK, address, call, verdict

TEXTS = json.loads((Path(__file__).parent / "powers.json").read_text())
WHO = {
    "VAULT": address(51), "MODULE": address(52), "ROUTER": address(54), "X": address(77),
    **{name: getattr(proposals, name) for name in ("BEN", "CAROL", "GOLD", "SILVER", "SAFE", "TREASURY")},
}  # fmt: skip
ROLES = {name: keccak(f"{name}_ROLE".encode()) for name in ("MINTER", "PAUSER", "PROPOSER", "CANCELLER", "GUARDIAN")}
ROLES |= {"VETOER": keccak(b"VETOER_ROLE"), "DEFAULT_ADMIN": bytes(32)}
_OTHERS = {"VAULT": "the vault", "ROUTER": "the swap router", "MODULE": "the rewards distributor", "BEN": "ben"}
KNOWN = replace(
    BOOK,
    names={**BOOK.names, **{WHO[name]: said for name, said in _OTHERS.items()}},
    contracts={**BOOK.contracts, **{WHO[name]: Contract("contract") for name in ("VAULT", "ROUTER", "MODULE")}},
)


def _value(value):
    if isinstance(value, list):
        return [_value(one) for one in value]
    if isinstance(value, str) and value[0] in "@#":
        return (WHO if value[0] == "@" else ROLES)[value[1:]]
    return value


def _outcome(row, book):
    *calls, text = row
    said = {name: checksum(one) for name, one in WHO.items()} | {name: one.hex() for name, one in ROLES.items()}
    for name, words in said.items():
        text = text.replace(f"{{{name}}}", words)
    made = [call(_value(target), signature, *map(_value, values)) for target, signature, *values in calls]
    return verdict(text, *made, book=book).outcome


@pytest.mark.parametrize("book", [KNOWN, BOOK], ids=["contracts known", "nobody known"])
@pytest.mark.parametrize("row", TEXTS["honest"], ids=lambda row: row[-1][:60])
def test_no_honest_text_of_an_approval_or_a_power_is_red(row, book):
    assert _outcome(row, book) not in (Outcome.DIFFERS, Outcome.NOT_TOLD)


@pytest.mark.parametrize("row", TEXTS["lies"], ids=lambda row: row[-1][:60])
def test_a_text_of_another_approval_or_power_stays_red(row):
    assert _outcome(row, KNOWN) in (Outcome.DIFFERS, Outcome.NOT_TOLD)
