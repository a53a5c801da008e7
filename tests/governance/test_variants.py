# SPDX-License-Identifier: Apache-2.0
"""Governors that are not OpenZeppelin's: what their events mean, where no package has them to be run on a chain (Nouns
from the third version on, Optimism's and Agora's). Those that can be run live in test_state_lives.py."""

import pytest

from governance import power
from governance.chain import abi
from governance.management.commands.gaps import gaps_of
from governance.models import (
    AccountPower,
    ChainAnswer,
    Contract,
    Proposal,
    ProposalTransition,
    RawLog,
    SyncIncident,
    Vote,
)
from governance.projections import again, events, power_now, rules
from governance.projections.events import Kind
from governance.state import DynamicQuorum, Now, State, facts_of, proposal_state, quorum_of
from tests.governance.test_projections import VOTE, VOTER, created, dao, log, project

pytestmark = pytest.mark.django_db
__all__ = ["dao"]

NOUNS = {event.split("(")[0]: event for event in events._NOUNS if "WithRequirements" not in event}
REQUIREMENTS = [event for event in events._NOUNS if "WithRequirements" in event]
OTHER = b"\x99" * 20


def become(dao, **capabilities) -> Contract:
    governor = dao.contracts.get(kind=Kind.GOVERNOR)
    governor.capabilities = capabilities
    governor.save()
    return governor


def state_at(dao, timepoint: int, governor: Contract) -> State:
    return proposal_state(facts_of(Proposal.objects.get(), governor), Now(timepoint, timepoint))


def test_alphas_votes_are_for_or_against(dao):
    alpha = "VoteCast(address voter,uint256 proposalId,bool support,uint256 weight)"
    project(
        dao, created(dao), log(dao, alpha, VOTER, 7, True, 60, block=2), log(dao, alpha, OTHER, 7, False, 5, block=3)
    )
    proposal = Proposal.objects.get()
    assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == (5, 60, 0)
    assert [(vote.support, vote.weight, vote.reason) for vote in Vote.objects.order_by("pk")] == [
        (1, 60, ""), (0, 5, ""),
    ]  # fmt: skip


class TestNouns:
    def test_calls_alone_are_written_anew(self, dao):
        project(dao, created(dao))
        project(
            dao,
            log(
                dao, NOUNS["ProposalTransactionsUpdated"], 7, VOTER, [b"\x33" * 20], [1], [b""], [b"\x02"], b"why",
                block=2,
            ),
        )  # fmt: skip
        proposal = Proposal.objects.get()
        assert [a.target for a in proposal.actions.all()] == [b"\x33" * 20]
        assert proposal.title == "Title"
        assert proposal.transitions.filter(kind="updated").count() == 1

    def test_the_life_of_a_proposal_of_the_third_version(self, dao):
        governor = become(dao, family="nouns", quorum="proposals(uint256)", quorum_counts="for")
        v3 = log(
            dao, REQUIREMENTS[1], 7, VOTER, [OTHER], [b"\x22" * 20], [5], [b""], [b"\x01"], 10, 20, 4, 1, 2, b"# Title",
            index=1,
        )  # fmt: skip
        logs = [
            created(dao),
            v3,
            log(
                dao, NOUNS["ProposalUpdated"], 7, VOTER, [b"\x33" * 20, b"\x44" * 20], [0, 1], [b"", b""],
                [b"", b"\x02"], b"# Better", b"as asked", block=2,
            ),
            log(dao, NOUNS["ProposalDescriptionUpdated"], 7, VOTER, b"# Best", b"a word", block=3),
            log(dao, VOTE, VOTER, 7, 1, 60, b"", block=19),
            log(dao, NOUNS["ProposalObjectionPeriodSet"], 7, 30, block=20),
        ]  # fmt: skip
        for one in logs:  # as they come at the head
            project(dao, one)

        def look() -> None:
            proposal = Proposal.objects.get()
            assert (proposal.title, proposal.description) == ("Best", "# Best")
            assert [(a.target[0], a.value_wei, bytes(a.calldata)) for a in proposal.actions.all()] == [
                (0x33, 0, b""), (0x44, 1, b"\x02"),
            ]  # fmt: skip
            assert proposal.extra == {
                "signers": ["0x" + OTHER.hex()], "updatable_until": 4, "objection_until": 30, "proposal_threshold": "1",
            }  # fmt: skip
            assert [state_at(dao, timepoint, governor) for timepoint in (4, 5, 11, 21, 30)] == [
                State.UPDATABLE, State.PENDING, State.ACTIVE, State.OBJECTION_PERIOD, State.OBJECTION_PERIOD,
            ]  # fmt: skip
            assert state_at(dao, 31, governor) is State.UNKNOWN  # the quorum was not told
            kinds = ProposalTransition.objects.order_by("log_id").values_list("kind", flat=True)
            assert list(kinds) == ["created", "updated", "updated", "objectionable"]

        look()
        again.rebuild(dao)
        look()
        assert gaps_of(dao) == ["1 proposals whose quorum the chain has not told"]
        project(dao, log(dao, NOUNS["ProposalVetoed"], 7, block=22))
        assert state_at(dao, 22, governor) is State.VETOED
        # A reorg drops the veto and the second change.
        RawLog.objects.filter(block_number__in=(3, 22)).delete()
        again.refold(dao)
        assert Proposal.objects.get().title == "Better"
        assert state_at(dao, 22, governor) is State.OBJECTION_PERIOD

    def test_the_fourth_version_says_its_requirements_alone(self, dao):
        project(dao, created(dao), log(dao, REQUIREMENTS[2], 7, [OTHER], 4, 1, 2, 3, index=1))
        assert Proposal.objects.get().extra["signers"] == ["0x" + OTHER.hex()]

    def test_requirements_of_a_proposal_never_seen_are_a_gap(self, dao):
        project(dao, log(dao, REQUIREMENTS[2], 7, [OTHER], 4, 1, 2, 3))
        assert SyncIncident.objects.get().kind == "gap"

    @pytest.mark.parametrize(
        ("against", "expected"),
        [(0, 50), (10, 60), (100, 150), (300, 150)],  # 5 % of 1,000; as much more as is against; at most 15 %
    )
    def test_the_quorum_grows_with_what_is_against(self, dao, against, expected):
        assert DynamicQuorum(1000, 500, 1500, 1_000_000).votes(against) == expected
        project(dao, created(dao), log(dao, VOTE, VOTER, 7, 0, against, b"", block=12))
        told = {
            "quorum": 50, "quorum_supply": 1000, "quorum_least_bps": 500, "quorum_most_bps": 1500,
            "quorum_coefficient": 1_000_000,
        }  # fmt: skip
        rules.note_rules(dao, Proposal.objects.get(), told, 12, b"\x0b" * 32)
        governor = become(dao, family="nouns", quorum_counts="for")
        for _ in range(2):
            assert quorum_of(facts_of(Proposal.objects.get(), governor)) == expected
            again.rebuild(dao)


