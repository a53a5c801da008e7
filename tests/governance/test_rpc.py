# SPDX-License-Identifier: Apache-2.0
"""What nodes really answer: errors in their own words, nonsense, silence; and that a key in a URL shows nowhere."""

import ast
import gzip
import json
import logging
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from governance.chain.rpc import (
    Answered,
    BatchTooLarge,
    CallReverted,
    Distrusted,
    Known,
    RangeTooLarge,
    Rpc,
    RpcError,
    RpcLimited,
    RpcUnreachable,
    WrongChain,
)
from governance.chain.rpc.dialects import classify

KEY = "s3cr3t-api-key"


class Node:
    """A stand-in for nodes that can't be had here: `answers` maps a method to a result, an error or a function."""

    def __init__(self, chain_id=1):
        self.answers = {"eth_chainId": hex(chain_id)}
        self.raw = None  # (status, headers, body) in place of any answer
        self.asked = []
        self.posts = 0

    def refuses(self, _request) -> dict | None:
        """The error that a whole HTTP request gets, if any."""

    def respond(self, request):
        self.asked.append(request["method"])
        answer = self.answers.get(request["method"], {"error": {"code": -32601, "message": "no such method"}})
        if callable(answer):
            answer = answer(request["params"])
        body = answer if isinstance(answer, dict) and ("error" in answer or "result" in answer) else {"result": answer}
        return {"jsonrpc": "2.0", "id": request["id"], **body}


@pytest.fixture
def serve():
    running = []

    def start(node):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                node.posts += 1
                if node.raw is not None:
                    status, headers, body = node.raw
                else:
                    if refusal := node.refuses(request):
                        answer = {"jsonrpc": "2.0", "id": None, "error": refusal}
                    elif isinstance(request, list):
                        answer = [node.respond(item) for item in request][::-1]
                    else:
                        answer = node.respond(request)
                    status, headers, body = 200, {}, json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return f"http://user:{KEY}@127.0.0.1:{server.server_address[1]}/v2/{KEY}?key={KEY}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def ask(node, serve, **options):
    return Rpc([serve(node)], 1, **{"attempts": 1, "timeout_s": 2.0, **options})


def error(code, message, data=None):
    return {"error": {"code": code, "message": message, **({"data": data} if data is not None else {})}}


LARGE = [
    # Alchemy
    (-32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit "
     "on the response size, or you can request any block range with a cap of 10K logs in the response. Based on your "
     "parameters and the response size limit, this block range should work: [0x0, 0x7d0]", None, (0, 2000), 2000),
    (-32600, "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. Based on your "
     "parameters, this block range should work: [0x10, 0x19].", None, (16, 25), 10),
    # Infura
    (-32005, "query returned more than 10000 results. Try with this block range [0x131A1C8, 0x131A5AA].", None,
     (0x131A1C8, 0x131A5AA), None),
    (-32005, "query returned more than 10000 results", {"from": "0x1", "limit": 10000, "to": "0xff"}, (1, 255), None),
    # QuickNode
    (-32614, "eth_getLogs is limited to a 10,000 range", None, None, 10_000),
    (-32602, "eth_getLogs and eth_newFilter are limited to a 10,000 blocks range", None, None, 10_000),
    # Ankr
    (-32000, "block range is too wide", None, None, None),
    # Erigon, reth, geth and others
    (-32000, "query returned too many results, please narrow the block range", None, None, None),
    (-32602, "query exceeds max results 20000, retry with the range 100-250", None, (100, 250), None),
    (-32602, "query exceeds max block range 100000", None, None, 100_000),
    (-32005, "logs matched by query exceeds limit of 10000", None, None, None),
    (-32000, "requested too many blocks from 0 to 16777216, maximum is set to 2048", None, None, 2048),
    (-32603, "block range greater than 3000 max", None, None, 3000),
    (-32005, "exceed maximum block range: 50000", None, None, 50_000),
    (-32000, "eth_getLogs range is too large, max is 1k blocks", None, None, 1000),
    (-32000, "query timeout exceeded. Consider reducing your block range.", None, None, None),
    (-32602, "range 1000000 exceeds limit of 10000", None, None, 10_000),  # Infura, since 2026
    (-32602, "query block range exceeds server limit, narrow your filter: 1000", None, None, 1000),  # Erigon 3.4
    (-32000, "query returns too many logs, narrow your filter: 20000", None, None, None),
    (-32005, "block range too large, max range: 1000", None, None, 1000),
    (-32000, "block range is larger than max, block range = 5120, max block range = 5000", None, None, 5000),
    (-32600, "block range too high", None, None, None),
    (-32005, "query returned more than 5 results", {"from": "nonsense", "to": "0x1"}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message", "data", "suggested", "most"), LARGE)
def test_too_large_a_range_is_known_in_each_providers_words(code, message, data, suggested, most):
    found = classify(error(code, message, data)["error"], "eth_getLogs")
    assert isinstance(found, RangeTooLarge)
    assert (found.suggested, found.max_blocks) == (suggested, most)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (429, "Your app has exceeded its compute units per second capacity."),
        (-32005, "project ID request rate exceeded"),
        (-32005, "daily request count exceeded, request rate limited"),
        (-32007, "50/second request limit reached - reduce calls per second or upgrade your account"),
        (-32000, "Too many requests, please slow down"),
        (-32012, "credits limited to 6000/sec"),
        (-32090, "Too many requests, please apply an Ankr API key"),
    ],
)
def test_a_rate_limit_is_not_a_range_limit(code, message):
    assert isinstance(classify(error(code, message)["error"], "eth_getLogs"), RpcLimited)


