# SPDX-License-Identifier: Apache-2.0
"""Decoding: the same as eth_abi on whatever is canonical, and nothing else is accepted."""

import json
import tracemalloc

import faster_eth_abi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.chain import abi
from governance.chain.address import BadAddress, checksum, to_bytes

ALICE, BOB = bytes.fromhex("11" * 20), bytes.fromhex("22" * 20)


def elementary():
    return st.one_of(
        st.integers(1, 32).map(lambda n: (f"uint{8 * n}", st.integers(0, 2 ** (8 * n) - 1))),
        st.integers(1, 32).map(lambda n: (f"int{8 * n}", st.integers(-(2 ** (8 * n - 1)), 2 ** (8 * n - 1) - 1))),
        st.integers(1, 32).map(lambda n: (f"bytes{n}", st.binary(min_size=n, max_size=n))),
        st.just(("bool", st.booleans())),
        st.just(("address", st.binary(min_size=20, max_size=20))),
        st.just(("bytes", st.binary(max_size=70))),
        st.just(("string", st.text(max_size=40))),
    )


def composed(inner):
    return st.one_of(
        inner.map(lambda p: (p[0] + "[]", st.lists(p[1], max_size=3).map(tuple))),
        st.tuples(inner, st.integers(1, 3)).map(
            lambda p: (f"{p[0][0]}[{p[1]}]", st.lists(p[0][1], min_size=p[1], max_size=p[1]).map(tuple))
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda ps: ("(" + ",".join(p[0] for p in ps) + ")", st.tuples(*(p[1] for p in ps)))
        ),
    )


@st.composite
def typed_values(draw):
    drawn = draw(st.lists(st.recursive(elementary(), composed, max_leaves=6), min_size=1, max_size=4))
    return [name for name, _ in drawn], tuple(draw(values) for _, values in drawn)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(typed_values())
