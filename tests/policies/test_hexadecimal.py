# SPDX-License-Identifier: Apache-2.0
"""Hexadecimal text has one home: how it is written and read, and that nobody writes it by hand."""

import ast
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.notation.hexadecimal import hex_bytes, hex_text

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("policies", "governance", "replay", "agent", "presentation", "webapp", "dao")
# One for each log of a busy DAO's past: a call for each word would cost a tenth of the whole reading.
MEASURED = {"governance/chain/rpc/values.py": 3}
# People and wallets may leave the 0x out.
FROM_PEOPLE = {
    "agent/management/commands/verify_record.py": 1,
    "webapp/account/signin.py": 1,
    "webapp/api_input.py": 1,
}
HOME = {"policies/notation/hexadecimal.py": 2}


@given(st.binary())
def test_what_is_written_is_read(value):
    assert hex_bytes(hex_text(value)) == value
    assert hex_bytes("0x" + hex_text(value)[2:].upper()) == value
    assert hex_text(memoryview(value)) == hex_text(value) == "0x" + value.hex()


@pytest.mark.parametrize("text", ["", "00", "0X00", "x00", "0x0", "0xzz", "0x0x00", " 0x00"])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match="hexadecimal"):
        hex_bytes(text)


def by_hand(tree: ast.AST) -> list[int]:
    """Lines that put `0x` in front of `.hex()`, or take two characters off what `fromhex` reads."""

    def is_digits(node: ast.AST) -> bool:
        if isinstance(node, ast.Subscript | ast.FormattedValue):
            return is_digits(node.value)
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "hex"

    def ends_in_0x(node: ast.AST) -> bool:
        return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith("0x")

    def is_cut(node: ast.AST) -> bool:
        return (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)) or (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "removeprefix"
        )

    found = []
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(left=left, op=ast.Add(), right=right) if ends_in_0x(left) and is_digits(right):
                found.append(node.lineno)
            case ast.JoinedStr(values=values):
                pairs = itertools.pairwise(values)
                found += [node.lineno for first, then in pairs if ends_in_0x(first) and is_digits(then)]
            case ast.Call(func=ast.Name(id="fromhex") | ast.Attribute(attr="fromhex"), args=[text]) if is_cut(text):
                found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    "written",
    ['"0x" + a.hex()', '"of 0x" + a.b().hex()[:8]', 'f"0x{a.hex()}"', 'f"{b} 0x{a.hex()[:8]}:{c}"',
     "bytes.fromhex(a[2:])", 'bytes.fromhex(a.removeprefix("0x"))', "fromhex(a['b'][2:])"],
)  # fmt: skip
def test_what_is_written_by_hand_is_found(written):
    assert by_hand(ast.parse(written)) == [1]


def test_nobody_writes_it_by_hand():
    found = {}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            if "migrations" not in path.parts and (lines := by_hand(ast.parse(path.read_text()))):
                found[str(path.relative_to(ROOT))] = lines
    assert {name: len(lines) for name, lines in found.items()} == MEASURED | FROM_PEOPLE | HOME, found
