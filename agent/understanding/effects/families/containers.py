# SPDX-License-Identifier: Apache-2.0
"""Functions that make the calls they are given. Believed only where the target is known to be such a contract."""

from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, Handler, Made, make
from agent.understanding.effects.book import ETHER, Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.wording import TABLE
from governance.chain.address import ZERO
from governance.chain.call import executed_calldata
from governance.sentences import Sentence

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
    "by_role": gettext_noop(
        "The account that {roles} acts for makes this call, and only if the role it names allows it."
    ),
    "if_passed": gettext_noop("It is only executed if that proposal has passed there."),
    "made_by_itself": gettext_noop(
        "{maker} makes this call itself: it pays out of what it holds, and has no rights but its own."
    ),
    "may_fail_inside": gettext_noop("The other calls go on when this one fails."),
    "scheduled": gettext_noop("It is only scheduled here: it can be executed {delay} later."),
    "queued": gettext_noop("It is only queued here, for Unix time {eta}."),
}
say = TABLE.add(SENTENCES)

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
    besides = () if act.delegatecall else (say("made_by_itself", maker=book.party(maker)),)
    while offset < len(packed):
        head = packed[offset : offset + 85]
        length = int.from_bytes(head[53:85], "big")
        if len(head) < 85 or head[0] > 1 or offset + 85 + length > len(packed):
            sentence = say("malformed_multisend", target=book.party(act.target))
            return make(act, Kind.UNKNOWN, sentence, function, why=sentence)
        data = packed[offset + 85 : offset + 85 + length]
        value = int.from_bytes(head[21:53], "big")
        calls.append(
            act.inside(
                name_of(function), head[1:21], value, data, maker=maker, delegatecall=head[0] == 1, besides=besides
            )
        )
        offset += 85 + length
    return Made(inside=tuple(calls))


def _by_role(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect | Made:
    """Zodiac Roles: a Safe's call, checked against a role."""
    to, value, data, operation = a[:4]
    if operation > 1:
        sentence = say("no_such_operation", operation=f"{operation}", target=book.party(act.target))
        return make(act, Kind.UNKNOWN, sentence, function, why=sentence)
    checked = (say("by_role", roles=book.party(act.target)),)
    return Made(inside=(act.inside(name_of(function), to, value, data, delegatecall=operation == 1, besides=checked),))


def _governor_executes(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect | Made:
    """Another proposal, executed by this one."""
    if not len(a[0]) == len(a[1]) == len(a[2]):
        return _batch(act, book, function, a)
    passed = (say("if_passed"),)
    return Made(
        inside=tuple(act.inside("execute", *each, besides=passed) for each in zip(a[0], a[1], a[2], strict=True))
    )


def _aggregate(*, calls: int, target: int, data: int, value: int | None = None, may_fail: int | None = None) -> Handler:
    """A Multicall contract: it makes the calls itself. The numbers are places among the arguments and in each call."""

    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Made:
        itself = (say("made_by_itself", maker=book.party(act.target)),)
        inside = []
        for each in a[calls]:
            lenient = not a[0] if calls else may_fail is not None and each[may_fail]
            inside.append(
                act.inside(
                    name_of(function),
                    each[target],
                    0 if value is None else each[value],
                    each[data],
                    besides=(*itself, say("may_fail_inside")) if lenient else itself,
                )
            )
        return Made(inside=tuple(inside))

    return handler


def _multicall(calls: int) -> Handler:
    """Calls of a contract's own functions, made as if by who calls it."""

    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Made:
        maker = act.through[-1] if act.through else book.executor or ZERO
        return Made(inside=tuple(act.inside(name_of(function), act.target, 0, data, maker=maker) for data in a[calls]))

    return handler


_ROLES = frozenset({"zodiac_roles", "zodiac_roles_v1", "zodiac_roles_v2"})
_MULTICALL = frozenset({"multicall"})
ANY_KNOWN = frozenset({"*"})  # any contract whose kind is known

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
    "execTransactionWithRole(address,uint256,bytes,uint8,uint16,bool)": (_ROLES, _by_role),
    "execTransactionWithRole(address,uint256,bytes,uint8,bytes32,bool)": (_ROLES, _by_role),
    "execTransactionWithRoleReturnData(address,uint256,bytes,uint8,uint16,bool)": (_ROLES, _by_role),
    "execTransactionWithRoleReturnData(address,uint256,bytes,uint8,bytes32,bool)": (_ROLES, _by_role),
    "execute(address[],uint256[],bytes[],bytes32)": (_GOVERNOR, _governor_executes),
    "aggregate((address,bytes)[])": (_MULTICALL, _aggregate(calls=0, target=0, data=1)),
    "aggregate3((address,bool,bytes)[])": (_MULTICALL, _aggregate(calls=0, target=0, data=2, may_fail=1)),
    "aggregate3Value((address,bool,uint256,bytes)[])": (
        _MULTICALL,
        _aggregate(calls=0, target=0, data=3, value=2, may_fail=1),
    ),
    "tryAggregate(bool,(address,bytes)[])": (_MULTICALL, _aggregate(calls=1, target=0, data=1)),
    "multicall(bytes[])": (ANY_KNOWN, _multicall(0)),
    "multicallWithNodeCheck(bytes32,bytes[])": (ANY_KNOWN, _multicall(1)),
}
