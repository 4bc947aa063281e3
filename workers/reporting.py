"""What a long job says while it works: at most once a second, in short writes, and it hears of a cancellation then."""

from __future__ import annotations

import time
from typing import Any

from backend.jobs.services import JobCancelled, Lease, append_log, is_cancelled, report_progress

SECONDS_BETWEEN = 1.0
LOG_SECONDS = 5.0
"""A training adds a line to the log this often."""


def left_out(count: int, kind: str) -> str:
    """The sentence on a round whose images could not all be decoded; which ones the log tells."""
    return f"{count} {kind} case{'s' * (count != 1)} could not be decoded and {'were' if count != 1 else 'was'} left out."


class Reporter:
    """Progress, details of the steps and log lines of one job."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.details: dict[str, str] = dict(lease.job.progress.get("details", {}))
        self._next = 0.0

    def is_due(self) -> bool:
        """Whether a second has passed since the last report."""
        return time.monotonic() >= self._next

    def check(self) -> None:
        """Raise JobCancelled if somebody asked to stop, LeaseLost if another worker has taken over."""
        if is_cancelled(self.lease):
            raise JobCancelled

    def tell(self, name: str, detail: str, /, **progress: Any) -> None:
        """Say how far the step `name` is; looks for a cancellation first."""
        self.check()
        self.details[name] = detail
        report_progress(self.lease, details=self.details, **progress)
        self._next = time.monotonic() + SECONDS_BETWEEN

    def log(self, line: str) -> None:
        """Add a line to the log, with the time of day."""
        append_log(self.lease, f"{time.strftime('%H:%M:%S')} {line}")
