# SPDX-License-Identifier: Apache-2.0
"""Many logs at once, read and not yet written: pure, so that one range can be read while the last one is stored.

What many logs bring a row each (votes, delegations, power) becomes lines for COPY; what few logs change is decoded and
kept in chain order for `fold.Projector`, which alone writes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from governance import bulk, clocks
from governance.chain.rpc import Log
from governance.counting import UNTOLD, Counting, counting_at
from governance.models import WHOLE_BPS, Contract, Dao
from governance.projections import events, hot
from governance.projections.events import Event, Kind, Undecodable, text_of
from governance.projections.rows import LogRow
from policies.notation.hexadecimal import hex_text

Place = tuple[int, int, int]  # of a log: its block, its transaction's index there, its own index
Parts = Sequence[tuple[bytes, int]]  # delegates, and each one's share in basis points
# Of these a DAO has few events, all of which its projections should know.
LIFECYCLE = (Kind.GOVERNOR, Kind.TIMELOCK, Kind.MODULE)
# These bring a row of their own and change none that other logs change too.
PER_LOG = (
    "VoteCast", "VoteCastWithParams", "OverrideVoteCast", "VoteReduced", "DelegateChanged", "DelegateVotesChanged",
    "Transfer",
)  # fmt: skip


def vote_key(proposal_id: int, log: Log) -> str:
    """A vote's name in the outbox: the proposal, the transaction and the log's place."""
    return f"{proposal_id}:{hex_text(log.transaction_hash)}:{log.log_index}"


@dataclass
class Tally:
    """Sums of votes by support, in base units of the votes token; `votes` counts logs."""

    against_votes: int = 0
    for_votes: int = 0
    abstain_votes: int = 0
    votes: int = 0

    def add(self, support: int, weight: int, params: bytes, counting: Counting = UNTOLD) -> None:
        """Count a vote, as `tallies.tallies` does in PostgreSQL."""
        self.votes += 1
        if params:
            self.add_parts(counting.parts(support, weight, params))
        elif support == 1:
            self.for_votes += weight
        elif support == 0:
            self.against_votes += weight
        elif support == 2:
            self.abstain_votes += weight

    def add_parts(self, parts: tuple[int, int, int]) -> None:
        """Add votes against, for and abstaining."""
        against, in_favour, abstain = parts
        self.against_votes += against
        self.for_votes += in_favour
        self.abstain_votes += abstain


class Source:
    """Whose logs they are: a DAO and its contracts, as they were when this was made."""

    def __init__(self, dao: Dao, contracts: Iterable[Contract]):
        self.dao_pk = dao.pk
        # What was voted before anybody mirrored the DAO is history: a million old votes are no news to anyone.
        self.history_s = dao.created_at.timestamp()
        self.contracts: dict[bytes, list[Contract]] = defaultdict(list)
        # Those whose clock counts another chain's blocks, by their rows' numbers.
        self.elsewhere: set[int] = set()
        for contract in contracts:
            self.contracts[contract.address].append(contract)
            if clocks.counts_elsewhere(contract.capabilities):
                self.elsewhere.add(contract.pk)


@dataclass
class Votes:
    """The votes of one proposal in a batch: their lines, each from the log on, and their sums."""

    lines: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


@dataclass
class Batch:
    """What logs of one DAO bring. Lines are fields of COPY's text format with tabs between them. `l1_blocks`: by block
    hash, what clocks say that count another chain's blocks."""

    source: Source
    l1_blocks: Mapping[bytes, int] = field(default_factory=dict)
    votes: dict[int, Votes] = field(default_factory=lambda: defaultdict(Votes))  # by proposal id
    delegations: list[str] = field(default_factory=list)
    checkpoints: list[str] = field(default_factory=list)
    # What is said last of an account: its power, and to whom it delegates with which shares, each with the log's place.
    powers: dict[bytes, tuple[Place, int]] = field(default_factory=dict)
    delegated: dict[bytes, tuple[Place, Parts]] = field(default_factory=dict)
    # Known events that are to be applied one after the other, in chain order.
    later: list[tuple[Contract, LogRow, Event]] = field(default_factory=list)
    undecodable: list[tuple[Contract, LogRow, Undecodable]] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # contract and topic -> logs
    news: list[tuple[tuple[int, int, int], tuple[str, str, int]]] = field(default_factory=list)  # place; outbox entry

    def read(self, rows: Iterable[tuple[int, int, Log]]) -> "Batch":
        """Add logs in chain order: `LogRow`s, or tuples like them. Returns itself."""
        contracts, history_s = self.source.contracts, self.source.history_s
        by_hand = {
            hot.VOTE_CAST: (Kind.GOVERNOR, hot.vote_cast, self.add_vote),
            hot.VOTE_CAST_WITH_PARAMS: (Kind.GOVERNOR, hot.vote_cast_with_params, self.add_vote),
            hot.DELEGATE_VOTES_CHANGED: (Kind.VOTES_TOKEN, hot.delegate_votes_changed, self._add_checkpoint),
            hot.DELEGATE_CHANGED: (Kind.VOTES_TOKEN, hot.delegate_changed, self.add_delegation),
        }
        # By the proposal's word, the votes and their lines: nearly all logs of a busy DAO's past are votes of one kind,
        # and nothing is called for them that need not be.
        known: dict[bytes, tuple[Tally, Callable[[str], None]]] = {}
        vote_cast, no_reason, no_more, governor = hot.VOTE_CAST, hot.NO_REASON, hot.ZERO_12, Kind.GOVERNOR
        as_number = int.from_bytes
        for pk, time_s, log in rows:
            address, topics, data = log[:3]
            topic = topics[0] if topics else None
            for contract in contracts.get(address, ()):
                if (
                    topic == vote_cast
                    and data[96:160] == no_reason
                    and time_s < history_s
                    and len(topics) == 2
                    and topics[1][:12] == no_more
                    and data[32:63] == hot.ZERO_31
                    and contract.kind == governor
                ):
                    word, support, weight = data[:32], data[63], as_number(data[64:96])
                    if (found := known.get(word)) is None:
                        votes = self.votes[as_number(word)]
                        found = known[word] = votes.tally, votes.lines.append
                    tally, add_line = found
                    add_line(f"{pk}\t\\\\x{topics[1][12:].hex()}\t{support}\t{weight}\t\t\\\\x")
                    tally.votes += 1
                    if support == 1:
                        tally.for_votes += weight
                    elif support == 0:
                        tally.against_votes += weight
                    elif support == 2:
                        tally.abstain_votes += weight
                    continue
                reader = by_hand.get(topic)  # type: ignore[arg-type]  # None is in no table
                if reader is not None and contract.kind == reader[0] and (read := reader[1](log)) is not None:
                    reader[2](contract, pk, time_s, log, *read)  # type: ignore[operator]
                else:
                    self._decode(contract, LogRow(pk, time_s, log))
        return self

    def _decode(self, contract: Contract, row: LogRow) -> None:
        try:
            event = events.decode(Kind(contract.kind), row.log)
        except Undecodable as error:
            self.undecodable.append((contract, row, error))
            return
        if event is not None:
            self.later.append((contract, row, event))
        elif contract.kind in LIFECYCLE:
            topic = hex_text(row.log.topics[0]) if row.log.topics else "0x"
            self.unknown[f"{contract}: {topic}"] += 1

    def add_vote(
        self, contract: Contract, pk: int, time_s: int, log: Log, number: int, voter: bytes, support: int, weight: int,
        reason: bytes, params: bytes,
    ) -> None:  # fmt: skip
        """A vote on proposal `number`."""
        said = bulk.field(text_of(reason)) if reason else ""
        votes = self.votes[number]
        votes.lines.append(f"{pk}\t\\\\x{voter.hex()}\t{support}\t{weight}\t{said}\t\\\\x{params.hex()}")
        votes.tally.add(support, weight, params, counting_at(contract.capabilities, log.block_number))
        if time_s >= self.source.history_s:
            told = ("vote.cast", vote_key(number, log), log.block_number)
            self.news.append(((log.block_number, log.transaction_index, log.log_index), told))

    def _add_checkpoint(
        self, contract: Contract, pk: int, time_s: int, log: Log, account: bytes, previous: int, power: int
    ) -> None:
        if contract.pk in self.source.elsewhere:
            timepoint = self.l1_blocks[log.block_hash]
        else:
            timepoint = time_s if contract.capabilities.get("clock") == "timestamp" else log.block_number
        self.checkpoints.append(f"{self.source.dao_pk}\t{pk}\t\\\\x{account.hex()}\t{timepoint}\t{previous}\t{power}")
        self.powers[account] = (log.block_number, log.transaction_index, log.log_index), power

    def add_delegation(
        self, _contract: Contract, pk: int, _time_s: int, log: Log, delegator: bytes, old: bytes, new: bytes,
        parts: Parts | None = None,
    ) -> None:  # fmt: skip
        """A delegation from one delegate to another; `parts` where it is to several, each with its share."""
        self.delegations.append(
            f"{self.source.dao_pk}\t{pk}\t\\\\x{delegator.hex()}\t\\\\x{old.hex()}\t\\\\x{new.hex()}"
        )
        place = (log.block_number, log.transaction_index, log.log_index)
        # Those to several delegates are read after all others of the batch.
        if delegator not in self.delegated or self.delegated[delegator][0] <= place:
            self.delegated[delegator] = place, ((new, WHOLE_BPS),) if parts is None else parts
