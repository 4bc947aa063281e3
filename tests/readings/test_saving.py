"""A save stores exactly what was sent, once, or says why not."""

from __future__ import annotations

import hashlib
import uuid

import numpy as np
import pytest
from django.apps import apps

from backend.audit.models import Event
from backend.geometry.rle import encode_mask
from backend.projects.models import Assignment, FindingType
from backend.readings.models import Decision, Lesion, Reading, ReadingRevision

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


def put_blob(client, mask: np.ndarray) -> str:
    blob = encode_mask(mask)
    digest = hashlib.sha256(blob).hexdigest()
    answer = client.put(f"{BASE}/blobs/{digest}/", blob, content_type="application/octet-stream")
    assert answer.status_code in (200, 201), answer.content
    return digest


def test_a_mark_comes_back_as_it_was_drawn(reader, case, start) -> None:
    desk = start(reader, case)
    box = desk.box([10.25, 10], [30, 25.5])
    answer = desk.mark(box, verdict="lesions", comment="upper outer quadrant", active_seconds=12.5)
    assert answer.status_code == 200, answer.content
    reading = answer.json()
    assert answer["ETag"] == reading["etag"]
    assert (reading["revision"], reading["verdict"], reading["comment"]) == (1, "lesions", "upper outer quadrant")
    [lesion] = reading["lesions"]
    assert (lesion["id"], lesion["points"]) == (box["id"], [[10.25, 10.0], [30.0, 25.5]])
    assert (lesion["origin"], lesion["score"], lesion["moved_pixels"]) == ("drawn", None, None)
    again = desk.client.get(f"{BASE}/cases/{case.pk}/").json()["reading"]
    assert again == reading
    assignment = Assignment.objects.get(case=case, user=reader)
    assert (assignment.state, assignment.active_seconds) == ("in_progress", 12.5)
    assert Event.objects.filter(verb="reading.saved", actor="rita", object_id=reading["id"]).count() == 1


def test_a_save_changes_what_it_names_and_nothing_else(reader, case, start) -> None:
    desk = start(reader, case)
    first, second = desk.box(), desk.box([40, 40], [50, 50])
    desk.mark(first, second, comment="two")
    moved = {**first, "points": [[11, 10], [31, 25]]}
    reading = desk.save(lesions={"upsert": [moved], "remove": [second["id"]]}).json()
    assert [(lesion["id"], lesion["points"]) for lesion in reading["lesions"]] == [(first["id"], [[11, 10], [31, 25]])]
    assert reading["comment"] == "two"
    assert ReadingRevision.objects.filter(reading_id=reading["id"]).count() == 2


