"""Routes of DICOMweb below `/dicom-web/`; paths are those of PS3.18 and carry no trailing slash."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from backend.dicomweb.bulk_views import BulkDataView
from backend.dicomweb.frame_views import FramesView, PixelDataView
from backend.dicomweb.instance_views import InstancesView
from backend.dicomweb.metadata_views import MetadataView
from backend.dicomweb.rendered_views import RenderedView, ThumbnailView
from backend.dicomweb.search_views import SearchInstancesView, SearchSeriesView
from backend.dicomweb.store_views import StudiesView, StudyView


class UidConverter:
    """A DICOM UID in a path."""

    regex = r"[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        """The UID as it is."""
        return value

    def to_url(self, value: str) -> str:
        """The UID as it is."""
        return value


register_converter(UidConverter, "uid")

_STUDY = "<slug:slug>/studies/<uid:study>"
_SERIES = f"{_STUDY}/series/<uid:series>"
_INSTANCE = f"{_SERIES}/instances/<uid:instance>"

urlpatterns: list[URLPattern] = [
    path("<slug:slug>/studies", StudiesView.as_view(), name="studies"),
    path("<slug:slug>/series", SearchSeriesView.as_view()),
    path("<slug:slug>/instances", SearchInstancesView.as_view()),
    path(f"{_STUDY}/series", SearchSeriesView.as_view()),
    path(f"{_STUDY}/instances", SearchInstancesView.as_view()),
    path(f"{_SERIES}/instances", SearchInstancesView.as_view()),
    path(f"{_INSTANCE}/frames/<str:frames>", FramesView.as_view(), name="frames"),
    path(f"{_INSTANCE}/frames/<str:frames>/rendered", RenderedView.as_view()),
    path(f"{_INSTANCE}/frames/<str:frames>/thumbnail", ThumbnailView.as_view()),
    path(f"{_INSTANCE}/bulkdata/<int:offset>-<int:length>", BulkDataView.as_view()),
    path(f"{_INSTANCE}/pixeldata", PixelDataView.as_view()),
    path(f"{_INSTANCE}/rendered", RenderedView.as_view(), name="rendered"),
    *(path(f"{level}/rendered", RenderedView.as_view()) for level in (_STUDY, _SERIES)),
    *(path(f"{level}/metadata", MetadataView.as_view()) for level in (_STUDY, _SERIES, _INSTANCE)),
    *(path(f"{level}/thumbnail", ThumbnailView.as_view()) for level in (_STUDY, _SERIES, _INSTANCE)),
    path(_STUDY, StudyView.as_view()),
    *(path(level, InstancesView.as_view()) for level in (_SERIES, _INSTANCE)),
]
