# SPDX-License-Identifier: Apache-2.0
"""Calls -> effects: what a proposal does, decoded without any model, each said in one plain sentence by template.

Only what decodes *exactly* (the arguments encode back to the same bytes) gets a meaning; all else says so and shows its
selector. Containers (timelock, governor relay, Safe, multisend) are opened and their inner calls decoded likewise.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

from eth_utils.crypto import keccak

from governance.chain import abi
from governance.chain.address import ZERO, checksum
from governance.chain.call import Call, shown_signature
from policies.code import encoding
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line
from policies.words.explain import explain

MAX_DEPTH = 6
MAX_EFFECTS = 200  # more than that is itself a warning, and nobody reads them
UNLIMITED = 2**255  # an approval from here up is meant as "without limit"
ETHER = ZERO


class Kind(StrEnum):
    """What a call does, as far as the bytes say it."""

    TRANSFER = "transfer"
    APPROVE = "approve"
    MINT = "mint"
    BURN = "burn"
    DELEGATE = "delegate"
    ROLE_CHANGE = "role_change"  # who may do what: roles, owners, guardians, signers, modules
    UPGRADE = "upgrade"
    PARAMETER_CHANGE = "parameter_change"
    POLICY_SET = "policy_set"
    PAUSE = "pause"
    CALL = "call"  # the function is known, what it means is not
    UNKNOWN = "unknown"  # not even the function is known


@dataclass(frozen=True)
class Effect:
    """One thing that a proposal does. Amounts are base units of `asset` (20 zero bytes for the native currency)."""

    id: str  # e1, e2, ... in the order of the calls
    position: int  # which action of the proposal, from 0
    path: tuple[str, ...]  # the containers it came out of, outermost first
    kind: Kind
    target: bytes
    selector: bytes
    function: str  # the signature, "" when unknown
    sentence: str
    asset: bytes | None = None
    amount: int | None = None
    recipient: bytes | None = None
    sender: bytes | None = None  # whose tokens move, when not the executor's own
    subject: str = ""  # the role, parameter or policy that changes
    new_value: str = ""
    value_wei: int = 0
    delegatecall: bool = False
    through: tuple[bytes, ...] = ()  # the contracts that `path` names the functions of; the last one makes this call
    besides: tuple[str, ...] = ()  # what happens besides `kind`: a Safe's refund, call data run after an upgrade
    addresses: tuple[bytes, ...] = ()  # every address that takes part, target first
    details: tuple[str, ...] = ()  # further sentences, e.g. a policy in words

    @property
    def is_opaque(self) -> bool:
        """Nobody can say from the bytes what this does."""
        return self.kind is Kind.UNKNOWN

    def as_json(self) -> dict:
        """For storage and the API: addresses checksummed, amounts as strings of base units."""
        return {
            "id": self.id,
            "position": self.position,
            "path": list(self.path),
            "kind": str(self.kind),
            "target": checksum(self.target),
            "selector": hex_text(self.selector) if self.selector else "",
            "function": self.function,
            "sentence": self.sentence,
            "asset": None if self.asset is None else checksum(self.asset),
            "amount": None if self.amount is None else str(self.amount),
            "recipient": None if self.recipient is None else checksum(self.recipient),
            "sender": None if self.sender is None else checksum(self.sender),
            "subject": self.subject,
            "new_value": self.new_value,
            "value_wei": str(self.value_wei),
            "delegatecall": self.delegatecall,
            "details": list(self.details),
        }


@dataclass(frozen=True)
class Book:
    """What names addresses and units: the DAO's own contracts and address book. Everything else stays an address."""

    names: Mapping[bytes, str] = field(default_factory=dict)
    tokens: Mapping[bytes, Token] = field(default_factory=dict)
    ether: str = "ETH"  # the symbol of the chain's native currency
    # The DAO's own contracts that make the calls they are given: address -> "governor", "timelock" or "treasury".
    containers: Mapping[bytes, str] = field(default_factory=dict)
    executor: bytes | None = None  # who makes the proposal's calls, where known

    def name(self, address: bytes) -> str:
        """`the treasury (0xAb…)` for those in the book, the whole checksummed address for all others."""
        known = self.names.get(address)
        return f"{known} ({checksum(address)})" if known else checksum(address)

    def symbol(self, asset: bytes) -> str:
        """The unit's symbol, or "" for a token that isn't known."""
        if asset == ETHER:
            return self.ether
        token = self.tokens.get(asset)
        return self._told_apart(token) if token else ""

    def amount(self, asset: bytes, amount: int) -> str:
        """`1,000 USDC`, exact; base units with the token's address where the token isn't known."""
        if asset == ETHER:
            return f"{units(amount, 18)} {self.ether}"
        token = self.tokens.get(asset)
        if token is None:
            return f"{amount:,} base units of token {self.name(asset)}"
        return f"{units(amount, token.decimals)} {self._told_apart(token)}"

    def _told_apart(self, token: Token) -> str:
        """The token's symbol, with its address where another token's is the same."""
        same = [one for one in self.tokens.values() if one.symbol.casefold() == token.symbol.casefold()]
        return f"{token.symbol} ({checksum(token.address)})" if len(same) > 1 else token.symbol

    @property
    def lent(self) -> dict[bytes, Token]:
        """The tokens as policies are worded with them, the native currency under the zero address."""
        return {**self.tokens, ETHER: Token(self.ether, ETHER, 18)}


