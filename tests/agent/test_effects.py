# SPDX-License-Identifier: Apache-2.0
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from agent.understanding.effects import ETHER, MAX_EFFECTS, Kind, base_units, effects_of, units
from governance.chain.abi import encode_call, selector
from governance.chain.address import checksum
from policies.code import encoding
from policies.document import document
from policies.notation.amounts import Token
from tests.calls import plain_call

USDC, ADA, SAFE, TREASURY = (bytes([n]) * 20 for n in (0xC0, 0xAD, 0x5A, 0x7E))
NAMES = {TREASURY: "the treasury"}
TOKENS = {USDC: Token("USDC", USDC, 6)}


def one(calldata: bytes, target: bytes = USDC, value_wei: int = 0, signature: str = ""):
    (effect,) = effects_of([plain_call(target, value_wei, calldata, signature)], NAMES, TOKENS)
    return effect


def call(signature: str, *args) -> bytes:
    return encode_call(signature, list(args))


@pytest.mark.parametrize(
    ("calldata", "kind", "sentence"),
    [
        (call("transfer(address,uint256)", ADA, 1_218_669_760_000), Kind.TRANSFER,
         f"Transfers 1,218,669.76 USDC to {checksum(ADA)}."),
        (call("transferFrom(address,address,uint256)", TREASURY, ADA, 1), Kind.TRANSFER,
         f"Transfers 0.000001 USDC from the treasury ({checksum(TREASURY)}) to {checksum(ADA)}."),
        (call("approve(address,uint256)", ADA, 2**256 - 1), Kind.APPROVE,
         f"Lets {checksum(ADA)} take any amount of USDC, without limit."),
        (call("approve(address,uint256)", ADA, 0), Kind.APPROVE, f"Lets {checksum(ADA)} take no more USDC."),
        (call("grantRole(bytes32,address)", bytes(32), ADA), Kind.ROLE_CHANGE,
         f"Grants the admin role (DEFAULT_ADMIN_ROLE) on {checksum(USDC)} to {checksum(ADA)}."),
        (call("transferOwnership(address)", ADA), Kind.ROLE_CHANGE,
         f"Makes {checksum(ADA)} the owner of {checksum(USDC)}."),
        (call("upgradeToAndCall(address,bytes)", ADA, b"\1\2"), Kind.UPGRADE,
         f"Replaces the code of {checksum(USDC)} by that of {checksum(ADA)}. Then runs 2 bytes of call data in it."),
        (call("updateDelay(uint256)", 172_800), Kind.PARAMETER_CHANGE,
         f"Sets the timelock delay of {checksum(USDC)} to 172,800 seconds (2 days)."),
    ],
)  # fmt: skip
def test_what_a_call_does_is_said_in_one_sentence(calldata, kind, sentence):
    effect = one(calldata)
    assert (effect.kind, effect.sentence) == (kind, sentence)


def test_ether_is_transferred_by_an_empty_call():
    effect = one(b"", ADA, 15 * 10**17)
    assert (effect.kind, effect.asset, effect.amount, effect.recipient) == (Kind.TRANSFER, ETHER, 15 * 10**17, ADA)
    assert effect.sentence == f"Transfers 1.5 ETH to {checksum(ADA)}."


def test_ether_that_goes_along_is_said():
    assert one(call("transfer(address,uint256)", ADA, 1), value_wei=10**18).sentence.endswith("Sends 1 ETH along.")


def test_bravos_signature_is_put_before_its_arguments():
    calldata = call("transfer(address,uint256)", ADA, 5)
    apart = one(calldata[4:], signature="transfer(address,uint256)")
    assert apart.sentence == one(calldata).sentence


@pytest.mark.parametrize(
    "calldata",
    [
        bytes.fromhex("deadbeef"),
        b"\1\2",
        call("transfer(address,uint256)", ADA, 5) + b"\0",  # trailing bytes: not exactly this call
        call("transfer(address,uint256)", ADA, 5)[:-1],
        selector("transfer(address,uint256)") + b"\xff" * 64,  # an address with dirty upper bytes
    ],
)
def test_what_does_not_decode_exactly_is_unknown_and_shows_its_selector(calldata):
    effect = one(calldata)
    assert effect.kind is Kind.UNKNOWN
    assert effect.is_opaque
    assert len(calldata) < 4 or "0x" + calldata[:4].hex() in effect.sentence


def test_containers_are_opened():
    inner = call("transfer(address,uint256)", ADA, 7_000_000)
    batch = call(
        "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)",
        [USDC, ADA], [0, 10**18], [inner, b""], bytes(32), bytes(32), 0,
    )  # fmt: skip
    found = effects_of([plain_call(SAFE, 0, batch)], NAMES, TOKENS)
    assert [(effect.id, effect.path, effect.sentence) for effect in found] == [
        ("e1", ("scheduleBatch",), f"Transfers 7 USDC to {checksum(ADA)}."),
        ("e2", ("scheduleBatch",), f"Transfers 1 ETH to {checksum(ADA)}."),
    ]


def test_what_the_treasury_performs_is_said_not_shown_as_bytes():
    data = call("perform(address,uint256,bytes)", USDC, 0, call("transfer(address,uint256)", ADA, 7_000_000))
    effect = one(data, TREASURY)
    assert (effect.path, effect.sentence) == (("perform",), f"Transfers 7 USDC to {checksum(ADA)}.")


def test_ether_that_a_container_keeps_is_said():
    data = call("relay(address,uint256,bytes)", ADA, 2 * 10**18, b"")
    found = effects_of([plain_call(SAFE, 5 * 10**18, data)], NAMES, TOKENS)
    assert [effect.sentence for effect in found] == [
        f"Transfers 3 ETH to {checksum(SAFE)}.", f"Transfers 2 ETH to {checksum(ADA)}.",
    ]  # fmt: skip


