# SPDX-License-Identifier: Apache-2.0
"""Tells a DAO's own policy modules from others, by what its mirror has read and what its chain answers.

Anybody may deploy a module that names a DAO's timelock as its owner, and a treasury that lists the module. So a module
counts as the DAO's own only where members led to it (a proposal that was executed sets a policy in it, or a treasury
that the mirror follows lists it) and where owner, treasury and code are what they should be. Any other is only named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Min, Q, QuerySet

from governance import builds
from governance.capabilities import ask, probe_module
from governance.chain import abi
from governance.chain.address import checksum, to_bytes
from governance.chain.call import call_of
from governance.chain.module import SET_POLICY
from governance.chain.rpc import Rpc
from governance.models import Contract, Dao, Proposal, ProposalAction, ProposalTransition, RawLog, chain_order
from policies.notation.primitives import keccak

_ENABLE = "enableModule(address)"
ENABLED = (keccak(b"ModuleEnabled(address)"), keccak(b"EnabledModule(address)"))  # our treasury's and Safe's
_FIRST_MODULE = b"\x01".rjust(20, b"\0")  # where Safe's list of modules begins
_MOST = 50


@dataclass(frozen=True)
class FoundModule:
    """A policy module that something of the DAO's led to. `problem` says why it is not followed by itself; empty where
    it is beyond doubt the DAO's own."""

    address: bytes
    owner: bytes | None
    treasury: bytes
    problem: str


def owner_of(governor: Contract) -> bytes:
    """Return through whom a DAO's votes act: the governor's timelock, or itself."""
    timelock = governor.capabilities.get("timelock")
    return to_bytes(timelock) if timelock else bytes(governor.address)


def treasuries_of(dao: Dao) -> list[bytes]:
    """Return the treasuries that the mirror follows for a DAO."""
    return [bytes(c.address) for c in dao.contracts.filter(kind=Contract.Kind.TREASURY).order_by("pk")]


def voted(dao: Dao, *, above_block: int | None = None) -> Iterable[bytes]:
    """Where proposals that were executed set a policy, and what they had a treasury enable; of those alone that were
    executed above a block, where one is given. Not of proposals that one node alone shows, or shows to be executed."""
    actions = ProposalAction.objects.filter(proposal__dao=dao, proposal__executed=True)
    actions = actions.exclude(proposal__in=_executed_in_doubt(dao))
    if above_block is not None:
        executed = ProposalTransition.objects.filter(kind="executed", log__block_number__gt=above_block)
        actions = actions.filter(proposal__in=executed.filter(proposal__dao=dao).values("proposal"))
    for action in actions.order_by("-proposal", "position").iterator():
        calldata = call_of(action).calldata
        selector, data = calldata[:4], calldata[4:]
        if selector == abi.selector(SET_POLICY):
            yield bytes(action.target)
        elif selector == abi.selector(_ENABLE) and len(data) == 32:
            yield data[12:]


def _executed_in_doubt(dao: Dao) -> QuerySet[Proposal]:
    """Executed proposals that one node alone shows, or shows to be executed."""
    executed = ProposalTransition.objects.filter(proposal__dao=dao, kind="executed", log__unconfirmed__isnull=False)
    doubted = Q(log__unconfirmed__isnull=False) | Q(pk__in=executed.values("proposal"))
    return Proposal.objects.filter(doubted, dao=dao, executed=True)


def first_in_doubt(dao: Dao) -> int | None:
    """Return the block of the first execution that one node alone shows, or of a proposal that it alone shows: what
    it did is looked at once that is settled. None where there is none."""
    executed = ProposalTransition.objects.filter(kind="executed", proposal__in=_executed_in_doubt(dao))
    return executed.aggregate(first=Min("log__block_number"))["first"]


def listed(dao: Dao, rpc: Rpc, treasuries: Sequence[bytes]) -> Iterable[bytes]:
    """What treasuries that the mirror follows said that they enabled, and what a Safe lists now."""
    logs = RawLog.objects.filter(dao=dao, address__in=treasuries, topic0__in=ENABLED)
    for log in logs.order_by(*chain_order())[: 10 * _MOST]:
        word = log.topic1 or bytes(log.data)
        if len(word) == 32:
            yield bytes(word[12:])
    asked = {"modules": ("getModulesPaginated(address,uint256)", [_FIRST_MODULE, _MOST], ["address[]", "address"])}
    for treasury in treasuries:
        answer = ask(rpc, treasury, asked, "latest", whole=True)["modules"]
        yield from answer[0] if answer else ()


def examine(
    rpc: Rpc, module: bytes, owner: bytes, treasuries: Sequence[bytes], *, is_voted: bool
) -> FoundModule | None:
    """What is so of a module at the newest block; None where the contract is no policy module. `is_voted`: a proposal
    that was executed acted on it."""
    told = probe_module(rpc, module)
    if told["paused"] is None or told["treasury"] is None:
        return None
    treasury = to_bytes(told["treasury"])
    answers = ask(
        rpc,
        treasury,
        {
            "enabled": ("isModuleEnabled(address)", [module], ["bool"]),
            "owner": ("owner()", [], ["address"]),
            "owners": ("getOwners()", [], ["address[]"]),
        },
        "latest",
        whole=True,
    )
    # Our Treasury names its owner, a Safe its owners: of one that people own too, votes do not rule alone.
    owners = [*answers["owners"][0]] if answers["owners"] else []
    rules_alone = treasury == owner or answers["owner"] == (owner,) or owners == [owner]
    problem = ""
    if told["owner"] != checksum(owner):
        belongs = told["owner"] or "nobody that it names"
        problem = f"it belongs to {belongs}, not to {checksum(owner)}, through which the DAO's votes act"
    elif answers["enabled"] != (True,):
        problem = f"its treasury {checksum(treasury)} does not say that it is enabled"
    elif treasury not in treasuries and not (is_voted and rules_alone):
        problem = f"nothing shows that its treasury {checksum(treasury)} is the DAO's"
    elif not (builds.COMPILED / "PolicyModule.json").is_file():
        problem = "its code could not be compared, for no policy module is compiled here"
    elif not builds.is_policy_module(rpc.get_code(module)):
        problem = "its code is not that of the policy module of this or an earlier version"
    return FoundModule(module, to_bytes(told["owner"]) if told["owner"] else None, treasury, problem)
