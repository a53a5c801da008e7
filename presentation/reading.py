# SPDX-License-Identifier: Apache-2.0
"""What the pages and the JSON API show, read from the mirror with a number of queries that does not grow with the rows.

Values stay as they are inside (ints in base units, bytes); `api` and the templates write them out.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.http import Http404

from agent.models import Summary
from governance.block_time import block_s
from governance.chain import abi
from governance.chain.address import to_bytes
from governance.chain.call import Call, call_of
from governance.chain.native import DECIMALS, symbol_of
from governance.chain.rpc import Rpc, RpcError
from governance.incidents import Kind as IncidentKind
from governance.models import (
    Act,
    ActCall,
    Contract,
    Cursor,
    Dao,
    Delegation,
    ModuleState,
    Objection,
    OnchainCheck,
    PolicyVersion,
    PowerCheckpoint,
    Proposal,
    ProposalAction,
    ProposalTransition,
    RefusedAct,
    SyncIncident,
    TreasuryFlow,
    Vote,
)
from governance.open_proposals import count_of, open_proposals
from governance.power import shared_with
from governance.state import (
    Now,
    ProposalFacts,
    State,
    counted_votes,
    facts_of,
    proposal_state,
    quorum_of,
    vote_ends_at,
)
from presentation import titles, words

PATIENCE_S = 3.0  # how long a page waits for the node, which it can do without
PAGE = 25
SLOT_S = 12.0  # what a block is taken to last where too few were read to measure it
LAST_PAGE = 10**7  # what is asked for beyond it is answered with it: PostgreSQL counts rows in 64 bits

_PLAIN_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9$._-]*")


@dataclass(frozen=True)
class Asset:
    """A token (or the native currency, under 20 zero bytes) with what is needed to write its amounts."""

    address: bytes
    symbol: str
    decimals: int
    known: bool = True  # False: nobody told us its decimals, so amounts are in base units
    shared: bool = False  # another asset of the DAO has the same symbol, so the symbol alone does not say which it is

    @property
    def name(self) -> str:
        """The symbol; with the address where another asset has the same symbol, or where the symbol, which is the
        token's own word, could pass for another one or for a part of the amount: then in quotes too."""
        plain = not any(self.address) or _PLAIN_SYMBOL.fullmatch(self.symbol)
        if plain and not self.shared:
            return self.symbol
        which = words.address_text(self.address) if any(self.address) else "the native currency"
        return f"{self.symbol} ({which})" if plain else f"“{self.symbol}” ({which})"

    def text(self, base_units: int, places: int | None = 4) -> str:
        """`12.5 USDC`, or `12500000 base units of 0x1234…cdef`."""
        if not self.known:
            return f"{base_units:,} base units of {words.short(words.address_text(self.address))}"
        return f"{words.amount(base_units, self.decimals, places=places)} {self.name}"


_KIND_NAMES = {
    "governor": "Governor",
    "votes_token": "Votes token",
    "timelock": "Timelock",
    "treasury": "Treasury",
    "module": "Policy module",
}


_ABI_KINDS = {
    "governor": ("MandateGovernor",),
    "votes_token": ("VotesToken",),
    "timelock": ("TimelockController",),
    "treasury": ("Treasury",),
    "module": ("PolicyModule",),
    "asset": ("ERC20",),
}


def local_people(chain_id: int) -> list[dict[str, str]]:
    """The demo's people, `[{"name", "address", "role"}]`; empty on every chain but the local one."""
    if settings.LOCAL_CHAIN_ID is None or chain_id != settings.LOCAL_CHAIN_ID:
        return []
    path = settings.STATE_DIR / "people.json"
    return json.loads(path.read_text()) if path.is_file() else []


