# SPDX-License-Identifier: Apache-2.0
"""A governor whose code, or whose way to count, is another one later: asked again, told, and counted so."""

import pytest
from django.core.management import call_command
from eth_utils import keccak

from governance import register, tasks
from governance.capabilities import probe_module
from governance.chain.rpc import Answered, Rpc, RpcError
from governance.incidents import words_of
from governance.models import Proposal, SyncIncident
from governance.probing import probe_again
from governance.projections import again
from governance.state import State, facts_of, governor_of, is_final, state_of
from governance.sync import fence, fetch, reorg
from tests.governance.governors.odd import Odd
from tests.governance.test_chains_word import api, api_open, page, shown
from tests.governance.test_state_lives import chain

pytestmark = pytest.mark.django_db
__all__ = ["chain"]

EVENTS = {"Upgraded": 1, "NewImplementation": 2, "AdminChanged": 3, "BeaconUpgraded": 4}
SIMPLE, PARTS, PARTS_FOR_FIRST, SQUARE_ROOTS = 0, 1, 2, 3


def incidents_of(odd: Odd) -> list[SyncIncident]:
    return list(SyncIncident.objects.filter(dao=odd.dao, kind="governor_changed").order_by("pk"))


@pytest.mark.parametrize("how", EVENTS.values(), ids=EVENTS)
def test_changed_code_is_asked_again_and_told(chain, how, client):
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    odd.sync()
    assert incidents_of(odd) == []  # the proxy's own first Upgraded was before the governor was asked
    proposal = odd.propose()
    odd.do("changeCode(address,uint8)", odd.code_of(PARTS), how)
    block = odd.head()[0]
    odd.sync()
    [incident] = incidents_of(odd)
    assert incident.first_block == block
    assert incident.facts["changes"]["counting_mode"] == [
        "support=bravo&quorum=for,abstain", "support=bravo&quorum=for,abstain&params=fractional",
    ]  # fmt: skip
    assert f"code was changed in block {block}" in words_of(incident)
    assert "counting_mode was support=bravo&quorum=for,abstain, is" in words_of(incident)
    home = client.get(f"/{odd.dao.slug}/").content.decode()
    assert "Governor changed" in home
    # From then on votes are counted as the new code counts them.
    odd.vote(proposal, 0, 2, (10, 70, 20))
    odd.sync()
    proposal.refresh_from_db()
    assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == odd.chain_votes(proposal)
    odd.end(proposal)
    proposal.refresh_from_db()
    assert state_of(proposal) is odd.chain_state(proposal)
    odd.sync()
    assert len(incidents_of(odd)) == 1  # told once


def test_code_that_answers_the_same_is_told_too(chain):
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    odd.sync()
    odd.do("changeCode(address,uint8)", odd.code_of(SIMPLE), 1)
    odd.sync()
    assert "it answers as before" in words_of(incidents_of(odd)[0])


def test_code_that_is_no_governor_any_more_is_told_once(chain):
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    odd.sync()
    before = governor_of(odd.dao).capabilities
    odd.do("changeCode(address,uint8)", odd.token, 1)
    block = odd.head()[0]
    for _ in range(2):
        odd.mine(1)
        odd.sync()
    [incident] = incidents_of(odd)
    assert incident.first_block == block
    assert "does not answer as a governor" in words_of(incident)
    assert governor_of(odd.dao).capabilities == before


def test_a_change_that_a_reorg_takes_back_is_taken_back(chain):
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    code = odd.code_of(PARTS)
    odd.sync()
    before = governor_of(odd.dao).capabilities["counting_mode"]
    odd.do("changeCode(address,uint8)", code, 1)
    odd.sync()
    assert governor_of(odd.dao).capabilities["counting_mode"] != before
    odd.anvil.call("anvil_reorg", 1, [])
    odd.mine(2)
    odd.sync()
    assert governor_of(odd.dao).capabilities["counting_mode"] == before
    assert all(incident.resolved_at for incident in incidents_of(odd) if incident.facts["changes"] and
               incident.facts["changes"]["counting_mode"][0] == before)  # fmt: skip