def units(amount: int, decimals: int) -> str:
    """Base units as an exact decimal number with thousands separators: units(1_500_000, 6) == "1.5"."""
    whole, rest = divmod(amount, 10**decimals)
    fraction = str(rest).rjust(decimals, "0").rstrip("0") if decimals else ""
    return f"{whole:,}.{fraction}" if fraction else f"{whole:,}"


def base_units(number: Decimal, decimals: int) -> int | None:
    """A decimal number of units as base units, or None when it has more digits than the token."""
    digits = number.as_tuple()
    exponent = int(digits.exponent) + decimals
    coefficient = int("".join(map(str, digits.digits)) or "0")
    if exponent >= 0:
        return coefficient * 10**exponent
    quotient, rest = divmod(coefficient, 10**-exponent)
    return None if rest else quotient


def effects_of(
    calls: Iterable[Call],
    names: Mapping[bytes, str] | None = None,
    tokens: Mapping[bytes, Token] | None = None,
    native: str = "ETH",
) -> list[Effect]:
    """The effects of a proposal's calls, in their order. `native` is the symbol of the chain's native currency.

    Never raises for what the calldata holds.
    """
    book = Book(names or {}, tokens or {}, native)
    found: list[Effect] = []
    for position, given in enumerate(calls):
        if not isinstance(given, Call):  # a row has fields of the same names, with other meanings
            raise TypeError("effects are of calls: make them by governance.chain.call.call_of")
        call = _Call(given.target, given.value_wei, given.calldata, position, signature=given.signature)
        found += _effects(call, book, MAX_EFFECTS - len(found) + 1)
    return [replace(effect, id=f"e{number}") for number, effect in enumerate(found[:MAX_EFFECTS], start=1)]


@dataclass(frozen=True)
class _Call:
    target: bytes
    value_wei: int
    calldata: bytes
    position: int
    path: tuple[str, ...] = ()
    delegatecall: bool = False
    signature: bytes = b""  # the function's text, where the proposal gives it apart from its arguments
    through: tuple[bytes, ...] = ()
    besides: tuple[str, ...] = ()

    def inside(
        self,
        container: str,
        target: bytes,
        value_wei: int,
        data: bytes,
        *,
        delegatecall: bool = False,
        besides: tuple[str, ...] = (),
    ) -> "_Call":
        path, through = (*self.path, container), (*self.through, self.target)
        besides = (*self.besides, *besides)
        return _Call(target, value_wei, data, self.position, path, delegatecall, through=through, besides=besides)


