"""`manage.py up`: the whole product on this machine, started, supervised and stopped as one."""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from backend.accounts.models import User
from backend.accounts.services import create_user
from backend.config import product
from backend.config.data_folder import DataFolderInUse, DataFolderLock, prepare_private_folder
from backend.config.demonstration import CHEST
from backend.config.supervisor import ServiceFailed, Supervisor, end_with_parent
from backend.jobs.services import expire_leases

LOG_BYTES = 10 * 1024 * 1024


class Command(BaseCommand):
    """Start Overread and keep it running until Ctrl-C."""

    help = "Start Overread (database, broker, workers, web server) and keep it running until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Where to listen, and the developer's and newcomer's variants."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--dev", action="store_true", help="reload on change: runserver and Vite")
        parser.add_argument("--demo", action="store_true", help="make the synthetic demonstration project first")
        parser.add_argument("--end-with-parent", action="store_true", help="stop when the calling process (make) ends")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare the data folder, start all, wait until healthy, supervise, stop."""
        data_dir: Path = settings.DATA_DIR
        host, port = options["host"], options["port"]
        if options["end_with_parent"]:
            end_with_parent()
        prepare_private_folder(data_dir)
        for name in ("run", "logs"):
            prepare_private_folder(data_dir / name)
        prepare_private_folder(Path(settings.VALKEY_SOCKET).parent)
        lock = DataFolderLock(data_dir)
        try:
            lock.acquire(f"http://{host}:{port}/")
        except DataFolderInUse as error:
            raise CommandError(str(error)) from error
        _refuse_busy_port(host, port)
        if settings.DICOM_PORT:
            _refuse_busy_port(settings.DICOM_HOST, settings.DICOM_PORT, "OVERREAD_DICOM_PORT")
        if settings.DICOM_TLS_PORT:
            _refuse_busy_port(settings.DICOM_HOST, settings.DICOM_TLS_PORT, "OVERREAD_DICOM_TLS_PORT")
        _trim_logs(data_dir / "logs")
        self._run(data_dir, lock, options)

    def _run(self, data_dir: Path, lock: DataFolderLock, options: dict[str, Any]) -> None:
        host, port = options["host"], options["port"]
        services = [*product.workers(), product.beat(), *product.dicom_receiver()]
        services += product.development_web(host, port) if options["dev"] else [product.web(host, port, data_dir)]
        if not settings.REDIS_URL:
            services.append(product.broker(data_dir))
        self._say(f"Starting Overread on {data_dir} …")
        supervisor = Supervisor(services, data_dir / "logs", self._say, lock=lock.descriptor)
        supervisor.listen()
        try:
            supervisor.start_stage(product.BROKER)
            call_command("migrate", verbosity=0, interactive=False)
            password = _make_first_admin()
            supervisor.wait_until(_broker_answers, "Valkey", 30)
            if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
                expire_leases()  # A file has no other users: whoever held a lease is gone.
            address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
            if options["demo"] and not supervisor.stopping:
                supervisor.interruptible = True
                call_command("demo")
                supervisor.interruptible = False
            connections.close_all()
            supervisor.start_stage(product.REST)
            supervisor.wait_until(lambda: _is_ready(address), "Overread", 180)
            if not supervisor.stopping:
                self._greet(address, password, options)
            supervisor.watch()
        except ServiceFailed as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            pass
        finally:
            supervisor.interruptible = False
            self._say("Stopping …")
            supervisor.stop()
        self._say("Stopped.")

    def _greet(self, address: str, password: str, options: dict[str, Any]) -> None:
        shown = "http://127.0.0.1:5173" if options["dev"] else address
        page = f"p/{CHEST}/worklist" if options["demo"] else ""
        self._say(f"\nOverread is ready:  {shown}/{page}")
        if password:
            self._say(f"Sign in as admin with this one-time password:  {password}")
            self._say("It is shown only now; you choose your own at the first sign-in.")
        self._say("Ctrl-C stops everything.\n")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _refuse_busy_port(host: str, port: int, chosen_by: str = "--port") -> None:
    """Say so now rather than in the web server's log."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {host}:{port} ({error.strerror}); choose another with {chosen_by}."
            ) from error


def _trim_logs(folder: Path) -> None:
    """One older generation of each log, so that logs stay bounded."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > LOG_BYTES:
            os.replace(log, log.with_suffix(".log.1"))


def _make_first_admin() -> str:
    """The first account, with a random password that is good for one sign-in; empty where accounts exist."""
    if User.objects.exists():
        return ""
    password = secrets.token_urlsafe(12)
    create_user(
        actor=None,
        username="admin",
        password=password,
        is_superuser=True,
        may_create_projects=True,
        must_change_password=True,
    )
    return password


def _broker_answers() -> bool:
    """Whether Valkey takes commands (it first reads its append-only file)."""
    location: str = settings.CACHES["default"]["LOCATION"]
    try:
        with redis.Redis.from_url(location, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _is_ready(address: str) -> bool:
    """Whether the web server, database, broker and every worker answer."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
