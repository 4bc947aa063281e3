"""Private folders in the data folder for files that live a moment; what a killed process leaves behind is deleted.

    with ScratchFolder("unzip-") as folder:
        (folder / "file").write_bytes(data)

Files in them may name patients: they lie neither in the machine's common /tmp nor longer than they are needed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final

from django.conf import settings

GRACE_SECONDS: Final = 60.0
"""A folder is made a moment before it is held."""


class ScratchFolder:
    """A new folder, at `path`, that is deleted at the end of the block, or by `close`.

    It is held by a lock on a file beside it, which the system drops with the last process that has it, however that one
    ends. (A file, because a network file system tells other machines of no lock on a folder.)
    """

    def __init__(self, prefix: str) -> None:
        _sweep_once()
        self._folder = tempfile.TemporaryDirectory(prefix=prefix, dir=_root(), ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._lock = _lock_of(self.path)
        self._held: int | None = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the folder with all that is in it."""
        self._folder.cleanup()
        if self._held is not None:
            self._lock.unlink(missing_ok=True)
            os.close(self._held)
            self._held = None


def remove_abandoned_scratch() -> int:
    """Delete the folders that no living process holds; how many there were."""
    count = 0
    for folder in _root().iterdir():
        with suppress(FileNotFoundError):
            count += _removed(folder)
    return count


@cache
def _sweep_once() -> None:
    """A process that makes its first folder clears up after those of its machine that were killed before."""
    remove_abandoned_scratch()


def _removed(folder: Path) -> bool:
    """Delete one if it is abandoned; whether it was. A lock whose folder is gone goes with it."""
    if folder.stat().st_ctime > time.time() - GRACE_SECONDS:
        return False
    is_folder = folder.is_dir()
    lock = _lock_of(folder) if is_folder else folder
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_folder:
            shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
    except OSError:
        return False  # held, or a file system that cannot tell
    finally:
        os.close(descriptor)
    return is_folder


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _root() -> Path:
    folder: Path = settings.UPLOAD_DIR / "scratch"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
