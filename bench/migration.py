# SPDX-License-Identifier: Apache-2.0
"""Measure how long a large site of commit aece923 takes to migrate to today's tables.

    python -m bench.migration [--votes 1000000] [--delegates 200000]

Loads tests/upgrade's dump, adds proposals, votes, delegations and changes of power to its DAO in that commit's tables,
and runs `manage.py migrate` as an operator would. Prints JSON and writes bench/results/migration.json. A copy of the
rows by PostgreSQL itself is timed beside it, so that machines can be compared.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from bench.sync.cluster import cluster
from embedded import postgres

ROOT = Path(__file__).resolve().parent.parent
DUMP = ROOT / "tests" / "upgrade" / "aece923.sql.gz"
RESULTS = ROOT / "bench" / "results" / "migration.json"
_FIRST = 1_000_000  # the first id that is added: far above the dump's own
_PROPOSALS = 10_000

# In the tables as they were at aece923: this never changes.
_FILL = (
    """INSERT INTO governance_rawlog (id, dao_id, block_number, block_hash, block_timestamp_chain_s, transaction_hash,
           transaction_index, log_index, address, topic0, data)
       SELECT %(first)s + n, (SELECT id FROM governance_dao), 1000000 + n / 10, sha256(int8send(n / 10)),
           1600000000 + n, sha256(int8send(n)), n %% 10, n %% 10, '\\x90fe90fe90fe90fe90fe90fe90fe90fe90fe90fe',
           sha256('topic'), '\\x00'
       FROM generate_series(1, %(proposals)s + %(votes)s + 3 * %(delegates)s) n""",
    """INSERT INTO governance_proposal (id, dao_id, proposal_id, log_id, created_block, proposer, description, title,
           snapshot, deadline, queued, executed, canceled, against_votes, for_votes, abstain_votes, quorum_votes, extra,
           operation_id, operation_id_v4)
       SELECT %(first)s + n, (SELECT id FROM governance_dao), n::numeric * 1e60, %(first)s + n, 1000000 + n / 10,
           '\\x1111111111111111111111111111111111111111',
           repeat('What is asked for, and why it would be good. ', 60), 'Proposal ' || n, 1000000 + n / 10 + 7200,
           1000000 + n / 10 + 57600, false, false, false, 1e24, 2e24, 0, 1e23, '{}', sha256(int8send(n)),
           sha256(int8send(-n))
       FROM generate_series(1, %(proposals)s) n""",
    """INSERT INTO governance_proposalaction (proposal_id, position, target, value_wei, signature, calldata)
       SELECT %(first)s + n, k, '\\x2222222222222222222222222222222222222222', 0, 'transfer(address,uint256)', '\\x00'
       FROM generate_series(1, %(proposals)s) n, generate_series(0, 1) k""",
    """INSERT INTO governance_vote (dao_id, proposal_id, onchain_proposal_id, log_id, voter, support, weight, reason,
           params)
       SELECT (SELECT id FROM governance_dao), %(first)s + 1 + n %% %(proposals)s,
           (1 + n %% %(proposals)s)::numeric * 1e60, %(first)s + %(proposals)s + n,
           decode(lpad(to_hex(1 + n %% 200000), 40, '0'), 'hex'), n %% 3, (n %% 1000003)::numeric * 1e18, '', ''
       FROM generate_series(1, %(votes)s) n""",
    # Each delegates once; half of them got power twice, the others once.
    """INSERT INTO governance_delegation (dao_id, log_id, delegator, from_delegate, to_delegate)
       SELECT (SELECT id FROM governance_dao), %(first)s + %(proposals)s + %(votes)s + n,
           decode(lpad(to_hex(n), 40, '0'), 'hex'), '\\x00',
           decode(lpad(to_hex(CASE WHEN n %% 4 = 0 THEN 1 ELSE 1 + n / 3 END), 40, '0'), 'hex')
       FROM generate_series(1, %(delegates)s) n""",
    """INSERT INTO governance_powercheckpoint (dao_id, log_id, account, timepoint, previous_power, power)
       SELECT (SELECT id FROM governance_dao), %(first)s + %(proposals)s + %(votes)s + %(delegates)s + n,
           decode(lpad(to_hex(1 + n %% %(delegates)s), 40, '0'), 'hex'), 1000000 + n, 0, (n %% 1000003)::numeric * 1e18
       FROM generate_series(1, 3 * %(delegates)s / 2) n""",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a large site of aece923 takes to migrate.")
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--delegates", type=int, default=200_000)
    arguments = parser.parse_args()
    votes, delegates = arguments.votes, arguments.delegates
    with cluster() as server:
        url = server.fresh("migration")
        dump = gzip.decompress(DUMP.read_bytes())
        subprocess.run([postgres.binaries() / "psql", "-q", "-v", "ON_ERROR_STOP=1", url], input=dump, check=True)
        sizes = {"first": _FIRST, "proposals": _PROPOSALS, "votes": votes, "delegates": delegates}
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in _FILL:
                connection.execute(statement, sizes)
            connection.execute("VACUUM ANALYZE")
            begun = time.monotonic()
            connection.execute("CREATE TABLE copied AS SELECT * FROM governance_vote")
            copied_s = time.monotonic() - begun
            connection.execute("DROP TABLE copied")
        environment = {**os.environ, "DATABASE_URL": url, "MANDATE_RPC_URLS": ""}
        begun = time.monotonic()
        subprocess.run([sys.executable, "manage.py", "migrate", "--no-input"], cwd=ROOT, env=environment, check=True,
                       stdout=sys.stderr)  # fmt: skip
        migrated_s = time.monotonic() - begun
    found = {
        "votes": votes, "delegates": delegates, "proposals": _PROPOSALS, "migrate_s": round(migrated_s, 1),
        "copy_votes_s": round(copied_s, 1),
    }  # fmt: skip
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