def test_without_if_match_nothing_is_saved(reader, case, start) -> None:
    desk = start(reader, case)
    answer = desk.client.put(desk.url, {"revision_id": str(uuid.uuid4()), "comment": "x"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (428, "if_match_required")
    assert Reading.objects.get(case=case).comment == ""


def test_a_stale_save_gets_the_current_reading(reader, case, start) -> None:
    desk = start(reader, case)
    old = desk.etag
    desk.save(comment="first tab")
    answer = desk.save(etag=old, comment="second tab")
    assert (answer.status_code, answer.json()["code"]) == (412, "stale")
    assert answer.json()["current"]["comment"] == "first tab"
    assert answer["ETag"] == desk.etag
    assert desk.save(comment="second tab, after a look").status_code == 200


def test_repeating_a_revision_returns_the_first_answer(reader, case, start) -> None:
    desk = start(reader, case)
    old, revision, box = desk.etag, str(uuid.uuid4()), desk.box()
    first = desk.save(revision_id=revision, lesions={"upsert": [box]})
    desk.save(comment="later")
    repeated = desk.save(etag=old, revision_id=revision, lesions={"upsert": [box]})
    assert repeated.status_code == 200
    assert repeated.json() == first.json()
    other = desk.save(etag=old, revision_id=revision, comment="not the same")
    assert (other.status_code, other.json()["code"]) == (409, "revision_reused")
    assert Lesion.objects.count() == 1


def test_geometry_off_the_image_is_refused_with_the_lesion_and_the_reason(reader, case, start) -> None:
    desk = start(reader, case)
    good, bad = desk.box(), desk.box([90, 70], [101, 75])
    answer = desk.mark(good, bad)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_lesions")
    assert list(answer.json()["lesions"]) == [bad["id"]]
    assert "partly outside the image" in answer.json()["lesions"][bad["id"]]
    assert not Lesion.objects.exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sop_instance_uid": "1.2.3"}, "no image"),
        ({"frame": 2}, "frames 1 to 1"),
        ({"finding_type": 0}, "no lesion type"),
        ({"kind": "mask", "points": []}, "has a mask"),
        (
            {"kind": "mask", "points": [], "mask": {"origin": [0, 0, 0], "shape": [1, 2, 2], "digest": "0" * 64}},
            "not uploaded",
        ),
        ({"mask": {"origin": [0, 0, 0], "shape": [1, 1, 1], "digest": "0" * 64}}, "no mask"),
        ({"attributes": {"margin": "odd"}}, "no attribute"),
        ({"origin": "accepted", "origin_lesion": str(uuid.uuid4())}, "no finding of a model"),
        ({"origin": "accepted"}, "no finding of a model"),
        ({"origin_lesion": str(uuid.uuid4())}, "comes from no predicted one"),
    ],
)
def test_a_lesion_that_cannot_be_is_refused(reader, case, start, change, reason) -> None:
    desk = start(reader, case)
    lesion = {**desk.box(), **change}
    answer = desk.mark(lesion)
    assert answer.status_code == 400, answer.content
    assert reason in answer.json()["lesions"][lesion["id"]]


def test_points_are_needed_for_a_box(reader, case, start) -> None:
    desk = start(reader, case)
    lesion = desk.box()
    del lesion["points"]
    assert "no points" in desk.mark(lesion).json()["lesions"][lesion["id"]]


def test_an_image_finding_is_no_lesion_type(reader, case, start, project) -> None:
    desk = start(reader, case)
    image_type = FindingType.objects.get(project=project, scope="image")
    lesion = {**desk.box(), "finding_type": image_type.pk}
    assert "no lesion type" in desk.mark(lesion).json()["lesions"][lesion["id"]]
    assert desk.save(image_findings={str(image_type.pk): "present"}).status_code == 200
    refused = desk.save(image_findings={str(image_type.pk): "perhaps"})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_finding")
    lesion_type = FindingType.objects.filter(project=project, scope="lesion").first()
    assert desk.save(image_findings={str(lesion_type.pk): "present"}).status_code == 400


def test_marks_and_attributes_follow_the_vocabulary(reader, case, start, project) -> None:
    benign = FindingType.objects.get(project=project, name="Benign mass")
    benign.allowed_marks, benign.attributes = ["box"], [{"name": "margin", "values": ["smooth", "lobulated"]}]
    benign.save()
    desk = start(reader, case)
    assert desk.mark(desk.box(attributes={"margin": "smooth"})).status_code == 200
    assert desk.mark(desk.box(attributes={"margin": "spiky"})).status_code == 400
    polygon = desk.box([0, 0], [10, 0], [5, 8], kind="polygon")
    assert "not marked by polygon" in desk.mark(polygon).json()["lesions"][polygon["id"]]


@pytest.mark.parametrize(
    ("said", "status"),
    [("0", 200), ("12.5", 200), ("200", 200), ("200.1", 400), ("-1", 400), ("1e2", 400), ("12,5", 400), ("", 400)],
)
def test_an_attribute_that_is_a_number_takes_numbers_within_its_limits(reader, case, start, project, said, status) -> None:
    number = {"unit": "mm", "least": 0, "most": 200}
    FindingType.objects.filter(project=project).update(attributes=[{"name": "diameter", "values": [], "number": number}])
    assert (desk := start(reader, case)).mark(desk.box(attributes={"diameter": said})).status_code == status


