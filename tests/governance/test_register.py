# SPDX-License-Identifier: Apache-2.0
"""A DAO is taken in from its addresses alone; what is wrong with them is said in one line."""

import contextlib
import json
import time

import pytest
from django.core.management import CommandError, call_command

from governance import capabilities, progress, register
from governance.address_book import tokens_of
from governance.chain.address import checksum
from governance.chain.rpc import Answered, Rpc, RpcLimited
from governance.models import Block, Chain, Cursor, Dao, Delegation, PowerCheckpoint, RawLog
from governance.progress import Progress
from governance.register import Finding, Level
from governance.sync import Status, SyncResult
from policies.notation.primitives import selector
from tests.conftest import running_anvil
from tests.governance.conftest import CHAIN_ID
from tests.governance.test_life import snapshot_of

pytestmark = pytest.mark.django_db


def add(*arguments, **options) -> None:
    call_command("add_dao", *arguments, **{"no_sync": True, **options})


def test_from_a_deployment_file(local_chain, tmp_path, capsys):
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(local_chain.deployment))
    add(deployment=path, slug="mandate")
    dao = Dao.objects.get()
    assert (dao.slug, dao.name, dao.chain_id) == ("mandate", "Mandate DAO", CHAIN_ID)
    assert sorted(dao.contracts.values_list("kind", flat=True)) == [
        "asset", "asset", "governor", "module", "timelock", "treasury", "votes_token",
    ]  # fmt: skip
    found = dao.contracts.get(kind="governor").capabilities
    assert (found["family"], found["clock"], found["quorum_counts"]) == ("openzeppelin", "timestamp", "for,abstain")
    assert found["eip712"]["name"] == "Mandate DAO"
    assert found["late_quorum_extension"] == 86400
    assert found["ballot_typehash"].startswith("0x")
    assert found["timelock_controller"]
    assert {(t.symbol, t.decimals) for t in tokens_of(dao).values()} == {("MAND", 18), ("USDC", 6)}
    shown = capsys.readouterr().out
    assert "mode=timestamp" in shown or "timestamp" in shown
    assert checksum(local_chain.addresses["governor"]) in shown
    add(deployment=path, slug="mandate")  # again: nothing changes
    assert Dao.objects.count() == 1
    assert Cursor.objects.get().next_block == local_chain.start_block


def test_by_the_governors_address_alone_its_first_block_is_found(young_suite, settings):
    settings.LOCAL_CHAIN_ID = CHAIN_ID
    add(checksum(young_suite.addresses["governor"]), rpc=[young_suite.url])
    dao = Dao.objects.get()
    assert dao.slug == "mandate-dao"
    # The votes token's, which is older: who was delegated to before the first vote has power from then on.
    first = Cursor.objects.get().next_block
    token = checksum(young_suite.addresses["votes_token"])
    assert len(young_suite.anvil.call("eth_getCode", token, hex(first))) > 2
    assert young_suite.anvil.call("eth_getCode", token, hex(first - 1)) == "0x"
    governor = checksum(young_suite.addresses["governor"])
    assert young_suite.anvil.call("eth_getCode", governor, hex(first)) == "0x"


def test_checking_writes_nothing(local_chain):
    add(checksum(local_chain.addresses["governor"]), rpc=[local_chain.url], check=True)
    assert not Dao.objects.exists()


def test_a_module_without_a_token_that_its_agent_pays_is_told_of(local_chain, capsys):
    governor, module = (checksum(local_chain.addresses[name]) for name in ("governor", "module"))
    says = "careful: no token of the treasury but the votes token is followed"
    add(governor, slug="mandate")
    assert says not in capsys.readouterr().out  # no agent, no need
    add(governor, slug="mandate", module=module)
    assert says in capsys.readouterr().out
    add(governor, slug="mandate", module=module, asset=[checksum(local_chain.addresses["usdc"])])
    assert says not in capsys.readouterr().out


def test_a_module_added_later_is_read_from_the_start(local_chain, mirror):
    mirror.sync()
    mirror.dao.contracts.filter(kind__in=["module", "treasury", "asset"]).delete()
    before = mirror.dao.contracts.count()
    add(
        checksum(local_chain.addresses["governor"]), slug="mandate", module=checksum(local_chain.addresses["module"]),
        start_block=local_chain.start_block,
    )  # fmt: skip
    assert mirror.dao.contracts.count() == before + 3
    assert Cursor.objects.get().next_block == local_chain.start_block
    mirror.sync()
    assert Cursor.objects.get().next_block == mirror.rpc.head_number() + 1


