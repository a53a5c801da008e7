# SPDX-License-Identifier: Apache-2.0
"""Random lives of a DAO as transactions of a made-up chain: what honest contracts emit, out of order and repeated as
only hostile ones would, and what nothing here understands. One seed gives one life."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from eth_utils import keccak

from governance import unconfirmed
from governance.chain import abi, module
from governance.chain.rpc import Rpc
from governance.clocks import CLOCK_SOURCE, Source
from governance.models import Chain, Contract, Cursor, Dao, ModuleState
from governance.projections import again, events, proposal_events
from governance.projections.events import Kind
from governance.sync import Status, fence, sync_once
from replay.sight import NodeError
from replay.synthetic import Emitted, SyntheticBlock, SyntheticChain, SyntheticTransaction
from tests.governance.dump import dump, open_incidents, standing

GOVERNOR, TOKEN, TIMELOCK, TREASURY, MODULE, ASSET = (bytes([n]) * 20 for n in (0x60, 0x70, 0x71, 0x72, 0x73, 0x74))
STRANGER = b"\x99" * 20
ACCOUNTS = [bytes([n]) * 20 for n in (0xA1, 0xB2, 0xC3, 0xD4)]
POLICIES = [keccak(text=name) for name in ("payroll", "grants")]
KINDS = {
    Kind.GOVERNOR: GOVERNOR, Kind.VOTES_TOKEN: TOKEN, Kind.TIMELOCK: TIMELOCK, Kind.TREASURY: TREASURY,
    Kind.MODULE: MODULE, Kind.ASSET: ASSET,
}  # fmt: skip
START_S = 2_000_000_000  # after the mirror was made: votes before it are history, and told to nobody
FIRST_BLOCK = 2  # the contracts' first block
_GOVERNOR = {
    "family": "openzeppelin", "clock": "blocknumber", "quorum": "quorum(uint256)",
    "counting_mode": "support=bravo&quorum=for,abstain&params=fractional",
}  # fmt: skip


def governors_mode() -> str:
    """How the lives' governor counts, in the words of its COUNTING_MODE()."""
    return _GOVERNOR["counting_mode"]


def emit(kind: Kind, name: str, *values: Any, data: bytes | None = None) -> Emitted:
    """An event of the contract of this kind, by name and number of parameters, encoded as the contract would."""
    layout = next(
        found for found in events.layouts(kind).values() if found.name == name and len(found.parameters) == len(values)
    )
    topics, types, plain = [layout.topic0], [], []
    for parameter, value in zip(layout.parameters, values, strict=True):
        if parameter.indexed:
            topics.append(abi.encode([parameter.type], [value]))
        else:
            types.append(parameter.type)
            plain.append(value)
    return KINDS[kind], tuple(topics), abi.encode(types, plain) if data is None else data


