"""Labels of imported images become readings of a named imported reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backend.archive.models import Instance
from backend.archive.store import has_object, put_object
from backend.dicom.refusal import Refused
from backend.exchange.context_import import ContextOutcome
from backend.exchange.import_options import ImportOptions
from backend.exchange.label_tables import Box, FileLabels, LabelTables, renamed
from backend.exchange.mask_components import mask_components, read_mask
from backend.exchange.reading_import import ReadingOutcome
from backend.exchange.sources import Source
from backend.exchange.trait_import import TraitOutcome
from backend.geometry.marks import InvalidMark
from backend.geometry.rle import blob_key
from backend.projects.models import Case, FindingType, Project
from backend.projects.selectors import case_instances
from backend.projects.services import add_finding_type
from backend.readings.import_services import ImportedLesion, ImportedReading, check_imported_reading, import_readings
from backend.readings.models import MarkKind, Verdict

_KEYS = "123456789"
_NO_IMAGE = "It was not used: no image that this import has brought in has its name."


@dataclass(frozen=True)
class LabelledImage:
    """An image of the import: its name, its instance and the case it is (a part of)."""

    name: str
    instance: Instance
    case: Case


@dataclass
class LabelOutcome:
    """Readings made, readings that were there, what could not be used (labels of an image, and masks): (file, reason), the
    clinical texts, the traits of a table, and what became of readings of other programs."""

    made: int = 0
    known: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    masks: list[tuple[str, str]] = field(default_factory=list)
    texts: ContextOutcome | None = None
    traits: TraitOutcome | None = None
    foreign: ReadingOutcome | None = None


@dataclass(frozen=True)
class _Labels:
    """All labels of one import, and how to name what they say."""

    tables: LabelTables
    masks: Mapping[str, Source]
    options: ImportOptions
    types: Mapping[tuple[str, str], FindingType]

    def type_of(self, scope: str, finding: str) -> FindingType:
        return self.types[scope, _type_name(finding, self.options)]

    def mask_of(self, name: str) -> Source | None:
        """The mask picture of an image: the same path or name, or the same with the extension png."""
        stem = name.rsplit(".", 1)[0]
        candidates = (name, f"{stem}.png", name.rsplit("/", 1)[-1], f"{stem.rsplit('/', 1)[-1]}.png")
        return next((self.masks[key] for key in candidates if key in self.masks), None)


def import_labels(
    *,
    project: Project,
    images: Sequence[LabelledImage],
    tables: LabelTables,
    masks: Mapping[str, Source],
    options: ImportOptions,
) -> LabelOutcome:
    """Readings of all cases that have labels; a case's labels are used whole or not at all.

    With masks or boxes, or where a table calls an image normal, the reading is "full": its lesions are all there are.
    A finding without a mark makes a reading of kind "image". Importing twice changes nothing.
    """
    types = _finding_types(project, tables, options)
    project.refresh_from_db()
    labels = _Labels(tables, masks, options, types)
    by_case: dict[Case, list[LabelledImage]] = defaultdict(list)
    for image in images:
        by_case[image.case].append(image)
    outcome = LabelOutcome()
    readings: list[ImportedReading] = []
    for case, parts in by_case.items():
        try:
            found = _reading_of(case, parts, labels)
            if found is not None:
                check_imported_reading(found)
                readings.append(found)
        except (Refused, InvalidMark) as reason:
            outcome.refused.append((parts[0].name, f"Its labels were not used: {reason}"))
            own = (labels.mask_of(part.name) for part in parts)
            outcome.masks += [(mask.name, f"It was not used: {reason}") for mask in own if mask is not None]
    found_masks = {mask.name for image in images if (mask := labels.mask_of(image.name)) is not None}
    outcome.masks += [(mask.name, _NO_IMAGE) for mask in masks.values() if mask.name not in found_masks]
    outcome.made = import_readings(project=project, reader_name=options.imported_reader, readings=readings)
    outcome.known = len(readings) - outcome.made
    return outcome


def _type_name(finding: str, options: ImportOptions) -> str:
    return renamed(finding or options.mask_type, options.types)


def _finding_types(project: Project, tables: LabelTables, options: ImportOptions) -> dict[tuple[str, str], FindingType]:
    """The project's finding types for what the labels say; missing ones are added to its vocabulary."""
    scope = "lesion" if options.names_lesions else "image"
    wanted = {(scope, _type_name(name, options)) for labels in tables.files.values() for name in labels.findings}
    wanted |= {("lesion", _type_name(box.finding, options)) for labels in tables.files.values() for box in labels.boxes}
    if options.masks_prefix and not (tables.has_findings and options.names_lesions):
        wanted.add(("lesion", _type_name("", options)))
    types: dict[tuple[str, str], FindingType] = {}
    for wish in sorted(wanted):
        types[wish] = _finding_type(project, *wish)
    return types


