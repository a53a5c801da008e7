# SPDX-License-Identifier: Apache-2.0
"""Taking a DAO into the mirror: from its governor's address alone, or with treasury, policy module and assets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction

from governance import asked_power, builds, clock_check, clocks, probing
from governance.audit_log import Action, record
from governance.capabilities import ask, probe_governor, probe_module, probe_token, takes_signed_ballots
from governance.chain import abi
from governance.chain.address import checksum, to_bytes
from governance.chain.rpc import Answered, Header, Rpc, quantity
from governance.models import Chain, Contract, Cursor, Dao, ModuleState, RawLog
from governance.sync.fence import Writer, hold
from governance.sync.finality import says_what_is_final
from governance.sync.reorg import restart_from
from governance.token_code import names_power_event
from governance.words import say
from policies.notation.visible import is_plain_line

Kind = Contract.Kind
_NAMES = {1: "Ethereum", 10: "OP Mainnet", 100: "Gnosis", 137: "Polygon", 8453: "Base", 42161: "Arbitrum One"}


class NotRegistered(Exception):
    """The DAO can't be taken in; the message says why and what to do, in one line."""


class Level(StrEnum):
    """How well the mirror reads something of a DAO."""

    SUPPORTED = "supported"
    DEGRADED = "degraded"  # something stands in for it, which is named
    UNSUPPORTED = "unsupported"  # with the reason, and what to do


@dataclass(frozen=True)
class Finding:
    """One thing that a DAO's mirror does, and how well it can here; `words` name what stands in, or what to do."""

    level: Level
    subject: str
    words: str

    def __str__(self) -> str:
        return f"{self.level:<12} {self.subject}: {self.words}"


@dataclass(frozen=True)
class Preflight:
    """What was found out before anything is written. `contracts` are (kind, address, capabilities)."""

    chain_id: int
    governor: bytes
    start_block: int
    contracts: tuple[tuple[str, bytes, dict[str, Any]], ...]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def capabilities(self) -> dict[str, Any]:
        """The governor's."""
        return next(found for kind, address, found in self.contracts if kind == Kind.GOVERNOR)

    def lines(self) -> list[str]:
        """For people, one fact a line."""
        found = self.capabilities
        unit = {"timestamp": "s", "blocknumber": "blocks"}.get(clocks.unit_of(found), "L1 blocks")
        shown = [
            f"chain          {self.chain_id}, read from block {self.start_block}",
            f"governor       {checksum(self.governor)} {found['name'] or 'without a name'} ({found['family']})",
            f"clock          {found['clock']}" + (" of L1" if clocks.counts_elsewhere(found) else ""),
            f"voting         starts after {found['voting_delay']} {unit}, lasts {found['voting_period']} {unit}",
            f"counting       {found['counting_mode'] or 'not said'}; quorum by {found['quorum'] or 'unknown'}",
        ]
        shown += [
            f"{kind:<14} {checksum(address)} {_described(found)}".rstrip()
            for kind, address, found in self.contracts
            if kind != Kind.GOVERNOR
        ]
        return shown + [str(finding) for finding in self.findings]


def _described(found: dict[str, Any]) -> str:
    if found.get("symbol"):
        return f"{found['symbol']}, {found['decimals']} decimals"
    return ""


_FAMILIES = {
    "openzeppelin": "OpenZeppelin Governor",
    "alpha": "Compound's GovernorAlpha",
    "bravo": "Compound's GovernorBravo",
    "nouns": "Nouns DAO",
    "agora": "Optimism's and Agora's governor",
}


