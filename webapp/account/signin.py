# SPDX-License-Identifier: Apache-2.0
"""Sign-in with Ethereum (EIP-4361). Reading needs no account; signing in says who asks for something.

The server makes the nonces and keeps none of them: each tells when it was made and is signed together with a secret
that only the browser's cookie holds. So a message signed elsewhere signs nobody in here, several tabs don't disturb
each other, and nothing is written until somebody has signed in; then the nonce is noted as spent, and a session made.
Domain and nonce are always checked; times are the wall clock's. What a person may do is read from the chain (operator,
guardian), never from a flag here.
"""

from __future__ import annotations

import datetime
import hmac
import re
import secrets
import warnings
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, gettext_noop
from eth_account.messages import SignableMessage, encode_defunct
from eth_keys.exceptions import BadSignature as BadKeySignature
from pydantic import ValidationError

from governance.chain.rpc import Rpc, RpcError
from governance.chain.signatures import MOST_SIGNATURE_DIGITS, BadSignature, of_key, signed_by
from governance.models import Chain
from governance.sentences import Sentence, worded
from governance.words import say
from policies.notation.hexadecimal import hex_bytes
from presentation import words
from webapp import throttle

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # abnf's grammar warnings at import say nothing about us
    from siwe import InvalidSignature, SiweMessage, VerificationError

NONCE_VALID_S = 600
SIGNED_IN_S = 12 * 3600
_CLOCKS_DIFFER_S = 60  # between the servers of one site
_NO_SIGNATURE = "0x" + "00" * 65
_ACCOUNT = "signin_account"
_BROWSER = re.compile(r"[0-9a-f]{32}")
_NONCE = re.compile(r"(?P<random>[0-9a-f]{16})(?P<made_at_s>[0-9a-f]{8})(?P<signature>[0-9a-f]{24})")
_USED = gettext_noop("the sign-in message is too old, was used before, or was made for another browser: sign in again")


