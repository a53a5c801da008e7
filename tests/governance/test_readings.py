# SPDX-License-Identifier: Apache-2.0
"""What pages show of the chain's state: when workers ask for it, what they keep, and what a reorg takes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from governance import readings, standing, tasks, treasury, work
from governance.chain import module
from governance.chain.address import ZERO
from governance.chain.rpc import Rpc, RpcUnreachable
from governance.models import ChainReading, Cursor, Work
from governance.sync import fence, reorg
from policies.code import encoding
from policies.notation.primitives import checksum
from tests.governance.conftest import CHAIN_ID, POLICY_ID, USDC
from tests.governance.test_life import act, payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def paying(mirror, payroll):
    """A policy is in force, and 700 USDC went out under it; the mirror has read both."""
    mirror.deployed.set_policy(POLICY_ID, payroll())
    mirror.sync()
    act(mirror, "execute", 1, [payment(mirror, "ines", 700)])
    mirror.sync()
    return mirror


def ages(seconds: float) -> None:
    """Let the last reading have been so long ago."""
    Work.objects.filter(name=readings.WORK).update(done_at=timezone.now() - timedelta(seconds=seconds))


def due() -> int:
    readings.enqueue_due()
    return work.run_due(readings.WORK)


def replace(deployed, count: int, by: int) -> None:
    """Put other blocks in the place of the last `count`: at another time, for empty ones would else be the same."""
    deployed.anvil.call("anvil_rollback", count)
    deployed.anvil.wind(60)
    deployed.anvil.mine(by)


def test_the_answers_are_the_chains_at_the_block_that_was_read(paying):
    d = paying.deployed
    block = Cursor.objects.get().next_block - 1
    d.send("agent", "usdc", "approve", d.address("ines"), 1)  # a block that the mirror has not read
    tasks.work_due()
    rows = ChainReading.objects.filter(dao=paying.dao)
    cursor = Cursor.objects.get(dao=paying.dao)
    assert {row.block_number for row in rows} == {block}
    assert {row.block_hash for row in rows} == {cursor.head_hash}
    assert {row.block_timestamp_chain_s for row in rows} == {cursor.head_timestamp_chain_s}
    held = {holding.asset: holding for holding in treasury.holdings(paying.dao)}
    assert held[d.addresses["usdc"]].base_units == (100_000 - 700) * USDC
    assert held[d.addresses["usdc"]].flows_agree
    assert held[ZERO].base_units == 10 * 10**18
    (version,) = standing.policies_in_force(paying.dao)
    state = module.read_policy(rows.get(kind="policy").value)
    assert (state.version, state.number) == (1, 1)
    (key,) = module.budget_keys(POLICY_ID, encoding.decode(bytes(version.code)))
    assert rows.get(kind="ring").key == key


def test_a_policy_of_another_treasury_has_its_balance_read_too(paying):
    d = paying.deployed
    other = paying.dao.contracts.get(kind="module")
    other.capabilities |= {"treasury": checksum(d.address("ines"))}
    other.save()
    due()
    rows = ChainReading.objects.filter(kind="balance", address=d.addresses["usdc"])
    held = {bytes(row.key): module.read_word(bytes(row.value)) for row in rows}
    assert held == {bytes(32): (100_000 - 700) * USDC, d.address("ines").rjust(32, b"\0"): 700 * USDC}
    assert {holding.base_units for holding in treasury.holdings(paying.dao)} >= {(100_000 - 700) * USDC}


def test_nothing_is_asked_again_without_a_block(paying):
    assert due() == 1
    ages(3600)
    assert due() == 0


def test_a_quiet_block_waits_and_one_with_an_act_does_not(paying):
    due()
    ages(5)
    paying.deployed.anvil.mine()
    paying.sync()
    assert due() == 0  # nothing of ours happened in it
    act(paying, "execute", 2, [payment(paying, "jon", 100)])
    paying.sync()
    assert due() == 1
    ages(1)
    act(paying, "execute", 3, [payment(paying, "jon", 100)])
    paying.sync()
    assert due() == 0  # a moment ago: a DAO that acts in every block doesn't keep the node busy
    ages(5)
    assert due() == 1
    paying.deployed.anvil.mine()
    paying.sync()
    ages(readings.READ_EVERY_S + 1)
    assert due() == 1
    assert {row.block_number for row in ChainReading.objects.all()} == {Cursor.objects.get().next_block - 1}


def test_nothing_is_asked_far_behind_the_head(paying):
    """A node keeps the state of its last blocks alone, and what it says of older ones is of no use to a reader."""
    Cursor.objects.update(node_head_block=10_000)
    assert due() == 0
    assert not ChainReading.objects.exists()


def test_a_node_that_is_away_takes_nothing(paying, settings):
    due()
    before = list(ChainReading.objects.order_by("pk").values())
    paying.deployed.anvil.mine()
    paying.sync()
    ages(3600)
    settings.RPC_URLS = {CHAIN_ID: []}
    assert due() == 1
    row = Work.objects.get(name=readings.WORK)
    assert row.done_at is None
    assert row.due_at > timezone.now()  # asked again later, not at every wake-up
    assert list(ChainReading.objects.order_by("pk").values()) == before
    with pytest.raises(RpcUnreachable):
        readings.read(paying.dao, Rpc([], CHAIN_ID))


def test_a_reorg_takes_what_was_read_at_its_blocks(paying):
    d = paying.deployed
    due()
    kept = ChainReading.objects.get(kind="ring").value
    d.anvil.mine(2)
    act(paying, "execute", 2, [payment(paying, "jon", 100)])
    paying.sync()
    ages(5)
    due()
    assert ChainReading.objects.get(kind="ring").value != kept
    replace(d, 1, 2)
    paying.sync()
    assert not ChainReading.objects.exists()  # their block is gone
    assert treasury.holdings(paying.dao)[0].reading is None
    ages(5)
    assert due() == 1  # read again, of the blocks that are there now
    assert ChainReading.objects.get(kind="ring").value == kept
    assert {row.block_hash for row in ChainReading.objects.all()} == {Cursor.objects.get().head_hash}


def test_a_reorg_leaves_what_was_read_below_it(paying):
    d = paying.deployed
    due()
    before = list(ChainReading.objects.order_by("pk").values_list("pk", "block_hash"))
    d.anvil.mine(3)
    paying.sync()
    replace(d, 2, 3)
    paying.sync()
    assert list(ChainReading.objects.order_by("pk").values_list("pk", "block_hash")) == before


def test_a_block_that_was_replaced_while_blocks_were_read_again_takes_its_readings(paying):
    """Reading again from further below compares no headers: what was read at a height falls where another block has
    come to stand there."""
    d = paying.deployed
    d.anvil.mine(2)
    paying.sync()
    due()
    with fence.hold(paying.dao) as writer:
        reorg.restart_from(writer, Cursor.objects.get().next_block - 2)
    replace(d, 1, 2)
    paying.sync()
    assert not ChainReading.objects.exists()


def test_so_does_one_that_is_final_by_now(paying):
    """Of final blocks the headers of those with logs alone are read: a reading's height counts as one of these."""
    d = paying.deployed
    d.anvil.mine(2)
    paying.sync()
    due()
    with fence.hold(paying.dao) as writer:
        reorg.restart_from(writer, Cursor.objects.get().next_block - 2)
    replace(d, 1, 3 * paying.dao.chain.depth_blocks)
    paying.sync()
    assert not ChainReading.objects.exists()


