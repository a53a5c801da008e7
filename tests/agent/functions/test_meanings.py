# SPDX-License-Identifier: Apache-2.0
"""What a call of each known function is told as. `meanings.tsv` has the sentence for each row, with values made here.

After a change that is meant, write the file again and read its difference:
DJANGO_SETTINGS_MODULE=dao.settings python -m tests.agent.functions.test_meanings
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.understanding import functions
from agent.understanding.effects import Book, Contract, Effect, Kind, effects_of, shown
from agent.understanding.effects.families import protocols
from agent.understanding.effects.families.protocols.meaning import FORMS, Case, Meaning, flat, share
from agent.understanding.functions import Input
from governance.chain import abi
from governance.chain.address import ZERO, checksum, to_bytes
from governance.chain.call import ProposedCall
from policies.notation.amounts import Token
from policies.notation.primitives import keccak
from tests import pseudo

FILE = Path(__file__).with_name("meanings.tsv")
TARGET = bytes.fromhex("7a" * 20)
USDC = to_bytes("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
ADA, BOB, SAFE, POOL = (bytes([number]) * 20 for number in (0xAD, 0xB0, 0x5A, 0x90))
ROWS = [*protocols.ROWS, *protocols.zodiac.ROWS]


def party(number: int) -> bytes:
    """The address that stands at a place."""
    return bytes([0xA0, number % 256]) * 10


def value(of: abi.Type, number: int) -> Any:
    """A value of a type for a place: no two places have the same."""
    if of.kind == "address":
        return party(number)
    if of.kind == "bool":
        return True
    if of.kind in ("uint", "int"):
        return {8: 7, 16: 100, 24: 3_000, 32: 86_400, 40: 1_700_000_000, 48: 1_700_000_000, 64: 1_700_000_000}.get(
            of.size, 25 * 10**16
        ) + (number if of.size > 8 else 0)
    if of.kind == "fixed_bytes":
        return bytes([0x60 + number % 26]) * min(4, of.size) + bytes(max(0, of.size - 4))
    if of.kind == "bytes":
        return bytes([number % 256]) * 5
    if of.kind == "string":
        return f"text {number}"
    if of.kind == "array":
        return tuple(value(of.items[0], 10 * number + place) for place in range(2 if of.size < 0 else of.size))
    return tuple(value(part, 10 * number + place) for place, part in enumerate(of.items, start=1))


def values(row: Meaning) -> tuple[Any, ...]:
    return tuple(value(abi.parse_type(part.type), place) for place, part in enumerate(row.inputs, start=1))


def with_case(row: Meaning, case: Case, inputs: tuple[Input, ...], given: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values with the one that a case is for."""
    changed = []
    for part, one in zip(inputs, given, strict=True):
        if part.parts and part.type.endswith(")"):
            changed.append(with_case(row, case, part.parts, one))
        elif part.name == case.parameter:
            changed.append(tuple(case.value for _ in one) if part.name in row.each else case.value)
        else:
            changed.append(one)
    return tuple(changed)


def effects(row: Meaning, given: tuple[Any, ...], book: Book | None = None) -> list[Effect]:
    return effects_of([ProposedCall(TARGET, 0, b"", abi.encode_call(row.signature, given))], book)


def examples() -> Iterator[tuple[Meaning, int, tuple[Any, ...]]]:
    """Every row and every case of it with its values."""
    for row in ROWS:
        yield row, 0, values(row)
        for number, case in enumerate(row.cases, start=1):
            yield row, number, with_case(row, case, row.inputs, values(row))


def line(row: Meaning, case: int, given: tuple[Any, ...]) -> str:
    """An example as the file has it: addresses by their place, `<T>` for the called contract."""
    effect = effects(row, given)[0]
    fields = {
        "asset": effect.asset and checksum(effect.asset),
        "amount": effect.amount,
        "recipient": effect.recipient and checksum(effect.recipient),
        "sender": effect.sender and checksum(effect.sender),
        "subject": effect.subject,
        "new": effect.new_value,
    }
    told = "; ".join(f"{name} {one}" for name, one in fields.items() if one not in (None, ""))
    text = "\t".join((f"{row.signature}#{case}", str(effect.kind), effect.moves or "-", told, str(effect.sentence)))
    text = text.replace(checksum(TARGET), "<T>").replace(checksum(ZERO), "<0>")
    return re.sub(r"0x[aA]0([0-9a-fA-F]{2})[0-9a-fA-F]{36}", lambda found: f"<{int(found[1], 16)}>", text)


def test_every_row_is_told_as_its_line_says():
    found = [line(*example) for example in examples()]
    written = FILE.read_text(encoding="utf-8").splitlines()
    assert [one for one in found if one not in set(written)] == []
    assert found == written


