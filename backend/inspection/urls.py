"""Routes of `inspection`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.inspection.views import InspectableCasesView, InspectionPicturesView, InspectionView

_CASE = "projects/<slug:slug>/models/<int:number>/inspections/<uuid:case_id>/"

urlpatterns: list[URLPattern] = [
    path("projects/<slug:slug>/inspection-cases/", InspectableCasesView.as_view(), name="inspection-cases"),
    path(_CASE, InspectionView.as_view(), name="inspection"),
    path(f"{_CASE}pictures/", InspectionPicturesView.as_view(), name="inspection-pictures"),
]
