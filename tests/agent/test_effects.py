# SPDX-License-Identifier: Apache-2.0
import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from agent.understanding.effects import (
    ETHER,
    MAX_EFFECTS,
    Book,
    Contract,
    Effect,
    Kind,
    effects_of,
    shown,
    with_published_tokens,
)
from agent.understanding.effects.names import moved_by_name
from agent.understanding.effects.table import entries
from governance.chain.abi import encode, encode_call, parse_type, selector, signature_types, split_types
from governance.chain.address import checksum
from governance.chain.call import ProposedCall
from policies.code import encoding
from policies.document import document
from policies.notation.amounts import Token, base_units, units
from policies.notation.visible import is_plain_line
from tests import pseudo
from tests.calls import plain_call

USDC, ADA, SAFE, TREASURY, TIMELOCK, GOVERNOR = (bytes([n]) * 20 for n in (0xC0, 0xAD, 0x5A, 0x7E, 0x71, 0x60))
MULTISEND = bytes.fromhex("9641d764fc13c8b624c04430c7356c1c7c8102e2")  # Safe's, on every chain
NAMES = {TREASURY: "the treasury"}
TOKENS = {USDC: Token("USDC", USDC, 6)}
BOOK = Book(
    NAMES, TOKENS,
    contracts={SAFE: Contract("safe"), TREASURY: Contract("treasury"), TIMELOCK: Contract("timelock", "time"),
               GOVERNOR: Contract("governor", "block")},
    executor=TIMELOCK,
)  # fmt: skip


def one(calldata: bytes, target: bytes = USDC, value_wei: int = 0, signature: str = ""):
    (effect,) = effects_of([plain_call(target, value_wei, calldata, signature)], BOOK)
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
        (call("upgradeToAndCall(address,bytes)", ADA, b""), Kind.UPGRADE,
         f"Replaces the code of {checksum(USDC)} by that of {checksum(ADA)}."),
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


def test_ether_that_goes_along_is_an_effect_of_its_own():
    paid, along = effects_of([plain_call(USDC, 10**18, call("transfer(address,uint256)", ADA, 1))], BOOK)
    assert (paid.id, paid.along, paid.parent) == ("e1", False, "")
    assert (along.kind, along.asset, along.amount, along.recipient) == (Kind.TRANSFER, ETHER, 10**18, USDC)
    assert (along.along, along.parent, along.moves) == (True, "e1", "money")
    assert along.sentence == f"Sends 1 ETH along to {checksum(USDC)}."


def test_what_is_run_in_new_code_is_an_effect_that_nobody_knows():
    data = call("transferOwnership(address)", TREASURY)
    upgrade, run = effects_of([plain_call(USDC, 0, call("upgradeToAndCall(address,bytes)", ADA, data))], BOOK)
    assert (upgrade.kind, upgrade.moves, run.kind, run.parent) == (Kind.UPGRADE, "power", Kind.UNKNOWN, "e1")
    assert (
        run.why
        == run.sentence
        == (f"Then runs 36 bytes of call data in the new code of {checksum(USDC)}: nobody can say what that does.")
    )
    assert run.addresses == (USDC, TREASURY)


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
    found = effects_of([plain_call(TIMELOCK, 0, batch)], BOOK)
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
    found = effects_of([plain_call(GOVERNOR, 5 * 10**18, data)], BOOK)
    assert [(effect.sentence, effect.parent) for effect in found] == [
        (f"Sends 3 ETH along to {checksum(GOVERNOR)}.", "e2"), (f"Transfers 2 ETH to {checksum(ADA)}.", ""),
    ]  # fmt: skip


def packed(operation: int, target: bytes, value: int, data: bytes) -> bytes:
    return bytes([operation]) + target + value.to_bytes(32, "big") + len(data).to_bytes(32, "big") + data


EXEC = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
FROM_MODULE = "execTransactionFromModule(address,uint256,bytes,uint8)"
PAID = call("transfer(address,uint256)", ADA, 5_000_000)


def test_a_safe_that_delegates_to_its_own_multisend_makes_the_calls_itself():
    multisend = call("multiSend(bytes)", packed(0, USDC, 0, PAID) + packed(0, ADA, 7, b""))
    found = effects_of([plain_call(SAFE, 0, call(FROM_MODULE, MULTISEND, 0, multisend, 1))], BOOK)
    assert [(effect.kind, effect.delegatecall, effect.maker) for effect in found] == [
        (Kind.TRANSFER, False, SAFE), (Kind.TRANSFER, False, SAFE),
    ]  # fmt: skip
    assert found[0].path == ("execTransactionFromModule", "multiSend")