def test_a_block_that_is_gone_before_the_answers_are_kept_keeps_none(paying, monkeypatch):
    d = paying.deployed
    d.anvil.mine()
    paying.sync()
    asked = readings._ask

    def and_then_a_reorg(*arguments):
        answers = asked(*arguments)
        replace(d, 1, 2)
        paying.sync()
        return answers

    monkeypatch.setattr(readings, "_ask", and_then_a_reorg)
    assert readings.read(paying.dao, paying.rpc) == 0
    assert not ChainReading.objects.exists()


def test_what_has_no_answer_has_no_row_and_loses_the_one_it_had(paying):
    d = paying.deployed
    due()
    token = d.addresses["usdc"]
    assert ChainReading.objects.filter(address=token).exists()
    d.anvil.call("anvil_setCode", "0x" + token.hex(), "0x")  # answers every call with nothing
    d.anvil.mine()
    paying.sync()
    ages(3600)
    due()
    assert not ChainReading.objects.filter(address=token).exists()
    assert ChainReading.objects.filter(address=ZERO).exists()
    held = {holding.asset: holding for holding in treasury.holdings(paying.dao)}
    assert held[token].reading is None
    assert held[token].base_units == (100_000 - 700) * USDC  # the movements that were read


@pytest.mark.parametrize("held", [(100_000 - 700) * USDC + 1, 1, 0, 2**256 - 1])
def test_a_balance_that_moves_without_a_log_is_the_chains_and_is_said_to_differ(paying, client, held):
    """Tokens that rebase, that take a fee of what is transferred, or that an issuer can take away."""
    d = paying.deployed
    token = d.addresses["usdc"]
    d.anvil.call("anvil_setCode", "0x" + token.hex(), f"0x7f{held:064x}60005260206000f3")  # to any question
    d.anvil.mine()
    paying.sync()
    due()
    found = {holding.asset: holding for holding in treasury.holdings(paying.dao)}[token]
    assert (found.base_units, found.flows_agree) == (held, False)
    assert found.reading is not None
    text = client.get("/mandate/").content.decode()
    assert "the movements that the mirror has read do not add up to it" in text


def test_movements_after_the_reading_are_not_held_against_it(paying):
    due()
    act(paying, "execute", 2, [payment(paying, "jon", 100)])
    paying.sync()
    held = {holding.asset: holding for holding in treasury.holdings(paying.dao)}[paying.deployed.addresses["usdc"]]
    assert held.base_units == (100_000 - 700) * USDC
    assert held.flows_agree
