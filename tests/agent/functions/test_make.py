# SPDX-License-Identifier: Apache-2.0
"""What the fact files are made from: literals of sources that nobody runs, ABIs, published addresses."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from agent.understanding.functions.make import __main__ as make
from agent.understanding.functions.make import deployments, literals
from agent.understanding.functions.make.abis import functions
from agent.understanding.functions.make.packages import BadPackage, Package
from governance.chain import abi

SET = {"type": "function", "name": "setTax", "stateMutability": "nonpayable"}
TAX = {**SET, "inputs": [{"name": "perMille", "type": "uint16"}]}
POINT = {"name": "at", "type": "tuple[]", "components": [{"name": "x", "type": "int8"}, {"type": "address"}]}
ONE = "0x1111111111111111111111111111111111111111"
TWO = "0x2222222222222222222222222222222222222222"


def packed(folder: Path, key: str, files: dict[str, str]) -> Package:
    """A package with these files, as npm packs it."""
    archive = folder / f"{key}.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for path, text in {"package.json": json.dumps({"license": "MIT"}), **files}.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return Package(key, f"{key}@1.0.0", archive, "sha512-x")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("[1, -2, 0x1f, 1_000n]", ["1", "-2", "0x1f", "1_000n"]),
        ('{a: \'x\', "b-c": "y", [K.D]: `z`, 7: true,}', {"a": "x", "b-c": "y", "K.D": "z", "7": True}),
        ("[ // one\n {/* two */ a: [] },\n]", [{"a": []}]),
        ("{a: !0, b: !1, c: null, d: other.name}", {"a": True, "b": False, "c": None, "d": "other.name"}),
        ("'it\\'s'", "it's"),
    ],
)
def test_literals_of_javascript_are_read(source, value):
    assert literals.literal(source, 0)[0] == value


@pytest.mark.parametrize("source", ["[...more]", "{a: f(1)}", "[1, 2", "{a 1}", "'open", "", "[" * 5000])
def test_what_is_no_plain_literal_is_refused(source):
    with pytest.raises(literals.NoLiteral):
        literals.literal(source, 0)


def test_an_assigned_name_is_found_whole_and_not_as_the_end_of_another():
    assert literals.assigned("var myBox = {a: 1}; exports.Box = {a: 2};", "exports.Box") == {"a": "2"}
    with pytest.raises(literals.NoLiteral):
        literals.assigned("var myBox = {a: 1}", "Box")


def test_functions_are_read_from_json_and_from_typescript(tmp_path):
    package = packed(
        tmp_path,
        "oz5",
        {
            "build/Tax.json": json.dumps({"contractName": "Tax", "abi": [TAX, {**TAX, "type": "event"}]}),
            "src/abi.ts": f"export const abi = [{{type: 'function', name: 'move', inputs: [{json.dumps(POINT)}], "
            "outputs: [], stateMutability: 'payable'}] as const;",
        },
    )
    assert functions(package) == {
        "setTax(uint16)": "setTax(uint16 perMille)",
        "move((int8,address)[])": "move((int8 x,address)[] at)",
    }


@pytest.mark.parametrize(
    "item",
    [
        {**TAX, "stateMutability": "view"},
        {**TAX, "stateMutability": "pure"},
        {"type": "function", "name": "old", "constant": True, "inputs": []},
        {**SET, "inputs": [{"name": "a", "type": "Tax.Kind"}]},
        {**SET, "name": "set Tax", "inputs": []},
    ],
)
def test_views_and_what_no_abi_can_call_are_left_out(tmp_path, item):
    assert functions(packed(tmp_path, "oz5", {"a.json": json.dumps([item])})) == {}


def test_contracts_made_for_tests_are_left_out(tmp_path):
    text = json.dumps([TAX])
    paths = (
        "test/A.json",
        "build/MockTax.json",
        "build/TaxHarness.json",
        "out/Vm.sol/Vm.json",
        "out/build-info/1.json",
    )
    files = dict.fromkeys(paths, text)
    assert functions(packed(tmp_path, "oz5", files)) == {}
    assert functions(packed(tmp_path, "oz4", {"build/TestamentTax.json": text}))


def test_the_first_package_that_names_the_parameters_gives_the_line(tmp_path):
    nameless = {**SET, "inputs": [{"name": "", "type": "uint16"}]}
    renamed = {**SET, "inputs": [{"name": "rate", "type": "uint16"}]}
    packages = [
        packed(tmp_path, key, {"a.json": json.dumps([item])})
        for key, item in (("oz3", nameless), ("oz4", TAX), ("oz5", renamed))
    ]
    assert make.function_lines(packages) == [f"{abi.selector('setTax(uint16)').hex()}\tsetTax(uint16 perMille)\toz4"]


def test_deployments_of_a_safe_package_are_told_by_chain_and_kind(tmp_path):
    raw = {
        "contractName": "MultiSend",
        "deployments": {"canonical": {"address": ONE}, "zksync": {"address": TWO}},
        "networkAddresses": {"1": "canonical", "10": ["canonical", "zksync"], "999999": "canonical"},
    }
    package = packed(tmp_path, "safe", {"dist/assets/v1.9.0/multi_send.json": json.dumps(raw)})
    assert make.address_lines([package]) == [
        f"{ONE}\t1,10\tmultisend\tMultiSend\tsafe",
        f"{TWO}\t10\tmultisend\tMultiSend\tsafe",
    ]


def test_a_package_whose_addresses_moved_is_refused(tmp_path):
    with pytest.raises(BadPackage, match="none of its addresses"):
        list(deployments.addresses(packed(tmp_path, "safe", {"elsewhere.json": "{}"})))
    with pytest.raises(BadPackage, match="has no file"):
        list(deployments.addresses(packed(tmp_path, "polygon", {})))


def test_a_token_whose_decimals_two_lists_tell_differently_is_refused(tmp_path):
    def listed(key: str, path: str, decimals: int) -> Package:
        token = {"chainId": 1, "address": ONE, "symbol": "TAX", "decimals": decimals}
        return packed(tmp_path, key, {path: json.dumps({"tokens": [token]})})

    first = listed("uniswap-tokens", "build/uniswap-default.tokenlist.json", 6)
    assert make.token_lines([first, listed("aave", "tokenlist.json", 6)]) == [f"1\t{ONE}\tTAX\t6\tuniswap-tokens"]
    with pytest.raises(BadPackage, match="decimals"):
        make.token_lines([first, listed("aave", "tokenlist.json", 18)])


def test_top_level_domains_in_other_scripts_are_left_out(tmp_path):
    package = packed(tmp_path, "tlds", {"index.json": json.dumps(["xyz", "みんな", "com", "xn--kpry57d"])})
    assert make.label_lines([package, packed(tmp_path, "oz5", {})]) == ["com\ttlds", "xyz\ttlds"]


def test_a_symbol_that_could_pass_for_another_is_left_out(tmp_path):
    tokens = [{"chainId": 1, "address": ONE, "symbol": symbol, "decimals": 6} for symbol in ("USDС", "US DC", "A\nB")]
    package = packed(tmp_path, "aave", {"tokenlist.json": json.dumps({"tokens": tokens})})
    assert make.token_lines([package]) == []
