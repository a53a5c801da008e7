# SPDX-License-Identifier: Apache-2.0
"""`manage.py policy`: one clear line per problem, exit 0, 1 or 2, no traceback; machines get JSON."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from governance import delegated_votes
from governance.chain import ens
from governance.chain.address import checksum
from governance.chain.rpc import CallReverted, Rpc
from governance.models import Act, Chain, Contract, Cursor, Dao, PolicyVersion, RawLog, TreasuryFlow
from policies.code.encoding import codehash, decode
from policies.document.examples import EXAMPLES
from policies.notation.primitives import selector
from tests.conftest import Deployed
from tests.governance.conftest import local_chain, mirror  # noqa: F401 -- fixtures
from tests.policies.targets import put

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "policies" / "templates"
PAYROLL = TEMPLATES / "payroll.yaml"
USDC = bytes.fromhex("5c0000000000000000000000000000000000dead")
HISTORY = """time,token,to,amount
2026-01-01T00:00Z,USDC,ines,4000
2026-01-02T00:00Z,USDC,jon,4000
2026-01-03T00:00Z,ETH,jon,1
"""


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("policy", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


# ------------------------------------------------------------------------------------------- documents and code


def test_compile_then_decode_and_explain(tmp_path: Path) -> None:
    status, out, _ = run("compile", PAYROLL, "--json", "--calldata", "--document")
    answer = json.loads(out)
    code = bytes.fromhex(answer["code"][2:])
    assert (status, answer["ok"], answer["codehash"]) == (0, True, "0x" + codehash(code).hex())
    assert decode(code)
    assert answer["code"][2:] in answer["calldata"]
    assert json.loads(answer["document"])["name"] == "payroll"
    file = write(tmp_path, "code.hex", answer["code"] + "\n")
    status, out, _ = run("decode", file, "--json")
    assert status == 0
    assert json.loads(out)["budgets"][0]["limit"] == "12000000000"
    status, out, _ = run("explain", file)
    assert status == 0
    assert "unknown" in out
    assert "12,000 USDC in any 24 days" in run("explain", PAYROLL)[1]
    assert "12,000 USDC in any 24 days" in run("explain", file, "--with", PAYROLL)[1]


def test_what_decode_writes_compiles_to_the_same_code(tmp_path: Path) -> None:
    code = json.loads(run("compile", TEMPLATES / "yield.yaml", "--json")[1])["code"]
    file = write(tmp_path, "code.hex", code)
    for lent in ((), ("--with", TEMPLATES / "yield.yaml")):
        again = write(tmp_path, "again.yaml", run("decode", file, *lent)[1])
        assert json.loads(run("compile", again, "--read-back", "--json")[1])["code"] == code
        assert run("compile", again)[0] == 1  # nobody writes a found hash


def test_plain_output() -> None:
    assert "code: 0x02" in run("compile", PAYROLL)[1]
    assert run("check", PAYROLL)[1].endswith("ok, 435 bytes of policy code, 1 warning\n")
    status, out, _ = run("check", TEMPLATES / "swaps.yaml")
    assert status == 0
    assert "swaps.yaml:54:24: warning: params.deadline may be anything" in out


def test_each_problem_is_one_line(tmp_path: Path) -> None:
    broken = PAYROLL.read_text().replace("12,000 USDC", "12.000 USDC").replace("10 minutes", "soon")
    file = write(tmp_path, "broken.yaml", broken)
    status, out, err = run("check", file)
    assert (status, out) == (1, "")
    lines = err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f'{file}:16:11: "soon" is not a duration; write ')
    status, out, _ = run("check", file, "--json")
    assert status == 1
    assert json.loads(out)["problems"][1]["line"] == 40


@pytest.mark.parametrize("action", ["compile", "decode", "explain", "check", "simulate", "schema"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"0x0", b"0x12", b"x" * 2_000_000, b"{{{{", b"a: *b"])
def test_bad_files_end_in_a_line(tmp_path: Path, action: str, content: bytes | None) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    status, out, err = run(action, file)
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert str(file) in err


HOSTILE = {
    "an escape past Unicode": ("cooldown: 10 minutes", 'cooldown: "\\U00110000"', ":11:12: the escape "),
    "an escape past C's integers": ("cooldown: 10 minutes", 'cooldown: "\\UFFFFFFFF"', ":11:12: the escape "),
    "a time before the clock": ("from: 2026-11-01T00:00Z", "from: 1969-01-01T00:00Z", ":9:9: "),
    "a time after the clock": ("until: 2027-11-01T00:00Z", "until: 9999-12-31T23:00Z", ":10:10: "),
    "a year that is none": ("from: 2026-11-01T00:00Z", "from: 0000-01-01T00:00Z", ":9:9: "),
    "a version of 5,000 digits": ("version: 1\n", f"%YAML {'9' * 5000}.1\n---\nversion: 1\n", ": this is not YAML: "),
    "a list that is a link to itself": ("[ines, jon, kim, lea, max]", "{file: loop}", "a link that leads nowhere"),
    "an ABI that is a link to itself": ("    on: USDC\n", "    abi: loop\n    on: USDC\n", "a link that leads nowhere"),
    "a list that is a folder": ("[ines, jon, kim, lea, max]", "{file: .}", "it is no plain file"),
    "a list in Latin-1": ("[ines, jon, kim, lea, max]", "{file: latin}", "can't decode byte"),
}


@pytest.mark.parametrize("action", ["check", "compile", "explain", "diff"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_documents_end_in_one_line(tmp_path: Path, kind: str, action: str) -> None:
    old, new, said = HOSTILE[kind]
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "latin").write_bytes(b"j\xf6n\n")
    text = "\n".join(line for line in PAYROLL.read_text().splitlines() if not line.startswith("# ")) + "\n"
    assert text.count(old) == 1
    file = write(tmp_path, "hostile.yaml", text.replace(old, new))
    status, out, err = run(action, file, *([PAYROLL] if action == "diff" else []))
    assert (status, out) == (1, "")
    (line,) = err.splitlines()
    assert said in line
    assert line.isprintable()


@pytest.mark.parametrize("action", ["check", "compile", "explain", "simulate"])
def test_what_is_no_file_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    for file in (tmp_path, tmp_path / "missing", tmp_path / ("a" * 5000), "-"):
        status, out, err = run(action, file)
        assert (status, out) == (1, "")
        (line,) = err.splitlines()
        assert line.startswith(f"{file}: ")


def test_diff_marks_what_is_wider(tmp_path: Path) -> None:
    wider = write(tmp_path, "wider.yaml", PAYROLL.read_text().replace("limit: 12,000", "limit: 13,000"))
    status, out, _ = run("diff", PAYROLL, wider)
    assert status == 1
    assert out.splitlines()[0].startswith("wider: ")
    assert json.loads(run("diff", wider, PAYROLL, "--json")[1])["changes"][0]["mark"] == "tighter"
    assert run("diff", PAYROLL, PAYROLL) == (0, "", "")


def test_a_policy_of_another_name_stands_beside_the_old_one(tmp_path: Path) -> None:
    other = write(tmp_path, "other.yaml", PAYROLL.read_text().replace("name: payroll", "name: pay"))
    status, out, _ = run("diff", PAYROLL, other)
    assert status == 1
    assert out.startswith("wider: The new policy is called pay and not payroll: it does not replace the old one.")
    assert run("diff", PAYROLL, PAYROLL)[1] == ""


def test_schemas() -> None:
    assert json.loads(run("schema")[1])["title"] == "Mandate policy"
    acts = json.loads(run("schema", PAYROLL)[1])
    assert "0x1000000000000000000000000000000000000001" in json.dumps(acts)


# ------------------------------------------------------------------------------------------- files beside a document


def test_lists_and_abis_come_from_files_beside_the_document(tmp_path: Path) -> None:
    text = PAYROLL.read_text().replace("[ines, jon, kim, lea, max]", "{file: people.txt}")
    text = text.replace("call: transfer(address to, uint256 amount)", "call: transfer\n    abi: token.json")
    write(tmp_path, "people.txt", "# who is paid\nines\njon  # since May\n\nkim\nlea\nmax\n")
    item = {"type": "function", "name": "transfer", "inputs": []}
    item["inputs"] = [{"type": "address", "name": "to"}, {"type": "uint256", "name": "amount"}]
    write(tmp_path, "token.json", json.dumps({"abi": [item]}))
    status, out, err = run("compile", write(tmp_path, "payroll.yaml", text), "--json", "--document")
    assert (status, err) == (0, "")
    compiled = json.loads(out)
    plain = json.loads(run("compile", PAYROLL, "--json", "--document")[1])
    assert compiled["document"] == plain["document"]  # what stood outside is frozen in it
    assert compiled["code"] == plain["code"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../outside.txt", "it lies outside the document's folder"),
        ("/etc/hostname", "it lies outside the document's folder"),
        ("link.txt", "it lies outside the document's folder"),
        ("folder", "it is no plain file"),
        ("large.txt", "it is larger than"),
        ("long.txt", "more than 2000 items"),
        ("missing.txt", "can't be read"),
        ("bad.txt", "can't be read"),
    ],
)
def test_a_document_reads_nothing_else(tmp_path: Path, name: str, problem: str) -> None:
    folder = tmp_path / "here"
    (folder / "folder").mkdir(parents=True)
    write(tmp_path, "outside.txt", "ines\n")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "large.txt").write_bytes(b"#" * 1_100_000)
    (folder / "bad.txt").write_bytes(b"\xff\xfe")
    write(folder, "long.txt", "ines\n" * 2001)
    text = PAYROLL.read_text().replace("[ines, jon, kim, lea, max]", f"{{file: {name}}}")
    status, _, err = run("check", write(folder, "payroll.yaml", text))
    assert status == 1
    assert problem in err.splitlines()[0]
    text = PAYROLL.read_text().replace("on: USDC", f"on: USDC\n    abi: {name}")
    status, _, err = run("check", write(folder, "payroll.yaml", text))
    assert status == 1
    assert len(err.splitlines()) == 1


# ------------------------------------------------------------------------------------------- history and adversary


def test_backtest_says_what_would_have_been_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "history.csv", HISTORY)
    status, out, _ = run("backtest", PAYROLL, file)
    assert status == 1
    lines = out.splitlines()
    assert lines[0].startswith(f"{file}:4: 2026-01-03 00:00 UTC: refused: Call 1: the policy permits no such call")
    assert lines[1] == "3 acts: 1 at once, 1 after an objection window, 1 refused"
    assert lines[2].startswith('budget "payroll": fullest 8,000 USDC from 2026-01-01 00:00 UTC of 12,000 USDC')
    answer = json.loads(run("backtest", PAYROLL, file, "--json")[1])
    assert [act["verdict"] for act in answer["acts"]] == ["at once", "after an objection window", "refused"]
    assert answer["budgets"][0]["permitted"]["base_units"] == "8000000000"
    fine = write(tmp_path, "fine.csv", "\n".join(HISTORY.splitlines()[:3]))
    assert run("backtest", PAYROLL, fine)[0] == 0
    status, _, err = run("backtest", PAYROLL, write(tmp_path, "bad.csv", "time\n"))
    assert (status, len(err.splitlines())) == (1, 1)


def test_simulate_prints_what_is_reached_beside_the_bound() -> None:
    status, out, _ = run("simulate", PAYROLL, "--days", 30)
    assert status == 0
    assert (
        "without an announcement 12,000 USDC (at most 12,000 USDC); if nobody objects 24,000 USDC (at most 24,000 USDC)"
        in out
    )
    assert "together" not in out  # one budget: its line says it
    grants = run("simulate", TEMPLATES / "grants.yaml", "--days", 182)[1]
    assert (
        "all budgets of the token USDC (0x5c0000000000000000000000000000000000dEAD) together in 182 days: without an"
        in grants
    )
    assert "52,000 USDC (at most 52,000 USDC)" in grants
    (whole,) = json.loads(run("simulate", TEMPLATES / "grants.yaml", "--json", "--days", 182)[1])["together"]
    assert (whole["in_all"], whole["bound"]) == ("52000000000", "52000000000")
    (budget,) = json.loads(run("simulate", PAYROLL, "--json")[1])["budgets"]
    assert budget["bound"] == "24000000000"
    assert "no budget counts anything" in run("simulate", TEMPLATES / "metagovernance.yaml")[1]


# ------------------------------------------------------------------------------------------- usage


@pytest.mark.parametrize(
    "arguments",
    [
        ("decode",),
        ("decode", PAYROLL, "--dao", "x"),
        ("decode", "--pointer", "0x" + "1" * 40),
        ("decode", "--dao", "x"),
        ("diff", "-", "-"),
        ("backtest", PAYROLL),
        ("simulate", PAYROLL, "--days", 0),
        ("check", PAYROLL, "--module", "0x" + "11" * 20),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[object, ...]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_unknown_actions_are_wrong_usage() -> None:
    with pytest.raises(CommandError):
        call_command("policy", "frobnicate")


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} manage.py policy explain {PAYROLL} | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) == 1


# ------------------------------------------------------------------------------------------- the mirror


@pytest.mark.django_db
def test_backtest_over_a_dao_s_mirrored_payments() -> None:
    chain = Chain.objects.create(chain_id=31337, name="test")
    dao = Dao.objects.create(chain=chain, slug="demo", name="Demo")
    for number, usdc in enumerate((4_000, 5_001)):
        log = RawLog.objects.create(
            dao=dao, block_number=number, block_hash=bytes([number]) * 32,
            block_timestamp_chain_s=1_767_225_600 + number,
            transaction_hash=bytes([number]) * 32, transaction_index=0, log_index=0, address=USDC, data=b"",
        )  # fmt: skip
        TreasuryFlow.objects.create(
            dao=dao, log=log, asset=USDC, counterparty=bytes.fromhex("1" + "0" * 38 + "1"), amount=usdc * 10**6,
            outgoing=True,
        )  # fmt: skip
    status, out, _ = run("backtest", PAYROLL, "--dao", "demo")
    assert status == 1
    assert out.splitlines()[0].startswith("block 1: 2026-01-01 00:00:01 UTC: refused: ")
    module = Contract.objects.create(dao=dao, kind=Contract.Kind.MODULE, address=b"\7" * 20, start_block=0)
    act = Act.objects.create(
        dao=dao, module=module, policy_id=bytes(32), version=1, number=7, agent=bytes(20), decision=bytes(32),
        status=Act.Status.EXECUTED, log=RawLog.objects.get(block_number=1),
    )  # fmt: skip
    assert run("backtest", PAYROLL, "--dao", "demo")[1] == out  # its calls are not known: what it paid is
    act.calls.create(position=0, target=USDC, value_wei=0, calldata=selector("burn(uint256)") + bytes(32))
    status, out, _ = run("backtest", PAYROLL, "--dao", "demo")
    assert status == 1
    assert out.splitlines()[0].startswith("act 7 in block 1: 2026-01-01 00:00:01 UTC: refused: ")
    assert out.splitlines()[1] == "2 acts: 1 at once, 0 after an objection window, 1 refused"
    act.delete()
    module.delete()
    status, _, err = run("backtest", PAYROLL, "--dao", "other")
    assert (status, err) == (1, "other: no such DAO in the mirror; there are: demo\n")
    status, _, err = run("decode", "--dao", "demo", "--name", "payroll")
    assert (status, err) == (1, "demo: no policy payroll was ever in force; check its name\n")
    assert Contract.objects.count() == 0


# ------------------------------------------------------------------------------------------- ENS


class NamesNode:
    """A mock of a node: ENS lives on no chain that tests could start. Answers by (contract, calldata)."""

    def __init__(self, answers: dict[tuple[bytes, bytes], bytes | CallReverted]) -> None:
        self.answers = answers

    def eth_call(self, to: bytes, data: bytes, _block: object = "latest") -> bytes:
        answer = self.answers.get((to, data), CallReverted(b""))
        if isinstance(answer, CallReverted):
            raise answer
        return answer

    def call(self, method: str) -> str:
        assert method == "eth_chainId"
        return "0x1"

    def head_number(self) -> int:
        return 1

    def get_code(self, _address: bytes) -> bytes:
        return b"\1"


NODE = bytes.fromhex("ee6c4522aab0003e8d14cd40a6af439055fd2577951148c14b6cea9a53475835")
RESOLVER, FOUND = b"\x33" * 20, b"\x44" * 20


def resolves_to(answer: bytes | CallReverted) -> NamesNode:
    return NamesNode(
        {
            (ens.REGISTRY, selector("resolver(bytes32)") + NODE): RESOLVER.rjust(32, b"\0"),
            (RESOLVER, selector("addr(bytes32)") + NODE): answer,
        }
    )


def test_a_name_s_node_is_that_of_erc_137() -> None:
    assert ens.namehash("vitalik.eth") == NODE


def test_resolves_a_name() -> None:
    assert ens.resolve(resolves_to(FOUND.rjust(32, b"\0")), "vitalik.eth") == FOUND


@pytest.mark.parametrize(
    "answer",
    [
        b"", bytes(32), FOUND, b"\1" + FOUND.rjust(31, b"\0"), FOUND.rjust(32, b"\0") * 2, CallReverted(b""),
        CallReverted(selector("OffchainLookup(address,string[],bytes,bytes4,bytes)") + bytes(32)),
    ],
)  # fmt: skip
def test_a_hostile_resolver_resolves_nothing(answer: bytes | CallReverted) -> None:
    with pytest.raises(ens.NotResolved, match="write the address it stands for"):
        ens.resolve(resolves_to(answer), "vitalik.eth")


def test_names_are_asked_of_a_registry_on_a_chain(deployed: Deployed) -> None:
    code = deployed.anvil.call("eth_getCode", checksum(put(deployed, "ens", "TestEns")), "latest")
    deployed.anvil.call("anvil_setCode", checksum(ens.REGISTRY), code)
    deployed.addresses["ens"] = ens.REGISTRY
    rpc = Rpc([deployed.anvil.url], None, attempts=1)
    ens.check_chain(rpc)
    deployed.send("deployer", "ens", "set", NODE, ens.REGISTRY, FOUND.rjust(32, b"\0"))
    assert ens.resolve(rpc, "vitalik.eth") == FOUND
    for resolver, answer, problem in (
        (bytes(20), FOUND.rjust(32, b"\0"), "no resolver"),
        (RESOLVER, b"", "gives no address"),
        (ens.REGISTRY, b"\1" * 32, "gives no address"),
        (ens.REGISTRY, b"\1", "off chain"),
    ):
        deployed.send("deployer", "ens", "set", NODE, resolver, answer)
        with pytest.raises(ens.NotResolved, match=problem):
            ens.resolve(rpc, "vitalik.eth")


ODD_NAMES = [
    "eth", "Vitalik.eth", "vitälik.eth", "a..eth", "xn--vitlik-bua.eth", "a\u200bb.eth", "a b.eth", "a" * 64 + ".eth",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_only_plain_names_are_resolved(name: str) -> None:
    with pytest.raises(ens.NotResolved, match="only names of a-z"):
        ens.namehash(name)


def test_names_are_frozen_into_the_compiled_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAYROLL.read_text().replace('"0x1000000000000000000000000000000000000001"', "vitalik.eth")
    file = write(tmp_path, "payroll.yaml", text)
    status, _, err = run("check", file)
    assert status == 1
    assert '"vitalik.eth" was not resolved' in err
    node = resolves_to(FOUND.rjust(32, b"\0"))
    monkeypatch.setattr("governance.management.commands.policy.Rpc", lambda *_arguments, **_options: node)
    status, out, err = run("compile", file, "--rpc", "http://node", "--json", "--document")
    assert status == 0
    assert f"note: vitalik.eth is {checksum(FOUND)}, a contract: on another chain" in err
    frozen = json.loads(out)["document"]
    assert f"vitalik.eth is {checksum(FOUND)}" in frozen
    again = write(tmp_path, "frozen.json", frozen)
    assert json.loads(run("compile", again, "--json")[1])["code"] == json.loads(out)["code"]
    listed = write(tmp_path, "listed.yaml", PAYROLL.read_text().replace("[ines, jon, kim, lea, max]", "{file: people}"))
    write(tmp_path, "people", "vitalik.eth\njon\n")
    status, out, err = run("compile", listed, "--rpc", "http://node", "--document")
    assert (status, err.count("note: vitalik.eth is")) == (0, 1)
    assert f"vitalik.eth is {checksum(FOUND)}" in out
    node.answers.clear()
    status, _, err = run("compile", file, "--rpc", "http://node")
    assert (status, len(err.splitlines())) == (1, 1)
    assert "ENS has no resolver for it" in err


# ------------------------------------------------------------------------------------------- a real chain


def at(deployed: SimpleNamespace, text: str) -> str:
    """A template with the suite's own token, and addresses that no template made up."""
    own = text.replace(checksum(USDC), checksum(deployed.address("usdc")))
    for address in EXAMPLES:
        own = own.replace(checksum(address), checksum(b"\x77" + address[1:]))
    return own