def test_a_delegatecall_to_any_other_code_may_do_anything_whatever_its_data_looks_like():
    inside = packed(0, USDC, 0, PAID) + packed(1, USDC, 3, PAID) + packed(1, ADA, 0, b"\xde\xad\xbe\xef")
    batch = call(FROM_MODULE, MULTISEND, 0, call("multiSend(bytes)", inside), 1)
    paid, known, unknown = effects_of([plain_call(SAFE, 0, batch)], BOOK)
    assert (paid.kind, known.kind, unknown.kind) == (Kind.TRANSFER, Kind.EXECUTE, Kind.EXECUTE)
    assert (known.is_opaque, known.delegatecall, known.moves, known.amount) == (True, True, "power", None)
    assert known.details == (f"The call data looks like this: Transfers 5 USDC to {checksum(ADA)}.",)
    assert ADA in known.addresses
    assert unknown.details == ()
    stranger = one(call(FROM_MODULE, ADA, 0, call("multiSend(bytes)", packed(0, USDC, 0, PAID)), 1), SAFE)
    assert stranger.kind is Kind.EXECUTE


def test_a_delegatecall_that_the_proposal_itself_asks_for():
    batch = call("multiSend(bytes)", packed(0, USDC, 0, PAID))
    (paid,) = effects_of([ProposedCall(MULTISEND, 0, b"", batch, operation=1)], BOOK)
    assert (paid.kind, paid.maker) == (Kind.TRANSFER, TIMELOCK)
    (executed,) = effects_of([ProposedCall(USDC, 0, b"", PAID, operation=1)], BOOK)
    assert (executed.kind, executed.delegatecall) == (Kind.EXECUTE, True)


@pytest.mark.parametrize("target", [ADA, USDC, TREASURY, GOVERNOR])
@pytest.mark.parametrize("operation", [0, 1])
def test_only_a_known_contract_is_believed_to_make_the_calls_it_is_given(target, operation):
    """Of the treasury's own kind all are; of a stranger nobody knows what it does with them."""
    made = effects_of([plain_call(target, 5, call(FROM_MODULE, USDC, 0, PAID, operation))], BOOK)
    if target == TREASURY:
        assert [effect.kind for effect in made] == [Kind.TRANSFER, Kind.EXECUTE if operation else Kind.TRANSFER]
        return
    effect, along = made
    assert (effect.kind, effect.delegatecall) == (Kind.UNKNOWN, operation == 1)
    assert "not known to be a contract that makes the calls it is given" in effect.why
    assert set(effect.addresses) == {target, USDC}
    assert (along.along, along.amount, along.parent) == (True, 5, "e1")


@pytest.mark.parametrize(
    "data", [b"\0", packed(0, ADA, 0, b"1234")[:-1], packed(2, ADA, 0, b""), packed(0, ADA, 0, b"") + b"\0"]
)
def test_a_malformed_multisend_is_unknown(data):
    effect = one(call("multiSend(bytes)", data), MULTISEND)
    assert effect.kind is Kind.UNKNOWN
    assert "not well formed" in effect.why


def test_calls_inside_calls_end_somewhere():
    data = call("transfer(address,uint256)", ADA, 1)
    for _ in range(40):
        data = call("relay(address,uint256,bytes)", GOVERNOR, 0, data)
    effect = one(data, GOVERNOR)
    assert effect.kind is Kind.UNKNOWN
    assert "deeper than 6" in effect.why


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
    assert any("is impossible for the agent" in sentence for sentence in effect.details)


SIGNATURES = sorted(entry.signature for found in entries().values() for entry in found)
TARGETS = (USDC, ADA, SAFE, TREASURY, TIMELOCK, GOVERNOR, MULTISEND)


def values_of(kind: str) -> st.SearchStrategy:
    """Values of an ABI type, addresses mostly ones that mean something here."""
    of = parse_type(kind)
    if of.kind == "tuple":
        return st.tuples(*(values_of(part.text) for part in of.items))
    if of.kind == "array":
        return st.lists(values_of(of.items[0].text), min_size=max(of.size, 0), max_size=of.size if of.size >= 0 else 3)
    return {
        "address": st.sampled_from(TARGETS) | st.binary(min_size=20, max_size=20),
        "uint": st.integers(0, 3) | st.integers(0, 2**of.size - 1 if of.kind == "uint" else 0),
        "int": st.integers(-3, 3),
        "bool": st.booleans(),
        "fixed_bytes": st.binary(min_size=of.size, max_size=of.size),
        "bytes": st.binary(max_size=80) | st.just(PAID) | st.just(packed(1, ADA, 3, b"")),
        "string": st.text(max_size=20),
    }[of.kind]


