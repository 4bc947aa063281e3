"""The demonstration: two projects of phantom images, made once, through the same door as any other images."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.accounts.models import User
from backend.archive.models import Instance
from backend.dicom.phantom import ct_series, file_bytes, radiograph_file
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem, ImportRun
from backend.exchange.services import import_from_server
from backend.geometry.rasterise import crop_mask
from backend.geometry.rle import encode_mask, mask_digest
from backend.learning.models import TrainingPolicy
from backend.projects.models import Case, FindingType, Project, Split
from backend.projects.selectors import case_instances
from backend.projects.services import create_project, set_member
from backend.readings.blobs import store_blob
from backend.readings.import_services import ImportedLesion, ImportedReading, import_readings
from backend.readings.models import Reading, Verdict

CHEST: Final = "phantom-chest"
CT: Final = "phantom-ct"
RADIOGRAPHS: Final = 110
TRUTH: Final = "Phantom truth"
# All of VALIDATION comes with its truth, so that the first round is measured: about 44 cases, all but surely more than
# the 20 with a lesion that a number needs. Of the POOL as many as a first round learns from; the others are to be read.
_VALIDATION_SHARE: Final = 0.4
_WITH_TRUTH: Final[Mapping[str, int]] = {Split.POOL: 44, Split.VALIDATION: RADIOGRAPHS}
# A first round in about a minute: phantoms are easier than patients, their lesions are seen at 96² pixels.
_POLICY: Final = {"image_size": 96, "steps_scratch": 300}
_MARKS: Final = ("box", "ellipse", "polygon", "freehand", "mask")
_TYPES: Final = (
    {
        "name": "Nodule", "colour": "#eaaa1c", "key": "1",
        "code_scheme": "SCT", "code_value": "27925004", "code_meaning": "Nodule",
    },
    {
        "name": "Mass", "colour": "#6c88fe", "key": "2",
        "code_scheme": "SCT", "code_value": "4147007", "code_meaning": "Mass",
    },
)  # fmt: skip


@dataclass(frozen=True)
class KnownLesion:
    """A lesion of a phantom: its kind, and its mask cropped to shape with the origin [frame, row, column]."""

    kind: str
    origin: list[int]
    mask: NDArray[np.bool_]


def make_demonstration(*, say: Callable[[str], None]) -> None:
    """Make both projects; where they are, nothing changes."""
    lead = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if _is_complete(CHEST, RADIOGRAPHS):
        say("The synthetic radiographs are here.")
    else:
        say(f"Computing {RADIOGRAPHS} synthetic radiographs …")
        _make_chest(lead, say)
    if _is_complete(CT, 1):
        say("The synthetic CT is here.")
    else:
        say("Computing a synthetic CT …")
        _make_ct(lead, say)


def _is_complete(slug: str, cases: int) -> bool:
    """Whether a project has its cases and their truth; one that was broken off is made up to it."""
    found = Case.objects.filter(project__slug=slug).count() >= cases
    return found and Reading.objects.filter(case__project__slug=slug, reader__name=TRUTH).exists()


def _make_chest(lead: User | None, say: Callable[[str], None]) -> None:
    project = _project(
        lead,
        {
            "slug": CHEST,
            "name": "Chest radiographs (SYNTHETIC)",
            "question": "Is there a nodule or a mass?",
            "modality": "DX",
            "unit": "image",
            "validation_share": _VALIDATION_SHARE,
            "holdout_share": 0.0,
            "finding_types": [{**kind, "allowed_marks": list(_MARKS)} for kind in _TYPES],
        },
    )
    TrainingPolicy.objects.get_or_create(project=project, defaults=_POLICY)
    with tempfile.TemporaryDirectory(prefix="overread-demo-") as folder:
        known = _write_radiographs(Path(folder))
        run = _import(project, lead, Path(folder))
    by_file = {item.name: item.case for item in ImportItem.objects.filter(run=run).select_related("case") if item.case}
    chosen = list(_chosen(sorted(by_file.items())))
    _tell_truth(project, [(case, known[name]) for name, case in chosen])
    say(f"{project.name}: {len(by_file)} cases, {len(chosen)} of them with their truth.")


def _make_ct(lead: User | None, say: Callable[[str], None]) -> None:
    project = _project(
        lead,
        {
            "slug": CT,
            "name": "Chest CT (SYNTHETIC)",
            "question": "Where are the nodules?",
            "modality": "CT",
            "unit": "series",
            "validation_share": 0.0,
            "holdout_share": 0.0,
            # The truth is one reading; the second one is the newcomer's.
            "readings_wanted": 2,
            "finding_types": [{**_TYPES[0], "allowed_marks": list(_MARKS)}],
        },
    )
    made = ct_series()
    with tempfile.TemporaryDirectory(prefix="overread-demo-") as folder:
        for name, dataset in zip(made.names, made.datasets, strict=True):
            (Path(folder) / name).write_bytes(file_bytes(dataset))
        _import(project, lead, Path(folder))
    lesions = [_known(kind, mask) for kind, mask in made.lesions]
    _tell_truth(project, [(case, lesions) for case in Case.objects.filter(project=project)])
    say(f"{project.name}: {len(made.names)} slices, {len(lesions)} nodules.")


def _project(lead: User | None, fields: dict[str, Any]) -> Project:
    project = Project.objects.filter(slug=fields["slug"]).first()
    if project is None:
        project = create_project(by=lead, fields={"synthetic": True, **fields})
    elif lead is not None:
        set_member(project=project, username=lead.get_username(), role="lead", by=None)
    return project


def _import(project: Project, lead: User | None, folder: Path) -> ImportRun:
    run, _ = import_from_server(
        project=project, by=lead, options=ImportOptions(source=str(folder)), limit=None, on_item=lambda *_: None
    )
    return run


def _write_radiographs(folder: Path) -> dict[str, list[KnownLesion]]:
    """Write the files, on all cores, and return the lesions of each."""
    # Fresh processes without Django: a fork would inherit open database connections.
    context = multiprocessing.get_context("spawn")
    known = {}
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1), mp_context=context) as pool:
        for name, data, lesions in pool.map(radiograph_file, range(1, RADIOGRAPHS + 1), chunksize=4):
            (folder / name).write_bytes(data)
            known[name] = [_known(kind, mask[None]) for kind, mask in lesions]
    return known


def _known(kind: str, mask: NDArray[np.bool_]) -> KnownLesion:
    origin, cropped = crop_mask(mask)
    return KnownLesion(kind, origin, cropped)


def _chosen(files: Sequence[tuple[str, Case]]) -> Iterator[tuple[str, Case]]:
    """The first files of each split, as many as come with their truth."""
    left = dict(_WITH_TRUTH)
    for name, case in files:
        if left.get(case.split, 0) > 0:
            left[case.split] -= 1
            yield name, case


def _tell_truth(project: Project, known: Sequence[tuple[Case, Sequence[KnownLesion]]]) -> None:
    types = {finding_type.name: finding_type for finding_type in FindingType.objects.filter(project=project)}
    readings = [
        ImportedReading(
            case=case,
            lesions=[_lesion(case, lesion, types) for lesion in lesions],
            verdict=Verdict.LESIONS if lesions else Verdict.NO_LESION,
            image_findings={},
            label_kind="full",
        )
        for case, lesions in known
    ]
    import_readings(project=project, reader_name=TRUTH, readings=readings)


def _lesion(case: Case, lesion: KnownLesion, types: Mapping[str, FindingType]) -> ImportedLesion:
    blob = encode_mask(lesion.mask)
    digest = mask_digest(blob)
    store_blob(digest=digest, data=blob)
    instance: Instance = case_instances(case)[lesion.origin[0]]
    return ImportedLesion(
        finding_type=types[lesion.kind],
        kind="mask",
        instance=instance,
        mask_origin=lesion.origin,
        mask_shape=list(lesion.mask.shape),
        mask_digest=digest,
    )
