# SPDX-License-Identifier: Apache-2.0
"""Taking a DAO into the mirror: from its governor's address alone, or with treasury, policy module and assets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from governance.capabilities import probe_governor, probe_module, probe_token
from governance.chain.address import checksum, to_bytes
from governance.chain.rpc import Rpc, RpcError, RpcLimited, RpcUnreachable, quantity
from governance.models import Chain, Contract, Cursor, Dao, ModuleState
from governance.sync.fence import Writer, hold
from governance.sync.reorg import restart_from

Kind = Contract.Kind
_NAMES = {1: "Ethereum", 10: "OP Mainnet", 100: "Gnosis", 137: "Polygon", 8453: "Base", 42161: "Arbitrum One"}


class NotRegistered(Exception):
    """The DAO can't be taken in; the message says why and what to do, in one line."""


@dataclass(frozen=True)
class Preflight:
    """What was found out before anything is written. `contracts` are (kind, address, capabilities)."""

    chain_id: int
    governor: bytes
    start_block: int
    contracts: tuple[tuple[str, bytes, dict[str, Any]], ...]
    warnings: tuple[str, ...] = field(default=())

    @property
    def capabilities(self) -> dict[str, Any]:
        """The governor's."""
        return next(found for kind, address, found in self.contracts if kind == Kind.GOVERNOR)

    def lines(self) -> list[str]:
        """For people, one fact a line."""
        found = self.capabilities
        unit = "s" if found["clock"] == "timestamp" else "blocks"
        shown = [
            f"chain          {self.chain_id}, read from block {self.start_block}",
            f"governor       {checksum(self.governor)} {found['name'] or 'without a name'} ({found['family']})",
            f"clock          {found['clock']}",
            f"voting         starts after {found['voting_delay']} {unit}, lasts {found['voting_period']} {unit}",
            f"counting       {found['counting_mode'] or 'not said'}; quorum by {found['quorum'] or 'unknown'}",
            f"vote by sig    {found['ballot_typehash'] or 'not offered'}{', with nonces' if found['nonces'] else ''}",
        ]
        shown += [
            f"{kind:<14} {checksum(address)} {_described(found)}".rstrip()
            for kind, address, found in self.contracts
            if kind != Kind.GOVERNOR
        ]
        return shown + [f"note: {warning}" for warning in self.warnings]


def _described(found: dict[str, Any]) -> str:
    if found.get("symbol"):
        return f"{found['symbol']}, {found['decimals']} decimals"
    return ""


def preflight(
    rpc: Rpc,
    governor: bytes,
    *,
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
    found = probe_governor(rpc, governor)
    if found["family"] == "unknown":
        raise NotRegistered(
            f"the contract at {checksum(governor)} is no governor that is understood: it answers neither "
            "COUNTING_MODE() nor quorumVotes()"
        )
    contracts: dict[tuple[str, bytes], dict[str, Any]] = {(Kind.GOVERNOR.value, governor): found}
    warnings = []
    token = to_bytes(found["token"]) if found["token"] else None
    if token:
        contracts[Kind.VOTES_TOKEN.value, token] = probe_token(rpc, token)
    else:
        warnings.append("the governor names no votes token: power and delegations are not read")
    if found["timelock"]:
        contracts[Kind.TIMELOCK.value, to_bytes(found["timelock"])] = {}
    if module is not None:
        capabilities = probe_module(rpc, module)
        if capabilities["paused"] is None or capabilities["treasury"] is None:
            raise NotRegistered(f"the contract at {checksum(module)} is no policy module: it does not answer paused()")
        contracts[Kind.MODULE.value, module] = capabilities
        treasury = treasury or to_bytes(capabilities["treasury"])
        if found["timelock"] and capabilities["owner"] != found["timelock"]:
            warnings.append(f"the policy module belongs to {capabilities['owner']}, not to the DAO's timelock")
    if treasury is not None:
        contracts[Kind.TREASURY.value, treasury] = {}
        for asset in dict.fromkeys([*assets, *([token] if token else [])]):
            contracts[Kind.ASSET.value, asset] = probe_token(rpc, asset)
    elif assets:
        warnings.append("assets are followed only with a treasury: pass --treasury or --module")
    if start_block is None:
        start_block = _first_block(rpc, governor)
    return Preflight(
        chain_id,
        governor,
        start_block,
        tuple((kind, address, capabilities) for (kind, address), capabilities in contracts.items()),
        tuple(warnings),
    )


def _first_block(rpc: Rpc, address: bytes) -> int:
    """The block in which the contract appeared, by halving; 0 where the node keeps no old state."""
    low, high = 0, rpc.head_number()
    try:
        while low < high:
            middle = (low + high) // 2
            if rpc.get_code(address, middle):
                high = middle
            else:
                low = middle + 1
    except (RpcUnreachable, RpcLimited):
        raise
    except RpcError:
        return 0
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
        preflight(rpc, governor, module=module, treasury=treasury, assets=assets, start_block=start_block),
        slug=slug,
        name=name,
    )


def register(found: Preflight, *, slug: str, name: str) -> Dao:
    """Write what a preflight found. Raises NotRegistered where slug or name can't be a DAO's."""
    if not re.fullmatch(r"[-a-zA-Z0-9_]{1,50}", slug):
        raise NotRegistered("a slug has 1 to 50 letters, digits, hyphens and underscores: choose one with --slug")
    if not name.isprintable() or not 0 < len(name) <= 120:
        raise NotRegistered("a name has 1 to 120 characters on one line: choose one with --name")
    with transaction.atomic():
        chain, _ = Chain.objects.get_or_create(chain_id=found.chain_id, defaults={"name": _chain_name(found.chain_id)})
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
            Contract.objects.filter(pk=contract.pk).update(capabilities=capabilities)
        if kind == Kind.MODULE:
            ModuleState.objects.get_or_create(module=contract)
        added |= created
    if added:
        restart_from(writer, found.start_block)


def _chain_name(chain_id: int) -> str:
    if chain_id == settings.LOCAL_CHAIN_ID:
        return "local chain"
    return _NAMES.get(chain_id, f"chain {chain_id}")
