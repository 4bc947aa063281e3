"""Writes watched sources: begun, paused, gone on with, forgotten; their originals are touched by none of this."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction

from backend.accounts.models import User
from backend.accounts.sealed_secrets import seal_secret
from backend.audit.services import record_event
from backend.dicom.refusal import Refused
from backend.exchange.import_options import import_options
from backend.exchange.models import WatchedKind, WatchedSource
from backend.exchange.watched_places import PURPOSE, check_bucket, checked_folder
from backend.exchange.watching import retry_files
from backend.projects.models import Project

MAX_SOURCES: Final = 20
_OPTIONS: Final = frozenset({"imported_reader", "types", "readings_format", "readings_options", "volumes"})
"""Of an import's options those that make sense for files that come one by one: tables belong to one import."""


def create_watched_source(
    *, project: Project, by: User, kind: str, location: str, region: str = "", endpoint: str = "",
    credentials: Mapping[str, str] | None = None, options: Mapping[str, Any] | None = None, delete_after: bool = False,
) -> WatchedSource:  # fmt: skip
    """Begin to follow a folder or a bucket prefix; Refused where the operator does not allow it."""
    if unknown := sorted(set(options or {}) - _OPTIONS):
        raise Refused(f"Not for files that come one by one: {', '.join(unknown)}.")
    sealed = ""
    if kind == WatchedKind.FOLDER:
        location = str(checked_folder(project.slug, location))
    else:
        location, endpoint = location.strip("/"), endpoint.rstrip("/")
        check_bucket(location=location, region=region, endpoint=endpoint)
        if not credentials or not all(credentials.get(name) for name in ("access_key_id", "secret_access_key")):
            raise Refused("A bucket needs an access key and its secret.")
        sealed = seal_secret(json.dumps(dict(credentials)), purpose=PURPOSE)
    try:
        with transaction.atomic():
            Project.objects.select_for_update().get(pk=project.pk)
            if project.watched_sources.count() >= MAX_SOURCES:
                raise Refused(f"A project watches at most {MAX_SOURCES} places.")
            source = WatchedSource.objects.create(
                project=project,
                kind=kind,
                location=location,
                region=region,
                endpoint=endpoint,
                sealed_credentials=sealed,
                options=import_options(options or {}).as_json(),
                delete_after=delete_after,
                created_by=by,
            )
            _record(source, "watch.created", by, {"delete_after": delete_after})
    except IntegrityError as error:
        raise Refused(f"{location} is watched already.") from error
    return source


def update_watched_source(*, source: WatchedSource, by: User, changes: Mapping[str, Any]) -> WatchedSource:
    """Pause it, go on with it, or choose what happens to originals."""
    with transaction.atomic():
        source = WatchedSource.objects.select_for_update(of=("self",)).select_related("project").get(pk=source.pk)
        for name, value in changes.items():
            setattr(source, name, value)
        source.save(update_fields=list(changes))
        _record(source, "watch.changed", by, dict(changes))
    return source


def delete_watched_source(*, source: WatchedSource, by: User) -> None:
    """Follow it no more and forget which of its files were imported; what was imported stays."""
    with transaction.atomic():
        _record(source, "watch.deleted", by, {})
        source.delete()


def retry_watched_files(*, source: WatchedSource, by: User) -> int:
    """Let the files that were refused be imported once more; how many."""
    with transaction.atomic():
        count = retry_files(source)
        _record(source, "watch.retried", by, {"files": count})
    return count


def _record(source: WatchedSource, verb: str, by: User, detail: dict[str, Any]) -> None:
    record_event(
        actor=by, verb=verb, project_id=source.project_id, object_type="watched_source", object_id=source.pk,
        detail={"kind": source.kind, "location": source.location, **detail},
    )  # fmt: skip
