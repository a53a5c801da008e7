# SPDX-License-Identifier: Apache-2.0
"""Recordings are read strictly, the replay node answers like a node, and the command never leaves anything behind."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from websockets.sync.client import connect

from governance.chain import abi
from governance.chain.rpc import RangeTooLarge, Rpc, RpcError
from governance.sync import Status, sync_once
from replay.node import ReplayNode
from replay.recording import BadRecording, known_events, load
from replay.run import register, tell

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = "0x00000000000000000000000000000000000000c0"
CREATED = "ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)"
VOTE = "VoteCast(address,uint256,uint8,uint256,string)"
CREATED_HEADER = (
    "block_number,transaction_index,log_index,id,proposer,targets,values,signatures,calldatas,start,end,description"
)
VOTE_HEADER = "block_number,transaction_index,log_index,voter,proposal_id,support,votes,reason"
ADA, BEN = "0x" + "a1" * 20, "0x" + "b2" * 20


def record(folder, chain=7, **files):
    """A recording folder; `created`, `vote` and `blocks` are lists of lines below the header."""
    contract = folder / str(chain) / CONTRACT
    contract.mkdir(parents=True, exist_ok=True)
    if "created" in files:
        (contract / f"{CREATED}.csv").write_text("\n".join([CREATED_HEADER, *files["created"]]) + "\n")
    if "vote" in files:
        (contract / f"{VOTE}.csv").write_text("\n".join([VOTE_HEADER, *files["vote"]]) + "\n")
    if "blocks" in files:
        (folder / str(chain) / "blocks.csv").write_text("\n".join(["block_number,timestamp", *files["blocks"]]) + "\n")
    return folder


def created(block=100, proposal_id=1, calldatas="[]", description="# One", targets=f'["{CONTRACT}"]', values="[0]"):
    quoted = [text.replace('"', '""') for text in (targets, values, '[""]', calldatas, description)]
    return (
        f'{block},0,0,{proposal_id},{ADA},"{quoted[0]}","{quoted[1]}","{quoted[2]}","{quoted[3]}",110,200,"{quoted[4]}"'
    )


def vote(block=120, voter=ADA, proposal_id=1, support=1, weight=5, reason="", log=0):
    return f"{block},1,{log},{voter},{proposal_id},{support},{weight},{reason}"


def decoded(log):
    return abi.decode_log(log.topics, log.data, "GovernorBravo")


# ---------------------------------------------------------------------------------------------------- recordings


def test_values_are_read_as_they_were_emitted(tmp_path):
    row = created(calldatas="[a9059cbb00]", description='say ""hi""'.replace('""', '"'), values="[" + "9" * 40 + "]")
    (recording,) = load([record(tmp_path, created=[row])])
    event = decoded(recording.logs[0])
    assert event["targets"] == (bytes.fromhex(CONTRACT[2:]),)
    assert event["values"] == (int("9" * 40),)
    assert event["calldatas"] == (bytes.fromhex("a9059cbb00"),)
    assert (event["signatures"], event["description"]) == (("",), 'say "hi"')


def test_an_empty_list_of_byte_strings_is_one_empty_string_where_the_other_lists_have_one(tmp_path):
    (recording,) = load([record(tmp_path, created=[created(calldatas="[]")])])
    assert decoded(recording.logs[0])["calldatas"] == (b"",)


def test_two_quotes_are_an_empty_text(tmp_path):
    (recording,) = load([record(tmp_path, created=[created(description='""')])])
    assert decoded(recording.logs[0])["description"] == ""


def test_folders_are_merged_and_the_same_event_counts_once(tmp_path):
    first = record(tmp_path / "a", created=[created()], vote=[vote()])
    second = record(tmp_path / "b", vote=[vote(), vote(block=121)])
    (recording,) = load([first, second, second])
    assert [log.block_number for log in recording.logs] == [100, 120, 121]


def test_two_chains_are_two_recordings(tmp_path):
    record(tmp_path, chain=7, vote=[vote()])
    record(tmp_path, chain=8, vote=[vote()])
    assert [recording.chain_id for recording in load([tmp_path])] == [7, 8]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (vote()[:-3], r"csv:2: 6 columns, expected 8"),
        ('120,1,0,"' + ADA, r"csv:2: not CSV, or cut off"),
        (vote(voter="0x12"), r"csv:2: voter is not address"),
        (vote(support=256), r"csv:2: support is not uint8: '256'"),
        (vote(weight="-5"), r"csv:2: votes is not uint256"),
        (vote(weight="1e18"), r"csv:2: votes is not uint256"),
        (vote(weight=2**256), r"csv:2: votes is not uint256"),
        (vote(block="x"), r"csv:2: block_number is 'x'"),
        (vote(block=2**63), r"csv:2: block_number"),
        (vote() + "\n" + vote(weight=6), r"csv:3: block 120 has another log with index 0"),
    ],
)
def test_a_broken_row_is_named_by_file_and_line(tmp_path, line, expected):
    with pytest.raises(BadRecording, match=expected) as caught:
        load([record(tmp_path, vote=[line])])
    assert "\n" not in str(caught.value)


def test_logs_of_two_transactions_may_have_one_index(tmp_path):
    """As on chains whose nodes count logs in each transaction: both are votes, in the transactions' order."""
    votes = [vote(weight=7).replace("120,1,0", "120,2,0", 1), vote(), vote(weight=9).replace("120,1,0", "120,1,1", 1)]
    [recording] = load([record(tmp_path, vote=votes)])
    assert [(log.transaction_index, log.log_index) for log in recording.logs] == [(1, 0), (1, 1), (2, 0)]


