# SPDX-License-Identifier: Apache-2.0
"""What a DAO's contracts can do, found out by asking them: nothing is configured by hand.

A call that reverts, or that returns nothing that fits, means that there is no such view, and what depends on it reads
as not checked. A node that fails raises, for then nothing was learnt: in probes also where it fails at one call alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from governance import clocks
from governance.chain import abi
from governance.chain.address import checksum, to_bytes
from governance.chain.governor import BALLOT_V5
from governance.chain.rpc import BlockId, CallReverted, Rpc, RpcError
from governance.models import Contract, Proposal
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak
from policies.notation.visible import one_line

Answer = tuple[Any, ...] | None

# Governors that number their proposals from 1 and take that number alone: Compound's two, and Nouns', which grew out of
# the second. What they answer to `proposals(uint256)`, and where (for, against, abstain) stand in it.
BY_NUMBER = {"alpha": (5, 6, None), "bravo": (5, 6, 7), "nouns": (7, 8, 9)}
# They name their votes token each in their own way; the rest of the world says token().
_TOKENS = ("token", "comp", "uni", "nouns", "xvsVault")
# GovernorAlpha's ballots are for or against; Bravo's have three choices, and so have all that came after.
_ALPHA_BALLOT = keccak(b"Ballot(uint256 proposalId,bool support)")


def takes_signed_ballots(told: dict[str, Any]) -> bool:
    """Whether a governor of these capabilities takes the ballots that are offered for signing here."""
    return told.get("ballot_typehash") == hex_text(BALLOT_V5) and bool(told.get("nonces") and told.get("eip712"))


def ask(
    rpc: Rpc, to: bytes, questions: dict[str, tuple[str, list[Any], list[str]]], block: BlockId, *, whole: bool = False
) -> dict[str, Answer]:
    """Many views of one contract at one block: name -> (signature, arguments, result types). None where it has none,
    and where the node failed at it; `whole`: a node's failure is raised.

    Raises:
        RpcError: the node failed; with `whole`, also where it failed at one call twice.
    """
    calls = [(to, abi.encode_call(signature, arguments)) for signature, arguments, _ in questions.values()]
    raws = rpc.eth_calls(calls, block)
    if whole:
        failed = [place for place, raw in enumerate(raws) if _is_failure(raw)]
        again = rpc.eth_calls([calls[place] for place in failed], block) if failed else []
        for place, raw in zip(failed, again, strict=True):
            if _is_failure(raw):
                assert isinstance(raw, RpcError)
                raise raw
            raws[place] = raw
    answers: dict[str, Answer] = {}
    for (name, (_, _, types)), raw in zip(questions.items(), raws, strict=True):
        answers[name] = None
        if not isinstance(raw, RpcError) and raw:
            try:
                found = abi.decode(types, raw, canonical=False)
                answers[name] = tuple(_shown(value) if isinstance(value, str) else value for value in found)
            except abi.NotCanonical:
                continue  # another function with this selector, or a fallback that answers anything
    return answers


def _is_failure(answer: bytes | RpcError) -> bool:
    """Whether the node failed at a call, so that nothing is known of what the contract would have answered."""
    return isinstance(answer, RpcError) and not isinstance(answer, CallReverted)


def _shown(text: str) -> str:
    """A contract's words as they can be stored and shown: NUL is in no JSON column, and a terminal obeys escapes."""
    return one_line(text, 1_000)


def _view(signature: str, *types: str) -> tuple[str, list[Any], list[str]]:
    return signature, [], list(types)


def _clock(mode: str | None) -> str:
    """ERC-6372's CLOCK_MODE as `timestamp` or `blocknumber`; without one it is block numbers."""
    return "timestamp" if mode and parse_qs(mode).get("mode") == ["timestamp"] else "blocknumber"


def _first(answer: Answer) -> Any:
    return answer[0] if answer else None


def _family(found: dict[str, Answer]) -> str:
    """Whose governor it is; OpenZeppelin's likeness of Bravo says COUNTING_MODE and is one of theirs only by name."""
    if _first(found["proposal_types"]):
        return "agora"
    if _first(found["counting_mode"]) == "support=bravo&quorum=bravo":
        return "bravo"
    if found["counting_mode"] is not None:
        return "openzeppelin"
    if found["nouns"] is not None and found["vetoer"] is not None:
        return "nouns"
    if found["quorum_votes"] is None:
        return "unknown"
    return "alpha" if _first(found["ballot_typehash"]) == _ALPHA_BALLOT else "bravo"


