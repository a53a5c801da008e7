# SPDX-License-Identifier: Apache-2.0
"""What a DAO's contracts can do, found out by asking them: nothing is configured by hand.

A call that reverts, or that a node can't answer, means "not known", and what depends on it reads as not checked; a node
that does not answer at all raises, for then nothing was learnt.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.rpc import BlockId, Rpc, RpcError
from governance.models import Contract, Dao
from policies.amounts import Token

Answer = tuple[Any, ...] | None


def ask(
    rpc: Rpc, to: bytes, questions: dict[str, tuple[str, list[Any], list[str]]], block: BlockId
) -> dict[str, Answer]:
    """Many views of one contract at one block: name -> (signature, arguments, result types). None where it has none."""
    calls = [(to, abi.encode_call(signature, arguments)) for signature, arguments, _ in questions.values()]
    answers: dict[str, Answer] = {}
    for (name, (_, _, types)), raw in zip(questions.items(), rpc.eth_calls(calls, block), strict=True):
        answers[name] = None
        if not isinstance(raw, RpcError) and raw:
            try:
                found = abi.decode(types, raw, canonical=False)
                answers[name] = tuple(_printable(value) if isinstance(value, str) else value for value in found)
            except abi.NotCanonical:
                continue  # another function with this selector, or a fallback that answers anything
    return answers


def _printable(text: str) -> str:
    """A contract's words as they can be stored and shown: NUL is in no JSON column, and a terminal obeys escapes."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _view(signature: str, *types: str) -> tuple[str, list[Any], list[str]]:
    return signature, [], list(types)


def _clock(mode: str | None) -> str:
    """ERC-6372's CLOCK_MODE as `timestamp` or `blocknumber`; without one it is block numbers."""
    return "timestamp" if mode and parse_qs(mode).get("mode") == ["timestamp"] else "blocknumber"


def _first(answer: Answer) -> Any:
    return answer[0] if answer else None


def probe_governor(rpc: Rpc, governor: bytes, block: BlockId = "latest") -> dict[str, Any]:
    """A governor's capabilities, as JSON. `quorum` names the function that tells it; `family` whose governor it is."""
    zero = "uint256"
    found = ask(
        rpc,
        governor,
        {
            "name": _view("name()", "string"),
            "version": _view("version()", "string"),
            "clock_mode": _view("CLOCK_MODE()", "string"),
            "clock": _view("clock()", "uint48"),
            "counting_mode": _view("COUNTING_MODE()", "string"),
            "token": _view("token()", "address"),
            "timelock": _view("timelock()", "address"),
            "voting_delay": _view("votingDelay()", zero),
            "voting_period": _view("votingPeriod()", zero),
            "proposal_threshold": _view("proposalThreshold()", zero),
            "quorum_numerator": _view("quorumNumerator()", zero),
            "quorum_denominator": _view("quorumDenominator()", zero),
            "late_quorum_extension": _view("lateQuorumVoteExtension()", "uint48"),
            "ballot_typehash": _view("BALLOT_TYPEHASH()", "bytes32"),
            "extended_ballot_typehash": _view("EXTENDED_BALLOT_TYPEHASH()", "bytes32"),
            "domain": _view(
                "eip712Domain()", "bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"
            ),
            "nonces": ("nonces(address)", [bytes(20)], [zero]),
            "quorum": ("quorum(uint256)", [0], [zero]),
            "quorum_votes": _view("quorumVotes()", zero),
            "super_quorum": ("superQuorum(uint256)", [0], [zero]),
            "proposal_count": _view("proposalCount()", zero),
        },
        block,
    )
    clock_mode, counting = _first(found["clock_mode"]), _first(found["counting_mode"])
    bravo = found["quorum_votes"] is not None and counting in (None, "support=bravo&quorum=bravo")
    capabilities: dict[str, Any] = {
        "family": "bravo" if bravo else "openzeppelin" if counting is not None else "unknown",
        "name": _first(found["name"]),
        "version": _first(found["version"]),
        "clock": _clock(clock_mode),
        "clock_mode": clock_mode,
        "counting_mode": counting,
        # OpenZeppelin's likeness of Bravo has both, and counts by the snapshot's: quorumVotes() is only the newest one.
        "quorum": (
            "quorumVotes()"
            if bravo and found["quorum"] is None
            else "quorum(uint256)"
            if bravo or counting is not None
            else None
        ),
        "super_quorum": found["super_quorum"] is not None,
        "quorum_counts": (parse_qs(counting or "").get("quorum") or ["for" if bravo else "for,abstain"])[0],
        "nonces": found["nonces"] is not None,
    }
    for name in ("token", "timelock"):
        address = _first(found[name])
        capabilities[name] = checksum(address) if address and any(address) else None
    for name in ("voting_delay", "voting_period", "late_quorum_extension"):
        capabilities[name] = _first(found[name])
    # Amounts and ratios as text: JSON numbers are rounded by half the programs that read them.
    for name in ("proposal_threshold", "quorum_numerator", "quorum_denominator"):
        value = _first(found[name])
        capabilities[name] = None if value is None else str(value)
    for name in ("ballot_typehash", "extended_ballot_typehash"):
        value = _first(found[name])
        capabilities[name] = None if value is None else "0x" + value.hex()
    domain = found["domain"]
    capabilities["eip712"] = (
        {"name": domain[1], "version": domain[2], "chain_id": domain[3], "contract": checksum(domain[4])}
        if domain
        else None
    )
    if capabilities["timelock"]:
        timelock = ask(
            rpc,
            found["timelock"][0],  # type: ignore[index]
            {
                "grace": _view("GRACE_PERIOD()", zero),
                "delay": _view("getMinDelay()", zero),
                "bravo": _view("delay()", zero),
            },
            block,
        )
        capabilities["grace_period_s"] = _first(timelock["grace"])
        capabilities["timelock_delay_s"] = _first(timelock["delay"]) or _first(timelock["bravo"])
        capabilities["timelock_controller"] = timelock["delay"] is not None
    return capabilities