known_calldata = st.sampled_from(SIGNATURES).flatmap(
    lambda signature: st.tuples(*map(values_of, signature_types(signature))).map(
        lambda values: encode_call(signature, values)
    )
)
nested_calldata = st.recursive(
    known_calldata | st.binary(max_size=400),
    lambda inner: st.tuples(st.sampled_from((SAFE, GOVERNOR, TIMELOCK)), st.integers(0, 9), inner).map(
        lambda made: call("relay(address,uint256,bytes)", *made)
    ),
    max_leaves=9,
)
any_call = st.builds(
    ProposedCall, st.sampled_from(TARGETS), st.integers(0, 9),
    st.sampled_from([b"", b"f()", b"pay(address,uint256)", b"\xff"]),
    nested_calldata, st.integers(0, 1),
)  # fmt: skip


entries()  # reads the tables once, before any example's time is taken


@given(any_call)
def test_no_call_breaks_the_decoder(given_call):
    for effect in effects_of([given_call], BOOK):
        assert effect.sentence.endswith((".", "”"))
        stored = json.loads(json.dumps(effect.as_json()))
        assert stored["kind"] == effect.kind
        assert shown(stored) == effect.sentence
        assert effect.is_opaque == (effect.why is not None)
        assert effect.moves in ("money", "power", "")


@given(st.sampled_from(SIGNATURES), st.data())
def test_every_address_of_a_decoded_call_takes_part(signature, data):
    """Also those that the sentence does not name: look-alikes are looked for among them."""
    types = signature_types(signature)
    values = data.draw(st.tuples(*map(values_of, types)))
    found = effects_of([plain_call(ADA, 0, encode_call(signature, values))], BOOK)  # a stranger: nothing is opened
    assert found[0].function == signature
    assert set(found[0].addresses) >= {ADA, *addresses_in(types, values)}


def addresses_in(types, values):
    """Every address among the values, by their types' texts alone."""
    for kind, value in zip(types, values, strict=True):
        if kind == "address":
            yield value
        elif kind.endswith("]"):
            yield from addresses_in([kind[: kind.rindex("[")]] * len(value), value)
        elif kind.startswith("("):
            yield from addresses_in(split_types(kind[1:-1]), value)


@given(st.sampled_from((USDC, ADA)), st.integers(1, 2**96), known_calldata | st.binary(max_size=80))
def test_the_coin_of_a_call_is_told_to_the_last_unit(target, value_wei, calldata):
    found = effects_of([plain_call(target, value_wei, calldata)], BOOK)
    sent = [effect for effect in found if effect.along or not calldata]
    assert [(effect.amount, effect.recipient, effect.asset) for effect in sent] == [(value_wei, target, ETHER)]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(0, 50))
def test_the_coin_of_a_container_is_what_its_calls_send_and_what_stays_there(sent, value_wei):
    batch = call(
        "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)",
        [ADA] * len(sent), sent, [b""] * len(sent), bytes(32), bytes(32),
    )  # fmt: skip
    found = effects_of([plain_call(TIMELOCK, value_wei, batch)], BOOK)
    assert [effect.amount for effect in found if not effect.along] == sent
    assert sum(effect.amount for effect in found if effect.along) == max(value_wei - sum(sent), 0)


@given(st.text(max_size=300))
def test_hostile_text_in_a_call_stays_on_one_line_and_is_seen(text):
    arguments = encode_call("f(string)", [text])[4:]
    for effect in effects_of([plain_call(ADA, 0, arguments, "f(string)")], BOOK):
        assert is_plain_line(effect.sentence)
        assert len(effect.sentence) < 600
        assert is_plain_line(json.dumps(effect.as_json(), ensure_ascii=False))


@given(st.integers(0, 2**256 - 1), st.integers(0, 36))
def test_amounts_are_exact_both_ways(amount, decimals):
    text = units(amount, decimals)
    assert base_units(Decimal(text.replace(",", "")), decimals) == amount


def test_json_carries_amounts_as_strings():
    body = one(call("transfer(address,uint256)", ADA, 2**255)).as_json()
    assert body["amount"] == str(2**255)
    assert body["recipient"] == checksum(ADA)


MAY_FAIL = "The Safe does not revert when this call fails."


