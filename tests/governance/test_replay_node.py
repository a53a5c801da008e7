# SPDX-License-Identifier: Apache-2.0
"""The replay node with chains made up in memory: how they change, how it goes wrong, and that it is a node by HTTP and
by WebSocket all the same."""

import json
import threading
import time
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from governance.chain import receipts
from governance.chain.rpc import RangeTooLarge, Receipt, Rpc, RpcError, RpcLimited, RpcUnreachable, WrongChain
from governance.sync.fetch import Span
from replay.faults import CARRIED, FORGED, KINDS, NUMBERINGS, PROVIDERS, Faults, mix
from replay.node import ReplayNode
from replay.sight import NodeError
from replay.synthetic import SyntheticChain, SyntheticTransaction

A, B = b"\xaa" * 20, b"\xbb" * 20
TOPIC = b"\x01" * 32


def sent(salt: int, address: bytes = A, logs: int = 1) -> SyntheticTransaction:
    return SyntheticTransaction(B, tuple((address, (TOPIC,), bytes([salt])) for _ in range(logs)), salt=salt)


@pytest.fixture
def chain():
    made = SyntheticChain(9, finality_depth=6)
    made.grow(*[[sent(n)] for n in range(20)])
    return made


@pytest.fixture
def node(chain):
    with ReplayNode(chain, websocket=True) as running:
        yield running


def client(node: ReplayNode, **options) -> Rpc:
    return Rpc([node.url], 9, **{"attempts": 1, "timeout_s": 5.0, **options})


# ---------------------------------------------------------------------------------------------------------- chains


def test_a_reorg_of_any_shape_and_the_way_back(chain):
    first = chain.blocks
    chain.reorg(3, [sent(19), sent(17)], [sent(18)])  # the same transactions in another order, and one block fewer
    assert chain.head == 19
    assert [log.data[0] for log in chain.moment().logs_between(18, 19)] == [19, 17, 18]
    assert chain.blocks[:18] == first[:18]
    assert chain.blocks[18].hash != first[18].hash
    assert chain.blocks[18].transactions[0].hash == first[20].transactions[0].hash
    chain.grow([], [])
    longer = chain.blocks
    chain.return_to(first)
    assert chain.blocks == first
    assert (chain.moment(1).blocks, chain.moment(3).head) == (longer, 19 + 1)
    with pytest.raises(ValueError, match="is final"):
        chain.reorg(chain.head - chain.final + 1)
    chain.reorg(15, even_final=True)
    with pytest.raises(ValueError, match="final block"):
        chain.return_to(SyntheticChain(10).blocks)