class Place:
    """A DAO with what every page of it needs: contracts, how far the mirror has read, names, assets, pause state."""

    def __init__(self, dao: Dao):
        self.dao = dao
        self.chain = dao.chain
        self.is_local = settings.LOCAL_CHAIN_ID is not None and dao.chain_id == settings.LOCAL_CHAIN_ID
        self.contracts: dict[str, list[Contract]] = defaultdict(list)
        for contract in Contract.objects.filter(dao=dao).order_by("id"):
            self.contracts[contract.kind].append(contract)
        self.cursor: Cursor | None = Cursor.objects.filter(dao=dao).first()
        self.module_states: dict[int, ModuleState] = {
            state.module_id: state for state in ModuleState.objects.filter(module__dao=dao)
        }

    @classmethod
    def of(cls, slug: str) -> Place:
        """The DAO with this slug; 404 where there is none."""
        dao = Dao.objects.select_related("chain").filter(slug=slug).first() if "\0" not in slug else None
        if dao is None:
            raise Http404("no DAO of this name is mirrored here")
        return cls(dao)

    def one(self, kind: str) -> Contract | None:
        """The first contract of a kind, if the DAO has one."""
        return self.contracts[kind][0] if self.contracts[kind] else None

    @property
    def block(self) -> int:
        """The last block that the mirror has read; -1 before the first."""
        return self.cursor.next_block - 1 if self.cursor else -1

    @property
    def node_head(self) -> int:
        return self.cursor.node_head_block if self.cursor else -1

    @property
    def now_chain_s(self) -> int:
        """The chain's clock at the last block read (Unix seconds)."""
        return self.cursor.head_timestamp_chain_s if self.cursor else 0

    @property
    def counts_blocks(self) -> bool:
        """Whether the governor's clock counts blocks (ERC-6372 `mode=blocknumber`, and every governor before it)."""
        governor = self.one("governor")
        return governor is None or governor.capabilities.get("clock") != "timestamp"

    @property
    def governor(self) -> Contract:
        """The governor; 404 where the DAO has none (nothing can be voted on there)."""
        governor = self.one("governor")
        if governor is None:
            raise Http404("this DAO has no governor")
        return governor

    @property
    def now(self) -> Now:
        """The moment of the last block read, as `governance.state` takes it."""
        return Now(self.clock_now, self.now_chain_s)

    @property
    def clock_now(self) -> int:
        """Now in the governor's own clock."""
        return self.block if self.counts_blocks else self.now_chain_s

    def clock_text(self, point: int) -> str:
        """A timepoint of the governor's clock in words."""
        return f"block {point:,}" if self.counts_blocks else words.moment(point)

    def until_text(self, point: int) -> str:
        """How long until a timepoint of the governor's clock (empty when it has passed)."""
        left = point - self.clock_now
        if left <= 0:
            return ""
        if not self.counts_blocks:
            return words.duration(left)
        measured = f" (about {words.duration(int(left * self.block_s))})" if self.block_s else ""
        return f"{left:,} blocks{measured}"

    @cached_property
    def block_s(self) -> float | None:
        """The seconds that one of the chain's last blocks took; None where too few were read."""
        return block_s(self.dao.chain_id)

    def seconds_until(self, point: int) -> float:
        """About how many seconds it is until a timepoint of the governor's clock; below 0 when it has passed."""
        left = point - self.clock_now
        return left * (self.block_s or SLOT_S) if self.counts_blocks else left

    @cached_property
    def votes_asset(self) -> Asset:
        token = self.one("votes_token")
        if token is None:
            return Asset(words.ZERO_ADDRESS, "votes", 18)
        return _asset(token, "votes", 18)

    @cached_property
    def assets(self) -> dict[bytes, Asset]:
        """Every asset the DAO follows, by address, the native currency included."""
        native = Asset(words.ZERO_ADDRESS, symbol_of(self.dao.chain_id), DECIMALS)
        known = {native.address: native}
        for contract in [*self.contracts["asset"], *self.contracts["votes_token"]]:
            known[bytes(contract.address)] = _asset(contract)
        times = Counter(asset.symbol.casefold() for asset in known.values())
        return {address: replace(asset, shared=times[asset.symbol.casefold()] > 1) for address, asset in known.items()}

    @property
    def native(self) -> Asset:
        """The chain's native currency."""
        return self.assets[words.ZERO_ADDRESS]

    def asset(self, address: bytes) -> Asset:
        """The asset at an address; one in base units where its decimals are not known."""
        return self.assets.get(bytes(address)) or Asset(bytes(address), "base units", 0, known=False)

    @cached_property
    def names(self) -> dict[bytes, str]:
        """Names of addresses: the DAO's contracts, its assets, and on the local chain the demo's people."""
        book: dict[bytes, str] = {}
        for kind, contracts in self.contracts.items():
            for contract in contracts:
                label = _KIND_NAMES.get(kind) or f"{_asset(contract).symbol} token"
                book.setdefault(bytes(contract.address), label)
        for person in local_people(self.dao.chain_id):
            book.setdefault(bytes.fromhex(person["address"].removeprefix("0x")), person["name"])
        return book

    def abi_kinds(self, target: bytes) -> tuple[str, ...]:
        """Which ABIs to prefer for calls to an address: what we know it to be."""
        for kind, contracts in self.contracts.items():
            if any(bytes(contract.address) == target for contract in contracts):
                return _ABI_KINDS.get(kind, ())
        return ()

    @property
    def behind(self) -> int:
        """How many blocks the node has that the mirror has not read."""
        return max(0, self.node_head - self.block)

    @property
    def paused(self) -> bool:
        """Whether any policy module of the DAO is paused."""
        return any(state.paused for state in self.module_states.values())