def probe_token(rpc: Rpc, token: bytes, block: BlockId = "latest") -> dict[str, Any]:
    """An ERC-20's symbol, name, decimals and supply, and the clock of its votes where it has them."""
    found = ask(
        rpc,
        token,
        {
            "symbol": _view("symbol()", "string"),
            "name": _view("name()", "string"),
            "decimals": _view("decimals()", "uint8"),
            "supply": _view("totalSupply()", "uint256"),
            "clock_mode": _view("CLOCK_MODE()", "string"),
            "votes": ("getVotes(address)", [bytes(20)], ["uint256"]),
        },
        block,
    )
    supply = _first(found["supply"])
    return {
        "symbol": _first(found["symbol"]),
        "name": _first(found["name"]),
        "decimals": _first(found["decimals"]),
        "total_supply": None if supply is None else str(supply),
        "clock_mode": _first(found["clock_mode"]),
        "clock": _clock(_first(found["clock_mode"])),
        "votes": found["votes"] is not None,
    }


def probe_module(rpc: Rpc, module: bytes, block: BlockId = "latest") -> dict[str, Any]:
    """A policy module's treasury, owner, guardian and votes token; `paused` None says it is no policy module."""
    found = ask(
        rpc,
        module,
        {name: _view(f"{name}()", "address") for name in ("treasury", "owner", "guardian", "votesToken", "governor")}
        | {"paused": _view("paused()", "bool")},
        block,
    )
    shown: dict[str, Any] = {"paused": _first(found.pop("paused"))}
    for name, answer in found.items():
        address = _first(answer)
        shown[name] = checksum(address) if address and any(address) else None
    return shown


def quorum_call(governor: Contract) -> Callable[[int], bytes] | None:
    """The calldata that asks a governor for its quorum at a snapshot, by what probing found; None where it has none."""
    match governor.capabilities.get("quorum"):
        case "quorum(uint256)":
            return lambda snapshot: abi.encode_call("quorum(uint256)", [snapshot])
        case "quorumVotes()":
            return lambda _snapshot: abi.encode_call("quorumVotes()")
    return None


def super_quorum_call(governor: Contract) -> Callable[[int], bytes] | None:
    """The calldata that asks for the votes that end a vote early at a snapshot; None where nothing ends it early."""
    if not governor.capabilities.get("super_quorum"):
        return None
    return lambda snapshot: abi.encode_call("superQuorum(uint256)", [snapshot])


def tokens_of(dao: Dao) -> dict[bytes, Token]:
    """The DAO's tokens whose symbol and decimals were found, by address."""
    found = {}
    for contract in dao.contracts.filter(kind__in=[Contract.Kind.ASSET, Contract.Kind.VOTES_TOKEN]):
        symbol, decimals = contract.capabilities.get("symbol"), contract.capabilities.get("decimals")
        if isinstance(symbol, str) and symbol and isinstance(decimals, int):
            found[contract.address] = Token(symbol[:32], contract.address, decimals)
    return found
