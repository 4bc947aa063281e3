"""Runs an import: each file through the archive's door, then cases, then labels. Can be broken off anywhere and run again.

What became of each file is written beside the file's own rows, so a second run of the same import goes on where the
first one stopped, and importing the same files again changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from backend.archive.decode_child import DecodeChild
from backend.archive.ingest import Ingested, KeptAside, ingest_file
from backend.archive.models import Instance, QuarantineKind, Series
from backend.archive.services import order_series
from backend.archive.thumbnails import thumbnail_of
from backend.dicom.file_facts import standard_facts
from backend.dicom.object_reading import HEAD_BYTES, object_uid
from backend.dicom.refusal import Refused
from backend.exchange.case_names import is_volume
from backend.exchange.context_table import CONTEXT_COLUMNS, ContextRow, read_contexts
from backend.exchange.export_zip import MANIFEST
from backend.exchange.format_registry import NO_READINGS
from backend.exchange.import_options import ImportOptions
from backend.exchange.kept_refused import known_before
from backend.exchange.label_import import LabelledImage, LabelOutcome, import_labels
from backend.exchange.label_tables import LabelTables, column_mapping, read_boxes, read_labels
from backend.exchange.models import ImportItem, ImportRun, ItemState
from backend.exchange.published_selectors import (
    ALREADY_PUBLISHED,
    PUBLISHED_MODALITIES,
    has_published,
    is_published_here,
)
from backend.exchange.reading_import import ReadingOptions, ReadingOutcome, claimed_files, import_foreign_readings
from backend.exchange.source_folder import SourceFolder
from backend.exchange.sources import Source, sources_in
from backend.exchange.trait_import import import_traits
from backend.exchange.volume_plan import VolumeImage, channel_groups, plan_volumes
from backend.projects.case_services import CaseCandidate, add_cases
from backend.projects.models import Assignment, Case, Project, Split, Unit
from backend.projects.selectors import case_instances
from backend.readings.models import Reading

CHUNK: Final = 100
logger = logging.getLogger(__name__)
_MAX_TABLE_BYTES: Final = 200 * 1024 * 1024
_LUCK: Final[dict[str, int]] = {ItemState.REFUSED: 0, ItemState.HELD: 1}
"""States of a header in which its voxels must not be lost, the worst first."""


class UnusableTable(Refused):
    """The table `name` cannot be used, so nothing of its import is."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass
class ImportPlan:
    """The files of a run by what they are: images (or readings), claimed readings, masks by name, tables.

    `volumes`: what is known of the images that are volumes, by name. `channels`: the group of each volume that is one
    channel of several, also of those that an attempt before has brought in. `known`: of files that are tried again what the
    imports knew that brought them.
    """

    images: list[Source]
    claimed: list[Source] = field(default_factory=list)
    masks: dict[str, Source] = field(default_factory=dict)
    tables: LabelTables = field(default_factory=LabelTables)
    contexts: list[ContextRow] = field(default_factory=list)
    volumes: dict[str, VolumeImage] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def patient_of(self, name: str) -> str:
        """The patient that a table names for a file; empty for none."""
        labels = self.tables.of(name)
        return labels.patient if labels is not None else str(self.known.get(name, {}).get("patient_id") or "")

    def group_of(self, name: str) -> str:
        """The group of a file's case that a table, or its place among the channels of a dataset, names; empty for none."""
        labels = self.tables.of(name)
        if labels is not None and labels.group:
            return labels.group
        return self.channels.get(name) or str(self.known.get(name, {}).get("group") or "")

    def volume_of(self, name: str) -> VolumeImage | None:
        """What is known of a volume that is an image; None of any other file."""
        volume, known = self.volumes.get(name), self.known.get(name, {})
        if volume is None or not known.get("volume"):
            return volume
        # Not the UID of its series: another image may have got it meanwhile, which was looked for anew.
        naming = {key: value for key, value in known["volume"].items() if key != "series_uid"}
        return VolumeImage(str(known.get("modality") or volume.modality), {**volume.naming, **naming})

    def beside(self, name: str) -> dict[str, Any]:
        """What is known of a file, as quarantine remembers it."""
        volume = self.volume_of(name)
        return {
            "group": self.group_of(name),
            "patient_id": self.patient_of(name),
            "modality": "" if volume is None else volume.modality,
            "volume": {} if volume is None else dict(volume.naming),
        }

    @property
    def headers(self) -> dict[str, list[str]]:
        """The headers of volumes by the file of their voxels, in the order in which they are told."""
        found: dict[str, list[str]] = {}
        for source in (*self.images, *self.claimed):
            if source.voxels is not None:
                found.setdefault(source.voxels.name, []).append(source.name)
        return found


