"""A project's slow things, as polled by the page while it is visible."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from backend.jobs.models import Job, JobState
from backend.jobs.selectors import jobs_of_project
from backend.projects.conditional import conditional_answer
from backend.projects.project_view import ProjectView

NEWEST = 100
"""The list is for following what runs; history is on the pages of rounds and imports."""


class JobSerializer(serializers.Serializer[Any]):
    """How far one slow thing is."""

    id = serializers.CharField()
    task = serializers.CharField()
    state = serializers.ChoiceField(choices=JobState.choices)
    progress = serializers.DictField()
    error = serializers.CharField()
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


def job_document(job: Job) -> dict[str, Any]:
    """What the page is told of a job."""
    return dict(JobSerializer(job).data)


class JobListView(ProjectView):
    """The newest jobs of the project."""

    operations: ClassVar[dict[str, str]] = {"GET": "job.list"}

    @extend_schema(
        operation_id="job_list",
        parameters=[OpenApiParameter("active", bool, description="Only those that wait or run.")],
        responses=JobSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponse | Response:
        """Newest first; with `active=1` only those that wait or run."""
        active = request.query_params.get("active") in ("1", "true")
        return conditional_answer(
            request, [job_document(job) for job in jobs_of_project(self.project.pk, active=active)[:NEWEST]]
        )


class JobDetailView(ProjectView):
    """One job of the project."""

    operations: ClassVar[dict[str, str]] = {"GET": "job.read"}

    @extend_schema(operation_id="job_read", responses=JobSerializer)
    def get(self, request: Request, slug: str, job_id: UUID) -> HttpResponse | Response:
        """Its state and progress; 304 while nothing has changed."""
        job = jobs_of_project(self.project.pk).filter(pk=job_id).first()
        if job is None:
            raise Http404("No such job.")
        return conditional_answer(request, job_document(job))
