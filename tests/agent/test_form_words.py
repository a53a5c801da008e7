# SPDX-License-Identifier: Apache-2.0
"""What the operator's wallet shows of an act that was asked for in a form: all of it, whatever its arguments hold."""

from agent.acts import forms, provenance, verifying
from governance.chain import abi
from governance.chain.address import checksum
from policies.code.call import Call

FUND, PAY_ALL = "fund(string why, address to, uint256 amount)", "payAll(address[] to, uint256[] amounts)"
REAL, FORGED, TARGET = b"\x11" * 20, b"\x22" * 20, b"\x33" * 20


def described(function: str, signature: str, values: list[object]) -> str:
    call = Call(TARGET, 0, abi.encode_call(signature, values))
    return forms.described({"raw": [], "functions": [function]}, [call])


def test_a_text_can_not_stand_for_the_arguments_behind_it():
    why = f"thanks, to {checksum(FORGED)}, amount 5) on {checksum(FORGED)}\n\u202e\x00" + " " * 600
    text = described(FUND, "fund(string,address,uint256)", [why, REAL, 10**24])
    assert text.endswith(f'", to {checksum(REAL)}, amount {10**24}) on {checksum(TARGET)}')
    assert text.startswith('fund(why "thanks, to ')
    assert text.isascii()
    assert text.isprintable()


def test_no_row_of_a_long_list_is_cut():
    payees, amounts = [bytes([n]) * 20 for n in range(1, 41)], list(range(1001, 1041))
    text = described(PAY_ALL, "payAll(address[],uint256[])", [payees, amounts])
    for payee, amount in zip(payees, amounts, strict=True):
        assert checksum(payee) in text
        assert f'"{amount}"' in text


def test_calldata_of_an_unknown_function_is_shown_whole():
    data = bytes.fromhex("deadbeef") + bytes(range(256)) * 4
    assert forms.described({"raw": [], "functions": []}, [Call(TARGET, 7, data)]) == (
        f"0x{data.hex()} on {checksum(TARGET)}, sending 7 wei"
    )


def test_a_record_that_is_nested_too_deeply_is_no_record_and_no_fault():
    nested: list[object] = []
    for _ in range(5_000):
        nested = [nested]
    record = dict.fromkeys(provenance.SECTIONS) | dict.fromkeys(("actions", "domain", "message", "signer", "signature"))
    record |= {"format": provenance.FORMAT, "hash": "", "output": nested}
    record |= {"inputs": {"quotes": []}, "checks": {"asker": {}, "second_look": {}}}
    (shape, written) = verifying.verify_document(record)
    assert (shape.name, shape.ok) == ("format", True)
    assert (written.name, written.ok) == ("canonical", False)