@pytest.mark.parametrize(
    ("code", "message", "data", "expected"),
    [
        (3, "execution reverted", "0xdeadbeef", b"\xde\xad\xbe\xef"),  # geth, anvil
        (-32015, "VM execution error.", "Reverted 0xdeadbeef", b"\xde\xad\xbe\xef"),  # Parity, Nethermind
        (-32603, "VM Exception while processing transaction: reverted", {"data": "0xdeadbeef"}, b"\xde\xad\xbe\xef"),
        (-32000, "execution reverted", None, b""),
        (3, "execution reverted", "0xzz", b""),
        (3, "execution reverted", 7, b""),
    ],
)
def test_revert_data_comes_out_of_each_nodes_shape(code, message, data, expected):
    found = classify(error(code, message, data)["error"], "eth_call")
    assert isinstance(found, CallReverted)
    assert found.data == expected


@pytest.mark.parametrize(
    "hostile", [None, "text", 7, {}, {"code": "x", "message": 5}, {"code": True}, {"message": "a\nb"}]
)
def test_an_error_of_any_shape_is_an_rpc_error_on_one_line(hostile):
    found = classify(hostile, "eth_call", "http://node")
    assert isinstance(found, RpcError)
    assert "\n" not in str(found)
    assert len(str(classify({"message": "x" * 10**6}, "eth_call"))) < 500


@pytest.mark.parametrize(
    "raw",
    [
        (200, {}, b"<html>"), (200, {}, b""), (200, {}, b"[]"), (200, {}, b"null"), (200, {}, b'{"result":1}'),
        (500, {}, b"oops"), (301, {"location": "http://127.0.0.1:1/"}, b""), (200, {}, b"7"),
        (200, {"content-encoding": "gzip"}, b"no gzip"),
        (404, {}, b"{}"), (200, {}, b"\xff" * 100), (200, {}, b"[" * 100_000),
    ],
)  # fmt: skip
def test_nonsense_is_a_clear_error_and_never_a_value(serve, raw):
    node = Node()
    node.raw = raw
    with pytest.raises(RpcError) as caught:
        ask(node, serve).head_number()
    assert "127.0.0.1" in str(caught.value)


def test_an_answer_without_end_is_cut_off(serve):
    node = Node()
    node.raw = (200, {"content-encoding": "gzip"}, gzip.compress(b'{"result":"' + b"0" * 30_000_000))
    with pytest.raises(RpcUnreachable, match="more than 1 MiB"):
        ask(node, serve, max_response_bytes=2**20).head_number()


def test_more_logs_than_are_read_at_once_are_a_range_that_is_too_large(serve):
    """Or a busy stretch of a chain behind a node without limits could never be read."""
    node = Node()
    node.answers["eth_getLogs"] = "0" * 2**21
    rpc = ask(node, serve, max_response_bytes=2**20)
    with pytest.raises(RangeTooLarge, match="more than 1 MiB"):
        rpc.range_logs([([b"\x01" * 20], [])], 1, 2, below=False)
    assert not rpc._endpoints[0].failures  # it is asked again at once, for less


def test_silence_ends_in_time(serve):
    node = Node()
    node.answers["eth_blockNumber"] = lambda _: time.sleep(1.5)
    with pytest.raises(RpcUnreachable, match=r"did not answer within 0\.3 s"):
        ask(node, serve, timeout_s=0.3).head_number()


