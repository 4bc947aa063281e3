"""Which volumes of an import are images, which are masks, and what the files beside them say of the images.

The rule, first to last: a folder that says so (that of the masks, `imagesTr`, `labelsTr`, `masks`, …); the option `volumes`;
a name that ends like a mask's (`scan_17_seg.nii.gz`); the name of a picture or DICOM file beside it; a name that is a case's
here, unless the very file is here already.
What is left is an image, and refused where its voxels look like labels: nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from backend.archive.ingest import find_received
from backend.archive.models import Series
from backend.dicom.refusal import Refused
from backend.dicom.uids import keyed_file_digest, keyed_uid
from backend.exchange.case_index import CaseIndex
from backend.exchange.case_names import channel_of, folder_role, is_volume, tail_of, volume_role, without_extension
from backend.exchange.format_registry import NO_READINGS
from backend.exchange.formats.challenge_tables import tables_with
from backend.exchange.formats.documents import read_json
from backend.exchange.formats.family import Folder
from backend.exchange.formats.luna16 import NODULES
from backend.exchange.formats.nnunet import FILE
from backend.exchange.import_options import ImportOptions
from backend.exchange.joined_volumes import HEAD_BYTES, HEADER_ENDINGS, voxel_file_of
from backend.exchange.reading_child import names_in_child
from backend.exchange.source_folder import SourceFolder
from backend.exchange.sources import Source
from backend.projects.models import Project

_UID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]*)){4,}")
_LUNA16: Final = "LUNA16"
_MASK_FORMATS: Final = ("nifti", "seg_nrrd")
_MASK_OPTIONS: Final = frozenset({"case", "labels"})
_MODALITIES: Final = (
    (re.compile(r"CT|CTA|CBCT", re.IGNORECASE), "CT"),
    (re.compile(r"(MRI?|T[12]|FLAIR|DWI|ADC|SWI|PD)([-_ ]?.*)|.*MRI", re.IGNORECASE), "MR"),
    (re.compile(r"PET|PT|SUV", re.IGNORECASE), "PT"),
    (re.compile(r"US|ultrasound", re.IGNORECASE), "US"),
)
"""What the channels of a dataset are called, by the modality (PS3.3 C.7.3.1.1.1) that they are of."""
_NOT_LOOKED_FOR: Final = "It is a mask by its folder or name, and readings are not looked for."
_NO_READER: Final = (
    "It is a mask by its folder or name; masks are read from NIfTI and NRRD, MetaImage only in an nnU-Net dataset."
)


@dataclass(frozen=True)
class VolumeImage:
    """What is known of a volume that is an image: its modality, its naming (`backend.dicom.volume_image.VolumeNaming`)."""

    modality: str
    naming: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class VolumePlan:
    """The files of an import, headers with their voxels as one, without masks; those masks; what is known of the images."""

    images: list[Source] = field(default_factory=list)
    masks: list[Source] = field(default_factory=list)
    volumes: dict[str, VolumeImage] = field(default_factory=dict)


@dataclass
class _Told:
    """What the files beside say: the channels of each dataset by its folder, whether there is LUNA16's table."""

    channels: dict[str, dict[str, str]] = field(default_factory=dict)
    has_luna16: bool = False


def channel_groups(names: Collection[str]) -> dict[str, str]:
    """The volumes that are one channel of several, by name, each with the group of their cases.

    `names`: of all files of an import. Those that an attempt before brought in belong together with those that come now.
    """
    found = {name: channel[0] for name in names if is_volume(name) and (channel := channel_of(name)) is not None}
    count = Counter(found.values())
    return {name: case for name, case in found.items() if count[case] > 1}


def plan_volumes(
    sources: Sequence[Source], options: ImportOptions, *, project: Project, run_id: UUID, names: Collection[str]
) -> VolumePlan:
    """Tell image volumes from masks among the files of a run. `names`: of all its files, also those that are done."""
    if not any(is_volume(source.name) for source in sources):
        return VolumePlan(images=list(sources))
    plan = VolumePlan()
    with SourceFolder(sources) as folder:
        joined = list(_joined(sources, folder))
        told = _told_beside(folder)
    index = CaseIndex(project)
    pictures = {without_extension(name) for name in names if _is_picture(name)}
    channels = channel_groups(names)
    for source in joined:
        if not is_volume(source.name) or source.refusal:
            plan.images.append(source)
        elif _is_mask(source, options, pictures) or _is_mask_of_case(source, options, project, index):
            _take_mask(plan, source, options, told)
        else:
            plan.images.append(source)
            image = _image(source.name, told, project)
            plan.volumes[source.name] = _of_several(source.name, image, told, channels, run_id)
    if options.volumes == "images":
        plan.volumes = {name: _said(image) for name, image in plan.volumes.items()}
    return plan


def _said(image: VolumeImage) -> VolumeImage:
    """An image because somebody, or a folder, said so."""
    return replace(image, naming={**image.naming, "is_image": True})


