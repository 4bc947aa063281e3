"""Files that live a moment are gone afterwards, however the process that made them ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.archive import scratch
from backend.archive.scratch import ScratchFolder, remove_abandoned_scratch
from workers.tasks import remove_scratch

HOLD = """
import django, sys, time
django.setup()
from backend.archive.scratch import ScratchFolder
held = ScratchFolder("stow-")
(held.path / "file").write_bytes(b"a patient's name")
print(held.path, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def own_data_folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch._sweep_once()
    settings.UPLOAD_DIR = tmp_path / "uploads"
    monkeypatch.setattr(scratch, "GRACE_SECONDS", 0.0)


@pytest.fixture
def other_process(tmp_path: Path):
    """A process of ours that holds a folder; and where that is."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "backend.config.settings", "OVERREAD_DATA_DIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_folder_is_private_and_gone_after_its_block() -> None:
    with ScratchFolder("unzip-") as folder:
        (folder / "deeper").mkdir()
        (folder / "deeper" / "file").write_bytes(b"1")
        assert folder.stat().st_mode & 0o077 == 0 and folder.parent.stat().st_mode & 0o077 == 0
    assert not list(folder.parent.iterdir())


def test_what_a_living_process_holds_stays_and_what_a_killed_one_left_goes(other_process) -> None:
    process, left = other_process
    with ScratchFolder("unzip-") as own:
        assert remove_abandoned_scratch() == 0
        assert own.is_dir() and (left / "file").exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (left / "file").exists()
        remove_scratch()
        assert own.is_dir() and not left.exists()
    assert not list(left.parent.iterdir()), "no lock stays either"


def test_a_folder_that_is_only_just_made_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not be held yet."""
    with ScratchFolder("unzip-") as folder:
        new = folder.parent / "stow-new"
        new.mkdir()
        monkeypatch.setattr(scratch, "GRACE_SECONDS", 60.0)
        assert remove_abandoned_scratch() == 0 and new.is_dir()
        monkeypatch.setattr(scratch, "GRACE_SECONDS", 0.0)
        assert remove_abandoned_scratch() == 1 and not new.exists()


def test_a_process_that_makes_its_first_folder_clears_up_after_those_that_were_killed() -> None:
    with ScratchFolder("unzip-") as folder:
        left = folder.parent / "stow-left"
        left.mkdir()
    scratch._sweep_once.cache_clear()
    with ScratchFolder("unzip-"):
        assert not left.exists()


def test_a_forked_child_that_ends_takes_nothing_away() -> None:
    with ScratchFolder("readings-") as folder:
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        assert folder.is_dir() and remove_abandoned_scratch() == 0 and folder.is_dir()
