"""Where the pictures of a case lie in the patient: the affine of its grid."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.archive.models import Instance
from backend.dicom.volumes import frame_plane, grid_affine
from backend.exchange.export_selection import ImageFrame
from backend.projects.models import Case


def case_affine(case: Case, frames: Sequence[ImageFrame]) -> NDArray[np.float64] | None:
    """4×4 of (frame, row, column) indices to patient mm (LPS) of a case's grid; None where it has none.

    Of a series it is the stored one; of an image that is a case by itself it follows from its own frames.
    """
    if case.instance_id is None:
        return np.array(case.series.affine) if case.series.affine is not None else None
    header = json.loads(Instance.objects.only("dicom_json").get(pk=case.instance_id).dicom_json)
    planes = [frame_plane(header, frame.number) for frame in frames]
    known = [plane for plane in planes if plane is not None]
    affine = grid_affine(known) if known and len(known) == len(planes) else None
    return np.array(affine) if affine is not None else None
