# SPDX-License-Identifier: Apache-2.0
"""The pages' queries in a large DAO, each with its plan: `make bench-queries`, or python -m bench.queries.

    --proposals N (10000)   --votes N (1000000)   --delegates N (200000)

Fills a database of its own, opens every page and every API answer that the site has an address for, explains every
query they made and runs it again. A query that takes 20 ms or more, or that reads a large table from end to end, is a
miss; then it exits with 1. Prints JSON with the plans.

Power is skewed as it is in DAOs: a quarter of the delegators delegate to one account, which has half as many
checkpoints as there are delegates; ten accounts cast a tenth of the votes, one on nearly every proposal each.
What its agent and its readers leave: `bench.acted`.
"""

import argparse
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from bench import acted

BAR_MS = 20.0
LARGE = 5_000  # rows; a table with more must not be read from end to end
_RUNS = 5
_HEAVY = 20  # one vote in so many is cast on one proposal

# %(...)s: how many of each. Every proposal has one created log, every vote and delegate theirs.
_FILL = (
    """INSERT INTO governance_rawlog (id, dao_id, block_number, block_hash, block_timestamp_chain_s, transaction_hash,
           transaction_index, log_index, address, topic0, data)
       SELECT n, %(dao)s, 1000000 + n / 10, sha256(int8send(n / 10)), 1600000000 + n, sha256(int8send(n)), n %% 10,
           n %% 10, '\\x90fe90fe90fe90fe90fe90fe90fe90fe90fe90fe', sha256('topic'), '\\x00'
       FROM generate_series(1, %(proposals)s + %(votes)s + 2 * %(delegates)s + %(checkpoints)s) n""",
    """INSERT INTO governance_proposal (id, dao_id, proposal_id, log_id, created_block, proposer, description, title,
           snapshot, deadline, queued, executed, canceled, against_votes, for_votes, abstain_votes, quorum_votes, extra,
           operation_id, operation_id_v4, eta_chain_s)
       SELECT n, %(dao)s, n::numeric * 1e60, n, 1000000 + n / 10, '\\x1111111111111111111111111111111111111111',
           repeat('What is asked for, and why it would be good. ', 60), 'Proposal ' || n, 1000000 + n / 10 + 7200,
           CASE WHEN n > %(proposals)s - 10 THEN 9000000 ELSE 1000000 + n / 10 + 57600 END, n %% 3 = 1, n %% 3 = 1,
           n %% 17 = 0, 1e24, CASE WHEN n %% 3 = 1 OR n %% 60 = 0 THEN 2e24 ELSE 0 END, 0, 1e23, '{}',
           sha256(int8send(n)), sha256(int8send(-n)), CASE WHEN n %% 3 = 1 THEN 1600000000 + n END
       FROM generate_series(1, %(proposals)s) n""",
    """INSERT INTO governance_proposalaction (proposal_id, position, target, value_wei, signature, calldata)
       SELECT n, k, '\\x2222222222222222222222222222222222222222', 0, '', '\\xa9059cbb'
       FROM generate_series(1, %(proposals)s) n, generate_series(0, 1) k""",
    """INSERT INTO governance_proposaltransition (proposal_id, kind, log_id)
       SELECT n, k, n FROM generate_series(1, %(proposals)s) n, unnest(ARRAY['created', 'queued']) k""",
    """INSERT INTO governance_timelockoperation (dao_id, operation_id, proposal_id, log_id, ready_chain_s, executed,
           canceled)
       SELECT %(dao)s, sha256(int8send(n)), n, n, 1600000000 + n, true, false
       FROM generate_series(1, %(proposals)s, 3) n""",
    """INSERT INTO governance_onchaincheck (dao_id, subject, block_number, block_hash, chain_says, mirror_says, matched,
           endpoints, other_says, checked_at)
       SELECT %(dao)s, 'proposal:' || (n::numeric * 1e60)::numeric(78, 0) || k, 1, sha256('b'), 'Defeated',
           CASE WHEN k = ':state' AND n %% 300 = 0 THEN 'Succeeded' ELSE 'Defeated' END, k <> ':state' OR n %% 300 <> 0,
           1, '', now()
       FROM generate_series(1, %(proposals)s) n, unnest(ARRAY[':state', ':votes', ':quorum']) k""",
    """INSERT INTO agent_summary (proposal_id, input_hash, status, reason, reason_code, reason_values, verdict,
           sentences, claims, effects, flags, findings, hidden, rules, spans_read, spans_total, model_name,
           model_is_demo,
           prompt_tokens, cached_tokens, output_tokens, duration_ms, created_at)
       SELECT n, sha256(int8send(n)), 'written', '', '', '{}', 'matches', '[]', '[]', '[]', '[]', '[]', '[]', 1,
           1, 1, 'bench', true, 0, 0, 0, 0, now()
       FROM generate_series(1, %(proposals)s) n""",
    # One vote in twenty is for the newest proposal, the others are spread evenly; one in ten is cast by ten accounts.
    """INSERT INTO governance_vote (dao_id, proposal_id, onchain_proposal_id, log_id, voter, support, weight, reason,
           params)
       SELECT %(dao)s, p, p::numeric * 1e60, %(proposals)s + n,
           decode(lpad(to_hex(CASE WHEN n %% %(heavy)s <> 0 AND n * 10::bigint < %(votes)s
                                       THEN 1 + n * 100::bigint / %(votes)s
                                   ELSE 1 + (n::bigint * 7919) %% %(delegates)s END), 40, '0'), 'hex'), n %% 3,
           ((n::bigint * 2654435761) %% 1000003)::numeric * 1e18, CASE WHEN n %% 20 = 3 THEN 'Because.' ELSE '' END, ''
       FROM (SELECT n, CASE WHEN n %% %(heavy)s = 0 THEN %(proposals)s ELSE 1 + n %% %(proposals)s END p
             FROM generate_series(1, %(votes)s) n) numbered""",
    """INSERT INTO governance_delegation (dao_id, log_id, delegator, from_delegate, to_delegate)
       SELECT %(dao)s, %(proposals)s + %(votes)s + n, decode(lpad(to_hex(n), 40, '0'), 'hex'), '\\x00',
           decode(lpad(to_hex(CASE WHEN n %% 4 = 0 THEN 1 ELSE 1 + n / 3 END), 40, '0'), 'hex')
       FROM generate_series(1, %(delegates)s) n""",
    """INSERT INTO governance_powercheckpoint (dao_id, log_id, account, timepoint, previous_power, power)
       SELECT %(dao)s, %(proposals)s + %(votes)s + %(delegates)s + n, decode(lpad(to_hex(n), 40, '0'), 'hex'),
           1000000 + n, 0, CASE WHEN n <= 10 THEN 2e24 ELSE ((n::bigint * 2654435761) %% 1000003)::numeric * 1e18 END
       FROM generate_series(1, %(delegates)s) n""",
    """INSERT INTO governance_powercheckpoint (dao_id, log_id, account, timepoint, previous_power, power)
       SELECT %(dao)s, %(proposals)s + %(votes)s + 2 * %(delegates)s + n, decode(lpad('1', 40, '0'), 'hex'),
           2000000 + n, 0, 3e24 + n
       FROM generate_series(1, %(checkpoints)s) n""",
)


