# SPDX-License-Identifier: Apache-2.0
"""Who signed: accounts with a key, contract accounts of each kind (ERC-1271), and in which block they were asked."""

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak

from governance.chain import abi, eip712, signatures
from governance.chain.rpc import Answered, Rpc, RpcError, RpcUnreachable
from governance.chain.signatures import BadSignature, Signed, digest_of, normal, of_key, recover, signed_by
from governance.words import SENTENCES
from tests.governance.governors import compiled

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
    assert signed_by(MESSAGE, address(ADA), signature(ADA), nowhere) == Signed(True, None, signature(ADA))
    with pytest.raises(RpcUnreachable):  # not its key's: it may be a contract's, and nobody can be asked
        signed_by(MESSAGE, address(ADA), signature(BEN), nowhere)


@pytest.mark.parametrize("given", [signature(BEN), b"", b"\0" * 65, b"\xff" * 65, b"\1" * 300])
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
        (f"0x{MAGIC}600117{RETURN_WORD}", False),  # something behind the four bytes, which OpenZeppelin's code refuses
        (f"0x631626ba7e{RETURN_WORD}", False),  # at the word's other end
        (f"0x6320c13b0b60e01b{RETURN_WORD}", False),  # the answer of ERC-1271's first draft
        (f"0x6001{RETURN_WORD}", False),  # true
        (f"0x600019{RETURN_WORD}", False),  # all ones
        (f"0x6001600055{MAGIC}{RETURN_WORD}", False),  # writes first, which no contract that asks lets it
        (f"0x600160005d{MAGIC}{RETURN_WORD}", False),  # also what is forgotten with the transaction (EIP-1153)
        (f"0x60006000a0{MAGIC}{RETURN_WORD}", False),  # logs
        (f"0x60005450{MAGIC}{RETURN_WORD}", True),  # only reads
        ("0x621000006000f3", False),  # a megabyte of zeros
        ("0x5b600056", False),  # runs until the gas is gone
        (f"0x{MAGIC}60005260206000fd", False),  # reverts with the answer
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
    assert asked == [{"blockHash": "0x" + found.block.hash.hex(), "requireCanonical": True}] * 3


def test_a_node_that_runs_no_code_which_nobody_deployed_is_asked_plainly(local_chain, wallet):
    """As on zkSync: there the wallet's answer to a plain call is all that can be had."""

    class Bare(Rpc):
        def eth_create(self, *_code_and_block):
            raise Answered(-32000, "contract creation is not supported")

    bare = Bare([local_chain.url], 31337, attempts=1)
    wallet(f"0x{MAGIC}{RETURN_WORD}")
    assert signed_by(MESSAGE, WALLET, b"", bare).is_signed
    wallet(f"0x6001{RETURN_WORD}")
    assert not signed_by(MESSAGE, WALLET, b"", bare).is_signed


def test_a_wallet_that_breaks_did_not_sign(rpc, wallet):
    wallet("0xfe")  # it halts the machine, on the chain too: no transaction that asks it goes through
    assert signed_by(MESSAGE, WALLET, b"", rpc).is_signed is False


def test_a_node_that_fails_is_no_no(local_chain, wallet):
    wallet(f"0x{MAGIC}{RETURN_WORD}")

    class Failing(Rpc):
        def call(self, method, params=()):
            if method == "eth_call":
                raise RpcUnreachable("is down")
            return super().call(method, params)

    with pytest.raises(RpcError):
        signed_by(MESSAGE, WALLET, b"", Failing([local_chain.url], 31337, attempts=1))


# ----------------------------------------------------------------------------------------- the forms that wallets send

ORDER = signatures._ORDER


def of_hash(account, digest: bytes) -> bytes:
    return bytes(account.unsafe_sign_hash(digest).signature)


def short_form(full: bytes) -> bytes:
    """EIP-2098: v's parity in the top bit of s."""
    s = int.from_bytes(full[32:64], "big") | (full[64] - 27) << 255
    return full[:32] + s.to_bytes(32, "big")


def with_v(full: bytes, change: int) -> bytes:
    return full[:64] + bytes([full[64] + change])


def high_s(full: bytes) -> bytes:
    """The other signature of the same key over the same hash."""
    return full[:32] + (ORDER - int.from_bytes(full[32:64], "big")).to_bytes(32, "big") + bytes([55 - full[64]])