def _effects(call: _Call, book: Book, room: int) -> list[Effect]:
    if room <= 0:
        return []
    selector = call.calldata[:4]
    if not call.calldata:
        return [_transfer(call, book, ETHER, call.target, call.value_wei, "")]
    known = _handlers().get(selector) if len(selector) == 4 else None
    if known is not None:
        for signature, types, handler in known:
            arguments = _exact(types, call.calldata[4:])
            if arguments is None:
                continue
            result = handler(call, book, signature, arguments)
            if isinstance(result, Effect):
                return [_with_value(result, call, book)]
            if len(call.path) >= MAX_DEPTH:
                return [_effect(call, Kind.UNKNOWN, f"Calls inside calls, deeper than {MAX_DEPTH} levels.", signature)]
            opened: list[Effect] = []
            if (rest := call.value_wei - sum(inner.value_wei for inner in result)) > 0:
                opened.append(_transfer(call, book, ETHER, call.target, rest, signature))
            for inner in result:
                opened += _effects(inner, book, room - len(opened))
            if call.delegatecall:  # what runs by delegatecall may do anything in the caller's name
                opened = [replace(effect, delegatecall=True) for effect in opened]
            return opened or [_effect(call, Kind.CALL, f"Calls {signature} with no calls inside.", signature)]
    return [_with_value(_other(call, book), call, book)]


def _exact(types: Sequence[str], data: bytes) -> tuple[Any, ...] | None:
    """The arguments, if these bytes are exactly their encoding; None for anything longer, shorter or ambiguous."""
    try:
        return abi.decode(types, data)
    except abi.NotCanonical:
        return None


def _effect(call: _Call, kind: Kind, sentence: str, function: str = "", **fields: Any) -> Effect:
    addresses = [call.target, *(fields.pop("others", ()))]
    for name in ("recipient", "sender", "asset"):
        if (address := fields.get(name)) and address not in addresses:
            addresses.append(address)
    if call.delegatecall:
        sentence = f"By delegatecall (the called code acts as the caller itself): {sentence}"
    besides = (*call.besides, *fields.pop("besides", ()))
    sentence = " ".join((sentence, *besides))
    return Effect(
        id="",
        position=call.position,
        path=call.path,
        kind=kind,
        target=call.target,
        selector=call.calldata[:4],
        function=function,
        sentence=sentence,
        value_wei=call.value_wei,
        delegatecall=call.delegatecall,
        through=call.through,
        besides=besides,
        addresses=tuple(addresses),
        **fields,
    )


def _with_value(effect: Effect, call: _Call, book: Book) -> Effect:
    """Native currency that goes along with a call never goes unsaid."""
    if not call.value_wei or (effect.kind is Kind.TRANSFER and effect.asset == ETHER):
        return effect
    return replace(effect, sentence=f"{effect.sentence} Sends {book.amount(ETHER, call.value_wei)} along.")


def _other(call: _Call, book: Book) -> Effect:
    """A call without a template: its function and arguments if an ABI knows them, else its selector."""
    where = book.name(call.target)
    if len(call.calldata) < 4:
        return _effect(call, Kind.UNKNOWN, f"Sends {len(call.calldata)} bytes that are no function call to {where}.")
    decoded = abi.decode_call(call.calldata)
    if decoded is None:
        selector = call.calldata[:4].hex()
        called = f", which the proposal calls “{shown_signature(call.signature)}”" if call.signature else ""
        said = f"Unknown function 0x{selector} on {where}{called}: nobody can say what it does."
        return _effect(call, Kind.UNKNOWN, said)
    shown, addresses = [], []
    for argument in decoded.args:
        value = abi.json_value(abi.parse_type(argument.type), argument.value)
        if argument.type == "address":
            addresses.append(argument.value)
            value = book.name(argument.value)
        shown.append(f"{argument.name or argument.type} = {_short(value)}")
    said = f" with {'; '.join(shown)}" if shown else ""
    return _effect(call, Kind.CALL, f"Calls {decoded.name} on {where}{said}.", decoded.signature, others=addresses)