def test_an_endpoint_is_asked_as_often_as_it_answers(serve):
    """Of a rate limit that counts every request in a batch, reading learns; nothing is given up half way."""
    times: list[float] = []

    class Limited(Node):
        def refuses(self, request):
            count, now = len(request) if isinstance(request, list) else 1, time.monotonic()
            times[:] = [t for t in times if t > now - 1]
            if len(times) + count > 30:
                return {"code": 429, "message": "compute units per second capacity exceeded"}
            times.extend([now] * count)
            return None

    node = Limited()
    node.answers["eth_getBalance"] = lambda params: params[0]
    client = ask(node, serve, attempts=3)
    asked = [("eth_getBalance", [hex(n)]) for n in range(100)]
    assert client.batch(asked) == [params[0] for _, params in asked]
    assert client.portion(100) <= 38


def test_one_limited_request_of_a_batch_is_a_batch_that_was_too_large(serve):
    node = Node()
    node.answers |= {"eth_blockNumber": "0x5", "eth_call": error(429, "rate limit")}
    client = ask(node, serve, attempts=2)
    with pytest.raises(RpcLimited):
        client.batch([*[("eth_blockNumber", [])] * 99, ("eth_call", [])], together=True)
    assert client._endpoints[0].pace.most == 25  # two attempts


def test_a_slow_endpoint_is_asked_after_a_fast_one(serve):
    slow, fast = Node(), Node()
    slow.answers["eth_blockNumber"], fast.answers["eth_blockNumber"] = "0x1", "0x2"
    client = Rpc([serve(slow), serve(fast)], 1)
    assert client.head_number() == 1
    client._endpoints[0].took(60.0)
    assert client.head_number() == 2
    assert client.answerer().head_number() == 2


def test_a_range_that_was_refused_is_remembered(serve):
    node = Node()
    node.answers["eth_getLogs"] = error(-32614, "eth_getLogs is limited to a 500 range")
    node.answers["eth_getBlockByNumber"] = None
    client = ask(node, serve)
    assert client.most_blocks is None
    with pytest.raises(RangeTooLarge):
        client.logs(first_block=0, last_block=10_000)
    assert client.most_blocks == 500


def test_what_one_process_learned_another_knows(serve):
    one_url, two_url = serve(Node()), serve(Node())
    one, two = Rpc([one_url, two_url], 1), Rpc([two_url, one_url], 1)
    first, second = one._endpoints
    first.most_blocks = 500
    first.takes_no_batch(100, 10)
    one._alone(second).distrust("it lied")
    began = time.monotonic()
    two.recall("secret", one.known("secret"))
    second, first = two._endpoints
    assert (first.most_blocks, first.most_batch) == (500, 10)
    assert (second.lies, second.problem) == (1, "it lied")
    assert began + 290 < second.distrusted_until < time.monotonic() + 300 + 1
    assert first.distrusted_until == 0
    stranger = Rpc([one_url, two_url], 1)
    stranger.recall("another secret", one.known("secret"))
    assert stranger._endpoints[0].most_blocks is None
    assert KEY not in repr(one.known("secret"))


def test_a_wrong_clock_distrusts_nobody_for_ever(serve):
    client = Rpc([serve(Node())], 1)
    (endpoint,) = client._endpoints
    endpoint.recall(Known("", distrusted_until_s=time.time() + 365 * 86400))
    assert endpoint.distrusted_until < time.monotonic() + 6 * 3600 + 1


def test_the_wrong_chain_is_refused_before_anything_else_is_asked(serve):
    node = Node(chain_id=5)
    with pytest.raises(WrongChain, match="serves chain 5, but it is configured for chain 1"):
        ask(node, serve).head_number()
    assert node.asked == ["eth_chainId"]


def test_a_batch_keeps_its_order_and_errors_stay_in_their_place(serve):
    node = Node()
    node.answers |= {"eth_blockNumber": "0x5", "eth_call": error(3, "execution reverted", "0x01")}
    one, two, three = ask(node, serve).batch([("eth_blockNumber", []), ("eth_call", []), ("eth_chainId", [])])
    assert (one, two.data, three) == ("0x5", b"\x01", "0x1")


BATCH = [
    # What nodes and gateways say to batches that are too large for them; what most it then has, if they say it.
    ({"code": -32600, "message": "batch too large"}, None),
    ({"code": -32005, "message": "Batch of more than 3 requests are not allowed on free tier"}, 3),
    ({"code": -32000, "message": "batch size exceeds the limit of 10"}, 10),
    ({"code": -32601, "message": "batch requests are not supported"}, None),
]


