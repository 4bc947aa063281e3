"""A volume file becomes one multi-frame instance, so that one path serves all; no text of the file survives.

It is a Multi-frame Grayscale Byte or Word Secondary Capture (PS3.3 A.8.3, A.8.4), the one class that asks for nothing which
such a file does not know, with the functional groups (C.7.6.16) that say where each frame lies. A frame is a plane of the
file's third axis. In the plane axes are swapped and mirrored, and planes reversed, until a row runs as radiologists hang it
and frames go along their normal; voxels are never resampled.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)
from pydicom.valuerep import DSfloat

from backend.dicom.file_part import FilePart
from backend.dicom.metaimage_header import metaimage_layout
from backend.dicom.nifti_header import nifti_layout
from backend.dicom.nrrd_header import nrrd_layout
from backend.dicom.refusal import Refused
from backend.dicom.uids import keyed_uid, keyed_uid_of_file
from backend.dicom.volume_layout import VolumeLayout, planes_of, refuse_absurd_voxels
from backend.dicom.volume_values import LabelLook, Storage, storage_of

VOLUME_FORMATS: Final[Mapping[str, Callable[[BinaryIO], VolumeLayout]]] = {
    "nifti": nifti_layout,
    "nrrd": nrrd_layout,
    "metaimage": metaimage_layout,
}
"""How the header of each is read, by the name that `sniffed_format` gives."""
VOLUME_CLASSES: Final = (
    str(MultiFrameGrayscaleByteSecondaryCaptureImageStorage),
    str(MultiFrameGrayscaleWordSecondaryCaptureImageStorage),
)
LOOKS_LIKE_LABELS: Final = (
    "It looks like a mask: few whole values in even patches. If it is an image, say so in the options of the import."
)
_CT_WINDOWS: Final = (("40", "400", "MEDIASTINUM"), ("-600", "1500", "LUNG"))
_HUNG: Final = {2: ((0, 1), (1, 1)), 1: ((0, 1), (2, -1)), 0: ((1, 1), (2, -1))}
"""By the patient axis across a plane (x left, y back, z head): which axis a row runs along and which way, and a column."""


@dataclass(frozen=True)
class VolumeNaming:
    """What the import knows of a volume that its file does not say.

    `is_image`: somebody said so, or the folder it lies in; else what looks like labels is refused. `series_uid`: its name is
    this Series Instance UID. Volumes of one `study` are of one study and lie in one frame of reference; `description` and
    `number` tell them apart there.
    """

    is_image: bool = False
    series_uid: str = ""
    study: str = ""
    description: str = ""
    number: int = 1


def volume_dataset(
    received: BinaryIO, kind: str, *, key: str, modality: str, patient_id: str, naming: VolumeNaming, folder: str | None
) -> tuple[FileDataset, str]:
    """The instance of a volume file and a note of what storing its values lost; Refused with the reason if it has no image.

    Its frames are written to a file without a name in `folder`, for as long as the data set is used.
    """
    layout = VOLUME_FORMATS[kind](received)
    refuse_absurd_voxels(layout, received.seek(0, os.SEEK_END))
    labels = None if naming.is_image else LabelLook()
    storage = storage_of(planes_of(received, layout), layout, labels)
    if layout.has_segments or (labels is not None and labels.says_labels):
        raise Refused(LOOKS_LIKE_LABELS)
    grid = _hung(layout)
    dataset = _named(received, key=key, patient_id=patient_id, naming=naming)
    dataset.Modality = modality
    _fill_pixels(dataset, grid, storage)
    _fill_values(dataset, storage, modality)
    if grid.affine is not None:
        dataset.FrameOfReferenceUID = _uid(received, key, "frame of reference", naming.study)
        dataset.PositionReferenceIndicator = ""
    _fill_places(dataset, grid)
    # Held open by the data set alone; nothing else sees it, and nothing is left of it when this process dies.
    spooled: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
    _spool(spooled, received, layout, storage, grid)
    length = grid.rows * grid.columns * grid.depth * storage.dtype.itemsize
    dataset.add_new("PixelData", "OB" if storage.dtype.itemsize == 1 else "OW", FilePart(spooled, 0, length))
    return dataset, storage.note


@dataclass(frozen=True)
class _Grid:
    """A volume as it is hung: rows, columns and planes, how the file's planes [j, i] become frames, the frames' affine.

    `affine` takes (column, row, frame) to LPS mm, None where the file does not say; `spacing` is along these three.
    """

    columns: int
    rows: int
    depth: int
    is_swapped: bool
    flips: tuple[bool, bool, bool]
    affine: NDArray[np.float64] | None
    spacing: tuple[float, float, float]

    def frame(self, plane: NDArray[Any]) -> NDArray[Any]:
        """A plane of the file as rows and columns of a frame."""
        turned = plane.T if self.is_swapped else plane
        across, down, _ = self.flips
        return turned[:: -1 if down else 1, :: -1 if across else 1]

    def index(self, plane: int) -> int:
        """The frame, from 0, that a plane of the file becomes."""
        return self.depth - 1 - plane if self.flips[2] else plane


def _hung(layout: VolumeLayout) -> _Grid:
    i, j, k = layout.shape
    if layout.affine is None:
        return _Grid(i, j, k, False, (False, False, False), None, layout.spacing)
    affine = layout.affine
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    units = affine[:3, :3] / steps
    (row_axis, row_sign), (column_axis, column_sign) = _HUNG[int(np.abs(units[:, 2]).argmax())]
    is_swapped = abs(units[row_axis, 1]) + abs(units[column_axis, 0]) > abs(units[row_axis, 0]) + abs(units[column_axis, 1])
    order = [1, 0, 2] if is_swapped else [0, 1, 2]
    sizes = [layout.shape[axis] for axis in order]
    hung = affine[:, [*order, 3]].copy()
    across = bool(units[row_axis, order[0]] * row_sign < 0)
    down = bool(units[column_axis, order[1]] * column_sign < 0)
    for axis, is_flipped in ((0, across), (1, down)):
        if is_flipped:
            _flip(hung, axis, sizes[axis])
    back = bool(np.cross(hung[:3, 0], hung[:3, 1]) @ hung[:3, 2] < 0)
    if back:
        _flip(hung, 2, sizes[2])
    x, y, z = (float(step) for step in steps[order])
    return _Grid(sizes[0], sizes[1], sizes[2], is_swapped, (across, down, back), hung, (x, y, z))


def _flip(affine: NDArray[np.float64], axis: int, size: int) -> None:
    affine[:3, 3] += affine[:3, axis] * (size - 1)
    affine[:3, axis] *= -1


def _uid(received: BinaryIO, key: str, purpose: str, shared: str = "") -> str:
    """Of what several files share, else of the file's bytes."""
    return keyed_uid(key, f"volume {purpose}", shared) if shared else keyed_uid_of_file(key, f"volume {purpose}", received)


