"""A server, signed in."""

from __future__ import annotations

from typing import Unpack, cast

from .projects import Project
from .schema import Me, ProjectInRequest
from .schema import Project as ProjectDocument
from .transport import Transport


class Server:
    """What a token may do on one server."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def me(self) -> Me:
        """Who the token belongs to."""
        return cast(Me, self.transport.call("me_read"))

    def projects(self) -> list[Project]:
        """The projects of which the token's owner is a member."""
        return [Project(self.transport, document) for document in self.transport.call("project_list")]

    def project(self, slug: str) -> Project:
        """One project; NotFound for one that is not there, or not for this caller."""
        return Project(self.transport, cast(ProjectDocument, self.transport.call("project_read", slug=slug)))

    def create_project(self, **fields: Unpack[ProjectInRequest]) -> Project:
        """Make a project (name, question, modality, unit, finding_types, …) and lead it."""
        return Project(self.transport, self.transport.call("project_create", json=fields))


def connect(url: str, token: str, *, retries: int = 6, allow_http: bool = False) -> Server:
    """A server by its address and a bearer token; plain http is refused except to this machine."""
    return Server(Transport(url, token, retries=retries, allow_http=allow_http))
