# SPDX-License-Identifier: Apache-2.0
"""Many logs at once: read by hand as by signature, written by COPY as they are, and the same however they are cut."""

from datetime import UTC, datetime

import eth_abi
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from governance import bulk
from governance.chain import rpc
from governance.chain.rpc import Log
from governance.models import Chain, Contract, Cursor, Dao, Proposal, RawLog, Vote
from governance.projections import again, events, fold, hot
from governance.projections.batch import Batch, Source, Tally, Votes, vote_key
from governance.projections.events import Kind, Undecodable
from governance.projections.rows import row_of
from governance.sync import store

GOVERNOR, TOKEN = b"\x60" * 20, b"\x70" * 20
UINT = st.integers(0, 2**256 - 1)
WORD = st.binary(min_size=32, max_size=32)
VOTER = st.binary(min_size=20, max_size=20)
VOTE_TYPES = ["uint256", "uint8", "uint256", "string"]
CREATED = events.layout(events._PROPOSAL_CALLS + ")")
UPDATED = next(e for e in events.layouts(Kind.GOVERNOR).values() if e.name == "ProposalTransactionsUpdated")
PARAMS = events.layout(
    "VoteCastWithParams(address indexed voter,uint256 proposalId,uint8 support,uint256 weight,string reason,"
    "bytes params)"
)


def row(topics, data, *, block=1, index=0, address=GOVERNOR) -> Log:
    return Log(address, tuple(topics), data, block, block.to_bytes(32, "big"), bytes(31) + b"t", 0, index, block * 12)


def insert_logs(dao, logs) -> list[RawLog]:
    """What the sync does with logs: those that are new, as stored."""
    new = store.new_logs(dao, logs)
    ids = store.Ids()
    ids.reserve(len(new))
    taken = ids.take(len(new))
    source = Source(dao, dao.contracts.all())
    store.insert_logs(store.prepare(source, new, [log.timestamp_chain_s for log in new], taken))
    return list(RawLog.objects.filter(pk__in=taken).order_by("pk"))


# ------------------------------------------------------------------------------------------------------------- reading


@given(VOTER, UINT, st.integers(0, 255), UINT, st.text(max_size=200))
def test_a_vote_read_by_hand_is_what_eth_abi_reads(voter, number, support, weight, reason):
    data = eth_abi.encode(VOTE_TYPES, [number, support, weight, reason])
    found = hot.vote_cast(row([hot.VOTE_CAST, bytes(12) + voter], data))
    decoded = eth_abi.decode(VOTE_TYPES, data)
    assert found == (decoded[0], voter, decoded[1], decoded[2], decoded[3].encode(), b"")


@given(VOTER, UINT, UINT)
def test_a_change_of_power_read_by_hand_is_what_eth_abi_reads(account, before, after):
    data = eth_abi.encode(["uint256", "uint256"], [before, after])
    found = hot.delegate_votes_changed(row([hot.DELEGATE_VOTES_CHANGED, bytes(12) + account], data))
    assert found == (account, *eth_abi.decode(["uint256", "uint256"], data))


def _words(vote: st.DataObject) -> bytes:
    """Data that is nearly a vote's: words of which some are small numbers, cut off anywhere."""
    number = st.sampled_from([0, 1, 2, 31, 32, 33, 64, 96, 128, 160, 161, 192, 255, 256, 2**64, 2**255])
    words = vote.draw(st.lists(st.one_of(WORD, number.map(lambda n: n.to_bytes(32, "big"))), max_size=9))
    return b"".join(words) + vote.draw(st.binary(max_size=31))


@settings(max_examples=400)
@given(st.data(), st.lists(st.one_of(WORD, VOTER.map(lambda v: bytes(12) + v)), max_size=3))
def test_whatever_is_read_by_hand_reads_the_same_by_signature(data, topics):
    raw = _words(data)
    vote, power = ("proposalId", "voter", "support", "weight", "reason"), ("delegate", "previousVotes", "newVotes")
    for kind, topic, by_hand, names in (
        (Kind.GOVERNOR, hot.VOTE_CAST, hot.vote_cast, vote),
        (Kind.VOTES_TOKEN, hot.DELEGATE_VOTES_CHANGED, hot.delegate_votes_changed, power),
    ):
        log = row([topic, *topics], raw)
        found = by_hand(log)
        if found is None:
            continue  # then it is read by signature anyway
        event = events.decode(kind, log)
        assert event is not None
        assert found[: len(names)] == tuple(event.args[name] for name in names)


