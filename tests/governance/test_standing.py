# SPDX-License-Identifier: Apache-2.0
"""What is said of a DAO's policies is what was read, and a policy module is found where members led to it, not where a
stranger put one."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from eth_abi import encode

import policies
from governance import builds, discovery, standing
from governance.chain.address import checksum
from governance.chain.rpc import Rpc
from governance.models import Contract, Cursor, Dao, PolicyVersion, Proposal, ProposalAction, RawLog
from governance.policy_checks import check_on_chain
from governance.projections import events
from governance.standing import Standing
from policies.files import load
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import keccak
from tests.governance.conftest import CHAIN_ID, POLICY_ID
from tests.governance.installing import houses

pytestmark = pytest.mark.django_db
NOTHING = "can do nothing"


def add(d, capsys, *arguments, **options) -> str:
    """What `add_dao` prints about the DAO."""
    call_command("add_dao", checksum(d.addresses["governor"]), *arguments, slug="mandate", **options)
    said = capsys.readouterr().out
    assert NOTHING not in said
    return said


def voted(mirror, target: bytes, function: str, *arguments) -> None:
    """Members vote that the timelock calls this, and it does."""
    d = mirror.deployed
    mirror.delegate(ada="ada", ben="ben")
    d.anvil.wind(10)
    contract = next(name for name, address in d.addresses.items() if address == target or name == function)
    calls, text = [(target, 0, d.calldata(contract, function, *arguments))], f"# {function}"
    proposal_id = mirror.propose("ada", text, calls)
    d.anvil.wind(3700)
    for who in ("ada", "ben"):
        d.send(who, "governor", "castVote", proposal_id, 1)
    d.anvil.wind(4 * 86400)
    mirror.follow_through("ada", "queue", text, calls)
    d.anvil.wind(86400 + 10)
    mirror.follow_through("ada", "execute", text, calls)


def proposed(mirror, module: bytes, code: bytes) -> None:
    """A member proposes to set a policy in a module."""
    d = mirror.deployed
    mirror.delegate(ada="ada")
    d.anvil.wind(10)
    mirror.propose("ada", "# A policy", [(module, 0, d.calldata("module", "setPolicy", POLICY_ID, code))])
    mirror.sync()


def deploy(d, name: str, types: list[str], *arguments) -> bytes:
    """A stranger's contract, from our own build."""
    artifact = json.loads((builds.COMPILED / f"{name}.json").read_text())
    code = bytes.fromhex(artifact["bytecode"][2:]) + encode(types, arguments)
    return bytes.fromhex(d.send_raw("mallory", None, code)["contractAddress"][2:])


def module_of(d, treasury: bytes, owner: bytes | None = None) -> bytes:
    parts = [owner or d.addresses["timelock"], d.addresses["governor"], treasury, d.addresses["votes_token"]]
    return deploy(d, "PolicyModule", ["address"] * 5, *parts, d.address("mallory"))


def forget_module(dao) -> None:
    """As `add_dao` was told of the governor alone."""
    dao.contracts.filter(kind__in=("module", "treasury", "asset")).delete()


# --------------------------------------------------------------------------------------------------------- three states


def test_no_module_is_known_is_not_that_there_is_none(local_chain, capsys):
    said = add(local_chain, capsys)
    governor = checksum(local_chain.addresses["governor"])
    assert "No policy module is known for this DAO" in said
    assert f"manage.py add_dao {governor} --slug mandate --module 0x..." in said
    found = standing.known(Dao.objects.get())
    assert (found.standing, found.modules) == (Standing.NO_MODULE, ())


def test_a_module_is_known_and_its_past_is_not_read(local_chain, capsys):
    module = checksum(local_chain.addresses["module"])
    said = add(local_chain, capsys, module=module, no_sync=True)
    assert "Whether a policy is in force is not known yet" in said
    assert module in said
    assert standing.known(Dao.objects.get()).standing is Standing.NOT_READ