def changed_twice(chain) -> tuple[Odd, int]:
    """A governor whose code was changed in two blocks that one step read, and the first of them."""
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    odd.sync()
    odd.do("changeCode(address,uint8)", odd.code_of(PARTS), 1)
    first = odd.head()[0]
    odd.mine(1)
    odd.do("changeCode(address,uint8)", odd.code_of(SQUARE_ROOTS), 1)
    odd.sync()
    return odd, first


def test_of_two_changes_the_one_that_a_reorg_leaves_is_told(chain):
    """Both were read in one step, which tells the newest: found by the random runs (seed 5)."""
    odd, left = changed_twice(chain)
    assert [incident.first_block > left for incident in incidents_of(odd)] == [True]
    odd.anvil.call("anvil_reorg", 1, [])
    odd.mine(2)
    odd.sync()
    assert [incident.first_block for incident in incidents_of(odd) if incident.resolved_at is None] == [left]


def test_it_is_told_too_where_the_reorg_came_while_blocks_were_read_again(chain):
    odd, left = changed_twice(chain)
    with fence.hold(odd.dao) as writer:
        reorg.restart_from(writer, left - 1)
    odd.anvil.call("anvil_reorg", 1, [])
    odd.mine(2)
    odd.sync()
    assert [incident.first_block for incident in incidents_of(odd) if incident.resolved_at is None] == [left]
    assert governor_of(odd.dao).capabilities["counting_mode"].endswith("params=fractional")


def test_a_change_without_an_event_is_found_by_the_audit(chain, capsys):
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    proposal = odd.propose()
    odd.do("changeCode(address,uint8)", odd.code_of(PARTS), 0)
    odd.vote(proposal, 0, 2, (10, 70, 20))
    odd.sync()
    assert incidents_of(odd) == []
    call_command("audit", odd.dao.slug, rpc=[odd.anvil.url])
    assert "changed: the governor's counting mode" in capsys.readouterr().out
    [incident] = incidents_of(odd)
    assert "answers otherwise than before" in words_of(incident)
    proposal = Proposal.objects.get(pk=proposal.pk)
    assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == (10, 70, 20)
    odd.end(proposal)
    assert shown(odd, proposal).state is State.SUCCEEDED


def silent(odd: Odd) -> list[SyncIncident]:
    return [incident for incident in incidents_of(odd) if "no log says why" in words_of(incident)]


def test_a_governor_that_stops_answering_without_an_event_is_told_once_until_it_answers(chain, settings):
    """By the workers' checks, where a proposal is open, and by each audit."""
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    odd.propose()
    before = governor_of(odd.dao).capabilities
    odd.do("changeCode(address,uint8)", odd.token, 0)
    odd.sync()
    for _ in range(2):
        tasks.reconcile_all()
    [incident] = silent(odd)
    assert incident.resolved_at is None
    call_command("audit", odd.dao.slug, rpc=[odd.anvil.url])
    assert silent(odd) == [incident]
    assert governor_of(odd.dao).capabilities == before
    odd.do("changeCode(address,uint8)", odd.code_of(SIMPLE), 0)
    odd.sync()
    call_command("audit", odd.dao.slug, rpc=[odd.anvil.url])
    incident.refresh_from_db()
    assert incident.resolved_at is not None


def test_a_node_that_lacks_old_state_makes_no_governor_silent(chain, monkeypatch):
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    odd.propose()
    monkeypatch.setattr(
        Rpc, "eth_calls", lambda _self, calls, _block="latest": [Answered(-32000, "missing trie node") for _ in calls]
    )
    tasks.reconcile_all()
    with pytest.raises(RpcError, match="missing trie node"):
        probe_again(odd.dao, odd.rpc, governor_of(odd.dao))
    assert silent(odd) == []


# Each of them, taken for "no such view", would be a wrong fact of the governor: its clock, timelock, way to count, ...
VIEWS = (
    "CLOCK_MODE()", "COUNTING_MODE()", "timelock()", "token()", "eip712Domain()", "quorum(uint256)",
    "superQuorum(uint256)", "votingDelay()",
)  # fmt: skip


