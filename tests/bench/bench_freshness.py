"""How fresh pre-annotations are: from the last reading that a fast round needs to the next 20 cases, read by a new version.

`python -m tests.bench.bench_freshness [--cases 200] [--labels 60] [--needed 12] [--steps 30]`. The whole product on a data
folder of its own (gunicorn, Valkey, beat, workers, SQLite), real images (BUSI, OVERREAD_TEST_DATA) in a project split by
near-duplicate group; a reader submits over HTTP what BUSI's own readers found. The clock starts when the last needed
submission is answered and stops when a newer version serves and has read every one of the reader's next 20 cases. The load
of the machine and the CPU seconds of the training worker stand beside the wall time: on idle cores the two come close.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backend.geometry.contour import mask_outlines, signed_area
from tests.bench.bench_learning import import_busi, keep_labels, set_up
from tests.bench.bench_requests import ROOT, Product, _nanoseconds, _tree, sign_in
from tests.bench.pieces import measured_once, once_options

AIM_SECONDS = 60.0
AHEAD = 20
FIRST_STEPS = 300  # So many that the gate lets the first version serve.
LONGEST = 1800.0
MINUTES = 5.0
SMALL, CORNERS = 12.0, 100
SLUG = "busi"


def some_images(data: Path, folder: Path, count: int) -> Path:
    """A copy of BUSI's layout with every n-th of its images."""
    rows = list(csv.DictReader((data / "busi" / "index.csv").open()))
    name = next(column for column in rows[0] if (data / "busi" / "images" / rows[0][column]).is_file())
    kept = rows[:: max(1, len(rows) // count)][:count]
    for part in ("images", "masks"):
        (folder / "busi" / part).mkdir(parents=True)
    for row in kept:
        for part in ("images", "masks"):
            if (data / "busi" / part / row[name]).is_file():
                shutil.copy(data / "busi" / part / row[name], folder / "busi" / part / row[name])
    with (folder / "busi" / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(kept)
    return folder


@dataclass
class Reader:
    """A signed-in reader at the product's door."""

    product: Product
    busi: Path

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request that must succeed; its document."""
        status, answered, _ = self.product.request(method, f"/api/v1/projects/{SLUG}{path}", body, **headers)
        assert status in (200, 201), (method, path, status, answered[:300])
        return json.loads(answered)

    def read_next(self) -> None:
        """Open the next case, reject what the model shows, draw what is there, submit."""
        self.product.connection = None  # The server closes what was idle.
        case = self.ask("POST", "/worklist/next/", {})["case"]
        room = self.ask("POST", f"/cases/{case}/open/", {})
        reading, shown = room["reading"], room["model"]["findings"] if room["model"] else []
        type_name, outlines = self._truth(case)
        marks = [
            {
                "id": str(uuid.uuid4()), "finding_type": self._type(type_name), "kind": "polygon", "frame": 1,
                "origin": "drawn", "attributes": {}, "points": outline,
                "sop_instance_uid": room["series"]["instances"][0]["sop_instance_uid"],
            }
            for outline in outlines
        ]  # fmt: skip
        decided = [{"predicted": one["id"], "kind": "rejected", "threshold": 0.5} for one in shown]
        change = {
            "revision_id": str(uuid.uuid4()), "verdict": "lesions" if marks else "no_lesion", "active_seconds": 5.0,
            "lesions": {"upsert": marks}, "decisions": {"upsert": decided},
        }  # fmt: skip
        saved = self.ask("PUT", f"/readings/{reading['id']}/", change, If_Match=reading["etag"])
        self.ask("POST", f"/readings/{reading['id']}/submit/", {}, If_Match=saved["etag"])

    def _truth(self, case: str) -> tuple[str, list[list[list[float]]]]:
        """What BUSI's own readers found in the case: wrong labels would make a version that the gate rightly lets wait."""
        from backend.projects.models import Case

        name = Path(Case.objects.get(pk=case).source_name).name
        row = next(row for row in csv.DictReader((self.busi / "index.csv").open()) if name in row.values())
        mask = np.asarray(Image.open(self.busi / "masks" / name).convert("1"))
        outlines = [outline for outline in mask_outlines(mask) if signed_area(outline) >= SMALL]
        return row["class"], [outline[:: 1 + len(outline) // CORNERS] for outline in outlines]

    def _type(self, name: str) -> int:
        from backend.projects.models import FindingType

        return int(FindingType.objects.get(project__slug=SLUG, scope="lesion", name__iexact=name).pk)


def start_product(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """`manage.py up` on the data folder, ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--end-with-parent"]
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"OVERREAD_LOG_LEVEL": "INFO"}
        )

    def ready() -> bool:
        try:
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).status == 200)
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, (folder / "up.log").read_text()[-2000:]
            return False

    wait_for(ready, "the product is ready")
    return process, port


def wait_for(condition: Callable[[], Any], what: str) -> float:
    """Ask ten times a second; the moment at which it came true."""
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < deadline, f"waited too long until {what}"
        time.sleep(0.1)
    return time.monotonic()


def train_worker() -> int:
    """The process of the training worker."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        own = os.environ["OVERREAD_DATA_DIR"].encode() in (entry / "environ").read_bytes() if b"train@%h" in told else False
        if own:
            return int(entry.name)
    raise RuntimeError("no training worker")


def cpu_seconds(pid: int) -> float:
    """What a process tree has spent on a core so far."""
    return sum(_nanoseconds(one) for one in _tree(pid)) / 1e9


def measure(folder: Path, data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Import, label, first version, submit, and look at the clock."""
    from backend.accounts.models import User
    from backend.audit.models import Event
    from backend.learning.models import Round, TrainingPolicy
    from backend.learning.selectors import cases_to_predict, new_labels
    from backend.learning.services import start_round
    from backend.projects.models import Case, Membership, Project
    from backend.projects.reading_order import open_cases_in_order
    from backend.readings.models import Reading
    from backend.registry.selectors import serving_version

    project = import_busi(some_images(data, folder / "data", options.cases), 0)
    Project.objects.filter(pk=project.pk).update(blinded_share=0.0)
    keep_labels(project, options.labels, 0)
    user = User.objects.create_user("bench", password=None)
    Membership.objects.create(project=project, user=user, role="reader")
    policy = TrainingPolicy.objects.create(
        gate_margin=None,  # What is clocked ends with a new version's findings: it must serve.
        project=project, image_size=options.size, steps_scratch=FIRST_STEPS, steps_warm=options.steps,
        every_n_readings=options.needed, slow_growth=0,
    )  # fmt: skip
    process, port = start_product(folder)
    try:
        product = Product(folder, process, port)
        sign_in(product, user)
        start_round(project=project, by=None)
        wait_for(lambda: Round.objects.get(number=1).state in ("done", "failed"), "the first version serves")
        first = serving_version(project)
        assert first is not None, Round.objects.get().message
        reader, worker = Reader(product, folder / "data" / "busi"), train_worker()
        while new_labels(project) < options.needed - 1:
            reader.read_next()
        TrainingPolicy.objects.filter(pk=policy.pk).update(enabled=True)
        time.sleep(5)  # The beat has seen that it is not yet due.
        while new_labels(project) < options.needed:
            reader.read_next()
        began, load, spent = time.monotonic(), os.getloadavg()[0], cpu_seconds(worker)
        wait_for(lambda: Round.objects.filter(number=2), "the policy starts a round")
        started = time.monotonic()

        def fresh() -> bool:
            version = serving_version(project)
            if version is None or version.pk == first.pk:
                return False
            ahead = {place.case_id for place in open_cases_in_order(project=project, user=user, count=AHEAD)}
            ahead &= set(Case.objects.filter(pk__in=ahead, split="POOL").values_list("pk", flat=True))
            return Reading.objects.filter(reader__model_version=version, case__in=ahead).count() == len(ahead)

        wait_for(lambda: fresh() or Round.objects.get(number=2).state in ("done", "failed"), "the next cases are fresh")
        fresh_cpu = cpu_seconds(worker) - spent
        assert fresh(), Round.objects.get(number=2).message
        # By the clock of those who write: on a busy machine this process asks late.
        version = serving_version(project)
        read = Reading.objects.filter(reader__model_version=version).order_by("submitted_at")[AHEAD - 1].submitted_at
        last = Reading.objects.filter(reader__user=user).order_by("-submitted_at").first()
        assert last is not None and last.submitted_at is not None and read is not None
        promoted = Event.objects.filter(verb="model.promoted").latest("pk").at
        to_fresh = (max(read, promoted) - last.submitted_at).total_seconds()
        wait_for(lambda: Round.objects.get(number=2).job.state == "succeeded", "the round is done")
        done_at, done_cpu = time.monotonic(), cpu_seconds(worker) - spent
        job = Round.objects.select_related("job").get(number=2).job
        assert job is not None and job.started_at is not None and version is not None
        return {
            "seconds_to_fresh": round(to_fresh, 1),
            "aim": AIM_SECONDS,
            "cpu_seconds_of_the_worker_to_fresh": round(fresh_cpu, 1),
            "seconds_until_the_round_was_started": round(started - began, 1),
            "seconds_until_the_worker_had_it": round((job.started_at - job.created_at).total_seconds(), 2),
            "seconds_by_step": job.result["seconds"],
            "seconds_to_the_end_of_the_round": round(done_at - began, 1),
            "cpu_seconds_of_the_worker_to_the_end": round(done_cpu, 1),
            "labels": version.n_labels,
            "newest": options.needed,
            "steps": version.steps,
            "image_size": options.size,
            "validation_cases": version.evaluations.get().n_cases,
            "pool_cases": cases_to_predict(project).count(),
            "load": [round(load, 1), round(os.getloadavg()[0], 1)],
            "cores": os.cpu_count(),
            "log": job.log.splitlines(),
        }
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def main(arguments: list[str] | None = None) -> int:
    """Run it and print one JSON object; 0 also where the real data is absent, with the reason."""
    parser = once_options(__doc__, folder="var/bench/freshness")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--labels", type=int, default=60)
    parser.add_argument("--needed", type=int, default=12)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--size", type=int, default=128)
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "busi").is_dir():
        print("bench_freshness: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    about = {name: getattr(options, name) for name in ("cases", "labels", "needed", "steps", "size")}
    told = measured_once(
        "freshness",
        options,
        about=about,
        guess_minutes=MINUTES,
        measure=lambda: in_a_folder_of_its_own(data, options),
    )
    if told is not None:
        print(json.dumps(told, indent=1))
    return 0


def in_a_folder_of_its_own(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure on a new data folder; where it fails its logs are shown."""
    with tempfile.TemporaryDirectory(prefix="ovr-bench-") as folder:
        for name in ("REDIS_URL", "OBJECT_STORE_URL"):
            os.environ.pop(name, None)
        set_up(Path(folder))
        try:
            return measure(Path(folder), data, options)
        except AssertionError:
            for log in sorted(Path(folder).glob("**/*.log")):
                print(f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
            raise


if __name__ == "__main__":
    sys.exit(main())