def _named(received: BinaryIO, *, key: str, patient_id: str, naming: VolumeNaming) -> FileDataset:
    dataset = FileDataset(BytesIO(), {}, preamble=b"\0" * 128, file_meta=FileMetaDataset())
    # Two volumes that claim to be one series are in conflict: side by side they would be read as one.
    dataset.SOPInstanceUID = _uid(received, key, "instance", naming.series_uid)
    dataset.SeriesInstanceUID = naming.series_uid or _uid(received, key, "series")
    dataset.StudyInstanceUID = _uid(received, key, "study", naming.study)
    dataset.ConversionType = "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientID, dataset.PatientName = patient_id, ""
    dataset.InstanceNumber, dataset.SeriesNumber = 1, naming.number
    if naming.description:
        dataset.SeriesDescription = naming.description[:64]
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.set_original_encoding(False, True)
    return dataset


def _fill_pixels(dataset: FileDataset, grid: _Grid, storage: Storage) -> None:
    bits = storage.dtype.itemsize * 8
    sop_class = VOLUME_CLASSES[0 if bits == 8 else 1]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = grid.rows, grid.columns, grid.depth
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = 0


def _fill_values(dataset: FileDataset, storage: Storage, modality: str) -> None:
    dataset.RescaleSlope, dataset.RescaleIntercept = _decimal(storage.slope), _decimal(storage.intercept)
    dataset.RescaleType = "HU" if modality == "CT" else "US"
    if modality == "CT":
        centres, widths, names = zip(*_CT_WINDOWS, strict=True)
        dataset.WindowCenter, dataset.WindowWidth = list(centres), list(widths)
        dataset.WindowCenterWidthExplanation = list(names)
    else:
        dataset.WindowCenter, dataset.WindowWidth = (_decimal(one) for one in storage.window)


def _fill_places(dataset: FileDataset, grid: _Grid) -> None:
    """Functional groups: spacing and directions of all frames, the place of each; no dates, no names."""
    shared = Dataset()
    across, down, between = grid.spacing
    if across > 0 and down > 0:
        measures = Dataset()
        measures.PixelSpacing = [_decimal(down), _decimal(across)]
        if between > 0:
            measures.SpacingBetweenSlices = _decimal(between)
        shared.PixelMeasuresSequence = Sequence([measures])
    if grid.affine is not None:
        turned = Dataset()
        directions = grid.affine[:3, :2] / np.linalg.norm(grid.affine[:3, :2], axis=0)
        turned.ImageOrientationPatient = [_decimal(part) for part in directions.T.ravel()]
        shared.PlaneOrientationSequence = Sequence([turned])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([_frame_groups(grid, frame) for frame in range(grid.depth)])
    dataset.FrameIncrementPointer = 0x52009230


def _frame_groups(grid: _Grid, frame: int) -> Dataset:
    groups, content = Dataset(), Dataset()
    content.StackID, content.InStackPositionNumber = "1", frame + 1
    groups.FrameContentSequence = Sequence([content])
    if grid.affine is not None:
        place = Dataset()
        place.ImagePositionPatient = [_decimal(part) for part in grid.affine[:3, 3] + grid.affine[:3, 2] * frame]
        groups.PlanePositionSequence = Sequence([place])
    return groups


def _decimal(value: float) -> DSfloat:
    """A number in the 16 characters of a DS."""
    return DSfloat(float(value), auto_format=True)


def _spool(spooled: BinaryIO, received: BinaryIO, layout: VolumeLayout, storage: Storage, grid: _Grid) -> None:
    for plane, values in enumerate(planes_of(received, layout)):
        frame = np.ascontiguousarray(grid.frame(storage.stored(values, layout)))
        spooled.seek(grid.index(plane) * frame.nbytes)
        spooled.write(frame.data)
