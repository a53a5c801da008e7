# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 -- a line for each case
"""Nodes that answer eth_getLogs as some do, and governors that emit what no honest one would: the mirror ends as one by
a plain node, or reads nothing. It never says something else."""

from contextlib import ExitStack, suppress
from random import Random

import pytest

from governance.chain.rpc import Answered, Rpc
from governance.models import Proposal, RawLog, Vote
from governance.sync import Status, sync_once
from replay.node import ReplayNode
from replay.synthetic import SyntheticChain, SyntheticTransaction
from tests.governance.dump import dump
from tests.governance.lives import (
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

pytestmark = pytest.mark.django_db(transaction=True)

CHAIN_ID = 10**6 + 12
TEXT = b"# Pay"


def _upper(log):
    return {
        **log,
        "address": "0x" + log["address"][2:].upper(),
        "topics": ["0x" + t[2:].upper() for t in log["topics"]],
    }


def _padded(log):
    return {**log, "blockNumber": "0x00" + log["blockNumber"][2:], "logIndex": "0x0" + log["logIndex"][2:]}


def _elsewhere(log):
    return {**log, "address": "0x" + "de" * 20}


def _outside(log):
    return {**log, "blockNumber": hex(int(log["blockNumber"], 16) + 10_000)}


# How an answer is made of the true one, and whether the mirror can still read by it: what contradicts the question, or
# itself, is no answer.
ANSWERS = {
    "in any order": (lambda logs: Random(1).sample(logs, len(logs)), True),
    "each of them twice": (lambda logs: [log for log in logs for _ in range(2)], True),
    "in upper case": (lambda logs: [_upper(log) for log in logs], True),
    "numbers filled up with zeros": (lambda logs: [_padded(log) for log in logs], True),
    "with keys that nobody knows": (
        lambda logs: [{**log, "l1BatchNumber": None, "type": "mined"} for log in logs],
        True,
    ),
    "without `removed`": (lambda logs: [{k: v for k, v in log.items() if k != "removed"} for log in logs], True),
    "with what was removed": (lambda logs: [*logs, *({**log, "removed": True} for log in logs[:1])], False),
    "with data of null": (lambda logs: [{**log, "data": None} for log in logs], False),
    "as a pending block's": (lambda logs: [{**log, "blockHash": None, "logIndex": None} for log in logs], False),
    "with another contract's": (lambda logs: [*logs, *(_elsewhere(log) for log in logs[:1])], None),
    "with another range's": (lambda logs: [*logs, *(_outside(log) for log in logs[:1])], False),
    "as a map": (lambda logs: {"logs": logs}, False),
}


class Odd(ReplayNode):
    """A node whose logs are made by one of `ANSWERS`."""

    make = staticmethod(lambda logs: logs)

    def sight(self):
        seen = super().sight()
        true = seen._get_logs
        seen._get_logs = lambda question: self.make(true(question))
        return seen


@pytest.mark.parametrize("name", ANSWERS)
def test_logs_that_come_otherwise_are_the_same_logs_or_none(name):
    make, is_read = ANSWERS[name]
    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=6, call=answer)
        chain.grow(*Life(Random(7), chain).blocks(30))
        plain = stack.enter_context(ReplayNode(chain))
        odd = stack.enter_context(Odd(chain))
        odd.make = make
        rpc = Rpc([odd.url], CHAIN_ID, attempts=1)
        stack.callback(rpc.close)
        dao = mirrored(chain, "odd")
        read = False
        with suppress(Answered):
            read = sync_once(dao, rpc).status is Status.CAUGHT_UP
        assert is_read is None or read is is_read
        if read:
            assert_fresh(chain, dao, plain.url)
        else:
            true = {(log.block_number, log.transaction_hash, log.data) for block in chain.blocks for log in block.logs}
            kept = RawLog.objects.filter(dao=dao).values_list("block_number", "transaction_hash", "data")
            assert {(number, bytes(one), bytes(data)) for number, one, data in kept} <= true


def created(
    number=1, *, targets=(GOVERNOR,), values=(0,), signatures=(b"",), data=(b"\1",), start=4, end=20, text=TEXT
):
    return emit(
        Kind.GOVERNOR, "ProposalCreated", number, bytes(20), list(targets), list(values), list(signatures), list(data),
        start, end, text,
    )  # fmt: skip


def cast(who=1, number=1, support=1, weight=10, name="VoteCast", params=None):
    rest = () if params is None else (params,)
    name = name if params is None else "VoteCastWithParams"
    return emit(Kind.GOVERNOR, name, bytes([who]) * 20, number, support, weight, b"", *rest)


