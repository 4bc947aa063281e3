"""Routes of `exchange`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.exchange.blanking_view import CaseBlankView
from backend.exchange.export_views import (
    CocoExportView,
    ExportCancelView,
    ExportDetailView,
    ExportFileView,
    ExportFormatsView,
    ExportListView,
    ExportPreviewView,
    ExportPublishView,
    ExportVerifyView,
    ExportWithdrawView,
    MaskExportView,
)
from backend.exchange.identity_views import IdentityExportView, IdentityLookUpView, IdentityTableView
from backend.exchange.import_views import (
    ImportDetailView,
    ImportFileView,
    ImportFormatsView,
    ImportItemsView,
    ImportListView,
    ImportStartView,
    SplitView,
)
from backend.exchange.quarantine_views import (
    PixelRuleListView,
    PixelRuleView,
    QuarantineDiscardView,
    QuarantineFileView,
    QuarantineListView,
    QuarantinePreviewView,
    QuarantineReleaseView,
    QuarantineRetryView,
)
from backend.exchange.waiting_views import WaitingListView, WaitingView
from backend.exchange.watched_views import (
    WatchedFilesView,
    WatchedListView,
    WatchedRetryView,
    WatchedView,
)

_IMPORTS = "projects/<slug:slug>/imports/"
_QUARANTINE = "projects/<slug:slug>/quarantine/"
_IMPORT = f"{_IMPORTS}<uuid:run_id>/"
_EXPORTS = "projects/<slug:slug>/exports/"
_EXPORT = f"{_EXPORTS}<uuid:export_id>/"
_WATCHED = "projects/<slug:slug>/watched-sources/"
_WAITING = "projects/<slug:slug>/waiting-readings/"

urlpatterns: list[URLPattern] = [
    path(_IMPORTS, ImportListView.as_view(), name="import-list"),
    path(f"{_IMPORTS}formats/", ImportFormatsView.as_view(), name="import-formats"),
    path(_IMPORT, ImportDetailView.as_view(), name="import-detail"),
    path(f"{_IMPORT}start/", ImportStartView.as_view(), name="import-start"),
    path(f"{_IMPORT}items/", ImportItemsView.as_view(), name="import-items"),
    path(f"{_IMPORT}files/<uuid:item_id>/", ImportFileView.as_view(), name="import-file"),
    path(_WAITING, WaitingListView.as_view(), name="waiting-list"),
    path(f"{_WAITING}<uuid:waiting_id>/", WaitingView.as_view(), name="waiting"),
    path(_WATCHED, WatchedListView.as_view(), name="watch-list"),
    path(f"{_WATCHED}<uuid:source_id>/", WatchedView.as_view(), name="watch"),
    path(f"{_WATCHED}<uuid:source_id>/files/", WatchedFilesView.as_view(), name="watch-files"),
    path(f"{_WATCHED}<uuid:source_id>/retry/", WatchedRetryView.as_view(), name="watch-retry"),
    path(_EXPORTS, ExportListView.as_view(), name="export-list"),
    path(f"{_EXPORTS}formats/", ExportFormatsView.as_view(), name="export-formats"),
    path(f"{_EXPORTS}preview/", ExportPreviewView.as_view(), name="export-preview"),
    path(f"{_EXPORTS}coco/", CocoExportView.as_view(), name="export-coco"),
    path(f"{_EXPORTS}masks/", MaskExportView.as_view(), name="export-masks"),
    path(_EXPORT, ExportDetailView.as_view(), name="export-detail"),
    path(f"{_EXPORT}cancel/", ExportCancelView.as_view(), name="export-cancel"),
    path(f"{_EXPORT}verify/", ExportVerifyView.as_view(), name="export-verify"),
    path(f"{_EXPORT}publish/", ExportPublishView.as_view(), name="export-publish"),
    path(f"{_EXPORT}withdraw/", ExportWithdrawView.as_view(), name="export-withdraw"),
    path(f"{_EXPORT}file/", ExportFileView.as_view(), name="export-file"),
    path("projects/<slug:slug>/cases/<uuid:case_id>/blank/", CaseBlankView.as_view(), name="case-blank"),
    path(_QUARANTINE, QuarantineListView.as_view(), name="quarantine-list"),
    path(f"{_QUARANTINE}release/", QuarantineReleaseView.as_view(), name="quarantine-release"),
    path(f"{_QUARANTINE}discard/", QuarantineDiscardView.as_view(), name="quarantine-discard"),
    path(f"{_QUARANTINE}retry/", QuarantineRetryView.as_view(), name="quarantine-retry"),
    path(f"{_QUARANTINE}<uuid:file_id>/file/", QuarantineFileView.as_view(), name="quarantine-file"),
    path(f"{_QUARANTINE}<uuid:file_id>/preview/", QuarantinePreviewView.as_view(), name="quarantine-preview"),
    path("projects/<slug:slug>/pixel-rules/", PixelRuleListView.as_view(), name="pixel-rule-list"),
    path("projects/<slug:slug>/pixel-rules/<int:rule_id>/", PixelRuleView.as_view(), name="pixel-rule-detail"),
    path("projects/<slug:slug>/identities/", IdentityTableView.as_view(), name="identity-table"),
    path("projects/<slug:slug>/identities/look-up/", IdentityLookUpView.as_view(), name="identity-look-up"),
    path("projects/<slug:slug>/identities/export/", IdentityExportView.as_view(), name="identity-export"),
    path("projects/<slug:slug>/splits/", SplitView.as_view(), name="split-list"),
]