def plan_import(run: ImportRun, sources: Sequence[Source], options: ImportOptions) -> ImportPlan:
    """Tell images from labels among the files and read the tables; Refused if a table cannot be used.

    Of an import from the server (`options.source`) labels lie at paths of their own; of an upload they are files of it.
    """
    plan = ImportPlan(images=[])
    label_files: dict[str, Source] = {}
    if options.source:
        plan.images = list(sources)
        if options.masks_prefix:
            plan.masks = {source.name: source for source in sources_in(Path(options.masks_prefix))}
        label_files = {name: Source(name, Path(name)) for name in options.tables}
    else:
        for source in sources:
            if source.name in options.tables:
                label_files[source.name] = source
            elif options.masks_prefix and source.name.startswith(options.masks_prefix) and not is_volume(source.name):
                plan.masks[source.name.removeprefix(options.masks_prefix).lstrip("/")] = source
            else:
                plan.images.append(source)
    if options.labels_file:
        with _naming(options.labels_file):
            text = _table(label_files, options.labels_file)
            read_labels(plan.tables, text, column_mapping(options.columns), options.normal)
    if options.boxes_file:
        with _naming(options.boxes_file):
            read_boxes(plan.tables, _table(label_files, options.boxes_file), column_mapping(options.box_columns))
    if options.context_file:
        with _naming(options.context_file):
            mapping = column_mapping(options.context_columns, CONTEXT_COLUMNS)
            plan.contexts = read_contexts(_table(label_files, options.context_file), mapping)
    names = set(ImportItem.objects.filter(run=run).values_list("name", flat=True))
    found = plan_volumes(plan.images, options, project=run.project, run_id=run.pk, names=names)
    plan.known = known_before(run=run)
    plan.images, plan.volumes, plan.channels = found.images, found.volumes, channel_groups(names)
    if options.readings_format != NO_READINGS:
        _set_aside_claimed(plan, options)
    plan.claimed += found.masks
    return plan


@contextmanager
def _naming(name: str) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        raise UnusableTable(str(refusal), name) from refusal


def _set_aside_claimed(plan: ImportPlan, options: ImportOptions) -> None:
    """Pictures that a format knows for its own are not images."""
    with SourceFolder(plan.images) as folder:
        claimed = claimed_files(folder, options.readings_format)
    plan.claimed = [source for source in plan.images if source.name in claimed]
    plan.images = [source for source in plan.images if source.name not in claimed]


def _table(label_files: Mapping[str, Source], name: str) -> str:
    if name not in label_files:
        raise Refused(f"There is no file {name} among those uploaded.")
    with label_files[name].opened() as path:
        if not path.is_file():
            raise Refused(f"There is no file {name}.")
        if path.stat().st_size > _MAX_TABLE_BYTES:
            raise Refused(f"{name} is too big for a table.")
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise Refused(f"{name} is no UTF-8 text.") from error


def import_images(
    *,
    run: ImportRun,
    plan: ImportPlan,
    child: DecodeChild,
    on_item: Callable[[ImportItem, Source], None],
) -> None:
    """Bring every waiting image of the run into the archive and write what became of it.

    `on_item` hears of each with its source; of a volume in two files without the voxels as long as they are needed.
    """
    headers = plan.headers
    waiting = {item.name: item for item in ImportItem.objects.filter(run=run, state=ItemState.WAITING)}
    for source in plan.images:
        item = waiting.get(source.name)
        if item is None:
            continue
        _import_one(run, item, source, plan, child)
        with transaction.atomic():
            item.save(update_fields=["state", "reason", "facts", "instance", "case", "modality", "quarantined"])
            is_done = source.voxels is None or _tell_voxels(run, source, headers)
        on_item(item, source if is_done else replace(source, voxels=None))


