"""The parent's side of the decoding child: feeds it files, kills it when it hangs, starts another when it dies.

The child (`backend.dicom.decode_loop`) is limited in memory and CPU time and gets none of this process's environment.
It lives for many files, because its start costs as much as fifty of them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from django.conf import settings

from backend.archive.scratch import ScratchFolder
from backend.dicom.found import FindingSettings, FoundObject, decoded_object
from backend.dicom.identity import Identity
from backend.dicom.prepare import PreparationSettings, PreparedInstance
from backend.dicom.refusal import Held, Refused

MEMORY_BYTES: Final = 1024**3
CPU_SECONDS: Final = 60
WALL_SECONDS: Final = 120.0
_DESCRIBING_SECONDS: Final = 2
_FILES_PER_CHILD: Final = 2000  # decoders leak a little
_DEATHS: Final = {
    signal.SIGXCPU: "It takes too long to decode.",  # the time allowed depends on its size
    signal.SIGKILL: "It takes too much memory to decode.",
}
_CRASHED: Final = "Damaged: it makes the decoder crash."
_HANGS: Final = "It takes too long to decode."


class DecodeChild:
    """A decoding child process, started at the first file; use as a context manager."""

    def __init__(
        self, *, memory_bytes: int = MEMORY_BYTES, cpu_seconds: int = CPU_SECONDS, wall_seconds: float = WALL_SECONDS
    ) -> None:
        self._memory_bytes = memory_bytes
        self._cpu_seconds = cpu_seconds
        self._wall_seconds = wall_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0
        self._scratch = ScratchFolder("decode-")

    def __enter__(self) -> DecodeChild:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and remove its scratch folder."""
        self._stop()
        self._scratch.close()

    def prepare(self, path: Path, preparation: PreparationSettings) -> tuple[PreparedInstance, Path]:
        """What is to be stored of a file: rows, and a file with the frames blob; Refused if it cannot be used.

        The blob is there until this child is asked for the next file.
        """
        answer = self._answered(path, "settings", asdict(preparation))
        return PreparedInstance(**answer["prepared"]), self._left

    def find_marks(self, path: Path, finding: FindingSettings) -> FoundObject:
        """What a SEG, SR or RTSTRUCT file says; Refused with the reason if it cannot be used."""
        self._answered(path, "finding", asdict(finding))
        try:
            return decoded_object(self._left.read_bytes())
        except (ValueError, KeyError, TypeError, struct.error) as error:
            raise Refused("Damaged: it says nothing that can be used.") from error

    @property
    def _left(self) -> Path:
        """The file that the child leaves for us."""
        return self._scratch.path / "frames"

    def _answered(self, path: Path, purpose: str, settings: dict[str, Any]) -> dict[str, Any]:
        """The child's answer on a file, beside what it left for us; Refused where it refused."""
        self._left.unlink(missing_ok=True)
        request = {
            "path": str(path.resolve()),
            "frames_path": str(self._left),
            purpose: settings,
            "cpu_seconds": self._cpu_seconds,
        }
        answer = self._asked(request)
        if "refused" in answer:
            preview = self._left.read_bytes() if "held" in answer else b""
            self._left.unlink(missing_ok=True)
            if "held" in answer:
                raise Held(answer["held"], answer["refused"], answer["facts"], preview)
            if answer.get("exhausted"):
                self._stop()  # what is left of its memory may be in pieces
            raise Refused(answer["refused"])
        return answer

    def identify(self, path: Path) -> Identity:
        """The UIDs under which a file came; empty ones where it cannot be read at all."""
        try:
            answer = self._asked({"identify": str(path.resolve()), "cpu_seconds": self._cpu_seconds})
        except Refused:
            return Identity()
        return Identity(**answer.get("identity", {}))

    def describe(self, path: Path) -> dict[str, Any]:
        """What can be told of a file that cannot be used (`backend.dicom.file_facts`); nothing if that kills the child."""
        try:
            answer = self._asked(
                {"describe": str(path.resolve()), "cpu_seconds": min(self._cpu_seconds, _DESCRIBING_SECONDS)}
            )
        except Refused:
            return {}
        facts: dict[str, Any] = answer.get("facts", {})
        return facts

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        process = self._running()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = self._line(process)
        except BrokenPipeError:
            line = b""
        if not line.endswith(b"\n"):
            raise Refused(self._obituary(process))
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        """One line of the child's answer; a part of one, or nothing, when it dies or its time is up."""
        assert process.stdout is not None
        deadline = time.monotonic() + self._wall_seconds
        received = bytearray()
        while not received.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                process.kill()
                self._process = None
                process.wait()
                raise Refused(_HANGS)
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                break
            received += piece
        return bytes(received)

    def _obituary(self, process: subprocess.Popen[bytes]) -> str:
        """Why the child died, in a reader's words."""
        self._process = None
        code = process.wait()
        for ended in (process.stdin, process.stdout):
            if ended is not None:
                ended.close()
        return _DEATHS.get(signal.Signals(-code), _CRASHED) if code < 0 else _CRASHED

    def _running(self) -> subprocess.Popen[bytes]:
        if self._files >= _FILES_PER_CHILD:
            self._stop()
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backend.dicom.decode_loop", str(self._memory_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd=settings.BASE_DIR,
                env=_bare_environment(),
            )
            self._files = 0
        self._files += 1
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for ended in (process.stdin, process.stdout):
            if ended is not None:
                ended.close()


def _bare_environment() -> dict[str, str]:
    """No secret of the server, one thread per library: address space is limited and threads reserve it."""
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **threads}