def test_check_against_a_chain(deployed, tmp_path: Path) -> None:
    file = write(tmp_path, "payroll.yaml", at(deployed, PAYROLL.read_text()))
    module = checksum(deployed.address("module"))
    status, out, err = run("check", file, "--rpc", deployed.url, "--module", module)
    assert (status, err) == (0, "")
    assert "nobody can stop an announced act" not in out  # no log says who has power: not known, and not none
    assert out.endswith(", no warnings\n")
    assert run("check", file, "--rpc", deployed.url)[1].endswith("no warnings\n")
    status, _, err = run("check", PAYROLL, "--rpc", deployed.url, "--module", module)
    assert status == 1
    assert "has no code; check the address and the chain" in err
    assert "the module refuses it: target has no code (byte " in err
    wrong = write(tmp_path, "wrong.yaml", at(deployed, PAYROLL.read_text()).replace("decimals: 6", "decimals: 18"))
    status, _, err = run("check", wrong, "--rpc", deployed.url)
    assert status == 1
    assert "has 6 decimals, not 18; write `decimals: 6`" in err
    renamed = write(tmp_path, "renamed.yaml", at(deployed, PAYROLL.read_text()).replace("USDC", "DAI"))
    assert "calls itself 'USDC'; check that it is the token you mean" in run("check", renamed, "--rpc", deployed.url)[1]
    status, _, err = run("check", file, "--rpc", deployed.url, "--module", checksum(deployed.address("usdc")))
    assert status == 1
    assert "is no policy module of this format" in err
    status, _, err = run("check", file, "--rpc", "http://127.0.0.1:9")
    assert (status, len(err.splitlines())) == (1, 1)


