"""What DICOMweb costs beside Orthanc: CPU milliseconds of each server's processes, both fed and asked the same in one run.

`python -m tests.bench.bench_archive [--slices 300] [--studies 200] [--requests 30]`. This product is a gunicorn as it is
run (two processes of eight threads, SQLite, an own data folder); Orthanc is Debian's with its DICOMweb plugin and its own
defaults. Batches alternate between the two, so that a busy machine troubles both; a row is the median over batches, and
an aim is held against the ratio. STOW is sent by eight clients, ten instances a request.
"""

from __future__ import annotations

import argparse
import http.client
import io
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
CLIENTS, PER_REQUEST, BATCHES = 8, 10, 5
WARM_UP = 20  # each thread of the server opens its own connection to the database
TICKS = os.sysconf("SC_CLK_TCK")
JSON, STORED = "application/dicom+json", "multipart/related; type=application/octet-stream; transfer-syntax=*"
AIMS = {
    "STOW, an instance": 1.5,
    "QIDO, all studies": 0.2,
    "metadata of the series": 0.2,
    "frame as stored": 1.0,
    "rendered PNG": 0.25,
    "rendered PNG, again": 0.25,
}


@dataclass
class Server:
    """A DICOMweb service to be measured: its root, its process, and headers that sign the caller in."""

    name: str
    root: str
    pid: int
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes = b"", **headers: str
    ) -> bytes:
        """One request over a kept connection, opened again where the server has closed it; its body."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        address = f"{urlsplit(self.root).path}{path}"
        try:
            connection.request(method, address, body=body or None, headers=sent)
            answer = connection.getresponse()
        except ConnectionError:
            connection.close()
            connection.request(method, address, body=body or None, headers=sent)
            answer = connection.getresponse()
        data = answer.read()
        assert answer.status == 200, (self.name, method, path, answer.status, data[:300])
        return data

    def connection(self) -> http.client.HTTPConnection:
        """A new connection."""
        return http.client.HTTPConnection(str(urlsplit(self.root).netloc), timeout=600)

    def cpu_seconds(self) -> float:
        """What its processes have spent on a core so far, those that have ended included."""
        return sum(_spent(pid) for pid in _tree(self.pid))


def _tree(root: int) -> Iterator[int]:
    yield root
    for task in Path(f"/proc/{root}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _tree(int(child))


def _spent(pid: int) -> float:
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, times)) / TICKS


def series_of_slices(count: int) -> list[bytes]:
    """Slices of one CT series: real ones as far as there are, else the phantom's, under UIDs of their own."""
    import pydicom

    from backend.dicom.phantom import ct_series, file_bytes

    data = Path(os.environ.get("OVERREAD_TEST_DATA", "")) / "ct_nlst_101287" / "ct"
    files = [path.read_bytes() for path in sorted(data.glob("*.dcm"))] if data.is_dir() else []
    files = files or [file_bytes(dataset) for dataset in ct_series().datasets]
    made = []
    for index in range(count):
        dataset = pydicom.dcmread(io.BytesIO(files[index % len(files)]))
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.9", "1.2.9.1"
        dataset.InstanceNumber = index + 1
        dataset.ImagePositionPatient = [*dataset.ImagePositionPatient[:2], float(index)]
        made.append(_renamed(dataset, f"1.2.9.1.{index + 1}"))
    return made


def small_studies(count: int) -> list[bytes]:
    """Studies of one small image each, of different patients."""
    import numpy as np
    import pydicom
    from pydicom.data import get_testdata_file

    draw = np.random.default_rng(0)
    made = []
    for index in range(count):
        dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
        dataset.PatientID, dataset.PatientName = f"P{index:04d}", f"Patient^{index:04d}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.8.{index + 1}", f"1.2.8.{index + 1}.1"
        dataset.PixelData = draw.integers(0, 2000, (128, 128), dtype=np.int16).tobytes()
        made.append(_renamed(dataset, f"1.2.8.{index + 1}.1.1"))
    return made


def _renamed(dataset: Any, uid: str) -> bytes:
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def stow_body(files: Sequence[bytes]) -> bytes:
    """A multipart message of DICOM files."""
    parts = (b"--BENCH\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % file for file in files)
    return b"".join(parts) + b"--BENCH--\r\n"


@dataclass
class Measured:
    """CPU milliseconds a call of each batch, and for STOW instances a second."""

    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)