_CHANGES = st.lists(
    st.tuples(st.sampled_from(("grow", "reorg", "return")), st.integers(0, 9), st.integers(0, 12), st.integers(0, 3)),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(_CHANGES)
def test_after_reorgs_of_any_depth_and_shape_a_chain_hangs_together(changes):
    chain = SyntheticChain(9, finality_depth=6)
    chain.grow(*[[sent(n)] for n in range(8)])
    for what, depth, count, salt in changes:
        before, final = chain.blocks, chain.final
        blocks = [[sent(n, logs=1 + n % 3)] * (n % 2) for n in range(count)]
        try:
            if what == "grow":
                chain.grow(*blocks, salt=salt)
            elif what == "reorg":
                chain.reorg(depth, *blocks, salt=salt)
                kept = len(before) - depth
                assert chain.blocks[:kept] == before[:kept]
                assert chain.head == kept - 1 + count
            else:
                chain.return_to(chain.moment(depth).blocks)
        except ValueError:
            assert chain.blocks == before  # what is final stays
        assert chain.final >= final
        assert chain.blocks[: final + 1] == before[: final + 1]
    moment = chain.moment()
    for parent, block in pairwise(moment.blocks):
        assert (block.number, block.parent_hash) == (parent.number + 1, parent.hash)
        assert moment.number_of(block.hash) == block.number
        logs = moment.logs_between(block.number, block.number)
        assert [log.log_index for log in logs] == list(range(len(logs)))
    assert len({block.hash for block in moment.blocks}) == len(moment.blocks)


def test_equal_blocks_have_equal_hashes_and_others_have_others():
    one, other = SyntheticChain(9), SyntheticChain(9)
    for made in (one, other):
        made.grow([sent(1)], [])
    assert one.blocks == other.blocks
    assert [b.hash for b in one.blocks] == [b.hash for b in other.blocks]
    other.reorg(1, [], salt=7)
    assert one.blocks[2].hash != other.blocks[2].hash
    assert SyntheticChain(10).blocks[0].hash != one.blocks[0].hash


def test_it_answers_as_a_node_does(chain, node):
    rpc = client(node)
    head = rpc.block("latest", full=True)
    assert (head.number, head.parent_hash) == (20, rpc.block(19).hash)
    assert rpc.block("finalized").number == 14
    (log,) = rpc.logs(block_hash=head.hash)
    (receipt,) = rpc.block_receipts(head.hash)
    assert receipt.logs == (log._replace(timestamp_chain_s=log.timestamp_chain_s),)
    assert rpc.receipt(log.transaction_hash) == receipt
    assert rpc.transaction(log.transaction_hash).block_hash == head.hash
    assert rpc.block_receipts(bytes(32)) is None
    with pytest.raises(RpcError, match="does not exist"):
        rpc.call("debug_traceTransaction", ["0x" + "00" * 32])
    chain.codes[A] = b"\x00code"
    chain.call = lambda _to, _data, block: bytes([block]).rjust(32, b"\0")
    chain.grow([])
    assert rpc.get_code(A) == b"\x00code"
    assert rpc.eth_call(A, b"", 7)[-1] == 7
    assert rpc.eth_call(A, b"", head.hash)[-1] == 20
    chain.reorg(2, [], [], [])
    with pytest.raises(RpcError, match="header not found"):
        rpc.eth_call(A, b"", head.hash)


# ---------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_providers_refusals_are_understood(chain, node, provider):
    rpc = client(node)
    node.faults.provider, node.faults.max_range = provider, 5
    span, first, read = Span(16), 0, 0
    while first <= 20:
        try:
            last = min(first + span.blocks - 1, 20)
            read += len(rpc.logs([A], first_block=first, last_block=last))
            first = last + 1
        except RangeTooLarge as error:
            span.narrow(error, first)
    assert read == 20
    assert span.blocks <= 5
    node.faults.max_range, node.faults.max_results = None, 3
    with pytest.raises(RangeTooLarge):
        rpc.logs([A], first_block=0, last_block=20)
    node.faults.max_results = None
    node.faults.chances = {"rate_error": 1.0}
    with pytest.raises(RpcLimited):
        rpc.head_number()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("hang_up", RpcUnreachable), ("half_closed", RpcUnreachable), ("truncated", RpcUnreachable),
        ("not_json", RpcUnreachable), ("server_error", RpcUnreachable), ("rate_status", RpcLimited),
        ("rate_status_after", RpcLimited), ("internal_error", RpcError), ("rate_error", RpcLimited),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_an_error_and_never_an_answer(chain, node, kind, expected):
    rpc = client(node)
    node.faults.retry_after_s = 7
    assert rpc.head_number() == 20
    node.faults.chances = {kind: 1.0}
    with pytest.raises(expected) as caught:
        rpc.logs([A], first_block=0, last_block=20)
    if kind == "rate_status_after":
        assert caught.value.retry_after_s == 7
    node.faults.chances = {}
    assert len(rpc.logs([A], first_block=0, last_block=20)) == 20


def test_lies_and_older_sights(chain, node):
    rpc = client(node)
    node.faults.chances = {"empty_logs": 1.0}
    assert rpc.logs([A], first_block=0, last_block=20) == []
    node.faults.chances = {"missing_logs": 1.0}
    assert 0 < len(rpc.logs([A], first_block=0, last_block=20)) < 20
    node.faults.chances = {"null_block": 1.0}
    assert rpc.block(3) is None
    node.faults.chances = {}
    node.faults.final_back = 0
    assert rpc.block("finalized").number == 20
    before = chain.blocks[-1].hash
    chain.reorg(2, [], [])
    assert rpc.block("latest").hash != before
    node.faults.sights_back = 1
    assert rpc.block("latest").hash == before
    node.faults.chain_id = 5
    with pytest.raises(WrongChain):
        client(node).head_number()
    assert set(CARRIED) < KINDS


def test_a_load_balancer_flips_between_heads_and_each_answer_is_of_one_of_them(chain, node):
    """Requests meet now one node and now another; those of a batch meet the same."""
    earlier = chain.blocks
    for number in range(50, 54):
        chain.grow([sent(number)])
    chain.reorg(2, [sent(60)], [sent(61)], [sent(62)])
    later = chain.blocks
    node.faults.chances = {"older_sight": 0.5}
    rpc, seen = client(node), set()
    for _ in range(60):
        head, below = rpc.batch([("eth_getBlockByNumber", [n, False]) for n in ("latest", hex(19))])
        assert below["hash"] == "0x" + earlier[19].hash.hex()
        seen.add((head["number"], head["hash"]))
    shown = {(hex(len(moment.blocks) - 1), "0x" + moment.blocks[-1].hash.hex()) for moment in chain.moments[-5:]}
    assert (hex(len(later) - 1), "0x" + later[-1].hash.hex()) in seen
    assert len(seen) > 1
    assert seen <= shown


def test_a_rate_limit_lets_so_many_requests_through_a_second(chain, node):
    """Those of a batch count one by one, as providers count them."""
    node.faults.requests_per_s = 5
    rpc = Rpc([node.url], None, attempts=1)  # which waits for no rate
    begun, through, refused = time.monotonic(), 0, 0
    while time.monotonic() - begun < 1.5 or refused <= 5:
        try:
            rpc.call("eth_blockNumber")
            through += 1
        except RpcLimited:
            refused += 1
    assert 5 <= through <= 5 * (time.monotonic() - begun + 1) + 1
    time.sleep(1.1)
    with pytest.raises(RpcLimited):
        rpc.batch([("eth_blockNumber", [])] * 6)
    time.sleep(1.1)
    assert rpc.batch([("eth_blockNumber", [])] * 4) == [hex(chain.head)] * 4


def test_one_seed_gives_one_sequence_of_faults(chain):
    def told(seed: int) -> list[str]:
        with ReplayNode(chain, faults=Faults(chances={"hang_up": 0.3, "not_json": 0.3}), seed=seed) as running:
            rpc, outcomes = Rpc([running.url], None, attempts=1), []
            for _ in range(30):
                try:
                    rpc.head_number()
                    outcomes.append("right")
                except RpcUnreachable as error:
                    outcomes.append(error.message)
            return outcomes

    assert told(1) == told(1) != told(2)
    assert mix(3) == mix(3) != mix(4)


def test_a_restart_in_the_middle_of_a_request_ends_it_and_the_node_is_back_where_it_was(chain, node):
    rpc = client(node, timeout_s=60.0)
    url = node.url
    node.faults.latency_s = 20.0  # in which it is stopped also on a machine that does much else
    failed = []

    def ask():
        try:
            rpc.call("eth_blockNumber")
        except RpcUnreachable as error:
            failed.append(error)

    asking = threading.Thread(target=ask)
    rpc_ready = client(node)
    asking.start()
    while node.requests == 0 and asking.is_alive() and not node._server._open:
        time.sleep(0.01)
    node.stop()
    asking.join(60)
    assert failed
    node.faults.latency_s = 0.0
    node.start()
    assert node.url == url
    assert rpc_ready.head_number() == 20


# ------------------------------------------------------------------------------------------------------- WebSocket


def test_requests_by_websocket(node):
    with connect(node.ws_url) as socket:
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 4, "method": "eth_blockNumber", "params": []}))
        assert json.loads(socket.recv(60)) == {"jsonrpc": "2.0", "id": 4, "result": "0x14"}
        socket.send("nonsense")
        assert json.loads(socket.recv(60))["error"]["code"] == -32700
        node.faults.provider, node.faults.chances = "ankr", {"rate_error": 1.0}
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 5, "method": "eth_blockNumber", "params": []}))
        with pytest.raises(ConnectionClosed):
            socket.recv(60)


