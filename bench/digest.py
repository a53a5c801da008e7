# SPDX-License-Identifier: Apache-2.0
"""How fast digests leave: `make bench-digest`, or python -m bench.digest.

    --readers N (10000)   --proposals N (20)

Makes a DAO with so many open proposals, each with its summary, and so many readers of a daily digest, each with a
voting address of its own; plans their digests and sends them as the site's task does, in one process, to an SMTP server
on this machine that throws them away. Missed is: more than 120 s on the clock for 10,000 readers (as much time for each
of fewer), a reader without exactly one mail, memory that grows by a fifth and 20 MB between the first tenth of the
mails and the last, and a request to the model while mails are written. Then it exits with 1. Prints JSON and writes
bench/results/bench-digest.json.

The summaries are put in ready-made: how often the model is asked for one proposal is not measured here. Between the
turns of mails the agent's own summaries are looked after as its task does, so that what sending mails may leave to be
summarised would be asked for, and counted at the model's address. That such a request is counted is tried at the end:
a proposal without a summary has to bring at least one (`model_calls_of_a_new_proposal`).

`own_s` is the time less what sender, database and sink waited for a processor (as in `bench.web`). They wait for each
other too, so it is less than the time on a machine of their own: no bar is held against it.
`floor_ms` is what handing over one finished mail of the same size takes, beside `mail_ms`, what a digest takes in all.
"""

import argparse
import http.server
import json
import multiprocessing
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from bench import queries
from bench.sync.cluster import cluster
from bench.sync.run import ROOT
from bench.web import Waiting

BAR_S, BAR_READERS = 120.0, 10_000
RESULTS = ROOT / "bench" / "results" / "bench-digest.json"
_FLOOR_MAILS = 100


def sink(told: Connection) -> None:
    """Take mails and throw them away, in a process of its own: tells its port, and, asked, who got how many."""
    from aiosmtpd.controller import Controller

    from embedded import process

    class Counting:
        def __init__(self) -> None:
            self.mails: Counter[str] = Counter()
            self.size = 0

        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            self.mails.update(envelope.rcpt_tos)
            self.size = len(envelope.content)
            return "250 OK"

    counting = Counting()
    controller = Controller(counting, hostname="127.0.0.1", port=process.free_port())
    controller.start()
    told.send(controller.port)
    while told.recv() == "count":
        told.send((len(counting.mails), sum(counting.mails.values()), counting.size))
    controller.stop()


class Model:
    """A model server that counts who asks it, and knows nothing."""

    def __init__(self) -> None:
        model = self
        self.asked = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                model.asked += 1
                self.send_error(503)

            do_GET = do_POST

            def log_message(self, *_arguments: object) -> None:
                """Nothing: what is printed is the result."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


def make(readers: int, proposals: int) -> None:
    """The DAO with its open proposals, and the readers."""
    import datetime

    from django.utils import timezone

    from agent.models import Summary
    from governance.models import Proposal
    from webapp.mail.kinds import Topic
    from webapp.models import Reader, Subscription

    dao = queries.fill(proposals, 100 * proposals, max(2_000, readers // 4))
    Proposal.objects.update(
        deadline=9_000_000, executed=False, canceled=False, queued=False, eta_chain_s=None, snapshot=1_000_000
    )
    Summary.objects.update(
        sentences=[
            {"text": "It pays the team.", "source": {"kind": "span", "id": "s1", "quote": "What is asked for"}}
        ] * 3,
        effects=[
            {"id": "e1", "position": 0, "kind": "transfer", "sentence": "Transfers 5,000 USDC to 0x1111…1111"},
            {"id": "e2", "position": 1, "kind": "transfer", "sentence": "Transfers 7 USDC to 0x2222…2222"},
        ],
    )  # fmt: skip
    before = timezone.now() - datetime.timedelta(days=2)
    made = Reader.objects.bulk_create(Reader(email=f"r{number}@example.org") for number in range(readers))
    Subscription.objects.bulk_create(
        Subscription(
            dao=dao, reader=reader, delegate=(number + 1).to_bytes(20, "big"), topics=Topic.values, confirmed_at=before
        )
        for number, reader in enumerate(made)
    )


def floor_ms(size: int) -> float:
    """What handing over one finished mail of this size takes, the middle of several."""
    from webapp.mail.transport import deliver

    times = []
    for _ in range(_FLOOR_MAILS):
        begun = time.perf_counter()
        deliver("floor@example.org", "floor", ("x" * 76 + "\n") * (size // 77), None, {})
        times.append((time.perf_counter() - begun) * 1000)
    return round(statistics.median(times), 2)


def measure(readers: int, server_pid: int, sink_pid: int, ask: Connection) -> dict[str, Any]:
    """Plan and send all digests: how long it took, and how much memory there was on the way."""
    from django.urls import get_resolver

    from agent.understanding import summaries
    from governance.models import Work
    from webapp import tasks
    from webapp.mail import plan
    from webapp.mail.send import PERIOD_WORK

    get_resolver().url_patterns  # noqa: B018 -- read once in a process's life, which is no part of a mail
    me = psutil.Process()
    waiting = Waiting([me.pid, server_pid, sink_pid])
    begun = time.monotonic()
    plan.plan_periods()
    planned_s = time.monotonic() - begun
    open_rows = Work.objects.filter(name=PERIOD_WORK, done_at=None)
    before, memory, told, left = waiting.seen(), [], 0.0, readers
    sending = time.monotonic()
    while left:
        tasks.send_due()
        summaries.follow_outbox()
        summaries.run_due()
        left = open_rows.count()
        memory.append((1 - left / readers, me.memory_info().rss))
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"{readers - left} of {readers} after {told - sending:.0f} s", file=sys.stderr)
    sent_s = time.monotonic() - sending
    waited, ran = waiting.between(before, waiting.seen())
    own_s = max(sent_s - waited / 1000, min(sent_s, ran / 1000))
    ask.send("count")
    reached, mails, size = ask.recv()
    early = next(rss for part, rss in memory if part >= 0.1)
    return {
        "planned_s": round(planned_s, 2), "sent_s": round(sent_s, 2), "own_s": round(own_s, 2),
        "mail_ms": round(sent_s / readers * 1000, 2), "own_mail_ms": round(own_s / readers * 1000, 2),
        "readers_reached": reached, "mails": mails, "mail_bytes": size,
        "memory_mb": {"early": round(early / 1e6, 1), "end": round(memory[-1][1] / 1e6, 1)},
    }  # fmt: skip


def calls_of_a_new_proposal(model: Model) -> int:
    """How often the model is asked where a proposal has no summary: the counter's own trial."""
    from django.db import transaction

    from agent.models import Summary
    from agent.understanding import summaries
    from governance import outbox
    from governance.models import Proposal

    proposal = Proposal.objects.order_by("-pk").select_related("dao")[0]
    Summary.objects.filter(proposal=proposal).delete()
    before = model.asked
    with transaction.atomic():
        outbox.publish(proposal.dao, "proposal.created", str(proposal.proposal_id), proposal.created_block)
    summaries.follow_outbox()
    summaries.run_due()
    return model.asked - before