@pytest.mark.parametrize(
    ("targets", "calldatas", "values"),
    [("no list", "[]", "[0]"), ('["0x12"]', "[]", "[0]"), ('["x"', "[]", "[0]"), ("[1]", "[]", "[0]"),
     (f'["{CONTRACT}"]', "[0]", "[0]"), (f'["{CONTRACT}"]', "[]", "[1.5]"), (f'["{CONTRACT}"]', "[]", "[[]]")],
)  # fmt: skip
def test_a_broken_list_is_refused(tmp_path, targets, calldatas, values):
    with pytest.raises(BadRecording, match="csv:2: "):
        load([record(tmp_path, created=[created(targets=targets, calldatas=calldatas, values=values)])])


def test_what_has_no_place_in_the_layout_is_refused(tmp_path):
    with pytest.raises(BadRecording, match="there is no such folder"):
        load([tmp_path / "missing"])
    with pytest.raises(BadRecording, match="the folder is empty"):
        load([tmp_path])
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(BadRecording, match=r"'notes.txt' is no chain id"):
        load([tmp_path])
    unknown = tmp_path / "u" / "1" / CONTRACT
    unknown.mkdir(parents=True)
    (unknown / "Surprise(uint256).csv").write_text("block_number,transaction_index,log_index,a\n")
    with pytest.raises(BadRecording, match=r"Surprise\(uint256\) is not an event"):
        load([tmp_path / "u"])
    (tmp_path / "v" / "1" / "0x12").mkdir(parents=True)
    with pytest.raises(BadRecording, match="'0x12' is no contract"):
        load([tmp_path / "v"])


def test_not_utf8_is_refused(tmp_path):
    file = record(tmp_path, vote=[vote()]) / "7" / CONTRACT / f"{VOTE}.csv"
    file.write_bytes(file.read_bytes() + b"121,1,0,\xff\xfe\n")
    with pytest.raises(BadRecording, match="not UTF-8"):
        load([tmp_path])


def test_the_table_of_known_events_has_one_layout_each():
    table = known_events()
    assert [part.indexed for part in table[VOTE].inputs] == [True, False, False, False, False]
    assert sum(signature.startswith("ProposalCreated(") for signature in table) == 4


