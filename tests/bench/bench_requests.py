"""What requests cost: CPU milliseconds of a real gunicorn process tree per request, at 1,000 and at 10,000 cases.

`python -m tests.bench.bench_requests [--cases 1000 10000] [--requests 60]`. An own data folder with SQLite and
Valkey; one gunicorn worker (threads as in the product), a keep-alive connection, a signed-in session. A number is
what the tree spent on a core (user and system, from /proc) / requests: waiting costs nothing, but a busy machine does
raise it, by shared caches and cores. So the load is printed, the lowest batch beside the median, and what one fixed piece
of Python cost on this machine in the same minutes: two runs can be compared by it.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SLICES = 300
BATCHES = 6
YARDSTICK = "a fixed piece of Python"
AIMS = {
    YARDSTICK: None,
    "next case": 5.0,
    "save reading": 10.0,
    "nothing but /healthz": None,
    "worklist page of 100": 30.0,
    "QIDO, 100 studies": None,
    "QIDO, one study": None,
    "metadata of 300 slices": 30.0,
    "the same, gzip": 30.0,
    "the same, not modified": None,
    "frame of 512 kB": 3.0,
    "thumbnail": None,
}


@dataclass
class Product:
    """A data folder, its processes and a signed-in connection."""

    folder: Path
    web: subprocess.Popen[bytes]
    port: int
    cookie: str = ""
    connection: http.client.HTTPConnection | None = None

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Send one request over the kept connection; status, body, headers."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Cookie": f"sessionid={self.cookie}; csrftoken={'x' * 32}", "X-CSRFToken": "x" * 32}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body), "application/json"
        self.connection.request(method, path, body=data, headers=sent)
        answer = self.connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}

    def cpu_seconds(self) -> float:
        """Time that the web server's process tree has spent on a core so far, user and system."""
        return sum(_nanoseconds(pid) for pid in _tree(self.web.pid)) / 1e9


def _tree(root: int) -> list[int]:
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return [root, *(pid for child in children for pid in _tree(int(child)))]


def _nanoseconds(pid: int) -> int:
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))


class Stock:
    """Fills the database: chest radiographs as cases with model readings, and one CT series of 300 slices."""

    def __init__(self) -> None:
        from backend.accounts.models import User
        from backend.archive.models import Archive
        from backend.archive.store import put_object
        from backend.projects.models import FindingType, Membership, Project
        from backend.readings.models import Reader
        from backend.registry.models import ModelVersion

        self.user = User.objects.create_user("bench", password=None)
        archive = Archive.objects.create(slug="bench", name="Bench")
        self.project = Project.objects.create(slug="bench", name="Bench", modality="DX", unit="image", archive=archive)
        self.series_project = Project.objects.create(
            slug="bench-ct", name="CT", modality="CT", unit="series", archive=archive
        )
        for project in (self.project, self.series_project):
            Membership.objects.create(project=project, user=self.user, role="reader")
        self.finding_type = FindingType.objects.create(
            project=self.project, name="Nodule", colour="#eaaa1c", key="1", allowed_marks=["box", "polygon"]
        )
        version = ModelVersion.objects.create(
            project=self.project, number=1, state="serves", weights_key="x", weights_sha256="x", config={},
            finding_type_ids=[self.finding_type.pk], snapshot_hash="x", n_labels=1, seed=0, code_version="x", steps=1,
            core_seconds=1.0,
        )  # fmt: skip
        self.reader = Reader.objects.create(project=self.project, kind="model", name="v1", model_version=version)
        self.frame = os.urandom(512 * 512 * 2)
        self.frames_key = f"frames/{archive.pk}/{hashlib.sha256(self.frame).hexdigest()}"
        put_object(key=self.frames_key, data=self.frame)
        self.headers = _headers()
        self.cases = 0
        self.slices = self._series()

    def grow(self, count: int) -> None:
        """Add radiographs until there are `count` cases."""
        while self.cases < count:
            self._add(min(500, count - self.cases))

    def _add(self, count: int) -> None:
        from backend.archive.models import Instance, Series, Study
        from backend.projects.models import Case
        from backend.readings.models import Lesion, Reading

        numbers = range(self.cases + 1, self.cases + count + 1)
        archive = self.project.archive
        studies = Study.objects.bulk_create(
            Study(archive=archive, study_instance_uid=f"1.2.3.{number}", patient_id=f"P{number}", study_date="20260101")
            for number in numbers
        )
        series = Series.objects.bulk_create(
            Series(study=study, series_instance_uid=f"{study.study_instance_uid}.1", modality="DX") for study in studies
        )
        instances = Instance.objects.bulk_create(self._instance(one, f"{one.series_instance_uid}.1", 0) for one in series)
        cases = Case.objects.bulk_create(
            Case(
                project=self.project, series=one.series, instance=one, number=number, name=f"DX-{number:04d}",
                split=("POOL", "POOL", "POOL", "VALIDATION", "POOL", "HOLDOUT", "POOL")[number % 7],
                group_key=f"g{number}", priority=hash_share(f"p{number}"), blind_priority=hash_share(f"b{number}"),
                priority_reason="uncertain",
            )
            for number, one in zip(numbers, instances, strict=True)
        )  # fmt: skip
        readings = Reading.objects.bulk_create(
            Reading(case=case, reader=self.reader, state="submitted", verdict="lesions") for case in cases
        )
        instance_of = dict(zip((case.pk for case in cases), instances, strict=True))
        Lesion.objects.bulk_create(
            Lesion(
                reading=reading, finding_type=self.finding_type, kind="box", instance=instance_of[reading.case_id],
                points=[[10, 10], [50, 60]], score=0.4 + 0.3 * index, origin="predicted",
            )
            for reading in readings
            for index in (0, 1)
        )  # fmt: skip
        self.cases += count

    def _series(self) -> Any:
        from backend.archive.models import Instance, Series, Study
        from backend.projects.models import Case

        study = Study.objects.create(archive=self.project.archive, study_instance_uid="1.2.9")
        series = Series.objects.create(study=study, series_instance_uid="1.2.9.1", modality="CT")
        Instance.objects.bulk_create(self._instance(series, f"1.2.9.1.{index}", index) for index in range(SLICES))
        Case.objects.create(
            project=self.series_project, series=series, number=1, name="CT-0001", split="POOL", group_key="g"
        )
        return series

    def _instance(self, series: Any, uid: str, index: int) -> Any:
        from backend.archive.models import Instance

        return Instance(
            series=series, sop_instance_uid=uid, sop_class_uid="1.2.840.10008.5.1.4.1.1.2", instance_number=index,
            position=float(index), rows=512, columns=512, bits_allocated=16, photometric_interpretation="MONOCHROME2",
            transfer_syntax_uid="1.2.840.10008.1.2.1", dicom_json=self.headers[index % len(self.headers)],
            frames_key=self.frames_key, frame_ranges=[[0, len(self.frame)]],
        )  # fmt: skip