def _short(value: Any) -> str:
    """An argument in a sentence. Text from calldata is hostile: printable, and cut."""
    text = value if isinstance(value, str) else json.dumps(value)
    return one_line(text, 120)


# What well-known functions do. A handler gives one effect, or the calls inside.

_Handler = Callable[[_Call, Book, str, tuple], "Effect | list[_Call]"]


def _transfer(
    call: _Call, book: Book, asset: bytes, recipient: bytes, amount: int, function: str, sender: bytes | None = None
) -> Effect:
    if sender is None:
        sentence = f"Transfers {book.amount(asset, amount)} to {book.name(recipient)}."
    else:
        sentence = f"Transfers {book.amount(asset, amount)} from {book.name(sender)} to {book.name(recipient)}."
    return _effect(
        call, Kind.TRANSFER, sentence, function, asset=asset, amount=amount, recipient=recipient, sender=sender
    )


def _erc20_transfer(call: _Call, book: Book, function: str, a: tuple) -> Effect:
    return _transfer(call, book, call.target, a[0], a[1], function)


def _erc20_transfer_from(call: _Call, book: Book, function: str, a: tuple) -> Effect:
    return _transfer(call, book, call.target, a[1], a[2], function, sender=a[0])


def _erc20_approve(call: _Call, book: Book, function: str, a: tuple) -> Effect:
    spender, amount = a[0], a[1]
    symbol = book.symbol(call.target) or f"token {book.name(call.target)}"
    if amount >= UNLIMITED:
        sentence = f"Lets {book.name(spender)} take any amount of {symbol}, without limit."
    elif amount == 0 and function.startswith("approve"):
        sentence = f"Lets {book.name(spender)} take no more {symbol}."
    else:
        more = " more" if function.startswith("increase") else ""
        sentence = f"Lets {book.name(spender)} take up to {book.amount(call.target, amount)}{more}."
    return _effect(call, Kind.APPROVE, sentence, function, asset=call.target, amount=amount, recipient=spender)


def _mint(call: _Call, book: Book, function: str, a: tuple) -> Effect:
    recipient = a[0]
    sentence = f"Creates {book.amount(call.target, a[1])} for {book.name(recipient)}."
    return _effect(call, Kind.MINT, sentence, function, asset=call.target, amount=a[1], recipient=recipient)


def _burn(call: _Call, book: Book, function: str, a: tuple) -> Effect:
    sentence = f"Destroys {book.amount(call.target, a[-1])}."
    return _effect(call, Kind.BURN, sentence, function, asset=call.target, amount=a[-1])


def _delegate(call: _Call, book: Book, function: str, a: tuple) -> Effect:
    recipient = a[0]
    sentence = f"Delegates the executor's voting power on {book.name(call.target)} to {book.name(recipient)}."
    return _effect(call, Kind.DELEGATE, sentence, function, recipient=recipient)


_ROLES = {
    bytes(32): "the admin role (DEFAULT_ADMIN_ROLE)",
    **{
        keccak(name.encode()): name
        for name in (
            "PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE", "TIMELOCK_ADMIN_ROLE", "MINTER_ROLE", "PAUSER_ROLE",
            "BURNER_ROLE", "UPGRADER_ROLE", "ADMIN_ROLE", "GUARDIAN_ROLE", "OPERATOR_ROLE", "MANAGER_ROLE",
        )
    },
}  # fmt: skip


def _role(verb: str, preposition: str) -> _Handler:
    def handler(call: _Call, book: Book, function: str, a: tuple) -> Effect:
        role, account = _ROLES.get(a[0], f"role {hex_text(a[0])}"), a[1]
        sentence = f"{verb} {role} on {book.name(call.target)} {preposition} {book.name(account)}."
        return _effect(call, Kind.ROLE_CHANGE, sentence, function, recipient=account, subject=role)

    return handler