def test_a_module_without_a_policy(local_chain, capsys):
    module = checksum(local_chain.addresses["module"])
    said = add(local_chain, capsys, module=module)
    assert said.rstrip().splitlines()[-1].startswith("No policy is in force, by all that was read of the policy module")
    found = standing.known(Dao.objects.get())
    assert found.standing is Standing.NO_POLICY
    assert f"from block {found.first_block} to {local_chain_head(local_chain)}" in said


def local_chain_head(d) -> int:
    return int(d.anvil.call("eth_blockNumber"), 16)


def test_a_module_with_a_policy(local_chain, mirror, payroll, capsys):
    local_chain.set_policy(POLICY_ID, payroll())
    said = add(local_chain, capsys, module=checksum(local_chain.addresses["module"]))
    assert said.rstrip().splitlines()[-1].startswith("One policy is set in the policy module")
    assert standing.known(mirror.dao).standing is Standing.POLICIES


def test_blocks_that_are_read_again_leave_it_open(mirror):
    mirror.sync()
    assert standing.known(mirror.dao).standing is Standing.NO_POLICY
    cursor = mirror.dao.cursor
    cursor.next_block -= 1
    cursor.save()
    assert standing.known(mirror.dao).standing is Standing.NOT_READ


def test_a_policy_is_set_where_it_was_also_while_blocks_are_read_again(local_chain, mirror, payroll):
    local_chain.set_policy(POLICY_ID, payroll())
    mirror.sync()
    set_at = PolicyVersion.objects.get(dao=mirror.dao).log.block_number
    assert standing.known(mirror.dao).words.endswith(f"as of block {local_chain_head(local_chain)}.")
    Cursor.objects.filter(dao=mirror.dao).update(next_block=3)
    assert standing.known(mirror.dao).words.endswith(f"as of block {set_at}.")


def test_a_policy_that_could_not_be_decoded_leaves_it_open(mirror):
    mirror.sync()
    log = RawLog.objects.filter(dao=mirror.dao).latest("pk")
    topic = next(found.topic0 for found in events.layouts(Contract.Kind.MODULE).values() if found.name == "PolicySet")
    RawLog.objects.filter(pk=log.pk).update(address=mirror.deployed.addresses["module"], topic0=topic)
    assert standing.known(mirror.dao).standing is Standing.NOT_READ


# ----------------------------------------------------------------------------------------------- a module that is found


def test_the_module_that_members_voted_a_policy_into_is_found_and_read(local_chain, mirror, payroll, capsys):
    voted(mirror, local_chain.addresses["module"], "setPolicy", POLICY_ID, payroll())
    forget_module(mirror.dao)
    said = add(local_chain, capsys)
    module = checksum(local_chain.addresses["module"])
    assert f"policy module {module} was found and is followed" in said
    assert "No policy module is known" in said  # before it was found
    assert said.rstrip().splitlines()[-1].startswith(f"One policy is set in the policy module {module}")
    assert sorted(mirror.dao.contracts.values_list("kind", flat=True)) == [
        "asset", "governor", "module", "timelock", "treasury", "votes_token",
    ]  # fmt: skip
    assert "was found" not in add(local_chain, capsys)  # again: it is known


def test_what_a_followed_treasury_lists_is_found(local_chain, mirror, capsys):
    """Its logs are followed, and one of them said that the module is enabled."""
    forget_module(mirror.dao)
    said = add(local_chain, capsys, treasury=checksum(local_chain.addresses["treasury"]))
    assert f"policy module {checksum(local_chain.addresses['module'])} was found and is followed" in said
    assert standing.known(mirror.dao).standing is Standing.NO_POLICY


def test_what_only_logged_a_policy_is_named_and_not_followed(local_chain, mirror, payroll, capsys):
    """Nothing of the DAO's led there: whoever deployed the treasury may have written anything into it."""
    forget_module(mirror.dao)
    local_chain.set_policy(POLICY_ID, payroll())
    said = add(local_chain, capsys)
    module = checksum(local_chain.addresses["module"])
    assert f"policy module {module} was found and is not followed: nothing shows that its treasury" in said
    assert f"--slug mandate --module {module}" in said
    assert standing.known(mirror.dao).standing is Standing.NO_MODULE


