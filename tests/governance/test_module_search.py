# SPDX-License-Identifier: Apache-2.0
"""A policy module that members vote in later is found by the workers, and how far was searched is kept. What a stranger
made is told to the operator alone. A module that is not in power any more is said to be so."""

import json

import pytest
from django.core.management import CommandError, call_command

from governance import module_search, progress, readings, standing, tasks
from governance.chain.address import checksum
from governance.chain.rpc import Answered, RangeTooLarge, Rpc, RpcUnreachable
from governance.models import (
    ChainReading,
    Contract,
    Dao,
    ModuleCandidate,
    ModuleSearch,
    PolicyVersion,
    Proposal,
    UnconfirmedLog,
)
from governance.standing import Standing
from governance.sync import fence, reorg
from tests.governance.conftest import CHAIN_ID, POLICY_ID
from tests.governance.test_changed_governors import failing_at
from tests.governance.test_standing import deploy, forget_module, local_chain_head, made_at, module_of, voted

pytestmark = pytest.mark.django_db


def look(mirror, **options):
    return module_search.look(mirror.dao, Rpc([mirror.deployed.url], CHAIN_ID, attempts=1), **options)


def modules(mirror) -> set[bytes]:
    return {bytes(c.address) for c in mirror.dao.contracts.filter(kind="module")}


class Counting(Rpc):
    """Takes ranges of at most `most` blocks, and notes those that it was asked for; `fails_at` is the number of the
    question from which on it is away."""

    most, fails_at = 10**9, 10**9

    def __init__(self, url: str):
        super().__init__([url], CHAIN_ID, attempts=1)
        self.asked: list[tuple[int, int]] = []

    def logs(self, addresses, topics, *, first_block, last_block):
        if addresses == ():
            if len(self.asked) >= self.fails_at:
                raise RpcUnreachable("gone")
            if last_block - first_block + 1 > self.most:
                raise RangeTooLarge(-32005, "too many blocks")
            self.asked.append((first_block, last_block))
        return super().logs(addresses, topics, first_block=first_block, last_block=last_block)


def test_a_module_that_is_voted_in_later_is_followed_without_add_dao(local_chain, mirror, payroll, client):
    """The DAO was taken in with its governor alone; its workers do the rest."""
    forget_module(mirror.dao)
    mirror.sync()
    tasks.work_due()
    assert modules(mirror) == set()
    assert standing.known(mirror.dao).standing is Standing.NO_MODULE
    voted(mirror, local_chain.addresses["module"], "setPolicy", POLICY_ID, payroll())
    mirror.sync()
    assert modules(mirror) == set()
    module_search.Work.objects.filter(name=module_search.WORK).update(done_at=None, due_at=readings.timezone.now())
    tasks.work_due()
    assert modules(mirror) == {local_chain.addresses["module"]}
    mirror.sync()
    assert PolicyVersion.objects.get().policy_id == POLICY_ID
    assert standing.known(mirror.dao).standing is Standing.POLICIES
    assert {c.kind for c in mirror.dao.contracts.all()} >= {"treasury", "asset"}
    contracts = json.loads(client.get("/api/v1/daos/mandate").content)["all_contracts"]
    assert checksum(local_chain.addresses["module"]) in {one["address"] for one in contracts}
    before = Contract.objects.count()
    assert look(mirror, everything=True).followed == ()  # it is known
    assert Contract.objects.count() == before


def test_a_module_that_the_followed_treasury_enables_later_is_followed(local_chain, mirror):
    d = local_chain
    mirror.dao.contracts.filter(kind="module").delete()
    mirror.sync()
    assert [found.address for found in look(mirror).followed] == [d.addresses["module"]]
    second = module_of(d, d.addresses["treasury"])
    mirror.sync()
    assert look(mirror, everything=True).followed == ()
    voted(mirror, d.addresses["treasury"], "enableModule", second)
    mirror.sync()
    assert [found.address for found in look(mirror).followed] == [second]
    assert modules(mirror) == {d.addresses["module"], second}