@dataclass
class Life:
    """Makes transactions. `chain` learns the code of the policies that are set. `silent`: the votes token logs power in
    a shape of its own."""

    random: Random
    chain: SyntheticChain
    silent: bool = False
    count: int = 0
    proposals: dict[int, tuple[Any, ...]] = field(default_factory=dict)  # id -> what its operation's hash is made of

    def block(self) -> list[SyntheticTransaction]:
        """The transactions of a block; many blocks have none that concern the DAO."""
        busy = self.random.random()
        return [self.transaction() for _ in range(0 if busy < 0.3 else 1 if busy < 0.7 else self.random.randint(2, 5))]

    def blocks(self, count: int) -> list[list[SyntheticTransaction]]:
        return [self.block() for _ in range(count)]

    def transaction(self) -> SyntheticTransaction:
        """One transaction, mostly with logs of the DAO's contracts."""
        self.count += 1
        roll = self.random.random()
        if roll < 0.05:
            return SyntheticTransaction(STRANGER, ((STRANGER, (keccak(b"Noise()"),), b""),), salt=self.count)
        if roll < 0.11:
            return self._refused()
        if roll < 0.20:
            return self._executed()
        makers = (
            self._created, self._vote, self._vote, self._voted_with_params, self._voted_with_params, self._lifecycle,
            self._lifecycle, self._timelock, self._timelock, self._delegated, self._power, self._power, self._transfer,
            self._policy, self._scheduled, self._scheduled_ends, self._scheduled_ends, self._module, self._strange,
        )  # fmt: skip
        logs = [self.random.choice(makers)() for _ in range(self.random.choice((1, 1, 1, 2, 4)))]
        system = self.random.random() < 0.1
        return SyntheticTransaction(GOVERNOR, tuple(logs), self._account(), salt=self.count, system=system)

    # --- what is emitted

    def _account(self) -> bytes:
        return self.random.choice(ACCOUNTS)

    def _weight(self) -> int:
        return self.random.choice((0, 1, 10**18, self.random.getrandbits(90), 2**255 + 1))

    def _proposal(self) -> int:
        return self.random.randint(1, 5)

    def _created(self) -> Emitted:
        number = self._proposal()
        text = self.random.choice((b"# Pay", b"Again\x00 \xff", b""))
        start = 2 * number  # soon; of one id one snapshot: the chain is asked once for the quorum at it
        end = self.random.choice((*[start + 9] * 6, 2**64 - 1, 2**256 - 1))
        if self.random.random() < 0.2:
            return emit(Kind.GOVERNOR, "ProposalCreated", number, self._account(), ASSET, b"\x05", start, end, text, 1)
        calls = ([ASSET], [self.random.randint(0, 3)], [b""], [bytes([number])])
        self.proposals[number] = (calls, text)
        return emit(
            Kind.GOVERNOR, "ProposalCreated", number, self._account(), calls[0], calls[1], calls[2], calls[3], start,
            end, text,
        )  # fmt: skip

    def _vote(self) -> Emitted:
        reason = self.random.choice((b"", b"yes", b"\x00\xff"))
        support = self.random.randint(0, 3)
        return emit(Kind.GOVERNOR, "VoteCast", self._account(), self._proposal(), support, self._weight(), reason)

    def _voted_with_params(self) -> Emitted:
        thirds = b"".join(self.random.getrandbits(64).to_bytes(16, "big") for _ in range(3))
        support, params = self.random.choice(
            ((255, thirds), (2, thirds), (0, thirds), (1, b""), (255, b"\x01"), (1, abi.encode(["uint256"], [3])))
        )
        values = (self._account(), self._proposal(), support, self._weight(), b"", params)
        return emit(Kind.GOVERNOR, "VoteCastWithParams", *values)

    def _lifecycle(self) -> Emitted:
        number = self._proposal()
        return self.random.choice(
            (
                lambda: emit(Kind.GOVERNOR, "ProposalQueued", number, self.chain.start_s + 900),
                lambda: emit(Kind.GOVERNOR, "ProposalExecuted", number),
                lambda: emit(Kind.GOVERNOR, "ProposalCanceled", number),
                lambda: emit(Kind.GOVERNOR, "ProposalExtended", number, self.random.choice((7, 60, 99, 2**64 - 1))),
                lambda: emit(Kind.GOVERNOR, "QuorumNumeratorUpdated", 4, self.random.randint(1, 99)),
                lambda: emit(Kind.GOVERNOR, "Upgraded", STRANGER),
                lambda: emit(Kind.GOVERNOR, "TimelockChange", TIMELOCK, self.random.choice((TIMELOCK, STRANGER))),
            )
        )()

    def _timelock(self) -> Emitted:
        ids = [keccak(b"no proposal's")]
        for calls, text in self.proposals.values():
            ids += proposal_events.operation_ids(GOVERNOR, calls[0], calls[1], calls[3], text)
        which = self.random.choice(ids)
        return self.random.choice(
            (
                lambda: emit(
                    Kind.TIMELOCK, "CallScheduled", which, self.random.randint(0, 1), ASSET, 0, b"", bytes(32), 60
                ),
                lambda: emit(Kind.TIMELOCK, "CallExecuted", which, 0, ASSET, 0, b""),
                lambda: emit(Kind.TIMELOCK, "Cancelled", which),
            )
        )()

    def _delegated(self) -> Emitted:
        if self.silent:
            return self._locked()
        return emit(Kind.VOTES_TOKEN, "DelegateChanged", self._account(), self._account(), self._account())

    def _power(self) -> Emitted:
        if self.silent:
            return self._locked()
        return emit(Kind.VOTES_TOKEN, "DelegateVotesChanged", self._account(), self._weight(), self._weight())

    def _locked(self) -> Emitted:
        """As vote escrows do: power changes, and no event says so that is known."""
        owner = bytes(12) + self._account()
        return TOKEN, (keccak(b"Locked(address,uint256)"), owner), self._weight().to_bytes(32, "big")

    def _transfer(self) -> Emitted:
        ends = [TREASURY, self._account()]
        self.random.shuffle(ends)
        if self.random.random() < 0.2:
            ends = [self._account(), self._account()]
        return emit(Kind.ASSET, "Transfer", *ends, self._weight())

    def _policy(self) -> Emitted:
        policy, version = self.random.choice(POLICIES), self.random.randint(1, 4)
        if self.random.random() < 0.2:
            end = self.chain.start_s + self.random.choice((1, 10**6))
            return emit(Kind.MODULE, "PolicyShortened", policy, end)
        code = b"\x00" + policy + bytes([version])
        pointer = keccak(code)[:20]
        if self.random.random() < 0.8:
            self.chain.codes[pointer] = code
        else:
            pointer = b"\xee" * 20  # nothing is there, so its code is never known
        return emit(Kind.MODULE, "PolicySet", policy, self._account(), version, keccak(code), pointer)

    def _act_id(self, policy: bytes, number: int) -> bytes:
        return keccak(policy + bytes([number]))

    def _scheduled(self) -> Emitted:
        policy, number = self.random.choice(POLICIES), self.random.randint(1, 3)
        return emit(
            Kind.MODULE, "ActScheduled", policy, self._account(), keccak(bytes([number])), self._act_id(policy, number),
            number, 1, self.chain.start_s + 100, self.chain.start_s + 900, 20, [(ASSET, 0, b"\x01")],
        )  # fmt: skip

    def _scheduled_ends(self) -> Emitted:
        policy, number = self.random.choice(POLICIES), self.random.randint(1, 3)
        act = self._act_id(policy, number)
        return self.random.choice(
            (
                lambda: emit(Kind.MODULE, "ActReleased", policy, self._account(), keccak(b"d"), act),
                lambda: emit(Kind.MODULE, "ActObjected", policy, act, self._account(), self._weight(), 5, 10**18),
                lambda: emit(Kind.MODULE, "ActKilled", policy, act, 7),
                lambda: emit(Kind.MODULE, "ActVetoed", policy, act, self._account()),
            )
        )()

    def _module(self) -> Emitted:
        return self.random.choice(
            (
                lambda: emit(Kind.MODULE, "Paused", self._account(), self.random.randint(1, 2**32 - 1)),
                lambda: emit(Kind.MODULE, "Unpaused", 2),
                lambda: emit(Kind.MODULE, "GuardianSet", self._account()),
            )
        )()

    def _strange(self) -> Emitted:
        """An event that nothing knows, one whose data does not read, one that names no moment of this age."""
        address = self.random.choice((GOVERNOR, TIMELOCK, MODULE, TREASURY))
        return self.random.choice(
            (
                lambda: (address, (keccak(b"Surprise(uint256)"),), bytes(32)),
                lambda: (address, (), b"anonymous"),
                lambda: emit(Kind.GOVERNOR, "VoteCast", self._account(), 1, 1, 1, b"", data=b"\x01"),
                lambda: emit(Kind.GOVERNOR, "ProposalQueued", self._proposal(), 2**200),
            )
        )()

    def _input(self, number: int, policy: bytes) -> bytes:
        calls = [(ASSET, 0, b"\x02\x03")]
        types = ["bytes32", "bytes32", "(address,uint256,bytes)[]", "uint24", "bytes32"]
        return abi.selector(module.EXECUTE) + abi.encode(
            types, [policy, bytes(32), calls, number, keccak(bytes([number]))]
        )

    def _executed(self) -> SyntheticTransaction:
        """An act that is paid at once: by a transaction to the module, or through another contract."""
        policy, number = self.random.choice(POLICIES), self.random.randint(1, 3)
        log = emit(Kind.MODULE, "ActExecuted", policy, self._account(), keccak(bytes([number])), number)
        to = self.random.choice((MODULE, MODULE, STRANGER))
        return SyntheticTransaction(to, (log,), ACCOUNTS[0], self._input(number, policy), salt=self.count)

    def _refused(self) -> SyntheticTransaction:
        data = self.random.choice((self._input(2, POLICIES[0]), b"", b"\x01\x02\x03\x04", abi.selector("pause()")))
        return SyntheticTransaction(MODULE, (), self._account(), data, succeeded=False, salt=self.count)


