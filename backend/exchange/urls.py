"""Routes of `exchange`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.exchange.export_views import CocoExportView, MaskExportView
from backend.exchange.identity_views import IdentityExportView, IdentityLookUpView
from backend.exchange.import_views import (
    ImportDetailView,
    ImportFileView,
    ImportItemsView,
    ImportListView,
    ImportStartView,
    SplitView,
)
from backend.exchange.quarantine_views import (
    PixelRuleListView,
    PixelRuleView,
    QuarantineDiscardView,
    QuarantineListView,
    QuarantinePreviewView,
    QuarantineReleaseView,
)

_IMPORTS = "projects/<slug:slug>/imports/"
_QUARANTINE = "projects/<slug:slug>/quarantine/"
_IMPORT = f"{_IMPORTS}<uuid:run_id>/"

urlpatterns: list[URLPattern] = [
    path(_IMPORTS, ImportListView.as_view(), name="import-list"),
    path(_IMPORT, ImportDetailView.as_view(), name="import-detail"),
    path(f"{_IMPORT}start/", ImportStartView.as_view(), name="import-start"),
    path(f"{_IMPORT}items/", ImportItemsView.as_view(), name="import-items"),
    path(f"{_IMPORT}files/<uuid:item_id>/", ImportFileView.as_view(), name="import-file"),
    path("projects/<slug:slug>/exports/coco/", CocoExportView.as_view(), name="export-coco"),
    path("projects/<slug:slug>/exports/masks/", MaskExportView.as_view(), name="export-masks"),
    path(_QUARANTINE, QuarantineListView.as_view(), name="quarantine-list"),
    path(f"{_QUARANTINE}release/", QuarantineReleaseView.as_view(), name="quarantine-release"),
    path(f"{_QUARANTINE}discard/", QuarantineDiscardView.as_view(), name="quarantine-discard"),
    path(f"{_QUARANTINE}<uuid:file_id>/preview/", QuarantinePreviewView.as_view(), name="quarantine-preview"),
    path("projects/<slug:slug>/pixel-rules/", PixelRuleListView.as_view(), name="pixel-rule-list"),
    path("projects/<slug:slug>/pixel-rules/<int:rule_id>/", PixelRuleView.as_view(), name="pixel-rule-detail"),
    path("projects/<slug:slug>/identities/look-up/", IdentityLookUpView.as_view(), name="identity-look-up"),
    path("projects/<slug:slug>/identities/export/", IdentityExportView.as_view(), name="identity-export"),
    path("projects/<slug:slug>/splits/", SplitView.as_view(), name="split-list"),
]