def test_a_retired_type_stays_on_old_marks_and_is_refused_on_new_ones(reader, lead, case, start, project, as_person) -> None:
    desk = start(reader, case)
    old = desk.box()
    desk.mark(old)
    benign = FindingType.objects.get(project=project, name="Benign mass")
    as_person(lead).patch(f"{BASE}/finding-types/{benign.pk}/", {"retired": True}, format="json")
    assert desk.mark(desk.box()).status_code == 200, "this draft was opened before"
    desk = start(reader, case)
    assert desk.mark({**old, "points": [[1, 1], [9, 9]]}).status_code == 200
    new = desk.box()
    assert "retired" in desk.mark(new).json()["lesions"][new["id"]]


def test_a_mask_is_stored_with_its_place_and_digest(reader, case, start) -> None:
    desk = start(reader, case)
    digest = put_blob(desk.client, np.ones((1, 3, 4), bool))
    mask = {"origin": [0, 77, 96], "shape": [1, 3, 4], "digest": digest}
    lesion = desk.box(kind="mask", points=[], mask=mask)
    answer = desk.mark(lesion)
    assert answer.status_code == 200, answer.content
    assert answer.json()["lesions"][0]["mask"] == mask
    assert desk.client.get(f"{BASE}/blobs/{digest}/").content == encode_mask(np.ones((1, 3, 4), bool))
    for wrong in ({"origin": [0, 78, 96]}, {"shape": [1, 3, 5]}, {"shape": [1, 4, 4], "origin": [0, 0, 0]}):
        bad = desk.box(kind="mask", points=[], mask={**mask, **wrong})
        assert desk.mark(bad).status_code == 400


def test_an_empty_mask_is_no_lesion(reader, case, start) -> None:
    desk = start(reader, case)
    digest = put_blob(desk.client, np.zeros((1, 3, 4), bool))
    lesion = desk.box(kind="mask", points=[], mask={"origin": [0, 0, 0], "shape": [1, 3, 4], "digest": digest})
    assert "empty" in desk.mark(lesion).json()["lesions"][lesion["id"]]


def test_a_blob_is_what_its_address_says(reader, case, as_person) -> None:
    client = as_person(reader)
    blob = encode_mask(np.ones((1, 2, 2), bool))
    digest = hashlib.sha256(blob).hexdigest()
    kind = {"content_type": "application/octet-stream"}
    assert client.put(f"{BASE}/blobs/{'0' * 64}/", blob, **kind).json()["code"] == "digest"
    odd = b"odd"
    assert client.put(f"{BASE}/blobs/{hashlib.sha256(odd).hexdigest()}/", odd, **kind).json()["code"] == "not_run_lengths"
    assert client.put(f"{BASE}/blobs/{digest}/", blob, **kind).status_code in (200, 201)
    assert client.put(f"{BASE}/blobs/{digest}/", blob, **kind).status_code == 200
    assert client.get(f"{BASE}/blobs/{digest}/").status_code == 404, "no reading that may be seen has it"


def test_a_lesion_of_another_reading_cannot_be_taken_over(reader, second_reader, case, start) -> None:
    first, second = start(reader, case), start(second_reader, case)
    box = first.box()
    first.mark(box)
    stolen = second.mark({**box, "points": [[1, 1], [5, 5]]})
    assert (stolen.status_code, stolen.json()["code"]) == (400, "id_taken")
    assert Lesion.objects.get(pk=box["id"]).points == [[10, 10], [30, 25]]


def test_another_readers_draft_is_not_there(reader, second_reader, lead, case, start, as_person) -> None:
    desk = start(reader, case)
    desk.mark(desk.box())
    for person in (second_reader, lead):
        client = as_person(person)
        body = {"revision_id": str(uuid.uuid4()), "comment": "mine now"}
        assert client.put(desk.url, body, format="json", headers={"If-Match": desk.etag}).status_code == 404
        assert client.post(f"{desk.url}submit/", headers={"If-Match": desk.etag}).status_code == 404
        assert client.get(f"{desk.url}revisions/").status_code == 404
        assert client.get(f"{BASE}/cases/{case.pk}/").json()["others"] == []


