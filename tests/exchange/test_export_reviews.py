"""An export narrowed by what became of the readings in review, which manifest and table say of each."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest
from django.utils import timezone

from backend.archive.store import get_object
from backend.exchange.export_runs import ExportOrder, export_now
from backend.exchange.export_selection import ExportFilter, exported_readings, filter_of
from backend.readings.models import Reading
from backend.readings.services import person_reader
from backend.review.models import Review
from tests.rows import make_case, make_edit, make_reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def readings(project, reader, reviewer) -> dict[str, Reading]:
    """One that was agreed with, one edited and its edit, one agreed with before it was changed, and an untouched one."""
    project.blinded_share = 0
    project.save()
    own = person_reader(project=project, user=reader)
    names = ("agreed", "edited", "changed", "untouched")
    made = {name: make_reading(own, make_case(project, is_open=False), scores=[None]) for name in names}
    for name in ("agreed", "changed"):
        Review.objects.create(
            reading=made[name], revision=made[name].revision, reviewer=reviewer, decision="agreed", comment="Well seen",
            decided_at=timezone.now(),
        )  # fmt: skip
    made["changed"].revision += 1
    made["changed"].save()
    return made | {"edit": make_edit(made["edited"], person_reader(project=project, user=reviewer))}


def test_an_export_holds_what_was_agreed_with_edited_or_neither_as_asked(project, lead, readings, as_person):
    def chosen(*reviews: str, **more: bool) -> set[str]:
        found = exported_readings(project=project, by=lead, chosen=ExportFilter(reviews=reviews, **more))
        return {name for name, reading in readings.items() if reading in found}

    assert chosen("agreed") == {"agreed"}
    assert chosen("edited") == {"edit"} and chosen("edited", superseded=True) == {"edit", "edited"}
    assert chosen("none") == {"changed", "untouched"}
    assert chosen("agreed", "edited") == {"agreed", "edit"} and len(chosen()) == 4
    assert filter_of(ExportFilter(reviews=["agreed"]).as_json()) == ExportFilter(reviews=["agreed"])
    body = {"format": "coco", "filter": {"reviews": ["edited", "agreed"]}}
    client, path = as_person(lead), "/api/v1/projects/breast/exports/preview/"
    assert client.post(path, body, format="json").json()["counts"]["readings"] == 2
    assert client.post(path, {**body, "filter": {"reviews": ["liked"]}}, format="json").status_code == 400


def test_manifest_and_table_tell_the_decision_and_not_whose_it_was(project, lead, reviewer, readings):
    run = export_now(project=project, by=lead, order=ExportOrder("table", ExportFilter(superseded=True)))
    archive = zipfile.ZipFile(io.BytesIO(get_object(run.key)))
    expected = {"agreed": "agreed", "edited": "edited", "edit": "edited", "changed": "none", "untouched": "none"}
    by_id = {str(readings[name].pk): outcome for name, outcome in expected.items()}
    manifest = json.loads(archive.read("manifest.json"))
    assert {one["id"]: one["review"] for one in manifest["readings"]} == by_id
    table = archive.read("lesions.csv").decode()
    assert {row["reading_id"]: row["review"] for row in csv.DictReader(io.StringIO(table))} == by_id
    run = export_now(project=project, by=lead, order=ExportOrder("table", ExportFilter(reviews=["agreed"])))
    archive = zipfile.ZipFile(io.BytesIO(get_object(run.key)))
    for name in archive.namelist():
        text = archive.read(name).decode()
        assert "Well seen" not in text and reviewer.shown_name not in text and reviewer.get_username() not in text
