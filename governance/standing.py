# SPDX-License-Identifier: Apache-2.0
"""What the mirror knows of the policies by which an agent may act for a DAO: no more than it has read.

That no module is known does not say that there is none: one that nobody named or found may spend all the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import F, Max, OuterRef, Subquery
from django.utils.translation import gettext, ngettext

from governance.chain.address import checksum, to_bytes
from governance.models import ChainReading, Contract, Cursor, Dao, PolicyVersion, RawLog
from governance.projections import events
from policies.notation.hexadecimal import hex_text


class Standing(StrEnum):
    """How much is known of a DAO's policies."""

    NO_MODULE = "no_module"  # no policy module is known
    NOT_READ = "not_read"  # a module is known, and not all that it logged is read
    NO_POLICY = "no_policy"  # all is read, and no policy was set
    POLICIES = "policies"  # policies were set; whether one has ended since, the module says


@dataclass(frozen=True)
class Stopped:
    """A policy module that the chain says is not in power at a block: its treasury does not list it (`by`), or its
    owner is not (`owner` is who it is) the one through whom the DAO's votes act (`by`)."""

    module: bytes
    block: int
    by: bytes
    owner: bytes | None = None

    @property
    def words(self) -> str:
        shown = {"module": checksum(self.module), "block": self.block, "by": checksum(self.by)}
        if self.owner is None:
            text = gettext(
                "At block %(block)s the treasury %(by)s says that the policy module %(module)s is not enabled: nothing "
                "can be paid from it through this module."
            )
            return text % shown
        text = gettext(
            "At block %(block)s the policy module %(module)s belongs to %(owner)s, not to %(by)s, through which the "
            "DAO's votes act: they do not rule it."
        )
        return text % {**shown, "owner": checksum(self.owner)}


@dataclass(frozen=True)
class Known:
    """What is known of a DAO's policies from blocks `first_block` to `block` (-1: none is read yet). `newest_block` is
    where the newest was set: above `block` while blocks are read again."""

    standing: Standing
    slug: str
    governor: bytes | None
    modules: tuple[bytes, ...]
    policies: int
    first_block: int
    block: int
    newest_block: int
    stopped: tuple["Stopped", ...] = ()
    doubted: tuple[tuple[bytes, int], ...] = ()  # policies and their versions that one node alone shows

    @property
    def words(self) -> str:
        """Sentences for pages, API and commands."""
        return " ".join([self._policies_in_words(), *self.notes])

    @property
    def notes(self) -> list[str]:
        """A sentence for each module that is not in power any more, and for each version of a policy that is not
        confirmed."""
        text = gettext(
            "One node alone shows that version %(version)s of the policy %(policy)s was set: it is not confirmed, and "
            "is not shown as in force."
        )
        doubts = [text % {"version": number, "policy": hex_text(policy)} for policy, number in self.doubted]
        return [*(one.words for one in self.stopped), *doubts]

    @property
    def stopped_modules(self) -> set[bytes]:
        """The modules that are not in power any more, for pages."""
        return {one.module for one in self.stopped}

    def _policies_in_words(self) -> str:
        shown = {"module": self._module, "block": self.block, "first_block": self.first_block, "count": self.policies}
        match self.standing:
            case Standing.NO_MODULE:
                governor = checksum(self.governor) if self.governor else "<governor>"
                text = gettext(
                    "No policy module is known for this DAO, so what an agent may do is not known either. If it has "
                    "one, name it: %(command)s"
                )
                return text % {"command": f"manage.py add_dao {governor} --slug {self.slug} --module 0x..."}
            case Standing.NOT_READ if self.block >= 0:
                text = gettext(
                    "Whether a policy is in force is not known yet: what %(module)s logged is read up to block "
                    "%(block)s."
                )
                return text % shown
            case Standing.NOT_READ:
                text = gettext(
                    "Whether a policy is in force is not known yet: what %(module)s logged is read not at all yet."
                )
                return text % shown
            case Standing.NO_POLICY:
                text = gettext(
                    "No policy is in force, by all that was read of %(module)s from block %(first_block)s to "
                    "%(block)s. A policy comes into force by a vote."
                )
                return text % shown
        text = ngettext(
            "One policy is set in %(module)s, as of block %(block)s.",
            "%(count)s policies are set in %(module)s, as of block %(block)s.",
            self.policies,
        )
        return text % {**shown, "block": max(self.block, self.newest_block)}

    @property
    def _module(self) -> str:
        names = [checksum(module) for module in self.modules]
        if len(names) < 2:
            return gettext("the policy module %(address)s") % {"address": "".join(names)}
        listed = names[0]
        for name in names[1:]:
            listed = gettext("%(some)s and %(another)s") % {"some": listed, "another": name}
        return gettext("the policy modules %(addresses)s") % {"addresses": listed}