@given(UINT, st.integers(0, 255), UINT, st.text(max_size=80))
def test_what_compilers_write_is_read_by_hand(number, support, weight, reason):
    """Or the fast way would never be taken and nobody would notice."""
    log = row([hot.VOTE_CAST, bytes(32)], eth_abi.encode(VOTE_TYPES, [number, support, weight, reason]))
    assert hot.vote_cast(log) is not None
    assert hot.vote_cast(row([hot.VOTE_CAST, bytes(32)], log.data[:-32] if reason else log.data[:-1])) is None


_HEX = {
    "address": "0x" + "60" * 20, "topics": ["0x" + "11" * 32], "data": "0x0102", "blockNumber": "0x5",
    "blockHash": "0x" + "22" * 32, "transactionHash": "0x" + "33" * 32, "transactionIndex": "0x1", "logIndex": "0x2",
}  # fmt: skip
_ODD = st.sampled_from([
    None, "", "0x", "0x1", "0xzz", 5, [], {}, "22" * 32, "0x" + "22" * 31, "0x" + "22" * 20, "0x" + "60" * 20, "0x5",
    "0x" + "f" * 64, "0x7fffffff", "0x80000000", ["0x" + "11" * 20], ["0x" + "11" * 32] * 5, [None], True,
])  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.dictionaries(st.sampled_from([*_HEX, "removed", "blockTimestamp"]), _ODD, max_size=2), max_size=4))
@example([{}, {"logIndex": "0x1"}, {"topics": []}])
def test_many_logs_are_read_as_each_alone_is(changes):
    raw = [{**_HEX, **change} for change in changes]

    def result(read):
        try:
            return read()
        except (ValueError, KeyError, TypeError, AttributeError):
            return "refused"

    assert result(lambda: rpc.parse_logs(raw)) == result(lambda: [rpc.parse_log(item) for item in raw])


@settings(max_examples=200, deadline=None)
@given(st.data(), WORD | VOTER.map(lambda voter: bytes(12) + voter), st.booleans())
def test_a_batch_reads_votes_as_their_signature_does(data, voter, news):
    """Also those without a reason, which it reads without calling anything, and whether they are news or history."""
    words = [WORD | UINT.map(lambda n: n.to_bytes(32, "big")) for _ in range(3)]
    number, support, weight = (data.draw(word) for word in words)
    support = data.draw(st.sampled_from([bytes(31) + support[31:], support]))
    behind = data.draw(st.sampled_from([hot.NO_REASON, hot.NO_REASON[:-1], hot.NO_REASON + b"x", hot.NO_REASON * 2]))
    raw = data.draw(st.sampled_from([number + support + weight + behind, _words(data)]))
    log = row([hot.VOTE_CAST, voter], raw, index=4)
    dao = Dao(pk=3, created_at=datetime.fromtimestamp(log.timestamp_chain_s + (not news), UTC))
    batch = Batch(Source(dao, [Contract(kind=Kind.GOVERNOR, address=GOVERNOR)])).read([(9, log.timestamp_chain_s, log)])
    try:
        told = events.decode(Kind.GOVERNOR, log)
    except Undecodable:
        assert (dict(batch.votes), len(batch.undecodable)) == ({}, 1)
        return
    assert told is not None
    a = told.args
    said = bulk.field(events.text_of(a["reason"]))
    line = f"9\t\\\\x{a['voter'].hex()}\t{a['support']}\t{a['weight']}\t{said}\t\\\\x"
    if batch.later:  # words that only the signature reads are left to the projector
        assert [event for _, _, event in batch.later] == [told]
        return
    tally = Tally()
    tally.add(a["support"], a["weight"], b"")
    assert batch.votes == {a["proposalId"]: Votes([line], tally)}
    told_of = [("vote.cast", vote_key(a["proposalId"], log), 1)] if news else []
    assert batch.news == [((1, log.transaction_index, 4), entry) for entry in told_of]


@settings(max_examples=50, deadline=None)
@given(VOTER, UINT, st.integers(0, 255), UINT)
def test_a_vote_of_the_past_without_a_reason_is_what_eth_abi_reads(voter, number, support, weight):
    log = row([hot.VOTE_CAST, bytes(12) + voter], eth_abi.encode(VOTE_TYPES, [number, support, weight, ""]))
    dao = Dao(pk=3, created_at=datetime.fromtimestamp(log.timestamp_chain_s + 1, UTC))
    batch = Batch(Source(dao, [Contract(kind=Kind.GOVERNOR, address=GOVERNOR)])).read([(9, log.timestamp_chain_s, log)])
    assert batch.votes[number].lines == [f"9\t\\\\x{voter.hex()}\t{support}\t{weight}\t\t\\\\x"]
    assert (batch.later, batch.news, batch.undecodable) == ([], [], [])


