"""Clicks are answered by a real worker of the queue `infer`, also while a batch is read there."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from celery import current_app

from backend.geometry.rle import decode_mask
from backend.jobs import questions
from backend.jobs.models import Job
from backend.registry.models import ModelVersion
from backend.registry.services import order_predictions

pytestmark = [pytest.mark.queue, pytest.mark.django_db(transaction=True)]

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def start_worker(settings: Any, tmp_path: Path, database_url: str) -> Iterator[Callable[[], None]]:
    """Starts a worker of the queue `infer` on the test's database and object store, and waits until it listens."""
    server = questions._server()
    server.flushdb()
    started: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "OBJECT_STORE_URL": settings.OBJECT_STORE_URL,
        "OVERREAD_QUEUES": "infer",
        "OVERREAD_THREADS": "1",
    }

    def start() -> None:
        command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-Q", "infer", "-c", "1"]
        command += ["-n", f"infer@{tmp_path.name}", "-l", "WARNING"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with (tmp_path / "worker.log").open("ab") as log:
            started.append(
                subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log, start_new_session=True)
            )
        deadline = time.monotonic() + 300
        while not server.exists("overread:listens:prompts"):
            assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
            time.sleep(0.1)

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    server.flushdb()
    with current_app.connection_for_write() as broker:
        broker.default_channel.client.flushdb()


def test_a_click_is_answered_by_the_worker_that_predicts_also_while_it_reads_a_batch(
    project: Any, draw_case: Any, reader: Any, as_person: Any, start_worker: Callable[[], None], settings: Any
) -> None:
    from tests.cnn.test_prompts import samples_of
    from workers.cnn.checkpoint import encode_weights
    from workers.cnn.model import NetConfig, build_network
    from workers.cnn.prompt_training import PromptTraining
    from workers.cnn.train import Recipe
    from workers.pointing import store_prompts

    settings.PROMPT_SECONDS = 60.0  # The machine of a test may be busy; how long it takes is a benchmark's question.
    project.blinded_share = 0.0
    project.save()
    training = PromptTraining(samples_of(24), recipe=Recipe(steps=80, seed=1))
    for _ in training.run():
        pass
    net = NetConfig(n_types=2, n_findings=4)
    data, digest = encode_weights(dict(build_network(net, seed=0).state_dict()), config=net)
    from backend.archive.store import put_object
    from backend.learning.vocabulary import vocabulary_of

    put_object(key="models/test", data=data)
    version = ModelVersion.objects.create(
        project=project, number=1, state="serves", weights_key="models/test", weights_sha256=digest,
        config={"net": net.as_dict(), "image_size": 128, **store_prompts(training, "models/test")},
        finding_type_ids=vocabulary_of(project).as_dict(), snapshot_hash="0" * 64, n_labels=1, seed=0, code_version="test",
        steps=1, core_seconds=1.0,
    )  # fmt: skip
    rows, columns = np.ogrid[:96, :128]
    disc = (rows - 40) ** 2 + (columns - 50) ** 2 <= 14**2
    image = np.random.default_rng(0).normal(90, 8, (1, 96, 128))
    image[0, disc] += 80
    case = draw_case(pixels=image.clip(0, 255).astype(np.uint8))
    for _ in range(60):
        draw_case(pixels=image.clip(0, 255).astype(np.uint8).repeat(4, axis=0))
    start_worker()
    client = as_person(reader)
    given = {"sop_instance_uid": case.instance.sop_instance_uid, "positive": [[51.5, 42.5]]}
    path = f"/api/v1/projects/breast/cases/{case.pk}/segment/"
    answer = client.post(path, given, format="json")
    assert answer.status_code == 200, answer.content
    said = answer.json()["mask"]
    found = np.zeros((96, 128), bool)
    _, top, left = said["origin"]
    _, height, width = said["shape"]
    found[top : top + height, left : left + width] = decode_mask(base64.b64decode(said["runs"]), said["shape"])[0]
    assert 2 * (found & disc).sum() / (found.sum() + disc.sum()) > 0.7
    assert answer.json()["version"] == 1

    job = order_predictions(version=version, by=None)
    deadline = time.monotonic() + 200
    while Job.objects.get(pk=job.pk).state == "queued":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    meanwhile = [client.post(path, given, format="json").content for _ in range(3)]
    assert Job.objects.get(pk=job.pk).state == "running", "else nothing was in the way"
    assert meanwhile == [answer.content] * 3
