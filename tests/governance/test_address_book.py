# SPDX-License-Identifier: Apache-2.0
"""Given a DAO's contracts and the demo's people: who is named, by what, and where."""

import json

import pytest

from governance import address_book
from governance.chain.address import ZERO
from governance.models import Chain, Contract, Dao
from tests.governance.conftest import CHAIN_ID

GOVERNOR, TOKEN, ADA, EVE = (bytes([number]) * 20 for number in (1, 2, 3, 4))


@pytest.fixture
def dao(db, settings, tmp_path) -> Dao:
    settings.LOCAL_CHAIN_ID, settings.STATE_DIR = CHAIN_ID, tmp_path
    people = [
        {"name": "Ada", "address": "0x" + ADA.hex(), "role": "member"},
        {"name": "Eve\u202e", "address": "0x" + EVE.hex(), "role": "member"},
        {"name": "somebody", "address": "0x" + GOVERNOR.hex(), "role": ""},
    ]
    (tmp_path / "people.json").write_text(json.dumps(people))
    chain, _ = Chain.objects.get_or_create(chain_id=CHAIN_ID, defaults={"name": "local"})
    dao = Dao.objects.create(slug="book", name="Book", chain=chain)
    Contract.objects.create(dao=dao, kind=Contract.Kind.GOVERNOR, address=GOVERNOR)
    Contract.objects.create(
        dao=dao, kind=Contract.Kind.ASSET, address=TOKEN, capabilities={"symbol": "USDC", "decimals": 6}
    )
    return dao


def test_contracts_are_named_before_people_and_no_name_hides_a_character(dao):
    assert address_book.names_of(dao) == {GOVERNOR: "the governor", ADA: "Ada"}
    assert {address: token.symbol for address, token in address_book.currencies_of(dao).items()} == {
        TOKEN: "USDC", ZERO: "ETH",
    }  # fmt: skip


def test_nobody_is_named_on_another_chain(dao, settings):
    settings.LOCAL_CHAIN_ID = None
    assert address_book.names_of(dao) == {GOVERNOR: "the governor"}
    assert address_book.people(CHAIN_ID) == []


def test_a_demo_without_people_names_nobody(dao, settings):
    (settings.STATE_DIR / "people.json").unlink()
    assert address_book.names_of_people(CHAIN_ID) == {}
