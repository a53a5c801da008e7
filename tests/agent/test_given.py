# SPDX-License-Identifier: Apache-2.0
"""Calls in files: the three forms that proposals are passed around in, and one clear line for everything else."""

import contextlib
import json

import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st

from agent.understanding import given
from agent.understanding.given import BadCalls
from governance.chain.abi import encode_call
from governance.chain.address import checksum
from governance.chain.call import ProposedCall
from tests.agent.test_flags import ADA, MALLORY, USDC

PAID = encode_call("transfer(address,uint256)", [ADA, 5])


def executable(**changes) -> str:
    entry = {"target": checksum(USDC), "value": "0", "calldata": "0x" + PAID.hex(), **changes}
    return json.dumps({"executableCalls": [{k: v for k, v in entry.items() if v is not None}]})


def test_executable_calls_are_read_with_signature_and_operation():
    (call,) = given.read(executable()).calls
    assert call == ProposedCall(USDC, 0, b"", PAID)
    (call,) = given.read(executable(signature="transfer(address,uint256)", calldata="0x" + PAID[4:].hex())).calls
    assert call.calldata == PAID
    (call,) = given.read(executable(operation=1, value=7, signature="")).calls
    assert (call.operation, call.value_wei) == (1, 7)
    assert given.read(executable(value=None)).calls[0].value_wei == 0
    assert given.read(executable(value="0x10")).calls[0].value_wei == 16
    assert given.read('{"executableCalls": []}').calls == ()


def test_a_batch_of_safes_transaction_builder_is_read():
    batch = {
        "version": "1.0",
        "chainId": "1",
        "meta": {"name": "Batch"},
        "transactions": [
            {"to": checksum(USDC), "value": "0", "data": "0x" + PAID.hex(), "contractMethod": None},
            {"to": checksum(ADA), "value": "1000000000000000000", "data": None},
            {
                "to": checksum(USDC),
                "value": "0",
                "data": None,
                "contractMethod": {
                    "name": "transfer",
                    "payable": False,
                    "inputs": [
                        {"name": "to", "type": "address", "internalType": "address"},
                        {"name": "amount", "type": "uint256", "internalType": "uint256"},
                    ],
                },
                "contractInputsValues": {"to": checksum(ADA), "amount": "5"},
            },
        ],
    }
    first, ether, built = given.read(json.dumps(batch)).calls
    assert first == built == ProposedCall(USDC, 0, b"", PAID)
    assert ether == ProposedCall(ADA, 10**18, b"", b"")


def test_the_builders_lists_and_structs_are_encoded_as_it_does():
    inputs = [
        {"name": "rows", "type": "tuple[]", "components": [{"name": "a", "type": "address"},
                                                            {"name": "ok", "type": "bool"}]},
        {"name": "marks", "type": "bytes32[2]"},
        {"name": "down", "type": "int8"},
    ]  # fmt: skip
    values = {
        "rows": json.dumps([[checksum(ADA), "true"], [checksum(MALLORY), False]]),
        "marks": ["0x" + "11" * 32, "0x" + "22" * 32],
        "down": "-3",
    }
    entry = {"to": checksum(USDC), "value": "0", "data": None, "contractMethod": {"name": "f", "inputs": inputs},
             "contractInputsValues": values}  # fmt: skip
    (call,) = given.read(json.dumps({"transactions": [entry]})).calls
    rows = [(ADA, True), (MALLORY, False)]
    assert call.data == encode_call("f((address,bool)[],bytes32[2],int8)", [rows, [b"\x11" * 32, b"\x22" * 32], -3])


def test_the_calldata_of_propose_is_read_with_its_text():
    oz = encode_call("propose(address[],uint256[],bytes[],string)", [[USDC, ADA], [0, 9], [PAID, b""], "# Pay Ada"])
    read = given.read("0x" + oz.hex() + "\n")
    assert read == given.Given((ProposedCall(USDC, 0, b"", PAID), ProposedCall(ADA, 9, b"", b"")), "# Pay Ada")
    bravo = encode_call(
        "propose(address[],uint256[],string[],bytes[],string)",
        [[USDC], [0], ["transfer(address,uint256)"], [PAID[4:]], "Pay"],
    )
    (call,) = given.read(json.dumps("0x" + bravo.hex())).calls
    assert call.calldata == PAID


def test_the_calldata_of_propose_is_read_without_its_first_four_bytes_and_without_0x():
    oz = encode_call("propose(address[],uint256[],bytes[],string)", [[USDC], [0], [PAID], "Pay"]).hex()
    whole = given.read("0x" + oz)
    for written in (oz, "0X" + oz.upper(), oz[8:], "0x" + oz[8:], "\ufeff0x" + oz, "0x" + oz[:90] + "\n" + oz[90:]):
        assert given.read(written) == whole


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "neither JSON nor hexadecimal"),
        ("{", "neither JSON nor hexadecimal"),
        ("[]", "neither"),
        ("{}", "executableCalls"),
        ('{"executableCalls": {}}', "no list"),
        ('{"executableCalls": [1]}', "executableCalls[0] is no object"),
        ('{"a": 1, "a": 2}', "same key twice"),
        ('{"executableCalls": [], "transactions": []}', "which of them is meant"),
        (executable(target=None), "executableCalls[0].target"),
        (executable(target="0x12"), "executableCalls[0].target"),
        (executable(target=checksum(ADA).replace("690F", "690f")), "checksum"),
        (executable(value="-1"), "executableCalls[0].value"),
        (executable(value=1.5), "executableCalls[0].value"),
        (executable(value=True), "executableCalls[0].value"),
        (executable(value=str(2**256)), "executableCalls[0].value"),
        (executable(calldata="0x1"), "executableCalls[0].calldata"),
        (executable(calldata="a9"), "executableCalls[0].calldata"),
        ('{"executableCalls": [{"target": "0x%s", "data": "0x12"}]}' % ("11" * 20), "write its bytes under"),
        (executable(calldata=7), "executableCalls[0].calldata"),
        (executable(operation=2), "operation"),
        (executable(signature=3), "signature"),
        ('{"transactions": [{"to": "x"}]}', "transactions[0].to"),
        ('{"transactions": [{"to": "0x%s", "contractMethod": {}}]}' % ("11" * 20), "contractMethod"),
        ("0xa9059cbb", "propose"),
        ("0xzz", "hexadecimal"),
        ("[" * 100_000, "nested"),
        ("0x" + encode_call("propose(address[],uint256[],bytes[],string)", [[USDC], [], [PAID], ""]).hex(), "lengths"),
        ("0x" + encode_call("propose(address[],uint256[],bytes[],string)", [[], [], [], ""]).hex() + "00", "exactly"),
    ],
)
def test_anything_else_is_one_line_that_says_where_and_why(content, problem):
    with pytest.raises(BadCalls) as raised:
        given.read(content)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


@given_by(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["executableCalls", "transactions", "target", "to", "value", "data", "calldata", "operation",
                         "contractMethod", "contractInputsValues", "inputs", "name", "type", "components"]),
        inner, max_size=5),
    max_leaves=20,
))  # fmt: skip
def test_no_json_makes_reading_fail_in_another_way(body):
    with contextlib.suppress(BadCalls):
        assert all(isinstance(call, ProposedCall) for call in given.read(json.dumps(body)).calls)
