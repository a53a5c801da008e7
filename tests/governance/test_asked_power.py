# SPDX-License-Identifier: Apache-2.0
"""Votes tokens that log power in a shape of their own, or not at all: that is said by name, and the chain is asked."""

import json

import pytest
from django.core.management import call_command

from governance import asked_power, reconcile, register, tasks
from governance.chain.address import checksum
from governance.chain.rpc import Rpc
from governance.models import AskedPower, Block, Delegation, OnchainCheck, PowerCheckpoint, Proposal, UnconfirmedLog
from governance.projections import again
from governance.register import Level
from governance.token_code import names_power_event
from presentation.dao_view import DaoView
from presentation.power import powers_at_snapshots
from tests.governance.governors.lives import call
from tests.governance.governors.odd import CHAIN_ID, WEIGHT, Odd
from tests.governance.test_state_lives import chain
from webapp.proposals import voter as voters

pytestmark = pytest.mark.django_db
__all__ = ["chain"]

SILENT = ("OtherArguments5", "OnlyDelegations5", "Escrow5")


def account(odd: Odd, who: int) -> bytes:
    return bytes.fromhex(odd.people[who][2:])


def on_chain(odd: Odd, who: int, timepoint: int) -> int:
    """The governor's word."""
    data = call("getVotes(address,uint256)", odd.people[who], timepoint)
    return int.from_bytes(odd.rpc.eth_call(odd.governor, data), "big")


def preflight_finding(odd: Odd) -> register.Finding:
    findings = register.preflight(odd.rpc, odd.governor).findings
    return next(finding for finding in findings if finding.subject == "power and delegation")


def voted(odd: Odd) -> Proposal:
    proposal = odd.propose()
    odd.vote(proposal, 1, 1)
    odd.vote(proposal, 2, 0)
    odd.sync()
    return proposal


@pytest.fixture(autouse=True)
def nodes(settings, chain):
    settings.RPC_URLS = {CHAIN_ID: [chain.url]}


@pytest.mark.parametrize("votes", SILENT)
def test_a_token_of_another_shape_is_degraded_by_name_everywhere(chain, client, capsys, votes):
    odd = Odd(chain, votes=votes)
    finding = preflight_finding(odd)
    assert finding.level is Level.DEGRADED
    assert "names no event of changed voting power" in finding.words
    odd.sync()
    found = asked_power.degraded(odd.dao)
    assert found is not None
    assert not found.is_sure  # nobody voted yet
    assert "Either nobody has power yet, or" in found.words
    proposal = voted(odd)
    assert PowerCheckpoint.objects.count() == 0
    assert Delegation.objects.exists() is (votes == "OnlyDelegations5")
    assert asked_power.degraded(odd.dao).is_sure
    call_command("add_dao", checksum(odd.governor), rpc=[chain.url], slug=odd.dao.slug, start_block=odd.head()[0])
    assert "degraded     power and delegation: The votes token logged no change" in capsys.readouterr().out
    call_command("audit", odd.dao.slug)  # nothing differs: the mirror says nothing of power
    assert "degraded     power and delegation: The votes token logged no change" in capsys.readouterr().out
    slug = odd.dao.slug
    own = checksum(account(odd, 1))
    pages = (f"/{slug}/delegates/", f"/{slug}/delegates/{own}/", f"/{slug}/proposals/{proposal.proposal_id}/")
    for address in pages:
        text = client.get(address).content.decode()
        assert "Degraded" in text, address
        for wrong in ("Nobody has delegated", "Nobody delegates to", "Has no voting power"):
            assert wrong not in text, address
    told = json.loads(client.get(f"/api/v1/daos/{slug}/delegates/{own}").content)
    assert (told["power"], told["power_of_all"]) == (None, None)
    for address in (f"/api/v1/daos/{slug}", f"/api/v1/daos/{slug}/proposals/{proposal.proposal_id}"):
        assert json.loads(client.get(address).content)["power_reading"]["standing"] == "degraded", address
    of_all = json.loads(client.get(f"/api/v1/daos/{slug}/power").content)
    assert of_all == {"holders": None, "power": None, "confirmed": None}


@pytest.mark.parametrize("votes", ["Votes5", "Seats5"])
def test_tokens_with_the_usual_events_are_not(chain, client, votes):
    """Votes of an ERC-721 among them: two seats each."""
    odd = Odd(chain, votes=votes)
    assert preflight_finding(odd).level is Level.SUPPORTED
    proposal = voted(odd)
    assert asked_power.degraded(odd.dao) is None
    each = 2 if votes == "Seats5" else WEIGHT
    found = json.loads(client.get(f"/api/v1/daos/{odd.dao.slug}/power").content)
    assert found == {"holders": len(odd.people), "power": str(each * len(odd.people)), "confirmed": True}
    assert asked_power.ask(odd.dao, odd.rpc) == 0
    assert json.loads(client.get(f"/api/v1/daos/{odd.dao.slug}").content)["power_reading"]["standing"] == "events"
    assert Proposal.objects.get(pk=proposal.pk).for_votes == each
    assert reconcile.reconcile(odd.dao, odd.rpc, whole=True).differing == ()