def happened(name, number=1, *values):
    return emit(Kind.GOVERNOR, name, number, *values)


# What is emitted, block by block, and what is then so: the tally and what happened to proposal 1.
EMITTED = {
    "no actions": ([[created(targets=(), values=(), signatures=(), data=())], [cast()]], (0, 10, 0)),
    "arrays of other lengths": ([[created(values=(), data=(b"", b"\2"))], [cast()]], (0, 10, 0)),
    "its votes before it, in one block": ([[cast(), created()], []], (0, 10, 0)),
    "its votes in blocks before it": ([[cast()], [created()]], (0, 10, 0)),
    "created twice": ([[created(), cast()], [created()]], (0, 10, 0)),
    "created anew with another text": ([[created(), cast()], [created(text=b"# Pay more", end=30)]], (0, 10, 0)),
    "one account twice in a transaction": ([[created()], [cast(), cast()]], (0, 20, 0)),
    "parts beside an ordinary vote": ([[created()], [cast(), cast(params=bytes(15) + b"\1" + bytes(15) + b"\2" + bytes(15) + b"\3")]], (1, 12, 3)),
    "parts that are none": ([[created()], [cast(support=1, params=bytes(47)), cast(support=1, params=bytes(49))]], (0, 20, 0)),
    "supports that nobody knows": ([[created()], [cast(support=3), cast(support=255), cast(support=200)]], (0, 0, 0)),
    "a vote of nothing": ([[created()], [cast(weight=0)]], (0, 0, 0)),
    "votes of all there is": ([[created()], [cast(weight=2**256 - 1), cast(who=2, weight=2**256 - 1)]], (0, 2**256 - 1, 0)),
    "a vote that never begins": ([[created(start=2**256 - 1, end=2**256 - 1)], []], (0, 0, 0)),
    "a vote that ends before it begins": ([[created(start=30, end=4)], [cast()]], (0, 10, 0)),
    "executed and canceled in one block": ([[created()], [happened("ProposalExecuted"), happened("ProposalCanceled")]], (0, 0, 0)),
    "canceled before it was created": ([[happened("ProposalCanceled")], [created()]], (0, 0, 0)),
    "queued for never": ([[created()], [happened("ProposalQueued", 1, 2**256 - 1)]], (0, 0, 0)),
    "its end moved back": ([[created()], [happened("ProposalExtended", 1, 10)]], (0, 0, 0)),
    "a text of two megabytes": ([[created(text=b"x" * 2_000_000)], [cast()]], (0, 10, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", EMITTED)
def test_what_no_honest_governor_emits_is_read_in_the_chains_order(name, client):
    blocks, tally = EMITTED[name]
    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=6, call=answer)
        chain.grow(*[[] for _ in range(FIRST_BLOCK)])
        node = stack.enter_context(ReplayNode(chain))
        rpc = Rpc([node.url], CHAIN_ID)
        stack.callback(rpc.close)
        dao = mirrored(chain, "odd")
        for number, logs in enumerate(blocks):  # near the head, step by step
            chain.grow([SyntheticTransaction(GOVERNOR, tuple(logs), salt=number)])
            assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        near = dump(dao)
        [proposal] = Proposal.objects.filter(dao=dao)
        assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == tally
        assert Vote.objects.filter(dao=dao).count() == sum(log[1][0] in VOTES for logs in blocks for log in logs)
        for address in ("", "proposals/", "proposals/1/"):
            assert client.get(f"/odd/{address}").status_code == 200, address
        for address in ("", "/proposals", "/proposals/1"):
            assert client.get(f"/api/v1/daos/odd{address}").status_code == 200, address
        assert_fresh(chain, dao, node.url)
        chain.grow(*[[] for _ in range(40)])  # all at once, in ranges
        fresh = mirrored(chain, "later")
        for one in (dao, fresh):
            assert sync_once(one, rpc).status is Status.CAUGHT_UP
        for address in ("", "proposals/", "proposals/1/"):
            assert client.get(f"/odd/{address}").status_code == 200, address
        assert {name: rows for name, rows in dump(fresh).items() if name != "ScannedRange"} == {
            name: rows for name, rows in dump(dao).items() if name != "ScannedRange"
        }
        assert near["Vote"] == dump(dao)["Vote"]


VOTES = {cast()[1][0], cast(params=b"")[1][0]}
