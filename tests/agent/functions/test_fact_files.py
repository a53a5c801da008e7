# SPDX-License-Identifier: Apache-2.0
"""Every line of the fact files is what it claims to be, and a look-up finds it."""

import os
import subprocess
import sys

import pytest

from agent.understanding.functions import (
    candidates,
    deployment,
    deployments,
    exact_fits,
    lines,
    names_by_hash,
    table,
    token,
    tokens,
)
from agent.understanding.functions.make.deployments import CHAINS, KINDS
from agent.understanding.functions.make.packages import PACKAGES
from governance.chain import abi
from governance.chain.address import checksum, to_bytes
from policies.known import lines as known_lines
from policies.known import tokens as known_tokens

FUNCTION_FILES = (table.PACKAGES, table.BY_HAND)
SEVEN = bytes.fromhex("7e" * 20)


def test_each_selector_is_that_of_its_signature_and_no_signature_stands_twice():
    seen: set[str] = set()
    for file in FUNCTION_FILES:
        before = ""
        for selector, text, source in lines.rows(file):
            name, inputs = table.parse(text)
            signature = f"{name}({','.join(part.type for part in inputs)})"
            assert abi.selector(signature).hex() == selector, text
            assert signature not in seen, f"{text} stands twice"
            assert f"{selector}\t{text}" > before, f"{text} is not in its place"
            assert source.isprintable()
            seen.add(signature)
            before = f"{selector}\t{text}"
    assert len(seen) > 4_500


def test_the_heads_name_each_source_at_its_pinned_version():
    files = [*(lines.FOLDER / name for name in (table.PACKAGES, "addresses.tsv", "labels.tsv")), known_tokens.FILE]
    for file in files:
        named = known_lines.sources(file)
        assert {row[-1] for row in known_lines.rows(file)} == set(named)
        assert named.items() <= PACKAGES.items()


def test_a_line_by_hand_says_where_it_is_from():
    for file in (table.BY_HAND, "addresses_by_hand.tsv"):
        for row in lines.rows(file):
            assert len(row[-1].split()) >= 2, f"{row}: a source is more than a word"


def test_every_deployment_has_a_checksummed_address_known_chains_and_a_kind():
    seen: set[tuple[str, str]] = set()
    kinds = {"contract", "permit2", "gnosis_amb", "multicall"} | {kind for _, _, kind in KINDS}
    for file in ("addresses.tsv", "addresses_by_hand.tsv"):
        for address, chains, kind, name, _source in lines.rows(file):
            assert address == checksum(to_bytes(address))
            assert name.isprintable()
            assert kind in kinds
            for chain in chains.split(","):
                assert int(chain) in CHAINS
                assert (address, chain) not in seen, f"{address} stands twice for chain {chain}"
                seen.add((address, chain))


def test_every_token_has_a_checksummed_address_and_a_plain_symbol():
    seen = set()
    for chain, address, symbol, decimals, _source in known_lines.rows(known_tokens.FILE):
        assert address == checksum(to_bytes(address))
        assert symbol.isascii()
        assert symbol.isprintable()
        assert 0 <= int(decimals) <= 36
        assert int(chain) in CHAINS
        assert (chain, address) not in seen
        seen.add((chain, address))


def test_a_function_is_found_by_its_selector_with_its_parameters_and_its_source():
    (found,) = candidates(abi.selector("setSubnodeOwner(bytes32,bytes32,address)"))
    assert found.signature == "setSubnodeOwner(bytes32,bytes32,address)"
    assert [part.name for part in found.inputs] == ["node", "label", "owner"]
    assert found.source.startswith("@ensdomains/")
    assert not found.by_hand


def test_a_tuples_parameters_keep_their_names():
    (found,) = candidates(abi.selector("scopeFunction(bytes32,address,bytes4,(uint8,uint8,uint8,bytes)[],uint8)"))
    conditions = found.inputs[3]
    assert (conditions.name, conditions.type) == ("conditions", "(uint8,uint8,uint8,bytes)[]")
    assert [part.name for part in conditions.parts] == ["parent", "paramType", "operator", "compValue"]


