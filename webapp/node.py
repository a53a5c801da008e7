# SPDX-License-Identifier: Apache-2.0
"""The chain's node as the ballot and drafts ask it; nothing else that is shown does (`governance.readings`)."""

from __future__ import annotations

import os
from functools import lru_cache

from django.conf import settings

from governance.chain.rpc import Rpc
from presentation.dao_view import DaoView

PATIENCE_S = 3.0  # how long a page waits for the node, which it can do without


def node(place: DaoView) -> Rpc:
    """Return a client that asks once, and not for long. Raises RpcUnreachable where no node is configured."""
    return _node(os.getpid(), place.dao.chain_id, tuple(settings.RPC_URLS.get(place.dao.chain_id, ())))


@lru_cache(maxsize=64)
def _node(_process: int, chain_id: int, urls: tuple[str, ...]) -> Rpc:  # a fork must not share sockets
    return Rpc(urls, chain_id, timeout_s=PATIENCE_S, attempts=1)
