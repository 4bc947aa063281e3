"""Whole instances as DICOM files: of one instance, of a series, of a study; in parts or as a zip archive."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from django.db.models import QuerySet
from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from backend.archive.models import Instance
from backend.archive.part10 import Part10, part10
from backend.archive.rendering import read_header
from backend.dicom.header import frame_format
from backend.dicom.transcode import can_encode
from backend.dicomweb import multipart
from backend.dicomweb.dicomweb_view import (
    REVALIDATE,
    DicomwebView,
    NotAcceptable,
    cached,
    is_current,
    kept_by_caches,
    not_modified,
)
from backend.dicomweb.etags import content_of, etag_of
from backend.dicomweb.media_types import DICOM, ZIP, Representation, choose_instances, instance_types
from backend.dicomweb.selectors import instances_at, series_of
from backend.exchange.outbox import Outbox

_CHUNK = 20


class InstancesView(DicomwebView):
    """`…/series/<uid>`, `…/instances/<uid>`, and what GET does of `/studies/<uid>`."""

    def get(
        self, request: Request, slug: str, study: str, series: str | None = None, instance: str | None = None
    ) -> HttpResponseBase:
        """One part or one file of a zip archive per instance; a single instance may also be had bare."""
        found = instances_at(self.shown, study, series, instance)
        syntaxes = list(found.order_by().values_list("transfer_syntax_uid", flat=True).distinct())
        if not syntaxes:
            raise Http404("No such study, series or instance in this project.")
        accept = self.accept()
        chosen = {syntax: offer for syntax in syntaxes if (offer := choose_instances(accept, syntax)) is not None}
        others = [syntax for syntax in syntaxes if syntax not in chosen]
        first = next(iter(chosen.values()), None)
        if first is None or found.filter(transfer_syntax_uid__in=others, file_range__isnull=True).exists():
            raise NotAcceptable(instance_types())
        chosen |= {syntax: _as_stored(first, syntax) for syntax in others}
        if instance is None and not first.multipart and not first.zipped:
            raise NotAcceptable(['multipart/related; type="application/dicom"', f"{ZIP} (for more than one instance)"])
        self.tell(study, [series] if series is not None else series_of(found))
        if instance is not None and not first.zipped:
            return _one(request, found.get(), first)
        if first.zipped:
            response = StreamingHttpResponse(zip_archive(_named_files(found, chosen)), content_type=ZIP)
            response["Content-Disposition"] = f'attachment; filename="{instance or series or study}.zip"'
        else:
            boundary = multipart.new_boundary()
            body = multipart.stream_parts(_files(found, chosen), boundary)
            response = StreamingHttpResponse(body, content_type=multipart.content_type(DICOM, boundary))
        response["Cache-Control"] = REVALIDATE
        return response


def _one(request: Request, instance: Instance, chosen: Representation) -> HttpResponseBase:
    etag = etag_of(content_of(instance), chosen)
    is_whole = instance.file_range is not None
    kept = kept_by_caches(request, instance.frames_key)
    if is_current(request, etag):
        return not_modified(etag, kept)
    if not chosen.is_stored and (is_whole or not can_encode(frame_format(read_header(instance)), chosen.syntax)):
        raise NotAcceptable(instance_types()[:1])
    file = part10(instance, syntax=chosen.syntax)
    if not chosen.multipart:
        answer = StreamingHttpResponse(file.pieces, content_type=DICOM)
        answer["Content-Length"] = str(file.size)
        return cached(answer, etag, kept)
    boundary = multipart.new_boundary()
    body = multipart.stream_parts([(chosen.content_type, file.size, file.pieces)], boundary)
    return cached(StreamingHttpResponse(body, content_type=multipart.content_type(DICOM, boundary)), etag, kept)


def _as_stored(offer: Representation, syntax: str) -> Representation:
    return replace(offer, syntax=syntax, is_stored=True)


def _files(
    instances: QuerySet[Instance], chosen: Mapping[str, Representation]
) -> Iterator[tuple[str, int, Iterable[bytes]]]:
    for instance in instances.iterator(chunk_size=_CHUNK):
        offer = chosen[instance.transfer_syntax_uid]
        if instance.file_range is not None:
            # Objects of readings go as they are, whatever their images are asked for in.
            offer = _as_stored(offer, instance.transfer_syntax_uid)
        file = part10(instance, syntax=offer.syntax)
        yield offer.content_type, file.size, file.pieces


def _named_files(instances: QuerySet[Instance], chosen: Mapping[str, Representation]) -> Iterator[tuple[str, Part10]]:
    for instance in instances.select_related("series").iterator(chunk_size=_CHUNK):
        name = f"{instance.series.series_instance_uid}/{instance.sop_instance_uid}.dcm"
        yield name, part10(instance, syntax=chosen[instance.transfer_syntax_uid].syntax)


def zip_archive(files: Iterable[tuple[str, Part10]]) -> Iterator[bytes]:
    """A zip archive of named files, piece by piece; images do not deflate, so they are stored."""
    outbox = Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:
        for name, file in files:
            info = zipfile.ZipInfo(name)
            info.file_size = file.size
            with archive.open(info, "w") as sink:
                for piece in file.pieces:
                    sink.write(piece)
                    yield outbox.take()
    yield outbox.take()
