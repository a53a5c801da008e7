# SPDX-License-Identifier: Apache-2.0
"""A wallet of the local chain: signs real transactions and typed data with a key it holds, as a member's would."""

import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from eth_abi import decode, encode
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from policies.notation.hexadecimal import hex_bytes, hex_text

GAS = 6_000_000  # ample for a policy's set-up; stated so that a call that must revert is mined all the same


class ChainError(Exception):
    """The node refused a request: its message, in one line."""


class Reverted(Exception):
    """A transaction was mined and reverted."""

    def __init__(self, receipt: dict[str, Any], why: str = ""):
        super().__init__(f"transaction {receipt['transactionHash']} reverted" + (f": {why}" if why else ""))
        self.receipt = receipt


class Node:
    """The JSON-RPC requests that wallets and the story need, and nothing of the product's own client.

    It is kept apart from `governance.chain.rpc` on purpose: what a story checks must not be read by what it checks.
    """

    def __init__(self, url: str):
        self._http = httpx.Client(base_url=url, timeout=30)
        self._id = 0

    def request(self, method: str, *params: Any) -> Any:
        self._id += 1
        answer = self._http.post(
            "", json={"jsonrpc": "2.0", "id": self._id, "method": method, "params": list(params)}
        ).json()
        if "error" in answer:
            raise ChainError(f"{method}: {answer['error'].get('message', answer['error'])}")
        return answer["result"]

    def block_number(self) -> int:
        return int(self.request("eth_blockNumber"), 16)

    def time(self) -> int:
        """The chain's clock: the latest block's timestamp, Unix seconds."""
        return int(self.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def call(self, to: str, signature: str, arguments: list[Any], returns: list[str], sender: str | None = None) -> Any:
        """eth_call by signature; one returned value comes bare, several as a tuple."""
        request = {"to": to, "data": calldata(signature, arguments)}
        if sender:
            request["from"] = sender
        values = decode(returns, hex_bytes(self.request("eth_call", request, "latest")))
        return values[0] if len(values) == 1 else values

    def advance(self, seconds: int) -> None:
        """Wind the chain's clock forward and mine, so that the new time is seen."""
        self.request("evm_increaseTime", seconds)
        self.request("evm_mine")


def calldata(signature: str, arguments: list[Any]) -> str:
    """`transfer(address,uint256)` and its arguments as 0x-text."""
    return hex_text(selector(signature) + encode(argument_types(signature), arguments))


def selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


def argument_types(signature: str) -> list[str]:
    """The top-level types between a signature's outer parentheses (tuples and arrays stay whole)."""
    inside = signature[signature.index("(") + 1 : -1]
    types, depth, current = [], 0, ""
    for letter in inside:
        if letter == "," and depth == 0:
            types.append(current)
            current = ""
            continue
        depth += {"(": 1, ")": -1}.get(letter, 0)
        current += letter
    return [*types, current] if current else types


@dataclass
class Wallet:
    """One person's account on the local chain."""

    name: str
    account: LocalAccount = field(repr=False)
    node: Node = field(repr=False)

    @classmethod
    def from_key(cls, name: str, key: bytes | str, node: Node) -> "Wallet":
        return cls(name, Account.from_key(key), node)

    @property
    def address(self) -> str:
        """Checksummed (EIP-55)."""
        return self.account.address

    def send(self, to: str, data: str, value_wei: int = 0, *, must_succeed: bool = True) -> dict[str, Any]:
        """Sign, send and wait for the receipt. Raises `Reverted` unless `must_succeed` is false."""
        gas_price = int(self.node.request("eth_gasPrice"), 16)
        signed = self.account.sign_transaction(
            {
                "chainId": int(self.node.request("eth_chainId"), 16),
                "nonce": int(self.node.request("eth_getTransactionCount", self.address, "pending"), 16),
                "to": to,
                "value": value_wei,
                "data": data,
                "gas": GAS,
                "maxFeePerGas": 2 * gas_price + 10**9,
                "maxPriorityFeePerGas": 10**9,
            }
        )
        transaction_hash = self.node.request("eth_sendRawTransaction", hex_text(signed.raw_transaction))
        deadline = time.monotonic() + 30
        while (receipt := self.node.request("eth_getTransactionReceipt", transaction_hash)) is None:
            if time.monotonic() > deadline:
                raise ChainError(f"transaction {transaction_hash} of {self.name} was not mined within 30 s")
            time.sleep(0.05)
        if must_succeed and int(receipt["status"], 16) != 1:
            raise Reverted(receipt, self._why(to, data, value_wei, receipt))
        return receipt

    def _why(self, to: str, data: str, value_wei: int, receipt: dict[str, Any]) -> str:
        """What the node says of the same call on the state that the transaction's block left."""
        call = {"from": self.address, "to": to, "data": data, "value": hex(value_wei)}
        try:
            self.node.request("eth_call", call, receipt["blockNumber"])
        except ChainError as error:
            return str(error)
        return "the same call would pass a block later"

    def invoke(self, to: str, signature: str, arguments: list[Any], *, must_succeed: bool = True) -> dict[str, Any]:
        return self.send(to, calldata(signature, arguments), must_succeed=must_succeed)

    def sign_typed_data(self, typed_data: dict[str, Any]) -> str:
        """An EIP-712 signature as 65 bytes of 0x-text."""
        return hex_text(self.account.sign_message(encode_typed_data(full_message=typed_data)).signature)

    def sign_text(self, text: str) -> str:
        """An EIP-191 personal signature as 65 bytes of 0x-text."""
        return hex_text(self.account.sign_message(encode_defunct(text=text)).signature)
