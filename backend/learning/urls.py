"""Routes of `learning`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.learning.inquiry_views import InquiryCancelView, InquiryView, SecondLookView
from backend.learning.prompt_views import CaseSegmentView
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
    path("projects/<slug:slug>/cases/<uuid:case_id>/segment/", CaseSegmentView.as_view(), name="case-segment"),
    path("projects/<slug:slug>/inquiries/<str:kind>/", InquiryView.as_view(), name="inquiry"),
    path("projects/<slug:slug>/inquiries/<str:kind>/cancel/", InquiryCancelView.as_view(), name="inquiry-cancel"),
    path("projects/<slug:slug>/second-look/", SecondLookView.as_view(), name="second-look"),
]
