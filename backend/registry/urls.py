"""Routes of `registry`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.registry.views import (
    ModelCasesView,
    ModelCompareView,
    ModelDetailView,
    ModelHoldoutView,
    ModelListView,
    ModelOnnxView,
    ModelPromoteView,
    ModelReleaseView,
)

urlpatterns: list[URLPattern] = [
    path("projects/<slug:slug>/models/", ModelListView.as_view(), name="models"),
    path("projects/<slug:slug>/models/<int:number>/", ModelDetailView.as_view(), name="model"),
    path("projects/<slug:slug>/models/<int:number>/cases/", ModelCasesView.as_view(), name="model-cases"),
    path("projects/<slug:slug>/models/<int:number>/compare/", ModelCompareView.as_view(), name="model-compare"),
    path("projects/<slug:slug>/models/<int:number>/onnx/", ModelOnnxView.as_view(), name="model-onnx"),
    path("projects/<slug:slug>/models/<int:number>/promote/", ModelPromoteView.as_view(), name="model-promote"),
    path("projects/<slug:slug>/models/<int:number>/release/", ModelReleaseView.as_view(), name="model-release"),
    path("projects/<slug:slug>/models/<int:number>/evaluate-holdout/", ModelHoldoutView.as_view(), name="model-holdout"),
]