def misses(result: dict[str, Any]) -> list[str]:
    """What is too slow, too many, too few or too large."""
    missed, readers = [], result["readers"]
    bar_s = BAR_S * readers / BAR_READERS
    if result["planned_s"] + result["sent_s"] > bar_s:
        missed.append(f"{result['planned_s'] + result['sent_s']:.1f} s for {readers} readers: {bar_s:.1f} s is the bar")
    if (result["readers_reached"], result["mails"]) != (readers, readers):
        missed.append(f"{result['mails']} mails to {result['readers_reached']} of {readers} readers")
    early, end = result["memory_mb"]["early"], result["memory_mb"]["end"]
    if end > early * 1.2 + 20:
        missed.append(f"memory grows from {early} MB to {end} MB")
    if result["model_calls_while_sending"]:
        missed.append(f"the model was asked {result['model_calls_while_sending']} times while mails were written")
    if not result["model_calls_of_a_new_proposal"]:
        missed.append("a proposal without a summary brought no request to the model: requests are not counted")
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast digests leave.")
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--proposals", type=int, default=20)
    asked = parser.parse_args()
    here, there = multiprocessing.Pipe()
    taker = multiprocessing.get_context("spawn").Process(target=sink, args=(there,), daemon=True)
    taker.start()
    with cluster() as server, tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret_key"
        secret.touch(0o600)
        secret.write_text(secrets.token_urlsafe(48))
        model = Model()
        os.environ.update({
            "DATABASE_URL": server.fresh("digest"), "MANDATE_RPC_URLS": "", "SMTP_PORT": str(here.recv()),
            "SMTP_HOST": "127.0.0.1", "MANDATE_SECRET_KEY_FILE": str(secret), "MODEL_URL": model.url,
            "MODEL_NAME": "counting", "MANDATE_LOG_LEVEL": "WARNING",
        })  # fmt: skip
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        from agent.models import Summary

        call_command("migrate", verbosity=0, interactive=False)
        make(asked.readers, asked.proposals)
        assert taker.pid is not None
        result: dict[str, Any] = {
            "readers": asked.readers, "proposals": asked.proposals, "cpus": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 2),
            **measure(asked.readers, server.process_id, taker.pid, here),
        }  # fmt: skip
        result |= {
            "floor_ms": floor_ms(result["mail_bytes"]), "summaries": Summary.objects.count(),
            "model_calls_while_sending": model.asked,
            "model_calls_of_a_new_proposal": calls_of_a_new_proposal(model),
            "bar_s": BAR_S * asked.readers / BAR_READERS,
        }  # fmt: skip
        connection.close()
    here.send("stop")
    result["missed"] = misses(result)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    if result["missed"]:
        raise SystemExit("missed:\n" + "\n".join(result["missed"]))


if __name__ == "__main__":
    main()
