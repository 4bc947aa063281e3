"""What the browser that this process started takes of the machine: CPU time and memory of its whole process tree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def _processes(root: int) -> Iterator[Path]:
    waiting = [root]
    while waiting:
        folder = Path(f"/proc/{waiting.pop()}")
        try:
            tasks = [task / "children" for task in (folder / "task").iterdir()]
            waiting += [int(child) for children in tasks for child in children.read_text().split()]
            if "chrom" in (folder / "comm").read_text():
                yield folder
        except OSError:
            continue


def cpu_milliseconds() -> float:
    """Time on a core so far, user and system, of all threads."""
    total = 0
    for process in _processes(os.getpid()):
        try:
            total += sum(int(one.read_text().split()[0]) for one in process.glob("task/*/schedstat"))
        except OSError:
            continue
    return total / 1e6


def memory_mb() -> int:
    """Physical memory, pages that processes share counted once (PSS)."""
    total = 0
    for process in _processes(os.getpid()):
        try:
            lines = (process / "smaps_rollup").read_text().splitlines()[1:]
            total += int(dict(line.split()[:2] for line in lines)["Pss:"])
        except OSError:
            continue
    return round(total / 1024)
