# SPDX-License-Identifier: Apache-2.0
"""Did this account sign? The one place that knows the forms of a signature that wallets send.

| form | taken |
|---|---|
| 65 bytes, v 27 or 28, or 0 or 1 (Ledger and others) | yes; used as r, s and v 27 or 28, which is what contracts take |
| 64 bytes (EIP-2098, the parity in the top bit of s) | yes, used as the 65 bytes that it stands for |
| s in the upper half of the curve's order | no: OpenZeppelin's contracts refuse it (`signature_high_s`) |
| over the hash with eth_sign's prefix, also v 31 or 32 | no: the account was not shown that (`signature_prefixed`) |
| an account with delegated code (EIP-7702) | by its key, or as its code says |
| a contract account's own bytes (ERC-1271; Safe, passkeys) | as the contract says at the block that is asked |
| ERC-6492, of a wallet that is not deployed yet | as the wallet that it would deploy says, tried at that block |
| ERC-6492, of a wallet that is deployed by now | the signature that it holds, as the contract says |

A contract is asked by a call in which it may write nothing (STATICCALL), as contracts ask it. Where a node does not run
the code that asks so (some chains run none that nobody deployed), what it answers to a plain call counts.

Whatever is refused has a reason of its own: a sentence of `governance.words`.
"""

from dataclasses import dataclass

from eth_account.messages import SignableMessage
from eth_keys import keys
from eth_keys.exceptions import BadSignature as BadKeySignature
from eth_utils.exceptions import ValidationError

from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.rpc import Answered, CallReverted, Header, Rpc
from governance.chain.trial import MOST_CODE, trial
from governance.sentences import Sentence
from governance.words import say
from policies.notation.primitives import keccak

_IS_VALID_SIGNATURE = "isValidSignature(bytes32,bytes)"
_MAGIC = abi.selector(_IS_VALID_SIGNATURE)  # what a contract answers that accepts a signature
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1
_PREFIX = b"\x19Ethereum Signed Message:\n32"  # of eth_sign over a hash
_NOT_DEPLOYED = bytes.fromhex("6492" * 16)  # the end of an ERC-6492 signature
_IDENTITY = bytes(19) + b"\4"  # the precompiled contract that only returns what it is given
_DELEGATED = bytes.fromhex("ef0100")  # the beginning of an account's code by EIP-7702
MOST_SIGNATURE_DIGITS = 20_000  # that pages and API take: a Safe of ten owners has 1,302, one of passkeys more


class BadSignature(ValueError):
    """The signature is none of the account's key; `sentence` says why."""

    def __init__(self, sentence: Sentence):
        self.sentence = sentence
        super().__init__(str(sentence))


@dataclass(frozen=True)
class Signed:
    """Whether an account signed. `block` is where the chain was asked; None where the signature alone shows it, which
    no block can change. What a contract accepts in one block it may refuse in the next.

    `signature` is what a contract takes in its place: a key's as 65 bytes, a wallet's own without ERC-6492's frame.
    `is_deployed` is False where the wallet's contract is not there yet, so that no contract can check it. `problem`
    says why the account did not sign.
    """

    is_signed: bool
    block: Header | None = None
    signature: bytes = b""
    is_deployed: bool = True
    problem: Sentence | None = None


def digest_of(message: SignableMessage) -> bytes:
    """Return what is signed of a message (ERC-191): keccak256 of 0x19, its version, header and body."""
    return keccak(b"\x19" + message.version + message.header + message.body)


def normal(signature: bytes) -> bytes:
    """Return a key's signature as r, s and v of 27 or 28: 65 bytes, as contracts take it.

    Raises:
        BadSignature: another length, another v, s in the upper half, or no numbers of the curve.
    """
    r, s, v = _parts(signature)
    if v in (31, 32):
        raise BadSignature(say("signature_prefixed"))
    return _packed(r, s, v)


def _parts(signature: bytes) -> tuple[int, int, int]:
    """(r, s, v) of a key's signature, v 27 or 28, or 31 or 32 where it says that eth_sign's prefix was signed too.
    Raises BadSignature."""
    if len(signature) == 64:
        word = int.from_bytes(signature[32:], "big")
        s, v = word & ((1 << 255) - 1), 27 + (word >> 255)
    elif len(signature) == 65:
        s, v = int.from_bytes(signature[32:64], "big"), signature[64]
        v += 27 if v in (0, 1) else 0
    else:
        raise BadSignature(say("signature_length", length=len(signature)))
    r = int.from_bytes(signature[:32], "big")
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        raise BadSignature(say("signature_off_curve"))
    if v not in (27, 28, 31, 32):
        raise BadSignature(say("signature_v", v=v))
    if s > _ORDER // 2:
        raise BadSignature(say("signature_high_s"))
    return r, s, v


def _packed(r: int, s: int, v: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])


def _key_of(digest: bytes, r: int, s: int, parity: int) -> bytes:
    """The address of the key that signed a hash. Raises BadSignature."""
    try:
        public = keys.Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest)
    except (BadKeySignature, ValidationError, ValueError) as error:
        raise BadSignature(say("signature_off_curve")) from error
    return bytes(public.to_canonical_address())