# -------------------------------------------------------------------------------------------------- a stranger's module


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("another owner", "it belongs to"),
        ("not enabled", "does not say that it is enabled"),
        ("a treasury of the stranger's", "is the DAO's"),
        ("another build", "its code is not that of the policy module"),
    ],
)
def test_a_module_that_is_not_beyond_doubt_the_daos_is_named_and_not_followed(
    local_chain, mirror, payroll, monkeypatch, tmp_path, capsys, kind, says
):
    """Though members were led to vote for something in it."""
    d = local_chain
    forget_module(mirror.dao)
    if kind == "another owner":
        module = module_of(d, d.addresses["treasury"], owner=d.address("mallory"))
    elif kind == "not enabled":
        module = module_of(d, d.addresses["treasury"])
    elif kind == "another build":
        module = d.addresses["module"]
        compiled = json.loads((builds.COMPILED / "PolicyModule.json").read_text())["deployedBytecode"]
        older = tmp_path / "PolicyModule.json"
        older.write_text(json.dumps({"deployedBytecode": compiled[:-2] + "00"}))
        monkeypatch.setattr(builds, "COMPILED", older.parent)
    else:
        nonce = int(d.anvil.call("eth_getTransactionCount", checksum(d.address("mallory")), "latest"), 16)
        treasury = made_at(d.address("mallory"), nonce + 1)
        module = module_of(d, treasury)
        made = deploy(d, "Treasury", ["address", "address[]"], d.address("mallory"), [module])
        assert made == treasury
    proposed(mirror, module, payroll())
    Proposal.objects.update(executed=True)
    said = add(d, capsys)
    assert f"policy module {checksum(module)} was found and is not followed" in said
    assert says in said
    assert not mirror.dao.contracts.filter(kind="module").exists()


def made_at(creator: bytes, nonce: int) -> bytes:
    from contracts.scripts.verify_deployment import create_address

    return create_address(creator, nonce)


def test_a_strangers_module_that_names_the_timelock_is_not_followed(local_chain, mirror, capsys):
    """With a treasury of its own that names the timelock too; nobody voted for either."""
    d = local_chain
    forget_module(mirror.dao)
    nonce = int(d.anvil.call("eth_getTransactionCount", checksum(d.address("mallory")), "latest"), 16)
    module = module_of(d, made_at(d.address("mallory"), nonce + 1))
    deploy(d, "Treasury", ["address", "address[]"], d.addresses["timelock"], [module])
    mirror.sync()
    rpc = Rpc([d.url], CHAIN_ID, attempts=1)
    owner = d.addresses["timelock"]
    assert "nothing shows" in discovery.examine(rpc, module, owner, [], is_voted=False).problem
    assert discovery.examine(rpc, module, owner, [], is_voted=True).problem == ""
    add(d, capsys)
    assert not mirror.dao.contracts.filter(kind="module").exists()


@pytest.mark.parametrize(("others", "is_followed"), [((), True), (("ada",), False)])
def test_a_safe_is_the_daos_where_the_timelock_alone_owns_it(
    local_chain, mirror, payroll, capsys, monkeypatch, others, is_followed
):  # fmt: skip
    """Members voted for a policy of its module. Where people own it too, whose it is no answer of it shows."""
    d = local_chain
    forget_module(mirror.dao)
    timelock = d.addresses["timelock"]
    safe = houses.safe(d, [timelock, *map(d.address, others)], 1, is_real=False)
    module = module_of(d, safe)
    monkeypatch.setitem(d.addresses, "other_module", module)
    monkeypatch.setitem(d.abis, "other_module", d.abis["module"])
    d.anvil.call("anvil_setBalance", checksum(safe), hex(10**18))
    d.anvil.call("anvil_impersonateAccount", checksum(safe))
    d.send_raw(safe, safe, houses.call("enableModule(address)", module))
    assert "nothing shows" in discovery.examine(Rpc([d.url], CHAIN_ID), module, timelock, [], is_voted=False).problem
    voted(mirror, module, "setPolicy", POLICY_ID, payroll())
    mirror.sync()
    said = add(d, capsys)
    assert (f"policy module {checksum(module)} was found and is followed" in said) is is_followed
    assert (f"nothing shows that its treasury {checksum(safe)} is the DAO's" in said) is not is_followed
    assert mirror.dao.contracts.filter(kind="module").exists() is is_followed