def prefixed(account) -> bytes:
    """As `eth_sign` signs a hash."""
    return of_hash(account, keccak(b"\x19Ethereum Signed Message:\n32" + digest_of(MESSAGE)))


KEYS = [Account.from_key(keccak(bytes([n]))) for n in range(12)]  # of both parities
TAKEN = {"27 or 28": lambda s: s, "0 or 1": lambda s: with_v(s, -27), "EIP-2098": short_form}


@pytest.mark.parametrize("form", TAKEN)
@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_a_keys_signature_in_every_form_becomes_the_one_that_contracts_take(form, key):
    signed = bytes(key.sign_message(MESSAGE).signature)
    given = TAKEN[form](signed)
    assert of_key(MESSAGE, address(key), given) == normal(given) == signed
    assert recover(MESSAGE, given) == address(key)
    nowhere = Rpc(["http://127.0.0.1:9"], 31337, attempts=1)
    assert signed_by(MESSAGE, address(key), given, nowhere) == Signed(True, None, signed)


def test_the_keys_are_of_both_parities():
    assert {bytes(key.sign_message(MESSAGE).signature)[64] for key in KEYS} == {27, 28}


REFUSED = {
    "high s": (high_s(signature(ADA)), "signature_high_s"),
    "high s, v 0 or 1": (with_v(high_s(signature(ADA)), -27), "signature_high_s"),
    "prefixed": (prefixed(ADA), "signature_prefixed"),
    "prefixed, v 31 or 32": (with_v(prefixed(ADA), 4), "signature_prefixed"),
    "prefixed, short": (short_form(prefixed(ADA)), "signature_prefixed"),
    "v 31 or 32, of the message": (with_v(signature(ADA), 4), "signature_prefixed"),
    "v of a transaction": (with_v(signature(ADA), 10), "signature_v"),
    "v 2": (signature(ADA)[:64] + b"\2", "signature_v"),
    "v 29": (with_v(signature(ADA), 29 - signature(ADA)[64]), "signature_v"),
    "v 255": (signature(ADA)[:64] + b"\xff", "signature_v"),
    "r zero": (b"\0" * 32 + signature(ADA)[32:], "signature_off_curve"),
    "s zero": (signature(ADA)[:32] + b"\0" * 32 + signature(ADA)[64:], "signature_off_curve"),
    "r the order": (ORDER.to_bytes(32, "big") + signature(ADA)[32:], "signature_off_curve"),
    "s the order": (signature(ADA)[:32] + ORDER.to_bytes(32, "big") + signature(ADA)[64:], "signature_off_curve"),
    "the other parity": (signature(ADA)[:64] + bytes([55 - signature(ADA)[64]]), "signature_of_another"),
    "s before r": (signature(ADA)[32:64] + signature(ADA)[:32] + signature(ADA)[64:], "signature_of_another"),
    "v first": (signature(ADA)[64:] + signature(ADA)[:64], "signature_v"),
    "its own text": (signature(ADA).hex().encode(), "signature_length"),
    "twice": (signature(ADA) * 2, "signature_length"),
    "padded to words": (signature(ADA) + b"\0" * 31, "signature_length"),
    "another's": (signature(BEN), "signature_of_another"),
    "another's, short": (short_form(signature(BEN)), "signature_of_another"),
    "another's, prefixed": (prefixed(BEN), "signature_of_another"),
    "zeros": (b"\0" * 65, "signature_off_curve"),
    "r too large": (b"\xff" * 64 + b"\x1b", "signature_off_curve"),
    "an x off the curve": (b"\0" * 31 + b"\5" + signature(ADA)[32:], "signature_off_curve"),
    "nothing": (b"", "signature_length"),
    "66 bytes": (signature(ADA) + b"\0", "signature_length"),
    "63 bytes": (signature(ADA)[:63], "signature_length"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_is_not_taken_of_a_key_has_a_reason_of_its_own(form):
    given, code = REFUSED[form]
    with pytest.raises(BadSignature) as refused:
        of_key(MESSAGE, address(ADA), given)
    assert refused.value.sentence.code == code
    assert str(refused.value) == refused.value.sentence


@pytest.mark.parametrize("form", REFUSED)
def test_the_reason_is_kept_where_no_contract_stands(rpc, form):
    given, code = REFUSED[form]
    found = signed_by(MESSAGE, address(ADA), given, rpc)
    assert not found.is_signed
    assert found.problem.code == ("signature_without_contract" if code == "signature_length" else code)


def put(local_chain, name: str, *arguments) -> bytes:
    artifact = compiled()[name]
    code = bytes.fromhex(artifact["bytecode"].removeprefix("0x"))
    made = local_chain.send_raw("mallory", None, code + abi.encode(["address[]"] if arguments else [], list(arguments)))
    return bytes.fromhex(made["contractAddress"][2:])


TEAM = [Account.from_key(bytes([n]) * 32) for n in range(1, 11)]


def team_signature(prefixed_every: int = 0) -> bytes:
    parts = [bytes(one.sign_message(MESSAGE).signature) for one in TEAM]
    if prefixed_every:
        parts[::prefixed_every] = [with_v(prefixed(one), 4) for one in TEAM[::prefixed_every]]
    return b"".join(parts)


@pytest.mark.parametrize("prefixed_every", [0, 3])
def test_a_wallet_of_ten_owners(local_chain, rpc, prefixed_every):
    team = put(local_chain, "TeamWallet", [address(one) for one in TEAM])
    given = team_signature(prefixed_every)
    assert len(given) == 650
    found = signed_by(MESSAGE, team, given, rpc)
    assert (found.is_signed, found.signature, found.is_deployed, found.problem) == (True, given, True, None)
    for wrong in (given[:-65], given[65:] + given[:65], given[:-1] + b"\0", signature(ADA), b""):
        found = signed_by(MESSAGE, team, wrong, rpc)
        assert (found.is_signed, found.problem.code) == (False, "signature_refused_by_contract")


def test_a_contract_is_asked_at_the_block_that_is_named(local_chain, rpc):
    team = put(local_chain, "TeamWallet", [address(one) for one in TEAM])
    before = rpc.block("latest")
    local_chain.send_raw("mallory", team, abi.encode_call("leave()"))
    assert not signed_by(MESSAGE, team, team_signature(), rpc).is_signed
    found = signed_by(MESSAGE, team, team_signature(), rpc, at=before)
    assert (found.is_signed, found.block) == (True, before)


class Counterfactual:
    """A wallet that its factory would make, and how it signs before it is there (ERC-6492)."""

    def __init__(self, chain, salt: int = 7):
        self.chain, self.factory = chain, put(chain, "WalletFactory")
        owners = [address(one) for one in TEAM]
        self.make = abi.encode_call("make(address[],uint256)", [owners, salt])
        code = bytes.fromhex(compiled()["TeamWallet"]["bytecode"].removeprefix("0x")) + abi.encode(
            ["address[]"], [owners]
        )
        self.address = keccak(b"\xff" + self.factory + salt.to_bytes(32, "big") + keccak(code))[12:]

    def deploy(self) -> None:
        self.chain.send_raw("mallory", self.factory, self.make)

    def framed(self, inner: bytes, *, factory: bytes | None = None, make: bytes | None = None) -> bytes:
        parts = [factory or self.factory, self.make if make is None else make, inner]
        return abi.encode(["address", "bytes", "bytes"], parts) + bytes.fromhex("6492" * 16)


def test_a_wallet_that_is_not_deployed_yet(local_chain, rpc):
    wallet = Counterfactual(local_chain)
    given = wallet.framed(team_signature())
    found = signed_by(MESSAGE, wallet.address, given, rpc)
    assert (found.is_signed, found.is_deployed, found.signature) == (True, False, team_signature())
    assert found.block.number == rpc.head_number()
    assert rpc.get_code(wallet.address) == b""  # it was only tried
    wallet.deploy()
    assert rpc.get_code(wallet.address)
    found = signed_by(MESSAGE, wallet.address, given, rpc)
    assert (found.is_signed, found.is_deployed, found.signature) == (True, True, team_signature())
    found = signed_by(MESSAGE, wallet.address, wallet.framed(b"no"), rpc)
    assert (found.is_signed, found.problem.code) == (False, "signature_refused_by_contract")


@pytest.mark.parametrize(
    "wrong",
    [
        {"inner": b"no"},
        {"make": b""},  # nothing is deployed
        {"make": b"\xff" * 40_000},
        {"make": b"\xff" * 60_000},  # more than may be tried
        {"factory": b"\0" * 19 + b"\x09"},
        {"account": b"\x77" * 20},  # the factory makes another
        {"account": None},  # an account with a key, which made none of it
    ],
    ids=str,
)
def test_a_wallet_that_would_not_accept_it(local_chain, rpc, wrong):
    wallet = Counterfactual(local_chain)
    account = wrong.pop("account", wallet.address) or address(ADA)
    found = signed_by(MESSAGE, account, wallet.framed(wrong.pop("inner", team_signature()), **wrong), rpc)
    assert (found.is_signed, found.problem.code) == (False, "signature_refused_undeployed")


def test_a_frame_in_a_frame_is_no_signature_of_the_wallet(local_chain, rpc):
    wallet = Counterfactual(local_chain)
    twice = wallet.framed(wallet.framed(team_signature()))
    found = signed_by(MESSAGE, wallet.address, twice, rpc)
    assert (found.is_signed, found.problem.code) == (False, "signature_refused_undeployed")
    wallet.deploy()
    found = signed_by(MESSAGE, wallet.address, twice, rpc)
    assert (found.is_signed, found.problem.code) == (False, "signature_refused_by_contract")


def test_a_key_in_a_frame_signs_for_no_account_without_code(local_chain, rpc):
    """Some wallets put ERC-6492's frame around whatever they sign."""
    wallet = Counterfactual(local_chain)
    for make in (wallet.make, b""):
        found = signed_by(MESSAGE, address(ADA), wallet.framed(signature(ADA), make=make), rpc)
        assert (found.is_signed, found.problem.code) == (False, "signature_refused_undeployed")


def test_a_frame_that_is_none_is_no_wallet(local_chain, rpc):
    found = signed_by(MESSAGE, address(ADA), b"\xff" * 64 + bytes.fromhex("6492" * 16), rpc)
    assert (found.is_signed, found.problem.code) == (False, "signature_without_contract")


def delegated(local_chain, account: bytes, to: bytes) -> None:
    """As after a transaction with an authorization of EIP-7702."""
    local_chain.anvil.call("anvil_setCode", "0x" + account.hex(), "0xef0100" + to.hex())
    local_chain.anvil.mine()


def test_an_account_with_delegated_code_signs_by_its_key_or_its_code(local_chain, rpc):
    account = KEYS[3]
    team = put(local_chain, "TeamWallet", [address(one) for one in TEAM])
    delegated(local_chain, address(account), put(local_chain, "RefusingDelegate"))
    assert signatures.has_delegated_code(rpc, address(account))
    assert not signatures.has_code(rpc, address(account))
    assert signatures.has_code(rpc, team)
    assert not signatures.has_delegated_code(rpc, team)
    assert signed_by(MESSAGE, address(account), bytes(account.sign_message(MESSAGE).signature), rpc).is_signed
    found = signed_by(MESSAGE, address(account), signature(BEN), rpc)
    assert (found.is_signed, found.problem.code) == (False, "signature_refused_by_contract")
    accepts = bytes.fromhex(accepts_one(digest_of(MESSAGE))[2:])
    local_chain.anvil.call("anvil_setCode", "0x" + WALLET.hex(), "0x" + accepts.hex())
    delegated(local_chain, address(account), WALLET)
    assert signed_by(MESSAGE, address(account), b"passkey", rpc).is_signed


def test_every_reason_is_one_that_something_gives():
    here = {code for _, code in REFUSED.values()}
    elsewhere = {
        "signature_without_contract", "signature_refused_by_contract", "signature_refused_undeployed",
        "signature_needs_contract", "signature_not_deployed", "signature_refused_by_delegated_code",
        "signature_not_asked", "signature_digits",
    }  # fmt: skip
    assert {code for code in SENTENCES if code.startswith("signature_")} == here | elsewhere


def test_typed_data_is_signed_and_recovered():
    document = eip712.document(
        {"Note": [{"name": "text", "type": "string"}]}, "Note", "Tests", 1, "0x" + "11" * 20, {"text": "a"}, version="2"
    )
    assert document["domain"]["version"] == "2"
    signed = bytes(ADA.sign_typed_data(full_message=document).signature)
    assert eip712.recover(document, signed) == address(ADA) == recover(eip712.signable(document), signed)
    assert eip712.digest(document) == digest_of(eip712.signable(document))
    with pytest.raises(BadSignature, match="65 bytes"):
        eip712.recover(document, signed[:-2])
    document["domain"]["chainId"] = "no number"
    with pytest.raises(eip712.BadTypedData):
        eip712.digest(document)
