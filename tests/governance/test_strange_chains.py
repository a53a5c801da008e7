# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 -- a line for each case
"""Nodes whose headers and logs are written otherwise, contracts that say much at once, and histories with skew: the
mirror is what one by a plain node is, or reads nothing and says why."""

from contextlib import ExitStack, suppress
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.chain.address import checksum
from governance.chain.rpc import Answered, Rpc, RpcError
from governance.models import AccountPower, PowerCheckpoint, Proposal, RawLog, Vote
from governance.sync import Status, sync_once
from governance.sync.fetch import ChainMoved
from replay.node import ReplayNode
from replay.synthetic import SyntheticChain, SyntheticTransaction
from tests.governance.dump import dump
from tests.governance.lives import (
    ACCOUNTS,
    FIRST_BLOCK,
    GOVERNOR,
    START_S,
    Kind,
    Life,
    answer,
    assert_fresh,
    emit,
    mirrored,
)
from tests.governance.test_odd_answers import cast, created, happened

pytestmark = pytest.mark.django_db(transaction=True)

CHAIN_ID = 10**6 + 14


def without(*names):
    return lambda shown: {name: value for name, value in shown.items() if name not in names}


def having(**changes):
    return lambda shown: {
        **shown,
        **{name: change(shown) if callable(change) else change for name, change in changes.items()},
    }


# How a header is shown, and whether the mirror can still read by it (None: either, if it is right).
HEADERS = {
    "without a bloom": (without("logsBloom"), True),
    "with a bloom of null": (having(logsBloom=None), True),
    "with an empty bloom": (having(logsBloom="0x"), True),
    "with half a bloom": (having(logsBloom="0x" + "ff" * 128), True),
    "without a receipts root": (without("receiptsRoot"), True),
    "with a receipts root of null": (having(receiptsRoot=None), True),
    "without its transactions": (without("transactions"), False),
    "with only what the mirror needs": (
        lambda shown: {name: shown[name] for name in ("number", "hash", "parentHash", "timestamp")},
        False,
    ),
    "its hash in upper case": (having(hash=lambda shown: "0x" + shown["hash"][2:].upper()), True),
    "numbers filled up with zeros": (
        having(
            number=lambda shown: "0x00" + shown["number"][2:], timestamp=lambda shown: "0x0" + shown["timestamp"][2:]
        ),
        True,
    ),
    "a time in decimals": (having(timestamp=lambda shown: int(shown["timestamp"], 16)), None),
    "without its parent": (without("parentHash"), False),
    "a number that was not asked for": (having(number=lambda shown: hex(int(shown["number"], 16) + 1)), False),
    "a parent that is itself": (having(parentHash=lambda shown: shown["hash"]), False),
}

LOGS = {
    "a time of null": (having(blockTimestamp=None), True),
    "a time of nothing": (having(blockTimestamp="0x"), None),
    "a time in milliseconds": (having(blockTimestamp=lambda shown: hex(int(shown["blockTimestamp"], 16) * 1000)), None),
    "a time of another block": (having(blockTimestamp=hex(START_S - 10**6)), None),
    "`removed` of null": (having(removed=None), True),
    "`removed` as a text": (having(removed="false"), None),
    "without the transaction's index": (without("transactionIndex"), None),
    "without its own index": (without("logIndex"), None),
    "indexes as numbers": (having(logIndex=lambda shown: int(shown["logIndex"], 16)), None),
    "without its block's hash": (without("blockHash"), None),
    "in a transaction of null": (having(transactionHash=None), False),
    "an address of 32 bytes": (having(address=lambda shown: "0x" + "00" * 12 + shown["address"][2:]), False),
    "a fifth topic": (having(topics=lambda shown: [*shown["topics"], *["0x" + "11" * 32] * 4]), False),
    "topics of null": (having(topics=None), False),
    "half a digit of data": (having(data=lambda shown: shown["data"] + "0"), False),
}  # fmt: skip


class Otherwise(ReplayNode):
    """A node that shows each header and each log by these functions."""

    header = log = staticmethod(lambda shown: shown)

    def sight(self):
        seen = super().sight()
        block, logs = seen._block, seen._get_logs

        def header(number, full):
            found = block(number, full)
            return found and self.header(found)

        seen._block = header
        seen._get_logs = lambda question: [self.log(one) for one in logs(question)]
        return seen


@pytest.mark.parametrize(("what", "name"), [*(("header", name) for name in HEADERS), *(("log", name) for name in LOGS)])
def test_what_a_node_writes_otherwise_is_read_rightly_or_not_at_all(what, name):
    show, is_read = (HEADERS if what == "header" else LOGS)[name]
    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=6, call=answer)
        chain.grow(*Life(Random(11), chain).blocks(30))
        plain = stack.enter_context(ReplayNode(chain))
        node = stack.enter_context(Otherwise(chain))
        setattr(node, what, show)
        rpc = Rpc([node.url], CHAIN_ID, attempts=1)
        stack.callback(rpc.close)
        dao = mirrored(chain, "strange")
        read = False
        with suppress(Answered, ChainMoved):
            while (status := sync_once(dao, rpc).status) is Status.BEHIND:
                pass
            read = status is Status.CAUGHT_UP
        assert is_read is None or read is is_read
        if read:
            assert_fresh(chain, dao, plain.url)
        else:
            kept = RawLog.objects.filter(dao=dao).values_list("block_number", "transaction_hash", "data")
            true = {(log.block_number, log.transaction_hash, log.data) for block in chain.blocks for log in block.logs}
            assert {(number, bytes(one), bytes(data)) for number, one, data in kept} <= true