def test_every_revision_is_kept_and_shown_to_its_reader(reader, case, start) -> None:
    desk = start(reader, case)
    desk.save(comment="one")
    desk.save(comment="two")
    revisions = desk.client.get(f"{desk.url}revisions/").json()
    assert [(row["number"], row["content"]["comment"], row["author"]) for row in revisions] == [
        (2, "two", "rita"),
        (1, "one", "rita"),
    ]


def test_a_lease_that_ran_out_never_blocks_a_save(reader, second_reader, case, start) -> None:
    desk = start(reader, case)
    Assignment.objects.filter(case=case).update(lease_expires_at="2020-01-01T00:00Z")
    start(second_reader, case)
    assert desk.mark(desk.box()).status_code == 200


def test_a_series_is_marked_on_the_image_it_was_drawn_on(reader, assisted, start) -> None:
    from tests.rows import make_case

    assisted.unit = "series"
    assisted.save()
    case = make_case(assisted, count=5)
    desk = start(reader, case)
    assert [image["sop_instance_uid"][-2:] for image in desk.room["series"]["instances"]] == [".1", ".2", ".3", ".4", ".5"]
    assert desk.room["case"]["n_frames"] == 5
    uid = desk.room["series"]["instances"][3]["sop_instance_uid"]
    assert desk.mark(desk.box(sop_instance_uid=uid)).json()["lesions"][0]["sop_instance_uid"] == uid
    digest = put_blob(desk.client, np.ones((2, 3, 4), bool))
    mask = {"origin": [3, 0, 0], "shape": [2, 3, 4], "digest": digest}
    assert desk.mark(desk.box(kind="mask", points=[], mask=mask)).status_code == 200
    late = desk.box(kind="mask", points=[], mask={**mask, "origin": [4, 0, 0]})
    assert "frames 4 to 6, the case has 5" in desk.mark(late).json()["lesions"][late["id"]]


def test_removing_a_lesion_takes_all_that_refers_to_it(reader, second_reader, case, predicted, start) -> None:
    """As Django's delete() would, and of the own reading only."""
    desk, other = start(reader, case), start(second_reader, case)
    shown = desk.room["model"]["findings"][0]
    taken = desk.box(origin="accepted", origin_lesion=shown["id"])
    decision = {"predicted": shown["id"], "kind": "accepted", "lesion": taken["id"], "threshold": 0.4}
    assert desk.mark(taken, decisions={"upsert": [decision]}).status_code == 200
    theirs = other.box()
    assert other.mark(theirs).status_code == 200
    Lesion.objects.filter(pk=theirs["id"]).update(origin_lesion=taken["id"])
    desk.save(lesions={"remove": [taken["id"], theirs["id"], shown["id"]]})
    assert not Lesion.objects.filter(pk=taken["id"]).exists()
    assert Lesion.objects.get(pk=theirs["id"]).origin_lesion_id is None
    assert Lesion.objects.filter(pk=shown["id"]).exists()
    assert Decision.objects.get(predicted=shown["id"]).lesion_id is None


def test_nothing_but_what_the_removal_knows_refers_to_a_lesion() -> None:
    referring = {
        (field.model.__name__, field.name, field.remote_field.on_delete.__name__)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model is Lesion
    }
    known = {
        ("Decision", "predicted", "CASCADE"),
        ("Decision", "lesion", "SET_NULL"),
        ("Lesion", "origin_lesion", "SET_NULL"),
    }
    assert referring == known


def test_a_finding_type_or_image_that_no_database_can_hold_is_refused(reader, case, start) -> None:
    desk = start(reader, case)
    for change in ({"finding_type": 2**63}, {"finding_type": -(2**70)}, {"sop_instance_uid": "1.2"}):
        answer = desk.mark(desk.box(**change))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_lesions")


def test_what_makes_no_sense_is_refused_field_by_field(reader, case, start) -> None:
    desk = start(reader, case)
    answer = desk.save(lesions={"upsert": [desk.box(kind="cube")]}, verdict="perhaps")
    assert answer.status_code == 400
    assert set(answer.json()) == {"lesions", "verdict"} and "kind" in str(answer.json()["lesions"])
    assert desk.mark(desk.box()).status_code == 200


