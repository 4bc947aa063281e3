"""A project of small images with bright and dark discs, and an imported reader who knows the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.rows import make_case

SIZE = 32


@pytest.fixture(autouse=True)
def quiet_machine(settings: Any, tmp_path: Any) -> None:
    """One thread, and an array cache and object store of this test's own."""
    torch.set_num_threads(1)
    settings.DATA_DIR = tmp_path
    settings.OBJECT_STORE_URL = (tmp_path / "objects").as_uri()


def disc_image(kind: int, generator: np.random.Generator, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Grey noise with a bright (kind 1) or dark (kind 2) disc, or none; and the disc's mask."""
    image = generator.normal(120, 10, (size, size))
    mask = np.zeros((size, size), dtype=bool)
    if kind:
        row, column = generator.integers(8, size - 8, 2)
        rows, columns = np.ogrid[:size, :size]
        mask = (rows - row) ** 2 + (columns - column) ** 2 <= 25
        image[mask] += 70 if kind == 1 else -70
    return image.clip(0, 255).astype(np.uint8), mask


def header(rows: int, columns: int) -> dict[str, Any]:
    """The DICOM JSON that decoding asks for: 8-bit grey, uncompressed."""
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
    return {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()}


@pytest.fixture
def draw_case(project: Any) -> Callable[..., Any]:
    """Makes a case with pixels in the store; `case.lesion_mask` and `case.lesion_kind` are what is really there."""
    from backend.archive.store import put_object

    generator = np.random.default_rng(0)

    def make(kind: int = 1, *, frames: int = 1, pixels: np.ndarray | None = None, **more: Any) -> Any:
        if pixels is None:
            drawn = [disc_image(kind, generator) for _ in range(frames)]
            pixels, mask = np.stack([image for image, _ in drawn]), np.stack([mask for _, mask in drawn])
        else:
            mask = np.zeros(pixels.shape, dtype=bool)
        made = make_case(project, rows=pixels.shape[1], columns=pixels.shape[2], frames=len(pixels), **more)
        instance = made.instance
        instance.frames_key = f"frames/test/{made.pk}"
        area = pixels.shape[1] * pixels.shape[2]
        instance.frame_ranges = [[index * area, area] for index in range(len(pixels))]
        instance.dicom_json = json.dumps(header(*pixels.shape[1:]))
        instance.save()
        put_object(key=instance.frames_key, data=pixels.tobytes())
        made.lesion_mask, made.lesion_kind = mask, kind
        return made

    return make


@pytest.fixture
def read_truth(project: Any) -> Callable[..., Any]:
    """The imported reader's reading of a drawn case."""
    from backend.archive.store import put_object
    from backend.geometry.rasterise import crop_mask
    from backend.geometry.rle import blob_key, encode_mask, mask_digest
    from backend.readings.import_services import ImportedLesion, import_reading
    from backend.readings.models import Reading

    types = {index: project.finding_types.get(scope="lesion", position=index - 1) for index in (1, 2)}

    def read(case: Any, reader_name: str = "truth") -> Any:
        lesions = []
        if case.lesion_mask.any():
            origin, cut = crop_mask(case.lesion_mask)
            blob = encode_mask(cut)
            put_object(key=blob_key(mask_digest(blob)), data=blob)
            lesions.append(
                ImportedLesion(
                    types[case.lesion_kind],
                    "mask",
                    case.instance,
                    frame=origin[0] + 1,
                    mask_origin=origin,
                    mask_shape=list(cut.shape),
                    mask_digest=mask_digest(blob),
                )
            )
        import_reading(
            case=case,
            reader_name=reader_name,
            lesions=lesions,
            verdict="lesions" if lesions else "no_lesion",
            image_findings={},
            label_kind="full",
        )
        return Reading.objects.get(case=case, reader__name=reader_name)

    return read


@pytest.fixture
def disc_project(project: Any, draw_case: Any, read_truth: Any) -> Any:
    """24 labelled POOL cases, 30 labelled VALIDATION cases (20 with lesions), 6 HOLDOUT cases, 10 unread POOL cases; a
    gate without a margin."""
    from backend.learning.models import TrainingPolicy

    for index in range(24):
        read_truth(draw_case(index % 3))
    for index in range(30):
        read_truth(draw_case(index % 3, split="VALIDATION"))
    for index in range(6):
        read_truth(draw_case(index % 3, split="HOLDOUT"))
    for index in range(10):
        draw_case(index % 3)
    # Twenty lesions show no version to be within the margin of another: a challenger serves unless shown to be worse.
    TrainingPolicy.objects.create(
        project=project, image_size=SIZE, steps_scratch=60, steps_warm=10, batch_size=4, random_share=0.25, gate_margin=None
    )
    return project


@pytest.fixture
def quick_project(disc_project: Any) -> Any:
    """The same without truth in VALIDATION, three steps of training, and a lead who lets unproven versions serve."""
    from backend.readings.models import Reading

    Reading.objects.filter(case__split="VALIDATION").delete()
    policy = disc_project.training_policy
    policy.steps_scratch, policy.steps_warm, policy.unproven_serves = 3, 3, True
    policy.save()
    return disc_project


@pytest.fixture
def work() -> Callable[[Any], Any]:
    """Runs a round's job to its end in this process and returns the round."""
    from backend.jobs.services import claim_job, finish_job
    from workers.rounds import run_round

    def run(round_: Any) -> Any:
        lease = claim_job(round_.job_id)
        assert lease is not None
        run_round(lease)
        finish_job(lease, lease.result)
        round_.refresh_from_db()
        return round_

    return run


@pytest.fixture
def shuffle_labels() -> Callable[[Any], None]:
    """Gives every labelled POOL case of a project the lesions and the verdict of another one."""
    from backend.readings.models import Lesion, Reading

    def shuffle(project: Any) -> None:
        rows = Reading.objects.filter(case__project=project, case__split="POOL", reader__kind="imported")
        # In the order in which they were made, whatever the database: with 24 labels many another shuffling teaches, by
        # luck, that discs are where marks are, and the gate then rightly lets it pass.
        readings = list(rows.order_by("created_at"))
        lesions = [list(reading.lesions.all()) for reading in readings]
        order = np.random.default_rng(1).permutation(len(readings))
        for reading, taken in zip(readings, (lesions[index] for index in order), strict=True):
            for lesion in taken:
                Lesion.objects.filter(pk=lesion.pk).update(reading=reading, instance=reading.case.instance)
            Reading.objects.filter(pk=reading.pk).update(verdict="lesions" if taken else "no_lesion")

    return shuffle


@pytest.fixture
def database_url() -> str:
    """The test's database, for other processes."""
    from django.db import connection

    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    return f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
