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
from pathlib import Path
from types import TracebackType
from typing import Final

from django.conf import settings

GRACE_SECONDS: Final = 60.0
"""A folder is made a moment before it is held."""


class ScratchFolder:
    """A new folder, at `path`, that is deleted at the end of the block, or by `close`.

    It is held by a lock that the system drops with the last process that has it, however that one ends.
    """

    def __init__(self, prefix: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=prefix, dir=_root(), ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._held: int | None = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        # Shared, because that is all that a network file system gives to who only reads.
        fcntl.flock(self._held, fcntl.LOCK_SH)

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
            os.close(self._held)
            self._held = None


def remove_abandoned_scratch() -> int:
    """Delete the folders that no living process holds; how many there were."""
    count = 0
    for folder in _root().iterdir():
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
            count += 1
    return count


def _is_abandoned(folder: Path) -> bool:
    try:
        if not folder.is_dir() or folder.stat().st_ctime > time.time() - GRACE_SECONDS:
            return False
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # held, or a file system that cannot tell
    finally:
        os.close(descriptor)
    return True


def _root() -> Path:
    folder: Path = settings.UPLOAD_DIR / "scratch"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