def past_power(account: bytes, timepoint: int) -> int:
    """What the governor answers about an account at a timepoint, in base units of the votes token."""
    return (account[0] * timepoint) % 1000


def answer(to: bytes, data: bytes, _block: int) -> bytes:
    """`eth_call`: quorum and supply follow from the timepoint, past power from account and timepoint; what the module
    refused, it refuses by name."""
    if data[:4] == abi.selector("getVotes(address,uint256)"):
        account, timepoint = abi.decode(["address", "uint256"], data[4:])
        return past_power(account, timepoint).to_bytes(32, "big")
    if data[:4] in (abi.selector("quorum(uint256)"), abi.selector("getPastTotalSupply(uint256)")):
        return (int.from_bytes(data[4:36], "big") * 10**18).to_bytes(32, "big")
    if to == MODULE:
        raise NodeError(3, "execution reverted", "0x" + abi.selector("NoDecision()").hex())
    raise NodeError(3, "execution reverted", "0x")


def l1_block(block: SyntheticBlock) -> int:
    """Which block of the chain below a header names: slower than the chain's own, and another one on another branch."""
    return 40 + (block.number + block.salt % 2) // 3


def mirrored(chain: SyntheticChain, slug: str) -> Dao:
    """The DAO of that chain, registered and not read yet."""
    stored, _ = Chain.objects.get_or_create(
        chain_id=chain.chain_id, defaults={"name": "made up", "finality_depth": chain.finality_depth}
    )
    dao = Dao.objects.create(chain=stored, slug=slug, name=slug)
    for kind, address in KINDS.items():
        capabilities = dict(_GOVERNOR) if kind == Kind.GOVERNOR else {}
        if chain.l1_block is not None and kind in (Kind.GOVERNOR, Kind.VOTES_TOKEN):
            capabilities |= {"clock": "blocknumber", CLOCK_SOURCE: Source.HEADER.value}
        contract = Contract.objects.create(
            dao=dao, kind=kind, address=address, start_block=FIRST_BLOCK, capabilities=capabilities
        )
        if kind == Kind.MODULE:
            ModuleState.objects.create(module=contract)
    Cursor.objects.create(dao=dao, next_block=FIRST_BLOCK, refusals_next_block=FIRST_BLOCK)
    return dao