@pytest.mark.parametrize(
    ("gas", "refund", "besides"),
    [
        ((0, 0, 0, bytes(20), bytes(20)), None, ()),
        ((0, 21_000, 3, USDC, ADA), (USDC, ADA, f"pays {checksum(ADA)} for gas: 0.000003 USDC for each"), (MAY_FAIL,)),
        ((0, 0, 1, bytes(20), bytes(20)), (ETHER, None, "pays whoever executes it for gas"), (MAY_FAIL,)),
        (
            (0, 0, 0, bytes(20), ADA),
            None,
            ("The call names a refund for gas that pays nothing, at a gas price of 0.",),
        ),
        ((1, 0, 0, bytes(20), bytes(20)), None, (MAY_FAIL,)),
    ],
)
def test_what_a_safe_does_besides_its_call_is_said(gas, refund, besides):
    *beside, effect = effects_of([plain_call(SAFE, 0, call(EXEC, USDC, 0, PAID, 0, *gas, b""))], BOOK)
    assert effect.sentence == f"Transfers 5 USDC to {checksum(ADA)}."
    assert effect.besides == besides
    if refund is None:
        assert beside == []
        return
    (paid,) = beside
    assert (paid.kind, paid.moves, paid.sender, paid.parent) == (Kind.REFUND, "money", SAFE, effect.id)
    assert (paid.asset, paid.recipient) == refund[:2]
    assert refund[2] in paid.sentence
    assert paid.recipient is None or paid.recipient in paid.addresses


def test_an_effect_knows_which_contracts_make_its_call():
    inner = call(EXEC, USDC, 0, PAID, 0, 0, 0, 1, bytes(20), bytes(20), b"")
    outer = call("perform(address,uint256,bytes)", SAFE, 0, inner)
    refund, effect = effects_of([plain_call(TREASURY, 0, outer)], BOOK)
    assert effect.path == ("perform", "execTransaction")
    assert effect.through == (TREASURY, SAFE)
    assert (refund.path, refund.through) == (("perform",), (TREASURY,))
    assert one(PAID).through == one(PAID).besides == ()


ROLES, INBOX, PORTAL, MULTICALL = (
    b"\x12" * 20,
    bytes.fromhex("4dbd4fc535ac27206064b68ffcf827b0a60bab3f"),  # Arbitrum One's, on Ethereum
    bytes.fromhex("beb5fc579115071764c7423a4f12edde41f106ed"),  # OP Mainnet's
    bytes.fromhex("ca11bde05977b3631167028862be2a173976ca11"),
)
TICKET = "createRetryableTicket(address,uint256,uint256,address,address,uint256,uint256,bytes)"


def test_a_message_to_another_chain_is_told_as_what_it_does_there():
    """No name and no token of the book is meant there, though the address be the same."""
    ticket = call(TICKET, USDC, 0, 1, ADA, SAFE, 2, 3, call("transfer(address,uint256)", TREASURY, 5))
    along, effect = effects_of([plain_call(INBOX, 9, ticket)], BOOK)
    assert (effect.kind, effect.chain, effect.moves) == (Kind.BRIDGE, "Arbitrum One", "money")
    assert (effect.asset, effect.amount, effect.recipient) == (None, None, TREASURY)
    assert effect.sentence == (
        f"On Arbitrum One, by a message: Transfers 5 base units of token {checksum(USDC)} to {checksum(TREASURY)}."
    )
    assert (along.amount, along.along, along.parent) == (9, True, effect.id)
    assert {ADA, SAFE} <= set(along.addresses)  # who gets back what is left
    assert checksum(ADA) in along.sentence
    assert checksum(SAFE) in along.sentence


def test_coin_that_a_message_pays_on_the_other_chain_keeps_its_amount():
    paid = call("depositTransaction(address,uint256,uint64,bool,bytes)", ADA, 7, 1, False, b"")
    along, effect = effects_of([plain_call(PORTAL, 7, paid)], BOOK)
    assert (effect.kind, effect.asset, effect.amount, effect.recipient) == (Kind.BRIDGE, ETHER, 7, ADA)
    assert (along.kind, along.amount, along.chain) == (Kind.TRANSFER, 7, "")
    elsewhere = replace(BOOK, ether="xDAI")
    assert effects_of([plain_call(PORTAL, 7, paid)], elsewhere)[1].amount is None
    made = call("depositTransaction(address,uint256,uint64,bool,bytes)", bytes(20), 0, 1, True, b"\1\2")
    assert one(made, PORTAL).why == "On OP Mainnet, by a message: Creates a contract from 2 bytes of code."