@pytest.mark.parametrize("doubted", ["created", "executed"])
def test_a_vote_that_one_node_alone_shows_leads_nowhere_until_it_is_settled(local_chain, mirror, payroll, doubted):
    """However many blocks go by until then."""
    d, module = local_chain, local_chain.addresses["module"]
    forget_module(mirror.dao)
    voted(mirror, module, "setPolicy", POLICY_ID, payroll())
    mirror.sync()
    proposal = Proposal.objects.get(dao=mirror.dao)
    log = proposal.log if doubted == "created" else proposal.transitions.get(kind="executed").log
    mark = UnconfirmedLog.objects.create(dao=mirror.dao, log=log, news=[])
    look(mirror)
    d.anvil.mine(200)
    mirror.sync()
    look(mirror)
    assert modules(mirror) == set()
    mark.delete()
    look(mirror)
    assert modules(mirror) == {module}


def test_the_whole_history_is_searched_in_ranges_and_the_place_is_kept(local_chain, mirror, payroll):
    d = local_chain
    forget_module(mirror.dao)
    d.set_policy(POLICY_ID, payroll())
    d.anvil.mine(300)
    mirror.sync()
    mirror.dao.chain.finality_depth = 5
    mirror.dao.chain.save()
    head, first = local_chain_head(d), mirror.dao.contracts.get(kind="governor").start_block
    rpc = Counting(d.url)
    rpc.most = 40
    seen: list[tuple[int, int]] = []
    for _ in range(200):
        looked = module_search.look(mirror.dao, rpc, ranges=3)
        assert len(rpc.asked) <= 6  # two questions a range
        seen += rpc.asked
        rpc.asked.clear()
        if looked.is_whole:
            break
    final = head - 5
    assert (looked.searched_from, looked.searched_to) == (first, final)
    assert {block for low, high in seen for block in range(low, high + 1)} == set(range(first, final + 1))
    assert len(seen) == len(set(seen)) * 2  # each range once, by two questions
    assert max(high - low + 1 for low, high in seen) <= 40
    # Found by its own log alone: told to the operator, not followed.
    (candidate,) = module_search.not_followed(mirror.dao)
    assert (bytes(candidate.address), candidate.is_led_to) == (d.addresses["module"], False)
    assert "nothing shows that its treasury" in candidate.problem
    # From now on only what became final; `add_dao` looks at the newest blocks too.
    d.anvil.mine(3)
    mirror.sync()
    rpc.asked.clear()
    module_search.look(mirror.dao, rpc)
    assert set(rpc.asked) == {(final + 1, final + 3)}
    rpc.asked.clear()
    module_search.look(mirror.dao, rpc, everything=True)
    assert set(rpc.asked) == {(final + 4, head + 3)}


def test_what_is_new_keeps_what_is_old_from_being_searched_no_longer_than_it_must(local_chain, mirror):
    """On a fast chain, by a node of narrow ranges, there are always new blocks."""
    forget_module(mirror.dao)
    mirror.dao.chain.finality_depth = 0
    mirror.dao.chain.save()
    local_chain.anvil.mine(100)
    mirror.sync()
    rpc = Counting(local_chain.url)
    rpc.most = 4
    for _ in range(3):
        module_search.look(mirror.dao, rpc)
    before = ModuleSearch.objects.get()
    local_chain.anvil.mine(300)
    mirror.sync()
    module_search.look(mirror.dao, rpc)
    after = ModuleSearch.objects.get()
    assert after.searched_to > before.searched_to
    assert after.searched_from < before.searched_from


def test_a_node_that_fails_loses_nothing_of_the_search(local_chain, mirror):
    forget_module(mirror.dao)
    mirror.dao.chain.finality_depth = 0
    mirror.dao.chain.save()
    local_chain.anvil.mine(300)
    mirror.sync()
    rpc = Counting(local_chain.url)
    rpc.most, rpc.fails_at = 40, 4
    with pytest.raises(RpcUnreachable):
        module_search.look(mirror.dao, rpc)
    kept = ModuleSearch.objects.get()
    assert kept.searched_to == local_chain_head(local_chain)
    assert kept.searched_from == rpc.asked[2][0] == rpc.asked[3][0]
    rpc.asked.clear()
    rpc.fails_at = 10**9
    module_search.look(mirror.dao, rpc, ranges=1)
    assert max(high for _, high in rpc.asked) >= kept.searched_from - 1
    assert ModuleSearch.objects.get().searched_from < kept.searched_from