def _tell_voxels(run: ImportRun, source: Source, headers: Mapping[str, Sequence[str]]) -> bool:
    """The file of a volume's voxels became what its header did; of several headers that name it what the least lucky one
    did, once the last is told. Whether nobody needs its bytes any more."""
    assert source.voxels is not None
    names = headers[source.voxels.name]
    if source.name != names[-1]:
        return False
    header = min(ImportItem.objects.filter(run=run, name__in=names), key=lambda item: _LUCK.get(item.state, len(_LUCK)))
    state = header.state if header.state in (*_LUCK, ItemState.DUPLICATE) else ItemState.IMPORTED
    # What is held lies in quarantine with its voxels, and both wait for one decision.
    held = {"quarantined": header.quarantined} if state == ItemState.HELD else {}
    voxel_items = ImportItem.objects.filter(run=run, name=source.voxels.name)
    voxel_items.update(state=state, reason=f"The voxels of {header.name}.", **held)
    return state != ItemState.REFUSED


def _import_one(run: ImportRun, item: ImportItem, source: Source, plan: ImportPlan, child: DecodeChild) -> None:
    try:
        if source.refusal:
            raise Refused(source.refusal)
        with source.opened() as path:
            ingested = take_in(
                project=run.project,
                item=item,
                path=path,
                child=child,
                patient_id=plan.patient_of(source.name),
                group=plan.group_of(source.name),
                volume=plan.volume_of(source.name),
            )
    except KeptAside as aside:
        tell_kept_aside(item, aside)
        return
    except Refused as refusal:
        tell_refused(item, refusal)
        return
    if not ingested.is_new:
        item.case = case_of(run.project, ingested.instance)
        twin = ImportItem.objects.filter(run=run, instance=ingested.instance).exclude(pk=item.pk).exists()
        if item.case is not None or twin:
            item.state, item.reason = ItemState.DUPLICATE, duplicate_reason(item.case)


def take_in(
    *,
    project: Project,
    item: ImportItem,
    path: Path,
    child: DecodeChild,
    patient_id: str = "",
    group: str = "",
    volume: VolumeImage | None = None,
) -> Ingested:
    """Bring one file into the archive and tell its item (which is not saved) what it is; Refused where it cannot be used."""
    ingested = ingest_file(
        archive=project.archive,
        child=child,
        path=path,
        modality=project.modality if volume is None else volume.modality,
        patient_id=patient_id,
        may_grow=is_unread,
        project_id=project.pk,
        beside={"group": group},
        volume=None if volume is None else volume.naming,
    )
    tell_taken(item, ingested)
    return ingested


def tell_taken(item: ImportItem, ingested: Ingested) -> None:
    """Tell an item (which is not saved) that its file is in the archive."""
    item.instance = ingested.instance
    item.modality = ingested.instance.series.modality
    item.state, item.reason = ItemState.IMPORTED, ""


def tell_kept_aside(item: ImportItem, aside: KeptAside) -> None:
    """Tell an item (which is not saved) that its file lies in quarantine."""
    tell_refused(item, aside)
    item.quarantined = aside.file
    if aside.file.kind == QuarantineKind.HELD:
        item.state = ItemState.HELD


def tell_refused(item: ImportItem, refusal: Refused) -> None:
    """Tell an item (which is not saved) why its file cannot be used, and what it is."""
    item.state, item.reason, item.facts = ItemState.REFUSED, str(refusal), standard_facts(refusal.facts)
    item.modality = item.facts.get("modality", "")


def is_unread(series: Series) -> bool:
    """Whether no case of any project that is this whole series has been opened or read, nor the series holds a reading."""
    if series.modality in PUBLISHED_MODALITIES:
        return False
    cases = list(Case.objects.filter(series=series, instance__isnull=True).values_list("pk", flat=True))
    if not cases:
        return True
    return not Reading.objects.filter(case__in=cases).exists() and not Assignment.objects.filter(case__in=cases).exists()