def _quorum(found: dict[str, Answer]) -> str | None:
    """The function that tells a proposal's quorum, and what it is asked by."""
    match _family(found):
        case "agora":
            return "quorum(proposal)"  # OptimismGovernor: the same selector, but asked by the proposal's number
        case "nouns":
            return "proposals(uint256)"  # of its creation; quorumVotes() is the newest one
        # OpenZeppelin's likeness of Bravo has both, and counts by the snapshot's: quorumVotes() is only the newest one.
        case "bravo" | "alpha" if found["quorum"] is None:
            return "quorumVotes()"
        case "unknown":
            return None
    return "quorum(uint256)"


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
            **{name: _view(f"{name}()", "address") for name in _TOKENS},
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
            "vetoer": _view("vetoer()", "address"),
            "dynamic_quorum": ("getDynamicQuorumParamsAt(uint256)", [0], ["uint16", "uint16", "uint32"]),
            "proposal_types": _view("PROPOSAL_TYPES_CONFIGURATOR()", "address"),
            "proposal_count": _view("proposalCount()", zero),
        },
        block,
        whole=True,
    )
    clock_mode, counting = _first(found["clock_mode"]), _first(found["counting_mode"])
    family, quorum = _family(found), _quorum(found)
    types = _first(found["proposal_types"])
    capabilities: dict[str, Any] = {
        "family": family,
        "name": _first(found["name"]),
        "version": _first(found["version"]),
        "clock": _clock(clock_mode),
        "clock_mode": clock_mode,
        "counting_mode": counting,
        "quorum": quorum,
        "super_quorum": found["super_quorum"] is not None,
        "quorum_counts": (parse_qs(counting or "").get("quorum") or ["for" if family in BY_NUMBER else "for,abstain"])[
            0
        ],
        "nonces": found["nonces"] is not None,
        "proposal_types": checksum(types) if types and any(types) else None,
        "dynamic_quorum": family == "nouns" and found["dynamic_quorum"] is not None,
    }
    token = next((found[name] for name in _TOKENS if found[name]), None)
    found["token"] = token
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
        capabilities[name] = None if value is None else hex_text(value)
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
            whole=True,
        )
        capabilities["grace_period_s"] = _first(timelock["grace"])
        capabilities["timelock_delay_s"] = _first(timelock["delay"]) or _first(timelock["bravo"])
        capabilities["timelock_controller"] = timelock["delay"] is not None
    return capabilities


MOST_DECIMALS = 77  # 10**77 still fits into a word of 256 bits; a token that says more has no unit
_ERC721 = bytes.fromhex("80ac58cd")  # its number by ERC-165
_NO_INTERFACE = b"\xff" * 4  # which by ERC-165 no contract has: what says that it has it answers anything


def probe_token(rpc: Rpc, token: bytes, block: BlockId = "latest") -> dict[str, Any]:
    """A token's symbol, name, decimals and supply, and the clock of its votes where it has them. The units of an
    ERC-721 are whole tokens: it has 0 decimals, whether it says so or not."""
    found = ask(
        rpc,
        token,
        {
            "symbol": _view("symbol()", "string"),
            "symbol_word": _view("symbol()", "bytes32"),  # of tokens from before strings, as MKR
            "name": _view("name()", "string"),
            "name_word": _view("name()", "bytes32"),
            "decimals": _view("decimals()", "uint8"),
            "supply": _view("totalSupply()", "uint256"),
            "clock_mode": _view("CLOCK_MODE()", "string"),
            "votes": ("getVotes(address)", [bytes(20)], ["uint256"]),
            "current_votes": ("getCurrentVotes(address)", [bytes(20)], ["uint256"]),
            "numbered": ("supportsInterface(bytes4)", [_ERC721], ["bool"]),
            "anything": ("supportsInterface(bytes4)", [_NO_INTERFACE], ["bool"]),
        },
        block,
        whole=True,
    )
    is_numbered = _first(found["numbered"]) is True and _first(found["anything"]) is not True
    supply, decimals = _first(found["supply"]), _first(found["decimals"])
    if is_numbered:
        decimals = 0
    elif decimals is not None and decimals > MOST_DECIMALS:
        decimals = None
    return {
        "symbol": _first(found["symbol"]) or _text_in(_first(found["symbol_word"])),
        "name": _first(found["name"]) or _text_in(_first(found["name_word"])),
        "decimals": decimals,
        "total_supply": None if supply is None else str(supply),
        "clock_mode": _first(found["clock_mode"]),
        "clock": _clock(_first(found["clock_mode"])),
        "votes": found["votes"] is not None or found["current_votes"] is not None,
        # ERC-5805's names; COMP, UNI, Nouns and what grew out of them have their own.
        "votes_call": "getCurrentVotes(address)"
        if found["votes"] is None and found["current_votes"]
        else "getVotes(address)",
    }


