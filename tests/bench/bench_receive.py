"""C-STORE: a default storescu sends one CT series to our receiver and to Orthanc; objects a second and CPU of each server.

`python -m tests.bench.bench_receive [--slices 300] [--rounds 3]`. All on this machine and disk, in turns, the dcmtk client
as it comes (Nagle on, one association); best round and all rounds are printed. Ours acknowledges what lies synchronised on
disk; the import behind it is not part of this (no worker runs). Orthanc with its defaults, which index what they store but
synchronise nothing, and once more with TCP_NODELAY, which its package does not set.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

from tests.orthanc import start_orthanc

ROOT = Path(__file__).resolve().parents[2]
AIM = 4.0


@dataclass
class Server:
    """A server that is sent to: its port and its process."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def cpu_seconds(self) -> float:
        """User and system time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server: Server, folder: Path, slices: int) -> None:
    """Send the folder once and note rate and CPU."""
    cpu, started = server.cpu_seconds(), time.perf_counter()
    command = ["storescu", "-aet", "BENCH", "-aec", "BENCHED", "127.0.0.1", str(server.port), "+sd", str(folder)]
    sent = subprocess.run(command, capture_output=True, text=True, timeout=600)
    seconds = time.perf_counter() - started
    assert sent.returncode == 0, sent.stderr[-1000:]
    server.rates.append(slices / seconds)
    server.cpu_ms.append((server.cpu_seconds() - cpu) * 1000 / slices)


def write_series(folder: Path, slices: int, source: Path) -> None:
    """`slices` CT images of 512 × 512 of a real series, uncompressed, with UIDs never sent before."""
    folder.mkdir()
    study, series = generate_uid(), generate_uid()
    files = sorted(source.iterdir())
    for index in range(slices):
        dataset = pydicom.dcmread(files[index % len(files)])
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = study, series, generate_uid()
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        if dataset.file_meta.TransferSyntaxUID.is_compressed:
            dataset.decompress(generate_instance_uid=False)
        dataset.save_as(folder / f"{index:04d}.dcm")


def start_ours(data: Path) -> Server:
    """Our receiver on a data folder with one project that everybody on this machine may send to."""
    environment = os.environ | {"OVERREAD_DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "backend.config.settings"}
    for command in (
        ["migrate", "--verbosity", "0"],
        ["shell", "--no-imports", "--verbosity", "0", "-c", _PROJECT],
    ):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "dicom_receiver", "--port", "0"],
        cwd=ROOT,
        env=environment | {"MALLOC_ARENA_MAX": "2"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    return Server("overread", int(process.stdout.readline().rpartition(b":")[2]), process)


_PROJECT = """
from backend.dimse.models import ReceivingTitle, RemoteNode
from backend.projects.services import create_project
project = create_project(by=None, fields={"slug": "bench", "name": "Bench", "question": "", "modality": "CT",
                                          "unit": "series", "deid_profile": "none"})
ReceivingTitle.objects.create(project=project, ae_title="BENCHED")
RemoteNode.objects.create(project=project, name="bench", kind="dimse", host="127.0.0.1", ae_title="BENCH", may_send=True)
"""


def main() -> int:
    """Print a table; 1 where our rate is below the aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("storescu") is None:
        print("storescu (Debian's dcmtk) is not installed: nothing measured")
        return 0
    given = os.environ.get("OVERREAD_TEST_DATA", "")
    source = Path(given) / "ct_nlst_101287" / "ct" if given else None
    if source is None or not source.is_dir():
        print("OVERREAD_TEST_DATA with ct_nlst_101287 is not here: nothing measured")
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-receive-") as name:
        folder = Path(name)
        ours = start_ours(folder / "ours")
        servers: list[tuple[Server, Callable[[], None]]] = [(ours, ours.process.kill)]
        for label, variables in (("orthanc", {}), ("orthanc, TCP_NODELAY", {"TCP_NODELAY": "1"})):
            place = folder / label.replace(", ", "-")
            place.mkdir()
            os.environ |= variables
            started = start_orthanc(place)
            for variable in variables:
                del os.environ[variable]
            servers.append((Server(label, started.dicom_port, started.process), started.process.kill))
        try:
            for number in range(options.rounds):
                for server, _ in servers:
                    series = folder / f"{number}-{server.port}"
                    write_series(series, options.slices, source)
                    measure(server, series, options.slices)
                    shutil.rmtree(series)
        finally:
            for server, end in servers:
                end()
                server.process.wait()
    print(f"load {os.getloadavg()[0]:.1f}; {options.slices} CT slices of 512 x 512, default storescu, one association")
    print(f"{'server':24}{'best/s':>9}{'CPU ms':>9}  rounds (objects a second)")
    for server, _ in servers:
        rounds = " ".join(f"{rate:.1f}" for rate in server.rates)
        print(f"{server.name:24}{max(server.rates):9.1f}{min(server.cpu_ms):9.2f}  {rounds}")
    times = max(ours.rates) / max(servers[1][0].rates)
    print(f"{times:.1f} times Orthanc's rate (aim: {AIM:.0f})")
    print(json.dumps({server.name: {"rates": server.rates, "cpu_ms": server.cpu_ms} for server, _ in servers}))
    return int(times < AIM)


if __name__ == "__main__":
    sys.exit(main())