# ---------------------------------------------------------------------------------------------------------- node


@pytest.fixture
def node(tmp_path):
    votes = [vote(), vote(voter=BEN, log=1), vote(block=130)]
    folder = record(tmp_path, created=[created()], vote=votes, blocks=["100,5000", "130,5061"])
    with ReplayNode(load([folder])[0], controls=True) as running:
        yield running


@pytest.fixture
def rpc(node):
    client = Rpc([node.url], 7, attempts=1)
    yield client
    client.close()


def test_blocks_hang_together_by_number_and_by_hash(rpc):
    head = rpc.block("latest")
    assert head.number == 130 + 128
    for number in (1, 99, 100, 130, head.number):
        block, parent = rpc.blocks([number, number - 1])
        assert block.parent_hash == parent.hash
        assert block.timestamp_chain_s > parent.timestamp_chain_s
        assert rpc.block(block.hash)._replace(transactions=()) == block  # batches come without transactions
    assert [rpc.block(number).timestamp_chain_s for number in (100, 115, 130)] == [5000, 5030, 5061]
    assert rpc.block(head.number + 1) is None
    assert rpc.block("finalized").number == head.number - 64
    assert "made up" in rpc.call("web3_clientVersion")


def test_logs_by_range_topic_address_and_block(rpc):
    address = bytes.fromhex(CONTRACT[2:])
    everything = rpc.logs(first_block=0, last_block=200)
    assert [(log.block_number, log.log_index) for log in everything] == [(100, 0), (120, 0), (120, 1), (130, 0)]
    ben = bytes(12) + bytes.fromhex(BEN[2:])
    assert rpc.logs([address], [[abi.topic(VOTE)], ben], first_block=0, last_block=200) == [everything[2]]
    assert rpc.logs([bytes(20)], first_block=0, last_block=200) == []
    block = rpc.block(120)
    assert rpc.logs(block_hash=block.hash) == everything[1:3]
    assert block.transactions == (everything[1].transaction_hash,)
    with pytest.raises(RpcError, match="beyond the current head"):
        rpc.logs(first_block=0, last_block=10**9)
    with pytest.raises(RpcError, match="unknown block"):
        rpc.logs(block_hash=bytes(32))


def test_what_was_not_recorded_is_not_made_up(rpc):
    for method in ("eth_call", "eth_getBalance", "eth_getTransactionReceipt", "eth_getCode"):
        with pytest.raises(RpcError, match=f"not recorded: a replay can't answer {method}"):
            rpc.call(method, [])


def test_faults_on_demand(node, rpc):
    node.faults.max_range = 50
    with pytest.raises(RangeTooLarge) as caught:
        rpc.logs(first_block=0, last_block=200)
    assert caught.value.max_blocks == 50
    node.faults.max_range, node.faults.max_results = None, 2
    with pytest.raises(RangeTooLarge) as caught:
        rpc.logs(first_block=0, last_block=200)
    first, last = caught.value.suggested
    assert len(rpc.logs(first_block=first, last_block=last)) <= 2
    rpc.call("replay_faults", [{"errors": {"eth_blockNumber": 1}, "max_results": None}])
    with pytest.raises(RpcError, match="on demand"):
        rpc.head_number()
    head = rpc.head_number()
    node.faults.head_back = 10
    assert rpc.head_number() == head - 10


def test_a_reorg_changes_hashes_from_its_depth_on_and_may_drop_logs(rpc):
    rpc.call("replay_setHead", [135])
    before = rpc.blocks(range(125, 136))
    rpc.call("replay_reorg", [6, True])
    after = rpc.blocks(range(125, 136))
    assert [a == b for a, b in zip(before, after, strict=True)] == [True] * 5 + [False] * 6
    assert after[5].parent_hash == before[4].hash
    assert rpc.block(before[5].hash) is None
    assert [log.block_number for log in rpc.logs(first_block=0, last_block=135)] == [100, 120, 120]


