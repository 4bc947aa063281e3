"""Routes of `accounts`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.accounts.views import PersonListView, TokenListView, TokenView

urlpatterns: list[URLPattern] = [
    path("me/tokens/", TokenListView.as_view(), name="token-list"),
    path("me/tokens/<int:token_id>/", TokenView.as_view(), name="token"),
    path("users/", PersonListView.as_view(), name="user-list"),
]
