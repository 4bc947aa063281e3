"""Images that left through DICOMweb are in the audit trail, whoever asked and however: once per person, series and hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from backend.audit.models import Event

RETRIEVALS = ["/metadata", "/frames/1", "", "/rendered", "/frames/1/rendered"]


def trail() -> list[tuple[str, str]]:
    """Who had which series."""
    return list(Event.objects.filter(verb="images.retrieved").order_by("pk").values_list("actor", "object_id"))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Moves the clock."""
    now = timezone.now

    def move(by: timedelta) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: now() + by)

    return move


@pytest.mark.parametrize("tail", RETRIEVALS)
def test_whoever_had_images_of_a_series_is_in_the_trail(project, reader, as_person, keep, example, url_of, tail):
    instance = keep(project, example("CT_small.dcm"))
    assert as_person(reader).get(url_of(project, instance, tail=tail)).status_code == 200
    event = Event.objects.get(verb="images.retrieved")
    assert (event.actor_id, event.actor, event.project_id) == (reader.pk, "rita", project.pk)
    assert (event.object_type, event.object_id) == ("series", instance.series.series_instance_uid)
    assert event.detail == {"study": instance.series.study.study_instance_uid}


@pytest.mark.parametrize("level", ["study", "series"])
@pytest.mark.parametrize("tail", ["/metadata", ""])
def test_a_study_and_a_series_tell_each_series_of_theirs(project, reader, as_person, keep, example, url_of, level, tail):
    dataset = example("CT_small.dcm")
    first = keep(project, dataset)
    dataset.SeriesInstanceUID += ".2"
    dataset.SOPInstanceUID += ".2"
    second = keep(project, dataset)
    as_person(reader).get(url_of(project, first, level, tail))
    told = {first.series.series_instance_uid} | ({second.series.series_instance_uid} if level == "study" else set())
    assert {series for _, series in trail()} == told and len(trail()) == len(told)


def test_scrolling_and_reloading_tell_it_once(project, reader, as_person, keep, example, url_of):
    instance = keep(project, example("CT_small.dcm"))
    client = as_person(reader)
    for tail in [*RETRIEVALS, *RETRIEVALS]:
        client.get(url_of(project, instance, tail=tail))
    assert len(trail()) == 1


def test_another_process_of_the_server_tells_it_no_second_time(project, reader, as_person, keep, example, url_of):
    from backend.audit import retrievals

    instance = keep(project, example("CT_small.dcm"))
    as_person(reader).get(url_of(project, instance, tail="/metadata"))
    retrievals.forget_all()
    as_person(reader).get(url_of(project, instance, tail="/metadata"))
    assert len(trail()) == 1


def test_images_looked_at_from_the_browsers_cache_are_told_too(project, reader, as_person, keep, example, url_of, later):
    instance = keep(project, example("CT_small.dcm"))
    client, url = as_person(reader), url_of(project, instance, "series", "/metadata")
    etag = client.get(url)["ETag"]
    later(timedelta(minutes=59))
    assert client.get(url, HTTP_IF_NONE_MATCH=etag).status_code == 304
    assert len(trail()) == 1
    later(timedelta(minutes=61))
    assert client.get(url, HTTP_IF_NONE_MATCH=etag).status_code == 304
    assert len(trail()) == 2


def test_each_person_is_told_for_himself(project, reader, second_reader, as_person, keep, example, url_of):
    instance = keep(project, example("CT_small.dcm"))
    for person in (reader, second_reader, reader):
        as_person(person).get(url_of(project, instance, tail="/metadata"))
    series = instance.series.series_instance_uid
    assert trail() == [("rita", series), ("sam", series)]


def test_what_was_refused_is_not_told(project, reader, outsider, as_person, keep, example, url_of):
    instance = keep(project, example("CT_small.dcm"), case=None)
    for tail in RETRIEVALS:
        assert as_person(reader).get(url_of(project, instance, tail=tail)).status_code == 404
        assert as_person(outsider).get(url_of(project, instance, tail=tail)).status_code == 404
    assert trail() == []


def test_an_event_that_cannot_be_written_keeps_the_images_back_and_is_tried_again(
    project, reader, as_person, keep, example, url_of, monkeypatch
):
    from django.db import OperationalError

    instance = keep(project, example("CT_small.dcm"))
    client, url = as_person(reader), url_of(project, instance, tail="/metadata")

    def locked(**event: object) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr("backend.audit.retrievals.record_event", locked)
        with pytest.raises(OperationalError):
            client.get(url)
    assert client.get(url).status_code == 200
    assert len(trail()) == 1
