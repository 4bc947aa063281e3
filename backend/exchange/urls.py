"""Routes of `exchange`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.exchange.export_views import CocoExportView, MaskExportView
from backend.exchange.import_views import (
    ImportDetailView,
    ImportFileView,
    ImportItemsView,
    ImportListView,
    ImportStartView,
    SplitView,
)

_IMPORTS = "projects/<slug:slug>/imports/"
_IMPORT = f"{_IMPORTS}<uuid:run_id>/"

urlpatterns: list[URLPattern] = [
    path(_IMPORTS, ImportListView.as_view(), name="import-list"),
    path(_IMPORT, ImportDetailView.as_view(), name="import-detail"),
    path(f"{_IMPORT}start/", ImportStartView.as_view(), name="import-start"),
    path(f"{_IMPORT}items/", ImportItemsView.as_view(), name="import-items"),
    path(f"{_IMPORT}files/<uuid:item_id>/", ImportFileView.as_view(), name="import-file"),
    path("projects/<slug:slug>/exports/coco/", CocoExportView.as_view(), name="export-coco"),
    path("projects/<slug:slug>/exports/masks/", MaskExportView.as_view(), name="export-masks"),
    path("projects/<slug:slug>/splits/", SplitView.as_view(), name="split-list"),
]