@pytest.mark.parametrize("votes", SILENT)
def test_workers_ask_for_the_power_of_those_who_take_part_at_the_snapshot(chain, client, votes):
    odd = Odd(chain, votes=votes)
    proposal = voted(odd)
    tasks.work_due()
    rows = {bytes(row.account): row for row in AskedPower.objects.filter(dao=odd.dao)}
    who = range(6) if votes == "OnlyDelegations5" else (0, 1, 2)
    assert set(rows) == {account(odd, number) for number in who}
    for number in who:
        row = rows[account(odd, number)]
        assert row.power == on_chain(odd, number, proposal.snapshot) > 0
        assert (row.timepoint, row.block_number) == (proposal.snapshot, odd.head()[0])
    assert asked_power.missing(odd.dao, 10) == []
    tasks.work_due()  # nothing is asked twice
    assert AskedPower.objects.count() == len(rows)

    text = client.get(f"/{odd.dao.slug}/delegates/").content.decode()
    assert text.count("Asked of the chain at block") == len(rows)
    assert f"at block {proposal.snapshot:,}" in text
    own = client.get(f"/{odd.dao.slug}/delegates/{checksum(account(odd, 1))}/").content.decode()
    assert f"asked of the chain at block {odd.head()[0]}." in own
    listed = json.loads(client.get(f"/api/v1/daos/{odd.dao.slug}/delegates").content)
    assert {one["account"].lower() for one in listed} == {odd.people[number] for number in who}
    assert all(one["delegators"] is None and one["asked"]["timepoint"] == proposal.snapshot for one in listed)


def test_a_voters_page_shows_the_asked_power_without_a_node(chain, settings):
    odd = Odd(chain, votes="Escrow5")
    proposal = voted(odd)
    place = DaoView.of(odd.dao.slug)
    assert voters.look(place, proposal, account(odd, 1), asks_chain=False).power is None
    asked_power.ask(odd.dao, odd.rpc)
    settings.RPC_URLS = {}
    seen = voters.look(place, proposal, account(odd, 1), asks_chain=False)
    assert (seen.power, seen.power_from) == (on_chain(odd, 1, proposal.snapshot), "chain")
    assert seen.chain.block == AskedPower.objects.first().block_number
    assert voters.look(place, proposal, account(odd, 5), asks_chain=False).power is None  # nobody asked about it


def test_lists_and_mails_show_the_asked_power_and_call_what_was_not_asked_unknown(chain):
    odd = Odd(chain, votes="Escrow5")
    proposal = voted(odd)
    place = DaoView.of(odd.dao.slug)
    assert powers_at_snapshots(place, account(odd, 1), [proposal]) == {}
    asked_power.ask(odd.dao, odd.rpc)
    powers = {proposal.pk: on_chain(odd, 1, proposal.snapshot)}
    assert powers_at_snapshots(place, account(odd, 1), [proposal]) == powers
    assert powers_at_snapshots(place, account(odd, 5), [proposal]) == {}


def test_a_token_that_had_no_supply_is_asked_until_it_has_one(chain):
    """Tokens are minted after the DAO was taken in, and no log says who has power: that is then not known, and no 0."""
    odd = Odd(chain, votes="Escrow5")
    odd.sync()
    tokens = odd.dao.contracts.filter(kind="votes_token")
    token = tokens.get()
    supply = token.capabilities["total_supply"]
    token.capabilities["total_supply"] = "0"
    token.save()
    assert asked_power.degraded(odd.dao) is None
    tasks.work_due()
    assert tokens.get().capabilities["total_supply"] == supply != "0"
    assert asked_power.degraded(odd.dao) is not None
    asked_power.ask_supply(odd.dao, Rpc(["http://127.0.0.1:9"], CHAIN_ID, attempts=1))  # nobody is asked any more


def test_a_supply_is_kept_beside_what_others_wrote_meanwhile_and_not_of_a_block_that_is_gone(chain):
    """While the node is asked, `add_dao` may write what the token is, and a reorg may take the block."""
    odd = Odd(chain, votes="Escrow5")
    odd.sync()
    tokens = odd.dao.contracts.filter(kind="votes_token")
    token = tokens.get()
    supply = token.capabilities["total_supply"]
    token.capabilities["total_supply"] = "0"
    token.save()

    blocks = Block.objects.filter(dao=odd.dao).order_by("-number")
    head = blocks.first()

    def ask_while(happens):
        class Meanwhile(Rpc):
            def eth_call(self, *asked, **options):
                answer = super().eth_call(*asked, **options)
                happens()
                return answer

        asked_power.ask_supply(odd.dao, Meanwhile([odd.anvil.url], CHAIN_ID, attempts=1))
        return tokens.get().capabilities

    assert ask_while(lambda: blocks.filter(pk=head.pk).update(hash=b"\1" * 32))["total_supply"] == "0"
    blocks.filter(pk=head.pk).update(hash=head.hash)
    written = token.capabilities | {"votes_call": "another"}
    found = ask_while(lambda: tokens.update(capabilities=written))
    assert (found["total_supply"], found["votes_call"]) == (supply, "another")