def known(dao: Dao) -> Known:
    """Return what is known of a DAO's policies. Asks no node."""
    kinds = (Contract.Kind.MODULE, Contract.Kind.GOVERNOR)
    contracts = list(dao.contracts.filter(kind__in=kinds).order_by("id"))
    modules = [c for c in contracts if c.kind == Contract.Kind.MODULE]
    governor = next((c.address for c in contracts if c.kind == Contract.Kind.GOVERNOR), None)
    cursor = Cursor.objects.filter(dao=dao).first()
    # Before the node was heard the cursor stands at the first block, as if all before were read.
    block = cursor.next_block - 1 if cursor is not None and cursor.node_head_block > 0 else -1
    versions = PolicyVersion.objects.filter(dao=dao, log__unconfirmed=None)
    doubted = PolicyVersion.objects.filter(dao=dao, log__unconfirmed__isnull=False).order_by("id")
    in_doubt = tuple((bytes(row.policy_id), row.version) for row in doubted.only("policy_id", "version"))
    policies = versions.values("module", "policy_id").distinct().count()
    newest = versions.aggregate(block=Max("log__block_number"))["block"]
    if policies:
        standing = Standing.POLICIES
    elif not modules:
        standing = Standing.NO_MODULE
    elif cursor is None or block < max(cursor.node_head_block, 0) or in_doubt or _has_unread(dao, modules):
        standing = Standing.NOT_READ
    else:
        standing = Standing.NO_POLICY
    return Known(
        standing, dao.slug, governor, tuple(m.address for m in modules), policies,
        max((m.start_block for m in modules), default=0), block, -1 if newest is None else newest,
        tuple(_stopped(dao, modules, next((c for c in contracts if c.kind == Contract.Kind.GOVERNOR), None))),
        in_doubt,
    )  # fmt: skip


def _stopped(dao: Dao, modules: list[Contract], governor: Contract | None) -> Iterator[Stopped]:
    """Modules that the chain, when it was asked last, said are not in power."""
    kinds = (ChainReading.Kind.ENABLED, ChainReading.Kind.OWNER)
    rows = {(row.kind, bytes(row.address)): row for row in ChainReading.objects.filter(dao=dao, kind__in=kinds)}
    for module in modules:
        address, treasury = bytes(module.address), module.capabilities.get("treasury")
        enabled, owner = (rows.get((kind, address)) for kind in kinds)
        if enabled is not None and treasury and not any(bytes(enabled.value)):
            yield Stopped(address, enabled.block_number, to_bytes(treasury))
        if owner is None or governor is None:
            continue
        timelock = governor.capabilities.get("timelock")
        due = to_bytes(timelock) if timelock else bytes(governor.address)
        if (now := bytes(owner.value)[12:32]) != due:
            yield Stopped(address, owner.block_number, due, now)


def policies_in_force(dao: Dao) -> list[PolicyVersion]:
    """Return the newest version of every policy, in the order in which they were set: of those that are more than one
    node's word."""
    confirmed = PolicyVersion.objects.filter(log__unconfirmed=None)
    newest = (
        confirmed.filter(module=OuterRef("module"), policy_id=OuterRef("policy_id"))
        .order_by("-version")
        .values("id")[:1]
    )
    return list(
        confirmed.filter(dao=dao)
        .annotate(newest=Subquery(newest))
        .filter(id=F("newest"))
        .select_related("log", "module")
        .order_by("id")
    )


def _has_unread(dao: Dao, modules: list[Contract]) -> bool:
    """Whether a module set a policy that made no row: its log could not be decoded."""
    topics = {found.topic0 for found in events.layouts(Contract.Kind.MODULE).values() if found.name == "PolicySet"}
    return RawLog.objects.filter(dao=dao, address__in=[m.address for m in modules], topic0__in=topics).exists()
