# SPDX-License-Identifier: Apache-2.0
"""Every event that is understood anywhere, in every layout: what is read of it is what eth_abi reads (the reference
library in Python, not the compiled one that the product uses)."""

import eth_abi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.chain import abi
from governance.chain.rpc import Log
from governance.projections import events
from governance.projections.events import Kind, Undecodable

LAYOUTS = sorted({(kind, layout) for kind in Kind for layout in events.layouts(kind).values()}, key=str)
NAMES = [f"{kind}-{layout.signature}-{layout.topics}" for kind, layout in LAYOUTS]


def values_of(of: abi.Type) -> st.SearchStrategy:
    """Any value of an ABI type, as eth_abi takes it."""
    match of.kind:
        case "uint":
            return st.integers(0, 2**of.size - 1)
        case "bool":
            return st.booleans()
        case "address":
            return st.binary(min_size=20, max_size=20)
        case "fixed_bytes":
            return st.binary(min_size=of.size, max_size=of.size)
        case "bytes":
            return st.binary(max_size=70)
        case "array":
            return st.lists(values_of(of.items[0]), max_size=3)
        case "tuple":
            return st.tuples(*map(values_of, of.items))
    raise AssertionError(f"no event has a {of.text}")


def as_read(of: abi.Type, value):
    """eth_abi's value in the mirror's words: addresses are bytes there."""
    match of.kind:
        case "address":
            return bytes.fromhex(value[2:])
        case "array":
            return tuple(as_read(of.items[0], item) for item in value)
        case "tuple":
            return tuple(as_read(item, part) for item, part in zip(of.items, value, strict=True))
    return value


def log_of(topics, data) -> Log:
    return Log(bytes(20), tuple(topics), data, 1, bytes(32), bytes(32), 0, 0, 12)


@pytest.mark.parametrize(("kind", "layout"), LAYOUTS, ids=NAMES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_read_is_what_eth_abi_reads(kind, layout, data):
    types = {p.name: abi.parse_type(p.type) for p in layout.parameters}
    values = {p.name: data.draw(values_of(types[p.name]), label=p.name) for p in layout.parameters}
    indexed = [p for p in layout.parameters if p.indexed]
    plain = [p for p in layout.parameters if not p.indexed]
    topics = [layout.topic0, *(eth_abi.encode([p.type], [values[p.name]]) for p in indexed)]
    encoded = eth_abi.encode([p.type for p in plain], [values[p.name] for p in plain])
    event = events.decode(kind, log_of(topics, encoded))
    assert event is not None
    expected = {p.name: eth_abi.decode([p.type], topic)[0] for p, topic in zip(indexed, topics[1:], strict=True)}
    expected |= dict(zip((p.name for p in plain), eth_abi.decode([p.type for p in plain], encoded), strict=True))
    assert event.args == {name: as_read(types[name], value) for name, value in expected.items()}


@pytest.mark.parametrize(("kind", "layout"), LAYOUTS, ids=NAMES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_eth_abi_does_not_read_is_not_read(kind, layout, data):
    """Data cut off or garbled: where both read something it is the same, and where eth_abi refuses, nothing is read."""
    plain = [p for p in layout.parameters if not p.indexed]
    words = data.draw(st.lists(st.integers(0, 2**256 - 1) | st.integers(0, 400), max_size=12), label="words")
    raw = b"".join(word.to_bytes(32, "big") for word in words)
    raw = raw[: len(raw) - data.draw(st.integers(0, 31), label="cut")] if raw else raw
    topics = [layout.topic0, *(bytes(32) for p in layout.parameters if p.indexed)]
    try:
        expected = eth_abi.decode([p.type for p in plain], raw, strict=False)
    except (eth_abi.exceptions.DecodingError, OverflowError):
        expected = None
    try:
        event = events.decode(kind, log_of(topics, raw))
    except Undecodable:
        return
    assert event is not None
    assert expected is not None, "read what eth_abi refuses"
    types = [abi.parse_type(p.type) for p in plain]
    read = {p.name: as_read(of, value) for p, of, value in zip(plain, types, expected, strict=True)}
    assert {p.name: event.args[p.name] for p in plain} == read


def test_a_text_that_would_lie_among_the_offsets_is_not_read():
    """All zeros: the text's offset is the data's beginning, where a zero would be its length. eth_abi refuses it."""
    layout = events.layout(
        "VoteCast(address indexed voter,uint256 proposalId,uint8 support,uint256 weight,string reason)"
    )
    with pytest.raises(Undecodable):
        events.decode(Kind.GOVERNOR, log_of([layout.topic0, bytes(32)], bytes(160)))