def _finding_type(project: Project, scope: str, name: str) -> FindingType:
    found = FindingType.objects.filter(
        project=project, scope=scope, name__iexact=name, retired_in_version__isnull=True
    ).first()
    if found is not None:
        return found
    taken = set(FindingType.objects.filter(project=project).values_list("key", flat=True))
    key = next((key for key in _KEYS if key not in taken), "")
    return add_finding_type(project=project, fields={"scope": scope, "name": name[:80], "key": key}, by=None)


def _reading_of(case: Case, parts: Sequence[LabelledImage], labels: _Labels) -> ImportedReading | None:
    """What the labels say of one case, None where there are none."""
    said = [found for part in parts if (found := labels.tables.of(part.name)) is not None]
    lesions, has_masks = _mask_lesions(case, parts, labels, said)
    lesions += [lesion for part in parts for lesion in _box_lesions(part, labels)]
    findings = _merged_findings(said)
    is_normal = any(found.is_normal for found in said)
    if is_normal and (lesions or any(findings.values())):
        raise Refused("one label says that there is no lesion, another marks one.")
    image_findings = {} if labels.options.names_lesions else _image_findings(findings, labels)
    if lesions or has_masks or is_normal:
        verdict, kind = (Verdict.LESIONS if lesions else Verdict.NO_LESION), "full"
    elif image_findings:
        verdict, kind = (Verdict.LESIONS if any(findings.values()) else Verdict.NO_LESION), "image"
    elif any(findings.values()):
        raise Refused("there is a class, but no mask that shows where.")
    else:
        return None
    return ImportedReading(case, lesions, verdict, image_findings, kind)


def _mask_lesions(
    case: Case, parts: Sequence[LabelledImage], labels: _Labels, said: Sequence[FileLabels]
) -> tuple[list[ImportedLesion], bool]:
    """Lesions of the masks of a case's images, and whether there was any mask (an empty one says: no lesion)."""
    found = {part.instance.pk: mask for part in parts if (mask := labels.mask_of(part.name)) is not None}
    if not found:
        return [], False
    marked, owners = {}, {}
    frame = 0
    instances = (
        [part.instance for part in parts[:1]] if case.instance_id is not None else case_instances(case).defer("dicom_json")
    )
    for instance in instances:
        if instance.pk in found:
            with found[instance.pk].opened() as path:
                marked[frame] = read_mask(path, instance.rows, instance.columns)
        for offset in range(instance.number_of_frames):
            owners[frame + offset] = (instance, offset + 1)
        frame += instance.number_of_frames
    lesions = []
    for component in mask_components(marked):
        if not has_object(blob_key(component.digest)):
            put_object(key=blob_key(component.digest), data=component.blob)
        instance, number = owners[component.origin[0]]
        lesions.append(
            ImportedLesion(
                finding_type=labels.type_of("lesion", _mask_finding(said, labels)),
                kind=MarkKind.MASK,
                instance=instance,
                frame=number,
                mask_origin=component.origin,
                mask_shape=component.shape,
                mask_digest=component.digest,
            )
        )
    if not lesions and any(_merged_findings(said).values()):
        raise Refused("its class names a lesion, its mask is empty.")
    return lesions, True


def _mask_finding(said: Iterable[FileLabels], labels: _Labels) -> str:
    """The one finding that the table names for a masked image; nothing if findings speak of the image as a whole."""
    if not labels.options.names_lesions or not labels.tables.has_findings:
        return ""
    present = sorted(name for name, value in _merged_findings(said).items() if value)
    if len(present) != 1:
        raise Refused("its mask has no class." if not present else f"its mask has {len(present)} classes.")
    return present[0]


def _box_lesions(part: LabelledImage, labels: _Labels) -> list[ImportedLesion]:
    found = labels.tables.of(part.name)
    return [_box_lesion(part.instance, box, labels) for box in found.boxes] if found is not None else []


def _box_lesion(instance: Instance, box: Box, labels: _Labels) -> ImportedLesion:
    """A box in the image's own pixels: the table's, scaled from the picture in which it was measured."""
    size = labels.options.box_size or [instance.columns, instance.rows]
    across, down = instance.columns / size[0], instance.rows / size[-1]
    corners = [[box.x * across, box.y * down], [(box.x + box.w) * across, (box.y + box.h) * down]]
    return ImportedLesion(
        finding_type=labels.type_of("lesion", box.finding), kind=MarkKind.BOX, instance=instance, points=corners
    )


def _merged_findings(said: Iterable[FileLabels]) -> dict[str, bool]:
    """Findings of a case: present if any of its images shows them."""
    merged: dict[str, bool] = {}
    for labels in said:
        for name, present in labels.findings.items():
            merged[name] = merged.get(name, False) or present
    return merged


def _image_findings(findings: Mapping[str, bool], labels: _Labels) -> dict[str, str]:
    return {str(labels.type_of("image", name).pk): "present" if value else "absent" for name, value in findings.items()}