def _asset(contract: Contract, symbol: str = "", decimals: int | None = None) -> Asset:
    told = contract.capabilities
    known = told.get("decimals", decimals)
    return Asset(
        bytes(contract.address),
        words.one_line(str(told.get("symbol") or symbol), 16) or "tokens",
        int(known) if known is not None else 0,
        known=known is not None,
    )


@dataclass
class ProposalRow:
    """A proposal as the list shows it."""

    proposal: Proposal
    state: State
    flags: list[dict[str, str]]
    verdict: str
    facts: ProposalFacts

    @property
    def quorum_votes(self) -> int | None:
        """What the quorum asks for now; None where the chain has not told."""
        return quorum_of(self.facts)

    @property
    def title(self) -> str:
        """One line that names it; never empty."""
        return titles.title_of(self.proposal.description, self.proposal.proposal_id)

    @property
    def ends_at(self) -> int:
        """The last timepoint of the governor's clock at which votes are taken, as things are now."""
        return vote_ends_at(self.facts, self.state)

    @property
    def vote_began(self) -> bool:
        """Whether there can be votes: before, an empty tally and a quorum of 0 % would say nothing."""
        return self.state not in (State.PENDING, State.UPDATABLE)

    @property
    def state_name(self) -> str:
        return str(self.state.value)

    @property
    def cast(self) -> int:
        """Votes that count towards the quorum: for and abstain, or others where the governor counts so."""
        return counted_votes(self.facts)

    @property
    def total(self) -> int:
        return self.proposal.for_votes + self.proposal.abstain_votes + self.proposal.against_votes

    @property
    def quorum_reached(self) -> bool:
        return self.quorum_votes is not None and self.cast >= self.quorum_votes


def _with_summary(proposals):
    return proposals.prefetch_related(
        "operations", Prefetch("summaries", Summary.objects.order_by("-created_at", "-id"), to_attr="recent_summaries")
    )


def summary_of(proposal: Proposal) -> Summary | None:
    """The newest summary of a proposal that was read with `_with_summary`."""
    return proposal.recent_summaries[0] if proposal.recent_summaries else None


def proposal_row(place: Place, proposal: Proposal) -> ProposalRow:
    """The row of one proposal, its state by the chain's clock at the last block read."""
    summary = summary_of(proposal)
    facts = facts_of(proposal, place.governor)
    return ProposalRow(
        proposal,
        proposal_state(facts, place.now),
        list(summary.flags) if summary else [],
        summary.verdict if summary else "",
        facts,
    )


def proposals(
    place: Place, *, only_open: bool = False, page: int = 1, size: int = PAGE
) -> tuple[list[ProposalRow], int]:
    """A page of proposals and how many there are in all: the newest first, or (`only_open`) in the order of
    `open_proposals`. As many queries for 10 rows as for 100."""
    start, stop = (page - 1) * size, page * size
    if only_open:
        found = open_proposals(place.dao, place.one("governor"), place.now)
        count = sum(count_of(numbers) for numbers in (found.voting, found.coming, found.decided))
        return rows_of(place, found.page(start, stop)), count
    all_of_them = Proposal.objects.filter(dao=place.dao)
    newest = all_of_them.order_by("-created_block", "-id").values_list("pk", flat=True)
    # Their numbers first, from the index alone: the last page of thousands must not read all texts before it.
    return rows_of(place, list(newest[start:stop])), all_of_them.count()


