"""What an attack may cost, how it is measured, and what a clear reason is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SEED: Final = 20261129
LONGEST_CPU_S: Final = 5.0
MOST_MEMORY: Final = 1024**3


def is_clear(reason: str) -> bool:
    """Whether it is one line, a sentence, no traceback, and says nothing of the machine."""
    has_words = reason.endswith(".") and 8 < len(reason) < 400
    return has_words and not any(word in reason for word in ("\n", "Traceback", "/tmp", "Errno"))


def peak_memory(pid: int) -> int:
    """The most memory (bytes) that a process has held."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@contextmanager
def grows_less_than(most: int) -> Iterator[None]:
    """The block makes this process less than so many bytes larger; what ran before is not meant (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_memory(os.getpid())
    yield
    assert peak_memory(os.getpid()) - before < most


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