def hash_share(text: str) -> float:
    """A number in [0, 1) that follows from a text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def _headers() -> list[str]:
    """Stored headers as the archive writes them: of real CT slices where there are any, else of the phantom's."""
    from backend.dicom.phantom import ct_series, file_bytes
    from backend.dicom.prepare import PreparationSettings
    from tests.dicom.conftest import prepare_bytes

    data = Path(os.environ.get("OVERREAD_TEST_DATA", "")) / "ct_nlst_101287" / "ct"
    files = [path.read_bytes() for path in sorted(data.glob("*.dcm"))[:20]] if data.is_dir() else []
    files = files or [file_bytes(dataset) for dataset in ct_series().datasets[:20]]
    settings = PreparationSettings(key="00" * 32, deid_profile="none", modality="CT", patient_id="")
    headers = [json.loads(prepare_bytes(data, settings)[0].instance["dicom_json"]) for data in files]
    stored = {"00083002": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]}}
    size = {"00280010": {"vr": "US", "Value": [512]}, "00280011": {"vr": "US", "Value": [512]}}
    return [json.dumps(header | stored | size, separators=(",", ":")) for header in headers]


def start(folder: Path) -> tuple[Product, subprocess.Popen[bytes]]:
    """Valkey and gunicorn on the data folder; the database is ready before."""
    from django.conf import settings

    from backend.config.product import WEB_WORKER, valkey_binary

    Path(settings.VALKEY_SOCKET).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    broker = subprocess.Popen(
        [valkey_binary(), "--port", "0", "--unixsocket", str(settings.VALKEY_SOCKET), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "backend.config.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", WEB_WORKER, "--workers", "1", "--threads", "8", "--keep-alive", "75"]
    web = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    product = Product(folder, web, port)
    deadline = time.monotonic() + 60
    while True:
        try:
            product.request("GET", "/healthz")
            return product, broker
        except OSError:
            product.connection = None
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def sign_in(product: Product, user: Any) -> None:
    """A session made in the database: what is measured is not the password's hash."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from backend.accounts.signed_in import SessionStore, SignedInBackend

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = f"{SignedInBackend.__module__}.{SignedInBackend.__qualname__}"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    product.cookie = str(session.session_key)


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds a call: the median over batches, and the batch that was least disturbed."""

    median: float
    lowest: float


def cost(spent_so_far: Callable[[], float], once: Callable[[], None], count: int) -> Cost:
    """What a call costs after a warm-up, in batches, so that one disturbance does not count."""
    for _ in range(5):
        once()
    spent = []
    for _ in range(BATCHES):
        before = spent_so_far()
        for _ in range(max(1, count // BATCHES)):
            once()
        spent.append((spent_so_far() - before) / max(1, count // BATCHES) * 1000)
    return Cost(statistics.median(spent), min(spent))


def fixed_piece_of_python() -> None:
    """The yardstick: the same work whatever the product does, about 10 ms on a fast core."""
    sum(number * number % 7 for number in range(150_000))


def measure(product: Product, stock: Stock, count: int) -> dict[str, Cost]:
    """Every row of the table."""
    api, dicomweb = "/api/v1/projects/bench", "/dicom-web/bench"
    state: dict[str, Any] = {"after": None}

    def get(path: str, **headers: str) -> dict[str, str]:
        status, body, answered = product.request("GET", path, **headers)
        assert status == (304 if "If_None_Match" in headers else 200), (path, status, body[:300])
        return answered

    def next_case() -> None:
        status, body, _ = product.request("POST", f"{api}/worklist/next/", {"after": state["after"]})
        assert status == 200, (status, body[:300])
        state["after"] = json.loads(body)["case"]

    next_case()
    status, body, _ = product.request("POST", f"{api}/cases/{state['after']}/open/", {})
    assert status == 200, (status, body[:300])
    room = json.loads(body)
    reading, uid = room["reading"], room["series"]["instances"][0]["sop_instance_uid"]
    state["etag"] = reading["etag"]

    def save() -> None:
        lesion = {
            "id": str(uuid.uuid4()), "finding_type": stock.finding_type.pk, "kind": "polygon", "sop_instance_uid": uid,
            "frame": 1, "points": [[20.0, 20.0], [90.5, 30.0], [70.0, 80.0]], "attributes": {}, "origin": "drawn",
        }  # fmt: skip
        change = {"upsert": [lesion], "remove": [state["lesion"]] if "lesion" in state else []}
        sent = {"revision_id": str(uuid.uuid4()), "lesions": change, "verdict": "lesions", "active_seconds": 1.0}
        status, body, answered = product.request("PUT", f"{api}/readings/{reading['id']}/", sent, If_Match=state["etag"])
        assert status == 200, (status, body[:300])
        state["etag"], state["lesion"] = answered["etag"], lesion["id"]

    ct = "/dicom-web/bench-ct/studies/1.2.9/series/1.2.9.1"
    frame = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}
    etag = get(f"{ct}/metadata")["etag"]
    slices = iter(range(10**9))
    calls: dict[str, Callable[[], Any]] = {
        "next case": next_case,
        "save reading": save,
        "nothing but /healthz": lambda: get("/healthz"),
        "worklist page of 100": lambda: get(f"{api}/worklist/?limit=100"),
        "QIDO, 100 studies": lambda: get(f"{dicomweb}/studies?limit=100"),
        "QIDO, one study": lambda: get(f"{dicomweb}/studies?StudyInstanceUID=1.2.3.500"),
        "metadata of 300 slices": lambda: get(f"{ct}/metadata"),
        "the same, gzip": lambda: get(f"{ct}/metadata", Accept_Encoding="gzip"),
        "the same, not modified": lambda: get(f"{ct}/metadata", If_None_Match=etag),
        "frame of 512 kB": lambda: get(f"{ct}/instances/1.2.9.1.{next(slices) % SLICES}/frames/1", **frame),
        "thumbnail": lambda: get(f"{api}/cases/{room['case']['id']}/thumbnail/"),
    }
    yardstick = cost(time.process_time, fixed_piece_of_python, count)
    return {YARDSTICK: yardstick} | {name: cost(product.cpu_seconds, call, count) for name, call in calls.items()}


def table(results: dict[int, dict[str, Cost]]) -> str:
    """Rows of operations, columns of database sizes: median (lowest batch). A median is what an aim is held against."""
    sizes = list(results)
    lines = [f"{'CPU ms per request':26}" + "".join(f"{f'{size:,} cases':>18}" for size in sizes) + "     aim"]
    for name, aim in AIMS.items():
        cells = "".join(f"{f'{results[size][name].median:.2f} ({results[size][name].lowest:.2f})':>18}" for size in sizes)
        worst = max(results[size][name].median for size in sizes)
        verdict = "" if aim is None else f"  ≤ {aim:4.0f}  {'met' if worst <= aim else 'MISSED'}"
        lines.append(f"{name:26}{cells}{verdict}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print the table; always 0: a bench reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--json", action="store_true")
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

        call_command("migrate", verbosity=0)
        stock = Stock()
        product, broker = start(Path(folder))
        try:
            sign_in(product, stock.user)
            results = {}
            for size in options.cases:
                stock.grow(size)
                results[size] = measure(product, stock, options.requests)
        finally:
            product.web.terminate()
            product.web.wait(15)
            broker.terminate()
            broker.wait(15)
    print(json.dumps(results, indent=1, default=asdict) if options.json else table(results))
    print(f"load of the machine meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
