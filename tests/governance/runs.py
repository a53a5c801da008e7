# SPDX-License-Identifier: Apache-2.0
"""Random lives of a chain, its nodes and the workers that read it: a plan says what happens, a run does it.

A plan is drawn by Hypothesis (`plans`), small enough to be printed, and made smaller where it fails: happenings with
their numbers, each with a salt from which its contents (transactions, faults' chances) follow. Dropping one happening
thus leaves the others what they were. What a plan does not decide is how threads and processes interleave.
"""

import json
import os
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch

import psycopg
from django.db import connection, connections
from django.db.models import F, OuterRef, Subquery
from django.db.utils import InterfaceError, OperationalError
from django.utils import timezone
from hypothesis import strategies as st

from governance import asked_power, capabilities, tasks
from governance.chain import abi
from governance.chain.governor import BALLOT_V5
from governance.chain.rpc import Rpc, RpcError
from governance.fields import UINT256_MAX
from governance.models import (
    AskedPower,
    Block,
    Chain,
    ChainAnswer,
    ChainReading,
    Cursor,
    Dao,
    OnchainCheck,
    PowerCheckpoint,
    Proposal,
    RawLog,
    RefusedAct,
    SyncIncident,
    UnconfirmedLog,
)
from governance.projections import again, events
from governance.state import governor_of, now_of
from governance.sync import Status, Superseded, fence, fetch, look_again, refusals, reorg, store, sync_once
from replay import node as replay_node
from replay import sight
from replay.faults import (
    ANSWERED,
    BLOOMS,
    CARRIED,
    FORGED,
    HASH_FILTERS,
    KINDS,
    LOG_TIMES,
    NUMBERINGS,
    PROVIDERS,
    RECEIPTS,
    Chance,
    Faults,
)
from replay.node import ReplayNode
from replay.synthetic import SyntheticBlock, SyntheticChain, SyntheticTransaction
from tests.governance.lives import (
    FIRST_BLOCK,
    GOVERNOR,
    MODULE,
    START_S,
    Kind,
    Life,
    answer,
    assert_fresh,
    emit,
    governors_mode,
    l1_block,
    mirrored,
    past_power,
)

CHAIN_ID = 10**6
_MOST_STEPS = 400
_MOST_WAIT_S = 20.0
_REVERTED = 3  # the code of an error that is the contract's answer, and no failure of the node
Step = tuple[str, tuple[int, ...]]
# What the lives' governor says of itself, at each block the same: its code is changed now and then for code that
# answers alike. Of its proposals it says a state that has no name, which never is the mirror's.
_NAMELESS_STATE = 11
_SAYS = {
    abi.selector(view): abi.encode([kind], [value])
    for view, kind, value in (
        ("name()", "string", "Lives"), ("version()", "string", "1"), ("COUNTING_MODE()", "string", governors_mode()),
        ("votingDelay()", "uint256", 1), ("votingPeriod()", "uint256", 9), ("proposalThreshold()", "uint256", 10**18),
        ("BALLOT_TYPEHASH()", "bytes32", BALLOT_V5), ("nonces(address)", "uint256", 0),
        ("state(uint256)", "uint8", _NAMELESS_STATE),
    )
}  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- plans


