"""Files that an import refuses go into quarantine as they came, and those that are tried again come out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from backend.archive.decode_child import DecodeChild
from backend.archive.encryption import CannotOpen
from backend.archive.ingest import keep_refused
from backend.archive.models import QuarantinedFile, QuarantineState
from backend.archive.quarantine import forget_bytes, known_beside, write_original
from backend.dicom.refusal import Refused
from backend.exchange.models import ImportItem, ImportRun, ItemState
from backend.exchange.sources import Source, upload_folder

GONE: Final = "What was kept of it cannot be read any more."
_USED: Final = (ItemState.IMPORTED, ItemState.DUPLICATE, ItemState.EMBARGOED, ItemState.HELD)


@dataclass(frozen=True)
class UploadedZip:
    """A zip archive of an import: its item, and the names of the files in it."""

    item_id: UUID
    names: frozenset[str]


def keep_refused_files(
    *,
    run: ImportRun,
    sources: Sequence[Source],
    zips: Sequence[UploadedZip] = (),
    beside: Callable[[str], Mapping[str, Any]] = lambda _name: {},
) -> None:
    """Keep what a run has refused and keeps nowhere yet, once; a zip archive whole where a file cannot be got out of it.

    `beside` says what the import knows of a file, by name, so that another attempt of it alone knows it, too.
    What lies in a folder of the server stays there and is not copied.
    """
    if run.options.get("source"):
        return
    by_name = {source.name: source for source in sources}
    refused = ImportItem.objects.filter(run=run, state=ItemState.REFUSED, quarantined=None, size__gt=0)
    stuck: set[str] = set()
    with ExitStack() as stack:
        child: DecodeChild | None = None
        for item in refused.iterator(500):
            try:
                with _bytes_of(item, by_name) as path:
                    if path is None:
                        continue
                    child = child or stack.enter_context(DecodeChild())
                    _keep(run, item, path, child, beside(item.name))
            except Refused:
                stuck.add(item.name)
        for archive in zips:
            _settle_zip(run, archive, len(stuck & archive.names), child or stack.enter_context(DecodeChild()))


@contextmanager
def _bytes_of(item: ImportItem, by_name: Mapping[str, Source]) -> Iterator[Path | None]:
    """An item's bytes, None where they are not here whole; Refused where they cannot be got out of their zip archive."""
    path, source = upload_folder(item.run_id) / str(item.pk), by_name.get(item.name)
    if path.is_file():
        yield path if path.stat().st_size == item.size else None
    elif source is None or not source.entry or not source.exists():
        yield None
    elif source.refusal:
        raise Refused(source.refusal)
    else:
        with source.opened() as unpacked:
            yield unpacked


def _keep(run: ImportRun, item: ImportItem, path: Path, child: DecodeChild, beside: Mapping[str, Any]) -> None:
    refusal = Refused(item.reason)
    refusal.facts = item.facts
    item.quarantined = keep_refused(
        archive=run.project.archive,
        child=child,
        path=path,
        refusal=refusal,
        project_id=run.project_id,
        beside=beside,
    )
    item.save(update_fields=["quarantined"])


def _settle_zip(run: ImportRun, archive: UploadedZip, stuck: int, child: DecodeChild) -> None:
    """The files of a zip archive have items of their own; it keeps its own only where not all could be got out of it."""
    item = ImportItem.objects.filter(pk=archive.item_id).first()
    if item is None:
        return
    if not stuck:
        if item.quarantined is not None:
            _release(item.quarantined)
        item.delete()
        return
    item.state = ItemState.REFUSED
    item.reason = f"{stuck} of its files could not be unpacked: the zip archive is kept as it came."
    item.save(update_fields=["state", "reason"])
    _keep(run, item, upload_folder(run.pk) / str(item.pk), child, {})


def bring_back(*, run: ImportRun) -> dict[UUID, QuarantinedFile]:
    """Put the files that a run tries again to where uploads lie; the rows from which they come, by item."""
    tried = ImportItem.objects.filter(run=run, state=ItemState.WAITING, quarantined__isnull=False)
    found: dict[UUID, QuarantinedFile] = {}
    for item in tried.select_related("quarantined"):
        row = item.quarantined
        assert row is not None
        target = upload_folder(run.pk) / str(item.pk)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            if row.state != QuarantineState.WAITING:
                raise FileNotFoundError
            target.touch(mode=0o600)
            write_original(row, target)
        except (FileNotFoundError, CannotOpen):
            target.unlink(missing_ok=True)
            item.state, item.reason = ItemState.REFUSED, GONE
            item.save(update_fields=["state", "reason"])
        else:
            found[item.pk] = row
    return found


def known_before(*, run: ImportRun) -> dict[str, dict[str, Any]]:
    """What the imports that brought them knew of the files that a run tries again, by their names here.

    Also of those that an attempt before has brought in: their cases may not be made yet.
    """
    tried = Q(state=ItemState.WAITING) | Q(instance__isnull=False)
    items = ImportItem.objects.filter(tried, run=run, quarantined__state=QuarantineState.WAITING)
    found = {}
    for item in items.select_related("quarantined"):
        assert item.quarantined is not None
        with suppress(FileNotFoundError, CannotOpen):
            found[item.name] = known_beside(item.quarantined)
    return found


def settle_tried(*, run: ImportRun, tried: Mapping[UUID, QuarantinedFile]) -> None:
    """Delete from quarantine what a run tried again and has used; of the rest tell there why it is refused now."""
    for item in ImportItem.objects.filter(run=run, pk__in=list(tried)):
        if item.state in _USED:
            _release(tried[item.pk])
        elif item.state == ItemState.REFUSED:
            QuarantinedFile.objects.filter(pk=tried[item.pk].pk).update(reason=item.reason)


def _release(row: QuarantinedFile) -> None:
    if QuarantinedFile.objects.filter(pk=row.pk, state=QuarantineState.WAITING).update(state=QuarantineState.RELEASED):
        forget_bytes(row)


def refuse_items(*, run: ImportRun, names: Iterable[str], reason: str) -> None:
    """Tell files of a run why they were not used."""
    chosen = sorted(names)
    for start in range(0, len(chosen), 500):
        items = ImportItem.objects.filter(run=run, name__in=chosen[start : start + 500], instance=None)
        items.update(state=ItemState.REFUSED, reason=reason)