def latest_but(place: Place, shown: Collection[int], size: int) -> list[int]:
    """The numbers (primary keys) of the newest proposals that are not among `shown`."""
    others = Proposal.objects.filter(dao=place.dao).exclude(pk__in=shown)
    return list(others.order_by("-created_block", "-id").values_list("pk", flat=True)[:size])


def rows_of(place: Place, numbers: Sequence[int]) -> list[ProposalRow]:
    """The rows of proposals in the order of their numbers (primary keys). Three queries."""
    found = {row.pk: row for row in _with_summary(Proposal.objects.filter(pk__in=numbers))}
    return [proposal_row(place, found[number]) for number in numbers if number in found]


def proposal(place: Place, proposal_id: int) -> Proposal:
    """One proposal with its summaries; 404 where the mirror has none."""
    found = None
    if proposal_id < 2**256:
        rows = Proposal.objects.filter(dao=place.dao, proposal_id=proposal_id).select_related("log", "dao")
        found = _with_summary(rows).first()
    if found is None:
        raise Http404("no proposal of this number is mirrored here")
    return found


@dataclass
class ArgumentView:
    """An argument as a page shows it; `note` adds a time or an amount in words where the name of the function tells."""

    name: str
    type: str
    text: str
    address: bytes | None
    note: str = ""


def arguments(place: Place, target: bytes, decoded: abi.DecodedCall | None) -> list[ArgumentView]:
    """The arguments of a decoded call; amounts of a known token's transfer also in its units."""
    found = []
    asset = place.assets.get(target)
    for argument in decoded.args if decoded else ():
        note = ""
        if asset and decoded and argument.type == "uint256" and decoded.name in ("transfer", "transferFrom", "approve"):
            note = asset.text(argument.value, None)
        found.append(_argument(argument, note))
    return found


def _argument(argument: abi.Argument, note: str = "") -> ArgumentView:
    shown = abi.json_value(abi.parse_type(argument.type), argument.value)
    return ArgumentView(
        argument.name or "(unnamed)",
        argument.type,
        shown if isinstance(shown, str) else json.dumps(shown),
        argument.value if argument.type == "address" else None,
        note,
    )


def inner_calls(place: Place, decoded: abi.DecodedCall | None) -> list[str]:
    """Calls that the arguments carry, as `perform(address to, uint256 value, bytes data)` does, each in one line."""
    found, values = [], list(decoded.args) if decoded else []
    for to, value, data in zip(values, values[1:], values[2:], strict=False):
        if (to.type, value.type, data.type) == ("address", "uint256", "bytes"):
            found.append(call_words(place, to.value, value.value, data.value))
    return found


def call_words(place: Place, target: bytes, value_wei: int, calldata: bytes) -> str:
    """A call in one line: `pays 1,000 USDC to ines (0x12…ab)`, or the decoded function. `calldata` is the executed."""

    def name(address: bytes) -> str:
        known = place.names.get(address)
        text = words.short(words.address_text(address))
        return f"{known} ({text})" if known else text

    sent = place.native.text(value_wei, None)
    if not calldata:
        return f"pays {sent} to {name(target)}"
    decoded = decode(place, target, calldata)
    if decoded and decoded.signature == "transfer(address,uint256)" and not value_wei:
        to, base_units = decoded.values
        return f"pays {place.asset(target).text(base_units, None)} to {name(to)}"
    what = words.one_line(str(decoded), 160) if decoded else f"calls {words.hash_text(calldata[:4])} (unknown function)"
    return f"{what} on {name(target)}" + (f" with {sent}" if value_wei else "")


@dataclass
class ActionView:
    """A call of a proposal beside what it means."""

    position: int
    call: Call
    decoded: abi.DecodedCall | None
    arguments: list[ArgumentView] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)  # calls inside its arguments, in words
    effects: list[dict] = field(default_factory=list)

    @property
    def target(self) -> bytes:
        return self.call.target

    @property
    def value_wei(self) -> int:
        return self.call.value_wei

    @cached_property
    def calldata(self) -> bytes:
        """What the chain executes, whatever form the proposal gives it in."""
        return self.call.calldata

    @property
    def claim(self) -> str:
        """A sentence about the function that the proposal names as text; empty where nothing need be said."""
        return self.call.what_the_text_says(self.decoded.signature if self.decoded else "")

    @property
    def claimed_arguments(self) -> list[ArgumentView]:
        """The arguments by the proposal's own text, where no interface of ours knows the function."""
        return [] if self.decoded else [_argument(argument) for argument in self.call.arguments or ()]


