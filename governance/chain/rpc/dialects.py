# SPDX-License-Identifier: Apache-2.0
"""How providers word their refusals: turn a JSON-RPC `error` into the exception that says what to do."""

import re
from collections.abc import Sequence
from typing import Any

from governance.chain.rpc.errors import Answered, BatchTooLarge, CallReverted, RangeTooLarge, RpcError, RpcLimited
from governance.words import say
from policies.notation.hexadecimal import hex_bytes
from policies.notation.visible import visible

_MAX_MESSAGE = 300
_RANGE = re.compile(
    r"block range|blocks? range|range (is )?too (large|wide|big)|range limit|max(imum)? range|too many blocks|"
    r"more than [\d,]+ (results|logs|blocks)|too many (results|logs)|"
    r"response size (is )?(exceeded|too large|should not)|limited to (a |0 - )?[\d,]+k? (blocks? )?range|"
    r"limited to 0 ?- ?[\d,]+ blocks|exceeds? max(imum)? (results|logs|block)|"
    r"query timeout exceeded|response too (large|big)|matched by query exceeds|bigger than range|"
    r"exceeds the range|reduce (your|the) (block )?range|please limit the query|"
    r"range [\d,]+ exceeds limit|narrow (your|the) (filter|query|block range)",
    re.IGNORECASE,
)
_LIMITED = re.compile(
    r"rate limit|rate-limit|too many requests|request limit|request rate|requests? count exceeded|throughput|"
    r"compute units|capacity|calls per second|per second|quota|credits|limited to [\d,]+ ?/ ?sec",
    re.IGNORECASE,
)
# How the machine that runs contracts halts where it does not revert: the contract's doing, not the node's.
_HALTED = re.compile(
    r"invalid (opcode|instruction|jump)|bad jump|out of gas|stack (under|over)flow|stack limit|write protection|"
    r"evm error|vm exception|vm execution error|return ?data out of bounds|gas uint64 overflow",
    re.IGNORECASE,
)
_BATCH = re.compile(
    r"batch(es)? (\w+ ){0,4}(too (large|big|long)|limit|size|not (supported|allowed)|support)|"
    r"too many (requests|calls) in (a |the |one )?batch|batch of more than|(no|disallow\w*|unsupported) batch",
    re.IGNORECASE,
)
_BATCH_MOST = re.compile(
    r"(?:more than|at most|limit(?:ed to| is| of|:)?|max(?:imum)?(?: is| of|:)?) ?(\d{1,5})\b", re.IGNORECASE
)
# QuickNode's -32007 (requests) and -32012 (credits), Ankr's -32090, others' -32029; 429 where the status is repeated.
_LIMITED_CODES = frozenset({429, -32007, -32012, -32029, -32090})
_BETWEEN_HEX = re.compile(r"\[\s*(0x[0-9a-fA-F]{1,16})\s*,\s*(0x[0-9a-fA-F]{1,16})\s*\]")
_BETWEEN_DECIMAL = re.compile(r"range (\d{1,18})\s*-\s*(\d{1,18})")
_SPAN = re.compile(
    r"(?:limited to (?:a |0 ?- ?)?|up to a |max(?:imum)?(?: block)? range(?: is|:)? |range limit(?: is|:)? |"
    r"max(?:imum)? is(?: set to)? |greater than |max(?:imum)? block range(?: =|:) |max range: |"
    r"range [\d,]{1,20} exceeds limit of |block range exceeds server limit, narrow your filter: )"
    r"([\d,]{1,12})(k?)\b(?! (?:results|logs))",
    re.IGNORECASE,
)


def _suggestion(message: str, data: Any) -> tuple[tuple[int, int] | None, int | None]:
    """Read from a refusal which (first, last) blocks would work, and the widest range accepted, in blocks."""
    suggested = None
    if isinstance(data, dict) and isinstance(data.get("from"), str) and isinstance(data.get("to"), str):
        try:
            suggested = (int(data["from"], 16), int(data["to"], 16))
        except ValueError:
            suggested = None
    if suggested is None and (found := _BETWEEN_HEX.search(message)):
        suggested = (int(found[1], 16), int(found[2], 16))
    if suggested is None and (found := _BETWEEN_DECIMAL.search(message)):
        suggested = (int(found[1]), int(found[2]))
    if suggested is not None and suggested[0] > suggested[1]:
        suggested = None
    span = None
    if (found := _SPAN.search(message)) and (digits := found[1].replace(",", "")):
        span = int(digits) * (1000 if found[2] else 1) or None
    return suggested, span


def refuses_batch(error: Any, count: int) -> BatchTooLarge | None:
    """Return BatchTooLarge if the error for a whole batch of `count` requests says that it is too large, else None."""
    message = error.get("message") if isinstance(error, dict) else None
    if count < 2 or not isinstance(message, str) or not _BATCH.search(message):
        return None
    refused = BatchTooLarge(None, f"takes no batch of {count} requests")
    if found := _BATCH_MOST.search(message):
        refused.most = int(found[1])
    return refused


def _revert_data(data: Any) -> bytes:
    """Extract revert data as geth, Parity (`Reverted 0x..`) and Hardhat (an object) give it; empty if there is none."""
    if isinstance(data, dict):
        data = data.get("data", data.get("result"))
    if isinstance(data, str):
        text = data.removeprefix("Reverted ").strip()
        if text.startswith("0x"):
            try:
                return hex_bytes(text)
            except ValueError:
                return b""
    return b""


def classify(error: Any, method: str, endpoint: str = "", secrets: Sequence[str] = ()) -> RpcError:
    """Make the exception for a JSON-RPC `error` member of any shape; `secrets` that its text repeats are masked."""
    if not isinstance(error, dict):
        return Answered(None, say("error_malformed", method=method), endpoint=endpoint)
    code = error.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    message = error.get("message")
    # The text is the node's: printable, one line, of bounded length.
    message = " ".join(visible(message).split()) if isinstance(message, str) else "no message"
    for secret in secrets:
        message = message.replace(secret, "***")
    short = message[:_MAX_MESSAGE]
    data = error.get("data")
    if method in ("eth_call", "eth_estimateGas") and (code in (3, -32015) or "revert" in message.lower()):
        return CallReverted(_revert_data(data), short, code, endpoint=endpoint)
    if method == "eth_call" and _HALTED.search(message):
        return CallReverted(b"", short, code, endpoint=endpoint)
    if method in ("eth_getLogs", "eth_getBlockReceipts") and _RANGE.search(message):
        large = RangeTooLarge(code, short, data, endpoint=endpoint)
        large.suggested, large.max_blocks = _suggestion(message, data)
        return large
    if code in _LIMITED_CODES or (code in (-32005, -32097, -32600, -32000, None) and _LIMITED.search(message)):
        return RpcLimited(code, short, data, endpoint=endpoint)
    if code == -32005 and method == "eth_getLogs":
        large = RangeTooLarge(code, short, data, endpoint=endpoint)
        large.suggested, large.max_blocks = _suggestion(message, data)
        return large
    return Answered(code, short, data, endpoint=endpoint)