def subscribe(socket, *params) -> str:
    socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": params}))
    return json.loads(socket.recv(60))["result"]


def test_heads_and_logs_are_pushed_and_those_of_replaced_blocks_are_taken_back(chain, node):
    with connect(node.ws_url) as heads, connect(node.ws_url) as logs:
        name = subscribe(heads, "newHeads")
        subscribe(logs, "logs", {"address": "0x" + A.hex()})
        chain.grow([sent(50)], [])
        pushed = [json.loads(heads.recv(60))["params"] for _ in range(2)]
        assert [(p["subscription"], p["result"]["number"]) for p in pushed] == [(name, "0x15"), (name, "0x16")]
        log = json.loads(logs.recv(60))["params"]["result"]
        assert (log["data"], log["removed"]) == ("0x32", False)
        chain.reorg(2, [sent(51)], [])
        gone, new = (json.loads(logs.recv(60))["params"]["result"] for _ in range(2))
        assert (gone["data"], gone["removed"]) == ("0x32", True)
        assert (new["data"], new["removed"]) == ("0x33", False)
        assert json.loads(heads.recv(60))["params"]["result"]["hash"] == "0x" + chain.blocks[21].hash.hex()
        heads.send(json.dumps({"jsonrpc": "2.0", "id": 2, "method": "eth_unsubscribe", "params": [name]}))
        while "result" not in (answer := json.loads(heads.recv(60))):
            pass
        assert answer["result"] is True


