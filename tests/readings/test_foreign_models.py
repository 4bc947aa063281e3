"""A model from elsewhere is a reader that PUTs its readings: pre-annotations, never labels, hidden where blinded."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from backend.accounts.services import create_token
from backend.audit.models import Event
from backend.geometry.rle import encode_mask, mask_digest
from backend.learning.selectors import labels
from backend.projects.models import Assignment
from backend.readings.models import Lesion, Reader, Reading
from backend.registry.models import ForeignModel
from tests.rows import make_case, make_model, make_reading

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db
SCORE = 0.8137


@pytest.fixture
def program(lead, client):
    """A program with a lead's token that may only give readings."""
    from rest_framework.test import APIClient

    _, text = create_token(user=lead, name="CADe", scopes=["prediction", "blob.write"])
    made = APIClient()
    made.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return made


@pytest.fixture
def model(project, as_person, lead):
    answer = as_person(lead).post(f"{BASE}/foreign-models/", {"name": "CADe", "version": "2.1"}, format="json")
    assert answer.status_code == 201
    return answer.json()


def box(project, case, score: float = SCORE, **changed: object) -> dict:
    finding_type = project.finding_types.filter(scope="lesion").first()
    lesion = {"finding_type": finding_type.pk, "kind": "box", "points": [[1, 2], [11, 12]], "score": score}
    return {**lesion, "sop_instance_uid": case.instance.sop_instance_uid, **changed}


def put(program, model, case, lesions, revision=None, **more: object):
    body = {"revision_id": str(revision or uuid.uuid4()), "lesions": lesions, **more}
    return program.put(f"{BASE}/foreign-models/{model['id']}/predictions/{case.pk}/", body, format="json")


def show(as_person, lead, model, is_shown: bool = True) -> None:
    url = f"{BASE}/foreign-models/{model['id']}/"
    assert as_person(lead).patch(url, {"is_shown": is_shown}, format="json").json()["is_shown"] is is_shown


def test_registering_twice_gives_the_model_there_is_and_another_threshold_is_refused(project, as_person, lead, model):
    url = f"{BASE}/foreign-models/"
    again = as_person(lead).post(url, {"name": "CADe", "version": "2.1"}, format="json")
    assert again.status_code == 200 and again.json()["id"] == model["id"]
    other = as_person(lead).post(url, {"name": "CADe", "version": "2.1", "display_threshold": 0.2}, format="json")
    assert other.status_code == 409 and "another version" in other.json()["detail"]
    assert Reader.objects.get(foreign_model=model["id"]).name == "CADe 2.1"


def test_a_program_gives_its_readings_once_and_again_and_sees_nothing(project, program, model):
    case, revision = make_case(project), uuid.uuid4()
    first = put(program, model, case, [box(project, case), box(project, case, 0.1)], revision)
    again = put(program, model, case, [box(project, case), box(project, case, 0.1)], revision)
    assert (first.status_code, again.status_code) == (201, 200) and first.json() == again.json()
    other = put(program, model, case, [box(project, case)], revision)
    assert other.status_code == 409 and other.json()["code"] == "revision_reused"
    better = put(program, model, case, [box(project, case, 0.9)])
    assert better.status_code == 200 and better.json()["revision"] == 2
    reading = Reading.objects.get(reader__foreign_model=model["id"])
    assert [lesion.score for lesion in reading.lesions.all()] == [0.9] and reading.display_threshold == 0.5
    assert Event.objects.filter(verb="prediction.written").count() == 2
    listed = program.get(f"{BASE}/foreign-models/{model['id']}/predictions/").json()
    assert [row["case"] for row in listed["results"]] == [str(case.pk)] and "0.9" not in str(listed)
    for path in ("worklist/", f"cases/{case.pk}/", "readers/", "exports/coco/", "foreign-models/"):
        assert program.get(f"{BASE}/{path}").status_code == 403


def test_masks_and_image_findings_are_stored_as_given(project, program, model):
    case, mask = make_case(project), np.zeros((1, 3, 4), bool)
    mask[0, 1, 1:3] = True
    blob = encode_mask(mask)
    url = f"{BASE}/blobs/{mask_digest(blob)}/"
    assert program.put(url, blob, content_type="application/octet-stream").status_code == 201
    told = {"origin": [0, 5, 6], "shape": [1, 3, 4], "digest": mask_digest(blob)}
    image_type = project.finding_types.get(scope="image")
    lesion = box(project, case, kind="mask", mask=told)
    del lesion["points"]
    assert put(program, model, case, [lesion], image_findings={str(image_type.pk): 0.25}).status_code == 201
    stored = Lesion.objects.get(reading__case=case)
    assert (stored.mask_origin, stored.mask_shape, stored.mask_digest) == ([0, 5, 6], [1, 3, 4], mask_digest(blob))
    assert stored.reading.image_findings == {str(image_type.pk): 0.25}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"points": [[-1, 2], [11, 12]]}, "lesion 2: "),
        ({"sop_instance_uid": "1.2.3"}, "the case has no image 1.2.3"),
        ({"finding_type": 10**15}, "the project has no lesion type"),
        (
            {"kind": "mask", "points": [], "mask": {"origin": [0, 0, 0], "shape": [1, 2, 2], "digest": "0" * 64}},
            "not uploaded",
        ),
    ],
)
def test_a_lesion_that_cannot_be_stored_is_named_and_nothing_is(project, program, model, changed, reason):
    case = make_case(project)
    answer = put(program, model, case, [box(project, case), box(project, case, **changed)])
    assert answer.status_code == 400 and reason in answer.json()["detail"]
    assert not Reading.objects.filter(case=case).exists()