def catch_up(dao, rpc):
    """Read to the head, in as many turns as a slow machine needs."""
    for _ in range(30):
        if sync_once(dao, rpc).status is Status.CAUGHT_UP:
            return
    raise AssertionError("the mirror did not come to the head")


def read_step_by_step(stack, blocks):
    """A DAO whose chain has these logs, block by block, read near the head; its node."""
    chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=6, call=answer)
    chain.grow(*[[] for _ in range(FIRST_BLOCK)])
    node = stack.enter_context(ReplayNode(chain))
    rpc = Rpc([node.url], CHAIN_ID)
    stack.callback(rpc.close)
    dao = mirrored(chain, "strange")
    for number, logs in enumerate(blocks):
        chain.grow([SyntheticTransaction(GOVERNOR, tuple(logs), salt=number)])
        catch_up(dao, rpc)
    return chain, node, rpc, dao


def parts(*three):
    return b"".join(part.to_bytes(16, "big") for part in three)


ALL = 2**128 - 1
# What is emitted, block by block, and what proposal 1's tally is then (against, for, abstain).
EMITTED = {
    "a thousand actions": ([[created(targets=(GOVERNOR,) * 1000, values=(1,) * 1000, signatures=(b"",) * 1000, data=(b"",) * 1000)], [cast()]], (0, 10, 0)),
    "calldata of a megabyte": ([[created(data=(b"\xa9" * 1_000_000,))], [cast()]], (0, 10, 0)),
    "a function's text of 300 kB": ([[created(signatures=(b"f(" + b"uint8," * 50_000 + b")",))], [cast()]], (0, 10, 0)),
    "all ether there could be": ([[created(targets=(bytes(20),), values=(2**256 - 1,), data=(b"",))], [cast()]], (0, 10, 0)),
    "a text of what hides": ([[created(text="\u202e\u200b\u2066".encode() * 1000)], [cast()]], (0, 10, 0)),
    "a text of headings": ([[created(text=b"#" * 100_000)], [cast()]], (0, 10, 0)),
    "a text of open brackets": ([[created(text=b"[" * 100_000)], [cast()]], (0, 10, 0)),
    "a text of nested quotes": ([[created(text=b"> " * 20_000)], [cast()]], (0, 10, 0)),
    "parts of all there is": ([[created()], [cast(weight=2**130, params=parts(ALL, ALL, ALL))]], (ALL, ALL, ALL)),
    "parts of one account, thrice": ([[created()], [cast(support=2, weight=6, params=parts(1, 2, 3))], [cast(support=0, weight=6, params=parts(0, 5, 0)), cast(support=1, weight=6, params=parts(0, 0, 0))]], (1, 7, 3)),
    "parts and their account's vote": ([[created()], [cast(support=2, weight=6, params=parts(1, 2, 3)), cast(support=0, weight=4)]], (5, 2, 3)),
    "queued before it was created": ([[happened("ProposalQueued", 1, START_S)], [created()]], (0, 0, 0)),
    "queued twice": ([[created()], [happened("ProposalQueued", 1, START_S)], [happened("ProposalQueued", 1, START_S + 5)]], (0, 0, 0)),
    "moved to the end of time and back": ([[created()], [happened("ProposalExtended", 1, 2**64 - 1)], [happened("ProposalExtended", 1, 30)]], (0, 0, 0)),
    "votes after its execution": ([[created()], [happened("ProposalExecuted")], [cast()]], (0, 10, 0)),
    "a vote of a reason of 300 kB": ([[created()], [emit(Kind.GOVERNOR, "VoteCast", ACCOUNTS[0], 1, 1, 10, b"y\x00\xff" * 100_000)]], (0, 10, 0)),
    "a quorum that moves thrice in a block": ([[created()], [*(emit(Kind.GOVERNOR, "QuorumNumeratorUpdated", n, n + 1) for n in (4, 5, 6)), cast()]], (0, 10, 0)),
    "code that changes twice in a block": ([[created()], [emit(Kind.GOVERNOR, "Upgraded", b"\x11" * 20), emit(Kind.GOVERNOR, "Upgraded", b"\x22" * 20), cast()]], (0, 10, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", EMITTED)
def test_much_at_once_is_read_and_shown(name, client):
    blocks, tally = EMITTED[name]
    with ExitStack() as stack:
        chain, node, rpc, dao = read_step_by_step(stack, blocks)
        [proposal] = Proposal.objects.filter(dao=dao)
        assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == tally
        for address in (
            "/strange/",
            "/strange/proposals/",
            "/strange/proposals/1/",
            "/api/v1/daos/strange/proposals/1",
        ):
            assert client.get(address).status_code == 200, address
        assert_fresh(chain, dao, node.url)
        chain.grow(*[[] for _ in range(40)])
        fresh = mirrored(chain, "later")
        for one in (dao, fresh):
            catch_up(one, rpc)
        assert {name: rows for name, rows in dump(fresh).items() if name != "ScannedRange"} == {
            name: rows for name, rows in dump(dao).items() if name != "ScannedRange"
        }


def power(who, before, after):
    return emit(Kind.VOTES_TOKEN, "DelegateVotesChanged", who, before, after)


TOKENS = {
    "from another number than was": ([[power(ACCOUNTS[0], 0, 5)], [power(ACCOUNTS[0], 7, 9)]], {ACCOUNTS[0]: 9}),
    "a hundred in a block": ([[power(ACCOUNTS[0], n, n + 1) for n in range(100)]], {ACCOUNTS[0]: 100}),
    "up and down to nothing": ([[power(ACCOUNTS[0], 0, 5), power(ACCOUNTS[0], 5, 0)]], {ACCOUNTS[0]: 0}),
    "all there is, of two": ([[power(ACCOUNTS[0], 0, 2**256 - 1), power(ACCOUNTS[1], 0, 2**256 - 1)]], {ACCOUNTS[0]: 2**256 - 1, ACCOUNTS[1]: 2**256 - 1}),
    "of the zero address": ([[power(bytes(20), 0, 5)]], {bytes(20): 5}),
}  # fmt: skip


@pytest.mark.parametrize("name", TOKENS)
def test_power_is_what_the_last_log_says(name, client):
    blocks, expected = TOKENS[name]
    with ExitStack() as stack:
        chain, node, _rpc, dao = read_step_by_step(stack, blocks)
        now = {bytes(row.account): row.power for row in AccountPower.objects.filter(dao=dao)}
        assert {who: now.get(who, 0) for who in expected} == expected
        assert PowerCheckpoint.objects.filter(dao=dao).exists()
        for address in ("/strange/delegates/", "/api/v1/daos/strange/delegates"):
            assert client.get(address).status_code == 200, address
        assert_fresh(chain, dao, node.url)


def queries(client, address):
    client.get(address)  # what is made once
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200, address
    return len(asked)


def voter(n):
    return n.to_bytes(20, "big")


# A history of little, and of much more of one kind: the same pages take as many questions to the database.
SKEWS = {
    "one account's many votes": lambda many: [[created()], [cast(support=1, weight=2, params=parts(0, 1, 1)) for _ in range(20 * many)]],
    "many voters of a long reason": lambda many: [[created()], [emit(Kind.GOVERNOR, "VoteCast", voter(n + 1), 1, n % 3, 10, b"because " * 1000) for n in range(4 * many)]],
    "many proposals in one block": lambda many: [[created(number=n + 1) for n in range(5 * many)], [cast()]],
    "one delegate's many changes": lambda many: [[created(), *(power(ACCOUNTS[0], n, n + 1) for n in range(20 * many))], [cast()]],
    "many delegators of one": lambda many: [[created(), *(emit(Kind.VOTES_TOKEN, "DelegateChanged", voter(n + 1), bytes(20), ACCOUNTS[0]) for n in range(20 * many))], [cast()]],
}  # fmt: skip


@pytest.mark.parametrize("name", SKEWS)
def test_much_of_one_kind_takes_as_many_questions_as_little(name, client):
    counted = []
    for many in (5, 100):
        with ExitStack() as stack:
            chain, node, _rpc, dao = read_step_by_step(stack, SKEWS[name](many))
            addresses = ["proposals/", "proposals/1/", "delegates/", f"delegates/{checksum(ACCOUNTS[0])}/"]
            counted.append([queries(client, f"/strange/{address}") for address in addresses])
            [one] = Proposal.objects.filter(dao=dao, proposal_id=1)
            weights = Vote.objects.filter(dao=dao).values_list("weight", flat=True)
            assert one.for_votes + one.against_votes + one.abstain_votes == sum(weights)
            assert_fresh(chain, dao, node.url)
            dao.delete()
    print("QUERIES", name, counted)
    assert max(b - a for a, b in zip(*counted, strict=True)) <= 2, counted


def test_nothing_is_lost_of_what_was_refused_at_first():
    """A node that writes its logs without hashes for a while and then as others do."""
    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=6, call=answer)
        chain.grow(*Life(Random(5), chain).blocks(20))
        node = stack.enter_context(Otherwise(chain))
        rpc = Rpc([node.url], CHAIN_ID, attempts=1)
        stack.callback(rpc.close)
        dao = mirrored(chain, "strange")
        node.log = without("transactionHash")
        with suppress(RpcError):
            sync_once(dao, rpc)
        del node.log
        catch_up(dao, rpc)
        assert_fresh(chain, dao, node.url)
