# SPDX-License-Identifier: Apache-2.0
"""How the site is served: gunicorn reads this file by itself when it is started in this folder, as `gunicorn dao.wsgi`.

Whoever stops in the middle of a request holds a thread until READ_TIMEOUT_S is over, and whoever stops taking the
answer until SEND_TIMEOUT_S is, so there are many threads (an idle one costs nothing) and several processes. Each byte
begins a new wait: who sends or takes one every few seconds is for the proxy to stop. No access log: paths hold the
tokens that confirm and end subscriptions.
"""

import logging
import os
import socket
import struct
from functools import partial

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

READ_TIMEOUT_S = 5
SEND_TIMEOUT_S = (
    10  # begun anew where the kernel still took a part (seen: twice); a slow line makes room in large pieces
)
_close_gracefully = util.close_graceful

worker_class = "gthread"
workers = 2
threads = 16
preload_app = True
timeout = 30
graceful_timeout = 5
sendfile = False  # it would wait for a visitor to take a file for ever, whatever the socket says
secure_scheme_headers = {}  # the scheme is that of MANDATE_ORIGIN, whatever a header says
control_socket_disable = True  # it would lie in the user's home
# Workers touch their heartbeat file in memory: a busy disk would stall it. gunicorn makes and unlinks it safely.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"  # noqa: S108


def post_worker_init(worker: ThreadWorker) -> None:
    """Have the kernel end each wait for a visitor: accepted TCP connections inherit what their listener is set to."""
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", READ_TIMEOUT_S, 0))
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0))
    logging.getLogger("gunicorn.error").addFilter(_is_no_timeout)
    # gunicorn waits up to 2 s for a visitor to close a connection, in the one thread that takes new ones: not there.
    util.close_graceful = partial(worker.tpool.submit, _close_gracefully)


def _is_no_timeout(record: logging.LogRecord) -> bool:
    """Say whether a record is of something else than a visitor who sent or took nothing for too long."""
    return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))
