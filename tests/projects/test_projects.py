"""Projects, their vocabulary and their members through the API."""

from __future__ import annotations

import pytest

from backend.audit.models import Event
from backend.projects.colours import ACCENT, PALETTE, colour_difference
from backend.projects.models import FindingType, Membership, Project

NEW = {
    "name": "Chest X-ray",
    "question": "Is there a nodule?",
    "modality": "DX",
    "finding_types": [{"name": "Nodule", "key": "1"}, {"name": "Mass", "key": "2"}, {"name": "Effusion", "scope": "image"}],
    "members": [{"username": "rita", "role": "reader"}],
}


@pytest.fixture
def founder(make_person):
    return make_person("fay", may_create_projects=True)


def test_the_founder_becomes_lead_of_a_project_with_its_own_archive(founder, reader, as_person) -> None:
    answer = as_person(founder).post("/api/v1/projects/", NEW, format="json")
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["slug"], made["role"], made["vocabulary_version"]) == ("chest-x-ray", "lead", 1)
    assert made["archive"]["slug"] == "chest-x-ray"
    assert [(entry["name"], entry["colour"]) for entry in made["finding_types"]] == [
        ("Effusion", PALETTE[2]),
        ("Nodule", PALETTE[0]),
        ("Mass", PALETTE[1]),
    ]
    assert made["counts"] == {"cases": 0, "open": 0, "submitted": 0}
    assert Membership.objects.get(user=reader, project__slug="chest-x-ray").role == "reader"
    assert Event.objects.filter(verb="project.created", actor="fay").count() == 1
    assert as_person(founder).get("/api/v1/projects/").json() == [made]


def test_a_project_may_read_from_an_archive_whose_lead_founds_it(founder, project, as_person) -> None:
    client = as_person(founder)
    refused = client.post("/api/v1/projects/", {"name": "Third", "archive": "nowhere"}, format="json")
    foreign = client.post("/api/v1/projects/", {"name": "Third", "archive": "research"}, format="json")
    assert (refused.status_code, foreign.status_code) == (400, 400)
    assert foreign.content.replace(b"research", b"nowhere") == refused.content, (
        "who leads nothing there learns nothing of it"
    )
    assert not Project.objects.filter(name="Third").exists()
    Membership.objects.create(project=project, user=founder, role="lead")
    answer = client.post("/api/v1/projects/", {"name": "Second", "archive": "research"}, format="json")
    assert answer.json()["archive"]["slug"] == "research"


def test_who_may_not_create_projects_gets_403(reader, as_person) -> None:
    assert as_person(reader).post("/api/v1/projects/", NEW, format="json").status_code == 403


def test_a_slug_that_was_asked_for_is_not_changed_behind_ones_back(founder, project, as_person) -> None:
    client = as_person(founder)
    refused = client.post("/api/v1/projects/", {"name": "x", "slug": "breast"}, format="json")
    assert (refused.status_code, list(refused.json())) == (400, ["slug"])
    assert client.post("/api/v1/projects/", {"name": "Breast"}, format="json").json()["slug"] == "breast-2"


def test_shares_that_leave_nothing_to_train_on_are_refused(founder, as_person) -> None:
    shares = {"name": "x", "validation_share": 0.5, "holdout_share": 0.5}
    assert as_person(founder).post("/api/v1/projects/", shares, format="json").status_code == 400


def test_a_member_sees_only_own_projects(founder, reader, outsider, as_person) -> None:
    assert [p["slug"] for p in as_person(reader).get("/api/v1/projects/").json()] == ["breast"]
    assert as_person(outsider).get("/api/v1/projects/").json() == []
    assert as_person(outsider).get("/api/v1/projects/breast/").status_code == 404


def test_the_lead_changes_shares_and_everybody_reads_them(lead, reader, as_person) -> None:
    assert as_person(lead).patch("/api/v1/projects/breast/", {"blinded_share": 0.25}, format="json").status_code == 200
    assert as_person(reader).get("/api/v1/projects/breast/").json()["blinded_share"] == 0.25
    assert as_person(reader).patch("/api/v1/projects/breast/", {"blinded_share": 0.5}, format="json").status_code == 403
    assert Event.objects.get(verb="project.changed").detail == {"blinded_share": 0.25}


