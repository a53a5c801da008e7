# SPDX-License-Identifier: Apache-2.0
"""Functions that make the calls they are given. Believed only where the target is known to be such a contract."""

from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, Handler, Made, make
from agent.understanding.effects.book import ETHER, Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.wording import Sentence, Speaker
from governance.chain.address import ZERO
from governance.chain.call import executed_calldata

SENTENCES = {
    "unequal_lists": gettext_noop("Calls {function} on {target} with lists of unequal length: it would fail."),
    "no_such_operation": gettext_noop("A Safe operation {operation} on {target}, which does not exist."),
    "malformed_multisend": gettext_noop("A multisend on {target} that is not well formed: it would fail."),
    "no_calls_inside": gettext_noop("Calls {function} on {target} with no calls inside: nothing happens."),
    "refund": gettext_noop(
        "{safe} also pays {recipient} for gas: {price} for each unit of gas that the call uses and for {base} units "
        "more. How much that is only shows when it is executed."
    ),
    "refund_to_executor": gettext_noop(
        "{safe} also pays whoever executes it for gas: {price} for each unit of gas that the call uses and for {base} "
        "units more. How much that is only shows when it is executed."
    ),
    "refund_of_nothing": gettext_noop("The call names a refund for gas that pays nothing, at a gas price of 0."),
    "may_fail": gettext_noop("The Safe does not revert when this call fails."),
    "scheduled": gettext_noop("It is only scheduled here: it can be executed {delay} later."),
    "queued": gettext_noop("It is only queued here, for Unix time {eta}."),
}
say = Speaker(SENTENCES)

CALL_ONLY = "safe_multisend_call_only"
MULTISENDS = frozenset({"multisend", "multisend_call_only", "safe_multisend", CALL_ONLY})
_TREASURY = frozenset({"treasury"})
_TIMELOCK = frozenset({"timelock", "treasury"})  # a timelock that holds the treasury is a treasury
_SAFE = frozenset({"safe", "treasury"})
_GOVERNOR = frozenset({"governor"})


def name_of(function: str) -> str:
    return function.split("(")[0]


def _relay(act: Act, _book: Book, function: str, a: tuple[Any, ...]) -> Made:
    return Made(inside=(act.inside(name_of(function), a[0], a[1], a[2]),))


def _schedule(act: Act, _book: Book, function: str, a: tuple[Any, ...]) -> Made:
    later = say("scheduled", delay={"seconds": str(a[5])})
    return Made(inside=(act.inside(name_of(function), a[0], a[1], a[2], besides=(later,)),))


def _batch(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect | Made:
    targets, values, payloads = a[0], a[1], a[2]
    if not len(targets) == len(values) == len(payloads):
        sentence = say("unequal_lists", function=name_of(function), target=book.party(act.target))
        return make(act, Kind.UNKNOWN, sentence, function, why=sentence)
    later = (say("scheduled", delay={"seconds": str(a[5])}),) if function.startswith("schedule") else ()
    return Made(
        inside=tuple(
            act.inside(name_of(function), *each, besides=later) for each in zip(targets, values, payloads, strict=True)
        )
    )


def _compound(act: Act, _book: Book, function: str, a: tuple[Any, ...]) -> Made:
    """Compound's timelock: target, value, the function's text, its arguments, when."""
    target, value, signature, data, eta = a
    written = signature.encode()
    later = (say("queued", eta=f"{eta}"),) if function.startswith("queue") else ()
    calldata = executed_calldata(written, data)
    return Made(inside=(act.inside(name_of(function), target, value, calldata, signature=written, besides=later),))


def _safe(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect | Made:
    to, value, data, operation = a[:4]
    if operation > 1:
        sentence = say("no_such_operation", operation=f"{operation}", target=book.party(act.target))
        return make(act, Kind.UNKNOWN, sentence, function, why=sentence)
    beside, besides = _refund(act, book, function, *a[4:9]) if len(a) > 4 else ((), ())
    inner = act.inside(name_of(function), to, value, data, delegatecall=operation == 1, besides=besides)
    return Made(inside=(inner,), beside=beside)


def _refund(
    act: Act, book: Book, function: str, safe_gas: int, base_gas: int, gas_price: int, gas_token: bytes, receiver: bytes
) -> tuple[tuple[Effect, ...], tuple[Sentence, ...]]:
    """What a Safe's execTransaction does besides its call: it may pay for gas, and may go on when the call fails."""
    beside: tuple[Effect, ...] = ()
    besides: list[Sentence] = []
    if gas_price:
        asset = ETHER if gas_token == ZERO else gas_token
        recipient = None if receiver == ZERO else receiver
        values: dict[str, Any] = {
            "safe": book.party(act.target), "price": book.money(asset, gas_price), "base": f"{base_gas:,}",
        }  # fmt: skip
        if recipient is None:
            sentence = say("refund_to_executor", **values)
        else:
            sentence = say("refund", **values, recipient=book.party(recipient))
        beside = (
            make(
                act, Kind.REFUND, sentence, function, asset=asset, recipient=recipient, sender=act.target,
                new_value=str(gas_price), subject="gas price",
            ),
        )  # fmt: skip
    elif base_gas or gas_token != ZERO or receiver != ZERO:
        besides.append(say("refund_of_nothing"))
    if safe_gas or gas_price:
        besides.append(say("may_fail"))
    return beside, tuple(besides)


def _multisend(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect | Made:
    """Safe's MultiSend: operation (1), to (20), value (32), length (32), data, packed one after the other.

    By delegatecall the calls are made by who delegates.
    """
    packed, calls, offset = a[0], [], 0
    maker = (act.through[-1] if act.through else book.executor or ZERO) if act.delegatecall else act.target
    while offset < len(packed):
        head = packed[offset : offset + 85]
        length = int.from_bytes(head[53:85], "big")
        if len(head) < 85 or head[0] > 1 or offset + 85 + length > len(packed):
            sentence = say("malformed_multisend", target=book.party(act.target))
            return make(act, Kind.UNKNOWN, sentence, function, why=sentence)
        data = packed[offset + 85 : offset + 85 + length]
        value = int.from_bytes(head[21:53], "big")
        calls.append(act.inside(name_of(function), head[1:21], value, data, maker=maker, delegatecall=head[0] == 1))
        offset += 85 + length
    return Made(inside=tuple(calls))


CONTAINERS: dict[str, tuple[frozenset[str], Handler]] = {
    "relay(address,uint256,bytes)": (_GOVERNOR, _relay),
    "execute(address,uint256,bytes)": (_TREASURY, _relay),
    "perform(address,uint256,bytes)": (_TREASURY, _relay),
    "schedule(address,uint256,bytes,bytes32,bytes32,uint256)": (_TIMELOCK, _schedule),
    "execute(address,uint256,bytes,bytes32,bytes32)": (_TIMELOCK, _relay),
    "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)": (_TIMELOCK, _batch),
    "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)": (_TIMELOCK, _batch),
    "queueTransaction(address,uint256,string,bytes,uint256)": (_TIMELOCK, _compound),
    "executeTransaction(address,uint256,string,bytes,uint256)": (_TIMELOCK, _compound),
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)": (_SAFE, _safe),
    "execTransactionFromModule(address,uint256,bytes,uint8)": (_SAFE, _safe),
    "execTransactionFromModuleReturnData(address,uint256,bytes,uint8)": (_SAFE, _safe),
    "multiSend(bytes)": (MULTISENDS, _multisend),
}