def fill(proposals: int, votes: int, delegates: int, acts: int | None = None) -> Any:
    """A DAO of this size in the (empty, migrated) database; statistics are fresh, as autovacuum keeps them. `acts`: as
    many as there are proposals where None."""
    from django.db import connection

    from governance.models import Chain, Contract, Cursor, Dao, Delegation, PowerCheckpoint
    from governance.projections import power_now
    from webapp.proposals.search import keep_words

    chain = Chain.objects.create(chain_id=1, name="bench")
    dao = Dao.objects.create(chain=chain, slug="bench", name="Bench DAO")
    told = {"family": "openzeppelin", "clock": "blocknumber", "quorum": "quorum(uint256)"}
    governor = bytes.fromhex("90fe" * 10)
    Contract.objects.create(dao=dao, kind="governor", address=governor, capabilities=told)
    Contract.objects.create(dao=dao, kind="timelock", address=b"\x33" * 20)
    Contract.objects.create(
        dao=dao, kind="votes_token", address=b"\x44" * 20, capabilities={"symbol": "VOTE", "decimals": 18}
    )
    last = 1_000_000 + (proposals + votes + 2 * delegates) // 10 + 57_600  # the votes are over, but for the newest ten
    Cursor.objects.create(
        dao=dao, next_block=last + 1, head_hash=bytes(32), head_timestamp_chain_s=1_700_000_000, node_head_block=last
    )
    sizes = {
        "dao": dao.pk, "proposals": proposals, "votes": votes, "delegates": delegates, "heavy": _HEAVY,
        "checkpoints": delegates // 2,
    }  # fmt: skip
    with connection.cursor() as sql:
        for statement in _FILL:
            sql.execute(statement, sizes)
        accounts = set(PowerCheckpoint.objects.filter(dao=dao).values_list("account", flat=True))
        power_now.make_again(
            dao, (accounts, set(Delegation.objects.filter(dao=dao).values_list("delegator", flat=True)))
        )
        while keep_words():
            pass
        acted.fill(dao, proposals if acts is None else acts)
        sql.execute("VACUUM ANALYZE")
    return dao


