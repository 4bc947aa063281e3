"""Small projects with every kind of mark on images that went through the door: odd widths, corners, holes, overlaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

ROWS, COLUMNS = 37, 53
SLICES = 5
TILT = [0.8, 0.6, 0.0, -0.6, 0.8, 0.0]
"""Row and column directions of a series that lies askew in the patient."""


def write_images(folder: Path, make_dicom: Any, as_file: Any, *, slices: int = 0, number: int = 1) -> None:
    """A DICOM image, or a tilted series with pixels that are not square; every pixel has a value of its own kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(slices or 1):
        pixels = np.random.default_rng(100 * number + index).integers(0, 1000, (ROWS, COLUMNS)).astype(np.int16)
        place = {
            "SOPInstanceUID": f"1.3.6.1.4.1.99999.{number}.{index + 1}",
            "SeriesInstanceUID": f"1.3.6.1.4.1.99999.{number}.100",
            "StudyInstanceUID": f"1.3.6.1.4.1.99999.{number}",
            "PatientID": f"P{number}",
            "InstanceNumber": index + 1,
        }
        if slices:
            place |= {
                "ImagePositionPatient": [10.5, -20.25, 30.0 + 2.5 * index],
                "ImageOrientationPatient": TILT,
                "PixelSpacing": [0.7, 0.9],
                "FrameOfReferenceUID": f"1.3.6.1.4.1.99999.{number}.200",
            }
        dataset = make_dicom(pixels, **place)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        (folder / f"image-{number}-{index + 1}.dcm").write_bytes(as_file(dataset))


def make_project(*, unit: str, deid: str, slug: str = "phantom") -> Any:
    """A project with two lesion types (one with a code and attributes) and a finding of the whole image."""
    from backend.archive.models import Archive
    from backend.projects.models import FindingType, Project

    archive = Archive.objects.create(slug=slug, name=slug, deid_profile=deid)
    project = Project.objects.create(slug=slug, name="Phantom", modality="CT", unit=unit, archive=archive)
    marks = ["box", "ellipse", "polygon", "freehand", "mask", "point"]
    attributes = [{"name": "Margin", "values": ["smooth", "spiculated"]}]
    FindingType.objects.create(
        project=project, name="Nodule", colour="#eaaa1c", allowed_marks=marks, attributes=attributes,
        code_scheme="SCT", code_value="27925004", code_meaning="Nodule",
    )  # fmt: skip
    FindingType.objects.create(project=project, name="Mass, other", colour="#6c88fe", allowed_marks=marks, position=1)
    FindingType.objects.create(project=project, scope="image", name="Emphysema", colour="#f2f2f2")
    return project


def import_images(project: Any, folder: Path) -> list[Any]:
    """The cases of a folder of images, through the door."""
    from backend.exchange.import_options import ImportOptions
    from backend.exchange.services import import_from_server

    options = ImportOptions(source=str(folder))
    import_from_server(project=project, by=None, options=options, limit=None, on_item=lambda *_: None)
    return list(project.cases.order_by("number"))


def stored_mask(mask: np.ndarray, origin: list[int]) -> dict[str, Any]:
    """Fields of a mask lesion whose blob is kept."""
    from backend.archive.store import put_object
    from backend.geometry.rle import blob_key, encode_mask, mask_digest

    blob = encode_mask(mask)
    put_object(key=blob_key(mask_digest(blob)), data=blob)
    return {"kind": "mask", "points": [], "mask_origin": origin, "mask_shape": list(mask.shape),
            "mask_digest": mask_digest(blob)}  # fmt: skip


def hard_masks(slices: int) -> list[dict[str, Any]]:
    """Masks that formats stumble over: the image's last pixel, a hole, two parts, an overlap, a gap between slices."""
    corner = np.ones((1, 1, 1), bool)
    ring = np.ones((1, 7, 9), bool)
    ring[0, 3, 4] = False
    parts = np.zeros((1, 5, 9), bool)
    parts[0, :2, :2] = parts[0, 3:, 6:] = True
    found = [
        stored_mask(corner, [0, ROWS - 1, COLUMNS - 1]),
        stored_mask(corner, [0, 0, 0]),
        stored_mask(ring, [0, 10, 20]),
        stored_mask(parts, [0, 25, 3]),
        stored_mask(np.ones((1, 5, 5), bool), [0, 12, 24]),
    ]
    if slices:
        volume = np.zeros((4, 6, 7), bool)
        volume[0, 1:3, 1:3] = volume[1, 1:5, 2:7] = volume[3, :, 0] = True
        volume[0, 0, 6] = volume[3, 5, 6] = True
        found.append(stored_mask(volume, [1, 18, 30]))
    return found


POINTS = {
    "box": [[3.25, 4.5], [20.125, 30.0625]],
    "ellipse": [[10, 20], [40, 20], [25, 12], [25, 28]],
    "polygon": [[5, 5], [50, 8.123456], [30, 35], [12, 22.5]],
    "freehand": [[5, 5], [30, 5.5], [30, 35], [12, 22.5], [9, 9]],
    "point": [[52.5, 0.5]],
}


def read_cases(project: Any, cases: list[Any]) -> None:
    """Two readers: all marks on the first case; nothing there, and findings of the whole image, by the second."""
    from backend.exchange.export_selection import case_frames

    nodule, mass = project.finding_types.filter(scope="lesion").order_by("position")
    emphysema = project.finding_types.get(scope="image")
    case = cases[0]
    frames = case_frames(case)
    marks = [{"kind": kind, "points": points} for kind, points in POINTS.items()]
    marks += hard_masks(len(frames) if len(frames) > 1 else 0)
    first = add_reading(project, case, "LIDC 1", "lesions", {str(emphysema.pk): "present"})
    for index, fields in enumerate(marks):
        frame = frames[fields["mask_origin"][0]] if fields["kind"] == "mask" else frames[-1]
        add_lesion(first, mass if index % 3 == 2 else nodule, frame, fields, {"Margin": "spiculated"} if index == 0 else {})
    second = add_reading(project, case, "Ärztin Nr. 2", "lesions", {})
    add_lesion(second, mass, frames[0], {"kind": "mask", **stored_mask(np.ones((1, 3, 4), bool), [0, 0, COLUMNS - 4])}, {})
    for other in cases[1:]:
        add_reading(project, other, "LIDC 1", "no_lesion", {str(emphysema.pk): "absent"})


def add_reading(project: Any, case: Any, reader: str, verdict: str, findings: dict[str, str]) -> Any:
    """A submitted reading of an imported reader."""
    from django.utils import timezone

    from backend.readings.models import Reader, Reading

    made, _ = Reader.objects.get_or_create(project=project, kind="imported", name=reader)
    return Reading.objects.create(
        case=case, reader=made, state="submitted", verdict=verdict, image_findings=findings, submitted_at=timezone.now(),
        revision=1,
    )  # fmt: skip


def add_lesion(reading: Any, finding_type: Any, frame: Any, fields: dict[str, Any], attributes: dict[str, str]) -> Any:
    """A lesion of the reading."""
    from backend.readings.models import Lesion

    return Lesion.objects.create(
        reading=reading, finding_type=finding_type, instance_id=frame.instance_id, frame=frame.number,
        attributes=attributes, origin="imported", **fields,
    )  # fmt: skip
