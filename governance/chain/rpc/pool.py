# SPDX-License-Identifier: Apache-2.0
"""The endpoints of one chain: which of them is asked, how often, and how many requests at once."""

import copy
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeVar

import stamina

from governance.chain.rpc.endpoint import MAX_RESPONSE_BYTES, MOST_DISTRUST_S, WRONG_CHAIN_S, Endpoint, Known
from governance.chain.rpc.errors import BatchTooLarge, Distrusted, RpcError, RpcLimited, RpcUnreachable, WrongChain
from governance.sentences import Sentence
from governance.words import say

T = TypeVar("T")

# Default wait without Retry-After. Two waits exceed the one-second window that most providers use.
_LIMITED_WAIT_S = 0.6
_MOST_LEARNING = 8  # refusals in a row of a batch that gets smaller each time
_SLOW_S = 1.0
_SLOW_TIMES = 4  # times the latency of the fastest
_IDEMPOTENT = re.compile(
    r"(eth_(get|call|blockNumber|chainId|estimateGas|feeHistory|gasPrice|maxPriority|syncing)|net_|web3_|debug_trace)"
)
# Questions that name blocks by number or tag: any network has an answer to them. A block's hash is one network's own.
_ANY_NETWORKS = frozenset({"eth_blockNumber", "eth_getBlockByNumber", "eth_getLogs"})
logger = logging.getLogger(__name__)

# Retries are logged only if logging is configured; otherwise they would clutter a command's stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Disagreement(NamedTuple):
    """A block whose logs differ between endpoints, and how, in words. `logs` are those that one of them alone shows, as
    (block hash, what the log says)."""

    block_number: int
    problem: str
    logs: frozenset[tuple[bytes, Any]] = frozenset()


