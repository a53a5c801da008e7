# SPDX-License-Identifier: Apache-2.0
"""The embedded stack: every service the product needs, as children of one supervisor, on loopback ports.

    with Stack(Path(".mandate"), say=print) as stack:
        print(stack.web_url)

One folder (the *state folder*) holds everything an instance remembers.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import psycopg

from dao.local import database, local_chain, model_server, ports, shell, state_folder
from dao.local.local_chain import LOCAL_CHAIN_ID, LocalChain
from dao.local.paths import ROOT
from dao.local.people import NAMES, People, keystore, load_or_create
from dao.local.services import make_services
from embedded.process import die_with_parent
from embedded.supervisor import StackError, Supervisor

# Who uses a service ends before it; those of a group end at the same time.
ENDING = (("worker", "beat", "web"), ("model", "mail", "chain"), ("broker",), ("postgres",))


class Stack:
    """The supervisor of one instance. `start` and `stop` may be called once each; use it as a context manager.

    state_dir: the instance's folder, made if absent. say: gets progress, one line at a time (None: silence).
    port: the web server's port; None takes `MANDATE_PORT`, the remembered one, or a free one, in this order.
    """

    def __init__(
        self, state_dir: Path, *, say: Callable[[str], None] | None = None, port: int | None = None, model: bool = True
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.mail_dir = self.state_dir / "mail"
        self._say = say or (lambda _line: None)
        self._asked_port = port
        self._with_model = model
        self._lock: Any = None
        self._ports: dict[str, int] = {}
        self._chain = LocalChain(self.state_dir / "chain", self._say)
        self._supervisor = Supervisor(
            self.state_dir / "logs",
            folder=ROOT,
            environment=lambda: self.environment | {"MANDATE_READY_DIR": str(self.state_dir / "run")},
            say=self._say,
            beside=self._chain.keep,
        )
        self._people: People | None = None

    # What others may ask

    @property
    def rpc_url(self) -> str:
        """The local chain's JSON-RPC address."""
        return f"http://127.0.0.1:{self._ports['chain']}"

    @property
    def web_url(self) -> str:
        """The site's origin, without a slash at its end."""
        return f"http://127.0.0.1:{self._ports['web']}"

    @property
    def people(self) -> dict[str, Any]:
        """The instance's people by name: accounts with `.address` and `.key` (test money on the local chain only)."""
        assert self._people is not None, "start the stack first"
        return {name: self._people[name] for name in NAMES}

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the children that run now."""
        return self._supervisor.pids

    @property
    def environment(self) -> dict[str, str]:
        """The environment that children and `manage.py` commands run with. It names secrets' files, not secrets."""
        agent_file, agent_password = keystore(self.state_dir, "agent")
        relayer_file, relayer_password = keystore(self.state_dir, "relayer")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MANDATE_", "MODEL_"))}
        return inherited | {
            "DJANGO_SETTINGS_MODULE": "dao.settings",
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])),  # for all children's clients
            "PYTHONWARNINGS": "ignore::RuntimeWarning:platformdirs.api",
            "MANDATE_STATE_DIR": str(self.state_dir),
            "MANDATE_ORIGIN": self.web_url,
            "MANDATE_COOKIE": f"mandate_{self._ports['web']}",
            "MANDATE_LOG_LEVEL": os.environ.get("MANDATE_LOG_LEVEL", ""),
            "MANDATE_SECRET_KEY_FILE": str(self.state_dir / "secret_key"),
            "DATABASE_URL": self._database_url(),
            "BROKER_URL_FILE": str(self.state_dir / "broker_url"),
            "MANDATE_RPC_URLS": f"{LOCAL_CHAIN_ID}={self.rpc_url}",
            "MANDATE_LOCAL_CHAIN": str(LOCAL_CHAIN_ID),
            "MODEL_URL": f"http://127.0.0.1:{self._ports['model']}/v1",
            "MODEL_NAME": model_server.MODEL_NAME,
            "MODEL_IS_DEMO": "1",
            "MODEL_API_KEY_FILE": str(self.state_dir / "model_api_key"),
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self._ports["mail"]),
            "MANDATE_AGENT_KEYSTORE": str(agent_file),
            "MANDATE_AGENT_PASSWORD_FILE": str(agent_password),
            "MANDATE_RELAYER_KEYSTORE": str(relayer_file),
            "MANDATE_RELAYER_PASSWORD_FILE": str(relayer_password),
        }

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """A connection to the product's database; commits at the end unless an error passes."""
        with psycopg.connect(self._database_url()) as connection:
            yield connection

    @staticmethod
    def open_database(state_dir: Path) -> psycopg.Connection:
        """A connection to the database of an instance that runs in another process."""
        port = json.loads((state_dir / "ports.json").read_text())["postgres"]
        return psycopg.connect(database.url(state_dir, port, "mandate"))

    def rpc(self, method: str, *params: Any) -> Any:
        """One JSON-RPC request to the local chain; raises StackError with the node's words."""
        return local_chain.request(self.rpc_url, method, *params)

    def wait_chain_saved(self) -> None:
        """Wait until everything mined by now is safe on disk, also against a kill -9 of the chain."""
        self._chain.wait_saved(int(self.rpc("eth_blockNumber"), 16))

    def peak_memory_bytes(self) -> int:
        """The most memory that supervisor and children together held (shared pages counted once; sampled each 2 s)."""
        return self._supervisor.peak_memory_bytes()

    def manage(self, *arguments: str, given: str = "", seconds: float = 300) -> str:
        """Run a `manage.py` command in the instance's environment; raises StackError if it fails.

        `given` is its standard input; its output is returned.
        """
        run = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            input=given, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False,
            preexec_fn=die_with_parent(),
        )  # fmt: skip
        if run.returncode != 0:
            last = [line for line in (run.stderr or run.stdout).splitlines() if line.strip()][-6:]
            raise StackError(f"`manage.py {arguments[0]}` failed:\n  " + "\n  ".join(last))
        return run.stdout

    # Start and stop

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until it is ready (the model may still be loading). Raises StackError."""
        began = time.monotonic()
        self._open_state()
        self._choose_ports()
        state_folder.write_secrets(self.state_dir, self._ports["broker"])
        self._people = load_or_create(self.state_dir)
        services = make_services(
            self.state_dir, self._ports, self._chain, self._people.mnemonic, self._say, model=self._with_model
        )
        self._supervisor.add(services)
        later = ["worker", "beat", "web"]
        first = [service for service in services if service.name not in later]
        self._supervisor.start(service.name for service in first)
        self._supervisor.wait_until_ready(service.name for service in first if service.needed)
        migrate = ("migrate", "--noinput", "--verbosity", "0")
        database.prepare(self.state_dir, self._ports["postgres"], lambda: self.manage(*migrate))
        self._supervisor.start(later)
        self._supervisor.watch()
        self._supervisor.wait_until_ready(later)
        shell.write(self.state_dir, self.environment, os.environ, self.rpc_url)
        self._say(f"The stack is up in {time.monotonic() - began:.1f} s: {self.web_url}")

    def stop(self) -> None:
        """Stop all children in order and wait for each; safe to call again, and from a half-finished start."""
        self._supervisor.stop(ENDING)
        if self._lock is not None:
            shell.forget(self.state_dir)
            self._lock.close()
            self._lock = None

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a child, as an accident would; the supervisor then starts it again by itself."""
        self._supervisor.kill(name, number)

    def restart(self, name: str) -> None:
        """Stop a child in an orderly way, start it again, wait until it is ready."""
        self._supervisor.restart(name)

    def _open_state(self) -> None:
        state_folder.make(self.state_dir)
        self._lock = state_folder.hold_state(self.state_dir)
        state_folder.lay_out(self.state_dir)

    def _choose_ports(self) -> None:
        self._ports = ports.choose(self.state_dir, self._asked_port, self._say)

    def _database_url(self) -> str:
        return database.url(self.state_dir, self._ports["postgres"], "mandate")
