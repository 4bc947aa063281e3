"""Routes of `projects`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.projects.burnt_in_views import BurntInDismissView, BurntInReportListView
from backend.projects.job_views import JobDetailView, JobListView
from backend.projects.thumbnail_views import CaseThumbnailView
from backend.projects.views import (
    FindingTypeDetailView,
    FindingTypeListView,
    MemberDetailView,
    MemberListView,
    ProjectDetailView,
    ProjectListView,
)

urlpatterns: list[URLPattern] = [
    path("projects/", ProjectListView.as_view(), name="project-list"),
    path("projects/<slug:slug>/", ProjectDetailView.as_view(), name="project-detail"),
    path("projects/<slug:slug>/finding-types/", FindingTypeListView.as_view(), name="finding-type-list"),
    path(
        "projects/<slug:slug>/finding-types/<int:finding_type_id>/",
        FindingTypeDetailView.as_view(),
        name="finding-type-detail",
    ),
    path("projects/<slug:slug>/members/", MemberListView.as_view(), name="member-list"),
    path("projects/<slug:slug>/members/<str:username>/", MemberDetailView.as_view(), name="member-detail"),
    path("projects/<slug:slug>/jobs/", JobListView.as_view(), name="job-list"),
    path("projects/<slug:slug>/jobs/<uuid:job_id>/", JobDetailView.as_view(), name="job-detail"),
    path("projects/<slug:slug>/cases/<uuid:case_id>/thumbnail/", CaseThumbnailView.as_view(), name="case-thumbnail"),
    path("projects/<slug:slug>/burnt-in-reports/", BurntInReportListView.as_view(), name="burnt-in-report-list"),
    path(
        "projects/<slug:slug>/cases/<uuid:case_id>/burnt-in-reports/dismiss/",
        BurntInDismissView.as_view(),
        name="burnt-in-dismiss",
    ),
]
