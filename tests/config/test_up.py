"""`manage.py up` for real: everything starts, one supervisor a folder, nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.queue, pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return kept | {"OVERREAD_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}


class Up:
    """One `manage.py up`, its output in a file."""

    def __init__(self, data_dir: Path, output: Path) -> None:
        self.data_dir, self.output, self.port = data_dir, output, free_port()
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port)],
                cwd=REPOSITORY,
                env=environment(data_dir),
                stdout=file,
                stderr=file,
            )

    def wait(self) -> None:
        wait_until(lambda: "Overread is ready" in self.output.read_text() or self.process.poll() is not None, 120)
        assert self.process.poll() is None, self.output.read_text()

    def get(self, path: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return int(answer.status)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def processes_of(data_dir: Path) -> dict[int, str]:
    """Command line by number of every live process that was started for this data folder."""
    wanted = f"OVERREAD_DATA_DIR={data_dir}\0".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes() + b"\0":
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return {number: command for number, command in found.items() if command}


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder whose path is too long for a Unix socket and has a space in it."""
    with tempfile.TemporaryDirectory(prefix="ovr up ") as folder:
        made = Path(folder) / ("x" * 90)
        yield made
        for number in processes_of(made):
            os.kill(number, signal.SIGKILL)


def test_up_starts_all_refuses_a_second_one_heals_and_leaves_nothing_behind(data_dir: Path, tmp_path: Path) -> None:
    up = Up(data_dir, tmp_path / "first.txt")
    up.wait()
    assert up.get("/readyz") == up.get("/healthz") == up.get("/metrics") == up.get("/accounts/login/") == 200
    assert data_dir.stat().st_mode & 0o777 == 0o700

    printed = up.output.read_text()
    (password,) = re.findall(r"one-time password:\s+(\S+)", printed)
    assert len(password) >= 16

    second = subprocess.run(
        [sys.executable, "manage.py", "up", "--port", str(free_port())],
        cwd=REPOSITORY, env=environment(data_dir), capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert second.returncode != 0
    assert f"already runs on {data_dir} (process {up.process.pid}, http://127.0.0.1:{up.port}/)" in second.stderr

    running = processes_of(data_dir)
    workers = [number for number, command in running.items() if "-Q infer" in command]
    os.kill(min(workers), signal.SIGKILL)
    wait_until(lambda: "worker-infer ended (code -9); it starts again" in up.output.read_text(), 20)
    wait_until(lambda: any("-Q infer" in command for command in processes_of(data_dir).values()), 20)

    niceness = {os.getpriority(os.PRIO_PROCESS, number) for number, command in running.items() if "-Q train" in command}
    assert niceness == {10 + os.getpriority(os.PRIO_PROCESS, 0)}

    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    assert processes_of(data_dir) == {}

    again = Up(data_dir, tmp_path / "second.txt")
    again.wait()
    assert "password" not in again.output.read_text()
    again.process.kill()
    again.process.wait()
    wait_until(lambda: processes_of(data_dir) == {}, 15)


def test_a_busy_port_is_told_before_anything_starts(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=REPOSITORY, env=environment(data_dir), capture_output=True, text=True, timeout=240,
        )  # fmt: skip
    assert done.returncode != 0 and f"Cannot listen on 127.0.0.1:{port}" in done.stderr