@dataclass(frozen=True)
class Plan:
    """What happens. `str` is one line of JSON that `Plan.read` takes again."""

    finality_depth: int = 3
    blocks: int = 1  # to begin with
    salt: int = 0  # of those blocks
    faults: int = 0  # the salt of the first faults; 0 is none
    provider: int = 0  # whose words they have
    liar: int = 0  # a second node that lies: 0 is none, 1 asked second, 2 asked first
    blooms: int = 0  # what headers' blooms show: one of `BLOOMS`
    rootless: int = 0  # 1: no header has a receipts root, so that nothing proves who is right
    numbering: int = 0  # how the nodes count logs: one of `NUMBERINGS`
    log_times: int = 0  # what logs say of their block's time: one of `LOG_TIMES`
    tagless: int = 0  # 1: no node knows the `finalized` tag
    by_range: int = 0  # 1: no node knows the filter by a block's hash; 2: they take no notice of it
    receipts: int = 0  # what the nodes' receipts are: one of `RECEIPTS`
    nulls: int = 0  # 1: the nodes answer null for no logs
    below: int = 0  # 1: the clock counts the blocks of the chain below, which headers name
    forges: int = 0  # 1: the receipts of the node that lies hide logs and add some
    silent: int = 0  # 1: the votes token logs power in no known way, so that the chain is asked for it
    steps: tuple[Step, ...] = field(default=())

    def __str__(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def read(text: str) -> "Plan":
        """The plan that `str` showed."""
        found = json.loads(text)
        steps = tuple((name, tuple(numbers)) for name, numbers in found.pop("steps"))
        return Plan(**found, steps=steps)


_SALT = st.integers(0, 2**16)
_STATEMENT = st.integers(1, 120)
_PROVIDER = st.sampled_from(range(len(PROVIDERS)))
# Each happening: how often, beside the others, and the numbers that it takes (`Run._<name>`).
_HAPPENINGS: dict[str, tuple[int, tuple[st.SearchStrategy[int], ...]]] = {
    "grow": (5, (st.integers(1, 6), _SALT)),
    "reorganise": (5, (st.integers(1, 12), st.integers(0, 4), _SALT)),
    "swap": (1, (st.integers(0, 6),)),
    "sync": (6, ()),
    "twice": (1, ()),
    "kill": (3, (_STATEMENT,)),
    "kill_storing": (3, (st.integers(1, 60),)),
    "kill_writing": (3, (st.integers(1, 4), st.integers(0, 6), st.integers(1, 6), _SALT)),
    "end": (1, (_STATEMENT,)),
    "lose_session": (2, (_STATEMENT,)),
    "overtake": (2, (st.integers(4, 14), st.integers(0, 6), _SALT)),
    "overtake_writing": (2, (st.integers(1, 3), st.integers(1, 6), st.integers(0, 6), _SALT)),
    "compete": (2, (st.integers(0, 100), st.integers(1, 12), _SALT)),
    "restart_node": (1, (st.integers(0, 1),)),
    "lack_blocks": (2, (st.integers(0, 6), _SALT)),
    "spoil": (2, (_SALT, _PROVIDER)),
    "rebuild": (1, ()),
    "read_again": (2, (st.integers(0, 40), st.integers(0, 6), _SALT)),
    "crowd": (2, (st.integers(1, 4), _SALT)),
    "be_alone": (4, (st.integers(1, 6), _SALT)),
    "fail_at_calls": (2, (_SALT,)),
    "ask_then_reorganise": (3, (st.integers(1, 4), _SALT)),
}


def steps() -> st.SearchStrategy[Step]:
    """One happening with its numbers."""
    often = [name for name, (weight, _) in _HAPPENINGS.items() for _ in range(weight)]
    return st.sampled_from(often).flatmap(lambda name: st.tuples(st.just(name), st.tuples(*_HAPPENINGS[name][1])))


def plans() -> st.SearchStrategy[Plan]:
    """Any plan."""
    return st.builds(
        Plan,
        finality_depth=st.sampled_from((3, 6, 12, 64)),
        blocks=st.integers(1, 14),
        salt=_SALT,
        faults=_SALT,
        provider=_PROVIDER,
        liar=st.sampled_from((0, 0, 1, 2)),
        blooms=st.sampled_from(range(len(BLOOMS))),
        rootless=st.sampled_from((0, 0, 1)),
        numbering=st.sampled_from((0, 0, 1)),
        log_times=st.sampled_from(range(len(LOG_TIMES))),
        tagless=st.sampled_from((0, 0, 1)),
        by_range=st.sampled_from((0, 0, 0, 1, 2)),
        receipts=st.sampled_from((0, 0, *range(len(RECEIPTS)))),
        nulls=st.sampled_from((0, 1)),
        below=st.sampled_from((0, 0, 1)),
        forges=st.sampled_from((0, 1)),
        silent=st.sampled_from((0, 1)),
        steps=st.lists(steps(), min_size=6, max_size=16).map(tuple),
    )


# ---------------------------------------------------------------------------------------- what in fact happened


MUST_HAPPEN = frozenset(
    {
        "the mirror followed a reorg of more than one block", "a worker was killed with -9 in its transaction",
        "a worker was killed with -9 outside of one", "a worker was killed with -9 beside another",
        "a database session was lost", "another worker was busy", "a worker was superseded", "a task came twice",
        "a worker ended in the middle", "a worker was overtaken as it began to write", "a node restarted",
        "an earlier branch came back", "projections were rebuilt",
        "blocks were read again", "a liar was caught", "logs that were left out were found",
        "a reorg shortened the chain", "a transaction moved to another block", "the outbox took something back",
        "a node served another chain",
        "no node knew what is final", "nodes answered null for no logs", "two logs stood in one place",
        "a vote had no end", "a vote in parts had an ordinary support", "the clock counted another chain's blocks",
        "a node called too much final", "a head went backwards",
        "an index of logs had a lasting hole", "nobody could say which node was right",
        "what one node alone had shown was confirmed later",
        "forged receipts hid a log", "forged receipts added a log",
        "blocks became final by one node's word", "one node alone left out logs of blocks that became final",
        "the chain was asked for power", "power that was asked fell with its block",
        "a node failed at a call of a probe", "a change of rules was found late",
        "no node could say why an act was refused",
        *(f"blooms: {kind}" for kind in BLOOMS),
        *(f"receipts: {kind}" for kind in RECEIPTS),
        *(f"filter by hash: {kind}" for kind in HASH_FILTERS),
        *(f"logs are counted in the {unit}" for unit in NUMBERINGS),
        *(f"times of logs: {kind}" for kind in LOG_TIMES),
        *(f"fault: {kind}" for kind in KINDS),
    }
)  # fmt: skip
# Each takes one provider of six in a run where a worker asks for so much: in a hundred runs, one or another does not
# come up.
MUST_HAPPEN_IN_500 = frozenset(
    f"{provider} refused {what}" for provider in PROVIDERS for what in ("a range", "a size", "a rate")
)


@contextmanager
def counted(happened: Counter[str]) -> Iterator[None]:
    """Count what the replay nodes of this process make go wrong."""
    hits, ranges, sizes, forge = Chance.hits, sight.range_refusal, sight.size_refusal, sight.Sight._forged
    rates = {module: module.rate_refusal for module in (sight, replay_node)}
    failure, note_late = capabilities._is_failure, store.note_late

    def counting_failures(answer: bytes | RpcError) -> bool:
        happened["a node failed at a call of a probe"] += isinstance(answer, RpcError) and answer.code != _REVERTED
        return failure(answer)

    def counting_late(*values: Any) -> None:
        happened["a change of rules was found late"] += 1
        note_late(*values)

    def counting_hits(self: Chance, faults: Faults, kind: str) -> bool:
        if hit := hits(self, faults, kind):
            happened[f"fault: {kind}"] += 1
        return hit

    def counting(what: str, refuse: Callable[..., Any]) -> Callable[..., Any]:
        def refused(provider: str, *rest: Any) -> Any:
            happened[f"{provider} refused {what}"] += 1
            return refuse(provider, *rest)

        return refused

    def counting_forged(self: sight.Sight, receipts: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
        whole = Counter(log["data"] for receipt in receipts for log in receipt["logs"])
        forged = forge(self, receipts, number)
        shown = Counter(log["data"] for receipt in forged for log in receipt["logs"])
        happened["forged receipts hid a log"] += bool(whole - shown)
        happened["forged receipts added a log"] += bool(shown - whole)
        return forged

    capabilities._is_failure, store.note_late = counting_failures, counting_late
    Chance.hits = counting_hits  # type: ignore[method-assign]
    sight.Sight._forged = counting_forged  # type: ignore[method-assign]
    sight.range_refusal, sight.size_refusal = counting("a range", ranges), counting("a size", sizes)
    for module, rate in rates.items():
        module.rate_refusal = counting("a rate", rate)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        capabilities._is_failure, store.note_late = failure, note_late
        Chance.hits = hits  # type: ignore[method-assign]
        sight.Sight._forged = forge  # type: ignore[method-assign]
        sight.range_refusal, sight.size_refusal = ranges, sizes
        for module, rate in rates.items():
            module.rate_refusal = rate  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------------ ends of workers


class Killed(BaseException):
    """The worker ends here, without a word to anybody."""


class BeforeStatement:
    """Does something before the n-th statement that counts, by its SQL."""

    def __init__(self, statement: int, do: Callable[[], None], counts: Callable[[str], bool] = lambda _sql: True):
        self.left, self.do, self.counts = statement, do, counts

    def __call__(self, execute, sql, params, many, context):
        if self.left and self.counts(sql):
            self.left -= 1
            if not self.left:
                self.do()
        return execute(sql, params, many, context)


def _in_transaction(_sql: str) -> bool:
    return connection.in_atomic_block


def _between_transactions(_sql: str) -> bool:
    return not connection.in_atomic_block


def _begins_to_write(sql: str) -> bool:
    """What a worker read is ready, and its transaction has begun (`fence.Writer.transaction`). In one within another
    the worker has the row already: whoever overtakes it would wait for it, and it for them."""
    is_outermost = connection.in_atomic_block and not connection.savepoint_ids
    return is_outermost and "governance_cursor" in sql and "FOR UPDATE" in sql


def _end() -> None:
    raise Killed


def _terminate_session() -> None:
    """As where the database restarts, or an operator ends the session."""
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        until = time.monotonic() + _MOST_WAIT_S
        while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone():
            assert time.monotonic() < until, "the session did not end"


class Worker:
    """A worker process that reads the DAO; what it has to tell comes through a pipe."""

    def __init__(self, work: Callable[[Callable[[str], None]], None]):
        connections.close_all()
        self._read, write = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(write)
            return
        status = 1
        try:
            work(lambda text: os.write(write, text.encode() + b"\n") and None)
            status = 0
        except (OperationalError, InterfaceError):
            status = 0
        finally:
            os._exit(status)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def told(self) -> list[str]:
        """Waits for its end: killed, or by itself without a failure."""
        with os.fdopen(self._read) as pipe:
            told = pipe.read().splitlines()
        _, status = os.waitpid(self.pid, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "a worker failed; its traceback is above"
        if os.WIFSIGNALED(status):
            told.append("killed")
        return told


# -------------------------------------------------------------------------------------------------------------- runs


class Run:
    """One life: `play` does the plan's steps, `settle` lets the mirror come to the head, `check` judges."""

    def __init__(self, plan: Plan, stack: ExitStack, happened: Counter[str] | None = None):
        self.plan = plan
        self.random = Random()
        self.happened: Counter[str] = Counter() if happened is None else happened
        self._read_again_before = self.happened["blocks were read again"]
        self.log: list[str] = []  # what happened, for whoever has to find out why
        self._asked: set[int] = set()  # rows of power that the chain was asked for
        self._ever: dict[bytes, SyntheticBlock] = {}  # all blocks that ever were the chain's, by hash
        stack.enter_context(counted(self.happened))
        stack.enter_context(patch.object(look_again, "_AGAIN_S", 0))
        # However old it is by the end: a fresh index asks then, and is answered.
        stack.enter_context(patch.object(refusals, "_wait_blocks", lambda _age: 0))
        stack.enter_context(patch.object(refusals, "_ASKED_AGAIN_BLOCKS", 10**6))
        self.chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=plan.finality_depth, call=_answer)
        self.chain.l1_block = l1_block if plan.below else None
        self.happened["the clock counted another chain's blocks"] += plan.below
        self.life = Life(self.random, self.chain, silent=bool(plan.silent))
        self._salted(plan.salt)
        self.chain.grow(*self.life.blocks(plan.blocks))
        self.branches = [self.chain.blocks]
        self.honest = Faults(retry_after_s=0)
        self.liar = Faults(retry_after_s=0) if plan.liar else None
        for faults in filter(None, (self.honest, self.liar)):
            faults.blooms, faults.has_receipts_root = BLOOMS[plan.blooms], not plan.rootless
            faults.numbering, faults.log_times = NUMBERINGS[plan.numbering], LOG_TIMES[plan.log_times]
            faults.has_final_tag, faults.null_logs = not plan.tagless, bool(plan.nulls)
            faults.hash_filter, faults.receipts = HASH_FILTERS[plan.by_range], RECEIPTS[plan.receipts]
        if self.liar and plan.forges:
            self.liar.receipts = FORGED
        self.happened[f"filter by hash: {HASH_FILTERS[plan.by_range]}"] += 1
        self.happened[f"receipts: {RECEIPTS[plan.receipts]}"] += 1
        self.happened["nodes answered null for no logs"] += plan.nulls
        self.happened[f"times of logs: {LOG_TIMES[plan.log_times]}"] += 1
        self.happened["no node knew what is final"] += plan.tagless
        self.happened[f"logs are counted in the {NUMBERINGS[plan.numbering]}"] += 1
        self.happened[f"blooms: {BLOOMS[plan.blooms]}"] += 1
        nodes = [ReplayNode(self.chain, faults=self.honest, seed=plan.faults)]
        if self.liar:
            nodes.insert(2 - plan.liar, ReplayNode(self.chain, faults=self.liar, seed=plan.faults + 1))
        self.nodes = [stack.enter_context(node) for node in nodes]
        self.dao = mirrored(self.chain, "run")
        self.rpc = self._client()
        stack.callback(self.rpc.close)
        if plan.faults:
            self._spoil(plan.faults, plan.provider)

    def _client(self, **options: float) -> Rpc:
        urls = [node.url for node in self.nodes]
        return Rpc(urls, self.chain.chain_id, **{"attempts": 1, "aside_s": 0.0, "distrust_s": 0.05, **options})

    def _salted(self, *numbers: int) -> None:
        self.random.seed(repr(numbers))

    # --- what happens

    def play(self) -> None:
        """The plan's steps."""
        for name, numbers in self.plan.steps:
            self.log.append(f"{name}{numbers} (head {self.chain.head}, final {self.chain.final})")
            getattr(self, f"_{name}")(*numbers)
            self._assert_nothing_above_the_cursor()
            self._assert_readings_stand_on_the_chain_that_was_read()
            self._assert_what_is_kept_was_once_so()
            self._keep_a_reading()
            if self.plan.silent:
                self._ask_power()
            asked = set(AskedPower.objects.filter(dao=self.dao).values_list("pk", flat=True))
            self.happened["power that was asked fell with its block"] += not self._asked <= asked
            self._asked = asked
            self.after_step()

    def after_step(self) -> None:
        """For runs that look at more."""

    def _assert_nothing_above_the_cursor(self) -> None:
        """What the chain replaced is gone at once, and not only when the new blocks are read: pages show what stands.

        Where blocks are read again, what was read of them stays on purpose until the reading comes there.
        """
        read_again = self.happened["blocks were read again"] > self._read_again_before
        if read_again or SyncIncident.objects.filter(dao=self.dao, kind="missed_logs").exists():
            return
        next_block = Cursor.objects.get(dao=self.dao).next_block
        for model, what in (
            (RawLog, "logs"),
            (ChainReading, "readings"),
            (AskedPower, "answers about power"),
            (ChainAnswer, "answers"),
        ):
            above = model.objects.filter(dao=self.dao, block_number__gte=next_block).count()
            assert not above, f"{above} {what} of blocks that were dropped still stand, at {next_block} and above"

    def _assert_what_is_kept_was_once_so(self) -> None:
        """No log is kept that its block never had, and the node that leaves none out is not called a liar for it."""
        for moment in self.chain.moments:
            self._ever.update((block.hash, block) for block in moment.blocks)
        for log in RawLog.objects.filter(dao=self.dao):
            block = self._ever.get(bytes(log.block_hash))
            said = (bytes(log.transaction_hash), bytes(log.address), tuple(log.topics), bytes(log.data))
            is_there = block is not None and any(
                (there.transaction_hash, there.address, there.topics, there.data) == said for there in block.logs
            )
            assert is_there, f"the mirror keeps {log}, which no block had"
        honest = self.nodes[self.plan.liar - 1 if self.plan.liar else 0].url
        convicted = SyncIncident.objects.filter(dao=self.dao, kind="lying_node", detail__contains="its logs of")
        wrongly = convicted.filter(detail__contains=honest).first()
        assert wrongly is None, f"the node that does not lie was convicted: {wrongly.detail}"

    def _keep_a_reading(self) -> None:
        """Some of the chain's state was asked for at the block that was read: each time of another thing."""
        cursor = Cursor.objects.get(dao=self.dao)
        number = cursor.next_block - 1
        if cursor.head_hash is None or not Block.objects.filter(dao=self.dao, number=number).exists():
            return
        ChainReading.objects.create(
            dao=self.dao, kind=ChainReading.Kind.RING, address=bytes(20), key=len(self.log).to_bytes(32, "big"),
            value=bytes(32), block_number=number, block_hash=cursor.head_hash,
            block_timestamp_chain_s=cursor.head_timestamp_chain_s, read_at=timezone.now(),
        )  # fmt: skip

    def _assert_readings_stand_on_the_chain_that_was_read(self) -> None:
        """A reading falls with its block. Where blocks are read again, those of blocks not read yet stay meanwhile."""
        cursor = Cursor.objects.get(dao=self.dao)
        for model in (ChainReading, AskedPower, ChainAnswer):
            replaced = (
                model._default_manager.filter(dao=self.dao, block_number__lt=cursor.next_block)
                .exclude(block_hash=None)
                .annotate(
                    now=Subquery(Block.objects.filter(dao=self.dao, number=OuterRef("block_number")).values("hash"))
                )
                .exclude(now=None)
                .exclude(now=F("block_hash"))
            )
            assert not replaced.exists(), f"{model.__name__} of blocks that were replaced stand: {list(replaced)}"

    def _grow(self, count: int, salt: int) -> None:
        self._salted(salt)
        self.chain.grow(*self.life.blocks(count), salt=salt)

    def _reorganise(self, depth: int, more: int, salt: int) -> None:
        """Other blocks in the place of the last ones: more or fewer, some of the same transactions in another order."""
        depth = min(depth, self.chain.head - self.chain.final)
        if depth < 1:
            return
        self._salted(salt)
        r = self.random
        self.branches.append(self.chain.blocks)
        head = self.chain.head
        blocks = self.life.blocks((0, 1, depth, depth + 1, depth + 3)[more])
        old = [t for block in self.chain.blocks[-depth:] for t in block.transactions if r.random() < 0.7]
        r.shuffle(old)
        known = {t.hash for block in self.chain.blocks[:-depth] for t in block.transactions}
        for transaction in old:
            if blocks and transaction.hash not in known:
                r.choice(blocks).append(transaction)
                self.happened["a transaction moved to another block"] += 1
        self.chain.reorg(depth, *blocks, salt=salt + 10)
        self.happened["a reorg shortened the chain"] += self.chain.head < head

    def _swap(self, which: int) -> None:
        """Back to an earlier branch."""
        branch = self.branches[-1 - which % len(self.branches)]
        if branch != self.chain.blocks and branch[: self.chain.final + 1] == self.chain.blocks[: self.chain.final + 1]:
            self.branches.append(self.chain.blocks)
            self.chain.return_to(branch)
            self.happened["an earlier branch came back"] += 1

    def _sync(self, rpc: Rpc | None = None) -> Status | None:
        """What a task does; nothing that a node or another worker does may make it fail otherwise."""
        told: list[str] = []
        status = read(self.dao, rpc or self.rpc, told.append)
        self._note(told)
        return status

    def _note(self, told: list[str], **names: str) -> None:
        """Keep what workers told; `names` has a happening for a word that one of them may begin with."""
        words = {"busy": "another worker was busy", "Superseded": "a worker was superseded", **names}
        for line in told:
            self.log.append(f"  {line}")
            if happening := words.get(line.partition(":")[0]):
                self.happened[happening] += 1

    def _twice(self) -> None:
        """The task that reads all DAOs is delivered twice at once, and once more."""
        told: list[str] = []

        def task() -> None:
            try:
                tasks.sync_all()
            except Exception as error:  # noqa: BLE001 -- told to the main thread, which fails
                told.append(f"{type(error).__name__}: {error}")
            finally:
                connection.close()

        original = Rpc.for_chain
        Rpc.for_chain = staticmethod(lambda _chain_id: self._client())  # type: ignore[method-assign, assignment]
        try:
            other = threading.Thread(target=task)
            other.start()
            tasks.sync_all()
            other.join(60)
            assert not other.is_alive(), "the task that came twice did not end"
            tasks.sync_all()
        finally:
            Rpc.for_chain = original  # type: ignore[method-assign]
        assert not told, f"a task that came twice failed: {told}"
        failed = SyncIncident.objects.filter(dao=self.dao, kind="sync_error")
        assert not failed.exists(), failed.first().detail
        self.happened["a task came twice"] += 1

    def _kill(self, statement: int, counts: Callable[[str], bool] = lambda _sql: True) -> None:
        """A worker process is killed with -9 before one of its statements."""

        def work(tell: Callable[[str], None]) -> None:
            def die() -> None:
                tell("in its transaction" if connection.in_atomic_block else "outside of a transaction")
                os.kill(os.getpid(), signal.SIGKILL)

            with connection.execute_wrapper(BeforeStatement(statement, die, counts)):
                read(self.dao, self._client(), tell)

        self._note(
            Worker(work).told(),
            **{
                "in its transaction": "a worker was killed with -9 in its transaction",
                "outside of a transaction": "a worker was killed with -9 outside of one",
            },
        )

    def _kill_storing(self, statement: int) -> None:
        self._kill(statement, _in_transaction)

    @contextmanager
    def _node_that_answers(self) -> Iterator[None]:
        """For moments that hardly a worker comes to where one request in three fails."""
        chances, self.honest.chances = self.honest.chances, {}
        try:
            yield
        finally:
            self.honest.chances = chances

    def _kill_writing(self, transaction: int, depth: int, blocks: int, salt: int) -> None:
        """One is killed as it begins one of its transactions, with something to write: after a reorg the first drops
        what was replaced, the second stores what came instead."""
        self._reorganise(depth, 2, salt)
        self._grow(blocks, salt + 1)
        with self._node_that_answers():
            self._kill(transaction, _begins_to_write)

    def _end(self, statement: int) -> None:
        """A worker ends before one of its statements, and its connection with it."""
        try:
            with connection.execute_wrapper(BeforeStatement(statement, _end)):
                self._sync()
        except Killed:
            connection.close()
            self._note([f"ended before statement {statement}"])
            self.happened["a worker ended in the middle"] += 1

    def _lose_session(self, statement: int) -> None:
        """The database ends the worker's session."""
        try:
            with connection.execute_wrapper(BeforeStatement(statement, _terminate_session)):
                self._sync()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            self._note([f"lost its session: {str(error).splitlines()[0]}"])
            self.happened["a database session was lost"] += 1

    def _overtake(
        self, statement: int, depth: int, salt: int, counts: Callable[[str], bool] = _between_transactions
    ) -> bool:
        """A worker's lock is lost while it reads; the chain replaces blocks, and another worker reads all of it before
        this one goes on. Whether it came to that."""
        told: list[str] = []

        def other() -> None:
            try:
                read(self.dao, self._client(), told.append)
            finally:
                connection.close()

        def take_over() -> None:
            with connection.cursor() as sql:
                sql.execute("SELECT pg_advisory_unlock_all()")
            if depth:
                self._reorganise(depth, 2, salt)
            thread = threading.Thread(target=other)
            thread.start()
            thread.join(60)
            assert not thread.is_alive(), "the worker that took over did not end"

        before = BeforeStatement(statement, take_over, counts)
        with connection.execute_wrapper(before):
            self._sync()
        self._note(told)
        return not before.left

    def _overtake_writing(self, transaction: int, blocks: int, depth: int, salt: int) -> None:
        """One is overtaken as it begins to write what it read."""
        self._grow(blocks, salt)
        with self._node_that_answers():
            overtaken = self._overtake(transaction, depth, salt, _begins_to_write)
        self.happened["a worker was overtaken as it began to write"] += overtaken

    def _compete(self, kill_ms: int, depth: int, salt: int) -> None:
        """Two workers at once while the chain goes on; one of them is killed at some moment."""

        def work(tell: Callable[[str], None]) -> None:
            rpc = self._client()  # a fork must not share sockets
            for _ in range(3):
                read(self.dao, rpc, tell)

        workers = [Worker(work), Worker(work)]
        self._reorganise(depth, 2, salt)
        self._grow(2, salt + 1)
        time.sleep(kill_ms / 1000)  # not awaited by anything: whenever the kill comes, it must be right
        workers[0].kill()
        for worker in workers:
            self._note(worker.told(), killed="a worker was killed with -9 beside another")

    def _restart_node(self, which: int) -> None:
        node = self.nodes[which % len(self.nodes)]
        node.stop()
        self._sync()
        node.start()
        self.happened["a node restarted"] += 1

    def _be_alone(self, blocks: int, salt: int) -> None:
        """The node that lies is the only one while blocks come and become final, by its word alone, and its index has
        holes; the other one is away, and comes back, far behind at first."""
        if self.liar is None:
            self._grow(blocks, salt)
            return
        away = self.nodes[self.plan.liar - 1]
        hole, self.liar.hole = self.liar.hole, 0.5
        chances, self.liar.chances = self.liar.chances, {}
        away.stop()
        rpc = self._client(down_s=0.0)
        try:
            self._grow(blocks, salt)
            self._change_rules(salt)
            self.chain.grow(*[[] for _ in range(self.chain.finality_depth)])
            for _ in range(4):
                self._sync(rpc)
        finally:
            rpc.close()
            away.start()
            self.liar.hole, self.liar.chances = hole, chances
        alone = Cursor.objects.get(dao=self.dao).alone_from_block
        if alone is not None:
            self.happened["blocks became final by one node's word"] += 1
            lacking = self._logs_of_the_chain(alone, self.chain.final) - self._logs_of_the_mirror(alone)
            self.happened["one node alone left out logs of blocks that became final"] += bool(lacking)
            # It comes back far behind at first: by what it calls final, those blocks are none yet.
            back, away.faults.head_back = away.faults.head_back, self.chain.head - max(alone - 1, 0)
            self._sync()
            away.faults.head_back = back

    def _fail_at_calls(self, salt: int) -> None:
        """The governor is asked what it is while nodes fail at one call in five, and answer all else; then the module
        why it refused, while they fail at each call to it."""
        self._salted(salt)
        self._change_rules(salt)
        nodes = [faults for faults in (self.honest, self.liar) if faults is not None]
        before = [faults.chances for faults in nodes]
        for faults in nodes:
            faults.chances = {"call_error": 0.2}
        try:
            for _ in range(2):
                self._sync()
        finally:
            for faults, chances in zip(nodes, before, strict=True):
                faults.chances = chances
        self._fail_at_reasons(salt)

    def _fail_at_reasons(self, salt: int) -> None:
        """A transaction to the module fails in a block of its own, and no node has the state just now that says why."""

        def lacking(to: bytes, data: bytes, block: int) -> bytes:
            if to == MODULE:
                raise sight.NodeError(-32000, "missing trie node")
            return as_it_is(to, data, block)

        as_it_is, self.chain.call = self.chain.call, lacking
        try:
            self.chain.grow([self.life._refused()], salt=salt)
            with self._node_that_answers():
                self._sync()
        finally:
            self.chain.call = as_it_is
            self.chain.grow([])  # nodes answer at each head as they could when it came
        unanswered = RefusedAct.objects.filter(dao=self.dao, reason_values__unanswered=True)
        self.happened["no node could say why an act was refused"] += unanswered.exists()

    def _change_rules(self, salt: int) -> None:
        """Two blocks with what makes the mirror ask again: the quorum is another one, or the code."""
        changes = [
            emit(Kind.GOVERNOR, "QuorumNumeratorUpdated", 4, salt),
            emit(Kind.GOVERNOR, "Upgraded", salt.to_bytes(20, "big")),
        ]
        self.random.shuffle(changes)
        self.chain.grow(*[[SyntheticTransaction(GOVERNOR, (change,), salt=salt)] for change in changes], salt=salt)

    def _ask_then_reorganise(self, depth: int, salt: int) -> None:
        """Voters' power is asked for in a block that the chain then replaces."""
        if not self.plan.silent:
            self._reorganise(depth, 2, salt)
            return
        self._salted(salt)
        vote = emit(Kind.GOVERNOR, "VoteCast", salt.to_bytes(20, "big"), self.random.randint(1, 5), 1, 10**18, b"")
        self.chain.grow([SyntheticTransaction(GOVERNOR, (vote,), salt=salt)], salt=salt)
        with self._node_that_answers():
            self._sync()
            self._ask_power()
            before = set(AskedPower.objects.filter(dao=self.dao).values_list("pk", flat=True))
            self._reorganise(depth, 2, salt)
            self._sync()
        left = set(AskedPower.objects.filter(dao=self.dao).values_list("pk", flat=True))
        self.happened["power that was asked fell with its block"] += not before <= left

    def _ask_power(self) -> None:
        """What a worker asks of the chain where no log says who has power."""
        try:
            kept = asked_power.ask(self.dao, self.rpc)
        except RpcError as error:
            self._note([f"{type(error).__name__}: {' '.join(str(error).split())}"])
            return
        self.happened["the chain was asked for power"] += kept > 0

    def _lack_blocks(self, depth: int, salt: int) -> None:
        """The chain replaces blocks, and the node says of some blocks below its head that it has none."""
        self._reorganise(depth, 2, salt)
        self._grow(2, salt + 1)
        chances, self.honest.chances = self.honest.chances, {"null_block": 0.3}
        try:
            self._sync()
        finally:
            self.honest.chances = chances

    def _spoil(self, salt: int, provider: int) -> None:
        """New faults. Where two nodes are asked, one of them lies; a node that is asked alone does all else."""
        self._salted(salt)
        r = self.random
        worst = 0.03 if self.liar else 0.12
        self.honest.provider = PROVIDERS[provider]
        self.honest.chances = {kind: r.choice((0.0, 0.0, worst)) for kind in CARRIED}
        self.honest.chances |= {kind: r.choice((0.0, 0.02)) for kind in ANSWERED if not kind.endswith("_logs")}
        self.honest.head_back = r.choice((0, 0, 0, 1, 3, 8))
        limits: tuple[tuple[int | None, int | None], ...] = ((None, None), (1, None), (3, None), (None, 4), (None, 12))
        self.honest.max_range, self.honest.max_results = r.choice(limits)
        self.happened["a head went backwards"] += self.honest.head_back > 0
        if self.liar:
            self.liar.provider = r.choice(PROVIDERS)
            self.liar.chances = {"empty_logs": 0.3, "missing_logs": 0.3, "older_sight": r.choice((0.0, 0.2))}
            self.liar.hole = r.choice((0.0, 0.0, 0.5, 1.0))
            self.liar.final_back = r.choice((None, 0, 1))
            self.liar.chain_id = r.choice((None, None, 5))
            self.happened["a node called too much final"] += self.liar.final_back is not None
            self.happened["an index of logs had a lasting hole"] += self.liar.hole > 0
            self.happened["a node served another chain"] += self.liar.chain_id is not None

    def _rebuild(self) -> None:
        with fence.hold(self.dao) as writer:
            if writer is not None:
                with writer.transaction():
                    again.rebuild(self.dao)
                self.happened["projections were rebuilt"] += 1

    def _read_again(self, block: int, depth: int, salt: int) -> None:
        """Blocks are read again, as where a contract is added, while the chain replaces some."""
        with fence.hold(self.dao) as writer:
            if writer is not None:
                reorg.restart_from(writer, FIRST_BLOCK + block % max(self.chain.head - FIRST_BLOCK + 1, 1))
                self.happened["blocks were read again"] += 1
        self._reorganise(depth, 2, salt)

    def _crowd(self, blocks: int, salt: int) -> None:
        """The nodes give all logs of a transaction one index: an answer with two is refused, and one with the same log
        twice can't be told from one that repeats itself (so none is asked for here). Where logs are counted through the
        block, the index of a transaction's only log would be another one too, and the mirror would keep it so."""
        self._grow(blocks, salt)
        pair = (self.life._vote(), self.life._power())
        self.chain.grow([SyntheticTransaction(GOVERNOR, pair, salt=salt)], salt=salt)
        unread = self.chain.blocks[min(Cursor.objects.get(dao=self.dao).next_block, self.chain.final + 1) :]
        twice = any(len(set(t.logs)) < len(t.logs) for block in unread for t in block.transactions)
        if twice or self.honest.numbering != "transaction":
            return
        nodes = [faults for faults in (self.honest, self.liar) if faults is not None]
        for faults in nodes:
            faults.one_place = True
        said = len(self.log)
        try:
            with self._node_that_answers():
                self._sync()
        finally:
            for faults in nodes:
                faults.one_place = False
        refused = any("two different logs of transaction" in line for line in self.log[said:])
        self.happened["two logs stood in one place"] += refused

    # --- in the end

    def settle(self) -> None:
        """The nodes answer again (a liar goes on lying), and the mirror comes to their head."""
        self.log.append("settle")
        self.honest.chances, self.honest.head_back, self.honest.max_results = {}, 0, None
        if self.liar:
            self.liar.chain_id = None
        # A head that goes backwards is a node that lags, not a reorg: a shorter branch is followed once it is longer.
        highest = max(len(moment.blocks) for moment in self.chain.moments)
        self._salted(self.plan.salt + 1)
        self.chain.grow(*self.life.blocks(max(highest - len(self.chain.blocks), 0) + 1))
        if self.liar:
            # What a liar left out near the head while the other node failed is found when the blocks become final.
            self.chain.grow(*[[] for _ in range(self.chain.finality_depth)])
        for _ in range(_MOST_STEPS):
            status = self._sync()
            assert status is not Status.STOPPED, "the mirror stopped, though nothing final changed"
            if status is Status.CAUGHT_UP:
                cursor = Cursor.objects.get(dao=self.dao)
                looked = not Block.objects.filter(dao=self.dao, finalized=False, number__lte=self.chain.final).exists()
                # What a node that lags could not answer is asked again.
                open_ = Proposal.objects.filter(dao=self.dao, quorum_votes=None, snapshot__lt=self._now())
                unsaid = RefusedAct.objects.filter(dao=self.dao, reason_values__unanswered=True)
                at_head = cursor.head_hash == self.chain.blocks[-1].hash and not (open_.exists() or unsaid.exists())
                if at_head and cursor.refusals_next_block > self.chain.head and (looked or not self.liar):
                    return
            time.sleep(0.01)  # a killed session, or an endpoint set aside
        self._assert_what_is_kept_was_once_so()
        raise AssertionError("the mirror did not come to the head")

    def come_clean(self) -> None:
        """The node that lied lies no more: what one node alone showed of final blocks is settled, and final blocks that
        were one node's word are looked at once more. It may take a reading anew of what was left out."""
        if self.liar is None:
            return
        marks = UnconfirmedLog.objects.filter(dao=self.dao, log__block_number__lte=self.chain.final)
        before = marks.count()
        self.liar.chances, self.liar.hole, self.liar.final_back, self.liar.chain_id = {}, 0.0, None, None
        self.liar.receipts, self.honest.receipts = "whole", "whole"
        rpc = self._client()
        try:
            for _ in range(_MOST_STEPS):
                status = self._sync(rpc)
                alone = Cursor.objects.get(dao=self.dao).alone_from_block
                if status is Status.CAUGHT_UP and alone is None and not marks.exists():
                    break
                time.sleep(0.01)  # an endpoint that was caught a moment ago
            else:
                raise AssertionError(f"{marks.count()} logs stay unconfirmed that both nodes show; alone from {alone}")
        finally:
            rpc.close()
        self.happened["what one node alone had shown was confirmed later"] += before > 0

    def _now(self) -> int:
        """The governor's clock at the chain's head."""
        return l1_block(self.chain.blocks[-1]) if self.plan.below else self.chain.head

    def _check_clock(self) -> None:
        """The governor's now, and the moments of power, against the chain's blocks."""
        moments = {block.hash: l1_block(block) if self.plan.below else block.number for block in self.chain.blocks}
        found = now_of(self.dao).timepoint
        assert found == self._now(), f"the governor's clock says {self._now()} at the head, the mirror {found}"
        for row in PowerCheckpoint.objects.filter(dao=self.dao).select_related("log"):
            due = moments[bytes(row.log.block_hash)]
            assert row.timepoint == due, f"power of {row.log} is of {row.timepoint}, its block was at {due}"

    def _logs_of_the_chain(self, first: int = FIRST_BLOCK, last: int | None = None) -> Counter[Any]:
        """Those that the mirror follows, by what tells them apart however a node counts them."""
        end = len(self.chain.blocks) if last is None else last + 1
        questions = fetch.filters(self.dao.contracts.all(), self.chain.head)
        return Counter(
            (block.hash, log.transaction_hash, log.address, log.topics, log.data)
            for block in self.chain.blocks[first:end]
            for log in block.logs
            if any(_answers(question, log) for question in questions)
        )

    def _logs_of_the_mirror(self, first: int = FIRST_BLOCK) -> Counter[Any]:
        return Counter(
            (bytes(log.block_hash), bytes(log.transaction_hash), bytes(log.address), tuple(log.topics), bytes(log.data))
            for log in RawLog.objects.filter(dao=self.dao, block_number__gte=first)
        )

    def _check_logs(self) -> None:
        """Log for log, before anything that is made of them."""
        ours, theirs = self._logs_of_the_mirror(), self._logs_of_the_chain()
        missing, invented = theirs - ours, ours - theirs
        assert not missing, f"the mirror lacks {missing.total()} logs that the chain has: {list(missing)}"
        assert not invented, f"the mirror has {invented.total()} logs that the chain has not: {list(invented)}"

    def check(self) -> None:
        """Against a fresh index, by a node that never fails."""
        self._assert_what_is_kept_was_once_so()
        self._check_logs()
        self._check_clock()
        found = SyncIncident.objects.filter(dao=self.dao)
        self.happened["the mirror followed a reorg of more than one block"] += sum(
            incident.facts["blocks"] > 1 for incident in found.filter(kind="reorg")
        )
        self.happened["logs that were left out were found"] += found.filter(kind="missed_logs").count()
        self.happened["a liar was caught"] += found.filter(kind="lying_node", detail__contains="its logs of").count()
        self.happened["nobody could say which node was right"] += found.filter(kind="nodes_differ").count()
        self.happened["the outbox took something back"] += self.dao.outboxentry_set.filter(
            topic__endswith=".undone"
        ).count()
        depths = [incident.facts["blocks"] for incident in found.filter(kind="reorg")]
        deepest = Chain.objects.get(pk=CHAIN_ID).deepest_reorg_blocks
        assert deepest >= max(depths, default=0), f"reorgs of {depths} blocks, and {deepest} is kept as the deepest"
        self._check_proposals()
        self._check_rules()
        hashes = {block.number: block.hash for block in self.chain.blocks}
        for reading in ChainReading.objects.filter(dao=self.dao):
            assert hashes.get(reading.block_number) == reading.block_hash, f"{reading}: a block that is gone"
        with ReplayNode(self.chain, faults=Faults(numbering=NUMBERINGS[self.plan.numbering])) as node:
            asked = self._check_asked_power(node.url)
            assert_fresh(self.chain, self.dao, node.url)
        assert set(AskedPower.objects.filter(dao=self.dao)) == asked, "answers about power did not survive a rebuild"

    def _check_rules(self) -> None:
        """What the governor is, and what it said of its proposals, is as it was asked after its rules were changed,
        however late that came to light; and no failure of a node is an answer."""
        told = governor_of(self.dao).capabilities
        with ReplayNode(self.chain) as node:
            rpc = Rpc([node.url], self.chain.chain_id)
            try:
                says = capabilities.probe_governor(rpc, GOVERNOR, self.chain.blocks[-1].hash)
            finally:
                rpc.close()
        was_asked = "probed_block" in told
        wrong = {name: told.get(name) for name in says if told.get(name) != says[name]}
        assert not (was_asked and wrong), f"of the governor {wrong} is kept, and it says {says}"
        found = SyncIncident.objects.filter(dao=self.dao, kind="governor_changed")
        invented = [
            incident.detail for incident in found if incident.facts != {"block": incident.first_block, "changes": {}}
        ]
        assert not invented, f"nothing that the governor answers ever changed: {invented}"
        logs = [log for block in self.chain.blocks[FIRST_BLOCK:] for log in block.logs if log.address == GOVERNOR]
        code = max((log.block_number for log in logs if set(log.topics[:1]) & set(events.CHANGES_CODE)), default=None)
        is_told = found.filter(resolved_at=None, first_block=code).exists()
        assert code is None or is_told, f"the code was changed in block {code}, and nobody is told"
        rules = max((log.block_number for log in logs if set(log.topics[:1]) & set(events.CHANGES_RULES)), default=-1)
        undone = Proposal.objects.filter(dao=self.dao, executed=False, canceled=False)
        names = [f"proposal:{number}:state" for number in undone.values_list("proposal_id", flat=True)]
        old = OnchainCheck.objects.filter(dao=self.dao, subject__in=names, block_number__lt=rules)
        assert not old.exists(), f"rules were changed in block {rules}, and of before is kept {list(old.values())}"

    def _check_asked_power(self, url: str) -> set[AskedPower]:
        """Where no log says who has power, the chain is asked for each voter's at the vote's snapshot. Returns the
        rows."""
        hashes = {block.number: block.hash for block in self.chain.blocks}
        rpc = Rpc([url], self.chain.chain_id)
        try:
            while asked_power.ask(self.dao, rpc):
                self.happened["the chain was asked for power"] += 1
        finally:
            rpc.close()
        rows = AskedPower.objects.filter(dao=self.dao)
        found = {(bytes(row.account), row.timepoint): row for row in rows}
        for (account, timepoint), row in found.items():
            assert hashes.get(row.block_number) == row.block_hash, f"{row}: asked in a block that is gone"
            assert row.power == past_power(account, timepoint), f"{row}: the chain says otherwise"
        if asked_power.degraded(self.dao) is not None:
            passed = Proposal.objects.filter(dao=self.dao, snapshot__lt=self._now())
            voters = passed.exclude(votes=None).values_list("votes__voter", "snapshot")
            due = {(bytes(voter), snapshot) for voter, snapshot in voters}
            assert due <= found.keys(), f"nobody asked about the power of {due - found.keys()}"
        return set(rows)

    def _count(self, tally: list[int], vote: dict[str, Any]) -> None:
        """Add a vote as the lives' governor counts (`params=fractional`): parts, whatever support says."""
        params = vote.get("params", b"")
        if len(params) == 48:
            for place in range(3):
                tally[place] += int.from_bytes(params[16 * place : 16 * place + 16], "big")
            self.happened["a vote in parts had an ordinary support"] += vote["support"] < 3
        elif vote["support"] < 3:
            tally[vote["support"]] += vote["weight"]

    def _check_proposals(self) -> None:
        """Against what the chain's logs say of them, whatever their deadlines are."""
        due: dict[int, int] = {}
        tallies: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        for log in (log for block in self.chain.blocks[FIRST_BLOCK:] for log in block.logs if log.address == GOVERNOR):
            try:
                event = events.decode(Kind.GOVERNOR, log)
            except events.Undecodable:
                continue
            if event is not None and event.name == "ProposalCreated":
                due[event.args["proposalId"]] = event.args["voteEnd"]
            elif event is not None and event.name == "ProposalExtended" and event.args["proposalId"] in due:
                due[event.args["proposalId"]] = event.args["extendedDeadline"]
            elif event is not None and event.name.startswith("VoteCast"):
                self._count(tallies[event.args["proposalId"]], event.args)
        self.happened["a vote had no end"] += any(deadline >= 2**63 for deadline in due.values())
        rows = Proposal.objects.filter(dao=self.dao)
        for number, *counted in rows.values_list("proposal_id", "against_votes", "for_votes", "abstain_votes"):
            votes = [min(part, UINT256_MAX) for part in tallies[number]]
            assert counted == votes, f"proposal {number} counts {counted}, and the chain's logs say {votes}"
        found = dict(Proposal.objects.filter(dao=self.dao).values_list("proposal_id", "deadline"))
        assert found == due, f"deadlines {found}, and the chain's logs say {due}"


def _answer(to: bytes, data: bytes, block: int) -> bytes:
    """`eth_call`: the governor says of itself what `_SAYS` has, and else what `lives.answer` does."""
    said = _SAYS.get(data[:4]) if to == GOVERNOR else None
    return answer(to, data, block) if said is None else said


def _answers(question: fetch.Filter, log: sight.ServedLog) -> bool:
    """As eth_getLogs says what a filter finds."""
    places = zip(question.topics, log.topics, strict=False)
    is_long_enough = len(log.topics) >= len(question.topics)
    return log.address in question.addresses and is_long_enough and all(at is None or t in at for at, t in places)


def read(dao: Dao, rpc: Rpc, tell: Callable[[str], None]) -> Status | None:
    """One task's reading. What nodes and other workers may bring about is told; all else fails the run."""
    try:
        status = sync_once(dao, rpc, budget_s=5).status
    except (RpcError, Superseded) as error:
        tell(f"{type(error).__name__}: {' '.join(str(error).split())}")
        return None
    tell(status.value)
    return status


def live(plan: Plan, happened: Counter[str] | None = None, kind: type[Run] = Run) -> None:
    """A whole run. Prints its plan and what happened where it fails."""
    with ExitStack() as stack:
        run = None
        try:
            run = kind(plan, stack, happened)
            run.play()
            run.settle()
            run.come_clean()
            run.check()
        except BaseException:
            print("\n".join([f"MANDATE_MODEL_RUN='{plan}'", *(run.log if run else [])]))
            raise
        finally:
            connection.close()  # a session that was left in any state is not the next run's
            _forget()


def _forget() -> None:
    Dao.objects.filter(chain=CHAIN_ID).delete()
    Chain.objects.filter(pk=CHAIN_ID).delete()