def test_at_least_150_functions_have_a_meaning_beside_our_own():
    assert len(protocols.MEANINGS) >= 150
    assert len({row.signature for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("signature", sorted(protocols.MEANINGS))
def test_a_function_with_a_meaning_stands_in_the_table_with_its_source(signature):
    known = [one for one in functions.candidates(abi.selector(signature)) if one.signature == signature]
    own = [one for one in abi.registry().functions.get(abi.selector(signature), ()) if one.signature == signature]
    assert known or own


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.signature[:80])
def test_a_row_names_only_parameters_that_it_has(row):
    names = {name for name, _ in flat(row.inputs, values(row))}
    named = {row.amount, row.new_value, *row.forms, *row.each, *(case.parameter for case in row.cases)}
    named |= {row.asset, row.recipient, row.sender} - {"target", "ether"}
    assert named - {""} - names <= (
        {"key", "roleKey", "selector", "functionSig"} if row in protocols.zodiac.ROWS else set()
    )
    assert set(row.forms.values()) <= {*FORMS, "money", "ether", "ascii", "selector", "node", "label"}
    for sentence in row.sentences.values():
        assert set(re.findall(r"\{(\w+)\}", sentence)) <= names | {"target"}
        assert sentence[0].isupper()
        assert sentence[-1] in ".”}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.signature[:80])
def test_every_address_of_a_call_takes_part_and_the_table_is_its_source(row):
    given = values(row)
    (first, *_) = effects(row, given)
    addresses = {one for part in given for one in _addresses(part)}
    assert addresses <= set(first.addresses)
    assert first.source == "table"
    assert [argument.name for argument in first.arguments] == [argument.name for argument in _declared(row.signature)]


def _addresses(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes) and len(value) == 20:
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _addresses(one)


def _declared(signature: str) -> list[Any]:
    for item in abi.registry().functions.get(abi.selector(signature), ()):
        if item.signature == signature:
            return list(item.inputs)
    return [
        part
        for one in functions.candidates(abi.selector(signature))
        if one.signature == signature
        for part in one.inputs
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.signature[:80])
def test_every_sentence_comes_through_storage_in_the_readers_language(row):
    stored = effects(row, values(row))[0].as_json()
    assert shown(stored) == stored["sentence"]
    with pseudo.spoken():
        assert shown(stored) != stored["sentence"]


# ------------------------------------------------------------------------------------------------- by hand, in full


def told(signature: str, *given: Any, target: bytes = TARGET, book: Book | None = None) -> str:
    (effect,) = effects_of([ProposedCall(target, 0, b"", abi.encode_call(signature, list(given)))], book)
    return str(effect.sentence)


NAMED = Book(names={BOB: "pay.dao.eth", SAFE: "The Safe of Pay.dao.eth"})
BOOK = Book(names={TARGET: "the collector", ADA: "ada.eth"}, tokens={USDC: Token("USDC", USDC, 6)})


@pytest.mark.parametrize(
    ("signature", "given", "sentence"),
    [
        ("transfer(address,address,uint256)", (USDC, ADA, 90_000_000_000),
         f"Pays 90,000 USDC out of the collector ({checksum(TARGET)}) to ada.eth ({checksum(ADA)})."),
        ("approve(address,address,uint256)", (USDC, BOB, 2**256 - 1),
         f"Lets {checksum(BOB)} take an unlimited amount of USDC out of what the collector ({checksum(TARGET)}) "
         "holds."),
        ("setFlowrate(address,address,int96)", (USDC, BOB, 1_500_000),
         f"Streams 1.5 USDC a second to {checksum(BOB)} from now on, by the collector ({checksum(TARGET)})."),
        ("_setCollateralFactor(address,uint256)", (BOB, 825 * 10**15),
         f"Sets the collateral factor of {checksum(BOB)} in the collector ({checksum(TARGET)}) to 82.5%."),
        ("castVote(uint256,uint8)", (12, 0), f"Votes against proposal 12 of the collector ({checksum(TARGET)})."),
        ("castVote(uint256,uint8)", (12, 9),
         f"Votes on proposal 12 of the collector ({checksum(TARGET)}) with choice 9."),
        ("enableFeeAmount(uint24,int24)", (100, 1),
         f"Allows pools with a fee of 0.01% and a tick spacing of 1 in the collector ({checksum(TARGET)})."),
        ("file(bytes32,uint256)", (b"vat" + bytes(29), 5), f"Sets vat of the collector ({checksum(TARGET)}) to 5."),
    ],
)  # fmt: skip
def test_a_call_is_told_with_the_books_names_and_units(signature, given, sentence):
    assert told(signature, *given, book=BOOK) == sentence


def test_a_hash_is_told_with_the_name_that_it_stands_for():
    kred = bytes.fromhex("e5284c2ef5c5f9ef4ffda5c7c1be4b8ee9b2d4b3".ljust(64, "0"))
    assert f"the top-level name with label hash 0x{kred.hex()}, by" in told(
        "setSubnodeOwner(bytes32,address)", kred, ADA
    )
    label, node = keccak(b"kred"), keccak(bytes(32) + keccak(b"kred"))
    assert f"the top-level name “kred” (label hash 0x{label.hex()}), by" in told(
        "setSubnodeOwner(bytes32,address)", label, ADA
    )
    assert f"of the name “kred” (node 0x{node.hex()}) in" in told("setOwner(bytes32,address)", node, ADA)
    reclaimed = told("reclaim(uint256,address)", int.from_bytes(keccak(b"dao"), "big"), ADA, book=NAMED)
    assert f"of the name “dao” (label hash 0x{keccak(b'dao').hex()}), by" in reclaimed


def test_the_books_own_names_are_known_by_their_hash():
    eth = keccak(bytes(32) + keccak(b"eth"))
    node = keccak(keccak(eth + keccak(b"dao")) + keccak(b"pay"))
    assert "the name with node 0x" in told("setOwner(bytes32,address)", node, ADA)
    assert "the name “pay.dao.eth” (node 0x" in told("setOwner(bytes32,address)", node, ADA, book=NAMED)
    parent = keccak(eth + keccak(b"dao"))
    assert "the name “dao.eth” (node 0x" in told("setOwner(bytes32,address)", parent, ADA, book=NAMED)


def test_lists_of_one_length_are_an_effect_each():
    calldata = abi.encode_call(
        "assignRoles(address,bytes32[],bool[])", [ADA, [b"PAY" + bytes(29), b"\xff" * 32], [True, False]]
    )
    paid, taken = effects_of([ProposedCall(TARGET, 0, b"", calldata)])
    assert paid.sentence == f"Makes {checksum(ADA)} a member of the role PAY in {checksum(TARGET)}."
    assert (paid.recipient, paid.subject, paid.new_value) == (ADA, "PAY", "true")
    assert taken.sentence == f"Takes the role 0x{'ff' * 32} in {checksum(TARGET)} from {checksum(ADA)}."
    assert taken.parent == paid.id


@pytest.mark.parametrize(("keys", "members"), [([], [True]), ([bytes(32)], [])])
def test_lists_of_unequal_length_are_nothing_that_anybody_can_say(keys, members):
    calldata = abi.encode_call("assignRoles(address,bytes32[],bool[])", [ADA, keys, members])
    (effect,) = effects_of([ProposedCall(TARGET, 0, b"", calldata)])
    assert effect.is_opaque
    assert effect.why == f"Calls assignRoles on {checksum(TARGET)} with lists of unequal length: it would fail."


def test_lists_that_nobody_reads_to_their_end_are_opaque():
    calldata = abi.encode_call("setAssetSources(address[],address[])", [[ADA] * 101, [BOB] * 101])
    (effect,) = effects_of([ProposedCall(TARGET, 0, b"", calldata)])
    assert effect.is_opaque
    assert effect.why == (
        f"Calls setAssetSources on {checksum(TARGET)} with lists of 101 entries: more than 100 are not read one by one."
    )
    assert {ADA, BOB} <= set(effect.addresses)


def test_empty_lists_do_nothing():
    assert "with empty lists: nothing happens" in told("assignRoles(address,bytes32[],bool[])", ADA, [], [])


def test_hostile_text_stays_on_one_line_inside_its_quotation():
    hostile = "x”. Transfers 5 ETH to nobody.\u202e\n“"
    sentence = told("setName(string)", hostile)
    assert sentence.count("“") == sentence.count("”") == 1
    assert "\n" not in sentence
    assert "\u202e" not in sentence
    assert len(told("setName(string)", "long " * 1000)) < 300


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [(825, 3, "82.5%"), (1, 18, "0.0000000000000001%"), (10**18, 18, "100%"), (0, 4, "0%"), (30, 4, "0.3%"),
     (2**256 - 1, 4, f"{(2**256 - 1) // 100:,}.35%")],
)  # fmt: skip
def test_a_share_is_exact_in_percent(number, decimals, text):
    assert share(number, decimals) == text