class TestAgora:
    AGORA = {"family": "agora", "quorum": "quorum(proposal)", "quorum_counts": "against,for,abstain"}
    TYPED = events._indexed(events._PROPOSAL_CALLS) + ",uint8 proposalType)"
    MODULE = events._indexed(events._PROPOSAL_MODULE) + ",uint8 proposalType)"
    RETYPED = "ProposalTypeUpdated(uint256 indexed proposalId,uint8 proposalType)"
    MOVED = "ProposalDeadlineUpdated(uint256 proposalId,uint64 deadline)"

    def typed(self, dao, block: int = 1) -> RawLog:
        return log(
            dao, self.TYPED, 7, VOTER, [b"\x22" * 20], [0], [b""], [b""], 10, 20, b"# Typed", 1, block=block
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("votes", "threshold_bps", "expected"),
        [
            ((51, 49, 0), 5_100, State.SUCCEEDED),
            ((50, 50, 0), 5_100, State.DEFEATED),
            ((50, 50, 0), 5_000, State.SUCCEEDED),  # a tie carries where half is enough
            ((0, 0, 100), 5_000, State.DEFEATED),  # nobody for or against
            ((0, 0, 100), 0, State.SUCCEEDED),
            ((40, 0, 59), 5_000, State.DEFEATED),  # 99 of 100 votes of quorum
            ((40, 20, 40), 5_000, State.SUCCEEDED),  # what is against counts for the quorum
        ],
    )
    def test_a_share_by_type_decides(self, dao, votes, threshold_bps, expected):
        governor = become(dao, **self.AGORA)
        in_favour, against, abstain = votes
        logs = [self.typed(dao)]
        for index, (support, weight) in enumerate(((1, in_favour), (0, against), (2, abstain))):
            logs.append(log(dao, VOTE, VOTER, 7, support, weight, b"", block=12, index=index))
        project(dao, *logs)
        assert state_at(dao, 21, governor) is State.UNKNOWN
        rules.note_rules(
            dao, Proposal.objects.get(), {"quorum": 100, "approval_threshold_bps": threshold_bps}, 12, b"\x0b" * 32
        )
        assert state_at(dao, 21, governor) is expected

    def test_what_the_chain_said_before_a_type_changed_is_asked_again(self, dao):
        project(dao, self.typed(dao))
        rules.note_rules(dao, Proposal.objects.get(), {"quorum": 100, "approval_threshold_bps": 5000}, 12, b"\x0b" * 32)
        project(dao, log(dao, self.RETYPED, 7, 3, block=14))
        proposal = Proposal.objects.get()
        assert (proposal.quorum_votes, proposal.extra) == (None, {"proposal_type": 3})
        again.rebuild(dao)
        proposal = Proposal.objects.get()
        assert (proposal.quorum_votes, proposal.extra) == (None, {"proposal_type": 3})
        rules.note_rules(dao, proposal, {"quorum": 30, "approval_threshold_bps": 0}, 15, b"\x0b" * 32)
        for _ in range(2):
            proposal = Proposal.objects.get()
            assert proposal.quorum_votes == 30
            assert proposal.extra == {"proposal_type": 3, "approval_threshold_bps": "0"}
            again.rebuild(dao)  # asks no node, and what was said since stands

    def test_a_modules_own_rule_is_the_chains_to_say(self, dao):
        governor = become(dao, **self.AGORA)
        project(dao, log(dao, self.MODULE, 7, VOTER, OTHER, b"data", 10, 20, b"# Choose", 1))
        assert state_at(dao, 15, governor) is State.ACTIVE
        assert state_at(dao, 21, governor) is State.UNKNOWN
        rules.note_rules(dao, Proposal.objects.get(), {"module_state": 4}, 22, b"\x0b" * 32)
        assert state_at(dao, 22, governor) is State.SUCCEEDED
        # Its manager moves the end of the vote: what was said at the old one says nothing of the new one.
        project(dao, log(dao, self.MOVED, 7, 40, block=25))
        assert state_at(dao, 30, governor) is State.ACTIVE
        assert state_at(dao, 41, governor) is State.UNKNOWN
        assert ChainAnswer.objects.count() == 1
        assert abi.decode(["uint256"], bytes(ChainAnswer.objects.get().value)) == (4,)


