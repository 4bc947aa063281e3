"""The base of every view below a project: finds the project, the caller's role, and asks the access table."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from backend.accounts.access import is_allowed, scopes_include
from backend.accounts.models import ApiToken, User
from backend.projects.membership_lookup import find_membership
from backend.projects.models import Membership, Project
from backend.projects.shown_names import ShownNames, names_shown_to


class ProjectView(APIView):
    """A view under `/projects/<slug>/`.

    `operations` maps each HTTP method to a row of `backend.accounts.access.ACCESS`. After `initial` the view has
    `self.user`, `self.project`, `self.membership` and `self.role`. No member: 404, as for a project that is not there.
    """

    permission_classes = [IsAuthenticated]
    operations: ClassVar[dict[str, str]] = {}
    user: User
    project: Project
    membership: Membership
    role: str

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, then resolve project and role, then ask the table."""
        super().initial(request, *args, **kwargs)
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in self.operations:
            return
        if not isinstance(request.user, User):
            raise NotAuthenticated()
        membership = find_membership(slug=kwargs["slug"], user_id=request.user.pk)
        if membership is None:
            raise Http404("No such project.")
        self.user, self.membership, self.project, self.role = (request.user, membership, membership.project, membership.role)
        operation = self.operations[method]
        if not is_allowed(operation, self.role):
            raise PermissionDenied(f"Your role in this project ({self.role}) does not include this.")
        if isinstance(request.auth, ApiToken) and not scopes_include(request.auth.scopes, operation):
            raise PermissionDenied(f"This token's scopes do not include {operation}.")


def asked_number(request: Request, name: str, default: int, *, digits: int = 9) -> int:
    """A whole number of the query, the default where it says none; ValidationError for what is no such number."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > digits:
        raise ValidationError({name: ["A whole number, 0 or more."]})
    return int(text)


def shown_names(view: ProjectView) -> ShownNames:
    """How the caller sees names of received files."""
    return names_shown_to(view.membership, view.project.archive)