class Pool:
    """Send requests to a chain's endpoints. Thread-safe; connections are kept alive.

    Reads go to the first endpoint that is not set aside, and on to the next when it fails; one that failed is set aside
    for `aside_s` (longer each time). After an attempt `wait_s` go by (after later ones more, and up to five times as
    much by chance). Sends are tried once, unless no byte left this machine. An endpoint that gave a false answer
    (`distrust`) is not asked for a while, even if no other is left: a false answer would be believed.
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int | None,
        *,
        timeout_s: float = 15.0,
        attempts: int = 3,
        aside_s: float = 5.0,
        distrust_s: float = 300.0,
        down_s: float = 120.0,
        wait_s: float = 0.2,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ):
        """`chain_id` None accepts any chain (to find out which one it is); all other callers name the expected one."""
        if not urls:
            raise RpcUnreachable(say("no_endpoint", chain_id=chain_id))
        self.chain_id = chain_id
        self.attempts, self.aside_s = attempts, aside_s
        self.distrust_s, self.down_s, self.wait_s = distrust_s, down_s, wait_s
        self._endpoints = [Endpoint(url, timeout_s, max_response_bytes) for url in urls]
        self._said = threading.local()  # .by: the endpoint that last answered this thread
        self._caught: list[Sentence] = []
        self._disagreements: list[Disagreement] = []
        self.unseen: set[bytes] = set()  # blocks of which one endpoint's logs are known and no other one answered

    def __repr__(self) -> str:
        return f"<Rpc chain {self.chain_id} via {', '.join(e.name for e in self._endpoints)}>"

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        for endpoint in self._endpoints:
            endpoint.close()

    # --- one endpoint compared with another

    @property
    def names(self) -> str:
        """Scheme and host of the endpoints, for messages."""
        return ", ".join(endpoint.name for endpoint in self._endpoints)

    @property
    def is_single(self) -> bool:
        """Tell whether this client has one endpoint and no other, whatever can be asked just now."""
        return len(self._endpoints) == 1

    def answerer(self) -> Self:
        """Return a client of only the endpoint that answered this thread's last request, or of the first endpoint."""
        return self._alone(getattr(self._said, "by", None) or self._endpoints[0])

    def others(self) -> list[Self]:
        """Return a client of each other endpoint that is not distrusted; those that are set aside come last."""
        said, now = self.answerer()._endpoints[0], time.monotonic()
        return [self._alone(e) for e in self._in_order() if e is not said and e.distrusted_until <= now]

    def is_down(self) -> bool:
        """Tell whether every endpoint has only failed for at least `down_s`: nobody needs to wait for them any more."""
        since = time.monotonic() - self.down_s
        return all(endpoint.failures and endpoint.failing_since <= since for endpoint in self._endpoints)

    def distrust(self, reason: str) -> None:
        """Stop asking these endpoints for a while (`distrust_s`, longer each time): they gave a false answer."""
        for endpoint in self._endpoints:
            if endpoint.distrusted_until > time.monotonic():
                continue  # one false answer may be noticed in many blocks
            endpoint.lies += 1
            endpoint.problem = reason
            endpoint.checked = False
            pause_s = min(self.distrust_s * 2 ** (endpoint.lies - 1), MOST_DISTRUST_S)
            endpoint.distrusted_until = time.monotonic() + pause_s
            logger.warning("%s is not asked for %d s: %s", endpoint.name, pause_s, reason)
            self._caught.append(say("false_answer", endpoint=endpoint.name, pause_s=pause_s, reason=reason))

    def set_aside(self) -> None:
        """Ask these endpoints last for a while: they lag."""
        for endpoint in self._endpoints:
            endpoint.aside_until, endpoint.problem = time.monotonic() + self.aside_s, say("lagging")

    def known(self, secret: str) -> dict[bytes, Known]:
        """Return each endpoint's limits and health, by the fingerprint of its URL."""
        return {endpoint.fingerprint(secret): endpoint.known() for endpoint in self._endpoints}

    def recall(self, secret: str, known: Mapping[bytes, Known]) -> None:
        """Add what `known` returned in another process."""
        for endpoint in self._endpoints:
            if (found := known.get(endpoint.fingerprint(secret))) is not None:
                endpoint.recall(found)

    def take_caught(self) -> list[Sentence]:
        """Return the messages of `distrust` since the last call, and forget them."""
        caught = self._caught[:]
        del self._caught[: len(caught)]
        return caught

    def note_disagreement(self, block_number: int, problem: str, logs: Iterable[tuple[bytes, Any]] = ()) -> None:
        """Record that endpoints differ about a block, or these logs of it, with no proof; both stay trusted."""
        self._disagreements.append(Disagreement(block_number, problem, frozenset(logs)))

    def take_disagreements(self) -> list[Disagreement]:
        """Return what `note_disagreement` recorded since the last call, and forget it."""
        noted = self._disagreements[:]
        del self._disagreements[: len(noted)]
        return noted

    def _alone(self, endpoint: Endpoint) -> Self:
        """Make a client of one of our endpoints that shares its connections and health, and our messages."""
        alone = copy.copy(self)
        alone._endpoints, alone._said = [endpoint], threading.local()
        return alone

    # --- requests

    def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Send one request and return its `result`.

        Raises:
            RpcError: see its subclasses.
        """
        return self._perform(lambda endpoint: self._one(endpoint, method, params), [method])

    def batch(
        self, requests: Iterable[tuple[str, Sequence[Any]]], *, size: int = 100, together: bool = False
    ) -> list[Any]:
        """Send requests in batches of at most `size`, fewer if the endpoint accepts fewer; return the results in order.

        A request that the node refused has its RpcError in its place (returned, not raised). A failure of a whole batch
        is raised.

        `together` sends all requests as one batch, whatever the endpoint's limits are: behind a load balancer a second
        batch may reach another node, one that lags, and its answers would be taken for the first node's.
        """
        asked = list(requests)
        if together:
            return self._perform(lambda endpoint: self._many(endpoint, asked), [m for m, _ in asked]) if asked else []
        results: list[Any] = []
        refusals = 0  # in a row
        while len(results) < len(asked):
            rest = asked[len(results) : len(results) + size]
            beside = self._asks_chain(rest)
            part = rest[: max(self.portion(len(rest) + beside) - beside, 1)]
            try:
                results += self._perform(
                    lambda endpoint, part=part: self._many(endpoint, part), [m for m, _ in part], may_shrink=True
                )
                refusals = 0
            except BatchTooLarge:
                refusals += 1
                if self.attempts == 1 or refusals > _MOST_LEARNING:
                    raise
            except RpcLimited:
                refusals += 1
                if refusals > _MOST_LEARNING or self.portion(len(part)) == len(part):
                    raise
        return results

    def _asks_chain(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> bool:
        """Tell whether the chain is asked for beside these requests."""
        return self.chain_id is not None and any(method in _ANY_NETWORKS for method, _ in requests)

    def _many(self, endpoint: Endpoint, requests: list[tuple[str, Sequence[Any]]]) -> list[Any]:
        if self.chain_id is None or not self._asks_chain(requests):
            return endpoint.many(requests)
        if len(requests) == 1 and endpoint.portion(2) < 2:
            return endpoint.many(requests)  # it takes no batches: its chain was asked for once
        return endpoint.many_of_chain(requests, self.chain_id)

    def _one(self, endpoint: Endpoint, method: str, params: Sequence[Any]) -> Any:
        if not self._asks_chain([(method, params)]):
            return endpoint.one(method, params)
        try:
            [answer] = self._many(endpoint, [(method, params)])
        except BatchTooLarge:
            return endpoint.one(method, params)
        if isinstance(answer, RpcError):
            raise answer
        return answer

    def portion(self, count: int) -> int:
        """Return the batch size to use for the preferred endpoint, at most `count`. A client with attempts=1 is not
        throttled: learning takes seconds, and many small batches fail more often than one."""
        return count if self.attempts == 1 else self._in_order()[0].portion(count)

    def in_groups(
        self, items: Sequence[T], requests_each: int, most_items: int, ask: Callable[[Sequence[T]], None]
    ) -> None:
        """Call `ask` on successive slices of `items`, each of at most `most_items`. A slice becomes one JSON-RPC batch
        (`together`) of `requests_each` requests an item; after a rate-limit error it is retried smaller."""
        done = 0
        while done < len(items):
            # One request more asks for the chain.
            at_once = max(1, (self.portion(most_items * requests_each + 1) - 1) // requests_each)
            part = items[done : done + at_once]
            try:
                ask(part)
            except RpcLimited:
                if max(1, (self.portion(len(part) * requests_each + 1) - 1) // requests_each) >= len(part):
                    raise
                continue
            done += len(part)

    @property
    def most_blocks(self) -> int | None:
        """The widest range that the preferred endpoint accepts in eth_getLogs, in blocks; None if that is not known."""
        return self._in_order()[0].most_blocks

    def lacks(self, feature: str) -> bool:
        """Tell whether the preferred endpoint was found to lack a feature (`note_lack`)."""
        return feature in self._in_order()[0].unknown

    def has(self, feature: str) -> bool:
        """Tell whether the preferred endpoint was found to have a feature (`note_has`)."""
        return feature in self._in_order()[0].proven

    def note_has(self, feature: str) -> None:
        """Remember that the endpoint that answered this thread's last request has a feature."""
        self.answerer()._endpoints[0].proven.add(feature)

    def note_lack(self, feature: str) -> None:
        """Remember that the endpoint that answered this thread's last request lacks a feature."""
        self.answerer()._endpoints[0].unknown.add(feature)

    def _in_order(self) -> list[Endpoint]:
        """Return the endpoints, the preferred one first; after it come slow ones, those set aside, those distrusted."""
        now = time.monotonic()
        latencies = {endpoint: endpoint.latency_s for endpoint in self._endpoints}

        def is_slow(endpoint: Endpoint) -> bool:
            if (own := latencies[endpoint]) is None or len(latencies) == 1:
                return False
            fastest = min(other or 0.0 for e, other in latencies.items() if e is not endpoint)
            return own > max(_SLOW_S, _SLOW_TIMES * fastest)

        return sorted(
            self._endpoints, key=lambda e: (e.distrusted_until > now, max(e.aside_until - now, 0.0), is_slow(e))
        )

    def _perform(self, request: Callable[[Endpoint], Any], methods: list[str], *, may_shrink: bool = False) -> Any:
        """Return an endpoint's answer after up to `attempts` attempts. With `may_shrink`, a rate-limit error that made
        the batch size smaller is raised at once, so that the caller sends fewer."""
        if not all(_IDEMPOTENT.match(method) for method in methods):
            return self._once_over(request, len(methods), repeat=False)

        def again(error: Exception) -> bool | float:
            if not isinstance(error, RpcLimited):
                return isinstance(error, RpcUnreachable)
            if may_shrink and self.portion(len(methods)) < len(methods):
                return False
            return _LIMITED_WAIT_S if error.retry_after_s is None else min(max(error.retry_after_s, 0.01), 3.0)

        for attempt in stamina.retry_context(
            on=again, attempts=self.attempts, timeout=None,
            wait_initial=self.wait_s, wait_max=15 * self.wait_s, wait_jitter=5 * self.wait_s,
        ):  # fmt: skip
            with attempt:
                return self._once_over(request, len(methods), repeat=True)
        raise AssertionError("stamina returns or raises")

    def _once_over(self, request: Callable[[Endpoint], Any], count: int, *, repeat: bool) -> Any:
        """Ask each trusted endpoint in turn until one answers; those set aside come last, but are asked too."""
        now = time.monotonic()
        wrong: WrongChain | None = None
        failure: RpcError | None = None
        trusted = [endpoint for endpoint in self._in_order() if endpoint.distrusted_until <= now]
        if not trusted:
            raise Distrusted(None, say("all_distrusted", chain_id=self.chain_id))
        for endpoint in trusted:
            try:
                if self.chain_id is not None:
                    endpoint.check_chain(self.chain_id)
                result = request(endpoint)
            except WrongChain as error:
                endpoint.aside_until, endpoint.problem = now + WRONG_CHAIN_S, error.message
                wrong = error
            except RpcUnreachable as error:
                endpoint.failed(error.message, self.aside_s)
                failure = error
                if not repeat and not error.not_sent:
                    raise
            except RpcLimited as error:
                endpoint.aside_until = time.monotonic() + (error.retry_after_s or 1.0)
                failure = error
                if not repeat:
                    raise
            else:
                endpoint.failures, endpoint.answered_at = 0, time.monotonic()
                endpoint.pace.answered(count)
                self._said.by = endpoint
                return result
        if failure is None:
            assert wrong is not None
            raise wrong
        raise failure
