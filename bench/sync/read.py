# SPDX-License-Identifier: Apache-2.0
"""One measured reading, in a process of its own:

    python -m bench.sync.read mirror|floor NODE_URL LOGS DATABASE_SERVERS_PROCESS_ID

`DATABASE_URL` names an empty database. Prints one line of JSON: seconds, logs, the process's peak memory, rows stored.

mirror  the product itself: `sync_once` from the DAO's first block until it says that it has caught up.
floor   what any indexer must do: eth_getLogs in fixed ranges, JSON to bytes, binary COPY into one table without any
        index, one transaction a range; nothing is decoded, checked, asked twice or kept besides.
"""

import json
import os
import resource
import sys
import time
from typing import Any

from bench.sync import chain
from bench.sync.cluster import cpu_s

_FLOOR_BLOCKS = 500
_FLOOR_TABLE = """CREATE TABLE floor_log (
    block_number bigint, block_hash bytea, transaction_hash bytea, transaction_index integer, log_index integer,
    address bytea, topic0 bytea, topic1 bytea, topic2 bytea, topic3 bytea, data bytea)"""


def floor(url: str, last: int, server: int) -> dict[str, Any]:
    """Fetch and COPY."""
    import httpx
    import orjson
    import psycopg

    unhex = bytes.fromhex
    client = httpx.Client(timeout=60, trust_env=False)
    database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    database.execute(_FLOOR_TABLE)
    addresses = ["0x" + address.hex() for address in (chain.GOVERNOR, chain.TOKEN)]
    begun, cpu = time.perf_counter(), _cpu_s(server)
    stored = 0
    for first in range(chain.FIRST_BLOCK, last + 1, _FLOOR_BLOCKS):
        logs: list[dict[str, Any]] = []
        for address in addresses:
            condition = {
                "address": address, "fromBlock": hex(first), "toBlock": hex(min(first + _FLOOR_BLOCKS - 1, last)),
            }  # fmt: skip
            asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [condition]}
            logs += orjson.loads(client.post(url, content=orjson.dumps(asked)).content)["result"]
        with (
            database.transaction(), database.cursor() as sql,
            sql.copy("COPY floor_log FROM STDIN (FORMAT BINARY)") as copy,
        ):  # fmt: skip
            copy.set_types(["int8", "bytea", "bytea", "int4", "int4", *["bytea"] * 6])
            for log in logs:
                topics = [unhex(topic[2:]) for topic in log["topics"]] + [None] * (4 - len(log["topics"]))
                copy.write_row(
                    (
                        int(log["blockNumber"], 16), unhex(log["blockHash"][2:]), unhex(log["transactionHash"][2:]),
                        int(log["transactionIndex"], 16), int(log["logIndex"], 16), unhex(log["address"][2:]),
                        *topics, unhex(log["data"][2:]),
                    )
                )  # fmt: skip
        stored += len(logs)
    seconds, cpu = time.perf_counter() - begun, {part: used - cpu[part] for part, used in _cpu_s(server).items()}
    (rows,) = database.execute("SELECT count(*) FROM floor_log").fetchone() or (0,)
    if rows != stored:
        raise SystemExit(f"floor: {stored} logs were read and {rows} are stored")
    return {"seconds": seconds, "cpu_s": cpu, "logs": stored, "rows": {"log": rows}}


def mirror(url: str, last: int, server: int) -> dict[str, Any]:
    """The product's own sync."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from governance.chain.rpc import Rpc
    from governance.models import Chain, Contract, Cursor, Dao, Proposal
    from governance.sync import Status, sync_once

    call_command("migrate", verbosity=0, interactive=False)
    row = Chain.objects.create(chain_id=chain.CHAIN_ID, name="bench")
    dao = Dao.objects.create(chain=row, slug="bench", name="Bench")
    for kind, address in (("governor", chain.GOVERNOR), ("votes_token", chain.TOKEN)):
        Contract.objects.create(dao=dao, kind=kind, address=address, start_block=chain.FIRST_BLOCK)
    Cursor.objects.create(dao=dao, next_block=chain.FIRST_BLOCK)
    rpc = Rpc([url], chain.CHAIN_ID)
    begun, cpu = time.perf_counter(), _cpu_s(server)
    logs = 0
    while True:
        result = sync_once(dao, rpc)
        logs += result.logs
        if result.status == Status.CAUGHT_UP:
            break
        if result.status != Status.BEHIND:
            raise SystemExit(f"mirror: the sync ended as {result.status}")
    seconds, cpu = time.perf_counter() - begun, {part: used - cpu[part] for part, used in _cpu_s(server).items()}
    tables = {
        "raw_log": "rawlog", "block": "block", "vote": "vote", "proposal": "proposal",
        "proposal_transition": "proposaltransition", "delegation": "delegation",
        "power_checkpoint": "powercheckpoint", "outbox": "outboxentry", "incident": "syncincident",
    }  # fmt: skip
    rows = {}
    with connection.cursor() as sql:
        for name, table in tables.items():
            sql.execute(f"SELECT count(*) FROM governance_{table}")  # noqa: S608 -- names of ours
            rows[name] = sql.fetchone()[0]
        sql.execute(
            "SELECT sum(against_votes + for_votes + abstain_votes), (SELECT sum(weight) FROM governance_vote) "
            "FROM governance_proposal"
        )
        tallied, cast = sql.fetchone()
    if tallied != cast or Proposal.objects.filter(dao=dao).count() != rows["proposal"] or rows["incident"]:
        raise SystemExit(f"mirror: tallies of {tallied} for votes of {cast}, {rows['incident']} incidents")
    if Cursor.objects.get(dao=dao).next_block != last + 1 + chain.EMPTY_BLOCKS_AFTER:
        raise SystemExit("mirror: the cursor does not stand behind the node's head")
    return {"seconds": seconds, "cpu_s": cpu, "logs": logs, "rows": rows}


def _cpu_s(server: int) -> dict[str, float]:
    return {"reader": time.process_time(), "database": cpu_s(server)}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> None:
    what, url, logs = arguments[0], arguments[1], int(arguments[2])
    last = chain.FIRST_BLOCK + -(-logs // chain.LOGS_PER_BLOCK) - 1
    found = {"mirror": mirror, "floor": floor}[what](url, last, int(arguments[3]))
    if found["logs"] != logs:
        raise SystemExit(f"{what}: {found['logs']} logs of {logs}")
    print(json.dumps({**found, "peak_mb": round(_peak_mb(), 1)}))


if __name__ == "__main__":
    main(sys.argv[1:])