def _about_governor(found: dict[str, Any]) -> list[Finding]:
    """What probing says of how well a governor is read."""
    good, less, not_ = Level.SUPPORTED, Level.DEGRADED, Level.UNSUPPORTED
    told = [Finding(good, "proposals and votes", f"as of {_FAMILIES[found['family']]}; clock by {found['clock']}")]
    if found["quorum"] is None:
        told.append(
            Finding(
                less, "state", "the governor tells no quorum: what carried reads Unknown after its vote, until it is "
                "queued or executed"
            )
        )  # fmt: skip
    elif found["family"] == "agora":
        told.append(
            Finding(
                less, "state", "computed for proposals with calls; those of voting modules read Unknown after their "
                "vote until the chain was asked, then what state() answered"
            )
        )  # fmt: skip
    else:
        dynamic = ", which grows with the votes against" if found.get("dynamic_quorum") else ""
        told.append(Finding(good, "state", f"computed from events, with the quorum of {found['quorum']}{dynamic}"))
    if not found["timelock"]:
        told.append(Finding(good, "timelock", "there is none: what carries is executed at once"))
    elif found.get("timelock_controller"):
        told.append(Finding(good, "timelock", "OpenZeppelin's; operations that pass by the governor are read too"))
    elif found.get("grace_period_s") is not None:
        told.append(Finding(good, "timelock", f"Compound's; queued proposals expire after {found['grace_period_s']} s"))
    else:
        told.append(
            Finding(
                less, "timelock", "of no kind that is known: state follows the governor's own events, so that what is "
                "cancelled or run in the timelock alone is seen only by the check against the chain"
            )
        )  # fmt: skip
    if takes_signed_ballots(found):
        told.append(Finding(good, "votes by signature", "OpenZeppelin v5's ballot, with voter and nonce"))
    elif found["ballot_typehash"]:
        told.append(
            Finding(less, "votes by signature", "not offered, its ballots are not v5's: members vote by transaction")
        )
    else:
        told.append(Finding(not_, "votes by signature", "the governor takes none: members vote by transaction"))
    return told


def _about_clock(rpc: Rpc, address: bytes, found: dict[str, Any], head: Header, who: str) -> Finding:
    """Hold a contract's clock against the chain, and put what it counts into its capabilities. Raises NotRegistered
    where nothing fits."""
    is_governor = who == "governor"
    try:
        clock = clock_check.find(
            rpc, address, head, by_time=found["clock"] == "timestamp", is_governor=is_governor,
            delay=int(found.get("voting_delay") or 0), who=who,
        )  # fmt: skip
    except clock_check.ClockNotUnderstood as error:
        raise NotRegistered(f"unsupported: {error}") from None
    found |= clock_check.capabilities_of(clock)
    return Finding(Level.SUPPORTED if clock.is_held else Level.DEGRADED, "clock", clock.words)


def _about_token(found: dict[str, Any] | None, *, names_event: bool = True) -> Finding:
    if found is None:
        return Finding(
            Level.UNSUPPORTED, "power and delegation",
            "the governor names no votes token: name it with --token, or both are not read",
        )  # fmt: skip
    if not found["votes"]:
        return Finding(
            Level.DEGRADED, "power and delegation",
            "the token answers neither getVotes() nor getCurrentVotes(): read from events, not checked against the "
            "chain",
        )  # fmt: skip
    if not names_event:
        return Finding(
            Level.DEGRADED, "power and delegation",
            "the token's code names no event of changed voting power that is understood here: unless it is a proxy of "
            "an unknown kind, who has power is not read from logs, and participants' power is asked of the chain at "
            "snapshots; what the logs show, this command and `audit` say once the past is read",
        )  # fmt: skip
    return Finding(Level.SUPPORTED, "power and delegation", f"from events, checked against {found['votes_call']}")


def counts_no_votes(rpc: Rpc, votes: bytes, head: Header) -> bool:
    """Whether a policy module's votes token says that there were no votes at all a moment before the block; False where
    it does not say, or has a supply by now. Raises RpcError when the node fails."""
    clock = ask(rpc, votes, {"clock": ("clock()", [], ["uint48"])}, head.number, whole=True)["clock"]
    is_time = clock is not None and clock[0] == head.timestamp_chain_s
    timepoint = (head.timestamp_chain_s if is_time else head.number) - 1
    asked = {
        "past": ("getPastTotalSupply(uint256)", [timepoint], ["uint256"]),
        "now": ("totalSupply()", [], ["uint256"]),
    }
    supply = ask(rpc, votes, asked, head.number, whole=True)
    return supply["past"] == (0,) and supply["now"] in (None, (0,))


def about_read_token(dao: Dao) -> Finding | None:
    """Return what the logs that were read say of how well power is read, where that is badly: the token never logged a
    change of power in a shape that is known. None where all is well, or nothing was read."""
    found = asked_power.degraded(dao)
    if found is None:
        return None
    return Finding(Level.DEGRADED, "power and delegation", found.words)