def a_measurement(desk, **change):
    sop = desk.room["series"]["instances"][0]["sop_instance_uid"]
    given = {"id": str(uuid.uuid4()), "kind": "length", "sop_instance_uid": sop, "frame": 1, "points": [[1, 1], [4, 5]]}
    return {**given, "text": "", **change}


def test_measurements_are_kept_with_the_reading_and_are_no_lesions(reader, case, start) -> None:
    desk = start(reader, case)
    length, arrow = a_measurement(desk), a_measurement(desk, kind="arrow", text="here")
    reading = desk.save(measurements=[length, arrow]).json()
    assert reading["measurements"] == [length, arrow]
    assert (reading["lesions"], reading["verdict"]) == ([], "")
    assert desk.client.get(f"{BASE}/cases/{case.pk}/").json()["reading"]["measurements"] == [length, arrow]
    assert desk.save(comment="none of them touched").json()["measurements"] == [length, arrow]
    assert desk.save(measurements=[arrow]).json()["measurements"] == [arrow]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"points": [[1, 1], [400, 5]]}, "outside the image"),
        ({"points": [[1, 1]]}, "has 2 points"),
        ({"sop_instance_uid": "1.2.3"}, "no image"),
        ({"frame": 2}, "frames 1 to 1"),
    ],
)
def test_a_measurement_that_cannot_be_is_refused(reader, case, start, change, reason) -> None:
    desk = start(reader, case)
    answer = desk.save(measurements=[a_measurement(desk, **change)])
    assert answer.status_code == 400 and reason in answer.json()["detail"], answer.content
    assert Reading.objects.get(case=case).measurements == []


def test_a_converted_lesion_remembers_what_it_was(reader, case, start) -> None:
    desk = start(reader, case)
    box = desk.box([10, 10], [30, 26])
    earlier = {name: box[name] for name in ("kind", "sop_instance_uid", "points")} | {"frame": 1, "mask": None}
    ellipse = {**box, "kind": "ellipse", "points": [[10, 18], [30, 18], [20, 10], [20, 26]], "drawn_as": earlier}
    [lesion] = desk.mark(ellipse).json()["lesions"]
    assert lesion["kind"] == "ellipse" and lesion["drawn_as"] == earlier
    [back] = desk.mark({**box, "drawn_as": None}).json()["lesions"]
    assert (back["kind"], back["points"], back["drawn_as"]) == ("box", box["points"], None)


def test_the_mask_that_a_contour_was_made_from_can_still_be_fetched(reader, outsider, case, start) -> None:
    desk = start(reader, case)
    digest = put_blob(desk.client, np.ones((1, 4, 6), dtype=bool))
    outline = desk.box()
    mask = {"origin": [0, 3, 5], "shape": [1, 4, 6], "digest": digest}
    earlier = {"kind": "mask", "sop_instance_uid": outline["sop_instance_uid"], "frame": 1, "points": [], "mask": mask}
    outline |= {"kind": "polygon", "points": [[5, 3], [11, 3], [11, 7], [5, 7]], "drawn_as": earlier}
    [lesion] = desk.mark(outline).json()["lesions"]
    assert lesion["mask"] is None and lesion["drawn_as"] == earlier
    assert desk.client.get(f"{BASE}/blobs/{digest}/").status_code == 200


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"points": [[0, 0], [500, 500]]}, "partly outside the image"),
        ({"sop_instance_uid": "1.2.3"}, "no image"),
        ({"kind": "mask", "points": []}, "has a mask"),
    ],
)
def test_what_a_lesion_was_must_have_been_a_valid_mark(reader, case, start, change, reason) -> None:
    desk = start(reader, case)
    box = desk.box()
    earlier = {"kind": "box", "sop_instance_uid": box["sop_instance_uid"], "frame": 1, "points": box["points"], "mask": None}
    answer = desk.mark({**box, "drawn_as": {**earlier, **change}})
    assert answer.status_code == 400 and reason in answer.json()["lesions"][box["id"]], answer.content
