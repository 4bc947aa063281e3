"""`manage.py dicom_receiver`: takes images by C-STORE, in a process of its own."""

from __future__ import annotations

import argparse
import signal
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backend.dicom.refusal import Refused
from backend.dimse.receiver import Receiver, limit_memory
from backend.dimse.tls import receiving_context


class Command(BaseCommand):
    """Receive until told to stop."""

    help = "Receive DICOM images (C-STORE, C-ECHO) for the projects whose AE title is called."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Where to listen; the settings say so, too."""
        parser.add_argument("--host", default=settings.DICOM_HOST)
        parser.add_argument(
            "--port", type=int, default=settings.DICOM_PORT, help="plain; 0: any free one, or none beside TLS"
        )
        parser.add_argument("--tls-port", type=int, default=settings.DICOM_TLS_PORT or None, help="by TLS; 0: any free one")

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen, print where, and stop at SIGTERM or Ctrl-C."""
        limit_memory(settings.DICOM_MEMORY_MB)
        host, port, tls_port = options["host"], options["port"], options["tls_port"]
        if tls_port is not None:
            port = port or None
        try:
            tls = receiving_context() if tls_port is not None else None
            receiver = Receiver(host=host, port=port, tls_port=tls_port, tls=tls)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as error:
            ports = " and ".join(str(one) for one in (port, tls_port) if one is not None)
            raise CommandError(f"Cannot listen on {host}:{ports}: {error.strerror}") from error

        # By a socket, because it is written to the moment a signal comes, in whatever thread. A handler in Python runs only
        # when the main thread next runs, which may just have begun to wait for a lock: then never.
        told, tells = socket.socketpair()
        tells.setblocking(False)
        signal.set_wakeup_fd(tells.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: None)
        receiver.start()
        if receiver.port is not None:
            self.stdout.write(f"Receiving DICOM on {host}:{receiver.port}")
        if receiver.tls_port is not None:
            self.stdout.write(f"Receiving DICOM by TLS on {host}:{receiver.tls_port}")
        self.stdout.flush()
        told.recv(1)
        receiver.stop()
