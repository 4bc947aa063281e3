"""Starts services in order, keeps them running, stops them in reverse order, leaves no orphan."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

from backend.config import keeper

PR_SET_PDEATHSIG: Final = 1
STEADY_SECONDS: Final = 60.0
"""A service that ran this long has recovered: its next restart is immediate again."""
MAX_BACKOFF_SECONDS: Final = 30.0
STOPPING_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ServiceFailed(Exception):
    """A service ended while the product was starting."""


@dataclass(eq=False)
class Service:
    """One program to keep running. Services of a lower `stage` start earlier and stop later."""

    name: str
    command: Sequence[str]
    stage: int
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path.cwd)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    niceness: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    next_start: float = 0.0


def end_with_parent() -> None:
    """Be sent SIGTERM when the process that started this one ends, however it ends (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _become_service(niceness: int, parent: int) -> None:
    """In the child before exec: lower its priority; end with the supervisor even if the keeper is killed too."""
    if niceness:
        os.nice(niceness)
    end_with_parent()
    if os.getppid() != parent:
        os._exit(1)


class Supervisor:
    """Runs services until told to stop. `say` prints one line for the person at the terminal."""

    def __init__(
        self, services: Sequence[Service], log_folder: Path, say: Callable[[str], None], lock: int | None = None
    ) -> None:
        self.services = sorted(services, key=lambda service: service.stage)
        self.log_folder = log_folder
        self.say = say
        self.stopping = False
        self.interruptible = False
        # The keeper inherits the lock: the folder is free only when the services of a killed supervisor are gone.
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", keeper.__file__],
            stdin=subprocess.PIPE,
            pass_fds=[] if lock is None else [lock],
            start_new_session=True,
        )

    def listen(self) -> None:
        """Let Ctrl-C and SIGTERM stop the product; while `interruptible`, they also break off what is being done."""
        for number in STOPPING_SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
        if self.interruptible:
            raise KeyboardInterrupt

    def start_stage(self, stage: int) -> None:
        """Start every service of one stage."""
        for service in self.services:
            if service.stage == stage:
                self._start(service)

    def wait_until(self, is_ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for `is_ready`; ServiceFailed when a started service has ended three times or time is up."""
        deadline = time.monotonic() + seconds
        while not self.stopping and not is_ready():
            self._restart_what_ended()
            for service in self.services:
                if service.failures >= 3:
                    raise ServiceFailed(f"{service.name} does not start. Its last lines:\n{self._last_lines(service)}")
            if time.monotonic() > deadline:
                raise ServiceFailed(f"{what} was not ready within {seconds:.0f} s; see {self.log_folder}")
            time.sleep(0.25)

    def watch(self) -> None:
        """Keep every service running until told to stop."""
        while not self.stopping:
            self._restart_what_ended()
            time.sleep(0.25)

    def stop(self) -> None:
        """Stop all services, the last stage first, then the keeper."""
        for stage in sorted({service.stage for service in self.services}, reverse=True):
            running = [service for service in self.services if service.stage == stage and service.process is not None]
            _stop_together(running)
            for service in running:
                self._note("-", service)
                service.process = None
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait()

    def _start(self, service: Service) -> None:
        log = self.log_folder / f"{service.name}.log"
        with log.open("ab") as output:
            service.process = subprocess.Popen(
                service.command,
                cwd=service.folder,
                env={**os.environ, **service.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=partial(_become_service, service.niceness, os.getpid()),
            )
        service.started_at = time.monotonic()
        self._note("+", service)

    def _note(self, sign: str, service: Service) -> None:
        """Tell the keeper which process group to end should the supervisor be killed."""
        assert self._keeper.stdin is not None and service.process is not None
        with suppress(BrokenPipeError):
            self._keeper.stdin.write(f"{sign}{service.process.pid}\n".encode())
            self._keeper.stdin.flush()

    def _restart_what_ended(self) -> None:
        for service in self.services:
            if service.process is None or (code := service.process.poll()) is None:
                continue
            if not service.next_start:
                keeper.end_groups({service.process.pid}, grace=0.0)  # What the leader left behind.
                self._note("-", service)
                delay = _backoff(service)
                service.next_start = time.monotonic() + delay
                self.say(
                    f"{service.name} ended (code {code}); it starts again in {delay:.0f} s. "
                    f"Log: {self.log_folder}/{service.name}.log"
                )
            elif time.monotonic() >= service.next_start and not self.stopping:
                service.next_start = 0.0
                self._start(service)

    def _last_lines(self, service: Service) -> str:
        text = (self.log_folder / f"{service.name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-25:])


def _backoff(service: Service) -> float:
    """Seconds to wait before the next start: none after a steady run, then 1, 2, 4 … 30."""
    steady = time.monotonic() - service.started_at > STEADY_SECONDS
    service.failures = 1 if steady else service.failures + 1
    return 0.0 if steady else min(MAX_BACKOFF_SECONDS, 2.0 ** (service.failures - 1))


def _stop_together(services: Iterable[Service]) -> None:
    """Signal each service, wait for each within its time, then kill whatever is left of its process group."""
    processes = [(service, service.process) for service in services if service.process is not None]
    for service, process in processes:
        with suppress(ProcessLookupError):
            process.send_signal(service.stop_signal)
    for service, process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, service.stop_seconds))
        keeper.end_groups({process.pid}, grace=0.0)
        process.wait()
