# SPDX-License-Identifier: Apache-2.0
"""What names addresses, units and contracts: one book for page, effects, verdict and mail."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from governance.chain.address import ZERO, checksum, to_bytes
from governance.chain.native import symbol_of
from policies.notation.amounts import Token, units
from policies.notation.visible import is_plain_line, one_line

UNLIMITED = 2**255  # an approval from here up is meant as "without limit"
ETHER = ZERO
_MOST_DECIMALS = 77  # 10**77 still fits into a word of 256 bits
_MOST_NAME = 100  # characters
_CLOCKS = ("time", "block", None)


class BadBook(ValueError):
    """A book's JSON is not what it should be; the message is one line that says where and why."""


@dataclass(frozen=True)
class Contract:
    """A contract whose code is known. `kind` says which functions it has; `clock` what its durations count."""

    kind: str  # "governor", "timelock", "treasury", "safe", "token", "module", ... (docs/effects.md)
    clock: str | None = None  # "time" (seconds) or "block"; None where it has no durations, or nobody knows


@dataclass(frozen=True)
class Book:
    """What the DAO itself vouches for: names, tokens, contracts. Everything else stays an address."""

    names: Mapping[bytes, str] = field(default_factory=dict)  # the name that is shown
    tokens: Mapping[bytes, Token] = field(default_factory=dict)
    ether: str = "ETH"  # the symbol of the chain's native currency
    contracts: Mapping[bytes, Contract] = field(default_factory=dict)
    executor: bytes | None = None  # who makes the proposal's calls, where known
    also: Mapping[str, bytes] = field(default_factory=dict)  # further names, by which a text may call an address
    chain_id: int | None = 1  # where the calls are made; None where nobody knows
    missing: tuple[str, ...] = ()  # what the book could not be asked for, as codes: "ens"
    claimed: frozenset[bytes] = frozenset()  # whose name is a claim that anybody may make (ENS), not the DAO's word

    @classmethod
    def from_json(cls, text: str, chain_id: int = 1) -> "Book":
        """Read `{"tokens": {symbol: [address, decimals]}, "names": {name: address}, "contracts": {address: {"kind",
        "clock"}}}`; each key may be absent, and other keys are notes. `"chain_id"` and `"native"` (the native
        currency's symbol) may be given; without them the chain is `chain_id`, and the symbol is that chain's.

        Raises BadBook.
        """
        try:
            body = json.loads(text, object_pairs_hook=_once)
        except RecursionError:
            raise BadBook("the book is no JSON that can be read: it is nested too deeply") from None
        except BadBook:
            raise
        except ValueError as problem:
            raise BadBook(f"the book is no JSON: {one_line(str(problem))}") from None
        if not isinstance(body, dict):
            raise BadBook("the book is no JSON object")
        return _from_body(body, chain_id)

    @classmethod
    def load(cls, path: Path, chain_id: int = 1) -> "Book":
        """Read a book from a file. Raises BadBook, also where the file can't be read."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"), chain_id)
        except OSError as problem:
            raise BadBook(f"the book can't be read: {problem.strerror or problem}") from None
        except UnicodeDecodeError:
            raise BadBook("the book is no UTF-8 text") from None

    @cached_property
    def addresses(self) -> Mapping[str, bytes]:
        """Every name with its address: what a text may call a party."""
        return {**{name: address for address, name in reversed(list(self.names.items()))}, **self.also}

    def kind(self, address: bytes) -> str:
        """What a contract is, or "" for one that isn't known."""
        known = self.contracts.get(address)
        return known.kind if known else ""

    def clock(self, address: bytes) -> str | None:
        known = self.contracts.get(address)
        return known.clock if known else None

    def knows(self, address: bytes) -> bool:
        """Whether the DAO vouches for this address in any way."""
        return address in self.vouched

    @cached_property
    def vouched(self) -> frozenset[bytes]:
        """The addresses that the DAO vouches for."""
        return frozenset({*self.names, *self.tokens, *self.contracts}) - (
            self.claimed - self.tokens.keys() - self.contracts.keys()
        )

    # Values of sentences (agent.understanding.effects.wording).

    def party(self, address: bytes) -> dict[str, Any]:
        """An address as a sentence's value, with its name where the book has one."""
        name = self.names.get(address)
        return {"address": checksum(address), **({"name": name} if name else {})}

    def money(self, asset: bytes, amount: int) -> dict[str, Any]:
        """An amount as a sentence's value."""
        value: dict[str, Any] = {"amount": str(amount), "asset": checksum(asset)}
        if asset == ETHER:
            return {**value, "symbol": self.ether, "decimals": 18}
        if token := self.tokens.get(asset):
            return {**value, "symbol": self._told_apart(token), "decimals": token.decimals}
        return {**value, **({"name": self.names[asset]} if asset in self.names else {})}

    def unit(self, asset: bytes) -> dict[str, Any]:
        """A token, without an amount, as a sentence's value."""
        value = self.money(asset, 0)
        return {key: value[key] for key in ("asset", "symbol", "name") if key in value}

    # The same as English text.

    def name(self, address: bytes) -> str:
        """`the treasury (0xAb…)` for those in the book, the whole checksummed address for all others."""
        known = self.names.get(address)
        return f"{known} ({checksum(address)})" if known else checksum(address)

    def symbol(self, asset: bytes) -> str:
        """The unit's symbol, or "" for a token that isn't known."""
        return str(self.money(asset, 0).get("symbol", ""))

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


