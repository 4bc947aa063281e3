"""A receiver of the test's own, a project that it leads to, and CT slices to send."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from tests.orthanc import orthanc  # noqa: F401

REPOSITORY = Path(__file__).resolve().parents[2]


def ct_slice(number: int, *, study: str, series: str, size: int = 32, patient: str = "P-17") -> Dataset:
    """A CT slice of noise, 2 mm above the last."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{series}.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, f"{series}.9999"
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = (
        "Doe^Jane",
        patient,
        "19700101",
        "F",
    )
    dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber, dataset.StudyID = "20240311", "101112", "ACC-5", "5"
    dataset.StudyDescription, dataset.SeriesDescription = "Thorax", "Lung 2.0"
    dataset.ReferringPhysicianName = ""
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "CT", 2, number
    dataset.Rows = dataset.Columns = size
    dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.7], 2
    dataset.ImageOrientationPatient, dataset.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2 * number]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation, dataset.RescaleIntercept, dataset.RescaleSlope = 15, 0, -1024, 1
    noise = np.random.default_rng(number).integers(0, 2000, (size, size), dtype=np.uint16)
    dataset.PixelData = noise.tobytes()
    return dataset


@pytest.fixture
def slices(tmp_path: Path) -> Callable[..., Path]:
    """A folder of the slices of one CT series."""

    def make(count: int = 3, **more: Any) -> Path:
        folder = tmp_path / f"slices-{generate_uid()[-8:]}"
        folder.mkdir()
        study = generate_uid()
        for number in range(1, count + 1):
            dataset = ct_slice(number, study=study, series=f"{study}.1"[:58], **more)
            pydicom.dcmwrite(folder / f"{number:04d}.dcm", dataset, enforce_file_format=True)
        return folder

    return make


@pytest.fixture
def ct_project(transactional_db: None, project: Any) -> Any:
    """A project of series that receives as LUNGS what the node SCANNER sends from this machine."""
    from backend.dimse.models import ReceivingTitle, RemoteNode

    project.unit, project.modality = "series", "CT"
    project.save()
    ReceivingTitle.objects.create(project=project, ae_title="LUNGS")
    RemoteNode.objects.create(
        project=project, name="CT 1", kind="dimse", host="127.0.0.1", ae_title="SCANNER", may_send=True
    )
    return project


@pytest.fixture
def empty_spool(settings: Any) -> Iterator[Path]:
    """The spool, with nothing of another test in it."""
    folder: Path = settings.SPOOL_DIR
    shutil.rmtree(folder, ignore_errors=True)
    settings.DICOM_IDLE_SECONDS = 5.0
    settings.DICOM_RESERVE_MB = 10
    settings.RECEIVED_QUIET_SECONDS = 1.0
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def receiver(ct_project: Any, empty_spool: Path) -> Iterator[Any]:
    """A receiver in threads of this process."""
    from backend.dimse.receiver import Receiver

    started = Receiver(host="127.0.0.1", port=0)
    started.start()
    yield started
    started.stop()
    wait_until(lambda: not started.is_busy(), 10)


@pytest.fixture
def receiver_process(
    ct_project: Any, empty_spool: Path, tmp_path: Path
) -> Iterator[Callable[[], tuple[subprocess.Popen[bytes], int]]]:
    """Starts `manage.py dicom_receiver` on the test database; gives the process and its port. It logs to receiver.log."""
    from django.db import connection

    values = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{values['NAME']}"
    else:
        url = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str, **environment: str) -> tuple[subprocess.Popen[bytes], int]:
        with (tmp_path / "receiver.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "dicom_receiver", "--port", "0", *options],
                cwd=REPOSITORY,
                env=os.environ
                | {"DATABASE_URL": url, "MALLOC_ARENA_MAX": "2", "OVERREAD_DICOM_RESERVE_MB": "10"}
                | {"OVERREAD_RECEIVED_QUIET_SECONDS": "1"}
                | environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        started.append(process)
        assert process.stdout is not None
        return process, int(process.stdout.readline().rpartition(b":")[2] or 0)

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def dcmtk() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program of dcmtk against a port of this machine; skips where it is not installed."""

    def run(program: str, port: int, *options: str, calling: str = "SCANNER", called: str = "LUNGS") -> Any:
        if shutil.which(program) is None:
            pytest.skip(f"{program} (Debian's dcmtk) is not installed")
        command = [program, "-v", "-to", "10", "-aet", calling, "-aec", called, "127.0.0.1", str(port), *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return run