@pytest.mark.parametrize(
    ("target", "book", "chain"),
    [(INBOX, BOOK, "Arbitrum One"), (ADA, replace(BOOK, contracts={ADA: Contract("arbitrum_inbox")}), "another chain"),
     (INBOX, replace(BOOK, chain_id=None, contracts={INBOX: Contract("arbitrum_inbox")}), "another chain")],
)  # fmt: skip
def test_a_messenger_leads_to_a_chain_by_name_only_where_its_address_is_known(target, book, chain):
    (effect,) = effects_of([plain_call(target, 0, call(TICKET, USDC, 0, 1, ADA, SAFE, 2, 3, PAID))], book)
    assert effect.chain == chain
    assert effect.sentence.startswith(f"On {chain}, by a message: ")


def test_bytes_that_a_receiver_reads_as_it_likes_are_no_call_of_it():
    """Polygon's FxRoot hands them to the receiver's processMessageFromRoot."""
    root = bytes.fromhex("fe5e5d361b2ad62c541bab87c45a0b9b018389a2")
    effect = one(call("sendMessageToChild(address,bytes)", USDC, PAID), root)
    assert effect.kind is Kind.UNKNOWN
    assert effect.sentence == (
        f"On Polygon PoS, by a message: Hands {len(PAID)} bytes to {checksum(USDC)}: "
        "only its own code says what it does with them."
    )


def test_a_stranger_is_no_messenger_on_any_chain():
    unknown = call(TICKET, USDC, 0, 1, ADA, SAFE, 2, 3, PAID)
    assert one(unknown, ADA).kind is Kind.UNKNOWN
    (effect,) = effects_of([plain_call(INBOX, 0, unknown)], replace(BOOK, chain_id=31337))
    assert effect.kind is Kind.UNKNOWN
    there = one(call(TICKET, ADA, 0, 1, ADA, SAFE, 2, 3, call(FROM_MODULE, USDC, 0, PAID, 0)), INBOX)
    assert (there.kind, there.chain) == (Kind.UNKNOWN, "Arbitrum One")
    assert there.sentence.startswith("On Arbitrum One, by a message: Calls execTransactionFromModule on")


ITSELF = "%s makes this call itself: it pays out of what it holds, and has no rights but its own."


def test_a_smaller_allowance_is_no_approval():
    effect = one(call("decreaseAllowance(address,uint256)", ADA, 5_000_000))
    assert (effect.kind, effect.amount, effect.asset, effect.recipient) == (Kind.CALL, None, None, ADA)
    assert effect.sentence == f"Lets {checksum(ADA)} take 5 USDC less than before."


def test_calls_of_a_multicall_and_of_zodiac_roles_are_opened():
    book = replace(BOOK, contracts={**BOOK.contracts, ROLES: Contract("zodiac_roles_v2"), ADA: Contract("resolver")})
    role = call("execTransactionWithRole(address,uint256,bytes,uint8,bytes32,bool)", USDC, 0, PAID, 0, b"\1" * 32, True)
    many = call("aggregate3Value((address,bool,uint256,bytes)[])", [(USDC, True, 0, PAID), (ADA, False, 4, b"")])
    own = call("multicall(bytes[])", [call("pause()"), call("unpause()")])
    opened = effects_of([plain_call(ROLES, 0, role), plain_call(MULTICALL, 5, many), plain_call(ADA, 0, own)], book)
    assert [(effect.kind, effect.amount, effect.maker) for effect in opened] == [
        (Kind.TRANSFER, 5_000_000, ROLES), (Kind.TRANSFER, 1, None), (Kind.TRANSFER, 5_000_000, MULTICALL),
        (Kind.TRANSFER, 4, MULTICALL), (Kind.PAUSE, None, TIMELOCK), (Kind.PAUSE, None, TIMELOCK),
    ]  # fmt: skip
    assert opened[0].besides == (
        f"The account that {checksum(ROLES)} acts for makes this call, and only if the role it names allows it.",
    )
    assert opened[2].besides == (ITSELF % checksum(MULTICALL), "The other calls go on when this one fails.")
    assert opened[3].besides == (ITSELF % checksum(MULTICALL),)
    packed_call = call("multiSend(bytes)", packed(0, USDC, 0, PAID))
    assert one(packed_call, MULTISEND).besides == (ITSELF % checksum(MULTISEND),)
    assert (opened[1].along, opened[1].parent) == (True, opened[2].id)
    assert one(own, USDC).kind is Kind.UNKNOWN