# What answers to these is no governor that is read; it is named, with what can be done.
_OTHERS = {
    "getGovernanceStrategy()": "an Aave v2 governor, whose proposals are counted by executors and strategies",
    "getPayloadsCount()": "an Aave v3 payloads controller, which holds no votes",
    "getCrossChainControllerAddress()": "an Aave v3 governor, whose votes are cast on other chains",
    "getThreshold()": "a Safe: its signers decide, nobody votes",
    "getMinDelay()": "a timelock, not its governor",
    "GRACE_PERIOD()": "a timelock, not its governor",
    "decimals()": "a token, not its governor",
    "kernel()": "an Aragon application, whose votes are counted by its own rules",
}


def _what_else(rpc: Rpc, address: bytes) -> str | None:
    answers = rpc.eth_calls([(address, abi.encode_call(view)) for view in _OTHERS], "latest")
    for words, answer in zip(_OTHERS.values(), answers, strict=True):
        if isinstance(answer, bytes) and len(answer) >= 32:
            return words
    return None


def preflight(
    rpc: Rpc,
    governor: bytes,
    *,
    token: bytes | None = None,
    module: bytes | None = None,
    treasury: bytes | None = None,
    assets: Sequence[bytes] = (),
    start_block: int | None = None,
) -> Preflight:
    """Ask the contracts what they are; writes nothing.

    Raises:
        NotRegistered: there is no governor, or no policy module, at the address.
        RpcError: the node failed.
    """
    if start_block is not None and not (isinstance(start_block, int) and 0 <= start_block < 2**63):
        raise NotRegistered(f"the start block {str(start_block)[:40]!r} is no block's number")
    chain_id = rpc.chain_id if rpc.chain_id is not None else quantity(rpc.call("eth_chainId"))
    if not rpc.get_code(governor):
        raise NotRegistered(
            f"there is no contract at {checksum(governor)} on chain {chain_id}: check address and chain"
        )
    head = rpc.block("latest")
    if head is None:
        raise Answered(None, say("latest_block_missing"))
    found = {**probe_governor(rpc, governor), "probed_block": head.number}
    if found["family"] == "unknown":
        other = _what_else(rpc, governor)
        raise NotRegistered(
            f"unsupported: the contract at {checksum(governor)} is no governor that is understood, for it answers "
            "neither COUNTING_MODE() nor quorumVotes(): "
            + (f"it is {other}. " if other else "")
            + "Pass the governor's own address (the proxy's, where it has one)."
        )
    contracts: dict[tuple[str, bytes], dict[str, Any]] = {(Kind.GOVERNOR.value, governor): found}
    findings = _about_governor(found)
    findings.append(_about_clock(rpc, governor, found, head, "governor"))
    token = token or (to_bytes(found["token"]) if found["token"] else None)
    if token:
        contracts[Kind.VOTES_TOKEN.value, token] = probe_token(rpc, token)
        _about_clock(rpc, token, contracts[Kind.VOTES_TOKEN.value, token], head, "token")
    named = token is not None and names_power_event(rpc, token)
    findings.append(_about_token(contracts[Kind.VOTES_TOKEN.value, token] if token else None, names_event=named))
    if found["timelock"]:
        contracts[Kind.TIMELOCK.value, to_bytes(found["timelock"])] = {}
    if module is not None:
        capabilities = probe_module(rpc, module)
        if capabilities["paused"] is None or capabilities["treasury"] is None:
            raise NotRegistered(f"the contract at {checksum(module)} is no policy module: it does not answer paused()")
        if capabilities["votesToken"] is not None:
            capabilities |= builds.votes_adapter(rpc, to_bytes(capabilities["votesToken"]))
            if counts_no_votes(rpc, to_bytes(capabilities["votesToken"]), head):
                findings.append(
                    Finding(
                        Level.DEGRADED, "objections", f"by {capabilities['votesToken']}, by which the module counts, "
                        f"there were no votes before block {head.number:,}: nobody can stop an announced act until "
                        "votes are handed out"
                    )
                )  # fmt: skip
        contracts[Kind.MODULE.value, module] = capabilities
        treasury = treasury or to_bytes(capabilities["treasury"])
        # Where there is no timelock, what carries is executed by the governor itself.
        ruler = found["timelock"] or checksum(governor)
        if capabilities["owner"] != ruler:
            findings.append(
                Finding(
                    Level.DEGRADED, "policies", f"the module belongs to {capabilities['owner']}, not to the DAO's "
                    f"{'timelock' if found['timelock'] else 'governor'}: it is read, and the DAO's votes do not rule it"
                )
            )  # fmt: skip
        else:
            findings.append(Finding(Level.SUPPORTED, "policies", "the module's acts, refusals and objections are read"))
    else:
        findings.append(
            Finding(
                Level.DEGRADED, "policies", "no policy module is named: when this command has read the past, it looks "
                "for those that members voted for or that a treasury lists; name any other with --module"
            )
        )  # fmt: skip
    if treasury is not None:
        contracts[Kind.TREASURY.value, treasury] = {}
        for asset in dict.fromkeys([*assets, *([token] if token else [])]):
            contracts[Kind.ASSET.value, asset] = probe_token(rpc, asset)
    elif assets:
        findings.append(
            Finding(Level.UNSUPPORTED, "assets", "followed only with a treasury: pass --treasury or --module")
        )
    if start_block is None:
        start_block, finding = _start_block(rpc, governor, token)
        findings.append(finding)
    findings.append(_about_finality(rpc))
    return Preflight(
        chain_id,
        governor,
        start_block,
        tuple((kind, address, capabilities) for (kind, address), capabilities in contracts.items()),
        tuple(findings),
    )


