# SPDX-License-Identifier: Apache-2.0
"""Step 12: a worker is killed in a sync and in a payment; nothing is lost and nothing doubled."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from eth_utils import keccak

from dao.local.founding import DAY_S, USDC
from dao.local.people import CONTRIBUTORS
from dao.local.story.asking import ask, note_signature, show_the_models_word
from dao.local.story.must import must, until
from dao.local.story.scene import Scene
from policies.notation.hexadecimal import hex_bytes, hex_text

POWER_CHANGED = keccak(text="DelegateVotesChanged(address,uint256,uint256)")


def kill(scene: Scene) -> None:
    kill_in_a_sync(scene)
    kill_in_a_payment(scene)


def kill_in_a_sync(scene: Scene) -> None:
    """The worker's insert of logs is made to wait on a lock of ours; then the worker is killed as it waits."""
    token, ada = scene.contracts["votes_token"], scene.wallets["ada"]
    with table_locked(scene, "governance_rawlog"):
        receipts = [
            ada.invoke(token, "transfer(address,uint256)", [scene.wallets[name].address, 10**18])
            for name in ("ben", "chloe", "jon", "kim")
        ]
        table = "governance_rawlog"
        until(f"a worker that waits to write to {table}", lambda: inserting(scene, table, "relation"))
        kill_the_worker(scene)
    scene.show("worker killed in a sync", f"while it stored {len(receipts)} transfers")
    powers = {
        name: str(scene.node.call(token, "getVotes(address)", [scene.wallets[name].address], ["uint256"]))
        for name in ("ada", "ben", "dana")
    }
    rows = until(
        "the power after the kill, in the mirror",
        lambda: {row["account"]: row["power"] for row in scene.api("/delegates")},
        lambda saw: all(saw.get(scene.wallets[name].address) == power for name, power in powers.items()),
        seconds=40,
    )
    logs = scene.node.request(
        "eth_getLogs",
        {
            "address": token,
            "topics": [hex_text(POWER_CHANGED)],
            "fromBlock": receipts[0]["blockNumber"],
            "toBlock": "latest",
        },
    )
    with scene.stack.database() as connection:
        stored = connection.execute(
            "select count(*) from governance_rawlog where address = %s and topic0 = %s and block_number >= %s",
            [hex_bytes(token), POWER_CHANGED, int(receipts[0]["blockNumber"], 16)],
        ).fetchone()[0]
    must(stored == len(logs), "each log must be stored exactly once", f"{stored} stored, {len(logs)} on chain")
    scene.show("after it", f"{stored} logs stored of {len(logs)}, {len(rows)} delegates' power as on chain")


def kill_in_a_payment(scene: Scene) -> None:
    # The budget's ring turns, what was spent before has left the window, and a month begins that the roster is
    # older than.
    signed = datetime.fromtimestamp(scene.roster_signed_s, UTC)
    begins = datetime(signed.year + signed.month // 12, signed.month % 12 + 1, 1, tzinfo=UTC)
    scene.node.advance(max(28 * DAY_S, int(begins.timestamp()) - scene.node.time() + 1))
    month = datetime.fromtimestamp(scene.node.time(), UTC)
    text, key = f"pay the contributors for {month:%B %Y}", f"month-{month:%Y-%m}"
    contributors = [scene.wallets[name].address for name in CONTRIBUTORS]
    before = [scene.balance(address) for address in contributors]
    number = scene.policy_state()[2]
    with next_nonce_taken(scene):
        scene.site.sign_in(scene.wallets["olga"])
        path = f"/api/v1/daos/{scene.slug}/requests"
        scene.site.post(path, {"text": text, "key": key})
        approve_until_blocked(scene, key)
        kill_the_worker(scene)
    request = ask(scene, text, key)
    must(request["status"] == "executed", "the payment must be made after all", request)
    paid = [scene.balance(address) - held for address, held in zip(contributors, before, strict=True)]
    must(paid == [1000 * USDC] * 5, "each must be paid exactly once", paid)
    acts = scene.policy_state()[2] - number
    must(acts == 1, "the chain must have seen one act", acts)
    scene.show("worker killed in a payment", f"as it wrote the transaction of {text!r} to its journal")
    show_the_models_word(scene, request)
    scene.show("after it", f"one act on chain, balances moved by {paid}")


def kill_the_worker(scene: Scene) -> None:
    """Kill all of it, and see that another one is started."""
    was = scene.stack.pids["worker"]
    scene.stack.kill("worker")
    until("another worker", lambda: scene.stack.pids.get("worker"), lambda now: now not in (None, was))


def approve_until_blocked(scene: Scene, key: str) -> None:
    """Sign what the request needs until the executor waits to write its transaction to the journal."""

    def look() -> bool:
        request = next(row for row in scene.api("/requests") if row["key"] == key)
        if request["status"] == "needs_approval":
            signature = scene.wallets["olga"].sign_typed_data(request["approval"]["typed_data"])
            body = {"candidate": request["approval"]["candidate"], "signature": signature}
            scene.site.post(f"/api/v1/daos/{scene.slug}/requests/{request['id']}/approve", body)
            note_signature(scene, request)
        return inserting(scene, "governance_outgoingtransaction", "transactionid")

    until("the executor at its journal", look, seconds=90)


@contextlib.contextmanager
def next_nonce_taken(scene: Scene) -> Iterator[None]:
    """Whoever writes the agent's next transaction to the journal waits within, since its nonce is in a row of ours.

    A lock on the table would stop the worker's look at what is mined too, which updates rows: where that comes first,
    the worker never gets to the payment.
    """
    with scene.stack.database() as connection:
        key, sender, newest = connection.execute(
            "select key, sender, nonce from governance_outgoingtransaction where key ~ '^(act|release):'"
            " order by nonce desc limit 1"
        ).fetchone()
        # The agent has also sent what is not in the journal: the release that this story tries in step 10.
        pending = scene.node.request("eth_getTransactionCount", hex_text(bytes(sender)), "pending")
        connection.execute(
            "insert into governance_outgoingtransaction select (jsonb_populate_record(row,"
            " jsonb_build_object('id', -1, 'key', 'held by the story', 'nonce', %s::bigint))).*"
            " from governance_outgoingtransaction row where key = %s",
            [max(newest + 1, int(pending, 16)), key],
        )
        yield
        connection.rollback()


@contextlib.contextmanager
def table_locked(scene: Scene, table: str) -> Iterator[None]:
    """Nobody can write to `table` within: how a step stops a worker at an exact place."""
    with scene.stack.database() as connection:
        connection.execute(f"lock table {table} in share mode")
        yield
        connection.rollback()


def inserting(scene: Scene, table: str, waits_for: str) -> bool:
    """Whether somebody waits to insert into `table`: for a lock on the "relation", or for a "transactionid" to end."""
    with scene.stack.database() as connection:
        waiting = connection.execute(
            "select count(*) from pg_locks join pg_stat_activity using (pid)"
            " where not granted and locktype = %s and query ~* ('^\\s*(insert into|copy)\\s+\"?' || %s)",
            [waits_for, table],
        ).fetchone()
    return waiting[0] > 0