def failing_at(monkeypatch, views, times: int) -> None:
    """Let the node fail at the calls of these views, the first so many times that each is asked."""
    as_it_is, left = Rpc.eth_calls, {keccak(text=view)[:4]: times for view in views}

    def answer(self, calls, block="latest", **rest):
        calls = list(calls)
        found = as_it_is(self, calls, block, **rest)
        for place, (_, data) in enumerate(calls):
            if left.get(data[:4], 0) > 0:
                left[data[:4]] -= 1
                found[place] = Answered(-32603, "missing trie node")
        return found

    monkeypatch.setattr(Rpc, "eth_calls", answer)


def test_a_call_at_which_the_node_fails_is_never_taken_for_a_view_that_is_not_there(chain, monkeypatch):
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    odd.sync()
    before = governor_of(odd.dao).capabilities
    for view in VIEWS:
        with monkeypatch.context() as patched:
            failing_at(patched, [view], 2)
            with pytest.raises(RpcError, match="missing trie node"):
                probe_again(odd.dao, odd.rpc, governor_of(odd.dao))
        assert governor_of(odd.dao).capabilities == before
    with monkeypatch.context() as patched:
        failing_at(patched, ["paused()"], 2)
        with pytest.raises(RpcError, match="missing trie node"):
            probe_module(odd.rpc, odd.governor)
    # One that answers when it is asked again is believed.
    failing_at(monkeypatch, VIEWS, 1)
    probe_again(odd.dao, odd.rpc, governor_of(odd.dao))
    after = governor_of(odd.dao).capabilities
    assert {name: value for name, value in after.items() if name != "probed_block"} == {
        name: value for name, value in before.items() if name != "probed_block"
    }
    assert incidents_of(odd) == []


def test_what_a_failing_call_left_open_is_asked_again_and_keeps_nothing_else_from_being_asked(chain, monkeypatch):
    odd = Odd(chain, SIMPLE, behind_proxy=True, quorum=150)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.end(proposal)
    odd.do("setQuorum(uint256,uint8)", 100, 1)
    odd.do("changeCode(address,uint8)", odd.code_of(PARTS), 1)
    with monkeypatch.context() as patched:
        failing_at(patched, ["CLOCK_MODE()"], 99)
        with pytest.raises(RpcError):
            odd.sync()
    assert shown(odd, proposal).state is State.SUCCEEDED  # by its lowered quorum
    assert incidents_of(odd) == []
    odd.sync()  # no new block
    assert "code was changed" in words_of(incidents_of(odd)[0])


@pytest.mark.parametrize("how", [1, 3], ids=["QuorumNumeratorUpdated", "an event that nothing here knows"])
def test_a_change_of_rules_that_is_found_late_is_acted_on(chain, monkeypatch, how):
    """A node's index of logs has a hole in its block, which the second look finds when later blocks are read."""
    odd = Odd(chain, SIMPLE, behind_proxy=True, quorum=150)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.end(proposal)
    governor = odd.governor
    with monkeypatch.context() as patched:
        logs_of_blocks = fetch.logs_of_blocks
        patched.setattr(
            fetch, "logs_of_blocks", lambda *asked: [log for log in logs_of_blocks(*asked) if log.address != governor]
        )
        odd.do("setQuorum(uint256,uint8)", 100, how)
        quorum_block = odd.head()[0]
        odd.do("changeCode(address,uint8)", odd.code_of(PARTS), 1)
        code_block = odd.head()[0]
        odd.mine(2)
        odd.sync()
    assert odd.chain_state(proposal) is State.SUCCEEDED
    assert shown(odd, proposal).state is State.DEFEATED
    with fence.hold(odd.dao) as writer:
        reorg.read_again(writer, quorum_block, odd.head()[0])
    odd.sync()
    assert shown(odd, proposal).state is State.SUCCEEDED
    [incident] = incidents_of(odd)
    assert incident.first_block == code_block
    [[changed_block, _]] = governor_of(odd.dao).capabilities["counted_before"]
    assert changed_block == code_block


