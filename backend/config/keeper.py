"""The supervisor's last will: a process that outlives it only to end its services.

Runs without Django as `python -I keeper.py`. Standard input names the process groups of the services (`+123` started,
`-123` ended). The pipe closes when the supervisor ends in whatever way, kill -9 included; every group that is still
named is then told to stop and, after a grace, killed. Grandchildren (Celery's and gunicorn's) are in those groups.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

GRACE_SECONDS = 5.0


def is_alive(group: int) -> bool:
    """Whether a process of this group is left."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_groups(groups: set[int], grace: float = GRACE_SECONDS) -> None:
    """Ask every group to stop, then kill what is left."""
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(map(is_alive, groups)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Follow the supervisor's notes until its pipe closes, then end what it left behind."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    end_groups(groups)


if __name__ == "__main__":
    main()
