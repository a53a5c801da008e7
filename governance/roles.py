# SPDX-License-Identifier: Apache-2.0
"""Who may do what on this site. The one place that answers it: pages and API ask `Visitor.may`.

Operator, guardian, owner and agent are what the chain says of an address, as far as the mirror has read it. A log that
one node alone shows makes nobody operator, guardian or agent. Who owns a module, whether a module is in power and
whether a policy ended early is one node's answer: it may let somebody stop the agent and see why it is stopped, and may
keep somebody from starting it, and no more. Keepers are those whom the site's settings name (`MANDATE_KEEPERS`): who
runs the server, for what is about the site and not about a DAO. Auditors (`MANDATE_AUDITORS`) see who is on rosters.
Nothing here lets anybody do what the chain forbids, and none of it stands in a table: whoever is no operator any more
by the chain is none here.

A contract account signs as its contract on one chain says, so it has roles towards that chain's DAOs alone, and is no
keeper: what contracts say is nodes' word, and a keeper is one of all chains.

What a signature or the chain itself decides is not asked here: an approval (the operator's signature over it), a
roster (the same), a vote, an objection, a veto, a pause (transactions of the account's own wallet).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from governance import standing
from governance.chain import abi, module
from governance.models import ChainReading, Contract, Cursor, Dao, PolicyVersion, RawLog, chain_order
from governance.projections import events
from policies.code.encoding import DecodeError, decode


class Role(StrEnum):
    """What somebody is to a DAO, or to the site."""

    ANYONE = "anyone"  # whoever looks, signed in or not
    ACCOUNT = "account"  # whoever signed in
    OPERATOR = "operator"  # named by a policy that has not ended
    LAPSED = "lapsed"  # named by a policy that a node says has ended early, or whose module it says is not in power
    GUARDIAN = "guardian"  # of a policy module
    OWNER = "owner"  # of a policy module, as the chain answered when it was asked last
    AGENT = "agent"  # that a policy names
    AUDITOR = "auditor"  # of rosters, by the site's settings
    KEEPER = "keeper"  # of the site, by its settings


class Do(StrEnum):
    """What somebody may do, or see."""

    READ = "read"  # all pages and calls that are not named below
    ASK = "ask"  # something of the agent
    STOP_AGENT = "stop_agent"  # the site's own switch: the agent signs nothing for the DAO
    START_AGENT = "start_agent"  # clear that switch
    SEE_ROSTERS = "see_rosters"  # who is who on them
    SEE_HALT_FACTS = "see_halt_facts"
    SEE_LOG = "see_log"  # the audit log, of all DAOs
    SEE_SUBSCRIBERS = "see_subscribers"  # e-mail addresses


# Stopping is for everybody who may stop on the chain, and for who runs the server; starting again is for who runs the
# agent: a guardian only ever tightens.
_MAY: Mapping[Do, frozenset[Role]] = {
    Do.READ: frozenset({Role.ANYONE}),
    Do.ASK: frozenset({Role.ACCOUNT}),
    Do.STOP_AGENT: frozenset({Role.OPERATOR, Role.LAPSED, Role.GUARDIAN, Role.OWNER, Role.KEEPER}),
    Do.START_AGENT: frozenset({Role.OPERATOR, Role.KEEPER}),
    Do.SEE_ROSTERS: frozenset({Role.OPERATOR, Role.AUDITOR}),
    Do.SEE_HALT_FACTS: frozenset({Role.OPERATOR, Role.GUARDIAN, Role.OWNER, Role.KEEPER}),
    Do.SEE_LOG: frozenset({Role.KEEPER}),
    Do.SEE_SUBSCRIBERS: frozenset({Role.KEEPER}),
}


@dataclass(frozen=True)
class Visitor:
    """An account (None: nobody signed in) and its roles."""

    account: bytes | None
    roles: frozenset[Role]

    def may(self, what: Do) -> bool:
        """Whether it may do or see this."""
        return not self.roles.isdisjoint(_MAY[what])

    def may_see_roster_of(self, operator: bytes) -> bool:
        """Whether it may see all names on a roster that this operator signs: the operator itself, and each auditor."""
        return self.may(Do.SEE_ROSTERS) and (Role.AUDITOR in self.roles or self.account == operator)

    @property
    def here(self) -> bytes | None:
        """The account as the DAO takes it: None also for a contract that signed in on another chain."""
        return self.account if Role.ACCOUNT in self.roles else None

    @property
    def is_keeper(self) -> bool:
        """Whether it keeps the site."""
        return Role.KEEPER in self.roles


def may_do(what: Do) -> frozenset[Role]:
    """Return the roles of which each alone is enough."""
    return _MAY[what]


def visitor(account: bytes | None, dao: Dao | None = None, chain_id: int | None = None) -> Visitor:
    """Return an account with its roles: towards the site, and towards the DAO where one is given. `chain_id` is the
    chain on which a contract account accepted the signature; None where its key made it. Asks no node."""
    if account is None:
        return Visitor(None, frozenset({Role.ANYONE}))
    found = {Role.ANYONE}
    if chain_id is None and account in settings.KEEPERS:
        found.add(Role.KEEPER)
    if chain_id is None and account in settings.AUDITORS:
        found.add(Role.AUDITOR)
    if dao is None:
        found.add(Role.ACCOUNT)
    elif chain_id in (None, dao.chain_id):
        # Another chain's contract at this address may have other owners.
        found.update((Role.ACCOUNT, *_of_chain(account, dao)))
    return Visitor(account, frozenset(found))


def _of_chain(account: bytes, dao: Dao) -> Iterator[Role]:
    named = list(_named(dao))
    if any(account == one.operator for _, one in named):
        out_of_power = standing.known(dao).stopped_modules
        for row, one in named:
            if account == one.operator:
                is_whole = not one.has_ended_early and bytes(row.module.address) not in out_of_power
                yield Role.OPERATOR if is_whole else Role.LAPSED
    if any(account == one.agent for _, one in named if not one.has_ended_early):
        yield Role.AGENT
    if account in _guardians(dao):
        yield Role.GUARDIAN
    owners = ChainReading.objects.filter(dao=dao, kind=ChainReading.Kind.OWNER).values_list("value", flat=True)
    if any(bytes(value)[12:32] == account for value in owners):
        yield Role.OWNER


def _guardians(dao: Dao) -> Iterator[bytes]:
    """The guardian of each policy module, by the newest of its logs that is more than one node's word: another log of
    the module in doubt takes nobody the role, nor does a new guardian who is in doubt."""
    modules = set(dao.contracts.filter(kind=Contract.Kind.MODULE).values_list("address", flat=True))
    found = RawLog.objects.filter(dao=dao, topic0__in=events.GUARDIAN_SET, unconfirmed=None)
    newest = {bytes(row.address): bytes(row.data)[12:32] for row in found.order_by(*chain_order(""))}
    yield from (guardian for address, guardian in newest.items() if address in modules)


@dataclass(frozen=True)
class Named:
    """Whom a policy names. `has_ended_early`: a node answered that it ended before its own end."""

    operator: bytes
    agent: bytes
    has_ended_early: bool = False


def policies_named(dao: Dao) -> Iterator[tuple[PolicyVersion, Named]]:
    """Yield the newest version of each policy that has not ended, with whom it names. A version that one node alone
    shows counts for nothing, nor does one whose code can't be read."""
    yield from ((row, named) for row, named in _named(dao) if not named.has_ended_early)


