# SPDX-License-Identifier: Apache-2.0
"""Real logs through the real sync: the numbers of ../shared/data/README.md, summed here from the CSV independently."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest
from django.db import connection

from governance.chain.rpc import Rpc, RpcError
from governance.models import Cursor, SyncIncident
from governance.sync import Status, sync_once
from replay import run
from replay.faults import mix
from replay.node import ReplayChain, ReplayNode
from replay.recording import load
from tests.governance.runs import BeforeStatement, Worker, read

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "governance-events"
PROPOSALS, VOTES = DATA / "1000-all-uniswap-to-PID83", DATA / "2000-uniswap-PID83-only"
ELECTION = DATA / "3000-op-approval-PID31049"
CREATED = DATA / "5000-all-optimism-proposalcreated-to-20250425"
POWER = DATA / "5500-10Koptimism-dvc-w-blocks"
ELECTED = "31049359136632781771607732021569520613741907517136820917236339424553298132866"

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here"),
]


def replay(*folders):
    ran = subprocess.run(
        [sys.executable, "manage.py", "replay", "--json", *map(str, folders)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "DATABASE_URL": "postgres://x@127.0.0.1:1/x"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)  # nothing else is on stdout


def rows(folder, event):
    csv.field_size_limit(sys.maxsize)
    (path,) = folder.glob(f"*/*/{event}(*.csv")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def sums(votes):
    totals = Counter()
    for row in votes:
        totals[row["support"]] += int(row["votes"])
    return {"against": str(totals["0"]), "for": str(totals["1"]), "abstain": str(totals["2"])}


def test_uniswap_proposals_with_the_votes_of_one_come_out_exactly():
    votes, proposals = rows(VOTES, "VoteCast"), rows(PROPOSALS, "ProposalCreated")
    assert (len(proposals), len(votes)) == (83, 352)
    assert {row["proposal_id"] for row in votes} == {"83"}
    report = replay(PROPOSALS, VOTES)
    (contract,) = report["contracts"]
    assert contract["address"] == "0x408ED6354d4973f66138C91495F2f2FCbd8724C3"
    assert (contract["proposals"], contract["votes"]) == (83, 352)
    assert sorted(contract["events"].values()) == [83, 352]
    assert set(contract["tallies"]) == {row["id"] for row in proposals}
    assert contract["tallies"]["83"] == {**sums(votes), "votes": 352, "proposal_seen": True}
    assert all(tally["votes"] == 0 for proposal_id, tally in contract["tallies"].items() if proposal_id != "83")
    assert (contract["gaps"], contract["incidents"], contract["checked"]) == ([], [], "not checked")


def test_votes_without_their_proposal_are_tallied_and_the_gap_is_shown():
    votes = rows(VOTES, "VoteCast")
    (contract,) = replay(VOTES)["contracts"]
    assert (contract["proposals"], contract["votes"]) == (0, 352)
    assert contract["tallies"] == {"83": {**sums(votes), "votes": 352, "proposal_seen": False}}
    assert [gap["proposal_id"] for gap in contract["gaps"]] == ["83"]


def test_an_elections_options_come_out_exactly():
    """What each option got is in the params of the votes in favour; the abstentions stand in the plain events."""
    votes, with_params = rows(ELECTION, "VoteCast"), rows(ELECTION, "VoteCastWithParams")
    (contract,) = replay(ELECTION)["contracts"]
    assert sorted(contract["events"].values()) == [1, len(votes), len(with_params)] == [1, 86, 7629]
    assert (contract["proposals"], contract["gaps"], contract["kept_raw_only"]) == (1, [], {})
    assert contract["kinds"] == {"approval": 1}
    ((proposal_id, tally),) = contract["tallies"].items()
    assert proposal_id == ELECTED
    assert_election(tally)
    sums = Counter()
    for row in with_params:
        if row["support"] == "1":
            words = [int(row["params"][at : at + 64], 16) for at in range(0, len(row["params"]), 64)]
            for option in words[2 : 2 + words[1]]:  # one dynamic array: where it begins, how long it is, its items
                sums[option] += int(row["weight"])
    assert tally["options"] == {str(option): str(sums[option]) for option in range(15)}


def assert_election(tally):
    assert tally["votes"] == 86 + 7629
    assert tally["abstain"] == "1087007682453656513592020"
    assert tally["options"]["0"] == "32371488932049684561146389"
    assert tally["options"]["14"] == "10504614280025813357834598"


def test_three_kinds_of_proposals_are_told_apart():
    (contract,) = replay(CREATED)["contracts"]
    assert contract["kinds"] == {"standard": 73, "approval": 51, "optimistic": 3}
    assert (contract["proposals"], contract["gaps"], contract["kept_raw_only"]) == (127, [], {})


def test_every_checkpoint_begins_where_the_delegates_last_one_ended():
    last, pairs = {}, 0
    for row in sorted(rows(POWER, "DelegateVotesChanged"), key=lambda r: (int(r["block_number"]), int(r["log_index"]))):
        if row["delegate"] in last:
            assert last[row["delegate"]] == row["previous_balance"]
            pairs += 1
        last[row["delegate"]] = row["new_balance"]
    (contract,) = replay(POWER)["contracts"]
    assert sum(contract["events"].values()) == 10_000
    assert contract["power"] == {"pairs": pairs, "breaks": []} == {"pairs": 8995, "breaks": []}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(int(os.environ.get("MANDATE_REPLAY_SEEDS", 1))))
def test_the_numbers_are_the_same_when_everything_goes_wrong(seed):
    """Two nodes, one of which lies about logs and finality, and every fault of every provider now and then."""
    recordings = load([PROPOSALS, VOTES, ELECTION, CREATED, POWER])
    report = run.replay(recordings, nodes=mix(seed), seed=seed).as_json()
    assert report["repeated"] > 0
    uniswap, optimism, token = report["contracts"]
    assert (uniswap["proposals"], uniswap["votes"]) == (83, 352)
    assert uniswap["tallies"]["83"] == {**sums(rows(VOTES, "VoteCast")), "votes": 352, "proposal_seen": True}
    # The election's proposal is one of the 127.
    assert optimism["kinds"] == {"standard": 73, "approval": 51, "optimistic": 3}
    assert_election(optimism["tallies"][ELECTED])
    assert token["power"] == {"pairs": 8995, "breaks": []}
    stopping = {"gap", "deep_reorg", "node_error", "undecodable"}
    assert not [i for contract in report["contracts"] for i in contract["incidents"] if i["kind"] in stopping]


def head_of(recording, chain, random):
    """A head at which blocks with logs can still be replaced."""
    return min(random.choice(recording.logs).block_number + random.randint(0, 30), chain.head)


def come_to_head(dao, rpc, head):
    failures = Counter()
    for _ in range(300):
        try:
            status = sync_once(dao, rpc).status
        except RpcError as error:  # a fault; a task would come again
            failures[str(error)] += 1
            continue
        failures[status] += 1
        assert status is not Status.STOPPED
        if status is Status.CAUGHT_UP and Cursor.objects.get(dao=dao).next_block > head - 4:  # the nodes lag so far
            return
    raise AssertionError(f"{dao} did not come to block {head}: {failures.most_common(5)}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(int(os.environ.get("MANDATE_REPLAY_SEEDS", 1))))
def test_the_numbers_are_the_same_after_reorgs_restarts_and_kills(seed):
    """As above, and while the chain grows its last blocks are replaced, a load balancer flips between heads, nodes
    restart, and workers are killed with -9 while they store. Of the recordings those whose logs lie close together: the
    others are thousands of ranges without logs."""
    random = Random(seed)
    contracts, killed = [], 0
    for recording in load([VOTES, ELECTION, POWER]):
        chain = ReplayChain(recording)
        last = chain.head
        heads = [*sorted(head_of(recording, chain, random) for _ in range(3)), last]
        with ExitStack() as stack:
            faults = mix(seed)
            for node_faults in faults:
                node_faults.chances["older_sight"] = 0.02
            nodes = [stack.enter_context(ReplayNode(chain, faults=f, seed=seed)) for f in faults]

            def client(nodes=nodes, chain=chain):
                return Rpc(
                    [node.url for node in nodes], chain.chain_id, attempts=3, aside_s=0.1, distrust_s=0.2, wait_s=0.01
                )

            rpc = client()
            stack.callback(rpc.close)
            daos = run.register(recording)
            for head in heads:
                print(head, flush=True)
                chain.set_head(head)
                for dao in daos:
                    killed += "killed" in killed_while_storing(dao, client, random.randint(1, 25))
                    come_to_head(dao, rpc, head)
                if head < last:
                    chain.reorg(random.randint(40, 60))
                    node = random.choice(nodes)
                    node.stop()
                    node.start()
                else:
                    chain.reorg(random.randint(1, 60))
            for dao in daos:
                come_to_head(dao, rpc, last)
                assert SyncIncident.objects.filter(dao=dao, kind="reorg", facts__dropped_logs__gt=0).exists()
                contracts += run.tell(dao)
    assert killed
    uniswap, optimism, token = contracts
    assert uniswap["tallies"] == {"83": {**sums(rows(VOTES, "VoteCast")), "votes": 352, "proposal_seen": False}}
    assert_election(optimism["tallies"][ELECTED])
    assert optimism["kinds"] == {"approval": 1}
    assert token["power"] == {"pairs": 8995, "breaks": []}
    wrong = SyncIncident.objects.filter(kind__in=("gap", "deep_reorg", "undecodable"), resolved_at=None)
    assert [incident.facts for incident in wrong] == [{"proposal_id": "83"}]  # its creation is in another folder


def killed_while_storing(dao, client, statement):
    """What a worker told that is killed before its n-th statement in a transaction, if it comes so far."""

    def work(tell):
        def die():
            os.kill(os.getpid(), signal.SIGKILL)

        with connection.execute_wrapper(BeforeStatement(statement, die, lambda _sql: connection.in_atomic_block)):
            read(dao, client(), tell)

    return Worker(work).told()


def test_a_file_cut_off_in_the_middle_is_one_clear_line(tmp_path):
    source = next(VOTES.glob("*/*/*.csv"))
    copy = tmp_path / source.relative_to(VOTES)
    copy.parent.mkdir(parents=True)
    content = source.read_bytes()
    copy.write_bytes(content[: content.index(b"The four strategic") + 60])
    ran = subprocess.run(
        [sys.executable, "manage.py", "replay", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert "cut off" in ran.stderr.strip().splitlines()[-1]
    assert "Traceback" not in ran.stderr