def test_compounds_timelock_is_opened_by_the_text_that_names_the_function():
    data = call("transfer(address,uint256)", ADA, 5_000_000)[4:]
    for text, arguments in (("transfer(address,uint256)", data), ("", PAID)):
        queued = call("queueTransaction(address,uint256,string,bytes,uint256)", USDC, 0, text, arguments, 1_700_000_000)
        effect = one(queued, TIMELOCK)
        assert effect.sentence == f"Transfers 5 USDC to {checksum(ADA)}."
        assert effect.besides == ("It is only queued here, for Unix time 1700000000.",)


def test_the_proposals_own_signature_is_its_own_word():
    text = "_setCollateralFactorOf(address,uint256)"
    effect = one(encode(["address", "uint256"], [ADA, 75]), SAFE, signature=text)
    assert (effect.kind, effect.source, effect.function) == (Kind.CALL, "proposal", text)
    assert [(a.name, a.type, a.value) for a in effect.arguments] == [("", "address", ADA), ("", "uint256", 75)]
    assert effect.addresses == (SAFE, ADA)
    assert effect.sentence == (
        f"Calls a function on {checksum(SAFE)} that the proposal names {text}, with address = {checksum(ADA)}; "
        "uint256 = 75. Only the proposal's own words say so."
    )
    assert one(b"\1" * 64, signature=text).kind is Kind.UNKNOWN  # the data does not fit the text


def test_a_function_of_the_table_rests_on_the_proposals_word_where_nobody_knows_the_contract():
    text = "_setCollateralFactor(address,uint256)"
    data = encode(["address", "uint256"], [ADA, 75 * 10**16])
    assert one(data, ADA, signature=text).source == "proposal"
    assert one(data, SAFE, signature=text).source == "table"
    assert one(encode_call(text, [ADA, 75 * 10**16]), ADA).source == "table"
    assert one(PAID[4:], ADA, signature="transfer(address,uint256)").source == "own"


FACTORY = bytes.fromhex("4e1dcf7ad4e460cfd30791ccc4f9c8a4f820ec67")  # Safe's, on every chain, and its code
CODE = bytes.fromhex("41675c099f32341bf84bfc5382af534df5c7461a")
SETUP = "setup(address[],uint256,address,bytes,address,address,uint256,address)"
CREATE = "createProxyWithNonce(address,bytes,uint256)"
NOBODY = bytes(20)


def made_safe(setup: bytes, factory: bytes = FACTORY, code: bytes = CODE):
    return effects_of([plain_call(factory, 0, call(CREATE, code, setup, 1))], BOOK)


def test_a_new_safes_signers_are_told_where_factory_and_code_are_safes_own():
    setup = call(SETUP, [ADA, TREASURY], 2, NOBODY, b"", NOBODY, NOBODY, 0, NOBODY)
    made, signers = made_safe(setup)
    assert (made.kind, made.recipient) == (Kind.CALL, CODE)
    assert (signers.kind, signers.moves, signers.parent) == (Kind.ROLE_CHANGE, "power", "e1")
    assert signers.sentence == (
        f"Sets the new Safe up. Its signers are {checksum(ADA)}; the treasury ({checksum(TREASURY)}); 2 must sign; its "
        "fallback handler is none."
    )
    for factory, code in ((ADA, CODE), (FACTORY, ADA)):
        _, run = made_safe(setup, factory, code)
        assert (run.kind, run.parent) == (Kind.UNKNOWN, "e1")
        assert "nobody can say what that does" in run.why


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        (call(SETUP, [ADA], 1, USDC, b"\1", NOBODY, NOBODY, 0, NOBODY), f"runs the code of {checksum(USDC)}"),
        (call(SETUP, [ADA], 1, NOBODY, b"", NOBODY, NOBODY, 5, ADA), "also pays for that"),
        (b"\1\2\3\4", "4 bytes of call data in the new contract"),
        (call(SETUP, [ADA], 1, NOBODY, b"", NOBODY, NOBODY, 0, NOBODY) + b"\0", "bytes of call data"),
    ],
)
def test_a_set_up_that_does_more_is_opaque(setup, said):
    _, run = made_safe(setup)
    assert run.kind is Kind.UNKNOWN
    assert said in run.why


def test_a_factory_that_runs_nothing_has_one_effect():
    assert [effect.kind for effect in made_safe(b"")] == [Kind.CALL]


def test_arguments_have_their_names_where_an_interface_knows_them():
    paid = one(PAID)
    assert (paid.source, [(a.name, a.value) for a in paid.arguments]) == ("own", [("to", ADA), ("value", 5_000_000)])


