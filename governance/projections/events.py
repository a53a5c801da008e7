# SPDX-License-Identifier: Apache-2.0
"""Logs -> events, pure: which events are understood at which kind of contract, and how their words are read.

Written by signature, as in Solidity, with `indexed`: topics are matched by hash *and* by number, for the same signature
with another parameter indexed is another layout. Whatever a contract emits, decoding never stops the sync: what can't
be read is `Undecodable`, stays raw and is counted.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from governance.chain import abi
from governance.models import Contract
from policies.notation.primitives import keccak

Kind = Contract.Kind


class Undecodable(ValueError):
    """A log of a known event whose words don't read as its signature says, or that no table can hold."""


class LogLike(Protocol):
    """What decoding needs of a log; a node's has it, and a stored one."""

    @property
    def topics(self) -> tuple[bytes, ...]: ...

    @property
    def data(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Parameter:
    type: str  # canonical, and `bytes` where the signature says `string`: text that is no UTF-8 must not stop us
    name: str
    indexed: bool
    text: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """One event signature. `topic0` is its hash."""

    name: str
    signature: str
    topic0: bytes
    parameters: tuple[Parameter, ...]

    @property
    def topics(self) -> int:
        return 1 + sum(p.indexed for p in self.parameters)


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log. `text` arguments are bytes as emitted; `text_of` makes them showable."""

    name: str
    signature: str
    args: dict[str, Any]


def layout(declaration: str) -> Layout:
    """Read `Name(type [indexed] name, ...)`; types are canonical (uint256, tuples in parentheses)."""
    name, _, rest = declaration.partition("(")
    parameters, types = [], []
    for part in abi.split_types(rest.removesuffix(")")):
        words = part.strip().split(" ")
        types.append(words[0])
        parameters.append(
            Parameter(words[0].replace("string", "bytes"), words[-1], "indexed" in words[1:-1], "string" in words[0])
        )
    signature = f"{name}({','.join(types)})"
    return Layout(name, signature, keccak(signature.encode()), tuple(parameters))


_PROPOSAL_CALLS = (
    "ProposalCreated(uint256 proposalId,address proposer,address[] targets,uint256[] values,string[] signatures,"
    "bytes[] calldatas,uint256 voteStart,uint256 voteEnd,string description"
)
_PROPOSAL_MODULE = (
    "ProposalCreated(uint256 proposalId,address proposer,address votingModule,bytes proposalData,"
    "uint256 voteStart,uint256 voteEnd,string description"
)


def _indexed(declaration: str) -> str:
    """The same event with id, proposer and module indexed: another layout under the same topic."""
    for parameter in ("uint256 proposalId", "address proposer", "address votingModule"):
        declaration = declaration.replace(parameter, parameter.replace(" ", " indexed "))
    return declaration


_COLUMNS = "address[] targets,uint256[] values,string[] signatures,bytes[] calldatas"
_NOUNS = (
    f"ProposalCreatedWithRequirements(uint256 proposalId,address proposer,{_COLUMNS},uint256 voteStart,"
    "uint256 voteEnd,uint256 proposalThreshold,uint256 quorumVotes,string description)",
    f"ProposalCreatedWithRequirements(uint256 proposalId,address proposer,address[] signers,{_COLUMNS},"
    "uint256 voteStart,uint256 voteEnd,uint256 updatePeriodEndBlock,uint256 proposalThreshold,uint256 quorumVotes,"
    "string description)",
    "ProposalCreatedWithRequirements(uint256 proposalId,address[] signers,uint256 updatePeriodEndBlock,"
    "uint256 proposalThreshold,uint256 quorumVotes,uint32 indexed clientId)",
    f"ProposalUpdated(uint256 indexed proposalId,address indexed proposer,{_COLUMNS},string description,"
    "string updateMessage)",
    f"ProposalTransactionsUpdated(uint256 indexed proposalId,address indexed proposer,{_COLUMNS},string updateMessage)",
    "ProposalDescriptionUpdated(uint256 indexed proposalId,address indexed proposer,string description,"
    "string updateMessage)",
    "ProposalVetoed(uint256 proposalId)",
    "ProposalObjectionPeriodSet(uint256 indexed proposalId,uint256 objectionPeriodEndBlock)",
    "ProposalCreatedOnTimelockV1(uint256 proposalId)",
    "VoteCastWithClientId(address indexed voter,uint256 indexed proposalId,uint32 indexed clientId)",
    "RefundableVote(address indexed voter,uint256 refundAmount,bool refundSent)",
    "SignatureCancelled(address indexed signer,bytes signature)",
    "ProposalThresholdBPSSet(uint256 oldValue,uint256 newValue)",
    "QuorumVotesBPSSet(uint256 oldValue,uint256 newValue)",
    "MinQuorumVotesBPSSet(uint16 oldValue,uint16 newValue)",
    "MaxQuorumVotesBPSSet(uint16 oldValue,uint16 newValue)",
    "QuorumCoefficientSet(uint32 oldValue,uint32 newValue)",
    "NewVetoer(address oldVetoer,address newVetoer)",
    "NewPendingVetoer(address oldPendingVetoer,address newPendingVetoer)",
    "ObjectionPeriodDurationSet(uint32 oldValue,uint32 newValue)",
    "LastMinuteWindowSet(uint32 oldValue,uint32 newValue)",
    "ProposalUpdatablePeriodSet(uint32 oldValue,uint32 newValue)",
    "Withdraw(uint256 amount,bool sent)",
)

_DECLARATIONS: dict[str, tuple[str, ...]] = {
    Kind.GOVERNOR: (
        # OpenZeppelin v4 and v5, and Bravo, whose parameters have other names but the same types
        _PROPOSAL_CALLS + ")",
        "VoteCast(address indexed voter,uint256 proposalId,uint8 support,uint256 weight,string reason)",
        "VoteCastWithParams(address indexed voter,uint256 proposalId,uint8 support,uint256 weight,string reason,"
        "bytes params)",
        # Compound's GovernorAlpha
        "VoteCast(address voter,uint256 proposalId,bool support,uint256 weight)",
        # GovernorCountingOverridable: a holder's own vote, and what it takes from their delegate's
        "OverrideVoteCast(address indexed voter,uint256 proposalId,uint8 support,uint256 weight,string reason)",
        "VoteReduced(address indexed delegate,uint256 proposalId,uint8 support,uint256 weight)",
        "ProposalQueued(uint256 proposalId,uint256 eta)",
        "ProposalExecuted(uint256 proposalId)",
        "ProposalCanceled(uint256 proposalId)",
        "ProposalExtended(uint256 indexed proposalId,uint64 extendedDeadline)",
        "VotingDelaySet(uint256 oldValue,uint256 newValue)",
        "VotingPeriodSet(uint256 oldValue,uint256 newValue)",
        "ProposalThresholdSet(uint256 oldValue,uint256 newValue)",
        "QuorumNumeratorUpdated(uint256 oldValue,uint256 newValue)",
        "SuperQuorumNumeratorUpdated(uint256 oldValue,uint256 newValue)",
        "LateQuorumVoteExtensionSet(uint64 oldValue,uint64 newValue)",
        "ProposalGuardianSet(address oldGuardian,address newGuardian)",
        "TimelockChange(address oldTimelock,address newTimelock)",
        "EIP712DomainChanged()",
        # of governors behind proxies
        "Initialized(uint8 version)",
        "Initialized(uint64 version)",
        "Upgraded(address indexed implementation)",
        "AdminChanged(address previousAdmin,address newAdmin)",
        "BeaconUpgraded(address indexed beacon)",
        "DiamondCut((address,uint8,bytes4[])[] cut,address init,bytes data)",
        "OwnershipTransferred(address indexed previousOwner,address indexed newOwner)",
        # quorums and thresholds of governors' own
        "QuorumUpdated(uint256 oldValue,uint256 newValue)",
        "QuorumSet(uint256 oldValue,uint256 newValue)",
        "QuorumVotesSet(uint256 oldValue,uint256 newValue)",
        "ApprovalThresholdSet(uint256 oldValue,uint256 newValue)",
        # Bravo's own settings
        "NewImplementation(address oldImplementation,address newImplementation)",
        "NewPendingAdmin(address oldPendingAdmin,address newPendingAdmin)",
        "NewAdmin(address oldAdmin,address newAdmin)",
        "NewGuardian(address oldGuardian,address newGuardian)",
        "WhitelistAccountExpirationSet(address account,uint256 expiration)",
        "WhitelistGuardianSet(address oldGuardian,address newGuardian)",
        "ProposalMaxOperationsUpdated(uint256 oldValue,uint256 newValue)",
        # Nouns: Bravo with a veto, requirements of each proposal, a quorum that grows with what is against, and from
        # its third version on a time to write a proposal anew and one to object to a late turn
        *_NOUNS,
        # Optimism's and Agora's settings
        "ProposalTypeUpdated(uint256 indexed proposalId,uint8 proposalType)",
        "ProposalDeadlineUpdated(uint256 proposalId,uint64 deadline)",
        "ProposalCancellerUpdated(address newCanceller)",
        "AdminSet(address indexed oldAdmin,address indexed newAdmin)",
        "ManagerSet(address indexed oldManager,address indexed newManager)",
        # Optimism's and Agora's: voting modules in place of calls, and a proposal type
        _indexed(_PROPOSAL_CALLS) + ",uint8 proposalType)",
        _PROPOSAL_CALLS + ",uint8 proposalType)",
        _indexed(_PROPOSAL_MODULE) + ")",
        _PROPOSAL_MODULE + ")",
        _indexed(_PROPOSAL_MODULE) + ",uint8 proposalType)",
        _PROPOSAL_MODULE + ",uint8 proposalType)",
    ),
    Kind.TIMELOCK: (
        "CallScheduled(bytes32 indexed id,uint256 indexed index,address target,uint256 value,bytes data,"
        "bytes32 predecessor,uint256 delay)",
        "CallExecuted(bytes32 indexed id,uint256 indexed index,address target,uint256 value,bytes data)",
        "Cancelled(bytes32 indexed id)",
        "CallSalt(bytes32 indexed id,bytes32 salt)",
        "MinDelayChange(uint256 oldDuration,uint256 newDuration)",
        "RoleGranted(bytes32 indexed role,address indexed account,address indexed sender)",
        "RoleRevoked(bytes32 indexed role,address indexed account,address indexed sender)",
        "RoleAdminChanged(bytes32 indexed role,bytes32 indexed previousAdminRole,bytes32 indexed newAdminRole)",
        # Compound's timelock, and Nouns'
        *(
            f"{what}Transaction(bytes32 indexed id,address indexed target,uint256 value,string signature,bytes data,"
            "uint256 eta)"
            for what in ("Queue", "Execute", "Cancel")
        ),
        "NewAdmin(address indexed newAdmin)",
        "NewPendingAdmin(address indexed newPendingAdmin)",
        "NewDelay(uint256 indexed newDelay)",
    ),
    Kind.VOTES_TOKEN: (
        "DelegateChanged(address indexed delegator,address indexed fromDelegate,address indexed toDelegate)",
        # ERC20VotesPartialDelegation: several delegates at once, each with a share in ten thousandths
        "DelegateChanged(address indexed delegator,(address,uint96)[] oldDelegates,(address,uint96)[] newDelegates)",
        "DelegateVotesChanged(address indexed delegate,uint256 previousVotes,uint256 newVotes)",
    ),
    Kind.ASSET: ("Transfer(address indexed from,address indexed to,uint256 value)",),
    Kind.TREASURY: (),
    Kind.MODULE: (
        "PolicySet(bytes32 indexed policyId,address indexed agent,uint16 version,bytes32 codehash,address pointer)",
        "PolicyShortened(bytes32 indexed policyId,uint40 end)",
        "ActExecuted(bytes32 indexed policyId,address indexed agent,bytes32 indexed decision,uint24 number)",
        "ActScheduled(bytes32 indexed policyId,address indexed agent,bytes32 indexed decision,bytes32 actId,"
        "uint24 number,uint16 version,uint40 releasableAt,uint40 expiresAt,uint48 snapshot,"
        "(address,uint256,bytes)[] calls)",
        "ActReleased(bytes32 indexed policyId,address indexed agent,bytes32 indexed decision,bytes32 actId)",
        "ActObjected(bytes32 indexed policyId,bytes32 indexed actId,address indexed account,uint256 power,"
        "uint256 total,uint256 threshold)",
        "ActKilled(bytes32 indexed policyId,bytes32 indexed actId,uint256 total)",
        "ActVetoed(bytes32 indexed policyId,bytes32 indexed actId,address by)",
        "PetitionOpened(bytes32 indexed policyId,uint32 serial,uint48 snapshot,uint40 until,uint256 threshold)",
        "PetitionSigned(bytes32 indexed policyId,address indexed account,uint32 serial,uint256 power,uint256 total)",
        "Paused(address by,uint32 epoch)",
        "Unpaused(uint32 epoch)",
        "GuardianSet(address guardian)",
    ),
}


def _topics(kind: Kind, *names: str) -> tuple[bytes, ...]:
    return tuple({found.topic0 for found in map(layout, _DECLARATIONS[kind]) if found.name in names})


# A timelock's operation that came to its end.
ENDS_OPERATION = _topics(
    Kind.TIMELOCK, "CallExecuted", "Cancelled", "ExecuteTransaction", "CancelTransaction"
)  # fmt: skip
# The governor's code is another one, or another one may change it.
CHANGES_CODE = _topics(Kind.GOVERNOR, "Upgraded", "NewImplementation", "AdminChanged", "BeaconUpgraded", "DiamondCut")
# What decides proposals that are there already may be another one: a quorum, a threshold, the code, the timelock.
CHANGES_RULES = CHANGES_CODE + _topics(
    Kind.GOVERNOR, "QuorumNumeratorUpdated", "SuperQuorumNumeratorUpdated", "ProposalThresholdSet", "TimelockChange",
    "QuorumVotesBPSSet", "MinQuorumVotesBPSSet", "MaxQuorumVotesBPSSet", "QuorumCoefficientSet", "VotingPeriodSet",
    "VotingDelaySet", "LateQuorumVoteExtensionSet", "ProposalThresholdBPSSet", "ObjectionPeriodDurationSet",
    "LastMinuteWindowSet", "QuorumUpdated", "QuorumSet", "QuorumVotesSet", "ApprovalThresholdSet",
)  # fmt: skip
PAUSED = _topics(Kind.MODULE, "Paused")
UNPAUSED = _topics(Kind.MODULE, "Unpaused")
GUARDIAN_SET = _topics(Kind.MODULE, "GuardianSet")


@cache
def layouts(kind: str) -> dict[tuple[bytes, int], Layout]:
    """The events understood at a kind of contract, by (topic0, number of topics)."""
    return {(found.topic0, found.topics): found for found in map(layout, _DECLARATIONS[kind])}


def decode(kind: str, log: LogLike) -> Event | None:
    """The event of a log of a contract of this kind; None where the event is not one that is understood there.

    Raises:
        Undecodable: the event is known, and its data is not what its signature says.
    """
    topics = log.topics
    found = layouts(kind).get((topics[0], len(topics))) if topics else None
    if found is None:
        return None
    plain = [p for p in found.parameters if not p.indexed]
    try:
        words = iter(abi.decode([p.type for p in plain], log.data, canonical=False))
        indexed = iter(topics[1:])
        args = {p.name: abi.decode([p.type], next(indexed))[0] if p.indexed else next(words) for p in found.parameters}
    except abi.NotCanonical as error:
        raise Undecodable(f"{found.signature}: {error}") from error
    return Event(found.name, found.signature, args)


def pointer_of(policy_set: LogLike) -> bytes:
    """Return where the code of a policy lies, as the PolicySet log says that set it."""
    event = decode(Kind.MODULE, policy_set)
    if event is None or event.name != "PolicySet":
        raise ValueError("this log sets no policy")
    return bytes(event.args["pointer"])


def text_of(raw: bytes) -> str:
    """Text as it can be stored and shown: what is no UTF-8, and NUL (which PostgreSQL refuses), becomes U+FFFD."""
    return raw.decode("utf-8", "replace").replace("\x00", "\ufffd")


def raw_of(raw: bytes) -> bytes | None:
    """The bytes of a text that `text_of` changes; None where the text holds them all."""
    return None if text_of(raw).encode() == raw else raw


def bounded(value: int, most: int) -> int:
    """`value` where a column can hold it: a hostile contract may emit any number."""
    if not 0 <= value <= most:
        raise Undecodable(f"{value} is outside what a table holds")
    return value