def test_each_change_of_the_vocabulary_raises_its_version(lead, as_person) -> None:
    client = as_person(lead)
    url = "/api/v1/projects/breast/finding-types/"
    added = client.post(url, {"name": "Calcification", "key": "3"}, format="json")
    assert (added.status_code, added.json()["since_version"], added.json()["colour"]) == (201, 2, "#bcffb9")
    one = f"{url}{added.json()['id']}/"
    assert client.patch(one, {"name": "Calcifications"}, format="json").json()["since_version"] == 2
    retired = client.patch(one, {"retired": True}, format="json").json()
    assert retired["retired_in_version"] == 4
    assert client.get("/api/v1/projects/breast/").json()["vocabulary_version"] == 4
    assert FindingType.objects.filter(name="Calcifications").exists()
    assert client.delete(one).status_code == 405


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "Benign mass"}, "name"),
        ({"name": "New", "key": "1"}, "key"),
        ({"name": "New", "colour": "#eaab20"}, "colour"),
        ({"name": "New", "colour": ACCENT}, "colour"),
        ({"name": "New", "colour": "red"}, "colour"),
        ({"name": "New", "allowed_marks": ["circle"]}, "allowed_marks"),
        ({"name": "New", "scope": "image", "allowed_marks": ["box"]}, "allowed_marks"),
        ({"name": "New", "attributes": [{"name": "a", "values": ["1", "1"]}]}, "attributes"),
        ({"name": "New", "attributes": [{"name": "a"}]}, "attributes"),
        ({"name": "New", "attributes": [{"name": "a", "values": ["1"], "number": {"unit": "mm"}}]}, "attributes"),
        ({"name": "New", "attributes": [{"name": "a", "number": {"least": 5, "most": 5}}]}, "attributes"),
    ],
)
def test_a_finding_type_that_cannot_be_told_apart_is_refused(lead, as_person, fields: dict, field: str) -> None:
    answer = as_person(lead).post("/api/v1/projects/breast/finding-types/", fields, format="json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert as_person(lead).get("/api/v1/projects/breast/").json()["vocabulary_version"] == 1


def test_a_custom_colour_far_from_the_others_is_taken(lead, as_person) -> None:
    answer = as_person(lead).post(
        "/api/v1/projects/breast/finding-types/", {"name": "New", "colour": "#FF2040"}, format="json"
    )
    assert answer.json()["colour"] == "#ff2040"


def test_the_palette_is_as_far_apart_as_it_claims() -> None:
    pairs = [(one, other) for at, one in enumerate(PALETTE) for other in PALETTE[at + 1 :]]
    assert min(colour_difference(one, other) for one, other in pairs) >= 29.5
    assert min(colour_difference(one, ACCENT) for one in PALETTE) >= 35.5
    assert colour_difference("#000000", "#ffffff") == pytest.approx(100, abs=0.01)


def test_the_last_lead_stays(lead, reader, as_person) -> None:
    client = as_person(lead)
    assert (
        client.put("/api/v1/projects/breast/members/", {"username": "lena", "role": "reader"}, format="json").status_code
        == 400
    )
    assert client.delete("/api/v1/projects/breast/members/lena/").status_code == 400
    assert (
        client.put("/api/v1/projects/breast/members/", {"username": "rita", "role": "lead"}, format="json").status_code
        == 200
    )
    assert client.delete("/api/v1/projects/breast/members/lena/").status_code == 204
    assert client.get("/api/v1/projects/breast/").status_code == 404
    assert list(Event.objects.filter(verb__startswith="member.").values_list("verb", flat=True)) == [
        "member.set",
        "member.removed",
    ]


def test_members_are_listed_with_their_roles(lead, reader, as_person) -> None:
    listed = as_person(reader).get("/api/v1/projects/breast/members/").json()
    assert [(member["username"], member["role"]) for member in listed] == [("lena", "lead"), ("rita", "reader")]
