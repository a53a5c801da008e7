# SPDX-License-Identifier: Apache-2.0
"""A DAO as everything that shows it needs it: contracts, names, assets, the mirror's moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cached_property

from django.conf import settings
from django.http import Http404
from django.utils.translation import gettext, ngettext

from governance.address_book import names_of_people
from governance.block_time import block_s, l1_block_s
from governance.chain.native import DECIMALS, UNKNOWN, pretends_to_be_native, symbol_of
from governance.clocks import Source, source_of
from governance.models import Contract, Cursor, Dao, ModuleState
from governance.numbers import grouped
from governance.state import Now, now_at
from governance.unconfirmed import is_pause_in_doubt
from presentation import labels, words
from presentation.assets import Asset, asset_of

SLOT_S = 12.0  # what a block is taken to last where too few were read to measure it


# From here on a timepoint of a clock never comes: the last that OpenZeppelin's uint48 holds. As seconds it is nine
# million years ahead; no chain has had a millionth of so many blocks.
NEVER = 2**48 - 1


def is_never(point: int) -> bool:
    """Whether a timepoint of a governor's clock, of blocks or of seconds, never comes."""
    return point >= NEVER


_ABI_KINDS = {
    "governor": ("MandateGovernor",),
    "votes_token": ("VotesToken",),
    "timelock": ("TimelockController",),
    "treasury": ("Treasury",),
    "module": ("PolicyModule",),
    "asset": ("ERC20",),
}