def recover(message: SignableMessage, signature: bytes) -> bytes:
    """Return the address of the key that signed. Raises BadSignature. Contract accounts have none: see `signed_by`."""
    packed = normal(signature)
    r, s, v = _parts(packed)
    return _key_of(digest_of(message), r, s, v - 27)


def of_key(message: SignableMessage, account: bytes, signature: bytes) -> bytes:
    """Return the signature of the account's key as 65 bytes, as contracts take it.

    Raises:
        BadSignature: it is none of this account's key; with the reason.
    """
    r, s, v = _parts(signature)
    digest = digest_of(message)
    parity = (v - 27) % 4
    if v in (27, 28) and _key_of(digest, r, s, parity) == account:
        return _packed(r, s, v)
    if _key_of(keccak(_PREFIX + digest), r, s, parity) == account:
        raise BadSignature(say("signature_prefixed"))
    normal(signature)
    signer = checksum(_key_of(digest, r, s, parity))
    raise BadSignature(say("signature_of_another", signer=signer, account=checksum(account)))


def signed_by(
    message: SignableMessage, account: bytes, signature: bytes, rpc: Rpc, *, at: Header | None = None
) -> Signed:
    """Tell whether the account signed: by its key, or, where code stands at its address, by what that code says in
    block `at` (the newest one).

    Raises:
        RpcError: the chain had to be asked, and could not be.
    """
    try:
        return Signed(True, signature=of_key(message, account, signature))
    except BadSignature as error:
        problem = error.sentence  # of no key of the account's; a contract has signatures of its own kind
    block = at or rpc.block("latest")
    if block is None:
        raise Answered(None, say("latest_block_missing"))
    digest, frame = digest_of(message), _frame(signature)
    if rpc.get_code(account, block.hash):
        inner = frame[2] if frame else signature
        if _accepts(rpc, account, digest, inner, block):
            return Signed(True, block, inner)
        refused = say("signature_refused_by_contract", account=checksum(account), block=block.number)
        return Signed(False, block, problem=refused)
    if frame is None:
        if problem.code == "signature_length":
            problem = say("signature_without_contract", account=checksum(account), length=len(signature))
        return Signed(False, block, problem=problem)
    if _would_accept(rpc, account, digest, *frame, block):
        return Signed(True, block, frame[2], is_deployed=False)
    problem = say("signature_refused_undeployed", account=checksum(account), block=block.number)
    return Signed(False, block, is_deployed=False, problem=problem)


def has_delegated_code(rpc: Rpc, account: bytes) -> bool:
    """Whether an account with a key runs a contract's code now (EIP-7702): contracts then ask that code, not the key.
    Raises RpcError."""
    return rpc.get_code(account)[:3] == _DELEGATED


def has_code(rpc: Rpc, account: bytes) -> bool:
    """Whether a contract stands at the account now, other than by EIP-7702. Raises RpcError."""
    code = rpc.get_code(account)
    return bool(code) and code[:3] != _DELEGATED


def _frame(signature: bytes) -> tuple[bytes, bytes, bytes] | None:
    """(factory, its calldata, the wallet's signature) of an ERC-6492 signature; None for any other."""
    if signature[-32:] != _NOT_DEPLOYED:
        return None
    try:
        factory, calldata, inner = abi.decode(["address", "bytes", "bytes"], signature[:-32], canonical=False)
    except abi.NotCanonical:
        return None
    return bytes(factory), bytes(calldata), bytes(inner)


def _accepts(rpc: Rpc, account: bytes, digest: bytes, signature: bytes, block: Header) -> bool:
    """Whether the contract at the account says that it signed."""
    question = abi.encode_call(_IS_VALID_SIGNATURE, [digest, signature])
    try:
        answer = rpc.eth_call(account, question, block.hash)
    except CallReverted:
        return False
    return _is_yes(answer) and _accepts_unchanged(rpc, account, question, block)


def _accepts_unchanged(rpc: Rpc, account: bytes, question: bytes, block: Header) -> bool:
    """Whether the contract says yes also to a call in which it may write nothing, or the node can't try one."""
    code = trial(_IDENTITY, b"", account, question)
    if len(code) > MOST_CODE:
        return False
    try:
        answer = rpc.eth_create(code, block.hash)
    except Answered:
        return True
    return answer[:32] == (1).to_bytes(32, "big") and _is_yes(answer[32:])


def _is_yes(answer: bytes) -> bool:
    """Whether the answer is ERC-1271's, as a word. Contracts that ask take none with anything behind the four bytes."""
    return answer == _MAGIC + bytes(28)


def _would_accept(
    rpc: Rpc, account: bytes, digest: bytes, factory: bytes, calldata: bytes, signature: bytes, block: Header
) -> bool:
    """Whether the wallet, once its factory is called, says that it signed. Both in one trial that changes nothing."""
    code = trial(factory, calldata, account, abi.encode_call(_IS_VALID_SIGNATURE, [digest, signature]))
    if len(code) > MOST_CODE:
        return False
    try:
        answer = rpc.eth_create(code, block.hash)
    except CallReverted:
        return False
    return answer[:32] == (1).to_bytes(32, "big") and _is_yes(answer[32:])
