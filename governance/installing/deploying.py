# SPDX-License-Identifier: Apache-2.0
"""Create what a DAO's module needs and the chain has not yet, each contract by one transaction.

Nothing is created twice: CREATE2 puts a contract at an address that follows from its code, and the sender's journal
(`governance.chain.send`) broadcasts one transaction a contract, whoever was killed when. Every run looks at the chain
first and goes on from there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.db import OperationalError, ProgrammingError

from governance.chain.address import checksum
from governance.chain.keys import Signer
from governance.chain.reverts import revert_words
from governance.chain.rpc import CallReverted, Rpc
from governance.chain.send import send_once, settle
from governance.installing.parts import Part
from governance.installing.record import TEST_CHAINS, Record
from governance.installing.situation import FACTORY
from governance.installing.words import NotInstalled, say
from governance.models import Chain, OutgoingTransaction
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak
from policies.notation.visible import one_line

_ROOT = Path(__file__).resolve().parents[2]
_Status = OutgoingTransaction.Status
_ASKED_EVERY_S = 1.0
_LONGEST_S = 600.0

Notify = Callable[[str], None]


def compiled_input(folder: Path) -> dict[str, str]:
    """Compile the contracts if anything changed, keep the compiler's input in `folder`, and return what the record says
    of both. Raises NotInstalled."""
    script = _ROOT / "contracts" / "scripts" / "deployment_record.py"
    done = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotInstalled("not_compiling", reason=one_line(done.stderr.strip(), 300))
    found: dict[str, str] = json.loads(done.stdout)
    return found


def chain_row(chain_id: int) -> Chain:
    """Return the chain's row, under which the journal keeps what is sent."""
    chain, _ = Chain.objects.get_or_create(chain_id=chain_id, defaults={"name": f"chain {chain_id}"})
    return chain


def missing(rpc: Rpc, parts: Sequence[Part], record: Record) -> list[Part]:
    """Return what the chain has not yet; note in the record what it has, and by which transaction of ours."""
    absent = []
    for part in parts:
        code = rpc.get_code(part.address)
        if not code:
            absent.append(part)
        elif part.name not in record.content["code_hashes"]:
            record.note(part, code, _ours(rpc, record.content["chain_id"], part))
    return absent


def as_transactions(parts: Sequence[Part], gas: dict[str, int | None]) -> list[dict[str, Any]]:
    """Return what another wallet sends to create these parts, in this order. Who sends it does not matter."""
    return [
        {
            "what": f"creates {part.contract} at {checksum(part.address)}",
            "to": checksum(FACTORY),
            "value": "0",
            "data": hex_text(part.calldata),
            "gas": None if gas.get(part.name) is None else str(with_room(gas[part.name] or 0)),
        }
        for part in parts
    ]


def with_room(gas: int) -> int:
    """Return the gas to send with, a fifth more than estimated: a constructor that asks for past votes costs more a
    block later."""
    return gas * 6 // 5 + 5_000


def deploy(
    rpc: Rpc, signer: Signer, parts: Sequence[Part], record: Record, notify: Notify, *, timeout_s: float = _LONGEST_S
) -> None:
    """Create what is missing, one after the other, and note each in the record.

    Raises:
        NotInstalled: a transaction failed or is not mined in time; run again, it goes on.
        RpcError: the node failed; run again.
    """
    chain = chain_row(record.content["chain_id"])
    settle(rpc, chain, signer)  # what a run that was killed has left
    for part in missing(rpc, parts, record):
        notify(say("creates", contract=part.contract, address=checksum(part.address)))
        row = send_and_wait(rpc, chain, signer, _purpose(chain.pk, part), FACTORY, part.calldata, timeout_s)
        code = rpc.get_code(part.address)
        if not code:
            raise NotInstalled("created_nothing", contract=part.contract, hash=hex_text(bytes(row.transaction_hash)))
        record.note(part, code, bytes(row.transaction_hash))
        notify(say("created", contract=part.contract, address=checksum(part.address)))


def send_and_wait(
    rpc: Rpc, chain: Chain, signer: Signer, purpose: str, to: bytes, calldata: bytes, timeout_s: float = _LONGEST_S
) -> OutgoingTransaction:
    """Send a call for a purpose, once however often this runs, and wait until it is mined.

    A transaction that was mined and failed is over: the next run may send another one.

    Raises:
        NotInstalled: it would fail or failed, another account sent it, or it is not mined in time.
        RpcError: the node failed.
    """
    failed = OutgoingTransaction.objects.filter(key__startswith=f"{purpose} try ", status=_Status.FAILED).count()
    key = f"{purpose} try {failed + 1}"
    before = OutgoingTransaction.objects.filter(key=key).first()
    if before is not None and bytes(before.sender) != signer.address:
        raise NotInstalled("begun_by_another", sender=checksum(bytes(before.sender)))
    try:
        row = send_once(key, rpc, chain, signer, to, calldata)
    except CallReverted as error:
        raise NotInstalled("would_fail", reason=revert_words(error.data)) from None
    give_up = time.monotonic() + timeout_s
    # A test chain mines a block for a transaction and then none: nothing comes on top of it.
    confirmations = 1 if chain.pk in TEST_CHAINS else None
    while True:
        settle(rpc, chain, signer, confirmations=confirmations)
        row.refresh_from_db()
        shown = hex_text(bytes(row.transaction_hash))
        if row.status == _Status.MINED:
            return row
        if row.status == _Status.FAILED:
            raise NotInstalled("failed", hash=shown)
        if time.monotonic() > give_up:
            raise NotInstalled("not_mined", hash=shown)
        time.sleep(_wait_s(give_up, timeout_s))


def sent_already(purpose: str) -> bytes | None:
    """Return the transaction of ours by which a call for this purpose was mined, None where none is known."""
    row = OutgoingTransaction.objects.filter(key__startswith=f"{purpose} try ", status=_Status.MINED).first()
    return None if row is None else bytes(row.transaction_hash)


def _wait_s(give_up: float, timeout_s: float) -> float:
    """Ask often at first (a test chain mines at once), then every second."""
    return min(_ASKED_EVERY_S, 0.05 + (timeout_s - (give_up - time.monotonic())) / 4)


def _purpose(chain_id: int, part: Part) -> str:
    return f"create {chain_id} {part.address.hex()}"


def _ours(rpc: Rpc, chain_id: int, part: Part) -> bytes | None:
    """The transaction of ours that created a part; None where somebody else's did, or no journal is there to ask:
    what another wallet sends needs no database."""
    try:
        rows = list(OutgoingTransaction.objects.filter(key__startswith=f"{_purpose(chain_id, part)} try "))
    except (OperationalError, ProgrammingError):
        return None
    for row in rows:
        receipt = rpc.receipt(bytes(row.transaction_hash))
        if receipt is not None and receipt.succeeded:
            return bytes(row.transaction_hash)
    return None


def purpose_of_call(what: str, chain_id: int, to: bytes, calldata: bytes) -> str:
    """Return the journal's name for a call that is sent once."""
    return f"{what} {chain_id} {keccak(to + calldata).hex()[:40]}"
