"""Series in 2.5D and 3D: real rounds on one real case each, which they are to learn by heart.

`python -m tests.bench.bench_volumes [--case lung1|lung2|brain1|nlst] [--dimension 2.5d|3d] [--steps 150] [--size 64]`. Real
data (OVERREAD_TEST_DATA), the real import, a real round in this process. The Dice is that of the version on the very case it
was trained on, through the same reading and the same lifting of lesions into the case's own voxels as any other: it says
that the path is whole, not how good a model is. It prints one JSON object a case and dimension.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.bench_learning import set_up
from tests.bench.pieces import measured_once, once_options

CASES = ("lung1", "lung2", "brain1", "nlst")
SECONDS_A_STEP = {"2d": 0.1, "2.5d": 0.15, "3d": 1.0}


def read_nrrd(path: Path) -> tuple[np.ndarray, dict[str, str]]:
    """The voxels [frames, rows, columns] of an attached NRRD file, raw or gzip, and its header."""
    data = path.read_bytes()
    head, _, body = data.partition(b"\n\n")
    lines = [line for line in head.decode("ascii").splitlines()[1:] if not line.startswith("#")]
    header = dict(line.split(": ", 1) for line in lines if ": " in line)
    kinds = {"short": "i2", "unsigned char": "u1", "uchar": "u1", "unsigned short": "u2", "ushort": "u2", "int": "i4",
             "uint8": "u1", "int16": "i2", "uint16": "u2", "float": "f4", "double": "f8", "int32": "i4",
             "signed short": "i2", "long long": "i8"}  # fmt: skip
    order = "<" if header.get("endian", "little") == "little" else ">"
    raw = gzip.decompress(body) if header["encoding"] in ("gzip", "gz") else body
    sizes = [int(one) for one in header["sizes"].split()]
    return np.frombuffer(raw, order + kinds[header["type"]]).reshape(sizes[::-1]), header


def spacing_of(header: dict[str, str]) -> list[float]:
    """Millimetres between columns, rows and frames."""
    if "spacings" in header:
        return [float(one) for one in header["spacings"].split()]
    vectors = [one.strip("()").split(",") for one in header["space directions"].split() if one != "none"]
    return [float(np.linalg.norm([float(value) for value in one])) for one in vectors]


def write_series(image: np.ndarray, label: np.ndarray, spacing: list[float], modality: str, folder: Path) -> None:
    """The volume as DICOM slices in `ct`, its mask as PNG in `masks`."""
    from PIL import Image
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

    (folder / "ct").mkdir()
    (folder / "masks").mkdir()
    study, series = generate_uid(), generate_uid()
    for number, (plane, mask) in enumerate(zip(image, label, strict=True)):
        one = Dataset()
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.SOPClassUID = CTImageStorage if modality == "CT" else MRImageStorage
        one.SOPInstanceUID = generate_uid()
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
        one.StudyInstanceUID, one.SeriesInstanceUID, one.Modality = study, series, modality
        one.PatientID, one.InstanceNumber = "P1", number + 1
        one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, number * spacing[2]], [1, 0, 0, 0, 1, 0]
        one.PixelSpacing = [spacing[1], spacing[0]]
        one.Rows, one.Columns = plane.shape
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 16, 15, 1
        one.RescaleSlope, one.RescaleIntercept = 1, 0
        if modality != "CT":
            low, high = np.percentile(image, (0.5, 99.5))
            one.WindowCenter, one.WindowWidth = float((low + high) / 2), float(high - low)
        one.PixelData = np.ascontiguousarray(plane.astype("<i2")).tobytes()
        one.save_as(folder / "ct" / f"{number:03d}.dcm", enforce_file_format=True)
        Image.fromarray((mask > 0).astype(np.uint8) * 255).save(folder / "masks" / f"{number:03d}.png")


def import_case(name: str, data: Path, folder: Path) -> Any:
    """A project with this one labelled POOL case."""
    from django.core.management import call_command

    from backend.projects.models import Case, Project
    from backend.projects.services import create_project

    create_project(
        by=None,
        fields={"name": name, "slug": name, "modality": "MR" if name.startswith("brain") else "CT", "unit": "series"},
    )
    Project.objects.filter(slug=name).update(validation_share=0, holdout_share=0)
    options: dict[str, Any] = {"project": name, "unit": "series", "stdout": sys.stderr}
    if name == "nlst":
        call_command("import_images", str(data / "ct_nlst_101287" / "ct"), modality="CT", **options)
        read_boxes(Case.objects.get(project__slug=name), data / "ct_nlst_101287" / "sr_lesion_boxes.dcm")
    else:
        source = data / "volumes_pyradiomics"
        image, header = read_nrrd(source / f"{name}_image.nrrd")
        label, _ = read_nrrd(source / f"{name}_label.nrrd")
        modality = "MR" if name.startswith("brain") else "CT"
        write_series(image, label, spacing_of(header), modality, folder)
        call_command(
            "import_images", str(folder / "ct"), masks=str(folder / "masks"), modality=modality, findings="lesion", **options
        )
    return Project.objects.get(slug=name)


def read_boxes(case: Any, report: Path) -> None:
    """The boxes of the structured report as an imported reading: a box a slice, the other slices say nothing."""
    import pydicom

    from backend.projects.selectors import case_instances
    from backend.projects.services import add_finding_type
    from backend.readings.import_services import ImportedLesion, import_reading

    fields = {"scope": "lesion", "name": "Nodule", "colour": "#e8590c", "allowed_marks": ["box"]}
    kind = add_finding_type(project=case.project, fields=fields, by=None)
    of_uid = {row.sop_instance_uid: row for row in case_instances(case)}
    lesions = []
    for item in scoords(pydicom.dcmread(report)):
        points = np.array(item.GraphicData, dtype=float).reshape(-1, 2)
        (uid,) = [one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for one in item.ContentSequence]
        corners = [points.min(axis=0).tolist(), points.max(axis=0).tolist()]
        lesions.append(ImportedLesion(kind, "box", of_uid[uid], points=corners))
    import_reading(case=case, reader_name="SR", lesions=lesions, verdict="lesions", image_findings={}, label_kind="full")


def scoords(item: Any) -> list[Any]:
    """All SCOORD items below an item of a structured report."""
    found = [item] if getattr(item, "ValueType", "") == "SCOORD" else []
    return found + [one for child in getattr(item, "ContentSequence", []) for one in scoords(child)]


def learn(project: Any, dimension: str, steps: int, size: int) -> dict[str, Any]:
    """A real round, and what its version says of the case that it was trained on."""
    from backend.jobs.services import claim_job, finish_job
    from backend.learning.models import TrainingPolicy
    from backend.learning.services import start_round
    from workers.rounds import run_round

    TrainingPolicy.objects.update_or_create(
        project=project,
        defaults={"dimension": dimension, "image_size": size, "steps_scratch": steps, "steps_warm": steps, "seed": 0},
    )
    round_ = start_round(project=project, by=None)
    round_.settings["track"] = "scratch"
    round_.save(update_fields=["settings"])
    lease = claim_job(str(round_.job_id))
    assert lease is not None
    wall, cpu = time.monotonic(), time.process_time()
    run_round(lease)
    finish_job(lease, lease.result)
    spent = time.monotonic() - wall, time.process_time() - cpu
    round_.refresh_from_db()
    plan = round_.settings["plan"]
    return {
        "case": project.slug,
        "state": round_.state,
        "steps": steps,
        **{name: plan[name] for name in ("dimension", "size", "neighbours", "frame_spacing", "patch", "strides", "kernels")},
        **by_heart(round_.model_version),
        "loss": [round_.history[0][1], round_.history[-1][1]],
        "training_core_seconds": round_.model_version.core_seconds,
        "round_wall_cpu_seconds": [round(one, 1) for one in spent],
        "precision": round_.settings["precision"],
        "load": os.getloadavg()[0],
    }


def by_heart(version: Any) -> dict[str, Any]:
    """Dice of what the version shows against its own training label: in all slices, and in those that were marked."""
    from backend.learning.selectors import truth
    from workers.cnn.predict import union_mask
    from workers.datasets import case_images, case_truth
    from workers.networks import load_version

    loaded_version = load_version(version)
    (reading,) = truth(version.project, "POOL")
    loaded = case_images(reading.case, loaded_version.plan)
    began = time.process_time()
    ((_, lesions),) = loaded_version.read([loaded])
    seconds = time.process_time() - began
    shape = (len(loaded.frames), loaded.letterbox.rows, loaded.letterbox.columns)
    shown, true = union_mask(lesions, shape=shape, threshold=0.5), np.zeros(shape, dtype=bool)
    for _, region in case_truth(reading, loaded=loaded, vocabulary=loaded_version.vocabulary).lesions:
        spans = tuple(slice(at, at + extent) for at, extent in zip(region.origin, region.mask.shape, strict=True))
        true[spans] |= region.mask
    marked = true.any(axis=(1, 2))
    return {
        "dice": round(dice(shown, true), 3),
        "dice_of_marked_slices": round(dice(shown[marked], true[marked]), 3),
        "slices": [len(marked), int(marked.sum())],
        "reading_core_seconds": round(seconds, 2),
    }


def dice(shown: np.ndarray, true: np.ndarray) -> float:
    return float(2 * (shown & true).sum() / max(int(shown.sum() + true.sum()), 1))


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing; 0 also where the real data is absent, with the reason."""
    parser = once_options(__doc__, folder="var/bench/volumes")
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--dimension", action="append", choices=("2d", "2.5d", "3d"))
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--size", type=int, default=64)
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "volumes_pyradiomics").is_dir():
        print("bench_volumes: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    began, minutes = time.monotonic(), options.minutes
    with tempfile.TemporaryDirectory(prefix="ovr-bench-") as folder:
        set_up(Path(folder))
        import torch
        from django.core.management import call_command

        torch.set_num_threads(1)
        call_command("migrate", verbosity=0)
        for name in options.case or CASES:
            for dimension in options.dimension or ("2.5d", "3d"):
                options.minutes = minutes - (time.monotonic() - began) / 60
                told = measured_once(
                    "volumes",
                    options,
                    about={"case": name, "dimension": dimension, "steps": options.steps, "size": options.size},
                    guess_minutes=options.steps * SECONDS_A_STEP[dimension] / 60,
                    measure=partial(
                        lambda name, dimension: learn(
                            case_of(name, data, Path(folder)), dimension, options.steps, options.size
                        ),
                        name,
                        dimension,
                    ),
                )
                if told is not None:
                    print(json.dumps(told), flush=True)
    return 0


def case_of(name: str, data: Path, folder: Path) -> Any:
    """The project of the case, imported where it was not yet."""
    from backend.projects.models import Project

    known = Project.objects.filter(slug=name).first()
    if known is not None:
        return known
    place = folder / name
    place.mkdir()
    return import_case(name, data, place)


if __name__ == "__main__":
    sys.exit(main())
