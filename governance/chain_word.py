# SPDX-License-Identifier: Apache-2.0
"""What is shown of a proposal where the chain was asked and answered otherwise than the mirror: the chain's word.

It counts from the block at which it was asked until logs of later blocks supersede it (what happened to the proposal,
or a change of the governor's rules). A state that time alone has carried on since is not the chain's word any more: the
mirror's is shown, and nothing is offered, until the chain is asked again. Asks no node.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.db import connection
from django.db.models import Max, Q

from governance.models import Contract, Dao, OnchainCheck, Proposal, ProposalTransition, RawLog
from governance.projections import events
from governance.state import Now, ProposalFacts, State, facts_of, is_final, proposal_state

_STATES = {state.value: state for state in State}
_LAST_VOTES = 100  # of a proposal, whose blocks are compared
_STATE_FIELDS = ("subject", "chain_says", "block_number")
_TAKES_VOTES = (State.ACTIVE, State.OBJECTION_PERIOD)


@dataclass(frozen=True)
class ChainWord:
    """What the chain answered at a block, and what the mirror said there. `endpoints` answered so; `other_says`: what a
    second endpoint answered in place of it (empty: none did)."""

    says: str
    mirror_says: str
    block_number: int
    endpoints: int
    other_says: str


@dataclass(frozen=True)
class Shown:
    """A proposal as it is to be shown. `facts` and `state` are the chain's word where there is one.

    `words`: by what was asked (`state`, `votes`, `quorum`), where the chain's word is shown in place of the mirror's.
    `disputed`: where two endpoints answered differently, so that the mirror's is shown. `is_unsettled`: the chain's
    answer differed and does not say what is so now; no transaction is offered that depends on it. `is_inferred`: it is
    so because the chain's tally or quorum makes the state another one than the mirror's, and the chain was not asked
    for the state itself since; `state` is then what follows from `facts`.
    """

    facts: ProposalFacts
    state: State
    words: Mapping[str, ChainWord]
    disputed: Mapping[str, ChainWord]
    is_unsettled: bool
    is_inferred: bool = False


def shown_of(dao: Dao, governor: Contract, now: Now, proposals: Iterable[Proposal]) -> dict[int, Shown]:
    """Return what is to be shown of proposals at `now`, by their rows' numbers. One query where nothing differs; their
    operations are to be prefetched."""
    rows = {proposal.pk: proposal for proposal in proposals}
    differing = _differing(dao, rows.values())
    later = _Later(dao, governor, now, [rows[pk] for pk in differing]) if differing else None
    found = {}
    for pk, proposal in rows.items():
        facts = facts_of(proposal, governor)
        state = proposal_state(facts, now)
        shown = Shown(facts, state, {}, {}, is_unsettled=False)
        found[pk] = shown if later is None or pk not in differing else _apply(shown, proposal, differing[pk], later)
    return found


def shown_state(dao: Dao, governor: Contract, now: Now, proposal: Proposal) -> State:
    """Return the state that is to be shown of one proposal."""
    return shown_of(dao, governor, now, [proposal])[proposal.pk].state


def proposals_that_differ(dao: Dao) -> list[Proposal]:
    """Return the proposals whose state the chain said otherwise when it was asked last, and those that are not done of
    whose tally or quorum it did, with their operations."""
    subjects = OnchainCheck.objects.filter(dao=dao, matched=False, subject__startswith="proposal:")
    numbers: dict[bool, set[int]] = {True: set(), False: set()}
    for _, number, what in (subject.split(":") for subject in subjects.values_list("subject", flat=True)):
        numbers[what == "state"].add(int(number))
    if not any(numbers.values()):
        return []
    undone = Q(proposal_id__in=numbers[False], executed=False, canceled=False)
    found = Proposal.objects.filter(Q(proposal_id__in=numbers[True]) | undone, dao=dao).defer("description")
    return list(found.prefetch_related("operations"))


def _differing(dao: Dao, proposals: Iterable[Proposal]) -> dict[int, dict[str, ChainWord]]:
    """What the chain said otherwise, by the proposal's row and by what was asked."""
    names = {
        f"proposal:{p.proposal_id}:{what}": (p.pk, what) for p in proposals for what in ("state", "votes", "quorum")
    }
    found: dict[int, dict[str, ChainWord]] = defaultdict(dict)
    for check in OnchainCheck.objects.filter(dao=dao, matched=False, subject__in=list(names)):
        pk, what = names[check.subject]
        found[pk][what] = ChainWord(
            check.chain_says, check.mirror_says, check.block_number, check.endpoints, check.other_says
        )
    return found