def test_a_load_balancer_before_recordings_flips_between_heads(node, rpc):
    head = rpc.head_number()
    node.faults.chances = {"older_sight": 0.5}
    assert {rpc.head_number() for _ in range(60)} == {head - back for back in range(5)}


def test_recorded_logs_are_pushed_by_websocket_as_the_head_passes_them_and_taken_back(tmp_path):
    folder = record(tmp_path, created=[created()], vote=[vote(), vote(block=130, voter=BEN)])
    with ReplayNode(load([folder])[0], websocket=True) as node:
        node.chain.set_head(110)
        with connect(node.ws_url) as heads, connect(node.ws_url) as logs:
            for socket, kind in ((heads, "newHeads"), (logs, "logs")):
                socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": [kind]}))
                assert "result" in json.loads(socket.recv(60))
            node.chain.set_head(121)
            numbers = [json.loads(heads.recv(60))["params"]["result"]["number"] for _ in range(11)]
            assert numbers == [hex(number) for number in range(111, 122)]
            log = json.loads(logs.recv(60))["params"]["result"]
            assert (log["blockNumber"], log["removed"]) == (hex(120), False)
            node.chain.reorg(5, drop_logs=True)
            gone = json.loads(logs.recv(60))["params"]["result"]
            assert (gone["blockHash"], gone["removed"]) == (log["blockHash"], True)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b"null", b'{"method":1}', b'{"method":"eth_getLogs","params":{}}']
)
def test_nonsense_gets_an_error_and_the_node_lives_on(node, rpc, body):
    answer = json.loads(node.respond(body))
    assert "error" in answer
    assert rpc.head_number()


# ------------------------------------------------------------------------------------------------------- command


