# SPDX-License-Identifier: Apache-2.0
"""An operator that is a contract account, as a Safe of ten owners: what it signs is verified at a block that is kept,
asked again before money moves, and counts no more once the contract does not confirm it."""

from dataclasses import replace

import pytest
from eth_account import Account
from eth_utils import keccak

from agent.acts import approvals, operators, rosters
from agent.acts.provenance import load
from agent.acts.rosters import RosterError, compose, parse
from agent.acts.verifying import verify_document
from agent.models import DecisionRecord, Request, Roster
from governance.chain import eip712
from governance.chain.address import checksum
from governance.models import Block
from tests.agent.acting import ABSTAINS, POLICY_ID, USDC, World, work_errors, world  # noqa: F401
from tests.governance.governors import compiled

pytestmark = pytest.mark.django_db(transaction=True)

OWNERS = [Account.from_key(keccak(text=f"owner {number}")) for number in range(10)]


def become_a_team(world: World, owners: int = len(OWNERS)) -> None:  # noqa: F811
    """Put a wallet of ten owners where the operator's key was; with no owners it accepts nothing."""
    anvil, place = world.suite.anvil, checksum(world.address("olga"))
    anvil.call("anvil_setCode", place, compiled()["TeamWallet"]["deployedBytecode"])
    anvil.call("anvil_setStorageAt", place, "0x" + "00" * 32, f"0x{owners:064x}")
    first = int.from_bytes(keccak(bytes(32)), "big")
    for number, owner in enumerate(OWNERS):
        anvil.call("anvil_setStorageAt", place, f"0x{first + number:064x}", "0x" + owner.address[2:].rjust(64, "0"))
    anvil.mine()


def signed(document: dict) -> str:
    """By all ten: 650 bytes."""
    return "0x" + b"".join(bytes(o.sign_typed_data(full_message=document).signature) for o in OWNERS).hex()


def roster_of_team(world: World) -> Roster:  # noqa: F811
    typed_data = rosters.typed_data(
        world.dao, POLICY_ID, world.lines(), expires_chain_s=world.suite.anvil.now + 300 * 86_400
    )
    roster = rosters.accept(world.dao, {"typed_data": typed_data, "signature": signed(typed_data)})
    world.begin_next_month()
    return roster


def test_a_roster_that_ten_owners_signed_is_taken_kept_with_its_block_and_paid(world: World) -> None:  # noqa: F811
    become_a_team(world)
    block = world.suite.anvil.call("eth_getBlockByNumber", "latest", False)
    roster = roster_of_team(world)
    assert (roster.signed_block_number, "0x" + bytes(roster.signed_block_hash).hex()) == (
        int(block["number"], 16), block["hash"],
    )  # fmt: skip
    assert len(bytes(roster.signature)) == 650
    assert rosters.lines_of(roster) == tuple(world.lines())
    before = world.balances()
    request = world.rest(world.ask(world.november()))
    assert request.status == Request.Status.EXECUTED, (request.status, request.reason, work_errors())
    assert [b - a for a, b in zip(before, world.balances(), strict=True)] == [1000 * USDC] * 5


def test_when_the_owners_change_nothing_is_paid_until_it_is_signed_again(world: World) -> None:  # noqa: F811
    become_a_team(world)
    roster = roster_of_team(world)
    become_a_team(world, owners=0)
    request = world.rest(world.ask(world.november()))
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "does not confirm what it signed any more" in request.reason
    assert world.number == 0
    assert rosters.lines_of(roster)  # it is still shown: it was signed
    become_a_team(world)
    typed_data = approvals.typed_data(request, request.candidates.get(key="c1"))
    approval = approvals.accept(request, "c1", signed(typed_data))
    assert approval.signed_block_number is not None
    assert world.rest(request).status == Request.Status.EXECUTED


def test_a_reorg_that_takes_the_block_takes_the_signature(world: World) -> None:  # noqa: F811
    become_a_team(world)
    roster = roster_of_team(world)
    world.sync()
    assert Block.objects.filter(number=roster.signed_block_number).exists()
    Block.objects.filter(number=roster.signed_block_number).update(hash=b"\7" * 32)
    with pytest.raises(RosterError, match=f"confirmed the roster at block {roster.signed_block_number}, which a reorg"):
        rosters.lines_of(roster)


def test_what_the_team_did_not_sign_is_refused_by_name(world: World) -> None:  # noqa: F811
    become_a_team(world)
    document = rosters.typed_data(
        world.dao, POLICY_ID, world.lines(), expires_chain_s=world.suite.anvil.now + 300 * 86_400
    )
    other = compose(replace(parse(document), serial=9))
    for given in (signed(other), signed(document)[:-130]):
        with pytest.raises(RosterError, match="does not accept the signature, as of block"):
            rosters.accept(world.dao, {"typed_data": document, "signature": given})
    assert not Roster.objects.exists()


def test_the_chain_that_can_not_be_asked_takes_nothing(world: World, settings) -> None:  # noqa: F811
    become_a_team(world)
    document = rosters.typed_data(
        world.dao, POLICY_ID, world.lines(), expires_chain_s=world.suite.anvil.now + 300 * 86_400
    )
    settings.RPC_URLS = {world.dao.chain_id: ["http://127.0.0.1:9"]}
    with pytest.raises(RosterError, match="could not be asked"):
        rosters.accept(world.dao, {"typed_data": document, "signature": signed(document)})


def test_an_approval_by_the_team_is_in_the_record_with_its_block(world: World) -> None:  # noqa: F811
    become_a_team(world)
    roster_of_team(world)
    world.model.say = ABSTAINS
    request = world.rest(world.ask(world.november()))
    assert request.status == Request.Status.NEEDS_APPROVAL
    typed_data = approvals.typed_data(request, request.candidates.get(key="c1"))
    with pytest.raises(approvals.ApprovalError, match="does not accept the signature"):
        approvals.accept(request, "c1", signed(typed_data)[:-2] + "00")
    approval = approvals.accept(request, "c1", signed(typed_data))
    assert approvals.accept(request, "c1", signed(typed_data)).pk == approval.pk
    assert world.rest(request).status == Request.Status.EXECUTED
    checks = {check.name: check for check in verify_document(load(DecisionRecord.objects.get().body.encode()))}
    assert checks["approval"].ok is None  # nobody can tell without asking the contract
    assert eip712.digest(typed_data).hex() in checks["approval"].detail
    assert all(check.ok is not False for check in checks.values())


def test_a_block_written_beside_a_forged_signature_pays_nobody(world: World) -> None:  # noqa: F811
    """Whoever can write into the database makes no roster of a key's operator count by naming a block."""
    roster = world.sign_roster()
    assert roster.signed_block_number is None
    wrong = bytes(roster.signature)[:-1] + b"\x1e"
    assert not operators.holds(world.dao, roster.typed_data, roster.operator, wrong, None, None)
    number = Block.objects.filter(dao=world.dao).latest("number")
    Roster.objects.update(signature=wrong, signed_block_number=number.number, signed_block_hash=bytes(number.hash))
    request = world.rest(world.ask(world.november()))
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "does not confirm" in request.reason
    assert world.number == 0
