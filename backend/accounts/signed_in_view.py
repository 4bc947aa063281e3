"""The base of every API view that belongs to no project: asks the access table for a signed-in person or administrator."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from backend.accounts.access import is_allowed, scopes_include
from backend.accounts.models import ApiToken, User


class SignedInView(APIView):
    """`operations` maps each HTTP method to a row of `backend.accounts.access.ACCESS`; `self.user` is the caller."""

    permission_classes = [IsAuthenticated]
    operations: ClassVar[dict[str, str]] = {}
    user: User

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, then ask the table, then the token's scopes."""
        super().initial(request, *args, **kwargs)
        if not isinstance(request.user, User):
            raise NotAuthenticated()
        self.user = request.user
        method = "GET" if request.method == "HEAD" else str(request.method)
        operation = self.operations.get(method)
        if operation is None:
            return
        roles = ("signed_in", "admin") if self.user.is_superuser else ("signed_in",)
        if not any(is_allowed(operation, role) for role in roles):
            raise PermissionDenied("Only an administrator of this server may do this.")
        if isinstance(request.auth, ApiToken) and not scopes_include(request.auth.scopes, operation):
            raise PermissionDenied(f"This token's scopes do not include {operation}.")