def _text_in(word: bytes | None) -> str | None:
    """The text of a word that is filled up with zeros; None where it is no text, as the place of a string is none."""
    text = (word or b"").rstrip(b"\0")
    return text.decode() if text and text.isascii() and text.decode().isprintable() else None


def probe_module(rpc: Rpc, module: bytes, block: BlockId = "latest") -> dict[str, Any]:
    """A policy module's treasury, owner, guardian and votes token; `paused` None says it is no policy module."""
    found = ask(
        rpc,
        module,
        {name: _view(f"{name}()", "address") for name in ("treasury", "owner", "guardian", "votesToken", "governor")}
        | {"paused": _view("paused()", "bool")},
        block,
        whole=True,
    )
    shown: dict[str, Any] = {"paused": _first(found.pop("paused"))}
    for name, answer in found.items():
        address = _first(answer)
        shown[name] = checksum(address) if address and any(address) else None
    return shown


@dataclass(frozen=True)
class Rule:
    """A view that tells one number by which a proposal is decided. `name` is "quorum", or what the mirror calls it in
    `Proposal.extra`; `word` is which 32-byte word of the answer it is."""

    name: str
    to: bytes
    calldata: bytes
    word: int = 0

    def value(self, answer: bytes) -> int | None:
        """The number in an answer; None where the answer is no such view's."""
        found = answer[32 * self.word : 32 * self.word + 32]
        return int.from_bytes(found, "big") if len(answer) % 32 == 0 and len(found) == 32 else None


def rules_of(governor: Contract) -> Callable[[Proposal], list[Rule]] | None:
    """What to ask about a proposal that no log says, by what probing found: its quorum first. None where the governor
    has none that is known."""
    told, address = governor.capabilities, governor.address
    number = "proposals(uint256)"
    match told.get("quorum"):
        case "quorum(uint256)" if told.get("super_quorum"):
            # The votes that end a vote early at a snapshot.
            return lambda p: [
                Rule("quorum", address, abi.encode_call("quorum(uint256)", [p.snapshot])),
                Rule("super_quorum_votes", address, abi.encode_call("superQuorum(uint256)", [p.snapshot])),
            ]
        case "quorum(uint256)":
            return lambda p: [Rule("quorum", address, abi.encode_call("quorum(uint256)", [p.snapshot]))]
        case "quorumVotes()":
            return lambda _: [Rule("quorum", address, abi.encode_call("quorumVotes()"))]
        case "proposals(uint256)" if told.get("dynamic_quorum"):
            return lambda p: _dynamic_quorum_rules(governor, p)
        case "proposals(uint256)":
            return lambda p: [Rule("quorum", address, abi.encode_call(number, [p.proposal_id]), 3)]
        case "quorum(proposal)" if told.get("proposal_types"):
            types = to_bytes(told["proposal_types"])
            return lambda p: [
                Rule("quorum", address, abi.encode_call("quorum(uint256)", [p.proposal_id])),
                # A struct with texts: its place first, then its quorum and its threshold.
                Rule(
                    "approval_threshold_bps",
                    types,
                    abi.encode_call("proposalTypes(uint8)", [p.extra.get("proposal_type", 0)]),
                    2,
                ),
            ]
    return None


def _dynamic_quorum_rules(governor: Contract, proposal: Proposal) -> list[Rule]:
    """What Nouns' quorum is made of. Its parameters are those of the proposal's creation, which the governor keeps by
    its own clock. None where that moment is not known: then the quorum is not known either."""
    created = proposal.created_block
    if clocks.counts_elsewhere(governor.capabilities):
        block_hash = bytes(proposal.log.block_hash)
        moment = clocks.kept(proposal.dao, [block_hash]).get(block_hash)
        if moment is None:
            return []
        created = moment
    address = governor.address
    row = abi.encode_call("proposals(uint256)", [proposal.proposal_id])
    params = abi.encode_call("getDynamicQuorumParamsAt(uint256)", [created])
    return [
        Rule("quorum", address, row, 3),
        Rule("quorum_supply", address, row, 13),
        Rule("quorum_least_bps", address, params),
        Rule("quorum_most_bps", address, params, 1),
        Rule("quorum_coefficient", address, params, 2),
    ]
