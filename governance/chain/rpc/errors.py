# SPDX-License-Identifier: Apache-2.0
"""The errors of asking a node, each with the values that say what to do next.

RpcError                  there is no answer to use; always one of those below, or of the sync's own
├── Answered              the node answered: with an error, or with what can't be used
│   ├── CallReverted      the contract reverted
│   ├── RangeTooLarge     too many blocks or logs at once: ask for fewer
│   └── BatchTooLarge     too many requests in one batch: ask for fewer
├── RpcLimited            too many requests in a short time: wait
├── RpcUnreachable        no usable answer: ask again later
│   └── Oversized         the answer is larger than the size limit
├── Distrusted            all endpoints left gave false answers before: none is asked
└── WrongChain            the endpoint serves another chain: correct its URL

Who asks whether a node *can* answer something (an old state, a tag, a method) catches `Answered`: the others say
nothing about that, and the question is asked again later.
"""

from typing import Any

from governance.sentences import Sentence
from governance.words import say


class RpcError(Exception):
    """There is no answer to use. `code` is the node's error code, None where it named none; `message` is a `Sentence`
    where it is ours."""

    def __init__(self, code: int | None, message: str, data: Any = None, *, endpoint: str = ""):
        self.code, self.message, self.data, self.endpoint = code, message, data, endpoint
        where = f"{endpoint}: " if endpoint else ""
        super().__init__(f"{where}{message}" + (f" (code {code})" if code is not None else ""))

    @property
    def sentence(self) -> Sentence:
        """What went wrong, with the endpoint's name, for a row or a page."""
        return say("node_failed", endpoint=self.endpoint, problem=self.message, number=self.code)


class Answered(RpcError):
    """The node answered: with an error, or with something that can't be used (`code` is None then)."""


class CallReverted(Answered):
    """`eth_call` or `eth_estimateGas` reverted, or the contract that `eth_call` ran halted.
    `data` is the revert data, bytes (empty where the node gave none)."""

    data: bytes

    def __init__(self, data: bytes, message: str = "execution reverted", code: int | None = 3, *, endpoint: str = ""):
        super().__init__(code, message, data, endpoint=endpoint)


class RangeTooLarge(Answered):
    """`eth_getLogs` was asked for too much at once.

    `suggested` is the (first, last) block that the node said would work, `max_blocks` the widest range that the node
    accepts, in blocks. Both are None if the node stated neither: then halve the range.
    """

    suggested: tuple[int, int] | None = None
    max_blocks: int | None = None


class RpcLimited(RpcError):
    """The node refused because of our request rate. `retry_after_s` is the wait it asked for, or None."""

    retry_after_s: float | None = None


class BatchTooLarge(Answered):
    """The endpoint refused a batch because of its number of requests. `most` is the limit it stated, or None.

    A batch that must go out in one request (`batch(.., together=True)`) can't be split: use another node.
    """

    most: int | None = None


class RpcUnreachable(RpcError):
    """No endpoint gave a usable answer: connection, timeout, HTTP error, an oversized answer or no JSON."""

    not_sent: bool = False  # True where no byte of the request left this machine

    def __init__(self, message: str, *, endpoint: str = ""):
        super().__init__(None, message, endpoint=endpoint)


class Oversized(RpcUnreachable):
    """The endpoint's answer is larger than the size limit."""


class Distrusted(RpcError):
    """All remaining endpoints are distrusted because they gave false answers. `Pool.distrust` sets for how long."""


class WrongChain(RpcError):
    """The endpoint serves another chain than the one it is configured for."""

    def __init__(self, expected: int, got: int, *, endpoint: str = ""):
        self.expected, self.got = expected, got
        super().__init__(None, say("other_chain", got=got, expected=expected), endpoint=endpoint)
