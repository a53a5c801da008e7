# SPDX-License-Identifier: Apache-2.0
"""A DAO is taken in from its addresses alone; what is wrong with them is said in one line."""

import json

import pytest
from django.core.management import CommandError, call_command

from governance import capabilities, register
from governance.capabilities import tokens_of
from governance.chain.address import checksum
from governance.models import Cursor, Dao
from tests.governance.conftest import CHAIN_ID

pytestmark = pytest.mark.django_db


def add(*arguments, **options) -> None:
    call_command("add_dao", *arguments, **options)


def test_from_a_deployment_file(local_chain, tmp_path, capsys):
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(local_chain.deployment))
    add(deployment=path, slug="mandate")
    dao = Dao.objects.get()
    assert (dao.slug, dao.name, dao.chain_id) == ("mandate", "Mandate DAO", CHAIN_ID)
    assert sorted(dao.contracts.values_list("kind", flat=True)) == [
        "asset", "asset", "governor", "module", "timelock", "treasury", "votes_token",
    ]  # fmt: skip
    found = dao.contracts.get(kind="governor").capabilities
    assert (found["family"], found["clock"], found["quorum_counts"]) == ("openzeppelin", "timestamp", "for,abstain")
    assert found["eip712"]["name"] == "Mandate DAO"
    assert found["late_quorum_extension"] == 86400
    assert found["ballot_typehash"].startswith("0x")
    assert found["timelock_controller"]
    assert {(t.symbol, t.decimals) for t in tokens_of(dao).values()} == {("MAND", 18), ("USDC", 6)}
    shown = capsys.readouterr().out
    assert "mode=timestamp" in shown or "timestamp" in shown
    assert checksum(local_chain.addresses["governor"]) in shown
    add(deployment=path, slug="mandate")  # again: nothing changes
    assert Dao.objects.count() == 1
    assert Cursor.objects.get().next_block == local_chain.start_block


def test_by_the_governors_address_alone_its_first_block_is_found(local_chain):
    add(checksum(local_chain.addresses["governor"]), rpc=local_chain.url)
    dao = Dao.objects.get()
    assert dao.slug == "mandate-dao"
    first = Cursor.objects.get().next_block
    code = local_chain.anvil.call("eth_getCode", checksum(local_chain.addresses["governor"]), hex(first))
    assert len(code) > 2
    assert local_chain.anvil.call("eth_getCode", checksum(local_chain.addresses["governor"]), hex(first - 1)) == "0x"


def test_checking_writes_nothing(local_chain):
    add(checksum(local_chain.addresses["governor"]), rpc=local_chain.url, check=True)
    assert not Dao.objects.exists()


def test_a_module_added_later_is_read_from_the_start(local_chain, mirror):
    mirror.sync()
    mirror.dao.contracts.filter(kind__in=["module", "treasury", "asset"]).delete()
    before = mirror.dao.contracts.count()
    add(
        checksum(local_chain.addresses["governor"]), slug="mandate", module=checksum(local_chain.addresses["module"]),
        start_block=local_chain.start_block,
    )  # fmt: skip
    assert mirror.dao.contracts.count() == before + 3
    assert Cursor.objects.get().next_block == local_chain.start_block
    mirror.sync()
    assert Cursor.objects.get().next_block == mirror.rpc.head_number() + 1


def test_a_module_added_by_a_command_that_is_killed_is_added_the_next_time(local_chain, mirror, monkeypatch):
    mirror.sync()
    mirror.dao.contracts.filter(kind__in=["module", "treasury", "asset"]).delete()

    def killed(*_):
        raise KeyboardInterrupt

    def again():
        add(
            checksum(local_chain.addresses["governor"]), slug="mandate",
            module=checksum(local_chain.addresses["module"]), start_block=local_chain.start_block,
        )  # fmt: skip

    monkeypatch.setattr(register, "restart_from", killed)
    with pytest.raises(KeyboardInterrupt):
        again()
    monkeypatch.undo()
    again()
    assert Cursor.objects.get().next_block == local_chain.start_block


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((), {}, "name the governor's address"),
        (("0x1234",), {}, "40 hexadecimal digits"),
        (("0x" + "11" * 20,), {}, "no contract at"),
        (("usdc",), {}, "no governor that is understood"),
        (("governor",), {"rpc": "http://user:secret@127.0.0.1:9/key"}, "no connection"),
        (("governor",), {"chain": 5}, "MANDATE_RPC_URLS"),
        (("governor",), {"module": "usdc"}, "no policy module"),
        ((), {"deployment": "missing.json"}, "can't be read"),
        (("governor",), {"start_block": -5}, "no block's number"),
        (("governor",), {"start_block": 2**63}, "no block's number"),
        (("governor",), {"slug": "a/b"}, "letters, digits"),
        (("governor",), {"slug": "a" * 51}, "letters, digits"),
        (("governor",), {"name": "n" * 121}, "120 characters"),
        (("governor",), {"name": "a\x00b"}, "120 characters"),
    ],
)
def test_what_is_wrong_is_one_line(local_chain, tmp_path, arguments, options, says):
    def address(text):
        known = text in local_chain.addresses
        return checksum(local_chain.addresses[text]) if known else text

    options = {name: address(value) if name == "module" else value for name, value in options.items()}
    if "deployment" in options:
        options["deployment"] = tmp_path / options["deployment"]
    with pytest.raises(CommandError) as caught:
        add(*map(address, arguments), **options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not Dao.objects.exists()


def test_a_governors_own_name_is_a_strangers_text(local_chain, monkeypatch, capsys):
    real = capabilities.abi.decode

    def hostile(types, raw, **options):
        return ("Evil\x00\x1b[2J\nDAO",) if list(types) == ["string"] else real(types, raw, **options)

    monkeypatch.setattr(capabilities.abi, "decode", hostile)
    add(checksum(local_chain.addresses["governor"]), slug="evil")
    said = capsys.readouterr().out
    assert "Evil" in said
    assert "\x1b" not in said
    assert "\x00" not in str(Dao.objects.get().contracts.get(kind="governor").capabilities)


def test_a_node_of_another_chain(local_chain):
    with pytest.raises(CommandError, match=f"serves chain {CHAIN_ID}"):
        add(checksum(local_chain.addresses["governor"]), rpc=local_chain.url, chain=1)


def test_a_slug_belongs_to_one_dao(local_chain, mirror):
    Dao.objects.get().contracts.filter(kind="governor").update(address=b"\x01" * 20)
    with pytest.raises(CommandError, match="belongs to another DAO"):
        add(checksum(local_chain.addresses["governor"]), slug="mandate")