def test_a_change_of_power_that_one_node_alone_shows_says_nothing_of_the_others(chain):
    odd = Odd(chain)
    voted(odd)
    assert asked_power.degraded(odd.dao) is None
    for row in PowerCheckpoint.objects.filter(dao=odd.dao):
        mark = UnconfirmedLog.objects.create(dao=odd.dao, log=row.log)
    assert asked_power.degraded(odd.dao) is not None
    mark.delete()
    assert asked_power.degraded(odd.dao) is None


def test_asked_power_falls_with_its_block_and_survives_a_rebuild(chain):
    odd = Odd(chain, votes="Escrow5")
    proposal = voted(odd)
    odd.mine(3)
    odd.sync()
    assert asked_power.ask(odd.dao, odd.rpc) == 3
    again.rebuild(odd.dao)
    assert AskedPower.objects.count() == 3
    chain.call("anvil_rollback", 2)
    chain.wind(60)
    odd.mine(3)
    odd.sync()
    assert AskedPower.objects.count() == 0
    assert asked_power.ask(odd.dao, odd.rpc) == 3
    assert {row.block_number for row in AskedPower.objects.all()} == {odd.head()[0]}
    assert asked_power.asked(odd.dao, account(odd, 1), proposal.snapshot).power == on_chain(odd, 1, proposal.snapshot)


def test_what_was_asked_is_held_against_the_chain_and_what_was_not_is_not(chain):
    """Before, the audit said of each voter that the mirror had 0 and the chain more."""
    odd = Odd(chain, votes="OtherArguments5")
    voted(odd)
    found = reconcile.reconcile(odd.dao, odd.rpc, whole=True)
    assert found.differing == ()
    assert not any(subject.startswith("power:") for subject in found.subjects)
    asked_power.ask(odd.dao, odd.rpc)
    found = reconcile.reconcile(odd.dao, odd.rpc, whole=True)
    assert found.differing == ()
    assert sum(subject.startswith("power:") for subject in found.subjects) == 2
    AskedPower.objects.filter(account=account(odd, 1)).update(power=7)
    found = reconcile.reconcile(odd.dao, odd.rpc, whole=True)
    (subject,) = found.differing
    assert OnchainCheck.objects.get(subject=subject).mirror_says == "7"


def test_questions_are_paged_and_those_without_an_answer_are_not_asked_for_ever(chain, monkeypatch):
    odd = Odd(chain, votes="OtherArguments5")
    voted(odd)
    monkeypatch.setattr(asked_power, "PAGE", 2)
    assert asked_power.ask(odd.dao, odd.rpc) == 2
    # A contract that reverts: the row says that there is no answer.
    monkeypatch.setattr(asked_power, "_whom", lambda *_: (odd.target, "nothing(address,uint256)"))
    assert asked_power.ask(odd.dao, odd.rpc) == 1
    assert AskedPower.objects.filter(power=None).count() == 1
    assert asked_power.ask(odd.dao, odd.rpc) == 0
    assert asked_power.count_at(odd.dao, Proposal.objects.get().snapshot) == 2


def test_without_a_known_votes_token_nothing_is_said_of_who_has_power(chain, client):
    odd = Odd(chain)
    proposal = voted(odd)
    odd.dao.contracts.filter(kind="votes_token").delete()
    PowerCheckpoint.objects.all().delete()
    found = asked_power.degraded(odd.dao)
    assert not found.has_token
    assert "No votes token is known" in client.get(f"/{odd.dao.slug}/delegates/").content.decode()
    assert asked_power.ask(odd.dao, odd.rpc) > 0  # the governor answers all the same
    assert asked_power.asked(odd.dao, account(odd, 1), proposal.snapshot).power == WEIGHT


def test_a_worker_goes_on_while_there_is_more_to_ask(chain, monkeypatch):
    odd = Odd(chain, votes="Escrow5")
    voted(odd)
    monkeypatch.setattr(asked_power, "PAGE", 1)
    monkeypatch.setattr(asked_power, "_PAGES", 2)
    tasks.work_due()
    assert AskedPower.objects.count() == 3


def test_code_behind_a_proxy_or_a_clone_is_looked_at(chain):
    odd = Odd(chain)
    silent = odd._deploy("Escrow5")
    clone = bytes.fromhex("363d3d373d3d3d363d73") + odd.token + bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
    place = b"\xc1" * 20
    chain.call("anvil_setCode", "0x" + place.hex(), "0x" + clone.hex())
    rpc = Rpc([chain.url], CHAIN_ID, attempts=1)
    assert names_power_event(rpc, odd.token)
    assert names_power_event(rpc, odd._deploy("Behind5", odd.token))
    assert names_power_event(rpc, place)
    assert not names_power_event(rpc, odd._deploy("Behind5", silent))
    assert not names_power_event(rpc, silent)
