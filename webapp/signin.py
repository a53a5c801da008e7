# SPDX-License-Identifier: Apache-2.0
"""Sign-in with Ethereum (EIP-4361). Reading needs no account; signing in says who asks for something.

The server makes the nonce, keeps it in the session and uses it once; domain and nonce are always checked; times are the
wall clock's. What a person may do is read from the chain (operator, guardian), never from a flag here.
"""

from __future__ import annotations

import datetime
import warnings
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from eth_keys.exceptions import BadSignature
from pydantic import ValidationError

from governance.chain.rpc import Rpc, RpcError
from governance.models import Chain
from webapp import words

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # abnf's grammar warnings at import say nothing about us
    from siwe import InvalidSignature, SiweMessage, VerificationError, generate_nonce

NONCE_VALID_S = 600
SIGNED_IN_S = 12 * 3600
_NONCE, _NONCE_AT, _ACCOUNT = "signin_nonce", "signin_nonce_at", "signin_account"
_IS_VALID = bytes.fromhex("1626ba7e")


class SignInRefused(Exception):
    """Why somebody is not signed in, in words for them."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def fresh_nonce(request: HttpRequest) -> str:
    """A new nonce for this session; the one before it is void."""
    nonce = generate_nonce()
    request.session[_NONCE] = nonce
    request.session[_NONCE_AT] = _now().timestamp()
    return nonce


def verify(request: HttpRequest, text: str, signature: str) -> bytes:
    """Sign the sender of an EIP-4361 message in; returns the account. The nonce is spent whatever the outcome.

    Raises:
        SignInRefused: malformed, for another site, nonce or chain, too old, or not signed by the account it names.
    """
    nonce, made_at = request.session.pop(_NONCE, None), request.session.pop(_NONCE_AT, 0.0)
    if nonce is None or _now().timestamp() - made_at > NONCE_VALID_S:
        raise SignInRefused("the sign-in message is too old or was used before: sign in again")
    if len(text) > 4000 or len(signature) > 4000:
        raise SignInRefused("the sign-in message is too long")
    try:
        message = SiweMessage.from_message(text)
    except (ValueError, ValidationError, TypeError) as error:
        raise SignInRefused("that is not a sign-in message of EIP-4361") from error
    origin = urlsplit(settings.ORIGIN)
    if urlsplit(message.uri).netloc != origin.netloc:
        raise SignInRefused("the sign-in message is for another address than this site's")
    if not Chain.objects.filter(chain_id=message.chain_id).exists():
        raise SignInRefused("the sign-in message is for a chain that is not mirrored here")
    if message.expiration_time is None:
        raise SignInRefused("the sign-in message never expires; one that does is asked for")
    account = bytes.fromhex(message.address[2:])
    try:
        message.verify(signature, domain=origin.netloc, nonce=nonce, timestamp=_now())
    except (InvalidSignature, BadSignature) as error:
        if not _contract_accepts(message, account, signature):
            raise SignInRefused("the signature is not that of the account in the message") from error
    except VerificationError as error:  # another site's message, another nonce, expired: no signature mends that
        raise SignInRefused(f"the sign-in message was not accepted: {type(error).__name__}") from error
    except (ValueError, TypeError) as error:
        raise SignInRefused("the signature is malformed") from error
    request.session.cycle_key()
    request.session[_ACCOUNT] = {"address": account.hex(), "until": _now().timestamp() + SIGNED_IN_S}
    return account


def _contract_accepts(message: SiweMessage, account: bytes, signature: str) -> bool:
    """EIP-1271: a smart wallet says itself whether it signed. Only for what failed as a signature, nothing else."""
    from eth_account.messages import _hash_eip191_message, encode_defunct

    from governance.chain import abi

    digest = _hash_eip191_message(encode_defunct(text=message.prepare_message()))
    try:
        raw = bytes.fromhex(signature.removeprefix("0x"))
        rpc = Rpc.for_chain(message.chain_id)
        if not rpc.get_code(account):
            return False
        answer = rpc.eth_call(account, abi.encode_call("isValidSignature(bytes32,bytes)", [digest, raw]))
    except (ValueError, RpcError):
        return False
    return answer[:4] == _IS_VALID and len(answer) == 32


def account_of(request: HttpRequest) -> bytes | None:
    """Who is signed in, or None."""
    held = request.session.get(_ACCOUNT)
    if not held or held["until"] < _now().timestamp():
        return None
    return bytes.fromhex(held["address"])


def signed_in_text(request: HttpRequest) -> str:
    """The checksummed address of who is signed in, or nothing."""
    account = account_of(request)
    return words.address_text(account) if account else ""


def sign_out(request: HttpRequest) -> None:
    """Forget who was signed in."""
    request.session.flush()
