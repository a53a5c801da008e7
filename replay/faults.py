# SPDX-License-Identifier: Apache-2.0
"""What goes wrong at a node, on demand or by seeded chance, in each provider's shapes, codes and wordings.

The shapes are those that the providers' documentation and public issue threads show: what a range or an answer that is
too large is refused with, and what too many requests get. Only what a client can use is repeated: code, key words,
numbers, the range that would work.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# By chance, for a whole HTTP request (a batch is one): the connection, the status, the body.
CARRIED = (
    "hang_up",  # the connection ends without an answer, as when a node restarts in mid-request
    "half_closed",  # the answer ends in the middle, before the length that its header named
    "truncated",  # the body is cut, and its length says so: JSON that does not end
    "not_json",  # a proxy's error page with status 200
    "server_error",  # HTTP 502 with a page
    "rate_status",  # HTTP 429 without Retry-After
    "rate_status_after",  # HTTP 429 with Retry-After
    "older_sight",  # the load balancer's other node answers: it stands at an earlier moment of the chain (recorded
    # chains, which have none: some blocks behind)
    "other_network",  # the load balancer has a node of another network, which has the same contracts (synthetic chains)
)
# By chance, for one answer within a request.
ANSWERED = (
    "internal_error",  # -32603
    "call_error",  # to eth_call alone: the node lacks the state just now, whatever the contract would say
    "rate_error",  # the JSON-RPC error with which the provider limits the rate
    "null_block",  # no such block, though it is there
    "empty_logs",  # no logs, though there are some
    "missing_logs",  # some of the logs
)
KINDS = frozenset(CARRIED + ANSWERED)
BLOOMS = ("whole", "zeros", "omit")
"""Headers' blooms: with all logs; with none, as on zkSync; without some logs, as on Polygon."""
NUMBERINGS = ("block", "transaction")
"""How logs are counted: through the block, as the standard says, or from 0 in each transaction, as on Filecoin."""
LOG_TIMES = ("whole", "zero", "omit")
"""What logs say of their block's time: it, always 0, as of some versions of geth, or nothing, as most nodes."""
HASH_FILTERS = ("known", "refused", "ignored")
"""What becomes of `blockHash` in eth_getLogs: nodes that do not know it refuse it, or answer for their newest block."""
RECEIPTS = ("whole", "unknown", "null", "partial")
"""What eth_getBlockReceipts gives: all; an error, for the method is not known; null; or receipts without some logs."""
FORGED = "forged"
"""As one of `RECEIPTS`: what a node may give that wants to convict another: receipts that look whole, in which logs are
hidden, or stand in a block that has them not, and which thus rebuild another receipts root than the header's."""
LIES = frozenset({"empty_logs", "missing_logs"})


class Refusal(NamedTuple):
    """An error as a provider gives it. `body` stands in place of JSON-RPC where the gateway answers in plain text."""

    code: int
    message: str
    data: Any = None
    status: int = 200
    body: bytes | None = None


@dataclass
class Faults:
    """What goes wrong. Everything may be changed while the node runs.

    `chances` has a probability for each of `KINDS`; which requests they hit follows from the node's seed and the order
    of the requests.
    """

    max_range: int | None = None  # blocks that one eth_getLogs may span
    max_results: int | None = None  # logs that one eth_getLogs may return
    latency_s: float = 0.0
    # method -> how many of its next answers are errors
    errors: dict[str, int] = field(default_factory=dict)
    head_back: int = 0  # how many blocks the node's head lies behind the chain's, as behind a lagging load balancer
    sights_back: int = 0  # at how many changes of the chain ago the node stands (synthetic chains)
    provider: str = "plain"  # in whose words it refuses
    chances: dict[str, float] = field(default_factory=dict)
    final_back: int | None = None  # what it calls final lies so far behind its head; None: what is final
    chain_id: int | None = None  # another chain than it should serve, as after a wrong fail-over
    retry_after_s: int = 1
    requests_per_s: int | None = None  # what comes above is refused in the provider's words; a batch counts one by one
    blooms: str = "whole"  # one of `BLOOMS`: what the headers' blooms show of the logs
    hole: float = 0.0  # the share of logs that its index lacks, always the same ones; its receipts have them
    numbering: str = "block"  # one of `NUMBERINGS`
    one_place: bool = False  # it gives all logs of a transaction the index 0
    log_times: str = "whole"  # one of `LOG_TIMES`
    hash_filter: str = "known"  # one of `HASH_FILTERS`
    null_logs: bool = False  # it answers null where there are no logs
    has_final_tag: bool = True  # else it answers to `finalized` and `safe` as a node that does not know them
    receipts: str = "whole"  # one of `RECEIPTS`, or `FORGED`
    has_receipts_root: bool = True  # else zeros, as on chains that compute none


