# SPDX-License-Identifier: Apache-2.0
"""Who signed: accounts with a key, contract accounts of each kind (ERC-1271), and in which block they were asked."""

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak

from governance.chain import eip712
from governance.chain.rpc import Rpc, RpcError, RpcUnreachable
from governance.chain.signatures import BadSignature, Signed, digest_of, recover, signed_by

ADA, BEN = Account.from_key(b"\1" * 32), Account.from_key(b"\2" * 32)
WALLET = b"\xc0" * 20
MESSAGE = encode_defunct(text="let me in")
MAGIC = "631626ba7e60e01b"  # PUSH4 1626ba7e, PUSH1 224, SHL
RETURN_WORD = "60005260206000f3"


def address(account) -> bytes:
    return bytes.fromhex(account.address[2:])


def signature(account) -> bytes:
    return bytes(account.sign_message(MESSAGE).signature)


def accepts_one(digest: bytes) -> str:
    """The code of a wallet that accepts any signature of this digest, and none of another."""
    return f"0x7f{digest.hex()}60043514{MAGIC}02{RETURN_WORD}"


@pytest.fixture
def rpc(local_chain):
    with_one_try = Rpc([local_chain.url], 31337, attempts=1)
    yield with_one_try
    with_one_try.close()


@pytest.fixture
def wallet(local_chain):
    """Puts this code where the wallet's address is."""

    def put(code: str) -> None:
        local_chain.anvil.call("anvil_setCode", "0x" + WALLET.hex(), code)
        local_chain.anvil.mine()

    return put


def test_a_key_needs_no_chain():
    nowhere = Rpc(["http://127.0.0.1:9"], 31337, attempts=1)
    assert signed_by(MESSAGE, address(ADA), signature(ADA), nowhere) == Signed(True, None)
    with pytest.raises(RpcUnreachable):  # not its key's: it may be a contract's, and nobody can be asked
        signed_by(MESSAGE, address(ADA), signature(BEN), nowhere)


@pytest.mark.parametrize("given", [signature(BEN), b"", b"\0" * 65, b"\xff" * 65, signature(ADA)[:64], b"\1" * 300])
def test_what_the_account_did_not_sign(rpc, given):
    found = signed_by(MESSAGE, address(ADA), given, rpc)
    assert not found.is_signed
    assert found.block is not None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (accepts_one(digest_of(MESSAGE)), True),
        (accepts_one(keccak(b"another message")), False),
        (f"0x{MAGIC}{RETURN_WORD}", True),
        (f"0x{MAGIC}60005260046000f3", False),  # four bytes, no word
        (f"0x{MAGIC}60005260406000f3", False),  # two words
        ("0x60006000fd", False),  # reverts
        ("0x00", False),  # answers nothing, as what knows no such function does
        ("0x", False),
    ],
)
def test_a_contract_says_itself_whether_it_signed(rpc, wallet, code, expected):
    wallet(code)
    found = signed_by(MESSAGE, WALLET, b"whatever it takes", rpc)
    assert found.is_signed is expected
    assert found.block.number == rpc.head_number()


def test_code_and_answer_are_of_the_block_that_is_returned(local_chain, wallet):
    wallet(accepts_one(digest_of(MESSAGE)))
    asked = []

    class Moving(Rpc):
        def call(self, method, params=()):
            answer = super().call(method, params)
            if method in ("eth_getCode", "eth_call"):
                asked.append(params[-1])
                local_chain.anvil.mine()
            return answer

    found = signed_by(MESSAGE, WALLET, b"", Moving([local_chain.url], 31337, attempts=1))
    assert found.is_signed
    assert asked == [{"blockHash": "0x" + found.block.hash.hex(), "requireCanonical": True}] * 2


def test_a_wallet_that_breaks_says_nothing(rpc, wallet):
    wallet("0xfe")  # a node's error for it is not told from that of a node without the block
    with pytest.raises(RpcError):
        signed_by(MESSAGE, WALLET, b"", rpc)


def test_a_node_that_fails_is_no_no(local_chain, wallet):
    wallet(f"0x{MAGIC}{RETURN_WORD}")

    class Failing(Rpc):
        def call(self, method, params=()):
            if method == "eth_call":
                raise RpcUnreachable("is down")
            return super().call(method, params)

    with pytest.raises(RpcError):
        signed_by(MESSAGE, WALLET, b"", Failing([local_chain.url], 31337, attempts=1))


def test_typed_data_is_signed_and_recovered():
    document = eip712.document(
        {"Note": [{"name": "text", "type": "string"}]}, "Note", "Tests", 1, "0x" + "11" * 20, {"text": "a"}, version="2"
    )
    assert document["domain"]["version"] == "2"
    signed = bytes(ADA.sign_typed_data(full_message=document).signature)
    assert eip712.recover(document, signed) == address(ADA) == recover(eip712.signable(document), signed)
    assert eip712.digest(document) == digest_of(eip712.signable(document))
    with pytest.raises(BadSignature, match="65 bytes"):
        eip712.recover(document, signed[:-1])
    document["domain"]["chainId"] = "no number"
    with pytest.raises(eip712.BadTypedData):
        eip712.digest(document)
