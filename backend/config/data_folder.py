"""The one folder that holds all state, and the right of one supervisor at a time to use it."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

LEAVING_SECONDS: Final = 20.0
"""How long the services of a supervisor that was killed may take to end."""


class DataFolderInUse(Exception):
    """Another supervisor runs on this data folder."""


def prepare_private_folder(folder: Path) -> None:
    """Make `folder` if it is missing and close it to everybody else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    folder.chmod(0o700)


class DataFolderLock:
    """Holds `<data>/run/up.lock` until the process, and whoever inherits the descriptor, has ended."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "run" / "up.lock"
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self, address: str) -> None:
        """Take the lock and note who holds it; DataFolderInUse if another supervisor is alive."""
        deadline = time.monotonic() + LEAVING_SECONDS
        while not self._try():
            holder, _, where = self._note().partition(" ")
            if _is_running(holder) or time.monotonic() > deadline:
                raise DataFolderInUse(
                    f"Overread already runs on {self.path.parent.parent} "
                    f"(process {holder or 'unknown'}, {where or 'starting'}). "
                    "Stop it first, or choose another folder with OVERREAD_DATA_DIR."
                )
            time.sleep(0.1)  # Its supervisor was killed; what it left behind is just ending.
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()} {address}".encode(), 0)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _note(self) -> str:
        return os.pread(self.descriptor, 200, 0).decode()


def _is_running(process: str) -> bool:
    """Whether a process of this number is alive (one that just started has not written its number yet)."""
    if not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
