"""Routes of `readings`."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from backend.readings.blob_views import BlobView
from backend.readings.foreign_model_views import (
    ForeignModelListView,
    ForeignModelView,
    PredictionListView,
    PredictionView,
)
from backend.readings.reading_views import (
    ReadingReopenView,
    ReadingRevealView,
    ReadingRevisionsView,
    ReadingSubmitView,
    ReadingView,
)
from backend.readings.room_views import (
    CaseGiveView,
    CaseOpenView,
    CasePriorReadingsView,
    CaseRelatedView,
    CaseReleaseView,
    CaseView,
)
from backend.readings.worklist_views import ReaderListView, WorklistNextView, WorklistPaceView, WorklistView

urlpatterns: list[URLPattern] = [
    path("projects/<slug:slug>/worklist/", WorklistView.as_view(), name="worklist"),
    path("projects/<slug:slug>/worklist/pace/", WorklistPaceView.as_view(), name="worklist-pace"),
    path("projects/<slug:slug>/readers/", ReaderListView.as_view(), name="reader-list"),
    path("projects/<slug:slug>/worklist/next/", WorklistNextView.as_view(), name="worklist-next"),
    path("projects/<slug:slug>/cases/<uuid:case_id>/", CaseView.as_view(), name="case-detail"),
    path("projects/<slug:slug>/cases/<uuid:case_id>/open/", CaseOpenView.as_view(), name="case-open"),
    path(
        "projects/<slug:slug>/cases/<uuid:case_id>/prior-readings/",
        CasePriorReadingsView.as_view(),
        name="case-prior-readings",
    ),
    path("projects/<slug:slug>/cases/<uuid:case_id>/related/", CaseRelatedView.as_view(), name="case-related"),
    path("projects/<slug:slug>/cases/<uuid:case_id>/give/", CaseGiveView.as_view(), name="case-give"),
    path("projects/<slug:slug>/cases/<uuid:case_id>/release/", CaseReleaseView.as_view(), name="case-release"),
    path("projects/<slug:slug>/readings/<uuid:reading_id>/", ReadingView.as_view(), name="reading-detail"),
    path("projects/<slug:slug>/readings/<uuid:reading_id>/submit/", ReadingSubmitView.as_view(), name="reading-submit"),
    path("projects/<slug:slug>/readings/<uuid:reading_id>/reveal/", ReadingRevealView.as_view(), name="reading-reveal"),
    path("projects/<slug:slug>/readings/<uuid:reading_id>/reopen/", ReadingReopenView.as_view(), name="reading-reopen"),
    path(
        "projects/<slug:slug>/readings/<uuid:reading_id>/revisions/",
        ReadingRevisionsView.as_view(),
        name="reading-revisions",
    ),
    path("projects/<slug:slug>/foreign-models/", ForeignModelListView.as_view(), name="foreign-model-list"),
    path("projects/<slug:slug>/foreign-models/<int:model_id>/", ForeignModelView.as_view(), name="foreign-model"),
    path(
        "projects/<slug:slug>/foreign-models/<int:model_id>/predictions/",
        PredictionListView.as_view(),
        name="prediction-list",
    ),
    path(
        "projects/<slug:slug>/foreign-models/<int:model_id>/predictions/<uuid:case_id>/",
        PredictionView.as_view(),
        name="prediction",
    ),
    re_path(r"^projects/(?P<slug>[-\w]+)/blobs/(?P<digest>[0-9a-f]{64})/$", BlobView.as_view(), name="blob"),
]