def store(server: Server, files: Sequence[bytes], per_request: int = PER_REQUEST) -> tuple[float, float]:
    """Send the files by eight clients; CPU milliseconds an instance, and instances a second."""
    bodies = [stow_body(files[start : start + per_request]) for start in range(0, len(files), per_request)]
    content_type = 'multipart/related; type="application/dicom"; boundary=BENCH'

    def send(mine: Sequence[bytes]) -> None:
        connection = server.connection()
        for body in mine:
            server.ask(connection, "POST", "/studies", body, Content_Type=content_type, Accept=JSON)

    before, begun = server.cpu_seconds(), time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(send, [bodies[start::CLIENTS] for start in range(CLIENTS)]))
    took, spent = time.monotonic() - begun, server.cpu_seconds() - before
    return spent * 1000 / len(files), len(files) / took


Call = Callable[[Server, http.client.HTTPConnection, int], None]


def call_cost(server: Server, once: Call, count: int) -> float:
    """CPU milliseconds of one call."""
    connection = server.connection()
    before = server.cpu_seconds()
    for number in range(count):
        once(server, connection, number)
    return (server.cpu_seconds() - before) * 1000 / count


def measure(
    servers: Sequence[Server], slices: int, studies: int, requests: int, settle: Callable[[], None]
) -> dict[str, dict[str, Measured]]:
    """Every row for every server."""
    rows = {name: {server.name: Measured() for server in servers} for name in AIMS}
    files = [*series_of_slices(slices), *small_studies(studies)]
    warm, files = files[: 2 * CLIENTS], files[2 * CLIENTS :]
    for server in servers:
        store(server, warm, per_request=1)
    for batch in range(BATCHES):
        for server in servers:
            cpu, rate = store(server, files[batch::BATCHES])
            rows["STOW, an instance"][server.name].cpu.append(cpu)
            rows["STOW, an instance"][server.name].rate.append(rate)
    settle()
    for name, (once, weight) in _calls(slices, studies).items():
        for server in servers:
            call_cost(server, once, WARM_UP)
        for _ in range(BATCHES):
            for server in servers:
                cost = call_cost(server, once, max(2, requests * weight // BATCHES))
                rows[name][server.name].cpu.append(cost)
    return rows


def _calls(slices: int, studies: int) -> dict[str, tuple[Call, int]]:
    """What is asked, and how often for each request asked for: a cheap call more often, the kernel counts 10 ms."""
    series = "/studies/1.2.9/series/1.2.9.1"

    def instance(number: int) -> str:
        return f"{series}/instances/1.2.9.1.{number % slices + 1}"

    def qido(server: Server, connection: http.client.HTTPConnection, _number: int) -> None:
        found = json.loads(server.ask(connection, "GET", f"/studies?limit={studies}", Accept=JSON))
        assert len(found) == studies, len(found)

    def metadata(server: Server, connection: http.client.HTTPConnection, _number: int) -> None:
        assert server.ask(connection, "GET", f"{series}/metadata", Accept=JSON).count(b'"00080018"') >= slices

    def frame(server: Server, connection: http.client.HTTPConnection, number: int) -> None:
        server.ask(connection, "GET", f"{instance(number)}/frames/1", Accept=STORED)

    not_yet = {True: itertools.count(), False: itertools.count()}

    def rendered(server: Server, connection: http.client.HTTPConnection, _number: int) -> None:
        # Each time another slice, until all have been asked for: nobody can have it drawn already.
        again(server, connection, next(not_yet[server.name == "Orthanc"]))

    def again(server: Server, connection: http.client.HTTPConnection, number: int) -> None:
        assert server.ask(connection, "GET", f"{instance(number)}/rendered", Accept="image/png")[:4] == b"\x89PNG"

    return {
        "QIDO, all studies": (qido, 1),
        "metadata of the series": (metadata, 1),
        "frame as stored": (frame, 10),
        "rendered PNG": (rendered, 2),
        "rendered PNG, again": (again, 5),
    }


def table(rows: dict[str, dict[str, Measured]], names: Sequence[str]) -> str:
    """Median CPU milliseconds of each server, their ratio, and whether the aim is met."""
    lines = [f"{'CPU ms per call':26}" + "".join(f"{name:>12}" for name in names) + f"{'ratio':>9}{'aim':>9}"]
    for row, aim in AIMS.items():
        ours, theirs = (statistics.median(rows[row][name].cpu) for name in names)
        ratio = ours / theirs if theirs else float("inf")
        verdict = "met" if ratio <= aim else "MISSED"
        lines.append(f"{row:26}{ours:12.2f}{theirs:12.2f}{ratio:9.2f}   ≤ {aim:4.2f}  {verdict}")
    ours, theirs = (statistics.median(rows["STOW, an instance"][name].rate) for name in names)
    verdict = "met" if ours >= theirs else "MISSED"
    lines.append(f"{'STOW, instances a second':26}{ours:12.1f}{theirs:12.1f}{ours / theirs:9.2f}   ≥ 1.00  {verdict}")
    return "\n".join(lines)


def start_overread(folder: Path) -> tuple[Server, list[subprocess.Popen[bytes]]]:
    """gunicorn and Valkey on the data folder, with a project and a lead's token."""
    from django.conf import settings

    from backend.accounts.models import User
    from backend.accounts.services import create_token
    from backend.archive.models import Archive
    from backend.config.product import WEB_WORKER, valkey_binary
    from backend.projects.models import Membership, Project

    lead = User.objects.create_user("bench", password=None)
    archive = Archive.objects.create(slug="bench", name="Bench")
    project = Project.objects.create(slug="bench", name="Bench", modality="CT", unit="series", archive=archive)
    Membership.objects.create(project=project, user=lead, role="lead")
    _, token = create_token(user=lead, name="bench", scopes=["dicomweb"])
    Path(settings.VALKEY_SOCKET).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    broker = subprocess.Popen(
        [valkey_binary(), "--port", "0", "--unixsocket", str(settings.VALKEY_SOCKET), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "backend.config.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", WEB_WORKER, "--workers", "2", "--threads", "8", "--keep-alive", "75", "--timeout", "120"]
    with (folder / "web.log").open("wb") as log:
        web = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    server = Server("Overread", f"http://127.0.0.1:{port}/dicom-web/bench", web.pid, {"Authorization": f"Bearer {token}"})
    deadline = time.monotonic() + 120
    while True:
        try:
            probe_connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            probe_connection.request("GET", "/healthz")
            probe_connection.getresponse().read()
            return server, [web, broker]
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def settle_now() -> None:
    """What beat and worker do when nothing more comes, done here; it belongs to no request."""
    from datetime import timedelta

    from django.db.models import F

    from backend.exchange.models import ImportRun
    from backend.exchange.receiving import settle_received
    from backend.exchange.services import run_import
    from backend.jobs.models import Job
    from backend.jobs.services import claim_job

    ImportRun.objects.update(received_at=F("received_at") - timedelta(minutes=1))
    settle_received()
    for job in Job.objects.filter(task="exchange.run_import"):
        lease = claim_job(job.pk)
        if lease is not None:
            run_import(lease)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print the table; 0 unless Orthanc is not installed: a bench reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--requests", type=int, default=30)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ovr-bench-") as folder:
        os.environ["OVERREAD_DATA_DIR"] = folder
        os.environ["OVERREAD_LOG_LEVEL"] = "ERROR"
        os.environ["DJANGO_SETTINGS_MODULE"] = "backend.config.settings"
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        for name in ("DATABASE_URL", "REDIS_URL", "OBJECT_STORE_URL"):
            os.environ.pop(name, None)
        import django

        django.setup()
        from django.core.management import call_command

        from tests.orthanc import is_installed, start_orthanc

        if not is_installed():
            print("Orthanc and its DICOMweb plugin (Debian's orthanc, orthanc-dicomweb) are not installed.", file=sys.stderr)
            return 1
        call_command("migrate", verbosity=0)
        (Path(folder) / "orthanc").mkdir()
        orthanc = start_orthanc(Path(folder) / "orthanc")
        processes = [orthanc.process]
        try:
            overread, started = start_overread(Path(folder))
            processes += started
            servers = [overread, Server("Orthanc", orthanc.dicomweb, orthanc.process.pid)]
            rows = measure(servers, options.slices, options.studies, options.requests, settle_now)
        finally:
            for process in reversed(processes):
                process.terminate()
            for process in processes:
                process.wait(30)
    print(table(rows, [server.name for server in servers]))
    print(f"load of the machine meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