def test_a_time_that_nobody_writes_stays_a_number():
    assert FORMS["time"](2**64) == f"{2**64:,}"
    assert FORMS["time"](0) == "0"
    assert FORMS["time"](1_700_000_000) == "2023-11-14 22:13:20 UTC"


# ------------------------------------------------------------------------------------------------------ the fallback


def test_a_function_of_the_table_without_a_meaning_is_told_with_its_parameters():
    calldata = abi.encode_call("setMarketingWindow(uint32,address)", [1, ADA])
    assert effects_of([ProposedCall(TARGET, 0, b"", calldata)])[0].kind is Kind.UNKNOWN
    calldata = abi.encode_call("setContractURIHash(string)", ["abc"])
    (effect,) = effects_of([ProposedCall(TARGET, 0, b"", calldata)])
    assert (effect.kind, effect.source, effect.function) == (Kind.CALL, "table", "setContractURIHash(string)")
    assert effect.sentence == f"Calls setContractURIHash on {checksum(TARGET)} with newContractURIHash = abc."
    (longer,) = effects_of([ProposedCall(TARGET, 0, b"", calldata + bytes(32))])
    assert longer.kind is Kind.UNKNOWN


def test_call_data_that_two_known_functions_fit_is_opaque_and_says_so(monkeypatch):
    first, second = (
        functions.Fit(functions.Function(name, f"{name}()", (), "a source", False), ()) for name in ("one", "two")
    )
    monkeypatch.setattr(functions, "exact_fits", lambda _calldata: (first, second))
    (effect,) = effects_of([ProposedCall(TARGET, 0, b"", b"\xde\xad\xbe\xef")])
    assert effect.is_opaque
    assert effect.why == (
        f"Calls function 0xdeadbeef on {checksum(TARGET)}, and more than one known function fits its data: one(); "
        "two(). Nobody can say which one it is."
    )


