# SPDX-License-Identifier: Apache-2.0
"""How much is asked of a node at once, and what its answers are worth."""

import pytest

from governance.chain.rpc import Header, Log, RangeLogs, RangeTooLarge, Rpc, RpcError
from governance.models import Contract
from governance.sync import fetch
from governance.sync.fetch import Span

GOVERNOR = Contract(kind="governor", address=b"\x01" * 20, start_block=0)


class Node(Rpc):
    """Answers ranges up to `most` blocks, and complains like nodes do above."""

    def __init__(self, most: int, *, suggests: bool = False):
        super().__init__(["http://127.0.0.1:9"], 1)
        self.most, self.suggests, self.asked = most, suggests, []

    def range_logs(self, _filters, first_block, last_block, **_below):
        self.asked.append((first_block, last_block))
        if last_block - first_block + 1 > self.most:
            error = RangeTooLarge(-32005, "block range is too large")
            error.suggested = (first_block, first_block + self.most - 1) if self.suggests else None
            raise error
        logs = [
            Log(GOVERNOR.address, (bytes(32),), b"", n, bytes(32), bytes(32), 0, n, 1)
            for n in range(first_block, last_block + 1)
        ]
        return RangeLogs(logs, Header(last_block, bytes(32), bytes(32), 1, None, ()), None, None)


def test_the_range_narrows_until_the_node_is_content():
    span = Span(2000)
    found = fetch.logs_of_range(Node(300), [GOVERNOR], 10, 10**9, span)
    logs = found.logs
    assert (logs[0].block_number, found.last.number, len(logs)) == (10, 10 + 250 - 1, 250)


def test_the_nodes_own_suggestion_is_taken():
    node = Node(300, suggests=True)
    last = fetch.logs_of_range(node, [GOVERNOR], 10, 10**9, Span(2000)).last.number
    assert last == 309
    assert len(node.asked) == 2


def test_a_node_that_refuses_one_block_is_an_error_and_no_empty_range():
    with pytest.raises(RangeTooLarge):
        fetch.logs_of_range(Node(0), [GOVERNOR], 10, 10**9, Span(2000))


def test_small_answers_widen_and_big_ones_narrow():
    span = Span(1000)
    span.learn(10)
    assert span.blocks == 2000
    span.learn(50_000)
    assert span.blocks == 1000
    for _ in range(40):
        span.learn(0)
    assert span.blocks == 100_000


def test_the_last_block_asked_is_never_beyond_what_is_wanted():
    node = Node(10**9)
    last = fetch.logs_of_range(node, [GOVERNOR], 10, 40, Span(2000)).last.number
    assert (last, node.asked) == (40, [(10, 40)])


def test_only_what_concerns_the_treasury_is_read_of_an_asset():
    treasury = Contract(kind="treasury", address=b"\x02" * 20, start_block=0)
    asset = Contract(kind="asset", address=b"\x03" * 20, start_block=0)
    ether = Contract(kind="asset", address=bytes(20), start_block=0)
    later = Contract(kind="module", address=b"\x04" * 20, start_block=100)
    found = fetch.filters([GOVERNOR, treasury, asset, ether, later], 50)
    word = bytes(12) + treasury.address
    assert [(f.addresses, f.topics) for f in found] == [
        ((GOVERNOR.address, treasury.address), ()),
        ((asset.address,), ((fetch.TRANSFER,), (word,))),
        ((asset.address,), ((fetch.TRANSFER,), None, (word,))),
    ]


def test_logs_of_two_blocks_of_one_height_are_a_nodes_error():
    """They have no place beside each other in the mirror; a log's own time keeps the header from being asked for."""
    logs = [
        Log(GOVERNOR.address, (), b"", 5, bytes([block]) * 32, bytes(32), 0, index, 60)
        for block, index in ((1, 0), (2, 0), (1, 1))
    ]
    with pytest.raises(RpcError, match="two blocks 5"):
        fetch.times_of(logs, {})
    assert fetch.times_of([logs[0], logs[2]], {}) == [60, 60]