def test_a_proxy_is_told(deployed, tmp_path: Path) -> None:
    file = write(tmp_path, "payroll.yaml", at(deployed, PAYROLL.read_text()))
    slot = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
    behind = deployed.address("votes_token").rjust(32, b"\0").hex()
    deployed.anvil.call("anvil_setStorageAt", checksum(deployed.address("usdc")), slot, "0x" + behind)
    status, out, _ = run("check", file, "--rpc", deployed.url)
    assert status == 0
    assert "is a proxy (EIP-1967); behind it: " in out


def test_decode_from_the_chain(deployed, tmp_path: Path) -> None:
    file = write(tmp_path, "payroll.yaml", at(deployed, PAYROLL.read_text()))
    compiled = json.loads(run("compile", file, "--json")[1])
    deployed.set_policy(bytes.fromhex(compiled["policy_id"][2:]), bytes.fromhex(compiled["code"][2:]))
    rpc = Rpc([deployed.url], None, attempts=1)
    state = rpc.eth_call(
        deployed.address("module"), selector("policyState(bytes32)") + bytes.fromhex(compiled["policy_id"][2:])
    )
    status, out, _ = run("decode", "--pointer", checksum(state[12:32]), "--rpc", deployed.url, "--json")
    assert status == 0
    assert json.loads(out)["codehash"] == compiled["codehash"]
    status, _, err = run("decode", "--pointer", checksum(deployed.address("usdc")), "--rpc", deployed.url)
    assert (status, len(err.splitlines())) == (1, 1)
    assert "holds no policy" in err


