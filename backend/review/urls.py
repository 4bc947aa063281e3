"""Routes of `review`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.review.views import ReviewEditView, ReviewListView

urlpatterns: list[URLPattern] = [
    path("projects/<slug:slug>/reviews/", ReviewListView.as_view(), name="reviews"),
    path("projects/<slug:slug>/reviews/edit/", ReviewEditView.as_view(), name="review-edit"),
]
