# SPDX-License-Identifier: Apache-2.0
"""Random chains, reorgs, faults, killed and competing workers: whatever happened, the mirror is in the end what a fresh
index of the canonical chain is, byte for byte in every table, and the outbox has told exactly that.

Each run has a seed, printed where it fails; `MANDATE_MODEL_SEED=<seed>` runs that one, `MANDATE_MODEL_RUNS=500` is the
long form. What a seed decides: the chain, the faults' chances, what happens and when; not how threads and processes
interleave, so a failure that needs two workers may take a few runs of its seed to come again.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from random import Random

import pytest
from django.db import connection, connections
from django.db.utils import InterfaceError, OperationalError

from governance.chain.rpc import Rpc, RpcError
from governance.models import Block, Chain, Cursor, Dao
from governance.projections import fold
from governance.replay.faults import CARRIED, PROVIDERS, Faults
from governance.replay.node import ReplayNode
from governance.replay.synthetic import SyntheticChain
from governance.sync import Status, Superseded, fence, reorg, sync_once
from tests.governance.lives import FIRST_BLOCK, START_S, Life, answer, assert_fresh, mirrored

pytestmark = pytest.mark.django_db(transaction=True)

_SHORT_RUNS = 8
_MOST_STEPS = 400


class Killed(BaseException):
    """The worker ends here, without a word to anybody."""


class _KillAt:
    """Ends the worker before its n-th statement, in this process or for good."""

    def __init__(self, statement: int, end: Callable[[], None]):
        self.left, self.end = statement, end

    def __call__(self, execute, sql, params, many, context):
        self.left -= 1
        if self.left == 0:
            self.end()
        return execute(sql, params, many, context)


def _killed() -> None:
    raise Killed


def _sigkill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Run:
    """One random life of a chain, its nodes, and the workers that read it."""

    def __init__(self, seed: int, stack: ExitStack):
        self.random = Random(seed)
        self.log: list[str] = []  # what happened, for whoever has to find out why
        depth = self.random.choice((3, 6, 12, 64))
        self.chain = SyntheticChain(10**6 + seed, START_S, finality_depth=depth, call=answer)
        self.life = Life(self.random, self.chain)
        self.chain.grow(*self.life.blocks(self.random.randint(1, 30)))
        self.branches = [self.chain.blocks]
        self.honest = Faults(provider=self.random.choice(PROVIDERS), retry_after_s=0)
        nodes = [stack.enter_context(ReplayNode(self.chain, faults=self.honest, seed=seed))]
        self.liar = None
        if self.random.random() < 0.4:
            self.liar = Faults(provider=self.random.choice(PROVIDERS), retry_after_s=0)
            nodes.append(stack.enter_context(ReplayNode(self.chain, faults=self.liar, seed=seed + 1)))
        self.nodes = self.random.sample(nodes, len(nodes))
        self.dao = mirrored(self.chain, f"run-{seed}")
        self.rpc = self._client()
        self._spoil()

    def _client(self) -> Rpc:
        return Rpc([node.url for node in self.nodes], self.chain.chain_id, attempts=1, aside_s=0.0, distrust_s=0.05)

    def _spoil(self) -> None:
        """New faults. Where two nodes are asked, one of them lies; a node that is asked alone does all else."""
        r = self.random
        worst = 0.03 if self.liar else 0.12
        self.honest.chances = {kind: r.choice((0.0, 0.0, worst)) for kind in CARRIED}
        self.honest.chances |= {"internal_error": r.choice((0.0, 0.02)), "rate_error": r.choice((0.0, 0.02))}
        self.honest.chances["null_block"] = r.choice((0.0, 0.02))
        self.honest.head_back = r.choice((0, 0, 0, 1, 3, 8))
        self.honest.max_range = r.choice((None, None, 1, 2, 7))
        self.honest.max_results = r.choice((None, None, 30))
        if self.liar:
            self.liar.chances = {"empty_logs": 0.3, "missing_logs": 0.3, "older_sight": r.choice((0.0, 0.2))}
            self.liar.final_back = r.choice((None, 0, 1))
            self.liar.chain_id = r.choice((None, None, 5))

    # --- what happens

    def step(self) -> None:
        """One random thing."""
        happenings = (
            (self.grow, 6), (self.reorganise, 4), (self.swap, 1), (self.sync, 8), (self.die, 4), (self.compete, 1),
            (self.restart_node, 1), (self._spoil, 1), (self.rebuild, 1), (self.read_again, 1),
        )  # fmt: skip
        what = self.random.choices([h for h, _ in happenings], [w for _, w in happenings])[0]
        self.log.append(f"{what.__name__.strip('_')} (head {self.chain.head}, final {self.chain.final})")
        what()

    def grow(self) -> None:
        self.chain.grow(*self.life.blocks(self.random.randint(1, 8)), salt=self.random.randint(0, 9))

    def reorganise(self) -> None:
        """Other blocks in the place of the last ones: more or fewer, some of the same transactions in another order."""
        r = self.random
        most = self.chain.head - self.chain.final
        if most < 1:
            return
        depth = r.randint(1, most)
        self.branches.append(self.chain.blocks)
        blocks = self.life.blocks(r.choice((0, 1, depth, depth, depth + 3)))
        old = [t for block in self.chain.blocks[-depth:] for t in block.transactions if r.random() < 0.7]
        r.shuffle(old)
        known = {t.hash for block in self.chain.blocks[:-depth] for t in block.transactions}
        for transaction in old:
            if blocks and transaction.hash not in known:
                r.choice(blocks).append(transaction)
        self.chain.reorg(depth, *blocks, salt=r.randint(10, 10**6))

    def swap(self) -> None:
        """Back to an earlier branch."""
        branch = self.random.choice(self.branches)
        self.branches.append(self.chain.blocks)
        if branch[: self.chain.final + 1] == self.chain.blocks[: self.chain.final + 1]:
            self.chain.return_to(branch)

    def sync(self, rpc: Rpc | None = None) -> Status | None:
        """What a task does; nothing that a node or another worker does may make it fail otherwise."""
        try:
            return sync_once(self.dao, rpc or self.rpc, budget_s=5).status
        except (RpcError, Superseded) as error:
            self.log.append(f"  {type(error).__name__}: {error}")
            return None

    def die(self) -> None:
        """A worker that ends before one of its statements: a process that is killed, or one whose session is lost."""
        statement = self.random.randint(1, 120)
        if self.random.random() < 0.3:
            _wait(self._fork(statement))
            return
        try:
            with connection.execute_wrapper(_KillAt(statement, _killed)):
                self.sync()
        except Killed:
            connection.close()
            self.log.append(f"  killed before statement {statement}")

    def compete(self) -> None:
        """Two workers at once while the chain goes on; one of them is killed at some moment."""
        children = [self._fork(None), self._fork(None)]
        self.reorganise()
        self.grow()
        time.sleep(self.random.random() * 0.1)  # not awaited by anything: whenever the kill comes, it must be right
        os.kill(children[0], signal.SIGKILL)
        for child in children:
            _wait(child)

    def _fork(self, statement: int | None) -> int:
        """A worker process that reads once (until it is killed before that statement) or three times."""
        connections.close_all()
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            rpc = self._client()  # a fork must not share sockets
            for _ in range(3 if statement is None else 1):
                if statement is None:
                    self.sync(rpc)
                else:
                    with connection.execute_wrapper(_KillAt(statement, _sigkill)):
                        self.sync(rpc)
            status = 0
        except (OperationalError, InterfaceError):
            status = 0
        finally:
            os._exit(status)

    def restart_node(self) -> None:
        node = self.random.choice(self.nodes)
        node.stop()
        self.sync()
        node.start()

    def rebuild(self) -> None:
        with fence.hold(self.dao) as writer:
            if writer is not None:
                with writer.transaction():
                    fold.rebuild(self.dao)

    def read_again(self) -> None:
        """Blocks are read again, as where a contract is added."""
        with fence.hold(self.dao) as writer:
            if writer is not None:
                reorg.restart_from(writer, self.random.randint(FIRST_BLOCK, max(self.chain.head, FIRST_BLOCK)))

    # --- in the end

    def settle(self) -> None:
        """The nodes answer again (a liar goes on lying), and the mirror comes to their head."""
        self.log.append("settle")
        self.honest.chances, self.honest.head_back = {}, 0
        if self.liar:
            self.liar.chain_id = None
        # A head that goes backwards is a node that lags, not a reorg: a shorter branch is followed once it is longer.
        highest = max(len(moment.blocks) for moment in self.chain.moments)
        self.chain.grow(*self.life.blocks(max(highest - len(self.chain.blocks), 0) + 1))
        if self.liar:
            # What a liar left out near the head while the other node failed is found when the blocks become final.
            self.chain.grow(*[[] for _ in range(self.chain.finality_depth)])
        for _ in range(_MOST_STEPS):
            status = self.sync()
            assert status is not Status.STOPPED, "the mirror stopped, though nothing final changed"
            if status is Status.CAUGHT_UP:
                cursor = Cursor.objects.get(dao=self.dao)
                looked = not Block.objects.filter(dao=self.dao, finalized=False, number__lte=self.chain.final).exists()
                at_head = cursor.head_hash == self.chain.blocks[-1].hash
                if at_head and cursor.refusals_next_block > self.chain.head and (looked or not self.liar):
                    return
            time.sleep(0.01)  # a killed session, or an endpoint set aside
        raise AssertionError("the mirror did not come to the head")

    def check(self) -> None:
        """Against a fresh index, by a node that never fails."""
        with ReplayNode(self.chain) as node:
            assert_fresh(self.chain, self.dao, node.url)


def _wait(child: int) -> None:
    """For a worker process to end: killed, or by itself without a failure."""
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "a worker failed; its traceback is above"


def _seeds() -> list[int]:
    if chosen := os.environ.get("MANDATE_MODEL_SEED"):
        return [int(chosen)]
    return list(range(int(os.environ.get("MANDATE_MODEL_RUNS", _SHORT_RUNS))))


def test_the_mirror_is_what_a_fresh_index_is():
    for seed in _seeds():
        with ExitStack() as stack:
            run = Run(seed, stack)
            try:
                for _ in range(run.random.randint(4, 16)):
                    run.step()
                run.settle()
                run.check()
            except BaseException:
                print("\n".join([f"MANDATE_MODEL_SEED={seed}", *run.log]))
                raise
            run.rpc.close()
            Dao.objects.filter(pk=run.dao.pk).delete()
            Chain.objects.filter(pk=run.chain.chain_id).delete()