@pytest.mark.django_db
def test_a_dao_s_policy_is_read_on_chain_and_its_module_is_asked(deployed, tmp_path: Path) -> None:
    file = write(tmp_path, "payroll.yaml", at(deployed, PAYROLL.read_text()))
    compiled = json.loads(run("compile", file, "--json")[1])
    id_, raw = (bytes.fromhex(compiled[key][2:]) for key in ("policy_id", "code"))
    dao = Dao.objects.create(chain=Chain.objects.create(chain_id=31337, name="test"), slug="demo", name="Demo")
    module = Contract.objects.create(dao=dao, kind=Contract.Kind.MODULE, address=deployed.address("module"))
    log = RawLog.objects.create(
        dao=dao, block_number=1, block_hash=b"\1" * 32, block_timestamp_chain_s=1, transaction_hash=b"\1" * 32,
        transaction_index=0, log_index=0, address=module.address, data=b"",
    )  # fmt: skip
    PolicyVersion.objects.create(
        dao=dao, module=module, policy_id=id_, version=1, agent=b"\1" * 20, codehash=codehash(raw), code=b"of old",
        log=log,
    )  # fmt: skip
    node = ("--dao", "demo", "--rpc", deployed.url)
    status, _, err = run("decode", *node, "--name", "payroll")
    assert (status, err) == (1, "demo: the policy payroll is not in force any more\n")
    deployed.set_policy(id_, raw)
    status, out, _ = run("decode", *node, "--name", "payroll", "--json")
    assert (status, json.loads(out)["codehash"]) == (0, compiled["codehash"])
    assert run("check", file, *node)[0] == 0
    forbidden = at(deployed, PAYROLL.read_text()).replace("on: USDC", f'on: "{checksum(deployed.address("treasury"))}"')
    forbidden = forbidden.replace("transfer(address to", "sweep(address to")
    status, _, err = run("check", write(tmp_path, "forbidden.yaml", forbidden), *node)
    assert status == 1
    assert "the module refuses it: forbidden target (byte " in err