def _about_finality(rpc: Rpc) -> Finding:
    try:
        claimed, head = rpc.block("finalized"), rpc.block("latest")
    except Answered:
        claimed = head = None
    if claimed is None or head is None or not says_what_is_final(claimed, head):
        return Finding(
            Level.DEGRADED,
            "finality",
            "the node knows no `finalized` block: blocks are final by their depth alone",
        )
    return Finding(Level.SUPPORTED, "finality", "by the node's `finalized` block, and by depth")


def _start_block(rpc: Rpc, governor: bytes, token: bytes | None) -> tuple[int, Finding]:
    """The first block to read: the votes token's, where it is older, for power was delegated before the first vote."""
    blocks = {"governor": _first_block(rpc, governor)} | ({"votes token": _first_block(rpc, token)} if token else {})
    known = {name: block for name, block in blocks.items() if block is not None}
    if len(known) < len(blocks):
        words = "the node keeps no old state to find it by: all blocks are read; pass --start-block or an archive node"
        return 0, Finding(Level.DEGRADED, "start block", words)
    oldest = min(known, key=lambda name: known[name])
    words = f"{known[oldest]:,}, in which the {oldest} was created"
    return known[oldest], Finding(Level.SUPPORTED, "start block", words)


def _first_block(rpc: Rpc, address: bytes) -> int | None:
    """The block in which the contract appeared, by halving; None where the node keeps no old state."""
    low, high = 0, rpc.head_number()
    try:
        while low < high:
            middle = (low + high) // 2
            if rpc.get_code(address, middle):
                high = middle
            else:
                low = middle + 1
    except Answered:
        return None
    return low