class DaoView:
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
            state.module_id: state for state in ModuleState.objects.filter(module__dao=dao).select_related("module")
        }

    @classmethod
    def of(cls, slug: str) -> DaoView:
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
    def nodes(self) -> int:
        """How many nodes are set for the DAO's chain; 0 where this process was told none."""
        return len(settings.RPC_URLS.get(self.dao.chain_id, ()))

    @property
    def is_one_nodes_word(self) -> bool:
        """Whether all of the mirror is what a single node said, on a chain that others run too."""
        return self.nodes == 1 and not self.is_local

    @property
    def now_chain_s(self) -> int:
        """The chain's clock at the last block read (Unix seconds)."""
        return self.cursor.head_timestamp_chain_s if self.cursor else 0

    @property
    def counts_blocks(self) -> bool:
        """Whether the governor's clock counts blocks (ERC-6372 `mode=blocknumber`, and every governor before it), its
        chain's own or those of the chain below."""
        return self._clock is not Source.TIME

    @property
    def counts_l1_blocks(self) -> bool:
        """Whether the governor's clock counts the blocks of the chain below, as on Arbitrum."""
        return self._clock not in (Source.TIME, Source.HEIGHT)

    @property
    def _clock(self) -> Source:
        governor = self.one("governor")
        return Source.HEIGHT if governor is None else source_of(governor.capabilities)

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
        governor = self.one("governor")
        if governor is None or self.cursor is None:
            return self.block if self.counts_blocks else self.now_chain_s
        return now_at(governor, self.block, self.now_chain_s, self.cursor.head_l1_block).timepoint

    def clock_text(self, point: int) -> str:
        """A timepoint of the governor's clock in words."""
        return gettext("never") if is_never(point) else self.moment_text(point)

    def moment_text(self, point: int) -> str:
        """A timepoint of the governor's clock as its number or time, also one that never comes."""
        if not self.counts_blocks:
            return words.moment(point)
        text = gettext("L1 block %(number)s") if self.counts_l1_blocks else gettext("block %(number)s")
        return text % {"number": grouped(point)}

    def voting_left(self, point: int) -> str:
        """How long votes are taken, in words, where they are until this timepoint of the governor's clock."""
        if is_never(point):
            return gettext("no end to the vote")
        left = self.until_text(point)
        return gettext("%(left)s left to vote") % {"left": left} if left else gettext("closing now")

    def voting_starts(self, point: int) -> str:
        """When voting starts, in words, where it does after this timepoint of the governor's clock."""
        if is_never(point):
            return gettext("voting never starts")
        left = self.until_text(point)
        return gettext("voting starts in %(left)s") % {"left": left} if left else gettext("voting starts now")

    def until_text(self, point: int) -> str:
        """How long until a timepoint of the governor's clock (empty when it has passed)."""
        left = point - self.clock_now
        if left <= 0:
            return ""
        if not self.counts_blocks:
            return words.duration(left)
        if self.counts_l1_blocks:
            text = ngettext("%(number)s L1 block", "%(number)s L1 blocks", left)
        else:
            text = ngettext("%(number)s block", "%(number)s blocks", left)
        blocks = text % {"number": grouped(left)}
        if not self.block_s:
            return blocks
        about = words.duration(int(left * self.block_s))
        return gettext("%(blocks)s (about %(duration)s)") % {"blocks": blocks, "duration": about}

    @cached_property
    def block_s(self) -> float | None:
        """The seconds that one of the last blocks took that the governor's clock counts; None where too few were
        read."""
        return l1_block_s(self.dao) if self.counts_l1_blocks else block_s(self.dao.chain_id)

    def seconds_until(self, point: int) -> float:
        """About how many seconds it is until a timepoint of the governor's clock; below 0 when it has passed."""
        left = point - self.clock_now
        return left * (self.block_s or SLOT_S) if self.counts_blocks else left

    @cached_property
    def votes_asset(self) -> Asset:
        token = self.one("votes_token")
        if token is None:
            return Asset(words.ZERO_ADDRESS, gettext("votes"), 18)
        found = asset_of(token, gettext("votes"))
        return replace(found, shared=self.asset(found.address).shared)

    @cached_property
    def assets(self) -> dict[bytes, Asset]:
        """Every asset the DAO follows, by address, the native currency included."""
        symbol = symbol_of(self.dao.chain_id)
        native = Asset(words.ZERO_ADDRESS, gettext("native units") if symbol == UNKNOWN else symbol, DECIMALS)
        known = {native.address: native}
        for contract in [*self.contracts["asset"], *self.contracts["votes_token"]]:
            known[bytes(contract.address)] = asset_of(contract)
        times = Counter(asset.symbol.casefold() for asset in known.values())

        def is_shared(asset: Asset) -> bool:
            # Nor does a symbol alone that people take for the chain's own coin.
            is_coins = any(asset.address) and pretends_to_be_native(asset.symbol, self.dao.chain_id)
            return asset.shared or is_coins or times[asset.symbol.casefold()] > 1

        return {address: replace(asset, shared=is_shared(asset)) for address, asset in known.items()}

    @property
    def native(self) -> Asset:
        """The chain's native currency."""
        return self.assets[words.ZERO_ADDRESS]

    def asset(self, address: bytes) -> Asset:
        """The asset at an address; one in base units where its decimals are not known."""
        return self.assets.get(bytes(address)) or Asset(bytes(address), gettext("base units"), 0, known=False)

    @cached_property
    def names(self) -> dict[bytes, str]:
        """Names of addresses: the DAO's contracts, its assets, and on the local chain the demo's people."""
        book: dict[bytes, str] = {}
        for kind, contracts in self.contracts.items():
            for contract in contracts:
                label = labels.CONTRACTS.get(kind) or gettext("%(symbol)s token") % {
                    "symbol": self.asset(contract.address).name
                }
                book.setdefault(bytes(contract.address), str(label))
        for address, name in names_of_people(self.dao.chain_id).items():
            book.setdefault(address, name)
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
        """Whether any policy module of the DAO is paused, beyond doubt."""
        return any(state.paused and pk not in self.doubted_pauses for pk, state in self.module_states.items())

    def doubt_about_pause(self, module: int) -> str:
        """Return a sentence for pages where it is not confirmed whether this module is paused, by its row's number;
        empty where it is."""
        if module not in self.doubted_pauses:
            return ""
        if self.module_states[module].paused:
            return gettext("The mirror has a pause that is not confirmed: the agent may still act.")
        return gettext(
            "It is not confirmed that the policy module is not paused. If it is, no act can be paid until a vote lifts "
            "the pause."
        )

    @cached_property
    def doubted_pauses(self) -> set[int]:
        """The modules, by their rows' numbers, of which one node alone shows that they are paused, or are no longer, or
        of which the chain says otherwise: their agent may still act, and is still to be stopped."""
        return {
            pk for pk, state in self.module_states.items() if is_pause_in_doubt(self.dao, bytes(state.module.address))
        }