def test_a_restart_ends_every_socket_and_the_node_answers_at_the_same_address(chain, node):
    url = node.ws_url
    with connect(url) as socket:
        subscribe(socket, "newHeads")
        node.stop()
        with pytest.raises(ConnectionClosed):
            socket.recv(60)
    with pytest.raises(OSError):
        connect(url)
    chain.reorg(1, [], [])
    node.start()
    assert node.ws_url == url
    with connect(url) as socket:
        name = subscribe(socket, "newHeads")
        chain.grow([])
        pushed = json.loads(socket.recv(60))["params"]
        assert (pushed["subscription"], pushed["result"]["number"]) == (name, hex(chain.head))


def test_controls_refuse_what_does_not_exist():
    chain = SyntheticChain(9)
    with ReplayNode(chain, controls=True) as running:
        rpc = client(running)
        rpc.call("replay_faults", [{"provider": "infura", "chances": {"hang_up": 0.0}}])
        assert running.faults.provider == "infura"
        for bad in ({"provider": "nobody"}, {"chances": {"bad_luck": 1}}, {"what": 1}):
            with pytest.raises(RpcError, match="no such"):
                rpc.call("replay_faults", [bad])
        with pytest.raises(RpcError):
            rpc.call("replay_setHead", [3])
    with pytest.raises(NodeError):
        ReplayNode(chain).sight().answer("eth_unknown", [])


def test_a_node_of_another_network_answers_now_and_then(chain, node):
    """It has the same contracts, with the same logs in other blocks, and says its own chain's id."""
    node.faults.chances = {"other_network": 1.0}
    sight = node.sight()
    assert int(sight.answer("eth_chainId", []), 16) == chain.chain_id + 1
    assert int(sight.answer("eth_blockNumber", []), 16) > chain.head
    place = {"fromBlock": "0x0", "toBlock": hex(chain.head)}
    theirs, (ours) = sight.answer("eth_getLogs", [place]), chain.moment().logs_between(0, chain.head)
    assert len(theirs) == len([log for log in ours if log.block_number < chain.head])
    assert not {log["blockHash"] for log in theirs} & {"0x" + block.hash.hex() for block in chain.blocks}


def test_receipts_may_be_missing_or_lack_logs(chain, node):
    def logs() -> int:
        sight = node.sight()
        blocks = [sight.answer("eth_getBlockReceipts", [hex(number)]) for number in range(21)]
        return sum(len(receipt["logs"]) for receipts in blocks for receipt in receipts)

    assert logs() == 20
    node.faults.receipts = "partial"
    assert 0 < logs() < 20
    assert logs() == logs()  # always the same ones
    node.faults.receipts = "null"
    assert node.sight().answer("eth_getBlockReceipts", [hex(20)]) is None
    node.faults.receipts = "unknown"
    with pytest.raises(NodeError, match="does not exist"):
        logs()


@pytest.mark.parametrize("numbering", NUMBERINGS)
def test_forged_receipts_hide_logs_and_add_some_and_rebuild_another_root(node, chain, numbering):
    """They are counted as whole ones are, so that nothing but the root tells."""
    node.faults.numbering = numbering
    rpc = Rpc([node.url], chain.chain_id)
    numbers = range(1, chain.head + 1)
    roots = [header.receipts_root for header in rpc.blocks(numbers)]

    def shown(number: int) -> list[tuple[int, int, bytes]]:
        return [(log.transaction_index, log.log_index, log.data) for r in receipts_of(number) for log in r.logs]

    def receipts_of(number: int) -> list[Receipt]:
        return rpc.block_receipts(chain.blocks[number].hash)

    whole = [shown(number) for number in numbers]
    node.faults.receipts = FORGED
    forged = [shown(number) for number in numbers]
    assert forged == [shown(number) for number in numbers]  # always the same ones
    hides = adds = 0
    for number, root, before, after in zip(numbers, roots, whole, forged, strict=True):
        hides += bool({data for *_, data in before} - {data for *_, data in after})
        adds += bool({data for *_, data in after} - {data for *_, data in before})
        assert (receipts.root(receipts_of(number)) == root) == (before == after)
        in_each = [[index for at, index, _ in after if at == place] for place in dict.fromkeys(at for at, *_ in after)]
        counted = in_each if numbering == "transaction" else [[index for _, index, _ in after]]
        assert all(indexes == list(range(len(indexes))) for indexes in counted)
    assert hides > 1
    assert adds > 1


def test_all_logs_of_a_transaction_may_stand_in_one_place(chain, node):
    chain.grow([SyntheticTransaction(A, ((A, (bytes(32),), b"1"), (A, (bytes(32),), b"2")))])
    node.faults.one_place = True
    place = {"fromBlock": hex(chain.head), "toBlock": hex(chain.head)}
    found = node.sight().answer("eth_getLogs", [place])
    assert [log["logIndex"] for log in found] == ["0x0", "0x0"]