def duplicate_reason(case: Case | None) -> str:
    """Why a file brought nothing new."""
    return f"Already here as {case.name}." if case is not None else "The same image twice in this import."


def case_of(project: Project, instance: Instance) -> Case | None:
    """The case of a project that is this instance, or the series it belongs to."""
    whole = Q(instance__isnull=True, series_id=instance.series_id)
    return Case.objects.filter(Q(instance=instance) | whole, project=project).first()


def make_cases(*, run: ImportRun, plan: ImportPlan) -> None:
    """Put series in order, make the cases of everything that came in, and tell each file its case."""
    project = run.project
    items = list(ImportItem.objects.filter(run=run, instance__isnull=False).select_related("instance").order_by("name"))
    series_ids = {
        item.instance.series_id for item in items if item.instance is not None and item.state != ItemState.DUPLICATE
    }
    for series in _series_in_space(series_ids):
        order_series(series=series)
    candidates = []
    for item in items:
        candidates.append(CaseCandidate(_pk(item), item.name, plan.group_of(item.name)))
    add_cases(project=project, candidates=candidates)
    _tell_items(project, items)


def _series_in_space(ids: Iterable[int]) -> Iterator[Series]:
    """Those of the series of which any instance says where it lies: pictures have no place and need no order."""
    known = list(ids)
    for start in range(0, len(known), 500):
        placed = Instance.objects.filter(series_id__in=known[start : start + 500], position__isnull=False)
        yield from Series.objects.filter(pk__in=placed.values("series_id"))


def _pk(item: ImportItem) -> int:
    assert item.instance_id is not None
    return item.instance_id


def _tell_items(project: Project, items: Sequence[ImportItem]) -> None:
    by_series = project.unit == Unit.SERIES
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        cases = _cases_of(project, [item.instance for item in chunk if item.instance is not None])
        for item in chunk:
            assert item.instance is not None
            item.case = cases.get(item.instance.series_id if by_series else item.instance.pk)
            if item.case is None:
                continue
            if item.case.split == Split.EMBARGOED and item.state != ItemState.DUPLICATE:
                item.state, item.reason = ItemState.EMBARGOED, item.case.embargo_reason
            elif item.state == ItemState.DUPLICATE:
                item.reason = duplicate_reason(item.case)
        ImportItem.objects.bulk_update(chunk, ["case", "state", "reason"])


def _cases_of(project: Project, instances: Sequence[Instance]) -> dict[int, Case]:
    """The cases of these instances by series or instance, as the project counts."""
    if project.unit == Unit.SERIES:
        series = {instance.series_id for instance in instances}
        whole = Case.objects.filter(project=project, instance__isnull=True, series_id__in=series)
        return {case.series_id: case for case in whole}
    single = Case.objects.filter(project=project, instance_id__in=[instance.pk for instance in instances])
    return {case.instance_id: case for case in single if case.instance_id is not None}


