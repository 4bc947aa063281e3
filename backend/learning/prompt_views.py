"""Endpoint of click-to-segment."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backend.geometry.marks import InvalidMark
from backend.learning.prompt_serializers import PromptSerializer, SegmentSerializer
from backend.learning.prompts import Prompt, PromptRefused, segment
from backend.projects.case_access import readable_case
from backend.projects.project_view import ProjectView


class CaseSegmentView(ProjectView):
    """What the project's network makes of a click, a stroke or a box."""

    operations: ClassVar[dict[str, str]] = {"POST": "case.segment"}

    @extend_schema(operation_id="case_segment", request=PromptSerializer, responses=SegmentSerializer)
    def post(self, request: Request, slug: str, case_id: UUID) -> Response:
        """The outline of the lesion that is pointed at, by the serving version; nothing is stored.

        409 `classical_only` where the case is read without the model, 409 `no_prompts` where no version answers prompts,
        503 `prompt_late` where no answer came in time: the reading room has tools that need no model.
        """
        case = readable_case(self.project, self.role, case_id)
        given = PromptSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        prompt = Prompt(**given.validated_data)
        try:
            said = segment(project=self.project, case=case, user=self.user, role=self.role, prompt=prompt)
        except InvalidMark as reason:
            raise ValidationError({"detail": str(reason)}) from reason
        except PromptRefused as refused:
            code = status.HTTP_503_SERVICE_UNAVAILABLE if refused.late else status.HTTP_409_CONFLICT
            return Response({"detail": str(refused), "code": refused.code}, status=code)
        return Response(said)
