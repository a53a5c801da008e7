# SPDX-License-Identifier: Apache-2.0
"""Contracts made by factories, and what is run in their code at once. Where a new contract will be only shows when it
is made."""

from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, Handler, Made, make
from agent.understanding.effects.book import Book
from agent.understanding.effects.effect import Argument, Effect, Kind
from agent.understanding.effects.known import kind_of
from agent.understanding.effects.wording import TABLE
from governance.chain import abi
from governance.chain.address import ZERO

SENTENCES = {
    "makes_proxy": gettext_noop("Has {target} make a new contract that runs the code of {code}."),
    "makes_module": gettext_noop("Has {target} make a new module that runs the code of {code}."),
    "sets_up_safe": gettext_noop(
        "Sets the new Safe up. Its signers are {signers}; {threshold} must sign; its fallback handler is {handler}."
    ),
    "sets_up_and_runs": gettext_noop(
        "Sets the new Safe up. Its signers are {signers}; {threshold} must sign; its fallback handler is {handler}. It "
        "also runs the code of {code} as its own: nobody can say what that does."
    ),
    "sets_up_and_pays": gettext_noop(
        "Sets the new Safe up. Its signers are {signers}; {threshold} must sign; its fallback handler is {handler}. It "
        "also pays for that out of what the new Safe holds."
    ),
    "no_handler": gettext_noop("none"),
    "runs_in_new_code": gettext_noop(
        "Then runs {count} bytes of call data in the new contract: nobody can say what that does."
    ),
}
say = TABLE.add(SENTENCES)

_SETUPS = (
    "setup(address[],uint256,address,bytes,address,address,uint256,address)",
    "setup(address[],uint256,address,bytes,address,uint256,address)",  # before 1.0, without a fallback handler
)
_SAFE_NAMES = ("_owners", "_threshold", "to", "data", "fallbackHandler", "paymentToken", "payment", "paymentReceiver")


def _makes(code: str, *, data: int | None = 1) -> Handler:
    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Made:
        sentence = say(code, target=book.party(act.target), code=book.party(a[0]))
        effect = make(act, Kind.CALL, sentence, function, subject="new contract", recipient=a[0])
        if data is None or not a[data]:
            return Made((effect,))
        return Made((effect, _set_up(act, book, a[0], a[data])))

    return handler


def _set_up(act: Act, book: Book, code: bytes, data: bytes) -> Effect:
    """What the call data that is run in the new contract does: known of a Safe by its own makers' code and factory."""
    is_safe = kind_of(act.target, book) == "safe_factory" and kind_of(code, book) == "safe_code"
    for signature in _SETUPS if is_safe else ():
        types = abi.signature_types(signature)
        if data[:4] != abi.selector(signature):
            continue
        try:
            values = abi.decode(types, data[4:])
        except abi.NotCanonical:
            continue
        names = _SAFE_NAMES if len(types) == len(_SAFE_NAMES) else (*_SAFE_NAMES[:4], *_SAFE_NAMES[5:])
        arguments = tuple(map(Argument, names, types, values))
        return _safe_set_up(act, book, signature, {argument.name: argument.value for argument in arguments}, arguments)
    why = say("runs_in_new_code", count=f"{len(data):,}")
    return make(act, Kind.UNKNOWN, why, why=why, arguments=(), others=[code])


def _safe_set_up(
    act: Act, book: Book, signature: str, given: dict[str, Any], arguments: tuple[Argument, ...]
) -> Effect:
    handler = given.get("fallbackHandler", ZERO)
    shown: dict[str, Any] = {
        "signers": [book.party(signer) for signer in given["_owners"]],
        "threshold": f"{given['_threshold']:,}",
        "handler": say("no_handler") if handler == ZERO else book.party(handler),
    }
    others = [*given["_owners"], given["to"], handler, given["paymentToken"], given["paymentReceiver"]]
    fields: dict[str, Any] = {"subject": "signers", "others": others, "arguments": arguments}
    if given["to"] != ZERO:
        sentence = say("sets_up_and_runs", **shown, code=book.party(given["to"]))
    elif given["payment"]:
        sentence = say("sets_up_and_pays", **shown)
    else:
        return make(act, Kind.ROLE_CHANGE, say("sets_up_safe", **shown), signature, **fields)
    return make(act, Kind.UNKNOWN, sentence, signature, why=sentence, moves="power", **fields)


MEANINGS: dict[str, Handler] = {
    "createProxy(address,bytes)": _makes("makes_proxy"),
    "createProxyWithNonce(address,bytes,uint256)": _makes("makes_proxy"),
    "createProxyWithNonceL2(address,bytes,uint256)": _makes("makes_proxy"),
    "createChainSpecificProxyWithNonce(address,bytes,uint256)": _makes("makes_proxy"),
    "createProxyWithCallback(address,bytes,uint256,address)": _makes("makes_proxy"),
    "deployModule(address,bytes,uint256)": _makes("makes_module"),
    "clone(address)": _makes("makes_proxy", data=None),
    "cloneDeterministic(address,bytes32)": _makes("makes_proxy", data=None),
    "deploy(address,address)": _makes("makes_proxy", data=None),
    "deployAndCall(address,address,bytes)": _makes("makes_proxy", data=2),
}
