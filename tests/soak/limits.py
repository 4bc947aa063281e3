"""What an attack may cost, how it is measured, and what a clear reason is."""

from __future__ import annotations

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


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
