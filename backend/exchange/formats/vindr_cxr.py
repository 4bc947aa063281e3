"""VinDr-CXR: boxes of findings on chest radiographs by three radiologists an image, and what each says of the whole image.

`annotations_train.csv` (PhysioNet) or `train.csv` (Kaggle) has a row for each box with the radiologist's code (rad_id);
"No finding" says that one marked nothing. The test set's tables name no radiologist: they are the consensus of five.
`image_labels_*.csv` holds 0 or 1 for diseases of the whole image. Each code becomes a reader of its own. Verified on
specification fixtures only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from backend.dicom.refusal import Refused
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.challenge_tables import number, rows_of, tables_with
from backend.exchange.formats.family import Carries, Folder, ReadContext

TITLE = "VinDr-CXR (CSV)"
CARRIES = Carries(kinds=frozenset({"box"}), others_become="box", exact_masks=False, image_findings=True, no_lesion=True)
SPECIFICITY = 20
READ_IN_CHILD = True
CONSENSUS: Final = "VinDr consensus"
NO_FINDING: Final = "No finding"
_BOXES: Final = ("image_id", "class_name", "x_min", "y_min", "x_max", "y_max")
_LABELS: Final = ("image_id", "No finding")
_DISEASES: Final = ("COPD", "Lung tumor", "Pneumonia", "Tuberculosis", "Other diseases", "Other disease")


@dataclass
class _Said:
    """What one radiologist says of one image."""

    source: str
    boxes: list[dict[str, str]] = field(default_factory=list)
    nothing: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    has_boxes: bool = False


def recognises(files: Folder) -> bool:
    """Whether one of them is a table of boxes, or of labels."""
    return bool(tables_with(files, _BOXES) or tables_with(files, _LABELS))


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading for each image and radiologist, from all tables together."""
    said: dict[tuple[str, str], _Said] = defaultdict(lambda: _Said(""))
    for name in tables_with(files, _BOXES):
        for row in rows_of(files, name):
            own = _said(said, row, name)
            own.has_boxes = True
            if row["class_name"].casefold() == NO_FINDING.casefold():
                own.nothing = True
            else:
                own.boxes.append(row)
    for name in tables_with(files, _LABELS, without=("x_min",)):
        for row in rows_of(files, name):
            _said(said, row, name).labels = row
    for (image, reader), own in said.items():
        try:
            yield _reading(image, reader, own)
        except Refused as refusal:
            yield UnusableFile(f"{own.source}: {image} of {reader}", str(refusal))


def _said(said: dict[tuple[str, str], _Said], row: dict[str, str], name: str) -> _Said:
    code = row.get("rad_id", "")
    own = said[row["image_id"], f"VinDr {code}" if code else CONSENSUS]
    own.source = own.source or name
    return own


def _reading(image: str, reader: str, own: _Said) -> ForeignReading:
    if own.nothing and own.boxes:
        raise Refused("One row says that there is no finding, another marks one.")
    reference = ImageReference(name=image)
    lesions = []
    for row in own.boxes:
        left, top, right, bottom = (number(row, column) for column in ("x_min", "y_min", "x_max", "y_max"))
        lesions.append(ForeignLesion(row["class_name"], "box", reference, [[left, top], [right, bottom]]))
    findings = {}
    for disease in _DISEASES:
        value = own.labels.get(disease.casefold(), "")
        if value not in ("", "0", "1", "0.0", "1.0"):
            raise Refused(f"{disease} is {value[:20]!r}, neither 0 nor 1.")
        if value:
            findings[disease] = value.startswith("1")
    if not own.has_boxes and not findings:
        raise Refused("It says nothing.")
    return ForeignReading(own.source, reader, [reference], lesions, findings, complete=own.has_boxes)
