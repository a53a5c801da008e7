# SPDX-License-Identifier: Apache-2.0
"""`python -m policies`: what `manage.py policy` prints of files, without Django, a network or a node."""

import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from policies.command import main
from policies.document.examples import EXAMPLES
from policies.notation.primitives import checksum

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "policies" / "templates"
PAYROLL = TEMPLATES / "payroll.yaml"
# Runs the package as `python -m` does, with every use of a socket refused, and prints what was imported.
WATCHED = """
import runpy, sys

def refuse_sockets(event, _arguments):
    if event.startswith("socket."):
        raise AssertionError(event)

sys.addaudithook(refuse_sockets)
sys.argv[0] = "policies"
try:
    runpy.run_module("policies", run_name="__main__", alter_sys=True)
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
HEAVY = {"django", "httpx", "pydantic", "celery", "psycopg", "eth_abi", "eth_utils", "governance", "agent", "dao"}


def module(*arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "policies", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload]


def offline(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        status = main([str(one) for one in arguments])
    except SystemExit as end:  # argparse
        status = int(end.code or 0)
    return status, *capsys.readouterr()


def managed(*arguments: object) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("policy", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Documents that are good, wider, broken, in need of a chain, read back, and code."""
    text = PAYROLL.read_text()
    (tmp_path / "good.yaml").write_text(text)
    (tmp_path / "wider.yaml").write_text(text.replace("limit: 12,000", "limit: 13,000"))
    (tmp_path / "other.yaml").write_text(text.replace("name: payroll", "name: pay"))
    (tmp_path / "broken.yaml").write_text(text.replace("12,000 USDC", "12.000 USDC").replace("10 minutes", "soon"))
    (tmp_path / "listed.yaml").write_text(text.replace("[ines, jon, kim, lea, max]", "{file: people.txt}"))
    (tmp_path / "people.txt").write_text("ines\njon\n")
    (tmp_path / "named.yaml").write_text(text.replace('"0x1000000000000000000000000000000000000001"', "ines.eth"))
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "code.hex").write_text(json.loads(managed("compile", PAYROLL, "--json")[1])["code"])
    (tmp_path / "bad.hex").write_text("0x12")
    (tmp_path / "again.yaml").write_text(managed("decode", tmp_path / "code.hex")[1])
    return tmp_path


@pytest.mark.parametrize("action", ["check", "compile", "explain", "diff"])
def test_django_httpx_and_pydantic_are_not_imported_and_no_socket_is_used(action: str) -> None:
    arguments = [action, PAYROLL, *([PAYROLL] if action == "diff" else [])]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    imported = set(done.stderr.splitlines()[-1].split())
    assert done.returncode == 0, done.stderr
    assert "policies" in imported
    assert not imported & HEAVY
    assert bool(done.stdout) == (action != "diff")