def _power(sentence: str, subject: str, argument: int | None = 0) -> _Handler:
    """A function that changes who has power over the target; `{who}` is its `argument`."""

    def handler(call: _Call, book: Book, function: str, a: tuple) -> Effect:
        account = None if argument is None else a[argument]
        who = "" if account is None else book.name(account)
        said = sentence.format(who=who, target=book.name(call.target))
        return _effect(call, Kind.ROLE_CHANGE, said, function, recipient=account, subject=subject)

    return handler


def _upgrade(call: _Call, book: Book, function: str, a: tuple) -> Effect:
    addresses = [value for value, kind in zip(a, _types(function), strict=True) if kind == "address"]
    proxy = addresses[0] if function.startswith(("upgrade(", "upgradeAndCall(")) else call.target
    code = addresses[-1]
    sentence = f"Replaces the code of {book.name(proxy)} by that of {book.name(code)}."
    data = a[-1] if function.endswith("bytes)") else b""
    besides = (f"Then runs {len(data)} bytes of call data in it.",) if data else ()
    return _effect(
        call, Kind.UPGRADE, sentence, function, recipient=code, subject="code", others=[proxy], besides=besides
    )


def _parameter(subject: str, unit: str) -> _Handler:
    def handler(call: _Call, book: Book, function: str, a: tuple) -> Effect:
        value = f"{a[0]:,} {unit}".strip() if isinstance(a[0], int) else book.name(a[0])
        if unit == "seconds" and isinstance(a[0], int):
            value += _duration(a[0])
        sentence = f"Sets the {subject} of {book.name(call.target)} to {value}."
        others = [] if isinstance(a[0], int) else [a[0]]
        return _effect(
            call, Kind.PARAMETER_CHANGE, sentence, function, subject=subject, new_value=str(a[0]), others=others
        )

    return handler


def _duration(seconds: int) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            count = seconds // size
            return f" ({count:,} {name}{'' if count == 1 else 's'})"
    return ""


def _pause(verb: str) -> _Handler:
    def handler(call: _Call, book: Book, function: str, _a: tuple) -> Effect:
        return _effect(call, Kind.PAUSE, f"{verb} {book.name(call.target)}.", function)

    return handler


def _set_policy(call: _Call, book: Book, function: str, a: tuple) -> Effect:
    """A policy put in force: who acts under it, which code it is, and what it permits in words."""
    policy_id, code = a
    where = book.name(call.target)
    try:
        policy = encoding.decode(code)
    except encoding.DecodeError as problem:
        sentence = f"Sets a policy on {where} whose code can't be read ({problem}): the module would refuse it."
        return _effect(call, Kind.UNKNOWN, sentence, function, subject=hex_text(policy_id))
    codehash = encoding.codehash(code)
    return _effect(
        call,
        Kind.POLICY_SET,
        f"Puts policy {hex_text(policy_id)} in force on {where}: {book.name(policy.agent)} may act within it.",
        function,
        recipient=policy.agent,
        subject=hex_text(policy_id),
        new_value=hex_text(codehash),
        details=tuple(explain(policy, book.names, book.lent)),
        others=[rule.target for rule in policy.rules],
    )


def _relay(call: _Call, _book: Book, function: str, a: tuple) -> list[_Call]:
    return [call.inside(function.split("(")[0], a[0], a[1], a[2])]


def _batch(call: _Call, _book: Book, function: str, a: tuple) -> "Effect | list[_Call]":
    targets, values, payloads = a[0], a[1], a[2]
    if not len(targets) == len(values) == len(payloads):
        return _effect(
            call, Kind.UNKNOWN, f"{function.split('(')[0]} with lists of unequal length: it would fail.", function
        )
    container = function.split("(")[0]
    return [call.inside(container, *each) for each in zip(targets, values, payloads, strict=True)]


