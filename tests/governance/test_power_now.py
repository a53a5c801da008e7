# SPDX-License-Identifier: Apache-2.0
"""Power and delegators of now, one row an account: always what the logs say that are stored, however they came."""

import importlib
import itertools
from collections import Counter

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import power
from governance.chain import abi
from governance.models import (
    AccountPower,
    Chain,
    Contract,
    CurrentDelegation,
    Cursor,
    Dao,
    PowerTotal,
    RawLog,
)
from governance.projections import again, events, fold, power_now
from governance.projections.events import Kind

pytestmark = pytest.mark.django_db

TOKEN = b"\x70" * 20
NOBODY = bytes(20)
PEOPLE = [bytes([n]) * 20 for n in range(1, 6)]
POWER = "DelegateVotesChanged(address indexed delegate,uint256 previousVotes,uint256 newVotes)"
ONE = "DelegateChanged(address indexed delegator,address indexed fromDelegate,address indexed toDelegate)"
SEVERAL = "DelegateChanged(address indexed delegator,(address,uint96)[] oldDelegates,(address,uint96)[] newDelegates)"

person = st.sampled_from(PEOPLE)
anybody = st.sampled_from([*PEOPLE, NOBODY])
amount = st.sampled_from([0, 1, 7, 10**24, 2**256 - 1])
event = st.one_of(
    st.tuples(st.just("power"), person, amount),
    st.tuples(st.just("one"), person, anybody),
    # A delegate may be there twice, or get nothing.
    st.tuples(st.just("several"), person, st.lists(st.tuples(anybody, st.sampled_from([0, 1, 2_500])), max_size=3)),
)
step = st.one_of(
    st.tuples(st.just("read"), st.lists(event, min_size=1, max_size=6)),
    # Between blocks that are read already: a node had left these out, or a contract was added.
    st.tuples(st.just("late"), st.integers(0, 1000), st.lists(event, min_size=1, max_size=3)),
    st.tuples(st.just("reorg"), st.integers(0, 1000)),
    st.tuples(st.just("rebuild")),
)
numbers = itertools.count()