CALLS = [
    *((action, name, *json_) for action in ("check", "compile", "explain") for json_ in ((), ("--json",))
      for name in ("good.yaml", "broken.yaml", "listed.yaml", "named.yaml", "latin.yaml", "code.hex", "bad.hex",
                   "again.yaml", "missing", "")),
    *(("diff", *names, *json_) for json_ in ((), ("--json",))
      for names in (("good.yaml", "wider.yaml"), ("wider.yaml", "good.yaml"), ("good.yaml", "good.yaml"),
                    ("good.yaml", "other.yaml"), ("good.yaml", "code.hex"), ("good.yaml", "broken.yaml"))),
    ("compile", "good.yaml", "--calldata", "--document"),
    ("compile", "again.yaml", "--read-back"),
    ("explain", "code.hex", "--with", "good.yaml"),
    ("explain", "code.hex", "--with", "missing"),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_prints_what_manage_py_prints(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, call: tuple[str, ...]
) -> None:
    monkeypatch.chdir(files)
    found = offline(capsys, *call)
    assert found == managed(*call)
    assert found[1] or found[2] or (call[0] == "diff" and found[0] == 0)


@pytest.mark.parametrize("action", ["check", "compile", "explain"])
def test_an_ens_name_is_refused_by_its_name_and_place(
    files: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    status, out, err = offline(capsys, action, files / "named.yaml")
    line = next(n for n, text in enumerate((files / "named.yaml").read_text().splitlines(), 1) if "ines.eth" in text)
    assert (status, out) == (1, "")
    assert err.startswith(f"{files / 'named.yaml'}:{line}:")
    assert '"ines.eth" was not resolved: an ENS name needs a chain; ' in err
    assert "`manage.py policy ... --rpc URL`, or write the address it stands for" in err
    status, out, err = offline(capsys, action, files / "named.yaml", "--json")
    assert (status, err) == (1, "")
    assert json.loads(out)["problems"][0]["line"] == line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", PAYROLL, "--rpc", "http://node"), "--rpc needs a chain, and this runs offline; use `manage.py"),
        (("check", PAYROLL, "--module", "0x" + "11" * 20), "--module needs a chain"),
        (("check", PAYROLL, "--dao", "demo", "--json"), "--dao needs a chain"),
        (("diff", PAYROLL, PAYROLL, "--rpc", "http://node"), "`manage.py policy diff ... --rpc URL`"),
        (("diff", "-", "-"), "only one of the two can be standard input"),
        (("check",), "required: file"),
        (("backtest", PAYROLL), "required: history"),
        ((), "required: "),
    ],
)
def test_wrong_usage_is_2(capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...], said: str) -> None:
    status, out, err = offline(capsys, *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.splitlines()[-1].startswith("python -m policies")


def test_a_file_that_is_no_policy_code_is_the_one_that_is_named(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = offline(capsys, "diff", files / "good.yaml", files / "bad.hex")
    assert (status, out) == (1, "")
    assert err.startswith(f"{files / 'bad.hex'}: this is no policy code: ")


def test_standard_input_is_read_for_a_dash() -> None:
    text = PAYROLL.read_text()
    done = module("check", "-", input=text)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "-: ok, 435 bytes of policy code, 1 warning"
    done = module("diff", "-", PAYROLL, input=text.replace("limit: 12,000", "limit: 13,000"))
    assert done.returncode == 1
    assert done.stdout.startswith("tighter: ")


def test_closed_streams_end_in_no_traceback() -> None:
    closed = f"{sys.executable} -m policies check - <&- ; {sys.executable} -m policies check {PAYROLL} >&-"
    done = subprocess.run(["bash", "-c", closed], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "-: standard input is closed; name a file\n"


@pytest.mark.parametrize(
    ("program", "status"), [("explain {good}", 0), ("diff {good} {wider}", 1), ("check {bad} 2>&1", 1)]
)
def test_a_reader_that_goes_away_changes_no_status(files: Path, program: str, status: int) -> None:
    """The reader is gone before anything is written, however little that is."""
    call = program.format(good=files / "good.yaml", wider=files / "wider.yaml", bad=files / "broken.yaml")
    command = f"(sleep 1; {sys.executable} -m policies {call}) | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (status, "")


def test_a_name_that_is_no_text_is_printed(tmp_path: Path) -> None:
    file = os.fsencode(tmp_path) + b"/p\xff.yaml"
    Path(os.fsdecode(file)).write_bytes(PAYROLL.read_bytes())
    done = subprocess.run([sys.executable.encode(), b"-m", b"policies", b"check", file], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b".yaml: ok, 435 bytes of policy code, 1 warning\n")


# Addresses that templates made up


def own(text: str) -> str:
    """The same with another address in the place of each that a template made up."""
    for address in EXAMPLES:
        text = text.replace(checksum(address), checksum(b"\x77" + address[1:]))
    return text


def test_addresses_that_a_template_made_up_are_named_as_long_as_one_is_left() -> None:
    said = "-:1:1: warning: addresses that a template made up are still here: {}; write your own: "
    untouched = module("check", "-", input=PAYROLL.read_text()).stdout
    assert untouched.startswith(said.format("the agent, the operator, USDC, ines, jon, kim, lea, max"))
    written = own(PAYROLL.read_text())
    assert module("check", "-", input=written).stdout == "-: ok, 435 bytes of policy code, no warnings\n"
    left = written.replace('kim: "0x77', 'kim: "0x30')
    assert module("check", "-", input=left).stdout.startswith(said.format("kim"))
    unnamed = written.replace("max]", f'max, "{checksum(bytes.fromhex("7a" + "0" * 37 + "1"))}"]')
    found = json.loads(module("check", "-", "--json", input=unnamed).stdout)["warnings"]
    assert [one["problem"] for one in found] == [
        "addresses that a template made up are still here: 0x7a00000000000000000000000000000000000001"
    ]


def test_every_address_of_a_template_is_known_to_be_made_up() -> None:
    written = {
        found for path in TEMPLATES.glob("*.yaml") for found in re.findall("0x[0-9a-fA-F]{40}", path.read_text())
    }
    assert {bytes.fromhex(address[2:]) for address in written} == EXAMPLES