def _named(dao: Dao) -> Iterator[tuple[PolicyVersion, Named]]:
    """Yield the newest version of each policy whose own end has not come, with whom it names."""
    now_chain_s = Cursor.objects.filter(dao=dao).values_list("head_timestamp_chain_s", flat=True).first() or 0
    rows = PolicyVersion.objects.filter(dao=dao, log__unconfirmed=None).select_related("module")
    newest = {(row.module_id, bytes(row.policy_id)): row for row in rows.order_by("version")}
    ends = dict(_ends(dao))
    for row in newest.values():
        try:
            code = decode(bytes(row.code))
        except DecodeError:
            continue
        if now_chain_s < code.end_s:
            end_s = ends.get((bytes(row.module.address), bytes(row.policy_id)), code.end_s)
            yield row, Named(code.operator, code.agent, now_chain_s >= end_s)


def _ends(dao: Dao) -> Iterator[tuple[tuple[bytes, bytes], int]]:
    """When policies end, by module and policy, as the chain answered last: a guardian may have shortened one."""
    for reading in ChainReading.objects.filter(dao=dao, kind=ChainReading.Kind.POLICY):
        try:
            yield (bytes(reading.address), bytes(reading.key)), module.read_policy(bytes(reading.value)).end_chain_s
        except abi.NotCanonical:
            continue  # no answer: the policy's own end holds
