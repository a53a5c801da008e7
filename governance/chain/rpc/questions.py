# SPDX-License-Identifier: Apache-2.0
"""What a chain is asked: each question with the checks that its answer must pass."""

import operator
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from governance.chain.rpc.errors import Answered, RpcError
from governance.chain.rpc.pool import Pool
from governance.chain.rpc.values import (
    BlockId,
    Header,
    Log,
    RangeLogs,
    Receipt,
    Transaction,
    parse_header,
    parse_logs,
    parse_logs_beside_block,
    parse_receipt,
    parse_transaction,
    quantity,
    unhex,
)
from governance.words import say
from policies.notation.hexadecimal import hex_text

T = TypeVar("T")

TAGS = frozenset({"latest", "finalized", "safe", "pending", "earliest"})
_PLACE = operator.attrgetter("block_number", "transaction_index", "log_index")
_UNKNOWN_METHOD = -32601
_cache: dict[tuple[int, int, tuple[str, ...]], "Rpc"] = {}


class Rpc(Pool):
    """A chain's nodes, with a method for each question. A malformed answer, or an answer to another question, is an
    RpcError; `Pool` says which node is asked, and what happens when it fails."""

    @classmethod
    def for_chain(cls, chain_id: int) -> "Rpc":
        """Return the process's client for a chain, from `settings.RPC_URLS`. Raises RpcUnreachable if there is none."""
        from django.conf import settings

        key = (os.getpid(), chain_id, tuple(settings.RPC_URLS.get(chain_id, ())))  # a fork must not share sockets
        if key not in _cache:
            _cache[key] = cls(key[2], chain_id)
        return _cache[key]

    def head_number(self) -> int:
        """Return the newest block's number."""
        return self._parsed("eth_blockNumber", [], quantity)

    def block(self, block: BlockId = "latest", *, full: bool = False) -> Header | None:
        """Return a header by number, tag or hash; None if the node has no such block. `full`: whole transactions."""
        if isinstance(block, bytes):
            return self._parsed("eth_getBlockByHash", [hex_text(block), full], _or_none(parse_header))
        header = self._parsed("eth_getBlockByNumber", [_block_parameter(block), full], _or_none(parse_header))
        if header is not None and isinstance(block, int) and header.number != block:
            raise Answered(None, say("other_block", block=block, answered=header.number))
        return header

    def blocks(self, numbers: Iterable[int]) -> list[Header | None]:
        """Return the headers of many blocks, asked in batches, without their transactions. Raises the first RpcError
        that the node answered for any of them."""
        asked = list(numbers)
        answers = self.batch([("eth_getBlockByNumber", [hex(number), False]) for number in asked])
        headers = []
        for number, answer in zip(asked, answers, strict=True):
            if isinstance(answer, RpcError):
                raise answer
            header = checked("eth_getBlockByNumber", answer, _or_none(partial(parse_header, transactions=False)))
            if header is not None and header.number != number:
                raise Answered(None, say("other_block", block=number, answered=header.number))
            headers.append(header)
        return headers

    def logs(
        self,
        addresses: Sequence[bytes] = (),
        topics: Sequence[Any] = (),
        *,
        first_block: int | None = None,
        last_block: int | None = None,
        block_hash: bytes | None = None,
    ) -> list[Log]:
        """Return the logs of `addresses` (none: of all) in first_block..last_block, or of the block with `block_hash`.

        A topic is a word, None for any, or a list of alternatives. Logs that were not asked for are an RpcError. So is
        a range whose last block the node doesn't have: many such nodes answer with fewer logs, or none.

        Raises:
            RangeTooLarge: ask for fewer blocks, see its `suggested`.
        """
        condition: dict[str, Any] = {}
        if addresses:
            condition["address"] = [hex_text(address) for address in addresses]
        if topics:
            condition["topics"] = [_topic(topic) for topic in topics]
        if block_hash is not None:
            condition["blockHash"] = hex_text(block_hash)
        else:
            if first_block is None or last_block is None:
                raise ValueError("logs() needs first_block and last_block, or block_hash")
            condition["fromBlock"], condition["toBlock"] = hex(first_block), hex(last_block)
        wanted = set(addresses)

        def parse(answer: Any) -> list[Log]:
            logs = parse_logs(answer) if block_hash is not None else parse_logs_beside_block(answer)
            for log in logs:
                if wanted and log.address not in wanted:
                    raise ValueError("a log of an address that was not asked for")
                if block_hash is not None and log.block_hash != block_hash:
                    raise ValueError("a log of a block that was not asked for")
                if block_hash is None and not first_block <= log.block_number <= last_block:  # type: ignore[operator]
                    raise ValueError("a log of a block that was not asked for")
            logs.sort(key=_PLACE)
            return logs

        if block_hash is not None:
            return self._parsed("eth_getLogs", [condition], parse)
        # In one batch: behind a load balancer a second request may reach another node.
        answer, last = self.batch(
            [("eth_getLogs", [condition]), ("eth_getBlockByNumber", [hex(last_block), False])], together=True
        )
        for result in (answer, last):
            if isinstance(result, RpcError):
                raise result
        if last is None:
            raise Answered(None, say("last_block_missing", last_block=last_block))
        return checked("eth_getLogs", answer, parse)

    def range_logs(
        self,
        filters: Iterable[tuple[Sequence[bytes], Sequence[Any]]],
        first_block: int,
        last_block: int,
        *,
        below: bool,
    ) -> RangeLogs:
        """Return one node's logs that any of these filters (addresses, topics) finds in first_block..last_block. All is
        asked in one batch: behind a load balancer a second request may reach a node on another branch.

        Raises:
            RangeTooLarge: ask for fewer blocks, see its `suggested`.
            RpcError: the node doesn't have the last block, or answered logs that were not asked for.
        """
        at = {"fromBlock": hex(first_block), "toBlock": hex(last_block)}
        asked = [
            (
                set(addresses),
                {"address": [hex_text(a) for a in addresses], "topics": [_topic(t) for t in topics], **at},
            )
            for addresses, topics in filters
        ]
        numbers = [hex(last_block), "finalized", "latest", *([hex(first_block - 1)] if below else [])]
        requests: list[tuple[str, Sequence[Any]]] = [("eth_getLogs", [condition]) for _, condition in asked]
        requests += [("eth_getBlockByNumber", [number, False]) for number in numbers]
        answers = self.batch(requests, together=True)
        ends = answers[len(asked) :]
        for answer in [*answers[: len(asked)], ends[0], *ends[3:]]:
            if isinstance(answer, RpcError):
                raise answer
        found: list[Log] = []
        for (wanted, _), answer in zip(asked, answers, strict=False):
            logs = checked("eth_getLogs", answer, parse_logs_beside_block)
            for log in logs:
                if log.address not in wanted or not first_block <= log.block_number <= last_block:
                    raise Answered(None, say("other_blocks_logs", first_block=first_block, last_block=last_block))
            found += logs
        headers = []
        for number, answer in zip((last_block, first_block - 1), (ends[0], *ends[3:]), strict=False):
            header = checked("eth_getBlockByNumber", answer, _or_none(parse_header))
            if header is None or header.number != number:
                raise Answered(None, say("end_block_missing", last_block=last_block, block=number))
            headers.append(header)
        final, newest = (
            None if isinstance(end, RpcError) else checked("eth_getBlockByNumber", end, _or_none(parse_header))
            for end in ends[1:3]
        )
        return RangeLogs(
            found, headers[0], headers[1] if below else None, final.number if final else None,
            newest.number if newest else None,
        )  # fmt: skip

    def eth_call(
        self, to: bytes, data: bytes, block: BlockId = "latest", *, sender: bytes | None = None, value_wei: int = 0
    ) -> bytes:
        """Run a call at a block and return its output. Raises CallReverted with the revert data."""
        return self._parsed("eth_call", [_call(to, data, sender, value_wei), _block_parameter(block)], unhex)

    def eth_create(self, code: bytes, block: BlockId = "latest") -> bytes:
        """Run the code that would create a contract, at a block, and return its output. Raises CallReverted."""
        return self._parsed("eth_call", [{"data": hex_text(code)}, _block_parameter(block)], unhex)

    def eth_calls(
        self, calls: Iterable[tuple[bytes, bytes]], block: BlockId = "latest", *, sender: bytes | None = None
    ) -> list[bytes | RpcError]:
        """Run (to, data) calls at one block, in batches; an error (CallReverted, ...) takes its call's place."""
        at = _block_parameter(block)
        answers = self.batch([("eth_call", [_call(to, data, sender, 0), at]) for to, data in calls])
        return [a if isinstance(a, RpcError) else checked("eth_call", a, unhex) for a in answers]

    def eth_calls_at(self, asked: Iterable[tuple[bytes | None, bytes, bytes]]) -> list[bytes | Answered]:
        """Run (to, data) calls each at the block with its hash, in batches; without `to`, the data is run as creation
        code. What the node answered in place of output takes its call's place; any other failure is raised."""
        answers = self.batch(
            [("eth_call", [_call(to, data, None, 0), _block_parameter(block_hash)]) for to, data, block_hash in asked]
        )
        for answer in answers:
            if isinstance(answer, RpcError) and not isinstance(answer, Answered):
                raise answer
        return [a if isinstance(a, Answered) else checked("eth_call", a, unhex) for a in answers]

    def estimate_gas(
        self, to: bytes, data: bytes, *, sender: bytes, value_wei: int = 0, block: BlockId = "pending"
    ) -> int:
        """Return the gas that a call needs. Raises CallReverted with the revert data."""
        return self._parsed("eth_estimateGas", [_call(to, data, sender, value_wei), _block_parameter(block)], quantity)

    def get_code(self, address: bytes, block: BlockId = "latest") -> bytes:
        """Return an account's code; empty if it has none."""
        return self._parsed("eth_getCode", [hex_text(address), _block_parameter(block)], unhex)

    def codes(self, addresses: Iterable[bytes], block: BlockId = "latest") -> list[bytes | RpcError]:
        """Return the code of many accounts, asked in batches; what the node answered in place of one stands there."""
        answers = self.batch([("eth_getCode", [hex_text(one), _block_parameter(block)]) for one in addresses])
        return [a if isinstance(a, RpcError) else checked("eth_getCode", a, unhex) for a in answers]

    def storage(self, address: bytes, slot: int, block: BlockId = "latest") -> bytes:
        """Return a word of a contract's storage, 32 bytes."""
        return self._parsed(
            "eth_getStorageAt",
            [hex_text(address), f"0x{slot:064x}", _block_parameter(block)],
            lambda v: unhex(v, 32),
        )

    def balance(self, address: bytes, block: BlockId = "latest") -> int:
        """Return an account's ether, in wei."""
        return self._parsed("eth_getBalance", [hex_text(address), _block_parameter(block)], quantity)

    def nonce(self, address: bytes, block: BlockId = "latest") -> int:
        """Return the number of transactions an account has sent, at a block (`pending` counts the mempool's too)."""
        return self._parsed("eth_getTransactionCount", [hex_text(address), _block_parameter(block)], quantity)

    def transaction(self, hash: bytes) -> Transaction | None:
        """Return a transaction by its hash, pending or mined; None if the node doesn't know it."""
        return self._parsed("eth_getTransactionByHash", [hex_text(hash)], _or_none(parse_transaction))

    def receipt(self, hash: bytes) -> Receipt | None:
        """Return a mined transaction's receipt; None while it is not mined."""
        return self._parsed("eth_getTransactionReceipt", [hex_text(hash)], _or_none(parse_receipt))

    def block_receipts(self, block_hash: bytes) -> list[Receipt] | None:
        """Return all receipts of a block by its hash, in order; None if the node has no such block. Raises RpcError if
        the node doesn't know the method, or answers for another block."""

        def parse(answer: Any) -> list[Receipt]:
            receipts = [parse_receipt(item) for item in answer]
            if any(receipt.block_hash != block_hash for receipt in receipts):
                raise ValueError("a receipt of a block that was not asked for")
            return receipts

        method = "eth_getBlockReceipts"
        if all(method in endpoint.unknown for endpoint in self._endpoints):
            raise Answered(_UNKNOWN_METHOD, say("method_unknown", endpoints=self.names, method=method))
        try:
            return self._parsed(method, [hex_text(block_hash)], _or_none(parse))
        except RpcError as error:
            if error.code == _UNKNOWN_METHOD and len(self._endpoints) == 1:
                self._endpoints[0].unknown.add(method)
            raise

    def send_raw(self, signed: bytes) -> bytes:
        """Broadcast a signed transaction and return its hash. Tried once: the caller repeats it, from a journal."""
        return self._parsed("eth_sendRawTransaction", [hex_text(signed)], lambda v: unhex(v, 32))

    def _parsed(self, method: str, params: Sequence[Any], parse: Callable[[Any], T]) -> T:
        return checked(method, self.call(method, params), parse)