@pytest.mark.parametrize(
    ("clock", "said"),
    [("time", "432,000 seconds (5 days)"), ("block", "432,000 blocks"),
     (None, "432,000 (by its own clock: blocks or seconds)")],
)  # fmt: skip
def test_a_voting_period_is_said_in_the_governors_own_clock(clock, said):
    book = Book(contracts={GOVERNOR: Contract("governor", clock)})
    (effect,) = effects_of([plain_call(GOVERNOR, 0, call("setVotingPeriod(uint32)", 432_000))], book)
    assert effect.sentence == f"Sets the voting period of {checksum(GOVERNOR)} to {said}."


def test_stored_effects_are_shown_in_the_readers_language():
    stored = json.loads(json.dumps([effect.as_json() for effect in effects_of(EVERYTHING, BOOK)]))
    assert [shown(effect) for effect in stored] == [effect["sentence"] for effect in stored]
    with pseudo.spoken():
        for effect in stored:
            # What stays: hexadecimal numbers, symbols, functions' names, names and values of arguments.
            left = re.sub(r"0x[0-9a-fA-F]{8,}|USDC|ETH|Arbitrum One|\bexec\w+", "", shown(effect))
            assert not re.search("[A-Za-z]{2}", left), (effect["sentence"], left)


@pytest.mark.parametrize(
    "said", [None, {}, {"code": "of a newer version", "values": {}}, {"code": "mint", "values": {}}]
)
def test_a_stored_effect_that_no_code_says_is_shown_as_it_was_written(said):
    with pseudo.spoken():
        assert shown({"sentence": "As it was.", "said": said}) == "As it was."


EVERYTHING = [
    plain_call(USDC, 10**18, PAID),
    plain_call(ADA, 1),
    plain_call(ADA),
    plain_call(TREASURY, 0, b"\1"),
    plain_call(ADA, 0, b"\1\2\3\4"),
    plain_call(USDC, 0, call("approve(address,uint256)", ADA, 2**256 - 1)),
    plain_call(ADA, 0, call("approve(address,uint256)", TREASURY, 5)),
    plain_call(SAFE, 0, call(EXEC, USDC, 0, PAID, 0, 1, 2, 3, USDC, ADA, b"")),
    plain_call(USDC, 0, call("grantRole(bytes32,address)", bytes(32), ADA)),
    plain_call(SAFE, 0, call("addOwnerWithThreshold(address,uint256)", ADA, 2)),
    plain_call(GOVERNOR, 0, call("setVotingPeriod(uint32)", 5)),
    plain_call(TIMELOCK, 0, call("updateDelay(uint256)", 86_400)),
    plain_call(ADA, 0, call(FROM_MODULE, USDC, 0, PAID, 1)),
    ProposedCall(USDC, 0, b"", PAID, operation=1),
    plain_call(USDC, 0, call("upgradeToAndCall(address,bytes)", ADA, b"\1\2")),
    plain_call(INBOX, 9, call(TICKET, USDC, 0, 1, ADA, SAFE, 2, 3, PAID)),
    plain_call(MULTICALL, 5, call("tryAggregate(bool,(address,bytes)[])", False, [(USDC, PAID)])),
    plain_call(GOVERNOR, 0, call("execute(address[],uint256[],bytes[],bytes32)", [USDC], [0], [PAID], bytes(32))),
    plain_call(
        TIMELOCK,
        0,
        call("executeBatch(address[],uint256[],bytes[],bytes32,bytes32)", [USDC], [], [], bytes(32), bytes(32)),
    ),
]