# 302: to the only DAO. 403: of the local chain. 404, 410: nothing of the kind is there. 503: the chain would be asked.
STATUSES = (200, 302, 403, 404, 410, 503)
# What an address needs beside the DAO where nothing better is known (`pages`).
_OTHERWISE = {
    "request_id": "1", "number": "1", "name": "0x" + "00" * 32, "token": "x", "table": "proposals", "form": "json",
    "policy_id": "0x" + "01" * 32,
}  # fmt: skip
# More of a page than its beginning: its route (without the first slash), and what is asked of it.
_MORE = {
    "<slug:slug>/proposals/": (
        "?page={last_proposals}",
        "?show=open",
        "?q=proposal",
        "?q=7",
        "?by={account}",
        "?show=ended",
    ),
    "<slug:slug>/": ("?account={account}",),
    "<slug:slug>/proposals/<proposal_id:proposal_id>/": ("?page=500", "?choice=0&reasons=1", "?account={account}"),
    "<slug:slug>/delegates/": ("?page={last_delegates}",),
    "api/v1/daos/<slug>/proposals": ("?page={last_proposals}", "?show=open", "?size=100"),
    "api/v1/daos/<slug>/proposals/<proposal_id>": ("?votes_page=125",),
    "api/v1/daos/<slug>/delegates": ("?size=50", "?size=50&page=200", "?after={middling}"),
    "api/v1/daos/<slug>/delegates/<account>/delegators": ("?after={middling}",),
    "api/v1/daos/<slug>/members/<account>": ("?proposals={proposal_id}",),
}
# Without this an address has no answer at all.
_ASKED_WITH = {
    "api/v1/daos/<slug>/proposals/<proposal_id>/ballot": "?support=1&voter={account}",
    "api/v1/daos/<slug>/requests/<request_id>/approval": "?candidate=c1",
    "api/v1/daos/<slug>/delegates/<account>/statement": "?signed_at_s=1&text_hash=0x" + "00" * 32,
    "api/v1/daos/<slug>/policies/<policy_id>/payment": "?asset=0x" + "55" * 20 + "&to={account}&amount=1",
}
_ALSO_OLD = "proposal_id"  # of these the one with the most votes is opened, and an old one
_ALSO_PAID = "request_id"  # of these one that waits for the operator is opened, and one that was paid


def routes(resolver: Any = None, before: str = "") -> Iterator[str]:
    """Every address of the site, as its route."""
    from django.urls import URLPattern, get_resolver

    for one in (resolver or get_resolver()).url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route
        else:
            yield from routes(one, route)