def test_decoding_undoes_what_eth_abi_encodes(typed):
    types, values = typed
    encoded = faster_eth_abi.encode(types, values)
    assert abi.decode(types, encoded) == values
    assert abi.decode(types, encoded, canonical=False) == values


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(typed_values(), st.data())
def test_whatever_is_accepted_encodes_back_to_the_same_bytes(typed, data):
    types, values = typed
    mutant = bytearray(faster_eth_abi.encode(types, values))
    if not mutant:
        return
    mutant[data.draw(st.integers(0, len(mutant) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decoded = abi.decode(types, bytes(mutant))
    except abi.NotCanonical:
        return
    assert faster_eth_abi.encode(types, decoded) == bytes(mutant)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_noise_never_raises_anything_else(noise):
    for canonical in (True, False):
        try:
            abi.decode(["(address,uint256,bytes)[]", "string", "uint8[2][]"], noise, canonical=canonical)
        except abi.NotCanonical:
            continue
    abi.decode_call(abi.selector("propose(address[],uint256[],bytes[],string)") + noise)
    abi.decode_error(abi.selector("Error(string)") + noise)


def test_one_text_pointed_at_a_thousand_times_is_refused_at_once():
    """n offsets that all point at one long text would unfold into n times its length."""
    n, body = 1500, bytes(32) * 1500
    offsets = b"".join((32 * n).to_bytes(32, "big") for _ in range(n))
    bomb = (32).to_bytes(32, "big") + n.to_bytes(32, "big") + offsets + len(body).to_bytes(32, "big") + body
    tracemalloc.start()
    for canonical in (True, False):
        with pytest.raises(abi.NotCanonical):
            abi.decode(["bytes[]"], bomb, canonical=canonical)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 40 * len(bomb)  # unfolded it would be 750 times as long


def test_a_transfer_reads_as_one():
    call = abi.decode_call(abi.encode_call("transfer(address,uint256)", [ALICE, 5]), "ERC20")
    assert (call.name, call.signature, call["to"], call["value"]) == ("transfer", "transfer(address,uint256)", ALICE, 5)
    assert str(call) == f"transfer({checksum(ALICE)}, 5)"
    assert call.as_json()["args"][1] == {"name": "value", "type": "uint256", "value": "5"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + bytes(32),
        lambda data: data[:-1],
        lambda data: data[:4] + b"\x01" + data[5:],  # dirt above the address
        lambda _: b"\xa9\x05\x9c",
        lambda _: b"\xde\xad\xbe\xef" + bytes(64),
    ],
)
def test_calldata_that_is_not_canonical_or_not_known_is_none(spoil):
    assert abi.decode_call(spoil(abi.encode_call("transfer(address,uint256)", [ALICE, 5])), "ERC20") is None


def test_a_hint_decides_whose_names_are_used():
    calldata = abi.encode_call("castVote(uint256,uint8)", [7, 1])
    assert abi.decode_call(calldata, "Governor").owner == "Governor"
    proposal = abi.encode_call("execute(uint256)", [7])
    assert abi.decode_call(proposal, "GovernorBravo")["proposalId"] == 7


def test_logs_decode_by_the_number_of_indexed_parameters():
    item = abi.event("Transfer(address,address,uint256)", 2)
    topics, data = abi.encode_log(item, [ALICE, BOB, 9])
    assert abi.decode_log(topics, data).values == (ALICE, BOB, 9)
    erc721 = (*topics, (9).to_bytes(32, "big"))
    decoded = abi.decode_log(erc721, b"")
    assert decoded is None or decoded.owner != "ERC20"
    assert abi.decode_log([], data) is None


def test_invalid_utf8_in_a_log_does_not_hide_it():
    item = abi.event("VoteCast(address,uint256,uint8,uint256,string)")
    topics, data = abi.encode_log(item, [ALICE, 1, 1, 5, "xx"])
    spoiled = data.replace(b"xx" + bytes(30), b"\xff\xfe" + bytes(30))
    assert abi.decode_log(topics, spoiled, "Governor")["reason"] == "��"
    assert abi.decode_log(topics, spoiled + b"", "GovernorBravo")["votes"] == 5


def test_optimism_proposals_decode_in_each_of_their_signatures():
    for signature, indexed in [
        ("ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string,uint8)", 2),
        ("ProposalCreated(uint256,address,address,bytes,uint256,uint256,string)", 0),
        ("ProposalCreated(uint256,address,address,bytes,uint256,uint256,string,uint8)", 3),
        ("ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)", 0),
    ]:
        assert abi.event(signature, indexed) is not None, signature


def test_errors():
    assert str(abi.decode_error(abi.encode_call("Error(string)", ["no\nway"]))) == 'Error("no\\nway")'
    assert abi.decode_error(abi.encode_call("Panic(uint256)", [17]))["code"] == 17
    assert abi.decode_error(b"\x01\x02\x03\x04") is None
    assert abi.decode_error(b"") is None


def test_what_does_not_fit_is_refused():
    for signature, args in [
        ("transfer(address,uint256)", [ALICE]),
        ("transfer(address,uint256)", [ALICE, -1]),
        ("transfer(address,uint256)", [ALICE, 2**256]),
        ("transfer(address,uint256)", [ALICE, 1.0]),
        ("transfer(address,uint7)", [ALICE, 1]),
        ("transfer", []),
    ]:
        with pytest.raises(abi.BadAbi):
            abi.encode_call(signature, args)


def test_a_broken_abi_file_is_named(tmp_path):
    (tmp_path / "Thing.json").write_text("{")
    with pytest.raises(abi.BadAbi, match=r"Thing\.json"):
        abi.Registry.load(tmp_path)
    (tmp_path / "Thing.json").write_text(json.dumps([{"type": "event", "name": "X", "inputs": [{"type": "uint7"}]}]))
    with pytest.raises(abi.BadAbi, match="uint7"):
        abi.Registry.load(tmp_path)


def test_addresses():
    text = checksum(bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"))
    assert text == "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # the example of EIP-55
    assert to_bytes(text) == to_bytes(text.lower()) == bytes.fromhex(text[2:])
    for wrong in (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0x12",
        None,
    ):
        with pytest.raises(BadAddress):
            to_bytes(wrong)
    with pytest.raises(BadAddress):
        checksum(b"\x01")