def packed(operation: int, target: bytes, value: int, data: bytes) -> bytes:
    return bytes([operation]) + target + value.to_bytes(32, "big") + len(data).to_bytes(32, "big") + data


def test_a_delegatecall_inside_a_safe_and_a_multisend_is_said_of_everything_inside():
    transfer = call("transfer(address,uint256)", ADA, 1)
    multisend = call("multiSend(bytes)", packed(0, USDC, 0, transfer) + packed(1, ADA, 0, b"\xde\xad\xbe\xef"))
    execute = call(
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
        SAFE, 0, multisend, 1, 0, 0, 0, bytes(20), bytes(20), b"",
    )  # fmt: skip
    found = effects_of([plain_call(SAFE, 0, execute)], NAMES, TOKENS)
    assert [effect.kind for effect in found] == [Kind.TRANSFER, Kind.UNKNOWN]
    assert all(effect.delegatecall for effect in found)
    assert found[1].sentence.startswith("By delegatecall")


@pytest.mark.parametrize(
    "data", [b"\0", packed(0, ADA, 0, b"1234")[:-1], packed(2, ADA, 0, b""), packed(0, ADA, 0, b"") + b"\0"]
)
def test_a_malformed_multisend_is_unknown(data):
    assert one(call("multiSend(bytes)", data)).kind is Kind.UNKNOWN


def test_calls_inside_calls_end_somewhere():
    data = call("transfer(address,uint256)", ADA, 1)
    for _ in range(40):
        data = call("relay(address,uint256,bytes)", USDC, 0, data)
    assert one(data).kind is Kind.UNKNOWN


def test_more_calls_than_anybody_reads_are_not_decoded():
    found = effects_of([plain_call(ADA, 1, b"")] * (MAX_EFFECTS + 50))
    assert len(found) == MAX_EFFECTS


@pytest.mark.parametrize("code", [b"rubbish", b""])  # no code ends no policy: the module refuses it like any other
def test_a_policy_that_no_module_would_take_is_not_explained(code):
    effect = one(call("setPolicy(bytes32,bytes)", b"\1" * 32, code), SAFE)
    assert effect.kind is Kind.UNKNOWN
    assert "can't be read" in effect.sentence


def test_a_policy_is_said_in_words_from_its_code():
    template = Path(policies.__file__).parent / "templates" / "payroll.yaml"
    policy_document = document.load(template.read_text())
    code = encoding.encode(policy_document)
    effect = one(call("setPolicy(bytes32,bytes)", encoding.policy_id("payroll"), code), SAFE)
    assert effect.kind is Kind.POLICY_SET
    assert effect.recipient == encoding.decode(code).agent
    assert effect.new_value == "0x" + encoding.codehash(code).hex()
    assert any("Everything else is impossible" in sentence for sentence in effect.details)


@given(st.binary(max_size=400), st.sampled_from([b"", *(selector(s) for s in (
    "multiSend(bytes)", "setPolicy(bytes32,bytes)", "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)",
    "upgradeToAndCall(address,bytes)", "relay(address,uint256,bytes)"))]))  # fmt: skip
def test_no_calldata_breaks_the_decoder(data, prefix):
    for effect in effects_of([plain_call(USDC, 0, prefix + data)], NAMES, TOKENS):
        assert effect.sentence.endswith(".")
        assert effect.as_json()["kind"] == effect.kind


@given(st.integers(0, 2**256 - 1), st.integers(0, 36))
def test_amounts_are_exact_both_ways(amount, decimals):
    text = units(amount, decimals)
    assert base_units(Decimal(text.replace(",", "")), decimals) == amount


def test_json_carries_amounts_as_strings():
    body = one(call("transfer(address,uint256)", ADA, 2**255)).as_json()
    assert body["amount"] == str(2**255)
    assert body["recipient"] == checksum(ADA)


EXEC = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
PAID = call("transfer(address,uint256)", ADA, 5_000_000)


@pytest.mark.parametrize(
    ("gas", "besides"),
    [
        ((0, 0, 0, bytes(20), bytes(20)), ()),
        (
            (0, 21_000, 3, USDC, ADA),
            (
                f"The Safe also pays {checksum(ADA)} for gas: 3 base units of token {checksum(USDC)} for each unit of "
                "gas used and for 21,000 units more.",
                "The Safe does not revert when this call fails.",
            ),
        ),
        (
            (0, 0, 1, bytes(20), bytes(20)),
            (
                "The Safe also pays whoever executes it for gas: 1 base units of ETH for each unit of gas used and for "
                "0 units more.",
                "The Safe does not revert when this call fails.",
            ),
        ),
        (
            (0, 0, 0, bytes(20), ADA),
            ("The call names a refund for gas that pays nothing, at a gas price of 0.",),
        ),
        ((1, 0, 0, bytes(20), bytes(20)), ("The Safe does not revert when this call fails.",)),
    ],
)
def test_what_a_safe_does_besides_its_call_is_said(gas, besides):
    effect = one(call(EXEC, USDC, 0, PAID, 0, *gas, b""), SAFE)
    assert effect.besides == besides
    assert effect.sentence == " ".join((f"Transfers 5 USDC to {checksum(ADA)}.", *besides))


def test_an_effect_knows_which_contracts_make_its_call():
    inner = call(EXEC, USDC, 0, PAID, 0, 0, 0, 1, bytes(20), bytes(20), b"")
    outer = call("perform(address,uint256,bytes)", SAFE, 0, inner)
    effect = one(outer, TREASURY)
    assert effect.path == ("perform", "execTransaction")
    assert effect.through == (TREASURY, SAFE)
    assert len(effect.besides) == 2
    assert one(PAID).through == one(PAID).besides == ()
