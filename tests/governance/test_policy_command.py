# SPDX-License-Identifier: Apache-2.0
"""`manage.py policy`: one clear line per problem, exit 1, no traceback; machines get JSON."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from policies.encoding import codehash, decode

PAYROLL = Path(__file__).resolve().parents[2] / "policies" / "templates" / "payroll.yaml"


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("policy", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_compile_then_decode_and_explain(tmp_path: Path) -> None:
    status, out, _ = run("compile", PAYROLL, "--json", "--calldata")
    answer = json.loads(out)
    code = bytes.fromhex(answer["code"][2:])
    assert (status, answer["ok"], answer["codehash"]) == (0, True, "0x" + codehash(code).hex())
    assert decode(code)
    assert answer["code"][2:] in answer["calldata"]
    (tmp_path / "code.hex").write_text(answer["code"] + "\n")
    status, out, _ = run("decode", tmp_path / "code.hex", "--json")
    assert status == 0
    assert json.loads(out)["budgets"][0]["limit"] == "12000000000"
    status, out, _ = run("explain", tmp_path / "code.hex")
    assert status == 0
    assert "unknown token" in out
    status, out, _ = run("explain", PAYROLL)
    assert "at most 12,000 USDC in any 24 days" in out


def test_plain_output() -> None:
    assert "code: 0x01" in run("compile", PAYROLL)[1]
    assert run("check", PAYROLL)[1].endswith("ok, 427 bytes of policy code, no warnings\n")


def test_each_problem_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(PAYROLL.read_text().replace("12,000 USDC", "12.000 USDC").replace("10 minutes", "soon"))
    status, out, err = run("check", file)
    assert (status, out) == (1, "")
    lines = err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f'{file}:16:11: "soon" is not a duration; write ')
    status, out, _ = run("check", file, "--json")
    assert status == 1
    assert json.loads(out)["problems"][1]["line"] == 40


@pytest.mark.parametrize("action", ["compile", "decode", "explain", "check"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"0x0", b"0x12", b"x" * 2_000_000])
def test_bad_files_end_in_a_line(tmp_path: Path, action: str, content: bytes | None) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    status, out, err = run(action, file)
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert str(file) in err
