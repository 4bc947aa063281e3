"""Holds whoever signed in with a one-time password at the page that changes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from backend.accounts.models import User

OPEN: Final = ("/accounts/", "/i18n/", "/static/", "/healthz", "/readyz")
WHO_AM_I: Final = "/api/v1/me/"


class PasswordChangeMiddleware:
    """Pages lead to the password page, the API answers 403 with code `must_change_password`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let through whoever has a password of his own."""
        if request.path.startswith(OPEN) or request.path == WHO_AM_I:
            return self.get_response(request)
        user = request.user
        if not (isinstance(user, User) and user.must_change_password):
            return self.get_response(request)
        if request.path.startswith(("/api/", "/dicom-web/")):
            return JsonResponse(
                {"detail": "Choose a password of your own first.", "code": "must_change_password"}, status=403
            )
        return HttpResponseRedirect(f"{reverse('account_change_password')}?{urlencode({'next': request.get_full_path()})}")