def test_a_module_that_any_treasury_enabled_is_named_without_a_policy_and_without_being_followed(
    local_chain, mirror, capsys
):
    """Whose treasury it is, nothing of the DAO's says."""
    forget_module(mirror.dao)
    said = add(local_chain, capsys)
    module = checksum(local_chain.addresses["module"])
    assert f"policy module {module} was found and is not followed: nothing shows that its treasury" in said
    assert standing.known(mirror.dao).standing is Standing.NO_MODULE


def test_a_proposal_that_was_not_executed_leads_nowhere(local_chain, mirror, payroll):
    module = module_of(local_chain, local_chain.addresses["treasury"])
    proposed(mirror, module, payroll())
    assert ProposalAction.objects.get().target == module
    assert list(discovery.voted(mirror.dao)) == []
    Proposal.objects.update(executed=True)
    assert list(discovery.voted(mirror.dao)) == [module]
    # Bravo's: the function stands apart.
    ProposalAction.objects.update(signature="enableModule(address)", calldata=bytes(12) + b"\x07" * 20)
    assert list(discovery.voted(mirror.dao)) == [b"\x07" * 20]
    ProposalAction.objects.update(signature="enableModule(address)", calldata=b"\x07" * 31)
    assert list(discovery.voted(mirror.dao)) == []


