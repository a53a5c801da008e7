# SPDX-License-Identifier: Apache-2.0
"""Permissions of Zodiac Roles, told as what may be done from now on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.effects import Book, Effect, Kind, effects_of
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.call import ProposedCall

ROLES, VAULT, ADA, TOKEN = (bytes([number]) * 20 for number in (0x70, 0x7B, 0xAD, 0xC0))
PAY = b"PAY" + bytes(29)
DEPOSIT = abi.selector("deposit(uint256,address)")  # (uint256 assets,address receiver)
APPROVE = abi.selector("approve(address,uint256)")
SCOPE = "scopeFunction(bytes32,address,bytes4,(uint8,uint8,uint8,bytes)[],uint8)"
BOOK = Book(names={ADA: "ada.eth"})
CALLDATA, STATIC, TUPLE, ARRAY = 5, 1, 3, 4  # types of parameters
PASS, AND, OR, NOR, MATCHES, SOME, EVERY, AVATAR, EQUAL, MORE, LESS = 0, 1, 2, 3, 5, 6, 7, 15, 16, 17, 18


def scoped(called: bytes, conditions: list[tuple[int, int, int, bytes]], options: int = 0) -> Effect:
    calldata = abi.encode_call(SCOPE, [PAY, VAULT, called, conditions, options])
    (effect,) = effects_of([ProposedCall(ROLES, 0, b"", calldata)], BOOK)
    return effect


def said(called: bytes, *conditions: tuple[int, int, int, bytes]) -> str:
    """The conditions of a scoped function in words."""
    sentence = str(scoped(called, list(conditions)).sentence)
    return sentence.split("under conditions on the arguments: ")[1].removesuffix(
        ". Without sending ETH, and without delegatecall."
    )


def word(value: int | bytes) -> bytes:
    return value.rjust(32, b"\x00") if isinstance(value, bytes) else value.to_bytes(32, "big")


CALL = (0, CALLDATA, MATCHES, b"")


def test_a_permission_names_role_safe_target_function_and_what_the_arguments_must_be():
    effect = scoped(DEPOSIT, [CALL, (0, STATIC, LESS, word(5_000)), (0, STATIC, AVATAR, b"")])
    assert effect.sentence == (
        f"Lets members of the role PAY in {checksum(ROLES)} call deposit(uint256,address) (0x6e553f65) on "
        f"{checksum(VAULT)}, under conditions on the arguments: all of (argument 1 (assets) must be less than 5,000; "
        "argument 2 (receiver) must be the Safe itself). Without sending ETH, and without delegatecall."
    )
    assert (effect.kind, effect.moves, effect.source) == (Kind.ROLE_CHANGE, "power", "table")
    assert (effect.subject, effect.new_value) == ("PAY", checksum(VAULT))
    assert effect.addresses[0] == ROLES
    assert VAULT in effect.addresses


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([CALL, (0, STATIC, PASS, b""), (0, STATIC, EQUAL, word(ADA))],
         f"argument 2 (receiver) must be ada.eth ({checksum(ADA)})"),
        ([CALL, (0, STATIC, PASS, b""), (0, STATIC, PASS, b"")], "the call may be anything"),
        ([(0, CALLDATA, PASS, b"")], "the call may be anything"),
        ([CALL, (0, STATIC, MORE, word(7)), (0, 0, OR, b""), (2, STATIC, AVATAR, b""), (2, STATIC, EQUAL, word(ADA))],
         "all of (argument 1 (assets) must be more than 7; one of (argument 2 (receiver) must be the Safe itself; "
         f"argument 2 (receiver) must be ada.eth ({checksum(ADA)})))"),
        ([CALL, (0, 0, OR, b""), (1, STATIC, EQUAL, word(1)), (1, STATIC, PASS, b"")], "the call may be anything"),
        ([CALL, (0, 0, NOR, b""), (1, STATIC, EQUAL, word(1))], "none of (argument 1 (assets) must be 1)"),
        ([(0, 0, OR, b""), (0, CALLDATA, MATCHES, b""), (0, CALLDATA, MATCHES, b""), (1, STATIC, EQUAL, word(1)),
          (2, STATIC, EQUAL, word(2))],
         "one of (argument 1 (assets) must be 1; argument 1 (assets) must be 2)"),
        ([CALL, (0, STATIC, 28, b"WEEKLY" + bytes(26))], "argument 1 (assets) counts against the allowance WEEKLY"),
        ([CALL, (0, STATIC, 22, ADA + bytes(12))],
         f"argument 1 (assets) is checked by the contract ada.eth ({checksum(ADA)})"),
        ([CALL, (0, STATIC, 29, b"ETHER" + bytes(27))], "the native currency sent counts against the allowance ETHER"),
        ([CALL, (0, STATIC, 99, b"")], "a condition that can't be read (99)"),
        ([CALL, (0, STATIC, EQUAL, b"\x01\x02")], "argument 1 (assets) must be 0x0102"),
        ([], "they can't be read"),
        ([CALL, (7, STATIC, EQUAL, b"")], "they can't be read"),
        ([CALL, (1, STATIC, EQUAL, b"")], "they can't be read"),
        ([(3, CALLDATA, MATCHES, b"")], "they can't be read"),
        ([CALL, *[(0, STATIC, PASS, b"")] * 300], "they can't be read"),
    ],
)  # fmt: skip
def test_conditions_are_read_as_the_module_reads_them(conditions, words):
    assert said(DEPOSIT, *conditions) == words


def test_a_struct_and_a_list_are_read_part_by_part():
    odd = b"\xfe\xed\xfa\xce"
    assert said(odd, CALL, (0, TUPLE, MATCHES, b""), (1, STATIC, PASS, b""), (1, STATIC, EQUAL, word(9))) == (
        f"part 2 of argument 1 must be 0x{'00' * 31}09"
    )
    assert said(odd, CALL, (0, ARRAY, EVERY, b""), (1, STATIC, AVATAR, b"")) == (
        "every part of argument 1 with (a part of argument 1 must be the Safe itself)"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (0, "Without sending ETH, and without delegatecall."),
        (1, "They may send ETH along."),
        (2, "They may run that code by delegatecall, as if it were the Safe's own: it may then do anything with the "
            "Safe."),
        (3, "They may send ETH along and run that code by delegatecall, as if it were the Safe's own: it may then do "
            "anything with the Safe."),
        (4, "With options 4, which do not exist: it would fail."),
    ],
)  # fmt: skip
def test_what_a_call_may_carry_is_told(options, words):
    calldata = abi.encode_call("allowFunction(bytes32,address,bytes4,uint8)", [PAY, VAULT, DEPOSIT, options])
    (effect,) = effects_of([ProposedCall(ROLES, 0, b"", calldata)], BOOK)
    assert effect.sentence == (
        f"Lets members of the role PAY in {checksum(ROLES)} call deposit(uint256,address) (0x6e553f65) on "
        f"{checksum(VAULT)}. {words}"
    )


@pytest.mark.parametrize(("role", "of", "shown"), [(PAY, "bytes32", "PAY"), (3, "uint16", "3")])
def test_a_whole_contract_that_is_allowed_is_told_so(role, of, shown):
    calldata = abi.encode_call(f"allowTarget({of},address,uint8)", [role, VAULT, 0])
    (effect,) = effects_of([ProposedCall(ROLES, 0, b"", calldata)], BOOK)
    assert effect.sentence.startswith(
        f"Lets members of the role {shown} in {checksum(ROLES)} call every function of {checksum(VAULT)}."
    )


def test_a_selector_that_nobody_knows_stays_a_selector():
    calldata = abi.encode_call("allowFunction(bytes32,address,bytes4,uint8)", [PAY, VAULT, b"\xfe\xed\xfa\xce", 0])
    (effect,) = effects_of([ProposedCall(ROLES, 0, b"", calldata)], BOOK)
    assert f"call 0xfeedface on {checksum(VAULT)}" in effect.sentence


def test_parameters_of_the_first_version_are_told():
    scope = "scopeFunction(uint16,address,bytes4,bool[],uint8[],uint8[],bytes[],uint8)"
    calldata = abi.encode_call(scope, [2, TOKEN, APPROVE, [True, True], [0, 0], [0, 2], [word(ADA), word(50)], 0])
    (effect,) = effects_of([ProposedCall(ROLES, 0, b"", calldata)], BOOK)
    assert f"argument 1 (spender) must be ada.eth ({checksum(ADA)}); argument 2 (value) must be less than 50" in (
        effect.sentence
    )
    assert ADA in effect.addresses
    unequal = abi.encode_call(scope, [2, TOKEN, APPROVE, [True], [0, 0], [0, 2], [word(ADA), word(50)], 0])
    assert "they can't be read" in effects_of([ProposedCall(ROLES, 0, b"", unequal)], BOOK)[0].sentence
    free = abi.encode_call("unscopeParameter(uint16,address,bytes4,uint8)", [2, TOKEN, APPROVE, 1])
    assert effects_of([ProposedCall(ROLES, 0, b"", free)], BOOK)[0].sentence == (
        f"Changes what members of the role 2 in {checksum(ROLES)} may give to approve(address,uint256) (0x095ea7b3) on "
        f"{checksum(TOKEN)}: argument 2 (value) may be anything."
    )
    one_of = "scopeParameterAsOneOf(uint16,address,bytes4,uint256,uint8,bytes[])"
    calldata = abi.encode_call(one_of, [2, TOKEN, APPROVE, 0, 0, [word(ADA), word(VAULT)]])
    (effect,) = effects_of([ProposedCall(ROLES, 0, b"", calldata)], BOOK)
    assert "one of (argument 1 (spender) must be ada.eth" in effect.sentence
    assert {ADA, VAULT} <= set(effect.addresses)
    single = "scopeParameter(uint16,address,bytes4,uint256,uint8,uint8,bytes)"
    calldata = abi.encode_call(single, [2, TOKEN, APPROVE, 1, 0, 9, word(1)])
    assert "a condition that can't be read (9)" in effects_of([ProposedCall(ROLES, 0, b"", calldata)], BOOK)[0].sentence


conditions = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 7), st.integers(0, 31), st.binary(max_size=40)), max_size=40
)


@given(conditions, st.sampled_from([DEPOSIT, APPROVE, b"\x00\x01\x02\x03"]), st.integers(0, 255))
def test_no_tree_of_conditions_breaks_the_reading(tree, called, options):
    effect = scoped(called, tree, options)
    assert effect.kind is Kind.ROLE_CHANGE
    assert "\n" not in effect.sentence


@given(st.lists(st.integers(1, 3), min_size=1, max_size=60))
def test_deep_conditions_end(operators):
    tree = [(max(place - 1, 0), 0, operator, b"") for place, operator in enumerate(operators)]
    assert scoped(DEPOSIT, tree).kind is Kind.ROLE_CHANGE