def pages(dao: Any) -> dict[str, str]:
    """What is opened: name -> address. From the site's own addresses, so that none is forgotten; raises KeyError for
    one that needs something which is not known here."""
    from governance.models import Proposal
    from governance.power import totals
    from presentation.paging import PAGE
    from webapp.delegates.read import MOST_LISTED

    numbers = Proposal.objects.filter(dao=dao).order_by("id").values_list("proposal_id", flat=True)
    listed = min(totals(dao).holders, MOST_LISTED)
    places = {
        "last_proposals": -(-len(numbers) // PAGE), "last_delegates": -(-listed // PAGE),
        "middling": "0x" + f"{totals(dao).holders // 2 | 4:040x}",
    }  # fmt: skip
    general = {**_OTHERWISE, "slug": dao.slug, "account": "0x" + "1".rjust(40, "0"), "proposal_id": str(numbers.last())}
    tokens, names, waiting = acted.tokens(dao), acted.names(), acted.waiting_request()
    found = {}
    for route in dict.fromkeys(routes()):
        own = {"token": tokens.get(route), "name": names.get(route), "request_id": waiting}
        known = general | {name: value for name, value in own.items() if value is not None}
        for more in (_ASKED_WITH.get(route, ""), *_MORE.get(route, ())):
            found[f"/{route}{more}"] = _filled(route, known) + more.format(**places, **known)
        if _ALSO_OLD in route:
            old = {**known, "proposal_id": str(numbers[len(numbers) // 2])}
            found[f"/{route} (old)"] = _filled(route, old) + _ASKED_WITH.get(route, "").format(**old)
        if _ALSO_PAID in route:
            found[f"/{route} (paid)"] = _filled(route, general) + _ASKED_WITH.get(route, "").format(**general)
    return found


def _filled(route: str, values: dict[str, str]) -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda name: values[name[1]], route)


def queries_of(path: str, cookies: Mapping[str, str] | None = None) -> tuple[list[tuple[str, str]], float, int]:
    """The SQL that opening a page runs (a setting made for it alone, and the query, values included), how long the page
    took, ms, and its HTTP status. `cookies`: of whoever opens it; nobody's where None."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    for name, value in (cookies or {}).items():
        client.cookies[name] = value
    with CaptureQueriesContext(connection) as captured:
        begun = time.perf_counter()
        answer = client.get(path)
        elapsed_ms = (time.perf_counter() - begun) * 1000
    queries, setting = [], ""
    for query in captured.captured_queries:
        if query["sql"].startswith("SET LOCAL"):
            setting = query["sql"]
        elif query["sql"].startswith("SELECT"):
            queries.append((setting, query["sql"]))
            setting = ""
    return queries, elapsed_ms, answer.status_code


def explain(sql: str, setting: str = "", runs: int = _RUNS) -> dict[str, Any]:
    """A query's best time of several runs (planning and execution), its plan, and the large tables read whole."""
    from django.db import connection, transaction

    best: dict[str, Any] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        if setting:
            cursor.execute(setting)
        for _ in range(runs):
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
            (found,) = cursor.fetchone()
            found = (json.loads(found) if isinstance(found, str) else found)[0]
            ms = found["Planning Time"] + found["Execution Time"]
            if not best or ms < best["ms"]:
                best = {"ms": ms, "plan": found["Plan"]}
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [LARGE])
        large = {name for (name,) in cursor.fetchall()}
    nodes = list(_nodes(best["plan"]))
    return {
        "ms": round(best["ms"], 2),
        "whole_tables": sorted({n["Relation Name"] for n in nodes if n["Node Type"] == "Seq Scan"} & large),
        "plan": [_words(node) for node in nodes],
        "sql": sql if len(sql) < 1000 else f"{sql[:1000]}...",
    }


def _nodes(plan: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    yield {**plan, "Depth": depth}
    for child in plan.get("Plans", ()):
        yield from _nodes(child, depth + 1)


def _words(node: dict[str, Any]) -> str:
    where = node.get("Index Name") or node.get("Relation Name") or ""
    rows = f"{node['Actual Rows']} rows" + (f" x {node['Actual Loops']}" if node["Actual Loops"] > 1 else "")
    return f"{'  ' * node['Depth']}{node['Node Type']} {where} ({rows}, {node['Actual Total Time']} ms)"


def measure(dao: Any) -> dict[str, Any]:
    """Every page's queries, explained; those that miss are named."""
    found: dict[str, Any] = {}
    for name, path in pages(dao).items():
        queries_of(path)  # what is read once a process is read
        queries, page_ms, status = queries_of(path)
        if status == 405:
            continue  # what changes something is no GET
        if status not in STATUSES:
            raise SystemExit(f"{path} answered {status}")
        found[name] = {
            "page_ms": round(page_ms, 1),
            "status": status,
            "queries": [explain(sql, setting) for setting, sql in queries],
        }
    return found


def misses(found: dict[str, Any]) -> list[str]:
    """Queries that are too slow, or that read a large table from end to end."""
    missed = []
    for name, page in found.items():
        for query in page["queries"]:
            if query["ms"] >= BAR_MS:
                missed.append(f"{name}: {query['ms']} ms: {query['sql'][:200]}")
            if query["whole_tables"]:
                missed.append(f"{name}: reads all of {', '.join(query['whole_tables'])}: {query['sql'][:200]}")
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description="The pages' queries in a large DAO, with their plans.")
    parser.add_argument("--proposals", type=int, default=10_000)
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--delegates", type=int, default=200_000)
    arguments = parser.parse_args()

    from bench.sync.cluster import cluster

    with cluster() as server:
        os.environ["DATABASE_URL"] = server.fresh("queries")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        settings.SECRET_KEY = secrets.token_hex(32)  # for the cookies of the measured pages
        call_command("migrate", verbosity=0, interactive=False)
        begun = time.monotonic()
        dao = fill(arguments.proposals, arguments.votes, arguments.delegates)
        print(f"filled in {time.monotonic() - begun:.0f} s", file=sys.stderr)
        found = measure(dao)
        connection.close()
    missed = misses(found)
    sizes = {"proposals": arguments.proposals, "votes": arguments.votes, "delegates": arguments.delegates}
    print(json.dumps({**sizes, "bar_ms": BAR_MS, "missed": missed, "pages": found}, indent=2))
    for name, page in found.items():
        slowest = max((query["ms"] for query in page["queries"]), default=0)
        count = len(page["queries"])
        print(
            f"{name:<75} {page['status']} {count:>3} queries, slowest {slowest:>7.2f} ms, page {page['page_ms']} ms",
            file=sys.stderr,
        )
    if missed:
        raise SystemExit("missed:\n" + "\n".join(missed))


if __name__ == "__main__":
    main()
