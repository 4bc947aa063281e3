"""Sign-in, sign-out and the password: allauth's views, and of them only those that this product uses."""

from __future__ import annotations

from allauth.account import views
from django.urls import URLPattern, path

urlpatterns: list[URLPattern] = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    # Closed: answers that accounts are made by the administrator.
    path("signup/", views.signup, name="account_signup"),
]