# ------------------------------------------------------------------------------------------------------------- writing


@pytest.fixture
def dao(db):
    made = Dao.objects.create(chain=Chain.objects.create(chain_id=1, name="Ethereum"), slug="d", name="D")
    Contract.objects.create(dao=made, kind=Kind.GOVERNOR, address=GOVERNOR)
    Contract.objects.create(dao=made, kind=Kind.VOTES_TOKEN, address=TOKEN)
    Cursor.objects.create(dao=made)
    return made


def test_logs_are_stored_byte_for_byte_and_once(dao):
    logs = [
        row([bytes([n]) * 32 for n in range(1, topics + 1)], bytes(range(256))[: topics * 40], block=topics, index=7)
        for topics in range(5)
    ]
    new = insert_logs(dao, logs)
    assert [log.pk for log in new] == sorted(log.pk for log in new)
    assert [row_of(stored).log for stored in new] == [log._replace(timestamp_chain_s=None) for log in logs]
    assert [stored.block_timestamp_chain_s for stored in new] == [log.timestamp_chain_s for log in logs]
    more = [*logs, row([], b"x", block=4, index=8)]
    assert [bytes(log.data) for log in insert_logs(dao, more)] == [b"x"]
    assert RawLog.objects.count() == 6


def test_ids_are_nobody_elses_also_where_others_take_some_between(monkeypatch):
    asked = []

    class Cursor:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def execute(self, _sql, arguments):
            asked.append(arguments[1])

        def fetchone(self):
            # One of those between went to somebody else: these are left, and others are taken one by one.
            return (5, 8) if len(asked) == 1 else ([10, 9, 12],)

    monkeypatch.setattr(bulk, "_sequence", lambda table: f"{table}_id_seq")
    monkeypatch.setattr(bulk, "connection", type("C", (), {"cursor": lambda _self: Cursor()})())
    assert list(bulk.next_ids("governance_rawlog", 3)) == [9, 10, 12]
    assert asked == [3, 3]


@pytest.mark.django_db
def test_ids_that_follow_each_other_are_taken_at_once():
    first, second = bulk.next_ids("governance_rawlog", 3), bulk.next_ids("governance_rawlog", 2)
    assert isinstance(first, range)
    assert [*first, *second] == list(range(first[0], first[0] + 5))
    assert list(bulk.next_ids("governance_rawlog", 0)) == []


@pytest.mark.parametrize("text", ["tab\there", "line\nbreak\r", "back\\slash \\N \\.", "\\x41", "", "é \U0001f600"])
def test_text_arrives_as_it_was(dao, text):
    (log,) = insert_logs(dao, [row([hot.VOTE_CAST, bytes(32)], eth_abi.encode(VOTE_TYPES, [1, 1, 1, text]))])
    fold.Projector(dao).apply([log])
    assert Vote.objects.get().reason == text


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["vote", "vote", "vote", "params", "created", "updated", "queued", "executed", "canceled", "power"]
        ),
        st.integers(1, 3), st.integers(0, 3), st.integers(0, 2**128),
    ),
    max_size=30,
)  # fmt: skip