def test_a_node_that_refuses_one_question_is_asked_the_other(local_chain, mirror):
    d = local_chain

    class Refusing(Rpc):
        def logs(self, addresses, topics, **blocks):
            if topics[0] == list(module_search.discovery.ENABLED):
                raise Answered(-32005, "too many results")
            return super().logs(addresses, topics, **blocks)

    rpc, refusing = Rpc([d.url], CHAIN_ID, attempts=1), Refusing([d.url], CHAIN_ID, attempts=1)
    head = local_chain_head(d)
    assert module_search._logged(rpc, d.start_block, head) == {d.addresses["module"]}
    assert module_search._logged(refusing, d.start_block, head) == set()


def test_a_node_without_logs_of_any_contract_keeps_no_vote_from_leading_to_a_module(local_chain, mirror, payroll):
    d = local_chain
    forget_module(mirror.dao)
    voted(mirror, d.addresses["module"], "setPolicy", POLICY_ID, payroll())
    mirror.sync()

    class Refusing(Rpc):
        def logs(self, addresses, topics, **blocks):
            if not addresses:
                raise Answered(-32602, "specify an address")
            return super().logs(addresses, topics, **blocks)

    looked = module_search.look(mirror.dao, Refusing([d.url], CHAIN_ID, attempts=1), everything=True)
    assert modules(mirror) == {d.addresses["module"]}
    assert "does not search block" in looked.refused


@pytest.mark.parametrize("view", ["owner()", "isModuleEnabled(address)"])
def test_a_call_at_which_the_node_fails_loses_no_module_and_says_nothing_of_it(local_chain, mirror, monkeypatch, view):
    """Nor does one that fails for good, as at a contract that runs for ever, keep others from being looked at."""
    d = local_chain
    forget_module(mirror.dao)
    nonce = int(d.anvil.call("eth_getTransactionCount", checksum(d.address("mallory")), "latest"), 16)
    strangers = module_of(d, made_at(d.address("mallory"), nonce + 1))
    deploy(d, "Treasury", ["address", "address[]"], d.addresses["timelock"], [strangers])
    mirror.sync()
    with monkeypatch.context() as patched:
        failing_at(patched, [view], 10**6)
        look(mirror, everything=True)
    assert modules(mirror) == set()
    assert [row.problem for row in module_search.not_followed(mirror.dao)] == []  # nothing is known of any
    look(mirror, everything=True)
    assert strangers in {bytes(row.address) for row in module_search.not_followed(mirror.dao)}


@pytest.mark.parametrize("fails", ["at the search", "at one question"])
def test_add_dao_does_not_fail_where_only_the_search_for_modules_did(
    local_chain, transactional_db, monkeypatch, capsys, fails
):
    """The DAO is there and read by then: what failed is told, and what was found is followed and read."""
    d = local_chain
    as_it_is = module_search.discovery.examine

    def failing(*_asked, **_options):
        raise RpcUnreachable("gone") if fails == "at the search" else Answered(-32603, "missing trie node")

    def add(**options):
        call_command(
            "add_dao", checksum(d.addresses["governor"]), slug="searched", rpc=[d.url], start_block=d.start_block,
            treasury=checksum(d.addresses["treasury"]), **options,
        )  # fmt: skip
        return capsys.readouterr().out

    monkeypatch.setattr(module_search.discovery, "examine", failing)
    said = add()
    assert "the search for policy modules is not finished, for a node failed: " in said
    assert "The workers search again, and so does this command when it is run again" in said
    dao = Dao.objects.get(slug="searched")
    assert dao.contracts.filter(kind="module").count() == 0
    assert dao.cursor.next_block > local_chain_head(d)
    monkeypatch.setattr(module_search.discovery, "examine", as_it_is)
    said = add()
    assert "was found and is followed" in said
    assert "not finished" not in said
    assert dao.contracts.filter(kind="module").count() == 1


