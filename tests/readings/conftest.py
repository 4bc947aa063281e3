"""A case to read, and a reader's way through the API."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.rows import make_case, make_model, make_reading

BASE = "/api/v1/projects/breast"


class Reading:
    """A reader at work on one case: opens it, saves, submits, and remembers the etag."""

    def __init__(self, client: Any, case: Any) -> None:
        self.client, self.case = client, case
        self.room = client.post(f"{BASE}/cases/{case.pk}/open/").json()
        self.etag = self.room["reading"]["etag"]
        self.url = f"{BASE}/readings/{self.room['reading']['id']}/"

    def save(self, *, etag: str | None = None, revision_id: str | None = None, **change: Any) -> Any:
        body = {"revision_id": revision_id or str(uuid.uuid4()), **change}
        answer = self.client.put(self.url, body, format="json", headers={"If-Match": etag or self.etag})
        return self._seen(answer)

    def mark(self, *lesions: dict[str, Any], **change: Any) -> Any:
        return self.save(lesions={"upsert": list(lesions)}, **change)

    def submit(self, *, etag: str | None = None) -> Any:
        return self._seen(self.client.post(f"{self.url}submit/", headers={"If-Match": etag or self.etag}))

    def reopen(self) -> Any:
        return self._seen(self.client.post(f"{self.url}reopen/"))

    def box(self, *points: list[float], **more: Any) -> dict[str, Any]:
        """A lesion to send."""
        instance = self.room["series"]["instances"][0]
        finding_type = self.case.project.finding_types.filter(scope="lesion").order_by("position").first()
        return {
            "id": str(uuid.uuid4()),
            "finding_type": finding_type.pk,
            "kind": "box",
            "sop_instance_uid": instance["sop_instance_uid"],
            "points": [list(point) for point in points] or [[10, 10], [30, 25]],
            **more,
        }

    def _seen(self, answer: Any) -> Any:
        if answer.status_code == 200:
            self.etag = answer.json()["etag"]
        return answer


@pytest.fixture
def assisted(project):
    """The project without blinded assignments in the POOL."""
    project.blinded_share = 0.0
    project.save()
    return project


@pytest.fixture
def case(assisted):
    return make_case(assisted)


@pytest.fixture
def model(assisted):
    return make_model(assisted)


@pytest.fixture
def predicted(model, case):
    """The serving model's reading: three findings reach its threshold, one does not."""
    return make_reading(model, case, scores=[0.9, 0.8, 0.5, 0.3])


@pytest.fixture
def start(as_person):
    def begin(person: Any, case: Any) -> Reading:
        return Reading(as_person(person), case)

    return begin