@pytest.mark.parametrize("score", [-0.1, 1.5, "nan", None])
def test_a_score_is_a_number_from_nought_to_one(project, program, model, score):
    case = make_case(project)
    assert put(program, model, case, [box(project, case, score)]).status_code == 400
    assert not Reading.objects.filter(case=case).exists()


def test_nobody_is_shown_it_before_the_lead_chooses_and_then_instead_of_what_serves(
    project, program, model, as_person, lead, reader
):
    project.blinded_share = 0
    project.save()
    case, other = make_case(project), make_case(project)
    ours = make_reading(make_model(project), case, scores=[0.7])
    put(program, model, case, [box(project, case), box(project, case, 0.2)])
    url = f"{BASE}/cases/{case.pk}/open/"
    room = as_person(reader).post(url).json()
    assert [found["id"] for found in room["model"]["findings"]] == [str(ours.lesions.get().pk)]
    show(as_person, lead, model)
    room = as_person(reader).post(url).json()
    assert room["model"]["name"] == "CADe 2.1" and room["model"]["version"] is None
    assert [found["score"] for found in room["model"]["findings"]] == [SCORE]  # 0.2 is below the threshold
    assert room["model"]["calibration"]["method"] == "none" and room["model"]["froc"] is None
    row = next(row for row in as_person(reader).get(f"{BASE}/worklist/").json()["results"] if row["id"] == str(case.pk))
    assert (row["top_score"], row["n_findings"]) == (SCORE, 1)
    # What a reader works from does not change any more, and stays when the lead shows something else.
    changed = put(program, model, case, [])
    assert changed.status_code == 409 and changed.json()["code"] == "in_use"
    assert put(program, model, other, []).status_code == 201
    show(as_person, lead, model, False)
    assert as_person(reader).get(f"{BASE}/cases/{case.pk}/").json()["model"]["name"] == "CADe 2.1"


def test_a_reader_decides_its_findings_as_any_models(project, program, model, as_person, lead, reader):
    project.blinded_share = 0
    project.save()
    case = make_case(project)
    put(program, model, case, [box(project, case)])
    show(as_person, lead, model)
    person = as_person(reader)
    room = person.post(f"{BASE}/cases/{case.pk}/open/").json()
    reading, found = room["reading"], room["model"]["findings"][0]
    lesion = {"id": str(uuid.uuid4()), "origin": "accepted", "origin_lesion": found["id"]}
    lesion |= {name: found[name] for name in ("finding_type", "kind", "sop_instance_uid", "frame", "points")}
    decision = {"predicted": found["id"], "kind": "accepted", "lesion": lesion["id"], "threshold": 0.5, "at_seconds": 3.0}
    change = {
        "revision_id": str(uuid.uuid4()),
        "verdict": "lesions",
        "lesions": {"upsert": [lesion], "remove": []},
        "decisions": {"upsert": [decision], "remove": []},
    }
    url = f"{BASE}/readings/{reading['id']}/"
    saved = person.put(url, change, format="json", HTTP_IF_MATCH=reading["etag"])
    assert saved.status_code == 200, saved.content
    assert person.post(f"{url}submit/", HTTP_IF_MATCH=saved.json()["etag"]).status_code == 200
    assert Lesion.objects.get(pk=lesion["id"]).origin_score == SCORE
    assert [one.reader.kind for one in labels(project, "POOL")] == ["person"]


def test_a_blinded_reader_finds_no_trace_of_it(project, program, model, as_person, lead, reader, reviewer):
    project.blinded_share = 1
    project.save()
    case = make_case(project)
    put(program, model, case, [box(project, case)])
    show(as_person, lead, model)
    planted = Lesion.objects.get(reading__case=case)
    traces = [str(SCORE), str(planted.pk), str(planted.reading_id), "CADe"]
    for person in (reader, reviewer):
        api = as_person(person)
        pages = [api.post(f"{BASE}/cases/{case.pk}/open/")]
        pages += [api.get(f"{BASE}/{path}") for path in (f"cases/{case.pk}/", "worklist/", "worklist/?score=0.5")]
        pages += [api.get(f"{BASE}/readings/{planted.reading_id}/revisions/"), api.get(f"{BASE}/")]
        for page in pages:
            assert not [trace for trace in traces if trace in page.content.decode()], page.request["PATH_INFO"]
    # A lead in the blinded arm knows which models there are, not what they said.
    api = as_person(lead)
    for page in (api.get(f"{BASE}/cases/{case.pk}/"), api.get(f"{BASE}/exports/coco/")):
        body = b"".join(page.streaming_content) if page.streaming else page.content
        assert str(SCORE).encode() not in body and str(planted.pk).encode() not in body
    assert Assignment.objects.filter(case=case, arm="blinded").count() == 2


def test_an_embargoed_case_takes_none_and_another_projects_model_is_not_there(project, program, model, as_person, lead):
    case = make_case(project, split="EMBARGOED")
    assert put(program, model, case, []).json()["code"] == "embargoed"
    assert put(program, {"id": model["id"] + 1}, case, []).status_code == 404


def test_one_model_at_most_is_shown(project, as_person, lead, model):
    url = f"{BASE}/foreign-models/"
    newer = as_person(lead).post(url, {"name": "CADe", "version": "3"}, format="json").json()
    show(as_person, lead, model)
    show(as_person, lead, newer)
    assert list(ForeignModel.objects.filter(is_shown=True).values_list("pk", flat=True)) == [newer["id"]]
