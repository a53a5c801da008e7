# SPDX-License-Identifier: Apache-2.0
"""The repair and audit commands, on a DAO with a past."""

import json

import pytest
from django.core.management import CommandError, call_command

from governance.chain.address import checksum
from governance.chain.rpc import Distrusted, Rpc
from governance.models import (
    AccountPower,
    Act,
    ChainAnswer,
    Cursor,
    PolicyVersion,
    PowerCheckpoint,
    ScannedRange,
    SyncIncident,
)
from governance.sync import sync_once
from tests.governance.conftest import CHAIN_ID, POLICY_ID
from tests.governance.test_life import act, payment, snapshot_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def past(mirror, payroll):
    mirror.delegate(ada="ada")
    mirror.deployed.set_policy(POLICY_ID, payroll())
    mirror.sync()
    act(mirror, "execute", 1, [payment(mirror, "ines", 7)])
    act(mirror, "execute", 2, [payment(mirror, "mallory", 7)])
    mirror.sync()
    return mirror


def test_rebuild(past, capsys):
    before = snapshot_of(past.dao)
    call_command("rebuild", "mandate")
    assert snapshot_of(past.dao) == before
    assert "made anew" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no DAO"):
        call_command("rebuild", "elsewhere")


def test_audit_holds_the_mirror_against_the_chain(past, capsys):
    call_command("audit", "mandate")
    told = capsys.readouterr().out
    head = Cursor.objects.get()
    assert told.startswith(
        f"mandate against chain {CHAIN_ID} at block {head.next_block - 1:,} (0x{head.head_hash.hex()})"
    )
    assert "nothing differs" in told
    # A mirror that is wrong in each way is told of, and the command fails.
    row = PowerCheckpoint.objects.order_by("-pk")[0]
    PowerCheckpoint.objects.filter(pk=row.pk).update(power=row.power + 1)
    with pytest.raises(SystemExit):
        call_command("audit", "mandate", rpc=[past.deployed.url])
    told = capsys.readouterr().out
    differs = f"differs: power:{checksum(row.account)}: the chain says {row.power}, the mirror "
    assert f"{differs}{row.power}/{row.power + 1}\n" in told  # what pages show is right still, the log's row is not
    # And the other way round: the log's row is right, what pages show is not.
    PowerCheckpoint.objects.filter(pk=row.pk).update(power=row.power)
    shown = AccountPower.objects.filter(account=row.account)
    assert shown.update(power=row.power + 1) == 1
    with pytest.raises(SystemExit):
        call_command("audit", "mandate", rpc=[past.deployed.url])
    assert f"{differs}{row.power + 1}/{row.power}\n" in capsys.readouterr().out
    # And both, as after a log that is not the chain's.
    PowerCheckpoint.objects.filter(pk=row.pk).update(power=row.power + 1)
    with pytest.raises(SystemExit):
        call_command("audit", "mandate", rpc=[past.deployed.url])
    assert f"{differs}{row.power + 1}\n" in capsys.readouterr().out
    with pytest.raises(CommandError, match="could not be asked"):
        call_command("audit", "mandate", rpc=["http://127.0.0.1:9"])
    Cursor.objects.update(head_hash=None)
    with pytest.raises(CommandError, match="nothing of mandate was read"):
        call_command("audit", "mandate")


def test_the_auditors_record(past, capsys):
    call_command("audit", "mandate", record=True)
    told = json.loads(capsys.readouterr().out)
    assert [(a["number"], a["status"], len(a["calls"])) for a in told["acts"]] == [(1, "executed", 1)]
    assert told["acts"][0]["transaction"] == told["acts"][0]["final_transaction"]
    assert [r["reason"].split("(")[0] for r in told["refusals"]] == ["ClauseFailed"]
    assert told["policies"][0]["code_read"]


def test_gaps(past, capsys):
    call_command("gaps", "mandate")
    assert "no gaps" in capsys.readouterr().out
    read = ScannedRange.objects.filter(contract__kind="governor").get()
    read.last_block -= 2
    read.save()
    with pytest.raises(SystemExit):
        call_command("gaps")
    assert "were not read" in capsys.readouterr().out


def test_policy_code_that_could_not_be_read_is_asked_for_again(past):
    before = snapshot_of(past.dao)
    ChainAnswer.objects.filter(kind="code").delete()
    call_command("rebuild", "mandate")
    assert bytes(PolicyVersion.objects.get().code) == b""
    incident = SyncIncident.objects.get(kind="policy_code")
    past.sync()
    assert snapshot_of(past.dao) == before
    incident.refresh_from_db()
    assert incident.resolved_at is not None


def test_policy_code_that_no_trusted_node_was_asked_for_is_waited_for(mirror, payroll):
    """That all endpoints are distrusted says nothing about the code: no incident blames the chain for it."""

    class CaughtInALie(Rpc):
        def get_code(self, _address, _block="latest"):
            raise Distrusted(None, "every endpoint was caught in an untrue answer")

    code = payroll()
    mirror.deployed.set_policy(POLICY_ID, code)
    with pytest.raises(Distrusted):
        sync_once(mirror.dao, CaughtInALie([mirror.deployed.url], CHAIN_ID))
    assert not SyncIncident.objects.filter(kind="policy_code").exists()
    mirror.sync()
    assert bytes(PolicyVersion.objects.get().code) == code


def test_calls_of_an_act_that_could_not_be_read_are_asked_for_again(past):
    class Lagging(Rpc):
        def transaction(self, _hash):
            return None

    assert act(past, "execute", 2, [payment(past, "jon", 2)])["status"] == "0x1"
    sync_once(past.dao, Lagging([past.deployed.url], CHAIN_ID))
    done = Act.objects.get(number=2)
    assert not done.calls.exists()
    past.sync()
    assert [bytes(call.calldata) for call in done.calls.all()] == [payment(past, "jon", 2)[2]]
    before = snapshot_of(past.dao)
    call_command("rebuild", "mandate")
    assert snapshot_of(past.dao) == before
