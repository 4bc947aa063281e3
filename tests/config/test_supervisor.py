"""The supervisor with tiny services: restarts, order, process groups."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.config.data_folder import DataFolderInUse, DataFolderLock, prepare_private_folder
from backend.config.supervisor import Service, ServiceFailed, Supervisor

SLEEPER = "import time\nwhile True: time.sleep(0.1)"
# Writes its own process number and that of a child in the same group, then sleeps; its death leaves the child behind.
PARENT = """
import os, sys, time
child = os.fork()
if child:
    open(sys.argv[1], "w").write(f"{os.getpid()} {child}")
while True: time.sleep(0.1)
"""


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def is_gone(process: int) -> bool:
    """Ended, whether or not somebody has collected it."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def service(name: str, code: str, *arguments: str, stage: int = 0) -> Service:
    return Service(name=name, command=[sys.executable, "-c", code, *arguments], stage=stage, stop_seconds=2.0)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make_supervisor(tmp_path: Path, said: list[str]) -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def make(*services: Service) -> Supervisor:
        made.append(Supervisor(services, tmp_path, said.append))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop()


def test_a_service_that_ends_is_started_again_with_growing_pauses(
    make_supervisor: Callable[..., Supervisor], tmp_path: Path, said: list[str]
) -> None:
    starts = tmp_path / "starts"
    supervisor = make_supervisor(service("short", f"open({str(starts)!r}, 'a').write('x')"))
    supervisor.start_stage(0)
    thread = threading.Thread(target=supervisor.watch)
    thread.start()
    wait_until(lambda: starts.exists() and len(starts.read_text()) == 2)
    supervisor.stopping = True
    thread.join()
    assert said[0].startswith("short ended (code 0); it starts again in 1 s.")


def test_start_fails_with_the_last_lines_of_a_service_that_does_not_start(
    make_supervisor: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.config.supervisor._backoff", lambda service: setattr(service, "failures", 3) or 0.0)
    supervisor = make_supervisor(service("broken", "raise SystemExit('no such module')"))
    supervisor.start_stage(0)
    with pytest.raises(ServiceFailed, match="no such module"):
        supervisor.wait_until(lambda: False, "it", 10)


def test_services_stop_in_reverse_order_and_take_their_children_along(
    make_supervisor: Callable[..., Supervisor], tmp_path: Path
) -> None:
    note = (
        "import signal, sys, time\n"
        "def end(*_):\n    open(sys.argv[1], 'a').write(sys.argv[2] + ' ')\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\nopen(sys.argv[1] + sys.argv[2], 'w')\nwhile True: time.sleep(0.05)"
    )
    order, family = tmp_path / "order", tmp_path / "family"
    first, second = service("first", note, str(order), "first"), service("second", note, str(order), "second", stage=1)
    parent = service("parent", PARENT, str(family), stage=1)
    supervisor = make_supervisor(first, second, parent)
    for stage in (0, 1):
        supervisor.start_stage(stage)
    wait_until(lambda: all((tmp_path / name).exists() for name in ("orderfirst", "ordersecond")))
    wait_until(lambda: family.exists() and len(family.read_text().split()) == 2)
    supervisor.stop()
    assert order.read_text() == "second first "
    assert all(is_gone(int(process)) for process in family.read_text().split())


def test_a_deaf_service_is_killed(make_supervisor: Callable[..., Supervisor], tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    deaf = service(
        "deaf", f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen({str(ready)!r}, 'w')\n{SLEEPER}"
    )
    deaf.stop_seconds = 0.3
    supervisor = make_supervisor(deaf)
    supervisor.start_stage(0)
    wait_until(ready.exists)
    assert deaf.process is not None
    process = deaf.process
    supervisor.stop()
    assert process.returncode == -signal.SIGKILL


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    family = tmp_path / "family"
    child = os.fork()
    if child == 0:
        supervisor = Supervisor([service("parent", PARENT, str(family))], tmp_path, lambda line: None)
        supervisor.start_stage(0)
        time.sleep(60)
        os._exit(0)
    wait_until(lambda: family.exists() and len(family.read_text().split()) == 2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    processes = [int(process) for process in family.read_text().split()]
    wait_until(lambda: all(map(is_gone, processes)))


def test_a_folder_is_locked_for_a_second_supervisor_and_says_by_whom(tmp_path: Path) -> None:
    prepare_private_folder(tmp_path / "run")
    DataFolderLock(tmp_path).acquire("http://127.0.0.1:8000/")
    with pytest.raises(DataFolderInUse, match=rf"process {os.getpid()}, http://127.0.0.1:8000/"):
        DataFolderLock(tmp_path).acquire("http://127.0.0.1:8001/")


def test_a_private_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    prepare_private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(PermissionError):
        prepare_private_folder(link)
