"""A reading whose place a reviewer's edit has taken goes out only where it is asked for."""

from __future__ import annotations

import pytest

from backend.dimse.selectors import sendable_readings
from backend.exchange.export_documents import exports_of
from backend.exchange.export_selection import ExportFilter, exported_readings, filter_of
from backend.exchange.models import DerivedObject, ExportRun
from backend.exchange.published_selectors import published_instances
from backend.readings.models import Reading
from backend.readings.services import person_reader
from tests.rows import make_case, make_edit, make_instances, make_reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(project, reader):
    project.blinded_share = 0
    project.save()
    return make_reading(person_reader(project=project, user=reader), make_case(project, is_open=False), scores=[None])


@pytest.fixture
def edit(project, done, reviewer):
    return make_edit(done, person_reader(project=project, user=reviewer))


def test_an_export_holds_the_edit_and_the_original_only_where_asked_for(project, lead, done, edit) -> None:
    def chosen(**limits) -> set:
        return set(exported_readings(project=project, by=lead, chosen=ExportFilter(**limits)))

    assert chosen() == {edit}
    assert chosen(superseded=True) == {done, edit}
    Reading.objects.filter(pk=edit.pk).update(state="draft")
    assert chosen() == {done}


def test_the_filter_is_kept_with_the_export() -> None:
    assert ExportFilter(superseded=True).as_json() == {"superseded": True}
    assert filter_of({"superseded": True}) == ExportFilter(superseded=True)
    assert filter_of({}) == ExportFilter()


def test_a_preview_counts_as_the_filter_says(lead, as_person, done, edit) -> None:
    client = as_person(lead)
    for limits, expected in (({}, 1), ({"superseded": True}, 2)):
        body = {"format": "coco", "filter": limits}
        told = client.post("/api/v1/projects/breast/exports/preview/", body, format="json").json()
        assert told["counts"]["readings"] == expected, told


def test_only_the_edit_can_be_sent_to_another_archive(project, lead, done, edit) -> None:
    assert list(sendable_readings(project, lead)) == [edit]


def test_what_was_published_of_the_original_is_shown_no_more(project, lead, reader, reviewer, done) -> None:
    run = ExportRun.objects.create(project=project, format="dicom_seg", state="done")
    (instance,) = make_instances(project)
    DerivedObject.objects.create(project=project, run=run, instance=instance, reading=done, revision=done.revision)
    people = ((lead, "lead"), (reader, "reader"), (reviewer, "reviewer"))

    def shown() -> list[bool]:
        return [bool(published_instances(project=project, user=user, role=role)) for user, role in people]

    assert (shown(), exports_of(project).get().n_current) == ([True, True, True], 1)
    make_edit(done, person_reader(project=project, user=reviewer))
    assert (shown(), exports_of(project).get().n_current) == ([False, False, False], 0)
