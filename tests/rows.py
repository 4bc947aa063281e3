"""Rows that many tests begin with: images (with pixels on demand), cases, a serving model and its readings."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import Any

import numpy as np

_numbers = itertools.count(1)


def make_instances(project: Any, *, rows: int = 80, columns: int = 100, count: int = 1, frames: int = 1) -> list[Any]:
    """A study with one series of `count` instances; there is nothing in the object store."""
    from backend.archive.models import Instance, Series, Study

    number = next(_numbers)
    study = Study.objects.create(archive=project.archive, study_instance_uid=f"1.2.{number}")
    series = Series.objects.create(study=study, series_instance_uid=f"1.2.{number}.1", modality=project.modality)
    return [
        Instance.objects.create(
            series=series,
            sop_instance_uid=f"1.2.{number}.1.{index}",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.7",
            instance_number=index,
            position=float(index),
            rows=rows,
            columns=columns,
            number_of_frames=frames,
            bits_allocated=8,
            photometric_interpretation="MONOCHROME2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            received_digest=f"r{number}-{index}",
            original_uid_digest=f"u{number}-{index}",
            pixel_digest=f"p{number}-{index}",
            dicom_json="{}",
            frames_key=f"frames/none/{number}-{index}",
            frame_ranges=[[0, rows * columns]] * frames,
        )
        for index in range(1, count + 1)
    ]


def add_pixels(instance: Any, pixels: np.ndarray) -> None:
    """Store 8-bit grey pixels [frames, rows, columns] as the instance's frames, with the header that decoding asks for."""
    from backend.archive.store import put_object

    frames, rows, columns = pixels.shape
    values = {
        "00083002": ("UI", "1.2.840.10008.1.2.1"),
        "00280002": ("US", 1),
        "00280004": ("CS", "MONOCHROME2"),
        "00280010": ("US", rows),
        "00280011": ("US", columns),
        "00280100": ("US", 8),
        "00280101": ("US", 8),
        "00280103": ("US", 0),
    }
    instance.dicom_json = json.dumps({tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()})
    instance.rows, instance.columns, instance.number_of_frames = rows, columns, frames
    instance.frame_ranges = [[index * rows * columns, rows * columns] for index in range(frames)]
    instance.frames_key = f"frames/test/{instance.sop_instance_uid}"
    instance.save()
    put_object(key=instance.frames_key, data=pixels.astype(np.uint8).tobytes())


def make_case(project: Any, *, split: str = "POOL", group: str = "", **more: Any) -> Any:
    """One open case of the project's unit; `more` are fields of Case, or rows, columns, count, frames of its images."""
    from backend.projects.models import Case

    shape = {name: more.pop(name) for name in ("rows", "columns", "count", "frames") if name in more}
    instances = make_instances(project, **shape)
    number = project.cases.count() + 1
    return Case.objects.create(
        project=project,
        series=instances[0].series,
        instance=instances[0] if project.unit == "image" else None,
        number=number,
        name=f"{project.modality}-{number:04}",
        split=split,
        group_key=group or f"group-{number}",
        **{"is_open": split != "EMBARGOED", **more},
    )


def make_model(project: Any, *, state: str = "serves", display_threshold: float = 0.5, number: int = 1) -> Any:
    """A model version as a reader."""
    from backend.readings.models import Reader
    from backend.registry.models import ModelVersion

    version = ModelVersion.objects.create(
        project=project,
        number=number,
        state=state,
        weights_key="models/none",
        weights_sha256="0" * 64,
        config={},
        finding_type_ids=[],
        snapshot_hash="0" * 64,
        n_labels=1,
        seed=0,
        code_version="test",
        steps=1,
        core_seconds=1.0,
        display_threshold=display_threshold,
    )
    return Reader.objects.create(project=project, kind="model", name=f"v{number}", model_version=version)


def make_reading(
    reader: Any, case: Any, *, scores: list[float | None] | None = None, state: str = "submitted", **more: Any
) -> Any:
    """A reading of `reader` with one box per score, each 10 × 10 pixels, side by side from the top-left corner."""
    from backend.projects.selectors import case_instances
    from backend.readings.models import Lesion, Reading

    reading = Reading.objects.create(case=case, reader=reader, state=state, verdict="lesions", **more)
    finding_type = case.project.finding_types.filter(scope="lesion").order_by("position").first()
    for index, score in enumerate(scores or []):
        Lesion.objects.create(
            id=uuid.uuid4(),
            reading=reading,
            finding_type=finding_type,
            kind="box",
            instance=case_instances(case).first(),
            points=[[index * 10.0, 0.0], [index * 10.0 + 10.0, 10.0]],
            score=score,
            origin="predicted" if reader.kind == "model" else "imported",
        )
    return reading


def make_edit(reading: Any, reader: Any, *, scores: list[float | None] | None = None, state: str = "submitted") -> Any:
    """A reading of `reader` that edits another's as it is now; submitted, it has taken that one's place."""
    revises = {"revises": reading, "revises_revision": reading.revision, "revision": 1}
    return make_reading(reader, reading.case, scores=[None] if scores is None else scores, state=state, **revises)