def test_a_dao_taken_in_again_keeps_how_votes_were_counted_and_tells_what_changed(chain):
    """The product itself says to run add_dao again, to follow a module."""
    odd = Odd(chain, SQUARE_ROOTS, behind_proxy=True)

    def taken_in_again() -> None:
        register.add_dao(odd.rpc, odd.governor, slug=odd.dao.slug, name="Odd DAO", start_block=odd.head()[0] - 1)
        odd.sync()

    old = odd.propose("# Old")
    odd.vote(old, 0, 1)
    odd.sync()
    odd.do("changeCode(address,uint8)", odd.code_of(SIMPLE), 1)
    new = odd.propose("# New")
    odd.vote(new, 0, 1, (10, 70, 20))
    odd.sync()
    counted_before = governor_of(odd.dao).capabilities["counted_before"]
    assert len(incidents_of(odd)) == 1
    taken_in_again()
    assert governor_of(odd.dao).capabilities["counted_before"] == counted_before
    assert len(incidents_of(odd)) == 1
    # A change that no log tells, and that lies between.
    odd.do("changeCode(address,uint8)", odd.code_of(PARTS), 0)
    odd.vote(new, 1, 2, (10, 70, 20))
    taken_in_again()
    assert len(incidents_of(odd)) == 2
    assert len(governor_of(odd.dao).capabilities["counted_before"]) == 2
    for _ in range(2):
        for row in (Proposal.objects.get(pk=old.pk), Proposal.objects.get(pk=new.pk)):
            facts = facts_of(row)
            assert facts.counted_by_governor == (row.pk == old.pk)
            assert (facts.against_votes, facts.for_votes, facts.abstain_votes) == odd.chain_votes(row)
        again.rebuild(odd.dao)


def test_votes_from_before_the_change_stay_counted_as_they_were(chain):
    odd = Odd(chain, SIMPLE, behind_proxy=True)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1, (10, 70, 20))  # params that the old code takes no notice of
    odd.sync()
    odd.do("changeCode(address,uint8)", odd.code_of(PARTS), 1)
    odd.vote(proposal, 1, 1, (10, 70, 20))
    odd.sync()
    for _ in range(2):
        proposal = Proposal.objects.get(pk=proposal.pk)
        counted = (proposal.against_votes, proposal.for_votes, proposal.abstain_votes)
        assert counted == odd.chain_votes(proposal) == (10, 170, 20)
        again.rebuild(odd.dao)


@pytest.mark.parametrize("mode", [PARTS_FOR_FIRST, SQUARE_ROOTS])
def test_votes_from_a_way_that_was_not_known_stay_the_governors_own_when_it_is_known(chain, client, mode):
    """The sums here would take For for Against: what the governor is now says nothing of its votes from before."""
    odd = Odd(chain, mode, behind_proxy=True)
    parts = (10, 70, 20) if mode == PARTS_FOR_FIRST else None
    over, running = odd.propose("# Over"), odd.propose("# Running")
    for proposal in (over, running):
        odd.vote(proposal, 0, 1, parts)
    odd.sync()
    odd.do("changeCode(address,uint8)", odd.code_of(PARTS), 1)
    odd.sync()
    assert not facts_of(odd.propose("# Later")).counted_by_governor
    odd.vote(running, 1, 1, (10, 70, 20))
    odd.sync()
    for proposal in (over, running):
        proposal.refresh_from_db()
        facts = facts_of(proposal)
        assert (facts.against_votes, facts.for_votes, facts.abstain_votes) == odd.chain_votes(proposal)
    assert "The tally is the governor&#x27;s own" in page(client, odd, over)
    if parts:
        said = api(client, odd, over)["votes"][0]
        assert (said["in_parts"], said["parts"]) == (True, None)
        assert "In parts, in an order that is not known here." in page(client, odd, over)
    # Whatever columns or states say which proposals are open, they agree.
    odd.end(running)
    found = [over, running, Proposal.objects.get(dao=odd.dao, description="# Later")]
    assert set(api_open(client, odd)) == {str(p.proposal_id) for p in found if not is_final(odd.chain_state(p))}
