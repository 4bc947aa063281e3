"""DICOM images as the archive keeps them, put there without the import."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
import requests
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from backend.config.product import WEB_WORKER
from tests.orthanc import orthanc  # noqa: F401


def encoded_frames(dataset: pydicom.Dataset) -> list[bytes]:
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return list(generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames", 1))))
    size = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
    return [dataset.PixelData[i * size : (i + 1) * size] for i in range(int(dataset.get("NumberOfFrames", 1)))]


@pytest.fixture
def keep(db: None) -> Callable[..., object]:
    """Stores a dataset in the project's archive; as a case of its own, or of its series, or as no case at all."""
    from backend.archive.models import Instance, Series, Study
    from backend.archive.store import put_object
    from backend.dicom.prepare import series_values, study_values
    from backend.projects.models import Case

    def keep(project: object, dataset: pydicom.Dataset, case: str | None = "image") -> Instance:
        header = {tag: item for tag, item in dataset.to_json_dict().items() if tag != "7FE00010"}
        header["00083002"] = {"vr": "UI", "Value": [dataset.file_meta.TransferSyntaxUID]}
        study, _ = Study.objects.get_or_create(
            archive=project.archive, study_instance_uid=dataset.StudyInstanceUID, defaults=study_values(header)
        )
        series, _ = Series.objects.get_or_create(
            study=study, series_instance_uid=dataset.SeriesInstanceUID, defaults=series_values(header, "OT")
        )
        frames = encoded_frames(dataset)
        blob = b"".join(frames)
        digest = hashlib.sha256(blob).hexdigest()
        put_object(key=f"frames/{project.archive.pk}/{digest}", data=blob)
        offsets = [sum(len(frame) for frame in frames[:i]) for i in range(len(frames))]
        instance = Instance.objects.create(
            series=series,
            sop_instance_uid=dataset.SOPInstanceUID,
            sop_class_uid=dataset.SOPClassUID,
            instance_number=dataset.get("InstanceNumber"),
            position=float(dataset.ImagePositionPatient[2]) if "ImagePositionPatient" in dataset else None,
            rows=dataset.Rows,
            columns=dataset.Columns,
            number_of_frames=len(frames),
            samples_per_pixel=dataset.SamplesPerPixel,
            bits_allocated=dataset.BitsAllocated,
            photometric_interpretation=dataset.PhotometricInterpretation,
            transfer_syntax_uid=dataset.file_meta.TransferSyntaxUID,
            received_digest=digest,
            original_uid_digest=digest,
            pixel_digest=digest,
            dicom_json=json.dumps(header),
            frames_key=f"frames/{project.archive.pk}/{digest}",
            frame_ranges=[[offset, len(frame)] for offset, frame in zip(offsets, frames, strict=True)],
        )
        of_case = {"instance": instance} if case == "image" else {"instance": None}
        if case and not Case.objects.filter(project=project, series=series, **of_case).exists():
            number = Case.objects.filter(project=project).count() + 1
            Case.objects.create(
                project=project,
                series=series,
                number=number,
                name=f"{dataset.Modality}-{number:04d}",
                split="POOL",
                group_key=f"g{number}",
                **of_case,
            )
        return instance

    return keep


@pytest.fixture
def example() -> Callable[[str], pydicom.Dataset]:
    """A file that comes with pydicom, with the UIDs that some of them lack."""

    def read(name: str) -> pydicom.Dataset:
        dataset = pydicom.dcmread(get_testdata_file(name, download=False))
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            if not dataset.get(keyword):
                setattr(dataset, keyword, pydicom.uid.generate_uid(entropy_srcs=[name, keyword]))
        if not dataset.get("Modality"):
            dataset.Modality = "OT"
        return dataset

    return read


@pytest.fixture
def url_of() -> Callable[..., str]:
    """The DICOMweb path of an instance, or of its series or study."""

    def url(project: object, instance: object, level: str = "instance", tail: str = "") -> str:
        study = instance.series.study.study_instance_uid
        path = f"/dicom-web/{project.slug}/studies/{study}"
        if level in ("series", "instance"):
            path += f"/series/{instance.series.series_instance_uid}"
        if level == "instance":
            path += f"/instances/{instance.sop_instance_uid}"
        return path + tail

    return url


@pytest.fixture(scope="session")
def web_process(django_db_setup: None, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of gunicorn, as the product runs it, on the test database (for tests with `transactional_db`)."""
    from django.db import connection

    from backend.config.supervisor import end_with_parent

    values = connection.settings_dict
    database = f"sqlite:///{values['NAME']}"
    if connection.vendor != "sqlite":
        database = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "backend.config.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", WEB_WORKER, "--workers", "1", "--threads", "8"]
    with (tmp_path_factory.mktemp("web") / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).resolve().parents[2],
            env=os.environ | {"DATABASE_URL": database, "OVERREAD_DICOMWEB_ORIGINS": "https://viewer.example"},
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent,
        )
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
    while True:
        try:
            requests.get(f"{url}/healthz", timeout=30)
            break
        except (requests.ConnectionError, requests.Timeout):
            assert time.monotonic() < deadline and process.poll() is None, Path(log.name).read_text()
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(20)