def test_a_module_added_by_a_command_that_is_killed_is_added_the_next_time(local_chain, mirror, monkeypatch):
    mirror.sync()
    mirror.dao.contracts.filter(kind__in=["module", "treasury", "asset"]).delete()

    def killed(*_):
        raise KeyboardInterrupt

    def again():
        add(
            checksum(local_chain.addresses["governor"]), slug="mandate",
            module=checksum(local_chain.addresses["module"]), start_block=local_chain.start_block,
        )  # fmt: skip

    monkeypatch.setattr(register, "restart_from", killed)
    with pytest.raises(KeyboardInterrupt):
        again()
    monkeypatch.undo()
    again()
    assert Cursor.objects.get().next_block == local_chain.start_block


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((), {}, "name the governor's address"),
        (("0x1234",), {}, "40 hexadecimal digits"),
        (("0x" + "11" * 20,), {}, "no contract at"),
        (("usdc",), {}, "no governor that is understood"),
        (("governor",), {"rpc": ["http://user:secret@127.0.0.1:9/key"]}, "no connection"),
        (("governor",), {"chain": 5}, "MANDATE_RPC_URLS"),
        (("governor",), {"module": "usdc"}, "no policy module"),
        ((), {"deployment": "missing.json"}, "can't be read"),
        (("governor",), {"start_block": -5}, "no block's number"),
        (("governor",), {"start_block": 2**63}, "no block's number"),
        (("governor",), {"slug": "a/b"}, "letters, digits"),
        (("governor",), {"slug": "a" * 51}, "letters, digits"),
        (("governor",), {"name": "n" * 121}, "120 characters"),
        (("governor",), {"name": "a\x00b"}, "120 characters"),
    ],
)
def test_what_is_wrong_is_one_line(local_chain, tmp_path, arguments, options, says):
    def address(text):
        known = text in local_chain.addresses
        return checksum(local_chain.addresses[text]) if known else text

    options = {name: address(value) if name == "module" else value for name, value in options.items()}
    if "deployment" in options:
        options["deployment"] = tmp_path / options["deployment"]
    with pytest.raises(CommandError) as caught:
        add(*map(address, arguments), **options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not Dao.objects.exists()


def test_a_governors_own_name_is_a_strangers_text(local_chain, monkeypatch, capsys):
    real = capabilities.abi.decode

    def hostile(types, raw, **options):
        return ("Evil\x00\x1b[2J\nDAO",) if list(types) == ["string"] else real(types, raw, **options)

    monkeypatch.setattr(capabilities.abi, "decode", hostile)
    add(checksum(local_chain.addresses["governor"]), slug="evil")
    said = capsys.readouterr().out
    assert "Evil" in said
    assert "\x1b" not in said
    assert "\x00" not in str(Dao.objects.get().contracts.get(kind="governor").capabilities)


def test_a_node_of_another_chain(local_chain):
    with pytest.raises(CommandError, match=f"serves chain {CHAIN_ID}"):
        add(checksum(local_chain.addresses["governor"]), rpc=[local_chain.url], chain=1)


OTHER_CHAIN = f"serves another chain than the one that this site reads as chain {CHAIN_ID}"


@contextlib.contextmanager
def another_test_chain(than):
    """A test chain of the same id with another first block (two that begin in one second have the same)."""
    while True:
        with running_anvil() as node:
            if first_block(node) != first_block(than):
                yield node
                return
        time.sleep(1)


def first_block(node) -> str:
    return node.call("eth_getBlockByNumber", "0x0", False)["hash"]


def test_another_test_chain_of_the_same_id_is_refused(local_chain, mirror):
    mirror.sync()
    before = snapshot_of(mirror.dao), Chain.objects.get().genesis_hash, Cursor.objects.get().next_block
    governor = checksum(local_chain.addresses["governor"])
    with another_test_chain(local_chain.anvil) as node:
        for options in ({"rpc": [node.url]}, {"rpc": [local_chain.url, node.url]}, {"rpc": [node.url], "check": True}):
            with pytest.raises(CommandError, match=OTHER_CHAIN) as refused:
                add(governor, slug="elsewhere", name="Elsewhere", start_block=0, **options)
            assert "\n" not in str(refused.value)
    assert Dao.objects.get() == mirror.dao
    assert (snapshot_of(mirror.dao), Chain.objects.get().genesis_hash, Cursor.objects.get().next_block) == before
    add(governor, slug="mandate", rpc=[local_chain.url])  # its own chain is taken


def test_another_network_of_a_real_chains_id_is_refused(local_chain, mirror, settings):
    governor = checksum(local_chain.addresses["governor"])
    mirror.sync()
    settings.LOCAL_CHAIN_ID = None
    settings.RPC_URLS = {}
    add(governor, slug="mandate", rpc=[local_chain.url])
    # A copy that went its own way since: it begins as the chain does, and a final block is another.
    block = Block.objects.order_by("number").first()
    Block.objects.filter(pk=block.pk).update(finalized=True, hash=b"\x02" * 32)
    with pytest.raises(CommandError, match=OTHER_CHAIN):
        add(governor, slug="mandate", rpc=[local_chain.url])
    Block.objects.filter(pk=block.pk).update(hash=block.hash)
    add(governor, slug="mandate", rpc=[local_chain.url])
    Chain.objects.update(genesis_hash=b"\x01" * 32)
    with pytest.raises(CommandError, match=OTHER_CHAIN):
        add(governor, slug="second", name="Second", rpc=[local_chain.url])
    assert Dao.objects.count() == 1


def test_a_node_without_the_first_block_is_told_of(local_chain, monkeypatch, capsys):
    asked = Rpc.block

    def pruned(rpc, which):
        if which == 0:
            raise Answered(-32000, "header not found")
        return asked(rpc, which)

    monkeypatch.setattr(Rpc, "block", pruned)
    add(checksum(local_chain.addresses["governor"]), slug="mandate")
    assert "careful: the node shows no first block" in capsys.readouterr().out
    assert Dao.objects.count() == 1


def test_a_node_that_is_down_is_told_of_and_the_others_are_compared(local_chain, capsys):
    governor = checksum(local_chain.addresses["governor"])
    down = "http://127.0.0.1:1"  # where nothing listens
    add(governor, slug="mandate", rpc=[down, local_chain.url])
    assert "careful: one of the nodes was not compared" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no connection"):
        add(governor, slug="second", name="Second", rpc=[down])
    assert Dao.objects.count() == 1


def test_a_copy_that_has_not_come_to_what_was_read_is_told_of(local_chain, mirror, settings, capsys):
    governor = checksum(local_chain.addresses["governor"])
    mirror.sync()
    settings.LOCAL_CHAIN_ID = None
    settings.RPC_URLS = {}
    block = Block.objects.order_by("number").first()
    Block.objects.filter(pk=block.pk).update(finalized=True, number=10**6, hash=b"\x02" * 32)
    add(governor, slug="mandate", rpc=[local_chain.url], check=True)
    assert "careful: the node shows none of the final blocks" in capsys.readouterr().out


def test_a_slug_belongs_to_one_dao(local_chain, mirror):
    Dao.objects.get().contracts.filter(kind="governor").update(address=b"\x01" * 20)
    with pytest.raises(CommandError, match="belongs to another DAO"):
        add(checksum(local_chain.addresses["governor"]), slug="mandate")


def test_the_past_is_read_at_once_and_told_how_fast(local_chain, capsys):
    add(checksum(local_chain.addresses["governor"]), rpc=[local_chain.url], no_sync=False)
    dao = Dao.objects.get()
    head = local_chain.anvil.call("eth_blockNumber")
    assert Cursor.objects.get(dao=dao).next_block == int(head, 16) + 1
    last = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")][-1]
    events = RawLog.objects.filter(dao=dao).count()
    assert events > 0
    assert last.startswith(f"[{'#' * 24}] 100%")
    assert f"{events:,} events" in last
    assert last.endswith("0 s left")


@pytest.mark.parametrize(
    ("stands", "says"),
    [
        (Progress(Status.BEHIND, 0, 1000, 0, 2.0), "0%  0 of 1,000 blocks  0 events, 0/s  time left not known yet"),
        (Progress(Status.BEHIND, 250, 1000, 5000, 2.0), "25%  250 of 1,000 blocks  5,000 events, 2,500/s  6 s left"),
        (
            Progress(Status.BEHIND, 10, 1000, 5000, 10.0),
            "1%  10 of 1,000 blocks  5,000 events, 500/s  16 min 30 s left",
        ),
        (Progress(Status.BEHIND, 1, 1000, 9, 10.0), "2 h 46 min left"),
        (Progress(Status.BUSY, 250, 1000, 0, 2.0), "another worker is reading  6 s left"),
        (Progress(Status.CAUGHT_UP, 0, 0, 0, 0.1), "100%"),
    ],
)
def test_progress_in_words(stands, says):
    assert says in str(stands)


def test_a_reading_by_another_worker_is_waited_for(mirror, monkeypatch):
    waited = []

    def other_worker(seconds):
        waited.append(seconds)
        if len(waited) == 2:
            mirror.sync()

    monkeypatch.setattr(progress, "sync_once", lambda *_, **__: SyncResult(Status.BUSY))
    told = list(progress.read(mirror.dao, mirror.rpc, wait=other_worker))
    assert [one.status for one in told] == [Status.BUSY] * 3
    assert (told[0].read_blocks, told[-1].read_blocks) == (0, told[-1].all_blocks)


def test_a_node_that_fails_now_and_then_does_not_end_a_reading(mirror, monkeypatch):
    real, fails, waited = progress.sync_once, iter((True, True, False, True, False)), []

    def sync_once(*arguments, **options):
        if next(fails, False):
            raise RpcLimited(429, "limits our rate")
        return real(*arguments, **{**options, "budget_s": 0.0} if len(waited) < 3 else options)

    monkeypatch.setattr(progress, "sync_once", sync_once)
    told = list(progress.read(mirror.dao, mirror.rpc, wait=waited.append))
    assert [one.problem for one in told][:2] == ["limits our rate (code 429)"] * 2
    assert "asked again in a moment: limits our rate" in str(told[0])
    assert waited == [1.0, 2.0, 1.0]
    assert (told[-1].status, told[-1].read_blocks) == (Status.CAUGHT_UP, told[-1].all_blocks)


def test_a_node_that_keeps_failing_ends_a_reading(mirror, monkeypatch):
    def sync_once(*_, **__):
        raise RpcLimited(429, "limits our rate")

    monkeypatch.setattr(progress, "sync_once", sync_once)
    waited = []
    with pytest.raises(RpcLimited):
        list(progress.read(mirror.dao, mirror.rpc, wait=waited.append))
    assert waited == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


class TestPreflight:
    """Each finding says how well something is read, and names what stands in for it or what to do."""

    def lines(self, capsys, *arguments, **options) -> list[str]:
        add(*arguments, check=True, **options)
        return capsys.readouterr().out.splitlines()

    def test_a_governor_of_which_all_is_read(self, young_suite, capsys):
        """On a chain of its own, since the first block is found by old states."""
        addresses = {name: checksum(young_suite.addresses[name]) for name in ("governor", "module")}
        lines = self.lines(capsys, addresses["governor"], module=addresses["module"], rpc=[young_suite.url])
        levels = [line.split()[0] for line in lines if line.split()[0] in list(Level)]
        assert levels == ["supported"] * 9
        assert any("OpenZeppelin Governor" in line for line in lines)

    def told(self, local_chain, monkeypatch, **changes) -> dict[str, Finding]:
        real = register.probe_governor
        monkeypatch.setattr(register, "probe_governor", lambda *a: {**real(*a), **changes})
        rpc = Rpc([local_chain.url], CHAIN_ID, attempts=1)
        module = local_chain.addresses["module"]
        found = register.preflight(rpc, local_chain.addresses["governor"], module=module)
        return {finding.subject: finding for finding in found.findings}

    @pytest.mark.parametrize(
        ("changes", "subject", "level", "says"),
        [
            # Then the governor itself executes what carried, and the module that is the timelock's is a stranger's.
            ({"timelock": None}, "policies", Level.DEGRADED, "not to the DAO's governor"),
            ({"quorum": None}, "state", Level.DEGRADED, "Unknown"),
            ({"family": "agora"}, "state", Level.DEGRADED, "voting modules"),
            ({"family": "nouns", "dynamic_quorum": True}, "state", Level.SUPPORTED, "grows with the votes against"),
            ({"timelock": None}, "timelock", Level.SUPPORTED, "there is none"),
            ({"timelock_controller": False, "grace_period_s": 1209600}, "timelock", Level.SUPPORTED, "expire after"),
            ({"timelock_controller": False, "grace_period_s": None}, "timelock", Level.DEGRADED, "no kind"),
            ({"token": None}, "power and delegation", Level.UNSUPPORTED, "--token"),
            ({"eip712": None}, "votes by signature", Level.DEGRADED, "by transaction"),
            ({"ballot_typehash": None}, "votes by signature", Level.UNSUPPORTED, "by transaction"),
        ],
    )
    def test_what_is_missing_names_what_stands_in(self, local_chain, monkeypatch, changes, subject, level, says):
        finding = self.told(local_chain, monkeypatch, **changes)[subject]
        assert finding.level is level
        assert says in finding.words

    def test_a_token_that_the_governor_does_not_name(self, local_chain, capsys):
        lines = self.lines(
            capsys, checksum(local_chain.addresses["governor"]), token=checksum(local_chain.addresses["usdc"])
        )
        assert any(line.startswith("degraded     power and delegation: the token answers neither") for line in lines)

    def test_a_node_without_old_state_or_finality(self, local_chain):
        class Young(Rpc):
            def get_code(self, address, block="latest"):
                if block != "latest":
                    raise Answered(-32000, "missing trie node")
                return super().get_code(address, block)

            def block(self, block):
                if block == "finalized":
                    raise Answered(-32602, "unknown block")
                return super().block(block)

        found = register.preflight(Young([local_chain.url], CHAIN_ID, attempts=1), local_chain.addresses["governor"])
        told = {finding.subject: finding for finding in found.findings}
        assert found.start_block == 0
        assert told["start block"].level is Level.DEGRADED
        assert "--start-block" in told["start block"].words
        assert told["finality"].level is Level.DEGRADED

    def test_a_module_by_whose_votes_nobody_can_object(self, local_chain):
        """The votes token answers, so a module is built on it; an answer of 0 is said before anybody relies on it."""

        class Voteless(Rpc):
            def eth_calls(self, calls, block="latest"):
                answers = super().eth_calls(calls, block)
                supplies = {selector("getPastTotalSupply(uint256)"), selector("totalSupply()")}
                asked = [data[:4] in supplies for _, data in calls]
                return [bytes(32) if no else answer for no, answer in zip(asked, answers, strict=True)]

        def told(rpc_class) -> dict[str, Finding]:
            rpc = rpc_class([local_chain.url], CHAIN_ID, attempts=1)
            governor, module = local_chain.addresses["governor"], local_chain.addresses["module"]
            return {one.subject: one for one in register.preflight(rpc, governor, module=module).findings}

        assert "objections" not in told(Rpc)
        finding = told(Voteless)["objections"]
        assert finding.level is Level.DEGRADED
        assert "nobody can stop an announced act until votes are handed out" in finding.words

    @pytest.mark.parametrize(("contract", "is_a"), [("timelock", "a timelock"), ("usdc", "a token")])
    def test_what_is_no_governor_is_named(self, local_chain, contract, is_a):
        with pytest.raises(CommandError, match=f"unsupported: .* it is {is_a}, not its governor"):
            add(checksum(local_chain.addresses[contract]))


def test_a_token_that_never_logged_a_known_delegation_is_degraded_and_named(mirror, capsys, settings):
    """There are votes, and nothing says whose: read from logs alone, every delegate would have none."""
    assert register.about_read_token(mirror.dao) is None  # nothing was read yet
    mirror.sync()
    mirror.delegate(ada="ada")
    mirror.sync()
    assert register.about_read_token(mirror.dao) is None
    for model in (Delegation, PowerCheckpoint):
        model.objects.filter(dao=mirror.dao).delete()
    found = register.about_read_token(mirror.dao)
    assert (found.level, found.subject) == (Level.DEGRADED, "power and delegation")
    with contextlib.suppress(SystemExit):  # power differs from the chain's as well
        call_command("audit", mirror.dao.slug)
    assert "degraded     power and delegation: The votes token logged no change of voting power" in (
        capsys.readouterr().out
    )
    token = mirror.dao.contracts.get(kind="votes_token")
    token.capabilities["total_supply"] = "0"
    token.save()
    assert register.about_read_token(mirror.dao) is None
