"""Metadata: the DICOM JSON that was stored at ingest, joined together and never parsed."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpResponse
from rest_framework.request import Request

from backend.dicom.header import BULK_SCHEME
from backend.dicomweb.datasets import chosen_type, dataset_answer, takes_gzip
from backend.dicomweb.dicomweb_view import REVALIDATE, DicomwebView, cached, is_current, not_modified
from backend.dicomweb.etags import etag_of
from backend.dicomweb.selectors import instances_at, series_of

_STORED: Final = f'"BulkDataURI":"{BULK_SCHEME}'


def _addressed(header: str, study: str, series: str, instance: str) -> str:
    """The header with addresses in the place of where its bulk data lie."""
    if _STORED not in header:
        return header
    return header.replace(_STORED, f'"BulkDataURI":"{study}/series/{series}/instances/{instance}/bulkdata/')


class MetadataView(DicomwebView):
    """`…/metadata` of a study, a series or an instance."""

    def get(
        self, request: Request, slug: str, study: str, series: str | None = None, instance: str | None = None
    ) -> HttpResponse:
        """All headers as one JSON array, in reading order."""
        media_type = chosen_type(self.accept())
        found = instances_at(self.shown, study, series, instance)
        # An instance never changes once stored: what was received and when name the set, their order its answer.
        state = list(found.values_list("received_digest", "created_at"))
        if not state:
            raise Http404("No such study, series or instance in this project.")
        self.tell(study, [series] if series is not None else series_of(found))
        etag = etag_of(state, media_type, takes_gzip(request))
        if is_current(request, etag):
            return not_modified(etag, REVALIDATE)
        texts = found.values_list("dicom_json", "series__series_instance_uid", "sop_instance_uid")
        encoded = (
            f"[{','.join(_addressed(text, f'{self.root()}/studies/{study}', *uids) for text, *uids in texts)}]".encode()
        )
        return cached(dataset_answer(encoded, media_type, request), etag, REVALIDATE)
