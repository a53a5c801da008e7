# SPDX-License-Identifier: Apache-2.0
"""What the mirror knows of the policies by which an agent may act for a DAO: no more than it has read.

That no module is known does not say that there is none: one that nobody named or found may spend all the same.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import F, Max, OuterRef, Subquery
from django.utils.translation import gettext, ngettext

from governance.chain.address import checksum
from governance.models import Contract, Cursor, Dao, PolicyVersion, RawLog
from governance.projections import events


class Standing(StrEnum):
    """How much is known of a DAO's policies."""

    NO_MODULE = "no_module"  # no policy module is known
    NOT_READ = "not_read"  # a module is known, and not all that it logged is read
    NO_POLICY = "no_policy"  # all is read, and no policy was set
    POLICIES = "policies"  # policies were set; whether one has ended since, the module says


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

    @property
    def words(self) -> str:
        """One or two sentences for pages, API and commands."""
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
    versions = PolicyVersion.objects.filter(dao=dao)
    policies = versions.values("module", "policy_id").distinct().count()
    newest = versions.aggregate(block=Max("log__block_number"))["block"]
    if policies:
        standing = Standing.POLICIES
    elif not modules:
        standing = Standing.NO_MODULE
    elif cursor is None or block < max(cursor.node_head_block, 0) or _has_unread(dao, modules):
        standing = Standing.NOT_READ
    else:
        standing = Standing.NO_POLICY
    return Known(
        standing, dao.slug, governor, tuple(m.address for m in modules), policies,
        max((m.start_block for m in modules), default=0), block, -1 if newest is None else newest,
    )  # fmt: skip


def policies_in_force(dao: Dao) -> list[PolicyVersion]:
    """Return the newest version of every policy, in the order in which they were set."""
    newest = (
        PolicyVersion.objects.filter(module=OuterRef("module"), policy_id=OuterRef("policy_id"))
        .order_by("-version")
        .values("id")[:1]
    )
    return list(
        PolicyVersion.objects.filter(dao=dao)
        .annotate(newest=Subquery(newest))
        .filter(id=F("newest"))
        .select_related("log", "module")
        .order_by("id")
    )


def _has_unread(dao: Dao, modules: list[Contract]) -> bool:
    """Whether a module set a policy that made no row: its log could not be decoded."""
    topics = {found.topic0 for found in events.layouts(Contract.Kind.MODULE).values() if found.name == "PolicySet"}
    return RawLog.objects.filter(dao=dao, address__in=[m.address for m in modules], topic0__in=topics).exists()