class SignInRefused(Exception):
    """Why somebody is not signed in, in words for them."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _cookie() -> str:
    return settings.SESSION_COOKIE_NAME + "_signin"


def browser_of(request: HttpRequest) -> str:
    """Return the secret that tells this browser from others; a new one where it has none that we could have made."""
    held = request.COOKIES.get(_cookie(), "")
    return held if _BROWSER.fullmatch(held) else secrets.token_hex(16)


def remember(response: HttpResponse, browser: str) -> None:
    """Have the browser keep its secret for as long as a nonce made now is valid."""
    response.set_cookie(
        _cookie(),
        browser,
        max_age=NONCE_VALID_S,
        path="/auth/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def _nonce(browser: str, random: str, made_at_s: str) -> str:
    signature = salted_hmac("webapp.signin.nonce", f"{browser}:{random}:{made_at_s}", algorithm="sha256").hexdigest()
    return f"{random}{made_at_s}{signature[:24]}"


def fresh_nonce(browser: str) -> str:
    """Return a new nonce, which is good for one sign-in with this browser."""
    return _nonce(browser, secrets.token_hex(8), f"{int(_now().timestamp()):08x}")


def _made_at_s(browser: str, nonce: str) -> int | None:
    """Return when a nonce was made (Unix seconds); None where it was not made for this browser, or is too old."""
    parts = _NONCE.fullmatch(nonce)
    if parts is None or not hmac.compare_digest(nonce, _nonce(browser, parts["random"], parts["made_at_s"])):
        return None
    made_at_s = int(parts["made_at_s"], 16)
    return made_at_s if -_CLOCKS_DIFFER_S <= _now().timestamp() - made_at_s <= NONCE_VALID_S else None


def verify(request: HttpRequest, text: str, signature: str) -> bytes:
    """Sign the sender of an EIP-4361 message in; returns the account. The nonce is spent where that succeeds.

    Raises:
        SignInRefused: malformed, for another site, browser or chain, too old, used before, or not signed by the account
            it names.
    """
    if len(text) > 4000:
        raise SignInRefused(gettext("the sign-in message is too long"))
    if len(signature) > MOST_SIGNATURE_DIGITS:
        raise SignInRefused(gettext("the signature is too long"))
    try:
        message = SiweMessage.from_message(text)
    except (ValueError, ValidationError, TypeError) as error:
        raise SignInRefused(gettext("that is not a sign-in message of EIP-4361")) from error
    made_at_s = _made_at_s(browser_of(request), message.nonce)
    if made_at_s is None:
        raise SignInRefused(gettext(_USED))
    origin = urlsplit(settings.ORIGIN)
    if urlsplit(message.uri).netloc != origin.netloc:
        raise SignInRefused(gettext("the sign-in message is for another address than this site's"))
    if not Chain.objects.filter(chain_id=message.chain_id).exists():
        raise SignInRefused(gettext("the sign-in message is for a chain that is not mirrored here"))
    if message.expiration_time is None:
        raise SignInRefused(gettext("The sign-in message has no expiry time. Sign in again with a current wallet."))
    account = hex_bytes(message.address)
    try:
        # The library looks at the message alone: which forms of a signature there are, one place of ours knows.
        message.verify(_NO_SIGNATURE, domain=origin.netloc, nonce=message.nonce, timestamp=_now())
    except (InvalidSignature, BadKeySignature):
        pass
    except VerificationError as error:  # another site's message, another nonce, expired: no signature mends that
        text = gettext("the sign-in message was not accepted: %(problem)s") % {"problem": type(error).__name__}
        raise SignInRefused(text) from error
    problem, is_key = _signed(message, account, signature)
    if problem is not None:
        text = gettext("the signature is not that of the account in the message: %(problem)s")
        raise SignInRefused(text % {"problem": worded(problem)})
    # Once, in whatever process: of two that send the same, the database lets one through.
    if not throttle.first("signin-nonce", message.nonce, made_at_s):
        raise SignInRefused(gettext(_USED))
    request.session.cycle_key()
    request.session.set_expiry(SIGNED_IN_S)
    request.session[_ACCOUNT] = {
        "address": account.hex(), "until": _now().timestamp() + SIGNED_IN_S,
        "chain": None if is_key else message.chain_id,
    }  # fmt: skip
    return account


def _signed(message: SiweMessage, account: bytes, signature: str) -> tuple[Sentence | None, bool]:
    """Return why the account did not sign the message (None where it did, by its key or as its contract says), and
    whether a key signed: that needs no node's word."""
    try:
        raw = bytes.fromhex(signature.removeprefix("0x"))
    except ValueError:
        return say("signature_digits"), False
    signable = encode_defunct(text=message.prepare_message())
    try:
        of_key(signable, account, raw)
    except BadSignature:  # it may be a contract's
        try:
            return _as_contract(signable, account, raw, Rpc.for_chain(message.chain_id)), False
        except RpcError:
            return say("signature_not_asked"), False
    return None, True


def _as_contract(signable: SignableMessage, account: bytes, raw: bytes, rpc: Rpc) -> Sentence | None:
    """Return why the account's contract did not sign. One node could make up that it did: where more are configured,
    a second one must say so too. Raises RpcError."""
    found = signed_by(signable, account, raw, rpc)
    if found.is_signed and not rpc.is_single and not any(_accepts(signable, account, raw, n) for n in rpc.others()):
        return say("signature_not_asked")
    return found.problem


def _accepts(signable: SignableMessage, account: bytes, raw: bytes, node: Rpc) -> bool:
    try:
        return signed_by(signable, account, raw, node).is_signed
    except RpcError:
        return False


def signed_in(request: HttpRequest) -> tuple[bytes | None, int | None]:
    """Who is signed in (None: nobody), and the chain on which a contract account accepted the signature (None where the
    account's key made it)."""
    held = request.session.get(_ACCOUNT)
    # A session of before does not say whether a key signed.
    if not held or held["until"] < _now().timestamp() or "chain" not in held:
        return None, None
    return bytes.fromhex(held["address"]), held["chain"]


def account_of(request: HttpRequest, chain_id: int | None = None) -> bytes | None:
    """Who is signed in, or None. Towards a chain, nobody is whose contract accepted the signature on another one."""
    account, accepted_on = signed_in(request)
    return None if chain_id is not None and accepted_on not in (None, chain_id) else account


def signed_in_text(request: HttpRequest) -> str:
    """The checksummed address of who is signed in, or nothing."""
    account = account_of(request)
    return words.address_text(account) if account else ""


def sign_out(request: HttpRequest) -> None:
    """Forget who was signed in."""
    request.session.flush()
