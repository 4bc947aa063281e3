"""NIfTI: the image of each case as a volume, and a mask per lesion (or per finding type) in the same grid.

`readings.json` says what each mask is and who marked it. Masks of other programs are read by their names: `CT-0001.nii.gz`,
`scan_17_seg.nii.gz`; each connected part of each label is a lesion (option `apart=no`: each label), called by the option
`labels=1:Nodule,2:Mass`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.text import slugify

from backend.dicom.refusal import Refused
from backend.exchange.case_names import folder_role
from backend.exchange.export_selection import ExportCase, lesion_masks, lesions_of
from backend.exchange.foreign import Code, ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.documents import read_json
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, KnownImages, ReadContext
from backend.exchange.formats.label_volumes import (
    case_of_file,
    in_grid,
    is_grid,
    labels_of,
    lesions_of_labels,
    picture_masks,
    volume_of_masks,
    waiting,
)
from backend.exchange.formats.looked_at import slices_entry, slices_of
from backend.exchange.formats.nifti_files import image_volume, is_nifti, nifti_affine, nifti_bytes, read_nifti
from backend.exchange.formats.options import APART, CASE, LABELS, named_labels
from backend.projects.models import FindingType
from backend.readings.models import Lesion, Reading

TITLE: Final = "NIfTI masks"
READ_IN_CHILD = True
READ_OPTIONS: Final = (LABELS, APART, CASE)
CARRIES: Final = Carries(
    kinds=frozenset({"mask"}), attributes=True, image_findings=True, no_lesion=True, codes=True, slices_read=True
)
FILE: Final = "readings.json"
KIND: Final = "overread-nifti"


def write(export: Export) -> Iterator[ExportFile]:
    """`images/<case>.nii.gz` where images go alongside, masks below a folder per reader, and what is what."""
    types = {one.pk: one for one in export.finding_types}
    told: list[dict[str, Any]] = []
    for item in export.cases:
        if not is_grid(item):
            raise Refused(f"The pictures of {item.case.name} differ in size: they make no volume. Leave the case out.")
        affine, code = nifti_affine(export, item)
        if export.pictures:
            volume = nifti_bytes(image_volume(export, item), affine, code)
            yield ExportFile(f"images/{item.case.name}.nii.gz", [volume], is_image=True)
        for reading in item.readings:
            reader = export.reader_names[reading.reader_id]
            folder = f"masks/{reading.reader_id}-{slugify(reader)}".rstrip("-")
            masks = []
            for number, lesion in enumerate(lesions_of(reading), start=1):
                name = slugify(types[lesion.finding_type_id].name)
                path = f"{folder}/{item.case.name}/{number:03d}-{name}".rstrip("-") + ".nii.gz"
                mask = volume_of_masks(item, list(lesion_masks(lesion, item.frames)))
                yield ExportFile(path, [nifti_bytes(mask.astype("u1"), affine, code)])
                masks.append(_mask(path, lesion, types[lesion.finding_type_id]))
            told.append(_reading(export, item, reading, reader, masks, types))
    document = {"kind": KIND, "project": export.project.slug, "readings": told}
    yield ExportFile(FILE, [json.dumps(document, ensure_ascii=False, indent=1).encode()])


def _mask(path: str, lesion: Lesion, finding_type: FindingType) -> dict[str, Any]:
    return {
        "path": path,
        "lesion_id": str(lesion.pk),
        "finding": finding_type.name,
        "code": [finding_type.code_scheme, finding_type.code_value, finding_type.code_meaning],
        "drawn_with": lesion.kind,
        "attributes": lesion.attributes,
        "score": lesion.score,
    }


def _reading(
    export: Export,
    item: ExportCase,
    reading: Reading,
    reader: str,
    masks: list[dict[str, Any]],
    types: Mapping[int, FindingType],
) -> dict[str, Any]:
    findings = {types[int(key)].name: value for key, value in reading.image_findings.items() if int(key) in types}
    return {
        "id": str(reading.pk),
        "case": item.case.name,
        "split": item.case.split,
        "sop_instance_uid": item.frames[0].sop_instance_uid,
        "frame": item.frames[0].number,
        "reader": reader,
        "reader_kind": reading.reader.kind,
        "verdict": reading.verdict,
        "label_kind": export.label_kind(reading),
        **slices_entry(item, reading),
        "image_findings": findings,
        "masks": masks,
    }


def recognises(files: Folder) -> bool:
    """Whether there is a NIfTI file among them that is no image of a dataset (`images…/`)."""
    return any(_is_mask_file(files, name) for name in files) or any(name.rsplit("/", 1)[-1] == FILE for name in files)


def _is_mask_file(files: Folder, name: str) -> bool:
    return folder_role(name) != "image" and is_nifti(files[name], name)


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """Our own readings as they are told; every other NIfTI file by its name."""
    used: set[str] = set()
    for name in list(files):
        if name.rsplit("/", 1)[-1] == FILE:
            document = read_json(files[name], name)
            if isinstance(document, dict) and document.get("kind") == KIND:
                yield from _own(files, name, document, used, context)
    for name in list(files):
        if name not in used and name.lower().endswith((".nii", ".nii.gz")) and _is_mask_file(files, name):
            try:
                yield _foreign(files, name, context)
            except Refused as refusal:
                yield UnusableFile(name, str(refusal))


def _own(
    files: Folder, name: str, document: Mapping[str, Any], used: set[str], context: ReadContext
) -> Iterator[ForeignReading | UnusableFile]:
    base = name[: -len(FILE)]
    for told in document.get("readings", []):
        paths = [base + str(mask["path"]) for mask in told["masks"]]
        used.update(paths)
        source = f"{name}: {told.get('case')}"
        beside = f"{base}images/{told.get('case')}.nii.gz"
        reference = ImageReference(str(told["sop_instance_uid"]), int(told.get("frame") or 1), beside)
        known = context.find(reference)
        try:
            if known is None:
                yield ForeignReading(source, str(told["reader"]), [reference], keep_files=[*paths, name])
                continue
            lesions = [_lesion(files, path, mask, known) for path, mask in zip(paths, told["masks"], strict=True)]
            slices_read = slices_of(told)
        except Refused as refusal:
            yield UnusableFile(source, str(refusal))
            continue
        findings = told.get("image_findings") or {}
        yield ForeignReading(
            source=source,
            reader=str(told["reader"]),
            images=[reference],
            lesions=lesions,
            image_findings={str(key): value == "present" for key, value in findings.items() if isinstance(value, str)},
            complete=told.get("label_kind", "full") == "full",
            readable=told.get("verdict") != "not_readable",
            slices_read=slices_read,
        )


def _lesion(files: Folder, path: str, mask: Mapping[str, Any], known: KnownImages) -> ForeignLesion:
    if path not in files:
        raise Refused(f"There is no file {path}.")
    volume = labels_of(in_grid(read_nifti(files[path], path), known)) > 0
    score = mask.get("score")
    return ForeignLesion(
        finding=str(mask["finding"]),
        kind="mask",
        masks=picture_masks(volume, known.frames),
        code=Code(*(str(part) for part in mask.get("code") or ())),
        attributes=dict(mask.get("attributes") or {}),
        score=float(score) if isinstance(score, int | float) else None,
    )


def _foreign(files: Folder, name: str, context: ReadContext) -> ForeignReading:
    known = case_of_file(name, context)
    if known is None:
        return waiting(name, context)
    labels = labels_of(in_grid(read_nifti(files[name], name), known))
    apart = APART.of(context.options) != "no"
    names = named_labels(LABELS.of(context.options))
    lesions = list(lesions_of_labels(labels, names, known, apart=apart))
    first = known.frames[0]
    return ForeignReading(name, context.reader, [ImageReference(first.sop_instance_uid, first.number)], lesions)