def _safe(call: _Call, book: Book, function: str, a: tuple) -> "Effect | list[_Call]":
    to, value, data, operation = a[:4]
    if operation > 1:
        return _effect(
            call,
            Kind.UNKNOWN,
            f"A Safe operation {operation} on {book.name(call.target)}, which does not exist.",
            function,
        )
    besides = _refund(book, *a[4:9]) if len(a) > 4 else ()
    return [call.inside(function.split("(")[0], to, value, data, delegatecall=operation == 1, besides=besides)]


def _refund(
    book: Book, safe_gas: int, base_gas: int, gas_price: int, gas_token: bytes, receiver: bytes
) -> tuple[str, ...]:
    """What a Safe's execTransaction does besides its call: it may pay for gas, and may go on when the call fails."""
    found = []
    if gas_price:
        unit = book.ether if gas_token == ETHER else f"token {book.name(gas_token)}"
        paid = "whoever executes it" if receiver == ZERO else book.name(receiver)
        found.append(
            f"The Safe also pays {paid} for gas: {gas_price:,} base units of {unit} for each unit of gas used and for "
            f"{base_gas:,} units more."
        )
    elif base_gas or gas_token != ZERO or receiver != ZERO:
        found.append("The call names a refund for gas that pays nothing, at a gas price of 0.")
    if safe_gas or gas_price:
        found.append("The Safe does not revert when this call fails.")
    return tuple(found)


def _multisend(call: _Call, book: Book, function: str, a: tuple) -> "Effect | list[_Call]":
    """Safe's MultiSend: operation (1), to (20), value (32), length (32), data, packed one after the other."""
    packed, calls, offset = a[0], [], 0
    while offset < len(packed):
        head = packed[offset : offset + 85]
        length = int.from_bytes(head[53:85], "big")
        if len(head) < 85 or head[0] > 1 or offset + 85 + length > len(packed):
            return _effect(
                call, Kind.UNKNOWN, f"A multisend on {book.name(call.target)} that is not well formed.", function
            )
        data = packed[offset + 85 : offset + 85 + length]
        value = int.from_bytes(head[21:53], "big")
        calls.append(call.inside("multiSend", head[1:21], value, data, delegatecall=head[0] == 1))
        offset += 85 + length
    return calls


def _timelock_delay(call: _Call, book: Book, function: str, a: tuple) -> Effect:
    return _parameter("timelock delay", "seconds")(call, book, function, a)  # type: ignore[return-value]