# ------------------------------------------------------------------------------------------------------- Superfluid

HOST = to_bytes("0x4E583d9390082B65Bef884b629DFA426114CED6d")  # on Ethereum
AGREEMENT = to_bytes("0x2844c1BBdA121E9E43105630b9C8310e5c72744b")


def test_a_call_of_an_agreement_is_opened_at_a_known_host_alone():
    flow = abi.encode_call("createFlow(address,address,int96,bytes)", [USDC, BOB, 3, b""])
    outer = abi.encode_call("callAgreement(address,bytes,bytes)", [AGREEMENT, flow, b""])
    (effect,) = effects_of([ProposedCall(HOST, 0, b"", outer)], BOOK)
    assert (effect.kind, effect.path, effect.amount, effect.recipient) == (Kind.STREAM, ("callAgreement",), 3, BOB)
    (stranger,) = effects_of([ProposedCall(TARGET, 0, b"", outer)], BOOK)
    assert stranger.is_opaque
    elsewhere = Book(chain_id=10)
    assert effects_of([ProposedCall(HOST, 0, b"", outer)], elsewhere)[0].is_opaque
    own = Book(contracts={TARGET: Contract("superfluid_host")})
    assert effects_of([ProposedCall(TARGET, 0, b"", outer)], own)[0].kind is Kind.STREAM


def test_a_batch_of_a_host_is_told_operation_by_operation():
    flow = abi.encode_call("createFlow(address,address,int96,bytes)", [USDC, BOB, 3, b""])
    batch = [
        (1, USDC, abi.encode(["address", "uint256"], [BOB, 5])),
        (2, USDC, abi.encode(["address", "address", "uint256"], [ADA, BOB, 6])),
        (101, USDC, abi.encode(["uint256"], [7])),
        (102, USDC, abi.encode(["uint256"], [8])),
        (201, AGREEMENT, abi.encode(["bytes", "bytes"], [flow, b""])),
    ]
    calldata = abi.encode_call("batchCall((uint32,address,bytes)[])", [batch])
    found = effects_of([ProposedCall(HOST, 0, b"", calldata)], BOOK)
    assert [(one.kind, one.amount) for one in found] == [
        (Kind.APPROVE, 5), (Kind.TRANSFER, 6), (Kind.CALL, 7), (Kind.CALL, 8), (Kind.STREAM, 3),
    ]  # fmt: skip
    assert found[1].sender == ADA


@pytest.mark.parametrize("operation", [(99, USDC, b""), (101, USDC, b"\x01"), (202, USDC, b"\x01" * 32)])
def test_an_operation_of_a_batch_that_nobody_knows_makes_it_opaque(operation):
    calldata = abi.encode_call("batchCall((uint32,address,bytes)[])", [[operation]])
    (effect,) = effects_of([ProposedCall(HOST, 0, b"", calldata)], BOOK)
    assert effect.is_opaque
    assert USDC in effect.addresses


if __name__ == "__main__":
    FILE.write_text("".join(f"{line(*example)}\n" for example in examples()), encoding="utf-8")
