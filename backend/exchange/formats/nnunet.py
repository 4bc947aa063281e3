"""nnU-Net v2 dataset folders: a dataset per reader with a label volume per case, images beside them where they go alongside.

`dataset.json`, `imagesTr/<case>_0000.nii.gz`, `labelsTr/<case>.nii.gz` as nnU-Net's documentation asks for; VALIDATION and
HOLDOUT go to `imagesTs` and `labelsTs`, which nnU-Net does not train on. A label volume holds one type a voxel: where types
overlap, the one later in the vocabulary stays.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from django.utils.text import slugify
from numpy.typing import NDArray
from PIL import Image

from backend.dicom.refusal import Refused
from backend.exchange.case_names import without_extension
from backend.exchange.export_selection import ExportCase, lesion_masks, lesions_of
from backend.exchange.foreign import ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.documents import read_json
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, KnownImages, ReadContext
from backend.exchange.formats.label_volumes import LabelVolume, in_grid, is_grid, labels_of, lesions_of_labels
from backend.exchange.formats.metaimage_files import read_metaimage
from backend.exchange.formats.nifti_files import image_volume, nifti_affine, nifti_bytes, read_nifti
from backend.exchange.formats.nrrd_files import read_nrrd
from backend.exchange.formats.options import APART
from backend.projects.models import Split
from backend.readings.models import Reading, Verdict

TITLE: Final = "nnU-Net dataset"
READ_IN_CHILD = True
READ_OPTIONS: Final = (APART,)
SPECIFICITY: Final = 10
CARRIES: Final = Carries(kinds=frozenset({"mask"}), instances=False, overlaps=False, no_lesion=True)
FILE: Final = "dataset.json"
_ENDING: Final = ".nii.gz"


@dataclass
class _Dataset:
    """One reader's dataset, as far as it is written."""

    reader: str
    number: int
    training: int = 0
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)


def write(export: Export) -> Iterator[ExportFile]:
    """A dataset per reader, numbered from 1."""
    types = [one for one in export.finding_types if one.scope == "lesion"]
    values = {one.pk: number for number, one in enumerate(types, start=1)}
    datasets: dict[int, _Dataset] = {}
    for item in export.cases:
        if not is_grid(item):
            raise Refused(f"The pictures of {item.case.name} differ in size: they make no volume. Leave the case out.")
        for reading in item.readings:
            name = export.reader_names[reading.reader_id]
            dataset = datasets.setdefault(reading.reader_id, _Dataset(name, len(datasets) + 1))
            yield from _case_files(export, dataset, item, reading, values)
    for dataset in datasets.values():
        document = {
            "name": _folder(dataset),
            "description": export.project.name,
            "channel_names": {"0": "CT" if export.project.modality == "CT" else export.project.modality},
            "labels": {"background": 0, **{one.name: values[one.pk] for one in types}},
            "numTraining": dataset.training,
            "file_ending": _ENDING,
            "overwrite_image_reader_writer": "SimpleITKIO",
            "reader": dataset.reader,
            "complete": not export.filtered,
            "cases": dataset.cases,
        }
        yield ExportFile(f"{_folder(dataset)}/{FILE}", [json.dumps(document, ensure_ascii=False, indent=1).encode()])


def _folder(dataset: _Dataset) -> str:
    return f"Dataset{dataset.number:03d}_{slugify(dataset.reader).replace('-', '_') or 'reader'}"


def _case_files(
    export: Export, dataset: _Dataset, item: ExportCase, reading: Reading, values: Mapping[int, int]
) -> Iterator[ExportFile]:
    lesions = lesions_of(reading)
    first = item.frames[0]
    entry = {
        "sop_instance_uid": first.sop_instance_uid,
        "frame": first.number,
        "split": item.case.split,
        "verdict": reading.verdict,
    }
    if reading.verdict == Verdict.NOT_READABLE:
        dataset.cases[item.case.name] = entry
        return
    if not lesions and reading.verdict != Verdict.NO_LESION or lesions and reading.label_kind != "full":
        return  # not all is marked: to nnU-Net what is not marked is background
    dataset.cases[item.case.name] = entry
    place = "Tr" if item.case.split == Split.POOL else "Ts"
    dataset.training += place == "Tr"
    affine, code = nifti_affine(export, item)
    labels = np.zeros((len(item.frames), first.rows, first.columns), dtype=np.uint8 if len(values) < 256 else np.uint16)
    for lesion in sorted(lesions, key=lambda one: values[one.finding_type_id]):
        for frame, mask in lesion_masks(lesion, item.frames):
            labels[frame.index][mask] = values[lesion.finding_type_id]
    folder = _folder(dataset)
    yield ExportFile(f"{folder}/labels{place}/{item.case.name}{_ENDING}", [nifti_bytes(labels, affine, code)])
    if export.pictures:
        picture = nifti_bytes(image_volume(export, item), affine, code)
        yield ExportFile(f"{folder}/images{place}/{item.case.name}_0000{_ENDING}", [picture], is_image=True)