def assert_fresh(chain: SyntheticChain, dao: Dao, url: str) -> None:
    """The mirror is what a fresh index by this (honest) node is, in every table, and has told what that one tells."""
    fresh = mirrored(chain, f"{dao.slug}-fresh")
    rpc = Rpc([url], chain.chain_id)
    assert sync_once(fresh, rpc).status is Status.CAUGHT_UP
    rpc.close()
    ours, theirs = dump(dao), dump(fresh)
    for table, rows in theirs.items():
        only = [f"-{row}" for row in rows if row not in ours[table]] + [f"+{r}" for r in ours[table] if r not in rows]
        assert ours[table] == rows, f"{table} differs (- missing, + too many):\n" + "\n".join(only)
    assert len(ours["RawLog"]) == len(set(ours["RawLog"]))
    # What one node alone shows is told once it is confirmed.
    told, due = standing(dao) + unconfirmed.withheld(dao), standing(fresh)
    assert told == due, f"told and not so: {told - due}; so and not told: {due - told}"
    kinds = ("gap", "undecodable", "policy_code", "timelock_changed", "deep_reorg")
    ours_open, theirs_open = open_incidents(dao, *kinds), open_incidents(fresh, *kinds)
    assert ours_open == theirs_open, f"incidents {ours_open}, and not {theirs_open}"
    with fence.hold(dao) as writer:
        assert writer is not None
        with writer.transaction():
            again.rebuild(dao)
    assert dump(dao) == theirs, "what is stored raw does not give the projections again"
    fresh.delete()