def checked(method: str, answer: Any, parse: Callable[[Any], T]) -> T:
    """Parse a node's answer with `parse`. Raises RpcError if the answer has another shape than the standard says."""
    try:
        return parse(answer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error)[:80]
        raise Answered(
            None, say("answer_malformed", method=method, error=type(error).__name__, reason=reason)
        ) from None


def _or_none(parse: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda answer: None if answer is None else parse(answer)


def _topic(topic: Any) -> Any:
    if topic is None:
        return None
    if isinstance(topic, bytes):
        return hex_text(topic)
    return [hex_text(item) for item in topic]


def _block_parameter(block: BlockId) -> Any:
    """Write a block as a parameter: number or tag by the standard; a hash by EIP-1898, canonical only, so that a block
    that a reorg dropped is an error."""
    if isinstance(block, bytes):
        if len(block) != 32:
            raise ValueError("a block hash has 32 bytes")
        return {"blockHash": hex_text(block), "requireCanonical": True}
    if isinstance(block, int):
        return hex(block)
    if block not in TAGS:
        raise ValueError(f"{block!r} is no block tag")
    return block


def _call(to: bytes | None, data: bytes, sender: bytes | None, value_wei: int) -> dict[str, str]:
    call = {"data": hex_text(data)} if to is None else {"to": hex_text(to), "data": hex_text(data)}
    if sender is not None:
        call["from"] = hex_text(sender)
    if value_wei:
        call["value"] = hex(value_wei)
    return call