def recognises(files: Folder) -> bool:
    """Whether a `dataset.json` with labels lies beside a folder of label volumes."""
    return any(_label_files(files, name) for name in files if name.rsplit("/", 1)[-1] == FILE)


def claims(files: Folder) -> Collection[str]:
    """Label pictures (PNG) of such a dataset: they would pass for images."""
    found: set[str] = set()
    for name in files:
        if name.rsplit("/", 1)[-1] == FILE:
            found.update(one for one in _label_files(files, name) if one.lower().endswith(".png"))
    return found


def _label_files(files: Folder, description: str) -> list[str]:
    base = description[: -len(FILE)]
    return [name for name in files if name.startswith((f"{base}labelsTr/", f"{base}labelsTs/"))]


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading per label volume; each connected part of a label is a lesion of its name."""
    for description in list(files):
        if description.rsplit("/", 1)[-1] != FILE:
            continue
        document = read_json(files[description], description)
        if not isinstance(document, dict) or not isinstance(document.get("labels"), dict):
            yield UnusableFile(description, "It names no labels.")
            continue
        names, told = _names(document["labels"]), document.get("cases") or {}
        reader = str(document.get("reader") or context.reader)
        for name in _label_files(files, description):
            try:
                found = _reading(files, name, description, names, told, reader, context)
                # Types that were left out of the dataset may be there all the same.
                yield found if document.get("complete", True) or not found.lesions else replace(found, complete=False)
            except Refused as refusal:
                yield UnusableFile(name, str(refusal))
        for case, entry in told.items():
            if entry.get("verdict") == Verdict.NOT_READABLE:
                yield ForeignReading(f"{description}: {case}", reader, [_place(entry)], readable=False)


def _names(labels: Mapping[str, Any]) -> dict[int, str]:
    """Names by label, of version 2 (name: value) and 1 (value: name); regions (lists of labels) are no types."""
    names: dict[int, str] = {}
    for key, value in labels.items():
        if isinstance(value, int):
            names[value] = key
        elif isinstance(value, str) and key.isdigit():
            names[int(key)] = value
    return {value: name for value, name in names.items() if value}


def _place(entry: Mapping[str, Any], name: str = "") -> ImageReference:
    return ImageReference(str(entry.get("sop_instance_uid", "")), int(entry.get("frame", 1)), name)


def _reading(
    files: Folder,
    name: str,
    description: str,
    names: Mapping[int, str],
    told: Mapping[str, Any],
    reader: str,
    context: ReadContext,
) -> ForeignReading:
    case = without_extension(name.rsplit("/", 1)[-1])
    entry = told.get(case)
    base = description[: -len(FILE)]
    image = without_extension(f"{base}images{name.removeprefix(f'{base}labels')}")
    reference = _place(entry, image) if isinstance(entry, dict) else ImageReference(name=image)
    known = context.find(reference)
    if known is None:
        return ForeignReading(name, reader, [reference], keep_files=[name, description])
    labels = labels_of(in_grid(_volume(files, name), known))
    unknown = sorted(set(np.unique(labels).tolist()) - {0, *names})
    if unknown:
        raise Refused(f"It has the label {unknown[0]}, which {description} does not name.")
    lesions = list(lesions_of_labels(labels, names, known, apart=APART.of(context.options) != "no"))
    return ForeignReading(name, reader, [_first(known)], lesions)


def _first(known: KnownImages) -> ImageReference:
    return ImageReference(known.frames[0].sop_instance_uid, known.frames[0].number)


def _volume(files: Folder, name: str) -> LabelVolume:
    lower = name.lower()
    if lower.endswith((".nii", ".nii.gz")):
        return read_nifti(files[name], name)
    if lower.endswith((".nrrd", ".nhdr")):
        return read_nrrd(files[name], name).volume
    if lower.endswith((".mha", ".mhd")):
        return read_metaimage(files[name], name)
    if lower.endswith(".png"):
        return LabelVolume(_picture(files, name).T[:, :, None], None)
    raise Refused("Label volumes are read from NIfTI, NRRD, MetaImage and PNG.")


def _picture(files: Folder, name: str) -> NDArray[Any]:
    try:
        with Image.open(files[name], formats=("PNG",)) as image:
            pixels = np.asarray(image)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refused(f"{name} is no PNG picture, or it is damaged.") from error
    if pixels.ndim != 2:
        raise Refused("A label picture is grey: each value is a label.")
    return pixels
