# SPDX-License-Identifier: Apache-2.0
"""Ask a DAO's contracts and its chain what they are, at one block, before a policy module is deployed for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from governance import builds
from governance.capabilities import ask, probe_governor
from governance.chain import abi
from governance.chain.address import ZERO, checksum, to_bytes
from governance.chain.rpc import Answered, CallReverted, Rpc, RpcError, quantity
from governance.installing.words import NotInstalled
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak
from policies.notation.visible import one_line

FACTORY = bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c")
# The CREATE2 factory that most chains have at this address: salt and creation code in, the contract's address out.
FACTORY_CODE = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b"
    "8082525050506014600cf3"
)
_FIRST_MODULE = b"\x01".rjust(20, b"\0")  # where Safe's list of modules begins
_MOST_MODULES = 100
_MODULES = "getModulesPaginated(address,uint256)"
_GUARDS = {  # where a Safe keeps who may forbid its transactions, and (from 1.5.0) its modules' calls
    "guard": int.from_bytes(keccak(b"guard_manager.guard.address"), "big"),
    "module_guard": int.from_bytes(keccak(b"module_manager.module_guard.address"), "big"),
}
# What the module's code needs of the chain: code that returns a word of 1 where the chain has it.
_ONE = "600160005260206000f3"
FEATURES = {
    "PUSH0 (EIP-3855)": "5f50" + _ONE,
    "MCOPY (EIP-5656)": "6000600060005e" + _ONE,
    "transient storage (EIP-1153)": "600060005d60005c50" + _ONE,
}
_CONTROL = "600160005260206000f3"
_ADMIN, _PROPOSER, _CANCELLER, _EXECUTOR = (
    bytes(32),
    *(keccak(f"{name}_ROLE".encode()) for name in ("PROPOSER", "CANCELLER", "EXECUTOR")),
)
_GRANTED, _REVOKED = (keccak(f"Role{what}(bytes32,address,address)".encode()) for what in ("Granted", "Revoked"))


class Kind(StrEnum):
    """What holds the money, by how it lets a module act."""

    TREASURY = "treasury"  # ours
    SAFE = "safe"
    ITSELF = "itself"  # the timelock or governor holds it: no module can be enabled there
    OTHER = "other"


class Adapter(StrEnum):
    """The contract of ours that counts the votes of a token which answers past votes in no standard way."""

    NONE = ""
    PRIOR_VOTES = builds.PRIOR_VOTES
    SAFE_OWNERS = builds.SAFE_OWNERS


@dataclass(frozen=True)
class Safe:
    """A Safe by its own answers, None for what it did not answer. `is_whole_list`: it has no other modules."""

    version: str | None
    owners: tuple[bytes, ...]
    threshold: int
    modules: tuple[bytes, ...] | None
    is_whole_list: bool
    guard: bytes | None
    module_guard: bytes | None


@dataclass(frozen=True)
class Holder:
    """Who holds the money: its kind, its owner by its own answer, and what it says of itself as a Safe."""

    address: bytes
    kind: Kind
    owner: bytes | None
    safe: Safe | None
    is_our_code: bool


@dataclass(frozen=True)
class Timelock:
    """Who can make a timelock act. `kind` is "control" (OpenZeppelin's), "compound", or "other".

    `holders` are accounts by role (admin, proposer, executor, canceller), None where the logs could not be read;
    `is_open` says that anybody executes what is due. `admin` and `pending_admin` are Compound's.
    """

    kind: str
    delay_s: int | None
    holders: dict[str, tuple[bytes, ...]] | None
    is_open: bool
    governor_proposes: bool | None
    admin: bytes | None
    pending_admin: bytes | None


@dataclass(frozen=True)
class Votes:
    """The token whose votes stop acts, and the adapter that it needs. `adapter` None: it tells no past votes at all."""

    token: bytes
    adapter: Adapter | None
    symbol: str | None


@dataclass(frozen=True)
class Situation:
    """A DAO before its policy module. `owner` is through whom its votes act; `governor` None: a Safe without votes."""

    chain_id: int
    block: int
    name: str
    family: str
    governor: bytes | None
    owner: bytes
    timelock: Timelock | None
    holder: Holder
    votes: Votes
    features: dict[str, bool | None]  # None: the node could not be asked so
    has_factory: bool

    @property
    def vote_moves_safe(self) -> bool:
        """Whether a vote alone can make the Safe act: what votes act through owns it, and one signature is enough."""
        safe = self.holder.safe
        return safe is not None and self.governor is not None and self.owner in safe.owners and safe.threshold == 1

    @property
    def other_owners(self) -> tuple[bytes, ...]:
        """The Safe's owners but for what votes act through."""
        safe = self.holder.safe
        return () if safe is None else tuple(owner for owner in safe.owners if owner != self.owner)


def look(rpc: Rpc, address: bytes, *, treasury: bytes | None = None, token: bytes | None = None) -> Situation:
    """Ask a governor, or a Safe without one, and everything behind it, at the newest block.

    Raises:
        NotInstalled: there is neither at the address, or what holds the money is not known.
        RpcError: the node failed.
    """
    if not (builds.COMPILED / "PolicyModule.json").is_file():
        raise NotInstalled("not_compiled", contract="PolicyModule")  # nothing of ours would be known again
    chain_id = rpc.chain_id if rpc.chain_id is not None else quantity(rpc.call("eth_chainId"))
    block = rpc.head_number()
    if not rpc.get_code(address, block):
        raise NotInstalled("no_contract", address=checksum(address), chain=chain_id)
    found = probe_governor(rpc, address, block)
    if found["family"] == "unknown":
        return _of_safe(rpc, address, chain_id, block)
    owner = to_bytes(found["timelock"]) if found["timelock"] else address
    if treasury is None:
        raise NotInstalled("no_treasury_named", governor=checksum(address))
    token = token or (to_bytes(found["token"]) if found["token"] else None)
    if token is None:
        raise NotInstalled("no_token_named", governor=checksum(address))
    return Situation(
        chain_id=chain_id, block=block, name=one_line(str(found["name"] or ""), 120), family=found["family"],
        governor=address, owner=owner, timelock=_timelock(rpc, owner, address, block),
        holder=_holder(rpc, treasury, owner, block), votes=_votes(rpc, token, block),
        features=_features(rpc, block), has_factory=rpc.get_code(FACTORY, block) == FACTORY_CODE,
    )  # fmt: skip


def _of_safe(rpc: Rpc, address: bytes, chain_id: int, block: int) -> Situation:
    holder = _holder(rpc, address, address, block)
    if holder.safe is None:
        raise NotInstalled("no_governor", address=checksum(address))
    return Situation(
        chain_id=chain_id, block=block, name="", family="", governor=None, owner=address, timelock=None, holder=holder,
        votes=Votes(address, Adapter.SAFE_OWNERS, None), features=_features(rpc, block),
        has_factory=rpc.get_code(FACTORY, block) == FACTORY_CODE,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------- who holds the money


def _holder(rpc: Rpc, address: bytes, owner: bytes, block: int) -> Holder:
    code = rpc.get_code(address, block)
    if not code:
        raise NotInstalled("treasury_without_code", address=checksum(address))
    answers = ask(
        rpc, address,
        {
            "owner": ("owner()", [], ["address"]),
            "enabled": ("isModuleEnabled(address)", [address], ["bool"]),
            "threshold": ("getThreshold()", [], ["uint256"]),
            "owners": ("getOwners()", [], ["address[]"]),
            "version": ("VERSION()", [], ["string"]),
            "modules": (_MODULES, [_FIRST_MODULE, _MOST_MODULES], ["address[]", "address"]),
        },
        block, whole=True,
    )  # fmt: skip
    is_ours = builds.is_compiled(code, "Treasury")
    its_owner = bytes(answers["owner"][0]) if answers["owner"] else None
    safe = None
    if answers["threshold"] and answers["owners"] and answers["enabled"] is not None:
        listed = answers["modules"]
        safe = Safe(
            version=one_line(answers["version"][0], 40) if answers["version"] else None,
            owners=tuple(map(bytes, answers["owners"][0])),
            threshold=answers["threshold"][0],
            modules=None if listed is None else tuple(map(bytes, listed[0])),
            is_whole_list=listed is not None and bytes(listed[1]) in (_FIRST_MODULE, ZERO),
            **{name: _address_at(rpc, address, slot, block) for name, slot in _GUARDS.items()},
        )
    if safe is not None:
        kind = Kind.SAFE
    elif is_ours:
        kind = Kind.TREASURY
    else:
        kind = Kind.ITSELF if address == owner else Kind.OTHER
    return Holder(address, kind, its_owner, safe, is_ours)


def _address_at(rpc: Rpc, address: bytes, slot: int, block: int) -> bytes | None:
    try:
        return rpc.storage(address, slot, block)[12:]
    except Answered:
        return None  # a node that gives no storage


# ------------------------------------------------------------------------------------------------------- the timelock


def _timelock(rpc: Rpc, owner: bytes, governor: bytes, block: int) -> Timelock | None:
    if owner == governor:
        return None
    answers = ask(
        rpc, owner,
        {
            "min_delay": ("getMinDelay()", [], ["uint256"]),
            "delay": ("delay()", [], ["uint256"]),
            "admin": ("admin()", [], ["address"]),
            "pending_admin": ("pendingAdmin()", [], ["address"]),
            "proposes": ("hasRole(bytes32,address)", [_PROPOSER, governor], ["bool"]),
            "open": ("hasRole(bytes32,address)", [_EXECUTOR, ZERO], ["bool"]),
        },
        block, whole=True,
    )  # fmt: skip

    def first(name: str) -> Any:
        answer = answers[name]
        return answer[0] if answer else None

    if first("min_delay") is not None and first("proposes") is not None:
        holders = _role_holders(rpc, owner, block)
        return Timelock("control", first("min_delay"), holders, first("open") is True, first("proposes"), None, None)
    if first("delay") is not None and first("admin") is not None:
        pending = first("pending_admin")
        return Timelock(
            "compound", first("delay"), None, False, bytes(first("admin")) == governor, bytes(first("admin")),
            None if pending is None else bytes(pending),
        )  # fmt: skip
    return Timelock("other", None, None, False, None, None, None)


def _role_holders(rpc: Rpc, timelock: bytes, block: int) -> dict[str, tuple[bytes, ...]] | None:
    """Who holds a role, by the logs of the whole past, each confirmed by the timelock itself; None where the node does
    not give them all. It is asked once: a timelock may be older than its governor, so no later block will do."""
    roles = {"admin": _ADMIN, "proposer": _PROPOSER, "executor": _EXECUTOR, "canceller": _CANCELLER}
    try:
        logs = rpc.logs([timelock], [[_GRANTED, _REVOKED]], first_block=0, last_block=block)
    except RpcError:
        return None
    named = {(log.topics[1], log.topics[2][12:]) for log in logs if len(log.topics) == 4}
    if not named:
        return None  # every timelock gives itself a role: the node has lost the past
    pairs = sorted(named)
    asked = [(timelock, abi.encode_call("hasRole(bytes32,address)", list(pair))) for pair in pairs]
    answers = list(rpc.eth_calls(asked, block))
    if not all(isinstance(answer, bytes) and len(answer) == 32 for answer in answers):
        return None  # who was not answered of may hold a role
    held = {pair for pair, answer in zip(pairs, answers, strict=True) if isinstance(answer, bytes) and any(answer)}
    return {name: tuple(account for role, account in pairs if role == id_ and (role, account) in held)
            for name, id_ in roles.items()}  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ votes


def _votes(rpc: Rpc, token: bytes, block: int) -> Votes:
    if not rpc.get_code(token, block):
        raise NotInstalled("token_without_code", address=checksum(token))
    clock = ask(rpc, token, {"clock": ("clock()", [], ["uint48"])}, block, whole=True)["clock"]
    past = (clock[0] if clock else block) - 1
    answers = ask(
        rpc, token,
        {
            "supply": ("getPastTotalSupply(uint256)", [past], ["uint256"]),
            "votes": ("getPastVotes(address,uint256)", [token, past], ["uint256"]),
            "prior": ("getPriorVotes(address,uint256)", [token, block - 1], ["uint256"]),
            "total": ("totalSupply()", [], ["uint256"]),
            "symbol": ("symbol()", [], ["string"]),
        },
        block, whole=True,
    )  # fmt: skip
    adapter: Adapter | None = None
    if answers["supply"] and answers["votes"]:
        adapter = Adapter.NONE
    elif answers["prior"] and answers["total"]:
        adapter = Adapter.PRIOR_VOTES
    return Votes(token, adapter, one_line(answers["symbol"][0], 20) if answers["symbol"] else None)


# -------------------------------------------------------------------------------------------------------- the chain


def _features(rpc: Rpc, block: int) -> dict[str, bool | None]:
    """Whether the chain has what the module's code needs; None where the node runs no code that nobody deployed."""
    if _runs(rpc, _CONTROL, block) is not True:
        return dict.fromkeys(FEATURES)
    return {name: _runs(rpc, code, block) for name, code in FEATURES.items()}


def _runs(rpc: Rpc, code: str, block: int) -> bool | None:
    try:
        return rpc.eth_create(bytes.fromhex(code), block) == (1).to_bytes(32, "big")
    except CallReverted:
        return False
    except Answered as error:
        # Nodes word an instruction that does not exist in their own ways, and some give no revert.
        return False if any(word in error.message.lower() for word in ("opcode", "notactivated", "invalid")) else None


def shown(addresses: Sequence[bytes]) -> list[str]:
    """Return addresses as text, at most twelve of them."""
    texts = [checksum(address) for address in addresses[:12]]
    return texts + ([f"and {len(addresses) - 12} more"] if len(addresses) > 12 else [])


def plain(value: Any) -> Any:
    """Return what was found as plain JSON: addresses as text."""
    if isinstance(value, bytes):
        return checksum(value) if len(value) == 20 else hex_text(value)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