class TestPartialDelegation:
    TOKEN = b"\x61" * 20
    SEVERAL = (
        "DelegateChanged(address indexed delegator,(address,uint96)[] oldDelegates,(address,uint96)[] newDelegates)"
    )
    ONE = "DelegateChanged(address indexed delegator,address indexed fromDelegate,address indexed toDelegate)"

    @pytest.fixture(autouse=True)
    def token(self, dao):
        Contract.objects.create(dao=dao, kind=Kind.VOTES_TOKEN, address=self.TOKEN)

    def delegated(self, dao, block: int, shares, old=()) -> None:
        row = log(dao, self.SEVERAL, VOTER, list(old), list(shares), block=block)
        RawLog.objects.filter(pk=row.pk).update(address=self.TOKEN)
        row.refresh_from_db()
        project(dao, row)

    def test_several_delegates_with_their_shares(self, dao):
        first, second, third = b"\xa1" * 20, b"\xa2" * 20, b"\xa3" * 20
        self.delegated(dao, 1, [(first, 2_500), (second, 6_000)])
        self.delegated(dao, 2, [(second, 1_000), (third, 9_000)], [(first, 2_500), (second, 6_000)])

        def counted() -> dict[bytes, int]:
            return {bytes(row.account): row.delegators for row in AccountPower.objects.filter(dao=dao)}

        def look() -> None:
            assert power.delegations_of(dao, VOTER) == [(second, 1_000), (third, 9_000)]
            assert power.delegate_of(dao, VOTER) == third
            assert [power.delegators_of(dao, to) for to in (first, second, third)] == [[], [VOTER], [VOTER]]
            assert counted() == {second: 1, third: 1}
            assert power.some_delegators(dao, [first, second], 5) == {first: [], second: [VOTER]}

        look()
        again.rebuild(dao)
        look()
        gone = RawLog.objects.filter(block_number=2)  # a reorg
        touched = power_now.touched_by(dao, gone)
        gone.delete()
        power_now.make_again(dao, touched)
        assert power.delegations_of(dao, VOTER) == [(first, 2_500), (second, 6_000)]
        self.delegated(dao, 3, [], [(first, 2_500), (second, 6_000)])
        assert power.delegations_of(dao, VOTER) == []
        assert power.delegate_of(dao, VOTER) == bytes(20)
        assert counted() == {}

    def test_more_than_the_whole_is_kept_raw(self, dao):
        self.delegated(dao, 1, [(OTHER, 10_001)])
        assert power.delegations_of(dao, VOTER) == []
        assert "10001" in SyncIncident.objects.get(kind="undecodable").detail
