"""Which processes of this machine name something on their command line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def processes_of(name: str) -> list[int]:
    """The living processes with `name` on their command line; those that wait for their parent's notice are dead."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            is_dead = (entry / "stat").read_text().rpartition(") ")[2].startswith("Z")
            if not is_dead and name.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return sorted(found)
