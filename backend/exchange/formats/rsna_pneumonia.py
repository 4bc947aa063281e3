"""RSNA Pneumonia Detection Challenge (2018): boxes of lung opacity on chest radiographs, and a class for each image.

`stage_2_train_labels.csv` has a row for each box (patientId, x, y, width, height, Target); Target 0 says that there is no
opacity. `patientId` is the name of the image's file. `stage_2_detailed_class_info.csv` gives each image one of three
classes. Verified on specification fixtures only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backend.dicom.refusal import Refused
from backend.exchange.foreign import Code, ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.challenge_tables import number, rows_of, tables_with
from backend.exchange.formats.family import Carries, Folder, ReadContext

TITLE = "RSNA Pneumonia (CSV)"
CARRIES = Carries(kinds=frozenset({"box"}), others_become="box", exact_masks=False, image_findings=True, no_lesion=True)
SPECIFICITY = 10
READ_IN_CHILD = True
FINDING: Final = "Lung opacity"
_CODE: Final = Code("RADLEX", "RID28530", "Pulmonary opacity")
_COLUMNS: Final = ("patientId", "x", "y", "width", "height", "Target")
_CLASSES: Final = ("Lung Opacity", "No Lung Opacity / Not Normal", "Normal")


def recognises(files: Folder) -> bool:
    """Whether one of them is the table of boxes."""
    return bool(tables_with(files, _COLUMNS))


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading for each image of each table of boxes."""
    classes = {
        row["patientid"]: row["class"] for name in tables_with(files, ("patientId", "class")) for row in rows_of(files, name)
    }
    for name in tables_with(files, _COLUMNS):
        by_image: dict[str, list[dict[str, str]]] = {}
        for row in rows_of(files, name):
            by_image.setdefault(row["patientid"], []).append(row)
        for image, rows in by_image.items():
            try:
                yield _reading(name, image, rows, classes.get(image, ""), context)
            except Refused as refusal:
                yield UnusableFile(f"{name}: {image}", str(refusal))


def _reading(name: str, image: str, rows: list[dict[str, str]], given: str, context: ReadContext) -> ForeignReading:
    reference = ImageReference(name=image)
    lesions = []
    targets = {row["target"] for row in rows}
    if not targets <= {"0", "1"} or len(targets) != 1:
        raise Refused("Target is neither 0 nor 1 for all rows of the image.")
    for row in rows if targets == {"1"} else ():
        x, y, width, height = (number(row, column) for column in ("x", "y", "width", "height"))
        lesions.append(ForeignLesion(FINDING, "box", reference, [[x, y], [x + width, y + height]], code=_CODE))
    if given and given not in _CLASSES:
        raise Refused(f"Its class is {given[:60]!r}.")
    findings = {one: one == given for one in _CLASSES} if given else {}
    return ForeignReading(name, context.reader, [reference], lesions, findings)