def slug_of(name: str) -> str:
    """A name as it stands in addresses of pages."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or "dao"


def add_dao(
    rpc: Rpc,
    governor: bytes,
    *,
    slug: str,
    name: str,
    token: bytes | None = None,
    module: bytes | None = None,
    treasury: bytes | None = None,
    assets: Sequence[bytes] = (),
    start_block: int | None = None,
) -> Dao:
    """Take a DAO into the mirror, or complete one that is there. Doing it again changes nothing.

    Raises:
        NotRegistered: see `preflight`; or the slug belongs to another DAO.
        RpcError: the node failed; nothing is written.
    """
    return register(
        preflight(rpc, governor, token=token, module=module, treasury=treasury, assets=assets, start_block=start_block),
        slug=slug,
        name=name,
    )


def register(found: Preflight, *, slug: str, name: str) -> Dao:
    """Write what a preflight found. Raises NotRegistered where slug or name can't be a DAO's."""
    if not re.fullmatch(r"[-a-zA-Z0-9_]{1,50}", slug):
        raise NotRegistered("a slug has 1 to 50 letters, digits, hyphens and underscores: choose one with --slug")
    if not is_plain_line(name) or not 0 < len(name) <= 120:
        raise NotRegistered("a name has 1 to 120 characters on one line: choose one with --name")
    with transaction.atomic():
        chain, _ = Chain.objects.get_or_create(
            chain_id=found.chain_id,
            defaults={"name": _chain_name(found.chain_id)},
        )
        dao, _ = Dao.objects.get_or_create(slug=slug, defaults={"chain": chain, "name": name})
        known = dao.contracts.filter(kind=Kind.GOVERNOR).first()
        if dao.chain_id != chain.pk or (known is not None and known.address != found.governor):
            raise NotRegistered(f"the name {slug!r} belongs to another DAO: choose one with --slug")
        Cursor.objects.get_or_create(
            dao=dao, defaults={"next_block": found.start_block, "refusals_next_block": found.start_block}
        )
    # Contracts change what is read, so they are written as the DAO's only writer; and with the cursor that goes back
    # for them, or one that is killed in between would leave contracts whose past is never read.
    with hold(dao, wait=True) as writer:
        assert isinstance(writer, Writer)
        with writer.transaction():
            _write_contracts(writer, found)
            record(Action.DAO_ADDED, dao, governor=checksum(found.governor), start_block=found.start_block)
    return dao


def _write_contracts(writer: Writer, found: Preflight) -> None:
    dao, added = writer.dao, False
    for kind, address, capabilities in found.contracts:
        contract, created = Contract.objects.get_or_create(
            dao=dao,
            kind=kind,
            address=address,
            defaults={"start_block": found.start_block, "capabilities": capabilities},
        )
        if not created:
            if kind == Kind.VOTES_TOKEN and clock_check.changed(contract.capabilities, capabilities):
                # Power was kept by the moments of another clock.
                RawLog.objects.filter(dao=dao, address=address).delete()
                added = True
            kept = {**contract.capabilities, **capabilities}
            if kind == Kind.GOVERNOR:
                kept = probing.until_asked_again(contract.capabilities, capabilities)
            Contract.objects.filter(pk=contract.pk).update(capabilities=kept)
            if kind == Kind.GOVERNOR:
                Cursor.objects.filter(dao=dao).update(rules_below=Cursor.FROM_THE_NEWEST)
        if kind == Kind.MODULE:
            ModuleState.objects.get_or_create(module=contract)
        added |= created
    if added:
        restart_from(writer, found.start_block)


def register_module(dao: Dao, rpc: Rpc, module: bytes, treasury: bytes) -> None:
    """Follow a policy module, and its treasury, of a DAO that is in the mirror; blocks are read again from the first
    one of theirs on. Doing it again changes nothing.

    Raises:
        RpcError: the node failed; nothing is written.
    """
    capabilities = probe_module(rpc, module)
    if capabilities["votesToken"]:
        capabilities |= builds.votes_adapter(rpc, to_bytes(capabilities["votesToken"]))
    contracts: dict[tuple[str, bytes], dict[str, Any]] = {(Kind.MODULE.value, module): capabilities}
    known = {(contract.kind, bytes(contract.address)) for contract in dao.contracts.all()}
    token = next((address for kind, address in known if kind == Kind.VOTES_TOKEN), None)
    if (Kind.TREASURY.value, treasury) not in known:
        contracts[Kind.TREASURY.value, treasury] = {}
        if token is not None:
            contracts[Kind.ASSET.value, token] = probe_token(rpc, token)
    # A node without old state can't tell when they began.
    oldest = min((contract.start_block for contract in dao.contracts.filter(kind=Kind.GOVERNOR)), default=0)
    new = [address for kind, address in contracts if kind != Kind.ASSET and (kind, address) not in known]
    first = [_first_block(rpc, address) for address in new]
    start_block = min((oldest if block is None else block for block in first), default=oldest)
    with hold(dao, wait=True) as writer:
        assert isinstance(writer, Writer)
        with writer.transaction():
            added = False
            for (kind, address), told in contracts.items():
                contract, created = Contract.objects.get_or_create(
                    dao=dao, kind=kind, address=address,
                    defaults={"start_block": start_block, "capabilities": told},
                )  # fmt: skip
                if kind == Kind.MODULE:
                    ModuleState.objects.get_or_create(module=contract)
                added |= created
            if added:
                restart_from(writer, start_block)
                record(Action.MODULE_FOLLOWED, dao, module=checksum(module), treasury=checksum(treasury))


def _chain_name(chain_id: int) -> str:
    if chain_id == settings.LOCAL_CHAIN_ID:
        return "local chain"
    return _NAMES.get(chain_id, f"chain {chain_id}")