def run(*arguments):
    return subprocess.run(
        [sys.executable, "manage.py", "replay", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/operators"},  # never touched
    )  # fmt: skip


def test_counts_and_tallies_come_out_and_gaps_show(tmp_path):
    big = 2**200
    folder = record(
        tmp_path,
        created=[created()],
        vote=[
            vote(weight=big),
            vote(voter=BEN, weight=big + 1, log=1),
            vote(block=130, proposal_id=9, support=0, weight=3),
            vote(block=131, voter=BEN, support=2, weight=7),
        ],
    )
    ran = run(folder, "--json")
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    (contract,) = report["contracts"]
    assert contract["events"] == {CREATED: 1, VOTE: 4}
    assert (contract["proposals"], contract["votes"], contract["checked"]) == (1, 4, "not checked")
    assert contract["tallies"]["1"] == {
        "against": "0", "for": str(2 * big + 1), "abstain": "7", "votes": 3, "proposal_seen": True,
    }  # fmt: skip
    assert contract["tallies"]["9"]["against"] == "3"
    assert [gap["proposal_id"] for gap in contract["gaps"]] == ["9"]


# Recordings of our own making: what each proposal is about is its name.
OPENZEPPELIN = ROOT / "tests" / "governance" / "recordings" / "openzeppelin-and-timelock"
COMPOUND = ROOT / "tests" / "governance" / "recordings" / "compound-and-timelock"


def states(*arguments) -> dict[str, dict]:
    """The states by the proposals' names, of one governor."""
    ran = run(*arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    [governor] = [c for c in json.loads(ran.stdout)["contracts"] if c["kind"] == "governor"]
    return named(governor["states"], arguments[0])


def named(found: dict[str, dict], folder: Path) -> dict[str, dict]:
    [path] = folder.glob("*/*/ProposalCreated(*.csv")
    with path.open(newline="") as file:
        return {row["description"].removeprefix("# "): found[row["id"]] for row in csv.DictReader(file)}


def test_a_governor_and_its_timelock_are_one_dao_and_each_proposal_has_its_state():
    """What the timelock alone says (run or cancelled past the governor) is the proposal's state."""
    found = {name: state["state"] for name, state in states(OPENZEPPELIN, "--quorum", 100).items()}
    assert found == {
        "Run past the governor": "Executed", "Cancelled in the timelock": "Canceled", "Queued": "Queued",
        "Defeated": "Defeated", "Carried": "Succeeded", "Short of the quorum": "Defeated", "Still open": "Active",
        "Not begun": "Pending", "Abstentions reach the quorum": "Succeeded",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_dao_that_was_read_otherwise_is_told_too_and_each_contract_only_once():
    """As tests/acceptance does after reorgs and kills: whoever reads the chain, one call tells all of the DAO."""
    [recording] = load([OPENZEPPELIN])
    with ReplayNode(recording) as node:
        rpc = Rpc([node.url], recording.chain_id, attempts=1)
        [dao] = register(recording)
        while (status := sync_once(dao, rpc).status) is Status.BEHIND:
            pass
        rpc.close()
    assert status is Status.CAUGHT_UP
    governor, timelock = tell(dao)
    assert (governor["kind"], timelock["kind"]) == ("governor", "timelock")
    assert sum(governor["events"].values()) + sum(timelock["events"].values()) == len(recording.logs)
    votes = sum(len(path.read_text().splitlines()) - 1 for path in OPENZEPPELIN.glob("*/*/VoteCast(*.csv"))
    assert (governor["votes"], timelock["votes"]) == (votes, 0)
    assert (governor["proposals"], timelock["proposals"], timelock["tallies"]) == (9, 0, {})


def test_what_only_a_quorum_decides_is_unknown_without_one():
    found = states(OPENZEPPELIN)
    unknown = {name: state.get("not_recorded") for name, state in found.items() if state["state"] == "Unknown"}
    assert unknown == dict.fromkeys(
        ("Carried", "Short of the quorum", "Abstentions reach the quorum"), "the quorum (name it with --quorum)"
    )


def test_a_state_that_a_time_decides_says_that_it_is_not_recorded(tmp_path):
    """Compound's timelock lets what is queued expire 14 days after its time; block 110 is the last one recorded. Each
    case is the same recording on a chain of its own."""
    over_s = 2_000_001 + 14 * 86_400
    cases = {
        7002: ("", {"state": "Unknown", "not_recorded": "the time of block 110"}),
        7003: (f"110,{over_s - 1}", {"state": "Queued"}),
        7004: (f"110,{over_s}", {"state": "Expired"}),
        7005: (f"109,{over_s}", {"state": "Expired"}),  # the last block is later still
        7006: ("109,2000001", {"state": "Unknown", "not_recorded": "the time of block 110"}),
    }
    for chain_id, (time_of_block, _) in cases.items():
        folder = tmp_path / str(chain_id) / str(chain_id)
        shutil.copytree(COMPOUND / "7002", folder)
        if time_of_block:
            (folder / "blocks.csv").write_text(f"block_number,timestamp\n{time_of_block}\n")
    ran = run(*(tmp_path / str(chain_id) for chain_id in cases), "--quorum", 100, "--json")
    assert ran.returncode == 0, ran.stderr
    told = {
        contract["chain_id"]: named(contract["states"], tmp_path / str(contract["chain_id"]))
        for contract in json.loads(ran.stdout)["contracts"]
        if contract["kind"] == "governor"
    }
    assert {chain_id: states["Number 1"] for chain_id, states in told.items()} == {
        chain_id: state for chain_id, (_, state) in cases.items()
    }
    for states_of_one in told.values():
        others = [states_of_one[f"Number {number}"]["state"] for number in (2, 3, 4, 5)]
        assert others == ["Executed", "Defeated", "Succeeded", "Defeated"]


def test_a_governor_by_time_is_told_at_the_last_recorded_time(tmp_path):
    start = 1_700_000_000
    row = created(block=100).replace(",110,200,", f",{start},{start + 600},")
    folder = record(tmp_path, created=[row], vote=[vote(weight=5)], blocks=[f"130,{start + 300}"])
    ran = run(folder, "--json", "--quorum", "5")
    [governor] = json.loads(ran.stdout)["contracts"]
    assert (governor["states"]["1"], governor["assumed"]["clock"]) == ({"state": "Active"}, "timestamp")
    (folder / "7" / "blocks.csv").write_text(f"block_number,timestamp\n119,{start + 300}\n")
    [governor] = json.loads(run(folder, "--json", "--quorum", "5").stdout)["contracts"]
    assert governor["states"]["1"] == {"state": "Unknown", "not_recorded": "the time of block 120"}


def test_a_proposal_without_a_recorded_vote_says_so(tmp_path):
    folder = record(tmp_path, created=[created()], vote=[vote(block=250, proposal_id=9)])
    [governor] = json.loads(run(folder, "--json", "--quorum", "5").stdout)["contracts"]
    assert governor["states"] == {"1": {"state": "Defeated", "not_recorded": "any vote"}}


def test_a_snapshot_of_another_clock_than_is_known_decides_nothing(tmp_path):
    folder = record(tmp_path, created=[created(block=5_000)], vote=[vote(block=5_001)])
    [governor] = json.loads(run(folder, "--json", "--quorum", "5").stdout)["contracts"]
    assert governor["states"]["1"]["state"] == "Unknown"
    assert "clock" in governor["states"]["1"]["not_recorded"]


@pytest.mark.parametrize("units", ["-1", "1.5", "many", str(2**256)])
def test_a_quorum_is_a_whole_number_of_units(tmp_path, units):
    ran = run(record(tmp_path, vote=[vote()]), f"--quorum={units}")
    assert ran.returncode != 0
    assert "a quorum is a whole number of base units" in ran.stderr


def test_bad_input_is_one_line_and_exit_1(tmp_path):
    broken = record(tmp_path / "broken", vote=[vote(), vote()[:-4]])
    for arguments in ([tmp_path / "missing"], [broken], [broken, "--json"]):
        ran = run(*arguments)
        assert (ran.returncode, ran.stdout) == (1, "")
        lines = [line for line in ran.stderr.splitlines() if "Error" in line or "Traceback" in line]
        assert len(lines) == 1, ran.stderr
        assert "Traceback" not in ran.stderr


@pytest.fixture
def open_folder():
    """A temporary folder that other users can reach: as root the database's server is another user."""
    folder = Path(tempfile.mkdtemp(prefix="mandate-test-replay-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_stopped_or_killed_it_leaves_no_process_and_the_next_run_no_folder(tmp_path, open_folder, how):
    """A kill can't be tidied up after by the one killed: its server ends with it, its folder goes with the next run."""
    many = [vote(block=10_000_000 * number) for number in range(1, 200)]  # keeps the sync busy for a while
    folder, temporary = record(tmp_path / "rec", vote=many), open_folder
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [sys.executable, "manage.py", "replay", str(folder)]
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    said = []
    while not said or not said[-1].startswith("chain 7"):
        said.append(child.stderr.readline())
        assert said[-1], f"the replay ended before it could be stopped: {said}"
    (place,) = temporary.glob("mandate-replay-*")
    server = int((place / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    child.send_signal(how)
    assert child.wait(20) == (130 if how == signal.SIGTERM else -how)
    child.stderr.close()
    for _ in range(100):
        if not Path(f"/proc/{server}").exists() or " Z " in Path(f"/proc/{server}/stat").read_text():
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the temporary database's server still runs")
    short = record(tmp_path / "short", vote=[vote()])
    subprocess.run([*command[:-1], str(short)], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert not list(temporary.glob("mandate-replay-*"))
