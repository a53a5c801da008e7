# SPDX-License-Identifier: Apache-2.0
"""Ethereum JSON-RPC over HTTP: several endpoints for one chain, batches, and errors that say what to do.

    questions   what a chain is asked: blocks, logs, calls, balances
    pool        which endpoint is asked, how often, and how many requests at once
    endpoint    one node at one URL: its HTTP client, health and limits
    dialects    how providers word their refusals
    values      headers, logs, transactions, receipts, and their parsers
    errors      one tree of errors

Each is built on those below it. Other packages import the names listed here.
"""

from governance.chain.rpc.endpoint import MOST_DISTRUST_S, Known, secrets_of
from governance.chain.rpc.errors import (
    Answered,
    BatchTooLarge,
    CallReverted,
    Distrusted,
    RangeTooLarge,
    RpcError,
    RpcLimited,
    RpcUnreachable,
    WrongChain,
)
from governance.chain.rpc.pool import Disagreement
from governance.chain.rpc.questions import Rpc, checked
from governance.chain.rpc.values import (
    BlockId,
    Header,
    Log,
    RangeLogs,
    Receipt,
    Transaction,
    parse_header,
    parse_log,
    parse_logs,
    parse_logs_beside_block,
    parse_receipt,
    parse_transaction,
    quantity,
    unhex,
)

__all__ = [
    "MOST_DISTRUST_S", "Answered", "BatchTooLarge", "BlockId", "CallReverted", "Disagreement", "Distrusted", "Header",
    "Known", "Log", "RangeLogs", "RangeTooLarge", "Receipt", "Rpc", "RpcError", "RpcLimited", "RpcUnreachable",
    "Transaction", "WrongChain", "checked", "parse_header", "parse_log", "parse_logs", "parse_logs_beside_block",
    "parse_receipt", "parse_transaction", "quantity", "secrets_of", "unhex",
]  # fmt: skip
