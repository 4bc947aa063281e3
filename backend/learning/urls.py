"""Routes of `learning`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.learning.views import (
    CardTextView,
    LearningView,
    ModelCardView,
    PolicyView,
    RoundCancelView,
    RoundDetailView,
    RoundListView,
)

urlpatterns: list[URLPattern] = [
    path("projects/<slug:slug>/learning/", LearningView.as_view(), name="learning"),
    path("projects/<slug:slug>/card-text/", CardTextView.as_view(), name="card-text"),
    path("projects/<slug:slug>/models/<int:number>/card/", ModelCardView.as_view(), name="model-card"),
    path("projects/<slug:slug>/policy/", PolicyView.as_view(), name="policy"),
    path("projects/<slug:slug>/rounds/", RoundListView.as_view(), name="rounds"),
    path("projects/<slug:slug>/rounds/<int:number>/", RoundDetailView.as_view(), name="round"),
    path("projects/<slug:slug>/rounds/<int:number>/cancel/", RoundCancelView.as_view(), name="round-cancel"),
]
