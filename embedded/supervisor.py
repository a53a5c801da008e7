# SPDX-License-Identifier: Apache-2.0
"""Starts services as children of this process, starts again those that die, and ends them in order.

Children run in sessions of their own, so a Ctrl-C at the terminal reaches only the supervisor, which stops them in
order; the kernel ends them if it is killed.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from embedded.process import die_with_parent

LOG_BYTES = 5_000_000  # a child's log is set aside at the next start once it is longer


class StackError(Exception):
    """The stack can't run; the text says why and what to do (with a child's last log lines, if it was one)."""


@dataclass
class Service:
    """One child: how to start it, how to see that it is ready, how to end it.

    `needed` services hold up the start; the others (the model) come when they come. `before` runs before every start.
    `retries`: how often a first start that ends at once is tried again.
    """

    name: str
    command: Callable[[], list[str]]
    is_ready: Callable[[], bool]
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGKILL
    stop_seconds: float = 10.0
    start_seconds: float = 120.0
    needed: bool = True
    retries: int = 0
    ids: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False
    started_at: float = 0.0
    restart_at: float = 0.0
    failures: int = 0


class Supervisor:
    """The children of one instance.

    logs: the folder of their logs, there before the first start. folder: where they run. environment: what they get,
    asked at each start. say: gets progress, one line at a time. beside: called five times a second while they run.
    """

    def __init__(
        self,
        logs: Path,
        *,
        folder: Path,
        environment: Callable[[], dict[str, str]],
        say: Callable[[str], None],
        beside: Callable[[], None],
    ) -> None:
        self._logs = logs
        self._folder = folder
        self._environment = environment
        self._say = say
        self._beside = beside
        self._services: dict[str, Service] = {}
        self._guard = threading.RLock()  # over _services' processes
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="stack-watcher", daemon=True)
        self._watcher_may_end = threading.Event()  # when no child is left that it started (see die_with_parent)
        self._peak_bytes = 0

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the children that run now."""
        with self._guard:
            return {
                name: service.process.pid
                for name, service in self._services.items()
                if service.process is not None and service.process.poll() is None
            }

    def peak_memory_bytes(self) -> int:
        """The most memory that supervisor and children together held (shared pages counted once; sampled each 2 s)."""
        self._measure_memory()
        return self._peak_bytes

    def add(self, services: Iterable[Service]) -> None:
        """Take charge of services, not yet started; before `watch`."""
        self._services |= {service.name: service for service in services}

    def start(self, names: Iterable[str]) -> None:
        """Start services, from the thread that lives as long as they."""
        for name in names:
            self._spawn(self._service(name))

    def watch(self) -> None:
        """From now on start again what ends."""
        self._watcher.start()

    def stop(self, groups: Iterable[Iterable[str]]) -> None:
        """Stop all children in order and wait for each; those of a group end at the same time. Safe to call again."""
        self._stopping.set()
        for group in groups:
            services = [self._services[name] for name in group if name in self._services]
            for service in services:
                self._ask_to_end(service)
            for service in services:
                self._end(service)
        self._watcher_may_end.set()
        if self._watcher.is_alive():
            self._watcher.join()

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
        self.wait_until_ready([name])

    def wait_until_ready(self, names: Iterable[str]) -> None:
        """Wait for services that were started; raises StackError with the end of a log when one does not come."""
        waiting = [self._service(name) for name in names]
        retries = {service.name: service.retries for service in waiting}
        while waiting:
            for service in list(waiting):
                if self._look_if_ready(service):
                    waiting.remove(service)
                    continue
                process = service.process
                watched = self._watcher.is_alive()
                if process is not None and process.poll() is not None and not watched:
                    if retries[service.name] > 0:
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

    def _service(self, name: str) -> Service:
        if name not in self._services:
            raise StackError(f"There is no {name!r} in the stack; there are: {', '.join(self._services)}.")
        return self._services[name]

    def _spawn(self, service: Service) -> None:
        """Start a child. Called from the thread that calls `start`, or the watcher: both live until all have ended."""
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
                    cwd="/" if service.ids else self._folder,
                    env=self._environment_of(service),
                    start_new_session=True, preexec_fn=die_with_parent(service.death_signal), **service.ids,
                )  # fmt: skip

    def _environment_of(self, service: Service) -> dict[str, str]:
        if service.ids:  # it runs as another user: it gets nothing of ours
            return {"PATH": os.defpath, "LC_ALL": "C"}
        return self._environment()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _last_lines(self, name: str, count: int = 6) -> str:
        with self._log(name).open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 8_000))
            lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        return "\n  ".join(lines[-count:])

    def _look_if_ready(self, service: Service) -> bool:
        process = service.process
        if process is not None and process.poll() is None and service.is_ready():
            service.ready = True
        return service.ready

    def _said(self, name: str) -> str:
        return f"The end of {self._log(name)}:\n  {self._last_lines(name)}"

    def _watch(self) -> None:
        """Start again what died, measure memory. Ends after all children have ended."""
        measured = 0.0
        while not self._stopping.wait(0.2):
            for service in self._services.values():
                self._look_after(service)
            self._beside()
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


def _how_it_ended(code: int) -> str:
    return f"exit status {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