def test_a_node_that_fails_while_add_dao_reads_is_told_with_what_is_kept(local_chain, transactional_db, monkeypatch):
    d = local_chain

    def failing(*_asked, **_options):
        raise RpcUnreachable("gone")

    monkeypatch.setattr(progress, "read", failing)
    with pytest.raises(CommandError, match=r"gone\. The DAO is in the mirror, and what was read is kept"):
        call_command("add_dao", checksum(d.addresses["governor"]), slug="half", rpc=[d.url], start_block=d.start_block)
    assert Dao.objects.filter(slug="half").exists()


def test_a_strangers_module_is_shown_on_no_page_and_told_by_audit(local_chain, mirror, client, capsys):
    """It names the DAO's timelock as its owner, and its treasury lists it: anybody can deploy both."""
    d = local_chain
    forget_module(mirror.dao)
    nonce = int(d.anvil.call("eth_getTransactionCount", checksum(d.address("mallory")), "latest"), 16)
    module = module_of(d, made_at(d.address("mallory"), nonce + 1))
    deploy(d, "Treasury", ["address", "address[]"], d.addresses["timelock"], [module])
    mirror.sync()
    looked = look(mirror, everything=True)
    assert module in {found.address for found in looked.others}
    assert modules(mirror) == set()
    for path in ("/mandate/", "/mandate/policies/", "/mandate/agent/", "/api/v1/daos/mandate", "/mandate/status/"):
        assert checksum(module) not in client.get(path, follow=True).content.decode()
    call_command("audit", "mandate")
    assert f"policy module {checksum(module)} was found and is not followed: nothing shows" in capsys.readouterr().out


def test_modules_of_others_leave_no_row(local_chain, mirror):
    d = local_chain
    forget_module(mirror.dao)
    other = d.address("mallory")
    nonce = int(d.anvil.call("eth_getTransactionCount", checksum(other), "latest"), 16)
    module = module_of(d, made_at(other, nonce + 1), owner=other)
    deploy(d, "Treasury", ["address", "address[]"], other, [module])
    mirror.sync()
    look(mirror, everything=True)
    assert module not in {bytes(row.address) for row in ModuleCandidate.objects.all()}


# ---------------------------------------------------------------------------------------------------- not in power


def test_a_module_that_its_treasury_disabled_is_said_to_be_so(local_chain, mirror, payroll, client):
    d = local_chain
    d.set_policy(POLICY_ID, payroll())
    mirror.sync()
    readings.read(mirror.dao, mirror.rpc)
    assert standing.known(mirror.dao).stopped == ()
    voted(mirror, d.addresses["treasury"], "disableModule", d.addresses["module"])
    mirror.sync()
    readings.read(mirror.dao, mirror.rpc)
    (stopped,) = standing.known(mirror.dao).stopped
    assert (stopped.module, stopped.by, stopped.block) == (
        d.addresses["module"], d.addresses["treasury"], local_chain_head(d),
    )  # fmt: skip
    for path in ("/mandate/", "/mandate/policies/", "/mandate/agent/"):
        assert "is not enabled: nothing can be paid" in client.get(path).content.decode(), path
    assert "module not in power" in client.get("/mandate/policies/").content.decode()
    told = json.loads(client.get("/api/v1/daos/mandate").content)
    assert "is not enabled" in told["policies"]["words"]
    assert told["modules"][0]["stopped"]
    assert json.loads(client.get("/api/v1/daos/mandate/policies").content)[0]["module_stopped"]
    # The answer falls with its block.
    with fence.hold(mirror.dao) as writer:
        reorg.drop_wrong(writer, local_chain_head(d), local_chain_head(d))
    assert not ChainReading.objects.filter(kind="enabled").exists()
    assert standing.known(mirror.dao).stopped == ()


def test_a_module_that_belongs_to_another_is_said_to_be_so(local_chain, mirror, payroll, client):
    d = local_chain
    d.set_policy(POLICY_ID, payroll())
    mirror.sync()
    readings.read(mirror.dao, mirror.rpc)
    row = ChainReading.objects.get(kind="owner")
    assert bytes(row.value)[12:] == d.addresses["timelock"]
    ChainReading.objects.filter(pk=row.pk).update(value=d.address("mallory").rjust(32, b"\0"))
    (stopped,) = standing.known(mirror.dao).stopped
    assert stopped.owner == d.address("mallory")
    assert checksum(d.address("mallory")) in client.get("/mandate/policies/").content.decode()