_TABLE: dict[str, _Handler] = {
    "transfer(address,uint256)": _erc20_transfer,
    "transferFrom(address,address,uint256)": _erc20_transfer_from,
    "approve(address,uint256)": _erc20_approve,
    "increaseAllowance(address,uint256)": _erc20_approve,
    "mint(address,uint256)": _mint,
    "burn(uint256)": _burn,
    "burn(address,uint256)": _burn,
    "burnFrom(address,uint256)": _burn,
    "delegate(address)": _delegate,
    "grantRole(bytes32,address)": _role("Grants", "to"),
    "revokeRole(bytes32,address)": _role("Takes", "from"),
    "renounceRole(bytes32,address)": _role("Gives up", "held by"),
    "transferOwnership(address)": _power("Makes {who} the owner of {target}.", "owner"),
    "setOwner(address)": _power("Makes {who} the owner of {target}.", "owner"),
    "renounceOwnership()": _power("Leaves {target} without an owner, for good.", "owner", None),
    "acceptOwnership()": _power("Accepts the ownership of {target}.", "owner", None),
    "acceptAdmin()": _power("Accepts the administration of {target}.", "admin", None),
    "changeAdmin(address)": _power("Makes {who} the admin of {target}.", "admin"),
    "setAdmin(address)": _power("Makes {who} the admin of {target}.", "admin"),
    "setPendingAdmin(address)": _power("Names {who} as the next admin of {target}.", "admin"),
    "_setPendingAdmin(address)": _power("Names {who} as the next admin of {target}.", "admin"),
    "changeProxyAdmin(address,address)": _power("Makes {who} the admin of a proxy of {target}.", "admin", 1),
    "setGuardian(address)": _power("Makes {who} the guardian of {target}.", "guardian"),
    "setMinter(address)": _power("Lets {who} create tokens of {target}.", "minter"),
    "updateTimelock(address)": _power("Makes {who} the timelock of {target}.", "timelock"),
    "setController(address,bool)": _power("Changes whether {who} is a controller of {target}.", "controller"),
    "addController(address)": _power("Makes {who} a controller of {target}.", "controller"),
    "removeController(address)": _power("Ends {who} being a controller of {target}.", "controller"),
    "enableModule(address)": _power("Lets {who} make {target} perform any call.", "module"),
    "disableModule(address,address)": _power("Ends {who}'s right to make {target} perform calls.", "module", 1),
    "addOwnerWithThreshold(address,uint256)": _power("Adds {who} as a signer of {target}.", "signer"),
    "removeOwner(address,address,uint256)": _power("Removes {who} as a signer of {target}.", "signer", 1),
    "swapOwner(address,address,address)": _power("Replaces a signer of {target} by {who}.", "signer", 2),
    "changeThreshold(uint256)": _parameter("number of signatures needed", ""),
    "upgradeTo(address)": _upgrade,
    "upgradeToAndCall(address,bytes)": _upgrade,
    "upgrade(address,address)": _upgrade,
    "upgradeAndCall(address,address,bytes)": _upgrade,
    "setImplementation(address)": _upgrade,
    "_setImplementation(address)": _upgrade,
    "setVotingDelay(uint48)": _parameter("voting delay", "of the governor's clock"),
    "setVotingDelay(uint256)": _parameter("voting delay", "of the governor's clock"),
    "_setVotingDelay(uint256)": _parameter("voting delay", "of the governor's clock"),
    "setVotingPeriod(uint32)": _parameter("voting period", "of the governor's clock"),
    "setVotingPeriod(uint256)": _parameter("voting period", "of the governor's clock"),
    "_setVotingPeriod(uint256)": _parameter("voting period", "of the governor's clock"),
    "setLateQuorumVoteExtension(uint48)": _parameter("late-quorum extension", "of the governor's clock"),
    "setProposalThreshold(uint256)": _parameter("proposal threshold", "votes (base units)"),
    "_setProposalThreshold(uint256)": _parameter("proposal threshold", "votes (base units)"),
    "updateQuorumNumerator(uint256)": _parameter("quorum", "(numerator of the fraction)"),
    "updateDelay(uint256)": _timelock_delay,
    "setDelay(uint256)": _timelock_delay,
    "pause()": _pause("Pauses"),
    "unpause()": _pause("Ends the pause of"),
    "setPolicy(bytes32,bytes)": _set_policy,
    "relay(address,uint256,bytes)": _relay,
    "execute(address,uint256,bytes)": _relay,
    "perform(address,uint256,bytes)": _relay,
    "schedule(address,uint256,bytes,bytes32,bytes32,uint256)": _relay,
    "execute(address,uint256,bytes,bytes32,bytes32)": _relay,
    "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)": _batch,
    "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)": _batch,
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)": _safe,
    "execTransactionFromModule(address,uint256,bytes,uint8)": _safe,
    "execTransactionFromModuleReturnData(address,uint256,bytes,uint8)": _safe,
    "multiSend(bytes)": _multisend,
}


def _types(signature: str) -> list[str]:
    return abi.signature_types(signature)


@cache
def _handlers() -> dict[bytes, list[tuple[str, list[str], _Handler]]]:
    found: dict[bytes, list[tuple[str, list[str], _Handler]]] = {}
    for signature, handler in _TABLE.items():
        found.setdefault(abi.selector(signature), []).append((signature, _types(signature), handler))
    return found