# ------------------------------------------------------------------------------------------------- a book from JSON


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are there once: of two addresses under one name, neither is the one that is meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadBook(f"{one_line(twice, 40)!r} is given twice")
    return found


def _from_body(body: dict[str, Any], of_chain: int) -> Book:
    tokens: dict[bytes, Token] = {}
    for symbol, given in _entries(body, "tokens"):
        if not (isinstance(given, list) and len(given) == 2):
            raise BadBook(f"tokens: {one_line(symbol, 40)!r} needs [address, decimals]")
        address, decimals = _address(given[0], "tokens", symbol), given[1]
        if type(decimals) is not int or not 0 <= decimals <= _MOST_DECIMALS:
            raise BadBook(f"tokens: the decimals of {one_line(symbol, 40)!r} are no number from 0 to {_MOST_DECIMALS}")
        if address in tokens:
            raise BadBook(f"tokens: {checksum(address)} is given twice")
        tokens[address] = Token(symbol, address, decimals)
    names: dict[bytes, str] = {}
    also: dict[str, bytes] = {}
    for name, given in _entries(body, "names"):
        address = _address(given, "names", name)
        if address in names:
            also[name] = address
        else:
            names[address] = name
    contracts: dict[bytes, Contract] = {}
    for written, given in _entries(body, "contracts"):
        address = _address(written, "contracts", written)
        kind, clock = (given.get("kind"), given.get("clock")) if isinstance(given, dict) else (None, None)
        if not isinstance(kind, str) or not kind or clock not in _CLOCKS:
            raise BadBook(f'contracts: {checksum(address)} needs {{"kind": text, "clock": "time", "block" or null}}')
        contracts[address] = Contract(kind, clock)
    chain_id = body.get("chain_id", of_chain)
    if type(chain_id) is not int or chain_id < 1:
        raise BadBook("chain_id is no whole number above 0")
    native = body.get("native", symbol_of(chain_id))
    if not isinstance(native, str) or not is_plain_line(native) or not native.strip():
        raise BadBook("native is no symbol")
    return Book(names, tokens, native, contracts, executor_of(contracts), also, chain_id)


def executor_of(contracts: Mapping[bytes, Contract]) -> bytes | None:
    """Who makes a proposal's calls: the only timelock there is, else the only governor."""
    for kind in ("timelock", "governor"):
        found = [address for address, contract in contracts.items() if contract.kind == kind]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _entries(body: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    given = body.get(key, {})
    if not isinstance(given, dict):
        raise BadBook(f"{key} is no JSON object")
    for name in given:
        if not 0 < len(name) <= _MOST_NAME or not is_plain_line(name) or name != name.strip():
            raise BadBook(f"{key}: {one_line(name, 40)!r} is no name: one line of visible characters is")
    return list(given.items())


def _address(given: Any, key: str, name: str) -> bytes:
    try:
        return to_bytes(given)
    except (ValueError, TypeError, AttributeError):
        raise BadBook(f"{key}: {one_line(name, 40)!r} has no address: {one_line(str(given), 60)!r}") from None
