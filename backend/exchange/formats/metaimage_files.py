"""MetaImage volumes of labels (ITK's .mha): voxels and their place in LPS millimetres."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backend.dicom.metaimage_header import metaimage_layout
from backend.dicom.refusal import Refused
from backend.dicom.volume_layout import planes_of, refuse_absurd_voxels
from backend.exchange.formats.label_volumes import MAX_VOXELS, LabelVolume


def read_metaimage(path: Path, name: str) -> LabelVolume:
    """A MetaImage file's voxels and affine; Refused where it is damaged or too big."""
    try:
        with path.open("rb") as file:
            layout = metaimage_layout(file)
            if int(np.prod(layout.shape, dtype=np.int64)) > MAX_VOXELS:
                raise Refused(f"It has more than {MAX_VOXELS} voxels.")
            refuse_absurd_voxels(layout, path.stat().st_size)
            planes = np.stack(list(planes_of(file, layout)))
    except Refused as refusal:
        raise Refused(f"{name}: {refusal}") from refusal
    return LabelVolume(planes.transpose(2, 1, 0), layout.affine)