class Life:
    """A votes token's logs as they are stored, in chain order, and the mirror's rows of them."""

    def __init__(self) -> None:
        chain, _ = Chain.objects.get_or_create(chain_id=1, defaults={"name": "Ethereum"})
        self.dao = Dao.objects.create(chain=chain, slug=f"d{next(numbers)}", name="D")
        Contract.objects.create(dao=self.dao, kind=Kind.VOTES_TOKEN, address=TOKEN)
        Cursor.objects.create(dao=self.dao)
        self.stored: dict[tuple[int, int], tuple] = {}  # block and index -> event

    def read(self, block: int, happened: list[tuple]) -> None:
        logs = []
        for index, what in enumerate(happened):
            while (block, index) in self.stored:
                index += 10
            self.stored[(block, index)] = what
            logs.append(self._log(block, index, *what))
        logs.sort(key=lambda log: log.log_index)
        fold.Projector(self.dao).apply(logs)

    def _log(self, block: int, index: int, kind: str, who: bytes, what) -> RawLog:
        if kind == "power":
            topics, data = [events.layout(POWER).topic0, bytes(12) + who], abi.encode(["uint256"] * 2, [0, what])
        elif kind == "one":
            topics = [events.layout(ONE).topic0, *(bytes(12) + account for account in (who, NOBODY, what))]
            data = b""
        else:
            topics = [events.layout(SEVERAL).topic0, bytes(12) + who]
            data = abi.encode(["(address,uint96)[]"] * 2, [[], what])
        return RawLog.objects.create(
            dao=self.dao, block_number=block, block_hash=block.to_bytes(32, "big"), block_timestamp_chain_s=block * 12,
            transaction_hash=bytes(32), transaction_index=0, log_index=index, address=TOKEN, data=data,
            **dict(zip(("topic0", "topic1", "topic2", "topic3"), topics, strict=False)),
        )  # fmt: skip

    def reorg(self, block: int) -> None:
        gone = RawLog.objects.filter(dao=self.dao, block_number__gt=block)
        touched = power_now.touched_by(self.dao, gone)
        gone.delete()
        power_now.make_again(self.dao, touched)
        self.stored = {place: what for place, what in self.stored.items() if place[0] <= block}

    def check(self) -> None:
        """Against what the stored logs say one after the other."""
        powers, delegated = {}, {}
        for _, (kind, who, what) in sorted(self.stored.items()):
            if kind == "power":
                powers[who] = what
            else:
                given = [(what, 10_000)] if kind == "one" else what
                shares = Counter()
                for to, share in given:
                    if to != NOBODY and share:
                        shares[to] += share
                delegated[who] = list(shares.items())
        delegators = {to: [] for to in PEOPLE}
        for who in sorted(delegated):
            for to, _ in delegated[who]:
                delegators[to].append(who)
        for who in PEOPLE:
            assert power.power_now(self.dao, who) == powers.get(who, 0)
            assert power.delegations_of(self.dao, who) == delegated.get(who, [])
            assert power.delegators_of(self.dao, who) == delegators[who]
        assert power.some_delegators(self.dao, PEOPLE, 2) == {who: found[:2] for who, found in delegators.items()}
        holding = {who: has for who, has in powers.items() if has}
        found = [(d.account, d.power, d.delegators) for d in power.delegates(self.dao)]
        ranked = sorted(holding, key=lambda who: (holding[who], who), reverse=True)
        assert found == [(who, holding[who], len(delegators[who])) for who in ranked]
        total = power.totals(self.dao)
        assert (total.holders, total.power) == (len(holding), sum(holding.values()))
        for first in range(len(ranked) + 1):
            assert [d.account for d in power.delegates(self.dao, first=first, most=2)] == ranked[first : first + 2]
        for number, who in enumerate(ranked, 1):
            assert [d.account for d in power.delegates(self.dao, after=who, most=2)] == ranked[number : number + 2]

    def rows(self) -> tuple:
        """All rows without their own numbers."""
        return tuple(
            sorted(model.objects.filter(dao=self.dao).values_list(*names))
            for model, names in (
                (AccountPower, ("account", "power", "delegators", "block_number", "transaction_index", "log_index")),
                (CurrentDelegation, ("delegator", "position", "delegate", "share_bps", "block_number", "log_index")),
                (PowerTotal, ("holders", "power")),
            )
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(step, min_size=1, max_size=8))
def test_the_rows_are_what_the_stored_logs_say_however_they_came(steps):
    life, block = Life(), 0
    for what, *how in steps:
        if what == "read":
            block += 2
            life.read(block, how[0])
        elif what == "late":
            life.read(1 + how[0] % (block + 1), how[1])
            block = max(block, 1 + how[0] % (block + 1))
        elif what == "reorg":
            block = how[0] % (block + 1)
            life.reorg(block)
        else:
            again.rebuild(life.dao)
        life.check()
    before = life.rows()
    again.rebuild(life.dao)
    assert life.rows() == before
    # As an old site's history becomes rows when it is upgraded.
    for model in (AccountPower, CurrentDelegation, PowerTotal):
        model.objects.all().delete()
    migration = importlib.import_module("governance.migrations.0017_power_now")
    with connection.cursor() as sql:
        for statement in (migration._POWERS, migration._DELEGATIONS, migration._DELEGATORS, migration._TOTALS):
            sql.execute(statement)
    assert life.rows() == before
    for dao in Dao.objects.all():
        dao.delete()


def test_a_hostile_tokens_sum_stops_nothing():
    life = Life()
    life.read(1, [("power", who, 2**256 - 1) for who in PEOPLE])
    life.check()
    assert power.totals(life.dao).power == 5 * (2**256 - 1)