def _joined(sources: Sequence[Source], folder: SourceFolder) -> Iterator[Source]:
    """The files, each header of a volume with the file of its voxels, which is none of its own any more."""
    by_name = {source.name: source for source in sources}
    voxels: dict[str, Source] = {}
    refused: dict[str, str] = {}
    for source in sources:
        if source.refusal or not source.name.lower().endswith(HEADER_ENDINGS):
            continue
        try:
            name = voxel_file_of(folder.head(source.name, HEAD_BYTES), source.name)
            if name and (name not in by_name or name == source.name):
                raise Refused("Its header names a file of voxels that is not beside it; choose both together.")
        except Refused as refusal:
            refused[source.name] = str(refusal)
            continue
        if name:
            voxels[source.name] = by_name[name]
    taken = {source.name for source in voxels.values()}
    for source in sources:
        if source.name in refused:
            yield replace(source, refusal=refused[source.name])
        elif source.name not in taken:
            yield replace(source, voxels=voxels.get(source.name))


def _told_beside(folder: SourceFolder) -> _Told:
    told = _Told()
    for line in names_in_child(_described, folder):
        base, channels = json.loads(line)
        if channels is None:
            told.has_luna16 = True
        else:
            told.channels[base] = channels
    return told


def _described(files: Folder) -> list[str]:
    """A line for each `dataset.json` with the names of its channels, and one for LUNA16's table; asked in a child."""
    found: list[str] = [json.dumps([_LUNA16, None])] if tables_with(files, NODULES) else []
    for name in files:
        if tail_of(name) != FILE:
            continue
        try:
            document = read_json(files[name], name)
        except Refused:
            continue
        # "modality" is what version 1 called them.
        channels = (document.get("channel_names") or document.get("modality")) if isinstance(document, dict) else None
        if isinstance(channels, dict):
            said = {str(number)[:8]: str(channel)[:64] for number, channel in list(channels.items())[:100]}
            found.append(json.dumps([name[: -len(FILE)], said]))
    return found


def _is_picture(name: str) -> bool:
    """Whether a file is an image and no volume, by its name; DICOM files often have no extension."""
    return name.lower().endswith((".dcm", ".png", ".jpg", ".jpeg")) or without_extension(name) == name


def _is_mask(source: Source, options: ImportOptions, pictures: Collection[str]) -> bool:
    """Whether the import says that a volume is a mask: its folder, an option, its name."""
    if options.masks_prefix and source.name.startswith(options.masks_prefix):
        return True
    if folder := folder_role(source.name):
        return folder == "mask"
    if options.volumes:
        return options.volumes == "masks"
    if options.readings_format in _MASK_FORMATS or _MASK_OPTIONS & set(options.readings_options):
        return True
    return volume_role(source.name) == "mask" or without_extension(source.name) in pictures


def _is_mask_of_case(source: Source, options: ImportOptions, project: Project, index: CaseIndex) -> bool:
    """Whether a volume of which the import says nothing is named like a case that is here."""
    if options.volumes or folder_role(source.name):
        return False
    return index.is_named(source.name) and not _is_here(source, project)


def _is_here(source: Source, project: Project) -> bool:
    """Whether these very bytes were imported before."""
    try:
        with source.opened() as path:
            digest = keyed_file_digest(project.archive.key, "received bytes", path)
    except Refused:
        return False
    return find_received(project.archive, digest) is not None


def _take_mask(plan: VolumePlan, source: Source, options: ImportOptions, told: _Told) -> None:
    is_metaimage = source.name.lower().endswith((".mha", ".mhd"))
    is_of_dataset = any(source.name.startswith((f"{base}labelsTr/", f"{base}labelsTs/")) for base in told.channels)
    if options.readings_format == NO_READINGS:
        plan.images.append(replace(source, refusal=_NOT_LOOKED_FOR))
    elif is_metaimage and not is_of_dataset:
        plan.images.append(replace(source, refusal=_NO_READER))
    else:
        plan.masks.append(source)


def _image(name: str, told: _Told, project: Project) -> VolumeImage:
    stem = without_extension(tail_of(name))
    naming: dict[str, Any] = {"is_image": True} if folder_role(name) == "image" else {}
    modality = _modality_of(_channel_name(name, told)) or project.modality
    if _UID.fullmatch(stem) and len(stem) <= 64 and not _has_series(project, stem):
        naming["series_uid"] = stem
        if told.has_luna16:
            modality = "CT"
    return VolumeImage(modality, naming=naming)


def _channel_name(name: str, told: _Told) -> str:
    channel = channel_of(name)
    bases = [base for base in told.channels if name.startswith(f"{base}images")]
    if not bases:
        return ""
    return told.channels[max(bases, key=len)].get(str(channel[1] if channel else 0), "")


def _modality_of(channel: str) -> str:
    return next((modality for pattern, modality in _MODALITIES if pattern.fullmatch(channel.strip())), "")


def _has_series(project: Project, uid: str) -> bool:
    """Whether the archive has a series of this UID, as it came or as it is stored: two would be one case."""
    uids = (uid, keyed_uid(project.archive.key, "uid", uid))
    return Series.objects.filter(study__archive=project.archive, series_instance_uid__in=uids).exists()


def _of_several(name: str, image: VolumeImage, told: _Told, channels: Mapping[str, str], run_id: UUID) -> VolumeImage:
    """A volume that is one channel of several: a series of one study, in one group, told apart by number and name."""
    channel = channel_of(name)
    if channel is None or name not in channels:
        return image
    case, number = channel
    described = {
        # Of this run alone: the same names in another import are other people's.
        "study": f"{run_id} {case}",
        "description": _channel_name(name, told) or f"Channel {number}",
        "number": number + 1,
    }
    return replace(image, naming={**image.naming, **described})
