# SPDX-License-Identifier: Apache-2.0
"""The sums of proposals' votes, counted in PostgreSQL: votes are too many to be folded again."""

from collections.abc import Iterable, Iterator

from django.db import connection
from django.db.models.functions import Length

from governance.counting import PARAMETERS, PARTS_BYTES, counting_at, may_be_in_parts
from governance.fields import UINT256_MAX
from governance.models import MANY_TOPICS, Dao, Proposal, RawLog, Vote
from governance.projections import events
from governance.projections.batch import Tally
from governance.projections.events import Kind, Undecodable


def link_votes(dao: Dao, proposal_ids: Iterable[int]) -> None:
    """Link votes that came before their proposal was seen (or whose proposal came back in another block) to it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE governance_vote v SET proposal_id = p.id FROM governance_proposal p
               WHERE v.dao_id = %s AND v.proposal_id IS NULL AND v.onchain_proposal_id = ANY(%s::numeric[])
                 AND p.dao_id = v.dao_id AND p.proposal_id = v.onchain_proposal_id""",
            [dao.pk, [str(i) for i in proposal_ids]],
        )


def count_votes(dao: Dao, proposal_ids: Iterable[int]) -> None:
    """Set proposals' tallies to the sums of their votes, exactly, in PostgreSQL.

    No honest governor's sum leaves uint256; a hostile one's stands at the type's end, where the chain's answer differs.
    """
    _write_tallies(dao, tallies(dao, proposal_ids), "d.{0}")


def count_all_votes(dao: Dao) -> None:
    """Set all proposals' tallies to the sums of their votes: how they are counted has changed."""
    count_votes(dao, list(Proposal.objects.filter(dao=dao).values_list("proposal_id", flat=True)))


def add_to_tallies(dao: Dao, sums: dict[int, Tally]) -> None:
    """Add new votes' sums to proposals' tallies."""
    _write_tallies(dao, sums, "p.{0} + d.{0}")


def _write_tallies(dao: Dao, sums: dict[int, Tally], value: str) -> None:
    if not sums:
        return
    names = ("against_votes", "for_votes", "abstain_votes")
    changes = ", ".join(f"{name} = least({value.format(name)}, {UINT256_MAX})" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE governance_proposal p SET {changes}
                FROM unnest(%s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) AS d (id, {", ".join(names)})
                WHERE p.dao_id = %s AND p.proposal_id = d.id""",  # noqa: S608 -- ours
            [
                [str(number) for number in sums],
                *([str(getattr(tally, name)) for tally in sums.values()] for name in names),
                dao.pk,
            ],
        )


def tallies(dao: Dao, proposal_ids: Iterable[int] | None = None) -> dict[int, Tally]:
    """The votes' sums per proposal: of these, as far as they are in the mirror and their votes are linked; where None,
    of all that have votes, also of those that were never seen."""
    found = {i: Tally() for i in proposal_ids or ()}
    where, arguments = "dao_id = %s", [dao.pk]
    governor = dao.contracts.filter(kind=Kind.GOVERNOR).first()
    capabilities = governor.capabilities if governor is not None else {}
    any_support = may_be_in_parts(capabilities)
    in_parts = Vote.objects.filter(dao=dao).annotate(size=Length("params")).filter(size=PARTS_BYTES)
    if not any_support:
        in_parts = in_parts.filter(support=PARAMETERS)
    if proposal_ids is not None:
        # By the proposal's row, for which votes have an index.
        pks = list(Proposal.objects.filter(dao=dao, proposal_id__in=list(found)).values_list("pk", flat=True))
        where, arguments = "proposal_id = ANY(%s)", [pks]
        in_parts = in_parts.filter(proposal__in=pks)
    # What may be counted in parts is not counted by its support too.
    by_support = f"weight * (length(params) <> {PARTS_BYTES})::int" if any_support else "weight"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT onchain_proposal_id, coalesce(sum({by_support}) FILTER (WHERE support = 0), 0),
                       coalesce(sum({by_support}) FILTER (WHERE support = 1), 0),
                       coalesce(sum({by_support}) FILTER (WHERE support = 2), 0), count(*)
                FROM governance_vote WHERE {where} GROUP BY onchain_proposal_id""",  # noqa: S608 -- `where` and `by_support` are ours
            arguments,
        )
        for proposal_id, against, in_favour, abstain, votes in cursor.fetchall():
            found[int(proposal_id)] = Tally(int(against), int(in_favour), int(abstain), votes)
    columns = ("onchain_proposal_id", "support", "weight", "params", "log__block_number")
    for number, support, weight, params, block_number in in_parts.values_list(*columns):
        counting = counting_at(capabilities, block_number)
        found[int(number)].add_parts(counting.parts(support, weight, bytes(params)))
    _take_overridden(dao, found)
    return found


REDUCED = next(known.topic0 for known in events.layouts(Kind.GOVERNOR).values() if known.name == "VoteReduced")


def reductions(logs: Iterable[RawLog]) -> Iterator[tuple[RawLog, int, int, int]]:
    """Yield of each `VoteReduced` log itself, the proposal's number, the support and the weight that it takes away, in
    base units of the votes token."""
    for log in logs:
        try:
            event = events.decode(Kind.GOVERNOR, log)
        except Undecodable:
            continue  # told as an incident when the log was read
        if event is not None:
            yield log, event.args["proposalId"], event.args["support"], event.args["weight"]


def _take_overridden(dao: Dao, found: dict[int, Tally]) -> None:
    """Take from delegates' votes what their delegators voted themselves afterwards (GovernorCountingOverridable).

    From the raw logs, for no row holds it: such a log always comes with a vote's, with which it falls in a reorg."""
    for governor in dao.contracts.filter(kind=Kind.GOVERNOR):
        if "override" not in (governor.capabilities.get("counting_mode") or ""):
            continue
        logs = RawLog.objects.filter(dao=dao, address=governor.address, topic0=REDUCED)
        for _, number, support, weight in reductions(logs.exclude(topic0__in=MANY_TOPICS)):
            if number not in found:
                continue
            tally = found[number]
            # Not below nothing: while all is projected again, a log may be stored whose votes are still to come.
            match support:
                case 0:
                    tally.against_votes = max(0, tally.against_votes - weight)
                case 1:
                    tally.for_votes = max(0, tally.for_votes - weight)
                case 2:
                    tally.abstain_votes = max(0, tally.abstain_votes - weight)