def findings(summary: Summary | None) -> list[dict[str, str]]:
    """What the verdict rests on: each finding's text, and what it is about (an effect in words, or a quoted claim)."""
    if summary is None:
        return []
    told = {effect["id"]: effect["sentence"] for effect in summary.effects}
    quoted = {claim["id"]: "“" + " ".join(claim["quotes"]) + "”" for claim in summary.claims if claim.get("quotes")}
    return [
        {"text": item["text"], "about": told.get(item.get("effect")) or quoted.get(item.get("claim"), "")}
        for item in summary.findings
    ]


def actions(place: Place, proposal: Proposal, summary: Summary | None) -> list[ActionView]:
    """The proposal's calls in order, each with its decoded call and the effects that were computed from it."""
    by_call: dict[int, list[dict]] = defaultdict(list)
    found = []
    for effect in summary.effects if summary else []:
        by_call[effect["position"]].append(effect)
    for action in ProposalAction.objects.filter(proposal=proposal).order_by("position"):
        call = call_of(action)
        decoded = decode(place, call.target, call.calldata)
        found.append(
            ActionView(
                action.position,
                call,
                decoded,
                arguments(place, call.target, decoded),
                inner_calls(place, decoded),
                by_call.get(action.position, []),
            )
        )
    return found


def decode(place: Place, target: bytes, calldata: bytes) -> abi.DecodedCall | None:
    """The call by name and arguments, where an ABI we hold knows the function and the bytes are its canonical form."""
    return abi.decode_call(calldata, *place.abi_kinds(target))


def votes(proposal: Proposal, *, page: int = 1, size: int = 50) -> tuple[list[Vote], int]:
    """A page of the votes on a proposal, the heaviest first."""
    found = Vote.objects.filter(proposal=proposal)
    # Their numbers first, from the index alone: a page in the middle of a million must not join all that it skips.
    heaviest = list(found.order_by("-weight", "id").values_list("pk", flat=True)[(page - 1) * size : page * size])
    rows = Vote.objects.filter(pk__in=heaviest).select_related("log").order_by("-weight", "id")
    return list(rows), found.count()


def transitions(proposal: Proposal) -> list[ProposalTransition]:
    return list(
        ProposalTransition.objects.filter(proposal=proposal)
        .select_related("log")
        .order_by("log__block_number", "log__log_index")
    )


def checks(place: Place, prefix: str) -> dict[str, OnchainCheck]:
    """What the chain itself answered about a subject, by what was asked (`state`, `votes`, ...)."""
    found = OnchainCheck.objects.filter(dao=place.dao, subject__startswith=prefix)
    return {check.subject.removeprefix(prefix): check for check in found}


@dataclass
class HeldAgainst:
    """How the mirror stands against the chain's own answers: how many match, and those that differ, at a block."""

    block: int
    matched: int
    differing: list[OnchainCheck]


def held_against(place: Place, limit: int = 10) -> HeldAgainst | None:
    """All that the chain was asked about this DAO; None where it was asked nothing yet."""
    asked = OnchainCheck.objects.filter(dao=place.dao)
    newest = asked.order_by("-block_number").first()
    if newest is None:
        return None
    differing = list(asked.filter(matched=False).order_by("-block_number", "subject")[:limit])
    return HeldAgainst(newest.block_number, asked.filter(matched=True).count(), differing)


