"""Pascal VOC: an XML file per reader and picture with the box of each lesion.

VOC counts pixels from 1 and includes the last one, so a box of ours [left, right) is xmin = left + 1, xmax = right;
fractions of a pixel are kept. Files of programs that count from 0 are read with the option `origin=0`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

from django.utils.text import slugify

from backend.dicom.refusal import Refused
from backend.exchange.export_selection import ExportCase, ImageFrame, lesions_of
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.boxes import lesion_boxes
from backend.exchange.formats.documents import damage_of, file_head, read_xml
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, ReadContext
from backend.exchange.formats.options import FormatOption
from backend.exchange.formats.pictures import picture_files
from backend.readings.models import Reading, Verdict

TITLE: Final = "Pascal VOC"
READ_IN_CHILD = True
_ORIGIN: Final = FormatOption("origin", "choice", "The number of the first pixel in the files: 1 or 0.", ("1", "0"), "1")
READ_OPTIONS: Final = (_ORIGIN,)
CARRIES: Final = Carries(
    kinds=frozenset({"box"}), others_become="box", exact_masks=False, volumes=False, attributes=True, no_lesion=True
)


def write(export: Export) -> Iterator[ExportFile]:
    """A folder per reader; a file for every picture of every case read, also without a lesion."""
    names = {one.pk: one.name for one in export.finding_types}
    for item in export.cases:
        yield from picture_files(export, item)
        for reading in item.readings:
            reader = export.reader_names[reading.reader_id]
            folder = f"{reading.reader_id}-{slugify(reader)}".rstrip("-")
            yield from _reading_files(export, item, reading, f"{folder}/Annotations", reader, names)


def _reading_files(
    export: Export, item: ExportCase, reading: Reading, folder: str, reader: str, names: dict[int, str]
) -> Iterator[ExportFile]:
    lesions = lesions_of(reading)
    if not lesions and reading.verdict not in (Verdict.NO_LESION, Verdict.NOT_READABLE):
        return  # it speaks of the image as a whole only, which this format cannot say
    roots = {frame.index: _annotation(export, item, frame, reading, reader) for frame in item.frames}
    for lesion in lesions:
        for frame, (left, top, right, bottom) in lesion_boxes(lesion, item):
            entry = ElementTree.SubElement(roots[frame.index], "object")
            _add(entry, name=names[lesion.finding_type_id], pose="Unspecified", truncated="0", difficult="0")
            box = ElementTree.SubElement(entry, "bndbox")
            _add(box, xmin=_number(left + 1), ymin=_number(top + 1), xmax=_number(right), ymax=_number(bottom))
            if lesion.attributes:
                own = ElementTree.SubElement(entry, "attributes")
                for name, value in lesion.attributes.items():
                    _add(ElementTree.SubElement(own, "attribute"), name=str(name), value=str(value))
    for frame in item.frames:
        root = roots[frame.index]
        ElementTree.indent(root)
        yield ExportFile(f"{folder}/{item.picture_name(frame)}.xml", [ElementTree.tostring(root, "utf-8") + b"\n"])


def _annotation(export: Export, item: ExportCase, frame: ImageFrame, reading: Reading, reader: str) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    _add(root, folder="images", filename=f"{item.picture_name(frame)}.png")
    source = ElementTree.SubElement(root, "source")
    _add(source, database="Overread", annotation=reader, sop_instance_uid=frame.sop_instance_uid, frame=str(frame.number))
    _add(source, split=item.case.split, verdict=reading.verdict, label_kind=export.label_kind(reading))
    size = ElementTree.SubElement(root, "size")
    _add(size, width=str(frame.columns), height=str(frame.rows), depth="1")
    _add(root, segmented="0")
    return root


def _add(parent: ElementTree.Element, **texts: str) -> None:
    for name, text in texts.items():
        # What XML cannot say (control characters) would make the whole file unreadable.
        ElementTree.SubElement(parent, name).text = "".join(one for one in text if one >= " " or one in "\t\n")


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def recognises(files: Folder) -> bool:
    """Whether an XML file among them is a VOC annotation."""
    return any(_is_voc(files, name) for name in files)


def _is_voc(files: Folder, name: str) -> bool:
    if not name.lower().endswith(".xml"):
        return False
    head = file_head(files[name])
    return b"<annotation" in head and (b"<size" in head or b"<object" in head) and b"<annotations" not in head


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading per file; those of one case and reader are joined where they are attached."""
    start = float(_ORIGIN.of(context.options))
    for name in list(files):
        if _is_voc(files, name):
            try:
                yield _reading(name, read_xml(files[name], name), context, start)
            except (Refused, ValueError) as error:
                yield UnusableFile(name, damage_of(error))


def _reading(name: str, root: ElementTree.Element, context: ReadContext, start: float) -> ForeignReading:
    file_name = root.findtext("filename") or name.rsplit("/", 1)[-1]
    uid = root.findtext("source/sop_instance_uid") or ""
    reference = ImageReference(uid, int(root.findtext("source/frame") or 1), file_name)
    reader = root.findtext("source/annotation") if uid else None
    lesions = []
    for entry in root.iter("object"):
        edges = [float(entry.findtext(f"bndbox/{edge}") or "nan") for edge in ("xmin", "ymin", "xmax", "ymax")]
        if not all(edge == edge for edge in edges):
            raise Refused("One of its objects has no box.")
        attributes = {
            one.findtext("name") or "": one.findtext("value") or "" for one in entry.iterfind("attributes/attribute")
        }
        lesions.append(
            ForeignLesion(
                finding=entry.findtext("name") or "",
                kind="box",
                image=reference,
                points=[[edges[0] - start, edges[1] - start], [edges[2], edges[3]]],
                attributes=attributes,
            )
        )
    return ForeignReading(
        source=name,
        reader=reader or context.reader,
        images=[reference],
        lesions=lesions,
        complete=(root.findtext("source/label_kind") or "full") == "full",
        readable=root.findtext("source/verdict") != "not_readable",
    )