def draw_thumbnails(*, run: ImportRun) -> None:
    """Make the small picture of every case of the run before a page asks for it: a list would wait for all of them."""
    cases = Case.objects.filter(pk__in=ImportItem.objects.filter(run=run, case__isnull=False).values("case"))
    for case in cases.order_by("number").iterator(CHUNK):
        keys = list(case_instances(case).values_list("pk", flat=True))
        try:
            thumbnail_of(Instance.objects.get(pk=keys[len(keys) // 2]))
        except (Refused, ValueError, ArithmeticError) as error:
            # The picture is a convenience: a case that cannot be drawn small is still imported.
            logger.warning("No thumbnail of case %s: %s", case.pk, error)


def bring_labels(*, run: ImportRun, plan: ImportPlan, options: ImportOptions) -> LabelOutcome:
    """Make readings of the labels that came along, and store what tables say of sex, age, view, site and scanner."""
    if not options.has_labels:
        return LabelOutcome()
    items = ImportItem.objects.filter(run=run, instance__isnull=False, case__isnull=False)
    found = items.select_related("case", "instance").defer("instance__dicom_json").order_by("name")
    images = [LabelledImage(item.name, item.instance, item.case) for item in found if item.instance and item.case]
    outcome = import_labels(project=run.project, images=images, tables=plan.tables, masks=plan.masks, options=options)
    outcome.traits = import_traits(
        project=run.project,
        images=[(image.name, image.instance, image.case) for image in images],
        tables=plan.tables,
        by=run.created_by,
        source=f"import {run.pk}",
    )
    return outcome


def bring_readings(
    *, run: ImportRun, plan: ImportPlan, options: ImportOptions, on_reading: Callable[[int], None] | None = None
) -> ReadingOutcome:
    """Make readings of what the door refused as no image and some format knows, and tell the files."""
    if options.readings_format == NO_READINGS:
        return ReadingOutcome()
    refused = ImportItem.objects.filter(run=run, state=ItemState.REFUSED, instance=None)
    names = set(refused.values_list("name", flat=True)) | {source.name for source in plan.claimed}
    offered = [source for source in (*plan.images, *plan.claimed) if source.name not in plan.volumes]
    sources = [source for source in offered if source.name in names and source.exists()]
    own = _published_here(run.project, sources)
    sources = [source for source in sources if source.name not in own]
    chosen = ReadingOptions(
        format=options.readings_format,
        reader=options.imported_reader,
        options=options.readings_options,
        types=options.types,
    )
    outcome = import_foreign_readings(
        project=run.project, sources=sources, chosen=chosen, by=run.created_by, run=run, on_reading=on_reading
    )
    with transaction.atomic():
        _tell_readings(run, plan, outcome)
    for start in range(0, len(twins := sorted(own)), 500):
        twin = ImportItem.objects.filter(run=run, instance=None, name__in=twins[start : start + 500])
        twin.update(state=ItemState.DUPLICATE, reason=ALREADY_PUBLISHED)
    return outcome


def _published_here(project: Project, sources: Sequence[Source]) -> set[str]:
    """The names of files that are objects which this project has published: its own readings come back."""
    if not has_published(project):
        return set()
    with SourceFolder(sources) as folder:
        return {name for name in folder if is_published_here(project, object_uid(folder.head(name, HEAD_BYTES)))}


def _tell_readings(run: ImportRun, plan: ImportPlan, outcome: ReadingOutcome) -> None:
    items = ImportItem.objects.filter(run=run, instance=None)
    if outcome.files:
        # What lies beside the readings in an export of ours speaks of them only.
        beside = (
            Q(name__endswith=f"/{MANIFEST}") | Q(name__endswith="/verification.json") | Q(name__endswith="/verification.txt")
        )
        own = Q(name__in=(MANIFEST, "verification.json", "verification.txt"))
        items.filter(beside | own, state=ItemState.REFUSED).update(state=ItemState.IMPORTED, reason="Readings.")
    reasons: dict[str, str] = {}
    for name, reason in outcome.refused:
        reasons.setdefault(name, reason)
    for start in range(0, len(names := sorted(outcome.files)), 500):
        items.filter(name__in=names[start : start + 500]).update(state=ItemState.IMPORTED, reason="Readings.")
    for name, reason in reasons.items():
        items.filter(name=name).update(state=ItemState.REFUSED, reason=reason)
    unread = sorted({source.name for source in plan.claimed} - outcome.files)
    for start in range(0, len(unread), 500):
        unused = items.filter(name__in=unread[start : start + 500])
        unused.update(state=ItemState.REFUSED, reason="No format of readings used it.")
    headers = plan.headers
    for source in plan.claimed:
        if source.voxels is not None:
            _tell_voxels(run, source, headers)


def write_items(*, run: ImportRun, sources: Sequence[Source]) -> dict[str, UUID]:
    """A row for every file of a run that has none yet, ready to be imported; ids by name."""
    known = dict(ImportItem.objects.filter(run=run).values_list("name", "pk"))
    fresh = [source for source in sources if source.name not in known]
    for start in range(0, len(fresh), CHUNK):
        rows = [
            ImportItem(run=run, name=source.name, size=source.size, received=source.size, state=ItemState.WAITING)
            for source in fresh[start : start + CHUNK]
        ]
        ImportItem.objects.bulk_create(rows)
        known.update({row.name: row.pk for row in rows})
    return known
