# SPDX-License-Identifier: Apache-2.0
"""The code behind proxies of every common kind is found, and nothing is found behind what is none."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from governance.chain.proxies import answers_as_token, find_proxy
from governance.chain.rpc import CallReverted
from policies.notation.primitives import selector

TARGET, BEHIND, BEACON = b"\xaa" * 20, b"\xbb" * 20, b"\xcc" * 20
CODE = b"\x60\x80\x60\x40"
WORD = BEHIND.rjust(32, b"\0")


def node(storage: dict[int, bytes] | None = None, answers: dict[tuple[bytes, str], bytes] | None = None) -> Any:
    """A node with these words in the target's storage and these answers; everything else is zero or reverts."""
    known = {(to, selector(signature)): answer for (to, signature), answer in (answers or {}).items()}

    def eth_call(to: bytes, data: bytes, block: object = None) -> bytes:
        if (to, data[:4]) not in known:
            raise CallReverted(b"")
        return known[to, data[:4]]

    def eth_calls(calls: Sequence[tuple[bytes, bytes]], block: object = None) -> list[Any]:
        return [known.get((to, data[:4]), CallReverted(b"")) for to, data in calls]

    return SimpleNamespace(
        storage=lambda address, slot, _block: (storage or {}).get(slot, bytes(32)) if address == TARGET else bytes(32),
        eth_call=eth_call,
        eth_calls=eth_calls,
        get_code=lambda address, _block: CODE if address in (TARGET, BEHIND, BEACON) else b"",
    )


# The slots as their standards write them, in numbers of their own.
@pytest.mark.parametrize(
    ("kind", "slot"),
    [
        ("EIP-1967", 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC),
        ("ZeppelinOS", 0x7050C9E0F4CA769C69BD3A8EF740BC37934F8E2C036E5A723FD8EE048ED3F8C3),
        ("EIP-1822", 0xC5F16F0FCC639FA48A6947836D9850F504798523BF8C9A3A87D5876CF622BCF7),
    ],
)
def test_slots(kind: str, slot: int) -> None:
    found = find_proxy(node({slot: WORD}), TARGET, CODE, 1)
    assert found is not None
    assert (found.kind, found.behind, found.is_fixed) == (f"a proxy ({kind})", BEHIND, False)


def test_beacon() -> None:
    slot = 0xA3F0AD74E5423AEBFD80D3EF4346578335A9A72AEAEE59FF6CB3582B35133D50
    word = BEACON.rjust(32, b"\0")
    found = find_proxy(node({slot: word}, {(BEACON, "implementation()"): WORD}), TARGET, CODE, 1)
    assert found is not None
    assert (found.kind, found.behind) == ("a beacon proxy (EIP-1967)", BEHIND)
    silent = find_proxy(node({slot: word}), TARGET, CODE, 1)
    assert silent is not None
    assert silent.behind == BEACON


def test_a_safe_keeps_its_code_in_its_first_slot_and_says_so() -> None:
    answers = {(TARGET, "masterCopy()"): WORD}
    found = find_proxy(node({0: WORD}, answers), TARGET, CODE, 1)
    assert found is not None
    assert (found.kind, found.behind) == ("a Safe's proxy", BEHIND)
    assert find_proxy(node({0: WORD}), TARGET, CODE, 1) is None  # an owner in the first slot is no proxy
    assert find_proxy(node({}, answers), TARGET, CODE, 1) is None


def test_what_answers_implementation_is_a_proxy_where_code_is_there() -> None:
    found = find_proxy(node({}, {(TARGET, "implementation()"): WORD}), TARGET, CODE, 1)
    assert found is not None
    assert "implementation()" in found.kind
    nowhere = (b"\xdd" * 20).rjust(32, b"\0")
    assert find_proxy(node({}, {(TARGET, "implementation()"): nowhere}), TARGET, CODE, 1) is None
    itself = TARGET.rjust(32, b"\0")
    assert find_proxy(node({}, {(TARGET, "implementation()"): itself}), TARGET, CODE, 1) is None
    for odd in (b"", b"\x01", (7).to_bytes(32, "big"), b"\xff" * 32, WORD + WORD):
        assert find_proxy(node({}, {(TARGET, "implementation()"): odd}), TARGET, CODE, 1) is None


def test_a_diamond_has_other_code_for_each_function() -> None:
    answering = node({}, {(TARGET, "facetAddress(bytes4)"): WORD})
    found = find_proxy(answering, TARGET, CODE, 1, b"\x01\x02\x03\x04")
    assert found is not None
    assert found.kind == "a diamond (EIP-2535)"
    assert find_proxy(answering, TARGET, CODE, 1) is None


@pytest.mark.parametrize(
    "code",
    [
        "363d3d373d3d3d363d73{}5af43d82803e903d91602b57fd5bf3",
        "3d3d3d3d363d3d37363d73{}5af43d3d93803e602a57fd5bf3",
        "365f5f375f5f365f73{}5af43d5f5f3e5f3d91602a57fd5bf3",
        "363d3d373d3d3d363d73{}5af43d82803e903d91602b57fd5bf3" + "00" * 40,  # with arguments behind it
    ],
)
def test_minimal_proxies_run_the_same_code_for_ever(code: str) -> None:
    found = find_proxy(node(), TARGET, bytes.fromhex(code.format(BEHIND.hex())), 1)
    assert found is not None
    assert (found.behind, found.is_fixed) == (BEHIND, True)


def test_a_minimal_proxy_to_an_address_that_begins_with_zeros() -> None:
    short = bytes(4) + b"\xbb" * 16
    code = bytes.fromhex("363d3d373d3d3d363d6f" + short[4:].hex() + "5af43d82803e903d91602757fd5bf3")
    found = find_proxy(node(), TARGET, code, 1)
    assert found is not None
    assert (found.behind, found.is_fixed) == (short, True)


def test_an_account_that_lends_itself_code() -> None:
    found = find_proxy(node(), TARGET, b"\xef\x01\x00" + BEHIND, 1)
    assert found is not None
    assert ("EIP-7702" in found.kind, found.behind, found.is_fixed) == (True, BEHIND, False)


def test_plain_code_is_no_proxy() -> None:
    assert find_proxy(node({7: WORD}), TARGET, CODE, 1) is None


def test_what_answers_as_tokens_do_is_one() -> None:
    six, much = (6).to_bytes(32, "big"), (10**30).to_bytes(32, "big")
    both = {(TARGET, "decimals()"): six, (TARGET, "balanceOf(address)"): much}
    assert answers_as_token(node({}, both), TARGET, 1) == 6
    assert answers_as_token(node({}, {(TARGET, "decimals()"): six}), TARGET, 1) is None
    assert answers_as_token(node({}, {(TARGET, "balanceOf(address)"): much}), TARGET, 1) is None
    assert answers_as_token(node({}, {**both, (TARGET, "decimals()"): much}), TARGET, 1) is None