class Strict(Node):
    """Takes so many requests in a batch; 0 none at all."""

    def __init__(self, takes, refusal):
        super().__init__()
        self.takes, self.refusal, self.sizes = takes, refusal, []
        self.answers["eth_getBalance"] = lambda params: params[0]

    def refuses(self, request):
        if not isinstance(request, list):
            return None
        self.sizes.append(len(request))
        return self.refusal if len(request) > self.takes else None


@pytest.mark.parametrize(("refusal", "most"), BATCH)
@pytest.mark.parametrize("takes", [0, 3])
def test_batches_are_as_small_as_the_node_wants_them(serve, refusal, most, takes):
    node = Strict(takes, refusal)
    client = ask(node, serve, attempts=2)
    asked = [("eth_getBalance", [hex(n)]) for n in range(40)]
    assert client.batch(asked) == [hex(n) for n in range(40)]
    if most:
        assert node.sizes[1] <= most  # what it said is taken for its word
    node.sizes.clear()
    assert client.batch(asked) == [hex(n) for n in range(40)]
    assert max(node.sizes, default=0) <= takes  # it is asked no second time for what it refuses


def test_what_must_be_one_nodes_word_is_one_request(serve):
    """Whatever is known of the endpoint: behind a load balancer the next request may reach a node that lags."""
    node = Strict(3, {"code": -32600, "message": "batch too large"})
    client = ask(node, serve, attempts=2)
    client._endpoints[0].takes_no_batch(100, 1)
    asked = [("eth_getBalance", [hex(n)]) for n in range(3)]
    assert client.batch(asked, together=True) == ["0x0", "0x1", "0x2"]
    assert node.sizes == [3]
    with pytest.raises(BatchTooLarge, match="takes no batch of 5 requests"):
        client.batch([("eth_getBalance", [hex(n)]) for n in range(5)], together=True)
    assert node.sizes == [3, 5]


def test_endpoints_that_refuse_and_fail_in_turn_are_not_asked_for_ever(serve):
    down, strict = Node(), Strict(0, {"code": -32600, "message": "batch too large"})
    down.raw = (503, {}, b"down")
    client = Rpc([serve(down), serve(strict)], 1, aside_s=0.0)
    asked = [("eth_getBalance", [hex(n)]) for n in range(8)]
    with pytest.raises(BatchTooLarge):
        client.batch(asked)
    assert len(strict.sizes) < 12


def test_what_a_contract_says_of_batches_is_no_limit(serve):
    node = Node()
    node.answers["eth_call"] = error(3, "execution reverted: batch limit 1", "0x")
    client = ask(node, serve, attempts=2)
    client.batch([("eth_call", [])] * 3)
    assert client.portion(100) == 100


def test_a_batch_with_an_answer_left_out_fails_as_a_whole(serve):
    node = Node()
    client = ask(node, serve)
    node.answers["eth_blockNumber"] = "0x1"
    client.head_number()
    node.raw = (200, {}, b'[{"jsonrpc":"2.0","id":999,"result":"0x1"}]')
    with pytest.raises(RpcUnreachable, match="left out the answer to eth_blockNumber"):
        client.batch([("eth_blockNumber", []), ("eth_chainId", [])])


def test_a_failing_endpoint_is_set_aside_for_a_while(serve):
    bad, good = Node(), Node()
    bad.raw = (503, {}, b"down")
    good.answers["eth_blockNumber"] = "0x7"
    client = Rpc([serve(bad), serve(good)], 1, attempts=1, aside_s=60)
    assert [client.head_number() for _ in range(3)] == [7, 7, 7]
    assert client._endpoints[0].failures == 1  # asked once, then left alone
    bad.raw = None
    bad.answers["eth_blockNumber"] = "0x9"
    client._endpoints[0].aside_until = 0
    assert client.head_number() == 9


def test_reads_are_repeated_and_sends_are_not(serve):
    node = Node()
    fails = iter([error(429, "rate limit"), error(429, "rate limit"), {"result": "0x1"}])
    node.answers["eth_blockNumber"] = lambda _: next(fails)
    client = ask(node, serve, attempts=3)
    assert client.head_number() == 1
    node.raw = (502, {}, b"")
    before = node.posts
    with pytest.raises(RpcUnreachable):
        client.send_raw(b"\x01")
    assert node.posts == before + 1


LOG = {
    "address": "0x" + "11" * 20, "topics": ["0x" + "22" * 32], "data": "0x", "blockNumber": "0x5",
    "blockHash": "0x" + "33" * 32, "transactionHash": "0x" + "44" * 32, "transactionIndex": "0x0", "logIndex": "0x0",
}  # fmt: skip


HEADER = {"number": "0x6", "hash": "0x" + "01" * 32, "parentHash": "0x" + "02" * 32, "timestamp": "0x1"}


