"""Who sees whose reading, and when."""

from __future__ import annotations

import pytest

from backend.readings.models import Reader
from backend.readings.selectors import readings_visible_to
from tests.rows import make_case, make_model, make_reading

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


def names(user, case) -> set[str]:
    return set(readings_visible_to(user, case).values_list("reader__name", flat=True))


@pytest.fixture
def truth(project):
    return Reader.objects.create(project=project, kind="imported", name="truth")


def test_an_assisted_reader_sees_the_serving_model_and_nobody_else(reader, second_reader, case, model, truth, start) -> None:
    make_reading(model, case, scores=[0.9])
    make_reading(make_model(case.project, state="candidate", number=2), case, scores=[0.9])
    make_reading(truth, case)
    start(second_reader, case)
    start(reader, case)
    assert names(reader, case) == {"rita", "v1"}


@pytest.mark.parametrize("split", ["POOL", "VALIDATION", "HOLDOUT"])
def test_a_blinded_reader_sees_only_the_own_reading(reader, project, truth, start, split: str) -> None:
    project.blinded_share = 1.0
    project.save()
    case = make_case(project, split=split)
    make_reading(make_model(project), case, scores=[0.9])
    make_reading(truth, case)
    assert names(reader, case) == set()
    desk = start(reader, case)
    assert names(reader, case) == {"rita"}
    assert (desk.room["arm"], desk.room["model"], desk.room["others"]) == ("blinded", None, [])
    desk.save(verdict="no_lesion")
    desk.submit()
    assert names(reader, case) == {"rita"}, "a reader may reopen, so submitting reveals nothing"
    assert desk.reopen().status_code == 200


@pytest.mark.parametrize("person", ["reviewer", "lead"])
def test_blinding_holds_for_reviewers_and_leads_until_they_submit(person, project, truth, start, request) -> None:
    user = request.getfixturevalue(person)
    case = make_case(project, split="VALIDATION", readings_submitted=1, is_open=False)
    make_reading(make_model(project), case, scores=[0.9])
    make_reading(truth, case)
    assert names(user, case) == set()
    desk = start(user, case)
    assert (desk.room["model"], desk.room["others"]) == (None, [])
    desk.save(verdict="no_lesion")
    desk.submit()
    assert {"truth", "v1"} < names(user, case)
    refused = desk.reopen()
    assert (refused.status_code, refused.json()["code"]) == (409, "blinded")


def test_a_reviewer_sees_others_only_after_an_own_reading(reviewer, reader, second_reader, assisted, truth, start) -> None:
    assisted.readings_wanted = 3
    assisted.save()
    case = make_case(assisted)
    make_reading(truth, case)
    drafted = start(second_reader, case)
    drafted.save(comment="not done")
    done = start(reader, case)
    done.save(verdict="no_lesion")
    done.submit()
    assert names(reviewer, case) == set()
    desk = start(reviewer, case)
    assert desk.room["others"] == []
    desk.save(verdict="no_lesion")
    desk.submit()
    assert names(reviewer, case) == {"vera", "rita", "truth"}
    others = desk.client.get(f"{BASE}/cases/{case.pk}/").json()["others"]
    assert {other["reader"]["name"] for other in others} == {"rita", "truth"}
    assert start(reader, case).room["others"] == [], "readers do not see each other"


def test_a_lead_may_look_at_a_finished_case_of_the_assisted_arm(lead, reader, case, truth, start, as_person) -> None:
    done = start(reader, case)
    done.save(verdict="no_lesion")
    done.submit()
    room = as_person(lead).get(f"{BASE}/cases/{case.pk}/").json()
    assert [other["reader"]["name"] for other in room["others"]] == ["rita"]
    revisions = as_person(lead).get(f"{BASE}/readings/{done.room['reading']['id']}/revisions/")
    assert revisions.status_code == 200


def test_an_outsider_sees_nothing(outsider, case, model) -> None:
    make_reading(model, case)
    assert names(outsider, case) == set()


def test_a_mask_of_a_hidden_reading_cannot_be_fetched(reader, second_reader, case, as_person, start) -> None:
    import hashlib

    import numpy as np

    from backend.geometry.rle import encode_mask

    blob = encode_mask(np.ones((1, 4, 4), bool))
    digest = hashlib.sha256(blob).hexdigest()
    desk = start(reader, case)
    desk.client.put(f"{BASE}/blobs/{digest}/", blob, content_type="application/octet-stream")
    mask = {"origin": [0, 0, 0], "shape": [1, 4, 4], "digest": digest}
    assert desk.mark(desk.box(kind="mask", points=[], mask=mask)).status_code == 200
    assert desk.client.get(f"{BASE}/blobs/{digest}/").status_code == 200
    assert as_person(second_reader).get(f"{BASE}/blobs/{digest}/").status_code == 404