def test_the_threshold_is_held_against_delegated_votes(deployed, tmp_path: Path) -> None:
    """A member's votes count where they are delegated: a share above those can stop nothing."""
    holders = {who: deployed.read("votes_token", "balanceOf", deployed.address(who)) for who in deployed.accounts}
    member, votes = next((who, held) for who, held in holders.items() if held)
    deployed.send(member, "votes_token", "delegate", deployed.address(member))
    supply = deployed.read("votes_token", "totalSupply")
    block = int(deployed.anvil.call("eth_blockNumber"), 16)
    rpc = Rpc([deployed.url], None, attempts=1)
    found = delegated_votes.of_module(rpc, deployed.address("module"), block)
    assert found == delegated_votes.Delegated(votes, supply, block)
    assert 0 < votes < supply
    policy = at(deployed, PAYROLL.read_text())
    node = ("--rpc", deployed.url, "--module", checksum(deployed.address("module")))
    for share, said in (
        (100 * votes // supply + 1, "nobody can stop an announced act: that takes"),
        (100 * votes // supply * 2 // 3, "stopping an announced act takes"),
        (1, "no warnings"),
    ):
        file = write(tmp_path, "p.yaml", policy.replace("threshold: 5 %", f"threshold: {share} %"))
        assert said in run("check", file, *node)[1], share


@pytest.mark.django_db
def test_by_dao_the_mirror_says_what_is_delegated(mirror, tmp_path: Path, monkeypatch) -> None:  # noqa: F811
    """Those of the last block that it has read, and no logs are asked for."""
    d = mirror.deployed
    mirror.delegate(ada="ada")
    mirror.sync()
    power, supply = d.read("votes_token", "getVotes", d.address("ada")), d.read("votes_token", "totalSupply")
    assert 0 < power < supply
    monkeypatch.setattr(delegated_votes, "of_module", lambda *_: pytest.fail("logs were asked for"))
    policy = at(d, PAYROLL.read_text())
    share = 100 * power // supply + 1
    file = write(tmp_path, "p.yaml", policy.replace("threshold: 5 %", f"threshold: {share} %"))
    out = run("check", file, "--dao", "mandate", "--rpc", d.url)[1]
    assert f"nobody can stop an announced act: that takes {share} % of all votes, and of them " in out
    block = Cursor.objects.get(dao=mirror.dao).next_block - 1
    assert f"are delegated (block {block:,})" in out
    file = write(tmp_path, "p.yaml", policy.replace("threshold: 5 %", "threshold: 1 %"))
    assert "nobody can stop" not in run("check", file, "--dao", "mandate", "--rpc", d.url)[1]