class _Later:
    """The newest blocks whose logs supersede what the chain said before, and what it said of states since."""

    def __init__(
        self,
        dao: Dao,
        governor: Contract,
        now: Now,
        proposals: list[Proposal],
    ):
        self.now = now
        pks = [proposal.pk for proposal in proposals]
        names = {f"proposal:{proposal.proposal_id}:state": proposal.pk for proposal in proposals}
        asked = OnchainCheck.objects.filter(dao=dao, matched=True, subject__in=list(names))
        self._states = {names[subject]: (says, block) for subject, says, block in asked.values_list(*_STATE_FIELDS)}
        transitions = ProposalTransition.objects.filter(proposal__in=pks).values_list("proposal")
        self._changed = dict(transitions.annotate(newest=Max("log__block_number")))
        self._voted = _newest_votes(pks)
        self._ends_early = bool(governor.capabilities.get("super_quorum"))
        # An operation that was run or canceled in the timelock itself, with no word of the governor.
        operations = {o.operation_id: p.pk for p in proposals for o in p.operations.all()}
        if operations:
            ended = RawLog.objects.filter(dao=dao, topic0__in=events.ENDS_OPERATION, topic1__in=list(operations))
            for topic, block in ended.values_list("topic1").annotate(newest=Max("block_number")):
                pk = operations[bytes(topic)]
                self._changed[pk] = max(self._changed.get(pk, -1), block)
        rules = RawLog.objects.filter(dao=dao, address=governor.address, topic0__in=events.CHANGES_RULES)
        self._rules = rules.aggregate(newest=Max("block_number"))["newest"] or -1

    def state_asked_since(self, proposal: Proposal, state: State, block_number: int) -> bool:
        """Whether the chain itself said this state at this block or later, and no log says more since."""
        says, block = self._states.get(proposal.pk, ("", -1))
        newest = max(self._rules, self._changed.get(proposal.pk, -1))
        return says == state.value and block >= max(block_number, newest)

    def supersedes(self, proposal: Proposal, what: str, word: ChainWord) -> bool:
        """Whether logs of later blocks say more than the chain's word does."""
        block = word.block_number
        if self._rules > block or self._changed.get(proposal.pk, -1) > block:
            return True
        if self._voted.get(proposal.pk, -1) <= block:
            return False
        # A vote that was taken says that votes are taken, and nothing of the rest.
        return what == "votes" or (what == "state" and word.says not in _TAKES_VOTES)

    def may_have_ended(self, proposal: Proposal, word: ChainWord) -> bool:
        """Whether the chain said that votes are taken, and one that came later may have ended that early."""
        is_newer = self._voted.get(proposal.pk, -1) > word.block_number
        return self._ends_early and word.says in _TAKES_VOTES and is_newer


def _newest_votes(pks: list[int]) -> dict[int, int]:
    """The newest block in which proposals (by their rows' numbers) got a vote, of the last ones that were stored: one
    that was found late has a higher number than one of a later block."""
    with connection.cursor() as sql:
        sql.execute(
            """SELECT p.pk, max(l.block_number) FROM unnest(%s::bigint[]) p (pk)
               CROSS JOIN LATERAL (SELECT log_id FROM governance_vote WHERE proposal_id = p.pk
                                   ORDER BY log_id DESC LIMIT %s) v
               JOIN governance_rawlog l ON l.id = v.log_id GROUP BY p.pk""",
            [pks, _LAST_VOTES],
        )
        return dict(sql.fetchall())


def _apply(shown: Shown, proposal: Proposal, differing: Mapping[str, ChainWord], later: _Later) -> Shown:
    in_force = {what: word for what, word in differing.items() if not later.supersedes(proposal, what, word)}
    disputed = {what: word for what, word in in_force.items() if word.other_says}
    words = {what: word for what, word in in_force.items() if what not in disputed}
    facts, state, is_unsettled = shown.facts, shown.state, "state" in disputed
    for what in ("votes", "quorum"):
        if (word := words.get(what)) is not None:
            facts = _with_word(facts, what, word.says)
    if (word := words.get("state")) is not None:
        said = _STATES.get(word.says)  # None: a number that is no state of ours
        # What time can't change stays so; of the rest, what the mirror still says as it did at that block.
        is_alike = shown.state == word.mirror_says and _may_still_be(said, shown, later.now)
        if said is not None and (is_final(said) or (is_alike and not later.may_have_ended(proposal, word))):
            state = said
        else:
            is_unsettled = True
            words.pop("state")
    elif not is_unsettled and (told := {what: word for what, word in in_force.items() if what != "state"}):
        block = max(word.block_number for word in told.values())
        if not later.state_asked_since(proposal, state, block):
            claims = {proposal_state(claim, later.now) for claim in _claims(facts, told, disputed)}
            if claims != {state}:
                state = proposal_state(facts, later.now)
                return Shown(facts, state, words, disputed, is_unsettled=True, is_inferred=True)
    return Shown(facts, state, words, disputed, is_unsettled)


def _may_still_be(said: State | None, shown: Shown, now: Now) -> bool:
    """Whether time alone can't have carried on what the chain said, where the mirror's own state does not show that:
    where it can't tell the state, and where it took a vote to have carried early, which reads alike before and after
    its deadline."""
    if shown.facts.deadline >= now.timepoint:
        return True  # asked while votes were taken, as they are now
    if shown.state is State.UNKNOWN:
        # A vote may have carried early, by a rule that counts only while votes are taken.
        return said is not None and said not in _TAKES_VOTES and not shown.facts.super_quorum
    return said not in _TAKES_VOTES or not shown.facts.super_quorum


def _with_word(facts: ProposalFacts, what: str, says: str) -> ProposalFacts:
    """The facts with what a node said of the tally, or of the quorum."""
    if what == "quorum":
        return replace(facts, quorum_votes=int(says), dynamic_quorum=None)
    against, in_favour, *rest = (int(part) for part in says.split("/"))
    abstain = rest[0] if rest else facts.abstain_votes
    return replace(facts, against_votes=against, for_votes=in_favour, abstain_votes=abstain)


def _claims(
    facts: ProposalFacts, told: Mapping[str, ChainWord], disputed: Mapping[str, ChainWord]
) -> list[ProposalFacts]:
    """All that may be so of a proposal by what nodes said of its tally and its quorum."""
    claims = [facts]
    for what, word in told.items():
        if what in disputed:
            claims += [_with_word(claim, what, says) for claim in claims for says in (word.says, word.other_says)]
    return claims
