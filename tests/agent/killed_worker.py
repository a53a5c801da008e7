# SPDX-License-Identifier: Apache-2.0
"""Run by test_kill.py as a process of its own: a worker that dies by SIGKILL at a chosen point of a payment.

The points are reached by wrapping what the executor calls, here and only here; nothing of it is in the product.
"""

import os
import signal
import sys
from typing import Any


def die(*_arguments: Any, **_named: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(point: str, request_id: int) -> None:
    import django

    django.setup()
    from django.conf import settings

    from agent.acts import executor
    from governance.chain import rpc as jsonrpc
    from governance.chain import send
    from governance.work import Again

    settings.RPC_URLS = {31337: [os.environ["TEST_RPC_URL"]]}
    settings.LOCAL_CHAIN_ID = 31337
    settings.AGENT_KEYSTORE = os.environ["TEST_KEYSTORE"]
    settings.AGENT_PASSWORD_FILE = os.environ["TEST_PASSWORD_FILE"]

    if point == "before the record":
        executor._write = die  # type: ignore[assignment]
    elif point == "before the journal":
        executor._send = die  # type: ignore[assignment]
    elif point == "while the journal is written":
        save = send.OutgoingTransaction.save

        def saved_and_dead(self: Any, *arguments: Any, **named: Any) -> None:
            save(self, *arguments, **named)
            die()  # inside the transaction: nothing is committed

        send.OutgoingTransaction.save = saved_and_dead  # type: ignore[method-assign]
    elif point == "between journal and broadcast":
        jsonrpc.Rpc.send_raw = die  # type: ignore[method-assign,assignment]
    elif point == "after the broadcast":
        send_raw = jsonrpc.Rpc.send_raw

        def sent_and_dead(self: Any, signed: bytes) -> bytes:
            try:  # whether the node's answer comes or is lost
                send_raw(self, signed)
            finally:
                die()
            return b""

        jsonrpc.Rpc.send_raw = sent_and_dead  # type: ignore[method-assign]
    elif point == "after the release's broadcast":
        send_raw = jsonrpc.Rpc.send_raw

        def released_and_dead(self: Any, signed: bytes) -> bytes:
            try:  # whether the node's answer comes or is lost
                send_raw(self, signed)
            finally:
                die()
            return b""

        jsonrpc.Rpc.send_raw = released_and_dead  # type: ignore[method-assign]
    elif point != "nowhere":
        raise SystemExit(f"no such point: {point}")
    try:
        (executor.release if "release" in point else executor.execute)(request_id)
    except Again as again:
        print(again)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