def _log(place: int, what: str, number: int, support: int, weight: int) -> Log:
    at = {"block": 1 + place // 3, "index": place % 3}
    if what == "vote":
        data = eth_abi.encode(VOTE_TYPES, [number, support, weight, f"reason\t{place}"])
        return row([hot.VOTE_CAST, bytes(12) + bytes([place]) * 20], data, **at)
    if what == "params":
        data = eth_abi.encode([*VOTE_TYPES, "bytes"], [number, 255, weight, "", weight.to_bytes(48, "big")])
        return row([PARAMS.topic0, bytes(12) + bytes([place]) * 20], data, **at)
    if what == "power":
        data = eth_abi.encode(["uint256", "uint256"], [support, weight])
        return row([hot.DELEGATE_VOTES_CHANGED, bytes(12) + b"\x07" * 20], data, address=TOKEN, **at)
    if what == "created":
        types = [p.type if not p.text else p.type.replace("bytes", "string") for p in CREATED.parameters]
        values = [number, "0x" + "11" * 20, ["0x" + "22" * 20], [5], [""], [b"\x01"], 10, 20 + place, f"# {place}"]
        return row([CREATED.topic0], eth_abi.encode(types, values), **at)
    if what == "updated":
        values = [["0x" + "33" * 20] * support, [weight] * support, [""] * support, [b"\x02"] * support, "why"]
        data = eth_abi.encode(["address[]", "uint256[]", "string[]", "bytes[]", "string"], values)
        return row([UPDATED.topic0, number.to_bytes(32, "big"), bytes(32)], data, **at)
    signature = {
        "queued": "ProposalQueued(uint256 proposalId,uint256 eta)",
        "executed": "ProposalExecuted(uint256 proposalId)", "canceled": "ProposalCanceled(uint256 proposalId)",
    }[what]  # fmt: skip
    found = events.layout(signature)
    values = [number, weight % 2**40] if what == "queued" else [number]
    return row([found.topic0], eth_abi.encode(["uint256"] * len(values), values), **at)


def _tables(dao) -> dict[str, list]:
    """All that was projected, by what it says and not by row numbers."""
    by = ("log__block_number", "log__log_index")
    proposals = Proposal.objects.filter(dao=dao).order_by("proposal_id")
    fields = ("proposal_id", *by, "created_block", "deadline", "title", "queued", "executed", "canceled", "eta_chain_s",
              "against_votes", "for_votes", "abstain_votes")  # fmt: skip
    return {
        "proposals": list(proposals.values_list(*fields)),
        "transitions": sorted(
            proposals.filter(transitions__isnull=False).values_list(
                "proposal_id", "transitions__kind", "transitions__log__block_number", "transitions__log__log_index"
            )
        ),
        "actions": [list(p.actions.values_list("position", "value_wei")) for p in proposals],
        "votes": list(
            Vote.objects.filter(dao=dao).order_by(*by).values_list(
                *by, "proposal__proposal_id", "onchain_proposal_id", "support", "weight", "reason"
            )
        ),
        "power": list(dao.powercheckpoint_set.order_by(*by).values_list(*by, "previous_power", "power")),
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.lists(st.integers(1, 30), max_size=5))
@example([("created", 1, 0, 0), ("updated", 1, 2, 9), ("created", 1, 0, 0)], [])
def test_batches_of_any_size_give_the_same_rows(django_db_setup, django_db_blocker, happened, cuts):
    """One log at a time is the row-wise reading; any other cut must give the same, and so must folding anew."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        chain = Chain.objects.create(chain_id=1, name="Ethereum")
        told, tables = [], []
        for number, size in enumerate(([1] * 40, [100], [*cuts, 100])):
            dao = Dao.objects.create(chain=chain, slug=f"d{number}", name="D")
            Contract.objects.create(dao=dao, kind=Kind.GOVERNOR, address=GOVERNOR)
            Contract.objects.create(dao=dao, kind=Kind.VOTES_TOKEN, address=TOKEN)
            Dao.objects.filter(pk=dao.pk).update(created_at="1970-01-01T00:00:00Z")
            dao.refresh_from_db()
            logs = [_log(place, *event) for place, event in enumerate(happened)]
            news = []
            for length in size:
                part, logs = logs[:length], logs[length:]
                projector = fold.Projector(dao)
                projector.apply(insert_logs(dao, part))
                news += projector.news
            told.append(news)
            tables.append(_tables(dao))
            again.rebuild(dao)
            assert _tables(dao) == tables[-1]
        assert tables[0] == tables[1] == tables[2]
        assert told[0] == told[1] == told[2]
        transaction.set_rollback(True)


def test_what_no_contract_means_is_counted_and_kept(dao):
    """A vote whose words don't read goes by the slow way into an incident, and the votes beside it are stored."""
    good = eth_abi.encode(VOTE_TYPES, [1, 1, 5, ""])
    bad = good[:32] + b"\xff" * 32 + good[64:]
    logs = insert_logs(
        dao, [row([hot.VOTE_CAST, bytes(32)], data, index=n) for n, data in enumerate((good, bad, good))]
    )
    projector = fold.Projector(dao)
    projector.apply(logs)
    assert Vote.objects.count() == 2
    assert sum(projector.unread.undecodable.values()) == 1
    with pytest.raises(Undecodable):
        events.decode(Kind.GOVERNOR, logs[1])