@pytest.mark.parametrize("selector", [b"", b"\x01", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xce\x00"])
def test_what_is_no_known_selector_has_no_candidates(selector):
    assert candidates(selector) == ()


def test_only_call_data_that_encodes_exactly_fits():
    calldata = abi.encode_call("setSubnodeOwner(bytes32,bytes32,address)", [b"\x01" * 32, b"\x02" * 32, SEVEN])
    (fit,) = exact_fits(calldata)
    assert fit.values == (b"\x01" * 32, b"\x02" * 32, SEVEN)
    assert exact_fits(calldata + b"\x00") == ()
    assert exact_fits(calldata[:-1]) == ()


def test_two_functions_of_one_selector_that_both_fit_are_both_given(monkeypatch):
    # A real pair: both have the selector 42966c68.
    pair = ("burn(uint256 amount)", "collate_propagate_storage(bytes16 x)")
    assert len({abi.selector(text.replace(" amount", "").replace(" x", "")) for text in pair}) == 1
    known = {bytes.fromhex("42966c68"): ((pair[0], "a package", False), (pair[1], "a person", True))}
    monkeypatch.setattr(table, "_lines", lambda: known)
    table._read.cache_clear()
    try:
        both = bytes.fromhex("42966c68") + bytes(32)
        assert [fit.function.name for fit in exact_fits(both)] == ["burn", "collate_propagate_storage"]
        assert [fit.function.name for fit in exact_fits(both, by_hand=False)] == ["burn"]
        only_one = bytes.fromhex("42966c68") + (5).to_bytes(32, "big")
        assert [fit.values for fit in exact_fits(only_one)] == [(5,)]
    finally:
        table._read.cache_clear()


def test_a_deployment_counts_only_on_its_own_chains():
    multisend = to_bytes("0x40A2aCCbd92BCA938b02010E17A5b8929b49130D")
    found = deployment(1, multisend)
    assert found is not None
    assert (found.kind, found.name) == ("multisend_call_only", "MultiSendCallOnly")
    assert found.source.startswith("@safe-global/safe-deployments@")
    assert deployment(5_000_000, multisend) is None
    inbox = to_bytes("0x4Dbd4fc535Ac27206064B68FfCf827b0A60BAB3f")
    assert [one.kind for one in deployments(inbox)] == ["arbitrum_inbox"]
    assert deployment(42161, inbox) is None
    assert deployments(SEVEN) == ()


def test_a_token_is_known_on_its_own_chain_with_its_decimals():
    usdc = to_bytes("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
    found = token(1, usdc)
    assert found is not None
    assert (found.symbol, found.decimals) == ("USDC", 6)
    assert token(10, usdc) is None
    assert found in tokens(1)
    assert all(one.chain_id == 10 for one in tokens(10))


def test_a_search_for_an_address_finds_the_tokens_of_every_chain():
    listed = [one for chain in CHAINS for one in known_tokens.tokens(chain)]
    some = {one.address for one in listed[::97]}
    assert len(some) > 15
    for address in some:
        assert set(known_tokens.at(address)) == {one for one in listed if one.address == address}
    assert known_tokens.at(SEVEN) == ()


def test_labels_are_plain_and_sorted():
    found = [label for label, _source in lines.rows("labels.tsv")]
    assert found == sorted(set(found))
    assert all(label.isascii() and label.isalnum() and label.islower() for label in found)


def test_a_name_is_known_by_its_hash_and_what_is_no_name_is_not():
    known = names_by_hash(("treasury.dao.eth", "The treasury", "Dao.eth", "a..b", "x" * 80))
    # namehash("eth") and namehash("addr.reverse") as ERC-137 and ERC-181 give them
    assert known.nodes[bytes.fromhex("93cdeb708b7545dc668eb9280176169d1c33cfd8ed6f04690a0bcc88a93fc4ae")] == "eth"
    assert (
        known.nodes[bytes.fromhex("91d1777781884d03a6757a803996e38de2a42967fb37eeaca72729271025a9e2")] == "addr.reverse"
    )
    assert {"dao.eth", "treasury.dao.eth", "8000a4b1.reverse"} <= set(known.nodes.values())
    assert not {"The treasury", "Dao.eth", "a..b"} & set(known.nodes.values())
    assert "treasury" in known.labels.values()
    assert "treasury.dao.eth" not in names_by_hash().nodes.values()


def test_nothing_is_read_before_it_is_asked_for():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from agent.understanding.functions import table, facts\n"
            "from policies.known import tokens\n"
            "print(table._lines.cache_info().currsize, facts._deployments.cache_info().currsize,"
            " tokens._tokens.cache_info().currsize)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["0", "0", "0"]
    assert known_tokens._tokens() is known_tokens._tokens()  # and read once


@pytest.mark.skipif(not os.environ.get("MANDATE_NPM"), reason="reads sixty npm packages: MANDATE_NPM=1")
def test_the_files_are_what_the_packages_say():
    done = subprocess.run(
        [sys.executable, "-m", "agent.understanding.functions.make", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
