"""The Python client of Overread: it speaks the HTTP API and knows neither Django nor the rest of this repository.

from overread_client import connect

server = connect("https://overread.example.org", "ovr_…")
project = server.project("breast")
for reading in project.readings():
    for lesion in reading.lesions:
        print(lesion.finding_type, lesion.kind, lesion.points, lesion.masks)
"""

from __future__ import annotations

from .errors import Conflict, Forbidden, NotFound, OverreadError, Refused, Unreachable, Unsigned
from .foreign_model import ForeignModel, PredictedLesion
from .projects import Case, Project
from .readings import Lesion, Reading
from .server import Server, connect

__all__ = [
    "Case",
    "Conflict",
    "Forbidden",
    "ForeignModel",
    "Lesion",
    "NotFound",
    "OverreadError",
    "PredictedLesion",
    "Project",
    "Reading",
    "Refused",
    "Server",
    "Unreachable",
    "Unsigned",
    "connect",
]