def test_a_build_is_known_whatever_its_immutables(local_chain):
    d = local_chain
    rpc = Rpc([d.url], CHAIN_ID, attempts=1)
    code = rpc.get_code(d.addresses["module"])
    assert builds.is_policy_module(code)
    assert builds.is_policy_module(rpc.get_code(module_of(d, d.addresses["treasury"], owner=d.address("mallory"))))
    assert not builds.is_policy_module(code + b"\0")
    assert not builds.is_policy_module(code[:-1])
    assert not builds.is_policy_module(b"")
    for place in (0, len(code) // 2, len(code) - 1):
        changed = bytearray(code)
        changed[place] ^= 1
        assert not builds.is_policy_module(bytes(changed)), place


@pytest.mark.parametrize("kind", [builds.PRIOR_VOTES, builds.SAFE_OWNERS])
def test_a_votes_adapter_is_known_by_its_code(local_chain, kind):
    d = local_chain
    rpc = Rpc([d.url], CHAIN_ID, attempts=1)
    code = bytearray(hex_bytes(json.loads((builds.COMPILED / f"{kind}.json").read_text())["deployedBytecode"]))
    for place in builds.immutables_of(bytes(code)):
        code[place : place + 32] = d.addresses["usdc"].rjust(32, b"\0")
    adapter = b"\xad" * 20
    d.anvil.call("anvil_setCode", checksum(adapter), "0x" + code.hex())
    known = {"votes_adapter": kind, "adapted_token": checksum(d.addresses["usdc"])}
    assert builds.votes_adapter(rpc, adapter) == known
    code[-1] ^= 1
    d.anvil.call("anvil_setCode", checksum(adapter), "0x" + code.hex())
    unknown = {"votes_adapter": builds.UNKNOWN_ADAPTER, "adapted_token": checksum(d.addresses["usdc"])}
    assert builds.votes_adapter(rpc, adapter) == unknown
    for other in (d.addresses["votes_token"], d.address("mallory")):
        assert builds.votes_adapter(rpc, other) == {"votes_adapter": None, "adapted_token": None}


def test_the_owners_of_a_safe_that_stop_an_act_are_counted(local_chain):
    """Half of three owners is one, for the module rounds down."""
    d = local_chain
    rpc = Rpc([d.url], CHAIN_ID, attempts=1)
    safe, adapter = b"\x5a" * 20, b"\xad" * 20
    owners = encode(["address[]"], [[b"\1" * 20, b"\2" * 20, b"\3" * 20]])
    # A question with an argument is answered with true, one without with the owners.
    size = f"{len(owners):02x}"
    answers = bytes.fromhex(f"3660041060135760{size}601e60003960{size}6000f35b600160005260206000f3") + owners
    code = bytearray(
        hex_bytes(json.loads((builds.COMPILED / "SafeOwnersAdapter.json").read_text())["deployedBytecode"])
    )
    for place in builds.immutables_of(bytes(code)):
        code[place : place + 32] = safe.rjust(32, b"\0")
    d.anvil.call("anvil_setCode", checksum(safe), "0x" + answers.hex())
    d.anvil.call("anvil_setCode", checksum(adapter), "0x" + code.hex())
    parties = [d.addresses["timelock"], d.addresses["governor"], d.addresses["treasury"]]
    module = deploy(d, "PolicyModule", ["address"] * 5, *parties, adapter, d.address("mallory"))
    payroll = (Path(policies.__file__).parent / "templates" / "payroll.yaml").read_text()
    for share, said in (("50 %", "1 of the 3 owners"), ("5 %", "1 of the 3 owners"), ("67 %", "2 of the 3 owners")):
        loaded = load(payroll.replace("threshold: 5 %", f"threshold: {share}"), "payroll.yaml")
        found = [str(one) for one in check_on_chain(rpc, loaded, module) if "owners" in str(one)]
        assert len(found) == 1
        assert f"{said} that the Safe {checksum(safe)} has now stop an announced act: {share} of them" in found[0]
    loaded = load(payroll, "payroll.yaml")
    assert not any("owners" in str(one) for one in check_on_chain(rpc, loaded, d.addresses["module"]))


def test_a_build_of_earlier_sources_stays_known(monkeypatch, tmp_path):
    """Whatever its immutables are, and nothing else may differ."""
    compiled = bytearray(hex_bytes(json.loads((builds.COMPILED / "PolicyModule.json").read_text())["deployedBytecode"]))
    compiled[-1] ^= 1  # another build than the one compiled here
    places = builds.immutables_of(bytes(compiled))
    build = {"commit": "", "length": len(compiled), "immutables": places, "keccak256": "0x" + keccak(compiled).hex()}
    earlier = tmp_path / "earlier_builds.json"
    earlier.write_text(json.dumps([build]))
    on_chain = bytearray(compiled)
    for place in places:
        on_chain[place : place + 32] = bytes([7]) * 32
    assert not builds.is_policy_module(bytes(on_chain))
    monkeypatch.setattr(builds, "EARLIER_BUILDS", earlier)
    assert builds.is_policy_module(bytes(on_chain))
    assert not builds.is_policy_module(bytes(on_chain[:-1]))
    on_chain[places[0] - 1] ^= 1
    assert not builds.is_policy_module(bytes(on_chain))


def test_an_earlier_build_of_an_adapter_is_known_as_that_adapter(monkeypatch, tmp_path):
    code = b"\x60\x01" + bytes(40)
    build = {"commit": "", "length": 42, "immutables": [], "keccak256": "0x" + keccak(code).hex()}
    earlier = tmp_path / "earlier_builds.json"
    earlier.write_text(json.dumps([{**build, "contract": builds.PRIOR_VOTES}]))
    monkeypatch.setattr(builds, "EARLIER_BUILDS", earlier)
    assert builds.is_build(code, builds.PRIOR_VOTES)
    assert not builds.is_build(code, builds.SAFE_OWNERS)
    assert not builds.is_policy_module(code)


def test_the_list_of_earlier_builds_is_well_formed():
    listed = json.loads(builds.EARLIER_BUILDS.read_text())
    assert listed
    for build in listed:
        assert set(build) - {"contract"} == {"commit", "length", "immutables", "keccak256"}
        assert build.get("contract", builds.PRIOR_VOTES) in (builds.PRIOR_VOTES, builds.SAFE_OWNERS)
        assert build["immutables"] == sorted(build["immutables"])
        assert all(0 < place <= build["length"] - 32 for place in build["immutables"])
        assert len(hex_bytes(build["keccak256"])) == 32