def reorgs_of(place: Place, proposal: Proposal) -> list[dict]:
    """What took something from this proposal, newest first: `[{"incident", "is_reread", "votes", "voters"}]`.

    Mostly a reorganisation of the chain; or (`is_reread`) a node had answered wrongly, and its blocks are read again.
    """
    text = str(proposal.proposal_id)
    touched = []
    # By their facts, not by kind: whatever the reason was, whoever voted has to see it.
    dropping = SyncIncident.objects.filter(dao=place.dao, facts__has_any_keys=["dropped_votes", "dropped_proposals"])
    for incident in dropping.order_by("-id")[:50]:
        dropped = [vote for vote in incident.facts.get("dropped_votes", []) if _names_proposal(vote, text)]
        if dropped or text in map(str, incident.facts.get("dropped_proposals", [])):
            voters = [to_bytes(vote["voter"]) for vote in dropped if isinstance(vote, dict) and "voter" in vote]
            is_reread = incident.kind == IncidentKind.MISSED_LOGS
            touched.append({"incident": incident, "is_reread": is_reread, "votes": dropped, "voters": voters[:10]})
    return touched


def _names_proposal(vote: object, proposal_id: str) -> bool:
    if isinstance(vote, dict):
        return proposal_id in (str(vote.get("proposal_id")), str(vote.get("proposal")))
    return isinstance(vote, (list, tuple)) and proposal_id in map(str, vote)


def incidents(place: Place, limit: int = 10) -> list[SyncIncident]:
    return list(SyncIncident.objects.filter(dao=place.dao).order_by("-id")[:limit])


@dataclass
class DelegateRow:
    account: bytes
    power: int
    delegators: list[bytes]
    votes_cast: int
    check: OnchainCheck | None


def delegates(place: Place, limit: int = 100) -> list[DelegateRow]:
    """Who holds voting power now and from whom, the most first. Power is an account's last DelegateVotesChanged."""
    latest = (
        PowerCheckpoint.objects.filter(dao=place.dao, account=OuterRef("account"))
        .order_by("-timepoint", "-log__block_number", "-log__log_index")
        .values("id")[:1]
    )
    held = list(
        PowerCheckpoint.objects.filter(dao=place.dao, power__gt=0)
        .annotate(latest=Subquery(latest))
        .filter(id=F("latest"))
        .order_by("-power", "id")[:limit]
    )
    accounts = [bytes(row.account) for row in held]
    newest = (
        Delegation.objects.filter(dao=place.dao, delegator=OuterRef("delegator"))
        .order_by("-log__block_number", "-log__log_index")
        .values("id")[:1]
    )
    from_whom: dict[bytes, list[bytes]] = defaultdict(list)
    current = Delegation.objects.filter(dao=place.dao, to_delegate__in=accounts).annotate(newest=Subquery(newest))
    for delegation in current.filter(id=F("newest")).order_by("id")[:5000]:
        from_whom[bytes(delegation.to_delegate)].append(bytes(delegation.delegator))
    for delegator, delegate in shared_with(place.dao, accounts):  # several delegates at once, with a share each
        if delegator not in from_whom[delegate]:
            from_whom[delegate].append(delegator)
    cast = {
        bytes(row["voter"]): row["proposals"]
        for row in Vote.objects.filter(dao=place.dao, voter__in=accounts)
        .values("voter")
        .annotate(proposals=Count("onchain_proposal_id", distinct=True))
    }
    asked = checks(place, "power:")
    return [
        DelegateRow(
            bytes(row.account),
            row.power,
            from_whom.get(bytes(row.account), []),
            cast.get(bytes(row.account), 0),
            asked.get(words.address_text(row.account)) or asked.get(words.hash_text(row.account)),
        )
        for row in held
    ]


@dataclass
class Balance:
    """What the treasury holds. `read_at_block` is set where the chain itself was asked, at the mirror's block."""

    asset: Asset
    base_units: int
    read_at_block: int | None
    flows_agree: bool  # the movements that the mirror has seen add up to it

    @property
    def text(self) -> str:
        return self.asset.text(self.base_units)


def balances(place: Place) -> list[Balance]:
    """The treasury's assets as the chain has them at the mirror's block; where no node answers, the sum of logs.

    Native currency can come without any log, so for it only the chain's answer is a balance.
    """
    treasury = place.one("treasury")
    if treasury is None:
        return []
    totals = (
        TreasuryFlow.objects.filter(dao=place.dao)
        .values("asset")
        .annotate(into=Sum("amount", filter=Q(outgoing=False)), out=Sum("amount", filter=Q(outgoing=True)))
        .order_by("asset")
    )
    seen = {bytes(row["asset"]): int(row["into"] or 0) - int(row["out"] or 0) for row in totals}
    told = _balances_on_chain(place, bytes(treasury.address), sorted({*place.assets, *seen}))
    found = [
        Balance(
            place.asset(asset),
            told.get(asset, seen.get(asset, 0)),
            place.block if asset in told else None,
            asset == words.ZERO_ADDRESS or asset not in told or told[asset] == seen.get(asset, 0),
        )
        for asset in {**seen, **told}
    ]
    return sorted((balance for balance in found if balance.base_units > 0), key=lambda balance: balance.asset.symbol)