@pytest.mark.parametrize(
    "lie",
    [
        {"blockNumber": "0x9"}, {"address": "0x" + "12" * 20}, {"removed": True}, {"topics": ["0x12"]}, {"data": "0x1"},
        {"topics": ["0x" + "22" * 32] * 5}, {"blockNumber": 5}, {"logIndex": None}, {"blockHash": "0x33"},
        {"logIndex": hex(2**31)}, {"blockTimestamp": hex(2**63)},
    ],
)  # fmt: skip
def test_logs_that_were_not_asked_for_or_are_malformed_are_refused(serve, lie):
    node = Node()
    node.answers["eth_getLogs"] = lambda _: [LOG | lie]
    node.answers["eth_getBlockByNumber"] = lambda _: HEADER
    client = ask(node, serve)
    with pytest.raises(RpcError, match="malformed"):
        client.logs([bytes.fromhex("11" * 20)], first_block=0, last_block=8)
    node.answers["eth_getLogs"] = lambda _: [LOG]
    assert client.logs([bytes.fromhex("11" * 20)], first_block=0, last_block=8)[0].block_number == 5


def test_a_node_that_has_not_the_last_block_tells_nothing_of_a_range(serve):
    node = Node()
    node.answers["eth_getLogs"] = lambda _: []
    node.answers["eth_getBlockByNumber"] = lambda _: None
    with pytest.raises(RpcError, match="does not have that block"):
        ask(node, serve).logs([bytes.fromhex("11" * 20)], first_block=0, last_block=8)


@pytest.mark.parametrize("change", [{"number": hex(2**63)}, {"timestamp": hex(2**63)}])
def test_numbers_that_no_column_holds_are_malformed(serve, change):
    node = Node()
    node.answers["eth_getBlockByNumber"] = lambda _: HEADER | change
    with pytest.raises(RpcError, match="malformed"):
        ask(node, serve).block("latest")


def test_a_header_of_another_block_is_refused(serve):
    node = Node()
    node.answers["eth_getBlockByNumber"] = lambda _: HEADER
    with pytest.raises(RpcError, match="asked for block 5, the node answered block 6"):
        ask(node, serve).block(5)


def test_the_key_in_a_url_shows_nowhere(serve, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    node = Node()
    url = serve(node)
    texts = []
    for urls in ([url], [f"http://127.0.0.1:1/{KEY}"], [f"nonsense://{KEY}"], [f"{KEY}"], [f"http://[{KEY}"]):
        client = Rpc(urls, 1, attempts=2)
        texts.append(repr(client))
        try:
            client.block("latest")
        except RpcError as caught:
            texts += [str(caught), repr(caught), "".join(traceback.format_exception(caught))]
    texts.append(caplog.text)
    assert KEY not in "".join(texts)
    assert "127.0.0.1" in texts[0]


def test_a_key_that_the_node_repeats_shows_nowhere(serve):
    node = Node()
    node.answers["eth_blockNumber"] = error(-32000, f"project {KEY} is not allowed (https://x/v3/{KEY})")
    with pytest.raises(RpcError, match="is not allowed") as caught:
        ask(node, serve).head_number()
    assert KEY not in str(caught.value)


def test_an_endpoint_that_does_not_say_its_chain_is_passed_over(serve):
    refusing, good = Node(), Node()
    refusing.answers["eth_chainId"] = error(-32000, "invalid project id")
    good.answers["eth_blockNumber"] = "0x7"
    client = Rpc([serve(refusing), serve(good)], 1, attempts=1)
    assert client.head_number() == 7


def test_no_endpoint_says_which_setting():
    with pytest.raises(RpcUnreachable, match="set MANDATE_RPC_URLS"):
        Rpc([], 5)


def test_the_clients_of_a_chain_are_shared_and_follow_the_settings(settings):
    settings.RPC_URLS = {1: ["http://127.0.0.1:1"]}
    assert Rpc.for_chain(1) is Rpc.for_chain(1)
    before = Rpc.for_chain(1)
    settings.RPC_URLS = {1: ["http://127.0.0.1:2"]}
    assert Rpc.for_chain(1) is not before


def test_every_error_says_whether_a_node_answered():
    """`except Answered` decides by the class: an error of the base class alone would pass by it."""
    root = Path(__file__).resolve().parents[2]
    plain = [
        f"{path.relative_to(root)}:{node.lineno}"
        for folder in ("governance", "replay")
        for path in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and "RpcError" in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
    ]
    assert plain == []
    assert not any(issubclass(kind, Answered) for kind in (RpcLimited, RpcUnreachable, Distrusted, WrongChain))