def test_the_page_about_effects_names_every_function_that_is_opened_and_whom_it_is_believed_of():
    page = (Path(__file__).resolve().parents[2] / "docs" / "effects.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for entry in (entry for found in entries().values() for entry in found if entry.is_container):
        name = entry.signature.partition("(")[0].replace("unsafeC", "c")
        believed = [kinds_in(row) for row in rows if f"`{name}" in row]
        assert any(entry.kinds <= kinds | {"*"} for kinds in believed), entry.signature
    for name in Effect.__dataclass_fields__:
        assert f"`{name}`" in page or name == "addresses"


def kinds_in(row: str) -> set[str]:
    return set(re.findall(r"[a-z_0-9]+", row.split("|")[2]))


@pytest.mark.parametrize(
    ("signature", "moves"),
    [
        ("setFeeRecipient(address)", "power"),
        ("setBeneficiary(address)", "power"),
        ("setKeeper(address)", "power"),
        ("setOracle(address,address)", "power"),
        ("setThing(uint256,address)", "power"),
        ("changeVault(address[])", "power"),
        ("forward(address,bytes)", "power"),
        ("execOnBehalf(bytes)", "power"),
        ("setFee(uint256)", "power"),
        ("rely(address)", "power"),
        ("sweepAll(address)", "money"),
        ("setName(string)", ""),
        ("setThing(uint256)", ""),
        ("runEpoch(bytes32)", ""),
        ("ping()", ""),
    ],
)
def test_a_name_without_a_meaning_moves_what_its_words_and_types_say(signature, moves):
    assert moved_by_name(signature) == moves


def test_whose_tokens_a_stream_takes_depends_on_the_contract_that_makes_it():
    collector = bytes.fromhex("464C71f6c2F760DdA6093dCB91C24c39e5d6e18c")  # Aave's, as its makers publish it
    calldata = call("createStream(address,uint256,address,uint256,uint256)", ADA, 5_000_000, USDC, 1, 2)
    (itself,) = effects_of([plain_call(collector, 0, calldata)], replace(BOOK, chain_id=1))
    assert itself.sender == collector
    assert itself.sentence.startswith(f"Streams 5 USDC out of {checksum(collector)} to {checksum(ADA)} from ")
    (of_caller,) = effects_of([plain_call(SAFE, 0, calldata)], replace(BOOK, chain_id=1))
    assert of_caller.sender is None
    assert of_caller.sentence.startswith("Puts 5 USDC into a stream")


def test_an_approval_of_one_block_says_so():
    """Permit2 reads an expiration of 0 as the time of its own block."""
    effect = one(call("approve(address,address,uint160,uint48)", USDC, ADA, 7_000_000, 0), SAFE)
    assert effect.sentence.endswith("until the end of the block that executes it.")


def test_tokens_of_published_lists_are_known_where_the_book_has_none_of_their_symbol():
    dai, other = (bytes.fromhex(one) for one in (
        "6b175474e89094c44da98b954eedeac495271d0f", "c00e94cb662c3520282e6f5717214004a7f26888"))  # fmt: skip
    calls = [plain_call(token, 0, PAID) for token in (dai, other, ADA)]
    book = with_published_tokens(calls, BOOK)
    assert book.tokens == {**TOKENS, dai: Token("DAI", dai, 18), other: Token("COMP", other, 18)}
    assert effects_of(calls, book)[0].sentence == f"Transfers 0.000000000005 DAI to {checksum(ADA)}."
    own = replace(BOOK, tokens={ADA: Token("dai", ADA, 6)})
    assert dai not in with_published_tokens(calls, own).tokens
    for elsewhere in (31337, None):
        assert with_published_tokens(calls, replace(BOOK, chain_id=elsewhere)).tokens == TOKENS


def test_long_lists_and_texts_of_arguments_are_cut_in_json_and_say_so():
    many = encode(["address[]", "string"], [[ADA] * 150, "x" * 2_000])
    shown_list, shown_text = one(many, SAFE, signature="pay(address[],string)").as_json()["arguments"]
    assert shown_list["value"][-1] == "… and 50 more"
    assert len(shown_list["value"]) == 101
    assert (len(shown_text["value"]), shown_text["value"][-1]) == (500, "…")


@pytest.mark.parametrize(
    "calldata", [PAID, call("approve(address,uint256)", ADA, 5), call("mint(address,uint256)", ADA, 5)]
)
def test_a_function_of_a_token_on_the_zero_address_moves_no_ether(calldata):
    """The zero address is how an asset names the chain's coin: such a call once read as a payment of ether."""
    effect = one(calldata, bytes(20))
    assert (effect.kind, effect.asset, effect.amount) == (Kind.UNKNOWN, None, None)
    assert "where no contract can be" in effect.why
    assert [e.amount for e in effects_of([plain_call(bytes(20), 5, calldata)], BOOK)] == [None, 5]


@pytest.mark.parametrize(
    "calldata",
    [call("rescueTokens(address,address,uint256)", bytes(20), ADA, 5),
     call("setFlowrate(address,address,int96)", bytes(20), ADA, 5),
     call("createStream(address,uint256,address,uint256,uint256)", ADA, 5, bytes(20), 5, 6)],
)  # fmt: skip
def test_the_zero_address_as_a_token_is_no_ether(calldata):
    """Some contracts take it for the coin, and most fail."""
    effect = one(calldata, SAFE)
    assert (effect.kind, effect.asset) == (Kind.UNKNOWN, None)
    assert "with the zero address as the token" in effect.why
