"""gunicorn's worker with threads, in which a thread stays with its connection for a moment after it has answered."""

from __future__ import annotations

import select
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

STAY_MILLISECONDS: Final = 3
"""Less than a person notices where all threads stay while others wait, more than a program on the same network takes."""


class StayingThreadWorker(ThreadWorker):  # type: ignore[misc]  # the package has no types
    """Whoever asks for one frame after the other is answered by one thread.

    Handing a connection back to the main loop after each answer, and by it to a thread again, costs a sixth of a small
    request. A thread stays only while nobody waits for one.
    """

    def handle(self, conn: Any) -> Any:
        """Answer a request, and those that follow it at once; what to do with the connection then, as gunicorn says it."""
        while True:
            outcome = super().handle(conn)
            # Only a plain "kept alive" is stayed for: an ended, deferred or HTTP/2 connection is gunicorn's own affair.
            if outcome is not True or conn.is_http2 or not self.alive or not self.tpool._work_queue.empty():
                return outcome
            if conn.parser.unreader.buf.getvalue() or not _is_readable(conn.sock):
                return outcome


def _is_readable(sock: Any) -> bool:
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    return bool(waiting.poll(STAY_MILLISECONDS))