class Chance:
    """Seeded chance, for the threads of one node."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)  # noqa: S311 -- chooses faults, keeps no secret
        self._lock = threading.Lock()

    def hits(self, faults: Faults, kind: str) -> bool:
        """Whether this fault happens now."""
        probability = faults.chances.get(kind, 0.0)
        if not probability:
            return False
        with self._lock:
            return self._random.random() < probability

    def pick(self, count: int) -> int:
        """A number below `count`."""
        with self._lock:
            return self._random.randrange(count)

    def some(self, items: list[Any]) -> list[Any]:
        """The items without at least one of them."""
        with self._lock:
            kept = [item for item in items if self._random.random() < 0.5]
            return kept if len(kept) < len(items) else kept[:-1]


def mix(seed: int) -> list[Faults]:
    """Two nodes of one chain at which all that can go wrong goes wrong now and then: one lies about logs and finality,
    the other does not; both refuse as some provider does."""
    random_ = random.Random(seed)  # noqa: S311 -- chooses faults, keeps no secret

    def node(*kinds: str, worst: float) -> Faults:
        return Faults(
            provider=random_.choice(PROVIDERS),
            max_range=random_.choice((None, 50_000, 80_000)),
            max_results=random_.choice((None, 1000, 3000)),
            head_back=random_.choice((0, 1, 3)),
            chances={kind: random_.uniform(0, worst) for kind in kinds},
            retry_after_s=0,
        )

    # A recording has no earlier moments, and no other network.
    carried = [kind for kind in CARRIED if kind not in ("older_sight", "other_network")]
    liar = node(*carried, worst=0.05)
    liar.chances |= {lie: random_.uniform(0.1, 0.5) for lie in sorted(LIES)}
    liar.final_back = random_.choice((None, 0))
    other = node(*carried, worst=0.03)
    # Of a hundred answers in one batch, one that fails is enough to have all of them asked again.
    other.chances |= {kind: random_.uniform(0, 0.001) for kind in ("internal_error", "rate_error", "null_block")}
    return [liar, other]


def _between(first: int, last: int) -> str:
    return f"[{hex(first)}, {hex(last)}]"


# provider -> (what it says to a range of too many blocks, to too many logs, to too many requests)
_Words = tuple[Callable[[int, int, int], Refusal], Callable[[int, int, int], Refusal], Callable[[], Refusal]]
_WORDS: dict[str, _Words] = {
    "plain": (
        lambda most, _first, _last: Refusal(-32602, f"eth_getLogs is limited to a {most} blocks range"),
        lambda most, first, good: Refusal(
            -32005,
            f"query returned more than {most} results. Try with this block range {_between(first, good)}.",
            {"from": hex(first), "to": hex(good), "limit": most},
        ),
        lambda: Refusal(-32005, "rate limit exceeded"),
    ),
    "alchemy": (
        lambda most, first, _last: Refusal(
            -32600,
            f"You can make eth_getLogs requests with up to a {most} block range. Based on your parameters, this block "
            f"range should work: {_between(first, first + most - 1)}",
        ),
        lambda _most, first, good: Refusal(
            -32602, f"Log response size exceeded. This block range should work: {_between(first, good)}"
        ),
        lambda: Refusal(429, "Your app has exceeded its compute units per second capacity.", status=429),
    ),
    "infura": (
        lambda most, first, last: Refusal(-32602, f"range {last - first + 1} exceeds limit of {most}"),
        lambda most, first, good: Refusal(
            -32005,
            f"query returned more than {most} results. Try with this block range {_between(first, good)}.",
            {"from": hex(first), "to": hex(good), "limit": most},
        ),
        lambda: Refusal(
            -32005,
            "project ID request rate exceeded",
            {"rate": {"allowed_rps": 1, "current_rps": 1.3, "backoff_seconds": 1}},
            status=429,
        ),
    ),
    "quicknode": (
        lambda most, _first, _last: Refusal(-32614, f"eth_getLogs is limited to a {most:,} range", status=413),
        lambda _most, _first, _good: Refusal(-32005, "query returned too many results"),
        lambda: Refusal(-32007, "50/second request limit reached - reduce calls per second", status=429),
    ),
    "ankr": (
        lambda _most, _first, _last: Refusal(-32000, "block range is too wide"),
        lambda _most, _first, _good: Refusal(-32000, "response size should not be greater than 10000000 bytes"),
        lambda: Refusal(-32090, "", status=429, body=b"message: too many requests, trace_id: 00000000"),
    ),
    "erigon": (
        lambda most, _first, _last: Refusal(
            -32602, f"query block range exceeds server limit, narrow your filter: {most}"
        ),
        lambda most, _first, _good: Refusal(-32000, f"query returns too many logs, narrow your filter: {most}"),
        lambda: Refusal(-32097, "rate limit exceeded"),
    ),
}
PROVIDERS = tuple(_WORDS)


def range_refusal(provider: str, most: int, first: int, last: int) -> Refusal:
    """What the provider says where a range first..last has more than `most` blocks."""
    return _WORDS[provider][0](most, first, last)


def size_refusal(provider: str, most: int, first: int, good_last: int) -> Refusal:
    """What the provider says where an answer has more than `most` logs; first..good_last would work."""
    return _WORDS[provider][1](most, first, good_last)


def rate_refusal(provider: str) -> Refusal:
    """What the provider says to too many requests."""
    return _WORDS[provider][2]()