def node(place: Place) -> Rpc:
    """The chain's node as a page asks it: once, and not for long. Raises RpcUnreachable where none is configured."""
    return _node(os.getpid(), place.dao.chain_id, tuple(settings.RPC_URLS.get(place.dao.chain_id, ())))


@lru_cache(maxsize=64)
def _node(_process: int, chain_id: int, urls: tuple[str, ...]) -> Rpc:  # a fork must not share sockets
    return Rpc(urls, chain_id, timeout_s=PATIENCE_S, attempts=1)


def _balances_on_chain(place: Place, treasury: bytes, assets: list[bytes]) -> dict[bytes, int]:
    """What the node answers at the mirror's block; assets it did not answer for are missing."""
    at = hex(max(0, place.block))
    requests: list[tuple[str, list[Any]]] = []
    for asset in assets:
        if asset == words.ZERO_ADDRESS:
            requests.append(("eth_getBalance", [words.hash_text(treasury), at]))
        else:
            call = {
                "to": words.hash_text(asset),
                "data": words.hash_text(abi.encode_call("balanceOf(address)", [treasury])),
            }
            requests.append(("eth_call", [call, at]))
    try:
        answers = node(place).batch(requests)
    except RpcError:
        return {}  # the page says that the chain could not be asked
    return {
        asset: int(answer, 16)
        for asset, answer in zip(assets, answers, strict=True)
        if isinstance(answer, str) and re.fullmatch("0x[0-9a-f]{1,64}", answer)
    }


def flows(place: Place, limit: int = 10) -> list[TreasuryFlow]:
    return list(
        TreasuryFlow.objects.filter(dao=place.dao)
        .select_related("log")
        .order_by("-log__block_number", "-log__log_index")[:limit]
    )


def policies_in_force(place: Place) -> list[PolicyVersion]:
    """The newest version of every policy."""
    newest = (
        PolicyVersion.objects.filter(module=OuterRef("module"), policy_id=OuterRef("policy_id"))
        .order_by("-version")
        .values("id")[:1]
    )
    return list(
        PolicyVersion.objects.filter(dao=place.dao)
        .annotate(newest=Subquery(newest))
        .filter(id=F("newest"))
        .select_related("log", "module")
        .order_by("id")
    )


def acts(place: Place, *, page: int = 1, size: int = PAGE) -> tuple[list[Act], int]:
    """A page of acts, newest first, with calls and objections. Four queries."""
    found = Act.objects.filter(dao=place.dao)
    rows = (
        found.select_related("log", "final_log", "module")
        .prefetch_related(
            Prefetch("calls", ActCall.objects.order_by("position")),
            Prefetch("objections", Objection.objects.select_related("log").order_by("id")),
        )
        .order_by("-log__block_number", "-log__log_index", "-id")
    )
    return list(rows[(page - 1) * size : page * size]), found.count()


def objectable(place: Place, limit: int = 20) -> list[Act]:
    """Acts that members may still object to, by when they can be released: scheduled, and not past that window."""
    return list(_objectable(place).order_by("releasable_chain_s", "id")[:limit])


def objectable_count(place: Place) -> int:
    """How many acts members may still object to."""
    return _objectable(place).count()


def _objectable(place: Place) -> QuerySet[Act]:
    return (
        Act.objects.filter(dao=place.dao, status=Act.Status.SCHEDULED)
        .filter(Q(expires_chain_s=None) | Q(expires_chain_s__gte=place.now_chain_s))
        .select_related("log", "module")
        .prefetch_related("calls", "objections")
    )


def refusals(place: Place, limit: int = 50) -> list[RefusedAct]:
    return list(RefusedAct.objects.filter(dao=place.dao).order_by("-block_number", "-id")[:limit])
